//! What `ssh-keygen` makes of the same files.

use std::collections::BTreeSet;
use std::process::Command;

use super::*;

/// Where it must be there, as `tests/run` has it, its absence is a failure.
fn is_here() -> bool {
    let is_here = Command::new("ssh-keygen").arg("-?").output().is_ok();
    let insists = std::env::var_os("SEALIFT_REAL_SERVERS").is_some_and(|value| value == "required");
    assert!(is_here || !insists, "there is no ssh-keygen here");
    is_here
}

#[test]
fn every_host_field_and_every_line_we_write() {
    if !is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    for (field, host, port, fits) in grammar().into_iter().filter(|(_, host, ..)| !host.is_empty()) {
        fs::write(&file, format!("{field} {}\n", text_of(&ed(1)))).unwrap();
        let found = Command::new("ssh-keygen").arg("-F").arg(name_of(host, port)).arg("-f").arg(&file).output().unwrap();
        assert_eq!(found.status.success(), fits, "{field} for {host} {port}");
    }
    fs::write(&file, format!("{} {}\n", hashed("first"), text_of(&ed(1)))).unwrap();
    append(&file, "second", 2222, &ed(3)).unwrap();
    assert!(fs::read_to_string(&file).unwrap().lines().all(|line| line.starts_with("|1|")), "a file of hashed names stays one");
    let found = Command::new("ssh-keygen").args(["-F", "[second]:2222", "-f"]).arg(&file).output().unwrap();
    assert!(found.status.success());
    for (host, port) in [("host", 22), ("host", 2222), ("::1", 22), ("fe80::1%eth0", 22), ("192.0.2.1", 990)] {
        fs::remove_file(&file).unwrap();
        append(&file, host, port, &ed(3)).unwrap();
        let found = Command::new("ssh-keygen").arg("-F").arg(name_of(host, port)).arg("-f").arg(&file).output().unwrap();
        assert!(found.status.success(), "{host} {port}");
        let listed = Command::new("ssh-keygen").arg("-lf").arg(&file).output().unwrap();
        assert!(String::from_utf8_lossy(&listed.stdout).contains(&Fingerprint::of(&ed(3).blob).openssh()));
    }
}

/// The lines `ssh-keygen -F` finds for a name, each with its marker. With `-l` it reads their keys, too.
fn found_by_keygen(file: &Path, name: &str) -> BTreeSet<(usize, String)> {
    let output = Command::new("ssh-keygen").args(["-l", "-F", name, "-f"]).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().filter_map(|line| line.strip_prefix("# Host ")?.split_once(" found: line "));
    let found = found.map(|(_, rest)| rest.split_once(' ').map_or((rest, ""), |(number, marker)| (number, marker)));
    found.map(|(number, marker)| (number.parse().unwrap(), marker.trim().to_owned())).collect()
}

/// The lines we find.
fn found_here(file: &Path, name: &str) -> BTreeSet<(usize, String)> {
    let known = KnownHosts::load(&[file.to_owned()]);
    let found = known.lines.iter().filter(|(_, line)| line.hosts.cover(name));
    let marker = |line: &Line| match line.marker {
        Some(Marker::Revoked) => "REVOKED",
        Some(Marker::CertAuthority) => "CA",
        None => "",
    };
    found.map(|(place, line)| (place.line, marker(line).to_owned())).collect()
}

const NAMES: [&str; 6] = ["host", "[host]:2222", "a.example.com", "192.0.2.1", "[::1]:990", "other"];

/// One host pattern; sometimes a hashed name, which stands for itself only where it stands alone.
fn pattern() -> impl Strategy<Value = String> {
    let patterns = "host|HOST|!host|h[?]st|[*]|![*]|[*][.]example[.]com|![*][.]example[.]com|\\[host\\]:2222|\\[[*]\\]:2222|192[.]0[.]2[.]1|192[.][*]|\\[::1\\]:990|a|,";
    prop_oneof![
        8 => patterns,
        1 => prop::sample::select(&NAMES).prop_map(hashed),
        1 => "[a-z!*?,\\[\\]:|]{1,9}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    let marker = prop::sample::select(vec!["", "", "", "@revoked ", "@cert-authority ", "@revoked  ", "@other ", "@revoked @revoked "]);
    let hosts = prop::collection::vec(pattern(), 1..4).prop_map(|patterns| patterns.join(","));
    let broken = vec!["ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 %%%", "ssh-rsa AAAAC3NzaC1lZDI1NTE5", "1024 35 17", "#", ""];
    let key = prop_oneof![4 => any::<u8>().prop_map(|of| text_of(&ed(of))), 1 => prop::sample::select(broken).prop_map(str::to_owned)];
    let gap = || prop::sample::select(vec![" ", " ", "\t", "  ", " \t "]);
    let end = prop::sample::select(vec!["", " a comment", "\t# x", "\r", " a comment\r"]);
    let whole = (marker, hosts, gap(), key, end, prop::sample::select(vec!["", "", "  ", "\t"]));
    let whole = whole.prop_map(|(marker, hosts, gap, key, end, before)| format!("{before}{marker}{hosts}{gap}{key}{end}"));
    prop_oneof![8 => whole, 1 => "|#|# x|[ \t]{0,3}|junk|[ -~]{0,20}"]
}

proptest! {
    // Each case is a dozen runs of a program.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_same_lines_are_found(lines in prop::collection::vec(line(), 1..8), ends in any::<bool>()) {
        prop_assume!(is_here());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        fs::write(&file, lines.join("\n") + if ends { "\n" } else { "" }).unwrap();
        for name in NAMES {
            prop_assert_eq!(found_here(&file, name), found_by_keygen(&file, name), "{} in {:?}", name, lines);
        }
        // With the names hidden; a file with a line that is not understood stays as it is.
        drop(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).output().unwrap());
        for name in NAMES {
            prop_assert_eq!(found_here(&file, name), found_by_keygen(&file, name), "{} in {:?}", name, fs::read_to_string(&file));
        }
    }
}
