//! The operations named `…_then`, where they need no call; `stdlib/tests/then.rs` has them with calls and yields.

use perilune_vm::{CompareOp, LuaResult, LuaState, LuaType, Status};

use crate::{new_state, run, state_with, string, types, within};

/// Must not run: nothing is called.
fn never(_: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    unreachable!("no call was needed")
}

/// Reads and writes a plain table in all ways.
fn plain(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(0)?;
    lua.new_table()?;
    lua.push_str("one")?;
    lua.set_i_then(1, 1, 0, never)?;
    lua.push_str("k")?;
    lua.push_str("v")?;
    lua.set_table_then(1, 0, never)?;
    lua.push_str("w")?;
    lua.set_field_then(1, "f", 0, never)?;
    assert_eq!(lua.get_i_then(1, 1, 0, never)?, LuaType::String);
    lua.push_str("k")?;
    assert_eq!(lua.get_table_then(1, 0, never)?, LuaType::String);
    assert_eq!(lua.get_field_then(-3, "f", 0, never)?, LuaType::String);
    assert_eq!(types(lua), "tsss");
    assert_eq!([string(lua, 2), string(lua, 3), string(lua, 4)], ["one", "v", "w"]);
    lua.len_then(1, 0, never)?;
    assert_eq!(lua.take_length()?, 1);
    assert!(lua.try_get_i(1, 1)?);
    assert!(lua.compare_then(-1, 2, CompareOp::Eq, 0, never)?);
    assert!(!lua.compare_then(2, 3, CompareOp::Eq, 0, never)?);
    assert!(!lua.compare_then(2, 99, CompareOp::Le, 0, never)?);
    lua.push_tostring_then(2, 0, never)?;
    lua.check_text()?;
    assert_eq!(string(lua, -1), "one");
    lua.set_top(1)?;
    lua.call_meta_then(1, "__none", 0, never)?;
    assert_eq!(lua.get_top(), 1, "there is no such field");
    lua.push_integer(0)?;
    lua.note_integer(2, 41);
    assert_eq!(lua.to_integer(2), Some(41));
    Ok(0)
}

#[test]
fn without_calls() {
    let mut lua = new_state();
    within(&mut lua, plain);
}

/// `compare (a, b)`: whether `a < b`.
fn less(lua: &mut LuaState) -> LuaResult<usize> {
    let answer = lua.compare_then(1, 2, CompareOp::Lt, 0, |lua, _, _| {
        let answer = lua.take_answer();
        lua.push_boolean(answer)?;
        Ok(1)
    })?;
    lua.push_boolean(answer)?;
    Ok(1)
}

/// `length (v)`
fn length(lua: &mut LuaState) -> LuaResult<usize> {
    fn finish(lua: &mut LuaState) -> LuaResult<usize> {
        let n = lua.take_length()?;
        lua.push_integer(n)?;
        Ok(1)
    }
    lua.len_then(1, 0, |lua, _, _| finish(lua))?;
    finish(lua)
}

/// `describe (v)`: its text.
fn describe(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_tostring_then(1, 0, |lua, _, _| lua.check_text().map(|()| 1))?;
    Ok(1)
}

/// `set_meta (t, event, f)`: gives a table a metatable with one field.
fn set_meta(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_table()?;
    lua.insert(2);
    lua.set_table(2)?;
    lua.set_metatable(1)?;
    Ok(1)
}

#[test]
fn with_calls() {
    let mut lua = state_with(&[("less", less), ("length", length), ("describe", describe), ("meta", set_meta)]);
    assert_eq!(run(&mut lua, "return less(1, 2), less('b', 'a')"), "true false");
    assert_eq!(run(&mut lua, "return less(meta({}, '__lt', function() return 1 end), 0)"), "true");
    assert_eq!(run(&mut lua, "return less(meta({}, '__lt', function() return nil end), 0)"), "false");
    assert_eq!(run(&mut lua, "return length('abc'), length(meta({}, '__len', function() return 4.0 end))"), "3 4");
    let wrong = "ErrRun: t:1: object length is not an integer";
    assert_eq!(run(&mut lua, "local n = length(meta({}, '__len', function() return {} end))"), wrong);
    assert_eq!(
        run(&mut lua, "return describe(12), describe(meta({}, '__tostring', function() return 'x' end))"),
        "12 x"
    );
    let wrong = "ErrRun: t:1: '__tostring' must return a string";
    assert_eq!(run(&mut lua, "local s = describe(meta({}, '__tostring', function() return {} end))"), wrong);
}
