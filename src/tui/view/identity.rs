//! Identities drawn: sections of fields, the bar of a validity, a chain as a tree, two of them side by side. What the
//! trust popup and the inspector share; knows no dialog and judges nothing.

use std::time::Duration;

use jiff::Timestamp;

use super::draw::wrap;
use super::look::Look;
use super::sheet::{Line, pad};
use crate::model::text;
use crate::trust::describe::{Field, Section, Value};
use crate::trust::{ChainLink, LinkSignature, Origin};
use crate::tui::theme::Role;

/// The mark of a section at fault.
const INVALID: &str = "[Invalid]";
/// The bar of a validity is no wider than this.
const LONGEST_BAR: usize = 48;
/// From this width on, two things stand side by side.
const SIDE_BY_SIDE: usize = 60;

/// Every section: its title, its fields indented below it.
pub(super) fn sections<'a>(sections: impl IntoIterator<Item = &'a Section>, look: &Look, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for section in sections {
        lines.push(Line::text(section.title, Role::DialogTitle));
        let longest = section.fields.iter().map(|field| text::width(&field.label)).max().unwrap_or(0);
        let label = (longest + 2).clamp(12, 26);
        for field in &section.fields {
            let room = width.saturating_sub(2);
            lines.extend(
                self::field(&field.label, label, field, look, room).into_iter().map(|line| Line::text("  ", Role::Text).and_all(line)),
            );
        }
    }
    lines
}

/// One field under a label of your choice, broken to `width`; marked if its section is at fault.
pub(super) fn field(label: &str, label_width: usize, field: &Field, look: &Look, width: usize) -> Vec<Line> {
    let room = if is_narrow(label_width, width) { width.saturating_sub(2) } else { width - label_width };
    let lines = match &field.value {
        Value::Validity { from, to, now } => {
            let mut lines = marked(&validity_words(*from, *to, *now, look), field.invalid, room);
            lines.push(bar(*from, *to, *now, look, room));
            lines
        }
        value => marked(&grouped(&words(value, look), room), field.invalid, room),
    };
    beside(label, label_width, lines, width)
}

/// `label` before the first of `lines`, the others below it; in narrow places the label has a line of its
/// own unless both fit on one.
pub(super) fn beside(label: &str, label_width: usize, lines: Vec<Line>, width: usize) -> Vec<Line> {
    if is_narrow(label_width, width) {
        if let [line] = &lines[..]
            && text::width(label) + 1 + line.width() <= width
        {
            return lines.into_iter().map(|line| Line::text(format!("{label} "), Role::Faint).and_all(line)).collect();
        }
        let indented = lines.into_iter().map(|line| Line::text("  ", Role::Text).and_all(line));
        return std::iter::once(Line::text(label, Role::Faint)).chain(indented).collect();
    }
    let mut shown = label;
    lines.into_iter().map(|line| Line::text(pad(std::mem::take(&mut shown), label_width), Role::Faint).and_all(line)).collect()
}

fn is_narrow(label_width: usize, width: usize) -> bool {
    width < label_width + 24
}

/// `words` broken to `room`, the mark of fault before the first if there is one.
fn marked(words: &str, invalid: bool, room: usize) -> Vec<Line> {
    if !invalid {
        return Line::wrapped(words, room, Role::Text);
    }
    let lines = wrap(&format!("{INVALID} {words}"), room);
    let mut mark = INVALID;
    lines
        .into_iter()
        .map(|line| match line.strip_prefix(std::mem::take(&mut mark)) {
            Some(rest) if rest.len() < line.len() => Line::text(INVALID, Role::Problem).and(rest, Role::Text),
            _ => Line::text(line, Role::Text),
        })
        .collect()
}

/// A value in words; a validity without its bar.
pub(super) fn words(value: &Value, look: &Look) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(texts) => texts.join(", "),
        Value::Time(time) => look.date_time(*time),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Validity { from, to, now } => validity_words(*from, *to, *now, look),
        Value::Length(length) => format!("{:.1} ms", length.as_secs_f64() * 1000.0),
    }
}

/// `2025-01-01 to 2026-01-01, ended 324 days ago`.
fn validity_words(from: Timestamp, to: Timestamp, now: Timestamp, look: &Look) -> String {
    let standing = if now < from {
        format!("begins in {}", length(from, now))
    } else if now > to {
        format!("ended {} ago", length(now, to))
    } else {
        format!("{} left", length(to, now))
    };
    let day = |time| look.date_time(time).split(' ').next().unwrap_or_default().to_owned();
    format!("{} to {}, {standing}", day(from), day(to))
}

/// From `earlier` to `later` in the unit a person counts it in.
fn length(later: Timestamp, earlier: Timestamp) -> String {
    let length = Duration::try_from(later.duration_since(earlier)).unwrap_or_default();
    let hours = length.as_secs() / 3600;
    let (number, unit) = match hours {
        0 => return "less than an hour".to_owned(),
        1..48 => (hours, "hour"),
        48..26_280 => (hours / 24, "day"),
        _ => (hours / 8766, "year"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// The time of validity as a bar, what is over filled, with a mark for now: inside, before or behind it.
pub(super) fn bar(from: Timestamp, to: Timestamp, now: Timestamp, look: &Look, room: usize) -> Line {
    let symbols = look.symbols();
    let [done, open] = symbols.bar;
    let mark = Line::text(symbols.vertical, Role::Problem);
    let cells = room.min(LONGEST_BAR).saturating_sub(3).max(1);
    if now < from {
        return mark.and(format!(" {}", open.repeat(cells)), Role::Bar);
    }
    if now > to {
        return Line::text(format!("{} ", done.repeat(cells)), Role::Bar).and_all(mark);
    }
    let (over, whole) = (now.as_second().saturating_sub(from.as_second()), to.as_second().saturating_sub(from.as_second()).max(1));
    let over = (over as f64 / whole as f64 * cells as f64) as usize;
    let over = over.min(cells);
    Line::text(done.repeat(over), Role::Bar).and(symbols.vertical, Role::DialogTitle).and(open.repeat(cells - over), Role::Bar)
}

/// Colons of a long row of bytes give way to a space where a line may break: after sixteen bytes, in narrow places after eight.
pub(super) fn grouped(value: &str, room: usize) -> String {
    let is_bytes = value.len() > 23 && value.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()));
    if !is_bytes {
        return value.to_owned();
    }
    let bytes: Vec<&str> = value.split(':').collect();
    let each = if room < 47 { 8 } else { 16 };
    bytes.chunks(each).map(|chunk| chunk.join(":")).collect::<Vec<_>>().join("\n")
}

/// A chain as a tree, the root on top, with where each part came from and how its signature stands.
pub(super) fn tree(chain: &[ChainLink], look: &Look, width: usize) -> Vec<Line> {
    branches(chain, look, width).into_iter().flatten().collect()
}

/// The lines of each part of the tree, the root first.
pub(super) fn branches(chain: &[ChainLink], look: &Look, width: usize) -> Vec<Vec<Line>> {
    let branch = if look.ascii { "`- " } else { "└─ " };
    let part = |(depth, link): (usize, &ChainLink)| {
        let mut lines = Vec::new();
        let indent = if depth == 0 { String::new() } else { format!("{}{branch}", " ".repeat((depth - 1).min(8) * 3)) };
        let (standing, role) = standing(link);
        let name = Line::text(indent.clone(), Role::Faint).and(
            text::cut(&link.name, width.saturating_sub(text::width(&indent))),
            if link.origin == Origin::Missing { Role::Faint } else { Role::Text },
        );
        if text::width(&indent) + text::width(&link.name) + text::width(&standing) + 2 <= width {
            lines.push(name.right(standing, role));
        } else {
            lines.push(name);
            let under = " ".repeat(text::width(&indent) + 2);
            let room = width.saturating_sub(under.len());
            lines.extend(wrap(&standing, room).into_iter().map(|line| Line::text(under.clone(), Role::Text).and(line, role)));
        }
        lines
    };
    chain.iter().rev().enumerate().map(part).collect()
}

fn standing(link: &ChainLink) -> (String, Role) {
    let origin = match link.origin {
        Origin::Sent { at: 0 } => "the server's own",
        Origin::Sent { .. } => "sent by the server",
        Origin::Store => "this machine trusts it",
        Origin::Missing => "missing, nobody has it",
    };
    let (signature, role) = match (link.signature, link.origin) {
        (LinkSignature::Forged, _) => ("; NOT signed by the one above", Role::Problem),
        (LinkSignature::SelfSigned, _) => ("; signed by itself", Role::Warning),
        (_, Origin::Store) => ("", Role::Good),
        (_, Origin::Missing) => ("", Role::Warning),
        (LinkSignature::Unchecked, _) => ("; signature not checked", Role::Warning),
        (LinkSignature::Valid | LinkSignature::Root, _) => ("", Role::Text),
    };
    (format!("{origin}{signature}"), role)
}

/// A row of two things compared.
pub(super) struct Pair {
    /// What is compared.
    pub(super) label: &'static str,
    /// As it was before.
    pub(super) before: String,
    /// As it is now.
    pub(super) now: String,
    /// They are not the same; marked.
    pub(super) differs: bool,
}

/// Two things side by side under their titles, where there is room; else one below the other.
pub(super) fn side_by_side(titles: [&str; 2], rows: &[Pair], look: &Look, width: usize) -> Vec<Line> {
    let sign = if look.ascii { "! " } else { "≠ " };
    let label = rows.iter().map(|row| row.label.len()).max().unwrap_or(0) + 2;
    let mut lines = Vec::new();
    if width < SIDE_BY_SIDE {
        lines.extend(Line::wrapped(&format!("was: {}, now: {}", titles[0], titles[1]), width, Role::Faint));
        for row in rows {
            let mark = if row.differs { sign } else { "  " };
            lines.push(Line::text(mark, Role::Problem).and(row.label, Role::Faint));
            let room = width.saturating_sub(9).max(8);
            let both = [("was", &row.before, false), ("now", &row.now, row.differs)];
            for (word, value, differs) in both.into_iter().skip(usize::from(row.before == row.now)) {
                let role = if differs { Role::Warning } else { Role::Text };
                let mut shown = if row.before == row.now { "" } else { word };
                for line in wrap(&grouped(value, room), room) {
                    lines.push(Line::text(format!("    {:5}", std::mem::take(&mut shown)), Role::Faint).and(line, role));
                }
            }
        }
        return lines;
    }
    let column = (width - label - 2) / 2;
    let both =
        |left: Line, used: usize, right: Line| left.and(" ".repeat((label + column).saturating_sub(used)), Role::Text).and_all(right);
    let title = |text: &str| Line::text(text, Role::DialogTitle);
    lines.push(both(
        Line::text(" ".repeat(label), Role::Text).and_all(title(titles[0])),
        label + titles[0].len(),
        Line::text("  ", Role::Text).and_all(title(titles[1])),
    ));
    for row in rows {
        let (before, now) = (wrap(&grouped(&row.before, column - 1), column - 1), wrap(&grouped(&row.now, column), column));
        for at in 0..before.len().max(now.len()) {
            let (before, now) = (before.get(at).map_or("", String::as_str), now.get(at).map_or("", String::as_str));
            let first = at == 0;
            let left = Line::text(pad(if first { row.label } else { "" }, label), Role::Faint).and(before, Role::Text);
            let mark = if first && row.differs { sign } else { "  " };
            let role = if row.differs { Role::Warning } else { Role::Text };
            lines.push(both(left, label + text::width(before), Line::text(mark, Role::Problem).and(now, role)));
        }
    }
    lines
}
