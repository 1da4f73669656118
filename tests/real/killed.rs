//! The built program killed (SIGKILL) at random points of a copy, and the same command again: everything arrives whole, no unfinished
//! file is left, and what was there is not sent anew.

use std::fs;
use std::process::Child;

use libtest_mimic::Trial;

use super::Harness;
use super::course::{Course, Ended, HERE, Tree, files, is_part, size_of};
use super::support::daemon::Daemon;
use super::support::random::Random;
use super::support::sshd::{Kind, Sshd};
use super::support::system::{PamService, SystemUser};
use super::support::vsftpd::Vsftpd;
use super::support::{FtpServer, proftpd, vsftpd};

/// Kills of each way; with seven ways, fifty in all at the least.
const KILLS: u64 = 8;
const TREE: Tree = Tree { large: 48 << 20, small: 300 };
/// How fast a copy that is to be killed may be: it takes two seconds, and whoever kills it does not come too late.
const PACE: &str = "24M";

const SSHD: fn(&Sshd) -> &Daemon = |server| &server.daemon;
const FTPD: fn(&FtpServer) -> &Daemon = |server| &server.daemon;
const VSFTPD: fn(&(FtpServer, (SystemUser, PamService))) -> &Daemon = |server| &server.0.daemon;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let sshd = harness.start("sshd for the killed", || Sshd::start(Kind::PublicKey));
    let vsftpd = harness.start("vsftpd for the killed", || {
        Vsftpd::start(vsftpd::Options { require_reuse: true, ..Default::default() }).map(|it| (it.ftp, (it.account, it.pam)))
    });
    let proftpd = harness.start("ProFTPD for the killed", || proftpd::start(proftpd::Options::default()));
    let said = "killed and started again";
    vec![
        Harness::alone("this machine: killed and started again", || kill(&Course::here(TREE), 1)),
        harness.trial(&sshd, &format!("{said}, up"), SSHD, async |server| kill(&Course::ssh(server, HERE, true, TREE), 2)),
        harness.trial(&sshd, &format!("{said}, down"), SSHD, async |server| kill(&Course::ssh(server, HERE, false, TREE), 3)),
        harness.trial(&vsftpd, &format!("{said}, up"), VSFTPD, async |server| kill(&Course::ftps(&server.0, HERE, true, TREE), 4)),
        harness.trial(&vsftpd, &format!("{said}, down"), VSFTPD, async |server| kill(&Course::ftps(&server.0, HERE, false, TREE), 5)),
        harness.trial(&proftpd, &format!("{said}, up"), FTPD, async |server| kill(&Course::ftps(server, HERE, true, TREE), 6)),
        harness.trial(&proftpd, &format!("{said}, down"), FTPD, async |server| kill(&Course::ftps(server, HERE, false, TREE), 7)),
        harness.trial(&sshd, "a source that changed meanwhile, and a damaged part", SSHD, async |server| {
            damage(&Course::ssh(server, HERE, true, TREE));
        }),
        harness.trial(&sshd, "an interrupt leaves what is there and says how to go on", SSHD, async |server| {
            interrupt(&Course::ssh(server, HERE, true, TREE));
        }),
    ]
}

/// Starts it, held back, and waits until about `part` of the bytes are there, or it ended.
fn start_until(course: &Course, part: f64) -> Child {
    course.start_until(part, PACE)
}

/// Kills it at random points and lets it finish.
fn kill(course: &Course, seed: u64) {
    let mut random = Random::new(seed);
    let (total, mut anew, mut kills) = (size_of(&course.source), 0, 0);
    for number in 0..KILLS {
        let part = random.part();
        let mut program = start_until(course, part);
        program.kill().unwrap();
        kills += u64::from(!program.wait().unwrap().success());
        // What is whole is not sent anew, whatever else is.
        let whole: u64 = files(&course.target).iter().filter(|(name, _)| !is_part(name)).map(|(_, content)| content.len() as u64).sum();
        let moved = course.finish(&format!("seed {seed}, kill {number} at {part:.3}"));
        assert!(moved + whole <= total, "seed {seed}, kill {number}: {moved} of {total} bytes sent, {whole} were there");
        anew += moved;
        course.clear();
    }
    assert!(kills > KILLS / 2, "most were killed under way");
    assert!(anew < total * KILLS * 9 / 10, "and were gone on with: {anew} of {} bytes were sent anew", total * KILLS);
    eprintln!("seed {seed}: {kills} killed, {}% of all bytes sent anew", anew * 100 / (total * KILLS));
}

/// The large file's part is damaged at its end, then the source is another one.
fn damage(course: &Course) {
    for change_source in [false, true] {
        let mut program = start_until(course, 0.6);
        program.kill().unwrap();
        program.wait().unwrap();
        let part = files(&course.target).into_keys().find(|name| is_part(name) && name.to_string_lossy().contains("large"));
        let part = course.target.join(part.expect("the large file is under way"));
        let mut bytes = fs::read(&part).unwrap();
        let damaged_from = bytes.len().saturating_sub(10_000);
        bytes[damaged_from..].iter_mut().for_each(|byte| *byte ^= 0x20);
        fs::write(&part, bytes).unwrap();
        if change_source {
            let large = course.source.join("tree/large");
            let changed: Vec<u8> = fs::read(&large).unwrap().into_iter().map(|byte| !byte).collect();
            fs::write(&large, changed).unwrap();
        }
        course.finish(&format!("change the source: {change_source}"));
        course.clear();
    }
}

fn interrupt(course: &Course) {
    let program = start_until(course, 0.5);
    rustix::process::kill_process(rustix::process::Pid::from_child(&program), rustix::process::Signal::INT).unwrap();
    let ended = Ended::of(program, "interrupted");
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(ended.said.contains("the same command again goes on with it"), "{ended}");
    assert!(files(&course.target).keys().any(|name| is_part(name)), "what is under way stays");
    let moved = course.finish("interrupted");
    assert!(moved < size_of(&course.source) * 9 / 10, "{moved} bytes were sent anew");
}
