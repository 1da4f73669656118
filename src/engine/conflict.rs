//! What to do when the target is there already. Pure: it looks at facts and asks nobody.

use jiff::Zoned;

use super::job::ConflictPolicy;
use crate::model::{Difference, Entry, EntryName, Kind, More};

/// What became of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// A person has to say.
    Ask,
    /// Replace the target.
    Overwrite,
    /// Leave the target.
    Skip,
    /// Copy under a free name.
    Rename,
    /// Copy under the name with date and time appended.
    DateName,
    /// Go on behind what is there.
    Resume,
    /// It cannot be done, in words.
    Refuse(&'static str),
}

/// Decides by `policy` what happens to `target`, which is in the way of `source`.
///
/// A rule whose facts are not known asks; so does one by time where the times may only be of two zones.
pub fn decide(policy: ConflictPolicy, source: &Entry, target: &Entry) -> Resolution {
    let replace_if = |known: Option<bool>| match known {
        Some(true) => Resolution::Overwrite,
        Some(false) => Resolution::Skip,
        None => Resolution::Ask,
    };
    match policy {
        ConflictPolicy::Skip => return Resolution::Skip,
        ConflictPolicy::Rename => return Resolution::Rename,
        ConflictPolicy::DateName => return Resolution::DateName,
        _ => {}
    }
    if leads_to_folder(target) {
        return Resolution::Refuse("a folder of that name is in the way");
    }
    let difference = Difference::between(source, target);
    let newer = difference.surely_newer();
    let other_time = newer.is(More::Neither).map(|same| !same);
    let other_size = difference.larger.is(More::Neither).map(|same| !same);
    match policy {
        ConflictPolicy::Overwrite => Resolution::Overwrite,
        ConflictPolicy::Skip => Resolution::Skip,
        ConflictPolicy::Rename => Resolution::Rename,
        ConflictPolicy::DateName => Resolution::DateName,
        ConflictPolicy::Newer => replace_if(newer.is(More::Source)),
        ConflictPolicy::DateDiffers => replace_if(other_time),
        ConflictPolicy::Larger => replace_if(difference.larger.is(More::Source)),
        ConflictPolicy::SizeDiffers => replace_if(other_size),
        ConflictPolicy::Differs => match (other_time, other_size) {
            (Some(true), _) | (_, Some(true)) => Resolution::Overwrite,
            (Some(false), Some(false)) => Resolution::Skip,
            _ => Resolution::Ask,
        },
        ConflictPolicy::Resume if can_resume(source, target) => Resolution::Resume,
        ConflictPolicy::Resume if difference.larger == More::Neither => Resolution::Skip,
        // There is nothing to go on behind, and nothing to lose.
        ConflictPolicy::Resume if target.kind == Kind::File && target.size == Some(0) => Resolution::Overwrite,
        ConflictPolicy::Resume | ConflictPolicy::Ask => Resolution::Ask,
    }
}

/// Decides by `policy` about a file whose name is one with that of another file there. No rule compares the two, and
/// nothing that was ordered for older states of a file replaces another file.
pub fn decide_collision(policy: ConflictPolicy) -> Resolution {
    match policy {
        ConflictPolicy::Skip => Resolution::Skip,
        ConflictPolicy::Rename => Resolution::Rename,
        ConflictPolicy::DateName => Resolution::DateName,
        _ => Resolution::Ask,
    }
}

/// Whether `target` may be the beginning of `source`: both are files, and it is the shorter one, but not empty.
pub fn can_resume(source: &Entry, target: &Entry) -> bool {
    let shorter = source.size.zip(target.size).is_some_and(|(source, target)| (1..source).contains(&target));
    source.kind == Kind::File && target.kind == Kind::File && shorter
}

/// Whether it is a folder, or a link to one.
fn leads_to_folder(entry: &Entry) -> bool {
    entry.kind == Kind::Dir
        || entry.kind == Kind::Symlink && entry.details.as_ref().and_then(|details| details.target_kind) == Some(Kind::Dir)
}

/// `name` with a number in front of its extension: `report (2).pdf`, `backup (2).tar.gz`; at most 255 bytes.
pub fn numbered(name: &EntryName, number: u32) -> EntryName {
    appended(name, &format!(" ({number})"))
}

/// `name` with date and time in front of its extension: `report 2026-11-30 14-22-33.pdf`. No colons: Windows has none in names.
pub fn dated(name: &EntryName, when: &Zoned) -> EntryName {
    appended(name, &when.strftime(" %Y-%m-%d %H-%M-%S").to_string())
}

fn appended(name: &EntryName, text: &str) -> EntryName {
    let (stem, extension) = split_extension(name.as_bytes());
    let suffix = [text.as_bytes(), extension].concat();
    let mut bytes = cut_name(stem, MAX_NAME.saturating_sub(suffix.len())).to_vec();
    bytes.extend(suffix);
    EntryName::new(bytes).unwrap_or_else(|_| name.clone())
}

/// Bytes a name may have on nearly every system.
pub(super) const MAX_NAME: usize = 255;

/// The longest beginning of `name` of at most `limit` bytes that cuts no character in two.
pub(super) fn cut_name(name: &[u8], limit: usize) -> &[u8] {
    if name.len() <= limit {
        return name;
    }
    // Continuation bytes of UTF-8 are 10xxxxxx; more than three in a row are no UTF-8, where any cut is as good.
    let cut = (limit.saturating_sub(3)..=limit).rev().find(|&cut| name[cut] & 0xc0 != 0x80).unwrap_or(limit);
    &name[..cut]
}

fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    let dot = |bytes: &[u8]| bytes.iter().rposition(|&b| b == b'.').filter(|&at| at > 0 && bytes.len() - at <= 16);
    let Some(mut at) = dot(name) else { return (name, b"") };
    if let Some(inner) = dot(&name[..at]).filter(|&inner| &name[inner..at] == b".tar") {
        at = inner;
    }
    name.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    const POLICIES: [ConflictPolicy; 11] = [
        ConflictPolicy::Ask,
        ConflictPolicy::Overwrite,
        ConflictPolicy::Skip,
        ConflictPolicy::Newer,
        ConflictPolicy::Rename,
        ConflictPolicy::Larger,
        ConflictPolicy::SizeDiffers,
        ConflictPolicy::DateDiffers,
        ConflictPolicy::Differs,
        ConflictPolicy::DateName,
        ConflictPolicy::Resume,
    ];

    fn file(size: Option<u64>, second: Option<i64>) -> Entry {
        let mut entry = Entry::new(*b"x", Kind::File);
        entry.size = size;
        entry.modified = second.map(|second| Timestamp::from_second(second).unwrap());
        entry
    }

    #[test]
    fn each_rule_decides_by_its_facts() {
        use ConflictPolicy as P;
        use Resolution as R;
        let (old_small, new_large) = (file(Some(1), Some(10)), file(Some(2), Some(20)));
        let (old_large, unknown, empty) = (file(Some(2), Some(10)), file(None, Some(10)), file(Some(0), Some(10)));
        for (policy, source, target, resolution) in [
            (P::Ask, &new_large, &old_small, R::Ask),
            (P::Overwrite, &old_small, &new_large, R::Overwrite),
            (P::Skip, &new_large, &old_small, R::Skip),
            (P::Rename, &new_large, &old_small, R::Rename),
            (P::Newer, &new_large, &old_small, R::Overwrite),
            (P::Newer, &old_small, &new_large, R::Skip),
            (P::Newer, &new_large, &new_large, R::Skip),
            (P::Larger, &new_large, &old_small, R::Overwrite),
            (P::Larger, &old_small, &new_large, R::Skip),
            (P::SizeDiffers, &old_small, &new_large, R::Overwrite),
            (P::SizeDiffers, &old_small, &old_small, R::Skip),
            (P::DateDiffers, &old_small, &new_large, R::Overwrite),
            (P::DateDiffers, &old_small, &old_small, R::Skip),
            (P::Differs, &old_small, &new_large, R::Overwrite),
            (P::Differs, &old_small, &old_large, R::Overwrite),
            (P::Differs, &old_small, &old_small, R::Skip),
            (P::Differs, &unknown, &old_small, R::Ask),
            (P::DateName, &old_small, &old_small, R::DateName),
            (P::Resume, &new_large, &old_small, R::Resume),
            (P::Resume, &old_small, &old_small, R::Skip),
            (P::Resume, &new_large, &empty, R::Overwrite),
            (P::Resume, &old_small, &new_large, R::Ask),
            (P::Resume, &unknown, &new_large, R::Ask),
        ] {
            assert_eq!(decide(policy, source, target), resolution, "{policy:?}");
        }
    }

    #[test]
    fn parts_of_a_second_make_no_file_newer() {
        let mut source = file(Some(1), Some(10));
        source.modified = Timestamp::new(10, 999_999_999).ok();
        assert_eq!(decide(ConflictPolicy::Newer, &source, &file(Some(1), Some(10))), Resolution::Skip);
        assert_eq!(decide(ConflictPolicy::DateDiffers, &source, &file(Some(1), Some(10))), Resolution::Skip);
    }

    #[test]
    fn a_time_that_may_be_of_another_zone_decides_nothing() {
        let source = file(Some(1), Some(7200));
        let mut target = file(Some(1), Some(0));
        assert_eq!(decide(ConflictPolicy::Newer, &source, &target), Resolution::Overwrite);
        target.precision = crate::model::TimePrecision::Minute;
        for policy in [ConflictPolicy::Newer, ConflictPolicy::DateDiffers, ConflictPolicy::Differs] {
            assert_eq!(decide(policy, &source, &target), Resolution::Ask, "{policy:?}");
        }
    }

    #[test]
    fn nothing_is_replaced_because_its_name_is_one_with_another() {
        for policy in POLICIES {
            assert!(!matches!(decide_collision(policy), Resolution::Overwrite | Resolution::Resume), "{policy:?}");
        }
    }

    #[test]
    fn dates_stand_before_the_extension() {
        let when: Zoned = "2026-11-30T14:22:33[UTC]".parse().unwrap();
        let name = "backup.tar.gz".try_into().unwrap();
        assert_eq!(dated(&name, &when).as_bytes(), b"backup 2026-11-30 14-22-33.tar.gz");
    }

    #[test]
    fn a_folder_is_never_replaced_by_a_file() {
        let mut link = Entry::new(*b"x", Kind::Symlink);
        link.details_mut().target_kind = Some(Kind::Dir);
        for target in [Entry::new(*b"x", Kind::Dir), link] {
            for policy in POLICIES {
                let resolution = decide(policy, &file(Some(1), Some(1)), &target);
                assert!(!matches!(resolution, Resolution::Overwrite | Resolution::Resume), "{policy:?}");
            }
        }
    }

    #[test]
    fn numbers_stand_before_the_extension() {
        for (name, numbered_name) in [
            ("report.pdf", "report (2).pdf"),
            ("backup.tar.gz", "backup (2).tar.gz"),
            ("README", "README (2)"),
            (".bashrc", ".bashrc (2)"),
            ("a.b.c", "a.b (2).c"),
        ] {
            assert_eq!(numbered(&name.try_into().unwrap(), 2).as_bytes(), numbered_name.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_rule_without_facts_never_overwrites(sizes in any::<[Option<u64>; 2]>(), seconds in any::<[Option<i32>; 2]>()) {
            let source = file(sizes[0], seconds[0].map(i64::from));
            let target = file(sizes[1], seconds[1].map(i64::from));
            for policy in POLICIES {
                let resolution = decide(policy, &source, &target);
                let blind = match policy {
                    ConflictPolicy::Newer | ConflictPolicy::DateDiffers => seconds.contains(&None),
                    ConflictPolicy::Larger | ConflictPolicy::SizeDiffers => sizes.contains(&None),
                    _ => continue,
                };
                prop_assert_eq!(blind, resolution == Resolution::Ask);
            }
        }

        #[test]
        fn a_numbered_name_fits_and_differs(name in "[^/\0\r\n]{1,300}", number in 2u32..1000) {
            if let Ok(name) = EntryName::new(name.as_bytes()) {
                let free = numbered(&name, number);
                prop_assert!(free.as_bytes().len() <= 255 && free != name);
                prop_assert!(std::str::from_utf8(free.as_bytes()).is_ok());
            }
        }
    }
}
