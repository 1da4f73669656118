//! A server for tests: speaks SFTP bytes over a pipe, has one file, and does what a test's script says instead.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::channel::{Channel, Incoming, NotSftp, Outgoing, Version};
use super::super::file_system::{Below, Ran, Session, SftpFileSystem};
use super::super::packet::{Attributes, Body, Fields, kind};

/// The time limit in these tests; those that wait for it run on paused time.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
/// From a request to its answer on a far server.
pub(super) const TURN: Duration = Duration::from_millis(50);

/// A request as the server got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kind: u8,
    pub(super) id: u32,
    pub(super) body: Bytes,
    /// Over which channel; 0 is the first.
    pub(super) channel: usize,
}

impl Asked {
    /// The first text: a handle, a path, or the name of an extended request.
    pub(super) fn text(&self) -> Bytes {
        Fields::new(self.body.clone()).string().unwrap()
    }

    /// The second text.
    pub(super) fn second_text(&self) -> Bytes {
        let mut fields = Fields::new(self.body.clone());
        fields.string().unwrap();
        fields.string().unwrap()
    }

    /// Offset and length of a READ or WRITE.
    pub(super) fn range(&self) -> (usize, usize) {
        let mut fields = Fields::new(self.body.clone());
        fields.string().unwrap();
        (fields.u64().unwrap() as usize, fields.u32().unwrap() as usize)
    }

    /// What an OPEN wants to do with the file.
    pub(super) fn flags(&self) -> u32 {
        let mut fields = Fields::new(self.body.clone());
        fields.string().unwrap();
        fields.u32().unwrap()
    }

    /// The size that a SETSTAT or FSETSTAT sets.
    pub(super) fn new_size(&self) -> Option<usize> {
        let mut fields = Fields::new(self.body.clone());
        fields.string().unwrap();
        (fields.u32().unwrap() & 1 != 0).then(|| fields.u64().unwrap() as usize)
    }

    pub(super) fn extended(&self, body: &[u8]) -> Bytes {
        [&Body::new(kind::EXTENDED_REPLY).finish(self.id, body.len())[..], body].concat().into()
    }

    pub(super) fn status(&self, code: u32, words: &str) -> Bytes {
        Body::new(kind::STATUS).u32(code).string(words.as_bytes()).string(b"").finish(self.id, 0)
    }

    pub(super) fn handle(&self, handle: &[u8]) -> Bytes {
        Body::new(kind::HANDLE).string(handle).finish(self.id, 0)
    }

    pub(super) fn data(&self, data: &[u8]) -> Bytes {
        Body::new(kind::DATA).string(data).finish(self.id, 0)
    }

    pub(super) fn attributes(&self, permissions: u32, size: u64) -> Bytes {
        let attributes = Attributes { size: Some(size), permissions: Some(permissions), ..Attributes::default() };
        Body::new(kind::ATTRS).attributes(&attributes).finish(self.id, 0)
    }

    pub(super) fn names(&self, names: &[(&[u8], u32)]) -> Bytes {
        let mut body = Body::new(kind::NAME).u32(names.len() as u32);
        for &(name, permissions) in names {
            body = body.string(name).string(b"").attributes(&Attributes { permissions: Some(permissions), ..Attributes::default() });
        }
        body.finish(self.id, 0)
    }
}

/// What a script does with a request.
pub(super) enum Then {
    Send(Vec<Bytes>),
    Vanish,
    /// What an honest server with this one file would answer.
    Ordinary,
}

/// What an honest server has.
#[derive(Clone)]
pub(super) struct Honest {
    pub(super) file: Vec<u8>,
    pub(super) handle: &'static [u8],
}

impl Honest {
    pub(super) fn with(file: impl Into<Vec<u8>>) -> Self {
        Self { file: file.into(), handle: b"h" }
    }

    fn answer(&mut self, asked: &Asked) -> Bytes {
        match asked.kind {
            kind::REALPATH => asked.names(&[(b"/home", 0)]),
            kind::OPEN | kind::OPENDIR => asked.handle(self.handle),
            kind::STAT | kind::LSTAT | kind::FSTAT => asked.attributes(0o100_644, self.file.len() as u64),
            kind::READ => {
                let (offset, length) = asked.range();
                match self.file.get(offset..) {
                    None | Some([]) => asked.status(1, "End of file"),
                    Some(rest) => asked.data(&rest[..rest.len().min(length)]),
                }
            }
            kind::WRITE => {
                let (offset, length) = asked.range();
                self.file.resize(self.file.len().max(offset + length), 0);
                self.file[offset..offset + length].copy_from_slice(&asked.body[asked.body.len() - length..]);
                asked.status(0, "")
            }
            kind::FSETSTAT | kind::SETSTAT => {
                if let Some(size) = asked.new_size() {
                    self.file.resize(size, 0);
                }
                asked.status(0, "")
            }
            kind::READDIR => asked.status(1, ""),
            kind::EXTENDED => asked.status(8, "not here"),
            _ => asked.status(0, ""),
        }
    }
}

/// All requests so far; and the honest server's file as it is now.
#[derive(Clone)]
pub(super) struct Seen(Arc<Mutex<Vec<Asked>>>, Arc<Mutex<Honest>>, Arc<Notify>);

impl Seen {
    pub(super) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn of(&self, kind: u8) -> Vec<Asked> {
        self.all().into_iter().filter(|asked| asked.kind == kind).collect()
    }

    pub(super) fn file(&self) -> Vec<u8> {
        self.1.lock().unwrap().file.clone()
    }

    /// Waits until a request of this kind has come.
    pub(super) async fn wait_for(&self, kind: u8) {
        loop {
            let next = self.2.notified();
            if !self.of(kind).is_empty() {
                return;
            }
            next.await;
        }
    }
}

type Script = Box<dyn FnMut(&Asked) -> Then + Send>;
type Shell = dyn Fn(&str) -> Option<(u32, String)> + Send + Sync;

/// A server with channels and a shell, all of one file.
#[derive(Clone)]
pub(super) struct Stage {
    /// From a request to its answer.
    turn: Duration,
    extensions: Vec<(&'static str, &'static str)>,
    software: &'static str,
    script: Arc<Mutex<Script>>,
    seen: Seen,
    /// How many channels there may be beside the first; how many there are.
    most_channels: usize,
    channels: Arc<AtomicUsize>,
    shell: Option<Arc<Shell>>,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    pub(super) fn new(honest: Honest, script: impl FnMut(&Asked) -> Then + Send + 'static) -> Self {
        Self {
            turn: Duration::ZERO,
            extensions: Vec::new(),
            software: "",
            script: Arc::new(Mutex::new(Box::new(script))),
            seen: Seen(Arc::default(), Arc::new(Mutex::new(honest)), Arc::default()),
            most_channels: 0,
            channels: Arc::default(),
            shell: None,
            ran: Arc::default(),
        }
    }

    pub(super) fn far(self) -> Self {
        Self { turn: TURN, ..self }
    }

    pub(super) fn offering(self, extensions: &[(&'static str, &'static str)]) -> Self {
        Self { extensions: extensions.to_vec(), ..self }
    }

    pub(super) fn openssh(self) -> Self {
        let extensions = [
            ("posix-rename@openssh.com", "1"),
            ("statvfs@openssh.com", "2"),
            ("fstatvfs@openssh.com", "2"),
            ("hardlink@openssh.com", "1"),
            ("limits@openssh.com", "1"),
            ("copy-data", "1"),
        ];
        Self { software: "SSH-2.0-OpenSSH_9.2p1", ..self.offering(&extensions) }
    }

    pub(super) fn with_channels(self, most_channels: usize) -> Self {
        Self { most_channels, ..self }
    }

    /// Commands are answered with a status and output; `None`: none is run.
    pub(super) fn with_shell(self, shell: impl Fn(&str) -> Option<(u32, String)> + Send + Sync + 'static) -> Self {
        Self { shell: Some(Arc::new(shell)), ..self }
    }

    pub(super) async fn start(self) -> (SftpFileSystem, Seen) {
        let (channel, version) = self.channel(0).await;
        let (software, below) = (self.software.to_owned(), Some(Arc::new(self.clone()) as Arc<dyn Below>));
        let session = Session { software, below, remote_commands: true, ..Session::default() };
        (SftpFileSystem::start(channel, version, session).await.unwrap(), self.seen)
    }

    /// Commands that were run so far.
    pub(super) fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }

    /// Channels beside the first so far.
    pub(super) fn channels(&self) -> usize {
        self.channels.load(Ordering::Relaxed)
    }

    async fn channel(&self, number: usize) -> (Channel, Version) {
        let (ours, theirs) = duplex(64 * 1024);
        let mut version = Body::new(kind::VERSION);
        for (name, value) in &self.extensions {
            version = version.string(name.as_bytes()).string(value.as_bytes());
        }
        // A version packet has the number where others have the id.
        tokio::spawn(serve(theirs, version.finish(3, 0), self.clone(), number));
        over(ours).await.unwrap()
    }
}

#[async_trait]
impl Below for Stage {
    async fn say_goodbye(&self) {}

    async fn open_channel(&self) -> Option<Channel> {
        let number = self.channels.fetch_add(1, Ordering::Relaxed) + 1;
        if number > self.most_channels {
            self.channels.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(self.channel(number).await.0)
    }

    async fn run(&self, command: &[u8]) -> Option<Ran> {
        let command = String::from_utf8_lossy(command).into_owned();
        self.ran.lock().unwrap().push(command.clone());
        let (status, output) = self.shell.as_ref()?(&command)?;
        Some(Ran { status: Some(status), output: output.into() })
    }
}

/// A file system whose server answers by `script`. The server ends with the pipe.
pub(super) async fn server(
    extensions: &[(&'static str, &'static str)],
    honest: Honest,
    script: impl FnMut(&Asked) -> Then + Send + 'static,
) -> (SftpFileSystem, Seen) {
    Stage::new(honest, script).offering(extensions).start().await
}

/// A channel over our end of a pipe.
pub(super) async fn over(ours: DuplexStream) -> Result<(Channel, Version), NotSftp> {
    let (read, write) = split(ours);
    Channel::open(Reader(read), Writer(write), TIMEOUT, CancellationToken::new()).await
}

async fn serve(stream: DuplexStream, greeting: Bytes, stage: Stage, channel: usize) -> std::io::Result<()> {
    let (mut read, mut write) = split(stream);
    let (answers, mut answered) = mpsc::channel::<(Instant, Bytes)>(4096);
    let writing = async move {
        while let Some((at, bytes)) = answered.recv().await {
            tokio::time::sleep_until(at).await;
            write.write_all(&bytes).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let reading = async move {
        let mut init = [0; 9];
        read.read_exact(&mut init).await?;
        drop(answers.send((Instant::now(), greeting)).await);
        loop {
            let length = read.read_u32().await? as usize;
            let mut packet = BytesMut::zeroed(length);
            read.read_exact(&mut packet).await?;
            let mut packet = packet.freeze();
            let body = packet.split_off(5);
            let asked = Asked { kind: packet[0], id: u32::from_be_bytes(packet[1..5].try_into().unwrap()), body, channel };
            let then = (stage.script.lock().unwrap())(&asked);
            let replies = match then {
                Then::Ordinary => vec![stage.seen.1.lock().unwrap().answer(&asked)],
                Then::Send(replies) => replies,
                Then::Vanish => return Ok(()),
            };
            stage.seen.0.lock().unwrap().push(asked);
            stage.seen.2.notify_waiters();
            for reply in replies {
                drop(answers.send((Instant::now() + stage.turn, reply)).await);
            }
        }
    };
    tokio::select! {
        done = reading => done,
        done = writing => done,
    }
}

struct Reader(ReadHalf<DuplexStream>);

impl Incoming for Reader {
    async fn next(&mut self) -> Option<Bytes> {
        let mut buffer = BytesMut::with_capacity(8 * 1024).limit(8 * 1024);
        match self.0.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(buffer.into_inner().freeze()),
        }
    }
}

struct Writer(WriteHalf<DuplexStream>);

impl Outgoing for Writer {
    async fn send(&mut self, bytes: Bytes) -> bool {
        self.0.write_all(&bytes).await.is_ok()
    }
}
