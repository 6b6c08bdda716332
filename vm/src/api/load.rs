//! Loading and dumping chunks (manual §4.8, `lua_load` and `lua_dump`).

use perilune_core::LuaClosure;

use super::{ChunkReader, LoadMode};
use crate::chunk;
use crate::compile::{self, Zio};
use crate::error::{LuaResult, Status, Thrown};
use crate::exec::protect;
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
    #[doc(alias = "lua_load")]
    pub fn load(&mut self, reader: &mut dyn ChunkReader, chunkname: &[u8], mode: LoadMode<'_>) -> Status {
        // A reader may call Lua, but a yield could not come back into the parser.
        let th = self.th();
        th.n_non_yieldable.set(th.n_non_yieldable.get() + 1);
        let status = protect::run(self, |lua| load_chunk(lua, reader, chunkname, mode));
        let th = self.th();
        th.n_non_yieldable.set(th.n_non_yieldable.get() - 1);
        if status == Status::Ok {
            self.set_environment();
        }
        status
    }

    /// Loads a chunk that lies in memory: pushes the function, or the error's message.
    ///
    /// The bytes must stay in place until it is loaded, even if a finalizer runs meanwhile: a slice of a Lua string needs
    /// the string on the stack.
    #[doc(alias = "luaL_loadbufferx")]
    pub fn load_bytes(&mut self, chunk: &[u8], chunkname: &[u8], mode: LoadMode<'_>) -> Status {
        self.load(&mut WholeChunk(Some(chunk)), chunkname, mode)
    }

    /// Writes the Lua function on top, without its upvalues, as a precompiled chunk; `strip` leaves debug information out.
    /// Returns false if the value on top is no Lua function. The function stays on the stack.
    #[doc(alias = "lua_dump")]
    pub fn dump(&mut self, writer: &mut dyn ChunkWriter, strip: bool) -> LuaResult<bool> {
        // SAFETY: V1.
        let Some(closure) = (unsafe { self.value_or_nil(-1).get::<LuaClosure>() }) else {
            return Ok(false);
        };
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
