//! The list of the server's clients: who waits first, what is asked before anything changes, and that it is never out of date.

use std::net::IpAddr;

use jiff::Timestamp;

use super::*;
use crate::app::dialog::{ClientState, ClientsDialog, Mood};
use crate::app::message::ClientsDone;
use crate::server::clients::{Client, Lists};
use crate::trust::{Certificate, Fingerprint, document};

const WAITING: &[u8] = include_bytes!("../../../tests/fixtures/certificates/openssl-default.pem");
const SIGNED: &[u8] = include_bytes!("../../../tests/fixtures/certificates/v1-signed.pem");
const EXPIRED: &[u8] = include_bytes!("../../../tests/fixtures/certificates/self-signed-expired.der");
const AUTHORITY: &[u8] = include_bytes!("../../../tests/fixtures/certificates/authority.pem");

fn certificate(file: &[u8]) -> Certificate {
    document::read("x.pem", file, Timestamp::UNIX_EPOCH).remove(0).certificate.unwrap()
}

pub(crate) fn authority() -> Certificate {
    certificate(AUTHORITY)
}

/// Two clients that wait, one that is trusted, an authority, and one that is refused and cannot be read.
pub(crate) fn lists() -> Lists {
    let client = |certificate, times| Client {
        certificate,
        since: "2026-11-02T10:00:00Z".parse().unwrap(),
        last_seen: (times > 0).then(|| "2026-11-20T08:00:00Z".parse().unwrap()),
        from: (times > 0).then_some(IpAddr::from([192, 0, 2, 7])),
        times,
    };
    Lists {
        pending: vec![client(certificate(WAITING), 3), client(certificate(SIGNED), 1)],
        trusted: vec![client(Certificate { der: EXPIRED.into() }, 0)],
        authorities: vec![client(authority(), 0)],
        refused: vec![client(Certificate { der: (*b"no certificate").into() }, 12)],
    }
}

fn clients(screen: &Screen) -> &ClientsDialog {
    let Some(Dialog::Clients(dialog)) = screen.app.dialog() else { panic!("no list of clients") };
    dialog
}

fn answer(screen: &mut Screen, done: Result<ClientsDone, Advice>, lists: Lists) {
    let generation = clients(screen).waiting.expect("it waits");
    screen.send(Msg::ClientsRead { generation, done, lists: Ok(lists) });
}

fn open() -> Screen {
    let mut screen = Screen::local(&["partner.pem", "sub/"]);
    screen.keys("jgp");
    assert_eq!(screen.orders(), ["clients"]);
    answer(&mut screen, Ok(ClientsDone::Read), lists());
    screen
}

fn asked(screen: &Screen) -> String {
    let Some(Dialog::Forget(dialog)) = screen.app.dialog() else { panic!("no question") };
    dialog.words.join("\n")
}

#[test]
fn who_waits_stands_first() {
    let screen = open();
    let states: Vec<ClientState> = clients(&screen).shown().iter().map(|row| row.state).collect();
    let expected = [ClientState::Pending, ClientState::Pending, ClientState::Trusted, ClientState::Authority, ClientState::Refused];
    assert_eq!(states, expected);
}

#[test]
fn each_decision_is_asked_about_with_the_fingerprint() {
    let waiting = Fingerprint::of(&certificate(WAITING).der);
    for (key, order) in [("t", "trust"), ("x", "refuse"), ("d", "forget")] {
        let mut screen = open();
        screen.keys(key);
        assert!(asked(&screen).contains(&waiting.colons()));
        screen.keys("<enter>");
        assert!(screen.orders().is_empty(), "Enter alone changes nothing");
        screen.keys(key);
        screen.keys("y");
        assert_eq!(screen.orders(), [format!("clients {order} {}", waiting.short())]);
    }
}

#[test]
fn the_cursor_stays_on_the_client_that_was_decided_upon() {
    let mut screen = open();
    screen.keys("ty");
    let mut lists = lists();
    lists.trusted.push(lists.pending.remove(0));
    answer(&mut screen, Ok(ClientsDone::Changed("it comes in".into())), lists.clone());
    let row = clients(&screen).current().unwrap();
    assert_eq!((row.state, &row.client.certificate), (ClientState::Trusted, &certificate(WAITING)));
    assert_eq!(clients(&screen).said, Some((Mood::Good, "it comes in".into())));
    screen.keys("dy");
    answer(&mut screen, Err(advice("the disk is full")), lists);
    assert!(matches!(&clients(&screen).said, Some((Mood::Danger, said)) if said.contains("full")));
}

#[test]
fn what_makes_no_sense_is_said_instead_of_asked() {
    for (keys, word) in [("jjt", "already"), ("jjjt", "already"), ("jjjx", "d forgets it"), ("Gx", "already")] {
        let mut screen = open();
        screen.keys(keys);
        assert!(matches!(&clients(&screen).said, Some((Mood::Plain, said)) if said.contains(word)), "{keys}");
    }
    let mut screen = open();
    screen.keys("Gty");
    assert_eq!(screen.orders().len(), 1, "who was refused can be let in");
}

#[test]
fn an_authority_is_looked_for_in_the_file_under_the_cursor_and_asked_about() {
    let mut screen = open();
    screen.keys("a<enter>");
    assert_eq!(screen.orders(), ["clients find local /l/partner.pem"]);
    answer(&mut screen, Ok(ClientsDone::Found(authority())), lists());
    assert!(asked(&screen).contains(&Fingerprint::of(&authority().der).colons()));
    screen.keys("y");
    assert!(screen.orders().is_empty(), "a key on its way when the question came up was not meant for it");
    screen.wait(600);
    screen.keys("y");
    assert_eq!(screen.orders(), ["clients trust authority"]);

    let mut screen = open();
    screen.keys("a<c-u>/etc/partners/ca.pem<enter>");
    assert_eq!(screen.orders(), ["clients find local /etc/partners/ca.pem"]);
    answer(&mut screen, Err(advice("no authority in it")), lists());
    assert!(matches!(&clients(&screen).said, Some((Mood::Danger, _))));
}

#[test]
fn a_client_is_inspected_copied_and_read_again() {
    let mut screen = open();
    screen.keys("j<enter>");
    let Some(Dialog::Inspector(dialog)) = screen.app.dialog() else { panic!("no inspector") };
    let fingerprint = Fingerprint::of(&certificate(SIGNED).der).colons();
    assert_eq!(dialog.fingerprint().as_ref(), Some(&fingerprint));
    screen.keys("<esc>yR");
    assert_eq!(screen.orders(), [format!("clipboard {fingerprint}"), "clients".to_owned()]);
    screen.keys("G<enter>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Inspector(_))), "one that cannot be read is shown, too");
}

#[test]
fn closing_stops_reading_and_a_late_answer_is_dropped() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("gp");
    let generation = clients(&screen).waiting.unwrap();
    screen.keys("<esc>");
    assert_eq!(screen.orders(), ["clients", "stop looking"]);
    screen.send(Msg::ClientsRead { generation, done: Ok(ClientsDone::Found(authority())), lists: Ok(lists()) });
    assert!(!screen.redraw && screen.app.dialog().is_none());
}
