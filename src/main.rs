//! The program: parses the command line, starts the log, chooses the face, answers with the exit code.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::Parser;
use sealift::ask::{Prompter, Refuse};
use sealift::cli::args::{Arguments, Verb};
use sealift::cli::{ExitCode, Failure, pane_beside, run, start_log, start_pane};
use sealift::config::ssh_config::SshConfigFiles;
use sealift::secrets::write_no_core_files;
use sealift::setup::Setup;
use sealift::tui::start;

/// Threads for what blocks: disks, key derivation, questions. Hundreds of small files wait for a few of them.
const BLOCKING_THREADS: usize = 64;
/// Threads for what waits. One line's bytes pass through several tasks: handed from thread to thread they cost more than what is done
/// with them, and one thread brings more than the lines of most machines carry. Disks, checksums and the screen have threads of their own.
const WAITING_THREADS: usize = 1;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let _log = start_log();
    write_no_core_files();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // A server's clients each have work of their own.
    if !matches!(arguments.verb, Some(Verb::Serve(_))) {
        builder.worker_threads(WAITING_THREADS);
    }
    let runtime = match builder.max_blocking_threads(BLOCKING_THREADS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::screen(&error).report().into(),
    };
    let code = runtime.block_on(async {
        match &arguments.verb {
            Some(verb) if !matches!(verb, Verb::Demo { tour: false }) => run(verb).await,
            _ => screen(&arguments).await.unwrap_or_else(|failure| failure.report()),
        }
    });
    // A blocking read of the terminal or the disk must not keep the program from ending.
    runtime.shutdown_background();
    code.into()
}

/// The two panes, over the demo's servers or over what the arguments name.
async fn screen(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let options = &arguments.connect;
    let mut choices = options.choices();
    let shown = if arguments.verb.is_some() {
        choices.ssh_config = Some(SshConfigFiles::None);
        start::demo(&Setup::read(&choices)?, &choices).await
    } else {
        let setup = Setup::read(&choices)?;
        let pane = |text: &OsStr| start_pane(text, &setup);
        let left = arguments.left.as_deref().unwrap_or(OsStr::new("."));
        let right = match arguments.right.as_deref() {
            Some(right) => Some(pane(right)?),
            None => pane_beside(left, &setup),
        };
        let left = pane(left)?;
        // Secrets brought along are read now, before the terminal belongs to the screen.
        let given = options.answers(Refuse)?;
        let answers: start::Answers = Box::new(move |screen| Arc::new(given.before(screen)) as Arc<dyn Prompter>);
        start::panes(&setup, &choices, answers, left, right).await
    };
    shown.map(|()| ExitCode::Ok).map_err(|error| Failure::screen(&error))
}
