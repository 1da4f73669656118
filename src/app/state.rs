//! The whole state of the screen. What changes it stands in `app::update`, `app::perform` and `app::carry_out`.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::dialog::Dialog;
use super::effect::{Effect, Reaction};
use super::key::Key;
use super::keymap::Keymap;
use super::message::{Generation, Moment, Side, SiteChoice, StartPane};
use super::notice::{Level, Notice};
use super::pane::{Face, Generations, Marks, Orders, Pane, SiteRow};
use super::together::Together;
use super::transfers::Transfers;
use crate::ask::Question;
use crate::engine::{Advice, Place, SessionFacts, SessionId};
use crate::model::sort::Sort;
use crate::model::text::display_safe;
use crate::model::{EntryName, FilePath};

/// The whole state of the screen.
pub struct App {
    /// Left and right; see [`App::pane`].
    pub panes: [Pane; 2],
    /// Which pane keys go to.
    pub focus: Side,
    /// Open dialogs; keys go to the last, which is drawn on top.
    pub dialogs: Vec<Dialog>,
    /// Questions that wait until the one on the screen is answered.
    pub waiting: VecDeque<Question>,
    /// Running and ended jobs.
    pub transfers: Transfers,
    /// What just happened.
    pub notice: Option<Notice>,
    /// Where secrets are kept, once that came up; the inner `None`: nowhere.
    pub keeper: Option<Option<&'static str>>,
    /// Sites to choose from.
    pub sites: Vec<SiteChoice>,
    /// Connected sites.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Which keys mean what.
    pub keymap: Keymap,
    /// Keys pressed so far of a sequence such as `gg`.
    pub pending: Vec<Key>,
    /// The box of first keys is shown.
    pub hint: bool,
    /// Cells of the terminal: columns, rows.
    pub size: (u16, u16),
    /// The time of the last message.
    pub now: Moment,
    pub(super) options: Options,
    pub(super) generations: Generations,
    /// URLs of this run, oldest first.
    pub(super) urls: Vec<String>,
    /// The last notice, also after it left its line.
    pub(super) last_notice: Option<Notice>,
    /// When the last key came.
    pub(super) last_key: Option<Duration>,
    /// What Esc just took away: a digit after it means a function key, and brings it back.
    pub(super) escaped: Option<Undo>,
    /// The name to put the cursor on once what was ordered is done.
    pub(super) landing: Option<(Place, FilePath, EntryName)>,
    /// The link between the panes, where they go together.
    pub(super) together: Option<Together>,
    /// Plans that are being carried out.
    pub(super) synchronising: usize,
}

/// What Esc took away.
pub(super) enum Undo {
    /// A question was opened; it closes.
    Question,
    Nothing,
    Filter(Side, String),
    Marks(Side, Generation, Marks),
}

/// A connected site.
pub struct Session {
    /// What was connected.
    pub facts: SessionFacts,
    /// Why the line is broken, while it is.
    pub lost: Option<Advice>,
}

/// What the program was started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of this machine a pane goes to when it has no other.
    pub home: FilePath,
    /// How folders are ordered at first.
    pub sort: Sort,
    /// Whether names that begin with a dot are shown at first.
    pub show_hidden: bool,
    /// Show the box of first keys.
    pub hint: bool,
    /// Jobs are written down, so that the next run can go on with them.
    pub keeps_jobs: bool,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl App {
    /// The state at start and the first orders.
    pub fn new(start: [StartPane; 2], options: Options) -> (Self, Reaction) {
        let pane = || Pane::new(options.sort, options.show_hidden);
        let mut app = Self {
            panes: [pane(), pane()],
            focus: Side::Left,
            dialogs: Vec::new(),
            waiting: VecDeque::new(),
            transfers: Transfers::default(),
            notice: None,
            keeper: None,
            sites: Vec::new(),
            sessions: BTreeMap::new(),
            keymap: Keymap::standard(),
            pending: Vec::new(),
            hint: options.hint,
            size: (80, 24),
            now: Moment { since_start: Duration::ZERO, wall: SystemTime::UNIX_EPOCH },
            options,
            generations: Generations::default(),
            urls: Vec::new(),
            last_notice: None,
            last_key: None,
            escaped: None,
            landing: None,
            together: None,
            synchronising: 0,
        };
        let mut effects = Vec::new();
        for (side, start) in [Side::Left, Side::Right].into_iter().zip(start) {
            match start {
                StartPane::Local(dir) => app.go(side, Place::Local, dir, None, &mut effects),
                StartPane::Url(url) => app.connect(side, url, None, &mut effects),
                StartPane::Sites(sites) => {
                    app.sites.extend(sites);
                    app.focus = side;
                }
            }
        }
        (app, Reaction { effects, redraw: true })
    }

    /// The pane on `side`.
    pub fn pane(&self, side: Side) -> &Pane {
        &self.panes[side as usize]
    }

    pub(super) fn pane_mut(&mut self, side: Side) -> &mut Pane {
        &mut self.panes[side as usize]
    }

    /// The dialog that takes the keys.
    pub fn dialog(&self) -> Option<&Dialog> {
        self.dialogs.last()
    }

    /// The connected site behind `place`; `None` for this machine.
    pub fn session(&self, place: Place) -> Option<&Session> {
        match place {
            Place::Local => None,
            Place::Remote(id) => self.sessions.get(&id),
        }
    }

    /// A place in words, safe to draw: `this machine`, `ftpes://user@host`.
    pub fn place_name(&self, place: Place) -> String {
        match place {
            Place::Local => "this machine".to_owned(),
            Place::Remote(_) => self
                .session(place)
                .map_or_else(|| "a closed session".to_owned(), |session| display_safe(session.facts.site.url().as_bytes())),
        }
    }

    /// Whether a place is on an FTP server, over TLS or not.
    pub fn is_ftp(&self, place: Place) -> bool {
        self.session(place).is_some_and(|session| session.facts.site.protocol.is_ftp())
    }

    /// The rows of the list of sites.
    pub fn site_rows(&self) -> Vec<SiteRow> {
        (0..self.sites.len()).map(SiteRow::Site).chain([SiteRow::Url, SiteRow::ThisMachine]).collect()
    }

    /// Whether something moves by itself, so that [`super::Msg::Tick`] is needed.
    pub fn is_animating(&self) -> bool {
        self.transfers.is_active()
            || self.transfers.waits_for_a_time()
            || self.is_synchronising()
            || self.is_comparing()
            || self.is_asking()
            || self.panes.iter().any(Pane::is_waiting)
    }

    /// Whether a plan is being carried out, perhaps between two of its jobs.
    pub(super) fn is_synchronising(&self) -> bool {
        self.synchronising > 0
    }

    /// Whether the engine waits for a person. Its question may be withdrawn, which a tick finds out.
    pub(super) fn is_asking(&self) -> bool {
        self.dialogs.iter().any(Dialog::is_question)
    }

    /// Tells how many rows the list of a pane has on the screen.
    pub fn set_viewport(&mut self, side: Side, rows: usize) -> Reaction {
        let changed = self.pane(side).rows != rows;
        self.pane_mut(side).rows = rows;
        let mut effects = Vec::new();
        self.with_orders(side, &mut effects, Pane::settle);
        Reaction { redraw: changed, effects }
    }

    /// Tells how far the dialog on top can be scrolled, in lines, so that scrolling beyond costs no keys on the way back.
    pub fn limit_scroll(&mut self, end: usize) {
        let scroll = match self.dialogs.last_mut() {
            Some(Dialog::Trust(dialog)) => &mut dialog.scroll,
            Some(Dialog::Facts(dialog)) => &mut dialog.scroll,
            Some(Dialog::Message(dialog)) => &mut dialog.scroll,
            Some(Dialog::Help(dialog)) => &mut dialog.scroll,
            Some(Dialog::Inspector(dialog)) => &mut dialog.scroll,
            Some(Dialog::Ledger(dialog)) => &mut dialog.scroll,
            Some(Dialog::Identities(dialog)) => &mut dialog.scroll,
            Some(Dialog::Refusal(dialog)) => &mut dialog.scroll,
            Some(Dialog::Clients(dialog)) => &mut dialog.scroll,
            Some(Dialog::SyncPlan(dialog)) => &mut dialog.scroll,
            _ => return,
        };
        *scroll = end.min(*scroll);
    }

    /// Runs `work` on a pane that may order something.
    pub(super) fn with_orders<T>(
        &mut self,
        side: Side,
        effects: &mut Vec<Effect>,
        work: impl FnOnce(&mut Pane, &mut Orders<'_>) -> T,
    ) -> T {
        let mut orders = Orders { side, generations: &mut self.generations, effects };
        work(&mut self.panes[side as usize], &mut orders)
    }

    pub(super) fn go(&mut self, side: Side, place: Place, dir: FilePath, cursor_on: Option<Box<[u8]>>, effects: &mut Vec<Effect>) {
        let now = self.now.since_start;
        self.with_orders(side, effects, |pane, orders| pane.go(place, dir, cursor_on, now, orders));
    }

    /// Shows a folder in the pane with the focus, also one of a server that is connected still.
    pub(super) fn open_folder(&mut self, place: Place, dir: FilePath, effects: &mut Vec<Effect>) {
        if place != Place::Local && self.session(place).is_none() {
            self.say("that server is not connected any more");
            return;
        }
        let side = self.focus;
        self.stop_connecting(side, effects);
        self.go(side, place, dir, None, effects);
    }

    pub(super) fn refresh(&mut self, side: Side, cursor_on: Option<Box<[u8]>>, effects: &mut Vec<Effect>) {
        let now = self.now.since_start;
        self.with_orders(side, effects, |pane, orders| pane.refresh(cursor_on, now, orders));
    }

    /// Shows what is under a list of sites, a failure or a connection that was given up.
    pub(super) fn uncover(&mut self, side: Side) {
        let pane = self.pane_mut(side);
        pane.connecting = Generation::default();
        pane.face = if pane.folder.is_some() { Face::Folder } else { Face::Sites { cursor: pane.site_cursor } };
    }

    pub(super) fn tell(&mut self, level: Level, advice: Advice) {
        self.put(Notice { level, advice, failures: Vec::new(), since: self.now.since_start });
    }

    pub(super) fn put(&mut self, notice: Notice) {
        self.last_notice = Some(notice.clone());
        self.notice = Some(notice);
    }

    /// A plain word to the person.
    pub(super) fn say(&mut self, what: impl Into<String>) {
        self.tell(Level::Info, Advice { what: what.into(), why: String::new(), next: String::new(), intended: true });
    }

    /// An advice, as loud as it is.
    pub(super) fn advise(&mut self, advice: Advice) {
        self.tell(if advice.intended { Level::Info } else { Level::Problem }, advice);
    }
}
