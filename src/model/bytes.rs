//! Sizes, rates and durations in few columns.

use std::time::Duration;

/// A size in at most six columns: `999`, `1.5K`, `12M`, `1.2G` (powers of 1024, the unit letter alone).
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1000 {
        return bytes.to_string();
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        value /= 1024.0;
        unit = next;
        if value < 999.5 {
            break;
        }
    }
    if value < 9.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

/// A size in a sentence: [`size`], with the unit where that has no letter.
pub fn size_in_words(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        bytes if bytes < 1000 => format!("{bytes} bytes"),
        bytes => size(bytes),
    }
}

/// A rate: [`size`] with `/s`.
pub fn rate(bytes_per_second: f64) -> String {
    format!("{}/s", size(bytes_per_second.max(0.0) as u64))
}

/// A duration as `42s`, `3:07` or `2:03:04`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fit_six_columns() {
        for (bytes, text) in
            [(0, "0"), (999, "999"), (1000, "1.0K"), (1536, "1.5K"), (10 << 20, "10M"), (1023 << 20, "1.0G"), (u64::MAX, "16E")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration(Duration::from_secs(42)), "42s");
        assert_eq!(duration(Duration::from_secs(187)), "3:07");
        assert_eq!(duration(Duration::from_secs(7384)), "2:03:04");
    }
}
