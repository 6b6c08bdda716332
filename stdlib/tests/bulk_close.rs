//! Closing a state whose allocator frees in bulk: everything that has an effect happens, and only the freeing is left out.

use std::cell::Cell;
use std::rc::Rc;

use perilune_alloc_adapters::{Checking, Counting, LuaAlloc, OldSize, RawAlloc, Slab, UpBump};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status, UserType};

/// What happened to a [`Watch`].
#[derive(Default)]
struct Log {
    live: Cell<isize>,
    frees: Cell<usize>,
    dropped: Cell<bool>,
}

/// Counts, and tells outside when it is dropped.
struct Watch<A> {
    inner: A,
    log: Rc<Log>,
}

// SAFETY: the calls are only forwarded.
unsafe impl<A: LuaAlloc> LuaAlloc for Watch<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if !ptr.is_null() && nsize == 0 {
            self.log.frees.set(self.log.frees.get() + 1);
            self.log.live.set(self.log.live.get() - 1);
        } else if ptr.is_null() && !block.is_null() {
            self.log.live.set(self.log.live.get() + 1);
        }
        block
    }

    fn frees_in_bulk(&self) -> bool {
        self.inner.frees_in_bulk()
    }
}

impl<A> Drop for Watch<A> {
    fn drop(&mut self) {
        self.log.dropped.set(true);
    }
}

thread_local! {
    static FINALIZED: Cell<usize> = const { Cell::new(0) };
    static DROPPED: Cell<usize> = const { Cell::new(0) };
}

/// A value in a userdata.
struct Noted(u8);

impl UserType for Noted {
    const NAME: &'static str = "noted";
}

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
        assert!(self.0 != 13, "a destructor panics");
    }
}

fn finalized(_: &mut LuaState) -> LuaResult<usize> {
    FINALIZED.set(FINALIZED.get() + 1);
    Ok(0)
}

const VALUES: usize = 5;
const FINALIZERS: usize = 3;

/// Fills a state with objects of all kinds, among them some with finalizers, and userdata with values.
fn populate<A: LuaAlloc>(lua: &mut Lua<A>) {
    FINALIZED.set(0);
    DROPPED.set(0);
    open_libs(lua).expect("libraries");
    lua.push_native(finalized).expect("room");
    lua.set_global("finalized").expect("memory");
    for i in 0..VALUES {
        lua.push_userdata(Noted(0)).expect("memory");
        lua.set_global(&format!("value{i}")).expect("memory");
    }
    let script = b"kept = {}
        for i = 1, 3000 do kept[i] = {i, tostring(i), function() return kept end} end
        co = coroutine.create(function() local up = 1 coroutine.yield(function() return up end) end)
        coroutine.resume(co)
        long = string.rep('x', 100000)
        for i = 1, 3 do kept[-i] = setmetatable({}, {__gc = finalized}) end";
    assert_eq!(lua.load_bytes(script, b"=script", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
}

fn watched<A: LuaAlloc>(inner: A) -> (Watch<A>, Rc<Log>) {
    let log = Rc::new(Log::default());
    (Watch { inner, log: Rc::clone(&log) }, log)
}

#[test]
fn an_owned_allocator_is_spared_the_single_blocks() {
    let (memory, log) = watched(Slab::new());
    let mut lua = Lua::new(memory).expect("memory");
    populate(&mut lua);
    let before = log.frees.get();
    assert!(log.live.get() > 9000);
    drop(lua);
    assert_eq!((FINALIZED.get(), DROPPED.get()), (FINALIZERS, VALUES));
    assert!(log.dropped.get());
    // The state's own block, the userdata whose values were dropped, and what the finalizers left.
    assert!(log.frees.get() - before < 100, "{}", log.frees.get() - before);
}

#[test]
fn a_state_without_values_is_left_at_once() {
    let (memory, log) = watched(UpBump::new());
    let mut lua = Lua::new(memory).expect("memory");
    assert_eq!(lua.load_bytes(b"t = {} for i = 1, 1000 do t[i] = {} end", b"=s", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
    let before = log.frees.get();
    drop(lua);
    assert!(log.dropped.get());
    assert!(log.frees.get() - before < 10, "{}", log.frees.get() - before);
}

#[test]
fn a_borrowed_allocator_gets_every_block_back() {
    let (memory, log) = watched(Slab::new());
    for _ in 0..3 {
        let mut lua = Lua::new(&memory).expect("memory");
        populate(&mut lua);
        drop(lua);
        assert_eq!((FINALIZED.get(), DROPPED.get()), (FINALIZERS, VALUES));
        assert_eq!(log.live.get(), 0);
    }
    assert!(!log.dropped.get());
    // The figures of counters that are read afterwards are complete, too.
    let counting = Counting::new(UpBump::new());
    populate(&mut Lua::new(&counting).expect("memory"));
    assert_eq!((counting.stats().live_blocks, counting.live_bytes()), (0, 0));
}

#[test]
fn an_instrument_that_checks_frees_sees_them_all() {
    // It ends the process when something is left behind.
    populate(&mut Lua::new(Checking::new(Slab::new())).expect("memory"));
    assert_eq!((FINALIZED.get(), DROPPED.get()), (FINALIZERS, VALUES));
}

/// Passes everything on to the allocator that it replaced.
struct Relay(RawAlloc);

// SAFETY: the calls are only forwarded.
unsafe impl LuaAlloc for Relay {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.0.call(ptr, osize, nsize) }
    }
}

#[test]
fn after_a_replacement_every_block_is_freed() {
    for and_back in [false, true] {
        let (memory, log) = watched(Slab::new());
        let mut lua = Lua::new(memory).expect("memory");
        let relay = Relay(lua.get_allocf());
        // SAFETY: the relay's blocks are those of the first allocator, and it outlives the state.
        unsafe { lua.set_allocf(RawAlloc::from_adapter(&raw const relay)) };
        populate(&mut lua);
        if and_back {
            // SAFETY: as above, the other way round.
            unsafe { lua.set_allocf(relay.0) };
        }
        drop(lua);
        assert_eq!((FINALIZED.get(), DROPPED.get()), (FINALIZERS, VALUES));
        assert_eq!(log.live.get(), 0);
        assert!(log.dropped.get());
    }
}

#[test]
fn a_panic_of_a_destructor_keeps_nothing_back() {
    let (memory, log) = watched(Slab::new());
    let mut lua = Lua::new(memory).expect("memory");
    populate(&mut lua);
    lua.push_userdata(Noted(13)).expect("memory");
    lua.set_global("unlucky").expect("memory");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(lua)));
    assert!(result.is_err());
    assert_eq!((FINALIZED.get(), DROPPED.get()), (FINALIZERS, VALUES + 1));
    assert!(log.dropped.get());
}
