//! The functions of the table `io` and the methods of file handles.

use core::ffi::CStr;

use libc::FILE;
use perilune_vm::{LuaResult, LuaState, NativeFn, REGISTRY_INDEX};

use super::read::{MAX_LINE_FORMATS, next_line, read_formats};
use super::stream::{
    FILE_HANDLE, check_open, check_stream, close_stream, is_closed, new_stream, open_file, open_or_raise, push_default,
    set_open, stream_at, take_file,
};
use super::write::write_values;
use crate::message::c_bytes;
use crate::result::{exec_result, file_result, fit};
use crate::stdio;

/// The registry key of the default input.
const INPUT: &str = "_IO_input";
/// The registry key of the default output.
const OUTPUT: &str = "_IO_output";
/// The size of the buffer that `setvbuf` asks for, if it is not told.
const DEFAULT_BUFFER: i64 = 8192;

// ---- Closing functions, which the streams name ----

/// Closes a file.
pub(super) fn close_file(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_stream(lua)?;
    // SAFETY: L4; the stream does not hold the file any longer.
    let closed = take_file(stream).is_some_and(|file| unsafe { libc::fclose(file.as_ptr()) } == 0);
    file_result(lua, closed, None)
}

/// Closes a pipe and returns how its process ended.
fn close_pipe(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_stream(lua)?;
    // SAFETY: L4, as above.
    let status = take_file(stream).map_or(-1, |file| unsafe { libc::pclose(file.as_ptr()) });
    exec_result(lua, status)
}

/// Declines to close a standard file.
fn keep_open(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_stream(lua)?;
    // SAFETY: L2.
    let file = unsafe { stream.as_ref().file };
    set_open(stream, file, keep_open);
    lua.push_nil()?;
    lua.push_str("cannot close standard file")?;
    Ok(2)
}

// ---- The table `io` ----

/// `io.close ([file])` (§6.8)
fn io_close(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none(1) {
        lua.get_field(REGISTRY_INDEX, OUTPUT)?;
    }
    close_stream(lua)
}

/// `io.flush ()` (§6.8)
fn io_flush(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = push_default(lua, OUTPUT, "output")?;
    let file = open_file(lua, stream)?;
    flush(lua, file)
}

/// `io.input ([file])` (§6.8)
fn io_input(lua: &mut LuaState) -> LuaResult<usize> {
    default_file(lua, INPUT, c"r")
}

/// `io.lines ([filename, ···])` (§6.8)
fn io_lines(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none(1) {
        lua.push_nil()?;
    }
    let opened = !lua.is_nil(1);
    if opened {
        // SAFETY: L1; the name is replaced only after the file was opened.
        let name = unsafe { lua.check_str(1)?.bytes() };
        open_or_raise(lua, name, c"r")?;
        lua.replace(1);
    } else {
        lua.get_field(REGISTRY_INDEX, INPUT)?;
        lua.replace(1);
        check_open(lua)?;
    }
    push_line_iterator(lua, opened)
}

/// `io.open (filename [, mode])` (§6.8)
fn io_open(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1, for both.
    let (name, mode) = unsafe { (lua.check_str(1)?.bytes(), lua.opt_str(2)?.map_or(&b"r\0"[..], |mode| mode.bytes())) };
    let stream = new_stream(lua)?;
    lua.arg_check(is_mode(c_bytes(mode)), 2, "invalid mode")?;
    // SAFETY: L3.
    let file = unsafe { libc::fopen(name.as_ptr().cast(), mode.as_ptr().cast()) };
    if file.is_null() {
        return file_result(lua, false, Some(name));
    }
    set_open(stream, file, close_file);
    Ok(1)
}

/// Whether a mode is one of `r`, `w`, `a`, then perhaps a `+`, then any number of `b`.
fn is_mode(mode: &[u8]) -> bool {
    match mode {
        [b'r' | b'w' | b'a', rest @ ..] => rest.strip_prefix(b"+").unwrap_or(rest).iter().all(|&byte| byte == b'b'),
        _ => false,
    }
}

/// `io.output ([file])` (§6.8)
fn io_output(lua: &mut LuaState) -> LuaResult<usize> {
    default_file(lua, OUTPUT, c"w")
}

/// `io.popen (prog [, mode])` (§6.8)
fn io_popen(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1, for both.
    let (prog, mode) = unsafe { (lua.check_str(1)?.bytes(), lua.opt_str(2)?.map_or(&b"r\0"[..], |mode| mode.bytes())) };
    let stream = new_stream(lua)?;
    lua.arg_check(matches!(c_bytes(mode), b"r" | b"w"), 2, "invalid mode")?;
    // SAFETY: L3. The child must not inherit what is still to be written.
    let file = unsafe {
        libc::fflush(core::ptr::null_mut());
        libc::popen(prog.as_ptr().cast(), mode.as_ptr().cast())
    };
    if file.is_null() {
        return file_result(lua, false, Some(prog));
    }
    set_open(stream, file, close_pipe);
    Ok(1)
}

/// `io.read (···)` (§6.8)
fn io_read(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = push_default(lua, INPUT, "input")?;
    read_formats(lua, stream, 1)
}

/// `io.tmpfile ()` (§6.8)
fn io_tmpfile(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = new_stream(lua)?;
    // SAFETY: the function has no requirements.
    let file = unsafe { libc::tmpfile() };
    if file.is_null() {
        return file_result(lua, false, None);
    }
    set_open(stream, file, close_file);
    Ok(1)
}

/// `io.type (obj)` (§6.8)
fn io_type(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    let stream = lua.test_userdata(1, FILE_HANDLE).and_then(|_| stream_at(lua, 1));
    match stream {
        None => lua.push_nil()?,
        Some(stream) if is_closed(stream) => lua.push_str("closed file")?,
        Some(_) => lua.push_str("file")?,
    }
    Ok(1)
}

/// `io.write (···)` (§6.8)
fn io_write(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = push_default(lua, OUTPUT, "output")?;
    write_values(lua, stream, 1)
}

/// Sets the default input or output to the argument, a file or a file name, if there is one; returns what it is then.
fn default_file(lua: &mut LuaState, key: &str, mode: &CStr) -> LuaResult<usize> {
    if !lua.is_none_or_nil(1) {
        if let Some(name) = lua.to_str(1)? {
            // SAFETY: L1.
            open_or_raise(lua, unsafe { name.bytes() }, mode)?;
        } else {
            check_open(lua)?;
            lua.push_value(1)?;
        }
        lua.set_field(REGISTRY_INDEX, key)?;
    }
    lua.get_field(REGISTRY_INDEX, key)?;
    Ok(1)
}

/// Pushes an iterator over the file at index 1 with the formats above it.
fn push_line_iterator(lua: &mut LuaState, close_at_end: bool) -> LuaResult<usize> {
    let count = lua.get_top() - 1;
    lua.arg_check(count <= MAX_LINE_FORMATS, MAX_LINE_FORMATS + 2, "too many arguments")?;
    lua.push_integer(i64::from(count))?;
    lua.push_boolean(close_at_end)?;
    lua.rotate(2, 2);
    lua.push_native_closure(next_line, 3 + count as usize)?;
    Ok(1)
}

/// Flushes a file that is open.
fn flush(lua: &mut LuaState, file: *mut FILE) -> LuaResult<usize> {
    // SAFETY: L4.
    let flushed = unsafe { libc::fflush(file) } == 0;
    file_result(lua, flushed, None)
}

// ---- The methods ----

/// `file:close ()` (§6.8)
fn file_close(lua: &mut LuaState) -> LuaResult<usize> {
    close_stream(lua)
}

/// `file:flush ()` (§6.8)
fn file_flush(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_stream(lua)?;
    let file = open_file(lua, stream)?;
    flush(lua, file)
}

/// `file:lines (···)` (§6.8)
fn file_lines(lua: &mut LuaState) -> LuaResult<usize> {
    check_open(lua)?;
    push_line_iterator(lua, false)
}

/// `file:read (···)` (§6.8)
fn file_read(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_open(lua)?;
    read_formats(lua, stream, 2)
}

/// `file:seek ([whence [, offset]])` (§6.8)
fn file_seek(lua: &mut LuaState) -> LuaResult<usize> {
    const BASES: [libc::c_int; 3] = [libc::SEEK_SET, libc::SEEK_CUR, libc::SEEK_END];
    let stream = check_open(lua)?;
    let base = BASES[lua.check_option(2, Some("cur"), &["set", "cur", "end"])?];
    let Some(offset) = fit::<libc::off_t>(lua.opt_integer(3, 0)?) else {
        return Err(lua.arg_error(3, "not an integer in proper range"));
    };
    let file = open_file(lua, stream)?;
    // SAFETY: L4.
    if unsafe { libc::fseeko(file, offset, base) } != 0 {
        return file_result(lua, false, None);
    }
    // SAFETY: L4.
    let position = unsafe { libc::ftello(file) };
    lua.push_integer(position)?;
    Ok(1)
}

/// `file:setvbuf (mode [, size])` (§6.8)
fn file_setvbuf(lua: &mut LuaState) -> LuaResult<usize> {
    const MODES: [libc::c_int; 3] = [libc::_IONBF, libc::_IOFBF, libc::_IOLBF];
    let stream = check_open(lua)?;
    let mode = MODES[lua.check_option(2, None, &["no", "full", "line"])?];
    let size = lua.opt_integer(3, DEFAULT_BUFFER)? as usize;
    let file = open_file(lua, stream)?;
    // SAFETY: L4; without a buffer of ours, the C library makes its own.
    let set = unsafe { libc::setvbuf(file, core::ptr::null_mut(), mode, size) } == 0;
    file_result(lua, set, None)
}

/// `file:write (···)` (§6.8)
fn file_write(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_open(lua)?;
    lua.push_value(1)?;
    write_values(lua, stream, 2)
}

/// The finalizer of file handles: closes what is still open.
fn file_gc(lua: &mut LuaState) -> LuaResult<usize> {
    if !is_closed(check_stream(lua)?) {
        close_stream(lua)?;
    }
    Ok(0)
}

/// What `tostring` gives for a file handle.
fn file_tostring(lua: &mut LuaState) -> LuaResult<usize> {
    let stream = check_stream(lua)?;
    if is_closed(stream) {
        lua.push_str("file (closed)")?;
    } else {
        let file = open_file(lua, stream)?;
        lua.push_fmt(format_args!("file ({file:p})"))?;
    }
    Ok(1)
}

/// The functions of the table, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("close", io_close),
    ("flush", io_flush),
    ("input", io_input),
    ("lines", io_lines),
    ("open", io_open),
    ("output", io_output),
    ("popen", io_popen),
    ("read", io_read),
    ("tmpfile", io_tmpfile),
    ("type", io_type),
    ("write", io_write),
];

/// The methods of file handles, in the manual's order, and their metamethods.
const METHODS: &[(&str, NativeFn)] = &[
    ("close", file_close),
    ("flush", file_flush),
    ("lines", file_lines),
    ("read", file_read),
    ("seek", file_seek),
    ("setvbuf", file_setvbuf),
    ("write", file_write),
    ("__gc", file_gc),
    ("__tostring", file_tostring),
];

/// Makes the handle of a standard file and sets it in the table on top, and as a default if there is a key for that.
fn set_standard_file(lua: &mut LuaState, file: *mut FILE, name: &str, default: Option<&str>) -> LuaResult<()> {
    let stream = new_stream(lua)?;
    set_open(stream, file, keep_open);
    if let Some(key) = default {
        lua.push_value(-1)?;
        lua.set_field(REGISTRY_INDEX, key)?;
    }
    lua.set_field(-2, name)
}

/// Opens the I/O library and pushes its table.
#[doc(alias = "luaopen_io")]
pub fn open_io(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    lua.new_metatable(FILE_HANDLE)?;
    lua.push_value(-1)?;
    lua.set_field(-2, "__index")?;
    lua.set_funcs(METHODS, 0)?;
    lua.pop(1);
    set_standard_file(lua, stdio::stdin(), "stdin", Some(INPUT))?;
    set_standard_file(lua, stdio::stdout(), "stdout", Some(OUTPUT))?;
    set_standard_file(lua, stdio::stderr(), "stderr", None)?;
    Ok(1)
}
