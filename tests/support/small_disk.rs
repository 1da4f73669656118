//! A disk with room for little, for as long as it is held.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Unavailable;
use super::system::{need_root, run};

/// A mounted disk in memory.
pub struct SmallDisk {
    pub path: PathBuf,
}

impl SmallDisk {
    /// Mounts one with room for `size` (as in `3m`) in a new folder, where everybody may write. Absent where this user, or this
    /// container, may mount nothing at all.
    pub fn mount(path: &Path, size: &str) -> Result<Self, Unavailable> {
        need_root("a disk that is full")?;
        if !may_mount() {
            return Err(Unavailable::Absent("no disk can be mounted here (a container without that right), so none can be full".into()));
        }
        fs::create_dir(path).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size},mode=777"), "none"]).arg(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Gives it room for `size`.
    pub fn grow(&self, size: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.path)).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a session of the server may still be in it.
        drop(run(Command::new("umount").arg("--lazy").arg(&self.path)));
        drop(fs::remove_dir(&self.path));
    }
}

/// Whether mounting is allowed: tried in a name space of its own, which goes with the process that tries.
fn may_mount() -> bool {
    run(Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"])).is_ok()
}
