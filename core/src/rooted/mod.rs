//! The heap by itself, for those who want no language: a safe layer of rooted handles.
//!
//! An [`Arena`] is a garbage-collected heap over an allocator of one's own. Whatever it hands out is either plain data or a
//! [`Root`], a handle that keeps its object alive until it is dropped; so there is no stale reference, whenever a
//! collection happens. Handles come for strings, tables and userdata, see their methods at [`Root`]. The [crate's page](crate)
//! begins with an example.
//!
//! # Finalizers
//! As in Lua, an object gets a finalizer when it gets a metatable that has a field `__gc` at that time. When it is found
//! unreachable, it comes back to life, once, through [`Arena::take_finalizable`] or [`Arena::finalize`]. What the field
//! means is up to the host. Incremental collection waits for the host to take these objects: who sets `__gc` polls.
//!
//! # Invariants
//! - **R1.** The heap's block and every object in it live until the arena is dropped, which no handle outlives. Nothing
//!   else has a reference to the [`Heap`](crate::Heap), and no reference that is made here is held across foreign code
//!   but the allocator, which promises not to use the heap it serves.
//! - **R2.** The heap's registry is a table, known to nobody else. It has a value for each of the keys `1..=slots`: the
//!   object of a handle, or, in a free slot, the number of the next free slot (0 at the end).
//! - **R3.** A handle owns one slot, which holds an object of the handle's type. So its object is reachable (G1).
//! - **R4.** Values that are in nobody's slot lie on the main thread's stack while something is allocated. Not more than
//!   five at a time do, for which there always is room (`MIN_STACK`).
//! - **R5.** An object of one arena is never stored in another one.

mod arena;
mod handle;
mod value;

pub use arena::{Arena, Weakness};
pub use handle::{Pairs, Root};
pub use value::{ToValue, Value};

use core::fmt;

use crate::base::error::OutOfMemory;
use crate::object::{InsertError, InvalidKey};

/// What an operation on an [`Arena`] can fail with. The arena is as before then, and can be used on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The allocator had no memory, also after a collection.
    OutOfMemory,
    /// The key or value could not be stored in a table.
    Insert(InsertError),
    /// The key given to [`Root::next`] is not in the table.
    InvalidKey,
    /// A handle of one arena was given to another.
    OtherArena,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory | Self::Insert(InsertError::OutOfMemory) => "not enough memory",
            Self::Insert(InsertError::NilKey) => "the key is nil",
            Self::Insert(InsertError::NanKey) => "the key is NaN",
            Self::Insert(InsertError::Overflow) => "the table would get too large",
            Self::InvalidKey => "the key is not in the table",
            Self::OtherArena => "the handle belongs to another arena",
        })
    }
}

impl core::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<InsertError> for Error {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::OutOfMemory => Self::OutOfMemory,
            other => Self::Insert(other),
        }
    }
}

impl From<InvalidKey> for Error {
    fn from(_: InvalidKey) -> Self {
        Self::InvalidKey
    }
}
