//! What we ask a server for: host key types, known ones first, and ciphers, the fast ones first.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression};

use super::connection::SshSettings;

/// In the order they are asked for.
pub(super) fn preferred(settings: &SshSettings) -> Preferred {
    let all = host_key_algorithms(&settings.preferred_host_keys);
    let (key, certified) = match &settings.host_key_algorithms {
        Some(chosen) => (chosen_of(&all, chosen, ToString::to_string), chosen_of(&all, chosen, Algorithm::to_certificate_type)),
        None => (all.clone(), all),
    };
    Preferred {
        key: key.into(),
        host_key_certificates: if settings.host_certificates { certified.into() } else { Cow::Borrowed(&[]) },
        cipher: Cow::Borrowed(if has_aes() { &AES_FIRST } else { &CHACHA_FIRST }),
        compression: Cow::Borrowed(&[compression::NONE]),
        // The key exchanges stay russh's own: strict-kex markers are among them.
        ..Preferred::DEFAULT
    }
}

/// Those of `all` whose names were chosen, in the order of the choice.
fn chosen_of(all: &[Algorithm], chosen: &[String], name: impl Fn(&Algorithm) -> String) -> Vec<Algorithm> {
    chosen.iter().filter_map(|choice| all.iter().find(|algorithm| name(algorithm) == *choice)).cloned().collect()
}

const AES_FIRST: [cipher::Name; 6] =
    [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
const CHACHA_FIRST: [cipher::Name; 6] =
    [cipher::CHACHA20_POLY1305, cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];

/// Whether this processor computes AES itself.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Known types first. RSA with SHA-1 is left out, as OpenSSH does.
fn host_key_algorithms(preferred: &[String]) -> Vec<Algorithm> {
    let mut all = vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let key_type = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
        other => other.to_string(),
    };
    all.sort_by_key(|algorithm| preferred.iter().position(|known| *known == key_type(algorithm)).unwrap_or(usize::MAX));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SshSettings {
        SshSettings::new(crate::model::site::ParsedUrl::parse("sftp://h").unwrap().site)
    }

    #[test]
    fn a_known_key_type_is_asked_for_first() {
        let first = |known: &[&str]| host_key_algorithms(&known.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())[0].clone();
        assert_eq!(first(&[]), Algorithm::Ed25519);
        assert_eq!(first(&["ssh-rsa"]), Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(first(&["ecdsa-sha2-nistp384", "ssh-ed25519"]), Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 });
    }

    #[test]
    fn chosen_key_types_are_all_that_is_asked_for() {
        let chosen = ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256", "ssh-dss", "ssh-rsa", "ssh-ed25519"].map(str::to_owned).to_vec();
        let asked = preferred(&SshSettings { host_key_algorithms: Some(chosen), host_certificates: true, ..settings() });
        assert_eq!(*asked.key, [Algorithm::Rsa { hash: Some(HashAlg::Sha256) }, Algorithm::Ed25519], "no SHA-1, no DSA");
        assert_eq!(*asked.host_key_certificates, [Algorithm::Rsa { hash: Some(HashAlg::Sha512) }]);
        assert!(preferred(&settings()).host_key_certificates.is_empty());
    }

    #[test]
    fn strict_key_exchange_stays_on_and_compression_off() {
        let asked = preferred(&settings());
        assert!(asked.kex.contains(&russh::kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        assert!(asked.cipher.contains(&cipher::AES_128_GCM));
        assert_eq!(asked.compression.len(), 1);
    }
}
