//! An allocator of one's own behind the contract, with the instruments of this crate around it.
//!
//! Run it with `cargo run -p perilune-alloc-adapters --example accounting`.

use std::cell::Cell;
use std::ptr::null_mut;

use perilune_alloc_adapters::{AllocKind, Checking, Counting, Limit, LuaAlloc, OldSize};

/// Hands out one piece of memory from its beginning to its end, and takes nothing back.
struct Bump {
    memory: Box<[Cell<u128>]>,
    next: Cell<usize>,
}

impl Bump {
    fn new(bytes: usize) -> Self {
        Self { memory: vec![Cell::new(0); bytes / 16].into(), next: Cell::new(0) }
    }
}

// SAFETY: new blocks lie in whole words of 16 bytes that were never given away before; a block that does not grow stays,
// and one that grows is copied; where there is no room, null comes back and nothing has changed.
unsafe impl LuaAlloc for Bump {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize == 0 {
            return null_mut();
        }
        if nsize <= old {
            return ptr;
        }
        let first = self.next.get();
        let words = nsize.div_ceil(16);
        let Some(room) = self.memory.get(first..).and_then(|rest| rest.get(..words)) else { return null_mut() };
        self.next.set(first + words);
        let block = room.as_ptr().cast_mut().cast::<u8>();
        // SAFETY: the old block has `old` bytes, fewer than the new one, and they do not overlap.
        unsafe { block.copy_from_nonoverlapping(ptr, old) };
        block
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

fn main() {
    let memory = Counting::new(Limit::new(Checking::recording(Bump::new(1 << 20)), 4000));
    // SAFETY: every block is used as the contract says and freed once, but for one byte behind the string on purpose, which
    // `Checking` has room for.
    unsafe {
        let table = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Table), 56);
        let mut nodes = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Other), 24);
        let mut size = 24;
        loop {
            let grown = memory.realloc(nodes, OldSize::of_size(size), size * 2);
            if grown.is_null() {
                println!("no more than {size} bytes of nodes fit below the limit of {} bytes", memory.inner().limit());
                break;
            }
            nodes = grown;
            size *= 2;
        }
        let string = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::String), 30);
        string.add(30).write(0);
        memory.realloc(string, OldSize::of_size(30), 0);
        memory.realloc(nodes, OldSize::of_size(size), 0);
        memory.realloc(table, OldSize::of_size(56), 0);
    }
    let checking = memory.inner().inner();
    for violation in checking.violations() {
        println!("found: {violation}");
    }
    println!("left: {} blocks\n\n{}", checking.leaks().blocks, memory.stats());
}
