//! Where everything is, from the size of the terminal alone.

use ratatui::layout::Rect;

use crate::app::Side;

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Each pane's area, header and foot included; one is empty where there is room for one only.
    pub panes: [Rect; 2],
    /// The line between the panes, if there are two.
    pub divider: Option<Rect>,
    /// The line of names when only one pane is shown.
    pub tabs: Option<Rect>,
    /// What just happened, and progress.
    pub status: Rect,
    /// The first keys; empty where there is no room.
    pub hints: Rect,
}

/// Below this, only the focused pane is shown.
pub const TWO_PANES: u16 = 60;
/// Below this, only a polite message.
pub const LEAST: (u16, u16) = (20, 5);
/// Lines of a pane that are no list: two of header, one of foot.
pub const PANE_FRAME: u16 = 3;
/// Below so many rows the line of keys gives way to the list.
const HINTS_FROM: u16 = 12;

impl Layout {
    /// The layout of a screen; `None` if it is too small for one.
    pub fn of(screen: Rect, focus: Side) -> Option<Self> {
        if screen.width < LEAST.0 || screen.height < LEAST.1 {
            return None;
        }
        let hint_rows = u16::from(screen.height >= HINTS_FROM);
        let body_rows = screen.height - 1 - hint_rows;
        let line = |y: u16, height: u16| Rect::new(screen.x, screen.y + y, screen.width, height);
        let (status, hints) = (line(body_rows, 1), line(body_rows + 1, hint_rows));
        if screen.width < TWO_PANES {
            let mut panes = [Rect::default(); 2];
            panes[focus as usize] = line(1, body_rows - 1);
            return Some(Self { panes, divider: None, tabs: Some(line(0, 1)), status, hints });
        }
        let left = (screen.width - 1) / 2;
        let column = |x: u16, width: u16| Rect::new(screen.x + x, screen.y, width, body_rows);
        let panes = [column(0, left), column(left + 1, screen.width - left - 1)];
        Some(Self { panes, divider: Some(column(left, 1)), tabs: None, status, hints })
    }

    /// Rows of a pane's list on a screen of this size.
    pub fn list_rows(columns: u16, rows: u16) -> usize {
        let layout = Self::of(Rect::new(0, 0, columns, rows), Side::Left);
        layout.map_or(1, |layout| usize::from(list(layout.panes[0]).height)).max(1)
    }
}

/// The list's part of a pane. Where there is little room, header and foot give way.
pub fn list(pane: Rect) -> Rect {
    let header = 2.min(pane.height.saturating_sub(1));
    let foot = u16::from(pane.height > 3);
    Rect { y: pane.y + header, height: pane.height.saturating_sub(header + foot), ..pane }
}
