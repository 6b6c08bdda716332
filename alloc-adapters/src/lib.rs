//! Allocators behind the Perilune allocation contract, and instruments that go around them.
//!
//! The contract is [`LuaAlloc`], the trait that mirrors `lua_Alloc` of the Lua 5.3 manual (§4.8). There is no Lua in this
//! crate: an adapter serves whatever asks for memory through the contract, a Lua state being the foremost example.
//!
//! | Adapter | What it does |
//! |---|---|
//! | [`System`] | the allocator of the platform, through `std::alloc::System` |
//! | [`Counting`] | counts calls, bytes, what is live and its peak, by kind of object |
//! | [`Limit`] | never lets the sum of the requested sizes rise above a limit |
//! | [`Checking`] | verifies that the other side keeps the contract: sizes, overruns, leaks |
//!
//! The last three hold another adapter and forward to it, so that they can be stacked in any order. Each reads its figures
//! through `&self`, also while a state uses it: give the state a reference (`&A` is an adapter whenever `A` is one).
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

mod checking;
mod counting;
mod limit;
mod system;

pub use checking::{Checking, Leaks, Violation};
pub use counting::{Counting, KindStats, Stats};
pub use limit::Limit;
pub use perilune_core::{AllocKind, LuaAlloc, OldSize, RawAlloc};
pub use system::System;
