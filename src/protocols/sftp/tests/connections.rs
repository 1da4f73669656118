//! Connecting and logging in against an SSH server in this process that writes down what it was sent.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Response};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::identity::ssh_key::{SshKey, SshKeyFile};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Site};
use crate::protocols::ConnectErrorKind;
use crate::protocols::sftp::{AuthStep, HostKeyJudge, Method, SshConnection, SshSettings, agent_keys};
use crate::secrets::Secret;
use crate::trust::{Evidence, PeerIdentity};

/// What the server wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Password,
    KeyAndPassword,
    Answers,
    /// It hangs up as soon as somebody wants to log in.
    Nobody,
    /// It never answers who wants to log in.
    Patience,
}

/// What comes when SFTP is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subsystem {
    Refused,
    Noise,
    Status,
}

#[derive(Clone)]
struct Server {
    wants: Wants,
    subsystem: Subsystem,
    seen: Arc<Mutex<Vec<String>>>,
    key_was_right: bool,
}

impl Server {
    fn saw(&self, what: impl Into<String>) {
        self.seen.lock().unwrap().push(what.into());
    }
}

fn go_on(methods: &[MethodKind], partial_success: bool) -> Auth {
    Auth::Reject { proceed_with_methods: Some(MethodSet::from(methods)), partial_success }
}

impl server::Handler for Server {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, russh::Error> {
        Ok(Some("Members only\x1b[31m\n".into()))
    }

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        self.saw("none");
        Ok(match self.wants {
            Wants::Password => go_on(&[MethodKind::Password], false),
            Wants::KeyAndPassword => go_on(&[MethodKind::PublicKey], false),
            Wants::Answers => go_on(&[MethodKind::KeyboardInteractive], false),
            Wants::Nobody => return Err(russh::Error::HUP),
            Wants::Patience => std::future::pending().await,
        })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.saw(format!("password {user} {password}"));
        let enough = self.wants == Wants::Password || self.key_was_right;
        Ok(if enough && password == "right" { Auth::Accept } else { go_on(&[MethodKind::Password], false) })
    }

    async fn auth_publickey_offered(&mut self, _: &str, _: server::PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        self.saw("offered");
        Ok(if self.wants == Wants::KeyAndPassword { Auth::Accept } else { go_on(&[MethodKind::Password], false) })
    }

    async fn auth_publickey(&mut self, _: &str, _: server::VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        self.saw("signed");
        self.key_was_right = true;
        Ok(go_on(&[MethodKind::Password], true))
    }

    async fn auth_keyboard_interactive<'a>(&'a mut self, _: &str, _: &str, response: Option<Response<'a>>) -> Result<Auth, russh::Error> {
        let answers: Option<Vec<String>> = response.map(|all| all.map(|one| String::from_utf8_lossy(&one).into_owned()).collect());
        self.saw(format!("answers {answers:?}"));
        Ok(match answers.as_deref() {
            None => Auth::Partial {
                name: Cow::Borrowed("Door\x07"),
                instructions: Cow::Borrowed("Two\nlines"),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Code: "), true), (Cow::Borrowed("PIN: "), false)]),
            },
            Some([code, pin]) if code == "7" && pin == "8" => {
                Auth::Partial { name: Cow::Borrowed(""), instructions: Cow::Borrowed(""), prompts: Cow::Borrowed(&[]) }
            }
            Some([]) => Auth::Accept,
            Some(_) => go_on(&[MethodKind::KeyboardInteractive], false),
        })
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut server::Session) -> Result<(), russh::Error> {
        self.saw(format!("subsystem {name}"));
        match self.subsystem {
            Subsystem::Refused => session.channel_failure(channel),
            Subsystem::Noise => {
                session.channel_success(channel)?;
                session.data(channel, "Welcome back, me!\r\n")
            }
            Subsystem::Status => {
                session.channel_success(channel)?;
                session.extended_data(channel, 1, "sftp-server: not found\n")?;
                session.exit_status_request(channel, 127)?;
                session.close(channel)
            }
        }
    }
}

struct Running {
    settings: SshSettings,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn connect(&self) -> SshConnection {
        SshConnection::connect(&self.settings, trusting()).await.unwrap()
    }
}

fn trusting() -> HostKeyJudge {
    Arc::new(|_| Ok(()))
}

fn settings(port: u16) -> SshSettings {
    let site = Site { endpoint: Endpoint::new("127.0.0.1", port), ..ParsedUrl::parse("sftp://h").unwrap().site };
    let (timeout, keepalive) = (Duration::from_secs(20), Duration::from_secs(15));
    SshSettings { timeout, keepalive, ..SshSettings::new(site) }
}

async fn start(wants: Wants, subsystem: Subsystem) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = settings(listener.local_addr().unwrap().port());
    let config = Arc::new(server::Config {
        keys: vec![new_key()],
        auth_rejection_time: Duration::ZERO,
        max_auth_attempts: 4,
        ..server::Config::default()
    });
    let seen = Arc::new(Mutex::default());
    let handler = Server { wants, subsystem, seen: Arc::clone(&seen), key_was_right: false };
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let running = server::run_stream(Arc::clone(&config), stream, handler.clone()).await;
            if let Ok(session) = running {
                // A client that leaves is part of these tests.
                drop(session.await);
            }
        }
    });
    Running { settings, seen, task }
}

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn open_key() -> SshKey {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    new_key().write_openssh_file(&path, russh::keys::ssh_key::LineEnding::LF).unwrap();
    SshKeyFile::read(&path).unwrap().unlock(&secret("")).unwrap()
}

fn failure(remaining: &[Method], partial: bool) -> AuthStep {
    AuthStep::Failure { remaining: remaining.to_vec(), partial }
}

#[tokio::test]
async fn a_host_key_that_is_not_trusted_ends_it_before_anything_is_asked() {
    let server = start(Wants::Password, Subsystem::Refused).await;
    let endpoint = server.settings.site.endpoint.clone();
    let judge: HostKeyJudge = Arc::new(move |key| {
        assert_eq!(key.algorithm, "ssh-ed25519");
        let identity = PeerIdentity::HostKey(key.clone());
        Err(Box::new(Evidence::new(endpoint.clone(), identity)))
    });
    let error = SshConnection::connect(&server.settings, judge).await.err().unwrap();
    assert!(matches!(error.kind, ConnectErrorKind::Untrusted(evidence) if matches!(&evidence.identity, PeerIdentity::HostKey(_))));
    assert_eq!(server.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_password_may_be_tried_again_until_the_server_hangs_up() {
    let server = start(Wants::Password, Subsystem::Refused).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.methods("me").await, Ok(failure(&[Method::Password], false)));
    assert_eq!(connection.banner(), "Members only\\x1b[31m\n");
    assert_eq!(connection.password("me", &secret("wrong")).await, Ok(failure(&[Method::Password], false)));
    assert_eq!(connection.password("me", &secret("right")).await, Ok(AuthStep::Success));
    drop(connection);

    let mut connection = server.connect().await;
    let mut last = Ok(AuthStep::Success);
    for _ in 0..8 {
        last = connection.password("me", &secret("wrong")).await;
        if last.is_err() {
            break;
        }
    }
    let error = last.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::LoginRefused);
    assert!(!error.detail.is_empty());
}

#[tokio::test]
async fn a_key_is_probed_without_signing_and_then_a_password_is_wanted_too() {
    let server = start(Wants::KeyAndPassword, Subsystem::Refused).await;
    let mut connection = server.connect().await;
    let key = open_key();
    assert_eq!(connection.methods("me").await, Ok(failure(&[Method::PublicKey], false)));
    assert_eq!(connection.public_key_accepted("me", &key.public()).await, Ok(true));
    assert!(!server.seen().contains(&"signed".to_owned()));
    assert_eq!(connection.public_key("me", &key).await, Ok(failure(&[Method::Password], true)));
    assert_eq!(connection.password("me", &secret("right")).await, Ok(AuthStep::Success));
}

#[tokio::test]
async fn a_key_the_server_does_not_know_is_told_by_the_probe() {
    let server = start(Wants::Password, Subsystem::Refused).await;
    let mut connection = server.connect().await;
    assert_eq!(connection.public_key_accepted("me", &open_key().public()).await, Ok(false));
    assert_eq!(connection.password("me", &secret("right")).await, Ok(AuthStep::Success));
}

#[tokio::test]
async fn prompts_are_handed_on_made_safe_and_a_round_without_any_is_answered() {
    let server = start(Wants::Answers, Subsystem::Refused).await;
    let mut connection = server.connect().await;
    let asked = Ok(AuthStep::Prompts {
        name: "Door\\x07".into(),
        instruction: "Two\nlines".into(),
        prompts: vec![("Code: ".into(), true), ("PIN: ".into(), false)],
    });
    assert_eq!(connection.interactive_start("me").await, asked);
    assert_eq!(connection.interactive_answer(vec![secret("1"), secret("2")]).await, Ok(failure(&[Method::KeyboardInteractive], false)));
    assert_eq!(connection.interactive_start("me").await, asked);
    assert_eq!(connection.interactive_answer(vec![secret("7"), secret("8")]).await, Ok(AuthStep::Success));
    assert_eq!(server.seen().last().unwrap(), "answers Some([])");
}

#[tokio::test]
async fn a_login_without_sftp_says_what_is_there_instead() {
    for (subsystem, words) in [
        (Subsystem::Refused, "no SFTP subsystem"),
        (Subsystem::Noise, "Welcome back, me!"),
        (Subsystem::Status, "status 127: sftp-server: not found"),
    ] {
        let server = start(Wants::Password, subsystem).await;
        let mut connection = server.connect().await;
        assert_eq!(connection.password("me", &secret("right")).await, Ok(AuthStep::Success));
        let error = connection.into_sftp().await.err().unwrap();
        assert_eq!(error.kind, ConnectErrorKind::NoSftp);
        assert!(error.detail.contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_has_no_keys() {
    let server = start(Wants::KeyAndPassword, Subsystem::Refused).await;
    let mut connection = server.connect().await;
    let nowhere = std::path::Path::new("/nonexistent/agent");
    assert_eq!(agent_keys(nowhere).await, Vec::new());
    let error = connection.agent("me", nowhere, &open_key().public()).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::LoginRefused);
}

#[tokio::test]
async fn what_does_not_speak_ssh_is_named() {
    for (speaks_first, said, words) in [
        (true, &b"220 ProFTPD ready\r\n"[..], "FTP"),
        (false, b"HTTP/1.1 400 Bad Request\r\n\r\n", "web server"),
        (false, b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (true, b"hello\x1b[31m\r\n", "hello\\x1b[31m"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = settings(listener.local_addr().unwrap().port());
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 8];
            if !speaks_first {
                stream.read_exact(&mut greeting).await.unwrap();
            }
            stream.write_all(said).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the other side has read it and left.
            drop(stream.read_to_end(&mut Vec::new()).await);
        };
        let (connected, ()) = tokio::join!(SshConnection::connect(&settings, trusting()), serving);
        let error = connected.err().unwrap();
        assert_eq!(error.kind, ConnectErrorKind::WrongProtocol, "{error}");
        assert!(error.detail.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_silent_server_times_out_and_a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(listener.local_addr().unwrap().port());
    settings.timeout = Duration::from_millis(50);
    let error = SshConnection::connect(&settings, trusting()).await.err().unwrap();
    assert_eq!(error.kind, ConnectErrorKind::TimedOut);
    drop(listener);
    let error = SshConnection::connect(&settings, trusting()).await.err().unwrap();
    assert_eq!(error.kind, ConnectErrorKind::Refused);
}

#[tokio::test]
async fn a_line_that_breaks_during_the_login_is_no_refusal() {
    let server = start(Wants::Nobody, Subsystem::Refused).await;
    let error = server.connect().await.methods("me").await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::ConnectionLost, "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_a_login_is_not_waited_for_longer_than_any_other() {
    let mut server = start(Wants::Patience, Subsystem::Refused).await;
    // The handshake has it for each step, too.
    server.settings.timeout = Duration::from_secs(2);
    let error = server.connect().await.methods("me").await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn dropping_a_connection_cuts_the_line() {
    let server = start(Wants::Password, Subsystem::Refused).await;
    drop(server.connect().await);
    // The server takes one connection at a time: it is free again only when the first one is gone.
    server.connect().await;
}
