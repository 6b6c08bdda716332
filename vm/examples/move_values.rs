//! Values on the move: from thread to thread of one state, by copies from state to state, and with their whole state to
//! another thread of the operating system.
//!
//! The functions of the manual that it uses (§4.8), by their names in C: `lua_xmove`, `lua_next`, `lua_type`,
//! `lua_tolstring`, `lua_tointegerx`, `lua_rawset`, `lua_dump`, `lua_load`.
//!
//! Run it with `cargo run -p perilune-vm --example move_values`.

use std::thread;

use perilune_alloc_adapters::System;
use perilune_vm::{ChunkWriter, LoadMode, Lua, LuaResult, LuaState, LuaType, Status};

/// Takes the pieces of a dumped function.
struct Pieces(Vec<u8>);

impl ChunkWriter for Pieces {
    fn write(&mut self, _: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Pushes a copy of the value on top of one state onto another. What cannot be copied becomes nil: threads, userdata and
/// native functions, and tables more than `depth` deep, since a table may contain itself.
fn copy(from: &mut LuaState, to: &mut LuaState, depth: usize) -> LuaResult<()> {
    from.ensure_stack(3, "too many nested tables")?;
    to.ensure_stack(3, "too many nested tables")?;
    match from.lua_type(-1) {
        LuaType::Boolean => to.push_boolean(from.to_boolean(-1)),
        LuaType::Number => match from.to_integer(-1) {
            Some(n) if from.is_integer(-1) => to.push_integer(n),
            _ => to.push_number(from.to_number(-1).unwrap_or_default()),
        },
        LuaType::String => to.push_bytes(from.str_at(-1).unwrap_or_default()),
        LuaType::Table if depth > 0 => copy_table(from, to, depth - 1),
        LuaType::Function => copy_function(from, to),
        _ => to.push_nil(),
    }
}

fn copy_table(from: &mut LuaState, to: &mut LuaState, depth: usize) -> LuaResult<()> {
    to.new_table()?;
    from.push_nil()?;
    while from.next(-2)? {
        // Here: key and value on top; there: the table. The key stays for the next step. A key that would become nil is
        // left out.
        from.push_value(-2)?;
        copy(from, to, depth)?;
        from.pop(1);
        copy(from, to, depth)?;
        from.pop(1);
        if to.is_nil(-2) { to.pop(2) } else { to.raw_set(-3)? }
    }
    Ok(())
}

/// Dumped functions lose the values of their upvalues. The first one gets the table of globals, as it is with chunks.
fn copy_function(from: &mut LuaState, to: &mut LuaState) -> LuaResult<()> {
    let mut pieces = Pieces(Vec::new());
    if !from.dump(&mut pieces, false)? {
        return to.push_nil(); // a native function
    }
    // What comes out of `dump` may be loaded without worry, and what comes from elsewhere is verified.
    match to.load_bytes(&pieces.0, b"=copy", LoadMode::BINARY) {
        Status::Ok => Ok(()),
        _ => Err(to.error()),
    }
}

fn run(lua: &mut LuaState, chunk: &str, nargs: usize, nresults: i32) {
    let mut status = lua.load_bytes(chunk.as_bytes(), b"=moving", LoadMode::TEXT);
    if status == Status::Ok {
        lua.insert(-1 - nargs as i32); // the function below its arguments
        status = lua.pcall(nargs, nresults, 0);
    }
    assert_eq!(status, Status::Ok, "{:?}", lua.str_at(-1).map(String::from_utf8_lossy));
}

/// Fills the table.
const FILL: &str = "
    moon[1], moon[2.5], moon.moon, moon.list = 1969, '\0bytes', moon, {true, {10, 20}}
    function moon.double(x) return 2 * x end
    return moon";

/// Looks at the copy, which has a copy of itself where the table has itself.
const COMPARE: &str = "
    moon = ...
    return moon.side == 'far side' and moon[1] == 1969 and moon[2.5] == '\0bytes' and moon.list[1] and moon.list[2][2] == 20
        and moon.double(21) == 42 and moon.moon ~= moon and moon.moon.radius == 1737.4";

fn main() -> LuaResult<()> {
    let mut one = Lua::new(System)?;

    // The threads of one state share their objects: to move a value is to move a reference, and tables stay the same.
    one.new_thread()?; // at index 1
    run(&mut one, "moon = {radius = 1737.4} return moon, 'far side'", 0, 2);
    one.move_to_thread(1, 2)?;
    assert_eq!((one.get_top(), one.with_thread(1, |other| other.get_top())?), (1, 2));
    one.with_thread(1, |other| run(other, "local t, s = ... t.side = s return t == moon", 2, 1))?;
    one.move_from_thread(1, 1)?;
    assert!(one.to_boolean(-1));

    // Two states share nothing, so `xmove` refuses, and a copy is made.
    let mut two = Lua::new(System)?;
    assert!(one.xmove(&mut two, 1).is_err());
    one.set_top(1)?;
    run(&mut one, FILL, 0, 1);
    copy(&mut one, &mut two, 10)?;
    run(&mut two, COMPARE, 1, 1);
    assert!(two.to_boolean(-1));
    println!("copied a table to another state");

    // A state is a value like any other: if its allocator can be sent to another thread of the operating system, so can it, and
    // come back.
    let worker = thread::spawn(move || {
        run(&mut two, "moon.visited = true return moon.double(moon[1])", 0, 1);
        println!("in another thread: {:?}", two.to_integer(-1));
        two
    });
    let Ok(mut two) = worker.join() else { panic!("the other thread panicked") };
    run(&mut two, "return moon.visited and moon.radius", 0, 1);
    assert_eq!(two.to_number(-1), Some(1737.4));
    Ok(())
}
