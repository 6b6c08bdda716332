//! The Lua 5.3 standard library for the Perilune runtime.
//!
//! Each library opens by itself (`open_base`, `open_string`, …), or all of them with [`open_libs`]. Whatever a script can
//! make grow (gathered text, what is read from a file) lies in the state's memory. Without the feature `std` the libraries
//! that need an operating system (`package`, `io`, `os`) are absent, as are `print`, `dofile`, `loadfile` and `debug.debug`.
//!
//! # Invariants
//! Each `unsafe` block of the crate cites one of these.
//!
//! - **L1.** A string argument stays in its stack slot during the whole call, and a string that was pushed stays until it is
//!   popped; so its bytes, which never change, can be read as long as the slot is left alone.
//! - **L2.** A userdata block that carries the mark of a kind (its size, and the address of that kind's static in its first
//!   word) was initialised as that kind: nothing else writes into userdata, and scripts cannot.
//! - **L3.** The bytes of a Lua string are followed by a NUL, so their address is that of a C string.
//! - **L4.** A stream that is not closed holds an open `FILE *`; closing it first marks it as closed.
//! - **L5.** A thread that was taken from a stack slot is live while it stays there.
#![cfg_attr(not(feature = "std"), no_std)]

mod base;
mod bit32;
mod coroutine;
mod debug;
#[cfg(all(feature = "std", unix))]
mod io;
#[cfg(feature = "std")]
mod load_file;
mod math;
mod message;
#[cfg(all(feature = "std", unix))]
mod os;
#[cfg(feature = "std")]
mod package;
#[cfg(feature = "std")]
mod result;
#[cfg(feature = "std")]
pub mod stdio;
pub mod string;
mod table;
#[cfg(all(feature = "std", not(unix)))]
mod unsupported;
pub mod utf8;

use perilune_vm::{LuaResult, LuaState, NativeFn};

pub use base::open_base;
pub use bit32::open_bit32;
pub use coroutine::open_coroutine;
pub use debug::open_debug;
#[cfg(all(feature = "std", unix))]
pub use io::{FILE_HANDLE, Stream, new_stream, open_io};
#[cfg(feature = "std")]
pub use load_file::load_file;
pub use math::open_math;
#[cfg(all(feature = "std", unix))]
pub use os::open_os;
#[cfg(feature = "std")]
pub use package::open_package;
#[cfg(feature = "std")]
pub use result::{exec_result, file_result};
pub use string::open_string;
pub use table::open_table;
#[cfg(all(feature = "std", not(unix)))]
pub use unsupported::{open_io, open_os};
pub use utf8::open_utf8;

/// The libraries and their names, in the order in which they are opened.
const LIBRARIES: &[(&str, NativeFn)] = &[
    ("_G", open_base),
    #[cfg(feature = "std")]
    ("package", open_package),
    ("coroutine", open_coroutine),
    ("table", open_table),
    #[cfg(feature = "std")]
    ("io", open_io),
    #[cfg(feature = "std")]
    ("os", open_os),
    ("string", open_string),
    ("math", open_math),
    ("utf8", open_utf8),
    ("debug", open_debug),
    ("bit32", open_bit32),
];

/// Opens every standard library and makes each a global (manual §5.1, `luaL_openlibs`).
#[doc(alias = "luaL_openlibs")]
pub fn open_libs(lua: &mut LuaState) -> LuaResult<()> {
    for &(name, open) in LIBRARIES {
        lua.require_f(name, open, true)?;
        lua.pop(1);
    }
    Ok(())
}
