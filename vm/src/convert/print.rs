//! From numbers to text, as C prints them with `"%d"` and `"%.14g"`.

use core::fmt::Write;

use perilune_core::TValue;

use super::decimal::{fill_decimal, significant_digits, write_decimal};

/// The room that any number needs.
pub const NUMBER_BUF: usize = 40;

/// How many significant digits a float is printed with.
const DIGITS: usize = 14;

/// These digits, with zeros behind them.
type Digits = [u8; 16];

/// Integers below this have no more digits than are printed.
const INTEGRAL_LIMIT: f64 = 1e14;

/// Writes a number as `tostring` gives it and returns the length; a value that is no number gives nothing.
#[doc(alias = "luaO_tostring")]
pub fn number_to_buf(v: TValue, buf: &mut [u8; NUMBER_BUF]) -> usize {
    match (v.as_integer(), v.as_float()) {
        (Some(i), _) => integer_to_buf(i, buf),
        (_, Some(n)) => float_to_buf(n, buf),
        _ => 0,
    }
}

/// Writes an integer and returns the length.
#[doc(alias = "lua_integer2str")]
pub fn integer_to_buf(i: i64, buf: &mut [u8; NUMBER_BUF]) -> usize {
    let sign = usize::from(i < 0);
    buf[0] = b'-';
    sign + write_decimal(i.unsigned_abs(), &mut buf[sign..])
}

/// Writes a float and returns the length; what looks like an integer gets a `.0`.
#[doc(alias = "lua_number2str")]
pub fn float_to_buf(n: f64, buf: &mut [u8; NUMBER_BUF]) -> usize {
    if !n.is_finite() {
        let text: &[u8] = match (n.is_nan(), n.is_sign_negative()) {
            (true, true) => b"-nan",
            (true, false) => b"nan",
            (false, true) => b"-inf",
            (false, false) => b"inf",
        };
        buf[..text.len()].copy_from_slice(text);
        return text.len();
    }
    let sign = usize::from(n.is_sign_negative());
    buf[0] = b'-';
    let magnitude = n.abs();
    let out = &mut buf[sign..];
    if magnitude < INTEGRAL_LIMIT {
        let whole = magnitude as u64;
        if whole as f64 == magnitude {
            let len = write_decimal(whole, out);
            out[len..len + 2].copy_from_slice(b".0");
            return sign + len + 2;
        }
    }
    let mut digits = [b'0'; 16];
    let exponent = match significant_digits(magnitude, DIGITS) {
        Some((n, exponent)) => {
            fill_decimal(n, &mut digits[..DIGITS]);
            exponent
        }
        None => Scientific::digits_of(magnitude, &mut digits),
    };
    sign + write_general(&digits, exponent, out)
}

/// A float as Rust prints it, `d.ddddddddddddde-x`.
struct Scientific {
    text: [u8; 32],
    len: usize,
}

impl Write for Scientific {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let end = self.len + s.len();
        self.text.get_mut(self.len..end).ok_or(core::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl Scientific {
    /// Fills in the digits of a float that is finite and positive, and returns its exponent.
    #[cold]
    fn digits_of(magnitude: f64, digits: &mut Digits) -> i32 {
        let mut scientific = Self { text: [0; 32], len: 0 };
        // This cannot fail: the longest text, as in `1.2345678901234e-308`, has 20 bytes.
        let _ = write!(scientific, "{magnitude:.*e}", DIGITS - 1);
        digits[0] = scientific.text[0];
        digits[1..DIGITS].copy_from_slice(&scientific.text[2..DIGITS + 1]);
        parse_exponent(&scientific.text[DIGITS + 2..scientific.len])
    }
}

/// Writes `d.ddd` · 10^`exponent` in the style that C's `%g` would choose; an integral number gets a `.0`.
fn write_general(digits: &Digits, exponent: i32, out: &mut [u8]) -> usize {
    // All digits are moved at once, as one word. The zeros that follow the last are bytes of zero in the difference.
    let word = u128::from_le_bytes(*digits);
    let zeros = (word ^ u128::from_le_bytes([b'0'; 16])).leading_zeros() as usize / 8;
    let significant = (digits.len() - zeros).max(1);
    if exponent < -4 || exponent >= DIGITS as i32 {
        return write_exponential(&digits[..significant], exponent, out);
    }
    if exponent < 0 {
        let start = 1 + exponent.unsigned_abs() as usize;
        out[..8].copy_from_slice(b"0.000000");
        out[start..start + 16].copy_from_slice(digits);
        return start + significant;
    }
    let point = exponent as usize + 1;
    let whole = (1 << (8 * point)) - 1;
    let text = word & whole | u128::from(b'.') << (8 * point) | (word & !whole) << 8;
    out[..16].copy_from_slice(&text.to_le_bytes());
    significant.max(point + 1) + 1
}

/// The exponent at the end of a float as Rust prints it.
fn parse_exponent(text: &[u8]) -> i32 {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    sign * digits.iter().fold(0, |n, &d| n * 10 + (d - b'0') as i32)
}

/// `d.ddde+xx`, with at least two digits in the exponent.
fn write_exponential(digits: &[u8], exponent: i32, out: &mut [u8]) -> usize {
    let mut len = 1;
    out[0] = digits[0];
    if digits.len() > 1 {
        out[1] = b'.';
        out[2..digits.len() + 1].copy_from_slice(&digits[1..]);
        len = digits.len() + 1;
    }
    out[len] = b'e';
    out[len + 1] = if exponent < 0 { b'-' } else { b'+' };
    len += 2;
    let magnitude = exponent.unsigned_abs() as u64;
    if magnitude < 10 {
        out[len] = b'0';
        len += 1;
    }
    len + write_decimal(magnitude, &mut out[len..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(v: TValue, expected: &str) {
        let mut buf = [0; NUMBER_BUF];
        let len = number_to_buf(v, &mut buf);
        assert_eq!(core::str::from_utf8(&buf[..len]), Ok(expected));
    }

    #[test]
    fn integers() {
        for (i, text) in [
            (0, "0"),
            (7, "7"),
            (-1, "-1"),
            (10, "10"),
            (99, "99"),
            (100, "100"),
            (-12345, "-12345"),
            (i64::MAX, "9223372036854775807"),
            (i64::MIN, "-9223372036854775808"),
        ] {
            check(TValue::integer(i), text);
        }
    }

    #[test]
    #[expect(clippy::excessive_precision, clippy::approx_constant, reason = "the digits are what is tested")]
    fn floats() {
        for (n, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (2.0 / 3.0, "0.66666666666667"),
            (3.14, "3.14"),
            (100.0, "100.0"),
            (1e13, "10000000000000.0"),
            (1e14, "1e+14"),
            (99999999999999.0, "99999999999999.0"),
            (99999999999999.5, "1e+14"),
            (99999999999999.4, "99999999999999.0"),
            (12345678901234.5, "12345678901234.0"),
            (12345678901235.5, "12345678901236.0"),
            (123456789012345.0, "1.2345678901234e+14"),
            (9999999999999.96, "10000000000000.0"),
            (0.99999999999999999, "1.0"),
            (0.999999999999999, "1.0"),
            (1.000000000000001, "1.0"),
            (123.000000000000001, "123.0"),
            (122.9999999999999, "123.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000099999999999999999, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (-2.5e-310, "-2.5e-310"),
            (5e-324, "4.9406564584125e-324"),
            (f64::MAX, "1.7976931348623e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN.copysign(1.0), "nan"),
            (f64::NAN.copysign(-1.0), "-nan"),
            (9007199254740992.0, "9.007199254741e+15"),
        ] {
            check(TValue::float(n), text);
        }
    }
}
