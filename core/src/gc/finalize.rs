//! Finalizers: which objects have one, which are due, and in which order.
//!
//! An object that gets a metatable with a `__gc` field moves from `all` to the head of `finalizable`. When it is
//! found dead, it moves to the end of `pending`; so the finalizers run in the reverse order of marking (manual
//! §2.5.1). The VM takes it from there (back to `all`, as an ordinary object) and calls the finalizer: the collector
//! itself never calls anything.

use core::ptr;

use super::color::FINALIZER;
use super::mark::prefetch;
use super::{Event, Heap, Phase};
use crate::object::{GcHeader, GcRef, Table};
use crate::value::TValue;

/// What it costs to tell whether an object with a finalizer is dead.
const SEPARATION_COST: usize = 24;

impl Heap {
    /// To be called after `object` (a table or userdata) got the metatable `mt`: if that has a finalizer, the object
    /// is marked for finalization, unless it is already.
    ///
    /// # Safety
    /// Both are live.
    #[doc(alias = "luaC_checkfinalizer")]
    #[inline]
    pub unsafe fn check_finalizer(&mut self, object: *mut GcHeader, mt: GcRef<Table>) {
        // SAFETY: the object is live, by the caller's promise.
        unsafe {
            if !(*object).has_finalizer() && !self.metamethod(Some(mt), Event::Gc).is_nil() {
                self.make_finalizable(object);
            }
        }
    }

    /// Moves an object from `all` to `finalizable`.
    ///
    /// # Safety
    /// The object is live, not fixed, and has no finalizer yet.
    #[inline(never)]
    unsafe fn make_finalizable(&mut self, object: *mut GcHeader) {
        let mut previous = ptr::null_mut();
        let mut current = self.all;
        // A sweep that has not come to the object yet will meet it in the other list.
        // SAFETY: G2: an object without the finalizer bit that is not fixed is in `all`.
        unsafe {
            while current != object {
                if current.is_null() {
                    return;
                }
                previous = current;
                current = (*current).next.get();
            }
            self.unlink(object, previous);
            (*object).marked.set((*object).marked.get() | FINALIZER);
            (*object).next.set(self.finalizable);
        }
        self.finalizable = object;
    }

    /// Begins to move the dead objects from `finalizable` to the end of `pending`.
    pub(super) fn begin_separation(&mut self) {
        self.phase = Phase::Separate;
        self.sweep = ptr::null_mut();
        self.last_pending = self.end_of_pending();
    }

    /// The last object that waits for its finalizer, or null.
    fn end_of_pending(&self) -> *mut GcHeader {
        let mut last = self.pending;
        // SAFETY: G2: what is in a list is live.
        unsafe {
            while !last.is_null() && !(*last).next.get().is_null() {
                last = (*last).next.get();
            }
        }
        last
    }

    /// Works until about `budget` bytes have been traversed: moves dead objects from `finalizable` to the end of `pending`, then marks
    /// all that wait there, and what they refer to. Returns whether that is done.
    ///
    /// # Safety
    /// The phase is `Separate` or `Resurrect`.
    pub(super) unsafe fn resurrect(&mut self, budget: usize) -> bool {
        /// So many are gray at once, so that those that come soon are on their way into the caches.
        const AT_ONCE: usize = 32;
        // SAFETY: the caller's promise.
        unsafe {
            if self.phase == Phase::Separate {
                self.separate(budget);
                return false;
            }
            while self.propagate(budget) {
                let mut next = if self.sweep.is_null() { self.pending } else { (*self.sweep).next.get() };
                if next.is_null() {
                    return true;
                }
                for _ in 0..AT_ONCE {
                    if !next.is_null() {
                        self.sweep = next;
                        self.mark_object(next);
                        next = (*next).next.get();
                    }
                }
            }
        }
        false
    }

    /// Moves dead objects from `finalizable` to the end of `pending`, for about `budget` units of work.
    ///
    /// # Safety
    /// The phase is `Separate`.
    #[doc(alias = "separatetobefnz")]
    unsafe fn separate(&mut self, budget: usize) {
        let mut kept = self.sweep;
        // SAFETY: G2: what is in a list has not been freed; G6.
        unsafe {
            let mut current = if kept.is_null() { self.finalizable } else { (*kept).next.get() };
            while !current.is_null() && self.traversed < budget {
                self.traversed += SEPARATION_COST;
                let next = (*current).next.get();
                prefetch(next);
                if self.is_dead(&*current) {
                    link_after(kept, next, &mut self.finalizable);
                    (*current).next.set(ptr::null_mut());
                    link_after(self.last_pending, current, &mut self.pending);
                    self.last_pending = current;
                } else {
                    kept = current;
                }
                current = next;
            }
            self.sweep = kept;
            if current.is_null() {
                self.phase = Phase::Resurrect;
                self.sweep = ptr::null_mut();
            }
        }
    }

    /// Makes everything that has a finalizer wait for it. For the end of a state; what a running cycle found out is
    /// given up.
    ///
    /// # Safety
    /// Nothing but `next_finalizer`, `free_all` and what finalizers do follows.
    pub unsafe fn separate_all(&mut self) {
        // SAFETY: between two cycles all objects have the same white, and no sweep stands in `finalizable` (G6).
        unsafe {
            self.finish_cycle();
            let all = core::mem::replace(&mut self.finalizable, ptr::null_mut());
            link_after(self.end_of_pending(), all, &mut self.pending);
        }
    }

    /// Takes the first object that waits for its finalizer; it becomes an ordinary one, and the caller calls its
    /// `__gc`.
    #[doc(alias = "udata2finalize")]
    pub fn next_finalizer(&mut self) -> Option<TValue> {
        if self.is_resurrecting() {
            // This is a finalizer after another one that had the collector work.
            // SAFETY: the threads that are traversed now are dead ones, so nobody holds pointers into their stacks.
            unsafe { self.run_until(Phase::SweepAll) };
        }
        let object = self.pending;
        if object.is_null() {
            return None;
        }
        if self.sweep == object {
            // The sweep goes on at the head of `pending` (G6).
            self.sweep = ptr::null_mut();
        }
        // SAFETY: G2: what is in a list is live.
        unsafe {
            self.pending = (*object).next.get();
            (*object).marked.set((*object).marked.get() & !FINALIZER);
            if self.is_sweeping() {
                (*object).make_white(self.current_white);
            }
            self.link(object);
            Some(TValue { u: object.expose_provenance() as u64, t: (*object).tag() })
        }
    }

    /// Whether objects wait for their finalizer.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_null()
    }

    /// How many finalizers the VM is to call now that [`Self::step`] has returned: one after the first step that
    /// found any, and twice as many after each further step, up to a limit. 0 if the step did nothing because the collector
    /// is stopped.
    #[doc(alias = "runafewfinalizers")]
    pub fn finalizers_due(&mut self) -> u32 {
        /// Never more than so many, lest a million objects that die together are a pause of a second.
        const MOST: u32 = 256;
        if !core::mem::take(&mut self.stepped) || self.pending.is_null() || self.is_resurrecting() {
            return 0;
        }
        let limit = self.finalizers_per_step.max(1);
        let mut object = self.pending;
        let mut due = 0;
        while !object.is_null() && due < limit {
            due += 1;
            // SAFETY: G2: what is in a list is live.
            object = unsafe { (*object).next.get() };
        }
        self.finalizers_per_step = if object.is_null() { 0 } else { (limit * 2).min(MOST) };
        due
    }

    /// Whether the cycle waits for nothing but finalizers.
    pub(super) fn waits_for_finalizers(&self) -> bool {
        self.phase == Phase::CallFinalizers && !self.pending.is_null() && !self.emergency
    }
}

/// Makes `object` the successor of `previous`, or the head of the list if that is null.
///
/// # Safety
/// `previous` is null or live.
unsafe fn link_after(previous: *mut GcHeader, object: *mut GcHeader, head: &mut *mut GcHeader) {
    if previous.is_null() {
        *head = object;
    } else {
        // SAFETY: the caller's promise.
        unsafe { (*previous).next.set(object) };
    }
}
