//! Making a function of a precompiled chunk.
//!
//! U1. Nothing that a script could see runs while a prototype is incomplete: after the header, the rest of the input is
//!     gathered first, and the functions are read from memory. No number of the chunk makes an array larger than the bytes
//!     that are left can fill.
//! U2. A prototype's arrays are entered into it as soon as they are allocated, with all elements set; so the collector can
//!     traverse it at any time.

use perilune_core::code::{CODE_PREFIX, Instruction};
use perilune_core::{AllocKind, GcRef, Heap, LocalVar, LuaString, Proto, TValue, UpvalDesc};

use super::captured;
use super::format;
use super::verify::{self, Enclosing};
use crate::compile::Zio;
use crate::debug::messages::push_pieces;
use crate::debug::until_nul;
use crate::error::{LuaResult, Thrown};
use crate::opcode::{Op, Operand, SCALE};
use crate::stack;
use crate::state::LuaState;

/// How much room the gathered input gets at first.
const FIRST_ROOM: usize = 1024;

/// Reads a chunk whose first byte has been taken, and pushes its function, with new upvalues that are nil.
///
/// # Errors
/// A chunk that is not whole and right gives a syntax error with a message.
#[doc(alias = "luaU_undump")]
#[inline(never)]
pub(crate) fn undump(lua: &mut LuaState, input: &mut Zio<'_>, chunk_name: &[u8]) -> LuaResult<()> {
    let name = match chunk_name.first() {
        Some(b'@' | b'=') => &chunk_name[1..],
        Some(&format::FIRST_BYTE) => b"binary string",
        _ => chunk_name,
    };
    let name = until_nul(name);
    let upvalues = check_header(lua, input, name)?;
    let mut body = Body::new(lua);
    body.gather(lua, input)?;
    let mut loader = Loader { rest: body.bytes(), name };
    loader.main_function(lua, upvalues)
}

/// Raises a syntax error about the chunk.
fn fail(lua: &mut LuaState, name: &[u8], why: &[u8]) -> Thrown {
    match push_pieces(lua, &[name, b": ", why, b" precompiled chunk"]) {
        Ok(()) => Thrown::Syntax,
        Err(thrown) => thrown,
    }
}

/// Takes the next bytes of the header.
fn take<const N: usize>(lua: &mut LuaState, input: &mut Zio<'_>, name: &[u8]) -> LuaResult<[u8; N]> {
    let mut bytes = [0; N];
    if input.read(lua, &mut bytes)? == 0 { Ok(bytes) } else { Err(fail(lua, name, b"truncated")) }
}

/// Reads the header up to and including the mark; returns the number of upvalues.
#[doc(alias = "checkHeader")]
fn check_header(lua: &mut LuaState, input: &mut Zio<'_>, name: &[u8]) -> LuaResult<u8> {
    if take::<3>(lua, input, name)? != *format::SIGNATURE {
        return Err(fail(lua, name, b"not a"));
    }
    if take(lua, input, name)? != [format::VERSION] {
        return Err(fail(lua, name, b"version mismatch in"));
    }
    if take(lua, input, name)? != [format::FORMAT] {
        return Err(fail(lua, name, b"format mismatch in"));
    }
    if take::<6>(lua, input, name)? != *format::DATA {
        return Err(fail(lua, name, b"corrupted"));
    }
    for (size, type_name) in format::SIZES {
        if take(lua, input, name)? != [size] {
            let pushed = push_pieces(lua, &[name, b": ", type_name.as_bytes(), b" size mismatch in precompiled chunk"]);
            return Err(pushed.err().unwrap_or(Thrown::Syntax));
        }
    }
    if take(lua, input, name)? != format::INTEGER.to_ne_bytes() {
        return Err(fail(lua, name, b"endianness mismatch in"));
    }
    if take(lua, input, name)? != format::FLOAT.to_ne_bytes() {
        return Err(fail(lua, name, b"float format mismatch in"));
    }
    let [upvalues] = take(lua, input, name)?;
    for &expected in format::MARK {
        if take(lua, input, name)? != [expected] {
            return Err(fail(lua, name, b"format mismatch in"));
        }
    }
    Ok(upvalues)
}

/// The rest of the input in one block, which does not belong to the collector. Dropping it frees the block, also if the reader
/// panics.
struct Body {
    heap: *mut Heap,
    block: *mut u8,
    room: usize,
    len: usize,
}

impl Body {
    fn new(lua: &LuaState) -> Self {
        Self { heap: lua.heap(), block: core::ptr::null_mut(), room: 0, len: 0 }
    }

    /// Reads the input to its end.
    fn gather(&mut self, lua: &mut LuaState, input: &mut Zio<'_>) -> LuaResult<()> {
        loop {
            let room = if self.room == 0 { FIRST_ROOM } else { self.room.saturating_mul(2) };
            // SAFETY: the block is this heap's and has `room` bytes, or there is none; new bytes are set at once.
            let free = unsafe {
                self.block = lua.heap().resize_array(self.block, self.room, room)?;
                self.block.add(self.room).write_bytes(0, room - self.room);
                self.room = room;
                core::slice::from_raw_parts_mut(self.block.add(self.len), room - self.len)
            };
            let wanted = free.len();
            let missing = input.read(lua, free)?;
            self.len += wanted - missing;
            if missing > 0 {
                return Ok(());
            }
        }
    }

    /// What was gathered.
    fn bytes(&self) -> &[u8] {
        // SAFETY: the block has `len` bytes, all set.
        if self.block.is_null() { &[] } else { unsafe { core::slice::from_raw_parts(self.block, self.len) } }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // SAFETY: M2: the heap outlives the chunk's loading; the block is this heap's and has `room` bytes, or there is none.
        unsafe { (*self.heap).free_array(self.block, self.room) };
    }
}

/// Reads functions from the gathered bytes.
struct Loader<'a> {
    rest: &'a [u8],
    name: &'a [u8],
}

/// Elements that a prototype's array is filled with before they are read.
const NO_NAME: *mut LuaString = core::ptr::null_mut();
const NO_VARIABLE: LocalVar = LocalVar { name: NO_NAME, start_pc: 0, end_pc: 0 };
const NO_UPVALUE: UpvalDesc = UpvalDesc { name: NO_NAME, in_stack: false, index: 0 };

impl<'a> Loader<'a> {
    fn fail(&self, lua: &mut LuaState, why: &[u8]) -> Thrown {
        fail(lua, self.name, why)
    }

    fn take(&mut self, lua: &mut LuaState, n: usize) -> LuaResult<&'a [u8]> {
        match self.rest.split_at_checked(n) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.fail(lua, b"truncated")),
        }
    }

    fn array<const N: usize>(&mut self, lua: &mut LuaState) -> LuaResult<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(lua, N)?);
        Ok(bytes)
    }

    fn byte(&mut self, lua: &mut LuaState) -> LuaResult<u8> {
        let [byte] = self.array(lua)?;
        Ok(byte)
    }

    fn int(&mut self, lua: &mut LuaState) -> LuaResult<i32> {
        Ok(i32::from_ne_bytes(self.array(lua)?))
    }

    /// The number of elements of an array, each of which takes at least `size` bytes of the chunk (U1).
    fn count(&mut self, lua: &mut LuaState, size: usize) -> LuaResult<usize> {
        let count = u32::from_ne_bytes(self.array(lua)?) as usize;
        if count <= self.rest.len() / size { Ok(count) } else { Err(self.fail(lua, b"truncated")) }
    }

    /// A string, or `None`. It is white and not anchored.
    fn string(&mut self, lua: &mut LuaState) -> LuaResult<Option<GcRef<LuaString>>> {
        let mut size = u64::from(self.byte(lua)?);
        if size == u64::from(format::LONG_LENGTH) {
            size = u64::from_ne_bytes(self.array(lua)?);
        }
        let Some(len) = size.checked_sub(1) else { return Ok(None) };
        let bytes = self.take(lua, usize::try_from(len).unwrap_or(usize::MAX))?;
        Ok(Some(lua.heap().new_string(bytes)?))
    }

    /// The whole chunk: makes the prototype, then the function, which it leaves on the stack.
    fn main_function(&mut self, lua: &mut LuaState, upvalues: u8) -> LuaResult<()> {
        stack::ensure(lua, 2)?;
        let proto = lua.heap().new_proto()?;
        // Only an emergency collection sees the prototype on the stack (U1).
        lua.th().push(TValue::object(proto));
        self.function(lua, proto, None, 0)?;
        if proto.upvalues_len.get() != u32::from(upvalues) {
            return Err(self.fail(lua, b"corrupted"));
        }
        let closure = lua.heap().new_lua_closure(proto, upvalues)?;
        // SAFETY: H1: the prototype lies on top; the closure refers to it.
        unsafe { lua.th().from_top(1).write(TValue::object(closure)) };
        for i in 0..closure.num_upvalues() {
            let upval = lua.heap().new_upval()?;
            // SAFETY: F3; the barrier follows the store.
            unsafe {
                closure.upval_slot(i).write(upval.as_ptr());
                lua.heap().barrier_forward(closure.as_header(), TValue::object(upval));
            }
        }
        Ok(())
    }

    /// Reads a function into an empty prototype, which is reachable.
    #[doc(alias = "LoadFunction")]
    fn function(
        &mut self,
        lua: &mut LuaState,
        proto: GcRef<Proto>,
        enclosing: Option<Enclosing>,
        depth: usize,
    ) -> LuaResult<()> {
        if depth >= format::MAX_DEPTH {
            return Err(self.fail(lua, b"bad code (functions nested too deeply) in"));
        }
        if let Some(source) = self.string(lua)? {
            set_source(lua, proto, source);
        }
        proto.line_defined.set(self.int(lua)?);
        proto.last_line.set(self.int(lua)?);
        proto.num_params.set(self.byte(lua)?);
        proto.is_vararg.set(self.byte(lua)? != 0);
        proto.max_stack.set(self.byte(lua)?);
        self.code(lua, proto)?;
        self.constants(lua, proto)?;
        self.upvalues(lua, proto)?;
        self.protos(lua, proto, depth)?;
        self.lines(lua, proto)?;
        self.locals(lua, proto)?;
        self.upvalue_names(lua, proto)?;
        let mut result = verify::check(&proto, enclosing);
        if result.is_ok() && captured::captures_registers(&proto) {
            result = check_captured(lua, proto)?;
        }
        if let Err(fault) = result {
            return Err(self.bad_code(lua, &proto, fault));
        }
        note_hints(&proto);
        proto.seal();
        Ok(())
    }

    /// Raises the error of a prototype that must not run.
    fn bad_code(&self, lua: &mut LuaState, proto: &Proto, fault: verify::Fault) -> Thrown {
        let text = fault.describe(proto.line_defined.get());
        match push_pieces(lua, &[self.name, b": bad code in precompiled chunk (", text.as_bytes(), b")"]) {
            Ok(()) => Thrown::Syntax,
            Err(thrown) => thrown,
        }
    }

    /// The code's block has room for the words before the code (F1).
    fn code(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        const WORD: usize = size_of::<Instruction>();
        let count = self.count(lua, WORD)?;
        let bytes = self.take(lua, count * WORD)?;
        let block = lua.heap().allocate(AllocKind::Other, (CODE_PREFIX + count) * WORD)?;
        // SAFETY: the block is new and has room for the words; `seal` sets the first ones.
        unsafe {
            block.write_bytes(0, CODE_PREFIX * WORD);
            let code = block.add(CODE_PREFIX * WORD);
            code.copy_from_nonoverlapping(bytes.as_ptr(), count * WORD);
            proto.code.set(code.cast());
        }
        proto.code_len.set(count as u32);
        Ok(())
    }

    fn constants(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        let count = self.count(lua, 1)?;
        proto.constants.set(filled(lua, count, TValue::NIL)?);
        proto.constants_len.set(count as u32);
        for i in 0..count {
            let constant = match self.byte(lua)? {
                format::constant::NIL => TValue::NIL,
                format::constant::BOOLEAN => TValue::boolean(self.byte(lua)? != 0),
                format::constant::FLOAT => TValue::float(f64::from_ne_bytes(self.array(lua)?)),
                format::constant::INTEGER => TValue::integer(i64::from_ne_bytes(self.array(lua)?)),
                format::constant::STRING | format::constant::LONG_STRING => match self.string(lua)? {
                    Some(string) => TValue::object(string),
                    None => return Err(self.fail(lua, b"corrupted")),
                },
                _ => return Err(self.fail(lua, b"corrupted")),
            };
            // SAFETY: U2; the barrier follows the store.
            unsafe {
                proto.constants.get().add(i).write(constant);
                lua.heap().barrier_forward(proto.as_header(), constant);
            }
        }
        Ok(())
    }

    fn upvalues(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        let count = self.count(lua, 2)?;
        proto.upvalues.set(filled(lua, count, NO_UPVALUE)?);
        proto.upvalues_len.set(count as u32);
        for i in 0..count {
            let [in_stack, index] = self.array(lua)?;
            // SAFETY: U2.
            unsafe { proto.upvalues.get().add(i).write(UpvalDesc { name: NO_NAME, in_stack: in_stack != 0, index }) };
        }
        Ok(())
    }

    fn protos(&mut self, lua: &mut LuaState, proto: GcRef<Proto>, depth: usize) -> LuaResult<()> {
        let count = self.count(lua, size_of::<*mut Proto>())?;
        proto.protos.set(filled(lua, count, core::ptr::null_mut())?);
        proto.protos_len.set(count as u32);
        let enclosing = Enclosing::of(&proto);
        for i in 0..count {
            let inner = lua.heap().new_proto()?;
            // SAFETY: U2; the barrier follows the store.
            unsafe {
                proto.protos.get().add(i).write(inner.as_ptr());
                lua.heap().barrier_forward(proto.as_header(), TValue::object(inner));
            }
            inner.source.set(proto.source.get());
            self.function(lua, inner, Some(enclosing), depth + 1)?;
        }
        Ok(())
    }

    fn lines(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        let count = self.count(lua, size_of::<i32>())?;
        proto.line_info.set(filled(lua, count, 0)?);
        proto.lines_len.set(count as u32);
        for i in 0..count {
            let line = self.int(lua)?;
            // SAFETY: U2.
            unsafe { proto.line_info.get().add(i).write(line) };
        }
        Ok(())
    }

    fn locals(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        let count = self.count(lua, 9)?;
        proto.local_vars.set(filled(lua, count, NO_VARIABLE)?);
        proto.locals_len.set(count as u32);
        for i in 0..count {
            let name = self.name(lua, proto)?;
            let (start_pc, end_pc) = (self.int(lua)?, self.int(lua)?);
            // SAFETY: U2. Between making the name and this store nothing is allocated.
            unsafe { proto.local_vars.get().add(i).write(LocalVar { name, start_pc, end_pc }) };
        }
        Ok(())
    }

    fn upvalue_names(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
        let count = self.count(lua, 1)?;
        if count != 0 && count != proto.upvalues_len.get() as usize {
            return Err(self.fail(lua, b"corrupted"));
        }
        for i in 0..count {
            let name = self.name(lua, proto)?;
            // SAFETY: U2.
            unsafe { (*proto.upvalues.get().add(i)).name = name };
        }
        Ok(())
    }

    /// A string that is about to be stored into the prototype; null for none.
    fn name(&mut self, lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<*mut LuaString> {
        let Some(string) = self.string(lua)? else { return Ok(NO_NAME) };
        // SAFETY: both are live. The caller stores the string before it allocates again.
        unsafe { lua.heap().barrier_forward(proto.as_header(), TValue::object(string)) };
        Ok(string.as_ptr())
    }
}

/// Sets the source of a prototype.
fn set_source(lua: &mut LuaState, proto: GcRef<Proto>, source: GcRef<LuaString>) {
    proto.source.set(source.as_ptr());
    // SAFETY: both are live.
    unsafe { lua.heap().barrier_forward(proto.as_header(), TValue::object(source)) };
}

/// Follows captured registers, which needs a word for each instruction.
fn check_captured(lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<verify::Check> {
    let count = proto.code_slice().len();
    let open: *mut u64 = filled(lua, count, 0)?;
    // SAFETY: the array has that many elements, all set; nobody else has it, and it is freed once.
    unsafe {
        let result = captured::check(&proto, core::slice::from_raw_parts_mut(open, count));
        lua.heap().free_array(open, count);
        Ok(result)
    }
}

/// A new array, all its elements the same; null if it has none.
fn filled<T: Copy>(lua: &mut LuaState, count: usize, element: T) -> LuaResult<*mut T> {
    // SAFETY: there is no old block, and every element of the new one is set.
    unsafe {
        let array: *mut T = lua.heap().resize_array(core::ptr::null_mut(), 0, count)?;
        for i in 0..count {
            array.add(i).write(element);
        }
        Ok(array)
    }
}

/// Sets the hints of instructions that name a field to the field's hash, where the search begins.
fn note_hints(proto: &Proto) {
    for i in 0..proto.code_slice().len() {
        // SAFETY: F1: the code is verified, so its operation codes are known and its constants exist; nobody runs it yet.
        unsafe {
            let place = proto.code.get().add(i);
            let word = *place;
            let Some(info) = Op::from_u8(word.op()).map(Op::info) else { continue };
            if info.x == Operand::Hint {
                let key = if info.b == Operand::Field { word.b() } else { word.c() };
                let key = *proto.constants.get().add((key / SCALE) as usize);
                if let Some(key) = key.get::<LuaString>() {
                    place.write(word.with_x(key.hash_field() as u8));
                }
            }
        }
    }
}
