//! Questions of the engine: the safe answer is the default, and nothing typed ahead answers one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc;

use super::super::dialog::{TrustDialog, TrustMode};
use super::*;
use crate::ask::{
    ChannelPrompter, ConflictAction, ConflictAnswer, ConflictQuestion, Declined, FileFacts, InteractivePrompt, InteractiveQuestion,
    Prompter, Question, Scope, SecretAnswer, SecretPurpose, SecretQuestion, TrustAnswer, TrustQuestion, TrustReply,
};
use crate::model::{Difference, Endpoint, Entry, EntryName, Kind};
use crate::trust::{Certificate, Compared, Evidence, HostKey, PeerIdentity, Verified};

/// An asker that waits for its answer.
struct Asker<A>(Pin<Box<dyn Future<Output = Result<A, Declined>>>>);

impl<A> Asker<A> {
    fn poll(&mut self) -> Option<Result<A, Declined>> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

/// Asks through the real channel; the question arrives on the screen.
fn ask<A: 'static, F>(screen: &mut Screen, call: impl FnOnce(ChannelPrompter) -> F) -> Asker<A>
where
    F: Future<Output = Result<A, Declined>> + 'static,
{
    let (prompter, mut questions): (_, mpsc::Receiver<Question>) = ChannelPrompter::new();
    let mut asker = Asker(Box::pin(call(prompter)));
    assert!(asker.poll().is_none());
    screen.send(Msg::Asked(questions.try_recv().expect("a question")));
    asker
}

fn trust_question(dangerous: bool) -> TrustQuestion {
    let identity = PeerIdentity::Certificates(vec![Certificate { der: b"der"[..].into() }]);
    let evidence = Box::new(Evidence::new(Endpoint::new("host", 21), identity));
    TrustQuestion { site: url("ftpes://me@host").site, on_the_way_to: None, evidence, dangerous, can_remember: true }
}

fn ask_trust(screen: &mut Screen, question: TrustQuestion) -> Asker<TrustReply> {
    ask(screen, |prompter| async move { prompter.trust(question).await })
}

/// A question about a file of so many bytes, changed then, and what is in its way.
pub(crate) fn conflict_question(
    (from, size, changed): (&str, u64, &str),
    (to, there_size, there_changed): (&str, u64, &str),
) -> ConflictQuestion {
    let entry = |size, changed: &str| {
        let mut entry = Entry::new(*b"x", Kind::File);
        (entry.size, entry.modified) = (Some(size), changed.parse().ok());
        entry
    };
    let facts = |at: &str, entry: &Entry| FileFacts { path: path(at), kind: entry.kind, size: entry.size, modified: entry.modified };
    let (source, target) = (entry(size, changed), entry(there_size, there_changed));
    let name = |text: &str| EntryName::try_from(text).unwrap();
    ConflictQuestion {
        source: facts(from, &source),
        target: facts(to, &target),
        difference: Difference::between(&source, &target),
        free_name: name("invoice-9 (2).pdf"),
        dated_name: name("invoice-9 2026-11-21 08-30-00.pdf"),
        can_resume: there_size < size,
        is_collision: false,
    }
}

fn ask_conflict(screen: &mut Screen) -> Asker<ConflictAnswer> {
    ask_about(screen, conflict_question(("/x", 1, "2026-01-01T00:00:00Z"), ("/x", 1, "2026-01-01T00:00:09Z")))
}

fn ask_about(screen: &mut Screen, question: ConflictQuestion) -> Asker<ConflictAnswer> {
    ask(screen, |prompter| async move { prompter.conflict(question).await })
}

fn ask_secret(screen: &mut Screen) -> Asker<SecretAnswer> {
    let purpose = SecretPurpose::Password { user: "me".to_owned() };
    let question =
        SecretQuestion { site: url("ftpes://me@host").site, on_the_way_to: None, purpose, attempt: 1, keeper: None, kept_was_wrong: false };
    ask(screen, |prompter| async move { prompter.secret(question).await })
}

/// The last characters of the certificate in [`trust_question`].
fn last_characters() -> String {
    let print = trust_question(true).evidence.identity.fingerprint().hex();
    print[print.len() - 4..].to_owned()
}

#[test]
fn keys_typed_ahead_never_answer() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_trust(&mut screen, trust_question(false));
    screen.keys("a");
    screen.wait(400);
    screen.keys("oa<enter>");
    screen.wait(400);
    screen.keys("a");
    assert!(asker.poll().is_none(), "somebody is still typing");
    screen.wait(600);
    screen.keys("a");
    assert!(asker.poll().is_none(), "more may come");
    screen.settle();
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Always.into())));
}

#[test]
fn a_stream_of_keys_does_not_deafen_for_ever() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_trust(&mut screen, trust_question(false));
    for _ in 0..35 {
        screen.keys("x");
        screen.wait(100);
    }
    screen.keys("o");
    screen.settle();
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Once.into())));
}

#[test]
fn a_fingerprint_that_comes_as_keys_accepts_nothing() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_trust(&mut screen, trust_question(false));
    screen.wait(1_000);
    for key in "a1b2c3oa".chars() {
        screen.keys(&key.to_string());
        screen.wait(1);
    }
    screen.keys("<enter>");
    screen.settle();
    assert!(asker.poll().is_none(), "a terminal without bracketed paste");
    screen.wait(1_000);
    screen.keys("A");
    screen.settle();
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Always.into())));
}

#[test]
fn enter_rejects_until_the_focus_was_moved() {
    for (keys, answer) in [
        ("<enter>", Ok(TrustAnswer::Reject.into())),
        ("<esc>", Ok(TrustAnswer::Reject.into())),
        ("<c-c>", Ok(TrustAnswer::Reject.into())),
        ("r", Ok(TrustAnswer::Reject.into())),
        ("<tab><enter>", Ok(TrustAnswer::Once.into())),
        ("<left><enter>", Ok(TrustAnswer::Always.into())),
        ("<tab><tab><tab><enter>", Ok(TrustAnswer::Reject.into())),
    ] {
        let mut screen = Screen::local(&["a"]);
        let mut asker = ask_trust(&mut screen, trust_question(false));
        screen.wait(500);
        screen.keys(keys);
        assert_eq!(asker.poll(), Some(answer), "{keys}");
        assert!(screen.app.dialogs.is_empty());
    }
}

#[test]
fn a_dangerous_identity_wants_its_last_characters() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_trust(&mut screen, trust_question(true));
    screen.wait(500);
    screen.keys("<tab><enter><enter>");
    screen.keys("zzzz<enter>");
    let Some(Dialog::Trust(dialog)) = screen.app.dialog() else { panic!("closed") };
    assert!(dialog.mistyped && asker.poll().is_none());
    screen.keys("<esc>a");
    screen.keys(&last_characters().to_uppercase());
    assert!(asker.poll().is_none());
    screen.keys("<enter>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Always.into())));
}

#[test]
fn what_cannot_be_trusted_or_remembered_has_no_such_button() {
    let mut screen = Screen::local(&["a"]);
    let mut question = trust_question(false);
    question.can_remember = false;
    let mut asker = ask_trust(&mut screen, question);
    screen.wait(500);
    screen.keys("a<left><enter>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Once.into())));

    let mut question = trust_question(false);
    question.evidence.unusable = true;
    let mut asker = ask_trust(&mut screen, question);
    screen.wait(500);
    screen.keys("ao<tab>");
    assert!(asker.poll().is_none());
    screen.keys("<enter>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Reject.into())));
}

fn trust_dialog(screen: &Screen) -> &TrustDialog {
    let Some(Dialog::Trust(dialog)) = screen.app.dialog() else { panic!("closed") };
    dialog
}

#[test]
fn a_pasted_fingerprint_is_compared_and_recorded_and_accepts_nothing() {
    let print = trust_question(false).evidence.identity.fingerprint();
    let sha1 = "SHA1 Fingerprint=7D:44:C3:3C:F9:A8:2A:B9:BD:53:00:D2:66:78:45:04:E9:77:21:77";
    for (text, proof, verified) in [
        (print.colons(), Some(true), Verified::Fingerprint),
        (format!("256 {} root@host\n", print.openssh()), Some(true), Verified::Fingerprint),
        (print.colons().replace(':', "\r\n"), Some(true), Verified::Fingerprint),
        (sha1.to_owned(), Some(false), Verified::Blind),
        ("nothing like it".to_owned(), None, Verified::Blind),
    ] {
        let mut screen = Screen::local(&["a"]);
        let mut asker = ask_trust(&mut screen, trust_question(false));
        screen.wait(500);
        screen.keys("f");
        screen.send(Msg::Paste(text.clone()));
        screen.keys("<enter>");
        let dialog = trust_dialog(&screen);
        let matched = matches!(dialog.compared, Some(Compared::Match { .. }));
        assert_eq!((matched, dialog.compared.map(Compared::is_proof)), (proof.is_some(), Some(proof == Some(true))), "{text}");
        assert_eq!(dialog.mode == TrustMode::Choose, matched, "what nobody can read stays to be mended");
        assert!(asker.poll().is_none() && !dialog.is_dangerous());
        screen.keys(if matched { "o" } else { "<esc>o" });
        screen.settle();
        assert_eq!(asker.poll(), Some(Ok(TrustReply { answer: TrustAnswer::Once, verified })), "{text}");
    }
}

#[test]
fn another_fingerprint_than_the_one_told_is_dangerous() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_trust(&mut screen, trust_question(false));
    screen.wait(500);
    // Pasting begins the comparison by itself.
    screen.send(Msg::Paste(crate::trust::Fingerprint::of(b"x").hex()));
    screen.keys("<enter>");
    assert!(matches!(trust_dialog(&screen).compared, Some(Compared::Mismatch { .. })) && trust_dialog(&screen).is_dangerous());
    screen.keys("f<esc>");
    assert!(trust_dialog(&screen).is_dangerous(), "looking again does not make it forgotten");
    screen.keys("a");
    assert!(asker.poll().is_none() && matches!(trust_dialog(&screen).mode, TrustMode::TypeLast { .. }));
    screen.keys(&last_characters());
    screen.keys("<enter>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Always.into())), "accepted, but not as verified");
}

#[test]
fn host_keys_are_shown_as_openssh_does_and_case_counts() {
    let mut screen = Screen::local(&["a"]);
    let mut question = trust_question(true);
    let key = HostKey::plain("ssh-ed25519", &b"blob"[..]);
    question.evidence.identity = PeerIdentity::HostKey(key);
    let print = question.evidence.identity.fingerprint().openssh();
    let last = &print[print.len() - 4..];
    let mut asker = ask_trust(&mut screen, question);
    screen.wait(500);
    screen.keys("o");
    let swapped: String = last.chars().map(|c| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }).collect();
    screen.send(Msg::Paste(swapped));
    screen.keys("<enter>");
    assert!(asker.poll().is_none());
    screen.send(Msg::Paste(last.to_owned()));
    screen.keys("<enter>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Once.into())));
}

#[test]
fn questions_wait_for_each_other_and_each_has_its_own_guard() {
    let mut screen = Screen::local(&["a"]);
    let mut first = ask_trust(&mut screen, trust_question(false));
    let mut second = ask_trust(&mut screen, trust_question(false));
    assert_eq!((screen.app.dialogs.len(), screen.app.waiting.len()), (1, 1));
    screen.wait(1_000);
    screen.keys("a");
    screen.settle();
    screen.keys("a");
    assert_eq!(first.poll(), Some(Ok(TrustAnswer::Always.into())));
    assert!(second.poll().is_none(), "the second a was meant for the first");
    screen.wait(1_000);
    screen.keys("<enter>");
    assert_eq!(second.poll(), Some(Ok(TrustAnswer::Reject.into())));
}

#[test]
fn a_question_nobody_waits_for_closes_itself() {
    let mut screen = Screen::local(&["a"]);
    let asker = ask_secret(&mut screen);
    let waiting = ask_trust(&mut screen, trust_question(false));
    assert!(screen.app.is_animating(), "a tick has to find out");
    drop((asker, waiting));
    screen.send(Msg::Tick(Snapshot::default()));
    assert!(screen.app.dialogs.is_empty() && screen.app.waiting.is_empty() && screen.redraw);
    assert!(!screen.app.is_animating());
}

#[test]
fn a_question_that_comes_while_a_dialog_is_open_gives_it_back() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("O");
    let mut asker = ask_trust(&mut screen, trust_question(false));
    screen.keys("sftp://a");
    assert!(asker.poll().is_none());
    screen.wait(5_000);
    screen.keys("<esc>");
    assert_eq!(asker.poll(), Some(Ok(TrustAnswer::Reject.into())));
    assert!(matches!(screen.app.dialog(), Some(Dialog::Connect(_))));
}

#[test]
fn a_secret_is_typed_unseen() {
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_secret(&mut screen);
    screen.keys("hün");
    screen.send(Msg::Paste("ter2\r\n".to_owned()));
    let Some(Dialog::Secret(dialog)) = screen.app.dialog() else { panic!("no dialog") };
    assert_eq!(dialog.input.shown(), "*******");
    screen.keys("<enter>");
    assert!(asker.poll().is_some_and(|answer| answer.is_ok_and(|answer| answer.secret.expose() == "hünter2")));

    let mut asker = ask_secret(&mut screen);
    screen.keys("x<esc>");
    assert!(asker.poll().is_some_and(|answer| answer.is_err()));
}

#[test]
fn a_server_with_several_prompts_gets_one_answer_for_each() {
    let mut screen = Screen::local(&["a"]);
    let prompt = |text: &str, echo| InteractivePrompt { text: text.to_owned(), echo };
    let question = InteractiveQuestion {
        site: url("sftp://me@host").site,
        on_the_way_to: None,
        name: String::new(),
        instruction: String::new(),
        prompts: vec![prompt("Password:", false), prompt("Code:", true)],
    };
    let mut asker = ask(&mut screen, |prompter| async move { prompter.interactive(question).await });
    screen.keys("pw<enter>123");
    let Some(Dialog::Interactive(dialog)) = screen.app.dialog() else { panic!("no dialog") };
    assert_eq!(dialog.inputs.iter().map(Input::shown).collect::<Vec<_>>(), ["**", "123"]);
    screen.keys("<enter>");
    let answers = asker.poll().expect("an answer").expect("not declined");
    assert_eq!(answers.iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>(), ["pw", "123"]);
}

#[test]
fn conflicts_are_answered_by_letter_and_skip_is_the_default() {
    let one = |action| ConflictAnswer { action, scope: Scope::This };
    let all = |action| ConflictAnswer { action, scope: Scope::RestOfJob };
    for (keys, answer) in [
        ("<enter>", Ok(one(ConflictAction::Skip))),
        ("<esc>", Err(Declined)),
        ("o", Ok(one(ConflictAction::Overwrite))),
        ("O", Ok(all(ConflictAction::Overwrite))),
        ("n", Ok(one(ConflictAction::Newer))),
        ("R", Ok(all(ConflictAction::Rename))),
        ("A", Ok(all(ConflictAction::DateName))),
        ("L", Ok(all(ConflictAction::Larger))),
        ("t", Ok(one(ConflictAction::DateDiffers))),
        ("z", Ok(one(ConflictAction::SizeDiffers))),
        ("D", Ok(all(ConflictAction::Differs))),
        ("<space>s", Ok(ConflictAnswer { action: ConflictAction::Skip, scope: Scope::Alike })),
        ("<space><space>s", Ok(all(ConflictAction::Skip))),
        ("<space><space><space>s", Ok(one(ConflictAction::Skip))),
        ("<tab><enter>", Ok(one(ConflictAction::Overwrite))),
        // What is there is no beginning of the source: nothing to go on with.
        ("cs", Ok(one(ConflictAction::Skip))),
    ] {
        let mut screen = Screen::local(&["a"]);
        let mut asker = ask_conflict(&mut screen);
        screen.keys(keys);
        assert_eq!(asker.poll(), Some(answer), "{keys}");
    }
}

#[test]
fn only_what_makes_sense_is_offered() {
    let mut longer = conflict_question(("/x", 9, "2026-01-01T00:00:00Z"), ("/x", 1, "2026-01-01T00:00:00Z"));
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_about(&mut screen, longer.clone());
    screen.keys("c");
    assert_eq!(asker.poll(), Some(Ok(ConflictAnswer { action: ConflictAction::Resume, scope: Scope::This })));

    // Two names that are one there: nothing compares two different files, and neither is the beginning of the other.
    (longer.is_collision, longer.can_resume) = (true, false);
    let mut screen = Screen::local(&["a"]);
    let mut asker = ask_about(&mut screen, longer);
    screen.keys("ncltzd");
    assert!(asker.poll().is_none());
    screen.keys("R");
    assert_eq!(asker.poll(), Some(Ok(ConflictAnswer { action: ConflictAction::Rename, scope: Scope::RestOfJob })));
}

#[test]
fn a_conflict_does_not_take_keys_somebody_is_just_typing() {
    let mut screen = Screen::local(&["a"]);
    screen.keys("/");
    let mut asker = ask_conflict(&mut screen);
    screen.keys("o");
    assert!(asker.poll().is_none());
    screen.wait(1_000);
    screen.keys("s");
    assert!(asker.poll().is_some());
}

#[test]
fn the_end_of_the_program_refuses_every_question() {
    let mut screen = Screen::local(&["a"]);
    let mut first = ask_trust(&mut screen, trust_question(false));
    let mut second = ask_conflict(&mut screen);
    screen.send(Msg::Quit);
    assert_eq!((first.poll(), second.poll()), (Some(Err(Declined)), Some(Err(Declined))));
    assert_eq!(screen.orders(), ["quit"]);
}

#[test]
fn a_secret_is_kept_only_where_there_is_a_place_and_the_person_says_so() {
    for (keeper, kept_was_wrong, keys, keep) in [
        (Some("your keyring"), false, "<enter>", false),
        (Some("your keyring"), false, "<tab>hush<enter>", true),
        (Some("your keyring"), false, "<tab><tab><enter>", false),
        (Some("the vault"), true, "<enter>", true),
        (None, false, "<tab><enter>", false),
        (None, true, "<enter>", false),
    ] {
        let mut screen = Screen::local(&["a"]);
        let purpose = SecretPurpose::Password { user: "me".to_owned() };
        let site = url("ftpes://me@host").site;
        let question = SecretQuestion { site, on_the_way_to: None, purpose, attempt: 1, keeper, kept_was_wrong };
        let mut asker = ask(&mut screen, |prompter| async move { prompter.secret(question).await });
        screen.keys(keys);
        let Some(Ok(answer)) = asker.poll() else { panic!("no answer to {keys}") };
        assert_eq!(answer.keep, keep, "{keeper:?} {keys}");
        assert_eq!(answer.secret.expose(), if keys.contains("hush") { "hush" } else { "" });
    }
}
