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
mod item;
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
mod short;

use core::mem::MaybeUninit;

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

/// Bytes that are yet to be written.
type Room = [MaybeUninit<u8>];

/// Writes the bytes of `from` in lower case.
fn fill_lower(from: &[u8], to: &mut Room) {
    for (to, from) in to.iter_mut().zip(from) {
        to.write(from.to_ascii_lowercase());
    }
}

/// Writes the bytes of `from` in upper case.
fn fill_upper(from: &[u8], to: &mut Room) {
    for (to, from) in to.iter_mut().zip(from) {
        to.write(from.to_ascii_uppercase());
    }
}

/// Writes the bytes of `from` in reverse.
fn fill_reversed(from: &[u8], to: &mut Room) {
    for (to, from) in to.iter_mut().zip(from.iter().rev()) {
        to.write(*from);
    }
}

/// Pushes a string as long as the first argument, whose bytes `fill` makes of the argument's: all of them.
#[inline]
fn transform(lua: &mut LuaState, fill: fn(&[u8], &mut Room)) -> LuaResult<usize> {
    // SAFETY: L1; `fill` is one of the functions above, which write as many bytes as there are.
    unsafe {
        let s = lua.check_str(1)?.bytes();
        lua.push_filled(s.len(), |room| fill(s, room))?;
    }
    Ok(1)
}

/// `string.lower (s)` (§6.4)
fn lower(lua: &mut LuaState) -> LuaResult<usize> {
    transform(lua, fill_lower)
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
    // SAFETY: `repeat` fills all of its slice.
    unsafe { lua.push_filled(total, |room| repeat(s, separator, room))? };
    Ok(1)
}

/// Fills `out` with `s` and `separator` in turn; it ends with an `s`.
fn repeat(s: &[u8], separator: &[u8], out: &mut Room) {
    if let ([byte], []) = (s, separator) {
        out.fill(MaybeUninit::new(*byte));
        return;
    }
    out[..s.len()].write_copy_of_slice(s);
    if out.len() == s.len() {
        return;
    }
    let mut filled = s.len() + separator.len();
    out[s.len()..filled].write_copy_of_slice(separator);
    // What is there is whole units: doubling them keeps the order.
    while filled < out.len() {
        let n = filled.min(out.len() - filled);
        out.copy_within(..n, filled);
        filled += n;
    }
}

/// `string.reverse (s)` (§6.4)
fn reverse(lua: &mut LuaState) -> LuaResult<usize> {
    transform(lua, fill_reversed)
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
    transform(lua, fill_upper)
}

/// Quick forms, for arguments that need no conversion and results that are not long.
mod quick {
    use super::*;

    pub(super) fn byte(call: QuickCall<'_>) -> Answer<'_> {
        let Some(s) = call.bytes(1) else { return Answer::UNUSUAL };
        let at = match call.count() {
            1 => Some(1),
            2 => call.integer(2),
            3 => return bytes(call, s),
            _ => None,
        };
        let Some(at) = at else { return Answer::UNUSUAL };
        // Position 0 is none.
        match s.get((absolute_position(at, s.len()) as usize).wrapping_sub(1)) {
            Some(&byte) => Answer::integer(byte.into()),
            None => call.values(&[]),
        }
    }

    /// The answer that is the codes of several bytes.
    #[inline(never)]
    fn bytes<'a>(call: QuickCall<'a>, s: &[u8]) -> Answer<'a> {
        let (Some(first), Some(last)) = (call.integer(2), call.integer(3)) else { return Answer::UNUSUAL };
        let first = absolute_position(first, s.len()).max(1) as usize;
        let last = absolute_position(last, s.len()).min(s.len() as i64) as usize;
        match s.get(first - 1..last) {
            Some(bytes) if bytes.len() <= SHORT => call.integers(bytes),
            Some(_) => Answer::UNUSUAL,
            None => call.values(&[]),
        }
    }

    pub(super) fn char(call: QuickCall<'_>) -> Answer<'_> {
        let mut bytes = [0; 8];
        let n = call.count();
        let Some(bytes) = bytes.get_mut(..n) else { return Answer::UNUSUAL };
        for (byte, arg) in bytes.iter_mut().zip(1..) {
            match call.integer(arg).map(u8::try_from) {
                Some(Ok(code)) => *byte = code,
                _ => return Answer::UNUSUAL,
            }
        }
        call.string(bytes)
    }

    pub(super) fn len(call: QuickCall<'_>) -> Answer<'_> {
        call.bytes(1).map_or(Answer::UNUSUAL, |s| Answer::integer(s.len() as i64))
    }

    pub(super) fn lower(call: QuickCall<'_>) -> Answer<'_> {
        transform(call, fill_lower)
    }

    pub(super) fn rep(call: QuickCall<'_>) -> Answer<'_> {
        let (Some(s), Some(n), 2) = (call.bytes(1), call.integer(2), call.count()) else { return Answer::UNUSUAL };
        match usize::try_from(n).ok().and_then(|n| s.len().checked_mul(n)) {
            Some(total @ 1..=SHORT) => filled(call, total, |room| repeat(s, b"", room)),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn reverse(call: QuickCall<'_>) -> Answer<'_> {
        transform(call, fill_reversed)
    }

    pub(super) fn sub(call: QuickCall<'_>) -> Answer<'_> {
        let last = if call.count() == 2 { Some(-1) } else { call.integer(3) };
        let (Some(s), Some(first), Some(last)) = (call.bytes(1), call.integer(2), last) else { return Answer::UNUSUAL };
        let first = absolute_position(first, s.len()).max(1);
        let last = absolute_position(last, s.len()).min(s.len() as i64);
        if first > last {
            call.string(b"")
        } else if first == 1 && last == s.len() as i64 {
            call.argument(1)
        } else {
            call.string(&s[first as usize - 1..last as usize])
        }
    }

    pub(super) fn upper(call: QuickCall<'_>) -> Answer<'_> {
        transform(call, fill_upper)
    }

    #[inline]
    fn transform(call: QuickCall<'_>, fill: fn(&[u8], &mut Room)) -> Answer<'_> {
        match call.bytes(1) {
            Some(s) if s.len() <= SHORT => filled(call, s.len(), |room| fill(s, room)),
            _ => Answer::UNUSUAL,
        }
    }

    /// The answer that is a string of `len` bytes, at most [`SHORT`], which `fill` writes: all of them.
    #[inline]
    fn filled(call: QuickCall<'_>, len: usize, fill: impl FnOnce(&mut Room)) -> Answer<'_> {
        let mut bytes = [const { MaybeUninit::uninit() }; SHORT];
        fill(&mut bytes[..len]);
        // SAFETY: the callers see to it that all bytes are written.
        call.string(unsafe { bytes[..len].assume_init_ref() })
    }
}

/// The functions that have no quick form, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("dump", dump),
    ("gmatch", matching::gmatch),
    ("pack", packing::pack),
    ("packsize", packing::packsize),
    ("unpack", packing::unpack),
];

/// The others.
static QUICK_FUNCTIONS: [(&str, QuickNative); 12] = [
    ("byte", QuickNative::new(byte, quick::byte)),
    ("char", QuickNative::new(char, quick::char)),
    ("find", QuickNative::new(matching::find, matching::quick::find)),
    ("format", QuickNative::new(format::format, format::quick)),
    ("gsub", QuickNative::new(gsub::gsub, gsub::quick)),
    ("len", QuickNative::new(len, quick::len)),
    ("lower", QuickNative::new(lower, quick::lower)),
    ("match", QuickNative::new(matching::match_, matching::quick::match_)),
    ("rep", QuickNative::new(rep, quick::rep)),
    ("reverse", QuickNative::new(reverse, quick::reverse)),
    ("sub", QuickNative::new(sub, quick::sub)),
    ("upper", QuickNative::new(upper, quick::upper)),
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
        let check = |s: &[u8], separator: &[u8], expected: &[u8; 8]| {
            let mut out = [MaybeUninit::new(0); 8];
            repeat(s, separator, &mut out);
            // SAFETY: it was initialised at the start.
            assert_eq!(out.map(|byte| unsafe { byte.assume_init() }), *expected);
        };
        check(b"ab", b",", b"ab,ab,ab");
        check(b"x", b"", b"xxxxxxxx");
        check(b"", b"--", b"--------");
        check(b"abcdefgh", b"--", b"abcdefgh");
    }
}
