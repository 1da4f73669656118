//! Verified copies, both ways, on the real servers: whichever rung each of them has.

use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::Trial;
use sealift::ask::Refuse;
use sealift::engine::{
    ConflictPolicy, Event, JobKind, JobOptions, JobSpec, Lease, Place, Places, Proof, Queue, QueueOptions, Report, SessionId,
};
use sealift::model::{EntryName, FilePath};
use sealift::vfs::{FileSystem, FsResult, LocalFileSystem};
use tokio::sync::mpsc;

use super::Harness;
use super::support::sshd::{Kind, Sshd};
use super::support::vsftpd::{self, Vsftpd};
use super::support::{FtpServer, proftpd};
use super::{ftp, ssh};

const REMOTE: Place = Place::Remote(SessionId(1));

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let sshd = harness.start("sshd verifying", || Sshd::start(Kind::PublicKey));
    let vsftpd = harness.start("vsftpd verifying", || Vsftpd::start(vsftpd::Options::default()));
    let proftpd = harness.start("ProFTPD verifying", || proftpd::start(proftpd::Options::default()));
    vec![
        harness.trial(
            &sshd,
            "copies both ways",
            |server| &server.daemon,
            async |server: &Sshd| {
                both_ways(ssh::file_system(server).await, &ssh::scratch(server)).await;
            },
        ),
        harness.trial(&vsftpd, "copies both ways", |server| &server.ftp.daemon, async |server: &Vsftpd| over_ftp(&server.ftp).await),
        harness.trial(&proftpd, "copies both ways", |server| &server.daemon, async |server: &FtpServer| over_ftp(server).await),
    ]
}

async fn over_ftp(server: &FtpServer) {
    let place = ftp::file_system(server, ftp::EXPLICIT).await;
    let scratch = place.home().clone();
    both_ways(place, &scratch).await;
}

/// This machine and one connection.
struct Two(Arc<dyn FileSystem>);

#[async_trait]
impl Places for Two {
    async fn lease(&self, place: Place) -> FsResult<Lease> {
        Ok(Lease::shared(if place == Place::Local { Arc::new(LocalFileSystem::new()) } else { self.0.clone() }))
    }
    fn name(&self, _: Place) -> String {
        "the server".to_owned()
    }
    fn parallel(&self, _: Place) -> usize {
        1
    }
}

async fn both_ways(place: impl FileSystem + 'static, scratch: &FilePath) {
    let here = tempfile::tempdir().unwrap();
    std::fs::create_dir(here.path().join("back")).unwrap();
    std::fs::write(here.path().join("large"), vec![7; 3 << 20]).unwrap();
    std::fs::write(here.path().join("empty"), "").unwrap();
    let local = LocalFileSystem::path(here.path()).unwrap();
    let there = scratch.join(&"verified".try_into().unwrap());
    place.make_dir(&there).await.unwrap();
    let (news, mut events) = mpsc::channel(16);
    let queue = Queue::new(Arc::new(Two(Arc::new(place))), Arc::new(Refuse), news, QueueOptions::default());
    let spec = JobSpec {
        kind: JobKind::Copy,
        from: Place::Local,
        from_dir: local.clone(),
        items: ["large", "empty"].map(|name| EntryName::try_from(name).unwrap()).to_vec(),
        to: REMOTE,
        to_dir: there.clone(),
        new_name: None,
        conflicts: ConflictPolicy::Ask,
        options: JobOptions { verify: true, ..JobOptions::default() },
    };
    let mut run = async |spec| {
        queue.submit(spec);
        let Some(Event::JobEnded { report, .. }) = events.recv().await else { panic!("only jobs end here") };
        report
    };
    let verified = |report: &Report| {
        assert_eq!((report.verified, report.failed), (2, 0), "{report:?}");
        report.proofs.clone()
    };
    let told = verified(&run(spec.clone()).await);
    assert!(told.iter().all(|proof| matches!(proof, Proof::Told(_) | Proof::ReadBack)), "{told:?}");
    let back = local.join(&"back".try_into().unwrap());
    let download = JobSpec { from: REMOTE, from_dir: there, to: Place::Local, to_dir: back, ..spec };
    assert_eq!(verified(&run(download).await), [Proof::Disk]);
    assert_eq!(std::fs::read(here.path().join("back/large")).unwrap(), vec![7; 3 << 20]);
}
