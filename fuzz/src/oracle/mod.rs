//! Oracles over programs: each runs a source in two ways that must come to the same, and says in words where they did not.
//!
//! Sources are those of [generated programs](crate::program), or any others that end, and whose output does not depend on when objects are
//! collected. A run that is ended by [limits](Limits) is no result, and agrees with all others.

mod memory;

use std::cell::Cell;

use perilune_alloc_adapters::{Checking, FailAfter, FailOnce, Limit, LuaAlloc, System};
use perilune_vm::{ChunkWriter, HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, Status, testing};

use crate::program::{self, Program};
use crate::reference::{self, End, Interpreter, Limits, Outcome};
use memory::Zealous;

/// What became of a source before it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Through {
    /// It is compiled.
    Compiler,
    /// It is compiled, dumped, and loaded again; without its debug information if so wanted.
    Dump { strip: bool },
}

/// How a source is run.
#[derive(Clone, Copy, Debug)]
struct Way {
    through: Through,
    /// Pause and step multiplier of the collector; none if it stands still but for `collectgarbage`.
    pace: Option<(i32, i32)>,
    /// After how many instructions, again and again, the heap is checked.
    check: Option<i32>,
    instructions: Option<u64>,
}

impl Way {
    /// As programs are mostly run.
    const PLAIN: Self = Self { through: Through::Compiler, pace: Some((200, 200)), check: None, instructions: None };
}

/// The result of an oracle: what is wrong, in words.
pub type Verdict = Result<(), String>;

/// The names of the oracles that [`by_name`] knows.
pub const NAMES: [&str; 7] = ["dump", "heap", "pace", "zeal", "failures", "limits", "differential"];

/// Asks the oracle of a name, with another interpreter for that which needs one; an unknown name is a fault.
///
/// # Errors
/// What is wrong.
pub fn by_name(name: &str, source: &str, other: &mut dyn Interpreter) -> Verdict {
    match name {
        "dump" => survives_dump(source),
        "heap" => keeps_its_heap_whole(source),
        "pace" => is_the_same_at_any_pace(source, 1),
        "zeal" => survives_zeal(source, 1),
        "failures" => survives_failures(source, 37),
        "limits" => keeps_to_limits(source, 1),
        "differential" => agrees(source, &mut reference::Perilune, other),
        _ => Err(format!("there is no oracle {name}")),
    }
}

/// Gathers a dumped function.
struct Bytes(Vec<u8>);

impl ChunkWriter for Bytes {
    fn write(&mut self, _: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend(bytes);
        Ok(())
    }
}

/// The precompiled chunk of the function on top.
fn dump(lua: &mut LuaState, strip: bool) -> Result<Vec<u8>, Status> {
    let mut bytes = Bytes(Vec::new());
    match lua.dump(&mut bytes, strip) {
        Ok(_) => Ok(bytes.0),
        Err(thrown) => {
            let status = thrown.status();
            lua.error_to_top(thrown);
            Err(status)
        }
    }
}

/// Loads a source in a certain way; what it gives, or the error, is on top.
fn load(lua: &mut LuaState, source: &[u8], through: Through) -> Status {
    let status = lua.load_bytes(source, b"=script", LoadMode::TEXT);
    let Through::Dump { strip } = through else { return status };
    if status != Status::Ok {
        return status;
    }
    match dump(lua, strip) {
        Ok(chunk) => {
            lua.pop(1);
            lua.load_bytes(&chunk, b"=script", LoadMode::BINARY)
        }
        Err(status) => status,
    }
}

/// Checks the heap.
fn check_heap(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    testing::check_memory(lua);
    Ok(())
}

/// What a run in a state comes to. `ready` is called when the libraries are open.
fn run_in(lua: &mut LuaState, source: &[u8], way: Way, ready: impl FnOnce()) -> Outcome {
    let none = Outcome { end: End::OutOfMemory, output: String::new(), error: String::new() };
    if reference::prepare(lua).is_err() {
        return none;
    }
    match way.pace {
        Some((pause, step_mul)) => {
            lua.gc_set_pause(pause);
            lua.gc_set_step_mul(step_mul);
        }
        None => lua.gc_stop(),
    }
    reference::set_budget(lua, way.instructions);
    if let Some(count) = way.check {
        lua.set_hook(Some(check_heap), MASK_COUNT, count);
    }
    ready();
    let mut status = load(lua, source, way.through);
    if status == Status::Ok {
        status = lua.pcall(0, 0, 0);
    }
    lua.set_hook(None, 0, 0);
    let error = if status == Status::Ok { String::new() } else { reference::error_text(lua) };
    testing::check_memory(lua);
    let end = match status {
        _ if reference::is_out_of_budget() => End::OutOfBudget,
        Status::Ok => End::Done,
        Status::ErrSyntax => End::SyntaxError,
        Status::ErrMem => End::OutOfMemory,
        _ => End::RuntimeError,
    };
    Outcome { end, output: String::new(), error }
}

/// What a run comes to, in a state of its own on an allocator, until the state is closed.
fn run<A: LuaAlloc>(alloc: A, source: &str, way: Way, ready: impl FnOnce()) -> Outcome {
    reference::take_output();
    let outcome = match Lua::with_seed(alloc, 1) {
        Ok(mut lua) => run_in(&mut lua, source.as_bytes(), way, ready),
        Err(_) => Outcome { end: End::OutOfMemory, output: String::new(), error: String::new() },
    };
    Outcome { output: reference::take_output(), ..outcome }
}

/// What a source comes to when nothing special is done.
pub fn plain(source: &str) -> Outcome {
    run(Limit::new(System, Limits::ENDING.memory), source, Way::PLAIN, || ())
}

/// Says where a run in another way came to something else.
fn same(how: &str, plain: &Outcome, other: &Outcome, source: &str) -> Verdict {
    match plain.difference(other) {
        None => Ok(()),
        Some(difference) => Err(format!("{how}: {difference}\nof\n{source}")),
    }
}

/// Two interpreters come to the same.
///
/// # Errors
/// What is different.
pub fn agrees(source: &str, ours: &mut dyn Interpreter, other: &mut dyn Interpreter) -> Verdict {
    let expected = other.run(source.as_bytes(), Limits::default());
    // How deep calls may be nested differs by design (COMPATIBILITY.md).
    if !expected.is_result() || [&expected.output, &expected.error].iter().any(|text| text.contains("C stack overflow"))
    {
        return Ok(());
    }
    let found = ours.run(source.as_bytes(), Limits::ENDING);
    same(&format!("{} against {}", ours.name(), other.name()), &found, &expected, source)
}

/// A source gives the same when it has been dumped and loaded again, with debug information and without. A chunk that is loaded and dumped
/// is the same, byte by byte.
///
/// # Errors
/// What is different.
pub fn survives_dump(source: &str) -> Verdict {
    let plain = plain(source);
    if plain.end == End::SyntaxError {
        return Ok(());
    }
    let dumped = run(System, source, Way { through: Through::Dump { strip: false }, ..Way::PLAIN }, || ());
    same("dumped", &plain, &dumped, source)?;
    let stripped = run(System, source, Way { through: Through::Dump { strip: true }, ..Way::PLAIN }, || ());
    if plain.is_result() && plain.end != stripped.end {
        return Err(format!(
            "stripped: {:?} {} instead of {:?}\nof\n{source}",
            stripped.end, stripped.error, plain.end
        ));
    }
    // Without lines and names, messages are different.
    if ![&plain.output, &plain.error].iter().any(|text| text.contains("script:")) {
        same("stripped", &plain, &stripped, source)?;
    }
    for strip in [false, true] {
        let first = chunk_of(source.as_bytes(), LoadMode::TEXT, strip)?;
        if first != chunk_of(&first, LoadMode::BINARY, strip)? {
            return Err(format!("the chunk changes when it is loaded and dumped (strip: {strip})\nof\n{source}"));
        }
    }
    Ok(())
}

/// The precompiled chunk of a chunk.
fn chunk_of(chunk: &[u8], mode: LoadMode<'_>, strip: bool) -> Result<Vec<u8>, String> {
    let mut lua = Lua::with_seed(System, 1).map_err(|_| "no state")?;
    match lua.load_bytes(chunk, b"=script", mode) {
        Status::Ok => dump(&mut lua, strip).map_err(|status| format!("{status:?}")),
        _ => Err(reference::error_text(&mut lua)),
    }
}

/// A program in another layout compiles to the same instructions.
///
/// # Errors
/// What is different.
pub fn compiles_the_same_in_any_layout(program: &Program, seed: u64) -> Verdict {
    // Both in one line, as the lines of functions are in the chunk.
    let sources = [program::print(program).replace('\n', " "), program::print_varied(program, seed).replace('\n', " ")];
    let [plain, varied] = sources.each_ref().map(|source| chunk_of(source.as_bytes(), LoadMode::TEXT, true));
    if plain == varied {
        return Ok(());
    }
    let words =
        |result: Result<Vec<u8>, String>| result.map_or_else(|text| text, |chunk| format!("{} bytes", chunk.len()));
    Err(format!("{} against {}\nof\n{program}\nand\n{}", words(plain), words(varied), sources[1]))
}

/// The heap is whole while a source runs, and nothing is left of it afterwards; with a hook it gives the same as without.
///
/// # Errors
/// What is wrong.
pub fn keeps_its_heap_whole(source: &str) -> Verdict {
    let memory = Checking::recording(System);
    let outcome = run(&memory, source, Way { check: Some(97), ..Way::PLAIN }, || ());
    is_clean(&memory, "a run", source)?;
    same("with a hook that checks the heap", &plain(source), &outcome, source)
}

/// Whether a state has kept the allocator's contract, and has freed all.
fn is_clean<A: LuaAlloc>(memory: &Checking<A>, how: &str, source: &str) -> Verdict {
    match (memory.violations().first(), memory.leaks().blocks) {
        (None, 0) => Ok(()),
        (Some(violation), _) => Err(format!("{how}: {violation}\nof\n{source}")),
        (None, _) => Err(format!("{how}: {}\nof\n{source}", memory.leaks())),
    }
}

/// A source gives the same with the collector standing still, with one that is always at work, and at a random pace.
///
/// # Errors
/// What is different.
pub fn is_the_same_at_any_pace(source: &str, seed: u64) -> Verdict {
    let expected = run(Limit::new(System, Limits::ENDING.memory), source, Way { pace: None, ..Way::PLAIN }, || ());
    let mut random = crate::random::Random::new(seed);
    let drawn = (random.below(300) as i32, 40 + random.below(1000) as i32);
    for pace in [(0, 200), (200, 1_000_000), drawn] {
        let outcome = run(System, source, Way { pace: Some(pace), ..Way::PLAIN }, || ());
        same(&format!("with pause and step multiplier {pace:?}"), &expected, &outcome, source)?;
    }
    Ok(())
}

/// A source gives the same when each request for memory, or every so-manieth, collects all garbage first, blocks move whenever they are resized,
/// and what has been freed is overwritten.
///
/// # Errors
/// What is different.
pub fn survives_zeal(source: &str, every: u64) -> Verdict {
    let memory = Zealous::new(every);
    let outcome = run(&memory, source, Way::PLAIN, || memory.arm());
    same("with a collection at each allocation", &plain(source), &outcome, source)
}

/// A source gives the same when one request for memory fails, which a collection mends; and when memory ends for good, the state is whole.
/// Each `step`-th request is tried both ways. Nothing is left allocated in any case.
///
/// # Errors
/// What is different.
pub fn survives_failures(source: &str, step: u64) -> Verdict {
    let expected = plain(source);
    let counter = FailOnce::new(System, 0);
    // Before the libraries are open there may not be enough that a collection could free.
    let from = Cell::new(0);
    run(&counter, source, Way::PLAIN, || from.set(counter.count()));
    let requests = counter.count() - from.get();
    let mut n = 1 + requests % step.max(1);
    while n <= requests {
        let memory = Checking::recording(FailOnce::new(System, 0));
        let outcome = run(&memory, source, Way::PLAIN, || memory.inner().arm(n));
        let how = format!("with the {n}th request refused");
        is_clean(&memory, &how, source)?;
        same(&how, &expected, &outcome, source)?;
        let memory = Checking::recording(FailAfter::new(System, 0));
        run(&memory, source, Way::PLAIN, || memory.inner().arm(n));
        is_clean(&memory, &format!("with all requests refused from the {n}th on"), source)?;
        n += step.max(1);
    }
    Ok(())
}

/// A source that is limited in instructions or in memory gives the same or is ended, and never uses more.
///
/// # Errors
/// What is wrong.
pub fn keeps_to_limits(source: &str, seed: u64) -> Verdict {
    let expected = plain(source);
    let mut random = crate::random::Random::new(seed);
    for _ in 0..3 {
        let instructions = 1 + random.below(20_000) as u64;
        let outcome = run(System, source, Way { instructions: Some(instructions), ..Way::PLAIN }, || ());
        same(&format!("with {instructions} instructions"), &expected, &outcome, source)?;
        // With plenty of them it ends by itself.
        let outcome = run(System, source, Way { instructions: Some(1 << 40), ..Way::PLAIN }, || ());
        if outcome.end == End::OutOfBudget {
            return Err(format!("the budget cannot be used up\nof\n{source}"));
        }
        let counter = perilune_alloc_adapters::Counting::new(Limit::new(System, usize::MAX));
        let room = random.below(20_000);
        let outcome = run(&counter, source, Way::PLAIN, || counter.inner().set_limit(counter.inner().used() + room));
        if counter.inner().used() > 0 {
            return Err(format!("{} bytes are left after a limit of {room}\nof\n{source}", counter.inner().used()));
        }
        if counter.stats().failures == 0 {
            same(&format!("with {room} bytes more"), &expected, &outcome, source)?;
        }
    }
    Ok(())
}
