//! Replies of a server (RFC 959 section 4.2) out of bytes. Sans-I/O: it is fed, and gives replies or an error.

use bytes::{Buf as _, BytesMut};

use crate::model::{Charset, text};

/// The longest reply line we hold, in bytes.
pub const MAX_LINE: usize = 8 * 1024;
/// The longest multi-line reply we hold, in bytes.
pub const MAX_REPLY: usize = 64 * 1024;

const TELNET_IAC: u8 = 0xFF;

/// One complete reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits, 100 to 599.
    pub code: u16,
    /// The lines without code and line end, as bytes; never empty.
    pub lines: Vec<Vec<u8>>,
    /// What they are written in, for showing them; `None`: UTF-8.
    charset: Option<Charset>,
}

impl Reply {
    /// A reply of these lines.
    pub fn new(code: u16, lines: Vec<Vec<u8>>) -> Self {
        Self { code, lines, charset: None }
    }

    /// 1xx: another reply follows.
    pub fn is_preliminary(&self) -> bool {
        self.code < 200
    }

    /// 2xx: done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4xx or 5xx: not done.
    pub fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// The text of the last line, as bytes.
    pub fn last_line(&self) -> &[u8] {
        self.lines.last().map_or(&[], Vec::as_slice)
    }

    /// All lines joined by a space and made safe to draw or log, without the code.
    pub fn text(&self) -> String {
        let shown = |line: &Vec<u8>| match self.charset {
            Some(charset) => text::display_safe(charset.decode_line(line).trim_ascii()),
            None => text::display_safe(line.trim_ascii()),
        };
        let lines: Vec<String> = self.lines.iter().map(shown).collect();
        lines.join(" ").trim().to_owned()
    }

    /// Code and text, as a person quotes it to an administrator.
    pub fn quote(&self) -> String {
        format!("{} {}", self.code, self.text()).trim_end().to_owned()
    }
}

/// What came is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line has no end within [`MAX_LINE`].
    #[error("a reply line is longer than {MAX_LINE} bytes")]
    LineTooLong,
    /// A multi-line reply has no end within [`MAX_REPLY`].
    #[error("a reply is longer than {MAX_REPLY} bytes")]
    ReplyTooLong,
    /// A reply does not begin with three digits and a space or hyphen. The line, made safe.
    #[error("a reply was expected, but this came: {0}")]
    NoReply(String),
}

/// Collects bytes and takes replies off them.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    /// What was received and is not yet part of a line. The driver reads into it.
    pub buffer: BytesMut,
    /// What the server's texts are written in; `None`: UTF-8.
    pub charset: Option<Charset>,
    started: Option<Reply>,
    size: usize,
    searched: usize,
}

impl ReplyDecoder {
    /// Whether nothing is held: no byte and no half reply.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.started.is_none()
    }

    /// The next complete reply, or `None` where more bytes are needed.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.next_line()? {
            self.size += line.len();
            if self.size > MAX_REPLY {
                return Err(ReplyError::ReplyTooLong);
            }
            let ended = match &mut self.started {
                None => {
                    let (code, more, rest) = split_code(&line).ok_or_else(|| ReplyError::NoReply(text::display_safe(&line)))?;
                    self.started = Some(Reply { code, lines: vec![rest.to_vec()], charset: self.charset });
                    !more
                }
                Some(reply) => match split_code(&line) {
                    Some((code, more, rest)) if code == reply.code => {
                        reply.lines.push(rest.to_vec());
                        !more
                    }
                    _ => {
                        reply.lines.push(line);
                        false
                    }
                },
            };
            if ended {
                self.size = 0;
                return Ok(self.started.take());
            }
        }
        Ok(None)
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReplyError> {
        let end = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n').map(|at| at + self.searched);
        self.searched = self.buffer.len();
        if end.unwrap_or(self.buffer.len()) > MAX_LINE {
            return Err(ReplyError::LineTooLong);
        }
        let Some(end) = end else { return Ok(None) };
        self.searched = 0;
        let line = self.buffer.split_to(end);
        self.buffer.advance(1);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Ok(Some(undouble(line)))
    }
}

/// Code, whether more lines follow, and the text behind. A bare code without a space ends a reply, too.
fn split_code(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = digits.iter().try_fold(0, |code, byte| byte.is_ascii_digit().then(|| code * 10 + u16::from(byte - b'0')))?;
    match rest {
        _ if !(100..600).contains(&code) => None,
        [] => Some((code, false, rest)),
        [b' ', rest @ ..] => Some((code, false, rest)),
        [b'-', rest @ ..] => Some((code, true, rest)),
        _ => None,
    }
}

/// Telnet writes the byte 0xFF twice (RFC 854). A single one stays: not every server doubles.
fn undouble(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        bytes.push(byte);
        if byte == TELNET_IAC {
            rest.next_if_eq(&TELNET_IAC);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut decoder = ReplyDecoder::default();
        decoder.buffer.extend_from_slice(bytes);
        std::iter::from_fn(|| decoder.next_reply().transpose()).collect()
    }

    #[test]
    fn single_and_multi_line_replies() {
        let replies = decode(b"220-Hello\r\n 230 not the end\r\n226 another code is text\r\n220-still\r\n220 ready\r\n200\n").unwrap();
        assert_eq!(replies.len(), 2);
        assert_eq!(replies[0].code, 220);
        assert_eq!(replies[0].text(), "Hello 230 not the end 226 another code is text still ready");
        assert_eq!(replies[1], Reply::new(200, vec![Vec::new()]));
    }

    #[test]
    fn telnet_doubling_is_taken_back() {
        assert_eq!(decode(b"257 \"/a\xff\xffb\xff\"\r\n").unwrap()[0].last_line(), b"\"/a\xffb\xff\"");
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for line in ["SSH-2.0-x\r\n", "2200 x\r\n", "22 x\r\n", "099 x\r\n", "\r\n", "600 x\r\n"] {
            assert!(matches!(decode(line.as_bytes()), Err(ReplyError::NoReply(_))), "{line:?}");
        }
    }

    #[test]
    fn nothing_without_end_is_held() {
        assert_eq!(decode(&vec![b'2'; MAX_LINE + 1]), Err(ReplyError::LineTooLong));
        let mut endless = b"220-\r\n".to_vec();
        endless.extend(b"x".repeat(1000).into_iter().chain(*b"\r\n").collect::<Vec<_>>().repeat(70));
        assert_eq!(decode(&endless), Err(ReplyError::ReplyTooLong));
    }

    proptest! {
        #[test]
        fn cutting_the_stream_changes_nothing(bytes in "(2[0-9]{2}[ -][a-z\r]{0,5}\r?\n){0,6}", cut in 1usize..7) {
            let mut decoder = ReplyDecoder::default();
            let mut replies = Vec::new();
            for piece in bytes.as_bytes().chunks(cut) {
                decoder.buffer.extend_from_slice(piece);
                while let Some(reply) = decoder.next_reply().unwrap() {
                    replies.push(reply);
                }
            }
            prop_assert_eq!(replies, decode(bytes.as_bytes()).unwrap());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _outcome = decode(&bytes);
        }
    }
}
