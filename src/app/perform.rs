//! What each action does while the panes have the keys.

use super::action::Action;
use super::dialog::{
    ConnectDialog, Dialog, FilterDialog, HelpDialog, MakeDirDialog, PaletteDialog, PatternDialog, QuitDialog, SortDialog, TransfersDialog,
};
use super::effect::Effect;
use super::input::Input;
use super::message::Side;
use super::pane::{Face, Folder, Pane, SiteRow};
use super::state::App;
use crate::engine::{JobKind, Place};

impl App {
    pub(super) fn perform(&mut self, action: Action, effects: &mut Vec<Effect>) {
        if !matches!(action, Action::Down | Action::Up) {
            self.hint = false;
        }
        let side = self.focus;
        match action {
            Action::Down => self.move_cursor(|at, _, last| (at + 1).min(last)),
            Action::Up => self.move_cursor(|at, _, _| at.saturating_sub(1)),
            Action::HalfPageDown => self.move_cursor(|at, rows, last| (at + (rows / 2).max(1)).min(last)),
            Action::HalfPageUp => self.move_cursor(|at, rows, _| at.saturating_sub((rows / 2).max(1))),
            Action::PageDown => self.move_cursor(|at, rows, last| (at + rows.max(1)).min(last)),
            Action::PageUp => self.move_cursor(|at, rows, _| at.saturating_sub(rows.max(1))),
            Action::First => self.move_cursor(|_, _, _| 0),
            Action::Last => self.move_cursor(|_, _, last| last),
            Action::Enter => self.enter(effects),
            Action::Parent => self.parent(effects),
            Action::Back | Action::Forward => self.travel(action == Action::Back, effects),
            Action::OtherPane => self.focus = side.other(),
            Action::SwapPanes => self.swap(),
            Action::SameFolder => match self.pane(side).shown_folder().map(|folder| (folder.place, folder.dir.clone())) {
                Some((place, dir)) => {
                    self.stop_connecting(side.other(), effects);
                    self.go(side.other(), place, dir, None, effects);
                }
                None => self.say("this pane shows no folder"),
            },
            Action::Mark => self.mark(),
            Action::Range => self.range(),
            Action::MarkPattern | Action::UnmarkPattern => {
                if self.folder().is_some() {
                    let dialog = PatternDialog { side, mark: action == Action::MarkPattern, input: Input::new("") };
                    self.dialogs.push(Dialog::Pattern(dialog));
                }
            }
            Action::InvertMarks => self.mark_where(|marked| !marked),
            Action::MarkAll => self.mark_where(|_| true),
            Action::UnmarkAll => {
                if let Some(folder) = self.folder() {
                    folder.take_marks();
                }
            }
            Action::Copy => self.open_transfer(JobKind::Copy),
            Action::Move => self.open_transfer(JobKind::Move),
            Action::Delete => self.open_delete(),
            Action::Rename => self.open_rename(),
            Action::MakeDir => {
                if let Some((place, dir)) = self.folder().map(|folder| (folder.place, folder.dir.clone())) {
                    self.dialogs.push(Dialog::MakeDir(MakeDirDialog { place, dir, input: Input::new(""), error: None }));
                }
            }
            Action::Info => self.open_info(effects),
            Action::Filter => {
                if let Some(before) = self.folder().map(|folder| folder.filter.clone()) {
                    self.dialogs.push(Dialog::Filter(FilterDialog::new(side, &before)));
                }
            }
            Action::FindNext | Action::FindPrevious => self.find(action == Action::FindNext),
            Action::Sort => {
                let key = self.pane(side).sort.key;
                let cursor = SortDialog::ROWS.iter().position(|(_, row, _)| *row == key).unwrap_or(0);
                self.dialogs.push(Dialog::Sort(SortDialog { side, cursor }));
            }
            Action::Hidden => self.toggle_hidden(effects),
            Action::Refresh => {
                if self.folder().is_some() {
                    self.refresh(side, None, effects);
                }
            }
            Action::Sites => self.open_sites(effects),
            Action::Connect => self.dialogs.push(Dialog::Connect(ConnectDialog::new(side, self.urls.clone(), &self.sites))),
            Action::Disconnect => self.disconnect(effects),
            Action::Inspect => self.open_inspector(effects),
            Action::CopyFingerprint => self.copy_fingerprint(effects),
            Action::Ledger => self.open_ledger(effects),
            Action::Identities => self.open_identities(effects),
            Action::Secrets => self.open_secrets(effects),
            Action::Clients => self.open_clients(effects),
            Action::Transfers => self.dialogs.push(Dialog::Transfers(TransfersDialog::new(&self.transfers))),
            Action::Compare => self.open_compare(),
            Action::Together => self.toggle_together(),
            Action::MakeLacking => self.make_lacking(effects),
            Action::CopyPath | Action::CopyUrl | Action::CopyName => self.copy_text(action, effects),
            Action::LastMessage => match &self.last_notice {
                Some(notice) => self.dialogs.push(Dialog::Message(notice.message())),
                None => self.say("there was no message yet"),
            },
            Action::Palette => self.dialogs.push(Dialog::Palette(PaletteDialog { input: Input::new(""), cursor: 0 })),
            Action::Help => self.dialogs.push(Dialog::Help(HelpDialog { input: Input::new(""), scroll: 0 })),
            Action::Redraw => effects.push(Effect::Redraw),
            Action::Suspend => effects.push(Effect::Suspend),
            Action::Cancel => drop(self.cancel(effects)),
            Action::Quit => match self.transfers.open().max(self.synchronising) {
                0 => effects.push(Effect::Quit),
                jobs => self.dialogs.push(Dialog::Quit(QuitDialog::new(jobs, self.options.keeps_jobs))),
            },
        }
    }

    /// The folder in the pane with the focus; says so where there is none.
    pub(super) fn folder(&mut self) -> Option<&mut Folder> {
        if self.pane(self.focus).shown_folder().is_none() {
            self.say("this pane shows no folder");
        }
        self.pane_mut(self.focus).shown_folder_mut()
    }

    /// Moves the cursor: `to` gets its row, the rows on the screen and the last row.
    fn move_cursor(&mut self, to: impl Fn(usize, usize, usize) -> usize) {
        let sites = self.site_rows().len();
        let pane = self.pane_mut(self.focus);
        let rows = pane.rows;
        match &mut pane.face {
            Face::Sites { cursor } => {
                *cursor = to(*cursor, rows, sites.saturating_sub(1));
                pane.site_cursor = *cursor;
            }
            Face::Folder => {
                if let Some(folder) = &mut pane.folder {
                    folder.move_to(to(folder.cursor(), rows, folder.len().saturating_sub(1)));
                }
            }
            Face::Connecting { .. } | Face::Failed { .. } => {}
        }
    }

    fn enter(&mut self, effects: &mut Vec<Effect>) {
        let side = self.focus;
        match self.pane(side).face.clone() {
            Face::Sites { cursor } => match self.site_rows().get(cursor) {
                Some(SiteRow::Site(at)) => {
                    let (url, password) = (self.sites[*at].url.clone(), self.sites[*at].password.clone());
                    self.connect(side, url, password, effects);
                }
                Some(SiteRow::Url) => self.perform(Action::Connect, effects),
                Some(SiteRow::ThisMachine) => self.show_this_machine(side, effects),
                None => {}
            },
            Face::Failed { url, password, .. } => self.connect(side, url, password, effects),
            Face::Connecting { .. } => {}
            Face::Folder => {
                let Some(folder) = self.pane(side).shown_folder() else { return };
                let Some(entry) = folder.current() else { return };
                if !entry.is_enterable() {
                    self.open_info(effects);
                    return;
                }
                match entry.name() {
                    Ok(name) => {
                        let (place, dir) = (folder.place, folder.dir.join(&name));
                        self.go(side, place, dir, None, effects);
                    }
                    Err(why) => {
                        let shown = entry.display_name();
                        self.refuse(format!("{shown} cannot be entered: {why}"));
                    }
                }
            }
        }
    }

    /// Back to the folder of this machine that was shown last.
    pub(super) fn show_this_machine(&mut self, side: Side, effects: &mut Vec<Effect>) {
        let dir = self.pane(side).last_local().unwrap_or_else(|| self.options.home.clone());
        self.go(side, Place::Local, dir, None, effects);
    }

    fn parent(&mut self, effects: &mut Vec<Effect>) {
        let side = self.focus;
        let pane = self.pane(side);
        match (&pane.face, &pane.folder) {
            (Face::Folder, Some(folder)) => {
                let place = folder.place;
                if let Some((dir, name)) = folder.dir.parent().zip(folder.dir.name()) {
                    self.go(side, place, dir, Some(name.as_bytes().into()), effects);
                }
            }
            (Face::Failed { .. } | Face::Sites { .. }, _) => self.uncover(side),
            _ => {}
        }
    }

    fn travel(&mut self, back: bool, effects: &mut Vec<Effect>) {
        let side = self.focus;
        self.stop_connecting(side, effects);
        if back && self.pane(side).folder.is_some() && self.pane(side).shown_folder().is_none() {
            self.uncover(side);
            return;
        }
        let now = self.now.since_start;
        let sessions: Vec<Place> = self.sessions.keys().map(|&id| Place::Remote(id)).collect();
        let exists = |place: Place| place == Place::Local || sessions.contains(&place);
        if !self.with_orders(side, effects, |pane, orders| pane.travel(back, exists, now, orders)) {
            self.say(if back { "there is no folder before this one" } else { "there is no folder to go forward to" });
        }
    }

    /// Answers to requests under way carry the side they were made for, so panes that wait stay where they are.
    fn swap(&mut self) {
        if self.panes.iter().any(Pane::is_waiting) {
            self.say("a pane still connects or reads its folder; Esc stops it");
            return;
        }
        self.panes.swap(0, 1);
        self.focus = self.focus.other();
    }

    fn mark(&mut self) {
        if let Some(folder) = self.folder() {
            let result = folder.toggle(folder.cursor());
            folder.move_by(1);
            if let Err(why) = result {
                self.refuse(why);
            }
        }
    }

    fn range(&mut self) {
        let Some(folder) = self.folder() else { return };
        let here = folder.cursor();
        match folder.range.take() {
            None => {
                folder.range = Some(here);
                self.say("range: move, then v again marks it; Esc drops it");
            }
            Some(start) => {
                folder.mark_where(start.min(here)..start.max(here) + 1, |_, _| true);
                let marked = folder.marks().count();
                self.say(format!("{marked} marked"));
            }
        }
    }

    fn mark_where(&mut self, wanted: impl Fn(bool) -> bool) {
        if let Some(folder) = self.folder() {
            let rows = 0..folder.len();
            folder.mark_where(rows, |_, marked| wanted(marked));
        }
    }

    fn find(&mut self, forward: bool) {
        let text = self.pane(self.focus).searched.clone();
        if text.is_empty() {
            self.say("press / first and type what to look for");
            return;
        }
        let found = self.folder().map(|folder| folder.find(&text, forward));
        if found == Some(false) {
            self.say(format!("no name contains {}", crate::model::text::display_safe(text.as_bytes())));
        }
    }

    fn toggle_hidden(&mut self, effects: &mut Vec<Effect>) {
        let side = self.focus;
        let shown = self.with_orders(side, effects, |pane, orders| {
            pane.show_hidden = !pane.show_hidden;
            if let Some(folder) = &mut pane.folder {
                folder.show_hidden = pane.show_hidden;
                folder.reorder(orders);
            }
            pane.show_hidden
        });
        self.say(if shown { "hidden names are shown" } else { "names that begin with a dot are hidden" });
    }
}
