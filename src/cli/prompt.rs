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
        let wrong = match question.keeper {
            _ if question.attempt > 1 => "That was not right. ".to_owned(),
            Some(place) if question.kept_was_wrong => format!("The one in {place} was not right. "),
            _ => String::new(),
        };
        let at = place(&question.site.endpoint, question.on_the_way_to.as_ref());
        let text = match &question.purpose {
            SecretPurpose::Password { user } => format!("{wrong}Password of {user} at {at}: "),
            SecretPurpose::KeyPassphrase { file, label } => format!("{wrong}Passphrase of the key {file} ({label}): "),
            SecretPurpose::VaultPassphrase { file } => format!("{wrong}Passphrase of the vault {file} (Enter: leave it locked): "),
        };
        let secret = Secret::new(self.line(text, false).await.ok_or(Declined)?);
        if matches!(question.purpose, SecretPurpose::VaultPassphrase { .. }) && secret.is_empty() {
            return Err(Declined);
        }
        let keep = match question.keeper {
            Some(place) => self.agrees(&format!("Keep it in {place}, if it is right?")).await,
            None => false,
        };
        Ok(SecretAnswer { secret, keep })
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
        let typed = self.line(conflict_words(&question), true).await.ok_or(Declined)?;
        Ok(conflict_answer(&typed, &question))
    }
}

/// The answers that can be typed; each begins with its letter.
const ANSWERS: [(char, ConflictAction, &str); 10] = [
    ('s', ConflictAction::Skip, "[s]kip"),
    ('o', ConflictAction::Overwrite, "[o]verwrite"),
    ('r', ConflictAction::Rename, "[r]ename"),
    ('a', ConflictAction::DateName, "[a]dd date"),
    ('c', ConflictAction::Resume, "[c]ontinue it"),
    ('n', ConflictAction::Newer, "if [n]ewer"),
    ('l', ConflictAction::Larger, "if [l]arger"),
    ('t', ConflictAction::DateDiffers, "if [t]ime differs"),
    ('z', ConflictAction::SizeDiffers, "if si[z]e differs"),
    ('d', ConflictAction::Differs, "if either [d]iffers"),
];

fn conflict_words(question: &ConflictQuestion) -> String {
    let answers: Vec<_> = ANSWERS.iter().filter(|(_, action, _)| question.offers(*action)).map(|(.., words)| *words).collect();
    let there = question.target.path.display();
    let what = if question.is_collision {
        format!("{} and {there} differ only in case or accents, and are one name there.", question.source.path.display())
    } else {
        let (there_is, copied) = (facts(&question.target), facts(&question.source));
        format!("{there} is there already ({there_is}); the new one: {copied}: {}.", question.difference.words())
    };
    format!(
        "\n{what}\n{}\nRename makes {}, adding the date {}. A capital letter: for all; with + behind it: for all that are {} (Enter skips): ",
        answers.join(", "),
        question.free_name.display(),
        question.dated_name.display(),
        if question.is_collision { "such pairs".to_owned() } else { question.difference.situation().words() }
    )
}

fn conflict_answer(typed: &str, question: &ConflictQuestion) -> ConflictAnswer {
    let typed = typed.trim();
    let letter = typed.chars().next().unwrap_or('s');
    let known = ANSWERS.iter().find(|(known, action, _)| *known == letter.to_ascii_lowercase() && question.offers(*action));
    let scope = match known {
        Some(_) if letter.is_uppercase() => Scope::RestOfJob,
        Some(_) if typed.ends_with('+') => Scope::Alike,
        // What nobody understood skips this one, and decides nothing further.
        _ => Scope::This,
    };
    ConflictAnswer { action: known.map_or(ConflictAction::Skip, |(_, action, _)| *action), scope }
}

fn facts(file: &FileFacts) -> String {
    let size = file.size.map_or_else(|| "size unknown".to_owned(), bytes::size);
    let time = file.modified.map_or_else(|| "time unknown".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    format!("{size}, {time}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Difference, Entry, EntryName, FilePath, Kind};

    fn question() -> ConflictQuestion {
        let entry = |size| {
            let mut entry = Entry::new(*b"x", Kind::File);
            entry.size = Some(size);
            entry
        };
        let facts = |entry: &Entry| FileFacts { path: FilePath::root(), kind: entry.kind, size: entry.size, modified: None };
        let name = || EntryName::try_from("x (2)").unwrap();
        let (source, target) = (entry(5), entry(9));
        ConflictQuestion {
            source: facts(&source),
            target: facts(&target),
            difference: Difference::between(&source, &target),
            free_name: name(),
            dated_name: name(),
            can_resume: false,
            is_collision: false,
        }
    }

    #[test]
    fn a_typed_answer_says_what_and_for_how_many() {
        use ConflictAction as Act;
        for (typed, action, scope) in [
            ("", Act::Skip, Scope::This),
            ("o", Act::Overwrite, Scope::This),
            ("N", Act::Newer, Scope::RestOfJob),
            ("o+", Act::Overwrite, Scope::Alike),
            ("z +", Act::SizeDiffers, Scope::Alike),
            // Neither known nor offered here.
            ("x", Act::Skip, Scope::This),
            ("C", Act::Skip, Scope::This),
        ] {
            assert_eq!(conflict_answer(typed, &question()), ConflictAnswer { action, scope }, "{typed}");
        }
        let words = conflict_words(&question());
        assert!(words.contains("4 bytes smaller") && !words.contains("[c]ontinue"), "{words}");
        let collision = ConflictQuestion { is_collision: true, ..question() };
        assert!(!conflict_words(&collision).contains("[n]ewer") && conflict_words(&collision).contains("[r]ename"));
    }
}
