//! The signals the screen answers to. Decides nothing.

use std::future::pending;
use std::io;

use tokio::signal::unix::{self, SignalKind};

/// What a signal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGHUP, SIGINT: the program is to end.
    Quit,
    /// SIGTSTP: the program is to stop and give the terminal back.
    Stop,
    /// SIGCONT: it goes on, and the terminal may have been changed.
    Continue,
}

/// Listens for signals.
pub struct Signals(Option<Listeners>);

struct Listeners {
    terminate: unix::Signal,
    hang_up: unix::Signal,
    interrupt: unix::Signal,
    stop: unix::Signal,
    go_on: unix::Signal,
}

impl Signals {
    /// Takes the signals over from the system's defaults, for the rest of the program.
    pub fn listen() -> io::Result<Self> {
        let raw = |signal: rustix::process::Signal| unix::signal(SignalKind::from_raw(signal.as_raw()));
        Ok(Self(Some(Listeners {
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            stop: raw(rustix::process::Signal::TSTP)?,
            go_on: raw(rustix::process::Signal::CONT)?,
        })))
    }

    /// No signal ever comes.
    pub fn none() -> Self {
        Self(None)
    }

    /// The next signal. Cancel safe.
    pub async fn next(&mut self) -> Signal {
        let Some(listeners) = &mut self.0 else { return pending().await };
        tokio::select! {
            _ = listeners.terminate.recv() => Signal::Quit,
            _ = listeners.hang_up.recv() => Signal::Quit,
            _ = listeners.interrupt.recv() => Signal::Quit,
            _ = listeners.stop.recv() => Signal::Stop,
            _ = listeners.go_on.recv() => Signal::Continue,
        }
    }
}
