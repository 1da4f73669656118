//! An SSH identity: a key behind a passphrase, its public half brought to the server over a password that works, and no
//! password after that.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Connection, connect, connect_with, expect, failed, services, step};
use crate::ask::{Refuse, ScriptedPrompter};
use crate::cli::commands::key::{make_pair, same_and_not_empty};
use crate::cli::exit::Failure;
use crate::demo::{Demo, DemoSite};
use crate::engine::{AuthorizeOutcome, ConnectFailure, KeyInstallation, KeySources, KeyTrial, LoginKey, Services};
use crate::identity::ssh_key::{PrivateForm, SshKey, SshKeyFile, SshKeyFolder, SshKeyType, SshPublicKey, loose_mode};
use crate::model::SecurityLevel;
use crate::secrets::Secret;
use crate::server::random_text;
use crate::setup::Setup;

/// What the key is called.
const NAME: &str = "tour";
/// Letters of its passphrase: 80 bits.
const PASSPHRASE_LETTERS: usize = 16;
/// So often a passphrase is asked for.
const ATTEMPTS: usize = 3;

/// From no key to a login with nothing else, at a server whose host key is known.
pub(super) async fn story(setup: &Setup, demo: &Demo, site: &DemoSite) -> Result<(), Failure> {
    let person = Person::with_a_new_key(setup, demo).await?;
    person.converts_the_public_half()?;
    person.installs_it(site).await?;
    person.logs_in_with_it(site).await?;
    person.has_sent_nothing_private()
}

/// Who comes: everything they are lies in the demo's folder.
struct Person<'a> {
    setup: &'a Setup,
    demo: &'a Demo,
    /// The private key, locked.
    file: PathBuf,
    passphrase: Secret,
    key: SshKey,
}

impl<'a> Person<'a> {
    async fn with_a_new_key(setup: &'a Setup, demo: &'a Demo) -> Result<Self, Failure> {
        let file = SshKeyFolder::open(&demo.trust()).file(NAME)?;
        let passphrase = Secret::new(random_text(PASSPHRASE_LETTERS)?);
        let mistyped = (passphrase.clone(), Secret::new(random_text(PASSPHRASE_LETTERS)?));
        expect(same_and_not_empty(mistyped).is_err(), "a passphrase that was not typed the same twice makes no key")?;
        let confirmed = same_and_not_empty((passphrase.clone(), passphrase.clone()))?;
        let key = make_pair(SshKeyType::Ed25519, "sealift demo".to_owned(), confirmed, &file).await?;
        let is_locked = SshKeyFile::read(&file).is_ok_and(|file| file.is_locked());
        expect(is_locked && loose_mode(&file).is_none(), "the private key is locked, and for nobody but its owner")?;
        step(&format!(
            "made an SSH identity behind a passphrase typed twice: {} {}",
            key.public().algorithm(),
            key.public().fingerprint().openssh()
        ))?;
        Ok(Self { setup, demo, file, passphrase, key })
    }

    /// As it is sent to an administrator, and as that one makes OpenSSH's line of it and counts it (`wc -l`).
    fn converts_the_public_half(&self) -> Result<(), Failure> {
        let public = SshPublicKey::read(&self.file.with_extension("pub")).map_err(|error| failed(error.to_string()))?;
        let received = SshPublicKey::parse(&public.rfc4716()).map_err(|error| failed(error.to_string()))?;
        expect(received.line().lines().count() == 1, "OpenSSH's form of the public half is one line")?;
        expect(received.blob() == self.key.public().blob(), "the public half in RFC 4716 and back is the same key")?;
        step("its public half, sent as RFC 4716, converts to OpenSSH's one line; it is the same key")
    }

    async fn installs_it(&self, site: &DemoSite) -> Result<(), Failure> {
        let connected = connect(self.setup, &self.demo.trust(), site, Arc::new(Refuse)).await;
        let (engine, _, facts) = connected.map_err(|failure| Failure::from(&failure))?;
        expect(self.connect(site, &[]).await.0.is_err(), "a key the server has never seen is refused")?;

        let refused = |error| Failure::file(&error, true);
        let public = self.key.public();
        let install = |key| {
            let (session, home, public) = (facts.id, facts.home.clone(), public.clone());
            engine.install_key(KeyInstallation { session, home, file: None, public, key, keep: false, dry_run: false })
        };
        let first = install(Some(LoginKey::Open(self.key.clone()))).await.map_err(refused)?;
        let file = &first.authorized.file;
        let has_it_once = || self.demo.sftp_tree.content(file) == Some(format!("{}\n", public.line()).into());
        expect(first.authorized.outcome == AuthorizeOutcome::Added && has_it_once(), "the public line is added, and nothing else")?;
        let again = install(None).await.map_err(refused)?;
        let is_there = AuthorizeOutcome::Present { line: 1, options: String::new() };
        expect(again.authorized.outcome == is_there && has_it_once(), "adding it again changes nothing")?;
        step(&format!("added to {} over the password login; a second time nothing changes", file.display()))?;

        let works = matches!(first.trial, KeyTrial::Accepted(_));
        expect(works, "a second login with the key alone works before the first one ends")?;
        step("refused before, a second login with the key alone now works")?;
        engine.shutdown().await;
        Ok(())
    }

    async fn logs_in_with_it(&self, site: &DemoSite) -> Result<(), Failure> {
        let (outcome, asked) = self.connect(site, &[&self.passphrase]).await;
        let (engine, _, facts) = outcome.map_err(|failure| Failure::from(&failure))?;
        engine.shutdown().await;
        expect(asked.len() == 1 && asked[0].starts_with("passphrase "), "only the passphrase is asked for, once")?;
        expect(facts.level == SecurityLevel::MoreSecure, "a key is more than a password")?;
        step("logged in with the key: its passphrase is asked for once, and no password (level More Secure)")?;

        // The last answer would do where a password is asked for.
        let wrong = Secret::new(random_text(PASSPHRASE_LETTERS)?);
        let answers: Vec<_> = std::iter::repeat_n(&wrong, ATTEMPTS).chain([&site.password]).collect();
        let (outcome, asked) = self.connect(site, &answers).await;
        expect(matches!(outcome, Err(ConnectFailure::Key { .. })), "a wrong passphrase opens nothing")?;
        expect(asked.len() == ATTEMPTS && asked.iter().all(|asked| asked.starts_with("passphrase ")), "no password is asked for instead")?;
        step("a wrong passphrase opens nothing, and no password is asked for instead")
    }

    /// A login without a password at hand, and what was asked for it.
    async fn connect(&self, site: &DemoSite, answers: &[&Secret]) -> (Result<Connection, ConnectFailure>, Vec<String>) {
        let prompter = answers.iter().fold(ScriptedPrompter::default(), |prompter, answer| prompter.secret(answer.expose()));
        let prompter = Arc::new(prompter);
        let keys = KeySources { files: vec![self.file.clone()], only_files: true, named: true, ..KeySources::default() };
        let connecting = async {
            let services = services(self.setup, &self.demo.trust(), prompter.clone())?;
            connect_with(Services { keys: Arc::new(keys), ..services }, site, None).await
        };
        (connecting.await, prompter.asked())
    }

    /// Looks for the passphrase and the private key, locked and open, in all that the server holds.
    fn has_sent_nothing_private(&self) -> Result<(), Failure> {
        let there = |text: &str| self.demo.sftp_tree.holds(text.as_bytes());
        expect(there(&self.key.public().line()), "the public line is on the server")?;
        let locked = std::fs::read_to_string(&self.file).map_err(|error| failed(format!("{}: {error}", self.file.display())))?;
        let open = self.key.write(PrivateForm::Pkcs8, &Secret::new(String::new())).map_err(|error| failed(error.to_string()))?;
        // One line of each will do: a file that travelled did so with all of them.
        let lines = [&locked, &*open].map(|text| text.lines().nth(1).unwrap_or_default());
        let private = lines.into_iter().chain([self.passphrase.expose()]);
        expect(private.into_iter().all(|secret| !secret.is_empty() && !there(secret)), "nothing private is on the server")?;
        step("nothing private was sent: neither the key nor its passphrase is anywhere on the server")
    }
}
