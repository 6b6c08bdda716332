//! The collector's controls, and the allocator (manual §2.5, §4.8).

use core::cell::Cell;

use perilune_alloc_adapters::{Counting, Limit, System};
use perilune_vm::{Lua, LuaAlloc, LuaResult, LuaState, OldSize, RawAlloc, Status};

use crate::{new_state, string};

/// Makes garbage: tables and strings that nothing refers to.
fn litter(lua: &mut LuaState, n: i64) -> LuaResult<()> {
    for i in 0..n {
        lua.new_table()?;
        lua.push_fmt(format_args!("a string that is long enough not to be shared, number {i}"))?;
        lua.pop(2);
    }
    Ok(())
}

#[test]
fn full_collections() -> LuaResult<()> {
    let mut lua = new_state();
    lua.gc_collect()?;
    let before = lua.gc_count();
    lua.gc_stop();
    litter(&mut lua, 1000)?;
    assert!(lua.gc_count() > before + 100_000);
    lua.gc_collect()?;
    assert!(lua.gc_count() < before + 20_000, "{before} {}", lua.gc_count());
    assert!(!lua.gc_is_running(), "a full collection does not start the collector");
    Ok(())
}

#[test]
fn stopping_and_restarting() -> LuaResult<()> {
    let mut lua = new_state();
    assert!(lua.gc_is_running());
    lua.gc_stop();
    assert!(!lua.gc_is_running());
    let before = lua.gc_count();
    litter(&mut lua, 3000)?;
    let littered = lua.gc_count();
    assert!(littered > before + 350_000, "nothing was collected");
    lua.gc_restart();
    assert!(lua.gc_is_running());
    litter(&mut lua, 20_000)?;
    assert!(lua.gc_count() < 2 * littered, "{littered} {}", lua.gc_count());
    Ok(())
}

#[test]
fn steps() -> LuaResult<()> {
    let mut lua = new_state();
    lua.gc_collect()?;
    lua.gc_stop();
    litter(&mut lua, 500)?;
    let littered = lua.gc_count();
    let mut steps = 0;
    while !lua.gc_step(0)? {
        steps += 1;
        assert!(steps < 100_000, "a cycle ends");
    }
    assert!(lua.gc_count() < littered);
    // A large enough step is a whole cycle.
    litter(&mut lua, 500)?;
    assert!(lua.gc_step(100_000)?);
    assert!(!lua.gc_is_running(), "a step does not start the collector");
    Ok(())
}

#[test]
fn pace() {
    let mut lua = new_state();
    assert_eq!((lua.gc_set_pause(150), lua.gc_set_pause(200)), (200, 150));
    assert_eq!((lua.gc_set_step_mul(400), lua.gc_set_step_mul(200)), (200, 400));
}

thread_local! {
    static FINALIZED: Cell<u32> = const { Cell::new(0) };
}

fn finalize(_: &mut LuaState) -> LuaResult<usize> {
    FINALIZED.set(FINALIZED.get() + 1);
    Ok(0)
}

fn push_finalized(lua: &mut LuaState) -> LuaResult<()> {
    lua.new_userdata(0)?;
    lua.new_table()?;
    lua.push_native(finalize)?;
    lua.set_field(-2, "__gc")?;
    lua.set_metatable(-2)
}

#[test]
fn finalizers() -> LuaResult<()> {
    let mut lua = new_state();
    push_finalized(&mut lua)?;
    push_finalized(&mut lua)?;
    lua.gc_collect()?;
    assert_eq!(FINALIZED.get(), 0);
    lua.pop(1);
    lua.gc_collect()?;
    assert_eq!(FINALIZED.get(), 1);
    drop(lua);
    assert_eq!(FINALIZED.get(), 2, "closing the state calls those that are left");
    let mut lua = new_state();
    push_finalized(&mut lua)?;
    // SAFETY: the state is only closed afterwards.
    unsafe { lua.finalize_all() };
    assert_eq!(FINALIZED.get(), 3);
    drop(lua);
    assert_eq!(FINALIZED.get(), 3);
    Ok(())
}

fn failing_finalizer(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise_plain(format_args!("no end")))
}

#[test]
fn errors_in_finalizers() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_userdata(0)?;
    lua.new_table()?;
    lua.push_native(failing_finalizer)?;
    lua.set_field(-2, "__gc")?;
    lua.set_metatable(-2)?;
    lua.set_top(0)?;
    let collected = lua.gc_collect();
    assert_eq!(collected.map_err(perilune_vm::Thrown::status), Err(Status::ErrGcmm));
    assert_eq!(string(&lua, -1), "error in __gc metamethod (no end)");
    Ok(())
}

/// Passes everything on to another allocator and counts.
struct Relay {
    inner: RawAlloc,
    requests: Cell<usize>,
    frees: Cell<usize>,
}

// SAFETY: the calls are only forwarded.
unsafe impl LuaAlloc for Relay {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let counter = if nsize == 0 { &self.frees } else { &self.requests };
        counter.set(counter.get() + 1);
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.inner.call(ptr, osize, nsize) }
    }
}

#[test]
fn switching_the_allocator() -> LuaResult<()> {
    let counting = Counting::new(System);
    let mut lua = Lua::new(&counting).expect("there is memory");
    let relay = Relay { inner: lua.get_allocf(), requests: Cell::new(0), frees: Cell::new(0) };
    // Nothing is garbage, so that a collection in between changes nothing.
    for _ in 0..20 {
        lua.new_table()?;
    }
    lua.gc_collect()?;
    // SAFETY: the relay's blocks are those of the first allocator, and it outlives the state.
    unsafe { lua.set_allocf(RawAlloc::from_adapter(&raw const relay)) };
    let found = lua.get_allocf();
    assert_eq!(found.ud, (&raw const relay).cast_mut().cast());
    assert_eq!((relay.requests.get(), relay.frees.get()), (0, 0));
    let live = counting.live_bytes();
    lua.new_userdata(1000)?;
    assert!(relay.requests.get() > 0 && counting.live_bytes() > live + 1000);
    // Blocks from before go through the new one, too.
    lua.set_top(0)?;
    lua.gc_collect()?;
    assert!(relay.frees.get() >= 20);
    // And back again.
    // SAFETY: as above, the other way round.
    unsafe { lua.set_allocf(relay.inner) };
    let requests = relay.requests.get();
    lua.new_userdata(1000)?;
    assert_eq!(relay.requests.get(), requests);
    drop(lua);
    assert_eq!(counting.live_bytes(), 0);
    Ok(())
}

#[test]
fn lack_of_memory() -> LuaResult<()> {
    let limit = Limit::new(System, usize::MAX);
    let mut lua = Lua::new(&limit).expect("there is memory");
    limit.set_limit(limit.used() + 10_000);
    assert!(lua.new_userdata(20_000).is_err());
    lua.error_to_top(perilune_vm::Thrown::Memory);
    assert_eq!(string(&lua, -1), "not enough memory");
    lua.set_top(0)?;
    assert_eq!(lua.do_str("local t = {} for i = 1, 10000 do t[i] = {} end"), Status::ErrMem);
    assert_eq!(string(&lua, -1), "not enough memory");
    limit.set_limit(usize::MAX);
    assert!(lua.new_userdata(20_000).is_ok());
    // There may be too little for a state at all.
    let small = Limit::new(System, 1000);
    assert!(Lua::new(&small).is_err());
    assert_eq!(small.used(), 0);
    Ok(())
}
