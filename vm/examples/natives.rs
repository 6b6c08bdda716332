//! Native functions: their arguments and the checks of them, results, upvalues, a library table, errors of every kind,
//! and a call of a script's function.
//!
//! The functions of the manual that it uses (§4.8, §5.1), by their names in C: `luaL_checknumber`, `luaL_checkinteger`,
//! `luaL_optinteger`, `luaL_checklstring`, `luaL_checktype`, `luaL_argcheck`, `luaL_error`, `lua_error`, `lua_call`,
//! `lua_pushcclosure`, `lua_upvalueindex`, `lua_replace`, `luaL_newlib`, `luaL_setfuncs`, `luaL_len`, `lua_geti`,
//! `lua_seti`.
//!
//! Run it with `cargo run -p perilune-vm --example natives`.

use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, LuaType, NativeFn, Status, upvalue_index};

/// `moon.distance (x, y)`: the distance of a point from the origin. Arguments are the stack slots 1 and up. A check that
/// fails makes the message and comes back as an `Err`, which `?` passes on.
fn distance(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, y) = (lua.check_number(1)?, lua.check_number(2)?);
    lua.push_number(x.hypot(y))?;
    Ok(1) // one result, on top of the stack
}

/// `moon.phase (day [, cycle])`: the name of the phase, and the day within the cycle. Two results, one optional argument.
fn phase(lua: &mut LuaState) -> LuaResult<usize> {
    let (day, cycle) = (lua.check_integer(1)?, lua.opt_integer(2, 28)?);
    // A script may pass any number, so check what an operation below could not take.
    lua.arg_check((1..=1000).contains(&cycle), 2, "cycle out of range")?;
    let day = day.rem_euclid(cycle);
    lua.push_str(["new", "first quarter", "full", "last quarter"][(day * 4 / cycle) as usize])?;
    lua.push_integer(day)?;
    Ok(2)
}

/// `moon.land (name)`: raises errors of two kinds: a message with the position of the call, and any value, here a table.
fn land(lua: &mut LuaState) -> LuaResult<usize> {
    let name = lua.check_str(1)?;
    if name.len() > 10 {
        return Err(lua.raise(format_args!("a name of {} bytes is too long", name.len())));
    }
    lua.create_table(0, 1)?;
    lua.push_value(1)?;
    lua.set_field(-2, "crashed")?;
    Err(lua.error()) // the value on top
}

/// `moon.map (list, f)`: a list of what `f` makes of each element.
/// An error in `f` goes through with `?`. A yield cannot; the example `continuation` shows how it can.
fn map(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table)?;
    lua.check_type(2, LuaType::Function)?;
    lua.new_table()?;
    for i in 1..=lua.len_i(1)? {
        lua.push_value(2)?;
        lua.get_i(1, i)?;
        lua.call(1, 1)?;
        lua.set_i(3, i)?;
    }
    Ok(1)
}

/// `moon.counter ([start])`: a function that counts, which has the next number as its upvalue.
fn counter(lua: &mut LuaState) -> LuaResult<usize> {
    let start = lua.opt_integer(1, 1)?;
    lua.push_integer(start)?;
    lua.push_native_closure(count, 1)?;
    Ok(1)
}

/// What `counter` makes. An upvalue belongs to this one function, stays between its calls, and cannot be seen by scripts.
fn count(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.to_integer(upvalue_index(1)).unwrap_or(0);
    lua.push_integer(n.wrapping_add(1))?;
    lua.replace(upvalue_index(1));
    lua.push_integer(n)?;
    Ok(1)
}

const MOON: &[(&str, NativeFn)] =
    &[("distance", distance), ("phase", phase), ("land", land), ("map", map), ("counter", counter)];

/// Runs a chunk and gives its one result as text, or that of the error, which is where the result would be.
fn run(lua: &mut LuaState, chunk: &str) -> LuaResult<String> {
    let status = lua.load_bytes(chunk.as_bytes(), b"=m", LoadMode::TEXT);
    if status == Status::Ok && lua.pcall(0, 1, 0) != Status::Ok && lua.is_table(-1) {
        lua.get_field(-1, "crashed")?;
    }
    lua.push_tostring(-1)?;
    let text = lua.str_at(-1).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    lua.set_top(0)?;
    Ok(text)
}

/// Chunks, and what becomes of them.
const CASES: &[(&str, &str)] = &[
    ("return moon.distance(3, '4')", "5.0"),
    ("local name, day = moon.phase(45) return day .. ': ' .. name", "17: full"),
    ("local l = moon.map({3, 5}, function(x) return x * x end) return l[1] + l[2]", "34"),
    ("local c, d = moon.counter(), moon.counter(10) c() d() return c() + d()", "13"),
    ("moon.distance(3)", "m:1: bad argument #2 to 'distance' (number expected, got no value)"),
    ("moon.phase(1, 0)", "m:1: bad argument #2 to 'phase' (cycle out of range)"),
    ("moon.map({1}, moon)", "m:1: bad argument #2 to 'map' (function expected, got table)"),
    ("moon.map({1}, function(x)\n return x.y\n end)", "m:2: attempt to index a number value (local 'x')"),
    ("\n\nmoon.land('Surveyor the 4th')", "m:3: a name of 16 bytes is too long"),
    ("moon.land('Luna 2')", "Luna 2"),
];

fn main() -> LuaResult<()> {
    let mut lua = Lua::new(System)?;
    lua.new_lib(MOON)?;
    lua.set_global("moon")?;
    for &(chunk, expected) in CASES {
        let text = run(&mut lua, chunk)?;
        println!("{:<76} --> {text}", chunk.replace('\n', " "));
        assert_eq!(text, expected);
    }
    Ok(())
}
