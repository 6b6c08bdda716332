//! What tests of the whole system look at inside a heap: the string table, the shape of tables, the census of objects.
//!
//! Nothing here changes the heap, but that a string which was about to be swept comes back to life when it is looked at.

use crate::gc::Heap;
use crate::object::{GcHeader, GcObject, GcRef, LuaString, Proto, Table, Thread};
use crate::value::{LuaType, TValue, tag};

/// The type that an object's values have; `None` for prototypes and upvalues, which are no values.
fn type_of(object: &GcHeader) -> LuaType {
    match object.tag() {
        tag::SHORT_STRING | tag::LONG_STRING => LuaType::String,
        tag::TABLE => LuaType::Table,
        tag::LUA_CLOSURE | tag::NATIVE_CLOSURE => LuaType::Function,
        tag::USERDATA => LuaType::Userdata,
        tag::THREAD => LuaType::Thread,
        _ => LuaType::None,
    }
}

/// How many blocks an object consists of (see [`crate::heap`]).
///
/// # Safety
/// The object is in a list of the heap.
unsafe fn blocks_of(object: *const GcHeader) -> usize {
    // SAFETY: the tag tells the type (O1); the object has not been freed.
    unsafe {
        match (*object).tag() {
            tag::TABLE => {
                let table = &*object.cast::<Table>();
                1 + (table.array_size() > 0) as usize + !table.has_no_nodes() as usize
            }
            tag::PROTO => {
                let proto = &*object.cast::<Proto>();
                let lengths =
                    [&proto.constants_len, &proto.protos_len, &proto.lines_len, &proto.locals_len, &proto.upvalues_len];
                let arrays = lengths.iter().filter(|len| len.get() > 0).count();
                1 + !proto.code.get().is_null() as usize + arrays
            }
            tag::THREAD => {
                let thread = &*object.cast::<Thread>();
                1 + thread.has_stack_block() as usize + thread.n_ci.get() as usize
            }
            _ => 1,
        }
    }
}

impl Heap {
    /// Visits every object, dead ones that have not been swept included.
    fn each_object(&self, mut visit: impl FnMut(*const GcHeader)) {
        for list in [self.all, self.finalizable, self.pending, self.doomed, self.fixed] {
            let mut object = list;
            while !object.is_null() {
                visit(object);
                // SAFETY: G2: what is in a list has not been freed.
                object = unsafe { (*object).next.get() };
            }
        }
    }

    /// How many objects of a type there are, dead ones that have not been swept included.
    pub fn count_objects(&self, kind: LuaType) -> usize {
        let mut count = 0;
        // SAFETY: G2: the object has not been freed.
        self.each_object(|object| count += (unsafe { type_of(&*object) } == kind) as usize);
        count
    }

    /// How many blocks the objects and the string table consist of.
    pub fn count_blocks(&self) -> usize {
        let mut count = (self.bucket_count > 0) as usize + self.retired_frame_count();
        // SAFETY: G2: the object has not been freed.
        self.each_object(|object| count += unsafe { blocks_of(object) });
        count
    }

    /// The number of buckets of the string table, and of the strings in them.
    pub fn string_table_size(&self) -> (usize, usize) {
        (self.bucket_count, self.short_strings)
    }

    /// The `nth` string (from 0) of a bucket.
    pub fn string_in_bucket(&self, bucket: usize, nth: usize) -> Option<GcRef<LuaString>> {
        if bucket >= self.bucket_count {
            return None;
        }
        // SAFETY: S1: the buckets hold strings that have not been freed.
        unsafe {
            let mut string = *self.buckets.add(bucket);
            for _ in 0..nth {
                if string.is_null() {
                    return None;
                }
                string = GcRef::from_ptr(string).bucket_next();
            }
            if string.is_null() {
                return None;
            }
            let string = GcRef::from_ptr(string);
            if self.is_dead(string.header()) {
                self.revive(string.header());
            }
            Some(string)
        }
    }
}

impl Table {
    /// The index of the node where a key's chain begins.
    ///
    /// # Safety
    /// The key is live if it is collectable (V1), and follows T3.
    #[doc(alias = "luaH_mainposition")]
    pub unsafe fn main_index(&self, key: TValue) -> usize {
        let nodes = self.nodes();
        // SAFETY: the caller's promise; T1: both are in one block.
        unsafe { nodes.main_position(key).offset_from_unsigned(nodes.first()) }
    }

    /// How many nodes lie before the mark below which free ones are looked for; 0 if there are no nodes.
    pub fn free_index(&self) -> usize {
        self.nodes().head().last_free.get() as usize
    }
}
