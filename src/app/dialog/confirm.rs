//! What will be done, before it is done. Bound to places and names when it opens, never to what a pane shows later.

use super::{Command, Next, focus_step, letter, neighbour};
use crate::app::effect::Effect;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::engine::{JobId, JobSpec, Links, Start};
use crate::model::{EntryName, TransferType};

/// Copy or move.
pub struct TransferDialog {
    /// What will be ordered; target folder and new name come from the inputs.
    pub spec: JobSpec,
    /// The place it comes from, in words: `this machine`, `ftpes://user@host`.
    pub from: String,
    /// The place it goes to, in words.
    pub to: String,
    /// Bytes of the files among the items, as far as known.
    pub bytes: u64,
    /// How many of the items are folders (their contents are not counted yet).
    pub folders: usize,
    /// One of the places is on an FTP server, which may change the ends of lines.
    pub is_ftp: bool,
    /// The target folder; may be changed.
    pub target: Input,
    /// The new name, for a single item.
    pub name: Option<Input>,
    /// What keys go to.
    pub focus: TransferField,
    /// What is wrong with the inputs, once Enter was pressed.
    pub error: Option<String>,
}

/// What keys go to in a [`TransferDialog`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferField {
    /// The target folder.
    Target,
    /// The new name.
    Name,
    /// What is done with symbolic links.
    Links,
    /// What becomes of the ends of lines.
    Lines,
    /// Whether it is verified.
    Verify,
    /// The button that starts it.
    Start,
    /// The button that does not.
    Cancel,
}

impl TransferDialog {
    pub(in crate::app) fn new(spec: JobSpec, from: String, to: String, bytes: u64, folders: usize, is_ftp: bool) -> Self {
        let name = (spec.items.len() == 1).then(|| Input::new(&spec.items[0].display()));
        let target = Input::new(&spec.to_dir.display());
        Self { spec, from, to, bytes, folders, is_ftp, target, name, focus: TransferField::Start, error: None }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter if self.focus == TransferField::Cancel => return Next::Close,
            KeyCode::Enter => match self.order() {
                Ok(mut spec) => {
                    if key.alt {
                        spec.options.start = Start::Held;
                    }
                    return Next::Finish(Command::Submit(spec));
                }
                Err(why) => self.error = Some(why),
            },
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => self.step(key),
            _ => {
                let input = match self.focus {
                    TransferField::Target => Some(&mut self.target),
                    TransferField::Name => self.name.as_mut(),
                    _ => None,
                };
                match input.map(|input| input.key(key)) {
                    Some(true) => self.error = None,
                    Some(false) => {}
                    None => self.choose(key),
                }
            }
        }
        Next::Stay
    }

    /// A key outside of the inputs: `l`, `t` and `v` choose wherever the focus is, Space where it is on a choice.
    fn choose(&mut self, key: Key) {
        let options = &mut self.spec.options;
        match (letter(key), self.focus) {
            (Some('l' | 'L'), _) | (Some(' '), TransferField::Links) => {
                options.links = match options.links {
                    Links::AsPossible => Links::Follow,
                    Links::Follow => Links::Copy,
                    Links::Copy => Links::Skip,
                    Links::Skip => Links::AsPossible,
                }
            }
            (Some('t' | 'T'), _) | (Some(' '), TransferField::Lines) if self.is_ftp => {
                options.transfer_type = match options.transfer_type {
                    None => Some(TransferType::Ascii),
                    Some(TransferType::Ascii) => Some(TransferType::Auto),
                    Some(TransferType::Auto) => Some(TransferType::Binary),
                    Some(TransferType::Binary) => None,
                }
            }
            (Some('v' | 'V'), _) | (Some(' '), TransferField::Verify) => options.verify = !options.verify,
            _ => self.step(key),
        }
    }

    fn step(&mut self, key: Key) {
        use TransferField as Field;
        const ALL: [Field; 7] = [Field::Start, Field::Cancel, Field::Target, Field::Name, Field::Links, Field::Lines, Field::Verify];
        if let Some(forward) = focus_step(key) {
            let is_here = |field: &Field| match field {
                Field::Name => self.name.is_some(),
                Field::Lines => self.is_ftp,
                _ => true,
            };
            let fields: Vec<_> = ALL.into_iter().filter(is_here).collect();
            self.focus = neighbour(&fields, self.focus, forward);
        }
    }

    /// The job with what was typed. Untouched text stands for the bytes it came from, which need not be UTF-8.
    fn order(&self) -> Result<JobSpec, String> {
        let mut spec = self.spec.clone();
        if self.target.text() != spec.to_dir.display() {
            spec.to_dir = spec.to_dir.resolve(self.target.text().as_bytes()).map_err(|why| format!("target folder: {why}"))?;
        }
        if let Some(name) = self.name.as_ref().map(Input::text)
            && name != spec.items[0].display()
        {
            spec.new_name = Some(EntryName::try_from(name).map_err(|why| format!("new name: {why}"))?);
        }
        if spec.from == spec.to && spec.from_dir == spec.to_dir && spec.new_name.is_none() {
            return Err("source and target are the same; change the folder or the name".to_owned());
        }
        for item in spec.items.iter().filter(|_| spec.from == spec.to) {
            if spec.to_dir.is_within(&spec.from_dir.join(item)) {
                return Err(format!("{} cannot go into itself", item.display()));
            }
        }
        Ok(spec)
    }
}

/// Delete. Only `y`, or the button after moving to it, does it.
pub struct DeleteDialog {
    /// What will be ordered.
    pub spec: JobSpec,
    /// The place, in words.
    pub place: String,
    /// Bytes of the files among the items, as far as known.
    pub bytes: u64,
    /// How many of the items are folders; they go whole.
    pub folders: usize,
    /// Enter deletes; begins with no.
    pub delete_focused: bool,
}

impl DeleteDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match yes_or_no(key, &mut self.delete_focused) {
            Some(true) => Next::Finish(Command::Submit(self.spec.clone())),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}

/// Quit while jobs run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuitDialog {
    /// How many jobs run or wait.
    pub jobs: usize,
    /// They are written down, so that the next run can go on with them.
    pub are_kept: bool,
    /// What Enter does.
    pub focus: QuitChoice,
}

/// What can be done about running jobs at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuitChoice {
    /// Do not quit.
    No,
    /// Quit; the next run goes on with them.
    GoOn,
    /// Quit; what is not whole is taken back.
    Stop,
}

impl QuitDialog {
    pub(in crate::app) fn new(jobs: usize, are_kept: bool) -> Self {
        // Only what loses nothing is at hand.
        Self { jobs, are_kept, focus: if are_kept { QuitChoice::GoOn } else { QuitChoice::No } }
    }

    /// The choices there are, in the order of their buttons.
    pub fn choices(&self) -> &'static [QuitChoice] {
        if self.are_kept { &[QuitChoice::GoOn, QuitChoice::Stop, QuitChoice::No] } else { &[QuitChoice::No, QuitChoice::Stop] }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        let choice = match (letter(key), key.code) {
            (Some('n' | 'N'), _) | (_, KeyCode::Esc) => QuitChoice::No,
            (Some('y' | 'Y' | 'g' | 'G'), _) if self.are_kept => QuitChoice::GoOn,
            (Some('y' | 'Y' | 's' | 'S'), _) => QuitChoice::Stop,
            (_, KeyCode::Enter) => self.focus,
            _ => {
                if let Some(forward) = focus_step(key) {
                    self.focus = neighbour(self.choices(), self.focus, forward);
                }
                return Next::Stay;
            }
        };
        match choice {
            QuitChoice::No => Next::Close,
            QuitChoice::GoOn => Next::Finish(Command::Effect(Effect::Quit)),
            QuitChoice::Stop => Next::Finish(Command::StopAndQuit),
        }
    }
}

/// Stop a job? Only `y`, or the button after moving to it, does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopDialog {
    /// Which job.
    pub job: JobId,
    /// What it does, safe to draw.
    pub title: String,
    /// Enter stops it; begins with no.
    pub stop_focused: bool,
}

impl StopDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match yes_or_no(key, &mut self.stop_focused) {
            Some(true) => Next::Finish(Command::Effect(Effect::CancelJob(self.job))),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}

/// `y` is yes, `n` and Esc are no, Enter is what has the focus. `None`: not decided yet.
pub(super) fn yes_or_no(key: Key, yes_focused: &mut bool) -> Option<bool> {
    match (letter(key), key.code) {
        (Some('y' | 'Y'), _) => Some(true),
        (Some('n' | 'N'), _) | (_, KeyCode::Esc) => Some(false),
        (_, KeyCode::Enter) => Some(*yes_focused),
        _ => {
            if focus_step(key).is_some() {
                *yes_focused = !*yes_focused;
            }
            None
        }
    }
}
