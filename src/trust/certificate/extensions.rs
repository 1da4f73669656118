//! What a certificate's extensions (RFC 5280 section 4.2) say, in words; those nobody here knows as they stand.

use serde::Serialize;
use x509_parser::extensions::{ParsedExtension, X509Extension};

use super::names::{general_name, hex, safe};

/// The extensions of a certificate, request or list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ExtensionFacts {
    /// Key usage, in words.
    pub key_usage: Vec<String>,
    /// Extended key usage, in words or as OIDs.
    pub extended_key_usage: Vec<String>,
    /// How many authorities may stand below this one; `None`: as many as they like, or it is none.
    pub path_length: Option<u32>,
    /// Where lists of revoked certificates are.
    pub crl_addresses: Vec<String>,
    /// Who answers about revocations (RFC 6960).
    pub ocsp_addresses: Vec<String>,
    /// Where the issuer's certificate is.
    pub issuer_addresses: Vec<String>,
    /// SubjectKeyIdentifier, upper-case hex with colons.
    pub subject_key_id: Option<String>,
    /// AuthorityKeyIdentifier, likewise.
    pub authority_key_id: Option<String>,
    /// Signed certificate timestamps (RFC 6962) in it.
    pub timestamps: usize,
    /// The rest: those not said in words above.
    pub others: Vec<Extension>,
}

/// An extension as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// Which.
    pub oid: String,
    /// Who does not understand it must refuse the certificate.
    pub critical: bool,
    /// The first bytes of its value, upper-case hex with colons.
    pub value: String,
}

impl ExtensionFacts {
    pub(in crate::trust) fn read(extensions: &[X509Extension<'_>]) -> Self {
        let mut facts = Self::default();
        for extension in extensions {
            if !facts.take(extension.parsed_extension()) {
                facts.others.push(Extension {
                    oid: extension.oid.to_id_string(),
                    critical: extension.critical,
                    value: hex(extension.value),
                });
            }
        }
        facts
    }

    /// Whether what it says has words of its own, or is said elsewhere (the names).
    pub(in crate::trust) fn take(&mut self, extension: &ParsedExtension<'_>) -> bool {
        match extension {
            ParsedExtension::SubjectAlternativeName(_) => {}
            ParsedExtension::KeyUsage(usage) => {
                let words = usage.to_string();
                self.key_usage.extend(words.split(", ").filter(|word| !word.is_empty()).map(|word| safe(word.as_bytes())));
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let flags = [
                    (usage.any, "any purpose"),
                    (usage.server_auth, "server authentication"),
                    (usage.client_auth, "client authentication"),
                    (usage.code_signing, "code signing"),
                    (usage.email_protection, "e-mail protection"),
                    (usage.time_stamping, "time stamping"),
                    (usage.ocsp_signing, "OCSP signing"),
                ];
                self.extended_key_usage.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| (*word).to_owned()));
                self.extended_key_usage.extend(usage.other.iter().map(x509_parser::oid_registry::Oid::to_id_string));
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.path_length = constraints.path_len_constraint.filter(|_| constraints.ca);
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                use x509_parser::extensions::DistributionPointName::FullName;
                for point in points.iter() {
                    if let Some(FullName(names)) = &point.distribution_point {
                        self.crl_addresses.extend(names.iter().filter_map(general_name));
                    }
                }
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in &access.accessdescs {
                    let addresses = match description.access_method.to_id_string().as_str() {
                        "1.3.6.1.5.5.7.48.1" => &mut self.ocsp_addresses,
                        "1.3.6.1.5.5.7.48.2" => &mut self.issuer_addresses,
                        _ => continue,
                    };
                    addresses.extend(general_name(&description.access_location));
                }
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(hex(id.0)),
            ParsedExtension::AuthorityKeyIdentifier(id) => match &id.key_identifier {
                Some(id) => self.authority_key_id = Some(hex(id.0)),
                None => return false,
            },
            ParsedExtension::SCT(timestamps) => self.timestamps += timestamps.len(),
            _ => return false,
        }
        true
    }
}
