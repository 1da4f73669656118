//! Clients that are asked who they are: whom the operator lets in, and what the others are told. With our own client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SerialNumber};
use tempfile::TempDir;
use tokio::sync::mpsc;

use sealift::model::TransferType;
use sealift::model::site::ParsedUrl;
use sealift::protocols::ftp::{DataMode, FtpConnection, FtpSettings, Quirks};
use sealift::protocols::tls::{ClientProof, Roots};
use sealift::protocols::{CertificateRefusal, ConnectError, ConnectErrorKind};
use sealift::secrets::Secret;
use sealift::server::ftp::TlsVersions;
use sealift::server::{AskForCertificate, Clients, Running, Users};
use sealift::trust::{Fingerprint, Pin, Remember, Verified};
use sealift::vfs::list_all;

use super::raw::{Raw, handshake, read_all, showing};
use super::{options, path, start, tree, users};
use crate::certificates::{Made, authority, self_signed};

const LIMIT: Duration = Duration::from_secs(20);
const WAYS: [(&str, TlsVersions); 4] =
    [("ftpes", TlsVersions::Only12), ("ftpes", TlsVersions::Only13), ("ftps", TlsVersions::Only12), ("ftps", TlsVersions::Only13)];

/// A server that asks, and its operator.
struct Asking {
    running: Running,
    scheme: &'static str,
    clients: Clients,
    told: mpsc::Receiver<String>,
    _folder: TempDir,
}

impl Asking {
    async fn start(ask: AskForCertificate, (scheme, versions): (&'static str, TlsVersions), users: Users) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clients = Clients::at(folder.path().to_owned());
        let (teller, told) = mpsc::channel(8);
        let mut options = options(&tree());
        options.implicit = scheme == "ftps";
        options.versions = versions;
        options.users = users;
        options.require_tls = true;
        options.client_certificate = ask;
        options.clients = Some(clients.clone());
        options.tell = Some(Arc::new(move |words| teller.try_send(words.to_owned()).unwrap()));
        Self { running: start(options).await, scheme, clients, told, _folder: folder }
    }

    /// As ann, who trusts the server; nobody is logged in yet.
    async fn reached_by(&self, client: Option<&Made>) -> Result<FtpConnection, ConnectError> {
        let site = ParsedUrl::parse(&format!("{}://ann@{}", self.scheme, self.running.addr)).unwrap().site;
        let roots = Roots::only(Vec::new());
        let proof = client.map(|own| ClientProof::new(std::slice::from_ref(&own.der), own.key.serialized_der(), &roots).unwrap());
        let settings = FtpSettings {
            site,
            roots,
            data_mode: DataMode::Auto,
            charset: None,
            transfer_type: TransferType::Binary,
            timeout: LIMIT,
            proof,
            quirks: Arc::new(Quirks::default()),
        };
        let unknown = FtpConnection::connect(&settings, None).await.map(drop).unwrap_err();
        let ConnectErrorKind::Untrusted(evidence) = unknown.kind else { panic!("{unknown}") };
        let pin = Pin::of(&evidence, Remember::Once, Verified::Blind, Timestamp::now());
        FtpConnection::connect(&settings, Some(pin)).await
    }

    /// What a client that is turned away hears.
    async fn refuses(&self, client: Option<&Made>) -> CertificateRefusal {
        let error = self.reached_by(client).await.map(drop).expect_err("it was let in");
        let ConnectErrorKind::ClientCertificate(refused) = error.kind else { panic!("{error}") };
        assert_eq!(refused.sent, client.is_some());
        refused.why
    }

    /// A client comes in with this password, and its data connections are served.
    async fn lets_in(&self, client: Option<&Made>, password: &str) {
        let mut connection = self.reached_by(client).await.unwrap();
        connection.login("ann", &Secret::new(password.to_owned())).await.unwrap();
        let place = connection.into_file_system().await.unwrap();
        assert_eq!(list_all(&place, &path("/")).await.unwrap().len(), 2);
    }

    /// The next word to the operator.
    async fn tells(&mut self) -> String {
        tokio::time::timeout(LIMIT, self.told.recv()).await.expect("the operator is told nothing").unwrap()
    }

    fn pending(&self) -> Vec<Fingerprint> {
        self.clients.lists().unwrap().pending.iter().map(sealift::server::clients::Client::fingerprint).collect()
    }
}

fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

fn print(client: &Made) -> Fingerprint {
    Fingerprint::of(&client.der)
}

#[tokio::test]
async fn an_unknown_client_waits_until_the_operator_decides() {
    for way in WAYS {
        println!("{way:?}");
        let mut server = Asking::start(AskForCertificate::Require, way, users()).await;
        assert_eq!(server.refuses(None).await, CertificateRefusal::Wanted);

        let client = self_signed(for_clients);
        assert_eq!(server.refuses(Some(&client)).await, CertificateRefusal::NotTrusted);
        let told = server.tells().await;
        assert!(told.contains("127.0.0.1") && told.contains(&print(&client).to_string()), "{told}");
        let waiting = server.clients.lists().unwrap().pending;
        assert_eq!((waiting.len(), waiting[0].fingerprint()), (1, print(&client)), "who showed nothing does not wait");
        assert_eq!(waiting[0].from, Some([127, 0, 0, 1].into()));

        server.clients.trust(&print(&client), Timestamp::now()).unwrap();
        server.lets_in(Some(&client), "secret").await;
        server.clients.refuse(&print(&client), Timestamp::now()).unwrap();
        assert_eq!(server.refuses(Some(&client)).await, CertificateRefusal::NotTrusted);
        server.running.stop().await;
        assert!(server.clients.lists().unwrap().pending.is_empty(), "who is refused does not wait again");
    }
}

#[tokio::test]
async fn whom_a_trusted_authority_signed_comes_in_and_waits_no_longer() {
    for way in WAYS {
        println!("{way:?}");
        let mut server = Asking::start(AskForCertificate::Require, way, users()).await;
        let partner = authority("Partner");
        let client = partner.signs(for_clients);
        assert_eq!(server.refuses(Some(&client)).await, CertificateRefusal::NotTrusted);
        server.tells().await;
        assert_eq!(server.pending(), [print(&client)]);
        server.clients.trust_authority(&partner.der, Timestamp::now()).unwrap();
        server.lets_in(Some(&client), "secret").await;
        assert_eq!(server.pending(), []);
    }
}

#[tokio::test]
async fn expired_and_revoked_certificates_are_refused_as_such_whoever_trusts_them() {
    for way in WAYS {
        println!("{way:?}");
        let server = Asking::start(AskForCertificate::Require, way, users()).await;
        let partner = authority("Partner");
        let expired = self_signed(|params| {
            for_clients(params);
            params.not_after = (SystemTime::now() - Duration::from_secs(3600)).into();
        });
        let revoked = partner.signs(|params| {
            for_clients(params);
            params.serial_number = Some(SerialNumber::from(7));
        });
        server.clients.trust_authority(&partner.der, Timestamp::now()).unwrap();
        for client in [&expired, &revoked] {
            server.clients.trust_certificate(&client.der, Timestamp::now()).unwrap();
        }
        assert_eq!(server.refuses(Some(&expired)).await, CertificateRefusal::Expired);
        server.lets_in(Some(&revoked), "secret").await;
        let lists = server.clients.folder().join("crl");
        std::fs::create_dir(&lists).unwrap();
        std::fs::write(lists.join("partner.crl"), partner.takes_back(7)).unwrap();
        assert_eq!(server.refuses(Some(&revoked)).await, CertificateRefusal::Revoked);
        server.running.stop().await;
        assert!(server.clients.lists().unwrap().pending.is_empty(), "neither waits to be trusted");
    }
}

#[tokio::test]
async fn where_certificates_are_only_asked_for_one_may_come_without() {
    for way in WAYS {
        println!("{way:?}");
        let mut server = Asking::start(AskForCertificate::Ask, way, users()).await;
        server.lets_in(None, "secret").await;
        let client = self_signed(for_clients);
        assert_eq!(server.refuses(Some(&client)).await, CertificateRefusal::NotTrusted);
        server.tells().await;
        assert_eq!(server.pending(), [print(&client)]);
    }
}

#[tokio::test]
async fn a_trusted_certificate_can_be_all_the_login_there_is() {
    for way in WAYS {
        println!("{way:?}");
        let server = Asking::start(AskForCertificate::Ask, way, Users::default().and_by_certificate("ann")).await;
        let client = self_signed(for_clients);
        server.clients.trust_certificate(&client.der, Timestamp::now()).unwrap();
        server.lets_in(Some(&client), "never sent").await;
        let mut without = server.reached_by(None).await.unwrap();
        let refused = without.login("ann", &Secret::new(String::new())).await.unwrap_err();
        assert_eq!(refused.kind, ConnectErrorKind::LoginRefused);
    }
    let server = Asking::start(AskForCertificate::Ask, WAYS[1], Users::default().and_by_certificate("ann")).await;
    let client = self_signed(for_clients);
    server.clients.trust_certificate(&client.der, Timestamp::now()).unwrap();
    let mut raw = Raw::connect(server.running.addr).await.protect(&showing(&client)).await;
    raw.ask("USER eve", 331).await;
    raw.ask("PASS ", 530).await;
    raw.ask("USER ann", 232).await;
    raw.ask("PWD", 257).await;
}

#[tokio::test]
async fn a_data_connection_shows_the_certificate_of_its_control_connection() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let server = Asking::start(AskForCertificate::Require, ("ftpes", versions), users()).await;
        let [client, other] = [self_signed(for_clients), self_signed(for_clients)];
        for trusted in [&client, &other] {
            server.clients.trust_certificate(&trusted.der, Timestamp::now()).unwrap();
        }
        let mut raw = Raw::connect(server.running.addr).await.protect(&showing(&client)).await;
        raw.login().await;
        raw.ask("PBSZ 0", 200).await;
        raw.ask("PROT P", 200).await;
        let data = raw.data().await;
        raw.ask("RETR /a.txt", 150).await;
        // With TLS 1.3 this end is done before the server has judged.
        let shown = handshake(&showing(&other), data).await;
        raw.expect(425).await;
        drop(shown);
        let data = raw.data().await;
        raw.ask("RETR /a.txt", 150).await;
        assert_eq!(read_all(&mut handshake(&showing(&client), data).await.unwrap()).await.unwrap(), b"hello");
        raw.expect(226).await;
    }
}

#[tokio::test]
async fn who_is_refused_meanwhile_comes_no_further_over_lines_that_are_open() {
    for way in WAYS {
        println!("{way:?}");
        let server = Asking::start(AskForCertificate::Require, way, users()).await;
        let client = self_signed(for_clients);
        server.clients.trust_certificate(&client.der, Timestamp::now()).unwrap();
        let secret = Secret::new("secret".to_owned());
        let mut before_login = server.reached_by(Some(&client)).await.unwrap();
        let mut connection = server.reached_by(Some(&client)).await.unwrap();
        connection.login("ann", &secret).await.unwrap();
        let place = connection.into_file_system().await.unwrap();

        server.clients.refuse(&print(&client), Timestamp::now()).unwrap();
        before_login.login("ann", &secret).await.unwrap_err();
        list_all(&place, &path("/")).await.unwrap_err();
        assert_eq!(server.clients.lists().unwrap().refused.len(), 1);
    }
}
