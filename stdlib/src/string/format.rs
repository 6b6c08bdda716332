//! `string.format`.

use perilune_vm::{Answer, Buffer, LuaResult, LuaState, LuaType, NUMBER_BUF, QuickCall, Status, Thrown};

use super::class;
use super::format_spec::FormatSpec;
use super::number_format::{Digits, NumberText, format_float, format_integer};
use super::pack::Printable;
use super::search::find_byte;
use super::short::ShortText;

/// The escape character of formats.
const ESCAPE: u8 = b'%';

/// From this length on a string without a precision is not padded; no width reaches it.
const LONG: usize = 100;

/// What strings are padded with.
const SPACES: [u8; 100] = [b' '; 100];

/// `string.format (formatstring, ···)` (§6.4)
pub(super) fn format(lua: &mut LuaState) -> LuaResult<usize> {
    let top = lua.get_top();
    // SAFETY: L1.
    let mut rest = unsafe { lua.check_str(1)?.bytes() };
    let mut buffer = Buffer::new(lua)?;
    let mut arg = 1;
    // Specifications are near to each other, mostly.
    while let Some(at) = rest.iter().position(|&c| c == ESCAPE) {
        if at > 0 {
            buffer.extend(lua, &rest[..at])?;
        }
        rest = &rest[at + 1..];
        if let Some((&ESCAPE, tail)) = rest.split_first() {
            buffer.push_byte(lua, ESCAPE)?;
            rest = tail;
            continue;
        }
        arg += 1;
        if arg > top {
            return Err(lua.arg_error(arg, "no value"));
        }
        // The most frequent conversions need no reading.
        match (rest.first(), lua.lua_type(arg)) {
            (Some(b'd'), LuaType::Number) => {
                let n = lua.check_integer(arg)?;
                append_decimal(lua, &mut buffer, n)?;
                rest = &rest[1..];
            }
            (Some(b's'), LuaType::String) => {
                // SAFETY: L1.
                let text = unsafe { lua.check_str(arg)?.bytes() };
                buffer.extend(lua, text)?;
                rest = &rest[1..];
            }
            _ => match append_conversion(lua, &mut buffer, arg, rest)? {
                Some(len) => rest = rest.get(len..).unwrap_or(&[]),
                None => {
                    lua.push_value(arg)?;
                    lua.seem_unyieldable();
                    return lua.call_then(1, 1, arg as isize, format_again);
                }
            },
        }
    }
    buffer.extend(lua, rest)?;
    buffer.finish(lua)?;
    Ok(1)
}

/// Appends an argument as the specification at the start of `rest` says, and returns the length of that. `None`: the metamethod
/// `__tostring`, which lies on top, is to be called first.
#[inline(never)]
fn append_conversion(lua: &mut LuaState, buffer: &mut Buffer, arg: i32, rest: &[u8]) -> LuaResult<Option<usize>> {
    let (spec, len) = match FormatSpec::parse(rest) {
        Ok(parsed) => parsed,
        Err(error) => return Err(lua.raise(format_args!("{error}"))),
    };
    match spec.conversion {
        b'c' => {
            // The argument is a C int there, and a byte of it is taken.
            let c = lua.check_integer(arg)? as u8;
            let padded = FormatSpec { precision: None, ..spec };
            append_padded(lua, buffer, &padded, &[c])?;
        }
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => {
            let n = lua.check_integer(arg)?;
            let mut text = NumberText::new();
            format_integer(&spec, n, &mut text);
            buffer.extend(lua, text.as_bytes())?;
        }
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => {
            let x = lua.check_number(arg)?;
            let mut text = NumberText::new();
            format_float(&spec, x, &mut text);
            buffer.extend(lua, text.as_bytes())?;
        }
        b'q' => append_literal(lua, buffer, arg)?,
        b's' => {
            if lua.lua_type(arg) != LuaType::String && lua.get_meta_field(arg, "__tostring")? != LuaType::None {
                return Ok(None);
            }
            // A specification of the letter alone has no modifiers.
            append_string(lua, buffer, arg, &spec, len == 1)?;
        }
        other => return Err(invalid_option(lua, other)),
    }
    Ok(Some(len))
}

/// The error about an unknown conversion.
#[cold]
fn invalid_option(lua: &mut LuaState, letter: u8) -> Thrown {
    lua.raise(format_args!("invalid option '%{}' to 'format'", Printable(letter)))
}

/// Goes on when the metamethod `__tostring` of argument `arg` has returned, stacklessly so that it may yield.
///
/// The result takes the argument's place and the whole format is done again: up to there it depends on the arguments
/// alone, which are numbers and strings by now, so nothing happens twice.
fn format_again(lua: &mut LuaState, _status: Status, arg: isize) -> LuaResult<usize> {
    lua.check_text()?;
    lua.replace(arg as i32);
    // Only the buffer's slot is left above the arguments.
    lua.pop(1);
    format(lua)
}

/// Appends an integer.
#[inline]
fn append_decimal(lua: &mut LuaState, buffer: &mut Buffer, n: i64) -> LuaResult<()> {
    if n < 0 {
        buffer.push_byte(lua, b'-')?;
    }
    buffer.extend(lua, Digits::decimal(n.unsigned_abs()).as_bytes())
}

/// Appends a value that has no metamethod `__tostring` as a string.
fn append_string(lua: &mut LuaState, buffer: &mut Buffer, arg: i32, spec: &FormatSpec, plain: bool) -> LuaResult<()> {
    let is_string = lua.is_string(arg);
    if plain && is_string {
        return buffer.add_at(lua, arg);
    }
    if is_string {
        lua.push_value(arg)?;
    } else {
        lua.push_plain_text(arg)?;
    }
    // SAFETY: L1.
    let text = unsafe { lua.check_str(-1)?.bytes() };
    if plain {
        buffer.extend(lua, text)?;
    } else {
        if find_byte(text, 0).is_some() {
            return Err(lua.arg_error(arg, "string contains zeros"));
        }
        if spec.precision.is_none() && text.len() >= LONG {
            buffer.extend(lua, text)?;
        } else {
            append_padded(lua, buffer, spec, text)?;
        }
    }
    lua.pop(1);
    Ok(())
}

/// Appends text, cut to the precision and padded with spaces to the width.
fn append_padded(lua: &mut LuaState, buffer: &mut Buffer, spec: &FormatSpec, text: &[u8]) -> LuaResult<()> {
    let text = match spec.precision {
        Some(precision) => &text[..text.len().min(usize::from(precision))],
        None => text,
    };
    let padding = &SPACES[..usize::from(spec.width).saturating_sub(text.len()).min(SPACES.len())];
    if spec.left {
        buffer.extend(lua, text)?;
        buffer.extend(lua, padding)
    } else {
        buffer.extend(lua, padding)?;
        buffer.extend(lua, text)
    }
}

/// Appends a value as the source text of a constant (`%q`).
#[doc(alias = "addliteral")]
fn append_literal(lua: &mut LuaState, buffer: &mut Buffer, arg: i32) -> LuaResult<()> {
    match lua.lua_type(arg) {
        LuaType::String => {
            // SAFETY: L1.
            let text = unsafe { lua.check_str(arg)?.bytes() };
            append_quoted(lua, buffer, text)
        }
        LuaType::Number => {
            let mut text = NumberText::new();
            if !lua.is_integer(arg) {
                let spec = FormatSpec { conversion: b'a', ..FormatSpec::default() };
                format_float(&spec, lua.check_number(arg)?, &mut text);
            } else {
                // The smallest integer has no decimal form: its digits without the sign would be too large.
                let n = lua.check_integer(arg)?;
                let conversion = if n == i64::MIN { b'x' } else { b'd' };
                let spec = FormatSpec { conversion, alternate: true, ..FormatSpec::default() };
                format_integer(&spec, n, &mut text);
            }
            buffer.extend(lua, text.as_bytes())
        }
        LuaType::Nil => buffer.extend(lua, b"nil"),
        LuaType::Boolean => buffer.extend(lua, if lua.to_boolean(arg) { b"true" } else { b"false" }),
        _ => Err(lua.arg_error(arg, "value has no literal form")),
    }
}

/// Appends a string in quotes, with escapes for what could not stand there.
#[doc(alias = "addquoted")]
fn append_quoted(lua: &mut LuaState, buffer: &mut Buffer, text: &[u8]) -> LuaResult<()> {
    buffer.push_byte(lua, b'"')?;
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&c| class::ESCAPED.contains(c)) {
        buffer.extend(lua, &rest[..at])?;
        buffer.push_byte(lua, b'\\')?;
        let (c, tail) = (rest[at], &rest[at + 1..]);
        if matches!(c, b'"' | b'\\' | b'\n') {
            buffer.push_byte(lua, c)?;
        } else {
            let digits = Digits::decimal(u64::from(c));
            // Before a digit the escape needs all its three digits.
            if tail.first().is_some_and(u8::is_ascii_digit) {
                buffer.extend(lua, &b"00"[..3 - digits.as_bytes().len()])?;
            }
            buffer.extend(lua, digits.as_bytes())?;
        }
        rest = tail;
    }
    buffer.extend(lua, rest)?;
    buffer.push_byte(lua, b'"')
}

/// The quick form: numbers and strings that need no conversion, and a short result.
pub(super) fn quick(call: QuickCall<'_>) -> Answer<'_> {
    quick_text(call).map_or(Answer::UNUSUAL, |text| call.string(text.as_bytes()))
}

/// The text of the quick form; `None`: the call is unusual.
#[inline]
fn quick_text(call: QuickCall<'_>) -> Option<ShortText> {
    let mut rest = call.bytes(1)?;
    let mut text = ShortText::new();
    let mut arg = 1;
    while let Some(at) = rest.iter().position(|&c| c == ESCAPE) {
        text.push(&rest[..at])?;
        rest = &rest[at + 1..];
        let letter = *rest.first()?;
        if letter == ESCAPE {
            text.push(b"%")?;
            rest = &rest[1..];
            continue;
        }
        arg += 1;
        if letter == b's'
            && let Some(bytes) = call.bytes(arg)
        {
            text.push(bytes)?;
            rest = &rest[1..];
        } else if letter == b'd'
            && let Some(n) = call.integer(arg)
        {
            text.push(if n < 0 { b"-" } else { b"" })?;
            text.push(Digits::decimal(n.unsigned_abs()).as_bytes())?;
            rest = &rest[1..];
        } else {
            rest = rest.get(quick_conversion(call, arg, rest, &mut text)?..)?;
        }
    }
    text.push(rest)?;
    Some(text)
}

/// Appends an argument as the specification at the start of `rest` says, and returns the length of that.
#[inline(never)]
fn quick_conversion(call: QuickCall<'_>, arg: usize, rest: &[u8], text: &mut ShortText) -> Option<usize> {
    let (spec, len) = FormatSpec::parse(rest).ok()?;
    match spec.conversion {
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => {
            let mut digits = NumberText::new();
            format_integer(&spec, call.integer(arg)?, &mut digits);
            text.push(digits.as_bytes())?;
        }
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => {
            let mut digits = NumberText::new();
            format_float(&spec, call.number(arg)?, &mut digits);
            text.push(digits.as_bytes())?;
        }
        b's' => {
            let mut numeral = [0; NUMBER_BUF];
            let bytes = match call.bytes(arg) {
                Some(bytes) => bytes,
                None => call.numeral(arg, &mut numeral)?,
            };
            if len > 1 && (bytes.len() >= LONG || find_byte(bytes, 0).is_some()) {
                return None;
            }
            let bytes = &bytes[..bytes.len().min(spec.precision.map_or(usize::MAX, usize::from))];
            let padding = &SPACES[..usize::from(spec.width).saturating_sub(bytes.len()).min(SPACES.len())];
            let (first, second) = if spec.left { (bytes, padding) } else { (padding, bytes) };
            text.push(first)?;
            text.push(second)?;
        }
        _ => return None,
    }
    Some(len)
}
