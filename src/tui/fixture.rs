//! A state of the core to draw and to press keys in: two panes, one of them a server, without tasks and without a clock.

use std::pin::Pin;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Theme;
use super::view::layout::Layout;
use super::view::{self, Look};
use crate::app::keymap::parse_keys;
use crate::app::{App, Effect, Moment, Msg, Options, Reaction, SiteChoice, StartPane};
use crate::ask::{ChannelPrompter, Question};
use crate::engine::{SessionFacts, SessionId, Snapshot, TrustBasis};
use crate::model::entry::Kind;
use crate::model::site::ParsedUrl;
use crate::model::sort::{self, Sort};
use crate::model::{Entry, FilePath, SecurityLevel};

/// A state, the time in it, and what it ordered besides listings, connections and orders of rows.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) look: Look,
    pub(super) ordered: Vec<Effect>,
    now: Duration,
    entries: Vec<Entry>,
    facts: SessionFacts,
}

/// Somebody who waits for an answer; dropped, the question is withdrawn.
pub(super) type Asking = Pin<Box<dyn Future<Output = ()>>>;

impl Stage {
    /// Left this machine, right what `url` leads to.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, sample(), "ftpes://bob@files.example.com/upload")
    }

    pub(super) fn with(columns: u16, rows: u16, entries: Vec<Entry>, url: &str) -> Self {
        let home = FilePath::try_from("/home/bob/projects").unwrap();
        let start = [StartPane::Local(home.clone()), StartPane::Url(ParsedUrl::parse(url).unwrap())];
        let (app, reaction) = App::new(start, options(home));
        let mut stage = Self { app, look: look(), ordered: Vec::new(), now: Duration::from_secs(1), entries, facts: facts(url) };
        stage.resize(columns, rows);
        stage.settle(reaction);
        stage
    }

    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        for pane in &mut self.app.panes {
            pane.rows = Layout::list_rows(columns, rows);
        }
        self.tell(Msg::Resized { columns, rows });
    }

    pub(super) fn tell(&mut self, message: Msg) {
        // A second passes: dialogs listen.
        self.now += Duration::from_secs(1);
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_253_400);
        let reaction = self.app.update(message, Moment { since_start: self.now, wall });
        self.settle(reaction);
    }

    pub(super) fn keys(&mut self, keys: &str) {
        for key in parse_keys(keys) {
            self.tell(Msg::Key(key));
        }
    }

    /// Puts a question to the screen; what is asked for is answered to nobody.
    pub(super) fn ask<F: Future + 'static>(&mut self, ask: impl FnOnce(ChannelPrompter) -> F) -> Asking {
        let (prompter, mut questions) = ChannelPrompter::new();
        let asking = ask(prompter);
        let mut asking: Asking = Box::pin(async move { drop(asking.await) });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        let question: Question = questions.try_recv().unwrap();
        self.tell(Msg::Asked(question));
        asking
    }

    /// Answers what was ordered, until nothing more is.
    fn settle(&mut self, reaction: Reaction) {
        for effect in reaction.effects {
            match effect {
                Effect::List { pane, generation, .. } => {
                    self.tell(Msg::Listed { pane, generation, batch: self.entries.clone() });
                    self.tell(Msg::ListingEnded { pane, generation, result: Ok(()) });
                }
                Effect::Sort { pane, generation, entries, sort, show_hidden, filter } => {
                    let order = sort::order(&entries, sort, show_hidden, &filter);
                    self.tell(Msg::Sorted { pane, generation, order });
                }
                Effect::Connect { pane, generation, .. } => {
                    let session = self.facts.clone();
                    let start = FilePath::try_from("/upload/2026/incoming").unwrap();
                    self.tell(Msg::Connected { pane, generation, session, start });
                }
                other => self.ordered.push(other),
            }
        }
    }

    pub(super) fn buffer(&mut self, columns: u16, rows: u16) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        let view::Drawn { cursor, scroll_end } = view::draw(&self.app, &self.look, &mut buffer);
        self.app.limit_scroll(scroll_end);
        assert!(cursor.is_none_or(|cursor| buffer.area.contains(cursor.at)), "{cursor:?}");
        buffer
    }

    /// The screen as text, one line a row.
    pub(super) fn screen(&mut self, columns: u16, rows: u16) -> String {
        text(&self.buffer(columns, rows))
    }
}

/// The cells of a buffer as text.
pub(super) fn text(buffer: &Buffer) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += symbol.width().max(1) as u16;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn options(home: FilePath) -> Options {
    Options { home, sort: Sort::default(), show_hidden: false, hint: false, keeps_jobs: true }
}

pub(super) fn look() -> Look {
    Look { theme: Theme::named("dark").unwrap(), ascii: false, zone: TimeZone::UTC, words: Snapshot::default(), which_key: false }
}

pub(super) fn facts(url: &str) -> SessionFacts {
    SessionFacts {
        id: SessionId(1),
        site: ParsedUrl::parse(url).unwrap().site,
        home: FilePath::try_from("/upload").unwrap(),
        protection: "TLS1.3".into(),
        trust: TrustBasis::Pinned { days: 3 },
        level: SecurityLevel::Secure,
        server: "Example FTP".into(),
        details: vec![("Cipher suite".into(), "TLS_AES_256_GCM_SHA384".into())],
        peer: None,
    }
}

pub(super) fn site(label: &str, url: &str) -> SiteChoice {
    SiteChoice { label: label.into(), note: "demo".into(), url: ParsedUrl::parse(url).unwrap(), password: None, is_kept: false }
}

/// Long, wide, combining, right-to-left and hostile names.
pub(super) fn sample() -> Vec<Entry> {
    let file = |name: &[u8], size: u64, modified: &str| {
        let mut entry = Entry::new(name, Kind::File);
        entry.size = Some(size);
        entry.modified = Some(modified.parse().unwrap());
        entry.details_mut().mode = Some(0o644);
        entry
    };
    let mut folder = Entry::new(&b"archive"[..], Kind::Dir);
    folder.modified = Some("2026-11-20T08:00:00Z".parse().unwrap());
    folder.details_mut().mode = Some(0o755);
    vec![
        folder,
        Entry::new(&b"images"[..], Kind::Dir),
        Entry::new(&b"current"[..], Kind::Symlink),
        file(b"invoice-9.pdf", 120_000, "2026-11-21T07:12:00Z"),
        file(b"invoice-10.pdf", 1_310_000, "2026-11-02T07:12:00Z"),
        file(b"notes.txt", 312, "2024-02-29T12:00:00Z"),
        file(
            "a-very-long-name-that-does-not-fit-into-half-of-a-small-terminal-v2.tar.gz".as_bytes(),
            5_400_000_000,
            "2026-05-05T05:05:00Z",
        ),
        file("漢字のとても長い名前のファイル報告書.txt".as_bytes(), 2048, "2026-11-21T09:00:00Z"),
        file("שלום עולם.txt".as_bytes(), 99, "2026-11-21T09:00:00Z"),
        file("cafe\u{301} e\u{301}te\u{301}.md".as_bytes(), 77, "2026-11-21T09:00:00Z"),
        file("👩‍👩‍👧 family.jpg".as_bytes(), 900_000, "2026-11-21T09:00:00Z"),
        file(b"latin1-caf\xe9.txt", 1, "2026-11-21T09:00:00Z"),
        file(b"red\x1b[31m.txt", 1, "2026-11-21T09:00:00Z"),
        file("invoice\u{202e}fdp.exe".as_bytes(), 1, "2026-11-21T09:00:00Z"),
        file(b"../etc/passwd", 666, "2026-11-21T09:00:00Z"),
        Entry::new(&b"total 42 of something no parser knows"[..], Kind::Unparsed),
        file(b".hidden", 1, "2026-11-21T09:00:00Z"),
    ]
}
