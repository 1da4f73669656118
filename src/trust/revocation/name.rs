//! Whether two distinguished names are one (RFC 5280 section 7.1): authorities write their own name in a list in another
//! kind of text, case or spacing than in their certificate. Nothing is trusted for its name: a signature is checked behind it.

use crate::trust::der::{OBJECT_IDENTIFIER, Reader, SEQUENCE, SET, only};

/// PrintableString, UTF8String and IA5String, which differ in nothing that a person reads.
const TEXTS: [u8; 3] = [0x13, 0x0c, 0x16];

/// Whether `one` and `other` (DER) name the same.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let same = || {
        let [mut one, mut other] = [only(one, SEQUENCE)?.inside(), only(other, SEQUENCE)?.inside()];
        while !one.is_at_end() && !other.is_at_end() {
            is_same_part(one.inside(SET)?, other.inside(SET)?)?.then_some(())?;
        }
        Some(one.is_at_end() && other.is_at_end())
    };
    one == other || same().unwrap_or(false)
}

fn is_same_part(mut one: Reader<'_>, mut other: Reader<'_>) -> Option<bool> {
    while !one.is_at_end() && !other.is_at_end() {
        let [mut left, mut right] = [one.inside(SEQUENCE)?, other.inside(SEQUENCE)?];
        let is_same_kind = left.take(OBJECT_IDENTIFIER)? == right.take(OBJECT_IDENTIFIER)?;
        let [left, right] = [left.any()?, right.any()?];
        let are_texts = TEXTS.contains(&left.tag) && TEXTS.contains(&right.tag);
        let is_same_value = left == right || (are_texts && folded(left.contents)? == folded(right.contents)?);
        if !(is_same_kind && is_same_value) {
            return Some(false);
        }
    }
    Some(one.is_at_end() && other.is_at_end())
}

fn folded(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.to_lowercase();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::der::element;

    fn name(parts: &[(u8, u8, &str)]) -> Vec<u8> {
        let part = |&(kind, tag, text): &(u8, u8, &str)| {
            let kind = element(OBJECT_IDENTIFIER, &[&[0x55, 0x04, kind]]);
            element(SET, &[&element(SEQUENCE, &[&kind, &element(tag, &[text.as_bytes()])])])
        };
        element(SEQUENCE, &parts.iter().map(part).collect::<Vec<_>>().iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_compared_as_people_read_them() {
        let own = name(&[(10, 0x13, "Example Bank"), (3, 0x0c, "Root")]);
        assert!(is_same(&own, &name(&[(10, 0x0c, " example  BANK "), (3, 0x13, "root")])));
        for other in [
            name(&[(10, 0x13, "Example Bank")]),
            name(&[(10, 0x13, "ExampleBank"), (3, 0x0c, "Root")]),
            name(&[(11, 0x13, "Example Bank"), (3, 0x0c, "Root")]),
            name(&[(3, 0x0c, "Root"), (10, 0x13, "Example Bank")]),
            name(&[(10, 0x1e, "Example Bank"), (3, 0x0c, "Root")]),
            Vec::new(),
        ] {
            assert!(!is_same(&own, &other) && !is_same(&other, &own), "{other:?}");
        }
        let damaged = [0x30, 0x02, 0x31, 0x05];
        assert!(is_same(&damaged, &damaged) && !is_same(&damaged, &own));
    }
}
