//! SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02): packets to bytes, bytes to replies. Pure; sends nothing.
//!
//! Names and handles are bytes and stay bytes. Nothing here allocates by a length the peer only claims.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// No packet may be longer than this (bytes behind the length field). OpenSSH's own bound is 256 KiB; a little room for headers.
pub(super) const MAX_PACKET: usize = 256 * 1024 + 1024;

/// Packet types, section 3.
pub(super) mod kind {
    pub(crate) const INIT: u8 = 1;
    pub(crate) const VERSION: u8 = 2;
    pub(crate) const OPEN: u8 = 3;
    pub(crate) const CLOSE: u8 = 4;
    pub(crate) const READ: u8 = 5;
    pub(crate) const WRITE: u8 = 6;
    pub(crate) const LSTAT: u8 = 7;
    pub(crate) const FSTAT: u8 = 8;
    pub(crate) const SETSTAT: u8 = 9;
    pub(crate) const FSETSTAT: u8 = 10;
    pub(crate) const OPENDIR: u8 = 11;
    pub(crate) const READDIR: u8 = 12;
    pub(crate) const REMOVE: u8 = 13;
    pub(crate) const MKDIR: u8 = 14;
    pub(crate) const RMDIR: u8 = 15;
    pub(crate) const REALPATH: u8 = 16;
    pub(crate) const STAT: u8 = 17;
    pub(crate) const RENAME: u8 = 18;
    pub(crate) const READLINK: u8 = 19;
    pub(crate) const SYMLINK: u8 = 20;
    pub(crate) const STATUS: u8 = 101;
    pub(crate) const HANDLE: u8 = 102;
    pub(crate) const DATA: u8 = 103;
    pub(crate) const NAME: u8 = 104;
    pub(crate) const ATTRS: u8 = 105;
    pub(crate) const EXTENDED: u8 = 200;
    pub(crate) const EXTENDED_REPLY: u8 = 201;
}

/// The peer sent what the protocol does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// A request being written; its length and id are filled in last.
#[derive(Debug)]
pub(super) struct Body(BytesMut);

impl Body {
    /// Begins a request of `kind`.
    pub(super) fn new(kind: u8) -> Self {
        let mut bytes = BytesMut::with_capacity(64);
        bytes.put_u32(0);
        bytes.put_u8(kind);
        bytes.put_u32(0);
        Self(bytes)
    }

    /// Begins an extended request.
    pub(super) fn extended(name: &str) -> Self {
        Self::new(kind::EXTENDED).string(name.as_bytes())
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.0.put_u32(value);
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Self {
        self.0.put_u64(value);
        self
    }

    pub(super) fn string(mut self, bytes: &[u8]) -> Self {
        self.0.put_u32(bytes.len() as u32);
        self.0.put_slice(bytes);
        self
    }

    pub(super) fn attributes(self, attributes: &Attributes) -> Self {
        let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
        let flags = flag(attributes.size.is_some(), Attributes::SIZE)
            | flag(attributes.owner.is_some(), Attributes::OWNER)
            | flag(attributes.permissions.is_some(), Attributes::PERMISSIONS)
            | flag(attributes.times.is_some(), Attributes::TIMES);
        let mut body = self.u32(flags);
        if let Some(size) = attributes.size {
            body = body.u64(size);
        }
        if let Some((uid, gid)) = attributes.owner {
            body = body.u32(uid).u32(gid);
        }
        if let Some(permissions) = attributes.permissions {
            body = body.u32(permissions);
        }
        if let Some((accessed, modified)) = attributes.times {
            body = body.u32(accessed).u32(modified);
        }
        body
    }

    /// The bytes to send, with `payload` bytes to follow (the data of a WRITE, sent without copying).
    pub(super) fn finish(mut self, id: u32, payload: usize) -> Bytes {
        let length = (self.0.len() - 4 + payload) as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0[5..9].copy_from_slice(&id.to_be_bytes());
        self.0.freeze()
    }
}

/// The first packet of a client.
pub(super) fn init() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 5, kind::INIT, 0, 0, 0, 3])
}

/// File attributes, section 5. What is `None` was not told, or is not to be set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Bytes.
    pub(super) size: Option<u64>,
    /// User and group number.
    pub(super) owner: Option<(u32, u32)>,
    /// POSIX `st_mode`, with the type bits.
    pub(super) permissions: Option<u32>,
    /// Accessed and modified, seconds since 1970 UTC.
    pub(super) times: Option<(u32, u32)>,
}

impl Attributes {
    const SIZE: u32 = 1;
    const OWNER: u32 = 2;
    const PERMISSIONS: u32 = 4;
    const TIMES: u32 = 8;
    const EXTENDED: u32 = 0x8000_0000;
}

/// One name of a NAME reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) filename: Bytes,
    /// An `ls -l` line in no fixed format.
    pub(super) longname: Bytes,
    pub(super) attributes: Attributes,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Status {
        code: u32,
        message: Bytes,
    },
    Handle(Bytes),
    /// The data in the pieces it came in.
    Data(Vec<Bytes>),
    Names(Vec<Name>),
    Attributes(Attributes),
    Extended(Bytes),
}

/// What a server sends: its version once, then replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Version { version: u32, extensions: Vec<(Bytes, Bytes)> },
    Reply { id: u32, reply: Reply },
}

/// Reads fields out of a packet.
pub(super) struct Fields(Bytes);

impl Fields {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| Malformed("a packet ends early"))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| Malformed("a packet ends early"))
    }

    pub(super) fn string(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()? as usize;
        if length > self.0.len() {
            return Err(Malformed("a text is longer than its packet"));
        }
        Ok(self.0.split_to(length))
    }

    /// What is left.
    pub(super) fn rest(self) -> Bytes {
        self.0
    }

    fn attributes(&mut self) -> Result<Attributes, Malformed> {
        let flags = self.u32()?;
        let has = |flag| flags & flag != 0;
        let attributes = Attributes {
            size: if has(Attributes::SIZE) { Some(self.u64()?) } else { None },
            owner: if has(Attributes::OWNER) { Some((self.u32()?, self.u32()?)) } else { None },
            permissions: if has(Attributes::PERMISSIONS) { Some(self.u32()?) } else { None },
            times: if has(Attributes::TIMES) { Some((self.u32()?, self.u32()?)) } else { None },
        };
        if has(Attributes::EXTENDED) {
            for _ in 0..self.u32()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(attributes)
    }

    fn names(&mut self) -> Result<Vec<Name>, Malformed> {
        let count = self.u32()?;
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(Name { filename: self.string()?, longname: self.string()?, attributes: self.attributes()? });
        }
        Ok(names)
    }

    fn frame(mut self, packet: u8) -> Result<Frame, Malformed> {
        if packet == kind::VERSION {
            let version = self.u32()?;
            let mut extensions = Vec::new();
            while !self.0.is_empty() {
                extensions.push((self.string()?, self.string()?));
            }
            return Ok(Frame::Version { version, extensions });
        }
        let id = self.u32()?;
        let reply = match packet {
            // Old servers leave the message out.
            kind::STATUS => Reply::Status { code: self.u32()?, message: self.string().unwrap_or_default() },
            kind::HANDLE => Reply::Handle(self.string()?),
            kind::NAME => Reply::Names(self.names()?),
            kind::ATTRS => Reply::Attributes(self.attributes()?),
            kind::EXTENDED_REPLY => Reply::Extended(self.0),
            _ => return Err(Malformed("a packet of an unknown type")),
        };
        Ok(Frame::Reply { id, reply })
    }
}

/// Puts the pieces of a byte stream together to packets. DATA keeps its pieces as they are.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    head: BytesMut,
    data: Option<DataUnderWay>,
}

#[derive(Debug)]
struct DataUnderWay {
    id: u32,
    missing: usize,
    parts: Vec<Bytes>,
}

/// Length, type, id, length of the data.
const DATA_HEAD: usize = 13;
/// Data that comes in more pieces than this is copied together: tiny pieces would cost more memory than they hold.
const MAX_PARTS: usize = 32;

impl Assembler {
    /// Takes the next bytes and hands every packet that is whole to `take`.
    pub(super) fn push(&mut self, mut chunk: Bytes, mut take: impl FnMut(Frame) -> Result<(), Malformed>) -> Result<(), Malformed> {
        loop {
            if let Some(data) = &mut self.data {
                let part = chunk.split_to(data.missing.min(chunk.len()));
                data.missing -= part.len();
                if !part.is_empty() {
                    data.parts.push(part);
                }
                if data.missing > 0 {
                    if data.parts.len() > MAX_PARTS {
                        data.parts = vec![data.parts.concat().into()];
                    }
                    return Ok(());
                }
                if let Some(DataUnderWay { id, parts, .. }) = self.data.take() {
                    take(Frame::Reply { id, reply: Reply::Data(parts) })?;
                }
            }
            let wanted = self.wanted()?;
            let part = chunk.split_to((wanted - self.head.len()).min(chunk.len()));
            self.head.extend_from_slice(&part);
            if self.head.len() < wanted {
                return Ok(());
            }
            if self.wanted()? > wanted {
                continue;
            }
            let mut packet = std::mem::take(&mut self.head).freeze();
            let length = packet.get_u32() as usize;
            let kind = packet.get_u8();
            if kind == kind::DATA {
                let id = packet.get_u32();
                if packet.get_u32() as usize + DATA_HEAD != length + 4 {
                    return Err(Malformed("the data is not as long as its packet says"));
                }
                self.data = Some(DataUnderWay { id, missing: length + 4 - DATA_HEAD, parts: Vec::new() });
            } else {
                take(Fields(packet).frame(kind)?)?;
            }
        }
    }

    /// How long `head` has to become before anything can be decided.
    fn wanted(&self) -> Result<usize, Malformed> {
        let Some((length, rest)) = self.head.split_first_chunk::<4>() else { return Ok(5) };
        let length = u32::from_be_bytes(*length) as usize;
        match rest.first() {
            _ if length > MAX_PACKET => Err(Malformed("a packet is longer than 256 KiB")),
            _ if length < 5 => Err(Malformed("a packet is too short")),
            None => Ok(5),
            Some(&kind::DATA) if length + 4 < DATA_HEAD => Err(Malformed("a packet is too short")),
            Some(&kind::DATA) => Ok(DATA_HEAD),
            Some(_) => Ok(length + 4),
        }
    }
}
