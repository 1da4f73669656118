//! SSH key files: the public half without the passphrase where the format allows, the private half with it.
//!
//! Reads OpenSSH, PEM (PKCS#1, SEC 1, PKCS#8) and PuTTY files. Writes nothing.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, PublicKeyOrCertificate, decode_secret_key, parse_public_key_base64};
use zeroize::Zeroizing;

use crate::model::text;
use crate::secrets::Secret;
use crate::trust::{Fingerprint, HostCertificate, HostKey};

/// No key file is larger (bytes).
const LARGEST: u64 = 256 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SshKeyError {
    /// The file cannot be read.
    #[error("the key file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It holds no private key we know.
    #[error("this is no private key file (OpenSSH, PEM or PuTTY)")]
    NotAKey,
    /// It is no user certificate of OpenSSH.
    #[error("this is no SSH user certificate")]
    NotACertificate,
    /// The passphrase does not open it.
    #[error("the passphrase does not open this key")]
    WrongPassphrase,
    /// It belongs to a security key (FIDO); only an agent can sign with it.
    #[error("this is a security key's file; load it into the SSH agent to use it")]
    NeedsAgent,
    /// It is a key, but encrypted or made in a way that is not supported.
    #[error("this key file is of a kind that cannot be opened here ({0}); `ssh-keygen -p -f FILE` rewrites it in OpenSSH's format")]
    Unsupported(String),
}

/// The public half of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SshPublicKey(PublicKey);

impl SshPublicKey {
    pub(crate) fn new(key: PublicKey) -> Self {
        Self(key)
    }

    pub(crate) fn inner(&self) -> &PublicKey {
        &self.0
    }

    /// Reads a public key file (`FILE.pub`), whose private half an agent may hold.
    pub fn read(path: &Path) -> Result<Self, SshKeyError> {
        PublicKey::from_openssh(read_text(path)?.trim()).map(Self).map_err(|_| SshKeyError::NotAKey)
    }

    /// Whether both are one key, whatever their comments.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.key_data() == other.0.key_data()
    }

    /// The algorithm's name, e.g. `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// The comment, made safe to draw; may be empty.
    pub fn comment(&self) -> String {
        text::display_safe(self.0.comment().as_bytes())
    }

    /// SHA-256 of the key's blob, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0.to_bytes().unwrap_or_default())
    }

    /// The comment, or the fingerprint where there is none.
    pub fn label(&self) -> String {
        let comment = self.comment();
        if comment.is_empty() { self.fingerprint().openssh() } else { comment }
    }
}

impl fmt::Debug for SshPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.fingerprint().openssh())
    }
}

/// A private key that is open: it can sign. Never shown, never logged.
#[derive(Clone)]
pub struct SshKey(Arc<PrivateKey>);

impl SshKey {
    pub(crate) fn inner(&self) -> &Arc<PrivateKey> {
        &self.0
    }

    /// The public half.
    pub fn public(&self) -> SshPublicKey {
        SshPublicKey(self.0.public_key().clone())
    }
}

/// A key file as it was read; the private half may still be locked.
pub struct SshKeyFile {
    path: PathBuf,
    contents: Zeroizing<String>,
    public: Option<SshPublicKey>,
    is_locked: bool,
}

impl SshKeyFile {
    /// Reads a file. Needs no passphrase and computes next to nothing.
    ///
    /// The public half is known at once for OpenSSH and PuTTY files and for those that are not locked; for a locked
    /// PEM file only if `FILE.pub` lies beside it.
    pub fn read(path: &Path) -> Result<Self, SshKeyError> {
        let contents = read_text(path)?;
        let (public, is_locked) = match Format::of(&contents).ok_or(SshKeyError::NotAKey)? {
            Format::OpenSsh => {
                let key = PrivateKey::from_openssh(contents.trim().as_bytes()).map_err(|error| unsupported(&error))?;
                (Some(key.public_key().clone()), key.is_encrypted())
            }
            Format::Putty { is_locked } => (putty_public(&contents), is_locked),
            Format::Pem { is_locked: true } => (None, true),
            Format::Pem { is_locked: false } => {
                (Some(decode_secret_key(&contents, None).map_err(|error| unsupported(&error))?.public_key().clone()), false)
            }
        };
        // A locked OpenSSH file hides its comment, too; the public file beside it has it.
        let public = match (public, public_beside(path)) {
            (Some(public), Some(beside)) if public.comment().is_empty() && beside.key_data() == public.key_data() => Some(beside),
            (public, beside) => public.or(beside),
        };
        let public = public.map(SshPublicKey);
        Ok(Self { path: path.to_owned(), contents, public, is_locked })
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public half, where it is known without the passphrase.
    pub fn public(&self) -> Option<&SshPublicKey> {
        self.public.as_ref()
    }

    /// Whether a passphrase is needed.
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// The key's comment or fingerprint, or the file's name where neither is known; safe to draw.
    pub fn label(&self) -> String {
        match &self.public {
            Some(public) => public.label(),
            None => text::display_safe(self.path.file_name().unwrap_or_default().as_encoded_bytes()),
        }
    }

    /// Opens the private half. The passphrase of a file that is not locked is ignored.
    ///
    /// This takes up to a second of computing on purpose (key derivation): call it off the event loop.
    pub fn unlock(&self, passphrase: &Secret) -> Result<SshKey, SshKeyError> {
        let passphrase = self.is_locked.then(|| passphrase.expose());
        match decode_secret_key(&self.contents, passphrase) {
            Ok(key) if matches!(key.algorithm(), Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256) => Err(SshKeyError::NeedsAgent),
            Ok(key) if !key.is_encrypted() => Ok(SshKey(Arc::new(key))),
            Ok(_) => Err(SshKeyError::WrongPassphrase),
            Err(error) => Err(match cipher_we_lack(&self.contents) {
                Some(cipher) => SshKeyError::Unsupported(cipher),
                None if self.is_locked => SshKeyError::WrongPassphrase,
                None => unsupported(&error),
            }),
        }
    }
}

/// The key files OpenSSH tries by itself, in its order, as far as they are there.
pub fn default_keys(home: &Path) -> Vec<PathBuf> {
    let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
    names.iter().map(|name| home.join(".ssh").join(name)).filter(|path| path.is_file()).collect()
}

/// What a server showed as the trust room speaks of it. The signature of a certificate is checked here.
pub(crate) fn host_key(shown: &PublicKeyOrCertificate) -> HostKey {
    let key = shown.public_key();
    let mut host_key = HostKey::plain(key.algorithm().to_string(), key.to_bytes().unwrap_or_default());
    host_key.certificate = shown.certificate().map(|certificate| Box::new(host_certificate(certificate)));
    host_key
}

fn host_certificate(certificate: &Certificate) -> HostCertificate {
    let time = |seconds: u64| i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    HostCertificate {
        algorithm: certificate.algorithm().to_certificate_type(),
        id: text::display_safe(certificate.key_id().as_bytes()),
        serial: certificate.serial(),
        principals: certificate.valid_principals().to_vec(),
        not_before: match certificate.valid_after() {
            0 => None,
            // A time no calendar has does not come.
            seconds => Some(time(seconds).unwrap_or(Timestamp::MAX)),
        },
        not_after: time(certificate.valid_before()),
        is_for_hosts: certificate.cert_type() == CertType::Host,
        critical: certificate.critical_options().keys().cloned().collect(),
        authority: PublicKey::from(certificate.signature_key().clone()).to_bytes().unwrap_or_default().into(),
        signature: certificate.signature().algorithm().to_string(),
        is_signed: certificate.verify_signature().is_ok(),
    }
}

/// The text of a key file.
pub(super) fn read_text(path: &Path) -> Result<Zeroizing<String>, SshKeyError> {
    let mut contents = Zeroizing::new(String::new());
    let file = std::fs::File::open(path)?;
    let read = file.take(LARGEST + 1).read_to_string(&mut contents).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => SshKeyError::NotAKey,
        _ => SshKeyError::Io(error),
    })?;
    if read as u64 > LARGEST { Err(SshKeyError::NotAKey) } else { Ok(contents) }
}

enum Format {
    OpenSsh,
    Putty { is_locked: bool },
    Pem { is_locked: bool },
}

impl Format {
    fn of(contents: &str) -> Option<Self> {
        let first = contents.trim_start().lines().next()?.trim_end();
        match first {
            "-----BEGIN OPENSSH PRIVATE KEY-----" => Some(Self::OpenSsh),
            "-----BEGIN ENCRYPTED PRIVATE KEY-----" => Some(Self::Pem { is_locked: true }),
            _ if first.starts_with("PuTTY-User-Key-File-") => {
                let is_locked = field(contents, "Encryption").is_some_and(|cipher| cipher != "none");
                Some(Self::Putty { is_locked })
            }
            _ if first.starts_with("-----BEGIN ") && first.ends_with("PRIVATE KEY-----") => {
                Some(Self::Pem { is_locked: contents.contains("Proc-Type: 4,ENCRYPTED") })
            }
            _ => None,
        }
    }
}

fn field<'a>(contents: &'a str, name: &str) -> Option<&'a str> {
    contents.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn putty_public(contents: &str) -> Option<PublicKey> {
    let count: usize = field(contents, "Public-Lines")?.parse().ok()?;
    let lines = contents.lines().skip_while(|line| !line.starts_with("Public-Lines:")).skip(1).take(count);
    let mut key = parse_public_key_base64(&lines.map(str::trim).collect::<String>()).ok()?;
    key.set_comment(field(contents, "Comment").unwrap_or_default());
    Some(key)
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    SshPublicKey::read(&with_suffix(path, ".pub")).ok().map(|public| public.0)
}

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Old PEM files name their cipher; of those only AES-128-CBC over RSA can be opened.
fn cipher_we_lack(contents: &str) -> Option<String> {
    let cipher = field(contents, "DEK-Info")?.split(',').next()?;
    let opens = cipher == "AES-128-CBC" && contents.contains("BEGIN RSA PRIVATE KEY");
    (!opens).then(|| text::display_safe(cipher.as_bytes()))
}

fn unsupported(error: &impl fmt::Display) -> SshKeyError {
    SshKeyError::Unsupported(text::display_safe(error.to_string().as_bytes()))
}
