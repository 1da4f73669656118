//! The ledger over real decisions: what connecting leaves in it, and what removing does to the next connection.

use sealift::ask::TrustAnswer;
use sealift::engine::{Ledger, LedgerError, Sought};
use sealift::trust::ledger::{Confirmation, Row, Subject};
use sealift::trust::{Fingerprint, Pin, ProblemKind, Verified};

use super::*;

fn ledger(person: &Person) -> Ledger {
    Ledger::new(&person.services(Arc::new(Refuse)))
}

async fn rows(person: &Person) -> Vec<Row> {
    in_time(ledger(person).rows()).await.unwrap()
}

#[tokio::test]
async fn certificates_and_host_keys_are_one_list_and_removing_asks_again() {
    let person = Person::new();
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        person.trust(target(scheme, server.addr)).await;
        let listed = rows(&person).await;
        let [row] = listed.as_slice() else { panic!("{listed:?}") };
        assert!(row.since.is_some() && row.last_seen.is_some(), "{row:?}");
        assert_eq!(row.verified, Some(Verified::Blind));
        let accepted: &[ProblemKind] = if scheme == "sftp" { &[] } else { &[ProblemKind::UnknownIssuer, ProblemKind::SelfSigned] };
        assert_eq!((row.accepted.iter().copied().collect::<Vec<_>>().as_slice(), row.expires.is_some()), (accepted, scheme == "ftpes"));
        let is_host_key = matches!(row.subject, Subject::HostKey(..));
        assert_eq!((is_host_key, row.certificate.is_none()), (scheme == "sftp", scheme == "sftp"));
        let endpoint = target(scheme, server.addr).site.endpoint;
        assert_eq!(ledger(&person).find(Sought::Endpoint(endpoint)).await.unwrap(), listed);
        assert_eq!(ledger(&person).find(Sought::Fingerprint(row.fingerprint)).await.unwrap(), listed);

        let kept = ledger(&person).remove(row, false).await.unwrap();
        assert_eq!((kept.remark, rows(&person).await), (None, Vec::new()));
        assert!(matches!(ledger(&person).remove(row, false).await, Err(LedgerError::Gone { .. })));
        let (connected, asked) = person.connect(script().trusting(TrustAnswer::Always), target(scheme, server.addr)).await;
        assert!(connected.is_ok() && asked.len() == 1, "{asked:?}");
        // A note about a key that was removed does not come back with the line.
        ledger(&person).remove(&rows(&person).await[0], false).await.unwrap();
    }
}

#[tokio::test]
async fn a_decision_for_this_run_is_in_the_list_of_this_run() {
    let (person, server) = (Person::new(), serve("ftps", &tree()).await);
    let services = person.services(Arc::new(script().trusting(TrustAnswer::Once)));
    let (engine, _news) = Engine::new(services.clone(), None);
    in_time(engine.connect(Target { site: target("ftpes", server.addr).site, ..target("ftpes", server.addr) })).await.unwrap();
    let listed = Ledger::new(&services).rows().await.unwrap();
    assert_eq!((listed.len(), listed[0].confirmed), (1, Confirmation::NotApplicable));
    assert!(listed[0].kept.contains("this run"));
    assert_eq!(rows(&person).await, []);
    // And it can be made one for ever.
    let named = Pin::named(listed[0].fingerprint, listed[0].certificate.clone(), Timestamp::now());
    Ledger::new(&services).accept(target("ftpes", server.addr).site.endpoint, named).await.unwrap();
    assert_eq!(rows(&person).await[0].verified, Some(Verified::Named));
}

#[tokio::test]
async fn a_line_for_several_hosts_goes_only_whole() {
    let person = Person::new();
    let key = HostKey::throwaway().unwrap().public_openssh();
    let lines = format!("one.example,[two.example]:2222 {key}\n@cert-authority *.example {key}\n@revoked * {key}\n");
    std::fs::write(person.known_hosts(), &lines).unwrap();
    let listed = rows(&person).await;
    let kinds: Vec<_> = listed.iter().map(|row| row.subject.name()).collect();
    assert_eq!(kinds, ["host-key", "host-authority", "revoked-host-key"]);
    for row in listed.iter().rev() {
        let before = std::fs::read(person.known_hosts()).unwrap();
        let refused = ledger(&person).remove(row, false).await.unwrap_err();
        assert!(matches!(&refused, LedgerError::SeveralHosts { .. }) && refused.to_string().contains(&row.whom), "{refused}");
        assert_eq!(std::fs::read(person.known_hosts()).unwrap(), before);
        // Another key stands there now: not the one that was looked at.
        let stale = Row { fingerprint: Fingerprint::of(b"another"), ..row.clone() };
        assert!(matches!(ledger(&person).remove(&stale, true).await, Err(LedgerError::Gone { .. })));
        ledger(&person).remove(row, true).await.unwrap();
    }
    assert_eq!(std::fs::read(person.known_hosts()).unwrap(), b"");
}
