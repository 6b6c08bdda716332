//! The functions of floats: the platform's with the feature `std`, those of `libm` without it.

/// Floats of this magnitude and above have no fraction.
const TWO_POW_52: f64 = 4_503_599_627_370_496.0;

/// The integral part of a float whose magnitude is below 2^52.
#[inline(always)]
fn truncate(x: f64) -> f64 {
    // SAFETY: the callers check the magnitude, so that `x` is not NaN and fits.
    let whole = unsafe { x.to_int_unchecked::<i64>() };
    whole as f64
}

/// The largest integral value that is not above `x`.
#[inline(always)]
pub fn floor(x: f64) -> f64 {
    if x.abs() < TWO_POW_52 {
        let whole = truncate(x);
        let down = if whole > x { whole - 1.0 } else { whole };
        // Keeps the sign of a zero.
        down.copysign(x)
    } else {
        x
    }
}

/// The smallest integral value that is not below `x`.
#[inline(always)]
pub fn ceil(x: f64) -> f64 {
    if x.abs() < TWO_POW_52 {
        let whole = truncate(x);
        let up = if whole < x { whole + 1.0 } else { whole };
        up.copysign(x)
    } else {
        x
    }
}

/// `x` to the power of `y`.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 2.0 {
        x * x
    } else if y == 0.5 && x > 0.0 {
        sqrt(x)
    } else {
        general_pow(x, y)
    }
}

/// The rest of the division of `x` by `y`, with the sign of `x`.
#[inline]
pub fn fmod(x: f64, y: f64) -> f64 {
    if x.abs() < y.abs() { x } else { general_fmod(x, y) }
}

/// `x` as a fraction in `[0.5, 1)`, or 0, times a power of two, whose exponent is the second result.
pub fn frexp(x: f64) -> (f64, i32) {
    libm::frexp(x)
}

/// `x * 2^exponent`, rounded once.
pub fn ldexp(x: f64, exponent: i32) -> f64 {
    libm::ldexp(x, exponent)
}

macro_rules! platform {
    ($($(#[$doc:meta])* $visibility:vis fn $name:ident($($arg:ident),*) = $std:expr, $libm:expr;)*) => {$(
        $(#[$doc])*
        #[cfg(feature = "std")]
        #[inline]
        $visibility fn $name($($arg: f64),*) -> f64 {
            $std($($arg),*)
        }
        $(#[$doc])*
        #[cfg(not(feature = "std"))]
        #[inline]
        $visibility fn $name($($arg: f64),*) -> f64 {
            $libm($($arg),*)
        }
    )*};
}

platform! {
    fn general_pow(x, y) = f64::powf, libm::pow;
    fn general_fmod(x, y) = core::ops::Rem::rem, libm::fmod;
    /// The square root.
    pub fn sqrt(x) = f64::sqrt, libm::sqrt;
    /// The sine of an angle in radians.
    pub fn sin(x) = f64::sin, libm::sin;
    /// The cosine of an angle in radians.
    pub fn cos(x) = f64::cos, libm::cos;
    /// The tangent of an angle in radians.
    pub fn tan(x) = f64::tan, libm::tan;
    /// The arc sine.
    pub fn asin(x) = f64::asin, libm::asin;
    /// The arc cosine.
    pub fn acos(x) = f64::acos, libm::acos;
    /// The arc tangent.
    pub fn atan(x) = f64::atan, libm::atan;
    /// The arc tangent of `y / x` in the right quadrant.
    pub fn atan2(y, x) = f64::atan2, libm::atan2;
    /// The hyperbolic sine.
    pub fn sinh(x) = f64::sinh, libm::sinh;
    /// The hyperbolic cosine.
    pub fn cosh(x) = f64::cosh, libm::cosh;
    /// The hyperbolic tangent.
    pub fn tanh(x) = f64::tanh, libm::tanh;
    /// e to the power of `x`.
    pub fn exp(x) = f64::exp, libm::exp;
    /// The natural logarithm.
    pub fn log(x) = f64::ln, libm::log;
    /// The logarithm to the base 2.
    pub fn log2(x) = f64::log2, libm::log2;
    /// The logarithm to the base 10.
    pub fn log10(x) = f64::log10, libm::log10;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_and_ceil_are_those_of_the_platform() {
        let edges =
            [0.0, 0.25, 0.5, 1.0, 1.5, 2.999, 4503599627370495.5, 4503599627370496.0, 1e300, f64::INFINITY, 5e-324];
        for edge in edges {
            for x in [edge, -edge] {
                assert_eq!(floor(x).to_bits(), libm::floor(x).to_bits(), "{x}");
                assert_eq!(ceil(x).to_bits(), libm::ceil(x).to_bits(), "{x}");
            }
        }
        assert!(floor(f64::NAN).is_nan() && ceil(f64::NAN).is_nan());
    }

    #[test]
    fn special_cases() {
        assert_eq!(pow(2.0, 10.0), 1024.0);
        assert_eq!(pow(-3.0, 2.0), 9.0);
        assert_eq!(pow(9.0, 0.5), 3.0);
        assert_eq!(pow(f64::NEG_INFINITY, 0.5), f64::INFINITY);
        assert!(pow(-0.0, 0.5).is_sign_positive());
        assert_eq!(fmod(-5.5, 2.0), -1.5);
        assert_eq!(fmod(1.0, f64::INFINITY), 1.0);
        assert!(fmod(1.0, 0.0).is_nan() && fmod(f64::NAN, 1.0).is_nan());
        assert_eq!(frexp(8.0), (0.5, 4));
        assert_eq!(ldexp(0.5, 4), 8.0);
    }
}
