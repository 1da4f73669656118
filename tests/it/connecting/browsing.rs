//! Browsing while transfers run: it does not stand in line behind their bytes.

use sealift::engine::{ConflictPolicy, JobKind, JobOptions, JobSpec, JobState};

use super::session::ended;
use super::*;

/// Bytes of uploads that go through before the line is full.
const FULL: usize = 1 << 20;

/// Eight files, and the job that uploads them.
fn upload(to: Place, folder: &TempDir) -> JobSpec {
    let items: Vec<String> = (0..8).map(|number| format!("file{number}")).collect();
    for item in &items {
        std::fs::write(folder.path().join(item), vec![7; 4 << 20]).unwrap();
    }
    JobSpec {
        kind: JobKind::Copy,
        from: Place::Local,
        from_dir: path(folder.path().to_str().unwrap()),
        items: items.iter().map(|item| item.as_str().try_into().unwrap()).collect(),
        to,
        to_dir: path("/sub"),
        new_name: None,
        conflicts: ConflictPolicy::Skip,
        options: JobOptions::default(),
    }
}

/// A line that takes only so many bytes of uploads; a listing and a look-up are answered while it is full.
#[tokio::test]
async fn a_listing_is_answered_while_uploads_wait_for_a_full_line() {
    for scheme in ["sftp", "ftpes"] {
        let server = serve(scheme, &tree()).await;
        let relay = Relay::start(server.addr).await;
        let person = Person { queue: QueueOptions { apart: true, ..QueueOptions::default() }, ..Person::new() };
        let (engine, place, mut news) = person.connected(target(scheme, relay.address)).await;
        // Data connections of FTP do not go through the relay: there the line of the uploads is another one in any case.
        relay.fill_up_after(if scheme == "sftp" { FULL } else { usize::MAX });
        let folder = tempfile::tempdir().unwrap();
        if scheme == "ftpes" {
            engine.queue().carry_out(sealift::engine::QueueOrder::Limit(None, 1 << 20));
        }
        engine.queue().submit(upload(place, &folder));
        let stands_still = async {
            if scheme == "sftp" {
                relay.until_sent(|sent| sent.len() > FULL).await;
            }
            while engine.queue().snapshot().jobs[0].bytes_done == 0 {
                tokio::task::yield_now().await;
            }
        };
        in_time(stands_still).await;
        assert_eq!(names(&engine, place, "/").await.unwrap(), ["a.txt", "sub"], "{scheme}");
        assert_eq!(in_time(engine.stat(place, &path("/a.txt"))).await.unwrap().size, Some(5));
        assert_eq!(engine.queue().snapshot().jobs[0].state, JobState::Running, "the uploads are not through");
        relay.make_room();
        engine.queue().carry_out(sealift::engine::QueueOrder::Limit(None, 0));
        let report = ended(&mut news).await;
        assert_eq!((report.done, report.failed), (8, 0), "{scheme} {report:?}");
        in_time(engine.shutdown()).await;
    }
}

/// A server that grants one login at a time: transfers share the line that is browsed with.
#[tokio::test]
async fn where_there_is_one_line_only_both_go_over_it() {
    let mut options = sftp_options(&tree());
    options.limits.connections = 1;
    let server = SftpServer::start(options).await.unwrap();
    let person = Person { queue: QueueOptions { apart: true, ..QueueOptions::default() }, ..Person::new() };
    let (engine, place, mut news) = person.connected(target("sftp", server.addr)).await;
    let folder = tempfile::tempdir().unwrap();
    engine.queue().submit(upload(place, &folder));
    let report = ended(&mut news).await;
    assert_eq!((report.done, report.failed), (8, 0), "{report:?}");
    in_time(engine.shutdown()).await;
}
