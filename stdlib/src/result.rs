//! What functions that ask the operating system return: true, or nil with a message and a code (manual §6.8).

use core::ffi::c_int;
use std::io::Error;

use perilune_vm::{LuaResult, LuaState};

use crate::message::{c_bytes, push_parts};

/// The system's message for an error code.
pub(crate) struct ErrorText {
    bytes: [u8; 256],
}

impl ErrorText {
    /// The message of `code`.
    #[doc(alias = "strerror")]
    pub(crate) fn of(code: i32) -> Self {
        let mut bytes = [0; 256];
        // SAFETY: the array is valid for its length; the last byte is kept out, so that the text always ends with a NUL.
        #[cfg(unix)]
        unsafe {
            libc::strerror_r(code, bytes.as_mut_ptr().cast(), bytes.len() - 1);
        }
        #[cfg(not(unix))]
        {
            use std::io::Write;
            // A message that is too long is cut.
            let _ = write!(&mut bytes[..255], "{}", Error::from_raw_os_error(code));
        }
        Self { bytes }
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        c_bytes(&self.bytes)
    }
}

/// The code of the last failed request to the system.
#[doc(alias = "errno")]
pub(crate) fn last_error() -> i32 {
    Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// An integer as one of the C library's types, if it fits.
pub(crate) fn fit<T: TryFrom<i64>>(value: i64) -> Option<T> {
    T::try_from(value).ok()
}

/// Pushes the results of a function on files: true, or nil, a message and a code, those of the system's last error
/// (manual §5.1, `luaL_fileresult`). The file name, if there is one, begins the message.
#[doc(alias = "luaL_fileresult")]
pub fn file_result(lua: &mut LuaState, ok: bool, file_name: Option<&[u8]>) -> LuaResult<usize> {
    let code = last_error();
    if ok {
        lua.push_boolean(true)?;
        return Ok(1);
    }
    let text = ErrorText::of(code);
    lua.push_nil()?;
    match file_name {
        Some(name) => push_parts(lua, &[c_bytes(name), b": ", text.as_bytes()])?,
        None => lua.push_bytes(text.as_bytes())?,
    }
    lua.push_integer(i64::from(code))?;
    Ok(3)
}

/// Pushes the results of a function on processes, given the status that C's `system` or `pclose` returned: true or nil,
/// then `"exit"` or `"signal"`, then the code (manual §5.1, `luaL_execresult`).
#[doc(alias = "luaL_execresult")]
pub fn exec_result(lua: &mut LuaState, status: c_int) -> LuaResult<usize> {
    if status == -1 {
        return file_result(lua, false, None);
    }
    let (what, code) = inspect(status);
    if what == "exit" && code == 0 {
        lua.push_boolean(true)?;
    } else {
        lua.push_nil()?;
    }
    lua.push_str(what)?;
    lua.push_integer(i64::from(code))?;
    Ok(3)
}

/// How a process ended, and with which code.
#[cfg(unix)]
fn inspect(status: c_int) -> (&'static str, c_int) {
    if libc::WIFEXITED(status) {
        ("exit", libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        ("signal", libc::WTERMSIG(status))
    } else {
        ("exit", status)
    }
}

/// How a process ended, and with which code.
#[cfg(not(unix))]
fn inspect(status: c_int) -> (&'static str, c_int) {
    ("exit", status)
}
