//! Indices, and moving values about (manual §4.3 and §4.8).

use perilune_vm::{LuaResult, LuaState, LuaType, MIN_STACK, REGISTRY_INDEX, Status, upvalue_index};

use crate::{integers, new_state, run, state_with, string, types};

/// Pushes the integers from 1 to `n`.
fn push_numbers(lua: &mut LuaState, n: i64) -> LuaResult<()> {
    (1..=n).try_for_each(|i| lua.push_integer(i))
}

#[test]
fn top() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.get_top(), 0);
    push_numbers(&mut lua, 3)?;
    assert_eq!(lua.get_top(), 3);
    lua.set_top(5)?;
    assert_eq!(types(&lua), "dddnn");
    lua.set_top(-3)?;
    assert_eq!(integers(&lua), [1, 2, 3]);
    lua.set_top(-1)?;
    assert_eq!(lua.get_top(), 3);
    lua.set_top(-4)?;
    assert_eq!(lua.get_top(), 0);
    lua.set_top(0)?;
    assert_eq!(lua.get_top(), 0);
    // More than the stack holds is an error, less than nothing is nothing.
    assert!(lua.set_top(2_000_000).is_err());
    lua.set_top(i32::MIN)?;
    assert_eq!(lua.get_top(), 0);
    Ok(())
}

#[test]
fn pop() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 4)?;
    lua.pop(0);
    assert_eq!(integers(&lua), [1, 2, 3, 4]);
    lua.pop(2);
    assert_eq!(integers(&lua), [1, 2]);
    lua.pop(1000);
    assert_eq!(lua.get_top(), 0);
    Ok(())
}

#[test]
fn absolute_indices() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 3)?;
    assert_eq!(lua.abs_index(1), 1);
    assert_eq!(lua.abs_index(7), 7);
    assert_eq!(lua.abs_index(-1), 3);
    assert_eq!(lua.abs_index(-3), 1);
    assert_eq!(lua.abs_index(REGISTRY_INDEX), REGISTRY_INDEX);
    assert_eq!(lua.abs_index(upvalue_index(2)), upvalue_index(2));
    Ok(())
}

#[test]
fn indices_that_name_nothing() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 2)?;
    for idx in [0, 3, -3, 100, i32::MAX, REGISTRY_INDEX + 1, upvalue_index(1), upvalue_index(256), i32::MIN] {
        assert_eq!(lua.lua_type(idx), LuaType::None, "{idx}");
        assert!(lua.is_none(idx) && lua.is_none_or_nil(idx) && !lua.is_nil(idx), "{idx}");
    }
    assert_eq!(lua.lua_type(REGISTRY_INDEX), LuaType::Table);
    Ok(())
}

#[test]
fn push_value_copies() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 2)?;
    lua.push_value(1)?;
    lua.push_value(-2)?;
    assert_eq!(integers(&lua), [1, 2, 1, 2]);
    lua.push_value(REGISTRY_INDEX)?;
    assert!(lua.is_table(-1) && lua.raw_equal(-1, REGISTRY_INDEX));
    Ok(())
}

#[test]
fn rotate_insert_remove() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 5)?;
    lua.rotate(2, 1);
    assert_eq!(integers(&lua), [1, 5, 2, 3, 4]);
    lua.rotate(2, -1);
    assert_eq!(integers(&lua), [1, 2, 3, 4, 5]);
    lua.rotate(-3, 2);
    assert_eq!(integers(&lua), [1, 2, 4, 5, 3]);
    lua.rotate(-3, -2);
    assert_eq!(integers(&lua), [1, 2, 3, 4, 5]);
    lua.rotate(1, 5);
    lua.rotate(1, 0);
    lua.rotate(-1, 1);
    assert_eq!(integers(&lua), [1, 2, 3, 4, 5]);
    lua.insert(1);
    assert_eq!(integers(&lua), [5, 1, 2, 3, 4]);
    lua.insert(-2);
    assert_eq!(integers(&lua), [5, 1, 2, 4, 3]);
    lua.insert(-1);
    assert_eq!(integers(&lua), [5, 1, 2, 4, 3]);
    lua.remove(1);
    lua.remove(-2);
    assert_eq!(integers(&lua), [1, 2, 3]);
    lua.remove(-1);
    assert_eq!(integers(&lua), [1, 2]);
    Ok(())
}

#[test]
fn replace_and_copy() -> LuaResult<()> {
    let mut lua = new_state();
    push_numbers(&mut lua, 4)?;
    lua.replace(1);
    assert_eq!(integers(&lua), [4, 2, 3]);
    lua.replace(-2);
    assert_eq!(integers(&lua), [4, 3]);
    lua.replace(-1);
    assert_eq!(integers(&lua), [4]);
    push_numbers(&mut lua, 2)?;
    lua.copy(-1, 1);
    assert_eq!(integers(&lua), [2, 1, 2]);
    lua.copy(2, -1);
    assert_eq!(integers(&lua), [2, 1, 1]);
    Ok(())
}

/// Counts its calls in its first upvalue and swaps the other two.
fn with_upvalues(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.check_integer(upvalue_index(1))?;
    lua.push_integer(count + 1)?;
    lua.replace(upvalue_index(1));
    lua.push_value(upvalue_index(2))?;
    lua.copy(upvalue_index(3), upvalue_index(2));
    lua.replace(upvalue_index(3));
    assert!(lua.is_none(upvalue_index(4)));
    for i in 1..=3 {
        lua.push_value(upvalue_index(i))?;
    }
    Ok(3)
}

#[test]
fn upvalues_as_places() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_integer(0)?;
    lua.push_str("a")?;
    lua.push_str("b")?;
    lua.push_native_closure(with_upvalues, 3)?;
    lua.set_global("f")?;
    assert_eq!(run(&mut lua, "return f()"), "1 b a");
    assert_eq!(run(&mut lua, "return f()"), "2 a b");
    Ok(())
}

#[test]
fn room() -> LuaResult<()> {
    let mut lua = new_state();
    assert!(lua.check_stack(0) && lua.check_stack(MIN_STACK) && lua.check_stack(500_000));
    assert!(!lua.check_stack(1_000_000) && !lua.check_stack(usize::MAX));
    assert_eq!(lua.get_top(), 0);
    lua.ensure_stack(100, "unused")?;
    assert!(lua.ensure_stack(1_000_000, "too many words").is_err());
    assert_eq!(string(&lua, -1), "stack overflow (too many words)");
    assert!(lua.ensure_stack(1_000_000, "").is_err());
    assert_eq!(string(&lua, -1), "stack overflow");
    Ok(())
}

/// Pushes as many values as it is told, far beyond the room that every native function has.
fn push_many(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)?;
    push_numbers(lua, n)?;
    Ok(n as usize)
}

#[test]
fn pushes_make_room() {
    let mut lua = state_with(&[("many", push_many)]);
    assert_eq!(run(&mut lua, "local t = {many(3000)} return #t, t[1], t[3000]"), "3000 1 3000");
    let overflow = run(&mut lua, "many(2000000)");
    assert!(overflow.starts_with("ErrRun:") && overflow.ends_with("stack overflow"), "{overflow}");
}

#[test]
fn xmove() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    push_numbers(&mut lua, 3)?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    lua.xmove(co, 2)?;
    assert_eq!((types(&lua).as_str(), integers(co)), ("cd", vec![2, 3]));
    co.xmove(&mut lua, 1)?;
    assert_eq!((types(&lua).as_str(), integers(co)), ("cdd", vec![2]));
    assert_eq!(lua.to_integer(-1), Some(3));
    co.xmove(&mut lua, 0)?;
    assert_eq!(integers(co), [2]);
    // Values cannot go to another state.
    let mut other = new_state();
    assert!(lua.xmove(&mut other, 1).is_err());
    assert_eq!((other.get_top(), string(&lua, -1).as_str()), (0, "cannot move values between states"));
    Ok(())
}

#[test]
fn statuses_of_loading_are_no_values() {
    let mut lua = new_state();
    assert_eq!(lua.load_str("return"), Status::Ok);
    assert_eq!(types(&lua), "f");
}
