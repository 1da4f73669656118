//! What a person set for a site is kept to: level, key, who opens data connections, how many connections there are.

use sealift::engine::Place;
use sealift::model::SecurityLevel;
use sealift::server::sftp::AcceptedKeys;
use sealift::vfs::FsErrorKind;

use super::session::{download, ended};
use super::sftp::key_file;
use super::*;

fn at_least(level: SecurityLevel) -> SiteOptions {
    SiteOptions { level: Some(level), ..SiteOptions::default() }
}

#[tokio::test]
async fn over_ssh_no_password_goes_below_the_level_and_a_key_is_enough_for_more_secure_only() {
    use SecurityLevel::{MoreSecure, MostSecure, Secure};
    let mut person = Person::new();
    let mut options = sftp_options(&tree());
    options.keys = AcceptedKeys::parse(&key_file(&mut person, None)).unwrap();
    let server = SftpServer::start(options).await.unwrap();
    person.trust(target("sftp", server.addr)).await;
    let keys = std::mem::take(&mut person.keys);
    for (level, has_key, offered) in
        [(Secure, false, None), (MoreSecure, false, Some(Secure)), (MoreSecure, true, None), (MostSecure, true, Some(Secure))]
    {
        person.options = at_least(level);
        person.keys = if has_key { keys.clone() } else { KeySources::default() };
        let prompter = script().secret(PASSWORD);
        let (connected, asked) = person.connect(prompter, asking("sftp", server.addr)).await;
        match (&connected, offered) {
            (Ok(_), None) => {}
            (Err(failure @ ConnectFailure::BelowLevel { offered: was, .. }), Some(offered)) => {
                assert_eq!(*was, offered);
                assert!(asked.is_empty(), "nobody is asked for a password that is not sent: {asked:?}");
                assert_readable(&Advice::from(failure));
            }
            _ => panic!("{level:?} {has_key}: {connected:?}"),
        }
    }
}

#[tokio::test]
async fn the_key_of_a_site_is_the_only_one_offered() {
    let mut person = Person::new();
    let usual = key_file(&mut person, None);
    let own = key_file(&mut person, None);
    let own_file = person.keys.files.pop();
    for (accepted, logs_in) in [(&own, true), (&usual, false)] {
        let mut options = sftp_options(&tree());
        (options.keys, options.password) = (AcceptedKeys::parse(accepted).unwrap(), false);
        let server = SftpServer::start(options).await.unwrap();
        person.options = SiteOptions { key: own_file.clone(), ..SiteOptions::default() };
        let (connected, _) = person.connect(script().trusting(TrustAnswer::Once), asking("sftp", server.addr)).await;
        assert_eq!(connected.is_ok(), logs_in, "{connected:?}");
    }
}

#[tokio::test]
async fn the_data_mode_of_a_site_wins_over_the_settings() {
    for (mode, said, not_said) in [(DataMode::Active, "EPRT ", "EPSV"), (DataMode::Passive, "EPSV", "EPRT")] {
        let server = serve("ftp", &tree()).await;
        let relay = Relay::start(server.addr).await;
        let person = Person { options: SiteOptions { data_mode: Some(mode), ..SiteOptions::default() }, ..Person::new() };
        let (engine, _news) = person.engine_for(Arc::new(Refuse));
        let facts = in_time(engine.connect(target("ftp", relay.address))).await.unwrap();
        assert!(names(&engine, Place::Remote(facts.id), "/").await.is_ok());
        let sent = String::from_utf8_lossy(&relay.sent().concat()).into_owned();
        assert!(sent.contains(said) && !sent.contains(not_said), "{mode:?}: {sent}");
    }
}

#[tokio::test]
async fn a_site_has_no_more_connections_than_it_may_and_jobs_take_turns() {
    for most in [1_u8, 2, 3] {
        let tree = tree();
        for at in 0..8 {
            tree.put(&path(&format!("/many/{at}")), b"content").unwrap();
        }
        let server = serve("ftpes", &tree).await;
        let relay = Relay::start(server.addr).await;
        let connections = std::num::NonZeroU8::new(most);
        let person = Person { options: SiteOptions { connections, ..SiteOptions::default() }, ..Person::new() };
        let (engine, place, mut news) = person.connected(target("ftpes", relay.address)).await;
        let before = relay.sent().len();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for to in &folders {
            engine.queue().submit(download(place, &["many"], to));
        }
        for _ in &folders {
            let report = ended(&mut news).await;
            assert_eq!((report.done, report.failed), (8, 0), "{most}: {report:?}");
        }
        let made = relay.sent().len() - before;
        assert!(made < usize::from(most), "{most} at the most, and one is browsed with: {made} more were made");

        let mut leases = Vec::new();
        let refused = loop {
            match in_time(engine.lease(place)).await {
                Ok(lease) => leases.push(lease),
                Err(error) => break error,
            }
        };
        assert_eq!(leases.len(), usize::from(most.max(2) - 1));
        assert!(refused.kind == FsErrorKind::Refused && refused.to_string().contains("you allow"), "{refused}");
        drop(leases);
        assert!(in_time(engine.lease(place)).await.is_ok(), "what came back can be lent again");
    }
}
