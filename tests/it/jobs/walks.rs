//! Folders, links, loops, names that cannot be, and many small files.

use sealift::engine::{ConflictPolicy, JobKind, JobSpec, JobState};
use sealift::model::{Entry, Kind};
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem, FsErrorKind, NewMetadata};

use super::{Bench, REMOTE, assert_clean, assert_failed, beside, path, upload};

#[tokio::test]
async fn folders_come_whole_with_their_times() {
    let mut bench = Bench::new();
    bench.put("/from/a/b/c/file", b"deep");
    bench.put("/from/a/x", b"x");
    bench.trees.local.put_dir(&path("/from/a/empty")).unwrap();
    let metadata = NewMetadata { modified: "2001-02-03T04:05:06Z".parse().ok(), mode: Some(0o750) };
    for folder in ["/from/a", "/from/a/b"] {
        beside(&bench.trees.local).set_metadata(&path(folder), metadata).await.unwrap();
    }
    assert_clean(&bench.upload(&["a"]).await, 2);
    assert_eq!(bench.arrived(), ["a/", "a/b/", "a/b/c/", "a/b/c/file", "a/empty/", "a/x"]);
    for folder in ["/to/a", "/to/a/b"] {
        let entry = bench.trees.remote.stat(&path(folder)).await.unwrap();
        assert_eq!((entry.modified, entry.mode()), (metadata.modified, Some(0o750)));
    }
}

#[tokio::test]
async fn ten_thousand_small_files_arrive_over_a_few_leases() {
    let mut bench = Bench::new();
    for number in 0..10_000 {
        bench.put(&format!("/from/many/{}/{number}", number % 10), number.to_string().as_bytes());
    }
    assert_clean(&bench.upload(&["many"]).await, 10_000);
    assert_eq!(bench.uploaded("/to/many/7/4567"), Some(b"4567".to_vec()));
    assert_eq!(bench.arrived().len(), 10_011);
    assert!(bench.trees.leases.load(std::sync::atomic::Ordering::Relaxed) <= 6);
    let shown = &bench.queue.snapshot().jobs[0];
    assert_eq!((shown.files_done, shown.files_total, shown.bytes_done), (10_000, 10_000, shown.bytes_total));
}

#[tokio::test]
async fn an_unreadable_file_and_an_unreadable_folder_fail_by_name_and_the_rest_goes_on() {
    let mut bench = Bench::new();
    for file in ["a", "secret", "z", "closed/x"] {
        bench.put(&format!("/from/dir/{file}"), b"x");
    }
    bench.trees.local.faults().always(Call::Open, "secret", Effect::Fail(FsErrorKind::PermissionDenied));
    bench.trees.local.faults().always(Call::List, "closed", Effect::Fail(FsErrorKind::PermissionDenied));
    let report = bench.upload(&["dir"]).await;
    let mut failed: Vec<_> = report.failures.iter().map(|failure| failure.path.as_str()).collect();
    failed.sort_unstable();
    assert_eq!((report.done, failed), (2, vec!["/from/dir/closed", "/from/dir/secret"]));
    assert_eq!(bench.arrived(), ["dir/", "dir/a", "dir/z"]);
}

#[tokio::test]
async fn hostile_names_are_told_and_never_made() {
    let mut bench = Bench::new();
    bench.put("/from/dir/good", b"x");
    for name in [&b"../evil"[..], b"/etc/passwd", b"a\r\nDELE b"] {
        bench.trees.local.plant_line(&path("/from/dir"), Entry::new(name, Kind::File)).unwrap();
    }
    let report = bench.upload(&["dir"]).await;
    assert_eq!((report.done, report.failed), (1, 3));
    assert!(report.failures[0].why.contains("../evil"), "{report:?}");
    assert_eq!(bench.arrived(), ["dir/", "dir/good"]);
}

#[tokio::test]
async fn pipes_and_devices_fail_by_name() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"x");
    bench.trees.local.put_other(&path("/from/dir/pipe")).unwrap();
    let report = bench.upload(&["dir"]).await;
    assert_failed(&report, "neither file, folder nor link");
    assert_eq!(report.done, 1);
}

async fn with_links(bench: &Bench) {
    bench.put("/from/dir/file", b"content");
    bench.put("/from/elsewhere/inside", b"inside");
    for (link, target) in
        [("to-file", "file"), ("to-folder", "../elsewhere"), ("loop", ".."), ("self", "."), ("nowhere", "gone"), ("circle", "circle")]
    {
        beside(&bench.trees.local).make_symlink(&path(&format!("/from/dir/{link}")), target.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn links_stay_links_where_both_can() {
    let mut bench = Bench::new();
    with_links(&bench).await;
    assert_clean(&bench.upload(&["dir"]).await, 7);
    let entry = bench.trees.remote.stat(&path("/to/dir/loop")).await.unwrap();
    assert_eq!((entry.kind, entry.details.unwrap().target.as_deref()), (Kind::Symlink, Some(&b".."[..])));
}

#[tokio::test]
async fn links_are_followed_where_they_cannot_be_made_and_loops_are_named() {
    let mut bench = Bench::like_ftp();
    with_links(&bench).await;
    let report = bench.upload(&["dir"]).await;
    assert_eq!(bench.arrived(), ["dir/", "dir/file", "dir/to-file", "dir/to-folder/", "dir/to-folder/inside"]);
    assert_eq!(bench.uploaded("/to/dir/to-file"), Some(b"content".to_vec()));
    let mut failed: Vec<_> = report.failures.iter().map(|failure| failure.path.as_str()).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["/from/dir/circle", "/from/dir/loop", "/from/dir/nowhere", "/from/dir/self"]);
    assert!(report.failures.iter().any(|failure| failure.why.contains("leads back to a folder above")));
    assert!(report.failures.iter().any(|failure| failure.why.contains("leads nowhere")));
}

#[tokio::test]
async fn two_links_that_lead_to_each_others_folder_end() {
    let mut bench = Bench::like_ftp();
    bench.trees.local.put_dir(&path("/from/a")).unwrap();
    bench.trees.local.put_dir(&path("/from/b")).unwrap();
    let local = beside(&bench.trees.local);
    local.make_symlink(&path("/from/a/to-b"), b"../b").await.unwrap();
    local.make_symlink(&path("/from/b/to-a"), b"../a").await.unwrap();
    let report = bench.upload(&["a"]).await;
    assert_failed(&report, "leads back");
    assert_eq!(bench.arrived(), ["a/", "a/to-b/"]);
}

#[tokio::test]
async fn one_connection_serves_walk_and_copy() {
    let mut bench = Bench::like_ftp();
    for number in 0..1000 {
        bench.put(&format!("/from/many/{}/{number}", number % 7), b"x");
    }
    assert_clean(&bench.upload(&["many"]).await, 1000);
    assert_eq!(bench.trees.leases.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn copying_into_itself_is_refused() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"x");
    bench.trees.local.put_dir(&path("/from/dir/sub")).unwrap();
    beside(&bench.trees.local).make_symlink(&path("/alias"), b"/from/dir").await.unwrap();
    let before = bench.trees.local.paths();
    for to_dir in ["/from/dir", "/from/dir/sub", "/alias/sub"] {
        let spec = JobSpec { to: sealift::engine::Place::Local, to_dir: path(to_dir), ..upload(&["dir"]) };
        assert_failed(&bench.run(spec.clone()).await, "inside it");
        assert_failed(&bench.run(JobSpec { kind: JobKind::Move, ..spec }).await, "inside it");
    }
    let spec =
        JobSpec { to: sealift::engine::Place::Local, to_dir: path("/from"), conflicts: ConflictPolicy::Overwrite, ..upload(&["dir"]) };
    assert_failed(&bench.run(spec).await, "the same");
    assert_eq!(bench.trees.local.paths(), before);
}

#[tokio::test]
async fn a_copy_beside_itself_takes_the_new_name() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"x");
    let name = "copy".try_into().ok();
    let spec = JobSpec { to: sealift::engine::Place::Local, to_dir: path("/from"), new_name: name, ..upload(&["file"]) };
    assert_clean(&bench.run(spec).await, 1);
    assert_eq!(bench.trees.local.content(&path("/from/copy")), Some(b"x".to_vec()));
}

#[tokio::test]
async fn a_missing_item_fails_by_name() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"x");
    let report = bench.upload(&["gone", "file"]).await;
    assert_failed(&report, "it is not there");
    assert_eq!(report.done, 1);
}

#[tokio::test]
async fn removing_takes_folders_whole_and_never_follows_links() {
    let mut bench = Bench::new();
    with_links(&bench).await;
    let delete = JobSpec { kind: JobKind::Delete, ..upload(&["dir"]) };
    assert_clean(&bench.run(delete).await, 8);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/from/elsewhere/", "/from/elsewhere/inside", "/to/"]);
    let shown = &bench.queue.snapshot().jobs[0];
    assert_eq!((shown.files_done, shown.files_total, shown.state), (8, 8, JobState::Finished));
}

#[tokio::test]
async fn what_cannot_be_removed_is_told_once() {
    let mut bench = Bench::new();
    for file in ["a/b/stuck", "a/b/free", "a/c/free"] {
        bench.trees.remote.put(&path(&format!("/from/{file}")), b"x").unwrap();
    }
    bench.trees.remote.faults().always(Call::Remove, "stuck", Effect::Fail(FsErrorKind::PermissionDenied));
    let report = bench.run(JobSpec { kind: JobKind::Delete, from: REMOTE, ..upload(&["a"]) }).await;
    assert_failed(&report, "permission denied");
    assert_eq!(bench.trees.remote.paths(), ["/from/", "/from/a/", "/from/a/b/", "/from/a/b/stuck", "/to/"]);
}

#[tokio::test(start_paused = true)]
async fn removing_goes_on_after_a_lost_connection() {
    let mut bench = Bench::new();
    bench.put("/from/a/b", b"x");
    bench.trees.local.faults().once(Call::Remove, "/b", Effect::LoseConnection);
    assert_clean(&bench.run(JobSpec { kind: JobKind::Delete, ..upload(&["a"]) }).await, 2);
}

#[tokio::test]
async fn removing_counts_each_of_many() {
    let mut bench = Bench::new();
    for number in 0..3000 {
        bench.put(&format!("/from/many/{}/{number}", number % 3), b"x");
    }
    assert_clean(&bench.run(JobSpec { kind: JobKind::Delete, ..upload(&["many"]) }).await, 3004);
    assert_eq!(bench.trees.local.paths(), ["/from/", "/to/"]);
}

/// A hostile server names `x` as a link out of the folder and then as a folder, or the link came with an earlier copy.
#[tokio::test]
async fn nothing_is_written_through_a_link_at_the_target() {
    let mut bench = Bench::new();
    bench.put("/from/dir/x/authorized_keys", b"mine");
    bench.trees.remote.put_dir(&path("/home")).unwrap();
    bench.trees.remote.put_dir(&path("/to/dir")).unwrap();
    beside(&bench.trees.remote).make_symlink(&path("/to/dir/x"), b"/home").await.unwrap();
    let report = bench.upload(&["dir"]).await;
    assert_failed(&report, "link of that name");
    assert_eq!(bench.uploaded("/home/authorized_keys"), None);
}
