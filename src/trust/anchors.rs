//! Trust anchors as the explanation needs them: whose name, which key. They grant nothing; the platform's verifier does.

use std::sync::Arc;

use super::certificate;
use super::evidence::Certificate;

/// The roots an explanation may end at. A clone is cheap.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Arc<[Anchor]>);

/// One root.
#[derive(Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its subject's DER.
    pub subject: Box<[u8]>,
    /// The DER of its SubjectPublicKeyInfo.
    pub spki: Box<[u8]>,
    /// All of it.
    pub certificate: Certificate,
}

impl Anchors {
    /// Takes name and key of each certificate (DER); what cannot be read is left out.
    pub fn of<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let read = |der: &[u8]| {
            let x509 = certificate::parse(der)?;
            let [subject, spki] = [x509.subject().as_raw(), x509.public_key().raw].map(Into::into);
            Some(Anchor { subject, spki, certificate: Certificate { der: der.into() } })
        };
        Self(certificates.into_iter().filter_map(read).collect())
    }

    /// Every one.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.0.iter()
    }

    /// Those whose subject is `name` (DER).
    pub fn named<'a, 'n>(&'a self, name: &'n [u8]) -> impl Iterator<Item = &'a Anchor> + use<'a, 'n> {
        self.0.iter().filter(move |anchor| &*anchor.subject == name)
    }
}
