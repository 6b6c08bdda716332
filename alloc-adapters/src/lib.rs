//! Allocators behind the Perilune allocation contract, and instruments that go around them.
//!
//! The contract is [`LuaAlloc`], the trait that mirrors `lua_Alloc` of the Lua 5.3 manual (§4.8). There is no Lua in this
//! crate: an adapter serves whatever asks for memory through the contract, a Lua state being the foremost example.
//!
//! | Adapter | What it is | Grows in place | Frees in bulk | Threads |
//! |---|---|---|---|---|
//! | [`System`] | the allocator of the platform, through `std::alloc::System` | large blocks | no | all |
//! | [`Libc`] | the same through `malloc`, `realloc` and `free` | large blocks | no | all |
//! | [`Global`] | any `GlobalAlloc`, borrowed | as it does | no | as it does |
//! | `Bridge` | any `Allocator` of allocator-api2 0.2 (feature `allocator-api2`) | as it does | no | as it does |
//! | [`CAlloc`] | a C function of the type `lua_Alloc`, with its `ud` | as it does | no | its maker's |
//! | `Mimalloc` | mimalloc, a heap for each adapter (feature `mimalloc`) | no | yes | its maker's |
//! | `MimallocShared` | mimalloc, the heap for all (feature `mimalloc`) | no | no | all |
//! | `Jemalloc` | jemalloc (feature `jemalloc`) | large blocks | no | all |
//! | `Snmalloc` | snmalloc (feature `snmalloc`) | no | no | all |
//! | `Bump` | an arena that reuses nothing (feature `bumpalo`) | no | yes | one at a time |
//! | `BumpFreeList` | an arena that reuses blocks by size (feature `bumpalo`) | no | yes | one at a time |
//! | [`UpBump`] | an arena whose last block grows; reuses nothing else | the last block | yes | one at a time |
//! | [`Slab`] | size classes for objects, `System` for large blocks | large blocks, the last one | yes | one at a time |
//!
//! All align to 16. *Frees in bulk* means that a state which owns the adapter leaves its blocks to it when it is closed
//! ([`LuaAlloc::frees_in_bulk`]): finalizers have run and values in userdata were dropped, and the blocks go with the adapter. A
//! state on a borrowed adapter (`&A`) frees every block, so figures that are read afterwards are complete. *All* threads may use
//! the adapter at once; *one at a time* says that it can be moved to another thread (`Send`), and its state with it.
//!
//! | Instrument | What it does |
//! |---|---|
//! | [`Counting`] | counts calls, bytes, what is live and its peak, by kind of object and size class |
//! | [`Limit`] | never lets the sum of the requested sizes rise above a limit |
//! | [`Checking`] | verifies that the other side keeps the contract: sizes, overruns, leaks |
//! | [`FailAfter`], [`FailOnce`] | let memory run out at the n-th request, for good or once |
//! | [`Tracing`] | records every call in a compact file, which the module [`trace`] reads |
//! | `Latency` | how long calls take, as histograms (feature `latency`) |
//!
//! Instruments hold another adapter and forward to it, so that they can be stacked in any order. Each reads its figures
//! through `&self`, also while a state uses it: give the state a reference (`&A` is an adapter whenever `A` is one).
//!
//! The module [`conformance`] finds out whether an allocator keeps the contract, and says in words where it does not: begin
//! there with an allocator of your own, and with the example `my_allocator`.
//!
//! ```
//! use perilune_alloc_adapters::{AllocKind, Counting, Limit, LuaAlloc, OldSize, System};
//!
//! let memory = Counting::new(Limit::new(System, 100));
//! // SAFETY: each block is used as the contract says, and freed once.
//! unsafe {
//!     let block = memory.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::Table), 56);
//!     assert!(!block.is_null());
//!     // 56 + 45 bytes would be one more than the limit allows.
//!     let refused = memory.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::String), 45);
//!     assert!(refused.is_null());
//!     memory.realloc(block, OldSize::of_size(56), 0);
//! }
//! let stats = memory.stats();
//! assert_eq!((stats.calls, stats.failures, stats.live_bytes, stats.peak_bytes), (3, 1, 0, 56));
//! assert_eq!(stats.of(AllocKind::Table).allocations, 1);
//! ```
//!
//! # Invariants
//! Each `unsafe` block of the crate cites one of these, or its caller's promise, which is the contract itself.
//!
//! - **C1.** A non-null `ptr` was returned by this very adapter, has not been freed since, and `osize` is the size that was
//!   last asked for it. (It is the caller's part of the contract; [`Checking`] alone does not trust the size.)
//! - **C2.** A wrapper passes on exactly the pointers that the wrapped adapter returned, with exactly the sizes that it last
//!   asked of it, so the wrapped adapter finds C1 kept.

#[cfg(feature = "allocator-api2")]
mod bridge;
#[cfg(feature = "bumpalo")]
mod bump;
#[cfg(feature = "bumpalo")]
mod bump_free_list;
mod c_alloc;
#[cfg(any(all(unix, target_pointer_width = "64"), feature = "jemalloc", feature = "mimalloc"))]
mod c_functions;
mod checking;
pub mod conformance;
mod counting;
mod fail;
#[cfg(feature = "bumpalo")]
mod free_lists;
mod global;
#[cfg(feature = "jemalloc")]
mod jemalloc;
mod kept;
#[cfg(feature = "latency")]
mod latency;
#[cfg(all(unix, target_pointer_width = "64"))]
mod libc;
mod limit;
#[cfg(feature = "mimalloc")]
mod mimalloc;
mod size_class;
mod slab;
#[cfg(feature = "snmalloc")]
mod snmalloc;
mod system;
pub mod trace;
mod tracing;
mod up_bump;

#[cfg(all(unix, target_pointer_width = "64"))]
pub use self::libc::Libc;
#[cfg(feature = "allocator-api2")]
pub use bridge::Bridge;
#[cfg(feature = "bumpalo")]
pub use bump::Bump;
#[cfg(feature = "bumpalo")]
pub use bump_free_list::BumpFreeList;
pub use c_alloc::CAlloc;
pub use checking::{Checking, Leaks, Violation};
pub use counting::{ClassStats, Counting, KindStats, SIZE_CLASSES, Stats};
pub use fail::{FailAfter, FailOnce};
pub use global::Global;
#[cfg(feature = "jemalloc")]
pub use jemalloc::Jemalloc;
#[cfg(feature = "latency")]
pub use latency::{Histogram, Latency, LatencyReport, Operation, Percentiles};
pub use limit::Limit;
#[cfg(feature = "mimalloc")]
pub use mimalloc::{Mimalloc, MimallocShared};
pub use perilune_core::{AllocFn, AllocKind, LuaAlloc, OldSize, RawAlloc};
pub use slab::Slab;
#[cfg(feature = "snmalloc")]
pub use snmalloc::Snmalloc;
pub use system::System;
pub use tracing::Tracing;
pub use up_bump::UpBump;
