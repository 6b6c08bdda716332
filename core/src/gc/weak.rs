//! Weak tables: ephemerons, and clearing of what was collected.
//!
//! While propagating, a weak table is only put aside (`gray_again`). In the atomic phase it goes to `weak` (weak
//! values to be cleared), `ephemeron` (weak keys, and some white key has a white value), or `all_weak` (white keys to
//! be cleared). Strings count as values: they are never removed, but marked when they are looked at.
//! Each of these looks at a table is at the whole of it, however large it is.

use core::ptr;

use super::barrier::is_white_value;
use super::traverse::{Weakness, nodes, remove_entry};
use super::{Heap, Phase};
use crate::object::{GcHeader, GcObject, Table};
use crate::value::{TValue, tag};

impl Heap {
    /// Whether an entry with this key or value is to be removed from a weak table. Marks strings.
    ///
    /// # Safety
    /// The value is one of a live table, and marking is under way.
    #[doc(alias = "iscleared")]
    #[inline(always)]
    unsafe fn is_cleared(&mut self, value: TValue) -> bool {
        // SAFETY: V1: what is in a table has not been freed.
        unsafe {
            if !is_white_value(value) {
                return false;
            }
            if value.is_string() {
                self.mark_object(value.header());
                return false;
            }
        }
        true
    }

    /// # Safety
    /// The table is live, and just left the gray list.
    pub(super) unsafe fn traverse_weak(&mut self, table: &Table, weakness: Weakness) {
        table.header().make_gray();
        // SAFETY: by the caller's promise.
        unsafe {
            match weakness {
                Weakness::Values => self.traverse_weak_values(table),
                Weakness::Keys => {
                    self.traverse_ephemeron(table);
                }
                _ if self.is_propagating() => put(&mut self.gray_again, table),
                _ => put(&mut self.all_weak, table),
            }
        }
    }

    /// Whether a weak table that is traversed now will be traversed again.
    #[inline(always)]
    fn is_propagating(&self) -> bool {
        debug_assert!(self.phase <= Phase::Atomic);
        !self.in_atomic
    }

    /// Marks the keys of a table with weak values, and puts it where it will be dealt with.
    ///
    /// # Safety
    /// The table is live, gray, and in no gray list.
    #[doc(alias = "traverseweakvalue")]
    unsafe fn traverse_weak_values(&mut self, table: &Table) {
        // The array part is not worth looking at twice: assume that it has white values.
        let mut has_clears = table.array_size() > 0;
        for node in nodes(table) {
            // SAFETY: G1: what a live table points to is live.
            unsafe {
                if node.value_tag.get() == tag::NIL {
                    remove_entry(node);
                } else {
                    self.mark_value(node.key());
                    if !has_clears && self.is_cleared(node.value()) {
                        has_clears = true;
                    }
                }
            }
        }
        if self.is_propagating() {
            put(&mut self.gray_again, table);
        } else if has_clears {
            put(&mut self.weak, table);
        }
    }

    /// Marks the values of live keys and returns whether anything was marked.
    ///
    /// # Safety
    /// The table is live, gray, and in no gray list.
    #[doc(alias = "traverseephemeron")]
    unsafe fn traverse_ephemeron(&mut self, table: &Table) -> bool {
        let (mut marked, mut has_clears, mut has_white_pair) = (false, false, false);
        // SAFETY: G1: what a live table points to is live; T1.
        unsafe {
            let array = table.array_ptr();
            for i in 0..table.array_size() as usize {
                marked |= self.mark_if_white(*array.add(i));
            }
            for node in nodes(table) {
                if node.value_tag.get() == tag::NIL {
                    remove_entry(node);
                } else if self.is_cleared(node.key()) {
                    has_clears = true;
                    has_white_pair |= is_white_value(node.value());
                } else {
                    marked |= self.mark_if_white(node.value());
                }
            }
        }
        if self.is_propagating() {
            put(&mut self.gray_again, table);
        } else if has_white_pair {
            put(&mut self.ephemeron, table);
        } else if has_clears {
            put(&mut self.all_weak, table);
        }
        marked
    }

    /// Marks a value if it is a white object, and returns whether it was.
    ///
    /// # Safety
    /// The value is one of a live table.
    #[inline(always)]
    unsafe fn mark_if_white(&mut self, value: TValue) -> bool {
        // SAFETY: the caller's values are those of a live table.
        unsafe {
            let white = is_white_value(value);
            if white {
                self.mark_object(value.header());
            }
            white
        }
    }

    /// Traverses the ephemeron tables until nothing more gets marked.
    ///
    /// # Safety
    /// The atomic phase is under way (G4).
    #[doc(alias = "convergeephemerons")]
    pub(super) unsafe fn converge_ephemerons(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            let mut list = core::mem::replace(&mut self.ephemeron, ptr::null_mut());
            while !list.is_null() {
                // SAFETY: G4: the list holds live tables. A table's link is read before it may be put into a list
                // again.
                unsafe {
                    let table = &*list.cast::<Table>();
                    list = table.gclist.get();
                    if self.traverse_ephemeron(table) {
                        self.propagate_all();
                        changed = true;
                    }
                }
            }
        }
    }

    /// Removes the entries with white keys from the tables of a list.
    ///
    /// # Safety
    /// The list is one of this atomic phase (G4), and everything reachable is marked.
    #[doc(alias = "clearkeys")]
    pub(super) unsafe fn clear_keys(&mut self, mut list: *mut GcHeader) {
        while !list.is_null() {
            // SAFETY: G4: the list holds live tables.
            unsafe {
                let table = &*list.cast::<Table>();
                for node in nodes(table) {
                    if node.value_tag.get() != tag::NIL && self.is_cleared(node.key()) {
                        node.set_value(TValue::NIL);
                    }
                    if node.value_tag.get() == tag::NIL {
                        remove_entry(node);
                    }
                }
                list = table.gclist.get();
            }
        }
    }

    /// Removes the entries with white values from the tables of a list, up to but without `end`.
    ///
    /// # Safety
    /// As for `clear_keys`; `end` is null or in the list.
    #[doc(alias = "clearvalues")]
    pub(super) unsafe fn clear_values(&mut self, mut list: *mut GcHeader, end: *mut GcHeader) {
        while list != end {
            // SAFETY: G4: the list holds live tables; T1.
            unsafe {
                let table = &*list.cast::<Table>();
                let array = table.array_ptr();
                for i in 0..table.array_size() as usize {
                    if self.is_cleared(*array.add(i)) {
                        array.add(i).write(TValue::NIL);
                    }
                }
                for node in nodes(table) {
                    if node.value_tag.get() != tag::NIL && self.is_cleared(node.value()) {
                        node.set_value(TValue::NIL);
                        remove_entry(node);
                    }
                }
                list = table.gclist.get();
            }
        }
    }
}

/// Puts a table at the head of a gray list.
#[inline(always)]
fn put(list: &mut *mut GcHeader, table: &Table) {
    table.gclist.set(*list);
    *list = ptr::from_ref(table).cast_mut().cast();
}
