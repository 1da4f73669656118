//! How many blocks of a file are kept under way: what the line carries in two turns, so that it is never idle, and little
//! more, so that neither memory nor a slow line fills up with what nobody waits for yet.

use std::time::Duration;

use tokio::time::Instant;

/// At the start, before anything is known, in bytes; the blocks this makes, at least and at most.
const FIRST: u64 = 4 << 20;
const FIRST_BLOCKS: (u64, u64) = (16, 64);
/// Bytes at most, whatever the line carries.
const MOST: u64 = 48 << 20;
const MOST_BLOCKS: u64 = 768;
/// Even where a single one takes long.
const LEAST: usize = 2;
/// Less than this only where it would take longer than [`QUEUE`] to pass.
const USUAL_LEAST: usize = 8;
const QUEUE: Duration = Duration::from_secs(1);
/// Beside two turns: for pauses of the other side, and of ours.
const SLACK: Duration = Duration::from_millis(10);

/// Follows how fast blocks are answered.
pub(super) struct Pace {
    /// Bytes of a block.
    block: u64,
    blocks: usize,
    /// The shortest time from a request to its answer: without waiting behind others.
    turn: Duration,
    since: Instant,
    bytes: u64,
    /// Bytes per second in the last round.
    rate: f64,
}

impl Pace {
    /// For blocks of so many bytes.
    pub(super) fn new(block: u64) -> Self {
        let blocks = (FIRST / block.max(1)).clamp(FIRST_BLOCKS.0, FIRST_BLOCKS.1) as usize;
        Self { block: block.max(1), blocks, turn: Duration::MAX, since: Instant::now(), bytes: 0, rate: 0.0 }
    }

    /// Blocks have another size from now on.
    pub(super) fn resize(&mut self, block: u64) {
        self.block = block.max(1);
    }

    /// How many blocks should be under way.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Bytes per second, as far as known.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// A block that was asked for at `asked` was answered.
    pub(super) fn answered(&mut self, bytes: u64, asked: Instant) {
        let now = Instant::now();
        self.turn = self.turn.min(now - asked);
        self.bytes += bytes;
        if self.bytes < self.blocks as u64 * self.block {
            return;
        }
        self.rate = self.bytes as f64 / (now - self.since).as_secs_f64().max(1e-6);
        let in_time = |time: Duration| (self.rate * time.as_secs_f64() / self.block as f64) as usize + 1;
        let wanted = in_time(self.turn * 2 + SLACK).max(in_time(QUEUE).min(USUAL_LEAST));
        let most = (MOST / self.block).min(MOST_BLOCKS) as usize;
        self.blocks = wanted.clamp(self.blocks / 2, self.blocks * 2).min(most).max(LEAST);
        (self.since, self.bytes) = (now, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const BLOCK: u64 = 255 * 1024;

    /// The blocks under way after a while on a line of so many bytes per second, where the first is answered after `turn`.
    async fn settled(rate: f64, turn: Duration) -> usize {
        let mut pace = Pace::new(BLOCK);
        let one = Duration::from_secs_f64(BLOCK as f64 / rate);
        let (mut asked, mut free) = (VecDeque::new(), Instant::now());
        for _ in 0..5000 {
            while asked.len() < pace.blocks() {
                asked.push_back(Instant::now());
            }
            let at = asked.pop_front().unwrap();
            free = (free + one).max(at + turn + one);
            tokio::time::advance(free - Instant::now()).await;
            pace.answered(BLOCK, at);
        }
        pace.blocks()
    }

    #[tokio::test(start_paused = true)]
    async fn it_fills_a_long_line_and_not_the_memory() {
        let mib = |number: u32| f64::from(number << 20);
        let far = settled(mib(200), Duration::from_millis(50)).await;
        assert!((45..100).contains(&far), "200 MiB/s at 50 ms are 40 blocks: {far}");
        let near = settled(mib(600), Duration::from_millis(1)).await;
        assert!((USUAL_LEAST..40).contains(&near), "{near}");
        let slow = settled(mib(1) / 10.0, Duration::from_millis(50)).await;
        assert!((LEAST..5).contains(&slow), "{slow}");
        assert_eq!(settled(mib(2000), Duration::from_secs(1)).await as u64, MOST / BLOCK);
    }
}
