//! A person at a prompt: asked on the terminal about identities and passwords, without echo, and free to leave.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::termios::{LocalModes, tcgetattr};

use crate::scene::{PASSWORD, Scene, path};

/// Longer than any machine needs.
const LIMIT: Duration = Duration::from_secs(20);

/// The program on a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Kept open, so that the modes can be read after the program ended.
    _slave: Box<dyn SlavePty + Send>,
}

impl Terminal {
    fn start(scene: &Scene, arguments: &[&str]) -> Self {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(arguments);
        command.env_clear();
        command.cwd(scene.here(""));
        for (name, value) in scene.environment() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self {
            child,
            master: pair.master,
            keyboard,
            output,
            screen: vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0),
            _slave: pair.slave,
        }
    }

    fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    fn read(&mut self) {
        if let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(20)) {
            self.screen.process(&chunk);
        }
    }

    #[track_caller]
    fn wait(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while !done(self) {
            assert!(Instant::now() < end, "waited in vain until {what}:\n{}", self.shown());
            self.read();
        }
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        self.wait(text, |terminal| terminal.shown().contains(text));
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(std::fs::File::open(self.master.tty_name().unwrap()).unwrap()).unwrap();
        modes.local_modes.contains(LocalModes::ECHO)
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types the password as soon as it is asked for and what is typed cannot be seen.
    #[track_caller]
    fn give_password(&mut self) {
        self.wait_for("Password of ann at");
        self.wait("the echo is off", |terminal| !terminal.echoes());
        self.keys(&format!("{PASSWORD}\r"));
    }

    /// Waits for the end and holds it to its exit code; answers what stands on the terminal then.
    #[track_caller]
    fn ends(mut self, code: u32) -> String {
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.shown());
            self.read();
        };
        while let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(100)) {
            self.screen.process(&chunk);
        }
        assert_eq!(status.exit_code(), code, "{}", self.shown());
        assert!(self.echoes(), "the echo is back");
        assert!(!self.shown().contains(PASSWORD));
        self.shown()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

#[test]
fn enter_rejects_an_unknown_identity() {
    let scene = Scene::new();
    for (url, who, print) in [
        (scene.ftps("/"), "Issued by    itself", scene.ftps_print.colons()),
        (scene.sftp("/"), "Key type     ssh-ed25519", scene.sftp_print.openssh()),
    ] {
        let mut terminal = Terminal::start(&scene, &["ls", &url]);
        terminal.wait_for("(Enter rejects): ");
        for words in [who, "Honest: ", "Attack: ", &print] {
            assert!(terminal.shown().contains(words), "{words}\n{}", terminal.shown());
        }
        terminal.keys("\r");
        assert!(terminal.ends(6).contains("rejected"));
    }
}

#[test]
fn a_fingerprint_can_be_pasted_at_the_question() {
    let scene = Scene::new();
    for ((url, _), print) in scene.both("/").into_iter().zip([scene.ftps_print, scene.sftp_print]) {
        let mut terminal = Terminal::start(&scene, &["ls", &url]);
        terminal.wait_for("(Enter rejects): ");
        terminal.keys(&format!("SHA256 Fingerprint={}\r", print.colons()));
        terminal.wait_for("It MATCHES this");
        terminal.keys("o\r");
        terminal.give_password();
        assert!(terminal.ends(0).contains("a.txt"));
    }
}

#[test]
fn once_is_forgotten_and_always_is_remembered() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        for answer in ["o\r", "a\r"] {
            let mut terminal = Terminal::start(&scene, &["ls", &url]);
            terminal.wait_for("(Enter rejects): ");
            terminal.keys(answer);
            terminal.give_password();
            assert!(terminal.ends(0).contains("a.txt"));
        }
        let mut terminal = Terminal::start(&scene, &["ls", &url]);
        terminal.give_password();
        let shown = terminal.ends(0);
        assert!(shown.contains("a.txt") && !shown.contains("Enter rejects"), "{shown}");
    }
}

#[test]
fn a_wrong_password_is_asked_for_again() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        let prints = [scene.ftps_print, scene.sftp_print].map(|print| print.to_string());
        let mut terminal = Terminal::start(&scene, &["ls", &url, "--trust", &prints[0], "--trust", &prints[1]]);
        terminal.wait_for("Password of ann at");
        terminal.wait("the echo is off", |terminal| !terminal.echoes());
        terminal.keys("wrong\r");
        terminal.wait_for("That was not right.");
        terminal.wait("the echo is off", |terminal| !terminal.echoes());
        terminal.keys(&format!("{PASSWORD}\r"));
        assert!(terminal.ends(0).contains("a.txt"));
    }
}

#[test]
fn leaving_at_the_password_prompt_gives_the_echo_back() {
    let scene = Scene::new();
    let print = scene.ftps_print.to_string();
    let mut terminal = Terminal::start(&scene, &["ls", &scene.ftps("/"), "--trust", &print]);
    terminal.wait_for("Password of ann at");
    terminal.wait("the echo is off", |terminal| !terminal.echoes());
    terminal.keys("\x03");
    assert!(terminal.ends(130).contains("interrupted"));
}

#[test]
fn in_batch_nobody_is_asked_although_somebody_is_there() {
    let scene = Scene::new();
    let shown = Terminal::start(&scene, &["ls", "--batch", &scene.ftps("/")]).ends(6);
    assert!(shown.contains("--trust sha256:") && !shown.contains("Enter rejects"), "{shown}");
}

#[test]
fn a_file_in_the_way_is_asked_about() {
    let scene = Scene::new();
    scene.put("a.txt", b"mine");
    for (key, after) in [("\r", "mine"), ("o\r", "hello")] {
        let print = scene.sftp_print.to_string();
        let mut terminal = Terminal::start(&scene, &["copy", &scene.sftp("/a.txt"), ".", "--trust", &print]);
        terminal.give_password();
        terminal.wait_for("(Enter skips): ");
        terminal.keys(key);
        terminal.ends(0);
        assert_eq!(scene.read("a.txt"), after);
    }
    assert_eq!(scene.sftp_tree.content(&path("/a.txt")).unwrap(), b"hello");
}

#[test]
fn a_new_ssh_key_is_made_only_with_the_same_passphrase_twice() {
    let scene = Scene::new();
    for (first, second, code, words) in [
        ("numbat", "numbed", 2, "the two passphrases are not the same"),
        ("", "", 2, "--no-passphrase"),
        ("numbat", "numbat", 0, "ssh-ed25519 AAAA"),
    ] {
        let mut terminal = Terminal::start(&scene, &["key", "new", "bank"]);
        for (prompt, typed) in [("New passphrase for bank: ", first), ("The same again: ", second)] {
            terminal.wait_for(prompt);
            terminal.wait("the echo is off", |terminal| !terminal.echoes());
            terminal.keys(&format!("{typed}\r"));
        }
        let shown = terminal.ends(code);
        assert!(shown.contains(words) && !shown.contains("numb"), "{shown}");
        assert_eq!(scene.home("data/ssh/bank").exists(), code == 0);
    }
}

#[test]
fn a_new_passphrase_is_asked_for_twice_without_echo() {
    let scene = Scene::new();
    let arguments = ["cert", "new", "bank", "--cn", "Ann"];
    for (second, code) in [("other\r", 2), ("secret\r", 0)] {
        let mut terminal = Terminal::start(&scene, &arguments);
        terminal.wait_for("New passphrase for bank: ");
        terminal.wait("the echo to go", |terminal| !terminal.echoes());
        terminal.keys("secret\r");
        terminal.wait_for("The same again: ");
        terminal.wait("the echo to go", |terminal| !terminal.echoes());
        terminal.keys(second);
        let shown = terminal.ends(code);
        assert!(!shown.contains("secret") && !shown.contains("other\n"), "{shown}");
        assert_eq!(scene.home("data/identities/bank").exists(), code == 0);
    }
}

#[test]
fn a_password_is_kept_in_the_vault_if_the_person_says_so() {
    use crate::kept::{VAULT_PASSPHRASE, keep};
    let scene = Scene::new();
    let label = keep(&scene, "stale");
    let print = scene.ftps_print.to_string();
    let arguments = ["cat", &scene.ftps("/a.txt"), "--trust", &print];
    let mut terminal = Terminal::start(&scene, &arguments);
    terminal.wait_for("Passphrase of the vault");
    terminal.wait("the echo is off", |terminal| !terminal.echoes());
    terminal.keys(&format!("{VAULT_PASSPHRASE}\r"));
    terminal.wait_for("The one in the vault was not right. Password of ann");
    terminal.give_password();
    terminal.wait_for("Keep it in the vault, if it is right? [y]es");
    terminal.keys("y\r");
    assert!(terminal.ends(0).contains("hello"));

    let mut terminal = Terminal::start(&scene, &arguments);
    terminal.wait_for("Passphrase of the vault");
    terminal.wait("the echo is off", |terminal| !terminal.echoes());
    terminal.keys(&format!("{VAULT_PASSPHRASE}\r"));
    let shown = terminal.ends(0);
    assert!(shown.contains("hello") && !shown.contains("Password of ann"), "{shown}\n{label}");
}
