//! Metamethods: their names, and how to find the one of a value.

use perilune_core::value::tag;
use perilune_core::{GcRef, LuaString, LuaType, TValue, Table, Userdata};

use crate::error::LuaResult;
use crate::state::LuaState;

/// The events (manual §2.4), in the order of the reference implementation (`TMS`).
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is the manual's event of that name")]
pub enum MetaEvent {
    Index,
    NewIndex,
    Gc,
    Mode,
    Len,
    Eq,
    Add,
    Sub,
    Mul,
    Mod,
    Pow,
    Div,
    IDiv,
    BAnd,
    BOr,
    BXor,
    Shl,
    Shr,
    Unm,
    BNot,
    Lt,
    Le,
    Concat,
    Call,
}

/// The names, in the order of [`MetaEvent`].
pub const EVENT_NAMES: [&str; 24] = [
    "__index",
    "__newindex",
    "__gc",
    "__mode",
    "__len",
    "__eq",
    "__add",
    "__sub",
    "__mul",
    "__mod",
    "__pow",
    "__div",
    "__idiv",
    "__band",
    "__bor",
    "__bxor",
    "__shl",
    "__shr",
    "__unm",
    "__bnot",
    "__lt",
    "__le",
    "__concat",
    "__call",
];

impl MetaEvent {
    /// The event's name without the two underscores, as error messages print it.
    pub fn name(self) -> &'static str {
        &EVENT_NAMES[self as usize][2..]
    }
}

/// The metatable of any value.
#[inline(always)]
pub(crate) fn metatable_of(lua: &LuaState, v: TValue) -> Option<GcRef<Table>> {
    // SAFETY: V1: the value comes from a live place; the shared metatables are roots (G1).
    unsafe {
        match v.tag() {
            tag::TABLE => v.as_ref::<Table>().metatable(),
            tag::USERDATA => v.as_ref::<Userdata>().metatable(),
            _ => perilune_core::object::opt_from_addr(lua.heap().metatables[v.lua_type() as i8 as usize]),
        }
    }
}

/// The metamethod of a value for an event, or nil.
#[doc(alias = "luaT_gettmbyobj")]
pub(crate) fn of(lua: &LuaState, v: TValue, event: MetaEvent) -> TValue {
    match metatable_of(lua, v) {
        None => TValue::NIL,
        // SAFETY: the names are pinned (G1).
        Some(mt) => mt.get_short(unsafe { GcRef::from_ptr(lua.heap().event_names[event as usize]) }),
    }
}

/// The same for the first six events of a metatable, whose absence is remembered in the table (T5).
#[doc(alias = "luaT_gettm")]
#[inline(always)]
pub(crate) fn fast(lua: &LuaState, mt: Option<GcRef<Table>>, event: MetaEvent) -> TValue {
    match mt {
        None => TValue::NIL,
        Some(mt) if mt.flags() & (1 << event as u8) != 0 => TValue::NIL,
        Some(mt) => fast_slow(lua, mt, event),
    }
}

#[inline(never)]
fn fast_slow(lua: &LuaState, mt: GcRef<Table>, event: MetaEvent) -> TValue {
    // SAFETY: the names are pinned (G1).
    let v = mt.get_short(unsafe { GcRef::from_ptr(lua.heap().event_names[event as usize]) });
    if v.is_nil() {
        mt.set_absent(event as u8);
    }
    v
}

/// The types, by their numbers.
const TYPES: [LuaType; LuaType::COUNT] = [
    LuaType::Nil,
    LuaType::Boolean,
    LuaType::LightUserdata,
    LuaType::Number,
    LuaType::String,
    LuaType::Table,
    LuaType::Function,
    LuaType::Userdata,
    LuaType::Thread,
];

/// The name of a type, as the function `type` gives it.
#[inline(always)]
pub(crate) fn type_name(lua: &LuaState, t: LuaType) -> GcRef<LuaString> {
    // SAFETY: M2; the names are pinned (G1).
    unsafe { GcRef::from_ptr((*lua.global()).type_names[t as i8 as usize]) }
}

/// What a metatable says instead of itself, or nil.
pub(crate) fn protection(lua: &LuaState, metatable: GcRef<Table>) -> TValue {
    // SAFETY: M2; the name is pinned (G1).
    metatable.get_short(unsafe { GcRef::from_ptr((*lua.global()).protection_name) })
}

/// Pins the names of the events, and others that are needed all the time; to be called once when a state is made.
pub(crate) fn init(lua: &mut LuaState) -> LuaResult<()> {
    let global = lua.global();
    for (i, name) in EVENT_NAMES.iter().enumerate() {
        lua.heap().event_names[i] = pinned(lua, name)?;
    }
    for t in TYPES {
        let name = pinned(lua, t.name())?;
        // SAFETY: M2.
        unsafe { (*global).type_names[t as i8 as usize] = name };
    }
    let name = pinned(lua, "__metatable")?;
    // SAFETY: M2.
    unsafe { (*global).protection_name = name };
    Ok(())
}

/// A string that stays.
fn pinned(lua: &LuaState, name: &str) -> LuaResult<*mut LuaString> {
    let string = lua.heap().new_string(name.as_bytes())?;
    lua.heap().fix(string.as_header());
    Ok(string.as_ptr())
}
