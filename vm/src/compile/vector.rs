//! A growing array in the state's memory.
//!
//! W1. `data` is a block of the heap with room for `capacity` elements (null for 0), of which the first `len` are initialised.
//! W2. Nothing frees a vector by itself: its owner calls [`Vector::free`] on every way out.

use core::ops::{Deref, DerefMut};

use crate::error::LuaResult;
use crate::state::LuaState;

/// The smallest room that a growing array gets (`MINSIZEARRAY`).
const MIN_CAPACITY: usize = 4;

/// A growing array of plain data.
pub(super) struct Vector<T: Copy> {
    data: *mut T,
    len: usize,
    capacity: usize,
}

impl<T: Copy> Vector<T> {
    /// An array without elements and without memory.
    pub(super) const fn new() -> Self {
        Self { data: core::ptr::null_mut(), len: 0, capacity: 0 }
    }

    /// Appends an element.
    #[inline(always)]
    pub(super) fn push(&mut self, lua: &mut LuaState, value: T) -> LuaResult<()> {
        if self.len == self.capacity {
            self.reserve(lua, 1)?;
        }
        // SAFETY: W1; there is room.
        unsafe { self.data.add(self.len).write(value) };
        self.len += 1;
        Ok(())
    }

    /// Appends elements.
    pub(super) fn extend(&mut self, lua: &mut LuaState, values: &[T]) -> LuaResult<()> {
        if self.capacity - self.len < values.len() {
            self.reserve(lua, values.len())?;
        }
        // SAFETY: W1; there is room, and `values` cannot lie in it, as `self` is borrowed mutably.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr(), self.data.add(self.len), values.len()) };
        self.len += values.len();
        Ok(())
    }

    /// Makes room for `n` more elements.
    #[cold]
    #[inline(never)]
    pub(super) fn reserve(&mut self, lua: &mut LuaState, n: usize) -> LuaResult<()> {
        let needed = self.len.saturating_add(n);
        if needed > self.capacity {
            let capacity = needed.max(self.capacity * 2).max(MIN_CAPACITY);
            // SAFETY: W1; the block is not the collector's.
            self.data = unsafe { lua.heap().resize_array(self.data, self.capacity, capacity) }?;
            self.capacity = capacity;
        }
        Ok(())
    }

    /// Takes the last element off.
    pub(super) fn pop(&mut self) -> Option<T> {
        let value = self.last().copied()?;
        self.len -= 1;
        Some(value)
    }

    /// Takes an element out; those after it move up.
    pub(super) fn remove(&mut self, index: usize) {
        self.copy_within(index + 1.., index);
        self.len -= 1;
    }

    /// Drops all elements from `len` on.
    #[inline(always)]
    pub(super) fn truncate(&mut self, len: usize) {
        debug_assert!(len <= self.len);
        self.len = self.len.min(len);
    }

    /// Gives the memory back.
    pub(super) fn free(&mut self, lua: &mut LuaState) {
        if self.capacity > 0 {
            // SAFETY: W1.
            unsafe { lua.heap().free_array(self.data, self.capacity) };
        }
        *self = Self::new();
    }
}

impl<T: Copy> Deref for Vector<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: W1.
        if self.len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(self.data, self.len) } }
    }
}

impl<T: Copy> DerefMut for Vector<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: W1.
        if self.len == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(self.data, self.len) } }
    }
}
