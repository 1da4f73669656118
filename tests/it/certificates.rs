//! Certificates for tests: made on the spot, or read from the fixtures where rcgen cannot make them.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

/// A certificate and its key.
pub(crate) struct Made {
    pub(crate) der: Vec<u8>,
    pub(crate) key: KeyPair,
    params: CertificateParams,
}

impl Made {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// A leaf of this authority; `change` may spoil it.
    pub(crate) fn signs(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let params = leaf(change);
        let key = KeyPair::generate().unwrap();
        Self { der: params.signed_by(&key, &self.issuer()).unwrap().der().to_vec(), key, params }
    }

    /// A certificate of this authority for somebody else's key (DER).
    pub(crate) fn certifies(&self, params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.signed_by(key, &self.issuer()).unwrap().der().to_vec()
    }

    /// A list, an hour old, on which this authority takes the certificate with this number back (DER).
    pub(crate) fn takes_back(&self, serial: u64) -> Vec<u8> {
        let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
        let serial_number = SerialNumber::from(serial);
        let revoked = RevokedCertParams { serial_number, revocation_time: (now - hour).into(), reason_code: None, invalidity_date: None };
        let list = CertificateRevocationListParams {
            this_update: (now - hour).into(),
            next_update: (now + hour).into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer()).unwrap().der().to_vec()
    }

    /// A subordinate authority.
    pub(crate) fn signs_authority(&self, name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        Self { der: params.signed_by(&key, &self.issuer()).unwrap().der().to_vec(), key, params }
    }
}

/// A self-signed authority.
pub(crate) fn authority(name: &str) -> Made {
    let params = authority_params(name);
    let key = KeyPair::generate().unwrap();
    Made { der: params.self_signed(&key).unwrap().der().to_vec(), key, params }
}

/// A self-signed leaf.
pub(crate) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Made {
    let params = leaf(change);
    let key = KeyPair::generate().unwrap();
    Made { der: params.self_signed(&key).unwrap().der().to_vec(), key, params }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a leaf is made of.
pub(crate) fn leaf(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name = common_name("localhost");
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    params
}

pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut dn = DistinguishedName::new();
    dn.push(DnType::CommonName, name);
    dn
}

/// DER of a PEM file of the fixtures.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::from_pem_file(fixture_path(name)).unwrap().to_vec()
}

pub(crate) fn fixture_path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates").join(name)
}
