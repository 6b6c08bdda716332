//! The heap checker: walks everything and panics where an invariant does not hold. For tests and for `--cfg gc_zeal`.

use core::ptr;

use super::Heap;
use super::color::SEEN;
use super::traverse::{nodes, proto_size, table_size};
use crate::base::limits::MAX_SHORT_LEN;
use crate::object::{
    CallInfo, GcHeader, GcObject, GcRef, LuaClosure, LuaString, NativeClosure, Proto, Table, Thread, UpVal, Userdata,
};
use crate::value::{TValue, tag};

/// Panics with the object's tag, colour bits and address unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $object:expr, $($text:tt)*) => {
        if !$condition {
            let header: &GcHeader = $object;
            panic!(
                "heap check: {} (object {:p}, tag {:#x}, marked {:#x})",
                format_args!($($text)*), header, header.tag(), header.marked.get()
            );
        }
    };
}

/// The objects of a list through `header.next`.
///
/// # Safety
/// The list is sound.
unsafe fn each<'a>(mut list: *mut GcHeader) -> impl Iterator<Item = &'a GcHeader> {
    core::iter::from_fn(move || {
        // SAFETY: by the caller's promise.
        let object = unsafe { list.as_ref() }?;
        list = object.next.get();
        Some(object)
    })
}

/// The open upvalues of a thread.
///
/// # Safety
/// The thread is live.
unsafe fn each_open<'a>(thread: &Thread) -> impl Iterator<Item = &'a UpVal> {
    let mut next = thread.open_upvals.get();
    core::iter::from_fn(move || {
        // SAFETY: H6, by the caller's promise.
        let upval = unsafe { next.as_ref() }?;
        next = upval.open_next();
        Some(upval)
    })
}

/// The object as a `T`.
///
/// # Safety
/// The tag is one of `T`'s (O1).
unsafe fn cast<T: GcObject>(object: &GcHeader) -> &T {
    debug_assert!(T::is_tag(object.tag()));
    // SAFETY: O1; the header comes from a pointer to the whole object.
    unsafe { &*ptr::from_ref(object).cast::<T>() }
}

impl Heap {
    /// Checks the whole heap: lists, colours, string table, stacks, tables, references, and that the objects do not
    /// hold more memory than is accounted for.
    ///
    /// # Panics
    /// If an invariant does not hold. The heap is not usable afterwards.
    ///
    /// # Safety
    /// The heap is sound as far as that the pointers in it can be followed.
    pub unsafe fn check(&self) {
        // SAFETY: by the caller's promise.
        unsafe {
            let strings = self.check_buckets();
            let grays = if self.must_keep_invariant() { self.check_gray_lists() } else { 0 };
            let open = self.check_threads();
            let mut found = Found::default();
            for (list, kind) in self.lists() {
                for object in each(list) {
                    self.check_membership(object, kind, &mut found);
                    self.check_object(object);
                }
            }
            assert!(
                found.strings == strings,
                "heap check: {strings} interned strings, {} of them in lists",
                found.strings
            );
            assert!(
                found.grays == grays,
                "heap check: {grays} objects in gray lists, {} of them in lists",
                found.grays
            );
            assert!(found.open == open, "heap check: {open} open upvalues in threads, {} of them in lists", found.open);
            let (sum, total) = (self.object_bytes(), self.total_bytes());
            assert!(sum <= total, "heap check: objects hold {sum} bytes, but only {total} are accounted for");
        }
    }

    /// The sum of the sizes of all blocks that belong to objects, of the string table, and of the spare stacks. It equals `total_bytes`
    /// unless somebody holds further blocks of the heap.
    ///
    /// # Safety
    /// The heap is sound.
    pub unsafe fn object_bytes(&self) -> usize {
        // SAFETY: by the caller's promise.
        let doomed = unsafe { each(self.doomed).map(|object| object_size(object)).sum::<usize>() };
        let mut sum = self.bucket_room * size_of::<*mut LuaString>() + self.spare_stack_bytes() + doomed;
        sum += self.retired_frame_count() * size_of::<CallInfo>();
        for (list, _) in self.lists() {
            // SAFETY: by the caller's promise.
            sum += unsafe { each(list).map(|object| object_size(object)).sum::<usize>() };
        }
        sum
    }

    /// How many objects there are, dead ones not yet swept included.
    ///
    /// # Safety
    /// The heap is sound.
    pub unsafe fn object_count(&self) -> usize {
        // SAFETY: by the caller's promise.
        self.lists().into_iter().map(|(list, _)| unsafe { each(list).count() }).sum()
    }

    fn lists(&self) -> [(*mut GcHeader, List); 4] {
        [
            (self.all, List::All),
            (self.finalizable, List::Finalizable),
            (self.pending, List::Pending),
            (self.fixed, List::Fixed),
        ]
    }

    /// Marks every interned string as seen, and returns their number.
    ///
    /// # Safety
    /// The heap is sound as far as [`Self::check`] asks.
    unsafe fn check_buckets(&self) -> usize {
        let mut count = 0;
        for i in 0..self.bucket_count {
            // SAFETY: there are that many buckets; S1.
            let mut next = unsafe { *self.buckets.add(i) };
            while !next.is_null() {
                // SAFETY: the buckets hold strings that have not been freed.
                let string = unsafe { GcRef::from_ptr(next) };
                let header = string.header();
                ensure!(header.tag() == tag::SHORT_STRING, header, "S1: in a bucket, but not a short string");
                ensure!(self.bucket_index(string.hash_field()) == i, header, "S1: in the wrong bucket");
                ensure!(header.marked.get() & SEEN == 0, header, "S1: in a bucket twice");
                header.marked.set(header.marked.get() | SEEN);
                count += 1;
                next = string.bucket_next();
            }
        }
        assert!(count == self.short_strings, "heap check: {count} interned strings, {} counted", self.short_strings);
        count
    }

    /// Marks every object of a gray list as seen, and returns their number.
    ///
    /// # Safety
    /// As for [`Self::check`], and the phase is one in which gray lists are kept (G4).
    unsafe fn check_gray_lists(&self) -> usize {
        let mut count = 0;
        let lists = [
            self.gray,
            self.large,
            self.waiting_weak,
            self.touched,
            self.gray_again,
            self.weak,
            self.ephemeron,
            self.all_weak,
        ];
        for list in lists {
            let mut next = list;
            while !next.is_null() {
                // SAFETY: G4.
                unsafe {
                    let object = &*next;
                    ensure!(object.is_gray(), object, "G4: in a gray list, but not gray");
                    ensure!(object.marked.get() & SEEN == 0, object, "G4: in a gray list twice");
                    object.marked.set(object.marked.get() | SEEN);
                    next = match object.tag() {
                        tag::TABLE => cast::<Table>(object).gclist.get(),
                        tag::LUA_CLOSURE => cast::<LuaClosure>(object).gclist.get(),
                        tag::NATIVE_CLOSURE => cast::<NativeClosure>(object).gclist.get(),
                        tag::PROTO => cast::<Proto>(object).gclist.get(),
                        tag::THREAD => cast::<Thread>(object).gclist.get(),
                        _ => {
                            ensure!(false, object, "G4: in a gray list, but of a type that has none");
                            return count;
                        }
                    };
                }
                count += 1;
            }
        }
        count
    }

    /// Checks the threads' lists of open upvalues, marks these as seen, and returns their number.
    ///
    /// # Safety
    /// As for [`Self::check`].
    unsafe fn check_threads(&self) -> usize {
        let mut count = 0;
        // SAFETY: the lists are sound.
        for object in self.lists().into_iter().flat_map(|(list, _)| unsafe { each(list) }) {
            if object.tag() != tag::THREAD {
                continue;
            }
            // SAFETY: the tag was just checked; H6.
            unsafe {
                let thread = cast::<Thread>(object);
                if thread.open_upvals.get().is_null() {
                    continue;
                }
                ensure!(!self.is_dead(object), object, "G7: a dead thread has open upvalues");
                ensure!(!ptr::eq(thread.twups.get(), thread), object, "G7: open upvalues, but not in twups");
                let mut above = thread.stack.get().wrapping_add(thread.stack_size.get());
                for upval in each_open(thread) {
                    let header = upval.header();
                    ensure!(upval.is_open() && header.tag() == tag::UPVAL, header, "H6: not an open upvalue");
                    ensure!(upval.v.get() < above && upval.v.get() >= thread.stack.get(), header, "H6: out of order");
                    ensure!(!self.is_dead(header), header, "G7: an open upvalue is dead");
                    let is_settled = object.is_black() && self.must_keep_invariant();
                    ensure!(
                        !self.must_keep_invariant() || header.is_black() == is_settled,
                        header,
                        "G11: an open upvalue's colour"
                    );
                    ensure!(header.marked.get() & SEEN == 0, header, "H6: in two lists of open upvalues");
                    header.marked.set(header.marked.get() | SEEN);
                    above = upval.v.get();
                    count += 1;
                }
                check_variables(thread);
            }
        }
        count
    }

    /// Checks that the object may be in this list, and that it was seen where its kind requires it; counts it there.
    ///
    /// # Safety
    /// As for [`Self::check`]; the object is in the list.
    unsafe fn check_membership(&self, object: &GcHeader, list: List, found: &mut Found) {
        let seen = object.marked.get() & SEEN != 0;
        object.marked.set(object.marked.get() & !SEEN);
        ensure!((tag::SHORT_STRING..=tag::UPVAL).contains(&object.tag()), object, "O1: not a tag of an object");
        let finalizable = matches!(list, List::Finalizable | List::Pending);
        ensure!(object.has_finalizer() == finalizable, object, "G2: finalizer bit wrong for the list {list:?}");
        if list == List::Fixed {
            ensure!(object.is_gray(), object, "G2: fixed, but not gray");
        } else if !self.is_sweeping() && !self.is_resurrecting() {
            ensure!(!self.is_dead(object), object, "G5: dead, but no sweep is under way");
            ensure!(self.must_keep_invariant() || object.is_white(), object, "G5: not white between two cycles");
        }
        // SAFETY: the tag was checked.
        unsafe {
            match object.tag() {
                tag::SHORT_STRING => {
                    ensure!(seen, object, "S1: a short string in no bucket");
                    found.strings += 1;
                }
                tag::LONG_STRING => {}
                tag::UPVAL => {
                    let open = cast::<UpVal>(object).is_open() && !self.is_dead(object);
                    ensure!(seen == open, object, "G7: seen as open: {seen}, open: {open}");
                    found.open += seen as usize;
                }
                tag::USERDATA => {}
                _ => {
                    let gray = self.must_keep_invariant() && object.is_gray();
                    ensure!(seen == gray, object, "G4: in a gray list: {seen}, gray: {gray}");
                    found.grays += seen as usize;
                }
            }
        }
    }

    /// Checks one reference of a live object.
    ///
    /// # Safety
    /// `target` is null or points to an object that has not been freed.
    unsafe fn check_target(&self, owner: &GcHeader, target: *const GcHeader, target_tag: u8) {
        ensure!(!target.is_null(), owner, "V1: a null reference of tag {target_tag:#x}");
        // SAFETY: V1.
        let target = unsafe { &*target };
        ensure!(target.tag() == target_tag, owner, "V1: tag {target_tag:#x} refers to tag {:#x}", target.tag());
        let may_be_dead = self.is_resurrecting() && (owner.is_gray() || ptr::eq(self.partial, owner));
        ensure!(may_be_dead || !self.is_dead(target), owner, "G5: refers to a dead object of tag {target_tag:#x}");
        if self.must_keep_invariant() && owner.is_black() {
            ensure!(!target.is_white(), owner, "G3: a black object refers to a white one of tag {target_tag:#x}");
        }
    }

    /// Checks one value of a live object.
    ///
    /// # Safety
    /// As for `check_target`.
    unsafe fn check_value(&self, owner: &GcHeader, value: TValue) {
        if value.is_collectable() {
            // SAFETY: V1.
            unsafe { self.check_target(owner, value.header(), value.tag()) };
        } else {
            let is_plain = value.tag() < tag::DEAD || value.tag() == tag::QUICK_NATIVE;
            ensure!(is_plain, owner, "V1: a value with tag {:#x}", value.tag());
        }
    }

    /// Checks one reference of a live object, which may be null.
    ///
    /// # Safety
    /// As for `check_target`.
    unsafe fn check_optional<T: GcObject>(&self, owner: &GcHeader, target: *const T) {
        // SAFETY: the target is null or an object.
        unsafe {
            if let Some(object) = target.as_ref() {
                ensure!(T::is_tag(object.header().tag()), owner, "O1: refers to tag {:#x}", object.header().tag());
                self.check_target(owner, object.header(), object.header().tag());
            }
        }
    }

    /// Checks what a live object refers to, and its shape.
    ///
    /// # Safety
    /// The object is in a list of this heap and its tag is sound.
    unsafe fn check_object(&self, object: &GcHeader) {
        if self.is_dead(object) {
            return;
        }
        // SAFETY: the tag was checked; the object is live.
        unsafe {
            match object.tag() {
                tag::SHORT_STRING | tag::LONG_STRING => check_string(cast(object)),
                tag::TABLE => self.check_table(cast(object)),
                tag::LUA_CLOSURE => {
                    let closure = cast::<LuaClosure>(object);
                    if !closure.code().is_null() {
                        self.check_target(object, closure.proto().as_header(), tag::PROTO);
                    }
                    for i in 0..closure.num_upvalues() {
                        self.check_optional(object, *closure.upval_slot(i));
                    }
                }
                tag::NATIVE_CLOSURE => {
                    let closure = cast::<NativeClosure>(object);
                    for i in 0..closure.num_upvalues() {
                        self.check_value(object, *closure.upvalue_slot(i));
                    }
                }
                tag::USERDATA => {
                    let userdata = cast::<Userdata>(object);
                    self.check_optional(object, crate::object::opt_addr(userdata.metatable()));
                    self.check_value(object, userdata.user_value());
                }
                tag::THREAD => self.check_thread(cast(object)),
                tag::PROTO => self.check_proto(cast(object)),
                _ => self.check_upval(cast(object)),
            }
        }
    }

    /// A closed upvalue that has been reached is as good as black, whichever colour it has.
    ///
    /// # Safety
    /// The upvalue is live.
    unsafe fn check_upval(&self, upval: &UpVal) {
        let header = upval.header();
        let value = upval.value();
        // SAFETY: F2; V1.
        unsafe {
            self.check_value(header, value);
            if !upval.is_open() && self.must_keep_invariant() && !header.is_white() && value.is_collectable() {
                ensure!(!(*value.header()).is_white(), header, "G3: a closed upvalue has a white value");
            }
        }
    }

    /// # Safety
    /// The table is live.
    unsafe fn check_table(&self, table: &Table) {
        let header = table.header();
        ensure!(table.array_ptr().is_null() == (table.array_size() == 0), header, "T1: array part");
        let count = table.node_count();
        ensure!(
            count.is_power_of_two() && table.small_mask() as usize == (count - 1).min(255),
            header,
            "T1: hash part"
        );
        let is_partial = ptr::eq(self.partial, header);
        ensure!(!is_partial || header.is_black(), header, "G3: traversed in slices, but not black");
        // What the collector has looked at already, all but in one table, must not refer to white objects (G3).
        let looked_at = if is_partial { self.partial_at } else { usize::MAX };
        let stranger = GcHeader::new(tag::TABLE, 0);
        let owner = |entry: usize| if entry < looked_at { header } else { &stranger };
        let elements = table.array_size() as usize;
        // Of undecided tables, an element or node that `skip` leads to may refer to white objects (G12).
        let has_undecided = if is_partial { self.partial_at > 0 } else { self.is_undecided(table) };
        let first_undecided = if has_undecided { 0 } else { usize::MAX };
        let mut undecided = first_undecided;
        // SAFETY: T1; V1.
        unsafe {
            self.check_optional(header, crate::object::opt_addr(table.metatable()));
            for i in 0..elements {
                let may_be_white = i == undecided;
                if may_be_white {
                    let skip = table.element_skip(i).get() as usize;
                    undecided = if skip == 0 { usize::MAX } else { i + skip };
                }
                self.check_value(if may_be_white { &stranger } else { owner(i) }, *table.array_ptr().add(i));
            }
        }
        let nodes = nodes(table);
        let mut undecided = first_undecided;
        for (i, node) in nodes.iter().enumerate() {
            let may_be_white = i == undecided;
            if may_be_white {
                undecided = if node.skip.get() == 0 { usize::MAX } else { i + node.skip.get() as usize };
            }
            let (key, value) = (node.key(), node.value());
            let next = i as i64 + node.next.get() as i64;
            ensure!((0..nodes.len() as i64).contains(&next), header, "T2: a chain leaves the hash part");
            if value.is_nil() {
                continue;
            }
            ensure!(!matches!(key.tag(), tag::NIL | tag::DEAD), header, "T4: an entry without key has a value");
            ensure!(key.as_float().is_none_or(|n| !n.is_nan()), header, "T3: a key is not a number");
            // SAFETY: V1.
            unsafe {
                let owner = if may_be_white { &stranger } else { owner(elements + i) };
                self.check_value(owner, key);
                self.check_value(owner, value);
            }
        }
    }

    /// Whether the table is in the list of those with undecided entries.
    fn is_undecided(&self, table: &Table) -> bool {
        let mut next = self.undecided;
        while !next.is_null() && !ptr::eq(next.cast(), table) {
            // SAFETY: G12: the list holds live tables.
            next = unsafe { (*next.cast::<Table>()).gclist.get() };
        }
        !next.is_null()
    }

    /// # Safety
    /// The prototype is live.
    unsafe fn check_proto(&self, proto: &Proto) {
        let header = proto.header();
        // SAFETY: the arrays describe blocks of the heap; V1.
        unsafe {
            self.check_optional(header, proto.source.get());
            self.check_optional(header, proto.cache.get());
            for &constant in proto.constants_slice() {
                self.check_value(header, constant);
            }
            for &inner in proto.protos_slice() {
                self.check_optional(header, inner);
            }
            for upvalue in proto.upvalues_slice() {
                self.check_optional(header, upvalue.name);
            }
            for local in proto.locals_slice() {
                self.check_optional(header, local.name);
            }
        }
    }

    /// # Safety
    /// The thread is live.
    unsafe fn check_thread(&self, thread: &Thread) {
        let header = thread.header();
        ensure!(
            !self.must_keep_invariant() || !header.is_black() || self.can_settle(thread),
            header,
            "G11: a black thread"
        );
        let (stack, size) = (thread.stack.get(), thread.stack_size.get());
        if stack.is_null() {
            return;
        }
        let end = stack.wrapping_add(size);
        ensure!(thread.top.get() >= stack && thread.top.get() <= end, header, "H2: top is outside the stack");
        let looked_at = if ptr::eq(self.partial, header) { self.partial_at } else { size };
        let stranger = GcHeader::new(tag::THREAD, 0);
        // SAFETY: H1, H4; V1.
        unsafe {
            let used = thread.top.get().offset_from_unsigned(stack);
            let is_settled = header.is_black() && self.must_keep_invariant();
            for i in 0..if is_settled { used.max(looked_at) } else { used } {
                let slot = stack.add(i);
                self.check_value(if i >= looked_at { &stranger } else { header }, *slot);
            }
            let base: *const CallInfo = &raw const thread.base_ci;
            let (mut frame, mut previous) = (base, ptr::null());
            let (mut count, mut running) = (0, false);
            while !frame.is_null() {
                ensure!(ptr::eq((*frame).prev.get(), previous), header, "H4: the frames' links do not match");
                if !running {
                    let (func, limit) = ((*frame).func.get(), (*frame).top.get());
                    // A Lua function that a hook suspends where it holds many results hides them, above its limit.
                    let own = func.wrapping_sub((*frame).hidden.get() as usize);
                    let is_inside = own >= stack && func < end && own <= limit && limit <= end;
                    ensure!(is_inside, header, "H5: a frame is outside the stack");
                }
                running |= ptr::eq(frame, thread.ci.get());
                count += 1;
                previous = frame;
                frame = (*frame).next.get();
            }
            ensure!(running, header, "H4: the running frame is not in the list");
            // A thread that has given its stack away has its slots where frames were.
            let own = if thread.has_stack_block() { 1 + Thread::FIRST_FRAMES as u32 } else { 1 };
            ensure!(count == thread.n_ci.get() + own, header, "H4: {count} frames, {} counted", thread.n_ci.get());
        }
    }
}

/// Checks that the open upvalues are variables of functions that have not ended.
///
/// # Safety
/// The thread is live, and its list of open upvalues is in order.
unsafe fn check_variables(thread: &Thread) {
    // SAFETY: H4; H6.
    unsafe {
        let mut frame: *const CallInfo = thread.ci.get();
        if ptr::eq(frame, &raw const thread.base_ci) {
            // What runs no functions opens upvalues of slots of its own.
            return;
        }
        let mut limit = (*frame).top.get();
        for upval in each_open(thread) {
            let slot = upval.v.get();
            let is_of = |frame: *const CallInfo| (*frame).is_lua() && slot >= (*frame).base();
            while !frame.is_null() && !is_of(frame) {
                limit = (*frame).func.get().wrapping_sub((*frame).hidden.get() as usize);
                frame = (*frame).prev.get();
            }
            let is_variable = !frame.is_null() && slot < limit;
            ensure!(is_variable, upval.header(), "H6: an open upvalue of a function that has ended");
        }
    }
}

fn check_string(string: &LuaString) {
    let header = string.header();
    // SAFETY: a NUL follows the bytes.
    let terminator = unsafe { *string.data().add(string.len()) };
    ensure!(terminator == 0, header, "S: no NUL at the end");
    ensure!(string.is_short() == (string.len() <= MAX_SHORT_LEN), header, "S1: length {}", string.len());
}

/// The bytes that the object holds, all its blocks together, as [`Heap::free_object`] will free them.
///
/// # Safety
/// The object is in a list of the heap.
unsafe fn object_size(object: &GcHeader) -> usize {
    // SAFETY: the tag tells the type (O1); the object has not been freed.
    unsafe {
        match object.tag() {
            tag::SHORT_STRING | tag::LONG_STRING => cast::<LuaString>(object).size(),
            tag::TABLE => table_size(cast(object)),
            tag::LUA_CLOSURE => cast::<LuaClosure>(object).size(),
            tag::NATIVE_CLOSURE => cast::<NativeClosure>(object).size(),
            tag::USERDATA => cast::<Userdata>(object).size(),
            tag::PROTO => proto_size(cast(object)),
            tag::UPVAL => size_of::<UpVal>(),
            _ => cast::<Thread>(object).block_bytes(),
        }
    }
}

/// The lists of G2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum List {
    All,
    Finalizable,
    Pending,
    Fixed,
}

/// How many of the objects seen elsewhere have been met in the lists.
#[derive(Default)]
struct Found {
    strings: usize,
    grays: usize,
    open: usize,
}
