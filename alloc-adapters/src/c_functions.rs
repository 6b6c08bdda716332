//! Allocators that are functions in the manner of C's `malloc`, `realloc` and `free`, which ask for no old size.

use std::ffi::c_void;
use std::ptr::null_mut;

use perilune_core::OldSize;

/// The smallest size that is asked for: from here on such allocators align to 16, for 8 bytes and less some align to 8 only.
pub(crate) const SMALLEST: usize = 16;
/// The largest size that is asked for. Above, they refuse, too, but a size class may wrap or a message be written.
const MAX: usize = isize::MAX as usize;

/// The contract by three functions: size 0 frees and gives null, for a null pointer without a call (`realloc` with size 0 means
/// something else in each of them); a size that is too large gives null; a shrink that fails keeps the block, since `free` and
/// `realloc` do not look at sizes.
///
/// # Safety
/// As for [`LuaAlloc::realloc`](perilune_core::LuaAlloc::realloc). The functions do as C's: blocks of [`SMALLEST`] bytes and more are
/// aligned to 16, and `realloc` leaves the block when it fails.
#[inline(always)]
pub(crate) unsafe fn resize(
    ptr: *mut u8,
    osize: OldSize,
    nsize: usize,
    malloc: impl FnOnce(usize) -> *mut c_void,
    realloc: impl FnOnce(*mut c_void, usize) -> *mut c_void,
    free: impl FnOnce(*mut c_void),
) -> *mut u8 {
    if nsize == 0 {
        if !ptr.is_null() {
            free(ptr.cast());
        }
        return null_mut();
    }
    if nsize > MAX {
        return null_mut();
    }
    if ptr.is_null() {
        return malloc(nsize.max(SMALLEST)).cast();
    }
    let moved = realloc(ptr.cast(), nsize.max(SMALLEST)).cast::<u8>();
    if moved.is_null() && nsize <= osize.bytes() { ptr } else { moved }
}
