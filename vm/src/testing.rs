//! What a test library may look at and do inside a state, which no host should (feature `testing`).
//!
//! The functions take stack indices like those of the host API, and are as safe: what is not what they expect reads as
//! `None`. Only [`alias`] asks something of its caller.

use core::fmt::Write;

pub use perilune_core::gc::{Color, Phase};
use perilune_core::{GcRef, LuaClosure, LuaString, LuaType, Proto, TValue, Table};

use crate::ThreadRef;
use crate::auxlib::FixedBuf;
use crate::chunk::operands;
use crate::debug::local_name;
use crate::error::LuaResult;
use crate::opcode::{Op, Operand};
use crate::state::LuaState;

/// A second handle of the same thread.
///
/// # Safety
/// The thread stays reachable while the handle is used (M1).
pub unsafe fn alias<'a>(lua: &LuaState) -> &'a mut LuaState {
    // SAFETY: the caller's promise.
    unsafe { ThreadRef::from_object(lua.thread()).state() }
}

// ---- the collector

/// Checks the whole heap.
///
/// # Panics
/// If an invariant does not hold.
#[doc(alias = "lua_checkmemory")]
pub fn check_memory(lua: &LuaState) {
    // SAFETY: if the heap is so unsound that its pointers cannot be followed, there is nothing left to lose.
    unsafe { lua.heap().check() };
}

/// The colour of the object at an index; `None` for what is no object.
pub fn color(lua: &LuaState, idx: i32) -> Option<Color> {
    let value = lua.value_or_nil(idx);
    // SAFETY: V1.
    value.is_collectable().then(|| lua.heap().color(unsafe { &*value.header() }))
}

/// The phase of the collector.
pub fn phase(lua: &LuaState) -> Phase {
    lua.heap().phase()
}

/// Runs the collector until it has just entered a phase; one that was passed in this cycle is entered in the next.
///
/// Finalizers that come to be due on the way stay so.
#[doc(alias = "luaC_runtilstate")]
pub fn run_collector_to(lua: &mut LuaState, phase: Phase) {
    // SAFETY: G1: natives keep what they need on the stack; A2: no slot's address is in use here.
    unsafe {
        if phase < lua.heap().phase() {
            lua.heap().run_until(Phase::Pause);
        }
        lua.heap().run_until(phase);
    }
}

/// How many objects of a type there are, dead ones that have not been swept included.
pub fn count_objects(lua: &LuaState, kind: LuaType) -> usize {
    lua.heap().count_objects(kind)
}

/// How many blocks the state consists of.
pub fn count_blocks(lua: &LuaState) -> usize {
    1 + lua.heap().count_blocks()
}

// ---- strings and tables

fn string_at(lua: &LuaState, idx: i32) -> Option<GcRef<LuaString>> {
    // SAFETY: V1.
    unsafe { lua.value_or_nil(idx).get() }
}

fn table_at(lua: &LuaState, idx: i32) -> Option<GcRef<Table>> {
    // SAFETY: V1.
    unsafe { lua.value_or_nil(idx).get() }
}

/// The hash of a string.
pub fn string_hash(lua: &LuaState, idx: i32) -> Option<u32> {
    string_at(lua, idx).map(|string| string.hash())
}

/// The index of the node where a key's chain begins in a table.
pub fn main_index(lua: &LuaState, table: i32, key: i32) -> Option<usize> {
    // SAFETY: V1: the key lies on the stack.
    table_at(lua, table).map(|table| unsafe { table.main_index(lua.value_or_nil(key)) })
}

/// The size of the string table: buckets, and strings in them.
pub fn string_table_size(lua: &LuaState) -> (usize, usize) {
    lua.heap().string_table_size()
}

/// Pushes the strings of a bucket and returns their number.
pub fn push_bucket(lua: &mut LuaState, bucket: usize) -> LuaResult<usize> {
    let mut count = 0;
    while let Some(string) = lua.heap().string_in_bucket(bucket, count) {
        lua.push(TValue::object(string))?;
        count += 1;
    }
    Ok(count)
}

/// The size of a table: elements of the array part, nodes, and the nodes among which a free one would be looked for.
pub fn table_size(lua: &LuaState, idx: i32) -> Option<(usize, usize, usize)> {
    let table = table_at(lua, idx)?;
    let nodes = if table.has_no_nodes() { 0 } else { table.node_count() };
    Some((table.array_size() as usize, nodes, table.free_index()))
}

/// Pushes what lies at a place of a table (elements first, then nodes): the index or the key, the value, and the distance to
/// the next node of the chain, or nil. A key whose value is gone shows as `<undef>`. False if there is no such place.
pub fn push_table_place(lua: &mut LuaState, idx: i32, place: usize) -> LuaResult<bool> {
    let Some(table) = table_at(lua, idx) else { return Ok(false) };
    let size = table.array_size() as usize;
    if place < size {
        // SAFETY: T1.
        let value = unsafe { *table.array_ptr().add(place) };
        lua.push_integer(place as i64)?;
        lua.push(value)?;
        lua.push_nil()?;
        return Ok(true);
    }
    if place - size >= table.node_count() {
        return Ok(false);
    }
    // SAFETY: T1.
    let (key, value, next) = unsafe {
        let node = &*table.node_ptr().add(place - size);
        (node.key(), node.value(), node.next.get())
    };
    if !value.is_nil() || key.is_nil() || key.is_number() {
        lua.push(key)?;
    } else {
        lua.push_str("<undef>")?;
    }
    lua.push(value)?;
    if next == 0 {
        lua.push_nil()?
    } else {
        lua.push_integer(i64::from(next))?
    }
    Ok(true)
}

/// How many slots of the thread's stack are in use, and how many there are.
pub fn stack_size(lua: &LuaState) -> (usize, usize) {
    let th = lua.th();
    (th.save(th.top.get()) / size_of::<TValue>(), th.save(th.stack_last.get()) / size_of::<TValue>())
}

/// How many levels of native calls are in use on the thread, of which there may be a limited number: nested calls on the Rust stack,
/// and coroutines that run, or wait for one that does.
pub fn native_levels(lua: &LuaState) -> usize {
    lua.th().n_c_calls.get().into()
}

// ---- functions

fn proto_at(lua: &LuaState, idx: i32) -> Option<GcRef<Proto>> {
    // SAFETY: V1.
    unsafe { lua.value_or_nil(idx).get::<LuaClosure>() }.map(|closure| closure.proto())
}

/// The numbers of registers, fixed parameters and instructions of a Lua function.
pub fn function_size(lua: &LuaState, idx: i32) -> Option<(usize, usize, usize)> {
    let proto = proto_at(lua, idx)?;
    Some((proto.max_stack.get() as usize, proto.num_params.get() as usize, proto.code_slice().len()))
}

/// Pushes an instruction of a Lua function as text: `(line) index - NAME operands`. False if there is no such instruction.
#[doc(alias = "buildop")]
pub fn push_instruction(lua: &mut LuaState, idx: i32, pc: usize) -> LuaResult<bool> {
    let Some(proto) = proto_at(lua, idx) else { return Ok(false) };
    let Some(&word) = proto.code_slice().get(pc) else { return Ok(false) };
    let line = crate::debug::line_of(&proto, pc);
    let mut text = FixedBuf::<96>::new();
    // A truncating buffer takes everything.
    let _ = write!(text, "({line:4}) {pc:4} - ");
    match Op::from_u8(word.op()) {
        Some(op) => {
            for letter in op.info().name.bytes() {
                let _ = text.write_char(letter.to_ascii_uppercase() as char);
            }
            for _ in op.info().name.len()..12 {
                let _ = text.write_char(' ');
            }
            for (kind, number) in operands(word, op) {
                if kind != Operand::None {
                    let _ = write!(text, "{number:4} ");
                }
            }
        }
        None => {
            let _ = write!(text, "?{:#x}", word.0);
        }
    }
    lua.push_bytes(text.as_bytes().trim_ascii_end())?;
    Ok(true)
}

/// Pushes a constant of a Lua function, counting from 0. False if there is no such constant.
pub fn push_constant(lua: &mut LuaState, idx: i32, n: usize) -> LuaResult<bool> {
    let constant = proto_at(lua, idx).and_then(|proto| proto.constants_slice().get(n).copied());
    match constant {
        Some(value) => lua.push(value).map(|()| true),
        None => Ok(false),
    }
}

/// Pushes the name of the `n`-th local variable (from 1) that is alive at an instruction. False if there is none.
#[doc(alias = "luaF_getlocalname")]
pub fn push_local_name(lua: &mut LuaState, idx: i32, n: usize, pc: usize) -> LuaResult<bool> {
    let Some(proto) = proto_at(lua, idx) else { return Ok(false) };
    match local_name(&proto, n, pc) {
        // SAFETY: the function at the index is reachable and so are the names in it.
        Some(name) => lua.push_bytes(unsafe { name.bytes() }).map(|()| true),
        None => Ok(false),
    }
}
