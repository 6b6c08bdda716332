//! Pages, the queues that they stand in, and how a block finds the head of its page.

use std::cell::Cell;
use std::ptr::null_mut;

use super::SMALL_MAX;
use crate::size_class::Free;

/// The size of a page of ours. Pages are aligned to it.
pub(super) const PAGE: usize = 64 << 10;
/// How many bytes of blocks are made at once out of what was never used.
const EXTENT: usize = 2048;

/// The head of a page.
#[repr(C, align(64))]
pub(super) struct Page {
    pub(super) free: *mut Free,
    pub(super) used: u32,
    pub(super) hidden: u32,
    /// The size of its blocks.
    pub(super) size: u32,
    pub(super) class: u32,
    /// The offset from which on nothing was used yet.
    pub(super) next_fresh: u32,
    /// In the first page of a chunk: how many pages the chunk has.
    pub(super) chunk_pages: u32,
    /// The neighbours in the queue of the class, or the next empty page.
    pub(super) next: *mut Page,
    pub(super) previous: *mut Page,
    /// In the first page of a chunk: that of the chunk before.
    pub(super) previous_chunk: *mut Page,
}

pub(super) const HEAD: usize = size_of::<Page>();
const _: () = assert!(HEAD == 64 && (PAGE - 64 * HEAD) / SMALL_MAX > 1, "a full page has more than one block");

/// Pages of a class that have free blocks.
pub(super) struct Queue {
    pub(super) first: Cell<*mut Page>,
    pub(super) last: Cell<*mut Page>,
}

/// Where in a page its head is. It is at most 64 heads behind the begin.
#[inline(always)]
pub(super) const fn head_offset(page: usize) -> usize {
    (page / PAGE % 64) * HEAD
}

/// The head of the page that an address is in.
#[inline(always)]
pub(super) fn head_of(block: *mut u8) -> *mut Page {
    block
        .map_addr(|address| {
            let page = address & !(PAGE - 1);
            page + head_offset(page)
        })
        .cast()
}

/// Asks the processor for a block that will be the next one of its class, if there is one: it was freed some time ago, and whoever gets
/// it writes to it at once.
#[inline(always)]
pub(super) fn ask_for(block: *const Free) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, and it accesses nothing that a program could see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(block.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = block;
}

/// The begin of a page.
pub(super) fn start_of(page: *mut Page) -> *mut u8 {
    page.cast::<u8>().map_addr(|address| address & !(PAGE - 1))
}

impl Page {
    /// A head without anything.
    pub(super) const fn new() -> Self {
        Self {
            free: null_mut(),
            used: 0,
            hidden: 0,
            size: 0,
            class: 0,
            next_fresh: 0,
            chunk_pages: 0,
            next: null_mut(),
            previous: null_mut(),
            previous_chunk: null_mut(),
        }
    }
}

impl Queue {
    /// A queue without pages.
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(null_mut()), last: Cell::new(null_mut()) }
    }

    /// Puts a page at the end.
    ///
    /// # Safety
    /// It serves the queue's class and is in no queue.
    pub(super) unsafe fn push(&self, page: *mut Page) {
        let last = self.last.get();
        // SAFETY: the caller's promise.
        unsafe {
            (*page).next = null_mut();
            (*page).previous = last;
            if last.is_null() {
                self.first.set(page);
            } else {
                (*last).next = page;
            }
        }
        self.last.set(page);
    }

    /// Takes a page out.
    ///
    /// # Safety
    /// It is in the queue.
    pub(super) unsafe fn remove(&self, page: *mut Page) {
        // SAFETY: the caller's promise.
        unsafe {
            let Page { next, previous, .. } = *page;
            if previous.is_null() {
                self.first.set(next);
            } else {
                (*previous).next = next;
            }
            if next.is_null() {
                self.last.set(previous);
            } else {
                (*next).previous = previous;
            }
        }
    }

    /// Takes the first page out; null if there is none.
    pub(super) fn pop(&self) -> *mut Page {
        let page = self.first.get();
        if !page.is_null() {
            // SAFETY: it is in the queue.
            unsafe { self.remove(page) };
        }
        page
    }
}

/// Makes free blocks of what a page has not used yet; false if that is none.
///
/// # Safety
/// The page serves a class and has no free blocks.
pub(super) unsafe fn extend(page: *mut Page) -> bool {
    let start = start_of(page);
    let head = head_offset(start.addr());
    // SAFETY: S2: from `next_fresh` on nothing is used but the head, which is passed by.
    unsafe {
        let size = (*page).size as usize;
        let mut at = (*page).next_fresh as usize;
        let mut made = 0;
        let mut link = &raw mut (*page).free;
        while made < EXTENT {
            if at < head + HEAD && at + size > head {
                at = head + HEAD;
            }
            if at + size > PAGE {
                break;
            }
            let block = start.add(at).cast::<Free>();
            *link = block;
            link = &raw mut (*block).next;
            at += size;
            made += size;
        }
        *link = null_mut();
        (*page).next_fresh = at as u32;
        made > 0
    }
}
