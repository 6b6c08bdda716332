//! The stack as a host sees it: indices, and moving values about.
//!
//! A2. A slot that [`LuaState::slot`] gives is a live place until something may move the stack.
//! A3. Up to `ci.top` a native frame needs no check before a push; a push that goes higher raises it.

use core::ptr::null_mut;

use perilune_core::base::limits::{EXTRA_STACK, MAX_STACK, REGISTRY_INDEX};
use perilune_core::{CallInfo, CallStatus, GcRef, NativeClosure, TValue};

use crate::error::LuaResult;
use crate::exec::panic;
use crate::stack;
use crate::state::LuaState;

/// The pseudo-index of an upvalue of the running native function, from 1.
#[doc(alias = "lua_upvalueindex")]
pub const fn upvalue_index(i: i32) -> i32 {
    REGISTRY_INDEX.saturating_sub(i)
}

/// Whether an index is the registry's or an upvalue's.
#[inline(always)]
pub(crate) const fn is_pseudo(idx: i32) -> bool {
    idx <= REGISTRY_INDEX
}

/// Finding and pushing values, for the rest of the VM.
impl LuaState {
    /// The running frame.
    #[inline(always)]
    pub(crate) fn ci(&self) -> &CallInfo {
        // SAFETY: H4: `ci` always points to a frame of the thread.
        unsafe { &*self.th().ci.get() }
    }

    /// The place that an index names, or null if there is none (A2).
    #[doc(alias = "index2addr")]
    #[inline]
    pub(crate) fn slot(&self, idx: i32) -> *mut TValue {
        if is_pseudo(idx) {
            return self.pseudo_slot(idx);
        }
        let (func, top) = (self.ci().func.get(), self.th().top.get());
        // Counted in bytes, so that no index, however large, makes an address overflow.
        let held = top as usize - func as usize;
        let distance = idx.unsigned_abs() as usize * size_of::<TValue>();
        if idx == 0 || distance >= held {
            null_mut()
        } else if idx > 0 {
            func.wrapping_byte_add(distance)
        } else {
            top.wrapping_byte_sub(distance)
        }
    }

    /// The place that an index names, if there is one (A2).
    pub(crate) fn slot_of(&self, idx: i32) -> Option<*mut TValue> {
        let place = self.slot(idx);
        if place.is_null() { None } else { Some(place) }
    }

    #[inline(never)]
    fn pseudo_slot(&self, idx: i32) -> *mut TValue {
        if idx == REGISTRY_INDEX {
            return &raw mut self.heap().registry;
        }
        let n = (REGISTRY_INDEX as i64 - idx as i64) as usize;
        match self.running_closure() {
            Some(closure) if n <= closure.num_upvalues() => closure.upvalue_slot(n - 1),
            _ => null_mut(),
        }
    }

    /// The native closure that runs, if the running function is one.
    pub(super) fn running_closure(&self) -> Option<GcRef<NativeClosure>> {
        // SAFETY: H1: a frame's function slot holds a live value (V1).
        unsafe { (*self.ci().func.get()).get::<NativeClosure>() }
    }

    /// The value that an index names, if there is one.
    #[inline]
    pub(crate) fn value(&self, idx: i32) -> Option<TValue> {
        let place = self.slot(idx);
        // SAFETY: A2.
        if place.is_null() { None } else { Some(unsafe { *place }) }
    }

    /// The value that an index names, or nil.
    #[inline]
    pub(crate) fn value_or_nil(&self, idx: i32) -> TValue {
        self.value(idx).unwrap_or(TValue::NIL)
    }

    /// Stores a value in the place that an index names, if there is one; the registry itself cannot be replaced.
    pub(crate) fn store(&mut self, idx: i32, value: TValue) {
        let place = self.slot(idx);
        if place.is_null() || idx == REGISTRY_INDEX {
            return;
        }
        // SAFETY: A2.
        unsafe { place.write(value) };
        if is_pseudo(idx)
            && let Some(closure) = self.running_closure()
        {
            // SAFETY: G1: both are live.
            unsafe { self.heap().barrier_forward(closure.as_header(), value) };
        }
    }

    /// Pushes a value, which need not be anchored elsewhere.
    #[inline]
    pub(crate) fn push(&mut self, value: TValue) -> LuaResult<()> {
        let th = self.th();
        if th.top.get() < self.ci().top.get() {
            th.push(value);
            return Ok(());
        }
        self.push_slow(value)
    }

    #[cold]
    #[inline(never)]
    fn push_slow(&mut self, value: TValue) -> LuaResult<()> {
        let th = self.th();
        let limit = th.stack.get().wrapping_add(th.stack_size.get());
        if th.top.get() >= limit.wrapping_sub(1) {
            // Error handling has used the spare slots up.
            self.room(1)?;
            self.th().push(value);
            return Ok(());
        }
        // The value goes to a spare slot if need be (H1), so that the collector sees it while the stack grows.
        th.push(value);
        let result = self.room(0);
        if result.is_ok() && !self.ci().is_lua() {
            self.raise_frame_top();
        }
        result
    }

    /// Makes room for `n` more values, above which the spare slots begin.
    #[inline]
    pub(crate) fn room(&mut self, n: usize) -> LuaResult<()> {
        stack::ensure(self, n)
    }

    /// Raises the frame's limit after a push beyond it (A3).
    fn raise_frame_top(&self) {
        let th = self.th();
        if self.ci().top.get() < th.top.get() {
            // A few slots more than needed, so that the next pushes are quick.
            let wanted = th.top.get().wrapping_add(8);
            self.ci().top.set(if wanted < th.stack_last.get() { wanted } else { th.top.get() });
        }
    }

    /// Moves the top down to a slot of the frame.
    #[inline]
    pub(crate) fn drop_to(&mut self, n_values: i32) {
        let new_top = self.ci().func.get().wrapping_add(1 + n_values.max(0) as usize);
        if new_top <= self.th().top.get() {
            self.th().top.set(new_top);
        }
    }
}

/// Indices and moving values (manual §4.8).
impl LuaState {
    /// The absolute form of an index: one that does not depend on the top.
    #[doc(alias = "lua_absindex")]
    #[inline]
    pub fn abs_index(&self, idx: i32) -> i32 {
        if idx > 0 || is_pseudo(idx) { idx } else { self.get_top() + 1 + idx }
    }

    /// The number of values in the frame, which is also the index of the topmost.
    #[doc(alias = "lua_gettop")]
    #[inline]
    pub fn get_top(&self) -> i32 {
        let bytes = (self.th().top.get() as isize).wrapping_sub(self.ci().func.get() as isize);
        (bytes / size_of::<TValue>() as isize) as i32 - 1
    }

    /// Sets the top to an index, which may be negative. New places are filled with nil.
    #[doc(alias = "lua_settop")]
    pub fn set_top(&mut self, idx: i32) -> LuaResult<()> {
        let have = self.get_top();
        let wanted = if idx >= 0 { idx } else { have.saturating_add(1).saturating_add(idx).max(0) };
        if wanted <= have {
            self.drop_to(wanted);
            return Ok(());
        }
        let missing = (wanted - have) as usize;
        self.room(missing)?;
        for _ in 0..missing {
            self.th().push(TValue::NIL);
        }
        if !self.ci().is_lua() {
            self.raise_frame_top();
        }
        Ok(())
    }

    /// Takes `n` values off, at most those of the frame.
    #[doc(alias = "lua_pop")]
    #[inline]
    pub fn pop(&mut self, n: usize) {
        let have = self.get_top().max(0) as usize;
        let n = n.min(have);
        self.th().top.set(self.th().top.get().wrapping_sub(n));
    }

    /// Pushes a copy of a value.
    #[doc(alias = "lua_pushvalue")]
    #[inline]
    pub fn push_value(&mut self, idx: i32) -> LuaResult<()> {
        self.push(self.value_or_nil(idx))
    }

    /// Rotates the values from an index to the top by `n` places towards the top. A bad index or distance does nothing.
    #[doc(alias = "lua_rotate")]
    pub fn rotate(&mut self, idx: i32, n: i32) {
        let first = self.slot(idx);
        if is_pseudo(idx) || first.is_null() {
            return;
        }
        let len = (self.th().top.get() as usize - first as usize) / size_of::<TValue>();
        let by = n.unsigned_abs() as usize;
        if by > len {
            return;
        }
        // SAFETY: A2 and H1: the slots from `first` to the top are initialised, and nothing else refers to them meanwhile.
        let values = unsafe { core::slice::from_raw_parts_mut(first, len) };
        match n {
            1 => {
                let last = values[len - 1];
                values.copy_within(..len - 1, 1);
                values[0] = last;
            }
            -1 => {
                let first = values[0];
                values.copy_within(1.., 0);
                values[len - 1] = first;
            }
            0.. => values.rotate_right(by),
            _ => values.rotate_left(by),
        }
    }

    /// Moves the topmost value to an index, and those above it up.
    #[doc(alias = "lua_insert")]
    pub fn insert(&mut self, idx: i32) {
        self.rotate(idx, 1);
    }

    /// Takes the value at an index out, and those above it down.
    #[doc(alias = "lua_remove")]
    pub fn remove(&mut self, idx: i32) {
        if !is_pseudo(idx) && !self.slot(idx).is_null() {
            self.rotate(idx, -1);
            self.pop(1);
        }
    }

    /// Pops the topmost value into the place of an index.
    #[doc(alias = "lua_replace")]
    pub fn replace(&mut self, idx: i32) {
        if !self.slot(idx).is_null() {
            self.copy(-1, idx);
            self.pop(1);
        }
    }

    /// Copies a value from one index to another; nil if the first names nothing.
    #[doc(alias = "lua_copy")]
    #[inline]
    pub fn copy(&mut self, from: i32, to: i32) {
        self.store(to, self.value_or_nil(from));
    }

    /// Makes room for `n` more values; false if the stack would get too large or memory ran out.
    #[doc(alias = "lua_checkstack")]
    pub fn check_stack(&mut self, n: usize) -> bool {
        let th = self.th();
        let used = (th.top.get() as usize - th.stack.get() as usize) / size_of::<TValue>();
        // What room there is can be used, also above the limit, where errors are handled.
        let room = (th.stack_last.get() as usize).saturating_sub(th.top.get() as usize) / size_of::<TValue>();
        if room <= n && (n > MAX_STACK || used + EXTRA_STACK + n > MAX_STACK) {
            return false;
        }
        let saved = th.save(th.top.get());
        if panic::shielded(self, |lua| lua.room(n)).is_err() {
            let th = self.th();
            th.top.set(th.restore(saved));
            return false;
        }
        let wanted = self.th().top.get().wrapping_add(n);
        let ci = self.ci();
        // The frame of a Lua function gets its limit back when its hook returns.
        if (!ci.is_lua() || ci.has(CallStatus::HOOKED)) && ci.top.get() < wanted {
            ci.top.set(wanted);
        }
        true
    }

    /// Makes room for `n` more values or raises "stack overflow", with `msg` in parentheses unless it is empty.
    #[doc(alias = "luaL_checkstack")]
    pub fn ensure_stack(&mut self, n: usize, msg: &str) -> LuaResult<()> {
        if self.check_stack(n) {
            Ok(())
        } else if msg.is_empty() {
            Err(self.raise(format_args!("stack overflow")))
        } else {
            Err(self.raise(format_args!("stack overflow ({msg})")))
        }
    }

    /// Moves the `n` topmost values to another thread of the same state.
    #[doc(alias = "lua_xmove")]
    pub fn xmove(&mut self, to: &mut LuaState, n: usize) -> LuaResult<()> {
        if core::ptr::eq(self.as_thread_ptr(), to.as_thread_ptr()) {
            return Ok(());
        }
        if !core::ptr::eq(self.global(), to.global()) {
            return Err(self.raise_plain(format_args!("cannot move values between states")));
        }
        let n = n.min(self.get_top().max(0) as usize);
        if !to.check_stack(n) {
            return Err(self.raise_plain(format_args!("stack overflow")));
        }
        let first = self.th().from_top(n);
        for i in 0..n {
            // SAFETY: A2: the `n` values lie below the top.
            to.th().push(unsafe { *first.wrapping_add(i) });
        }
        self.th().top.set(first);
        Ok(())
    }
}
