//! A heap over an allocator that checks the contract: exact old sizes, no block left at the end.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use perilune_core::{GcRef, Heap, LuaAlloc, LuaString, OldSize, RawAlloc, TValue, Table};

/// Knows the size of every block. Can be told to fail.
#[derive(Default)]
pub struct TestAlloc {
    blocks: RefCell<HashMap<usize, usize>>,
    live: Cell<usize>,
    /// How many growing requests to grant before the failures begin.
    pub grant: Cell<Option<usize>>,
    /// How many requests in a row then fail.
    pub failures: Cell<usize>,
}

impl TestAlloc {
    /// The sum of the sizes of all live blocks.
    pub fn live(&self) -> usize {
        self.live.get()
    }

    fn fails(&self) -> bool {
        match self.grant.get() {
            None => false,
            Some(0) => {
                let left = self.failures.get();
                self.failures.set(left.saturating_sub(1));
                left > 0
            }
            Some(n) => {
                self.grant.set(Some(n - 1));
                false
            }
        }
    }

    fn forget(&self, ptr: *mut u8, size: usize) {
        assert_eq!(self.blocks.borrow_mut().remove(&(ptr as usize)), Some(size), "wrong old size");
        self.live.set(self.live.get() - size);
        // SAFETY: the block was allocated with this layout.
        unsafe { dealloc(ptr, layout(size)) };
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).expect("size in range")
}

// SAFETY: the rules are followed; every resize moves the block, so that stale pointers show.
unsafe impl LuaAlloc for TestAlloc {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if nsize == 0 {
            if !ptr.is_null() {
                self.forget(ptr, osize.bytes());
            }
            return std::ptr::null_mut();
        }
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize > old && (nsize > 1 << 32 || self.fails()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the size is not 0; the old block has `old` bytes.
        unsafe {
            let block = alloc(layout(nsize));
            assert!(!block.is_null());
            block.write_bytes(0xa5, nsize);
            if !ptr.is_null() {
                block.copy_from_nonoverlapping(ptr, old.min(nsize));
                ptr.write_bytes(0x5a, old);
                self.forget(ptr, old);
            }
            self.blocks.borrow_mut().insert(block as usize, nsize);
            self.live.set(self.live.get() + nsize);
            block
        }
    }
}

/// A heap with a registry that the test uses as its root.
pub struct TestHeap {
    heap: *mut Heap,
    alloc: *mut TestAlloc,
}

impl TestHeap {
    pub fn new() -> Self {
        let alloc = Box::into_raw(Box::<TestAlloc>::default());
        let heap = Box::into_raw(Box::<Heap>::new_uninit()).cast::<Heap>();
        // SAFETY: both live until `drop`.
        unsafe {
            Heap::init(heap, RawAlloc::from_adapter(alloc), 0x1234_5678);
            (*heap).open().expect("memory");
            let registry = (*heap).new_table().expect("memory");
            (*heap).registry = TValue::object(registry);
            (*heap).running = true;
        }
        Self { heap, alloc }
    }

    /// The heap. One reference at a time.
    #[expect(clippy::mut_from_ref, reason = "tests keep no two of them")]
    pub fn heap(&self) -> &mut Heap {
        // SAFETY: it lives as long as `self`.
        unsafe { &mut *self.heap }
    }

    pub fn alloc(&self) -> &TestAlloc {
        // SAFETY: it lives as long as `self`.
        unsafe { &*self.alloc }
    }

    pub fn registry(&self) -> GcRef<Table> {
        // SAFETY: the registry is a table and live.
        unsafe { self.heap().registry.as_ref() }
    }

    /// Keeps a value alive under a number.
    pub fn anchor(&self, slot: i64, value: TValue) {
        let heap = self.heap();
        // The registry's own growth could collect the value: the stack keeps it meanwhile.
        // SAFETY: the main thread is live and its stack has room.
        unsafe {
            let thread = &*heap.main_thread;
            thread.push(value);
            heap.table_set_int(self.registry(), slot, value).expect("memory");
            thread.pop();
        }
    }

    /// A new table, anchored.
    pub fn table(&self, slot: i64) -> GcRef<Table> {
        let table = self.heap().new_table().expect("memory");
        self.anchor(slot, TValue::object(table));
        table
    }

    /// A string, anchored.
    pub fn string(&self, slot: i64, bytes: &[u8]) -> GcRef<LuaString> {
        let string = self.heap().new_string(bytes).expect("memory");
        self.anchor(slot, TValue::object(string));
        string
    }

    /// A full collection, and the checks that must hold after it.
    pub fn collect(&self) {
        // SAFETY: the tests anchor what they keep.
        unsafe {
            self.heap().full(false);
            self.heap().check();
        }
        self.count();
    }

    /// The accounting is exact.
    pub fn count(&self) {
        assert_eq!(self.heap().total_bytes(), self.alloc().live());
    }
}

impl Drop for TestHeap {
    fn drop(&mut self) {
        // SAFETY: nothing of the heap is used any more.
        unsafe {
            (*self.heap).free_all();
            let (total, live) = ((*self.heap).total_bytes(), (*self.alloc).live());
            drop(Box::from_raw(self.heap.cast::<std::mem::MaybeUninit<Heap>>()));
            drop(Box::from_raw(self.alloc));
            if !std::thread::panicking() {
                assert_eq!((total, live), (0, 0));
            }
        }
    }
}

/// A small generator of pseudo-random numbers (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
