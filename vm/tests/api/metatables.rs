//! Metatables, user values and userdata with named metatables (manual §4.8 and §5.1).

use core::ptr::without_provenance_mut;

use perilune_vm::{LuaResult, LuaState, LuaType, REGISTRY_INDEX, Status};

use crate::{new_state, run, state_with, string, text, types};

#[test]
fn metatables() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    assert!(!lua.get_metatable(1)?);
    assert_eq!(lua.get_top(), 1, "nothing is pushed");
    lua.new_table()?;
    lua.push_value(2)?;
    lua.set_metatable(1)?;
    assert!(lua.get_metatable(1)? && lua.raw_equal(2, 3));
    lua.push_nil()?;
    lua.set_metatable(1)?;
    assert!(!lua.get_metatable(1)?);
    assert!(!lua.get_metatable(99)?);
    lua.push_integer(1)?;
    assert!(lua.set_metatable(1).is_err());
    assert_eq!(string(&lua, -1), "table expected");
    Ok(())
}

/// `(v, k)`: the key.
fn second(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(2)?;
    Ok(1)
}

#[test]
fn metatables_of_types() -> LuaResult<()> {
    let mut lua = new_state();
    let values: [fn(&mut LuaState) -> LuaResult<()>; 7] = [
        LuaState::push_nil,
        |lua| lua.push_boolean(true),
        |lua| lua.push_integer(1),
        |lua| lua.push_str("s"),
        |lua| lua.push_native(second),
        |lua| lua.push_light_userdata(without_provenance_mut(1)),
        |lua| lua.push_thread().map(|_| ()),
    ];
    for push in values {
        // All values of the type have the metatable.
        push(&mut lua)?;
        lua.new_table()?;
        lua.push_native(second)?;
        lua.set_field(-2, "__index")?;
        lua.set_metatable(1)?;
        lua.set_top(0)?;
        push(&mut lua)?;
        assert!(lua.get_metatable(1)?, "{}", lua.type_name_at(1));
        assert_eq!((lua.get_field(1, "field")?, string(&lua, -1).as_str()), (LuaType::String, "field"));
        lua.push_nil()?;
        lua.set_metatable(1)?;
        assert!(!lua.get_metatable(1)?);
        lua.set_top(0)?;
    }
    Ok(())
}

#[test]
fn user_values() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_userdata(1)?;
    assert_eq!(lua.get_user_value(1)?, LuaType::Nil);
    lua.new_table()?;
    lua.push_value(-1)?;
    lua.set_user_value(1)?;
    assert_eq!(types(&lua), "unt");
    // The userdata keeps it alive.
    lua.remove(3);
    lua.gc_collect()?;
    assert_eq!(lua.get_user_value(-2)?, LuaType::Table);
    lua.push_integer(5)?;
    lua.set_user_value(1)?;
    assert_eq!((lua.get_user_value(1)?, lua.to_integer(-1)), (LuaType::Number, Some(5)));
    // What is no full userdata has none.
    lua.push_light_userdata(without_provenance_mut(1))?;
    assert_eq!(lua.get_user_value(-1)?, LuaType::Nil);
    lua.pop(1);
    lua.push_nil()?;
    assert!(lua.set_user_value(-2).is_err());
    assert_eq!(string(&lua, -1), "full userdata expected");
    Ok(())
}

#[test]
fn named_metatables() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.get_registered_metatable("Kind")?, LuaType::Nil);
    lua.pop(1);
    assert!(lua.new_metatable("Kind")?);
    assert_eq!((lua.get_field(-1, "__name")?, string(&lua, -1).as_str()), (LuaType::String, "Kind"));
    lua.pop(1);
    assert!(!lua.new_metatable("Kind")?, "the name is taken");
    assert!(lua.raw_equal(1, 2));
    assert_eq!(lua.get_registered_metatable("Kind")?, LuaType::Table);
    assert!(lua.raw_equal(1, -1));
    assert_eq!(lua.get_field(REGISTRY_INDEX, "Kind")?, LuaType::Table);
    lua.set_top(0)?;
    lua.new_userdata(4)?;
    lua.set_registered_metatable("Kind")?;
    assert!(lua.get_metatable(1)?);
    assert_eq!(lua.get_registered_metatable("Kind")?, LuaType::Table);
    assert!(lua.raw_equal(2, 3));
    // A name that is not known takes the metatable away.
    lua.set_top(1)?;
    lua.set_registered_metatable("None")?;
    assert!(!lua.get_metatable(1)?);
    Ok(())
}

#[test]
fn userdata_of_a_kind() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_metatable("Kind")?;
    lua.new_metatable("Other")?;
    lua.set_top(0)?;
    let place = lua.new_userdata(4)?;
    assert_eq!(lua.test_userdata(1, "Kind"), None, "it has no metatable");
    lua.set_registered_metatable("Kind")?;
    assert_eq!(lua.test_userdata(1, "Kind"), Some(place));
    assert_eq!(lua.test_userdata(-1, "Other"), None);
    assert_eq!(lua.test_userdata(-1, "Nobody"), None);
    assert_eq!(lua.test_userdata(17, "Kind"), None);
    assert_eq!(lua.get_top(), 1, "nothing is left behind");
    assert_eq!(lua.check_userdata(1, "Kind")?, place);
    // A table with the same metatable is none.
    lua.new_table()?;
    lua.set_registered_metatable("Kind")?;
    assert_eq!(lua.test_userdata(2, "Kind"), None);
    // Light userdata share one metatable, and are told by their address.
    lua.push_light_userdata(without_provenance_mut(0x40))?;
    lua.set_registered_metatable("Kind")?;
    assert_eq!(lua.test_userdata(3, "Kind").map(|p| p.as_ptr().addr()), Some(0x40));
    Ok(())
}

/// `kind (v)`: true for a userdata of the kind.
fn kind(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_userdata(1, "Kind")?;
    lua.push_boolean(true)?;
    Ok(1)
}

#[test]
fn errors_about_kinds() -> LuaResult<()> {
    let mut lua = state_with(&[("kind", kind)]);
    lua.new_metatable("Other")?;
    lua.new_userdata(0)?;
    lua.set_registered_metatable("Other")?;
    lua.set_global("other")?;
    assert_eq!(run(&mut lua, "kind(1)"), "ErrRun: t:1: bad argument #1 to 'kind' (Kind expected, got number)");
    assert_eq!(run(&mut lua, "kind()"), "ErrRun: t:1: bad argument #1 to 'kind' (Kind expected, got no value)");
    assert_eq!(run(&mut lua, "kind(other)"), "ErrRun: t:1: bad argument #1 to 'kind' (Kind expected, got Other)");
    let message = "ErrRun: t:1: calling 'm' on bad self (Kind expected, got table)";
    assert_eq!(run(&mut lua, "local o = {m = kind} o:m()"), message);
    Ok(())
}

#[test]
fn fields_of_metatables() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    assert_eq!((lua.get_meta_field(1, "__name")?, lua.get_top()), (LuaType::None, 1));
    lua.new_metatable("Kind")?;
    lua.set_metatable(1)?;
    assert_eq!((lua.get_meta_field(1, "__name")?, string(&lua, -1).as_str()), (LuaType::String, "Kind"));
    assert_eq!((lua.get_meta_field(1, "__len")?, lua.get_top()), (LuaType::None, 2));
    assert_eq!((lua.get_meta_field(55, "__len")?, lua.get_top()), (LuaType::None, 2));
    Ok(())
}

/// Returns its argument in a table, and something else.
fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    assert_eq!(lua.get_top(), 1);
    lua.push_str("text")?;
    Ok(1)
}

#[test]
fn calls_of_metamethods() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    assert!(!lua.call_meta(1, "__wrap")?);
    assert_eq!(lua.get_top(), 1);
    lua.new_table()?;
    lua.push_native(wrap)?;
    lua.set_field(-2, "__wrap")?;
    lua.set_metatable(1)?;
    assert!(lua.call_meta(-1, "__wrap")?);
    assert_eq!((types(&lua).as_str(), string(&lua, -1).as_str()), ("ts", "text"));
    Ok(())
}

#[test]
fn text_of_any_value() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_nil()?;
    lua.push_boolean(false)?;
    lua.push_integer(-3)?;
    lua.push_number(1e100)?;
    lua.push_str("as it is")?;
    let expected = ["nil", "false", "-3", "1e+100", "as it is"];
    for (i, expected) in (1..).zip(expected) {
        let made = lua.push_tostring(i)?;
        assert_eq!((made.len(), string(&lua, -1).as_str()), (expected.len(), expected));
        lua.pop(1);
        lua.push_plain_text(i)?;
        assert_eq!(string(&lua, -1), expected);
        lua.pop(1);
    }
    // Numbers stay numbers in their place.
    assert_eq!(types(&lua), "nbdds");
    lua.set_top(0)?;
    lua.new_table()?;
    assert_eq!(text(&mut lua, 1), format!("table: {:p}", lua.to_pointer(1)));
    lua.push_native(wrap)?;
    assert_eq!(text(&mut lua, 2), format!("function: {:p}", lua.to_pointer(2)));
    lua.push_light_userdata(core::ptr::null_mut())?;
    assert_eq!(text(&mut lua, 3), "userdata: (nil)");
    // The name of the metatable, and then a metamethod.
    lua.new_metatable("Kind")?;
    lua.push_value(-1)?;
    lua.set_metatable(1)?;
    assert_eq!(text(&mut lua, 1), format!("Kind: {:p}", lua.to_pointer(1)));
    lua.push_native(wrap)?;
    lua.set_field(-2, "__tostring")?;
    assert_eq!(text(&mut lua, 1), "text");
    lua.push_plain_text(1)?;
    assert_eq!(string(&lua, -1), format!("Kind: {:p}", lua.to_pointer(1)));
    Ok(())
}

#[test]
fn text_must_be_a_string() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_table()?;
    lua.new_table()?;
    assert_eq!(lua.load_str("return ..."), Status::Ok);
    lua.set_field(-2, "__tostring")?;
    lua.set_metatable(1)?;
    assert!(lua.push_tostring(1).is_err());
    assert_eq!(string(&lua, -1), "'__tostring' must return a string");
    Ok(())
}
