//! Servers that are broken, hostile, or not what they seem: what a client sends them, how it ends, and what a person reads.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use sealift::engine::Advice;
use sealift::model::{Endpoint, FilePath, Protocol, Site, TransferType};
use sealift::protocols::ftp::{DataMode, FtpConnection, FtpFileSystem, FtpSettings, Quirks};
use sealift::protocols::sftp::{HostKeyJudge, SshConnection, SshSettings};
use sealift::protocols::tls::Roots;
use sealift::protocols::{ConnectError, ConnectErrorKind};
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::server::{HostKey, ServerIdentity, Users};
use sealift::trust::{Evidence, PeerIdentity};
use sealift::vfs::{FileSystem, FsError, FsErrorKind, ListingBudget, MemoryFileSystem, list_within};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::authority;
use crate::tls::assert_only_hello;

const LIMIT: Duration = Duration::from_secs(10);

type Log = Arc<Mutex<Vec<u8>>>;

/// A server of one connection that keeps every byte it gets. Stops when dropped.
struct Scripted {
    address: SocketAddr,
    received: Log,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    async fn start<S>(script: impl FnOnce(TcpStream, Log) -> S + Send + 'static) -> Self
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Log::default();
        let log = received.clone();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            script(stream, log).await;
        });
        Self { address, received, task }
    }

    /// Says `greeting`, then to each line that begins with a verb of `replies` what stands beside it, else 500.
    async fn answers(greeting: &'static str, replies: &'static [(&'static str, &'static str)]) -> Self {
        Self::start(async move |stream, received| answer(stream, received, greeting, replies).await).await
    }

    /// Takes everything and says nothing.
    async fn silent() -> Self {
        Self::start(|mut stream, _| async move { drop(stream.read_to_end(&mut Vec::new()).await) }).await
    }

    /// Hands every byte on to the server at `to` and back.
    async fn relay(to: SocketAddr) -> Self {
        Self::start(move |stream, received| async move {
            let (mut from_client, mut to_client) = stream.into_split();
            let (mut from_server, mut to_server) = TcpStream::connect(to).await.unwrap().into_split();
            let up = async {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                    received.lock().unwrap().extend_from_slice(&buffer[..count]);
                    drop(to_server.write_all(&buffer[..count]).await);
                }
                drop(to_server.shutdown().await);
            };
            let down = async {
                drop(tokio::io::copy(&mut from_server, &mut to_client).await);
                drop(to_client.shutdown().await);
            };
            tokio::join!(up, down);
        })
        .await
    }

    /// All bytes of the client, once it has left.
    async fn all_received(mut self) -> Vec<u8> {
        tokio::time::timeout(LIMIT, &mut self.task).await.expect("the client leaves").unwrap();
        self.received.lock().unwrap().clone()
    }

    fn settings(&self, protocol: Protocol) -> FtpSettings {
        settings(protocol, &self.address.ip().to_string(), self.address.port())
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, received: Log, greeting: &str, replies: &[(&str, &str)]) {
    let (read, mut write) = tokio::io::split(stream);
    let mut read = BufReader::new(read);
    drop(write.write_all(greeting.as_bytes()).await);
    let mut line = Vec::new();
    while matches!(read.read_until(b'\n', &mut line).await, Ok(1..)) {
        received.lock().unwrap().extend_from_slice(&line);
        let reply = replies.iter().find(|(verb, _)| line.starts_with(verb.as_bytes())).map_or("500 what?\r\n", |(_, reply)| reply);
        drop(write.write_all(reply.as_bytes()).await);
        line.clear();
    }
}

fn site(protocol: Protocol, host: &str, port: u16) -> Site {
    Site { protocol, endpoint: Endpoint::new(host, port), user: None, default_port_named: false }
}

fn settings(protocol: Protocol, host: &str, port: u16) -> FtpSettings {
    FtpSettings {
        site: site(protocol, host, port),
        roots: Roots::only(Vec::new()),
        data_mode: DataMode::Auto,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: Duration::from_secs(2),
        proof: None,
        quirks: Arc::new(Quirks::default()),
    }
}

fn ssh_settings(host: &str, port: u16) -> SshSettings {
    SshSettings { timeout: Duration::from_secs(2), ..SshSettings::new(site(Protocol::Sftp, host, port)) }
}

/// Trusts nobody.
fn no_host_key() -> HostKeyJudge {
    Arc::new(|key| {
        let identity = PeerIdentity::HostKey(key.clone());
        Err(Box::new(Evidence::new(Endpoint::new("127.0.0.1", 22), identity)))
    })
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it ends in time")
}

/// It failed, and a person reads what happened and what to do.
fn failed<T>(result: Result<T, ConnectError>) -> ConnectErrorKind {
    let error = result.err().expect("it must not connect");
    let advice = Advice::from(&error);
    assert!(!advice.what.is_empty() && !advice.next.is_empty(), "{advice:?}");
    error.kind
}

async fn ftp_failure(settings: &FtpSettings) -> ConnectErrorKind {
    failed(in_time(FtpConnection::connect(settings, None)).await)
}

async fn ssh_failure(host: &str, port: u16) -> ConnectErrorKind {
    failed(in_time(Box::pin(SshConnection::connect(&ssh_settings(host, port), no_host_key()))).await)
}

fn password() -> Secret {
    Secret::new("hunter2".into())
}

fn embedded(implicit: bool) -> FtpOptions {
    let users = Users::one("alice", password());
    let identity = ServerIdentity::throwaway(&["localhost", "127.0.0.1"]).unwrap();
    let options = FtpOptions::new(Arc::new(MemoryFileSystem::new()), users, Some(identity), "127.0.0.1:0".parse().unwrap());
    FtpOptions { implicit, ..options }
}

#[tokio::test]
async fn an_unknown_ftps_server_gets_the_hello_and_nothing_else() {
    for (protocol, before) in [(Protocol::Ftpes, &b"AUTH TLS\r\n"[..]), (Protocol::Ftps, b"")] {
        let server = FtpServer::start(embedded(protocol == Protocol::Ftps)).await.unwrap();
        let relay = Scripted::relay(server.addr).await;
        let kind = ftp_failure(&relay.settings(protocol)).await;
        assert!(matches!(kind, ConnectErrorKind::Untrusted(_)), "{kind:?}");
        let sent = relay.all_received().await;
        assert_only_hello(sent.strip_prefix(before).expect("the client asks for TLS first"));
    }
}

#[tokio::test]
async fn an_unknown_ssh_server_gets_the_key_exchange_and_nothing_else() {
    let host_key = HostKey::throwaway().unwrap();
    let options =
        SftpOptions::new(Arc::new(MemoryFileSystem::new()), Users::one("alice", password()), host_key, "127.0.0.1:0".parse().unwrap());
    let server = SftpServer::start(options).await.unwrap();
    let relay = Scripted::relay(server.addr).await;
    let kind = ssh_failure("127.0.0.1", relay.address.port()).await;
    assert!(matches!(kind, ConnectErrorKind::Untrusted(_)), "{kind:?}");
    assert_only_key_exchange(&relay.all_received().await);
}

/// A banner and a key exchange in plain text, and behind them nothing but an end.
pub(crate) fn assert_only_key_exchange(sent: &[u8]) {
    let end = sent.windows(2).position(|two| two == b"\r\n").expect("a banner") + 2;
    assert!(sent.starts_with(b"SSH-2.0-"), "{sent:?}");
    // RFC 4253 section 6: length, length of padding, message number; nothing is encrypted before NEWKEYS (21).
    let mut rest = &sent[end..];
    let mut messages = Vec::new();
    while let [a, b, c, d, _, message, ..] = rest {
        messages.push(*message);
        rest = rest.get(4 + u32::from_be_bytes([*a, *b, *c, *d]) as usize..).expect("a whole packet in plain text");
    }
    assert_eq!(messages.first(), Some(&20), "KEXINIT: {messages:?}");
    // NEWKEYS ends the key exchange; what follows it would be the first encrypted message.
    let exchange = messages.strip_suffix(&[21]).unwrap_or(&messages);
    assert!(exchange.iter().all(|message| matches!(message, 1 | 20 | 30..=34)), "only key exchange and disconnect: {messages:?}");
}

#[tokio::test]
async fn a_server_that_refuses_tls_gets_no_user_and_no_password() {
    let stripping =
        Scripted::answers("220 hi\r\n", &[("AUTH", "502 no TLS here\r\n"), ("USER", "331 go on\r\n"), ("PASS", "230 in\r\n")]).await;
    assert_eq!(ftp_failure(&stripping.settings(Protocol::Ftpes)).await, ConnectErrorKind::ProtectionRefused);
    let sent = String::from_utf8(stripping.all_received().await).unwrap();
    assert!(sent.lines().all(|line| line.starts_with("AUTH ") || line == "QUIT"), "{sent}");
}

#[tokio::test]
async fn what_answers_on_the_wrong_port_is_named() {
    let plain = Scripted::answers("220 plain FTP\r\n", &[]).await;
    assert_eq!(ftp_failure(&plain.settings(Protocol::Ftps)).await, ConnectErrorKind::WrongProtocol);
    assert_only_hello(&plain.all_received().await);

    let implicit = FtpServer::start(embedded(true)).await.unwrap();
    for protocol in [Protocol::Ftpes, Protocol::Ftp] {
        // A TLS server waits for a hello and says nothing, so that the limit ends it.
        let kind = ftp_failure(&settings(protocol, "127.0.0.1", implicit.addr.port())).await;
        assert!(matches!(kind, ConnectErrorKind::TimedOut | ConnectErrorKind::WrongProtocol), "{kind:?}");
    }

    let ssh = Scripted::answers("SSH-2.0-OpenSSH_9.2\r\n", &[]).await;
    assert_eq!(ftp_failure(&ssh.settings(Protocol::Ftpes)).await, ConnectErrorKind::WrongProtocol);
    let ftp = Scripted::answers("220 FTP\r\n", &[]).await;
    assert_eq!(ssh_failure("127.0.0.1", ftp.address.port()).await, ConnectErrorKind::WrongProtocol);
}

#[tokio::test]
async fn nobody_there_is_told_from_nobody_known() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for protocol in [Protocol::Ftpes, Protocol::Ftps, Protocol::Ftp] {
        assert_eq!(ftp_failure(&settings(protocol, "127.0.0.1", port)).await, ConnectErrorKind::Refused);
    }
    assert_eq!(ssh_failure("127.0.0.1", port).await, ConnectErrorKind::Refused);
    // Without a network a resolver may take its time to say that it does not know: then it is the limit.
    for kind in [ftp_failure(&settings(Protocol::Ftpes, "nonexistent.invalid", 21)).await, ssh_failure("nonexistent.invalid", 22).await] {
        assert!(matches!(kind, ConnectErrorKind::UnknownHost | ConnectErrorKind::TimedOut), "{kind:?}");
    }
}

#[tokio::test]
async fn a_silent_server_ends_with_the_limit() {
    for protocol in [Protocol::Ftpes, Protocol::Ftps, Protocol::Ftp] {
        let silent = Scripted::silent().await;
        assert_eq!(ftp_failure(&silent.settings(protocol)).await, ConnectErrorKind::TimedOut);
    }
    let silent = Scripted::silent().await;
    assert_eq!(ssh_failure("127.0.0.1", silent.address.port()).await, ConnectErrorKind::TimedOut);
}

#[tokio::test]
async fn a_greeting_without_end_is_given_up() {
    for protocol in [Protocol::Ftpes, Protocol::Sftp] {
        let endless = Scripted::start(|mut stream, _| async move { while stream.write_all(&[b'2'; 4096]).await.is_ok() {} }).await;
        let kind = match protocol {
            Protocol::Sftp => ssh_failure("127.0.0.1", endless.address.port()).await,
            _ => ftp_failure(&endless.settings(protocol)).await,
        };
        assert!(matches!(kind, ConnectErrorKind::Protocol | ConnectErrorKind::WrongProtocol | ConnectErrorKind::Handshake), "{kind:?}");
    }
}

/// What a plain FTP server needs to say until somebody works with it.
const LOGIN: &[(&str, &str)] = &[
    ("USER", "331 go on\r\n"),
    ("PASS", "230 in\r\n"),
    ("FEAT", "211-Features\r\n MLST type*;size*;\r\n211 End\r\n"),
    ("OPTS", "200 ok\r\n"),
    ("TYPE", "200 ok\r\n"),
    ("CWD", "250 ok\r\n"),
    ("PWD", "257 \"/\"\r\n"),
];

/// A logged-in plain FTP client of a server whose data connections carry what `data` writes.
async fn working<S>(data: impl FnOnce(TcpStream) -> S + Send + 'static) -> (Scripted, FtpFileSystem)
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let passive = format!("229 here (|||{port}|)\r\n");
    let server = Scripted::start(move |stream, received| async move {
        let mut replies = LOGIN.to_vec();
        replies.extend([("EPSV", passive.as_str()), ("MLSD", "150 coming\r\n"), ("RETR", "150 coming\r\n")]);
        let data = async {
            let (stream, _) = listener.accept().await.unwrap();
            data(stream).await;
        };
        tokio::join!(answer(stream, received, "220 hi\r\n", &replies), data);
    })
    .await;
    let mut connection = FtpConnection::connect(&server.settings(Protocol::Ftp), None).await.unwrap();
    connection.login("alice", &password()).await.unwrap();
    (server, connection.into_file_system().await.unwrap())
}

#[tokio::test]
async fn a_listing_without_end_is_taken_in_small_parts_and_stopped_at_once() {
    let (_server, place) = working(|mut stream| async move {
        let lines = "type=file;size=1; one more of them\r\n".repeat(1000);
        while stream.write_all(lines.as_bytes()).await.is_ok() {}
    })
    .await;
    let (sender, mut batches) = mpsc::channel(2);
    let root = FilePath::root();
    let mut held = 0;
    let read = async {
        while held < 100_000 {
            let batch: Vec<sealift::model::Entry> = batches.recv().await.expect("it goes on");
            assert!(batch.len() <= 100_000, "a batch of {} entries", batch.len());
            held += batch.len();
        }
        drop(batches);
    };
    let (listed, ()) = in_time(async { tokio::join!(place.list(&root, sender), read) }).await;
    assert_eq!(listed, Ok(()), "a receiver that leaves is no failure");
}

#[tokio::test]
async fn a_listing_without_end_is_not_held_whole() {
    for line in ["type=file;size=1; one more of them\r\n", "type=file;size=1; one name that goes on and on"] {
        let (_server, place) = working(move |mut stream| async move {
            let lines = line.repeat(1000);
            // A line without end is one entry, so this one ends at last.
            for _ in 0..if line.ends_with('\n') { usize::MAX } else { 1000 } {
                if stream.write_all(lines.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let listed = in_time(list_within(&place, &FilePath::root(), ListingBudget::entries(10_000))).await;
        if line.ends_with('\n') {
            let error = listed.unwrap_err();
            assert_eq!(error.kind, FsErrorKind::Protocol, "{error}");
        } else {
            assert!(listed.is_err_and(|error| error.is_connection_lost()), "nobody said that this is all");
        }
    }
}

#[tokio::test]
async fn a_server_that_vanishes_is_a_lost_connection_and_no_success() {
    let (server, place) = working(|mut stream| async move { drop(stream.write_all(b"half of it").await) }).await;
    let path = FilePath::try_from("/file").unwrap();
    let mut source = in_time(place.open(&path, 0)).await.unwrap();
    assert_eq!(in_time(source.read()).await.unwrap().as_deref(), Some(&b"half of it"[..]));
    server.task.abort();
    let error: FsError = in_time(source.read()).await.expect_err("nobody said that this is all");
    assert!(matches!(error.kind, FsErrorKind::ConnectionLost | FsErrorKind::TimedOut), "{error}");
    assert!(error.is_connection_lost());
}

#[tokio::test]
async fn a_server_that_leaves_the_data_open_gets_no_user_and_no_password() {
    let authority = authority("test");
    let leaf = authority.signs(|_| {});
    let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der.clone().into()], key)
        .unwrap();
    let server = Scripted::start(move |stream, received| async move {
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let replies = [("PBSZ", "200 ok\r\n"), ("PROT", "536 only C\r\n"), ("USER", "331 go on\r\n"), ("PASS", "230 in\r\n")];
        answer(stream, received, "220 hi\r\n", &replies).await;
    })
    .await;
    let settings = FtpSettings { roots: Roots::only(vec![authority.der.clone()]), ..server.settings(Protocol::Ftps) };
    assert_eq!(ftp_failure(&settings).await, ConnectErrorKind::ProtectionRefused);
    let sent = String::from_utf8(server.all_received().await).unwrap();
    assert!(sent.contains("PROT P") && !sent.contains("USER") && !sent.contains("PASS"), "{sent}");
}
