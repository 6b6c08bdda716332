//! Blocks that were to shrink and could not.
//!
//! The contract says that a shrink never fails. An allocator that has to move a block for it may find no memory; the block then
//! stays as it is, and the caller believes it smaller than the layout that the allocator wants back. The true size is noted in the
//! block's own end, which the caller does not use any more.
//!
//! N1. A node of the list lies in a live block, directly behind the size (a multiple of 16) that its owner believes in, and the
//!     block's true size, which is at least 16 bytes more, is noted in it. Nobody else uses these bytes.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is noted of a block.
#[repr(C)]
struct Node {
    next: *mut Node,
    true_size: usize,
}

const _: () = assert!(size_of::<Node>() <= 16 && align_of::<Node>() <= 16, "a node fits behind every kept block");

/// The first node.
struct First(*mut Node);

// SAFETY: the nodes lie in blocks of the adapter, which goes to the other thread with them.
unsafe impl Send for First {}

/// The blocks of one adapter that are larger than their owners believe.
pub(crate) struct KeptBlocks {
    /// How many there are. Whoever got a block that is among them got it after it was noted, so a 0 is never stale for him.
    count: AtomicUsize,
    first: Mutex<First>,
}

impl KeptBlocks {
    pub(crate) const fn new() -> Self {
        Self { count: AtomicUsize::new(0), first: Mutex::new(First(null_mut())) }
    }

    fn first(&self) -> MutexGuard<'_, First> {
        // Nothing that is done under the lock panics.
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a block has `true_size` bytes, of which its owner knows `size`.
    ///
    /// # Safety
    /// The block is live and not noted; both sizes are multiples of 16, and `size` is the smaller one.
    #[cold]
    pub(crate) unsafe fn keep(&self, block: *mut u8, size: usize, true_size: usize) {
        let mut first = self.first();
        // SAFETY: N1 by the caller's promise.
        unsafe {
            let node = block.add(size).cast::<Node>();
            node.write(Node { next: first.0, true_size });
            first.0 = node;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The true size of a block of which its owner knows `size`; it is not noted any more.
    ///
    /// # Safety
    /// The block is a live one of the adapter, and `size` the size that was last asked for it, rounded up to a multiple of 16.
    #[inline]
    pub(crate) unsafe fn take(&self, block: *mut u8, size: usize) -> usize {
        if self.count.load(Ordering::Relaxed) == 0 {
            return size;
        }
        // SAFETY: the caller's promise.
        unsafe { self.search(block, size) }
    }

    /// # Safety
    /// As for [`Self::take`].
    #[cold]
    unsafe fn search(&self, block: *mut u8, size: usize) -> usize {
        let mut first = self.first();
        let mut link = &raw mut first.0;
        // SAFETY: N1: the list holds nodes in live blocks.
        unsafe {
            while !(*link).is_null() {
                let node = *link;
                if node.addr() == block.addr() + size {
                    *link = (*node).next;
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    return (*node).true_size;
                }
                link = &raw mut (*node).next;
            }
        }
        size
    }
}
