//! No bytes make a reader panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::authority::Serial;
use super::super::bundle::Bundle;
use super::super::key::{KeyType, PrivateKey};
use super::super::key_file::KeyFile;
use super::super::names::AlternativeName;
use super::super::pkcs12;
use super::super::request::Request;
use super::super::returned;
use super::super::store::pem;
use super::super::{Usage, der};
use super::{draft, now, secret, sh, tools_are_here};

struct Samples {
    archive: Vec<u8>,
    request: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let made = draft("x").make(now()).unwrap();
    let key = PrivateKey::generate(KeyType::Rsa3072).unwrap();
    // Neither locked nor under a MAC, so that changes reach what is inside.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key.pem"), &*made.key).unwrap();
    std::fs::write(dir.path().join("leaf.pem"), pem(std::slice::from_ref(&made.certificate))).unwrap();
    let form = "-nomac -keypbe NONE -certpbe NONE -passout pass: -out archive";
    sh(dir.path(), &format!("openssl pkcs12 -export -inkey key.pem -passin env:PASS -in leaf.pem {form}"));
    let archive = std::fs::read(dir.path().join("archive")).unwrap();
    Samples { archive, request: made.request.unwrap().into_bytes(), certificate: made.certificate, key: key.pkcs8().to_vec() }
});

/// Reads `bytes` as everything there is.
fn read_all(bytes: &[u8]) {
    if let Ok(request) = Request::read(bytes) {
        drop((request.check(), request.owner(), request.pem()));
    }
    drop(KeyFile::read(bytes).map(|key| key.is_locked()));
    if let Ok(bundle) = Bundle::read(bytes) {
        drop(returned::check(bundle.certificates(), b"", None, Usage::Client, now()));
    }
    drop(PrivateKey::from_der(bytes));
    drop(pkcs12::read(bytes, &secret("")));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
        for label in ["CERTIFICATE REQUEST", "CERTIFICATE", "PKCS7", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY"] {
            read_all(der::pem(label, &bytes).as_bytes());
        }
    }

    #[test]
    fn no_change_of_real_ones_panics(which in 0..4_usize, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        if !tools_are_here() {
            return Ok(());
        }
        let sample = [&SAMPLES.request, &SAMPLES.certificate, &SAMPLES.key, &SAMPLES.archive][which];
        let mut bytes = sample.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_all(&bytes);
        read_all(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn no_typed_name_panics(typed in ".{0,80}") {
        if let Ok(name) = AlternativeName::parse(&typed) {
            prop_assert_eq!(AlternativeName::parse(&name.to_string()).unwrap(), name);
        }
        if let Ok(serial) = Serial::parse(&typed) {
            prop_assert_eq!(Serial::parse(&serial.to_string()), Ok(serial));
        }
    }
}
