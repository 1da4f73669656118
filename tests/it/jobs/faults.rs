//! Failures: no half file under the real name, no part file left, no false success.

use std::sync::Arc;
use std::time::Duration;

use sealift::ask::Refuse;
use sealift::engine::{ConflictPolicy, JobState, Outcome};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem, FsErrorKind, MemoryFileSystem};

use super::{Bench, assert_clean, assert_failed, beside, path, upload};

const LARGE: usize = 1 << 20;

#[tokio::test]
async fn a_copy_arrives_whole_with_time_and_mode() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    let metadata = sealift::vfs::NewMetadata { modified: "2001-02-03T04:05:06Z".parse().ok(), mode: Some(0o640) };
    beside(&bench.trees.local).set_metadata(&path("/from/file"), metadata).await.unwrap();
    let report = bench.upload(&["file"]).await;
    assert_clean(&report, 1);
    assert_eq!(report.bytes, LARGE as u64);
    assert_eq!(bench.uploaded("/to/file"), Some(vec![7; LARGE]));
    let entry = bench.trees.remote.stat(&path("/to/file")).await.unwrap();
    assert_eq!((entry.modified, entry.mode()), (metadata.modified, Some(0o640)));
    let outcome = bench.outcomes.recv().await.unwrap();
    assert_eq!((outcome.source, outcome.target, outcome.bytes), (path("/from/file"), Some(path("/to/file")), LARGE as u64));
    assert_eq!(outcome.result, Ok(Outcome::Copied));
}

#[tokio::test]
async fn whatever_fails_leaves_nothing_behind() {
    for (on_target, call, kind) in [
        (false, Call::Open, FsErrorKind::PermissionDenied),
        (false, Call::Read(0), FsErrorKind::Io),
        (false, Call::Read(300_000), FsErrorKind::Io),
        (true, Call::Create, FsErrorKind::PermissionDenied),
        (true, Call::Write(0), FsErrorKind::Refused),
        (true, Call::Write(500_000), FsErrorKind::NoSpace),
        (true, Call::Commit, FsErrorKind::NoSpace),
        (true, Call::Rename, FsErrorKind::PermissionDenied),
    ] {
        let mut bench = Bench::new();
        bench.put("/from/file", &vec![7; LARGE]);
        bench.put("/from/other", b"other");
        let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
        tree.faults().always(call, "file", Effect::Fail(kind));
        let report = bench.upload(&["file", "other"]).await;
        assert_failed(&report, &kind.to_string());
        assert_eq!(report.failures[0].path, "/from/file", "{call:?}");
        assert!(!report.failures[0].why.contains(".part"), "{report:?}");
        assert_eq!((report.done, bench.arrived()), (1, vec!["other".to_owned()]), "{call:?}");
    }
}

#[tokio::test]
async fn what_is_in_the_way_survives_a_failed_overwrite() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    bench.trees.remote.put(&path("/to/file"), b"old").unwrap();
    bench.trees.remote.faults().always(Call::Commit, "", Effect::Fail(FsErrorKind::NoSpace));
    let report = bench.run(sealift::engine::JobSpec { conflicts: ConflictPolicy::Overwrite, ..upload(&["file"]) }).await;
    assert_failed(&report, "no space left");
    assert_eq!(bench.uploaded("/to/file"), Some(b"old".to_vec()));
    assert_eq!(bench.arrived(), ["file"]);
}

#[tokio::test]
async fn a_full_disk_fails_by_name_and_small_files_still_fit() {
    let options = MemoryOptions { capacity: 500_000, ..MemoryOptions::default() };
    let mut bench = Bench::with(MemoryFileSystem::new(), MemoryFileSystem::with_options(options), 1, Arc::new(Refuse));
    bench.put("/from/large", &vec![7; LARGE]);
    bench.put("/from/small", b"small");
    let report = bench.upload(&["large", "small"]).await;
    assert_failed(&report, "Make room there");
    assert_eq!(bench.arrived(), ["small"]);
}

#[tokio::test]
async fn a_part_that_cannot_be_removed_is_told() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    bench.trees.remote.faults().always(Call::Commit, "", Effect::Fail(FsErrorKind::NoSpace));
    bench.trees.remote.faults().always(Call::Remove, "", Effect::Fail(FsErrorKind::PermissionDenied));
    let report = bench.upload(&["file"]).await;
    assert_failed(&report, "could not be removed");
    let arrived = bench.arrived();
    assert!(arrived.len() == 1 && arrived[0].starts_with(".file.sealift-") && report.failures[0].why.contains(&arrived[0]));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_copy_is_stopped_and_leaves_no_part() {
    for (on_target, call) in [(false, Call::Read(300_000)), (true, Call::Write(300_000)), (true, Call::Commit), (true, Call::Create)] {
        let mut bench = Bench::new();
        bench.put("/from/file", &vec![7; LARGE]);
        let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
        tree.faults().always(call, "", Effect::Stall);
        let id = bench.queue.submit(upload(&["file"]));
        while bench.queue.snapshot().jobs[0].state == JobState::Waiting {
            tokio::task::yield_now().await;
        }
        // Until nothing moves any more: with the clock paused, a timer fires only then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.queue.cancel(id);
        let report = bench.ended(id).await;
        assert!(report.cancelled && report.failed == 0 && report.done == 0, "{call:?} {report:?}");
        assert_eq!(bench.arrived(), [""; 0], "{call:?}");
        assert_eq!(bench.queue.snapshot().jobs[0].state, JobState::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_anew() {
    for (on_target, call) in
        [(false, Call::Read(300_000)), (true, Call::Write(300_000)), (true, Call::Commit), (true, Call::Rename), (false, Call::Stat)]
    {
        let mut bench = Bench::new();
        bench.put("/from/file", &vec![7; LARGE]);
        let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
        tree.faults().once(call, "file", Effect::LoseConnection);
        let start = tokio::time::Instant::now();
        assert_clean(&bench.upload(&["file"]).await, 1);
        assert_eq!(start.elapsed(), Duration::from_secs(1), "{call:?}");
        assert_eq!((bench.arrived(), bench.uploaded("/to/file")), (vec!["file".to_owned()], Some(vec![7; LARGE])), "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stays_lost_is_given_up_after_three_more_tries() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; LARGE]);
    bench.trees.remote.faults().always(Call::Write(300_000), "file", Effect::LoseConnection);
    let start = tokio::time::Instant::now();
    let report = bench.upload(&["file"]).await;
    assert_failed(&report, "connection was lost");
    assert_eq!(start.elapsed(), Duration::from_secs(1 + 2 + 4));
    assert_eq!(bench.arrived(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_rename_that_was_lost_is_no_conflict_with_itself() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"content");
    bench.trees.remote.faults().once(Call::Rename, "", Effect::LoseAnswer);
    bench.trees.remote.faults().always(Call::Create, "(2)", Effect::Fail(FsErrorKind::Io));
    assert_clean(&bench.upload(&["file"]).await, 1);
    assert_eq!((bench.arrived(), bench.uploaded("/to/file")), (vec!["file".to_owned()], Some(b"content".to_vec())));
}

#[tokio::test]
async fn a_file_that_changes_once_is_copied_as_it_is_then() {
    for (by, length) in [(1000, 11_000), (-8000, 2000)] {
        let mut bench = Bench::new();
        bench.put("/from/log", &[7; 10_000]);
        bench.trees.local.faults().once(Call::Read(5000), "", Effect::Resize(by));
        let report = bench.upload(&["log"]).await;
        assert_clean(&report, 1);
        assert_eq!((report.bytes, bench.uploaded("/to/log").map(|content| content.len())), (length, Some(length as usize)));
        let shown = &bench.queue.snapshot().jobs[0];
        assert_eq!((shown.bytes_done, shown.bytes_total), (length, length));
    }
}

#[tokio::test]
async fn a_file_that_keeps_changing_is_reported() {
    for (by, words) in [(1000, "it grew"), (-10, "it shrank")] {
        let mut bench = Bench::new();
        bench.put("/from/log", &[7; 10_000]);
        bench.trees.local.faults().always(Call::Read(9000), "", Effect::Resize(by));
        let report = bench.upload(&["log"]).await;
        assert_failed(&report, words);
        assert_eq!((bench.arrived(), bench.queue.snapshot().jobs[0].bytes_done), (vec![], 0));
    }
}
