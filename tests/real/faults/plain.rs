//! Plain FTP notices nothing of what is damaged on the way. Whoever wants to know has the files verified.

use libtest_mimic::Trial;

use super::super::Harness;
use super::super::course::{Course, Tree, files};
use super::super::support::FtpServer;
use super::super::support::faulty_line::{Direction, Fault, FaultyLine, Kind};
use super::{FTPD, Servers, VSFTPD};

const TREE: Tree = Tree { large: 2 << 20, small: 10 };

pub(super) fn trials(harness: &Harness, servers: &Servers) -> Vec<Trial> {
    let what = "damage on an unprotected line is noticed where files are verified";
    vec![
        harness.trial(&servers.vsftpd, what, VSFTPD, async |(server, _)| verified(server)),
        harness.trial(&servers.proftpd, what, FTPD, async |server| verified(server)),
    ]
}

fn verified(server: &FtpServer) {
    for (is_up, direction) in [(true, Direction::ToServer), (false, Direction::ToClient)] {
        let line = FaultyLine::to(&server.daemon);
        let course = Course::plain_ftp(server, &line.address.to_string(), is_up, TREE);
        line.arm(Some(Fault { kind: Kind::Corrupt, is_control: false, from: 0, direction, at: 1 << 20 }), &[]);
        let ended = course.run(&["--verify"], "damaged");
        let what = format!("damaged, up: {is_up}: {ended}");
        assert!(line.has_fired(), "{what}");
        assert_eq!(ended.code, Some(9), "{what}");
        assert!(ended.said.contains("what arrived is not what was sent") && ended.said.contains("large"), "{what}");
        course.assert_nothing_broken(&files(&course.source), &what);
        assert!(!course.target.join("tree/large").exists(), "{what}");
        line.arm(None, &[]);
        course.finish("nothing is damaged");
    }
}
