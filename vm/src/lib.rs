//! Compiler, bytecode, interpreter and host API of the Perilune Lua 5.3 runtime, without any library: what a script can call
//! is what the host gives it.
//!
//! The crate is `no_std` and does not link `alloc`: every byte of a state comes from the allocator that it was made with.
//!
//! ```
//! use perilune_vm::{LoadMode, Lua, LuaAlloc, LuaResult, LuaState, OldSize, Status};
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
//! /// `distance (x, y)`
//! fn distance(lua: &mut LuaState) -> LuaResult<usize> {
//!     let (x, y) = (lua.check_number(1)?, lua.check_number(2)?);
//!     lua.push_number(x.hypot(y))?;
//!     Ok(1) // The number of results, which are on top of the stack.
//! }
//!
//! # fn main() -> LuaResult<()> {
//! let mut lua = Lua::new(System)?;
//! lua.push_native(distance)?;
//! lua.set_global("distance")?;
//!
//! // A chunk becomes a function on the stack; a protected call runs it.
//! assert_eq!(lua.load_bytes(b"return distance(3, ...) // 1", b"=demo", LoadMode::TEXT), Status::Ok);
//! lua.push_integer(4)?;
//! assert_eq!(lua.pcall(1, 1, 0), Status::Ok);
//! assert_eq!(lua.to_number(-1), Some(5.0));
//!
//! // What goes wrong is a status, with the message on the stack.
//! assert_eq!(lua.load_bytes(b"distance({})", b"=demo", LoadMode::TEXT), Status::Ok);
//! assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
//! let message = lua.str_at(-1).unwrap();
//! assert_eq!(message, b"demo:1: bad argument #1 to 'distance' (number expected, got table)");
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//! - [`Lua`] owns a state, [`LuaState`] is what everything is done with: its methods are the manual's C API (§4 and §5), under
//!   the names of Rust. Searching for a name of C, such as `lua_pcallk`, finds the method.
//! - [`NativeFn`] is a function that scripts can call. It returns the number of its results, or [`Thrown`] with `?`.
//! - [`Continuation`]: how a native function goes on after a call that yielded (`call_k`), or lets the interpreter make the
//!   call for it (`call_then`).
//! - [`LuaState::with_thread`]: coroutines that the host drives.
//! - [`UserType`]: values of Rust in userdata.
//! - [`opcode`]: the instructions, from one table.
//!
//! The functions of the manual's §6 are in the crate `perilune-stdlib`.
//!
//! # Examples
//! The programs in `examples/` show one thing each and are run with `cargo run -p perilune-vm --example NAME`:
//!
//! | Example | What it shows |
//! |---|---|
//! | `hello` | a state, a chunk, a call, a result, and what an error is |
//! | `natives` | native functions: checks of arguments, results, upvalues, errors |
//! | `coroutine` | a coroutine driven from Rust, with values in and out, and the traceback of an error |
//! | `continuation` | native functions that yield, or call what may yield |
//! | `memory_limit` | an exact limit on memory, which a script meets and survives |
//! | `instruction_limit` | a hook that ends a script, and one that suspends it: a scheduler |
//! | `move_values` | values between threads and between states, and a state in another thread of the operating system |
//!
//! # Safety, panics, threads
//! No safe function harms the memory, whatever it is given: a wrong index names nothing, too few values or a thread that is not
//! what it should be is an error. A panic in the host's code unwinds through the machine and leaves a state that can be used on
//! ([`NativeFn`]). A state can be moved to another thread if its allocator can ([`Lua`]).
//!
//! # Features
//! - `std` (default) links the standard library for the platform's floating-point functions; without it `libm` serves.
//! - `testing` adds the module `testing`: what tests of the whole system look at and do inside a state.
#![no_std]
#[cfg(feature = "std")]
extern crate std;

#[macro_use]
pub mod opcode;
mod anchor;
mod api;
mod auxlib;
mod chunk;
mod compile;
mod convert;
mod debug;
mod error;
mod exec;
mod meta;
mod sequence;
mod stack;
mod state;
#[cfg(feature = "testing")]
pub mod testing;

pub use api::*;
pub use auxlib::*;
pub use chunk::*;
pub use convert::*;
pub use debug::*;
pub use error::{LuaResult, Status, Thrown};
pub use exec::call::{MULTRET, SAME_HANDLER};
pub use exec::*;
pub use meta::MetaEvent;
pub use perilune_core::base::limits::{MIN_STACK, REGISTRY_INDEX};
pub use perilune_core::{AllocFn, AllocKind, LuaAlloc, LuaType, OldSize, OutOfMemory, RawAlloc};
pub use state::{
    Continuation, Interrupter, Lua, LuaState, NativeFn, RIDX_GLOBALS, RIDX_MAIN_THREAD, VERSION, VERSION_NUM,
};
