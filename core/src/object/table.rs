//! Tables: an array part for keys 1..=n and a hash part of chained nodes.
//!
//! T1. `array` has `array_size` values; `node` has `mask + 1` nodes, a power of two, behind a head that says so, or is the one
//!     shared empty node. The table has `mask` too, as far as it fits a byte.
//! T2. A node's `next` is the distance in nodes to the next of its chain, 0 at the end. A key lies on the chain that
//!     begins at its main position; a key that is not in its main position has collided with one that is (Brent's
//!     variation). In a part of few nodes all keys are on the chain that begins at the first one.
//! T3. A key that is an integer is never stored as a float; NaN and nil are never keys.
//! T4. A node whose value is nil may hold a dead key; it keeps its place in the chain.
//!     A free node, one whose key is nil, is in no chain, and its index is below `last_free`.
//! T5. The bits of `flags` say which metamethods (events 0..8) are known to be absent; every insertion clears them.
//!
//! T6. The bytes behind the tag of an element are the collector's (G12): a store writes payload and tag apart. Whoever moves elements
//!     with all their bytes tells the collector.
//!
//! If the last element of the array part is nil, its payload may be where the last search for a border ended. That is a hint:
//! nobody relies on it, and whoever stores there overwrites it.

use core::cell::Cell;

use super::header::{GcHeader, GcObject, GcRef, opt_addr, opt_from_addr};
use super::nodes::{LISTED, Node, Nodes, float_to_integer, integer_position, mix, position, same_key};
use super::string::LuaString;
use crate::base::error::OutOfMemory;
use crate::value::{TValue, Tag, tag};

/// The largest size of an array part.
pub const MAX_ARRAY_SIZE: u32 = 1 << 31;
/// log2 of the largest number of nodes.
pub const MAX_LOG_NODES: u32 = 30;

/// Where in an element the collector's bytes are, as in a node.
const SKIP: usize = core::mem::offset_of!(Node, skip);

/// Why a key could not be inserted. The VM makes the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InsertError {
    /// The key is nil.
    NilKey,
    /// The key is not a number, as a number.
    NanKey,
    /// The table would get too large.
    Overflow,
    /// There is no memory to grow the table.
    OutOfMemory,
}

impl From<OutOfMemory> for InsertError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// The key given to `next` is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidKey;

/// The place of a value in a table: an element of the array part, or a node's value.
///
/// It is valid until the table grows. In a node, the bytes after the tag are not padding but key tag and link; so
/// payload and tag are written apart, never as a whole `TValue`.
#[derive(Clone, Copy)]
pub struct Slot(core::ptr::NonNull<TValue>);

impl Slot {
    /// # Safety
    /// `place` is an element of an array part or a node.
    #[inline(always)]
    unsafe fn new(place: *mut TValue) -> Self {
        // SAFETY: by the caller's promise it is not null.
        Self(unsafe { core::ptr::NonNull::new_unchecked(place) })
    }

    /// The value.
    #[inline(always)]
    pub fn get(self) -> TValue {
        let place = self.0.as_ptr();
        // SAFETY: T1; a node begins with payload and tag, as a value does.
        unsafe { TValue { u: (*place).u, t: (*place).t } }
    }

    /// Stores a value; the caller owes the barrier.
    #[inline(always)]
    pub fn set(self, value: TValue) {
        let place = self.0.as_ptr();
        // SAFETY: T1, and payload and tag are written apart.
        unsafe {
            (*place).u = value.u;
            (*place).t = value.t;
        }
    }
}

/// A table. Its header holds the absent-metamethod bits (`extra`), the small mask (`small`) and the size of the array part
/// (`word`).
#[repr(C)]
pub struct Table {
    header: GcHeader,
    pub(crate) array: Cell<*mut TValue>,
    node: Cell<*mut Node>,
    metatable: Cell<*mut Table>,
    pub(crate) gclist: Cell<*mut GcHeader>,
}

const _: () = assert!(size_of::<Table>() == 48);

// SAFETY: O1.
unsafe impl GcObject for Table {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::TABLE
    }
}

impl Table {
    pub(crate) fn new(marked: u8) -> Self {
        let header = GcHeader::new(tag::TABLE, marked);
        header.extra.set(!0);
        Self {
            header,
            array: Cell::new(core::ptr::null_mut()),
            node: Cell::new(Self::empty_node()),
            metatable: Cell::new(core::ptr::null_mut()),
            gclist: Cell::new(core::ptr::null_mut()),
        }
    }

    /// The shared empty hash part.
    #[inline(always)]
    pub fn empty_node() -> *mut Node {
        Nodes::empty().first()
    }

    /// Whether the hash part is the shared empty one.
    #[inline(always)]
    pub fn has_no_nodes(&self) -> bool {
        self.nodes().is_empty()
    }

    /// The size of the array part.
    #[inline(always)]
    pub fn array_size(&self) -> u32 {
        self.header.word.get()
    }

    pub(crate) fn set_array_size(&self, n: u32) {
        self.header.word.set(n);
    }

    /// The array part.
    #[inline(always)]
    pub fn array_ptr(&self) -> *mut TValue {
        self.array.get()
    }

    /// For the collector: the distance from an element (from 0) to the next undecided one of a weak table (G12).
    pub(crate) fn element_skip(&self, index: usize) -> &Cell<u16> {
        const { assert!(core::mem::offset_of!(TValue, t) < SKIP && SKIP + 2 <= size_of::<TValue>()) };
        // SAFETY: T1; these bytes are padding.
        unsafe { &*self.element(index).byte_add(SKIP).cast() }
    }

    /// The hash part.
    #[inline(always)]
    pub fn node_ptr(&self) -> *mut Node {
        self.node.get()
    }

    /// The number of nodes less one, or 255 if that is more.
    #[inline(always)]
    pub fn small_mask(&self) -> u8 {
        self.header.small.get()
    }

    /// The node of an index, if there are so many.
    #[inline(always)]
    pub fn node_by_hint(&self, hint: u8) -> Option<*mut Node> {
        // The check is a branch, so that the node's address need not wait for the mask.
        (hint <= self.small_mask()).then(|| self.node.get().wrapping_add(hint as usize))
    }

    /// The number of nodes, counting the shared empty one.
    #[inline(always)]
    pub fn node_count(&self) -> usize {
        self.nodes().mask() as usize + 1
    }

    /// The metatable.
    #[inline(always)]
    pub fn metatable(&self) -> Option<GcRef<Table>> {
        // SAFETY: a reachable table's metatable is live (G1).
        unsafe { opt_from_addr(self.metatable.get()) }
    }

    /// Sets the metatable; the caller owes the barrier (use `Heap::set_metatable`).
    pub(crate) fn set_metatable_raw(&self, mt: Option<GcRef<Table>>) {
        self.metatable.set(opt_addr(mt));
    }

    /// Which metamethods are known to be absent (T5).
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        self.header.extra.get()
    }

    /// Notes that a metamethod is absent.
    #[inline(always)]
    pub fn set_absent(&self, event: u8) {
        self.header.extra.set(self.header.extra.get() | 1 << event);
    }

    /// Forgets which metamethods are absent; to be called when a field may have been added (`invalidateTMcache`).
    #[inline(always)]
    pub fn clear_flags(&self) {
        self.header.extra.set(0);
    }
}

/// Reading, none of which allocates.
impl Table {
    /// The hash part.
    #[inline(always)]
    pub(crate) fn nodes(&self) -> Nodes {
        Nodes(self.node.get())
    }

    pub(crate) fn set_nodes(&self, nodes: Nodes) {
        self.node.set(nodes.first());
        self.header.small.set(nodes.mask().min(u8::MAX as u32) as u8);
    }

    /// The number of nodes less one.
    #[inline(always)]
    fn mask(&self) -> u32 {
        // Small tables need not wait for the mask to come from the nodes' head.
        match self.small_mask() {
            u8::MAX => self.nodes().mask(),
            small => u32::from(small),
        }
    }

    /// The node where a short string belongs in a part that is no list.
    #[inline(always)]
    fn short_position(&self, key: GcRef<LuaString>) -> *mut Node {
        self.node.get().wrapping_add(key.hash_field() as usize & self.mask() as usize)
    }

    /// The element of the array part with a given index (from 0).
    #[inline(always)]
    fn element(&self, index: usize) -> *mut TValue {
        debug_assert!(index < self.array_size() as usize);
        self.array.get().wrapping_add(index)
    }

    /// The value of a short string that is where it belongs; no other place is looked at.
    #[inline(always)]
    pub fn value_in_main_position(&self, key: GcRef<LuaString>) -> Option<TValue> {
        // SAFETY: T1.
        let node = unsafe { &*self.short_position(key) };
        node.has_short(key.addr()).then(|| node.value())
    }

    /// The node with a short string as its key, or null.
    #[doc(alias = "luaH_getshortstr")]
    #[inline(always)]
    pub fn find_short(&self, key: GcRef<LuaString>) -> *mut Node {
        debug_assert!(key.is_short());
        let addr = key.addr();
        let small = self.small_mask();
        if u32::from(small) < LISTED {
            let mut place = self.node.get();
            let last = place.wrapping_add(small as usize);
            loop {
                // SAFETY: T1.
                let node = unsafe { &*place };
                if node.key.get() == addr && node.key_tag.get() == tag::SHORT_STRING {
                    return place;
                }
                if place == last {
                    return core::ptr::null_mut();
                }
                place = place.wrapping_add(1);
            }
        }
        let mut place = self.short_position(key);
        loop {
            // SAFETY: T1 and T2.
            let node = unsafe { &*place };
            if node.key.get() == addr && node.key_tag.get() == tag::SHORT_STRING {
                return place;
            }
            match node.next.get() {
                0 => return core::ptr::null_mut(),
                next => place = place.wrapping_offset(next as isize),
            }
        }
    }

    /// Enters a short string that is absent, if that takes no more than a look at a few nodes, and says so. The caller owes the
    /// barrier.
    #[inline(always)]
    pub fn enter_at_hand(&self, key: GcRef<LuaString>, value: TValue) -> bool {
        if self.has_no_nodes() {
            return false;
        }
        // SAFETY: T1.
        unsafe {
            let node =
                if u32::from(self.small_mask()) < LISTED { self.nodes().vacancy() } else { self.short_position(key) };
            if node.is_null() || (*node).value_tag.get() != tag::NIL {
                return false;
            }
            (*node).set_key(TValue { u: key.addr(), t: tag::SHORT_STRING });
            (*node).set_value(value);
        }
        self.clear_flags();
        true
    }

    /// The node with an integer as its key, or null; the array part is not looked at.
    #[inline(always)]
    pub fn find_int(&self, key: i64) -> *mut Node {
        let mut place = self.node.get().wrapping_add(integer_position(key, self.mask()));
        loop {
            // SAFETY: T1 and T2.
            let node = unsafe { &*place };
            if node.key.get() == key as u64 && node.key_tag.get() == tag::INT {
                return place;
            }
            match node.next.get() {
                0 => return core::ptr::null_mut(),
                next => place = place.wrapping_offset(next as isize),
            }
        }
    }

    /// The node with an object other than a string, or a float that equals no integer, as its key, or null.
    #[inline(always)]
    pub fn find_bits(&self, key: TValue) -> *mut Node {
        let mask = self.mask();
        let mut place = self.node.get().wrapping_add(if mask < LISTED { 0 } else { mix(key.u) & mask as usize });
        loop {
            // SAFETY: T1 and T2.
            let node = unsafe { &*place };
            if node.key.get() == key.u && node.key_tag.get() == key.t {
                return place;
            }
            match node.next.get() {
                0 => return core::ptr::null_mut(),
                next => place = place.wrapping_offset(next as isize),
            }
        }
    }

    /// The node with a key that follows T3, or null.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1).
    unsafe fn find_any(&self, key: TValue) -> *mut Node {
        // SAFETY: T1 and T2; V1 for the caller's key, and a dead key is not followed.
        unsafe {
            let mut place = self.node.get().wrapping_add(position(key, self.mask()));
            loop {
                let node = &*place;
                if same_key(node, key) {
                    return place;
                }
                match node.next.get() {
                    0 => return core::ptr::null_mut(),
                    next => place = place.wrapping_offset(next as isize),
                }
            }
        }
    }

    /// The place of an integer key's value, if there is one.
    #[inline(always)]
    pub fn find_int_slot(&self, key: i64) -> Option<Slot> {
        let index = (key as u64).wrapping_sub(1);
        if index < self.array_size() as u64 {
            // SAFETY: T1.
            return Some(unsafe { Slot::new(self.element(index as usize)) });
        }
        // SAFETY: `find_int` returns null or a node.
        unsafe { slot_of(self.find_int(key)) }
    }

    /// The place of a string key's value, if there is one.
    #[inline]
    pub fn find_str_slot(&self, key: GcRef<LuaString>) -> Option<Slot> {
        // SAFETY: the key is live (O2); what is found is a node or null.
        unsafe { slot_of(if key.is_short() { self.find_short(key) } else { self.find_any(TValue::object(key)) }) }
    }

    /// The place of a key's value, if there is one. A float that equals an integer counts as that integer.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1).
    pub unsafe fn find_slot(&self, key: TValue) -> Option<Slot> {
        // SAFETY: V1 by the caller's promise; what is found is a node or null.
        unsafe {
            match key.t {
                tag::SHORT_STRING => slot_of(self.find_short(key.as_ref())),
                tag::INT => self.find_int_slot(key.u as i64),
                tag::NIL => None,
                tag::FLOAT => match float_to_integer(f64::from_bits(key.u)) {
                    Some(i) => self.find_int_slot(i),
                    None => slot_of(self.find_any(key)),
                },
                _ => slot_of(self.find_any(key)),
            }
        }
    }

    /// The value of a key; nil if the key is absent.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1).
    #[doc(alias = "luaH_get")]
    #[inline]
    pub unsafe fn get(&self, key: TValue) -> TValue {
        // SAFETY: the caller's promise.
        unsafe { self.find_slot(key) }.map_or(TValue::NIL, Slot::get)
    }

    /// The value of an integer key.
    #[doc(alias = "luaH_getint")]
    #[inline(always)]
    pub fn get_int(&self, key: i64) -> TValue {
        let index = (key as u64).wrapping_sub(1);
        if index < self.array_size() as u64 {
            // SAFETY: T1.
            let place = unsafe { Slot::new(self.element(index as usize)) };
            return place.get();
        }
        self.get_int_node(key)
    }

    #[inline(never)]
    fn get_int_node(&self, key: i64) -> TValue {
        let node = self.find_int(key);
        // SAFETY: T1.
        if node.is_null() { TValue::NIL } else { unsafe { (*node).value() } }
    }

    /// The value of a short string.
    #[inline(always)]
    pub fn get_short(&self, key: GcRef<LuaString>) -> TValue {
        let node = self.find_short(key);
        // SAFETY: T1.
        if node.is_null() { TValue::NIL } else { unsafe { (*node).value() } }
    }

    /// The value of a string, short or long.
    #[doc(alias = "luaH_getstr")]
    #[inline]
    pub fn get_str(&self, key: GcRef<LuaString>) -> TValue {
        self.find_str_slot(key).map_or(TValue::NIL, Slot::get)
    }

    /// A border (manual §3.4.7): 0 if `t[1]` is nil, else an `n` with `t[n]` not nil and `t[n + 1]` nil.
    #[doc(alias = "luaH_getn")]
    #[inline]
    pub fn border(&self) -> i64 {
        let size = self.array_size() as usize;
        if size > 0 && self.element_is_nil(size) {
            self.border_in_elements(size)
        } else if self.has_no_nodes() {
            size as i64
        } else {
            self.border_in_nodes(size as i64)
        }
    }

    /// Whether an element of the array part, counting from 1, is nil.
    #[inline(always)]
    fn element_is_nil(&self, place: usize) -> bool {
        // SAFETY: T1: the place is at least 1 and at most the size.
        unsafe { (*self.element(place - 1)).t == tag::NIL }
    }

    /// The border, if that can be told by a look or two.
    #[inline(always)]
    pub fn border_at_hand(&self) -> Option<i64> {
        let size = self.array_size() as usize;
        if size > 0 && self.element_is_nil(size) {
            self.border_near_hint(size).map(|border| border as i64)
        } else {
            self.has_no_nodes().then_some(size as i64)
        }
    }

    /// A border below `size`, the last element, which is nil: where the last one was found, or next to it.
    #[inline(always)]
    fn border_near_hint(&self, size: usize) -> Option<usize> {
        let last = self.element(size - 1);
        // SAFETY: T1.
        let hint = unsafe { (*last).u } as usize;
        let border = if hint.wrapping_sub(1) >= size - 1 {
            return None;
        } else if self.element_is_nil(hint) {
            if hint == 1 || self.element_is_nil(hint - 1) {
                return None;
            }
            hint - 1
        } else if self.element_is_nil(hint + 1) {
            return Some(hint);
        } else if self.element_is_nil(hint + 2) {
            // There is such an element: the next one is not nil, and so not the last one.
            hint + 1
        } else {
            return None;
        };
        // SAFETY: T1: a nil's payload has no meaning.
        unsafe { (*last).u = border as u64 };
        Some(border)
    }

    /// A border below `size`, the last element, which is nil.
    #[inline]
    fn border_in_elements(&self, size: usize) -> i64 {
        if let Some(border) = self.border_near_hint(size) {
            return border as i64;
        }
        let border = self.search_border(size);
        // SAFETY: T1: a nil's payload has no meaning.
        unsafe { (*self.element(size - 1)).u = border as u64 };
        border as i64
    }

    /// The border that halving finds below `size`, the last element, which is nil.
    #[inline(never)]
    fn search_border(&self, size: usize) -> usize {
        // Element `low` is present (or it is 0), element `high` is nil, counting from 1.
        let (mut low, mut high) = (0, size);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if self.element_is_nil(middle) { high = middle } else { low = middle }
        }
        low
    }

    /// A border that is at least `low`, which is 0 or present.
    #[inline(never)]
    fn border_in_nodes(&self, mut low: i64) -> i64 {
        let mut high = low + 1;
        while !self.get_int(high).is_nil() {
            low = high;
            if high > i64::MAX / 2 {
                // Only a table made to annoy gets here: search one by one.
                let mut n = 1;
                while !self.get_int(n).is_nil() {
                    n += 1;
                }
                return n - 1;
            }
            high *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.get_int(middle).is_nil() { high = middle } else { low = middle }
        }
        low
    }

    /// Where a traversal goes on after `key`: the number of places (elements, then nodes) up to and including the
    /// key's. For nil that is 0, the beginning. The key may have been given the value nil, and even have been
    /// collected.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1).
    pub unsafe fn position_after(&self, key: TValue) -> Result<usize, InvalidKey> {
        let size = self.array_size() as usize;
        let mut key = key;
        if key.is_nil() {
            return Ok(0);
        }
        if key.t == tag::FLOAT
            && let Some(i) = float_to_integer(f64::from_bits(key.u))
        {
            key = TValue::integer(i);
        }
        if key.t == tag::INT && (key.u.wrapping_sub(1)) < size as u64 {
            return Ok(key.u as usize);
        }
        // SAFETY: T1 and T2; V1 for the key; a dead key is compared by address alone (T4).
        unsafe {
            let mut place = self.node.get().wrapping_add(position(key, self.mask()));
            loop {
                let node = &*place;
                let is_dead = key.is_collectable() && node.key_tag.get() == tag::DEAD && node.key.get() == key.u;
                if is_dead || same_key(node, key) {
                    let index = place.offset_from(self.node.get()) as usize;
                    return Ok(size + index + 1);
                }
                match node.next.get() {
                    0 => return Err(InvalidKey),
                    next => place = place.wrapping_offset(next as isize),
                }
            }
        }
    }

    /// The first entry whose value is not nil at or after a position (see [`Self::position_after`]): the position
    /// after it, its key and its value.
    #[inline]
    pub fn entry_from(&self, position: usize) -> Option<(usize, TValue, TValue)> {
        let size = self.array_size() as usize;
        for index in position..size {
            // SAFETY: T1.
            let value = unsafe { Slot::new(self.element(index)) }.get();
            if !value.is_nil() {
                return Some((index + 1, TValue::integer(index as i64 + 1), value));
            }
        }
        for index in position.max(size) - size..self.node_count() {
            // SAFETY: T1; the shared empty node has no value.
            let node = unsafe { &*self.node.get().add(index) };
            if !node.value().is_nil() {
                return Some((size + index + 1, node.key(), node.value()));
            }
        }
        None
    }

    /// The entry after `key` in traversal order, the first one for nil, or `None` at the end.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1).
    #[doc(alias = "luaH_next")]
    pub unsafe fn next(&self, key: TValue) -> Result<Option<(TValue, TValue)>, InvalidKey> {
        // SAFETY: the caller's promise.
        let position = unsafe { self.position_after(key) }?;
        Ok(self.entry_from(position).map(|(_, key, value)| (key, value)))
    }
}

/// The value's place in a node, if there is a node.
///
/// # Safety
/// `node` is null or a node of a table.
#[inline(always)]
unsafe fn slot_of(node: *mut Node) -> Option<Slot> {
    // SAFETY: T1; a node begins with its value.
    if node.is_null() { None } else { Some(unsafe { Slot::new(node.cast()) }) }
}
