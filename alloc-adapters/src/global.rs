//! Any allocator that implements Rust's [`GlobalAlloc`].

use std::alloc::{GlobalAlloc, Layout};
use std::fmt;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

use crate::kept::KeptBlocks;

/// What blocks are aligned to, and their sizes rounded to.
pub(crate) const ALIGN: usize = 16;

/// Any allocator that implements [`GlobalAlloc`] behind the contract: those that programs set as their global allocator, and others
/// (talc, rlsf, buddy systems) alike. It is borrowed, because such an allocator may hold its memory within itself and need not bear
/// to be moved; most are statics.
///
/// - **Alignment** 16, and sizes are rounded up to multiples of 16, so that a resize within the same multiple is no work.
/// - **Growth in place**, **threads**: what the allocator does; the adapter adds nothing that is bound to a thread.
/// - **Bulk free**: none.
/// - **Cost**: the rounding, and a look whether a block was ever kept because it could not shrink.
///
/// A `GlobalAlloc` must get exactly the layout back that a block was made with. Where a shrink fails, the block stays and the true
/// size is noted in its unused end until it is freed.
///
/// ```
/// use perilune_alloc_adapters::{AllocKind, Global, LuaAlloc, OldSize};
///
/// static ALLOCATOR: std::alloc::System = std::alloc::System;
/// let memory = Global::new(&ALLOCATOR);
/// // SAFETY: the block is used as the contract says, and freed.
/// unsafe {
///     let block = memory.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::String), 30);
///     assert!(!block.is_null() && block.addr() % 16 == 0);
///     memory.realloc(block, OldSize::of_size(30), 0);
/// }
/// ```
pub struct Global<'a, G> {
    inner: &'a G,
    kept: KeptBlocks,
}

impl<'a, G> Global<'a, G> {
    /// Puts an allocator behind the contract.
    pub const fn new(inner: &'a G) -> Self {
        Self { inner, kept: KeptBlocks::new() }
    }

    /// The allocator.
    pub const fn inner(&self) -> &'a G {
        self.inner
    }
}

impl<G: fmt::Debug> fmt::Debug for Global<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Global").field(self.inner).finish()
    }
}

// SAFETY: `resize` keeps the rules. The allocator stays where it is when the adapter is moved.
unsafe impl<G: GlobalAlloc> LuaAlloc for Global<'_, G> {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1.
        unsafe { resize(self.inner, &self.kept, ptr, osize, nsize) }
    }
}

/// The layout of a block that was asked for with `size`, or `None` if no block can be so large.
#[inline(always)]
pub(crate) const fn layout(size: usize) -> Option<Layout> {
    if size > isize::MAX as usize - (ALIGN - 1) {
        return None;
    }
    // SAFETY: the size that is rounded up is not larger than a layout's may be, and the alignment a power of two.
    Some(unsafe { Layout::from_size_align_unchecked(size.next_multiple_of(ALIGN), ALIGN) })
}

/// The layout of a block that exists.
///
/// # Safety
/// The size is that of a block.
#[inline(always)]
pub(crate) const unsafe fn layout_of_block(size: usize) -> Layout {
    // SAFETY: its layout was a valid one when it was made.
    unsafe { Layout::from_size_align_unchecked((size + (ALIGN - 1)) & !(ALIGN - 1), ALIGN) }
}

/// The contract over a `GlobalAlloc`: size 0 frees, a size for which there is no layout gives null before anything is rounded, a
/// shrink that fails keeps the block, and every layout has alignment 16. Nothing unwinds, because a `GlobalAlloc` must not.
///
/// # Safety
/// As for [`LuaAlloc::realloc`]; all calls with the same `inner` have the same `kept`.
#[inline]
pub(crate) unsafe fn resize<G: GlobalAlloc>(
    inner: &G,
    kept: &KeptBlocks,
    ptr: *mut u8,
    osize: OldSize,
    nsize: usize,
) -> *mut u8 {
    if ptr.is_null() {
        return match layout(nsize) {
            // SAFETY: the size of the layout is not zero.
            Some(new) if nsize > 0 => unsafe { inner.alloc(new) },
            _ => null_mut(),
        };
    }
    // SAFETY: C1; N1 tells the size that the block was made with, whose layout is valid.
    unsafe {
        if nsize == 0 {
            let size = kept.take(ptr, layout_of_block(osize.bytes()).size());
            inner.dealloc(ptr, Layout::from_size_align_unchecked(size, ALIGN));
            return null_mut();
        }
        change(inner, kept, ptr, osize.bytes(), nsize)
    }
}

/// Resizes a block.
///
/// # Safety
/// As for [`resize`]; there is a block, and it is not to be freed.
#[inline(never)]
unsafe fn change<G: GlobalAlloc>(inner: &G, kept: &KeptBlocks, ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
    let Some(new) = layout(nsize) else { return null_mut() };
    // SAFETY: C1; N1 as above; the new size is not zero and, with its alignment, a valid layout.
    unsafe {
        let old = layout_of_block(osize);
        if old.size() == new.size() {
            return ptr;
        }
        let size = kept.take(ptr, old.size());
        let moved = inner.realloc(ptr, Layout::from_size_align_unchecked(size, ALIGN), new.size());
        if !moved.is_null() {
            return moved;
        }
        // The block stays. Either it is large enough, or the caller goes on with the size that he knows.
        let (answer, known) = if new.size() <= size { (ptr, new.size()) } else { (null_mut(), old.size()) };
        if known < size {
            kept.keep(ptr, known, size);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use perilune_core::AllocKind;

    use super::*;

    /// Verifies layouts, and refuses what it is told to refuse.
    #[derive(Default)]
    struct Strict {
        refuses: Cell<bool>,
        live: Cell<usize>,
    }

    /// The size of a block lies before it.
    const HEAD: usize = 16;

    // SAFETY: the blocks are the system's, behind a head.
    unsafe impl GlobalAlloc for Strict {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            if self.refuses.get() {
                return null_mut();
            }
            // SAFETY: the size is not zero; the head is inside the block.
            unsafe {
                let start = std::alloc::System.alloc(Layout::from_size_align_unchecked(layout.size() + HEAD, ALIGN));
                start.cast::<usize>().write(layout.size());
                self.live.set(self.live.get() + layout.size());
                start.add(HEAD)
            }
        }

        unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
            // SAFETY: the block was made above.
            unsafe {
                let start = ptr.sub(HEAD);
                assert_eq!(start.cast::<usize>().read(), layout.size(), "the layout is the block's");
                self.live.set(self.live.get() - layout.size());
                std::alloc::System.dealloc(start, Layout::from_size_align_unchecked(layout.size() + HEAD, ALIGN));
            }
        }
    }

    #[test]
    fn a_block_that_cannot_shrink_is_kept_and_goes_back_whole() {
        const NEW: OldSize = OldSize::of_kind(AllocKind::Other);
        let strict = Strict::default();
        let memory = Global::new(&strict);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let a = memory.realloc(null_mut(), NEW, 100);
            let b = memory.realloc(null_mut(), NEW, 1000);
            let c = memory.realloc(null_mut(), NEW, 200);
            a.write_bytes(1, 100);
            strict.refuses.set(true);
            assert_eq!(memory.realloc(a, OldSize::of_size(100), 40), a);
            assert_eq!(memory.realloc(b, OldSize::of_size(1000), 990), b);
            assert_eq!(memory.realloc(b, OldSize::of_size(990), 1), b);
            assert_eq!(memory.realloc(c, OldSize::of_size(200), 180), c);
            // It fits into what the block still has; more than that is refused, and the block is known all the same.
            assert_eq!(memory.realloc(a, OldSize::of_size(40), 80), a);
            assert!(memory.realloc(a, OldSize::of_size(80), 113).is_null());
            assert_eq!(memory.realloc(a, OldSize::of_size(80), 112), a);
            assert!(memory.realloc(b, OldSize::of_size(1), usize::MAX).is_null());
            strict.refuses.set(false);
            let b = memory.realloc(b, OldSize::of_size(1), 3);
            let a = memory.realloc(a, OldSize::of_size(112), 300);
            assert_eq!(std::slice::from_raw_parts(a, 40), [1; 40]);
            memory.realloc(c, OldSize::of_size(180), 0);
            memory.realloc(a, OldSize::of_size(300), 0);
            memory.realloc(b, OldSize::of_size(3), 0);
        }
        assert_eq!(strict.live.get(), 0);
    }
}
