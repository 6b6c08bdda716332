//! Figures in words: bytes, times, ratios.

use super::stats::Spread;

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// Three digits or so.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Bytes: `512 B`, `3.25 MB`. (Powers of ten.)
pub fn bytes(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{} GB", short(v / 1e9)),
        v if v >= 1e6 => format!("{} MB", short(v / 1e6)),
        v if v >= 1e3 => format!("{} kB", short(v / 1e3)),
        v => format!("{v:.0} B"),
    }
}

/// A time in seconds: `12.3 ms`, `450 ns`.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", short(s)),
        s if s >= 1e-3 => format!("{} ms", short(s * 1e3)),
        s if s >= 1e-6 => format!("{} µs", short(s * 1e6)),
        s => format!("{:.0} ns", s * 1e9),
    }
}

/// A number of things: `950`, `12.3 k`, `4.5 M`.
pub fn count(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{} G", short(v / 1e9)),
        v if v >= 1e6 => format!("{} M", short(v / 1e6)),
        v if v >= 1e4 => format!("{} k", short(v / 1e3)),
        v => format!("{v:.0}"),
    }
}

/// A part of a whole in percent.
pub fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// A median with its interval, without a unit.
pub fn spread(spread: &Spread) -> String {
    format!("{:.3} [{:.3}, {:.3}]", spread.median, spread.low, spread.high)
}

/// The text of a figure that may be missing.
pub fn or_none<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NONE.into(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_size() {
        assert_eq!(
            [0.0, 999.0, 1234.0, 56_780_000.0, 2e9].map(bytes),
            ["0 B", "999 B", "1.23 kB", "56.8 MB", "2.00 GB"]
        );
        assert_eq!([3e-9, 4.5e-6, 0.0123, 100.0].map(time), ["3 ns", "4.50 µs", "12.3 ms", "100 s"]);
        assert_eq!([950.0, 12_300.0, 4_500_000.0].map(count), ["950", "12.3 k", "4.50 M"]);
        assert_eq!(percent(0.9871), "98.7 %");
        assert_eq!(or_none(None::<f64>, bytes), NONE);
    }
}
