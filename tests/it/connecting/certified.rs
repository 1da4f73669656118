//! Host certificates: which are believed, and what is told of those that are not.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Certificate, PrivateKey};
use sealift::engine::{SshRoute, TrustBasis};
use sealift::trust::ProblemKind;

use super::hop::{Hop, Lets, key};
use super::*;

/// What kind of certificate it is.
type Kind = fn(&mut Builder);

fn for_hosts(builder: &mut Builder) {
    builder.cert_type(CertType::Host).unwrap();
}

fn certificate(of: &PrivateKey, by: &PrivateKey, principals: &[&str], from: i64, until: i64, kind: Kind) -> Certificate {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let at = |hours: i64| now.checked_add_signed(hours * 3600).unwrap();
    let rng = &mut russh::keys::key::safe_rng();
    let mut builder = Builder::new_with_random_nonce(rng, of.public_key(), at(from), at(until)).unwrap();
    builder.key_id("lab \u{1b}[31m 7").unwrap().serial(7).unwrap();
    for principal in principals {
        builder.valid_principal(*principal).unwrap();
    }
    if principals.is_empty() {
        builder.all_principals_valid().unwrap();
    }
    kind(&mut builder);
    builder.sign(by).unwrap()
}

/// Somebody whose known_hosts says this, on the way over a hop with that certificate: what was asked, and how the hop is trusted.
async fn over(hop: &Hop, known_hosts: &str, server: &Running) -> (Vec<(Vec<ProblemKind>, bool)>, Result<TrustBasis, ConnectFailure>) {
    let route = SshRoute::Jump(vec![hop.site("nell")]);
    let ssh: SshResolver = Arc::new(move |_, role| {
        let route = if role == sealift::engine::SshRole::Hop { SshRoute::Direct } else { route.clone() };
        Ok(SshOptions { route, ..SshOptions::default() })
    });
    let person = Person { ssh, ..Person::new() };
    fs::write(person.known_hosts(), known_hosts).unwrap();
    let prompter = Arc::new(script().trusting(TrustAnswer::Once).trusting(TrustAnswer::Once).secret("nell's"));
    let (engine, _news) = person.engine(&prompter);
    let connected = in_time(engine.connect(target("sftp", server.addr))).await;
    let about_the_hop = prompter.trust_asked().into_iter().filter(|question| question.on_the_way_to.is_some());
    let asked = about_the_hop
        .map(|question| (question.evidence.problems.iter().map(|problem| problem.kind).collect(), question.dangerous))
        .collect();
    (asked, connected.map(|facts| facts.peer.unwrap().hops[0].trust))
}

fn line(marker: &str, host: &str, key: &PrivateKey) -> String {
    format!("{marker} {host} {}\n", key.public_key().to_openssh().unwrap())
}

#[tokio::test]
async fn a_certificate_by_a_known_authority_is_believed_after_every_check() {
    use ProblemKind::{Expired, NameMismatch, NotYetValid, UnknownCriticalExtension, UnknownHostKey, UnknownIssuer, WrongUsage};
    let server = serve("sftp", &tree()).await;
    let (authority, other) = (key(), key());
    let for_a_user: Kind = |builder| {
        builder.cert_type(CertType::User).unwrap();
    };
    let on_a_condition: Kind = |builder| {
        for_hosts(builder);
        builder.critical_option("force-command", "x").unwrap();
    };
    let here: &[&str] = &["elsewhere", "127.0.0.1"];
    let cases: [(_, _, _, _, Kind, &[ProblemKind]); 10] = [
        (&authority, here, -1, 1, for_hosts, &[]),
        (&authority, &["127.*"], -1, 1, for_hosts, &[]),
        (&authority, &[], -1, 1, for_hosts, &[]),
        (&authority, &["elsewhere"], -1, 1, for_hosts, &[UnknownHostKey, NameMismatch]),
        (&authority, here, -2, -1, for_hosts, &[UnknownHostKey, Expired]),
        (&authority, here, 1, 2, for_hosts, &[UnknownHostKey, NotYetValid]),
        (&authority, here, -1, 1, for_a_user, &[UnknownHostKey, WrongUsage]),
        (&authority, here, -1, 1, on_a_condition, &[UnknownHostKey, UnknownCriticalExtension]),
        (&authority, &["elsewhere"], -2, -1, for_a_user, &[UnknownHostKey, WrongUsage, NameMismatch, Expired]),
        (&other, here, -1, 1, for_hosts, &[UnknownHostKey, UnknownIssuer]),
    ];
    for (by, principals, from, until, kind, problems) in cases {
        let own = key();
        let hop = Hop::with(own.clone(), Some(certificate(&own, by, principals, from, until, kind)), Lets::Through).await;
        let name = format!("[127.0.0.1]:{}", hop.address.port());
        let (asked, trust) = over(&hop, &line("@cert-authority", "*", &authority), &server).await;
        let (kinds, basis): (Vec<_>, _) = match problems {
            [] => (Vec::new(), TrustBasis::Authority),
            _ => (vec![problems.to_vec()], TrustBasis::Once),
        };
        assert_eq!((asked.into_iter().map(|(kinds, _)| kinds).collect::<Vec<_>>(), trust.unwrap()), (kinds, basis), "{problems:?}");

        // A key that is known by itself needs no certificate, whatever is wrong with that.
        let both = line("@cert-authority", "*", &authority) + &line("", &name, &own);
        let (asked, trust) = over(&hop, &both, &server).await;
        assert!(asked.is_empty() && matches!(trust, Ok(TrustBasis::KnownHost | TrustBasis::Authority)), "{problems:?} {trust:?}");

        // Neither key nor authority counts once revoked.
        for revoked in [&own, by] {
            let (asked, trust) = over(&hop, &(both.clone() + &line("@revoked", "*", revoked)), &server).await;
            let advice = Advice::from(&trust.unwrap_err());
            assert!(asked.is_empty() && advice.what.contains("revoked") && advice.why.contains("line 3"), "{advice:?}");
        }
    }
}

#[tokio::test]
async fn a_forged_certificate_is_a_red_case() {
    let server = serve("sftp", &tree()).await;
    let (authority, own) = (key(), key());
    let genuine = certificate(&own, &authority, &["elsewhere"], -1, 1, for_hosts).to_bytes().unwrap();
    // A certificate for another host, made one for this: the names are as long.
    let at = genuine.windows(9).position(|name| name == b"elsewhere").unwrap();
    let mut forged = genuine.clone();
    forged[at..at + 9].copy_from_slice(b"127.0.0.1");
    let forged = Certificate::from_bytes(&forged).unwrap();
    let hop = Hop::with(own, Some(forged), Lets::Through).await;
    let (asked, _) = over(&hop, &line("@cert-authority", "*", &authority), &server).await;
    assert_eq!(asked, [(vec![ProblemKind::UnknownHostKey, ProblemKind::BadChainSignature], true)]);
}
