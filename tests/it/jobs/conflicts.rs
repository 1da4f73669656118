//! What is in the way: every rule, every answer, and how long an answer holds.

use std::sync::Arc;

use sealift::ask::{ConflictAction, ConflictAnswer, Scope, ScriptedPrompter};
use sealift::engine::{ConflictPolicy, JobSpec};
use sealift::vfs::{FileSystem, MemoryFileSystem, NewMetadata};

use super::{Bench, assert_clean, assert_failed, beside, path, upload};

/// A bench where `/from/file` is younger and longer than the `/to/file` in its way.
async fn bench(prompter: ScriptedPrompter) -> (Bench, Arc<ScriptedPrompter>) {
    let prompter = Arc::new(prompter);
    let bench = Bench::asking(Arc::clone(&prompter) as Arc<dyn sealift::ask::Prompter>);
    bench.put("/from/file", b"new content");
    bench.trees.remote.put(&path("/to/file"), b"old").unwrap();
    date(&bench.trees.remote, "/to/file", "2001-01-01T00:00:00Z").await;
    (bench, prompter)
}

async fn date(tree: &MemoryFileSystem, file: &str, time: &str) {
    let metadata = NewMetadata { modified: Some(time.parse().unwrap()), mode: None };
    beside(tree).set_metadata(&path(file), metadata).await.unwrap();
}

const fn answer(action: ConflictAction, scope: Scope) -> ConflictAnswer {
    ConflictAnswer { action, scope }
}

#[tokio::test]
async fn each_rule_without_a_question() {
    for (policy, content, done) in [
        (ConflictPolicy::Overwrite, "new content", 1),
        (ConflictPolicy::Newer, "new content", 1),
        (ConflictPolicy::Larger, "new content", 1),
        (ConflictPolicy::SizeDiffers, "new content", 1),
        (ConflictPolicy::DateDiffers, "new content", 1),
        (ConflictPolicy::Differs, "new content", 1),
        (ConflictPolicy::Rename, "old", 1),
        (ConflictPolicy::DateName, "old", 1),
        (ConflictPolicy::Skip, "old", 0),
    ] {
        let (mut bench, prompter) = bench(ScriptedPrompter::default()).await;
        let report = bench.run(JobSpec { conflicts: policy, ..upload(&["file"]) }).await;
        assert_eq!((report.done, report.skipped, report.failed), (done, 1 - done, 0), "{policy:?}");
        assert_eq!(bench.uploaded("/to/file").unwrap(), content.as_bytes(), "{policy:?}");
        assert_eq!(bench.uploaded("/to/file (2)").is_some(), policy == ConflictPolicy::Rename);
        let beside =
            bench.arrived().into_iter().filter(|name| name.starts_with("file 20") && name.len() == "file 2026-11-30 14-22-33".len());
        assert_eq!(beside.count(), usize::from(policy == ConflictPolicy::DateName), "{policy:?}");
        assert!(prompter.asked().is_empty());
    }
}

#[tokio::test]
async fn older_is_skipped_by_newer() {
    let (mut bench, _) = bench(ScriptedPrompter::default()).await;
    date(&bench.trees.local, "/from/file", "1999-01-01T00:00:00Z").await;
    let report = bench.run(JobSpec { conflicts: ConflictPolicy::Newer, ..upload(&["file"]) }).await;
    assert_eq!((report.done, report.skipped), (0, 1));
}

#[tokio::test]
async fn each_answer_is_followed_and_no_answer_skips() {
    for (action, content) in [
        (Some(ConflictAction::Overwrite), "new content"),
        (Some(ConflictAction::Newer), "new content"),
        (Some(ConflictAction::Larger), "new content"),
        (Some(ConflictAction::DateDiffers), "new content"),
        (Some(ConflictAction::SizeDiffers), "new content"),
        (Some(ConflictAction::Differs), "new content"),
        (Some(ConflictAction::DateName), "old"),
        (Some(ConflictAction::Rename), "old"),
        (Some(ConflictAction::Skip), "old"),
        (None, "old"),
    ] {
        let script = ScriptedPrompter::default();
        let (mut bench, prompter) = bench(match action {
            Some(action) => script.conflict(answer(action, Scope::This)),
            None => script,
        })
        .await;
        let report = bench.upload(&["file"]).await;
        assert_eq!(report.failed, 0);
        assert_eq!(bench.uploaded("/to/file").unwrap(), content.as_bytes(), "{action:?}");
        assert_eq!(bench.uploaded("/to/file (2)").is_some(), action == Some(ConflictAction::Rename));
        assert_eq!(prompter.asked(), ["conflict /to/file"]);
    }
}

#[tokio::test]
async fn an_answer_for_the_rest_of_the_job_is_asked_once_and_forgotten_after() {
    let script = ScriptedPrompter::default().conflict(answer(ConflictAction::Overwrite, Scope::RestOfJob));
    let (mut bench, prompter) = bench(script).await;
    let names: Vec<String> = (0..50).map(|number| format!("f{number}")).collect();
    for name in &names {
        bench.put(&format!("/from/{name}"), b"new");
        bench.trees.remote.put(&path(&format!("/to/{name}")), b"old").unwrap();
    }
    let items: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_clean(&bench.upload(&items).await, 50);
    assert_eq!(prompter.asked().len(), 1);
    let report = bench.upload(&items[..2]).await;
    assert_eq!((report.done, report.skipped, prompter.asked().len()), (0, 2, 3));
}

#[tokio::test]
async fn an_answer_for_all_like_this_holds_where_the_two_differ_in_the_same_way() {
    let script = ScriptedPrompter::default()
        .conflict(answer(ConflictAction::Overwrite, Scope::Alike))
        .conflict(answer(ConflictAction::Skip, Scope::Alike));
    let prompter = Arc::new(script);
    // One worker, so that the order of questions is that of the items.
    let mut bench =
        Bench::with(MemoryFileSystem::new(), MemoryFileSystem::new(), 1, Arc::clone(&prompter) as Arc<dyn sealift::ask::Prompter>);
    for (name, content, time) in [
        ("newer1", "longer", "2020-01-01T00:00:00Z"),
        ("older1", "longer", "1990-01-01T00:00:00Z"),
        ("newer2", "longer", "2021-01-01T00:00:00Z"),
        ("older2", "longer", "1991-01-01T00:00:00Z"),
        ("other", "s", "2020-01-01T00:00:00Z"),
    ] {
        bench.put(&format!("/from/{name}"), content.as_bytes());
        date(&bench.trees.local, &format!("/from/{name}"), time).await;
        bench.trees.remote.put(&path(&format!("/to/{name}")), b"old").unwrap();
        date(&bench.trees.remote, &format!("/to/{name}"), "2001-01-01T00:00:00Z").await;
    }
    let report = bench.upload(&["newer1", "older1", "newer2", "older2", "other"]).await;
    // The last is newer and smaller: a third kind, about which nobody answered.
    assert_eq!((report.done, report.skipped, report.unanswered), (2, 3, 1), "{report:?}");
    assert_eq!(prompter.asked(), ["conflict /to/newer1", "conflict /to/older1", "conflict /to/other"]);
    assert_eq!((bench.uploaded("/to/newer2"), bench.uploaded("/to/older2")), (Some(b"longer".to_vec()), Some(b"old".to_vec())));
}

#[tokio::test]
async fn resuming_makes_a_beginning_whole_and_leaves_what_is_as_long() {
    let (mut bench, prompter) = bench(ScriptedPrompter::default()).await;
    bench.trees.remote.put(&path("/to/file"), b"new con").unwrap();
    let resume = || JobSpec { conflicts: ConflictPolicy::Resume, ..upload(&["file"]) };
    let report = bench.run(resume()).await;
    assert_eq!((report.done, bench.uploaded("/to/file")), (1, Some(b"new content".to_vec())), "{report:?}");
    assert_eq!(bench.run(resume()).await.skipped, 1);
    assert!(prompter.asked().is_empty());
}

#[tokio::test]
async fn a_rule_that_cannot_tell_of_a_file_asks_about_that_one() {
    let script = ScriptedPrompter::default().conflict(answer(ConflictAction::Resume, Scope::RestOfJob));
    let (mut bench, prompter) = bench(script).await;
    bench.trees.remote.put(&path("/to/file"), b"new con").unwrap();
    bench.put("/from/shorter", b"s");
    bench.trees.remote.put(&path("/to/shorter"), b"longer").unwrap();
    let report = bench.upload(&["file", "shorter"]).await;
    // There is nothing to go on with behind a longer file.
    assert_eq!((report.done, report.skipped, report.unanswered), (1, 1, 1), "{report:?}");
    assert_eq!(prompter.asked(), ["conflict /to/file", "conflict /to/shorter"]);
}

#[tokio::test]
async fn a_free_name_is_found_behind_those_taken() {
    let (mut bench, _) = bench(ScriptedPrompter::default()).await;
    bench.trees.remote.put(&path("/to/file (2)"), b"taken").unwrap();
    assert_clean(&bench.run(JobSpec { conflicts: ConflictPolicy::Rename, ..upload(&["file"]) }).await, 1);
    assert_eq!(bench.uploaded("/to/file (3)"), Some(b"new content".to_vec()));
    assert_eq!(bench.outcomes.recv().await.unwrap().target, Some(path("/to/file (3)")));
}

#[tokio::test]
async fn a_folder_is_no_conflict_to_a_folder_and_no_file_replaces_one() {
    let mut bench = Bench::new();
    bench.put("/from/both/new", b"new");
    bench.trees.remote.put(&path("/to/both/old"), b"old").unwrap();
    assert_clean(&bench.upload(&["both"]).await, 1);
    assert_eq!(bench.arrived(), ["both/", "both/new", "both/old"]);

    bench.put("/from/clash", b"file");
    bench.trees.remote.put_dir(&path("/to/clash")).unwrap();
    let overwrite = |item| JobSpec { conflicts: ConflictPolicy::Overwrite, ..upload(&[item]) };
    assert_failed(&bench.run(overwrite("clash")).await, "a folder of that name is in the way");

    bench.put("/from/other/x", b"x");
    bench.trees.remote.put(&path("/to/other"), b"file").unwrap();
    assert_failed(&bench.run(overwrite("other")).await, "a file of that name is in the way");
    assert_eq!(bench.uploaded("/to/other"), Some(b"file".to_vec()));
}

#[tokio::test]
async fn a_question_of_a_stopped_job_is_withdrawn() {
    let (prompter, mut questions) = sealift::ask::ChannelPrompter::new();
    let mut bench = Bench::asking(Arc::new(prompter));
    bench.put("/from/file", b"new");
    bench.trees.remote.put(&path("/to/file"), b"old").unwrap();
    let id = bench.queue.submit(upload(&["file"]));
    let question = questions.recv().await.unwrap();
    bench.queue.cancel(id);
    assert!(bench.ended(id).await.cancelled);
    assert!(question.is_withdrawn());
    assert_eq!(bench.uploaded("/to/file"), Some(b"old".to_vec()));
}
