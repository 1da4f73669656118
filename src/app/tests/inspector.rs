//! The inspector: what opens it, its pages and keys, what it waits for and what it writes.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::app::dialog::{About, Choices, InspectorDialog, Mood};
use crate::engine::facts::Peer;
use crate::model::Endpoint;
use crate::trust::document::{self, Document};
use crate::trust::{
    Certificate, ChainLink, Evidence, HandshakeStep, HostKey, LinkSignature, Origin, PeerIdentity, Pin, Remember, Revocation,
    RevocationSource, Verified,
};

const PEM: &[u8] = include_bytes!("../../../tests/fixtures/certificates/authority.pem");
const DER: &[u8] = include_bytes!("../../../tests/fixtures/certificates/self-signed-expired.der");

/// So many certificates, as a file would hold them.
pub(crate) fn documents(count: usize) -> Vec<Document> {
    document::read("bundle.pem", &PEM.repeat(count), Timestamp::UNIX_EPOCH)
}

/// A session whose peer showed a certificate that was pinned.
pub(crate) fn certified(id: u32) -> SessionFacts {
    let certificate = Certificate { der: DER.into() };
    let link = |origin, signature, name: &str, certificate| ChainLink { origin, name: name.into(), certificate, spki: None, signature };
    let mut evidence = Evidence::new(Endpoint::new("host", 21), PeerIdentity::Certificates(vec![certificate.clone()]));
    evidence.chain = vec![
        link(Origin::Sent { at: 0 }, LinkSignature::Unchecked, "host", Some(certificate)),
        link(Origin::Missing, LinkSignature::Unchecked, "Some Authority", None),
    ];
    evidence.tls.timeline = vec![HandshakeStep { what: "we sent ClientHello".into(), detail: String::new(), after: Duration::ZERO }];
    let pin = Pin::of(&evidence, Remember::Always, Verified::Fingerprint, Timestamp::UNIX_EPOCH);
    SessionFacts { peer: Some(Arc::new(Peer { evidence, pin: Some(pin), hops: Vec::new() })), ..session(id) }
}

fn connected(session: SessionFacts) -> Screen {
    let mut screen = Screen::local(&["a.txt", "id_ed25519.pub", "sub/"]);
    screen.keys("<tab>Oftpes://h<enter>");
    let Some(Effect::Connect { generation, .. }) = screen.effects.pop() else { panic!("no connection was ordered") };
    screen.send(Msg::Connected { pane: Side::Right, generation, session, start: path("/r") });
    screen.answer_listing(Side::Right, &["report.csv", "server.crt"]);
    screen.effects.clear();
    screen
}

fn dialog(screen: &Screen) -> &InspectorDialog {
    let Some(Dialog::Inspector(dialog)) = screen.app.dialog() else { panic!("no inspector") };
    dialog
}

fn names(screen: &Screen) -> Vec<&'static str> {
    dialog(screen).pages.iter().map(|page| page.name).collect()
}

fn said(screen: &Screen) -> (Mood, &str) {
    dialog(screen).said.as_ref().map(|(mood, said)| (*mood, said.as_str())).expect("something was said")
}

/// Everything a page says, in one text.
fn words(screen: &Screen) -> String {
    format!("{:?}", dialog(screen).current().expect("a page"))
}

fn generation(screen: &Screen) -> Generation {
    dialog(screen).waiting.expect("an answer is waited for")
}

#[test]
fn a_tls_connection_has_six_pages_and_keys_turn_them() {
    let mut screen = connected(certified(1));
    screen.keys("T");
    assert_eq!(names(&screen), ["Overview", "Certificate", "Connection", "Handshake", "Trust", "Revocation"]);
    assert_eq!(dialog(&screen).headline.mood, Mood::Good);
    screen.keys("<tab>l");
    assert_eq!(dialog(&screen).page, 2);
    screen.keys("h<s-tab><s-tab>");
    assert_eq!(dialog(&screen).page, 5, "round the corner");
    screen.keys("9");
    assert_eq!(dialog(&screen).page, 5, "there is no ninth");
    screen.keys("4");
    assert!(words(&screen).contains("we sent ClientHello"));
    screen.keys("5");
    assert!(words(&screen).contains("compared with a fingerprint"));
    screen.keys("<esc>");
    assert!(screen.app.dialog().is_none());
}

#[test]
fn the_chain_is_walked_and_each_part_has_its_own_description() {
    let mut screen = connected(certified(1));
    screen.keys("T2");
    assert!(matches!(&dialog(&screen).pages[1].choices, Choices::Chain(links) if links.len() == 2));
    screen.keys("yk");
    assert_eq!(dialog(&screen).chosen, 1, "up is towards the root");
    screen.keys("y");
    assert_eq!(said(&screen).0, Mood::Warning, "a missing certificate has no fingerprint");
    screen.keys("kj");
    assert_eq!(dialog(&screen).chosen, 0);
    screen.keys("y");
    let print = crate::trust::Fingerprint::of(DER).colons();
    assert_eq!(screen.orders(), vec![format!("clipboard {print}"); 2]);
}

#[test]
fn plain_ftp_says_that_nobody_is_known() {
    let plain = SessionFacts { trust: TrustBasis::Plain, level: SecurityLevel::None, peer: None, ..session(1) };
    let mut screen = connected(plain);
    screen.keys("T");
    assert_eq!((names(&screen), dialog(&screen).headline.mood), (vec!["Overview"], Mood::Danger));
    assert!(words(&screen).contains("reads the password"));
    screen.keys("yfec");
    assert!(dialog(&screen).comparing.is_none());
    assert!(screen.orders().is_empty(), "there is nothing to copy, write or check");
    screen.keys("<esc>yf");
    assert!(screen.notice().contains("plain FTP"));
}

#[test]
fn a_host_key_is_shown_with_the_hosts_on_the_way() {
    let identity = PeerIdentity::HostKey(HostKey::plain("ssh-ed25519", &b"key"[..]));
    let evidence = Evidence::new(Endpoint::new("host", 22), identity);
    let hop = crate::engine::facts::Hop {
        endpoint: Endpoint::new("jump.example", 22),
        fingerprint: crate::trust::Fingerprint::of(b"hop"),
        trust: TrustBasis::KnownHost,
    };
    let peer = Arc::new(Peer { evidence, pin: None, hops: vec![hop] });
    let mut screen = connected(SessionFacts { trust: TrustBasis::KnownHost, peer: Some(peer), ..session(1) });
    screen.keys("T3");
    assert_eq!(names(&screen), ["Overview", "Host key", "Connection", "Trust"]);
    assert!(words(&screen).contains("jump.example"));
    screen.keys("yc");
    let print = crate::trust::Fingerprint::of(b"key").openssh();
    assert_eq!(screen.orders(), [format!("clipboard {print}")]);
    assert!(said(&screen).1.contains("known_hosts"));
    screen.keys("f");
    screen.send(Msg::Paste(print));
    screen.keys("<enter>");
    assert_eq!(said(&screen).0, Mood::Good);
    screen.keys("<esc>");
    screen.keys("yf");
    assert!(screen.orders()[0].starts_with("clipboard SHA256:"));
}

#[test]
fn a_pasted_fingerprint_is_compared_with_what_is_shown() {
    let mut screen = connected(certified(1));
    let print = crate::trust::Fingerprint::of(DER);
    screen.keys("T");
    for (text, mood) in [
        (print.colons(), Mood::Good),
        (print.hex(), Mood::Good),
        (crate::trust::Fingerprint::of(b"x").hex(), Mood::Danger),
        ("?".into(), Mood::Warning),
    ] {
        screen.keys("f");
        screen.send(Msg::Paste(text.clone()));
        screen.keys("<enter>");
        assert_eq!(said(&screen).0, mood, "{text}");
    }
    screen.keys("fq<esc>");
    assert!(dialog(&screen).comparing.is_none(), "Esc leaves the field, not the dialog");
}

#[test]
fn revocation_is_asked_for_only_on_request_and_remembered() {
    let mut screen = connected(certified(1));
    screen.keys("T6");
    assert!(words(&screen).contains("not checked"));
    assert!(screen.orders().is_empty());
    screen.keys("cc");
    assert_eq!(screen.orders(), ["check host:21"], "once at a time");
    let revoked = Revocation::Revoked { source: RevocationSource::Fetched("http://x".into()), since: None, reason: None };
    screen.send(Msg::RevocationChecked { generation: Generation(999), result: Ok(Revocation::NotChecked) });
    screen.send(Msg::RevocationChecked { generation: generation(&screen), result: Ok(revoked) });
    assert_eq!(dialog(&screen).headline.mood, Mood::Danger);
    assert_eq!(said(&screen).0, Mood::Danger);
    screen.keys("<esc>T");
    assert_eq!(dialog(&screen).headline.mood, Mood::Danger, "the session knows it from now on");
}

#[test]
fn closing_while_an_answer_is_waited_for_stops_it_and_a_late_one_is_dropped() {
    let mut screen = connected(certified(1));
    screen.keys("T6c");
    let late = generation(&screen);
    screen.keys("<esc>");
    assert_eq!(screen.orders(), ["check host:21", "stop looking"]);
    screen.send(Msg::RevocationChecked { generation: late, result: Ok(Revocation::NotChecked) });
    assert!(!screen.redraw && screen.app.dialog().is_none());
}

#[test]
fn files_of_certificates_and_keys_are_inspected_here_and_there() {
    let mut screen = connected(certified(1));
    screen.keys("j<enter>");
    assert_eq!(screen.orders(), ["inspect #1 /r/server.crt"]);
    assert_eq!(names(&screen), ["File"]);
    screen.send(Msg::Inspected { generation: generation(&screen), result: Ok(documents(2)) });
    assert_eq!(names(&screen), ["Contents", "File"]);
    assert!(matches!(&dialog(&screen).pages[0].choices, Choices::Documents(found) if found.len() == 2));
    screen.keys("jj");
    assert_eq!(dialog(&screen).chosen, 1);
    screen.keys("T");
    assert!(matches!(dialog(&screen).about, About::Connection { .. }), "T again is the connection");
    screen.keys("<esc>kT");
    assert!(matches!(dialog(&screen).about, About::Connection { .. }), "a table is no certificate");
    screen.keys("<esc><tab>ggjT");
    assert_eq!(screen.orders(), ["inspect local /l/a.txt"], "T always tries, where there is no connection to show");
    screen.send(Msg::Inspected { generation: generation(&screen), result: Ok(Vec::new()) });
    assert_eq!(names(&screen), ["File"]);
    screen.keys("<esc>jT");
    screen.send(Msg::Inspected { generation: generation(&screen), result: Err(advice("no such file")) });
    assert_eq!((names(&screen), dialog(&screen).headline.mood), (vec!["File"], Mood::Danger));
}

#[test]
fn what_is_shown_is_written_to_a_new_file_beside() {
    let mut screen = connected(certified(1));
    screen.keys("Te");
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("no export") };
    let forms: Vec<_> = export.forms.iter().map(|form| (form.label, form.name.as_str())).collect();
    assert_eq!(forms, [("PEM", "host.pem"), ("DER", "host.der"), ("JSON", "host.json")]);
    assert_eq!(export.dir, path("/l"), "the local pane's folder");
    screen.keys("<tab><enter><enter>");
    assert_eq!(screen.orders(), [format!("write /l/host.der {} bytes", DER.len())], "once");
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("no export") };
    let generation = export.waiting.unwrap();
    screen.send(Msg::FileWritten { generation, path: path("/l/host.der"), result: Err(advice("there is such a file")) });
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("closed") };
    assert_eq!(export.error.as_deref(), Some("there is such a file"));
    screen.keys("<c-u>mine.der<tab>");
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("closed") };
    assert_eq!(export.input.text(), "mine.der", "a name of one's own stays");
    screen.keys("<s-tab><enter>");
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("closed") };
    let generation = export.waiting.unwrap();
    screen.orders();
    screen.send(Msg::FileWritten { generation, path: path("/l/mine.der"), result: Ok(()) });
    assert_eq!(said(&screen), (Mood::Good, "written: /l/mine.der"));
    assert_eq!(screen.orders(), ["list Left local /l"]);
}

#[test]
fn json_and_pem_are_what_other_programs_read() {
    let mut session = certified(1);
    let authority = documents(1)[0].certificate.clone().unwrap();
    let peer = Arc::make_mut(session.peer.as_mut().unwrap());
    peer.evidence.identity = PeerIdentity::Certificates(vec![Certificate { der: DER.into() }, authority.clone()]);
    let mut screen = connected(session);
    screen.keys("Te");
    let Some(Dialog::Export(export)) = screen.app.dialog() else { panic!("no export") };
    let content = |label| match &export.forms.iter().find(|form| form.label == label).unwrap().content {
        effect::FileContent::Bytes(bytes) => bytes.clone(),
        effect::FileContent::Ledger | effect::FileContent::Plan(_) => panic!("no document"),
    };
    let again = document::read("x.pem", &content("PEM"), Timestamp::UNIX_EPOCH);
    assert_eq!(again[0].certificate.as_ref().map(|certificate| &*certificate.der), Some(DER));
    let chain: Vec<_> = document::read("x.pem", &content("chain"), Timestamp::UNIX_EPOCH).into_iter().map(|one| one.certificate).collect();
    assert_eq!(chain, [Some(Certificate { der: DER.into() }), Some(authority)]);
    let json: serde_json::Value = serde_json::from_slice(&content("JSON")).unwrap();
    assert_eq!(json["sha256"], crate::trust::Fingerprint::of(DER).hex());
    assert_eq!(json["revocation"], "not checked");
}
