//! The library `table` (manual §6.6).
//!
//! Except for `pack`, every function works on whatever behaves like a table: it reads, writes and measures with the
//! metamethods that the value has. These may yield: where one is called, the function goes on in a continuation, with what
//! it must remember in its stack slots.

mod carry;
mod sort;

use perilune_vm::{
    Answer, Buffer, CompareOp, LuaResult, LuaState, LuaType, NativeFn, QuickCall, QuickNative, Status, Thrown,
};

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

/// What is left to do after the last call of a function without results.
fn nothing(_: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    Ok(0)
}

/// The slot of `concat`'s separator.
const SEPARATOR: i32 = 2;
/// The slot of `concat`'s first index.
const FIRST: i32 = 3;
/// The slot of `concat`'s last index.
const LAST: i32 = 4;
/// The slot of `concat`'s buffer.
const BUFFER: i32 = 5;

/// `table.concat (list [, sep [, i [, j]]])`
fn concat(lua: &mut LuaState) -> LuaResult<usize> {
    check_table(lua, 1, READ | LENGTH)?;
    lua.set_top(LAST)?;
    lua.len_then(1, 0, |lua, _, _| concat_all(lua))?;
    concat_all(lua)
}

/// Goes on with the length on top.
fn concat_all(lua: &mut LuaState) -> LuaResult<usize> {
    let len = lua.take_length()?;
    lua.opt_str(SEPARATOR)?;
    let first = lua.opt_integer(FIRST, 1)?;
    let last = lua.opt_integer(LAST, len)?;
    lua.note_integer(LAST, last);
    let buffer = Buffer::new(lua)?;
    concat_rest(lua, buffer, first, false)
}

/// Goes on with the element on top, which is so far from the first one.
fn concat_element(lua: &mut LuaState, _: Status, distance: isize) -> LuaResult<usize> {
    let buffer = Buffer::unpark(lua, BUFFER)?;
    let first = lua.opt_integer(FIRST, 1)?;
    concat_rest(lua, buffer, first.wrapping_add(distance as i64), true)
}

/// Appends the elements from `start` on to the buffer, the first of which may lie on top already.
fn concat_rest(lua: &mut LuaState, mut buffer: Buffer, start: i64, mut loaded: bool) -> LuaResult<usize> {
    let (first, last) = (lua.opt_integer(FIRST, 1)?, lua.check_integer(LAST)?);
    // SAFETY: L1.
    let separator = lua.opt_str(SEPARATOR)?.map_or(&[][..], |s| unsafe { s.bytes() });
    for i in start..=last {
        if !loaded && !lua.try_get_i(1, i)? {
            buffer.park(lua)?;
            lua.get_i_then(1, i, i.wrapping_sub(first) as isize, concat_element)?;
        }
        loaded = false;
        if !lua.is_string(-1) {
            return Err(invalid_element(lua, i));
        }
        buffer.add_value(lua)?;
        if i != last && !separator.is_empty() {
            buffer.extend(lua, separator)?;
        }
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
    check_table(lua, 1, READ | WRITE | LENGTH)?;
    lua.len_then(1, 0, |lua, _, _| insert_value(lua))?;
    insert_value(lua)
}

/// Goes on with the length on top.
fn insert_value(lua: &mut LuaState) -> LuaResult<usize> {
    let end = lua.take_length()?.wrapping_add(1);
    match lua.get_top() {
        2 => lua.set_i_then(1, end, 0, nothing)?,
        3 => {
            let position = lua.check_integer(2)?;
            lua.arg_check(1 <= position && position <= end, 2, "position out of bounds")?;
            carry::push_task(lua, position.wrapping_add(1), 1, position - end)?;
            return insert_carried(lua, Status::Ok, 0);
        }
        _ => return Err(lua.raise(format_args!("wrong number of arguments to 'insert'"))),
    }
    Ok(0)
}

/// Moves the elements after the position up, and then puts the value there.
fn insert_carried(lua: &mut LuaState, _: Status, step: isize) -> LuaResult<usize> {
    carry::carry(lua, step, insert_carried)?;
    let position = lua.check_integer(carry::FROM)?;
    lua.push_value(carry::KEPT)?;
    lua.set_i_then(1, position, 0, nothing)?;
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
    lua.set_top(5)?;
    lua.copy(destination, carry::TARGET);
    if last < first {
        return Ok(1);
    }
    let fits = first > 0 || last < i64::MAX + first;
    lua.arg_check(fits, 3, "too many elements to move")?;
    let count = last - first + 1;
    lua.arg_check(target <= i64::MAX - count + 1, 4, "destination wrap around")?;
    lua.push_integer(count)?;
    // Upwards whenever no element is overwritten before it is read, as that is the better order for growing a table.
    let apart = target > last || target <= first;
    if !apart
        && lua.compare_then(1, carry::TARGET, CompareOp::Eq, 0, |lua, _, _| {
            let same = lua.take_answer();
            move_elements(lua, same)
        })?
    {
        return move_elements(lua, true);
    }
    move_elements(lua, false)
}

/// Moves the elements, whose number is on top, upwards or downwards.
fn move_elements(lua: &mut LuaState, downwards: bool) -> LuaResult<usize> {
    if downwards {
        let count = lua.check_integer(carry::COUNT)?;
        lua.note_integer(carry::COUNT, -count);
    }
    move_carried(lua, Status::Ok, 0)
}

/// Moves the elements and returns the table to which they went.
fn move_carried(lua: &mut LuaState, _: Status, step: isize) -> LuaResult<usize> {
    carry::carry(lua, step, move_carried)?;
    lua.push_value(carry::TARGET)?;
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
    check_table(lua, 1, READ | WRITE | LENGTH)?;
    lua.len_then(1, 0, |lua, _, _| remove_element(lua))?;
    remove_element(lua)
}

/// Goes on with the length on top.
fn remove_element(lua: &mut LuaState) -> LuaResult<usize> {
    let len = lua.take_length()?;
    let position = lua.opt_integer(2, len)?;
    if position != len {
        lua.arg_check(1 <= position && position <= len.wrapping_add(1), 1, "position out of bounds")?;
    }
    if !lua.try_get_i(1, position)? {
        lua.push_integer(position)?;
        lua.push_integer(len)?;
        lua.get_i_then(1, position, 0, |lua, _, _| {
            let (position, len) = (lua.check_integer(-3)?, lua.check_integer(-2)?);
            close_gap(lua, position, len)
        })?;
    }
    close_gap(lua, position, len)
}

/// Goes on with the removed element on top: moves those after it down, takes the last one away, and returns the element.
fn close_gap(lua: &mut LuaState, position: i64, len: i64) -> LuaResult<usize> {
    if position >= len {
        return remove_last(lua, position);
    }
    // The elements of a plain table move together.
    if lua.raw_move(1, position + 1, position, len - position) {
        return remove_last(lua, len);
    }
    lua.insert(2);
    lua.set_top(2)?;
    lua.push_integer(position + 1)?;
    lua.insert(carry::FROM);
    carry::push_task(lua, position, 1, len - position)?;
    remove_carried(lua, Status::Ok, 0)
}

/// Moves the elements after the removed one down, and takes the last one away.
fn remove_carried(lua: &mut LuaState, _: Status, step: isize) -> LuaResult<usize> {
    carry::carry(lua, step, remove_carried)?;
    let last = lua.check_integer(carry::TO)? + lua.check_integer(carry::COUNT)?;
    lua.push_value(carry::KEPT)?;
    remove_last(lua, last)
}

/// Sets the last element to nil and returns the value on top.
fn remove_last(lua: &mut LuaState, last: i64) -> LuaResult<usize> {
    lua.push_nil()?;
    lua.set_i_then(1, last, 0, |_, _, _| Ok(1))?;
    Ok(1)
}

/// How many arguments `unpack` has at most; the results come above them.
const UNPACK_ARGS: i32 = 3;

/// `table.unpack (list [, i [, j]])`
fn unpack(lua: &mut LuaState) -> LuaResult<usize> {
    let first = lua.opt_integer(2, 1)?;
    let last = if lua.is_none_or_nil(3) {
        lua.len_then(1, 0, |lua, _, _| {
            let last = lua.take_length()?;
            let first = lua.opt_integer(2, 1)?;
            unpack_range(lua, first, last)
        })?;
        lua.take_length()?
    } else {
        lua.check_integer(3)?
    };
    unpack_range(lua, first, last)
}

fn unpack_range(lua: &mut LuaState, first: i64, last: i64) -> LuaResult<usize> {
    if first > last {
        return Ok(0);
    }
    // One less than the number of elements, which might not fit.
    let span = (last as u64).wrapping_sub(first as u64);
    if span >= i32::MAX as u64 || !lua.check_stack(span as usize + 1) {
        return Err(lua.raise(format_args!("too many results to unpack")));
    }
    if lua.raw_unpack(1, first, span as usize + 1) {
        return Ok(span as usize + 1);
    }
    lua.set_top(UNPACK_ARGS)?;
    unpack_rest(lua, Status::Ok, span as isize)
}

/// Pushes the elements that are not there yet; their number is one more than `span`.
fn unpack_rest(lua: &mut LuaState, _: Status, span: isize) -> LuaResult<usize> {
    let first = lua.opt_integer(2, 1)?;
    let done = lua.get_top() - UNPACK_ARGS;
    for i in done as isize..=span {
        lua.get_i_then(1, first + i as i64, span, unpack_rest)?;
    }
    Ok(span as usize + 1)
}

/// Quick forms, for tables without metatable whose elements lie in their array parts.
mod quick {
    use super::*;

    pub(super) fn concat(call: QuickCall<'_>) -> Answer<'_> {
        let separator = if call.count() == 1 { Some(&[][..]) } else { call.bytes(2) };
        match (separator, call.count(), call.integer(3), call.integer(4)) {
            (Some(separator), 1 | 2, ..) => call.joined_elements(1, separator, 1, None),
            (Some(separator), 3, Some(first), _) => call.joined_elements(1, separator, first, None),
            (Some(separator), 4, Some(first), last @ Some(_)) => call.joined_elements(1, separator, first, last),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn unpack(call: QuickCall<'_>) -> Answer<'_> {
        match (call.count(), call.integer(2), call.integer(3)) {
            (1, ..) => call.elements(1, 1, None),
            (2, Some(first), _) => call.elements(1, first, None),
            (3, Some(first), last @ Some(_)) => call.elements(1, first, last),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn insert(call: QuickCall<'_>) -> Answer<'_> {
        match (call.count(), call.integer(2)) {
            (2, _) => call.insert_element(1, None, 2),
            (3, Some(position)) => call.insert_element(1, Some(position), 3),
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn remove(call: QuickCall<'_>) -> Answer<'_> {
        match (call.count(), call.integer(2)) {
            (1, _) => call.remove_element(1, None),
            (2, Some(position)) => call.remove_element(1, Some(position)),
            _ => Answer::UNUSUAL,
        }
    }
}

/// The functions that have no quick form, in the order of the manual.
const FUNCTIONS: [(&str, NativeFn); 3] = [("move", move_), ("pack", pack), ("sort", sort::sort)];

/// The others.
static QUICK_FUNCTIONS: [(&str, QuickNative); 4] = [
    ("concat", QuickNative::new(concat, quick::concat)),
    ("insert", QuickNative::new(insert, quick::insert)),
    ("remove", QuickNative::new(remove, quick::remove)),
    ("unpack", QuickNative::new(unpack, quick::unpack)),
];

/// Opens the library: pushes its table.
#[doc(alias = "luaopen_table")]
pub fn open_table(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(&FUNCTIONS)?;
    lua.set_quick_funcs(&QUICK_FUNCTIONS)?;
    Ok(1)
}
