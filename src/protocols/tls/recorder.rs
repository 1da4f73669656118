//! The handshake of a control connection as it happened: what went over the line in the clear, and behind that what
//! rustls asked the verifier and the resolver. Nothing is said that nobody saw.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustls::{Error, NamedGroup, ProtocolVersion, SignatureScheme};

use super::failure;
use super::messages::{self, ClientHello, Flow, Item, ServerHello};
use super::names;
use crate::model::text;
use crate::trust::{HandshakeStep, TlsFacts};

/// Writes down one handshake. Outside of one it takes nothing.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Option<Recording>>);

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    We,
    Server,
}

#[derive(Debug)]
struct Recording {
    began: Instant,
    facts: TlsFacts,
    version: Option<ProtocolVersion>,
    group: Option<NamedGroup>,
    ours: Flow,
    theirs: Flow,
}

impl Recorder {
    /// A handshake begins.
    pub(super) fn begin(&self) {
        *self.lock() = Some(Recording {
            began: Instant::now(),
            facts: TlsFacts::default(),
            version: None,
            group: None,
            ours: Flow::default(),
            theirs: Flow::default(),
        });
    }

    /// It is over: with `error`, or complete. What was agreed on, as far as it went in the clear.
    pub(super) fn end(&self, error: Option<&io::Error>) -> TlsFacts {
        let Some(mut recording) = self.lock().take() else { return TlsFacts::default() };
        match error {
            Some(error) => recording.failed(error),
            None => recording.finished(),
        }
        recording.facts
    }

    /// The key exchange group the server wants, as far as the handshake under way tells.
    pub(super) fn group(&self) -> Option<NamedGroup> {
        self.lock().as_ref().and_then(|recording| recording.group)
    }

    /// These bytes went over the line.
    pub(super) fn passed(&self, side: Side, bytes: &[u8]) {
        if let Some(recording) = &mut *self.lock() {
            recording.passed(side, bytes);
        }
    }

    /// rustls brought the server's certificates: so many, of so many bytes, with or without a stapled answer.
    pub(super) fn certificates(&self, count: usize, bytes: usize, with_staple: bool) {
        self.hidden("the server sent Certificate", || {
            let staple = if with_staple { ", with an OCSP answer" } else { "" };
            format!("{}{staple}", size(count, bytes))
        });
    }

    /// The verifier said yes, for this reason.
    pub(super) fn accepted(&self, why: &str) {
        self.step("we accepted Certificate", why.to_owned());
    }

    /// rustls asked for our certificate; `authorities` are the names the server would accept. `answered`: there is one.
    pub(super) fn certificate_asked(&self, authorities: Vec<String>, answered: bool) {
        let named = match authorities.len() {
            0 => "any authority".to_owned(),
            1 => "from one authority".to_owned(),
            more => format!("from one of {more} authorities"),
        };
        self.hidden("the server sent CertificateRequest", || named);
        if let Some(recording) = &mut *self.lock() {
            recording.facts.client_certificate.asked = true;
            recording.facts.client_certificate.sent = answered;
            recording.facts.client_certificate.authorities = authorities;
        }
    }

    /// The verifier checked the signature by which the server shows that it holds its certificate's key.
    pub(super) fn signature(&self, scheme: SignatureScheme, is_good: bool, is_tls13: bool) {
        let what = if is_tls13 { "the server sent CertificateVerify" } else { "we checked ServerKeyExchange" };
        let proof = if is_good { "the server holds the certificate's key" } else { "not made with the certificate's key" };
        self.step(what, format!("{}: {proof}", names::scheme(scheme, is_tls13)));
    }

    /// A message that is encrypted in TLS 1.3 and was seen in the clear before that.
    fn hidden(&self, what: &str, detail: impl FnOnce() -> String) {
        if let Some(recording) = &mut *self.lock()
            && recording.is_tls13()
        {
            recording.step(what, detail());
        }
    }

    fn step(&self, what: &str, detail: String) {
        if let Some(recording) = &mut *self.lock() {
            recording.step(what, detail);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recording>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    fn step(&mut self, what: impl Into<String>, detail: String) {
        self.facts.timeline.push(HandshakeStep { what: what.into(), detail, after: self.began.elapsed() });
    }

    fn is_tls13(&self) -> bool {
        self.version == Some(ProtocolVersion::TLSv1_3)
    }

    fn passed(&mut self, side: Side, bytes: &[u8]) {
        self.flow(side).feed(bytes);
        while let Some(item) = self.flow(side).next() {
            match item {
                Item::Message(kind, body) => self.message(side, kind, &body),
                // In TLS 1.3 it says nothing and is there for old middleboxes (RFC 8446 appendix D.4).
                Item::Record(messages::CHANGE_CIPHER_SPEC) if self.is_tls13() => {}
                Item::Record(messages::CHANGE_CIPHER_SPEC) => {
                    self.step(format!("{} sent ChangeCipherSpec", side.name()), String::new());
                    self.flow(side).expect_encrypted();
                }
                Item::Encrypted => {
                    self.step(format!("{} sent Finished", side.name()), String::new());
                    self.flow(side).end();
                }
                Item::Record(_) => self.flow(side).end(),
            }
        }
    }

    fn flow(&mut self, side: Side) -> &mut Flow {
        match side {
            Side::We => &mut self.ours,
            Side::Server => &mut self.theirs,
        }
    }

    fn message(&mut self, side: Side, kind: u8, body: &[u8]) {
        let (name, detail) = match (side, kind) {
            (Side::We, messages::CLIENT_HELLO) => ("ClientHello", ClientHello::read(body).map(offer)),
            (Side::Server, messages::SERVER_HELLO) => return self.server_hello(body),
            (_, messages::CERTIFICATE) => ("Certificate", messages::certificates(body).map(|(count, bytes)| size(count, bytes))),
            (_, messages::CERTIFICATE_STATUS) => ("CertificateStatus", Some(format!("an OCSP answer, {} bytes", body.len()))),
            (_, messages::SERVER_KEY_EXCHANGE) => ("ServerKeyExchange", self.key_exchange(body)),
            (_, messages::CERTIFICATE_REQUEST) => ("CertificateRequest", None),
            (_, messages::SERVER_HELLO_DONE) => ("ServerHelloDone", None),
            (_, messages::CLIENT_KEY_EXCHANGE) => ("ClientKeyExchange", None),
            (_, messages::CERTIFICATE_VERIFY) => ("CertificateVerify", None),
            (_, messages::NEW_SESSION_TICKET) => ("NewSessionTicket", None),
            _ => return,
        };
        self.step(format!("{} sent {name}", side.name()), detail.unwrap_or_default());
    }

    fn server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::read(body) else { return };
        let group = hello.group.map(names::group);
        self.version = Some(hello.version);
        self.group = hello.group;
        if hello.is_retry {
            let wanted = group.map(|group| format!("it wants a key exchange with {group}")).unwrap_or_default();
            return self.step("the server sent HelloRetryRequest", wanted);
        }
        self.facts.version = names::version(hello.version);
        self.facts.suite = names::suite(hello.suite);
        self.facts.key_exchange.clone_from(&group);
        self.facts.resumed = hello.is_resumption;
        let resumed = hello.is_resumption.then(|| "goes on with the session of before".to_owned());
        let chosen = [self.facts.version.clone(), self.facts.suite.clone(), group, resumed];
        self.step("the server sent ServerHello", chosen.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }

    fn key_exchange(&mut self, body: &[u8]) -> Option<String> {
        let (group, scheme): (NamedGroup, _) = messages::server_key_exchange(body)?;
        let group = names::group(group);
        self.facts.key_exchange = Some(group.clone());
        Some(format!("{group}, signed by {}", names::scheme(scheme, false)))
    }

    /// rustls is through; in TLS 1.3 that is how the last messages are known.
    fn finished(&mut self) {
        if !self.is_tls13() {
            return;
        }
        self.step("the server sent Finished", String::new());
        if self.facts.client_certificate.asked {
            let none = if self.facts.client_certificate.sent { String::new() } else { "none".to_owned() };
            self.step("we sent Certificate", none);
        }
        self.step("we sent Finished", String::new());
    }

    fn failed(&mut self, error: &io::Error) {
        let (what, why) = match failure::tls_error(error) {
            Some(Error::AlertReceived(alert)) => ("the server ended the handshake", names::alert(*alert)),
            _ if failure::is_own_refusal(error) => ("we ended the handshake", "its certificate is not trusted".to_owned()),
            Some(error) => ("we ended the handshake", error.to_string()),
            None => ("the connection broke", error.to_string()),
        };
        self.step(what, text::display_safe(why.as_bytes()));
    }
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::We => "we",
            Self::Server => "the server",
        }
    }
}

fn offer(hello: ClientHello) -> String {
    let versions: Vec<_> = hello.versions.into_iter().filter_map(names::version).collect();
    let groups: Vec<_> = hello.groups.into_iter().map(names::group).collect();
    format!("{}; key exchange {}; {} cipher suites", versions.join(", "), groups.join(", "), hello.suites)
}

fn size(count: usize, bytes: usize) -> String {
    match count {
        0 => "none".to_owned(),
        1 => format!("1 certificate, {bytes} bytes"),
        _ => format!("{count} certificates, {bytes} bytes"),
    }
}
