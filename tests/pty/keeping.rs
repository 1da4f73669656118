//! Secrets kept in front of the screen: in the vault at the prompt, used in the next run, listed, forgotten. No trace of them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealift::model::FilePath;
use sealift::secrets::vault::Cost;
use sealift::secrets::{Secret, Vault};
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::{ServerIdentity, Users};
use sealift::vfs::MemoryFileSystem;

use crate::harness::{Program, folder};

/// Nothing else in any test contains these.
const PASSWORD: &str = "kudu-Brandung-5518";
const PASSPHRASE: &str = "eland-Moräne-8846";

#[test]
fn a_password_is_kept_in_the_vault_until_it_is_forgotten() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let tree = MemoryFileSystem::new();
    tree.put(&FilePath::try_from("/there.txt").unwrap(), b"hello").unwrap();
    let users = Users::one("ann", Secret::new(PASSWORD.to_owned()));
    let options =
        FtpOptions::new(Arc::new(tree), users, Some(ServerIdentity::for_this_machine().unwrap()), SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = runtime.block_on(FtpServer::start(options)).unwrap();
    let (files, home) = (folder(&["alpha"]), tempfile::tempdir().unwrap());
    let at = home.path().to_str().unwrap();
    let vault = Vault::at(home.path().join("vault"), Duration::from_secs(60));
    vault.make(&Secret::new(PASSPHRASE.to_owned()), Cost::LEAST, Timestamp::now()).unwrap();
    let environment = [("HOME", at), ("SEALIFT_DATA_DIR", at), ("SEALIFT_STATE_DIR", at), ("SEALIFT_LOG", "trace")];
    let start = || {
        let mut program = Program::start_with(files.path(), 80, 24, &environment);
        program.wait_for("alpha");
        program.keys("O");
        program.wait_for("sftp://user@host");
        program.keys(&format!("ftpes://ann@{}\r", server.addr));
        program
    };
    let open_vault = |program: &mut Program| {
        program.wait_for("Passphrase of your vault");
        program.keys(&format!("{PASSPHRASE}\r"));
    };

    let mut program = start();
    program.wait_for(">[R]eject<");
    program.keys("a");
    program.wait_for("[ ] keep it in the vault");
    program.keys(&format!("\t{PASSWORD}"));
    program.wait_for("[x] keep it in the vault");
    program.keys("\r");
    open_vault(&mut program);
    program.wait_for("the password is kept in the vault");
    drop(program);

    let mut program = start();
    open_vault(&mut program);
    program.wait_for("there.txt");
    program.keys("gs");
    program.wait_for("Secrets you keep (1)");
    program.wait_for("New ones are kept in the vault");
    program.keys("L");
    program.wait_for("the vault is locked");
    program.keys("d");
    program.wait_for("Forget this secret?");
    program.keys("y");
    program.wait_for("The vault is locked. Its passphrase");
    program.keys("wrong\r");
    program.wait_for("does not open the vault");
    program.keys("dy");
    program.wait_for("The vault is locked. Its passphrase");
    program.keys(&format!("{PASSPHRASE}\r"));
    program.wait_for("Secrets you keep (0)");
    program.wait_for("forgotten; you are asked the next time");
    drop(program);

    let log = fs::read_to_string(home.path().join("sealift.log")).unwrap();
    assert!(log.contains("PASS ****"), "there is a log to be searched");
    for secret in [PASSWORD, PASSPHRASE] {
        holds_no(home.path(), secret.as_bytes());
        holds_no(home.path(), secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")).as_bytes());
    }
}

/// No file below `folder` contains `needle`.
fn holds_no(folder: &Path, needle: &[u8]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_no(&path, needle);
        } else {
            assert!(!fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle), "{}", path.display());
        }
    }
}
