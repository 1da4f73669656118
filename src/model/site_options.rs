//! What a person set for one site beyond where it is and as whom.

use std::num::NonZeroU8;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Charset, split_part_name};

/// The levels of CuteFTP and EFT Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityLevel {
    /// Plain FTP.
    None,
    /// The server proved who it is.
    Secure,
    /// And so did we, with a certificate or key of our own making.
    MoreSecure,
    /// And ours is signed by an authority.
    MostSecure,
}

impl SecurityLevel {
    /// All, the lowest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Secure, Self::MoreSecure, Self::MostSecure];

    /// As it is written in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Secure => "secure",
            Self::MoreSecure => "more-secure",
            Self::MostSecure => "most-secure",
        }
    }

    /// As CuteFTP and EFT Server call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "Not secure",
            Self::Secure => "Secure",
            Self::MoreSecure => "More Secure",
            Self::MostSecure => "Most Secure",
        }
    }
}

/// Who opens FTP data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataMode {
    /// We do (`EPSV`, `PASV`); where the server cannot, it does.
    #[default]
    Auto,
    /// We do.
    Passive,
    /// The server does (`EPRT`, `PORT`).
    Active,
}

impl DataMode {
    /// All, the usual one first.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Passive, Self::Active];

    /// As it is written in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Passive => "passive",
            Self::Active => "active",
        }
    }
}

/// What FTP does with the ends of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferType {
    /// Files travel as they are (`TYPE I`).
    #[default]
    Binary,
    /// Files are text (`TYPE A`): lines end here as they do on this machine, there as the server has it.
    Ascii,
    /// Text where the name says so, else as they are.
    Auto,
}

impl TransferType {
    /// All, the usual one first.
    pub const ALL: [Self; 3] = [Self::Binary, Self::Ascii, Self::Auto];

    /// As it is written in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Ascii => "ascii",
            Self::Auto => "auto",
        }
    }

    /// Whether a file of this name is text; one that is not whole counts by the name it will have.
    pub fn is_text(self, name: &[u8]) -> bool {
        const TEXT: [&str; 26] = [
            "asc", "bat", "c", "cfg", "cgi", "conf", "css", "csv", "edi", "h", "htm", "html", "ini", "java", "js", "log", "md", "php",
            "pl", "ps1", "py", "sh", "sql", "txt", "xml", "yml",
        ];
        let name = split_part_name(name).map_or(name, |(name, _)| name);
        match self {
            Self::Binary => false,
            Self::Ascii => true,
            Self::Auto => {
                let extension = name.iter().rposition(|&byte| byte == b'.').map(|dot| &name[dot + 1..]);
                extension.is_some_and(|extension| TEXT.iter().any(|text| extension.eq_ignore_ascii_case(text.as_bytes())))
            }
        }
    }
}

/// Which client identity a server is shown that asks for one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityChoice {
    /// The one chosen for every site, if there is one.
    #[default]
    Default,
    /// None, and nobody is asked.
    None,
    /// The one of this name, made or brought here.
    Named(String),
    /// The one in these files, for this run; both may be the same.
    #[serde(skip)]
    Files {
        /// Certificate and chain.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

/// What a person set for one site; the default is what a URL typed by hand has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiteOptions {
    /// Which client identity it is shown.
    pub identity: IdentityChoice,
    /// Below this level nothing is sent to it; `None`: whatever it offers.
    pub level: Option<SecurityLevel>,
    /// Who opens data connections over FTP; `None`: as the settings say.
    pub data_mode: Option<DataMode>,
    /// Connections to it at once at the most, the one browsed with included; `None`: as many as are of use.
    pub connections: Option<NonZeroU8>,
    /// What names are written in over FTP; `None`: UTF-8, or whatever bytes they are.
    pub charset: Option<Charset>,
    /// What FTP does with the ends of lines.
    pub transfer_type: TransferType,
    /// The private key SSH offers to it, and no other one; `None`: those of the person.
    pub key: Option<PathBuf>,
    /// Bytes per second of all transfers with it together, at the most; `None`: no limit of its own.
    pub limit: Option<u64>,
    /// Whether files may be hashed there by programs of the login's shell; `None`: as the settings say.
    pub remote_commands: Option<bool>,
}
