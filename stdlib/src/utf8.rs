//! The library `utf8` (manual §6.5), and its decoder and encoder as plain functions.
//!
//! Invariant: the decoder reads within the slice only; the end counts as a byte zero, which continues no sequence. It takes
//! what the reference implementation takes: code points up to 10FFFF, surrogates included, in their shortest form.

use perilune_vm::{Buffer, LuaResult, LuaState, NativeFn};

use crate::string::absolute_position;

/// The largest code point.
#[doc(alias = "MAXUNICODE")]
pub const MAX_CODE: u32 = 0x10_FFFF;

/// The pattern that matches exactly one sequence, if the subject is valid UTF-8.
#[doc(alias = "UTF8PATT")]
pub const CHAR_PATTERN: &[u8] = b"[\0-\x7F\xC2-\xF4][\x80-\xBF]*";

/// Whether the byte at an index continues a sequence.
#[inline]
fn is_continuation(s: &[u8], at: usize) -> bool {
    s.get(at).is_some_and(|&byte| byte & 0xC0 == 0x80)
}

/// The code point of the sequence that `s` starts with, and the length of the sequence; `None` if it is not valid.
///
/// ```
/// assert_eq!(perilune_stdlib::utf8::decode("é!".as_bytes()), Some((0xE9, 2)));
/// assert_eq!(perilune_stdlib::utf8::decode(b"\xC0\x80"), None);
/// ```
#[doc(alias = "utf8_decode")]
#[inline]
pub fn decode(s: &[u8]) -> Option<(u32, usize)> {
    /// The largest code points that take fewer bytes, by the count of continuation bytes; none has no such byte.
    const LIMITS: [u32; 4] = [u32::MAX, 0x7F, 0x7FF, 0xFFFF];
    let &first = s.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let count = first.leading_ones() as usize - 1;
    let &limit = LIMITS.get(count)?;
    let mut code = u32::from(first) & (0x3F >> count);
    for &byte in s.get(1..=count)? {
        if byte & 0xC0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3F);
    }
    (limit < code && code <= MAX_CODE).then_some((code, count + 1))
}

/// The sequence of a code point (at most [`MAX_CODE`]), in the first bytes of the array, and its length.
///
/// ```
/// assert_eq!(perilune_stdlib::utf8::encode(0x20AC), ([0xE2, 0x82, 0xAC, 0], 3));
/// ```
#[doc(alias = "luaO_utf8esc")]
pub fn encode(code: u32) -> ([u8; 4], usize) {
    let low = |shift: u32| 0x80 | (code >> shift & 0x3F) as u8;
    match code {
        0..=0x7F => ([code as u8, 0, 0, 0], 1),
        0x80..=0x7FF => ([0xC0 | (code >> 6) as u8, low(0), 0, 0], 2),
        0x800..=0xFFFF => ([0xE0 | (code >> 12) as u8, low(6), low(0), 0], 3),
        _ => ([0xF0 | (code >> 18 & 7) as u8, low(12), low(6), low(0)], 4),
    }
}

/// An argument that must be a code point, encoded.
fn check_code(lua: &mut LuaState, arg: i32) -> LuaResult<([u8; 4], usize)> {
    match u32::try_from(lua.check_integer(arg)?) {
        Ok(code @ 0..=MAX_CODE) => Ok(encode(code)),
        _ => Err(lua.arg_error(arg, "value out of range")),
    }
}

/// `utf8.char (···)` (§6.5)
fn char(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.get_top();
    if n == 1 {
        let (bytes, len) = check_code(lua, 1)?;
        lua.push_bytes(&bytes[..len])?;
        return Ok(1);
    }
    let mut buffer = Buffer::new(lua)?;
    for arg in 1..=n {
        let (bytes, len) = check_code(lua, arg)?;
        buffer.extend(lua, &bytes[..len])?;
    }
    buffer.finish(lua)?;
    Ok(1)
}

/// The iterator of `codes`.
#[doc(alias = "iter_aux")]
fn codes_next(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let last = lua.to_integer(2).unwrap_or(0);
    let mut at = match usize::try_from(last) {
        // Behind the first byte of the last sequence come its continuations.
        Ok(last @ 1..) if last <= s.len() => {
            let rest = &s[last..];
            last + rest.iter().position(|&byte| byte & 0xC0 != 0x80).unwrap_or(rest.len())
        }
        Ok(last @ 1..) => last,
        _ => 0,
    };
    at = at.min(s.len());
    if at == s.len() {
        return Ok(0);
    }
    match decode(&s[at..]) {
        Some((code, len)) if !is_continuation(s, at + len) => {
            lua.push_integer(at as i64 + 1)?;
            lua.push_integer(i64::from(code))?;
            Ok(2)
        }
        _ => Err(lua.raise(format_args!("invalid UTF-8 code"))),
    }
}

/// `utf8.codes (s)` (§6.5)
fn codes(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_str(1)?;
    lua.push_native(codes_next)?;
    lua.push_value(1)?;
    lua.push_integer(0)?;
    Ok(3)
}

/// `utf8.codepoint (s [, i [, j]])` (§6.5)
fn codepoint(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let first = absolute_position(lua.opt_integer(2, 1)?, s.len());
    let last = absolute_position(lua.opt_integer(3, first)?, s.len());
    lua.arg_check(first >= 1, 2, "out of range")?;
    lua.arg_check(last <= s.len() as i64, 3, "out of range")?;
    if first > last {
        return Ok(0);
    }
    if last - first >= i64::from(i32::MAX) {
        return Err(lua.raise(format_args!("string slice too long")));
    }
    lua.ensure_stack((last - first + 1) as usize, "string slice too long")?;
    let mut at = first as usize - 1;
    let mut results = 0;
    while at < last as usize {
        let Some((code, len)) = decode(&s[at..]) else {
            return Err(lua.raise(format_args!("invalid UTF-8 code")));
        };
        lua.push_integer(i64::from(code))?;
        at += len;
        results += 1;
    }
    Ok(results)
}

/// `utf8.len (s [, i [, j]])` (§6.5)
fn len(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let size = s.len() as i64;
    let first = absolute_position(lua.opt_integer(2, 1)?, s.len());
    let last = absolute_position(lua.opt_integer(3, -1)?, s.len());
    lua.arg_check(1 <= first && first - 1 <= size, 2, "initial position out of string")?;
    lua.arg_check(last <= size, 3, "final position out of string")?;
    let mut at = first as usize - 1;
    let mut count = 0;
    while (at as i64) < last {
        match decode(&s[at..]) {
            Some((_, len)) => at += len,
            None => {
                lua.push_nil()?;
                lua.push_integer(at as i64 + 1)?;
                return Ok(2);
            }
        }
        count += 1;
    }
    lua.push_integer(count)?;
    Ok(1)
}

/// `utf8.offset (s, n [, i])` (§6.5)
fn offset(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let n = lua.check_integer(2)?;
    let default = if n >= 0 { 1 } else { s.len() as i64 + 1 };
    let position = absolute_position(lua.opt_integer(3, default)?, s.len());
    lua.arg_check(1 <= position && position - 1 <= s.len() as i64, 3, "position out of range")?;
    let at = position as usize - 1;
    if n != 0 && is_continuation(s, at) {
        return Err(lua.raise(format_args!("initial position is a continuation byte")));
    }
    match find_offset(s, n, at) {
        Some(at) => lua.push_integer(at as i64 + 1)?,
        None => lua.push_nil()?,
    }
    Ok(1)
}

/// Where the `n`-th character counting from the index `at` starts; 0 means the one that `at` lies in.
fn find_offset(s: &[u8], mut n: i64, mut at: usize) -> Option<usize> {
    if n == 0 {
        while at > 0 && is_continuation(s, at) {
            at -= 1;
        }
        return Some(at);
    }
    if n < 0 {
        while n < 0 && at > 0 {
            at -= 1;
            while at > 0 && is_continuation(s, at) {
                at -= 1;
            }
            n += 1;
        }
    } else {
        // The first character is where the search starts.
        n -= 1;
        while n > 0 && at < s.len() {
            at += 1;
            while is_continuation(s, at) {
                at += 1;
            }
            n -= 1;
        }
    }
    (n == 0).then_some(at)
}

/// The functions, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] =
    &[("char", char), ("codes", codes), ("codepoint", codepoint), ("len", len), ("offset", offset)];

/// Opens the library: leaves its table on the stack.
#[doc(alias = "luaopen_utf8")]
pub fn open_utf8(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    lua.push_bytes(CHAR_PATTERN)?;
    lua.set_field(-2, "charpattern")?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in 0..=MAX_CODE {
            let (bytes, len) = encode(code);
            assert_eq!(decode(&bytes[..len]), Some((code, len)));
            assert_eq!(decode(&bytes[..len - 1]), None);
        }
    }

    #[test]
    fn invalid_sequences_are_refused() {
        for s in [
            &b""[..],
            b"\x80",
            b"\xBF\x80",
            b"\xC0\x80",
            b"\xC1\xBF",
            b"\xE0\x9F\xBF",
            b"\xF0\x8F\xBF\xBF",
            b"\xF4\x90\x80\x80",
            b"\xF8\x88\x80\x80\x80",
            b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
            b"\xE2\x82",
            b"\xE2A\x80",
        ] {
            assert_eq!(decode(s), None, "{s:?}");
        }
    }

    #[test]
    fn offsets_go_both_ways() {
        let s = "aé€b".as_bytes();
        assert_eq!(find_offset(s, 1, 0), Some(0));
        assert_eq!(find_offset(s, 3, 0), Some(3));
        assert_eq!(find_offset(s, 5, 0), Some(s.len()));
        assert_eq!(find_offset(s, 6, 0), None);
        assert_eq!(find_offset(s, -1, s.len()), Some(6));
        assert_eq!(find_offset(s, -4, s.len()), Some(0));
        assert_eq!(find_offset(s, -5, s.len()), None);
        assert_eq!(find_offset(s, 0, 5), Some(3));
    }
}
