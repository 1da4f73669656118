//! A command whose standard input and output carry SSH (OpenSSH's ProxyCommand). What it complains about goes to the log;
//! its end is told to whoever waits for a connection over it.

use std::io;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::model::text;

/// How long it may take to end by itself, once nobody listens; then it is told to, and after that killed.
const PATIENCE: Duration = Duration::from_millis(300);
/// Bytes of a line of its complaints.
const LONGEST_LINE: usize = 400;
/// Lines of its complaints that are kept.
const LINES_KEPT: usize = 3;

/// Its standard input and output. Dropping it ends the command.
pub(super) struct Program {
    output: ChildStdout,
    input: ChildStdin,
    _alive: DropGuard,
}

/// Why the command ended.
pub(super) struct LastWords {
    said: Said,
    /// How it ended by itself, if it did.
    ended: oneshot::Receiver<Option<ExitStatus>>,
}

type Said = Arc<Mutex<Vec<String>>>;

/// Starts `command` in the person's shell, in a process group of its own. Must be called inside a tokio runtime.
pub(super) fn start(command: &str) -> io::Result<(Program, LastWords)> {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    let mut program = Command::new(shell);
    program.arg("-c").arg(format!("exec {command}"));
    program.env_remove("SEALIFT_PASSWORD").env_remove("SEALIFT_PASSPHRASE").env_remove("SEALIFT_VAULT_PASSPHRASE");
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    program.process_group(0);
    let mut child = program.spawn()?;
    let (Some(input), Some(output), Some(complaints)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let alive = CancellationToken::new();
    let said = Said::default();
    let (tell, ended) = oneshot::channel();
    let (unneeded, heard) = (alive.clone(), said.clone());
    // Ends with the command, and the command at the latest a moment after the program is dropped.
    tokio::spawn(async move {
        let mut listening = AbortOnDropHandle::new(tokio::spawn(listen(complaints, heard)));
        let status = see_off(child, unneeded).await;
        // A program it left behind may hold the other end for ever.
        drop(tokio::time::timeout(PATIENCE, &mut listening).await);
        // Nobody waits for it once the connection stands.
        let _ = tell.send(status);
    });
    Ok((Program { output, input, _alive: alive.drop_guard() }, LastWords { said, ended }))
}

/// Waits for the end of the command, and brings it about when nobody needs it any more.
async fn see_off(mut child: Child, unneeded: CancellationToken) -> Option<ExitStatus> {
    let own = tokio::select! {
        status = child.wait() => status.ok(),
        // Its input and output are closed then, so it may well end by itself.
        () = unneeded.cancelled() => tokio::time::timeout(PATIENCE, child.wait()).await.ok().and_then(Result::ok),
    };
    if let Some(status) = own {
        tracing::info!(%status, "the ProxyCommand ended");
        return own;
    }
    #[cfg(unix)]
    {
        let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        let tell = |signal| {
            // Fails only where all of them have ended.
            let _ = group.map(|group| rustix::process::kill_process_group(group, signal));
        };
        tell(rustix::process::Signal::TERM);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            tell(rustix::process::Signal::KILL);
        }
    }
    drop(child.kill().await);
    None
}

/// Writes what it complains about to the log, and keeps the last lines.
async fn listen(complaints: ChildStderr, said: Said) {
    let mut complaints = BufReader::new(complaints);
    let mut line = Vec::new();
    while let Ok(byte) = complaints.read_u8().await {
        if byte != b'\n' {
            line.push(byte);
        }
        if byte == b'\n' || line.len() == LONGEST_LINE {
            keep(&line, &said);
            line.clear();
        }
    }
    keep(&line, &said);
}

fn keep(line: &[u8], said: &Said) {
    let line = text::display_safe(line.trim_ascii());
    if line.is_empty() {
        return;
    }
    tracing::info!(line, "the ProxyCommand says");
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() == LINES_KEPT {
        said.remove(0);
    }
    said.push(line);
}

impl LastWords {
    /// How the command ended and what it said last, a sentence; `None` if it has nothing to do with the end of the connection.
    pub(super) async fn heard(self) -> Option<String> {
        let ended = tokio::time::timeout(PATIENCE * 4, self.ended).await;
        let status = ended.ok().and_then(Result::ok).flatten();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        let how = match status {
            Some(status) => format!("the command on the way (ProxyCommand) ended with {status}"),
            None if said.is_empty() => return None,
            None => "the command on the way (ProxyCommand) had to be ended".to_owned(),
        };
        Some(if said.is_empty() { how } else { format!("{how}; it said: {said}") })
    }
}

impl AsyncRead for Program {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}

impl AsyncWrite for Program {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(context)
    }
}
