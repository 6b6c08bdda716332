//! The table `socket.dns`: names and addresses, by way of the C library's resolver.

use core::ffi::{CStr, c_int};

use libc::{AF_INET, AF_UNSPEC, SOCK_STREAM};
use perilune_vm::{LuaResult, LuaState, NativeFn};

use super::address::{Hints, Names, Resolved, Text, family_name};
use super::failure::Failure;
use crate::result::last_error;

/// `dns.tohostname (address)`
#[doc(alias = "inet_global_tohostname")]
fn tohostname(lua: &mut LuaState) -> LuaResult<usize> {
    look_up(lua, "name")
}

/// `dns.toip (address)`
#[doc(alias = "inet_global_toip")]
fn toip(lua: &mut LuaState) -> LuaResult<usize> {
    look_up(lua, "ip")
}

/// Finds a host by its name, or by its address if that has a name, and returns its name or its first address, and a table
/// with everything.
fn look_up(lua: &mut LuaState, first: &str) -> LuaResult<usize> {
    let asked = Text::check(lua, 1)?;
    if asked.bytes().is_empty() {
        return host_failure(lua, libc::EAI_FAIL);
    }
    let numeric = Hints { family: AF_INET, kind: SOCK_STREAM, flags: libc::AI_NUMERICHOST };
    if let Ok(found) = Resolved::find(Some(asked), None, numeric)
        && let Some(entry) = found.entries().next()
    {
        match Names::find(&entry.address, true, false, libc::NI_NAMEREQD) {
            Ok(names) => push_host(lua, names.host(), &found, None)?,
            Err(code) => return host_failure(lua, code),
        }
    } else {
        let by_name = Hints { flags: libc::AI_CANONNAME, ..numeric };
        match Resolved::find(Some(asked), None, by_name) {
            Ok(found) => {
                let name = found.canonical_name().map_or(asked.bytes(), CStr::to_bytes);
                let alias = (!name.eq_ignore_ascii_case(asked.bytes())).then_some(asked.bytes());
                push_host(lua, name, &found, alias)?;
            }
            Err(Failure::Resolver(code, _)) => return host_failure(lua, code),
            Err(failure) => return failure.results(lua),
        }
    }
    lua.get_field(-1, first)?;
    if first == "ip" {
        lua.raw_get_i(-1, 1)?;
        lua.remove(-2);
    }
    lua.insert(-2);
    Ok(2)
}

/// Pushes the table about a host: `name`, `alias`, `ip`.
#[doc(alias = "inet_pushresolved")]
fn push_host(lua: &mut LuaState, name: &[u8], found: &Resolved, alias: Option<&[u8]>) -> LuaResult<()> {
    lua.create_table(0, 3)?;
    lua.push_bytes(name)?;
    lua.set_field(-2, "name")?;
    lua.new_table()?;
    if let Some(alias) = alias {
        lua.push_bytes(alias)?;
        lua.raw_set_i(-2, 1)?;
    }
    lua.set_field(-2, "alias")?;
    lua.new_table()?;
    let addresses = found.entries().filter_map(|entry| entry.address.as_socket_ipv4());
    for (index, address) in (1..).zip(addresses) {
        lua.push_fmt(format_args!("{}", address.ip()))?;
        lua.raw_set_i(-2, index)?;
    }
    lua.set_field(-2, "ip")
}

/// Returns nil and what the older functions of the resolver say where the newer ones give a code.
#[doc(alias = "socket_hoststrerror")]
fn host_failure(lua: &mut LuaState, code: c_int) -> LuaResult<usize> {
    // What `h_errno` would be; these numbers are the same everywhere.
    const TRY_AGAIN: c_int = 2;
    const NO_RECOVERY: c_int = 3;
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    const NO_ADDRESS: c_int = 4;
    let older = match code {
        libc::EAI_AGAIN => TRY_AGAIN,
        libc::EAI_FAIL => NO_RECOVERY,
        libc::EAI_SYSTEM => return Failure::System(last_error()).results(lua),
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        libc::EAI_NODATA => NO_ADDRESS,
        _ => return Failure::Text("host not found").results(lua),
    };
    lua.push_nil()?;
    // SAFETY: the function takes any code and returns a constant C string.
    let text = unsafe { CStr::from_ptr(libc::hstrerror(older)) };
    lua.push_bytes(text.to_bytes())?;
    Ok(2)
}

/// `dns.getaddrinfo (address)`
#[doc(alias = "inet_global_getaddrinfo")]
fn getaddrinfo(lua: &mut LuaState) -> LuaResult<usize> {
    let host = Text::check(lua, 1)?;
    match push_addresses(lua, host)? {
        Ok(()) => Ok(1),
        Err(failure) => failure.results(lua),
    }
}

/// Pushes a table of the addresses of a host, each a table with `family` and `addr`, or says why there are none.
pub(super) fn push_addresses(lua: &mut LuaState, host: Text<'_>) -> LuaResult<Result<(), Failure>> {
    let hints = Hints { family: AF_UNSPEC, kind: SOCK_STREAM, flags: 0 };
    let found = match Resolved::find(Some(host), None, hints) {
        Ok(found) => found,
        Err(failure) => return Ok(Err(failure)),
    };
    lua.new_table()?;
    for (index, entry) in (1..).zip(found.entries()) {
        let names = match Names::find(&entry.address, true, false, libc::NI_NUMERICHOST) {
            Ok(names) => names,
            Err(code) => return Ok(Err(Failure::Resolver(code, last_error()))),
        };
        lua.create_table(0, 2)?;
        lua.push_str(family_name(entry.family))?;
        lua.set_field(-2, "family")?;
        lua.push_bytes(names.host())?;
        lua.set_field(-2, "addr")?;
        lua.raw_set_i(-2, index)?;
    }
    Ok(Ok(()))
}

/// `dns.getnameinfo ([address [, service]])`
#[doc(alias = "inet_global_getnameinfo")]
fn getnameinfo(lua: &mut LuaState) -> LuaResult<usize> {
    let (host, service) = (Text::opt(lua, 1)?, Text::opt(lua, 2)?);
    if host.is_none() && service.is_none() {
        return Err(lua.raise(format_args!("host and serv cannot be both nil")));
    }
    let hints = Hints { family: AF_UNSPEC, kind: SOCK_STREAM, flags: 0 };
    let found = match Resolved::find(host, service, hints) {
        Ok(found) => found,
        Err(failure) => return failure.results(lua),
    };
    lua.new_table()?;
    let mut last = None;
    for (index, entry) in (1..).zip(found.entries()) {
        let Ok(names) = Names::find(&entry.address, host.is_some(), service.is_some(), 0) else { continue };
        if host.is_some() {
            lua.push_bytes(names.host())?;
            lua.raw_set_i(-2, index)?;
        }
        last = Some(names);
    }
    if service.is_none() {
        return Ok(1);
    }
    lua.push_bytes(last.as_ref().map_or(&[][..], Names::service))?;
    Ok(2)
}

/// `dns.gethostname ()`
#[doc(alias = "inet_global_gethostname")]
fn gethostname(lua: &mut LuaState) -> LuaResult<usize> {
    let mut name = [0u8; 257];
    // SAFETY: the array is valid for one byte more than is said, so that the name always ends with a NUL.
    if unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0 {
        return Failure::last().results(lua);
    }
    lua.push_bytes(crate::message::c_bytes(&name))?;
    Ok(1)
}

/// The functions of the table.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("getaddrinfo", getaddrinfo),
    ("gethostname", gethostname),
    ("getnameinfo", getnameinfo),
    ("tohostname", tohostname),
    ("toip", toip),
];

/// Sets the table `dns` in the table on top.
#[doc(alias = "inet_open")]
pub(super) fn open(lua: &mut LuaState) -> LuaResult<()> {
    lua.new_lib(FUNCTIONS)?;
    lua.set_field(-2, "dns")
}
