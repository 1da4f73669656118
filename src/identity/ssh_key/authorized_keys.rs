//! The file in which OpenSSH's server looks for the public keys of a user (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Added to,
//! with every byte of it kept. Opens nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::SshPublicKey;
use crate::model::text;
use crate::trust::ssh_blob::Blob;

/// No file of keys is larger (bytes).
pub const LARGEST: usize = 4 * 1024 * 1024;

/// How a key stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is there.
    Present {
        /// In which line, from 1.
        line: usize,
        /// What that line restricts it to, made safe to draw; may be empty.
        options: String,
    },
    /// It is not.
    Absent,
}

/// Looks for a key, whatever its comment and options. A line that names it as an authority is not one for the key itself.
pub fn find(content: &[u8], key: &SshPublicKey) -> Standing {
    let blob = key.blob();
    for (at, line) in content.split(|&byte| byte == b'\n').enumerate() {
        if let Some((options, found)) = read(line)
            && found == blob
            && !names(options, "cert-authority")
        {
            return Standing::Present { line: at + 1, options: text::display_safe(options) };
        }
    }
    Standing::Absent
}

/// What has to be written behind `content` for a file with the key in it.
pub fn addition(content: &[u8], key: &SshPublicKey) -> Vec<u8> {
    let missing = if content.is_empty() || content.ends_with(b"\n") { "" } else { "\n" };
    format!("{missing}{}\n", key.line()).into_bytes()
}

/// The options of a line and the blob of its key; `None` if there is none in it.
fn read(line: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    if let Some(blob) = key(line) {
        return Some((b"", blob));
    }
    let end = unquoted(line).find(|(_, byte)| matches!(byte, b' ' | b'\t'))?.0;
    let (options, rest) = line.split_at(end);
    Some((options, key(rest.trim_ascii())?))
}

/// The blob of a line that begins with the key's type.
fn key(line: &[u8]) -> Option<Vec<u8>> {
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let (algorithm, base64) = (words.next()?, words.next()?.trim_ascii_end());
    let padding = base64.iter().rev().take_while(|&&byte| byte == b'=').count();
    let blob = STANDARD_NO_PAD.decode(&base64[..base64.len() - padding]).ok()?;
    (Blob(&blob).string()? == algorithm).then_some(blob)
}

/// Whether `option` is among `options`.
fn names(options: &[u8], option: &str) -> bool {
    let mut start = 0;
    let ends: Vec<usize> = unquoted(options).filter(|(_, byte)| *byte == b',').map(|(at, _)| at).chain([options.len()]).collect();
    ends.into_iter().any(|end| {
        let name = &options[start..end];
        start = end + 1;
        name.eq_ignore_ascii_case(option.as_bytes())
    })
}

/// The bytes outside of quotes, with their places. Inside them, `\"` ends nothing.
fn unquoted(text: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let (mut is_quoted, mut before) = (false, 0);
    text.iter().copied().enumerate().filter(move |&(_, byte)| {
        let is_quote = byte == b'"' && before != b'\\';
        is_quoted ^= is_quote;
        before = byte;
        !is_quoted && !is_quote
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhR3xVTLWn4b9Y1cLM7wAbo7RNA5tMPTzlHZRhTcBnN";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2pr+Bfus1hvPof4Wb/plZCzSbqadHH0u+/f4ODtKnE";

    fn options(content: &str) -> Option<String> {
        match find(content.as_bytes(), &SshPublicKey::parse(KEY).unwrap()) {
            Standing::Present { options, .. } => Some(options),
            Standing::Absent => None,
        }
    }

    #[test]
    fn a_key_is_found_by_its_blob() {
        let there = |content: String, with: &str| assert_eq!(options(&content).as_deref(), Some(with), "{content}");
        there(KEY.into(), "");
        there(format!("# mine\r\n\r\n{OTHER} me\r\n  {KEY} another comment\r\n"), "");
        there(format!("no-pty,from=\"10.0.*,!10.0.0.1\"\t{KEY}"), "no-pty,from=\"10.0.*,!10.0.0.1\"");
        there(format!("command=\"echo \\\"a b\\\" {OTHER}\" {KEY}"), &format!("command=\"echo \\\"a b\\\" {OTHER}\""));
        there(format!("environment=\"X=cert-authority,y\" {KEY}"), "environment=\"X=cert-authority,y\"");
        there(format!("caf\u{e9} {KEY}"), "caf\u{e9}");
    }

    #[test]
    fn what_only_looks_like_it_is_not_it() {
        for content in [
            String::new(),
            format!("#{KEY}"),
            format!("{OTHER} {KEY}"),
            format!("cert-authority {KEY}"),
            format!("from=\"*.x\",Cert-Authority {KEY}"),
            format!("command=\"echo {KEY}\" {OTHER}"),
            format!("command=\"echo {KEY}"),
            KEY[..KEY.len() - 4].to_owned(),
            KEY.replace("ssh-ed25519 ", "ssh-rsa "),
        ] {
            assert_eq!(options(&content), None, "{content}");
        }
        assert_eq!(
            find(&[b"\xff\xfe \0\n", KEY.as_bytes()].concat(), &SshPublicKey::parse(KEY).unwrap()),
            Standing::Present { line: 2, options: String::new() }
        );
    }

    #[test]
    fn a_missing_end_of_line_is_added_and_nothing_else() {
        let key = SshPublicKey::parse(&format!("{KEY} me\u{1b}@work  ")).unwrap();
        let line = format!("{KEY} me @work\n");
        for (content, expected) in [("", line.clone()), ("x\n", line.clone()), ("x", format!("\n{line}"))] {
            assert_eq!(String::from_utf8(addition(content.as_bytes(), &key)).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn what_was_added_is_found_behind_whatever_is_there(mut content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let key = SshPublicKey::parse(KEY).unwrap();
            content.extend(addition(&content, &key));
            let is_there = matches!(find(&content, &key), Standing::Present { .. });
            prop_assert!(is_there);
        }
    }
}
