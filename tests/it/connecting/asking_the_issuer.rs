//! Whether a certificate was taken back, asked on request: whose authorities count, and where no question goes.

use std::net::IpAddr;

use rcgen::{BasicConstraints, CertificateParams, CrlDistributionPoint, IsCa, Issuer, KeyPair};
use sealift::model::Endpoint;
use sealift::trust::store::Authority;
use sealift::trust::{Certificate, Evidence, PeerIdentity, Revocation, Verified};

use super::*;

/// An authority, and what a server shows whose list is said to be on this machine, where nobody serves it.
fn shown() -> (Certificate, Evidence) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = Certificate { der: params.self_signed(&key).unwrap().der().as_ref().into() };
    let mut leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    leaf.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["http://127.0.0.1:1/own.crl".to_owned()] }];
    let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &Issuer::new(params, key)).unwrap();
    let identity = PeerIdentity::Certificates(vec![Certificate { der: leaf.der().as_ref().into() }]);
    (authority, Evidence::new(Endpoint::new("localhost", 990), identity))
}

async fn ask(person: &Person, evidence: &Evidence) -> Revocation {
    let (engine, _news) = person.engine_for(Arc::new(Refuse));
    let state = in_time(engine.check_revocation(evidence)).await;
    in_time(engine.shutdown()).await;
    state
}

#[tokio::test]
async fn an_authority_of_the_ledger_is_known_as_the_issuer() {
    let (person, (certificate, evidence)) = (Person::new(), shown());
    assert_eq!(ask(&person, &evidence).await, Revocation::NotChecked);
    let authority = Authority { certificate, since: Timestamp::now(), verified: Verified::Blind };
    person.services(Arc::new(Refuse)).trust.add_authority(&authority).unwrap();
    let state = ask(&person, &evidence).await;
    assert!(matches!(state, Revocation::Unusable { .. }), "it knows whom to ask: {state:?}");
}

#[tokio::test]
async fn how_far_a_certificate_leads_is_where_its_server_was_and_not_where_its_name_leads_now() {
    let (person, (certificate, mut evidence)) = (Person::new(), shown());
    let authority = Authority { certificate, since: Timestamp::now(), verified: Verified::Blind };
    person.services(Arc::new(Refuse)).trust.add_authority(&authority).unwrap();
    for (address, is_asked) in [("127.0.0.1", true), ("192.0.2.1", false), ("169.254.0.1", false), ("10.0.0.1", false)] {
        evidence.tls.peer_address = Some(address.parse::<IpAddr>().unwrap());
        let state = ask(&person, &evidence).await;
        let Revocation::Unusable { why, .. } = &state else { panic!("{state:?}") };
        assert_eq!(why.contains("no certificate from outside"), !is_asked, "{address}: {why}");
    }
}

#[tokio::test]
async fn a_connection_knows_where_its_server_was() {
    let server = serve("ftpes", &tree()).await;
    let (engine, _news) = Person::new().engine(&Arc::new(script().trusting(TrustAnswer::Once)));
    let facts = in_time(engine.connect(target("ftpes", server.addr))).await.unwrap();
    assert_eq!(facts.peer.unwrap().evidence.tls.peer_address, Some(server.addr.ip()));
    in_time(engine.shutdown()).await;
    server.stop().await;
}
