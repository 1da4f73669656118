//! An FTP client that knows nothing: sends bytes, reads replies, over TCP or TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::Made;

const LIMIT: Duration = Duration::from_secs(20);

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A control connection.
pub struct Raw<S> {
    pub stream: S,
    buffer: Vec<u8>,
}

impl Raw<TcpStream> {
    /// Connects; the greeting is still to be read.
    pub async fn unread(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), buffer: Vec::new() }
    }

    /// Connects and reads the greeting.
    pub async fn connect(addr: SocketAddr) -> Self {
        let mut raw = Self::unread(addr).await;
        raw.expect(220).await;
        raw
    }

    /// Connects and logs in without protection.
    pub async fn logged_in(addr: SocketAddr) -> Self {
        let mut raw = Self::connect(addr).await;
        raw.login().await;
        raw
    }

    /// AUTH TLS and the handshake.
    pub async fn protect(mut self, config: &Arc<ClientConfig>) -> Raw<TlsStream<TcpStream>> {
        self.send("AUTH TLS").await;
        self.expect(234).await;
        Raw { stream: handshake(config, self.stream).await.unwrap(), buffer: Vec::new() }
    }
}

impl<S: Stream> Raw<S> {
    pub async fn login(&mut self) {
        self.ask("USER ann", 331).await;
        self.ask("PASS secret", 230).await;
    }

    /// Sends bytes as they are.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a line.
    pub async fn send(&mut self, line: &str) {
        self.bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// The next reply: its code and all its text; `None` where the server closed.
    pub async fn reply(&mut self) -> Option<(u16, String)> {
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            text.push_str(&line);
            if line.len() >= 4 && line.as_bytes()[3] == b' ' && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                return Some((line[..3].parse().unwrap(), text));
            }
            text.push('\n');
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let read = tokio::time::timeout(LIMIT, self.stream.read_buf(&mut self.buffer)).await.expect("the server says nothing");
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    /// The next reply must have this code; its text.
    pub async fn expect(&mut self, code: u16) -> String {
        let (got, text) = self.reply().await.unwrap_or_else(|| panic!("closed instead of {code}"));
        assert_eq!(got, code, "{text}");
        text
    }

    /// A command and the code it must get.
    pub async fn ask(&mut self, line: &str, code: u16) -> String {
        self.send(line).await;
        let (got, text) = self.reply().await.unwrap_or_else(|| panic!("closed instead of {code} for {line}"));
        assert_eq!(got, code, "{line}: {text}");
        text
    }

    /// EPSV, and a TCP connection to the port it names.
    pub async fn data(&mut self) -> TcpStream {
        let text = self.ask("EPSV", 229).await;
        let port: u16 = text.split('|').nth(3).unwrap().parse().unwrap();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap()
    }
}

/// Everything until the end.
pub async fn read_all(stream: &mut impl Stream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("the data never ends").map(|_| bytes)
}

pub async fn handshake(config: &Arc<ClientConfig>, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A client that takes any certificate: these tests are about the server. One a session: it keeps the tickets.
pub fn any_certificate() -> Arc<ClientConfig> {
    Arc::new(any_server().with_no_client_auth())
}

/// The same, showing a certificate of its own to who asks.
pub fn showing(own: &Made) -> Arc<ClientConfig> {
    let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
    Arc::new(any_server().with_client_auth_cert(vec![own.der.clone().into()], key).unwrap())
}

fn any_server() -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    config.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
