//! The list of differences: what is done about each is shown, changed, kept and carried out from here.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::inspector::Mood;
use super::{Command, ExportForm, Next, explained, letter, moved};
use crate::app::effect::{Effect as Order, FileContent};
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::engine::sync::{CompareProgress, Decision, Effect, Plan, Row, SyncSide, Totals};
use crate::engine::{Advice, FileFailure, Place};

/// The list of differences, or the comparison that makes it.
pub struct SyncPlanDialog {
    /// Where the two sides are.
    pub places: [Place; 2],
    /// The two sides in words, safe to draw.
    pub names: [String; 2],
    /// How far the comparison is.
    pub progress: Arc<CompareProgress>,
    /// When it began, since the program started.
    pub since: Duration,
    /// What came of it; `None` while it runs.
    pub plan: Option<Arc<Plan>>,
    /// Why nothing came of it.
    pub failed: Option<Advice>,
    /// The sums of the plan.
    pub totals: Totals,
    /// Only rows that come to this are shown.
    pub only: Option<Effect>,
    /// The line under the cursor.
    pub cursor: usize,
    /// The first line on the screen, where that still shows the cursor.
    pub top: usize,
    /// Lines on the screen.
    pub rows: usize,
    /// The keys are explained instead of the list.
    pub help: bool,
    /// The first line shown of that explanation.
    pub scroll: usize,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// The comparison, while it runs.
    pub waiting: Option<Generation>,
    lines: Vec<SyncLine>,
}

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncLine {
    /// The folder the rows below it lie in, by its number, and the first of them.
    Folder(u32, u32),
    /// A row of the plan.
    Row(u32),
}

/// The keys of the list and what they do.
pub const SYNC_KEYS: [(&str, &str); 9] = [
    ("Space", "take it out of the plan, or into it again; on a folder all below"),
    ("> or Right", "make the right side like the left one here: copy, or delete"),
    ("< or Left", "make the left side like the right one here"),
    ("f", "show only what is new, changed, deleted, in conflict, in doubt; then all"),
    ("a", "take everything out, or in again"),
    ("s", "keep the plan as a file; sealift sync --apply carries it out"),
    ("r", "what the comparison came across"),
    ("Enter", "carry it out, after a question"),
    ("Esc", "leave it; nothing is changed"),
];

impl SyncPlanDialog {
    pub(in crate::app) fn new(places: [Place; 2], names: [String; 2], since: Duration, waiting: Generation) -> Self {
        Self {
            places,
            names,
            progress: Arc::default(),
            since,
            plan: None,
            failed: None,
            totals: Totals::default(),
            only: None,
            cursor: 0,
            top: 0,
            rows: 10,
            help: false,
            scroll: 0,
            said: None,
            waiting: Some(waiting),
            lines: Vec::new(),
        }
    }

    /// Lines of the list on a screen of so many rows.
    pub fn list_rows(screen: u16) -> usize {
        usize::from(screen.saturating_sub(if screen >= 18 { 11 } else { 7 })).max(1)
    }

    /// How many lines the list has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the list has no lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line of the list.
    pub fn line(&self, at: usize) -> Option<SyncLine> {
        self.lines.get(at).copied()
    }

    /// The row under the cursor, if it is one.
    pub fn current(&self) -> Option<Row> {
        match self.line(self.cursor)? {
            SyncLine::Row(at) => self.plan.as_ref()?.row(at as usize),
            SyncLine::Folder(..) => None,
        }
    }

    /// Whether it is still being made.
    pub fn is_comparing(&self) -> bool {
        self.waiting.is_some()
    }

    pub(in crate::app) fn take(&mut self, result: Result<Box<Plan>, Advice>) {
        self.waiting = None;
        match result {
            Ok(plan) => {
                let odd = match (plan.source_is_empty, plan.is_incomplete) {
                    (true, _) => Some("the source has nothing at all, as a disk that is not there: deletions are taken out"),
                    (false, true) => Some("not everything could be read; r tells what, and nothing there is touched"),
                    (false, false) if plan.spares_folders() => {
                        Some("a folder of the source is empty: deletions there are taken out; r tells where")
                    }
                    (false, false) => None,
                };
                self.said = odd.map(|words| (Mood::Danger, words.to_owned()));
                self.plan = Some(Arc::from(plan));
                self.show();
            }
            Err(advice) => self.failed = Some(advice),
        }
    }

    /// Makes the lines anew: the filter or the plan changed.
    fn show(&mut self) {
        let Some(plan) = &self.plan else { return };
        self.totals = plan.totals();
        self.lines.clear();
        let mut shown = Plan::ROOT;
        for at in 0..plan.len() {
            if self.only.is_some_and(|only| plan.effect(at) != Some(only)) {
                continue;
            }
            if let Some(folder) = plan.folder_of(at).filter(|folder| *folder != shown) {
                shown = folder;
                let is_dir = |at: usize| plan.row(at).is_some_and(|row| row.is_dir());
                // The row of a folder stands for what is in it, and says its own path.
                let is_told = matches!(self.lines.last(), Some(SyncLine::Row(last)) if plan.below(*last as usize).contains(&at) && is_dir(*last as usize));
                if folder != Plan::ROOT && !is_told && !is_dir(at) {
                    self.lines.push(SyncLine::Folder(folder, at as u32));
                }
            }
            self.lines.push(SyncLine::Row(at as u32));
        }
        self.cursor = self.cursor.min(self.lines.len().saturating_sub(1));
    }

    /// The rows of the plan a key under the cursor works on, and whether they are more than one.
    fn range(&self) -> Option<Range<usize>> {
        let plan = self.plan.as_ref()?;
        Some(match self.line(self.cursor)? {
            SyncLine::Folder(folder, first) => plan.within(folder, first as usize),
            SyncLine::Row(at) => {
                let at = at as usize;
                if plan.row(at)?.is_dir() { at..plan.below(at).end } else { at..at + 1 }
            }
        })
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if explained(key, &mut self.help, &mut self.scroll) {
            return Next::Stay;
        }
        let is_escape = matches!((letter(key), key.code), (Some('q'), _) | (_, KeyCode::Esc));
        if let (true, Some(generation)) = (is_escape, self.waiting) {
            return Next::Finish(Command::Effect(Order::StopLooking(generation)));
        }
        if is_escape {
            return Next::Close;
        }
        let Some(plan) = self.plan.clone() else { return Next::Stay };
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.lines.len(), true) {
            self.go(to);
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (Some('?'), _) => self.help = true,
            (Some(' '), _) => {
                let range = self.range();
                let one = range.as_ref().is_some_and(|range| range.len() == 1);
                if let Some(range) = range {
                    self.toggle(&range);
                }
                if one {
                    self.go((self.cursor + 1).min(self.lines.len().saturating_sub(1)));
                }
            }
            (Some('a'), _) => self.toggle(&(0..plan.len())),
            (Some('>'), _) | (_, KeyCode::Right) => self.turn(SyncSide::Right),
            (Some('<'), _) | (_, KeyCode::Left) => self.turn(SyncSide::Left),
            (Some('f'), _) => {
                self.only = next_filter(self.only, &self.totals);
                self.cursor = 0;
                self.top = 0;
                self.show();
            }
            (Some('s'), _) => {
                let name = format!("sealift-plan-{}.jsonl", plan.made.strftime("%Y-%m-%d-%H%M%S"));
                return Next::Do(Command::Export(vec![ExportForm { label: "plan", name, content: FileContent::Plan(plan) }]));
            }
            (Some('r'), _) => return Next::Do(Command::Report(Box::new(remarks(&plan, &self.names)))),
            (_, KeyCode::Enter) if self.totals.changes() == 0 => {
                self.said = Some((Mood::Plain, "there is nothing to carry out".to_owned()));
            }
            (_, KeyCode::Enter) => return Next::Do(Command::AskToSynchronise),
            _ => {}
        }
        Next::Stay
    }

    fn go(&mut self, to: usize) {
        self.cursor = to;
        self.top = self.top.min(to).max((to + 1).saturating_sub(self.rows.max(1)));
    }

    /// Takes rows out of the plan, or into it again where none is in it.
    fn toggle(&mut self, range: &Range<usize>) {
        let Some(plan) = &mut self.plan else { return };
        let plan = Arc::make_mut(plan);
        let any = range.clone().any(|at| plan.decision(at).is_some_and(|decision| decision != Decision::Leave));
        let mut changed = false;
        for at in range.clone() {
            let proposed = plan.row(at).map_or(Decision::Leave, |row| row.proposed);
            let wanted = if any { Decision::Leave } else { proposed };
            changed |= plan.decision(at) != Some(wanted) && plan.decide(at, wanted);
        }
        if !changed {
            self.said = Some((Mood::Plain, "nobody proposed anything here; > and < decide which side is right".to_owned()));
        }
        self.totals = plan.totals();
    }

    /// Makes `side` like the other one in the rows under the cursor.
    fn turn(&mut self, side: SyncSide) {
        let Some(range) = self.range() else { return };
        let Some(plan) = &mut self.plan else { return };
        let plan = Arc::make_mut(plan);
        let mut refused = false;
        for at in range {
            let has_it = plan.row(at).is_some_and(|row| row.on(side.other()).is_some());
            let decision = if has_it { Decision::copy(side) } else { Decision::delete(side) };
            refused |= !plan.decide(at, decision);
        }
        if refused {
            self.said = Some((Mood::Warning, "not everything here can be decided so; rename or remove one of the two first".to_owned()));
        }
        self.totals = plan.totals();
    }
}

/// The next filter that shows anything.
fn next_filter(only: Option<Effect>, totals: &Totals) -> Option<Effect> {
    let from = only.map_or(0, |only| only as usize + 1);
    Effect::ALL.into_iter().skip(from).find(|effect| totals.of(*effect) > 0)
}

/// What the comparison came across, as a message.
fn remarks(plan: &Plan, names: &[String; 2]) -> super::MessageDialog {
    let what = if plan.remarks.is_empty() { "the comparison came across nothing odd" } else { "what the comparison came across" };
    let failures = plan.remarks.iter().map(|remark| {
        let side = remark.side.map(|side| names[side as usize].as_str()).unwrap_or_default();
        let path = if remark.path.is_empty() { side.to_owned() } else { format!("{} ({side})", remark.path) };
        FileFailure { path, why: remark.words.clone(), ..FileFailure::default() }
    });
    let next = if plan.more_remarks > 0 { format!("{} more are not listed.", plan.more_remarks) } else { String::new() };
    let why = match (plan.same, plan.extra) {
        (same, 0) => format!("{same} are the same on both sides"),
        (same, extra) => format!("{same} are the same on both sides; {extra} more only the target has, and stay"),
    };
    let advice = Advice { what: what.to_owned(), why, next, intended: true };
    super::MessageDialog { advice, failures: failures.collect(), scroll: 0 }
}

/// Carry it out? Only `y`, or the button after moving to it, does it.
pub struct SynchroniseDialog {
    /// What is carried out.
    pub plan: Arc<Plan>,
    /// Where the two sides are.
    pub places: [Place; 2],
    /// The two sides in words, safe to draw.
    pub names: [String; 2],
    /// Enter does it; begins with no.
    pub yes_focused: bool,
}

impl SynchroniseDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match super::confirm::yes_or_no(key, &mut self.yes_focused) {
            Some(true) => Next::Finish(Command::Synchronise { plan: Arc::clone(&self.plan), places: self.places }),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}
