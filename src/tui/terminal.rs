//! The terminal's state: raw mode, alternate screen, pasting, title; taken at the start and given back however the program ends.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crossterm::terminal;
use rustix::process::{Signal, getpid, kill_process};

/// Alternate screen, bracketed paste, cursor hidden, title kept on the terminal's stack (`CSI 22;2t`).
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[22;2t";
/// And back: synchronised update ended, colours off, cursor shown, title from the stack.
const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[23;2t";

/// How long giving the terminal back may wait for a line that is stuck.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);

/// Holds the terminal. Dropping it gives the terminal back, and so does a panic of the thread that made it.
pub struct TerminalGuard {
    taken: Arc<AtomicBool>,
    hook: Arc<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>,
}

/// Why there is no screen to draw on, as a sentence.
pub fn refusal() -> Option<&'static str> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Some("this needs a terminal; for scripts there are the verbs (sealift --help)");
    }
    match std::env::var("TERM").as_deref() {
        Ok("dumb") => Some("this terminal (TERM=dumb) cannot show a screen; the verbs work without one (sealift --help)"),
        _ => None,
    }
}

impl TerminalGuard {
    /// Takes the terminal. Fails with a sentence where there is none that can show a screen.
    pub fn take() -> io::Result<Self> {
        if let Some(why) = refusal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let taken = Arc::new(AtomicBool::new(false));
        let hook: Arc<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync> = Arc::from(panic::take_hook());
        let guard = Self { taken: Arc::clone(&taken), hook: Arc::clone(&hook) };
        let owner = std::thread::current().id();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == owner {
                give_back(&taken);
                hook(info);
            } else if taken.load(Ordering::SeqCst) {
                // A task's panic is told as a notice; printing it would spoil the screen.
                tracing::error!(panic = %info, "a task panicked");
            } else {
                hook(info);
            }
        }));
        guard.enter()?;
        Ok(guard)
    }

    /// Takes the terminal again after [`TerminalGuard::leave`] or a stop. Everything has to be drawn anew.
    pub fn enter(&self) -> io::Result<()> {
        // crossterm keeps the first modes it saw; a shell may have changed them since.
        drop(terminal::disable_raw_mode());
        terminal::enable_raw_mode()?;
        self.taken.store(true, Ordering::SeqCst);
        write_now(ENTER)
    }

    /// Gives the terminal back.
    pub fn leave(&self) {
        give_back(&self.taken);
    }

    /// Gives the terminal back, stops this process as Ctrl-Z does, and takes the terminal again when it goes on.
    pub fn suspend(&self) -> io::Result<()> {
        self.leave();
        kill_process(getpid(), Signal::STOP)?;
        self.enter()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.leave();
        let hook = Arc::clone(&self.hook);
        if !std::thread::panicking() {
            panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

/// Sets the window's title to text that is safe to draw.
pub fn title(text: &str) -> String {
    format!("\x1b]2;{}\x07", crate::model::text::display_safe(text.as_bytes()))
}

/// The sequence that puts `text` on the person's clipboard (OSC 52); `None` if it is more than terminals take.
pub fn clipboard(text: &str) -> Option<String> {
    use base64::Engine as _;
    const MOST_BYTES: usize = 74_994;
    (text.len() <= MOST_BYTES).then(|| format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text)))
}

fn give_back(taken: &AtomicBool) {
    if !taken.swap(false, Ordering::SeqCst) {
        return;
    }
    let (done, waiting) = mpsc::sync_channel(1);
    let writer = std::thread::Builder::new().spawn(move || {
        drop(write_now(LEAVE));
        done.send(()).is_ok()
    });
    if writer.is_ok() {
        // In time or not, the modes go back next.
        waiting.recv_timeout(LEAVE_LIMIT).unwrap_or_default();
    }
    drop(terminal::disable_raw_mode());
}

fn write_now(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_carries_no_escape_sequence() {
        assert_eq!(title("a\x1b]0;b\x07"), "\x1b]2;a\\x1b]0;b\\x07\x07");
    }

    /// Runs itself once more in a terminal of its own, and panics there.
    #[test]
    fn a_panic_is_told_on_a_terminal_that_was_given_back() {
        use portable_pty::{CommandBuilder, PtySize, native_pty_system};
        use std::io::Read as _;

        const INSIDE: &str = "SEALIFT_TEST_PANICS";
        if std::env::var_os(INSIDE).is_some() {
            let _guard = TerminalGuard::take().unwrap();
            panic!("on purpose");
        }
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let modes = || pair.master.get_termios().unwrap().local_flags;
        let before = modes();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        let path = module_path!().split_once("::").map_or("", |(_, path)| path);
        command.args(["--exact", &format!("{path}::a_panic_is_told_on_a_terminal_that_was_given_back"), "--nocapture"]);
        command.env(INSIDE, "1");
        command.env("TERM", "xterm-256color");
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut child = pair.slave.spawn_command(command).unwrap();
        assert!(!child.wait().unwrap().success());
        let after = modes();
        let mut written = Vec::new();
        drop(pair.slave);
        // Linux ends reading from a terminal nobody holds with an error.
        reader.read_to_end(&mut written).unwrap_or_default();
        let written = String::from_utf8_lossy(&written).into_owned();
        let at = |text: &str| written.find(text).unwrap_or_else(|| panic!("{text:?} is not in {written:?}"));
        assert!(at(ENTER) < at(LEAVE) && at(LEAVE) < at("on purpose"), "{written:?}");
        assert_eq!(before, after);
    }

    #[test]
    fn a_clipboard_text_is_bounded() {
        assert_eq!(clipboard("hi").as_deref(), Some("\x1b]52;c;aGk=\x07"));
        assert_eq!(clipboard(&"x".repeat(100_000)), None);
    }
}
