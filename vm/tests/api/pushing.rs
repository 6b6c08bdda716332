//! Pushing values (manual §4.8).

use core::ptr::without_provenance_mut;

use perilune_vm::{LuaResult, LuaState, LuaType, REGISTRY_INDEX, RIDX_GLOBALS, RIDX_MAIN_THREAD, upvalue_index};

use crate::{integers, new_state, run, string, types};

#[test]
fn plain_values() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_nil()?;
    lua.push_boolean(true)?;
    lua.push_integer(i64::MIN)?;
    lua.push_number(-0.0)?;
    lua.push_light_userdata(without_provenance_mut(5))?;
    assert_eq!(types(&lua), "nbddl");
    assert_eq!((lua.to_boolean(2), lua.to_integer(3)), (true, Some(i64::MIN)));
    assert_eq!(lua.to_number(4).map(f64::to_bits), Some((-0.0f64).to_bits()));
    // Light userdata with the same address are the same value.
    lua.push_light_userdata(without_provenance_mut(5))?;
    assert!(lua.raw_equal(-1, -2));
    Ok(())
}

#[test]
fn strings() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_bytes(b"")?;
    lua.push_bytes(b"\0\xff")?;
    lua.push_str("h\u{e9}")?;
    assert_eq!((lua.raw_len(1), lua.raw_len(2), lua.raw_len(3)), (0, 2, 3));
    lua.push_fmt(format_args!("fixed"))?;
    lua.push_fmt(format_args!("{}-{:02}-{}", "a", 7, "long ".repeat(100)))?;
    assert_eq!(string(&lua, 4), "fixed");
    assert_eq!(string(&lua, 5), format!("a-07-{}", "long ".repeat(100)));
    assert_eq!(lua.get_top(), 5);
    Ok(())
}

#[test]
fn global_table_and_registry() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_global_table()?;
    lua.raw_get_i(REGISTRY_INDEX, RIDX_GLOBALS)?;
    assert!(lua.raw_equal(1, 2));
    lua.raw_get_i(REGISTRY_INDEX, RIDX_MAIN_THREAD)?;
    assert!(lua.push_thread()?);
    assert!(lua.raw_equal(3, 4));
    // The globals are what the registry says.
    lua.new_table()?;
    lua.raw_set_i(REGISTRY_INDEX, RIDX_GLOBALS)?;
    lua.push_global_table()?;
    assert!(!lua.raw_equal(1, -1));
    Ok(())
}

#[test]
fn threads() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    assert!(!co.push_thread()?);
    assert_eq!(co.to_thread(1), Some(thread));
    lua.push_thread_ref(thread)?;
    assert!(lua.raw_equal(1, 2));
    // A thread that the frame does not hold may be gone.
    lua.set_top(0)?;
    assert!(lua.push_thread_ref(thread).is_err());
    assert_eq!(string(&lua, -1), "thread is not on the stack");
    Ok(())
}

#[test]
fn tables() -> LuaResult<()> {
    let mut lua = new_state();
    lua.create_table(10, 20)?;
    lua.new_table()?;
    assert_eq!(types(&lua), "tt");
    assert_eq!((lua.raw_len(1), lua.raw_len(2)), (0, 0));
    assert!(lua.create_table(usize::MAX, 0).is_err());
    assert_eq!(string(&lua, -1), "table overflow");
    Ok(())
}

#[test]
fn userdata() -> LuaResult<()> {
    let mut lua = new_state();
    let place = lua.new_userdata(100)?;
    // SAFETY: the block has a hundred bytes.
    let bytes = unsafe { core::slice::from_raw_parts(place.as_ptr(), 100) };
    assert!(bytes.iter().all(|&byte| byte == 0) && place.as_ptr().addr() % 16 == 0);
    assert!(!lua.get_metatable(1)?);
    assert_eq!(lua.get_user_value(1)?, LuaType::Nil);
    assert!(lua.new_userdata(usize::MAX).is_err());
    Ok(())
}

/// Returns its upvalues.
fn give_upvalues(lua: &mut LuaState) -> LuaResult<usize> {
    let mut n = 0;
    while !lua.is_none(upvalue_index(n + 1)) {
        n += 1;
        lua.push_value(upvalue_index(n))?;
    }
    Ok(n as usize)
}

#[test]
fn closures() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("kept")?;
    for i in 1..=255 {
        lua.push_integer(i)?;
    }
    lua.push_native_closure(give_upvalues, 255)?;
    assert_eq!(types(&lua), "sf");
    lua.call(0, perilune_vm::MULTRET)?;
    assert_eq!(lua.get_top(), 256);
    lua.remove(1);
    assert!(integers(&lua).into_iter().eq(1..=255));
    // Too many, and more than there are.
    lua.push_integer(256)?;
    assert!(lua.push_native_closure(give_upvalues, 256).is_err());
    lua.set_top(1)?;
    assert!(lua.push_native_closure(give_upvalues, 2).is_err());
    assert_eq!(string(&lua, -1), "bad number of upvalues");
    // None makes a plain function, which is equal to itself.
    lua.set_top(0)?;
    lua.push_native_closure(give_upvalues, 0)?;
    lua.push_native(give_upvalues)?;
    assert!(lua.raw_equal(1, 2));
    Ok(())
}

#[test]
fn registered_functions() -> LuaResult<()> {
    let mut lua = new_state();
    lua.register("f", give_upvalues)?;
    assert_eq!(lua.get_top(), 0);
    assert_eq!(run(&mut lua, "return f(1, 2)"), "");
    assert_eq!(lua.get_global("f")?, LuaType::Function);
    assert!(lua.is_native_function(-1));
    Ok(())
}
