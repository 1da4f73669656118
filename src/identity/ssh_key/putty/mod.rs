//! PuTTY's key files (PPK), versions 2 and 3, read and written as appendix C of PuTTY's manual says.
//!
//! Ours and not ssh-key's, which writes none, opens files that want any amount of memory, and refuses an Ed25519 key whose
//! little-endian number begins with a zero byte.
//!
//! - here: the lines, and what they are checked with
//! - `lock`: from a passphrase to keys, and the cipher
//! - `numbers`: the private half

mod lock;
mod numbers;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use russh::keys::PrivateKey;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{SshKeyError, SshPublicKey, unsupported};
use crate::identity::hex;
use crate::secrets::Secret;
use lock::{Derivation, KINDS, Keys, Lock};

const HEADER: &str = "PuTTY-User-Key-File-";
/// The one cipher there is.
const CIPHER: &str = "aes256-cbc";

/// Versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SHA-1, for PuTTY before 0.75 and WinSCP before 5.20. A passphrase is guessed fast.
    Two,
    /// Argon2 and SHA-256.
    Three,
}

/// A file as it was read. Its public half is in the open.
pub(super) struct PuttyFile {
    version: Version,
    comment: String,
    public: SshPublicKey,
    lock: Lock,
    private: Zeroizing<Vec<u8>>,
    mac: Vec<u8>,
}

impl PuttyFile {
    /// Reads a file. Computes nothing.
    pub(super) fn read(contents: &str) -> Result<Self, SshKeyError> {
        let fields = Fields::read(contents).ok_or(SshKeyError::Damaged("it is cut off, or a line makes no sense"))?;
        let version = match fields.header {
            "2" => Version::Two,
            "3" => Version::Three,
            _ => return Err(SshKeyError::Unsupported("PuTTY's format of before 2004".to_owned())),
        };
        let lock = match (fields.get("Encryption"), version) {
            (Some("none"), _) => Lock::None,
            (Some(CIPHER), Version::Two) => Lock::Plain,
            (Some(CIPHER), Version::Three) => Lock::Derived(derivation(&fields)?),
            _ => return Err(SshKeyError::Unsupported("a cipher PuTTY does not write".to_owned())),
        };
        let comment = fields.get("Comment").unwrap_or_default().to_owned();
        let public = SshPublicKey::from_blob(&fields.public, &comment);
        let public = public.ok_or_else(|| SshKeyError::Unsupported("a kind of key not known here".to_owned()))?;
        if public.algorithm() != fields.algorithm {
            return Err(SshKeyError::Damaged("it names another kind of key than it holds"));
        }
        let mac = fields.get("Private-MAC").and_then(hex::decode).ok_or(SshKeyError::Damaged("its checksum is missing"))?;
        Ok(Self { version, comment, public, lock, private: fields.private, mac })
    }

    pub(super) fn public(&self) -> &SshPublicKey {
        &self.public
    }

    pub(super) fn is_locked(&self) -> bool {
        !matches!(self.lock, Lock::None)
    }

    /// Opens it; computes for up to a second.
    pub(super) fn unlock(&self, passphrase: &Secret) -> Result<PrivateKey, SshKeyError> {
        let keys = Keys::derive(self.version, &self.lock, passphrase)?;
        let mut private = self.private.clone();
        keys.decrypt(&mut private).ok_or(SshKeyError::Damaged("its private half is cut off"))?;
        let text = authenticated(&self.public, &self.lock, &self.comment, &private);
        if !keys.mac(self.version)?.is(&text, &self.mac) {
            return Err(if self.is_locked() { SshKeyError::WrongPassphrase } else { SshKeyError::Damaged("its checksum is wrong") });
        }
        let pair = numbers::read(self.public.inner().key_data(), &private);
        let pair = pair.ok_or(SshKeyError::Damaged("its private half makes no sense, or belongs to another public half"))?;
        PrivateKey::new(pair, self.comment.as_str()).map_err(|error| unsupported(&error))
    }
}

/// The text of a file, locked with `passphrase`; in the open if that is empty.
pub(super) fn write(key: &PrivateKey, version: Version, passphrase: &Secret) -> Result<Zeroizing<String>, SshKeyError> {
    let public = SshPublicKey::new(key.public_key().clone());
    let algorithm = public.algorithm();
    let comment = public.plain_comment();
    let numbers = numbers::write(key.key_data());
    let mut private = numbers.ok_or_else(|| SshKeyError::Unsupported(format!("PuTTY has no file for {algorithm}")))?;
    let lock = match version {
        _ if passphrase.is_empty() => Lock::None,
        Version::Two => Lock::Plain,
        Version::Three => Lock::Derived(Derivation::new().map_err(|error| unsupported(&error))?),
    };
    let keys = Keys::derive(version, &lock, passphrase)?;
    keys.pad(&mut private);
    let mac = keys.mac(version)?.of(&authenticated(&public, &lock, &comment, &private));
    keys.encrypt(&mut private).ok_or(SshKeyError::Damaged("its last block is not whole"))?;

    let number = if version == Version::Two { "2" } else { "3" };
    let mut text = Zeroizing::new(String::new());
    text.extend([HEADER, number, ": ", &algorithm, "\nEncryption: ", lock.cipher(), "\nComment: ", &comment, "\n"]);
    put_lines(&mut text, "Public-Lines", &public.blob());
    if let Lock::Derived(derivation) = &lock {
        derivation.put(&mut text);
    }
    put_lines(&mut text, "Private-Lines", &private);
    text.extend(["Private-MAC: ", &hex::encode(&mac), "\n"]);
    Ok(text)
}

/// What the checksum is made over.
fn authenticated(public: &SshPublicKey, lock: &Lock, comment: &str, private: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(private.len() + 2048));
    for part in [public.algorithm().as_bytes(), lock.cipher().as_bytes(), comment.as_bytes(), &public.blob(), private] {
        text.extend_from_slice(&(part.len() as u32).to_be_bytes());
        text.extend_from_slice(part);
    }
    text
}

/// The checksum of a version, with its key in it.
enum Mac {
    Two(Hmac<Sha1>),
    Three(Hmac<Sha256>),
}

impl Mac {
    fn is(self, text: &[u8], mac: &[u8]) -> bool {
        match self {
            Self::Two(hmac) => hmac.chain_update(text).verify_slice(mac).is_ok(),
            Self::Three(hmac) => hmac.chain_update(text).verify_slice(mac).is_ok(),
        }
    }

    fn of(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Two(hmac) => hmac.chain_update(text).finalize().into_bytes().to_vec(),
            Self::Three(hmac) => hmac.chain_update(text).finalize().into_bytes().to_vec(),
        }
    }
}

/// The lines of a file.
struct Fields<'a> {
    header: &'a str,
    algorithm: &'a str,
    named: Vec<(&'a str, &'a str)>,
    public: Vec<u8>,
    private: Zeroizing<Vec<u8>>,
}

impl<'a> Fields<'a> {
    /// `None` where a line makes no sense or a half is missing.
    fn read(contents: &'a str) -> Option<Self> {
        let mut lines = contents.lines();
        let (header, algorithm) = lines.next()?.strip_prefix(HEADER)?.split_once(':')?;
        let (mut named, mut public, mut private) = (Vec::new(), None, None);
        while let Some(line) = lines.next() {
            let (name, value) = line.split_once(':')?;
            let half = match name {
                "Public-Lines" => &mut public,
                "Private-Lines" => &mut private,
                _ => {
                    named.push((name, value.strip_prefix(' ').unwrap_or(value)));
                    continue;
                }
            };
            let count: usize = value.trim().parse().ok()?;
            let base64 = Zeroizing::new(lines.by_ref().take(count).map(str::trim).collect::<String>());
            *half = Some(Zeroizing::new(STANDARD.decode(&*base64).ok()?));
        }
        Some(Self { header, algorithm: algorithm.trim(), named, public: public?.to_vec(), private: private? })
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

fn derivation(fields: &Fields<'_>) -> Result<Derivation, SshKeyError> {
    let number = |name: &str| fields.get(name)?.parse().ok();
    let all = || {
        Some(Derivation {
            kind: KINDS.into_iter().find(|(name, _)| fields.get("Key-Derivation") == Some(name))?.1,
            memory: number("Argon2-Memory")?,
            passes: number("Argon2-Passes")?,
            lanes: number("Argon2-Parallelism")?,
            salt: fields.get("Argon2-Salt").and_then(hex::decode)?,
        })
    };
    let derivation = all().ok_or(SshKeyError::Damaged("how it is locked is not told"))?;
    if derivation.is_affordable() {
        Ok(derivation)
    } else {
        Err(SshKeyError::Unsupported("opening it would take far more memory or time than a sensible key file asks for".to_owned()))
    }
}

fn put_lines(text: &mut String, name: &str, bytes: &[u8]) {
    let base64 = Zeroizing::new(STANDARD.encode(bytes));
    text.extend([name, ": ", &base64.len().div_ceil(64).to_string(), "\n"]);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.extend([line, "\n"]);
        rest = after;
    }
}
