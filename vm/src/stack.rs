//! Room on the Lua stack. Growing moves it, so a slot's address does not survive a call of this module (H5).

use perilune_core::base::limits::{EXTRA_STACK, MAX_STACK};
use perilune_core::{CallInfo, TValue};

use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// The size to which an overflowing stack grows, so that the error can be handled.
const ERROR_STACK_SIZE: usize = MAX_STACK + 200;

/// Makes room for `n` more values above the top, or raises "stack overflow".
#[doc(alias = "luaD_checkstack")]
#[inline(always)]
pub(crate) fn ensure(lua: &mut LuaState, n: usize) -> LuaResult<()> {
    let th = lua.th();
    let room = th.stack_last.get() as isize - th.top.get() as isize;
    if cfg!(gc_zeal) || room <= (n * size_of::<TValue>()) as isize { grow(lua, n) } else { Ok(()) }
}

/// Reallocates the stack for `n` more values.
#[doc(alias = "luaD_growstack")]
#[cold]
#[inline(never)]
pub(crate) fn grow(lua: &mut LuaState, n: usize) -> LuaResult<()> {
    let th = lua.thread();
    let size = th.stack_size.get();
    let used = th.save(th.top.get()) / size_of::<TValue>();
    if cfg!(gc_zeal) && used + n + EXTRA_STACK < size {
        // SAFETY: M1; the new size holds everything in use.
        return unsafe { lua.heap().resize_stack(th, size) }.map_err(|_| lua.memory_error());
    }
    if size > MAX_STACK {
        // The overflow happened while an overflow was being handled.
        return Err(lua.escape(Thrown::ErrorInHandler));
    }
    let needed = used + n + EXTRA_STACK;
    if needed > MAX_STACK {
        // SAFETY: as above.
        unsafe { lua.heap().resize_stack(th, ERROR_STACK_SIZE) }.map_err(|_| lua.memory_error())?;
        return Err(lua.run_error(format_args!("stack overflow")));
    }
    let new_size = (2 * size).min(MAX_STACK).max(needed);
    // SAFETY: as above.
    unsafe { lua.heap().resize_stack(th, new_size) }.map_err(|_| lua.memory_error())
}

/// The frame after the running one, made if there is none.
#[inline(always)]
pub(crate) fn next_ci(lua: &mut LuaState) -> LuaResult<*mut CallInfo> {
    // SAFETY: H4.
    let next = unsafe { (*lua.th().ci.get()).next.get() };
    if next.is_null() {
        // SAFETY: M1.
        Ok(unsafe { lua.heap().extend_ci(lua.thread()) }?)
    } else {
        Ok(next)
    }
}
