//! UDP objects: one that is connected to a peer, and one that is not.

use libc::{AF_INET, AF_INET6, AF_UNSPEC, SOCK_DGRAM, c_int};
use perilune_vm::{LuaResult, LuaState, NativeFn};
use socket2::SockAddr;

use super::address::{self, Hints, Names, Resolved, Text};
use super::datagram;
use super::failure::{Failure, Outcome};
use super::object::{Socket, check_class, check_group, new_class, new_socket, set_class};
use super::options::{Table, getoption, setoption};
use super::sys::{self, Descriptor, INVALID};
use super::tcp::results;

/// A socket with a peer.
const CONNECTED: &str = "udp{connected}";
/// A socket without one.
const UNCONNECTED: &str = "udp{unconnected}";
/// All of them.
const ANY: &str = "udp{any}";
/// The mark of what `select` takes, which nobody asks for.
pub(super) const SELECTABLE: &str = "select{able}";

/// `object:getfamily ()`
fn getfamily(lua: &mut LuaState) -> LuaResult<usize> {
    let family = check_group(lua, ANY)?.family.get();
    address::push_family(lua, family)
}

/// `object:getoption (option)`
fn get_udp_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    getoption(lua, socket, Table::Udp)
}

/// `connected:getpeername ()`
fn getpeername(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, CONNECTED)?;
    address::peer_results(lua, socket)
}

/// `object:getsockname ()`
fn getsockname(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    address::local_results(lua, socket)
}

/// `object:gettimeout ()`
fn gettimeout(lua: &mut LuaState) -> LuaResult<usize> {
    check_group(lua, ANY)?.timeout.get(lua)
}

/// `object:receive ([size])`
fn receive(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    datagram::receive(lua, socket)
}

/// `unconnected:receivefrom ([size])`
fn receivefrom(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    let from = match datagram::receive_from(lua, socket)? {
        Ok(from) => from,
        Err(failure) => return datagram::failed(lua, failure),
    };
    match Names::numeric(&from) {
        Ok(names) => {
            lua.push_bytes(names.host())?;
            lua.push_integer(names.port())?;
            Ok(3)
        }
        Err(code) => address::resolver_results(lua, code),
    }
}

/// `connected:send (datagram)`
fn send(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, CONNECTED)?;
    datagram::send(lua, socket)
}

/// `unconnected:sendto (datagram, ip, port)`
fn sendto(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    // SAFETY: L1.
    let data = unsafe { lua.check_str(2)?.bytes() };
    let (ip, port) = (Text::check(lua, 3)?, Text::check(lua, 4)?);
    let flags = libc::AI_NUMERICHOST | libc::AI_NUMERICSERV;
    let hints = Hints { family: socket.family.get(), kind: SOCK_DGRAM, flags };
    let found = match Resolved::find(Some(ip), Some(port), hints) {
        Ok(found) => found,
        Err(Failure::Resolver(code, _)) => return address::resolver_results(lua, code),
        Err(failure) => return failure.results(lua),
    };
    let outcome = send_to_first(socket, data, &found);
    drop(found);
    match outcome {
        Ok(outcome) => datagram::sent_results(lua, outcome),
        Err(failure) => failure.results(lua),
    }
}

/// Sends a datagram to the first of some addresses; the socket is made by then. The inner outcome is that of sending.
fn send_to_first(socket: &Socket, data: &[u8], found: &Resolved) -> Outcome<Outcome<usize>> {
    if socket.family.get() == AF_UNSPEC && socket.fd.get() == INVALID {
        let mut made = Err(Failure::Closed);
        for entry in found.entries() {
            made = address::create(socket, entry.family, SOCK_DGRAM, 0);
            if made.is_ok() {
                socket.family.set(entry.family);
                break;
            }
        }
        made?;
    }
    let Some(first) = found.entries().next() else { return Ok(Err(Failure::Closed)) };
    socket.timeout.begin();
    Ok(sys::send_to(socket.fd.get(), data, &first.address, &socket.timeout))
}

/// `object:setoption (option [, value])`
fn set_udp_option(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    setoption(lua, socket, Table::Udp)
}

/// `object:setpeername (address, port)`; `*` takes the peer away.
fn setpeername(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_group(lua, ANY)?;
    let host = Text::check(lua, 2)?;
    if host.bytes() == b"*" {
        disconnect(socket.fd.get(), socket.family.get());
        set_class(lua, UNCONNECTED)?;
        return results(lua, Ok(()));
    }
    let port = Text::check(lua, 3)?;
    let hints = Hints { family: socket.family.get(), kind: SOCK_DGRAM, flags: 0 };
    let outcome = address::connect(socket, host, port, hints);
    if outcome.is_ok() {
        set_class(lua, CONNECTED)?;
    }
    results(lua, outcome)
}

/// Takes the peer of a socket away. Some systems say that it failed when it did not, so nobody asks.
#[doc(alias = "inet_trydisconnect")]
fn disconnect(fd: Descriptor, family: c_int) {
    let len = match family {
        AF_INET => size_of::<libc::sockaddr_in>(),
        AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return,
    };
    // SAFETY: an address of no family, which all zeros are, may have any length.
    let nobody = unsafe {
        SockAddr::try_init(|_, address_len| {
            *address_len = len as libc::socklen_t;
            Ok(())
        })
    };
    if let Ok(((), nobody)) = nobody {
        let _ = sys::connect(fd, &nobody, &super::timeout::Timeout::new(0.0, -1.0));
    }
}

/// `unconnected:setsockname (address, port)`
fn setsockname(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_class(lua, UNCONNECTED)?;
    let (host, port) = (Text::check(lua, 2)?, Text::check(lua, 3)?);
    let hints = Hints { family: socket.family.get(), kind: SOCK_DGRAM, flags: libc::AI_PASSIVE };
    results(lua, address::bind(socket, host, Some(port), hints))
}

/// The methods, besides those of all sockets.
const METHODS: &[(&str, NativeFn)] = &[
    ("getfamily", getfamily),
    ("getoption", get_udp_option),
    ("getpeername", getpeername),
    ("getsockname", getsockname),
    ("gettimeout", gettimeout),
    ("receive", receive),
    ("receivefrom", receivefrom),
    ("send", send),
    ("sendto", sendto),
    ("setoption", set_udp_option),
    ("setpeername", setpeername),
    ("setsockname", setsockname),
];

/// Returns a new object. With a family it has a descriptor at once, else when it is used for the first time.
fn new_udp(lua: &mut LuaState, family: c_int) -> LuaResult<usize> {
    let socket = new_socket(lua, UNCONNECTED)?;
    socket.family.set(family);
    if family != AF_UNSPEC
        && let Err(failure) = address::create(socket, family, SOCK_DGRAM, 0)
    {
        return failure.results(lua);
    }
    Ok(1)
}

/// `socket.udp ()`
pub(super) fn udp(lua: &mut LuaState) -> LuaResult<usize> {
    new_udp(lua, AF_UNSPEC)
}

/// `socket.udp4 ()`
pub(super) fn udp4(lua: &mut LuaState) -> LuaResult<usize> {
    new_udp(lua, AF_INET)
}

/// `socket.udp6 ()`
pub(super) fn udp6(lua: &mut LuaState) -> LuaResult<usize> {
    new_udp(lua, AF_INET6)
}

/// Makes the classes.
pub(super) fn open(lua: &mut LuaState) -> LuaResult<()> {
    for class in [CONNECTED, UNCONNECTED] {
        new_class(lua, class, &[ANY, SELECTABLE], METHODS)?;
    }
    Ok(())
}
