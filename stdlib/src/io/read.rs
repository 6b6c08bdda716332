//! Reading in formats: `file:read`, `io.read` and the iterators of `lines`.

use core::ffi::c_int;
use core::ptr::NonNull;

use libc::{EOF, FILE};
use perilune_vm::{Buffer, LuaResult, LuaState, LuaType, upvalue_index};

use super::stream::{Stream, close_stream, is_closed, open_file, stream_at};
use crate::result::file_result;

/// What is read first goes into an array of this size; only what is longer needs a buffer.
const BLOCK: usize = 512;
/// The size of the pieces in which a whole file is read, at least.
const MIN_PIECE: usize = 8192;
/// The size of the pieces in which much is read, at most.
const MAX_PIECE: usize = 1 << 20;
/// The longest numeral that is read.
const MAX_NUMERAL: usize = 200;
/// The largest number of formats that `lines` takes, so that they fit among the upvalues of its iterator.
pub(super) const MAX_LINE_FORMATS: i32 = 250;

/// Reads one value for each argument from `first` on (a line, if there are none) and returns them; the handle, which
/// is an argument more or lies on top of the arguments, keeps the stream.
#[doc(alias = "g_read")]
pub(super) fn read_formats(lua: &mut LuaState, stream: NonNull<Stream>, first: i32) -> LuaResult<usize> {
    let count = lua.get_top() - 1;
    let file = open_file(lua, stream)?;
    // SAFETY: L4.
    unsafe { libc::clearerr(file) };
    let mut done = 0;
    let mut success = true;
    if count == 0 {
        success = read_line(lua, stream, false)?;
        done = 1;
    } else {
        lua.ensure_stack(count as usize + 20, "too many arguments")?;
        while done < count && success {
            success = read_format(lua, stream, first + done)?;
            done += 1;
        }
    }
    let file = open_file(lua, stream)?;
    // SAFETY: L4.
    if unsafe { libc::ferror(file) } != 0 {
        return file_result(lua, false, None);
    }
    if !success {
        // Where reading failed, the result is nil.
        lua.pop(1);
        lua.push_nil()?;
    }
    Ok(done as usize)
}

/// Reads what the format at `arg` asks for and pushes it, in any case one value; false if there was nothing.
fn read_format(lua: &mut LuaState, stream: NonNull<Stream>, arg: i32) -> LuaResult<bool> {
    if lua.lua_type(arg) == LuaType::Number {
        return match lua.check_integer(arg)? {
            0 => test_end(lua, stream),
            count => read_chars(lua, stream, count),
        };
    }
    // SAFETY: L1.
    let format = unsafe { lua.check_str(arg)?.bytes() };
    // Earlier versions had an asterisk before the letter.
    match format.strip_prefix(b"*").unwrap_or(format).first() {
        Some(b'n') => read_number(lua, stream),
        Some(b'l') => read_line(lua, stream, false),
        Some(b'L') => read_line(lua, stream, true),
        Some(b'a') => read_all(lua, stream),
        _ => Err(lua.arg_error(arg, "invalid format")),
    }
}

/// Pushes an empty string; false at the end of the file.
fn test_end(lua: &mut LuaState, stream: NonNull<Stream>) -> LuaResult<bool> {
    let file = open_file(lua, stream)?;
    // SAFETY: L4. Pushing back an `EOF` does nothing.
    let byte = unsafe {
        let byte = libc::fgetc(file);
        libc::ungetc(byte, file);
        byte
    };
    lua.push_bytes(b"")?;
    Ok(byte != EOF)
}

/// Pushes the contents of a buffer in the place of the buffer's slot, which must be the topmost.
fn finish(lua: &mut LuaState, buffer: Buffer) -> LuaResult<()> {
    buffer.finish(lua)?;
    lua.remove(-2);
    Ok(())
}

/// Reads a line, with its end or without, and pushes it; false if there was none.
fn read_line(lua: &mut LuaState, stream: NonNull<Stream>, keep_end: bool) -> LuaResult<bool> {
    let mut block = [0; BLOCK];
    let file = open_file(lua, stream)?;
    let mut piece = LinePiece::read(file, &mut block);
    if piece.last {
        let len = piece.visible(keep_end);
        lua.push_bytes(&block[..len])?;
        return Ok(piece.ended || len > 0);
    }
    let mut buffer = Buffer::new(lua)?;
    buffer.extend(lua, &block[..piece.len])?;
    while !piece.last {
        let file = open_file(lua, stream)?;
        piece = LinePiece::read(file, &mut block);
        buffer.extend(lua, &block[..piece.visible(keep_end)])?;
    }
    finish(lua, buffer)?;
    Ok(true)
}

/// A piece of a line in a block.
struct LinePiece {
    /// How many bytes there are without the end of the line.
    len: usize,
    /// Whether the end of the line follows them.
    ended: bool,
    /// Whether the line ends here, or the file does.
    last: bool,
}

impl LinePiece {
    /// Reads up to the end of the line, as much as fits.
    ///
    /// C's `fgets` is fast but does not tell how much it has read, and a line may contain NULs. So the block is filled
    /// with newlines before: the first newline in it afterwards is the line's own if the closing NUL follows it, and else
    /// one of the filling, with the closing NUL before it.
    fn read(file: *mut FILE, block: &mut [u8; BLOCK]) -> Self {
        block.fill(b'\n');
        // SAFETY: L4; the block is as large as is said.
        if unsafe { libc::fgets(block.as_mut_ptr().cast(), BLOCK as c_int, file) }.is_null() {
            return Self { len: 0, ended: false, last: true };
        }
        match block.iter().position(|&byte| byte == b'\n') {
            None => Self { len: BLOCK - 1, ended: false, last: false },
            Some(at) if block.get(at + 1) == Some(&0) => Self { len: at, ended: true, last: true },
            Some(at) => Self { len: at.saturating_sub(1), ended: false, last: true },
        }
    }

    /// How many bytes the result has of it.
    fn visible(&self, keep_end: bool) -> usize {
        self.len + usize::from(keep_end && self.ended)
    }
}

/// Reads the rest of the file and pushes it.
fn read_all(lua: &mut LuaState, stream: NonNull<Stream>) -> LuaResult<bool> {
    let mut block = [0; BLOCK];
    let file = open_file(lua, stream)?;
    let mut len = read_bytes(file, &mut block);
    if len < BLOCK {
        lua.push_bytes(&block[..len])?;
        return Ok(true);
    }
    let mut buffer = Buffer::new(lua)?;
    buffer.extend(lua, &block)?;
    let mut wanted = BLOCK;
    while len == wanted {
        wanted = buffer.len().clamp(MIN_PIECE, MAX_PIECE);
        len = read_into(lua, stream, &mut buffer, wanted)?;
    }
    finish(lua, buffer)?;
    Ok(true)
}

/// Reads up to `count` bytes and pushes them; false if there were none.
fn read_chars(lua: &mut LuaState, stream: NonNull<Stream>, count: i64) -> LuaResult<bool> {
    let Ok(count) = usize::try_from(count) else {
        // A negative count is a huge one in C.
        return Err(lua.raise(format_args!("not enough memory for buffer allocation")));
    };
    let mut block = [0; BLOCK];
    if let Some(block) = block.get_mut(..count) {
        let file = open_file(lua, stream)?;
        let len = read_bytes(file, block);
        lua.push_bytes(&block[..len])?;
        return Ok(len > 0);
    }
    let mut buffer = Buffer::new(lua)?;
    while buffer.len() < count {
        // A large count does not mean that there is much to read.
        let wanted = (count - buffer.len()).min(buffer.len().max(MAX_PIECE));
        if read_into(lua, stream, &mut buffer, wanted)? < wanted {
            break;
        }
    }
    let found = !buffer.is_empty();
    finish(lua, buffer)?;
    Ok(found)
}

/// Reads up to `wanted` bytes into a buffer and returns how many came.
fn read_into(lua: &mut LuaState, stream: NonNull<Stream>, buffer: &mut Buffer, wanted: usize) -> LuaResult<usize> {
    buffer.reserve(lua, wanted)?;
    // Making room may have run a finalizer that closed the file; making it again does not allocate.
    let file = open_file(lua, stream)?;
    let room = buffer.reserve(lua, wanted)?;
    let len = read_bytes(file, &mut room[..wanted]);
    buffer.advance(len);
    Ok(len)
}

/// Fills a slice from a file that is open (L4) and returns how many bytes came.
fn read_bytes(file: *mut FILE, bytes: &mut [u8]) -> usize {
    // SAFETY: L4; the slice is valid for its length.
    unsafe { libc::fread(bytes.as_mut_ptr().cast(), 1, bytes.len(), file) }
}

/// Reads a numeral, the longest prefix that may be one, and pushes its value; if it is none, pushes nil and gives false.
fn read_number(lua: &mut LuaState, stream: NonNull<Stream>) -> LuaResult<bool> {
    let file = open_file(lua, stream)?;
    let mut numeral = Numeral { file, next: EOF, len: 0, too_long: false, text: [0; MAX_NUMERAL] };
    numeral.scan();
    if !numeral.too_long && lua.string_to_number(&numeral.text[..numeral.len])? {
        return Ok(true);
    }
    lua.push_nil()?;
    Ok(false)
}

/// A numeral that is being read.
struct Numeral {
    file: *mut FILE,
    /// The byte that was read in advance, or `EOF`.
    next: c_int,
    len: usize,
    /// Whether there was more text than there is room for.
    too_long: bool,
    text: [u8; MAX_NUMERAL],
}

impl Numeral {
    /// Reads the longest text that may be a numeral; nothing is allocated, so the file stays open (L4).
    fn scan(&mut self) {
        loop {
            self.advance();
            if !matches!(self.next, 0x20 | 0x09..=0x0d) {
                break;
            }
        }
        self.accept(b"+-");
        let mut count = 0;
        let mut radix = 10;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                radix = 16;
            } else {
                count = 1;
            }
        }
        count += self.digits(radix);
        if self.accept(b".") {
            count += self.digits(radix);
        }
        if count > 0 && self.accept(if radix == 16 { b"pP" } else { b"eE" }) {
            self.accept(b"+-");
            self.digits(10);
        }
        // SAFETY: L4.
        unsafe { libc::ungetc(self.next, self.file) };
    }

    /// Reads the next byte.
    fn advance(&mut self) {
        // SAFETY: L4.
        self.next = unsafe { libc::fgetc(self.file) };
    }

    /// Takes the next byte if it is in a set and there is room for it.
    fn accept(&mut self, set: &[u8]) -> bool {
        match u8::try_from(self.next) {
            Ok(byte) if set.contains(&byte) => self.take(byte),
            _ => false,
        }
    }

    /// Takes digits and returns how many there were.
    fn digits(&mut self, radix: u32) -> usize {
        let mut count = 0;
        while let Ok(byte) = u8::try_from(self.next) {
            if !char::from(byte).is_digit(radix) || !self.take(byte) {
                break;
            }
            count += 1;
        }
        count
    }

    /// Takes a byte, if there is room for it.
    fn take(&mut self, byte: u8) -> bool {
        let Some(place) = self.text.get_mut(self.len) else {
            self.too_long = true;
            return false;
        };
        *place = byte;
        self.len += 1;
        self.advance();
        true
    }
}

/// The iterator that `lines` returns. Upvalues: the handle, the number of formats, whether to close, and the formats.
pub(super) fn next_line(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(stream) = stream_at(lua, upvalue_index(1)).filter(|&stream| !is_closed(stream)) else {
        return Err(lua.raise(format_args!("file is already closed")));
    };
    let count = lua.to_integer(upvalue_index(2)).unwrap_or(0).clamp(0, i64::from(MAX_LINE_FORMATS)) as i32;
    lua.set_top(0)?;
    // The handle comes first, so that the stack keeps it and the formats have the indices that `read_formats` expects.
    lua.push_value(upvalue_index(1))?;
    lua.ensure_stack(count as usize, "too many arguments")?;
    for format in 1..=count {
        lua.push_value(upvalue_index(3 + format))?;
    }
    let found = read_formats(lua, stream, 2)?;
    let first = lua.get_top() - found as i32 + 1;
    if lua.to_boolean(first) {
        return Ok(found);
    }
    if found > 1 {
        // The second of three results is the error message.
        lua.where_(1)?;
        lua.push_value(first + 1)?;
        lua.concat(2)?;
        return Err(lua.error());
    }
    if lua.to_boolean(upvalue_index(3)) {
        lua.set_top(1)?;
        close_stream(lua)?;
    }
    Ok(0)
}
