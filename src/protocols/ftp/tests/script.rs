//! A server whose part of the conversation a test writes down, line by line.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::model::{Endpoint, Protocol, Site, TransferType};
use crate::protocols::ftp::{DataMode, FtpConnection, FtpFileSystem, FtpSettings};
use crate::protocols::tls::Roots;
use crate::secrets::Secret;

/// The server's end of a control connection.
pub(super) struct Peer {
    control: BufReader<TcpStream>,
}

impl Peer {
    pub(super) fn new(control: TcpStream) -> Self {
        Self { control: BufReader::new(control) }
    }

    /// Whether another command came together with the last one.
    pub(super) fn has_more(&self) -> bool {
        !self.control.buffer().is_empty()
    }

    /// Waits for exactly this line.
    pub(super) async fn hear(&mut self, expected: &str) {
        assert_eq!(self.line().await, expected);
    }

    /// Waits for exactly these bytes and a line end.
    pub(super) async fn hear_raw(&mut self, expected: &[u8]) {
        let mut line = Vec::new();
        self.control.read_until(b'\n', &mut line).await.unwrap();
        assert_eq!(line.trim_ascii_end(), expected, "{}", line.escape_ascii());
    }

    /// The next line without its end; empty where the client closed.
    pub(super) async fn line(&mut self) -> String {
        let mut line = String::new();
        // A client that resets the line has closed it, too.
        let _outcome = self.control.read_line(&mut line).await;
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    pub(super) async fn say(&mut self, line: &str) {
        self.say_raw(format!("{line}\r\n").as_bytes()).await;
    }

    /// The client may be gone already: tests judge by what it answers, not by what it took.
    pub(super) async fn say_raw(&mut self, bytes: &[u8]) {
        let _outcome = self.control.write_all(bytes).await;
    }

    /// One command and its reply.
    pub(super) async fn answer(&mut self, command: &str, reply: &str) {
        self.hear(command).await;
        self.say(reply).await;
    }

    /// Greeting and login up to `PWD`, with these lines of `FEAT`.
    pub(super) async fn log_in(&mut self, features: &str) {
        self.say("220 ready").await;
        self.answer("USER anna", "331 password").await;
        self.answer("PASS secret", "230 welcome").await;
        self.answer("FEAT", &format!("211-Features\r\n{features}211 End")).await;
        self.answer("TYPE I", "200 binary").await;
        self.answer("PWD", "257 \"/home\"").await;
        if features.contains("MLST") {
            assert!(self.line().await.starts_with("OPTS MLST"));
            self.say("200 ok").await;
        }
    }

    /// Answers `EPSV`; the listener is for the data connection.
    pub(super) async fn passive(&mut self) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.answer("EPSV", &format!("229 ok (|||{port}|)")).await;
        listener
    }
}

/// Accepts a data connection.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

/// All that comes over a data connection.
pub(super) async fn read_all(mut data: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Starts a server for one connection; the handle fails where the script does.
pub(super) async fn serve<F, S>(protocol: Protocol, script: F) -> (FtpSettings, JoinHandle<()>)
where
    F: FnOnce(Peer) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = settings(protocol, listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let control = listener.accept().await.unwrap().0;
        script(Peer::new(control)).await;
    });
    (settings, task)
}

pub(super) fn settings(protocol: Protocol, address: SocketAddr) -> FtpSettings {
    FtpSettings {
        site: Site { protocol, endpoint: Endpoint::new(&address.ip().to_string(), address.port()), user: None, default_port_named: false },
        roots: Roots::only(Vec::new()),
        data_mode: DataMode::Auto,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: Duration::from_secs(20),
        proof: None,
        quirks: Arc::default(),
    }
}

/// A client that is logged in over plain FTP.
pub(super) async fn client(settings: &FtpSettings) -> FtpFileSystem {
    let mut connection = FtpConnection::connect(settings, None).await.unwrap();
    connection.login("anna", &Secret::new("secret".into())).await.unwrap();
    connection.into_file_system().await.unwrap()
}
