//! The inspector: the verdict and the names of the pages on top, the page below, what can be done at the foot.

use ratatui::layout::Rect;

use crate::app::dialog::{Choices, ExportDialog, INSPECTOR_KEYS, InspectorDialog, Mood, PROBLEM, Page, kind_words};
use crate::model::text;
use crate::trust::HandshakeStep;
use crate::trust::change::Difference;
use crate::trust::describe::{Field, Section, Value};
use crate::tui::theme::Role;
use crate::tui::view::draw::wrap;
use crate::tui::view::identity;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet, pad};

/// Columns and rows it would like to have inside its frame.
const WIDTH: usize = 76;
const ROWS: u16 = 34;
/// From these on, there is room for whole lines of keys and empty lines between things.
const ROOMY: (usize, u16) = (60, 18);

pub(super) fn sheet(dialog: &InspectorDialog, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let rows = usize::from(screen.height.saturating_sub(2).min(ROWS));
    let roomy = width >= ROOMY.0 && screen.height >= ROOMY.1;
    let mut sheet = Sheet::new(dialog.title(), width);
    if dialog.headline.mood == Mood::Danger {
        sheet.role = Role::Danger;
    }
    sheet.head = head(dialog, width, roomy);
    if roomy {
        sheet.head.push(Line::empty());
    }
    sheet.foot = foot(dialog, width, roomy);
    if dialog.help {
        sheet.body = key_lines(&INSPECTOR_KEYS, width);
    } else if let Some(page) = dialog.current() {
        sheet.head.extend(choices(page, dialog.chosen, look, width, rows / 3, roomy));
        sheet.body = body(page, dialog.chosen, look, width);
    }
    // One size for all pages: what stays in its place is found again.
    while sheet.head.len() + sheet.body.len() + sheet.foot.len() < rows {
        sheet.body.push(Line::empty());
    }
    sheet.scroll = dialog.scroll;
    sheet
}

pub(super) fn role(mood: Mood) -> Role {
    match mood {
        Mood::Good => Role::Good,
        Mood::Plain => Role::Text,
        Mood::Warning => Role::Warning,
        Mood::Danger => Role::Problem,
    }
}

fn head(dialog: &InspectorDialog, width: usize, roomy: bool) -> Vec<Line> {
    let headline = &dialog.headline;
    let level = headline.level.unwrap_or_default();
    let room = width.saturating_sub(if roomy { text::width(level) + 2 } else { 0 });
    let mut head: Vec<Line> = Line::wrapped(&headline.text, room, role(headline.mood)).into_iter().take(2).collect();
    if roomy && let Some(first) = head.first_mut() {
        *first = std::mem::take(first).right(level, role(headline.mood));
    }
    if dialog.pages.len() > 1 {
        head.push(tabs(dialog, width));
    }
    head
}

/// `1 Overview [2 Certificate] 3 Connection`; where they do not fit, only the page that is shown.
fn tabs(dialog: &InspectorDialog, width: usize) -> Line {
    let names: Vec<String> = dialog.pages.iter().enumerate().map(|(at, page)| format!("{} {}", at + 1, page.name)).collect();
    if names.iter().map(|name| text::width(name) + 1).sum::<usize>() + 1 > width {
        let name = dialog.current().map_or("", |page| page.name);
        let place = format!("page {} of {}", dialog.page + 1, dialog.pages.len());
        return Line::text(format!("[{name}]"), Role::DialogTitle).right(place, Role::Key);
    }
    let mut line = Line::empty();
    for (at, name) in names.into_iter().enumerate() {
        let gap = if at > 0 { " " } else { "" };
        line = if at == dialog.page {
            line.and(gap, Role::Text).and(format!("[{name}]"), Role::DialogTitle)
        } else {
            line.and(format!("{gap}{name}"), Role::Key)
        };
    }
    line
}

/// What can be chosen, the chosen one highlighted; of many, those around it.
fn choices(page: &Page, chosen: usize, look: &Look, width: usize, most: usize, roomy: bool) -> Vec<Line> {
    let mut lines: Vec<(usize, Line)> = match &page.choices {
        Choices::None => return Vec::new(),
        Choices::Documents(documents) if documents.len() < 2 => return Vec::new(),
        Choices::Documents(documents) => documents
            .iter()
            .map(|(kind, title)| {
                Line::text(format!(" {}", text::cut(title, width.saturating_sub(2))), Role::Text).right(kind_words(*kind), Role::Faint)
            })
            .enumerate()
            .collect(),
        Choices::Chain(links) => {
            let branches = identity::branches(links, look, width);
            links
                .iter()
                .enumerate()
                .rev()
                .zip(branches)
                .flat_map(|((at, _), lines)| lines.into_iter().map(move |line| (at, line)))
                .collect()
        }
    };
    if lines.len() > most.max(1) {
        // The first line of each says which one it is.
        lines.dedup_by_key(|(at, _)| *at);
    }
    let on = lines.iter().position(|(at, _)| *at == chosen).unwrap_or(0);
    let from = on.saturating_sub(most.max(1) / 2).min(lines.len().saturating_sub(most.max(1)));
    let only_one = page.choices.len() < 2;
    let shown = lines.into_iter().skip(from).take(most.max(1));
    let mut lines: Vec<Line> =
        shown.map(|(at, line)| if at == chosen && !only_one { line.highlight(Role::CursorFocused) } else { line }).collect();
    if roomy {
        lines.push(Line::empty());
    }
    lines
}

fn body(page: &Page, chosen: usize, look: &Look, width: usize) -> Vec<Line> {
    let part = page.parts.get(chosen).or_else(|| page.parts.first());
    let mut body = sections(part.map_or(&[], Vec::as_slice), look, width);
    if !page.differences.is_empty() {
        body.push(Line::empty());
        body.extend(identity::side_by_side(["Before", "Now"], &pairs(&page.differences, look), look, width));
    }
    body.extend(timeline(&page.steps, look, width));
    if !page.remark.is_empty() {
        if !body.is_empty() {
            body.push(Line::empty());
        }
        body.extend(Line::wrapped(&page.remark, width, Role::Faint));
    }
    body
}

/// Every section, all labels in one column.
fn sections(sections: &[Section], look: &Look, width: usize) -> Vec<Line> {
    let fields = sections.iter().flat_map(|section| &section.fields);
    let longest = fields.filter(|field| field.key != PROBLEM).map(|field| text::width(&field.label)).max().unwrap_or(0);
    let label = (longest + 2).clamp(12, 26);
    let indented = |sign: &'static str, line: Line| Line::text(sign, Role::Warning).and_all(line);
    let mut lines = Vec::new();
    for section in sections {
        lines.push(Line::text(section.title, Role::DialogTitle));
        for field in &section.fields {
            let room = width.saturating_sub(2);
            if let (PROBLEM, Value::Text(words)) = (field.key, &field.value) {
                let signs = std::iter::once("! ").chain(std::iter::repeat("  "));
                lines.extend(signs.zip(Line::wrapped(words, room, Role::Warning)).map(|(sign, line)| indented(sign, line)));
            } else if width < ROOMY.0 {
                lines.extend(narrow_field(field, look, width));
            } else {
                lines.extend(identity::field(&field.label, label, field, look, room).into_iter().map(|line| indented("  ", line)));
            }
        }
    }
    lines
}

/// `Label: value`, what does not fit indented below: where a column of labels would leave no room.
fn narrow_field(field: &Field, look: &Look, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(4).max(8);
    let value = identity::grouped(&identity::words(&field.value, look), room);
    let gap = if value.contains('\n') { "\n" } else { " " };
    let (mark, role) = if field.invalid { (" [Invalid]", Role::Problem) } else { ("", Role::Text) };
    let mut lines = Vec::new();
    for (at, line) in wrap(&format!("{}:{mark}{gap}{value}", field.label), room).into_iter().enumerate() {
        let label = format!("{}:", field.label);
        lines.push(match line.strip_prefix(&label) {
            Some(rest) if at == 0 => Line::text(format!("  {label}"), Role::Faint).and(rest, role),
            _ => Line::text(format!("    {line}"), role),
        });
    }
    if let Value::Validity { from, to, now } = field.value {
        lines.push(Line::text("    ", Role::Text).and_all(identity::bar(from, to, now, look, room)));
    }
    lines
}

fn pairs(differences: &[Difference], look: &Look) -> Vec<identity::Pair> {
    let words = |value: &Option<Value>| value.as_ref().map_or_else(|| "not kept".to_owned(), |value| identity::words(value, look));
    let pair =
        |one: &Difference| identity::Pair { label: one.label, before: words(&one.before), now: words(&one.now), differs: one.differs() };
    differences.iter().map(pair).collect()
}

/// When each step of a handshake was, along a line of time.
fn timeline(steps: &[HandshakeStep], look: &Look, width: usize) -> Vec<Line> {
    const TIME: usize = 11;
    let [dot, down] = if look.ascii { ["*", "|"] } else { ["●", "│"] };
    let mut lines = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let time = format!("{:.1} ms", step.after.as_secs_f64() * 1000.0);
        let beside = |sign: &'static str, time: &str| Line::text(format!("{time:>9}  "), Role::Faint).and(format!("{sign} "), Role::Border);
        let room = width.saturating_sub(TIME + 2).max(8);
        let mut first = true;
        for line in Line::wrapped(&step.what, room, Role::Text) {
            let start = if std::mem::take(&mut first) { beside(dot, &time) } else { beside(down, "") };
            lines.push(start.and_all(line));
        }
        if !step.detail.is_empty() {
            lines.extend(Line::wrapped(&step.detail, room, Role::Faint).into_iter().map(|line| beside(down, "").and_all(line)));
        }
        if at + 1 < steps.len() {
            lines.push(beside(down, ""));
        }
    }
    lines
}

fn foot(dialog: &InspectorDialog, width: usize, roomy: bool) -> Vec<Line> {
    let mut foot = if roomy { vec![Line::empty()] } else { Vec::new() };
    if let Some(input) = &dialog.comparing {
        foot.push(Line::field("Fingerprint: ", input, width, true));
        foot.extend(Line::wrapped("Paste it; Enter compares, Esc goes back", width, Role::Faint));
        return foot;
    }
    if let Some((mood, said)) = &dialog.said {
        foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(3));
    } else if dialog.waiting.is_some() {
        foot.push(Line::text("waiting for an answer; Esc stops it", Role::Faint));
    }
    foot.push(Line::text(keys(dialog, roomy), Role::Faint));
    foot
}

/// The keys that do something here.
fn keys(dialog: &InspectorDialog, roomy: bool) -> String {
    let page = dialog.pages.len() > 1;
    if !roomy {
        return format!("{}? keys  Esc closes", if page { "Tab page  " } else { "" });
    }
    let known = dialog.fingerprint().is_some();
    let keys = [
        (page, "Tab page"),
        (known, "y copy"),
        (known, "f compare"),
        (known, "e export"),
        (dialog.can_be_checked(), "c check now"),
        (dialog.has_connection(), "T connection"),
        (true, "? keys"),
        (true, "Esc closes"),
    ];
    keys.into_iter().filter(|(there, _)| *there).map(|(_, key)| key).collect::<Vec<_>>().join("   ")
}

/// Keys and what they do, in two columns.
pub(super) fn key_lines(keys: &[(&str, &str)], width: usize) -> Vec<Line> {
    let column = keys.iter().map(|(key, _)| text::width(key)).max().unwrap_or(0) + 2;
    let lines = keys.iter().flat_map(|(key, help)| {
        let mut shown = *key;
        Line::wrapped(help, width.saturating_sub(column).max(8), Role::Text)
            .into_iter()
            .map(move |line| Line::text(pad(std::mem::take(&mut shown), column), Role::Key).and_all(line))
    });
    lines.collect()
}

/// In which form, into which file.
pub(super) fn export(dialog: &ExportDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 64);
    let mut sheet = Sheet::new("Write to a file", width);
    let forms: Vec<(String, bool)> = dialog.forms.iter().enumerate().map(|(at, form)| (form.label.to_owned(), at == dialog.form)).collect();
    if forms.len() > 1 {
        sheet.body = Line::buttons_wrapped(&forms, width);
        sheet.body.push(Line::empty());
    }
    sheet.body.extend(Line::labelled("into", 6, &format!("{} on this machine", dialog.dir.display()), width, Role::Text));
    sheet.foot.push(Line::field("as    ", &dialog.input, width, dialog.waiting.is_none()));
    sheet.foot.extend(dialog.error.iter().flat_map(|error| Line::wrapped(error, width, Role::Problem)));
    if dialog.waiting.is_some() {
        sheet.foot.push(Line::text("writing…", Role::Faint));
    }
    let form = if forms.len() > 1 { "Tab another form, " } else { "" };
    sheet.hints = super::keys(&format!("{form}Enter writes, Esc does not; no file is replaced"), width);
    sheet
}
