//! Words for the shell of a login, so that no file name is ever more than a word, and what hashing programs print.

use super::file_system::Below;
use crate::vfs::{Digest, DigestAlgorithm};

/// The status of a shell that knows no such program (POSIX.1-2017, Shell Command Language 2.8.2).
pub(super) const NOT_FOUND: u32 = 127;

/// The programs that make this digest, with options, without a name; the usual one first. There is none for CRC-32: `cksum`
/// makes another sum.
pub(super) fn programs(algorithm: DigestAlgorithm) -> &'static [&'static str] {
    match algorithm {
        DigestAlgorithm::Crc32 => &[],
        DigestAlgorithm::Md5 => &["md5sum -b --"],
        DigestAlgorithm::Sha1 => &["sha1sum -b --", "shasum -a 1 -b --"],
        DigestAlgorithm::Sha256 => &["sha256sum -b --", "shasum -a 256 -b --"],
        DigestAlgorithm::Sha512 => &["sha512sum -b --", "shasum -a 512 -b --"],
    }
}

/// `bytes` as one word. Quotes, backslashes and exclamation marks stand outside of quotes, each behind a backslash: POSIX
/// shells, csh and fish agree on nothing else. A line break cannot be written for all of them.
pub(super) fn quoted(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r')) {
        return None;
    }
    let mut word = vec![b'\''];
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' | b'!' => word.extend_from_slice(&[b'\'', b'\\', byte, b'\'']),
            byte => word.push(byte),
        }
    }
    word.push(b'\'');
    Some(word)
}

/// A word with everything in it that a shell could take for more than a letter.
pub(super) const HARD: &[u8] = b"it's \\ a  \"$HOME\" `pwd` !! ~ *";

/// Whether commands are run for this login, by a shell that takes our words as they are meant. Tells from logins that get
/// SFTP whatever they ask for, and from shells of other kinds: a name must never become a command.
pub(super) async fn is_there(below: &dyn Below) -> bool {
    let Some(word) = quoted(HARD) else { return false };
    let ran = below.run(&[b"printf %s ", &word[..]].concat()).await;
    ran.is_some_and(|ran| ran.status == Some(0) && ran.output == HARD)
}

/// The digest in the one line that `sha256sum -b NAME` and its like print.
pub(super) fn digest_in(output: &[u8], algorithm: DigestAlgorithm, name: &[u8]) -> Option<Digest> {
    let line = output.strip_suffix(b"\n")?;
    let (line, is_escaped) = line.strip_prefix(b"\\").map_or((line, false), |line| (line, true));
    let (digits, rest) = line.split_at_checked(algorithm.length() * 2)?;
    let printed = rest.strip_prefix(b" *").or_else(|| rest.strip_prefix(b"  "))?;
    let is_of_name = if is_escaped { unescaped(printed).is_some_and(|printed| printed == name) } else { printed == name };
    is_of_name.then(|| Digest::from_hex(algorithm, std::str::from_utf8(digits).ok()?)).flatten()
}

fn unescaped(printed: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut bytes = printed.iter();
    while let Some(&byte) = bytes.next() {
        name.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_nothing_in_quotes_that_shells_read_differently() {
        assert_eq!(quoted(b"/a b").unwrap(), b"'/a b'");
        assert_eq!(quoted(b"/it's").unwrap(), b"'/it'\\''s'");
        assert_eq!(quoted(b"\\'; rm !").unwrap(), b"''\\\\''\\''; rm '\\!''");
        assert_eq!(quoted(b"a\nb"), None);
    }

    #[cfg(unix)]
    #[test]
    fn every_byte_reaches_a_program_as_it_is() {
        use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
        let all: Vec<u8> = (1..=255).filter(|byte| !matches!(byte, b'\n' | b'\r')).chain(HARD.iter().copied()).collect();
        let command = std::ffi::OsString::from_vec([b"printf %s ", &quoted(&all).unwrap()[..]].concat());
        let said = std::process::Command::new("sh").arg("-c").arg(&command).output().unwrap().stdout;
        assert_eq!(std::ffi::OsStr::from_bytes(&said), std::ffi::OsStr::from_bytes(&all));
    }

    #[test]
    fn only_the_line_that_was_expected_is_taken() {
        let md5 = |output: &str, name: &str| digest_in(output.as_bytes(), DigestAlgorithm::Md5, name.as_bytes()).map(|d| d.to_string());
        let hex = "900150983cd24fb0d6963f7d28e17f72";
        assert_eq!(md5(&format!("{hex} */a b\n"), "/a b").as_deref(), Some(hex));
        assert_eq!(md5(&format!("{hex}  /a\n"), "/a").as_deref(), Some(hex));
        assert_eq!(md5(&format!("\\{hex} */a\\\\b\n"), "/a\\b").as_deref(), Some(hex));
        for (output, name) in [
            (format!("{hex} */a"), "/a"),
            (format!("{hex} */b\n"), "/a"),
            (format!("Welcome!\n{hex} */a\n"), "/a"),
            (format!("{hex} */a\n\n"), "/a"),
            (format!("{}g */a\n", &hex[..31]), "/a"),
            (format!("\\{hex} */a\\x\n"), "/ax"),
            (String::new(), "/a"),
        ] {
            assert_eq!(md5(&output, name), None, "{output}");
        }
    }
}
