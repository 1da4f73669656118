//! Names that some places take for one: those that differ in case or in how their letters are put together.

use unicode_normalization::UnicodeNormalization as _;

/// What is left of a name where case and composition do not count (macOS, Windows, many servers on them). Two names of one
/// fold may be one file there; which rules a place really has is only known by looking.
pub fn folded(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(_) if name.is_ascii() => name.to_ascii_lowercase(),
        // Both ways, so that letters of two small forms (ſ, ς) meet.
        Ok(text) => text.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect::<String>().into_bytes(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_case_or_composition_folds_into_one() {
        for (one, other) in [("README", "Readme"), ("Ä.txt", "a\u{308}.TXT"), ("ΣΑΣ", "σας"), ("straße", "STRASSE")] {
            assert_eq!(folded(one.as_bytes()), folded(other.as_bytes()), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a", "ä"), ("a1", "a2"), ("a", "a ")] {
            assert_ne!(folded(one.as_bytes()), folded(other.as_bytes()), "{one} {other}");
        }
        assert_eq!(folded(b"\xffA"), b"\xffa");
    }
}
