//! Handles that are used when what they stood for is gone, or in another state; and an allocator that refuses now and then.

use std::cell::{Cell, RefCell};

use perilune_alloc_adapters::{Checking, Counting, Limit, System};
use perilune_vm::{
    Activation, Buffer, Interrupter, Lua, LuaAlloc, LuaResult, LuaState, LuaStr, OldSize, ThreadRef, native_resume,
    native_yield,
};

use super::acts::{from_the_base, use_buffer};
use super::choices::{below, chance, count, index, options, small};
use super::natives::{after, hook, wild};

/// How much memory a state may have.
const MEMORY: usize = 8 << 20;

/// What the states that a run is about allocate from.
pub type Memory = Counting<Limit<Moody<Checking<System>>>>;

/// The memory of a run.
pub fn memory() -> Memory {
    Counting::new(Limit::new(Moody(Checking::recording(System)), MEMORY))
}

thread_local! {
    /// Before how many requests that grow the allocator refuses; 0 if it does not.
    static PATIENCE: Cell<u32> = const { Cell::new(0) };
    static THREADS: RefCell<Vec<ThreadRef>> = const { RefCell::new(Vec::new()) };
    static ACTIVATIONS: RefCell<Vec<Activation>> = const { RefCell::new(Vec::new()) };
    static STRINGS: RefCell<Vec<LuaStr>> = const { RefCell::new(Vec::new()) };
    static BUFFERS: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
    /// A state besides the one that runs.
    static OTHER: RefCell<Option<Lua<Limit<Moody<System>>>>> = const { RefCell::new(None) };
}

/// An allocator that refuses a request when its patience has come to an end.
pub struct Moody<A>(pub A);

// SAFETY: only requests that make or enlarge a block are refused; the others are forwarded.
unsafe impl<A: LuaAlloc> LuaAlloc for Moody<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let grows = nsize > 0 && (ptr.is_null() || nsize > osize.bytes());
        let patience = PATIENCE.get();
        if grows && patience > 0 {
            // The second attempt after a collection fails, too.
            PATIENCE.set(patience - 1);
            if patience <= 2 {
                return std::ptr::null_mut();
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(ptr, osize, nsize) }
    }
}

/// Lets the allocator refuse after so many requests.
pub fn starve(requests: u32) {
    PATIENCE.set(requests + 2);
}

/// Begins a run: there are no handles, and there is another state or not.
pub fn begin() {
    end();
    if chance(2) {
        let mut lua = Lua::with_seed(Limit::new(Moody(System), MEMORY), 2).expect("a state");
        for (name, function) in FUNCTIONS {
            lua.push_native(*function).expect("room");
            lua.set_global(name).expect("room");
        }
        OTHER.set(Some(lua));
    }
}

/// What interrupts the other state.
pub fn interrupter() -> Option<Interrupter> {
    OTHER.with_borrow(|other| other.as_ref().map(|lua| lua.interrupter()))
}

/// What scripts can call.
pub const FUNCTIONS: &[(&str, perilune_vm::NativeFn)] =
    &[("wild", wild), ("yield", native_yield), ("resume", native_resume)];

/// Ends a run.
pub fn end() {
    PATIENCE.set(0);
    THREADS.take();
    ACTIVATIONS.take();
    STRINGS.take();
    BUFFERS.take();
    drop(OTHER.take());
}

/// Keeps a buffer for later.
pub fn keep_buffer(buffer: Buffer) {
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
}

fn one<T: Copy>(kept: &'static std::thread::LocalKey<RefCell<Vec<T>>>) -> Option<T> {
    kept.with_borrow(|kept| {
        let n = kept.len() as u64;
        if n == 0 { None } else { kept.get(below(n) as usize).copied() }
    })
}

fn keep<T>(kept: &'static std::thread::LocalKey<RefCell<Vec<T>>>, thing: Option<T>) {
    kept.with_borrow_mut(|kept| {
        kept.extend(thing);
        if kept.len() > 20 {
            kept.swap_remove(below(20) as usize);
        }
    });
}

/// Something with a handle from earlier times.
pub fn act(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => keep(&THREADS, lua.to_thread(index())),
        1 => keep(&ACTIVATIONS, lua.get_stack(small())),
        2 => keep(&STRINGS, lua.to_str(index())?),
        3 => {
            let Some(thread) = one(&THREADS) else { return Ok(()) };
            return lua.push_thread_ref(thread);
        }
        4 => {
            let Some(thread) = one(&THREADS) else { return Ok(()) };
            lua.coroutine_status(thread);
            return lua.traceback(Some(thread), None, small());
        }
        5 => {
            let Some(thread) = one(&THREADS) else { return Ok(()) };
            return lua.resume_then(thread, count(), 20, after).map(|_| ());
        }
        6 => return lua.get_info(options(), one(&ACTIVATIONS)).map(|_| ()),
        7 => return lua.get_local(one(&ACTIVATIONS), small()).map(|_| ()),
        8 => {
            let Some(activation) = one(&ACTIVATIONS) else { return Ok(()) };
            return lua.set_local(activation, small()).map(|_| ());
        }
        9 => {
            if let Some(string) = one(&STRINGS) {
                let _ = std::hint::black_box((string.len(), string.is_empty(), format!("{string:?}")));
            }
        }
        10 | 11 => {
            let buffer = BUFFERS.with_borrow_mut(Vec::pop);
            let Some(mut buffer) = buffer else { return Ok(()) };
            let result = use_buffer(lua, &mut buffer);
            if chance(2) {
                buffer.finish(lua)?;
            } else {
                keep_buffer(buffer);
            }
            return result;
        }
        12 => {
            // Values do not go from one state to another.
            let refused =
                with_other(|other| other.is_none_or(|other| lua.xmove(other, 1 + below(3) as usize).is_err()));
            assert!(refused.is_none_or(|refused| refused));
        }
        _ => {
            with_other(|other| {
                let Some(other) = other else { return };
                if chance(20) {
                    // SAFETY: the state is open.
                    unsafe { other.interrupter().interrupt(hook) };
                }
                from_the_base(other);
            });
        }
    }
    Ok(())
}

/// Does something with the other state, unless somebody does already.
fn with_other<T>(action: impl FnOnce(Option<&mut LuaState>) -> T) -> Option<T> {
    OTHER.with(|other| {
        let mut other = other.try_borrow_mut().ok()?;
        Some(action(other.as_mut().map(|other| &mut **other)))
    })
}
