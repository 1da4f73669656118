//! Whom somebody trusts, decided in front of the screen: asked, rejected, remembered, listed, taken back, asked again.

use std::net::SocketAddr;
use std::sync::Arc;

use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::{ServerIdentity, Users};
use sealift::vfs::MemoryFileSystem;

use crate::harness::{Program, folder};

const PASSWORD: &str = "correct-horse";

#[test]
fn a_certificate_is_asked_about_until_it_is_trusted_and_again_once_it_is_removed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let tree = MemoryFileSystem::new();
    tree.put(&FilePath::try_from("/there.txt").unwrap(), b"hello").unwrap();
    let users = Users::one("ann", Secret::new(PASSWORD.to_owned()));
    let identity = ServerIdentity::for_this_machine().unwrap();
    let options = FtpOptions::new(Arc::new(tree), users, Some(identity), SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = runtime.block_on(FtpServer::start(options)).unwrap();
    let (files, data) = (folder(&["alpha"]), tempfile::tempdir().unwrap());
    let ledger = data.path().join("trust/ledger.json");
    let home = data.path().to_str().unwrap();
    let start = || {
        let mut program = Program::start_with(files.path(), 80, 24, &[("HOME", home), ("SEALIFT_DATA_DIR", home)]);
        program.wait_for("alpha");
        program
    };
    let connect = |program: &mut Program| {
        program.keys("O");
        program.wait_for("sftp://user@host");
        program.keys(&format!("ftpes://ann@{}\r", server.addr));
    };
    let log_in = |program: &mut Program| {
        program.wait_for("Password");
        program.keys(&format!("{PASSWORD}\r"));
        program.wait_for("there.txt");
    };
    let question = |program: &mut Program| {
        program.wait_for("Is this certificate the right one?");
        for words in ["Issued to", "Issued by    [Invalid] itself", "Validity", "SHA-256", "It vouches for itself"] {
            program.wait_for(words);
        }
        // Awake: the answers are there, and Enter rejects.
        program.wait_for(">[R]eject<");
    };

    let mut program = start();
    connect(&mut program);
    question(&mut program);
    program.keys("\r");
    program.wait_until("it is closed", |screen| !screen.contains("[R]eject"));
    assert!(!ledger.exists(), "a no is not written down");
    connect(&mut program);
    question(&mut program);
    program.keys("a");
    log_in(&mut program);
    assert!(ledger.exists());
    program.keys("gt");
    program.wait_for("Whom you trust (1)");
    program.wait_for("blind");
    drop(program);

    // Another run: silent, until the row is removed.
    let mut program = start();
    connect(&mut program);
    log_in(&mut program);
    program.keys("gt");
    program.wait_for("Whom you trust (1)");
    program.keys("d");
    program.wait_for("next connection");
    program.keys("y");
    program.wait_for("removed; the next connection asks");
    drop(program);

    let mut program = start();
    connect(&mut program);
    question(&mut program);
}
