//! Facts of entries and connections as rows of label and value, safe to draw.

use crate::engine::{SessionFacts, Tag, TrustBasis};
use crate::model::SecurityLevel;
use crate::model::{Entry, FilePath, Kind, text};

type Rows = Vec<(String, String)>;

pub(super) fn of_entry(entry: &Entry, place: &str, dir: &FilePath) -> Rows {
    let mut rows = Rows::new();
    let mut row = |label: &str, value: String| rows.push((label.to_owned(), value));
    row("Name", entry.display_name());
    if let Err(why) = entry.name() {
        row("Not usable", format!("{why}; it is shown, and nothing is done with it"));
    }
    if Tag::of_part(entry.raw_name()).is_some() {
        row("Unfinished", "a transfer of sealift makes it whole, under its own name, or was interrupted".to_owned());
    }
    row("In", format!("{} on {place}", dir.display()));
    row("Kind", kind_name(entry.kind).to_owned());
    row("Size", entry.size.map_or_else(unknown, |size| format!("{size} bytes")));
    row("Modified", entry.modified.map_or_else(unknown, |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()));
    if let Some(details) = &entry.details {
        if let Some(mode) = details.mode {
            row("Permissions", format!("{:04o}", mode & 0o7777));
        }
        // Owner and group come from the server as they are.
        for (label, name) in [("Owner", &details.owner), ("Group", &details.group)] {
            if let Some(name) = name {
                row(label, text::display_safe(name.as_bytes()));
            }
        }
        if let Some(target) = &details.target {
            row("Points at", text::display_safe(target));
        }
        if let Some(kind) = details.target_kind {
            row("Which is", kind_name(kind).to_owned());
        }
    }
    rows
}

fn unknown() -> String {
    "not told".to_owned()
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Dir => "folder",
        Kind::File => "file",
        Kind::Symlink => "symbolic link",
        Kind::Other => "device, socket or pipe",
        Kind::Unparsed => "a line of the listing that was not understood",
    }
}

pub(super) fn trust_sentence(trust: TrustBasis) -> String {
    match trust {
        TrustBasis::Authority => "an authority this system trusts vouches for it".to_owned(),
        TrustBasis::Pinned { days: 0 } => "you trusted exactly this identity today".to_owned(),
        TrustBasis::Pinned { days } => format!("you trusted exactly this identity {days} days ago"),
        TrustBasis::Once => "you accepted it for this run of the program".to_owned(),
        TrustBasis::KnownHost => "its host key is in known_hosts".to_owned(),
        TrustBasis::Plain => "nobody vouches for it: plain FTP".to_owned(),
    }
}

pub(super) fn level_sentence(facts: &SessionFacts) -> &'static str {
    match facts.level {
        SecurityLevel::None => "none",
        SecurityLevel::Secure if facts.is_blind() => {
            "Secure only if it is the right server, which nobody checked: you said yes to what it showed"
        }
        SecurityLevel::Secure => "Secure: the server proved who it is",
        SecurityLevel::MoreSecure => "More Secure: and so did you, with a certificate or key",
        SecurityLevel::MostSecure => "Most Secure: and an authority signed yours",
    }
}
