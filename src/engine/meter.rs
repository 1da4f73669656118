//! Counting bytes as they move, and how fast. The clock is the caller's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::progress::FileProgress;

/// Counts the bytes of one file, and with them those of its job.
#[derive(Debug)]
pub struct Meter {
    name: String,
    total: Option<u64>,
    done: AtomicU64,
    job: Arc<AtomicU64>,
}

impl Meter {
    /// A meter at zero. `name` is safe to draw; `job` is the sum of a job's meters.
    pub fn new(name: String, total: Option<u64>, job: Arc<AtomicU64>) -> Self {
        Self { name, total, done: AtomicU64::new(0), job }
    }

    /// So many bytes more.
    pub fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.job.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Back to zero: what was moved did not count.
    pub fn restart(&self) {
        self.job.fetch_sub(self.done.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Begins at byte `at`, because those in front of it are there already.
    pub fn start_at(&self, at: u64) {
        self.restart();
        self.add(at);
    }

    /// How a screen shows it.
    pub fn progress(&self) -> FileProgress {
        FileProgress { name: self.name.clone(), done: self.done.load(Ordering::Relaxed), total: self.total }
    }
}

/// The speed over the last seconds, from sums looked at now and then.
#[derive(Debug, Default)]
pub struct Rate {
    samples: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// How far back it looks.
    pub const WINDOW: Duration = Duration::from_secs(5);

    /// Takes the sum of bytes at `now` (any clock that does not go back) and answers bytes per second.
    pub fn observe(&mut self, now: Duration, bytes: u64) -> f64 {
        self.samples.push_back((now, bytes));
        // The newest sample from before the window stays as the base to measure from.
        while self.samples.get(1).is_some_and(|&(at, _)| now.saturating_sub(at) >= Self::WINDOW) {
            self.samples.pop_front();
        }
        let Some(&(start, base)) = self.samples.front() else { return 0.0 };
        let elapsed = now.saturating_sub(start).as_secs_f64();
        // The sum shrinks when a file begins anew.
        if elapsed > 0.0 { bytes.saturating_sub(base) as f64 / elapsed } else { 0.0 }
    }
}

/// How long `bytes` more take at `rate` (bytes per second); `None` where that says nothing.
pub fn remaining(bytes: u64, rate: f64) -> Option<Duration> {
    (rate >= 1.0).then(|| Duration::try_from_secs_f64(bytes as f64 / rate).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rate_is_that_of_the_last_seconds() {
        let mut rate = Rate::default();
        let mut observe = |second, bytes| rate.observe(seconds(second), bytes).round() as u64;
        assert_eq!((observe(0, 0), observe(1, 100)), (0, 100));
        for second in 2..=20 {
            observe(second, 100);
        }
        assert_eq!(observe(21, 100), 0, "stalled");
        assert_eq!(observe(22, 700), 120);
        assert!(rate.samples.len() <= 7);
    }

    #[test]
    fn a_file_that_begins_anew_is_no_negative_rate() {
        let job = Arc::new(AtomicU64::new(0));
        let meter = Meter::new("x".to_owned(), Some(10), Arc::clone(&job));
        meter.add(7);
        meter.restart();
        meter.add(3);
        assert_eq!((job.load(Ordering::Relaxed), meter.progress().done), (3, 3));
        let mut rate = Rate::default();
        rate.observe(seconds(0), 7);
        assert!(rate.observe(seconds(1), 3) <= 0.0);
    }

    #[test]
    fn time_left_needs_a_rate() {
        assert_eq!(remaining(100, 10.0), Some(seconds(10)));
        assert_eq!(remaining(100, 0.0), None);
        assert_eq!(remaining(u64::MAX, 1.0), None, "longer than a Duration");
    }
}
