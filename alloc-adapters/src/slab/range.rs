//! Very large blocks: ranges of whole pages, each mapped by the system for itself.
//!
//! What is freed is kept, and goes back to the system bit by bit as other memory is taken. Until then it serves other very large
//! blocks: a range is split where a block needs only its beginning, so that the block can grow into the rest; neighbours become one
//! range again. So a program that makes large arrays time and again neither waits for the system to unmap and clear pages, nor has
//! more memory than it had before. A block that has no room behind it grows by moving its pages, not what is on them.

use std::ptr::null_mut;

use super::Slab;

/// From this size on, head included, blocks are ranges. Nothing is on platforms where pages cannot be unmapped singly.
pub(super) const VERY_LARGE: usize = if cfg!(unix) { 256 << 10 } else { usize::MAX };
/// What the sizes of ranges are multiples of: at least the size of a page, whatever the system.
pub(super) const GRANULE: usize =
    if cfg!(any(target_arch = "x86", target_arch = "x86_64")) { 4 << 10 } else { 64 << 10 };
/// Up to this size a block is copied into a range that has room for it, since to clear new pages takes longer than to copy them.
const COPIED: usize = 2 << 20;
/// How many ranges are looked at for one that is large enough.
const SEARCHED: usize = 16;

/// The head of a range that nobody has.
pub(super) struct Range {
    next: *mut Range,
    size: usize,
}

impl Slab {
    /// A range of `size` bytes, a multiple of [`GRANULE`], or null.
    pub(super) fn take_range(&self, size: usize) -> *mut u8 {
        let found = self.find_range(|range| range.size >= size);
        if !found.is_null() {
            // SAFETY: S6.
            unsafe { self.take_beginning(found, size) };
            return found.cast();
        }
        self.ask(size, || system::map(size))
    }

    /// Keeps a range that is not used any more.
    ///
    /// # Safety
    /// It is one, and nobody's.
    pub(super) unsafe fn retire(&self, start: *mut u8, size: usize) {
        let (mut start, mut size) = (start, size);
        // SAFETY: S6; the caller's promise.
        unsafe {
            let behind = self.find_range(|range| range.start() == start.wrapping_add(size));
            if !behind.is_null() {
                size += (*behind).size;
                self.remove_range(behind);
            }
            let before = self.find_range(|range| range.end() == start);
            if !before.is_null() {
                size += (*before).size;
                start = before.cast();
                self.remove_range(before);
            }
            start.cast::<Range>().write(Range { next: self.ranges.get(), size });
        }
        self.ranges.set(start.cast());
    }

    /// Makes a block's range larger, at another place if need be. Null if it cannot be, or if it had better be copied; then it is as
    /// it was.
    ///
    /// # Safety
    /// It is a range of `old` bytes; `new` is more, and a multiple of [`GRANULE`].
    pub(super) unsafe fn extend_range(&self, start: *mut u8, old: usize, new: usize) -> *mut u8 {
        let (end, more) = (start.wrapping_add(old), new - old);
        let behind = self.find_range(|range| range.start() == end && range.size >= more);
        // SAFETY: S6; the caller's promise.
        unsafe {
            if !behind.is_null() {
                self.take_beginning(behind, more);
                return start;
            }
            if old <= COPIED && !self.find_range(|range| range.size >= new).is_null() {
                return null_mut();
            }
            self.ask(more, || system::remap(start, old, new))
        }
    }

    /// Asks the system for memory, `bytes` more than there is, and counts what it gives; null if it refuses. As much of what was freed
    /// goes back first, so that there is never more memory in use than before it was freed; and all of it if the system refuses.
    pub(super) fn ask(&self, bytes: usize, request: impl Fn() -> *mut u8) -> *mut u8 {
        self.give_back(bytes);
        let mut memory = request();
        if memory.is_null() && self.give_back(usize::MAX) {
            memory = request();
        }
        if !memory.is_null() {
            self.large_bytes.set(self.large_bytes.get() + bytes);
        }
        memory
    }

    /// Gives up to `bytes` of what was freed back to the system; whether there was something that it took.
    #[inline]
    pub(super) fn give_back(&self, bytes: usize) -> bool {
        self.has_ranges() && self.give_back_slowly(bytes)
    }

    pub(super) fn has_ranges(&self) -> bool {
        !self.ranges.get().is_null()
    }

    #[cold]
    #[inline(never)]
    fn give_back_slowly(&self, bytes: usize) -> bool {
        let all = if bytes == usize::MAX { bytes } else { bytes.next_multiple_of(GRANULE) };
        let mut left = all;
        while left > 0 && self.has_ranges() {
            let range = self.ranges.get();
            // SAFETY: S6. The end goes first; the head is read before it goes.
            unsafe {
                let Range { next, size } = *range;
                let part = left.min(size);
                if !system::unmap(range.cast::<u8>().add(size - part), part) {
                    break;
                }
                if part == size {
                    self.ranges.set(next);
                } else {
                    (*range).size -= part;
                }
                self.large_bytes.set(self.large_bytes.get() - part);
                left -= part;
            }
        }
        left < all
    }

    /// The first one of some ranges that is as wished, or null.
    fn find_range(&self, is_wanted: impl Fn(&Range) -> bool) -> *mut Range {
        let mut range = self.ranges.get();
        for _ in 0..SEARCHED {
            // SAFETY: S6.
            unsafe {
                if range.is_null() || is_wanted(&*range) {
                    return range;
                }
                range = (*range).next;
            }
        }
        null_mut()
    }

    /// Takes the first bytes of a range; the rest stays one.
    ///
    /// # Safety
    /// It is in the list, and has as many.
    unsafe fn take_beginning(&self, range: *mut Range, size: usize) {
        // SAFETY: S6; sizes are multiples of `GRANULE`, so there is room for a head in what is left.
        unsafe {
            let rest = (*range).size - size;
            self.remove_range(range);
            if rest > 0 {
                let rest_of = range.cast::<u8>().add(size).cast::<Range>();
                rest_of.write(Range { next: self.ranges.get(), size: rest });
                self.ranges.set(rest_of);
            }
        }
    }

    /// Takes a range out of the list.
    ///
    /// # Safety
    /// It is in it.
    unsafe fn remove_range(&self, range: *mut Range) {
        // SAFETY: S6.
        unsafe {
            let next = (*range).next;
            if self.ranges.get() == range {
                return self.ranges.set(next);
            }
            let mut before = self.ranges.get();
            while (*before).next != range {
                before = (*before).next;
            }
            (*before).next = next;
        }
    }
}

impl Range {
    fn start(&self) -> *mut u8 {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn end(&self) -> *mut u8 {
        self.start().wrapping_add(self.size)
    }
}

/// Gives a range back to the system.
///
/// # Safety
/// It is one, and nobody's.
pub(super) unsafe fn unmap(start: *mut u8, size: usize) {
    // SAFETY: the caller's promise. If the system will not have it, it is lost to the process.
    unsafe { system::unmap(start, size) };
}

/// The system's functions. (The size of a page is no constant, but nowhere more than [`GRANULE`].)
#[cfg(unix)]
mod system {
    use std::ptr::null_mut;

    /// New pages, which hold zeros, or null.
    pub(super) fn map(size: usize) -> *mut u8 {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new pages are asked for, at no place that might be in use.
        let start = unsafe { libc::mmap(null_mut(), size, access, kind, -1, 0) };
        if start == libc::MAP_FAILED { null_mut() } else { start.cast() }
    }

    /// # Safety
    /// The pages are mapped, and nobody's.
    pub(super) unsafe fn unmap(start: *mut u8, size: usize) -> bool {
        // SAFETY: the caller's promise.
        unsafe { libc::munmap(start.cast(), size) == 0 }
    }

    /// Adds pages to a range, which may move; null if that cannot be.
    ///
    /// # Safety
    /// The pages are mapped, and the caller's.
    #[cfg(target_os = "linux")]
    pub(super) unsafe fn remap(start: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let moved = unsafe { libc::mremap(start.cast(), old, new, libc::MREMAP_MAYMOVE) };
        if moved == libc::MAP_FAILED { null_mut() } else { moved.cast() }
    }

    /// Other systems have no such function.
    #[cfg(not(target_os = "linux"))]
    pub(super) unsafe fn remap(_: *mut u8, _: usize, _: usize) -> *mut u8 {
        null_mut()
    }
}

/// Where pages cannot be unmapped singly, there are no ranges.
#[cfg(not(unix))]
mod system {
    use std::ptr::null_mut;

    pub(super) fn map(_: usize) -> *mut u8 {
        null_mut()
    }

    pub(super) unsafe fn unmap(_: *mut u8, _: usize) -> bool {
        false
    }

    pub(super) unsafe fn remap(_: *mut u8, _: usize, _: usize) -> *mut u8 {
        null_mut()
    }
}
