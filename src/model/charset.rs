//! The charset a server keeps its names in, where that is not UTF-8. Only ones whose ASCII is ASCII: commands are.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::Encoding;

/// A charset of the WHATWG Encoding Standard, as browsers and FileZilla know them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Charset(&'static Encoding);

/// Nobody knows a charset of this name, or it cannot carry commands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no charset that FTP could use is called \"{}\"; known are for example utf-8, windows-1252, shift_jis, gbk, koi8-r", super::text::display_safe(.0.as_bytes()))]
pub struct UnknownCharset(String);

/// A character of a name that the charset does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} (U+{:04X}) has no form in {charset}, the charset that is set for this site", shown(*.character), u32::from(*.character))]
pub struct Unencodable {
    /// The first such character.
    pub character: char,
    /// Which charset.
    pub charset: Charset,
}

/// Stands before a name whose bytes would read as something else: no UTF-8 text has this byte.
const AS_IT_IS: u8 = 0xFF;

impl Charset {
    /// The charset of this name or alias (`latin1`, `cp1252` …), in any case.
    pub fn parse(label: &str) -> Result<Self, UnknownCharset> {
        let found = Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible());
        found.map(Self).ok_or_else(|| UnknownCharset(label.to_owned()))
    }

    /// Its own name, in lower case as it is written in files.
    pub fn name(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// Whether names are UTF-8, or whatever bytes they are: nothing is to be converted.
    pub fn is_utf8(self) -> bool {
        self.0 == encoding_rs::UTF_8
    }

    /// A server's name as it is known here: UTF-8. Bytes that are no text of this charset, or that it would write in another
    /// way, stay as they are; [`Self::encode`] finds back to the server's own bytes in every case.
    pub fn decode(self, name: &[u8]) -> Cow<'_, [u8]> {
        if self.is_utf8() || name.is_ascii() {
            return Cow::Borrowed(name);
        }
        match self.text(name) {
            Some(text) => Cow::Owned(text.into_owned().into_bytes()),
            None if std::str::from_utf8(name).is_err() && !name.starts_with(&[AS_IT_IS]) => Cow::Borrowed(name),
            None => Cow::Owned([&[AS_IT_IS], name].concat()),
        }
    }

    /// [`Self::decode`] for every part of a path.
    pub fn decode_path(self, path: &[u8]) -> Vec<u8> {
        path.split(|&byte| byte == b'/').map(|name| self.decode(name)).collect::<Vec<_>>().join(&b'/')
    }

    /// The bytes the server knows a name by.
    pub fn encode(self, name: &[u8]) -> Result<Cow<'_, [u8]>, Unencodable> {
        if self.is_utf8() || name.is_ascii() {
            return Ok(Cow::Borrowed(name));
        }
        let Ok(text) = std::str::from_utf8(name) else {
            return Ok(Cow::Borrowed(name.strip_prefix(&[AS_IT_IS]).unwrap_or(name)));
        };
        self.encode_text(text)
    }

    /// [`Self::encode`] for every part of a path, whatever stands before its first `/`.
    pub fn encode_path(self, path: &[u8]) -> Result<Vec<u8>, Unencodable> {
        let names = path.split(|&byte| byte == b'/').map(|name| self.encode(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(names.join(&b'/'))
    }

    /// Text that is no name, a user for example.
    pub fn encode_text(self, text: &str) -> Result<Cow<'_, [u8]>, Unencodable> {
        match self.0.encode(text) {
            (bytes, _, false) => Ok(bytes),
            (_, _, true) => {
                let is_missing = |character: &char| self.0.encode(character.encode_utf8(&mut [0; 4])).2;
                let character = text.chars().find(is_missing).unwrap_or(char::REPLACEMENT_CHARACTER);
                Err(Unencodable { character, charset: self })
            }
        }
    }

    /// A line for people to read: what is no text of this charset stays as it is.
    pub fn decode_line(self, line: &[u8]) -> Cow<'_, [u8]> {
        match self.0.decode_without_bom_handling_and_without_replacement(line) {
            Some(text) if !self.is_utf8() => Cow::Owned(text.into_owned().into_bytes()),
            _ => Cow::Borrowed(line),
        }
    }

    /// The text of which exactly these bytes are the form.
    fn text(self, name: &[u8]) -> Option<Cow<'_, str>> {
        let text = self.0.decode_without_bom_handling_and_without_replacement(name)?;
        self.encode_text(&text).is_ok_and(|bytes| *bytes == *name).then_some(text)
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

fn shown(character: char) -> String {
    super::text::display_safe(format!("'{character}'").as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charset(label: &str) -> Charset {
        Charset::parse(label).unwrap()
    }

    #[test]
    fn charsets_are_known_by_their_names_and_others() {
        for (label, name) in
            [("Latin1", "windows-1252"), ("UTF8", "utf-8"), ("sjis", "shift_jis"), ("GB2312", "gbk"), (" KOI8-R", "koi8-r")]
        {
            assert_eq!(charset(label).name(), name);
            assert_eq!(charset(name), charset(label), "what is written is read back");
        }
        // Their ASCII is none, or depends on what came before.
        for label in ["utf-16le", "iso-2022-jp", "replacement", "hz-gb-2312", "", "klingon"] {
            assert!(Charset::parse(label).is_err(), "{label}");
        }
    }

    #[test]
    fn names_in_a_charset_are_read_and_written() {
        for (label, bytes, name) in [
            ("latin1", &b"M\xfcll \x80"[..], "Müll €"),
            ("shift_jis", b"\x83\x5c\x83\x8a\x93\x63", "ソリ田"),
            ("gbk", b"\xb9\xa4\xd7\xca", "工资"),
            ("koi8-r", b"\xd0\xcc\xc1\xd4\xc1", "плата"),
        ] {
            assert_eq!(&*charset(label).decode(bytes), name.as_bytes(), "{label}");
            assert_eq!(charset(label).encode(name.as_bytes()).as_deref(), Ok(bytes), "{label}");
        }
        assert_eq!(
            charset("gbk").encode_path(b"MFMT 20260101 /a/\xe5\xb7\xa5/\xff\xe5\xb7\xa5").unwrap(),
            b"MFMT 20260101 /a/\xb9\xa4/\xe5\xb7\xa5"
        );
        assert_eq!(&*charset("gbk").decode_line(b"550 \xb9\xa4: no"), "550 工: no".as_bytes());
    }

    #[test]
    fn what_a_charset_does_not_have_is_named() {
        let error = charset("latin1").encode("Gehälter ž ☃".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "'☃' (U+2603) has no form in windows-1252, the charset that is set for this site");
        assert!(charset("latin1").encode("a\u{301}".as_bytes()).unwrap_err().to_string().contains("(U+0301)"));
    }

    #[test]
    fn bytes_that_are_no_text_of_the_charset_stay_and_are_found_back() {
        // UTF-8 among GBK names: read back as GBK they would be another file's.
        let (gbk, utf8) = (charset("gbk"), "あ".as_bytes());
        assert_eq!(&*gbk.decode(utf8), b"\xff\xe3\x81\x82");
        assert_eq!(&*gbk.decode(b"\x81"), b"\x81");
        assert_eq!(&*gbk.decode(b"\xff\x81"), b"\xff\xff\x81");
    }

    proptest! {
        #[test]
        fn every_name_that_is_listed_opens(
            name in proptest::collection::vec(prop_oneof![any::<u8>(), 0x80u8.., Just(0xFF), Just(0x5C)], 0..12),
            text in ".{0,6}",
            label in prop::sample::select(&["latin1", "windows-1251", "koi8-r", "shift_jis", "gbk", "gb18030", "big5", "euc-jp", "euc-kr", "iso-8859-8", "x-user-defined", "utf-8"][..]),
        ) {
            let charset = charset(label);
            for name in [name, text.clone().into_bytes(), charset.encode_text(&text).map(Cow::into_owned).unwrap_or_default()] {
                let shown = charset.decode(&name);
                prop_assert_eq!(&*charset.encode(&shown).unwrap(), &*name);
                prop_assert_eq!(charset.encode_path(&charset.decode_path(&name)).unwrap(), name);
            }
        }
    }
}
