//! The names of what TLS agrees on, as the field writes them.

use rustls::{AlertDescription, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// `TLS1.3`.
pub(super) fn version(version: ProtocolVersion) -> Option<String> {
    version.as_str().map(|name| name.replace("TLSv1_", "TLS1."))
}

/// The IANA name; rustls writes `TLS13_AES…` where IANA writes `TLS_AES…`.
pub(super) fn suite(suite: CipherSuite) -> Option<String> {
    suite.as_str().map(|name| name.replacen("TLS13_", "TLS_", 1))
}

/// `X25519MLKEM768`, `P-256`.
pub(super) fn group(group: NamedGroup) -> String {
    match group {
        NamedGroup::secp256r1 => "P-256".to_owned(),
        NamedGroup::secp384r1 => "P-384".to_owned(),
        NamedGroup::secp521r1 => "P-521".to_owned(),
        NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768".to_owned(),
        known => known.as_str().map_or_else(|| format!("group 0x{:04x}", u16::from(known)), |name| name.replace("FFDHE", "ffdhe")),
    }
}

/// How something was signed: `ECDSA P-256 with SHA-256`. With TLS 1.2 the curve is not part of it.
pub(super) fn scheme(scheme: SignatureScheme, is_tls13: bool) -> String {
    use SignatureScheme as Scheme;
    let ecdsa = |curve: &str, hash: &str| if is_tls13 { format!("ECDSA {curve} with {hash}") } else { format!("ECDSA with {hash}") };
    match scheme {
        Scheme::RSA_PKCS1_SHA1 => "RSA with SHA-1".to_owned(),
        Scheme::RSA_PKCS1_SHA256 => "RSA with SHA-256".to_owned(),
        Scheme::RSA_PKCS1_SHA384 => "RSA with SHA-384".to_owned(),
        Scheme::RSA_PKCS1_SHA512 => "RSA with SHA-512".to_owned(),
        Scheme::RSA_PSS_SHA256 => "RSA-PSS with SHA-256".to_owned(),
        Scheme::RSA_PSS_SHA384 => "RSA-PSS with SHA-384".to_owned(),
        Scheme::RSA_PSS_SHA512 => "RSA-PSS with SHA-512".to_owned(),
        Scheme::ECDSA_SHA1_Legacy => "ECDSA with SHA-1".to_owned(),
        Scheme::ECDSA_NISTP256_SHA256 => ecdsa("P-256", "SHA-256"),
        Scheme::ECDSA_NISTP384_SHA384 => ecdsa("P-384", "SHA-384"),
        Scheme::ECDSA_NISTP521_SHA512 => ecdsa("P-521", "SHA-512"),
        Scheme::ED25519 => "Ed25519".to_owned(),
        Scheme::ED448 => "Ed448".to_owned(),
        known => known.as_str().map_or_else(|| format!("scheme 0x{:04x}", u16::from(known)), |name| name.replace('_', "-")),
    }
}

/// RFC 8446's name of an alert with its number: `handshake_failure (40)`.
pub(super) fn alert(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for letter in alert.as_str().unwrap_or("unknown").chars() {
        if letter.is_uppercase() && after_small {
            name.push('_');
        }
        after_small = letter.is_lowercase();
        name.push(letter.to_ascii_lowercase());
    }
    format!("{name} ({})", u8::from(alert))
}
