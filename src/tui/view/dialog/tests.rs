//! The inspector, the ledger and the clients of the server as a person sees them, on a whole screen and on a small one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::dialog::RefusalDialog;
use crate::app::effect::SecretWork;
use crate::app::message::{ClientsDone, KeptSecrets, SecretsDone};
use crate::app::tests::{clients, identities, inspector, ledger, refusal, secrets, sites};
use crate::app::{Dialog, Effect, Msg, Side, SitesDone};
use crate::engine::facts::{Hop, Peer};
use crate::engine::{Advice, ConnectFailure, IdentityRow, SessionId, TrustBasis};
use crate::model::entry::Kind;
use crate::model::{Endpoint, Entry, SecurityLevel};
use crate::protocols::CertificateRefusal;
use crate::server::clients::Lists;
use crate::trust::evidence::Remembered;
use crate::trust::ledger::Row;
use crate::trust::{
    Certificate, ChainLink, Change, ClientCertificate, Evidence, Fingerprint, HandshakeStep, HostKey, LinkSignature, Origin, PeerIdentity,
    Pin, Problem, ProblemKind, Remember, Revocation, RevocationSource, TlsFacts, Verified,
};
use crate::tui::fixture::Stage;

const SIZES: [(u16, u16); 2] = [(80, 24), (40, 12)];
const LEAF: &[u8] = include_bytes!("../../../../tests/fixtures/certificates/self-signed-expired.der");

fn shown(name: &str, prepare: impl Fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        prepare(&mut stage);
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), stage.screen(columns, rows));
    }
}

fn now() -> Timestamp {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

fn authority() -> Certificate {
    inspector::documents(1)[0].certificate.clone().unwrap()
}

fn timeline() -> Vec<HandshakeStep> {
    let step =
        |what: &str, detail: &str, after| HandshakeStep { what: what.into(), detail: detail.into(), after: Duration::from_micros(after) };
    vec![
        step("we sent ClientHello", "TLS1.3, TLS1.2; key exchange X25519MLKEM768, X25519", 200),
        step("the server sent ServerHello", "TLS1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768", 31_400),
        step("the server sent CertificateRequest", "2 authorities", 31_500),
        step("the server sent Finished", "", 33_000),
    ]
}

fn evidence() -> Evidence {
    let leaf = Certificate { der: LEAF.into() };
    let link = |origin, signature, name: &str, certificate| ChainLink { origin, name: name.into(), certificate, spki: None, signature };
    let problem = |kind, text: &str| Problem { kind, at: 0, text: text.into() };
    Evidence {
        problems: vec![
            problem(ProblemKind::UnknownIssuer, "no authority this machine trusts vouches for it"),
            problem(ProblemKind::Expired, "its time is over since 2026-01-01"),
        ],
        chain: vec![
            link(Origin::Sent { at: 0 }, LinkSignature::Valid, "files.example.com", Some(leaf.clone())),
            link(Origin::Sent { at: 1 }, LinkSignature::Unchecked, "Example Issuing CA", Some(authority())),
            link(Origin::Missing, LinkSignature::Unchecked, "Example Root", None),
        ],
        tls: TlsFacts {
            peer_address: None,
            version: Some("TLS1.3".into()),
            suite: Some("TLS_AES_256_GCM_SHA384".into()),
            key_exchange: Some("X25519MLKEM768".into()),
            resumed: false,
            client_certificate: ClientCertificate { asked: true, sent: false, authorities: vec!["Example CA".into(), "Partner CA".into()] },
            timeline: timeline(),
        },
        ..Evidence::new(Endpoint::new("files.example.com", 21), PeerIdentity::Certificates(vec![leaf, authority()]))
    }
}

fn connected(stage: &mut Stage, evidence: Evidence, trust: TrustBasis, hops: Vec<Hop>) {
    let days_ago = now() - jiff::SignedDuration::from_hours(80);
    let pin = matches!(trust, TrustBasis::Pinned { .. } | TrustBasis::Once)
        .then(|| Pin::of(&evidence, Remember::Always, Verified::Fingerprint, days_ago));
    let facts = &mut stage.app.sessions.get_mut(&SessionId(1)).unwrap().facts;
    facts.trust = trust;
    if !hops.is_empty() {
        facts.site = crate::model::site::ParsedUrl::parse("sftp://bob@files.example.com").unwrap().site;
        facts.protection = "SSH".into();
        facts.details =
            vec![("Key exchange".into(), "mlkem768x25519-sha256".into()), ("Cipher".into(), "chacha20-poly1305@openssh.com".into())];
    }
    facts.peer = Some(Arc::new(Peer { evidence, pin, hops }));
    stage.keys("<tab>T");
}

fn pinned(stage: &mut Stage) {
    connected(stage, evidence(), TrustBasis::Pinned { days: 3 }, Vec::new());
}

fn changed(stage: &mut Stage) {
    let before = Remembered {
        fingerprint: Fingerprint::of(&authority().der),
        place: "pinned 2026-11-02".into(),
        same_key: false,
        change: Change::AuthorityChanged,
        certificate: Some(authority()),
    };
    connected(stage, Evidence { remembered: Some(before), ..evidence() }, TrustBasis::Once, Vec::new());
}

fn over_ssh(stage: &mut Stage) {
    let hop = |host: &str, trust| Hop { endpoint: Endpoint::new(host, 22), fingerprint: Fingerprint::of(host.as_bytes()), trust };
    let key = HostKey::plain("ssh-ed25519", &b"key"[..]);
    let evidence = Evidence::new(Endpoint::new("files.example.com", 22), PeerIdentity::HostKey(key));
    let hops = vec![hop("jump.example.com", TrustBasis::KnownHost), hop("inner.example.com", TrustBasis::Once)];
    connected(stage, evidence, TrustBasis::KnownHost, hops);
}

#[test]
fn connections() {
    for (name, keys) in [
        ("overview", ""),
        ("certificate", "2"),
        ("certificate-issuer", "2k"),
        ("certificate-missing", "2kk"),
        ("connection", "3"),
        ("handshake", "4"),
        ("trust", "5"),
        ("revocation", "6"),
        ("keys", "?"),
        ("compare", "fab:cd"),
        ("compared", "fabcd<enter>"),
        ("export", "e"),
    ] {
        shown(&format!("inspector-{name}"), |stage| {
            pinned(stage);
            stage.keys(keys);
        });
    }
    shown("inspector-trust-changed", |stage| {
        changed(stage);
        stage.keys("5");
    });
    for (name, keys) in [("overview", ""), ("key", "2"), ("connection", "3"), ("trust", "4")] {
        shown(&format!("inspector-ssh-{name}"), |stage| {
            over_ssh(stage);
            stage.keys(keys);
        });
    }
    shown("inspector-plain", |stage| {
        let facts = &mut stage.app.sessions.get_mut(&SessionId(1)).unwrap().facts;
        (facts.trust, facts.level, facts.protection) = (TrustBasis::Plain, SecurityLevel::None, String::new());
        stage.keys("<tab>T");
    });
}

#[test]
fn a_certificate_that_was_taken_back() {
    shown("inspector-revoked", |stage| {
        pinned(stage);
        stage.keys("6c");
        let Some(Effect::CheckRevocation { generation, .. }) = stage.ordered.pop() else { panic!("nobody was asked") };
        let revocation = Revocation::Revoked {
            source: RevocationSource::Fetched("http://crl.example.com/1.crl".into()),
            since: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            reason: Some("key compromise".into()),
        };
        stage.tell(Msg::RevocationChecked { generation, result: Ok(revocation) });
    });
}

fn inspected(stage: &mut Stage, result: Result<usize, Advice>) {
    stage.keys("<enter>");
    let Some(Effect::Inspect { generation, .. }) = stage.ordered.pop() else { panic!("no file was read") };
    stage.tell(Msg::Inspected { generation, result: result.map(inspector::documents) });
}

#[test]
fn files() {
    let no =
        Advice { what: "Cannot read /x.pem".into(), why: "permission denied".into(), next: "Check the owner.".into(), intended: false };
    for (name, result) in [("one", Ok(1)), ("many", Ok(40)), ("none", Ok(0)), ("unreadable", Err(no))] {
        for (columns, rows) in SIZES {
            let mut entry = Entry::new(&b"bundle.pem"[..], Kind::File);
            (entry.size, entry.modified) = (Some(4096), Some("2026-11-21T07:12:00Z".parse().unwrap()));
            let mut stage = Stage::with(columns, rows, vec![entry], "ftpes://bob@files.example.com/upload");
            inspected(&mut stage, result.clone());
            insta::assert_snapshot!(format!("inspector-file-{name}-{columns}x{rows}"), stage.screen(columns, rows));
        }
    }
}

fn listed(stage: &mut Stage, rows: Vec<Row>) {
    stage.keys("gt");
    let Some(Effect::Ledger { generation, .. }) = stage.ordered.pop() else { panic!("the ledger was not read") };
    stage.tell(Msg::LedgerRead { generation, done: Ok(String::new()), rows: Ok(rows) });
}

#[test]
fn the_ledger() {
    for (name, keys) in [
        ("list", "jjj"),
        ("sorted", "s"),
        ("filter", "/bank"),
        ("keys", "?"),
        ("remove", "jd"),
        ("again", "Gp"),
        ("row", "jj<enter>"),
        ("export", "e"),
        ("import", "i"),
    ] {
        shown(&format!("ledger-{name}"), |stage| {
            listed(stage, ledger::rows());
            stage.keys(keys);
        });
    }
    shown("ledger-empty", |stage| listed(stage, Vec::new()));
    shown("ledger-reading", |stage| stage.keys("gt"));
    let mut stage = Stage::new(120, 40);
    listed(&mut stage, ledger::rows());
    insta::assert_snapshot!("ledger-list-120x40", stage.screen(120, 40));
}

fn who_they_are(stage: &mut Stage, rows: Vec<IdentityRow>) {
    stage.keys("gi");
    let Some(Effect::Identities { generation, .. }) = stage.ordered.pop() else { panic!("the identities were not read") };
    stage.tell(Msg::IdentitiesRead { generation, done: Ok(String::new()), rows: Ok(rows) });
}

#[test]
fn the_identities() {
    for (name, keys) in [
        ("list", "j"),
        ("authority", "G"),
        ("keys", "?"),
        ("new", "n"),
        ("wrong", "nx y<tab><tab><c-s>"),
        ("working", "ebank<c-s>"),
        ("send", "e"),
        ("take-in", "i"),
        ("sign", "jjs"),
        ("take-back", "jjx"),
        ("ssh-key", "jjj"),
        ("new-ssh-key", "K"),
        ("send-ssh-key", "jjje"),
        ("remove", "d"),
    ] {
        shown(&format!("identities-{name}"), |stage| {
            who_they_are(stage, identities::rows());
            stage.keys(keys);
        });
    }
    shown("identities-empty", |stage| who_they_are(stage, Vec::new()));
    let mut stage = Stage::new(120, 40);
    who_they_are(&mut stage, identities::rows());
    insta::assert_snapshot!("identities-list-120x40", stage.screen(120, 40));
}

fn kept(stage: &mut Stage, done: SecretsDone, kept: KeptSecrets) {
    stage.keys("gs");
    let Some(Effect::Secrets { generation, .. }) = stage.ordered.pop() else { panic!("no secrets were listed") };
    stage.tell(Msg::SecretsRead { generation, done: Ok(done), kept: Ok(kept) });
}

#[test]
fn kept_secrets() {
    shown("secrets-list", |stage| {
        kept(stage, SecretsDone::Said("moved to the vault".into()), secrets::kept(4));
    });
    shown("secrets-locked", |stage| {
        kept(stage, SecretsDone::VaultLocked(SecretWork::Read), secrets::kept(4));
        stage.keys("hush");
    });
    shown("secrets-empty", |stage| kept(stage, SecretsDone::Said(String::new()), secrets::kept(0)));
    shown("secrets-forget", |stage| {
        kept(stage, SecretsDone::Said(String::new()), secrets::kept(4));
        stage.keys("jd");
    });
}

fn kept_sites(stage: &mut Stage, sites: crate::config::sites::Sites) {
    stage.app.sites = vec![crate::tui::fixture::site("work", "sftp://work")];
    stage.keys("S");
    let Some(Effect::Sites { generation, .. }) = stage.ordered.pop() else { panic!("the sites were not read") };
    stage.tell(Msg::SitesRead { generation, result: Ok((SitesDone { said: String::new(), name: None }, Arc::new(sites))) });
}

#[test]
fn the_sites() {
    for (name, keys) in [
        ("list", "jjj"),
        ("folded", "<enter>"),
        ("search", "/bank"),
        ("other", "Gk"),
        ("new", "n"),
        ("edit", "jjje<tab><tab><c-u>"),
        ("wrong", "jjje<c-u>web<tab><c-u>ftp://a:b@h<c-s>"),
        ("remove", "jjjr"),
    ] {
        shown(&format!("sites-{name}"), |stage| {
            kept_sites(stage, sites::sites());
            stage.keys(keys);
        });
    }
    shown("sites-empty", |stage| kept_sites(stage, crate::config::sites::Sites::default()));
    shown("sites-reading", |stage| stage.keys("S"));
}

fn refused(stage: &mut Stage, why: CertificateRefusal) {
    let refusal = refusal::refusal(why);
    let advice = Advice::from(&ConnectFailure::ClientCertificate(refusal.clone()));
    stage.app.dialogs.push(Dialog::Refusal(Box::new(RefusalDialog::new(Side::Right, refusal, &advice))));
}

#[test]
fn refused_certificates() {
    for (name, why) in [
        ("wanted", CertificateRefusal::Wanted),
        ("not-trusted", CertificateRefusal::NotTrusted),
        ("revoked", CertificateRefusal::Revoked),
        ("after-login", CertificateRefusal::AfterLogin),
    ] {
        shown(&format!("refusal-{name}"), |stage| refused(stage, why));
    }
    let mut stage = Stage::new(120, 40);
    refused(&mut stage, CertificateRefusal::NotTrusted);
    insta::assert_snapshot!("refusal-not-trusted-120x40", stage.screen(120, 40));
}

fn operated(stage: &mut Stage, lists: Lists) {
    stage.keys("gp");
    let Some(Effect::Clients { generation, .. }) = stage.ordered.pop() else { panic!("the lists were not read") };
    stage.tell(Msg::ClientsRead { generation, done: Ok(ClientsDone::Read), lists: Ok(lists) });
}

#[test]
fn the_clients_of_the_server() {
    for (name, keys) in [
        ("list", ""),
        ("signed", "j"),
        ("unreadable", "G"),
        ("keys", "?"),
        ("trust", "t"),
        ("refuse", "x"),
        ("forget", "jjjd"),
        ("authority", "a"),
        ("client", "<enter>"),
    ] {
        shown(&format!("clients-{name}"), |stage| {
            operated(stage, clients::lists());
            stage.keys(keys);
        });
    }
    shown("clients-found", |stage| {
        operated(stage, clients::lists());
        stage.keys("a<c-u>ca.pem<enter>");
        let Some(Effect::Clients { generation, .. }) = stage.ordered.pop() else { panic!("no file was read") };
        stage.tell(Msg::ClientsRead { generation, done: Ok(ClientsDone::Found(clients::authority())), lists: Ok(clients::lists()) });
    });
    shown("clients-empty", |stage| operated(stage, Lists::default()));
    shown("clients-reading", |stage| stage.keys("gp"));
    let mut stage = Stage::new(120, 40);
    operated(&mut stage, clients::lists());
    insta::assert_snapshot!("clients-list-120x40", stage.screen(120, 40));
}

#[test]
fn a_long_name_hides_no_fingerprint() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "x ".repeat(4000));
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let mut lists = clients::lists();
    lists.pending[0].certificate.der = der.as_slice().into();
    let fingerprint = Fingerprint::of(&der).colons();
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(columns, rows);
        operated(&mut stage, lists.clone());
        assert!(stage.screen(columns, rows).contains(&fingerprint[..11]));
        stage.keys("t");
        assert!(stage.screen(columns, rows).contains(&fingerprint[84..]));
    }
}

#[test]
fn no_size_breaks_them() {
    let prepared: [&dyn Fn(&mut Stage); 15] = [
        &|stage| refused(stage, CertificateRefusal::NotTrusted),
        &|stage| kept_sites(stage, sites::sites()),
        &|stage| {
            kept_sites(stage, sites::sites());
            stage.keys("jjje");
        },
        &|stage| who_they_are(stage, identities::rows()),
        &|stage| {
            who_they_are(stage, identities::rows());
            stage.keys("nx<c-s>");
        },
        &|stage| kept(stage, SecretsDone::VaultLocked(SecretWork::Read), secrets::kept(4)),
        &|stage| operated(stage, clients::lists()),
        &pinned,
        &changed,
        &over_ssh,
        &|stage| {
            pinned(stage);
            stage.keys("2k");
        },
        &|stage| {
            pinned(stage);
            stage.keys("4e");
        },
        &|stage| listed(stage, ledger::rows()),
        &|stage| {
            listed(stage, ledger::rows());
            stage.keys("jd");
        },
        &|stage| {
            listed(stage, ledger::rows());
            stage.keys("/x");
        },
    ];
    for prepare in prepared {
        let mut stage = Stage::new(80, 24);
        prepare(&mut stage);
        for columns in (1..=130).step_by(9).chain([20, 21, 44, 60, 72, 100]) {
            for rows in [1, 2, 3, 5, 6, 7, 12, 18, 24, 60] {
                stage.resize(columns, rows);
                stage.screen(columns, rows);
            }
        }
    }
}

#[test]
fn a_key_stays_in_one_line_with_its_words() {
    let hint = "r tries one again, R all; Enter tells all; o opens the target; x forgets one, X all; Tab turns";
    let lines = |width| super::hint_lines(hint, width);
    assert_eq!(lines(60), ["r tries one again, R all; Enter tells all;", "o opens the target; x forgets one, X all; Tab turns"]);
    for width in 1..=100 {
        assert_eq!(lines(width).concat().replace(' ', ""), hint.replace(' ', ""), "{width}");
        assert!(lines(width).len() <= super::wrap(hint, width).len(), "{width}");
    }
}
