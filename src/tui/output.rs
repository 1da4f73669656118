//! Writes whole frames to the terminal, off the event loop. Knows nothing of what is in them.

use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

/// Takes one frame at a time. While one is under way no other is drawn, so a slow line gets few frames, not old ones.
pub trait Output {
    /// Begins to write `frame`. Only when nothing is under way.
    fn begin(&mut self, frame: Vec<u8>);

    /// Waits until the frame under way is written. Cancel safe.
    fn written(&mut self) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + '_>>;
}

/// A thread that writes to standard output: a line that is stuck must not stop the keyboard.
pub struct TerminalOutput {
    frames: blocking::SyncSender<Vec<u8>>,
    results: mpsc::Receiver<io::Result<()>>,
}

impl TerminalOutput {
    /// Starts the thread. It ends when this is dropped (a write that is stuck ends with the program).
    pub fn start() -> io::Result<Self> {
        let mut terminal = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (frames, queue) = blocking::sync_channel::<Vec<u8>>(1);
        let (sender, results) = mpsc::channel(1);
        std::thread::Builder::new().name("terminal-output".into()).spawn(move || {
            while let Ok(frame) = queue.recv() {
                if sender.blocking_send(terminal.write_all(&frame)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { frames, results })
    }
}

impl Output for TerminalOutput {
    fn begin(&mut self, frame: Vec<u8>) {
        // A thread that is gone is told by `written`.
        drop(self.frames.try_send(frame));
    }

    fn written(&mut self) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + '_>> {
        Box::pin(async { self.results.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into())) })
    }
}
