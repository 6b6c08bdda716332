//! The library `socket.unix`: streams and datagrams between processes of one machine.
//!
//! Addresses are paths. A path that begins with a NUL is a name without a file, where the system has such names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::{AF_UNIX, SOCK_DGRAM, SOCK_STREAM, c_int};
use perilune_vm::{LuaResult, LuaState, MULTRET, NativeFn};
use socket2::SockAddr;

use super::failure::{Failure, Outcome};
use super::object::{Socket, check_class, check_group, new_class, push_open, set_class};
use super::options::{Table, setoption};
use super::tcp::{accept_class, listen_class, results, shutdown_socket};
use super::udp::SELECTABLE;
use super::{datagram, stream, sys};

/// A stream that is neither connected nor listening.
const MASTER: &str = "unixstream{master}";
/// A stream with a connection.
const CLIENT: &str = "unixstream{client}";
/// A socket that takes connections.
const SERVER: &str = "unixstream{server}";
/// All streams.
const ANY_STREAM: &str = "unixstream{any}";
/// A socket for datagrams with a peer.
const CONNECTED: &str = "unixdgram{connected}";
/// A socket for datagrams without one.
const UNCONNECTED: &str = "unixdgram{unconnected}";
/// All sockets for datagrams.
const ANY_DATAGRAM: &str = "unixdgram{any}";

/// The address that an argument, a path, is.
fn check_address(lua: &mut LuaState, arg: i32) -> LuaResult<Outcome<SockAddr>> {
    // SAFETY: L1.
    let path = unsafe { lua.check_str(arg)?.bytes() };
    let address = SockAddr::unix(Path::new(OsStr::from_bytes(path)));
    Ok(address.map_err(|_| Failure::Text("path too long")))
}

/// Pushes the path that an address is, which may be empty.
fn push_path(lua: &mut LuaState, address: &SockAddr) -> LuaResult<()> {
    if let Some(path) = address.as_pathname() {
        return lua.push_bytes(path.as_os_str().as_bytes());
    }
    match address.as_abstract_namespace() {
        Some(name) => crate::message::push_parts(lua, &[b"\0", name]),
        None => lua.push_str(""),
    }
}

/// Returns the path that a socket is bound to.
fn local_path(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    match sys::local_name(socket.fd.get()) {
        Ok(address) => push_path(lua, &address).map(|()| 1),
        Err(failure) => failure.results(lua),
    }
}

/// Binds a socket to the path that is the second argument; if that fails, the socket is closed.
fn bind_path(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    let outcome =
        check_address(lua, 2)?.and_then(|address| sys::bind(socket.fd.get(), &address).inspect_err(|_| socket.close()));
    results(lua, outcome)
}

/// Connects the first argument to the path that is the second, and makes it an object of a class; if that fails, it is closed.
fn connect_path(lua: &mut LuaState, socket: &Socket, class: &str) -> LuaResult<usize> {
    let outcome = check_address(lua, 2)?.and_then(|address| {
        socket.timeout.begin();
        sys::connect(socket.fd.get(), &address, &socket.timeout).inspect_err(|_| socket.close())
    });
    if outcome.is_ok() {
        set_class(lua, class)?;
    }
    results(lua, outcome)
}

// ---- Streams ----

/// `server:accept ()`
fn accept(lua: &mut LuaState) -> LuaResult<usize> {
    let server = check_class(lua, SERVER)?;
    accept_class(lua, server, CLIENT)
}

/// `master:bind (path)`
fn bind_stream(lua: &mut LuaState) -> LuaResult<usize> {
    let master = check_class(lua, MASTER)?;
    bind_path(lua, master)
}

/// `master:connect (path)`
fn connect_stream(lua: &mut LuaState) -> LuaResult<usize> {
    let master = check_class(lua, MASTER)?;
    connect_path(lua, master, CLIENT)
}

/// `stream:getsockname ()`
fn stream_name(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_STREAM)?;
    local_path(lua, socket)
}

/// `client:getstats ()`
fn getstats(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::getstats(lua, client)
}

/// `master:listen ([backlog])`
fn listen(lua: &mut LuaState) -> LuaResult<usize> {
    let master = check_class(lua, MASTER)?;
    listen_class(lua, master, SERVER)
}

/// `client:receive ([pattern [, prefix]])`
fn receive_stream(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::receive(lua, client)
}

/// `client:send (data [, i [, j]])`
fn send_stream(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::send(lua, client)
}

/// `stream:setoption (option [, value])`
fn set_stream_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_STREAM)?;
    setoption(lua, socket, Table::UnixStream)
}

/// `client:setstats ([received [, sent [, age]]])`
fn setstats(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::setstats(lua, client)
}

/// `client:shutdown ([mode])`
fn shutdown(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    shutdown_socket(lua, client)
}

/// The methods of streams, besides those of all sockets.
const STREAM_METHODS: &[(&str, NativeFn)] = &[
    ("accept", accept),
    ("bind", bind_stream),
    ("connect", connect_stream),
    ("getsockname", stream_name),
    ("getstats", getstats),
    ("listen", listen),
    ("receive", receive_stream),
    ("send", send_stream),
    ("setoption", set_stream_option),
    ("setpeername", connect_stream),
    ("setsockname", bind_stream),
    ("setstats", setstats),
    ("shutdown", shutdown),
];

// ---- Datagrams ----

/// `unconnected:bind (path)`
fn bind_datagram(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    bind_path(lua, socket)
}

/// `object:connect (path)`
fn connect_datagram(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_DATAGRAM)?;
    connect_path(lua, socket, CONNECTED)
}

/// `object:getsockname ()`
fn datagram_name(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_DATAGRAM)?;
    local_path(lua, socket)
}

/// `object:gettimeout ()`
fn gettimeout(lua: &mut LuaState) -> LuaResult<usize> {
    check_group(lua, ANY_DATAGRAM)?.timeout.get(lua)
}

/// `object:receive ([size])`
fn receive_datagram(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_DATAGRAM)?;
    datagram::receive(lua, socket)
}

/// `unconnected:receivefrom ([size])`
fn receivefrom(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    match datagram::receive_from(lua, socket)? {
        Ok(from) => push_path(lua, &from).map(|()| 2),
        Err(failure) => datagram::failed(lua, failure),
    }
}

/// `connected:send (datagram)`
fn send_datagram(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, CONNECTED)?;
    datagram::send(lua, socket)
}

/// `unconnected:sendto (datagram, path)`
fn sendto(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    // SAFETY: L1.
    let data = unsafe { lua.check_str(2)?.bytes() };
    let outcome = check_address(lua, 3)?.and_then(|address| {
        socket.timeout.begin();
        sys::send_to(socket.fd.get(), data, &address, &socket.timeout)
    });
    datagram::sent_results(lua, outcome)
}

/// `object:setoption (option [, value])`
fn set_datagram_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY_DATAGRAM)?;
    setoption(lua, socket, Table::UnixDatagram)
}

/// The methods of sockets for datagrams, besides those of all sockets.
const DATAGRAM_METHODS: &[(&str, NativeFn)] = &[
    ("bind", bind_datagram),
    ("connect", connect_datagram),
    ("getsockname", datagram_name),
    ("gettimeout", gettimeout),
    ("receive", receive_datagram),
    ("receivefrom", receivefrom),
    ("send", send_datagram),
    ("sendto", sendto),
    ("setoption", set_datagram_option),
    ("setpeername", connect_datagram),
    ("setsockname", bind_datagram),
];

// ---- The library ----

/// Returns a new object of a class.
fn new_unix(lua: &mut LuaState, class: &str, kind: c_int) -> LuaResult<usize> {
    match sys::create(AF_UNIX, kind, 0) {
        Ok(fd) => {
            push_open(lua, class, fd)?.family.set(AF_UNIX);
            Ok(1)
        }
        Err(failure) => failure.results(lua),
    }
}

/// `unix.stream ()`
fn new_stream(lua: &mut LuaState) -> LuaResult<usize> {
    new_unix(lua, MASTER, SOCK_STREAM)
}

/// `unix.dgram ()`
fn new_datagram(lua: &mut LuaState) -> LuaResult<usize> {
    new_unix(lua, UNCONNECTED, SOCK_DGRAM)
}

/// `unix (···)`: what makes a stream, as before there were datagrams.
fn call(lua: &mut LuaState) -> LuaResult<usize> {
    lua.get_field_then(1, "stream", 0, |lua, _, _| call_stream(lua))?;
    call_stream(lua)
}

/// Calls the function on top with the arguments behind the first.
fn call_stream(lua: &mut LuaState) -> LuaResult<usize> {
    lua.replace(1);
    let count = lua.get_top() - 1;
    lua.call_then(count as usize, MULTRET, 0, |lua, _, _| Ok(lua.get_top() as usize))
}

/// The functions of the table; the last two are older names.
const FUNCTIONS: &[(&str, NativeFn)] =
    &[("stream", new_stream), ("dgram", new_datagram), ("tcp", new_stream), ("udp", new_datagram), ("__call", call)];

/// Opens the library `socket.unix` and pushes its table, which can be called and is its own metatable.
#[doc(alias = "luaopen_socket_unix")]
pub fn open_socket_unix(lua: &mut LuaState) -> LuaResult<usize> {
    for class in [MASTER, CLIENT, SERVER] {
        new_class(lua, class, &[ANY_STREAM], STREAM_METHODS)?;
    }
    for class in [CONNECTED, UNCONNECTED] {
        new_class(lua, class, &[ANY_DATAGRAM, SELECTABLE], DATAGRAM_METHODS)?;
    }
    lua.new_lib(FUNCTIONS)?;
    lua.push_value(-1)?;
    lua.set_metatable(-2)?;
    Ok(1)
}
