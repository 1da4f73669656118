//! Trust anchors as the explanation needs them: whose name, which key. They grant nothing; the platform's verifier does.

use std::sync::Arc;

use x509_parser::prelude::{FromDer, X509Certificate};

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
}

impl Anchors {
    /// Takes name and key of each certificate (DER); what cannot be read is left out.
    pub fn of<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let read = |der| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            Some(Anchor { subject: certificate.subject().as_raw().into(), spki: certificate.public_key().raw.into() })
        };
        Self(certificates.into_iter().filter_map(read).collect())
    }

    /// Those whose subject is `name` (DER).
    pub fn named<'a, 'n>(&'a self, name: &'n [u8]) -> impl Iterator<Item = &'a Anchor> + use<'a, 'n> {
        self.0.iter().filter(move |anchor| &*anchor.subject == name)
    }
}
