//! Keys and values of tables.

use arbitrary::{Result, Unstructured};

use crate::library::Literal;

/// A value, or a key.
#[derive(Clone, Debug)]
pub enum Datum {
    /// nil, which is no key.
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// One of some strings; the last ones are long.
    Text(u8),
}

/// A key as a table keeps it: a float that equals an integer is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// An integer.
    Integer(i64),
    /// The bits of another float.
    Float(u64),
    /// A boolean.
    Boolean(bool),
    /// A string.
    Text(u8),
}

/// The first string that is long.
const LONG: u8 = 240;

/// Floats are the same if their bits are.
impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

impl From<Key> for Datum {
    fn from(key: Key) -> Self {
        match key {
            Key::Integer(n) => Self::Integer(n),
            Key::Float(bits) => Self::Float(f64::from_bits(bits)),
            Key::Boolean(value) => Self::Boolean(value),
            Key::Text(n) => Self::Text(n),
        }
    }
}

impl Datum {
    /// The key that it is; `None` for nil and NaN.
    pub fn as_key(&self) -> Option<Key> {
        match *self {
            Self::Nil => None,
            Self::Boolean(value) => Some(Key::Boolean(value)),
            Self::Integer(n) => Some(Key::Integer(n)),
            Self::Float(n) if n.is_nan() => None,
            Self::Float(n) if n.trunc() == n && (-(2f64.powi(63))..2f64.powi(63)).contains(&n) => {
                Some(Key::Integer(n as i64))
            }
            Self::Float(n) => Some(Key::Float(n.to_bits())),
            Self::Text(n) => Some(Key::Text(n)),
        }
    }

    /// The bytes of a string of this number.
    pub fn bytes(n: u8) -> Vec<u8> {
        match n {
            LONG.. => format!("{n} {}", "a long string, which is not interned".repeat(2)).into_bytes(),
            _ => format!("k{n}").into_bytes(),
        }
    }

    /// The string that has these bytes; `None` if there is none.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let digits: Vec<u8> =
            bytes.iter().copied().skip_while(|&byte| byte == b'k').take_while(u8::is_ascii_digit).collect();
        let n = std::str::from_utf8(&digits).ok()?.parse().ok()?;
        (Self::bytes(n) == bytes).then_some(Self::Text(n))
    }

    /// A key, seldom nil or NaN.
    ///
    /// # Errors
    /// Those of the source of chance.
    pub fn key(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match u.int_in_range(0..=19)? {
            0..=7 => Self::Integer(u.int_in_range(-2..=20)?),
            8 => Self::Integer(1i64.wrapping_shl(u.int_in_range(0..=63)?).wrapping_add(u.int_in_range(-1..=1)?)),
            9 => Self::Integer(*u.choose(&[i64::MIN, i64::MAX, i64::MAX - 1, 1 << 53, 1 << 26])?),
            10 => Self::Float(f64::from(u.int_in_range(-8..=20)?) / 2.0),
            11 => Self::Float(*u.choose(&[
                -0.0,
                0.0,
                f64::NAN,
                f64::INFINITY,
                1e15,
                9007199254740992.0,
                9223372036854775808.0,
                -9223372036854775808.0,
                5e-324,
            ])?),
            12 => Self::Boolean(u.arbitrary()?),
            13 if u.ratio(1, 4)? => Self::Nil,
            13..=16 => Self::Text(u.int_in_range(0..=9)?),
            17 => Self::Text(u.int_in_range(LONG..=LONG + 3)?),
            // Multiples of a power of two, which fall on the same places.
            18 => Self::Integer(u.int_in_range::<i64>(-40..=40)? * *u.choose(&[32, 64, 1 << 20, 1 << 32])?),
            _ => Self::Text(u.arbitrary()?),
        })
    }

    /// A value, never nil.
    ///
    /// # Errors
    /// Those of the source of chance.
    pub fn value(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match u.int_in_range(0..=5)? {
            0 | 1 => Self::Integer(u.int_in_range(0..=99)?),
            2 => Self::Text(u.arbitrary()?),
            3 => Self::Text(u.int_in_range(LONG..=u8::MAX)?),
            4 => Self::Float(f64::from(u.int_in_range(0..=9)?) / 2.0),
            _ => Self::Boolean(u.arbitrary()?),
        })
    }

    /// The source of it.
    pub fn source(&self) -> String {
        match *self {
            Self::Nil => Literal::Nil,
            Self::Boolean(value) => Literal::Boolean(value),
            Self::Integer(n) => Literal::Integer(n),
            Self::Float(n) => Literal::Float(n),
            Self::Text(n) => Literal::Text(Self::bytes(n)),
        }
        .source()
    }
}
