//! Raising errors: the value is pushed, the message handler runs, and `Err` carries the news.

use core::fmt;

use super::{call, panic, protect};
use crate::debug;
use crate::error::Thrown;
use crate::state::LuaState;

impl LuaState {
    /// Raises the value on top of the stack as an error (manual §4.8, `lua_error`): `return Err(lua.error())`.
    #[doc(alias = "lua_error")]
    pub fn error(&mut self) -> Thrown {
        if self.held() == 0 {
            // What lies below is not the frame's to raise: nil stands for the value that is missing.
            if let Err(thrown) = self.push_nil() {
                return thrown;
            }
        }
        let thrown = self.handle_error();
        if self.is_at_host_level() {
            self.escape(thrown);
        }
        self.pass_error_on(thrown);
        thrown
    }

    /// Sees to it that the value of an error lies on top, after an `Err` came back to a host that made no protected call:
    /// errors for lack of memory and in error handling put it there only where they are taken.
    ///
    /// What such an error calls before it comes back is set with [`at_panic`](Self::at_panic).
    pub fn error_to_top(&mut self, thrown: Thrown) {
        if matches!(thrown, Thrown::Memory | Thrown::ErrorInHandler) {
            let value = protect::error_value(self, thrown);
            // Without memory for a larger stack the value lies in a spare slot.
            let _ = panic::shielded(self, |lua| lua.push(value));
        }
    }

    /// Lets the error whose value is on top go on in the running thread, if that is another one: a native function that works
    /// on a thread which it holds returns the error from its own.
    pub(crate) fn pass_error_on(&mut self, thrown: Thrown) {
        if self.is_running() {
            return;
        }
        self.die_unprotected(thrown);
        if matches!(thrown, Thrown::Memory | Thrown::ErrorInHandler | Thrown::Yield) {
            return;
        }
        // SAFETY: M1, E1; H1: the value was pushed by whoever raised the error.
        let (running, value) = unsafe { (LuaState::from_thread(self.heap().running_thread), *self.th().from_top(1)) };
        // Without memory for a larger stack the value lies in a spare slot.
        let _ = panic::shielded(running, |running| running.push(value));
    }

    /// Calls the message handler, if there is one, with the value on top.
    #[doc(alias = "luaG_errormsg")]
    fn handle_error(&mut self) -> Thrown {
        let th = self.th();
        th.lost_ci.set(core::ptr::null_mut());
        let handler = th.err_func.get();
        // A function that did not wait for the protected call that it asked for may leave a handler behind that is gone.
        if handler == 0 || handler >= th.save(th.top.get()) || th.spare() == 0 {
            return Thrown::Runtime;
        }
        // SAFETY: H1: the handler lies below the top; the slots above the limit have room for one more value.
        unsafe {
            let top = th.top.get();
            let value = *top.sub(1);
            top.write(value);
            *top.sub(1) = *th.restore(handler);
            th.top.set(top.add(1));
            match call::call_slot_no_yield(self, top.sub(1), 1) {
                Ok(()) => Thrown::Runtime,
                Err(thrown) => thrown,
            }
        }
    }

    /// Raises an error with a message, preceded by the position of the function that called the running native function
    /// (manual §5.1, `luaL_error`).
    #[doc(alias = "luaL_error")]
    pub fn raise(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        // SAFETY: H4.
        if unsafe { (*self.th().ci.get()).is_lua() } {
            return self.run_error(message);
        }
        match self.where_(1).and_then(|()| self.push_fmt(message)).and_then(|()| self.concat(2)) {
            Ok(()) => self.error(),
            Err(thrown) => thrown,
        }
    }

    /// Raises an error with a message, preceded by the position of the running function if that is a Lua function.
    #[doc(alias = "luaG_runerror")]
    pub(crate) fn run_error(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        let pushed = match debug::push_position(self) {
            Ok(true) => self.push_fmt(message).and_then(|()| self.concat(2)),
            Ok(false) => self.push_fmt(message),
            Err(thrown) => Err(thrown),
        };
        match pushed {
            Ok(()) => self.error(),
            Err(thrown) => thrown,
        }
    }

    /// Raises an error with a message as it is, without a position.
    pub fn raise_plain(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        match self.push_fmt(message) {
            Ok(()) => self.error(),
            Err(thrown) => thrown,
        }
    }
}
