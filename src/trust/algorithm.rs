//! Names of the algorithms certificates are made with, and which of them are too weak. Checks no signature.

use std::fmt;

use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::certificate::KeyFacts;

/// The name of a signature algorithm, and whether it can be forged.
pub(crate) fn signature_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> (String, bool) {
    let oid = algorithm.algorithm.to_id_string();
    let (name, weak) = match oid.as_str() {
        "1.2.840.113549.1.1.2" => ("RSA with MD2", true),
        "1.2.840.113549.1.1.4" => ("RSA with MD5", true),
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => ("RSA with SHA-1", true),
        "1.2.840.10040.4.3" => ("DSA with SHA-1", true),
        "2.16.840.1.101.3.4.3.1" | "2.16.840.1.101.3.4.3.2" => ("DSA", true),
        "1.2.840.10045.4.1" => ("ECDSA with SHA-1", true),
        "1.2.840.113549.1.1.10" => ("RSA-PSS", false),
        "1.2.840.113549.1.1.11" => ("RSA with SHA-256", false),
        "1.2.840.113549.1.1.12" => ("RSA with SHA-384", false),
        "1.2.840.113549.1.1.13" => ("RSA with SHA-512", false),
        "1.2.840.10045.4.3.2" => ("ECDSA with SHA-256", false),
        "1.2.840.10045.4.3.3" => ("ECDSA with SHA-384", false),
        "1.2.840.10045.4.3.4" => ("ECDSA with SHA-512", false),
        "1.3.101.112" => ("Ed25519", false),
        "1.3.101.113" => ("Ed448", false),
        other => (other, false),
    };
    (name.to_owned(), weak)
}

/// What kind of public key, and how strong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa {
        bits: usize,
    },
    Dsa,
    /// With the curve's name or OID.
    Ec(String),
    /// By name or OID.
    Other(String),
}

impl KeyKind {
    pub(crate) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        match (spki.algorithm.algorithm.to_id_string().as_str(), spki.parsed()) {
            (_, Ok(PublicKey::RSA(key))) => Self::Rsa { bits: key.key_size() },
            ("1.2.840.10040.4.1", _) => Self::Dsa,
            ("1.2.840.10045.2.1", _) => {
                let curve = spki.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
                let curve = curve.map_or_else(|| "explicit curve".to_owned(), |oid| oid.to_id_string());
                Self::Ec(match curve.as_str() {
                    "1.2.840.10045.3.1.7" => "P-256".to_owned(),
                    "1.3.132.0.34" => "P-384".to_owned(),
                    "1.3.132.0.35" => "P-521".to_owned(),
                    "1.3.132.0.10" => "secp256k1".to_owned(),
                    "1.3.132.0.33" => "P-224".to_owned(),
                    "1.2.840.10045.3.1.1" => "P-192".to_owned(),
                    "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1".to_owned(),
                    "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1".to_owned(),
                    "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1".to_owned(),
                    _ => curve,
                })
            }
            ("1.3.101.112", _) => Self::Other("Ed25519".to_owned()),
            ("1.3.101.113", _) => Self::Other("Ed448".to_owned()),
            (other, _) => Self::Other(other.to_owned()),
        }
    }

    /// The same in parts.
    pub(super) fn facts(&self) -> KeyFacts {
        let (algorithm, bits, curve) = match self {
            Self::Rsa { bits } => ("RSA".to_owned(), Some(*bits), None),
            Self::Dsa => ("DSA".to_owned(), None, None),
            Self::Ec(curve) => ("ECDSA".to_owned(), curve_bits(curve), Some(curve.clone())),
            Self::Other(name) => (name.clone(), None, None),
        };
        KeyFacts { algorithm, bits, curve, strength: self.strength() }
    }

    fn strength(&self) -> &'static str {
        match self {
            _ if self.is_weak() => "too weak",
            Self::Rsa { bits: ..3072 } => "good enough until about 2030",
            Self::Ec(curve) if curve_bits(curve).is_none_or(|bits| bits < 256) => "unknown",
            Self::Other(name) if !name.starts_with("Ed") => "unknown",
            _ => "strong",
        }
    }

    pub(crate) fn is_weak(&self) -> bool {
        matches!(self, Self::Rsa { bits: ..2048 } | Self::Dsa)
    }
}

fn curve_bits(curve: &str) -> Option<usize> {
    ["192", "224", "256", "384", "512", "521"]
        .iter()
        .find(|bits| curve.contains(**bits) && !curve.contains('.'))
        .and_then(|bits| bits.parse().ok())
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits} bits"),
            Self::Dsa => f.write_str("DSA"),
            Self::Ec(curve) => write!(f, "ECDSA {curve}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}
