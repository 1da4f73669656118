//! Hosts of an SSH configuration on the command line.

use crate::scene::Scene;

/// A scene whose home folder has `config`; `@PORT@` is the SFTP server's port.
fn scene(config: &str) -> Scene {
    let scene = Scene::new();
    std::fs::create_dir(scene.home(".ssh")).unwrap();
    write(&scene, ".ssh/config", config);
    scene
}

fn write(scene: &Scene, name: &str, config: &str) {
    let port = scene.sftp.as_ref().unwrap().addr.port().to_string();
    std::fs::write(scene.home(name), config.replace("@PORT@", &port)).unwrap();
}

const WORK: &str = "Host Work *.corp\n HostName 127.0.0.1\n Port @PORT@\n User ann\n";

#[test]
fn a_host_is_named_instead_of_a_url() {
    let scene = scene(WORK);
    for location in ["Work:/sub", "work:sub", "Work:~/sub", "ann@Work:/sub", "any.corp:/sub", "sftp://work/sub", "sftp://x.corp/~/sub"] {
        assert_eq!(scene.sealift(&["ls", location]).exits(0).says(&[]).lines(), ["deep", "b.txt"], "{location}");
    }
    assert_eq!(scene.sealift(&["ls", "--json", "Work:"]).exits(0).line_with("name", "a.txt")["size"], 5);
    scene.put("up.txt", b"up");
    scene.sealift(&["copy", "up.txt", "Work:/sub"]).exits(0);
    assert_eq!(scene.sealift(&["cat", "Work:sub/up.txt"]).exits(0).out, "up");
}

#[test]
fn what_the_url_says_wins_and_what_lies_here_too() {
    let scene = scene(WORK);
    scene.sealift(&["ls", "sftp://bob@work/"]).fails(5, &["refused the login"]);
    scene.sealift(&["ls", "sftp://work:1/"]).fails(4, &["127.0.0.1:1"]);
    scene.put("Work:", b"mine");
    assert_eq!(scene.sealift(&["cat", "Work:"]).exits(0).out, "mine");
    // Without a colon a verb means a file.
    scene.sealift(&["ls", "Work"]).fails(8, &["Work"]);
    scene.sealift(&["copy", "Work:", "other:name"]).exits(0);
    assert_eq!(scene.read("other:name"), "mine");
}

#[test]
fn another_file_or_none_is_read() {
    let scene = scene(WORK);
    write(&scene, "other", &WORK.replace("Work", "elsewhere"));
    let other = scene.home("other");
    scene.sealift(&["ls", "elsewhere:", "-F", other.to_str().unwrap()]).exits(0);
    scene.sealift(&["ls", "sftp://work/", "--ssh-config", other.to_str().unwrap()]).fails(4, &["work"]);
    scene.sealift(&["ls", "sftp://work/", "-F", "none"]).fails(4, &["work"]);
    scene.sealift(&["ls", "sftp://work/"]).env("SEALIFT_SSH_CONFIG", "false").fails(4, &["work"]);
    scene.sealift(&["ls", "sftp://work/", "-F", "/nowhere/config"]).fails(1, &["/nowhere/config", "cannot be read"]);
}

#[test]
fn what_is_odd_is_told_once_and_what_is_wrong_stops_only_whom_it_concerns() {
    let scene = scene(&format!("Colour red\n{WORK} KnownHostsCommand /x\nHost broken\n Port many\n"));
    let told = scene.sealift(&["copy", "Work:/a.txt", "Work:/100% sure; #1?.txt", "."]).exits(0).err;
    for words in ["config line 1: there is no keyword \"colour\"", "config line 8: a port is a number", "KnownHostsCommand"] {
        assert_eq!(told.matches(words).count(), 1, "{words}\n{told}");
    }
    scene.sealift(&["ls", "broken:"]).fails(1, &[".ssh/config line 8: a port is a number", "Mend the SSH configuration"]);
    let path = scene.home(".ssh/config");
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    scene.sealift(&["ls", "sftp://work/"]).fails(1, &["can be written by others", "chmod go-w"]);
    // FTP does not ask it.
    scene.sealift(&["ls", &scene.ftps("/")]).exits(0);
}

#[test]
fn looking_at_a_host_follows_the_configuration_that_was_named() {
    let scene = scene("");
    write(&scene, "other", WORK);
    let other = scene.home("other");
    let print = scene.sftp_print.openssh();
    let shown = scene.bare(&["cert", "show", "sftp://work", "-F", other.to_str().unwrap()]).exits(0).out;
    assert!(shown.contains(&print), "{shown}");
    scene.bare(&["cert", "verify", "sftp://work", "-F", other.to_str().unwrap()]).fails(2, &["host key"]);
    scene.bare(&["cert", "show", "sftp://work", "-F", "none"]).fails(4, &["work"]);
}
