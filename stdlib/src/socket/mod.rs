//! The libraries `socket.core`, `socket`, `socket.unix` and `socket.serial`: LuaSocket 3 on the operating system.
//!
//! From below: [`failure`] (what goes wrong), [`timeout`], [`sys`] (system calls and waiting), [`object`] (what all sockets have
//! in common), [`address`] (Internet addresses), [`stream`] and [`datagram`] (what passes), then the kinds of sockets, and what
//! works with anything like a socket: [`select`], [`chain`], [`except`].
//!
//! Everything blocks as the original does: a call waits in the system, and no thread is used. What a script can make grow is
//! the state's memory; the buffer of a socket lies in its userdata.

mod address;
mod chain;
mod datagram;
mod dns;
mod except;
mod failure;
mod library;
mod object;
mod options;
mod select;
mod serial;
mod stream;
mod sys;
mod tcp;
mod timeout;
mod udp;
mod unix;

use perilune_vm::{LuaResult, LuaState, NativeFn, PRELOAD_TABLE, REGISTRY_INDEX};

pub use library::{open_socket, open_socket_core};
pub use serial::open_socket_serial;
pub use unix::open_socket_unix;

/// The libraries and their names.
const LIBRARIES: &[(&str, NativeFn)] = &[
    ("socket", open_socket),
    ("socket.core", open_socket_core),
    ("socket.unix", open_socket_unix),
    ("socket.serial", open_socket_serial),
    ("mime.core", crate::open_mime_core),
];

/// Puts the libraries of sockets into `package.preload`, so that `require` finds them before any file; they are opened only
/// when they are required.
pub fn preload_socket(lua: &mut LuaState) -> LuaResult<()> {
    lua.get_subtable(REGISTRY_INDEX, PRELOAD_TABLE)?;
    lua.set_funcs(LIBRARIES, 0)?;
    lua.pop(1);
    Ok(())
}
