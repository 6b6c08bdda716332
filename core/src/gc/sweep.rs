//! Sweeping: freeing what has the other white, and making everything else white for the next cycle.

use core::ptr;

use super::color::NOT_COLOR;
use super::mark::prefetch;
use super::{Heap, Phase};
use crate::object::{GcHeader, GcObject, LuaString};
use crate::value::tag;

/// How many other objects could be swept while a short string is taken out of its bucket, which lies elsewhere.
const STRING_COST: usize = 2;
/// How many bytes of a long string are freed while another object could be swept: the system may have to unmap them.
const LONG_STRING_UNIT: usize = 512;

impl Heap {
    /// Begins the sweep. Objects made before its first step are looked at too, which changes nothing about them.
    #[doc(alias = "entersweep")]
    pub(super) fn enter_sweep(&mut self) {
        self.phase = Phase::SweepAll;
        self.sweep = ptr::null_mut();
        self.partial = ptr::null_mut();
        self.undecided = ptr::null_mut();
    }

    /// Sweeps up to `count` objects of the list of this phase, and enters the next phase at the end of the list.
    /// Returns the work, in objects.
    ///
    /// # Safety
    /// The phase is `SweepAll`, `SweepFinalizable` or `SweepPending`.
    #[doc(alias = "sweeplist")]
    pub(super) unsafe fn sweep_some(&mut self, count: usize) -> usize {
        let (white, other) = (self.current_white, self.other_white());
        let mut previous = self.sweep;
        let mut left = count;
        // SAFETY: G2, G5 and G6: `previous` is in the list, all objects of the list have not been freed, and nothing
        // live points to those that have the other white.
        unsafe {
            let mut current = if previous.is_null() { *self.sweep_list() } else { (*previous).next.get() };
            while !current.is_null() && left > 0 {
                left -= 1;
                let object = &*current;
                let next = object.next.get();
                prefetch(next);
                let marked = object.marked.get();
                if marked & other == 0 {
                    object.marked.set(marked & NOT_COLOR | white);
                    previous = current;
                } else {
                    if previous.is_null() {
                        *self.sweep_list() = next;
                    } else {
                        (*previous).next.set(next);
                    }
                    if object.tag() == tag::SHORT_STRING {
                        left = left.saturating_sub(STRING_COST);
                    } else if object.tag() == tag::LONG_STRING {
                        left = left.saturating_sub((*current.cast::<LuaString>()).len() / LONG_STRING_UNIT);
                    }
                    self.free_object(current);
                }
                current = next;
            }
            if current.is_null() {
                self.sweep = ptr::null_mut();
                self.phase = match self.phase {
                    Phase::SweepAll => Phase::SweepFinalizable,
                    Phase::SweepFinalizable => Phase::SweepPending,
                    _ => Phase::SweepEnd,
                };
            } else {
                self.sweep = previous;
            }
        }
        count - left
    }

    /// The head of the list that this phase sweeps.
    #[inline]
    fn sweep_list(&mut self) -> &mut *mut GcHeader {
        match self.phase {
            Phase::SweepAll => &mut self.all,
            Phase::SweepFinalizable => &mut self.finalizable,
            _ => &mut self.pending,
        }
    }

    /// Ends the sweep, once the string table has no more than `budget` buckets too many. Returns how many it took out of use.
    ///
    /// # Safety
    /// Everything has been swept.
    #[doc(alias = "checkSizes")]
    pub(super) unsafe fn finish_sweep(&mut self, budget: usize) -> usize {
        if !self.main_thread.is_null() {
            // SAFETY: G1.
            unsafe { (*self.main_thread).header().make_white(self.current_white) };
        }
        let removed = if self.emergency { 0 } else { self.remove_buckets(budget) };
        if removed < budget {
            self.phase = Phase::CallFinalizers;
        }
        removed
    }
}
