//! Write barriers: what keeps G3 while the program runs between the collector's steps.
//!
//! A *forward* barrier marks the white object that was stored; it suits objects that are written rarely. A *back*
//! barrier makes the black object gray again; it suits tables, which are often written many times in a row, but not large ones,
//! since the whole of them would have to be looked at again.

use super::Heap;
use super::traverse::is_large;
use crate::object::{GcHeader, GcObject, GcRef, LuaClosure, Proto, Table, Thread, UpVal};
use crate::value::TValue;

/// Whether the value is a white object.
///
/// # Safety
/// The value is live (V1).
#[inline(always)]
pub(super) unsafe fn is_white_value(value: TValue) -> bool {
    // SAFETY: V1, by the caller's promise.
    value.is_collectable() && unsafe { (*value.header()).is_white() }
}

/// What a thread that is woken adds to the debt: it pays for more than one look at it, lest a program that switches often and
/// allocates little wakes threads faster than the collector looks at them.
const WAKE_DEBT: isize = 128;

impl Heap {
    /// To be called after a store of `value` into `object` (not a table).
    ///
    /// # Safety
    /// Both are live.
    #[doc(alias = "luaC_barrier")]
    #[inline(always)]
    pub unsafe fn barrier_forward(&mut self, object: *mut GcHeader, value: TValue) {
        // SAFETY: both are live, by the caller's promise.
        unsafe {
            if value.is_collectable() && (*object).is_black() && (*value.header()).is_white() {
                self.barrier_forward_slow(object, value.header());
            }
        }
    }

    /// To be called after a store of a reference to `target` into `object` (not a table).
    ///
    /// # Safety
    /// Both are live.
    #[doc(alias = "luaC_objbarrier")]
    #[inline(always)]
    pub unsafe fn barrier_object(&mut self, object: *mut GcHeader, target: *mut GcHeader) {
        // SAFETY: both are live, by the caller's promise.
        unsafe {
            if (*object).is_black() && (*target).is_white() {
                self.barrier_forward_slow(object, target);
            }
        }
    }

    /// # Safety
    /// Both are live, `object` is black and `target` is white.
    #[cold]
    #[inline(never)]
    unsafe fn barrier_forward_slow(&mut self, object: *mut GcHeader, target: *mut GcHeader) {
        // SAFETY: both are live, by the caller's promise.
        unsafe {
            if self.must_keep_invariant() {
                self.mark_object(target);
            } else if self.is_sweeping() {
                // The sweep would make it white anyway; doing so now spares the barriers that follow.
                (*object).make_white(self.current_white);
            }
        }
    }

    /// To be called before or after a store of `value` into `table`, as a key or as a value.
    ///
    /// # Safety
    /// Both are live.
    #[doc(alias = "luaC_barrierback")]
    #[inline(always)]
    pub unsafe fn barrier_table(&mut self, table: GcRef<Table>, value: TValue) {
        if value.is_collectable() && table.header().is_black() {
            // SAFETY: the caller's promise.
            unsafe { self.barrier_table_slow(table, value.header()) };
        }
    }

    /// # Safety
    /// Both are live, and the table is black.
    #[cold]
    #[inline(never)]
    unsafe fn barrier_table_slow(&mut self, table: GcRef<Table>, value: *mut GcHeader) {
        // SAFETY: the caller's promise.
        unsafe {
            if !(*value).is_white() {
                return;
            }
            // One that is traversed in slices stays black, even if it has become small, and so does one that is undecided. When there
            // are any of these, few steps are left until the atomic phase.
            let is_large = is_large(&table) || core::ptr::eq(self.partial, table.as_header());
            if is_large || !self.undecided.is_null() || !self.must_keep_invariant() {
                return self.barrier_forward_slow(table.as_header(), value);
            }
        }
        table.header().make_gray();
        table.gclist.set(self.touched);
        self.touched = table.as_header();
        self.touched_count += 1;
    }

    /// To be called when entries of a table have changed places, by other ways than the barrier knows of.
    #[inline(always)]
    pub fn entries_moved(&mut self, table: GcRef<Table>) {
        if core::ptr::eq(self.partial, table.as_header()) {
            self.partial_at = 0;
            self.restarts += 1;
        } else if !self.undecided.is_null() && table.header().is_black() {
            self.reconsider(table);
        }
    }

    /// To be called when the elements behind one have moved by one place, there to make room or here to close a gap.
    ///
    /// # Safety
    /// The table is live.
    #[inline(always)]
    pub unsafe fn elements_shifted(&mut self, table: GcRef<Table>) {
        if core::ptr::eq(self.partial, table.as_header()) && !self.partial_is_undecided {
            // One that was not looked at may be where others were.
            let last = self.partial_at.min(table.array_size() as usize);
            if last > 0 {
                // SAFETY: T1; G1: what is in a live table is live.
                unsafe { self.mark_value(*table.array_ptr().add(last - 1)) };
            }
        } else {
            self.entries_moved(table);
        }
    }

    /// To be called before a key that is absent is entered into a table's nodes: the entry at its main position may move.
    ///
    /// # Safety
    /// The table and the key are live.
    #[inline(always)]
    pub(crate) unsafe fn entry_may_move(&mut self, table: GcRef<Table>, key: TValue) {
        let is_undecided = !self.undecided.is_null() && table.header().is_black();
        if is_undecided || core::ptr::eq(self.partial, table.as_header()) {
            // SAFETY: the caller's promise.
            unsafe { self.mark_entry_of(table, key) };
        }
    }

    /// Marks what is at the main position of a key.
    ///
    /// # Safety
    /// As for [`Self::entry_may_move`]; objects are being marked.
    #[cold]
    #[inline(never)]
    unsafe fn mark_entry_of(&mut self, table: GcRef<Table>, key: TValue) {
        // SAFETY: T1; an entry with a value is live.
        unsafe {
            let node = &*table.nodes().main_position(key);
            if !node.value().is_nil() {
                self.mark_value(node.key());
                self.mark_value(node.value());
            }
        }
    }

    /// To be called before a coroutine that has yielded is resumed, or its stack touched from outside.
    #[inline(always)]
    pub fn wake_thread(&mut self, thread: GcRef<Thread>) {
        if thread.header().is_black() {
            self.wake_slow(thread);
        }
    }

    /// Makes a black thread gray, or white if its colour has no meaning any more. While the dead are resurrected, what is white must be
    /// new or dead.
    #[cold]
    #[inline(never)]
    fn wake_slow(&mut self, thread: GcRef<Thread>) {
        if !self.must_keep_invariant() {
            if !self.is_resurrecting() {
                thread.header().make_white(self.current_white);
            }
            return;
        }
        if core::ptr::eq(self.partial, thread.as_header()) {
            self.partial = core::ptr::null_mut();
        }
        thread.header().make_gray();
        let mut upval = thread.open_upvals.get();
        while !upval.is_null() {
            // SAFETY: H6: the list holds live open upvalues (G7).
            unsafe {
                (*upval).header().make_gray();
                upval = (*upval).open_next();
            }
        }
        thread.gclist.set(self.touched);
        self.touched = thread.as_header();
        self.touched_count += 1;
        self.set_debt(self.debt.saturating_add(WAKE_DEBT));
    }

    /// To be called after a store into an upvalue.
    ///
    /// A white upvalue needs nothing, for its value will be marked with it. An open one needs nothing, for its value
    /// is in a stack (G3), unless it is black, as that stack is (G11).
    ///
    /// # Safety
    /// The upvalue and its value are live.
    #[doc(alias = "luaC_upvalbarrier")]
    #[inline(always)]
    pub unsafe fn barrier_upval(&mut self, upval: GcRef<UpVal>) {
        let value = upval.value();
        // SAFETY: the value is live, by the caller's promise.
        unsafe {
            if value.is_collectable() && !upval.header().is_white() && (*value.header()).is_white() {
                self.barrier_upval_slow(upval, value.header());
            }
        }
    }

    /// Closes an open upvalue that has been taken out of its thread's list.
    ///
    /// If it has been reached, it is gray as long as it is open (G3). Closed, it is black, so that a store into it finds a reason
    /// for the barrier.
    ///
    /// # Safety
    /// The upvalue and its value are live.
    #[inline]
    pub unsafe fn close_upval(&mut self, upval: GcRef<UpVal>) {
        upval.close();
        if !upval.header().is_white() {
            upval.header().make_black();
            // SAFETY: both are live, by the caller's promise.
            unsafe { self.barrier_upval(upval) };
        }
    }

    /// # Safety
    /// Both are live, the upvalue is not white and the value is.
    #[cold]
    #[inline(never)]
    unsafe fn barrier_upval_slow(&mut self, upval: GcRef<UpVal>, value: *mut GcHeader) {
        if upval.is_open() && !upval.header().is_black() {
            return;
        }
        // SAFETY: both are live, by the caller's promise.
        unsafe { self.barrier_forward_slow(upval.as_header(), value) }
    }

    /// Keeps the closure in its prototype's cache, unless that would break G3: the cache is a weak reference, and is
    /// looked at only when the prototype is traversed.
    ///
    /// # Safety
    /// Both are live.
    pub unsafe fn cache_closure(&mut self, proto: GcRef<Proto>, closure: GcRef<LuaClosure>) {
        if !proto.header().is_black() {
            proto.cache.set(closure.as_ptr());
        }
    }

    /// Puts a new object at the head of the list of all objects.
    ///
    /// # Safety
    /// The object is initialised, has the current white, and is in no list.
    #[inline(always)]
    pub(crate) unsafe fn link(&mut self, object: *mut GcHeader) {
        // SAFETY: by the caller's promise the object is live.
        unsafe { (*object).next.set(self.all) };
        self.all = object;
    }

    /// Makes an object of the list of all objects permanent: it becomes gray for ever and is never swept. Only for
    /// objects that point to nothing (strings), since a fixed object is not traversed. Best done when the object is
    /// new, since the list is searched for it; nothing happens if it is not there (because it was fixed before).
    #[doc(alias = "luaC_fix")]
    pub fn fix(&mut self, object: *mut GcHeader) {
        let mut previous: *mut GcHeader = core::ptr::null_mut();
        let mut current = self.all;
        while current != object && !current.is_null() {
            previous = current;
            // SAFETY: G2: what is in the list is live.
            current = unsafe { (*current).next.get() };
        }
        if current.is_null() {
            return;
        }
        // SAFETY: G2: both are elements of `all`.
        unsafe {
            self.unlink(current, previous);
            (*current).make_gray();
            (*current).next.set(self.fixed);
        }
        self.fixed = current;
    }

    /// Takes an object out of the list of all objects. The sweep must not stand on something that is in another list
    /// (G6).
    ///
    /// # Safety
    /// `object` is in `all`, right after `previous`, or at the head if that is null.
    pub(super) unsafe fn unlink(&mut self, object: *mut GcHeader, previous: *mut GcHeader) {
        if self.sweep == object {
            self.sweep = previous;
        }
        // SAFETY: G2: both are live.
        unsafe {
            let next = (*object).next.get();
            if previous.is_null() {
                self.all = next;
            } else {
                (*previous).next.set(next);
            }
        }
    }
}
