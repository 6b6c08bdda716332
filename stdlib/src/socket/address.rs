//! Internet addresses: from names to addresses, binding, connecting, and the names of both ends.

use core::ffi::{CStr, c_char, c_int};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};
use std::io;

use libc::{AF_INET, AF_INET6, AF_UNSPEC, addrinfo};
use perilune_vm::{LuaResult, LuaState};
use socket2::SockAddr;

use super::failure::{Failure, Outcome, push_resolver_plain};
use super::object::Socket;
use super::sys::{self, INVALID};
use crate::message::c_bytes;
use crate::result::last_error;

/// The longest name of a host that the resolver gives, with its NUL.
#[doc(alias = "NI_MAXHOST")]
const MAX_HOST: usize = 1025;
/// The longest name of a service, with its NUL.
#[doc(alias = "NI_MAXSERV")]
const MAX_SERVICE: usize = 32;

/// A string argument as C sees it: it ends at the first NUL.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The argument `arg`, which must be a string and stays in its slot.
    pub(super) fn check(lua: &mut LuaState, arg: i32) -> LuaResult<Self> {
        // SAFETY: L1.
        Ok(Self(unsafe { lua.check_str(arg)?.bytes() }))
    }

    /// The same, if there is one.
    pub(super) fn opt(lua: &mut LuaState, arg: i32) -> LuaResult<Option<Self>> {
        if lua.is_none_or_nil(arg) { Ok(None) } else { Self::check(lua, arg).map(Some) }
    }

    /// The bytes before the first NUL.
    pub(super) fn bytes(self) -> &'a [u8] {
        c_bytes(self.0)
    }

    /// Its address as that of a C string.
    fn as_ptr(self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

/// The address of a text, or null.
fn text_ptr(text: Option<Text<'_>>) -> *const c_char {
    text.map_or(null(), Text::as_ptr)
}

/// What is asked of the resolver besides the name.
#[derive(Clone, Copy, Default)]
pub(super) struct Hints {
    /// The family of addresses; `AF_UNSPEC` for any.
    pub(super) family: c_int,
    /// The type of sockets; 0 for any.
    pub(super) kind: c_int,
    /// `AI_PASSIVE` and its like.
    pub(super) flags: c_int,
}

/// The resolver's answer, which the C library holds.
pub(super) struct Resolved(*mut addrinfo);

/// One address of an answer.
pub(super) struct Entry {
    /// Its family.
    pub(super) family: c_int,
    /// The type of sockets that it is for.
    kind: c_int,
    /// Their protocol.
    protocol: c_int,
    /// The address.
    pub(super) address: SockAddr,
}

impl Resolved {
    /// Asks the resolver for the addresses of a host and a service.
    #[doc(alias = "getaddrinfo")]
    pub(super) fn find(host: Option<Text<'_>>, service: Option<Text<'_>>, hints: Hints) -> Outcome<Self> {
        // SAFETY: all zeros is a value of the structure.
        let mut wanted = unsafe { MaybeUninit::<addrinfo>::zeroed().assume_init() };
        wanted.ai_family = hints.family;
        wanted.ai_socktype = hints.kind;
        wanted.ai_flags = hints.flags;
        let mut found = null_mut();
        // SAFETY: L3 for both names; the structures are valid.
        let code = unsafe { libc::getaddrinfo(text_ptr(host), text_ptr(service), &wanted, &mut found) };
        if code == 0 { Ok(Self(found)) } else { Err(Failure::Resolver(code, last_error())) }
    }

    /// The host's own name, if it was asked for (`AI_CANONNAME`) and found.
    pub(super) fn canonical_name(&self) -> Option<&CStr> {
        // SAFETY: the list is valid until it is freed, and the name is null or a C string.
        unsafe {
            let name = self.0.as_ref()?.ai_canonname;
            if name.is_null() { None } else { Some(CStr::from_ptr(name)) }
        }
    }

    /// The addresses.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { next: self.0, _list: PhantomData }
    }
}

impl Drop for Resolved {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the C library made the list, and nothing of it is used afterwards.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

/// The addresses of an answer, one after the other.
pub(super) struct Entries<'a> {
    next: *mut addrinfo,
    _list: PhantomData<&'a Resolved>,
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        // SAFETY: the list is valid while the answer is borrowed.
        let info = unsafe { self.next.as_ref() }?;
        self.next = info.ai_next;
        // SAFETY: the resolver's address is valid for its length, which is that of its family.
        let address = unsafe {
            SockAddr::try_init(|storage, len| {
                if info.ai_addrlen > *len || info.ai_addr.is_null() {
                    return Err(io::Error::from(io::ErrorKind::InvalidInput));
                }
                storage.cast::<u8>().copy_from_nonoverlapping(info.ai_addr.cast(), info.ai_addrlen as usize);
                *len = info.ai_addrlen;
                Ok(())
            })
        };
        match address {
            Ok(((), address)) => {
                Some(Entry { family: info.ai_family, kind: info.ai_socktype, protocol: info.ai_protocol, address })
            }
            Err(_) => self.next(),
        }
    }
}

/// Makes a socket of a family. One for IPv6 is for that alone, so that it does not get in the way of one for IPv4.
#[doc(alias = "inet_trycreate")]
pub(super) fn create(socket: &Socket, family: c_int, kind: c_int, protocol: c_int) -> Outcome<()> {
    let fd = sys::create(family, kind, protocol)?;
    socket.fd.set(fd);
    if family == AF_INET6 {
        // Where this cannot be set it does not matter.
        let _ = sys::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &1);
    }
    Ok(())
}

/// Makes the socket anew if it is not of an address's family.
fn adapt(socket: &Socket, current_family: &mut c_int, entry: &Entry) -> Outcome<()> {
    if *current_family != entry.family || socket.fd.get() == INVALID {
        socket.close();
        create(socket, entry.family, entry.kind, entry.protocol)?;
        *current_family = entry.family;
    }
    Ok(())
}

/// Binds a socket to the first address of a host and a service for which that works. `*` is every address of the machine.
#[doc(alias = "inet_trybind")]
pub(super) fn bind(socket: &Socket, host: Text<'_>, service: Option<Text<'_>>, hints: Hints) -> Outcome<()> {
    let host = (host.bytes() != b"*").then_some(host);
    let service = service.unwrap_or(Text(b"0\0"));
    let mut family = socket.family.get();
    let mut outcome = Err(Failure::Closed);
    for entry in Resolved::find(host, Some(service), hints)?.entries() {
        outcome = adapt(socket, &mut family, &entry).and_then(|()| sys::bind(socket.fd.get(), &entry.address));
        if outcome.is_ok() {
            socket.family.set(family);
            break;
        }
    }
    outcome
}

/// Connects a socket to the first address of a host and a service for which that works.
#[doc(alias = "inet_tryconnect")]
pub(super) fn connect(socket: &Socket, host: Text<'_>, service: Text<'_>, hints: Hints) -> Outcome<()> {
    let mut family = socket.family.get();
    let mut outcome = Err(Failure::Closed);
    for entry in Resolved::find(Some(host), Some(service), hints)?.entries() {
        socket.timeout.begin();
        outcome = adapt(socket, &mut family, &entry);
        if outcome.is_err() {
            continue;
        }
        outcome = sys::connect(socket.fd.get(), &entry.address, &socket.timeout);
        // Who does not wait tries one address alone: it may still work.
        if outcome.is_ok() || socket.timeout.is_zero() {
            socket.family.set(family);
            break;
        }
    }
    outcome
}

/// What a family is called where addresses are.
pub(super) fn family_name(family: c_int) -> &'static str {
    match family {
        AF_INET => "inet",
        AF_INET6 => "inet6",
        AF_UNSPEC => "unspec",
        _ => "unknown",
    }
}

/// What a family is called as a property of a socket.
pub(super) fn push_family(lua: &mut LuaState, family: c_int) -> LuaResult<usize> {
    lua.push_str(if family == AF_INET6 { "inet6" } else { "inet4" })?;
    Ok(1)
}

/// The names of a host and of a service, as C strings.
pub(super) struct Names {
    host: [u8; MAX_HOST],
    service: [u8; MAX_SERVICE],
}

impl Names {
    /// Asks the resolver for the names of an address, and for which of them: neither is found if it is not asked for.
    #[doc(alias = "getnameinfo")]
    pub(super) fn find(address: &SockAddr, host: bool, service: bool, flags: c_int) -> Result<Self, c_int> {
        let mut names = Self { host: [0; MAX_HOST], service: [0; MAX_SERVICE] };
        let host_len = if host { names.host.len() } else { 0 };
        let service_len = if service { names.service.len() } else { 0 };
        let (host, service) = (names.host.as_mut_ptr().cast(), names.service.as_mut_ptr().cast());
        // SAFETY: address and arrays are valid for their lengths.
        let code = unsafe {
            let address_ptr = address.as_ptr().cast();
            libc::getnameinfo(address_ptr, address.len(), host, host_len as _, service, service_len as _, flags)
        };
        if code == 0 { Ok(names) } else { Err(code) }
    }

    /// The same in numbers.
    pub(super) fn numeric(address: &SockAddr) -> Result<Self, c_int> {
        Self::find(address, true, true, libc::NI_NUMERICHOST | libc::NI_NUMERICSERV)
    }

    /// The host's name.
    pub(super) fn host(&self) -> &[u8] {
        c_bytes(&self.host)
    }

    /// The service's name.
    pub(super) fn service(&self) -> &[u8] {
        c_bytes(&self.service)
    }

    /// The service as the number of a port.
    pub(super) fn port(&self) -> i64 {
        core::str::from_utf8(self.service()).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Pushes nil and the C library's own message of a code of the resolver.
pub(super) fn resolver_results(lua: &mut LuaState, code: c_int) -> LuaResult<usize> {
    lua.push_nil()?;
    push_resolver_plain(lua, code)?;
    Ok(2)
}

/// Pushes address, port and family of a socket's own end. The port is a string, as in the original.
#[doc(alias = "inet_meth_getsockname")]
pub(super) fn local_results(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    let address = match sys::local_name(socket.fd.get()) {
        Ok(address) => address,
        Err(failure) => return failure.results(lua),
    };
    match Names::numeric(&address) {
        Ok(names) => {
            lua.push_bytes(names.host())?;
            lua.push_bytes(names.service())?;
            lua.push_str(family_name(socket.family.get()))?;
            Ok(3)
        }
        Err(code) => resolver_results(lua, code),
    }
}

/// Pushes address, port and family of a socket's other end.
#[doc(alias = "inet_meth_getpeername")]
pub(super) fn peer_results(lua: &mut LuaState, socket: &Socket) -> LuaResult<usize> {
    let address = match sys::peer_name(socket.fd.get()) {
        Ok(address) => address,
        Err(failure) => return failure.results(lua),
    };
    match Names::numeric(&address) {
        Ok(names) => {
            lua.push_bytes(names.host())?;
            lua.push_integer(names.port())?;
            lua.push_str(family_name(socket.family.get()))?;
            Ok(3)
        }
        Err(code) => resolver_results(lua, code),
    }
}
