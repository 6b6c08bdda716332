//! Lines: their length, their ends, and the dots that begin them in SMTP.

use perilune_vm::{Buffer, LuaResult, LuaState};

use super::finish_with;
use crate::message::c_bytes;

/// The end of a line.
const CRLF: &[u8] = b"\r\n";
/// The length of lines, if it is not told.
const DEFAULT_LENGTH: f64 = 76.0;

/// The arguments of functions that break text into lines.
pub(super) struct Wrapping<'a> {
    /// How many bytes still fit on the line.
    pub(super) left: i64,
    /// How many bytes fit on a line.
    pub(super) length: i64,
    /// The text; it stays in its slot.
    pub(super) input: Option<&'a [u8]>,
}

impl Wrapping<'_> {
    /// The three arguments.
    pub(super) fn check(lua: &mut LuaState) -> LuaResult<Self> {
        let left = i64::from(lua.check_number(1)? as i32);
        // SAFETY: L1.
        let input = lua.opt_str(2)?.map(|text| unsafe { text.bytes() });
        let length = i64::from(lua.opt_number(3, DEFAULT_LENGTH)? as i32);
        Ok(Self { left, length, input })
    }

    /// Returns what ends the last line, if it is not empty, and the length of a line.
    pub(super) fn end(self, lua: &mut LuaState, line_end: &[u8]) -> LuaResult<usize> {
        if self.left < self.length {
            lua.push_bytes(line_end)?;
        } else {
            lua.push_nil()?;
        }
        lua.push_number(self.length as f64)?;
        Ok(2)
    }
}

/// `mime.wrp (l [, B [, length]])`
pub(super) fn wrp(lua: &mut LuaState) -> LuaResult<usize> {
    let Wrapping { mut left, length, input } = Wrapping::check(lua)?;
    let Some(input) = input else {
        return Wrapping { left, length, input }.end(lua, CRLF);
    };
    let mut buffer = Buffer::new(lua)?;
    for &byte in input {
        match byte {
            b'\r' => {}
            b'\n' => {
                buffer.extend(lua, CRLF)?;
                left = length;
            }
            _ => {
                if left <= 0 {
                    left = length;
                    buffer.extend(lua, CRLF)?;
                }
                buffer.push_byte(lua, byte)?;
                left -= 1;
            }
        }
    }
    finish_with(lua, buffer, left)
}

/// `mime.eol (c [, B [, marker]])`
///
/// A return or a feed ends a line; the two of them in either order are one end.
pub(super) fn eol(lua: &mut LuaState) -> LuaResult<usize> {
    let mut last = lua.check_integer(1)?;
    // SAFETY: L1, for both.
    let (input, marker) = unsafe {
        let input = lua.opt_str(2)?.map(|text| text.bytes());
        (input, lua.opt_str(3)?.map_or(CRLF, |marker| c_bytes(marker.bytes())))
    };
    let Some(input) = input else {
        lua.push_nil()?;
        lua.push_number(0.0)?;
        return Ok(2);
    };
    let is_end = |byte: i64| byte == i64::from(b'\r') || byte == i64::from(b'\n');
    let mut buffer = Buffer::new(lua)?;
    for &byte in input {
        let code = i64::from(byte);
        if !is_end(code) {
            buffer.push_byte(lua, byte)?;
            last = 0;
        } else if !is_end(last) {
            buffer.extend(lua, marker)?;
            last = code;
        } else {
            if code == last {
                buffer.extend(lua, marker)?;
            }
            last = 0;
        }
    }
    finish_with(lua, buffer, last)
}

/// `mime.dot (l [, B])`
///
/// The state is 2 at the begin of a line, and 1 after a return.
pub(super) fn dot(lua: &mut LuaState) -> LuaResult<usize> {
    let mut state = lua.check_number(1)? as i64;
    // SAFETY: L1.
    let Some(input) = lua.opt_str(2)?.map(|text| unsafe { text.bytes() }) else {
        lua.push_nil()?;
        lua.push_number(2.0)?;
        return Ok(2);
    };
    let mut buffer = Buffer::new(lua)?;
    for &byte in input {
        buffer.push_byte(lua, byte)?;
        state = match (byte, state) {
            (b'\r', _) => 1,
            (b'\n', 1) => 2,
            (b'.', 2) => {
                buffer.push_byte(lua, b'.')?;
                0
            }
            _ => 0,
        };
    }
    buffer.finish(lua)?;
    // The state is unsigned in the original.
    lua.push_number(state as u64 as f64)?;
    Ok(2)
}
