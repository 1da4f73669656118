//! `mkdir` and `rm`.

use sealift::vfs::FsErrorKind;
use sealift::vfs::memory::faults::{Call, Effect};

use crate::scene::{Scene, path};

#[test]
fn folders_are_made_with_their_parents_where_that_is_wanted() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/new") {
        let deep = format!("{url}/x/y");
        scene.sealift(&["mkdir", &deep]).fails(7, &["/new/x/y"]);
        scene.sealift(&["mkdir", &url]).exits(0);
        scene.sealift(&["mkdir", &url]).fails(7, &["there is something of that name"]);
        scene.sealift(&["mkdir", "-p", &url, &deep]).exits(0);
        assert!(tree.paths().contains(&"/new/x/y/".to_owned()), "{:?}", tree.paths());
    }
    scene.bare(&["mkdir", "-p", "here/and/below"]).exits(0);
    assert!(scene.here("here/and/below").is_dir());
}

#[test]
fn a_file_in_the_way_is_no_folder_and_the_others_are_made() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/") {
        let ran = scene.sealift(&["mkdir", "-p", "--json", &format!("{url}a.txt/x"), &format!("{url}other")]).exits(3);
        assert_eq!(ran.json()[0]["outcome"], "failed", "{ran}");
        assert_eq!(ran.line_with("outcome", "made")["target"], format!("{url}other"));
        assert!(tree.paths().contains(&"/other/".to_owned()));
        scene.sealift(&["mkdir", "-p", &format!("{url}a.txt")]).fails(7, &["a.txt"]);
    }
}

#[test]
fn files_are_removed_and_folders_only_when_told_so() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/") {
        scene.sealift(&["rm", &format!("{url}sub")]).fails(2, &["is a folder", "-r"]);
        scene.sealift(&["rm", "-r", &url]).fails(2, &["whole disk or server"]);
        scene.sealift(&["rm", &format!("{url}missing")]).fails(7, &["/missing", "it is not there"]);
        let ran = scene.sealift(&["rm", "--json", &format!("{url}a.txt"), &format!("{url}link")]).exits(0);
        assert_eq!(ran.line_with("source", &format!("{url}a.txt"))["outcome"], "removed", "{ran}");
        // Of a link the link goes, not what it leads to.
        assert!(tree.content(&path("/sub/deep/c.txt")).is_some());
        scene.sealift(&["rm", "-r", &format!("{url}sub")]).exits(0);
        assert_eq!(tree.paths(), ["/.hidden", "/100% sure; #1?.txt"]);
    }
}

#[test]
fn what_cannot_be_removed_is_named_and_the_rest_goes() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/sub") {
        tree.faults().always(Call::Remove, "b.txt", Effect::Fail(FsErrorKind::PermissionDenied));
        scene.sealift(&["rm", "-r", &url]).fails(3, &[&format!("{url}/b.txt"), "permission denied", "1 failed"]);
        assert!(tree.content(&path("/sub/deep/c.txt")).is_none() && tree.content(&path("/sub/b.txt")).is_some());
    }
}
