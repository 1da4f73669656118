//! What a comparison finds: each option has its case.

use super::*;
use crate::model::{Entry, Kind};
use crate::vfs::memory::faults::{Call, Effect as Strike};
use SyncSide::{Left, Right};

/// One of everything.
async fn sample() -> Two {
    let two = Two::new();
    two.both("same.txt", "same").await;
    two.put(Left, "new.txt", "1234", 0).await;
    two.put(Left, "docs/deep/new.txt", "x", 0).await;
    two.put(Left, "newer.txt", "aaaa", 100).await;
    two.put(Right, "newer.txt", "bbbb", 0).await;
    two.put(Left, "older.txt", "aaaa", 0).await;
    two.put(Right, "older.txt", "bbbb", 100).await;
    two.put(Left, "size.txt", "aaa", 0).await;
    two.put(Right, "size.txt", "bbbb", 0).await;
    two.put(Right, "gone.txt", "x", 0).await;
    two.put(Right, "gone/deep/file", "x", 0).await;
    two.put(Left, "kind", "x", 0).await;
    two.put(Right, "kind/file", "x", 0).await;
    two
}

#[tokio::test]
async fn a_mirror_creates_updates_deletes_and_leaves_what_is_newer() {
    let two = sample().await;
    let plan = two.compare(mirror()).await;
    assert_eq!(
        lines(&plan),
        [
            "delete gone.txt",
            "conflict kind",
            "create new.txt",
            "update newer.txt",
            "conflict older.txt",
            "update size.txt",
            "create docs/",
            "create docs/deep/",
            "create docs/deep/new.txt",
            "delete gone/",
            "delete gone/deep/",
            "delete gone/deep/file",
        ]
    );
    assert_eq!(plan.same, 1);
    assert_eq!(plan.totals().words(), "4 to create, 2 to update, 4 to delete, 12 bytes, 2 conflicts");
    let replacing = two.compare(SyncOptions { replace_newer: true, ..mirror() }).await;
    assert!(lines(&replacing).contains(&"update older.txt".to_owned()));
}

#[tokio::test]
async fn without_deletion_what_only_the_target_has_is_counted_alone() {
    let two = sample().await;
    let plan = two.compare(SyncOptions::default()).await;
    assert!(!lines(&plan).iter().any(|line| line.contains("gone")), "{:?}", lines(&plan));
    assert_eq!(plan.extra, 2, "a file and a folder");
}

#[tokio::test]
async fn a_mirror_to_the_left_is_the_same_the_other_way_round() {
    let two = sample().await;
    let plan = two.compare(SyncOptions { direction: Direction::Left, ..mirror() }).await;
    let lines = lines(&plan);
    for line in
        ["create gone.txt", "delete new.txt", "conflict newer.txt", "update older.txt", "delete docs/deep/new.txt", "create gone/deep/file"]
    {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:?}");
    }
}

#[tokio::test]
async fn in_both_directions_the_newer_wins_and_nothing_is_deleted() {
    let two = sample().await;
    let plan = two.compare(SyncOptions { direction: Direction::Both, ..mirror() }).await;
    let decided = |name: &str| (0..plan.len()).find(|&at| plan.path(at) == name.as_bytes()).and_then(|at| plan.decision(at));
    assert_eq!(decided("newer.txt"), Some(Decision::CopyRight));
    assert_eq!(decided("older.txt"), Some(Decision::CopyLeft));
    assert_eq!(decided("gone/deep/file"), Some(Decision::CopyLeft));
    assert_eq!(decided("new.txt"), Some(Decision::CopyRight));
    assert_eq!(decided("size.txt"), Some(Decision::Leave), "the times are the same: nobody knows which is right");
    assert_eq!(plan.totals().of(Effect::Delete), 0);
}

#[tokio::test]
async fn bytes_tell_what_times_hide() {
    let two = Two::new();
    two.put(Left, "touched", "same", 50).await;
    two.put(Right, "touched", "same", 0).await;
    two.put(Left, "hidden", "aaaa", 0).await;
    two.put(Right, "hidden", "bbbb", 0).await;
    assert_eq!(lines(&two.compare(mirror()).await), ["update touched"]);
    let content = SyncOptions { comparison: Comparison::Content, ..mirror() };
    let plan = two.compare(content.clone()).await;
    assert_eq!((lines(&plan), plan.same), (vec!["update hidden".to_owned()], 1));
    two.left.faults().always(Call::Open, "/l/hidden", Strike::Fail(FsErrorKind::PermissionDenied));
    let plan = two.compare(content).await;
    assert_eq!((lines(&plan), plan.remarks.len()), (vec!["conflict hidden".to_owned()], 1));
}

#[tokio::test]
async fn what_is_left_out_is_neither_copied_nor_deleted() {
    let two = sample().await;
    let rules = Rules { exclude: vec!["gone/".into(), "*.tmp".into()], include: vec!["*.txt".into(), "*.tmp".into()], ..Rules::default() };
    two.put(Left, "a.tmp", "x", 0).await;
    let plan = two.compare(SyncOptions { rules, ..mirror() }).await;
    let lines = lines(&plan);
    assert!(!lines.iter().any(|line| line.contains("gone/") || line.contains("tmp")), "{lines:?}");
    assert!(lines.contains(&"delete gone.txt".to_owned()) && lines.contains(&"create docs/deep/new.txt".to_owned()), "{lines:?}");
    let rules = Rules { min_size: Some(4), ..Rules::default() };
    let plan = two.compare(SyncOptions { rules, ..mirror() }).await;
    assert!(!super::lines(&plan).contains(&"delete gone.txt".to_owned()), "one byte is too small to be touched");
    let wrong = Rules { exclude: vec!["{a".into()], ..Rules::default() };
    assert!(matches!(two.try_compare(SyncOptions { rules: wrong, ..mirror() }).await, Err(CompareError::Pattern(_))));
}

#[tokio::test]
async fn hidden_names_and_what_is_our_own() {
    let two = Two::new();
    two.put(Left, ".secret", "x", 0).await;
    two.put(Left, ".x.sealift-0123ab.part", "x", 0).await;
    two.put(Right, ".sealift-trash/2026/old", "x", 0).await;
    two.put(Right, "sub/.sealift-trash/2026/old", "x", 0).await;
    two.both("a", "x").await;
    two.put(Left, "sub/a", "x", 0).await;
    assert_eq!(lines(&two.compare(mirror()).await), ["create .secret", "create sub/a"]);
    assert_eq!(lines(&two.compare(SyncOptions { hidden: false, ..mirror() }).await), ["create sub/a"]);
    assert_eq!(two.paths(Right).iter().filter(|path| path.contains("clock")).count(), 0, "nothing is left of measuring");
}

#[tokio::test]
async fn links_are_left_out_or_kept() {
    let two = Two::new();
    two.both("a", "x").await;
    two.left.make_symlink(&path("/l/new"), b"a").await.unwrap();
    two.left.make_symlink(&path("/l/same"), b"a").await.unwrap();
    two.right.make_symlink(&path("/r/same"), b"a").await.unwrap();
    two.left.make_symlink(&path("/l/other"), b"a").await.unwrap();
    two.right.make_symlink(&path("/r/other"), b"b").await.unwrap();
    two.right.make_symlink(&path("/r/gone"), b"b").await.unwrap();
    let plan = two.compare(mirror()).await;
    assert!(plan.is_empty(), "{:?}", lines(&plan));
    assert!(plan.remarks.iter().any(|remark| remark.words.contains("6 symbolic links")), "{:?}", plan.remarks);
    let plan = two.compare(SyncOptions { links: Links::Keep, ..mirror() }).await;
    assert_eq!(lines(&plan), ["delete gone", "create new", "update other"]);
    two.apply(plan).await;
    assert!(two.compare(SyncOptions { links: Links::Keep, ..mirror() }).await.is_empty());
}

#[tokio::test]
async fn other_kinds_are_told_and_nothing_takes_their_place() {
    let two = Two::new();
    two.left.put_other(&path("/l/pipe")).unwrap();
    two.put(Right, "pipe", "x", 0).await;
    two.left.put_other(&path("/l/alone")).unwrap();
    two.both("a", "x").await;
    let plan = two.compare(mirror()).await;
    assert_eq!(lines(&plan), ["conflict pipe"]);
    assert_eq!(plan.remarks.len(), 2, "{:?}", plan.remarks);
}

#[tokio::test]
async fn names_that_differ_only_in_case_or_accents_are_left_to_a_person() {
    let two = Two::new();
    two.both("a", "x").await;
    two.put(Left, "README", "x", 0).await;
    two.put(Right, "Readme", "x", 0).await;
    two.put(Left, "caf\u{e9}", "x", 0).await;
    two.put(Right, "cafe\u{301}", "x", 0).await;
    let plan = two.compare(mirror()).await;
    assert_eq!((plan.len(), plan.totals().of(Effect::Conflict)), (4, 4), "{:?}", lines(&plan));
}

#[tokio::test]
async fn nothing_is_deleted_where_the_source_could_not_be_read() {
    let two = Two::new();
    two.both("a", "x").await;
    two.put(Left, "closed/file", "x", 0).await;
    two.put(Right, "closed/only-here", "x", 0).await;
    two.put(Right, "closed/deep/only-here", "x", 0).await;
    two.left.faults().always(Call::List, "/l/closed", Strike::Fail(FsErrorKind::PermissionDenied));
    let plan = two.compare(mirror()).await;
    assert!(plan.is_empty() && plan.remarks.len() == 1, "{:?} {:?}", lines(&plan), plan.remarks);
}

#[tokio::test]
async fn nothing_is_deleted_where_a_listing_has_lines_nobody_understands() {
    let two = Two::new();
    two.both("a", "x").await;
    two.put(Right, "only-here", "x", 0).await;
    two.put(Right, "folder/only-here", "x", 0).await;
    two.left.plant_line(&path("/l"), Entry::new(*b"-rw-r--r-- odd", Kind::Unparsed)).unwrap();
    let plan = two.compare(mirror()).await;
    assert_eq!(plan.totals().of(Effect::Delete), 0, "{:?}", lines(&plan));
    assert!(!plan.remarks.is_empty());
}

#[tokio::test]
async fn an_empty_source_deletes_nothing_unless_that_is_meant() {
    let two = Two::new();
    two.put(Right, "precious", "x", 0).await;
    let plan = two.compare(mirror()).await;
    assert!(plan.source_is_empty);
    assert_eq!(plan.totals().changes(), 0);
    let plan = two.compare(SyncOptions { empty_source: true, ..mirror() }).await;
    assert_eq!(lines(&plan), ["delete precious"]);
}

#[tokio::test]
async fn an_empty_folder_of_the_source_spares_what_the_other_side_has_in_it() {
    let two = Two::new();
    two.both("a", "x").await;
    two.put(Right, "gone", "x", 0).await;
    two.put(Right, "mount/precious", "x", 0).await;
    two.put(Right, "mount/deep/down/more", "x", 0).await;
    two.left.put_dir(&path("/l/mount")).unwrap();
    two.put(Left, "kept/new", "x", 0).await;
    two.put(Right, "kept/old", "x", 0).await;
    let plan = two.compare(mirror()).await;
    let spared = ["conflict mount/precious", "conflict mount/deep/", "conflict mount/deep/down/", "conflict mount/deep/down/more"];
    let expected = [&["delete gone", "create kept/new", "delete kept/old"][..], &spared].concat();
    assert_eq!(lines(&plan), expected);
    let told: Vec<_> = plan.remarks.iter().map(|remark| (remark.side, &*remark.path)).collect();
    assert_eq!((plan.source_is_empty, told), (false, vec![(Some(Left), "mount")]), "{:?}", plan.remarks);
    // A person who looked at it may decide otherwise.
    let mut decided = plan.clone();
    let at = (0..decided.len()).find(|at| decided.path(*at) == b"mount/precious").unwrap();
    assert!(decided.decide(at, Decision::DeleteRight));
    two.apply(plan).await;
    assert!(two.paths(Right).contains(&"mount/deep/down/more".to_owned()));

    let plan = two.compare(SyncOptions { empty_source: true, ..mirror() }).await;
    assert_eq!(plan.totals().of(Effect::Delete), 4, "{:?}", lines(&plan));
}

#[tokio::test]
async fn a_source_that_is_not_there_fails_and_a_target_is_made() {
    let two = Two::new();
    two.put(Left, "a", "x", 0).await;
    two.right.remove_dir(&path("/r")).await.unwrap();
    let plan = two.compare(mirror()).await;
    assert_eq!(lines(&plan), ["create a"]);
    let staged = two.apply(plan).await;
    assert_eq!((staged.report.failed, two.paths(Right)), (0, vec!["a".to_owned()]));
    let back = SyncOptions { direction: Direction::Right, ..mirror() };
    two.left.remove_file(&path("/l/a")).await.unwrap();
    two.left.remove_dir(&path("/l")).await.unwrap();
    assert!(matches!(two.try_compare(back).await, Err(CompareError::Side(Left, _))));
}

#[tokio::test]
async fn a_target_that_keeps_no_times_is_not_written_to_again_and_again() {
    let mut options = MemoryOptions::default();
    options.capabilities.set_modified = false;
    let two = Two::with(options);
    two.put(Left, "a", "1234", 0).await;
    let plan = two.compare(mirror()).await;
    two.apply(plan).await;
    assert!(two.compare(mirror()).await.is_empty());
    assert!(two.compare(SyncOptions { direction: Direction::Both, ..mirror() }).await.is_empty());
    two.put(Left, "a", "12345", 1).await;
    assert_eq!(two.compare(mirror()).await.len(), 1, "another size is another file, whatever the times say");
}

#[tokio::test]
async fn folders_that_overlap_are_refused() {
    let two = Two::new();
    let places: Arc<dyn Places> = Arc::new(two);
    let mut order = Two::order(mirror());
    order.right = CompareEnd { place: Place::Local, dir: path("/l/sub"), name: String::new() };
    let compared = compare::compare(&places, &order, &CompareProgress::default(), Timestamp::now).await;
    assert_eq!(compared.unwrap_err(), CompareError::Overlap);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_is_made_anew_and_one_that_stays_broken_ends_it() {
    let two = sample().await;
    let whole = lines(&two.compare(mirror()).await);
    two.left.faults().once(Call::List, "/l/docs", Strike::LoseConnection);
    assert_eq!(lines(&two.compare(mirror()).await), whole);
    two.left.faults().always(Call::List, "/l/docs", Strike::LoseConnection);
    assert!(matches!(two.try_compare(mirror()).await, Err(CompareError::Side(Left, _))));
}

#[test]
fn whole_hours_are_doubted_and_left() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let two = Two::new();
        two.put(Left, "a", "xxxx", 7200).await;
        two.put(Right, "a", "xxxx", 0).await;
        let plan = two.compare(mirror()).await;
        assert_eq!(lines(&plan), ["clock-doubt a"]);
        assert_eq!(plan.row(0).unwrap().choices(), [Decision::CopyRight, Decision::CopyLeft, Decision::Leave]);
    });
}
