//! Compiler, bytecode, interpreter and host API of the Perilune Lua 5.3 runtime.
#![no_std]
#[cfg(feature = "std")]
extern crate std;

#[macro_use]
pub mod opcode;
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

pub use api::*;
pub use auxlib::*;
pub use chunk::*;
pub use convert::*;
pub use debug::*;
pub use error::{LuaResult, Status, Thrown};
pub use exec::*;
pub use meta::MetaEvent;
pub use perilune_core::base::limits::REGISTRY_INDEX;
pub use perilune_core::{AllocKind, LuaAlloc, LuaType, OldSize, OutOfMemory, RawAlloc};
pub use exec::call::MULTRET;
pub use state::{Continuation, Interrupter, Lua, LuaState, NativeFn, RIDX_GLOBALS, RIDX_MAIN_THREAD};
