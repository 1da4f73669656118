//! In which order jobs go, and which may go now. Pure: neither clock nor task.

use jiff::Timestamp;

use super::job::{JobId, Place};
use super::order::{Priority, Shift};
use super::progress::JobState;

/// The jobs in their order. Those that are not over stand by priority, the most urgent first.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    /// Jobs that run at once.
    most: usize,
    entries: Vec<Entry<T>>,
}

/// A job as the schedule sees it.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) id: JobId,
    pub(super) job: T,
    pub(super) state: JobState,
    pub(super) priority: Priority,
    places: [Place; 2],
}

impl<T> Schedule<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), entries: Vec::new() }
    }

    /// Jobs that run at once; at least one. What runs already runs on.
    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most.max(1);
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Behind all others of its priority.
    pub(super) fn add(&mut self, id: JobId, job: T, state: JobState, priority: Priority, places: [Place; 2]) {
        self.insert(Entry { id, job, state, priority, places });
    }

    pub(super) fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    pub(super) fn get(&self, id: JobId) -> Option<&Entry<T>> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The state of a job that is not over.
    pub(super) fn state(&mut self, id: JobId) -> Option<&mut JobState> {
        self.entries.iter_mut().find(|entry| entry.id == id && !entry.state.is_over()).map(|entry| &mut entry.state)
    }

    /// A job is over, or ended in another way than was said before.
    pub(super) fn over(&mut self, id: JobId, state: JobState) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.state = state;
        }
    }

    /// Forgets the jobs that are over and that `forgotten` picks.
    pub(super) fn forget(&mut self, forgotten: impl Fn(&Entry<T>) -> bool) {
        self.entries.retain(|entry| !entry.state.is_over() || !forgotten(entry));
    }

    /// Puts a job elsewhere. One that passes another of a different priority takes that one's.
    pub(super) fn shift(&mut self, id: JobId, shift: Shift) {
        let open: Vec<usize> = (0..self.entries.len()).filter(|&at| !self.entries[at].state.is_over()).collect();
        let Some(row) = open.iter().position(|&at| self.entries[at].id == id) else { return };
        let (at, to) = match shift {
            Shift::Up if row > 0 => (open[row], open[row - 1]),
            Shift::Down if row + 1 < open.len() => (open[row], open[row + 1]),
            Shift::Top if row > 0 => (open[row], open[0]),
            Shift::Up | Shift::Down | Shift::Top => return,
        };
        let priority = self.entries[to].priority;
        let mut entry = self.entries.remove(at);
        entry.priority = priority;
        self.entries.insert(to, entry);
    }

    /// Another priority: it goes behind all others of that one.
    pub(super) fn prioritise(&mut self, id: JobId, priority: Priority) {
        if let Some(at) = self.entries.iter().position(|entry| entry.id == id && !entry.state.is_over() && entry.priority != priority) {
            let mut entry = self.entries.remove(at);
            entry.priority = priority;
            self.insert(entry);
        }
    }

    /// The jobs that are not over with a number each that grows along their order: their own in another order, so that whatever
    /// comes later has a higher one.
    pub(super) fn places(&self) -> impl Iterator<Item = (u64, &Entry<T>)> {
        let open = || self.entries.iter().filter(|entry| !entry.state.is_over());
        let mut places: Vec<u64> = open().map(|entry| entry.id.0).collect();
        places.sort_unstable();
        places.into_iter().zip(open())
    }

    /// When the next job is to start that waits for a time.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        let time = |entry: &Entry<T>| if let JobState::Scheduled(at) = entry.state { Some(at) } else { None };
        self.entries.iter().filter_map(time).min()
    }

    /// The jobs that may go now become running ones. `alone`: at this place one job works at a time.
    pub(super) fn start(&mut self, now: Timestamp, alone: impl Fn(Place) -> bool) -> Vec<&T> {
        let mut started = Vec::new();
        for at in 0..self.entries.len() {
            if matches!(self.entries[at].state, JobState::Scheduled(time) if time <= now) {
                self.entries[at].state = JobState::Waiting;
            }
            if self.entries[at].state == JobState::Waiting && self.may_go(self.entries[at].places, &alone) {
                self.entries[at].state = JobState::Running;
                started.push(at);
            }
        }
        started.into_iter().map(|at| &self.entries[at].job).collect()
    }

    fn may_go(&self, places: [Place; 2], alone: impl Fn(Place) -> bool) -> bool {
        let mut running = 0;
        for entry in self.entries.iter().filter(|entry| entry.state.has_turn()) {
            running += 1;
            if entry.places.iter().any(|place| places.contains(place) && alone(*place)) {
                return false;
            }
        }
        running < self.most
    }

    fn insert(&mut self, entry: Entry<T>) {
        let before = self.entries.iter().position(|other| !other.state.is_over() && other.priority < entry.priority);
        self.entries.insert(before.unwrap_or(self.entries.len()), entry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::SessionId;

    const SITE: Place = Place::Remote(SessionId(1));
    const LIMITED: Place = Place::Remote(SessionId(2));

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Jobs 1, 2, … between this machine and these places; each job is its number.
    fn schedule(most: usize, places: &[Place]) -> Schedule<u64> {
        let mut schedule = Schedule::new(most);
        for (id, place) in (1..).zip(places) {
            schedule.add(JobId(id), id, JobState::Waiting, Priority::Normal, [Place::Local, *place]);
        }
        schedule
    }

    fn start(schedule: &mut Schedule<u64>, now: i64) -> Vec<u64> {
        schedule.start(second(now), |place| place == LIMITED).into_iter().copied().collect()
    }

    fn order(schedule: &Schedule<u64>) -> Vec<u64> {
        schedule.entries().iter().map(|entry| entry.job).collect()
    }

    #[test]
    fn so_many_at_once_in_their_order() {
        let mut schedule = schedule(2, &[SITE; 4]);
        assert_eq!(start(&mut schedule, 0), [1, 2]);
        assert!(start(&mut schedule, 0).is_empty());
        *schedule.state(JobId(1)).unwrap() = JobState::Finished;
        assert!(schedule.state(JobId(1)).is_none(), "over is over");
        assert_eq!(start(&mut schedule, 0), [3]);
        *schedule.state(JobId(2)).unwrap() = JobState::Pausing;
        assert!(start(&mut schedule, 0).is_empty(), "what pauses still has its place");
        *schedule.state(JobId(2)).unwrap() = JobState::Paused;
        assert_eq!(start(&mut schedule, 0), [4]);
        schedule.set_most(3);
        *schedule.state(JobId(2)).unwrap() = JobState::Waiting;
        assert_eq!(start(&mut schedule, 0), [2]);
    }

    #[test]
    fn where_one_job_works_at_a_time_others_let_those_behind_them_pass() {
        let mut schedule = schedule(3, &[LIMITED, LIMITED, SITE]);
        assert_eq!(start(&mut schedule, 0), [1, 3]);
        *schedule.state(JobId(1)).unwrap() = JobState::Cancelled;
        assert_eq!(start(&mut schedule, 0), [2]);
    }

    #[test]
    fn a_time_is_waited_for_and_holding_waits_for_a_person() {
        let mut schedule = schedule(2, &[SITE; 3]);
        *schedule.state(JobId(1)).unwrap() = JobState::Scheduled(second(100));
        *schedule.state(JobId(2)).unwrap() = JobState::Held;
        assert_eq!((start(&mut schedule, 99), schedule.next_time()), (vec![3], Some(second(100))));
        assert_eq!((start(&mut schedule, 100), schedule.next_time()), (vec![1], None));
        assert!(start(&mut schedule, i64::from(u32::MAX)).is_empty());
    }

    #[test]
    fn order_and_priority() {
        let mut schedule = schedule(1, &[SITE; 4]);
        schedule.shift(JobId(3), Shift::Up);
        schedule.shift(JobId(1), Shift::Down);
        assert_eq!(order(&schedule), [3, 1, 2, 4]);
        schedule.shift(JobId(4), Shift::Top);
        schedule.shift(JobId(4), Shift::Up);
        schedule.shift(JobId(2), Shift::Down);
        assert_eq!(order(&schedule), [4, 3, 1, 2]);
        schedule.prioritise(JobId(2), Priority::High);
        schedule.prioritise(JobId(4), Priority::Low);
        assert_eq!(order(&schedule), [2, 3, 1, 4]);
        schedule.add(JobId(5), 5, JobState::Waiting, Priority::Normal, [Place::Local, SITE]);
        assert_eq!(order(&schedule), [2, 3, 1, 5, 4]);
        schedule.shift(JobId(3), Shift::Up);
        assert_eq!(schedule.get(JobId(3)).unwrap().priority, Priority::High, "who stands before an urgent one is urgent");
        *schedule.state(JobId(1)).unwrap() = JobState::Finished;
        schedule.shift(JobId(5), Shift::Up);
        assert_eq!(order(&schedule), [3, 5, 2, 1, 4], "past what is over");
        schedule.forget(|entry| entry.job < 3);
        assert_eq!(order(&schedule), [3, 5, 2, 4], "only what is over is forgotten");
    }

    #[test]
    fn places_are_the_numbers_of_what_is_open_in_its_order() {
        let mut schedule = schedule(1, &[SITE; 4]);
        schedule.shift(JobId(3), Shift::Top);
        *schedule.state(JobId(2)).unwrap() = JobState::Finished;
        let places: Vec<_> = schedule.places().map(|(place, entry)| (place, entry.job)).collect();
        assert_eq!(places, [(1, 3), (3, 1), (4, 4)]);
    }

    proptest! {
        /// Whatever is done to it: by priority, never too many at once, and none is lost.
        #[test]
        fn the_order_holds(acts in proptest::collection::vec((0u8..7, 1u64..8), 0..60)) {
            let mut schedule = schedule(2, &[SITE; 7]);
            for (act, id) in acts {
                let id = JobId(id);
                match act {
                    0 => schedule.shift(id, Shift::Up),
                    1 => schedule.shift(id, Shift::Down),
                    2 => schedule.shift(id, Shift::Top),
                    3 => schedule.prioritise(id, Priority::High),
                    4 => schedule.prioritise(id, Priority::Low),
                    5 => drop(start(&mut schedule, 0)),
                    _ => if let Some(state) = schedule.state(id) { *state = JobState::Finished },
                }
                let open: Vec<_> = schedule.entries().iter().filter(|entry| !entry.state.is_over()).map(|entry| entry.priority).collect();
                prop_assert!(open.is_sorted_by(|one, next| one >= next), "{open:?}");
                prop_assert!(schedule.entries().iter().filter(|entry| entry.state.has_turn()).count() <= 2);
                prop_assert_eq!(schedule.entries().len(), 7);
            }
        }
    }
}
