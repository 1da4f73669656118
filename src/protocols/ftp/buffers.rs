//! The memory a download is read into: what was handed on is used again once it is written, so that no fresh pages are
//! asked of the system for each piece.

use std::collections::VecDeque;

use bytes::BytesMut;

/// How much is read at once, in bytes.
pub(super) const READ_SIZE: usize = 256 * 1024;
/// Pieces whose memory is waited for: one is written, one gathered, one on its way.
const MOST_LENT: usize = 4;

/// One buffer to read into, and those that were handed on.
#[derive(Default)]
pub(super) struct Buffers {
    now: BytesMut,
    /// An end of each piece that was handed on: with the piece gone, all of its memory belongs to it.
    lent: VecDeque<BytesMut>,
}

impl Buffers {
    /// A buffer with room for [`READ_SIZE`] bytes, empty unless something was read into it already.
    pub(super) fn now(&mut self) -> &mut BytesMut {
        if self.now.capacity() < READ_SIZE {
            let back = self.lent.iter_mut().position(|lent| lent.try_reclaim(READ_SIZE));
            let back = back.and_then(|at| self.lent.remove(at));
            self.now = back.unwrap_or_else(|| BytesMut::with_capacity(READ_SIZE));
        }
        &mut self.now
    }

    /// What was read, to be handed on.
    pub(super) fn hand_on(&mut self) -> BytesMut {
        let piece = self.now.split();
        if self.lent.len() == MOST_LENT {
            self.lent.pop_front();
        }
        self.lent.push_back(std::mem::take(&mut self.now));
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(buffers: &mut Buffers, bytes: &[u8]) -> BytesMut {
        buffers.now().extend_from_slice(bytes);
        buffers.hand_on()
    }

    #[test]
    fn memory_comes_back_once_nobody_reads_it_any_more() {
        let mut buffers = Buffers::default();
        let first = piece(&mut buffers, b"first").freeze();
        let held = first.clone();
        let second = piece(&mut buffers, b"second");
        let places = [held.as_ptr(), second.as_ptr()];
        assert_ne!(places[0], places[1]);
        drop((first, second));
        assert_eq!(piece(&mut buffers, b"third").as_ptr(), places[1]);
        assert_eq!(held, "first", "what is still held is not written over");
        drop(held);
        assert_eq!(piece(&mut buffers, &vec![0; READ_SIZE]).as_ptr(), places[0]);
        for _ in 0..3 * MOST_LENT {
            let lent = piece(&mut buffers, b"more");
            std::mem::forget(lent.freeze());
        }
        assert_eq!(buffers.lent.len(), MOST_LENT);
    }
}
