//! The folder with files to upload, for one run of the demo.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::server::random_text;

const README: &str = "These files are yours to upload: select with Space, copy with c or F5.\n\
The folder is removed when the demo ends.\n";

/// A private folder below the system's temporary one. Removed when dropped.
pub(super) struct SampleFolder(PathBuf);

impl SampleFolder {
    /// Makes and fills it.
    pub(super) fn create() -> io::Result<Self> {
        let name = format!("sealift-demo-{}", random_text(10).map_err(io::Error::other)?);
        let folder = Self(std::env::temp_dir().join(name));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder.path())?;
        folder.fill()?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn fill(&self) -> io::Result<()> {
        fs::write(self.0.join("README.txt"), README)?;
        let invoices = self.0.join("invoices");
        fs::create_dir(&invoices)?;
        for number in 1..=40 {
            fs::write(invoices.join(format!("2026-{number:03}.csv")), super::remote::table(number, 25))?;
        }
        let photos = self.0.join("photos");
        fs::create_dir(&photos)?;
        for (name, megabytes) in [("harbour.raw", 4), ("漢字.raw", 1), ("cafe\u{301} terrace.raw", 2)] {
            fs::write(photos.join(name), super::remote::noise(megabytes << 20))?;
        }
        fs::write(self.0.join("with spaces [and brackets].txt"), "A name that shells stumble over.\n")
    }
}

impl Drop for SampleFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the sample folder stays");
        }
    }
}
