//! The queue: order, times, limits, and what is tried again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use sealift::engine::{
    Again, ConflictPolicy, JobKind, JobOptions, JobSpec, JobState, Persistence, Priority, QueueOptions, QueueOrder, Shift, Start, When,
};
use sealift::vfs::FsErrorKind;
use sealift::vfs::memory::faults::{Call, Effect, Fault};
use tokio::time::Instant;

use super::{Bench, REMOTE, assert_clean, assert_failed, path, upload};

fn one_at_a_time() -> QueueOptions {
    QueueOptions { jobs: 1, ..QueueOptions::default() }
}

fn put(bench: &Bench, files: &[&str]) {
    for file in files {
        bench.put(&format!("/from/{file}"), &vec![7; 100_000]);
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_go_in_the_order_a_person_puts_them() {
    let mut bench = Bench::with_options(&one_at_a_time());
    put(&bench, &["a", "b", "c", "d"]);
    bench.queue.carry_out(QueueOrder::Limit(None, 100_000));
    let [a, b, c] = ["a", "b", "c"].map(|file| bench.queue.submit(upload(&[file])));
    let urgent = JobOptions { priority: Priority::High, ..JobOptions::default() };
    let d = bench.queue.submit(JobSpec { options: urgent, ..upload(&["d"]) });
    bench.queue.carry_out(QueueOrder::Shift(c, Shift::Up));
    for next in [a, d, c, b] {
        assert_clean(&bench.ended(next).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn more_jobs_at_once_begin_when_that_is_wanted() {
    let bench = Bench::with_options(&one_at_a_time());
    put(&bench, &["a", "b", "c"]);
    bench.trees.remote.faults().always(Call::Create, "", Effect::Stall);
    for file in ["a", "b", "c"] {
        bench.queue.submit(upload(&[file]));
    }
    assert_eq!(bench.states(), [JobState::Running, JobState::Waiting, JobState::Waiting]);
    bench.queue.carry_out(QueueOrder::Jobs(2));
    assert_eq!((bench.states(), bench.queue.snapshot().at_once), (vec![JobState::Running, JobState::Running, JobState::Waiting], 2));
}

#[tokio::test(start_paused = true)]
async fn where_connections_are_few_one_job_works_at_a_time() {
    let mut bench = Bench::alone();
    put(&bench, &["a", "b"]);
    let [a, b] = ["a", "b"].map(|file| bench.queue.submit(upload(&[file])));
    let here = bench.queue.submit(JobSpec { to: sealift::engine::Place::Local, ..upload(&["a"]) });
    assert_eq!(bench.states(), [JobState::Running, JobState::Waiting, JobState::Running]);
    let mut ended = Vec::new();
    for _ in 0..3 {
        let Some(sealift::engine::Event::JobEnded { id, report, .. }) = bench.events.recv().await else { panic!("a job ended") };
        assert_clean(&report, 1);
        ended.push(id);
    }
    assert!(ended.contains(&here) && ended.iter().position(|id| *id == a) < ended.iter().position(|id| *id == b), "{ended:?}");
}

/// Seconds since 1970, moved by the test below alone.
static CLOCK: AtomicI64 = AtomicI64::new(0);

fn clock() -> Zoned {
    Timestamp::from_second(CLOCK.load(Ordering::Relaxed)).unwrap().to_zoned(TimeZone::UTC)
}

#[tokio::test(start_paused = true)]
async fn a_job_begins_at_its_time_by_the_clock_on_the_wall() {
    let mut bench = Bench::with_options(&QueueOptions { now: clock, ..QueueOptions::default() });
    put(&bench, &["a", "b", "c"]);
    let at = |second| JobOptions { start: Start::At(Timestamp::from_second(second).unwrap()), ..JobOptions::default() };
    let a = bench.queue.submit(JobSpec { options: at(3600), ..upload(&["a"]) });
    let b = bench.queue.submit(JobSpec { options: JobOptions { start: Start::Held, ..JobOptions::default() }, ..upload(&["b"]) });
    let c = bench.queue.submit(JobSpec { options: at(7200), ..upload(&["c"]) });
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    let time = |second| JobState::Scheduled(Timestamp::from_second(second).unwrap());
    assert_eq!(bench.states(), [time(3600), JobState::Held, time(7200)], "the clock on the wall stood still");
    bench.queue.carry_out(QueueOrder::Later(b, When::At { hour: 0, minute: 30 }));
    assert_eq!(bench.states()[1], time(1800));
    CLOCK.store(1800, Ordering::Relaxed);
    assert_clean(&bench.ended(b).await, 1);
    bench.queue.carry_out(QueueOrder::Resume(c));
    assert_clean(&bench.ended(c).await, 1);
    CLOCK.store(4000, Ordering::Relaxed);
    assert_clean(&bench.ended(a).await, 1);
}

/// The same, for the test below.
static JUMPING: AtomicI64 = AtomicI64::new(0);

fn jumping() -> Zoned {
    Timestamp::from_second(JUMPING.load(Ordering::Relaxed)).unwrap().to_zoned(TimeZone::UTC)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_begins_what_is_due_and_nothing_twice() {
    let mut bench = Bench::with_options(&QueueOptions { now: jumping, ..QueueOptions::default() });
    put(&bench, &["a", "b"]);
    let at = |second| JobOptions { start: Start::At(Timestamp::from_second(second).unwrap()), ..JobOptions::default() };
    let a = bench.queue.submit(JobSpec { options: at(3600), ..upload(&["a"]) });
    let b = bench.queue.submit(JobSpec { options: at(7200), ..upload(&["b"]) });
    JUMPING.store(5000, Ordering::Relaxed);
    assert_clean(&bench.ended(a).await, 1);
    JUMPING.store(-400 * 24 * 3600, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    let time = JobState::Scheduled(Timestamp::from_second(7200).unwrap());
    assert_eq!(bench.states(), [JobState::Finished, time], "set back, it waits");
    JUMPING.store(400 * 24 * 3600, Ordering::Relaxed);
    assert_clean(&bench.ended(b).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_for_all_together_and_changes_while_they_run() {
    let mut bench = Bench::new();
    let files: Vec<String> = (0..12).map(|number| format!("dir/{number}")).chain(["e".to_owned()]).collect();
    put(&bench, &files.iter().map(String::as_str).collect::<Vec<_>>());
    bench.queue.carry_out(QueueOrder::Limit(None, 50_000));
    let start = Instant::now();
    let [dir, e] = ["dir", "e"].map(|item| bench.queue.submit(upload(&[item])));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let moved: u64 = bench.queue.snapshot().jobs.iter().map(|job| job.bytes_done).sum();
    assert!(moved <= 4 * 50_000 + 100_000, "{moved}");
    bench.queue.carry_out(QueueOrder::Limit(Some(dir), 1));
    bench.queue.carry_out(QueueOrder::Limit(None, 0));
    assert_clean(&bench.ended(e).await, 1);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!((bench.queue.snapshot().limit, bench.queue.snapshot().jobs[0].limit), (0, 1));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.states()[0], JobState::Running, "its own limit holds it");
    let before = Instant::now();
    bench.queue.carry_out(QueueOrder::Limit(Some(dir), 0));
    assert_clean(&bench.ended(dir).await, 12);
    assert!(before.elapsed() < Duration::from_millis(100), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn so_many_files_at_once() {
    for (options, most) in [
        (QueueOptions { files: 2, ..QueueOptions::default() }, 2),
        (QueueOptions { per_site: 1, files: 5, ..QueueOptions::default() }, 1),
        (QueueOptions::default(), 4),
    ] {
        let mut bench = Bench::with_options(&options);
        put(&bench, &["dir/a", "dir/b", "dir/c", "dir/d", "dir/e", "other/a", "other/b", "other/c"]);
        bench.queue.carry_out(QueueOrder::Limit(None, 100_000));
        let jobs = ["dir", "other"].map(|item| bench.queue.submit(upload(&[item])));
        let under_way = |snapshot: &sealift::engine::Snapshot| snapshot.jobs.iter().map(|job| job.files.len()).sum::<usize>();
        bench.until(|snapshot| under_way(snapshot) == most).await;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(most == 4 || under_way(&bench.queue.snapshot()) <= most);
        }
        bench.queue.carry_out(QueueOrder::Limit(None, 0));
        let mut done = 0;
        for _ in jobs {
            let Some(sealift::engine::Event::JobEnded { report, .. }) = bench.events.recv().await else { panic!("a job ended") };
            assert_eq!(report.failed, 0);
            done += report.done;
        }
        assert_eq!(done, 8);
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_unless_a_person_wants_it_endless() {
    let persistence = Persistence { tries: 2, delay: Duration::from_secs(10), keep_trying: false };
    let fault = || Fault { call: Call::Open, path: String::new(), effect: Effect::LoseConnection, times: 9 };
    let mut bench = Bench::with_options(&QueueOptions { persistence, ..QueueOptions::default() });
    put(&bench, &["a"]);
    bench.trees.local.faults().plant(fault());
    let start = Instant::now();
    assert_failed(&bench.upload(&["a"]).await, "lost");
    assert_eq!(start.elapsed(), Duration::from_secs(30));

    bench.trees.local.faults().clear();
    bench.trees.local.faults().plant(fault());
    let id = bench.queue.submit(upload(&["a"]));
    bench.queue.carry_out(QueueOrder::KeepTrying(id, true));
    let waiting = bench.until(|snapshot| snapshot.jobs[1].line.is_some_and(|line| line.attempt == 5)).await.jobs[1].clone();
    assert!(waiting.keeps_trying && waiting.line.unwrap().again_in > Duration::from_secs(50), "{waiting:?}");
    let before = Instant::now();
    bench.queue.carry_out(QueueOrder::TryNow(id));
    bench.until(|snapshot| snapshot.jobs[1].line.is_some_and(|line| line.attempt == 6)).await;
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_clean(&bench.ended(id).await, 1);
}

#[tokio::test]
async fn what_failed_is_tried_again_alone_and_the_rest_is_left() {
    let mut bench = Bench::new();
    put(&bench, &["dir/sub/a", "dir/sub/b", "dir/c", "other"]);
    bench.trees.remote.faults().always(Call::Create, "sub", Effect::Fail(FsErrorKind::PermissionDenied));
    let report = bench.upload(&["dir", "other"]).await;
    assert_eq!((report.done, report.failed), (2, 2));
    assert_eq!(report.failures[0].target, format!("/to/dir/sub/{}", report.failures[0].path.rsplit('/').next().unwrap()));
    let first = bench.queue.snapshot().jobs[0].id;
    assert_eq!(bench.states(), [JobState::Failed]);

    bench.queue.carry_out(QueueOrder::Retry(first, Again::One(1)));
    let second = bench.queue.snapshot().jobs[1].id;
    assert_eq!(bench.ended(second).await.failed, 1, "it fails still");
    bench.trees.remote.faults().clear();
    bench.trees.remote.put(&path("/to/dir/c"), b"mine").unwrap();
    bench.queue.carry_out(QueueOrder::RetryAll);
    for _ in 0..2 {
        let Some(sealift::engine::Event::JobEnded { report, .. }) = bench.events.recv().await else { panic!("a job ended") };
        assert_clean(&report, 1);
    }
    assert_eq!(bench.uploaded("/to/dir/sub/a").map(|content| content.len()), Some(100_000));
    assert_eq!(bench.uploaded("/to/dir/sub/b").map(|content| content.len()), Some(100_000));
    assert_eq!(bench.uploaded("/to/dir/c"), Some(b"mine".to_vec()), "what was done is not done again");
    let jobs = bench.queue.snapshot().jobs;
    assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Finished; 3], "the one that did nothing is forgotten");
    let left = jobs[0].report.as_ref().unwrap();
    assert_eq!((left.done, left.failed, left.retried), (2, 0, 2));
    assert_eq!(jobs[1].title.split(' ').next(), Some("a"), "{}", jobs[1].title);
}

#[tokio::test]
async fn a_move_and_a_removal_are_tried_again_as_far_as_they_did_not_come() {
    for kind in [JobKind::Move, JobKind::Delete] {
        let mut bench = Bench::new();
        put(&bench, &["dir/a", "dir/b", "other"]);
        let faults = bench.trees.local.faults().clone();
        faults.always(Call::Remove, "dir/b", Effect::Fail(FsErrorKind::PermissionDenied));
        let spec = JobSpec { kind, conflicts: ConflictPolicy::Overwrite, ..upload(&["dir", "other"]) };
        assert_eq!(bench.run(spec).await.failed, 1, "{kind:?}");
        faults.clear();
        let id = bench.queue.snapshot().jobs[0].id;
        bench.queue.carry_out(QueueOrder::Retry(id, Again::Failed));
        let again = bench.queue.snapshot().jobs[1].id;
        assert_eq!(bench.ended(again).await.failed, 0, "{kind:?}");
        assert_eq!(bench.trees.local.paths(), ["/from/", "/to/"], "{kind:?}: the folder too");
        assert_eq!(bench.trees.remote.content(&path("/to/dir/b")).is_some(), kind == JobKind::Move);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_job_is_tried_again_whole() {
    let mut bench = Bench::new();
    put(&bench, &["a"]);
    bench.trees.remote.faults().once(Call::Create, "", Effect::Stall);
    let id = bench.queue.submit(upload(&["a"]));
    bench.until(|snapshot| !snapshot.jobs[0].files.is_empty()).await;
    bench.queue.carry_out(QueueOrder::Retry(id, Again::All));
    assert_eq!(bench.states(), [JobState::Running], "not while it runs");
    bench.queue.cancel(id);
    assert!(bench.ended(id).await.cancelled);
    bench.queue.carry_out(QueueOrder::Retry(id, Again::All));
    let snapshot = bench.queue.snapshot();
    assert_eq!((snapshot.jobs.len(), snapshot.jobs[0].to.0), (1, REMOTE));
    assert_clean(&bench.ended(snapshot.jobs[0].id).await, 1);
}
