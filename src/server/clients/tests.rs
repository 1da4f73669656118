use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;

use super::{AskForCertificate, Clients, ClientsError, Judge};
use crate::server::{ServerIdentity, Throwaway};
use crate::trust::{Certificate, Fingerprint};

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn certificate() -> Certificate {
    Certificate { der: ServerIdentity::throwaway(&["client"]).unwrap().leaf().into() }
}

#[test]
fn who_is_unknown_waits_until_somebody_decides() {
    let folder = tempfile::tempdir().unwrap();
    let clients = Clients::at(folder.path().join("server"));
    let client = certificate();
    let print = Fingerprint::of(&client.der);
    assert!(clients.met(&client, FROM, now()).unwrap());
    assert!(!clients.met(&client, FROM, now()).unwrap(), "it is not new any more");
    let waiting = &clients.lists().unwrap().pending;
    assert_eq!((waiting.len(), waiting[0].times, waiting[0].from), (1, 1, Some(FROM)), "who knocks on and on is written down once");
    let later = now().checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    clients.met(&client, FROM, later).unwrap();
    assert_eq!(clients.lists().unwrap().pending[0].times, 2);

    // Another process decides.
    Clients::at(folder.path().join("server")).trust(&print, now()).unwrap();
    let lists = clients.lists().unwrap();
    assert!(lists.trusts(&client) && lists.pending.is_empty());
    assert!(!clients.met(&client, FROM, now()).unwrap());

    clients.refuse(&print, now()).unwrap();
    let lists = clients.lists().unwrap();
    assert!(lists.refuses(&client) && !lists.trusts(&client));
    assert!(!clients.met(&client, FROM, now()).unwrap(), "who is refused does not wait again");
    assert_eq!(clients.lists().unwrap().pending.len(), 0);

    clients.forget(&print).unwrap();
    assert!(matches!(clients.forget(&print), Err(ClientsError::Unknown(_))));
    assert!(clients.met(&client, FROM, now()).unwrap());
}

#[test]
fn a_crowd_does_not_fill_the_disk() {
    let mut lists = super::Lists::default();
    let (other, huge) = (Certificate { der: b"other".as_slice().into() }, Certificate { der: vec![0; 20_000].into() });
    assert!(lists.met(&other, IpAddr::from([192, 0, 2, 99]), now()));
    assert!(!lists.met(&huge, FROM, now()), "no stranger fills the disk with one certificate");
    for number in 0..500_u32 {
        lists.met(&Certificate { der: number.to_be_bytes().into() }, FROM, now());
    }
    assert_eq!(lists.pending.len(), 200);
    assert_eq!(&*lists.pending[0].certificate.der, &499_u32.to_be_bytes());
    assert!(lists.pending.iter().any(|client| client.certificate == other), "a crowd pushes out its own only");
}

#[test]
fn only_an_authority_vouches_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let clients = Clients::at(folder.path().to_owned());
    let chain = ServerIdentity::make(&Throwaway { by_authority: true, ..Throwaway::new(&["client"]) }).unwrap();
    let [leaf, authority] = chain.chain().map(<[u8]>::to_vec).collect::<Vec<_>>().try_into().unwrap();
    assert!(matches!(clients.trust_authority(&leaf, now()), Err(ClientsError::NoAuthority(_))));
    assert!(matches!(clients.trust_authority(b"no", now()), Err(ClientsError::NoCertificate)));
    clients.trust_authority(&authority, now()).unwrap();
    clients.trust_authority(&authority, now()).unwrap();
    assert_eq!(clients.lists().unwrap().authorities.len(), 1);
    assert!(Clients::at(folder.path().to_owned()).and_authorities(&[leaf]).is_err());
}

#[test]
fn where_only_authorities_count_a_trusted_certificate_is_not_enough() {
    let folder = tempfile::tempdir().unwrap();
    let clients = Clients::at(folder.path().to_owned());
    let client = certificate();
    clients.trust_certificate(&client.der, now()).unwrap();
    assert!(clients.effective().unwrap().lists.trusts(&client));
    let strict = clients.clone().only_authorities();
    assert!(!strict.effective().unwrap().lists.trusts(&client));
    assert!(!strict.met(&client, FROM, now()).unwrap(), "who is trusted elsewhere does not wait");
    assert_eq!(clients.lists().unwrap(), strict.lists().unwrap());
}

#[test]
fn lists_that_cannot_be_read_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clients = Clients::at(folder.path().to_owned());
    let file = folder.path().join("clients.json");
    for text in ["nothing", r#"{"format": 2, "trusted": []}"#] {
        std::fs::write(&file, text).unwrap();
        assert!(matches!(clients.met(&certificate(), FROM, now()), Err(ClientsError::File { .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn nobody_is_judged_where_nobody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let by = || Clients::at(folder.path().to_owned()).effective().unwrap();
    let judge = |ask| Judge::new(ask, by(), Arc::new(aws_lc_rs::default_provider()));
    assert!(judge(AskForCertificate::Off).is_none());
    assert!(judge(AskForCertificate::Ask).is_some() && judge(AskForCertificate::Require).is_some());
}
