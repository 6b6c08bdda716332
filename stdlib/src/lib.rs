//! The Lua 5.3 standard library for the Perilune runtime, and what is useful of it without Lua.
//!
//! Patterns, number conversions, `pack` layouts and UTF-8 are plain functions on byte slices. They need no state and allocate
//! nothing:
//!
//! ```
//! use perilune_stdlib::string::format_spec::FormatSpec;
//! use perilune_stdlib::string::number_format::{NumberText, format_float};
//! use perilune_stdlib::string::pack::{PackFormat, PackOption};
//! use perilune_stdlib::string::pattern::{Capture, Matcher, find};
//! use perilune_stdlib::utf8;
//!
//! // The first match, with its captures.
//! let line = b"radius = 1737.4 km";
//! let found = find(line, b"(%a+)%s*=%s*([%d.]+)", 0).unwrap().unwrap();
//! assert_eq!((found.start, found.end), (0, 15));
//! assert_eq!(found.captures.get(1), Some(Capture::Text { start: 9, end: 15 }));
//!
//! // All matches, and a faulty pattern.
//! let mut words = Matcher::new(line, b"%a+");
//! assert_eq!(words.search(0, false, None), Ok(Some((0, 6))));
//! assert_eq!(words.search(6, false, None), Ok(Some((16, 18))));
//! assert_eq!(find(line, b"[a-", 0).err().unwrap().to_string(), "malformed pattern (missing ']')");
//!
//! // A number as `string.format("%8.2f", x)` writes it.
//! let (spec, _) = FormatSpec::parse(b"8.2f").unwrap();
//! let mut text = NumberText::new();
//! format_float(&spec, 1737.4, &mut text);
//! assert_eq!(text.as_bytes(), b" 1737.40");
//!
//! // Where `string.pack("!8 i2 d", ...)` puts the float after the first two bytes.
//! let mut format = PackFormat::new(b"!8i2d");
//! format.next(0).unwrap(); // `!8` sets the alignment,
//! format.next(0).unwrap(); // `i2` takes bytes 0 and 1.
//! let item = format.next(2).unwrap().unwrap();
//! assert_eq!((item.option, item.padding, item.size), (PackOption::Float, 6, 8));
//!
//! assert_eq!(utf8::decode("☾".as_bytes()), Some((0x263E, 3)));
//! ```
//!
//! # Libraries
//! In a state the libraries are tables of functions, for scripts and for the host:
//!
//! ```
//! use perilune_alloc_adapters::System;
//! use perilune_stdlib::{open_base, open_libs, open_string};
//! use perilune_vm::{Lua, LuaResult, Status};
//!
//! # fn main() -> LuaResult<()> {
//! let mut lua = Lua::new(System)?;
//! open_libs(&mut lua)?;
//! assert_eq!(lua.do_str("return ('%.1f km'):format(1737.4):upper()"), Status::Ok);
//! assert_eq!(lua.str_at(-1), Some(&b"1737.4 KM"[..]));
//!
//! // A state for scripts that are not trusted gets what it needs: no files, no processes, no loading of chunks.
//! let mut lua = Lua::new(System)?;
//! lua.require_f("_G", open_base, true)?;
//! lua.require_f("string", open_string, true)?;
//! for name in ["dofile", "loadfile", "load"] {
//!     lua.push_nil()?;
//!     lua.set_global(name)?;
//! }
//! assert_eq!(lua.do_str("return io, load, string.rep('ab', 2)"), Status::Ok);
//! assert!(lua.is_nil(-3) && lua.is_nil(-2) && lua.str_at(-1) == Some(b"abab"));
//! # Ok(())
//! # }
//! ```
//!
//! Each library opens by itself, with [`require_f`](perilune_vm::LuaState::require_f) and one of `open_base`, `open_string`
//! and so on, or all of them with [`open_libs`]. Whatever a script can make grow (gathered text, what is read from a file)
//! lies in the state's memory.
//!
//! # Features
//! - `std` (default): the libraries that need an operating system (`package`, `io`, `os`), and `print`, `dofile`, `loadfile`
//!   and `debug.debug`. Without it the crate is `no_std` and has the rest.
//! - `socket`: the libraries of sockets, as LuaSocket 3 has them, on Unix. [`preload_socket`] makes them ready to be required.
//! - `testlib`: `open_testlib`, the internal test library `T` of the reference implementation, which looks inside everything
//!   and is not for production.
//! - `lproc`: the library `lproc`, processes in threads of their own that send each other values. It can be opened in a state by
//!   [`open_lproc`], or made ready to be required by [`lproc::Processes`].
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
//! - **L6.** The slots of a native function's frame are written by that function alone, also while it waits for a call.
#![cfg_attr(not(feature = "std"), no_std)]

mod base;
mod bit32;
mod coroutine;
mod debug;
#[cfg(all(feature = "std", unix))]
mod io;
#[cfg(feature = "std")]
mod load_file;
#[cfg(feature = "lproc")]
pub mod lproc;
mod math;
mod message;
#[cfg(all(feature = "socket", unix))]
mod mime;
#[cfg(all(feature = "std", unix))]
mod os;
#[cfg(feature = "std")]
mod package;
#[cfg(feature = "std")]
mod result;
#[cfg(all(feature = "socket", unix))]
mod socket;
#[cfg(feature = "std")]
pub mod stdio;
pub mod string;
mod table;
#[cfg(feature = "testlib")]
mod testlib;
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
pub use load_file::{do_file, load_file};
#[cfg(feature = "lproc")]
pub use lproc::open_lproc;
pub use math::open_math;
#[cfg(all(feature = "socket", unix))]
pub use mime::open_mime_core;
#[cfg(all(feature = "std", unix))]
pub use os::open_os;
#[cfg(feature = "std")]
pub use package::open_package;
#[cfg(feature = "std")]
pub use result::{exec_result, file_result};
#[cfg(all(feature = "socket", unix))]
pub use socket::{open_socket, open_socket_core, open_socket_serial, open_socket_unix, preload_socket};
pub use string::open_string;
pub use table::open_table;
#[cfg(feature = "testlib")]
pub use testlib::open_testlib;
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
