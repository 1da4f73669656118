//! When the next frame may be drawn: at once for a person, rarely and on a byte budget for everything else. Pure; time comes in.

use std::time::Duration;

use tokio::time::Instant;

/// What made the screen out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Progress, and whatever else nobody just asked for.
    Background,
    /// What a person asked for came; part of the answer to a key if one was pressed lately.
    Answer,
    /// A key, a paste, a new size.
    Input,
}

/// The policy: 60 frames a second at most for input; for the background 4 a second out of a token bucket.
#[derive(Debug)]
pub struct Pace {
    last_frame: Option<Instant>,
    /// The last that a person waited for.
    last_answer: Option<Instant>,
    last_background: Option<Instant>,
    last_input: Option<Instant>,
    wanted: Option<Cause>,
    tokens: f64,
    counted: Instant,
}

impl Pace {
    /// Between two frames.
    pub const FRAME: Duration = Duration::from_millis(16);
    /// Between two frames of the background.
    pub const BACKGROUND: Duration = Duration::from_millis(250);
    /// Between two changes of numbers and words that only tell progress.
    pub const WORDS: Duration = Duration::from_secs(1);
    /// Bytes a second the background may write.
    pub const RATE: f64 = 1024.0;
    /// Bytes the background may write at once after a rest.
    pub const BURST: f64 = 4096.0;
    /// How long after a key what comes in counts as its answer.
    const ATTENTION: Duration = Duration::from_secs(2);

    /// Nothing drawn yet, nothing wanted.
    pub fn new(now: Instant) -> Self {
        Self {
            last_frame: None,
            last_answer: None,
            last_background: None,
            last_input: None,
            wanted: None,
            tokens: Self::BURST,
            counted: now,
        }
    }

    /// The screen is out of date.
    pub fn want(&mut self, cause: Cause, now: Instant) {
        if cause == Cause::Input {
            self.last_input = Some(now);
        }
        let attentive = self.last_input.is_some_and(|at| now.duration_since(at) < Self::ATTENTION);
        let cause = match cause {
            Cause::Answer if attentive => Cause::Input,
            Cause::Answer => Cause::Background,
            cause => cause,
        };
        self.wanted = self.wanted.max(Some(cause));
    }

    /// When a frame may be drawn; `None` while none is wanted.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let behind = |last: Option<Instant>| last.map_or(now, |at| at + Self::FRAME);
        match self.wanted? {
            Cause::Background => {
                let frame = behind(self.last_frame);
                let turn = self.last_background.map_or(now, |at| at + Self::BACKGROUND);
                let debt = (1.0 - self.tokens).max(0.0);
                Some(frame.max(turn).max(self.counted + Duration::from_secs_f64(debt / Self::RATE)))
            }
            // Nobody waits because of what the background drew just before.
            Cause::Answer | Cause::Input => Some(behind(self.last_answer)),
        }
    }

    /// A frame of so many bytes was drawn; nothing is wanted any more.
    pub fn drawn(&mut self, bytes: usize, now: Instant) {
        let earned = now.duration_since(self.counted).as_secs_f64() * Self::RATE;
        self.tokens = (self.tokens + earned).min(Self::BURST);
        self.counted = now;
        let cause = self.wanted.take();
        if cause == Some(Cause::Background) {
            self.last_background = Some(now);
            self.tokens -= bytes as f64;
        }
        if bytes > 0 {
            self.last_frame = Some(now);
            if cause != Some(Cause::Background) {
                self.last_answer = Some(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test(start_paused = true)]
    async fn input_is_drawn_at_once_and_then_sixty_times_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(start), None, "no timer while nothing is wanted");
        pace.want(Cause::Input, start);
        assert_eq!(pace.due(start), Some(start));
        pace.drawn(100, start);
        pace.want(Cause::Input, start);
        assert_eq!(pace.due(start), Some(start + Pace::FRAME));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_quick_only_for_who_waits_for_it() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.want(Cause::Background, start);
        pace.drawn(1, start);
        let later = start + Pace::FRAME;
        pace.want(Cause::Answer, later);
        assert_eq!(pace.due(later), Some(start + Pace::BACKGROUND));
        pace.want(Cause::Input, later);
        pace.drawn(1, later);
        pace.want(Cause::Answer, later + Pace::FRAME);
        assert_eq!(pace.due(later + Pace::FRAME), Some(later + Pace::FRAME));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_does_not_wait_behind_a_frame_of_the_background() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.want(Cause::Background, start);
        pace.drawn(100, start);
        pace.want(Cause::Input, start);
        assert_eq!(pace.due(start), Some(start));
        pace.drawn(100, start);
        pace.want(Cause::Input, start);
        assert_eq!(pace.due(start), Some(start + Pace::FRAME), "keys among themselves are sixty a second");
    }

    proptest! {
        /// Whatever frames cost: at most four a second, and the budget holds over every run.
        #[test]
        fn the_background_keeps_to_its_budget(sizes in proptest::collection::vec(0usize..3000, 1..200)) {
            let start = Instant::now();
            let mut pace = Pace::new(start);
            let mut now = start;
            let mut last = None;
            let mut written = 0;
            for bytes in sizes {
                pace.want(Cause::Background, now);
                now = pace.due(now).unwrap().max(now);
                if let Some(last) = last {
                    prop_assert!(now.duration_since(last) >= Pace::BACKGROUND);
                }
                let seconds = now.duration_since(start).as_secs_f64();
                prop_assert!(written as f64 <= Pace::BURST + Pace::RATE * seconds + 1.0, "{written} bytes after {seconds} s");
                pace.drawn(bytes, now);
                last = Some(now);
                written += bytes;
            }
        }
    }
}
