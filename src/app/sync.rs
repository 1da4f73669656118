//! Comparing the two panes, and carrying out what comes of it.

use std::sync::Arc;

use super::dialog::{Dialog, SyncFormDialog, SyncPlanDialog, SynchroniseDialog};
use super::effect::Effect;
use super::message::{Generation, Side};
use super::notice::{Level, Notice};
use super::state::App;
use super::transfers::count;
use crate::engine::sync::{CompareEnd, CompareOrder, Direction, Plan, Staged, SyncOptions};
use crate::engine::{Advice, Place};
use crate::model::FilePath;
use crate::model::bytes;
use crate::model::text::display_safe;

impl App {
    /// Asks how the two folders are to be compared; towards the other pane is proposed.
    pub(super) fn open_compare(&mut self) {
        let end = |side: Side| {
            let folder = self.pane(side).shown_folder()?;
            Some(CompareEnd { place: folder.place, dir: folder.dir.clone(), name: self.written(folder.place, &folder.dir) })
        };
        let (Some(left), Some(right)) = (end(Side::Left), end(Side::Right)) else {
            self.refuse("both panes have to show a folder to be compared".to_owned());
            return;
        };
        if left.place == right.place && (left.dir.is_within(&right.dir) || right.dir.is_within(&left.dir)) {
            self.refuse("the two panes show one folder, or one inside the other; go to two that lie beside each other".to_owned());
            return;
        }
        let direction = if self.focus == Side::Left { Direction::Right } else { Direction::Left };
        let names = [display_safe(left.name.as_bytes()), display_safe(right.name.as_bytes())];
        let order =
            CompareOrder { left, right, options: SyncOptions { direction, ..SyncOptions::default() }, newer_than: None, older_than: None };
        self.dialogs.push(Dialog::SyncForm(Box::new(SyncFormDialog::new(order, &names))));
    }

    /// A folder as a person would write it.
    fn written(&self, place: Place, dir: &FilePath) -> String {
        self.session(place).map_or_else(|| dir.display(), |session| session.facts.site.url_of(dir))
    }

    pub(super) fn compare(&mut self, order: Box<CompareOrder>, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        let names = [display_safe(order.left.name.as_bytes()), display_safe(order.right.name.as_bytes())];
        let mut dialog = SyncPlanDialog::new([order.left.place, order.right.place], names, self.now.since_start, generation);
        dialog.rows = SyncPlanDialog::list_rows(self.size.1);
        effects.push(Effect::Compare { generation, order, progress: Arc::clone(&dialog.progress) });
        self.dialogs.push(Dialog::SyncPlan(Box::new(dialog)));
    }

    pub(super) fn compared(&mut self, generation: Generation, result: Result<Box<Plan>, Advice>) -> bool {
        let waiting = self.sync_dialogs().find(|dialog| dialog.waiting == Some(generation));
        let Some(dialog) = waiting else { return false };
        dialog.take(result);
        true
    }

    fn sync_dialogs(&mut self) -> impl Iterator<Item = &mut Box<SyncPlanDialog>> {
        self.dialogs.iter_mut().filter_map(|dialog| if let Dialog::SyncPlan(dialog) = dialog { Some(dialog) } else { None })
    }

    /// The list of differences has as many rows as the screen gives it.
    pub(super) fn fit_sync_dialogs(&mut self) {
        let rows = SyncPlanDialog::list_rows(self.size.1);
        self.sync_dialogs().for_each(|dialog| dialog.rows = rows);
    }

    /// Whether two folders are being compared, so that something moves by itself.
    pub(super) fn is_comparing(&self) -> bool {
        self.dialogs.iter().any(|dialog| matches!(dialog, Dialog::SyncPlan(dialog) if dialog.is_comparing()))
    }

    pub(super) fn ask_to_synchronise(&mut self) {
        let Some(Dialog::SyncPlan(dialog)) = self.dialogs.last() else { return };
        let Some(plan) = dialog.plan.clone() else { return };
        let question = SynchroniseDialog { plan, places: dialog.places, names: dialog.names.clone(), yes_focused: false };
        self.dialogs.push(Dialog::Synchronise(Box::new(question)));
    }

    pub(super) fn synchronise(&mut self, plan: Arc<Plan>, places: [Place; 2], effects: &mut Vec<Effect>) {
        self.dialogs.retain(|dialog| !matches!(dialog, Dialog::SyncPlan(_)));
        self.notice = None;
        self.synchronising += 1;
        self.say("synchronising; w shows how far it is");
        effects.push(Effect::Synchronise { plan, places });
    }

    pub(super) fn synchronised(&mut self, staged: &Staged, effects: &mut Vec<Effect>) {
        self.synchronising = self.synchronising.saturating_sub(1);
        let report = &staged.report;
        let sum = if report.bytes > 0 { format!(", {}", bytes::size_in_words(report.bytes)) } else { String::new() };
        let skipped = if report.skipped > 0 { format!(", {} left as they were", report.skipped) } else { String::new() };
        let mut what = format!("synchronised {}{sum}{skipped}", count(report.done, "item"));
        if report.failed > 0 {
            what = format!("{} failed; {what}", count(report.failed, "item"));
        }
        if report.cancelled {
            what = format!("stopped; {what}");
        }
        let why = if staged.not_begun { "Nothing was deleted, because not everything was copied." } else { "" };
        let next = if report.failed > 0 || staged.not_begun { "Compare again: what is left is shown then." } else { "" };
        let level = if report.failed > 0 || staged.not_begun { Level::Problem } else { Level::Info };
        let advice = Advice { what, why: why.to_owned(), next: next.to_owned(), intended: report.cancelled && report.failed == 0 };
        self.put(Notice { level, advice, failures: report.failures.clone(), since: self.now.since_start });
        for side in [Side::Left, Side::Right] {
            if self.pane(side).folder.is_some() {
                self.refresh(side, None, effects);
            }
        }
    }
}
