//! Open files and folders. A `FileSystem` reads and writes in order; here offsets are made of that.

use std::collections::HashMap;

use bytes::Bytes;
use russh_sftp::protocol::{OpenFlags, StatusCode};
use russh_sftp::server::StatusReply;

use super::attributes::status;
use crate::model::{Entry, FilePath};
use crate::vfs::{Create, FileSystem, FsErrorKind, NewMetadata, Sink, Source};

/// Handles of one channel at once.
const MAX_HANDLES: usize = 256;
/// Bytes of one READ answer.
const MAX_READ: usize = 255 * 1024;

/// An open handle.
pub(super) enum Handle {
    File(OpenFile),
    /// What of the folder was not told yet.
    Folder(std::vec::IntoIter<Entry>),
}

/// The handles of one channel.
#[derive(Default)]
pub(super) struct Handles {
    open: HashMap<String, Handle>,
    made: u64,
}

impl Handles {
    pub(super) fn add(&mut self, handle: Handle) -> Result<String, StatusReply> {
        if self.open.len() >= MAX_HANDLES {
            return Err(StatusCode::Failure.with_message("too many open files"));
        }
        self.made += 1;
        let name = self.made.to_string();
        self.open.insert(name.clone(), handle);
        Ok(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Result<Handle, StatusReply> {
        self.open.remove(name).ok_or_else(no_handle)
    }

    pub(super) fn folder(&mut self, name: &str) -> Result<&mut std::vec::IntoIter<Entry>, StatusReply> {
        match self.open.get_mut(name) {
            Some(Handle::Folder(entries)) => Ok(entries),
            _ => Err(no_handle()),
        }
    }

    pub(super) fn file(&mut self, name: &str) -> Result<&mut OpenFile, StatusReply> {
        match self.open.get_mut(name) {
            Some(Handle::File(file)) => Ok(file),
            _ => Err(no_handle()),
        }
    }
}

fn no_handle() -> StatusReply {
    StatusCode::Failure.with_message("no such handle")
}

/// An open file.
pub(super) struct OpenFile {
    pub(super) path: FilePath,
    flags: OpenFlags,
    reading: Option<Reading>,
    writing: Option<Writing>,
    /// FSETSTAT while writing: set when the file is closed, so that writing does not undo it.
    pub(super) metadata: NewMetadata,
}

struct Reading {
    source: Box<dyn Source>,
    /// What was read and not yet asked for.
    ahead: Bytes,
    offset: u64,
}

struct Writing {
    sink: Box<dyn Sink>,
    offset: u64,
}

impl OpenFile {
    /// Opens as `flags` say: a file to be made or emptied is so at once.
    pub(super) async fn open(root: &dyn FileSystem, path: FilePath, flags: OpenFlags) -> Result<Self, StatusReply> {
        let mut file = Self { path, flags, reading: None, writing: None, metadata: NewMetadata::default() };
        let exists = match root.stat(&file.path).await {
            Ok(_) => true,
            Err(error) if error.kind == FsErrorKind::NotFound => false,
            Err(error) => return Err(status(&error)),
        };
        if !flags.contains(OpenFlags::WRITE) {
            // Opening tells whether it is a file that may be read.
            file.read_from(root, 0).await?;
            return Ok(file);
        }
        if !exists && !flags.contains(OpenFlags::CREATE) {
            return Err(StatusCode::NoSuchFile.into());
        }
        if flags.contains(OpenFlags::EXCLUDE) {
            file.write_from(root, Create::New, 0).await?;
        } else if !exists || flags.contains(OpenFlags::TRUNCATE) {
            file.write_from(root, Create::Truncate, 0).await?;
        }
        Ok(file)
    }

    async fn read_from(&mut self, root: &dyn FileSystem, offset: u64) -> Result<&mut Reading, StatusReply> {
        let source = root.open(&self.path, offset).await.map_err(|error| status(&error))?;
        Ok(self.reading.insert(Reading { source, ahead: Bytes::new(), offset }))
    }

    async fn write_from(&mut self, root: &dyn FileSystem, how: Create, offset: u64) -> Result<&mut Writing, StatusReply> {
        let sink = root.create(&self.path, how).await.map_err(|error| status(&error))?;
        Ok(self.writing.insert(Writing { sink, offset }))
    }

    /// At most `length` bytes from `offset` on; fewer only at the end. Jumping opens the file anew.
    pub(super) async fn read(&mut self, root: &dyn FileSystem, offset: u64, length: u32) -> Result<Vec<u8>, StatusReply> {
        if !self.flags.contains(OpenFlags::READ) || self.writing.is_some() {
            return Err(StatusCode::PermissionDenied.with_message("not open for reading"));
        }
        let reading = match &mut self.reading {
            Some(reading) if reading.offset == offset => reading,
            _ => self.read_from(root, offset).await?,
        };
        let length = (length as usize).min(MAX_READ);
        let mut data = Vec::with_capacity(length);
        while data.len() < length {
            if reading.ahead.is_empty() {
                match reading.source.read().await.map_err(|error| status(&error))? {
                    Some(chunk) => reading.ahead = chunk,
                    None => break,
                }
            }
            data.extend_from_slice(&reading.ahead.split_to(reading.ahead.len().min(length - data.len())));
        }
        if data.is_empty() && length > 0 {
            return Err(StatusCode::Eof.into());
        }
        reading.offset += data.len() as u64;
        Ok(data)
    }

    /// Writes behind what was written; elsewhere, too, where the place lets several writers fill a file. Where it does not, the
    /// first write into a file that is there cuts it off at `offset`.
    pub(super) async fn write(&mut self, root: &dyn FileSystem, mut offset: u64, data: Vec<u8>) -> Result<(), StatusReply> {
        if !self.flags.contains(OpenFlags::WRITE) {
            return Err(StatusCode::PermissionDenied.with_message("not open for writing"));
        }
        let append = self.flags.contains(OpenFlags::APPEND);
        let anywhere = root.capabilities().write_at && !append;
        if anywhere && self.written().is_some_and(|written| written != offset) {
            self.flush().await?;
        }
        let writing = if let Some(writing) = &mut self.writing {
            writing
        } else {
            if append {
                offset = root.stat(&self.path).await.map_err(|error| status(&error))?.size.unwrap_or(0);
            }
            let how = if anywhere { Create::At(offset) } else { Create::ResumeAt(offset) };
            self.write_from(root, how, offset).await?
        };
        if writing.offset != offset && !append {
            return Err(StatusCode::Failure.with_message(format!("written in order only: next is byte {}", writing.offset)));
        }
        writing.offset += data.len() as u64;
        writing.sink.write(Bytes::from(data)).await.map_err(|error| status(&error))
    }

    /// Brings what was written into the file; more is written behind it, or elsewhere, as if it had just been opened.
    pub(super) async fn flush(&mut self) -> Result<(), StatusReply> {
        match self.writing.take() {
            Some(writing) => writing.sink.commit().await.map(drop).map_err(|error| status(&error)),
            None => Ok(()),
        }
    }

    /// Bytes written so far, where it is being written.
    pub(super) fn written(&self) -> Option<u64> {
        self.writing.as_ref().map(|writing| writing.offset)
    }

    /// Closes; what was written is there when this succeeds.
    pub(super) async fn close(self, root: &dyn FileSystem) -> Result<(), StatusReply> {
        if let Some(writing) = self.writing {
            writing.sink.commit().await.map_err(|error| status(&error))?;
        }
        if self.metadata != NewMetadata::default() {
            root.set_metadata(&self.path, self.metadata).await.map_err(|error| status(&error))?;
        }
        Ok(())
    }
}
