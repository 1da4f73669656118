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

/// Reads a rate in bytes per second as a person writes it: `500k`, `2M`, `1.5MiB/s`, `800kB`, `20Mbit/s`. A letter alone and
/// `KiB`, `MiB`, `GiB` count by 1024, as [`size`] does; `kB`, `MB`, `GB` and `kbit`, `Mbit`, `Gbit` by 1000. `None` if it is none,
/// or less than one byte.
pub fn parse_rate(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix("/s").or_else(|| text.strip_suffix("ps")).unwrap_or(&text).trim_end();
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let (power, rest) = match unit.chars().next() {
        Some('k') => (1, &unit[1..]),
        Some('m') => (2, &unit[1..]),
        Some('g') => (3, &unit[1..]),
        _ => (0, unit),
    };
    let factor = match rest {
        "" | "ib" if power > 0 => 1024_f64.powi(power),
        "" | "b" => 1000_f64.powi(power),
        "bit" => 1000_f64.powi(power) / 8.0,
        _ => return None,
    };
    let rate = number.parse::<f64>().ok()? * factor;
    (1.0..1e18).contains(&rate).then_some(rate as u64)
}

/// A size as people write it: `500`, `10K`, `2M`, `1GiB`, `1T`, by 1024.
pub fn parse_size(text: &str) -> Option<u64> {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A rate in bytes per second as [`parse_rate`] reads it.
pub fn rate_setting(rate: u64) -> String {
    match rate {
        rate if rate > 0 && rate % (1 << 20) == 0 => format!("{}M", rate >> 20),
        rate if rate > 0 && rate % (1 << 10) == 0 => format!("{}k", rate >> 10),
        rate => rate.to_string(),
    }
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
    fn sizes_are_read() {
        for (text, bytes) in [("0", 0), ("500", 500), ("10K", 10_240), ("2m", 2 << 20), ("1GiB", 1 << 30), ("3MB", 3 << 20)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "K", "1X", "-1", "99999999999999T"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_fit_six_columns() {
        for (bytes, text) in
            [(0, "0"), (999, "999"), (1000, "1.0K"), (1536, "1.5K"), (10 << 20, "10M"), (1023 << 20, "1.0G"), (u64::MAX, "16E")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn rates_as_people_write_them() {
        for (text, rate) in [
            ("500k", Some(512_000)),
            ("2M", Some(2 << 20)),
            ("1.5MiB/s", Some(3 << 19)),
            ("1g", Some(1 << 30)),
            ("800kB", Some(800_000)),
            ("2 MB/s", Some(2_000_000)),
            ("20Mbit/s", Some(2_500_000)),
            ("16kbps", Some(16_000)),
            ("9000", Some(9000)),
            ("9000b/s", Some(9000)),
            ("8bit", Some(1)),
            ("0", None),
            ("0.5", None),
            ("", None),
            ("k", None),
            ("-1k", None),
            ("1kk", None),
            ("ib", None),
            ("5ib", None),
            ("1.2.3M", None),
            ("999999999999G", None),
            ("ünf", None),
        ] {
            assert_eq!(parse_rate(text), rate, "{text}");
            assert!(rate.is_none_or(|rate| parse_rate(&rate_setting(rate)) == Some(rate)), "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration(Duration::from_secs(42)), "42s");
        assert_eq!(duration(Duration::from_secs(187)), "3:07");
        assert_eq!(duration(Duration::from_secs(7384)), "2:03:04");
    }
}
