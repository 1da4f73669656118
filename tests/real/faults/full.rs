//! Disks without room, there and here, and quotas that are used up: said in a sentence, and finished when there is room.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use super::super::Harness;
use super::super::course::{Course, Ended, HERE, Tree, files};
use super::super::support::pure_ftpd;
use super::super::support::small_disk::SmallDisk;
use super::super::support::{FtpServer, Unavailable};
use super::{FTPD, SSHD, Servers, VSFTPD};

/// More than a small disk has room for.
const TREE: Tree = Tree { large: 5 << 20, small: 30 };
const SMALL: &str = "3m";
const LARGE: &str = "60m";
/// The quota, in MiB, and one with room.
const QUOTA: u32 = 3;
const MORE: u32 = 60;

pub(super) fn trials(harness: &mut Harness, servers: &Servers) -> Vec<Trial> {
    let quota = harness.start("Pure-FTPd with a quota", || pure_ftpd::start_with(pure_ftpd::Options { quota: Some(QUOTA) }));
    let mut trials = vec![
        harness.trial(&quota, "a quota that is used up is called so", FTPD, async |server| used_up(server)),
        Harness::alone("this machine: a file that may not be so large", too_large_here),
    ];
    // On a machine that mounts nothing, the two above are what there is.
    let probe = tempfile::tempdir().unwrap();
    match SmallDisk::mount(&probe.path().join("probe"), SMALL) {
        Err(why @ Unavailable::Absent(_)) => harness.leave_out("disks that are full", &why),
        // What does not work in spite of that fails each of them.
        _ => trials.extend([
            harness.trial(&servers.sshd, "a disk that is full", SSHD, async |server| {
                there(&server.data, |folder| Course::ssh_in(server, folder, HERE, true, TREE));
            }),
            harness.trial(&servers.vsftpd, "a disk that is full", VSFTPD, async |(server, _)| {
                there(&server.data, |folder| Course::ftps_in(server, folder, HERE, true, TREE));
            }),
            harness.trial(&servers.proftpd, "a disk that is full", FTPD, async |server| {
                there(&server.data, |folder| Course::ftps_in(server, folder, HERE, true, TREE));
            }),
            harness.trial(&servers.pure_ftpd, "a disk that is full", FTPD, async |server| {
                there(&server.data, |folder| Course::ftps_in(server, folder, HERE, true, TREE));
            }),
            harness.trial(&servers.sshd, "a disk that is full here", SSHD, async |server| here(Course::ssh(server, HERE, false, TREE))),
            harness.trial(&servers.vsftpd, "a disk that is full here", VSFTPD, async |(server, _)| {
                here(Course::ftps(server, HERE, false, TREE));
            }),
        ]),
    }
    trials
}

/// A small disk below `data`, which is what a server serves.
fn there(data: &Path, course: impl Fn(&Path) -> Course) {
    let disk = SmallDisk::mount(&data.join("small disk"), SMALL).unwrap();
    let course = course(&disk.path);
    fails_and_finishes(&course, course.command(&[]), || disk.grow(LARGE));
}

/// A small disk below the folder of the course.
fn here(mut course: Course) {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("small disk"), SMALL).unwrap();
    course.go_to(&disk.path);
    fails_and_finishes(&course, course.command(&[]), || disk.grow(LARGE));
}

/// The other way to be without room: no file may be larger than so much.
fn too_large_here() {
    let course = Course::here(TREE);
    let order = course.command(&[]);
    let mut limited = Command::new("sh");
    // In blocks of 512 bytes. The signal would end the program before it can say anything.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\""]).arg(order.get_program()).args(order.get_args());
    limited.env_clear().envs(order.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(course.home.path()).process_group(0);
    limited.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    fails_and_finishes(&course, limited, || {});
}

/// Runs `limited`, which finds no room, and the course's own command after `make_room`.
fn fails_and_finishes(course: &Course, mut limited: Command, make_room: impl FnOnce()) {
    let ended = Ended::of(limited.spawn().unwrap(), "no room");
    let what = format!("no room: {ended}");
    assert!(matches!(ended.code, Some(3 | 7 | 8)), "{what}");
    assert!(ended.said.contains("large"), "{what}");
    // ProFTPD has another word for it now and then; whatever a server says is told.
    let is_called_so = ended.said.contains("no space left") && ended.said.contains("Make room there");
    assert!(is_called_so || ended.said.contains("451 Transfer aborted. Input/output error"), "{what}");
    course.assert_nothing_broken(&files(&course.source), &what);
    assert!(!course.target.join("tree/large").exists(), "{what}");
    make_room();
    course.finish("there is room");
}

fn used_up(server: &FtpServer) {
    let course = Course::ftps(server, HERE, true, TREE);
    let ended = course.run(&[], "the quota");
    let what = format!("the quota: {ended}");
    assert!(matches!(ended.code, Some(3 | 7)), "{what}");
    assert!(ended.said.contains("quota is used up") && ended.said.contains("552"), "{what}");
    assert!(!ended.said.to_lowercase().contains("try again"), "{what}");
    assert!(!ended.said.contains("are kept"), "{what}: the server threw it away");
    course.assert_nothing_broken(&files(&course.source), &what);
    assert!(!course.target.join("tree/large").exists(), "{what}");
    pure_ftpd::set_quota(server, MORE);
    course.finish("a larger quota");
}
