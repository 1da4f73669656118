//! The screen and every dialog as a person sees them; and that no size and no name breaks them.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::app::key::{Key, KeyCode};
use crate::app::{Msg, Side};
use crate::ask::{ConflictQuestion, FileFacts, InteractivePrompt, InteractiveQuestion, Prompter as _, SecretPurpose, SecretQuestion};
use crate::engine::{Advice, FileFailure, FileProgress, JobId, JobKind, JobProgress, JobState, Report, SessionId, Snapshot};
use crate::model::entry::Kind;
use crate::model::site::ParsedUrl;
use crate::model::{Entry, EntryName, FilePath, Protocol, Site};
use crate::tui::fixture::{Asking, Stage, text};
use crate::tui::theme::{BUILT_IN, Theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

fn shown(name: &str, prepare: impl Fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        prepare(&mut stage);
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), stage.screen(columns, rows));
    }
}

fn asked(name: &str, ask: impl Fn(&mut Stage) -> Asking, keys: &str) {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        let _asking = ask(&mut stage);
        if keys != "<wait>" {
            stage.tell(Msg::Tick(Snapshot::default()));
            stage.keys(keys);
        }
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), stage.screen(columns, rows));
    }
}

fn site() -> Site {
    ParsedUrl::parse("ftpes://bob@files.example.com").unwrap().site
}

fn secret(stage: &mut Stage, purpose: SecretPurpose, attempt: u32) -> Asking {
    let question = SecretQuestion { site: site(), on_the_way_to: None, purpose, attempt };
    stage.ask(|prompter| async move { prompter.secret(question).await.is_ok() })
}

fn plain_password(stage: &mut Stage) -> Asking {
    let site = Site { protocol: Protocol::Ftp, ..site() };
    let question = SecretQuestion { site, on_the_way_to: None, purpose: SecretPurpose::Password { user: "bob".into() }, attempt: 1 };
    stage.ask(|prompter| async move { prompter.secret(question).await.is_ok() })
}

fn interactive(stage: &mut Stage) -> Asking {
    let prompt = |text: &str, echo| InteractivePrompt { text: text.into(), echo };
    let question = InteractiveQuestion {
        site: site(),
        on_the_way_to: None,
        name: "Two factors".into(),
        instruction: "Look at your token.\nThen type both.".into(),
        prompts: vec![prompt("User code:", true), prompt("Token:", false)],
    };
    stage.ask(|prompter| async move { prompter.interactive(question).await.is_ok() })
}

fn conflict(stage: &mut Stage) -> Asking {
    let facts = |path: &str, size, modified: &str| FileFacts {
        path: FilePath::try_from(path).unwrap(),
        size: Some(size),
        modified: Some(modified.parse::<Timestamp>().unwrap()),
    };
    let question = ConflictQuestion {
        source: facts("/home/bob/projects/invoice-9.pdf", 120_000, "2026-11-21T07:12:00Z"),
        target: facts("/upload/2026/incoming/invoice-9.pdf", 119_000, "2026-10-01T10:00:00Z"),
        free_name: EntryName::try_from("invoice-9 (2).pdf").unwrap(),
    };
    stage.ask(|prompter| async move { prompter.conflict(question).await.is_ok() })
}

fn advice() -> Advice {
    Advice {
        what: "cannot connect to files.example.com:21: connection refused".into(),
        why: "nobody listens on this port".into(),
        next: "check the port; FTP over TLS is on 21 (ftpes) or 990 (ftps), SFTP on 22".into(),
        intended: false,
    }
}

fn job(id: u64, state: JobState) -> JobProgress {
    let failures = vec![FileFailure { path: "/home/bob/x".into(), why: "permission denied; ask who owns it".into() }];
    JobProgress {
        id: JobId(id),
        kind: JobKind::Copy,
        title: "3 items from this machine:/home/bob/projects to files.example.com:/upload/2026/incoming".into(),
        state,
        files_done: 3,
        files_total: 12,
        bytes_done: 40_000_000,
        bytes_total: 90_000_000,
        counting: false,
        rate: 3_200_000.0,
        remaining: Some(Duration::from_secs(16)),
        files: if state == JobState::Running {
            vec![FileProgress { name: "invoice-10.pdf".into(), done: 700_000, total: Some(1_310_000) }]
        } else {
            Vec::new()
        },
        report: (state == JobState::Finished).then(|| Report { done: 11, failed: 1, failures, bytes: 40_000_000, ..Report::default() }),
    }
}

fn tick(stage: &mut Stage) {
    let jobs = vec![job(1, JobState::Finished), job(2, JobState::Running), job(3, JobState::Waiting), job(4, JobState::Cancelled)];
    stage.tell(Msg::Tick(Snapshot { jobs }));
}

#[test]
fn the_panes() {
    shown("panes", |stage| stage.keys("jjj<space><space>"));
    shown("panes-right", |stage| stage.keys("<tab>G"));
    shown("panes-filter", |stage| stage.keys("/inv"));
    shown("panes-filtered-sorted", |stage| stage.keys("/inv<enter>ss."));
    shown("panes-line-lost", |stage| stage.tell(Msg::SessionLine { id: SessionId(1), lost: Some(advice()) }));
    shown("panes-transfer", tick);
    shown("which-key", |stage| {
        stage.keys("g");
        stage.look.which_key = true;
    });
}

#[test]
fn every_way_to_be_connected() {
    use crate::engine::{SecurityLevel, TrustBasis};
    for (name, url, trust, level, protection) in [
        ("plain", "ftp://bob@files.example.com:2121", TrustBasis::Plain, SecurityLevel::None, ""),
        ("authority", "ftps://files.example.com", TrustBasis::Authority, SecurityLevel::MoreSecure, "TLS1.2"),
        ("known-host", "sftp://bob@files.example.com", TrustBasis::KnownHost, SecurityLevel::MostSecure, "SSH"),
    ] {
        shown(&format!("panes-{name}"), |stage| {
            let session = stage.app.sessions.get_mut(&SessionId(1)).unwrap();
            session.facts.site = ParsedUrl::parse(url).unwrap().site;
            session.facts.trust = trust;
            session.facts.level = level;
            session.facts.protection = protection.into();
        });
    }
}

#[test]
fn sites_connecting_and_failed() {
    use crate::app::pane::Face;
    let sites = || {
        vec![
            crate::tui::fixture::site("FTPS, self-signed", "ftpes://demo@127.0.0.1:2121"),
            crate::tui::fixture::site("SFTP", "sftp://demo@127.0.0.1:2222"),
        ]
    };
    let url = || ParsedUrl::parse("ftpes://bob@files.example.com").unwrap();
    shown("sites", |stage| {
        stage.app.sites = sites();
        stage.keys("<tab>S");
    });
    shown("connecting", |stage| {
        stage.app.panes[Side::Right as usize].face = Face::Connecting { url: url(), since: Duration::from_secs(1), password: None };
    });
    shown("failed", |stage| {
        stage.app.panes[Side::Right as usize].face = Face::Failed { url: url(), password: None, advice: advice() };
    });
}

#[test]
fn questions() {
    let password = || SecretPurpose::Password { user: "bob".into() };
    let passphrase = || SecretPurpose::KeyPassphrase { file: "~/.ssh/id_ed25519".into(), label: "bob@laptop".into() };
    asked("password", |stage| secret(stage, password(), 1), "hunter2");
    asked("password-again", |stage| secret(stage, password(), 2), "");
    asked("password-plain", plain_password, "");
    asked("passphrase", |stage| secret(stage, passphrase(), 1), "");
    asked("interactive", interactive, "x<enter>secret");
    asked("conflict", conflict, "");
}

#[test]
fn dialogs_of_actions() {
    shown("connect", |stage| stage.keys("O"));
    shown("connect-wrong", |stage| stage.keys("Oexample.com<enter>"));
    shown("copy", |stage| stage.keys("A<f5>"));
    shown("copy-one", |stage| stage.keys("jjjc"));
    shown("move", |stage| stage.keys("<space><space>m"));
    shown("delete", |stage| stage.keys("<tab><space>d"));
    shown("make-dir", |stage| stage.keys("anew"));
    shown("rename", |stage| stage.keys("jjjr"));
    shown("mark", |stage| stage.keys("+.pdf"));
    shown("sort", |stage| stage.keys("s"));
    shown("facts", |stage| stage.keys("jjji"));
    shown("help", |stage| stage.keys("?"));
    shown("help-narrowed", |stage| stage.keys("?folder"));
    shown("palette", |stage| stage.keys(":copy"));
    shown("transfers", |stage| {
        tick(stage);
        stage.keys("wj");
    });
    shown("quit", |stage| {
        tick(stage);
        stage.keys("q");
    });
    shown("stop", |stage| {
        tick(stage);
        stage.keys("<esc>");
    });
    shown("message", |stage| {
        stage.tell(Msg::Notice(advice()));
        stage.keys("E");
    });
}

#[test]
fn every_theme_and_ascii_draw_the_same_text() {
    let mut stage = Stage::new(80, 24);
    stage.keys("jj<space>");
    let dark = stage.screen(80, 24);
    for (name, _) in BUILT_IN {
        stage.look.theme = Theme::named(name).unwrap();
        assert_eq!(stage.screen(80, 24), dark, "{name}");
    }
    stage.look.ascii = true;
    assert!(!stage.screen(80, 24).contains('│'));
}

#[test]
fn scrolling_past_the_end_costs_no_keys_on_the_way_back() {
    let mut stage = Stage::new(40, 12);
    stage.keys("?<pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn>");
    let end = stage.screen(40, 12);
    stage.keys("<pgdn>");
    assert_eq!(stage.screen(40, 12), end);
    stage.keys("<up>");
    assert_ne!(stage.screen(40, 12), end);
}

#[test]
fn columns_hold_whatever_the_names_are() {
    let mut stage = Stage::new(80, 24);
    let buffer = stage.buffer(80, 24);
    for y in 0..22 {
        assert_eq!(buffer[(39, y)].symbol(), "│", "row {y}:\n{}", text(&buffer));
    }
}

/// The states a size is tried with.
fn stages() -> Vec<Stage> {
    let scripts = ["", "jj<space>", "g", "/x", "O", "A<f5>", "<tab>d", "a", "r", "+", "s", "i", "<tab>T", "?", ":", "w", "q", "S"];
    let mut stages: Vec<Stage> = scripts
        .iter()
        .map(|keys| {
            let mut stage = Stage::new(80, 24);
            tick(&mut stage);
            stage.keys(keys);
            stage.look.which_key = true;
            stage
        })
        .collect();
    for (question, keys) in super::dialog::trust::tests::every_question().into_iter().zip(["", "i", "f00<enter>", "a", "i", "f"]) {
        let mut stage = Stage::new(80, 24);
        std::mem::forget(stage.ask(|prompter| async move { prompter.trust(question).await }));
        stage.keys(keys);
        stages.push(stage);
    }
    for ask in [|stage: &mut Stage| std::mem::forget(interactive(stage)), |stage: &mut Stage| std::mem::forget(conflict(stage))] {
        let mut stage = Stage::new(80, 24);
        ask(&mut stage);
        stages.push(stage);
    }
    stages
}

#[test]
fn no_size_breaks_any_screen() {
    for mut stage in stages() {
        for columns in (1..=200).step_by(7).chain([2, 3, 19, 20, 21, 59, 60, 61]) {
            for rows in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 24, 60] {
                stage.resize(columns, rows);
                stage.screen(columns, rows);
            }
        }
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..40),
        "\\PC{1,30}".prop_map(String::into_bytes),
        "[\u{1b}\u{202e}\u{9b}\u{200f}\u{2066}a-c\r\n/.]{1,12}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever a server calls its files: nothing that controls a terminal or turns text around is drawn, and columns hold.
    #[test]
    fn nothing_hostile_is_drawn(names in proptest::collection::vec(name(), 1..12), columns in 1u16..130, rows in 1u16..40, keys in "[jk iGc.:?w]{0,6}") {
        let entries = names.into_iter().map(|name| Entry::new(name, Kind::File)).collect();
        let mut stage = Stage::with(columns, rows, entries, "ftp://bob@h");
        stage.keys(&keys);
        let buffer = stage.buffer(columns, rows);
        for cell in buffer.content() {
            let hostile = |c: char| c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!cell.symbol().chars().any(hostile), "{:?}", cell.symbol());
        }
        if columns >= 60 && rows >= 5 && stage.app.dialogs.is_empty() {
            for y in 0..rows - 2 {
                prop_assert_eq!(buffer[((columns - 1) / 2, y)].symbol(), "│");
            }
        }
    }
}

#[test]
fn a_key_is_heard_at_every_size() {
    let mut stage = Stage::new(1, 1);
    stage.tell(Msg::Key(Key::plain(KeyCode::Down)));
    stage.resize(80, 24);
    assert_eq!(stage.app.pane(Side::Left).folder.as_ref().unwrap().cursor(), 1);
}
