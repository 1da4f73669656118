//! The right to write is lost while files are written.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use libtest_mimic::Trial;

use super::super::Harness;
use super::super::course::{Course, Ended, HERE, Tree, files};
use super::super::support::sshd::{Kind, Sshd};
use super::{FTPD, SSHD, Servers, VSFTPD};

const TREE: Tree = Tree { large: 6 << 20, small: 40 };
/// Two seconds for the tree: it is lost before the end of it.
const PACE: &str = "3M";

pub(super) fn trials(harness: &mut Harness, servers: &Servers) -> Vec<Trial> {
    // Root may do anything: this one works as another user.
    let sshd = harness.start("sshd of another user", || Sshd::start(Kind::Password));
    let what = "the right to write is lost half-way";
    vec![
        harness.trial(&sshd, what, SSHD, async |server| lost(&Course::ssh(server, HERE, true, TREE))),
        harness.trial(&servers.vsftpd, what, VSFTPD, async |(server, _)| lost(&Course::ftps(server, HERE, true, TREE))),
        harness.trial(&servers.proftpd, what, FTPD, async |server| lost(&Course::ftps(server, HERE, true, TREE))),
        harness.trial(&servers.pure_ftpd, what, FTPD, async |server| lost(&Course::ftps(server, HERE, true, TREE))),
    ]
}

fn lost(course: &Course) {
    let program = course.start_until(0.4, PACE);
    let folders = ["tree/b/deep", "tree/b", "tree/a", "tree", ""].map(|folder| course.target.join(folder));
    let before: Vec<_> = folders.iter().map(|folder| take(folder)).collect();
    let ended = Ended::of(program, "the right is lost");
    let what = format!("the right is lost: {ended}");
    assert_eq!(ended.code, Some(3), "{what}");
    assert!(ended.said.contains("permission denied") && ended.said.contains("tree/large"), "{what}");
    assert!(ended.said.contains("Check the owner and the permissions"), "{what}");
    course.assert_nothing_broken(&files(&course.source), &what);
    assert!(!course.target.join("tree/large").exists(), "{what}");
    for (folder, before) in folders.iter().zip(before) {
        give(folder, before);
    }
    course.finish("the right is back");
}

/// Who owned a folder, and what might be done there.
type Rights = Option<(u32, u32)>;

/// Makes a folder one that is only read; answers what it was.
fn take(folder: &Path) -> Rights {
    use std::os::unix::fs::MetadataExt as _;
    let facts = folder.metadata().ok()?;
    chown(folder, Some(0), Some(0)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
    Some((facts.uid(), facts.mode()))
}

fn give(folder: &Path, before: Rights) {
    if let Some((owner, mode)) = before {
        chown(folder, Some(owner), None).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    }
}
