//! Marking: turning white objects gray or black, the roots, and working off the gray list.
//!
//! What needs only a glance (strings, userdata, upvalues, empty tables) turns black at once; everything else with a `gclist` goes
//! to the gray list. So the native stack is never deep: a chain of userdata and upvalues is followed by a loop.
//!
//! Most of the time goes into waiting for memory. So a table that leaves the gray list is not traversed at once: its items are
//! asked for, then the objects that these begin with, and some others have their turn before ([`Ahead`]).

use super::Heap;
use super::barrier::is_white_value;
use crate::object::{
    GcHeader, GcObject, GcRef, LuaClosure, LuaString, NativeClosure, Proto, Table, Thread, UpVal, Userdata,
};
use crate::value::{TValue, tag};

/// How many tables are asked for before the first of them is traversed.
const AHEAD: usize = 8;

/// So often objects are looked at again before the atomic phase, lest a program that writes to many keeps the cycle from its end.
const MOST_REVISITS: u32 = 8;

/// Gray tables of which something is on its way into the processor's caches. They are in no gray list meanwhile.
struct Ahead {
    tables: [*mut Table; AHEAD],
    at: usize,
}

impl Ahead {
    /// Puts a table in, or none, and takes that one out which was put in longest ago, or none.
    #[inline(always)]
    fn exchange(&mut self, table: *mut Table) -> *mut Table {
        let oldest = core::mem::replace(&mut self.tables[self.at], table);
        self.at = (self.at + 1) % AHEAD;
        oldest
    }
}

/// Asks the processor for the first objects that a table refers to.
///
/// # Safety
/// The table is live.
#[inline(always)]
unsafe fn ask_for_objects(table: &Table) {
    /// How many of them.
    const FIRST: usize = 2;
    let elements = table.array_size() as usize;
    // SAFETY: T1.
    unsafe {
        if elements == 0 {
            for i in 0..FIRST.min(table.small_mask() as usize + 1) {
                ask_for((*table.node_ptr().add(i)).value());
            }
        } else {
            for i in 0..FIRST.min(elements) {
                ask_for(*table.array_ptr().add(i));
            }
        }
    }
}

/// Asks the processor for an object.
#[inline(always)]
pub(super) fn ask_for(value: TValue) {
    if value.is_collectable() {
        prefetch(value.u as usize as *const u8);
    }
}

/// Asks the processor for the memory at an address, whatever that is, and does not wait for it.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, and it accesses nothing that a program could see.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

impl Heap {
    /// Marks a value if it is a white object.
    ///
    /// # Safety
    /// The value is live (V1).
    #[inline(always)]
    pub(super) unsafe fn mark_value(&mut self, value: TValue) {
        // SAFETY: V1, by the caller's promise.
        unsafe {
            if is_white_value(value) {
                if value.is_table() {
                    self.mark_white_table(value.header());
                } else {
                    self.mark_white(value.header());
                }
            }
        }
    }

    /// Marks a white table.
    ///
    /// # Safety
    /// It is one, and live.
    #[inline(always)]
    unsafe fn mark_white_table(&mut self, object: *mut GcHeader) {
        // SAFETY: the caller's promise.
        unsafe {
            let table = &*object.cast::<Table>();
            if table.array_size() == 0 && table.has_no_nodes() && table.metatable().is_none() {
                table.header().make_black();
                self.traversed += size_of::<Table>();
            } else {
                self.push_gray(object, &raw const table.gclist);
            }
        }
    }

    /// Marks an object if it is white.
    ///
    /// # Safety
    /// The object is live.
    #[inline(always)]
    pub(super) unsafe fn mark_object(&mut self, object: *mut GcHeader) {
        // SAFETY: the object is live, by the caller's promise.
        unsafe {
            if (*object).is_white() {
                self.mark_white(object);
            }
        }
    }

    /// Marks an object if there is one and it is white.
    ///
    /// # Safety
    /// The pointer is null or points to a live object.
    #[inline(always)]
    pub(super) unsafe fn mark_optional<T: GcObject>(&mut self, object: *mut T) {
        if !object.is_null() {
            // SAFETY: the object is live, by the caller's promise.
            unsafe { self.mark_object(object.cast()) }
        }
    }

    /// Marks a white object.
    ///
    /// # Safety
    /// The object is live and white.
    #[doc(alias = "reallymarkobject")]
    unsafe fn mark_white(&mut self, mut object: *mut GcHeader) {
        // SAFETY: G1: what is marked is reachable, so live; O1: the tag tells the type.
        unsafe {
            loop {
                let next = match (*object).tag() {
                    tag::SHORT_STRING | tag::LONG_STRING => {
                        (*object).make_black();
                        self.traversed += (*object.cast::<LuaString>()).size();
                        return;
                    }
                    tag::TABLE => return self.mark_white_table(object),
                    tag::LUA_CLOSURE => {
                        return self.push_gray(object, &raw const (*object.cast::<LuaClosure>()).gclist);
                    }
                    tag::NATIVE_CLOSURE => {
                        return self.push_gray(object, &raw const (*object.cast::<NativeClosure>()).gclist);
                    }
                    tag::PROTO => return self.push_gray(object, &raw const (*object.cast::<Proto>()).gclist),
                    tag::THREAD => return self.push_gray(object, &raw const (*object.cast::<Thread>()).gclist),
                    tag::UPVAL => self.mark_upval(&*object.cast::<UpVal>()),
                    _ => self.mark_userdata(&*object.cast::<Userdata>()),
                };
                if !is_white_value(next) {
                    return;
                }
                object = next.header();
            }
        }
    }

    /// Makes an object gray and puts it at the head of the gray list.
    ///
    /// # Safety
    /// The object is live and white, and `link` is its `gclist`.
    #[inline(always)]
    unsafe fn push_gray(&mut self, object: *mut GcHeader, link: *const core::cell::Cell<*mut GcHeader>) {
        // SAFETY: the object is live, and `link` is its own `gclist`.
        unsafe {
            (*object).make_gray();
            (*link).set(self.gray);
        }
        self.gray = object;
    }

    /// Marks a userdata and its metatable, and returns the user value, which is still to be marked.
    ///
    /// # Safety
    /// The userdata is live and white.
    #[inline(never)]
    unsafe fn mark_userdata(&mut self, userdata: &Userdata) -> TValue {
        userdata.header().make_black();
        self.traversed += userdata.size();
        if let Some(metatable) = userdata.metatable() {
            // SAFETY: G1: a live userdata's metatable is live. It is a table, so this does not recurse.
            unsafe { self.mark_object(metatable.as_header()) };
        }
        userdata.user_value()
    }

    /// Traverses everything gray, also what becomes gray meanwhile.
    ///
    /// # Safety
    /// Marking is under way (G4).
    #[doc(alias = "propagateall")]
    pub(super) unsafe fn propagate_all(&mut self) {
        // SAFETY: the caller's promise.
        while !unsafe { self.propagate(usize::MAX) } {}
    }

    /// Traverses gray objects until about `budget` bytes have been traversed; whether none is left.
    ///
    /// Large tables and stacks come last, in slices; what a slice makes gray comes before the next one, while it is in the processor's caches.
    ///
    /// # Safety
    /// Marking is under way (G4).
    pub(super) unsafe fn propagate(&mut self, budget: usize) -> bool {
        // Those that wait for their items, and those that wait for the objects in there.
        let mut ahead = [const { Ahead { tables: [core::ptr::null_mut(); AHEAD], at: 0 } }; 2];
        // SAFETY: G4.
        unsafe {
            while self.traversed < budget {
                let mut table = self.gray.cast::<Table>();
                if table.is_null() {
                    if !self.propagate_ahead(&mut ahead) {
                        return true;
                    }
                    continue;
                }
                if (*table).header().tag() != tag::TABLE {
                    self.propagate_one();
                    continue;
                }
                self.gray = (*table).gclist.get();
                let has_array = (*table).array_size() != 0;
                prefetch(if has_array { (*table).array_ptr().cast() } else { (*table).node_ptr() });
                table = ahead[0].exchange(table);
                if table.is_null() {
                    continue;
                }
                ask_for_objects(&*table);
                table = ahead[1].exchange(table);
                if !table.is_null() {
                    self.traversed += self.traverse_table(&*table);
                }
            }
            for table in ahead.iter().flat_map(|ahead| ahead.tables) {
                if !table.is_null() {
                    (*table).gclist.set(self.gray);
                    self.gray = table.cast();
                }
            }
        }
        false
    }

    /// What there is to do while the gray list is empty: the tables that are ahead, or else a part of a large one. Returns whether
    /// there was anything.
    ///
    /// # Safety
    /// As for [`Self::propagate`].
    unsafe fn propagate_ahead(&mut self, ahead: &mut [Ahead; 2]) -> bool {
        // SAFETY: G4.
        unsafe {
            for i in 0..2 * AHEAD {
                let table = ahead[1 - i / AHEAD].exchange(core::ptr::null_mut());
                if !table.is_null() {
                    self.traversed += self.traverse_table(&*table);
                    return true;
                }
            }
            if !self.partial.is_null() {
                self.traverse_slice();
            } else if !self.large.is_null() {
                self.begin_large();
            } else {
                return false;
            }
        }
        true
    }

    /// Has the tables and threads traversed again that were written to since they had been, unless they are so few that the atomic
    /// phase can have them. Returns whether it did.
    ///
    /// # Safety
    /// The phase is `Propagate`, and nothing is gray but what waits for the atomic phase.
    pub(super) fn revisit_touched(&mut self) -> bool {
        /// So many tables may wait for the atomic phase.
        const FEW: u32 = 64;
        if self.touched_count <= FEW || self.revisits >= MOST_REVISITS {
            return false;
        }
        self.revisits += 1;
        self.touched_count = 0;
        self.gray = core::mem::replace(&mut self.touched, core::ptr::null_mut());
        true
    }

    /// Marks what the running function has in its slots by now, so that the atomic phase need not mark all that was made since the
    /// stack was looked at. Returns whether that leaves anything to be traversed.
    ///
    /// # Safety
    /// The phase is `Propagate`, and nothing is gray but what waits for the atomic phase.
    pub(super) unsafe fn mark_running_slots(&mut self) -> bool {
        /// Of a long stack, no more slots are looked at.
        const MOST_SLOTS: usize = 512;
        let thread = self.running_thread;
        if thread.is_null() || self.revisits >= MOST_REVISITS {
            return false;
        }
        // SAFETY: G1; H1: the slots below `top` are live.
        unsafe {
            self.mark_object(thread.cast());
            let top = (*thread).top.get();
            let count = ((*thread).save(top) / size_of::<TValue>()).min(MOST_SLOTS);
            for i in 1..=count {
                self.mark_value(*top.sub(i));
            }
        }
        let found = !self.gray.is_null();
        self.revisits += found as u32;
        found
    }

    /// Takes one object that is no table off the gray list, traverses it and makes it black (most threads stay gray, in another list).
    ///
    /// # Safety
    /// The gray list is not empty.
    #[doc(alias = "propagatemark")]
    #[inline(always)]
    pub(super) unsafe fn propagate_one(&mut self) {
        let object = self.gray;
        // SAFETY: G4: the list holds live objects of the types that have a `gclist`; O1: the tag tells which.
        unsafe {
            debug_assert!((*object).is_gray());
            (*object).marked.set((*object).marked.get() | super::color::BLACK);
            let size = match (*object).tag() {
                tag::LUA_CLOSURE => {
                    let closure = &*object.cast::<LuaClosure>();
                    self.gray = closure.gclist.get();
                    self.traverse_lua_closure(closure)
                }
                tag::NATIVE_CLOSURE => {
                    let closure = &*object.cast::<NativeClosure>();
                    self.gray = closure.gclist.get();
                    self.traverse_native_closure(closure)
                }
                tag::PROTO => {
                    let proto = &*object.cast::<Proto>();
                    self.gray = proto.gclist.get();
                    self.traverse_proto(proto)
                }
                _ => {
                    let thread = GcRef::from_ptr(object.cast::<Thread>());
                    self.gray = thread.gclist.get();
                    prefetch(self.gray);
                    self.visit_thread(thread)
                }
            };
            self.traversed += size;
        }
    }

    /// Begins a cycle: empties the gray lists and marks the roots.
    ///
    /// # Safety
    /// The heap is sound, and no cycle is under way.
    #[doc(alias = "restartcollection")]
    pub(super) unsafe fn mark_roots(&mut self) {
        self.gray = core::ptr::null_mut();
        self.large = core::ptr::null_mut();
        self.partial = core::ptr::null_mut();
        self.waiting_weak = core::ptr::null_mut();
        self.undecided = core::ptr::null_mut();
        self.undecided_count = 0;
        self.values_found = false;
        self.weak_passes = 0;
        self.touched = core::ptr::null_mut();
        self.touched_count = 0;
        self.revisits = 0;
        self.gray_again = core::ptr::null_mut();
        self.weak = core::ptr::null_mut();
        self.ephemeron = core::ptr::null_mut();
        self.all_weak = core::ptr::null_mut();
        // SAFETY: G1: roots are live.
        unsafe {
            self.mark_optional(self.main_thread);
            self.mark_shared_roots();
            self.mark_pending();
        }
    }

    /// Marks the registry, the anchors and the basic metatables, which the host may change without a barrier.
    ///
    /// # Safety
    /// Marking is under way, and the roots are live (G1).
    pub(super) unsafe fn mark_shared_roots(&mut self) {
        // SAFETY: G1: roots are live.
        unsafe {
            self.mark_value(self.registry);
            self.mark_optional(self.anchors);
            for i in 0..self.metatables.len() {
                self.mark_optional(self.metatables[i]);
            }
        }
    }

    /// Marks the running thread and those that wait for it.
    ///
    /// # Safety
    /// Marking is under way, and the roots are live (G1).
    pub(super) unsafe fn mark_running(&mut self) {
        // SAFETY: G1: these threads are live, and so is the code of the host that has the nodes.
        unsafe {
            self.mark_with_resumers(self.running_thread);
            let mut node = self.waiting;
            while !node.is_null() {
                self.mark_with_resumers((*node).thread);
                node = (*node).outer;
            }
        }
    }

    /// Marks a thread and those that have resumed it.
    ///
    /// # Safety
    /// Marking is under way, and the threads are live.
    unsafe fn mark_with_resumers(&mut self, mut thread: *mut Thread) {
        while !thread.is_null() {
            // SAFETY: the caller's promise.
            unsafe {
                self.mark_object(thread.cast());
                thread = (*thread).from.get();
            }
        }
    }

    /// Marks the objects that wait for their finalizer.
    ///
    /// # Safety
    /// Marking is under way (G2).
    #[doc(alias = "markbeingfnz")]
    pub(super) unsafe fn mark_pending(&mut self) {
        let mut object = self.pending;
        while !object.is_null() {
            // SAFETY: G2: what is in a list is live.
            unsafe {
                self.mark_object(object);
                object = (*object).next.get();
            }
        }
    }
}
