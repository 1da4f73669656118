//! Whatever notation a fingerprint came in, it is compared; and nothing else ever matches.

use proptest::prelude::*;

use super::*;
use crate::model::Endpoint;
use crate::trust::{Certificate, HostKey};

const LEAF: &[u8] = include_bytes!("../../../../tests/fixtures/certificates/self-signed-expired.der");

fn certificate() -> Evidence {
    let identity = PeerIdentity::Certificates(vec![Certificate { der: LEAF.into() }]);
    Evidence::new(Endpoint::new("files.example.com", 21), identity)
}

fn host_key(blob: &[u8]) -> Evidence {
    Evidence::new(Endpoint::new("files.example.com", 22), PeerIdentity::HostKey(HostKey::plain("ssh-ed25519", blob)))
}

fn hex(digest: &[u8], between: &str) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

/// Digests as whole lines of the tools that print them.
fn lines(blob: &[u8]) -> Vec<(String, bool)> {
    let (md5, sha1, sha256) = (Md5::digest(blob), Sha1::digest(blob), Sha256::digest(blob));
    let base64 = STANDARD_NO_PAD.encode(sha256);
    let colons = |digest: &[u8]| hex(digest, ":").to_uppercase();
    vec![
        (format!("256 SHA256:{base64} root@files (ED25519)"), true),
        (format!("SHA256:{base64}"), true),
        (format!("sha256//{base64}="), true),
        (format!("pin-sha256=\"{base64}=\";"), true),
        (base64.clone(), true),
        (format!("the key is sha256:{}.", hex(&sha256, "")), true),
        (format!("sha256 Fingerprint={}", colons(&sha256)), true),
        (format!("SHA-256 Fingerprint: {}", hex(&sha256, " ")), true),
        (format!("{} {}", colons(&sha256[..16]), colons(&sha256[16..])), true),
        (format!("10 of them: {}", hex(&sha256, "-")), true),
        (format!("2048 MD5:{} root@files (RSA)", hex(&md5, ":")), false),
        (format!("2048 {} /etc/ssh/ssh_host_rsa_key.pub (RSA)", hex(&md5, ":")), false),
        (format!("MD5 fingerprint {}", hex(&md5, "").to_uppercase()), false),
        (format!("SHA1 Fingerprint={}", colons(&sha1)), false),
        (format!("SHA1:{}", STANDARD_NO_PAD.encode(sha1)), false),
        (format!("Thumbprint\r\n{}", hex(&sha1, " ")), false),
        (format!("SHA1 Fingerprint={}\nsha256 Fingerprint={}\n", colons(&sha1), colons(&sha256)), true),
    ]
}

#[test]
fn every_notation_of_the_tools_matches_and_says_what_it_proves() {
    for (line, proof) in lines(LEAF) {
        let compared = PastedFingerprint::compare_text(&line, &certificate());
        let Compared::Match { part: Part::Certificate, digest, alone: true } = compared else { panic!("{line}: {compared:?}") };
        assert_eq!((compared.is_proof(), digest.can_be_forged()), (proof, !proof), "{line}");
        assert_eq!(compared.words().contains("can be forged"), !proof);
    }
    for (line, proof) in lines(public_key_of(LEAF).unwrap()) {
        let compared = PastedFingerprint::compare_text(&line, &certificate());
        assert!(matches!(compared, Compared::Match { part: Part::PublicKey, .. }), "{line}: {compared:?}");
        assert_eq!(compared.is_proof(), proof);
    }
}

#[test]
fn one_line_of_several_is_enough_and_a_whole_key_serves_as_well() {
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[7; 32]].concat();
    let shown = host_key(&blob);
    let other = |name: &[u8]| format!("256 SHA256:{} files (RSA)", STANDARD_NO_PAD.encode(Sha256::digest(name)));
    let right = format!("256 SHA256:{} files (ED25519)", STANDARD_NO_PAD.encode(Sha256::digest(&blob)));
    let all = format!("{}\n{right}\n{}", other(b"a"), other(b"b"));
    assert!(PastedFingerprint::compare_text(&all, &shown).is_proof());
    let key = STANDARD_NO_PAD.encode(&blob);
    for line in [format!("ssh-ed25519 {key} root@files"), format!("files.example.com ssh-ed25519 {key}"), key] {
        let compared = PastedFingerprint::compare_text(&line, &shown);
        assert!(matches!(compared, Compared::Match { digest: Digest::Key(_), part: Part::HostKey, alone: true }), "{line}: {compared:?}");
    }
    assert!(matches!(PastedFingerprint::compare_text(&other(b"a"), &shown), Compared::Mismatch { digest: Digest::Sha256(_) }));
}

#[test]
fn one_among_others_is_told_and_proves_nothing() {
    let (shown, other) = (hex(&Sha256::digest(LEAF), ""), hex(&Sha256::digest(b"the right one"), ""));
    let compared =
        PastedFingerprint::compare_text(&format!("never accept {shown}, it was stolen; the right one is {other}"), &certificate());
    assert!(matches!(compared, Compared::Match { alone: false, .. }) && !compared.is_proof(), "{compared:?}");
    let old_ones = format!("SHA-256 {shown}, SHA-1 {}", hex(&Sha1::digest(LEAF), ":"));
    assert!(PastedFingerprint::compare_text(&old_ones, &certificate()).is_proof(), "the same in two kinds");
}

#[test]
fn what_is_no_fingerprint_is_refused() {
    for text in ["", "abcd", "SHA256:", "MD5:aa:bb", "sha256//", "yes", "the fingerprint, please", &"g".repeat(64), &"a".repeat(63), "=:=-"]
    {
        assert_eq!(PastedFingerprint::compare_text(text, &certificate()), Compared::NotAFingerprint, "{text}");
    }
    let nothing = Evidence::new(Endpoint::new("h", 21), PeerIdentity::Certificates(Vec::new()));
    let empty = hex(&Sha256::digest(b""), "");
    assert!(matches!(PastedFingerprint::compare_text(&empty, &nothing), Compared::Mismatch { .. }), "no certificate matches nothing");
}

proptest! {
    #[test]
    fn every_notation_is_read_among_words(blob in proptest::collection::vec(any::<u8>(), 33..80), before in "[g-z ]{0,20}", after in "[g-z ]{0,20}", which in 0usize..17) {
        let (line, proof) = lines(&blob)[which].clone();
        let compared = PastedFingerprint::compare_text(&format!("{before} {line} {after}"), &host_key(&blob));
        prop_assert!(matches!(compared, Compared::Match { part: Part::HostKey, .. }), "{line}: {compared:?}");
        prop_assert_eq!(compared.is_proof(), proof);
    }

    #[test]
    fn one_wrong_bit_is_another_fingerprint(bit in 0usize..256, between in "[: -]?", shorter in any::<bool>()) {
        let mut digest = if shorter { Sha1::digest(LEAF).to_vec() } else { Sha256::digest(LEAF).to_vec() };
        let bit = bit % (digest.len() * 8);
        digest[bit / 8] ^= 1 << (bit % 8);
        let compared = PastedFingerprint::compare_text(&hex(&digest, &between), &certificate());
        prop_assert!(matches!(compared, Compared::Mismatch { digest } if digest.can_be_forged() == shorter), "{compared:?}");
    }

    #[test]
    fn nothing_breaks_it(text in "\\PC{0,300}", bytes in "[0-9a-fA-F:/=+ \n-]{0,300}") {
        for text in [text, bytes] {
            let compared = PastedFingerprint::compare_text(&text, &certificate());
            let matches = matches!(compared, Compared::Match { .. });
            prop_assert!(!matches, "{text}");
            prop_assert!(!compared.words().is_empty());
        }
    }
}
