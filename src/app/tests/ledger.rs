//! The ledger's list: finding, sorting, removing, asking again, taking over; and that it is never out of date.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::inspector::certified;
use super::*;
use crate::app::dialog::{LedgerDialog, Mood, Standing, standing};
use crate::model::Endpoint;
use crate::trust::ledger::{Confirmation, Row, Subject};
use crate::trust::{Fingerprint, Verified, known_hosts};

/// A certificate that ends, one the keyring denies, a host key, a revoked one.
pub(crate) fn rows() -> Vec<Row> {
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let row = |subject, whom: &str| Row {
        subject,
        whom: whom.into(),
        fingerprint: Fingerprint::of(whom.as_bytes()),
        since: time("2026-11-02T10:00:00Z"),
        verified: Some(Verified::Blind),
        accepted: BTreeSet::new(),
        expires: None,
        last_seen: None,
        kept: "the ledger file".into(),
        confirmed: Confirmation::NoKeyring,
        certificate: None,
    };
    let line = |number| known_hosts::Place { file: "/home/bob/.ssh/known_hosts".into(), line: number };
    let certificate = |host: &str| Subject::Certificate(Endpoint::new(host, 21));
    vec![
        Row { expires: time("2027-06-01T00:00:00Z"), last_seen: time("2026-11-20T08:00:00Z"), ..row(certificate("host"), "host:21") },
        Row {
            expires: time("2026-12-01T00:00:00Z"),
            verified: Some(Verified::Fingerprint),
            accepted: BTreeSet::from([crate::trust::ProblemKind::SelfSigned]),
            ..row(certificate("bank.example"), "bank.example:21")
        },
        Row { confirmed: Confirmation::Denied, ..row(certificate("copied.example"), "copied.example:990") },
        Row {
            since: None,
            verified: None,
            kept: "/home/bob/.ssh/known_hosts line 3".into(),
            confirmed: Confirmation::NotApplicable,
            ..row(Subject::HostKey(line(3), "ssh-ed25519".into()), "[files.example.com]:2222,192.0.2.7")
        },
        Row { verified: None, confirmed: Confirmation::NotApplicable, ..row(Subject::RevokedHostKey(line(4), "ssh-rsa".into()), "*") },
    ]
}

fn ledger(screen: &Screen) -> &LedgerDialog {
    let Some(Dialog::Ledger(dialog)) = screen.app.dialog() else { panic!("no ledger") };
    dialog
}

fn shown(screen: &Screen) -> Vec<&str> {
    ledger(screen).shown().iter().map(|row| row.whom.as_str()).collect()
}

fn answer(screen: &mut Screen, done: Result<String, Advice>, rows: Vec<Row>) {
    let generation = ledger(screen).waiting.expect("it waits");
    screen.send(Msg::LedgerRead { generation, done, rows: Ok(rows) });
}

fn open() -> Screen {
    let mut screen = Screen::local(&["trust.json", "sub/"]);
    screen.keys("gt");
    assert_eq!(screen.orders(), ["ledger"]);
    answer(&mut screen, Ok(String::new()), rows());
    screen
}

#[test]
fn it_is_sorted_and_narrowed_and_the_cursor_stays_where_it_was() {
    let mut screen = open();
    assert_eq!(shown(&screen), ["*", "[files.example.com]:2222,192.0.2.7", "bank.example:21", "copied.example:990", "host:21"]);
    screen.keys("Gs");
    assert_eq!(shown(&screen)[..2], ["bank.example:21", "host:21"], "what ends first");
    assert_eq!(ledger(&screen).current().map(|row| row.whom.as_str()), Some("host:21"));
    screen.keys("s");
    assert_eq!(shown(&screen)[0], "host:21", "what was seen last");
    screen.keys("s/compared");
    assert_eq!(shown(&screen), ["bank.example:21"], "how it was verified is found too");
    screen.keys("<enter><esc>");
    assert_eq!(shown(&screen).len(), 5, "Esc drops the filter first");
    screen.keys("<esc>");
    assert!(screen.app.dialog().is_none());
}

#[test]
fn rows_tell_what_is_to_be_seen_to() {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let found: Vec<Standing> = rows().iter().map(|row| standing(row, now)).collect();
    assert_eq!(found, [Standing::Well, Standing::EndsSoon, Standing::Denied, Standing::Well, Standing::Revoked]);
    let later = "2028-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(standing(&rows()[0], later), Standing::Expired);
}

#[test]
fn removing_asks_first_and_shows_the_list_as_it_is_then() {
    let mut screen = open();
    screen.keys("Gd");
    let Some(Dialog::Forget(dialog)) = screen.app.dialog() else { panic!("no question") };
    assert!(dialog.words.iter().any(|words| words.contains("next connection")));
    screen.keys("<enter>");
    assert!(screen.orders().is_empty(), "Enter alone changes nothing");
    screen.keys("dy");
    assert_eq!(screen.orders(), ["ledger remove host:21"]);
    answer(&mut screen, Ok("removed".into()), rows().split_off(1));
    assert_eq!(shown(&screen).len(), 4);
    assert_eq!(ledger(&screen).said, Some((Mood::Good, "removed".into())));
    screen.keys("dy");
    answer(&mut screen, Err(advice("the keyring is locked")), rows());
    assert!(matches!(&ledger(&screen).said, Some((Mood::Danger, said)) if said.contains("locked")));
}

#[test]
fn a_line_for_several_hosts_says_that_all_are_forgotten() {
    let mut screen = open();
    screen.keys("jd");
    let Some(Dialog::Forget(dialog)) = screen.app.dialog() else { panic!("no question") };
    assert!(dialog.words.concat().contains("all of them"), "{:?}", dialog.words);
}

#[test]
fn asking_again_takes_what_a_connected_server_shows_now() {
    let mut screen = open();
    screen.keys("Gpy");
    assert_eq!(screen.orders(), ["ledger remove host:21"], "nobody is connected: the next connection asks");
    let mut screen = Screen::local(&["a"]);
    screen.keys("Oftpes://host<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection") };
    screen.send(Msg::Connected { pane: Side::Left, generation, session: certified(1), start: path("/") });
    screen.orders();
    screen.keys("gt");
    answer(&mut screen, Ok(String::new()), rows());
    screen.orders();
    screen.keys("Gpy");
    let shown = certified(1).peer.unwrap().evidence.identity.fingerprint();
    assert_eq!(screen.orders(), [format!("ledger accept host:21 {}", shown.short())]);
}

#[test]
fn a_row_is_looked_at_copied_written_and_taken_over() {
    let mut screen = open();
    screen.keys("G<enter>");
    let Some(Dialog::Inspector(dialog)) = screen.app.dialog() else { panic!("no inspector") };
    assert_eq!(dialog.title(), "host:21");
    screen.keys("<esc>y");
    assert_eq!(screen.orders(), [format!("clipboard {}", Fingerprint::of(b"host:21").colons())]);
    screen.keys("e<enter>");
    assert_eq!(screen.orders(), ["write /l/sealift-trust-1970-01-01.json the ledger"]);
    screen.keys("<esc>");
    screen.orders();
    screen.keys("<esc>ggjgt");
    answer(&mut screen, Ok(String::new()), rows());
    screen.orders();
    screen.keys("i<enter>");
    assert_eq!(screen.orders(), ["ledger import local /l/trust.json"]);
}

#[test]
fn closing_stops_reading_and_a_late_answer_is_dropped() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("gt");
    let generation = ledger(&screen).waiting.unwrap();
    screen.keys("<esc>");
    assert_eq!(screen.orders(), ["ledger", "stop looking"]);
    screen.send(Msg::LedgerRead { generation, done: Ok(String::new()), rows: Ok(rows()) });
    assert!(!screen.redraw && screen.app.dialog().is_none());
}
