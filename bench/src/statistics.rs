//! What is made of measurements: medians, geometric means, ratios.

/// The median; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The geometric mean: that of ratios does not depend on which side is the reference. `None` of nothing.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let logarithms: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (logarithms / values.len() as f64).exp())
}

/// The ratios round by round, of the rounds in which both were measured.
pub fn ratios(values: &[Option<f64>], reference: &[Option<f64>]) -> Vec<f64> {
    /// What is too short to be measured counts as this, so that no ratio is infinite or none.
    const LEAST: f64 = 1e-6;
    let both = values.iter().zip(reference).filter_map(|(value, reference)| value.zip(*reference));
    both.map(|(value, reference)| value.max(LEAST) / reference.max(LEAST)).collect()
}

/// How far the values lie apart: the largest less the smallest, as a part of the median.
pub fn spread(values: &[f64]) -> Option<f64> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some((most - least) / median(values)?)
}

#[cfg(test)]
mod tests {
    use super::{geometric_mean, median, ratios, spread};

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn geometric_means() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[0.5, 2.0, 8.0]).unwrap();
        assert!((mean - 2.0).abs() < 1e-12, "{mean}");
        let inverse = geometric_mean(&[2.0, 0.5, 0.125]).unwrap();
        assert!((mean * inverse - 1.0).abs() < 1e-12, "{inverse}");
    }

    #[test]
    fn ratios_pair_the_rounds() {
        // The machine became twice as slow in the second round; the third has no reference, the fourth no value.
        let values = [Some(1.0), Some(2.0), Some(7.0), None];
        let reference = [Some(2.0), Some(4.0), None, Some(5.0)];
        assert_eq!(ratios(&values, &reference), [0.5, 0.5]);
        assert_eq!(ratios(&[Some(0.0)], &[Some(0.0)]), [1.0]);
    }

    #[test]
    fn spreads() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[2.0]), Some(0.0));
        assert_eq!(spread(&[1.0, 2.0, 3.0]), Some(1.0));
    }
}
