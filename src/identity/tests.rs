//! Key files of every format, made here with ssh-key; the passphrase is `secret`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::secrets::Secret;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, encode_pkcs8_pem, encode_pkcs8_pem_encrypted};

use super::ssh_key::putty::Version;
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
    for (info, why) in [("DES-CBC,AB12CD34AB12CD34", "DES-CBC"), ("DES-EDE3-CBC,AB12", "DEK-Info")] {
        let header =
            format!("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {info}\n\nAAAA\n-----END EC PRIVATE KEY-----\n");
        fs::write(&path, header).unwrap();
        assert!(SshKeyFile::read(&path).is_err_and(|error| error.to_string().contains(why)), "{info}");
    }
}

#[test]
fn every_form_reads_back_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    for kind in [SshKeyType::Ed25519, SshKeyType::P256, SshKeyType::P384, SshKeyType::P521] {
        let key = SshKey::generate(kind, "me@work").unwrap();
        fs::write(dir.path().join("key.pub"), key.public().line()).unwrap();
        for form in [PrivateForm::OpenSsh, PrivateForm::Pkcs8, PrivateForm::Putty(Version::Two), PrivateForm::Putty(Version::Three)] {
            for passphrase in ["", "secret"] {
                fs::write(&path, &*key.write(form, &secret(passphrase)).unwrap()).unwrap();
                let file = SshKeyFile::read(&path).unwrap();
                assert_eq!(file.is_locked(), !passphrase.is_empty(), "{form:?}");
                // Locked PKCS#8 shows nothing, and what lies beside it is not its word.
                assert_eq!(file.own_public().is_some(), form != PrivateForm::Pkcs8 || passphrase.is_empty(), "{form:?}");
                let opened = file.unlock(&secret(passphrase)).unwrap();
                assert_eq!(
                    (opened.inner().key_data(), opened.public().comment()),
                    (key.inner().key_data(), "me@work".to_owned()),
                    "{form:?}"
                );
            }
        }
    }
    for bits in [2048, 3071, 20_000] {
        assert!(matches!(SshKey::generate(SshKeyType::Rsa(bits), ""), Err(SshKeyError::Unsupported(_))), "{bits}");
    }
}

#[test]
fn a_public_half_is_one_line_however_it_came() {
    let key = SshKey::generate(SshKeyType::P521, "me @ work").unwrap().public();
    let line = key.line();
    let words: Vec<&str> = line.split(' ').collect();
    let (head, tail) = words[1].split_at(70);
    for text in [
        line.clone(),
        format!("# mine\n\n{line}  \r\n"),
        format!("{} {head}\r\n{tail} me\r\n@ work\r\n", words[0]),
        format!("{}\n{head}\n{tail}\nme @ work", words[0]),
        key.rfc4716(),
        format!("Dear Ann,\r\n{}Bob", key.rfc4716().replace('\n', "\r\n")),
    ] {
        let read = SshPublicKey::parse(&text).unwrap();
        assert_eq!(read.line(), line, "{text}");
        assert!(read.is_same(&key) && read.line().lines().count() == 1);
    }
    for text in [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        &format!("ssh-rsa {}", words[1]),
        &format!("from=\"x\" {line}"),
        &key.rfc4716().replace("END", ""),
    ] {
        assert!(matches!(SshPublicKey::parse(text), Err(SshKeyError::NotAPublicKey)), "{text}");
    }
}

#[test]
fn a_name_finds_the_key_made_here_unless_a_file_has_it() {
    let data = tempfile::tempdir().unwrap();
    let folder = SshKeyFolder::open(data.path());
    assert!(folder.list().unwrap().is_empty());
    let kept = folder.file("bank").unwrap();
    let key = SshKey::generate(SshKeyType::Ed25519, "").unwrap();
    write_pair(&kept, &key.write(PrivateForm::OpenSsh, &secret("")).unwrap(), &key.public()).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kept), mode(kept.parent().unwrap()), loose_mode(&kept)), (0o600, 0o700, None));
    assert_eq!(fs::read_to_string(kept.with_extension("pub")).unwrap().lines().count(), 1);
    assert!(matches!(write_pair(&kept, "x", &key.public()), Err(NewKeyError::Exists(path)) if path == kept));
    fs::remove_file(&kept).unwrap();
    assert!(matches!(write_pair(&kept, "x", &key.public()), Err(NewKeyError::Exists(path)) if path == kept.with_extension("pub")));
    assert!(!kept.exists());
    fs::write(&kept, &*key.write(PrivateForm::OpenSsh, &secret("")).unwrap()).unwrap();
    assert_eq!(folder.list().unwrap(), [("bank".to_owned(), kept.clone())]);
    assert_eq!(folder.find(Path::new("bank")), kept);
    for elsewhere in ["./bank", "none", "../ssh/bank", "Cargo.toml"] {
        assert_eq!(folder.find(Path::new(elsewhere)), Path::new(elsewhere));
    }
    for name in ["bank.pub", "a/b", "", ".x"] {
        assert!(matches!(folder.file(name), Err(NewKeyError::Name(_))), "{name}");
    }
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
