//! Data types, garbage-collected heap and allocator contract of the Perilune Lua 5.3 runtime.
//!
//! The crate is `no_std` and does not link `alloc`: every byte that it holds comes from the allocator
//! that the heap was made with (see [`base::alloc`]).
//!
//! Layers, each knowing only those before it: [`base`] and [`code`], [`value`], [`object`] (layouts),
//! [`gc`] (the collector), [`heap`] (everything that may allocate).
#![no_std]
#[cfg(feature = "std")]
extern crate std;

pub mod base;
pub mod code;
pub mod gc;
pub mod heap;
pub mod object;
pub mod value;

pub use base::alloc::{AllocKind, LuaAlloc, OldSize, RawAlloc};
pub use base::error::OutOfMemory;
pub use gc::Heap;
pub use object::{
    CallInfo, CallStatus, GcHeader, GcObject, GcRef, LocalVar, LuaClosure, LuaString, NativeClosure, Proto, Table, Thread,
    UpVal, UpvalDesc, Userdata,
};
pub use value::{LuaType, TValue, Tag};
