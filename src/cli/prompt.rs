//! Questions at a terminal line. Asks on the controlling terminal, never on standard output.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use super::trust_question::{self, Typed};
use crate::ask::{
    ConflictAction, ConflictAnswer, ConflictQuestion, Declined, FileFacts, InteractiveQuestion, Prompter, Scope, SecretAnswer,
    SecretPurpose, SecretQuestion, TrustQuestion, TrustReply,
};
use crate::model::{Endpoint, bytes};
use crate::secrets::Secret;
use crate::trust::{Compared, Verified};

/// Asks on `/dev/tty`, one question at a time.
#[derive(Clone)]
pub(super) struct LinePrompter {
    terminal: Arc<Mutex<File>>,
    /// The terminal's settings while the echo is off.
    saved: Arc<Mutex<Option<Termios>>>,
}

impl LinePrompter {
    /// The controlling terminal; `None` where there is none.
    pub(super) fn open() -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        Some(Self { terminal: Arc::new(Mutex::new(terminal)), saved: Arc::default() })
    }

    /// Whether the person says yes; Enter is no.
    pub(super) async fn agrees(&self, question: &str) -> bool {
        let typed = self.line(format!("{question} [y]es, [n]o (Enter: no): "), true).await;
        typed.is_some_and(|typed| matches!(typed.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether a question stands on the terminal.
    pub(super) fn is_asking(&self) -> bool {
        self.terminal.try_lock().is_err()
    }

    /// Leaves a question that stands, the echo as it was before; for the way out by a signal.
    pub(super) fn leave(&self) {
        if self.is_asking()
            && let Ok(mut terminal) = File::options().write(true).open("/dev/tty")
        {
            drop(terminal.write_all(b"\n"));
        }
        self.restore();
    }

    fn restore(&self) {
        if let (Some(saved), Ok(terminal)) = (self.saved.lock().unwrap_or_else(PoisonError::into_inner).take(), File::open("/dev/tty")) {
            let _ = tcsetattr(&terminal, OptionalActions::Flush, &saved);
        }
    }

    /// Asks for a secret without showing it; `None` at end of input.
    pub(super) async fn hidden(&self, text: String) -> Option<Secret> {
        self.line(text, false).await.map(Secret::new)
    }

    /// Asks for a line; `None` at end of input.
    pub(super) async fn shown(&self, text: String) -> Option<String> {
        self.line(text, true).await
    }

    /// Writes `text` and reads a line off the loop; `None` at end of input.
    async fn line(&self, text: String, echo: bool) -> Option<String> {
        let prompter = self.clone();
        tokio::task::spawn_blocking(move || prompter.read(&text, echo)).await.ok().flatten()
    }

    fn read(&self, text: &str, echo: bool) -> Option<String> {
        let mut terminal = self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
        // What was typed before the question could be read is no answer to it.
        tcflush(&*terminal, QueueSelector::IFlush).ok()?;
        terminal.write_all(text.as_bytes()).ok()?;
        if !echo {
            let before = tcgetattr(&*terminal).ok()?;
            *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.clone());
            let mut hidden = before;
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&*terminal, OptionalActions::Flush, &hidden).ok()?;
        }
        let mut line = String::new();
        let read = BufReader::new(&*terminal).read_line(&mut line);
        if !echo {
            self.restore();
            terminal.write_all(b"\n").ok()?;
        }
        if read.ok()? == 0 {
            return None;
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Some(line)
    }
}

/// Who asks, and whether that is only a host on the way.
fn place(endpoint: &Endpoint, on_the_way_to: Option<&Endpoint>) -> String {
    on_the_way_to.map_or_else(|| endpoint.to_string(), |aim| format!("{endpoint}, a jump host on the way to {aim}"))
}

#[async_trait]
impl Prompter for LinePrompter {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined> {
        let mut said = trust_question::described(&question);
        let mut compared = None;
        loop {
            let typed = self.line(said + &trust_question::choices(&question, compared), true).await.ok_or(Declined)?;
            match trust_question::read(&typed, &question, compared) {
                Typed::Compared(outcome) => {
                    // That it was another one stays known until the right one was given.
                    if outcome != Compared::NotAFingerprint || compared.is_none() {
                        compared = Some(outcome);
                    }
                    said = format!("{}\n", outcome.words());
                }
                Typed::Answer(answer) => return Ok(TrustReply { answer, verified: Verified::after(compared) }),
            }
        }
    }

    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        let wrong = if question.attempt > 1 { "That was not right. " } else { "" };
        let at = place(&question.site.endpoint, question.on_the_way_to.as_ref());
        let text = match &question.purpose {
            SecretPurpose::Password { user } => format!("{wrong}Password of {user} at {at}: "),
            SecretPurpose::KeyPassphrase { file, label } => format!("{wrong}Passphrase of the key {file} ({label}): "),
        };
        self.line(text, false).await.map(|line| SecretAnswer { secret: Secret::new(line) }).ok_or(Declined)
    }

    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        let mut heading = format!("{} asks:\n", place(&question.site.endpoint, question.on_the_way_to.as_ref()));
        for line in std::iter::once(question.name.as_str()).chain(question.instruction.lines()).filter(|line| !line.is_empty()).take(20) {
            heading.push_str(&format!("{line}\n"));
        }
        let mut answers = Vec::with_capacity(question.prompts.len());
        for prompt in &question.prompts {
            // Who asks stands before every prompt, as with ssh: a server's words could pass for ours.
            let text = format!("{}({}) {}", std::mem::take(&mut heading), question.site.endpoint, prompt.text);
            answers.push(Secret::new(self.line(text, prompt.echo).await.ok_or(Declined)?));
        }
        Ok(answers)
    }

    async fn conflict(&self, question: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        let text = format!(
            "\n{} is there already ({}); the new one: {}.\n[o]verwrite, [s]kip, [r]ename to {}, [n]ewer wins; capital letter: for all (Enter skips): ",
            question.target.path.display(),
            facts(&question.target),
            facts(&question.source),
            question.free_name.display()
        );
        let typed = self.line(text, true).await.ok_or(Declined)?;
        let letter = typed.trim().chars().next().unwrap_or('s');
        let action = match letter.to_ascii_lowercase() {
            'o' => ConflictAction::Overwrite,
            'r' => ConflictAction::Rename,
            'n' => ConflictAction::Newer,
            _ => ConflictAction::Skip,
        };
        Ok(ConflictAnswer { action, scope: if letter.is_uppercase() { Scope::RestOfJob } else { Scope::This } })
    }
}

fn facts(file: &FileFacts) -> String {
    let size = file.size.map_or_else(|| "size unknown".to_owned(), bytes::size);
    let time = file.modified.map_or_else(|| "time unknown".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    format!("{size}, {time}")
}
