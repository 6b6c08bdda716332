//! File handles: full userdata that hold a C stream and how to close it.

use core::ptr::{NonNull, null_mut};

use libc::FILE;
use perilune_vm::{LuaResult, LuaState, LuaType, NativeFn, REGISTRY_INDEX};

use crate::message::{c_bytes, raise_parts};
use crate::result::{ErrorText, last_error};

/// The name of the metatable of file handles (`LUA_FILEHANDLE`).
#[doc(alias = "LUA_FILEHANDLE")]
pub const FILE_HANDLE: &str = "FILE*";

/// The mark of a userdata that is a stream is the address of this (L2).
static STREAM_MARK: u8 = 0;

/// What a file handle holds.
#[doc(alias = "luaL_Stream")]
#[repr(C)]
pub struct Stream {
    /// The mark (L2).
    mark: *const u8,
    /// The C stream.
    pub file: *mut FILE,
    /// The native function that closes the stream, its handle being the first argument; `None` once it is closed.
    pub close: Option<NativeFn>,
}

/// Pushes a new file handle that counts as closed. To open it, set `file` and then `close`.
pub fn new_stream(lua: &mut LuaState) -> LuaResult<NonNull<Stream>> {
    let stream = lua.new_userdata(size_of::<Stream>())?.cast::<Stream>();
    // SAFETY: the block is new, as large as a stream, and aligned to 16.
    unsafe { stream.write(Stream { mark: &raw const STREAM_MARK, file: null_mut(), close: None }) };
    lua.set_registered_metatable(FILE_HANDLE)?;
    Ok(stream)
}

/// The stream at an index, whatever metatable it has.
pub(super) fn stream_at(lua: &LuaState, idx: i32) -> Option<NonNull<Stream>> {
    if lua.lua_type(idx) != LuaType::Userdata || lua.raw_len(idx) != size_of::<Stream>() {
        return None;
    }
    let block = lua.to_userdata(idx)?;
    // SAFETY: the block is large enough, aligned, and all its bytes are initialised.
    let mark = unsafe { block.cast::<*const u8>().read() };
    core::ptr::eq(mark, &raw const STREAM_MARK).then(|| block.cast())
}

/// The stream that the first argument must be.
pub(super) fn check_stream(lua: &mut LuaState) -> LuaResult<NonNull<Stream>> {
    lua.check_userdata(1, FILE_HANDLE)?;
    match stream_at(lua, 1) {
        Some(stream) => Ok(stream),
        // The metatable was given to some other userdata.
        None => Err(lua.type_error(1, FILE_HANDLE)),
    }
}

/// The stream that the first argument must be, which must be open.
pub(super) fn check_open(lua: &mut LuaState) -> LuaResult<NonNull<Stream>> {
    let stream = check_stream(lua)?;
    open_file(lua, stream)?;
    Ok(stream)
}

/// Whether a stream is closed. Its handle must be reachable.
pub(super) fn is_closed(stream: NonNull<Stream>) -> bool {
    // SAFETY: L2.
    unsafe { stream.as_ref().close.is_none() }
}

/// The C stream of a handle that must be open; it is so until something is allocated (L4). The handle must be reachable.
pub(super) fn open_file(lua: &mut LuaState, stream: NonNull<Stream>) -> LuaResult<*mut FILE> {
    if is_closed(stream) {
        return Err(lua.raise(format_args!("attempt to use a closed file")));
    }
    // SAFETY: L2.
    Ok(unsafe { stream.as_ref().file })
}

/// Opens a stream: from now on it must be closed by `close`.
pub(super) fn set_open(stream: NonNull<Stream>, file: *mut FILE, close: NativeFn) {
    // SAFETY: L2; no reference into the block is held anywhere.
    unsafe {
        let stream = stream.as_ptr();
        (*stream).file = file;
        (*stream).close = Some(close);
    }
}

/// Closes the stream that is the first argument and returns what its closing function returns.
pub(super) fn close_stream(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_open(lua)?;
    // SAFETY: L2, as above. It counts as closed before it is (L4).
    let close = unsafe { (*stream.as_ptr()).close.take() };
    close.map_or(Ok(0), |close| close(lua))
}

/// Takes the C stream out of a handle that was just marked as closed, if it is still there.
pub(super) fn take_file(stream: NonNull<Stream>) -> Option<NonNull<FILE>> {
    // SAFETY: L2, as above.
    NonNull::new(unsafe { core::mem::replace(&mut (*stream.as_ptr()).file, null_mut()) })
}

/// Pushes a handle of a file that must open; otherwise raises an error. The name must stay in its slot.
pub(super) fn open_or_raise(lua: &mut LuaState, name: &[u8], mode: &core::ffi::CStr) -> LuaResult<()> {
    let stream = new_stream(lua)?;
    // SAFETY: L3.
    let file = unsafe { libc::fopen(name.as_ptr().cast(), mode.as_ptr()) };
    if file.is_null() {
        let text = ErrorText::of(last_error());
        return Err(raise_parts(lua, &[b"cannot open file '", c_bytes(name), b"' (", text.as_bytes(), b")"]));
    }
    set_open(stream, file, super::library::close_file);
    Ok(())
}

/// Pushes the handle of the default input or output and gives its stream, which must be open.
pub(super) fn push_default(lua: &mut LuaState, key: &str, what: &str) -> LuaResult<NonNull<Stream>> {
    lua.get_field(REGISTRY_INDEX, key)?;
    match stream_at(lua, -1) {
        Some(stream) if !is_closed(stream) => Ok(stream),
        _ => Err(lua.raise(format_args!("standard {what} file is closed"))),
    }
}
