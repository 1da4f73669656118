//! The certificate authorities a connection may lean on: the verdict (the platform's verifier, or webpki over a given
//! list) and the same roots as names and keys for the explanation.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::tickets::GroupHints;
use crate::trust::{Anchors, ListFolder};

/// Certificate authorities, and where they say what they took back. A clone is cheap and shares what was loaded; nothing
/// is loaded before it is needed.
#[derive(Clone)]
pub struct Roots {
    inner: Arc<Inner>,
    lists: ListFolder,
}

struct Inner {
    /// Those of the operating system count too.
    system: bool,
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    /// `None`: there are no roots at all, so nothing is accepted.
    verifier: OnceLock<Option<Arc<dyn ServerCertVerifier>>>,
    anchors: OnceLock<Anchors>,
    hints: GroupHints,
    /// These and others, as [`Roots::with`] was asked last.
    more: Mutex<Option<(Vec<Vec<u8>>, Roots)>>,
}

impl Roots {
    /// The operating system's.
    pub fn system() -> Self {
        Self::new(true, Vec::new())
    }

    /// These certificates (DER) and no others. What is no certificate is left out.
    pub fn only(certificates: Vec<Vec<u8>>) -> Self {
        Self::new(false, certificates.into_iter().map(CertificateDer::from).filter(is_root).collect())
    }

    /// The certificates of a PEM file as well. An error if it cannot be read or holds none that can be a root.
    pub fn with_pem_file(self, path: &Path) -> io::Result<Self> {
        let text = std::fs::read(path)?;
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut extra = self.inner.extra.clone();
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            extra.extend(certificate.ok().filter(is_root));
        }
        if extra.len() == before {
            return Err(wrong("there is no PEM certificate in this file that can be a root".to_owned()));
        }
        Ok(Self { lists: self.lists, ..Self::new(self.inner.system, extra) })
    }

    /// With the revocation lists of this folder.
    #[must_use]
    pub fn with_revocation_lists(self, lists: ListFolder) -> Self {
        Self { lists, ..self }
    }

    pub(super) fn revocation_lists(&self) -> &ListFolder {
        &self.lists
    }

    /// These and `certificates` (DER); what is no certificate is left out. Asked for the same again, it answers the same,
    /// so that the system's are not loaded for every connection.
    pub fn with(&self, certificates: Vec<Vec<u8>>) -> Self {
        if certificates.is_empty() {
            return self.clone();
        }
        let mut more = self.inner.more.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, roots)) = &*more
            && *same == certificates
        {
            return roots.clone();
        }
        let given = certificates.iter().cloned().map(CertificateDer::from).filter(is_root);
        let all = self.inner.extra.iter().cloned().chain(given).collect();
        let roots = Self { lists: self.lists.clone(), ..Self::new(self.inner.system, all) };
        *more = Some((certificates, roots.clone()));
        roots
    }

    fn new(system: bool, extra: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (verifier, anchors, hints, more) = (OnceLock::new(), OnceLock::new(), GroupHints::default(), Mutex::default());
        Self { inner: Arc::new(Inner { system, extra, provider, verifier, anchors, hints, more }), lists: ListFolder::none() }
    }

    pub(super) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.inner.provider
    }

    pub(super) fn hints(&self) -> GroupHints {
        self.inner.hints.clone()
    }

    /// The verdict. `None` if there is no root at all.
    pub(super) fn verifier(&self) -> Option<&Arc<dyn ServerCertVerifier>> {
        let inner = &*self.inner;
        inner.verifier.get_or_init(|| if inner.system { system_verifier(inner) } else { given_verifier(inner) }).as_ref()
    }

    /// Names and keys, for the explanation. Loads them the first time, which reads files.
    pub fn anchors(&self) -> &Anchors {
        self.inner.anchors.get_or_init(|| {
            let system = if self.inner.system { rustls_native_certs::load_native_certs().certs } else { Vec::new() };
            Anchors::of(system.iter().chain(&self.inner.extra).map(AsRef::as_ref))
        })
    }
}

fn system_verifier(inner: &Inner) -> Option<Arc<dyn ServerCertVerifier>> {
    match Verifier::new_with_extra_roots(inner.extra.clone(), inner.provider.clone()) {
        Ok(verifier) => Some(Arc::new(verifier)),
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this system");
            None
        }
    }
}

fn given_verifier(inner: &Inner) -> Option<Arc<dyn ServerCertVerifier>> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(inner.extra.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), inner.provider.clone()).build().ok()?;
    Some(verifier)
}

fn is_root(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("system", &self.inner.system).field("extra", &self.inner.extra.len()).finish_non_exhaustive()
    }
}
