//! Quoted-printable: most text stands for itself, other bytes are an equals sign and two hexadecimal digits.

use perilune_vm::{Buffer, LuaResult, LuaState};

use super::lines::Wrapping;
use super::{Atom, Converter, convert, finish_with};
use crate::message::c_bytes;

/// The digits, in the order of what they stand for.
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
/// The end of a line.
const CRLF: &[u8] = b"\r\n";
/// A line break that is not part of the text.
const SOFT_BREAK: &[u8] = b"=\r\n";

/// `mime.qp (C [, D [, marker]])`
pub(super) fn qp(lua: &mut LuaState) -> LuaResult<usize> {
    // What the third argument is does not matter if there is nothing to convert.
    // SAFETY: L1.
    let marker = lua.opt_str(3)?.map_or(CRLF, |marker| c_bytes(unsafe { marker.bytes() }));
    convert(lua, Encoder { atom: Atom::default(), marker })
}

/// `mime.unqp (C [, D])`
pub(super) fn unqp(lua: &mut LuaState) -> LuaResult<usize> {
    convert(lua, Decoder::default())
}

/// What becomes of a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It stands for itself.
    Plain,
    /// It is quoted.
    Quoted,
    /// It may begin the end of a line.
    Return,
    /// It is quoted at the end of a line.
    Blank,
}

fn class_of(byte: u8) -> Class {
    match byte {
        b'=' => Class::Quoted,
        b'\r' => Class::Return,
        b'\t' | b' ' => Class::Blank,
        b'!'..=b'~' => Class::Plain,
        _ => Class::Quoted,
    }
}

/// Appends a byte in quotes.
fn quote(lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()> {
    buffer.extend(lua, &[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
}

/// From text to its encoding.
struct Encoder<'a> {
    atom: Atom,
    /// What stands for the end of a line.
    marker: &'a [u8],
}

impl Converter for Encoder<'_> {
    fn take(&mut self, lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()> {
        self.atom.push(byte);
        loop {
            let Some(&first) = self.atom.as_bytes().first() else { return Ok(()) };
            match (class_of(first), self.atom.as_bytes()) {
                (Class::Return, [_]) | (Class::Blank, [_] | [_, _]) => return Ok(()),
                (Class::Return, [_, b'\n', ..]) => {
                    self.atom.clear();
                    return buffer.extend(lua, self.marker);
                }
                (Class::Blank, [_, b'\r', b'\n']) => {
                    self.atom.clear();
                    quote(lua, buffer, first)?;
                    return buffer.extend(lua, self.marker);
                }
                (Class::Return | Class::Quoted, _) => quote(lua, buffer, first)?,
                (Class::Blank | Class::Plain, _) => buffer.push_byte(lua, first)?,
            }
            self.atom.shift();
        }
    }

    fn end(&mut self, lua: &mut LuaState, buffer: &mut Buffer) -> LuaResult<()> {
        let atom = self.atom;
        for &byte in atom.as_bytes() {
            if class_of(byte) == Class::Plain {
                buffer.push_byte(lua, byte)?;
            } else {
                quote(lua, buffer, byte)?;
            }
        }
        if atom.as_bytes().is_empty() { Ok(()) } else { buffer.extend(lua, SOFT_BREAK) }
    }

    fn rest(&self) -> &[u8] {
        self.atom.as_bytes()
    }
}

/// From the encoding to the text.
#[derive(Default)]
struct Decoder(Atom);

/// What a digit stands for.
fn digit_of(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

impl Converter for Decoder {
    fn take(&mut self, lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()> {
        self.0.push(byte);
        let atom = self.0;
        match *atom.as_bytes() {
            [b'=' | b'\r'] | [b'=', _] => return Ok(()),
            [b'=', b'\r', b'\n'] => {}
            [b'=', high, low] => match (digit_of(high), digit_of(low)) {
                (Some(high), Some(low)) => buffer.push_byte(lua, high << 4 | low)?,
                _ => buffer.extend(lua, atom.as_bytes())?,
            },
            [b'\r', b'\n'] => buffer.extend(lua, CRLF)?,
            // Any other byte after a carriage return goes with it.
            [b'\r', _] => {}
            [plain @ (b'\t' | b' '..=b'~')] => buffer.push_byte(lua, plain)?,
            _ => {}
        }
        self.0.clear();
        Ok(())
    }

    fn end(&mut self, _: &mut LuaState, _: &mut Buffer) -> LuaResult<()> {
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// `mime.qpwrp (l [, B [, length]])`
pub(super) fn qpwrp(lua: &mut LuaState) -> LuaResult<usize> {
    let Wrapping { mut left, length, input } = Wrapping::check(lua)?;
    let Some(input) = input else {
        return Wrapping { left, length, input }.end(lua, SOFT_BREAK);
    };
    let mut buffer = Buffer::new(lua)?;
    for &byte in input {
        match byte {
            b'\r' => continue,
            b'\n' => {
                left = length;
                buffer.extend(lua, CRLF)?;
                continue;
            }
            // What is quoted stays together, and there must be room for the sign of a break.
            b'=' if left <= 3 => left = length,
            b'=' => {
                buffer.push_byte(lua, byte)?;
                left -= 1;
                continue;
            }
            _ if left <= 1 => left = length,
            _ => {
                buffer.push_byte(lua, byte)?;
                left -= 1;
                continue;
            }
        }
        buffer.extend(lua, SOFT_BREAK)?;
        buffer.push_byte(lua, byte)?;
        left -= 1;
    }
    finish_with(lua, buffer, left)
}
