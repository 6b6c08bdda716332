//! Any allocator that implements `Allocator` of the crate allocator-api2.

use std::alloc::{GlobalAlloc, Layout};
use std::fmt;
use std::ptr::{NonNull, null_mut};

use allocator_api2::alloc::Allocator;
use perilune_core::{LuaAlloc, OldSize};

use crate::global::resize;
use crate::kept::KeptBlocks;

/// Any allocator that implements [`Allocator`] of the crate allocator-api2, version 0.2, the stable mirror of the standard library's
/// trait. A reference to one is one, too: `Bridge::new(&arena)`.
///
/// - **Alignment** 16, and sizes are rounded up to multiples of 16, as in [`Global`](crate::Global).
/// - **Growth in place**, **threads**: what the allocator does with `grow` and `shrink`; the adapter adds nothing that is bound to a
///   thread.
/// - **Bulk free**: none, since the trait does not say whether dropping the allocator frees its blocks.
/// - **Cost**: that of [`Global`](crate::Global).
///
/// Allocators of version 0.4 of the crate implement another trait, and need an adapter of their own. An allocator that panics ends
/// the process, because the contract forbids to unwind.
pub struct Bridge<A: Allocator> {
    inner: AsGlobal<A>,
    kept: KeptBlocks,
}

impl<A: Allocator> Bridge<A> {
    /// Wraps an allocator.
    pub const fn new(inner: A) -> Self {
        Self { inner: AsGlobal(inner), kept: KeptBlocks::new() }
    }

    /// The wrapped allocator.
    pub const fn inner(&self) -> &A {
        &self.inner.0
    }
}

impl<A: Allocator + fmt::Debug> fmt::Debug for Bridge<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bridge").field(self.inner()).finish()
    }
}

// SAFETY: `resize` keeps the rules. Blocks stay valid when an `Allocator` is moved, as that trait demands.
unsafe impl<A: Allocator> LuaAlloc for Bridge<A> {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1.
        unsafe { resize(&self.inner, &self.kept, ptr, osize, nsize) }
    }
}

/// An `Allocator` in the form of a `GlobalAlloc`.
struct AsGlobal<A>(A);

/// Ends the process when a panic comes by.
struct NoUnwinding;

impl Drop for NoUnwinding {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Calls a function, and ends the process if it panics.
#[inline]
fn without_unwinding<R>(action: impl FnOnce() -> R) -> R {
    let guard = NoUnwinding;
    let result = action();
    std::mem::forget(guard);
    result
}

/// The address of a block, or null.
fn address<E>(block: Result<NonNull<[u8]>, E>) -> *mut u8 {
    block.map_or(null_mut(), |block| block.as_ptr().cast())
}

// SAFETY: the functions of the traits correspond to each other, and none of these unwinds.
unsafe impl<A: Allocator> GlobalAlloc for AsGlobal<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        without_unwinding(|| address(self.0.allocate(layout)))
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise: the block is this allocator's and not null, and the layout the last one.
        without_unwinding(|| unsafe { self.0.deallocate(NonNull::new_unchecked(ptr), layout) });
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above; the caller promises that the new size makes a valid layout.
        without_unwinding(|| unsafe {
            let new = Layout::from_size_align_unchecked(new_size, layout.align());
            let ptr = NonNull::new_unchecked(ptr);
            address(if new_size >= layout.size() {
                self.0.grow(ptr, layout, new)
            } else {
                self.0.shrink(ptr, layout, new)
            })
        })
    }
}
