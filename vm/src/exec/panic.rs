//! Errors that nobody takes: the panic function (manual §4.6), and what becomes of a thread that such an error leaves.
//!
//! An error that leaves the host's outermost call without having met a protected one comes back to the host as an `Err`. In C
//! the program would end there, after a last call of the panic function; here the same call is made, and then the host goes on.
//!
//! Q1. `GlobalState.protection` is null or the innermost of a chain of [`Protection`]s, each in a Rust frame that is still
//!     active; a node leaves the chain when it is dropped, also by a panic. `GlobalState.outermost` is null, or the thread on
//!     which the host's outermost call was begun while that chain was empty, until its error has been told.

use perilune_core::base::limits::MIN_STACK;
use perilune_core::{CallInfo, TValue, Thread};

use super::{call, protect};
use crate::error::Thrown;
use crate::stack;
use crate::state::{GlobalState, LuaState, NativeFn};

/// Someone in the host's own code who takes the errors of a thread: a protected call, or a `resume`.
pub(crate) struct Protection {
    global: *mut GlobalState,
    thread: *const Thread,
    outer: *const Protection,
}

impl Drop for Protection {
    fn drop(&mut self) {
        // SAFETY: M2: whoever entered the machine keeps the state open.
        unsafe { (*self.global).protection = self.outer };
    }
}

/// Does something whose errors are taken by the caller (Q1).
pub(crate) fn shielded<T>(lua: &mut LuaState, body: impl FnOnce(&mut LuaState) -> T) -> T {
    let global = lua.global();
    // SAFETY: M2; Q1: the node stays where it is until it is dropped, which is here.
    unsafe {
        let node = Protection { global, thread: lua.as_thread_ptr(), outer: (*global).protection };
        (*global).protection = &raw const node;
        body(lua)
    }
}

impl LuaState {
    /// Sets the function that is called when an error leaves the host's outermost call, or is raised where the host calls
    /// nothing, and no protected call takes it (manual §4.6 and §4.8, `lua_atpanic`). Returns the one before.
    ///
    /// Like a message handler it gets the error's value as its argument, and finds the frames that the error comes from still
    /// in place, so that it can make a traceback. When it returns, whatever that is, the `Err` comes back to the host with the
    /// same value. (In C the program ends then; where a panic function jumps out of itself, do here what is to be done after
    /// the jump when the `Err` arrives.) If there is no memory for a frame it is called without one, with the value on top.
    ///
    /// An error within a protected call, `load` or `resume` is taken there and none of the panic function's business, nor is
    /// one that a native function of Rust keeps to itself.
    #[doc(alias = "lua_atpanic")]
    pub fn at_panic(&mut self, function: Option<NativeFn>) -> Option<NativeFn> {
        // SAFETY: M2.
        unsafe { core::mem::replace(&mut (*self.global()).panic, function) }
    }

    /// Whether an error would come back to the host with no call of its between, protected or not (Q1).
    #[inline]
    pub(crate) fn is_at_host_level(&self) -> bool {
        // SAFETY: M2, E1: at rest the main thread counts as the running one.
        unsafe { (*self.global()).protection.is_null() && (*self.heap().running_thread).n_c_calls.get() == 0 }
    }

    /// Tells of an error that was raised just now, if that is where the host calls nothing.
    #[cold]
    pub(crate) fn escape(&mut self, thrown: Thrown) -> Thrown {
        if self.is_at_host_level() && !call_panic(self, thrown) {
            call_panic_in_place(self, thrown);
        }
        thrown
    }

    /// The error of an allocation that failed.
    #[cold]
    pub(crate) fn memory_error(&mut self) -> Thrown {
        self.escape(Thrown::Memory)
    }

    /// Marks the thread as dead if nobody takes its errors: that one came out of it and goes on in another thread.
    pub(crate) fn die_unprotected(&self, thrown: Thrown) {
        let th = self.th();
        let is_main = core::ptr::eq(self.heap().main_thread, self.as_thread_ptr());
        if is_main || thrown == Thrown::Yield || !core::ptr::eq(th.ci.get(), &th.base_ci) {
            return;
        }
        // SAFETY: M2.
        let mut node = unsafe { (*self.global()).protection };
        while !node.is_null() {
            // SAFETY: Q1.
            unsafe {
                if core::ptr::eq((*node).thread, self.as_thread_ptr()) {
                    return;
                }
                node = (*node).outer;
            }
        }
        th.status.set(thrown as u8);
    }
}

/// The host's outermost call, as long as it lasts, if it is one whose errors nobody takes (Q1).
pub(crate) struct Outermost(*mut GlobalState);

impl Outermost {
    /// For a call that is about to begin on a thread; `running` is the thread that ran before.
    #[inline]
    pub(crate) fn begin(lua: &LuaState, running: *const Thread) -> Option<Self> {
        let global = lua.global();
        // SAFETY: E1, M2.
        unsafe {
            let is_outermost = (*running).n_c_calls.get() == 0 && (*global).protection.is_null();
            is_outermost.then(|| {
                (*global).outermost = lua.as_thread_ptr();
                Self(global)
            })
        }
    }

    /// The call has come back with an error, of which nobody may have been told yet.
    #[cold]
    pub(crate) fn fail(self, lua: &mut LuaState, thrown: Thrown) {
        // The error may have left a hook, which switched hooks off (D2).
        lua.th().allow_hook.set(true);
        // SAFETY: M2.
        let untold = unsafe { !(*self.0).outermost.is_null() };
        drop(self);
        if untold {
            lua.escape(thrown);
        }
    }
}

impl Drop for Outermost {
    fn drop(&mut self) {
        // SAFETY: M2: whoever entered the machine keeps the state open.
        unsafe { (*self.0).outermost = core::ptr::null_mut() };
    }
}

/// The error of a call is to leave the frame above `base` next: tells of it if that ends the host's outermost call.
///
/// # Safety
/// `base` is a frame of the thread in use (H4).
pub(crate) unsafe fn before_unwinding(lua: &mut LuaState, base: *const CallInfo, thrown: Thrown) {
    let global = lua.global();
    // SAFETY: M2; H4.
    unsafe {
        let is_last = core::ptr::eq((*global).outermost, lua.as_thread_ptr()) && core::ptr::eq(base, &lua.th().base_ci);
        if is_last && call_panic(lua, thrown) {
            (*global).outermost = core::ptr::null_mut();
        }
    }
}

/// The panic function, if there is one and this is an error.
fn panic_function(lua: &LuaState, thrown: Thrown) -> Option<NativeFn> {
    let is_error = !matches!(thrown, Thrown::Yield | Thrown::Call | Thrown::Resume);
    // SAFETY: M2.
    unsafe { (*lua.global()).panic.filter(|_| is_error) }
}

/// Calls the panic function in a frame of its own, which leaves the stack as it was. False if there is no room for that.
fn call_panic(lua: &mut LuaState, thrown: Thrown) -> bool {
    let Some(function) = panic_function(lua, thrown) else { return true };
    let value = protect::error_value(lua, thrown);
    let th = lua.th();
    let saved = th.save(th.top.get());
    // The value may be anchored nowhere else.
    th.push_at_end(value);
    let ready = lua.check_stack(2 + MIN_STACK) && shielded(lua, |lua| stack::next_ci(lua).is_ok());
    if ready {
        let th = lua.th();
        let func = th.save(th.top.get());
        // An error of the panic function has nowhere to go but where the first one goes already.
        let _ = protect::run_from(lua, func, 0, |lua| {
            lua.th().push(TValue::native(function as *const ()));
            lua.th().push(value);
            call::call_slot_no_yield(lua, lua.th().restore(func), 0)
        });
    }
    let th = lua.th();
    th.top.set(th.restore(saved));
    ready
}

/// Calls the panic function in the host's frame. What it takes off the stack is gone.
fn call_panic_in_place(lua: &mut LuaState, thrown: Thrown) {
    let Some(function) = panic_function(lua, thrown) else { return };
    let value = protect::error_value(lua, thrown);
    let th = lua.th();
    let saved = th.save(th.top.get());
    th.push_at_end(value);
    let frame = th.ci.get();
    let _ = shielded(lua, function);
    // SAFETY: H4: the frame was the running one, and the function has not returned into one below.
    unsafe { call::give_up_frames(lua, frame) };
    let th = lua.th();
    if th.save(th.top.get()) > saved {
        th.top.set(th.restore(saved));
    }
}
