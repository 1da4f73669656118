//! Dialogs that are no questions of the engine: what they order, and that Enter and Esc are safe.

use super::super::action::ACTIONS;
use super::super::dialog::HelpRow;
use super::*;
use crate::engine::{FileFailure, JobId, JobKind, JobOptions, JobProgress, JobState, Links, Report, Snapshot};

fn running(id: u64) -> Snapshot {
    let job = JobProgress { state: JobState::Running, ..JobProgress::waiting(JobId(id), JobKind::Copy, "1 item".to_owned()) };
    Snapshot { jobs: vec![job], ..Snapshot::default() }
}

#[test]
fn a_deletion_needs_a_yes() {
    for (keys, deletes) in [("<enter>", false), ("<esc>", false), ("n", false), ("x<enter>", false), ("y", true), ("<tab><enter>", true)] {
        let mut screen = Screen::local(&["dir/", "f"]);
        screen.keys("Ad");
        let Some(Dialog::Delete(dialog)) = screen.app.dialog() else { panic!("no dialog") };
        assert_eq!((dialog.place.as_str(), dialog.spec.items.len(), dialog.folders), ("this machine", 2, 1));
        screen.keys(keys);
        assert!(screen.app.dialogs.is_empty());
        assert_eq!(screen.orders().contains(&"Delete local /l [dir,f] -> local /l".to_owned()), deletes, "{keys}");
    }
}

#[test]
fn an_operation_stays_with_what_it_was_opened_for() {
    let mut screen = Screen::local(&["a", "b"]);
    screen.keys("Rd");
    screen.answer_listing(Side::Left, &["other", "names"]);
    screen.keys("y");
    assert!(screen.orders().contains(&"Delete local /l [a] -> local /l".to_owned()));
}

#[test]
fn target_and_name_of_a_copy_can_be_changed() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("c<tab><tab>/../x<tab><c-u>b<enter>");
    assert_eq!(screen.orders(), ["Copy local /l [a] -> local /x as b"]);
    screen.keys("gx");
    screen.keys("go");
    screen.answer_listing(Side::Left, &["a"]);
    screen.keys("m<enter>");
    let Some(Dialog::Transfer(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert!(dialog.error.as_ref().is_some_and(|error| error.contains("the same")));
    screen.keys("<tab><enter>");
    assert!(screen.app.dialogs.is_empty(), "Cancel");
}

#[test]
fn the_ends_of_lines_are_chosen_where_a_place_is_on_an_ftp_server() {
    use crate::model::TransferType;
    for (keys, is_ftp, chosen) in [
        ("c", true, None),
        ("ct", true, Some(TransferType::Ascii)),
        ("ctt", true, Some(TransferType::Auto)),
        ("cttt", true, Some(TransferType::Binary)),
        ("ctttt", true, None),
        ("c<s-tab><s-tab><space>", true, Some(TransferType::Ascii)),
        ("ct", false, None),
    ] {
        let mut screen = Screen::local(&["a"]);
        if is_ftp {
            screen.keys("<tab>");
            screen.connect("Oftpes://me@host<enter>", 1);
            screen.answer_listing(Side::Right, &["b"]);
            screen.keys("<tab>");
        }
        screen.keys(keys);
        let Some(Dialog::Transfer(dialog)) = screen.app.dialog() else { panic!("closed") };
        assert_eq!((dialog.is_ftp, dialog.spec.options.transfer_type), (is_ftp, chosen), "{keys}");
    }
}

#[test]
fn links_and_verification_are_chosen_before_a_copy_starts() {
    for (keys, links, verify) in [
        ("c", Links::AsPossible, false),
        ("clv", Links::Follow, true),
        ("cllvv", Links::Copy, false),
        ("clll", Links::Skip, false),
        ("cllll", Links::AsPossible, false),
        // In a field they are letters; on a choice Space chooses, too.
        ("c<tab><tab>lv", Links::AsPossible, false),
        ("c<s-tab><space>", Links::AsPossible, true),
        ("c<s-tab><s-tab><space>", Links::Follow, false),
    ] {
        let mut screen = Screen::local(&["a"]);
        screen.keys(keys);
        let Some(Dialog::Transfer(dialog)) = screen.app.dialog() else { panic!("closed") };
        assert_eq!(dialog.spec.options, JobOptions { links, verify, ..JobOptions::default() }, "{keys}");
    }
}

#[test]
fn a_folder_does_not_go_into_itself() {
    let mut screen = Screen::local(&["dir/"]);
    screen.keys("c<tab><tab><c-u>/l/dir/sub<enter>");
    let Some(Dialog::Transfer(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert!(dialog.error.as_ref().is_some_and(|error| error.contains("itself")));
}

#[test]
fn without_a_folder_in_the_other_pane_nothing_is_copied() {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Sites(Vec::new()));
    screen.answer_listing(Side::Left, &["a"]);
    screen.keys("<tab>c");
    assert!(screen.app.dialogs.is_empty() && screen.notice().contains("other pane"));
}

#[test]
fn new_folders_and_names_land_under_the_cursor() {
    let mut screen = Screen::local(&["a", "z"]);
    screen.keys("a..<enter>");
    let Some(Dialog::MakeDir(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert!(dialog.error.is_some());
    screen.keys("<c-u>new/<enter>");
    assert_eq!(screen.orders(), ["mkdir local /l/new"]);
    let changed = vec![(Place::Local, path("/l"))];
    screen.send(Msg::OperationEnded { what: "make folder new".to_owned(), result: Ok(()), changed: changed.clone() });
    screen.answer_listing(Side::Left, &["a", "new/", "z"]);
    assert_eq!(screen.rows(Side::Left), "[new] a z");
    screen.keys("jr<c-u>k<enter>");
    assert_eq!(screen.orders()[1..], ["rename local /l/a /l/k"]);
    screen.send(Msg::OperationEnded { what: "rename a".to_owned(), result: Err(advice("denied")), changed });
    assert_eq!(screen.notice(), "denied");
}

#[test]
fn names_that_are_not_utf8_survive_a_rename_left_alone_and_a_copy() {
    let mut screen = Screen::local(&[]);
    screen.keys("R");
    screen.answer_entries(Side::Left, vec![Entry::new(&b"caf\xe9"[..], Kind::File)]);
    screen.orders();
    screen.keys("r<enter>c<enter>");
    let Some(Effect::Submit(spec)) = screen.effects.pop() else { panic!("no job") };
    assert_eq!((spec.items[0].as_bytes(), &spec.new_name), (&b"caf\xe9"[..], &None));
    assert!(screen.effects.is_empty(), "nothing was renamed");
}

#[test]
fn the_sort_menu_chooses_by_letter_or_enter_and_reverses() {
    let mut screen = Screen::local(&["a", "b"]);
    screen.keys("s<enter>");
    assert_eq!(screen.rows(Side::Left), "[b] a");
    screen.keys("s<esc>sjj<enter>");
    assert_eq!(screen.app.pane(Side::Left).sort, Sort { key: crate::model::sort::SortKey::Size, descending: true });
}

#[test]
fn help_and_palette_come_from_the_table() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("?");
    let Some(Dialog::Help(help)) = screen.app.dialog() else { panic!("no help") };
    assert_eq!(help.rows().iter().filter(|row| matches!(row, HelpRow::Action(_))).count(), ACTIONS.len());
    screen.keys("clipboard");
    let Some(Dialog::Help(help)) = screen.app.dialog() else { panic!("no help") };
    assert_eq!(help.rows().len(), 6);
    screen.keys("<esc>:makfol<enter>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::MakeDir(_))));
}

#[test]
fn quitting_asks_only_while_jobs_run_and_loses_nothing_by_itself() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("q");
    assert_eq!(screen.orders(), ["quit"]);
    screen.keys("c<enter>q<esc>qnq<tab><tab><enter>");
    assert_eq!(screen.orders().len(), 1, "the job alone");
    for (keys, orders) in [
        ("q<enter>", &["quit"][..]),
        ("qg", &["quit"]),
        ("qy", &["quit"]),
        ("qs", &["stop jobs", "quit"]),
        ("q<tab><enter>", &["stop jobs", "quit"]),
    ] {
        screen.keys(keys);
        assert_eq!(screen.orders(), orders, "{keys}");
    }
    screen.keys("<c-c><c-c><c-c>");
    assert!(screen.effects.is_empty(), "Ctrl-C never ends the program");
}

#[test]
fn ticks_are_needed_from_the_order_to_the_end_of_a_job() {
    let mut screen = Screen::local(&["a"]);
    assert!(!screen.app.is_animating());
    screen.keys("c<enter>");
    assert!(screen.app.is_animating(), "before the engine knows of it");
    screen.send(Msg::Tick(Snapshot::default()));
    assert!(screen.app.is_animating() && !screen.redraw);
    screen.send(Msg::Tick(running(1)));
    assert!(screen.redraw);
    screen.send(Msg::Tick(running(1)));
    assert!(!screen.redraw, "nothing changed");
    screen.send(Msg::JobEnded { id: JobId(1), report: Report::default(), changed: Vec::new() });
    assert!(!screen.app.is_animating());
}

#[test]
fn escape_stops_a_running_job_after_a_question() {
    let mut screen = Screen::local(&["a"]);
    screen.send(Msg::Tick(running(7)));
    screen.keys("<space><esc>");
    assert!(screen.app.dialogs.is_empty(), "the marks first");
    screen.keys("<esc><enter><esc><esc><esc>n");
    assert!(screen.effects.is_empty() && screen.app.dialogs.is_empty(), "Enter and Esc leave it running");
    screen.keys("<esc>7");
    assert!(matches!(screen.app.dialogs[..], [Dialog::MakeDir(_)]), "Esc 7 is F7, job or not");
    screen.keys("<esc><esc>y");
    assert_eq!(screen.orders(), ["stop job 7"]);
}

#[test]
fn the_transfers_panel_stops_and_clears() {
    let mut screen = Screen::local(&["a"]);
    screen.send(Msg::Tick(running(7)));
    screen.keys("wxyX<esc>");
    assert_eq!(screen.orders(), ["stop job 7", "clear jobs"]);
    assert!(screen.app.dialogs.is_empty());
}

#[test]
fn a_job_that_ended_tells_refreshes_once_and_its_failures_can_be_read() {
    let mut screen = Screen::local(&["a", "b"]);
    screen.keys("j");
    screen.send(Msg::Tick(running(7)));
    let failures = vec![FileFailure { path: "/l/x".to_owned(), why: "permission denied".to_owned(), ..FileFailure::default() }];
    let report = Report { done: 2, bytes: 2048, failures, failed: 1, ..Report::default() };
    let changed = vec![(Place::Local, path("/r")), (Place::Local, path("/r")), (Place::Local, path("/elsewhere"))];
    screen.send(Msg::JobEnded { id: JobId(7), report, changed });
    assert_eq!(screen.orders(), ["list Right local /r"]);
    assert_eq!(screen.notice(), "1 item failed; copied 2 files, 2.0K");
    screen.wait(2_000);
    screen.keys("k");
    assert_eq!(screen.notice(), "", "read and gone");
    screen.keys("E");
    let Some(Dialog::Message(message)) = screen.app.dialog() else { panic!("no message") };
    assert_eq!(message.failures.len(), 1);
    screen.keys("<esc>w<enter>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Message(_))), "also from the panel");
}

#[test]
fn every_action_can_be_asked_for_anywhere_and_every_dialog_closes_with_escape() {
    for info in ACTIONS {
        for (start, lists_sites) in [("", false), ("", true), ("O<esc>", false), ("/a<enter>", false)] {
            let mut screen = Screen::local(&["a", "d/"]);
            if lists_sites {
                screen = Screen::new(StartPane::Local(path("/l")), StartPane::Sites(Vec::new()));
            }
            screen.keys(start);
            screen.keys(info.keys[0]);
            let open = screen.app.dialogs.len();
            screen.keys("<esc>");
            assert!(open <= 1 && screen.app.dialogs.is_empty(), "{:?} after {start}", info.action);
            assert!(
                !screen.effects.iter().any(|effect| matches!(effect, Effect::Submit(_) | Effect::MakeDir { .. } | Effect::Rename { .. }))
            );
        }
    }
}

#[test]
fn the_box_of_first_keys_goes_with_escape_or_the_first_action() {
    let options = Options { home: path("/h"), sort: Sort::default(), show_hidden: false, hint: true, keeps_jobs: true };
    for keys in ["<esc>", "O", "<tab>", "?"] {
        let (app, _) = App::new([StartPane::Local(path("/")), StartPane::Sites(Vec::new())], options.clone());
        let mut screen = Screen { app, effects: Vec::new(), now: Duration::ZERO, redraw: false };
        assert_eq!(screen.app.focus, Side::Right);
        screen.keys("j");
        assert!(screen.app.hint);
        screen.keys(keys);
        assert!(!screen.app.hint, "{keys}");
    }
}
