//! When the screen has to look at the clock: while something runs, and once for hints that come late. Else never.

use std::time::Duration;

use super::pace::Pace;
use crate::app::App;
use crate::app::dialog::Dialog;

/// Remembers when it last rang.
#[derive(Debug, Default)]
pub struct Timer {
    ticked: Option<Duration>,
    words: Option<Duration>,
    pending_since: Option<Duration>,
}

/// How long a key that begins a sequence waits before its hint comes.
const WHICH_KEY: Duration = Duration::from_millis(400);

impl Timer {
    /// When to ring next, since the program started; `None` while nothing runs.
    pub fn next(&mut self, app: &App, now: Duration) -> Option<Duration> {
        let every = if app.transfers.is_active() { Some(Pace::BACKGROUND) } else { app.is_animating().then_some(Pace::WORDS) };
        let regular = every.map(|every| self.ticked.map_or(now, |ticked| ticked + every));
        let hint = if app.pending.is_empty() {
            self.pending_since = None;
            None
        } else {
            Some(*self.pending_since.get_or_insert(now) + WHICH_KEY)
        };
        let awake = match app.dialog() {
            Some(Dialog::Trust(dialog)) => Some(dialog.wakes_at()),
            _ => None,
        };
        // One that is overdue is due now.
        let retry = app.retries_at().map(|at| at.max(now));
        [regular, hint.filter(|&at| at > now), awake.filter(|&at| at > now), retry].into_iter().flatten().min()
    }

    /// It rang. Answers whether words may change too, not only bars.
    pub fn rang(&mut self, now: Duration) -> bool {
        self.ticked = Some(now);
        let words = self.words.is_none_or(|words| now.saturating_sub(words) >= Pace::WORDS);
        if words {
            self.words = Some(now);
        }
        words
    }

    /// Whether a sequence waits long enough for its hint.
    pub fn wants_hint(&self, app: &App, now: Duration) -> bool {
        !app.pending.is_empty() && self.pending_since.is_some_and(|since| now >= since + WHICH_KEY)
    }
}
