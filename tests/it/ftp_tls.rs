//! The FTP client over TLS against servers whose part of the conversation is written down: ends that are not said,
//! refusals that race the data connection, sessions that must be resumed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::ServerSessionMemoryCache;
use rustls::{HandshakeKind, ProtocolVersion, ServerConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use sealift::model::{Endpoint, FilePath, Protocol, Site, TransferType};
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::ftp::{DataMode, FtpConnection, FtpFileSystem, FtpSettings, Quirk};
use sealift::protocols::tls::Roots;
use sealift::secrets::Secret;
use sealift::vfs::{Create, FileSystem, FsErrorKind, FsResult, list_all};

use crate::certificates::authority;

/// The server's end of a protected control connection.
struct Peer {
    control: BufReader<TlsStream<TcpStream>>,
    acceptor: TlsAcceptor,
}

impl Peer {
    /// The next line without its end; empty where the client closed.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        // A client that resets the line has closed it, too.
        drop(self.control.read_line(&mut line).await);
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    async fn hear(&mut self, expected: &str) {
        assert_eq!(self.line().await, expected);
    }

    /// The client may be gone already: tests judge by what it answers, not by what it took.
    async fn say(&mut self, line: &str) {
        drop(self.control.write_all(format!("{line}\r\n").as_bytes()).await);
        drop(self.control.flush().await);
    }

    async fn answer(&mut self, command: &str, reply: &str) {
        self.hear(command).await;
        self.say(reply).await;
    }

    async fn log_in(&mut self) {
        self.say("220 ready").await;
        self.answer("PBSZ 0", "200 ok").await;
        self.answer("PROT P", "200 ok").await;
        self.answer("USER anna", "331 password").await;
        self.answer("PASS secret", "230 welcome").await;
        self.answer("FEAT", "211-Features\r\n MLST type*;\r\n SIZE\r\n211 End").await;
        self.answer("TYPE I", "200 binary").await;
        self.answer("PWD", "257 \"/\"").await;
        self.options().await;
    }

    /// The same on a further connection: features and home are known.
    async fn log_in_again(&mut self) {
        self.say("220 ready").await;
        for (command, reply) in [("PBSZ 0", "200 ok"), ("PROT P", "200 ok"), ("USER anna", "331 password"), ("PASS secret", "230 in")] {
            self.answer(command, reply).await;
        }
        self.options().await;
        self.answer("TYPE I", "200 binary").await;
    }

    async fn options(&mut self) {
        assert!(self.line().await.starts_with("OPTS MLST"));
        self.say("200 ok").await;
    }

    async fn passive(&mut self) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.answer("EPSV", &format!("229 ok (|||{port}|)")).await;
        listener
    }

    /// Accepts and protects a data connection.
    async fn data(&self, listener: &TcpListener) -> TlsStream<TcpStream> {
        self.acceptor.accept(listener.accept().await.unwrap().0).await.unwrap()
    }
}

/// Sends everything that is due to the client's side of this thread.
async fn let_the_client_go_on() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Ends a connection as a server does that dies: without a word, and with what was sent to it unread.
fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Starts a server with TLS from the first byte, `tickets` for each TLS 1.3 session, and a script for each connection.
async fn serve<F, S>(tickets: usize, scripts: Vec<F>) -> (FtpSettings, JoinHandle<()>)
where
    F: FnOnce(Peer) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    let authority = authority("test");
    let leaf = authority.signs(|_| {});
    let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der.clone().into()], key)
        .unwrap();
    config.send_tls13_tickets = tickets;
    config.session_storage = ServerSessionMemoryCache::new(64);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        for script in scripts {
            let control = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            script(Peer { control: BufReader::new(control), acceptor: acceptor.clone() }).await;
        }
    });
    let settings = FtpSettings {
        site: Site { protocol: Protocol::Ftps, endpoint: Endpoint::new("127.0.0.1", port), user: None, default_port_named: false },
        roots: Roots::only(vec![authority.der.clone()]),
        data_mode: DataMode::Auto,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: Duration::from_secs(20),
        proof: None,
        quirks: Arc::default(),
    };
    (settings, task)
}

async fn client(settings: &FtpSettings) -> FtpFileSystem {
    let mut connection = FtpConnection::connect(settings, None).await.unwrap();
    connection.login("anna", &Secret::new("secret".into())).await.unwrap();
    connection.into_file_system().await.unwrap()
}

fn file() -> FilePath {
    FilePath::try_from("/f").unwrap()
}

async fn read(place: &FtpFileSystem) -> FsResult<Vec<u8>> {
    let mut source = place.open(&file(), 0).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = source.read().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn write(place: &FtpFileSystem, content: &[u8]) -> FsResult<u64> {
    let mut sink = place.create(&file(), Create::Truncate).await?;
    for piece in content.chunks(100_000) {
        sink.write(Bytes::copy_from_slice(piece)).await?;
    }
    sink.commit().await
}

#[tokio::test]
async fn a_download_without_close_notify_is_cut_off_whatever_the_server_says() {
    for quirk in [None, Some(Quirk::NeedsTls12)] {
        let script = async |mut peer: Peer| {
            peer.log_in().await;
            for listing in [false, true] {
                if listing {
                    peer.answer("CWD /", "250 ok").await;
                }
                let listener = peer.passive().await;
                peer.hear(if listing { "MLSD" } else { "RETR /f" }).await;
                peer.say("150 here").await;
                let mut data = peer.data(&listener).await;
                data.write_all(b"type=file; half\r\n").await.unwrap();
                data.flush().await.unwrap();
                // The end of TCP alone: anybody on the way can say that.
                data.get_mut().0.shutdown().await.unwrap();
                peer.say("226 done").await;
            }
            peer.answer("NOOP", "200 still here").await;
        };
        let (settings, server) = serve(4, vec![script]).await;
        if let Some(quirk) = quirk {
            settings.quirks.learn(quirk);
        }
        let place = client(&settings).await;
        for error in [read(&place).await.unwrap_err(), list_all(&place, &FilePath::root()).await.unwrap_err()] {
            assert_eq!(error.kind, FsErrorKind::ConnectionLost, "{error}");
            assert!(error.detail.contains("close_notify"), "{error}");
        }
        place.keep_alive().await.unwrap();
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_wins_over_the_data_connection_it_closed() {
    for reply_first in [true, false] {
        let script = async move |mut peer: Peer| {
            peer.log_in().await;
            for command in ["RETR /f", "STOR /f", "MLSD"] {
                if command == "MLSD" {
                    peer.answer("CWD /", "250 ok").await;
                }
                let listener = peer.passive().await;
                peer.hear(command).await;
                if reply_first {
                    peer.say("550 Permission denied.").await;
                }
                let data = listener.accept().await.unwrap().0;
                reset(&data);
                drop((data, listener));
                if !reply_first {
                    let_the_client_go_on().await;
                    peer.say("550 Permission denied.").await;
                }
            }
            peer.answer("NOOP", "200 still here").await;
        };
        let (settings, server) = serve(6, vec![script]).await;
        let place = client(&settings).await;
        for error in [
            read(&place).await.unwrap_err(),
            write(&place, b"bytes").await.unwrap_err(),
            list_all(&place, &FilePath::root()).await.unwrap_err(),
        ] {
            assert_eq!((error.kind, error.detail.as_str()), (FsErrorKind::PermissionDenied, "550 Permission denied."));
        }
        place.keep_alive().await.unwrap();
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_in_mid_transfer_wins_over_the_reset_it_came_with() {
    let script = async |mut peer: Peer| {
        peer.log_in().await;
        for command in ["STOR /f", "RETR /f"] {
            let listener = peer.passive().await;
            peer.hear(command).await;
            peer.say("150 here").await;
            let mut data = peer.data(&listener).await;
            if command == "STOR /f" {
                data.read_exact(&mut [0; 1000]).await.unwrap();
            } else {
                data.write_all(b"half").await.unwrap();
                data.flush().await.unwrap();
                let_the_client_go_on().await;
            }
            reset(data.get_ref().0);
            drop(data);
            let_the_client_go_on().await;
            peer.say("552 Disk quota exceeded").await;
        }
        peer.answer("NOOP", "200 still here").await;
    };
    let (settings, server) = serve(4, vec![script]).await;
    let place = client(&settings).await;
    for error in [write(&place, &vec![7; 10_000_000]).await.unwrap_err(), read(&place).await.unwrap_err()] {
        assert_eq!((error.kind, error.detail.as_str()), (FsErrorKind::NoSpace, "552 Disk quota exceeded"));
    }
    place.keep_alive().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_resets_and_says_nothing_ends_in_a_lost_connection_in_time() {
    let script = async |mut peer: Peer| {
        peer.log_in().await;
        let listener = peer.passive().await;
        peer.hear("RETR /f").await;
        let data = listener.accept().await.unwrap().0;
        reset(&data);
        drop(data);
        assert_eq!(peer.line().await, "", "the client closes");
    };
    let (settings, server) = serve(4, vec![script]).await;
    let error = read(&client(&settings).await).await.unwrap_err();
    assert!(error.is_connection_lost(), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_wants_resumed_sessions_gets_tls_12_and_nobody_notices() {
    for (refusal, upload) in [("522 SSL connection failed: session reuse required", false), ("425 Unable to build data connection", true)] {
        let script = move |first: bool| {
            async move |mut peer: Peer| {
                if first {
                    peer.log_in().await;
                } else {
                    peer.log_in_again().await;
                }
                let version = peer.control.get_ref().get_ref().1.protocol_version();
                assert_eq!(version, Some(if first { ProtocolVersion::TLSv1_3 } else { ProtocolVersion::TLSv1_2 }));
                for round in 0..if first { 1 } else { 3 } {
                    let listener = peer.passive().await;
                    peer.hear(if upload { "STOR /f" } else { "RETR /f" }).await;
                    peer.say("150 here").await;
                    let mut data = peer.data(&listener).await;
                    let resumed = data.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
                    assert_eq!(resumed, !first, "round {round}");
                    if first {
                        drop(data);
                        peer.say(refusal).await;
                        peer.answer("QUIT", "221 bye").await;
                    } else if upload {
                        let mut content = Vec::new();
                        data.read_to_end(&mut content).await.unwrap();
                        assert_eq!(content, b"hello");
                        data.shutdown().await.unwrap();
                        peer.say("226 done").await;
                    } else {
                        data.write_all(b"hello").await.unwrap();
                        data.shutdown().await.unwrap();
                        peer.say("226 done").await;
                    }
                }
            }
        };
        let (settings, server) = serve(0, vec![script(true), script(false)]).await;
        let place = client(&settings).await;
        for _ in 0..3 {
            if upload {
                assert_eq!(write(&place, b"hello").await, Ok(5));
            } else {
                assert_eq!(read(&place).await.as_deref(), Ok(&b"hello"[..]));
            }
        }
        assert!(settings.quirks.has(Quirk::NeedsTls12));
        assert_eq!(place.tls_facts().unwrap().version.as_deref(), Some("TLS1.2"));
        server.await.unwrap();
    }
}

#[tokio::test]
async fn protection_that_is_refused_ends_the_connection_before_a_user_is_named() {
    for refusal in ["502 no", "504 not P", "534 no", "536 only C", "431 no"] {
        let script = async move |mut peer: Peer| {
            peer.say("220 ready").await;
            peer.answer("PBSZ 0", "200 ok").await;
            peer.answer("PROT P", refusal).await;
            assert_eq!(peer.line().await, "", "the connection ends there");
        };
        let (settings, server) = serve(2, vec![script]).await;
        let error = FtpConnection::connect(&settings, None).await.err().unwrap();
        assert_eq!((error.kind, error.detail.as_str()), (ConnectErrorKind::ProtectionRefused, refusal));
        server.await.unwrap();
    }
}

#[tokio::test]
async fn protection_that_is_put_off_and_then_refused_ends_the_connection_before_any_work() {
    let script = async |mut peer: Peer| {
        peer.say("220 ready").await;
        peer.answer("PBSZ 0", "530 log in first").await;
        peer.answer("USER anna", "331 password").await;
        peer.answer("PASS secret", "230 welcome").await;
        peer.answer("PBSZ 0", "200 ok").await;
        peer.answer("PROT P", "534 no").await;
        assert_eq!(peer.line().await, "", "the connection ends there");
    };
    let (settings, server) = serve(2, vec![script]).await;
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    connection.login("anna", &Secret::new("secret".into())).await.unwrap();
    let error = connection.into_file_system().await.err().unwrap();
    assert_eq!((error.kind, error.detail.as_str()), (ConnectErrorKind::ProtectionRefused, "534 no"));
    server.await.unwrap();
}
