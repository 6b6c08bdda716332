//! The input: bytes that a reader hands out in pieces.
//!
//! Z1. The bytes from `start` to `next`, and the `left` ones from there on, are the piece that the reader returned last; they stay
//!     readable until the reader is asked again, which happens only when none is left.

use perilune_core::base::limits::MAX_C_CALLS;

use super::STACK_SLOTS;
use crate::error::LuaResult;
use crate::stack;
use crate::state::LuaState;

/// Hands out a chunk, piece by piece (`lua_Reader`).
#[doc(alias = "lua_Reader")]
pub trait ChunkReader {
    /// The next piece; an empty one means the end. It stays readable, and where it is, until the next call.
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]>;
}

/// A buffered stream of bytes.
#[doc(alias = "ZIO")]
pub(crate) struct Zio<'a> {
    reader: &'a mut dyn ChunkReader,
    start: *const u8,
    next: *const u8,
    left: usize,
}

impl<'a> Zio<'a> {
    /// A stream of everything that `reader` hands out.
    pub(crate) fn new(reader: &'a mut dyn ChunkReader) -> Self {
        Self { reader, start: core::ptr::null(), next: core::ptr::null(), left: 0 }
    }

    /// Takes the next byte, `None` at the end.
    #[doc(alias = "zgetc")]
    #[inline(always)]
    pub(crate) fn next_byte(&mut self, lua: &mut LuaState) -> LuaResult<Option<u8>> {
        if self.left == 0 && !self.fill(lua)? {
            return Ok(None);
        }
        self.left -= 1;
        // SAFETY: Z1.
        let byte = unsafe { *self.next };
        self.next = self.next.wrapping_add(1);
        Ok(Some(byte))
    }

    /// The byte that was taken last and those after it, as far as the reader has handed them out; nothing if none was taken.
    #[inline(always)]
    pub(crate) fn last_and_rest(&self) -> &[u8] {
        if self.next == self.start {
            return &[];
        }
        // SAFETY: Z1: the byte before `next` is of the same piece.
        unsafe { core::slice::from_raw_parts(self.next.wrapping_sub(1), self.left + 1) }
    }

    /// Takes `n` bytes that are there without asking the reader.
    #[inline(always)]
    pub(crate) fn skip(&mut self, n: usize) {
        let n = n.min(self.left);
        self.next = self.next.wrapping_add(n);
        self.left -= n;
    }

    /// Takes `out.len()` bytes. Returns how many are missing because the input ended.
    #[doc(alias = "luaZ_read")]
    pub(crate) fn read(&mut self, lua: &mut LuaState, out: &mut [u8]) -> LuaResult<usize> {
        let mut done = 0;
        while done < out.len() {
            if self.left == 0 && !self.fill(lua)? {
                break;
            }
            let n = self.left.min(out.len() - done);
            // SAFETY: Z1.
            out[done..done + n].copy_from_slice(unsafe { core::slice::from_raw_parts(self.next, n) });
            self.next = self.next.wrapping_add(n);
            self.left -= n;
            done += n;
        }
        Ok(out.len() - done)
    }

    /// Asks the reader for the next piece; false at the end.
    #[doc(alias = "luaZ_fill")]
    #[cold]
    #[inline(never)]
    fn fill(&mut self, lua: &mut LuaState) -> LuaResult<bool> {
        // A loader within a reader has two parsers on the Rust stack; so a reader counts for more than its call.
        let depth = lua.th().n_c_calls.get();
        if depth + 1 >= MAX_C_CALLS {
            return Err(lua.run_error(format_args!("C stack overflow")));
        }
        lua.th().n_c_calls.set(depth + 1);
        let piece = self.reader.read(lua);
        lua.th().n_c_calls.set(depth);
        let piece = piece?;
        // The reader may have used up the room that was made.
        stack::ensure(lua, STACK_SLOTS)?;
        self.start = piece.as_ptr();
        self.next = self.start;
        self.left = piece.len();
        Ok(self.left > 0)
    }
}
