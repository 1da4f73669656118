//! Moves, several jobs at once, and the end of the program.

use sealift::engine::{ConflictPolicy, Event, JobKind, JobSpec, JobState, Place};
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem, FsErrorKind};

use super::{Bench, REMOTE, assert_clean, assert_failed, beside, path, upload};

fn move_away(items: &[&str]) -> JobSpec {
    JobSpec { kind: JobKind::Move, ..upload(items) }
}

fn move_here(items: &[&str]) -> JobSpec {
    JobSpec { to: Place::Local, ..move_away(items) }
}

#[tokio::test]
async fn moving_to_another_place_copies_and_then_removes() {
    let mut bench = Bench::new();
    bench.put("/from/dir/sub/file", b"x");
    bench.put("/from/file", b"y");
    assert_clean(&bench.run(move_away(&["dir", "file"])).await, 2);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/"]);
    assert_eq!(bench.arrived(), ["dir/", "dir/sub/", "dir/sub/file", "file"]);
}

#[tokio::test]
async fn what_was_not_copied_whole_stays() {
    let mut bench = Bench::new();
    for file in ["dir/good", "dir/bad", "dir/there"] {
        bench.put(&format!("/from/{file}"), b"new");
    }
    bench.trees.remote.put(&path("/to/dir/there"), b"old").unwrap();
    bench.trees.remote.faults().always(Call::Commit, "bad", Effect::Fail(FsErrorKind::NoSpace));
    let report = bench.run(JobSpec { conflicts: ConflictPolicy::Skip, ..move_away(&["dir"]) }).await;
    assert_eq!((report.done, report.skipped, report.failed), (1, 1, 1));
    assert_eq!(bench.trees.local.paths(), ["/from/", "/from/dir/", "/from/dir/bad", "/from/dir/there", "/to/"]);
}

#[tokio::test]
async fn a_source_that_cannot_be_removed_is_told() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"x");
    bench.trees.local.faults().always(Call::Remove, "", Effect::Fail(FsErrorKind::PermissionDenied));
    assert_failed(&bench.run(move_away(&["file"])).await, "it was copied, but stays here too");
    assert_eq!(bench.arrived(), ["file"]);
}

#[tokio::test]
async fn what_lies_behind_a_link_is_never_removed() {
    let mut bench = Bench::like_ftp();
    bench.put("/keep/inside", b"x");
    bench.trees.local.put_dir(&path("/from/dir")).unwrap();
    beside(&bench.trees.local).make_symlink(&path("/from/dir/link"), b"/keep").await.unwrap();
    beside(&bench.trees.local).make_symlink(&path("/from/dir/file-link"), b"/keep/inside").await.unwrap();
    assert_clean(&bench.run(move_away(&["dir"])).await, 2);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/keep/", "/keep/inside", "/to/"]);
    assert_eq!(bench.arrived(), ["dir/", "dir/file-link", "dir/link/", "dir/link/inside"]);
}

#[tokio::test]
async fn moving_within_a_place_renames() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"x");
    bench.trees.local.faults().always(Call::Open, "", Effect::Fail(FsErrorKind::Io));
    assert_clean(&bench.run(move_here(&["dir"])).await, 1);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/", "/to/dir/", "/to/dir/file"]);
}

#[tokio::test]
async fn moving_within_a_place_joins_folders_and_obeys_the_rule() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"new");
    bench.put("/from/dir/other", b"other");
    bench.put("/to/dir/file", b"old");
    let report = bench.run(JobSpec { conflicts: ConflictPolicy::Overwrite, ..move_here(&["dir"]) }).await;
    assert_clean(&report, 2);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/", "/to/dir/", "/to/dir/file", "/to/dir/other"]);
    assert_eq!(bench.trees.local.content(&path("/to/dir/file")), Some(b"new".to_vec()));
}

#[tokio::test]
async fn a_rename_across_disks_becomes_a_copy() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"x");
    bench.trees.local.faults().always(Call::Rename, "/from/", Effect::Fail(FsErrorKind::Refused));
    assert_clean(&bench.run(move_here(&["dir"])).await, 1);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/", "/to/dir/", "/to/dir/file"]);
}

#[tokio::test]
async fn an_ended_job_tells_which_folders_changed() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"x");
    bench.queue.submit(move_away(&["file"]));
    let Some(Event::JobEnded { changed, .. }) = bench.events.recv().await else { panic!("a job ended") };
    assert_eq!(changed, [(Place::Local, path("/from")), (REMOTE, path("/to"))]);
}

#[tokio::test]
async fn two_jobs_run_at_once_and_the_third_waits() {
    let mut bench = Bench::new();
    for file in ["a", "b", "c"] {
        bench.put(&format!("/from/{file}"), b"x");
    }
    bench.trees.remote.faults().always(Call::Create, "", Effect::Stall);
    let ids = ["a", "b", "c"].map(|file| bench.queue.submit(upload(&[file])));
    let states = || bench.queue.snapshot().jobs.iter().map(|job| job.state).collect::<Vec<_>>();
    while states().iter().filter(|&&state| state == JobState::Running).count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(states(), [JobState::Running, JobState::Running, JobState::Waiting]);
    assert_eq!(bench.queue.snapshot().jobs[0].title, "a from /from to sftp://demo/to");
    bench.queue.cancel(ids[2]);
    let report = bench.ended(ids[2]).await;
    assert!(report.cancelled);
    bench.queue.clear_finished();
    assert_eq!(bench.queue.snapshot().jobs.len(), 2);
    assert!(bench.queue.snapshot().is_active());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_program_stops_and_tidies_up() {
    let mut bench = Bench::new();
    bench.put("/from/file", &vec![7; 100_000]);
    bench.trees.remote.faults().always(Call::Write(50_000), "", Effect::Stall);
    let id = bench.queue.submit(upload(&["file"]));
    while bench.trees.remote.paths().len() < 3 {
        tokio::task::yield_now().await;
    }
    bench.queue.shutdown().await;
    assert!(bench.ended(id).await.cancelled);
    assert_eq!(bench.arrived(), [""; 0]);
}
