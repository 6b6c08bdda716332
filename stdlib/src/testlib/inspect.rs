//! Looking inside: the collector, tables, strings, functions, values.

use perilune_vm::opcode::{FIELDS_PER_FLUSH, Op};
use perilune_vm::testing::{self, Color, Phase};
use perilune_vm::{LuaResult, LuaState, LuaType, REGISTRY_INDEX};

use super::commands::text;

/// Sets a field of the table on top to an integer.
#[doc(alias = "setnameval")]
fn set_number(lua: &mut LuaState, name: &str, value: i64) -> LuaResult<()> {
    lua.push_integer(value)?;
    lua.set_field(-2, name)
}

/// `T.checkmemory ()`: checks the whole heap and ends the program if an invariant does not hold.
pub(super) fn checkmemory(lua: &mut LuaState) -> LuaResult<usize> {
    testing::check_memory(lua);
    Ok(0)
}

/// `T.gccolor (object)`
#[doc(alias = "gc_color")]
pub(super) fn gccolor(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    lua.push_str(match testing::color(lua, 1) {
        None => "no collectable",
        Some(Color::Dead) => "dead",
        Some(Color::White) => "white",
        Some(Color::Black) => "black",
        Some(Color::Gray) => "grey",
    })?;
    Ok(1)
}

/// The collector's phases under the reference's names, if it has them.
const PHASES: [(&str, Phase); 10] = [
    ("propagate", Phase::Propagate),
    ("atomic", Phase::Atomic),
    ("separate", Phase::Separate),
    ("resurrect", Phase::Resurrect),
    ("sweepallgc", Phase::SweepAll),
    ("sweepfinobj", Phase::SweepFinalizable),
    ("sweeptobefnz", Phase::SweepPending),
    ("sweepend", Phase::SweepEnd),
    ("callfin", Phase::CallFinalizers),
    ("pause", Phase::Pause),
];

/// `T.gcstate ([phase])`: the collector's phase, or runs it until it enters one.
#[doc(alias = "gc_state")]
pub(super) fn gcstate(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none_or_nil(1) {
        let phase = testing::phase(lua);
        let name = PHASES.iter().find(|(_, p)| *p == phase).map_or("", |(name, _)| name);
        lua.push_str(name)?;
        return Ok(1);
    }
    let choice = lua.check_option(1, None, &PHASES.map(|(name, _)| name))?;
    testing::run_collector_to(lua, PHASES[choice].1);
    Ok(0)
}

/// `T.hash (string | key, table)`: the string's hash, or the index of the key's main position in the table.
#[doc(alias = "hash_query")]
pub(super) fn hash(lua: &mut LuaState) -> LuaResult<usize> {
    let number = if lua.is_none(2) {
        lua.arg_check(lua.lua_type(1) == LuaType::String, 1, "string expected")?;
        testing::string_hash(lua, 1).map(i64::from)
    } else {
        lua.check_type(2, LuaType::Table)?;
        testing::main_index(lua, 2, 1).map(|index| index as i64)
    };
    lua.push_integer(number.unwrap_or(0))?;
    Ok(1)
}

/// `T.querytab (table [, place])`: the sizes of both parts and the free mark, or what is at a place.
#[doc(alias = "table_query")]
pub(super) fn querytab(lua: &mut LuaState) -> LuaResult<usize> {
    let place = lua.opt_integer(2, -1)?;
    lua.check_type(1, LuaType::Table)?;
    if let Ok(place) = usize::try_from(place) {
        return Ok(if testing::push_table_place(lua, 1, place)? { 3 } else { 0 });
    }
    let (array, nodes, free) = testing::table_size(lua, 1).unwrap_or((0, 0, 0));
    for size in [array, nodes, free] {
        lua.push_integer(size as i64)?;
    }
    Ok(3)
}

/// `T.querystr ([bucket])`: the numbers of buckets and strings of the string table, or the strings of a bucket (from 1).
#[doc(alias = "string_query")]
pub(super) fn querystr(lua: &mut LuaState) -> LuaResult<usize> {
    match usize::try_from(lua.opt_integer(1, 0)? - 1) {
        Ok(bucket) => testing::push_bucket(lua, bucket),
        Err(_) => {
            let (buckets, strings) = testing::string_table_size(lua);
            lua.push_integer(buckets as i64)?;
            lua.push_integer(strings as i64)?;
            Ok(2)
        }
    }
}

/// `T.stacklevel ()`: slots in use, slots there are, and an address in the host's stack.
pub(super) fn stacklevel(lua: &mut LuaState) -> LuaResult<usize> {
    let local = 0u8;
    let (used, size) = testing::stack_size(lua);
    for number in [used, size, (&raw const local).addr()] {
        lua.push_integer(number as i64)?;
    }
    Ok(3)
}

/// The first argument's size, which must be a Lua function.
fn function_argument(lua: &mut LuaState) -> LuaResult<(usize, usize, usize)> {
    match testing::function_size(lua, 1) {
        Some(size) => Ok(size),
        None => Err(lua.arg_error(1, "Lua function expected")),
    }
}

/// `T.listcode (function)`: a table with the instructions as text, and the fields `maxstack` and `numparams`.
pub(super) fn listcode(lua: &mut LuaState) -> LuaResult<usize> {
    let (registers, params, count) = function_argument(lua)?;
    lua.create_table(count, 2)?;
    set_number(lua, "maxstack", registers as i64)?;
    set_number(lua, "numparams", params as i64)?;
    for pc in 0..count {
        testing::push_instruction(lua, 1, pc)?;
        lua.raw_set_i(-2, pc as i64 + 1)?;
    }
    Ok(1)
}

/// `T.listk (function)`: a table with the constants.
pub(super) fn listk(lua: &mut LuaState) -> LuaResult<usize> {
    function_argument(lua)?;
    lua.new_table()?;
    let mut n = 0;
    while testing::push_constant(lua, 1, n)? {
        n += 1;
        lua.raw_set_i(-2, n as i64)?;
    }
    Ok(1)
}

/// `T.listlocals (function, instruction)`: the names of the local variables that are alive there.
pub(super) fn listlocals(lua: &mut LuaState) -> LuaResult<usize> {
    let pc = usize::try_from(lua.check_integer(2)? - 1).unwrap_or(0);
    function_argument(lua)?;
    let mut n = 0;
    while testing::push_local_name(lua, 1, n + 1, pc)? {
        n += 1;
    }
    Ok(n)
}

/// `T.limits ()`: the operands' largest values, the elements that a constructor stores at once, the number of operations.
#[doc(alias = "get_limits")]
pub(super) fn limits(lua: &mut LuaState) -> LuaResult<usize> {
    lua.create_table(0, 6)?;
    set_number(lua, "BITS_INT", 32)?;
    set_number(lua, "MAXARG_A", i64::from(u16::MAX))?;
    set_number(lua, "MAXARG_Bx", i64::from(i32::MAX))?;
    set_number(lua, "MAXARG_sBx", i64::from(i32::MAX))?;
    set_number(lua, "LFPF", FIELDS_PER_FLUSH as i64)?;
    set_number(lua, "NUM_OPCODES", Op::COUNT as i64)?;
    Ok(1)
}

/// `T.int2fb (n)`: the high part of the operands that hold the array size of a constructor with `n` elements, and the size
/// that its table gets. The reference keeps the size in nine bits and rounds it up; here it is exact.
pub(super) fn int2fb(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)?;
    lua.push_integer((n >> 16).clamp(0, 255))?;
    lua.push_integer(n)?;
    Ok(2)
}

/// `T.log2 (n)`: the logarithm, rounded up.
#[doc(alias = "luaO_ceillog2")]
pub(super) fn log2(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)? as u32;
    lua.push_integer(i64::from(u32::BITS - n.saturating_sub(1).leading_zeros()))?;
    Ok(1)
}

/// `T.d2s (float)`: its bytes.
pub(super) fn d2s(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_number(1)?;
    lua.push_bytes(&n.to_ne_bytes())?;
    Ok(1)
}

/// `T.s2d (string)`: the float whose bytes these are.
pub(super) fn s2d(lua: &mut LuaState) -> LuaResult<usize> {
    let bytes = text(lua, 1)?;
    let Some(bytes) = bytes.first_chunk() else { return Err(lua.arg_error(1, "string too short")) };
    lua.push_number(f64::from_ne_bytes(*bytes))?;
    Ok(1)
}

/// `T.num2int (value)`
pub(super) fn num2int(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(lua.to_integer(1).unwrap_or(0))?;
    Ok(1)
}

/// `T.newuserdata (size)`: a full userdata of zeros.
pub(super) fn newuserdata(lua: &mut LuaState) -> LuaResult<usize> {
    let size = lua.check_integer(1)? as usize;
    lua.new_userdata(size)?;
    Ok(1)
}

/// `T.pushuserdata (n)`: the light userdata with that address.
pub(super) fn pushuserdata(lua: &mut LuaState) -> LuaResult<usize> {
    let address = lua.check_integer(1)? as usize;
    lua.push_light_userdata(core::ptr::without_provenance_mut(address))?;
    Ok(1)
}

/// `T.udataval (userdata)`: its address.
pub(super) fn udataval(lua: &mut LuaState) -> LuaResult<usize> {
    let address = lua.to_userdata(1).map_or(0, |data| data.addr().get());
    lua.push_integer(address as i64)?;
    Ok(1)
}

/// `T.ref (value)`: a reference in the registry.
pub(super) fn tref(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    lua.push_value(1)?;
    let reference = lua.ref_(REGISTRY_INDEX)?;
    lua.push_integer(i64::from(reference))?;
    Ok(1)
}

/// `T.getref (reference)`
pub(super) fn getref(lua: &mut LuaState) -> LuaResult<usize> {
    let reference = lua.check_integer(1)?;
    lua.raw_get_i(REGISTRY_INDEX, reference)?;
    Ok(1)
}

/// `T.unref (reference)`
pub(super) fn unref(lua: &mut LuaState) -> LuaResult<usize> {
    let reference = lua.check_integer(1)? as i32;
    lua.unref(REGISTRY_INDEX, reference)?;
    Ok(0)
}

/// `T.upvalue (function, n [, value])`: the value and the name of an upvalue, or sets it and gives the name.
pub(super) fn upvalue(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(2)? as i32;
    lua.check_type(1, LuaType::Function)?;
    let sets = !lua.is_none(3);
    let name = if sets { lua.set_upvalue(1, n)? } else { lua.get_upvalue(1, n)? };
    match name {
        // SAFETY: the function is an argument and stays reachable.
        Some(name) => lua.push_bytes(unsafe { name.bytes() })?,
        None if sets => lua.push_nil()?,
        None => return Ok(0),
    }
    Ok(if sets { 1 } else { 2 })
}

/// `T.trick (object)`: in the reference, a mark for a debugger; nothing here.
#[doc(alias = "settrick")]
pub(super) fn trick(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}
