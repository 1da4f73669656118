//! Listings, cursor, marks, sorting, history.

use super::super::pane::Listing;
use super::*;
use crate::model::sort;

#[test]
fn keys_mark_and_copy() {
    let mut screen = Screen::local(&["b", "a", "c", "dir/"]);
    screen.keys("gg<space>j<space><f5>");
    assert_eq!(screen.rows(Side::Left), "*dir a *b [c]");
    let Some(Dialog::Transfer(dialog)) = screen.app.dialog() else { panic!("no dialog") };
    assert_eq!((dialog.folders, dialog.bytes, dialog.to.as_str()), (1, 10, "this machine"));
    screen.keys("<enter>");
    assert_eq!(screen.orders(), ["Copy local /l [dir,b] -> local /r"]);
    assert_eq!(screen.folder(Side::Left).marks().count(), 0);
}

#[test]
fn the_cursor_stays_on_its_name_across_refresh_and_sort() {
    let mut screen = Screen::local(&["a", "b", "c"]);
    screen.keys("j<space>R");
    assert_eq!(screen.rows(Side::Left), "a *b [c]", "the old listing stays until the new one is whole");
    screen.answer_listing(Side::Left, &["c", "0", "b"]);
    assert_eq!(screen.rows(Side::Left), "0 *b [c]");
    screen.keys("sn");
    assert_eq!(screen.rows(Side::Left), "[c] *b 0");
    screen.keys("R");
    screen.answer_listing(Side::Left, &["x", "y"]);
    assert_eq!(screen.rows(Side::Left), "[y] x", "its name is gone: the row stays");
}

#[test]
fn a_cursor_nobody_moved_stays_at_the_top_while_entries_come() {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Local(path("/r")));
    let generation = screen.listing(Side::Left);
    for batch in [["m", "n"], ["a", "z"]] {
        screen.send(Msg::Listed { pane: Side::Left, generation, batch: batch.iter().map(|name| entry(name)).collect() });
    }
    assert_eq!(screen.rows(Side::Left), "[a] m n z");
    assert!(matches!(screen.folder(Side::Left).listing, Listing::Loading { count: 4, .. }));
}

#[test]
fn a_failed_refresh_keeps_the_old_listing_with_a_mark() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("R");
    let generation = screen.listing(Side::Left);
    screen.send(Msg::ListingEnded { pane: Side::Left, generation, result: Err(advice("line lost")) });
    assert_eq!(screen.rows(Side::Left), "[a]");
    assert_eq!(screen.folder(Side::Left).stale, Some(advice("line lost")));
    assert_eq!(screen.notice(), "line lost");
}

#[test]
fn answers_to_older_requests_are_dropped() {
    let mut screen = Screen::local(&["a/"]);
    screen.keys("R");
    let old = screen.listing(Side::Left);
    screen.keys("<enter>");
    screen.send(Msg::Listed { pane: Side::Left, generation: old, batch: vec![entry("stale")] });
    assert!(!screen.redraw);
    screen.send(Msg::ListingEnded { pane: Side::Left, generation: old, result: Err(advice("stale")) });
    screen.send(Msg::Sorted { pane: Side::Left, generation: old, order: vec![0] });
    screen.send(Msg::Statted { pane: Side::Left, generation: old, entries: vec![entry("a")] });
    assert!(screen.folder(Side::Left).is_empty() && screen.folder(Side::Left).is_loading());
    assert_eq!(screen.notice(), "");
}

#[test]
fn a_late_part_of_the_first_listing_does_not_get_into_a_refresh() {
    let mut screen = Screen::local(&["a"]);
    let first = screen.folder(Side::Left).entries_generation();
    screen.keys("R");
    screen.send(Msg::Listed { pane: Side::Left, generation: first, batch: vec![entry("late")] });
    screen.send(Msg::ListingEnded { pane: Side::Left, generation: first, result: Ok(()) });
    screen.answer_listing(Side::Left, &["b"]);
    assert_eq!(screen.rows(Side::Left), "[b]");
}

#[test]
fn up_lands_on_the_folder_one_came_from_and_history_remembers_the_cursor() {
    let mut screen = Screen::local(&["a/", "b/"]);
    screen.keys("jl");
    screen.answer_listing(Side::Left, &["x", "y"]);
    screen.keys("jh");
    screen.answer_listing(Side::Left, &["a/", "b/", "c/"]);
    assert_eq!(screen.rows(Side::Left), "a [b] c");
    screen.keys("H");
    screen.answer_listing(Side::Left, &["x", "y"]);
    assert_eq!(screen.rows(Side::Left), "x [y]");
    screen.keys("L");
    assert_eq!(screen.folder(Side::Left).dir, path("/l"));
}

#[test]
fn a_folder_that_cannot_be_read_leads_back() {
    let mut screen = Screen::local(&["a/", "b/"]);
    screen.keys("jl");
    let generation = screen.listing(Side::Left);
    screen.send(Msg::ListingEnded { pane: Side::Left, generation, result: Err(advice("permission denied")) });
    assert_eq!((screen.rows(Side::Left).as_str(), screen.notice()), ("a [b]", "permission denied"));
    screen.keys("l<esc>");
    assert_eq!(screen.rows(Side::Left), "a [b]");
    assert!(screen.orders().contains(&"cancel Left".to_owned()));
}

#[test]
fn hostile_and_unreadable_names_are_shown_and_never_operated_on() {
    let mut screen = Screen::local(&[]);
    screen.keys("R");
    let hostile = [&b"../../etc/passwd"[..], b"/abs", b"a\r\nDELE b", b"ok"];
    let mut batch: Vec<Entry> = hostile.iter().map(|name| sized(name, Kind::File, 1)).collect();
    batch.push(Entry::new(&b"total garbage"[..], Kind::Unparsed));
    screen.answer_entries(Side::Left, batch);
    assert_eq!(screen.folder(Side::Left).len(), 5);
    screen.keys("A");
    assert_eq!(screen.folder(Side::Left).marks().count(), 1, "only the good one");
    screen.keys("Ugg");
    for _ in 0..5 {
        let entry = screen.folder(Side::Left).current().unwrap().clone();
        if entry.name().is_err() {
            screen.keys("drcm");
            assert!(screen.app.dialogs.is_empty(), "{}", entry.display_name());
            screen.keys("<space>");
            assert!(screen.notice().contains("cannot be used"), "{}", screen.notice());
        } else {
            screen.keys("j");
        }
    }
    assert_eq!(screen.folder(Side::Left).marks().count(), 0);
    assert_eq!(screen.orders().iter().filter(|order| !order.starts_with("list")).count(), 0);
}

#[test]
fn visible_rows_without_facts_are_asked_for_once() {
    let mut screen = Screen::local(&[]);
    screen.app.set_viewport(Side::Left, 3);
    screen.keys("R");
    screen.answer_entries(Side::Left, (0..9).map(|n| Entry::new(format!("f{n}").as_bytes(), Kind::File)).collect());
    screen.keys("j");
    assert_eq!(screen.orders()[1..], ["stat f0,f1,f2,f3,f4,f5"], "and a page around");
    screen.keys("<space>");
    assert!(screen.orders().is_empty(), "asked once");
    let generation = screen.folder(Side::Left).entries_generation();
    let fact = |name: &str, size| sized(name.as_bytes(), Kind::File, size);
    screen.send(Msg::Statted { pane: Side::Left, generation, entries: vec![fact("f1", 7), fact("never asked", 9)] });
    assert_eq!(screen.folder(Side::Left).marks().bytes(), 7, "the sum follows the facts");
    screen.keys("j");
    assert!(screen.orders().is_empty(), "asked with the page before");
    screen.keys("jjj");
    assert_eq!(screen.orders(), ["stat f2,f3,f4,f5,f6,f7,f8"], "with what the lookup before still owes");
    screen.keys("ss");
    assert_eq!(screen.orders(), ["stat f0,f2,f3,f4,f5,f6,f7,f8"], "sorting by size needs all of them");
    screen.send(Msg::Statted { pane: Side::Left, generation, entries: vec![fact("f8", 99)] });
    assert_eq!(screen.folder(Side::Left).row(0).unwrap().0.raw_name(), b"f8");
}

#[test]
fn a_hundred_thousand_entries_are_ordered_elsewhere() {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Local(path("/r")));
    let generation = screen.listing(Side::Left);
    let names: Vec<Entry> = (0..100_000).rev().map(|n| entry(&format!("f{n}"))).collect();
    for batch in names.chunks(1_000) {
        screen.send(Msg::Listed { pane: Side::Left, generation, batch: batch.to_vec() });
    }
    screen.send(Msg::ListingEnded { pane: Side::Left, generation, result: Ok(()) });
    assert_eq!(screen.folder(Side::Left).len(), 100_000, "shown at once, unsorted");
    screen.keys("j");
    let Some(Effect::Sort { generation, entries, sort: by, .. }) = screen.effects.pop() else { panic!("not ordered elsewhere") };
    let order = sort::order(&entries, by, false, "");
    drop(entries);
    screen.keys("/f9999");
    let Some(Effect::Sort { generation: filtered, filter, .. }) = screen.effects.pop() else { panic!("not filtered elsewhere") };
    assert_eq!(filter, "f9999");
    screen.send(Msg::Sorted { pane: Side::Left, generation, order: order.clone() });
    assert!(!screen.redraw, "an order without the filter is out of date");
    screen.send(Msg::Sorted { pane: Side::Left, generation: filtered, order: vec![0, 1, 2, 100_000] });
    assert_eq!(screen.folder(Side::Left).len(), 3, "an index that does not exist is left out");
}

#[test]
fn a_large_folder_read_again_stays_as_it_is_until_the_new_order_is_there() {
    let mut screen = Screen::local(&["old", "z"]);
    screen.keys("j<space>R");
    let mut names: Vec<Entry> = (0..6_000).map(|n| entry(&format!("f{n}"))).collect();
    names.push(entry("z"));
    screen.answer_entries(Side::Left, names);
    assert_eq!(screen.rows(Side::Left), "old [*z]");
    let Some(Effect::Sort { generation, entries, sort: by, .. }) = screen.effects.pop() else { panic!("not ordered elsewhere") };
    screen.send(Msg::Sorted { pane: Side::Left, generation, order: sort::order(&entries, by, false, "") });
    let folder = screen.folder(Side::Left);
    assert_eq!((folder.len(), folder.cursor(), folder.marks().count()), (6_001, 6_000, 1));
    assert_eq!(folder.row(6_000).map(|(entry, marked)| (entry.raw_name(), marked)), Some((&b"z"[..], true)));
}

#[test]
fn facts_stay_through_a_refresh_until_newer_ones_come() {
    let mut screen = Screen::local(&[]);
    let bare = || vec![Entry::new(&b"f"[..], Kind::File)];
    screen.keys("R");
    screen.answer_entries(Side::Left, bare());
    let generation = screen.folder(Side::Left).entries_generation();
    screen.send(Msg::Statted { pane: Side::Left, generation, entries: vec![sized(b"f", Kind::File, 7)] });
    screen.keys("R");
    screen.answer_entries(Side::Left, bare());
    assert_eq!(screen.folder(Side::Left).current().and_then(|entry| entry.size), Some(7));
    assert_eq!(screen.orders().iter().filter(|order| *order == "stat f").count(), 2, "asked again all the same");
    let generation = screen.folder(Side::Left).entries_generation();
    screen.send(Msg::Statted { pane: Side::Left, generation, entries: vec![sized(b"f", Kind::File, 8)] });
    assert_eq!(screen.folder(Side::Left).current().and_then(|entry| entry.size), Some(8));
}

#[test]
fn entries_of_a_large_folder_that_come_after_an_order_was_asked_for_are_not_lost() {
    let mut screen = Screen::new(StartPane::Local(path("/l")), StartPane::Local(path("/r")));
    let listing = screen.listing(Side::Left);
    let batch = |from: usize| (from..from + 6_000).map(|n| entry(&format!("f{n}"))).collect::<Vec<_>>();
    screen.send(Msg::Listed { pane: Side::Left, generation: listing, batch: batch(0) });
    screen.keys("sn");
    let Some(Effect::Sort { generation, entries, sort: by, .. }) = screen.effects.pop() else { panic!("not ordered elsewhere") };
    screen.send(Msg::Listed { pane: Side::Left, generation: listing, batch: batch(6_000) });
    screen.send(Msg::Sorted { pane: Side::Left, generation, order: sort::order(&entries, by, false, "") });
    assert_eq!(screen.folder(Side::Left).len(), 12_000);
}

#[test]
fn the_filter_follows_typing_and_hidden_marks_are_not_operated_on() {
    let mut screen = Screen::local(&["alpha", "beta", "gamma"]);
    screen.keys("<space>/BE");
    assert_eq!(screen.rows(Side::Left), "[beta]");
    screen.keys("<enter>d");
    assert!(screen.app.dialogs.is_empty(), "the marked one is not shown");
    screen.keys("<esc>");
    assert_eq!(screen.rows(Side::Left), "*alpha [beta] gamma");
    screen.keys("ggn");
    assert_eq!(screen.rows(Side::Left), "*alpha [beta] gamma", "n goes on with the text");
    screen.keys("/x<esc>");
    assert_eq!(screen.folder(Side::Left).len(), 3, "Esc brings the filter back that was there");
}

#[test]
fn escape_takes_one_thing_away_at_a_time_and_a_digit_brings_it_back() {
    let mut screen = Screen::local(&["a", "b"]);
    screen.keys("<space>/b<enter>R");
    screen.keys("<esc>");
    assert!(screen.folder(Side::Left).stale.is_some(), "first the listing");
    screen.keys("<esc>");
    assert_eq!(screen.rows(Side::Left), "*a [b]", "then the filter");
    screen.keys("<esc>");
    assert_eq!(screen.rows(Side::Left), "a [b]", "then the marks");
    screen.keys("5");
    assert_eq!(screen.rows(Side::Left), "*a [b]", "Esc 5 is F5");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Transfer(_))));
    screen.keys("<esc><a-8>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Delete(_))), "as terminals send it when it is fast");
}

#[test]
fn ranges_and_patterns_mark() {
    let mut screen = Screen::local(&["a.txt", "b.log", "c.txt", "d"]);
    screen.keys("jvjv");
    assert_eq!(screen.rows(Side::Left), "a.txt *b.log [*c.txt] d");
    screen.keys("*");
    assert_eq!(screen.rows(Side::Left), "*a.txt b.log [c.txt] *d");
    screen.keys("-.txt<enter>");
    assert_eq!(screen.folder(Side::Left).marks().count(), 1);
    screen.keys("U+.TXT<enter>");
    assert_eq!(screen.rows(Side::Left), "*a.txt b.log [*c.txt] d");
}

#[test]
fn panes_swap_and_share_a_folder() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("gx");
    assert_eq!((screen.app.focus, &screen.folder(Side::Right).dir), (Side::Right, &path("/l")));
    screen.keys("go");
    assert_eq!(screen.orders(), ["list Left local /l"]);
    screen.keys("<c-u>");
    assert_eq!(screen.folder(Side::Right).dir, path("/l"), "not while a pane reads its folder");
}

#[test]
fn text_goes_to_the_clipboard_safely() {
    let mut screen = Screen::local(&["a b"]);
    screen.keys("yyynyu");
    assert_eq!(screen.orders(), ["clipboard /l/a b", "clipboard a b"]);
    assert!(screen.notice().contains("no URL"));
}
