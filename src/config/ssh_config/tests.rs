//! What `ssh -G` cannot be asked: two files, owners, tokens in paths, bounds, and any text at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use proptest::prelude::*;

use super::*;

/// A machine of files in memory; `Match exec` says yes to `true` and never ends well otherwise.
#[derive(Default)]
struct Paper {
    files: BTreeMap<PathBuf, Contents>,
}

impl Paper {
    fn with(files: &[(&str, &str)]) -> Self {
        let contents = |text: &str| Contents { bytes: text.as_bytes().to_vec(), owner: 1000, group: 1000, mode: 0o644 };
        Self { files: files.iter().map(|(path, text)| (PathBuf::from(path), contents(text))).collect() }
    }

    fn config(self) -> SshConfig {
        let person = Person { home: "/home/ann".into(), user: "ann".to_owned(), id: 1000, machine: "desk.example.org".to_owned() };
        SshConfig::read(&SshConfigFiles::Usual, person, Arc::new(self))
    }
}

impl Surroundings for Paper {
    fn read(&self, path: &Path, _: u64) -> io::Result<Contents> {
        match self.files.get(path) {
            Some(locked) if locked.mode == 0 => Err(io::ErrorKind::PermissionDenied.into()),
            found => found.cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    fn names(&self, folder: &Path) -> Vec<OsString> {
        let inside = self.files.keys().filter(|path| path.parent() == Some(folder));
        inside.filter_map(|path| path.file_name()).map(OsString::from).collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "KEYS").then(|| "/mnt/keys".to_owned())
    }

    fn run(&self, command: &str) -> Result<bool, String> {
        if command == "true" { Ok(true) } else { Err("it did not end".to_owned()) }
    }
}

const USER: &str = "/home/ann/.ssh/config";
const MACHINE: &str = "/etc/ssh/ssh_config";

fn own(text: &str) -> SshConfig {
    Paper::with(&[(USER, text)]).config()
}

fn asked(config: &SshConfig, host: &str) -> HostOptions {
    config.for_host(host, None, None).unwrap()
}

#[test]
fn the_persons_file_wins_over_the_machines_and_both_count() {
    let files = [
        (USER, "Host web\nPort 1\nIdentityFile own\nInclude parts/*"),
        (MACHINE, "Host *\nPort 2\nUser all\nIdentityFile %d/all\nInclude parts/x"),
        ("/home/ann/.ssh/parts/a", "Compression yes"),
        ("/etc/ssh/parts/x", "ConnectTimeout 3"),
    ];
    let config = Paper::with(&files).config();
    let web = asked(&config, "web");
    assert_eq!((web.port, web.user.as_deref(), web.compression), (Some(1), Some("all"), Some(true)));
    assert_eq!(web.identity_files.unwrap(), [Path::new("own"), Path::new("/home/ann/all")]);
    assert_eq!(web.connect_timeout, Some(std::time::Duration::from_secs(3)));
    assert_eq!(config.warnings(), []);
}

#[test]
fn tokens_stand_in_paths_names_and_commands() {
    let config = own("Host work\n HostName %h.example.org\n User %no\n HostKeyAlias Key\n IdentityFile ~/k/%r@%h:%p-%n-%k-%u-%i-%L-%l%%\n\
         CertificateFile ${KEYS}/c\n IdentityAgent $AGENT\n ProxyJump %r@%h-gate\n");
    let work = config.for_host("work", Some("me"), Some(23)).unwrap();
    assert_eq!(work.identity_files.unwrap()[0], Path::new("/home/ann/k/me@work.example.org:23-work-key-ann-1000-desk-desk.example.org%"));
    assert_eq!(work.certificate_files, [Path::new("/mnt/keys/c")]);
    assert_eq!(work.identity_agent, Some(IdentityAgent::Variable("AGENT".to_owned())));
    assert_eq!(work.proxy_jump, [Hop { user: Some("me".to_owned()), host: "work.example.org-gate".to_owned(), port: None }]);
    for wrong in ["IdentityFile %x", "IdentityFile ${NONE}/x", "IdentityFile ~bob/x", "UserKnownHostsFile a%", "ProxyCommand %d"] {
        let error = own(wrong).for_host("work", None, None).unwrap_err().to_string();
        assert!(error.contains(wrong), "{wrong}: {error}");
    }
}

#[test]
fn names_that_would_be_commands_are_no_names() {
    let config = own("Match exec \"test %r = deploy\"\n Port 1\nMatch all\n ProxyCommand nc %h %p");
    for host in ["-oProxyCommand=x", "a;b", "$(id)", "a b", "a`b`", "a\nb", "a'b"] {
        assert!(config.for_host(host, None, None).is_err(), "{host}");
    }
    assert_eq!(config.for_host("::1", Some("a b"), None).unwrap().proxy_command.as_deref(), Some("nc ::1 22"));
    let hops = own("Match final\n ProxyJump me@-oX\nMatch originalhost h\n ProxyJump x@%h%h,-x@gate");
    assert!(hops.for_host("h", None, None).unwrap_err().to_string().contains("ProxyJump"));
}

#[test]
fn a_name_is_looked_at_before_a_command_is_made_of_it() {
    struct Deaf;
    impl Surroundings for Deaf {
        fn read(&self, path: &Path, _: u64) -> io::Result<Contents> {
            let text = "Match exec \"test %r = deploy\"\n Port 1".as_bytes().to_vec();
            if path == Path::new("/f") { Ok(Contents { bytes: text, ..Contents::default() }) } else { Err(io::ErrorKind::NotFound.into()) }
        }
        fn names(&self, _: &Path) -> Vec<OsString> {
            Vec::new()
        }
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn run(&self, command: &str) -> Result<bool, String> {
            assert_eq!(command, "test deploy = deploy");
            Ok(true)
        }
    }
    let person = Person { home: "/".into(), user: "ann".to_owned(), id: 1000, machine: String::new() };
    let config = SshConfig::read(&SshConfigFiles::Only("/f".into()), person, Arc::new(Deaf));
    for user in ["x;touch /tmp/x;", "$(reboot)", "joe -oProxyCommand=reboot", "a\nb", "a\\"] {
        assert!(config.for_host("victim", Some(user), None).unwrap_err().to_string().contains("no user"), "{user}");
    }
    assert_eq!(config.for_host("victim", Some("deploy"), None).unwrap().port, Some(1));
}

#[test]
fn files_others_can_write_are_refused() {
    let told = |mode, owner, extra: &[(&str, &str)]| {
        let mut paper = Paper::with(&[&[(USER, "Port 3")], extra].concat());
        let file = paper.files.get_mut(Path::new(USER)).unwrap();
        (file.mode, file.owner) = (mode, owner);
        paper.config().for_host("h", None, None).map(|options| options.port)
    };
    assert_eq!(told(0o644, 1000, &[]), Ok(Some(3)));
    assert_eq!(told(0o644, 0, &[]), Ok(Some(3)));
    for (mode, owner) in [(0o666, 1000), (0o664, 1000), (0o600, 1001)] {
        assert!(told(mode, owner, &[]).unwrap_err().to_string().contains("chmod go-w"), "{mode:o}");
    }
    let alone = [("/etc/group", "users:x:100:bob\nann:x:1000:"), ("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh")];
    assert_eq!(told(0o664, 1000, &alone), Ok(Some(3)));
    let shared = [("/etc/group", "ann:x:1000:bob"), alone[1]];
    assert!(told(0o664, 1000, &shared).is_err());
    let same = [alone[0], ("/etc/passwd", "ann:x:1000:1000::/:\nbob:x:1001:1000::/:")];
    assert!(told(0o664, 1000, &same).is_err());
    // A file a person names is theirs to judge; what it includes is not.
    let mut paper = Paper::with(&[("/f", "Include /g"), ("/g", "Port 1")]);
    paper.files.values_mut().for_each(|file| file.mode = 0o666);
    let person = Person { home: "/".into(), user: "ann".to_owned(), id: 1000, machine: String::new() };
    let only = SshConfig::read(&SshConfigFiles::Only("/f".into()), person, Arc::new(paper));
    assert!(only.for_host("h", None, None).unwrap_err().to_string().contains("/g can be written"));
}

#[test]
fn odd_lines_are_told_with_their_place_and_only_stop_whom_they_concern() {
    let config =
        own("Colour red\nIgnoreUnknown Smell*\nSmellOf roses\nHost bad\n Port x\nMatch host wet weather rain\n User wet\nHost \"x");
    let told: Vec<_> = config.warnings().iter().map(|warning| (warning.line, warning.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "there is no keyword \"colour\" in OpenSSH's configuration"),
            (5, "a port is a number from 1 to 65535"),
            (6, "Match weather is not understood"),
            (8, "a quote is not closed"),
        ]
    );
    assert_eq!(asked(&config, "good").user, None);
    assert!(config.for_host("bad", None, None).unwrap_err().to_string().contains("/home/ann/.ssh/config line 5: a port"));
    assert!(config.for_host("wet", None, None).unwrap_err().to_string().contains("line 6: Match weather is not understood"));
    assert!(own("Host a\nMatch host\n").for_host("b", None, None).unwrap_err().to_string().contains("line 2: Match host says not"));
}

#[test]
fn whom_a_file_that_cannot_be_read_is_included_for_is_not_served() {
    let mut paper =
        Paper::with(&[(USER, "Host a b\n Include locked\n Include none\nHost c\n Include ~bob/x"), ("/home/ann/.ssh/locked", "")]);
    paper.files.get_mut(Path::new("/home/ann/.ssh/locked")).unwrap().mode = 0;
    let config = paper.config();
    assert!(config.for_host("a", None, None).unwrap_err().to_string().contains("config line 2: /home/ann/.ssh/locked cannot be read"));
    assert!(config.for_host("c", None, None).unwrap_err().to_string().contains("config line 5: ~bob/x is not included"));
    assert_eq!((asked(&config, "d").port, config.warnings().len()), (None, 2));
}

#[test]
fn what_is_not_followed_is_remarked_where_it_counts() {
    let config = own(
        "Host a\n KnownHostsCommand /r\n KnownHostsCommand /s\n RevokedHostKeys ~/%h\nMatch host b exec \"sleep 99\"\n Port 1\nMatch host c exec true\n Port 2",
    );
    assert_eq!(asked(&config, "a").remarks, ["KnownHostsCommand of the SSH configuration is not followed"]);
    assert_eq!(asked(&config, "a").revoked_host_keys.as_deref(), Some(Path::new("/home/ann/a")));
    let b = asked(&config, "b");
    assert!(b.port.is_none() && b.remarks[0].contains("line 5: the command of Match exec tells nothing: it did not end"), "{b:?}");
    assert_eq!((asked(&config, "c").port, asked(&config, "c").remarks.len()), (Some(2), 0));
}

#[test]
fn names_to_choose_from_have_no_wildcards() {
    let files = [(USER, "Host web db *.corp !x\nInclude more\nHost web"), ("/home/ann/.ssh/more", "Host mail"), (MACHINE, "Host gate")];
    assert_eq!(Paper::with(&files).config().aliases(), ["web", "db", "mail", "gate"]);
}

#[test]
fn files_that_include_themselves_end() {
    let config = own("Include config");
    assert!(config.for_host("h", None, None).unwrap_err().to_string().contains("16 deep"));
    let config = own("Include config config config config");
    assert!(config.for_host("h", None, None).is_err());
    let config = own(&"x".repeat(2 * 1024 * 1024));
    assert!(config.for_host("h", None, None).unwrap_err().to_string().contains("larger"));
}

#[test]
fn commands_of_the_machine_are_bounded_and_answer() {
    assert_eq!(ThisMachine.run("exit 0"), Ok(true));
    assert_eq!(ThisMachine.run("exit 7"), Ok(false));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s).{0,300}", host in ".{1,12}") {
        let config = own(&text);
        drop(config.for_host(&host, None, None));
        config.aliases();
    }

    #[test]
    fn any_lines_of_keywords_are_read_without_a_panic(
        lines in proptest::collection::vec(
            (
                prop::sample::select(vec![
                    "Host", "Match", "Include", "Port", "ProxyJump", "ProxyCommand", "IdentityFile", "HostName", "ConnectTimeout", "User",
                    "IdentityAgent", "UserKnownHostsFile", "CanonicalizeHostname", "IgnoreUnknown",
                ]),
                "[ =]{1,2}",
                "[a-c*?!,%~${}@:\\[\\]\"'\\\\#= 0-9é-]{0,24}|(host|user|final|all|exec|canonical)[ =][a-c*!,]{0,5}( all| final)?",
            ),
            0..12,
        ),
        host in "[a-c.:]{1,5}",
    ) {
        let lines: Vec<_> = lines.iter().map(|(keyword, between, rest)| format!("{keyword}{between}{rest}")).collect();
        let text = lines.join("\n");
        if let Ok(options) = own(&text).for_host(&host, None, None) {
            prop_assert!(!options.host_name.is_empty() || text.contains("HostName"));
        }
    }
}
