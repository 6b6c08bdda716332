//! An arena that goes upward through its chunks, so that the last block can grow where it is.
//!
//! U1. `chunk` is null or the newest chunk, each names the one before it, and all were made by `std::alloc::System` with the layout
//!     that `size` and [`ALIGN`] give.
//! U2. `top` and `end` are null, or multiples of 16 in the newest chunk, `top` not after `end`. All live blocks of that chunk lie
//!     between its header and `top`; what is between `top` and `end` is nobody's.
//! U3. A block is `osize` bytes long, rounded up to a multiple of 16, or longer.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::fmt;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

/// What blocks and chunks are aligned to, and sizes rounded to.
const ALIGN: usize = 16;
/// The size of the first chunk.
const FIRST_CHUNK: usize = 16 << 10;
/// The largest block.
const MAX: usize = isize::MAX as usize / 2;

/// The head of a chunk.
#[repr(C, align(16))]
struct Chunk {
    previous: *mut Chunk,
    size: usize,
}

const HEAD: usize = size_of::<Chunk>();

/// An arena of our own that goes upward: the last block grows where it is, and is taken back when it is freed.
///
/// - **Alignment** 16.
/// - **Growth in place**: for the last block, to the end of its chunk; a block that has its chunk to itself grows with the chunk, for
///   which the system may move pages instead of copying. Every shrink is in place and never fails.
/// - **Bulk free**: a state that owns the adapter gives back its chunks alone when it is closed.
/// - **Threads**: it can be moved to another thread (`Send`), and used by one at a time.
/// - **Cost**: a few instructions a call. Blocks that are not the last one are not reused, so a program that makes garbage takes
///   memory without end, as with [`Bump`](crate::Bump). It is for scripts that end soon, above all such that build strings or
///   arrays.
pub struct UpBump {
    top: Cell<*mut u8>,
    end: Cell<*mut u8>,
    chunk: Cell<*mut Chunk>,
    reserved: Cell<usize>,
    limit: usize,
}

impl UpBump {
    /// An arena without chunks.
    pub const fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// An arena whose chunks never have more than `limit` bytes together.
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            top: Cell::new(null_mut()),
            end: Cell::new(null_mut()),
            chunk: Cell::new(null_mut()),
            reserved: Cell::new(0),
            limit,
        }
    }

    /// How many bytes the chunks have together.
    pub fn reserved(&self) -> usize {
        self.reserved.get()
    }

    /// Forgets all blocks and gives back all chunks.
    pub fn reset(&mut self) {
        while !self.chunk.get().is_null() {
            self.drop_newest();
        }
    }

    /// Gives back the newest chunk, of which there is one. The one before it counts as full.
    fn drop_newest(&self) {
        let chunk = self.chunk.get();
        // SAFETY: U1; the caller knows that no block in it is used any more.
        unsafe {
            let Chunk { previous, size } = chunk.read();
            std::alloc::System.dealloc(chunk.cast(), Layout::from_size_align_unchecked(size, ALIGN));
            self.reserved.set(self.reserved.get() - size);
            self.chunk.set(previous);
        }
        self.top.set(null_mut());
        self.end.set(null_mut());
    }

    /// Whether the newest chunk holds nothing below `block`.
    fn is_first(&self, block: *mut u8) -> bool {
        let chunk = self.chunk.get();
        !chunk.is_null() && chunk.cast::<u8>().wrapping_add(HEAD) == block
    }

    /// How many bytes are between `top` and `end`.
    #[inline]
    fn room(&self) -> usize {
        self.end.get().addr() - self.top.get().addr()
    }

    /// A block of `size` bytes, a multiple of 16 that is not too large, or null.
    #[inline]
    fn take(&self, size: usize) -> *mut u8 {
        if size > self.room() && !self.add_chunk(size) {
            return null_mut();
        }
        let block = self.top.get();
        // SAFETY: U2: there is room.
        self.top.set(unsafe { block.add(size) });
        block
    }

    /// Makes a new chunk with room for `size` bytes; false if that cannot be.
    #[cold]
    #[inline(never)]
    fn add_chunk(&self, size: usize) -> bool {
        // A chunk that is empty again would be lost.
        if self.is_first(self.top.get()) {
            self.drop_newest();
        }
        let least = size + HEAD;
        let mut size = self.reserved.get().clamp(FIRST_CHUNK, MAX).next_multiple_of(ALIGN).max(least);
        // What is too large for the limit or the system is halved, down to what must be.
        loop {
            if size <= self.limit.saturating_sub(self.reserved.get()) {
                // SAFETY: the size is a multiple of 16, not zero, and small enough for a layout.
                unsafe {
                    let chunk = std::alloc::System.alloc(Layout::from_size_align_unchecked(size, ALIGN));
                    if !chunk.is_null() {
                        self.install(chunk, Chunk { previous: self.chunk.get(), size });
                        self.top.set(chunk.add(HEAD));
                        return true;
                    }
                }
            }
            if size == least {
                return false;
            }
            size = (size / 2).next_multiple_of(ALIGN).max(least);
        }
    }

    /// Makes memory the newest chunk.
    ///
    /// # Safety
    /// The memory is as U1 says; `top` is set next.
    unsafe fn install(&self, memory: *mut u8, head: Chunk) {
        self.reserved.set(self.reserved.get() + head.size);
        // SAFETY: the caller's promise.
        unsafe {
            self.end.set(memory.add(head.size));
            memory.cast::<Chunk>().write(head);
        }
        self.chunk.set(memory.cast());
    }

    /// Grows the newest chunk so that its only block has room for `size` bytes; the block's new address, or null.
    #[cold]
    #[inline(never)]
    fn grow_chunk(&self, size: usize) -> *mut u8 {
        let chunk = self.chunk.get();
        // SAFETY: U1.
        let Chunk { previous, size: old } = unsafe { chunk.read() };
        let new = size + HEAD;
        if new - old > self.limit.saturating_sub(self.reserved.get()) {
            return null_mut();
        }
        // SAFETY: U1: the layout is the chunk's; the new size is a multiple of 16 and small enough for a layout. Nothing but the one
        // block is in the chunk, so nobody minds when it moves.
        unsafe {
            let layout = Layout::from_size_align_unchecked(old, ALIGN);
            let moved = std::alloc::System.realloc(chunk.cast(), layout, new);
            if moved.is_null() {
                return null_mut();
            }
            self.reserved.set(self.reserved.get() - old);
            self.install(moved, Chunk { previous, size: new });
            self.top.set(moved.add(new));
            moved.add(HEAD)
        }
    }
}

impl Default for UpBump {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for UpBump {
    fn drop(&mut self) {
        self.reset();
    }
}

impl fmt::Debug for UpBump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpBump").field("reserved", &self.reserved()).finish_non_exhaustive()
    }
}

// SAFETY: the chunks are nobody else's, and the system's allocator may free them on any thread.
unsafe impl Send for UpBump {}

// SAFETY: size 0 frees and gives null; what is too large gives null before it is rounded; a shrink stays in place; a growth that
// fails has touched nothing. Blocks are aligned to 16 (U2) and stay where they are, outside of the adapter. Nothing panics.
unsafe impl LuaAlloc for UpBump {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if nsize > MAX {
            return null_mut();
        }
        let size = nsize.next_multiple_of(ALIGN);
        if ptr.is_null() {
            return if size == 0 { null_mut() } else { self.take(size) };
        }
        let old = osize.bytes().next_multiple_of(ALIGN);
        // A null `top` is no block's end.
        let is_last = ptr.wrapping_add(old) == self.top.get();
        // SAFETY: C1, U3: the block has `old` bytes. Where it is the last one, U2: `top` moves between its begin and `end`.
        unsafe {
            if is_last && size <= old + self.room() {
                self.top.set(ptr.add(size));
                return if size == 0 { null_mut() } else { ptr };
            }
            if size <= old {
                return if size == 0 { null_mut() } else { ptr };
            }
            if is_last && self.is_first(ptr) {
                let block = self.grow_chunk(size);
                if !block.is_null() {
                    return block;
                }
            }
            let block = self.take(size);
            if !block.is_null() {
                block.copy_from_nonoverlapping(ptr, osize.bytes());
            }
            block
        }
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use perilune_core::AllocKind;

    use super::*;

    const NEW: OldSize = OldSize::of_kind(AllocKind::String);

    #[test]
    fn the_last_block_grows_and_is_taken_back() {
        let memory = UpBump::new();
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let first = memory.realloc(null_mut(), NEW, 100);
            let second = memory.realloc(null_mut(), NEW, 100);
            assert_eq!(second, first.add(112));
            assert_eq!(memory.realloc(second, OldSize::of_size(100), 1000), second);
            assert_eq!(memory.realloc(second, OldSize::of_size(1000), 5), second);
            assert_eq!(memory.realloc(null_mut(), NEW, 1), second.add(16));
            memory.realloc(second.add(16), OldSize::of_size(1), 0);
            memory.realloc(second, OldSize::of_size(5), 0);
            // The first one is the last one now.
            assert_eq!(memory.realloc(first, OldSize::of_size(100), 200), first);
            memory.realloc(first, OldSize::of_size(200), 0);
            assert_eq!(memory.realloc(null_mut(), NEW, 50), first);
        }
        assert_eq!(memory.reserved(), FIRST_CHUNK);
    }

    #[test]
    fn a_block_alone_in_its_chunk_grows_with_it() {
        let memory = UpBump::new();
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let small = memory.realloc(null_mut(), NEW, 16);
            small.write(1);
            let mut size = 1 << 20;
            let mut block = memory.realloc(null_mut(), NEW, size);
            block.write(2);
            for _ in 0..5 {
                block = memory.realloc(block, OldSize::of_size(size), size * 2);
                size *= 2;
                block.add(size - 1).write(3);
                assert_eq!((block.read(), small.read()), (2, 1));
                assert_eq!(memory.reserved(), FIRST_CHUNK + size + HEAD);
            }
            memory.realloc(block, OldSize::of_size(size), 0);
            // The empty chunk goes when it is too small.
            let block = memory.realloc(null_mut(), NEW, 2 * size);
            assert_eq!(memory.reserved(), FIRST_CHUNK + 2 * size + HEAD);
            memory.realloc(block, OldSize::of_size(2 * size), 0);
        }
    }

    #[test]
    fn the_limit_is_never_passed() {
        let mut memory = UpBump::with_limit(100_000);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 90_000);
            block.write_bytes(7, 90_000);
            assert!(memory.realloc(block, OldSize::of_size(90_000), 100_000).is_null());
            assert!(memory.realloc(null_mut(), NEW, 90_000).is_null());
            assert_eq!(std::slice::from_raw_parts(block, 90_000), [7; 90_000]);
            assert!(!memory.realloc(null_mut(), NEW, 9000).is_null());
        }
        assert!(memory.reserved() <= 100_000);
        memory.reset();
        assert_eq!(memory.reserved(), 0);
    }
}
