//! Commands without a data connection: folders, facts, renaming, removing (RFC 959, RFC 3659, MFMT draft).

use std::io;

use jiff::Timestamp;

use super::listing::{self, Facts};
use super::session::{Session, quoted};
use crate::model::{FilePath, Kind};
use crate::server::follow;
use crate::vfs::{FsError, FsErrorKind, NewMetadata, Replace, list_all};

impl Session {
    pub(super) async fn change_folder(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.path(argument).await? else { return Ok(()) };
        match follow(&*self.shared.options.root, &path).await {
            Ok((_, entry)) if entry.kind == Kind::Dir => {
                self.folder = path;
                self.control.reply(250, "Done").await
            }
            Ok(_) => self.refuse(&FsError::new(FsErrorKind::NotADirectory, "enter", &path, "")).await,
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn rest(&mut self, argument: &[u8]) -> io::Result<()> {
        match std::str::from_utf8(argument).ok().and_then(|text| text.parse().ok()) {
            Some(restart) => {
                self.restart = restart;
                self.control.reply(350, format!("The next transfer begins at {restart}")).await
            }
            None => self.control.reply(501, "A number of bytes is needed").await,
        }
    }

    pub(super) async fn size(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        match follow(&*self.shared.options.root, &path).await {
            Ok((_, entry)) => match entry.size.filter(|_| entry.kind == Kind::File) {
                Some(size) => self.control.reply(213, size.to_string()).await,
                None => self.control.reply(550, "It is no file").await,
            },
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn modified(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        match follow(&*self.shared.options.root, &path).await {
            Ok((_, entry)) => match entry.modified {
                Some(time) => self.control.reply(213, listing::stamp(time)).await,
                None => self.control.reply(550, "Its time is not known").await,
            },
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn set_modified(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some((time, name)) = split(argument).and_then(|(time, name)| Some((listing::read_stamp(time)?, name))) else {
            return self.control.reply(501, "MFMT YYYYMMDDHHMMSS name").await;
        };
        let Some(path) = self.named_path(name).await? else { return Ok(()) };
        match self.shared.options.root.set_metadata(&path, NewMetadata { modified: Some(time), mode: None }).await {
            Ok(()) => self.control.reply(213, [format!("Modify={}; ", listing::stamp(time)).as_bytes(), path.as_bytes()].concat()).await,
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn make_folder(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        match self.shared.options.root.make_dir(&path).await {
            Ok(()) => self.control.reply(257, quoted(&path)).await,
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn remove_folder(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        let result = self.shared.options.root.remove_dir(&path).await;
        self.outcome(result, 250, "Removed").await
    }

    pub(super) async fn delete(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        let result = self.shared.options.root.remove_file(&path).await;
        self.outcome(result, 250, "Removed").await
    }

    pub(super) async fn rename_from(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        match self.shared.options.root.stat(&path).await {
            Ok(_) => {
                self.rename_from = Some(path);
                self.control.reply(350, "And the new name").await
            }
            Err(error) => self.refuse(&error).await,
        }
    }

    pub(super) async fn rename_to(&mut self, from: Option<FilePath>, argument: &[u8]) -> io::Result<()> {
        let Some(from) = from else { return self.control.reply(503, "RNFR comes right before").await };
        let Some(to) = self.named_path(argument).await? else { return Ok(()) };
        let result = self.shared.options.root.rename(&from, &to, Replace::Yes).await;
        self.outcome(result, 250, "Renamed").await
    }

    pub(super) async fn site(&mut self, argument: &[u8]) -> io::Result<()> {
        let (command, parameters) = split(argument).unwrap_or((std::str::from_utf8(argument).unwrap_or_default(), b""));
        match command.to_ascii_uppercase().as_str() {
            "CHMOD" => {
                let mode = split(parameters)
                    .and_then(|(mode, name)| Some((u32::from_str_radix(mode, 8).ok().filter(|&mode| mode <= 0o7777)?, name)));
                let Some((mode, name)) = mode else { return self.control.reply(501, "SITE CHMOD octal-mode name").await };
                let Some(path) = self.named_path(name).await? else { return Ok(()) };
                let result = self.shared.options.root.set_metadata(&path, NewMetadata { modified: None, mode: Some(mode) }).await;
                self.outcome(result, 200, "Mode set").await
            }
            "HELP" => self.control.reply(214, "SITE CHMOD octal-mode name").await,
            _ => self.control.reply(504, "SITE CHMOD is served").await,
        }
    }

    pub(super) async fn machine_facts(&mut self, argument: &[u8]) -> io::Result<()> {
        let Some(path) = self.path(argument).await? else { return Ok(()) };
        match self.shared.options.root.stat(&path).await {
            Ok(entry) => {
                let line = listing::machine(&entry, self.facts, path.as_bytes());
                self.control.reply_lines(250, "Facts:", &[line], "End").await
            }
            Err(error) => self.refuse(&error).await,
        }
    }

    /// STAT: of the connection, or a listing without a data connection.
    pub(super) async fn status(&mut self, argument: &[u8]) -> io::Result<()> {
        if argument.is_empty() {
            let protection = format!("control: {}, data: {}", self.control.is_protected(), self.private_data);
            let lines = [b"Logged in".to_vec(), format!("Protected: {protection}").into_bytes()];
            return self.control.reply_lines(211, "Status:", &lines, "End").await;
        }
        let Some(path) = self.path(listing_path(argument)).await? else { return Ok(()) };
        let found = match follow(&*self.shared.options.root, &path).await {
            Ok((at, entry)) if entry.kind == Kind::Dir => list_all(&*self.shared.options.root, &at).await,
            Ok((_, entry)) => Ok(vec![entry]),
            Err(error) => Err(error),
        };
        match found {
            Ok(entries) => {
                let now = Timestamp::now();
                let lines: Vec<Vec<u8>> = entries.iter().map(|entry| listing::unix(entry, now, entry.raw_name())).collect();
                self.control.reply_lines(213, "Status:", &lines, "End").await
            }
            Err(error) => self.refuse(&error).await,
        }
    }

    /// The facts a listing of this session shows.
    pub(super) fn facts(&self) -> Facts {
        self.facts
    }
}

/// The path in the argument of LIST: options of `ls` in front of it are dropped, all files are always shown.
pub(super) fn listing_path(mut argument: &[u8]) -> &[u8] {
    while argument.starts_with(b"-") {
        let end = argument.iter().position(|&byte| byte == b' ').map_or(argument.len(), |blank| blank + 1);
        argument = &argument[end..];
    }
    argument
}

/// The first word, which is text, and what follows it.
fn split(argument: &[u8]) -> Option<(&str, &[u8])> {
    let blank = argument.iter().position(|&byte| byte == b' ')?;
    Some((std::str::from_utf8(&argument[..blank]).ok()?, &argument[blank + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_ls_are_no_path() {
        assert_eq!(listing_path(b"-la /x y"), b"/x y");
        assert_eq!(listing_path(b"-a"), b"");
        assert_eq!(listing_path(b"x -a"), b"x -a");
    }
}
