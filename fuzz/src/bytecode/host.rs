//! The state in which a chunk of unknown intent is run: little memory, few instructions, and everything is checked.

use std::cell::Cell;

use perilune_alloc_adapters::{Checking, Limit, System};
use perilune_vm::{
    HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, MULTRET, NativeFn, Status, list, testing,
};

use crate::host::{PATIENCE, end};
use crate::oracle::is_clean;
use crate::watch::watched;

/// How much a chunk may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many instructions each of its threads may take, about.
    pub instructions: i32,
    /// How many bytes its state may have.
    pub bytes: usize,
    /// A mask of hooks (call, return, line) that look at everything when they are called.
    pub hooks: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self { instructions: 2000, bytes: 1 << 20, hooks: 0 }
    }
}

/// What became of a chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The program does not compile.
    NoProgram,
    /// The chunk was refused, with this message.
    Refused(String),
    /// It ran, and ended so.
    Ran(Status),
}

thread_local! {
    /// How often hooks look at things yet.
    static LOOKS: Cell<u32> = const { Cell::new(0) };
    /// Whether a run has taken all its instructions.
    static IS_SPENT: Cell<bool> = const { Cell::new(false) };
}

/// After the last instruction each one more raises the error again, so that catching it helps nobody. The other events look at
/// everything that a debugger would.
fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    if event.kind == perilune_vm::HookKind::Count {
        IS_SPENT.set(true);
        let (_, mask, _) = lua.get_hook();
        lua.set_hook(Some(hook), mask, 1);
        return Err(lua.raise(format_args!("too many instructions")));
    }
    if LOOKS.get() == 0 {
        return Ok(());
    }
    LOOKS.set(LOOKS.get() - 1);
    let top = lua.get_top();
    lua.get_info("nSltufL", Some(event.activation))?;
    lua.set_top(top)?;
    let mut n = 1;
    while n < 30 && lua.get_local(Some(event.activation), n)?.is_some() {
        lua.set_top(top)?;
        n += 1;
    }
    n = -1;
    while n > -10 && lua.get_local(Some(event.activation), n)?.is_some() {
        lua.set_top(top)?;
        n -= 1;
    }
    lua.set_top(top)
}

/// The message handler: a traceback, which asks for names and lines.
fn handler(lua: &mut LuaState) -> LuaResult<usize> {
    let message = lua.str_at(1).unwrap_or(b"no string").to_vec();
    lua.traceback(None, Some(&message), 0)?;
    Ok(1)
}

/// `emit (···)`: takes a result as text.
fn emit(lua: &mut LuaState) -> LuaResult<usize> {
    for at in 1..=lua.get_top() {
        lua.push_tostring(at)?;
        lua.pop(1);
    }
    Ok(0)
}

/// `check ()`: checks the heap.
fn check(lua: &mut LuaState) -> LuaResult<usize> {
    if LOOKS.get() > 0 {
        LOOKS.set(LOOKS.get() - 1);
        testing::check_memory(lua);
    }
    Ok(0)
}

/// The libraries of a chunk, but what takes other files, and what takes long without an instruction.
const LIBRARIES: [(&str, NativeFn); 7] = [
    ("_G", perilune_stdlib::open_base),
    ("coroutine", perilune_stdlib::open_coroutine),
    ("table", perilune_stdlib::open_table),
    ("string", perilune_stdlib::open_string),
    ("math", perilune_stdlib::open_math),
    ("utf8", perilune_stdlib::open_utf8),
    ("debug", perilune_stdlib::open_debug),
];
const LEFT_OUT: [(&str, &[&str]); 3] = [
    ("_G", &["dofile", "loadfile", "print", "collectgarbage"]),
    ("table", &["move", "sort"]),
    ("debug", &["sethook", "debug"]),
];

fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    for (name, open) in LIBRARIES {
        lua.require_f(name, open, true)?;
        lua.set_top(0)?;
    }
    for (library, names) in LEFT_OUT {
        lua.get_global(library)?;
        for name in names {
            lua.push_nil()?;
            lua.set_field(-2, name)?;
        }
        lua.set_top(0)?;
    }
    lua.register("emit", emit)?;
    lua.register("print", emit)?;
    lua.register("check", check)
}

/// Loads a chunk that came from who knows where, and runs it if it is accepted. If it has come to its end within its instructions, it runs
/// once more as chunks do elsewhere: without a hook, which keeps handlers from their quicker ways.
///
/// # Errors
/// A text that says what harm was found afterwards. Worse harm ends the process.
///
/// # Panics
/// The heap is not whole.
pub fn load_and_run(bytes: &[u8], limits: Limits) -> Result<Verdict, String> {
    IS_SPENT.set(false);
    let verdict = load_and_run_once(bytes, limits, true)?;
    if matches!(verdict, Verdict::Ran(_)) && !IS_SPENT.get() {
        load_and_run_once(bytes, limits, false)?;
    }
    Ok(verdict)
}

/// One run, with hooks or without.
fn load_and_run_once(bytes: &[u8], limits: Limits, hooked: bool) -> Result<Verdict, String> {
    let memory = Limit::new(Checking::recording(System), usize::MAX);
    let verdict = {
        let mut lua = Lua::with_seed(&memory, 1).map_err(|_| "no state")?;
        prepare(&mut lua).map_err(|_| "no libraries")?;
        memory.set_limit(memory.used() + limits.bytes);
        LOOKS.set(200);
        let verdict = load(&mut lua, bytes, hooked.then_some(limits));
        LOOKS.set(0);
        testing::check_memory(&lua);
        if lua.gc_collect().is_ok() {
            testing::check_memory(&lua);
        }
        verdict?
    };
    is_clean(memory.inner()).map(|()| verdict)
}

/// Loads and runs a chunk, with hooks if there are limits for them.
fn load(lua: &mut LuaState, bytes: &[u8], hooks: Option<Limits>) -> Result<Verdict, String> {
    lua.push_native(handler).map_err(|_| "no handler")?;
    let status = lua.load_bytes(bytes, b"=chunk", LoadMode::BINARY);
    if status != Status::Ok {
        let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"no message")).into_owned();
        let is_clear = match status {
            Status::ErrSyntax => message.contains("chunk"),
            Status::ErrMem => true,
            _ => false,
        };
        return if is_clear { Ok(Verdict::Refused(message)) } else { Err(format!("{status:?} {message}")) };
    }
    // What is accepted can be listed, and dumped; and that is accepted as well.
    let mut listing = String::new();
    list(lua, &mut listing, true).map_err(|_| "it cannot be listed")?;
    if let Ok(again) = super::dump(lua, false) {
        match lua.load_bytes(&again, b"=chunk", LoadMode::BINARY) {
            Status::Ok | Status::ErrMem => {}
            status => {
                let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
                return Err(format!("when it is dumped it is refused: {status:?} {message}"));
            }
        }
        lua.pop(1);
    }
    lua.push_integer(7).and_then(|()| lua.push_str("argument")).map_err(|_| "no arguments")?;
    let mut status = Status::Ok;
    if let Some(limits) = hooks {
        lua.set_hook(Some(hook), MASK_COUNT | limits.hooks, limits.instructions);
        status = lua.pcall(2, MULTRET, 1);
        lua.set_hook(None, 0, 0);
    } else {
        watched([Some(lua.interrupter()), None], PATIENCE, end, || status = lua.pcall(2, MULTRET, 1));
    }
    Ok(Verdict::Ran(status))
}
