//! Suspended coroutines and memory: closing, collecting, and an allocator that refuses.

use std::cell::Cell;

use perilune_alloc_adapters::{Checking, Counting, Limit, System};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status};

use crate::natives;
use crate::trace::check_heap;

/// Bodies that are suspended within calls of every kind.
const BODIES: [&str; 9] = [
    "pcallk(1, -1, note, pcallk, 2, 1, nil, callk, 3, -1, y, {}, 'text')",
    "pcallk(1, -1, nil, function() pcallk(2, 0, nil, fail, {}) local t = {} local function f() return t end y(f) f() end)",
    "pcallthen(1, -1, note, callthen, 2, 1, pcallk, 3, -1, nil, yk, {}, {}, {})",
    "local t = setmt({}, { __index = y, __concat = yk, __gc = function(o) note(o) end }) return 'a' .. 'b' .. t.x .. t",
    "for i in y, {}, {} do callk(1, -1, again, 3) end",
    "local inner = create(callk) resthen(inner, 1, -1, callthen, 2, -1, y, {}) y(inner)",
    "local inner = wrap(function() pcallk(1, 0, note, y) y() end) inner() pcallk(2, 0, inner, y)",
    "hook(nil, 'ny', 1, true) local t = {} for i = 1, 9 do t[i] = { pcallk(i, -1, nil, function(...) return ... end, t) } end",
    "chain(note, function() y() fail({}) end, function() callk(1, 0, y) end, y)",
];

/// Suspends coroutines with all these bodies, each after another number of resumptions.
fn suspend_all(lua: &mut LuaState) {
    for body in BODIES {
        for resumptions in 1..=3 {
            let thread = lua.new_thread().expect("a thread");
            // SAFETY: the thread stays on the stack.
            let co = unsafe { thread.state() };
            assert_eq!(co.load_bytes(body.as_bytes(), b"=s", LoadMode::TEXT), Status::Ok);
            for _ in 0..resumptions {
                if co.resume(Some(lua), 0) != Status::Yield {
                    break;
                }
                co.set_top(0).expect("fewer values");
            }
        }
    }
    check_heap(lua);
}

#[test]
fn a_state_is_closed_with_suspended_coroutines() {
    let memory = Checking::recording(System);
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        natives::open(&mut lua).expect("natives");
        suspend_all(&mut lua);
    }
    assert_eq!(memory.violations(), []);
    assert_eq!(memory.leaks().blocks, 0);
}

#[test]
fn suspended_coroutines_are_collected() {
    let memory = Counting::new(Checking::recording(System));
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        natives::open(&mut lua).expect("natives");
        let mut before = 0;
        for round in 0..4 {
            suspend_all(&mut lua);
            lua.gc_collect().expect("no error in a finalizer");
            check_heap(&lua);
            lua.set_top(0).expect("fewer values");
            // The second collection frees what finalizers have kept.
            for _ in 0..2 {
                lua.gc_collect().expect("no error in a finalizer");
                check_heap(&lua);
            }
            let live = memory.stats().live_bytes;
            assert!(round < 2 || live <= before, "{live} bytes after round {round}, {before} before");
            before = live;
        }
    }
    assert_eq!(memory.stats().live_bytes, 0);
    assert_eq!(memory.inner().violations(), []);
}

/// A coroutine is resumed for the last time by the finalizer that finds it.
#[test]
fn a_finalizer_resumes_a_suspended_coroutine() {
    let memory = Checking::recording(System);
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        natives::open(&mut lua).expect("natives");
        let script = b"do local co = create(pcallk) \
                 res(co, 1, 1, nil, function() y() fail('late') end) \
                 setmt({}, { __gc = function() result = { res(co) } end }) end \
             gc() gc() return result[1], result[2]";
        assert_eq!(lua.load_bytes(script, b"=s", LoadMode::TEXT), Status::Ok);
        assert_eq!(lua.pcall(0, 2, 0), Status::Ok);
        assert_eq!((lua.str_at(-2), lua.str_at(-1)), (Some(&b"Ok"[..]), Some(&b"late"[..])));
        check_heap(&lua);
    }
    assert_eq!(memory.violations(), []);
    assert_eq!(memory.leaks().blocks, 0);
}

thread_local! {
    /// How often a protected call ended for lack of memory.
    static REFUSED: Cell<u32> = const { Cell::new(0) };
}

/// `work (f, g)`: runs `f`, then `g`, each protected; both may yield. Whatever fails, the continuation finds the stack cut.
fn work(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.push_value(1)?;
    let status = lua.pcall_k(0, 1, 0, 1, continue_work)?;
    continue_work(lua, status, 1)
}

fn continue_work(lua: &mut LuaState, status: Status, step: isize) -> LuaResult<usize> {
    assert_eq!(lua.get_top(), 3, "{status:?}");
    if status == Status::ErrMem {
        REFUSED.set(REFUSED.get() + 1);
        assert_eq!(lua.str_at(-1), Some(&b"not enough memory"[..]));
    }
    lua.set_top(2)?;
    if step == 3 {
        return Ok(0);
    }
    lua.push_value(step as i32 % 2 + 1)?;
    if step == 1 {
        return lua.pcall_then(0, 1, 0, step + 1, continue_work);
    }
    let status = lua.pcall_k(0, 1, 0, step + 1, continue_work)?;
    continue_work(lua, status, step + 1)
}

/// The work with so much memory above what the state itself needs; false if there is too little for what is not protected.
fn work_within(spare: usize) -> bool {
    let memory = Limit::new(Checking::recording(System), usize::MAX);
    let ended;
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        natives::open(&mut lua).expect("natives");
        lua.push_native(work).expect("room");
        lua.set_global("work").expect("memory");
        let script = b"local function f(n) local t = { n } y(t) if n > 0 then return { f(n - 1), t, 'f' .. n } end return t end \
             work(function() return f(6) end, function() local u = f(2) local v = function() u = { u } return u end \
             y(v()) return v().x.y end) return 'end'";
        let thread = lua.new_thread().expect("memory");
        // SAFETY: the thread stays on the stack.
        let co = unsafe { thread.state() };
        assert_eq!(co.load_bytes(script, b"=s", LoadMode::TEXT), Status::Ok);
        lua.gc_collect().expect("no finalizers");
        memory.set_limit(memory.used() + spare);
        let mut status = co.resume(Some(&mut lua), 0);
        while status == Status::Yield {
            check_heap(&lua);
            co.set_top(0).expect("fewer values");
            status = co.resume(Some(&mut lua), 0);
        }
        ended = status == Status::Ok;
        if ended {
            assert_eq!(co.str_at(-1), Some(&b"end"[..]));
        } else {
            assert_eq!((status, co.str_at(-1)), (Status::ErrMem, Some(&b"not enough memory"[..])));
        }
        check_heap(&lua);
    }
    assert_eq!(memory.inner().violations(), [], "{spare}");
    assert_eq!(memory.inner().leaks().blocks, 0, "{spare}");
    ended
}

#[test]
fn work_with_every_amount_of_memory() {
    let step = if cfg!(gc_zeal) { 64 } else { 8 };
    let mut ended = 0;
    let mut spare = 0;
    loop {
        REFUSED.set(0);
        if work_within(spare) {
            ended += 1;
            if REFUSED.get() == 0 {
                break;
            }
        }
        spare += step;
        assert!(spare < 1 << 20, "the work needs less");
    }
    // There were amounts with which one protected call or the other failed, and the rest went on.
    assert!(ended > 10, "{ended}");
}
