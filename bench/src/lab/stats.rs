//! Medians, their intervals, and when two of them differ.
//!
//! A sample is a ratio of two runs that came shortly after each other, in an order that is reversed each time, so that a drift of
//! the machine cancels out. The interval of a median is the one of order statistics: between the *k*-th smallest and the *k*-th
//! largest sample lies the true median with a probability that is known whatever the distribution is. What is claimed has an
//! interval of at least 95 % on one side of 1, and beyond what the control workload showed of the machine's own noise.

use serde::{Deserialize, Serialize};

/// How sure an interval is to be.
const CONFIDENCE: f64 = 0.95;
/// Differences below this part are never claimed: where code and data happen to lie makes as much.
const LEAST_DIFFERENCE: f64 = 0.01;

/// A median and what it may be instead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The lower end of the interval.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// Whether the interval is a 95 % one: it takes six samples.
    pub sure: bool,
}

/// The median; `None` without samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[sorted.len() / 2 - 1] + upper) / 2.0 })
}

/// The probability that the true median lies below the `k`-th smallest of `n` samples, or above the `k`-th largest.
fn risk(n: usize, k: usize) -> f64 {
    let mut term = 0.5f64.powi(n as i32);
    let mut sum = 0.0;
    for i in 0..k {
        sum += term;
        term *= (n - i) as f64 / (i + 1) as f64;
    }
    2.0 * sum
}

impl Spread {
    /// The median of samples with its interval; `None` without samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let median = median(samples)?;
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let mut k = 1;
        while 2 * (k + 1) <= n && risk(n, k + 1) <= 1.0 - CONFIDENCE {
            k += 1;
        }
        let sure = risk(n, k) <= 1.0 - CONFIDENCE;
        Some(Self { low: sorted[k - 1], median, high: sorted[n - k], sure })
    }

    /// What it says of a ratio, beside noise of a given part.
    pub fn verdict(&self, noise: f64) -> Verdict {
        let margin = noise.max(LEAST_DIFFERENCE);
        match self {
            Self { sure: false, .. } => Verdict::TooFew,
            Self { high, .. } if *high < 1.0 - margin => Verdict::Less,
            Self { low, .. } if *low > 1.0 + margin => Verdict::More,
            _ => Verdict::Same,
        }
    }
}

/// What may be said of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the baseline itself.
    Baseline,
    /// It is less than the baseline, beyond the noise.
    Less,
    /// It is more.
    More,
    /// There is no difference within the noise.
    Same,
    /// There are too few samples for any claim.
    TooFew,
}

impl Verdict {
    /// In words, for times.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Less => "faster",
            Self::More => "slower",
            Self::Same => "no difference within the noise",
            Self::TooFew => "too few runs to say",
        }
    }
}

/// By which part of itself the median of the control's runs is likely to be off, from how much they differ from it. Differences
/// between allocators that are no larger may be the machine's.
pub fn noise(control: &[f64]) -> f64 {
    let Some(middle) = median(control).filter(|&middle| middle > 0.0) else { return 0.0 };
    let mut off: Vec<f64> = control.iter().map(|time| (time / middle - 1.0).abs()).collect();
    off.sort_by(f64::total_cmp);
    // The median deviation as a standard deviation (1.4826), the error of a mean of so many, and two of them either way.
    let typical = off[off.len() / 2];
    1.96 * 1.4826 * typical / (control.len() as f64).sqrt()
}

/// The geometric mean; `None` without values.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_as_wide_as_they_must_be() {
        let spread = |n: usize| Spread::of(&(1..=n).map(|i| i as f64).collect::<Vec<_>>()).expect("samples");
        assert!(Spread::of(&[]).is_none());
        assert_eq!(spread(3), Spread { low: 1.0, median: 2.0, high: 3.0, sure: false });
        assert!(!spread(5).sure);
        // The probability that all of six lie on one side is 2 / 64.
        assert_eq!(spread(6), Spread { low: 1.0, median: 3.5, high: 6.0, sure: true });
        // Tables of the sign test: 2 for 9 to 11, 6 for 20 and 21 samples.
        assert_eq!((spread(8).low, spread(9).low, spread(11).low), (1.0, 2.0, 2.0));
        assert_eq!((spread(20).low, spread(20).high), (6.0, 15.0));
    }

    #[test]
    fn nothing_is_claimed_within_the_noise() {
        let spread = |low, high| Spread { low, median: (low + high) / 2.0, high, sure: true };
        assert_eq!(spread(0.90, 0.95).verdict(0.02), Verdict::Less);
        assert_eq!(spread(0.90, 0.95).verdict(0.08), Verdict::Same);
        assert_eq!(spread(0.90, 1.01).verdict(0.0), Verdict::Same);
        assert_eq!(spread(0.991, 0.993).verdict(0.0), Verdict::Same);
        assert_eq!(spread(1.3, 1.4).verdict(0.05), Verdict::More);
        assert_eq!(Spread { sure: false, ..spread(0.5, 0.6) }.verdict(0.0), Verdict::TooFew);
    }

    #[test]
    fn noise_is_that_of_the_control() {
        assert_eq!(noise(&[]), 0.0);
        assert_eq!(noise(&[2.0; 6]), 0.0);
        let shaky = noise(&[1.0, 1.1, 0.9, 1.1, 0.9, 1.0, 1.1, 0.9]);
        assert!(shaky > 0.05 && shaky < 0.2, "{shaky}");
        assert_eq!(geometric_mean(&[2.0, 8.0]), Some(4.0));
    }
}
