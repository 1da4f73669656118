//! Sessions over one SSH connection: the SFTP channel a file system lives on, more of them, and commands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Sig, client};
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, Incoming, NotSftp, Outgoing, Version};
use super::file_system::{Below, Ran};
use super::peer::Peer;

/// Of a program's error output, this much is kept.
const MOST_COMPLAINT: usize = 8 * 1024;
/// A command that says more than this says nothing we asked for.
const MOST_OUTPUT: usize = 64 * 1024;

/// An SSH connection that is logged in.
pub(super) struct Sessions {
    handle: client::Handle<Peer>,
    /// For each step, and for silence while requests are open.
    timeout: Duration,
    line: CancellationToken,
}

impl Sessions {
    pub(super) fn new(handle: client::Handle<Peer>, timeout: Duration, line: CancellationToken) -> Self {
        Self { handle, timeout, line }
    }

    /// The channel without which there is no file system: the line ends with it.
    ///
    /// # Errors
    /// A sentence that says whether the subsystem is missing or something else spoke.
    pub(super) async fn first_channel(&self) -> Result<(Channel, Version), String> {
        let session = self.handle.channel_open_session().await;
        let session = session.map_err(|error| format!("the server opens no session: {error}"))?;
        start_sftp(session, self.timeout, self.line.clone()).await
    }
}

/// Has SFTP started in a session. OpenSSH takes no data before it has, so its answer is waited for.
async fn start_sftp(
    session: russh::Channel<client::Msg>,
    timeout: Duration,
    line: CancellationToken,
) -> Result<(Channel, Version), String> {
    let (mut read, write) = session.split();
    let write = SessionWriter(write);
    write.0.request_subsystem(true, "sftp").await.map_err(|error| error.to_string())?;
    loop {
        match read.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure) | None => return Err("it has no SFTP subsystem; the administrator can switch it on".into()),
            Some(_) => {}
        }
    }
    let said = Said::default();
    let opened = Channel::open(SessionReader { half: read, said: said.clone() }, write, timeout, line).await;
    opened.map_err(|why| said.explain(&why))
}

#[async_trait]
impl Below for Sessions {
    async fn say_goodbye(&self) {
        // If the session is gone already, there is nobody to take leave of.
        drop(self.handle.disconnect(Disconnect::ByApplication, "", "").await);
    }

    async fn open_channel(&self) -> Option<Channel> {
        let opening = async {
            let session = self.handle.channel_open_session().await.ok()?;
            let opened = start_sftp(session, self.timeout, self.line.child_token()).await;
            opened.ok().map(|(channel, _)| channel)
        };
        tokio::time::timeout(self.timeout, opening).await.ok().flatten()
    }

    async fn run(&self, command: &[u8]) -> Option<Ran> {
        let starting = async {
            let (mut read, write) = self.handle.channel_open_session().await.ok()?.split();
            let write = SessionWriter(write);
            write.0.exec(true, command).await.ok()?;
            // Nothing to read there: a program that waits for input ends.
            write.0.eof().await.ok()?;
            loop {
                match read.wait().await? {
                    ChannelMsg::Success => return Some((read, write)),
                    ChannelMsg::Failure | ChannelMsg::Close => return None,
                    _ => {}
                }
            }
        };
        let (mut read, write) = tokio::time::timeout(self.timeout, starting).await.ok().flatten()?;
        let running = Running(write);
        let (mut status, mut output) = (None, Vec::new());
        while let Some(message) = read.wait().await {
            match message {
                ChannelMsg::Data { data } if output.len() + data.len() > MOST_OUTPUT => return None,
                ChannelMsg::Data { data } => output.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        drop(running);
        Some(Ran { status, output })
    }
}

/// What the program behind a channel said beside SFTP.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Beside>>);

#[derive(Default)]
struct Beside {
    complaint: Vec<u8>,
    status: Option<u32>,
}

impl Said {
    fn state(&self) -> MutexGuard<'_, Beside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn explain(&self, why: &NotSftp) -> String {
        let said = self.state();
        let words = String::from_utf8_lossy(&said.complaint);
        let complaint = if words.is_empty() { String::new() } else { format!(": {}", words.trim()) };
        match (why, said.status) {
            (NotSftp::Noise(noise), _) => {
                // SFTP's own bytes may follow the text.
                let words = noise.split(|&b| b == 0).next().unwrap_or_default();
                format!(
                    "a text came where SFTP should speak, probably from a start-up file of the shell there (.bashrc, .profile) or a forced command: {}",
                    String::from_utf8_lossy(words).trim().chars().take(200).collect::<String>()
                )
            }
            (NotSftp::Ended, Some(status)) => format!("the SFTP program there ended with status {status}{complaint}"),
            (NotSftp::Ended, None) => format!("the SFTP program there ended at once{complaint}"),
            (NotSftp::Version(version), _) => format!("the server speaks SFTP version {version} only"),
        }
    }
}

struct SessionReader {
    half: ChannelReadHalf,
    said: Said,
}

impl Incoming for SessionReader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.half.wait().await? {
                ChannelMsg::Data { data } => return Some(data),
                ChannelMsg::ExtendedData { data, .. } => {
                    let complaint = &mut self.said.state().complaint;
                    let room = MOST_COMPLAINT - complaint.len();
                    complaint.extend_from_slice(&data[..data.len().min(room)]);
                }
                ChannelMsg::ExitStatus { exit_status } => self.said.state().status = Some(exit_status),
                ChannelMsg::Close => return None,
                // The exit status comes behind the end of the data.
                _ => {}
            }
        }
    }
}

/// Dropping it closes the session, as far as that can be said without waiting; else it ends with the connection.
struct SessionWriter(ChannelWriteHalf<client::Msg>);

impl Outgoing for SessionWriter {
    async fn send(&mut self, bytes: Bytes) -> bool {
        self.0.data_bytes(bytes).await.is_ok()
    }
}

impl Drop for SessionWriter {
    fn drop(&mut self) {
        drop(self.0.close().now_or_never());
    }
}

/// A command under way; one that nobody waits for any more is told to end.
struct Running(SessionWriter);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.0.signal(Sig::TERM).now_or_never());
    }
}
