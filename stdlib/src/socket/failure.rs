//! What goes wrong with a socket, and the reference's words for it.
//!
//! Programs compare these words (`err == "timeout"`), so those that the original settles are its own; the rest are the C
//! library's.

use core::ffi::{CStr, c_int};

use perilune_vm::{LuaResult, LuaState};

use crate::result::{ErrorText, last_error};

/// Why an operation on a socket did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The socket is closed, on this side or the other.
    Closed,
    /// The time was up.
    Timeout,
    /// The system's code.
    System(c_int),
    /// A code of the resolver, and the system's code that goes with one of them.
    Resolver(c_int, c_int),
    /// Something that the system was not asked about.
    Text(&'static str),
}

/// The result of an operation on a socket.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// The system's last error.
    pub(super) fn last() -> Self {
        Self::System(last_error())
    }

    /// An error of the standard library.
    pub(super) fn from_io(error: &std::io::Error) -> Self {
        Self::System(error.raw_os_error().unwrap_or(libc::EINVAL))
    }

    /// Pushes the message.
    #[doc(alias = "socket_strerror")]
    pub(super) fn push(self, lua: &mut LuaState) -> LuaResult<()> {
        match self {
            Self::Closed => lua.push_str("closed"),
            Self::Timeout => lua.push_str("timeout"),
            Self::Text(text) => lua.push_str(text),
            Self::System(code) => push_system(lua, code),
            Self::Resolver(code, system) => push_resolver(lua, code, system),
        }
    }

    /// Pushes nil and the message, which are the results of what failed.
    pub(super) fn results(self, lua: &mut LuaState) -> LuaResult<usize> {
        lua.push_nil()?;
        self.push(lua)?;
        Ok(2)
    }
}

/// Pushes the message of a code of the system.
fn push_system(lua: &mut LuaState, code: c_int) -> LuaResult<()> {
    match code {
        libc::EADDRINUSE => lua.push_str("address already in use"),
        libc::EISCONN => lua.push_str("already connected"),
        libc::EACCES => lua.push_str("permission denied"),
        libc::ECONNREFUSED => lua.push_str("connection refused"),
        libc::ECONNABORTED | libc::ECONNRESET => lua.push_str("closed"),
        libc::ETIMEDOUT => lua.push_str("timeout"),
        _ => lua.push_bytes(ErrorText::of(code).as_bytes()),
    }
}

/// Pushes the message of a code of the resolver.
#[doc(alias = "socket_gaistrerror")]
fn push_resolver(lua: &mut LuaState, code: c_int, system: c_int) -> LuaResult<()> {
    match code {
        libc::EAI_AGAIN => lua.push_str("temporary failure in name resolution"),
        libc::EAI_BADFLAGS => lua.push_str("invalid value for ai_flags"),
        libc::EAI_FAIL => lua.push_str("non-recoverable failure in name resolution"),
        libc::EAI_FAMILY => lua.push_str("ai_family not supported"),
        libc::EAI_MEMORY => lua.push_str("memory allocation failure"),
        libc::EAI_NONAME => lua.push_str("host or service not provided, or not known"),
        libc::EAI_OVERFLOW => lua.push_str("argument buffer overflow"),
        libc::EAI_SERVICE => lua.push_str("service not supported for socket type"),
        libc::EAI_SOCKTYPE => lua.push_str("ai_socktype not supported"),
        libc::EAI_SYSTEM => lua.push_bytes(ErrorText::of(system).as_bytes()),
        _ => push_resolver_plain(lua, code),
    }
}

/// Pushes the C library's own message of a code of the resolver, which some operations use.
#[doc(alias = "gai_strerror")]
pub(super) fn push_resolver_plain(lua: &mut LuaState, code: c_int) -> LuaResult<()> {
    // SAFETY: the function takes any code and returns a constant C string.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    lua.push_bytes(text.to_bytes())
}
