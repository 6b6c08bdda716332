//! Anchors: what the machine itself needs for a while, kept where no program can get at it.
//!
//! Code of the host that the machine asks for something in between, a reader of a chunk, say, sees the frame of the function
//! that called the machine and may do with it what it likes. So what the machine still needs does not lie there.
//!
//! N1. The table `heap.anchors`, if there is one, holds the objects in use at its keys 1 to `anchor_count`. It is a root, and
//!     nothing refers to it. Who anchors keeps an [`Anchorage`], which lets go of the objects on every way out.
//! N2. A thread that waits in code of the host, for what it does on another thread, is in the list `heap.waiting`, whose nodes lie
//!     in the Rust frames that wait. A node leaves the list when it is dropped, also by a panic.

use perilune_core::{GcRef, Heap, TValue, Table, Thread, Waiting};

use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// Lets go of what was anchored since it was made, when it is dropped.
pub(crate) struct Anchorage {
    thread: *mut Thread,
    count: u32,
}

impl Anchorage {
    pub(crate) fn new(lua: &LuaState) -> Self {
        Self { thread: lua.as_thread_ptr(), count: lua.anchor_count() }
    }
}

impl Drop for Anchorage {
    fn drop(&mut self) {
        // SAFETY: M1: whoever entered the machine keeps the thread reachable.
        unsafe { LuaState::from_thread(self.thread) }.release_anchors(self.count);
    }
}

/// Keeps a thread alive that waits in code of the host (N2). It does so from [`begin`](Self::begin) on, and stays where it is.
pub(crate) struct Wait {
    heap: *mut Heap,
    node: Waiting,
}

impl Wait {
    /// For the thread that runs, if it is to wait for another one.
    #[inline(always)]
    pub(crate) fn new(lua: &LuaState, running: *mut Thread) -> Option<Self> {
        if core::ptr::eq(running, lua.as_thread_ptr()) {
            return None;
        }
        let heap = lua.th().heap.get();
        // SAFETY: M2.
        Some(Self { heap, node: Waiting { thread: running, outer: unsafe { (*heap).waiting } } })
    }

    /// Puts it into the list.
    ///
    /// # Safety
    /// It is not moved from now on.
    #[inline(always)]
    pub(crate) unsafe fn begin(wait: &Option<Self>) {
        if let Some(wait) = wait {
            // SAFETY: M2.
            unsafe { (*wait.heap).waiting = &raw const wait.node };
        }
    }
}

impl Drop for Wait {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: M2: whoever entered the machine keeps the state open.
        unsafe { (*self.heap).waiting = self.node.outer };
    }
}

impl LuaState {
    /// Keeps an object until an [`Anchorage`] that was made before is dropped.
    pub(crate) fn anchor(&mut self, value: TValue) -> LuaResult<()> {
        // The table may have to be made or to grow, which may cause a collection: the stack keeps the object until then.
        self.push(value)?;
        let result = self.store_anchor(value);
        self.th().pop();
        result
    }

    fn store_anchor(&mut self, value: TValue) -> LuaResult<()> {
        let table = match self.anchors() {
            Some(table) => table,
            None => {
                let table = self.heap().new_table()?;
                self.heap().anchors = table.as_ptr();
                table
            }
        };
        let count = self.anchor_count() + 1;
        // SAFETY: the table is a root (N1), and the caller keeps the value.
        let stored = unsafe { self.heap().table_set_int(table, i64::from(count), value) };
        stored.map_err(|_| Thrown::Memory)?;
        // SAFETY: M2.
        unsafe { (*self.global()).anchor_count = count };
        Ok(())
    }

    fn anchors(&self) -> Option<GcRef<Table>> {
        // SAFETY: N1: a root is live (G1).
        unsafe { perilune_core::object::opt_from_addr(self.heap().anchors) }
    }

    /// How many objects are anchored.
    fn anchor_count(&self) -> u32 {
        // SAFETY: M2.
        unsafe { (*self.global()).anchor_count }
    }

    /// Lets go of all anchored objects but the first `count`.
    fn release_anchors(&self, count: u32) {
        let Some(table) = self.anchors() else { return };
        for key in count..self.anchor_count() {
            if let Some(slot) = table.find_int_slot(i64::from(key) + 1) {
                slot.set(TValue::NIL);
            }
        }
        // SAFETY: M2.
        unsafe { (*self.global()).anchor_count = self.anchor_count().min(count) };
    }
}
