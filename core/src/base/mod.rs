//! What everything else stands on: the allocation contract, limits and the memory error.

pub mod alloc;
pub mod error;
pub mod limits;
