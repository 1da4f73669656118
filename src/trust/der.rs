//! DER as the formats of revocation and signatures need it: elements one behind the other, times, and the few shapes that
//! are written. Reads without copying and bounded by its input; knows no format.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[number]` around something, or in its place where that is made of elements.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The tag `[number]` in place of something that is not made of elements.
pub(super) const fn context_plain(number: u8) -> u8 {
    0x80 | number
}

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// With its header.
    pub(super) whole: &'a [u8],
    pub(super) contents: &'a [u8],
}

/// Elements one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, whatever it is; `None` at the end, or if there is none.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let bytes = rest.get(..usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), 2 + bytes.len())
            }
            _ => return None,
        };
        let whole = self.0.get(..header.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        Some(Element { tag, whole, contents: &whole[header..] })
    }

    /// The next element if it has this tag; nothing is taken otherwise.
    pub(super) fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.0.first() == Some(&tag) { self.any() } else { None }
    }

    /// The elements inside the next one, which must have this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Element::inside)
    }

    /// The next element, a UTCTime or a GeneralizedTime as RFC 5280 section 4.1.2.5 allows them.
    pub(super) fn time(&mut self) -> Option<Timestamp> {
        let element = self.take(UTC_TIME).or_else(|| self.take(GENERALIZED_TIME))?;
        let text = std::str::from_utf8(element.contents).ok()?;
        let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        let full = match (element.tag, digits.len()) {
            (UTC_TIME, 12) => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
            (GENERALIZED_TIME, 14) => digits.to_owned(),
            _ => return None,
        };
        let civil = DateTime::strptime("%Y%m%d%H%M%S", full).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }

    /// Nothing is left.
    pub(super) fn is_at_end(self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Element<'a> {
    /// The elements it is made of.
    pub(super) fn inside(self) -> Reader<'a> {
        Reader(self.contents)
    }

    /// The contents of an INTEGER without the zeros in front.
    pub(super) fn number(self) -> &'a [u8] {
        let zeros = self.contents.iter().take_while(|&&byte| byte == 0).count();
        &self.contents[zeros..]
    }

    /// The bits of a BIT STRING, which must be whole bytes.
    pub(super) fn bits(self) -> Option<&'a [u8]> {
        self.contents.strip_prefix(&[0])
    }
}

/// The one element `input` consists of, if its tag is `tag`.
pub(super) fn only(input: &[u8], tag: u8) -> Option<Element<'_>> {
    let mut reader = Reader(input);
    reader.take(tag).filter(|_| reader.is_at_end())
}

/// An element of these parts.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
    let mut element = vec![tag];
    if length > 0x7f {
        element.push(0x80 | significant.len() as u8);
        element.extend_from_slice(significant);
    } else {
        element.push(length as u8);
    }
    element.extend(parts.iter().copied().flatten());
    element
}

/// An extension (RFC 5280 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extension<'a> {
    /// The contents of its OBJECT IDENTIFIER.
    pub(super) id: &'a [u8],
    pub(super) critical: bool,
    /// The DER inside its OCTET STRING.
    pub(super) value: &'a [u8],
}

/// The extensions that `list`, the contents of `SEQUENCE OF Extension`, consists of; `None` if one is damaged.
pub(super) fn extensions(mut list: Reader<'_>) -> Option<Vec<Extension<'_>>> {
    let mut found = Vec::new();
    while !list.is_at_end() {
        let mut parts = list.inside(SEQUENCE)?;
        let id = parts.take(OBJECT_IDENTIFIER)?.contents;
        let critical = parts.take(BOOLEAN).is_some_and(|flag| flag.contents != [0]);
        let value = parts.take(OCTET_STRING)?.contents;
        found.push(Extension { id, critical, value });
    }
    Some(found)
}
