//! Dialogs a person types into: passwords, the server's prompts, URLs, names, patterns.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{ConnectDialog, InteractiveDialog, MakeDirDialog, PatternDialog, RenameDialog, SecretDialog};
use crate::ask::SecretPurpose;
use crate::model::{Endpoint, Site, text};
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 60;

pub(super) fn secret(dialog: &SecretDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let question = &dialog.ask.about;
    let url = place(&question.site, question.on_the_way_to.as_ref());
    let is_vault = matches!(question.purpose, SecretPurpose::VaultPassphrase { .. });
    let (title, lines, wrong) = match &question.purpose {
        SecretPurpose::Password { user } => {
            ("Password", vec![format!("of {} at {url}", text::display_safe(user.as_bytes()))], "The server refused that password.")
        }
        SecretPurpose::KeyPassphrase { file, label } => (
            "Passphrase of your key",
            vec![
                format!("{} ({})", text::display_safe(file.as_bytes()), text::display_safe(label.as_bytes())),
                format!("to log in at {url}"),
                "It unlocks the key on this machine and is never sent.".into(),
            ],
            "That passphrase does not unlock the key.",
        ),
        SecretPurpose::VaultPassphrase { file } => (
            "Passphrase of your vault",
            vec![
                text::display_safe(file.as_bytes()),
                format!("holds what is needed at {url}"),
                "It opens the vault on this machine and is never sent. While it is locked, you are asked for each secret.".into(),
            ],
            "That passphrase does not open the vault.",
        ),
    };
    let mut sheet = Sheet::new(title, width);
    sheet.body.extend(lines.iter().flat_map(|line| Line::wrapped(line, width, Role::Text)));
    if matches!(question.purpose, SecretPurpose::Password { .. }) && !question.site.protocol.is_protected() {
        let words = "PLAIN FTP: everybody on the way can read this password.";
        sheet.body.extend(Line::wrapped(words, width, Role::Problem));
    }
    if question.attempt > 1 {
        sheet.body.extend(Line::wrapped(&format!("{wrong} Attempt {}.", question.attempt), width, Role::Problem));
    }
    if let Some(place) = question.keeper.filter(|_| question.kept_was_wrong && question.attempt == 1) {
        sheet.body.extend(Line::wrapped(&format!("The one kept in {place} was wrong."), width, Role::Problem));
    }
    sheet.foot = vec![Line::field("> ", &dialog.input, width, true)];
    let leaves = if is_vault { "Esc leaves it locked" } else { "Esc stops connecting" };
    let tab = question.keeper.map(|place| {
        let tick = if dialog.keep { "x" } else { " " };
        sheet.foot.push(Line::text(text::cut(&format!("[{tick}] keep it in {place}, once it was right"), width), Role::Text));
        if dialog.keep { "Tab does not keep it, " } else { "Tab keeps it, " }
    });
    sheet.hints.extend(keys(&format!("Enter goes on, {}{leaves}", tab.unwrap_or_default()), width));
    sheet
}

/// Who asks, and whether that is only a host on the way.
fn place(site: &Site, on_the_way_to: Option<&Endpoint>) -> String {
    let url = text::display_safe(site.url().as_bytes());
    on_the_way_to.map_or_else(|| url.clone(), |aim| format!("{url}, a jump host on the way to {aim}"))
}

pub(super) fn interactive(dialog: &InteractiveDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let question = &dialog.ask.about;
    // The title is ours: a server's own could pass for one of our questions.
    let mut sheet = Sheet::new("The server asks", width);
    sheet.body = Line::wrapped(&place(&question.site, question.on_the_way_to.as_ref()), width, Role::Faint);
    for line in std::iter::once(question.name.as_str()).filter(|name| !name.is_empty()).chain(question.instruction.lines()).take(20) {
        sheet.body.extend(Line::wrapped(&text::display_safe(line.as_bytes()), width, Role::Text));
    }
    for (at, (prompt, input)) in question.prompts.iter().zip(&dialog.inputs).enumerate() {
        let focused = at == dialog.focus;
        sheet.body.push(Line::empty());
        sheet.body.extend(Line::wrapped(&text::display_safe(prompt.text.as_bytes()), width, Role::Text));
        sheet.body.push(Line::field(if focused { "> " } else { "  " }, input, width, focused));
        if focused {
            sheet.keep = Some(sheet.body.len() - 1);
        }
    }
    sheet.hints = keys("Enter goes on, Tab to the next, Esc stops connecting", width);
    sheet
}

pub(super) fn connect(dialog: &ConnectDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = line_sheet("Connect to", dialog.error.as_deref(), width);
    for (scheme, what) in [
        ("sftp://user@host/path", "SSH"),
        ("ftpes://user@host/path", "FTP over TLS, port 21"),
        ("ftps://user@host/path", "FTP over TLS, port 990"),
        ("ftp://user@host/path", "plain FTP: nothing is protected"),
    ] {
        sheet.body.push(Line::text(scheme, Role::Faint).right(what, Role::Faint));
    }
    sheet.foot.push(Line::field("> ", &dialog.input, width, true));
    let history = if dialog.history.is_empty() { "" } else { ", Up takes an earlier one" };
    sheet.hints.extend(keys(&format!("Enter connects, Esc goes back{history}"), width));
    sheet
}

pub(super) fn make_dir(dialog: &MakeDirDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = line_sheet("New folder", dialog.error.as_deref(), width);
    sheet.body.push(Line::text(text::cut_middle(&format!("in {}", dialog.dir.display()), width), Role::Faint));
    sheet.foot.push(Line::field("> ", &dialog.input, width, true));
    sheet.hints.extend(keys("Enter makes it, Esc goes back", width));
    sheet
}

pub(super) fn rename(dialog: &RenameDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = line_sheet("Rename", dialog.error.as_deref(), width);
    sheet.body.extend(Line::wrapped(&dialog.name.display(), width, Role::Text));
    sheet.foot.push(Line::field("> ", &dialog.input, width, true));
    sheet.hints.extend(keys("Enter renames, Esc goes back", width));
    sheet
}

pub(super) fn pattern(dialog: &PatternDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = line_sheet(if dialog.mark { "Mark by pattern" } else { "Unmark by pattern" }, None, width);
    sheet.body = Line::wrapped("* is any text, ? any character; without them, names that contain it", width, Role::Faint);
    sheet.foot.push(Line::field("> ", &dialog.input, width, true));
    sheet.hints.extend(keys(if dialog.mark { "Enter marks, Esc goes back" } else { "Enter unmarks, Esc goes back" }, width));
    sheet
}

fn line_sheet(title: &str, error: Option<&str>, width: usize) -> Sheet {
    let mut sheet = Sheet::new(title, width);
    sheet.foot.extend(error.into_iter().flat_map(|error| Line::wrapped(error, width, Role::Problem)));
    sheet
}
