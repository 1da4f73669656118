//! The list of kept secrets: what is ordered, when it asks first, and how the vault is opened on the way.

use jiff::Timestamp;

use super::*;
use crate::app::dialog::{Mood, SecretsDialog};
use crate::app::message::{KeptSecrets, SecretsDone};
use crate::secrets::{KeptSecret, Rung, Standing};

/// As many as `most` of a password, two passphrases, and a line nobody can read.
pub(crate) fn kept(most: usize) -> KeptSecrets {
    let since: Timestamp = "2026-11-02T10:00:00Z".parse().unwrap();
    let rows = [
        ("certificate:payroll", Rung::Keyring),
        ("ftpes://bob@files.example.com", Rung::Keyring),
        ("ssh-key:SHA256:Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9", Rung::Vault),
        ("token:of tomorrow", Rung::Keyring),
    ];
    let row = |(label, rung): (&str, Rung)| KeptSecret { label: label.to_owned(), rung, since };
    let standing = Standing { rung: Rung::Vault, why: Some("your keyring is locked, or has no place for items (dismissed)".to_owned()) };
    KeptSecrets { rows: rows.into_iter().take(most).map(row).collect(), standing }
}

fn list(screen: &Screen) -> &SecretsDialog {
    let Some(Dialog::Secrets(dialog)) = screen.app.dialogs.first() else { panic!("no list") };
    dialog
}

fn answer(screen: &mut Screen, done: Result<SecretsDone, Advice>, kept: KeptSecrets) {
    let generation = list(screen).waiting.expect("it waits");
    screen.send(Msg::SecretsRead { generation, done, kept: Ok(kept) });
}

fn said(words: &str) -> SecretsDone {
    SecretsDone::Said(words.to_owned())
}

fn open() -> Screen {
    let mut screen = Screen::local(&["a"]);
    screen.keys("gs");
    assert_eq!(screen.orders(), ["secrets Read"]);
    answer(&mut screen, Ok(said("")), kept(4));
    screen
}

#[test]
fn one_is_forgotten_after_a_question() {
    let mut screen = open();
    screen.keys("jd<enter>");
    assert!(screen.orders().is_empty(), "Enter alone changes nothing");
    screen.keys("dy");
    let [order] = &screen.orders()[..] else { panic!("one order") };
    assert!(order.starts_with("secrets Forget(Password(") && order.contains("files.example.com"), "{order}");
    let mut left = kept(4);
    left.rows.remove(0);
    answer(&mut screen, Ok(said("forgotten")), left);
    assert_eq!((list(&screen).cursor, list(&screen).rows().len()), (0, 3), "the cursor stays on its row");
    assert_eq!(list(&screen).said, Some((Mood::Good, "forgotten".to_owned())));
}

#[test]
fn a_locked_vault_is_opened_on_the_way() {
    let mut screen = open();
    screen.keys("m");
    let move_it = "secrets Move(Certificate(\"payroll\"), Vault)";
    assert_eq!(screen.orders(), [move_it]);
    let work = effect::SecretWork::Move(crate::secrets::Label::Certificate("payroll".to_owned()), Rung::Vault);
    answer(&mut screen, Ok(SecretsDone::VaultLocked(work.clone())), kept(4));
    screen.keys("dq<esc>");
    assert!(screen.orders().is_empty() && list(&screen).opening.is_none(), "keys are typed, Esc gives it up");
    screen.keys("m");
    screen.orders();
    answer(&mut screen, Ok(SecretsDone::VaultLocked(work)), kept(4));
    screen.keys("dq<enter>");
    assert_eq!(screen.orders(), [format!("{move_it} opened with dq")]);
    answer(&mut screen, Err(advice("that passphrase does not open the vault")), kept(4));
    assert!(matches!(&list(&screen).said, Some((Mood::Danger, said)) if said.contains("does not open")));
}

#[test]
fn what_is_in_the_vault_moves_to_the_keyring_and_what_nobody_knows_stays() {
    let mut screen = open();
    screen.keys("jjm");
    let [order] = &screen.orders()[..] else { panic!("one order") };
    assert!(order.ends_with(", Keyring)"), "{order}");
    answer(&mut screen, Ok(said("moved")), kept(4));
    screen.keys("Gm");
    assert!(screen.orders().is_empty() && list(&screen).said.is_some());
    screen.keys("Ld");
    assert_eq!(screen.orders(), ["secrets LockVault"]);
}

#[test]
fn closing_stops_reading_and_a_late_answer_is_dropped() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("gs");
    let generation = list(&screen).waiting.unwrap();
    screen.keys("<esc>");
    assert_eq!(screen.orders(), ["secrets Read", "stop looking"]);
    screen.send(Msg::SecretsRead { generation, done: Ok(said("")), kept: Ok(kept(4)) });
    assert!(!screen.redraw && screen.app.dialog().is_none());
}
