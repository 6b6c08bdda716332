//! Weak tables: ephemerons, and clearing of what was collected.
//!
//! While propagating, a weak table is only put aside (`waiting_weak`). When everything else is marked, it is traversed in slices, and
//! becomes black like others, since what is stored into it from then on is marked. The atomic phase looks only at those of its
//! entries that referred to white objects (`undecided`, G12). So it may take its time for those that die, but not for those that live.
//!
//! A table is left to the atomic phase as a whole (`gray_again`) if it was met too late. There it goes to `weak` (weak values to be cleared), `ephemeron` (weak keys, and some white key has a white value), or
//! `all_weak` (white keys to be cleared). Strings count as values: they are never removed, but marked when they are looked at.

use core::cell::Cell;
use core::ptr;

use super::barrier::is_white_value;
use super::mark::ask_for;
use super::traverse::{Weakness, nodes, remove_entry};
use super::{Heap, Phase};
use crate::object::{GcHeader, GcObject, GcRef, Node, Table, opt_addr};
use crate::value::{TValue, tag};

/// An entry of a weak table: the index of an element, from 0, or a node.
enum Entry<'t> {
    Element(usize),
    Node(&'t Node),
}

/// How many entries before its turn the objects of one are prefetched.
const AHEAD: usize = 8;

impl Heap {
    /// Whether an entry with this key or value is to be removed from a weak table. Marks strings.
    ///
    /// # Safety
    /// The value is one of a live table, and marking is under way.
    #[doc(alias = "iscleared")]
    #[inline(always)]
    pub(super) unsafe fn is_cleared(&mut self, value: TValue) -> bool {
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
                _ if self.phase == Phase::Propagate => put(&mut self.waiting_weak, table),
                _ if !self.in_atomic => put(&mut self.gray_again, table),
                Weakness::Values => self.traverse_weak_values(table),
                Weakness::Keys => {
                    self.traverse_ephemeron(table);
                }
                _ => put(&mut self.all_weak, table),
            }
        }
    }

    /// Marks the keys of a table with weak values, and puts it where it will be dealt with.
    ///
    /// # Safety
    /// The atomic phase is under way. The table is live, gray, and in no gray list.
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
        if has_clears {
            put(&mut self.weak, table);
        }
    }

    /// Marks the values of live keys and returns whether anything was marked.
    ///
    /// # Safety
    /// The atomic phase is under way. The table is live, gray, and in no gray list.
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
        if has_white_pair {
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
            // SAFETY: the atomic phase is under way.
            unsafe {
                if self.decide() {
                    self.propagate_all();
                    changed = true;
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

    /// Removes the entries with white values from the tables of a list.
    ///
    /// # Safety
    /// As for `clear_keys`.
    #[doc(alias = "clearvalues")]
    pub(super) unsafe fn clear_values(&mut self, mut list: *mut GcHeader) {
        while !list.is_null() {
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

    /// Begins with the first one of the weak tables, now that everything else is marked; false if there is none.
    ///
    /// # Safety
    /// Marking is under way, and nothing is being traversed in slices.
    pub(super) unsafe fn begin_weak(&mut self) -> bool {
        let object = self.waiting_weak;
        if object.is_null() {
            return false;
        }
        // SAFETY: G4: the list holds live tables; G1.
        unsafe {
            let table = &*object.cast::<Table>();
            self.waiting_weak = table.gclist.get();
            table.header().make_black();
            self.mark_optional(opt_addr(table.metatable()));
        }
        self.begin_slices(object);
        true
    }

    /// Marks what is strong of an entry of the table that is traversed in slices, and returns whether the entry is undecided.
    ///
    /// # Safety
    /// It is a node of a live weak table.
    pub(super) unsafe fn traverse_weak_node(&mut self, node: &Node, weakness: Weakness) -> bool {
        // SAFETY: G1: what a live table points to is live.
        unsafe {
            if node.value_tag.get() == tag::NIL {
                remove_entry(node);
                return false;
            }
            match weakness {
                Weakness::Values => {
                    self.mark_value(node.key());
                    self.is_cleared(node.value())
                }
                Weakness::Keys => {
                    let has_white_key = self.is_cleared(node.key());
                    if !has_white_key && self.mark_if_white(node.value()) {
                        self.values_found = true;
                        if self.weak_passes > 0 {
                            self.chased = node.value();
                        }
                    }
                    has_white_key
                }
                _ => self.is_cleared(node.key()) | self.is_cleared(node.value()),
            }
        }
    }

    /// Marks the value of the entry whose key is the value that was just marked, and so on, up to `count` of them: a list that is linked
    /// by the entries of a table is not found link by link, once in each pass over the table. Returns whether it came to the end.
    ///
    /// # Safety
    /// The table is live and has weak keys, or nothing is chased.
    pub(super) unsafe fn chase(&mut self, table: &Table, count: usize) -> bool {
        for _ in 0..count {
            if !self.chased.is_collectable() || self.chased.is_string() {
                self.chased = TValue::NIL;
                return true;
            }
            // SAFETY: T1: what is found is a node; G1: its value is live, since the key is.
            unsafe {
                let node = table.find_bits(self.chased);
                self.chased = TValue::NIL;
                if !node.is_null() && self.mark_if_white((*node).value()) {
                    self.chased = (*node).value();
                }
            }
            self.traversed += size_of::<Node>();
        }
        self.chased.is_nil()
    }

    /// Has the weak tables traversed again that left many entries undecided, if values of ephemerons were marked since that may be keys
    /// of these. Returns whether it did.
    ///
    /// # Safety
    /// The phase is `Propagate`, and nothing is gray but what waits for the atomic phase.
    pub(super) unsafe fn revisit_undecided(&mut self) -> bool {
        /// So many entries may wait for the atomic phase.
        const FEW: usize = 512;
        /// So often tables are traversed again. What makes more of it necessary are ephemerons that lead to others by way of further
        /// objects, in a row.
        const MOST_PASSES: u32 = 8;
        if self.undecided_count <= FEW || !self.values_found || self.weak_passes >= MOST_PASSES {
            return false;
        }
        self.weak_passes += 1;
        self.undecided_count = 0;
        self.values_found = false;
        let mut list = core::mem::replace(&mut self.undecided, ptr::null_mut());
        while !list.is_null() {
            // SAFETY: G12: the list holds live tables.
            unsafe {
                let table = &*list.cast::<Table>();
                list = table.gclist.get();
                table.header().make_gray();
                put(&mut self.waiting_weak, table);
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.begin_weak() }
    }

    /// Adds an element or a node to the undecided ones of the table that is traversed in slices. It lies behind all others of its kind.
    pub(super) fn add_undecided<'t>(&mut self, index: usize, skip_of: impl Fn(usize) -> &'t Cell<u16>) {
        while self.partial_last < index {
            let skip = (index - self.partial_last).min(u16::MAX as usize);
            skip_of(self.partial_last).set(skip as u16);
            self.partial_last += skip;
            skip_of(self.partial_last).set(0);
        }
        self.partial_is_undecided = true;
        self.undecided_count += 1;
    }

    /// Traverses an undecided table again, since its entries have moved; nothing happens if it is none.
    #[cold]
    #[inline(never)]
    pub(super) fn reconsider(&mut self, table: GcRef<Table>) {
        let mut link: *const Cell<*mut GcHeader> = Cell::from_mut(&mut self.undecided);
        // SAFETY: G12: the list holds live tables, linked by their `gclist`.
        unsafe {
            while !(*link).get().is_null() {
                if (*link).get() == table.as_header() {
                    (*link).set(table.gclist.get());
                    table.header().make_gray();
                    return put(&mut self.large, &table);
                }
                link = &raw const (*(*link).get().cast::<Table>()).gclist;
            }
        }
    }

    /// Does something with each element and each node of an undecided table that may be undecided.
    ///
    /// # Safety
    /// The table is in `undecided` (G12).
    unsafe fn each_undecided(&mut self, table: &Table, mut act: impl FnMut(&mut Self, Entry<'_>)) {
        let mut at = 0;
        while at < table.array_size() as usize {
            if at + AHEAD < table.array_size() as usize {
                // SAFETY: T1.
                ask_for(unsafe { *table.array_ptr().add(at + AHEAD) });
            }
            act(self, Entry::Element(at));
            match table.element_skip(at).get() {
                0 => break,
                skip => at += skip as usize,
            }
        }
        let nodes = nodes(table);
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            if let Some(soon) = nodes.get(at + AHEAD) {
                ask_for(soon.key());
                ask_for(soon.value());
            }
            act(self, Entry::Node(node));
            match node.skip.get() {
                0 => return,
                skip => at += skip as usize,
            }
        }
    }

    /// Does something with each such entry of each undecided table, unless these have weak values and marked keys and `all` is false.
    ///
    /// # Safety
    /// The atomic phase is under way.
    unsafe fn each_undecided_of_all(&mut self, all: bool, mut act: impl FnMut(&mut Self, &Table, Entry<'_>, Weakness)) {
        let mut next = self.undecided;
        while !next.is_null() {
            // SAFETY: G12: the list holds live tables.
            unsafe {
                let table = &*next.cast::<Table>();
                let weakness = self.weakness(table);
                if all || weakness != Weakness::Values || !table.header().has_weak_values() {
                    self.each_undecided(table, |heap, entry| act(heap, table, entry, weakness));
                }
                next = table.gclist.get();
            }
        }
    }

    /// Marks the values of those undecided entries that turn out to have live keys; whether there was any. An entry of a table
    /// that is not weak any more is marked as a whole.
    ///
    /// # Safety
    /// The atomic phase is under way.
    unsafe fn decide(&mut self) -> bool {
        let mut marked = false;
        // SAFETY: G1: what a live table points to is live.
        unsafe {
            self.each_undecided_of_all(false, |heap, table, entry, weakness| {
                let node = match entry {
                    Entry::Node(node) => node,
                    Entry::Element(index) => {
                        if matches!(weakness, Weakness::Strong | Weakness::Keys) {
                            marked |= heap.mark_if_white(*table.array_ptr().add(index));
                        }
                        return;
                    }
                };
                if node.value_tag.get() == tag::NIL {
                    return remove_entry(node);
                }
                if matches!(weakness, Weakness::Strong | Weakness::Values) {
                    marked |= heap.mark_if_white(node.key());
                }
                let has_strong_value = match weakness {
                    Weakness::Strong => true,
                    Weakness::Keys => !heap.is_cleared(node.key()),
                    _ => false,
                };
                if has_strong_value && heap.mark_if_white(node.value()) {
                    marked = true;
                    heap.chased = node.value();
                    heap.chase(table, usize::MAX);
                }
            });
        }
        marked
    }

    /// Removes undecided entries with white values that are weak, and returns whether white keys are left.
    ///
    /// # Safety
    /// The atomic phase is under way, and everything reachable is marked.
    pub(super) unsafe fn clear_undecided_values(&mut self) -> bool {
        let mut has_white_keys = false;
        // SAFETY: as for `decide`.
        unsafe {
            self.each_undecided_of_all(true, |heap, table, entry, weakness| {
                let is_weak = matches!(weakness, Weakness::Values | Weakness::Both);
                let node = match entry {
                    Entry::Node(node) => node,
                    Entry::Element(index) => {
                        let element = table.array_ptr().add(index);
                        if is_weak && heap.is_cleared(*element) {
                            (*element).t = tag::NIL;
                        }
                        return;
                    }
                };
                if node.value_tag.get() == tag::NIL {
                    return remove_entry(node);
                }
                // Keys that are not weak have been marked.
                let has_weak_key = matches!(weakness, Weakness::Keys | Weakness::Both);
                if is_weak && heap.is_cleared(node.value()) {
                    node.set_value(TValue::NIL);
                    if has_weak_key {
                        remove_entry(node);
                    }
                } else if has_weak_key && !has_white_keys {
                    has_white_keys = heap.is_cleared(node.key());
                }
            });
        }
        has_white_keys
    }

    /// Removes undecided entries with white keys that are weak.
    ///
    /// # Safety
    /// As for `clear_undecided_values`.
    pub(super) unsafe fn clear_undecided_keys(&mut self) {
        // SAFETY: as for `decide`.
        unsafe {
            self.each_undecided_of_all(false, |heap, _, entry, weakness| {
                let Entry::Node(node) = entry else { return };
                let is_weak = matches!(weakness, Weakness::Keys | Weakness::Both);
                if is_weak && node.value_tag.get() != tag::NIL && heap.is_cleared(node.key()) {
                    node.set_value(TValue::NIL);
                    remove_entry(node);
                }
            });
        }
    }
}

/// Puts a table at the head of a gray list.
#[inline(always)]
fn put(list: &mut *mut GcHeader, table: &Table) {
    table.gclist.set(*list);
    *list = ptr::from_ref(table).cast_mut().cast();
}
