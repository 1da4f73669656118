//! The public key file of RFC 4716 (`---- BEGIN SSH2 PUBLIC KEY ----`), which Tectia, VanDyke, GlobalSCAPE and others write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "---- BEGIN SSH2 PUBLIC KEY ----";
const END: &str = "---- END SSH2 PUBLIC KEY ----";
/// No line has more bytes, its end not counted (section 3.2).
const LONGEST_LINE: usize = 72;
/// Lines of the body, as ssh-keygen writes them.
const BODY_LINE: usize = 70;
/// No header's value has more bytes (section 3.3).
const LONGEST_VALUE: usize = 1024;

/// What stands in such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyText {
    /// The header `Comment` without its quotes; may be empty. Not made safe.
    pub(crate) comment: String,
    /// The key's blob (RFC 4253 section 6.6).
    pub(crate) blob: Vec<u8>,
}

/// Whether a file of this kind begins with `line`.
pub(crate) fn begins(line: &str) -> bool {
    line.trim() == BEGIN
}

/// Reads what follows the line that [`begins`], up to its end and no further. `None` if it is cut off or damaged.
///
/// A header's value goes on in the next line after a `\` (section 3.3); other headers than `Comment` are passed over.
pub(crate) fn read<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<KeyText> {
    let (mut comment, mut body) = (String::new(), String::new());
    loop {
        let line = lines.next()?.trim();
        if line == END {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            body.push_str(line);
            continue;
        };
        let mut value = value.trim_start().to_owned();
        while value.ends_with('\\') {
            value.pop();
            value.push_str(lines.next()?.trim_end());
        }
        if name.trim().eq_ignore_ascii_case("comment") {
            comment = match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
                Some(quoted) => quoted.to_owned(),
                None => value,
            };
        }
    }
    Some(KeyText { comment, blob: STANDARD.decode(body).ok().filter(|blob| !blob.is_empty())? })
}

/// The file of a key. `comment` has no control characters; an empty one is left out, a long one cut.
pub(crate) fn write(blob: &[u8], comment: &str) -> String {
    let mut text = format!("{BEGIN}\n");
    if !comment.is_empty() {
        let header = format!("Comment: \"{}\"", comment.split_at(cut(comment, LONGEST_VALUE - 2)).0);
        let mut rest = header.as_str();
        while rest.len() > LONGEST_LINE {
            let (line, after) = rest.split_at(cut(rest, LONGEST_LINE - 1));
            text.extend([line, "\\\n"]);
            rest = after;
        }
        text.extend([rest, "\n"]);
    }
    let body = STANDARD.encode(blob);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(BODY_LINE));
        text.extend([line, "\n"]);
        rest = after;
    }
    text.extend([END, "\n"]);
    text
}

/// Where `text` is cut to at most `most` bytes: between characters, and never before a blank that a reader may drop.
fn cut(text: &str, most: usize) -> usize {
    let is_cut = |&at: &usize| text.is_char_boundary(at) && !text[at..].starts_with(char::is_whitespace);
    (1..=most.min(text.len())).rev().find(is_cut).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Option<KeyText> {
        let mut lines = text.lines();
        lines.find(|line| begins(line))?;
        read(&mut lines)
    }

    /// Section 3.6 has these headers around a key of 1024 bits.
    #[test]
    fn headers_of_the_standard_are_understood() {
        let text = "before\r\n---- BEGIN SSH2 PUBLIC KEY ----\r\n\
            Subject: me\r\n\
            x-command: /home/me/bin/lock-in-guest.sh with a value\\\r\n\
            \x20that goes on\r\n\
            Comment: \"1024-bit rsa, created by me@exam\\\r\n\
            ple.com Mon Jan 15 08:31:24 2001\"\r\n\
            AAAAB3NzaC1yc2EAAAABJQAAAIEAiPWx6WM4lhHNedGfBpPJNPpZ7yKu+dnn1SJejgt4\r\n\
            596k6YjzGGphH2TUxwKzxcKDKKezwkpfnxPkSMkuEspGRt/aZZ9wa++Oi7Qkr8prgHc4\r\n\
            soW6NUlfDzpvZK2H5E7eQaSeP3SAwGmQKUFHCddNaP0L+hM7zhFNzjFvpaMgJw0=\r\n\
            ---- END SSH2 PUBLIC KEY ----\r\nafter";
        let read = read_text(text).unwrap();
        assert_eq!(read.comment, "1024-bit rsa, created by me@example.com Mon Jan 15 08:31:24 2001");
        assert_eq!(read.blob[..11], *b"\0\0\0\x07ssh-rsa");
        assert_eq!(read.blob.len(), 149);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_no_key() {
        let whole = write(b"blob", "me");
        assert!(read_text(&whole).is_some());
        for damaged in [whole.replace(END, ""), whole.replace("YmxvYg==", "YmxvY"), whole.replace("YmxvYg==\n", ""), String::new()] {
            assert_eq!(read_text(&damaged), None, "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(blob in proptest::collection::vec(any::<u8>(), 1..300), comment in "[^\\p{Cc}]{0,200}") {
            let text = write(&blob, &comment);
            prop_assert!(comment.contains(char::is_whitespace) || text.lines().all(|line| line.len() <= LONGEST_LINE), "{}", text);
            prop_assert_eq!(read_text(&text), Some(KeyText { comment, blob }));
        }
    }
}
