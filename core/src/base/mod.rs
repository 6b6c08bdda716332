//! What everything else stands on: the allocation contract, limits, the memory error, and runs of bytes.

pub mod alloc;
pub mod bytes;
pub mod error;
pub mod limits;
