//! The tables `socket.core` and `socket`, which are the same one: the latter adds what is made of the former.

use core::ffi::c_int;

use libc::{AF_INET, AF_INET6};
use perilune_vm::{LuaResult, LuaState, MULTRET, NativeFn, Status, upvalue_index};

use super::address::Text;
use super::datagram::DATAGRAM_SIZE;
use super::failure::Failure;
use super::sys::INVALID;
use super::{chain, dns, except, select, tcp, timeout, udp};

/// The version of the library whose functions these are.
const VERSION: &str = "LuaSocket 3.0.0";
/// How many sockets the original's `select` can watch. Ours can watch any number.
const SET_SIZE: i64 = 1024;
/// How many bytes a source receives at once, unless a script sets another number.
const BLOCK_SIZE: i64 = 2048;

/// `socket.skip (count, ···)`
fn skip(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.check_integer(1)?;
    let have = i64::from(lua.get_top());
    Ok(have.saturating_sub(count).saturating_sub(1).clamp(0, have) as usize)
}

/// `socket.__unload ()`: what the original needs on some systems.
fn unload(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

/// The functions of `socket.core` that no other module opens.
const CORE_FUNCTIONS: &[(&str, NativeFn)] = &[
    ("__unload", unload),
    ("connect", tcp::connect_new),
    ("gettime", timeout::gettime),
    ("select", select::select),
    ("skip", skip),
    ("sleep", timeout::sleep),
    ("tcp", tcp::tcp),
    ("tcp4", tcp::tcp4),
    ("tcp6", tcp::tcp6),
    ("udp", udp::udp),
    ("udp4", udp::udp4),
    ("udp6", udp::udp6),
];

/// Opens the library `socket.core` and pushes its table.
#[doc(alias = "luaopen_socket_core")]
pub fn open_socket_core(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(CORE_FUNCTIONS)?;
    except::open(lua)?;
    dns::open(lua)?;
    tcp::open(lua)?;
    udp::open(lua)?;
    lua.push_str(VERSION)?;
    lua.set_field(-2, "_VERSION")?;
    for (name, number) in
        [("_DATAGRAMSIZE", DATAGRAM_SIZE as i64), ("_SETSIZE", SET_SIZE), ("_SOCKETINVALID", INVALID.into())]
    {
        lua.push_integer(number)?;
        lua.set_field(-2, name)?;
    }
    Ok(1)
}

// ---- What `socket` adds ----

/// `socket.connect4 (address, port [, local_address [, local_port]])`; the upvalue is the library's table.
fn connect4(lua: &mut LuaState) -> LuaResult<usize> {
    connect_family(lua, "inet")
}

/// `socket.connect6 (address, port [, local_address [, local_port]])`; the upvalue is the library's table.
fn connect6(lua: &mut LuaState) -> LuaResult<usize> {
    connect_family(lua, "inet6")
}

/// Calls `socket.connect`, as it is now, with a family.
fn connect_family(lua: &mut LuaState, family: &str) -> LuaResult<usize> {
    lua.set_top(4)?;
    lua.push_str(family)?;
    lua.get_field(upvalue_index(1), "connect")?;
    lua.insert(1);
    lua.call_then(5, MULTRET, 0, |lua, _: Status, _| Ok(lua.get_top() as usize))
}

/// `socket.bind (address, port [, backlog])`
fn bind(lua: &mut LuaState) -> LuaResult<usize> {
    if Text::check(lua, 1)?.bytes() == b"*" {
        lua.push_str("0.0.0.0")?;
        lua.replace(1);
    }
    let (host, port) = (Text::check(lua, 1)?, Text::check(lua, 2)?);
    let backlog = lua.opt_number(3, tcp::DEFAULT_BACKLOG)? as c_int;
    lua.set_top(3)?;
    if let Err(failure) = dns::push_addresses(lua, host)? {
        return failure.results(lua);
    }
    let mut last = Failure::Text("no info on address");
    let mut index = 1;
    loop {
        // The addresses are in slot 4, one of them in 5, its family and its address above.
        lua.set_top(4)?;
        lua.raw_get_i(4, index)?;
        if lua.is_nil(5) {
            return last.results(lua);
        }
        lua.get_field(5, "family")?;
        lua.get_field(5, "addr")?;
        let family = if lua.str_at(6) == Some(b"inet") { AF_INET } else { AF_INET6 };
        let address = Text::check(lua, 7)?;
        match tcp::push_server(lua, family, address, port, backlog)? {
            Ok(()) => return Ok(1),
            Err(failure) => last = failure,
        }
        index += 1;
    }
}

/// Opens the library `socket` and pushes its table, which is that of `socket.core`.
pub fn open_socket(lua: &mut LuaState) -> LuaResult<usize> {
    lua.require_f("socket.core", open_socket_core, false)?;
    lua.set_funcs(&[("bind", bind)], 0)?;
    lua.push_value(-1)?;
    lua.set_funcs(&[("connect4", connect4), ("connect6", connect6)], 1)?;
    // `try` is a `newtry` without finalizer.
    lua.get_field(-1, "newtry")?;
    lua.call(0, 1)?;
    lua.set_field(-2, "try")?;
    lua.push_integer(BLOCK_SIZE)?;
    lua.set_field(-2, "BLOCKSIZE")?;
    chain::open(lua)?;
    Ok(1)
}
