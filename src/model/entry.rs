//! One line of a listing. Not a path: an entry knows its name, not where it lies.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    difference::TimePrecision,
    path::{EntryName, UnsafeName},
    text,
};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A folder.
    Dir,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A device, socket, pipe, or a kind the server does not tell.
    Other,
    /// A line of a listing no parser understood; [`Entry::raw_name`] is the whole line.
    Unparsed,
}

/// One entry of a folder, as small as a listing of a million needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    raw_name: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
    /// Bytes; `None` where nobody told (yet).
    pub size: Option<u64>,
    /// Last modification, UTC; `None` where nobody told (yet).
    pub modified: Option<Timestamp>,
    /// How exactly `modified` was told.
    pub precision: TimePrecision,
    /// What few entries or few listings have.
    pub details: Option<Box<Details>>,
}

/// The rarer facts of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Permission bits with set-id and sticky bits (`0o7777`).
    pub mode: Option<u32>,
    /// Owner as the server names it (a name or a number).
    pub owner: Option<Box<str>>,
    /// Group as the server names it.
    pub group: Option<Box<str>>,
    /// What a symbolic link points at, as bytes of the link.
    pub target: Option<Box<[u8]>>,
    /// What a symbolic link leads to, where that was looked up. `None`: not looked up, or dangling.
    pub target_kind: Option<Kind>,
}

impl Entry {
    /// An entry of which only name and kind are known. `raw_name` may be hostile; see [`Entry::name`].
    pub fn new(raw_name: impl Into<Box<[u8]>>, kind: Kind) -> Self {
        Self { raw_name: raw_name.into(), kind, size: None, modified: None, precision: TimePrecision::Second, details: None }
    }

    /// The name's bytes as they came, for showing and sorting only.
    pub fn raw_name(&self) -> &[u8] {
        &self.raw_name
    }

    /// The same entry under the name that `convert` makes of its bytes, and of those of a link's target.
    #[must_use]
    pub fn renamed(mut self, convert: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        self.raw_name = convert(&self.raw_name).into();
        if let Some(target) = self.details.as_mut().and_then(|details| details.target.as_mut()) {
            *target = convert(target).into();
        }
        self
    }

    /// The name, if it is safe to build a path of it.
    pub fn name(&self) -> Result<EntryName, UnsafeName> {
        match self.kind {
            Kind::Unparsed => Err(UnsafeName::NotParsed),
            _ => EntryName::new(self.raw_name.clone()),
        }
    }

    /// The name made safe to draw or log.
    pub fn display_name(&self) -> String {
        text::display_safe(&self.raw_name)
    }

    /// Whether entering it makes sense: a folder, or a link to one (a link nobody looked behind may be one).
    pub fn is_enterable(&self) -> bool {
        match self.kind {
            Kind::Dir => true,
            Kind::Symlink => !matches!(self.details.as_ref().and_then(|d| d.target_kind), Some(Kind::File | Kind::Other)),
            _ => false,
        }
    }

    /// Whether the name begins with a dot. A hostile name is never hidden.
    pub fn is_hidden(&self) -> bool {
        self.raw_name.starts_with(b".") && EntryName::check(&self.raw_name).is_ok()
    }

    /// Permission bits, where known.
    pub fn mode(&self) -> Option<u32> {
        self.details.as_ref().and_then(|details| details.mode)
    }

    /// The rarer facts, made on first use.
    pub fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}
