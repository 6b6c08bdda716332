//! Compile and run a script with three native functions and no standard library, on an allocator of one's own.
//!
//! Run it with `cargo run -p perilune-vm --example natives`.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;

use perilune_vm::{LoadMode, Lua, LuaAlloc, LuaResult, LuaState, LuaType, NativeFn, OldSize, Status};

/// The system's allocator, with a count of the bytes in use.
struct Counting(Cell<usize>);

// SAFETY: the rules of the contract, one arm each, for blocks aligned to 16.
unsafe impl LuaAlloc for Counting {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let layout = |size| Layout::from_size_align(size, 16).expect("the state asks for at most isize::MAX bytes");
        // SAFETY: the caller says that the block is ours and has `old` bytes.
        let block = unsafe {
            match (ptr.is_null(), nsize) {
                (true, 0) => ptr,
                (true, _) => alloc(layout(nsize)),
                (false, 0) => {
                    dealloc(ptr, layout(old));
                    std::ptr::null_mut()
                }
                (false, _) => realloc(ptr, layout(old), nsize),
            }
        };
        if nsize == 0 || !block.is_null() {
            self.0.set(self.0.get() - old + nsize);
        }
        block
    }
}

/// `say (···)`: prints its arguments as they would be converted to strings.
fn say(lua: &mut LuaState) -> LuaResult<usize> {
    for arg in 1..=lua.get_top() {
        lua.push_tostring(arg)?;
        let text = lua.str_at(-1).unwrap_or_default();
        print!("{}{}", if arg > 1 { "\t" } else { "" }, String::from_utf8_lossy(text));
        lua.pop(1);
    }
    println!();
    Ok(0)
}

/// `distance (x, y)`: the distance of a point from the origin. The checks make the messages of wrong arguments.
fn distance(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, y) = (lua.check_number(1)?, lua.check_number(2)?);
    lua.push_number(x.hypot(y))?;
    Ok(1)
}

/// `map (list, f)`: a list of what `f` makes of each element. The script's function is called from here.
fn map(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table)?;
    lua.check_type(2, LuaType::Function)?;
    let len = lua.len_i(1)?;
    lua.create_table(usize::try_from(len).unwrap_or(0).min(1000), 0)?;
    for i in 1..=len {
        lua.push_value(2)?;
        lua.get_i(1, i)?;
        lua.call(1, 1)?;
        lua.set_i(3, i)?;
    }
    Ok(1)
}

/// What the host lets scripts call.
const NATIVES: &[(&str, NativeFn)] = &[("say", say), ("distance", distance), ("map", map)];

const SCRIPT: &str = r#"
    local points = { {3, 4}, {5, 12}, {8, 15} }
    local distances = map(points, function (p) return distance(p[1], p[2]) end)
    local sum = 0
    for i = 1, #distances do
        say("point " .. i, distances[i])
        sum = sum + distances[i]
    end
    return sum, ...
"#;

/// Compiles and runs a chunk with one argument; prints its results, or the error.
fn run(lua: &mut LuaState, chunk: &str) -> LuaResult<()> {
    let mut status = lua.load_bytes(chunk.as_bytes(), b"=example", LoadMode::TEXT);
    if status == Status::Ok {
        lua.push_str("the host's argument")?;
        status = lua.pcall(1, perilune_vm::MULTRET, 0);
    }
    match status {
        Status::Ok => println!("{} results:", lua.get_top()),
        error => println!("{error:?}:"),
    }
    say(lua)?;
    lua.set_top(0)
}

fn main() -> LuaResult<()> {
    let bytes = Counting(Cell::new(0));
    let mut lua = Lua::new(&bytes)?;
    println!("a state without libraries: {} bytes", bytes.0.get());
    for &(name, function) in NATIVES {
        lua.push_native(function)?;
        lua.set_global(name)?;
    }
    run(&mut lua, SCRIPT)?;
    run(&mut lua, "say(distance('three', 4))")?;
    run(&mut lua, "say(distance(3, 4)")?;
    run(&mut lua, "return os")?;
    drop(lua);
    assert_eq!(bytes.0.get(), 0, "all memory is back");
    Ok(())
}
