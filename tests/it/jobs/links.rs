//! Symbolic links by choice: followed, copied as links, left out; whatever they lead to.

use sealift::engine::{JobKind, JobOptions, JobSpec, LinkTally, Links};
use sealift::model::Kind;
use sealift::vfs::FileSystem;

use super::{Bench, assert_clean, assert_failed, beside, path, upload};

async fn with_links(bench: &Bench) {
    bench.put("/from/dir/sub/file", b"content");
    bench.put("/secret", b"secret");
    for (link, target) in [
        ("inside", "sub/file"),
        ("folder", "sub"),
        ("outside", "../../secret"),
        ("absolute", "/secret"),
        ("absolute-inside", "/from/dir/sub/file"),
    ] {
        beside(&bench.trees.local).make_symlink(&path(&format!("/from/dir/{link}")), target.as_bytes()).await.unwrap();
    }
}

fn with(links: Links) -> JobSpec {
    JobSpec { options: JobOptions { links, ..JobOptions::default() }, ..upload(&["dir"]) }
}

#[tokio::test]
async fn followed_even_where_links_could_be_made() {
    let mut bench = Bench::new();
    with_links(&bench).await;
    let report = bench.run(with(Links::Follow)).await;
    assert_clean(&report, 6);
    assert_eq!(report.links, LinkTally { followed: 5, ..LinkTally::default() });
    for (file, content) in [("inside", "content"), ("folder/file", "content"), ("outside", "secret"), ("absolute", "secret")] {
        assert_eq!(bench.uploaded(&format!("/to/dir/{file}")).unwrap(), content.as_bytes(), "{file}");
        assert_ne!(bench.trees.remote.stat(&path(&format!("/to/dir/{file}"))).await.unwrap().kind, Kind::Symlink, "{file}");
    }
}

#[tokio::test]
async fn followed_dangling_links_and_circles_fail_by_name() {
    let mut bench = Bench::new();
    bench.put("/from/dir/file", b"x");
    for (link, target) in [("gone", "nothing"), ("gone-absolute", "/nothing"), ("circle", "circle"), ("up", "..")] {
        beside(&bench.trees.local).make_symlink(&path(&format!("/from/dir/{link}")), target.as_bytes()).await.unwrap();
    }
    let report = bench.run(with(Links::Follow)).await;
    let why = |link: &str| &report.failures.iter().find(|failure| failure.path.ends_with(link)).unwrap().why;
    assert_eq!((report.done, report.failed), (1, 4), "{report:?}");
    assert!(why("/gone").contains("leads nowhere") && why("/gone-absolute").contains("leads nowhere"), "{report:?}");
    assert!(why("/circle").contains("circle") && why("/up").contains("leads back"), "{report:?}");
}

#[tokio::test]
async fn copied_with_their_text_wherever_it_leads_and_what_leads_out_is_counted() {
    for links in [Links::Copy, Links::AsPossible] {
        let mut bench = Bench::new();
        with_links(&bench).await;
        beside(&bench.trees.local).make_symlink(&path("/from/dir/gone"), b"nothing").await.unwrap();
        let report = bench.run(with(links)).await;
        assert_clean(&report, 7);
        assert_eq!(report.links, LinkTally { leading_out: 3, ..LinkTally::default() });
        assert!(report.links.words().contains("3 links copied that lead out"), "{}", report.links.words());
        for (link, text) in [("outside", "../../secret"), ("absolute", "/secret"), ("gone", "nothing")] {
            let details = bench.trees.remote.stat(&path(&format!("/to/dir/{link}"))).await.unwrap().details.unwrap();
            assert_eq!(details.target.as_deref(), Some(text.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_link_between_items_copied_together_leads_out_of_neither() {
    let mut bench = Bench::new();
    bench.put("/from/release/file", b"x");
    beside(&bench.trees.local).make_symlink(&path("/from/current"), b"release").await.unwrap();
    assert_eq!(bench.upload(&["release", "current"]).await.links.leading_out, 0);
    let mut bench = Bench::new();
    bench.put("/from/release/file", b"x");
    beside(&bench.trees.local).make_symlink(&path("/from/current"), b"release").await.unwrap();
    assert_eq!(bench.upload(&["current"]).await.links.leading_out, 1);
}

#[tokio::test]
async fn where_no_links_can_be_made_copying_them_fails_by_name_and_following_is_told() {
    let mut bench = Bench::like_ftp();
    bench.put("/from/dir/file", b"x");
    beside(&bench.trees.local).make_symlink(&path("/from/dir/link"), b"file").await.unwrap();
    let report = bench.run(with(Links::Copy)).await;
    assert_failed(&report, "cannot be made there");
    assert_eq!(bench.arrived(), ["dir/", "dir/file"]);

    let mut bench = Bench::like_ftp();
    bench.put("/from/dir/file", b"x");
    beside(&bench.trees.local).make_symlink(&path("/from/dir/link"), b"file").await.unwrap();
    let report = bench.run(with(Links::AsPossible)).await;
    assert_clean(&report, 2);
    assert_eq!(report.links.words(), "1 link followed");
}

#[tokio::test]
async fn left_out_and_told_and_not_moved_away() {
    let mut bench = Bench::new();
    with_links(&bench).await;
    let report = bench.run(JobSpec { kind: JobKind::Move, ..with(Links::Skip) }).await;
    assert_eq!((report.done, report.skipped, report.failed), (1, 5, 0), "{report:?}");
    assert_eq!(
        (bench.arrived(), report.links.words()),
        (vec!["dir/".into(), "dir/sub/".into(), "dir/sub/file".into()], "5 links left out".into())
    );
    assert!(bench.trees.local.stat(&path("/from/dir/outside")).await.is_ok());
}

#[tokio::test]
async fn a_file_replaces_a_link_in_its_way_and_not_what_that_leads_to() {
    let mut bench = Bench::new();
    bench.put("/from/file", b"new");
    bench.trees.remote.put(&path("/precious"), b"precious").unwrap();
    for target in ["/precious", "/not-there"] {
        beside(&bench.trees.remote).make_symlink(&path("/to/file"), target.as_bytes()).await.unwrap();
        let overwrite = JobSpec { conflicts: sealift::engine::ConflictPolicy::Overwrite, ..upload(&["file"]) };
        assert_clean(&bench.run(overwrite).await, 1);
        assert_eq!((bench.uploaded("/to/file"), bench.uploaded("/precious")), (Some(b"new".to_vec()), Some(b"precious".to_vec())));
        assert!(bench.uploaded("/not-there").is_none());
        beside(&bench.trees.remote).remove_file(&path("/to/file")).await.unwrap();
    }
}
