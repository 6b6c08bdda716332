//! TCP objects: a master becomes a client by connecting, or a server by listening.

use libc::{AF_INET, AF_INET6, AF_UNSPEC, SOCK_STREAM, c_int};
use perilune_vm::{LuaResult, LuaState, NativeFn};

use super::address::{self, Hints, Text};
use super::failure::{Failure, Outcome};
use super::object::{self, Socket, check_class, check_group, new_class, new_socket, push_open, set_class};
use super::options::{Table, getoption, setoption};
use super::{stream, sys};

/// A socket that is neither connected nor listening.
const MASTER: &str = "tcp{master}";
/// A socket with a connection, or on the way to one.
const CLIENT: &str = "tcp{client}";
/// A socket that takes connections.
const SERVER: &str = "tcp{server}";
/// All of them.
const ANY: &str = "tcp{any}";
/// How many connections may wait to be accepted, if a script does not say.
pub(super) const DEFAULT_BACKLOG: f64 = 32.0;

/// Returns 1, or nil and a message.
pub(super) fn results(lua: &mut LuaState, outcome: Outcome<()>) -> LuaResult<usize> {
    match outcome {
        Ok(()) => {
            lua.push_number(1.0)?;
            Ok(1)
        }
        Err(failure) => failure.results(lua),
    }
}

/// `server:accept ()`
fn accept(lua: &mut LuaState) -> LuaResult<usize> {
    let server = check_class(lua, SERVER)?;
    accept_class(lua, server, CLIENT)
}

/// Waits for a connection and returns it as an object of a class.
pub(super) fn accept_class(lua: &mut LuaState, server: &Socket, class: &str) -> LuaResult<usize> {
    server.timeout.begin();
    match sys::accept(server.fd.get(), &server.timeout) {
        Ok(fd) => {
            let client = push_open(lua, class, fd)?;
            client.family.set(server.family.get());
            Ok(1)
        }
        Err(failure) => failure.results(lua),
    }
}

/// `master:bind (address, port)`
fn bind(lua: &mut LuaState) -> LuaResult<usize> {
    let master = check_class(lua, MASTER)?;
    let host = Text::check(lua, 2)?;
    let port = Text::check(lua, 3)?;
    results(lua, bind_socket(master, host, port))
}

/// Binds a socket.
fn bind_socket(socket: &Socket, host: Text<'_>, port: Text<'_>) -> Outcome<()> {
    let hints = Hints { family: socket.family.get(), kind: SOCK_STREAM, flags: libc::AI_PASSIVE };
    address::bind(socket, host, Some(port), hints)
}

/// `object:connect (address, port)`
fn connect(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    let host = Text::check(lua, 2)?;
    let port = Text::check(lua, 3)?;
    let hints = Hints { family: socket.family.get(), kind: SOCK_STREAM, flags: 0 };
    let outcome = address::connect(socket, host, port, hints);
    // Also if that failed: the connection may still be coming.
    set_class(lua, CLIENT)?;
    results(lua, outcome)
}

/// `object:getfamily ()`
fn getfamily(lua: &mut LuaState) -> LuaResult<usize> {
    let family = check_group(lua, ANY)?.family.get();
    address::push_family(lua, family)
}

/// `object:getoption (option)`
fn get_tcp_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    getoption(lua, socket, Table::Tcp)
}

/// `object:getpeername ()`
fn getpeername(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    address::peer_results(lua, socket)
}

/// `object:getsockname ()`
fn getsockname(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    address::local_results(lua, socket)
}

/// `client:getstats ()`
fn getstats(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::getstats(lua, client)
}

/// `object:gettimeout ()`
fn gettimeout(lua: &mut LuaState) -> LuaResult<usize> {
    check_group(lua, ANY)?.timeout.get(lua)
}

/// `master:listen ([backlog])`
fn listen(lua: &mut LuaState) -> LuaResult<usize> {
    let master = check_class(lua, MASTER)?;
    listen_class(lua, master, SERVER)
}

/// Has the first argument listen and makes it an object of a class.
pub(super) fn listen_class(lua: &mut LuaState, master: &Socket, class: &str) -> LuaResult<usize> {
    let backlog = lua.opt_number(2, DEFAULT_BACKLOG)?;
    let outcome = sys::listen(master.fd.get(), backlog as c_int);
    if outcome.is_ok() {
        set_class(lua, class)?;
    }
    results(lua, outcome)
}

/// `client:receive ([pattern [, prefix]])`
fn receive(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::receive(lua, client)
}

/// `client:send (data [, i [, j]])`
fn send(lua: &mut LuaState) -> LuaResult<usize> {
    let client = check_class(lua, CLIENT)?;
    stream::send(lua, client)
}

/// `object:setoption (option [, value])`
fn set_tcp_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    setoption(lua, socket, Table::Tcp)
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

/// Shuts the connection of the first argument down.
pub(super) fn shutdown_socket(lua: &mut LuaState, client: &Socket) -> LuaResult<usize> {
    const HOW: [c_int; 3] = [libc::SHUT_RD, libc::SHUT_WR, libc::SHUT_RDWR];
    let how = lua.check_option(2, Some("both"), &["receive", "send", "both"])?;
    sys::shutdown(client.fd.get(), HOW[how]);
    lua.push_number(1.0)?;
    Ok(1)
}

/// The methods, besides those of all sockets.
const METHODS: &[(&str, NativeFn)] = &[
    ("accept", accept),
    ("bind", bind),
    ("connect", connect),
    ("getfamily", getfamily),
    ("getoption", get_tcp_option),
    ("getpeername", getpeername),
    ("getsockname", getsockname),
    ("getstats", getstats),
    ("gettimeout", gettimeout),
    ("listen", listen),
    ("receive", receive),
    ("send", send),
    ("setoption", set_tcp_option),
    ("setpeername", connect),
    ("setsockname", bind),
    ("setstats", setstats),
    ("shutdown", shutdown),
];

/// Makes a new master and pushes it. With a family it has a descriptor at once, else when it is used for the first time.
fn push_master(lua: &mut LuaState, family: c_int) -> LuaResult<Outcome<()>> {
    let master = new_socket(lua, MASTER)?;
    master.family.set(family);
    Ok(if family == AF_UNSPEC { Ok(()) } else { address::create(master, family, SOCK_STREAM, 0) })
}

/// Returns a new master.
fn new_master(lua: &mut LuaState, family: c_int) -> LuaResult<usize> {
    match push_master(lua, family)? {
        Ok(()) => Ok(1),
        Err(failure) => failure.results(lua),
    }
}

/// `socket.tcp ()`
pub(super) fn tcp(lua: &mut LuaState) -> LuaResult<usize> {
    new_master(lua, AF_UNSPEC)
}

/// `socket.tcp4 ()`
pub(super) fn tcp4(lua: &mut LuaState) -> LuaResult<usize> {
    new_master(lua, AF_INET)
}

/// `socket.tcp6 ()`
pub(super) fn tcp6(lua: &mut LuaState) -> LuaResult<usize> {
    new_master(lua, AF_INET6)
}

/// `socket.connect (address, port [, local_address [, local_port [, family]]])`
pub(super) fn connect_new(lua: &mut LuaState) -> LuaResult<usize> {
    const FAMILIES: [c_int; 3] = [AF_UNSPEC, AF_INET, AF_INET6];
    let (host, port) = (Text::check(lua, 1)?, Text::check(lua, 2)?);
    let (local_host, local_port) = (Text::opt(lua, 3)?, Text::opt(lua, 4)?);
    let family = FAMILIES[lua.check_option(5, Some("unspec"), &["unspec", "inet", "inet6"])?];
    let client = new_socket(lua, CLIENT)?;
    client.family.set(AF_UNSPEC);
    if let Some(local_host) = local_host {
        let hints = Hints { family, kind: SOCK_STREAM, flags: libc::AI_PASSIVE };
        if let Err(failure) = address::bind(client, local_host, local_port, hints) {
            client.close();
            return failure.results(lua);
        }
    }
    // Once bound, it can only be connected within its family.
    let hints = Hints { family: client.family.get(), kind: SOCK_STREAM, flags: 0 };
    if let Err(failure) = address::connect(client, host, port, hints) {
        client.close();
        return failure.results(lua);
    }
    Ok(1)
}

/// Pushes a server for the address of a host, or says why there is none. Both texts stay in their slots.
pub(super) fn push_server(
    lua: &mut LuaState,
    family: c_int,
    host: Text<'_>,
    port: Text<'_>,
    backlog: c_int,
) -> LuaResult<Outcome<()>> {
    if let Err(failure) = push_master(lua, family)? {
        return Ok(Err(failure));
    }
    let Some(server) = object::socket_at(lua, -1) else { return Ok(Err(Failure::Closed)) };
    // Where this cannot be set, binding will tell.
    let _ = sys::set_option(server.fd.get(), libc::SOL_SOCKET, libc::SO_REUSEADDR, &1);
    let outcome = bind_socket(server, host, port).and_then(|()| sys::listen(server.fd.get(), backlog));
    match outcome {
        Ok(()) => lua.set_registered_metatable(SERVER)?,
        Err(_) => server.close(),
    }
    Ok(outcome)
}

/// Makes the classes.
pub(super) fn open(lua: &mut LuaState) -> LuaResult<()> {
    for class in [MASTER, CLIENT, SERVER] {
        new_class(lua, class, &[ANY], METHODS)?;
    }
    Ok(())
}
