//! The compiler: one pass from the source text to prototypes, without a syntax tree.
//!
//! `zio` gives bytes, `lexer` and `literal` tokens. `stat`, `expr` and `function` follow the grammar of manual §9. They
//! describe expressions ([`expdesc`]), whose code is made as late as possible: `operator` and `discharge` choose
//! the instructions, `emit` appends them and links jumps, `constant` keeps constants. `scope` knows names and blocks,
//! `jump_stat` gotos and labels. Nothing here runs Lua code, but for the reader that hands out the source.

mod chunkid;
mod class;
mod constant;
mod discharge;
mod emit;
mod expdesc;
mod expr;
mod function;
mod jump_stat;
mod lexer;
mod literal;
mod operator;
mod scope;
mod stat;
mod state;
mod token;
mod vector;
mod zio;

#[cfg(all(test, feature = "std"))]
mod tests;

use perilune_core::{GcRef, LuaClosure, Proto, TValue};

use self::lexer::{Lexer, until_nul};
use self::state::Compiler;
use crate::anchor::Anchorage;
use crate::error::LuaResult;
use crate::stack;
use crate::state::LuaState;

pub(crate) use chunkid::chunk_id;
pub use zio::ChunkReader;
pub(crate) use zio::Zio;

/// How many stack slots the compiler uses at once: a new string or the function, and a message.
pub(crate) const STACK_SLOTS: usize = 4;

/// Compiles a chunk and pushes its main function, whose one upvalue, `_ENV`, is nil.
///
/// `first` is the first byte, which was taken from `input` already. A syntax error leaves its message on the stack.
#[doc(alias = "luaY_parser")]
#[inline(never)]
pub(crate) fn parse(lua: &mut LuaState, input: &mut Zio<'_>, chunkname: &[u8], first: Option<u8>) -> LuaResult<()> {
    let _anchorage = Anchorage::new(lua);
    let proto = lua.heap().new_proto()?;
    lua.anchor(TValue::object(proto))?;
    let table = lua.heap().new_table()?;
    lua.anchor(TValue::object(table))?;
    stack::ensure(lua, STACK_SLOTS)?;
    let source = lua.heap().new_string(until_nul(chunkname))?;
    proto.source.set(source.as_ptr());
    // SAFETY: the prototype is anchored.
    unsafe { lua.heap().barrier_forward(proto.as_header(), TValue::object(source)) };

    let depth = lua.th().n_c_calls.get();
    let result = Compiler::new(Lexer::new(lua, input, first, table, source), proto).main_function();
    lua.th().n_c_calls.set(depth);
    result?;
    make_closure(lua, proto)
}

/// Pushes a function made of a complete prototype, which is anchored.
fn make_closure(lua: &mut LuaState, proto: GcRef<Proto>) -> LuaResult<()> {
    let closure = lua.heap().new_lua_closure(proto, 1)?;
    lua.th().push(TValue::object(closure));
    close_over_nil(lua, closure)
}

/// Gives a function its upvalue.
fn close_over_nil(lua: &mut LuaState, closure: GcRef<LuaClosure>) -> LuaResult<()> {
    let upval = lua.heap().new_upval()?;
    // SAFETY: F3: it has one upvalue; the function is on the stack.
    unsafe {
        closure.upval_slot(0).write(upval.as_ptr());
        lua.heap().barrier_forward(closure.as_header(), TValue::object(upval));
    }
    Ok(())
}
