//! The screen and every dialog as a person sees them; and that no size and no name breaks them.

use std::time::Duration;

use proptest::prelude::*;

use crate::app::key::{Key, KeyCode};
use crate::app::tests::questions::conflict_question;
use crate::app::{Msg, Side};
use crate::ask::{ConflictQuestion, InteractivePrompt, InteractiveQuestion, Prompter as _, SecretPurpose, SecretQuestion};
use crate::engine::{Advice, FileFailure, FileProgress, JobId, JobKind, JobProgress, JobState, Report, SessionId, Snapshot};
use crate::model::entry::Kind;
use crate::model::site::ParsedUrl;
use crate::model::{Entry, FilePath, Protocol, Site};
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
    let question = SecretQuestion { site: site(), on_the_way_to: None, purpose, attempt, keeper: None, kept_was_wrong: false };
    stage.ask(|prompter| async move { prompter.secret(question).await.is_ok() })
}

/// The password, which can be kept.
fn to_be_kept(stage: &mut Stage, kept_was_wrong: bool) -> Asking {
    let purpose = SecretPurpose::Password { user: "bob".into() };
    let keeper = Some(if kept_was_wrong { "the vault" } else { "your keyring" });
    let question = SecretQuestion { site: site(), on_the_way_to: None, purpose, attempt: 1, keeper, kept_was_wrong };
    stage.ask(|prompter| async move { prompter.secret(question).await.is_ok() })
}

fn password_of_a_hop(stage: &mut Stage) -> Asking {
    let site = ParsedUrl::parse("sftp://bob@jump.example.com").unwrap().site;
    let purpose = SecretPurpose::Password { user: "bob".into() };
    let question = SecretQuestion {
        site,
        on_the_way_to: Some(crate::model::Endpoint::new("inner.example.com", 22)),
        purpose,
        attempt: 1,
        keeper: None,
        kept_was_wrong: false,
    };
    stage.ask(|prompter| async move { prompter.secret(question).await.is_ok() })
}

fn plain_password(stage: &mut Stage) -> Asking {
    let site = Site { protocol: Protocol::Ftp, ..site() };
    let question = SecretQuestion {
        site,
        on_the_way_to: None,
        purpose: SecretPurpose::Password { user: "bob".into() },
        attempt: 1,
        keeper: None,
        kept_was_wrong: false,
    };
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
    conflict_of(stage, |_| {})
}

fn conflict_of(stage: &mut Stage, change: impl FnOnce(&mut ConflictQuestion)) -> Asking {
    let mut question = conflict_question(
        ("/home/bob/projects/invoice-9.pdf", 120_000, "2026-11-21T07:12:00Z"),
        ("/upload/2026/incoming/invoice-9.pdf", 119_000, "2026-10-01T10:00:00Z"),
    );
    change(&mut question);
    stage.ask(|prompter| async move { prompter.conflict(question).await.is_ok() })
}

fn perhaps_zone(stage: &mut Stage) -> Asking {
    conflict_of(stage, |question| {
        let facts = ("/x/invoice-9.pdf", 5, "2026-11-21T09:12:00Z");
        *question = conflict_question(facts, ("/y/invoice-9.pdf", 5, "2026-11-21T07:12:00Z"));
    })
}

fn collision(stage: &mut Stage) -> Asking {
    conflict_of(stage, |question| {
        question.target.path = FilePath::try_from("/upload/2026/incoming/INVOICE-9.pdf").unwrap();
        (question.is_collision, question.can_resume) = (true, false);
    })
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
    let failures =
        vec![FileFailure { path: "/home/bob/x".into(), why: "permission denied; ask who owns it".into(), ..FileFailure::default() }];
    JobProgress {
        title: "3 items from this machine:/home/bob/projects to files.example.com:/upload/2026/incoming".into(),
        state,
        files_done: 3,
        files_total: 12,
        bytes_done: 40_000_000,
        bytes_total: 90_000_000,
        rate: 3_200_000.0,
        remaining: Some(Duration::from_secs(16)),
        files: if state == JobState::Running {
            vec![FileProgress { name: "invoice-10.pdf".into(), done: 700_000, total: Some(1_310_000) }]
        } else {
            Vec::new()
        },
        report: (state == JobState::Failed).then(|| Report { done: 11, failed: 1, failures, bytes: 40_000_000, ..Report::default() }),
        ..JobProgress::waiting(JobId(id), JobKind::Copy, String::new())
    }
}

fn tick(stage: &mut Stage) {
    let waiting = JobProgress { files_done: 0, files_total: 0, bytes_done: 0, bytes_total: 0, ..job(3, JobState::Waiting) };
    let jobs = vec![job(1, JobState::Failed), job(2, JobState::Running), waiting, job(4, JobState::Cancelled), job(5, JobState::Finished)];
    stage.tell(Msg::Tick(Snapshot { jobs, limit: 2 << 20, at_once: 2 }));
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
    use crate::engine::TrustBasis;
    use crate::model::SecurityLevel;
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
        stage.app.panes[Side::Right as usize].face = Face::Sites { cursor: 0 };
        stage.keys("<tab>");
    });
    shown("connecting", |stage| {
        stage.app.panes[Side::Right as usize].face =
            Face::Connecting { url: url(), since: Duration::from_secs(1), password: None, retry: None };
    });
    shown("failed", |stage| {
        stage.app.panes[Side::Right as usize].face =
            Face::Failed { url: url(), password: None, advice: advice(), refusal: None, retry: None };
    });
}

#[test]
fn questions() {
    let password = || SecretPurpose::Password { user: "bob".into() };
    let passphrase = || SecretPurpose::KeyPassphrase { file: "~/.ssh/id_ed25519".into(), label: "bob@laptop".into() };
    asked("password", |stage| secret(stage, password(), 1), "hunter2");
    asked("password-again", |stage| secret(stage, password(), 2), "");
    asked("password-plain", plain_password, "");
    asked("password-hop", password_of_a_hop, "");
    asked("password-kept", |stage| to_be_kept(stage, false), "hunter2");
    asked("password-kept-was-wrong", |stage| to_be_kept(stage, true), "");
    let vault = || SecretPurpose::VaultPassphrase { file: "/home/bob/.local/share/sealift/vault".into() };
    asked("vault", |stage| secret(stage, vault(), 1), "");
    asked("passphrase", |stage| secret(stage, passphrase(), 1), "");
    asked("interactive", interactive, "x<enter>secret");
    asked("conflict", conflict, "");
    asked("conflict-alike", conflict, "<space>");
    asked("conflict-perhaps-zone", perhaps_zone, "");
    asked("conflict-collision", collision, "");
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
    shown("transfers-few-connections", |stage| {
        let crowded = vec![("ftpes://bob@files.example.com".to_owned(), 3)];
        stage.tell(Msg::Tick(Snapshot { jobs: vec![JobProgress { crowded, ..job(2, JobState::Running) }], ..Snapshot::default() }));
        stage.keys("w");
    });
    shown("transfers-failed", |stage| {
        tick(stage);
        stage.keys("w<tab><tab>jj");
    });
    shown("transfers-limit", |stage| {
        tick(stage);
        stage.keys("wLfast<enter>");
    });
    shown("transfers-eight", |stage| {
        let states = [
            JobState::Running,
            JobState::Running,
            JobState::Pausing,
            JobState::Paused,
            JobState::Waiting,
            JobState::Waiting,
            JobState::Held,
            JobState::Scheduled("2026-11-21T22:30:00Z".parse().unwrap()),
        ];
        let mut jobs: Vec<JobProgress> = (1..).zip(states).map(|(id, state)| job(id, state)).collect();
        for job in &mut jobs[4..] {
            (job.files_total, job.bytes_total, job.bytes_done) = (0, 0, 0);
        }
        jobs[0].priority = crate::engine::Priority::High;
        (jobs[0].limit, jobs[0].keeps_trying) = (500 << 10, true);
        jobs[1].counting = true;
        jobs[1].line = Some(crate::engine::LineWait { again_in: Duration::from_secs(12), attempt: 4 });
        stage.tell(Msg::Tick(Snapshot { jobs, limit: 2 << 20, at_once: 2 }));
        stage.keys("w");
    });
    shown("quit", |stage| {
        tick(stage);
        stage.keys("q");
    });
    shown("interrupted", |stage| stage.tell(Msg::Interrupted(crate::app::tests::interrupted::interrupted())));
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
