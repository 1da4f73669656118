//! A TLS session as FTP needs it: one control connection and the data connections that belong to it (RFC 4217 section 12).

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::{ClientSessionStore as _, Resumption};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client_certificate::{self, ClientCertificateResolver, ClientProof};
use super::failure::{handshake_error, is_own_refusal};
use super::names;
use super::observed::ObservedStream;
use super::recorder::Recorder;
use super::roots::Roots;
use super::tickets::Tickets;
use super::verifier::{Seen, SessionVerifier};
use crate::model::Endpoint;
use crate::protocols::{CertificateRefusal, ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, Pin, TlsFacts};

/// A protected line.
pub type TlsStream = tokio_rustls::client::TlsStream<ObservedStream>;

/// Which versions to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// TLS 1.3, else 1.2.
    #[default]
    Any,
    /// TLS 1.2 only: its sessions can be resumed without end, where a server gives too few tickets in 1.3.
    Only12,
}

/// The TLS of one control connection and its data connections: one verifier, one store of tickets.
///
/// Nothing of it lives on in another session, so a removed pin cannot survive in a ticket.
pub struct TlsSession {
    endpoint: Endpoint,
    name: ServerName<'static>,
    connector: TlsConnector,
    verifier: Arc<SessionVerifier>,
    tickets: Arc<Tickets>,
    recorder: Arc<Recorder>,
    facts: Mutex<TlsFacts>,
}

impl TlsSession {
    /// A session with `endpoint`. `pin`: what a person trusts there, if anything.
    ///
    /// Errors: [`ConnectErrorKind::UnknownHost`] if the host is no name a certificate can be checked against.
    pub fn new(endpoint: &Endpoint, pin: Option<Pin>, roots: &Roots, versions: TlsVersions) -> Result<Self, ConnectError> {
        Self::proving(endpoint, pin, roots, versions, None)
    }

    /// A session in which a server that asks for a certificate is shown `proof`.
    ///
    /// Errors: as [`Self::new`].
    pub fn proving(
        endpoint: &Endpoint,
        pin: Option<Pin>,
        roots: &Roots,
        versions: TlsVersions,
        proof: Option<ClientProof>,
    ) -> Result<Self, ConnectError> {
        let bad_name = |error| ConnectError::new(ConnectErrorKind::UnknownHost, endpoint, format!("{error}"));
        // The zone of a link-local address (`fe80::1%eth0`) is this machine's business.
        let host = endpoint.host.split('%').next().unwrap_or_default();
        let name = ServerName::try_from(host.to_owned()).map_err(bad_name)?;
        let recorder = Arc::<Recorder>::default();
        let verifier = Arc::new(SessionVerifier::new(endpoint.clone(), pin, roots.clone(), recorder.clone()));
        let tickets = Arc::new(Tickets::new(roots.hints()));
        let offered = match versions {
            TlsVersions::Any => rustls::ALL_VERSIONS,
            TlsVersions::Only12 => &[&rustls::version::TLS12],
        };
        let mut config = ClientConfig::builder_with_provider(roots.provider().clone())
            .with_protocol_versions(offered)
            .map_err(|error| ConnectError::new(ConnectErrorKind::Handshake, endpoint, error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(Arc::new(ClientCertificateResolver { recorder: recorder.clone(), proof }));
        config.resumption = Resumption::store(tickets.clone());
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { endpoint: endpoint.clone(), name, connector, verifier, tickets, recorder, facts: Mutex::default() })
    }

    /// The control connection's handshake. The caller limits the time; dropping the future ends it.
    ///
    /// Errors: [`ConnectErrorKind::Untrusted`] with everything that was seen, nothing but the hello sent;
    /// `WrongProtocol`, `Alert`, `Handshake` and the line's own failures.
    pub async fn connect(&self, stream: TcpStream) -> Result<TlsStream, ConnectError> {
        *self.verifier.seen() = Seen::Nothing;
        self.verifier.look_for_lists().await;
        self.recorder.begin();
        let peer_address = stream.peer_addr().ok().map(|address| address.ip());
        let line = ObservedStream::new(stream, Some(self.recorder.clone()));
        let mut result = self.connector.connect(self.name.clone(), line).await;
        // rustls remembers it only where all went well; the peer that is looked at first is refused by us.
        if let (Some(group), Err(_)) = (self.recorder.group(), &result) {
            self.tickets.set_kx_hint(self.name.clone(), group);
        }
        let mut facts = self.recorder.end(result.as_ref().err());
        if let Ok(stream) = &mut result {
            stream.get_mut().0.let_pass();
            let TlsFacts { client_certificate, timeline, .. } = facts;
            facts = TlsFacts { client_certificate, timeline, ..facts_of(stream) };
        }
        facts.peer_address = peer_address;
        // rustls asks for it before our verifier has judged the server, and sends it only after that.
        facts.client_certificate.sent &= !matches!(*self.verifier.seen(), Seen::Refused(_));
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts.clone();
        match (&mut *self.verifier.seen(), result) {
            (Seen::Accepted(evidence), Ok(stream)) => {
                evidence.tls = facts;
                Ok(stream)
            }
            (Seen::Refused(evidence), _) => {
                evidence.tls = facts;
                Err(ConnectError::new(ConnectErrorKind::Untrusted(evidence.clone()), &self.endpoint, ""))
            }
            (seen, Err(error)) => {
                // A certificate whose key was not shown, or a line that broke: nobody was accepted.
                *seen = Seen::Nothing;
                tracing::debug!(endpoint = %self.endpoint, steps = ?self.facts().timeline, "handshake failed");
                Err(handshake_error(&error, &self.endpoint))
            }
            (Seen::Nothing, Ok(_)) => {
                Err(ConnectError::new(ConnectErrorKind::Handshake, &self.endpoint, "the server showed no certificate"))
            }
        }
    }

    /// A data connection's handshake: the server must show the control connection's certificate.
    ///
    /// Errors: as [`Self::connect`], but another certificate is [`ConnectErrorKind::OtherPeer`]: there is nothing to
    /// ask a person about.
    pub async fn connect_data(&self, stream: TcpStream) -> Result<TlsStream, ConnectError> {
        let strange = || ConnectError::new(ConnectErrorKind::OtherPeer, &self.endpoint, OTHER_CERTIFICATE);
        // Before the handshake, which the verifier sees, too.
        let expected = match &*self.verifier.seen() {
            Seen::Accepted(expected) => expected.identity.leaf().map(|leaf| leaf.der.clone()),
            _ => None,
        };
        let expected = expected.ok_or_else(strange)?;
        let stream = self
            .connector
            .connect(self.name.clone(), ObservedStream::new(stream, None))
            .await
            .map_err(|error| if is_own_refusal(&error) { strange() } else { handshake_error(&error, &self.endpoint) })?;
        // A resumed handshake asks no verifier, but tells whose session it was.
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        if shown.is_some_and(|shown| shown.as_ref() == &*expected) { Ok(stream) } else { Err(strange()) }
    }

    /// How many more data connections can resume the session; [`usize::MAX`] with TLS 1.2 once there is a session.
    pub fn tickets_left(&self) -> usize {
        self.tickets.left()
    }

    /// What the control connection agreed on, or had agreed on when it failed.
    pub fn facts(&self) -> TlsFacts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the connection failed, where the server asked for a certificate: until its first reply, what fails is its word
    /// on that certificate.
    pub fn explain(&self, error: ConnectError) -> ConnectError {
        client_certificate::explain(error, &self.facts().client_certificate)
    }

    /// A login that was refused because of the certificate, if the server asked for one; else `error` as it is.
    pub fn refused_at_login(&self, error: ConnectError) -> ConnectError {
        let certificate = self.facts().client_certificate;
        if certificate.asked { client_certificate::refused(error, CertificateRefusal::AfterLogin, &certificate) } else { error }
    }

    /// What is known of the accepted peer; `None` before, and where it was refused.
    pub fn evidence(&self) -> Option<Evidence> {
        match &*self.verifier.seen() {
            Seen::Accepted(evidence) => Some(Evidence::clone(evidence)),
            _ => None,
        }
    }
}

const OTHER_CERTIFICATE: &str = "it showed another certificate than the control connection";

/// Says that nothing more will be sent (`close_notify`); the TCP connection stays open both ways.
pub async fn end_sending(stream: &mut TlsStream) -> io::Result<()> {
    stream.get_mut().1.send_close_notify();
    stream.flush().await
}

/// What `stream` agreed on; for a data connection also whether it resumed the control connection's session.
pub fn facts_of(stream: &TlsStream) -> TlsFacts {
    let tls = stream.get_ref().1;
    TlsFacts {
        version: tls.protocol_version().and_then(names::version),
        suite: tls.negotiated_cipher_suite().and_then(|suite| names::suite(suite.suite())),
        key_exchange: tls.negotiated_key_exchange_group().map(|group| names::group(group.name())),
        resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        ..TlsFacts::default()
    }
}
