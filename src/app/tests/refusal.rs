//! A server that refuses our certificate: what is shown, what is sent, and trying again by hand and by itself.

use std::time::Duration;

use super::*;
use crate::app::dialog::RefusalDialog;
use crate::app::pane::Face;
use crate::engine::{Refusal, Shown};
use crate::model::Endpoint;
use crate::protocols::CertificateRefusal;
use crate::trust::Fingerprint;

/// A refusal of a certificate, or a wish for one.
pub(crate) fn refusal(why: CertificateRefusal) -> Box<Refusal> {
    let shown = Shown {
        name: "payroll".into(),
        subject: "payroll.example.com".into(),
        issuer: None,
        fingerprint: Fingerprint::of(b"certificate"),
        file: "/home/bob/.local/share/sealift/identities/payroll/certificate.pem".into(),
        certificate: b"certificate".to_vec(),
        is_new: false,
    };
    Box::new(Refusal {
        endpoint: Endpoint::new("files.example.com", 21),
        why,
        authorities: vec!["Example CA".into()],
        said: "received fatal alert: UnknownCA".into(),
        shown: (why != CertificateRefusal::Wanted).then_some(shown),
    })
}

/// The right pane asked for a server that refused; nothing was answered yet.
fn refused(screen: &mut Screen, why: CertificateRefusal) {
    let generation = screen.app.pane(Side::Right).connecting;
    let (advice, refusal) = (advice("not trusted yet"), Some(refusal(why)));
    screen.send(Msg::ConnectFailed { pane: Side::Right, generation, advice, refusal });
}

fn connecting() -> Screen {
    let mut screen = Screen::local(&["a"]);
    screen.keys("<tab>Oftpes://bob@files.example.com/<enter>");
    assert_eq!(screen.orders(), ["connect ftpes://bob@files.example.com"]);
    screen
}

fn later(screen: &mut Screen, milliseconds: u64) {
    screen.wait(milliseconds);
    screen.send(Msg::Tick(Snapshot::default()));
}

fn dialog(screen: &Screen) -> Option<&RefusalDialog> {
    if let Some(Dialog::Refusal(dialog)) = screen.app.dialog() { Some(dialog) } else { None }
}

#[test]
fn the_administrator_is_sent_what_is_needed() {
    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::NotTrusted);
    screen.keys("yf");
    let orders = screen.orders();
    assert!(orders[0].starts_with("clipboard -----BEGIN CERTIFICATE-----"), "{orders:?}");
    assert_eq!(orders[1], format!("clipboard {}", Fingerprint::of(b"certificate").colons()));
    screen.keys("e<enter>");
    assert!(screen.orders()[0].starts_with("write /l/payroll.crt"));
    screen.keys("<esc><esc>");
    assert!(screen.app.dialog().is_none(), "the pane still says why");
    screen.keys("T");
    assert!(dialog(&screen).is_some(), "and T brings it back");
    screen.orders();
    screen.keys("r");
    assert_eq!(screen.orders(), ["connect ftpes://bob@files.example.com"]);
}

#[test]
fn one_that_wants_a_certificate_leads_to_the_identities() {
    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::Wanted);
    assert!(dialog(&screen).is_some_and(|dialog| dialog.next.contains("Press i")));
    screen.keys("y");
    assert!(screen.orders().is_empty(), "nothing was shown, so nothing is sent");
    screen.keys("i");
    assert_eq!(screen.orders(), ["identities"]);
}

#[test]
fn it_is_tried_again_until_the_server_takes_it() {
    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::NotTrusted);
    screen.keys("5");
    assert!(dialog(&screen).is_none());
    let every = Duration::from_secs(300);
    let due = screen.app.retries_at().expect("it is tried again");
    assert_eq!(due, screen.app.now.since_start + every);
    later(&mut screen, 299_000);
    assert!(screen.orders().is_empty());
    later(&mut screen, 1_000);
    assert_eq!(screen.orders(), ["connect ftpes://bob@files.example.com"]);
    refused(&mut screen, CertificateRefusal::NotTrusted);
    assert!(dialog(&screen).is_none(), "a refusal that was expected interrupts nobody");
    later(&mut screen, 300_000);
    assert_eq!(screen.orders(), ["connect ftpes://bob@files.example.com"]);
    let generation = screen.app.pane(Side::Right).connecting;
    screen.send(Msg::Connected { pane: Side::Right, generation, session: session(1), start: path("/") });
    assert!(screen.notice().contains("takes your certificate now"), "{}", screen.notice());
    assert_eq!(screen.app.retries_at(), None);
}

#[test]
fn another_failure_or_leaving_ends_the_trying() {
    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::NotTrusted);
    screen.keys("1");
    later(&mut screen, 60_000);
    let generation = screen.app.pane(Side::Right).connecting;
    screen.send(Msg::ConnectFailed { pane: Side::Right, generation, advice: advice("no such host"), refusal: None });
    assert_eq!(screen.app.retries_at(), None);
    assert!(matches!(&screen.app.pane(Side::Right).face, Face::Failed { retry: None, .. }));

    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::NotTrusted);
    screen.keys("1<esc>");
    assert_eq!(screen.app.retries_at(), None);
    later(&mut screen, 120_000);
    assert!(!screen.orders().iter().any(|order| order.starts_with("connect")));
}

#[test]
fn a_login_is_not_tried_again_by_itself() {
    let mut screen = connecting();
    refused(&mut screen, CertificateRefusal::AfterLogin);
    screen.keys("1");
    assert!(dialog(&screen).is_some_and(|dialog| dialog.said.as_ref().is_some_and(|(_, said)| said.contains("account may be locked"))));
    assert_eq!(screen.app.retries_at(), None);
    screen.keys("r");
    assert_eq!(screen.orders(), ["connect ftpes://bob@files.example.com"], "a person may");

    // One that let nobody log in until now, and then refuses the login.
    refused(&mut screen, CertificateRefusal::NotTrusted);
    screen.keys("1");
    later(&mut screen, 60_000);
    screen.orders();
    refused(&mut screen, CertificateRefusal::AfterLogin);
    assert_eq!((screen.app.retries_at(), dialog(&screen).is_some()), (None, true));
}
