//! `getoption` and `setoption`: the options that each kind of socket has, as tables.

use core::ffi::c_int;
use std::net::Ipv6Addr;

use libc::{AF_INET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET, in_addr};
use perilune_vm::{LuaResult, LuaState, Thrown};

use super::address::{Hints, Resolved, Text};
use super::failure::{Failure, Outcome};
use super::object::{Socket, socket_at};
use super::sys::{self, Plain};
use crate::message::push_parts;

/// An option of a socket.
struct Row {
    name: &'static str,
    kind: Kind,
    level: c_int,
    option: c_int,
    access: Access,
}

/// What a script may do with an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Both,
    Get,
    Set,
}

/// What the values of an option are.
#[derive(Clone, Copy)]
enum Kind {
    /// A boolean.
    Flag,
    /// An integer.
    Number,
    /// A table `{on = boolean, timeout = seconds}`.
    Linger,
    /// The address of an interface for IPv4, or `*`.
    Interface,
    /// A table `{multiaddr = address, interface = address}` for IPv4.
    Membership4,
    /// A table `{multiaddr = address, interface = number}` for IPv6.
    Membership6,
    /// What the last operation in the background failed for.
    Error,
}

/// A row of an option of which both is possible.
const fn row(name: &'static str, kind: Kind, level: c_int, option: c_int) -> Row {
    Row { name, kind, level, option, access: Access::Both }
}

impl Row {
    /// The same row, of which only that is possible.
    const fn only(self, access: Access) -> Self {
        Self { access, ..self }
    }
}

/// The options of TCP sockets.
const TCP_OPTIONS: &[Row] = &[
    row("keepalive", Kind::Flag, SOL_SOCKET, libc::SO_KEEPALIVE),
    row("reuseaddr", Kind::Flag, SOL_SOCKET, libc::SO_REUSEADDR),
    row("reuseport", Kind::Flag, SOL_SOCKET, libc::SO_REUSEPORT),
    row("tcp-nodelay", Kind::Flag, IPPROTO_TCP, libc::TCP_NODELAY),
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    row("tcp-keepidle", Kind::Number, IPPROTO_TCP, libc::TCP_KEEPIDLE),
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    row("tcp-keepcnt", Kind::Number, IPPROTO_TCP, libc::TCP_KEEPCNT),
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    row("tcp-keepintvl", Kind::Number, IPPROTO_TCP, libc::TCP_KEEPINTVL),
    row("linger", Kind::Linger, SOL_SOCKET, libc::SO_LINGER),
    row("error", Kind::Error, SOL_SOCKET, libc::SO_ERROR).only(Access::Get),
    row("recv-buffer-size", Kind::Number, SOL_SOCKET, libc::SO_RCVBUF),
    row("send-buffer-size", Kind::Number, SOL_SOCKET, libc::SO_SNDBUF),
    row("ipv6-v6only", Kind::Flag, IPPROTO_IPV6, libc::IPV6_V6ONLY).only(Access::Set),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    row("tcp-defer-accept", Kind::Number, IPPROTO_TCP, libc::TCP_DEFER_ACCEPT).only(Access::Set),
    #[cfg(target_os = "linux")]
    row("tcp-fastopen", Kind::Number, IPPROTO_TCP, libc::TCP_FASTOPEN).only(Access::Set),
    #[cfg(target_os = "linux")]
    row("tcp-fastopen-connect", Kind::Number, IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT).only(Access::Set),
];

/// The options of UDP sockets.
const UDP_OPTIONS: &[Row] = &[
    row("dontroute", Kind::Flag, SOL_SOCKET, libc::SO_DONTROUTE),
    row("broadcast", Kind::Flag, SOL_SOCKET, libc::SO_BROADCAST),
    row("reuseaddr", Kind::Flag, SOL_SOCKET, libc::SO_REUSEADDR),
    row("reuseport", Kind::Flag, SOL_SOCKET, libc::SO_REUSEPORT),
    row("ip-multicast-if", Kind::Interface, IPPROTO_IP, libc::IP_MULTICAST_IF),
    row("ip-multicast-ttl", Kind::Number, IPPROTO_IP, libc::IP_MULTICAST_TTL).only(Access::Set),
    row("ip-multicast-loop", Kind::Flag, IPPROTO_IP, libc::IP_MULTICAST_LOOP),
    row("ip-add-membership", Kind::Membership4, IPPROTO_IP, libc::IP_ADD_MEMBERSHIP).only(Access::Set),
    row("ip-drop-membership", Kind::Membership4, IPPROTO_IP, libc::IP_DROP_MEMBERSHIP).only(Access::Set),
    row("error", Kind::Error, SOL_SOCKET, libc::SO_ERROR).only(Access::Get),
    row("ipv6-unicast-hops", Kind::Number, IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
    row("ipv6-multicast-hops", Kind::Number, IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS),
    row("ipv6-multicast-loop", Kind::Flag, IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP),
    row("ipv6-add-membership", Kind::Membership6, IPPROTO_IPV6, ADD_MEMBERSHIP).only(Access::Set),
    row("ipv6-drop-membership", Kind::Membership6, IPPROTO_IPV6, DROP_MEMBERSHIP).only(Access::Set),
    row("ipv6-v6only", Kind::Flag, IPPROTO_IPV6, libc::IPV6_V6ONLY),
    row("recv-buffer-size", Kind::Number, SOL_SOCKET, libc::SO_RCVBUF),
    row("send-buffer-size", Kind::Number, SOL_SOCKET, libc::SO_SNDBUF),
];

/// The options of streams of the Unix domain.
const UNIX_STREAM_OPTIONS: &[Row] = &[
    row("keepalive", Kind::Flag, SOL_SOCKET, libc::SO_KEEPALIVE).only(Access::Set),
    row("reuseaddr", Kind::Flag, SOL_SOCKET, libc::SO_REUSEADDR).only(Access::Set),
    row("linger", Kind::Linger, SOL_SOCKET, libc::SO_LINGER).only(Access::Set),
];

/// The options of sockets for datagrams of the Unix domain.
const UNIX_DATAGRAM_OPTIONS: &[Row] = &[row("reuseaddr", Kind::Flag, SOL_SOCKET, libc::SO_REUSEADDR).only(Access::Set)];

/// How a group of IPv6 is joined.
#[cfg(any(target_os = "linux", target_os = "android"))]
const ADD_MEMBERSHIP: c_int = libc::IPV6_ADD_MEMBERSHIP;
/// How a group of IPv6 is left.
#[cfg(any(target_os = "linux", target_os = "android"))]
const DROP_MEMBERSHIP: c_int = libc::IPV6_DROP_MEMBERSHIP;
/// How a group of IPv6 is joined.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const ADD_MEMBERSHIP: c_int = libc::IPV6_JOIN_GROUP;
/// How a group of IPv6 is left.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const DROP_MEMBERSHIP: c_int = libc::IPV6_LEAVE_GROUP;

/// The tables of options, one a kind of socket.
#[derive(Clone, Copy)]
pub(super) enum Table {
    /// TCP sockets.
    Tcp,
    /// UDP sockets.
    Udp,
    /// Streams of the Unix domain.
    UnixStream,
    /// Sockets for datagrams of the Unix domain.
    UnixDatagram,
}

impl Table {
    /// All tables, in the order of their numbers.
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::UnixStream, Self::UnixDatagram];

    /// The rows.
    fn rows(self) -> &'static [Row] {
        match self {
            Self::Tcp => TCP_OPTIONS,
            Self::Udp => UDP_OPTIONS,
            Self::UnixStream => UNIX_STREAM_OPTIONS,
            Self::UnixDatagram => UNIX_DATAGRAM_OPTIONS,
        }
    }
}

/// In the context of a continuation: the number of the table, times this, and the number of fields that are there.
const CONTEXT_STEPS: isize = 4;
/// The slot of an option's value in `setoption`.
const VALUE: i32 = 3;
/// The slots of the fields of a value that is a table.
const FIELDS: [i32; 2] = [4, 5];

/// The option that the second argument names.
fn check_row(lua: &mut LuaState, table: Table, refused: Access) -> LuaResult<&'static Row> {
    let name = Text::check(lua, 2)?.bytes();
    if let Some(found) = table.rows().iter().find(|row| row.name.as_bytes() == name && row.access != refused) {
        return Ok(found);
    }
    let shown = &name[..name.len().min(35)];
    push_parts(lua, &[b"unsupported option `", shown, b"'"])?;
    // SAFETY: L1; the message stays on the stack.
    let message = lua.to_str(-1)?.map_or(&b""[..], |message| unsafe { message.bytes() });
    Err(lua.arg_error_bytes(2, message))
}

/// `object:getoption (option)`, for an object that is the first argument and has some options.
#[doc(alias = "opt_meth_getoption")]
pub(super) fn getoption(lua: &mut LuaState, socket: &Socket, table: Table) -> LuaResult<usize> {
    let row = check_row(lua, table, Access::Set)?;
    let pushed = match row.kind {
        Kind::Flag => match get::<c_int>(socket, row) {
            Ok(value) => lua.push_boolean(value != 0),
            Err(failure) => return failure.results(lua),
        },
        Kind::Number => match get::<c_int>(socket, row) {
            Ok(value) => lua.push_number(value.into()),
            Err(failure) => return failure.results(lua),
        },
        Kind::Linger => match get::<libc::linger>(socket, row) {
            Ok(value) => push_linger(lua, value),
            Err(failure) => return failure.results(lua),
        },
        Kind::Interface => match get::<in_addr>(socket, row) {
            Ok(value) => {
                let [a, b, c, d] = value.s_addr.to_ne_bytes();
                lua.push_fmt(format_args!("{a}.{b}.{c}.{d}"))
            }
            Err(failure) => return failure.results(lua),
        },
        Kind::Error => match get::<c_int>(socket, row) {
            Ok(0) => lua.push_nil(),
            Ok(code) => Failure::System(code).push(lua),
            Err(failure) => return failure.results(lua),
        },
        // These can only be set.
        Kind::Membership4 | Kind::Membership6 => lua.push_nil(),
    };
    pushed.map(|()| 1)
}

/// Asks the system for an option.
#[doc(alias = "opt_get")]
fn get<T: Plain>(socket: &Socket, row: &Row) -> Outcome<T> {
    sys::get_option(socket.fd.get(), row.level, row.option).map_err(|_| Failure::Text("getsockopt failed"))
}

/// Pushes how a socket lingers.
fn push_linger(lua: &mut LuaState, value: libc::linger) -> LuaResult<()> {
    lua.create_table(0, 2)?;
    lua.push_boolean(value.l_onoff != 0)?;
    lua.set_field(-2, "on")?;
    lua.push_integer(value.l_linger.into())?;
    lua.set_field(-2, "timeout")
}

/// `object:setoption (option [, value])`, for an object that is the first argument and has some options.
#[doc(alias = "opt_meth_setoption")]
pub(super) fn setoption(lua: &mut LuaState, socket: &Socket, table: Table) -> LuaResult<usize> {
    let row = check_row(lua, table, Access::Get)?;
    match row.kind {
        Kind::Flag => {
            if !lua.is_boolean(VALUE) {
                return Err(plain_type_error(lua, "boolean"));
            }
            let value = c_int::from(lua.to_boolean(VALUE));
            set(lua, socket, row, &value)
        }
        Kind::Number => {
            let value = lua.to_number(VALUE).unwrap_or(0.0) as c_int;
            set(lua, socket, row, &value)
        }
        Kind::Interface => {
            let address = Text::check(lua, VALUE)?;
            let Some(value) = interface(address) else { return Err(lua.arg_error(VALUE, "ip expected")) };
            set(lua, socket, row, &value)
        }
        Kind::Linger | Kind::Membership4 | Kind::Membership6 => {
            if !lua.is_table(VALUE) {
                return Err(plain_type_error(lua, "table"));
            }
            lua.set_top(VALUE)?;
            set_from_table(lua, table, 0)
        }
        // This can only be asked for.
        Kind::Error => Failure::Text("setsockopt failed").results(lua),
    }
}

/// Fetches the fields of a value that is a table from number `start` on, and sets the option.
fn set_from_table(lua: &mut LuaState, table: Table, start: usize) -> LuaResult<usize> {
    let row = check_row(lua, table, Access::Get)?;
    let names = if matches!(row.kind, Kind::Linger) { ["on", "timeout"] } else { ["multiaddr", "interface"] };
    for (step, name) in names.iter().enumerate().skip(start) {
        let context = table as isize * CONTEXT_STEPS + step as isize + 1;
        lua.get_field_then(VALUE, name, context, |lua, _, context| {
            set_from_table(lua, Table::ALL[(context / CONTEXT_STEPS) as usize], (context % CONTEXT_STEPS) as usize)
        })?;
    }
    let Some(socket) = socket_at(lua, 1) else { return Err(lua.type_error(1, "socket")) };
    match row.kind {
        Kind::Linger => {
            let value = check_linger(lua)?;
            set(lua, socket, row, &value)
        }
        Kind::Membership4 => {
            let value = check_membership4(lua)?;
            set(lua, socket, row, &value)
        }
        _ => {
            let value = check_membership6(lua)?;
            set(lua, socket, row, &value)
        }
    }
}

/// How a socket is to linger, from the fields of the value.
fn check_linger(lua: &mut LuaState) -> LuaResult<libc::linger> {
    let [on, timeout] = FIELDS;
    lua.arg_check(lua.is_boolean(on), VALUE, "boolean 'on' field expected")?;
    let Some(seconds) = lua.to_number(timeout) else {
        return Err(lua.arg_error(VALUE, "number 'timeout' field expected"));
    };
    Ok(libc::linger { l_onoff: lua.to_boolean(on).into(), l_linger: c_int::from(seconds as u16) })
}

/// A membership of IPv4, from the fields of the value.
#[doc(alias = "opt_setmembership")]
fn check_membership4(lua: &mut LuaState) -> LuaResult<libc::ip_mreq> {
    let [group, interface_field] = FIELDS;
    lua.arg_check(lua.is_string(group), VALUE, "string 'multiaddr' field expected")?;
    let group = ipv4(Text::check(lua, group)?);
    let Some(imr_multiaddr) = group else { return Err(lua.arg_error(VALUE, "invalid 'multiaddr' ip address")) };
    lua.arg_check(lua.is_string(interface_field), VALUE, "string 'interface' field expected")?;
    let found = interface(Text::check(lua, interface_field)?);
    let Some(imr_interface) = found else { return Err(lua.arg_error(VALUE, "invalid 'interface' ip address")) };
    Ok(libc::ip_mreq { imr_multiaddr, imr_interface })
}

/// A membership of IPv6, from the fields of the value. Without an interface, the system chooses one.
#[doc(alias = "opt_ip6_setmembership")]
fn check_membership6(lua: &mut LuaState) -> LuaResult<libc::ipv6_mreq> {
    let [group, interface_field] = FIELDS;
    lua.arg_check(lua.is_string(group), VALUE, "string 'multiaddr' field expected")?;
    let text = Text::check(lua, group)?.bytes();
    let Some(group) = core::str::from_utf8(text).ok().and_then(|text| text.parse::<Ipv6Addr>().ok()) else {
        return Err(lua.arg_error(VALUE, "invalid 'multiaddr' ip address"));
    };
    let number = match lua.to_number(interface_field) {
        Some(number) => number,
        None if lua.is_nil(interface_field) => 0.0,
        None => return Err(lua.arg_error(VALUE, "number 'interface' field expected")),
    };
    let ipv6mr_multiaddr = libc::in6_addr { s6_addr: group.octets() };
    Ok(libc::ipv6_mreq { ipv6mr_multiaddr, ipv6mr_interface: number as _ })
}

/// An IPv4 address in any notation that C knows.
#[doc(alias = "inet_aton")]
fn ipv4(text: Text<'_>) -> Option<in_addr> {
    let hints = Hints { family: AF_INET, kind: libc::SOCK_DGRAM, flags: libc::AI_NUMERICHOST };
    let found = Resolved::find(Some(text), None, hints).ok()?;
    let address = found.entries().next()?.address.as_socket_ipv4()?;
    Some(in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) })
}

/// The same, or `*` for the interface that the system chooses.
fn interface(text: Text<'_>) -> Option<in_addr> {
    if text.bytes() == b"*" { Some(in_addr { s_addr: libc::INADDR_ANY }) } else { ipv4(text) }
}

/// Has the system set an option.
#[doc(alias = "opt_set")]
fn set<T: Plain>(lua: &mut LuaState, socket: &Socket, row: &Row, value: &T) -> LuaResult<usize> {
    let outcome = sys::set_option(socket.fd.get(), row.level, row.option, value);
    super::tcp::results(lua, outcome.map_err(|_| Failure::Text("setsockopt failed")))
}

/// The error that the value is not of a type. Unlike others of its kind it does not look for the type's own name.
#[doc(alias = "auxiliar_typeerror")]
fn plain_type_error(lua: &mut LuaState, expected: &str) -> Thrown {
    let found = lua.type_name_at(VALUE);
    match push_parts(lua, &[expected.as_bytes(), b" expected, got ", found.as_bytes()]).and_then(|()| lua.to_str(-1)) {
        // SAFETY: L1; the message stays on the stack.
        Ok(message) => lua.arg_error_bytes(VALUE, message.map_or(&[][..], |message| unsafe { message.bytes() })),
        Err(thrown) => thrown,
    }
}
