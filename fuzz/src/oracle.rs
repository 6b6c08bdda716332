//! Oracles: each runs a program in two ways that must come to the same, and says in words where they did not.

use perilune_alloc_adapters::{Counting, FailOnce, LuaAlloc, System};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status};

/// How a run ended and what it emitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The status of the last step.
    pub status: String,
    /// What was emitted, a line each; after an error, its message.
    pub output: String,
}

/// The registry key of the string that gathers the output.
const OUTPUT: &str = "fuzz.output";

/// `emit(line)`: appends a line to the output, which is the state's memory like all else.
fn emit(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.get_field(perilune_vm::REGISTRY_INDEX, OUTPUT)?;
    lua.insert(1);
    lua.push_str("\n")?;
    lua.concat(3)?;
    lua.set_field(perilune_vm::REGISTRY_INDEX, OUTPUT)?;
    Ok(0)
}

/// Opens the libraries and defines `emit`.
fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    perilune_stdlib::open_libs(lua)?;
    lua.push_native(emit)?;
    lua.set_global("emit")?;
    lua.push_str("")?;
    lua.set_field(perilune_vm::REGISTRY_INDEX, OUTPUT)
}

/// Runs a program, through `string.dump` first if so asked.
fn run<A: LuaAlloc>(alloc: A, source: &str, through_dump: bool) -> Option<Outcome> {
    // A fixed seed, so that the order of `pairs` is the same each time.
    let mut lua = Lua::with_seed(alloc, 1).ok()?;
    prepare(&mut lua).ok()?;
    let mut status = lua.load_bytes(source.as_bytes(), b"=program", LoadMode::TEXT);
    if status == Status::Ok && through_dump {
        lua.get_global("string").ok()?;
        lua.get_field(-1, "dump").ok()?;
        lua.push_value(-3).ok()?;
        lua.call(1, 1).ok()?;
        let chunk = lua.str_at(-1)?.to_vec();
        status = lua.load_bytes(&chunk, b"=program", LoadMode::BINARY);
    }
    if status == Status::Ok {
        status = lua.pcall(0, 0, 0);
    }
    let mut output = String::new();
    if status != Status::Ok {
        output = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"(no message)")).into_owned();
    }
    lua.get_field(perilune_vm::REGISTRY_INDEX, OUTPUT).ok()?;
    output.insert_str(0, &String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")));
    Some(Outcome { status: format!("{status:?}"), output })
}

/// What a program comes to.
pub fn outcome(source: &str) -> Outcome {
    let nothing = Outcome { status: "no state".into(), output: String::new() };
    run(System, source, false).unwrap_or(nothing)
}

/// A program gives the same when it is dumped and loaded first.
///
/// # Errors
/// A text that shows both outcomes.
pub fn survives_dump(source: &str) -> Result<(), String> {
    let plain = run(System, source, false);
    let dumped = run(System, source, true);
    if plain.is_some() && plain == dumped {
        Ok(())
    } else {
        Err(format!("before {plain:?}\nafter {dumped:?}\nof\n{source}"))
    }
}

/// A program gives the same when one allocation fails and the emergency collection mends it; every `step`-th allocation is
/// tried. Nothing is left allocated after any run.
///
/// # Errors
/// A text that names the allocation and shows both outcomes.
pub fn survives_failures(source: &str, step: u64) -> Result<(), String> {
    let plain = run(System, source, false).ok_or("the program does not run at all")?;
    let mut n = 1;
    loop {
        let alloc = Counting::new(FailOnce::new(System, n));
        let outcome = run(&alloc, source, false);
        let used_up = alloc.inner().refused() > 0;
        if alloc.live_bytes() != 0 {
            return Err(format!(
                "{} bytes are left after a failure at allocation {n} of\n{source}",
                alloc.live_bytes()
            ));
        }
        // A state that cannot even be made, or libraries that cannot be opened, are errors that the host sees.
        if let Some(outcome) = outcome
            && outcome != plain
        {
            return Err(format!("at allocation {n}: {outcome:?}\ninstead of {plain:?}\nof\n{source}"));
        }
        if !used_up {
            return Ok(());
        }
        n += step;
    }
}
