//! `demo --tour`: the whole story against the demo's servers, without a terminal. One line a step; ends at the first that fails.

mod levels;
mod ssh_identity;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::exit::{ExitCode, Failure};
use super::output;
use crate::ask::{Prompter, Refuse, ScriptedPrompter, TrustAnswer, TrustQuestion};
use crate::config::ssh_config::SshConfigFiles;
use crate::demo::{Demo, DemoSite, Replacement};
use crate::engine::{Advice, ConnectFailure, Engine, Event, JobKind, JobSpec, Place, Report, Services, SessionFacts, Target};
use crate::model::{Entry, EntryName, FilePath, Protocol};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::setup::{Choices, Setup};
use crate::trust::{Change, Evidence, ProblemKind};

/// The folder that travels.
const SAMPLE: &str = "invoices";

/// Plays all steps; the code is 0 only if every one of them held.
pub(super) async fn play() -> Result<ExitCode, Failure> {
    let (teller, mut operator) = mpsc::channel(4);
    let tell = Arc::new(move |words: &str| drop(teller.try_send(words.to_owned())));
    let mut demo = Demo::start(Some(tell)).await.map_err(|error| failed(format!("the demo cannot start: {error}")))?;
    let setup = Setup::read(&Choices { ssh_config: Some(SshConfigFiles::None), ..Choices::default() })?;
    let told = stories(&setup, &mut demo, &mut operator).await;
    demo.stop().await;
    told?;
    say("every step held")?;
    Ok(ExitCode::Ok)
}

/// `operator` is told by the demo's servers of clients that wait.
async fn stories(setup: &Setup, demo: &mut Demo, operator: &mut mpsc::Receiver<String>) -> Result<(), Failure> {
    for place in 0..demo.sites.len() {
        story(setup, demo, place).await?;
    }
    levels::story(setup, demo, operator).await
}

/// One server from the first refusal to equal hashes.
async fn story(setup: &Setup, demo: &mut Demo, place: usize) -> Result<(), Failure> {
    let site = &demo.sites[place].clone();
    say(&format!("{} at {}", site.label, site.url.site.url()))?;
    let trust = demo.trust();

    refused(connect(setup, &trust, site, Arc::new(Refuse)).await)?;
    step("an unknown server is refused, and nothing was sent to it")?;

    trusting(setup, &trust, site, TrustAnswer::Always).await?;
    step("asked once, trusted always")?;

    let (engine, mut news, facts) = connect(setup, &trust, site, Arc::new(Refuse)).await.map_err(|failure| Failure::from(&failure))?;
    step(&format!("the second connection asks nothing ({})", protection(&facts)))?;

    let names = names(&engine, &facts).await?;
    expect(names.iter().any(|name| name == "README.txt"), "README.txt is in the listing")?;
    step(&format!("listed {} entries", names.len()))?;

    let here = local(&demo.local)?;
    let there = facts.home.join(&name(&format!("tour-{}", site.url.site.protocol.scheme()))?);
    engine.make_dir(Place::Remote(facts.id), &there).await.map_err(|error| Failure::file(&error, true))?;
    let report = copy(&engine, &mut news, (Place::Local, &here), (Place::Remote(facts.id), &there)).await?;
    step(&format!("copied {} files there", report.done))?;

    let back = demo.local.join(format!("back-{}", site.url.site.protocol.scheme()));
    std::fs::create_dir(&back).map_err(|error| failed(format!("{}: {error}", back.display())))?;
    let report = copy(&engine, &mut news, (Place::Remote(facts.id), &there), (Place::Local, &local(&back)?)).await?;
    let (sent, returned) = (hash(&demo.local.join(SAMPLE))?, hash(&back.join(SAMPLE))?);
    expect(sent == returned, "what came back is what was sent")?;
    step(&format!("copied {} files back; SHA-256 of all is equal ({}…)", report.done, &sent[..16]))?;
    engine.shutdown().await;
    if site.url.site.protocol == Protocol::Sftp {
        ssh_identity::story(setup, demo, site).await?;
        changed_host_key(setup, demo, place).await
    } else {
        changed_certificate(setup, demo, place).await
    }
}

/// The server renews its certificate, then shows one over another key: never silent, never the same question.
async fn changed_certificate(setup: &Setup, demo: &mut Demo, place: usize) -> Result<(), Failure> {
    let replace = |demo: &mut Demo, replacement| {
        demo.replace_identity(place, replacement).map_err(|error| failed(format!("the demo cannot change its identity: {error}")))
    };
    let (trust, site) = (demo.trust(), &demo.sites[place].clone());
    replace(demo, Replacement::SameKey)?;
    let evidence = refused(connect(setup, &trust, site, Arc::new(Refuse)).await)?;
    let change = evidence.remembered.as_ref().map(|before| before.change);
    expect(change == Some(Change::RenewedSameKey), "a new certificate over the same key is told as a renewal")?;
    let asked = trusting(setup, &trust, site, TrustAnswer::Always).await?;
    expect(asked.evidence.has(ProblemKind::ChangedSincePinned) && asked.can_remember, "a renewal is asked about and can be remembered")?;
    step("a renewed certificate (same key) is refused until a person looked at it, then trusted")?;

    replace(demo, Replacement::NewKey)?;
    let evidence = refused(connect(setup, &trust, site, Arc::new(Refuse)).await)?;
    let change = evidence.remembered.as_ref().map(|before| before.change);
    expect(change.is_some_and(|change| change != Change::RenewedSameKey), "a certificate over another key is not told as a renewal")?;
    let asked = trusting(setup, &trust, site, TrustAnswer::Once).await?;
    expect(asked.dangerous, "for another key the last characters of its fingerprint have to be typed")?;
    step("a certificate over another key is refused, and asked about in red")
}

/// The server shows another host key: nobody is asked, only the person's own hand in known_hosts may undo that.
async fn changed_host_key(setup: &Setup, demo: &mut Demo, place: usize) -> Result<(), Failure> {
    demo.replace_identity(place, Replacement::NewKey).map_err(|error| failed(format!("the demo cannot change its identity: {error}")))?;
    let person = Arc::new(ScriptedPrompter::default().trusting(TrustAnswer::Always));
    let evidence = refused(connect(setup, &demo.trust(), &demo.sites[place], person.clone()).await)?;
    expect(evidence.has(ProblemKind::ChangedSincePinned) && person.asked().is_empty(), "a changed host key is refused without a question")?;
    step("a changed host key is refused, with the line of known_hosts that says otherwise")
}

/// What was shown by a server that was not trusted.
fn refused(outcome: Result<Connection, ConnectFailure>) -> Result<Evidence, Failure> {
    match outcome {
        Err(ConnectFailure::Connect(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. })) => Ok(*evidence),
        Err(other) => Err(Failure::from(&other)),
        Ok(_) => Err(failed("a server that is not trusted was connected without a question")),
    }
}

/// Connects, a person answering so; what they were asked.
async fn trusting(setup: &Setup, trust: &Path, site: &DemoSite, answer: TrustAnswer) -> Result<TrustQuestion, Failure> {
    let person = Arc::new(ScriptedPrompter::default().trusting(answer));
    let (engine, ..) = connect(setup, trust, site, person.clone()).await.map_err(|failure| Failure::from(&failure))?;
    engine.shutdown().await;
    match person.trust_asked().as_slice() {
        [asked] => Ok(asked.clone()),
        asked => Err(failed(format!("one question was expected, {} were asked", asked.len()))),
    }
}

type Connection = (Engine, mpsc::Receiver<Event>, SessionFacts);

async fn connect(setup: &Setup, trust: &Path, site: &DemoSite, prompter: Arc<dyn Prompter>) -> Result<Connection, ConnectFailure> {
    connect_with(services(setup, trust, prompter)?, site, Some(site.password.clone())).await
}

async fn connect_with(services: Services, site: &DemoSite, password: Option<Secret>) -> Result<Connection, ConnectFailure> {
    let (engine, news) = Engine::new(services, None);
    let facts = engine.connect(Target { site: site.url.site.clone(), password, fingerprint: None }).await?;
    Ok((engine, news, facts))
}

/// Everything that is decided or kept lies in `trust`.
fn services(setup: &Setup, trust: &Path, prompter: Arc<dyn Prompter>) -> Result<Services, ConnectFailure> {
    let services = setup.apart(trust, &Choices::default(), prompter);
    services.map_err(|error| ConnectFailure::NotRemembered { place: "the demo".to_owned(), why: error.to_string() })
}

async fn names(engine: &Engine, facts: &SessionFacts) -> Result<Vec<String>, Failure> {
    let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(4);
    let mut names = Vec::new();
    let collect = async {
        while let Some(batch) = batches.recv().await {
            names.extend(batch.iter().map(Entry::display_name));
        }
    };
    let (listed, ()) = tokio::join!(engine.list(Place::Remote(facts.id), &facts.home, sender), collect);
    listed.map_err(|error| Failure::file(&error, true))?;
    Ok(names)
}

async fn copy(
    engine: &Engine,
    news: &mut mpsc::Receiver<Event>,
    from: (Place, &FilePath),
    to: (Place, &FilePath),
) -> Result<Report, Failure> {
    let job = JobSpec {
        kind: JobKind::Copy,
        from: from.0,
        from_dir: from.1.clone(),
        items: vec![name(SAMPLE)?],
        to: to.0,
        to_dir: to.1.clone(),
        new_name: None,
        conflicts: crate::engine::ConflictPolicy::Overwrite,
        options: crate::engine::JobOptions::default(),
    };
    let ordered = engine.queue().submit(job);
    while let Some(event) = news.recv().await {
        if let Event::JobEnded { id, report, .. } = event
            && id == ordered
        {
            return match report.failures.first() {
                None => Ok(report),
                Some(failure) => Err(failed(format!("{}: {}", failure.path, failure.why))),
            };
        }
    }
    Err(failed("the engine ended before the copy did"))
}

/// SHA-256 over the names and contents of a folder, in order.
fn hash(folder: &Path) -> Result<String, Failure> {
    let wrong = |error: std::io::Error| failed(format!("{}: {error}", folder.display()));
    let mut files: Vec<_> = std::fs::read_dir(folder).map_err(wrong)?.collect::<Result<_, _>>().map_err(wrong)?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.file_name().as_encoded_bytes());
        digest.update(std::fs::read(file.path()).map_err(wrong)?);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

fn protection(facts: &SessionFacts) -> String {
    format!("{} {}", facts.site.protocol.scheme(), facts.protection)
}

fn name(text: &str) -> Result<EntryName, Failure> {
    EntryName::try_from(text).map_err(|error| failed(error.to_string()))
}

fn local(path: &Path) -> Result<FilePath, Failure> {
    FilePath::parse(path.as_os_str().as_encoded_bytes()).map_err(|error| failed(error.to_string()))
}

fn expect(held: bool, what: &str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(failed(format!("this did not hold: {what}"))) }
}

fn step(what: &str) -> Result<(), Failure> {
    say(&format!("  ok  {what}"))
}

fn say(words: &str) -> Result<(), Failure> {
    output::line(words).map_err(|error| failed(format!("standard output: {error}")))
}

fn failed(what: impl Into<String>) -> Failure {
    Failure { code: ExitCode::Error, advice: Advice { what: what.into(), why: String::new(), next: String::new(), intended: false } }
}
