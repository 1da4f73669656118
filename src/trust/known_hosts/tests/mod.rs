//! known_hosts: tables that always run; `keygen`: `ssh-keygen` as the judge where it is.

mod keygen;

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::trust::{Verdict, judge};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn key(kind: &str, of: u8) -> HostKey {
    let mut blob = (kind.len() as u32).to_be_bytes().to_vec();
    blob.extend_from_slice(kind.as_bytes());
    // An Ed25519 key as ssh-keygen wants it: 32 bytes.
    blob.extend_from_slice(&32u32.to_be_bytes());
    blob.extend_from_slice(&[of; 32]);
    HostKey::plain(kind, blob)
}

fn ed(of: u8) -> HostKey {
    key("ssh-ed25519", of)
}

fn text_of(key: &HostKey) -> String {
    format!("{} {}", key.algorithm, STANDARD.encode(&key.blob))
}

fn known(contents: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add(Path::new("kh"), contents.as_bytes());
    known
}

/// `hash` of `name` as `HashKnownHosts yes` writes it.
fn hashed(name: &str) -> String {
    Hosts::hash(name).unwrap().to_string()
}

/// Host field, host, port, whether the line is for it.
fn grammar() -> Vec<(String, &'static str, u16, bool)> {
    [
        ("host", "host", 22, true),
        ("Host", "hOST", 22, true),
        ("host", "host2", 22, false),
        ("host", "host", 2222, false),
        ("[host]:2222", "host", 2222, true),
        ("[host]:2222", "host", 22, false),
        ("a,host,b", "host", 22, true),
        ("192.0.2.1,host", "192.0.2.1", 22, true),
        ("::1", "::1", 22, true),
        ("[::1]:2222", "::1", 2222, true),
        ("*", "host", 22, true),
        ("*", "host", 2222, true),
        ("*.example.com", "a.b.example.com", 22, true),
        ("*.example.com", "example.com", 22, false),
        ("h?st", "host", 22, true),
        ("h?st", "hst", 22, false),
        ("?", "", 22, false),
        ("*.example.com,!bad.example.com", "bad.example.com", 22, false),
        ("!bad.example.com,*.example.com", "good.example.com", 22, true),
        ("!bad.example.com", "good.example.com", 22, false),
        ("*o*t*", "a-ghost-town", 22, true),
        ("h*st*z", "hosts", 22, false),
    ]
    .map(|(field, host, port, fits)| (field.to_owned(), host, port, fits))
    .into_iter()
    .chain([
        // By `ssh-keygen -H`.
        ("|1|Jj8owzNVj2GkmXh6yw0yTtvxT+o=|sH90WhA7ZC8EYG3k9hGjPUsHXYU=".to_owned(), "host", 22, true),
        (hashed("host"), "host", 22, true),
        (hashed("host"), "Host", 22, true),
        (hashed("host"), "other", 22, false),
        (hashed("[host]:2222"), "host", 2222, true),
        (hashed("[host]:2222"), "host", 22, false),
    ])
    .collect()
}

#[test]
fn host_fields_mean_what_they_mean_to_ssh() {
    for (field, host, port, fits) in grammar() {
        let known = known(&format!("{field} {}", text_of(&ed(1))));
        assert_eq!(known.marked(&name_of(host, port), None).len(), usize::from(fits), "{field} for {host} {port}");
    }
}

#[test]
fn every_standing() {
    let (old, new, rsa) = (ed(1), ed(2), key("ssh-rsa", 9));
    let at = |line| Place { file: "kh".into(), line };
    let remembered = |key: &HostKey, line, change| Remembered {
        fingerprint: Fingerprint::of(&key.blob),
        place: at(line).to_string(),
        same_key: false,
        change,
        certificate: None,
    };
    let file = known(&format!(
        "# comment\n\n host\t{} a comment\r\nhost {}\n@revoked * {}\n@cert-authority *.lab {}\nonly.rsa {}\n",
        text_of(&old),
        text_of(&rsa),
        text_of(&ed(66)),
        text_of(&ed(5)),
        text_of(&rsa),
    ));
    assert_eq!(file.junk, []);
    assert_eq!(file.lookup("host", 22, &old, NOW), Standing::Known { place: at(3) });
    assert_eq!(file.lookup("host", 22, &rsa, NOW), Standing::Known { place: at(4) });
    assert_eq!(file.lookup("host", 22, &new, NOW), Standing::Changed { remembered: remembered(&old, 3, Change::HostKeyReplaced) });
    assert_eq!(
        file.lookup("only.rsa", 22, &new, NOW),
        Standing::Unknown { other_type: Some(remembered(&rsa, 7, Change::HostKeyTypeAdded)) }
    );
    assert_eq!(file.lookup("host", 22, &ed(66), NOW), Standing::Revoked { place: at(5), authority: false });
    assert_eq!(file.lookup("other", 22, &old, NOW), Standing::Unknown { other_type: None });
    let signed = HostKey { algorithm: "rsa-sha2-512".to_owned(), ..key("ssh-rsa", 8) };
    assert_eq!(file.lookup("host", 22, &signed, NOW), Standing::Changed { remembered: remembered(&rsa, 4, Change::HostKeyReplaced) });
    assert_eq!(file.algorithms("host", 22), ["ssh-ed25519", "ssh-rsa"]);
    assert_eq!((file.has_authority("a.lab", 22), file.algorithms("a.lab", 22)), (true, Vec::<String>::new()));
    assert_eq!(file.lookup("a.lab", 22, &ed(5), NOW), Standing::Unknown { other_type: None }, "an authority's key is no host key");
}

#[test]
fn a_name_alone_stands_for_every_port_and_refuses_none() {
    let at = |line| Place { file: "kh".into(), line };
    let file = known(&format!(
        "host {}\n@cert-authority host {}\n[both]:2222 {}\nboth {}\n",
        text_of(&ed(1)),
        text_of(&ed(9)),
        text_of(&ed(2)),
        text_of(&ed(1))
    ));
    assert_eq!(file.lookup("host", 2222, &ed(1), NOW), Standing::Known { place: at(1) });
    assert_eq!(file.lookup("host", 2222, &ed(3), NOW), Standing::Unknown { other_type: None }, "another server on the same machine");
    assert!(file.has_authority("host", 2222) && !file.has_authority("both", 2222));
    assert_eq!(file.algorithms("host", 2222), ["ssh-ed25519"]);
    // Where a line names the port, only such lines count.
    assert!(matches!(file.lookup("both", 2222, &ed(1), NOW), Standing::Changed { .. }));
    let revoked = known(&format!("@revoked host {}\n[host]:2222 {}\n", text_of(&ed(1)), text_of(&ed(1))));
    assert_eq!(revoked.lookup("host", 2222, &ed(1), NOW), Standing::Revoked { place: at(1), authority: false }, "more careful than ssh");
}

#[test]
fn remarks_name_lines_that_may_have_been_about_the_host() {
    let remarks = |contents: &str| {
        let remarks = known(contents).remarks("host", 22, &ed(1), NOW);
        remarks.into_iter().map(|remark| (remark.kind, remark.text)).collect::<Vec<_>>()
    };
    assert_eq!(remarks("# fine\n\n"), []);
    assert_eq!(remarks("host ssh-ed25519\n"), [(ProblemKind::Other, "kh line 1 is none that ssh understands".to_owned())]);
    let several = "2 lines are none that ssh understands, the first is kh line 2".to_owned();
    assert_eq!(remarks("\nhost\nhost x\n"), [(ProblemKind::Other, several)]);
}

#[test]
fn revoked_beats_known_in_whatever_order_and_file() {
    let known_line = format!("host {}\n", text_of(&ed(1)));
    let revoked = format!("@revoked host {}\n", text_of(&ed(1)));
    let folder = tempfile::tempdir().unwrap();
    let files = [folder.path().join("user"), folder.path().join("nobody has this"), folder.path().join("system")];
    fs::write(&files[0], known_line).unwrap();
    fs::write(&files[2], revoked).unwrap();
    let place = Place { file: files[2].clone(), line: 1 };
    assert_eq!(KnownHosts::load(&files).lookup("host", 22, &ed(1), NOW), Standing::Revoked { place, authority: false });
    let folder_instead = KnownHosts::load(&[folder.path().to_owned()]);
    assert_eq!(folder_instead.unreadable.len(), 1);
}

#[test]
fn a_comment_in_another_encoding_makes_no_line_junk() {
    let lines = |marker: &str, of| [marker.as_bytes(), b"host ", text_of(&ed(of)).as_bytes(), b" M\xfcller\r\n"].concat();
    let read = |contents: &[u8]| {
        let mut known = KnownHosts::default();
        known.add(Path::new("kh"), contents);
        assert!(known.junk.is_empty(), "{:?}", known.junk);
        known.lookup("host", 22, &ed(1), NOW)
    };
    assert!(matches!(read(&lines("@revoked ", 1)), Standing::Revoked { .. }));
    assert!(matches!(read(&lines("", 1)), Standing::Known { .. }));
    assert!(matches!(read(&lines("", 2)), Standing::Changed { .. }));
}

#[test]
fn junk_is_counted_and_passed_over() {
    let good = text_of(&ed(1));
    let file = known(&format!(
        "host\nhost ssh-ed25519\nhost ssh-ed25519 %%%\nhost ssh-rsa {}\n@unknown host {good}\n|1|x|y {good}\n|host {good}\nhost 1024 35 1234567\nhost ssh-ed25519 AAAA\n@revoked\nhost {good}\n",
        STANDARD.encode(&ed(1).blob),
    ));
    assert_eq!(file.junk.iter().map(|place| place.line).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(matches!(file.lookup("host", 22, &ed(1), NOW), Standing::Known { .. }));
}

#[test]
fn a_line_is_added_and_the_rest_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".ssh/known_hosts");
    append(&file, "Host", 22, &ed(1)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("host {}\n", text_of(&ed(1))));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        // Somebody else's mode, and a file that lies elsewhere.
        let real = folder.path().join("real");
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        symlink(&real, &link).unwrap();
        append(&link, "host", 22, &ed(1)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(&real).unwrap(), format!("host {}\n", text_of(&ed(1))));
    }
    let before = "junk \u{e9}\n\n# mine\nlast without end";
    fs::write(&file, before).unwrap();
    append(&file, "::1", 2222, &ed(2)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{before}\n[::1]:2222 {}\n", text_of(&ed(2))));
    for host in ["", "a b", "a,b", "*", "h\nevil", "#", "@revoked", "|1|", "[x]"] {
        let error = append(&file, host, 22, &ed(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{host:?}");
    }
    let nonsense = HostKey::plain("ssh-ed25519", b"x".as_slice());
    assert_eq!(append(&file, "host", 22, &nonsense).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_file_that_cannot_be_read_is_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = known_in(folder.path());
    let known = KnownHosts::load(&[file, folder.path().to_owned()]);
    assert!(matches!(known.lookup("host", 22, &ed(1), NOW), Standing::Known { .. }));
    let stranger = known.lookup("other", 22, &ed(1), NOW);
    let evidence = evidence_for(&Endpoint::new("other", 22), &ed(1), &stranger).unwrap();
    assert_eq!(judge(&evidence, None), Verdict::Refuse);
    assert!(evidence.problems[0].text.contains("cannot be read"), "{}", evidence.problems[0].text);
}

/// A readable file that knows `host` by key 1.
fn known_in(folder: &Path) -> PathBuf {
    let file = folder.join("kh");
    fs::write(&file, format!("host {}\n", text_of(&ed(1)))).unwrap();
    file
}

#[test]
fn evidence_says_what_known_hosts_says() {
    let endpoint = Endpoint::new("host", 22);
    let file = known(&format!("host {}\n@revoked * {}\n", text_of(&ed(1)), text_of(&ed(66))));
    let judged = |key: &HostKey| evidence_for(&endpoint, key, &file.lookup("host", 22, key, NOW));
    assert_eq!(judged(&ed(1)), None);
    for (key, kind, verdict) in [
        (key("ssh-rsa", 1), ProblemKind::UnknownHostKey, Verdict::Ask { dangerous: true }),
        (ed(2), ProblemKind::ChangedSincePinned, Verdict::Refuse),
        (ed(66), ProblemKind::Revoked, Verdict::Refuse),
    ] {
        let evidence = judged(&key).unwrap();
        assert_eq!((evidence.problems[0].kind, evidence.problems.len(), judge(&evidence, None)), (kind, 1, verdict));
        assert_eq!((evidence.remembered.is_some(), evidence.spki), (kind != ProblemKind::Revoked, Some(Fingerprint::of(&key.blob))));
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut line = format!("@revoked [host]:22,!a* {}", text_of(&ed(1))).into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        let mut known = KnownHosts::default();
        known.add(Path::new("kh"), &bytes);
        known.add(Path::new("kh"), &line);
        let _standing = known.lookup("host", 22, &ed(1), NOW);
        let _type = key_type(&bytes);
    }

    #[test]
    fn what_was_appended_is_known(host in "[a-z0-9.:%_-]{1,20}", port in 1u16.., of in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kh");
        append(&file, &host, port, &ed(of)).unwrap();
        let known = KnownHosts::load(std::slice::from_ref(&file));
        let is_known = matches!(known.lookup(&host, port, &ed(of), NOW), Standing::Known { .. });
        prop_assert!(is_known);
    }
}
