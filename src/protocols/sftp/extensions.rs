//! The requests that are extensions of version 3, as typed calls.

use super::channel::{Answer, Channel, Failure, Pending};
use super::handles::OpenHandle;
use super::packet::{Body, Fields, Reply};
use super::requests::{Answered, refusal};
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm};

/// What `limits@openssh.com` tells; 0 is "no limit told".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Limits {
    pub(super) read: u64,
    pub(super) write: u64,
    pub(super) handles: u64,
}

impl Channel {
    /// `posix-rename@openssh.com`: replaces `to`.
    pub(super) async fn posix_rename(&self, from: &FilePath, to: &FilePath) -> Answered<()> {
        self.done(Body::extended("posix-rename@openssh.com").string(from.as_bytes()).string(to.as_bytes())).await
    }

    pub(super) async fn limits(&self) -> Answered<Limits> {
        match self.call(Body::extended("limits@openssh.com")).await? {
            Answer::Other(Reply::Extended(bytes)) => {
                let mut fields = Fields::new(bytes);
                let mut next = || fields.u64().map_err(|_| Failure::Unexpected);
                let _packet = next()?;
                Ok(Limits { read: next()?, write: next()?, handles: next()? })
            }
            other => Err(refusal(other)),
        }
    }

    /// `fsync@openssh.com`: what was written through the handle goes to the server's disk. May take long.
    pub(super) async fn request_fsync(&self, handle: &OpenHandle) -> Answered<Pending> {
        self.request_patiently(Body::extended("fsync@openssh.com").string(handle.as_bytes())).await
    }

    /// `statvfs@openssh.com`: the bytes that may yet be stored where `path` is.
    pub(super) async fn free_space(&self, path: &FilePath) -> Answered<u64> {
        let mut fields = extended(self.call(Body::extended("statvfs@openssh.com").string(path.as_bytes())).await?)?;
        let mut next = || fields.u64().map_err(|_| Failure::Unexpected);
        let (_block, fragment) = (next()?, next()?);
        let (_all, _free, free_for_us) = (next()?, next()?, next()?);
        Ok(free_for_us.saturating_mul(fragment))
    }

    /// `copy-data`: `length` bytes from one open file to another. May take long.
    pub(super) async fn copy_data(&self, from: &OpenHandle, at: u64, length: u64, to: &OpenHandle, to_at: u64) -> Answered<Pending> {
        let body = Body::extended("copy-data").string(from.as_bytes()).u64(at).u64(length);
        self.request_patiently(body.string(to.as_bytes()).u64(to_at)).await
    }

    /// `check-file-name`: the digest of a whole file, by the first of `wanted` the server has. May take long.
    pub(super) async fn check_file_name(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> Answered<Option<Digest>> {
        self.check_file(Body::extended("check-file-name").string(path.as_bytes()), wanted).await
    }

    /// The same of an open file.
    pub(super) async fn check_file_handle(&self, handle: &OpenHandle, wanted: &[DigestAlgorithm]) -> Answered<Option<Digest>> {
        self.check_file(Body::extended("check-file-handle").string(handle.as_bytes()), wanted).await
    }

    async fn check_file(&self, body: Body, wanted: &[DigestAlgorithm]) -> Answered<Option<Digest>> {
        let names: Vec<&str> = wanted.iter().map(|&algorithm| name_of(algorithm)).collect();
        // From the first byte to the last, in one block.
        let body = body.string(names.join(",").as_bytes()).u64(0).u64(0).u32(0);
        let mut fields = extended(self.request_patiently(body).await?.await?)?;
        let mut name = fields.string().map_err(|_| Failure::Unexpected)?;
        // Some servers say first what they answer to.
        if name.starts_with(b"check-file") {
            name = fields.string().map_err(|_| Failure::Unexpected)?;
        }
        let algorithm = wanted.iter().copied().find(|&algorithm| name == name_of(algorithm).as_bytes());
        Ok(algorithm.and_then(|algorithm| Digest::new(algorithm, &fields.rest())))
    }

    /// `md5-hash`: the MD5 digest of a whole file. May take long.
    pub(super) async fn md5_hash(&self, path: &FilePath) -> Answered<Digest> {
        // From the first byte to the last, whatever the hash of the beginning.
        let body = Body::extended("md5-hash").string(path.as_bytes()).u64(0).u64(0).string(b"");
        let mut fields = extended(self.request_patiently(body).await?.await?)?;
        let mut hash = fields.string().map_err(|_| Failure::Unexpected)?;
        if hash == "md5-hash" {
            hash = fields.string().map_err(|_| Failure::Unexpected)?;
        }
        Digest::new(DigestAlgorithm::Md5, &hash).ok_or(Failure::Unexpected)
    }
}

fn extended(answer: Answer) -> Answered<Fields> {
    match answer {
        Answer::Other(Reply::Extended(bytes)) => Ok(Fields::new(bytes)),
        other => Err(refusal(other)),
    }
}

/// As draft-ietf-secsh-filexfer-extensions-00 section 3 names it.
fn name_of(algorithm: DigestAlgorithm) -> &'static str {
    match algorithm {
        DigestAlgorithm::Crc32 => "crc32",
        DigestAlgorithm::Md5 => "md5",
        DigestAlgorithm::Sha1 => "sha1",
        DigestAlgorithm::Sha256 => "sha256",
        DigestAlgorithm::Sha512 => "sha512",
    }
}
