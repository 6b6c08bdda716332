//! The number conversions of C's `printf`, into a fixed buffer: exact for every number, flag, width and precision that
//! `string.format` admits (manual §6.4).
//!
//! NF1. The first `len` bytes of a [`NumberText`] are initialised.
//!
//! Width and precision are at most 99, so that the longest text, `%99.99f` of the largest double, has 1 + 309 + 1 + 99 bytes;
//! what would not fit the buffer is cut, never written outside.
//!
//! ```
//! use perilune_stdlib::string::format_spec::FormatSpec;
//! use perilune_stdlib::string::number_format::{format_float, NumberText};
//! let (spec, _) = FormatSpec::parse(b"8.3f").unwrap();
//! let mut text = NumberText::new();
//! format_float(&spec, 3.14159, &mut text);
//! assert_eq!(text.as_bytes(), b"   3.142");
//! ```

use core::fmt::{self, Write};
use core::mem::MaybeUninit;

use perilune_vm::decimal::{fill_decimal, scaled, significant_digits, write_decimal};

use super::format_spec::FormatSpec;

/// The size of the buffer.
pub const TEXT_SIZE: usize = 512;

/// A text of at most [`TEXT_SIZE`] bytes.
pub struct NumberText {
    bytes: [MaybeUninit<u8>; TEXT_SIZE],
    /// How many bytes are initialised and make up the text; at most [`TEXT_SIZE`].
    len: usize,
}

impl NumberText {
    /// The empty text.
    #[inline]
    pub fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; TEXT_SIZE], len: 0 }
    }

    /// What was written.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: NF1.
        unsafe { self.bytes[..self.len].assume_init_ref() }
    }

    /// Appends a byte.
    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            place.write(byte);
            self.len += 1;
        }
    }

    /// Appends bytes.
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let n = bytes.len().min(TEXT_SIZE - self.len);
        self.bytes[self.len..self.len + n].write_copy_of_slice(&bytes[..n]);
        self.len += n;
    }

    /// Appends a byte some times.
    #[inline]
    fn fill(&mut self, byte: u8, count: usize) {
        let n = count.min(TEXT_SIZE - self.len);
        self.bytes[self.len..self.len + n].fill(MaybeUninit::new(byte));
        self.len += n;
    }

    /// Forgets the text.
    #[inline]
    fn clear(&mut self) {
        self.len = 0;
    }

    /// Inserts a byte some times before index `at`.
    fn insert(&mut self, at: usize, byte: u8, count: usize) {
        let n = count.min(TEXT_SIZE - self.len);
        self.bytes.copy_within(at..self.len, at + n);
        self.bytes[at..at + n].fill(MaybeUninit::new(byte));
        self.len += n;
    }
}

impl Default for NumberText {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for NumberText {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.extend(s.as_bytes());
        Ok(())
    }
}

/// The most digits of a 64-bit number, in base 8.
const MAX_DIGITS: usize = 22;

/// The digits of an unsigned number.
pub struct Digits {
    bytes: [u8; MAX_DIGITS],
    len: usize,
}

impl Digits {
    /// The decimal digits, at least one.
    #[inline]
    pub fn decimal(n: u64) -> Self {
        let mut bytes = [0; MAX_DIGITS];
        let len = write_decimal(n, &mut bytes);
        Self { bytes, len }
    }

    /// The digits in base 2 to the power of `shift` (3 or 4), at least one.
    #[inline]
    fn power_of_two(n: u64, shift: u32, upper: bool) -> Self {
        let alphabet: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut bytes = [0; MAX_DIGITS];
        let len = (64 - (n | 1).leading_zeros()).div_ceil(shift) as usize;
        let mut rest = n;
        for place in bytes[..len].iter_mut().rev() {
            *place = alphabet[(rest & ((1 << shift) - 1)) as usize];
            rest >>= shift;
        }
        Self { bytes, len }
    }

    /// The digits.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Pads the text, of which the first `prefix` bytes are sign and `0x`, to the width: with zeros after the prefix if
/// `zeros`, else with spaces.
fn pad(out: &mut NumberText, spec: &FormatSpec, prefix: usize, zeros: bool) {
    let padding = usize::from(spec.width).saturating_sub(out.len);
    if padding == 0 {
        return;
    }
    let (at, byte) = match (spec.left, zeros) {
        (true, _) => (out.len, b' '),
        (_, true) => (prefix, b'0'),
        _ => (0, b' '),
    };
    out.insert(at, byte, padding);
}

/// Writes the sign of a number as the flags want it.
fn push_sign(spec: &FormatSpec, negative: bool, out: &mut NumberText) {
    match (negative, spec.plus, spec.space) {
        (true, _, _) => out.push(b'-'),
        (_, true, _) => out.push(b'+'),
        (_, _, true) => out.push(b' '),
        _ => {}
    }
}

/// The conversions `d`, `i`, `u`, `o`, `x`, `X` (any other letter counts as `d`). All but `d` and `i` take the number as
/// unsigned. The text replaces what `out` had.
pub fn format_integer(spec: &FormatSpec, n: i64, out: &mut NumberText) {
    out.clear();
    let unsigned = n as u64;
    let digits = match spec.conversion {
        b'u' => Digits::decimal(unsigned),
        b'o' => Digits::power_of_two(unsigned, 3, false),
        b'x' | b'X' => {
            if spec.alternate && n != 0 {
                out.extend(&[b'0', spec.conversion]);
            }
            Digits::power_of_two(unsigned, 4, spec.conversion == b'X')
        }
        _ => {
            push_sign(spec, n < 0, out);
            Digits::decimal(n.unsigned_abs())
        }
    };
    // With a precision, the number zero has no digits but those that the precision asks for.
    let digits = if n == 0 && spec.precision.is_some() { &[] } else { digits.as_bytes() };
    let mut least = usize::from(spec.precision.unwrap_or(0));
    if spec.conversion == b'o' && spec.alternate && digits.first() != Some(&b'0') {
        least = least.max(digits.len() + 1);
    }
    let prefix = out.len;
    out.fill(b'0', least.saturating_sub(digits.len()));
    out.extend(digits);
    pad(out, spec, prefix, spec.zero && spec.precision.is_none());
}

/// The conversions `a`, `A`, `e`, `E`, `f`, `g`, `G` (any other letter counts as `g`). The text replaces what `out` had.
pub fn format_float(spec: &FormatSpec, x: f64, out: &mut NumberText) {
    out.clear();
    let upper = spec.conversion.is_ascii_uppercase();
    push_sign(spec, x.is_sign_negative(), out);
    let magnitude = x.abs();
    if !magnitude.is_finite() {
        out.extend(match (magnitude.is_nan(), upper) {
            (true, false) => b"nan",
            (true, true) => b"NAN",
            (false, false) => b"inf",
            (false, true) => b"INF",
        });
        return pad(out, spec, 0, false);
    }
    if spec.conversion.eq_ignore_ascii_case(&b'a') {
        out.extend(if upper { b"0X" } else { b"0x" });
    }
    let prefix = out.len;
    match spec.conversion {
        b'a' | b'A' => hexadecimal(spec, magnitude, out),
        b'e' | b'E' => {
            let precision = usize::from(spec.precision.unwrap_or(6));
            Decimal::new(magnitude, precision + 1).write_scientific(spec.alternate, upper, out);
        }
        b'f' => fixed(magnitude, spec.precision.unwrap_or(6), spec.alternate, out),
        _ => general(spec, magnitude, upper, out),
    }
    pad(out, spec, prefix, spec.zero);
}

/// `%f` without sign and padding.
fn fixed(x: f64, precision: u8, keep_point: bool, out: &mut NumberText) {
    let places = usize::from(precision);
    match scaled(x, i32::from(precision)) {
        Some(n) => {
            let digits = Digits::decimal(n);
            let digits = digits.as_bytes();
            match digits.len().checked_sub(places) {
                Some(whole @ 1..) => {
                    out.extend(&digits[..whole]);
                    if places > 0 {
                        out.push(b'.');
                        out.extend(&digits[whole..]);
                    }
                }
                _ => {
                    out.extend(b"0.");
                    out.fill(b'0', places - digits.len());
                    out.extend(digits);
                }
            }
        }
        None => {
            // The buffer holds the longest text, so that writing cannot fail.
            let _ = write!(out, "{x:.places$}");
        }
    }
    if places == 0 && keep_point {
        out.push(b'.');
    }
}

/// The most significant digits that a conversion asks for: `%.99e`.
const MAX_SIGNIFICANT: usize = 100;

/// A number as `d.ddd` · 10^`exponent` with a given count of digits, correctly rounded.
struct Decimal {
    digits: [u8; MAX_SIGNIFICANT],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// `x`, finite and not negative, with `len` digits (1 to [`MAX_SIGNIFICANT`]).
    fn new(x: f64, len: usize) -> Self {
        let mut number = Self { digits: [b'0'; MAX_SIGNIFICANT], len: len.clamp(1, MAX_SIGNIFICANT), exponent: 0 };
        if x != 0.0 && !number.fill_fast(x) {
            number.fill_exact(x);
        }
        number
    }

    /// The digits by integer arithmetic, if that suffices.
    fn fill_fast(&mut self, x: f64) -> bool {
        let Some((n, exponent)) = significant_digits(x, self.len) else { return false };
        fill_decimal(n, &mut self.digits[..self.len]);
        self.exponent = exponent;
        true
    }

    /// The digits by the exact conversion of the core library.
    fn fill_exact(&mut self, x: f64) {
        let mut text = NumberText::new();
        let _ = write!(text, "{x:.*e}", self.len - 1);
        let mut places = self.digits.iter_mut();
        let mut in_exponent = false;
        let mut negative = false;
        for &c in text.as_bytes() {
            match c {
                b'e' => in_exponent = true,
                b'-' => negative = true,
                b'0'..=b'9' if in_exponent => self.exponent = self.exponent * 10 + i32::from(c - b'0'),
                b'0'..=b'9' => {
                    if let Some(place) = places.next() {
                        *place = c;
                    }
                }
                _ => {}
            }
        }
        if negative {
            self.exponent = -self.exponent;
        }
    }

    /// The digits.
    fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// Forgets zeros at the end, but never the first digit.
    fn strip_zeros(&mut self) {
        while self.len > 1 && self.digits[self.len - 1] == b'0' {
            self.len -= 1;
        }
    }

    /// `d.ddde+xx`.
    fn write_scientific(&self, keep_point: bool, upper: bool, out: &mut NumberText) {
        let digits = self.digits();
        out.push(digits[0]);
        if digits.len() > 1 || keep_point {
            out.push(b'.');
        }
        out.extend(&digits[1..]);
        out.push(if upper { b'E' } else { b'e' });
        out.push(if self.exponent < 0 { b'-' } else { b'+' });
        let exponent = self.exponent.unsigned_abs();
        if exponent < 10 {
            out.push(b'0');
        }
        out.extend(Digits::decimal(u64::from(exponent)).as_bytes());
    }

    /// `ddd.ddd`.
    fn write_positional(&self, keep_point: bool, out: &mut NumberText) {
        let digits = self.digits();
        let Ok(before_point) = usize::try_from(self.exponent + 1) else {
            out.extend(b"0.");
            out.fill(b'0', (-1 - self.exponent) as usize);
            out.extend(digits);
            return;
        };
        if before_point == 0 {
            out.extend(b"0.");
            out.extend(digits);
            return;
        }
        let (whole, fraction) = digits.split_at(before_point.min(digits.len()));
        out.extend(whole);
        out.fill(b'0', before_point - whole.len());
        if !fraction.is_empty() || keep_point {
            out.push(b'.');
        }
        out.extend(fraction);
    }
}

/// `%g` without sign and padding.
fn general(spec: &FormatSpec, x: f64, upper: bool, out: &mut NumberText) {
    let precision = usize::from(spec.precision.unwrap_or(6)).max(1);
    let mut number = Decimal::new(x, precision);
    if !spec.alternate {
        number.strip_zeros();
    }
    if number.exponent < -4 || number.exponent >= precision as i32 {
        number.write_scientific(spec.alternate, upper, out);
    } else {
        number.write_positional(spec.alternate, out);
    }
}

/// `%a` without sign, `0x` and padding. Subnormal numbers keep the digit 0 before the point, as in the GNU library.
fn hexadecimal(spec: &FormatSpec, x: f64, out: &mut NumberText) {
    let upper = spec.conversion == b'A';
    let bits = x.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mut lead, mut exponent) = match (bits >> 52) as i32 {
        0 if fraction == 0 => (0, 0),
        0 => (0, -1022),
        biased => (1, biased - 1023),
    };
    let mut fraction = fraction;
    if let Some(precision @ 0..13) = spec.precision {
        // Round the 52 bits of the fraction, with the leading digit above them, to the middle's even neighbour.
        let dropped = 52 - 4 * u32::from(precision);
        let whole = lead << 52 | fraction;
        let (quotient, rest, half) = (whole >> dropped, whole & ((1 << dropped) - 1), 1 << (dropped - 1));
        let up = rest > half || (rest == half && quotient & 1 == 1);
        let rounded = (quotient + u64::from(up)) << dropped;
        lead = rounded >> 52;
        fraction = rounded & ((1 << 52) - 1);
    }
    let mut digits = [b'0'; 13];
    let mut len = 0;
    for (i, digit) in digits.iter_mut().enumerate() {
        let nibble = (fraction >> (48 - 4 * i)) & 15;
        *digit = Digits::power_of_two(nibble, 4, upper).as_bytes()[0];
        if nibble != 0 {
            len = i + 1;
        }
    }
    let places = spec.precision.map_or(len, usize::from);
    out.push(b'0' + lead as u8);
    if places > 0 || spec.alternate {
        out.push(b'.');
    }
    out.extend(&digits[..places.min(13)]);
    out.fill(b'0', places.saturating_sub(13));
    out.push(if upper { b'P' } else { b'p' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    exponent = exponent.abs();
    out.extend(Digits::decimal(exponent as u64).as_bytes());
}
