//! The conditions of `Match`.

use super::pattern::fits_list;

/// One condition, and whether it is turned round (`!`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    pub(super) negated: bool,
    pub(super) kind: Kind,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    All,
    /// Only when the files are gone through a second time.
    Canonical,
    /// The same, and it makes for a second time.
    Final,
    Host(String),
    OriginalHost(String),
    User(String),
    LocalUser(String),
    Tagged(String),
    Exec(String),
    SessionType(String),
    /// What nobody here understands: whom it may concern cannot be served. The words say what it is.
    Wrong(String),
}

/// Reads the arguments of a `Match` line.
///
/// # Errors
/// What is wrong with the line as a whole.
pub(super) fn read(arguments: &[String]) -> Result<Vec<Criterion>, String> {
    let mut criteria = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let (negated, word) = word.strip_prefix('!').map_or((false, word.as_str()), |word| (true, word));
        let (name, glued) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let name = name.to_ascii_lowercase();
        let kind = match name.as_str() {
            "all" => Kind::All,
            "canonical" => Kind::Canonical,
            "final" => Kind::Final,
            _ => {
                let value = glued.or_else(|| rest.next().map(String::as_str)).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| format!("Match {name} says not what to look for"))?.to_owned();
                match name.as_str() {
                    "host" => Kind::Host(value),
                    "originalhost" => Kind::OriginalHost(value),
                    "user" => Kind::User(value),
                    "localuser" => Kind::LocalUser(value),
                    "tagged" => Kind::Tagged(value),
                    "exec" => Kind::Exec(value),
                    "sessiontype" => Kind::SessionType(value),
                    _ => Kind::Wrong(format!("Match {name} is not understood")),
                }
            }
        };
        criteria.push(Criterion { negated, kind });
    }
    let is_all = |criterion: &Criterion| criterion.kind == Kind::All;
    let others = criteria.iter().filter(|criterion| !is_all(criterion));
    let others_than_passes = others.clone().any(|criterion| !matches!(criterion.kind, Kind::Canonical | Kind::Final));
    if criteria.iter().any(is_all) && (others_than_passes || others.count() > 1 || !criteria.last().is_some_and(is_all)) {
        return Err("Match all goes with no other condition".to_owned());
    }
    Ok(criteria)
}

/// What the conditions are held against.
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) original: &'a str,
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) tag: &'a str,
    /// The second time through the files.
    pub(super) is_final: bool,
}

impl Kind {
    /// Whether it holds; `run` tells what a command says.
    pub(super) fn holds(&self, asked: &Asked<'_>, run: impl FnOnce(&str) -> Result<bool, String>) -> Result<bool, String> {
        Ok(match self {
            Self::All => true,
            Self::Canonical | Self::Final => asked.is_final,
            Self::Host(list) => fits_list(&list.to_lowercase(), &asked.host.to_lowercase()),
            Self::OriginalHost(list) => fits_list(&list.to_lowercase(), &asked.original.to_lowercase()),
            Self::User(list) => fits_list(list, asked.user),
            Self::LocalUser(list) => fits_list(list, asked.local_user),
            Self::Tagged(list) => fits_list(list, asked.tag),
            // SFTP is a subsystem.
            Self::SessionType(list) => fits_list(list, "subsystem"),
            Self::Exec(command) => return run(command),
            Self::Wrong(wrong) => return Err(wrong.clone()),
        })
    }
}
