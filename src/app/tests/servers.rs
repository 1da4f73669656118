//! Connecting, losing the line, disconnecting.

use super::super::pane::Face;
use super::*;
use crate::secrets::Secret;

fn sites() -> Vec<SiteChoice> {
    let site = |label: &str, address: &str, password: Option<&str>| SiteChoice {
        label: label.to_owned(),
        note: String::new(),
        url: url(address),
        password: password.map(|text| Secret::new(text.to_owned())),
        is_kept: false,
    };
    vec![site("one", "ftpes://demo@127.0.0.1:2121", Some("demo")), site("two", "sftp://h", None)]
}

fn screen() -> Screen {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Sites(sites()));
    screen.answer_listing(Side::Left, &["a"]);
    screen.effects.clear();
    screen
}

#[test]
fn enter_on_a_site_connects_and_lists() {
    let mut screen = screen();
    screen.connect("<enter>", 1);
    assert_eq!(screen.orders(), ["connect ftpes://demo@127.0.0.1:2121 +password", "list Right #1 /home/me"]);
    assert_eq!(screen.app.session(Place::Remote(SessionId(1))).map(|session| session.facts.protection.as_str()), Some("TLS1.3"));
    assert_eq!(screen.app.place_name(Place::Remote(SessionId(1))), "ftpes://me@host");
    screen.keys("T");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Inspector(_))));
}

#[test]
fn a_wrong_url_says_why_and_a_password_in_one_is_not_remembered() {
    let mut screen = screen();
    screen.keys("Ohost<enter>");
    let Some(Dialog::Connect(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert!(dialog.error.as_ref().is_some_and(|error| error.contains("sftp://")));
    screen.keys("<c-u>sftp://me:secret@h/x<enter>");
    assert_eq!(screen.orders(), ["connect sftp://me@h +password"]);
    assert!(screen.notice().contains("password"));
    screen.keys("<esc>O<up>");
    let Some(Dialog::Connect(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert_eq!(dialog.input.text(), "sftp://me@h/x");
}

#[test]
fn the_name_of_a_site_stands_for_its_url() {
    let mut screen = screen();
    screen.keys("Otwo<enter>");
    assert_eq!(screen.orders(), ["connect sftp://h"]);
    screen.keys("<esc>OTWO:/x/y<enter>");
    assert_eq!(screen.orders().last().map(String::as_str), Some("connect sftp://h"));
    screen.keys("<esc>O<up>");
    let Some(Dialog::Connect(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert_eq!(dialog.input.text(), "sftp://h/x/y");
}

#[test]
fn a_connection_given_up_that_still_comes_is_let_go() {
    let mut screen = screen();
    screen.keys("<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection") };
    screen.keys("<esc>");
    assert!(matches!(screen.app.pane(Side::Right).face, Face::Sites { .. }));
    screen.send(Msg::Connected { pane: Side::Right, generation, session: session(4), start: path("/") });
    assert_eq!(screen.orders(), ["cancel Right", "disconnect #4"]);
    assert!(screen.app.sessions.is_empty());
}

#[test]
fn a_failed_connection_says_why_can_be_tried_again_and_left() {
    let mut screen = screen();
    screen.keys("<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection") };
    screen.send(Msg::ConnectFailed { pane: Side::Right, generation, advice: advice("refused"), refusal: None });
    assert!(matches!(&screen.app.pane(Side::Right).face, Face::Failed { advice, .. } if advice.what == "refused"));
    assert_eq!(screen.notice(), "refused");
    screen.keys("<enter>");
    assert_eq!(screen.orders(), ["connect ftpes://demo@127.0.0.1:2121 +password"], "with the password it had");
    screen.keys("<esc>");
    assert!(matches!(screen.app.pane(Side::Right).face, Face::Sites { .. }));
}

#[test]
fn a_failed_connection_hides_nothing_that_was_told_meanwhile() {
    let mut screen = screen();
    screen.keys("<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection") };
    screen.send(Msg::Notice(advice("a client waits")));
    screen.send(Msg::ConnectFailed { pane: Side::Right, generation, advice: advice("refused"), refusal: None });
    assert_eq!(screen.notice(), "a client waits");
    assert!(matches!(&screen.app.pane(Side::Right).face, Face::Failed { .. }));
}

#[test]
fn rejecting_an_identity_brings_the_pane_back_without_alarm() {
    let mut screen = screen();
    screen.keys("<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection") };
    let rejected = Advice { intended: true, ..advice("rejected") };
    screen.send(Msg::ConnectFailed { pane: Side::Right, generation, advice: rejected, refusal: None });
    assert!(matches!(screen.app.pane(Side::Right).face, Face::Sites { .. }));
    assert_eq!(screen.notice(), "rejected");
}

#[test]
fn a_session_stays_while_a_pane_shows_it() {
    let mut screen = screen();
    screen.connect("<enter>", 1);
    screen.answer_listing(Side::Right, &["x"]);
    screen.keys("go");
    screen.answer_listing(Side::Left, &["x"]);
    screen.orders();
    screen.keys("gd");
    assert!(screen.orders().is_empty() && screen.notice().contains("stays connected"));
    screen.keys("<tab>gd");
    assert_eq!(screen.orders(), ["disconnect #1"]);
    screen.keys("S<end><enter>");
    assert_eq!(
        screen.effects.iter().map(short).collect::<Vec<_>>(),
        ["sites", "list Left local /l"],
        "back to where it was on this machine"
    );
    screen.answer_listing(Side::Left, &[]);
    screen.orders();
    screen.keys("H");
    assert!(screen.orders().iter().all(|order| !order.contains('#')), "history does not lead to a closed session");
}

#[test]
fn a_session_that_jobs_may_use_is_let_go_when_they_are_through() {
    let mut screen = screen();
    screen.connect("<enter>", 1);
    screen.answer_listing(Side::Right, &["x"]);
    screen.keys("c<enter>gd");
    assert!(!screen.orders().iter().any(|order| order.starts_with("disconnect")));
    screen.send(Msg::JobEnded { id: crate::engine::JobId(0), report: crate::engine::Report::default(), changed: Vec::new() });
    assert_eq!(screen.orders(), ["disconnect #1"]);
}

#[test]
fn a_lost_line_is_shown_and_told_once_it_stands_again() {
    let mut screen = screen();
    screen.connect("<enter>", 1);
    let id = SessionId(1);
    screen.send(Msg::SessionLine { id, lost: Some(advice("line lost")) });
    assert_eq!(screen.app.session(Place::Remote(id)).and_then(|session| session.lost.clone()), Some(advice("line lost")));
    screen.send(Msg::SessionLine { id, lost: None });
    assert!(screen.notice().contains("again"));
    assert_eq!(screen.app.session(Place::Remote(id)).and_then(|session| session.lost.clone()), None);
}

#[test]
fn urls_go_to_the_clipboard_and_files_are_described() {
    let mut screen = screen();
    screen.connect("<enter>", 1);
    screen.answer_listing(Side::Right, &["x y"]);
    screen.keys("yu");
    assert_eq!(screen.orders().last().map(String::as_str), Some("clipboard ftpes://me@host/home/me/x%20y"));
    screen.keys("<enter>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Facts(_))), "Enter transfers nothing and runs nothing");
}

#[test]
fn a_url_at_the_start_connects_at_once() {
    let screen = Screen::new(StartPane::Url(url("sftp://h/x")), StartPane::Local(path("/")));
    assert!(matches!(&screen.effects[0], Effect::Connect { pane: Side::Left, .. }));
    assert!(screen.app.is_animating());
}
