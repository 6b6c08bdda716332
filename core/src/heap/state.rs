//! The beginning and the end of a heap.

use crate::base::alloc::RawAlloc;
use crate::base::error::AllocResult;
use crate::gc::color::WHITE0;
use crate::gc::{EVENT_COUNT, Heap, Phase};
use crate::object::{GcHeader, GcRef};
use crate::value::{LuaType, TValue};

/// The message of a memory error.
const MEMORY_MESSAGE: &[u8] = b"not enough memory";
/// The collector's first parameters, in percent (`LUAI_GCPAUSE`, `LUAI_GCMUL`).
const FIRST_PAUSE: i32 = 200;
const FIRST_STEP_MUL: i32 = 200;

impl Heap {
    /// Fills `at` with an empty heap: no strings, no main thread. The caller then calls [`Self::open`].
    ///
    /// # Safety
    /// `at` can be written as a `Heap`. Once objects are made, the heap does not move: threads point to it.
    ///
    /// Whoever makes a heap keeps the invariants at the tops of the modules (G1 to G12, H1 to H9 and so on) as long as it is used:
    /// what the methods of heaps and objects do, those that are not marked as unsafe too, is sound within these alone.
    pub unsafe fn init(at: *mut Heap, alloc: RawAlloc, seed: u32) {
        let heap = Heap {
            alloc,
            alloc_replaced: false,
            has_destructors: false,
            credit: 0,
            debt: 0,
            arrears: 0,
            traversed: 0,
            estimate: 0,
            buckets: core::ptr::null_mut(),
            bucket_count: 0,
            bucket_room: 0,
            short_strings: 0,
            seed,
            current_white: WHITE0,
            phase: Phase::Pause,
            emergency: false,
            in_atomic: false,
            stepped: false,
            running: false,
            all: core::ptr::null_mut(),
            sweep: core::ptr::null_mut(),
            finalizable: core::ptr::null_mut(),
            gray: core::ptr::null_mut(),
            large: core::ptr::null_mut(),
            partial: core::ptr::null_mut(),
            partial_at: 0,
            partial_last: 0,
            partial_is_undecided: false,
            waiting_weak: core::ptr::null_mut(),
            undecided: core::ptr::null_mut(),
            restarts: 0,
            touched: core::ptr::null_mut(),
            touched_count: 0,
            revisits: 0,
            gray_again: core::ptr::null_mut(),
            undecided_count: 0,
            values_found: false,
            chased: TValue::NIL,
            weak_passes: 0,
            weak: core::ptr::null_mut(),
            ephemeron: core::ptr::null_mut(),
            all_weak: core::ptr::null_mut(),
            pending: core::ptr::null_mut(),
            last_pending: core::ptr::null_mut(),
            doomed: core::ptr::null_mut(),
            fixed: core::ptr::null_mut(),
            twups: core::ptr::null_mut(),
            spare_stacks: core::ptr::null_mut(),
            spare_stack_count: 0,
            retired_frames: core::ptr::null_mut(),
            finalizers_per_step: 0,
            pause: FIRST_PAUSE,
            step_mul: FIRST_STEP_MUL,
            main_thread: core::ptr::null_mut(),
            running_thread: core::ptr::null_mut(),
            waiting: core::ptr::null(),
            registry: TValue::NIL,
            anchors: core::ptr::null_mut(),
            metatables: [core::ptr::null_mut(); LuaType::COUNT],
            event_names: [core::ptr::null_mut(); EVENT_COUNT],
            memory_message: core::ptr::null_mut(),
        };
        // SAFETY: the caller's promise.
        unsafe { at.write(heap) };
    }

    /// Makes the string table, the message of memory errors and the main thread, which also becomes the running one.
    ///
    /// The collector is stopped until `running` is set, and no emergency collection happens until the
    /// registry is a table. After an error `free_all` is still due.
    #[doc(alias = "f_luaopen")]
    pub fn open(&mut self) -> AllocResult<()> {
        self.make_buckets()?;
        let message = self.new_string(MEMORY_MESSAGE)?;
        self.fix(message.as_header());
        self.memory_message = message.as_ptr();
        let thread = self.new_thread()?;
        self.main_thread = thread.as_ptr();
        self.running_thread = thread.as_ptr();
        Ok(())
    }

    /// Frees every object and the string table, and drops the values in userdata. Finalizers must have run before. `total_bytes` is 0 afterwards, but
    /// for blocks that the caller took with [`Self::allocate`].
    ///
    /// # Safety
    /// No object of the heap is used afterwards.
    #[doc(alias = "luaC_freeallobjects")]
    pub unsafe fn free_all(&mut self) {
        self.running = false;
        // SAFETY: by the caller's promise nothing is used any more; each object is in exactly one of the lists.
        unsafe {
            self.forget_open_upvalues();
            self.free_spare_stacks();
            // Without buckets, freeing a short string need not take it out of its bucket.
            let (buckets, room) = (self.buckets, self.bucket_room);
            self.forget_buckets();
            self.free_array(buckets, room);
            for list in [self.finalizable, self.pending, self.all, self.fixed] {
                self.free_list(list);
            }
            self.free_retired_frames(usize::MAX);
        }
        self.end();
    }

    /// Drops the values in userdata and leaves all blocks where they are, for an allocator that frees them all by itself. Finalizers
    /// must have run before. Without such values nothing is looked at.
    ///
    /// # Safety
    /// No object of the heap is used afterwards, nor the heap's figures.
    pub unsafe fn abandon_all(&mut self) {
        self.running = false;
        if self.has_destructors {
            for list in [self.finalizable, self.pending, self.all, self.fixed] {
                // SAFETY: by the caller's promise nothing is used any more; each object is in exactly one of the lists.
                unsafe { self.doom_values(list) };
            }
        }
        self.forget_buckets();
        self.end();
    }

    /// From now on there is no string table.
    fn forget_buckets(&mut self) {
        self.buckets = core::ptr::null_mut();
        self.bucket_count = 0;
        self.bucket_room = 0;
    }

    /// Forgets all objects but those that are doomed, whose values are dropped.
    fn end(&mut self) {
        self.short_strings = 0;
        self.spare_stacks = core::ptr::null_mut();
        self.spare_stack_count = 0;
        self.retired_frames = core::ptr::null_mut();
        for list in [&mut self.finalizable, &mut self.pending, &mut self.all, &mut self.fixed] {
            *list = core::ptr::null_mut();
        }
        self.main_thread = core::ptr::null_mut();
        self.running_thread = core::ptr::null_mut();
        self.waiting = core::ptr::null();
        self.memory_message = core::ptr::null_mut();
        self.registry = TValue::NIL;
        self.anchors = core::ptr::null_mut();
        self.metatables = [core::ptr::null_mut(); LuaType::COUNT];
        self.event_names = [core::ptr::null_mut(); EVENT_COUNT];
        // If a destructor panics, the others are called all the same.
        let rest = DeadValues(self);
        rest.0.drop_dead_values();
    }

    /// Takes their open upvalues from all threads, so that a thread can be freed after its upvalues.
    ///
    /// # Safety
    /// No upvalue is used afterwards.
    unsafe fn forget_open_upvalues(&mut self) {
        while !self.twups.is_null() {
            // SAFETY: the list holds live threads.
            let thread = unsafe { GcRef::from_ptr(self.twups) };
            self.twups = thread.twups.replace(thread.as_ptr());
            thread.open_upvals.set(core::ptr::null_mut());
        }
    }

    /// # Safety
    /// No object of the list is used afterwards.
    unsafe fn free_list(&mut self, mut list: *mut GcHeader) {
        while !list.is_null() {
            // SAFETY: the caller's promise; the link is read before its object goes.
            unsafe {
                let next = (*list).next.get();
                self.free_object(list);
                list = next;
            }
        }
    }

    /// The allocator (`lua_getallocf`).
    #[doc(alias = "lua_getallocf")]
    pub fn allocator(&self) -> RawAlloc {
        self.alloc
    }

    /// Whether the allocator is the one that the heap was made with and has always been.
    pub fn has_first_allocator(&self) -> bool {
        !self.alloc_replaced
    }

    /// Changes the allocator (`lua_setallocf`).
    ///
    /// # Safety
    /// The new one can resize and free the blocks of the old one.
    #[doc(alias = "lua_setallocf")]
    pub unsafe fn set_allocator(&mut self, alloc: RawAlloc) {
        self.alloc = alloc;
        self.alloc_replaced = true;
    }

    /// The sum of the sizes of all live blocks.
    #[doc(alias = "gettotalbytes")]
    pub fn total_bytes(&self) -> usize {
        (self.credit + self.debt) as usize
    }

    /// The seed of string hashes.
    pub fn seed(&self) -> u32 {
        self.seed
    }
}

/// Drops the values of dead userdata when it is dropped.
struct DeadValues<'h>(&'h mut Heap);

impl Drop for DeadValues<'_> {
    fn drop(&mut self) {
        self.0.drop_dead_values();
    }
}
