//! The library `mime.core`: encodings of MIME that are applied piece by piece.
//!
//! The functions are low-level filters. `b64`, `qp` and their inverses take what an earlier call left over and a new piece, and
//! return what they could convert and what is left over now; without a new piece they end. The others take the state after
//! the last piece (how much fits on the line, the last byte) and return the new one.

mod base64;
mod lines;
mod quoted_printable;

use perilune_vm::{Buffer, LuaResult, LuaState, NativeFn};

/// The version of the library whose functions these are.
const VERSION: &str = "MIME 1.0.3";

/// A converter that keeps back up to three bytes, until it knows what becomes of them.
trait Converter {
    /// Takes a byte and appends what became certain.
    fn take(&mut self, lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()>;
    /// Appends what becomes of the bytes that are kept back when there are no more.
    fn end(&mut self, lua: &mut LuaState, buffer: &mut Buffer) -> LuaResult<()>;
    /// The bytes that are kept back, unconverted.
    fn rest(&self) -> &[u8];
}

/// Up to four bytes that are kept back.
#[derive(Clone, Copy, Default)]
struct Atom {
    bytes: [u8; 4],
    len: usize,
}

impl Atom {
    /// Adds a byte. There is room: converters hold at most three bytes between two calls.
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// The bytes.
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Drops all bytes.
    fn clear(&mut self) {
        self.len = 0;
    }

    /// Drops the first byte.
    fn shift(&mut self) {
        self.bytes.copy_within(1.., 0);
        self.len = self.len.saturating_sub(1);
    }
}

/// Converts the first argument, what was left over, and the second, a new piece, and returns the result and what is left over
/// now. Without a second argument, what is left over is converted as the end; nil stands for an empty result then.
fn convert<C: Converter>(lua: &mut LuaState, mut converter: C) -> LuaResult<usize> {
    // SAFETY: L1, for both.
    let (first, second) = unsafe {
        let first = lua.opt_str(1)?.map(|text| text.bytes());
        (first, if first.is_some() { lua.opt_str(2)?.map(|text| text.bytes()) } else { None })
    };
    let Some(first) = first else {
        lua.push_nil()?;
        lua.push_nil()?;
        return Ok(2);
    };
    let mut buffer = Buffer::new(lua)?;
    for &byte in first.iter().chain(second.unwrap_or(&[])) {
        converter.take(lua, &mut buffer, byte)?;
    }
    if second.is_some() {
        buffer.finish(lua)?;
        lua.push_bytes(converter.rest())?;
        return Ok(2);
    }
    converter.end(lua, &mut buffer)?;
    if buffer.is_empty() {
        lua.push_nil()?;
    } else {
        buffer.finish(lua)?;
    }
    lua.push_nil()?;
    Ok(2)
}

/// Returns the bytes of a buffer and a number.
fn finish_with(lua: &mut LuaState, buffer: Buffer, number: i64) -> LuaResult<usize> {
    buffer.finish(lua)?;
    lua.push_number(number as f64)?;
    Ok(2)
}

/// The functions of the table.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("b64", base64::b64),
    ("dot", lines::dot),
    ("eol", lines::eol),
    ("qp", quoted_printable::qp),
    ("qpwrp", quoted_printable::qpwrp),
    ("unb64", base64::unb64),
    ("unqp", quoted_printable::unqp),
    ("wrp", lines::wrp),
];

/// Opens the library `mime.core` and pushes its table.
#[doc(alias = "luaopen_mime_core")]
pub fn open_mime_core(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    lua.push_str(VERSION)?;
    lua.set_field(-2, "_VERSION")?;
    Ok(1)
}
