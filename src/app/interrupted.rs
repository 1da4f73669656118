//! What earlier runs left unfinished, offered at the start.

use super::dialog::{Dialog, GUARD, InterruptedChoice, InterruptedDialog};
use super::state::{App, Session};
use crate::engine::{GoneOn, Interrupted};

impl App {
    /// Offers to go on. What is asked already is answered first.
    pub(super) fn offer(&mut self, jobs: Vec<Interrupted>) -> bool {
        if jobs.is_empty() {
            return false;
        }
        let deaf_until = self.now.since_start + GUARD;
        let dialog = InterruptedDialog { jobs, focus: InterruptedChoice::GoOn, forgetting: false, deaf_until };
        self.dialogs.insert(0, Dialog::Interrupted(dialog));
        true
    }

    /// What was interrupted is in the queue again, or not.
    pub(super) fn gone_on(&mut self, GoneOn { jobs, sessions, not }: GoneOn) -> bool {
        for facts in sessions {
            self.sessions.insert(facts.id, Session { facts, lost: None });
        }
        self.transfers.submitted(&jobs);
        match not.into_iter().next() {
            Some(advice) => self.advise(advice),
            None => {
                let what = if jobs.len() == 1 { "1 transfer goes on".to_owned() } else { format!("{} transfers go on", jobs.len()) };
                self.say(format!("{what}; w shows how far it is"));
            }
        }
        true
    }
}
