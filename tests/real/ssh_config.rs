//! What we read in ssh_config(5) files against what `ssh -G` of this machine reads in them. The files lie in
//! tests/fixtures/ssh_config; their lines `# ask: user@host:port` say for which hosts they are asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Completion, Failed, Trial};
use sealift::config::ssh_config::{
    AddressFamily, HostOptions, IdentityAgent, Person, SshConfig, SshConfigFiles, StrictHostKeyChecking, ThisMachine,
};
use tempfile::TempDir;

use super::Harness;

/// Files `ssh` refuses; so do we, for a host they speak of.
const REFUSED: &[&str] = &[
    "Port 0",
    "Port many",
    "StrictHostKeyChecking perhaps",
    "ConnectTimeout 1y",
    "HostName",
    "User \"ann",
    "AddressFamily ipx",
    "User a b",
    "ProxyJump a,,b",
    "ProxyJump @",
    "HostName %u.example",
    "IdentitiesOnly maybe",
    "IdentitiesOnly",
    "Include @DIR@/refused.conf",
];

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ssh_config");
    let mut files: Vec<_> = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "conf"));
    files.sort();
    let is_there = Command::new("ssh").arg("-V").output().is_ok();
    if !is_there {
        harness.left_out.insert("ssh -G (there is no ssh on this machine)".to_owned());
    }
    let required = harness.required;
    let trial = move |name: &str, body: Box<dyn FnOnce() + Send>| {
        Trial::ignorable_test(format!("ssh -G: {name}"), move || match is_there {
            true => {
                body();
                Ok(Completion::Completed)
            }
            false if required => Err(Failed::from("there is no ssh")),
            false => Ok(Completion::ignored_with("there is no ssh on this machine")),
        })
    };
    let mut trials: Vec<_> = files
        .into_iter()
        .map(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            trial(&name, Box::new(move || agrees(&file)))
        })
        .collect();
    trials.push(trial("what it refuses", Box::new(refuses)));
    trials
}

fn agrees(fixture: &Path) {
    let copy = Copy::of(fixture);
    let text = fs::read_to_string(fixture).unwrap();
    let asked: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# ask: ")).collect();
    assert!(!asked.is_empty());
    for asked in asked {
        let (user, rest) = asked.split_once('@').map_or((None, asked), |(user, rest)| (Some(user), rest));
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port.parse().unwrap())));
        let theirs = theirs(&copy, host, user, port).unwrap();
        let told_them = copy.said();
        let config = copy.read();
        let ours = ours(&config.for_host(host, user, port).unwrap(), &copy.person);
        assert_eq!(copy.said(), told_them, "commands of Match exec for {asked}");
        for (key, value) in &ours {
            assert_eq!(theirs.get(key), Some(value), "{} asked for {asked}: {key}\n{:?}", fixture.display(), config.warnings());
        }
        for key in ["certificatefile", "hostkeyalias", "identityagent", "bindaddress", "proxyjump", "proxycommand"] {
            assert_eq!(ours.contains_key(key), theirs.contains_key(key), "{} asked for {asked}: {key}", fixture.display());
        }
    }
}

fn refuses() {
    for line in REFUSED {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("refused.conf"), "Nothing\n\"").unwrap();
        let file = folder.path().join("file.conf");
        fs::write(&file, line.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();
        let copy = Copy { file, person: person(), folder };
        assert_eq!(theirs(&copy, "host", None, None), None, "{line}");
        let config = copy.read();
        assert!(config.for_host("host", None, None).is_err(), "{line}: {:?}", config.warnings());
    }
}

/// A fixture whose `@DIR@` is a folder that is there.
struct Copy {
    folder: TempDir,
    file: PathBuf,
    person: Person,
}

impl Copy {
    fn of(fixture: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_string_lossy().into_owned();
        let copy = |from: &Path, to: &Path| fs::write(to, fs::read_to_string(from).unwrap().replace("@DIR@", &place)).unwrap();
        let file = folder.path().join("file.conf");
        copy(fixture, &file);
        let parts = folder.path().join("parts");
        fs::create_dir(&parts).unwrap();
        for part in fs::read_dir(fixture.with_file_name("parts")).unwrap() {
            let part = part.unwrap();
            copy(&part.path(), &parts.join(part.file_name()));
        }
        Self { folder, file, person: person() }
    }

    /// What commands of the file wrote since the last time.
    fn said(&self) -> Option<String> {
        let file = self.folder.path().join("said");
        let said = fs::read_to_string(&file).ok()?;
        fs::remove_file(&file).unwrap();
        Some(said)
    }

    fn read(&self) -> SshConfig {
        SshConfig::read(&SshConfigFiles::Only(self.file.clone()), self.person.clone(), Arc::new(ThisMachine))
    }
}

/// As `ssh` sees us: by the table of users, not by the environment.
fn person() -> Person {
    let mut person = Person::of_this_process(PathBuf::new(), String::new());
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let mine = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[2] == person.id.to_string()).unwrap();
    mine[0].clone_into(&mut person.user);
    person.home = PathBuf::from(mine[5]);
    person
}

/// The options `ssh -G` prints, several of one name as lines; `None`: it refuses.
fn theirs(copy: &Copy, host: &str, user: Option<&str>, port: Option<u16>) -> Option<BTreeMap<String, String>> {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(&copy.file).arg("-G");
    if let Some(user) = user {
        ssh.args(["-l", user]);
    }
    if let Some(port) = port {
        ssh.args(["-p", &port.to_string()]);
    }
    let output = ssh.arg(host).output().unwrap();
    if !output.status.success() {
        return None;
    }
    let mut options = BTreeMap::<String, String>::new();
    let home = copy.person.home.to_string_lossy().into_owned();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let is_list = matches!(key, "identityfile" | "certificatefile");
        if is_list && value == "none" {
            continue;
        }
        // Some are printed before their ~ is replaced.
        let value = value.strip_prefix("~/").map_or(value.to_owned(), |rest| format!("{home}/{rest}"));
        let slot = options.entry(key.to_owned()).or_default();
        if is_list && !slot.is_empty() {
            slot.push('\n');
        }
        slot.push_str(&value);
    }
    // Commands are printed before their tokens are replaced.
    if let Some(command) = options.get("proxycommand") {
        let of = |key: &str| options[key].as_str();
        let command = command.replace("%h", of("hostname")).replace("%p", of("port")).replace("%r", of("user"));
        options.insert("proxycommand".to_owned(), command);
    }
    Some(options)
}

/// The same of ours, with OpenSSH's defaults where nothing is said.
fn ours(options: &HostOptions, person: &Person) -> BTreeMap<String, String> {
    let home = person.home.to_string_lossy();
    let flag = |on: Option<bool>, default: bool| if on.unwrap_or(default) { "yes" } else { "no" }.to_owned();
    let lines =
        |files: &[PathBuf], between: &str| files.iter().map(|file| file.to_string_lossy().into_owned()).collect::<Vec<_>>().join(between);
    let known_hosts = |files: &Option<Vec<PathBuf>>, default: &[String]| match files {
        None => default.join(" "),
        Some(none) if none.is_empty() => "none".to_owned(),
        Some(files) => lines(files, " "),
    };
    let of_home = |names: &[&str]| names.iter().map(|name| format!("{home}/.ssh/{name}")).collect::<Vec<_>>();
    let hop = |hop: &sealift::config::ssh_config::Hop| {
        let host = if hop.host.contains(':') { format!("[{}]", hop.host) } else { hop.host.clone() };
        let user = hop.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        format!("{user}{host}{}", hop.port.map(|port| format!(":{port}")).unwrap_or_default())
    };
    let mut said: BTreeMap<_, _> = [
        ("user", options.user.clone().unwrap_or_else(|| person.user.clone())),
        ("hostname", options.host_name.clone()),
        ("port", options.port.unwrap_or(22).to_string()),
        ("identitiesonly", flag(options.identities_only, false)),
        ("passwordauthentication", flag(options.password_authentication, true)),
        ("kbdinteractiveauthentication", flag(options.kbd_interactive_authentication, true)),
        ("compression", flag(options.compression, false)),
        ("hashknownhosts", flag(options.hash_known_hosts, false)),
        ("numberofpasswordprompts", options.number_of_password_prompts.unwrap_or(3).to_string()),
        ("serveralivecountmax", options.server_alive_count_max.unwrap_or(3).to_string()),
        ("serveraliveinterval", options.server_alive_interval.unwrap_or_default().as_secs().to_string()),
        ("connecttimeout", options.connect_timeout.map_or("none".to_owned(), |limit| limit.as_secs().to_string())),
        ("userknownhostsfile", known_hosts(&options.user_known_hosts_files, &of_home(&["known_hosts", "known_hosts2"]))),
        (
            "globalknownhostsfile",
            known_hosts(
                &options.global_known_hosts_files,
                &["/etc/ssh/ssh_known_hosts".to_owned(), "/etc/ssh/ssh_known_hosts2".to_owned()],
            ),
        ),
        (
            "addressfamily",
            match options.address_family {
                None | Some(AddressFamily::Any) => "any",
                Some(AddressFamily::Inet) => "inet",
                Some(AddressFamily::Inet6) => "inet6",
            }
            .to_owned(),
        ),
        (
            "stricthostkeychecking",
            match options.strict_host_key_checking {
                None | Some(StrictHostKeyChecking::Ask) => "ask",
                Some(StrictHostKeyChecking::Yes) => "true",
                Some(StrictHostKeyChecking::AcceptNew) => "accept-new",
                Some(StrictHostKeyChecking::No) => "false",
            }
            .to_owned(),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let mut set = |key: &str, value: Option<String>| value.map(|value| said.insert(key.to_owned(), value));
    // Its defaults differ between versions and are not ours.
    set("identityfile", options.identity_files.as_ref().filter(|files| !files.is_empty()).map(|files| lines(files, "\n")));
    set("certificatefile", Some(lines(&options.certificate_files, "\n")).filter(|files| !files.is_empty()));
    set("hostkeyalias", options.host_key_alias.clone());
    set("bindaddress", options.bind_address.clone());
    set("hostkeyalgorithms", options.host_key_algorithms.clone());
    set("preferredauthentications", options.preferred_authentications.as_ref().map(|list| list.join(",")));
    set("proxyjump", Some(options.proxy_jump.iter().map(hop).collect::<Vec<_>>().join(",")).filter(|hops| !hops.is_empty()));
    set("proxycommand", options.proxy_command.clone());
    set(
        "identityagent",
        options.identity_agent.as_ref().map(|agent| match agent {
            IdentityAgent::None => "none".to_owned(),
            IdentityAgent::Variable(name) => name.clone(),
            IdentityAgent::Socket(path) => path.to_string_lossy().into_owned(),
        }),
    );
    // `yes`, `unbound` and `host-bound` are one to us.
    if options.pubkey_authentication == Some(false) {
        set("pubkeyauthentication", Some("false".to_owned()));
    }
    said
}
