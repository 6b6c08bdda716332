//! Lists of free blocks by size class.
//!
//! E1. The list of a class holds blocks of at least the class's size, aligned to 16, that are nobody else's. The first word of each
//!     is the next one's address.

use std::cell::Cell;
use std::ptr::null_mut;

use crate::size_class::{Free, class_of, class_size};

/// Free blocks, by class. The classes are the first `N`.
pub(crate) struct FreeLists<const N: usize> {
    heads: [Cell<*mut Free>; N],
}

impl<const N: usize> FreeLists<N> {
    pub(crate) const fn new() -> Self {
        Self { heads: [const { Cell::new(null_mut()) }; N] }
    }

    /// Takes a block of a class out of its list, or returns null.
    #[inline(always)]
    pub(crate) fn pop(&self, class: usize) -> *mut u8 {
        let head = &self.heads[class];
        let block = head.get();
        if !block.is_null() {
            // SAFETY: E1.
            head.set(unsafe { (*block).next });
        }
        block.cast()
    }

    /// Puts a block into the list of a class.
    ///
    /// # Safety
    /// The block is nobody else's from now on, and has what E1 demands.
    #[inline(always)]
    pub(crate) unsafe fn push(&self, class: usize, block: *mut u8) {
        let head = &self.heads[class];
        let block = block.cast::<Free>();
        // SAFETY: the caller's promise.
        unsafe { block.write(Free { next: head.get() }) };
        head.set(block);
    }

    /// Divides memory into free blocks.
    ///
    /// # Safety
    /// The `len` bytes are nobody else's from now on; their address and `len` are multiples of 16.
    pub(crate) unsafe fn donate(&self, mut memory: *mut u8, mut len: usize) {
        while len != 0 {
            let (mut class, size) = class_of(len.min(class_size(N - 1)));
            // The largest class that is not larger: the class of a size that is not a class's own is the one above.
            if size > len {
                class -= 1;
            }
            let size = class_size(class);
            // SAFETY: the caller's promise; the class's size is at most `len`.
            unsafe {
                self.push(class, memory);
                memory = memory.add(size);
            }
            len -= size;
        }
    }

    /// Takes a block out of the list of the next larger class that has one, gives back what is too much of it, and returns it; null
    /// if there is none.
    #[cold]
    pub(crate) fn split_larger(&self, class: usize) -> *mut u8 {
        let wanted = class_size(class);
        for larger in class + 1..N {
            let block = self.pop(larger);
            if !block.is_null() {
                // SAFETY: E1: the block is as large as its class says, and was nobody's.
                unsafe { self.donate(block.add(wanted), class_size(larger) - wanted) };
                return block;
            }
        }
        null_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size_class::{class_count, exact_class};

    #[test]
    fn donated_memory_comes_back_as_blocks() {
        let lists = FreeLists::<{ class_count(4096) }>::new();
        let mut memory = vec![0u128; 1000];
        // SAFETY: the memory is not used otherwise.
        unsafe { lists.donate(memory.as_mut_ptr().cast(), 16_000) };
        let mut sum = 0;
        for class in 0..class_count(4096) {
            while !lists.pop(class).is_null() {
                sum += class_size(class);
            }
        }
        assert_eq!(sum, 16_000);
    }

    #[test]
    fn a_larger_block_is_split() {
        let lists = FreeLists::<{ class_count(4096) }>::new();
        let mut memory = vec![0u128; 256];
        let start = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: the memory is not used otherwise.
        unsafe { lists.donate(start, 4096) };
        assert_eq!(lists.split_larger(exact_class(48)), start);
        let rest: usize = (0..class_count(4096)).filter(|&class| !lists.pop(class).is_null()).map(class_size).sum();
        assert_eq!(rest, 4096 - 48);
        assert!(lists.split_larger(0).is_null());
    }
}
