//! SSH keys between the built program, ssh-keygen, puttygen and openssl, and the story of one from nothing to a login: made,
//! sent as RFC 4716, turned into a line, counted, added, and logged in with; and the same in one step.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::sftp::{AcceptedKeys, SftpOptions, SftpServer};
use sealift::server::{HostKey, Users};
use sealift::vfs::MemoryFileSystem;
use tempfile::TempDir;

use super::Harness;
use super::support::agent::Agent;
use super::support::daemon::{Daemon, NOBODY, program};
use super::support::sshd::{Kind, Sshd};

/// Nothing else in any test contains it.
const PASSPHRASE: &str = "gerbil-Söller-1180";

const DAEMON: fn(&Sshd) -> &Daemon = |server| &server.daemon;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let server = harness.start("sshd with a home folder", || Sshd::start(Kind::Home));
    let root = harness.start("sshd for another user", || Sshd::start(Kind::PublicKey));
    vec![
        harness.trial(&server, "from nothing to a login with a passphrase, by hand", DAEMON, by_hand),
        harness.trial(&server, "the same in one step, and back where it fails", DAEMON, in_one_step),
        harness.trial(&server, "many keys in the agent leave a try for the password", DAEMON, many_agent_keys),
        harness.trial(&root, "a file of somebody else stays theirs", DAEMON, others_file),
        with_tool(harness, "ssh-keygen", "every kind of key goes both ways, with the same blob", with_openssh),
        with_tool(harness, "sftp", "a line put below our server's root lets its key in until it is removed", with_sftp),
        with_tool(harness, "puttygen", "every kind of key goes both ways, with the same blob", with_putty),
        with_tool(harness, "openssl", "every old encryption of PEM opens", old_pem),
    ]
}

/// A trial that needs a program, and no server.
fn with_tool(harness: &mut Harness, tool: &'static str, what: &str, body: fn()) -> Trial {
    let absent = program(&format!("usr/bin/{tool}")).err();
    if let Some(why) = &absent {
        harness.leave_out(tool, why);
    }
    let required = harness.required;
    Trial::ignorable_test(format!("{tool}: {what}"), move || match absent {
        Some(why) if required => Err(why.to_string().into()),
        Some(why) => Ok(Completion::ignored_with(why)),
        None => {
            body();
            Ok(Completion::Completed)
        }
    })
}

/// A folder to work in, and the home of whoever works there.
struct Person {
    home: TempDir,
    password: String,
}

impl Person {
    fn new(password: &str) -> Self {
        let person = Self { home: tempfile::tempdir().unwrap(), password: password.to_owned() };
        fs::write(person.file("pass"), PASSPHRASE).unwrap();
        fs::write(person.file("none"), "").unwrap();
        person
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.home.path()).stdin(Stdio::null());
        command.envs([("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("SEALIFT_KEYRING", "false"), ("SEALIFT_LOG", "trace")]);
        command.env("HOME", self.home.path()).envs([("SEALIFT_PASSPHRASE", PASSPHRASE), ("SEALIFT_PASSWORD", &self.password)]);
        command
    }

    fn sealift(&self, line: &str) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_sealift")));
        command.args(line.split(' '));
        command
    }

    fn sh(&self, line: &str) -> String {
        let mut command = self.command(Path::new("/bin/sh"));
        ran(command.args(["-c", line]).env("PASS", PASSPHRASE), true)
    }
}

/// What it printed; and how it ended is held to.
#[track_caller]
fn ran(command: &mut Command, ok: bool) -> String {
    let output = command.output().unwrap();
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(output.status.success(), ok, "{command:?}\n{out}{said}");
    if ok { out } else { said }
}

/// The type and the blob of a public line.
fn blob(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

const KINDS: [(&str, &str); 5] = [("ed25519", ""), ("ecdsa", " -b 256"), ("ecdsa", " -b 384"), ("ecdsa", " -b 521"), ("rsa", " -b 3072")];

fn with_sftp() {
    let person = Person::new("");
    for key in ["known", "added"] {
        person.sh(&format!("ssh-keygen -q -t ed25519 -N '' -f {key}"));
    }
    let host_key = HostKey::throwaway().unwrap();
    let public = host_key.public_openssh();
    let users = Users::one("ann", Secret::new("unused".to_owned()));
    let options = SftpOptions::new(Arc::new(MemoryFileSystem::new()), users, host_key, ([127, 0, 0, 1], 0).into());
    let keys = AcceptedKeys::parse(&person.text("known.pub")).unwrap();
    let authorized_keys = Some(FilePath::try_from("/.ssh/authorized_keys").unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(SftpServer::start(SftpOptions { keys, authorized_keys, ..options })).unwrap();
    let port = server.addr.port();
    fs::write(person.file("hosts"), format!("[127.0.0.1]:{port} {public}\n")).unwrap();
    let sftp = |key: &str, batch: &str, ok: bool| {
        fs::write(person.file("batch"), batch).unwrap();
        let options = "-F none -o UserKnownHostsFile=hosts -o IdentitiesOnly=yes -o PreferredAuthentications=publickey";
        let line = format!("sftp -b batch {options} -P {port} -i {key} ann@127.0.0.1");
        ran(person.command(Path::new("/bin/sh")).args(["-c", &line]), ok)
    };
    assert!(sftp("added", "pwd", false).contains("Permission denied"));
    sftp("known", "mkdir .ssh\nput added.pub .ssh/authorized_keys", true);
    sftp("added", "get .ssh/authorized_keys back", true);
    assert_eq!(person.text("back"), person.text("added.pub"));
    sftp("added", "rm .ssh/authorized_keys", true);
    assert!(sftp("added", "pwd", false).contains("Permission denied"));
}

fn with_openssh() {
    for (kind, bits) in KINDS {
        let person = Person::new("");
        let own = bits.replace("-b", "--bits");
        // Theirs, read here.
        person.sh(&format!("ssh-keygen -q -t {kind}{bits} -N \"$PASS\" -C me@work -f theirs"));
        let theirs = person.text("theirs.pub");
        assert_eq!(ran(&mut person.sealift("key convert theirs"), true), theirs);
        person.sh("ssh-keygen -e -f theirs.pub > theirs.4716");
        assert_eq!(blob(&ran(&mut person.sealift("key convert theirs.4716"), true)), blob(&theirs));
        // Ours, read there.
        ran(&mut person.sealift(&format!("key new --file ours --type {kind}{own} --comment me@work")), true);
        let ours = person.text("ours.pub");
        assert_eq!(person.sh("ssh-keygen -y -P \"$PASS\" -f ours"), ours);
        assert!(person.sh("ssh-keygen -y -P wrong -f ours 2>&1 || true").contains("incorrect passphrase"));
        for file in ["theirs", "ours"] {
            let expected = blob(&person.text(&format!("{file}.pub")));
            ran(&mut person.sealift(&format!("key convert {file} --to rfc4716 --out {file}.ssh2")), true);
            assert_eq!(blob(&person.sh(&format!("ssh-keygen -i -f {file}.ssh2"))), expected);
            assert_eq!(person.sh(&format!("ssh-keygen -i -f {file}.ssh2 | wc -l")).trim(), "1");
            ran(&mut person.sealift(&format!("key convert {file} --to openssh-private --out {file}.new")), true);
            assert_eq!(blob(&person.sh(&format!("ssh-keygen -y -P \"$PASS\" -f {file}.new"))), expected);
            ran(&mut person.sealift(&format!("key convert {file} --to pkcs8 --out {file}.pem")), true);
            if kind == "ed25519" {
                // Not every ssh-keygen reads it as PKCS#8, openssl does.
                person.sh(&format!("openssl pkey -in {file}.pem -passin env:PASS -noout"));
            } else {
                assert_eq!(blob(&person.sh(&format!("ssh-keygen -y -P \"$PASS\" -f {file}.pem"))), expected);
            }
            assert_eq!(blob(&ran(&mut person.sealift(&format!("key convert {file}.pem")), true)), expected);
        }
        let print = person.sh("ssh-keygen -l -E md5 -f ours.pub");
        let shown = ran(&mut person.sealift("key show ours"), true);
        assert!(shown.contains(print.split(' ').nth(1).unwrap()), "{shown}");
    }
}

fn old_pem() {
    let person = Person::new("");
    person.sh("openssl genrsa -traditional -out rsa.pem 2048 2>/dev/null");
    person.sh("openssl genrsa -traditional -out small.pem 1024 2>/dev/null");
    person.sh("openssl ecparam -name prime256v1 -genkey -noout -out ec.pem");
    for (key, command) in [("rsa", "rsa -traditional"), ("small", "rsa -traditional"), ("ec", "ec")] {
        person.sh(&format!("chmod 600 {key}.pem"));
        let expected = person.sh(&format!("ssh-keygen -y -f {key}.pem"));
        assert_eq!(ran(&mut person.sealift(&format!("key convert {key}.pem")), true), expected);
        for cipher in ["aes128", "aes192", "aes256", "des3"] {
            let file = format!("{key}-{cipher}.pem");
            person.sh(&format!("openssl {command} -in {key}.pem -{cipher} -passout env:PASS -out {file} 2>/dev/null"));
            assert!(person.text(&file).contains("Proc-Type: 4,ENCRYPTED"), "{file}");
            assert_eq!(ran(&mut person.sealift(&format!("key convert {file}")), true), expected, "{file}");
            let wrong = ran(person.sealift(&format!("key convert {file}")).env("SEALIFT_PASSPHRASE", "wrong"), false);
            assert!(wrong.contains("the passphrase does not open this key"), "{wrong}");
        }
    }
}

fn with_putty() {
    for (kind, bits) in KINDS {
        let person = Person::new("");
        let own = bits.replace("-b", "--bits");
        ran(&mut person.sealift(&format!("key new --file ours --type {kind}{own} --comment me@work")), true);
        let ours = person.text("ours.pub");
        for version in ["2", "3"] {
            // Ours, read there.
            ran(&mut person.sealift(&format!("key convert ours --to ppk --ppk-version {version} --out ours-{version}.ppk")), true);
            let read = person.sh(&format!("puttygen ours-{version}.ppk --old-passphrase pass -O private-openssh-new --new-passphrase none -o back-{version} && ssh-keygen -y -f back-{version}"));
            assert_eq!(blob(&read), blob(&ours));
            // Theirs, read here: locked and open.
            for (lock, locked) in [("pass", true), ("none", false)] {
                let file = format!("theirs-{version}-{lock}.ppk");
                person.sh(&format!(
                    "puttygen -q -t {kind}{bits} -C 'me at work' --new-passphrase {lock} --ppk-param version={version} -o {file}"
                ));
                let expected = person.sh(&format!("puttygen {file} -L"));
                assert_eq!(ran(person.sealift(&format!("key convert {file}")).env_remove("SEALIFT_PASSPHRASE"), true), expected);
                ran(&mut person.sealift(&format!("key convert {file} --to openssh-private --out {file}.key")), true);
                assert_eq!(person.sh(&format!("ssh-keygen -y -P \"$PASS\" -f {file}.key")), expected);
                let wrong = person.sealift(&format!("key convert {file} --to pkcs8 --out x"));
                assert!(!locked || ran({ wrong }.env("SEALIFT_PASSPHRASE", "wrong"), false).contains("does not open"), "{file}");
            }
        }
        ran(&mut person.sealift("key convert ours --to rfc4716 --out ours.4716"), true);
        assert_eq!(blob(&person.sh("puttygen ours.4716 -L")), blob(&ours));
        person.sh("puttygen ours-3.ppk -p -o theirs.4716");
        assert_eq!(ran(&mut person.sealift("key convert theirs.4716"), true), ours);
    }
}

/// Where the person's own client finds the server, which key it shows, and that nothing is asked.
fn options(server: &Sshd) -> String {
    let key = server.host_key.split_whitespace().nth(1).unwrap();
    let print = {
        use base64::Engine as _;
        sealift::trust::Fingerprint::of(&base64::engine::general_purpose::STANDARD.decode(key).unwrap())
    };
    format!("sftp://{}@127.0.0.1:{} --batch --trust {print}", server.user, server.daemon.port)
}

fn person_of(server: &Sshd) -> Person {
    let person = Person::new(server.password.as_ref().unwrap());
    drop(fs::remove_dir_all(server.data.join(".ssh")));
    person
}

/// The seed's sequence: create, send, convert, count, add, log in.
async fn by_hand(server: &Sshd) {
    let _turn = TURN.lock().await;
    let (person, to) = (person_of(server), options(server));
    ran(&mut person.sealift("key new bank"), true);
    ran(&mut person.sealift("key convert bank --to rfc4716 --out Identity.pub"), true);
    // Of the administrator.
    assert_eq!(person.sh("ssh-keygen -i -f Identity.pub > sshpub && wc -l < sshpub").trim(), "1");
    let owner = fs::metadata(&server.data).unwrap();
    let folder = server.data.join(".ssh");
    fs::create_dir(&folder).unwrap();
    fs::copy(person.file("sshpub"), folder.join("authorized_keys")).unwrap();
    for (path, mode) in [(folder.clone(), 0o700), (folder.join("authorized_keys"), 0o600)] {
        use std::os::unix::fs::MetadataExt as _;
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let ls = format!("ls {to} --key bank");
    ran(person.sealift(&ls).env_remove("SEALIFT_PASSWORD"), true);
    let refused = ran(person.sealift(&ls).env_remove("SEALIFT_PASSWORD").env("SEALIFT_PASSPHRASE", "wrong"), false);
    assert!(refused.contains("passphrase"), "{refused}");
}

async fn in_one_step(server: &Sshd) {
    let _turn = TURN.lock().await;
    let (person, to) = (person_of(server), options(server));
    ran(&mut person.sealift("key new bank"), true);
    let line = fs::read_to_string(person.file(".local/share/sealift/ssh/bank.pub")).unwrap();
    let file = server.data.join(".ssh/authorized_keys");
    let install = format!("key install bank {to}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    ran(&mut person.sealift(&install), true);
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    ran(&mut person.sealift(&install), true);
    assert_eq!(fs::read_to_string(&file).unwrap(), line, "the second time changes nothing");
    // From now on without the password.
    ran(person.sealift(&format!("ls {to} --key bank")).env_remove("SEALIFT_PASSWORD"), true);

    // Behind what others wrote, whose last line has no end.
    let theirs = "# kept\r\nfrom=\"10.9.8.7\" ssh-rsa AAAA x";
    fs::write(&file, theirs).unwrap();
    ran(&mut person.sealift(&install), true);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{theirs}\n{line}"));
    assert_eq!(fs::read_to_string(file.with_file_name("authorized_keys.before-sealift")).unwrap(), theirs);

    // A home folder the group may write to: sshd looks away, so the key does not stay.
    fs::write(&file, theirs).unwrap();
    fs::set_permissions(&server.data, fs::Permissions::from_mode(0o775)).unwrap();
    let refused = ran(&mut person.sealift(&install), false);
    fs::set_permissions(&server.data, fs::Permissions::from_mode(0o755)).unwrap();
    for words in ["(mode 0775)", "chmod go-w", "refused the key", "is as it was before"] {
        assert!(refused.contains(words), "{words}\n{refused}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), theirs);
}

/// Root adds to the file of another user: with a file of root's in its place nobody could log in.
async fn others_file(server: &Sshd) {
    use std::os::unix::fs::MetadataExt as _;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let person = Person::new("");
    ran(&mut person.sealift("key new bank"), true);
    let file = server.data.join("keys of another");
    fs::write(&file, "# theirs").unwrap();
    chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
    let public = person.file(".local/share/sealift/ssh/bank.pub");
    fs::copy(&public, person.file("bank.pub")).unwrap();
    let mut install = person.sealift(&format!("key install bank.pub {} --key {}", options(server), server.key.display()));
    ran(install.arg("--file").arg(&file), true);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("# theirs\n{}", fs::read_to_string(&public).unwrap()));
    let facts = fs::metadata(&file).unwrap();
    assert_eq!((facts.uid(), facts.permissions().mode() & 0o777), (NOBODY, 0o644));
}

async fn many_agent_keys(server: &Sshd) {
    let _turn = TURN.lock().await;
    let (person, to) = (person_of(server), options(server));
    let agent = Agent::start().unwrap();
    for name in 0..8 {
        person.sh(&format!("ssh-keygen -q -t ed25519 -N '' -f other{name}"));
        agent.add(&person.file(&format!("other{name}"))).unwrap();
    }
    let ls = |password: &str| {
        let mut command = person.sealift(&format!("ls {to}"));
        command.env("SSH_AUTH_SOCK", &agent.socket).env("SEALIFT_PASSWORD", password);
        command
    };
    ran(&mut ls(&person.password), true);
    assert_eq!(ran(person.sealift("key list").env("SSH_AUTH_SOCK", &agent.socket), true).lines().count(), 8);
    // A key of the agent is installed and tried without its file.
    let install = format!("key install other3.pub {to}");
    fs::remove_file(person.file("other3")).unwrap();
    let mut command = person.sealift(&install);
    let output = command.env("SSH_AUTH_SOCK", &agent.socket).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("alone, works"), "{said}");
}

/// One home folder: one trial at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
