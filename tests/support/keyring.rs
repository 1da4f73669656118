//! A person's home folder with a gnome-keyring, and desktop sessions in it: each has a private bus of its own, which ends
//! with it and takes the keyring's daemon along.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
        let mut command = self.command("timeout");
        command.args(["--kill-after=5", "60", "dbus-run-session"]);
        if begin == Begin::NoService {
            command.arg("--config-file").arg(self.path("bare-bus.conf"));
        }
        command.args(["--", "bash", "-c", &format!("{{ {daemon}; }} >/dev/null 2>&1\n{script}")]);
        said(&mut command)
    }

    /// The program without a session, on whatever bus stands at `bus`.
    pub fn sealift(&self, bus: &Path, arguments: &[&str]) -> Said {
        let mut command = self.command("timeout");
        command.args(["--kill-after=5", "60", env!("CARGO_BIN_EXE_sealift")]).args(arguments);
        said(command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display())))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("SEALIFT", env!("CARGO_BIN_EXE_sealift"));
        // No bus and no daemon of whoever runs the tests can be found from there.
        command.env("HOME", self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path()).current_dir(self.folder.path());
        command
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
