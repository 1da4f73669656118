//! Secrets stay out of every log.

use std::io::Write;
use std::sync::Mutex;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use sealift::server::sftp::AcceptedKeys;

use super::*;

const PASSPHRASE: &str = "only for this file";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(move || writer.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    // Another test may have met a place that logs, and found nobody who listens, at this very moment.
    tracing::callsite::rebuild_interest_cache();

    for scheme in ["ftp", "ftpes"] {
        let server = serve(scheme, &tree()).await;
        let prompter = script().trusting(TrustAnswer::Once).secret(&format!("not {PASSWORD}")).secret(PASSWORD);
        let (connected, _) = Person::new().connect(prompter, asking(scheme, server.addr)).await;
        assert!(connected.is_ok(), "{connected:?}");
    }

    let mut person = Person::new();
    let mut rng = russh::keys::key::safe_rng();
    let key = PrivateKey::random(&mut rng, Algorithm::Ed25519).unwrap();
    let file = person.folder.path().join("id");
    std::fs::write(&file, key.encrypt(&mut rng, PASSPHRASE).unwrap().to_openssh(LineEnding::LF).unwrap()).unwrap();
    person.keys.files.push(file);
    let mut options = sftp_options(&tree());
    options.keys = AcceptedKeys::parse(&key.public_key().to_openssh().unwrap()).unwrap();
    let server = SftpServer::start(options).await.unwrap();
    let prompter = script().trusting(TrustAnswer::Once).secret(PASSPHRASE);
    assert!(person.connect(prompter, asking("sftp", server.addr)).await.0.is_ok());
    person.keys.files.clear();
    let (connected, _) = person.connect(script().trusting(TrustAnswer::Once), target("sftp", server.addr)).await;
    assert!(connected.is_ok(), "{connected:?}");

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("PASS ****"), "nothing was captured: {log}");
    assert!(!log.contains(PASSWORD) && !log.contains(PASSPHRASE));
}
