//! What carrying a plan out does, and what it refuses to do.

use super::*;
use crate::vfs::memory::faults::{Call, Effect as Strike};
use SyncSide::{Left, Right};

const RUN: &str = "/r/.sealift-trash/2026-09-21T14-13-31Z";

async fn sample() -> Two {
    let two = Two::new();
    two.both("same", "same").await;
    two.put(Left, "new", "1234", 7).await;
    two.put(Left, "docs/deep/new", "x", 8).await;
    two.put(Left, "changed", "after", 100).await;
    two.put(Right, "changed", "befor", 0).await;
    two.put(Right, "gone", "precious", 0).await;
    two.put(Right, "gone-dir/deep/file", "y", 0).await;
    two
}

#[tokio::test]
async fn a_mirror_becomes_like_its_source_and_what_went_lies_in_the_trash() {
    let two = sample().await;
    let private = NewMetadata { mode: Some(0o700), modified: Timestamp::from_second(THEN).ok() };
    two.left.set_metadata(&path("/l/docs"), private).await.unwrap();
    let plan = two.compare(mirror()).await;
    let staged = two.apply(plan).await;
    assert_eq!((staged.report.failed, staged.report.skipped, staged.not_begun), (0, 0, false), "{staged:?}");
    assert!(two.compare(mirror()).await.is_empty());
    assert_eq!(two.right.content(&path("/r/changed")).unwrap(), b"after");
    assert_eq!(two.right.content(&path(&format!("{RUN}/gone"))).unwrap(), b"precious");
    assert_eq!(two.right.content(&path(&format!("{RUN}/gone-dir/deep/file"))).unwrap(), b"y");
    assert_eq!(two.right.stat(&path("/r/.sealift-trash")).await.unwrap().mode(), Some(0o700));
    let docs = two.right.stat(&path("/r/docs")).await.unwrap();
    assert_eq!((docs.mode(), docs.modified), (Some(0o700), private.modified), "folders keep their times and modes");
    assert!(!two.paths(Right).iter().any(|path| path.starts_with("gone")));
}

#[tokio::test]
async fn deletion_for_good_leaves_nothing() {
    let two = sample().await;
    let options = SyncOptions { deletion: Deletion::Permanent, ..mirror() };
    let staged = two.apply(two.compare(options).await).await;
    assert_eq!(staged.report.failed, 0);
    assert!(!two.right.holds(b"precious"));
}

#[tokio::test]
async fn both_directions_exchange_what_is_newer() {
    let two = sample().await;
    two.put(Left, "back", "old", 0).await;
    two.put(Right, "back", "new", 50).await;
    let options = SyncOptions { direction: Direction::Both, ..SyncOptions::default() };
    let staged = two.apply(two.compare(options.clone()).await).await;
    assert_eq!(staged.report.failed, 0, "{staged:?}");
    assert!(two.compare(options).await.is_empty());
    assert_eq!(two.paths(Left), two.paths(Right));
    assert_eq!(two.left.content(&path("/l/back")).unwrap(), b"new");
}

#[tokio::test]
async fn what_changed_since_it_was_compared_is_left() {
    let two = sample().await;
    let plan = two.compare(mirror()).await;
    two.put(Right, "changed", "mine!", 500).await;
    two.put(Left, "new", "other length", 7).await;
    two.put(Right, "docs/deep/new", "came meanwhile", 9).await;
    two.put(Right, "gone", "precious too", 0).await;
    let staged = two.apply(plan).await;
    assert_eq!(two.right.content(&path("/r/changed")).unwrap(), b"mine!");
    assert_eq!(two.right.content(&path("/r/docs/deep/new")).unwrap(), b"came meanwhile");
    assert_eq!(two.right.content(&path("/r/gone")).unwrap(), b"precious too");
    assert!(two.right.content(&path("/r/new")).is_none());
    let why = |name: &str| staged.report.failures.iter().find(|failure| failure.path.ends_with(name)).map(|failure| failure.why.clone());
    assert!(why("changed").unwrap().contains("changed since it was compared"), "{staged:?}");
    assert!(staged.not_begun, "nothing is deleted after a copy that did not come through");
}

#[tokio::test]
async fn deletions_check_both_sides_once_more() {
    let two = Two::new();
    two.both("a", "x").await;
    for name in ["went", "stays", "dir/stays", "dir/went"] {
        two.put(Right, name, "x", 0).await;
    }
    let plan = two.compare(mirror()).await;
    two.put(Right, "stays", "longer", 0).await;
    two.put(Left, "dir/stays", "came back", 0).await;
    let staged = two.apply(plan).await;
    assert_eq!(staged.report.failed, 2, "{staged:?}");
    let left: Vec<_> = two.paths(Right).into_iter().filter(|path| !path.starts_with(".sealift")).collect();
    assert_eq!(left, ["a", "dir/", "dir/stays", "stays"]);
}

#[tokio::test]
async fn a_source_that_went_away_deletes_nothing() {
    let two = Two::new();
    two.both("a", "x").await;
    two.put(Right, "precious", "x", 0).await;
    let plan = two.compare(mirror()).await;
    two.left.remove_file(&path("/l/a")).await.unwrap();
    let staged = two.apply(plan).await;
    assert_eq!(staged.report.failed, 1);
    assert!(staged.report.failures[0].why.contains("not mounted"), "{staged:?}");
    assert!(two.right.content(&path("/r/precious")).is_some());
}

#[tokio::test]
async fn a_copy_that_fails_holds_deletions_back() {
    let two = sample().await;
    let plan = two.compare(mirror()).await;
    two.right.faults().always(Call::Create, "/r/.new", Strike::Fail(FsErrorKind::NoSpace));
    let staged = two.apply(plan).await;
    assert_eq!((staged.report.failed, staged.not_begun), (1, true), "{staged:?}");
    assert!(two.right.content(&path("/r/gone")).is_some());
}

#[tokio::test]
async fn a_trash_that_cannot_be_made_deletes_nothing() {
    let two = sample().await;
    let plan = two.compare(mirror()).await;
    two.right.faults().always(Call::MakeDir, ".sealift-trash", Strike::Fail(FsErrorKind::PermissionDenied));
    let staged = two.apply(plan).await;
    assert!(staged.report.failed > 0);
    assert!(two.right.content(&path("/r/gone")).is_some() && two.right.content(&path("/r/gone-dir/deep/file")).is_some());
}

#[tokio::test]
async fn rows_taken_out_and_turned_round_do_as_they_say() {
    let two = sample().await;
    let mut plan = two.compare(mirror()).await;
    let at = |plan: &Plan, name: &str| (0..plan.len()).find(|&at| plan.path(at) == name.as_bytes()).unwrap();
    let gone = at(&plan, "gone");
    assert!(plan.decide(gone, Decision::CopyLeft));
    let new = at(&plan, "new");
    assert!(plan.decide(new, Decision::DeleteLeft));
    assert!(!plan.decide(new, Decision::CopyLeft), "there is nothing to copy");
    let dir = at(&plan, "gone-dir");
    assert_eq!(plan.below(dir).len(), 2);
    for row in std::iter::once(dir).chain(plan.below(dir)) {
        assert!(plan.decide(row, Decision::Leave));
    }
    let staged = two.apply(plan).await;
    assert_eq!(staged.report.failed, 0, "{staged:?}");
    assert_eq!(two.left.content(&path("/l/gone")).unwrap(), b"precious");
    assert!(two.left.content(&path("/l/new")).is_none());
    assert!(two.left.holds(b"1234"), "it lies in the trash of its side");
    assert!(two.right.content(&path("/r/gone-dir/deep/file")).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_while_it_is_carried_out_is_made_anew() {
    let two = sample().await;
    let plan = two.compare(mirror()).await;
    two.right.faults().once(Call::MakeDir, "/r/docs", Strike::LoseConnection);
    two.right.faults().once(Call::Rename, "/r/gone", Strike::LoseAnswer);
    two.left.faults().once(Call::Open, "/l/docs", Strike::LoseConnection);
    let staged = two.apply(plan).await;
    assert_eq!(staged.report.failed, 0, "{staged:?}");
    assert!(two.compare(mirror()).await.is_empty());
}

#[tokio::test]
async fn places_that_carry_one_question_at_a_time_do_as_well() {
    let mut options = MemoryOptions::default();
    options.capabilities.parallel = false;
    let mut two = Two::with(options);
    // Two of four connections are given; and at last one alone.
    for most in [2, 1] {
        two.most = most;
        many(&two, most).await;
    }
}

async fn many(two: &Two, round: usize) {
    for at in 0..40 {
        two.put(Left, &format!("d{}/e{}/f{at}-{round}", at % 3, at % 7), "content", at).await;
        two.put(Right, &format!("gone/{}/f{at}-{round}", at % 5), "content", at).await;
    }
    let staged = two.apply(two.compare(mirror()).await).await;
    assert_eq!(staged.report.failed, 0, "{staged:?}");
    assert!(two.compare(mirror()).await.is_empty());
}
