//! `choose`, and the sources and sinks that pass what a socket receives or sends through filters (LTN12).
//!
//! A source or sink is a table that can be called and has `getfd` and `dirty`, so that it can be selected. The socket in it may
//! be anything with the methods of one; all of them are called without Rust stack, so they may yield.

use perilune_vm::{
    ArithOp, CompareOp, Continuation, LuaResult, LuaState, LuaType, MULTRET, NativeFn, Status, upvalue_index,
};

use crate::message::push_located;

/// In the functions made here, the upvalue with the socket.
const SOCKET: i32 = upvalue_index(1);
/// In sources, the upvalue with the library's table.
const LIBRARY: i32 = upvalue_index(2);
/// In sources, the upvalue with what is left to receive, or with whether everything was received.
const PROGRESS: i32 = upvalue_index(3);

/// Calls a method of the socket with the `nargs` values on top.
fn call_method(lua: &mut LuaState, name: &str, nargs: usize, nresults: i32, k: Continuation) -> LuaResult<usize> {
    lua.get_field(SOCKET, name)?;
    lua.push_value(SOCKET)?;
    let below = -2 - nargs as i32;
    lua.rotate(below, 2);
    lua.call_then(nargs + 1, nresults, 0, k)
}

/// Returns everything above the arguments, which are at most two.
fn return_all(lua: &mut LuaState, _: Status, first: isize) -> LuaResult<usize> {
    Ok((lua.get_top() as isize - first).max(0) as usize)
}

/// Calls a method of the socket without arguments, in place of the running function, and returns what it returns.
fn forward(lua: &mut LuaState, name: &str) -> LuaResult<usize> {
    lua.set_top(0)?;
    call_method(lua, name, 0, MULTRET, return_all)
}

/// `getfd` of a source or sink.
fn getfd(lua: &mut LuaState) -> LuaResult<usize> {
    forward(lua, "getfd")
}

/// `dirty` of a source or sink.
fn dirty(lua: &mut LuaState) -> LuaResult<usize> {
    forward(lua, "dirty")
}

/// Pushes a table for a socket, the first argument, that has the socket's `getfd` and `dirty`, and is called by a function that
/// takes the `n_upvalues` values on top, of which the first is the socket.
fn push_callable(lua: &mut LuaState, call: NativeFn, n_upvalues: usize) -> LuaResult<usize> {
    lua.push_native_closure(call, n_upvalues)?;
    lua.create_table(0, 2)?;
    lua.push_value(1)?;
    lua.set_funcs(&[("getfd", getfd), ("dirty", dirty)], 1)?;
    lua.create_table(0, 1)?;
    lua.push_value(-3)?;
    lua.set_field(-2, "__call")?;
    lua.set_metatable(-2)?;
    Ok(1)
}

// ---- Sinks ----

/// Sends the chunk that is the second argument and returns what the socket's `send` returns.
fn send_chunk(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.remove(1);
    call_method(lua, "send", 1, MULTRET, return_all)
}

/// `socket.sinkt["close-when-done"] (socket)`
fn close_when_done(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_value(1)?;
    push_callable(lua, send_or_close, 1)
}

/// The call of such a sink: without a chunk it closes the socket.
fn send_or_close(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_boolean(2) {
        return send_chunk(lua);
    }
    call_method(lua, "close", 0, 0, |lua, _, _| return_one(lua))
}

/// `socket.sinkt["keep-open"] (socket)`
fn keep_open(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_value(1)?;
    push_callable(lua, send_or_stay, 1)
}

/// The call of such a sink: without a chunk there is nothing to do.
fn send_or_stay(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_boolean(2) { send_chunk(lua) } else { return_one(lua) }
}

/// Returns 1.
fn return_one(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(1)?;
    Ok(1)
}

// ---- Sources ----

/// `socket.sourcet["by-length"] (socket, length)`; the upvalue is the library's table.
fn by_length(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.push_value(1)?;
    lua.push_value(upvalue_index(1))?;
    lua.push_value(2)?;
    push_callable(lua, receive_length, 3)
}

/// The call of such a source: receives a block of what is left.
fn receive_length(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(0)?;
    lua.push_value(PROGRESS)?;
    lua.push_integer(0)?;
    if lua.compare(1, 2, CompareOp::Le)? {
        lua.push_nil()?;
        return Ok(1);
    }
    lua.get_field(LIBRARY, "BLOCKSIZE")?;
    if lua.compare(1, 3, CompareOp::Lt)? {
        lua.push_value(1)?;
    }
    call_method(lua, "receive", 1, 2, |lua, _, _| {
        // The chunk and the error are on top.
        if lua.to_boolean(-1) {
            lua.push_nil()?;
            lua.insert(-2);
            return Ok(2);
        }
        lua.pop(1);
        let Some(len) = lua.to_str(-1)?.map(|chunk| chunk.len()) else {
            return Err(lua.raise(format_args!("a chunk must be a string")));
        };
        lua.push_value(PROGRESS)?;
        lua.push_integer(len as i64)?;
        lua.arith(ArithOp::Sub)?;
        lua.replace(PROGRESS);
        Ok(1)
    })
}

/// `socket.sourcet["until-closed"] (socket)`; the upvalue is the library's table.
fn until_closed(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_value(1)?;
    lua.push_value(upvalue_index(1))?;
    lua.push_boolean(false)?;
    push_callable(lua, receive_until_closed, 3)
}

/// The call of such a source: receives a block.
fn receive_until_closed(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(0)?;
    if lua.to_boolean(PROGRESS) {
        lua.push_nil()?;
        return Ok(1);
    }
    lua.get_field(LIBRARY, "BLOCKSIZE")?;
    call_method(lua, "receive", 1, 3, |lua, _, _| {
        // The chunk, the error and the partial chunk are all there is.
        if !lua.to_boolean(-2) {
            lua.pop(2);
            return Ok(1);
        }
        if lua.str_at(-2) != Some(b"closed") {
            lua.pop(1);
            lua.push_nil()?;
            lua.insert(-2);
            return Ok(2);
        }
        call_method(lua, "close", 0, 0, |lua, _, _| {
            lua.push_boolean(true)?;
            lua.replace(PROGRESS);
            Ok(1)
        })
    })
}

// ---- Choosing ----

/// `socket.choose (table)`
fn choose(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_native_closure(call_chosen, 1)?;
    Ok(1)
}

/// What `choose` makes: calls the function that its table has under a name, with two arguments. Without a name, it is the one
/// called `default`.
fn call_chosen(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.lua_type(1) != LuaType::String {
        lua.push_str("default")?;
        lua.insert(1);
    }
    lua.set_top(3)?;
    lua.push_value(1)?;
    lua.get_table_then(upvalue_index(1), 0, |lua, _, _| call_found(lua))?;
    call_found(lua)
}

/// Calls the function on top with the second and the third argument.
fn call_found(lua: &mut LuaState) -> LuaResult<usize> {
    if !lua.to_boolean(-1) {
        // SAFETY: L1.
        let name = lua.to_str(1)?.map_or(&b""[..], |name| unsafe { name.bytes() });
        // The error is that of who called the caller, as where a library chooses for its user.
        push_located(lua, 2, &[b"unknown key (", name, b")"])?;
        return Err(lua.error());
    }
    lua.replace(1);
    lua.call_then(2, MULTRET, 0, return_all)
}

/// Sets the tables of sources and sinks, and what chooses from them, in the library's table, which is on top.
pub(super) fn open(lua: &mut LuaState) -> LuaResult<()> {
    let library = lua.get_top();
    lua.set_funcs(&[("choose", choose)], 0)?;
    lua.new_lib(&[("close-when-done", close_when_done), ("keep-open", keep_open), ("default", keep_open)])?;
    set_choice(lua, library, "sinkt", "sink")?;
    lua.create_table(0, 3)?;
    lua.push_value(library)?;
    lua.set_funcs(&[("by-length", by_length), ("until-closed", until_closed), ("default", until_closed)], 1)?;
    set_choice(lua, library, "sourcet", "source")
}

/// Sets the table on top, which is popped, and what chooses from it.
fn set_choice(lua: &mut LuaState, library: i32, table: &str, chooser: &str) -> LuaResult<()> {
    lua.push_value(-1)?;
    lua.set_field(library, table)?;
    lua.push_native_closure(call_chosen, 1)?;
    lua.set_field(library, chooser)
}
