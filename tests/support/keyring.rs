//! A person's home folder with a gnome-keyring, and desktop sessions in it: each has a private bus of its own, which ends
//! with it and takes the keyring's daemon along.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use super::Unavailable;

const PASSWORD: &str = "password of the keyring";

/// How the keyring is when a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Unlocked; made if there is none.
    Unlocked,
    /// Locked, and without a screen to ask for its password.
    Locked,
    /// Somebody tried to unlock it with another password.
    WrongPassword,
    /// There is a bus, and no keyring on it.
    NoService,
}

/// What a person types, and what they answer with it.
pub struct Typed {
    pub question: &'static str,
    pub text: &'static str,
    /// It is typed without echo.
    pub hidden: bool,
}

/// A home folder.
pub struct Home {
    folder: TempDir,
}

/// What a program in a session said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn make() -> Result<Self, Unavailable> {
        for program in ["gnome-keyring-daemon", "dbus-run-session", "secret-tool", "dbus-send", "bash", "timeout"] {
            let there = std::env::split_paths("/usr/bin:/bin").any(|folder| folder.join(program).is_file());
            if !there {
                return Err(Unavailable::Absent(format!("there is no {program}")));
            }
        }
        let folder = tempfile::Builder::new().prefix("sealift-keyring-").tempdir().unwrap();
        let config = "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context=\"default\">\
            <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
        fs::write(folder.path().join("bare-bus.conf"), config).unwrap();
        Ok(Self { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a shell script in a session; `$SEALIFT` is the program. Ended by force after a minute.
    pub fn session(&self, begin: Begin, script: &str) -> Said {
        let mut command = self.command("timeout");
        command.args(["--kill-after=5", "60"]).args(self.bus(begin, script));
        said(&mut command)
    }

    /// The same at a terminal, where both kinds of output are one. Each answer is typed when its question stands there.
    pub fn on_terminal(&self, begin: Begin, script: &str, answers: &[Typed]) -> Said {
        let pair = native_pty_system().openpty(PtySize { rows: 50, cols: 200, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new("/usr/bin/env");
        command.args(self.bus(begin, script));
        command.env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.cwd(self.folder.path());
        let mut child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = sync_channel(64);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut keyboard = pair.master.take_writer().unwrap();
        let terminal = fs::File::open(pair.master.tty_name().unwrap()).unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        let (mut shown, mut from) = (Vec::new(), 0);
        let mut read = |shown: &mut Vec<u8>| {
            if Instant::now() > end {
                drop(child.kill());
                panic!("it does not go on:\n{}", String::from_utf8_lossy(shown));
            }
            shown.extend(output.recv_timeout(Duration::from_millis(20)).unwrap_or_default());
            child.try_wait().unwrap().map(|status| i32::try_from(status.exit_code()).unwrap())
        };
        for answer in answers {
            let question = answer.question.as_bytes();
            // Input is thrown away until the question stands there and, where it is hidden, until the echo is off.
            let is_asked = |shown: &[u8]| shown[from..].windows(question.len()).any(|window| window == question);
            while !is_asked(&shown) || (answer.hidden && tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO)) {
                assert_eq!(read(&mut shown), None, "{}:\n{}", answer.question, String::from_utf8_lossy(&shown));
            }
            from = shown.len();
            write!(keyboard, "{}\r", answer.text).unwrap();
            keyboard.flush().unwrap();
        }
        let code = loop {
            if let Some(code) = read(&mut shown) {
                break code;
            }
        };
        shown.extend(output.try_iter().flatten());
        Said { code: Some(code), out: String::from_utf8_lossy(&shown).into_owned(), err: String::new() }
    }

    /// A session on a bus of its own, as a command.
    fn bus(&self, begin: Begin, script: &str) -> Vec<OsString> {
        // The daemon is there before it has its name on the bus, and tells nobody when it has: the bus is asked again.
        let on_the_bus = "until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
            org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets; do sleep 0.02; done";
        let unlock = |password: &str| format!("printf %s '{password}' | gnome-keyring-daemon --unlock --components=secrets; {on_the_bus}");
        let daemon = match begin {
            Begin::Unlocked => unlock(PASSWORD),
            Begin::WrongPassword => unlock("another password"),
            Begin::Locked => format!("gnome-keyring-daemon --start --components=secrets; {on_the_bus}"),
            Begin::NoService => ":".to_owned(),
        };
        let mut command: Vec<OsString> = vec!["dbus-run-session".into()];
        if begin == Begin::NoService {
            command.extend(["--config-file".into(), self.path("bare-bus.conf").into()]);
        }
        command.extend(["--".into(), "bash".into(), "-c".into(), format!("{{ {daemon}; }} >/dev/null 2>&1\n{script}").into()]);
        command
    }

    /// The program without a session, on whatever bus stands at `bus`.
    pub fn sealift(&self, bus: &Path, arguments: &[&str]) -> Said {
        let mut command = self.command("timeout");
        command.args(["--kill-after=5", "60", env!("CARGO_BIN_EXE_sealift")]).args(arguments);
        said(command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display())))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.folder.path());
        command
    }

    /// No bus and no daemon of whoever runs the tests can be found from there.
    fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("PATH", "/usr/bin:/bin".into()),
            ("SEALIFT", env!("CARGO_BIN_EXE_sealift").into()),
            ("HOME", self.folder.path().into()),
            ("XDG_RUNTIME_DIR", self.folder.path().into()),
        ]
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
