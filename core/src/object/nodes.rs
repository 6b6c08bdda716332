//! The hash part of a table: nodes behind a head, chained (T1 to T4 of [`super::table`]).

use core::cell::Cell;

use super::string::LuaString;
use super::table::Table;
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
    /// For the collector: the distance to the next undecided node of a weak table (G12).
    pub(crate) skip: Cell<u16>,
    /// The distance to the next node of the chain (T2).
    pub next: Cell<i32>,
    /// The key's payload.
    pub key: Cell<u64>,
}

const _: () = assert!(size_of::<Node>() == 24);
// A slot relies on these.
const _: () = assert!(core::mem::offset_of!(Node, value) == core::mem::offset_of!(TValue, u));
const _: () = assert!(core::mem::offset_of!(Node, value_tag) == core::mem::offset_of!(TValue, t));

impl Node {
    /// A free node.
    pub(crate) const fn free() -> Self {
        Self {
            value: Cell::new(0),
            value_tag: Cell::new(tag::NIL),
            key_tag: Cell::new(tag::NIL),
            skip: Cell::new(0),
            next: Cell::new(0),
            key: Cell::new(0),
        }
    }

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

    /// Whether the key is a short string with this address, and the value is not nil.
    #[inline(always)]
    pub fn has_short(&self, address: u64) -> bool {
        self.key.get() == address && self.key_tag.get() == tag::SHORT_STRING && self.value_tag.get() != tag::NIL
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

/// What lies before the first node of a hash part.
#[repr(C)]
pub(crate) struct NodesHead {
    /// The number of nodes less one.
    mask: u32,
    /// The index of every free node is below this.
    pub(crate) last_free: Cell<u32>,
}

/// How many bytes lie before the first node.
pub(crate) const NODES_HEAD: usize = size_of::<NodesHead>();

const _: () = assert!(NODES_HEAD == 8 && NODES_HEAD.is_multiple_of(align_of::<Node>()));

/// The empty hash part that tables without nodes share. It is never written.
#[repr(C)]
struct SharedNode {
    head: NodesHead,
    node: Node,
}
// SAFETY: nobody writes to it (T1: an insertion first checks for it).
unsafe impl Sync for SharedNode {}
static EMPTY_NODE: SharedNode = SharedNode { head: NodesHead { mask: 0, last_free: Cell::new(0) }, node: Node::free() };

/// Parts of up to this many nodes are lists: each key belongs to the first node, and new ones take the first that is free. So
/// the fields of objects lie in the order in which they were made, however many each object has, and whatever their hashes: an
/// instruction finds a field in the same place of all of them.
pub(super) const LISTED: u32 = 4;

/// Spreads the bits of pointers and floats, whose low bits tend to be equal.
#[inline(always)]
pub(super) fn mix(bits: u64) -> usize {
    (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

/// The main position of an integer among `mask + 1` nodes: its remainder by an odd number, so that neighbours stay neighbours, and no
/// regular step between keys makes them collide.
#[inline(always)]
pub(super) fn integer_position(i: i64, mask: u32) -> usize {
    if mask < LISTED {
        return 0;
    }
    let (u, divisor) = (i as u64, mask | 1);
    match u32::try_from(u) {
        // The division of short numbers takes half of the time.
        Ok(short) => (short % divisor) as usize,
        Err(_) => (u % u64::from(divisor)) as usize,
    }
}

/// The integer that a float equals, if there is one.
#[inline(always)]
pub(crate) fn float_to_integer(n: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT..LIMIT).contains(&n) {
        return None;
    }
    let i = n as i64;
    if i as f64 == n { Some(i) } else { None }
}

/// The main position of a key among `mask + 1` nodes.
///
/// # Safety
/// The key is live if it is collectable (V1), and follows T3.
#[inline]
pub(super) unsafe fn position(key: TValue, mask: u32) -> usize {
    if mask < LISTED {
        return 0;
    }
    let hash = match key.t {
        tag::INT => return integer_position(key.u as i64, mask),
        // SAFETY: V1.
        tag::SHORT_STRING => unsafe { key.as_ref::<LuaString>() }.hash_field() as usize,
        // SAFETY: V1.
        tag::LONG_STRING => unsafe { key.as_ref::<LuaString>() }.hash() as usize,
        tag::FALSE => 0,
        tag::TRUE => 1,
        _ => mix(key.u),
    };
    hash & mask as usize
}

/// Whether two keys are equal; `key` follows T3.
///
/// # Safety
/// Both are live if they are collectable (V1).
#[inline(always)]
pub(super) unsafe fn same_key(node: &Node, key: TValue) -> bool {
    let own = node.key();
    if own.same_bits(key) {
        return true;
    }
    if own.t != tag::LONG_STRING || key.t != tag::LONG_STRING {
        return false;
    }
    // SAFETY: V1.
    unsafe { own.as_ref::<LuaString>().equals(key.as_ref()) }
}

/// A hash part by itself, that of a table or a new one that is being filled: its first node, which its head lies before.
#[derive(Clone, Copy)]
pub(crate) struct Nodes(pub(super) *mut Node);

impl Nodes {
    /// The shared empty part.
    pub fn empty() -> Self {
        Self(core::ptr::from_ref(&EMPTY_NODE).cast_mut().wrapping_byte_add(NODES_HEAD).cast())
    }

    /// The bytes of a block for `len` nodes, if that can be said.
    pub fn block_size(len: usize) -> Option<usize> {
        len.checked_mul(size_of::<Node>())?.checked_add(NODES_HEAD)
    }

    /// Makes `1 << log` free nodes.
    ///
    /// # Safety
    /// `block` is a new block for so many.
    pub unsafe fn begin(block: *mut u8, log: u32) -> Self {
        let len = 1 << log;
        // SAFETY: the caller's promise.
        unsafe {
            block.cast::<NodesHead>().write(NodesHead { mask: len - 1, last_free: Cell::new(len) });
            let first = block.add(NODES_HEAD).cast::<Node>();
            for i in 0..len as usize {
                first.add(i).write(Node::free());
            }
            Self(first)
        }
    }

    /// The block and its size, unless it is the shared empty part.
    pub fn block(self) -> Option<(*mut u8, usize)> {
        if self.is_empty() {
            return None;
        }
        Some((self.0.cast::<u8>().wrapping_sub(NODES_HEAD), NODES_HEAD + self.len() * size_of::<Node>()))
    }

    /// The first node.
    #[inline(always)]
    pub(crate) fn first(self) -> *mut Node {
        self.0
    }

    #[inline(always)]
    pub fn head(&self) -> &NodesHead {
        // SAFETY: T1: the head lies before the first node.
        unsafe { &*self.0.cast::<NodesHead>().sub(1) }
    }

    /// The number of nodes less one.
    #[inline(always)]
    pub fn mask(self) -> u32 {
        self.head().mask
    }

    /// Whether this is the shared empty part.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        core::ptr::eq(self.0, Table::empty_node())
    }

    /// The number of nodes that belong to the part: 0 for the shared empty one.
    pub fn len(self) -> usize {
        if self.is_empty() { 0 } else { self.mask() as usize + 1 }
    }

    /// The node where a key belongs.
    ///
    /// # Safety
    /// As for [`position`].
    #[inline(always)]
    pub(crate) unsafe fn main_position(self, key: TValue) -> *mut Node {
        // SAFETY: the caller's promise.
        self.0.wrapping_add(unsafe { position(key, self.mask()) })
    }

    fn take_free(self) -> *mut Node {
        let last_free = &self.head().last_free;
        while last_free.get() > 0 {
            last_free.set(last_free.get() - 1);
            let node = self.0.wrapping_add(last_free.get() as usize);
            // SAFETY: T1: a node of the part.
            if unsafe { (*node).key_tag.get() } == tag::NIL {
                return node;
            }
        }
        core::ptr::null_mut()
    }

    /// The first node of a list without a value, made part of the chain; null if there is none.
    ///
    /// # Safety
    /// The part is not the shared empty one and has at most [`LISTED`] nodes.
    #[inline(always)]
    pub(super) unsafe fn vacancy(self) -> *mut Node {
        // SAFETY: T1; T2: what has a key is on the chain already, and stays in its place there.
        unsafe {
            for i in 0..=self.mask() as usize {
                let node = self.0.add(i);
                if (*node).value_tag.get() == tag::NIL {
                    if i > 0 && (*node).key_tag.get() == tag::NIL {
                        link_second(&*self.0, &*node);
                    }
                    return node;
                }
            }
        }
        core::ptr::null_mut()
    }

    /// Enters a key that is absent. Returns false if there is no free node.
    ///
    /// If the key's main position is taken by a key that is not in its own main position, that one moves to a free
    /// node; otherwise the new key takes the free node.
    ///
    /// # Safety
    /// `key` follows T3, and it and all keys with values are live (V1).
    #[doc(alias = "luaH_newkey")]
    pub unsafe fn insert(self, key: TValue, value: TValue) -> bool {
        if self.is_empty() {
            return false;
        }
        if self.mask() < LISTED {
            // SAFETY: T2: the part is not the empty one, and a list, as has just been seen.
            let node = unsafe { self.vacancy() };
            if node.is_null() {
                return false;
            }
            // SAFETY: T1.
            unsafe {
                (*node).set_key(key);
                (*node).set_value(value);
            }
            return true;
        }
        // SAFETY: T1 and T2: all pointers made from links stay within the part; V1 by the caller's promise.
        unsafe {
            let mut place = &*self.main_position(key);
            if !place.value().is_nil() {
                let free = self.take_free();
                if free.is_null() {
                    return false;
                }
                let free = &*free;
                let other = self.main_position(place.key());
                if core::ptr::eq(other, place) {
                    // The colliding key is at home: the new one goes to the free node.
                    link_second(place, free);
                    place = free;
                } else {
                    evict(&*other, place, free);
                }
            }
            place.set_key(key);
            place.set_value(value);
        }
        true
    }
}

/// How many nodes `to` lies after `from`.
///
/// # Safety
/// Both are nodes of one part.
unsafe fn distance(from: *const Node, to: *const Node) -> i32 {
    // SAFETY: T1: both are in one block.
    unsafe { to.offset_from(from) as i32 }
}

/// Makes a free node the second of a chain.
///
/// # Safety
/// T2 holds; both are nodes of one part, and `first` is the beginning of a chain.
#[inline(always)]
unsafe fn link_second(first: &Node, free: &Node) {
    let next = first.next.get();
    // SAFETY: the caller's promise.
    let step = unsafe { distance(first, free) };
    free.next.set(if next == 0 { 0 } else { next - step });
    first.next.set(step);
}

/// Moves what is in `place` to `free`; its chain begins at `first`.
///
/// # Safety
/// T2 holds; all three are nodes of one part.
unsafe fn evict(first: &Node, place: &Node, free: &Node) {
    // SAFETY: T2: the chain leads to `place`.
    unsafe {
        let mut before = first;
        loop {
            let next = &*core::ptr::from_ref(before).wrapping_offset(before.next.get() as isize);
            if core::ptr::eq(next, place) {
                break;
            }
            before = next;
        }
        before.next.set(distance(before, free));
        free.set_key(place.key());
        free.set_value(place.value());
        let next = place.next.get();
        free.next.set(if next == 0 { 0 } else { next + distance(free, place) });
        place.next.set(0);
    }
}
