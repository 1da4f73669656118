//! What the journal holds of a job and of a file under way. Plain values; no secret is among them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::job::{ConflictPolicy, JobKind, JobOptions, JobSpec, Place};
use crate::engine::order::Start;
use crate::engine::places::Places;
use crate::model::{Entry, EntryName, FilePath, Site};

/// A job as it was ordered, its places named so that another run of the program finds them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What to do.
    pub kind: JobKind,
    /// Where the items are.
    pub from: Spot,
    /// Their names.
    pub items: Vec<EntryName>,
    /// The folder they go to.
    pub to: Spot,
    /// The new name, for a single item.
    pub new_name: Option<EntryName>,
    /// What to do where something is in the way.
    pub conflicts: ConflictPolicy,
    /// What else was chosen for it.
    #[serde(default)]
    pub options: JobOptions,
}

/// A folder of this machine or of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Which site; `None`: this machine.
    pub site: Option<Site>,
    /// Which folder.
    pub dir: FilePath,
}

impl Order {
    /// The order behind `spec`; `None` where it is not one to go on with: a deletion (what has these names by then may be
    /// something else), or a place that cannot be found again.
    pub(in crate::engine) fn of(spec: &JobSpec, places: &dyn Places) -> Option<Self> {
        let spot = |place, dir: &FilePath| {
            let site = if place == Place::Local { None } else { Some(places.site(place)?) };
            Some(Spot { site, dir: dir.clone() })
        };
        (spec.kind != JobKind::Delete && spec.options.picked.is_none()).then_some(())?;
        Some(Self {
            kind: spec.kind,
            from: spot(spec.from, &spec.from_dir)?,
            items: spec.items.clone(),
            to: spot(spec.to, &spec.to_dir)?,
            new_name: spec.new_name.clone(),
            conflicts: spec.conflicts,
            options: spec.options.clone(),
        })
    }

    /// The job to order again, with the places its two sites are connected as.
    pub fn spec(&self, from: Place, to: Place) -> JobSpec {
        JobSpec {
            kind: self.kind,
            from,
            from_dir: self.from.dir.clone(),
            items: self.items.clone(),
            to,
            to_dir: self.to.dir.clone(),
            new_name: self.new_name.clone(),
            conflicts: self.conflicts,
            // Whoever goes on with it holds it back no longer; a time still counts.
            options: JobOptions {
                start: if self.options.start == Start::Held { Start::Soon } else { self.options.start },
                ..self.options.clone()
            },
        }
    }

    /// Whether both move the same files to the same place. How they do it may differ: the newer word holds.
    pub fn is_same_work(&self, other: &Self) -> bool {
        (self.kind, &self.from, &self.items, &self.to, &self.new_name)
            == (other.kind, &other.from, &other.items, &other.to, &other.new_name)
            && self.options.only == other.options.only
    }
}

/// A job in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// What was ordered.
    pub order: Order,
    /// What it is called, safe to draw.
    pub title: String,
    /// Its place in the queue: lower ones come first.
    pub place: u64,
    /// When it was ordered.
    pub ordered: Timestamp,
    /// What failed when it ended, in words; the first few.
    #[serde(default)]
    pub failures: Vec<String>,
}

/// A file that was begun and is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Where its bytes are gathered.
    pub part: FilePath,
    /// Bytes the source had.
    pub size: Option<u64>,
    /// When the source was modified.
    pub modified: Option<Timestamp>,
    /// Bytes that were moved, the earlier tries' too.
    pub moved: u64,
    /// Bytes known to be safe at the target; `None` where only the target itself can tell.
    pub good: Option<u64>,
    /// It was written from its beginning to its end by one writer: what is there has no gaps, and its length tells how far it is.
    #[serde(default)]
    pub in_order: bool,
}

impl FileRecord {
    /// Whether `facts` are still those of the file that was begun.
    pub(in crate::engine) fn is_of(&self, facts: &Entry) -> bool {
        // A file whose time is not known may be another one.
        self.size.is_some() && self.size == facts.size && self.modified.is_some() && self.modified == facts.modified
    }

    /// How much of it was moved, in percent.
    pub fn percent(&self) -> Option<u64> {
        self.size.filter(|&size| size > 0).map(|size| self.moved.saturating_mul(100) / size)
    }
}

/// A job of another run (or of this one) that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Names it, and is part of the names of its unfinished files.
    pub tag: Tag,
    /// What was ordered.
    pub job: JobRecord,
    /// Its unfinished files and where they were to go.
    pub files: Vec<(FilePath, FileRecord)>,
}

impl Interrupted {
    /// `payroll.tar (41%)`, `3 items from … to …`: safe to draw.
    pub fn name(&self) -> String {
        match (&*self.job.order.items, &*self.files) {
            ([item], [(_, file)]) => file.percent().map_or_else(|| item.display(), |percent| format!("{} ({percent}%)", item.display())),
            ([item], _) => item.display(),
            (items, _) => format!("{} items", items.len()),
        }
    }
}

/// What tells the jobs of all runs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u32);

impl Tag {
    /// The job whose unfinished file has this name; `None`: it is none.
    pub fn of_part(name: &[u8]) -> Option<Self> {
        let text = name.strip_prefix(b".")?.strip_suffix(b".part")?;
        let (name, digits) = text.split_at_checked(text.len().checked_sub(8)?)?;
        let tag = std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
        tag.filter(|_| name.ends_with(b".sealift-")).map(Self)
    }

    /// One that no job has, as far as chance goes.
    pub(in crate::engine) fn random() -> Self {
        let mut bytes = [0; 4];
        if getrandom::fill(&mut bytes).is_err() {
            use std::hash::{BuildHasher as _, Hasher as _, RandomState};
            return Self(RandomState::new().build_hasher().finish() as u32 >> 1);
        }
        Self(u32::from_ne_bytes(bytes) >> 1)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}
