//! What can be asked, as plain values.

use jiff::Timestamp;

use crate::model::{Endpoint, EntryName, FilePath, Site};
use crate::secrets::Secret;
use crate::trust::{Evidence, Verified};

/// Is this peer (certificate or SSH host key) who it says it is?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustQuestion {
    /// The site being connected to, or the host on the way to it that is asked about.
    pub site: Site,
    /// Set for a host on the way (SSH's ProxyJump): where the way leads.
    pub on_the_way_to: Option<Endpoint>,
    /// What the peer showed and what is wrong with it.
    pub evidence: Box<Evidence>,
    /// The last characters of the fingerprint have to be typed before this can be accepted.
    pub dangerous: bool,
    /// *Always* can be offered (SSH: known_hosts can be written).
    pub can_remember: bool,
}

/// The answer to a [`TrustQuestion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustAnswer {
    /// Do not connect.
    Reject,
    /// Connect, and forget it when the program ends.
    Once,
    /// Connect, and remember exactly this identity.
    Always,
}

/// A [`TrustAnswer`] with how the person knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustReply {
    /// What they decided.
    pub answer: TrustAnswer,
    /// How they knew that it is the right one.
    pub verified: Verified,
}

/// Decided by what was shown alone.
impl From<TrustAnswer> for TrustReply {
    fn from(answer: TrustAnswer) -> Self {
        Self { answer, verified: Verified::Blind }
    }
}

/// A password or passphrase is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretQuestion {
    /// For which site, or which host on the way to one.
    pub site: Site,
    /// Set for a host on the way (SSH's ProxyJump): where the way leads.
    pub on_the_way_to: Option<Endpoint>,
    /// What for.
    pub purpose: SecretPurpose,
    /// 1 for the first time; from 2 on the last answer was wrong.
    pub attempt: u32,
}

/// What a secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPurpose {
    /// The password of this user at the site.
    Password {
        /// As whom.
        user: String,
    },
    /// The passphrase that unlocks a private key file here; it is never sent.
    KeyPassphrase {
        /// The key file, as a person knows it.
        file: String,
        /// The key's comment or fingerprint.
        label: String,
    },
}

impl SecretPurpose {
    /// What kind of secret it is, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::KeyPassphrase { .. } => "passphrase",
        }
    }
}

/// The answer to a [`SecretQuestion`].
#[derive(Clone)]
pub struct SecretAnswer {
    /// What was typed.
    pub secret: Secret,
}

/// The server asks questions of its own (SSH keyboard-interactive, RFC 4256); all text is made safe to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractiveQuestion {
    /// For which site, or which host on the way to one.
    pub site: Site,
    /// Set for a host on the way (SSH's ProxyJump): where the way leads.
    pub on_the_way_to: Option<Endpoint>,
    /// The server's title; may be empty.
    pub name: String,
    /// The server's instruction; may be empty, may have several lines.
    pub instruction: String,
    /// One answer is wanted for each.
    pub prompts: Vec<InteractivePrompt>,
}

/// One prompt of an [`InteractiveQuestion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractivePrompt {
    /// The server's words.
    pub text: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// The target of a copy is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictQuestion {
    /// The file being copied.
    pub source: FileFacts,
    /// What is in its way.
    pub target: FileFacts,
    /// A name that is free at the target.
    pub free_name: EntryName,
}

/// What is known of a file in a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Where.
    pub path: FilePath,
    /// Bytes.
    pub size: Option<u64>,
    /// Last modification, UTC.
    pub modified: Option<Timestamp>,
}

/// What to do about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictAction {
    /// Replace the target.
    Overwrite,
    /// Leave the target.
    Skip,
    /// Copy under a free name.
    Rename,
    /// Replace the target if the source is newer, else leave it.
    Newer,
}

/// For how long a [`ConflictAction`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This file.
    This,
    /// Every further conflict of this job.
    RestOfJob,
}

/// The answer to a [`ConflictQuestion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictAnswer {
    /// What to do.
    pub action: ConflictAction,
    /// For how long.
    pub scope: Scope,
}
