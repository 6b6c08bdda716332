//! Elements on their way from one place to another: what `insert`, `remove` and `move` have in common.
//!
//! Each reading and each writing may call a metamethod, so the task lies on the stack:
//!
//! | slot | holds |
//! |---|---|
//! | 1 | the table that is read |
//! | [`FROM`] | the first position there |
//! | [`KEPT`] | what the function wants to keep for later |
//! | [`TO`] | the first position where elements go |
//! | [`TARGET`] | the table that is written |
//! | [`COUNT`] | the number of elements; a negative one asks for the last element to be moved first |
//!
//! Two steps move an element: an even one reads it, the odd one after that writes it.

use perilune_vm::{Continuation, LuaResult, LuaState};

/// The slot of the first position that is read.
pub(super) const FROM: i32 = 2;
/// A slot that is left alone.
pub(super) const KEPT: i32 = 3;
/// The slot of the first position that is written.
pub(super) const TO: i32 = 4;
/// The slot of the table that is written.
pub(super) const TARGET: i32 = 5;
/// The slot of the number of elements.
pub(super) const COUNT: i32 = 6;

/// Pushes what comes above [`KEPT`]; `target` is the index of the table that is written.
pub(super) fn push_task(lua: &mut LuaState, to: i64, target: i32, count: i64) -> LuaResult<()> {
    lua.push_integer(to)?;
    lua.push_value(target)?;
    lua.push_integer(count)
}

/// Does the steps from `step` on. `k` is to do the same, and then what the caller does afterwards.
pub(super) fn carry(lua: &mut LuaState, step: isize, k: Continuation) -> LuaResult<()> {
    let (from, to, count) = (lua.check_integer(FROM)?, lua.check_integer(TO)?, lua.check_integer(COUNT)?);
    let mut step = step as i64;
    loop {
        let done = step >> 1;
        let left = (count.unsigned_abs() as i64).wrapping_sub(done);
        if left <= 0 {
            return Ok(());
        }
        let offset = if count < 0 { left - 1 } else { done };
        let (source, place) = (from.wrapping_add(offset), to.wrapping_add(offset));
        if step & 1 == 0 {
            if step <= 2 && carry_at_once(lua, if count < 0 { (from, to) } else { (source, place) }, left) {
                return Ok(());
            }
            step += 1;
            lua.get_i_then(1, source, step as isize, k)?;
        }
        step += 1;
        lua.set_i_then(TARGET, place, step as isize, k)?;
    }
}

/// Moves what is left within a plain table at once. It is tried twice, as the first element may have to find its place.
fn carry_at_once(lua: &mut LuaState, (from, to): (i64, i64), count: i64) -> bool {
    lua.raw_equal(1, TARGET) && lua.raw_move(1, from, to, count)
}
