//! Open upvalues: their values are in the stack of a thread that may itself be unreachable.
//!
//! A live thread marks its stack, and keeps its open upvalues alive. A closure that outlives the thread needs the
//! value too: so the atomic phase goes through all threads with open upvalues (`twups`, G7), marks the values for
//! those threads that were not reached, and at its end closes what is left of their upvalues.
//!
//! An upvalue is *touched* when it was reached through a closure before the atomic phase, and when it is new. It
//! keeps the value of an unreached thread alive once more, as in Lua 5.3.

use core::ptr;

use super::Heap;
use crate::object::{GcObject, GcRef, Thread, UpVal};
use crate::value::TValue;

/// `extra` of an upvalue that is not touched; a new one has 0.
const UNTOUCHED: u8 = 1;

impl Heap {
    /// Marks a white upvalue and returns the value that is still to be marked. An open one stays gray (G3); before
    /// the atomic phase its value is left to its thread, or to [`Self::remark_upvalues`].
    ///
    /// # Safety
    /// The upvalue is live and white.
    #[inline]
    pub(super) unsafe fn mark_upval(&mut self, upval: &UpVal) -> TValue {
        self.traversed += size_of::<UpVal>();
        if !upval.is_open() {
            upval.header().make_black();
            return upval.value();
        }
        upval.header().make_gray();
        if self.in_atomic {
            return upval.value();
        }
        upval.header().extra.set(0);
        TValue::NIL
    }

    /// Marks the values of touched open upvalues of threads that have not been reached, and takes these threads out
    /// of `twups`. They are returned as a list of the same kind.
    ///
    /// # Safety
    /// The atomic phase is under way (G7).
    #[doc(alias = "remarkupvals")]
    pub(super) unsafe fn remark_upvalues(&mut self) -> *mut Thread {
        let mut thread = self.twups;
        let (mut kept, mut unreached) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: G7: the list holds threads that have not been freed, and H6.
        unsafe {
            while !thread.is_null() {
                let next = (*thread).twups.get();
                let list = if (*thread).open_upvals.get().is_null() {
                    (*thread).twups.set(thread);
                    thread = next;
                    continue;
                } else if (*thread).header().is_white() {
                    let mut upval = (*thread).open_upvals.get();
                    while !upval.is_null() {
                        if (*upval).header().extra.get() != UNTOUCHED {
                            self.mark_value((*upval).value());
                            (*upval).header().extra.set(UNTOUCHED);
                        }
                        upval = (*upval).open_next();
                    }
                    &mut unreached
                } else {
                    &mut kept
                };
                (*thread).twups.set(*list);
                *list = thread;
                thread = next;
            }
        }
        self.twups = kept;
        unreached
    }

    /// Called when everything alive is marked: of the threads that [`Self::remark_upvalues`] returned, those that
    /// were reached after all come back to `twups`; the others are dead, and their live upvalues are closed (G7). A
    /// value is marked already, since the upvalue was touched or was reached in the atomic phase.
    ///
    /// # Safety
    /// Everything reachable is marked; the list is the one that `remark_upvalues` returned in this atomic phase.
    pub(super) unsafe fn close_dead_upvalues(&mut self, unreached: *mut Thread) {
        let mut thread = unreached;
        // SAFETY: as for `remark_upvalues`; nothing has been freed since.
        unsafe {
            while !thread.is_null() {
                let next = (*thread).twups.get();
                if !(*thread).header().is_white() {
                    (*thread).twups.set(self.twups);
                    self.twups = thread;
                } else {
                    (*thread).twups.set(thread);
                    let mut upval = (*thread).open_upvals.get();
                    (*thread).open_upvals.set(ptr::null_mut());
                    while !upval.is_null() {
                        let following = (*upval).open_next();
                        if !(*upval).header().is_white() {
                            debug_assert!(!super::barrier::is_white_value((*upval).value()));
                            (*upval).close();
                            (*upval).header().make_black();
                        }
                        upval = following;
                    }
                }
                thread = next;
            }
        }
    }

    /// Links a thread that has open upvalues into `twups`, unless it is there (G7). To be called when the first
    /// upvalue of a thread is opened.
    pub fn keep_in_twups(&mut self, thread: GcRef<Thread>) {
        if ptr::eq(thread.twups.get(), thread.as_ptr()) && !thread.open_upvals.get().is_null() {
            thread.twups.set(self.twups);
            self.twups = thread.as_ptr();
        }
    }
}
