//! Loads, upvalues and closures.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcObject, GcRef, LuaClosure, TValue, Thread};

use crate::error::LuaResult;
use crate::exec::drive::Next;
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, settle};
use crate::exec::switch::deliver;
use crate::exec::upvalue;
use crate::stack;
use crate::state::LuaState;

handlers! {
    fn op_move(m) {
        *m.a() = *m.b();
        next!(m)
    }

    fn op_load_i(m) {
        *m.a() = TValue::integer(m.imm() as i64);
        next!(m)
    }

    fn op_load_f(m) {
        *m.a() = TValue::float(m.imm() as f64);
        next!(m)
    }

    fn op_load_k(m) {
        *m.a() = *m.kimm();
        next!(m)
    }

    fn op_load_false(m) {
        (*m.a()).t = tag::FALSE;
        next!(m)
    }

    fn op_load_false_skip(m) {
        (*m.a()).t = tag::FALSE;
        next!(m.skip())
    }

    fn op_load_true(m) {
        (*m.a()).t = tag::TRUE;
        next!(m)
    }

    fn op_load_nil(m) {
        let mut slot = m.a();
        let end = slot.add(m.nb());
        while slot <= end {
            (*slot).t = tag::NIL;
            slot = slot.add(1);
        }
        next!(m)
    }

    fn op_get_upval(m) {
        *m.a() = *m.upval(m.nb()).v.get();
        next!(m)
    }

    fn op_set_upval(m) {
        let upvalue = m.upval(m.nb());
        let value = *m.a();
        *upvalue.v.get() = value;
        if value.is_collectable() && upvalue.header().is_black() {
            goto!(m, slow_barrier)
        }
        next!(m)
    }

    fn op_not(m) {
        let truth = (*m.b()).is_falsy();
        (*m.a()).t = tag::FALSE + truth as u8;
        next!(m)
    }

    fn op_close(m) {
        goto!(m, slow_close)
    }

    fn op_closure(m) {
        goto!(m, slow_closure)
    }

    fn op_vararg(m) {
        let frame = &*m.ci;
        let params = m.closure().frame_word().num_params as usize;
        // `extra` slots lie between: the fixed parameters' old places, the extra arguments, the copy of the function.
        let available = frame.extra().saturating_sub(1 + params);
        let mut wanted = m.nb().wrapping_sub(1);
        let dest = m.a();
        if m.nb() == 0 {
            wanted = available;
            if dest.wrapping_add(wanted) >= (*m.lua).stack_last.get() {
                goto!(m, slow_vararg)
            }
            (*m.lua).top.set(dest.add(wanted));
        }
        deliver(dest, wanted, frame.func.get().add(1 + params), available);
        // Read again, so that no register need hold it meanwhile.
        next!(Machine { base: frame.base(), ..m })
    }
}

slow_paths! {
    closed slow_barrier => set_upval_barrier;
    closed slow_close => close;
    closed slow_closure => make_closure;
    open slow_vararg => vararg;
}

/// The barrier of a store into a black upvalue.
unsafe fn set_upval_barrier(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        LuaState::from_thread(lua).heap().barrier_upval(m.upval(m.nb()));
    }
    lua
}

unsafe fn close(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe { upvalue::close_from(LuaState::from_thread(lua), Machine::load(lua).a()) };
    lua
}

unsafe fn make_closure(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let state = LuaState::from_thread(lua);
        let result = closure(state, Machine::load(lua));
        settle(state, result)
    }
}

/// `Closure`: makes a closure, or takes the last one made if it would have the same upvalues.
#[doc(alias = "pushclosure")]
unsafe fn closure(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1, F1, F3: the prototype and its upvalue descriptions exist.
    unsafe {
        let encloser = m.closure();
        let proto = GcRef::from_ptr(*encloser.proto().protos.get().add(m.imm() as usize));
        let descriptions = proto.upvalues_slice();
        if let Some(cached) = cached(m, encloser, proto) {
            *m.a() = TValue::object(cached);
            return Ok(m.lua);
        }
        let closure = lua.heap().new_lua_closure(proto, descriptions.len() as u8)?;
        // The register anchors the closure while its upvalues are made.
        *m.a() = TValue::object(closure);
        for (i, description) in descriptions.iter().enumerate() {
            let upvalue = if description.in_stack {
                upvalue::find(lua, m.base.add(description.index as usize))?.as_ptr()
            } else {
                *encloser.upval_slot(description.index as usize)
            };
            *closure.upval_slot(i) = upvalue;
            lua.heap().barrier_object(closure.as_header(), upvalue.cast());
        }
        // A black prototype would not have its cache cleared when the closure dies (G1).
        if !proto.header().is_black() {
            proto.cache.set(closure.as_ptr());
        }
        if lua.heap().debt > 0 || cfg!(gc_zeal) {
            super::field::collect_above(lua, m)?;
        }
    }
    Ok(m.lua)
}

/// The prototype's last closure, if its upvalues are just those that a new one would have.
#[doc(alias = "getcached")]
unsafe fn cached(
    m: Machine,
    encloser: GcRef<LuaClosure>,
    proto: GcRef<perilune_core::Proto>,
) -> Option<GcRef<LuaClosure>> {
    // SAFETY: I1, F3; the cache holds a live closure or null.
    unsafe {
        let cached = proto.cache.get();
        if cached.is_null() {
            return None;
        }
        let cached: GcRef<LuaClosure> = GcRef::from_ptr(cached);
        for (i, description) in proto.upvalues_slice().iter().enumerate() {
            let wanted = if description.in_stack {
                m.base.add(description.index as usize)
            } else {
                (**encloser.upval_slot(description.index as usize)).v.get()
            };
            if (**cached.upval_slot(i)).v.get() != wanted {
                return None;
            }
        }
        Some(cached)
    }
}

unsafe fn vararg(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let state = LuaState::from_thread(lua);
        let result = copy_varargs(state, Machine::load(lua));
        settle(state, result)
    }
}

/// `VarArg`: copies extra arguments, which lie between the function's slot and its base, to registers.
unsafe fn copy_varargs(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1, H4.
    unsafe {
        let ci = &*lua.th().ci.get();
        let params = m.closure().frame_word().num_params as usize;
        // `extra` slots lie between: the fixed parameters' old places, the extra arguments, the copy of the function.
        let available = ci.extra().saturating_sub(1 + params);
        let wanted = if m.nb() == 0 { available } else { m.nb() - 1 };
        let mut dest = m.a();
        let mut source = ci.func.get().add(1 + params);
        if m.nb() == 0 {
            let offset = lua.th().save(dest);
            lua.th().top.set(dest);
            stack::ensure(lua, wanted)?;
            let th = lua.th();
            dest = th.restore(offset);
            source = (*th.ci.get()).func.get().add(1 + params);
            th.top.set(dest.add(wanted));
        }
        for i in 0..wanted {
            *dest.add(i) = if i < available { *source.add(i) } else { TValue::NIL };
        }
    }
    Ok(m.lua)
}
