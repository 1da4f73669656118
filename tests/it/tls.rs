//! The TLS client against a rustls server on loopback that records every byte it gets.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use sealift::model::Endpoint;
use sealift::protocols::tls::{Roots, TlsSession, TlsStream, TlsVersions, alert_of};
use sealift::protocols::{AlertKind, ConnectError, ConnectErrorKind};
use sealift::trust::{Evidence, Fingerprint, Pin as TrustPin, ProblemKind, Remember, Verified};

use crate::certificates::{Made, authority, fixture, fixture_path, leaf, self_signed};

pub(crate) const BOTH: [TlsVersions; 2] = [TlsVersions::Any, TlsVersions::Only12];

/// What a server shows and proves.
pub(crate) struct Identity {
    chain: Vec<Vec<u8>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(crate) fn of(made: &Made) -> Self {
        Self::replayed(&made.der, made)
    }

    /// The certificate of one, the key of another.
    pub(crate) fn replayed(der: &[u8], key: &Made) -> Self {
        Self { chain: vec![der.to_vec()], key: PrivateKeyDer::try_from(key.key.serialize_der()).unwrap() }
    }

    fn fixture(name: &str) -> Self {
        let key = PrivateKeyDer::from_pem_file(fixture_path(&format!("{name}.key"))).unwrap();
        Self { chain: vec![fixture(&format!("{name}.pem"))], key }
    }
}

/// A server that says hello after each handshake and then waits for the end. Stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    /// What each connection sent, byte for byte.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How many connections are over.
    over: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(identity: Identity) -> Self {
        Self::start_with(identity, None).await
    }

    /// `client_authority`: who must have signed the client's certificate.
    async fn start_with(identity: Identity, client_authority: Option<&Made>) -> Self {
        Self::start_from(aws_lc_rs::default_provider(), identity, client_authority, true).await
    }

    /// One with other algorithms, that only asks for a certificate unless it is `required`.
    pub(crate) async fn start_from(provider: CryptoProvider, identity: Identity, client_authority: Option<&Made>, required: bool) -> Self {
        let provider = Arc::new(provider);
        let key = provider.key_provider.load_private_key(identity.key).unwrap();
        let chain = identity.chain.into_iter().map(CertificateDer::from).collect();
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(rustls::ALL_VERSIONS).unwrap();
        let builder = match client_authority {
            None => builder.with_no_client_auth(),
            Some(made) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(made.der.clone().into()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
        config.session_storage = rustls::server::ServerSessionMemoryCache::new(16);
        Self::listen(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// One that speaks plain FTP.
    async fn plain() -> Self {
        Self::listen(None).await
    }

    async fn listen(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let log = received.clone();
        let (ended, over) = watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let at = log.lock().unwrap().len();
                log.lock().unwrap().push(Vec::new());
                let stream = Recorded { stream, at, log: log.clone() };
                let said = match &acceptor {
                    Some(acceptor) => greet(acceptor.accept(stream).await, b"220 hello\r\n").await,
                    None => greet(Ok(stream), b"220 plain as day\r\n").await,
                };
                tracing::debug!(?said, "connection over");
                ended.send_modify(|count| *count += 1);
            }
        });
        Self { address, received, over, task }
    }

    pub(crate) async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Every byte of this connection, counted from 0, once it is over.
    async fn sent(&self, connection: usize) -> Vec<u8> {
        in_time(self.over.clone().wait_for(|&over| over > connection)).await.unwrap();
        self.received.lock().unwrap()[connection].clone()
    }
}

/// The hello, and behind it nothing but records that carry nothing: no certificate, no key exchange, no data.
pub(crate) fn assert_only_hello(sent: &[u8]) {
    let mut rest = sent;
    let mut records = Vec::new();
    while let [kind, _, _, high, low, more @ ..] = rest {
        let (record, after) = more.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        records.push((*kind, record.len(), record[0]));
        rest = after;
    }
    assert!(matches!(records[0], (22, _, 1)), "the first record is the hello: {records:?}");
    // A change of cipher says nothing; an alert is two bytes, in TLS 1.3 with its type and 16 of a tag.
    assert!(records[1..].iter().all(|(kind, length, _)| matches!((kind, length), (20, 1) | (21, 2) | (23, 19))), "{records:?}");
}

/// Says hello and waits for the end. A client may leave at any point.
async fn greet(stream: std::io::Result<impl AsyncRead + AsyncWrite + Unpin>, hello: &[u8]) -> std::io::Result<usize> {
    let mut stream = stream?;
    stream.write_all(hello).await?;
    stream.read_to_end(&mut Vec::new()).await
}

struct Recorded {
    stream: TcpStream,
    at: usize,
    log: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsyncRead for Recorded {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.log.lock().unwrap()[self.at].extend_from_slice(&buffer.filled()[before..]);
        result
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Fails instead of hanging.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("nothing came in time")
}

fn endpoint() -> Endpoint {
    Endpoint::new("127.0.0.1", 990)
}

pub(crate) fn session(pin: Option<&TrustPin>, roots: &Roots, versions: TlsVersions) -> TlsSession {
    TlsSession::new(&endpoint(), pin.cloned(), roots, versions).unwrap()
}

pub(crate) fn no_roots() -> Roots {
    Roots::only(Vec::new())
}

/// The evidence of a connection that must be refused for want of trust.
pub(crate) async fn refused(server: &Server, pin: Option<&TrustPin>, roots: &Roots, versions: TlsVersions) -> Evidence {
    let error = in_time(session(pin, roots, versions).connect(server.dial().await)).await.expect_err("it must not be trusted");
    match error.kind {
        ConnectErrorKind::Untrusted(evidence) => *evidence,
        other => panic!("{other:?}"),
    }
}

/// Reads the server's hello, after which its tickets are here too.
pub(crate) async fn greeting(stream: &mut TlsStream) {
    let mut line = [0; 11];
    in_time(stream.read_exact(&mut line)).await.unwrap();
    assert_eq!(&line, b"220 hello\r\n");
}

fn kinds(evidence: &Evidence) -> Vec<ProblemKind> {
    evidence.problems.iter().map(|problem| problem.kind).collect()
}

pub(crate) fn pin_of(evidence: &Evidence) -> TrustPin {
    TrustPin::of(evidence, Remember::Always, Verified::Blind, Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn an_unknown_server_gets_nothing_but_the_hello() {
    for versions in BOTH {
        let server = Server::start(Identity::of(&self_signed(|_| {}))).await;
        let evidence = refused(&server, None, &no_roots(), versions).await;
        assert_eq!(kinds(&evidence), [ProblemKind::UnknownIssuer, ProblemKind::SelfSigned]);
        let (version, suite) = (evidence.tls.version.unwrap(), evidence.tls.suite.unwrap());
        match versions {
            TlsVersions::Any => assert_eq!((version.as_str(), suite.starts_with("TLS_AES_")), ("TLS1.3", true), "{suite}"),
            TlsVersions::Only12 => assert_eq!((version.as_str(), suite.starts_with("TLS_ECDHE_")), ("TLS1.2", true), "{suite}"),
        }
        let sent = server.sent(0).await;
        assert_only_hello(&sent);
        // In TLS 1.3 it is encrypted.
        assert!(versions == TlsVersions::Any || sent.ends_with(&[2, 48]), "the server's log says unknown_ca: {sent:?}");
    }
}

/// Debian puts a certificate it made for localhost among the authorities: webpki then says of every other one for
/// localhost that its signature is bad.
#[tokio::test]
async fn a_root_with_the_servers_own_name_does_not_change_what_is_told() {
    let root = self_signed(|_| {});
    let server = Server::start(Identity::of(&self_signed(|_| {}))).await;
    let evidence = refused(&server, None, &Roots::only(vec![root.der]), TlsVersions::Only12).await;
    assert_eq!(kinds(&evidence), [ProblemKind::UnknownIssuer, ProblemKind::SelfSigned]);
    assert!(server.sent(0).await.ends_with(&[2, 48]), "unknown_ca, not decrypt_error");
}

#[tokio::test]
async fn what_nobody_can_use_is_refused_even_if_it_is_pinned() {
    let key = self_signed(|_| {});
    for der in ["rsa-1024.pem", "dsa.pem", "secp256k1.pem"].map(fixture).into_iter().chain([b"no certificate".to_vec()]) {
        let server = Server::start(Identity::replayed(&der, &key)).await;
        for versions in BOTH {
            let evidence = refused(&server, None, &no_roots(), versions).await;
            let again = refused(&server, Some(&pin_of(&evidence)), &no_roots(), versions).await;
            assert!(again.unusable && !again.has(ProblemKind::ChangedSincePinned), "{:?}", again.problems);
        }
    }
}

#[tokio::test]
async fn what_was_pinned_is_accepted() {
    let fixtures = ["v1-ec", "v1-rsa"].map(Identity::fixture).into_iter();
    let keys = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    let keys = keys.map(|kind| {
        let key = rcgen::KeyPair::generate_for(kind).unwrap();
        let der = leaf(|_| {}).self_signed(&key).unwrap().der().to_vec();
        Identity { chain: vec![der], key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    });
    let odd = self_signed(|p| p.custom_extensions = vec![crate::assess::critical()]);
    for identity in fixtures.chain(keys).chain([Identity::of(&odd)]) {
        let server = Server::start(identity).await;
        for versions in BOTH {
            let evidence = refused(&server, None, &no_roots(), versions).await;
            let session = session(Some(&pin_of(&evidence)), &no_roots(), versions);
            greeting(&mut in_time(session.connect(server.dial().await)).await.unwrap()).await;
            let accepted = session.evidence().unwrap();
            assert_eq!(accepted.problems, evidence.problems, "still told, though accepted");
            assert_eq!(accepted.tls, session.facts());
            let (before, after) = (&evidence.tls, session.facts());
            assert_eq!((&after.version, &after.suite, &after.key_exchange), (&before.version, &before.suite, &before.key_exchange));
        }
    }
}

#[tokio::test]
async fn an_authority_is_enough_and_another_name_is_not() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let good = Server::start(Identity::of(&root.signs(|_| {}))).await;
    let wanted = session(None, &roots, TlsVersions::Any);
    greeting(&mut in_time(wanted.connect(good.dial().await)).await.unwrap()).await;
    assert_eq!(wanted.evidence().unwrap().problems, []);

    let other = TlsSession::new(&Endpoint::new("ftp.example.com", 990), None, &roots, TlsVersions::Any).unwrap();
    let error = in_time(other.connect(good.dial().await)).await.unwrap_err();
    let ConnectErrorKind::Untrusted(evidence) = error.kind else { panic!("{error}") };
    assert_eq!(kinds(&evidence), [ProblemKind::NameMismatch]);
    assert_eq!(other.evidence(), None);
}

#[tokio::test]
async fn a_pem_file_adds_authorities() {
    let (root, folder) = (authority("Root"), tempfile::tempdir().unwrap());
    let file = folder.path().join("roots.pem");
    let leaf = root.signs(|_| {});
    std::fs::write(&file, format!("some words\n{}{}", pem_of(&root.der), pem_of(&fixture("authority.pem")))).unwrap();
    let server = Server::start(Identity::of(&leaf)).await;
    for roots in [no_roots(), Roots::system()] {
        refused(&server, None, &roots, TlsVersions::Any).await;
        let session = session(None, &roots.with_pem_file(&file).unwrap(), TlsVersions::Any);
        greeting(&mut in_time(session.connect(server.dial().await)).await.unwrap()).await;
    }
    std::fs::write(&file, "no certificate").unwrap();
    assert_eq!(no_roots().with_pem_file(&file).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(no_roots().with_pem_file(folder.path().join("none").as_path()).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

fn pem_of(der: &[u8]) -> String {
    use base64::Engine as _;
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::engine::general_purpose::STANDARD.encode(der))
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_even_if_valid() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let before = refused(&Server::start(Identity::of(&self_signed(|_| {}))).await, None, &roots, TlsVersions::Any).await;
    let server = Server::start(Identity::of(&root.signs(|_| {}))).await;
    let pin = pin_of(&before);
    let evidence = refused(&server, Some(&pin), &roots, TlsVersions::Any).await;
    assert_eq!(kinds(&evidence), [ProblemKind::ChangedSincePinned]);
    let remembered = evidence.remembered.unwrap();
    assert_eq!((remembered.fingerprint, remembered.place.as_str(), remembered.same_key), (pin.certificate, "pinned 1970-01-01", false));

    let renewed = TrustPin { certificate: Fingerprint::of(b"the old one"), spki: evidence.spki, ..pin };
    let evidence = refused(&server, Some(&renewed), &roots, TlsVersions::Any).await;
    assert!(evidence.remembered.unwrap().same_key, "a renewal with the same key says so");
}

#[tokio::test]
async fn a_new_problem_of_a_pinned_certificate_asks_again() {
    let server = Server::start(Identity::of(&self_signed(|_| {}))).await;
    let mut pin = pin_of(&refused(&server, None, &no_roots(), TlsVersions::Any).await);
    pin.accepted.remove(&ProblemKind::SelfSigned);
    let evidence = refused(&server, Some(&pin), &no_roots(), TlsVersions::Any).await;
    assert!(evidence.has(ProblemKind::SelfSigned) && !evidence.has(ProblemKind::ChangedSincePinned));
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_worth_nothing() {
    let own = self_signed(|_| {});
    let thief = self_signed(|_| {});
    for identity in [
        Identity::replayed(&own.der, &thief),
        Identity::replayed(&fixture("v1-ec.pem"), &thief),
        Identity { chain: vec![fixture("v1-rsa.pem")], key: another_rsa_key() },
    ] {
        let server = Server::start(identity).await;
        for versions in BOTH {
            let evidence = refused(&server, None, &no_roots(), versions).await;
            let session = session(Some(&pin_of(&evidence)), &no_roots(), versions);
            let error = in_time(session.connect(server.dial().await)).await.expect_err("the key is another one");
            assert_eq!(error.kind, ConnectErrorKind::Handshake, "{error}");
        }
    }
}

/// An RSA key that is not that of the fixture.
fn another_rsa_key() -> PrivateKeyDer<'static> {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

#[tokio::test]
async fn data_connections_resume_the_session_and_tickets_are_counted() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let server = Server::start(Identity::of(&root.signs(|_| {}))).await;
    for versions in BOTH {
        let session = session(None, &roots, versions);
        assert_eq!(session.tickets_left(), 0);
        let mut control = in_time(session.connect(server.dial().await)).await.unwrap();
        greeting(&mut control).await;
        drop(control);
        let before = session.tickets_left();
        let mut data = in_time(session.connect_data(server.dial().await)).await.unwrap();
        assert_eq!(data.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
        match versions {
            TlsVersions::Any => assert_eq!((before > 0, session.tickets_left()), (true, before - 1)),
            TlsVersions::Only12 => assert_eq!((before, session.tickets_left()), (usize::MAX, usize::MAX)),
        }
        greeting(&mut data).await;
        assert!(session.tickets_left() >= before, "reading brings new ones");
    }
}

#[tokio::test]
async fn a_data_connection_with_another_certificate_is_refused() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let control = Server::start(Identity::of(&root.signs(|_| {}))).await;
    let thief = Server::start(Identity::of(&root.signs(|_| {}))).await;
    let session = session(None, &roots, TlsVersions::Any);
    let too_early = in_time(session.connect_data(thief.dial().await)).await.unwrap_err();
    assert_eq!(too_early.kind, ConnectErrorKind::OtherPeer);
    greeting(&mut in_time(session.connect(control.dial().await)).await.unwrap()).await;
    let error = in_time(session.connect_data(thief.dial().await)).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::OtherPeer);
    assert!(error.detail.contains("another certificate"), "{error}");
    assert_only_hello(&thief.sent(1).await);
    assert_eq!(session.evidence().unwrap().problems, [], "the control connection's evidence stays");
}

#[tokio::test]
async fn plain_text_where_tls_belongs_is_named() {
    let server = Server::plain().await;
    let error = in_time(session(None, &no_roots(), TlsVersions::Any).connect(server.dial().await)).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::WrongProtocol, "{error}");
}

#[tokio::test]
async fn a_line_that_breaks_in_the_handshake_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let session = session(None, &no_roots(), TlsVersions::Any);
    let (error, ()) = in_time(async { tokio::join!(session.connect(stream), async { drop(listener.accept().await) }) }).await;
    assert_eq!(error.unwrap_err().kind, ConnectErrorKind::ConnectionLost);
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_says_so_in_both_versions() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let server = Server::start_with(Identity::of(&root.signs(|_| {})), Some(&root)).await;
    let error: ConnectError = in_time(session(None, &roots, TlsVersions::Only12).connect(server.dial().await)).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::Alert(AlertKind::CertificateRequired), "{error}");

    let mut stream = in_time(session(None, &roots, TlsVersions::Any).connect(server.dial().await)).await.expect("TLS 1.3 tells later");
    let error = in_time(stream.read(&mut [0; 16])).await.unwrap_err();
    assert_eq!(alert_of(&error), Some(AlertKind::CertificateRequired));
}
