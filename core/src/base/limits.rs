//! Limits that more than one layer must agree on (`llimits.h`, `luaconf.h`).

/// The largest number of slots of a Lua stack (`LUAI_MAXSTACK`).
pub const MAX_STACK: usize = 1_000_000;
/// Slots that stay free above a stack's limit, for metamethod arguments and error handling (`EXTRA_STACK`).
pub const EXTRA_STACK: usize = 8;
/// Slots that a native function has at its disposal when it is called (`LUA_MINSTACK`).
#[doc(alias = "LUA_MINSTACK")]
pub const MIN_STACK: usize = 20;
/// The size in slots of a new thread's stack.
pub const BASIC_STACK_SIZE: usize = 2 * MIN_STACK;
/// The limit of nested native calls, coroutines within coroutines, and syntactic levels (`LUAI_MAXCCALLS`).
pub const MAX_C_CALLS: u16 = 200;
/// Strings of at most this many bytes are interned (`LUAI_MAXSHORTLEN`).
pub const MAX_SHORT_LEN: usize = 40;
/// The largest number of upvalues of a closure (`MAXUPVAL`).
pub const MAX_UPVALUES: usize = 255;
/// The largest number of registers of a function (`MAXREGS`).
pub const MAX_REGISTERS: usize = 255;
/// The largest size in bytes of any object.
pub const MAX_SIZE: usize = isize::MAX as usize;
/// The pseudo-index of the registry (`LUA_REGISTRYINDEX`).
#[doc(alias = "LUA_REGISTRYINDEX")]
pub const REGISTRY_INDEX: i32 = -(MAX_STACK as i32) - 1000;
