//! No bytes make a reader panic.

use proptest::prelude::*;

use super::super::authority::Serial;
use super::super::bundle::Bundle;
use super::super::key_file::KeyFile;
use super::super::names::AlternativeName;
use super::super::request::Request;
use super::super::returned;
use super::super::{Usage, der, key::PrivateKey};
use super::{draft, now};
use std::sync::LazyLock;

struct Samples {
    request: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let made = draft("x").make(now()).unwrap();
    let key = PrivateKey::generate(super::super::key::KeyType::Rsa3072).unwrap();
    Samples { request: made.request.unwrap().into_bytes(), certificate: made.certificate, key: key.pkcs8().to_vec() }
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
    fn no_change_of_real_ones_panics(which in 0..3_usize, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let sample = [&SAMPLES.request, &SAMPLES.certificate, &SAMPLES.key][which];
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
            prop_assert_eq!(Serial::parse(&serial.to_string()).map(|again| again == serial).unwrap_or(serial.bytes().is_empty()), true);
        }
    }
}
