//! The form of a message: values as bytes, for as long as they are between two states of one program.
//!
//! A message is the number of its values, the values, and then the contents of its objects. An object is a table, a function, or a
//! string that is long enough to be worth sharing. Where one comes for the first time it is announced, with what it takes to make
//! it, and gets the next number; afterwards it is only referred to. The contents of tables and functions come in the order of
//! their numbers, and may announce further objects. So neither side needs recursion, and cycles end by themselves.
//!
//! | Tag | What follows |
//! |---|---|
//! | `NIL`, `FALSE`, `TRUE`, `GLOBALS` | nothing |
//! | `INTEGER`, `FLOAT`, `LIGHT` | eight bytes |
//! | `STRING` | the length, the bytes |
//! | `LIBRARY` | the length of its name, the name |
//! | `LONG_STRING` (object) | the length, the bytes |
//! | `TABLE` (object) | how many elements it has, as a hint |
//! | `FUNCTION` (object) | the number of upvalues; pieces of the dumped function, each with its length, up to one of length 0 |
//! | `OBJECT` | the number of the object |
//! | `SHARED` (upvalues only) | the number of a function, and which of its upvalues is the same variable |
//!
//! The contents of a table are the number of its elements, these from 1 up, then keys with values up to a key `NIL`, then its
//! metatable or `NIL`. Those of a function are its upvalues.

/// nil
pub(super) const NIL: u8 = 0;
/// false
pub(super) const FALSE: u8 = 1;
/// true
pub(super) const TRUE: u8 = 2;
/// An integer.
pub(super) const INTEGER: u8 = 3;
/// A float.
pub(super) const FLOAT: u8 = 4;
/// A light userdata.
pub(super) const LIGHT: u8 = 5;
/// A string that is not an object.
pub(super) const STRING: u8 = 6;
/// The table of globals, whichever it is where the message goes.
pub(super) const GLOBALS: u8 = 7;
/// An object that was announced before.
pub(super) const OBJECT: u8 = 8;
/// A new string.
pub(super) const LONG_STRING: u8 = 9;
/// A new table.
pub(super) const TABLE: u8 = 10;
/// A new function.
pub(super) const FUNCTION: u8 = 11;
/// A variable that another function has, too.
pub(super) const SHARED: u8 = 12;
/// The table of a library, whichever it is where the message goes.
pub(super) const LIBRARY: u8 = 13;

/// The longest string that is not an object.
pub(super) const MAX_PLAIN_STRING: usize = 64;
/// Of the number that names an upvalue, what says which of the function's upvalues it is; the rest is the function.
pub(super) const UPVALUE_BITS: u32 = 8;

/// The longest form of a number.
pub(super) const MAX_NUMBER: usize = 10;

/// Writes a number, small ones in few bytes; returns how many.
pub(super) fn write_number(mut number: u64, out: &mut [u8; MAX_NUMBER]) -> usize {
    let mut len = 0;
    loop {
        let more = number >= 0x80;
        out[len] = number as u8 & 0x7f | u8::from(more) << 7;
        len += 1;
        number >>= 7;
        if !more {
            return len;
        }
    }
}

/// Reads a number and takes its bytes away; `None` if they are none.
pub(super) fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..MAX_NUMBER as u32).map(|i| 7 * i) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
            let mut out = [0; MAX_NUMBER];
            let len = write_number(number, &mut out);
            let mut rest = &out[..len];
            assert_eq!(read_number(&mut rest), Some(number));
            assert!(rest.is_empty());
            assert_eq!(read_number(&mut &out[..len - 1]), None, "{number} cut");
        }
        assert_eq!(read_number(&mut &[0xff; 20][..]), None);
    }
}
