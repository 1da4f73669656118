//! The whole screen: panes, status, keys, and the dialog on top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::{paint, put};
use super::layout::{LEAST, Layout};
use super::look::Look;
use super::{dialog, pane, status};
use crate::app::{App, Side};
use crate::model::text;
use crate::tui::frame::Cursor;
use crate::tui::theme::Role;

/// What drawing found out.
#[derive(Debug, Default)]
pub struct Drawn {
    /// Where the terminal's cursor belongs.
    pub cursor: Option<Cursor>,
    /// How far the dialog on top can be scrolled, in lines.
    pub scroll_end: usize,
}

/// Draws `app`.
pub fn draw(app: &App, look: &Look, buffer: &mut Buffer) -> Drawn {
    let screen = buffer.area;
    buffer.set_style(screen, look.style(Role::Text));
    let Some(layout) = Layout::of(screen, app.focus) else {
        too_small(look, screen, buffer);
        return Drawn::default();
    };
    if let Some(divider) = layout.divider {
        for y in divider.top()..divider.bottom() {
            put(buffer, divider, divider.x, y, look.symbols().vertical, look.style(Role::Border));
        }
    }
    if let Some(tabs) = layout.tabs {
        draw_tabs(app, look, tabs, buffer);
    }
    let mut cursor = None;
    for side in [Side::Left, Side::Right] {
        let drawn = pane::draw(app, side, look, layout.panes[side as usize], buffer);
        if side == app.focus {
            cursor = drawn;
        }
    }
    status::draw(app, look, layout.status, layout.hints, buffer);
    if look.which_key {
        status::draw_which_key(app, look, screen, buffer);
    }
    let dialogs = app.dialogs.iter().map(|one| dialog::draw(one, app, look, screen, &layout, buffer));
    dialogs.last().unwrap_or(Drawn { cursor, scroll_end: 0 })
}

/// The window's title: where the pane with the keys is.
pub fn title(app: &App) -> String {
    let pane = app.pane(app.focus);
    let dir = pane.shown_folder().map(|folder| format!(" {}", folder.dir.display())).unwrap_or_default();
    format!("sealift: {}{dir}", pane::place_name(app, pane))
}

/// Which pane is shown, where there is room for one only.
fn draw_tabs(app: &App, look: &Look, area: Rect, buffer: &mut Buffer) {
    paint(buffer, area, area.y, look.style(Role::Place));
    let half = area.width / 2;
    for (side, x) in [(Side::Left, area.x), (Side::Right, area.x + half)] {
        let focused = side == app.focus;
        let tab = Rect { x, width: half, ..area };
        let style = look.style(if focused { Role::PlaceFocused } else { Role::Place });
        let name = text::cut_middle(&pane::place_name(app, app.pane(side)), usize::from(half).saturating_sub(4));
        let shown = if focused { format!("[{name}]") } else { format!(" {name} ") };
        put(buffer, tab, x, area.y, &shown, style);
    }
}

fn too_small(look: &Look, screen: Rect, buffer: &mut Buffer) {
    let lines = [format!("sealift needs {}x{}", LEAST.0, LEAST.1), format!("this is {}x{}", screen.width, screen.height)];
    for (y, line) in (screen.top()..screen.bottom()).zip(&lines) {
        put(buffer, screen, screen.x, y, line, look.style(Role::Text));
    }
}
