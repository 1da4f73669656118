//! The list of identities: what its keys order, its forms filled in rightly and wrongly, and what comes back.

use super::inspector::documents;
use super::*;
use crate::app::dialog::{Focus, IdentitiesDialog, IdentityForm, Mood};
use crate::engine::{IdentityFacts, IdentityFailure, IdentityKind, IdentityOrder, IdentityRow};
use crate::identity::ssh_key::SshPublicKey;
use crate::trust::certificate::CertificateFacts;

fn facts() -> CertificateFacts {
    CertificateFacts::read(&documents(1)[0].certificate.clone().unwrap().der).unwrap()
}

fn row(name: &str) -> IdentityRow {
    let file = format!("/home/bob/.local/share/sealift/identities/{name}/certificate.pem").into();
    let what = Ok((file, IdentityFacts::Certificate(Box::new(facts()))));
    IdentityRow { name: name.into(), kind: IdentityKind::Certificate, what, pending: None, is_default: false }
}

fn ssh_key(name: &str, is_locked: bool) -> IdentityRow {
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";
    let public = SshPublicKey::parse(line).unwrap();
    let what = Ok((format!("/home/bob/.local/share/sealift/ssh/{name}").into(), IdentityFacts::SshKey { public, is_locked }));
    IdentityRow { name: name.into(), kind: IdentityKind::SshKey, what, pending: None, is_default: false }
}

/// One to be shown to everybody, one that waits for its signed certificate, an authority, two SSH keys, one that is damaged.
pub(crate) fn rows() -> Vec<IdentityRow> {
    vec![
        IdentityRow { is_default: true, ..row("bank") },
        IdentityRow { pending: Some(facts()), ..row("payroll") },
        IdentityRow { kind: IdentityKind::Authority, ..row("ours") },
        ssh_key("edi", true),
        ssh_key("old", false),
        IdentityRow { what: Err("certificate.pem: the certificate is gone".into()), ..row("torn") },
    ]
}

/// An order as the tests compare it. Secrets are shown: they are the tests' own.
pub(super) fn short(order: &IdentityOrder) -> String {
    match order {
        IdentityOrder::Read => "identities".to_owned(),
        IdentityOrder::Make(draft) => format!("make {} CN={} {} {:?}", draft.name, draft.subject.common_name, draft.days, draft.key_type),
        IdentityOrder::MakeApart(draft, folder) => format!("make {} in {}", draft.name, folder.display()),
        IdentityOrder::MakeAuthority(draft) => format!("make authority {}", draft.name),
        IdentityOrder::TakeIn { name, file, .. } => format!("take in {name} {} {}", place(file.0), file.1.display()),
        IdentityOrder::Export { name, form, out, passphrase, new } => {
            format!("export {name} {form:?} {} {:?} {:?}", out.display(), passphrase.expose(), new.expose())
        }
        IdentityOrder::ExportAuthority { name, out } => format!("export authority {name} {}", out.display()),
        IdentityOrder::Sign { authority, request, days, out, .. } => {
            format!("sign {authority} {} {days} {}", request.1.display(), out.display())
        }
        IdentityOrder::Revoke { authority, certificate, reason, out, .. } => {
            let what = certificate.as_ref().map_or_else(|| "nothing".to_owned(), |(_, path)| path.display());
            format!("revoke {authority} {what} {reason:?} {}", out.display())
        }
        IdentityOrder::MakeSshKey { name, kind, comment, .. } => format!("make SSH key {name} {kind:?} {comment}"),
        IdentityOrder::ExportSshKey { file, form, out } => format!("export {} {form:?} {}", file.display(), out.display()),
        IdentityOrder::InstallSshKey { file, session, home, passphrase } => {
            format!("install {} #{} {} {:?}", file.display(), session.0, home.display(), passphrase.expose())
        }
        IdentityOrder::Default(name) => format!("default {name:?}"),
        IdentityOrder::Discard(name) => format!("discard {name}"),
        IdentityOrder::Rename(name, new) => format!("rename {name} {new}"),
        IdentityOrder::Remove(name) => format!("remove {name}"),
    }
}

fn open() -> Screen {
    let mut screen = Screen::local(&["payroll.csr"]);
    screen.keys("gi");
    assert_eq!(screen.orders(), ["identities"]);
    answer(&mut screen, Ok(String::new()));
    screen
}

fn list(screen: &Screen) -> &IdentitiesDialog {
    let Some(Dialog::Identities(dialog)) = screen.app.dialog() else { panic!("no list") };
    dialog
}

fn form(screen: &Screen) -> &IdentityForm {
    let Some(Dialog::IdentityForm(dialog)) = screen.app.dialog() else { panic!("no form") };
    dialog
}

fn answer(screen: &mut Screen, done: Result<String, IdentityFailure>) {
    let waiting = match screen.app.dialog() {
        Some(Dialog::Identities(dialog)) => dialog.waiting,
        Some(Dialog::IdentityForm(dialog)) => dialog.waiting,
        _ => None,
    };
    screen.send(Msg::IdentitiesRead { generation: waiting.expect("it waits"), done, rows: Ok(rows()) });
    screen.orders();
}

fn failure(is_passphrase: bool) -> Result<String, IdentityFailure> {
    let advice = Advice { what: "that does not work".into(), why: String::new(), next: String::new(), intended: false };
    Err(IdentityFailure { is_passphrase, advice })
}

#[test]
fn an_identity_is_made_of_a_form_that_says_what_is_wrong() {
    let mut screen = open();
    screen.keys("nbank<tab>Ann<c-s>");
    assert!(screen.orders().is_empty(), "without a passphrase nothing is made");
    let wrong: Vec<_> = form(&screen).form.fields.iter().filter(|field| field.error.is_some()).map(|field| field.name).collect();
    assert_eq!(wrong, ["passphrase"]);
    screen.keys("one<tab>two<c-s>");
    assert!(screen.orders().is_empty() && form(&screen).form.field("again").unwrap().error.is_some());
    screen.keys("<c-u>one<c-s>");
    assert_eq!(screen.orders(), ["make bank CN=Ann 825 P256"]);
    screen.keys("x<tab>");
    assert_eq!(form(&screen).form.text("again"), "one", "while it is made, keys change nothing");
    answer(&mut screen, failure(false));
    assert_eq!(form(&screen).failed.as_deref(), Some("that does not work"), "what was filled in stays");
    screen.keys("<c-s>");
    assert_eq!(screen.orders().len(), 1);
    answer(&mut screen, Ok("made bank".into()));
    assert_eq!(list(&screen).said, Some((Mood::Good, "made bank".to_owned())));
    screen.keys("nedi<tab>Ann<up><up><up><up><up><up>keys<tab>one<tab>one<c-s>");
    assert_eq!(screen.orders(), ["make edi in /l/keys"]);
}

#[test]
fn a_wrong_passphrase_is_said_at_its_field() {
    let mut screen = open();
    screen.keys("jjs");
    assert_eq!(form(&screen).form.text("file"), "payroll.csr", "the request under the cursor of the pane is meant");
    screen.keys("<tab><tab><tab>guess<c-s>");
    assert_eq!(screen.orders(), ["sign ours /l/payroll.csr 825 /l/payroll.crt"]);
    answer(&mut screen, failure(true));
    let form = &form(&screen).form;
    assert!(form.field("passphrase").unwrap().error.is_some());
    assert_eq!(form.focus, Focus::Field(3));
}

#[test]
fn a_key_goes_along_only_with_its_passphrase() {
    let mut screen = open();
    screen.keys("e<c-s>");
    assert_eq!(screen.orders(), [r#"export bank Certificate /l/bank.crt "" """#]);
    answer(&mut screen, Ok("written".into()));
    screen.keys("e<left><left><left><c-s>");
    assert!(screen.orders().is_empty());
    screen.keys("old<tab>new<tab>new<c-s>");
    assert_eq!(screen.orders(), [r#"export bank Pkcs12(Modern) /l/bank.p12 "old" "new""#]);
    screen.keys("<esc>");
    assert!(matches!(screen.app.dialog(), Some(Dialog::Identities(_))), "what has begun is brought to its end");
    answer(&mut screen, Ok("written: bank.p12".into()));
    assert_eq!(list(&screen).said.as_ref().map(|(_, said)| said.as_str()), Some("written: bank.p12"));
}

#[test]
fn keys_of_the_list_order_what_they_say() {
    let mut screen = open();
    for (keys, ordered) in [("D", "default None"), ("jD", r#"default Some("payroll")"#), ("u", "discard payroll")] {
        screen.keys(keys);
        assert_eq!(screen.orders(), [ordered]);
        answer(&mut screen, Ok(String::new()));
    }
    for refused in ["ku", "s", "jjd", "r", "D"] {
        screen.keys(refused);
        assert!(screen.orders().is_empty(), "{refused}");
        assert!(list(&screen).said.is_some(), "{refused} says why not");
    }
    screen.keys("x<c-u><tab><right><tab><tab>pass<c-s>");
    assert_eq!(screen.orders(), ["revoke ours nothing KeyCompromise /l/ours.crl"]);
    answer(&mut screen, Ok(String::new()));
    screen.keys("kd<enter>");
    assert!(screen.orders().is_empty(), "Enter removes nothing");
    screen.keys("dy");
    assert_eq!(screen.orders(), ["remove payroll"]);
    answer(&mut screen, Ok(String::new()));
    screen.keys("<enter>");
    assert_eq!(screen.orders(), ["inspect local /home/bob/.local/share/sealift/identities/payroll/certificate.pem"]);
}

#[test]
fn an_ssh_key_is_made_written_and_installed() {
    let mut screen = open();
    screen.keys("Kedi<tab><right><tab><tab>one<tab>one<c-s>");
    assert_eq!(screen.orders(), ["make SSH key edi P256 edi"]);
    answer(&mut screen, Ok("made edi".into()));
    screen.keys("ggjjjc");
    assert!(screen.orders()[0].starts_with("clipboard ssh-ed25519 AAAA"));
    screen.keys("e<right><c-s>");
    assert_eq!(screen.orders(), ["export /home/bob/.local/share/sealift/ssh/edi Rfc4716 /l/edi.ssh2"]);
    answer(&mut screen, Ok(String::new()));
    screen.keys("I");
    assert!(screen.orders().is_empty() && list(&screen).said.is_some(), "there is no SSH server in the pane");
    screen.keys("<esc>");

    screen.keys("Osftp://me@host/<enter>");
    let pane = screen.app.focus;
    let generation = screen.app.pane(pane).connecting;
    let facts = SessionFacts { site: url("sftp://me@host/").site, home: path("/home/me"), ..session(7) };
    screen.send(Msg::Connected { pane, generation, session: facts, start: path("/home/me") });
    screen.answer_listing(pane, &["x"]);
    screen.orders();
    screen.keys("gi");
    answer(&mut screen, Ok(String::new()));
    screen.keys("jjjI<c-s>");
    assert!(screen.orders().is_empty(), "to try it, its passphrase is needed");
    screen.keys("pass<c-s>");
    assert_eq!(screen.orders(), [r#"install /home/bob/.local/share/sealift/ssh/edi #7 /home/me "pass""#]);
    answer(&mut screen, failure(true));
    assert!(form(&screen).form.field("passphrase").unwrap().error.is_some());
    screen.keys("<esc>jI");
    assert_eq!(screen.orders(), [r#"install /home/bob/.local/share/sealift/ssh/old #7 /home/me """#]);
}
