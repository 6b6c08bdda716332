//! `string.pack`, `string.packsize` and `string.unpack`.

use perilune_vm::{Buffer, LuaResult, LuaState, Thrown};

use super::absolute_position;
use super::pack::{
    LUA_INT_SIZE, MAX_INT_SIZE, MAX_SIZE, PackError, PackFormat, PackItem, PackOption, pack_float, pack_integer,
    unpack_float, unpack_integer,
};
use super::search::find_byte;

/// Raises the error of a format, which is the first argument.
#[cold]
fn format_error(lua: &mut LuaState, error: PackError) -> Thrown {
    if error.is_argument_error() { lua.arg_error(1, error.text()) } else { lua.raise(format_args!("{error}")) }
}

/// The next option of a format.
#[inline]
fn next_item(lua: &mut LuaState, format: &mut PackFormat<'_>, position: usize) -> LuaResult<Option<PackItem>> {
    format.next(position).map_err(|error| format_error(lua, error))
}

/// Appends an integer.
fn append_integer(
    lua: &mut LuaState,
    buffer: &mut Buffer,
    n: i64,
    signed: bool,
    little: bool,
    size: usize,
) -> LuaResult<()> {
    let mut bytes = [0; MAX_INT_SIZE];
    pack_integer(n, signed, little, &mut bytes[..size]);
    buffer.extend(lua, &bytes[..size])
}

/// Appends zeros.
fn append_zeros(lua: &mut LuaState, buffer: &mut Buffer, count: usize) -> LuaResult<()> {
    buffer.reserve(lua, count)?.fill(0);
    buffer.advance(count);
    Ok(())
}

/// `string.pack (fmt, v1, v2, ···)` (§6.4)
pub(super) fn pack(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let mut format = PackFormat::new(unsafe { lua.check_str(1)?.bytes() });
    // A missing argument reads as nil, not as what the buffer keeps on the stack.
    lua.push_nil()?;
    let mut buffer = Buffer::new(lua)?;
    let mut arg = 1;
    let mut total = 0usize;
    while let Some(item) = next_item(lua, &mut format, total)? {
        total = total.wrapping_add(item.padding + item.size);
        append_zeros(lua, &mut buffer, item.padding)?;
        match item.option {
            PackOption::Padding => append_zeros(lua, &mut buffer, 1)?,
            PackOption::AlignPadding | PackOption::Configuration => {}
            _ => {
                arg += 1;
                total = total.wrapping_add(pack_value(lua, &mut buffer, arg, item, format.is_little_endian())?);
            }
        }
    }
    buffer.finish(lua)?;
    Ok(1)
}

/// Packs an argument; returns how many bytes it took beside those that the option says.
fn pack_value(lua: &mut LuaState, buffer: &mut Buffer, arg: i32, item: PackItem, little: bool) -> LuaResult<usize> {
    let size = item.size;
    match item.option {
        PackOption::Signed => {
            let n = lua.check_integer(arg)?;
            if size < LUA_INT_SIZE {
                let limit = 1i64 << (size * 8 - 1);
                lua.arg_check(-limit <= n && n < limit, arg, "integer overflow")?;
            }
            append_integer(lua, buffer, n, true, little, size)?;
        }
        PackOption::Unsigned => {
            let n = lua.check_integer(arg)?;
            if size < LUA_INT_SIZE {
                lua.arg_check((n as u64) < 1 << (size * 8), arg, "unsigned overflow")?;
            }
            append_integer(lua, buffer, n, false, little, size)?;
        }
        PackOption::Float => {
            let x = lua.check_number(arg)?;
            let mut bytes = [0; 8];
            pack_float(x, little, &mut bytes[..size]);
            buffer.extend(lua, &bytes[..size])?;
        }
        PackOption::Chars => {
            // SAFETY: L1.
            let s = unsafe { lua.check_str(arg)?.bytes() };
            lua.arg_check(s.len() <= size, arg, "string longer than given size")?;
            buffer.extend(lua, s)?;
            append_zeros(lua, buffer, size - s.len())?;
        }
        PackOption::PrefixedString => {
            // SAFETY: L1.
            let s = unsafe { lua.check_str(arg)?.bytes() };
            let fits = size >= LUA_INT_SIZE || (s.len() as u64) < 1 << (size * 8);
            lua.arg_check(fits, arg, "string length does not fit in given size")?;
            append_integer(lua, buffer, s.len() as i64, false, little, size)?;
            buffer.extend(lua, s)?;
            return Ok(s.len());
        }
        _ => {
            // SAFETY: L1.
            let s = unsafe { lua.check_str(arg)?.bytes() };
            lua.arg_check(find_byte(s, 0).is_none(), arg, "string contains zeros")?;
            buffer.extend(lua, s)?;
            buffer.push_byte(lua, 0)?;
            return Ok(s.len() + 1);
        }
    }
    Ok(0)
}

/// `string.packsize (fmt)` (§6.4)
pub(super) fn packsize(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let mut format = PackFormat::new(unsafe { lua.check_str(1)?.bytes() });
    let mut total = 0;
    while let Some(item) = next_item(lua, &mut format, total)? {
        let size = item.size + item.padding;
        lua.arg_check(size <= MAX_SIZE && total <= MAX_SIZE - size, 1, "format result too large")?;
        total += size;
        if matches!(item.option, PackOption::PrefixedString | PackOption::ZeroTerminated) {
            return Err(lua.arg_error(1, "variable-length format"));
        }
    }
    lua.push_integer(total as i64)?;
    Ok(1)
}

/// `string.unpack (fmt, s [, pos])` (§6.4)
pub(super) fn unpack(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let (format, data) = unsafe { (lua.check_str(1)?.bytes(), lua.check_str(2)?.bytes()) };
    let position = absolute_position(lua.opt_integer(3, 1)?, data.len()).wrapping_sub(1);
    lua.arg_check(position >= 0 && position as u64 <= data.len() as u64, 3, "initial position out of string")?;
    let mut position = position as usize;
    let mut format = PackFormat::new(format);
    let mut results = 0;
    while let Some(item) = next_item(lua, &mut format, position)? {
        let available = data.len().checked_sub(position);
        if available.is_none_or(|available| item.padding + item.size > available) {
            return Err(lua.arg_error(2, "data string too short"));
        }
        position += item.padding;
        // There is room for the item and for the position at the end.
        lua.ensure_stack(2, "too many results")?;
        match item.option {
            PackOption::Padding | PackOption::AlignPadding | PackOption::Configuration => {}
            _ => {
                position += unpack_value(lua, &data[position..], item, format.is_little_endian())?;
                results += 1;
            }
        }
        position += item.size;
    }
    lua.push_integer(position as i64 + 1)?;
    Ok(results + 1)
}

/// Unpacks a value from the start of `data`, which has at least as many bytes as the option says, and pushes it; returns
/// how many bytes it took beside those.
fn unpack_value(lua: &mut LuaState, data: &[u8], item: PackItem, little: bool) -> LuaResult<usize> {
    let (bytes, rest) = data.split_at(item.size);
    match item.option {
        PackOption::Signed | PackOption::Unsigned => {
            let n = read_integer(lua, bytes, item.option == PackOption::Signed, little)?;
            lua.push_integer(n)?;
        }
        PackOption::Float => lua.push_number(unpack_float(bytes, little))?,
        PackOption::Chars => lua.push_bytes(bytes)?,
        PackOption::PrefixedString => {
            let len = read_integer(lua, bytes, false, little)? as u64;
            let text = usize::try_from(len).ok().and_then(|len| rest.get(..len));
            let Some(text) = text else {
                return Err(lua.arg_error(2, "data string too short"));
            };
            lua.push_bytes(text)?;
            return Ok(text.len());
        }
        _ => {
            // Without a NUL the string goes to the end of the data, after which there always is one.
            let len = find_byte(rest, 0).unwrap_or(rest.len());
            lua.push_bytes(&rest[..len])?;
            return Ok(len + 1);
        }
    }
    Ok(0)
}

/// Reads an integer that must fit a Lua integer.
fn read_integer(lua: &mut LuaState, bytes: &[u8], signed: bool, little: bool) -> LuaResult<i64> {
    match unpack_integer(bytes, signed, little) {
        Some(n) => Ok(n),
        None => Err(lua.raise(format_args!("{}-byte integer does not fit into Lua Integer", bytes.len()))),
    }
}
