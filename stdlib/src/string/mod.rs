//! The library `string` (manual §6.4), and what of it is useful without a state.
//!
//! Plain functions on byte slices, without a state and without allocation: the pattern matcher ([`pattern`]), `format`'s
//! specifications and number conversions ([`format_spec`], [`number_format`]), the formats of `pack` ([`pack`]) and plain
//! search ([`search`]). The other modules are the library's functions; they check arguments, use the plain part, and
//! gather results in the state's memory.

mod class;
mod format;
pub mod format_spec;
mod gsub;
mod matching;
pub mod number_format;
#[cfg(test)]
mod number_format_tests;
pub mod pack;
mod packing;
pub mod pattern;
#[cfg(test)]
mod pattern_tests;
pub mod search;

use perilune_vm::{Answer, Buffer, ChunkWriter, LuaResult, LuaState, LuaType, NativeFn, QuickCall, QuickNative};

/// How long a string may become (`MAXSIZE`): the reference implementation counts such lengths as C `int`.
const MAX_LEN: usize = i32::MAX as usize;

/// How many bytes functions gather on the native stack before they take memory from the state.
const SHORT: usize = 128;

/// A position relative to the start, or for negative ones to the end, of a string, as one from the start; 0 if it would
/// lie before.
#[doc(alias = "posrelat")]
#[inline]
pub(crate) fn absolute_position(position: i64, len: usize) -> i64 {
    if position >= 0 {
        position
    } else if position.unsigned_abs() > len as u64 {
        0
    } else {
        len as i64 + position + 1
    }
}

/// `string.byte (s [, i [, j]])` (§6.4)
fn byte(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let first = absolute_position(lua.opt_integer(2, 1)?, s.len());
    let last = absolute_position(lua.opt_integer(3, first)?, s.len());
    let first = first.max(1);
    let last = last.min(s.len() as i64);
    if first > last {
        return Ok(0);
    }
    let bytes = &s[first as usize - 1..last as usize];
    if bytes.len() > MAX_LEN {
        return Err(lua.raise(format_args!("string slice too long")));
    }
    lua.ensure_stack(bytes.len(), "string slice too long")?;
    for &byte in bytes {
        lua.push_integer(i64::from(byte))?;
    }
    Ok(bytes.len())
}

/// `string.char (···)` (§6.4)
fn char(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.get_top() as usize;
    if n > SHORT {
        return char_long(lua, n);
    }
    let mut bytes = [0; SHORT];
    for (i, byte) in bytes[..n].iter_mut().enumerate() {
        *byte = check_byte(lua, i as i32 + 1)?;
    }
    lua.push_bytes(&bytes[..n])?;
    Ok(1)
}

/// The same for many arguments.
fn char_long(lua: &mut LuaState, n: usize) -> LuaResult<usize> {
    let mut buffer = Buffer::new(lua)?;
    for arg in 1..=n as i32 {
        let byte = check_byte(lua, arg)?;
        buffer.push_byte(lua, byte)?;
    }
    buffer.finish(lua)?;
    Ok(1)
}

/// An argument that must be the code of a byte.
#[inline]
fn check_byte(lua: &mut LuaState, arg: i32) -> LuaResult<u8> {
    match u8::try_from(lua.check_integer(arg)?) {
        Ok(byte) => Ok(byte),
        Err(_) => Err(lua.arg_error(arg, "value out of range")),
    }
}

/// A buffer as the goal of a dump.
struct DumpWriter<'a>(&'a mut Buffer);

impl ChunkWriter for DumpWriter<'_> {
    fn write(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend(lua, bytes)
    }
}

/// `string.dump (function [, strip])` (§6.4)
fn dump(lua: &mut LuaState) -> LuaResult<usize> {
    let strip = lua.to_boolean(2);
    lua.check_type(1, LuaType::Function)?;
    lua.set_top(1)?;
    let mut buffer = Buffer::new(lua)?;
    lua.push_value(1)?;
    if !lua.dump(&mut DumpWriter(&mut buffer), strip)? {
        return Err(lua.raise(format_args!("unable to dump given function")));
    }
    buffer.finish(lua)?;
    Ok(1)
}

/// `string.len (s)` (§6.4)
fn len(lua: &mut LuaState) -> LuaResult<usize> {
    let len = lua.check_str(1)?.len();
    lua.push_integer(len as i64)?;
    Ok(1)
}

/// Pushes a string as long as the first argument, whose bytes `fill` makes from the argument's.
#[inline]
fn transform(lua: &mut LuaState, fill: impl Fn(&[u8], &mut [u8])) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    if s.len() <= SHORT {
        let mut bytes = [0; SHORT];
        fill(s, &mut bytes[..s.len()]);
        lua.push_bytes(&bytes[..s.len()])?;
    } else {
        let mut buffer = Buffer::new(lua)?;
        fill(s, buffer.reserve(lua, s.len())?);
        buffer.advance(s.len());
        buffer.finish(lua)?;
    }
    Ok(1)
}

/// `string.lower (s)` (§6.4)
fn lower(lua: &mut LuaState) -> LuaResult<usize> {
    transform(lua, |from, to| {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.to_ascii_lowercase();
        }
    })
}

/// `string.rep (s, n [, sep])` (§6.4)
fn rep(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let n = lua.check_integer(2)?;
    // SAFETY: L1.
    let separator = lua.opt_str(3)?.map_or(&[][..], |separator| unsafe { separator.bytes() });
    if n <= 0 {
        lua.push_bytes(b"")?;
        return Ok(1);
    }
    let unit = s.len() + separator.len();
    if unit as u64 > MAX_LEN as u64 / n as u64 {
        return Err(lua.raise(format_args!("resulting string too large")));
    }
    if unit == 0 {
        lua.push_bytes(b"")?;
        return Ok(1);
    }
    // The quotient above was not zero, so that the count fits.
    let total = n as usize * unit - separator.len();
    let mut buffer = Buffer::new(lua)?;
    repeat(s, separator, buffer.reserve(lua, total)?);
    buffer.advance(total);
    buffer.finish(lua)?;
    Ok(1)
}

/// Fills `out` with `s` and `separator` in turn; it ends with an `s`.
fn repeat(s: &[u8], separator: &[u8], out: &mut [u8]) {
    if let ([byte], []) = (s, separator) {
        return out.fill(*byte);
    }
    out[..s.len()].copy_from_slice(s);
    if out.len() == s.len() {
        return;
    }
    let mut filled = s.len() + separator.len();
    out[s.len()..filled].copy_from_slice(separator);
    // What is there is whole units: doubling them keeps the order.
    while filled < out.len() {
        let n = filled.min(out.len() - filled);
        out.copy_within(..n, filled);
        filled += n;
    }
}

/// `string.reverse (s)` (§6.4)
fn reverse(lua: &mut LuaState) -> LuaResult<usize> {
    transform(lua, |from, to| {
        for (to, from) in to.iter_mut().zip(from.iter().rev()) {
            *to = *from;
        }
    })
}

/// `string.sub (s, i [, j])` (§6.4)
fn sub(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let s = unsafe { lua.check_str(1)?.bytes() };
    let first = absolute_position(lua.check_integer(2)?, s.len()).max(1);
    let last = absolute_position(lua.opt_integer(3, -1)?, s.len()).min(s.len() as i64);
    if first > last {
        lua.push_bytes(b"")?;
    } else if first == 1 && last == s.len() as i64 {
        lua.push_value(1)?;
    } else {
        lua.push_bytes(&s[first as usize - 1..last as usize])?;
    }
    Ok(1)
}

/// `string.upper (s)` (§6.4)
fn upper(lua: &mut LuaState) -> LuaResult<usize> {
    transform(lua, |from, to| {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.to_ascii_uppercase();
        }
    })
}

/// Quick forms, for calls whose result needs no new string.
mod quick {
    use super::*;

    pub(super) fn byte(call: QuickCall<'_>) -> Answer<'_> {
        let Some(s) = call.bytes(1) else { return Answer::UNUSUAL };
        let at = match call.count() {
            1 => Some(1),
            2 => call.integer(2),
            _ => None,
        };
        // Position 0 is none.
        let byte = at.and_then(|at| s.get((absolute_position(at, s.len()) as usize).wrapping_sub(1)));
        byte.map_or(Answer::UNUSUAL, |&byte| Answer::integer(byte.into()))
    }

    pub(super) fn char(call: QuickCall<'_>) -> Answer<'_> {
        match call.integer(1).map(u8::try_from) {
            Some(Ok(byte)) if call.count() == 1 => call.known_string(&[byte]),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn len(call: QuickCall<'_>) -> Answer<'_> {
        call.bytes(1).map_or(Answer::UNUSUAL, |s| Answer::integer(s.len() as i64))
    }

    pub(super) fn sub(call: QuickCall<'_>) -> Answer<'_> {
        let last = if call.count() == 2 { Some(-1) } else { call.integer(3) };
        let (Some(s), Some(first), Some(last)) = (call.bytes(1), call.integer(2), last) else { return Answer::UNUSUAL };
        let first = absolute_position(first, s.len()).max(1);
        let last = absolute_position(last, s.len()).min(s.len() as i64);
        if first > last {
            call.known_string(b"")
        } else if first == 1 && last == s.len() as i64 {
            call.argument(1)
        } else {
            call.known_string(&s[first as usize - 1..last as usize])
        }
    }
}

/// The functions that have no quick form, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("dump", dump),
    ("find", matching::find),
    ("format", format::format),
    ("gmatch", matching::gmatch),
    ("gsub", gsub::gsub),
    ("lower", lower),
    ("match", matching::match_),
    ("pack", packing::pack),
    ("packsize", packing::packsize),
    ("rep", rep),
    ("reverse", reverse),
    ("unpack", packing::unpack),
    ("upper", upper),
];

/// The others.
static QUICK_FUNCTIONS: [(&str, QuickNative); 4] = [
    ("byte", QuickNative::new(byte, quick::byte)),
    ("char", QuickNative::new(char, quick::char)),
    ("len", QuickNative::new(len, quick::len)),
    ("sub", QuickNative::new(sub, quick::sub)),
];

/// Opens the library: leaves its table on the stack, and makes it the `__index` of all strings.
#[doc(alias = "luaopen_string")]
pub fn open_string(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    lua.set_quick_funcs(&QUICK_FUNCTIONS)?;
    lua.create_table(0, 1)?;
    lua.push_value(-2)?;
    lua.set_field(-2, "__index")?;
    // All strings share one metatable, so any will do.
    lua.push_str("")?;
    lua.push_value(-2)?;
    lua.set_metatable(-2)?;
    lua.pop(2);
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_either_end() {
        assert_eq!(absolute_position(3, 5), 3);
        assert_eq!(absolute_position(9, 5), 9);
        assert_eq!(absolute_position(-1, 5), 5);
        assert_eq!(absolute_position(-5, 5), 1);
        assert_eq!(absolute_position(-6, 5), 0);
        assert_eq!(absolute_position(i64::MIN, 5), 0);
    }

    #[test]
    fn repetitions_alternate_with_the_separator() {
        let mut out = [0; 8];
        repeat(b"ab", b",", &mut out);
        assert_eq!(&out, b"ab,ab,ab");
        repeat(b"x", b"", &mut out);
        assert_eq!(&out, b"xxxxxxxx");
        repeat(b"", b"--", &mut out);
        assert_eq!(&out, b"--------");
        repeat(b"abcdefgh", b"--", &mut out);
        assert_eq!(&out, b"abcdefgh");
    }
}
