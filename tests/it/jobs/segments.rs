//! One large file over several connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealift::ask::Refuse;
use sealift::engine::{JobOptions, JobSpec, JobState, Place, QueueOrder};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FsErrorKind, MemoryFileSystem};

use super::{Bench, REMOTE, assert_clean, assert_failed, upload};

const SIZE: usize = (70 << 20) + 5;

/// A server with one file a connection that holds a large file, and a job that brings it here.
fn large() -> (Bench, Vec<u8>, JobSpec) {
    let mut options = MemoryOptions::default();
    options.capabilities.parallel = false;
    let bench = Bench::with(MemoryFileSystem::new(), MemoryFileSystem::with_options(options), 4, Arc::new(Refuse));
    let content: Vec<u8> = (0..SIZE).map(|at| (at >> 16) as u8 ^ at as u8).collect();
    bench.trees.remote.put(&super::path("/from/large"), &content).unwrap();
    (bench, content, JobSpec { from: REMOTE, to: Place::Local, ..upload(&["large"]) })
}

#[tokio::test]
async fn a_large_file_comes_over_several_connections_and_is_whole() {
    let (mut bench, content, job) = large();
    assert_clean(&bench.run(job).await, 1);
    assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
    // One each for the walk and the file at both ends, and three that help.
    assert!(bench.trees.leases.load(Ordering::Relaxed) >= 5);
}

#[tokio::test]
async fn what_is_verified_passes_once_and_in_order() {
    let (mut bench, content, job) = large();
    let options = JobOptions { verify: true, ..JobOptions::default() };
    let report = bench.run(JobSpec { options, ..job }).await;
    assert_eq!((report.done, report.failed, report.verified), (1, 0, 1));
    assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
    assert!(bench.trees.leases.load(Ordering::Relaxed) < 5, "nobody helps");
}

#[tokio::test]
async fn what_a_helper_does_not_bring_the_first_connection_does() {
    for effect in [Effect::Fail(FsErrorKind::Refused), Effect::LoseConnection] {
        let (mut bench, content, job) = large();
        // In the third of four stretches.
        bench.trees.remote.faults().once(Call::Read(40 << 20), "large", effect);
        assert_clean(&bench.run(job).await, 1);
        assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_in_the_first_stretch_is_gone_on_behind_what_is_whole() {
    let (mut bench, content, job) = large();
    bench.trees.remote.faults().once(Call::Read(10 << 20), "large", Effect::LoseConnection);
    let report = bench.run(job).await;
    assert_clean(&report, 1);
    assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
}

#[tokio::test]
async fn what_cannot_be_brought_leaves_nothing_under_the_real_name() {
    let (mut bench, _, job) = large();
    bench.trees.remote.faults().always(Call::Read(60 << 20), "large", Effect::Fail(FsErrorKind::PermissionDenied));
    assert_failed(&bench.run(job).await, "permission denied");
    assert_eq!(bench.trees.local.content(&super::path("/to/large")), None);
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_every_stretch_and_gives_every_connection_back() {
    for stuck in [10 << 20, 40 << 20] {
        let (mut bench, content, job) = large();
        bench.trees.remote.faults().once(Call::Read(stuck), "large", Effect::Stall);
        let id = bench.queue.submit(job);
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.queue.carry_out(QueueOrder::Pause(id));
        bench.until_first_is(JobState::Paused).await;
        assert_eq!(bench.trees.held.load(Ordering::Relaxed), 0);
        assert_eq!(bench.trees.local.content(&super::path("/to/large")), None);
        bench.queue.carry_out(QueueOrder::Resume(id));
        assert_clean(&bench.ended(id).await, 1);
        assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_for_all_stretches_together() {
    let (mut bench, content, job) = large();
    bench.queue.carry_out(QueueOrder::Limit(None, 10 << 20));
    let before = tokio::time::Instant::now();
    assert_clean(&bench.run(job).await, 1);
    // On the clock of the test, which leaps.
    assert!(before.elapsed() >= Duration::from_secs(6), "{:?}", before.elapsed());
    assert!(bench.trees.local.content(&super::path("/to/large")).is_some_and(|arrived| arrived == content));
}
