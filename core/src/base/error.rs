//! The one error that `core` itself can meet.

use core::fmt;

/// The allocator returned null, and did so again after an emergency collection (manual §4.6, `LUA_ERRMEM`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not enough memory")
    }
}

impl core::error::Error for OutOfMemory {}

/// The result of an operation that can fail only for want of memory.
pub type AllocResult<T> = Result<T, OutOfMemory>;
