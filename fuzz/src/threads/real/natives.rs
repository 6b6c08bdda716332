//! The natives that bodies call, and what they share with the one who runs the steps.
//!
//! SM1. A thread whose handle was taken from a slot of a stack or from the registry is live while it stays there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use perilune_vm::{
    HookEvent, HookKind, LuaResult, LuaState, LuaType, NativeFn, REGISTRY_INDEX, Status, ThreadRef, Thrown,
    native_yield, testing,
};

use crate::threads::body::Gc;
use crate::threads::model::{FUEL, OUT_OF_FUEL, Sight};
use crate::threads::step::{HookWork, Plan, TickAct};
use crate::threads::value::{Id, Native, Val};

/// What is kept in the registry, under numbers: addresses would make one run differ from the next.
#[derive(Clone, Copy)]
pub enum Key {
    /// All objects by number, weakly.
    Known,
    /// The first number of each function, weakly.
    First,
    /// The places for values.
    Slots,
    /// The thread that the host works with.
    Anchor,
    /// A thread that never runs, on whose stack the test looks at things.
    Desk,
    /// The metatable of userdata with a native finalizer.
    Native,
    /// The metatable of userdata with a Lua function as finalizer.
    Scripted,
}

impl Key {
    const fn number(self) -> i64 {
        1000 + self as i64
    }

    /// Pushes what is kept.
    pub fn push(self, lua: &mut LuaState) -> LuaResult<LuaType> {
        lua.raw_get_i(REGISTRY_INDEX, self.number())
    }

    /// Pops a value and keeps it.
    pub fn keep(self, lua: &mut LuaState) -> LuaResult<()> {
        lua.raw_set_i(REGISTRY_INDEX, self.number())
    }
}

/// What natives and the test share.
#[derive(Default)]
pub struct Shared {
    /// The number of the next object.
    pub next: Cell<Id>,
    /// How often `tick` was called in this step.
    pub ticks: Cell<u32>,
    /// What happens there.
    pub plan: RefCell<Plan>,
    /// What the model expects to be seen.
    pub expected: RefCell<Vec<Sight>>,
    /// How many of these have come.
    pub seen: Cell<usize>,
    /// Numbers of functions that turned out to be the same.
    pub same: RefCell<Vec<(Id, Id)>>,
    /// The userdata that were finalized.
    pub finalized: RefCell<Vec<Id>>,
    /// What natives found to be wrong.
    pub failure: RefCell<Option<String>>,
    /// What hooks do.
    pub hook_work: Cell<HookWork>,
    /// How often hooks were called.
    pub hooks: Cell<u64>,
    /// The address of the thread in which a hook may yield.
    pub armed: Cell<usize>,
    /// How many more yields it has.
    pub hook_yields: Cell<u32>,
    /// Whether a hook has just yielded.
    pub hook_yielded: Cell<bool>,
    /// How many levels of native calls there were before this step, of the thread on whose behalf another is resumed. None when a hook
    /// has yielded: that has left the Rust stack, and the model does not know of it.
    pub floor: Cell<Option<usize>>,
}

thread_local! {
    static SHARED: Shared = Shared::default();
}

/// Works with what is shared.
pub fn with<T>(work: impl FnOnce(&Shared) -> T) -> T {
    SHARED.with(work)
}

/// Notes that something is wrong; the first thing counts.
pub fn fail(message: String) {
    with(|shared| {
        shared.failure.borrow_mut().get_or_insert(message);
    });
}

fn next_id() -> Id {
    with(|shared| shared.next.replace(shared.next.get() + 1))
}

/// Gives the value on top a number.
pub fn know(lua: &mut LuaState) -> LuaResult<Id> {
    let id = next_id();
    Key::Known.push(lua)?;
    lua.push_value(-2)?;
    lua.raw_set_i(-2, id.into())?;
    lua.pop(1);
    Ok(id)
}

/// `known(x)`: numbers the object and returns it. A function may have a number already: the machine may use a closure again where
/// a new one would have the same variables.
fn known(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    let id = know(lua)?;
    if lua.is_function(1) {
        Key::First.push(lua)?;
        lua.push_value(1)?;
        lua.raw_get(2)?;
        match lua.to_integer(-1).and_then(|first| Id::try_from(first).ok()) {
            Some(first) => with(|shared| shared.same.borrow_mut().push((first, id))),
            None => {
                lua.push_value(1)?;
                lua.push_integer(id.into())?;
                lua.raw_set(2)?;
            }
        }
        lua.set_top(1)?;
    }
    Ok(1)
}

/// `known_wrap(f)`: numbers the wrapped coroutine and the function.
fn known_wrap(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.get_upvalue(1, 1)?;
    know(lua)?;
    lua.pop(1);
    know(lua)?;
    Ok(1)
}

/// `meta(event, f)`: a table with a metamethod.
fn meta(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.new_table()?;
    lua.insert(1);
    lua.new_table()?;
    lua.insert(2);
    lua.set_table(2)?;
    lua.set_metatable(1)?;
    know(lua)?;
    Ok(1)
}

/// `make(kind)`: a table (0) or a userdata with a finalizer.
fn make(lua: &mut LuaState) -> LuaResult<usize> {
    let key = match lua.check_integer(1)? {
        0 => {
            lua.new_table()?;
            know(lua)?;
            return Ok(1);
        }
        1 => Key::Native,
        _ => Key::Scripted,
    };
    let data = lua.new_userdata(size_of::<Id>())?;
    let id = know(lua)?;
    // SAFETY: the block is new, of that size, and aligned to 16.
    unsafe { data.cast::<Id>().write(id) };
    key.push(lua)?;
    lua.set_metatable(-2)?;
    Ok(1)
}

/// `finalized(u)`: what finalizers call.
pub fn finalized(lua: &mut LuaState) -> LuaResult<usize> {
    if let Some(data) = lua.to_userdata(1) {
        // SAFETY: only userdata of `make` have this finalizer, and the number was written before the metatable was set.
        let id = unsafe { data.cast::<Id>().read() };
        with(|shared| shared.finalized.borrow_mut().push(id));
    }
    Ok(0)
}

/// `pack(...)`: a table of all arguments.
fn pack(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top();
    lua.new_table()?;
    lua.insert(1);
    for n in (1..=count).rev() {
        lua.raw_set_i(1, n.into())?;
    }
    know(lua)?;
    Ok(1)
}

/// `callable(x)`: x if it is a function, else `pass`.
fn callable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    if !lua.is_function(1) {
        push_native(lua, Native::Pass)?;
    }
    Ok(1)
}

/// The thread at an index, unless it is the main thread and that is the host's: there, a resumption would take the host's values
/// for a function.
fn coroutine_at(lua: &mut LuaState, idx: i32) -> LuaResult<Option<ThreadRef>> {
    lua.raw_get_i(REGISTRY_INDEX, perilune_vm::RIDX_MAIN_THREAD)?;
    let main = lua.to_thread(-1);
    lua.pop(1);
    Ok(lua.to_thread(idx).filter(|&co| Some(co) != main || !is_idle(lua, co)))
}

/// Whether a thread neither runs nor waits for one that runs.
fn is_idle(lua: &LuaState, co: ThreadRef) -> bool {
    use perilune_vm::CoStatus::{Dead, Suspended};
    matches!(lua.coroutine_status(co), Suspended | Dead)
}

/// `a_thread(x)`: x if it is a thread, else the running one.
fn a_thread(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    if coroutine_at(lua, 1)?.is_none() {
        lua.push_thread()?;
    }
    Ok(1)
}

/// `link(a, b)`: lets a table or userdata refer to a value.
fn link(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    match lua.lua_type(1) {
        LuaType::Table => lua.raw_set_i(1, 1)?,
        LuaType::Userdata if lua.raw_len(1) > 0 => lua.set_user_value(1)?,
        _ => {}
    }
    Ok(0)
}

/// `fetch(a)`: what a table or userdata refers to.
fn fetch(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    match lua.lua_type(1) {
        LuaType::Table => drop(lua.raw_get_i(1, 1)?),
        LuaType::Userdata => drop(lua.get_user_value(1)?),
        _ => lua.push_nil()?,
    }
    Ok(1)
}

fn pass(lua: &mut LuaState) -> LuaResult<usize> {
    Ok(lua.get_top() as usize)
}

/// Makes sure that there is a first argument.
fn at_least_one(lua: &mut LuaState) -> LuaResult<()> {
    if lua.get_top() == 0 { lua.push_nil() } else { Ok(()) }
}

/// Counts a tick, of which each step has so many.
fn spend(lua: &mut LuaState) -> LuaResult<u32> {
    let tick = with(|shared| shared.ticks.replace(shared.ticks.get() + 1));
    if tick < FUEL {
        return Ok(tick);
    }
    lua.push_str(OUT_OF_FUEL)?;
    Err(lua.error())
}

/// How many arguments there are behind the first. Natives that call that one count as ticks, or are `free_`: what they call might
/// call them again.
fn count_arguments(lua: &mut LuaState) -> LuaResult<usize> {
    at_least_one(lua)?;
    Ok(lua.get_top() as usize - 1)
}

fn part_yield(lua: &mut LuaState) -> LuaResult<usize> {
    at_least_one(lua)?;
    let count = lua.get_top() as usize - 1;
    lua.yield_values(count)
}

fn loop_yield(lua: &mut LuaState) -> LuaResult<usize> {
    at_least_one(lua)?;
    let count = match lua.to_integer(1) {
        Some(n @ 0..=3) if lua.is_integer(1) => n,
        _ => 1,
    };
    loop_on(lua, Status::Yield, count as isize)
}

fn loop_on(lua: &mut LuaState, status: Status, left: isize) -> LuaResult<usize> {
    if status != Status::Yield {
        fail(format!("a native that yielded is continued with {status:?}"));
    }
    let top = lua.get_top() as usize;
    if left == 0 { Ok(top) } else { lua.yield_k(top.saturating_sub(1), left - 1, loop_on) }
}

/// What continuations are called with, so that a mistaken one shows.
const CONTEXT: isize = 0x5eed;

fn check_context(context: isize) {
    if context != CONTEXT {
        fail(format!("a continuation has the context {context:#x}"));
    }
}

/// Returns the results of a call.
fn after_call(lua: &mut LuaState, status: Status, context: isize) -> LuaResult<usize> {
    check_context(context);
    if status.is_error() {
        fail(format!("a call that was not protected is continued with {status:?}"));
    }
    Ok(lua.get_top() as usize)
}

/// Returns the results of a protected call behind whether it ended well.
fn after_pcall(lua: &mut LuaState, status: Status, context: isize) -> LuaResult<usize> {
    check_context(context);
    lua.push_boolean(!status.is_error())?;
    lua.insert(1);
    let top = lua.get_top() as usize;
    if status.is_error() && top != 2 {
        fail(format!("after an error there are {top} values instead of 2"));
    }
    Ok(top)
}

fn call_k(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    free_call_k(lua)
}

fn free_call_k(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count_arguments(lua)?;
    lua.call_k(nargs, -1, CONTEXT, after_call)?;
    after_call(lua, Status::Ok, CONTEXT)
}

fn pcall_k(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    let nargs = count_arguments(lua)?;
    let status = lua.pcall_k(nargs, -1, 0, CONTEXT, after_pcall)?;
    after_pcall(lua, status, CONTEXT)
}

fn call_then(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    free_call_then(lua)
}

fn free_call_then(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count_arguments(lua)?;
    lua.call_then(nargs, -1, CONTEXT, after_call)
}

fn pcall_then(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    let nargs = count_arguments(lua)?;
    lua.pcall_then(nargs, -1, 0, CONTEXT, after_pcall)
}

fn host_call(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    free_host_call(lua)
}

fn free_host_call(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = count_arguments(lua)?;
    lua.call(nargs, -1)?;
    Ok(lua.get_top() as usize)
}

fn host_pcall(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    let nargs = count_arguments(lua)?;
    let status = lua.pcall(nargs, -1, 0);
    after_pcall(lua, status, CONTEXT)
}

fn keep_error(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    let nargs = count_arguments(lua)?;
    match lua.call(nargs, -1) {
        Ok(()) => after_pcall(lua, Status::Ok, CONTEXT),
        Err(Thrown::Runtime) => {
            lua.push_boolean(false)?;
            lua.insert(-2);
            Ok(2)
        }
        Err(other) => Err(other),
    }
}

/// The status of a coroutine that has come back, behind which its values follow.
fn push_ending(lua: &mut LuaState, status: Status) -> LuaResult<()> {
    lua.push_str(match status {
        Status::Ok => "ok",
        Status::Yield => "yield",
        _ => "error",
    })
}

/// Moves the arguments to the coroutine that is the first one; its handle, and how many there are.
fn move_arguments(lua: &mut LuaState) -> LuaResult<Option<(ThreadRef, usize)>> {
    at_least_one(lua)?;
    let Some(co) = coroutine_at(lua, 1)? else { return Ok(None) };
    // The frame of a thread that waits is left alone.
    if !is_idle(lua, co) {
        lua.set_top(1)?;
        return Ok(Some((co, 0)));
    }
    let nargs = lua.get_top() as usize - 1;
    // SAFETY: SM1.
    lua.xmove(unsafe { co.state() }, nargs)?;
    Ok(Some((co, nargs)))
}

fn nested_resume(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    free_nested_resume(lua)
}

fn free_nested_resume(lua: &mut LuaState) -> LuaResult<usize> {
    let Some((co, nargs)) = move_arguments(lua)? else {
        lua.push_str("no thread")?;
        return Ok(1);
    };
    // SAFETY: SM1.
    let state = unsafe { co.state() };
    let status = state.resume(Some(lua), nargs);
    push_ending(lua, status)?;
    if std::ptr::eq(state, lua) {
        // The message was put on this very stack.
        lua.insert(-2);
        return Ok(2);
    }
    let count = if status.is_error() { 1 } else { state.get_top() as usize };
    state.xmove(lua, count)?;
    Ok(count + 1)
}

fn resume_then(lua: &mut LuaState) -> LuaResult<usize> {
    spend(lua)?;
    let Some((co, nargs)) = move_arguments(lua)? else {
        lua.push_str("no thread")?;
        return Ok(1);
    };
    lua.resume_then(co, nargs, CONTEXT, after_resume)
}

fn after_resume(lua: &mut LuaState, status: Status, context: isize) -> LuaResult<usize> {
    check_context(context);
    push_ending(lua, status)?;
    lua.insert(2);
    Ok(lua.get_top() as usize - 1)
}

/// Pushes a native: always the same value, which an address that is taken anew need not be.
pub fn push_native(lua: &mut LuaState, native: Native) -> LuaResult<()> {
    lua.get_global(native.name()).map(drop)
}

/// Pushes a value that is no object.
pub fn push_plain(lua: &mut LuaState, value: &Val) -> LuaResult<()> {
    match value {
        Val::Nil | Val::Object(_) => lua.push_nil(),
        Val::Bool(b) => lua.push_boolean(*b),
        Val::Int(n) => lua.push_integer(*n),
        Val::Float(x) => lua.push_number(*x),
        Val::Str(text) => lua.push_str(text),
        Val::Light(address) => lua.push_light_userdata(std::ptr::without_provenance_mut(*address)),
        Val::Native(native) => push_native(lua, *native),
    }
}

/// Tells the collector something.
pub fn collect(lua: &mut LuaState, gc: Gc) -> LuaResult<()> {
    match gc {
        Gc::Full => lua.gc_collect()?,
        Gc::Step(kib) => drop(lua.gc_step(kib.into())?),
        Gc::Stop => lua.gc_stop(),
        Gc::Restart => lua.gc_restart(),
        Gc::Pause(n) => drop(lua.gc_set_pause(n.into())),
        Gc::StepMul(n) => drop(lua.gc_set_step_mul(n.into())),
    }
    Ok(())
}

/// Checks the heap.
pub fn check_heap(lua: &LuaState) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| testing::check_memory(lua))) {
        let text = panic.downcast_ref::<String>().cloned();
        fail(text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default());
    }
}

/// The thread on whose stack the test looks at things.
pub fn desk<'a>(lua: &mut LuaState) -> LuaResult<&'a mut LuaState> {
    Key::Desk.push(lua)?;
    let desk = lua.to_thread(-1).ok_or(Thrown::Runtime)?;
    lua.pop(1);
    // SAFETY: SM1: it stays in the registry.
    Ok(unsafe { desk.state() })
}

/// The thread with a number, if it is alive; the handle is found on the desk, which keeps nothing.
pub fn thread_of(desk: &mut LuaState, id: Id) -> LuaResult<Option<ThreadRef>> {
    Key::Known.push(desk)?;
    desk.raw_get_i(-1, id.into())?;
    let thread = desk.to_thread(-1);
    desk.pop(2);
    Ok(thread)
}

/// Compares what the threads do with what the model says.
fn look(lua: &mut LuaState, tick: u32) -> LuaResult<()> {
    let place = with(|shared| shared.seen.replace(shared.seen.get() + 1));
    let expected = with(|shared| shared.expected.borrow().get(place).cloned());
    let Some(expected) = expected else {
        fail(format!("tick {tick} is looked at, which the model does not reach"));
        return Ok(());
    };
    lua.push_thread()?;
    let running = lua.to_thread(-1);
    lua.pop(1);
    let desk = desk(lua)?;
    let levels = with(|shared| shared.floor.get()).map_or(expected.levels, |floor| testing::native_levels(lua) - floor);
    let can_yield = lua.can_yield();
    let mut seen = Sight { tick, running: 0, can_yield, levels, threads: BTreeMap::new() };
    for (&id, &status) in &expected.threads {
        Key::Known.push(desk)?;
        desk.raw_get_i(-1, id.into())?;
        let found = match desk.to_thread(-1) {
            Some(thread) => {
                if Some(thread) == running {
                    seen.running = id;
                }
                desk.coroutine_status(thread).name()
            }
            // It has been collected; whether it may have been is seen elsewhere.
            None => status,
        };
        desk.pop(2);
        seen.threads.insert(id, found);
    }
    if seen != expected {
        fail(format!("tick {tick} sees {seen:?}\ninstead of {expected:?}"));
    }
    Ok(())
}

/// `tick()`: where the plan of a step may want something.
fn tick(lua: &mut LuaState) -> LuaResult<usize> {
    let tick = spend(lua)?;
    for (at, act) in with(|shared| shared.plan.borrow().clone()) {
        match act {
            _ if at != tick => {}
            TickAct::Look => look(lua, tick)?,
            TickAct::Check => check_heap(lua),
            TickAct::Collect(gc) => collect(lua, gc)?,
            TickAct::Raise(value) => {
                push_plain(lua, &value)?;
                return Err(lua.error());
            }
            TickAct::Yield(values) => {
                if lua.can_yield() {
                    for value in &values {
                        push_plain(lua, value)?;
                    }
                    return lua.yield_values(values.len());
                }
            }
        }
    }
    Ok(0)
}

/// The hook of all threads that have one.
pub fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    let count = with(|shared| shared.hooks.replace(shared.hooks.get() + 1));
    match with(|shared| shared.hook_work.get()) {
        // A step may look at the whole running stack. In a deep recursion that is work without end, if it is done at each of its lines.
        HookWork::Collect if count.is_multiple_of(if count < 10_000 { 13 } else { 997 }) => drop(lua.gc_step(0)?),
        HookWork::Yield if count.is_multiple_of(3) => {
            let address = std::ptr::from_ref(lua) as usize;
            let may = with(|shared| shared.armed.get() == address && shared.hook_yields.get() > 0);
            if may && lua.can_yield() && matches!(event.kind, HookKind::Line(_) | HookKind::Count) {
                with(|shared| {
                    shared.hook_yields.set(shared.hook_yields.get() - 1);
                    shared.hook_yielded.set(true);
                    shared.floor.set(None);
                });
                lua.yield_values(0)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The function behind a name.
pub const fn function(native: Native) -> NativeFn {
    match native {
        Native::Pass => pass,
        Native::Yield => native_yield,
        Native::PartYield => part_yield,
        Native::LoopYield => loop_yield,
        Native::CallK => call_k,
        Native::PcallK => pcall_k,
        Native::CallThen => call_then,
        Native::PcallThen => pcall_then,
        Native::HostCall => host_call,
        Native::HostPcall => host_pcall,
        Native::KeepError => keep_error,
        Native::NestedResume => nested_resume,
        Native::ResumeThen => resume_then,
    }
}

/// The global functions besides [`Native::ALL`].
pub const GLOBALS: &[(&str, NativeFn)] = &[
    ("known", known),
    ("known_wrap", known_wrap),
    ("meta", meta),
    ("make", make),
    ("finalized", finalized),
    ("pack", pack),
    ("callable", callable),
    ("a_thread", a_thread),
    ("link", link),
    ("fetch", fetch),
    ("tick", tick),
    ("free_call_k", free_call_k),
    ("free_call_then", free_call_then),
    ("free_host_call", free_host_call),
    ("free_nested_resume", free_nested_resume),
];

/// What a native closure of [`Step::Hold`](crate::threads::step::Step::Hold) does: returns what it holds.
pub fn holder(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(perilune_vm::upvalue_index(1))?;
    Ok(1)
}
