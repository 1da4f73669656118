//! How fast bytes may move: a bucket that fills at a rate, and who waits at it. The rate may change at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Holds bytes back to a rate. Whoever comes first goes first, so that files that share one go at one speed.
#[derive(Debug)]
pub struct Limiter {
    /// Read for every piece, so that no limit costs nothing.
    rate: AtomicU64,
    changed: watch::Sender<()>,
    /// Waiters stand in line at its lock.
    bucket: tokio::sync::Mutex<Bucket>,
    started: Instant,
}

impl Limiter {
    /// So many bytes per second; 0: as many as come.
    pub fn new(rate: u64) -> Self {
        Self { rate: AtomicU64::new(rate), changed: watch::Sender::new(()), bucket: tokio::sync::Mutex::default(), started: Instant::now() }
    }

    /// Bytes per second; 0: as many as come.
    pub fn rate(&self) -> u64 {
        self.rate.load(Ordering::Relaxed)
    }

    /// Another rate, which also holds for those who wait now.
    pub fn set_rate(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
        self.changed.send_replace(());
    }

    /// Waits until so many bytes may move. Dropped while it waits, it has taken nothing.
    pub async fn take(&self, bytes: u64) {
        if self.rate() == 0 {
            return;
        }
        let mut changed = self.changed.subscribe();
        let mut bucket = self.bucket.lock().await;
        loop {
            changed.mark_unchanged();
            let Some(wait) = bucket.take(self.started.elapsed(), self.rate(), bytes) else { return };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                Ok(()) = changed.changed() => {}
            }
        }
    }
}

/// What may move at once, in bytes. A piece may be larger than what is there: the next one then waits for longer.
#[derive(Debug, Default)]
struct Bucket {
    tokens: f64,
    /// Until when what was earned is counted.
    at: Duration,
}

impl Bucket {
    /// What is not used is kept for so long; more would come as a burst.
    const KEPT: f64 = 0.1;

    /// Takes so many bytes at `now`, or says how long to wait before asking again.
    fn take(&mut self, now: Duration, rate: u64, bytes: u64) -> Option<Duration> {
        let earned = now.saturating_sub(self.at).as_secs_f64() * rate as f64;
        self.at = now;
        if rate == 0 {
            self.tokens = 0.0;
            return None;
        }
        self.tokens = (self.tokens + earned).min(rate as f64 * Self::KEPT);
        if self.tokens >= 0.0 {
            self.tokens -= bytes as f64;
            return None;
        }
        // At least what a timer can tell, so that rounding does not make it spin.
        Some(Duration::try_from_secs_f64(-self.tokens / rate as f64).unwrap_or(Duration::MAX).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::task::JoinSet;

    use super::*;

    fn milliseconds(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_bucket_earns_owes_and_keeps_little() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(milliseconds(0), 1000, 500), None, "the first piece goes at once");
        assert_eq!(bucket.take(milliseconds(100), 1000, 1), Some(milliseconds(400)));
        assert_eq!(bucket.take(milliseconds(100), 4000, 1), Some(milliseconds(100)), "what is owed is paid at the new rate");
        assert_eq!(bucket.take(milliseconds(500), 1000, 1), None);
        assert_eq!(bucket.take(milliseconds(100_000), 1000, 150), None);
        assert_eq!(bucket.take(milliseconds(100_000), 1000, 1), Some(milliseconds(50)), "a long rest is no burst");
        assert_eq!(bucket.take(milliseconds(100_000), 0, u64::MAX), None, "no limit");
    }

    proptest! {
        /// Whatever the pieces are: over any run no more than rate, one piece, and what is kept moves.
        #[test]
        fn a_rate_holds(rate in 1u64..1_000_000, pieces in proptest::collection::vec(1u64..300_000, 1..100)) {
            let (mut bucket, mut now, mut moved) = (Bucket::default(), Duration::ZERO, 0);
            for &piece in &pieces {
                while let Some(wait) = bucket.take(now, rate, piece) {
                    now += wait;
                }
                prop_assert!(moved as f64 <= rate as f64 * (now.as_secs_f64() + Bucket::KEPT) + 300_000.0);
                moved += piece;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_share_a_limiter_share_it_evenly() {
        let limiter = Arc::new(Limiter::new(100_000));
        let counts: Vec<_> = (0..4).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let mut tasks = JoinSet::new();
        for count in &counts {
            let (limiter, count) = (limiter.clone(), count.clone());
            tasks.spawn(async move {
                loop {
                    limiter.take(1000).await;
                    count.fetch_add(1000, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        for count in &counts {
            let moved = count.load(Ordering::Relaxed);
            assert!((245_000..=255_000).contains(&moved), "{moved} of 250000");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_holds_at_once_for_all_who_wait() {
        let limiter = Arc::new(Limiter::new(1));
        limiter.take(1_000_000).await;
        let mut tasks = JoinSet::new();
        for _ in 0..3 {
            let limiter = limiter.clone();
            tasks.spawn(async move { limiter.take(1000).await });
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(tasks.try_join_next().is_none(), "they wait");
        let before = Instant::now();
        limiter.set_rate(0);
        while tasks.join_next().await.is_some() {}
        assert_eq!(before.elapsed(), Duration::ZERO);
        limiter.set_rate(1000);
        limiter.take(500).await;
        limiter.take(1).await;
        assert!(before.elapsed() >= milliseconds(400), "and a limit holds again");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_nothing() {
        let limiter = Limiter::new(1000);
        limiter.take(1000).await;
        let before = Instant::now();
        assert!(tokio::time::timeout(milliseconds(10), limiter.take(1_000_000)).await.is_err());
        limiter.take(1).await;
        assert!(before.elapsed() <= milliseconds(1100), "{:?}", before.elapsed());
    }
}
