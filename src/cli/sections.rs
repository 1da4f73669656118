//! Sections of a description as aligned lines of text.

use jiff::Timestamp;

use crate::model::text;
use crate::trust::describe::{Section, Value};

/// Labels are padded to this; a longer one pushes its value on.
const LABELS: usize = 24;

/// The lines of `sections`; what is at fault is marked on the first field.
pub(super) fn lines(sections: &[Section]) -> Vec<String> {
    let mut lines = Vec::new();
    for section in sections {
        lines.push(section.title.to_owned());
        for field in &section.fields {
            let mark = if field.invalid { "   Invalid" } else { "" };
            let padding = " ".repeat(LABELS.saturating_sub(text::width(&field.label)));
            let mut values = values(&field.value).into_iter();
            lines.push(format!("  {}{padding} {}{mark}", field.label, values.next().unwrap_or_default()));
            lines.extend(values.map(|value| format!("  {} {value}", " ".repeat(LABELS))));
        }
    }
    lines
}

fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => vec![text.clone()],
        Value::List(list) => list.clone(),
        Value::Time(time) => vec![instant(*time)],
        Value::Number(number) => vec![number.to_string()],
        Value::Flag(flag) => vec![if *flag { "yes" } else { "no" }.to_owned()],
        Value::Validity { from, to, now } => vec![bar(*from, *to, *now)],
        Value::Length(length) => vec![format!("{:.1} s", length.as_secs_f64())],
    }
}

/// In UTC, as certificates count.
pub(super) fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How much of a time has gone: `[=====>--------------]`.
fn bar(from: Timestamp, to: Timestamp, now: Timestamp) -> String {
    const WIDE: i128 = 20;
    let [from, to, now] = [from, to, now].map(|time| i128::from(time.as_second()));
    let gone = ((now - from) * WIDE / (to - from).max(1)).clamp(0, WIDE) as usize;
    let mark = if gone < WIDE as usize { ">" } else { "" };
    let rest = WIDE as usize - gone - mark.len();
    format!("[{}{mark}{}]", "=".repeat(gone), "-".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_keeps_its_width() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (now, expected) in [
            (-5, "[>-------------------]"),
            (50, "[==========>---------]"),
            (100, "[====================]"),
            (900, "[====================]"),
        ] {
            assert_eq!(bar(at(0), at(100), at(now)), expected, "{now}");
        }
        assert_eq!(bar(at(5), at(5), at(5)).len(), 22);
        assert_eq!(bar(Timestamp::MIN, Timestamp::MAX, at(0)).len(), 22);
    }
}
