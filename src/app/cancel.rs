//! Taking things back: stop, clear, disconnect.

use super::dialog::{Dialog, StopDialog};
use super::effect::Effect;
use super::message::{Generation, Side};
use super::pane::Face;
use super::state::{App, Undo};
use crate::engine::{JobProgress, Place};

impl App {
    /// One step a press: the box of keys, what the pane waits for, a range, the filter, the marks, a job (asked first).
    pub(super) fn cancel(&mut self, effects: &mut Vec<Effect>) -> Undo {
        let side = self.focus;
        if std::mem::take(&mut self.hint) {
            return Undo::Nothing;
        }
        if self.stop_connecting(side, effects) {
            self.say("connecting was stopped");
            return Undo::Nothing;
        }
        if self.pane(side).is_waiting() {
            effects.push(Effect::CancelPane(side));
            self.pane_mut(side).stop_listing();
            self.say("reading the folder was stopped");
            return Undo::Nothing;
        }
        if !matches!(self.pane(side).face, Face::Folder) {
            self.uncover(side);
            return Undo::Nothing;
        }
        let Some(folder) = self.pane_mut(side).shown_folder_mut() else { return Undo::Nothing };
        if folder.range.take().is_some() {
            return Undo::Nothing;
        }
        if !folder.filter.is_empty() {
            let before = folder.filter.clone();
            self.filter(side, String::new(), effects);
            return Undo::Filter(side, before);
        }
        if folder.marks().count() > 0 {
            return Undo::Marks(side, folder.entries_generation(), folder.take_marks());
        }
        // Last, because it takes most back: the job that was ordered last, and only after a question.
        let running = |job: &&JobProgress| job.state.is_active();
        if let Some(job) = self.transfers.jobs().iter().rev().find(running) {
            let dialog = StopDialog { job: job.id, title: job.title.clone(), stop_focused: false };
            self.dialogs.push(Dialog::Stop(dialog));
            return Undo::Question;
        }
        if self.notice.take().is_none() {
            self.say("nothing to stop; q quits");
        }
        Undo::Nothing
    }

    /// Gives a connection in the making up. Says whether there was one.
    pub(super) fn stop_connecting(&mut self, side: Side, effects: &mut Vec<Effect>) -> bool {
        let connecting = matches!(self.pane(side).face, Face::Connecting { .. });
        if connecting {
            effects.push(Effect::CancelPane(side));
            self.pane_mut(side).connecting = Generation::default();
            self.uncover(side);
        }
        connecting
    }

    pub(super) fn disconnect(&mut self, effects: &mut Vec<Effect>) {
        let side = self.focus;
        self.stop_connecting(side, effects);
        let Some(place) = self.pane(side).folder.as_ref().map(|folder| folder.place).filter(|place| *place != Place::Local) else {
            self.say("this pane is not connected to a server");
            return;
        };
        let name = self.place_name(place);
        if self.pane(side).is_waiting() {
            effects.push(Effect::CancelPane(side));
        }
        let pane = self.pane_mut(side);
        pane.folder = None;
        pane.previous = None;
        pane.face = Face::Sites { cursor: pane.site_cursor };
        if self.pane(side.other()).uses(place) {
            self.say(format!("{name} stays connected: the other pane shows it"));
        } else if self.transfers.uses(place) {
            self.say(format!("{name} is disconnected once the transfers are through"));
        } else {
            self.say(format!("disconnected from {name}"));
        }
    }
}
