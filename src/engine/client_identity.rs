//! The client certificate a site is shown: found by name or in files, unlocked only once a server asks for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::failure::{ConnectFailure, Refusal, Shown};
use super::services::Services;
use super::wanted_secret::{ATTEMPTS, WantedSecret};
use crate::ask::SecretPurpose;
use crate::identity::x509::bundle::{Bundle, BundleError, Opened};
use crate::identity::x509::expiry::expiry;
use crate::identity::x509::key::KeyError;
use crate::identity::x509::store::{Identity, IdentityStore, pem};
use crate::model::{IdentityChoice, SecurityLevel, Site, text};
use crate::protocols::tls::{ClientProof, Roots};
use crate::protocols::{CertificateRefusal, RefusedCertificate};
use crate::secrets::{Label, Secret};
use crate::trust::certificate::{CertificateFacts, public_key_of};

/// No file of certificates or keys is larger (bytes).
const LARGEST: u64 = 4 * 1024 * 1024;

/// A client identity before anybody asked for it: its key is still in its file.
pub(super) struct ClientIdentity {
    /// As a person knows it.
    name: String,
    /// The file to send an administrator.
    certificate_file: PathBuf,
    key_file: PathBuf,
    /// Certificates, key, or both; what is behind a passphrase is not read yet.
    files: Vec<Vec<u8>>,
    is_locked: bool,
    /// What its passphrase is kept under; nothing for one in files, which have no name to be found by.
    label: Option<Label>,
    pending: Option<Pending>,
}

/// A signed certificate on its first way to a server.
#[derive(Clone)]
struct Pending {
    /// Of the identity it waits for.
    name: String,
    /// DER, as it lies there.
    chain: Vec<Vec<u8>>,
}

/// A client identity that can be shown.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) tls: ClientProof,
    pub(super) shown: Shown,
    pending: Option<Pending>,
    expires: Timestamp,
}

impl ClientIdentity {
    /// The one that is bound to a site; `None`: it is shown none.
    pub(super) async fn bound(choice: &IdentityChoice, services: &Services) -> Result<Option<Self>, ConnectFailure> {
        let (choice, store) = (choice.clone(), services.identities.clone());
        off_the_loop(move || {
            let name = match choice {
                IdentityChoice::None => return Ok(None),
                IdentityChoice::Files { certificate, key } => return Self::in_files(certificate, key).map(Some),
                IdentityChoice::Named(name) => Some(name),
                IdentityChoice::Default => store.default_name().map_err(|error| unusable("the default identity", &error))?,
            };
            name.map(|name| Self::kept(&store, &name)).transpose()
        })
        .await
    }

    fn kept(store: &IdentityStore, name: &str) -> Result<Self, ConnectFailure> {
        let failed = |error: &dyn std::fmt::Display| unusable(&format!("the identity {name}"), error);
        let identity = store.get(name).map_err(|error| failed(&error))?;
        let key_file = identity.key_file();
        let key = read(&key_file).map_err(|error| failed(&error))?;
        let is_locked = Bundle::read(&key).map_err(|error| failed(&error))?.is_locked();
        let Identity { name, chain, pending, .. } = &identity;
        let waits = pending.is_some();
        let chain = pem(pending.as_ref().unwrap_or(chain));
        let pending = pending.clone().map(|chain| Pending { name: name.clone(), chain });
        Ok(Self {
            name: name.clone(),
            certificate_file: if waits { identity.pending_file() } else { identity.certificate_file() },
            key_file,
            files: vec![chain.into_bytes(), key],
            is_locked,
            label: Some(Label::Certificate(name.clone())),
            pending,
        })
    }

    fn in_files(certificate: PathBuf, key: PathBuf) -> Result<Self, ConnectFailure> {
        let mut files = Vec::new();
        let mut is_locked = false;
        for path in if certificate == key { vec![&certificate] } else { vec![&certificate, &key] } {
            let bytes = read(path).map_err(|error| unusable(&shown_path(path), &error))?;
            is_locked |= Bundle::read(&bytes).map_err(|error| unusable(&shown_path(path), &error))?.is_locked();
            files.push(bytes);
        }
        Ok(Self {
            name: shown_path(&certificate),
            certificate_file: certificate,
            key_file: key,
            files,
            is_locked,
            label: None,
            pending: None,
        })
    }

    /// Opens the key, with its passphrase where there is one: kept, or asked for; not again after a refusal of the same one.
    pub(super) async fn unlock(self, site: &Site, services: &Services) -> Result<Proof, ConnectFailure> {
        if let Some(proof) = services.refused_identity.proof(&self.files) {
            return Ok(proof);
        }
        let identity = Arc::new(self);
        let mut wanted = identity.is_locked.then(|| {
            let purpose = SecretPurpose::KeyPassphrase { file: shown_path(&identity.key_file), label: identity.name.clone() };
            WantedSecret::new(services, site, None, purpose, identity.label.clone())
        });
        let mut attempt = 1;
        loop {
            let passphrase = match &mut wanted {
                Some(wanted) => wanted.next().await.map_err(|_| identity.no_passphrase())?,
                None => Secret::new(String::new()),
            };
            let (opening, roots) = (identity.clone(), services.roots.clone());
            match off_the_loop(move || Ok(opening.open(&passphrase, &roots))).await? {
                Ok(proof) => {
                    if let Some(wanted) = wanted {
                        wanted.was_right().await;
                    }
                    services.refused_identity.keep(&identity.files, &proof);
                    return Ok(proof);
                }
                Err(Unopened::WrongPassphrase) if attempt < ATTEMPTS && wanted.is_some() => {
                    attempt += 1;
                    wanted.iter().for_each(WantedSecret::was_wrong);
                }
                Err(why) => return Err(unusable(&shown_path(&identity.key_file), &why)),
            }
        }
    }

    fn no_passphrase(&self) -> ConnectFailure {
        ConnectFailure::NoSecret { wanted: format!("the passphrase of your certificate {}", self.name) }
    }

    fn open(&self, passphrase: &Secret, roots: &Roots) -> Result<Proof, Unopened> {
        let (mut chain, mut key) = (Vec::new(), None);
        for bytes in &self.files {
            let Opened { certificates, key: found } = Bundle::read(bytes)?.open(passphrase)?;
            chain.extend(certificates);
            key = found.or(key);
        }
        let key = key.ok_or(Unopened::Missing("there is no private key in it"))?;
        // The one that belongs to the key is shown first, wherever it stands in the file.
        let public = key.public();
        let own = chain
            .iter()
            .position(|der| public_key_of(der) == Some(&*public))
            .ok_or(Unopened::Missing("its certificate belongs to another key"))?;
        chain.swap(0, own);
        let facts = CertificateFacts::read(&chain[0]).map_err(|_| Unopened::Missing("its certificate cannot be read"))?;
        let tls = ClientProof::new(&chain, key.pkcs8(), roots).map_err(Unopened::NotForTls)?;
        let shown = Shown {
            name: self.name.clone(),
            subject: facts.owner(),
            issuer: (!facts.self_issued).then(|| facts.issuer_name()),
            fingerprint: facts.fingerprint,
            file: self.certificate_file.clone(),
            certificate: chain.swap_remove(0),
            is_new: self.pending.is_some(),
        };
        Ok(Proof { tls, shown, pending: self.pending.clone(), expires: facts.not_after })
    }
}

impl Proof {
    /// The level it brings a connection to.
    pub(super) fn level(&self) -> SecurityLevel {
        if self.shown.issuer.is_some() { SecurityLevel::MostSecure } else { SecurityLevel::MoreSecure }
    }

    /// A login went well with it: a signed certificate that waited replaces the old one. Answers what a person should hear.
    pub(super) async fn worked(&self, services: &Services) -> Option<String> {
        services.refused_identity.forget();
        if let Some(Pending { name, chain }) = self.pending.clone() {
            let store = services.identities.clone();
            let committed = off_the_loop(move || Ok(store.commit(&name, &chain).map_err(|error| error.to_string()))).await;
            return Some(match committed.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => format!("the signed certificate of {} has replaced the old one", self.shown.name),
                Err(why) => format!("the new certificate of {} works and could not replace the old one: {why}", self.shown.name),
            });
        }
        expiry(self.expires, (services.now)()).map(|expiry| format!("your certificate {} {expiry}; renew it in time", self.shown.name))
    }
}

/// The identity that was opened last, until a server takes it: the first refusal is expected, and who tries again is not to
/// type the passphrase each time.
#[derive(Clone, Default)]
pub struct RefusedIdentity(Arc<Mutex<Option<Open>>>);

/// What was opened.
#[derive(Clone)]
struct Open {
    files: Vec<Vec<u8>>,
    proof: Proof,
}

impl RefusedIdentity {
    /// The one out of exactly these files, if it is that.
    fn proof(&self, files: &[Vec<u8>]) -> Option<Proof> {
        self.lock().as_ref().filter(|open| open.files == files).map(|open| open.proof.clone())
    }

    fn keep(&self, files: &[Vec<u8>], proof: &Proof) {
        *self.lock() = Some(Open { files: files.to_vec(), proof: proof.clone() });
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server's refusal means for a person. `proof`: what was at hand to be shown.
pub(super) fn refusal(refused: &RefusedCertificate, error: &crate::protocols::ConnectError, proof: Option<&Proof>) -> ConnectFailure {
    ConnectFailure::ClientCertificate(Box::new(Refusal {
        endpoint: error.endpoint.clone(),
        // A key the server can do nothing with (none of its signature schemes) is not even sent.
        why: if refused.why == CertificateRefusal::Wanted && proof.is_some() { CertificateRefusal::Unsupported } else { refused.why },
        authorities: refused.authorities.clone(),
        said: error.detail.clone(),
        shown: proof.map(|proof| proof.shown.clone()),
    }))
}

/// Why an identity was not opened.
#[derive(Debug, thiserror::Error)]
enum Unopened {
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    #[error("{0}")]
    Missing(&'static str),
    #[error("TLS cannot use this kind of key ({0})")]
    NotForTls(String),
    #[error(transparent)]
    Bundle(BundleError),
}

impl From<BundleError> for Unopened {
    fn from(error: BundleError) -> Self {
        if error == BundleError::Key(KeyError::WrongPassphrase) { Self::WrongPassphrase } else { Self::Bundle(error) }
    }
}

fn unusable(file: &str, why: &dyn std::fmt::Display) -> ConnectFailure {
    ConnectFailure::Key { file: file.to_owned(), why: why.to_string() }
}

fn shown_path(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Files and key derivations, off the runtime's threads.
async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> Result<T, ConnectFailure> + Send + 'static) -> Result<T, ConnectFailure> {
    let broken = |error: tokio::task::JoinError| unusable("your client identity", &error);
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
