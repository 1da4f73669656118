//! What can be asked, as plain values.

use jiff::Timestamp;

use crate::model::{Difference, Endpoint, EntryName, FilePath, Kind, Site};
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
    /// Where it can be kept, as a person knows that place (`your keyring`); `None`: nowhere.
    pub keeper: Option<&'static str>,
    /// One is kept for this already, and was wrong a moment ago.
    pub kept_was_wrong: bool,
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
    /// The passphrase of the vault that holds what is needed; it is never sent.
    VaultPassphrase {
        /// The vault's file, safe to draw.
        file: String,
    },
}

impl SecretPurpose {
    /// What kind of secret it is, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::KeyPassphrase { .. } | Self::VaultPassphrase { .. } => "passphrase",
        }
    }
}

/// The answer to a [`SecretQuestion`].
#[derive(Clone)]
pub struct SecretAnswer {
    /// What was typed.
    pub secret: Secret,
    /// It is to be kept, once it turned out to be right.
    pub keep: bool,
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
    /// How the two differ, as exactly as their times are known.
    pub difference: Difference,
    /// A name that is free at the target.
    pub free_name: EntryName,
    /// The name with date and time appended; free as well.
    pub dated_name: EntryName,
    /// What is there may be the beginning of the source, so that copying can go on behind it.
    pub can_resume: bool,
    /// The two have different names, and the target's place takes them for one: what is there was copied from another
    /// source, or is another file.
    pub is_collision: bool,
}

impl ConflictQuestion {
    /// Whether `action` makes sense here.
    pub fn offers(&self, action: ConflictAction) -> bool {
        match action {
            ConflictAction::Resume => self.can_resume,
            // The one in the way is no older or smaller state of the source.
            _ if self.is_collision => !action.compares() && (action != ConflictAction::Overwrite || self.source.kind != Kind::Dir),
            _ => true,
        }
    }
}

/// What is known of a file in a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Where.
    pub path: FilePath,
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: Option<u64>,
    /// Last modification, UTC.
    pub modified: Option<Timestamp>,
}

/// What to do about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictAction {
    /// Leave the target.
    Skip,
    /// Replace the target.
    Overwrite,
    /// Copy under a free name.
    Rename,
    /// Copy under the name with date and time appended.
    DateName,
    /// Go on behind what is there.
    Resume,
    /// Replace the target if the source is newer, else leave it.
    Newer,
    /// Replace the target if the source is larger, else leave it.
    Larger,
    /// Replace the target if the times differ, else leave it.
    DateDiffers,
    /// Replace the target if the sizes differ, else leave it.
    SizeDiffers,
    /// Replace the target if times or sizes differ, else leave it.
    Differs,
}

impl ConflictAction {
    /// Whether what it does depends on how the two differ.
    pub fn compares(self) -> bool {
        matches!(self, Self::Newer | Self::Larger | Self::DateDiffers | Self::SizeDiffers | Self::Differs)
    }
}

/// For how long a [`ConflictAction`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This file.
    This,
    /// Every further conflict of this job where the two differ in the same way.
    Alike,
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
