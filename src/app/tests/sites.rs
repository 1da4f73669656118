//! The list of sites: found, folded, connected to, made, changed, removed; and that it is never out of date.

use std::sync::Arc;

use super::*;
use crate::app::dialog::{Mood, SitesDialog, SitesRow};
use crate::app::sites::SitesDone;
use crate::config::sites::{SiteEntry, SiteName, Sites};
use crate::model::{IdentityChoice, SecurityLevel};

/// Two folders, one within the other, and what lies beside them.
pub(crate) fn sites() -> Sites {
    let entry = |name: &str, address: &str| SiteEntry::new(SiteName::parse(name).unwrap(), url(address));
    let mut payroll = entry("bank/payroll", "ftpes://payroll@files.bank.example/in");
    payroll.options.level = Some(SecurityLevel::MostSecure);
    payroll.options.identity = IdentityChoice::Named("payroll-2026".into());
    payroll.options.connections = SiteEntry::connections(2);
    payroll.local = Some("~/payroll".into());
    payroll.notes = "Ask Ann\nbefore noon".into();
    let mut web = entry("web", "sftp://ann@www.example.com:2222");
    web.options.key = Some("id_web".into());
    let entries = vec![web, entry("Bank/archive/2025", "ftps://files.bank.example"), payroll, entry("lab", "ftp://10.0.0.7")];
    Sites { entries, ..Sites::default() }
}

fn dialog(screen: &Screen) -> &SitesDialog {
    screen.app.dialogs.iter().find_map(|dialog| if let Dialog::Sites(dialog) = dialog { Some(&**dialog) } else { None }).expect("the list")
}

fn shown(screen: &Screen) -> Vec<String> {
    let dialog = dialog(screen);
    let name = |row: SitesRow| match row {
        SitesRow::Folder(path) => format!("{path}/"),
        SitesRow::Site(at) => dialog.entries.as_ref().unwrap()[at].name.to_string(),
        SitesRow::Other(at) => format!("~{}", dialog.others[at].label),
        SitesRow::ThisMachine => "here".to_owned(),
    };
    dialog.rows().into_iter().map(name).collect()
}

fn answer(screen: &mut Screen, result: Result<(&str, Option<&str>, Sites), Advice>) {
    let generation = dialog(screen).waiting.expect("it waits");
    let done = |(said, name, sites): (&str, Option<&str>, Sites)| {
        (SitesDone { said: said.to_owned(), name: name.map(str::to_owned) }, Arc::new(sites))
    };
    screen.send(Msg::SitesRead { generation, result: result.map(done) });
}

fn open() -> Screen {
    let mut screen = Screen::local(&["a"]);
    let host = SiteChoice { label: "work".into(), note: "SSH".into(), url: url("sftp://work"), password: None, is_kept: false };
    screen.app.sites.push(host);
    screen.keys("S");
    assert_eq!(screen.orders(), ["sites"]);
    answer(&mut screen, Ok(("", None, sites())));
    screen
}

#[test]
fn folders_hold_together_fold_and_are_searched() {
    let mut screen = open();
    let all = ["Bank/", "Bank/archive/", "Bank/archive/2025", "bank/payroll", "lab", "web", "~work", "here"];
    assert_eq!(shown(&screen), all);
    screen.keys("jj<left>");
    assert_eq!(shown(&screen), ["Bank/", "Bank/archive/", "bank/payroll", "lab", "web", "~work", "here"]);
    assert_eq!(dialog(&screen).current(), Some(SitesRow::Folder("Bank/archive".into())));
    screen.keys("gg<enter>");
    assert_eq!(shown(&screen), ["Bank/", "lab", "web", "~work", "here"]);
    screen.keys("/2025");
    assert_eq!(shown(&screen), ["Bank/", "Bank/archive/", "Bank/archive/2025"], "a search opens what is folded");
    assert_eq!(dialog(&screen).site().map(|entry| entry.name.as_str()), Some("Bank/archive/2025"));
    screen.keys("<c-u>ask ann");
    assert_eq!(shown(&screen), ["bank/", "bank/payroll"], "notes are found, too");
    screen.keys("<enter><esc>gg<right>");
    assert_eq!(shown(&screen)[..3], ["Bank/", "Bank/archive/", "bank/payroll"], "what was folded within stays so");
    screen.keys("<esc>");
    assert!(screen.app.dialog().is_none());
}

#[test]
fn a_site_is_connected_to_with_the_folder_beside_it() {
    let mut screen = open();
    screen.keys("<tab>jjj<enter>");
    assert_eq!(screen.orders(), ["connect ftpes://payroll@files.bank.example", "list Right local /home/me/payroll"]);
    let mut screen = open();
    screen.keys("jjjjjj<enter>");
    assert_eq!(screen.orders(), ["connect sftp://work"]);
    screen.keys("<esc>OBANK/payroll:/x<enter>");
    assert_eq!(screen.orders().last().map(String::as_str), Some("connect ftpes://payroll@files.bank.example"), "a name can be typed");
}

#[test]
fn a_site_is_made_where_the_cursor_is() {
    let mut screen = open();
    screen.keys("jjn<c-s>");
    let Some(Dialog::SiteForm(form)) = screen.app.dialog() else { panic!("no form") };
    assert_eq!(form.form.text("name"), "Bank/archive/");
    assert!(form.form.field("name").and_then(|field| field.error.as_ref()).is_some());
    screen.keys("2026<tab>ftpes://u:secret@h<c-s>");
    assert!(screen.orders().is_empty(), "no password is kept");
    screen.keys("<c-u>ftpes://h<tab><right><right><c-s>");
    assert_eq!(screen.orders(), ["sites add Bank/archive/2026 ftpes://h"]);
    answer(&mut screen, Err(advice("the disk is full")));
    let Some(Dialog::SiteForm(form)) = screen.app.dialog() else { panic!("the form is gone") };
    assert!(form.form.field("name").and_then(|field| field.error.as_ref()).is_some_and(|error| error.contains("disk")));
    screen.keys("x<c-s>");
    assert_eq!(screen.orders(), ["sites add Bank/archive/2026x ftpes://h"]);
    let mut now = sites();
    now.entries.push(SiteEntry::new(SiteName::parse("Bank/archive/2026x").unwrap(), url("ftpes://h")));
    answer(&mut screen, Ok(("kept", Some("Bank/archive/2026x"), now)));
    assert_eq!(dialog(&screen).said, Some((Mood::Good, "kept".into())));
    assert_eq!(dialog(&screen).site().map(|entry| entry.name.as_str()), Some("Bank/archive/2026x"));
}

#[test]
fn a_site_is_changed_duplicated_and_removed_after_a_question() {
    let mut screen = open();
    screen.keys("jjje<c-s>");
    let Some(Effect::Sites { order: effect::SitesOrder::Replace { name, entry }, .. }) = screen.effects.pop() else { panic!("no order") };
    assert_eq!((name.as_str(), *entry), ("bank/payroll", sites().entries[2].clone()), "what is not touched stays, line breaks too");
    answer(&mut screen, Ok(("kept", None, sites())));
    screen.keys("e<c-u>lab<c-s>");
    assert!(screen.orders().is_empty(), "the name is taken");
    screen.keys("<esc>d<c-s>");
    assert_eq!(screen.orders(), ["sites add bank/payroll 2 ftpes://payroll@files.bank.example/in"]);
    answer(&mut screen, Ok(("kept", None, sites())));
    screen.keys("r<enter>");
    assert!(screen.orders().is_empty(), "Enter alone changes nothing");
    screen.keys("<del>y");
    assert_eq!(screen.orders(), ["sites remove bank/payroll"]);
    let mut now = sites();
    now.entries.remove(2);
    answer(&mut screen, Ok(("gone", None, now)));
    assert_eq!(screen.app.sites.iter().filter(|site| site.is_kept).count(), 3, "the list at the start follows");
}

#[test]
fn closing_stops_reading_and_a_late_answer_is_dropped() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("S");
    let generation = dialog(&screen).waiting.unwrap();
    screen.keys("<esc>");
    assert_eq!(screen.orders(), ["sites", "stop looking"]);
    screen.send(Msg::SitesRead { generation, result: Err(advice("too late")) });
    assert!(!screen.redraw && screen.app.dialog().is_none());
}
