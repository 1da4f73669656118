//! Key files of every format, made here with ssh-key; the passphrase is `secret`.

use std::fs;

use crate::secrets::Secret;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, encode_pkcs8_pem, encode_pkcs8_pem_encrypted};

use super::ssh_key::*;

fn random(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn opens_with_the_passphrase_only(file: &SshKeyFile, key: &PrivateKey) {
    assert!(file.is_locked());
    assert!(matches!(file.unlock(&secret("wrong")), Err(SshKeyError::WrongPassphrase)));
    assert!(matches!(file.unlock(&secret("")), Err(SshKeyError::WrongPassphrase)));
    assert_eq!(file.unlock(&secret("secret")).unwrap().public().inner().key_data(), key.public_key().key_data());
}

#[test]
fn an_openssh_file_shows_its_public_half_before_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id");
    let mut key = random(Algorithm::Ed25519);
    key.set_comment("me@work\u{202e}");
    fs::write(&path, key.to_openssh(LineEnding::LF).unwrap()).unwrap();
    let open = SshKeyFile::read(&path).unwrap();
    assert!(!open.is_locked());
    assert_eq!(open.label(), "me@work\\u{202e}");
    assert_eq!(open.unlock(&secret("")).unwrap().public(), *open.public().unwrap());

    let locked = key.encrypt(&mut russh::keys::key::safe_rng(), "secret").unwrap();
    fs::write(&path, locked.to_openssh(LineEnding::CRLF).unwrap()).unwrap();
    let file = SshKeyFile::read(&path).unwrap();
    let public = file.public().unwrap();
    assert_eq!((public.algorithm(), file.label()), ("ssh-ed25519".to_owned(), public.fingerprint().openssh()));
    opens_with_the_passphrase_only(&file, &key);

    fs::write(dir.path().join("id.pub"), key.public_key().to_openssh().unwrap()).unwrap();
    assert_eq!(SshKeyFile::read(&path).unwrap().label(), "me@work\\u{202e}");
}

#[test]
fn a_pkcs8_file_that_is_locked_needs_the_public_file_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pem");
    let key = random(Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 });
    let mut pem = Vec::new();
    encode_pkcs8_pem_encrypted(&key, b"secret", 100, &mut pem).unwrap();
    fs::write(&path, &pem).unwrap();
    let file = SshKeyFile::read(&path).unwrap();
    assert!(file.public().is_none());
    assert_eq!(file.label(), "key.pem");
    opens_with_the_passphrase_only(&file, &key);

    fs::write(dir.path().join("key.pem.pub"), key.public_key().to_openssh().unwrap()).unwrap();
    assert_eq!(SshKeyFile::read(&path).unwrap().public().unwrap().inner().key_data(), key.public_key().key_data());

    pem.clear();
    encode_pkcs8_pem(&key, &mut pem).unwrap();
    fs::write(&path, &pem).unwrap();
    assert!(!SshKeyFile::read(&path).unwrap().is_locked());
}

#[test]
fn an_old_pem_file_with_a_cipher_we_lack_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old");
    let header =
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,AB12\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    fs::write(&path, header).unwrap();
    let file = SshKeyFile::read(&path).unwrap();
    assert!(file.is_locked());
    assert!(matches!(file.unlock(&secret("x")), Err(SshKeyError::Unsupported(cipher)) if cipher == "DES-EDE3-CBC"));
}

#[test]
fn what_is_no_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    for contents in [&b""[..], b"ssh-ed25519 AAAA me", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\n"] {
        fs::write(&path, contents).unwrap();
        assert!(matches!(SshKeyFile::read(&path), Err(SshKeyError::NotAKey)), "{contents:?}");
    }
    fs::write(&path, vec![b'x'; 300 * 1024]).unwrap();
    assert!(matches!(SshKeyFile::read(&path), Err(SshKeyError::NotAKey)));
    assert!(matches!(SshKeyFile::read(&dir.path().join("none")), Err(SshKeyError::Io(_))));
}

#[test]
fn the_usual_files_are_found_in_order() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".ssh");
    fs::create_dir(&folder).unwrap();
    for name in ["id_rsa", "id_ed25519", "id_rsa.pub"] {
        fs::write(folder.join(name), "").unwrap();
    }
    assert_eq!(default_keys(home.path()), [folder.join("id_ed25519"), folder.join("id_rsa")]);
}
