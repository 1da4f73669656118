//! A form: labels in a column, the values beside them, what is wrong below each; the buttons are always seen.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{Field, Focus, Form, Value};
use crate::model::text;
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet, pad};

const WIDTH: usize = 70;

pub(super) fn sheet(form: &Form, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new(form.title.as_str(), width);
    let widest = form.fields.iter().map(|field| text::width(field.label)).max().unwrap_or(0);
    let column = (widest + 2).min(width / 2);
    for (at, field) in form.fields.iter().enumerate() {
        let focused = form.focus == Focus::Field(at);
        sheet.body.push(line(field, column, width, focused));
        if focused {
            // With what is wrong with it, so that both are seen.
            sheet.keep = Some(sheet.body.len() - 1 + usize::from(field.error.is_some()));
        }
        let error = field.error.iter().flat_map(|error| Line::wrapped(error, width.saturating_sub(column), Role::Problem));
        sheet.body.extend(error.map(|error| Line::text(" ".repeat(column), Role::Text).and_all(error)));
    }
    if !matches!(form.focus, Focus::Field(_)) {
        sheet.keep = Some(sheet.body.len().saturating_sub(1));
    }
    // Always as many lines, so that nothing moves from field to field.
    let tallest = form.fields.iter().map(|field| hint(field, width).len()).max().unwrap_or(0);
    if screen.height >= 18 {
        let mut said = match form.focus {
            Focus::Field(at) => form.fields.get(at).map(|field| hint(field, width)).unwrap_or_default(),
            Focus::Button | Focus::Cancel => Vec::new(),
        };
        said.resize_with(tallest, Line::empty);
        sheet.foot.extend(said);
    }
    sheet.foot.push(Line::buttons([(form.button, form.focus == Focus::Button), ("Cancel", form.focus == Focus::Cancel)]));
    sheet.hints = keys(&format!("Tab to the next, Ctrl-S: {}, Esc gives up", form.button), width);
    sheet
}

fn hint(field: &Field, width: usize) -> Vec<Line> {
    if field.hint.is_empty() { Vec::new() } else { Line::wrapped(field.hint, width, Role::Faint) }
}

fn line(field: &Field, column: usize, width: usize, focused: bool) -> Line {
    let label = pad(&text::cut(field.label, column.saturating_sub(1)), column);
    let room = width.saturating_sub(column);
    let shown = match &field.value {
        Value::Text(input) | Value::Secret(input) => return Line::field(&label, input, width, focused),
        Value::Toggle(on) => (if *on { "[x] yes" } else { "[ ] no" }).to_owned(),
        Value::Choice { options, chosen } => {
            let option = options.get(*chosen).map_or("", String::as_str);
            format!("< {} >", text::cut(&text::display_safe(option.as_bytes()), room.saturating_sub(4)))
        }
    };
    Line::text(label, Role::Text).and(shown, if focused { Role::ButtonFocused } else { Role::Button })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::dialog::form_tests::{keys as press, sample};
    use crate::tui::fixture::{look, text};
    use ratatui::buffer::Buffer;

    fn shown(form: &Form, columns: u16, rows: u16) -> String {
        let screen = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(screen);
        sheet(form, screen).draw(&look(), screen, &mut buffer);
        text(&buffer)
    }

    #[test]
    fn forms() {
        for (name, keys) in [("fresh", ""), ("choice", "bank<tab><right>"), ("wrong", "<tab><tab><tab>one<tab>two<c-s>"), ("end", "a<up>")]
        {
            let mut form = sample();
            press(&mut form, keys);
            for (columns, rows) in [(80, 24), (40, 12)] {
                insta::assert_snapshot!(format!("form-{name}-{columns}x{rows}"), shown(&form, columns, rows));
            }
        }
    }

    #[test]
    fn one_taller_than_the_screen_follows_the_keys() {
        let mut form = sample();
        let more = (0..30).map(|_| Field::text("more", "One more", "", "")).collect::<Vec<_>>();
        form.fields.splice(1..1, more);
        press(&mut form, "a<up><up><up>geheim");
        insta::assert_snapshot!("form-tall-40x12", shown(&form, 40, 12));
        for columns in (1..=90).step_by(7) {
            for rows in [1, 2, 3, 5, 8, 30] {
                shown(&form, columns, rows);
            }
        }
    }
}
