//! Lua takes no stack of the host: a program of more than ten million instructions, all operation codes among them many times,
//! runs to its end on a thread with 64 KiB. In the form of handlers that end in tail calls, a lost tail call ends it at once.
//!
//! Handlers have that form in optimised builds alone: `cargo test --release -p perilune-stdlib --test small_stack`.

use std::cell::Cell;

use perilune_alloc_adapters::System;
use perilune_stdlib::open_libs;
use perilune_vm::opcode::OP_INFO;
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, Status, list};

/// What the thread has, the test's own part included.
const STACK: usize = 64 << 10;
/// How many instructions at least the program executes in its main thread.
const INSTRUCTIONS: u64 = 10_000_000;
/// How often the instructions are counted.
const EVERY: i32 = 1000;

const PROGRAM: &[u8] = include_bytes!("small_stack.lua");

thread_local! {
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

fn count(_: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    COUNTED.set(COUNTED.get() + EVERY as u64);
    Ok(())
}

/// Runs the program on a small stack; what it returns, and the instructions that were counted.
fn run(counted: bool) -> (Option<i64>, u64) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        open_libs(&mut lua).expect("libraries");
        assert_eq!(lua.load_bytes(PROGRAM, b"=small_stack.lua", LoadMode::TEXT), Status::Ok);
        if counted {
            lua.set_hook(Some(count), MASK_COUNT, EVERY);
        }
        let status = lua.pcall(0, 1, 0);
        if status != Status::Ok {
            let _ = lua.push_tostring(-1);
            panic!("{status:?}: {}", String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")));
        }
        (lua.to_integer(-1), COUNTED.get())
    });
    thread.expect("a thread").join().expect("the program comes to its end")
}

#[test]
fn the_program_runs_on_a_small_stack() {
    let (result, _) = run(false);
    let (same, instructions) = run(true);
    assert!(result.is_some());
    assert_eq!(result, same);
    assert!(instructions >= INSTRUCTIONS, "only {instructions} instructions");
}

#[test]
fn the_program_has_all_instructions() {
    let mut lua = Lua::with_seed(System, 1).expect("a state");
    assert_eq!(lua.load_bytes(PROGRAM, b"=small_stack.lua", LoadMode::TEXT), Status::Ok);
    let mut listing = String::new();
    list(&mut lua, &mut listing, false).expect("a string takes it all");
    let missing: Vec<&str> = OP_INFO
        .iter()
        .map(|row| row.name)
        .filter(|name| !listing.split_whitespace().any(|word| word.eq_ignore_ascii_case(name)))
        .collect();
    assert!(missing.is_empty(), "small_stack.lua has none of {missing:?}");
}
