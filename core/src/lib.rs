//! The heap of the Perilune Lua 5.3 runtime, also for use by itself: strings, tables and userdata under an incremental
//! collector, with weak tables and finalizers, where every byte comes from an allocator of one's own.
//!
//! The crate is `no_std` and does not link `alloc`, so no allocation can get past the contract of [`base::alloc`]: one trait
//! with one method, exact sizes, and null for "no memory", which becomes an error and leaves the heap whole.
//!
//! ```
//! use perilune_core::rooted::{Arena, Error, Value, Weakness};
//! use perilune_core::{LuaAlloc, OldSize};
//! use std::alloc::{Layout, alloc, dealloc, realloc};
//!
//! struct System;
//!
//! // SAFETY: the rules of the contract, one arm each, for blocks aligned to 16.
//! unsafe impl LuaAlloc for System {
//!     unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
//!         let layout = |size| Layout::from_size_align(size, 16).expect("at most isize::MAX");
//!         // SAFETY: the caller says that the block is ours and has the old size.
//!         unsafe {
//!             match (ptr.is_null(), nsize) {
//!                 (true, 0) => ptr,
//!                 (true, _) => alloc(layout(nsize)),
//!                 (false, 0) => {
//!                     dealloc(ptr, layout(osize.bytes()));
//!                     std::ptr::null_mut()
//!                 }
//!                 (false, _) => realloc(ptr, layout(osize.bytes()), nsize),
//!             }
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let alloc = System;
//! let arena = Arena::new(&alloc, 42)?;
//!
//! // Handles keep their objects; text becomes a string of the heap.
//! let moon = arena.table()?;
//! moon.set("radius", 1737.4)?;
//! moon.set(1, "new moon")?;
//! assert_eq!(moon.get("radius")?, Value::Float(1737.4));
//! assert_eq!(moon.border(), 1);
//!
//! // A weak table does not.
//! let cache = arena.weak_table(Weakness::Values)?;
//! cache.set("moon", &moon)?;
//! drop(moon);
//! arena.collect();
//! assert!(cache.get("moon")?.is_nil());
//!
//! // What has a metatable with `__gc` comes back once when it is found unreachable.
//! let class = arena.table()?;
//! class.set("__gc", true)?;
//! arena.userdata(16)?.set_metatable(Some(&class))?;
//! arena.collect();
//! assert!(matches!(arena.take_finalizable()?, Some(Value::Userdata(_))));
//!
//! arena.check(); // Every list, colour and reference, and the accounting:
//! println!("{} bytes in {} objects", arena.total_bytes(), arena.object_count());
//! # Ok(())
//! # }
//! ```
//!
//! # Two ways in
//! - [`rooted`] is the safe one, for programs that want a collected heap: no sequence of calls can break it.
//! - [`Heap`] and the types of [`object`] are the bare one, for runtimes, the Perilune interpreter first of all: whoever uses
//!   them sees to it that what is needed can be reached (G1 in [`gc`]), and promises that once and for all by `unsafe` code, with
//!   [`Heap::init`].
//!
//! # Layers
//! Each knows only those before it: [`base`] and [`code`], [`value`], [`object`] (layouts), [`gc`] (the collector), [`heap`]
//! (everything that may allocate), [`rooted`].
//!
//! # Features
//! - `std` (default) links the standard library. The crate itself needs nothing of it.
//! - `testing` looks inside, for tests of the whole system.
#![no_std]
#[cfg(feature = "std")]
extern crate std;

pub mod base;
pub mod code;
pub mod gc;
pub mod heap;
pub mod object;
pub mod rooted;
#[cfg(feature = "testing")]
pub mod testing;
pub mod value;

pub use base::alloc::{AllocFn, AllocKind, LuaAlloc, OldSize, RawAlloc};
pub use base::error::OutOfMemory;
pub use gc::{Heap, Waiting};
pub use object::{
    CallInfo, CallStatus, GcHeader, GcObject, GcRef, InsertError, InvalidKey, LocalVar, LuaClosure, LuaString,
    NativeClosure, Proto, Table, Thread, UpVal, UpvalDesc, Userdata,
};
pub use value::{LuaType, TValue, Tag};
