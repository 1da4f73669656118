//! How a file is called while its bytes are gathered: `.NAME.sealift-TAG.part`, TAG eight hexadecimal digits.

/// The name a file will have, as far as the name of its unfinished copy tells it (a long one is cut), and the tag in it; `None`:
/// it is not called so.
pub fn split_part_name(name: &[u8]) -> Option<(&[u8], u32)> {
    let text = name.strip_prefix(b".")?.strip_suffix(b".part")?;
    let (name, digits) = text.split_at_checked(text.len().checked_sub(8)?)?;
    let tag = std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok())?;
    Some((name.strip_suffix(b".sealift-")?, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unfinished_files() {
        assert_eq!(split_part_name(b".payroll.csv.sealift-0000beef.part"), Some((&b"payroll.csv"[..], 0xbeef)));
        for other in [&b".x.sealift-0000beeg.part"[..], b"x.part", b"x.sealift-0000beef.part", b".part", b".0000beef.part", b""] {
            assert_eq!(split_part_name(other), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
