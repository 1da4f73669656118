//! A plan as a file: JSON Lines, one for the plan, one for each row, one at the end that tells that it is whole.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::facts::Facts;
use super::options::SyncOptions;
use super::plan::{Plan, PlanEnd, Remark, joined};
use super::row::{Decision, Effect, Finding, Row};
use crate::model::{EntryName, FilePath, Kind};

/// The version this program writes, and the only one it reads.
const VERSION: u32 = 1;
/// Bytes of a line at the most.
const MOST_LINE: u64 = 1 << 20;

/// A plan's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is not what it should be.
    #[error("line {line} is no part of a plan: {why}")]
    Line {
        /// Which, the first is 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A newer program wrote it.
    #[error("it is a plan of version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// Its end is missing.
    #[error("its end is missing: it was not written to the end, or cut")]
    Cut,
}

#[derive(Serialize, Deserialize)]
struct Head {
    sealift_plan: u32,
    made: Timestamp,
    left: End,
    right: End,
    options: SyncOptions,
    same: u64,
    #[serde(default)]
    extra: u64,
    #[serde(default)]
    source_is_empty: bool,
    #[serde(default)]
    is_incomplete: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<Remark>,
    #[serde(default)]
    more_remarks: u64,
}

#[derive(Serialize, Deserialize)]
struct End {
    name: String,
    /// The folder's bytes in base64, where its name does not tell them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    dir_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    dir: Option<String>,
    clock: Clock,
}

/// A row as its line has it.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    path: Option<String>,
    /// A path that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    path_b64: Option<String>,
    action: Decision,
    effect: String,
    found: Finding,
    proposed: Decision,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    left: Option<LineFacts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    right: Option<LineFacts>,
}

#[derive(Serialize, Deserialize)]
struct LineFacts {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    modified: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    summary: Summary,
}

/// Sums of a plan, as its last line has them.
#[derive(Serialize, Deserialize)]
struct Summary {
    rows: u64,
    create: u64,
    update: u64,
    delete: u64,
    conflict: u64,
    clock_doubt: u64,
    left: u64,
    same: u64,
    bytes: u64,
}

impl Plan {
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let end = |end: &PlanEnd| {
            let (dir, dir_b64) = text_or_base64(end.dir.as_bytes());
            End { name: end.name.clone(), dir, dir_b64, clock: end.clock }
        };
        let head = Head {
            sealift_plan: VERSION,
            made: self.made,
            left: end(&self.left),
            right: end(&self.right),
            options: self.options.clone(),
            same: self.same,
            extra: self.extra,
            source_is_empty: self.source_is_empty,
            is_incomplete: self.is_incomplete,
            remarks: self.remarks.clone(),
            more_remarks: self.more_remarks,
        };
        put(out, &head)?;
        for at in 0..self.len() {
            self.write_row(at, out)?;
        }
        put(out, &Foot { summary: self.summary() })
    }

    /// Writes the line of one row.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_row(&self, at: usize, out: &mut impl Write) -> io::Result<()> {
        let Some(row) = self.row(at) else { return Ok(()) };
        let (path, path_b64) = text_or_base64(&self.path(at));
        let facts = |facts: Facts| LineFacts { kind: facts.kind, size: facts.size, modified: facts.modified };
        let line = Line {
            path,
            path_b64,
            action: row.decision,
            effect: row.effect().name().to_owned(),
            found: row.finding,
            proposed: row.proposed,
            left: row.left.map(facts),
            right: row.right.map(facts),
        };
        put(out, &line)
    }

    /// Writes the last line alone: the sums.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        put(out, &Foot { summary: self.summary() })
    }

    /// Reads what [`Plan::write`] wrote. Lines may have been taken out by hand, whole, if the count at the end was changed too.
    ///
    /// # Errors
    /// [`PlanFileError`].
    pub fn read(input: &mut impl BufRead) -> Result<Self, PlanFileError> {
        let mut lines = Lines { input, number: 0 };
        let first = lines.next()?.ok_or(PlanFileError::Cut)?;
        let version = serde_json::from_str::<serde_json::Value>(&first).ok();
        let version = version.and_then(|value| value.get("sealift_plan")?.as_u64());
        match version {
            Some(version) if version != u64::from(VERSION) => return Err(PlanFileError::Version(version as u32)),
            Some(_) => {}
            None => return Err(lines.wrong("it does not begin as one")),
        }
        let head: Head = serde_json::from_str(&first).map_err(|error| lines.wrong(&error.to_string()))?;
        let left = head.left.read().map_err(|why| lines.wrong(&why))?;
        let right = head.right.read().map_err(|why| lines.wrong(&why))?;
        let mut plan = Self::new(left, right, head.options, head.made);
        (plan.same, plan.extra, plan.source_is_empty) = (head.same, head.extra, head.source_is_empty);
        plan.is_incomplete = head.is_incomplete;
        (plan.remarks, plan.more_remarks) = (head.remarks, head.more_remarks);
        plan.remarks.truncate(Self::MOST_REMARKS);
        let mut folders = HashMap::from([(Vec::new(), Self::ROOT)]);
        loop {
            let text = lines.next()?.ok_or(PlanFileError::Cut)?;
            if text.starts_with("{\"summary\"") {
                let Foot { summary } = serde_json::from_str(&text).map_err(|error| lines.wrong(&error.to_string()))?;
                return if summary.rows == plan.len() as u64 { Ok(plan) } else { Err(PlanFileError::Cut) };
            }
            let line: Line = serde_json::from_str(&text).map_err(|error| lines.wrong(&error.to_string()))?;
            plan.take(line, &mut folders).map_err(|why| lines.wrong(&why))?;
        }
    }

    fn take(&mut self, line: Line, folders: &mut HashMap<Vec<u8>, u32>) -> Result<(), String> {
        let path = bytes_of(line.path, line.path_b64).ok_or("it names no path")?;
        // A path from a file goes only where names from a listing could have led.
        let mut names =
            path.split(|&byte| byte == b'/').map(EntryName::new).collect::<Result<Vec<_>, _>>().map_err(|why| why.to_string())?;
        let name = names.pop().ok_or("it names no path")?;
        let (mut folder, mut above) = (Self::ROOT, Vec::new());
        for part in names {
            above = joined(above, part.as_bytes());
            folder = match folders.get(&above) {
                Some(known) => *known,
                None => {
                    let made = self.add_folder(folder, part.as_bytes());
                    folders.insert(above.clone(), made);
                    made
                }
            };
        }
        let facts = |facts: LineFacts| Facts { kind: facts.kind, size: facts.size, modified: facts.modified };
        let (left, right) = (line.left.map(facts), line.right.map(facts));
        let row = Row { folder, name, left, right, finding: line.found, proposed: line.proposed, decision: line.action };
        if !row.choices().contains(&row.decision) || left.is_none() && right.is_none() {
            return Err("its action does not fit what was found".to_owned());
        }
        self.add(&row);
        Ok(())
    }

    fn summary(&self) -> Summary {
        let totals = self.totals();
        Summary {
            rows: self.len() as u64,
            create: totals.of(Effect::Create),
            update: totals.of(Effect::Update),
            delete: totals.of(Effect::Delete),
            conflict: totals.of(Effect::Conflict),
            clock_doubt: totals.of(Effect::ClockDoubt),
            left: totals.of(Effect::Left),
            same: self.same,
            bytes: totals.bytes,
        }
    }
}

impl End {
    fn read(self) -> Result<PlanEnd, String> {
        let bytes = bytes_of(self.dir, self.dir_b64).ok_or("a side has no folder")?;
        let dir = FilePath::parse(&bytes).map_err(|why| why.to_string())?;
        Ok(PlanEnd { name: self.name, dir, clock: self.clock })
    }
}

struct Lines<'a, R> {
    input: &'a mut R,
    number: u64,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> Result<Option<String>, PlanFileError> {
        self.number += 1;
        let mut line = Vec::new();
        io::Read::take(&mut *self.input, MOST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(PlanFileError::Cut);
        }
        String::from_utf8(line).map(Some).map_err(|_| self.wrong("it is no text"))
    }

    fn wrong(&self, why: &str) -> PlanFileError {
        PlanFileError::Line { line: self.number, why: crate::model::text::display_safe(why.as_bytes()) }
    }
}

fn put(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn text_or_base64(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    }
}

fn bytes_of(text: Option<String>, base64: Option<String>) -> Option<Vec<u8>> {
    match (text, base64) {
        (Some(text), _) => Some(text.into_bytes()),
        (None, Some(base64)) => STANDARD.decode(base64).ok(),
        (None, None) => None,
    }
}
