//! From text to numbers (manual §3.1 and §3.4.3), correctly rounded, without regard to any locale.

use perilune_core::TValue;

/// The blanks that may surround a numeral.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The number that a string denotes, if the whole of it is a numeral between optional blanks.
#[doc(alias = "luaO_str2num")]
pub fn str_to_number(s: &[u8]) -> Option<TValue> {
    let (negative, digits) = split_sign(trim(s));
    if let [b'0', b'x' | b'X', hex @ ..] = digits {
        return match parse_hex_integer(hex) {
            Some(n) => Some(TValue::integer(if negative { n.wrapping_neg() } else { n })),
            None => parse_hex_float(hex, negative).map(TValue::float),
        };
    }
    match parse_decimal_integer(digits, negative) {
        Some(n) => Some(TValue::integer(n)),
        None => parse_decimal_float(digits).map(|n| TValue::float(if negative { -n } else { n })),
    }
}

/// The string without blanks at its ends.
fn trim(mut s: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = s
        && is_space(*first)
    {
        s = rest;
    }
    while let [rest @ .., last] = s
        && is_space(*last)
    {
        s = rest;
    }
    s
}

/// Whether there is a minus sign, and what follows the sign.
fn split_sign(s: &[u8]) -> (bool, &[u8]) {
    match s {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, s),
    }
}

/// How many digits a string begins with.
fn count_digits(s: &[u8]) -> usize {
    s.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// A decimal integer; `None` also when it does not fit, so that it becomes a float.
fn parse_decimal_integer(s: &[u8], negative: bool) -> Option<i64> {
    if s.is_empty() {
        return None;
    }
    let mut n: u64 = 0;
    for &byte in s {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n.checked_mul(10)?.checked_add(digit as u64)?;
    }
    let limit = i64::MAX as u64 + negative as u64;
    if n > limit {
        return None;
    }
    Some(if negative { (n as i64).wrapping_neg() } else { n as i64 })
}

/// The digits after `0x`; the value wraps around.
fn parse_hex_integer(s: &[u8]) -> Option<i64> {
    if s.is_empty() {
        return None;
    }
    let mut n: i64 = 0;
    for &byte in s {
        n = n.wrapping_shl(4) | hex_value(byte)? as i64;
    }
    Some(n)
}

/// The value of a hexadecimal digit.
fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// An unsigned decimal float.
fn parse_decimal_float(s: &[u8]) -> Option<f64> {
    // The grammar is checked here, as Rust's parser knows words such as `inf` that are no numerals in Lua.
    let whole = count_digits(s);
    let mut rest = &s[whole..];
    let mut fraction = 0;
    if let [b'.', after @ ..] = rest {
        fraction = count_digits(after);
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return None;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let (_, exponent) = split_sign(after);
        let digits = count_digits(exponent);
        if digits == 0 {
            return None;
        }
        rest = &exponent[digits..];
    }
    if !rest.is_empty() {
        return None;
    }
    core::str::from_utf8(s).ok()?.parse().ok()
}

/// What follows `0x` in a hexadecimal float.
fn parse_hex_float(s: &[u8], negative: bool) -> Option<f64> {
    let mut mantissa: u64 = 0;
    let mut sticky = false;
    let mut exponent: i64 = 0;
    let mut any_digit = false;
    let mut in_fraction = false;
    let mut rest = s;
    while let [byte, after @ ..] = rest {
        if *byte == b'.' && !in_fraction {
            in_fraction = true;
        } else if let Some(digit) = hex_value(*byte) {
            any_digit = true;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | digit as u64;
                exponent -= if in_fraction { 4 } else { 0 };
            } else {
                // No room: the digit only matters for the rounding and for the magnitude.
                sticky |= digit != 0;
                exponent += if in_fraction { 0 } else { 4 };
            }
        } else {
            break;
        }
        rest = after;
    }
    if !any_digit {
        return None;
    }
    if let [b'p' | b'P', after @ ..] = rest {
        let (minus, digits) = split_sign(after);
        let count = count_digits(digits);
        if count == 0 {
            return None;
        }
        let written = digits[..count].iter().fold(0i64, |n, b| n.saturating_mul(10).saturating_add((b - b'0') as i64));
        exponent = exponent.saturating_add(if minus { -written } else { written });
        rest = &digits[count..];
    }
    if !rest.is_empty() {
        return None;
    }
    let magnitude = scale(mantissa, sticky, exponent);
    Some(if negative { -magnitude } else { magnitude })
}

/// `mantissa * 2^exponent`, rounded to nearest, ties to even; `sticky` tells that the true mantissa is a little larger.
fn scale(mantissa: u64, sticky: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let zeros = mantissa.leading_zeros();
    // The exponent of the first bit, as IEEE 754 counts it; subnormal numbers have fewer bits than the 53 of the others.
    let top = exponent.saturating_add(63 - zeros as i64);
    if top > 1023 {
        return f64::INFINITY;
    }
    if top < -1080 {
        return 0.0;
    }
    let subnormal = if top < -1022 { (-1022 - top) as u32 } else { 0 };
    let drop = 11 + subnormal;
    let wide = (mantissa << zeros) as u128;
    let kept = (wide >> drop) as u64;
    let dropped = wide & ((1 << drop) - 1);
    let half = 1u128 << (drop - 1);
    let up = dropped > half || dropped == half && (sticky || kept & 1 == 1);
    // A carry out of the mantissa runs into the exponent, which is just what it should do.
    let biased = if subnormal == 0 { ((top + 1022) as u64) << 52 } else { 0 };
    f64::from_bits(biased + kept + up as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(s: &str) -> Option<i64> {
        str_to_number(s.as_bytes())?.as_integer()
    }

    fn float(s: &str) -> Option<f64> {
        str_to_number(s.as_bytes())?.as_float()
    }

    #[test]
    fn integers() {
        assert_eq!(integer("0"), Some(0));
        assert_eq!(integer(" \t\n\x0b\x0c\r12 \n"), Some(12));
        assert_eq!(integer("-0"), Some(0));
        assert_eq!(integer("+7"), Some(7));
        assert_eq!(integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(float("9223372036854775808"), Some(9223372036854775808.0));
        assert_eq!(float("-9223372036854775809"), Some(-9223372036854775808.0));
        assert_eq!(integer("0x10"), Some(16));
        assert_eq!(integer("-0XfF"), Some(-255));
        assert_eq!(integer("0xffffffffffffffff"), Some(-1));
        assert_eq!(integer("0x1ffffffffffffffff"), Some(-1));
    }

    #[test]
    #[expect(clippy::excessive_precision, reason = "the text is compared with the same literal")]
    fn decimal_floats() {
        assert_eq!(float("1e1"), Some(10.0));
        assert_eq!(float("5."), Some(5.0));
        assert_eq!(float(".5"), Some(0.5));
        assert_eq!(float("-0.0").map(f64::to_bits), Some((-0.0f64).to_bits()));
        assert_eq!(float("1E+2"), Some(100.0));
        assert_eq!(float("1e400"), Some(f64::INFINITY));
        assert_eq!(float("1e-400"), Some(0.0));
        assert_eq!(float("1e99999999999999999999999"), Some(f64::INFINITY));
        assert_eq!(float("2.2250738585072011e-308"), Some(2.2250738585072011e-308));
        assert_eq!(float(" 0.1 "), Some(0.1));
    }

    #[test]
    fn hex_floats() {
        assert_eq!(float("0x1p4"), Some(16.0));
        assert_eq!(float("0x.8"), Some(0.5));
        assert_eq!(float("-0xA.8P-1"), Some(-5.25));
        assert_eq!(float("0x1.8p+1  "), Some(3.0));
        assert_eq!(float("0x1p1024"), Some(f64::INFINITY));
        assert_eq!(float("0x1p9999999999999999999999"), Some(f64::INFINITY));
        assert_eq!(float("0x0p9999999999999999999999"), Some(0.0));
        assert_eq!(float("0x1p-9999999999999999999999"), Some(0.0));
        assert_eq!(float("0x1p-1074"), Some(f64::from_bits(1)));
        assert_eq!(float("0x1p-1075"), Some(0.0));
        assert_eq!(float("0x1.00000000000000000000001p-1075"), Some(f64::from_bits(1)));
        assert_eq!(float("0x3p-1075"), Some(f64::from_bits(2)));
        assert_eq!(float("0x0.fffffffffffffp-1022"), Some(f64::from_bits((1 << 52) - 1)));
        assert_eq!(float("0x0.fffffffffffff8p-1022"), Some(f64::MIN_POSITIVE));
        assert_eq!(float("0x1.fffffffffffff7p1023"), Some(f64::MAX));
        assert_eq!(float("0x1.fffffffffffff8p1023"), Some(f64::INFINITY));
        assert_eq!(float("0x1.00000000000008p0"), Some(1.0));
        assert_eq!(float("0x1.000000000000080000000000000001p0"), Some(1.0 + f64::EPSILON));
        assert_eq!(float("0x1.00000000000018p0"), Some(1.0 + 2.0 * f64::EPSILON));
        assert_eq!(float("0x10000000000000000000000000.0"), Some(2f64.powi(100)));
        assert_eq!(float("0x0.00000000000000000000000001"), Some(2f64.powi(-104)));
    }

    #[test]
    fn what_is_no_numeral() {
        for s in [
            "", " ", "-", "+", "- 1", "--1", "1 1", "0x", "0x ", "0x.", "0x.p1", "0x1p", "0x1p+", "0x1e+1", ".", "1e",
            "1e+", "e1", ".e1", "1.x", "1..2", "0x1..2", "nan", "inf", "infinity", "in", "n", "-inf", "1n", "5\0",
            "1e1.0", "1_000", "0x1g", "\u{e9}", "1f", "0b1",
        ] {
            assert!(str_to_number(s.as_bytes()).is_none(), "{s:?}");
        }
    }
}
