//! Reaching a server and logging in.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::script::{Peer, client, serve};
use crate::model::Protocol;
use crate::protocols::ftp::{FtpConnection, UserStep};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;

/// What connecting to a server that says `greeting` and then listens ends in.
async fn greeted(protocol: Protocol, greeting: Vec<u8>) -> ConnectError {
    let (settings, server) = serve(protocol, |mut peer: Peer| async move {
        peer.say_raw(&greeting).await;
        assert_eq!(peer.line().await, "", "nothing is said to such a server");
    })
    .await;
    let error = FtpConnection::connect(&settings, None).await.err().unwrap();
    server.await.unwrap();
    error
}

#[tokio::test]
async fn a_server_without_tls_gets_no_credential() {
    for refusal in ["502 no", "500 what?", "200 sure", "334 go on", "421 not now"] {
        let (settings, server) = serve(Protocol::Ftpes, move |mut peer: Peer| async move {
            peer.say("220 ready").await;
            peer.answer("AUTH TLS", refusal).await;
            assert_eq!(peer.line().await, "", "the connection ends there");
        })
        .await;
        let error = FtpConnection::connect(&settings, None).await.err().unwrap();
        let expected = if refusal.starts_with("421") { ConnectErrorKind::Busy } else { ConnectErrorKind::ProtectionRefused };
        assert_eq!((error.kind, error.detail.as_str()), (expected, refusal));
        server.await.unwrap();
    }
}

#[tokio::test]
async fn bytes_behind_the_reply_to_auth_end_the_connection() {
    let (settings, server) = serve(Protocol::Ftpes, |mut peer: Peer| async move {
        peer.say("220 ready").await;
        peer.answer("AUTH TLS", "234 go\r\n230 you are logged in").await;
        assert_eq!(peer.line().await, "");
    })
    .await;
    let error = FtpConnection::connect(&settings, None).await.err().unwrap();
    assert_eq!(error.kind, ConnectErrorKind::Protocol);
    assert!(error.detail.contains("STARTTLS injection"), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn replies_without_end_are_given_up() {
    let endless_reply = format!("220-x\r\n{}", "never ends\r\n".repeat(10_000));
    for greeting in [vec![b'2'; 100_000], endless_reply.into_bytes()] {
        let error = greeted(Protocol::Ftp, greeting).await;
        assert_eq!(error.kind, ConnectErrorKind::Protocol, "{error}");
        assert!(error.detail.contains("longer than"), "{error}");
    }
}

#[tokio::test]
async fn what_answers_instead_is_named() {
    for (greeting, who) in [
        (&b"SSH-2.0-OpenSSH_9.9\r\n"[..], "SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n", "web server"),
        (b"220 mx.example.com ESMTP ready\r\n", "SMTP"),
        (b"* OK IMAP4rev1\r\n", "IMAP"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "TLS"),
    ] {
        let error = greeted(Protocol::Ftp, greeting.to_vec()).await;
        assert_eq!(error.kind, ConnectErrorKind::WrongProtocol, "{error}");
        assert!(error.detail.contains(who), "{error}");
    }
}

#[tokio::test]
async fn a_closed_door_is_told_from_a_slow_one() {
    assert_eq!(greeted(Protocol::Ftp, b"421 too many\r\n".to_vec()).await.kind, ConnectErrorKind::Busy);
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.say("120 in a moment").await;
        peer.log_in("").await;
    })
    .await;
    client(&settings).await;
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    let error = greeted(Protocol::Ftp, Vec::new()).await;
    assert_eq!(error.kind, ConnectErrorKind::TimedOut);
    assert!(error.detail.contains("no greeting"), "{error}");
}

#[tokio::test]
async fn a_refused_login_can_be_tried_again() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.say("220 ready").await;
        peer.answer("USER anna", "331 password").await;
        peer.answer("PASS wrong", "530 not you").await;
        peer.answer("USER anna", "331 password").await;
        peer.answer("PASS right", "230 welcome").await;
        peer.answer("USER guest", "230 no password needed").await;
        peer.answer("USER clerk", "331 password").await;
        peer.answer("PASS right", "332 account").await;
    })
    .await;
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    let secret = |text: &str| Secret::new(text.to_owned());
    let error = connection.login("anna", &secret("wrong")).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (ConnectErrorKind::LoginRefused, "530 not you"));
    connection.login("anna", &secret("right")).await.unwrap();
    connection.login("guest", &secret("never sent")).await.unwrap();
    let error = connection.login("clerk", &secret("right")).await.unwrap_err();
    assert!(error.kind == ConnectErrorKind::LoginRefused && error.detail.contains("ACCT"), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn the_user_is_named_before_a_password_is_wanted() {
    for (to_user, step) in
        [("331 password", UserStep::Password), ("232 by your certificate", UserStep::LoggedIn), ("230 in", UserStep::LoggedIn)]
    {
        let (settings, server) = serve(Protocol::Ftp, move |mut peer: Peer| async move {
            peer.say("220 ready").await;
            peer.answer("USER anna", to_user).await;
            if step == UserStep::Password {
                peer.answer("PASS secret", "230 welcome").await;
            }
            assert_eq!(peer.line().await, "", "no password goes where none is wanted");
        })
        .await;
        let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
        assert_eq!(connection.user("anna").await.unwrap(), step);
        assert!(!connection.password_sent());
        match step {
            UserStep::Password => connection.password(&Secret::new("secret".into())).await.unwrap(),
            UserStep::LoggedIn => {}
        }
        assert_eq!(connection.password_sent(), step == UserStep::Password);
        drop(connection);
        server.await.unwrap();
    }
}

#[tokio::test]
async fn who_had_no_password_is_told_where_one_is_wanted_later() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.say("220 ready").await;
        peer.answer("USER anna", "331 password").await;
        assert_eq!(peer.line().await, "");
    })
    .await;
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    let error = connection.login_as("anna", None).await.unwrap_err();
    assert!(error.kind == ConnectErrorKind::LoginRefused && error.detail.contains("wants a password now"), "{error}");
    drop(connection);
    server.await.unwrap();
}

#[tokio::test]
async fn a_name_with_a_line_break_is_never_sent() {
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move {
        peer.say("220 ready").await;
        assert_eq!(peer.line().await, "");
    })
    .await;
    let mut connection = FtpConnection::connect(&settings, None).await.unwrap();
    for (user, password) in [("anna\r\nDELE x", "p"), ("anna", "p\nDELE x"), ("anna\0", "p")] {
        let error = connection.login(user, &Secret::new(password.to_owned())).await.unwrap_err();
        assert_eq!(error.kind, ConnectErrorKind::LoginRefused, "{error}");
    }
    drop(connection);
    server.await.unwrap();
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_shows_the_conversation_without_the_password() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    tracing::callsite::rebuild_interest_cache();
    let (settings, server) = serve(Protocol::Ftp, |mut peer: Peer| async move { peer.log_in("").await }).await;
    client(&settings).await;
    server.await.unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("> USER anna") && text.contains("> PASS ****") && text.contains("< 230 welcome"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
