//! What a server says a file's content comes to: by SFTP extensions, or else by a program run in the login's shell.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore};

use super::channel::{Channel, Failure};
use super::file_system::Below;
use super::offers::Offers;
use super::requests::flag;
use super::shell;
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm, FsResult};

/// Programs at once: OpenSSH's MaxSessions is ten, and files want most of them.
const PROGRAMS_AT_ONCE: usize = 2;

/// The ways a server has.
pub(super) struct Digests {
    offers: Offers,
    /// `None` where no command may be run.
    below: Option<Arc<dyn Below>>,
    /// Whether the login has a shell that takes words as we quote them; learnt once.
    has_shell: OnceCell<bool>,
    programs: Semaphore,
    /// Extensions and programs that turned out not to be there.
    missing: Mutex<HashSet<&'static str>>,
}

impl Digests {
    pub(super) fn new(offers: Offers, below: Option<Arc<dyn Below>>) -> Self {
        let (has_shell, programs, missing) = (OnceCell::new(), Semaphore::new(PROGRAMS_AT_ONCE), Mutex::default());
        Self { offers, below, has_shell, programs, missing }
    }

    /// The digest of `path` by the first of `wanted` the server can make.
    pub(super) async fn of(&self, channel: &Channel, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        match self.by_extension(channel, path, wanted).await {
            Ok(Some(digest)) => Ok(Some(digest)),
            Ok(None) | Err(Failure::Status { .. } | Failure::Unexpected) => Ok(self.by_program(path, wanted).await),
            Err(failure) => Err(failure.at("have hashed", path)),
        }
    }

    async fn by_extension(&self, channel: &Channel, path: &FilePath, wanted: &[DigestAlgorithm]) -> Result<Option<Digest>, Failure> {
        let mut refused = None;
        if self.offers.check_file_name {
            match channel.check_file_name(path, wanted).await {
                Err(failure @ Failure::Status { .. }) => refused = Some(failure),
                answered => return answered,
            }
        }
        if self.offers.check_file_handle {
            let handle = channel.open_file(path, flag::READ, None).await?;
            match channel.check_file_handle(&handle, wanted).await {
                Err(failure @ Failure::Status { .. }) => refused = Some(failure),
                answered => return answered,
            }
        }
        if self.offers.md5_hash && wanted.contains(&DigestAlgorithm::Md5) {
            return channel.md5_hash(path).await.map(Some);
        }
        refused.map_or(Ok(None), Err)
    }

    async fn by_program(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> Option<Digest> {
        let below = self.below.as_ref()?;
        let word = shell::quoted(path.as_bytes())?;
        let _one_of_few = self.programs.acquire().await.ok()?;
        if !*self.has_shell.get_or_init(|| shell::is_there(&**below)).await {
            return None;
        }
        for &algorithm in wanted {
            for &program in shell::programs(algorithm) {
                if self.is_missing(program) {
                    continue;
                }
                let ran = below.run(&[program.as_bytes(), b" ", &word].concat()).await?;
                if ran.status == Some(shell::NOT_FOUND) {
                    self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(program);
                } else {
                    // It may have failed at this file alone; no other program would fare better.
                    return (ran.status == Some(0)).then(|| shell::digest_in(&ran.output, algorithm, path.as_bytes())).flatten();
                }
            }
        }
        None
    }

    fn is_missing(&self, program: &'static str) -> bool {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).contains(program)
    }
}
