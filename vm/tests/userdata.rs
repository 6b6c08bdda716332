//! Values of Rust in userdata: typed, dropped once, and out of reach of scripts.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use perilune_alloc_adapters::{Checking, Counting, Limit, System};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, LuaType, MULTRET, NativeFn, Status, UserType};

type Memory = Counting<Limit<Checking<System>>>;

fn memory() -> Memory {
    Counting::new(Limit::new(Checking::recording(System), usize::MAX))
}

fn state(memory: &Memory) -> Lua<&Memory> {
    let mut lua = Lua::with_seed(memory, 3).expect("a state");
    let functions: [(&str, NativeFn); 5] = [
        ("getmetatable", |lua| {
            lua.set_top(1)?;
            Ok(usize::from(lua.get_metatable(1)?))
        }),
        ("setmetatable", |lua| {
            lua.set_metatable(1)?;
            Ok(1)
        }),
        ("collect", |lua| {
            lua.gc_collect()?;
            Ok(0)
        }),
        ("counter", |lua| {
            lua.push_userdata(Counter { n: 0 })?;
            Ok(1)
        }),
        ("count", |lua| {
            let counter = lua.check_userdata_mut::<Counter>(1)?;
            counter.n += 1;
            let n = counter.n;
            lua.push_integer(n)?;
            Ok(1)
        }),
    ];
    for (name, function) in functions {
        lua.push_native(function).expect("room");
        lua.set_global(name).expect("room");
    }
    lua
}

/// Nothing is left, and nothing was done wrong to a block.
fn is_clean(memory: &Memory) {
    assert_eq!(memory.stats().live_bytes, 0, "a leak");
    assert_eq!(memory.inner().inner().violations(), []);
}

/// Runs a chunk; gives the status, and the message if that is an error.
fn run(lua: &mut LuaState, chunk: &str) -> (Status, String) {
    assert_eq!(lua.load_bytes(chunk.as_bytes(), b"=test", LoadMode::TEXT), Status::Ok, "{chunk}");
    let status = lua.pcall(0, MULTRET, 0);
    let text = if status.is_error() { lua.str_at(-1).unwrap_or(b"") } else { b"" };
    (status, String::from_utf8_lossy(text).into_owned())
}

/// Runs a chunk that is right.
fn does(lua: &mut LuaState, chunk: &str) {
    assert_eq!(run(lua, chunk), (Status::Ok, String::new()), "{chunk}");
}

/// The message of a chunk that goes wrong.
fn fails(lua: &mut LuaState, chunk: &str) -> String {
    let (status, message) = run(lua, chunk);
    assert_eq!(status, Status::ErrRun, "{chunk}");
    lua.pop(1);
    message
}

struct Counter {
    n: i64,
}

impl UserType for Counter {
    const NAME: &'static str = "Counter";
}

/// Counts how often its like is dropped.
struct Counted {
    drops: Arc<AtomicUsize>,
    text: String,
}

impl Counted {
    fn new(drops: &Arc<AtomicUsize>) -> Self {
        Self { drops: drops.clone(), text: "alive".repeat(3) }
    }
}

impl UserType for Counted {
    const NAME: &'static str = "Counted";
}

impl Drop for Counted {
    fn drop(&mut self) {
        assert_eq!(self.text, "alivealivealive");
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn in_and_out() {
    let memory = memory();
    {
        let mut lua = state(&memory);
        lua.push_userdata(Counter { n: 5 }).expect("room");
        assert_eq!(lua.lua_type(1), LuaType::Userdata);
        assert_eq!(lua.userdata_ref::<Counter>(1).map(|counter| counter.n), Some(5));
        lua.userdata_mut::<Counter>(1).expect("a counter").n = 6;
        assert_eq!(lua.check_userdata_ref::<Counter>(-1).map(|counter| counter.n), Ok(6));
        // As an upvalue, too.
        lua.push_native_closure(
            |lua| {
                let upvalue = perilune_vm::upvalue_index(1);
                lua.userdata_mut::<Counter>(upvalue).expect("a counter").n += 1;
                let n = lua.check_userdata_ref::<Counter>(upvalue)?.n;
                lua.push_integer(n)?;
                Ok(1)
            },
            1,
        )
        .expect("room");
        assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
        assert_eq!(lua.to_integer(-1), Some(7));
        lua.set_top(0).expect("fewer values");
        lua.push_userdata(Counter { n: 8 }).expect("room");
        assert_eq!(lua.take_userdata::<Counter>(1).map(|counter| counter.n), Some(8));
        assert!(lua.take_userdata::<Counter>(1).is_none());
        assert!(lua.userdata_ref::<Counter>(1).is_none() && lua.userdata_mut::<Counter>(1).is_none());
        assert_eq!(lua.lua_type(1), LuaType::Userdata);
    }
    is_clean(&memory);
}

#[test]
fn only_by_its_type() {
    /// Of the same name and layout.
    struct Impostor {
        n: i64,
    }
    impl UserType for Impostor {
        const NAME: &'static str = "Counter";
    }
    let memory = memory();
    {
        let mut lua = state(&memory);
        lua.push_userdata(Counter { n: 1 }).expect("room");
        lua.push_userdata(Impostor { n: 2 }).expect("room");
        lua.push_integer(3).expect("room");
        lua.new_userdata(64).expect("room");
        lua.push_light_userdata(std::ptr::dangling_mut()).expect("room");
        assert!(lua.userdata_ref::<Impostor>(1).is_none() && lua.userdata_ref::<Counter>(2).is_none());
        assert_eq!(lua.userdata_ref::<Impostor>(2).map(|impostor| impostor.n), Some(2));
        for idx in [2, 3, 4, 5, 6, 0, -1, -7, i32::MAX, i32::MIN, perilune_vm::REGISTRY_INDEX] {
            assert!(lua.userdata_ref::<Counter>(idx).is_none(), "{idx}");
            assert!(lua.userdata_mut::<Counter>(idx).is_none(), "{idx}");
            assert!(lua.take_userdata::<Counter>(idx).is_none(), "{idx}");
        }
        assert_eq!(lua.userdata_ref::<Counter>(1).map(|counter| counter.n), Some(1));
        // Functions for bytes of the host's find none.
        assert!(lua.to_userdata(1).is_none() && lua.test_userdata(1, "Counter").is_none());
        assert!(lua.check_userdata(1, "Counter").is_err());
        assert!(lua.is_userdata(1) && !lua.to_pointer(1).is_null());
    }
    is_clean(&memory);
}

#[test]
fn messages() {
    let memory = memory();
    {
        let mut lua = state(&memory);
        for (chunk, message) in [
            ("count(1)", "test:1: bad argument #1 to 'count' (Counter expected, got number)"),
            ("count()", "test:1: bad argument #1 to 'count' (Counter expected, got no value)"),
            ("count({})", "test:1: bad argument #1 to 'count' (Counter expected, got table)"),
            (
                "count(setmetatable({}, {__name = 'Thing'}))",
                "test:1: bad argument #1 to 'count' (Counter expected, got Thing)",
            ),
            (
                "local t = {count = count} t:count()",
                "test:1: calling 'count' on bad self (Counter expected, got table)",
            ),
        ] {
            assert_eq!(fails(&mut lua, chunk), message);
        }
        does(&mut lua, "taken = counter()");
        lua.get_global("taken").expect("room");
        assert!(lua.take_userdata::<Counter>(-1).is_some());
        lua.pop(1);
        assert_eq!(fails(&mut lua, "count(taken)"), "test:1: bad argument #1 to 'count' (the value was taken)");
        lua.new_userdata(8).expect("room");
        lua.set_registered_metatable("Counter").expect("room");
        lua.set_global("raw").expect("room");
        assert_eq!(fails(&mut lua, "count(raw)"), "test:1: bad argument #1 to 'count' (Counter expected, got Counter)");
    }
    is_clean(&memory);
}

#[test]
fn metatables_are_no_part_of_it() {
    let (memory, drops) = (memory(), Arc::new(AtomicUsize::new(0)));
    {
        let mut lua = state(&memory);
        lua.push_userdata(Counted::new(&drops)).expect("room");
        lua.set_global("value").expect("room");
        does(
            &mut lua,
            "local mt = getmetatable(value)
            if mt.__name ~= 'Counted' or mt.__gc ~= nil then count() end
            -- A script takes the metatable away, gives another one, and one with a finalizer that saves the value.
            setmetatable(value, nil) collect()
            setmetatable(value, getmetatable(counter()))
            setmetatable(value, {__gc = function(v) saved = v end})
            value = nil collect() collect()
            -- The finalizer is called again by hand, with other values, too.
            local gc = function(v) getmetatable(saved).__gc(v) end
            gc(saved) local s = saved gc(1) saved = s
            collect()",
        );
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        lua.get_global("saved").expect("room");
        assert_eq!(lua.userdata_ref::<Counted>(-1).map(|value| value.text.len()), Some(15));
        assert!(lua.userdata_ref::<Counter>(-1).is_none());
        lua.pop(1);
        does(&mut lua, "saved = nil collect()");
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        does(&mut lua, "if saved then count() end collect()");
    }
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    is_clean(&memory);
}

#[test]
fn a_finalizer_finds_the_value() {
    thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });
    let (memory, drops) = (memory(), Arc::new(AtomicUsize::new(0)));
    {
        let mut lua = state(&memory);
        lua.new_metatable("Counted").expect("room");
        lua.push_native(|lua| {
            SEEN.set(SEEN.get() + lua.check_userdata_ref::<Counted>(1)?.text.len());
            // It may be taken: then it is dropped here.
            if SEEN.get() == 30 {
                let drops = lua.userdata_ref::<Counted>(1).map(|value| value.drops.clone());
                drop(lua.take_userdata::<Counted>(1));
                assert_eq!(drops.map(|drops| drops.load(Ordering::Relaxed)), Some(2));
            }
            Ok(0)
        })
        .expect("room");
        lua.set_field(-2, "__gc").expect("room");
        lua.pop(1);
        for expected in 1..=2 {
            lua.push_userdata(Counted::new(&drops)).expect("room");
            lua.pop(1);
            lua.gc_collect().expect("a collection");
            lua.gc_collect().expect("a collection");
            assert_eq!((SEEN.get(), drops.load(Ordering::Relaxed)), (15 * expected, expected));
        }
        lua.push_userdata(Counted::new(&drops)).expect("room");
    }
    // At the end of the state, too, the finalizer comes first.
    assert_eq!((SEEN.get(), drops.load(Ordering::Relaxed)), (45, 3));
    is_clean(&memory);
}

#[test]
fn dropped_once() {
    let (memory, drops) = (memory(), Arc::new(AtomicUsize::new(0)));
    let count = || drops.load(Ordering::Relaxed);
    {
        let mut lua = state(&memory);
        // By steps of the collector.
        for _ in 0..2000 {
            lua.push_userdata(Counted::new(&drops)).expect("room");
            lua.pop(1);
        }
        assert!(count() > 0 || cfg!(gc_zeal), "the collector has been at work");
        lua.gc_collect().expect("a collection");
        assert_eq!(count(), 2000);
        // In weak tables.
        does(&mut lua, "weak = setmetatable({}, {__mode = 'kv'})");
        lua.get_global("weak").expect("room");
        for i in 1..=10 {
            lua.push_userdata(Counted::new(&drops)).expect("room");
            lua.raw_set_i(-2, i).expect("room");
            lua.push_userdata(Counted::new(&drops)).expect("room");
            lua.push_boolean(true).expect("room");
            lua.raw_set(-3).expect("room");
        }
        lua.gc_collect().expect("a collection");
        assert_eq!(count(), 2020);
        lua.push_nil().expect("room");
        assert_eq!(lua.next(-2), Ok(false));
        lua.set_top(0).expect("fewer values");
        // By whoever takes them.
        lua.push_userdata(Counted::new(&drops)).expect("room");
        let taken = lua.take_userdata::<Counted>(1);
        lua.pop(1);
        lua.gc_collect().expect("a collection");
        assert_eq!(count(), 2020);
        drop(taken);
        assert_eq!(count(), 2021);
        // Not before the end, if the collector is stopped.
        lua.gc_stop();
        for _ in 0..100 {
            lua.push_userdata(Counted::new(&drops)).expect("room");
            lua.pop(1);
        }
        assert_eq!(count(), 2021);
        // In a suspended coroutine's frame, a cycle, a global, a user value.
        lua.push_userdata(Counted::new(&drops)).expect("room");
        lua.push_value(-1).expect("room");
        lua.set_user_value(-2).expect("room");
        lua.push_userdata(Counted::new(&drops)).expect("room");
        lua.set_global("kept").expect("room");
        let co = lua.new_thread().expect("room");
        // SAFETY: the thread lies on the stack.
        unsafe { co.state() }.push_userdata(Counted::new(&drops)).expect("room");
    }
    assert_eq!(count(), 2124);
    is_clean(&memory);
}

#[test]
fn of_all_sizes() {
    struct Nothing;
    impl UserType for Nothing {
        const NAME: &'static str = "Nothing";
    }
    #[repr(align(16))]
    struct Aligned(u8);
    impl UserType for Aligned {
        const NAME: &'static str = "Aligned";
    }
    struct Wide(u128, [u8; 3]);
    impl UserType for Wide {
        const NAME: &'static str = "Wide";
    }
    struct Large([u64; 4000]);
    impl UserType for Large {
        const NAME: &'static str = "Large";
    }
    let memory = memory();
    {
        let mut lua = state(&memory);
        for i in 0..50 {
            lua.push_userdata(Nothing).expect("room");
            lua.push_userdata(Aligned(i)).expect("room");
            lua.push_userdata(Wide(u128::MAX - u128::from(i), [i; 3])).expect("room");
            lua.push_userdata(Large([u64::from(i); 4000])).expect("room");
            assert!(lua.userdata_ref::<Nothing>(1).is_some());
            let aligned = lua.userdata_ref::<Aligned>(2).expect("it was pushed");
            assert_eq!((aligned.0, std::ptr::from_ref(aligned).addr() % 16), (i, 0));
            let wide = lua.userdata_ref::<Wide>(3).expect("it was pushed");
            assert_eq!((wide.0, wide.1, std::ptr::from_ref(wide).addr() % 16), (u128::MAX - u128::from(i), [i; 3], 0));
            assert_eq!(lua.userdata_ref::<Large>(4).expect("it was pushed").0[3999], u64::from(i));
            lua.set_top(0).expect("fewer values");
        }
    }
    is_clean(&memory);
}

#[test]
fn without_memory() {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut made = 0;
    // With ever more memory, until nothing goes wrong any more.
    for limit in (0..).step_by(16) {
        let memory = memory();
        let mut done = false;
        {
            let mut lua = state(&memory);
            memory.inner().set_limit(memory.stats().live_bytes + limit);
            for i in 0..20 {
                made += 1;
                match lua.push_userdata(Counted::new(&drops)) {
                    Ok(()) => done = i == 19,
                    Err(_) => break,
                }
            }
            memory.inner().set_limit(usize::MAX);
            does(&mut lua, "local c = counter() count(c) collect()");
        }
        assert_eq!(drops.load(Ordering::Relaxed), made, "limit {limit}");
        is_clean(&memory);
        if done {
            return;
        }
    }
}

#[test]
fn dead_values_make_room() {
    struct Big(#[expect(dead_code, reason = "it is there to take memory")] [u8; 100_000], Arc<AtomicUsize>);
    impl UserType for Big {
        const NAME: &'static str = "Big";
    }
    impl Drop for Big {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (memory, drops) = (memory(), Arc::new(AtomicUsize::new(0)));
    {
        let mut lua = state(&memory);
        memory.inner().set_limit(memory.stats().live_bytes + 150_000);
        lua.gc_stop();
        for _ in 0..20 {
            lua.push_userdata(Big([0; 100_000], drops.clone())).expect("the one before is dead");
            lua.pop(1);
        }
        assert_eq!(drops.load(Ordering::Relaxed), 19);
    }
    assert_eq!(drops.load(Ordering::Relaxed), 20);
    is_clean(&memory);
}

#[test]
fn the_stack_is_full() {
    let (memory, drops) = (memory(), Arc::new(AtomicUsize::new(0)));
    let mut made = 0;
    {
        let mut lua = state(&memory);
        assert!(!lua.check_stack(1_000_001));
        while lua.check_stack(1000) {
            let top = lua.get_top();
            lua.set_top(top + 999).expect("there is room");
        }
        loop {
            made += 1;
            if lua.push_userdata(Counted::new(&drops)).is_err() {
                break;
            }
        }
        lua.set_top(0).expect("fewer values");
        lua.gc_collect().expect("a collection");
    }
    assert_eq!(drops.load(Ordering::Relaxed), made);
    is_clean(&memory);
}

fn swap(lua: &mut LuaState) -> LuaResult<usize> {
    let other = lua.take_userdata::<Counter>(2).map_or(0, |counter| counter.n);
    lua.check_userdata_mut::<Counter>(1)?.n = other;
    lua.push_userdata(Counter { n: other })?;
    Ok(1)
}

#[test]
fn the_same_one_twice() {
    let memory = memory();
    {
        let mut lua = state(&memory);
        lua.push_native(swap).expect("room");
        lua.set_global("swap").expect("room");
        does(
            &mut lua,
            "a, b = counter(), counter() count(a) count(b) count(b) c = swap(a, b) if count(a) ~= 3 then count() end",
        );
        assert_eq!(fails(&mut lua, "swap(a, a)"), "test:1: bad argument #1 to 'swap' (the value was taken)");
    }
    is_clean(&memory);
}
