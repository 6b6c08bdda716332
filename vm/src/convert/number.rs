//! Conversions between integers and floats, floor division and modulus, shifts, and comparisons of mixed numbers.

use perilune_core::value::tag;
use perilune_core::{LuaString, TValue};

use super::float;
use super::parse::str_to_number;

/// Two to the 63rd: the first float above every integer.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// The integers whose magnitude is at most this are all exact as floats.
const EXACT_LIMIT: u64 = 1 << 53;

/// What to do with a fraction when a float becomes an integer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatToInt {
    /// There must be none.
    Exact,
    /// Round down.
    Floor,
    /// Round up.
    Ceil,
}

/// The integer of the same value, if there is one.
#[doc(alias = "lua_numbertointeger")]
#[inline(always)]
pub fn float_to_integer(n: f64) -> Option<i64> {
    if !(-TWO_POW_63..TWO_POW_63).contains(&n) {
        return None;
    }
    // SAFETY: `n` is not NaN and lies in the range of `i64`, as was just checked.
    let i = unsafe { n.to_int_unchecked::<i64>() };
    (i as f64 == n).then_some(i)
}

/// The integer that a float becomes in a mode, if it lies in the range of integers.
#[inline]
pub fn float_to_integer_mode(n: f64, mode: FloatToInt) -> Option<i64> {
    match mode {
        FloatToInt::Exact => float_to_integer(n),
        FloatToInt::Floor => float_to_integer(float::floor(n)),
        FloatToInt::Ceil => float_to_integer(float::ceil(n)),
    }
}

/// The number that a value is or, being a string, denotes; never a string.
#[inline(never)]
fn coerce(v: TValue) -> Option<TValue> {
    // SAFETY: V1: the value comes from a live place, and nothing allocates while its bytes are read.
    let string = unsafe { v.get::<LuaString>() }?;
    str_to_number(string.as_bytes())
}

/// The integer that a value converts to, if it does so exactly; strings are converted (manual §3.4.3).
#[doc(alias = "luaV_tointeger")]
#[inline]
pub(crate) fn to_integer(v: TValue) -> Option<i64> {
    to_integer_mode(v, FloatToInt::Exact)
}

/// The same with a choice of what to do with fractions.
#[inline]
pub(crate) fn to_integer_mode(v: TValue, mode: FloatToInt) -> Option<i64> {
    match v.tag() {
        tag::INT => v.as_integer(),
        tag::FLOAT => float_to_integer_mode(f64::from_bits(v.u), mode),
        tag::SHORT_STRING | tag::LONG_STRING => {
            let number = coerce(v)?;
            match number.as_integer() {
                Some(i) => Some(i),
                None => float_to_integer_mode(f64::from_bits(number.u), mode),
            }
        }
        _ => None,
    }
}

/// The float that a value converts to; strings are converted (manual §3.4.3).
#[doc(alias = "luaV_tonumber_")]
#[inline]
pub(crate) fn to_number(v: TValue) -> Option<f64> {
    match v.tag() {
        tag::FLOAT | tag::INT => v.as_number(),
        tag::SHORT_STRING | tag::LONG_STRING => coerce(v)?.as_number(),
        _ => None,
    }
}

/// `a // b` of integers, rounded down. The divisor is not zero; should it be, the result is 0.
#[doc(alias = "luaV_div")]
#[inline(always)]
pub fn int_idiv(a: i64, b: i64) -> i64 {
    match b {
        0 => 0,
        -1 => a.wrapping_neg(),
        _ => {
            let quotient = a / b;
            if (a ^ b) < 0 && quotient * b != a { quotient - 1 } else { quotient }
        }
    }
}

/// `a % b` of integers, with the sign of the divisor. The divisor is not zero; should it be, the result is 0.
#[doc(alias = "luaV_mod")]
#[inline(always)]
pub fn int_mod(a: i64, b: i64) -> i64 {
    if (b as u64).wrapping_add(1) <= 1 {
        return 0;
    }
    let rest = if (a | b) as u64 >> 32 == 0 { (a as u32 % b as u32) as i64 } else { a % b };
    if rest != 0 && (rest ^ b) < 0 { rest + b } else { rest }
}

/// `a // b` of floats.
#[doc(alias = "luai_numidiv")]
#[inline(always)]
pub fn float_idiv(a: f64, b: f64) -> f64 {
    float::floor(a / b)
}

/// `a % b`, the same as [`float_mod`], if `a` is neither negative nor very large, and `b` a natural number, as they mostly are.
///
/// The quotient is at most one too large, which the sign of the remainder tells. All else is exact: the product is an integer below
/// 2^53, and both differences are multiples of what the last bit of `a` stands for, and not larger than `a`.
#[inline(always)]
pub fn natural_mod(a: f64, b: f64) -> Option<f64> {
    /// The bits of 2^53. Positive floats are ordered as their bits are, and negative ones have larger bits.
    const LARGE: u64 = 0x4340_0000_0000_0000;
    if a.to_bits() >= LARGE || b.to_bits().wrapping_sub(1) >= LARGE || b as i64 as f64 != b {
        return None;
    }
    let rest = a - (a / b) as i64 as f64 * b;
    Some(if rest < 0.0 { rest + b } else { rest })
}

/// `a % b` of floats, with the sign of the divisor.
#[doc(alias = "luai_nummod")]
#[inline]
pub fn float_mod(a: f64, b: f64) -> f64 {
    let rest = float::fmod(a, b);
    if rest * b < 0.0 { rest + b } else { rest }
}

/// `a << n` without regard to the sign of `a`; a negative `n` shifts right, and 64 places or more leave nothing.
#[doc(alias = "luaV_shiftl")]
#[inline(always)]
pub fn shift_left(a: i64, n: i64) -> i64 {
    match n {
        0..64 => ((a as u64) << n) as i64,
        -63..0 => ((a as u64) >> -n) as i64,
        _ => 0,
    }
}

/// Whether the float of the same value exists for certain.
#[inline(always)]
fn is_exact(i: i64) -> bool {
    EXACT_LIMIT.wrapping_add(i as u64) <= 2 * EXACT_LIMIT
}

/// `i < f`, exactly.
#[doc(alias = "LTnum")]
#[inline]
pub fn lt_int_float(i: i64, f: f64) -> bool {
    if is_exact(i) {
        (i as f64) < f
    } else if f >= TWO_POW_63 {
        true
    } else if f > -TWO_POW_63 {
        // An integer this large is next to floats without fractions only, so that truncation loses nothing that matters.
        i < f as i64
    } else {
        false
    }
}

/// `i <= f`, exactly.
#[doc(alias = "LEnum")]
#[inline]
pub fn le_int_float(i: i64, f: f64) -> bool {
    if is_exact(i) {
        i as f64 <= f
    } else if f >= TWO_POW_63 {
        true
    } else if f >= -TWO_POW_63 {
        i <= f as i64
    } else {
        false
    }
}

/// `f < i`, exactly.
#[inline]
pub fn lt_float_int(f: f64, i: i64) -> bool {
    !f.is_nan() && !le_int_float(i, f)
}

/// `f <= i`, exactly.
#[inline]
pub fn le_float_int(f: f64, i: i64) -> bool {
    !f.is_nan() && !lt_int_float(i, f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_remainders_are_those_of_fmod() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 31
        };
        let mut easy = 0;
        for _ in 0..200_000 {
            let b = (random() >> (random() % 63)) as f64;
            let a = match random() % 4 {
                0 => (random() >> (random() % 63)) as f64,
                // Next to a multiple, where the quotient may be rounded up.
                1 => {
                    f64::from_bits(((random() % 1000) as f64 * b).to_bits().wrapping_add(random() % 3).wrapping_sub(1))
                }
                2 => f64::from_bits(random() >> 1),
                _ => (random() >> (random() % 63)) as f64 / 1024.0,
            };
            if let Some(rest) = natural_mod(a, b) {
                assert_eq!(rest.to_bits(), float_mod(a, b).to_bits(), "{a:?} % {b:?}");
                easy += 1;
            }
        }
        assert!(easy > 100_000, "{easy}");
        let below = f64::from_bits(4096f64.to_bits() - 1);
        assert_eq!(natural_mod(below, 1.0), Some(float_mod(below, 1.0)));
        for (a, b) in [
            (-1.0, 2.0),
            (-0.0, 2.0),
            (1.0, 0.0),
            (1.0, -2.0),
            (1.0, 2.5),
            (f64::NAN, 2.0),
            (1.0, f64::INFINITY),
            (9.1e15, 2.0),
        ] {
            assert_eq!(natural_mod(a, b), None, "{a:?} % {b:?}");
        }
    }

    #[test]
    fn floats_to_integers() {
        assert_eq!(float_to_integer(3.0), Some(3));
        assert_eq!(float_to_integer(-0.0), Some(0));
        assert_eq!(float_to_integer(3.5), None);
        assert_eq!(float_to_integer(TWO_POW_63), None);
        assert_eq!(float_to_integer(-TWO_POW_63), Some(i64::MIN));
        assert_eq!(float_to_integer(f64::NAN), None);
        assert_eq!(float_to_integer(f64::INFINITY), None);
        assert_eq!(float_to_integer_mode(-3.5, FloatToInt::Floor), Some(-4));
        assert_eq!(float_to_integer_mode(-3.5, FloatToInt::Ceil), Some(-3));
        assert_eq!(float_to_integer_mode(3.5, FloatToInt::Floor), Some(3));
        assert_eq!(float_to_integer_mode(3.5, FloatToInt::Ceil), Some(4));
        assert_eq!(float_to_integer_mode(1e300, FloatToInt::Floor), None);
        assert_eq!(to_integer(TValue::float(7.0)), Some(7));
        assert_eq!(to_number(TValue::integer(7)), Some(7.0));
        assert_eq!(to_number(TValue::NIL), None);
    }

    #[test]
    fn division_rounds_down() {
        for (a, b, quotient, rest) in [
            (7, 3, 2, 1),
            (-7, 3, -3, 2),
            (7, -3, -3, -2),
            (-7, -3, 2, -1),
            (6, -3, -2, 0),
            (i64::MIN, -1, i64::MIN, 0),
            (i64::MIN, 1, i64::MIN, 0),
            (i64::MIN, i64::MAX, -2, i64::MAX - 1),
            (i64::MAX, i64::MIN, -1, -1),
            (1 << 40, 10, (1 << 40) / 10, (1 << 40) % 10),
            (5, u32::MAX as i64, 0, 5),
        ] {
            assert_eq!((int_idiv(a, b), int_mod(a, b)), (quotient, rest), "{a} {b}");
        }
        assert_eq!(float_mod(-5.5, 2.0), 0.5);
        assert_eq!(float_mod(5.5, -2.0), -0.5);
        assert_eq!(float_mod(5.0, f64::INFINITY), 5.0);
        assert_eq!(float_mod(-5.0, f64::INFINITY), f64::INFINITY);
        assert!(float_mod(1.0, 0.0).is_nan());
        assert!(float_mod(-6.0, 3.0).is_sign_negative());
        assert_eq!(float_idiv(-7.0, 2.0), -4.0);
        assert_eq!(float_idiv(1.0, 0.0), f64::INFINITY);
    }

    #[test]
    fn shifts() {
        assert_eq!(shift_left(1, 63), i64::MIN);
        assert_eq!(shift_left(1, 64), 0);
        assert_eq!(shift_left(-1, -1), i64::MAX);
        assert_eq!(shift_left(-1, -63), 1);
        assert_eq!(shift_left(-1, -64), 0);
        assert_eq!(shift_left(-1, i64::MIN), 0);
        assert_eq!(shift_left(-1, i64::MAX), 0);
        assert_eq!(shift_left(5, 0), 5);
    }

    #[test]
    fn mixed_comparison_is_exact() {
        let big = (1 << 53) + 1;
        assert!(lt_float_int(9007199254740992.0, big));
        assert!(!lt_int_float(big, 9007199254740992.0));
        assert!(!le_int_float(big, 9007199254740992.0));
        assert!(lt_int_float(i64::MAX, TWO_POW_63));
        assert!(le_int_float(i64::MAX, TWO_POW_63));
        assert!(!le_float_int(TWO_POW_63, i64::MAX));
        assert!(le_int_float(i64::MIN, -TWO_POW_63));
        assert!(!lt_int_float(i64::MIN, -TWO_POW_63));
        assert!(le_float_int(-TWO_POW_63, i64::MIN));
        assert!(!lt_float_int(-TWO_POW_63, i64::MIN));
        assert!(lt_int_float(1, 1.5) && lt_float_int(0.5, 1));
        for i in [0, i64::MAX, i64::MIN] {
            assert!(!lt_int_float(i, f64::NAN) && !le_int_float(i, f64::NAN));
            assert!(!lt_float_int(f64::NAN, i) && !le_float_int(f64::NAN, i));
            assert!(lt_int_float(i, f64::INFINITY) && lt_float_int(f64::NEG_INFINITY, i));
        }
    }
}
