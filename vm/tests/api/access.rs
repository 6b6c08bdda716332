//! Types and contents of values (manual §4.8).

use core::ffi::c_void;
use core::ptr::{null_mut, without_provenance_mut};

use perilune_vm::{LuaResult, LuaState, LuaType, REGISTRY_INDEX};

use crate::{new_state, string};

fn nothing(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

fn other(_: &mut LuaState) -> LuaResult<usize> {
    Ok(1)
}

/// Pushes a value of each kind: nil, false, true, light userdata, integer, float, strings that are an integer, a float and no
/// number, table, Lua function, native function, closure, full userdata, thread.
fn push_all_kinds(lua: &mut LuaState) -> LuaResult<()> {
    lua.push_nil()?;
    lua.push_boolean(false)?;
    lua.push_boolean(true)?;
    lua.push_light_userdata(without_provenance_mut(16))?;
    lua.push_integer(7)?;
    lua.push_number(7.5)?;
    lua.push_str(" 0x10 ")?;
    lua.push_str("1e1")?;
    lua.push_str("word")?;
    lua.new_table()?;
    assert!(!lua.load_str("return 1").is_error());
    lua.push_native(nothing)?;
    lua.push_nil()?;
    lua.push_native_closure(other, 1)?;
    lua.new_userdata(24)?;
    lua.push_thread()?;
    Ok(())
}

/// One letter for each of the values of `push_all_kinds`, and one for an index that names nothing.
fn column(lua: &LuaState, test: impl Fn(&LuaState, i32) -> bool) -> String {
    (1..=16).map(|i| if test(lua, i) { 'x' } else { '.' }).collect()
}

#[test]
fn types_and_their_names() -> LuaResult<()> {
    use LuaType::{Boolean, Function, LightUserdata, Nil, None, Number, String, Table, Thread, Userdata};
    let mut lua = new_state();
    push_all_kinds(&mut lua)?;
    let types: Vec<LuaType> = (1..=16).map(|i| lua.lua_type(i)).collect();
    let expected = [
        Nil,
        Boolean,
        Boolean,
        LightUserdata,
        Number,
        Number,
        String,
        String,
        String,
        Table,
        Function,
        Function,
        Function,
        Userdata,
        Thread,
        None,
    ];
    assert_eq!(types, expected);
    let names: Vec<&str> = (1..=16).map(|i| lua.type_name_at(i)).collect();
    let expected = [
        "nil", "boolean", "boolean", "userdata", "number", "number", "string", "string", "string", "table", "function",
        "function", "function", "userdata", "thread", "no value",
    ];
    assert_eq!(names, expected);
    assert_eq!(lua.lua_type(-2), Userdata);
    assert_eq!(lua.lua_type(REGISTRY_INDEX), Table);
    // The numbers are those of the C API.
    assert_eq!([None as i8, Nil as i8, LightUserdata as i8, Number as i8, Thread as i8], [-1, 0, 2, 3, 8]);
    Ok(())
}

#[test]
fn tests_of_types() -> LuaResult<()> {
    let mut lua = new_state();
    push_all_kinds(&mut lua)?;
    //                                             nftlIF#.wtLNCuc
    assert_eq!(column(&lua, LuaState::is_none), "...............x");
    assert_eq!(column(&lua, LuaState::is_nil), "x...............");
    assert_eq!(column(&lua, LuaState::is_none_or_nil), "x..............x");
    assert_eq!(column(&lua, LuaState::is_boolean), ".xx.............");
    assert_eq!(column(&lua, LuaState::is_light_userdata), "...x............");
    assert_eq!(column(&lua, LuaState::is_userdata), "...x.........x..");
    assert_eq!(column(&lua, LuaState::is_integer), "....x...........");
    assert_eq!(column(&lua, LuaState::is_number), "....xxxx........");
    assert_eq!(column(&lua, LuaState::is_string), "....xxxxx.......");
    assert_eq!(column(&lua, LuaState::is_table), ".........x......");
    assert_eq!(column(&lua, LuaState::is_plain_table), ".........x......");
    assert_eq!(column(&lua, LuaState::is_function), "..........xxx...");
    assert_eq!(column(&lua, LuaState::is_native_function), "...........xx...");
    assert_eq!(column(&lua, LuaState::is_thread), "..............x.");
    assert_eq!(column(&lua, LuaState::to_boolean), "..xxxxxxxxxxxxx.");
    Ok(())
}

#[test]
fn numbers() -> LuaResult<()> {
    let mut lua = new_state();
    let words = ["10", "0x10", " 1e1 ", "1.5", "1e400", "ten", "", "10x", "9223372036854775807", "9223372036854775808"];
    for word in words {
        lua.push_str(word)?;
    }
    let integers: Vec<Option<i64>> = (1..=10).map(|i| lua.to_integer(i)).collect();
    let expected = [Some(10), Some(16), Some(10), None, None, None, None, None, Some(i64::MAX), None];
    assert_eq!(integers, expected);
    let floats: Vec<Option<f64>> = (1..=10).map(|i| lua.to_number(i)).collect();
    let max = 9_223_372_036_854_775_807.0;
    let expected =
        [Some(10.0), Some(16.0), Some(10.0), Some(1.5), Some(f64::INFINITY), None, None, None, Some(max), Some(max)];
    assert_eq!(floats, expected);
    // Nothing is converted in place.
    assert_eq!(string(&lua, 1), "10");
    lua.set_top(0)?;
    for n in [3.0, 3.5, -0.0, 2f64.powi(63), -2f64.powi(63), f64::NAN] {
        lua.push_number(n)?;
    }
    let integers: Vec<Option<i64>> = (1..=6).map(|i| lua.to_integer(i)).collect();
    assert_eq!(integers, [Some(3), None, Some(0), None, Some(i64::MIN), None]);
    assert!(!lua.is_integer(1) && lua.is_number(6));
    lua.push_integer(i64::MAX)?;
    assert_eq!((lua.to_integer(-1), lua.to_number(-1)), (Some(i64::MAX), Some(max)));
    // What is no number at all.
    lua.push_boolean(true)?;
    assert_eq!((lua.to_integer(-1), lua.to_number(-1), lua.to_integer(50)), (None, None, None));
    Ok(())
}

#[test]
fn strings() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_bytes(b"a\0b")?;
    let found = lua.to_str(1)?.expect("a string");
    assert_eq!((found.len(), found.is_empty()), (3, false));
    // SAFETY: the string lies on the stack.
    assert_eq!(unsafe { found.bytes() }, b"a\0b");
    assert_eq!(lua.str_at(1), Some(&b"a\0b"[..]));
    // A number becomes a string in its place, and one that reads as the same number.
    for (n, expected) in [(10.0, "10.0"), (-0.0, "-0.0"), (1e15, "1e+15"), (0.1, "0.1"), (f64::INFINITY, "inf")] {
        lua.push_number(n)?;
        assert!(lua.str_at(-1).is_none());
        let found = lua.to_str(-1)?.expect("a string");
        // SAFETY: the string lies on the stack.
        assert_eq!(unsafe { found.bytes() }, expected.as_bytes());
        assert_eq!((lua.lua_type(-1), string(&lua, -1).as_str()), (LuaType::String, expected));
    }
    lua.push_integer(-42)?;
    assert!(lua.to_str(-1)?.is_some());
    assert_eq!(string(&lua, -1), "-42");
    // Nothing else has a string.
    lua.push_nil()?;
    lua.push_boolean(true)?;
    lua.new_table()?;
    assert!(lua.to_str(-1)?.is_none() && lua.to_str(-2)?.is_none() && lua.to_str(-3)?.is_none());
    assert!(lua.to_str(100)?.is_none() && lua.str_at(-1).is_none() && lua.str_at(100).is_none());
    Ok(())
}

#[test]
fn strings_that_are_filled_in() -> LuaResult<()> {
    let mut lua = new_state();
    for len in [0, 1, 40, 41, 1000] {
        // SAFETY: all bytes are written.
        unsafe {
            lua.push_filled(len, |room| {
                for (i, byte) in room.iter_mut().enumerate() {
                    byte.write(b'a' + (i % 26) as u8);
                }
            })?;
        }
        let expected: Vec<u8> = (b'a'..=b'z').cycle().take(len).collect();
        assert_eq!(lua.str_at(-1), Some(&expected[..]));
        lua.push_bytes(&expected)?;
        assert!(lua.raw_equal(-1, -2));
    }
    Ok(())
}

#[test]
fn bytes_of_userdata() -> LuaResult<()> {
    let mut lua = new_state();
    let block = lua.new_userdata(24)?;
    let bytes = lua.to_userdata_bytes(-1).expect("a userdata");
    assert_eq!((bytes.cast(), bytes.len()), (block, 24));
    lua.push_integer(1)?;
    lua.push_light_userdata(block.as_ptr().cast())?;
    assert!(lua.to_userdata_bytes(-1).is_none() && lua.to_userdata_bytes(-2).is_none());
    Ok(())
}

#[test]
fn raw_lengths_of_every_type() -> LuaResult<()> {
    let mut lua = new_state();
    push_all_kinds(&mut lua)?;
    let lengths: Vec<usize> = (1..=16).map(|i| lua.raw_len(i)).collect();
    assert_eq!(lengths, [0, 0, 0, 0, 0, 0, 6, 3, 4, 0, 0, 0, 0, 24, 0, 0]);
    lua.push_bytes(&[0; 1000])?;
    assert_eq!(lua.raw_len(-1), 1000);
    lua.new_table()?;
    for i in 1..=5 {
        lua.push_boolean(true)?;
        lua.raw_set_i(-2, i)?;
    }
    assert_eq!(lua.raw_len(-1), 5);
    // A metamethod has no say.
    lua.new_table()?;
    lua.push_native(other)?;
    lua.set_field(-2, "__len")?;
    lua.set_metatable(-2)?;
    assert_eq!(lua.raw_len(-1), 5);
    assert!(!lua.is_plain_table(-1));
    Ok(())
}

#[test]
fn elements_at_once() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_integer(7)?;
    assert!(!lua.try_set_i(-1, 1), "a number is no table");
    lua.new_table()?;
    lua.insert(-2);
    assert!(!lua.try_set_i(-2, 1), "there is no such element");
    assert_eq!(lua.get_top(), 2);
    lua.push_boolean(true)?;
    lua.raw_set_i(1, 1)?;
    lua.push_boolean(true)?;
    lua.raw_set_i(1, -5)?;
    // A metamethod has no say in elements that are there.
    lua.new_table()?;
    lua.push_native(other)?;
    lua.set_field(-2, "__newindex")?;
    lua.set_metatable(1)?;
    lua.push_value(-1)?;
    assert!(lua.try_set_i(1, 1));
    assert!(!lua.try_set_i(1, 2));
    assert!(!lua.try_set_i(9, 1), "nothing is there");
    assert!(lua.try_set_i(1, -5));
    assert_eq!(lua.get_top(), 1);
    for n in [1, -5] {
        lua.raw_get_i(1, n)?;
        assert_eq!(lua.to_integer(-1), Some(7));
    }
    Ok(())
}

#[test]
fn native_functions() -> LuaResult<()> {
    let mut lua = new_state();
    push_all_kinds(&mut lua)?;
    let found = |i| lua.to_native_function(i).map(|f| f as *const ());
    assert_eq!(found(12), Some(nothing as *const ()));
    assert_eq!(found(13), Some(other as *const ()));
    assert_eq!((found(11), found(1), found(99)), (None, None, None));
    Ok(())
}

#[test]
fn userdata() -> LuaResult<()> {
    let mut lua = new_state();
    let place = lua.new_userdata(8)?;
    // SAFETY: the block has eight bytes, aligned to 16.
    unsafe { place.cast::<u64>().write(0x0102_0304) };
    assert_eq!(lua.to_userdata(1), Some(place));
    assert_eq!(lua.to_light_userdata(1), None);
    let light: *mut c_void = without_provenance_mut(0x30);
    lua.push_light_userdata(light)?;
    assert_eq!(lua.to_userdata(2).map(|p| p.as_ptr().addr()), Some(0x30));
    assert_eq!(lua.to_light_userdata(2), Some(light));
    lua.push_light_userdata(null_mut())?;
    assert!(lua.is_light_userdata(3) && lua.is_userdata(3));
    assert_eq!((lua.to_userdata(3), lua.to_light_userdata(3)), (None, Some(null_mut())));
    lua.push_integer(1)?;
    assert_eq!((lua.to_userdata(4), lua.to_light_userdata(4), lua.to_userdata(44)), (None, None, None));
    // A block without bytes has an address all the same.
    assert!(lua.new_userdata(0)?.is_aligned());
    assert_eq!(lua.raw_len(-1), 0);
    Ok(())
}

#[test]
fn pointers() -> LuaResult<()> {
    let mut lua = new_state();
    push_all_kinds(&mut lua)?;
    let known: String = (1..=16).map(|i| if lua.to_pointer(i).is_null() { '.' } else { 'x' }).collect();
    //                 nftlIF#.wtLNCuc
    assert_eq!(known, "...x.....xxxxxx.");
    assert_eq!(lua.to_pointer(4).addr(), 16);
    assert_eq!(Some(lua.to_pointer(14).cast_mut().cast()), lua.to_userdata(14).map(|p| p.as_ptr()));
    lua.push_value(10)?;
    assert_eq!(lua.to_pointer(10), lua.to_pointer(-1));
    lua.new_table()?;
    assert_ne!(lua.to_pointer(10), lua.to_pointer(-1));
    Ok(())
}

#[test]
fn threads() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    assert_eq!(lua.to_thread(1), Some(thread));
    lua.push_nil()?;
    assert!(lua.to_thread(2).is_none() && lua.to_thread(3).is_none());
    Ok(())
}
