//! Open upvalues: found or made for a stack slot, closed when the slot goes.

use perilune_core::base::error::AllocResult;
use perilune_core::{GcRef, TValue, UpVal};

use crate::state::LuaState;

/// The open upvalue of a slot, made if there is none.
#[doc(alias = "luaF_findupval")]
pub(crate) fn find(lua: &mut LuaState, slot: *mut TValue) -> AllocResult<GcRef<UpVal>> {
    let th = lua.thread();
    let mut link: *const core::cell::Cell<*mut UpVal> = &th.open_upvals;
    let mut before: Option<GcRef<UpVal>> = None;
    // SAFETY: H6: the list is sorted, highest slot first, and its members are live.
    unsafe {
        let mut current = (*link).get();
        while !current.is_null() {
            let upvalue = GcRef::from_ptr(current);
            if upvalue.v.get() < slot {
                break;
            }
            if upvalue.v.get() == slot {
                return Ok(upvalue);
            }
            before = Some(upvalue);
            current = upvalue.open_next();
        }
        link = &th.open_upvals;
        // Making one may collect, but never takes an upvalue of a running thread out of the list.
        let upvalue = lua.heap().new_upval()?;
        let next = before.map_or((*link).get(), |b| b.open_next());
        upvalue.open(slot, next);
        match before {
            Some(before) => before.set_open_next(upvalue.as_ptr()),
            None => (*link).set(upvalue.as_ptr()),
        }
        if core::ptr::eq(th.twups.get(), th.as_ptr()) {
            th.twups.set(lua.heap().twups);
            lua.heap().twups = th.as_ptr();
        }
        Ok(upvalue)
    }
}

/// Closes all upvalues at or above a slot.
#[doc(alias = "luaF_close")]
pub(crate) fn close_from(lua: &LuaState, level: *mut TValue) {
    let th = lua.th();
    loop {
        let first = th.open_upvals.get();
        // SAFETY: H6.
        unsafe {
            if first.is_null() || (*first).v.get() < level {
                return;
            }
            let upvalue = GcRef::from_ptr(first);
            th.open_upvals.set(upvalue.open_next());
            lua.heap().close_upval(upvalue);
        }
    }
}
