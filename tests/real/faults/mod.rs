//! What goes wrong on the way and at the ends: lines that fail at any byte, servers that go and come back, full disks, used-up
//! quotas, permissions that are lost, clocks that jump. After each: equal files or a clear failure, never a false success, never
//! a file under its real name that is not whole; and the same command again finishes it.

mod clock;
mod denied;
mod full;
mod plain;
mod points;
mod restarted;

use libtest_mimic::Trial;

use super::support::daemon::Daemon;
use super::support::sshd::{Kind, Sshd};
use super::support::system::{PamService, SystemUser};
use super::support::vsftpd::Vsftpd;
use super::support::{FtpServer, proftpd, pure_ftpd, vsftpd};
use super::{Harness, Started};

/// With what the server needs of the machine.
type Vsftp = (FtpServer, (SystemUser, PamService));

const SSHD: fn(&Sshd) -> &Daemon = |server| &server.daemon;
const FTPD: fn(&FtpServer) -> &Daemon = |server| &server.daemon;
const VSFTPD: fn(&Vsftp) -> &Daemon = |server| &server.0.daemon;

/// The servers of these trials.
struct Servers {
    sshd: Started<Sshd>,
    vsftpd: Started<Vsftp>,
    proftpd: Started<FtpServer>,
    pure_ftpd: Started<FtpServer>,
}

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let servers = Servers {
        sshd: harness.start("sshd with faults", || Sshd::start(Kind::PublicKey)),
        vsftpd: harness.start("vsftpd with faults", strict_vsftpd),
        proftpd: harness.start("ProFTPD with faults", || proftpd::start(proftpd::Options::default())),
        pure_ftpd: harness.start("Pure-FTPd with faults", pure_ftpd::start),
    };
    let mut trials = points::trials(harness, &servers);
    trials.extend(plain::trials(harness, &servers));
    trials.extend(restarted::trials(harness));
    trials.extend(full::trials(harness, &servers));
    trials.extend(denied::trials(harness, &servers));
    trials.extend(clock::trials(harness, &servers));
    trials
}

/// One that insists on resumed TLS sessions.
fn strict_vsftpd() -> Result<Vsftp, super::support::Unavailable> {
    let options = vsftpd::Options { require_reuse: true, ..Default::default() };
    Vsftpd::start(options).map(|server| (server.ftp, (server.account, server.pam)))
}
