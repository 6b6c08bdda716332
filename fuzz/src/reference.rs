//! Interpreters as oracles see them: something that runs a source within limits and tells what came of it.
//!
//! [`Perilune`] is ours. Another one takes part by implementing [`Interpreter`]; that of the reference implementation is in
//! `tests/common/reference.rs` of this crate, as it is C. Both give a script all standard libraries and take down what it writes with
//! `print` and `io.write`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use perilune_alloc_adapters::{Limit, LuaAlloc, OldSize, System};
use perilune_vm::{
    HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, REGISTRY_INDEX, RIDX_MAIN_THREAD, Status,
};

use crate::watch::watched;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The script ran to its end.
    Done,
    /// It does not compile.
    SyntaxError,
    /// It raised an error.
    RuntimeError,
    /// It made more steps than it may. What it did until then says nothing, as interpreters count differently.
    OutOfBudget,
    /// It wanted more memory than it may have. What it did until then says nothing, as objects have different sizes.
    OutOfMemory,
}

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What it printed, made [comparable](readable).
    pub output: String,
    /// The error's text, made comparable; empty without an error.
    pub error: String,
}

impl Outcome {
    /// Whether it says something about the script: a run that was ended from outside does not.
    pub const fn is_result(&self) -> bool {
        !matches!(self.end, End::OutOfBudget | End::OutOfMemory)
    }

    /// In words, where two outcomes differ; `None` if they are the same, or if one is no result.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other || !self.is_result() || !other.is_result() {
            return None;
        }
        let mut text = String::new();
        if (self.end, &self.error) != (other.end, &other.error) {
            text = format!("{:?} {:?} against {:?} {:?}", self.end, self.error, other.end, other.error);
        }
        let mut lines = self.output.lines().zip(other.output.lines()).enumerate();
        let separator = if text.is_empty() { "" } else { "; " };
        match lines.find(|(_, (a, b))| a != b) {
            Some((at, (a, b))) => text += &format!("{separator}line {}: {a:?} against {b:?}", at + 1),
            None if self.output != other.output => {
                let (a, b) = (self.output.lines().count(), other.output.lines().count());
                text += &format!("{separator}{a} lines against {b}");
            }
            None => {}
        }
        Some(text)
    }
}

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many instructions it may execute, roughly. Without a limit it runs without a hook, which is how scripts run elsewhere.
    pub instructions: Option<u64>,
    /// How many bytes may be live at once.
    pub memory: usize,
}

impl Default for Limits {
    /// A million instructions and 64 MiB.
    fn default() -> Self {
        Self { instructions: Some(1_000_000), memory: 64 << 20 }
    }
}

impl Limits {
    /// No limit for instructions, for scripts that are known to end.
    pub const ENDING: Self = Self { instructions: None, memory: 64 << 20 };
}

/// What runs scripts.
pub trait Interpreter {
    /// What messages call it.
    fn name(&self) -> &str;

    /// Runs a chunk called `=script` in a state of its own, which has all standard libraries.
    fn run(&mut self, source: &[u8], limits: Limits) -> Outcome;
}

/// Bytes as comparable text: the digits of addresses are taken out, and bytes that are no printable ASCII become escapes.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'0' if bytes.get(at) == Some(&b'x') => {
                let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                text.push('0');
                // Short ones are numbers.
                if digits > 6 {
                    text.push_str("x…");
                    at += 1 + digits;
                }
            }
            b'\n' | b'\t' | b' '..=b'~' => text.push(byte.into()),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// The text that stands for an error which is no string.
pub fn error_of_type(name: &str) -> String {
    format!("(error object is a {name} value)")
}

/// How many instructions lie between two looks at the budget.
pub const STEP: i32 = 1000;

/// The error that is raised when the budget is used up, again and again, as a script may catch it.
pub const OUT_OF_BUDGET: &str = "out of budget";

thread_local! {
    /// What the script of this thread has printed. It is the host's memory, as a terminal's would be.
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// How many instructions are left.
    static BUDGET: Cell<i64> = const { Cell::new(0) };
}

/// Writes all arguments as `tostring` gives them.
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    for arg in 1..=lua.get_top() {
        lua.push_tostring(arg)?;
        OUTPUT.with_borrow_mut(|output| {
            output.extend(if arg > 1 { b"\t".as_slice() } else { b"" });
            output.extend(lua.str_at(-1).unwrap_or_default());
        });
        lua.pop(1);
    }
    OUTPUT.with_borrow_mut(|output| output.push(b'\n'));
    Ok(0)
}

/// Writes strings and numbers.
pub(crate) fn write(lua: &mut LuaState) -> LuaResult<usize> {
    for arg in 1..=lua.get_top() {
        lua.check_str(arg)?;
        OUTPUT.with_borrow_mut(|output| output.extend(lua.str_at(arg).unwrap_or_default()));
    }
    Ok(0)
}

/// Opens the libraries and puts in what takes down the output.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    perilune_stdlib::open_libs(lua)?;
    lua.register("print", print)?;
    lua.get_global("io")?;
    lua.push_native(write)?;
    lua.set_field(-2, "write")?;
    lua.set_top(0)
}

/// Takes what was printed since the last time.
pub(crate) fn take_output() -> String {
    readable(&OUTPUT.take())
}

/// Counts instructions, and raises an error when there have been too many.
fn count(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    let (_, _, step) = lua.get_hook();
    let left = BUDGET.get() - i64::from(step);
    BUDGET.set(left);
    if left > 0 {
        return Ok(());
    }
    // From now on each instruction fails, so that also that one does which called what caught the error.
    lua.set_hook(Some(count), MASK_COUNT, 1);
    Err(lua.raise(format_args!("{OUT_OF_BUDGET}")))
}

/// Limits how many instructions a state executes from now on; each thread counts them in steps of so many.
pub(crate) fn set_budget(lua: &mut LuaState, instructions: Option<u64>, step: i32) {
    BUDGET.set(instructions.map_or(i64::MAX, |n| i64::try_from(n).unwrap_or(i64::MAX)));
    if instructions.is_some() {
        lua.set_hook(Some(count), MASK_COUNT, step);
    }
}

/// When a run takes longer than any that ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Uses up all instructions: those of the running thread, and of the main thread, whose hook each new one gets.
fn expire(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    BUDGET.set(0);
    lua.raw_get_i(REGISTRY_INDEX, RIDX_MAIN_THREAD)?;
    if let Some(main) = lua.to_thread(-1) {
        // SAFETY: the registry keeps it.
        unsafe { main.state() }.set_hook(Some(count), MASK_COUNT, 1);
    }
    lua.pop(1);
    count(lua, event)
}

/// Calls the function on top in protected mode. Scripts whose instructions are not limited are known to end; if a fault keeps one from it,
/// it counts as one that has used up all instructions, instead of holding up the tests without a word.
pub(crate) fn run_to_end(lua: &mut LuaState) -> Status {
    run_within(lua, PATIENCE)
}

fn run_within(lua: &mut LuaState, patience: Duration) -> Status {
    let mut status = Status::Ok;
    watched([Some(lua.interrupter()), None], patience, expire, || status = lua.pcall(0, 0, 0));
    status
}

/// How many instructions are left.
pub(crate) fn budget() -> i64 {
    BUDGET.get()
}

/// Whether the instructions were used up.
pub(crate) fn is_out_of_budget() -> bool {
    budget() <= 0
}

/// The text of the error on top.
pub(crate) fn error_text(lua: &mut LuaState) -> String {
    match lua.to_str(-1) {
        Ok(Some(_)) => readable(lua.str_at(-1).unwrap_or_default()),
        _ => error_of_type(lua.type_name_at(-1)),
    }
}

/// Passes calls on, and remembers whether one was refused.
struct Refusals<'a> {
    limit: Limit<System>,
    refused: &'a Cell<bool>,
}

// SAFETY: every call is forwarded as it is (C2).
unsafe impl LuaAlloc for Refusals<'_> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let block = unsafe { self.limit.realloc(ptr, osize, nsize) };
        if nsize != 0 && block.is_null() {
            self.refused.set(true);
        }
        block
    }
}

/// Perilune, as it is by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perilune;

impl Interpreter for Perilune {
    fn name(&self) -> &str {
        "perilune"
    }

    fn run(&mut self, source: &[u8], limits: Limits) -> Outcome {
        let refused = Cell::new(false);
        take_output();
        let (status, error) = {
            let memory = Refusals { limit: Limit::new(System, limits.memory), refused: &refused };
            match Lua::with_seed(memory, 1) {
                Err(_) => (Status::ErrMem, String::new()),
                Ok(mut lua) => execute(&mut lua, source, limits.instructions),
            }
        };
        let end = match status {
            _ if is_out_of_budget() => End::OutOfBudget,
            _ if refused.get() => End::OutOfMemory,
            Status::Ok => End::Done,
            Status::ErrSyntax => End::SyntaxError,
            _ => End::RuntimeError,
        };
        // Finalizers have printed what they have to by now.
        Outcome { end, output: take_output(), error }
    }
}

/// Runs a script in a new state.
fn execute(lua: &mut LuaState, source: &[u8], instructions: Option<u64>) -> (Status, String) {
    if prepare(lua).is_err() {
        return (Status::ErrMem, String::new());
    }
    set_budget(lua, instructions, STEP);
    let mut status = lua.load_bytes(source, b"=script", LoadMode::TEXT);
    if status == Status::Ok {
        status = run_to_end(lua);
    }
    let error = if status == Status::Ok { String::new() } else { error_text(lua) };
    (status, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: &str, limits: Limits) -> Outcome {
        Perilune.run(source.as_bytes(), limits)
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        prepare(&mut lua).expect("libraries");
        set_budget(&mut lua, None, STEP);
        let source = b"local wrap = coroutine.wrap while true do pcall(wrap(function() while true do pcall(next, {}) end end)) end";
        assert_eq!(lua.load_bytes(source, b"=script", LoadMode::TEXT), Status::Ok);
        assert!(run_within(&mut lua, Duration::from_millis(20)).is_error() && is_out_of_budget());
    }

    #[test]
    fn outcomes() {
        let outcome = run("print(1, 2.0, 'a\\0\\255') io.write('x', 1) print(print)", Limits::default());
        assert_eq!(outcome.output, "1\t2.0\ta\\x00\\xff\nx1function: 0x…\n");
        assert_eq!(run("local", Limits::ENDING).end, End::SyntaxError);
        let outcome = run("print(1) error({})", Limits::default());
        assert_eq!((outcome.end, &*outcome.error), (End::RuntimeError, "(error object is a table value)"));
        let outcome = run("setmetatable({}, {__gc = function() print('closed') end})", Limits::ENDING);
        assert_eq!((outcome.end, &*outcome.output), (End::Done, "closed\n"));
    }

    #[test]
    fn limits_end_whatever_is_caught() {
        for endless in [
            "while true do pcall(function() while true do end end) end",
            "local function f() while true do pcall(error) end end while true do pcall(coroutine.wrap(f)) end",
        ] {
            assert_eq!(run(endless, Limits::default()).end, End::OutOfBudget, "{endless}");
        }
        let much = "local t = {} while pcall(function() t[#t + 1] = ('x'):rep(#t + 1000) end) do end print(#t)";
        let outcome = run(much, Limits { instructions: None, memory: 1 << 20 });
        assert_eq!(outcome.end, End::OutOfMemory, "{outcome:?}");
    }

    #[test]
    fn differences() {
        let outcome = |output: &str| Outcome { end: End::Done, output: output.into(), error: String::new() };
        assert_eq!(outcome("a\nb").difference(&outcome("a\nb")), None);
        assert_eq!(outcome("a\nb").difference(&outcome("a\nc")).as_deref(), Some("line 2: \"b\" against \"c\""));
        assert_eq!(outcome("a\nb").difference(&outcome("a")).as_deref(), Some("2 lines against 1"));
        let ended = Outcome { end: End::OutOfBudget, ..outcome("a") };
        assert_eq!(ended.difference(&outcome("b")), None);
    }

    #[test]
    fn addresses_and_bytes() {
        assert_eq!(readable(b"table: 0x55d0c0ffee10 0x10 0x \x80\n"), "table: 0x… 0x10 0x \\x80\n");
    }
}
