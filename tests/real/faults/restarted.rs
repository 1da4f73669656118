//! The server goes in the middle of a transfer and comes back on the same port.

use libtest_mimic::Trial;

use super::super::course::{Course, Ended, HERE, Tree, files};
use super::super::support::daemon::Daemon;
use super::super::support::proftpd;
use super::super::support::sshd::{Kind, Sshd};
use super::super::{Harness, Started};
use super::{FTPD, SSHD, VSFTPD, strict_vsftpd};

const TREE: Tree = Tree { large: 6 << 20, small: 40 };
/// Two seconds for the tree: the server goes before the end of it.
const PACE: &str = "3M";

/// Each server is of these trials alone, and of one thread, with which it would end.
pub(super) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let sshd = harness.start("sshd that is restarted", || Sshd::start(Kind::PublicKey));
    let vsftpd = harness.start("vsftpd that is restarted", strict_vsftpd);
    let proftpd = harness.start("ProFTPD that is restarted", || proftpd::start(proftpd::Options::default()));
    vec![
        trial(harness, &sshd, SSHD, |server, is_up| Course::ssh(server, HERE, is_up, TREE)),
        trial(harness, &vsftpd, VSFTPD, |(server, _), is_up| Course::ftps(server, HERE, is_up, TREE)),
        trial(harness, &proftpd, FTPD, |server, is_up| Course::ftps(server, HERE, is_up, TREE)),
    ]
}

fn trial<S: Send + Sync + 'static>(
    harness: &Harness,
    server: &Started<S>,
    daemon: fn(&S) -> &Daemon,
    course: fn(&S, bool) -> Course,
) -> Trial {
    harness.trial(server, "goes in the middle of a transfer and comes back", daemon, async move |server| {
        for is_up in [true, false] {
            comes_back(daemon(server), course(server, is_up));
            stays_away(daemon(server), course(server, is_up));
        }
    })
}

/// The running program goes on by itself.
fn comes_back(server: &Daemon, mut course: Course) {
    // However long the server takes.
    course.environment.push(("SEALIFT_TRANSFERS__KEEP_TRYING", "true".to_owned()));
    let program = course.start_until(0.4, PACE);
    server.restart();
    let ended = Ended::of(program, "restarted");
    assert_eq!(ended.code, Some(0), "{ended}");
    course.assert_complete(&files(&course.source), &format!("restarted: {ended}"));
    let moved = ended.summary().unwrap()["bytes"].as_u64().unwrap();
    let all: u64 = files(&course.source).values().map(|content| content.len() as u64).sum();
    // What was under way is sent again, and no more than that.
    assert!(moved < all * 5 / 4, "{moved} bytes of {all} were sent: {ended}");
    assert!(ended.said.lines().all(|line| line.contains(": ") && line.len() > 30), "it says what happened and why: {ended}");
}

/// It gives up with a sentence, and the same command goes on when the server is back.
fn stays_away(server: &Daemon, mut course: Course) {
    course.environment.push(("SEALIFT_TRANSFERS__TRIES", "1".to_owned()));
    let program = course.start_until(0.4, PACE);
    server.end();
    let ended = Ended::of(program, "gone");
    if ended.code == Some(0) {
        // All that was missing had come already, and only waited for its turn.
        course.assert_complete(&files(&course.source), &format!("gone: {ended}"));
        return server.restart();
    }
    assert!(matches!(ended.code, Some(3 | 4)), "{ended}");
    let words = ["connection was lost", "refused the connection", "connection refused", "connection broke"];
    assert!(words.iter().any(|words| ended.said.contains(words)), "{ended}");
    course.assert_nothing_broken(&files(&course.source), &format!("gone: {ended}"));
    let ended = course.run(&[], "still gone");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.said.contains("refused the connection"), "{ended}");
    server.restart();
    assert!(!course.journal().is_empty(), "what is left is known");
    course.finish("back");
}
