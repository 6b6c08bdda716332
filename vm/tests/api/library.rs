//! Libraries, references and other helpers (manual §5.1).

use perilune_vm::{
    LOADED_TABLE, LuaResult, LuaState, LuaType, NO_REF, NativeFn, PRELOAD_TABLE, REF_NIL, REGISTRY_INDEX, upvalue_index,
};

use crate::{integers, new_state, run, string, types};

/// Returns its first upvalue and counts it up.
fn count(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(upvalue_index(1))?;
    lua.push_integer(1)?;
    lua.arith(perilune_vm::ArithOp::Add)?;
    lua.push_value(-1)?;
    lua.replace(upvalue_index(1));
    Ok(1)
}

/// Returns its two upvalues.
fn pair(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(upvalue_index(1))?;
    lua.push_value(upvalue_index(2))?;
    Ok(2)
}

#[test]
fn functions_of_a_table() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    lua.push_integer(10)?;
    lua.push_str("second")?;
    lua.set_funcs(&[("count", count), ("pair", pair)], 2)?;
    assert_eq!(types(&lua), "t", "the upvalues are popped");
    lua.set_global("lib")?;
    // Each function has upvalues of its own.
    assert_eq!(run(&mut lua, "return lib.count(), lib.count(), lib.pair()"), "11 12 10 second");
    lua.new_table()?;
    lua.set_funcs(&[], 0)?;
    lua.push_nil()?;
    assert!(!lua.next(1)?);
    Ok(())
}

#[test]
fn new_libraries() -> LuaResult<()> {
    let mut lua = new_state();
    let functions: &[(&str, NativeFn)] = &[("count", count), ("pair", pair)];
    lua.new_lib_table(functions)?;
    lua.push_nil()?;
    assert!(!lua.next(1)?, "the functions are not in it yet");
    lua.new_lib(functions)?;
    assert_eq!((lua.get_field(2, "pair")?, lua.get_field(2, "none")?), (LuaType::Function, LuaType::Nil));
    assert_eq!(types(&lua), "ttfn");
    Ok(())
}

/// Opens a module that is a table with its name.
fn open(lua: &mut LuaState) -> LuaResult<usize> {
    assert_eq!(lua.get_top(), 1);
    lua.new_table()?;
    lua.push_value(1)?;
    lua.set_field(-2, "name")?;
    Ok(1)
}

fn never(_: &mut LuaState) -> LuaResult<usize> {
    unreachable!("the module is loaded")
}

#[test]
fn required_modules() -> LuaResult<()> {
    let mut lua = new_state();
    lua.require_f("mod", open, false)?;
    assert_eq!(
        (types(&lua).as_str(), lua.get_field(1, "name")?, string(&lua, -1).as_str()),
        ("t", LuaType::String, "mod")
    );
    assert_eq!(lua.get_global("mod")?, LuaType::Nil);
    lua.set_top(1)?;
    lua.require_f("mod", never, true)?;
    assert_eq!((types(&lua).as_str(), lua.raw_equal(1, 2)), ("tt", true));
    assert_eq!(lua.get_global("mod")?, LuaType::Table);
    assert!(lua.raw_equal(1, 3));
    lua.get_field(REGISTRY_INDEX, LOADED_TABLE)?;
    assert_eq!(lua.get_field(-1, "mod")?, LuaType::Table);
    assert!(lua.raw_equal(1, -1));
    assert_eq!(PRELOAD_TABLE, "_PRELOAD");
    Ok(())
}

#[test]
fn references() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    let reference = |lua: &mut LuaState, value: &str| {
        lua.push_str(value)?;
        let r = lua.ref_(-2)?;
        assert_eq!(lua.get_top(), 1);
        LuaResult::Ok(r)
    };
    let first = [reference(&mut lua, "a")?, reference(&mut lua, "b")?, reference(&mut lua, "c")?];
    assert_eq!(first, [1, 2, 3]);
    lua.push_nil()?;
    assert_eq!(lua.ref_(1)?, REF_NIL);
    assert_eq!((lua.raw_get_i(1, 2)?, string(&lua, -1).as_str()), (LuaType::String, "b"));
    lua.pop(1);
    // Those that were given back come again, the last one first.
    lua.unref(1, 1)?;
    lua.unref(-1, 3)?;
    lua.unref(1, NO_REF)?;
    lua.unref(1, REF_NIL)?;
    let again = [reference(&mut lua, "d")?, reference(&mut lua, "e")?, reference(&mut lua, "f")?];
    assert_eq!(again, [3, 1, 4]);
    for (r, value) in [(1, "e"), (2, "b"), (3, "d"), (4, "f")] {
        assert_eq!((lua.raw_get_i(1, r)?, string(&lua, -1).as_str()), (LuaType::String, value));
        lua.pop(1);
    }
    // References to values in the registry keep these alive.
    lua.push_str("kept")?;
    let r = lua.ref_(REGISTRY_INDEX)?;
    lua.raw_get_i(REGISTRY_INDEX, i64::from(r))?;
    assert_eq!(string(&lua, -1), "kept");
    lua.unref(REGISTRY_INDEX, r)?;
    assert_eq!(lua.raw_get_i(REGISTRY_INDEX, i64::from(r))?, LuaType::Nil);
    Ok(())
}

#[test]
fn replaced_text() -> LuaResult<()> {
    let mut lua = new_state();
    for (s, pattern, replacement, expected) in [
        ("a.b.c", ".", "%1", "a%1b%1c"),
        ("aaa", "aa", "b", "ba"),
        ("", "x", "y", ""),
        ("same", "none", "y", "same"),
        ("xx", "x", "", ""),
    ] {
        let made = lua.push_gsub(s.as_bytes(), pattern.as_bytes(), replacement.as_bytes())?;
        assert_eq!((made.len(), string(&lua, -1).as_str(), lua.get_top()), (expected.len(), expected, 1));
        lua.pop(1);
    }
    let long = "ab".repeat(1000);
    lua.push_gsub(long.as_bytes(), b"b", b"ccc")?;
    assert_eq!(string(&lua, -1), "accc".repeat(1000));
    assert_eq!(integers(&lua), [-1]);
    Ok(())
}
