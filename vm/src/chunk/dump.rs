//! Writing a function as a precompiled chunk.

use perilune_core::object::opt_from_addr;
use perilune_core::value::tag;
use perilune_core::{GcRef, LuaString, Proto, TValue};

use super::format;
use crate::api::ChunkWriter;
use crate::error::LuaResult;
use crate::opcode::{Operand, op_of};
use crate::state::LuaState;

/// The size of the buffer that keeps small pieces together.
const BUFFER_SIZE: usize = 512;

/// Writes a prototype and everything in it. Stripped of debug information if wanted.
///
/// The prototype must stay reachable meanwhile: its function lies on the stack.
#[doc(alias = "luaU_dump")]
pub(crate) fn dump(
    lua: &mut LuaState,
    proto: GcRef<Proto>,
    writer: &mut dyn ChunkWriter,
    strip: bool,
) -> LuaResult<()> {
    let mut dumper = Dumper { lua, writer, strip, buffer: [0; BUFFER_SIZE], used: 0 };
    dumper.header()?;
    dumper.byte(proto.upvalues_len.get() as u8)?;
    dumper.bytes(format::MARK)?;
    dumper.function(proto, None)?;
    dumper.flush()
}

struct Dumper<'a> {
    lua: &'a mut LuaState,
    writer: &'a mut dyn ChunkWriter,
    strip: bool,
    buffer: [u8; BUFFER_SIZE],
    used: usize,
}

impl Dumper<'_> {
    /// Hands out what has been gathered.
    fn flush(&mut self) -> LuaResult<()> {
        let used = core::mem::take(&mut self.used);
        if used > 0 { self.writer.write(self.lua, &self.buffer[..used]) } else { Ok(()) }
    }

    fn bytes(&mut self, bytes: &[u8]) -> LuaResult<()> {
        if self.used + bytes.len() > BUFFER_SIZE {
            self.flush()?;
        }
        if bytes.len() > BUFFER_SIZE {
            return self.writer.write(self.lua, bytes);
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> LuaResult<()> {
        self.bytes(&[byte])
    }

    fn int(&mut self, n: i32) -> LuaResult<()> {
        self.bytes(&n.to_ne_bytes())
    }

    /// The number of elements of an array.
    fn count(&mut self, n: usize) -> LuaResult<()> {
        self.bytes(&(n as u32).to_ne_bytes())
    }

    fn header(&mut self) -> LuaResult<()> {
        self.byte(format::FIRST_BYTE)?;
        self.bytes(format::SIGNATURE)?;
        self.byte(format::VERSION)?;
        self.byte(format::FORMAT)?;
        self.bytes(format::DATA)?;
        for (size, _) in format::SIZES {
            self.byte(size)?;
        }
        self.bytes(&format::INTEGER.to_ne_bytes())?;
        self.bytes(&format::FLOAT.to_ne_bytes())
    }

    /// A string's length plus one and its bytes, or 0 for none.
    fn string(&mut self, string: Option<GcRef<LuaString>>) -> LuaResult<()> {
        let Some(string) = string else { return self.byte(0) };
        let size = string.len() + 1;
        if size < format::LONG_LENGTH as usize {
            self.byte(size as u8)?;
        } else {
            self.byte(format::LONG_LENGTH)?;
            self.bytes(&(size as u64).to_ne_bytes())?;
        }
        // SAFETY: O2: the string belongs to the prototype, which stays reachable.
        self.bytes(unsafe { string.bytes() })
    }

    /// A function. Its source is left out if it is the enclosing function's.
    fn function(&mut self, proto: GcRef<Proto>, parent_source: Option<GcRef<LuaString>>) -> LuaResult<()> {
        let source = proto.source();
        self.string(if self.strip || source == parent_source { None } else { source })?;
        self.int(proto.line_defined.get())?;
        self.int(proto.last_line.get())?;
        self.byte(proto.num_params.get())?;
        self.byte(u8::from(proto.is_vararg.get()))?;
        self.byte(proto.max_stack.get())?;
        self.code(&proto)?;
        self.count(proto.constants_slice().len())?;
        for &constant in proto.constants_slice() {
            self.constant(constant)?;
        }
        self.count(proto.upvalues_slice().len())?;
        for desc in proto.upvalues_slice() {
            self.bytes(&[u8::from(desc.in_stack), desc.index])?;
        }
        self.count(proto.protos_slice().len())?;
        for &inner in proto.protos_slice() {
            // SAFETY: O2: inner prototypes of a complete prototype are live.
            self.function(unsafe { GcRef::from_ptr(inner) }, source)?;
        }
        self.debug_info(&proto)
    }

    /// The instructions, without what the interpreter noted in them.
    fn code(&mut self, proto: &Proto) -> LuaResult<()> {
        self.count(proto.code_slice().len())?;
        for &word in proto.code_slice() {
            let info = op_of(word).info();
            let word = if info.x == Operand::Hint { word.with_x(0) } else { word };
            let word = if info.b == Operand::Hint { word.with_imm(0) } else { word };
            self.bytes(&word.0.to_ne_bytes())?;
        }
        Ok(())
    }

    fn constant(&mut self, constant: TValue) -> LuaResult<()> {
        match constant.tag() {
            tag::FALSE | tag::TRUE => self.bytes(&[format::constant::BOOLEAN, u8::from(constant.tag() == tag::TRUE)]),
            tag::INT => {
                self.byte(format::constant::INTEGER)?;
                self.bytes(&constant.u.to_ne_bytes())
            }
            tag::FLOAT => {
                self.byte(format::constant::FLOAT)?;
                self.bytes(&constant.u.to_ne_bytes())
            }
            tag::SHORT_STRING | tag::LONG_STRING => {
                let is_long = constant.tag() == tag::LONG_STRING;
                self.byte(if is_long { format::constant::LONG_STRING } else { format::constant::STRING })?;
                // SAFETY: V1: the prototype's constants are live.
                self.string(unsafe { constant.get() })
            }
            _ => self.byte(format::constant::NIL),
        }
    }

    fn debug_info(&mut self, proto: &Proto) -> LuaResult<()> {
        let lines = proto.lines_slice();
        // Where the copies of conditions are is told by the lines; hooks need it also where there are no others.
        let lines = if self.strip && lines.iter().all(|&line| line >= 0) { &[] } else { lines };
        self.count(lines.len())?;
        for &line in lines {
            self.int(if self.strip { line.min(0) } else { line })?;
        }
        if self.strip {
            return (0..2).try_for_each(|_| self.count(0));
        }
        self.count(proto.locals_slice().len())?;
        for var in proto.locals_slice() {
            // SAFETY: O2: the prototype's names are live.
            self.string(unsafe { opt_from_addr(var.name) })?;
            self.int(var.start_pc)?;
            self.int(var.end_pc)?;
        }
        self.count(proto.upvalues_slice().len())?;
        for desc in proto.upvalues_slice() {
            // SAFETY: O2: the prototype's names are live.
            self.string(unsafe { opt_from_addr(desc.name) })?;
        }
        Ok(())
    }
}
