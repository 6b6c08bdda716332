//! The library `table` (manual §6.6).
//!
//! Except for `pack`, every function works on whatever behaves like a table: it reads, writes and measures with the
//! metamethods that the value has.

mod sort;

use perilune_vm::{Buffer, CompareOp, LuaResult, LuaState, LuaType, NativeFn, Thrown};

/// Reads elements.
const READ: u8 = 1;
/// Writes elements.
const WRITE: u8 = 2;
/// Asks for the length.
const LENGTH: u8 = 4;

/// Checks that an argument is a table, or has the metamethods for what is to be done with it.
#[inline]
fn check_table(lua: &mut LuaState, arg: i32, uses: u8) -> LuaResult<()> {
    if lua.is_table(arg) { Ok(()) } else { check_table_like(lua, arg, uses) }
}

/// The same for a value that is not a table.
#[cold]
fn check_table_like(lua: &mut LuaState, arg: i32, uses: u8) -> LuaResult<()> {
    let top = lua.get_top();
    if lua.get_metatable(arg)? {
        let metatable = lua.get_top();
        let mut complete = true;
        for (bit, event) in [(READ, "__index"), (WRITE, "__newindex"), (LENGTH, "__len")] {
            if complete && uses & bit != 0 {
                lua.push_str(event)?;
                complete = lua.raw_get(metatable)? != LuaType::Nil;
            }
        }
        if complete {
            return lua.set_top(top);
        }
    }
    lua.check_type(arg, LuaType::Table)
}

/// Checks the first argument and gives its length.
#[inline]
fn check_len(lua: &mut LuaState, uses: u8) -> LuaResult<i64> {
    check_table(lua, 1, uses | LENGTH)?;
    lua.len_i(1)
}

/// `table.concat (list [, sep [, i [, j]]])`
fn concat(lua: &mut LuaState) -> LuaResult<usize> {
    let len = check_len(lua, READ)?;
    let separator = lua.opt_str(2)?;
    let first = lua.opt_integer(3, 1)?;
    let last = lua.opt_integer(4, len)?;
    // SAFETY: L1: the separator stays at index 2 during the call.
    let separator = separator.map_or(&[][..], |s| unsafe { s.bytes() });
    let mut buffer = Buffer::new(lua)?;
    for i in first..=last {
        if i != first && !separator.is_empty() {
            buffer.extend(lua, separator)?;
        }
        lua.get_i(1, i)?;
        if !lua.is_string(-1) {
            return Err(invalid_element(lua, i));
        }
        buffer.add_value(lua)?;
    }
    buffer.finish(lua)?;
    Ok(1)
}

/// The error about the value on top, which `concat` found at an index.
#[cold]
fn invalid_element(lua: &mut LuaState, i: i64) -> Thrown {
    let type_name = lua.type_name_at(-1);
    // The reference implementation prints the index as a C `int`.
    let index = i as i32;
    lua.raise(format_args!("invalid value ({type_name}) at index {index} in table for 'concat'"))
}

/// `table.insert (list, [pos,] value)`
fn insert(lua: &mut LuaState) -> LuaResult<usize> {
    let end = check_len(lua, READ | WRITE)?.wrapping_add(1);
    let position = match lua.get_top() {
        2 => end,
        3 => {
            let position = lua.check_integer(2)?;
            lua.arg_check(1 <= position && position <= end, 2, "position out of bounds")?;
            let mut i = end;
            while i > position {
                lua.get_i(1, i - 1)?;
                lua.set_i(1, i)?;
                i -= 1;
                // The last element had to find its place; the others can move together if the table is a plain one.
                if lua.raw_move(1, position, position + 1, i - position) {
                    break;
                }
            }
            position
        }
        _ => return Err(lua.raise(format_args!("wrong number of arguments to 'insert'"))),
    };
    lua.set_i(1, position)?;
    Ok(0)
}

/// `table.move (a1, f, e, t [,a2])`
fn move_(lua: &mut LuaState) -> LuaResult<usize> {
    let first = lua.check_integer(2)?;
    let last = lua.check_integer(3)?;
    let target = lua.check_integer(4)?;
    let destination = if lua.is_none_or_nil(5) { 1 } else { 5 };
    check_table(lua, 1, READ)?;
    check_table(lua, destination, WRITE)?;
    if last >= first {
        let fits = first > 0 || last < i64::MAX + first;
        lua.arg_check(fits, 3, "too many elements to move")?;
        let count = last - first + 1;
        lua.arg_check(target <= i64::MAX - count + 1, 4, "destination wrap around")?;
        // Upwards whenever no element is overwritten before it is read, as that is the better order for growing a table.
        let apart = target > last || target <= first;
        if destination == 1 && lua.raw_move(1, first, target, count) {
            // Done at once.
        } else if apart || destination != 1 && !lua.compare(1, destination, CompareOp::Eq)? {
            for i in 0..count {
                lua.get_i(1, first + i)?;
                lua.set_i(destination, target + i)?;
            }
        } else {
            for i in (0..count).rev() {
                lua.get_i(1, first + i)?;
                lua.set_i(destination, target + i)?;
            }
        }
    }
    lua.push_value(destination)?;
    Ok(1)
}

/// `table.pack (···)`
fn pack(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top();
    lua.create_table(count as usize, 1)?;
    lua.insert(1);
    for i in (1..=count as i64).rev() {
        lua.set_i(1, i)?;
    }
    lua.push_integer(count as i64)?;
    lua.set_field(1, "n")?;
    Ok(1)
}

/// `table.remove (list [, pos])`
fn remove(lua: &mut LuaState) -> LuaResult<usize> {
    let len = check_len(lua, READ | WRITE)?;
    let mut position = lua.opt_integer(2, len)?;
    if position != len {
        lua.arg_check(1 <= position && position <= len.wrapping_add(1), 1, "position out of bounds")?;
    }
    lua.get_i(1, position)?;
    // The elements of a plain table move together.
    if position < len && lua.raw_move(1, position + 1, position, len - position) {
        position = len;
    }
    while position < len {
        lua.get_i(1, position + 1)?;
        lua.set_i(1, position)?;
        position += 1;
    }
    lua.push_nil()?;
    lua.set_i(1, position)?;
    Ok(1)
}

/// `table.unpack (list [, i [, j]])`
fn unpack(lua: &mut LuaState) -> LuaResult<usize> {
    let first = lua.opt_integer(2, 1)?;
    let last = if lua.is_none_or_nil(3) { lua.len_i(1)? } else { lua.check_integer(3)? };
    if first > last {
        return Ok(0);
    }
    // One less than the number of elements, which might not fit.
    let span = (last as u64).wrapping_sub(first as u64);
    if span >= i32::MAX as u64 || !lua.check_stack(span as usize + 1) {
        return Err(lua.raise(format_args!("too many results to unpack")));
    }
    for i in first..=last {
        lua.get_i(1, i)?;
    }
    Ok(span as usize + 1)
}

/// The library, in the order of the manual.
const FUNCTIONS: [(&str, NativeFn); 7] = [
    ("concat", concat),
    ("insert", insert),
    ("move", move_),
    ("pack", pack),
    ("remove", remove),
    ("sort", sort::sort),
    ("unpack", unpack),
];

/// Opens the library: pushes its table.
#[doc(alias = "luaopen_table")]
pub fn open_table(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(&FUNCTIONS)?;
    Ok(1)
}
