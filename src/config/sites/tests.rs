//! The book round and round, and what other programs keep.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::import::{Found, filezilla, ssh_config, winscp};
use super::*;
use crate::config::ssh_config::Person;
use crate::model::site::ParsedUrl;
use crate::model::{Charset, DataMode, IdentityChoice, SecurityLevel, SiteOptions, TransferType};

const BY_HAND: &str = r#"# our sites

[[site]]
name = "bank/payroll" # every month
url = "ftpes://payroll@files.bank.example/in"
level = "most-secure"
colour = "red"

[[site]]
name = "web"
url = "sftp://www.example.com"
"#;

fn book(text: &str) -> (TempDir, SiteBook) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sites.toml");
    if !text.is_empty() {
        fs::write(&file, text).unwrap();
    }
    (folder, SiteBook::at(file))
}

fn entry(name: &str, url: &str) -> SiteEntry {
    SiteEntry::new(SiteName::parse(name).unwrap(), ParsedUrl::parse(url).unwrap())
}

fn names(sites: &Sites) -> Vec<&str> {
    sites.entries.iter().map(|entry| entry.name.as_str()).collect()
}

fn full() -> SiteEntry {
    SiteEntry {
        local: Some("~/payroll".into()),
        options: SiteOptions {
            identity: IdentityChoice::Named("payroll-2026".into()),
            level: Some(SecurityLevel::MoreSecure),
            data_mode: Some(DataMode::Active),
            charset: Charset::parse("koi8-r").ok(),
            transfer_type: TransferType::Auto,
            connections: SiteEntry::connections(3),
            key: Some("id_work".into()),
            limit: Some(1_500_000),
            remote_commands: None,
        },
        notes: "ask \"Ann\"\nbefore noon".into(),
        ..entry("bank/own", "ftpes://me@files.bank.example:2121/~/a%20b;fingerprint=sha256:ab")
    }
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, book) = book("");
    assert!(book.read().unwrap().entries.is_empty());
    book.add(&[full(), entry("web", "sftp://h")]).unwrap();
    let again = SiteBook::at(book.file().to_owned()).read().unwrap();
    assert_eq!(again.entries, [full(), entry("web", "sftp://h")]);
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
    assert_eq!(fs::metadata(book.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(book.add(&[entry("WEB", "sftp://x")]), Err(SiteBookError::Taken(SiteName::parse("WEB").unwrap())));
    assert_eq!(book.remove("Web").unwrap().entries, [full()]);
    assert!(matches!(book.remove("web"), Err(SiteBookError::Missing(name)) if name == "web"));
}

proptest! {
    #[test]
    fn any_text_is_kept_as_it_is(notes in ".{0,40}", local in "[^\\x00]{0,20}", name in "[a-zA-Zäß0-9 ._-]{1,12}") {
        let Ok(name) = SiteName::parse(&name) else { return Ok(()) };
        let kept = SiteEntry { notes, local: Some(local.into()), name, ..entry("x", "ftpes://h") };
        let (_folder, book) = book("");
        book.add(std::slice::from_ref(&kept)).unwrap();
        prop_assert_eq!(&book.read().unwrap().entries[..], &[kept][..]);
    }
}

#[test]
fn a_change_keeps_comments_order_and_what_is_not_understood() {
    let (_folder, book) = book(BY_HAND);
    let sites = book.read().unwrap();
    assert_eq!((sites.warnings[0].line, sites.warnings[0].text.as_str()), (7, "there is nothing called \"colour\" in a site"));
    let mut changed = sites.get("bank/payroll").unwrap().clone();
    changed.options.level = None;
    changed.notes = "new".into();
    book.replace(&[("bank/payroll", changed.clone())]).unwrap();
    let expected = BY_HAND.replace("level = \"most-secure\"\ncolour = \"red\"\n", "colour = \"red\"\nnotes = \"new\"\n");
    assert_eq!(fs::read_to_string(book.file()).unwrap(), expected);
    changed.name = SiteName::parse("web").unwrap();
    assert!(matches!(book.replace(&[("bank/payroll", changed)]), Err(SiteBookError::Taken(_))));
}

#[test]
fn a_secret_is_not_taken_and_not_told() {
    let text = r#"
[[site]]
name = "a"
url = "ftpes://u:s3cret@h"
[[site]]
name = "b"
url = "ftpes://h"
Password = "s3cret"
level = "most-secure"
[[site]]
name = "c"
url = "ftpes://h"
"#;
    let (_folder, book) = book(text);
    let sites = book.read().unwrap();
    assert_eq!(names(&sites), ["c"]);
    let level = sites.options_of(&ParsedUrl::parse("ftpes://h").unwrap().site).level;
    assert_eq!(level, Some(SecurityLevel::MostSecure), "its level holds all the same");
    let told: Vec<_> = sites.warnings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("line 4") && told[1].contains("line 8") && !told.concat().contains("s3cret"), "{told:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (line, text) in
        [("name = \"a:b\"\nurl = \"sftp://h\"", "no name"), ("name = \"a\"\nurl = \"h\"", "scheme"), ("name = \"a\"", "without url")]
    {
        let (_folder, book) = book(&format!("[[site]]\n{line}\n"));
        let sites = book.read().unwrap();
        assert!(sites.entries.is_empty() && sites.warnings[0].text.contains(text) && sites.warnings[0].line > 0, "{:?}", sites.warnings);
    }
    for (line, text) in [
        ("level = \"top\"", "none, secure, more-secure, most-secure; until then it is most-secure"),
        ("connections = 11", "from 1 to 10"),
        ("notes = 1", "no text"),
        ("data_mode = \"pasv\"", "auto, passive, active"),
        ("charset = \"klingon\"", "no charset that FTP could use is called \"klingon\""),
    ] {
        let (_folder, book) = book(&format!("[[site]]\nname = \"a\"\nurl = \"ftp://h\"\n{line}\n"));
        let sites = book.read().unwrap();
        assert!(sites.warnings[0].text.contains(text) && sites.warnings[0].line == 4, "{:?}", sites.warnings);
        let level = line.starts_with("level").then_some(SecurityLevel::MostSecure);
        assert_eq!(sites.get("a").unwrap().options, SiteOptions { level, ..SiteOptions::default() });
    }
    let (_folder, book) = book("[[site]]\nname = \"a\nurl = 1");
    assert!(matches!(book.read(), Err(SiteBookError::Syntax { line: 2, .. })));
    assert!(matches!(book.add(&[entry("b", "sftp://h")]), Err(SiteBookError::Syntax { .. })), "nothing is written over it");
}

#[test]
fn a_link_to_the_file_stays_one() {
    let (folder, book) = book("");
    let real = folder.path().join("real.toml");
    fs::write(&real, BY_HAND).unwrap();
    symlink(&real, book.file()).unwrap();
    book.remove("web").unwrap();
    assert!(fs::symlink_metadata(book.file()).unwrap().is_symlink());
    assert!(!fs::read_to_string(&real).unwrap().contains("web"));
}

#[test]
fn options_hold_for_the_server_whatever_it_is_called() {
    let (_folder, book) = book("");
    let with = |name: &str, url: &str, options: SiteOptions| SiteEntry { options, ..entry(name, url) };
    let level = |level| SiteOptions { level: Some(level), ..SiteOptions::default() };
    let identity = |name: &str| SiteOptions { identity: IdentityChoice::Named(name.into()), ..SiteOptions::default() };
    book.add(&[
        with("all", "ftpes://h", SiteOptions { level: Some(SecurityLevel::MoreSecure), ..identity("for-all") }),
        with("bob", "ftpes://bob@h", identity("for-bob")),
        with("bob again", "ftpes://bob@h/x", level(SecurityLevel::Secure)),
    ])
    .unwrap();
    let of = |url: &str| book.sites().options_of(&ParsedUrl::parse(url).unwrap().site);
    assert_eq!(of("ftpes://bob@h/y"), SiteOptions { level: Some(SecurityLevel::MoreSecure), ..identity("for-bob") });
    assert_eq!(of("ftpes://ann@h").identity, IdentityChoice::Named("for-all".into()));
    assert_eq!(of("ftps://bob@h"), SiteOptions::default());
}

#[test]
fn a_no_to_remote_commands_holds_and_a_slip_of_the_pen_is_one() {
    let entry = |name: &str, rest: &str| format!("[[site]]\nname = \"{name}\"\nurl = \"sftp://h\"\n{rest}\n");
    let of = |text: &str| {
        let (_folder, book) = book(text);
        let sites = book.read().unwrap();
        let options = sites.options_of(&ParsedUrl::parse("sftp://h").unwrap().site);
        (options.remote_commands, sites.warnings.len())
    };
    assert_eq!(of(&entry("a", "")), (None, 0));
    assert_eq!(of(&entry("a", "remote_commands = true")), (Some(true), 0));
    assert_eq!(of(&(entry("a", "remote_commands = true") + &entry("b", "remote_commands = false"))), (Some(false), 0));
    assert_eq!(of(&entry("a", "remote_commands = \"no\"")), (Some(false), 1));
    let ftp = entry("a", "remote_commands = true").replace("sftp:", "ftpes:");
    assert_eq!(of(&ftp).1, 1, "it means nothing there");
}

#[test]
fn what_a_site_may_be_called() {
    for good in ["web", "bank/payroll 2026", "Größe", "10.0.0.1"] {
        assert!(SiteName::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "/a", "a/", "a//b", "a:b", "sftp://h", "u@h", ".", "..", "a/../b", "~", "-o", " a", "a\nb", "a\u{202e}b", "*"] {
        assert!(SiteName::parse(bad).is_err(), "{bad:?}");
    }
    let name = SiteName::parse("Bank/Payroll").unwrap();
    assert!(name.is("bank/payroll") && name.is_in("bank") && name.is_in("BANK/") && !name.is_in("ban"));
    assert_eq!(SiteName::nearest(["a:b"], "~/x\u{7}").map(|name| name.to_string()).as_deref(), Some("a-b/x-x07"));
}

fn told(found: &Found) -> Vec<String> {
    found.remarks.iter().map(|remark| format!("{}: {}", remark.line, remark.text)).collect()
}

fn lines(found: &Found) -> Vec<String> {
    let line = |entry: &SiteEntry| {
        let texts = entry.texts().into_iter().map(|(key, text)| format!("{key}={text}"));
        let connections = entry.options.connections.map(|most| format!("connections={most}"));
        format!("{}: {}", entry.name, texts.chain(connections).collect::<Vec<_>>().join(" "))
    };
    found.entries.iter().map(line).collect()
}

#[test]
fn sites_of_filezilla() {
    let found = filezilla(include_str!("../../../tests/fixtures/sites/filezilla.xml")).unwrap();
    insta::assert_snapshot!(
        "filezilla",
        format!("{}\n\n{}\n\n{} passwords", lines(&found).join("\n"), told(&found).join("\n"), found.passwords)
    );
    assert!(filezilla("<FileZilla3/>").is_err() && filezilla("<a").is_err());
}

#[test]
fn a_file_with_far_too_many_sites_is_soon_read_and_says_what_is_left_out() {
    let server = "<Server><Host>h</Host><Protocol>1</Protocol><Name>x</Name></Server>\n";
    let xml = filezilla(&format!("<FileZilla3><Servers>{}</Servers></FileZilla3>", server.repeat(20_000))).unwrap();
    let ini = winscp(&"[Sessions\\X]\nHostName=h\n".repeat(20_000)).unwrap();
    for found in [xml, ini] {
        assert_eq!((found.entries.len(), found.entries[1_999].name.as_str().to_lowercase().as_str()), (2_000, "x 2000"));
        let left_out = "0: 18000 sites are left out: only the first 2000 of a file are taken over";
        assert_eq!(told(&found).iter().filter(|line| *line == left_out).count(), 1);
        let (_folder, book) = book("");
        assert_eq!(book.add(&found.entries).unwrap().entries.len(), 2_000, "no name is there twice");
    }
}

#[test]
fn namesakes_are_numbered_past_names_that_have_a_number() {
    let long = "y".repeat(199);
    let names = ["x", "X 3", "x", "x", "X", "x 2", &long, &long];
    let servers = names.map(|name| format!("<Server><Host>h</Host><Protocol>1</Protocol><Name>{name}</Name></Server>"));
    let found = filezilla(&format!("<FileZilla3><Servers>{}</Servers></FileZilla3>", servers.concat())).unwrap();
    let names: Vec<_> = found.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["x", "X 3", "x 2", "x 4", "X 5", "x 2 2", &long]);
    assert!(told(&found).iter().any(|line| line.contains("is left out: another one has its name")), "{:?}", told(&found));
}

#[test]
fn sites_of_winscp() {
    let found = winscp(include_str!("../../../tests/fixtures/sites/WinSCP.ini")).unwrap();
    insta::assert_snapshot!(
        "winscp",
        format!("{}\n\n{}\n\n{} passwords", lines(&found).join("\n"), told(&found).join("\n"), found.passwords)
    );
    assert!(winscp("[Configuration]\n").is_err());
}

#[test]
fn hosts_of_openssh() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let ran = folder.path().join("ran");
    let text = format!(
        "Host work home\n  HostName %h.example.com\n  Port 2222\n  IdentityFile ~/.ssh/id_work\nHost home\n  User ann\n  ProxyJump work\n\
         Host *.lab !x\n  User x\nMatch exec \"touch {}\"\n  User y\nHost last\n  Hostname 192.0.2.7\n",
        ran.display()
    );
    fs::write(&file, text).unwrap();
    let person = Person { home: "/home/me".into(), user: "me".into(), id: 1, machine: "here".into() };
    let found = ssh_config(&file, person.clone()).unwrap();
    assert!(!ran.exists(), "no command of the file is run");
    insta::assert_snapshot!(
        "openssh",
        format!("{}\n\n{}", lines(&found).join("\n"), told(&found).join("\n")).replace(&folder.path().display().to_string(), "~")
    );
    assert!(ssh_config(Path::new("/nonexistent/config"), person).is_err());
}
