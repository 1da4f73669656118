//! A server for tests: speaks SFTP bytes over a pipe, has one file, and does what a test's script says instead.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio_util::sync::CancellationToken;

use super::super::channel::{Channel, Incoming, NotSftp, Outgoing};
use super::super::file_system::{Session, SftpFileSystem};
use super::super::packet::{Attributes, Body, Fields, kind};

/// The time limit in these tests; those that wait for it run on paused time.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// A request as the server got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kind: u8,
    pub(super) id: u32,
    pub(super) body: Bytes,
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
            kind::READDIR => asked.status(1, ""),
            kind::EXTENDED => asked.status(8, "not here"),
            _ => asked.status(0, ""),
        }
    }
}

/// All requests so far; and the honest server's file as it is now.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<(Vec<Asked>, Vec<u8>)>>, Arc<tokio::sync::Notify>);

impl Seen {
    pub(super) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().0.clone()
    }

    pub(super) fn of(&self, kind: u8) -> Vec<Asked> {
        self.all().into_iter().filter(|asked| asked.kind == kind).collect()
    }

    pub(super) fn file(&self) -> Vec<u8> {
        self.0.lock().unwrap().1.clone()
    }

    /// Waits until a request of this kind has come.
    pub(super) async fn wait_for(&self, kind: u8) {
        loop {
            let next = self.1.notified();
            if !self.of(kind).is_empty() {
                return;
            }
            next.await;
        }
    }
}

/// A file system whose server answers by `script`. The server ends with the pipe.
pub(super) async fn server(
    extensions: &[(&str, &str)],
    honest: Honest,
    script: impl FnMut(&Asked) -> Then + Send + 'static,
) -> (SftpFileSystem, Seen) {
    let (ours, theirs) = duplex(64 * 1024);
    let seen = Seen::default();
    let mut version = Body::new(kind::VERSION);
    for (name, value) in extensions {
        version = version.string(name.as_bytes()).string(value.as_bytes());
    }
    // A version packet has the number where others have the id.
    let greeting = version.finish(3, 0);
    tokio::spawn(serve(theirs, greeting, honest, script, seen.clone()));
    let (channel, version) = over(ours).await.unwrap();
    (SftpFileSystem::start(channel, version, Session::default()).await.unwrap(), seen)
}

/// A channel over our end of a pipe.
pub(super) async fn over(ours: DuplexStream) -> Result<(Channel, super::super::channel::Version), NotSftp> {
    let (read, write) = split(ours);
    Channel::open(Reader(read), Writer(write), TIMEOUT, CancellationToken::new()).await
}

async fn serve(
    mut stream: DuplexStream,
    greeting: Bytes,
    mut honest: Honest,
    mut script: impl FnMut(&Asked) -> Then,
    seen: Seen,
) -> std::io::Result<()> {
    let mut init = [0; 9];
    stream.read_exact(&mut init).await?;
    stream.write_all(&greeting).await?;
    loop {
        let length = stream.read_u32().await? as usize;
        let mut packet = BytesMut::zeroed(length);
        stream.read_exact(&mut packet).await?;
        let mut packet = packet.freeze();
        let body = packet.split_off(5);
        let asked = Asked { kind: packet[0], id: u32::from_be_bytes(packet[1..5].try_into().unwrap()), body };
        let then = script(&asked);
        let ordinary = if matches!(then, Then::Ordinary) { honest.answer(&asked) } else { Bytes::new() };
        *seen.0.lock().unwrap() = {
            let mut all = seen.all();
            all.push(asked);
            (all, honest.file.clone())
        };
        seen.1.notify_waiters();
        match then {
            Then::Ordinary => stream.write_all(&ordinary).await?,
            Then::Send(replies) => {
                for reply in replies {
                    stream.write_all(&reply).await?;
                }
            }
            Then::Vanish => return Ok(()),
        }
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
