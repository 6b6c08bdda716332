//! States in threads of the operating system: which may be moved, and that those which run at once share nothing.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use perilune_alloc_adapters::{Checking, Counting, Limit, System};
use perilune_vm::{
    Activation, Buffer, Interrupter, LoadMode, Lua, LuaAlloc, LuaResult, LuaState, LuaStr, NativeFn, OldSize, RawAlloc,
    Status, ThreadRef, UserType, native_resume, native_wrapped, native_yield,
};

/// Tells whether a type has a trait: a constant of its own goes before the trait's.
struct Asked<T: ?Sized>(PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
}

trait OtherwiseShared {
    const SYNC: bool = false;
}

impl<T: ?Sized> Otherwise for Asked<T> {}
impl<T: ?Sized> OtherwiseShared for Asked<T> {}

impl<T: ?Sized + Send> Asked<T> {
    const SEND: bool = true;
}

impl<T: ?Sized + Sync> Asked<T> {
    const SYNC: bool = true;
}

/// An allocator that cannot change threads.
struct Bound(Rc<()>);

// SAFETY: the call is only forwarded.
unsafe impl LuaAlloc for Bound {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        assert_eq!(Rc::strong_count(&self.0), 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, osize, nsize) }
    }
}

const _: () = {
    // A state can be moved just if its allocator can.
    assert!(Asked::<Lua<System>>::SEND);
    assert!(Asked::<Lua<Counting<Limit<Checking<System>>>>>::SEND);
    assert!(Asked::<Lua<&'static System>>::SEND);
    assert!(!Asked::<Lua<Bound>>::SEND);
    assert!(!Asked::<Lua<&'static Counting<System>>>::SEND, "two threads would count at once");
    // None can be used by two threads.
    assert!(!Asked::<Lua<System>>::SYNC);
    assert!(!Asked::<LuaState>::SEND && !Asked::<LuaState>::SYNC);
    assert!(!Asked::<&'static mut LuaState>::SEND);
    // What belongs to a state stays with its owner.
    assert!(!Asked::<LuaStr>::SEND && !Asked::<ThreadRef>::SEND && !Asked::<Activation>::SEND);
    assert!(!Asked::<RawAlloc>::SEND && !Asked::<RawAlloc>::SYNC);
    assert!(Asked::<Interrupter>::SEND && Asked::<Interrupter>::SYNC);
    assert!(Asked::<NativeFn>::SEND && Asked::<Buffer>::SEND);
};

#[test]
fn an_allocator_that_stays() {
    let lua = Lua::with_seed(Bound(Rc::new(())), 1).expect("a state");
    assert!(lua.gc_count() > 0);
}

fn create(lua: &mut LuaState) -> LuaResult<usize> {
    let co = lua.new_thread()?;
    lua.push_value(1)?;
    // SAFETY: the thread lies on the stack.
    lua.xmove(unsafe { co.state() }, 1)?;
    Ok(1)
}

fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    create(lua)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

fn setmetatable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_metatable(1)?;
    Ok(1)
}

fn state<A: LuaAlloc>(alloc: A) -> Lua<A> {
    let mut lua = Lua::with_seed(alloc, 1).expect("a state");
    let functions: [(&str, NativeFn); 5] = [
        ("create", create),
        ("wrap", wrap),
        ("resume", native_resume),
        ("yield", native_yield),
        ("setmetatable", setmetatable),
    ];
    for (name, function) in functions {
        lua.push_native(function).expect("room");
        lua.set_global(name).expect("room");
    }
    lua
}

/// Runs a chunk and gives its first result as an integer.
fn run(lua: &mut LuaState, chunk: &str) -> Option<i64> {
    assert_eq!(lua.load_bytes(chunk.as_bytes(), b"=test", LoadMode::TEXT), Status::Ok, "{chunk}");
    let status = lua.pcall(0, 1, 0);
    let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
    assert_eq!(status, Status::Ok, "{message}");
    let result = lua.to_integer(-1);
    lua.pop(1);
    result
}

/// Something whose dropping is counted.
struct Counted(Arc<AtomicUsize>);

impl UserType for Counted {
    const NAME: &'static str = "Counted";
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_state_that_goes_from_thread_to_thread() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut lua = state(Counting::new(Checking::recording(System)));
    // Suspended coroutines, one within a native function that waits, a weak table, finalizers, a value of Rust.
    run(
        &mut lua,
        "sum = 0
        counter = wrap(function() local i = 0 while true do i = i + 1 sum = sum + i yield(i) end end)
        outer = wrap(function() local inner = wrap(function() yield(1) yield(2) return 3 end)
            while true do yield(inner()) end end)
        finalized = 0
        cache = setmetatable({}, {__mode = 'v'})
        for i = 1, 50 do cache[i] = setmetatable({}, {__gc = function() finalized = finalized + 1 end}) end",
    );
    lua.push_userdata(Counted(dropped.clone())).expect("room");
    lua.set_global("value").expect("room");
    assert_eq!(run(&mut lua, "return counter()"), Some(1));
    assert_eq!(run(&mut lua, "return outer()"), Some(1));
    for step in 2..10 {
        lua = thread::spawn(move || {
            assert_eq!(run(&mut lua, "return counter()"), Some(step));
            if step == 2 {
                assert_eq!(run(&mut lua, "return outer()"), Some(2));
            }
            run(&mut lua, "local t = {} for i = 1, 1000 do t[i] = {i .. 'text'} end");
            lua.gc_collect().expect("a collection");
            lua
        })
        .join()
        .expect("the thread ends well");
    }
    assert_eq!(run(&mut lua, "return sum"), Some(45));
    assert_eq!(run(&mut lua, "return outer()"), Some(3));
    assert_eq!(run(&mut lua, "return finalized"), Some(50));
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    thread::spawn(move || drop(lua)).join().expect("the thread ends well");
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn a_state_within_a_state() {
    struct Inner(Lua<System>);
    impl UserType for Inner {
        const NAME: &'static str = "Inner";
    }
    let mut lua = state(System);
    lua.push_userdata(Inner(state(System))).expect("room");
    let inner = lua.userdata_mut::<Inner>(-1).expect("it was just pushed");
    assert_eq!(run(&mut inner.0, "x = 1 return x"), Some(1));
    assert_eq!(run(&mut lua, "return x"), None);
    // It moves with the outer one, and is closed by the outer one's collector.
    thread::spawn(move || {
        lua.pop(1);
        lua.gc_collect().expect("a collection");
        assert_eq!(run(&mut lua, "return 1"), Some(1));
    })
    .join()
    .expect("the thread ends well");
}

#[test]
fn eight_states_at_once() {
    let threads: Vec<_> = (0..8)
        .map(|number: i64| {
            thread::spawn(move || {
                let mut lua = state(Counting::new(Checking::recording(System)));
                lua.push_integer(number).expect("room");
                lua.set_global("number").expect("room");
                run(
                    &mut lua,
                    "local generators = {}
                    for i = 1, 20 do generators[i] = wrap(function() for n = 1, 1e9 do yield(n * number + i) end end) end
                    local sum, texts = 0, {}
                    for round = 1, 200 do
                        for i, generator in (function(t, i) i = i + 1 if t[i] then return i, t[i] end end), generators, 0 do
                            sum = sum + generator()
                            texts[i .. ':' .. round % 10] = sum .. ''
                        end
                        setmetatable({}, {__gc = function() sum = sum + 0 end})
                    end
                    result = sum
                    return sum",
                )
            })
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        let wanted = 20 * (200 * 201 / 2) * number as i64 + 200 * (20 * 21 / 2);
        assert_eq!(thread.join().expect("the thread ends well"), Some(wanted));
    }
}

thread_local! {
    static STATE: Cell<Option<Lua<System>>> = const { Cell::new(None) };
}

#[test]
fn a_state_that_dies_with_its_thread() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = dropped.clone();
    thread::spawn(move || {
        let mut lua = state(System);
        lua.push_userdata(Counted(counted)).expect("room");
        STATE.set(Some(lua));
    })
    .join()
    .expect("the thread ends well");
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
