//! Whether what arrived is what was sent, asked of a file after it was committed and before it gets its name. Three ways,
//! the cheapest first: the place tells a digest of its own; on this machine the disk is read again; anywhere else the file
//! is sent back. It is compared with the digest of the bytes as they passed, or with the source's own.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::task::{self, JoinHandle};

use super::job::Proof;
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, Hasher};

/// What a place is asked for, the best first: SHA-256, because processors have instructions for it.
const WANTED: [DigestAlgorithm; 5] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512, DigestAlgorithm::Sha1, DigestAlgorithm::Md5, DigestAlgorithm::Crc32];
/// What the bytes are put through while nobody knows yet what the place will tell.
const ANY: [DigestAlgorithm; 4] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha1, DigestAlgorithm::Md5, DigestAlgorithm::Crc32];
/// Where it is our choice.
const OURS: DigestAlgorithm = DigestAlgorithm::Sha256;
/// Bytes hashed at once on another thread; less is not worth the way there.
const PIECE: usize = 256 * 1024;
/// Bytes at the most that are hashed where they are: less than a millisecond.
const AT_ONCE: usize = 64 * 1024;

/// What the files so far taught about the target of a job.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<Option<Told>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It tells digests of this kind.
    Digests(DigestAlgorithm),
    /// It told none.
    Nothing,
}

impl Learned {
    fn get(&self) -> Option<Told> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, told: Told) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }
}

/// The verification of one try to copy one file.
pub(super) struct Verification<'a> {
    learned: &'a Learned,
    /// The target is this machine: what it tells is read from its disk.
    on_disk: bool,
    passing: tokio::sync::Mutex<Passing>,
    proof: Mutex<Option<Proof>>,
}

impl<'a> Verification<'a> {
    pub(super) fn new(learned: &'a Learned, on_disk: bool) -> Self {
        let algorithms = match learned.get() {
            Some(Told::Digests(algorithm)) => vec![algorithm],
            None if !on_disk => ANY.to_vec(),
            _ => vec![OURS],
        };
        Self { learned, on_disk, passing: tokio::sync::Mutex::new(Passing::new(&algorithms)), proof: Mutex::default() }
    }

    /// Takes bytes on their way, each one once and in their order; who cannot have it so (several connections, a resumed
    /// copy) passes none, or not all, and the source is asked in the end.
    pub(super) async fn pass(&self, bytes: &Bytes) -> FsResult<()> {
        self.passing.lock().await.take(bytes.clone()).await
    }

    /// Compares what lies at `part` with the source. [`FsErrorKind::Mismatch`] where they differ.
    pub(super) async fn check(
        &self,
        (source, from): (&dyn FileSystem, &FilePath),
        (target, part): (&dyn FileSystem, &FilePath),
        length: u64,
    ) -> FsResult<()> {
        let passed = self.passing.lock().await.finish().await?;
        let told = self.told(target, part).await?;
        let (arrived, proof) = match told {
            Some(digest) if self.on_disk => (digest, Proof::Disk),
            Some(digest) => {
                let algorithm = digest.algorithm;
                (digest, Proof::Told(algorithm))
            }
            None => (read_back(target, part, OURS).await?, Proof::ReadBack),
        };
        // What came over a line that notices nothing is not the source's own word.
        let passed = passed
            .filter(|passed| passed.length == length && source.capabilities().notices_damage)
            .map(|passed| passed.digests)
            .unwrap_or_default();
        let sent = match passed.into_iter().find(|digest| digest.algorithm == arrived.algorithm) {
            Some(digest) => digest,
            None => of_source(source, from, arrived.algorithm).await?,
        };
        if sent != arrived {
            let words = format!("its {} is {arrived} there, and {sent} was sent", arrived.algorithm.name());
            return Err(FsError::new(FsErrorKind::Mismatch, "verify", part, words));
        }
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) = Some(proof);
        Ok(())
    }

    /// How it was verified, if it was.
    pub(super) fn proof(&self) -> Option<Proof> {
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn told(&self, target: &dyn FileSystem, part: &FilePath) -> FsResult<Option<Digest>> {
        let mut wanted = WANTED;
        match self.learned.get() {
            Some(Told::Nothing) => return Ok(None),
            Some(Told::Digests(algorithm)) => wanted.sort_by_key(|one| *one != algorithm),
            None => {}
        }
        let told = match target.digest(part, &wanted).await {
            Ok(told) => told,
            // Anything else may be a matter of this one command: there is the other way yet.
            Err(error) if !error.is_connection_lost() && error.kind != FsErrorKind::Cancelled => {
                tracing::debug!(%error, "no digest told");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.learned.set(told.as_ref().map_or(Told::Nothing, |digest| Told::Digests(digest.algorithm)));
        Ok(told)
    }
}

/// The source's own word, or what reading it once more comes to.
async fn of_source(source: &dyn FileSystem, from: &FilePath, algorithm: DigestAlgorithm) -> FsResult<Digest> {
    match source.digest(from, &[algorithm]).await {
        Ok(Some(digest)) if digest.algorithm == algorithm => Ok(digest),
        Err(error) if error.is_connection_lost() || error.kind == FsErrorKind::Cancelled => Err(error),
        _ => read_back(source, from, algorithm).await,
    }
}

async fn read_back(place: &dyn FileSystem, path: &FilePath, algorithm: DigestAlgorithm) -> FsResult<Digest> {
    read_through(place, path, algorithm).await.map_err(|error| FsError { attempted: "read back, to verify it,", ..error })
}

/// What reading a file from its beginning to its end comes to.
pub(super) async fn read_through(place: &dyn FileSystem, path: &FilePath, algorithm: DigestAlgorithm) -> FsResult<Digest> {
    let mut source = place.open(path, 0).await?;
    let mut passing = Passing::new(&[algorithm]);
    while let Some(bytes) = source.read().await? {
        passing.take(bytes).await?;
    }
    let passed = passing.finish().await?;
    let digest = passed.and_then(|passed| passed.digests.into_iter().next());
    digest.ok_or_else(|| FsError::new(FsErrorKind::Io, "read", path, "the digest was not made"))
}

/// Digests being made of bytes as they come, on another thread; one piece at most is under way, one is gathered.
struct Passing {
    state: State,
    gathered: Vec<Bytes>,
    gathered_length: usize,
    length: u64,
}

enum State {
    Idle(Vec<Hasher>),
    UnderWay(JoinHandle<Vec<Hasher>>),
    Over,
}

/// Bytes that passed.
struct Passed {
    length: u64,
    digests: Vec<Digest>,
}

impl Passing {
    fn new(algorithms: &[DigestAlgorithm]) -> Self {
        let hashers = algorithms.iter().map(|algorithm| Hasher::new(*algorithm)).collect();
        Self { state: State::Idle(hashers), gathered: Vec::new(), gathered_length: 0, length: 0 }
    }

    async fn take(&mut self, bytes: Bytes) -> FsResult<()> {
        self.length += bytes.len() as u64;
        self.gathered_length += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_length >= PIECE {
            self.hash().await?;
        }
        Ok(())
    }

    /// Hashes what is gathered.
    async fn hash(&mut self) -> FsResult<()> {
        let mut hashers = self.idle().await?;
        let pieces = std::mem::take(&mut self.gathered);
        let length = std::mem::take(&mut self.gathered_length);
        let hash = move || {
            for hasher in &mut hashers {
                for piece in &pieces {
                    hasher.update(piece);
                }
            }
            hashers
        };
        self.state = if length <= AT_ONCE { State::Idle(hash()) } else { State::UnderWay(task::spawn_blocking(hash)) };
        Ok(())
    }

    /// The hashers, once nothing is under way.
    async fn idle(&mut self) -> FsResult<Vec<Hasher>> {
        if let State::UnderWay(hashing) = &mut self.state {
            let hashers = hashing.await.map_err(|stopped| FsError::connection(FsErrorKind::Cancelled, "verify", stopped.to_string()))?;
            self.state = State::Idle(hashers);
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(hashers) => Ok(hashers),
            State::UnderWay(_) | State::Over => Err(FsError::connection(FsErrorKind::Cancelled, "verify", "")),
        }
    }

    /// The digests of all that passed; `None` where it was asked for already.
    async fn finish(&mut self) -> FsResult<Option<Passed>> {
        if matches!(self.state, State::Over) {
            return Ok(None);
        }
        self.hash().await?;
        let hashers = self.idle().await?;
        Ok(Some(Passed { length: self.length, digests: hashers.into_iter().map(Hasher::finish).collect() }))
    }
}
