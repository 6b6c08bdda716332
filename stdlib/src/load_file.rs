//! Loading a chunk from a file or from standard input.

#[cfg(unix)]
use core::ffi::CStr;

use perilune_vm::{LoadMode, LuaResult, LuaState, MULTRET, Status};

use crate::message::{c_bytes, push_parts};
#[cfg(unix)]
use crate::result::{ErrorText, last_error};

/// Loads a file as a chunk, or standard input if there is no name, and pushes the function or an error message
/// (manual §5.1, `luaL_loadfilex`).
///
/// A byte order mark at the beginning is skipped, and so is a first line that begins with `#`. An error that the file
/// system reports gives [`Status::ErrFile`] and a message; only a lack of memory for the names comes back as an `Err`.
#[doc(alias = "luaL_loadfilex")]
#[doc(alias = "luaL_loadfile")]
pub fn load_file(lua: &mut LuaState, file_name: Option<&[u8]>, mode: LoadMode<'_>) -> LuaResult<Status> {
    // The name takes a slot, where it ends with a NUL (L3).
    let name_slot = lua.get_top() + 1;
    match file_name {
        Some(name) => push_parts(lua, &[b"@", c_bytes(name)])?,
        None => lua.push_str("=stdin")?,
    }
    let Some(chunk_name) = lua.to_str(name_slot)? else { return Ok(Status::ErrRun) };
    // SAFETY: L1; the name stays in its slot until the end.
    let chunk_name = unsafe { chunk_name.bytes() };
    let status = load_named(lua, chunk_name, file_name.is_some(), mode)?;
    lua.remove(name_slot);
    Ok(status)
}

/// Loads a file as a chunk, or standard input if there is no name, and runs it in protected mode (manual §5.1,
/// `luaL_dofile`): pushes all its results, or the error's value. Only a lack of memory for the names comes back as an `Err`.
#[doc(alias = "luaL_dofile")]
pub fn do_file(lua: &mut LuaState, file_name: Option<&[u8]>) -> LuaResult<Status> {
    match load_file(lua, file_name, LoadMode::ANY)? {
        Status::Ok => Ok(lua.pcall(0, MULTRET, 0)),
        status => Ok(status),
    }
}

/// Pushes what went wrong with a file.
#[cfg(unix)]
fn file_error(lua: &mut LuaState, what: &str, chunk_name: &[u8]) -> LuaResult<Status> {
    let text = ErrorText::of(last_error());
    push_parts(lua, &[b"cannot ", what.as_bytes(), b" ", &chunk_name[1..], b": ", text.as_bytes()])?;
    Ok(Status::ErrFile)
}

/// Loads the file whose name follows the first byte of `chunk_name`, or standard input; pushes one value.
#[cfg(unix)]
fn load_named(lua: &mut LuaState, chunk_name: &[u8], named: bool, mode: LoadMode<'_>) -> LuaResult<Status> {
    let opened = if named {
        // SAFETY: L3.
        unsafe { unix::FileChunk::open(CStr::from_ptr(chunk_name.as_ptr().add(1).cast())) }
    } else {
        Some(unix::FileChunk::standard_input())
    };
    let Some(mut chunk) = opened else { return file_error(lua, "open", chunk_name) };
    chunk.begin();
    let top = lua.get_top();
    let status = lua.load(&mut chunk, chunk_name, mode);
    if chunk.failed() {
        lua.set_top(top)?;
        return file_error(lua, "read", chunk_name);
    }
    Ok(status)
}

/// Pushes the message that chunks are read from files on Unix alone.
#[cfg(not(unix))]
fn load_named(lua: &mut LuaState, chunk_name: &[u8], _named: bool, _mode: LoadMode<'_>) -> LuaResult<Status> {
    push_parts(lua, &[b"cannot open ", &chunk_name[1..], b": reading files needs a Unix system"])?;
    Ok(Status::ErrFile)
}

#[cfg(unix)]
mod unix {
    use core::ffi::{CStr, c_int};

    use libc::FILE;
    use perilune_vm::{ChunkReader, LuaResult, LuaState};

    use crate::stdio;

    /// How many bytes are read at once.
    const BLOCK: usize = 4096;
    /// What a UTF-8 file may begin with.
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    /// The byte that begins a precompiled chunk.
    const BINARY_MARK: c_int = 0x1b;

    /// An open file that is read in blocks; dropping it closes the file, unless it is standard input.
    pub(super) struct FileChunk {
        file: *mut FILE,
        owned: bool,
        /// How many bytes at the beginning of `block` were read in advance.
        pending: usize,
        block: [u8; BLOCK],
    }

    impl FileChunk {
        /// Opens a file for reading.
        pub(super) fn open(name: &CStr) -> Option<Self> {
            // SAFETY: both are C strings.
            let file = unsafe { libc::fopen(name.as_ptr(), c"r".as_ptr()) };
            if file.is_null() {
                return None;
            }
            Some(Self { file, owned: true, pending: 0, block: [0; BLOCK] })
        }

        /// Reads standard input.
        pub(super) fn standard_input() -> Self {
            Self { file: stdio::stdin(), owned: false, pending: 0, block: [0; BLOCK] }
        }

        /// Reads the beginning: skips a mark and a comment line, and keeps what was read in excess.
        ///
        /// A comment line leaves its newline behind, so that lines are counted right, but not before a precompiled chunk.
        pub(super) fn begin(&mut self) {
            let mut byte = self.skip_mark();
            if byte == c_int::from(b'#') {
                while byte != libc::EOF && byte != c_int::from(b'\n') {
                    byte = self.byte();
                }
                byte = self.byte();
                if byte != BINARY_MARK {
                    self.keep(b'\n');
                }
            }
            if let Ok(byte) = u8::try_from(byte) {
                self.keep(byte);
            }
        }

        /// Whether reading failed.
        pub(super) fn failed(&self) -> bool {
            // SAFETY: the file is open.
            unsafe { libc::ferror(self.file) != 0 }
        }

        /// Skips a byte order mark and returns the byte behind it; what only looked like one is kept.
        fn skip_mark(&mut self) -> c_int {
            for &expected in BYTE_ORDER_MARK {
                let byte = self.byte();
                if byte != c_int::from(expected) {
                    return byte;
                }
                self.keep(expected);
            }
            self.pending = 0;
            self.byte()
        }

        /// The next byte, or `EOF`.
        fn byte(&mut self) -> c_int {
            // SAFETY: the file is open.
            unsafe { libc::fgetc(self.file) }
        }

        /// Keeps a byte for the reader; there are at most four.
        fn keep(&mut self, byte: u8) {
            self.block[self.pending] = byte;
            self.pending += 1;
        }
    }

    impl ChunkReader for FileChunk {
        fn read(&mut self, _lua: &mut LuaState) -> LuaResult<&[u8]> {
            let pending = core::mem::take(&mut self.pending);
            if pending > 0 {
                return Ok(&self.block[..pending]);
            }
            // SAFETY: the file is open, and the block is as long as is said. The end is asked for first, because a
            // terminal that has reported it would wait for input again.
            let len = unsafe {
                if libc::feof(self.file) != 0 {
                    0
                } else {
                    libc::fread(self.block.as_mut_ptr().cast(), 1, BLOCK, self.file)
                }
            };
            Ok(&self.block[..len])
        }
    }

    impl Drop for FileChunk {
        fn drop(&mut self) {
            if self.owned {
                // SAFETY: the file is open, and is not used afterwards.
                unsafe { libc::fclose(self.file) };
            }
        }
    }
}
