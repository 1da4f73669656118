//! Where words and data go: data to standard output, everything else to standard error. The only place that prints.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::engine::Advice;
use crate::model::{Entry, Kind, bytes, text};

/// A remark to the person.
pub(super) fn say(words: &str) {
    // Nobody reads standard error: nothing can be done about it, and the exit code still tells.
    drop(writeln!(io::stderr().lock(), "sealift: {words}"));
}

/// What happened on the way, and why, in one line: it goes on.
pub(super) fn say_briefly(advice: &Advice) {
    say(&[&*advice.what, &*advice.why].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(": "));
}

/// A failure: what, why, what to do next.
pub(super) fn say_failure(advice: &Advice) {
    say(&advice.what);
    for more in [&advice.why, &advice.next] {
        if !more.is_empty() {
            drop(writeln!(io::stderr().lock(), "  {more}"));
        }
    }
}

/// A line of data. A closed pipe is an error the caller ends on.
pub(super) fn line(words: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{words}")
}

/// A JSON line.
pub(super) fn json_line(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")
}

/// An entry as `ls --json` prints it.
pub(super) fn entry_json(entry: &Entry) -> Value {
    let mut object = Map::new();
    if entry.kind == Kind::Unparsed {
        put_name(&mut object, "unparsed", entry.raw_name());
        return Value::Object(object);
    }
    put_name(&mut object, "name", entry.raw_name());
    object.insert("kind".into(), json!(entry.kind));
    if let Some(size) = entry.size {
        object.insert("size".into(), json!(size));
    }
    if let Some(modified) = entry.modified {
        object.insert("modified".into(), json!(modified.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    }
    if let Some(details) = &entry.details {
        if let Some(mode) = details.mode {
            object.insert("mode".into(), json!(format!("{mode:04o}")));
        }
        for (name, value) in [("owner", &details.owner), ("group", &details.group)] {
            if let Some(value) = value {
                object.insert(name.into(), json!(value));
            }
        }
        if let Some(target) = &details.target {
            put_name(&mut object, "target", target);
        }
    }
    if let Err(why) = entry.name() {
        object.insert("unsafe".into(), json!(why.to_string()));
    }
    Value::Object(object)
}

/// A name, and where it is not UTF-8 its bytes in base64 beside it.
pub(super) fn put_name(object: &mut Map<String, Value>, key: &str, name: &[u8]) {
    match std::str::from_utf8(name) {
        Ok(text) => drop(object.insert(key.to_owned(), json!(text))),
        Err(_) => {
            object.insert(key.to_owned(), json!(String::from_utf8_lossy(name)));
            object.insert(format!("{key}_b64"), json!(STANDARD.encode(name)));
        }
    }
}

/// An entry as `ls -l` prints it, in local time.
pub(super) fn entry_long(entry: &Entry) -> String {
    if entry.kind == Kind::Unparsed {
        return format!("?          {}", entry.display_name());
    }
    let kind = match entry.kind {
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::File => '-',
        Kind::Other | Kind::Unparsed => '?',
    };
    let mode = entry.mode().map_or_else(|| "?????????".to_owned(), permissions);
    let details = entry.details.as_deref();
    let owner = details.and_then(|details| details.owner.as_deref()).unwrap_or("-");
    let group = details.and_then(|details| details.group.as_deref()).unwrap_or("-");
    let size = entry.size.map_or_else(|| "-".to_owned(), bytes::size);
    let time =
        entry.modified.map_or_else(|| "-".to_owned(), |time| time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string());
    let target =
        details.and_then(|details| details.target.as_ref()).map(|target| format!(" -> {}", text::display_safe(target))).unwrap_or_default();
    let safe_owner = text::display_safe(owner.as_bytes());
    let safe_group = text::display_safe(group.as_bytes());
    format!("{kind}{mode} {safe_owner:<8} {safe_group:<8} {size:>6} {time:<16} {}{target}", entry.display_name())
}

/// `rwxr-xr-x` of permission bits.
fn permissions(mode: u32) -> String {
    (0..9).rev().map(|bit| if mode >> bit & 1 == 1 { ['x', 'w', 'r'][bit % 3] } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_as_json() {
        let mut entry = Entry::new(&b"caf\xe9"[..], Kind::File);
        entry.size = Some(3);
        entry.modified = "2026-11-02T10:00:00Z".parse().ok();
        entry.details_mut().mode = Some(0o640);
        let json = entry_json(&entry);
        assert_eq!(json["name_b64"], "Y2Fm6Q==");
        assert_eq!(
            (&json["kind"], &json["size"], &json["mode"], &json["modified"]),
            (&json!("file"), &json!(3), &json!("0640"), &json!("2026-11-02T10:00:00Z"))
        );
        assert_eq!(entry_json(&Entry::new(&b"total odd"[..], Kind::Unparsed)), json!({ "unparsed": "total odd" }));
        assert_eq!(entry_json(&Entry::new(&b"../x"[..], Kind::File))["unsafe"], "the name contains a slash");
        assert_eq!(permissions(0o754), "rwxr-xr--");
    }
}
