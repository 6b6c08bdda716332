//! Native functions, continuations, hooks, readers, writers and values that do something or other.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use perilune_vm::{
    ChunkReader, ChunkWriter, HookEvent, LuaResult, LuaState, NativeFn, Status, UserType, native_ipairs_next,
    native_next, native_resume, native_wrapped, native_yield,
};

use super::acts::act;
use super::choices::{are_left, below, chance, chunk, count, handler, held, index, one_of, results, small, thrown};

thread_local! {
    /// How deep natives are within natives.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How many operations are left; functions that call each other could go on without end.
    static BUDGET: Cell<u32> = const { Cell::new(0) };
    /// The threads whose handles are in use: nobody works on them by another handle.
    static IN_USE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// How many values there are.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// Begins a run of so many operations.
pub fn begin(budget: u32) {
    DEPTH.set(0);
    BUDGET.set(budget);
    IN_USE.with_borrow_mut(Vec::clear);
    LIVE.set(0);
}

/// How many values have not been dropped.
pub fn live_values() -> i64 {
    LIVE.get()
}

/// How many operations of a budget have been done.
pub fn spent(budget: u32) -> u32 {
    budget - BUDGET.get()
}

/// Takes an operation off the budget, if one is left, and something to choose by.
pub fn spend() -> bool {
    let left = BUDGET.get();
    if left == 0 || !are_left() {
        return false;
    }
    BUDGET.set(left - 1);
    true
}

/// As long as it lives, a thread's handle is in use.
pub struct Using;

impl Using {
    pub fn begin(lua: &LuaState) -> Self {
        IN_USE.with_borrow_mut(|threads| threads.push(std::ptr::from_ref(lua).addr()));
        Self
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        IN_USE.with_borrow_mut(|threads| threads.pop());
    }
}

/// Whether nobody works on a thread.
pub fn is_free(lua: &LuaState) -> bool {
    !IN_USE.with_borrow(|threads| threads.contains(&std::ptr::from_ref(lua).addr()))
}

/// One level of natives, if there may be one more.
struct Level;

impl Level {
    fn enter(limit: u32) -> Option<Self> {
        // A function that is called in a loop ends it when there is nothing left to choose by.
        if DEPTH.get() > limit || BUDGET.get() == 0 || !are_left() {
            return None;
        }
        DEPTH.set(DEPTH.get() + 1);
        Some(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Now and then, a panic that prints nothing.
pub fn maybe_panic(one_in: u64) {
    if chance(one_in) && !std::thread::panicking() {
        resume_unwind(Box::new(()));
    }
}

/// Does something that may panic; whether it did not.
pub fn survives(action: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(()) => true,
        Err(payload) if payload.is::<()>() => false,
        // A panic that nobody asked for.
        Err(payload) => resume_unwind(payload),
    }
}

/// Does several things, and perhaps minds that one of them failed.
fn act_on(lua: &mut LuaState, most: u64) -> LuaResult<()> {
    let mut result = Ok(());
    for _ in 0..below(most) {
        result = act(lua);
        if result.is_err() && !chance(3) {
            break;
        }
    }
    if chance(4) { Ok(()) } else { result }
}

/// A native function that does something or other.
pub fn wild(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(_level) = Level::enter(12) else { return Ok(0) };
    let _using = Using::begin(lua);
    if chance(20) {
        survives(|| {
            let _ = act_on(lua, 12);
        });
    } else {
        act_on(lua, 12)?;
    }
    maybe_panic(150);
    leave(lua)
}

/// One of the ways to end a native function.
fn leave(lua: &mut LuaState) -> LuaResult<usize> {
    match below(30) {
        0 | 1 => Err(thrown()),
        2 => lua.yield_values(count()),
        3 => lua.yield_k(count(), 1, after),
        4 => lua.call_then(count(), results(), 2, after),
        5 => lua.pcall_then(count(), results(), handler(), 3, after),
        6 => match lua.to_thread(index()) {
            Some(co) => lua.resume_then(co, count(), 4, after),
            None => Err(lua.error()),
        },
        7 => {
            lua.call_k(count(), results(), 5, after)?;
            Ok(held(lua))
        }
        8 => {
            let _ = lua.pcall_k(count(), results(), handler(), 6, after)?;
            Ok(held(lua))
        }
        9 => one_of::<NativeFn>(&[native_resume, native_yield, native_wrapped, native_next, native_ipairs_next])(lua),
        10 => Ok(count()),
        11 => {
            // A yield or a request that is kept to itself.
            let _ = lua.yield_values(count());
            let _ = act(lua);
            Ok(count())
        }
        12 => {
            let _ = lua.call_k(count(), results(), 7, after);
            let _ = act(lua);
            Err(thrown())
        }
        _ => Ok(held(lua)),
    }
}

pub fn after(lua: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    wild(lua)
}

/// A hook that ends what runs, once.
pub fn end(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_hook(None, 0, 0);
    Err(lua.raise(format_args!("it takes too long")))
}

/// A hook; it leaves its frame to nobody else.
pub fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    if !are_left() {
        return end(lua, event);
    }
    let Some(_level) = Level::enter(8) else { return Ok(()) };
    let _using = Using::begin(lua);
    let mut result = Ok(());
    for _ in 0..below(4) {
        result = match below(7) {
            0 => lua.get_info("nSltuf", Some(event.activation)).map(|_| ()),
            1 => lua.get_local(Some(event.activation), small()).map(|_| ()),
            2 => lua.set_local(event.activation, small()).map(|_| ()),
            3 => lua.yield_values(count()).map(|_| ()),
            4 => lua.set_top(below(3) as i32),
            _ => act(lua),
        };
    }
    maybe_panic(200);
    if chance(2) { Ok(()) } else { result }
}

/// Hands out a chunk piece by piece, and does other things in between.
pub struct WildReader {
    rest: Vec<u8>,
    piece: Vec<u8>,
}

impl WildReader {
    pub fn new(chunk: &[u8]) -> Self {
        Self { rest: chunk.to_vec(), piece: Vec::new() }
    }
}

impl ChunkReader for WildReader {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        if let Some(_level) = Level::enter(10) {
            act_on(lua, 6)?;
            maybe_panic(60);
        }
        let len = (below(20) as usize + 1).min(self.rest.len());
        let rest = self.rest.split_off(len);
        self.piece = std::mem::replace(&mut self.rest, rest);
        if chance(40) { Err(thrown()) } else { Ok(&self.piece) }
    }
}

/// Takes a dumped function, and does other things in between.
pub struct WildWriter(pub Vec<u8>);

impl ChunkWriter for WildWriter {
    fn write(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        if let Some(_level) = Level::enter(10) {
            act_on(lua, 6)?;
            maybe_panic(60);
        }
        if chance(40) { Err(thrown()) } else { Ok(()) }
    }
}

/// A value of Rust. Its dropping may panic.
pub struct Value(u64, Box<u64>);

impl Value {
    pub fn new() -> Self {
        LIVE.set(LIVE.get() + 1);
        let n = below(1000);
        Self(n, Box::new(n))
    }

    /// Whether it is what it was.
    pub fn is_whole(&self) -> bool {
        self.0 == *self.1
    }
}

impl UserType for Value {
    const NAME: &'static str = "Value";
}

impl Drop for Value {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
        assert!(self.is_whole());
        maybe_panic(100);
    }
}

/// A value of the same name that needs no dropping.
pub struct Plain(pub [u8; 24]);

impl UserType for Plain {
    const NAME: &'static str = "Value";
}

/// A text whose formatting may panic.
pub struct Text;

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for _ in 0..below(40) {
            f.write_str(chunk())?;
        }
        maybe_panic(60);
        if chance(20) { Err(std::fmt::Error) } else { Ok(()) }
    }
}
