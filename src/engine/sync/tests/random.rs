//! Trees nobody thought of: carrying a plan out makes them alike, and a second comparison finds nothing.

use proptest::prelude::*;

use super::*;

/// Few names, so that the two sides meet.
fn tree() -> impl Strategy<Value = Vec<(String, u8, i64)>> {
    let part = prop_oneof![Just("a"), Just("b"), Just("c.txt"), Just("ä"), Just("z")];
    let path = proptest::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    proptest::collection::vec((path, 0_u8..4, 0_i64..4), 0..14)
}

fn build(files: &[(String, u8, i64)], side: SyncSide, two: &Two, runtime: &tokio::runtime::Runtime) {
    let (place, root) = if side == SyncSide::Left { (&two.left, "/l") } else { (&two.right, "/r") };
    for (name, size, second) in files {
        // What is in the way of another was there first.
        let path = path(&format!("{root}/{name}"));
        if place.put(&path, &vec![b'x'; usize::from(*size)]).is_ok() {
            let modified = Timestamp::from_second(THEN + second * 10).ok();
            runtime.block_on(place.set_metadata(&path, NewMetadata { modified, mode: None })).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn trees_become_alike(left in tree(), right in tree(), both in any::<bool>(), trash in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let two = Two::new();
        build(&left, SyncSide::Left, &two, &runtime);
        build(&right, SyncSide::Right, &two, &runtime);
        let options = SyncOptions {
            direction: if both { Direction::Both } else { Direction::Right },
            deletion: if trash { Deletion::Trash } else { Deletion::Permanent },
            replace_newer: true,
            empty_source: true,
            ..SyncOptions::default()
        };
        let plan = runtime.block_on(two.compare(options.clone()));
        let open = plan.totals().open();
        let conflicts: Vec<Vec<u8>> = (0..plan.len()).filter(|&at| plan.row(at).unwrap().effect() == Effect::Conflict).map(|at| plan.path(at)).collect();
        let mut text = Vec::new();
        plan.write(&mut text).unwrap();
        prop_assert_eq!(lines(&Plan::read(&mut &text[..]).unwrap()), lines(&plan));
        let staged = runtime.block_on(two.apply(plan));
        prop_assert_eq!(staged.report.failed, 0, "{:?}", staged);
        let again = runtime.block_on(two.compare(options));
        prop_assert_eq!((again.totals().changes(), again.totals().open()), (0, open), "{:?}", lines(&again));
        if conflicts.is_empty() {
            let own = |path: &String| !path.starts_with(TRASH);
            prop_assert_eq!(two.paths(SyncSide::Left), two.paths(SyncSide::Right).into_iter().filter(own).collect::<Vec<_>>());
        }
    }
}
