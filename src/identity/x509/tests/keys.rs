//! Key files of every form other tools write, and what ours look like to them.

use std::fs;

use super::super::key::{Derivation, KeyError, KeyType, PrivateKey};
use super::super::key_file::KeyFile;
use super::{PASSPHRASE, secret, sh, tools_are_here};

const TYPES: [KeyType; 4] = [KeyType::P256, KeyType::P384, KeyType::Rsa3072, KeyType::Ed25519];

#[test]
fn openssl_reads_what_we_lock_and_certtool_the_compatible_form() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for kind in TYPES {
        let key = PrivateKey::generate(kind).unwrap();
        for (derivation, certtool) in [(Derivation::Scrypt, false), (Derivation::Pbkdf2, true)] {
            let pem = key.lock(&secret(PASSPHRASE), derivation).unwrap();
            fs::write(dir.path().join("key.pem"), &*pem).unwrap();
            sh(dir.path(), "openssl pkey -in key.pem -passin env:PASS -pubout -outform DER -out public.der");
            assert_eq!(fs::read(dir.path().join("public.der")).unwrap(), key.public(), "{kind:?}");
            if certtool {
                sh(
                    dir.path(),
                    "certtool --generate-request --load-privkey key.pem --password \"$PASS\" --template /dev/null 2>&1 | grep 'BEGIN NEW'",
                );
            }
            let file = KeyFile::read(pem.as_bytes()).unwrap();
            assert!(file.is_locked());
            assert_eq!(file.unlock(&secret(PASSPHRASE)).unwrap().public(), key.public());
            assert_eq!(file.unlock(&secret("wrong")).err(), Some(KeyError::WrongPassphrase));
        }
    }
}

#[test]
fn keys_of_every_form_that_openssl_writes_are_opened() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    sh(folder, "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
    sh(folder, "openssl ecparam -name prime256v1 -genkey -out ec.pem");
    sh(folder, "openssl genpkey -algorithm ed25519 -out ed.pem");
    let mut forms: Vec<(String, bool)> = Vec::new();
    let prfs = ["hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"];
    let ciphers = ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"];
    forms.extend(prfs.map(|prf| (format!("openssl pkcs8 -topk8 -v2prf {prf} -in rsa.pem -passout env:PASS"), true)));
    forms.extend(ciphers.map(|cipher| (format!("openssl pkcs8 -topk8 -v2 {cipher} -in rsa.pem -passout env:PASS"), true)));
    forms.push(("openssl pkcs8 -topk8 -scrypt -in rsa.pem -passout env:PASS".to_owned(), true));
    forms.push(("openssl pkcs8 -topk8 -scrypt -in rsa.pem -passout env:PASS -outform DER".to_owned(), true));
    forms.push(("openssl pkcs8 -topk8 -in ed.pem -passout env:PASS".to_owned(), true));
    forms.extend(ciphers.map(|cipher| (format!("openssl rsa -traditional -{cipher} -in rsa.pem -passout env:PASS"), true)));
    forms.extend(ciphers.map(|cipher| (format!("openssl ec -{cipher} -in ec.pem -passout env:PASS"), true)));
    for plain in [
        "openssl rsa -traditional -in rsa.pem",
        "openssl ec -in ec.pem",
        "cat ec.pem",
        "cat rsa.pem",
        "cat ed.pem",
        "openssl rsa -in rsa.pem -outform DER",
    ] {
        forms.push((plain.to_owned(), false));
    }
    for (line, is_locked) in forms {
        let original = ["ec.pem", "ed.pem"].into_iter().find(|name| line.contains(name)).unwrap_or("rsa.pem");
        sh(folder, &format!("{line} > out 2>err; openssl pkey -in {original} -pubout -outform DER -out public.der"));
        let file = KeyFile::read(&fs::read(folder.join("out")).unwrap()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(file.is_locked(), is_locked, "{line}");
        let key = file.unlock(&secret(PASSPHRASE)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(key.public(), fs::read(folder.join("public.der")).unwrap(), "{line}");
        if is_locked {
            assert_eq!(file.unlock(&secret("wrong")).err(), Some(KeyError::WrongPassphrase), "{line}");
        }
    }
}

#[test]
fn what_is_not_opened_says_what_to_do() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    sh(folder, "openssl ecparam -name prime256v1 -genkey -noout -out ec.pem");
    let read = |line: &str| {
        sh(folder, &format!("{line} > out"));
        KeyFile::read(&fs::read(folder.join("out")).unwrap()).and_then(|file| file.unlock(&secret(PASSPHRASE))).err().unwrap()
    };
    for old in ["-v1 PBE-SHA1-3DES", "-v1 PBE-MD5-DES -provider legacy -provider default"] {
        let error = read(&format!("openssl pkcs8 -topk8 {old} -in ec.pem -passout env:PASS"));
        assert!(matches!(error, KeyError::OldEncryption(_)) && error.to_string().contains("openssl pkcs8 -topk8"), "{old}: {error}");
    }
    assert_eq!(read("openssl genrsa -traditional 1024 2>/dev/null"), KeyError::Unusable);
    assert_eq!(read("ssh-keygen -q -t ed25519 -N '' -f ssh && cat ssh"), KeyError::OpenSsh);
    assert_eq!(read("openssl pkey -in ec.pem -pubout"), KeyError::NoKey);
    assert_eq!(read("echo nothing"), KeyError::NoKey);
    assert!(matches!(read("openssl ec -aes128 -in ec.pem -passout env:PASS 2>/dev/null | sed '5s/^....//'"), KeyError::Damaged(_)));
    assert!(matches!(read("openssl pkcs8 -topk8 -in ec.pem -passout env:PASS | head -3"), KeyError::Damaged(_)));
}

#[test]
fn a_key_that_asks_for_a_mountain_of_memory_is_refused_at_once() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    sh(dir.path(), "openssl ecparam -name prime256v1 -genkey -noout -out ec.pem");
    sh(dir.path(), "openssl pkcs8 -topk8 -scrypt -in ec.pem -passout env:PASS -outform DER -out key.der");
    let mut der = fs::read(dir.path().join("key.der")).unwrap();
    // N = 2^14 and a block size of 8.
    let at = der.windows(7).position(|window| window == [2, 2, 0x40, 0, 2, 1, 8]).unwrap();
    der[at + 6] = 0x7f;
    assert_eq!(KeyFile::read(&der).err(), Some(KeyError::TooExpensive));
    der[at + 6] = 8;
    assert!(KeyFile::read(&der).unwrap().unlock(&secret(PASSPHRASE)).is_ok());
}
