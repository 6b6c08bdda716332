//! Other threads, by their places on the stack.
//!
//! The handle that [`ThreadRef::state`](super::ThreadRef::state) gives is left to the caller's care. Here the machine itself
//! sees to it that the other thread stays alive, and that nobody's frame is disturbed.

use perilune_core::TValue;

use super::{CoStatus, ThreadRef};
use crate::anchor::Anchorage;
use crate::error::LuaResult;
use crate::exec::unwind::Busy;
use crate::state::LuaState;

impl LuaState {
    /// Does something with the thread at an index: gives it a function, resumes it, looks at what it has yielded. This thread
    /// waits meanwhile, and cannot be resumed. Values go back and forth with [`move_to_thread`](Self::move_to_thread) and
    /// [`move_from_thread`](Self::move_from_thread).
    ///
    /// ```
    /// # use std::alloc::{Layout, alloc, dealloc, realloc};
    /// # struct System;
    /// # // SAFETY: the rules of the contract, one arm each, for blocks aligned to 16.
    /// # unsafe impl perilune_vm::LuaAlloc for System {
    /// #     unsafe fn realloc(&self, ptr: *mut u8, osize: perilune_vm::OldSize, nsize: usize) -> *mut u8 {
    /// #         let layout = |size| Layout::from_size_align(size, 16).expect("at most isize::MAX");
    /// #         // SAFETY: the caller says that the block is ours and has the old size.
    /// #         unsafe {
    /// #             match (ptr.is_null(), nsize) {
    /// #                 (true, 0) => ptr,
    /// #                 (true, _) => alloc(layout(nsize)),
    /// #                 (false, 0) => {
    /// #                     dealloc(ptr, layout(osize.bytes()));
    /// #                     std::ptr::null_mut()
    /// #                 }
    /// #                 (false, _) => realloc(ptr, layout(osize.bytes()), nsize),
    /// #             }
    /// #         }
    /// #     }
    /// # }
    /// # use perilune_vm::{Lua, LuaResult, Status, native_yield};
    /// # fn main() -> LuaResult<()> {
    /// # let alloc = System;
    /// let mut lua = Lua::new(alloc)?;
    /// lua.register("yield", native_yield)?;
    /// lua.new_thread()?;
    /// let status = lua.with_thread(-1, |co| {
    ///     assert_eq!(co.load_str("return 1 + yield(20)"), Status::Ok);
    ///     co.resume(None, 0)
    /// })?;
    /// assert_eq!(status, Status::Yield);
    /// // What was yielded lies on the thread's stack, and what `yield` is to return goes there.
    /// lua.move_from_thread(-1, 1)?;
    /// let n = lua.to_integer(-1).unwrap_or(0);
    /// lua.push_integer(2 * n)?;
    /// lua.move_to_thread(-3, 1)?;
    /// assert_eq!(lua.with_thread(-2, |co| (co.resume(None, 1), co.to_integer(-1)))?, (Status::Ok, Some(41)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An error that an operation on the other thread gives, unless it is one of a protected call, leaves that thread dead and goes
    /// on in the running one: its `Err` can be passed on, `lua.with_thread(i, |co| co.call(0, 0))??`.
    ///
    /// # Errors
    /// There is no thread at the index; it is this one, or one that waits for another one or is worked on already; or there is
    /// no memory to keep it alive.
    pub fn with_thread<T>(&mut self, idx: i32, body: impl FnOnce(&mut LuaState) -> T) -> LuaResult<T> {
        let co = self.idle_thread(idx)?;
        // What runs on the other thread may take it off this one's stack.
        let _anchorage = Anchorage::new(self);
        self.anchor(TValue::object(co.object()))?;
        let _busy = Busy::begin(self);
        // SAFETY: M1: the thread is anchored (N1). None of its functions waits, and none will: what runs on it is called by
        // `body`, and comes back before that does.
        Ok(body(unsafe { co.state() }))
    }

    /// Moves the `n` topmost values to the thread at an index.
    ///
    /// # Errors
    /// As [`with_thread`](Self::with_thread); or that thread's stack would get too large.
    #[doc(alias = "lua_xmove")]
    pub fn move_to_thread(&mut self, idx: i32, n: usize) -> LuaResult<()> {
        let co = self.idle_thread(idx)?;
        // SAFETY: M1: the thread was just found, and when it has gone nothing is done with it any more.
        self.xmove(unsafe { co.woken_state() }, n)
    }

    /// Moves the `n` topmost values of the thread at an index here.
    ///
    /// # Errors
    /// As [`with_thread`](Self::with_thread); or this thread's stack would get too large.
    #[doc(alias = "lua_xmove")]
    pub fn move_from_thread(&mut self, idx: i32, n: usize) -> LuaResult<()> {
        let co = self.idle_thread(idx)?;
        // SAFETY: M1: as above.
        let co = unsafe { co.woken_state() };
        let n = n.min(co.get_top().max(0) as usize);
        if !self.check_stack(n) {
            return Err(self.raise_plain(format_args!("stack overflow")));
        }
        co.xmove(self, n)
    }

    /// The thread at an index, if nobody works on it.
    fn idle_thread(&mut self, idx: i32) -> LuaResult<ThreadRef> {
        let Some(co) = self.to_thread(idx) else {
            return Err(self.raise_plain(format_args!("thread expected")));
        };
        match self.status_of(co) {
            CoStatus::Suspended | CoStatus::Dead => Ok(co),
            CoStatus::Running | CoStatus::Normal => Err(self.raise_plain(format_args!("thread is in use"))),
        }
    }
}
