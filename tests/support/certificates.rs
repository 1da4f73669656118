//! An authority, a server certificate and a client certificate for one server, made anew for each.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Files in PEM, and what a client is told.
#[derive(Clone)]
pub struct Certificates {
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
    /// The authority's certificate.
    pub authority_file: PathBuf,
    /// The server's certificate for `localhost` and `127.0.0.1`, DER.
    pub server: Vec<u8>,
    pub server_file: PathBuf,
    pub server_key_file: PathBuf,
    /// Key and certificate in one file, mode 0600.
    pub server_both_file: PathBuf,
    pub client_file: PathBuf,
    pub client_key_file: PathBuf,
}

impl Certificates {
    /// Makes them in the folder `inside`/pki.
    pub fn make(inside: &Path) -> Self {
        let folder = inside.join("pki");
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            super::system::write_private(&path, text);
            path
        };

        let authority_key = KeyPair::generate().unwrap();
        let mut params = named("sealift test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);

        let server_key = KeyPair::generate().unwrap();
        let server = end_entity("localhost", &["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth)
            .signed_by(&server_key, &issuer)
            .unwrap();
        let client_key = KeyPair::generate().unwrap();
        let client = end_entity("alice", &["alice"], ExtendedKeyUsagePurpose::ClientAuth).signed_by(&client_key, &issuer).unwrap();

        Self {
            authority: authority.der().to_vec(),
            authority_file: write("authority.crt", &authority.pem()),
            server: server.der().to_vec(),
            server_file: write("server.crt", &server.pem()),
            server_key_file: write("server.key", &server_key.serialize_pem()),
            server_both_file: write("server.pem", &format!("{}{}", server_key.serialize_pem(), server.pem())),
            client_file: write("client.crt", &client.pem()),
            client_key_file: write("client.key", &client_key.serialize_pem()),
        }
    }
}

fn end_entity(name: &str, hosts: &[&str], usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = named(name, hosts);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Valid from yesterday for a week: verifiers of some platforms refuse long lives.
fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    params.not_before = (now - day).into();
    params.not_after = (now + day * 7).into();
    params
}
