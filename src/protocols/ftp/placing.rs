//! What a file gets once it is there: its time, its permissions, its real name. In as few turns as may be.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::attempt::Attempt;
use super::command::Command;
use super::control::ControlError;
use super::features::Features;
use super::lookup::size_in;
use super::quirks::Quirk;
use super::reply::Reply;
use super::session::Session;
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult, NewMetadata, Replace};

const TIME: &str = "set the time of";
const MODE: &str = "set the permissions of";

impl Session {
    /// The commands that set `facts` of `path`, each with the name of the attempt and what a server that has no such
    /// command is known by.
    pub(super) fn fact_commands(&self, path: &FilePath, facts: NewMetadata) -> FsResult<Vec<(Command, &'static str, Quirk)>> {
        let mut commands = Vec::new();
        if let Some(modified) = facts.modified {
            let time = digits(modified);
            let in_front = [time.as_bytes(), b" ", path.as_bytes()].concat();
            let (verb, argument) = match self.features {
                Features { mfmt: true, .. } => ("MFMT", in_front),
                Features { site_utime: true, is_vsftpd: false, .. } => {
                    // Last access, modification, and a third that is ignored.
                    ("SITE", [b"UTIME ", path.as_bytes(), format!(" {time} {time} {time} UTC").as_bytes()].concat())
                }
                _ => ("MDTM", in_front),
            };
            commands.push((self.command(verb, argument, Attempt::new(TIME, path))?, TIME, Quirk::NoTimes));
        }
        if let Some(mode) = facts.mode {
            let argument = [format!("CHMOD {:03o} ", mode & 0o7777).as_bytes(), path.as_bytes()].concat();
            commands.push((self.command("SITE", argument, Attempt::new(MODE, path))?, MODE, Quirk::NoModes));
        }
        Ok(commands)
    }

    /// Sets `facts` of `part`, as far as the server can, and renames it; not where less of it arrived than was written: there are
    /// servers that call a transfer done whose data connection was cut, and between them and us may be who takes what they lose.
    pub(super) async fn put_in_place(&mut self, part: &FilePath, to: &FilePath, facts: NewMetadata, replace: Replace) -> FsResult<()> {
        let onto = Attempt::new("rename to", to);
        let facts = self.fact_commands(part, facts)?;
        let mut commands: Vec<Command> = facts.iter().map(|(command, ..)| command.clone()).collect();
        let written = self.unconfirmed.take().filter(|(path, _)| path == part && self.features.size).map(|(_, length)| length);
        if written.is_some() {
            commands.push(self.command("SIZE", part.as_bytes(), onto)?);
        }
        if replace == Replace::No {
            // A folder of that name is in the way of itself.
            commands.push(self.command(self.asks_with(), to.as_bytes(), onto)?);
        }
        let mut replies = self.exchange_all(&commands, onto).await?;
        if let Some(written) = written
            && let Some(size) = size_in(&replies.remove(facts.len()))
            && size != written
        {
            let detail = format!("{size} of {written} bytes arrived, and the server called it done");
            return Err(Attempt::new("write", to).error(FsErrorKind::ConnectionLost, detail));
        }
        for ((_, what, quirk), reply) in facts.iter().zip(&replies) {
            if reply.is_success() {
                continue;
            }
            let error = Attempt::new(what, part).refused(reply);
            tracing::debug!(target: "sealift::ftp", %error, "not kept");
            if error.kind == FsErrorKind::Unsupported {
                self.settings.quirks.learn(*quirk);
            }
        }
        if let Some(reply) = replies.get(facts.len()) {
            let is_there = match self.is_there(reply, onto) {
                Some(there) => there,
                None => self.exists(to).await?,
            };
            if is_there {
                return Err(onto.error(FsErrorKind::AlreadyExists, ""));
            }
        }
        match self.rename(part, to).await {
            Err(error) if replace == Replace::Yes && error.kind == FsErrorKind::AlreadyExists => self.replace_file(part, to).await,
            Err(error) if replace == Replace::No && !error.is_connection_lost() && self.exists(to).await? => {
                Err(FsError { kind: FsErrorKind::AlreadyExists, ..error })
            }
            outcome => outcome,
        }
    }

    /// Renames onto a file where the server does not replace one (Windows): as near as it lets us.
    pub(super) async fn replace_file(&mut self, from: &FilePath, to: &FilePath) -> FsResult<()> {
        self.done("DELE", to.as_bytes(), Attempt::new("replace", to)).await?;
        self.rename(from, to).await
    }

    /// `RNFR` and `RNTO`, at once where the server keeps order.
    pub(super) async fn rename(&mut self, from: &FilePath, to: &FilePath) -> FsResult<()> {
        let (attempt, onto) = (Attempt::new("rename", from), Attempt::new("rename to", to));
        // Made first, so that a name that cannot be sent is refused before anything is.
        let commands = [self.command("RNFR", from.as_bytes(), attempt)?, self.command("RNTO", to.as_bytes(), onto)?];
        if self.control.may_pipeline() {
            match self.control.exchange_all(&commands).await {
                Ok(replies) => match replies.as_slice() {
                    [first, second] if first.code == 350 && second.code != 350 && !matches!(second.code, 500..=503) => {
                        return onto.success(second.clone()).map(drop);
                    }
                    [first, second] if first.is_refusal() && second.is_refusal() => return Err(attempt.refused(first)),
                    _ => self.settings.quirks.learn(Quirk::OneAtATime),
                },
                Err(ControlError::Disorder(_)) => self.replace(attempt).await?,
                Err(error) => return Err(attempt.control(error)),
            }
            // What it did, its replies do not tell.
            if !self.exists(from).await? && self.exists(to).await? {
                return Ok(());
            }
        }
        let [first, second] = &commands;
        let reply = self.control.exchange(first).await.map_err(|error| attempt.control(error))?;
        if reply.code != 350 {
            return Err(attempt.refused(&reply));
        }
        let reply = self.control.exchange(second).await.map_err(|error| onto.control(error))?;
        onto.success(reply).map(drop)
    }

    /// The command that tells in one reply whether a file is there.
    fn asks_with(&self) -> &'static str {
        if self.features.mlst { "MLST" } else { "SIZE" }
    }

    /// What the reply to that says; `None`: nothing.
    fn is_there(&self, reply: &Reply, attempt: Attempt<'_>) -> Option<bool> {
        match attempt.refused(reply).kind {
            _ if reply.is_success() => Some(true),
            FsErrorKind::NotFound | FsErrorKind::Refused => Some(false),
            // Of folders, devices and what it does not let us see, SIZE tells nothing.
            _ if !self.features.mlst => Some(false),
            _ => None,
        }
    }

    /// Whether a file is at `path`: a folder is found out by what is done next, one command later.
    pub(super) async fn is_file_there(&mut self, path: &FilePath) -> FsResult<bool> {
        if !self.begins_with_epsv() {
            return self.exists(path).await;
        }
        let attempt = Attempt::new("look at", path);
        let command = self.command(self.asks_with(), path.as_bytes(), attempt)?;
        let asked = async {
            self.control.send_with_ahead(&command).await?;
            self.control.next_reply().await
        };
        match asked.await {
            Ok(reply) => match self.is_there(&reply, attempt) {
                Some(there) => Ok(there),
                None => self.exists(path).await,
            },
            Err(ControlError::Disorder(_)) => {
                self.replace(attempt).await?;
                self.exists(path).await
            }
            Err(error) => Err(attempt.control(error)),
        }
    }
}

/// `YYYYMMDDHHMMSS`, UTC.
fn digits(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string()
}
