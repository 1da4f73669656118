//! The clock on the wall jumps hours forward and back, while a transfer runs and between one that was killed and the next.

use std::time::SystemTime;

use libtest_mimic::Trial;

use super::super::Harness;
use super::super::course::{Course, Ended, HERE, Tree, files, size_of, times, wait_until};
use super::super::support::Unavailable;
use super::super::support::false_clock::FalseClock;
use super::{FTPD, SSHD, Servers, VSFTPD};

const TREE: Tree = Tree { large: 6 << 20, small: 40 };
/// Two seconds for the tree: the clock jumps before the end of it.
const PACE: &str = "3M";
const YEAR: &str = "+400d";
const DAYS: &str = "+60h";

pub(super) fn trials(harness: &mut Harness, servers: &Servers) -> Vec<Trial> {
    let probe = tempfile::tempdir().unwrap();
    if let Err(why @ Unavailable::Absent(_)) = FalseClock::new(probe.path())
        && !harness.required
    {
        harness.leave_out("clocks that jump", &why);
        return Vec::new();
    }
    let what = "the clock jumps";
    vec![
        Harness::alone("this machine: the clock jumps", || jumps(Course::here(TREE), YEAR)),
        harness.trial(&servers.sshd, what, SSHD, async |server| jumps(Course::ssh(server, HERE, true, TREE), YEAR)),
        harness.trial(&servers.vsftpd, what, VSFTPD, async |(server, _)| jumps(Course::ftps(server, HERE, true, TREE), DAYS)),
        harness.trial(&servers.proftpd, what, FTPD, async |server| jumps(Course::ftps(server, HERE, false, TREE), DAYS)),
    ]
}

/// `far` is within what the server's certificate is good for, where it has one.
fn jumps(mut course: Course, far: &str) {
    let clock = FalseClock::new(course.home.path()).unwrap();
    course.environment.extend(clock.environment());
    let total = size_of(&course.source);
    let keeps = |course: &Course, what: &str| {
        course.assert_complete(&files(&course.source), what);
        assert_eq!(times(&course.target), times(&course.source), "{what}");
        course.clear();
    };

    let program = course.start_until(0.2, PACE);
    for (part, offset) in [(0.3, "+5h"), (0.5, "-20h"), (0.7, far)] {
        wait_until("the copy comes on", || size_of(&course.target) as f64 >= total as f64 * part);
        clock.jump_to(offset);
    }
    assert!(clock.seconds() - now() > 24 * 3600, "a program sees the jump");
    let ended = Ended::of(program, "jumps");
    assert_eq!(ended.code, Some(0), "{ended}");
    keeps(&course, "it jumped while the copy ran");

    for (before, after) in [("+0", "-20h"), ("-20h", "+5h"), (far, "-20h")] {
        clock.jump_to(before);
        let mut program = course.start_until(0.5, PACE);
        program.kill().unwrap();
        program.wait().unwrap();
        clock.jump_to(after);
        let moved = course.finish("it jumped between two runs");
        assert!(moved < total, "{moved} of {total} bytes were sent again");
        keeps(&course, "it jumped between two runs");
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
}
