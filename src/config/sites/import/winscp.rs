//! `WinSCP.ini`, and what its *Export configuration* writes.
//!
//! Read here and not by a library for INI files: those tell no lines, and take more of a value than WinSCP writes.

use percent_encoding::percent_decode_str;

use super::filezilla::here;
use super::{Draft, Found, NotImported};
use crate::model::site::RemoteStart;
use crate::model::{Charset, DataMode, Protocol};

/// Reads the sites of WinSCP.
///
/// # Errors
/// It has no section of sites.
pub fn winscp(text: &str) -> Result<Found, NotImported> {
    let mut found = Found::default();
    let mut session: Option<Session> = None;
    let mut any = false;
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if let Some(ended) = session.take() {
                ended.end(&mut found);
            }
            session = section.strip_prefix("Sessions\\").map(|name| Session::new(number, name));
            any |= session.is_some();
        } else if let Some(session) = &mut session
            && !line.is_empty()
            && !line.starts_with(';')
        {
            match line.split_once('=') {
                Some((key, value)) => session.take(number, key, &decoded(value), &mut found),
                None => found.tell(number, format!("{}: the line is not understood", session.draft.name)),
            }
        }
    }
    if let Some(ended) = session {
        ended.end(&mut found);
    }
    found.remarks.sort_by_key(|remark| remark.line);
    if any { Ok(found.told()) } else { Err(NotImported { what: "configuration of WinSCP", why: "it has no [Sessions\\…]".to_owned() }) }
}

/// A section of a site. WinSCP writes only what is not as usual.
struct Session {
    draft: Draft,
    protocol: String,
    ftps: String,
    is_template: bool,
}

impl Session {
    fn new(line: usize, section: &str) -> Self {
        let mut parts: Vec<String> = section.split('/').map(decoded).collect();
        let name = parts.pop().unwrap_or_default();
        let is_template = parts.is_empty() && name == "Default Settings";
        let draft = Draft { line, folders: parts, name, ..Draft::default() };
        Self { draft, protocol: "1".to_owned(), ftps: "0".to_owned(), is_template }
    }

    fn take(&mut self, line: usize, key: &str, value: &str, found: &mut Found) {
        let draft = &mut self.draft;
        let told = match key {
            "HostName" => {
                value.clone_into(&mut draft.host);
                None
            }
            "PortNumber" => value.parse().map(|port| draft.port = Some(port)).err().map(|_| "the port is no number".to_owned()),
            "UserName" => {
                value.clone_into(&mut draft.user);
                None
            }
            "FSProtocol" => {
                value.clone_into(&mut self.protocol);
                None
            }
            "Ftps" => {
                value.clone_into(&mut self.ftps);
                None
            }
            "RemoteDirectory" => match RemoteStart::of(value.as_bytes()) {
                Ok(start) => {
                    draft.start = Some(start);
                    None
                }
                Err(_) => Some("the start folder on the server is not understood".to_owned()),
            },
            "LocalDirectory" => here(value).map(|path| draft.local = Some(path)).err(),
            "PublicKeyFile" => here(value).map(|path| draft.options.key = Some(path)).err(),
            "FtpPasvMode" => {
                draft.options.data_mode = Some(if value == "0" { DataMode::Active } else { DataMode::Passive });
                None
            }
            // 0: never UTF-8, but the code page of the Windows it ran on, which the file does not name.
            "Utf" if value == "0" => {
                Some("names on the server are not UTF-8; set --charset to what they are, windows-1252 for example".to_owned())
            }
            "Utf" => {
                draft.options.charset = Charset::parse("utf-8").ok().filter(|_| value == "1");
                None
            }
            "Note" => {
                value.clone_into(&mut draft.notes);
                None
            }
            _ if crate::config::sites::is_secretive(key) => {
                found.passwords += usize::from(!self.is_template && !value.is_empty());
                None
            }
            _ => Some(format!("{key} is not taken over")),
        };
        if let Some(told) = told.filter(|_| !self.is_template) {
            found.tell(line, format!("{}: {told}", self.draft.name));
        }
    }

    fn end(mut self, found: &mut Found) {
        if self.is_template || !found.has_room() {
            return;
        }
        self.draft.protocol = match (self.protocol.as_str(), self.ftps.as_str()) {
            // SCP, or SFTP with SCP behind it: the same servers speak SFTP.
            ("0" | "1" | "2", _) => Some(Protocol::Sftp),
            ("5", "0") => Some(Protocol::Ftp),
            ("5", "1") => Some(Protocol::Ftps),
            ("5", "2" | "3") => Some(Protocol::Ftpes),
            _ => None,
        };
        if self.protocol == "0" {
            found.tell(self.draft.line, format!("{} was set to SCP; here it is SFTP", self.draft.name));
        }
        match self.draft.protocol {
            Some(Protocol::Sftp) => (self.draft.options.data_mode, self.draft.options.charset) = (None, None),
            _ => self.draft.options.key = None,
        }
        found.take(self.draft);
    }
}

/// `%XX` as the bytes they are; WinSCP marks what is not ASCII with a byte order mark.
fn decoded(text: &str) -> String {
    let text = percent_decode_str(text).decode_utf8_lossy();
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}
