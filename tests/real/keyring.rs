//! Decisions and a real keyring: kept, confirmed, denied, looked at from outside; absent, locked, dead. Never a hang, never
//! a panic, never a lost decision.

use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Trial};
use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::{Running, ServerIdentity, Users};
use sealift::trust::Fingerprint;
use sealift::vfs::MemoryFileSystem;
use serde_json::Value;

use super::Harness;
use super::support::Unavailable;
use super::support::keyring::{Begin, Home, Said};

const NAME: &str = "gnome-keyring";
/// What nobody waits for longer, whatever the keyring does: the limit for opening it, with room for a slow machine.
const SOON: Duration = Duration::from_secs(20);

/// A trial's name and body.
type Case = (&'static str, fn(&Scene));

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    if let Err(why @ Unavailable::Absent(_)) = Home::make() {
        harness.leave_out(NAME, &why);
    }
    let trials: [Case; 8] = [
        ("a decision is kept, confirmed, seen from outside and removed", kept_and_removed),
        ("what the keyring does not confirm is asked again", denied),
        ("an authority counts only with the keyring", authority),
        ("a locked keyring loses no decision", locked),
        ("a wrong password loses no decision", wrong_password),
        ("without a service the file serves alone", no_service),
        ("a bus that never answers is given up in time", dead_bus),
        ("switched off, it is not touched", switched_off),
    ];
    let required = harness.required;
    let trial = |(what, body): Case| {
        Trial::ignorable_test(format!("{NAME}: {what}"), move || match Home::make() {
            Ok(home) => {
                body(&Scene::new(home));
                Ok(Completion::Completed)
            }
            Err(why @ Unavailable::Absent(_)) if !required => Ok(Completion::ignored_with(why)),
            Err(why) => Err(why.to_string().into()),
        })
    };
    trials.into_iter().map(trial).collect()
}

/// A home folder, and an FTPS server with `/a.txt`.
struct Scene {
    home: Home,
    _runtime: tokio::runtime::Runtime,
    at: SocketAddr,
    print: Fingerprint,
    _server: Running,
}

impl Scene {
    fn new(home: Home) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let tree = MemoryFileSystem::new();
        tree.put(&FilePath::try_from("/a.txt").unwrap(), b"hello").unwrap();
        let identity = ServerIdentity::for_this_machine().unwrap();
        let print = Fingerprint::of(identity.leaf());
        let users = Users::one("ann", Secret::new("password of ann".to_owned()));
        let options = FtpOptions::new(Arc::new(tree), users, Some(identity), SocketAddr::from(([127, 0, 0, 1], 0)));
        let server = runtime.block_on(FtpServer::start(options)).unwrap();
        Self { home, at: server.addr, print, _server: server, _runtime: runtime }
    }

    /// Trusts the server.
    fn add(&self) -> String {
        format!("$SEALIFT trust add {} {}", self.at, self.print)
    }

    /// Reads a file from the server, asking nobody; tells its exit code on standard output.
    fn cat(&self) -> String {
        format!("SEALIFT_PASSWORD='password of ann' $SEALIFT cat --batch ftpes://ann@{}/a.txt; echo \" exit $?\"", self.at)
    }

    fn session(&self, begin: Begin, lines: &[&str]) -> Said {
        let said = self.home.session(begin, &lines.join("\n"));
        assert!(said.code.is_some_and(|code| code != 124) && !said.err.contains("panicked"), "{said:#?}");
        said
    }

    /// What the list says of the server.
    fn row(&self, begin: Begin) -> Value {
        let said = self.session(begin, &["$SEALIFT trust list --json"]);
        let rows: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        rows.into_iter().find(|row| row["whom"] == self.at.to_string()).unwrap_or_else(|| panic!("{said:#?}"))
    }

    fn ledger(&self) -> std::path::PathBuf {
        self.home.path(".local/share/sealift/trust/ledger.json")
    }

    /// Changes the ledger file behind the keyring's back.
    fn tamper(&self, change: impl FnOnce(&mut Value)) {
        let mut ledger: Value = serde_json::from_slice(&fs::read(self.ledger()).unwrap()).unwrap();
        change(&mut ledger);
        fs::write(self.ledger(), ledger.to_string()).unwrap();
    }
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "it does not say {word:?}:\n{text}");
    }
}

const OUTSIDE: &str = "secret-tool search --all service sealift 2>&1";

fn kept_and_removed(scene: &Scene) {
    let said = scene.session(Begin::Unlocked, &[&scene.add(), &scene.cat(), OUTSIDE]);
    says(&said.out, &["hello exit 0", &format!("username = pin {}", scene.at), &scene.print.to_string()]);
    assert!(!said.err.contains("only"), "{said:#?}");
    // A session later.
    assert_eq!(scene.row(Begin::Unlocked)["confirmed"], "confirmed");
    says(&scene.session(Begin::Unlocked, &[&scene.cat()]).out, &["hello exit 0"]);
    let said = scene.session(Begin::Unlocked, &[&format!("$SEALIFT trust remove {} --yes", scene.at), &scene.cat(), OUTSIDE]);
    says(&said.out, &["exit 6"]);
    assert!(!said.out.contains("username = pin"), "{said:#?}");
    assert!(!said.err.contains("does not confirm"), "{said:#?}");
}

fn denied(scene: &Scene) {
    let remembers_nothing: fn(&mut Value) =
        |row| row["accepted"] = serde_json::json!(["unconfirmed", "self-signed", "unknown-issuer", "revoked"]);
    let is_another: fn(&mut Value) = |row| row["certificate"] = format!("sha256:{}", "ab".repeat(32)).into();
    let how: fn(&mut Value) = |row| row["verified"] = "fingerprint".into();
    for change in [remembers_nothing, is_another, how] {
        scene.session(Begin::Unlocked, &[&scene.add().replace("add", "add --yes")]);
        scene.tamper(|ledger| change(&mut ledger["trusted"][0]));
        assert_eq!(scene.row(Begin::Unlocked)["confirmed"], "denied");
        let said = scene.session(Begin::Unlocked, &[&scene.cat()]);
        says(&said.out, &["exit 6"]);
        says(&said.err, &["your keyring does not confirm"]);
    }
    // Confirmed again by hand, trusted again.
    let said = scene.session(Begin::Unlocked, &[&scene.add().replace("add", "add --yes"), &scene.cat()]);
    says(&said.out, &["hello exit 0"]);
    // A row the keyring never heard of, and an item whose row is gone.
    let said = scene.session(Begin::Unlocked, &["secret-tool clear service sealift", &scene.cat()]);
    says(&said.err, &["your keyring does not confirm"]);
    scene.session(Begin::Unlocked, &[&scene.add()]);
    scene.tamper(|ledger| ledger["trusted"] = serde_json::json!([]));
    says(&scene.session(Begin::Unlocked, &[&scene.cat()]).out, &["exit 6"]);
    // What is there and no decision of ours confirms nothing.
    scene.session(
        Begin::Unlocked,
        &[&scene.add(), &format!("printf junk | secret-tool store --label=x service sealift username 'pin {}' target default", scene.at)],
    );
    says(&scene.session(Begin::Unlocked, &[&scene.cat()]).err, &["your keyring does not confirm"]);
}

fn authority(scene: &Scene) {
    let certificates = super::support::certificates::Certificates::make(&scene.home.path(""));
    let add = format!("$SEALIFT trust add --yes --authority {}", certificates.authority_file.display());
    let print = Fingerprint::of(&certificates.authority).to_string();
    let list = "$SEALIFT trust list";
    says(
        &scene.session(Begin::Unlocked, &[&add, list, OUTSIDE]).out,
        &[&print, "kept in your keyring", &format!("username = authority {print}")],
    );
    let said = scene.session(Begin::Unlocked, &["secret-tool clear service sealift", list]);
    says(&said.out, &["your keyring does not confirm it"]);
    says(&scene.session(Begin::Unlocked, &[&format!("$SEALIFT trust remove {print} --yes"), list]).err, &["nobody is trusted yet"]);
}

fn locked(scene: &Scene) {
    scene.session(Begin::Unlocked, &[&format!("$SEALIFT trust add before.example:21 sha256:{}", "cd".repeat(32))]);
    no_way_in(scene, Begin::Locked);
}

fn wrong_password(scene: &Scene) {
    scene.session(Begin::Unlocked, &["true"]);
    no_way_in(scene, Begin::WrongPassword);
}

/// A decision while the keyring is locked holds, is told, and is asked about once when the keyring is back.
fn no_way_in(scene: &Scene, begin: Begin) {
    let before = Instant::now();
    let said = scene.session(begin, &[&scene.add(), &scene.cat()]);
    assert!(before.elapsed() < SOON);
    says(&said.err, &["kept in the ledger file only", "locked"]);
    says(&said.out, &["hello exit 0"]);
    let row = scene.row(begin);
    assert_eq!(row["confirmed"], "no-keyring");
    says(row["kept"].as_str().unwrap(), &["the ledger file", "locked"]);

    let said = scene.session(Begin::Unlocked, &[&scene.cat(), &scene.add(), &scene.cat()]);
    says(&said.out, &["exit 6", "hello exit 0"]);
    says(&said.err, &["your keyring does not confirm"]);
    assert_eq!(scene.row(Begin::Unlocked)["confirmed"], "confirmed");
}

fn no_service(scene: &Scene) {
    let before = Instant::now();
    let said = scene.session(Begin::NoService, &[&scene.add(), &scene.cat()]);
    assert!(before.elapsed() < SOON);
    says(&said.out, &["hello exit 0"]);
    assert!(!said.err.contains("keyring"), "that is how things are there: {said:#?}");
    assert_eq!(scene.row(Begin::NoService)["confirmed"], "no-keyring");
    // No bus at all.
    let said = scene.home.sealift(&scene.home.path("nobody-listens"), &["trust", "list"]);
    assert_eq!(said.code, Some(0));
    says(&said.out, &["kept in the ledger file\n"]);
}

fn dead_bus(scene: &Scene) {
    let socket = scene.home.path("dead");
    let listener = UnixListener::bind(&socket).unwrap();
    // Takes a connection and says nothing until the other side has gone.
    let holding = std::thread::spawn(move || {
        let (mut held, _) = listener.accept().unwrap();
        drop(held.read_to_end(&mut Vec::new()));
    });
    let before = Instant::now();
    let (at, print) = (scene.at.to_string(), scene.print.to_string());
    let said = scene.home.sealift(&socket, &["trust", "add", &at, &print]);
    assert!(before.elapsed() < SOON, "{:?}", before.elapsed());
    assert_eq!(said.code, Some(0), "{said:#?}");
    says(&said.err, &["trusted", "kept in the ledger file only", "did not answer within 3 seconds"]);
    assert!(!said.err.contains("panicked"), "{said:#?}");
    holding.join().unwrap();
    says(&scene.session(Begin::NoService, &[&scene.cat()]).out, &["hello exit 0"]);
}

fn switched_off(scene: &Scene) {
    let said = scene.session(Begin::Unlocked, &["export SEALIFT_KEYRING=false", &scene.add(), &scene.cat(), OUTSIDE]);
    says(&said.out, &["hello exit 0"]);
    assert!(!said.out.contains("sealift\n"), "{said:#?}");
}
