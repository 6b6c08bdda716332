//! Messages put together from bytes, which need not be UTF-8 and so cannot go through `format_args!`.

#[cfg(feature = "std")]
use perilune_vm::Thrown;
use perilune_vm::{LuaResult, LuaState};

/// What C sees of a string: the bytes before the first NUL.
pub(crate) fn c_bytes(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or(&[])
}

/// Pushes the concatenation of some pieces of text.
#[cfg(feature = "std")]
pub(crate) fn push_parts(lua: &mut LuaState, parts: &[&[u8]]) -> LuaResult<()> {
    for part in parts {
        lua.push_bytes(part)?;
    }
    lua.concat(parts.len())
}

/// Pushes the position at `level` and the pieces of text behind it, as one string.
pub(crate) fn push_located(lua: &mut LuaState, level: i32, parts: &[&[u8]]) -> LuaResult<()> {
    lua.where_(level)?;
    for part in parts {
        lua.push_bytes(part)?;
    }
    lua.concat(parts.len() + 1)
}

/// Raises an error with a message made of pieces of text, behind the position of the caller (`luaL_error`).
#[cfg(feature = "std")]
pub(crate) fn raise_parts(lua: &mut LuaState, parts: &[&[u8]]) -> Thrown {
    match push_located(lua, 1, parts) {
        Ok(()) => lua.error(),
        Err(thrown) => thrown,
    }
}
