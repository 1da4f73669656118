//! Names and attributes of a server as entries, and folders listed with many READDIRs in flight.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::channel::{Channel, Failure};
use super::packet::{Attributes, Name};
use super::requests::{self, Links};
use crate::model::{Entry, FilePath, Kind, text};

/// READDIRs in flight: at the start, and at most. Those behind the end cost one reply each.
const FIRST_IN_FLIGHT: usize = 2;
const MAX_IN_FLIGHT: usize = 64;
/// Batches whose links are being looked up.
const MAX_RESOLVING: usize = 16;
/// Replies without a name before the server is taken to never end.
const MAX_EMPTY: u32 = 100;

/// Lists `dir` into `batches`. Ends early when the receiver is gone.
pub(super) async fn list(channel: &Channel, dir: &FilePath, batches: &mpsc::Sender<Vec<Entry>>) -> Result<(), Failure> {
    let handle = channel.open_dir(dir).await?;
    let mut replies = FuturesOrdered::new();
    let mut resolving = FuturesUnordered::new();
    let mut in_flight = FIRST_IN_FLIGHT;
    let mut at_end = false;
    let mut empty = 0;
    loop {
        while !at_end && replies.len() < in_flight && resolving.len() < MAX_RESOLVING {
            replies.push_back(channel.read_dir(&handle).await?);
        }
        if at_end && resolving.is_empty() {
            break;
        }
        let batch = tokio::select! {
            Some(answer) = replies.next(), if !at_end => match requests::names(answer?)? {
                None => {
                    at_end = true;
                    continue;
                }
                Some(names) => {
                    empty = if names.is_empty() { empty + 1 } else { 0 };
                    if empty > MAX_EMPTY {
                        return Err(Failure::Unexpected);
                    }
                    in_flight = (in_flight * 2).min(MAX_IN_FLIGHT);
                    let entries: Vec<Entry> = names.iter().filter(|name| !matches!(&name.filename[..], b"." | b"..")).map(entry_of).collect();
                    if entries.iter().any(|entry| entry.kind == Kind::Symlink) {
                        resolving.push(resolve_all(channel, dir, entries));
                        continue;
                    }
                    entries
                }
            },
            Some(batch) = resolving.next() => batch?,
            () = batches.closed() => break,
        };
        if !batch.is_empty() && batches.send(batch).await.is_err() {
            break;
        }
    }
    // Closing changes nothing about what was listed: dropping the handle closes it, and nobody waits for the answer.
    Ok(())
}

async fn resolve_all(channel: &Channel, dir: &FilePath, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Failure> {
    let links = entries.iter_mut().filter(|entry| entry.kind == Kind::Symlink);
    let lookups = links.filter_map(|entry| entry.name().ok().map(|name| (dir.join(&name), entry)));
    let results: Vec<_> = futures::future::join_all(lookups.map(|(path, entry)| async move { resolve(channel, &path, entry).await })).await;
    results.into_iter().collect::<Result<(), Failure>>()?;
    Ok(entries)
}

/// Looks up what a link says and what it leads to. A dangling link stays without a kind.
pub(super) async fn resolve(channel: &Channel, path: &FilePath, entry: &mut Entry) -> Result<(), Failure> {
    let (target, led_to) = tokio::join!(channel.read_link(path), channel.attributes(path, Links::Follow));
    for failure in [target.as_ref().err(), led_to.as_ref().err()].into_iter().flatten() {
        if !matches!(failure, Failure::Status { .. }) {
            return Err(failure.clone());
        }
    }
    let details = entry.details_mut();
    details.target = target.ok().map(|target| target[..].into());
    details.target_kind = led_to.ok().map(|attributes| kind_of(&attributes, b""));
    Ok(())
}

fn entry_of(name: &Name) -> Entry {
    let mut entry = entry(&name.filename, &name.attributes, &name.longname);
    let (owner, group) = owner_and_group(&name.longname);
    if let (Some(owner), Some(group)) = (owner, group) {
        let details = entry.details_mut();
        details.owner = Some(owner);
        details.group = Some(group);
    }
    entry
}

/// An entry called `name` with these attributes. `longname` helps where a server tells no permissions.
pub(super) fn entry(name: &[u8], attributes: &Attributes, longname: &[u8]) -> Entry {
    let mut entry = Entry::new(name, kind_of(attributes, longname));
    entry.size = attributes.size;
    entry.modified = attributes.times.and_then(|(_, modified)| Timestamp::from_second(modified.into()).ok());
    if attributes.permissions.is_some() || attributes.owner.is_some() {
        let details = entry.details_mut();
        details.mode = attributes.permissions.map(|mode| mode & 0o7777);
        if let Some((uid, gid)) = attributes.owner {
            details.owner = Some(uid.to_string().into());
            details.group = Some(gid.to_string().into());
        }
    }
    entry
}

/// What these attributes belong to.
pub(super) fn kind_of(attributes: &Attributes, longname: &[u8]) -> Kind {
    match (attributes.permissions.map(|mode| mode & 0o170_000), longname.first()) {
        (Some(0o040_000), _) | (None | Some(0), Some(b'd')) => Kind::Dir,
        (Some(0o100_000), _) | (None | Some(0), Some(b'-')) => Kind::File,
        (Some(0o120_000), _) | (None | Some(0), Some(b'l')) => Kind::Symlink,
        _ => Kind::Other,
    }
}

/// The third and fourth word of an `ls -l` line, if it looks like one.
fn owner_and_group(longname: &Bytes) -> (Option<Box<str>>, Option<Box<str>>) {
    let mut words = longname.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    match (words.next(), words.next()) {
        (Some(mode), Some(links)) if mode.len() >= 10 && links.iter().all(|b| b.is_ascii_digit() || *b == b'?') => {}
        _ => return (None, None),
    }
    let mut next = || words.next().map(|word| text::display_safe(word).into());
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_from_lines_that_look_like_ls_only() {
        let owners = |line: &'static str| owner_and_group(&Bytes::from_static(line.as_bytes()));
        assert_eq!(owners("drwxr-xr-x    2 bob      staff        4096 Nov 21 09:37 x"), (Some("bob".into()), Some("staff".into())));
        assert_eq!(owners("x"), (None, None));
        assert_eq!(owners("01-01-24 10:00AM <DIR> x"), (None, None));
    }

    #[test]
    fn kinds_come_from_the_mode_or_else_from_the_line() {
        let mode = |permissions| Attributes { permissions, ..Attributes::default() };
        assert_eq!(kind_of(&mode(Some(0o040_755)), b""), Kind::Dir);
        assert_eq!(kind_of(&mode(Some(0o120_777)), b""), Kind::Symlink);
        assert_eq!(kind_of(&mode(Some(0o010_600)), b"-"), Kind::Other);
        assert_eq!(kind_of(&mode(None), b"lrwxrwxrwx"), Kind::Symlink);
        assert_eq!(kind_of(&mode(None), b""), Kind::Other);
    }
}
