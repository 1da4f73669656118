//! Is this certificate or host key the right one? Rejects unless a person, awake, says otherwise.

use std::time::Duration;

use super::{Answer, GUARD, MOST_LINES, Next, focus_step, letter, moved, neighbour};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::ask::{Ask, TrustAnswer, TrustQuestion, TrustReply};
use crate::trust::{Compared, PastedFingerprint, Verified};

/// The question and what the person did about it so far.
pub struct TrustDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<TrustQuestion, TrustReply>,
    /// The button Enter presses. Begins with Reject.
    pub focus: TrustAnswer,
    /// What keys do.
    pub mode: TrustMode,
    /// What came of comparing with a fingerprint the person has from elsewhere.
    pub compared: Option<Compared>,
    /// The last characters were typed wrongly.
    pub mistyped: bool,
    /// All facts are shown, not the summary.
    pub details: bool,
    /// The first line shown of what does not fit. May be beyond the last.
    pub scroll: usize,
    /// No key counts before this, since the program started: what was typed ahead was not meant for this dialog.
    pub deaf_until: Duration,
    opened: Duration,
    /// A letter that accepts was pressed, and counts from then on unless another key comes before.
    settling: Option<(TrustAnswer, Duration)>,
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
    /// Type or paste the fingerprint the server's administrator gave.
    Compare(Input),
}

impl TrustDialog {
    /// How many characters of the fingerprint are typed to accept a dangerous identity.
    pub const LAST: usize = 4;

    /// Keys that come so close after each other were not pressed by hand: a terminal without bracketed paste.
    const SETTLE: Duration = Duration::from_millis(100);

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
            settling: None,
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

    /// Whether accepting takes the last characters of the fingerprint: the question says so, or it is not the fingerprint
    /// the person was told.
    pub fn is_dangerous(&self) -> bool {
        self.ask.about.dangerous || matches!(self.compared, Some(Compared::Mismatch { .. }))
    }

    /// Where pasted text goes: pasting begins a comparison.
    pub(super) fn paste(&mut self, text: &str) {
        if self.mode == TrustMode::Choose {
            self.compare();
        }
        if let TrustMode::TypeLast { input, .. } | TrustMode::Compare(input) = &mut self.mode {
            // Lines of a message stay apart.
            input.insert(&text.replace(char::is_whitespace, " "));
        }
    }

    fn compare(&mut self) {
        // That it was another one stays known until the right one was given.
        if !matches!(self.compared, Some(Compared::Mismatch { .. })) {
            self.compared = None;
        }
        self.mode = TrustMode::Compare(Input::new(""));
    }

    /// Ends the dialog with this answer.
    pub(super) fn answer(self, answer: TrustAnswer) {
        self.ask.reply.send(TrustReply { answer, verified: Verified::after(self.compared) });
    }

    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            self.deaf_until = (now + GUARD).min(self.opened + Self::LONGEST_GUARD).max(self.deaf_until);
            return Next::Stay;
        }
        if let Some((answer, settled)) = self.settling.take() {
            if settled <= now {
                return Next::Answer(Answer::Trust(answer));
            }
            (self.opened, self.deaf_until) = (now, now + GUARD);
            return Next::Stay;
        }
        match &mut self.mode {
            TrustMode::Choose => self.choose(key, now),
            TrustMode::TypeLast { input, answer } => {
                let answer = *answer;
                match key.code {
                    KeyCode::Esc => self.mode = TrustMode::Choose,
                    KeyCode::Enter => {
                        if self.ask.about.evidence.identity.is_end_of_fingerprint(input.text(), Self::LAST) {
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
                        let compared = PastedFingerprint::compare_text(input.text(), &self.ask.about.evidence);
                        // What nobody can read stays, to be mended.
                        if compared != Compared::NotAFingerprint {
                            self.mode = TrustMode::Choose;
                        }
                        if compared != Compared::NotAFingerprint || self.compared.is_none() {
                            self.compared = Some(compared);
                        }
                    }
                    _ => {
                        input.key(key);
                    }
                }
                Next::Stay
            }
        }
    }

    /// When the dialog changes by itself.
    pub fn wakes_at(&self) -> Duration {
        self.settling.map_or(self.deaf_until, |(_, settled)| settled)
    }

    /// What follows from the time alone.
    pub(super) fn settle(&mut self, now: Duration) -> Next {
        match self.settling {
            Some((answer, settled)) if settled <= now => Next::Answer(Answer::Trust(answer)),
            _ => Next::Stay,
        }
    }

    /// A letter that accepts: not at once, for it may be the first of a pasted fingerprint.
    fn letter(&mut self, answer: TrustAnswer, now: Duration) -> Next {
        if self.is_dangerous() || !self.buttons().contains(&answer) {
            return self.accept(answer);
        }
        self.focus = answer;
        self.settling = Some((answer, now + Self::SETTLE));
        Next::Stay
    }

    fn choose(&mut self, key: Key, now: Duration) -> Next {
        match (letter(key), key.code) {
            (_, KeyCode::Esc) | (Some('r' | 'R'), _) => return Next::Answer(Answer::Trust(TrustAnswer::Reject)),
            (Some('o' | 'O'), _) => return self.letter(TrustAnswer::Once, now),
            (Some('a' | 'A'), _) => return self.letter(TrustAnswer::Always, now),
            (_, KeyCode::Enter) => {
                return match self.focus {
                    TrustAnswer::Reject => Next::Answer(Answer::Trust(TrustAnswer::Reject)),
                    answer => self.accept(answer),
                };
            }
            (Some('f'), _) => self.compare(),
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
        if self.is_dangerous() && answer != TrustAnswer::Reject {
            self.mistyped = false;
            self.mode = TrustMode::TypeLast { input: Input::new(""), answer };
            return Next::Stay;
        }
        Next::Answer(Answer::Trust(answer))
    }
}
