//! Checking arguments (manual §5.1): what is accepted, and the messages.

use perilune_vm::{LuaResult, LuaState, LuaType};

use crate::{new_state, run, state_with, string};

fn integer(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)?;
    let m = lua.opt_integer(2, -1)?;
    lua.push_fmt(format_args!("{n} {m}"))?;
    Ok(1)
}

fn number(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_number(1)?;
    let m = lua.opt_number(2, 0.5)?;
    lua.push_fmt(format_args!("{n:?} {m:?}"))?;
    Ok(1)
}

fn text(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_str(1)?;
    let second = lua.opt_str(2)?.map(|_| string(lua, 2));
    lua.push_fmt(format_args!("{} {second:?}", string(lua, 1)))?;
    Ok(1)
}

fn any(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1).map(|()| 0)
}

fn table(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table).map(|()| 0)
}

fn option(lua: &mut LuaState) -> LuaResult<usize> {
    let found = lua.check_option(1, None, &["one", "two"])?;
    lua.push_integer(found as i64)?;
    Ok(1)
}

fn option_or_two(lua: &mut LuaState) -> LuaResult<usize> {
    let found = lua.check_option(1, Some("two"), &["one", "two"])?;
    lua.push_integer(found as i64)?;
    Ok(1)
}

/// `optional ([n])`: by the general form.
fn optional(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.opt(1, 42, LuaState::check_integer)?;
    lua.push_integer(n)?;
    Ok(1)
}

fn positive(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)?;
    lua.arg_check(n > 0, 1, "not positive").map(|()| 0)
}

fn wrong(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.arg_error(1, "oops"))
}

fn wrong_type(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.type_error(2, "wonder"))
}

#[test]
fn accepted() {
    let mut lua = state_with(&[
        ("integer", integer),
        ("number", number),
        ("text", text),
        ("any", any),
        ("table", table),
        ("option", option),
        ("option2", option_or_two),
        ("optional", optional),
        ("positive", positive),
    ]);
    assert_eq!(run(&mut lua, "return integer(3), integer(3.0, nil), integer('0x10', '7')"), "3 -1 3 -1 16 7");
    assert_eq!(run(&mut lua, "return number(3), number('1e1', 2)"), "3.0 0.5 10.0 2.0");
    assert_eq!(run(&mut lua, "return text('s'), text(1.5, 2)"), "s None 1.5 Some(\"2\")");
    assert_eq!(run(&mut lua, "return any(nil), table({}), positive(1)"), "nil nil");
    assert_eq!(
        run(&mut lua, "return option('one'), option('two'), option2(), option2(nil), option2('one')"),
        "0 1 1 1 0"
    );
    assert_eq!(run(&mut lua, "return optional(), optional(nil), optional('7')"), "42 42 7");
}

#[test]
fn refused() {
    let mut lua = state_with(&[
        ("integer", integer),
        ("number", number),
        ("text", text),
        ("any", any),
        ("table", table),
        ("option", option),
        ("option2", option_or_two),
        ("optional", optional),
        ("positive", positive),
        ("wrong_type", wrong_type),
    ]);
    let no_integer = "number has no integer representation";
    for (call, arg, reason) in [
        ("integer(1.5)", 1, no_integer),
        ("integer('1.5')", 1, no_integer),
        ("integer('x')", 1, "number expected, got string"),
        ("integer()", 1, "number expected, got no value"),
        ("integer(1, {})", 2, "number expected, got table"),
        ("number(nil)", 1, "number expected, got nil"),
        ("text(true)", 1, "string expected, got boolean"),
        ("text('', {})", 2, "string expected, got table"),
        ("any()", 1, "value expected"),
        ("table(1)", 1, "table expected, got number"),
        ("option('three')", 1, "invalid option 'three'"),
        ("option()", 1, "string expected, got no value"),
        ("option(1)", 1, "invalid option '1'"),
        ("option2({})", 1, "string expected, got table"),
        ("optional('x')", 1, "number expected, got string"),
        ("positive(0)", 1, "not positive"),
        ("wrong_type(1, 2)", 2, "wonder expected, got number"),
        ("wrong_type()", 2, "wonder expected, got no value"),
    ] {
        let name = &call[..call.find('(').expect("a call")];
        assert_eq!(run(&mut lua, call), format!("ErrRun: t:1: bad argument #{arg} to '{name}' ({reason})"));
    }
}

#[test]
fn names_in_messages() -> LuaResult<()> {
    let mut lua = state_with(&[("wrong", wrong)]);
    assert_eq!(run(&mut lua, "local x = {f = wrong} x:f()"), "ErrRun: t:1: calling 'f' on bad self (oops)");
    assert_eq!(run(&mut lua, "local x = {f = wrong} x.f()"), "ErrRun: t:1: bad argument #1 to 'f' (oops)");
    assert_eq!(run(&mut lua, "local f = wrong; f()"), "ErrRun: t:1: bad argument #1 to 'f' (oops)");
    // Without a name in the code, a global function's is found.
    assert_eq!(run(&mut lua, "return pcall(wrong)"), "2 bad argument #1 to 'wrong' (oops)");
    lua.push_native(wrong)?;
    lua.set_global("zz")?;
    lua.push_nil()?;
    lua.set_global("wrong")?;
    assert_eq!(run(&mut lua, "return pcall(zz)"), "2 bad argument #1 to 'zz' (oops)");
    assert_eq!(run(&mut lua, "local f = zz zz = nil return pcall(f)"), "2 bad argument #1 to '?' (oops)");
    Ok(())
}

#[test]
fn types_in_messages() -> LuaResult<()> {
    let mut lua = state_with(&[("text", text)]);
    lua.push_light_userdata(core::ptr::null_mut())?;
    lua.set_global("light")?;
    assert_eq!(
        run(&mut lua, "text(light)"),
        "ErrRun: t:1: bad argument #1 to 'text' (string expected, got light userdata)"
    );
    lua.new_metatable("Mine")?;
    lua.new_table()?;
    lua.insert(1);
    lua.set_metatable(1)?;
    lua.set_global("mine")?;
    assert_eq!(run(&mut lua, "text(mine)"), "ErrRun: t:1: bad argument #1 to 'text' (string expected, got Mine)");
    Ok(())
}

#[test]
fn outside_of_functions() {
    let mut lua = new_state();
    assert!(lua.check_integer(4).is_err());
    assert_eq!(string(&lua, -1), "bad argument #4 (number expected, got no value)");
    let _ = lua.arg_error_bytes(1, b"any bytes");
    assert_eq!(string(&lua, -1), "bad argument #1 (any bytes)");
}
