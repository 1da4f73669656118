//! `site`: a site is kept, stands wherever a URL does, holds what is set for it, and never a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::scene::{PASSWORD, Scene};

fn keep(scene: &Scene, arguments: &[&str]) {
    scene.bare(&[&["site", "add"], arguments].concat()).exits(0);
}

#[test]
fn sites_are_kept_changed_and_removed() {
    let scene = Scene::new();
    scene.bare(&["site", "list"]).exits(0).says(&["no site is kept yet"]);
    keep(&scene, &["bank/payroll", "ftpes://payroll@files.bank.example/in", "--level", "most-secure", "--connections", "2"]);
    keep(&scene, &["bank/old/web", "sftp://ann@www.example.com", "--key", "id_web", "--notes", "Ann's; never on a Friday"]);
    let file = scene.home("config/sites.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let listed = scene.bare(&["site", "list", "--json"]).exits(0);
    assert_eq!(listed.line_with("name", "bank/payroll")["level"], "most-secure");
    assert_eq!(listed.json().last().unwrap()["summary"]["sites"], 2);
    assert_eq!(scene.bare(&["site", "list", "bank/old"]).exits(0).lines().len(), 1);
    assert!(scene.bare(&["site", "list", "--search", "friday"]).exits(0).out.starts_with("bank/old/web"));

    scene
        .bare(&["site", "edit", "Bank/Payroll", "--level", "none", "--identity", "later"])
        .exits(0)
        .says(&["no identity called later yet"]);
    let shown = scene.bare(&["site", "show", "bank/payroll", "--json"]).exits(0).json().remove(0);
    assert_eq!((&shown["level"], &shown["identity"], &shown["connections"]), (&serde_json::Value::Null, &"later".into(), &2.into()));
    scene.bare(&["site", "edit", "bank/payroll"]).fails(2, &["nothing is to be changed"]);

    scene.bare(&["site", "rename", "bank", "partners/bank"]).exits(0);
    scene.bare(&["site", "rename", "partners/bank/old/web", "web"]).exits(0);
    let names: Vec<_> = scene
        .bare(&["site", "list", "--json"])
        .exits(0)
        .json()
        .iter()
        .filter_map(|line| line["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names, ["partners/bank/payroll", "web"]);
    scene.bare(&["site", "remove", "web", "--yes"]).exits(0);
    scene.bare(&["site", "show", "web"]).fails(1, &["no site called web", "sealift site list"]);
    scene.bare(&["site", "add", "partners/BANK/payroll", "sftp://h"]).fails(1, &["already", "site edit"]);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let scene = Scene::new();
    let told = scene.bare(&["site", "add", "a", &format!("ftpes://ann:{PASSWORD}@h")]).fails(2, &["password", "--password-command"]);
    assert!(!told.err.contains(PASSWORD));
    scene.bare(&["site", "add", "a:b", "sftp://h"]).fails(2, &["is no name for a site"]);
    scene.bare(&["site", "add", "a", "h"]).fails(2, &["scheme"]);
    scene.bare(&["site", "add", "a", "sftp://h", "--data-mode", "active"]).fails(2, &["--data-mode means nothing over sftp://"]);
    scene.bare(&["site", "add", "a", "sftp://h", "--charset", "latin1"]).fails(2, &["--charset means nothing over sftp://"]);
    scene.bare(&["site", "add", "a", "ftpes://h", "--charset", "klingon"]).fails(2, &["\"klingon\"", "windows-1252"]);
    scene.bare(&["site", "add", "a", "ftpes://h", "--key", "x"]).fails(2, &["--key means nothing"]);
    assert!(!scene.home("config/sites.toml").exists());

    let file = scene.home("config/sites.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("[[site]]\nname = \"a\"\nurl = \"sftp://h\"\npassword = \"{PASSWORD}\"\n")).unwrap();
    let told = scene.bare(&["site", "list"]).exits(0).says(&["sites.toml line 4", "reads like a secret"]);
    assert!(!told.err.contains(PASSWORD));
    fs::write(&file, "[[site]]\nname = \n").unwrap();
    scene.bare(&["site", "list"]).fails(2, &["sites.toml line 2", "mend"]);
}

#[test]
fn the_charset_of_a_site_is_kept_under_its_own_name_and_taken_back() {
    let scene = Scene::new();
    keep(&scene, &["old", "ftpes://h", "--charset", "Latin1"]);
    let shown = scene.bare(&["site", "show", "old"]).exits(0).out;
    assert!(shown.contains("charset         windows-1252"), "{shown}");
    scene.bare(&["site", "edit", "old", "--charset", "SJIS"]).exits(0);
    assert_eq!(scene.bare(&["site", "show", "old", "--json"]).exits(0).json()[0]["charset"], "shift_jis");
    scene.bare(&["site", "edit", "old", "--charset", ""]).exits(0);
    assert!(!fs::read_to_string(scene.home("config/sites.toml")).unwrap().contains("charset"));
}

#[test]
fn whether_files_are_hashed_by_programs_there_is_kept_and_taken_back() {
    let scene = Scene::new();
    keep(&scene, &["web", "sftp://h", "--remote-commands", "no"]);
    let file = || fs::read_to_string(scene.home("config/sites.toml")).unwrap();
    assert!(file().contains("remote_commands = false"), "{}", file());
    let shown = || scene.bare(&["site", "show", "web", "--json"]).exits(0).json().remove(0);
    assert_eq!(shown()["remote_commands"], false);
    assert!(scene.bare(&["site", "show", "web"]).exits(0).out.contains("remote_commands no"));
    scene.bare(&["site", "edit", "web", "--remote-commands", "yes"]).exits(0);
    assert_eq!(shown()["remote_commands"], true);
    scene.bare(&["site", "edit", "web", "--remote-commands", "default"]).exits(0);
    assert!(!file().contains("remote_commands"), "{}", file());
    scene.bare(&["site", "add", "a", "ftpes://h", "--remote-commands", "no"]).fails(2, &["--remote-commands means nothing over ftpes://"]);
}

#[test]
fn a_name_stands_wherever_a_url_does() {
    let scene = Scene::new();
    keep(&scene, &["lab/ftps", &scene.ftps("/sub")]);
    keep(&scene, &["lab/ssh", &scene.sftp("/sub")]);
    for name in ["lab/ftps", "lab/ssh"] {
        assert_eq!(scene.sealift(&["ls", &format!("{name}:")]).exits(0).lines(), ["deep", "b.txt"], "{name}");
        assert_eq!(scene.sealift(&["cat", &format!("{name}:/sub/deep/c.txt")]).exits(0).out, "deep");
    }
    scene.put("up.txt", b"up");
    scene.sealift(&["copy", "up.txt", "lab/ssh:/sub"]).exits(0);
    assert_eq!(scene.sealift(&["cat", "lab/ssh:/sub/up.txt"]).exits(0).out, "up");
    // Without a colon a verb means a file, and so it does where one has that name.
    scene.sealift(&["ls", "lab/ftps"]).fails(8, &["lab/ftps"]);
    scene.put("lab/ftps:", b"mine");
    assert_eq!(scene.sealift(&["cat", "lab/ftps:"]).exits(0).out, "mine");
}

#[test]
fn a_level_holds_before_any_password_goes() {
    let scene = Scene::new();
    for (name, url) in [("ftps", scene.ftps("/")), ("ssh", scene.sftp("/"))] {
        keep(&scene, &[name, &url, "--level", "more-secure"]);
        scene.sealift(&["ls", &format!("{name}:")]).fails(5, &["Secure there, and you want More Secure at least", "No password was sent"]);
        // However it is named.
        scene.sealift(&["ls", &url]).fails(5, &["Secure there, and you want More Secure at least", "No password was sent"]);
        if name == "ssh" {
            let port = scene.sftp.as_ref().unwrap().addr.port();
            scene.put("config", format!("Host alias\n HostName 127.0.0.1\n Port {port}\n User ann\n").as_bytes());
            scene.sealift(&["ls", "alias:", "-F", "config"]).fails(5, &["you want More Secure at least"]);
        }
        scene.bare(&["site", "edit", name, "--level", "secure"]).exits(0);
        scene.sealift(&["ls", &url]).exits(0);
    }
}

#[test]
fn sites_of_other_programs_are_taken_over_without_their_passwords() {
    let scene = Scene::new();
    scene.put("sitemanager.xml", include_bytes!("../fixtures/sites/filezilla.xml"));
    scene.put("WinSCP.ini", include_bytes!("../fixtures/sites/WinSCP.ini"));
    scene.put("config", b"Host work\n HostName work.example.com\n User ann\nHost *\n Port 2222\n");
    let import = |from: &str, file: &str| scene.bare(&["site", "import", "--from", from, file]);
    import("filezilla", "sitemanager.xml").args(&["--dry-run"]).exits(0).says(&["one password was not taken over", "would be taken over"]);
    assert!(!scene.home("config/sites.toml").exists());
    let told = import("filezilla", "sitemanager.xml").exits(0).says(&["sitemanager.xml line 66: bucket is left out", "5 sites taken over"]);
    assert!(!told.err.contains("hunter2"));
    import("filezilla", "sitemanager.xml").exits(0).says(&["web is kept already", "0 sites taken over"]);
    import("winscp", "WinSCP.ini").args(&["--folder", "from winscp"]).exits(0).says(&["2 passwords", "4 sites taken over"]);
    import("ssh-config", "config").exits(0).says(&["1 site taken over"]);
    import("winscp", "config").fails(8, &["no configuration of WinSCP"]);
    let kept = fs::read_to_string(scene.home("config/sites.toml")).unwrap();
    for word in ["hunter2", "aHVudGVyMg", "A35C", "Pass", "pass"] {
        assert!(!kept.contains(word), "{word}\n{kept}");
    }

    let exported = scene.bare(&["site", "export"]).exits(0).out;
    let other = Scene::new();
    other.put("sites.toml", exported.as_bytes());
    other.bare(&["site", "import", "--from", "sealift", "sites.toml"]).exits(0).says(&["10 sites taken over"]);
    assert_eq!(other.bare(&["site", "export"]).exits(0).out, exported);
}
