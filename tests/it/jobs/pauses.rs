//! Pauses: nothing moves, no connection is held, others go on, and what was paused is finished later as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealift::ask::ChannelPrompter;
use sealift::engine::{JobKind, JobSpec, JobState, Priority, QueueOptions, QueueOrder};
use sealift::vfs::FsErrorKind;
use sealift::vfs::memory::faults::{Call, Effect, Fault};

use super::{Bench, assert_clean, path, upload};

const LARGE: usize = 1 << 20;

/// With one job at a time, and files of three sizes.
fn bench() -> Bench {
    let bench = Bench::with_options(&QueueOptions { jobs: 1, ..QueueOptions::default() });
    for (file, size) in [("dir/large", LARGE), ("dir/sub/small", 10), ("dir/empty", 0), ("other", 10)] {
        bench.put(&format!("/from/{file}"), &vec![7; size]);
    }
    bench
}

fn assert_whole(bench: &Bench) {
    assert_eq!(bench.uploaded("/to/dir/large"), Some(vec![7; LARGE]));
    assert_eq!(bench.arrived(), ["dir/", "dir/empty", "dir/large", "dir/sub/", "dir/sub/small", "other"]);
}

#[tokio::test(start_paused = true)]
async fn wherever_it_stands_a_pause_holds_nothing_and_what_was_paused_is_finished() {
    for (on_target, call) in [
        (false, Call::Stat),
        (false, Call::Open),
        (false, Call::Read(0)),
        (false, Call::Read(300_000)),
        (true, Call::Write(0)),
        (true, Call::Write(900_000)),
    ] {
        let mut bench = bench();
        let tree = if on_target { &bench.trees.remote } else { &bench.trees.local };
        // A line so slow that the pause comes in the middle; the walk's own look cannot be broken off, so it ends by itself.
        let effect = if call == Call::Stat { Effect::Fail(FsErrorKind::TimedOut) } else { Effect::Stall };
        tree.faults().once(call, if call == Call::Stat { "dir" } else { "large" }, effect);
        let first = bench.queue.submit(upload(&["dir"]));
        let second = bench.queue.submit(upload(&["other"]));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(bench.states(), [JobState::Running, JobState::Waiting], "{call:?}");
        bench.queue.carry_out(QueueOrder::Pause(first));
        assert_clean(&bench.ended(second).await, 1);
        assert_eq!(bench.states(), [JobState::Paused, JobState::Finished], "{call:?}");
        let snapshot = bench.queue.snapshot();
        assert!(!snapshot.is_active() && snapshot.jobs[0].rate <= 0.0 && snapshot.jobs[0].files.is_empty(), "{snapshot:?}");
        assert_eq!(bench.trees.held.load(Ordering::Relaxed), 0, "{call:?}");
        assert_eq!(bench.uploaded("/to/dir/large"), None, "never under its name before it is whole");
        bench.queue.carry_out(QueueOrder::Resume(first));
        let report = bench.ended(first).await;
        assert_clean(&report, 3);
        assert_eq!(report.bytes, LARGE as u64 + 10, "{call:?}");
        assert_whole(&bench);
    }
}

#[tokio::test(start_paused = true)]
async fn many_pauses_at_random_moments_lose_nothing() {
    let mut random: u64 = 42;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..20 {
        let mut bench = bench();
        // Slow enough that pauses come in the middle of things.
        bench.queue.carry_out(QueueOrder::Limit(None, 2_000_000));
        let id = bench.queue.submit(upload(&["dir", "other"]));
        for _ in 0..next(6) {
            tokio::time::sleep(Duration::from_millis(next(200))).await;
            bench.queue.carry_out(QueueOrder::Pause(id));
            // At times it goes on before it stands still.
            if next(2) == 0 {
                tokio::time::sleep(Duration::from_millis(next(50))).await;
            }
            bench.queue.carry_out(QueueOrder::Resume(id));
        }
        let report = bench.ended(id).await;
        assert_eq!((report.failed, report.skipped, report.cancelled), (0, 0, false), "round {round} {report:?}");
        assert_whole(&bench);
        assert_eq!(bench.trees.held.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_can_be_paused_too() {
    let mut bench = Bench::new();
    for number in 0..20 {
        bench.put(&format!("/from/dir/{number}/file"), b"x");
    }
    let id = bench.queue.submit(JobSpec { kind: JobKind::Delete, ..upload(&["dir"]) });
    bench.queue.carry_out(QueueOrder::Pause(id));
    bench.until_first_is(JobState::Paused).await;
    assert_eq!(bench.trees.held.load(Ordering::Relaxed), 0);
    bench.queue.carry_out(QueueOrder::ResumeAll);
    assert_eq!(bench.ended(id).await.failed, 0);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_is_taken_back_and_asked_anew() {
    let (prompter, mut questions) = ChannelPrompter::new();
    let mut bench = Bench::asking(Arc::new(prompter));
    bench.put("/from/file", b"new");
    bench.trees.remote.put(&path("/to/file"), b"old").unwrap();
    let id = bench.queue.submit(upload(&["file"]));
    let first = questions.recv().await.unwrap();
    bench.queue.carry_out(QueueOrder::Pause(id));
    bench.until_first_is(JobState::Paused).await;
    assert!(first.is_withdrawn());
    bench.queue.carry_out(QueueOrder::Resume(id));
    let again = questions.recv().await.unwrap();
    assert!(!again.is_withdrawn());
    drop(again);
    assert_eq!(bench.ended(id).await.skipped, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_can_be_stopped_and_that_is_no_failure() {
    for (path, call) in [("large", Call::Read(300_000)), ("dir", Call::List)] {
        let mut bench = bench();
        let effect = if call == Call::List { Effect::LoseConnection } else { Effect::Stall };
        bench.trees.local.faults().plant(Fault { call, path: path.to_owned(), effect, times: u32::MAX });
        let id = bench.queue.submit(upload(&["dir"]));
        tokio::time::sleep(Duration::from_millis(10)).await;
        bench.queue.carry_out(QueueOrder::PauseAll);
        bench.until_first_is(JobState::Paused).await;
        bench.queue.cancel(id);
        let report = bench.ended(id).await;
        assert!(report.cancelled && report.failed == 0, "{report:?}");
        assert_eq!(bench.states(), [JobState::Cancelled]);
        assert!(bench.arrived().iter().all(|name| !name.contains(".part")), "{:?}", bench.arrived());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_no_try_and_no_end_of_patience() {
    let mut bench = bench();
    bench.trees.local.faults().plant(Fault { call: Call::Open, path: "large".to_owned(), effect: Effect::LoseConnection, times: 3 });
    let id = bench.queue.submit(upload(&["dir"]));
    let waiting = bench.until(|snapshot| snapshot.jobs[0].line.is_some()).await.jobs[0].line.unwrap();
    assert_eq!(waiting.attempt, 1);
    assert!(waiting.again_in <= Duration::from_secs(1));
    bench.queue.carry_out(QueueOrder::Pause(id));
    bench.until_first_is(JobState::Paused).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.queue.snapshot().jobs[0].line, None);
    bench.queue.carry_out(QueueOrder::Resume(id));
    assert_clean(&bench.ended(id).await, 3);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_held_and_what_is_held_waits() {
    let bench = bench();
    bench.trees.local.faults().always(Call::Open, "", Effect::Stall);
    let jobs = ["dir", "other"].map(|item| bench.queue.submit(upload(&[item])));
    bench.queue.carry_out(QueueOrder::Prioritise(jobs[1], Priority::High));
    bench.queue.carry_out(QueueOrder::Pause(jobs[1]));
    assert_eq!(bench.states(), [JobState::Held, JobState::Running]);
    bench.queue.carry_out(QueueOrder::PauseAll);
    bench.until(|snapshot| snapshot.jobs[1].state == JobState::Paused).await;
    bench.queue.carry_out(QueueOrder::ResumeAll);
    assert_eq!(bench.states(), [JobState::Running, JobState::Waiting], "in the order as it is now");
}
