//! The rungs of the ladder, and which of them a person wants.

use serde::{Deserialize, Serialize};

/// Where a person wants secrets to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// In the keyring; in the vault, if there is one, where the keyring cannot be used.
    #[default]
    Keyring,
    /// In the vault, if there is one.
    Vault,
    /// Nowhere; what is kept is not read either.
    Never,
}

/// A place for secrets, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The operating system's keyring.
    Keyring,
    /// The vault file.
    Vault,
    /// Nowhere.
    AskEachTime,
}

impl Rung {
    /// The place as a person knows it; `None`: it is none.
    pub fn place(self) -> Option<&'static str> {
        match self {
            Self::Keyring => Some("your keyring"),
            Self::Vault => Some("the vault"),
            Self::AskEachTime => None,
        }
    }

    /// In a word or two, for a status line.
    pub fn words(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Vault => "vault",
            Self::AskEachTime => "asked each time",
        }
    }
}

/// The rung in use for what is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub rung: Rung,
    /// Why it is none above that one; nothing where the settings say so.
    pub why: Option<String>,
}
