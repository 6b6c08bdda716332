//! The cycle: the atomic phase, single steps, whole collections, and the collector's pace.
//!
//! The program's allocations run up a debt; a step pays it back by work, measured in bytes traversed. A step is due
//! whenever the debt is positive. After a cycle the collector waits until memory use has grown to `pause` percent of
//! the estimate.
//!
//! A step is short, whatever was allocated: what it may not do at one go is left to the steps that follow (`arrears`). The one part
//! of a cycle that cannot be divided is the atomic phase, so as much as possible is done before: tables that were written to while
//! objects were marked are looked at again until there are few of them, and so are coroutines that were resumed and have yielded
//! again. What the running function holds is marked by then. What is left to it are the stacks of the other threads, what dies in
//! weak tables. Objects with finalizers are looked at afterwards, unless keys of weak tables depend on them.

use super::{Heap, Phase};

/// The memory that may be allocated between two steps (`GCSTEPSIZE`).
const STEP_SIZE: isize = 8 << 10;
/// The same for steps that the program asks for.
const FORCED_STEP_SIZE: isize = 8 * 24;
/// The most work of a step that the program did not ask for.
const STEP_LIMIT: isize = 96 << 10;
/// How much work is done for each byte allocated and a step multiplier of 100. So with the default one, a cycle ends before a
/// sixth of what lives was allocated. With less the program needs more memory, and hardly less time.
const RATE: isize = 3;
/// What it costs to sweep one object (`GCSWEEPCOST`).
const SWEEP_COST: usize = 24;
/// The least number of objects that are swept at once (`GCSWEEPMAX`).
const SWEEP_MIN: usize = 80;
/// What it costs to take a bucket of the string table out of use.
const BUCKET_COST: usize = 8;
/// What it costs to free a frame.
const FRAME_COST: usize = 96;
/// Both parameters are in percent (`STEPMULADJ`, `PAUSEADJ`).
const PERCENT: isize = 100;
/// The least step multiplier.
const LEAST_STEP_MUL: i32 = 40;

impl Heap {
    /// Ends marking: everything reachable gets marked, weak tables are cleared, and the whites swap. Returns the work.
    ///
    /// What is dead by then, the program cannot get at any more. So those that have finalizers, and what these refer to, are found
    /// in the steps that follow. But if there are weak tables with dead keys, which may be among those, then that is done here.
    ///
    /// The order of these steps is what scripts can observe: values go from weak tables before resurrection, keys
    /// after it.
    ///
    /// # Safety
    /// Marking is finished but for this: the phase is `Atomic` and the gray list is empty.
    unsafe fn atomic(&mut self) -> usize {
        // SAFETY: G1 to G4; nothing else happens meanwhile.
        unsafe {
            debug_assert!(self.gray.is_null() && self.weak.is_null() && self.ephemeron.is_null());
            self.in_atomic = true;
            self.free_spare_stacks();
            self.traversed = 0;
            self.mark_running();
            self.mark_shared_roots();
            let unreached = self.remark_upvalues();
            self.propagate_all();
            // What is traversed again was counted before.
            let mut work = self.traversed;
            self.gray = core::mem::replace(&mut self.touched, core::ptr::null_mut());
            self.propagate_all();
            self.gray = core::mem::replace(&mut self.gray_again, core::ptr::null_mut());
            self.propagate_all();
            self.traversed = 0;
            self.converge_ephemerons();
            // Now everything that is strongly reachable is marked.
            self.clear_values(self.weak);
            self.weak = core::ptr::null_mut();
            self.clear_values(self.all_weak);
            let has_white_keys = self.clear_undecided_values();
            work += self.traversed;
            self.current_white = self.other_white();
            self.finalizers_per_step = 1;
            self.begin_separation();
            if has_white_keys || !self.ephemeron.is_null() || !self.all_weak.is_null() || !unreached.is_null() {
                // A program can get at keys that are dead, unless something resurrects them; and so it can at open upvalues.
                let before = self.last_pending;
                while !self.resurrect(usize::MAX) {}
                self.end_resurrection(self.last_pending != before);
                self.close_dead_upvalues(unreached);
            } else {
                self.undecided = core::ptr::null_mut();
            }
            self.in_atomic = false;
            work + self.traversed
        }
    }

    /// Ends the phase `Resurrect`: what is resurrected is marked but for what resurrected ephemerons keep alive, if `any` objects are
    /// resurrected. Begins to sweep.
    ///
    /// # Safety
    /// There is nothing else left to be marked.
    unsafe fn end_resurrection(&mut self, any: bool) {
        self.in_atomic = true;
        // SAFETY: the weak tables in these lists hold objects that are live, or that nothing else points to.
        unsafe {
            self.gray = core::mem::replace(&mut self.gray_again, core::ptr::null_mut());
            self.propagate_all();
            if any {
                self.converge_ephemerons();
            }
            self.clear_keys(self.ephemeron);
            self.clear_keys(self.all_weak);
            self.clear_undecided_keys();
            self.clear_values(self.weak);
            self.clear_values(self.all_weak);
        }
        self.in_atomic = false;
        self.enter_sweep();
    }

    /// Works on the current phase, for about `budget` units or until the phase ends. Returns the work done.
    ///
    /// # Safety
    /// As for [`Self::step`].
    #[doc(alias = "singlestep")]
    unsafe fn advance(&mut self, budget: usize) -> usize {
        if !self.retired_frames.is_null() {
            return self.free_retired_frames((budget / FRAME_COST).max(1)) * FRAME_COST;
        }
        // SAFETY: the invariants of the collector hold between its steps; each phase is entered when the one before
        // is done.
        unsafe {
            match self.phase {
                Phase::Pause => {
                    self.traversed = 0;
                    self.mark_roots();
                    self.phase = Phase::Propagate;
                    self.traversed
                }
                Phase::Propagate => {
                    self.traversed = 0;
                    let is_done = self.propagate(budget);
                    if is_done
                        && !self.revisit_touched()
                        && !self.mark_running_slots()
                        && !self.begin_weak()
                        && !self.revisit_undecided()
                    {
                        self.phase = Phase::Atomic;
                    }
                    self.traversed
                }
                Phase::Atomic => {
                    // The program may have made objects gray since the phase was entered.
                    self.propagate_all();
                    let work = self.atomic();
                    self.estimate = self.total_bytes();
                    work
                }
                Phase::Separate | Phase::Resurrect => {
                    self.traversed = 0;
                    if self.resurrect(budget) {
                        self.end_resurrection(true);
                    }
                    self.traversed
                }
                Phase::SweepAll | Phase::SweepFinalizable | Phase::SweepPending => {
                    let debt = self.debt;
                    let swept = self.sweep_some((budget / SWEEP_COST).max(SWEEP_MIN));
                    self.correct_estimate(debt);
                    swept * SWEEP_COST
                }
                Phase::SweepEnd => {
                    let debt = self.debt;
                    let removed = self.finish_sweep((budget / BUCKET_COST).max(1));
                    self.correct_estimate(debt);
                    removed * BUCKET_COST
                }
                Phase::CallFinalizers => {
                    self.phase = Phase::Pause;
                    0
                }
            }
        }
    }

    /// Takes from the estimate what was freed since the debt was `before`.
    fn correct_estimate(&mut self, before: isize) {
        self.estimate = self.estimate.wrapping_add_signed(self.debt - before);
    }

    /// One step, to be called when the debt is positive: works until the debt is paid, the cycle ends, or it was long enough.
    ///
    /// It may shrink stacks (H5). Finalizers are left to the VM, see [`Self::finalizers_due`]; when nothing but
    /// finalizers is left of the cycle, the step does nothing until all have been taken.
    ///
    /// # Safety
    /// Everything needed later is reachable from a root (G1). Nobody holds pointers into stacks.
    #[doc(alias = "luaC_step")]
    #[inline(never)]
    pub unsafe fn step(&mut self) {
        if !self.running {
            self.set_debt(-STEP_SIZE);
            return;
        }
        self.stepped = true;
        // SAFETY: by the caller's promise.
        unsafe { self.pay(STEP_SIZE, STEP_LIMIT) };
    }

    /// Pays the debt and `size` bytes in advance by work, as far as `limit` allows.
    ///
    /// # Safety
    /// As for [`Self::step`].
    unsafe fn pay(&mut self, size: isize, limit: isize) {
        let bytes = self.debt.max(0).saturating_add(self.arrears).saturating_add(size);
        let rate = RATE * self.step_mul as isize;
        let wanted = (bytes / PERCENT + 1).saturating_mul(rate);
        let allowed = wanted.min(limit);
        let mut left = allowed;
        // SAFETY: by the caller's promise.
        unsafe {
            while left > 0 && !self.waits_for_finalizers() {
                left = left.saturating_sub_unsigned(self.advance(left as usize));
                if self.phase == Phase::Pause {
                    self.arrears = 0;
                    self.set_pause();
                    return;
                }
            }
        }
        // What is left, or negative, if more was done than was due.
        let bytes_left = (wanted - allowed + left) / rate * PERCENT;
        if left <= 0 && bytes_left > 0 {
            self.arrears = bytes_left;
            self.set_debt(-size / 2);
        } else {
            self.arrears = 0;
            self.set_debt(bytes_left - size);
        }
    }

    /// A step asked for by the program (`LUA_GCSTEP`), also when the collector is stopped: a small one for 0, else as
    /// if that many KiB had been allocated. Returns whether it ended a cycle.
    ///
    /// When nothing but finalizers is left of the cycle, the step may be unfinished: as long as
    /// [`Self::step_unfinished`] says so, the VM calls the finalizers that are due and then [`Self::resume_step`].
    ///
    /// # Safety
    /// As for [`Self::step`].
    #[doc(alias = "LUA_GCSTEP")]
    pub unsafe fn gc_step(&mut self, kib: i32) -> bool {
        let debt = (kib as isize * 1024).saturating_add(self.debt);
        if kib == 0 {
            self.set_debt(-FORCED_STEP_SIZE);
        } else {
            self.set_debt(debt);
        }
        // SAFETY: by the caller's promise.
        (kib == 0 || debt > 0) && unsafe { self.forced_step() }
    }

    /// Whether a forced step still has debt to pay, but waits for finalizers.
    pub fn step_unfinished(&self) -> bool {
        self.phase == Phase::CallFinalizers && self.debt > 0
    }

    /// Continues what [`Self::gc_step`] began, after the finalizers that were due have been called. Returns whether the
    /// cycle has ended.
    ///
    /// # Safety
    /// As for [`Self::step`].
    pub unsafe fn resume_step(&mut self) -> bool {
        // SAFETY: by the caller's promise.
        self.step_unfinished() && unsafe { self.forced_step() }
    }

    /// A step even if the collector is stopped; whether the cycle has ended.
    ///
    /// # Safety
    /// As for [`Self::step`].
    unsafe fn forced_step(&mut self) -> bool {
        self.stepped = true;
        // SAFETY: by the caller's promise.
        unsafe { self.pay(FORCED_STEP_SIZE, isize::MAX) };
        self.phase == Phase::Pause
    }

    /// A full collection. Afterwards the VM calls all pending finalizers, unless it is an emergency.
    ///
    /// An emergency collection happens when an allocation failed. It leaves stacks and the string table as they are.
    ///
    /// # Safety
    /// Everything needed later is reachable from a root (G1). Unless it is an emergency, nobody holds pointers into
    /// stacks.
    #[doc(alias = "luaC_fullgc")]
    #[inline(never)]
    pub unsafe fn full(&mut self, emergency: bool) {
        let before = core::mem::replace(&mut self.emergency, emergency);
        // SAFETY: by the caller's promise.
        unsafe {
            self.finish_cycle();
            while self.phase == Phase::Pause {
                self.advance(usize::MAX);
            }
            self.run_to_pause();
        }
        self.emergency = before;
        self.set_pause();
    }

    /// Brings the cycle to its end without collecting anything that was not yet found dead: if objects are being
    /// marked, all of them just become white again.
    ///
    /// # Safety
    /// As for [`Self::step`].
    pub(super) unsafe fn finish_cycle(&mut self) {
        // SAFETY: the whites have not been swapped if marking is not finished, so the sweep frees nothing (G5).
        unsafe {
            if self.must_keep_invariant() {
                self.enter_sweep();
            }
            self.run_to_pause();
        }
    }

    /// Runs the cycle to its end, leaving finalizers pending.
    ///
    /// # Safety
    /// As for [`Self::step`].
    unsafe fn run_to_pause(&mut self) {
        while self.phase != Phase::Pause {
            // SAFETY: as for the caller.
            unsafe { self.advance(usize::MAX) };
        }
    }

    /// Runs the collector until it has just entered `phase`; pending finalizers are left.
    ///
    /// # Safety
    /// As for [`Self::step`].
    #[doc(alias = "luaC_runtilstate")]
    pub unsafe fn run_until(&mut self, phase: Phase) {
        while self.phase != phase {
            // SAFETY: by the caller's promise.
            unsafe { self.advance(1) };
        }
    }

    /// The phase of the cycle.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Sets the debt so that the next cycle begins when memory use reaches `pause` percent of the estimate.
    #[doc(alias = "setpause")]
    fn set_pause(&mut self) {
        let estimate = (self.estimate as isize / PERCENT).max(1);
        let threshold = estimate.saturating_mul(self.pause as isize);
        self.set_debt((self.total_bytes() as isize).saturating_sub(threshold));
    }

    /// Changes the debt, and so the time of the next step, but not the number of bytes in use (G9).
    #[doc(alias = "luaE_setdebt")]
    pub fn set_debt(&mut self, debt: isize) {
        let total = self.total_bytes() as isize;
        let debt = debt.max(total - isize::MAX);
        self.credit = total - debt;
        self.debt = debt;
    }

    /// The pause in percent.
    pub fn gc_pause(&self) -> i32 {
        self.pause
    }

    /// Sets the pause in percent and returns the old one (`LUA_GCSETPAUSE`).
    #[doc(alias = "LUA_GCSETPAUSE")]
    pub fn set_gc_pause(&mut self, percent: i32) -> i32 {
        core::mem::replace(&mut self.pause, percent)
    }

    /// The step multiplier in percent.
    pub fn gc_step_mul(&self) -> i32 {
        self.step_mul
    }

    /// Sets the step multiplier in percent and returns the old one (`LUA_GCSETSTEPMUL`). It is at least 40.
    #[doc(alias = "LUA_GCSETSTEPMUL")]
    pub fn set_gc_step_mul(&mut self, percent: i32) -> i32 {
        core::mem::replace(&mut self.step_mul, percent.max(LEAST_STEP_MUL))
    }

    /// Lets the collector run again, with a step due at the next allocation (`LUA_GCRESTART`).
    #[doc(alias = "LUA_GCRESTART")]
    pub fn restart(&mut self) {
        self.set_debt(0);
        self.running = true;
    }
}
