//! OpenSSH's known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): read as ssh reads it, appended to as ssh does.
//! No private copy: every other tool of the person reads the same files.

mod certificate;
mod line;
mod listing;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::change::Change;
use super::evidence::{Evidence, PeerIdentity, Problem, ProblemKind, Remembered};
use super::fingerprint::Fingerprint;
use super::host_key::{HostCertificate, HostKey};
use super::private_file;
use crate::model::{Endpoint, text};
use line::{Hosts, Line, Parsed, key_type};

pub use listing::{Listed, Marker, RemoveError, remove_line};

/// A file beyond this is read only so far.
const MOST_BYTES: u64 = 16 << 20;

/// Lines of known_hosts files, in order.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<(Place, Line)>,
    /// Lines nobody understands, which ssh passes over too.
    pub junk: Vec<Place>,
    /// Files that are there and could not be read, with the reason, made safe to draw.
    pub unreadable: Vec<String>,
}

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
}

/// `/home/a/.ssh/known_hosts line 12`, safe to draw.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", text::display_safe(self.file.as_os_str().as_encoded_bytes()), self.line)
    }
}

/// What known_hosts says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the host's.
    Known {
        /// The line that says so.
        place: Place,
    },
    /// An authority that known_hosts names for the host vouches for it (`@cert-authority`).
    Certified {
        /// The line that names the authority.
        place: Place,
    },
    /// No key of this type is known for the host.
    Unknown {
        /// One of another type is.
        other_type: Option<Remembered>,
    },
    /// Another key of this type is known for the host.
    Changed {
        /// The first of them.
        remembered: Remembered,
    },
    /// A file of known keys is there and cannot be read, so nobody can tell whether the key is another one than before.
    Unreadable {
        /// Which, and why; safe to draw.
        what: String,
    },
    /// The key, or the authority that vouches for it, must not be trusted any more (`@revoked`), whatever other lines say.
    Revoked {
        /// The line that says so.
        place: Place,
        /// It is the authority that was revoked.
        authority: bool,
    },
}

impl KnownHosts {
    /// Reads `files` in this order. A file that is not there is an empty one.
    pub fn load(files: &[PathBuf]) -> Self {
        let mut all = Self::default();
        for file in files {
            let mut contents = Vec::new();
            match File::open(file).and_then(|open| open.take(MOST_BYTES + 1).read_to_end(&mut contents)) {
                Ok(read) if read as u64 > MOST_BYTES => {
                    all.unreadable.push(text::display_safe(&[file.as_os_str().as_encoded_bytes(), b": it is too large"].concat()));
                }
                Ok(_) => all.add(file, &contents),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let file = file.as_os_str().as_encoded_bytes();
                    all.unreadable.push(text::display_safe(&[file, b": ", error.to_string().as_bytes()].concat()));
                }
            }
        }
        all
    }

    /// Keys that are revoked for every host (RevokedHostKeys of ssh_config): a file of public keys, one a line.
    ///
    /// # Errors
    /// A sentence, safe to draw: it cannot be told which keys are revoked, so none can be trusted. A binary list (KRL) is not read.
    pub fn revoked_by(file: &Path) -> Result<Self, String> {
        let shown = text::display_safe(file.as_os_str().as_encoded_bytes());
        let mut contents = Vec::new();
        let read = File::open(file).and_then(|open| open.take(MOST_BYTES + 1).read_to_end(&mut contents));
        let read = read.map_err(|error| format!("the revoked host keys in {shown} cannot be read: {error} (RevokedHostKeys)"))?;
        if read as u64 > MOST_BYTES || contents.starts_with(b"SSHKRL\n\0") {
            let what = "is too large, or a binary list, which is not understood here; write public keys, one a line (RevokedHostKeys)";
            return Err(format!("{shown} {what}"));
        }
        let mut all = Self::default();
        for (before, bytes) in contents.split(|&byte| byte == b'\n').enumerate() {
            let place = Place { file: file.to_owned(), line: before + 1 };
            let bytes = bytes.trim_ascii();
            match Line::parse(&[if bytes.is_empty() || bytes[0] == b'#' { &b""[..] } else { b"@revoked * " }, bytes].concat()) {
                Parsed::Line(line) if !line.algorithm.contains("-cert-v0") => all.lines.push((place, line)),
                Parsed::Nothing => {}
                _ => return Err(format!("{place} is no public key, so which host keys are revoked cannot be told (RevokedHostKeys)")),
            }
        }
        Ok(all)
    }

    /// Takes the lines of one file.
    fn add(&mut self, file: &Path, contents: &[u8]) {
        for (before, bytes) in contents.split(|&byte| byte == b'\n').enumerate() {
            let place = || Place { file: file.to_owned(), line: before + 1 };
            match Line::parse(bytes) {
                Parsed::Line(line) => self.lines.push((place(), line)),
                Parsed::Nothing => {}
                Parsed::Junk => self.junk.push(place()),
            }
        }
    }

    /// What is known of `key` at `host` and `port` at the time `now`, by the rules of ssh.
    ///
    /// A revoked key or authority is revoked whatever else is said. A certificate without fault counts if a line names its
    /// authority; else its key is looked up as if it came alone. A host at another port than 22 for which no line has
    /// `[host]:port` is known by lines with its name alone, but a key that differs from those says nothing: it may be
    /// another server.
    pub fn lookup(&self, host: &str, port: u16, key: &HostKey, now: Timestamp) -> Standing {
        if let Some(revoked) = self.revoked(host, port, key) {
            return revoked;
        }
        if let Some(certificate) = &key.certificate
            && certificate::faults(certificate, host, now).is_empty()
            && let Some(place) = self.vouched_by(host, port, certificate)
        {
            return Standing::Certified { place: place.clone() };
        }
        if let Some((place, _)) = self.lines_for(host, port, None).into_iter().find(|(_, line)| line.blob == key.blob) {
            return Standing::Known { place: place.clone() };
        }
        let remembered = |(place, line): &(Place, Line), change| Remembered {
            fingerprint: Fingerprint::of(&line.blob),
            place: place.to_string(),
            same_key: false,
            change,
            certificate: None,
        };
        let others = self.marked(&name_of(host, port), None);
        // By the key itself: `rsa-sha2-512` signs with an `ssh-rsa` key.
        let kind = key_type(&key.blob);
        match others.iter().find(|(_, line)| key_type(&line.blob) == kind) {
            Some(other) => Standing::Changed { remembered: remembered(other, Change::HostKeyReplaced) },
            None if !self.unreadable.is_empty() => Standing::Unreadable { what: self.unreadable.join(", ") },
            None => Standing::Unknown { other_type: others.first().map(|other| remembered(other, Change::HostKeyTypeAdded)) },
        }
    }

    /// Why a certificate beside the key did not count, and lines that might have been about this host and cannot be read:
    /// what a person has to know beside [`Self::lookup`]'s answer.
    pub fn remarks(&self, host: &str, port: u16, key: &HostKey, now: Timestamp) -> Vec<Problem> {
        let mut remarks = Vec::new();
        if let Some(certificate) = &key.certificate {
            remarks = certificate::faults(certificate, host, now);
            if self.vouched_by(host, port, certificate).is_none() {
                let authority = Fingerprint::of(&certificate.authority).openssh();
                let words = format!("no known_hosts line names the authority ({authority}) that signed its certificate");
                remarks.push(problem(ProblemKind::UnknownIssuer, &words));
            }
        }
        if let Some(first) = self.junk.first() {
            let words = match self.junk.len() {
                1 => format!("{first} is none that ssh understands"),
                count => format!("{count} lines are none that ssh understands, the first is {first}"),
            };
            remarks.push(problem(ProblemKind::Other, &words));
        }
        remarks
    }

    /// The types of the keys known for a host (`ssh-ed25519`, `ssh-rsa` …), each once: what to ask the server for
    /// first, so that a known host is not taken for an unknown one.
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        for (_, line) in self.lines_for(host, port, None) {
            if !types.contains(&line.algorithm) {
                types.push(line.algorithm.clone());
            }
        }
        types
    }

    /// Whether a line names an authority for the host (`@cert-authority`), so that it makes sense to ask for certificates.
    pub fn has_authority(&self, host: &str, port: u16) -> bool {
        !self.lines_for(host, port, Some(Marker::CertAuthority)).is_empty()
    }

    /// Whether the key, or the authority that vouches for it, is revoked.
    pub fn revoked(&self, host: &str, port: u16, key: &HostKey) -> Option<Standing> {
        let names = [name_of(host, port), name_of(host, 22)];
        let mut lines = self.lines.iter().filter(|(_, line)| line.marker == Some(Marker::Revoked));
        lines.find_map(|(place, line)| {
            let authority = key.certificate.as_ref().is_some_and(|certificate| certificate.authority == line.blob);
            let meant = (authority || line.blob == key.blob) && names.iter().any(|name| line.hosts.cover(name));
            meant.then(|| Standing::Revoked { place: place.clone(), authority: line.blob != key.blob })
        })
    }

    /// The line that names the certificate's authority.
    fn vouched_by(&self, host: &str, port: u16, certificate: &HostCertificate) -> Option<&Place> {
        let lines = self.lines_for(host, port, Some(Marker::CertAuthority));
        lines.into_iter().find(|(_, line)| line.blob == certificate.authority).map(|(place, _)| place)
    }

    /// The lines for a host at a port; where there are none, those for its name alone.
    fn lines_for(&self, host: &str, port: u16, marker: Option<Marker>) -> Vec<&(Place, Line)> {
        let exact = self.marked(&name_of(host, port), marker);
        if exact.is_empty() { self.marked(&name_of(host, 22), marker) } else { exact }
    }

    fn marked(&self, name: &str, marker: Option<Marker>) -> Vec<&(Place, Line)> {
        self.lines.iter().filter(|(_, line)| line.marker == marker && line.hosts.cover(name)).collect()
    }
}

/// What stands in a line for a host: the name alone at port 22, else `[name]:port`.
fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Writes a line for `key` at the end of `file`, which is made (0600, its folder 0700) if it is not there.
///
/// Everything else stays as it is. The name is hashed if the file has hashed names: the person wants it so. Errors: the system's, and `InvalidInput` for a host or key no line can hold.
pub fn append(file: &Path, host: &str, port: u16, key: &HostKey) -> io::Result<()> {
    let kind = key_type(&key.blob).and_then(|kind| str::from_utf8(kind).ok());
    let (Some(kind), true) = (kind, is_plain(host)) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "known_hosts cannot hold a line for this host or key"));
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_file::create_folder(folder)?;
    }
    let mut name = name_of(host, port);
    if KnownHosts::load(&[file.to_owned()]).lines.iter().any(|(_, line)| matches!(line.hosts, Hosts::Hashed { .. })) {
        name = Hosts::hash(&name)?.to_string();
    }
    let mut line = format!("{name} {kind} {}\n", STANDARD.encode(&key.blob));
    let mut open = private_file::append_to(file)?;
    if open.seek(SeekFrom::End(0))? > 0 {
        open.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        open.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    // One write, so that a line of another program cannot come between.
    open.write_all(line.as_bytes())?;
    open.sync_all()
}

/// Nothing that means something else in a line.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte))
}

fn problem(kind: ProblemKind, words: &str) -> Problem {
    Problem { kind, at: 0, text: text::display_safe(words.as_bytes()) }
}

/// The evidence for a person to judge `key` by; `None` if it is known and there is nothing to judge.
///
/// A changed or revoked key, and one that cannot be looked up, is unusable: only the person's own hand may undo that.
pub fn evidence_for(endpoint: &Endpoint, key: &HostKey, standing: &Standing) -> Option<Evidence> {
    let (kind, words, remembered) = match standing {
        Standing::Known { .. } | Standing::Certified { .. } => return None,
        Standing::Unknown { other_type: None } => (ProblemKind::UnknownHostKey, format!("no known_hosts line names {endpoint}"), None),
        Standing::Unknown { other_type: Some(other) } => {
            let words = format!("known_hosts has another type of key for {endpoint} ({}), not this one", other.place);
            (ProblemKind::UnknownHostKey, words, Some(other.clone()))
        }
        Standing::Changed { remembered } => {
            let words = format!("this is not the key known for {endpoint} ({})", remembered.place);
            (ProblemKind::ChangedSincePinned, words, Some(remembered.clone()))
        }
        Standing::Unreadable { what } => (
            ProblemKind::Other,
            format!("whether this key is known cannot be told, because a file of known keys cannot be read: {what}"),
            None,
        ),
        Standing::Revoked { place, authority: false } => (ProblemKind::Revoked, format!("this key was revoked ({place})"), None),
        Standing::Revoked { place, authority: true } => {
            (ProblemKind::Revoked, format!("the authority that vouches for this key was revoked ({place})"), None)
        }
    };
    Some(Evidence {
        problems: vec![problem(kind, &words)],
        remembered,
        unusable: kind != ProblemKind::UnknownHostKey,
        ..Evidence::new(endpoint.clone(), PeerIdentity::HostKey(key.clone()))
    })
}

#[cfg(test)]
mod tests;
