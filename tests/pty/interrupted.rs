//! The two panes killed under way: the next start offers to go on, asks for what it needs, and brings the file over whole.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::{ServerIdentity, Users};
use sealift::vfs::MemoryFileSystem;

use crate::harness::Program;

const PASSWORD: &str = "correct-horse-7421";
const LARGE: usize = 96 << 20;

/// Bytes no two blocks of which are alike.
fn content() -> Vec<u8> {
    (0..LARGE as u64 / 8).flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

/// Bytes of the unfinished file on the server.
fn moved(tree: &MemoryFileSystem) -> usize {
    let part = tree.paths().into_iter().find(|path| path.contains(".sealift-"));
    part.and_then(|part| tree.content(&FilePath::try_from(part.as_str()).unwrap())).map_or(0, |bytes| bytes.len())
}

fn start(home: &Path, work: &Path, url: Option<&str>) -> Program {
    let environment = ["HOME", "SEALIFT_CONFIG_DIR", "SEALIFT_DATA_DIR", "SEALIFT_STATE_DIR"].map(|name| (name, home.to_str().unwrap()));
    let work = work.as_os_str();
    Program::run(&[work, url.map_or(work, std::ffi::OsStr::new)], 80, 24, &environment)
}

/// Starts a copy of the file to the server and waits until some of it is there.
fn begin(home: &Path, work: &Path, url: &str, tree: &MemoryFileSystem, is_known: bool) -> Program {
    let mut program = start(home, work, Some(url));
    if !is_known {
        program.wait_for(">[R]eject<");
        program.keys("a");
    }
    program.wait_for("Password");
    program.keys(&format!("{PASSWORD}\r"));
    program.wait_for("empty");
    program.keys("c");
    program.wait_for("Copy 1 file");
    program.keys("\r");
    let end = Instant::now() + Duration::from_secs(60);
    while moved(tree) < 4 << 20 {
        assert!(Instant::now() < end, "the copy comes on");
        program.settle_for(Duration::from_millis(5));
    }
    program
}

/// The offer takes no keys that were meant for what was there before: half a second of quiet.
fn hears(program: &mut Program) {
    program.settle();
    program.stays_quiet(Duration::from_millis(800));
}

#[test]
fn a_killed_transfer_is_offered_and_goes_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tree = MemoryFileSystem::new();
    let identity = ServerIdentity::for_this_machine().unwrap();
    let users = Users::one("ann", Secret::new(PASSWORD.to_owned()));
    let mut options = FtpOptions::new(Arc::new(tree.clone()), users, Some(identity), ([127, 0, 0, 1], 0).into());
    options.keep_broken_uploads = true;
    let server = runtime.block_on(FtpServer::start(options)).unwrap();
    let url = format!("ftpes://ann@{}", server.addr);
    let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(work.path().join("payroll.tar"), content()).unwrap();
    let target = FilePath::try_from("/payroll.tar").unwrap();

    let mut program = begin(home.path(), work.path(), &url, &tree, false);
    program.signal(Signal::KILL);
    program.wait_for_end();
    assert!(tree.content(&target).is_none() && moved(&tree) > 0, "it is not whole, and known to be that");

    // Later: nothing happens, and the next start asks again.
    let mut program = start(home.path(), work.path(), None);
    program.wait_for("1 transfer was interrupted");
    hears(&mut program);
    program.keys("l");
    program.wait_until("the offer is gone", |screen| !screen.contains("was interrupted"));
    program.keys("q");
    assert!(program.wait_for_end().success());

    let mut program = start(home.path(), work.path(), None);
    program.wait_for(">[G]o on<");
    hears(&mut program);
    program.keys("g");
    program.wait_for("Password");
    program.keys(&format!("{PASSWORD}\r"));
    program.wait_for("copied 1 file");
    assert!(tree.content(&target) == Some(content()), "equal, byte for byte");
    assert_eq!(tree.paths(), ["/payroll.tar"]);
    program.keys("q");
    assert!(program.wait_for_end().success());

    // Quitting keeps what is under way, too; forgotten, it is removed where it lies.
    runtime.block_on(sealift::vfs::FileSystem::remove_file(&tree, &target)).unwrap();
    let mut program = begin(home.path(), work.path(), &url, &tree, true);
    program.keys("q");
    program.wait_for(">[G]o on next time<");
    program.keys("\r");
    assert!(program.wait_for_end().success());
    let mut program = start(home.path(), work.path(), None);
    program.wait_for("1 transfer was interrupted");
    hears(&mut program);
    program.keys("f");
    program.wait_for("f again removes");
    program.keys("f");
    program.wait_for("Password");
    program.keys(&format!("{PASSWORD}\r"));
    program.wait_for("forgotten; nothing is left of it");
    assert_eq!(tree.paths(), [""; 0]);
    program.keys("q");
    assert!(program.wait_for_end().success());
    let mut program = start(home.path(), work.path(), None);
    program.wait_for("payroll.tar");
    program.settle();
    program.keys("q");
    assert!(program.wait_for_end().success(), "nothing is offered any more");
}
