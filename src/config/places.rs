//! Where sealift's files lie: the XDG base directories, on every system.

use std::path::{Path, PathBuf};

/// The folders of one person. None of them is made before something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// The person's home folder.
    pub home: PathBuf,
    /// Settings (`SEALIFT_CONFIG_DIR`, else `$XDG_CONFIG_HOME/sealift`, else `~/.config/sealift`).
    pub config: PathBuf,
    /// Logs and journals (`SEALIFT_STATE_DIR`, else `$XDG_STATE_HOME/sealift`, else `~/.local/state/sealift`).
    pub state: PathBuf,
    /// Trust and identities (`SEALIFT_DATA_DIR`, else `$XDG_DATA_HOME/sealift`, else `~/.local/share/sealift`).
    pub data: PathBuf,
}

impl Directories {
    /// Reads the environment through `variable`.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let home = variable("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let folder = |own: &str, xdg: &str, default: &str| {
            let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
            absolute(own).or_else(|| absolute(xdg).map(|base| base.join("sealift"))).unwrap_or_else(|| home.join(default).join("sealift"))
        };
        Self {
            config: folder("SEALIFT_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
            state: folder("SEALIFT_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
            data: folder("SEALIFT_DATA_DIR", "XDG_DATA_HOME", ".local/share"),
            home,
        }
    }

    /// The settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The file of the sites a person keeps.
    pub fn sites_file(&self) -> PathBuf {
        self.config.join("sites.toml")
    }

    /// The folder of trust decisions.
    pub fn trust(&self) -> PathBuf {
        self.data.join("trust")
    }

    /// The folder of the server they run: its identity, and the lists of its clients.
    pub fn server(&self) -> PathBuf {
        self.data.join("server")
    }

    /// The folder a person puts revocation lists (CRL) in.
    pub fn revocation_lists(&self) -> PathBuf {
        self.config.join("crls")
    }

    /// The folder of the journal of unfinished transfers.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// The file the log goes to.
    pub fn log(&self) -> (&Path, &'static str) {
        (&self.state, "sealift.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_variables_win_over_xdg_and_relative_ones_do_not_count() {
        let directories = Directories::new(|name| {
            let value = match name {
                "HOME" => "/h",
                "XDG_CONFIG_HOME" => "/c",
                "SEALIFT_DATA_DIR" => "/d",
                "XDG_STATE_HOME" => "relative",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!(directories.config, Path::new("/c/sealift"));
        assert_eq!(directories.data, Path::new("/d"));
        assert_eq!(directories.state, Path::new("/h/.local/state/sealift"));
    }
}
