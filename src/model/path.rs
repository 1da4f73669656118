//! Names and paths as bytes. Not `std::path`: a name that came from a server must be checked before it becomes a path.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text;

/// A single name that is safe to join to a path: not empty, not `.` or `..`, without `/`, NUL, CR or LF.
///
/// The bytes are kept as the server sent them; they need not be UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct EntryName(Box<[u8]>);

/// Why bytes of a listing cannot be used as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnsafeName {
    /// The name has no bytes.
    #[error("the name is empty")]
    Empty,
    /// `.` or `..`: it would point at the folder itself or out of it.
    #[error("the name points out of its folder")]
    Dots,
    /// It contains `/`, so it would name something in another folder.
    #[error("the name contains a slash")]
    Slash,
    /// It contains NUL, CR or LF, which would end a path or a protocol line early.
    #[error("the name contains a line break or NUL")]
    ControlByte,
    /// The line of the listing was not understood, so there is no name in it.
    #[error("this line of the listing was not understood")]
    NotParsed,
}

impl EntryName {
    /// Checks `bytes` and takes them as a name.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Result<Self, UnsafeName> {
        let bytes = bytes.into();
        Self::check(&bytes)?;
        Ok(Self(bytes))
    }

    /// Says whether `bytes` could be a name, without keeping them.
    pub fn check(bytes: &[u8]) -> Result<(), UnsafeName> {
        match bytes {
            b"" => Err(UnsafeName::Empty),
            b"." | b".." => Err(UnsafeName::Dots),
            _ if bytes.contains(&b'/') => Err(UnsafeName::Slash),
            _ if bytes.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) => Err(UnsafeName::ControlByte),
            _ => Ok(()),
        }
    }

    /// The bytes as they are on the wire or on the disk.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name made safe to draw or log (see [`text::display_safe`]).
    pub fn display(&self) -> String {
        text::display_safe(&self.0)
    }
}

impl TryFrom<Vec<u8>> for EntryName {
    type Error = UnsafeName;
    fn try_from(bytes: Vec<u8>) -> Result<Self, UnsafeName> {
        Self::new(bytes)
    }
}

impl TryFrom<&str> for EntryName {
    type Error = UnsafeName;
    fn try_from(name: &str) -> Result<Self, UnsafeName> {
        Self::new(name.as_bytes())
    }
}

impl From<EntryName> for Vec<u8> {
    fn from(name: EntryName) -> Self {
        name.0.into_vec()
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.display())
    }
}

/// An absolute path on one side, local or remote: `/`-separated bytes without `.`, `..`, empty parts, NUL, CR or LF.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct FilePath(Vec<u8>);

impl FilePath {
    /// `/`.
    pub fn root() -> Self {
        Self(vec![b'/'])
    }

    /// Reads an absolute path; `.` and empty parts are dropped, `..` takes a part away (never above `/`).
    ///
    /// This is for text a person or this program wrote. A server's names go through [`EntryName`].
    pub fn parse(bytes: &[u8]) -> Result<Self, UnsafeName> {
        Self::root().resolve(bytes)
    }

    /// Reads `bytes` relative to this folder, or as an absolute path where it begins with `/`.
    pub fn resolve(&self, bytes: &[u8]) -> Result<Self, UnsafeName> {
        let mut path = if bytes.starts_with(b"/") { Self::root() } else { self.clone() };
        for part in bytes.split(|&b| b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => path = path.parent().unwrap_or_else(Self::root),
                _ => path = path.join(&EntryName::new(part)?),
            }
        }
        Ok(path)
    }

    /// The path of `name` inside this folder.
    pub fn join(&self, name: &EntryName) -> Self {
        let mut bytes = self.0.clone();
        if bytes != b"/" {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_bytes());
        Self(bytes)
    }

    /// The folder this lies in; `None` for `/`.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(Self(self.0[..cut.max(1)].to_vec()))
    }

    /// The last part; `None` for `/`.
    pub fn name(&self) -> Option<EntryName> {
        self.names().last()
    }

    /// The parts from the root down.
    pub fn names(&self) -> impl Iterator<Item = EntryName> + '_ {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty()).map(|part| EntryName(part.into()))
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == b"/"
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        other.is_root() || self == other || (self.0.starts_with(&other.0) && self.0.get(other.0.len()) == Some(&b'/'))
    }

    /// The bytes, beginning with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path made safe to draw or log.
    pub fn display(&self) -> String {
        text::display_safe(&self.0)
    }
}

impl TryFrom<Vec<u8>> for FilePath {
    type Error = UnsafeName;
    fn try_from(bytes: Vec<u8>) -> Result<Self, UnsafeName> {
        Self::parse(&bytes)
    }
}

impl TryFrom<&str> for FilePath {
    type Error = UnsafeName;
    fn try_from(path: &str) -> Result<Self, UnsafeName> {
        Self::parse(path.as_bytes())
    }
}

impl From<FilePath> for Vec<u8> {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        for (bytes, why) in [
            (&b""[..], UnsafeName::Empty),
            (b".", UnsafeName::Dots),
            (b"..", UnsafeName::Dots),
            (b"../x", UnsafeName::Slash),
            (b"/x", UnsafeName::Slash),
            (b"a\0b", UnsafeName::ControlByte),
            (b"a\r\nDELE b", UnsafeName::ControlByte),
        ] {
            assert_eq!(EntryName::new(bytes).err(), Some(why), "{bytes:?}");
        }
        assert!(EntryName::new(&b"caf\xe9 ..x"[..]).is_ok());
    }

    #[test]
    fn paths_are_normalised_and_never_leave_the_root() {
        let path = |text: &str| FilePath::try_from(text).unwrap();
        assert_eq!(path("//a/./b/../c/").as_bytes(), b"/a/c");
        assert_eq!(path("/../..").as_bytes(), b"/");
        assert_eq!(path("/a").resolve(b"../b").unwrap(), path("/b"));
        assert_eq!(path("/a/b").parent(), Some(path("/a")));
        assert_eq!(path("/a").parent(), Some(FilePath::root()));
        assert_eq!(FilePath::root().parent(), None);
        assert!(path("/a/b").is_within(&path("/a")));
        assert!(!path("/ab").is_within(&path("/a")));
    }
}
