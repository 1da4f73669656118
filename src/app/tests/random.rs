//! Random keys and messages: nothing panics, marks never name what is unsafe, orders name only what may be named.

use proptest::prelude::*;

use super::*;
use crate::app::message::{ClientsDone, SecretsDone};
use crate::engine::{JobId, Report, Snapshot};

#[derive(Debug, Clone)]
enum Step {
    Key(usize),
    Paste(String),
    Listed(Vec<Vec<u8>>),
    Ended(bool),
    Statted(Vec<Vec<u8>>),
    Connected(u32),
    Failed,
    Job(u64),
    Line(bool),
    Looked(usize),
    Wait(u64),
    Viewport(usize),
    Sorted(Vec<u32>),
}

const KEYS: &str =
    "jkJKgGlhHLxo v+-*AUcmradi/nNs.RSOdTtTfegpytpywynu:E?q<esc><enter><tab><space><f5><del><up><down><c-u><pgdn><end><home><a-5>y0123*?";

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-c.]{1,3}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
        1 => Just(b"../x".to_vec()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let names = || proptest::collection::vec(name(), 0..6);
    prop_oneof![
        12 => (0usize..1000).prop_map(Step::Key),
        1 => "\\PC{0,6}".prop_map(Step::Paste),
        3 => names().prop_map(Step::Listed),
        2 => any::<bool>().prop_map(Step::Ended),
        1 => names().prop_map(Step::Statted),
        1 => (0u32..3).prop_map(Step::Connected),
        1 => Just(Step::Failed),
        1 => (0u64..3).prop_map(Step::Job),
        1 => any::<bool>().prop_map(Step::Line),
        3 => (0usize..4).prop_map(Step::Looked),
        1 => (0u64..900).prop_map(Step::Wait),
        1 => (0usize..5).prop_map(Step::Viewport),
        1 => proptest::collection::vec(0u32..9, 0..9).prop_map(Step::Sorted),
    ]
}

fn entries(names: &[Vec<u8>]) -> Vec<Entry> {
    let kinds = [Kind::File, Kind::Dir, Kind::Symlink, Kind::Other, Kind::Unparsed];
    names.iter().map(|name| Entry::new(name.as_slice(), kinds[name.len() % kinds.len()])).collect()
}

fn run(screen: &mut Screen, step: Step) {
    let requests = |screen: &Screen| {
        screen
            .effects
            .iter()
            .rev()
            .take(8)
            .filter_map(|effect| match effect {
                Effect::List { pane, generation, .. }
                | Effect::Connect { pane, generation, .. }
                | Effect::Stat { pane, generation, .. }
                | Effect::Sort { pane, generation, .. } => Some((*pane, *generation)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let pane = Side::Left;
    match step {
        Step::Key(at) => {
            let keys = parse_keys(KEYS);
            screen.send(Msg::Key(keys[at % keys.len()]));
        }
        Step::Paste(text) => screen.send(Msg::Paste(text)),
        Step::Listed(names) => {
            for (_, generation) in requests(screen) {
                screen.send(Msg::Listed { pane, generation, batch: entries(&names) });
            }
        }
        Step::Ended(good) => {
            for (_, generation) in requests(screen) {
                let result = if good { Ok(()) } else { Err(advice("no")) };
                screen.send(Msg::ListingEnded { pane, generation, result });
            }
        }
        Step::Statted(names) => {
            for (_, generation) in requests(screen) {
                screen.send(Msg::Statted { pane, generation, entries: entries(&names) });
            }
        }
        Step::Sorted(order) => {
            for (_, generation) in requests(screen) {
                screen.send(Msg::Sorted { pane, generation, order: order.clone() });
            }
        }
        Step::Connected(id) => {
            for (_, generation) in requests(screen) {
                let session = if id == 1 { inspector::certified(id) } else { session(id) };
                screen.send(Msg::Connected { pane, generation, session, start: path("/") });
            }
        }
        Step::Failed => {
            for (_, generation) in requests(screen) {
                screen.send(Msg::ConnectFailed { pane, generation, advice: advice("no"), refusal: None });
            }
        }
        Step::Job(id) => {
            let changed = vec![(Place::Local, path("/l")), (Place::Remote(SessionId(id as u32)), path("/"))];
            screen.send(Msg::JobEnded { id: JobId(id), report: Report { failed: id, ..Report::default() }, changed });
            screen.send(Msg::Tick(Snapshot::default()));
        }
        Step::Line(lost) => screen.send(Msg::SessionLine { id: SessionId(1), lost: lost.then(|| advice("lost")) }),
        Step::Looked(rows) => looked(screen, rows),
        Step::Wait(milliseconds) => screen.wait(milliseconds),
        Step::Viewport(rows) => {
            let reaction = screen.app.set_viewport(Side::Left, rows);
            screen.effects.extend(reaction.effects);
        }
    }
}

/// Answers whatever an inspector, an export or the ledger asked for last.
fn looked(screen: &mut Screen, rows: usize) {
    let asked = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::Inspect { generation, .. } => {
            let result = if rows == 0 { Err(advice("no")) } else { Ok(inspector::documents(rows)) };
            Some(Msg::Inspected { generation: *generation, result })
        }
        Effect::CheckRevocation { generation, .. } => {
            Some(Msg::RevocationChecked { generation: *generation, result: Ok(crate::trust::Revocation::NotChecked) })
        }
        Effect::WriteFile { generation, path, .. } => {
            let result = if rows == 0 { Err(advice("no")) } else { Ok(()) };
            Some(Msg::FileWritten { generation: *generation, path: path.clone(), result })
        }
        Effect::Ledger { generation, .. } => {
            let rows = if rows == 0 { Err(advice("no")) } else { Ok(ledger::rows().into_iter().take(rows).collect()) };
            Some(Msg::LedgerRead { generation: *generation, done: Ok(String::new()), rows })
        }
        Effect::Secrets { generation, work, .. } => {
            let done = if rows == 0 { Ok(SecretsDone::VaultLocked(work.clone())) } else { Ok(SecretsDone::Said(String::new())) };
            Some(Msg::SecretsRead { generation: *generation, done, kept: Ok(secrets::kept(rows)) })
        }
        Effect::Clients { generation, .. } => {
            let done = if rows == 2 { Ok(ClientsDone::Found(clients::authority())) } else { Ok(ClientsDone::Read) };
            let lists = if rows == 0 { Err(advice("no")) } else { Ok(clients::lists()) };
            Some(Msg::ClientsRead { generation: *generation, done, lists })
        }
        _ => None,
    });
    if let Some(asked) = asked {
        screen.send(asked);
    }
}

fn check(screen: &Screen) {
    for side in [Side::Left, Side::Right] {
        let Some(folder) = &screen.app.pane(side).folder else { continue };
        let marked: Vec<&Entry> = folder
            .entries()
            .iter()
            .enumerate()
            .filter(|(index, _)| folder.marks().contains(*index as u32))
            .map(|(_, entry)| entry)
            .collect();
        assert_eq!(marked.len(), folder.marks().count());
        assert!(marked.iter().all(|entry| entry.name().is_ok()), "a mark names {marked:?}");
        let sum: u64 = marked.iter().filter(|entry| entry.kind != Kind::Dir).filter_map(|entry| entry.size).sum();
        assert_eq!(sum, folder.marks().bytes());
        assert!(folder.cursor() < folder.len().max(1) && folder.top() <= folder.cursor());
    }
    for effect in &screen.effects {
        if let Effect::Submit(spec) = effect {
            assert!(!spec.items.is_empty());
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_marks_are_safe(steps in proptest::collection::vec(step(), 0..80)) {
        let mut screen = Screen::local(&["a", "b/", ".c"]);
        for step in steps {
            run(&mut screen, step);
            check(&screen);
        }
    }
}
