//! The SFTP requests (draft-ietf-secsh-filexfer-02), each answered out of the `FileSystem`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use russh_sftp::extensions;
use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, File, FileAttributes, Handle as HandleReply, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::StatusReply;

use super::attributes::{self, status};
use super::handles::{Handle, Handles, OpenFile};
use crate::model::{Entry, FilePath, Kind};
use crate::server::follow;
use crate::vfs::{Create, FileSystem, FsError, FsResult, NewMetadata, Replace, list_all};

/// Entries of one READDIR answer: with names of 255 bytes and long names it stays below 256 KiB.
const BATCH: usize = 200;
/// Bits a new file or folder never gets, whatever the client asks for; SETSTAT may set them.
const UMASK: u32 = 0o022;
const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// One SFTP channel.
pub(super) struct Files {
    root: Arc<dyn FileSystem>,
    handles: Handles,
}

type Reply<T> = Result<T, StatusReply>;

impl Files {
    pub(super) fn new(root: Arc<dyn FileSystem>) -> Self {
        Self { root, handles: Handles::default() }
    }
}

/// Size, times and mode, as far as they are given.
async fn set(root: &dyn FileSystem, path: &FilePath, attributes: &FileAttributes) -> Reply<()> {
    if let Some(size) = attributes.size {
        let is = follow(root, path).await.map_err(|error| status(&error))?.1.size;
        if is != Some(size) {
            let sink = root.create(path, Create::ResumeAt(size)).await.map_err(|error| status(&error))?;
            sink.commit().await.map_err(|error| status(&error))?;
        }
    }
    match attributes::to_set(attributes) {
        Some(metadata) => root.set_metadata(path, metadata).await.map_err(|error| status(&error)),
        None => Ok(()),
    }
}

fn path(text: &str) -> Reply<FilePath> {
    FilePath::parse(text.as_bytes()).map_err(|why| StatusCode::Failure.with_message(why.to_string()))
}

fn done(id: u32, result: FsResult<()>) -> Reply<Status> {
    result.map_err(|error: FsError| status(&error))?;
    Ok(ok(id))
}

fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: "en".to_owned() }
}

fn attrs(id: u32, entry: &Entry) -> Attrs {
    Attrs { id, attrs: attributes::of(entry) }
}

/// The strings of an extended request, each behind its length.
fn strings(mut data: &[u8]) -> Option<Vec<String>> {
    let mut strings = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data.split_at_checked(4)?;
        let (text, rest) = rest.split_at_checked(u32::from_be_bytes(length.try_into().ok()?) as usize)?;
        strings.push(String::from_utf8(text.to_vec()).ok()?);
        data = rest;
    }
    Some(strings)
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusReply;

    fn unimplemented(&self) -> Self::Error {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _version: u32, _extensions: HashMap<String, String>) -> Reply<Version> {
        let mut version = Version::new();
        for extension in [POSIX_RENAME, extensions::LIMITS] {
            version.extensions.insert(extension.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn realpath(&mut self, id: u32, text: String) -> Reply<Name> {
        Ok(Name { id, files: vec![File::dummy(String::from_utf8_lossy(path(&text)?.as_bytes()))] })
    }

    async fn stat(&mut self, id: u32, text: String) -> Reply<Attrs> {
        let (_, entry) = follow(&*self.root, &path(&text)?).await.map_err(|error| status(&error))?;
        Ok(attrs(id, &entry))
    }

    async fn lstat(&mut self, id: u32, text: String) -> Reply<Attrs> {
        let entry = self.root.stat(&path(&text)?).await.map_err(|error| status(&error))?;
        Ok(attrs(id, &entry))
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Reply<Attrs> {
        let file = self.handles.file(&handle)?;
        let (_, mut entry) = follow(&*self.root, &file.path).await.map_err(|error| status(&error))?;
        entry.size = entry.size.max(file.written());
        Ok(attrs(id, &entry))
    }

    async fn setstat(&mut self, id: u32, text: String, attributes: FileAttributes) -> Reply<Status> {
        set(&*self.root, &path(&text)?, &attributes).await?;
        Ok(ok(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, mut attributes: FileAttributes) -> Reply<Status> {
        let file = self.handles.file(&handle)?;
        let at = file.path.clone();
        if let Some(size) = attributes.size.take_if(|size| Some(*size) != file.written() && self.root.capabilities().write_at) {
            file.flush().await?;
            set(&*self.root, &at, &FileAttributes { size: Some(size), ..FileAttributes::empty() }).await?;
        }
        if file.written().is_some() {
            if attributes.size.is_some_and(|size| Some(size) != file.written()) {
                return Err(StatusCode::OpUnsupported.with_message("a file that is being written cannot be cut"));
            }
            if let Some(NewMetadata { modified, mode }) = attributes::to_set(&attributes) {
                file.metadata = NewMetadata { modified: modified.or(file.metadata.modified), mode: mode.or(file.metadata.mode) };
            }
            return Ok(ok(id));
        }
        attributes.size = None;
        set(&*self.root, &at, &attributes).await?;
        Ok(ok(id))
    }

    async fn opendir(&mut self, id: u32, text: String) -> Reply<HandleReply> {
        let (at, entry) = follow(&*self.root, &path(&text)?).await.map_err(|error| status(&error))?;
        if entry.kind != Kind::Dir {
            return Err(StatusCode::Failure.with_message("it is not a folder"));
        }
        let entries = list_all(&*self.root, &at).await.map_err(|error| status(&error))?;
        let handle = self.handles.add(Handle::Folder(entries.into_iter()))?;
        Ok(HandleReply { id, handle })
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Reply<Name> {
        let now = Timestamp::now();
        let files: Vec<File> = self.handles.folder(&handle)?.take(BATCH).map(|entry| attributes::file(&entry, now)).collect();
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn open(&mut self, id: u32, text: String, flags: OpenFlags, attributes: FileAttributes) -> Reply<HandleReply> {
        let mut file = OpenFile::open(&*self.root, path(&text)?, flags).await?;
        if flags.contains(OpenFlags::CREATE) {
            file.metadata.mode = attributes.permissions.map(|mode| mode & 0o7777 & !UMASK).filter(|_| file.written().is_some());
        }
        let handle = self.handles.add(Handle::File(file))?;
        Ok(HandleReply { id, handle })
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, length: u32) -> Reply<Data> {
        let data = self.handles.file(&handle)?.read(&*self.root, offset, length).await?;
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Reply<Status> {
        self.handles.file(&handle)?.write(&*self.root, offset, data).await?;
        Ok(ok(id))
    }

    async fn close(&mut self, id: u32, handle: String) -> Reply<Status> {
        if let Handle::File(file) = self.handles.take(&handle)? {
            file.close(&*self.root).await?;
        }
        Ok(ok(id))
    }

    async fn mkdir(&mut self, id: u32, text: String, attributes: FileAttributes) -> Reply<Status> {
        let at = path(&text)?;
        self.root.make_dir(&at).await.map_err(|error| status(&error))?;
        set(
            &*self.root,
            &at,
            &FileAttributes { permissions: attributes.permissions.map(|mode| mode & !UMASK), ..FileAttributes::default() },
        )
        .await?;
        Ok(ok(id))
    }

    async fn rmdir(&mut self, id: u32, text: String) -> Reply<Status> {
        done(id, self.root.remove_dir(&path(&text)?).await)
    }

    async fn remove(&mut self, id: u32, text: String) -> Reply<Status> {
        done(id, self.root.remove_file(&path(&text)?).await)
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Reply<Status> {
        done(id, self.root.rename(&path(&from)?, &path(&to)?, Replace::No).await)
    }

    async fn readlink(&mut self, id: u32, text: String) -> Reply<Name> {
        let entry = self.root.stat(&path(&text)?).await.map_err(|error| status(&error))?;
        match entry.details.and_then(|details| details.target) {
            Some(target) => Ok(Name { id, files: vec![File::dummy(String::from_utf8_lossy(&target))] }),
            None => Err(StatusCode::Failure.with_message("it is no link")),
        }
    }

    /// OpenSSH sends the target first, against the draft, and everybody follows OpenSSH.
    async fn symlink(&mut self, id: u32, target: String, link: String) -> Reply<Status> {
        done(id, self.root.make_symlink(&path(&link)?, target.as_bytes()).await)
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Reply<Packet> {
        match request.as_str() {
            POSIX_RENAME => {
                let Some([from, to]) = strings(&data).and_then(|names| <[String; 2]>::try_from(names).ok()) else {
                    return Err(StatusCode::BadMessage.into());
                };
                done(id, self.root.rename(&path(&from)?, &path(&to)?, Replace::Yes).await).map(Packet::Status)
            }
            extensions::LIMITS => {
                let limits = [256 * 1024, 255 * 1024, 255 * 1024, 256_u64];
                Ok(Packet::ExtendedReply(ExtendedReply { id, data: limits.map(u64::to_be_bytes).concat() }))
            }
            _ => Err(StatusCode::OpUnsupported.into()),
        }
    }
}
