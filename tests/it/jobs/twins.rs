//! Names that differ only in case or composition, on their way to a place that takes them for one.

use std::sync::Arc;

use sealift::ask::{ConflictAction, ConflictAnswer, Prompter, Scope, ScriptedPrompter};
use sealift::engine::{ConflictPolicy, JobSpec};
use sealift::vfs::MemoryFileSystem;
use sealift::vfs::memory::MemoryOptions;

use super::{Bench, assert_clean, assert_failed, upload};

fn folding(prompter: ScriptedPrompter) -> (Bench, Arc<ScriptedPrompter>) {
    let prompter = Arc::new(prompter);
    let remote = MemoryFileSystem::with_options(MemoryOptions { folds_case: true, ..MemoryOptions::default() });
    let bench = Bench::with(MemoryFileSystem::new(), remote, 3, Arc::clone(&prompter) as Arc<dyn Prompter>);
    for name in ["README", "Readme", "other"] {
        bench.put(&format!("/from/dir/{name}"), name.as_bytes());
    }
    (bench, prompter)
}

/// What is under the one name, whatever its case.
fn one_of_the_two(bench: &Bench) -> String {
    String::from_utf8(bench.uploaded("/to/dir/readme").unwrap()).unwrap()
}

#[tokio::test]
async fn of_two_files_that_are_one_there_neither_replaces_the_other() {
    for policy in [ConflictPolicy::Ask, ConflictPolicy::Overwrite, ConflictPolicy::Newer, ConflictPolicy::Differs, ConflictPolicy::Resume] {
        for _ in 0..20 {
            let (mut bench, prompter) = folding(ScriptedPrompter::default());
            let report = bench.run(JobSpec { conflicts: policy, ..upload(&["dir"]) }).await;
            assert_failed(&report, "differ only in case");
            assert_eq!((report.done, bench.arrived().len(), prompter.asked().len()), (2, 3, 1), "{policy:?} {:?}", bench.arrived());
            // Name and content belong together.
            assert!(bench.arrived().contains(&format!("dir/{}", one_of_the_two(&bench))), "{:?}", bench.arrived());
        }
    }
}

#[tokio::test]
async fn two_files_that_are_one_there_are_kept_apart_by_another_name_or_one_is_left() {
    for (policy, done, skipped) in [(ConflictPolicy::Rename, 3, 0), (ConflictPolicy::DateName, 3, 0), (ConflictPolicy::Skip, 2, 1)] {
        let (mut bench, prompter) = folding(ScriptedPrompter::default());
        let report = bench.run(JobSpec { conflicts: policy, ..upload(&["dir"]) }).await;
        assert_eq!((report.done, report.skipped, report.failed, prompter.asked().len()), (done, skipped, 0, 0), "{report:?}");
        assert_eq!(bench.arrived().len() as u64, done + 1);
    }
}

#[tokio::test]
async fn a_person_decides_between_the_two() {
    for (action, failed) in [(ConflictAction::Overwrite, 0), (ConflictAction::Rename, 0), (ConflictAction::Skip, 0)] {
        let (mut bench, prompter) = folding(ScriptedPrompter::default().conflict(ConflictAnswer { action, scope: Scope::This }));
        let report = bench.upload(&["dir"]).await;
        assert_eq!((report.failed, prompter.asked().len()), (failed, 1), "{report:?}");
        assert_eq!(bench.arrived().len(), if action == ConflictAction::Rename { 4 } else { 3 });
    }
}

#[tokio::test]
async fn an_answer_about_older_files_is_none_about_other_files() {
    let script = ScriptedPrompter::default().conflict(ConflictAnswer { action: ConflictAction::Overwrite, scope: Scope::RestOfJob });
    let (mut bench, prompter) = folding(script);
    bench.trees.remote.put(&super::path("/to/dir/other"), b"old").unwrap();
    // Whichever question comes first, its answer does not do for the other.
    let first = bench.upload(&["dir"]).await;
    let asked = prompter.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(first.failed <= 1 && bench.arrived().len() == 3, "{first:?}");
}

#[tokio::test]
async fn folders_that_are_one_there_are_not_mixed() {
    for (policy, failed) in [(ConflictPolicy::Overwrite, 1), (ConflictPolicy::Rename, 0)] {
        let (mut bench, _) = folding(ScriptedPrompter::default());
        bench.put("/from/up/Docs/a", b"1");
        bench.put("/from/up/docs/a", b"2");
        let report = bench.run(JobSpec { conflicts: policy, ..upload(&["up"]) }).await;
        assert_eq!((report.failed, report.done), (failed, 2 - failed), "{report:?}");
        let folders = bench.arrived().into_iter().filter(|name| name.ends_with('/')).count() as u64;
        assert_eq!(folders, 3 - failed, "{:?}", bench.arrived());
    }
}

#[tokio::test]
async fn items_that_are_one_there_are_noticed_too() {
    let (mut bench, _) = folding(ScriptedPrompter::default());
    // One letter, put together in two ways.
    for name in ["\u{e4}.txt", "a\u{308}.txt"] {
        bench.put(&format!("/from/{name}"), name.as_bytes());
    }
    let report = bench.run(JobSpec { conflicts: ConflictPolicy::Overwrite, ..upload(&["\u{e4}.txt", "a\u{308}.txt"]) }).await;
    assert_failed(&report, "differ only in case or accents");
    assert_eq!(bench.arrived().len(), 1);
}

#[tokio::test]
async fn where_case_counts_nobody_is_asked() {
    let prompter = Arc::new(ScriptedPrompter::default());
    let mut bench = Bench::asking(Arc::clone(&prompter) as Arc<dyn Prompter>);
    for name in ["README", "Readme", "docs/x", "Docs/x"] {
        bench.put(&format!("/from/dir/{name}"), name.as_bytes());
    }
    assert_clean(&bench.upload(&["dir"]).await, 4);
    assert_eq!(bench.uploaded("/to/dir/Readme"), Some(b"Readme".to_vec()));
    // The second time they are in their own way, and not in each other's.
    assert_clean(&bench.run(JobSpec { conflicts: ConflictPolicy::Overwrite, ..upload(&["dir"]) }).await, 4);
    assert!(prompter.asked().is_empty());
}
