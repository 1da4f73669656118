//! Reads configuration files with everything they include into statements, and notes what is odd in them.

use std::path::{Path, PathBuf};

use super::criteria::{self, Criterion, Kind};
use super::line::{self, Words};
use super::pattern::{self, fits_host};
use super::setting::Setting;
use super::surroundings::{Contents, Person, Surroundings};
use super::tokens;
use crate::config::Warning;
use crate::model::text::display_safe;

/// No configuration file is larger (bytes).
const LARGEST: u64 = 1024 * 1024;
/// Files that include files that include files: OpenSSH's own limit.
const DEEPEST: usize = 16;
/// Files at all.
const MOST_FILES: usize = 1000;

/// One statement and where it stands.
pub(super) struct Statement {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: usize,
    pub(super) what: What,
}

/// What a line says.
pub(super) enum What {
    /// What follows is said of hosts that fit.
    Host(Vec<String>),
    /// What follows is said where all these hold.
    Match(Vec<Criterion>),
    /// Other files are read here.
    Include(Vec<Vec<Statement>>),
    Setting(Setting),
    /// A line that is wrong; whoever it is said of cannot be served.
    Wrong(String),
}

/// Why files cannot be used at all; `ssh` stops there, too.
pub(super) type Unusable = String;

/// Reads files one after the other.
pub(super) struct Reader<'a> {
    pub(super) surroundings: &'a dyn Surroundings,
    pub(super) person: &'a Person,
    /// Where relative names of included files begin.
    pub(super) folder: PathBuf,
    /// `~` may be used in `Include`.
    pub(super) is_own: bool,
    pub(super) warnings: &'a mut Vec<Warning>,
    /// Keywords not to be remarked on (`IgnoreUnknown`).
    pub(super) ignored: Vec<String>,
    pub(super) files: usize,
}

impl Reader<'_> {
    /// The statements of a file. A file that is not there has none.
    pub(super) fn read(&mut self, path: &Path, is_checked: bool) -> Result<Vec<Statement>, Unusable> {
        match self.surroundings.read(path, LARGEST + 1) {
            Ok(contents) => self.statements(path, &contents, is_checked, 0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => {
                self.warn(path, 0, &format!("the file cannot be read: {error}"));
                Ok(Vec::new())
            }
        }
    }

    fn statements(&mut self, path: &Path, contents: &Contents, is_checked: bool, depth: usize) -> Result<Vec<Statement>, Unusable> {
        let shown = display_safe(path.as_os_str().as_encoded_bytes());
        if depth > DEEPEST {
            return Err(format!("{shown} is included by files that include each other, {DEEPEST} deep"));
        }
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(format!("{shown} is one file too many: more than {MOST_FILES} are included"));
        }
        if contents.bytes.len() as u64 > LARGEST {
            return Err(format!("{shown} is larger than any configuration"));
        }
        if is_checked && !is_private(contents, self.person, self.surroundings) {
            return Err(format!("{shown} can be written by others than you, so ssh refuses it, too; `chmod go-w` mends that"));
        }
        let text = String::from_utf8_lossy(&contents.bytes);
        let mut statements = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line_number = at + 1;
            let what = match line::words(line) {
                Ok(None) => continue,
                Ok(Some(words)) => self.statement(path, line_number, &words, depth)?,
                Err(wrong) => What::Wrong(wrong),
            };
            if let What::Wrong(wrong) = &what {
                self.warn(path, line_number, wrong);
            }
            statements.push(Statement { file: path.to_owned(), line: line_number, what });
        }
        Ok(statements)
    }

    fn statement(&mut self, path: &Path, line: usize, words: &Words<'_>, depth: usize) -> Result<What, Unusable> {
        Ok(match words.keyword.as_str() {
            "host" => What::Host(words.arguments.clone()),
            "match" => {
                let wrong = |wrong| vec![Criterion { negated: false, kind: Kind::Wrong(wrong) }];
                let criteria = criteria::read(&words.arguments).unwrap_or_else(wrong);
                for criterion in &criteria {
                    if let Kind::Wrong(wrong) = &criterion.kind {
                        self.warn(path, line, wrong);
                    }
                }
                What::Match(criteria)
            }
            "include" => {
                let mut included = Vec::new();
                for name in &words.arguments {
                    match self.included(name) {
                        Ok(pattern) => self.include(path, line, &pattern, depth, &mut included)?,
                        Err(wrong) => included.push(self.not_included(path, line, format!("{name} is not included: {wrong}"))),
                    }
                }
                What::Include(included)
            }
            keyword => match Setting::read(keyword, &words.arguments, words.rest) {
                Err(wrong) => What::Wrong(wrong),
                Ok(setting) => {
                    if keyword == "ignoreunknown" {
                        self.ignored.extend(words.arguments[0].split(',').map(str::to_ascii_lowercase));
                    }
                    if setting == Setting::Unknown && !fits_host(&self.ignored, keyword) {
                        self.warn(path, line, &format!("there is no keyword \"{keyword}\" in OpenSSH's configuration"));
                    }
                    What::Setting(setting)
                }
            },
        })
    }

    /// The absolute path (with wildcards) behind the name in an `Include`.
    fn included(&self, name: &str) -> Result<PathBuf, String> {
        if name.starts_with('~') && !self.is_own {
            return Err("files for everybody have no home folder".to_owned());
        }
        if name.contains('[') {
            return Err("only * and ? are understood as wildcards here".to_owned());
        }
        let name = tokens::variables(&tokens::tilde(name, self.person)?, self.surroundings)?;
        Ok(self.folder.join(name))
    }

    fn include(
        &mut self,
        from: &Path,
        line: usize,
        pattern: &Path,
        depth: usize,
        included: &mut Vec<Vec<Statement>>,
    ) -> Result<(), Unusable> {
        for path in pattern::files(pattern, self.surroundings) {
            match self.surroundings.read(&path, LARGEST + 1) {
                Ok(contents) => included.push(self.statements(&path, &contents, true, depth + 1)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => included.push(self.not_included(from, line, format!("{} cannot be read: {error}", path.display()))),
            }
        }
        Ok(())
    }

    /// In place of a file: nobody knows what it says of those it is included for.
    fn not_included(&mut self, from: &Path, line: usize, wrong: String) -> Vec<Statement> {
        self.warn(from, line, &wrong);
        vec![Statement { file: from.to_owned(), line, what: What::Wrong(wrong) }]
    }

    fn warn(&mut self, file: &Path, line: usize, text: &str) {
        // A file with nothing but odd lines is no configuration; a hundred remarks tell that.
        if self.warnings.len() < 100 {
            self.warnings.push(Warning { file: file.to_owned(), line, text: display_safe(text.as_bytes()) });
        }
    }
}

/// Whether nobody but the person and root can write the file. As on Debian, a group that is the person's alone counts
/// as the person; people have such files where new ones are group-writable.
fn is_private(contents: &Contents, person: &Person, surroundings: &dyn Surroundings) -> bool {
    let owned = contents.owner == 0 || contents.owner == person.id;
    let by_group = contents.mode & 0o020 == 0 || is_own_group(contents.group, person, surroundings);
    owned && contents.mode & 0o002 == 0 && by_group
}

fn is_own_group(group: u32, person: &Person, surroundings: &dyn Surroundings) -> bool {
    let table = |path: &str| surroundings.read(Path::new(path), LARGEST).map(|table| String::from_utf8_lossy(&table.bytes).into_owned());
    let (Ok(groups), Ok(users)) = (table("/etc/group"), table("/etc/passwd")) else { return false };
    let id = group.to_string();
    let others =
        |line: &str| line.split(':').nth(3).is_some_and(|members| members.split(',').any(|name| !name.is_empty() && name != person.user));
    let mut of_group = groups.lines().filter(|line| line.split(':').nth(2) == Some(&id)).peekable();
    of_group.peek().is_some()
        && !of_group.any(others)
        && users.lines().filter(|line| line.split(':').nth(3) == Some(&id)).all(|line| line.split(':').next() == Some(&person.user))
}
