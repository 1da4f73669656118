//! A pseudo-terminal with an emulator behind it. Waits for what is on the screen, never for a time.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than any machine needs.
const LIMIT: Duration = Duration::from_secs(20);
/// A program that wrote nothing for so long has drawn what it had to.
const REST: Duration = Duration::from_millis(150);

/// The program in its terminal; killed when dropped.
pub(crate) struct Program {
    child: Box<dyn Child + Send + Sync>,
    terminal: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    written: usize,
    /// Kept open, so that the terminal's modes can be read after the program ended.
    _program_side: Box<dyn SlavePty + Send>,
}

/// A folder with files; names that end in `/` are folders.
pub(crate) fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        if name.ends_with('/') { std::fs::create_dir(path).unwrap() } else { std::fs::write(path, "x").unwrap() }
    }
    folder
}

impl Program {
    /// Starts the program with both panes in `dir`.
    pub(crate) fn start(dir: &Path, columns: u16, rows: u16) -> Self {
        Self::start_with(dir, columns, rows, &[])
    }

    /// The same with more environment.
    pub(crate) fn start_with(dir: &Path, columns: u16, rows: u16, environment: &[(&str, &str)]) -> Self {
        Self::run(&[dir.as_os_str(), dir.as_os_str()], columns, rows, environment)
    }

    /// Starts the demo, whose files are in `temporary`.
    pub(crate) fn demo(temporary: &Path, columns: u16, rows: u16) -> Self {
        Self::run(&[OsStr::new("demo")], columns, rows, &[("TMPDIR", temporary.to_str().unwrap())])
    }

    pub(crate) fn run(arguments: &[&OsStr], columns: u16, rows: u16, environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(arguments);
        for (name, value) in [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("NO_COLOR", "")] {
            command.env(name, value);
        }
        command.env("SEALIFT_KEYRING", "false");
        for (name, file) in [("SEALIFT_CONFIG_DIR", "config"), ("SEALIFT_STATE_DIR", "state"), ("SEALIFT_DATA_DIR", "data")] {
            command.env(name, std::env::temp_dir().join(format!("sealift-pty-{}-{file}", std::process::id())));
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { child, terminal: pair.master, keyboard, output, screen, written: 0, _program_side: pair.slave }
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until `text` is on the screen.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("{text:?} is on the screen"), |screen| screen.contains(text));
    }

    /// Waits until the screen is as wanted.
    pub(crate) fn wait_until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + LIMIT;
        while !wanted(&self.screen.screen().contents()) {
            assert!(Instant::now() < end, "waited in vain until {what}:\n{}", self.screen.screen().contents());
            self.read(Duration::from_millis(50));
        }
    }

    /// Waits while `condition` holds.
    pub(crate) fn wait_while(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while condition(self) {
            assert!(Instant::now() < end, "waited in vain until {what}");
            self.read(Duration::from_millis(20));
        }
    }

    /// Waits until the program has drawn what it had to.
    pub(crate) fn settle(&mut self) {
        let end = Instant::now() + LIMIT;
        while self.read(REST) {
            assert!(Instant::now() < end, "the program never rests");
        }
    }

    /// Takes what the program writes within `time`.
    pub(crate) fn settle_for(&mut self, time: Duration) {
        self.read(time);
    }

    /// Whether nothing is written for `time`.
    pub(crate) fn stays_quiet(&mut self, time: Duration) -> bool {
        !self.read(time)
    }

    fn read(&mut self, limit: Duration) -> bool {
        match self.output.recv_timeout(limit) {
            Ok(chunk) => {
                self.written += chunk.len();
                self.screen.process(&chunk);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => panic!("the terminal is gone"),
        }
    }

    /// Bytes written so far.
    pub(crate) fn bytes_written(&self) -> usize {
        self.written
    }

    /// Gives the terminal a new size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen.screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().and_then(|pid| Pid::from_raw(pid as i32)).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the program ended and all it wrote was read.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "the program does not end:\n{}", self.screen.screen().contents());
            self.read(Duration::from_millis(20));
        };
        while self.read(REST) {}
        status
    }

    /// Whether the terminal is in raw mode.
    pub(crate) fn is_raw(&self) -> bool {
        use rustix::fs::{Mode, OFlags, open};
        use rustix::termios::{LocalModes, tcgetattr};
        let name = self.terminal.tty_name().unwrap();
        let modes = tcgetattr(open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap()).unwrap();
        !modes.local_modes.contains(LocalModes::ICANON) && !modes.local_modes.contains(LocalModes::ECHO)
    }

    /// Whether the alternate screen is shown.
    pub(crate) fn screen_is_alternate(&self) -> bool {
        self.screen.screen().alternate_screen()
    }

    /// The terminal is as it was before.
    pub(crate) fn assert_restored(&self) {
        assert!(!self.screen_is_alternate(), "the alternate screen is left");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is shown");
        assert!(!self.screen.screen().bracketed_paste(), "pastes are plain");
        assert!(!self.is_raw(), "raw mode is left");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}
