//! Copies one file: to a temporary name, committed, compared, renamed. Not who decides whether, and not who tries again.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::conflict::{MAX_NAME, cut_name};
use super::meter::Meter;
use crate::model::{Entry, EntryName, FilePath};
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source};

/// One file to copy.
pub(super) struct FileCopy<'a> {
    pub(super) source: &'a dyn FileSystem,
    pub(super) from: &'a FilePath,
    /// What is known of the source; its size is compared with what came.
    pub(super) facts: &'a Entry,
    pub(super) target: &'a dyn FileSystem,
    pub(super) to: &'a FilePath,
    pub(super) replace: Replace,
    pub(super) meter: &'a Meter,
    pub(super) stop: &'a CancellationToken,
    /// Permission bits that may travel.
    pub(super) mode_mask: u32,
}

/// Why a file was not copied. Nothing stands under its real name.
#[derive(Debug)]
pub(super) struct CopyFailure {
    pub(super) error: FsError,
    pub(super) side: End,
    /// The unfinished file, where it could not be removed.
    pub(super) leftover: Option<Leftover>,
}

/// A file under its temporary name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) part: FilePath,
    /// It was whole, of so many bytes, and being renamed when the line broke: if it is gone, it was renamed.
    pub(super) renaming: Option<u64>,
}

/// One end of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Target,
}

/// How long tidying up after a failure may take.
pub(super) const TIDY: Duration = Duration::from_secs(5);

impl FileCopy<'_> {
    /// Copies it and answers the number of bytes. Cancelled by `stop`; then, as on every failure, it tidies up first.
    pub(super) async fn run(&self) -> Result<u64, CopyFailure> {
        self.meter.restart();
        let at = |side| move |error| CopyFailure { error, side, leftover: None };
        let mut source = self.unless_stopped(self.source.open(self.from, 0)).await.map_err(at(End::Source))?;
        let (part, mut sink) = match self.create_part().await {
            Ok(made) => made,
            Err(error) => {
                drop(timeout(TIDY, source.abort()).await);
                return Err(CopyFailure { error, side: End::Target, leftover: None });
            }
        };
        let moved = match self.pump(&mut *source, &mut *sink).await {
            Ok(moved) => moved,
            Err((error, side)) => {
                drop(timeout(TIDY, async { tokio::join!(source.abort(), sink.abort()) }).await);
                return self.tidy(part, None, error, side).await;
            }
        };
        drop(source);
        if let Err(error) = self.finish(sink, &part, moved).await {
            return self.tidy(part, None, error, End::Target).await;
        }
        // Not interrupted: whether the file has its name must be known.
        match self.target.rename(&part, self.to, self.replace).await {
            Ok(()) => Ok(moved),
            Err(error) => self.tidy(part, error.is_connection_lost().then_some(moved), error, End::Target).await,
        }
    }

    async fn pump(&self, source: &mut dyn Source, sink: &mut dyn Sink) -> Result<u64, (FsError, End)> {
        let mut moved = 0;
        while let Some(bytes) = self.unless_stopped(source.read()).await.map_err(|error| (error, End::Source))? {
            moved += bytes.len() as u64;
            // Not only at the end: a file that grows as fast as it is read has none.
            if self.facts.size.is_some_and(|size| moved > size) {
                return Err((self.changed("it grew"), End::Source));
            }
            let length = bytes.len() as u64;
            self.unless_stopped(sink.write(bytes)).await.map_err(|error| (error, End::Target))?;
            self.meter.add(length);
        }
        match self.facts.size {
            Some(size) if moved < size => Err((self.changed("it shrank"), End::Source)),
            _ => Ok(moved),
        }
    }

    async fn finish(&self, sink: Box<dyn Sink>, part: &FilePath, moved: u64) -> FsResult<()> {
        let committed = self.unless_stopped(sink.commit()).await?;
        if committed != moved {
            let detail = format!("{committed} of {moved} bytes arrived");
            return Err(FsError::new(FsErrorKind::Protocol, "write", self.to, detail));
        }
        let can = self.target.capabilities();
        let metadata = NewMetadata {
            modified: self.facts.modified.filter(|_| can.set_modified),
            // The part was made for its owner alone. Set-id bits do not travel.
            mode: can.set_mode.then(|| self.facts.mode().map_or(0o644, |mode| mode & self.mode_mask)),
        };
        if metadata != NewMetadata::default()
            && let Err(error) = self.unless_stopped(self.target.set_metadata(part, metadata)).await
        {
            if error.is_connection_lost() || error.kind == FsErrorKind::Cancelled {
                return Err(error);
            }
            tracing::debug!(%error, "times or mode not kept");
        }
        Ok(())
    }

    async fn create_part(&self) -> FsResult<(FilePath, Box<dyn Sink>)> {
        let mut attempts = 3;
        loop {
            let part = part_path(self.to)?;
            // Not dropped when stopped: the file might come to be after it was cleared away. Places bound their own waits.
            let created = tokio::select! {
                created = self.target.create(&part, Create::New) => created,
                () = async { self.stop.cancelled().await; tokio::time::sleep(TIDY).await } => Err(self.stopped()),
            };
            attempts -= 1;
            match created {
                Ok(sink) => return Ok((part, sink)),
                Err(error) if error.kind == FsErrorKind::AlreadyExists && attempts > 0 => {}
                Err(error) => return Err(FsError { path: Some(self.to.clone()), ..error }),
            }
        }
    }

    /// Removes the unfinished file, or says that it is still there.
    async fn tidy(&self, part: FilePath, renaming: Option<u64>, error: FsError, side: End) -> Result<u64, CopyFailure> {
        let removed = match timeout(TIDY, self.target.remove_file(&part)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) if error.kind == FsErrorKind::NotFound => match renaming {
                Some(moved) if has_arrived(self.target, self.to, moved).await => return Ok(moved),
                _ => true,
            },
            Ok(Err(_)) | Err(_) => false,
        };
        self.meter.restart();
        // A person knows the file by its name, not by that of its part.
        let error = if error.path.as_ref() == Some(&part) { FsError { path: Some(self.to.clone()), ..error } } else { error };
        Err(CopyFailure { error, side, leftover: (!removed).then_some(Leftover { part, renaming }) })
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(self.stopped()),
            done = work => done,
        }
    }

    fn stopped(&self) -> FsError {
        FsError::new(FsErrorKind::Cancelled, "copy", self.from, "")
    }

    fn changed(&self, how: &str) -> FsError {
        FsError::new(FsErrorKind::ChangedMeanwhile, "copy", self.from, how)
    }
}

/// Whether a file whose rename was not answered has its name now: the part is gone, and what is there has its size.
pub(super) async fn has_arrived(target: &dyn FileSystem, to: &FilePath, moved: u64) -> bool {
    matches!(timeout(TIDY, target.stat(to)).await, Ok(Ok(entry)) if entry.size == Some(moved))
}

/// Where the bytes of `path` are gathered: `.NAME.sealift-XXXXXX.part` beside it, at most 255 bytes long.
pub(super) fn part_path(path: &FilePath) -> FsResult<FilePath> {
    let not_a_file = || FsError::new(FsErrorKind::IsADirectory, "write", path, "");
    let (folder, name) = path.parent().zip(path.name()).ok_or_else(not_a_file)?;
    let random = RandomState::new().build_hasher().finish() & 0xff_ffff;
    let suffix = format!(".sealift-{random:06x}.part");
    let name = [b".", cut_name(name.as_bytes(), MAX_NAME - 1 - suffix.len()), suffix.as_bytes()].concat();
    EntryName::new(name).map(|name| folder.join(&name)).map_err(|_| not_a_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_beside_their_file_and_fit() {
        for name in ["x".to_owned(), "ä".repeat(127), "n".repeat(255)] {
            let path = FilePath::root().join(&name.as_str().try_into().unwrap());
            let part = part_path(&path).unwrap();
            let bytes = part.name().unwrap().as_bytes().to_vec();
            assert_eq!(part.parent(), path.parent());
            assert!(
                bytes.len() <= 255 && std::str::from_utf8(&bytes).is_ok() && bytes.starts_with(b".") && bytes.ends_with(b".part"),
                "{part:?}"
            );
            assert_ne!(part, part_path(&path).unwrap());
        }
    }
}
