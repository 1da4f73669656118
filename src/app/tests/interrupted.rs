//! What earlier runs left unfinished: offered once, gone on with, left, or forgotten after being asked twice.

use jiff::Timestamp;

use super::{Screen, advice, path, session};
use crate::app::{Dialog, Msg};
use crate::engine::{ConflictPolicy, FileRecord, GoneOn, Interrupted, JobId, JobKind, JobOptions, JobRecord, Order, Report, Spot, Tag};

/// Two transfers, one of a file that is 41% there.
pub(crate) fn interrupted() -> Vec<Interrupted> {
    let record = |kind, items: &[&str], place| JobRecord {
        order: Order {
            kind,
            from: Spot { site: None, dir: path("/home/bob/out") },
            items: items.iter().map(|&item| item.try_into().unwrap()).collect(),
            to: Spot { site: Some(super::url("ftpes://bob@files.example.com/").site), dir: path("/in") },
            new_name: None,
            conflicts: ConflictPolicy::Ask,
            options: JobOptions::default(),
        },
        title: String::new(),
        place,
        ordered: Timestamp::from_second(1_795_253_000).unwrap(),
        failures: Vec::new(),
    };
    let file = FileRecord { part: path("/in/.payroll.tar.part"), size: Some(1000), modified: None, moved: 415, good: None, in_order: true };
    let mut broken = record(JobKind::Move, &["a", "b", "c"], 2);
    broken.failures.push("Cannot write /in/b: the connection was lost".to_owned());
    vec![
        Interrupted { tag: Tag(1), job: record(JobKind::Copy, &["payroll.tar"], 1), files: vec![(path("/in/payroll.tar"), file)] },
        Interrupted { tag: Tag(2), job: broken, files: Vec::new() },
    ]
}

fn offered() -> Screen {
    let mut screen = Screen::local(&["a"]);
    screen.send(Msg::Interrupted(interrupted()));
    screen.wait(1_000);
    screen
}

#[test]
fn one_key_goes_on_leaves_it_or_forgets_it_after_a_second_one() {
    for (keys, orders) in [
        ("<enter>", vec!["go on with 2"]),
        ("g", vec!["go on with 2"]),
        ("l", vec![]),
        ("<esc>", vec![]),
        ("<tab><enter>", vec![]),
        ("f<esc>", vec![]),
        ("ff", vec!["forget 2 interrupted"]),
        ("<tab><tab><enter><enter>", vec!["forget 2 interrupted"]),
        ("f<tab>", vec![]),
    ] {
        let mut screen = offered();
        screen.keys(keys);
        assert_eq!(screen.orders(), orders, "{keys}");
        assert_eq!(screen.app.dialogs.is_empty(), keys != "f<tab>", "{keys}");
    }
}

#[test]
fn keys_typed_ahead_decide_nothing() {
    let mut screen = Screen::local(&["a"]);
    screen.send(Msg::Interrupted(interrupted()));
    screen.keys("ff<enter>g");
    assert!(screen.effects.is_empty());
    assert!(matches!(screen.app.dialogs[..], [Dialog::Interrupted(_)]));
    screen.send(Msg::Interrupted(Vec::new()));
    assert_eq!(screen.app.dialogs.len(), 1, "nothing left is nothing to offer");
}

#[test]
fn what_is_open_already_stays_in_front() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("?");
    screen.send(Msg::Interrupted(interrupted()));
    assert!(matches!(screen.app.dialogs[..], [Dialog::Interrupted(_), Dialog::Help(_)]));
}

#[test]
fn sites_that_were_connected_for_it_are_let_go_when_it_is_through() {
    let mut screen = offered();
    screen.keys("g");
    screen.effects.clear();
    screen.send(Msg::GoneOn(GoneOn { jobs: vec![JobId(1)], sessions: vec![session(5)], not: Vec::new() }));
    assert_eq!(screen.notice(), "1 transfer goes on; w shows how far it is");
    assert!(screen.app.is_animating() && screen.app.sessions.len() == 1);
    screen.send(Msg::JobEnded { id: JobId(1), report: Report::default(), changed: Vec::new() });
    assert!(!screen.app.is_animating() && screen.app.sessions.is_empty());
}

#[test]
fn what_is_not_gone_on_with_is_told() {
    let mut screen = offered();
    screen.send(Msg::GoneOn(GoneOn { not: vec![advice("payroll.tar is not gone on with")], ..GoneOn::default() }));
    assert_eq!(screen.notice(), "payroll.tar is not gone on with");
}
