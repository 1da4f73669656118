//! The panel of the jobs: what is under way and waits, what is done, what failed. It remembers the row it stands on by what that
//! row is of, since rows come and go while one looks.

use super::{Command, Next, StopDialog, letter, moved};
use crate::app::effect::Effect;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::transfers::{Transfers, failure_message, report_message};
use crate::engine::{Again, JobId, JobProgress, JobState, Priority, QueueOrder, Shift, When};
use crate::model::bytes;

/// The jobs.
#[derive(Default)]
pub struct TransfersDialog {
    /// Which of them.
    pub section: Section,
    /// What the cursor stands on; where that is gone, what took its place.
    at: Option<Row>,
    row: usize,
    /// What is typed, while something is asked.
    pub asking: Option<Asking>,
}

/// A part of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Section {
    /// What is under way, waits or is held.
    #[default]
    Queue,
    /// What is through and was well, the newest first.
    Done,
    /// What failed or was stopped, the newest first.
    Failed,
}

/// A row of a section: a job, or one of the files that failed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The job.
    pub job: JobId,
    /// Which of its failures.
    pub failure: Option<usize>,
}

/// Something the panel wants to know.
pub struct Asking {
    /// What.
    pub about: AskedFor,
    /// What is typed.
    pub input: Input,
    /// Enter was pressed, and it cannot be understood.
    pub is_wrong: bool,
}

/// What an [`Asking`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedFor {
    /// When this job is to begin.
    Start(JobId),
    /// How fast this one may be, or all together.
    Limit(Option<JobId>),
}

impl Section {
    /// All, from the left.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Done, Self::Failed];

    /// Whether a job stands in it.
    pub fn has(self, job: &JobProgress) -> bool {
        match self {
            Self::Queue => !job.state.is_over(),
            Self::Done => job.state == JobState::Finished,
            Self::Failed => matches!(job.state, JobState::Failed | JobState::Cancelled),
        }
    }

    /// Its rows.
    pub fn rows(self, transfers: &Transfers) -> Vec<Row> {
        let mut rows = Vec::new();
        for job in transfers.jobs().iter().filter(|job| self.has(job)) {
            let failures = job.report.as_ref().filter(|_| self == Self::Failed).map_or(0, |report| report.failures.len());
            let files = (0..failures).map(|at| Row { job: job.id, failure: Some(at) });
            let block = std::iter::once(Row { job: job.id, failure: None }).chain(files);
            // The newest come first among what is over.
            let before = if self == Self::Queue { rows.len() } else { 0 };
            rows.splice(before..before, block);
        }
        rows
    }
}

impl TransfersDialog {
    /// The panel where a person wants to look: at what is under way, else at what failed.
    pub(in crate::app) fn new(transfers: &Transfers) -> Self {
        let any = |section: &Section| transfers.jobs().iter().any(|job| section.has(job));
        let section = [Section::Queue, Section::Failed, Section::Done].into_iter().find(any).unwrap_or_default();
        Self { section, ..Self::default() }
    }

    /// The row of the cursor among `rows`.
    pub fn cursor(&self, rows: &[Row]) -> usize {
        let same = self.at.and_then(|at| rows.iter().position(|row| *row == at));
        same.unwrap_or(self.row).min(rows.len().saturating_sub(1))
    }

    pub(super) fn key(&mut self, key: Key, transfers: &Transfers) -> Next {
        if self.asking.is_some() {
            return self.type_in(key);
        }
        let rows = self.section.rows(transfers);
        let cursor = self.cursor(&rows);
        self.stand(&rows, moved(key, cursor, rows.len(), true).unwrap_or(cursor));
        let row = rows.get(cursor).copied();
        let job = row.and_then(|row| transfers.jobs().iter().find(|job| job.id == row.job));
        let order = |order| Next::Do(Command::Effect(Effect::Queue(order)));
        match (letter(key), key.code) {
            (Some('w' | 'q'), _) | (_, KeyCode::Esc) => return Next::Close,
            (_, KeyCode::Tab | KeyCode::Right) => self.turn(1),
            (_, KeyCode::BackTab | KeyCode::Left) => self.turn(Section::ALL.len() - 1),
            (Some('X'), _) => return Next::Do(Command::Effect(Effect::ClearJobs)),
            (Some('P'), _) => {
                let runs = transfers.jobs().iter().any(|job| job.state.is_active() && job.state != JobState::Pausing);
                return order(if runs { QueueOrder::PauseAll } else { QueueOrder::ResumeAll });
            }
            (Some('R'), _) => return order(QueueOrder::RetryAll),
            (Some('L'), _) => self.ask(AskedFor::Limit(None), &rate_text(transfers.limit())),
            (Some(letter), _) => {
                if let (Some(row), Some(job)) = (row, job) {
                    return self.job_key(letter, row, job);
                }
            }
            (_, KeyCode::Enter) => {
                if let (Some(row), Some(job)) = (row, job) {
                    return open(row, job);
                }
            }
            _ => {}
        }
        Next::Stay
    }

    /// A letter that is about the job of the cursor's row.
    fn job_key(&mut self, letter: char, row: Row, job: &JobProgress) -> Next {
        let id = job.id;
        let order = |order| Next::Do(Command::Effect(Effect::Queue(order)));
        if letter == 'o' {
            return Next::Finish(Command::OpenFolder(job.to.0, job.to.1.clone()));
        }
        if job.state.is_over() {
            return match letter {
                'r' => order(QueueOrder::Retry(id, again(row, job))),
                'x' => order(QueueOrder::Forget(id)),
                _ => Next::Stay,
            };
        }
        match letter {
            'p' if matches!(job.state, JobState::Running | JobState::Waiting) => order(QueueOrder::Pause(id)),
            'p' => order(QueueOrder::Resume(id)),
            'x' => Next::Do(Command::AskToStop(StopDialog { job: id, title: job.title.clone(), stop_focused: false })),
            'K' => order(QueueOrder::Shift(id, Shift::Up)),
            'J' => order(QueueOrder::Shift(id, Shift::Down)),
            'u' => order(QueueOrder::Shift(id, Shift::Top)),
            '+' if job.priority == Priority::Low => order(QueueOrder::Prioritise(id, Priority::Normal)),
            '+' => order(QueueOrder::Prioritise(id, Priority::High)),
            '-' if job.priority == Priority::High => order(QueueOrder::Prioritise(id, Priority::Normal)),
            '-' => order(QueueOrder::Prioritise(id, Priority::Low)),
            'r' if job.line.is_some() => order(QueueOrder::TryNow(id)),
            'e' => order(QueueOrder::KeepTrying(id, !job.keeps_trying)),
            't' if !matches!(job.state, JobState::Running | JobState::Pausing) => {
                self.ask(AskedFor::Start(id), "");
                Next::Stay
            }
            'l' => {
                self.ask(AskedFor::Limit(Some(id)), &rate_text(job.limit));
                Next::Stay
            }
            _ => Next::Stay,
        }
    }

    fn turn(&mut self, steps: usize) {
        let at = Section::ALL.iter().position(|section| *section == self.section).unwrap_or(0);
        self.section = Section::ALL[(at + steps) % Section::ALL.len()];
        (self.at, self.row) = (None, 0);
    }

    fn stand(&mut self, rows: &[Row], row: usize) {
        (self.at, self.row) = (rows.get(row).copied(), row);
    }

    fn ask(&mut self, about: AskedFor, known: &str) {
        self.asking = Some(Asking { about, input: Input::new(known), is_wrong: false });
    }

    fn type_in(&mut self, key: Key) -> Next {
        let Some(asking) = &mut self.asking else { return Next::Stay };
        match key.code {
            KeyCode::Esc => self.asking = None,
            KeyCode::Enter => match asking.order() {
                Some(order) => {
                    self.asking = None;
                    return Next::Do(Command::Effect(Effect::Queue(order)));
                }
                None => asking.is_wrong = true,
            },
            _ => asking.is_wrong &= !asking.input.key(key),
        }
        Next::Stay
    }
}

impl Asking {
    fn order(&self) -> Option<QueueOrder> {
        let text = self.input.text().trim();
        match self.about {
            AskedFor::Start(id) => When::parse(text).map(|when| QueueOrder::Later(id, when)),
            AskedFor::Limit(of) if text.is_empty() => Some(QueueOrder::Limit(of, 0)),
            AskedFor::Limit(of) => bytes::parse_rate(text).map(|rate| QueueOrder::Limit(of, rate)),
        }
    }
}

/// As it can be typed; nothing where there is no limit.
fn rate_text(rate: u64) -> String {
    if rate == 0 { String::new() } else { bytes::rate_setting(rate) }
}

/// One file alone, else what failed in the job; where nothing did, all of it.
fn again(row: Row, job: &JobProgress) -> Again {
    match row.failure {
        Some(at) => Again::One(at),
        None if job.state == JobState::Failed => Again::Failed,
        None => Again::All,
    }
}

/// All about a row.
fn open(row: Row, job: &JobProgress) -> Next {
    let Some(report) = &job.report else { return Next::Stay };
    let message = match row.failure.and_then(|at| report.failures.get(at)) {
        Some(failure) => failure_message(&job.title, failure),
        None => report_message(&job.title, Some(job.kind), report),
    };
    Next::Do(Command::Report(Box::new(message)))
}
