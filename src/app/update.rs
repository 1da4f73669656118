//! The one function that changes the state: a message in, orders out.

use std::time::Duration;

use super::action::Action;
use super::dialog::{Dialog, GUARD, Next, RefusalDialog};
use super::effect::{Effect, Reaction};
use super::key::{Key, KeyCode};
use super::keymap::{Found, function_key};
use super::message::{Generation, Moment, Msg, Side};
use super::notice::{Level, Notice};
use super::pane::{Face, Pane, Retry};
use super::state::{App, Session, Undo};
use crate::ask::{Question, SecretPurpose};
use crate::engine::{Advice, Place, Refusal, SessionFacts};
use crate::model::FilePath;

/// A notice stays at least this long, so that a key typed ahead does not wipe it unread.
const NOTICE: Duration = Duration::from_secs(1);

impl App {
    /// Takes a message; answers what is to be done and whether to draw.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Reaction {
        let before = std::mem::replace(&mut self.now, now);
        let mut effects = Vec::new();
        let (went, ended) = (matches!(msg, Msg::Key(_) | Msg::Connected { .. }), matches!(msg, Msg::ListingEnded { .. }));
        let spots = self.is_together().then(|| self.spots());
        let mut redraw = self.drop_withdrawn();
        redraw |= match msg {
            Msg::Key(key) => self.key(key, &mut effects),
            Msg::Paste(text) => self.paste(&text, &mut effects),
            Msg::Resized { columns, rows } => {
                self.size = (columns, rows);
                self.fit_sync_dialogs();
                true
            }
            Msg::Asked(question) => {
                self.waiting.push_back(question);
                true
            }
            Msg::Connected { generation, session, start, .. } => self.connected(generation, session, start, &mut effects),
            Msg::ConnectFailed { generation, advice, refusal, .. } => self.connect_failed(generation, advice, refusal),
            Msg::Listed { generation, batch, .. } => {
                self.expecting(generation).is_some_and(|side| self.pane_mut(side).listed(generation, batch))
            }
            Msg::ListingEnded { generation, result, .. } => self.expecting(generation).is_some_and(|side| {
                let (changed, failed) = self.with_orders(side, &mut effects, |pane, orders| pane.listing_ended(generation, result, orders));
                if let Some(advice) = failed {
                    self.advise(advice);
                }
                changed
            }),
            Msg::Sorted { generation, order, .. } => self
                .expecting(generation)
                .is_some_and(|side| self.with_orders(side, &mut effects, |pane, orders| pane.sorted(generation, order, orders))),
            Msg::Statted { generation, entries, .. } => self
                .expecting(generation)
                .is_some_and(|side| self.with_orders(side, &mut effects, |pane, orders| pane.statted(generation, entries, orders))),
            Msg::OperationEnded { what, result, changed } => {
                let worked = result.is_ok();
                match result {
                    Ok(()) => self.say(what),
                    Err(advice) => {
                        self.landing = None;
                        self.advise(advice);
                    }
                }
                self.refresh_changed(&changed, &mut effects);
                self.enter_made(worked, &mut effects);
                true
            }
            Msg::Compared { generation, result } => self.compared(generation, result),
            Msg::Synchronised(staged) => {
                self.synchronised(&staged, &mut effects);
                true
            }
            Msg::JobEnded { id, report, changed } => {
                let message = self.transfers.ended(id, &report);
                let level = if report.failed > 0 { Level::Problem } else { Level::Info };
                self.put(Notice { level, advice: message.advice, failures: message.failures, since: now.since_start });
                self.refresh_changed(&changed, &mut effects);
                true
            }
            Msg::Interrupted(jobs) => self.offer(jobs),
            Msg::GoneOn(gone_on) => self.gone_on(gone_on),
            Msg::SessionLine { id, lost } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    let restored = session.lost.is_some() && lost.is_none();
                    session.lost.clone_from(&lost);
                    match lost {
                        Some(advice) => self.advise(advice),
                        None if restored => self.say(format!("{} is connected again", self.place_name(Place::Remote(id)))),
                        None => {}
                    }
                }
                true
            }
            Msg::Inspected { generation, result } => self.inspected(generation, result),
            Msg::RevocationChecked { generation, result } => self.revocation_checked(generation, result),
            Msg::FileWritten { generation, path, result } => self.file_written(generation, &path, result, &mut effects),
            Msg::LedgerRead { generation, done, rows } => self.ledger_read(generation, done, rows),
            Msg::IdentitiesRead { generation, done, rows } => self.identities_read(generation, done, rows, &mut effects),
            Msg::SecretsRead { generation, done, kept } => self.secrets_read(generation, done, kept),
            Msg::SitesRead { generation, result } => self.sites_read(generation, result),
            Msg::ClientsRead { generation, done, lists } => self.clients_read(generation, done, lists),
            Msg::Notice(advice) => {
                self.advise(advice);
                true
            }
            Msg::Tick(snapshot) => {
                // A waiting pane counts seconds; a deaf dialog shows when it listens.
                let second = before.since_start.as_secs() != now.since_start.as_secs();
                let woke = self.wakes_at().is_some_and(|until| before.since_start < until && until <= now.since_start);
                if let Some(dialog) = self.dialogs.last_mut() {
                    let next = dialog.settle(now.since_start);
                    self.follow(next, &mut effects);
                }
                let tried = self.retry(&mut effects);
                self.transfers.take(snapshot) || woke || tried || self.is_comparing() || (second && self.panes.iter().any(Pane::is_waiting))
            }
            Msg::Quit => {
                self.dialogs.clear();
                self.waiting.clear();
                effects.push(Effect::Quit);
                false
            }
        };
        match spots {
            Some(before) if went => self.go_together(&before, &mut effects),
            Some(before) if ended => self.stay_together(&before),
            _ => {}
        }
        redraw |= self.ask_next();
        self.release_sessions(&mut effects);
        for side in [Side::Left, Side::Right] {
            self.with_orders(side, &mut effects, Pane::settle);
        }
        Reaction { effects, redraw }
    }

    /// Which pane waits for an answer to this request. Panes may have been swapped since it was made.
    fn expecting(&self, generation: Generation) -> Option<Side> {
        [Side::Left, Side::Right].into_iter().find(|&side| self.pane(side).expects(generation))
    }

    fn key(&mut self, key: Key, effects: &mut Vec<Effect>) -> bool {
        if key == Key::ctrl('l') || key == Key::ctrl('z') {
            effects.push(if key == Key::ctrl('l') { Effect::Redraw } else { Effect::Suspend });
            return true;
        }
        // Esc and a digit are one function key, also where that Esc opened a question.
        if let (Some(Undo::Question), Some(function)) = (&self.escaped, function_key(key)) {
            self.escaped = None;
            self.dialogs.pop();
            self.last_key = Some(self.now.since_start);
            return self.panes_key(function, effects);
        }
        if !self.dialogs.is_empty() {
            self.pending.clear();
            self.escaped = None;
            self.dialog_key(key, effects);
            self.last_key = Some(self.now.since_start);
            return true;
        }
        self.last_key = Some(self.now.since_start);
        let escaped = self.escaped.take();
        if let Some(function) = function_key(key).filter(|_| key.alt || escaped.is_some()) {
            self.undo(escaped, effects);
            return self.panes_key(function, effects);
        }
        self.panes_key(key, effects)
    }

    fn panes_key(&mut self, key: Key, effects: &mut Vec<Effect>) -> bool {
        let is_escape = key == Key::plain(KeyCode::Esc);
        if !self.pending.is_empty() && (is_escape || key == Key::ctrl('c') || key == Key::ctrl('g')) {
            self.pending.clear();
            return true;
        }
        self.pending.push(key);
        match self.keymap.find(&self.pending) {
            Found::Partly => true,
            Found::Nothing => {
                let redraw = self.pending.len() > 1;
                self.pending.clear();
                redraw
            }
            Found::Action(action) => {
                self.pending.clear();
                if self.notice.as_ref().is_some_and(|notice| self.now.since_start >= notice.since + NOTICE) {
                    self.notice = None;
                }
                if action == Action::Cancel {
                    let undo = self.cancel(effects);
                    self.escaped = is_escape.then_some(undo);
                } else {
                    self.perform(action, effects);
                }
                true
            }
        }
    }

    fn undo(&mut self, undo: Option<Undo>, effects: &mut Vec<Effect>) {
        match undo {
            None | Some(Undo::Nothing | Undo::Question) => {}
            Some(Undo::Filter(side, text)) => self.filter(side, text, effects),
            Some(Undo::Marks(side, of, marks)) => {
                if let Some(folder) = &mut self.pane_mut(side).folder {
                    folder.restore_marks(marks, of);
                }
            }
        }
    }

    fn dialog_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let now = self.now.since_start;
        if let Some(dialog) = self.dialogs.last_mut() {
            let next = dialog.key(key, now, &self.transfers);
            self.follow(next, effects);
        }
    }

    fn paste(&mut self, text: &str, effects: &mut Vec<Effect>) -> bool {
        let Some(dialog) = self.dialogs.last_mut() else { return false };
        let next = dialog.paste(text);
        self.follow(next, effects);
        true
    }

    fn follow(&mut self, next: Next, effects: &mut Vec<Effect>) {
        match next {
            Next::Stay => {}
            Next::Close => drop(self.dialogs.pop()),
            Next::Answer(answer) => {
                if let Some(dialog) = self.dialogs.pop() {
                    dialog.answer(answer);
                }
            }
            Next::Finish(command) => {
                self.dialogs.pop();
                self.carry_out(command, effects);
            }
            Next::Do(command) => self.carry_out(command, effects),
        }
    }

    /// Closes dialogs nobody waits for any more. Says whether there were any.
    fn drop_withdrawn(&mut self) -> bool {
        let before = self.dialogs.len();
        self.dialogs.retain(|dialog| !dialog.is_withdrawn());
        self.waiting.retain(|question| !question.is_withdrawn());
        before != self.dialogs.len()
    }

    /// Puts the next question on the screen once none is there.
    fn ask_next(&mut self) -> bool {
        if self.is_asking() {
            return false;
        }
        let Some(question) = self.waiting.pop_front() else { return false };
        // Some passphrases are kept nowhere, whatever there is.
        if let Question::Secret(ask) = &question
            && (ask.about.keeper.is_some() || matches!(ask.about.purpose, SecretPurpose::Password { .. }))
        {
            self.keeper = Some(ask.about.keeper);
        }
        let now = self.now.since_start;
        let typing = self.last_key.is_some_and(|last| now < last + GUARD);
        self.pending.clear();
        self.dialogs.push(Dialog::of(question, now, typing));
        true
    }

    fn wakes_at(&self) -> Option<Duration> {
        match self.dialogs.last()? {
            Dialog::Trust(dialog) => Some(dialog.wakes_at()),
            Dialog::Conflict(dialog) => Some(dialog.deaf_until),
            Dialog::Forget(dialog) => Some(dialog.deaf_until),
            Dialog::Interrupted(dialog) => Some(dialog.deaf_until),
            _ => None,
        }
    }

    fn connected(&mut self, generation: Generation, facts: SessionFacts, start: FilePath, effects: &mut Vec<Effect>) -> bool {
        let place = Place::Remote(facts.id);
        self.sessions.insert(facts.id, Session { facts, lost: None });
        // Nobody waits for it any more: it is released as a session no pane shows.
        let Some(side) = self.expecting(generation) else { return false };
        self.pane_mut(side).connecting = Generation::default();
        if let Face::Connecting { retry: Some(_), .. } = self.pane(side).face {
            self.say(format!("{} takes your certificate now", self.place_name(place)));
        }
        self.go(side, place, start, None, effects);
        true
    }

    fn connect_failed(&mut self, generation: Generation, advice: Advice, refusal: Option<Box<Refusal>>) -> bool {
        let Some(side) = self.expecting(generation) else { return false };
        let now = self.now.since_start;
        if let Face::Connecting { url, password, retry, .. } = self.pane(side).face.clone() {
            if advice.intended {
                self.uncover(side);
            } else {
                // Anything else than a refusal is no reason to go on asking the server, and no login is tried again and again.
                let may_go_on = refusal.as_ref().is_some_and(|refusal| refusal.is_before_login());
                let retry = retry.filter(|_| may_go_on).map(|every| Retry { every, at: now + every });
                let pane = self.pane_mut(side);
                pane.connecting = Generation::default();
                pane.face = Face::Failed { url, advice: advice.clone(), password, refusal: refusal.clone(), retry };
                if let Some(refusal) = refusal.filter(|_| retry.is_none()) {
                    self.dialogs.push(Dialog::Refusal(Box::new(RefusalDialog::new(side, refusal, &advice))));
                    return true;
                }
                // The failure stands in the pane: it hides nothing that was told meanwhile.
                if self.notice.is_some() {
                    return true;
                }
            }
        }
        self.advise(advice);
        true
    }

    /// Tries again what is to be tried now.
    fn retry(&mut self, effects: &mut Vec<Effect>) -> bool {
        let now = self.now.since_start;
        let mut tried = false;
        for side in [Side::Left, Side::Right] {
            if let Face::Failed { url, password, retry: Some(Retry { every, at }), .. } = &self.pane(side).face
                && *at <= now
            {
                let (url, password, every) = (url.clone(), password.clone(), *every);
                self.connect_every(side, url, password, Some(every), effects);
                tried = true;
            }
        }
        tried
    }

    /// When a connection is tried again next, since the program started.
    pub fn retries_at(&self) -> Option<Duration> {
        let at = |pane: &Pane| if let Face::Failed { retry: Some(retry), .. } = &pane.face { Some(retry.at) } else { None };
        self.panes.iter().filter_map(at).min()
    }

    /// One refresh of each pane that shows a folder that changed.
    pub(super) fn refresh_changed(&mut self, changed: &[(Place, FilePath)], effects: &mut Vec<Effect>) {
        let landing = self.landing.take();
        for side in [Side::Left, Side::Right] {
            let Some(folder) = &self.pane(side).folder else { continue };
            if changed.iter().any(|(place, dir)| folder.place == *place && folder.dir == *dir) {
                let here = landing.as_ref().filter(|(place, dir, _)| folder.place == *place && folder.dir == *dir && side == self.focus);
                let cursor_on = here.map(|(.., name)| name.as_bytes().into());
                self.refresh(side, cursor_on, effects);
            }
        }
    }

    /// Lets go of sessions no pane shows and no job needs.
    fn release_sessions(&mut self, effects: &mut Vec<Effect>) {
        if self.is_synchronising() {
            return;
        }
        let (panes, transfers) = (&self.panes, &self.transfers);
        self.sessions.retain(|&id, _| {
            let used = transfers.uses(Place::Remote(id)) || panes.iter().any(|pane| pane.uses(Place::Remote(id)));
            if !used {
                effects.push(Effect::Disconnect(id));
            }
            used
        });
    }
}
