//! The ends of lines in ASCII transfers (RFC 959 section 3.1.1.1): CR LF on the line, LF here.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Makes LF of CR LF, over as many pieces as it comes in. Every other CR stays.
#[derive(Debug, Default)]
pub(super) struct FromNetwork {
    /// The last byte was a CR that is held back until the next is known.
    holds_cr: bool,
}

impl FromNetwork {
    pub(super) fn take(&mut self, piece: &[u8], lines: &mut BytesMut) {
        lines.reserve(piece.len() + 1);
        for &byte in piece {
            if std::mem::take(&mut self.holds_cr) && byte != b'\n' {
                lines.put_u8(b'\r');
            }
            if byte == b'\r' {
                self.holds_cr = true;
            } else {
                lines.put_u8(byte);
            }
        }
    }

    /// What is still held back.
    pub(super) fn finish(&mut self, lines: &mut BytesMut) {
        if std::mem::take(&mut self.holds_cr) {
            lines.put_u8(b'\r');
        }
    }
}

/// Makes CR LF of LF, over as many pieces as it comes in. What is CR LF already stays.
#[derive(Debug, Default)]
pub(super) struct ToNetwork {
    ended_in_cr: bool,
}

impl ToNetwork {
    pub(super) fn take(&mut self, piece: &[u8]) -> Bytes {
        let mut lines = BytesMut::with_capacity(piece.len() + piece.len() / 16 + 2);
        for &byte in piece {
            if byte == b'\n' && !self.ended_in_cr {
                lines.put_u8(b'\r');
            }
            lines.put_u8(byte);
            self.ended_in_cr = byte == b'\r';
        }
        lines.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_network(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut from, mut lines) = (FromNetwork::default(), BytesMut::new());
        for piece in pieces {
            from.take(piece, &mut lines);
        }
        from.finish(&mut lines);
        lines.to_vec()
    }

    fn to_network(pieces: &[&[u8]]) -> Vec<u8> {
        let mut to = ToNetwork::default();
        pieces.iter().flat_map(|piece| to.take(piece)).collect()
    }

    #[test]
    fn ends_of_lines() {
        assert_eq!(from_network(&[b"a\r", b"\nb\rc\r\r\n\n", b"\r"]), b"a\nb\rc\r\n\n\r");
        assert_eq!(to_network(&[b"a\nb\r", b"\nc\rd\n"]), b"a\r\nb\r\nc\rd\r\n");
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_went_however_it_is_cut(text in "[ab\n]{0,40}", cut in 1usize..7) {
            let sent = to_network(&text.as_bytes().chunks(cut).collect::<Vec<_>>());
            prop_assert_eq!(from_network(&sent.chunks(cut).collect::<Vec<_>>()), text.into_bytes());
        }
    }
}
