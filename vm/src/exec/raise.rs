//! Raising errors: the value is pushed, the message handler runs, and `Err` carries the news.

use core::fmt;

use super::call;
use crate::debug;
use crate::error::Thrown;
use crate::state::LuaState;

impl LuaState {
    /// Raises the value on top of the stack as an error (manual §4.8, `lua_error`): `return Err(lua.error())`.
    #[doc(alias = "lua_error")]
    pub fn error(&mut self) -> Thrown {
        let th = self.th();
        let handler = th.err_func.get();
        if handler == 0 {
            return Thrown::Runtime;
        }
        // SAFETY: H1: the slots above the limit have room for one more value.
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
