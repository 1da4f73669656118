//! Where a server is and how to speak to it: protocol, endpoint, site, and the URLs people write for them.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};
use serde::{Deserialize, Serialize};

use super::path::FilePath;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// SSH file transfer, version 3.
    Sftp,
    /// FTP with explicit TLS (`AUTH TLS`, RFC 4217).
    Ftpes,
    /// FTP with implicit TLS from the first byte.
    Ftps,
    /// FTP without any protection.
    Ftp,
}

impl Protocol {
    /// The URL scheme.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Ftpes => "ftpes",
            Self::Ftps => "ftps",
            Self::Ftp => "ftp",
        }
    }

    /// The port a URL without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Sftp => 22,
            Self::Ftpes | Self::Ftp => 21,
            Self::Ftps => 990,
        }
    }

    /// Whether FTP is spoken, over TLS or not.
    pub fn is_ftp(self) -> bool {
        self != Self::Sftp
    }

    /// Whether the peer proves who it is and the line is protected.
    pub fn is_protected(self) -> bool {
        self != Self::Ftp
    }
}

/// A host and a port: the key under which trust is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Lower-case host name or IP address, without brackets and without a trailing dot.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Endpoint {
    /// Normalises the host (lower case, no brackets, no trailing dot).
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        Self { host, port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// A server and the user to be there. Two connections with equal sites may serve each other's work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    /// How to speak.
    pub protocol: Protocol,
    /// Where.
    pub endpoint: Endpoint,
    /// As whom; `None`: asked for when the server wants it.
    pub user: Option<String>,
    /// SFTP's own port was written out, so that no SSH configuration puts another in its place.
    #[serde(default)]
    pub default_port_named: bool,
}

impl Site {
    /// `scheme://user@host:port` without path, the port left out where it is the scheme's own and nobody wrote it.
    pub fn url(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{}@", percent_encode(user.as_bytes(), USER))).unwrap_or_default();
        let host = if self.endpoint.host.contains(':') { format!("[{}]", self.endpoint.host) } else { self.endpoint.host.clone() };
        let is_default = self.endpoint.port == self.protocol.default_port() && !self.default_port_named;
        let port = if is_default { String::new() } else { format!(":{}", self.endpoint.port) };
        format!("{}://{user}{host}{port}", self.protocol.scheme())
    }

    /// The URL of `path` on this site.
    pub fn url_of(&self, path: &FilePath) -> String {
        format!("{}{}", self.url(), percent_encode(path.as_bytes(), PATH))
    }
}

/// A place a pane can show: one side and a folder (or file) there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// On this machine.
    Local(FilePath),
    /// On a server.
    Remote {
        /// Which server.
        site: Site,
        /// Where on it.
        path: RemoteStart,
    },
}

/// Where on a server a URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteStart {
    /// An absolute path.
    Absolute(FilePath),
    /// Relative to the folder the login lands in (`/~/path`, or no path at all); kept as written, without a leading `/`.
    Home(Vec<u8>),
}

impl RemoteStart {
    /// A path as it stands behind `HOST:`, nothing percent-encoded: absolute, else from the home folder on (`~/` may say so).
    pub fn of(path: &[u8]) -> Result<Self, UrlError> {
        Ok(match path {
            [b'/', ..] => Self::Absolute(FilePath::parse(path).map_err(|_| UrlError::Encoding)?),
            b"~" => Self::Home(Vec::new()),
            path => Self::Home(path.strip_prefix(b"~/").unwrap_or(path).to_vec()),
        })
    }
}

/// What was read out of a URL. Its `Debug` leaves the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct ParsedUrl {
    /// The server.
    pub site: Site,
    /// Where on it.
    pub path: RemoteStart,
    /// A password inside the URL: works, with a warning; never logged, never stored. Percent-decoded.
    pub password: Option<String>,
    /// `;fingerprint=…`, as written.
    pub fingerprint: Option<String>,
    /// `ftps://host:21` was read as explicit TLS; the person should be told.
    pub taken_as_explicit: bool,
}

impl fmt::Debug for ParsedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedUrl").field("site", &self.site).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a text is no URL sealift understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No `scheme://` in front.
    #[error("it has no scheme such as sftp:// or ftpes:// in front")]
    NoScheme,
    /// A scheme that is none of ours.
    #[error("{0}:// is not spoken here; sftp, ftpes, ftps and ftp are")]
    Scheme(String),
    /// There is no host name.
    #[error("it names no host")]
    NoHost,
    /// The port is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Something behind a `;` that is no fingerprint, or more than one.
    #[error("behind ; only one fingerprint=sha256:… is understood; a ; that belongs to a name is written %3B")]
    Parameter,
    /// A fingerprint on a protocol where nothing proves itself.
    #[error("ftp:// proves no identity, so there is nothing to compare a fingerprint with")]
    NothingToCheck,
    /// A `%` is not followed by two hex digits, or a name decodes to what no name can hold.
    #[error("its path or user cannot be decoded")]
    Encoding,
}

impl ParsedUrl {
    /// `path` on the SFTP server `host`; one without a leading `/` starts in the home folder.
    pub fn of_ssh_host(host: &str, user: Option<&str>, path: &[u8]) -> Result<Self, UrlError> {
        if [host, user.unwrap_or_default()].iter().any(|name| name.chars().any(char::is_control)) {
            return Err(UrlError::Encoding);
        }
        let endpoint = Endpoint::new(host, Protocol::Sftp.default_port());
        let site = Site { protocol: Protocol::Sftp, endpoint, user: user.map(str::to_owned), default_port_named: false };
        Ok(Self { site, path: RemoteStart::of(path)?, password: None, fingerprint: None, taken_as_explicit: false })
    }

    /// As it can be typed again, without its password.
    pub fn text(&self) -> String {
        let place = match &self.path {
            RemoteStart::Absolute(path) => self.site.url_of(path),
            RemoteStart::Home(relative) if relative.is_empty() => self.site.url(),
            RemoteStart::Home(relative) => format!("{}/~/{}", self.site.url(), percent_encode(relative, PATH)),
        };
        match &self.fingerprint {
            Some(fingerprint) => format!("{place};fingerprint={}", percent_encode(fingerprint.as_bytes(), USER)),
            None => place,
        }
    }

    /// Reads `sftp://user@host:22/path`, `ftpes://`, `ftps://`, `ftp://`; IPv6 in brackets, parts percent-encoded.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        let mut protocol = match scheme.to_ascii_lowercase().as_str() {
            "sftp" => Protocol::Sftp,
            "ftpes" => Protocol::Ftpes,
            "ftps" => Protocol::Ftps,
            "ftp" => Protocol::Ftp,
            other => return Err(UrlError::Scheme(super::text::display_safe(other.as_bytes()))),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |cut| rest.split_at(cut));
        let (login, host_port) = authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
        // Parameters stand behind the user, the host or the path; at one place only, so that none replaces another.
        let (login, of_user) = cut_parameters(login.unwrap_or(""));
        let (host_port, of_host) = cut_parameters(host_port);
        let (path, of_path) = cut_parameters(path);
        let mut given = [of_user, of_host, of_path].into_iter().flatten();
        let fingerprint = given.next().map(|parameters| parameters.strip_prefix("fingerprint=").ok_or(UrlError::Parameter)).transpose()?;
        if given.next().is_some() || fingerprint.is_some_and(|value| value.contains(';')) {
            return Err(UrlError::Parameter);
        }
        if fingerprint.is_some() && !protocol.is_protected() {
            return Err(UrlError::NothingToCheck);
        }
        let (host, port) = split_host_port(host_port)?;
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let default_port_named = protocol == Protocol::Sftp && port == Some(protocol.default_port());
        let port = port.unwrap_or_else(|| protocol.default_port());
        let taken_as_explicit = protocol == Protocol::Ftps && port == 21;
        if taken_as_explicit {
            protocol = Protocol::Ftpes;
        }
        let (user, password) = match login {
            "" => (None, None),
            login => match login.split_once(':') {
                Some((user, password)) => (Some(decode_text(user)?), Some(decode_text(password)?)),
                None => (Some(decode_text(login)?), None),
            },
        };
        let path = match path.as_bytes() {
            b"" | b"/~" => RemoteStart::Home(Vec::new()),
            _ => match path.strip_prefix("/~/") {
                Some(relative) => RemoteStart::Home(decode(relative)?),
                None => RemoteStart::Absolute(FilePath::parse(&decode(path)?).map_err(|_| UrlError::Encoding)?),
            },
        };
        Ok(Self {
            site: Site { protocol, endpoint: Endpoint::new(&host, port), user, default_port_named },
            path,
            password,
            fingerprint: fingerprint.map(decode_text).transpose()?,
            taken_as_explicit,
        })
    }
}

/// What stands before the first `;`, and the parameters behind it. A `;` that is meant is written `%3B`.
fn cut_parameters(text: &str) -> (&str, Option<&str>) {
    text.split_once(';').map_or((text, None), |(before, parameters)| (before, Some(parameters)))
}

fn split_host_port(text: &str) -> Result<(String, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlError::NoHost)?;
        (host, after.strip_prefix(':').or(if after.is_empty() { None } else { Some("?") }))
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|&port| port != 0).ok_or(UrlError::Port)?),
    };
    Ok((decode_text(host)?, port))
}

fn decode(text: &str) -> Result<Vec<u8>, UrlError> {
    let bytes = text.as_bytes();
    let well_formed = bytes
        .iter()
        .enumerate()
        .all(|(at, &b)| b != b'%' || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)));
    if !well_formed {
        return Err(UrlError::Encoding);
    }
    Ok(percent_decode(bytes).collect())
}

/// Text that goes into a protocol line: UTF-8 without control characters.
fn decode_text(text: &str) -> Result<String, UrlError> {
    let text = String::from_utf8(decode(text)?).map_err(|_| UrlError::Encoding)?;
    if text.chars().any(char::is_control) { Err(UrlError::Encoding) } else { Ok(text) }
}

const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`').add(b';');
const USER: &AsciiSet = &PATH.add(b'/').add(b':').add(b'@').add(b'[').add(b']');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_kind() {
        let url = ParsedUrl::parse("sftp://me%40corp@Example.COM.:2222/a%20b/../c").unwrap();
        assert_eq!(url.site.user.as_deref(), Some("me@corp"));
        assert_eq!(url.site.endpoint, Endpoint { host: "example.com".into(), port: 2222 });
        assert_eq!(url.path, RemoteStart::Absolute(FilePath::try_from("/c").unwrap()));
        assert_eq!(url.site.url(), "sftp://me%40corp@example.com:2222");

        assert_eq!(ParsedUrl::parse("ftps://h").unwrap().site.endpoint.port, 990);
        let explicit = ParsedUrl::parse("ftps://h:21/").unwrap();
        assert!(explicit.taken_as_explicit && explicit.site.protocol == Protocol::Ftpes);
        assert_eq!(ParsedUrl::parse("ftp://[::1]:2121/").unwrap().site.endpoint.to_string(), "[::1]:2121");
        assert_eq!(ParsedUrl::parse("ftp://h/~/x/y").unwrap().path, RemoteStart::Home(b"x/y".to_vec()));
        assert_eq!(ParsedUrl::parse("sftp://u:p%3Aw@h").unwrap().password.as_deref(), Some("p:w"));
        for with_pin in ["sftp://u;fingerprint=sha256:ab@h/x", "sftp://h;fingerprint=sha256:ab/x", "sftp://h/x;fingerprint=sha256:ab"] {
            assert_eq!(ParsedUrl::parse(with_pin).unwrap().fingerprint.as_deref(), Some("sha256:ab"), "{with_pin}");
        }
    }

    #[test]
    fn a_port_somebody_wrote_is_kept() {
        for url in ["sftp://h", "sftp://h:22", "sftp://h:23", "ftp://h"] {
            assert_eq!(ParsedUrl::parse(url).unwrap().site.url(), url);
        }
        assert_eq!(ParsedUrl::parse("ftp://h:21").unwrap().site, ParsedUrl::parse("ftp://h").unwrap().site);
        assert_eq!(ParsedUrl::of_ssh_host("work", None, b"~/x").unwrap(), ParsedUrl::parse("sftp://work/~/x").unwrap());
        for (host, user) in [("work", Some("me\nProxyCommand")), ("wo\u{1b}rk", None)] {
            assert_eq!(ParsedUrl::of_ssh_host(host, user, b"x"), Err(UrlError::Encoding));
        }
        assert_eq!(ParsedUrl::of_ssh_host("work", Some("me"), b"/x").unwrap(), ParsedUrl::parse("sftp://me@work/x").unwrap());
    }

    #[test]
    fn urls_are_written_without_passwords_and_read_back() {
        let texts =
            ["sftp://u:secret@h/a%20b", "ftp://h/~/x%25y/..", "ftpes://h", "sftp://h;fingerprint=SHA256:a%2Fb", "ftps://h/;fingerprint=ab"];
        for text in texts {
            let mut url = ParsedUrl::parse(text).unwrap();
            let again = url.text();
            assert!(!again.contains("secret"));
            url.password = None;
            assert_eq!(ParsedUrl::parse(&again), Ok(url), "{again}");
        }
    }

    #[test]
    fn wrong_urls_say_why() {
        assert_eq!(ParsedUrl::parse("example.com"), Err(UrlError::NoScheme));
        assert_eq!(ParsedUrl::parse("http://h"), Err(UrlError::Scheme("http".into())));
        assert_eq!(ParsedUrl::parse("sftp:///x"), Err(UrlError::NoHost));
        assert_eq!(ParsedUrl::parse("sftp://h:0"), Err(UrlError::Port));
        assert_eq!(ParsedUrl::parse("sftp://h:x"), Err(UrlError::Port));
        assert_eq!(ParsedUrl::parse("sftp://u;fingerprnt=x@h/"), Err(UrlError::Parameter));
        assert_eq!(ParsedUrl::parse("sftp://u;fingerprint=x@h;a=b/"), Err(UrlError::Parameter));
        assert_eq!(ParsedUrl::parse("ftp://h;fingerprint=x/"), Err(UrlError::NothingToCheck));
        assert_eq!(ParsedUrl::parse("sftp://u%0d%0aDELE@h"), Err(UrlError::Encoding));
        assert_eq!(ParsedUrl::parse("sftp://h/%zz"), Err(UrlError::Encoding));
    }

    #[test]
    fn urls_of_paths_read_back() {
        let site = ParsedUrl::parse("ftpes://bob@h").unwrap().site;
        let path = FilePath::parse(b"/a b/%41;x/caf\xe9").unwrap();
        assert_eq!(ParsedUrl::parse(&site.url_of(&path)).unwrap().path, RemoteStart::Absolute(path));
    }
}
