//! Is this certificate or host key the right one? Rejects unless a person, awake, says otherwise.

use std::time::Duration;

use super::{Answer, GUARD, MOST_LINES, Next, focus_step, letter, moved, neighbour};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::ask::{Ask, TrustAnswer, TrustQuestion, TrustReply};
use crate::trust::{Fingerprint, PeerIdentity, Verified};

/// The question and what the person did about it so far.
pub struct TrustDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<TrustQuestion, TrustReply>,
    /// The button Enter presses. Begins with Reject.
    pub focus: TrustAnswer,
    /// What keys do.
    pub mode: TrustMode,
    /// What came of comparing with a fingerprint the person has from elsewhere.
    pub compared: Option<Comparison>,
    /// The last characters were typed wrongly.
    pub mistyped: bool,
    /// All facts are shown, not the summary.
    pub details: bool,
    /// The first line shown of what does not fit. May be beyond the last.
    pub scroll: usize,
    /// No key counts before this, since the program started: what was typed ahead was not meant for this dialog.
    pub deaf_until: Duration,
    opened: Duration,
}

/// What keys do in a [`TrustDialog`].
#[derive(Clone, PartialEq, Eq)]
pub enum TrustMode {
    /// Choose a button.
    Choose,
    /// Type the last characters of the fingerprint to accept a dangerous identity.
    TypeLast {
        /// What was typed.
        input: Input,
        /// The answer it leads to.
        answer: TrustAnswer,
    },
    /// Type or paste the fingerprint the server's owner gave.
    Compare(Input),
}

/// What came of comparing fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the one.
    Match,
    /// It is another one.
    Mismatch,
    /// What was typed is no SHA-256 fingerprint.
    NotAFingerprint,
}

impl TrustDialog {
    /// How many characters of the fingerprint are typed to accept a dangerous identity.
    pub const LAST: usize = 4;

    /// However long somebody goes on typing what was meant for something else, after this the dialog listens.
    const LONGEST_GUARD: Duration = Duration::from_secs(3);

    pub(super) fn new(ask: Ask<TrustQuestion, TrustReply>, now: Duration) -> Self {
        Self {
            ask,
            focus: TrustAnswer::Reject,
            mode: TrustMode::Choose,
            compared: None,
            mistyped: false,
            details: false,
            scroll: 0,
            deaf_until: now + GUARD,
            opened: now,
        }
    }

    /// The buttons there are, in their order. What nobody can trust can only be rejected.
    pub fn buttons(&self) -> &'static [TrustAnswer] {
        let question = &self.ask.about;
        match (question.evidence.unusable, question.can_remember) {
            (true, _) => &[TrustAnswer::Reject],
            (false, false) => &[TrustAnswer::Reject, TrustAnswer::Once],
            (false, true) => &[TrustAnswer::Reject, TrustAnswer::Once, TrustAnswer::Always],
        }
    }

    /// The fingerprint in the notation people compare: OpenSSH's for host keys, colons for certificates.
    pub fn fingerprint(&self) -> String {
        let identity = &self.ask.about.evidence.identity;
        match identity {
            PeerIdentity::Certificates(_) => identity.fingerprint().colons(),
            PeerIdentity::HostKey(_) => identity.fingerprint().openssh(),
        }
    }

    /// Ends the dialog with this answer.
    pub(super) fn answer(self, answer: TrustAnswer) {
        let verified = if self.compared == Some(Comparison::Match) { Verified::Fingerprint } else { Verified::Blind };
        self.ask.reply.send(TrustReply { answer, verified });
    }

    fn is_last(&self, typed: &str) -> bool {
        let shown = self.fingerprint();
        let plain = |text: &str| -> String { text.chars().filter(|c| !matches!(c, ':' | ' ')).collect() };
        let (shown, typed) = (plain(&shown), plain(typed));
        let last = &shown[shown.len().saturating_sub(Self::LAST)..];
        match self.ask.about.evidence.identity {
            // Case is free in hex and counts in base64.
            PeerIdentity::Certificates(_) => last.eq_ignore_ascii_case(&typed),
            PeerIdentity::HostKey(_) => last == typed,
        }
    }

    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            self.deaf_until = (now + GUARD).min(self.opened + Self::LONGEST_GUARD).max(self.deaf_until);
            return Next::Stay;
        }
        match &mut self.mode {
            TrustMode::Choose => self.choose(key),
            TrustMode::TypeLast { input, answer } => {
                let answer = *answer;
                match key.code {
                    KeyCode::Esc => self.mode = TrustMode::Choose,
                    KeyCode::Enter => {
                        let typed = input.text().to_owned();
                        if self.is_last(&typed) {
                            return Next::Answer(Answer::Trust(answer));
                        }
                        self.mistyped = true;
                        self.mode = TrustMode::TypeLast { input: Input::new(""), answer };
                    }
                    _ => {
                        input.key(key);
                    }
                }
                Next::Stay
            }
            TrustMode::Compare(input) => {
                match key.code {
                    KeyCode::Esc => self.mode = TrustMode::Choose,
                    KeyCode::Enter => {
                        self.compared = Some(match Fingerprint::parse(input.text()) {
                            Ok(given) if given == self.ask.about.evidence.identity.fingerprint() => Comparison::Match,
                            Ok(_) => Comparison::Mismatch,
                            Err(_) => Comparison::NotAFingerprint,
                        });
                        self.mode = TrustMode::Choose;
                    }
                    _ => {
                        input.key(key);
                    }
                }
                Next::Stay
            }
        }
    }

    fn choose(&mut self, key: Key) -> Next {
        match (letter(key), key.code) {
            (_, KeyCode::Esc) | (Some('r' | 'R'), _) => return Next::Answer(Answer::Trust(TrustAnswer::Reject)),
            (Some('o'), _) => return self.accept(TrustAnswer::Once),
            (Some('a'), _) => return self.accept(TrustAnswer::Always),
            (_, KeyCode::Enter) => {
                return match self.focus {
                    TrustAnswer::Reject => Next::Answer(Answer::Trust(TrustAnswer::Reject)),
                    answer => self.accept(answer),
                };
            }
            (Some('f'), _) => {
                self.compared = None;
                self.mode = TrustMode::Compare(Input::new(""));
            }
            (Some('i'), _) => {
                self.details = !self.details;
                self.scroll = 0;
            }
            (None, KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right) => {
                if let Some(forward) = focus_step(key) {
                    self.focus = neighbour(self.buttons(), self.focus, forward);
                }
            }
            _ => {
                if let Some(scroll) = moved(key, self.scroll, MOST_LINES, true) {
                    self.scroll = scroll;
                }
            }
        }
        Next::Stay
    }

    fn accept(&mut self, answer: TrustAnswer) -> Next {
        if !self.buttons().contains(&answer) {
            return Next::Stay;
        }
        if self.ask.about.dangerous && answer != TrustAnswer::Reject {
            self.mistyped = false;
            self.mode = TrustMode::TypeLast { input: Input::new(""), answer };
            return Next::Stay;
        }
        Next::Answer(Answer::Trust(answer))
    }
}
