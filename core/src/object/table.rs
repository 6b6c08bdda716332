//! Tables: an array part for keys 1..=n and a hash part of chained nodes.
//!
//! T1. `array` has `array_size` values; `node` has `1 << log_nodes` nodes, or is the one shared empty node.
//! T2. A node's `next` is the distance in nodes to the next of its chain, 0 at the end. All nodes of a chain have the
//!     same main position, and the main position of a chain is its first node (Brent's variation).
//! T3. A key that is an integer is never stored as a float; NaN and nil are never keys.
//! T4. A node whose value is nil may hold a dead key; it keeps its place in the chain.
//! T5. The bits of `flags` say which metamethods (events 0..8) are known to be absent; every insertion clears them.

use core::cell::Cell;

use super::header::{GcHeader, GcObject, GcRef, opt_addr, opt_from_addr};
use crate::value::{TValue, Tag, tag};

/// A node of the hash part: 24 bytes.
#[repr(C)]
pub struct Node {
    /// The value's payload.
    pub value: Cell<u64>,
    /// The value's tag.
    pub value_tag: Cell<Tag>,
    /// The key's tag; `NIL` for a free node, `DEAD` for a collected key.
    pub key_tag: Cell<Tag>,
    /// The distance to the next node of the chain (T2).
    pub next: Cell<i32>,
    /// The key's payload.
    pub key: Cell<u64>,
}

const _: () = assert!(size_of::<Node>() == 24);

impl Node {
    /// The value.
    #[inline(always)]
    pub fn value(&self) -> TValue {
        TValue { u: self.value.get(), t: self.value_tag.get() }
    }

    /// Sets the value; the caller owes the barrier.
    #[inline(always)]
    pub fn set_value(&self, v: TValue) {
        self.value.set(v.u);
        self.value_tag.set(v.t);
    }

    /// The key.
    #[inline(always)]
    pub fn key(&self) -> TValue {
        TValue { u: self.key.get(), t: self.key_tag.get() }
    }

    /// Sets the key; the caller owes the barrier.
    #[inline(always)]
    pub fn set_key(&self, k: TValue) {
        self.key.set(k.u);
        self.key_tag.set(k.t);
    }
}

/// A table.
#[repr(C)]
pub struct Table {
    header: GcHeader,
    pub(crate) array: Cell<*mut TValue>,
    pub(crate) node: Cell<*mut Node>,
    /// Every free node is before this one.
    pub(crate) last_free: Cell<*mut Node>,
    metatable: Cell<*mut Table>,
    pub(crate) gclist: Cell<*mut GcHeader>,
}

const _: () = assert!(size_of::<Table>() == 56);

// SAFETY: O1.
unsafe impl GcObject for Table {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::TABLE
    }
}

/// The empty hash part that tables without nodes share. It is never written.
struct SharedNode(Node);
// SAFETY: nobody writes to it (T1: an insertion first checks for it).
unsafe impl Sync for SharedNode {}
static EMPTY_NODE: SharedNode = SharedNode(Node {
    value: Cell::new(0),
    value_tag: Cell::new(tag::NIL),
    key_tag: Cell::new(tag::NIL),
    next: Cell::new(0),
    key: Cell::new(0),
});

impl Table {
    pub(crate) fn new(marked: u8) -> Self {
        let header = GcHeader::new(tag::TABLE, marked);
        header.extra.set(!0);
        Self {
            header,
            array: Cell::new(core::ptr::null_mut()),
            node: Cell::new(Self::empty_node()),
            last_free: Cell::new(core::ptr::null_mut()),
            metatable: Cell::new(core::ptr::null_mut()),
            gclist: Cell::new(core::ptr::null_mut()),
        }
    }

    /// The shared empty hash part.
    #[inline(always)]
    pub fn empty_node() -> *mut Node {
        core::ptr::from_ref(&EMPTY_NODE.0).cast_mut()
    }

    /// Whether the hash part is the shared empty one.
    #[inline(always)]
    pub fn has_no_nodes(&self) -> bool {
        self.last_free.get().is_null()
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

    /// The hash part.
    #[inline(always)]
    pub fn node_ptr(&self) -> *mut Node {
        self.node.get()
    }

    /// log2 of the number of nodes.
    #[inline(always)]
    pub fn log_nodes(&self) -> u8 {
        self.header.small.get()
    }

    pub(crate) fn set_log_nodes(&self, log: u8) {
        self.header.small.set(log);
    }

    /// The number of nodes, counting the shared empty one.
    #[inline(always)]
    pub fn node_count(&self) -> usize {
        1 << self.log_nodes()
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
