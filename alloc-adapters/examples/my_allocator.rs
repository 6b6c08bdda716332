//! Your own allocator in 20 lines: it passes the conformance kit, and runs Lua.
//!
//! Run it with `cargo run -p perilune-alloc-adapters --example my_allocator`.

use std::cell::Cell;
use std::ptr::null_mut;

use perilune_alloc_adapters::conformance::Kit;
use perilune_alloc_adapters::{Counting, LuaAlloc, OldSize};
use perilune_vm::{LoadMode, Lua, Status};

/// Hands out one piece of memory from its beginning to its end, in words of 16 bytes, and takes nothing back.
struct Arena {
    words: Vec<Cell<u128>>,
    used: Cell<usize>,
}

// SAFETY: every block is of words that were never given out before, so it is aligned and overlaps no other. What does not grow
// stays; what grows is copied. Where there is no room, null comes back and nothing has changed.
unsafe impl LuaAlloc for Arena {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() }; // of a new block it is the kind
        if nsize <= old {
            return if nsize == 0 { null_mut() } else { ptr };
        }
        let free = &self.words[self.used.get()..];
        let Some(room) = free.get(..nsize.div_ceil(16)) else { return null_mut() };
        self.used.set(self.used.get() + room.len());
        let block = room.as_ptr().cast_mut().cast::<u8>();
        // SAFETY: the old block has `old` bytes, and the new one more; they do not overlap.
        unsafe { block.copy_from_nonoverlapping(ptr, old) };
        block
    }

    fn frees_in_bulk(&self) -> bool {
        true // when it is dropped
    }
}

fn arena(bytes: usize) -> Arena {
    Arena { words: vec![Cell::new(0); bytes / 16], used: Cell::new(0) }
}

fn main() {
    // Does it keep the contract? If not, this panics and says where. An arena of two MiB is small enough to be filled.
    println!("{}\n", Kit::new(|| arena(2 << 20)).sends().check());

    // A state on it. Without the counters, `Lua::new(arena(16 << 20))` would do.
    let memory = Counting::new(arena(16 << 20));
    let mut lua = Lua::new(&memory).expect("16 MiB are enough for a state");
    perilune_stdlib::open_libs(&mut lua).expect("and for its libraries");
    let chunk = b"local t = {} for i = 1, 1000 do t[i] = ('%d'):format(i * i) end return table.concat(t, ' ', 998)";
    assert_eq!(lua.load_bytes(chunk, b"=squares", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
    assert_eq!(lua.str_at(-1), Some(&b"996004 998001 1000000"[..]));
    drop(lua);

    println!("{}", memory.stats());
    println!("{} bytes of the arena were used", memory.inner().used.get() * 16);
}
