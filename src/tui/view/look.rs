//! How things look here and now, apart from the core's state: theme, characters, time zone, numbers of the last second.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::style::Style;

use crate::engine::Snapshot;
use crate::tui::theme::{Role, Theme};

/// How things look.
pub struct Look {
    /// Colours.
    pub theme: Theme,
    /// Only ASCII can be drawn: the locale is not UTF-8.
    pub ascii: bool,
    /// Where dates are read.
    pub zone: TimeZone,
    /// The jobs as their words and numbers tell them, at most a second old; bars are newer.
    pub words: Snapshot,
    /// The hint for the keys that may follow is due.
    pub which_key: bool,
}

/// Lines and bars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbols {
    /// Between the panes.
    pub(super) vertical: &'static str,
    /// Of a frame.
    pub(super) horizontal: &'static str,
    /// Corners of a frame, clockwise from the top left.
    pub(super) corners: [&'static str; 4],
    /// Of a bar: done and not done.
    pub(super) bar: [&'static str; 2],
    /// Ascending and descending.
    pub(super) arrows: [&'static str; 2],
    /// Something goes on.
    pub(super) ellipsis: &'static str,
}

const UNICODE: Symbols =
    Symbols {
        vertical: "│", horizontal: "─", corners: ["┌", "┐", "┘", "└"], bar: ["█", "░"], arrows: ["↑", "↓"], ellipsis: "…"
    };
const ASCII: Symbols = Symbols { vertical: "|", horizontal: "-", corners: ["+"; 4], bar: ["#", "."], arrows: ["^", "v"], ellipsis: "..." };

impl Look {
    /// `theme` for this terminal: `NO_COLOR` and the locale are respected.
    pub fn from_environment(theme: Theme) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let theme = if set("NO_COLOR").is_some() { theme.without_colours() } else { theme };
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_ascii_lowercase();
        let ascii = !(locale.contains("utf-8") || locale.contains("utf8"));
        Self { theme, ascii, zone: TimeZone::system(), words: Snapshot::default(), which_key: false }
    }

    pub(super) fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    pub(super) fn symbols(&self) -> Symbols {
        if self.ascii { ASCII } else { UNICODE }
    }

    /// `2026-11-21 09:30`, local time.
    pub(super) fn date_time(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2026-11-21`, local time.
    pub(super) fn date(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d").to_string()
    }

    /// `22:30` today, else `Dec  1 06:00`.
    pub(super) fn time_ahead(&self, time: Timestamp, now: Timestamp) -> String {
        let (time, now) = (time.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()));
        time.strftime(if time.date() == now.date() { "%H:%M" } else { "%b %e %H:%M" }).to_string()
    }

    /// In six columns: `09:30` today, `Nov 21` this year, else `2024`.
    pub(super) fn short_date(&self, time: Timestamp, now: Timestamp) -> String {
        let (time, now) = (time.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()));
        let format = match (time.year() == now.year(), time.date() == now.date()) {
            (_, true) => " %H:%M",
            (true, _) => "%b %e",
            _ => "  %Y",
        };
        time.strftime(format).to_string()
    }
}
