//! The decimal digits of numbers, exactly and by integer arithmetic. Floats of very large or small magnitude are left to
//! others.

/// The most digits of a 64-bit number.
pub const MAX_DIGITS: usize = 20;

/// The decimal numbers 00 to 99, so that two digits come of one division.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// 10 to the power of the index, as far as 128 bits reach.
static POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The smallest power of ten in [`NEAREST_POWERS`].
const MIN_EXPONENT: i32 = -9;

/// Powers of ten, as near as a double comes.
#[rustfmt::skip]
static NEAREST_POWERS: [f64; 48] = [
    1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33,
    1e34, 1e35, 1e36, 1e37, 1e38,
];

/// How many digits a number has, at least one.
#[inline]
pub fn decimal_len(n: u64) -> usize {
    // 1233 / 4096 is the logarithm of 2 to the base 10, a little too small; so is the estimate, by one at most.
    let n = n | 1;
    let estimate = ((64 - n.leading_zeros() as usize) * 1233) >> 12;
    estimate + usize::from(u128::from(n) >= POWERS[estimate])
}

/// Fills a slice with the last digits of a number, zeros before them if it has fewer.
#[inline]
pub fn fill_decimal(n: u64, out: &mut [u8]) {
    let mut n = n;
    let (first, pairs) = out.as_rchunks_mut();
    for pair in pairs.iter_mut().rev() {
        *pair = PAIRS[(n % 100) as usize];
        n /= 100;
    }
    if let [first] = first {
        *first = b'0' + (n % 10) as u8;
    }
}

/// Writes the digits of a number at the start of a slice that has room for them, and returns how many there are.
#[inline]
pub fn write_decimal(n: u64, out: &mut [u8]) -> usize {
    let len = decimal_len(n);
    fill_decimal(n, &mut out[..len]);
    len
}

/// The largest power of ten whose product with the 53 bits of a float has less than 128 bits.
const MAX_SCALE: i32 = 22;

/// `x` · 10^`scale`, rounded to the nearest integer and from the middle to the even one: exactly, by integers of 128
/// bits. `None` if these do not suffice. `x` is finite, not negative.
#[inline]
pub fn scaled(x: f64, scale: i32) -> Option<u64> {
    if scale > MAX_SCALE {
        return None;
    }
    let power = *POWERS.get(scale.unsigned_abs() as usize)?;
    let bits = x.to_bits();
    let exponent = (bits >> 52) as u32;
    let fraction = bits & ((1 << 52) - 1);
    // The value is mantissa · 2^(exponent - 1075).
    let (mantissa, exponent) = if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 52, exponent) };
    if scale < 0 {
        let (left, right) = (exponent.saturating_sub(1075), 1075u32.saturating_sub(exponent));
        if left >= 75 || right >= power.leading_zeros() {
            return None;
        }
        let (whole, divisor) = (u128::from(mantissa) << left, power << right);
        return rounded(whole / divisor, whole % divisor, divisor / 2);
    }
    let product = u128::from(mantissa) * power;
    if exponent >= 1075 {
        let shift = exponent - 1075;
        let shifted = if shift < product.leading_zeros() { product << shift } else { return None };
        return u64::try_from(shifted).ok();
    }
    let shift = 1075 - exponent;
    if shift >= 128 {
        // The product is below 2^127, thus less than half of what the lowest integer digit stands for.
        return Some(0);
    }
    rounded(product >> shift, product & ((1 << shift) - 1), 1 << (shift - 1))
}

/// A quotient with the rest that division left, which is compared with half of the divisor.
#[inline(always)]
fn rounded(quotient: u128, rest: u128, half: u128) -> Option<u64> {
    let up = rest > half || (rest == half && quotient & 1 == 1);
    u64::try_from(quotient + u128::from(up)).ok()
}

/// The first `len` digits (1 to 17) of a float, correctly rounded, as one integer, and the power of ten that the first of them
/// stands for. `None` if it cannot be done with integers of 128 bits. `x` is finite and positive.
#[inline]
pub fn significant_digits(x: f64, len: usize) -> Option<(u64, i32)> {
    if !(1..=17).contains(&len) || !(1e-9..1e38).contains(&x) {
        return None;
    }
    let binary = (x.to_bits() >> 52) as i32 - 1023;
    // As for `decimal_len`; below 1 the estimate is too small as well.
    let mut exponent = (binary * 1233) >> 12;
    let next = exponent + 1;
    let power = *NEAREST_POWERS.get((next - MIN_EXPONENT) as usize)?;
    if x >= power {
        if x == power && len > 15 && !(0..=MAX_SCALE).contains(&next) {
            // This power is no double, and with so many digits it matters on which side of it the nearest one lies.
            return None;
        }
        exponent = next;
    }
    let n = scaled(x, len as i32 - 1 - exponent)?;
    match decimal_len(n).checked_sub(len)? {
        0 => Some((n, exponent)),
        // Rounding carried into a new digit: all others are zeros.
        1 => Some((n / 10, exponent + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::{String, ToString};

    fn random(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed ^ *seed >> 29
    }

    fn text(n: u64) -> String {
        let mut out = [0; MAX_DIGITS];
        let len = write_decimal(n, &mut out);
        String::from_utf8(out[..len].to_vec()).unwrap()
    }

    #[test]
    fn integers_of_any_length() {
        assert_eq!(text(0), "0");
        assert_eq!(text(u64::MAX), u64::MAX.to_string());
        let mut power = 1u64;
        while let Some(next) = power.checked_mul(10) {
            for n in [power - 1, power, power + 1, next - 1] {
                assert_eq!(text(n), n.to_string());
            }
            power = next;
        }
        let mut seed = 1;
        for i in 0..2000 {
            let n = random(&mut seed) >> (i % 64);
            assert_eq!(text(n), n.to_string());
        }
        let mut out = [0; 5];
        fill_decimal(1_234_567, &mut out);
        assert_eq!(&out, b"34567");
        fill_decimal(7, &mut out);
        assert_eq!(&out, b"00007");
    }

    /// Compares with the exact conversion of the core library; whether there was something to compare.
    fn check(x: f64, len: usize) -> bool {
        let Some((n, exponent)) = significant_digits(x, len) else { return false };
        let digits = n.to_string();
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        assert_eq!(format!("{first}{point}{rest}e{exponent}"), format!("{x:.*e}", len - 1), "{len} digits");
        true
    }

    #[test]
    fn floats_as_the_core_library_has_them() {
        let mut seed = 7;
        let mut checked = 0;
        for i in 0..60_000 {
            let bits = random(&mut seed);
            let exponent = 1023 - 30 + bits % 157;
            let mut x = f64::from_bits(exponent << 52 | random(&mut seed) >> 12);
            // Some have few digits, and thus ties; some lie next to powers of ten.
            match i % 4 {
                0 => x = (x * 16.0).trunc() / 16.0,
                1 => x = f64::from_bits(10f64.powi((bits % 46) as i32 - 8).to_bits() + bits / 64 % 5 - 2),
                _ => {}
            }
            if x > 0.0 {
                checked += usize::from(check(x, 1 + i % 17)) + usize::from(check(x, 14));
            }
        }
        assert!(checked > 90_000, "{checked}");
        for power in -5..=37 {
            assert!(check(10f64.powi(power), 14), "{power}");
        }
        assert!(significant_digits(1e300, 14).is_none() && significant_digits(1e-300, 14).is_none());
        assert!(significant_digits(0.0, 14).is_none() && significant_digits(1.0, 18).is_none());
    }

    #[test]
    fn scaling_rounds_ties_to_even() {
        assert_eq!(scaled(0.5, 0), Some(0));
        assert_eq!(scaled(1.5, 0), Some(2));
        assert_eq!(scaled(0.125, 2), Some(12));
        assert_eq!(scaled(0.375, 2), Some(38));
        assert_eq!(scaled(25.0, -1), Some(2));
        assert_eq!(scaled(25.5, -1), Some(3));
        assert_eq!(scaled(35.0, -1), Some(4));
        assert_eq!(scaled(0.5, -38), None);
        assert_eq!(scaled(9_007_199_254_740_992.0 * 5.0, -1), Some(4_503_599_627_370_496));
        assert_eq!(scaled(5e-324, 22), Some(0));
        assert_eq!(scaled(1e19, 0), Some(10_000_000_000_000_000_000));
        assert_eq!(scaled(1e20, 0), None);
        assert_eq!(scaled(1.0, 23), None);
    }
}
