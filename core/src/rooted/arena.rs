//! The arena: a heap, its roots, and the temporary roots of an operation.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use super::Error;
use super::handle::Root;
use super::value::{ToValue, Value};
use crate::base::alloc::{AllocKind, LuaAlloc, OldSize, RawAlloc};
use crate::base::error::OutOfMemory;
use crate::gc::{Event, Heap};
use crate::object::{GcObject, GcRef, InsertError, LuaString, Table, Thread, Userdata};
use crate::value::TValue;

/// Which references of a table do not keep their object alive (manual §2.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weakness {
    /// An entry goes when its key is collected; until then it keeps its value alive (an ephemeron table).
    Keys,
    /// An entry goes when its value is collected.
    Values,
    /// An entry goes when its key or its value is collected.
    Both,
}

impl Weakness {
    /// The value of `__mode` that asks for it.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::Keys => "k",
            Self::Values => "v",
            Self::Both => "kv",
        }
    }
}

/// A garbage-collected heap on an allocator of one's own, used through rooted handles.
///
/// Every byte comes from the allocator, which is borrowed as long as the arena exists, and goes back to it at the end.
/// All methods take `&self`; an arena is neither `Send` nor `Sync`.
pub struct Arena<'a> {
    heap: NonNull<Heap>,
    /// The number of slots, in use or free (R2).
    slots: Cell<u32>,
    /// The first free slot, or 0.
    free: Cell<u32>,
    allocator: PhantomData<&'a ()>,
}

impl<'a> Arena<'a> {
    /// An empty heap. The seed varies the hashes of strings, and so the order of traversal.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; everything was given back to the allocator then.
    pub fn new<A: LuaAlloc>(alloc: &'a A, seed: u32) -> Result<Self, Error> {
        // SAFETY: the allocator is borrowed for as long as the arena may exist.
        unsafe { Self::from_raw(RawAlloc::from_adapter(alloc), seed) }
    }

    /// As [`Self::new`], from an allocation function in C form.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; everything was given back to the allocator then.
    ///
    /// # Safety
    /// The function follows the [contract](crate::base::alloc), and can be called with its `ud` during `'a`.
    pub unsafe fn from_raw(alloc: RawAlloc, seed: u32) -> Result<Self, Error> {
        // SAFETY: the caller's promise; a block is aligned to 16 bytes, and is written before it is used.
        unsafe {
            let block = alloc.call(ptr::null_mut(), OldSize::of_kind(AllocKind::Other), size_of::<Heap>());
            let heap = NonNull::new(block.cast::<Heap>()).ok_or(OutOfMemory)?;
            Heap::init(heap.as_ptr(), alloc, seed);
            // From here on, dropping the arena frees what there is.
            let arena = Self { heap, slots: Cell::new(0), free: Cell::new(0), allocator: PhantomData };
            let heap = &mut *heap.as_ptr();
            heap.open()?;
            for (event, name) in [(Event::Gc, "__gc"), (Event::Mode, "__mode")] {
                let name = heap.new_string(name.as_bytes())?;
                heap.fix(name.as_header());
                heap.event_names[event as usize] = name.as_ptr();
            }
            // No collection happens before there is a registry; so nothing above needed a root.
            heap.registry = TValue::object(heap.new_table()?);
            heap.restart();
            Ok(arena)
        }
    }

    /// A string with the given bytes. Strings of at most 40 bytes are interned: equal ones are one object.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn string(&self, bytes: impl AsRef<[u8]>) -> Result<Root<'_, LuaString>, Error> {
        let root = self.reserve()?;
        let string = self.new_string(bytes.as_ref())?;
        Ok(self.fill(root, string))
    }

    /// An empty table.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn table(&self) -> Result<Root<'_, Table>, Error> {
        self.pay();
        let root = self.reserve()?;
        let table = self.with(Heap::new_table)?;
        Ok(self.fill(root, TValue::object(table)))
    }

    /// An empty table with room for the keys `1..=array` and for `hash` other ones.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Insert`] if no table can be as large.
    pub fn table_with_room(&self, array: u32, hash: u32) -> Result<Root<'_, Table>, Error> {
        let root = self.table()?;
        let table = root.object();
        // SAFETY: R3 keeps the table.
        self.with(|heap| unsafe { heap.resize_table(table, array, hash) })?;
        Ok(root)
    }

    /// An empty table with weak references: one whose metatable has the field `__mode`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn weak_table(&self, weakness: Weakness) -> Result<Root<'_, Table>, Error> {
        let (table, metatable) = (self.table()?, self.table()?);
        metatable.set("__mode", weakness.mode())?;
        table.set_metatable(Some(&metatable))?;
        Ok(table)
    }

    /// A userdata: `len` bytes of the host's, all zero and aligned to 16.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn userdata(&self, len: usize) -> Result<Root<'_, Userdata>, Error> {
        self.pay();
        let root = self.reserve()?;
        let userdata = self.with(|heap| heap.new_userdata(len))?;
        Ok(self.fill(root, TValue::object(userdata)))
    }

    /// A full collection.
    pub fn collect(&self) {
        // SAFETY: everything in use is in a slot (R3) or on the stack (R4), into which nobody holds pointers.
        self.with(|heap| unsafe { heap.full(false) });
    }

    /// A step of the collector, also while it is stopped: as long as if `kib` KiB had been allocated, at least a small
    /// one. Returns whether it ended a cycle. While finalizers are due at the end of a cycle, it does nothing.
    pub fn step(&self, kib: u16) -> bool {
        // SAFETY: as for `collect`.
        self.with(|heap| unsafe { heap.gc_step(kib.into()) })
    }

    /// Stops the collector but for [`Self::collect`], [`Self::step`], and collections when memory runs out.
    pub fn stop(&self) {
        self.with(|heap| heap.running = false);
    }

    /// Lets the collector run by itself again, as it does at first.
    pub fn restart(&self) {
        self.with(Heap::restart);
    }

    /// Sets how much memory use must grow before the next cycle begins, in percent of what the last one left; 200 at
    /// first. Returns the old value.
    pub fn set_pause(&self, percent: u16) -> u16 {
        self.with(|heap| heap.set_gc_pause(percent.into())) as u16
    }

    /// Sets how fast the collector works, in percent of the speed of allocation; 200 at first, at least 40. Returns the
    /// old value.
    pub fn set_step_mul(&self, percent: u16) -> u16 {
        self.with(|heap| heap.set_gc_step_mul(percent.into())) as u16
    }

    /// The bytes that the arena holds of its allocator now: the sum of the sizes of all its blocks, exactly.
    pub fn total_bytes(&self) -> usize {
        size_of::<Heap>() + self.with(|heap| heap.total_bytes())
    }

    /// The number of objects in the heap, with those that are dead but not yet swept, and the few that the arena itself
    /// needs.
    pub fn object_count(&self) -> usize {
        // SAFETY: the heap is sound.
        self.with(|heap| unsafe { heap.object_count() })
    }

    /// Checks the whole heap: lists, colours, the string table, every reference, and the accounting.
    ///
    /// # Panics
    /// If an invariant does not hold, which means that some unsafe code (the allocator's, say) broke the heap.
    pub fn check(&self) {
        // SAFETY: the heap is sound.
        self.with(|heap| unsafe {
            heap.check();
            assert_eq!(heap.object_bytes(), heap.total_bytes(), "heap check: blocks that belong to no object");
        });
    }

    /// The next unreachable object whose finalizer is due. It has come back to life, as an ordinary object: it will be
    /// here again only if it gets a metatable with `__gc` anew. The order is the reverse of that in which they got it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: no object was taken.
    pub fn take_finalizable(&self) -> Result<Option<Value<'_>>, Error> {
        // The slot comes first, lest an object is taken that cannot be handed out.
        let root = self.reserve::<Table>()?;
        let Some(value) = self.with(Heap::next_finalizer) else { return Ok(None) };
        let root = self.fill(root, value);
        Ok(Some(if value.is_table() { Value::Table(root) } else { Value::Userdata(root.retype()) }))
    }

    /// Calls `finalizer` with every object whose finalizer is due, and with those that become so meanwhile.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: the remaining ones are still due.
    pub fn finalize(&self, mut finalizer: impl FnMut(Value<'_>)) -> Result<(), Error> {
        while let Some(value) = self.take_finalizable()? {
            finalizer(value);
        }
        Ok(())
    }

    /// Ends the arena, and before that calls `finalizer` with every object that has a finalizer, reachable or not.
    /// (Dropping an arena calls none.)
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: the remaining ones got no call.
    pub fn close(self, finalizer: impl FnMut(Value<'_>)) -> Result<(), Error> {
        // SAFETY: nothing but what finalizers do, and `drop`, follows.
        self.with(|heap| unsafe { heap.separate_all() });
        self.finalize(finalizer)
    }

    /// A string that nothing refers to yet. All values in use are reachable.
    pub(super) fn new_string(&self, bytes: &[u8]) -> Result<TValue, Error> {
        self.pay();
        // The bytes are borrowed, so they are not in a block that the collector may free.
        Ok(TValue::object(self.with(|heap| heap.new_string(bytes))?))
    }

    /// Whether both are the same arena (R5).
    pub(super) fn is(&self, other: &Arena<'_>) -> bool {
        self.heap == other.heap
    }

    /// Uses the heap. `action` does so by this reference alone: it calls no method of an arena or a handle (R1).
    pub(super) fn with<R>(&self, action: impl FnOnce(&mut Heap) -> R) -> R {
        // SAFETY: R1.
        action(unsafe { &mut *self.heap.as_ptr() })
    }

    fn registry(&self) -> GcRef<Table> {
        // SAFETY: R2: the registry is a table, and a root.
        self.with(|heap| unsafe { heap.registry.as_ref() })
    }

    fn thread(&self) -> GcRef<Thread> {
        // SAFETY: the main thread lives as long as the heap.
        self.with(|heap| unsafe { GcRef::from_ptr(heap.main_thread) })
    }

    /// Lets the collector work if it is its turn.
    pub(super) fn pay(&self) {
        self.with(|heap| {
            if heap.debt > 0 {
                // SAFETY: as for `collect`.
                unsafe { heap.step() };
            }
        });
    }

    /// A handle whose slot holds no object yet; to be given to [`Self::fill`].
    fn reserve<T: GcObject>(&self) -> Result<Root<'_, T>, Error> {
        let slot = match self.free.get() {
            0 => {
                let slot = self.slots.get().checked_add(1).ok_or(InsertError::Overflow)?;
                let registry = self.registry();
                // SAFETY: the registry is reachable.
                self.with(|heap| unsafe { heap.table_set_int(registry, slot.into(), TValue::integer(0)) })?;
                self.slots.set(slot);
                slot
            }
            slot => {
                let next = self.slot_value(slot).as_integer();
                self.free.set(next.unwrap_or(0) as u32);
                slot
            }
        };
        Ok(Root::new(self, slot))
    }

    /// Puts the object into the handle's slot. Its type is the handle's, or the caller changes the handle's type.
    fn fill<'h, T: GcObject>(&'h self, root: Root<'h, T>, value: TValue) -> Root<'h, T> {
        let registry = self.registry();
        if let Some(slot) = registry.find_int_slot(root.slot().into()) {
            slot.set(value);
        }
        // SAFETY: both are live.
        self.with(|heap| unsafe { heap.barrier_table(registry, value) });
        root
    }

    /// A handle for an object that is reachable now, and of type `T`.
    pub(super) fn root<T: GcObject>(&self, value: TValue) -> Result<Root<'_, T>, Error> {
        let scratch = Scratch::new(self);
        scratch.push(value);
        Ok(self.fill(self.reserve()?, value))
    }

    /// What is in a slot.
    pub(super) fn slot_value(&self, slot: u32) -> TValue {
        self.registry().get_int(slot.into())
    }

    /// Frees a slot (R2).
    pub(super) fn release(&self, slot: u32) {
        if let Some(place) = self.registry().find_int_slot(slot.into()) {
            place.set(TValue::integer(self.free.get().into()));
            self.free.set(slot);
        }
    }
}

impl fmt::Debug for Arena<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("total_bytes", &self.total_bytes()).finish_non_exhaustive()
    }
}

impl Drop for Arena<'_> {
    fn drop(&mut self) {
        let heap = self.heap.as_ptr();
        // SAFETY: R1: there are no handles any more; the block was allocated with this size.
        unsafe {
            (*heap).free_all();
            let alloc = (*heap).allocator();
            alloc.call(heap.cast(), OldSize::of_size(size_of::<Heap>()), 0);
        }
    }
}

/// The values that one operation has pushed on the main thread's stack (R4); they are popped at its end.
pub(super) struct Scratch<'s> {
    arena: &'s Arena<'s>,
    top: usize,
}

impl<'s> Scratch<'s> {
    pub(super) fn new(arena: &'s Arena<'_>) -> Self {
        let thread = arena.thread();
        Self { arena, top: thread.save(thread.top.get()) }
    }

    /// Pushes a value that is reachable now; nothing must be allocated before if it is not.
    pub(super) fn push(&self, value: TValue) {
        self.arena.thread().push(value);
    }

    /// Pushes what the host gave, and returns it.
    pub(super) fn take(&self, value: impl ToValue) -> Result<TValue, Error> {
        let value = value.lua_value(self.arena)?;
        self.push(value);
        Ok(value)
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let thread = self.arena.thread();
        thread.top.set(thread.restore(self.top));
    }
}
