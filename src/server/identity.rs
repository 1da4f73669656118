//! What the embedded server proves itself with: a certificate with its key, or an SSH host key. Not the client's identities.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use russh::keys::decode_secret_key;
use russh::keys::ssh_key::{self, Algorithm, PrivateKey};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::identity::x509::store::pem;
use crate::model::text;
use crate::trust::private_file;

const VALID: Duration = Duration::from_secs(30 * 24 * 3600);
/// What a server is given that keeps its certificate: Apple's longest for a server of one's own.
const VALID_KEPT: Duration = Duration::from_secs(825 * 24 * 3600);
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
const HOST_KEY: &str = "ssh_host_ed25519_key";
/// Clocks of two machines differ; a certificate that begins now would not be valid yet on the other one.
const BACKDATED: Duration = Duration::from_secs(5 * 60);

/// Why there is no identity to serve with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read, or has no certificate or key in PEM.
    #[error("cannot read {path}: {why}")]
    File {
        /// Which file.
        path: String,
        /// What was wrong.
        why: String,
    },
    /// Key and certificate do not belong together, or the key is of no kind we can serve with.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(String),
    /// Making a key failed.
    #[error("cannot make an identity: {0}")]
    Making(String),
    /// An SSH server has no certificate, an FTP server no host key, and a plain FTP server nothing at all.
    #[error("this server proves itself in another way")]
    OtherKind,
}

/// A certificate chain, leaf first, and the leaf's private key.
#[derive(Clone)]
pub struct ServerIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Arc<PrivateKeyDer<'static>>,
}

/// What a throw-away certificate is made of.
#[derive(Clone, Copy)]
pub struct Throwaway<'a> {
    /// DNS names or IP addresses.
    pub names: &'a [&'a str],
    /// Valid from.
    pub from: SystemTime,
    /// Valid until.
    pub until: SystemTime,
    /// The identity whose key it is made over; `None`: a new key (P-256).
    pub key_of: Option<&'a ServerIdentity>,
    /// Signed by an authority made for it, whose certificate is sent along, not by itself.
    pub by_authority: bool,
}

impl<'a> Throwaway<'a> {
    /// Self-signed over a new key, for 30 days.
    pub fn new(names: &'a [&'a str]) -> Self {
        let now = SystemTime::now();
        Self { names, from: now - BACKDATED, until: now + VALID, key_of: None, by_authority: false }
    }
}

impl ServerIdentity {
    /// A new self-signed certificate (P-256, no CA, 30 days) for `names`: DNS names or IP addresses.
    pub fn throwaway(names: &[&str]) -> Result<Self, IdentityError> {
        Self::make(&Throwaway::new(names))
    }

    /// A new certificate.
    pub fn make(of: &Throwaway<'_>) -> Result<Self, IdentityError> {
        let making = |error: rcgen::Error| IdentityError::Making(error.to_string());
        let mut params = CertificateParams::default();
        for name in of.names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*name).try_into().map_err(making)?),
            });
        }
        params.distinguished_name.push(DnType::CommonName, *of.names.first().unwrap_or(&"localhost"));
        params.distinguished_name.push(DnType::OrganizationName, "sealift embedded server");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = of.from.into();
        params.not_after = of.until.into();
        let key = match of.key_of {
            Some(other) => KeyPair::try_from(&*other.key).map_err(making)?,
            None => KeyPair::generate().map_err(making)?,
        };
        let chain = if of.by_authority {
            let authority = authority(of).map_err(making)?;
            vec![params.signed_by(&key, &authority).map_err(making)?.der().clone(), authority.der().clone()]
        } else {
            vec![params.self_signed(&key).map_err(making)?.der().clone()]
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| IdentityError::Making(why.to_owned()))?;
        Ok(Self { chain, key: Arc::new(key) })
    }

    /// [`Self::throwaway`] for `localhost`, `127.0.0.1` and `::1`.
    pub fn for_this_machine() -> Result<Self, IdentityError> {
        Self::throwaway(&["localhost", "127.0.0.1", "::1"])
    }

    /// The one kept in `folder` (`certificate.pem`, and `key.pem` in the open as a server needs it, mode 0600); if there is
    /// none yet, a new self-signed one for `names` is made and kept. Blocks.
    pub fn kept(folder: &Path, names: &[&str]) -> Result<Self, IdentityError> {
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        private_file::create_folder(folder).map_err(|error| unusable_file(folder, &error))?;
        let _lock = private_file::lock(&certificate);
        if is_there(&certificate)? {
            return Self::from_pem_files(&certificate, &key);
        }
        // Clients may have pinned the key: it outlives its certificate.
        let old = if is_there(&key)? { Some(Self::of_key_file(&key)?) } else { None };
        let made = Self::make(&Throwaway { until: SystemTime::now() + VALID_KEPT, key_of: old.as_ref(), ..Throwaway::new(names) })?;
        let pair = KeyPair::try_from(&*made.key).map_err(|error| IdentityError::Making(error.to_string()))?;
        for (file, text) in [(&key, pair.serialize_pem()), (&certificate, pem(&[made.leaf().to_vec()]))] {
            private_file::replace(file, Zeroizing::new(text).as_bytes()).map_err(|error| unusable_file(file, &error))?;
        }
        Ok(made)
    }

    /// The key in a PEM file, without a certificate over it.
    fn of_key_file(key: &Path) -> Result<Self, IdentityError> {
        let found = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable_file(key, &error))?;
        Ok(Self { chain: Vec::new(), key: Arc::new(found) })
    }

    /// A chain (DER, leaf first) and the leaf's private key (PKCS#8, DER).
    pub fn new(chain: Vec<Vec<u8>>, key: &[u8]) -> Result<Self, IdentityError> {
        let key = PrivateKeyDer::try_from(key.to_vec()).map_err(|why| IdentityError::Unusable(why.to_owned()))?;
        Ok(Self { chain: chain.into_iter().map(CertificateDer::from).collect(), key: Arc::new(key) })
    }

    /// The chain (leaf first) and the unencrypted key out of PEM files; both may be the same file.
    pub fn from_pem_files(certificates: &Path, key: &Path) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable_file(certificates, &error))?;
        if chain.is_empty() {
            return Err(unusable_file(certificates, &"there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable_file(key, &error))?;
        Ok(Self { chain, key: Arc::new(key) })
    }

    /// The chain, DER, leaf first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(AsRef::as_ref)
    }

    /// The leaf certificate, DER.
    pub fn leaf(&self) -> &[u8] {
        self.chain.first().map_or(&[], |leaf| leaf.as_ref())
    }
}

/// What cannot be looked at is not taken for missing.
fn is_there(file: &Path) -> Result<bool, IdentityError> {
    file.try_exists().map_err(|error| unusable_file(file, &error))
}

fn unusable_file(path: &Path, why: &impl ToString) -> IdentityError {
    IdentityError::File { path: text::display_safe(path.as_os_str().as_encoded_bytes()), why: why.to_string() }
}

/// An authority that signs one certificate and is forgotten.
fn authority(of: &Throwaway<'_>) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "sealift demo authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = of.from.into();
    params.not_after = of.until.into();
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// An SSH host key.
#[derive(Clone)]
pub struct HostKey(pub(super) PrivateKey);

impl HostKey {
    /// A new Ed25519 key.
    pub fn throwaway() -> Result<Self, IdentityError> {
        PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519)
            .map(Self)
            .map_err(|error| IdentityError::Making(error.to_string()))
    }

    /// The one kept in `folder` in OpenSSH's format, mode 0600; if there is none yet, a new one is made and kept. Blocks.
    pub fn kept(folder: &Path) -> Result<Self, IdentityError> {
        let file = folder.join(HOST_KEY);
        private_file::create_folder(folder).map_err(|error| unusable_file(folder, &error))?;
        let _lock = private_file::lock(&file);
        if is_there(&file)? {
            return Self::from_file(&file);
        }
        let made = Self::throwaway()?;
        let text = made.0.to_openssh(ssh_key::LineEnding::LF).map_err(|error| IdentityError::Making(error.to_string()))?;
        private_file::replace(&file, text.as_bytes()).map_err(|error| unusable_file(&file, &error))?;
        Ok(made)
    }

    /// The unlocked private key in a file (OpenSSH, PEM). Blocks.
    pub fn from_file(file: &Path) -> Result<Self, IdentityError> {
        let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| unusable_file(file, &error))?;
        decode_secret_key(&text, None).map(Self).map_err(|error| unusable_file(file, &error))
    }

    /// The public half, as a client sees it.
    pub fn public(&self) -> crate::trust::HostKey {
        let key = self.0.public_key();
        crate::trust::HostKey::plain(key.algorithm().to_string(), key.to_bytes().unwrap_or_default())
    }

    /// The public half as OpenSSH writes it into `known_hosts` and `.pub` files: algorithm and base64.
    pub fn public_openssh(&self) -> String {
        self.0.public_key().to_openssh().unwrap_or_default()
    }
}

/// `length` random letters and digits without look-alikes, for passwords of one run (5 bits each).
pub fn random_text(length: usize) -> Result<String, IdentityError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    aws_lc_rs::default_provider().secure_random.fill(&mut bytes).map_err(|_| IdentityError::Making("no random numbers".to_owned()))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throwaway_certificate_is_new_each_time_and_survives_pem() {
        let one = ServerIdentity::for_this_machine().unwrap();
        assert_ne!(one.leaf(), ServerIdentity::for_this_machine().unwrap().leaf());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.pem");
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(&path, certificate.pem() + &key.serialize_pem()).unwrap();
        assert_eq!(ServerIdentity::from_pem_files(&path, &path).unwrap().leaf(), &certificate.der()[..]);

        std::fs::write(&path, "nothing").unwrap();
        assert!(matches!(ServerIdentity::from_pem_files(&path, &path), Err(IdentityError::File { .. })));
    }

    #[test]
    fn what_is_kept_is_shown_again() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("server");
        let made = ServerIdentity::kept(&kept, &["files.example"]).unwrap();
        let again = ServerIdentity::kept(&kept, &["other.example"]).unwrap();
        assert_eq!((made.leaf(), made.key.secret_der()), (again.leaf(), again.key.secret_der()));
        std::fs::remove_file(kept.join(CERTIFICATE)).unwrap();
        let renewed = ServerIdentity::kept(&kept, &["files.example"]).unwrap();
        assert_ne!(renewed.leaf(), made.leaf());
        assert_eq!(renewed.key.secret_der(), made.key.secret_der(), "the key outlives its certificate");
        let host_key = HostKey::kept(&kept).unwrap();
        assert_eq!(host_key.public(), HostKey::kept(&kept).unwrap().public());
        for file in [KEY, HOST_KEY] {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(kept.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_renewal_keeps_the_key_and_an_authority_is_sent_along() {
        use crate::trust::certificate::CertificateFacts;
        let facts = |identity: &ServerIdentity| CertificateFacts::read(identity.leaf()).unwrap();
        let names = ["localhost"];
        let old = ServerIdentity::throwaway(&names).unwrap();
        let new = ServerIdentity::make(&Throwaway { key_of: Some(&old), ..Throwaway::new(&names) }).unwrap();
        assert_ne!(old.leaf(), new.leaf());
        assert_eq!(facts(&old).spki, facts(&new).spki);
        let signed = ServerIdentity::make(&Throwaway { by_authority: true, ..Throwaway::new(&names) }).unwrap();
        assert_eq!((signed.chain().count(), facts(&signed).self_issued), (2, false));
    }

    #[test]
    fn random_text_has_its_length_and_no_look_alikes() {
        let text = random_text(40).unwrap();
        assert_eq!(text.len(), 40);
        assert!(!text.contains(['l', 'o', '0', '1']));
        assert_ne!(text, random_text(40).unwrap());
    }
}
