//! Files only their owner may read, replaced whole or appended to. Knows nothing of what is in them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Makes `folder` and what is missing above it, mode 0700 where it is made.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Opens `file` to append to it and to read it, mode 0600 if it is made.
pub(crate) fn append_to(file: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).append(true).create(true)).open(file)
}

/// Held while `file` is read, changed and replaced, one program at a time. Some network file systems have no locks: there the
/// last one wins.
pub(crate) fn lock(file: &Path) -> Option<File> {
    let held = append_to(&file.with_extension("lock")).ok()?;
    held.lock().ok()?;
    Some(held)
}

/// Replaces `file` by `contents` in one step, mode 0600. The old one stays if anything fails.
pub(crate) fn replace(file: &Path, contents: &[u8]) -> io::Result<()> {
    let (new, mut target) = create_beside(file)?;
    let mut write = || {
        target.write_all(contents)?;
        target.sync_all()?;
        fs::rename(&new, file)
    };
    write().inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Replaces `file`, which is there, by `contents` in one step; its mode and owner stay. Asks `may_go_on` last of all and
/// answers what that said. The old one stays if anything fails.
pub(crate) fn rewrite(file: &Path, contents: &[u8], may_go_on: impl FnOnce() -> io::Result<bool>) -> io::Result<bool> {
    let (new, mut target) = create_beside(file)?;
    let write = || {
        let before = fs::metadata(file)?;
        // Read-only is the person's word, which a rename would pass over.
        drop(OpenOptions::new().append(true).open(file)?);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            let made = target.metadata()?;
            if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
                fchown(&target, Some(before.uid()), Some(before.gid()))?;
            }
        }
        target.set_permissions(before.permissions())?;
        target.write_all(contents)?;
        target.sync_all()?;
        let go_on = may_go_on()?;
        if go_on { fs::rename(&new, file) } else { fs::remove_file(&new) }?;
        Ok(go_on)
    };
    write().inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Writes a file that was not there, mode 0600; follows no link.
pub(crate) fn write_new(file: &Path, contents: &[u8]) -> io::Result<()> {
    write_through(private(OpenOptions::new().write(true).create_new(true)), file, contents)
}

/// Writes a file that was not there, for whomever the person's umask lets read; follows no link.
pub(crate) fn write_new_public(file: &Path, contents: &[u8]) -> io::Result<()> {
    write_through(OpenOptions::new().write(true).create_new(true), file, contents)
}

/// It is on the disk when this returns.
fn write_through(options: &OpenOptions, file: &Path, contents: &[u8]) -> io::Result<()> {
    let mut opened = options.open(file)?;
    opened.write_all(contents)?;
    opened.sync_all()
}

/// Writes a file that was not there before, whole or not at all, mode 0600; follows no link.
pub(crate) fn create(file: &Path, contents: &[u8]) -> io::Result<()> {
    // The name is taken first: a rename would not mind what has it.
    drop(private(OpenOptions::new().write(true).create_new(true)).open(file)?);
    replace(file, contents).inspect_err(|_| drop(fs::remove_file(file)))
}

/// What will be `file`, under a name nobody can foresee.
fn create_beside(file: &Path) -> io::Result<(PathBuf, File)> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_ne_bytes(random)));
    let new = file.with_file_name(name);
    let target = private(OpenOptions::new().write(true).create_new(true)).open(&new)?;
    Ok((new, target))
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
