//! No bytes make it panic, and nothing of a private key is told.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        label in prop::sample::select(vec!["CERTIFICATE", "PRIVATE KEY", "PKCS7", "X509 CRL", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "NEW CERTIFICATE REQUEST"]),
        text in "(ssh-ed25519|ssh-rsa|PuTTY-User-Key-File-3|---- BEGIN SSH2 PUBLIC KEY ----|-----BEGIN )[ :\n]{0,2}(AAAA)?[A-Za-z0-9+/=:\n -]{0,120}",
    ) {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let pem = format!("note\n-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        let sequence = [&[0x30, 0x82], &(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
        for input in [&bytes[..], pem.as_bytes(), text.as_bytes(), &sequence] {
            for document in read("name", input, Timestamp::UNIX_EPOCH) {
                prop_assert!(!document.title.chars().any(char::is_control));
                prop_assert!(document.sections.iter().all(|section| !section.fields.is_empty()));
            }
        }
    }
}

#[test]
fn what_is_too_large_is_not_looked_at() {
    let found = read("big\x1b", &vec![b'-'; LARGEST + 1], Timestamp::UNIX_EPOCH);
    assert_eq!((found.len(), found[0].kind, found[0].title.as_str()), (1, DocumentKind::Unreadable, "big\\x1b"));
    let many = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".repeat(MOST + 5);
    assert_eq!(read("many", many.as_bytes(), Timestamp::UNIX_EPOCH).len(), MOST + 1);
}
