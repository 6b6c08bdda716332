//! Concatenation of the values on top of the stack, right to left (manual §3.4.6).

use perilune_core::base::limits::MAX_SHORT_LEN;
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
    let mut n = 0;
    let mut length = 0usize;
    while n < total {
        let slot = lua.th().from_top(n + 1);
        // SAFETY: H1; V1.
        let v = unsafe { *slot };
        if v.is_number() {
            let mut buf = [0; NUMBER_BUF];
            let len = number_to_buf(v, &mut buf);
            let string = lua.heap().new_string(&buf[..len]).map_err(|_| lua.memory_error())?;
            // SAFETY: H1: making a string moves no stack.
            unsafe { *slot = TValue::object(string) };
            length += len;
        } else if v.is_string() {
            // SAFETY: V1.
            let len = unsafe { v.as_ref::<LuaString>() }.len();
            match length.checked_add(len).filter(|&sum| sum < isize::MAX as usize - LuaString::DATA_OFFSET - 1) {
                Some(sum) => length = sum,
                None => return Err(lua.run_error(format_args!("string length overflow"))),
            }
        } else {
            break;
        }
        n += 1;
    }
    let first = lua.th().from_top(n);
    let result = if length <= MAX_SHORT_LEN {
        let mut buf = [0; MAX_SHORT_LEN];
        // SAFETY: H1: `n` strings lie from `first`, `length` bytes in all.
        unsafe { copy_strings(first, n, buf.as_mut_ptr()) };
        lua.heap().new_string(&buf[..length]).map_err(|_| lua.memory_error())?
    } else {
        let string = lua.heap().new_long_string(length).map_err(|_| lua.memory_error())?;
        // SAFETY: as above; nobody else sees the string yet (S3).
        unsafe { copy_strings(first, n, string.data()) };
        string
    };
    // SAFETY: H1.
    unsafe { *first = TValue::object(result) };
    Ok(n)
}

/// Copies the bytes of `n` strings that lie in consecutive slots.
unsafe fn copy_strings(first: *const TValue, n: usize, dest: *mut u8) {
    let mut dest = dest;
    for i in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let string = (*first.add(i)).as_ref::<LuaString>();
            core::ptr::copy_nonoverlapping(string.data(), dest, string.len());
            dest = dest.add(string.len());
        }
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
