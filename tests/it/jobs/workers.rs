//! How many files are under way at once, and over how many connections.

use std::sync::atomic::Ordering;

use sealift::engine::QueueOptions;
use sealift::vfs::MemoryFileSystem;
use sealift::vfs::memory::faults::{Call, Effect, Fault};

use super::{Bench, assert_clean, path, upload};

const LARGE: usize = 1 << 20;

#[tokio::test]
async fn small_files_wait_for_no_others_where_a_connection_carries_many() {
    let mut bench = Bench::new();
    bench.trees.many.store(true, Ordering::Relaxed);
    let stuck: Vec<String> = (0..200).map(|number| format!("stuck-{number}")).collect();
    // More large ones than may move at once.
    for (number, name) in stuck.iter().enumerate() {
        bench.put(&format!("/from/{name}"), &vec![1; if number < 10 { LARGE } else { 10 }]);
    }
    bench.put("/from/last", b"last");
    bench.trees.local.faults().plant(Fault { call: Call::Open, path: "stuck".to_owned(), effect: Effect::Stall, times: u32::MAX });
    let names: Vec<&str> = stuck.iter().map(String::as_str).chain(["last"]).collect();
    let job = bench.queue.submit(upload(&names));
    let outcome = bench.outcomes.recv().await.unwrap();
    assert_eq!(outcome.source, path("/from/last"));
    bench.queue.cancel(job);
    assert!(bench.ended(job).await.cancelled);
    assert_eq!(bench.arrived(), ["last"]);
}

#[tokio::test]
async fn a_refused_connection_is_one_worker_fewer_and_no_failure() {
    for most in 1..4 {
        let mut bench = Bench::with(MemoryFileSystem::new(), MemoryFileSystem::new(), 8, std::sync::Arc::new(sealift::ask::Refuse));
        bench.trees.most.store(most, Ordering::Relaxed);
        let names: Vec<String> = (0..50).map(|number| format!("file-{number}")).collect();
        for name in &names {
            bench.put(&format!("/from/{name}"), name.as_bytes());
        }
        let report = bench.upload(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_clean(&report, 50);
        assert!(names.iter().all(|name| bench.uploaded(&format!("/to/{name}")).as_deref() == Some(name.as_bytes())));
    }
}

#[tokio::test]
async fn who_wants_to_know_of_failures_alone_hears_of_nothing_else() {
    let mut bench = Bench::with_options(&QueueOptions { only_failures: true, ..QueueOptions::default() });
    bench.put("/from/one", b"one");
    bench.put("/from/two", b"two");
    let report = bench.upload(&["one", "missing", "two"]).await;
    assert_eq!((report.done, report.failed), (2, 1));
    let outcome = bench.outcomes.try_recv().unwrap();
    assert!(outcome.result.is_err() && outcome.source == path("/from/missing"));
    assert!(bench.outcomes.try_recv().is_err());
}

#[tokio::test]
async fn connections_are_opened_while_a_folder_is_still_listed() {
    let mut bench = Bench::with(MemoryFileSystem::new(), MemoryFileSystem::new(), 4, std::sync::Arc::new(sealift::ask::Refuse));
    bench.put("/from/folder/file", b"file");
    bench.trees.local.faults().plant(Fault { call: Call::List, path: "folder".to_owned(), effect: Effect::Stall, times: 1 });
    let job = bench.queue.submit(upload(&["folder"]));
    // The walk holds one to read from, and each of the three others both ends.
    let opened = async {
        while bench.trees.held.load(Ordering::Relaxed) < 7 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), opened).await.unwrap();
    bench.queue.cancel(job);
    assert!(bench.ended(job).await.cancelled);
    assert_eq!(bench.trees.held.load(Ordering::Relaxed), 0);
}
