//! The lines of known_hosts as a list to look at, and taking one of them out. Judges nothing.

use std::fs;
use std::io;

use super::line::{Hosts, Line, Parsed};
use super::{KnownHosts, Place, name_of};
use crate::model::{Endpoint, text};
use crate::trust::Fingerprint;
use crate::trust::private_file;

pub use super::line::Marker;

/// A line, for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it stands.
    pub place: Place,
    /// `@cert-authority` or `@revoked`.
    pub marker: Option<Marker>,
    /// Its host patterns as they stand there, or that they are hashed; safe to draw.
    pub whom: String,
    /// The key's type, safe to draw.
    pub algorithm: String,
    /// The public key blob.
    pub blob: Box<[u8]>,
    hosts: Hosts,
}

/// A line could not be taken out of its file, which is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// Another line stands there now, or none.
    #[error("the file changed meanwhile")]
    Changed,
    /// It is for several hosts, and nobody said that all of them are meant.
    #[error("the line is for several hosts: {0}")]
    SeveralHosts(String),
    /// The system's.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Listed {
    /// Whether the line is about `endpoint`.
    pub fn covers(&self, endpoint: &Endpoint) -> bool {
        self.hosts.cover(&name_of(&endpoint.host, endpoint.port))
    }
}

impl KnownHosts {
    /// Every line that says something, in order.
    pub fn listed(&self) -> impl Iterator<Item = Listed> {
        self.lines.iter().map(|(place, line)| Listed {
            place: place.clone(),
            marker: line.marker,
            whom: whom(&line.hosts),
            algorithm: text::display_safe(line.algorithm.as_bytes()),
            blob: line.blob.clone(),
            hosts: line.hosts.clone(),
        })
    }
}

fn whom(hosts: &Hosts) -> String {
    match hosts {
        Hosts::Hashed { .. } => "a host whose name is hashed".to_owned(),
        Hosts::Patterns(patterns) => text::display_safe(patterns.as_bytes()),
    }
}

/// Takes the line at `place` out of its file, if it still has the key with this fingerprint. Every other line stays as it
/// is, and so do the file's mode, its owner, and a link that leads to it. A line for several hosts goes only as a
/// `whole_line`.
pub fn remove_line(place: &Place, key: &Fingerprint, whole_line: bool) -> Result<(), RemoveError> {
    let file = fs::canonicalize(&place.file)?;
    let before = fs::read(&file)?;
    let lines: Vec<&[u8]> = before.split_inclusive(|&byte| byte == b'\n').collect();
    let at = place.line.checked_sub(1).filter(|&at| at < lines.len()).ok_or(RemoveError::Changed)?;
    match Line::parse(lines[at].trim_ascii_end()) {
        Parsed::Line(line) if Fingerprint::of(&line.blob) == *key => {
            if !whole_line && matches!(&line.hosts, Hosts::Patterns(patterns) if patterns.contains([',', '*', '?', '!'])) {
                return Err(RemoveError::SeveralHosts(whom(&line.hosts)));
            }
        }
        _ => return Err(RemoveError::Changed),
    }
    let after: Vec<u8> = lines[..at].iter().chain(&lines[at + 1..]).flat_map(|line| line.iter().copied()).collect();
    private_file::rewrite(&file, &after, || Ok(fs::read(&file)? == before)).map(|done| done.then_some(()).ok_or(RemoveError::Changed))?
}
