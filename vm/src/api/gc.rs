//! The collector, as `lua_gc` offers it (manual §4.8), and the allocator.

use perilune_core::RawAlloc;

use crate::error::LuaResult;
use crate::state::LuaState;

impl LuaState {
    /// Performs a full collection and calls the finalizers of what it found.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCCOLLECT")]
    pub fn gc_collect(&mut self) -> LuaResult<()> {
        // SAFETY: G1: natives keep what they need on the stack; A2: no slot's address is in use here.
        unsafe { self.heap().full(false) };
        self.heap().drop_dead_values();
        self.run_all_finalizers(true)
    }

    /// Performs a step as if `kib` KiB had been allocated, or a small one for 0; true if it ended a cycle.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCSTEP")]
    pub fn gc_step(&mut self, kib: i32) -> LuaResult<bool> {
        // SAFETY: as above.
        let mut ended = unsafe { self.heap().gc_step(kib) };
        loop {
            self.heap().drop_dead_values();
            let due = self.heap().finalizers_due();
            self.run_finalizers(due)?;
            if ended || !self.heap().step_unfinished() {
                return Ok(ended);
            }
            // SAFETY: as above.
            ended = unsafe { self.heap().resume_step() };
        }
    }

    /// Calls all finalizers that there are, as closing the state does (`lua_close`), for a program that ends right after it.
    ///
    /// # Safety
    /// Nothing runs in the state afterwards; it may only be closed, or left to the end of the process.
    pub unsafe fn finalize_all(&mut self) {
        // SAFETY: G1, and the caller's promise.
        unsafe { self.heap().separate_all() };
        // Without propagation no error comes back.
        let _ = self.run_all_finalizers(false);
    }

    /// Stops the collector.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCSTOP")]
    pub fn gc_stop(&mut self) {
        self.heap().running = false;
    }

    /// Lets the collector run again.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCRESTART")]
    pub fn gc_restart(&mut self) {
        self.heap().restart();
    }

    /// The number of bytes in use by the whole state.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCCOUNT")]
    #[doc(alias = "LUA_GCCOUNTB")]
    pub fn gc_count(&self) -> usize {
        self.heap().total_bytes()
    }

    /// Sets the pause in percent (manual §2.5) and returns the one before.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCSETPAUSE")]
    pub fn gc_set_pause(&mut self, pause: i32) -> i32 {
        self.heap().set_gc_pause(pause)
    }

    /// Sets the step multiplier in percent (manual §2.5) and returns the one before.
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCSETSTEPMUL")]
    pub fn gc_set_step_mul(&mut self, step_mul: i32) -> i32 {
        self.heap().set_gc_step_mul(step_mul)
    }

    /// Whether the collector runs (is not stopped).
    #[doc(alias = "lua_gc")]
    #[doc(alias = "LUA_GCISRUNNING")]
    pub fn gc_is_running(&self) -> bool {
        self.heap().running
    }

    /// Does something while the collector makes no step and calls no finalizer, so that no function of Lua runs but what `body`
    /// calls. Lack of memory causes collections all the same. (Under `gc_zeal` the collector goes on, as that is there to find
    /// what is not kept alive.)
    pub fn without_gc_steps<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        /// Lets the collector go on, also after a panic, as if what was allocated meanwhile had been allocated just now.
        struct Stopped<'a> {
            lua: &'a mut LuaState,
            running: bool,
            threshold: isize,
        }
        impl Drop for Stopped<'_> {
            fn drop(&mut self) {
                let heap = self.lua.heap();
                heap.running = self.running;
                heap.set_debt((heap.total_bytes() as isize).saturating_sub(self.threshold));
            }
        }
        let running = core::mem::replace(&mut self.heap().running, cfg!(gc_zeal) && self.heap().running);
        let threshold = self.heap().total_bytes() as isize - self.heap().debt;
        let stopped = Stopped { lua: self, running, threshold };
        body(stopped.lua)
    }

    /// The allocator that the state was made with, or that replaced it.
    #[doc(alias = "lua_getallocf")]
    pub fn get_allocf(&self) -> RawAlloc {
        self.heap().allocator()
    }

    /// Replaces the allocator.
    ///
    /// # Safety
    /// The new one can resize and free the blocks of the old one, follows the contract, and outlives the state.
    #[doc(alias = "lua_setallocf")]
    pub unsafe fn set_allocf(&mut self, alloc: RawAlloc) {
        // SAFETY: the caller's promise.
        unsafe { self.heap().set_allocator(alloc) };
    }
}
