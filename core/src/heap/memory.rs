//! Blocks: every allocation and release of a heap goes through here, and is counted.
//!
//! `total_bytes` is the sum of the sizes of all live blocks, exactly.

use crate::base::alloc::{AllocKind, OldSize};
use crate::base::error::{AllocResult, OutOfMemory};
use crate::base::limits::MAX_SIZE;
use crate::gc::Heap;

impl Heap {
    /// Resizes a block, allocates one (null `ptr`, `osize` 0) or frees it (`nsize` 0, which returns null).
    ///
    /// When the allocator fails, an emergency collection runs and it is asked once more. A block that shrinks never
    /// causes a collection; an allocator that fails even then breaks its contract, and the error says that nothing has
    /// changed.
    ///
    /// # Safety
    /// `ptr` is null and `osize` 0, or `ptr` is a block of this heap of exactly `osize` bytes. What is needed
    /// later is reachable (G1).
    #[doc(alias = "luaM_realloc_")]
    pub unsafe fn realloc(&mut self, ptr: *mut u8, osize: usize, nsize: usize) -> AllocResult<*mut u8> {
        debug_assert!(ptr.is_null() == (osize == 0));
        if nsize == osize {
            return Ok(ptr);
        }
        if nsize == 0 {
            // SAFETY: the caller's promise.
            unsafe { self.free(ptr, osize) };
            return Ok(core::ptr::null_mut());
        }
        let old = if ptr.is_null() { OldSize::of_kind(AllocKind::Other) } else { OldSize::of_size(osize) };
        // SAFETY: the caller's promise.
        unsafe { self.request(ptr, old, osize, nsize) }
    }

    /// Allocates a block of `size` bytes, which is not 0.
    #[inline]
    pub fn allocate(&mut self, kind: AllocKind, size: usize) -> AllocResult<*mut u8> {
        debug_assert!(size > 0);
        // SAFETY: there is no old block.
        unsafe { self.request(core::ptr::null_mut(), OldSize::of_kind(kind), 0, size) }
    }

    /// Frees a block. A null `ptr` with size 0 is allowed.
    ///
    /// # Safety
    /// `ptr` is null and `size` 0, or `ptr` is a block of this heap of exactly `size` bytes, not used afterwards.
    #[inline]
    pub unsafe fn free(&mut self, ptr: *mut u8, size: usize) {
        debug_assert!(ptr.is_null() == (size == 0));
        if size != 0 {
            // SAFETY: rules 1 and 3 of the contract, by the caller's promise.
            unsafe { self.alloc.call(ptr, OldSize::of_size(size), 0) };
            self.debt -= size as isize;
        }
    }

    /// Resizes an array from `old` to `new` elements. New elements are uninitialised.
    ///
    /// # Safety
    /// As for [`Self::realloc`], with `old * size_of::<T>()` as the size.
    pub unsafe fn resize_array<T>(&mut self, ptr: *mut T, old: usize, new: usize) -> AllocResult<*mut T> {
        let nsize = new.checked_mul(size_of::<T>()).ok_or(OutOfMemory)?;
        // SAFETY: the caller's promise; the old size did not overflow when the block was made.
        unsafe { Ok(self.realloc(ptr.cast(), old * size_of::<T>(), nsize)?.cast()) }
    }

    /// Frees an array of `len` elements.
    ///
    /// # Safety
    /// As for [`Self::free`], with `len * size_of::<T>()` as the size.
    #[inline]
    pub unsafe fn free_array<T>(&mut self, ptr: *mut T, len: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.free(ptr.cast(), len * size_of::<T>()) }
    }

    /// # Safety
    /// As for [`Self::realloc`]; `nsize` is not 0, and `old` goes with `ptr` and `osize`.
    #[inline]
    unsafe fn request(&mut self, ptr: *mut u8, old: OldSize, osize: usize, nsize: usize) -> AllocResult<*mut u8> {
        if nsize > MAX_SIZE {
            return Err(OutOfMemory);
        }
        if cfg!(gc_zeal) && nsize > osize && self.running && self.may_collect() {
            // SAFETY: the caller's promise about what is needed later.
            unsafe {
                self.full(true);
                self.check();
            }
        }
        // SAFETY: rules 2 and 3 of the contract, by the caller's promise.
        let mut block = unsafe { self.alloc.call(ptr, old, nsize) };
        if block.is_null() {
            // SAFETY: the caller's promise.
            block = unsafe { self.retry(ptr, old, osize, nsize) }?;
        }
        self.debt += nsize as isize - osize as isize;
        Ok(block)
    }

    /// The second attempt, after an emergency collection.
    ///
    /// # Safety
    /// As for `request`.
    #[cold]
    #[inline(never)]
    unsafe fn retry(&mut self, ptr: *mut u8, old: OldSize, osize: usize, nsize: usize) -> AllocResult<*mut u8> {
        if nsize < osize || !self.may_collect() {
            return Err(OutOfMemory);
        }
        // SAFETY: the caller's promise; rule 3: the old block still stands.
        let block = unsafe {
            self.full(true);
            self.alloc.call(ptr, old, nsize)
        };
        if block.is_null() { Err(OutOfMemory) } else { Ok(block) }
    }

    /// Whether the heap is complete enough for a collection, and none is running.
    fn may_collect(&self) -> bool {
        !self.emergency && !self.main_thread.is_null() && self.registry.is_table()
    }
}
