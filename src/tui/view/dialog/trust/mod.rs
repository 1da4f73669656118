//! Whom the person is asked to trust: how things stand, what is wrong and how that comes about, who the peer says it is,
//! and the three answers. The summary fits a small screen; all facts scroll.

mod facts;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::keys;
use crate::app::Moment;
use crate::app::dialog::{TrustDialog, TrustMode};
use crate::ask::TrustAnswer;
use crate::engine::advice::problem_words;
use crate::model::text;
use crate::trust::{Change, Compared, Evidence, PeerIdentity, ProblemKind};
use crate::tui::theme::Role;
use crate::tui::view::identity::beside;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 76;
/// The column of labels.
const LABEL: usize = 13;
/// From this height on, what keys do is always seen; in lower places it stands at the end of what scrolls.
const ROOMY: usize = 16;
/// Below this width labels have no column.
const NARROW: usize = 50;
/// The column of labels below a problem.
const CAUSE: usize = 8;

pub(super) fn sheet(dialog: &TrustDialog, now: Moment, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new(title(dialog), width);
    if dialog.is_dangerous() {
        sheet.role = Role::Danger;
    }
    sheet.scroll = dialog.scroll;
    (sheet.foot, sheet.hints) = foot(dialog, now.since_start, width);
    sheet.brief = match &dialog.mode {
        TrustMode::Choose => "i all  f compare",
        TrustMode::Compare(_) => "Enter compares",
        TrustMode::TypeLast { .. } => "Enter checks",
    };
    let wall = Timestamp::try_from(now.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let room = usize::from(screen.height).saturating_sub(sheet.foot.len() + sheet.hints.len() + 3);
    sheet.body = body(dialog, wall, look, width, room);
    if matches!(dialog.mode, TrustMode::TypeLast { .. }) {
        // Its last line is what is to be typed.
        sheet.keep = sheet.body.len().checked_sub(1);
    }
    if sheet.body.len() > room && usize::from(screen.height) >= ROOMY {
        sheet.foot.append(&mut sheet.hints);
    } else if sheet.body.len() > room && dialog.mode == TrustMode::Choose {
        sheet.body.push(Line::empty());
        sheet.body.append(&mut sheet.hints);
    }
    sheet
}

/// Each fits half of a small screen.
fn title(dialog: &TrustDialog) -> &'static str {
    let question = &dialog.ask.about;
    match (&question.evidence.identity, &question.evidence.remembered) {
        _ if matches!(dialog.compared, Some(Compared::Mismatch { .. })) => "NOT the identity you were told of",
        _ if question.on_the_way_to.is_some() && question.evidence.remembered.is_some() => "Jump host: ANOTHER key than before",
        _ if question.on_the_way_to.is_some() => "Is this the jump host's own key?",
        _ if question.evidence.has(ProblemKind::Revoked) => "This identity was TAKEN BACK",
        (_, Some(before)) if before.change == Change::HostKeyTypeAdded => "Is this other key the right one?",
        (_, Some(before)) if before.change == Change::RenewedSameKey => "Is this a renewal?",
        (_, Some(_)) => "ANOTHER identity than before",
        (_, None) if question.evidence.unusable => "This identity cannot be trusted",
        (PeerIdentity::Certificates(_), None) => "Is this certificate the right one?",
        (PeerIdentity::HostKey(_), None) => "Is this host key the right one?",
    }
}

/// How much the body says.
#[derive(Clone, Copy)]
struct Extent {
    /// Problems that are explained, the worst first.
    explained: usize,
    /// Empty lines between the parts.
    spacious: bool,
    /// All facts.
    whole: bool,
}

/// As much as fits into `room`; all there is if the person wants it.
fn body(dialog: &TrustDialog, now: Timestamp, look: &Look, width: usize, room: usize) -> Vec<Line> {
    let made = |explained, spacious, whole| lines(dialog, Extent { explained, spacious, whole }, now, look, width);
    let is_typing = matches!(dialog.mode, TrustMode::TypeLast { .. });
    if dialog.details && !is_typing {
        return made(usize::MAX, true, true);
    }
    let problems = dialog.ask.about.evidence.problems.len();
    for explained in (0..=problems).rev() {
        for spacious in [true, false] {
            let body = made(explained, spacious, false);
            if body.len() <= room {
                return body;
            }
        }
    }
    made(1, false, false)
}

fn lines(dialog: &TrustDialog, extent: Extent, now: Timestamp, look: &Look, width: usize) -> Vec<Line> {
    let question = &dialog.ask.about;
    let evidence = &question.evidence;
    let danger = dialog.is_dangerous() || evidence.unusable;
    let gap = |body: &mut Vec<Line>| body.extend(extent.spacious.then(Line::empty));
    let mut body = Line::wrapped(evidence.headline(), width, if danger { Role::Problem } else { Role::DialogTitle });
    let server = text::display_safe(question.site.url().as_bytes());
    let (label, server) = match &question.on_the_way_to {
        None => ("Server", server),
        Some(aim) => ("Jump host", format!("{server}\non the way to {}", text::display_safe(aim.to_string().as_bytes()))),
    };
    body.extend(if width < NARROW {
        Line::wrapped(&server, width, Role::Text)
    } else {
        beside(label, LABEL, Line::wrapped(&server, width - LABEL, Role::Text), width)
    });
    gap(&mut body);
    body.extend(problems(evidence, extent, danger, width));
    if let Some(why) = evidence.why_unusable() {
        body.extend(Line::wrapped(&why, width, Role::Problem));
    }
    gap(&mut body);
    body.extend(facts::of(evidence, extent, now, look, width));
    body
}

/// Each problem with its sentence; the worst with what an honest administrator did and an attacker could.
fn problems(evidence: &Evidence, extent: Extent, danger: bool, width: usize) -> Vec<Line> {
    let role = if danger { Role::Problem } else { Role::Warning };
    let mut body = Vec::new();
    let mut left = extent.explained;
    if let Some(before) = &evidence.remembered {
        let words = before.change.words();
        body.extend(causes(words.honest, words.attacker, width));
        body.extend(cause("Do now", words.advice, width, Role::DialogTitle));
    }
    for (problem, words) in evidence.explained() {
        let place = if problem.at > 0 { format!(" (certificate {} of the chain)", problem.at + 1) } else { String::new() };
        let mut sign = "!";
        for line in Line::wrapped(&format!("{}{place}", problem_words(problem)), width.saturating_sub(2), role) {
            body.push(Line::text(format!("{sign:2}"), role).and_all(line));
            sign = "";
        }
        if let Some(words) = words.filter(|_| left > 0) {
            left -= 1;
            if extent.whole {
                body.extend(cause("Means", words.meaning, width, Role::Text));
            }
            body.extend(causes(words.honest, words.attacker, width));
        }
    }
    body
}

fn causes(honest: &str, attacker: &str, width: usize) -> Vec<Line> {
    [cause("Honest", honest, width, Role::Text), cause("Attack", attacker, width, Role::Text)].into_iter().flatten().collect()
}

fn cause(label: &str, words: &str, width: usize, role: Role) -> Vec<Line> {
    if width < NARROW {
        let lines = Line::wrapped(&format!("{label}: {words}"), width.saturating_sub(2), role);
        return lines.into_iter().map(|line| Line::text("  ", role).and_all(line)).collect();
    }
    let mut shown = label;
    let lines = Line::wrapped(words, width - CAUSE - 2, role);
    lines.into_iter().map(|line| Line::text(format!("  {:CAUSE$}", std::mem::take(&mut shown)), Role::Faint).and_all(line)).collect()
}

/// What can be done now, and what keys do.
fn foot(dialog: &TrustDialog, now: Duration, width: usize) -> (Vec<Line>, Vec<Line>) {
    let mut foot = Vec::new();
    if let Some(compared) = dialog.compared {
        let role = match compared {
            Compared::Match { .. } if compared.is_proof() => Role::Good,
            Compared::Mismatch { .. } => Role::Danger,
            Compared::Match { .. } | Compared::NotAFingerprint => Role::Warning,
        };
        foot.extend(Line::wrapped(&compared.words(), width, role));
    }
    let hints = match &dialog.mode {
        TrustMode::Compare(input) => {
            foot.push(Line::field("Fingerprint: ", input, width, true));
            "Paste what its administrator sent, however written; Enter compares, Esc goes back"
        }
        TrustMode::TypeLast { input, .. } => {
            let ask = format!("To trust it all the same, type the last {} characters of its fingerprint.", TrustDialog::LAST);
            foot.extend(Line::wrapped(&ask, width, Role::Danger));
            if dialog.mistyped {
                foot.extend(Line::wrapped("Not these.", width, Role::Danger));
            }
            foot.push(Line::field("Last characters: ", input, width, true));
            "Enter checks, Esc goes back"
        }
        TrustMode::Choose if now < dialog.deaf_until => {
            foot.push(Line::text("One moment", Role::Faint));
            "keys typed ahead do not count here"
        }
        TrustMode::Choose => {
            let name = |answer: TrustAnswer| match answer {
                TrustAnswer::Reject => "[R]eject",
                TrustAnswer::Once => "[O]nce",
                TrustAnswer::Always => "[A]lways",
            };
            foot.push(Line::buttons(dialog.buttons().iter().map(|&answer| (name(answer), answer == dialog.focus))));
            if dialog.details {
                "i less   f compare a fingerprint you were sent   Esc rejects"
            } else {
                "i everything   f compare a fingerprint you were sent   Esc rejects"
            }
        }
    };
    (foot, keys(hints, width))
}

#[cfg(test)]
pub(in crate::tui::view) mod tests;
