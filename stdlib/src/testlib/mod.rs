//! The internal test library `T` of the reference implementation (`ltests.c`), which the official test suite uses for what
//! scripts cannot see: the host API, driven by a little language ([`commands`]), the collector's phases and colours, the
//! shapes of tables, and memory errors at every single allocation.
//!
//! It is for tests alone: it looks inside everything and changes how the state allocates. What it is given, it checks all the
//! same, so that a wrong script ends in an error.
//!
//! T1. The control block ([`control::Control`]) lives from the opening of the library to the end of the state, held by a
//!     userdata in the registry whose finalizer takes it out of service.
//! T2. A thread that a script works on lies in a slot of a stack, or is the main thread of a state that the control block owns
//!     and that is closed by [`states`] alone.
//! T3. While a state that `checkpanic` made runs a script, the job of its panic function and the thread that waits for it are
//!     live, and used by the panic function alone.

mod commands;
mod control;
mod inspect;
mod natives;
mod runner;
mod script;
mod states;

use perilune_vm::{LuaResult, LuaState, NativeFn};

/// The functions, in the reference's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("checkmemory", inspect::checkmemory),
    ("closestate", states::closestate),
    ("d2s", inspect::d2s),
    ("doonnewstack", states::doonnewstack),
    ("doremote", states::doremote),
    ("gccolor", inspect::gccolor),
    ("gcstate", inspect::gcstate),
    ("getref", inspect::getref),
    ("hash", inspect::hash),
    ("int2fb", inspect::int2fb),
    ("log2", inspect::log2),
    ("limits", inspect::limits),
    ("listcode", inspect::listcode),
    ("listk", inspect::listk),
    ("listlocals", inspect::listlocals),
    ("loadlib", states::loadlib),
    ("checkpanic", states::checkpanic),
    ("newstate", states::newstate),
    ("newuserdata", inspect::newuserdata),
    ("num2int", inspect::num2int),
    ("pushuserdata", inspect::pushuserdata),
    ("querystr", inspect::querystr),
    ("querytab", inspect::querytab),
    ("ref", inspect::tref),
    ("resume", natives::resume),
    ("s2d", inspect::s2d),
    ("sethook", natives::sethook),
    ("stacklevel", inspect::stacklevel),
    ("testC", natives::test_c),
    ("makeCfunc", natives::make_cfunc),
    ("totalmem", control::totalmem),
    ("trick", inspect::trick),
    ("udataval", inspect::udataval),
    ("unref", inspect::unref),
    ("upvalue", inspect::upvalue),
];

/// Opens the test library and pushes its table; `require_f` makes that the global `T`.
///
/// From then on the state allocates through the library's counters and limit, until it is closed.
#[doc(alias = "luaB_opentests")]
pub fn open_testlib(lua: &mut LuaState) -> LuaResult<usize> {
    control::install(lua)?;
    lua.new_lib(FUNCTIONS)?;
    Ok(1)
}
