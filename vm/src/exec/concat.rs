//! Concatenation of the values on top of the stack, right to left (manual §3.4.6).

use core::mem::MaybeUninit;

use perilune_core::base::bytes::copy_bytes;
use perilune_core::{LuaString, TValue};

use super::arith::metamethod;
use super::call;
use crate::convert::{NUMBER_BUF, number_to_buf};
use crate::error::LuaResult;
use crate::meta::MetaEvent;
use crate::state::LuaState;

/// Concatenates the `total` values on top into one, as far as no call is needed. `Some(method)`: the two topmost values need
/// this metamethod; what it returns takes their place.
///
/// Returns how many values are left besides.
#[doc(alias = "luaV_concat")]
pub(crate) fn concat_values(lua: &mut LuaState, total: usize) -> LuaResult<(usize, Option<TValue>)> {
    let mut total = total;
    while total > 1 {
        let th = lua.th();
        let top = th.top.get();
        // SAFETY: H1: `total` values lie below the top.
        let (left, right) = unsafe { (*top.sub(2), *top.sub(1)) };
        if !((left.is_string() || left.is_number()) && (right.is_string() || right.is_number())) {
            let method = metamethod(lua, MetaEvent::Concat, top.wrapping_sub(2), top.wrapping_sub(1))?;
            return Ok((total, Some(method)));
        }
        let joined = join(lua, total)?;
        total -= joined - 1;
        let th = lua.th();
        th.top.set(th.from_top(joined - 1));
    }
    Ok((total, None))
}

/// Joins as many of the topmost values as are strings or numbers; the result takes the place of the lowest. Returns their number.
fn join(lua: &mut LuaState, total: usize) -> LuaResult<usize> {
    let top = lua.th().top.get();
    // SAFETY: H1: `total` values lie below the top.
    let n = unsafe { (1..=total).take_while(|&i| room(*top.sub(i)).is_some()).count() };
    let first = top.wrapping_sub(n);
    // SAFETY: H1; they are strings and numbers.
    unsafe {
        if let Some(result) = join_row(lua, first, n)? {
            *first = result;
        }
    }
    Ok(n)
}

/// Joins the `n` values from `first` on, if all are strings or numbers. Numbers among them may become strings where they are.
///
/// # Safety
/// H1: the values are live, and stay so for a collection.
pub(in crate::exec) unsafe fn join_row(lua: &mut LuaState, first: *mut TValue, n: usize) -> LuaResult<Option<TValue>> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut length = 0usize;
        for i in 0..n {
            match room(*first.add(i)) {
                Some(len) => length = length.saturating_add(len),
                None => return Ok(None),
            }
        }
        if length > GATHER {
            length = numbers_to_strings(lua, first, n)?;
        }
        if length > GATHER {
            return join_long(lua, first, n, length).map(Some);
        }
        let mut text = [const { MaybeUninit::<u8>::uninit() }; GATHER];
        let start = text.as_mut_ptr().cast::<u8>();
        let mut end = start;
        for i in 0..n {
            let value = *first.add(i);
            end = match value.get::<LuaString>() {
                Some(string) => append(end, string.bytes()),
                None => {
                    let mut digits = [0; NUMBER_BUF];
                    let len = number_to_buf(value, &mut digits);
                    append(end, &digits[..len])
                }
            };
        }
        let text = core::slice::from_raw_parts(start, end.offset_from(start) as usize);
        let string = lua.heap().new_string(text).map_err(|_| lua.memory_error())?;
        Ok(Some(TValue::object(string)))
    }
}

/// Results up to this length are gathered on the native stack.
const GATHER: usize = 160;

/// The longest text of a number.
const NUMBER_LEN: usize = 24;

/// How much room a value may need in the result, if it can be concatenated.
///
/// # Safety
/// V1.
#[inline(always)]
unsafe fn room(v: TValue) -> Option<usize> {
    // SAFETY: the caller's promise.
    match unsafe { v.get::<LuaString>() } {
        Some(string) => Some(string.len()),
        None => v.is_number().then_some(NUMBER_LEN),
    }
}

/// Appends bytes at `end`, and returns where they end.
///
/// # Safety
/// There is room for them.
#[inline(always)]
unsafe fn append(end: *mut u8, bytes: &[u8]) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        copy_bytes(bytes, end);
        end.add(bytes.len())
    }
}

/// Makes strings of the numbers in a row of strings and numbers, and adds up the lengths of all.
///
/// # Safety
/// As for `join_row`.
#[inline(never)]
unsafe fn numbers_to_strings(lua: &mut LuaState, first: *mut TValue, n: usize) -> LuaResult<usize> {
    let mut length = 0usize;
    for i in 0..n {
        // SAFETY: the caller's promise; making a string moves no stack.
        let len = unsafe {
            let slot = first.add(i);
            if (*slot).is_number() {
                let mut digits = [0; NUMBER_BUF];
                let len = number_to_buf(*slot, &mut digits);
                let string = lua.heap().new_string(&digits[..len]).map_err(|_| lua.memory_error())?;
                *slot = TValue::object(string);
            }
            (*slot).as_ref::<LuaString>().len()
        };
        match length.checked_add(len).filter(|&sum| sum < isize::MAX as usize - LuaString::DATA_OFFSET - 1) {
            Some(sum) => length = sum,
            None => return Err(lua.run_error(format_args!("string length overflow"))),
        }
    }
    Ok(length)
}

/// Joins strings whose lengths sum up to `length`, which is more than a short string has.
///
/// # Safety
/// As for `join_row`.
unsafe fn join_long(lua: &mut LuaState, first: *mut TValue, n: usize, length: usize) -> LuaResult<TValue> {
    // SAFETY: the caller's promise; nobody else sees the new string yet (S3).
    unsafe {
        // If all others are empty, the string itself is the result.
        if let Some(whole) = (0..n).map(|i| *first.add(i)).find(|v| v.as_ref::<LuaString>().len() == length) {
            return Ok(whole);
        }
        let string = lua.heap().new_long_string(length).map_err(|_| lua.memory_error())?;
        let mut end = string.data();
        for i in 0..n {
            end = append(end, (*first.add(i)).as_ref::<LuaString>().bytes());
        }
        Ok(TValue::object(string))
    }
}

/// Concatenates the `n` values on top for the host API (`n >= 2`): metamethods are called in a nested run.
pub(crate) fn concat(lua: &mut LuaState, n: usize) -> LuaResult<()> {
    let mut n = n;
    loop {
        let (left, method) = concat_values(lua, n)?;
        let Some(method) = method else { return Ok(()) };
        let th = lua.th();
        // SAFETY: H1: two values lie on top.
        let (a, b) = unsafe { (*th.from_top(2), *th.from_top(1)) };
        let result = call::call_values(lua, method, &[a, b], 1)?;
        let th = lua.th();
        // SAFETY: H1.
        unsafe { *th.from_top(2) = result };
        th.top.set(th.from_top(1));
        n = left - 1;
    }
}
