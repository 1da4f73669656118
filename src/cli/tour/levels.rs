//! The three security levels: a server that asks who comes, and one of the same operator that wants an authority's word for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{Connection, connect, expect, failed, say, step};
use crate::ask::{ScriptedPrompter, TrustAnswer};
use crate::cli::exit::Failure;
use crate::demo::{Demo, DemoSite};
use crate::engine::{ConnectFailure, Refusal};
use crate::identity::x509::authority::{Authority, Reason, Revoked};
use crate::identity::x509::draft::Draft;
use crate::identity::x509::key_file::KeyFile;
use crate::identity::x509::names::Subject;
use crate::identity::x509::returned;
use crate::identity::x509::store::{Identity, IdentityStore};
use crate::model::SecurityLevel;
use crate::protocols::CertificateRefusal;
use crate::secrets::Secret;
use crate::server::clients::{Client, Clients};
use crate::server::random_text;
use crate::setup::Setup;
use crate::trust::Fingerprint;

/// How long the operator waits for word of a client.
const LIMIT: Duration = Duration::from_secs(10);
/// Letters of the authority's passphrase: 80 bits.
const PASSPHRASE_LETTERS: usize = 16;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// From no certificate to one that an authority signed, and took back.
pub(super) async fn story(setup: &Setup, demo: &Demo, operator: &mut mpsc::Receiver<String>) -> Result<(), Failure> {
    let mut operator = Operator { clients: &demo.clients, told: operator };
    let person = more_secure(setup, demo, &mut operator).await?;
    most_secure(&person, &demo.most_secure, &mut operator).await
}

async fn more_secure<'a>(setup: &'a Setup, demo: &Demo, operator: &mut Operator<'_>) -> Result<Person<'a>, Failure> {
    let site = &demo.more_secure;
    say(&format!("{} at {}", site.label, site.url.site.url()))?;
    let nobody = Arc::new(ScriptedPrompter::default().trusting(TrustAnswer::Always));
    let refusal = refused(connect(setup, &demo.trust(), site, nobody.clone()).await)?;
    expect(refusal.why == CertificateRefusal::Wanted && refusal.shown.is_none(), "who shows no certificate is asked for one")?;
    expect(nobody.asked().len() == 1 && operator.waiting()?.is_empty(), "nothing but trust in the server was asked about")?;
    step("trusting the server (level Secure) is not enough: it wants to know who comes; no password was sent")?;

    let (name, passphrase) = demo.make_identity().await.map_err(|error| failed(format!("the demo cannot make an identity: {error}")))?;
    let person = Person { setup, trust: demo.trust(), store: IdentityStore::open(&demo.trust()), name, passphrase };
    let own = person.identity()?.certificate.fingerprint;
    step("made an identity: a key behind a passphrase, a certificate it signed itself, a request")?;

    let refusal = refused(person.connect(site, person.prompter()).await)?;
    expect(refusal.why == CertificateRefusal::NotTrusted, "an unknown client is refused")?;
    operator.hears(&own).await?;
    let waiting = operator.waiting()?;
    let [Client { from: Some(from), .. }] = waiting.as_slice() else {
        return Err(failed(format!("one client that came from somewhere should wait, not {}", waiting.len())));
    };
    step(&format!("an unknown client is refused, and waits to be trusted: {}… from {from}", &own.hex()[..16]))?;

    operator.clients.trust(&own, Timestamp::now())?;
    person.comes_in(site, SecurityLevel::MoreSecure).await?;
    step("the operator trusts it: it comes in, and only its passphrase is asked for (level More Secure)")?;
    Ok(person)
}

async fn most_secure(person: &Person<'_>, site: &DemoSite, operator: &mut Operator<'_>) -> Result<(), Failure> {
    say(&format!("{} at {}", site.label, site.url.site.url()))?;
    let refusal = refused(person.connect(site, person.prompter().trusting(TrustAnswer::Always)).await)?;
    expect(refusal.why == CertificateRefusal::NotTrusted, "a self-made certificate is refused")?;
    step("a certificate that signed itself is refused, though the same operator trusts it elsewhere")?;

    let authority = authority().await?;
    let signed = person.has_signed(&authority)?;
    let waits = || Ok::<_, Failure>(person.identity()?.pending.is_some());
    step("an authority signed its request; the signed certificate waits for its first login")?;

    let refusal = refused(person.connect(site, person.prompter()).await)?;
    expect(refusal.why == CertificateRefusal::NotTrusted && waits()?, "a certificate that is refused replaces none")?;
    operator.hears(&Fingerprint::of(&signed)).await?;
    step("the authority is not known there: refused, and the old certificate is kept")?;

    operator.clients.trust_authority(authority.certificate(), Timestamp::now())?;
    person.comes_in(site, SecurityLevel::MostSecure).await?;
    let own = person.identity()?.certificate.fingerprint;
    expect(!waits()? && own == Fingerprint::of(&signed), "the signed certificate has replaced the self-made one")?;
    expect(operator.waiting()?.is_empty(), "nobody waits any more")?;
    step("the operator trusts the authority: the signed certificate comes in, and has replaced the old one (level Most Secure)")?;

    let now = Timestamp::now();
    let taken_back = Revoked { serial: authority.serial_of(&signed)?, at: now, reason: Reason::Superseded };
    let list = authority.revocation_list(&[taken_back], 1, now, now + DAY)?;
    let folder = operator.clients.folder().join("crl");
    let kept = std::fs::create_dir(&folder).and_then(|()| std::fs::write(folder.join("tour.crl"), list));
    kept.map_err(|error| failed(format!("{}: {error}", folder.display())))?;
    let refusal = refused(person.connect(site, person.prompter()).await)?;
    expect(refusal.why == CertificateRefusal::Revoked, "who was taken back is told so")?;
    step("the authority takes it back: with its list in the operator's folder, it is refused as revoked")
}

/// Who decides at both servers.
struct Operator<'a> {
    clients: &'a Clients,
    told: &'a mut mpsc::Receiver<String>,
}

impl Operator<'_> {
    /// Waits until a server tells that this client waits: it notes whom it turned away after it did so.
    async fn hears(&mut self, client: &Fingerprint) -> Result<(), Failure> {
        let told = tokio::time::timeout(LIMIT, self.told.recv()).await.ok().flatten().unwrap_or_default();
        expect(told.contains(&client.to_string()), "the operator is told who waits")
    }

    fn waiting(&self) -> Result<Vec<Client>, Failure> {
        Ok(self.clients.lists()?.pending)
    }
}

/// Who comes: everything they are lies in the demo's folder.
struct Person<'a> {
    setup: &'a Setup,
    trust: PathBuf,
    store: IdentityStore,
    /// What their identity is called.
    name: &'static str,
    passphrase: Secret,
}

impl Person<'_> {
    fn identity(&self) -> Result<Identity, Failure> {
        Ok(self.store.get(self.name)?)
    }

    /// Knows the passphrase, and nothing else.
    fn prompter(&self) -> ScriptedPrompter {
        ScriptedPrompter::default().secret(self.passphrase.expose())
    }

    async fn connect(&self, site: &DemoSite, prompter: ScriptedPrompter) -> Result<Connection, ConnectFailure> {
        connect(self.setup, &self.trust, site, Arc::new(prompter)).await
    }

    /// Connects, asked for nothing but the passphrase.
    async fn comes_in(&self, site: &DemoSite, level: SecurityLevel) -> Result<(), Failure> {
        let prompter = Arc::new(self.prompter());
        let connected = connect(self.setup, &self.trust, site, prompter.clone()).await;
        let (engine, _, facts) = connected.map_err(|failure| Failure::from(&failure))?;
        engine.shutdown().await;
        expect(facts.level == level, &format!("the level is {}", level.name()))?;
        expect(prompter.asked().len() == 1 && prompter.trust_asked().is_empty(), "only the passphrase is asked for")
    }

    /// Brings the request to `authority`, and the signed certificate (DER, as it is answered) home.
    fn has_signed(&self, authority: &Authority) -> Result<Vec<u8>, Failure> {
        let identity = self.identity()?;
        let request = identity.request()?.ok_or_else(|| failed("the identity has no request"))?;
        let (now, usage) = (Timestamp::now(), identity.facts.usage);
        let signed = authority.sign(&request, now + DAY, usage, now)?.certificate;
        let chain = [signed.clone(), authority.certificate().to_vec()];
        let returned = returned::check(&chain, identity.public_key(), Some(&request), usage, now)?;
        self.store.stage(self.name, &returned.chain)?;
        Ok(signed)
    }
}

/// An authority for this run.
async fn authority() -> Result<Authority, Failure> {
    let passphrase = Secret::new(random_text(PASSPHRASE_LETTERS)?);
    let draft = Draft {
        name: "tour".to_owned(),
        subject: Subject { common_name: "sealift tour authority".to_owned(), ..Subject::default() },
        passphrase: passphrase.clone(),
        confirmation: passphrase.clone(),
        ..Draft::default()
    };
    let making = tokio::task::spawn_blocking(move || {
        let now = Timestamp::now();
        let made = draft.make_authority(now)?;
        let key = KeyFile::read(made.key.as_bytes())?.unlock(&passphrase)?;
        Ok(Authority::new(made.certificate, key, now)?)
    });
    making.await.map_err(|error| failed(format!("the work was broken off: {error}")))?
}

/// What the server said of the certificate it was shown, or was not.
fn refused(outcome: Result<Connection, ConnectFailure>) -> Result<Refusal, Failure> {
    match outcome {
        Err(ConnectFailure::ClientCertificate(refusal)) => Ok(*refusal),
        Err(other) => Err(Failure::from(&other)),
        Ok(_) => Err(failed("a client that should have been refused was let in")),
    }
}
