//! The formats of `string.pack` and `string.unpack`: reading them, and converting numbers to and from bytes (manual
//! §6.4.2).
//!
//! Nothing here needs a state or allocates. Sizes are those of C on x86-64.
//!
//! ```
//! use perilune_stdlib::string::pack::{PackFormat, PackOption};
//! let mut format = PackFormat::new(b"!4 b i4");
//! let item = format.next(0).unwrap().unwrap();
//! assert_eq!((item.option, item.size, item.padding), (PackOption::Configuration, 0, 0));
//! ```

use core::fmt;

/// The largest size of an integer.
#[doc(alias = "MAXINTSIZE")]
pub const MAX_INT_SIZE: usize = 16;

/// The size of a Lua integer.
pub const LUA_INT_SIZE: usize = 8;

/// The default of the option `!`: the strictest alignment that the platform has.
const MAX_ALIGN: usize = 8;

/// The most that a size may be.
#[doc(alias = "MAXSIZE")]
pub const MAX_SIZE: usize = i32::MAX as usize;

/// What is wrong with a format. `Display` gives the message of the reference implementation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackError {
    /// The size of an integer or an alignment is not in 1 to [`MAX_INT_SIZE`].
    BadIntegerSize(usize),
    /// The option `c` has no size.
    MissingSize,
    /// There is no such option.
    InvalidOption(u8),
    /// The option `X` is not followed by one that has an alignment.
    InvalidNextOption,
    /// An alignment is not a power of 2.
    BadAlignment,
}

impl PackError {
    /// Whether it is reported as an error of the argument that the format is.
    pub const fn is_argument_error(self) -> bool {
        matches!(self, Self::InvalidNextOption | Self::BadAlignment)
    }

    /// The message if it is fixed.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BadIntegerSize(_) => "integral size out of limits",
            Self::MissingSize => "missing size for format option 'c'",
            Self::InvalidOption(_) => "invalid format option",
            Self::InvalidNextOption => "invalid next option for option 'X'",
            Self::BadAlignment => "format asks for alignment not power of 2",
        }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadIntegerSize(size) => write!(f, "integral size ({size}) out of limits [1,{MAX_INT_SIZE}]"),
            Self::InvalidOption(c) => write!(f, "invalid format option '{}'", Printable(c)),
            other => f.write_str(other.text()),
        }
    }
}

/// A byte in a message: itself if it can be printed, else its number.
pub(crate) struct Printable(pub(crate) u8);

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            c @ b' '..=b'~' => write!(f, "{}", char::from(c)),
            c => write!(f, "<\\{c}>"),
        }
    }
}

/// What an option packs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackOption {
    /// A signed integer.
    Signed,
    /// An unsigned integer.
    Unsigned,
    /// A `float` or `double`.
    Float,
    /// A string of a fixed length.
    Chars,
    /// A string after its length.
    PrefixedString,
    /// A string with a NUL after it.
    ZeroTerminated,
    /// One byte of padding.
    Padding,
    /// Padding for alignment.
    AlignPadding,
    /// Nothing: it changes how others are packed.
    Configuration,
}

/// An option of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackItem {
    /// What it packs.
    pub option: PackOption,
    /// Its size; for a string with a length, the size of that.
    pub size: usize,
    /// How many bytes come before it to align it.
    pub padding: usize,
}

/// A format that is being read.
pub struct PackFormat<'f> {
    rest: &'f [u8],
    little: bool,
    max_align: usize,
}

impl<'f> PackFormat<'f> {
    /// A format with the options' initial state: native order of bytes, no alignment. It ends before the first NUL.
    pub fn new(format: &'f [u8]) -> Self {
        let end = format.iter().position(|&c| c == 0).unwrap_or(format.len());
        Self { rest: &format[..end], little: cfg!(target_endian = "little"), max_align: 1 }
    }

    /// Whether numbers are in little-endian order now.
    #[inline]
    pub fn is_little_endian(&self) -> bool {
        self.little
    }

    /// The next option, for data of which `position` bytes are already there; `None` at the end of the format.
    #[doc(alias = "getdetails")]
    pub fn next(&mut self, position: usize) -> Result<Option<PackItem>, PackError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (option, size) = self.option()?;
        let mut align = size;
        if option == PackOption::AlignPadding {
            if self.rest.is_empty() {
                return Err(PackError::InvalidNextOption);
            }
            let (next, next_size) = self.option()?;
            if next == PackOption::Chars || next_size == 0 {
                return Err(PackError::InvalidNextOption);
            }
            align = next_size;
        }
        let mut padding = 0;
        if align > 1 && option != PackOption::Chars {
            align = align.min(self.max_align);
            if !align.is_power_of_two() {
                return Err(PackError::BadAlignment);
            }
            padding = align.wrapping_sub(position) & (align - 1);
        }
        Ok(Some(PackItem { option, size, padding }))
    }

    /// Reads one option letter with its number.
    #[doc(alias = "getoption")]
    fn option(&mut self) -> Result<(PackOption, usize), PackError> {
        let Some((&letter, rest)) = self.rest.split_first() else {
            return Ok((PackOption::Configuration, 0));
        };
        self.rest = rest;
        Ok(match letter {
            b'b' => (PackOption::Signed, 1),
            b'B' => (PackOption::Unsigned, 1),
            b'h' => (PackOption::Signed, 2),
            b'H' => (PackOption::Unsigned, 2),
            b'l' | b'j' => (PackOption::Signed, 8),
            b'L' | b'J' | b'T' => (PackOption::Unsigned, 8),
            b'f' => (PackOption::Float, 4),
            b'd' | b'n' => (PackOption::Float, 8),
            b'i' => (PackOption::Signed, self.integer_size(4)?),
            b'I' => (PackOption::Unsigned, self.integer_size(4)?),
            b's' => (PackOption::PrefixedString, self.integer_size(8)?),
            b'c' => (PackOption::Chars, self.number().ok_or(PackError::MissingSize)?),
            b'z' => (PackOption::ZeroTerminated, 0),
            b'x' => (PackOption::Padding, 1),
            b'X' => (PackOption::AlignPadding, 0),
            other => {
                match other {
                    b' ' => {}
                    b'<' => self.little = true,
                    b'>' => self.little = false,
                    b'=' => self.little = cfg!(target_endian = "little"),
                    b'!' => self.max_align = self.integer_size(MAX_ALIGN)?,
                    c => return Err(PackError::InvalidOption(c)),
                }
                (PackOption::Configuration, 0)
            }
        })
    }

    /// A number, if there is one; it stops before it could exceed [`MAX_SIZE`].
    #[doc(alias = "getnum")]
    fn number(&mut self) -> Option<usize> {
        let mut n = None;
        while let Some((&digit @ b'0'..=b'9', rest)) = self.rest.split_first()
            && n.unwrap_or(0) <= (MAX_SIZE - 9) / 10
        {
            n = Some(n.unwrap_or(0) * 10 + usize::from(digit - b'0'));
            self.rest = rest;
        }
        n
    }

    /// The size of an integer.
    #[doc(alias = "getnumlimit")]
    fn integer_size(&mut self, default: usize) -> Result<usize, PackError> {
        match self.number().unwrap_or(default) {
            size @ 1..=MAX_INT_SIZE => Ok(size),
            size => Err(PackError::BadIntegerSize(size)),
        }
    }
}

/// Writes an integer into all of `out` (at most [`MAX_INT_SIZE`] bytes), extended by its sign if `signed`.
#[doc(alias = "packint")]
pub fn pack_integer(n: i64, signed: bool, little: bool, out: &mut [u8]) {
    let wide = if signed { i128::from(n) as u128 } else { u128::from(n as u64) };
    for (byte, value) in out.iter_mut().zip(wide.to_le_bytes()) {
        *byte = value;
    }
    if !little {
        out.reverse();
    }
}

/// Reads an integer from all of `bytes` (at most [`MAX_INT_SIZE`]); `None` if it does not fit a Lua integer.
#[doc(alias = "unpackint")]
pub fn unpack_integer(bytes: &[u8], signed: bool, little: bool) -> Option<i64> {
    let mut wide = [0; MAX_INT_SIZE];
    let size = bytes.len().min(MAX_INT_SIZE);
    wide[..size].copy_from_slice(&bytes[..size]);
    if !little {
        wide[..size].reverse();
    }
    let value = u128::from_le_bytes(wide);
    if size == 0 {
        return Some(0);
    }
    let unused = 128 - 8 * size as u32;
    let extended = (((value << unused) as i128) >> unused) as u128;
    if size <= LUA_INT_SIZE {
        return Some(if signed { extended as i64 } else { value as i64 });
    }
    let low = value as u64 as i64;
    let expected = if signed { i128::from(low) as u128 } else { u128::from(low as u64) };
    let found = if signed { extended } else { value };
    (found == expected).then_some(low)
}

/// Writes a float into `out`: 4 bytes or 8.
pub fn pack_float(x: f64, little: bool, out: &mut [u8]) {
    match <&mut [u8; 4]>::try_from(&mut *out) {
        Ok(out) => *out = (x as f32).to_le_bytes(),
        Err(_) => {
            for (byte, value) in out.iter_mut().zip(x.to_le_bytes()) {
                *byte = value;
            }
        }
    }
    if !little {
        out.reverse();
    }
}

/// Reads a float from 4 bytes or 8.
pub fn unpack_float(bytes: &[u8], little: bool) -> f64 {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        let x = if little { f32::from_le_bytes(four) } else { f32::from_be_bytes(four) };
        return f64::from(x);
    }
    match <[u8; 8]>::try_from(bytes) {
        Ok(eight) if little => f64::from_le_bytes(eight),
        Ok(eight) => f64::from_be_bytes(eight),
        Err(_) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// All options of a format, for data that only the options' own sizes make grow.
    fn items(format: &[u8]) -> Result<Vec<(PackOption, usize, usize)>, PackError> {
        let mut format = PackFormat::new(format);
        let mut position = 0;
        let mut items = Vec::new();
        while let Some(item) = format.next(position)? {
            position += item.padding + item.size;
            items.push((item.option, item.size, item.padding));
        }
        Ok(items)
    }

    #[test]
    fn options_have_sizes_and_padding() {
        use PackOption::{AlignPadding, Chars, Configuration, Float, Padding, Signed, Unsigned};
        assert_eq!(items(b"bi4"), Ok(std::vec![(Signed, 1, 0), (Signed, 4, 0)]));
        assert_eq!(items(b"!b i4"), {
            Ok(std::vec![(Configuration, 0, 0), (Signed, 1, 0), (Configuration, 0, 0), (Signed, 4, 3)])
        });
        assert_eq!(items(b"!4Bd"), Ok(std::vec![(Configuration, 0, 0), (Unsigned, 1, 0), (Float, 8, 3)]));
        assert_eq!(items(b"!xXd"), Ok(std::vec![(Configuration, 0, 0), (Padding, 1, 0), (AlignPadding, 0, 7)]));
        assert_eq!(items(b"c0c12\0c"), Ok(std::vec![(Chars, 0, 0), (Chars, 12, 0)]));
    }

    #[test]
    fn errors_are_those_of_the_reference() {
        for (format, message) in [
            (&b"i0"[..], "integral size (0) out of limits [1,16]"),
            (b"!17", "integral size (17) out of limits [1,16]"),
            (b"i99999999999", "integral size (999999999) out of limits [1,16]"),
            (b"c", "missing size for format option 'c'"),
            (b"q", "invalid format option 'q'"),
            (b"\x01", "invalid format option '<\\1>'"),
            (b"X", "invalid next option for option 'X'"),
            (b"Xc1", "invalid next option for option 'X'"),
            (b"X ", "invalid next option for option 'X'"),
            (b"!i3", "format asks for alignment not power of 2"),
        ] {
            assert_eq!(items(format).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn integers_survive_a_round_trip() {
        for n in [0, 1, -1, 127, -128, 0x1234_5678, i64::MIN, i64::MAX] {
            for size in 1..=MAX_INT_SIZE {
                for little in [false, true] {
                    let mut bytes = [0; MAX_INT_SIZE];
                    pack_integer(n, true, little, &mut bytes[..size]);
                    let bits = 64 - 8 * size.min(8) as u32;
                    assert_eq!(unpack_integer(&bytes[..size], true, little), Some(n << bits >> bits));
                }
            }
        }
        assert_eq!(unpack_integer(&[0, 0, 0, 0, 0, 0, 0, 0, 1], false, true), None);
        assert_eq!(unpack_integer(&[0xFF; 16], false, true), None);
        assert_eq!(unpack_integer(&[0xFF; 16], true, true), Some(-1));
        assert_eq!(unpack_integer(&[1, 2], false, false), Some(0x102));
    }

    #[test]
    fn floats_survive_a_round_trip() {
        for little in [false, true] {
            let mut bytes = [0; 8];
            pack_float(-1.5e300, little, &mut bytes);
            assert_eq!(unpack_float(&bytes, little), -1.5e300);
            pack_float(0.25, little, &mut bytes[..4]);
            assert_eq!(unpack_float(&bytes[..4], little), 0.25);
        }
    }
}
