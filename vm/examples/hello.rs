//! A state, a chunk, a call, a result: the way from a piece of text to the value that it stands for, and what an error
//! is.
//!
//! The functions of the manual that it uses (§4.8, §5.1), by their names in C: `lua_newstate`, `luaL_loadbuffer`,
//! `lua_pcall`, `lua_pushinteger`, `lua_pushstring`, `lua_tointeger`, `lua_tolstring`, `lua_setglobal`, `lua_getglobal`,
//! `lua_pop`, `luaL_dostring`, `lua_close`.
//!
//! Run it with `cargo run -p perilune-vm --example hello`.

use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status};

/// Loads a chunk: leaves it on the stack as a function, which has not run yet. Messages call it `hello`.
fn load(lua: &mut LuaState, chunk: &str) -> Status {
    lua.load_bytes(chunk.as_bytes(), b"=hello", LoadMode::TEXT)
}

fn main() -> LuaResult<()> {
    // Every byte of the state comes from the allocator that it is made with: here the platform's.
    let mut lua = Lua::new(System)?;

    // A chunk is a function; `...` are its arguments. Arguments are pushed behind the function, and the call takes all of
    // them off the stack and leaves the results there: here two of them, since two are asked for.
    assert_eq!(load(&mut lua, "local name, year = ... return 'Hello, ' .. name .. '!', year + 1"), Status::Ok);
    lua.push_str("Moon")?;
    lua.push_integer(1968)?;
    assert_eq!(lua.pcall(2, 2, 0), Status::Ok);

    // Results are read where they lie. Negative indices count from the top. Lua's strings are bytes.
    let greeting = lua.str_at(-2).map(String::from_utf8_lossy);
    println!("{} {:?}", greeting.as_deref().unwrap_or("?"), lua.to_integer(-1));
    assert_eq!(greeting.as_deref(), Some("Hello, Moon!"));
    assert_eq!(lua.to_integer(-1), Some(1969));
    // What is not of the wanted type reads as `None`, and so does an index that names nothing.
    assert_eq!((lua.to_integer(-2), lua.to_integer(-3)), (None, None));
    lua.pop(2);

    // Globals are how a host and its scripts share what has a name.
    lua.push_number(1737.4)?;
    lua.set_global("radius")?;
    assert_eq!(lua.do_str("area = 4 * 3.14159 * radius ^ 2"), Status::Ok); // loads and calls
    lua.get_global("area")?;
    let area = lua.to_number(-1).unwrap_or(f64::NAN);
    println!("The Moon has {:.1} million square kilometres.", area / 1e6);
    assert_eq!(area.round(), 37_932_296.0);
    lua.pop(1);

    // An error is a status, and its value lies on top of the stack. The state goes on as if nothing had happened.
    assert_eq!(load(&mut lua, "return 1 +"), Status::ErrSyntax);
    assert_eq!(lua.str_at(-1), Some(&b"hello:1: unexpected symbol near <eof>"[..]));
    lua.pop(1);
    assert_eq!(load(&mut lua, "local moon = nil\nreturn moon.radius"), Status::Ok);
    assert_eq!(lua.pcall(0, 1, 0), Status::ErrRun);
    println!("An error: {}", lua.str_at(-1).map(String::from_utf8_lossy).unwrap_or_default());
    assert_eq!(lua.str_at(-1), Some(&b"hello:2: attempt to index a nil value (local 'moon')"[..]));
    lua.pop(1);

    // The state knows no function at all: what scripts can do is what their host gives them. See the example `natives`;
    // the functions of the manual's §6 are in the crate `perilune-stdlib`.
    assert_eq!(load(&mut lua, "print('Hello')"), Status::Ok);
    assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
    assert_eq!(lua.str_at(-1), Some(&b"hello:1: attempt to call a nil value (global 'print')"[..]));
    Ok(())
    // Here the state is closed, and all its memory goes back.
}
