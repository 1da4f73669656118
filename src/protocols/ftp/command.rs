//! Command lines to a server (RFC 959 section 4.1). Sans-I/O.

use zeroize::Zeroizing;

use crate::model::{Charset, Unencodable, text};
use crate::secrets::Secret;

const TELNET_IAC: u8 = 0xFF;

/// One command line, checked: it is exactly one line.
#[derive(Clone)]
pub struct Command {
    verb: &'static str,
    argument: Option<Zeroizing<Vec<u8>>>,
    is_secret: bool,
    /// What a name in the argument is written in.
    charset: Option<Charset>,
}

/// Why an argument is refused. Nothing is stripped or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// It holds CR, LF or NUL and would become more than one line.
    #[error("it contains a line break or NUL, which no FTP command can carry")]
    LineBreak,
    /// The charset of the site lacks a character.
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
    /// The same in a secret, of which nothing is told.
    #[error("the secret has a character without a form in {0}, the charset that is set for this site")]
    UnencodableSecret(Charset),
}

impl Command {
    /// A command without argument.
    pub fn new(verb: &'static str) -> Self {
        Self { verb, argument: None, is_secret: false, charset: None }
    }

    /// A command with an argument: bytes as they are sent, a number, a word.
    pub fn with(verb: &'static str, argument: impl AsRef<[u8]>) -> Result<Self, Unsendable> {
        let argument = argument.as_ref();
        if argument.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(Unsendable::LineBreak);
        }
        Ok(Self { verb, argument: Some(Zeroizing::new(argument.to_vec())), is_secret: false, charset: None })
    }

    /// A command about a path, or a user: the names in `argument` are sent in `charset`.
    pub fn about(verb: &'static str, argument: impl AsRef<[u8]>, charset: Option<Charset>) -> Result<Self, Unsendable> {
        let Some(charset) = charset else { return Self::with(verb, argument) };
        Ok(Self { charset: Some(charset), ..Self::with(verb, charset.encode_path(argument.as_ref())?)? })
    }

    /// A command whose argument, sent in `charset`, is never logged.
    pub fn secret(verb: &'static str, secret: &Secret, charset: Option<Charset>) -> Result<Self, Unsendable> {
        let Some(charset) = charset else { return Ok(Self { is_secret: true, ..Self::with(verb, secret.expose())? }) };
        let encoded = charset.encode_text(secret.expose()).map_err(|_| Unsendable::UnencodableSecret(charset))?;
        let encoded = Zeroizing::new(encoded.into_owned());
        Ok(Self { is_secret: true, ..Self::with(verb, encoded.as_slice())? })
    }

    /// The verb, for telling what was under way.
    pub fn verb(&self) -> &'static str {
        self.verb
    }

    /// The line with its end. `telnet`: the byte 0xFF is written twice (RFC 959 section 4, RFC 854), as a server that
    /// reads Telnet expects it; a server that does not would take both bytes for the name's.
    pub fn line(&self, telnet: bool) -> Zeroizing<Vec<u8>> {
        let argument = self.argument.as_ref().map_or(&[][..], |argument| argument);
        // Reserved for the worst case, so that no copy of a secret is left behind by growing.
        let mut line = Zeroizing::new(Vec::with_capacity(self.verb.len() + 1 + 2 * argument.len() + 2));
        line.extend_from_slice(self.verb.as_bytes());
        if self.argument.is_some() {
            line.push(b' ');
        }
        for &byte in argument {
            line.push(byte);
            if telnet && byte == TELNET_IAC {
                line.push(byte);
            }
        }
        line.extend_from_slice(b"\r\n");
        line
    }

    /// The line as a log shows it: safe to draw, `PASS ****`.
    pub fn logged(&self) -> String {
        match &self.argument {
            None => self.verb.to_owned(),
            Some(_) if self.is_secret => format!("{} ****", self.verb),
            Some(argument) => {
                let shown = self.charset.map(|charset| charset.decode_line(argument));
                format!("{} {}", self.verb, text::display_safe(shown.as_deref().unwrap_or(argument)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_refused() {
        for argument in [&b"a\rb"[..], b"a\nDELE b", b"a\0", b"\r\n"] {
            assert_eq!(Command::with("CWD", argument).err(), Some(Unsendable::LineBreak));
        }
        assert_eq!(Command::secret("PASS", &Secret::new("a\r\nDELE b".into()), None).err(), Some(Unsendable::LineBreak));
    }

    #[test]
    fn lines() {
        let command = Command::with("CWD", b" a\xffb ").unwrap();
        assert_eq!(command.line(true).as_slice(), b"CWD  a\xff\xffb \r\n");
        assert_eq!(command.line(false).as_slice(), b"CWD  a\xffb \r\n");
        assert_eq!(Command::new("NOOP").line(true).as_slice(), b"NOOP\r\n");
    }

    #[test]
    fn a_password_is_not_logged() {
        let command = Command::secret("PASS", &Secret::new("hunter2".into()), None).unwrap();
        assert_eq!(command.logged(), "PASS ****");
        assert_eq!(command.line(true).as_slice(), b"PASS hunter2\r\n");
        assert_eq!(Command::with("CWD", b"\x1b[2J").unwrap().logged(), "CWD \\x1b[2J");
    }
    #[test]
    fn names_are_sent_in_the_charset_of_the_site() {
        let charset = Charset::parse("windows-1251").ok();
        let command = Command::about("SITE", "CHMOD 644 /я/a", charset).unwrap();
        assert_eq!(command.line(true).as_slice(), b"SITE CHMOD 644 /\xff\xff/a\r\n");
        assert_eq!(command.logged(), "SITE CHMOD 644 /я/a");
        assert_eq!(Command::secret("PASS", &Secret::new("я".into()), charset).unwrap().line(false).as_slice(), b"PASS \xff\r\n");
        let refused = Command::secret("PASS", &Secret::new("Ü☃".into()), charset).err().unwrap();
        assert!(!refused.to_string().contains(['☃', 'Ü']), "{refused}");
    }
}
