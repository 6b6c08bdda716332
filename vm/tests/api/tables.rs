//! Tables, globals and fields (manual §4.8).

use core::ffi::c_void;

use perilune_vm::{LuaResult, LuaState, LuaType, REGISTRY_INDEX, Status, native_ipairs_next, native_next};

use crate::{new_state, run, state_with, string, text, types};

/// `(t, k)`: the key as a string, behind a mark.
fn index(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_str("index ")?;
    lua.push_value(2)?;
    lua.concat(2)?;
    Ok(1)
}

/// `(t, k, v)`: stores them in the global `noted`.
fn new_index(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_str("=")?;
    lua.insert(3);
    lua.concat(3)?;
    lua.set_global("noted")?;
    Ok(0)
}

/// Pushes a table with `__index` and `__newindex`.
fn push_object(lua: &mut LuaState) -> LuaResult<()> {
    lua.new_table()?;
    lua.new_table()?;
    lua.push_native(index)?;
    lua.set_field(-2, "__index")?;
    lua.push_native(new_index)?;
    lua.set_field(-2, "__newindex")?;
    lua.set_metatable(-2)
}

#[test]
fn reading_and_writing() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    lua.push_str("key")?;
    lua.push_integer(1)?;
    lua.set_table(1)?;
    lua.push_boolean(true)?;
    lua.set_field(-2, "field")?;
    lua.push_str("seven")?;
    lua.set_i(1, 7)?;
    assert_eq!(types(&lua), "t");
    lua.push_str("key")?;
    assert_eq!((lua.get_table(1)?, lua.to_integer(-1)), (LuaType::Number, Some(1)));
    assert_eq!(lua.get_field(1, "field")?, LuaType::Boolean);
    assert_eq!((lua.get_i(1, 7)?, string(&lua, -1).as_str()), (LuaType::String, "seven"));
    assert_eq!((lua.get_i(1, 8)?, lua.get_field(1, "none")?), (LuaType::Nil, LuaType::Nil));
    assert_eq!(types(&lua), "tdbsnn");
    Ok(())
}

#[test]
fn metamethods_of_fields() -> LuaResult<()> {
    let mut lua = new_state();
    push_object(&mut lua)?;
    assert_eq!((lua.get_field(1, "a")?, string(&lua, -1).as_str()), (LuaType::String, "index a"));
    assert_eq!((lua.get_i(1, 4)?, string(&lua, -1).as_str()), (LuaType::String, "index 4"));
    lua.push_str("k")?;
    assert_eq!((lua.get_table(1)?, string(&lua, -1).as_str()), (LuaType::String, "index k"));
    lua.set_top(1)?;
    for (expected, act) in [
        ("f=v", (|lua| lua.set_field(1, "f")) as fn(&mut LuaState) -> LuaResult<()>),
        ("3=v", |lua| lua.set_i(1, 3)),
        ("key=v", |lua| {
            lua.push_str("key")?;
            lua.insert(-2);
            lua.set_table(1)
        }),
    ] {
        lua.push_str("v")?;
        act(&mut lua)?;
        assert_eq!((lua.get_global("noted")?, string(&lua, -1).as_str()), (LuaType::String, expected));
        lua.pop(1);
        assert_eq!(lua.get_top(), 1);
    }
    // The raw forms pass the metamethods by.
    assert_eq!((lua.raw_get_i(1, 3)?, lua.get_top()), (LuaType::Nil, 2));
    lua.push_str("f")?;
    assert_eq!((lua.raw_get(1)?, lua.get_top()), (LuaType::Nil, 3));
    Ok(())
}

#[test]
fn raw_access() -> LuaResult<()> {
    let mut lua = new_state();
    push_object(&mut lua)?;
    lua.push_str("k")?;
    lua.push_integer(1)?;
    lua.raw_set(1)?;
    lua.push_integer(2)?;
    lua.raw_set_i(1, -5)?;
    let address: *const c_void = core::ptr::from_ref(&lua).cast();
    lua.push_integer(3)?;
    lua.raw_set_p(1, address)?;
    assert_eq!(types(&lua), "t");
    lua.push_str("k")?;
    assert_eq!((lua.raw_get(1)?, lua.to_integer(-1)), (LuaType::Number, Some(1)));
    assert_eq!((lua.raw_get_i(1, -5)?, lua.to_integer(-1)), (LuaType::Number, Some(2)));
    assert_eq!((lua.raw_get_p(1, address)?, lua.to_integer(-1)), (LuaType::Number, Some(3)));
    // The pointer's key is the light userdata.
    lua.push_light_userdata(address.cast_mut())?;
    assert_eq!((lua.raw_get(1)?, lua.to_integer(-1)), (LuaType::Number, Some(3)));
    // A float with an integer's value is that integer.
    lua.push_number(-5.0)?;
    assert_eq!((lua.raw_get(1)?, lua.to_integer(-1)), (LuaType::Number, Some(2)));
    Ok(())
}

#[test]
fn keys_that_cannot_be() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    for (key, message) in [(None, "table index is nil"), (Some(f64::NAN), "table index is NaN")] {
        for set in [LuaState::raw_set, LuaState::set_table] {
            match key {
                None => lua.push_nil()?,
                Some(n) => lua.push_number(n)?,
            }
            lua.push_integer(1)?;
            assert!(set(&mut lua, 1).is_err());
            assert_eq!(string(&lua, -1), message);
            lua.set_top(1)?;
        }
    }
    // They can be asked for, though.
    lua.push_nil()?;
    assert_eq!(lua.raw_get(1)?, LuaType::Nil);
    lua.push_number(f64::NAN)?;
    assert_eq!(lua.get_table(1)?, LuaType::Nil);
    Ok(())
}

#[test]
fn raw_access_needs_a_table() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("no table")?;
    let address = core::ptr::null();
    let attempts: [fn(&mut LuaState, *const c_void) -> bool; 7] = [
        |lua, _| lua.raw_get(1).is_err(),
        |lua, _| lua.raw_get_i(1, 1).is_err(),
        |lua, p| lua.raw_get_p(1, p).is_err(),
        |lua, _| lua.raw_set(1).is_err(),
        |lua, _| lua.raw_set_i(1, 1).is_err(),
        |lua, p| lua.raw_set_p(1, p).is_err(),
        |lua, _| lua.next(1).is_err(),
    ];
    for attempt in attempts {
        lua.push_integer(1)?;
        lua.push_integer(2)?;
        assert!(attempt(&mut lua, address));
        assert_eq!(string(&lua, -1), "table expected");
        lua.set_top(1)?;
    }
    // With metamethods anything can be asked; the string has none here.
    assert!(lua.get_field(1, "x").is_err());
    assert_eq!(string(&lua, -1), "attempt to index a string value");
    Ok(())
}

#[test]
fn globals() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.get_global("x")?, LuaType::Nil);
    lua.push_integer(5)?;
    lua.set_global("x")?;
    assert_eq!((lua.get_global("x")?, lua.to_integer(-1)), (LuaType::Number, Some(5)));
    assert_eq!(run(&mut lua, "x = x + 1 return x"), "6");
    // Metamethods of the table of globals are called.
    lua.push_global_table()?;
    push_object(&mut lua)?;
    assert!(lua.get_metatable(-1)?);
    lua.remove(-2);
    lua.set_metatable(-2)?;
    assert_eq!((lua.get_global("none")?, string(&lua, -1).as_str()), (LuaType::String, "index none"));
    Ok(())
}

#[test]
fn traversal() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.load_str("return {10, 20, 30, x = 'a', y = 'b', [1.5] = 'c'}"), Status::Ok);
    lua.call(0, 1)?;
    let mut seen = Vec::new();
    lua.push_nil()?;
    while lua.next(1)? {
        seen.push(format!("{}={}", text(&mut lua, -2), text(&mut lua, -1)));
        // A field may be changed on the way.
        lua.push_value(-2)?;
        lua.insert(-2);
        lua.push_value(-2)?;
        lua.push_nil()?;
        lua.set_table(1)?;
        lua.pop(2);
    }
    assert_eq!(lua.get_top(), 1, "the end takes the key off and pushes nothing");
    seen.sort();
    assert_eq!(seen, ["1.5=c", "1=10", "2=20", "3=30", "x=a", "y=b"]);
    lua.push_nil()?;
    assert!(!lua.next(1)?, "all fields are nil now");
    assert_eq!(lua.get_top(), 1);
    Ok(())
}

#[test]
fn traversal_from_a_key_that_is_not_there() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    lua.push_str("no key")?;
    assert!(lua.next(1).is_err());
    assert_eq!(string(&lua, -1), "invalid key to 'next'");
    // By a negative index, below the key.
    lua.set_top(1)?;
    lua.push_integer(1)?;
    lua.set_field(1, "only")?;
    lua.push_nil()?;
    assert!(lua.next(-2)?);
    assert_eq!((string(&lua, -2).as_str(), lua.to_integer(-1)), ("only", Some(1)));
    lua.pop(1);
    assert!(!lua.next(-2)?);
    Ok(())
}

#[test]
fn iterators_of_loops() -> LuaResult<()> {
    let mut lua = state_with(&[("next", native_next), ("inext", native_ipairs_next), ("index", index)]);
    let pairs = "local s = '' for k, v in next, {x = 1} do s = s .. k .. v end for k, v in next, {7, 8} do s = s .. k .. v end return s";
    assert_eq!(run(&mut lua, pairs), "x11728");
    assert_eq!(run(&mut lua, "return next({}), next({5}, nil), next({5}, 1)"), "nil 1 nil");
    assert_eq!(run(&mut lua, "next({}, 'no key')"), "ErrRun: invalid key to 'next'");
    assert_eq!(run(&mut lua, "next(1)"), "ErrRun: t:1: bad argument #1 to 'next' (table expected, got number)");
    assert_eq!(
        run(&mut lua, "local s = '' for i, v in inext, {7, 8, nil, 9}, 0 do s = s .. i .. v end return s"),
        "1728"
    );
    // The iterator of `ipairs` respects metamethods.
    push_object(&mut lua)?;
    lua.set_global("object")?;
    assert_eq!(run(&mut lua, "return inext(object, 4)"), "5 index 5");
    Ok(())
}

#[test]
fn sub_tables() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    assert!(!lua.get_subtable(1, "sub")?, "it was made");
    assert!(lua.get_subtable(1, "sub")?, "it was there");
    assert!(lua.raw_equal(2, 3));
    // What is no table is replaced.
    lua.push_integer(1)?;
    lua.set_field(1, "sub")?;
    assert!(!lua.get_subtable(-3, "sub")?);
    assert_eq!(types(&lua), "tttt");
    assert!(!lua.get_subtable(REGISTRY_INDEX, "mine")?);
    assert_eq!(lua.get_field(REGISTRY_INDEX, "mine")?, LuaType::Table);
    Ok(())
}
