//! The core driven from outside: key scripts and messages in, orders and state out.

pub(crate) mod clients;
mod dialogs;
pub(crate) mod identities;
pub(crate) mod inspector;
pub(crate) mod interrupted;
pub(crate) mod ledger;
mod panes;
pub(crate) mod questions;
mod random;
pub(crate) mod refusal;
pub(crate) mod secrets;
mod servers;
pub(crate) mod sites;
pub(crate) mod sync;
mod transfers;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::keymap::parse_keys;
use super::pane::Folder;
use super::*;
use crate::engine::{Advice, Place, SessionFacts, SessionId, Snapshot, TrustBasis};
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{Entry, FilePath, Kind, SecurityLevel};

/// The core with a clock that only tests move, and the orders it gave.
pub(crate) struct Screen {
    pub(crate) app: App,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Duration,
    pub(crate) redraw: bool,
}

pub(crate) fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

pub(crate) fn url(text: &str) -> ParsedUrl {
    ParsedUrl::parse(text).unwrap()
}

pub(crate) fn advice(what: &str) -> Advice {
    Advice { what: what.to_owned(), why: String::new(), next: String::new(), intended: false }
}

/// A file with facts; a folder where the name ends in `/`.
pub(crate) fn entry(name: &str) -> Entry {
    let (name, kind) = name.strip_suffix('/').map_or((name, Kind::File), |name| (name, Kind::Dir));
    let mut entry = sized(name.as_bytes(), kind, 10);
    entry.modified = Some(jiff::Timestamp::UNIX_EPOCH);
    entry
}

pub(crate) fn sized(name: &[u8], kind: Kind, size: u64) -> Entry {
    let mut entry = Entry::new(name, kind);
    entry.size = Some(size);
    entry
}

pub(crate) fn session(id: u32) -> SessionFacts {
    SessionFacts {
        id: SessionId(id),
        site: url("ftpes://me@host").site,
        home: path("/home/me"),
        protection: "TLS1.3".to_owned(),
        trust: TrustBasis::Pinned { days: 3 },
        level: SecurityLevel::Secure,
        server: String::new(),
        details: Vec::new(),
        peer: None,
    }
}

impl Screen {
    pub(crate) fn new(left: StartPane, right: StartPane) -> Self {
        let options = Options { home: path("/home/me"), sort: Sort::default(), show_hidden: false, hint: false, keeps_jobs: true };
        let (app, reaction) = App::new([left, right], options);
        Self { app, effects: reaction.effects, now: Duration::from_secs(10), redraw: reaction.redraw }
    }

    /// Both panes local: `/l` with the given names, `/r` with `other`.
    pub(crate) fn local(names: &[&str]) -> Self {
        let mut screen = Self::new(StartPane::Local(path("/l")), StartPane::Local(path("/r")));
        screen.answer_listing(Side::Left, names);
        screen.answer_listing(Side::Right, &["other"]);
        screen.effects.clear();
        screen
    }

    pub(crate) fn send(&mut self, msg: Msg) {
        let reaction = self.app.update(msg, Moment { since_start: self.now, wall: SystemTime::UNIX_EPOCH });
        self.redraw = reaction.redraw;
        self.effects.extend(reaction.effects);
    }

    /// Presses keys, written as in the table of actions.
    pub(crate) fn keys(&mut self, keys: &str) {
        for key in parse_keys(keys) {
            self.send(Msg::Key(key));
        }
    }

    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// No key follows the last one: a letter that accepts counts.
    pub(crate) fn settle(&mut self) {
        self.wait(150);
        self.send(Msg::Tick(Snapshot::default()));
    }

    /// The last listing ordered for a pane.
    pub(crate) fn listing(&self, side: Side) -> Generation {
        let ordered = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::List { pane, generation, .. } if *pane == side => Some(*generation),
            _ => None,
        });
        ordered.expect("a listing was ordered")
    }

    pub(crate) fn answer_listing(&mut self, side: Side, names: &[&str]) {
        self.answer_entries(side, names.iter().map(|name| entry(name)).collect());
    }

    pub(crate) fn answer_entries(&mut self, side: Side, batch: Vec<Entry>) {
        let generation = self.listing(side);
        self.send(Msg::Listed { pane: side, generation, batch });
        self.send(Msg::ListingEnded { pane: side, generation, result: Ok(()) });
    }

    /// Connects a pane: types the URL, answers for the engine.
    pub(crate) fn connect(&mut self, keys: &str, id: u32) {
        self.keys(keys);
        let pane = self.app.focus;
        let Some(Effect::Connect { generation, .. }) = self.effects.last() else { panic!("no connection was ordered") };
        self.send(Msg::Connected { pane, generation: *generation, session: session(id), start: path("/home/me") });
    }

    pub(crate) fn folder(&self, side: Side) -> &Folder {
        self.app.pane(side).folder.as_ref().expect("a folder")
    }

    /// The names in a pane, marked ones with `*` in front, the cursor's in brackets.
    pub(crate) fn rows(&self, side: Side) -> String {
        let folder = self.folder(side);
        let rows = (0..folder.len()).filter_map(|row| folder.row(row).map(|shown| (row, shown)));
        let texts = rows.map(|(row, (entry, marked))| {
            let name = format!("{}{}", if marked { "*" } else { "" }, entry.display_name());
            if row == folder.cursor() { format!("[{name}]") } else { name }
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn notice(&self) -> &str {
        self.app.notice.as_ref().map_or("", |notice| &notice.advice.what)
    }

    /// The orders so far, in short; they are forgotten.
    pub(crate) fn orders(&mut self) -> Vec<String> {
        self.effects.drain(..).map(|effect| short(&effect)).collect()
    }
}

fn place(place: Place) -> String {
    match place {
        Place::Local => "local".to_owned(),
        Place::Remote(id) => format!("#{}", id.0),
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Connect { url, password, .. } => {
            format!("connect {}{}", url.site.url(), if password.is_some() { " +password" } else { "" })
        }
        Effect::CancelPane(side) => format!("cancel {side:?}"),
        Effect::Disconnect(id) => format!("disconnect #{}", id.0),
        Effect::List { pane, place: on, dir, .. } => format!("list {pane:?} {} {}", place(*on), dir.display()),
        Effect::Sort { entries, filter, .. } => format!("sort {} {filter}", entries.len()),
        Effect::Stat { names, .. } => format!("stat {}", names.iter().map(crate::model::EntryName::display).collect::<Vec<_>>().join(",")),
        Effect::MakeDir { place: on, path } => format!("mkdir {} {}", place(*on), path.display()),
        Effect::Rename { place: on, from, to } => format!("rename {} {} {}", place(*on), from.display(), to.display()),
        Effect::Submit(spec) => {
            let items = spec.items.iter().map(crate::model::EntryName::display).collect::<Vec<_>>().join(",");
            let name = spec.new_name.as_ref().map_or(String::new(), |name| format!(" as {}", name.display()));
            format!(
                "{:?} {} {} [{items}] -> {} {}{name}",
                spec.kind,
                place(spec.from),
                spec.from_dir.display(),
                place(spec.to),
                spec.to_dir.display()
            )
        }
        Effect::Compare { order, .. } => format!("compare {} {}", order.left.name, order.right.name),
        Effect::Synchronise { plan, .. } => format!("synchronise {} rows", plan.len()),
        Effect::CancelJob(id) => format!("stop job {}", id.0),
        Effect::GoOn(jobs) => format!("go on with {}", jobs.len()),
        Effect::ForgetInterrupted(jobs) => format!("forget {} interrupted", jobs.len()),
        Effect::StopJobs => "stop jobs".to_owned(),
        Effect::ClearJobs => "clear jobs".to_owned(),
        Effect::Queue(order) => format!("{order:?}"),
        Effect::Inspect { place: on, path, .. } => format!("inspect {} {}", place(*on), path.display()),
        Effect::CheckRevocation { evidence, .. } => format!("check {}", evidence.endpoint),
        Effect::WriteFile { path, content, .. } => match content {
            effect::FileContent::Bytes(bytes) => format!("write {} {} bytes", path.display(), bytes.len()),
            effect::FileContent::Ledger => format!("write {} the ledger", path.display()),
            effect::FileContent::Plan(plan) => format!("write {} a plan of {} rows", path.display(), plan.len()),
        },
        Effect::Ledger { order, .. } => match order {
            effect::LedgerOrder::Read => "ledger".to_owned(),
            effect::LedgerOrder::Remove(row) => format!("ledger remove {}", row.whom),
            effect::LedgerOrder::Accept(endpoint, pin) => format!("ledger accept {endpoint} {}", pin.certificate.short()),
            effect::LedgerOrder::Import { place: on, path } => format!("ledger import {} {}", place(*on), path.display()),
        },
        Effect::Identities { order, .. } => identities::short(order),
        Effect::Secrets { work, passphrase, .. } => {
            let opened = passphrase.as_ref().map(|passphrase| format!(" opened with {}", passphrase.expose())).unwrap_or_default();
            format!("secrets {work:?}{opened}")
        }
        Effect::Sites { order, .. } => match order {
            effect::SitesOrder::Read => "sites".to_owned(),
            effect::SitesOrder::Add(entry) => format!("sites add {} {}", entry.name, entry.url.text()),
            effect::SitesOrder::Replace { name, entry } => format!("sites replace {name} {} {}", entry.name, entry.url.text()),
            effect::SitesOrder::Remove(name) => format!("sites remove {name}"),
        },
        Effect::Clients { order, .. } => match order {
            effect::ClientsOrder::Read => "clients".to_owned(),
            effect::ClientsOrder::Trust(which) => format!("clients trust {}", which.short()),
            effect::ClientsOrder::Refuse(which) => format!("clients refuse {}", which.short()),
            effect::ClientsOrder::Forget(which) => format!("clients forget {}", which.short()),
            effect::ClientsOrder::FindAuthority { place: on, path } => format!("clients find {} {}", place(*on), path.display()),
            effect::ClientsOrder::TrustAuthority(_) => "clients trust authority".to_owned(),
        },
        Effect::StopLooking(_) => "stop looking".to_owned(),
        Effect::Clipboard(text) => format!("clipboard {text}"),
        Effect::Suspend => "suspend".to_owned(),
        Effect::Redraw => "redraw".to_owned(),
        Effect::Quit => "quit".to_owned(),
    }
}
