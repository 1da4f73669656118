//! What earlier runs left unfinished.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{InterruptedChoice, InterruptedDialog};
use crate::engine::{Interrupted, JobKind, Spot};
use crate::model::text;
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 66;
/// Transfers that are shown each.
const SHOWN: usize = 6;

pub(super) fn sheet(dialog: &InterruptedDialog, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let title = match dialog.jobs.len() {
        1 => "1 transfer was interrupted".to_owned(),
        many => format!("{many} transfers were interrupted"),
    };
    let mut sheet = Sheet::new(title, width);
    for job in dialog.jobs.iter().take(SHOWN) {
        let verb = if job.job.order.kind == JobKind::Move { "move " } else { "" };
        sheet.body.push(Line::text(text::cut_middle(&format!("{verb}{}", job.name()), width), Role::DialogTitle));
        sheet.body.push(Line::text(text::cut_middle(&format!("  {}", way(job, look)), width), Role::Faint));
        if let Some(why) = job.job.failures.first() {
            sheet.body.push(Line::text(text::cut_middle(&format!("  {why}"), width), Role::Problem));
        }
    }
    if dialog.jobs.len() > SHOWN {
        sheet.body.push(Line::text(format!("and {} more", dialog.jobs.len() - SHOWN), Role::Text));
    }
    let name = |choice| match choice {
        InterruptedChoice::GoOn => "[G]o on",
        InterruptedChoice::Later => "[L]ater",
        InterruptedChoice::Forget => "[F]orget",
    };
    sheet.foot = vec![Line::buttons(InterruptedDialog::CHOICES.map(|choice| (name(choice), choice == dialog.focus)))];
    let said = if dialog.forgetting {
        "f again removes what was moved already and is not whole; Esc leaves it for the next start"
    } else {
        "Enter goes on where it stopped; Esc leaves it for the next start"
    };
    sheet.hints = keys(said, width);
    sheet
}

/// `sftp://host/from to this machine, /to, 2 h ago`.
fn way(job: &Interrupted, look: &Look) -> String {
    let spot = |spot: &Spot| match &spot.site {
        Some(site) => text::display_safe(site.url_of(&spot.dir).as_bytes()),
        None => spot.dir.display(),
    };
    let order = &job.job.order;
    format!("{} to {}, {}", spot(&order.from), spot(&order.to), look.date_time(job.job.ordered))
}
