//! Oracles over programs: each runs a source in two ways that must come to the same, and says in words where they did not.
//!
//! Sources are those of [generated programs](crate::program), or any others that end, and whose output does not depend on when objects are
//! collected. If the run that is compared with is ended by [limits](Limits), nothing is known; if it comes to a result, the other one must, too.

mod memory;
mod names;

use std::cell::Cell;
use std::collections::HashMap;

use perilune_alloc_adapters::{Checking, Counting, FailAfter, FailOnce, Limit, LuaAlloc, System};
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, Status, testing};

use crate::bytecode;
use crate::library::quoted;
use crate::program::{self, Program, layout};
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
    /// How many instructions it may execute, exactly.
    instructions: Option<u64>,
}

impl Way {
    /// As programs are mostly run.
    const PLAIN: Self = Self { through: Through::Compiler, pace: Some((200, 200)), check: None, instructions: None };
}

/// The result of an oracle: what is wrong, in words.
pub type Verdict = Result<(), String>;

/// The names of the oracles that [`by_name`] knows.
pub const NAMES: [&str; 10] =
    ["compile", "dump", "lines", "heap", "pace", "zeal", "failures", "limits", "differential", "stripped"];

/// Asks the oracle of a name, with another interpreter for that which needs one; an unknown name is a fault.
///
/// # Errors
/// What is wrong.
pub fn by_name(name: &str, source: &str, other: &mut dyn Interpreter) -> Verdict {
    match name {
        "compile" => compiles_alike(source, &mut reference::Perilune, other),
        "dump" => survives_dump(source),
        "lines" => keeps_its_lines(source, 1),
        "heap" => keeps_its_heap_whole(source),
        "pace" => is_the_same_at_any_pace(source, 1),
        "zeal" => survives_zeal(source, 1),
        "failures" => survives_failures(source, 37),
        "limits" => keeps_to_limits(source, 1),
        "differential" => agrees(source, &mut reference::Perilune, other),
        "stripped" => agrees(&stripped(source), &mut reference::Perilune, other),
        _ => Err(format!("there is no oracle {name}")),
    }
}

/// Loads a source in a certain way; what it gives, or the error, is on top.
fn load(lua: &mut LuaState, source: &[u8], through: Through) -> Status {
    let status = lua.load_bytes(source, b"=script", LoadMode::TEXT);
    let Through::Dump { strip } = through else { return status };
    if status != Status::Ok {
        return status;
    }
    match bytecode::dump(lua, strip) {
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
    reference::set_budget(lua, way.instructions, 1);
    if let Some(count) = way.check {
        lua.set_hook(Some(check_heap), MASK_COUNT, count);
    }
    ready();
    let mut status = load(lua, source, way.through);
    if status == Status::Ok {
        status = reference::run_to_end(lua);
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

/// Says where a run in another way came to something else, or to nothing at all.
fn same(how: &str, plain: &Outcome, other: &Outcome, source: &str) -> Verdict {
    let difference = match plain.difference(other) {
        None if plain.is_result() && !other.is_result() => format!("{:?} against {:?}", plain.end, other.end),
        None => return Ok(()),
        Some(difference) => difference,
    };
    Err(format!("{how}: {difference}\nof\n{source}"))
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
    let mut outcomes = [expected, ours.run(source.as_bytes(), Limits::ENDING)];
    let how = format!("{} against {}", other.name(), ours.name());
    same(&how, &outcomes[0], &outcomes[1], source).or_else(|_| {
        let causes = names::Causes::of(source);
        for outcome in &mut outcomes {
            outcome.output = causes.without_names(&outcome.output);
            outcome.error = causes.without_names(&outcome.error);
        }
        same(&how, &outcomes[0], &outcomes[1], source)
    })
}

/// Two interpreters say the same about a source: that it compiles, or why not.
///
/// # Errors
/// What is different.
pub fn compiles_alike(source: &str, ours: &mut dyn Interpreter, other: &mut dyn Interpreter) -> Verdict {
    agrees(&format!("print(load({}, '=script'))\n", quoted(source.as_bytes())), ours, other)
        .map_err(|fault| format!("{fault}\nwhich is\n{source}"))
}

/// A source that does the same when it has been dumped without its debug information, and loaded again: what messages say then is for
/// [`agrees`] to compare.
pub fn stripped(source: &str) -> String {
    let source = quoted(source.as_bytes());
    format!(
        "local f = assert(load({source}, '=script'))\nreturn assert(load(string.dump(f, true), '=script', 'b'))(...)\n"
    )
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
    // Without lines and names, messages are different; `stripped` is a way to compare them.
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
        Status::Ok => bytecode::dump(&mut lua, strip).map_err(|status| format!("{status:?}")),
        _ => Err(reference::error_text(&mut lua)),
    }
}

/// A program in another layout compiles to the same instructions.
///
/// # Errors
/// What is different.
pub fn compiles_the_same_in_any_layout(program: &Program, seed: u64) -> Verdict {
    let sources = [program::print(program), program::print_varied(program, seed)];
    let [plain, varied] = sources.each_ref().map(|source| compiled(source, true, |_| 0));
    if plain? == varied? {
        return Ok(());
    }
    Err(format!("another layout has other instructions\nof\n{}\nand\n{}", sources[0], sources[1]))
}

/// A source compiles to the same instructions with its tokens on other lines, and everything that has a line has that of the same token.
///
/// # Errors
/// What is different.
pub fn keeps_its_lines(source: &str, seed: u64) -> Verdict {
    let (single, varied) = (layout::one_to_a_line(source), layout::varied(source, seed));
    let lines: HashMap<i32, i32> = single.lines.iter().copied().zip(varied.lines).chain([(0, 0)]).collect();
    // Copied conditions have negative distances in the place of lines.
    let of_token = |line: i32| if line < 0 { line } else { lines.get(&line).copied().unwrap_or(i32::MIN) };
    let expected = compiled(&single.text, false, of_token)?;
    let found = compiled(&varied.text, false, |line| line)?;
    if expected == found {
        return Ok(());
    }
    let differs = |(a, b): (&bytecode::chunk::Function, &bytecode::chunk::Function)| {
        (a != b).then(|| format!("{:?} {:?} against {:?} {:?}", a.defined, a.lines, b.defined, b.lines))
    };
    let first = expected.functions().into_iter().zip(found.functions()).find_map(differs);
    Err(format!("on other lines: {}\nof\n{}", first.unwrap_or_default(), varied.text))
}

/// The chunk of a source with other numbers for its lines.
fn compiled(source: &str, strip: bool, mut line: impl FnMut(i32) -> i32) -> Result<bytecode::chunk::Chunk, String> {
    let bytes = chunk_of(source.as_bytes(), LoadMode::TEXT, strip)?;
    let mut chunk = bytecode::chunk::Chunk::read(&bytes).ok_or("its chunk cannot be read")?;
    for number in 0..chunk.function_count() {
        let function = chunk.function_mut(number);
        function.lines.iter_mut().chain(&mut function.defined).for_each(|place| *place = line(*place));
    }
    Ok(chunk)
}

/// The heap is whole while a source runs and the collector is always in the midst of something, and nothing is left of it afterwards;
/// with a hook it gives the same as without.
///
/// # Errors
/// What is wrong.
pub fn keeps_its_heap_whole(source: &str) -> Verdict {
    let memory = Checking::recording(System);
    let outcome = run(&memory, source, Way { check: Some(97), pace: Some((0, 100)), ..Way::PLAIN }, || ());
    is_clean_after(&memory, "a run", source)?;
    same("with a hook that checks the heap", &plain(source), &outcome, source)
}

/// Whether what has been closed has kept the allocator's contract, and has freed all.
pub(crate) fn is_clean<A: LuaAlloc>(memory: &Checking<A>) -> Verdict {
    match (memory.violations().first(), memory.leaks()) {
        (Some(violation), _) => Err(format!("the allocation contract was broken: {violation}")),
        (None, leaks) if leaks.blocks > 0 => Err(leaks.to_string()),
        _ => Ok(()),
    }
}

/// The same after a run of a source.
fn is_clean_after<A: LuaAlloc>(memory: &Checking<A>, how: &str, source: &str) -> Verdict {
    is_clean(memory).map_err(|fault| format!("{how}: {fault}\nof\n{source}"))
}

/// What a source comes to when requests for memory fail: as without that, or a memory error, unless the source catches it.
fn is_end_of_memory(how: &str, plain: &Outcome, other: &Outcome, source: &str) -> Verdict {
    const MESSAGE: &str = "not enough memory";
    let is_it = match other.end {
        End::OutOfMemory => other.error == MESSAGE,
        _ => other.output.contains(MESSAGE) || other.error.contains(MESSAGE),
    };
    if is_it { Ok(()) } else { same(how, plain, other, source) }
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
        is_clean_after(&memory, &how, source)?;
        same(&how, &expected, &outcome, source)?;
        let memory = Checking::recording(FailAfter::new(System, 0));
        let outcome = run(&memory, source, Way::PLAIN, || memory.inner().arm(n));
        let how = format!("with all requests refused from the {n}th on");
        is_clean_after(&memory, &how, source)?;
        is_end_of_memory(&how, &expected, &outcome, source)?;
        n += step.max(1);
    }
    Ok(())
}

/// A source that is limited in instructions or in memory gives the same or is ended, and never uses more.
///
/// # Errors
/// What is wrong.
pub fn keeps_to_limits(source: &str, seed: u64) -> Verdict {
    const PLENTY: u64 = 1 << 40;
    let expected = plain(source);
    let mut random = crate::random::Random::new(seed);
    let limited = |instructions| run(System, source, Way { instructions: Some(instructions), ..Way::PLAIN }, || ());
    same("with its instructions counted", &expected, &limited(PLENTY), source)?;
    let executed = PLENTY as i64 - reference::budget();
    for _ in 0..3 {
        // Not nearly all, as some of them follow from where objects lie in memory: orders of traversal do, and with them the work of sorting.
        let few = 1 + random.below(executed as usize / 2) as u64;
        let outcome = limited(few);
        if executed > 1 && outcome.end != End::OutOfBudget {
            return Err(format!("{few} instructions of {executed} were enough: {:?}\nof\n{source}", outcome.end));
        }
        let counter = Counting::new(Limit::new(System, usize::MAX));
        let room = random.below(20_000);
        let before = Cell::new(0);
        let outcome = run(&counter, source, Way::PLAIN, || {
            before.set(counter.peak_bytes());
            counter.inner().set_limit(counter.inner().used() + room);
        });
        if counter.peak_bytes() > counter.inner().limit().max(before.get()) || counter.inner().used() > 0 {
            let (most, left) = (counter.peak_bytes(), counter.inner().used());
            return Err(format!("{most} bytes at once, {left} are left, with {room} more\nof\n{source}"));
        }
        let how = format!("with {room} bytes more");
        match counter.stats().failures {
            0 => same(&how, &expected, &outcome, source)?,
            _ => is_end_of_memory(&how, &expected, &outcome, source)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_should_have_come_to_a_result_is_noticed() {
        let outcome = |end, error: &str| Outcome { end, output: String::new(), error: error.into() };
        let done = outcome(End::Done, "");
        for end in [End::OutOfMemory, End::OutOfBudget, End::RuntimeError] {
            assert!(same("in another way", &done, &outcome(end, "not enough memory"), "").is_err());
        }
        assert_eq!(same("in another way", &outcome(End::OutOfMemory, ""), &done, ""), Ok(()));
        let ended = |outcome: &Outcome| is_end_of_memory("without memory", &done, outcome, "");
        assert_eq!(ended(&outcome(End::OutOfMemory, "not enough memory")), Ok(()));
        assert!(ended(&outcome(End::OutOfMemory, "")).is_err());
        assert!(ended(&outcome(End::RuntimeError, "attempt to call a nil value")).is_err());
    }

    #[test]
    fn a_line_of_another_token_is_noticed() {
        let source = "local a = 1 + x\nreturn a";
        let compiled = |shift| compiled(source, false, |line| line + shift).expect("it compiles");
        assert_ne!(compiled(0), compiled(1));
        assert_eq!(keeps_its_lines(source, 3), Ok(()));
        assert!(keeps_its_lines("local = 1", 3).is_err());
    }
}
