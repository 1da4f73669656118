//! What a server says of our certificate: label and value in rows, what to do next always seen.

use ratatui::layout::Rect;

use super::inspector::role;
use crate::app::dialog::RefusalDialog;
use crate::model::text;
use crate::protocols::CertificateRefusal;
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 76;
const LABELS: usize = 11;

pub(super) fn sheet(dialog: &RefusalDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let refusal = &dialog.refusal;
    let is_expected = matches!(refusal.why, CertificateRefusal::Wanted | CertificateRefusal::NotTrusted | CertificateRefusal::AfterLogin);
    let mut sheet = Sheet::new(if is_expected { "Who are you?" } else { "Your certificate is refused" }, width);
    sheet.role = if is_expected { Role::DialogTitle } else { Role::Danger };
    sheet.body = Line::wrapped(&dialog.what, width, if is_expected { Role::Text } else { Role::Problem });
    sheet.body.push(Line::empty());
    let mut row = |label: &str, value: &str| {
        if !value.is_empty() {
            sheet.body.extend(Line::labelled(label, LABELS, value, width, Role::Text));
        }
    };
    let takes =
        if refusal.authorities.is_empty() { "any certificate its administrator trusts".to_owned() } else { refusal.authorities.join("; ") };
    row("It takes", &takes);
    if let Some(shown) = &refusal.shown {
        let signed = shown.issuer.as_ref().map_or_else(|| "signed by itself".to_owned(), |issuer| format!("signed by {issuer}"));
        row("It saw", &format!("{}: {}, {signed}", shown.name, shown.subject));
        // Two lines of sixteen bytes, as a person compares them.
        let print = shown.fingerprint.colons();
        let (first, second) = print.split_at_checked(print.len() / 2 + 1).unwrap_or((&print, ""));
        row("SHA-256", first.trim_end_matches(':'));
        row(" ", second);
        if is_expected {
            row("To send", &text::display_safe(shown.file.as_os_str().as_encoded_bytes()));
        }
    } else {
        row("It saw", "nothing of you");
    }
    row("It said", &refusal.said);
    if refusal.is_before_login() {
        row("Not sent", "user name, password, private key");
    }
    sheet.scroll = dialog.scroll;
    let roomy = screen.height >= 18;
    match &dialog.said {
        Some((mood, said)) => sheet.foot = Line::wrapped(said, width, role(*mood)),
        None => sheet.foot = Line::wrapped(&dialog.next, width, Role::Text),
    }
    sheet.foot.truncate(if roomy { 5 } else { 3 });
    let keys = match (width >= 72, refusal.is_before_login()) {
        (true, true) => "r again  1-9 again every so many minutes  e file  y copy  i identities",
        (true, false) => "r again  e file  y copy  i identities",
        (false, true) => "r again  1-9 each min  e file  i own",
        (false, false) => "r again  e file  i own",
    };
    sheet.foot.push(Line::text(text::cut(keys, width), Role::Faint));
    sheet
}
