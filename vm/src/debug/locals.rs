//! Local variables and upvalues, read and written by number (manual §4.9).

use core::ffi::c_void;

use perilune_core::base::limits::MAX_STACK;
use perilune_core::object::opt_from_addr;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, LuaClosure, LuaType, NativeClosure, TValue};

use super::info::{Activation, current_pc, frame_closure, function_slot};
use super::names::{Name, local_name};
use crate::error::LuaResult;
use crate::stack;
use crate::state::LuaState;

/// The slot of the `number`-th extra argument (from 1) of a vararg function's frame.
///
/// The frame keeps its arguments below a second copy of the function: `func`, the fixed parameters' old places, the extra
/// arguments, the function again, and then the base.
#[doc(alias = "findvararg")]
fn vararg_slot(frame: &CallInfo, params: usize, number: usize) -> Option<*mut TValue> {
    let func = function_slot(frame);
    // SAFETY: H4: both lie in one stack.
    let extra = unsafe { frame.base().offset_from_unsigned(func) } - 1;
    let count = extra.checked_sub(1 + params)?;
    if number == 0 || number > count { None } else { Some(func.wrapping_add(params + number)) }
}

/// The name and the slot of the `n`-th local variable of a frame.
///
/// # Safety
/// `frame` is a frame of the thread, in use (H4).
#[doc(alias = "findlocal")]
unsafe fn find_local(lua: &LuaState, frame: &CallInfo, n: i32) -> Option<(Name, *mut TValue)> {
    // SAFETY: by the caller's promise.
    let closure = unsafe { frame_closure(frame) };
    if let Some(closure) = closure {
        let proto = closure.proto();
        if n < 0 {
            let slot = vararg_slot(frame, proto.num_params.get() as usize, n.unsigned_abs() as usize)?;
            return Some((Name::fixed("(*vararg)"), slot));
        }
        if let Some(name) = local_name(&proto, n as usize, current_pc(frame, &proto)) {
            return Some((name, frame.base().wrapping_add(n as usize - 1)));
        }
    }
    let number = usize::try_from(n).ok()?.checked_sub(1)?;
    // SAFETY: H4: a frame that is not the running one has a successor in use.
    let limit = unsafe {
        if core::ptr::eq(frame, lua.th().ci.get()) { lua.th().top.get() } else { function_slot(&*frame.next.get()) }
    };
    let base = if frame.is_lua() { frame.base() } else { function_slot(frame).wrapping_add(1) };
    let slot = base.wrapping_add(number);
    if number >= MAX_STACK || slot >= limit {
        return None;
    }
    // A chunk that is being compiled has its prototype on the stack, and above it what the compiler trusts to be left alone.
    // SAFETY: H1: slots below the limit are initialised.
    let is_hidden = (0..=number).any(|i| unsafe { (*base.wrapping_add(i)).lua_type() } == LuaType::None);
    if is_hidden { None } else { Some((Name::fixed("(*temporary)"), slot)) }
}

/// Where an upvalue is and what it belongs to.
enum Upvalue {
    /// Of a native function; the place in the closure.
    Native(GcRef<NativeClosure>, *mut TValue),
    /// Of a Lua function; the place of the closure's pointer.
    Lua(GcRef<LuaClosure>, usize),
}

impl LuaState {
    /// Pushes the value of a local variable (manual §4.9, `lua_getlocal`) and returns its name. Number 1 is the first
    /// parameter; other values of the frame are called "(*temporary)", and the extra arguments, at -1, -2 and so on,
    /// "(*vararg)". Without an activation it pushes nothing and gives the name of a parameter of the function on top.
    ///
    /// # Errors
    /// Lack of memory.
    #[doc(alias = "lua_getlocal")]
    pub fn get_local(&mut self, activation: Option<Activation>, n: i32) -> LuaResult<Option<Name>> {
        let Some(activation) = activation else {
            if self.get_top() == 0 {
                return Ok(None);
            }
            // SAFETY: H1, V1: the frame has a value on top.
            let closure = unsafe { (*self.th().from_top(1)).get::<LuaClosure>() };
            let number = usize::try_from(n).unwrap_or(0);
            return Ok(closure.and_then(|closure| local_name(&closure.proto(), number, 0)));
        };
        stack::ensure(self, 1)?;
        let Some(frame) = self.frame_of(activation) else { return Ok(None) };
        // SAFETY: `frame_of` found the frame in use; H1 for the slot.
        unsafe {
            let found = find_local(self, frame, n);
            if let Some((_, slot)) = found {
                self.th().push(*slot);
            }
            Ok(found.map(|(name, _)| name))
        }
    }

    /// Pops a value into a local variable (manual §4.9, `lua_setlocal`) and returns the variable's name. If there is no
    /// such variable, nothing is popped. The values of a native function's frame can be read but not replaced: the
    /// function may hold the bytes of a string that only its frame keeps alive.
    ///
    /// # Errors
    /// None at present.
    #[doc(alias = "lua_setlocal")]
    pub fn set_local(&mut self, activation: Activation, n: i32) -> LuaResult<Option<Name>> {
        if self.get_top() == 0 {
            return Ok(None);
        }
        let Some(frame) = self.frame_of(activation) else { return Ok(None) };
        // SAFETY: `frame_of` found the frame in use; H1 for the slot.
        unsafe {
            let found = if (*frame).is_lua() { find_local(self, frame, n) } else { None };
            if let Some((_, slot)) = found {
                let value = self.th().pop();
                slot.write(value);
            }
            Ok(found.map(|(name, _)| name))
        }
    }

    /// The function at a stack index and its `n`-th upvalue (from 1).
    #[doc(alias = "aux_upvalue")]
    fn find_upvalue(&self, idx: i32, n: i32) -> Option<Upvalue> {
        let number = usize::try_from(n).ok()?.checked_sub(1)?;
        let function = self.value_or_nil(idx);
        // SAFETY: V1: the value lies at a valid index.
        unsafe {
            match function.tag() {
                tag::NATIVE_CLOSURE => {
                    let closure = function.as_ref::<NativeClosure>();
                    (number < closure.num_upvalues()).then(|| Upvalue::Native(closure, closure.upvalue_slot(number)))
                }
                tag::LUA_CLOSURE => {
                    let closure = function.as_ref::<LuaClosure>();
                    (number < closure.num_upvalues()).then_some(Upvalue::Lua(closure, number))
                }
                _ => None,
            }
        }
    }

    /// Pushes the value of the `n`-th upvalue (from 1) of the function at an index and returns its name: empty for native
    /// functions, "(*no name)" in stripped ones (manual §4.9, `lua_getupvalue`).
    ///
    /// # Errors
    /// Lack of memory.
    #[doc(alias = "lua_getupvalue")]
    pub fn get_upvalue(&mut self, idx: i32, n: i32) -> LuaResult<Option<Name>> {
        let Some(found) = self.find_upvalue(idx, n) else { return Ok(None) };
        stack::ensure(self, 1)?;
        let (name, value) = match found {
            // SAFETY: F3: the closure is complete.
            Upvalue::Native(_, slot) => (Name::fixed(""), unsafe { *slot }),
            Upvalue::Lua(closure, index) => {
                (lua_upvalue_name(closure, index), closure.upval(index).map_or(TValue::NIL, |upval| upval.value()))
            }
        };
        self.th().push(value);
        Ok(Some(name))
    }

    /// Pops a value into the `n`-th upvalue (from 1) of the function at an index and returns its name (manual §4.9,
    /// `lua_setupvalue`). If there is no such upvalue, nothing is popped.
    ///
    /// # Errors
    /// None at present.
    #[doc(alias = "lua_setupvalue")]
    pub fn set_upvalue(&mut self, idx: i32, n: i32) -> LuaResult<Option<Name>> {
        if self.get_top() == 0 {
            return Ok(None);
        }
        let Some(found) = self.find_upvalue(idx, n) else { return Ok(None) };
        let value = self.th().pop();
        // SAFETY: F2, F3: the places are live; both functions come with their barrier.
        unsafe {
            match found {
                Upvalue::Native(closure, slot) => {
                    slot.write(value);
                    self.heap().barrier_forward(closure.as_header(), value);
                    Ok(Some(Name::fixed("")))
                }
                Upvalue::Lua(closure, index) => {
                    if let Some(upval) = closure.upval(index) {
                        upval.v.get().write(value);
                        self.heap().barrier_upval(upval);
                    }
                    Ok(Some(lua_upvalue_name(closure, index)))
                }
            }
        }
    }

    /// An identity of the `n`-th upvalue (from 1) of the function at an index: closures that share a variable give the
    /// same one (manual §4.9, `lua_upvalueid`).
    #[doc(alias = "lua_upvalueid")]
    pub fn upvalue_id(&self, idx: i32, n: i32) -> Option<*const c_void> {
        Some(match self.find_upvalue(idx, n)? {
            Upvalue::Native(_, slot) => slot.cast_const().cast(),
            Upvalue::Lua(closure, index) => closure.upval(index)?.as_ptr().cast_const().cast(),
        })
    }

    /// Makes the `n1`-th upvalue of the Lua function at `f1` refer to the variable of the `n2`-th upvalue of the one at
    /// `f2` (manual §4.9, `lua_upvaluejoin`). Returns false, having done nothing, if either does not exist.
    #[doc(alias = "lua_upvaluejoin")]
    pub fn upvalue_join(&mut self, f1: i32, n1: i32, f2: i32, n2: i32) -> bool {
        let (Some(Upvalue::Lua(closure, index)), Some(Upvalue::Lua(other, other_index))) =
            (self.find_upvalue(f1, n1), self.find_upvalue(f2, n2))
        else {
            return false;
        };
        let Some(upval) = other.upval(other_index) else { return false };
        // SAFETY: F3: `find_upvalue` checked the index; the barrier follows the store.
        unsafe {
            closure.upval_slot(index).write(upval.as_ptr());
            self.heap().barrier_forward(closure.as_header(), TValue::object(upval));
        }
        true
    }
}

/// The name of a Lua function's upvalue, as `get_upvalue` gives it.
fn lua_upvalue_name(closure: GcRef<LuaClosure>, index: usize) -> Name {
    let proto = closure.proto();
    let desc = proto.upvalues_slice().get(index);
    // SAFETY: O2: a reachable prototype's names are live.
    let name = desc.and_then(|desc| unsafe { opt_from_addr(desc.name) });
    name.map_or(Name::fixed("(*no name)"), Name::string)
}
