//! Comparing the panes, the list of differences, and panes that go together.

use std::sync::Arc;

use super::*;
use crate::app::dialog::{SyncLine, SyncPlanDialog};
use crate::engine::Report;
use crate::engine::sync::{Deletion, Direction, Effect as Comes, Plan, Staged, SyncOptions};

/// A plan as a file has it.
pub(crate) fn plan() -> Plan {
    let end = |name: &str, dir: &str| format!(r#"{{"name":"{name}","dir":"{dir}","clock":{{"precision":1,"shift":0,"skew":0}}}}"#);
    let file = |size: u64, time: &str| format!(r#"{{"kind":"file","size":{size},"modified":"{time}"}}"#);
    let (old, new) = ("2026-11-20T08:00:00Z", "2026-11-21T09:30:00Z");
    let row = |path: &str, action: &str, found: &str, sides: &str| {
        format!(r#"{{"path":"{path}","action":"{action}","effect":"","found":"{found}","proposed":"{action}",{sides}}}"#)
    };
    let dir = r#""left":{"kind":"dir"}"#;
    let rows = [
        row("gone.csv", "delete-right", "right-only", &format!(r#""right":{}"#, file(9_000, old))),
        row("kind", "leave", "kind-differs", &format!(r#"{dir},"right":{}"#, file(1, old))),
        row("report.pdf", "copy-right", "left-newer", &format!(r#""left":{},"right":{}"#, file(340_000_000, new), file(330_000_000, old))),
        row("theirs.txt", "leave", "right-newer", &format!(r#""left":{},"right":{}"#, file(10, old), file(11, new))),
        row("2026/q4/a.csv", "copy-right", "left-only", &format!(r#""left":{}"#, file(1_200, new))),
        row("2026/q4/b.csv", "copy-right", "left-only", &format!(r#""left":{}"#, file(2_400, new))),
        row("new", "copy-right", "left-only", dir),
        row("new/deep", "copy-right", "left-only", dir),
        row("new/deep/c.csv", "copy-right", "left-only", &format!(r#""left":{}"#, file(77, new))),
        row("zone.txt", "leave", "whole-hours", &format!(r#""left":{},"right":{}"#, file(5, old), file(5, new))),
    ];
    let head = format!(
        r#"{{"sealift_plan":1,"made":"{new}","left":{},"right":{},"options":{{"direction":"right","deletion":"trash"}},"same":1200}}"#,
        end("/home/bob/projects", "/home/bob/projects"),
        end("ftpes://bob@files.example.com/upload", "/upload"),
    );
    let foot = r#"{"summary":{"rows":10,"create":0,"update":0,"delete":0,"conflict":0,"clock_doubt":0,"left":0,"same":0,"bytes":0}}"#;
    let text = [&[head][..], &rows, &[foot.to_owned()]].concat().join("\n") + "\n";
    Plan::read(&mut text.as_bytes()).unwrap()
}

fn dialog(screen: &Screen) -> &SyncPlanDialog {
    match screen.app.dialogs.last() {
        Some(Dialog::SyncPlan(dialog)) => dialog,
        _ => panic!("the list of differences is not on top"),
    }
}

/// A comparison that found [`plan`].
fn compared() -> Screen {
    let mut screen = Screen::local(&["a"]);
    screen.keys("C<c-s>");
    let generation = ordered(&screen).0;
    screen.send(Msg::Compared { generation, result: Ok(Box::new(plan())) });
    screen
}

fn ordered(screen: &Screen) -> (Generation, SyncOptions) {
    let found = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::Compare { generation, order, .. } => Some((*generation, order.options.clone())),
        _ => None,
    });
    found.expect("a comparison was ordered")
}

#[test]
fn the_form_orders_what_was_chosen_towards_the_other_pane() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("<tab>C<tab><right><tab><tab>*.tmp build/<c-s>");
    let options = ordered(&screen).1;
    assert_eq!((options.direction, options.deletion), (Direction::Left, Deletion::Trash));
    assert_eq!(options.rules.exclude, ["*.tmp", "build/"]);
    assert!(screen.app.is_animating(), "the progress is drawn");
    let generation = ordered(&screen).0;
    screen.keys("<esc>");
    assert!(screen.app.dialogs.is_empty());
    assert!(matches!(screen.effects.last(), Some(Effect::StopLooking(stopped)) if *stopped == generation));
    screen.send(Msg::Compared { generation, result: Ok(Box::new(plan())) });
    assert!(screen.app.dialogs.is_empty(), "nobody waits for it any more");
}

#[test]
fn sizes_and_dates_are_left_out_as_the_form_says() {
    use crate::engine::sync::Moment;
    let mut screen = Screen::local(&["a"]);
    screen.keys("C<tab><tab><tab><tab><tab>10K<tab>2M<tab>7d<tab>2026-11-30<c-s>");
    let order =
        screen.effects.iter().find_map(|effect| if let Effect::Compare { order, .. } = effect { Some(order.clone()) } else { None });
    let order = order.expect("a comparison was ordered");
    assert_eq!((order.options.rules.min_size, order.options.rules.max_size), (Some(10 << 10), Some(2 << 20)));
    assert_eq!((order.newer_than, order.older_than), (Moment::parse("7d"), Moment::parse("2026-11-30")));
    for wrong in ["much", "<tab>-1", "<tab><tab>soon", "<tab><tab><tab>7 moons"] {
        let mut screen = Screen::local(&["a"]);
        screen.keys(&format!("C<tab><tab><tab><tab><tab>{wrong}<c-s>"));
        assert!(matches!(screen.app.dialogs.last(), Some(Dialog::SyncForm(_))), "{wrong}");
    }
}

#[test]
fn a_pattern_that_cannot_be_read_and_folders_that_overlap_are_refused() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("C<tab><tab><tab>{a<c-s>");
    assert!(matches!(screen.app.dialogs.last(), Some(Dialog::SyncForm(_))));
    let mut screen = Screen::local(&["a"]);
    screen.keys("go");
    screen.answer_listing(Side::Right, &["a"]);
    screen.keys("C");
    assert!(screen.app.dialogs.is_empty());
}

#[test]
fn rows_are_taken_out_turned_round_and_found_by_kind() {
    let mut screen = compared();
    let words = |screen: &Screen| dialog(screen).totals.words();
    assert_eq!(
        words(&screen),
        "5 to create, 1 to update, 1 to delete, 340 MB, 2 conflicts, 1 clock doubt"
            .replace("340 MB", &crate::model::bytes::size_in_words(340_003_677))
    );
    screen.keys("<space>");
    assert_eq!((dialog(&screen).totals.of(Comes::Delete), dialog(&screen).totals.of(Comes::Left), dialog(&screen).cursor), (0, 1, 1));
    screen.keys("<space>");
    assert_eq!(dialog(&screen).totals.of(Comes::Conflict), 2, "a conflict that cannot be decided stays one");
    screen.keys("G<left>");
    assert_eq!(dialog(&screen).totals.of(Comes::ClockDoubt), 0);
    assert_eq!(dialog(&screen).totals.of(Comes::Update), 2);
    // A folder takes along what is below.
    let new = (0..dialog(&screen).len()).find(|&at| dialog(&screen).line(at) == Some(SyncLine::Row(6))).unwrap();
    for _ in 0..20 {
        screen.keys("k");
    }
    for _ in 0..new {
        screen.keys("j");
    }
    screen.keys("<space>");
    assert_eq!(dialog(&screen).totals.of(Comes::Create), 2);
    screen.keys("<space>f");
    assert_eq!((dialog(&screen).only, dialog(&screen).len()), (Some(Comes::Create), 6), "five rows, and the folder of two of them");
    screen.keys("fff");
    screen.keys("aa");
    assert!(dialog(&screen).totals.changes() > 0);
}

#[test]
fn it_is_carried_out_only_after_a_yes_and_told() {
    let mut screen = compared();
    screen.keys("<enter><enter>");
    assert!(!screen.effects.iter().any(|effect| matches!(effect, Effect::Synchronise { .. })), "Enter alone says no");
    screen.keys("<enter>y");
    assert!(screen.app.dialogs.is_empty());
    let Some(Effect::Synchronise { plan: ordered, .. }) = screen.effects.last() else { panic!("it is ordered") };
    assert_eq!(ordered.len(), 10);
    assert!(screen.app.is_animating());
    screen.keys("q");
    assert!(matches!(screen.app.dialogs.pop(), Some(Dialog::Quit(_))), "quitting would stop it");
    let report = Report { done: 6, failed: 1, bytes: 10, ..Report::default() };
    screen.send(Msg::Synchronised(Box::new(Staged { report, not_begun: true })));
    let notice = screen.app.notice.as_ref().unwrap();
    assert!(notice.advice.what.starts_with("1 item failed; synchronised 6 items") && notice.advice.why.contains("Nothing was deleted"));
    assert!(!screen.app.is_animating() || screen.app.panes.iter().any(Pane::is_waiting));
}

#[test]
fn a_plan_is_kept_as_a_file() {
    let mut screen = compared();
    screen.keys("<space>s<enter>");
    let Some(Effect::WriteFile { content: effect::FileContent::Plan(kept), .. }) = screen.effects.last() else { panic!("it is written") };
    assert_eq!(kept.totals().of(Comes::Left), 1);
    assert_eq!(Arc::strong_count(kept) - 1, 2, "the list and the dialog that asks for the name");
}

fn dirs(screen: &Screen) -> (String, String) {
    let dir = |side| screen.app.pane(side).folder.as_ref().unwrap().dir.display();
    (dir(Side::Left), dir(Side::Right))
}

/// Both panes linked: `/l` and `/r`, which has the folder `both` only.
fn linked() -> Screen {
    let mut screen = Screen::new(StartPane::Local(path("/top/l")), StartPane::Local(path("/top/r")));
    screen.answer_listing(Side::Left, &["both/", "left/"]);
    screen.answer_listing(Side::Right, &["both/"]);
    screen.keys("Y");
    screen.effects.clear();
    screen
}

#[test]
fn panes_that_go_together_enter_and_leave_together() {
    let mut screen = linked();
    assert!(screen.app.is_together());
    screen.keys("l");
    assert_eq!(dirs(&screen), ("/top/l/both".into(), "/top/r/both".into()));
    screen.answer_listing(Side::Left, &["x/"]);
    screen.answer_listing(Side::Right, &["x/"]);
    screen.keys("<tab>h");
    assert_eq!(dirs(&screen), ("/top/l".into(), "/top/r".into()));
    screen.answer_listing(Side::Left, &["both/", "left/"]);
    screen.answer_listing(Side::Right, &["both/"]);
    screen.keys("h");
    assert_eq!(dirs(&screen), ("/top".into(), "/top".into()), "above the folders that were linked, too");
    screen.keys("Y");
    assert!(!screen.app.is_together());
}

#[test]
fn a_folder_that_is_missing_is_told_and_made_with_a_key() {
    let mut screen = linked();
    screen.keys("jl");
    assert_eq!(dirs(&screen), ("/top/l/left".into(), "/top/r".into()));
    assert!(screen.app.notice.as_ref().unwrap().advice.what.contains("no folder left; gm makes it"));
    screen.keys("gm");
    let made = screen.effects.iter().any(|effect| matches!(effect, Effect::MakeDir { path: made, .. } if *made == path("/top/r/left")));
    assert!(made);
    screen.send(Msg::OperationEnded { what: "made".into(), result: Ok(()), changed: vec![] });
    assert_eq!(dirs(&screen).1, "/top/r/left");
}

#[test]
fn a_pane_that_goes_elsewhere_ends_it_and_a_swap_does_not() {
    let mut screen = linked();
    screen.keys("gx");
    assert!(screen.app.is_together());
    screen.keys("l");
    assert!(screen.app.is_together());
    let mut screen = linked();
    screen.keys("go");
    assert!(!screen.app.is_together(), "the other pane went into another tree");
}
