//! The library `socket.serial`: a device, or any other file that can be waited for, with the methods of a stream.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use perilune_vm::{LuaResult, LuaState, NativeFn};

use super::address::Text;
use super::failure::Failure;
use super::object::{Channel, check_class, new_class, push_open};
use super::{stream, sys};

/// A device.
const CLIENT: &str = "serial{client}";
/// All of them.
const ANY: &str = "serial{any}";

/// `device:getstats ()`
fn getstats(lua: &mut LuaState) -> LuaResult<usize> {
    let device = check_class(lua, CLIENT)?;
    stream::getstats(lua, device)
}

/// `device:receive ([pattern [, prefix]])`
fn receive(lua: &mut LuaState) -> LuaResult<usize> {
    let device = check_class(lua, CLIENT)?;
    stream::receive(lua, device)
}

/// `device:send (data [, i [, j]])`
fn send(lua: &mut LuaState) -> LuaResult<usize> {
    let device = check_class(lua, CLIENT)?;
    stream::send(lua, device)
}

/// `device:setstats ([received [, sent [, age]]])`
fn setstats(lua: &mut LuaState) -> LuaResult<usize> {
    let device = check_class(lua, CLIENT)?;
    stream::setstats(lua, device)
}

/// The methods, besides those of all sockets.
const METHODS: &[(&str, NativeFn)] =
    &[("getstats", getstats), ("receive", receive), ("send", send), ("setstats", setstats)];

/// `serial (path)`
fn new_serial(lua: &mut LuaState) -> LuaResult<usize> {
    let path = OsStr::from_bytes(Text::check(lua, 1)?.bytes());
    let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path);
    match opened {
        Ok(file) => {
            let fd = file.into_raw_fd();
            sys::set_nonblocking(fd);
            push_open(lua, CLIENT, fd)?.channel.set(Channel::Device);
            Ok(1)
        }
        Err(error) => {
            Failure::from_io(&error).results(lua)?;
            lua.push_number(error.raw_os_error().unwrap_or(0).into())?;
            Ok(3)
        }
    }
}

/// Opens the library `socket.serial` and pushes its only function.
#[doc(alias = "luaopen_socket_serial")]
pub fn open_socket_serial(lua: &mut LuaState) -> LuaResult<usize> {
    // Nothing keeps a write to what is no socket from raising the signal of a broken pipe, so the process ignores it from now on.
    // SAFETY: ignoring a signal is always allowed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    new_class(lua, CLIENT, &[ANY], METHODS)?;
    lua.push_native(new_serial)?;
    Ok(1)
}
