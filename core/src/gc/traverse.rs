//! Traversal: marking what a gray object points to. Each function returns the measure of the work: the object's size, or what of it is looked at.

use core::mem::size_of;
use core::ptr;

use super::{Event, Heap};
use crate::object::{
    GcHeader, GcObject, GcRef, LocalVar, LuaClosure, LuaString, NativeClosure, Node, Proto, Table, Thread, UpvalDesc,
    opt_addr,
};
use crate::value::{TValue, tag};

/// Which side of a table is weak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weakness {
    Strong,
    Values,
    Keys,
    Both,
}

/// From how many elements and nodes on a table is traversed in slices, and from how many slots on a stack.
const LARGE: usize = 1024;
/// What it costs to come to a thread, beside its values.
const VISIT: usize = 256;
/// How many entries or slots a slice has.
const SLICE: usize = 256;
/// After so many new beginnings, a table is traversed at one go, lest a program that keeps moving its entries keeps the cycle from
/// its end.
const MOST_RESTARTS: u32 = 8;

/// Whether a table is so large that it is not traversed at one go.
#[inline(always)]
pub(super) fn is_large(table: &Table) -> bool {
    table.array_size() as usize + table.node_count() > LARGE
}

/// Lets go of the key of an empty entry if the key is white. The entry keeps its place in the chain (T4).
///
/// # Safety
/// The node is one of a live table's own, and its value is nil.
#[doc(alias = "removeentry")]
#[inline(always)]
pub(super) unsafe fn remove_entry(node: &Node) {
    let key = node.key();
    // SAFETY: V1: a key that is not yet dead is an object that has not been freed.
    if unsafe { super::barrier::is_white_value(key) } {
        node.key_tag.set(tag::DEAD);
    }
}

/// The nodes of a table; none if it has only the shared empty one, which must not be written.
#[inline(always)]
pub(super) fn nodes(table: &Table) -> &[Node] {
    if table.has_no_nodes() {
        return &[];
    }
    // SAFETY: T1.
    unsafe { core::slice::from_raw_parts(table.node_ptr(), table.node_count()) }
}

impl Heap {
    /// Which metamethod of this name the metatable has; nil if none, or if the names are not known yet.
    #[doc(alias = "gfasttm")]
    pub(super) fn metamethod(&self, metatable: Option<GcRef<Table>>, event: Event) -> TValue {
        let name = self.event_names[event as usize];
        let Some(metatable) = metatable else { return TValue::NIL };
        if name.is_null() || metatable.flags() & 1 << event as u8 != 0 {
            return TValue::NIL;
        }
        // SAFETY: the names are fixed short strings.
        let method = metatable.get_short(unsafe { GcRef::from_ptr(name) });
        if method.is_nil() {
            metatable.set_absent(event as u8);
        }
        method
    }

    /// What `__mode` says about the table.
    pub(super) fn weakness(&self, table: &Table) -> Weakness {
        let metatable = table.metatable();
        if metatable.is_none() {
            return Weakness::Strong;
        }
        // SAFETY: a field of a live table is live.
        let Some(mode) = (unsafe { self.metamethod(metatable, Event::Mode).get::<LuaString>() }) else {
            return Weakness::Strong;
        };
        // As in C, the text ends at the first NUL.
        let text = mode.as_bytes().split(|&b| b == 0).next().unwrap_or_default();
        match (text.contains(&b'k'), text.contains(&b'v')) {
            (false, false) => Weakness::Strong,
            (false, true) => Weakness::Values,
            (true, false) => Weakness::Keys,
            (true, true) => Weakness::Both,
        }
    }

    /// Traverses a table and makes it black (a weak or large one stays gray for now, in another list).
    ///
    /// # Safety
    /// The table is live and just left the gray list.
    #[doc(alias = "traversetable")]
    #[inline]
    pub(super) unsafe fn traverse_table(&mut self, table: &Table) -> usize {
        debug_assert!(table.header().is_gray());
        if is_large(table) {
            table.gclist.set(self.large);
            self.large = ptr::from_ref(table).cast_mut().cast();
            return size_of::<Table>();
        }
        table.header().make_black();
        // SAFETY: G1: what a live table points to is live.
        unsafe {
            if let Some(metatable) = table.metatable() {
                self.mark_object(metatable.as_header());
                match self.weakness(table) {
                    Weakness::Strong => self.traverse_strong(table),
                    weakness => self.traverse_weak(table, weakness),
                }
            } else {
                self.traverse_strong(table);
            }
        }
        table_size(table)
    }

    /// Takes the first one of the large tables and stacks, to be traversed in slices. A stack that is in use again is traversed at one
    /// go.
    ///
    /// # Safety
    /// There is one; none is being traversed.
    pub(super) unsafe fn begin_large(&mut self) {
        let object = self.large;
        // SAFETY: G4: the list holds live tables and threads; O1; G1.
        unsafe {
            if (*object).tag() == tag::THREAD {
                let thread = GcRef::from_ptr(object.cast::<Thread>());
                self.large = thread.gclist.get();
                return self.begin_large_stack(thread);
            }
            let table = &*object.cast::<Table>();
            self.large = table.gclist.get();
            table.header().make_black();
            self.mark_optional(opt_addr(table.metatable()));
            let weakness = self.weakness(table);
            if weakness != Weakness::Strong {
                self.traverse_weak(table, weakness);
                self.traversed += if self.in_atomic { table_size(table) } else { size_of::<Table>() };
                return;
            }
        }
        self.begin_slices(object);
    }

    /// Begins to traverse an object in slices.
    pub(super) fn begin_slices(&mut self, object: *mut GcHeader) {
        self.partial = object;
        self.partial_at = 0;
        self.restarts = 0;
        self.chased = TValue::NIL;
    }

    /// Traverses some entries of the table, or slots of the stack, that is traversed in slices.
    ///
    /// # Safety
    /// There is one.
    pub(super) unsafe fn traverse_slice(&mut self) {
        let slice = if self.restarts > MOST_RESTARTS { usize::MAX } else { SLICE };
        // SAFETY: G3: the table or thread is live; O1; G1: so is what it points to; T1.
        unsafe {
            if (*self.partial).tag() == tag::THREAD {
                return self.traverse_slots(GcRef::from_ptr(self.partial.cast()));
            }
            let table = &*self.partial.cast::<Table>();
            if !self.chase(table, slice) {
                return;
            }
            let (elements, nodes) = (table.array_size() as usize, nodes(table));
            let mut end = (elements + nodes.len()).min(self.partial_at.saturating_add(slice));
            let from_nodes = self.partial_at.max(elements);
            let weakness = self.weakness(table);
            if self.partial_at == 0 {
                self.partial_is_undecided = false;
                table.header().set_has_weak_values(true);
            }
            if weakness != Weakness::Values {
                table.header().set_has_weak_values(false);
            }
            if self.partial_at == 0 && elements > 0 {
                table.element_skip(0).set(0);
                self.partial_last = 0;
            }
            let has_weak_elements = matches!(weakness, Weakness::Values | Weakness::Both);
            for i in self.partial_at..end.min(elements) {
                let value = *table.array_ptr().add(i);
                if !has_weak_elements {
                    self.mark_value(value);
                } else if self.is_cleared(value) {
                    self.add_undecided(i, |i| table.element_skip(i));
                }
                self.traversed += size_of::<TValue>();
            }
            if self.partial_at <= elements && end > elements {
                nodes[0].skip.set(0);
                self.partial_last = 0;
            }
            for i in from_nodes - elements..end.max(elements) - elements {
                self.traversed += size_of::<Node>();
                if weakness == Weakness::Strong {
                    self.traverse_node(&nodes[i]);
                } else if self.traverse_weak_node(&nodes[i], weakness) {
                    self.add_undecided(i, |i| &nodes[i].skip);
                } else if !self.chased.is_nil() && !self.chase(table, slice) {
                    end = elements + i + 1;
                    break;
                }
            }
            self.partial_at = end;
            if end == elements + nodes.len() {
                self.partial = ptr::null_mut();
                if self.partial_is_undecided {
                    table.gclist.set(self.undecided);
                    self.undecided = ptr::from_ref(table).cast_mut().cast();
                }
            }
        }
    }

    /// Marks a node's key and value, if it has one.
    ///
    /// # Safety
    /// It is a node of a live table.
    #[inline(always)]
    unsafe fn traverse_node(&mut self, node: &Node) {
        // SAFETY: G1: what a live table points to is live.
        unsafe {
            if node.value_tag.get() == tag::NIL {
                remove_entry(node);
            } else {
                self.mark_value(node.key());
                self.mark_value(node.value());
            }
        }
    }

    /// Marks everything that a table refers to, but for its metatable.
    ///
    /// # Safety
    /// The table is live.
    unsafe fn traverse_strong(&mut self, table: &Table) {
        // SAFETY: G1: what a live table points to is live; T1: the array has `array_size` values.
        unsafe {
            let array = table.array_ptr();
            for i in 0..table.array_size() as usize {
                self.mark_value(*array.add(i));
            }
            for node in nodes(table) {
                self.traverse_node(node);
            }
        }
    }

    /// # Safety
    /// The closure is live and just left the gray list.
    #[doc(alias = "traverseLclosure")]
    pub(super) unsafe fn traverse_lua_closure(&mut self, closure: &LuaClosure) -> usize {
        // SAFETY: G1; F1: once there is code, the prototype is known; F3.
        unsafe {
            if !closure.code().is_null() {
                self.mark_object(closure.proto().as_header());
            }
            for i in 0..closure.num_upvalues() {
                if let Some(upval) = closure.upval(i) {
                    self.mark_object(upval.as_header());
                }
            }
        }
        closure.size()
    }

    /// # Safety
    /// The closure is live and just left the gray list.
    #[doc(alias = "traverseCclosure")]
    pub(super) unsafe fn traverse_native_closure(&mut self, closure: &NativeClosure) -> usize {
        for i in 0..closure.num_upvalues() {
            // SAFETY: G1: what a live closure points to is live.
            unsafe { self.mark_value(*closure.upvalue_slot(i)) };
        }
        closure.size()
    }

    /// The arrays of a prototype under construction may have entries that are nil or null.
    ///
    /// # Safety
    /// The prototype is live and just left the gray list.
    #[doc(alias = "traverseproto")]
    pub(super) unsafe fn traverse_proto(&mut self, proto: &Proto) -> usize {
        // SAFETY: G1: what a live prototype points to is live; the cache is null or was reachable when it was set,
        // and is cleared here before the closure can be freed.
        unsafe {
            let cache = proto.cache.get();
            if !cache.is_null() && (*cache).header().is_white() {
                proto.cache.set(ptr::null_mut());
            }
            self.mark_optional(proto.source.get());
            for &constant in proto.constants_slice() {
                self.mark_value(constant);
            }
            for upvalue in proto.upvalues_slice() {
                self.mark_optional(upvalue.name);
            }
            for &inner in proto.protos_slice() {
                self.mark_optional(inner);
            }
            for local in proto.locals_slice() {
                self.mark_optional(local.name);
            }
        }
        proto_size(proto)
    }

    /// Traverses a thread. A coroutine that has yielded becomes black, if nobody can touch its stack unnoticed (G11); a large stack is
    /// left to be traversed in slices. All others stay gray, for the atomic phase to look at again.
    ///
    /// # Safety
    /// The thread is live and just left the gray list.
    pub(super) unsafe fn visit_thread(&mut self, thread: GcRef<Thread>) -> usize {
        let settles = !self.in_atomic && self.can_settle(&thread);
        // SAFETY: by the caller's promise.
        unsafe {
            if settles {
                if !self.emergency {
                    self.shrink_stack(thread);
                }
                if thread.stack_size.get() > LARGE {
                    thread.header().make_gray();
                    thread.gclist.set(self.large);
                    self.large = thread.as_header();
                    return VISIT;
                }
                thread.header().make_black();
            } else {
                thread.header().make_gray();
                if !self.in_atomic {
                    thread.gclist.set(self.gray_again);
                    self.gray_again = thread.as_header();
                }
            }
            self.traverse_thread(thread, settles)
        }
    }

    /// Marks the slots in use and the open upvalues. If the thread settles and in the atomic phase the other slots become nil (H3),
    /// since from now on what they point to may be freed. Else the stack may be shrunk, but not by an emergency collection,
    /// which can happen while pointers into it are held.
    ///
    /// # Safety
    /// The thread is live.
    #[doc(alias = "traversethread")]
    unsafe fn traverse_thread(&mut self, thread: GcRef<Thread>, settles: bool) -> usize {
        let mut slot = thread.stack.get();
        if slot.is_null() {
            return 1;
        }
        // SAFETY: H1: all slots are initialised, and those below `top` are live.
        unsafe {
            let top = thread.top.get();
            while slot < top {
                self.mark_value(*slot);
                slot = slot.add(1);
            }
            self.mark_open_upvalues(thread, settles);
            if self.in_atomic || settles {
                let end = thread.stack.get().add(thread.stack_size.get());
                while slot < end {
                    slot.write(TValue::NIL);
                    slot = slot.add(1);
                }
            } else if !self.emergency {
                self.shrink_stack(thread);
            }
        }
        VISIT + thread.save(thread.top.get())
    }

    /// Marks the open upvalues of a thread; those of one that settles become black (G11).
    ///
    /// # Safety
    /// The thread is live.
    unsafe fn mark_open_upvalues(&mut self, thread: GcRef<Thread>, settles: bool) {
        let mut upval = thread.open_upvals.get();
        while !upval.is_null() {
            // SAFETY: H6: the list holds live open upvalues (G7).
            unsafe {
                self.mark_object(upval.cast());
                if settles {
                    (*upval).header().make_black();
                }
                upval = (*upval).open_next();
            }
        }
    }

    /// Begins with a large stack, unless it is in use again.
    ///
    /// # Safety
    /// The thread is live and just left the list of large objects; nothing is being traversed in slices.
    unsafe fn begin_large_stack(&mut self, thread: GcRef<Thread>) {
        if self.in_atomic || !self.can_settle(&thread) {
            // SAFETY: the caller's promise.
            self.traversed += unsafe { self.visit_thread(thread) };
            return;
        }
        thread.header().make_black();
        // SAFETY: the caller's promise.
        unsafe { self.mark_open_upvalues(thread, true) };
        self.begin_slices(thread.as_header());
    }

    /// Does a slice of what [`Self::traverse_thread`] does for a thread that settles.
    ///
    /// # Safety
    /// The thread is `partial`.
    unsafe fn traverse_slots(&mut self, thread: GcRef<Thread>) {
        let slots = thread.stack_size.get();
        let end = slots.min(self.partial_at + SLICE);
        let top = thread.top.get();
        // SAFETY: H1: all slots are initialised, and those below `top` are live.
        unsafe {
            for i in self.partial_at..end {
                let slot = thread.stack.get().add(i);
                if slot < top { self.mark_value(*slot) } else { slot.write(TValue::NIL) }
            }
            self.traversed += SLICE * size_of::<TValue>();
            self.partial_at = end;
            if end == slots {
                self.partial = ptr::null_mut();
            }
        }
    }
}

impl Heap {
    /// Whether nobody touches the thread's stack before it is woken (G11).
    pub(super) fn can_settle(&self, thread: &Thread) -> bool {
        // Of the threads whose code is the host's, only the main one is not exposed.
        let is_idle = || {
            thread.status.get() == 0
                && ptr::eq(thread.ci.get(), &raw const thread.base_ci)
                && !ptr::eq(thread, self.main_thread)
                && !ptr::eq(thread, self.running_thread)
        };
        !thread.exposed.get() && (thread.status.get() == Thread::YIELDED || is_idle())
    }
}

/// The size of a table with its parts.
#[inline(always)]
pub(super) fn table_size(table: &Table) -> usize {
    let nodes = table.nodes().block().map_or(0, |(_, size)| size);
    size_of::<Table>() + table.array_size() as usize * size_of::<TValue>() + nodes
}

/// The size of a prototype with its arrays.
pub(super) fn proto_size(proto: &Proto) -> usize {
    size_of::<Proto>()
        + code_block_size(proto)
        + proto.constants_len.get() as usize * size_of::<TValue>()
        + proto.protos_len.get() as usize * size_of::<*mut Proto>()
        + proto.lines_len.get() as usize * size_of::<i32>()
        + proto.locals_len.get() as usize * size_of::<LocalVar>()
        + proto.upvalues_len.get() as usize * size_of::<UpvalDesc>()
}

/// The size of the block that holds a prototype's code and the words before it (F1).
pub(super) fn code_block_size(proto: &Proto) -> usize {
    if proto.code.get().is_null() { 0 } else { (crate::code::CODE_PREFIX + proto.code_len.get() as usize) * 8 }
}
