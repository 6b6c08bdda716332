//! Operations that may have to call a metamethod, for native functions across which a yield may go.
//!
//! A4. Between a request for a call and the native function's return nothing touches the stack.

use perilune_core::{CallStatus, LuaType, TValue, Table};

use super::CompareOp;
use crate::error::{LuaResult, Thrown};
use crate::exec::compare::{self, Outcome};
use crate::exec::index::{self, Read, Write};
use crate::exec::length::{self, Length};
use crate::state::{Continuation, LuaState};

/// Operations across which a yield may go.
///
/// A native function that uses the plain forms (`get_i`, `len`, …) has the metamethod called within itself, so that nothing
/// inside can yield. The forms named `…_then` do the same work at once and return `Ok` as long as no function must be called.
/// Otherwise they ask for the call as [`call_then`](Self::call_then) does, and return the `Err` that the native function is to
/// pass on with `?`. When the call is over, `k` runs with `ctx`, and finds the stack as if the operation had been done at once:
///
/// ```
/// use perilune_vm::{LuaResult, LuaState};
///
/// /// Returns the third element of its first argument.
/// fn third(lua: &mut LuaState) -> LuaResult<usize> {
///     lua.get_i_then(1, 3, 0, |_, _, _| Ok(1))?; // After a call: the element lies on top, return it.
///     Ok(1) // Without a call: the element lies on top, return it.
/// }
/// ```
///
/// What the rest needs must be found again in `ctx` and in the frame's stack slots: locals are lost. A loop is best written
/// as a function of the step from which to go on, with itself as `k`.
///
/// The reference implementation cannot yield within such calls, so `is_yieldable` says no there
/// ([`seem_unyieldable`](Self::seem_unyieldable)), unlike [`can_yield`](Self::can_yield).
impl LuaState {
    /// Whether a yield would work here. This is so also where [`is_yieldable`](Self::is_yieldable) says no for the sake of
    /// scripts that expect the reference's answer.
    pub fn can_yield(&self) -> bool {
        self.th().n_non_yieldable.get() == 0
    }

    /// Replaces the value at an index by an integer: how a native function notes for `k` how far it has come.
    #[inline]
    pub fn note_integer(&mut self, idx: i32, n: i64) {
        self.store(idx, TValue::integer(n));
    }

    /// Asks for the call of the function below the `nargs` values on top, within which the reference could not yield.
    #[inline]
    fn ask<T>(&mut self, nargs: usize, nresults: i32, ctx: isize, k: Continuation) -> LuaResult<T> {
        self.seem_unyieldable();
        Err(self.call_then(nargs, nresults, ctx, k).err().unwrap_or(Thrown::Call))
    }

    /// Pushes a metamethod and its two operands and asks for its call with one result.
    #[inline]
    fn ask_binary<T>(&mut self, method: TValue, a: TValue, b: TValue, ctx: isize, k: Continuation) -> LuaResult<T> {
        for value in [method, a, b] {
            self.push(value)?;
        }
        self.ask(2, 1, ctx, k)
    }
}

/// The element of a table, if metamethods have no say in it.
#[inline(always)]
fn plain_element(object: TValue, n: i64) -> Option<TValue> {
    // SAFETY: V1: the object lies on the stack.
    let table = unsafe { object.get::<Table>() }?;
    let value = table.get_int(n);
    (!value.is_nil() || table.metatable().is_none()).then_some(value)
}

/// Reading. Each pushes the value, whose type it returns if no call is needed.
impl LuaState {
    /// Pushes the value of an integer key, like [`get_i`](Self::get_i).
    #[inline]
    pub fn get_i_then(&mut self, idx: i32, n: i64, ctx: isize, k: Continuation) -> LuaResult<LuaType> {
        let object = self.value_or_nil(idx);
        match plain_element(object, n) {
            Some(value) => self.push(value).map(|()| value.lua_type()),
            None => self.get_i_slow(object, n, ctx, k),
        }
    }

    #[inline(never)]
    fn get_i_slow(&mut self, object: TValue, n: i64, ctx: isize, k: Continuation) -> LuaResult<LuaType> {
        let key = TValue::integer(n);
        // SAFETY: V1: the object lies on the stack.
        match unsafe { index::read(self, object, key, core::ptr::null()) }? {
            Read::Value(value) => self.push(value).map(|()| value.lua_type()),
            Read::Call(method, object) => self.ask_binary(method, object, key, ctx, k),
        }
    }

    /// Pushes the value of an integer key of a table and returns true, if metamethods have no say in it.
    #[inline]
    pub fn try_get_i(&mut self, idx: i32, n: i64) -> LuaResult<bool> {
        match plain_element(self.value_or_nil(idx), n) {
            Some(value) => self.push(value).map(|()| true),
            None => Ok(false),
        }
    }

    /// Replaces the value on top by an element of a table and asks for the call of a function with it and the value at `other`,
    /// in this order or, if so wanted, the other way round; `k` finds the one result on top. If metamethods have a say in what
    /// the element is, or the frame has no room for three values more, nothing changes, and the answer is `Ok`.
    #[inline]
    pub fn call_with_element_then(
        &mut self,
        [table, function, other]: [i32; 3],
        n: i64,
        reverse: bool,
        ctx: isize,
        k: Continuation,
    ) -> LuaResult<()> {
        let Some(element) = plain_element(self.value_or_nil(table), n) else { return Ok(()) };
        let (function, other) = (self.value_or_nil(function), self.value_or_nil(other));
        let (a, b) = if reverse { (other, element) } else { (element, other) };
        let top = self.th().top.get();
        if self.held() == 0 || top.wrapping_add(3) > self.ci().top.get() {
            return Ok(());
        }
        // SAFETY: A3: there is room for three values, and one lies on top.
        unsafe {
            *top.sub(1) = element;
            *top = function;
            *top.add(1) = a;
            *top.add(2) = b;
            self.th().top.set(top.add(3));
        }
        self.call_then(2, 1, ctx, k).map(|_| ())
    }

    /// Whether the value is a table without metatable, so that no access to its elements calls a function.
    #[inline]
    pub fn is_plain_table(&self, idx: i32) -> bool {
        // SAFETY: V1.
        unsafe { self.value_or_nil(idx).get::<Table>() }.is_some_and(|table| table.metatable().is_none())
    }

    /// Replaces the key on top by its value, like [`get_table`](Self::get_table).
    pub fn get_table_then(&mut self, idx: i32, ctx: isize, k: Continuation) -> LuaResult<LuaType> {
        let object = self.value_or_nil(idx);
        let key = self.value_or_nil(-1);
        // SAFETY: V1: both lie on the stack.
        match unsafe { index::read(self, object, key, core::ptr::null()) }? {
            Read::Value(value) => {
                self.store(-1, value);
                Ok(value.lua_type())
            }
            Read::Call(method, object) => {
                self.push(method)?;
                self.push(object)?;
                self.rotate(-3, -1);
                self.ask(2, 1, ctx, k)
            }
        }
    }

    /// Pushes the value of a field, like [`get_field`](Self::get_field).
    pub fn get_field_then(&mut self, idx: i32, name: &str, ctx: isize, k: Continuation) -> LuaResult<LuaType> {
        let idx = self.abs_index(idx);
        self.push_str(name)?;
        self.get_table_then(idx, ctx, k)
    }

    /// Pushes the length of a value, like [`len`](Self::len); [`take_length`](Self::take_length) gives it as a number.
    #[inline]
    pub fn len_then(&mut self, idx: i32, ctx: isize, k: Continuation) -> LuaResult<()> {
        let value = self.value_or_nil(idx);
        match length::length(self, value, &raw const value)? {
            Length::Is(n) => self.push(TValue::integer(n)),
            Length::Call(method) => self.ask_binary(method, value, value, ctx, k),
        }
    }

    /// Pops a length, which must be an integer.
    pub fn take_length(&mut self) -> LuaResult<i64> {
        match self.to_integer(-1) {
            Some(length) => {
                self.pop(1);
                Ok(length)
            }
            None => Err(self.raise(format_args!("object length is not an integer"))),
        }
    }
}

/// Writing. Each pops the value, and the key if that lies on the stack too.
impl LuaState {
    /// Sets an element of a table to the value on top and returns true, if metamethods have no say in it because there is such
    /// an element. Otherwise nothing changes.
    #[inline]
    pub fn try_set_i(&mut self, idx: i32, n: i64) -> bool {
        let (object, value) = (self.value_or_nil(idx), self.value(-1));
        // SAFETY: V1: both lie on the stack.
        unsafe {
            let (Some(table), Some(value)) = (object.get::<Table>(), value) else { return false };
            match table.find_int_slot(n) {
                Some(slot) if !slot.get().is_nil() => slot.set(value),
                _ => return false,
            }
            self.heap().barrier_table(table, value);
        }
        self.pop(1);
        true
    }

    /// Sets an integer key to the value on top, like [`set_i`](Self::set_i).
    #[inline]
    pub fn set_i_then(&mut self, idx: i32, n: i64, ctx: isize, k: Continuation) -> LuaResult<()> {
        let object = self.value_or_nil(idx);
        let value = self.value_or_nil(-1);
        let key = TValue::integer(n);
        // SAFETY: V1: object and value lie on the stack.
        match unsafe { index::write(self, object, key, value, core::ptr::null()) }? {
            Write::Done => {
                self.pop(1);
                Ok(())
            }
            Write::Call(method, object) => {
                for value in [method, object, key] {
                    self.push(value)?;
                }
                self.rotate(-4, -1);
                self.ask(3, 0, ctx, k)
            }
        }
    }

    /// `object[key] = value`, the key below the value on top, like [`set_table`](Self::set_table).
    pub fn set_table_then(&mut self, idx: i32, ctx: isize, k: Continuation) -> LuaResult<()> {
        let object = self.value_or_nil(idx);
        let (key, value) = (self.value_or_nil(-2), self.value_or_nil(-1));
        // SAFETY: V1: all three lie on the stack.
        match unsafe { index::write(self, object, key, value, core::ptr::null()) }? {
            Write::Done => {
                self.pop(2);
                Ok(())
            }
            Write::Call(method, object) => {
                self.push(method)?;
                self.push(object)?;
                self.rotate(-4, 2);
                self.ask(3, 0, ctx, k)
            }
        }
    }

    /// Sets a field to the value on top, like [`set_field`](Self::set_field).
    pub fn set_field_then(&mut self, idx: i32, name: &str, ctx: isize, k: Continuation) -> LuaResult<()> {
        let idx = self.abs_index(idx);
        self.push_str(name)?;
        self.rotate(-2, 1);
        self.set_table_then(idx, ctx, k)
    }
}

/// Other operations.
impl LuaState {
    /// Compares two values, like [`compare`](Self::compare). After a call `k` takes the answer with
    /// [`take_answer`](Self::take_answer): the metamethod's result lies on top.
    pub fn compare_then(&mut self, a: i32, b: i32, op: CompareOp, ctx: isize, k: Continuation) -> LuaResult<bool> {
        let (Some(a), Some(b)) = (self.value(a), self.value(b)) else {
            return Ok(false);
        };
        let outcome = match op {
            CompareOp::Eq => compare::equality(self, a, b),
            CompareOp::Lt => compare::order(self, a, b, false)?,
            CompareOp::Le => compare::order(self, a, b, true)?,
        };
        match outcome {
            Outcome::Is(answer) => Ok(answer),
            Outcome::Call { method, a, b, negate } => {
                if negate {
                    self.ci().set(CallStatus::NEGATE);
                }
                self.ask_binary(method, a, b, ctx, k)
            }
        }
    }

    /// Pops the result of the metamethod that [`compare_then`](Self::compare_then) called, and says what it means.
    pub fn take_answer(&mut self) -> bool {
        let ci = self.ci();
        let negate = ci.has(CallStatus::NEGATE);
        ci.clear(CallStatus::NEGATE);
        let answer = self.to_boolean(-1) != negate;
        self.pop(1);
        answer
    }

    /// Calls a field of a value's metatable with the value and pushes the result, like [`call_meta`](Self::call_meta);
    /// `k` runs afterwards. If there is no such field, pushes nothing and returns `Ok`.
    pub fn call_meta_then(&mut self, obj: i32, event: &str, ctx: isize, k: Continuation) -> LuaResult<()> {
        let obj = self.abs_index(obj);
        if self.get_meta_field(obj, event)? == LuaType::None {
            return Ok(());
        }
        self.push_value(obj)?;
        self.ask(1, 1, ctx, k)
    }

    /// Pushes the text of a value, like [`push_tostring`](Self::push_tostring). If its metamethod `__tostring` is called,
    /// `k` finds the result on top, and is to check it with [`check_text`](Self::check_text).
    pub fn push_tostring_then(&mut self, idx: i32, ctx: isize, k: Continuation) -> LuaResult<()> {
        self.call_meta_then(idx, "__tostring", ctx, k)?;
        self.push_plain_text(idx)
    }

    /// Raises an error unless the value on top, a result of `__tostring`, is a string; a number becomes one.
    pub fn check_text(&mut self) -> LuaResult<()> {
        match self.to_str(-1)? {
            Some(_) => Ok(()),
            None => Err(self.raise(format_args!("'__tostring' must return a string"))),
        }
    }
}
