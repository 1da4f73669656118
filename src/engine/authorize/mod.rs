//! A public key into the `authorized_keys` of a server, and out again. Every byte that is there stays, no mode is loosened,
//! and the file is whole at every moment. Asks nobody; logs in to nothing.

use bytes::Bytes;

use crate::identity::ssh_key::SshPublicKey;
use crate::identity::ssh_key::authorized_keys::{self, Standing};
use crate::model::{Entry, EntryName, FilePath, Kind, UnsafeName};
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, read_small};

/// Where OpenSSH's server looks if nothing else is said to it, from the home folder on.
const USUAL: &[u8] = b".ssh/authorized_keys";
/// Links that are followed one after another.
const MOST_LINKS: usize = 8;
const BACKUP: &str = ".before-sealift";
/// So many of them are kept.
const MOST_BACKUPS: u32 = 99;

/// What became of a file.
#[derive(Debug)]
pub struct Authorized {
    /// The file, links followed.
    pub file: FilePath,
    /// What was done.
    pub outcome: AuthorizeOutcome,
    /// The file as it was before; `None` where there was none, or nothing was changed.
    pub backup: Option<FilePath>,
    /// What keeps OpenSSH's server from looking into it (StrictModes), each a sentence, safe to draw.
    pub warnings: Vec<String>,
    undo: Undo,
    /// Its length (bytes) now.
    length: u64,
}

/// How a file becomes again what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Undo {
    /// Nothing was done.
    Nothing,
    /// It was not there.
    Remove,
    /// The copy takes its place, with this mode.
    Replace(Option<u32>),
    /// It was added to in place: it ended here.
    Cut(u64),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeOutcome {
    /// The key was there; nothing was written.
    Present {
        /// In which line, from 1.
        line: usize,
        /// What that line restricts it to, safe to draw; may be empty.
        options: String,
    },
    /// It was written.
    Added,
    /// It would have been.
    WouldAdd,
}

/// Adds `key` to a file of `place`: `file` from the home folder on, or the usual one.
///
/// A folder that is missing is made with mode 0700, a file with 0600. With `dry_run` nothing is written.
///
/// # Errors
/// [`FsErrorKind::ChangedMeanwhile`] where somebody else wrote to the file; it is as they left it.
pub async fn authorize(
    place: &dyn FileSystem,
    home: &FilePath,
    file: Option<&[u8]>,
    key: &SshPublicKey,
    dry_run: bool,
) -> FsResult<Authorized> {
    let unsafe_name = |error: UnsafeName| FsError::new(FsErrorKind::UnsafeName, "use the file", home, error.to_string());
    let (file, before) = follow(place, home.resolve(file.unwrap_or(USUAL)).map_err(unsafe_name)?).await?;
    let content = match &before {
        Some(_) => read(place, &file).await?,
        None => Vec::new(),
    };
    let standing = authorized_keys::find(&content, key);
    let length = content.len() as u64;
    let outcome = AuthorizeOutcome::WouldAdd;
    let mut authorized = Authorized { file, outcome, backup: None, warnings: Vec::new(), undo: Undo::Nothing, length };
    if let Standing::Present { line, options } = standing {
        authorized.outcome = AuthorizeOutcome::Present { line, options };
    } else if !dry_run {
        add(place, &mut authorized, before.as_ref(), content, key).await?;
    }
    authorized.warnings = strict_modes(place, home, &authorized.file).await;
    Ok(authorized)
}

/// Takes back what [`authorize`] wrote; the copy of the file is gone then.
///
/// # Errors
/// [`FsErrorKind::ChangedMeanwhile`] where somebody else wrote to the file since; it is left as it is.
pub async fn withdraw(place: &dyn FileSystem, authorized: &mut Authorized) -> FsResult<()> {
    let file = &authorized.file;
    if authorized.undo == Undo::Nothing {
        return Ok(());
    }
    if place.stat(file).await?.size.is_some_and(|size| size != authorized.length) {
        return Err(FsError::new(FsErrorKind::ChangedMeanwhile, "take the key out of", file, "somebody wrote to it since"));
    }
    match (authorized.undo, &authorized.backup) {
        (Undo::Remove, _) => place.remove_file(file).await?,
        (Undo::Replace(mode), Some(backup)) => {
            place.set_metadata(backup, NewMetadata { mode, modified: None }).await?;
            place.rename(backup, file, Replace::Yes).await?;
        }
        (Undo::Cut(end), backup) => {
            place.create(file, Create::ResumeAt(end)).await?.commit().await?;
            // There are servers that say yes and cut nothing.
            if place.stat(file).await?.size.is_some_and(|size| size != end) {
                return Err(FsError::new(FsErrorKind::Refused, "take the key out of", file, "the server does not shorten files"));
            }
            if let Some(backup) = backup {
                place.remove_file(backup).await?;
            }
        }
        (Undo::Nothing | Undo::Replace(_), _) => {}
    }
    authorized.backup = None;
    Ok(())
}

async fn add(
    place: &dyn FileSystem,
    authorized: &mut Authorized,
    before: Option<&Entry>,
    mut content: Vec<u8>,
    key: &SshPublicKey,
) -> FsResult<()> {
    let file = &authorized.file;
    let (end, addition) = (content.len() as u64, authorized_keys::addition(&content, key));
    authorized.length = end + addition.len() as u64;
    let part = part_of(file)?;
    if let Some(before) = before {
        let backup = back_up(place, file, &content).await?;
        content.extend_from_slice(&addition);
        // Where replacing takes two steps, a line that breaks between them locks out every key.
        let written = if place.capabilities().replaces_in_one_step { Some(write_new(place, &part, &content).await?) } else { None };
        let owner = |entry: &Entry| entry.details.as_ref().and_then(|details| details.owner.clone());
        let now = place.stat(file).await?;
        let is_changed = (now.size, now.modified) != (before.size, before.modified);
        // A file of our own in the place of another's would be one its owner cannot read.
        let is_replaced = !is_changed && written.as_ref().is_some_and(|written| owner(written) == owner(before));
        if written.is_some() && !is_replaced {
            place.remove_file(&part).await?;
        }
        if is_changed {
            place.remove_file(&backup).await?;
            return Err(FsError::new(FsErrorKind::ChangedMeanwhile, "add the key to", file, "somebody wrote to it just now"));
        }
        if is_replaced {
            settle(place, &part, file, before.mode(), Replace::Yes).await?;
            authorized.undo = Undo::Replace(before.mode());
        } else {
            let mut sink = place.create(file, Create::ResumeAt(end)).await?;
            sink.write(addition.into()).await?;
            sink.commit().await?;
            authorized.undo = Undo::Cut(end);
        }
        authorized.backup = Some(backup);
    } else {
        make_folder(place, file).await?;
        write_new(place, &part, &addition).await?;
        settle(place, &part, file, None, Replace::No).await?;
        authorized.undo = Undo::Remove;
    }
    authorized.outcome = AuthorizeOutcome::Added;
    Ok(())
}

/// Makes `part` the file, with `mode`.
async fn settle(place: &dyn FileSystem, part: &FilePath, file: &FilePath, mode: Option<u32>, replace: Replace) -> FsResult<()> {
    let settling = async {
        if mode.is_some() {
            place.set_metadata(part, NewMetadata { mode, modified: None }).await?;
        }
        place.rename(part, file, replace).await
    };
    let settled = settling.await;
    if settled.is_err() {
        drop(place.remove_file(part).await);
    }
    settled
}

/// Keeps a copy of a file under a name that is free; answers the name.
async fn back_up(place: &dyn FileSystem, file: &FilePath, content: &[u8]) -> FsResult<FilePath> {
    for number in 1..=MOST_BACKUPS {
        let backup = beside(file, &if number == 1 { BACKUP.to_owned() } else { format!("{BACKUP}-{number}") })?;
        match write_new(place, &backup, content).await {
            Err(error) if error.kind == FsErrorKind::AlreadyExists => {}
            written => return written.map(|_| backup),
        }
    }
    let words = format!("{MOST_BACKUPS} older ones are beside it; remove what nobody needs");
    Err(FsError::new(FsErrorKind::AlreadyExists, "keep a copy of", file, words))
}

/// Writes a file that was not there, mode 0600, and answers its facts.
async fn write_new(place: &dyn FileSystem, file: &FilePath, content: &[u8]) -> FsResult<Entry> {
    let mut sink = place.create(file, Create::New).await?;
    let writing = async {
        sink.write(Bytes::copy_from_slice(content)).await?;
        sink.commit().await?;
        place.set_metadata(file, NewMetadata { mode: Some(0o600), modified: None }).await?;
        place.stat(file).await
    };
    let written = writing.await;
    if written.is_err() {
        drop(place.remove_file(file).await);
    }
    written
}

/// What will be `file`, under a name nobody can foresee.
fn part_of(file: &FilePath) -> FsResult<FilePath> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| FsError::new(FsErrorKind::Io, "write beside", file, error.to_string()))?;
    beside(file, &format!(".{:016x}.sealift-part", u64::from_ne_bytes(random)))
}

/// The folder of `file`, if it is missing: one, and not those above it.
async fn make_folder(place: &dyn FileSystem, file: &FilePath) -> FsResult<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    match place.stat(&folder).await {
        Err(error) if error.kind == FsErrorKind::NotFound => {
            place.make_dir(&folder).await?;
            place.set_metadata(&folder, NewMetadata { mode: Some(0o700), modified: None }).await
        }
        other => other.map(drop),
    }
}

/// What a path leads to, and its facts if it is there.
async fn follow(place: &dyn FileSystem, mut path: FilePath) -> FsResult<(FilePath, Option<Entry>)> {
    for _ in 0..MOST_LINKS {
        let entry = match place.stat(&path).await {
            Err(error) if error.kind == FsErrorKind::NotFound => return Ok((path, None)),
            entry => entry?,
        };
        match entry.kind {
            Kind::File => return Ok((path, Some(entry))),
            Kind::Symlink => {
                let target = entry.details.and_then(|details| details.target).unwrap_or_default();
                let folder = path.parent().unwrap_or_else(FilePath::root);
                path =
                    folder.resolve(&target).map_err(|error| FsError::new(FsErrorKind::UnsafeName, "follow", &path, error.to_string()))?;
            }
            Kind::Dir => return Err(FsError::new(FsErrorKind::IsADirectory, "write", &path, "")),
            Kind::Other | Kind::Unparsed => return Err(FsError::new(FsErrorKind::Refused, "write", &path, "it is no file")),
        }
    }
    Err(FsError::new(FsErrorKind::Refused, "follow", &path, "its links lead in a circle"))
}

async fn read(place: &dyn FileSystem, file: &FilePath) -> FsResult<Vec<u8>> {
    let too_large = || FsError::new(FsErrorKind::Refused, "read", file, "it is larger than any file of keys");
    read_small(place, file, authorized_keys::LARGEST).await?.ok_or_else(too_large)
}

/// What OpenSSH's server minds (StrictModes, on by default) in the file and the folders above it, up to the home folder.
/// What cannot be looked at is passed over.
async fn strict_modes(place: &dyn FileSystem, home: &FilePath, file: &FilePath) -> Vec<String> {
    let mut warnings = Vec::new();
    let owner = |entry: &Entry| entry.details.as_ref().and_then(|details| details.owner.as_deref().map(str::to_owned));
    let of_home = place.stat(home).await.ok().as_ref().and_then(owner);
    let above = std::iter::successors(Some(file.clone()), |path| path.parent().filter(|above| above.is_within(home)));
    for path in above {
        let Ok(entry) = place.stat(&path).await else { continue };
        let shown = path.display();
        if let Some(mode) = entry.mode().filter(|mode| mode & 0o022 != 0) {
            warnings.push(format!(
                "others than its owner may write to {shown} (mode {mode:04o}); OpenSSH's server then ignores the keys: chmod go-w '{shown}'"
            ));
        }
        if let (Some(owner), Some(of_home)) = (owner(&entry), &of_home)
            && owner != *of_home
            && !["0", "root"].contains(&owner.as_str())
        {
            warnings.push(format!("{shown} belongs to somebody else than the home folder; OpenSSH's server then ignores the keys"));
        }
    }
    warnings
}

fn beside(file: &FilePath, suffix: &str) -> FsResult<FilePath> {
    let wrong = |why: &str| FsError::new(FsErrorKind::UnsafeName, "write beside", file, why);
    let (folder, name) = file.parent().zip(file.name()).ok_or_else(|| wrong("it is no file"))?;
    let name = [name.as_bytes(), suffix.as_bytes()].concat();
    Ok(folder.join(&EntryName::new(name).map_err(|error| wrong(&error.to_string()))?))
}

#[cfg(test)]
mod tests;
