//! Gathering bytes in the state's memory.
//!
//! B1. A buffer owns one slot of the stack, at a fixed distance from the stack's bottom. Until the bytes outgrow the buffer
//!     itself, the slot holds the placeholder; then a box, a userdata that is marked as one and has no other use: nobody but buffers gets at its bytes.
//! B2. The slot may be overwritten or popped by whoever misuses the stack. So every use of it looks whether it still holds the
//!     placeholder or the very box; the bytes are reached through what the slot holds, and only while it does.

use core::fmt;
use core::mem::MaybeUninit;

use perilune_core::base::bytes::copy_bytes;
use perilune_core::object::GcObject;
use perilune_core::{GcRef, LuaString, TValue, Userdata};

use crate::api::is_pseudo;
use crate::convert;
use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// How many bytes a buffer holds by itself.
const INLINE_LEN: usize = 256;

/// In a userdata's header: it is the box of a buffer (B1).
pub(super) const BOX_MARK: u8 = 0xb0;

/// What placeholders point to.
static PLACE: u8 = 0;

fn placeholder() -> TValue {
    TValue::light((&raw const PLACE).cast_mut().cast())
}

/// Bytes that are being gathered to become a string (manual §5.1, `luaL_Buffer`).
///
/// It occupies one place of the stack from its making on; other values may be pushed and popped above that.
#[doc(alias = "luaL_Buffer")]
pub struct Buffer {
    inline: [MaybeUninit<u8>; INLINE_LEN],
    len: usize,
    /// The byte offset of the slot from the stack's bottom.
    slot: usize,
    /// The box's address; 0 as long as the bytes are in `inline`.
    boxed: usize,
    /// All bytes before this one are initialised and within the room there is, whether counted in or not.
    reserved: usize,
}

impl Buffer {
    /// An empty buffer; pushes one value, which keeps its place on the stack.
    #[doc(alias = "luaL_buffinit")]
    pub fn new(lua: &mut LuaState) -> LuaResult<Self> {
        lua.push(placeholder())?;
        let th = lua.th();
        let slot = th.save(th.from_top(1));
        Ok(Self { inline: [MaybeUninit::uninit(); INLINE_LEN], len: 0, slot, boxed: 0, reserved: 0 })
    }

    /// An empty buffer with room for `n` bytes; pushes one value, which keeps its place on the stack.
    #[doc(alias = "luaL_buffinitsize")]
    pub fn with_capacity(lua: &mut LuaState, n: usize) -> LuaResult<Self> {
        let mut buffer = Self::new(lua)?;
        buffer.room(lua, n)?;
        Ok(buffer)
    }

    /// The number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Drops all bytes but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The bytes. Nothing if the buffer's place on the stack was overwritten.
    pub fn as_bytes<'a>(&'a self, lua: &'a LuaState) -> &'a [u8] {
        match self.storage(lua) {
            // SAFETY: `storage` found the bytes in a live place, of which `len` are initialised; nothing can be collected or
            // written while both are borrowed.
            Some((data, room)) if self.len <= room => unsafe { core::slice::from_raw_parts(data, self.len) },
            _ => &[],
        }
    }

    /// Appends a byte.
    #[doc(alias = "luaL_addchar")]
    #[inline]
    pub fn push_byte(&mut self, lua: &mut LuaState, byte: u8) -> LuaResult<()> {
        if self.boxed == 0 && self.len < INLINE_LEN {
            self.inline[self.len] = MaybeUninit::new(byte);
            self.len += 1;
            return Ok(());
        }
        self.extend(lua, &[byte])
    }

    /// Appends bytes.
    ///
    /// If they are a slice of a Lua string, that must stay reachable: the buffer may have to grow.
    #[doc(alias = "luaL_addlstring")]
    #[doc(alias = "luaL_addstring")]
    #[inline]
    pub fn extend(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        let place = self.room(lua, bytes.len())?;
        // SAFETY: `room` gives a place for that many bytes, which no safe slice overlaps (B1).
        unsafe { copy_bytes(bytes, place) };
        self.len += bytes.len();
        Ok(())
    }

    /// Appends formatted text.
    pub fn write_fmt(&mut self, lua: &mut LuaState, args: fmt::Arguments<'_>) -> LuaResult<()> {
        let mut writer = Writer { buffer: self, lua, thrown: None };
        // An error that a formatter makes up by itself ends the text early.
        let _ = fmt::write(&mut writer, args);
        match writer.thrown {
            None => Ok(()),
            Some(thrown) => Err(thrown),
        }
    }

    /// Room for `n` more bytes, to be filled in part or whole and then counted in by [`advance`](Self::advance).
    #[doc(alias = "luaL_prepbuffsize")]
    #[doc(alias = "luaL_prepbuffer")]
    pub fn reserve<'a>(&'a mut self, lua: &'a mut LuaState, n: usize) -> LuaResult<&'a mut [u8]> {
        let place = self.room(lua, n)?;
        self.reserved = self.len + n;
        // SAFETY: `room` gives a place for that many bytes, which stays while both are borrowed. The bytes of a box are
        // initialised; those of the buffer itself become so here.
        unsafe {
            if self.boxed == 0 {
                place.write_bytes(0, n);
            }
            Ok(core::slice::from_raw_parts_mut(place, n))
        }
    }

    /// Counts in `n` of the bytes that were reserved, and filled, last.
    #[doc(alias = "luaL_addsize")]
    pub fn advance(&mut self, n: usize) {
        self.len = self.len.saturating_add(n).min(self.reserved.max(self.len));
    }

    /// Pops a string or number and appends it; any other value is an error.
    #[doc(alias = "luaL_addvalue")]
    pub fn add_value(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        self.add_at(lua, -1)?;
        lua.pop(1);
        Ok(())
    }

    /// Appends the string or number at an index, which stays there; any other value is an error.
    pub fn add_at(&mut self, lua: &mut LuaState, idx: i32) -> LuaResult<()> {
        let value = lua.value_or_nil(idx);
        if value.is_number() {
            let mut text = [0; convert::NUMBER_BUF];
            let len = convert::number_to_buf(value, &mut text);
            return self.extend(lua, &text[..len]);
        }
        if is_pseudo(idx) {
            // A finalizer may change an upvalue while the buffer grows, but not the frame.
            lua.push(value)?;
            self.add_at(lua, -1)?;
            lua.pop(1);
            return Ok(());
        }
        // SAFETY: V1: the string stays on the stack while the buffer grows.
        let bytes = unsafe { value.get::<LuaString>().map(|string| string.bytes()) };
        match bytes {
            Some(bytes) => self.extend(lua, bytes),
            None => Err(lua.raise(format_args!("string expected"))),
        }
    }

    /// Leaves the bytes in the buffer's place on the stack, where [`unpark`](Self::unpark) finds them: for a native function
    /// that may have to wait for a call and go on in a continuation. If it need not, the buffer can be used further.
    pub fn park(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        if self.boxed == 0 {
            self.grow(lua, 0)?;
        }
        let Some(slot) = self.own_slot(lua) else { return Err(lost(lua)) };
        // SAFETY: `own_slot` found the box there, as the buffer has one by now; an integer needs no barrier.
        unsafe { lua.heap().set_user_value((*slot).as_ref(), TValue::integer(self.len as i64)) };
        Ok(())
    }

    /// The buffer that was left at an index with [`park`](Self::park). The index is positive.
    pub fn unpark(lua: &mut LuaState, idx: i32) -> LuaResult<Self> {
        // SAFETY: V1.
        let userdata = unsafe { lua.value_or_nil(idx).get::<Userdata>() };
        let Some((slot, boxed)) = lua
            .slot_of(idx)
            .zip(userdata)
            .filter(|(_, boxed)| !is_pseudo(idx) && boxed.header().small.get() == BOX_MARK)
        else {
            return Err(lost(lua));
        };
        let len = boxed.user_value().as_integer().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
        Ok(Self {
            inline: [MaybeUninit::uninit(); INLINE_LEN],
            len: len.min(boxed.len()),
            slot: lua.th().save(slot),
            boxed: boxed.addr() as usize,
            reserved: 0,
        })
    }

    /// Pushes the bytes as a string. The buffer's place on the stack stays, with nil in it.
    #[doc(alias = "luaL_pushresult")]
    pub fn finish(self, lua: &mut LuaState) -> LuaResult<()> {
        let Some((data, room)) = self.storage(lua) else {
            return Err(lost(lua));
        };
        // SAFETY: as for `as_bytes`; a box lies on the stack while the string is made.
        let bytes = unsafe { core::slice::from_raw_parts(data, self.len.min(room)) };
        let string = lua.heap().new_string(bytes).map_err(|_| lua.memory_error())?;
        lua.push(TValue::object(string))?;
        if let Some(slot) = self.own_slot(lua) {
            // SAFETY: B2: the slot is the buffer's own; a box in it is garbage from now on.
            unsafe { slot.write(TValue::NIL) };
        }
        lua.gc_check()
    }

    /// Counts in `n` of the bytes that were reserved, and filled, last, and pushes all as a string, as
    /// [`finish`](Self::finish) does.
    #[doc(alias = "luaL_pushresultsize")]
    pub fn finish_reserved(mut self, lua: &mut LuaState, n: usize) -> LuaResult<()> {
        self.advance(n);
        self.finish(lua)
    }

    /// The slot, if it still is the buffer's (B2).
    #[inline]
    fn own_slot(&self, lua: &LuaState) -> Option<*mut TValue> {
        let th = lua.th();
        if self.slot >= th.save(th.top.get()) {
            return None;
        }
        let slot = th.restore(self.slot);
        // SAFETY: H1: slots below the top hold live values (V1).
        let value = unsafe { *slot };
        let is_own = if self.boxed == 0 {
            value.same_bits(placeholder())
        } else {
            // SAFETY: V1.
            let userdata = unsafe { value.get::<Userdata>() };
            userdata.is_some_and(|u| u.addr() == self.boxed as u64 && u.header().small.get() == BOX_MARK)
        };
        if is_own { Some(slot) } else { None }
    }

    /// Where the bytes are, and how many have room there.
    #[inline]
    fn storage(&self, lua: &LuaState) -> Option<(*mut u8, usize)> {
        if self.boxed == 0 {
            return Some((self.inline.as_ptr().cast_mut().cast(), INLINE_LEN));
        }
        let slot = self.own_slot(lua)?;
        // SAFETY: `own_slot` found the box there.
        let boxed: GcRef<Userdata> = unsafe { (*slot).as_ref() };
        Some((boxed.data(), boxed.len()))
    }

    /// The place of the next `n` bytes, made if need be.
    #[inline]
    fn room(&mut self, lua: &mut LuaState, n: usize) -> LuaResult<*mut u8> {
        if self.boxed == 0 {
            // The place is made from a mutable reference, since it will be written to.
            if n <= INLINE_LEN - self.len {
                return Ok(self.inline.as_mut_ptr().cast::<u8>().wrapping_add(self.len));
            }
        } else if let Some((data, room)) = self.storage(lua)
            && self.len <= room
            && n <= room - self.len
        {
            return Ok(data.wrapping_add(self.len));
        }
        self.grow(lua, n)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, lua: &mut LuaState, n: usize) -> LuaResult<*mut u8> {
        let (Some(_), Some((_, room))) = (self.own_slot(lua), self.storage(lua)) else {
            return Err(lost(lua));
        };
        self.len = self.len.min(room);
        let Some(needed) = self.len.checked_add(n).filter(|&needed| needed <= isize::MAX as usize / 2) else {
            return Err(lua.raise(format_args!("buffer too large")));
        };
        let boxed = lua.heap().new_userdata(needed.max(room * 2)).map_err(|_| lua.memory_error())?;
        boxed.header().small.set(BOX_MARK);
        let (Some(slot), Some((old, _))) = (self.own_slot(lua), self.storage(lua)) else {
            return Err(lost(lua));
        };
        // SAFETY: the new box has room for the old bytes; the slot is the buffer's own (B2).
        unsafe {
            boxed.data().copy_from_nonoverlapping(old, self.len);
            slot.write(TValue::object(boxed));
        }
        self.boxed = boxed.addr() as usize;
        lua.gc_check()?;
        if self.own_slot(lua).is_none() {
            return Err(lost(lua));
        }
        Ok(boxed.data().wrapping_add(self.len))
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// The error of a buffer whose place on the stack was overwritten.
#[cold]
fn lost(lua: &mut LuaState) -> Thrown {
    lua.raise(format_args!("the buffer's place on the stack was overwritten"))
}

/// A buffer as a sink of formatted text.
struct Writer<'a> {
    buffer: &'a mut Buffer,
    lua: &'a mut LuaState,
    thrown: Option<Thrown>,
}

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.buffer.extend(self.lua, s.as_bytes()).map_err(|thrown| {
            self.thrown = Some(thrown);
            fmt::Error
        })
    }
}

/// A fixed array that takes formatted text; what does not fit is dropped.
#[derive(Clone, Debug)]
pub struct FixedBuf<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> FixedBuf<N> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<const N: usize> Default for FixedBuf<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Write for FixedBuf<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let n = s.len().min(N - self.len);
        self.bytes[self.len..self.len + n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        Ok(())
    }
}
