//! Runs a verb from its arguments to its exit code.

use std::io::IsTerminal;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::{Common, Verb};
use super::commands;
use super::exit::{ExitCode, Failure};
use super::output;
use super::prompt::LinePrompter;
use crate::ask::{Prompter, Refuse};
use crate::engine::{Engine, Event, FileOutcome};
use crate::setup::Setup;

/// Runs a verb; an interrupt ends it with its code, what was under way stopped cleanly.
pub async fn run(verb: &Verb) -> ExitCode {
    let ended = match verb {
        Verb::Demo { .. } => super::tour::play().await,
        Verb::Serve(command) => commands::serve(command).await,
        Verb::Ls(command) => headless(&command.common, async |engine, _| commands::ls(engine, command).await).await,
        Verb::Cat(command) => headless(&command.common, async |engine, _| commands::cat(engine, command).await).await,
        Verb::Copy(command) => {
            headless(&command.common, async |engine, news| commands::copy_or_move(engine, news, command, false).await).await
        }
        Verb::Move(command) => {
            headless(&command.common, async |engine, news| commands::copy_or_move(engine, news, command, true).await).await
        }
        Verb::Sync(command) => headless(&command.common, async |engine, news| commands::sync(engine, news, command).await).await,
        Verb::Mkdir(command) => headless(&command.common, async |engine, _| commands::mkdir(engine, command).await).await,
        Verb::Cert(command) => commands::cert(command).await,
        Verb::Key(command) => commands::key(command).await,
        Verb::Secret(command) => commands::secret(command).await,
        Verb::Trust(command) => tokio::select! {
            ended = commands::trust(command) => ended,
            () = interrupted() => Ok(ExitCode::Interrupted),
        },
        Verb::Site(command) => commands::site(command).await,
        Verb::Rm(command) => headless(&command.common, async |engine, news| commands::rm(engine, news, command).await).await,
    };
    ended.unwrap_or_else(|failure| failure.report())
}

/// What the engine tells while a verb runs.
pub(super) struct News {
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) outcomes: mpsc::Receiver<FileOutcome>,
    /// The person who is asked where something is in the way, if there is one.
    pub(super) person: Option<LinePrompter>,
}

/// One engine for one verb. Asks on the terminal where there is one and `--batch` does not forbid it.
pub(super) async fn headless(
    common: &Common,
    verb: impl AsyncFnOnce(&Engine, &mut News) -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let setup = Setup::read(&common.connect.choices())?;
    for warning in &setup.warnings {
        output::say(&warning.to_string());
    }
    // A person is there only if one can see the question: standard error is where words go.
    let line = if common.batch || !std::io::stderr().is_terminal() { None } else { LinePrompter::open() };
    let asked: Arc<dyn Prompter> = match &line {
        Some(line) => Arc::new(common.connect.answers(line.clone())?),
        None => Arc::new(common.connect.answers(Refuse)?),
    };
    let (told, outcomes) = mpsc::channel(256);
    let mut services = setup.services(&common.connect.choices(), asked, Arc::new(output::say))?;
    // In words, what came through is told as a number.
    services.queue.only_failures = !common.json;
    let (engine, events) = Engine::new(services, Some(told));
    let mut news = News { events, outcomes, person: line.clone() };
    let ended = tokio::select! {
        ended = verb(&engine, &mut news) => ended,
        () = interrupted() => {
            if let Some(line) = &line {
                line.leave();
            }
            output::say("interrupted");
            Ok(ExitCode::Interrupted)
        }
    };
    // Nobody counts the files any more: jobs that tidy up must not wait for it.
    drop(news.outcomes);
    let mut events = news.events;
    let mut ending = pin!(async {
        // Who interrupts again does not want to wait for that either.
        tokio::select! {
            left = engine.shutdown() => left,
            () = interrupted() => 0,
        }
    });
    let left = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => tell(&event),
            left = &mut ending => break left,
        }
    };
    while let Ok(event) = events.try_recv() {
        tell(&event);
    }
    if left > 0 {
        output::say("what is not done is noted; the same command again goes on with it");
    }
    ended
}

/// What tidying up came to; the rest was of interest while the verb ran.
fn tell(event: &Event) {
    if let Event::Notice(advice) = event {
        output::say_failure(advice);
    }
}

/// Ctrl-C, SIGTERM or SIGHUP.
pub(super) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind: SignalKind| {
        if let Ok(mut signals) = signal(kind) {
            signals.recv().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}
