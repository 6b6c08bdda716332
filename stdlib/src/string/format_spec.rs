//! The conversion specifications of `string.format`: flags, width, precision and letter (manual §6.4).
//!
//! Invariant: width and precision are at most 99.

use core::fmt;

/// The most flags: as many as there are different ones.
const MAX_FLAGS: usize = 5;

/// What stands between `%` and the conversion letter, and the letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FormatSpec {
    /// `-`: pad on the right.
    pub left: bool,
    /// `+`: a sign before positive numbers too.
    pub plus: bool,
    /// Space: a space where the sign of a positive number would be.
    pub space: bool,
    /// `#`: the alternate form.
    pub alternate: bool,
    /// `0`: pad with zeros.
    pub zero: bool,
    /// The least width.
    pub width: u8,
    /// The precision.
    pub precision: Option<u8>,
    /// The conversion letter, 0 at the end of the format.
    pub conversion: u8,
}

/// What is wrong with a specification. `Display` gives the message of the reference implementation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// More flags than there are.
    RepeatedFlags,
    /// More than two digits.
    TooLong,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RepeatedFlags => "invalid format (repeated flags)",
            Self::TooLong => "invalid format (width or precision too long)",
        })
    }
}

impl FormatSpec {
    /// Reads a specification from what follows the `%`; gives it and its length, the letter included.
    ///
    /// ```
    /// use perilune_stdlib::string::format_spec::FormatSpec;
    /// let (spec, len) = FormatSpec::parse(b"-10.2f, rest").unwrap();
    /// assert_eq!((spec.left, spec.width, spec.precision, spec.conversion, len), (true, 10, Some(2), b'f', 6));
    /// ```
    #[doc(alias = "scanformat")]
    pub fn parse(text: &[u8]) -> Result<(Self, usize), FormatError> {
        let mut spec = Self::default();
        let mut at = 0;
        loop {
            match text.get(at) {
                Some(b'-') => spec.left = true,
                Some(b'+') => spec.plus = true,
                Some(b' ') => spec.space = true,
                Some(b'#') => spec.alternate = true,
                Some(b'0') => spec.zero = true,
                _ => break,
            }
            at += 1;
        }
        if at > MAX_FLAGS {
            return Err(FormatError::RepeatedFlags);
        }
        spec.width = two_digits(text, &mut at);
        if text.get(at) == Some(&b'.') {
            at += 1;
            spec.precision = Some(two_digits(text, &mut at));
        }
        match text.get(at) {
            Some(b'0'..=b'9') => Err(FormatError::TooLong),
            Some(&letter) => {
                spec.conversion = letter;
                Ok((spec, at + 1))
            }
            None => Ok((spec, at + 1)),
        }
    }
}

/// Reads at most two digits.
fn two_digits(text: &[u8], at: &mut usize) -> u8 {
    let mut n = 0;
    for _ in 0..2 {
        match text.get(*at) {
            Some(&digit @ b'0'..=b'9') => n = n * 10 + (digit - b'0'),
            _ => break,
        }
        *at += 1;
    }
    n
}
