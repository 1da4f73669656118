//! Files of PuTTYgen 0.78; the passphrase is `secret`.

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

use super::*;
use proptest::prelude::*;

const TWO: &str = include_str!("../../../../tests/fixtures/keys/putty-2.ppk");
const THREE: &str = include_str!("../../../../tests/fixtures/keys/putty-3.ppk");
const OPEN: &str = include_str!("../../../../tests/fixtures/keys/putty-open.ppk");
/// An Ed25519 key whose private number begins and ends with a zero byte.
const ZEROS: &str = include_str!("../../../../tests/fixtures/keys/putty-zeros.ppk");

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn why(read: Result<PrivateKey, SshKeyError>) -> String {
    read.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_puttygen_wrote_opens_with_its_passphrase_only() {
    for text in [TWO, THREE, &TWO.replace('\n', "\r\n")] {
        let file = PuttyFile::read(text).unwrap();
        assert_eq!((file.is_locked(), file.public().comment().as_str()), (true, "me at work"));
        let key = file.unlock(&secret("secret")).unwrap();
        assert_eq!(key.public_key(), file.public().inner());
        for wrong in ["", "Secret"] {
            assert!(matches!(file.unlock(&secret(wrong)), Err(SshKeyError::WrongPassphrase)), "{wrong}");
        }
    }
    for text in [OPEN, ZEROS] {
        let file = PuttyFile::read(text).unwrap();
        assert!(!file.is_locked());
        assert_eq!(file.unlock(&secret("unused")).unwrap().public_key(), file.public().inner());
    }
}

#[test]
fn every_kind_of_key_is_written_and_read_back() {
    let mut random = russh::keys::key::safe_rng();
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let algorithms = [Algorithm::Ed25519, ecdsa(EcdsaCurve::NistP256), ecdsa(EcdsaCurve::NistP384), ecdsa(EcdsaCurve::NistP521)];
    let mut keys: Vec<_> = algorithms.into_iter().map(|algorithm| PrivateKey::random(&mut random, algorithm).unwrap()).collect();
    keys.push(RsaKeypair::random(&mut random, 1024).unwrap().into());
    for key in &mut keys {
        key.set_comment("me\n@work");
        for version in [Version::Two, Version::Three] {
            for passphrase in ["", "secret"] {
                let text = write(key, version, &secret(passphrase)).unwrap();
                assert!(!text.contains(&*key.to_openssh(LineEnding::LF).unwrap()));
                let file = PuttyFile::read(&text).unwrap();
                assert_eq!(file.is_locked(), !passphrase.is_empty());
                let read = file.unlock(&secret(passphrase)).unwrap();
                assert_eq!((read.key_data(), file.public().comment().as_str()), (key.key_data(), "me @work"), "{version:?}");
            }
        }
    }
    // What PuTTYgen wrote without a lock comes out as it was.
    for (text, version) in [(OPEN, Version::Two), (ZEROS, Version::Three)] {
        let key = PuttyFile::read(text).unwrap().unlock(&secret("")).unwrap();
        assert_eq!(*write(&key, version, &secret("")).unwrap(), text);
    }
}

#[test]
fn damage_is_told_and_is_no_wrong_passphrase() {
    let lines: Vec<&str> = OPEN.lines().collect();
    for cut in 0..lines.len() {
        assert!(PuttyFile::read(&lines[..cut].join("\n")).is_err(), "{cut} lines");
    }
    let changed = OPEN.replace("Comment: ec", "Comment: ed");
    assert!(why(PuttyFile::read(&changed).unwrap().unlock(&secret(""))).contains("checksum"));
    let other = OPEN.replace("nistp521\n", "nistp256\n");
    assert!(PuttyFile::read(&other).is_err());
    // A short last block, and one that claims more lines than there are.
    let short = TWO.replace("AB2kAHcQaHXwCHDdm+8hBUdq6Ztxk74KCbXTQeyGj4MfMKvINn9bJmzMpSdFe5HT", "AB2kAHcQaHXwCHDdm+8h");
    assert!(why(PuttyFile::read(&short).unwrap().unlock(&secret("secret"))).contains("cut off"));
    assert!(PuttyFile::read(&OPEN.replace("Private-Lines: 2", "Private-Lines: 99999999")).is_err());
}

#[test]
fn a_file_that_wants_the_whole_memory_is_refused_before_it_is_opened() {
    for (from, to) in [("8192", "4294967295"), ("Passes: 8", "Passes: 4000000000"), ("Parallelism: 1", "Parallelism: 17"), ("2id", "2x")] {
        assert!(PuttyFile::read(&THREE.replace(from, to)).is_err(), "{to}");
    }
    assert!(PuttyFile::read(&OPEN.replace("File-2", "File-1")).is_err_and(|error| error.to_string().contains("2004")));
    assert!(PuttyFile::read(&OPEN.replace("Encryption: none", "Encryption: rot13")).is_err());
}

proptest! {
    #[test]
    fn no_change_of_a_file_panics_or_goes_unnoticed(at in 0..OPEN.len(), byte in any::<char>()) {
        let changed: String = OPEN.char_indices().map(|(place, old)| if place == at { byte } else { old }).collect();
        let key = PuttyFile::read(OPEN).unwrap().unlock(&secret("")).unwrap();
        if let Ok(read) = PuttyFile::read(&changed).and_then(|file| file.unlock(&secret(""))) {
            prop_assert!(read == key, "{}", changed);
        }
    }
}
