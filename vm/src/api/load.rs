//! Loading and dumping chunks (manual §4.8, `lua_load` and `lua_dump`).

use perilune_core::{LuaClosure, TValue};

use super::{ChunkReader, LoadMode};
use crate::MULTRET;
use crate::anchor::Anchorage;
use crate::chunk;
use crate::compile::{self, Zio};
use crate::error::{LuaResult, Status, Thrown};
use crate::exec::protect;
use crate::exec::unwind::{Busy, NoYield};
use crate::state::LuaState;

/// The first byte of a precompiled chunk.
#[doc(alias = "LUA_SIGNATURE")]
const BINARY_MARK: u8 = 0x1b;

/// Takes a dumped function, piece by piece.
#[doc(alias = "lua_Writer")]
pub trait ChunkWriter {
    /// Takes the next bytes.
    fn write(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()>;
}

/// A chunk that lies in memory as a whole.
struct WholeChunk<'a>(Option<&'a [u8]>);

impl ChunkReader for WholeChunk<'_> {
    fn read(&mut self, _lua: &mut LuaState) -> LuaResult<&[u8]> {
        Ok(self.0.take().unwrap_or(&[]))
    }
}

impl LuaState {
    /// Loads a chunk without running it: pushes the function, or the error's message.
    ///
    /// The function's first upvalue, if it has any, becomes the table of globals. `chunkname` is what messages call the
    /// chunk: `@file`, `=name` or the text itself.
    ///
    /// Errors that the reader raises go to the message handler of the protected call around this, if it has one; those of the chunk's
    /// syntax do not.
    #[doc(alias = "lua_load")]
    pub fn load(&mut self, reader: &mut dyn ChunkReader, chunkname: &[u8], mode: LoadMode<'_>) -> Status {
        let th = self.th();
        let top = th.save(th.top.get());
        // In a hook nobody else sees to it that the stack stays as large as it is now.
        let ci = self.ci();
        if ci.top.get() < th.top.get() {
            ci.top.set(th.top.get());
        }
        let handler = th.err_func.get();
        let status = protect::run_from(self, top, handler, |lua| {
            // A reader may call Lua, but a yield could not come back into the parser, and nobody must resume a thread whose
            // frame is in use here.
            let _forbidden = NoYield::begin(lua);
            let _busy = Busy::begin(lua);
            load_chunk(lua, reader, chunkname, mode)
        });
        if status == Status::Ok {
            self.leave_one_value(top);
            self.set_environment();
        }
        status
    }

    /// Brings the value on top to a stack offset that was the top before; the reader may have left it elsewhere.
    fn leave_one_value(&self, top: usize) {
        let th = self.th();
        let function = th.pop();
        while th.save(th.top.get()) < top {
            th.push(TValue::NIL);
        }
        th.top.set(th.restore(top));
        th.push(function);
    }

    /// Loads a chunk that lies in memory: pushes the function, or the error's message.
    ///
    /// The bytes must stay in place until it is loaded, even if a finalizer runs meanwhile: a slice of a Lua string needs
    /// the string on the stack.
    #[doc(alias = "luaL_loadbufferx")]
    #[doc(alias = "luaL_loadbuffer")]
    pub fn load_bytes(&mut self, chunk: &[u8], chunkname: &[u8], mode: LoadMode<'_>) -> Status {
        self.load(&mut WholeChunk(Some(chunk)), chunkname, mode)
    }

    /// Loads a chunk that is also its own name: pushes the function, or the error's message.
    #[doc(alias = "luaL_loadstring")]
    pub fn load_str(&mut self, chunk: &str) -> Status {
        self.load_bytes(chunk.as_bytes(), chunk.as_bytes(), LoadMode::ANY)
    }

    /// Loads a chunk that is also its own name and runs it in protected mode: pushes all its results, or the error's value.
    ///
    /// Messages call such a chunk `[string "…"]`, by its first line. Where it shall have a better name, or a message handler, use
    /// [`load_bytes`](Self::load_bytes) and [`pcall`](Self::pcall).
    #[doc(alias = "luaL_dostring")]
    pub fn do_str(&mut self, chunk: &str) -> Status {
        match self.load_str(chunk) {
            Status::Ok => self.pcall(0, MULTRET, 0),
            status => status,
        }
    }

    /// Writes the Lua function on top, without its upvalues, as a precompiled chunk; `strip` leaves debug information out.
    /// Returns false if the value on top is no Lua function. The function stays on the stack.
    #[doc(alias = "lua_dump")]
    pub fn dump(&mut self, writer: &mut dyn ChunkWriter, strip: bool) -> LuaResult<bool> {
        // SAFETY: V1.
        let Some(closure) = (unsafe { self.value_or_nil(-1).get::<LuaClosure>() }) else {
            return Ok(false);
        };
        // The writer may take the function off the stack.
        let _anchorage = Anchorage::new(self);
        self.anchor(TValue::object(closure))?;
        chunk::dump(self, closure.proto(), writer, strip)?;
        Ok(true)
    }

    /// Makes the table of globals the first upvalue of the Lua function on top.
    fn set_environment(&mut self) {
        let globals = self.globals();
        // SAFETY: V1: the function lies on top.
        let Some(closure) = (unsafe { self.value_or_nil(-1).get::<LuaClosure>() }) else {
            return;
        };
        if closure.num_upvalues() == 0 {
            return;
        }
        if let Some(upvalue) = closure.upval(0) {
            // SAFETY: F2; the upvalue is live as the closure is (G1).
            unsafe {
                upvalue.v.get().write(globals);
                self.heap().barrier_upval(upvalue);
            }
        }
    }
}

/// Pushes the function that the reader's bytes describe.
#[doc(alias = "f_parser")]
fn load_chunk(lua: &mut LuaState, reader: &mut dyn ChunkReader, name: &[u8], mode: LoadMode<'_>) -> LuaResult<()> {
    let mut input = Zio::new(reader);
    let first = input.next_byte(lua)?;
    if first == Some(BINARY_MARK) {
        check_mode(lua, mode, mode.binary(), "binary")?;
        chunk::undump(lua, &mut input, name)
    } else {
        check_mode(lua, mode, mode.text(), "text")?;
        compile::parse(lua, &mut input, name, first)
    }
}

#[doc(alias = "checkmode")]
fn check_mode(lua: &mut LuaState, mode: LoadMode<'_>, allowed: bool, kind: &str) -> LuaResult<()> {
    if allowed {
        return Ok(());
    }
    // The mode may be any bytes, which no formatted string could take.
    lua.push_fmt(format_args!("attempt to load a {kind} chunk (mode is '"))?;
    lua.push_bytes(mode.name())?;
    lua.push_str("')")?;
    lua.concat(3)?;
    Err(Thrown::Syntax)
}
