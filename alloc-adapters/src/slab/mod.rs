//! Size classes over pages, for objects; the system's allocator for large blocks, and for the pages; mapped ranges for very large
//! blocks.
//!
//! A page holds blocks of one class. Its head tells which of them are free, and a block finds the head by its own address: blocks
//! have no heads. What is freed goes back to its page, so that new blocks lie near each other however long the program runs, and a
//! page of which everything was freed serves another class. The heads lie at different places of the pages, lest they all compete
//! for the same lines of the processor's caches.
//!
//! S1. `chunk` is null or the first page of the newest chunk; each names the one before it and its size. A chunk came from the
//!     system's allocator, is aligned to [`PAGE`], and consists of pages. Every page before `fresh`, in the newest chunk, and every
//!     one in the others has a [`Page`] as its head, where [`head_of`] finds it.
//! S2. A page that serves a class is `current` for it, in the class's queue, or full; others are in the list `empty`. The blocks in
//!     its list `free` are nobody's and lie in it, the first word of each tells the next one; what is from `next_fresh` on, but the
//!     head, was never a block.
//! S3. `used` counts the page's live blocks; but for a full page it is 1, and the others are counted in `hidden`. So whenever it comes
//!     to 0, the page must be looked at, and never else.
//! S4. A live block of at most [`SMALL_MAX`] bytes lies in a page of blocks that are as large or larger; or it is a stray: a block as
//!     in S5 that could not become a small one. Strays are counted.
//! S5. A live block of more than [`SMALL_MAX`] bytes lies behind a [`Large`], which is in the doubly linked list `large`; its `size`
//!     is that of the layout that the system's allocator knows, or, from [`VERY_LARGE`](range::VERY_LARGE) on, of a range of
//!     mapped pages, a multiple of [`GRANULE`](range::GRANULE).
//! S6. `ranges` is a list of such ranges that nobody has, each with a [`Range`] at its beginning.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::fmt;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

mod large;
mod page;
mod range;

use self::large::{Large, release};
use self::page::{PAGE, Page, Queue, ask_for, extend, head_of, start_of};
use self::range::Range;
use crate::size_class::{EXACT_MAX, Free, class_count, class_of, class_size, exact_class};

/// The largest block that is cut from a page.
const SMALL_MAX: usize = 8192;
const CLASSES: usize = class_count(SMALL_MAX);
/// The sizes that chunks have: the first ones, and those that come when much is reserved.
const FIRST_CHUNK: usize = 4 * PAGE;
const LAST_CHUNK: usize = 128 * PAGE;
/// The largest block at all.
const MAX: usize = isize::MAX as usize / 2;

/// Size classes for small blocks, the system's allocator for large ones: an allocator made for Lua's mix of sizes, which gets the
/// size of every block back.
///
/// - **Alignment** 16. Up to 1024 bytes no more than 15 bytes of a block are unused, above at most a fifth, and after a shrink at
///   most half.
/// - **Growth in place**: from 256 KiB on where what lies behind was freed, else by moving pages instead of copying (on Linux); from
///   8 KiB on where the system's `realloc` can; smaller blocks where they have room in their class. No shrink fails.
/// - **Bulk free**: a state that owns the adapter gives back chunks and large blocks alone when it is closed.
/// - **Release**: what is freed of blocks of 256 KiB and more serves others of these, and goes back to the system bit by bit as other
///   memory is taken: to unmap 64 MB takes some milliseconds, and so do new pages, which the system clears. (On Unix; elsewhere
///   it goes back at once.)
/// - **Threads**: it can be moved to another thread (`Send`), and used by one at a time.
/// - **Cost**: a few instructions each way for small blocks, without any head. Pages of which everything was freed serve other
///   sizes; all go back to the system at the end only. Chunks are taken from 256 KiB to 8 MiB at a time, half of what there is
///   already; on most systems only what is used of them takes memory. The system is not asked for the processor's large pages: they
///   would save a tenth of the time of programs with large heaps, but whoever touches one first waits until all of it is cleared,
///   some milliseconds on virtual machines.
pub struct Slab {
    current: [Cell<*mut Page>; CLASSES],
    strays: Cell<usize>,
    queues: [Queue; CLASSES],
    chunk: Cell<*mut Page>,
    /// The pages of the newest chunk that have no head yet.
    fresh: Cell<*mut u8>,
    fresh_end: Cell<*mut u8>,
    empty: Cell<*mut Page>,
    /// The bytes of all chunks.
    reserved: Cell<usize>,
    large: Cell<*mut Large>,
    /// What was freed of very large blocks.
    ranges: Cell<*mut Range>,
    /// The bytes of both kinds.
    large_bytes: Cell<usize>,
}

impl Slab {
    /// An allocator that has reserved nothing yet.
    pub const fn new() -> Self {
        Self {
            current: [const { Cell::new(null_mut()) }; CLASSES],
            strays: Cell::new(0),
            queues: [const { Queue::new() }; CLASSES],
            chunk: Cell::new(null_mut()),
            fresh: Cell::new(null_mut()),
            fresh_end: Cell::new(null_mut()),
            empty: Cell::new(null_mut()),
            reserved: Cell::new(0),
            large: Cell::new(null_mut()),
            ranges: Cell::new(null_mut()),
            large_bytes: Cell::new(0),
        }
    }

    /// How many bytes are taken from the system: chunks of pages, and large blocks.
    pub fn reserved(&self) -> usize {
        self.reserved.get() + self.large_bytes.get()
    }

    /// A block of a class, or null.
    #[inline(always)]
    fn take(&self, class: usize) -> *mut u8 {
        let page = self.current[class].get();
        if !page.is_null() {
            // SAFETY: S2, S3.
            unsafe {
                let block = (*page).free;
                if !block.is_null() {
                    let next = (*block).next;
                    (*page).free = next;
                    ask_for(next);
                    (*page).used += 1;
                    return block.cast();
                }
            }
        }
        self.refill(class)
    }

    /// Frees a block that lies in a page.
    ///
    /// # Safety
    /// It does (S4), and is not used any more.
    #[inline(always)]
    unsafe fn give(&self, block: *mut u8) {
        let page = head_of(block);
        let block = block.cast::<Free>();
        // SAFETY: S2, S3.
        unsafe {
            block.write(Free { next: (*page).free });
            (*page).free = block;
            (*page).used -= 1;
            if (*page).used == 0 {
                self.look_at(page);
            }
        }
    }

    /// Deals with a page whose `used` has come to 0.
    ///
    /// # Safety
    /// It has.
    #[inline(never)]
    unsafe fn look_at(&self, page: *mut Page) {
        // SAFETY: S2, S3.
        unsafe {
            let class = (*page).class as usize;
            if (*page).hidden > 0 {
                (*page).used = (*page).hidden;
                (*page).hidden = 0;
                self.queues[class].push(page);
            } else if page != self.current[class].get() {
                self.queues[class].remove(page);
                (*page).next = self.empty.get();
                self.empty.set(page);
            }
        }
    }

    /// Has the class's current page make more blocks, or finds it another one, and takes a block; or null.
    #[inline(never)]
    fn refill(&self, class: usize) -> *mut u8 {
        let current = &self.current[class];
        // SAFETY: S2, S3: the current page has no free block here.
        unsafe {
            let mut page = current.get();
            if page.is_null() || !extend(page) {
                self.give_back(PAGE);
                if !page.is_null() {
                    (*page).hidden = (*page).used - 1;
                    (*page).used = 1;
                }
                page = self.queues[class].pop();
                if page.is_null() {
                    page = self.new_page(class);
                }
                current.set(page);
                if page.is_null() {
                    return self.take_larger(class);
                }
                if (*page).free.is_null() {
                    extend(page);
                }
            }
            let block = (*page).free;
            (*page).free = (*block).next;
            (*page).used += 1;
            block.cast()
        }
    }

    /// A block of a larger class that has one, when there is no memory for more pages; or null.
    #[cold]
    fn take_larger(&self, class: usize) -> *mut u8 {
        for larger in class + 1..CLASSES {
            let queue = &self.queues[larger];
            for page in [self.current[larger].get(), queue.first.get()] {
                // SAFETY: S2, S3. A page of the queue may be full afterwards: then it leaves the queue.
                unsafe {
                    if page.is_null() || ((*page).free.is_null() && !extend(page)) {
                        continue;
                    }
                    let block = (*page).free;
                    (*page).free = (*block).next;
                    (*page).used += 1;
                    if page == queue.first.get() && (*page).free.is_null() && !extend(page) {
                        queue.remove(page);
                        (*page).hidden = (*page).used - 1;
                        (*page).used = 1;
                    }
                    return block.cast();
                }
            }
        }
        null_mut()
    }

    /// A page for a class, or null.
    fn new_page(&self, class: usize) -> *mut Page {
        let mut page = self.empty.get();
        // SAFETY: S1, S2: the page is not in use; where it is fresh, its head is written whole.
        unsafe {
            if !page.is_null() {
                self.empty.set((*page).next);
            } else {
                if self.fresh.get() == self.fresh_end.get() && !self.add_chunk() {
                    return null_mut();
                }
                page = head_of(self.fresh.get());
                self.fresh.set(self.fresh.get().add(PAGE));
                if page != self.chunk.get() {
                    page.write(Page::new());
                }
            }
            (*page).free = null_mut();
            (*page).used = 0;
            (*page).hidden = 0;
            (*page).size = class_size(class) as u32;
            (*page).class = class as u32;
            (*page).next_fresh = 0;
        }
        page
    }

    /// The layout of a chunk.
    fn chunk_layout(size: usize) -> Layout {
        // SAFETY: no chunk is larger than `LAST_CHUNK`, and a page's size is a power of two.
        unsafe { Layout::from_size_align_unchecked(size, PAGE) }
    }

    /// Reserves a chunk; false if the system has none.
    fn add_chunk(&self) -> bool {
        let mut size = (self.reserved.get() / 2).clamp(FIRST_CHUNK, LAST_CHUNK) & !(PAGE - 1);
        loop {
            // SAFETY: the size is not zero.
            let memory = unsafe { std::alloc::System.alloc(Self::chunk_layout(size)) };
            if !memory.is_null() {
                let first = head_of(memory);
                let chunk_pages = (size / PAGE) as u32;
                // SAFETY: the memory is new, aligned and large enough.
                unsafe {
                    first.write(Page { previous_chunk: self.chunk.get(), chunk_pages, ..Page::new() });
                    self.fresh_end.set(memory.add(size));
                }
                self.chunk.set(first);
                self.fresh.set(memory);
                self.reserved.set(self.reserved.get() + size);
                return true;
            }
            if self.give_back(usize::MAX) {
                continue;
            }
            if size == PAGE {
                return false;
            }
            size = (size / 2).max(PAGE) & !(PAGE - 1);
        }
    }

    /// What is not an allocation or a free of up to [`EXACT_MAX`] bytes. (It is apart so that those need no stack.)
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`].
    #[inline(never)]
    unsafe fn others(&self, ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        if ptr.is_null() {
            return if nsize == 0 || nsize > MAX {
                null_mut()
            } else if nsize > SMALL_MAX {
                self.take_large(nsize)
            } else {
                self.take(class_of(nsize).0)
            };
        }
        // SAFETY: the caller's promise; S4, S5.
        unsafe {
            let is_large = osize > SMALL_MAX || (self.strays.get() > 0 && self.take_stray(ptr));
            match (is_large, nsize) {
                (true, 0) => self.free_large(ptr),
                (false, 0) => self.give(ptr),
                (true, _) => return self.resize_large(ptr, osize, nsize),
                (false, _) => return self.resize_small(ptr, osize, nsize),
            }
        }
        null_mut()
    }

    /// Resizes a block in a page.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`]; it is one (S4), and `nsize` not 0.
    unsafe fn resize_small(&self, ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise; the smaller one of the sizes is copied.
        unsafe {
            let size = (*head_of(ptr)).size as usize;
            // Less than half would be wasted.
            if nsize <= size && nsize > size / 2 {
                return ptr;
            }
            let block = if nsize <= SMALL_MAX {
                self.take(class_of(nsize).0)
            } else if nsize <= MAX {
                self.take_large(nsize)
            } else {
                null_mut()
            };
            if block.is_null() {
                return if nsize <= size { ptr } else { null_mut() };
            }
            block.copy_from_nonoverlapping(ptr, osize.min(nsize));
            self.give(ptr);
            block
        }
    }
}

impl Default for Slab {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        self.give_back(usize::MAX);
        // SAFETY: S1, S5; no block is used any more. Each link is read before what holds it goes.
        unsafe {
            let mut large = self.large.get();
            while !large.is_null() {
                let next = (*large).next;
                release(large);
                large = next;
            }
            let mut chunk = self.chunk.get();
            while !chunk.is_null() {
                let Page { previous_chunk, chunk_pages, .. } = *chunk;
                std::alloc::System.dealloc(start_of(chunk), Self::chunk_layout(chunk_pages as usize * PAGE));
                chunk = previous_chunk;
            }
        }
    }
}

impl fmt::Debug for Slab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slab").field("reserved", &self.reserved()).finish_non_exhaustive()
    }
}

// SAFETY: its memory is nobody else's, and may be given back on any thread.
unsafe impl Send for Slab {}

// SAFETY: size 0 frees and gives null; what is too large gives null before it is rounded; a shrink stays in place where nothing else
// can be had; a growth that fails has left the block as it was. All blocks are aligned to 16 (S2, S5) and lie outside of the
// adapter. Nothing panics.
unsafe impl LuaAlloc for Slab {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if ptr.is_null() {
            if nsize.wrapping_sub(1) < EXACT_MAX {
                return self.take(exact_class(nsize));
            }
        } else if nsize == 0 && osize.bytes() <= EXACT_MAX && self.strays.get() == 0 {
            // SAFETY: C1, S4.
            unsafe { self.give(ptr) };
            return null_mut();
        }
        // SAFETY: C1.
        unsafe { self.others(ptr, osize.bytes(), nsize) }
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
