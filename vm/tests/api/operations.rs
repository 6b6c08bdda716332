//! Operators on values of the stack (manual §4.8): arithmetic, comparison, concatenation, length, numerals.

use perilune_vm::{
    ArithOp, CompareOp, LuaResult, LuaState, LuaType, NUMBER_BUF, Status, float_to_buf, float_to_integer,
    integer_to_buf,
};

use crate::{new_state, string, text};

/// The result of an operation on two numbers, or one, as text.
fn arith(lua: &mut LuaState, op: ArithOp, operands: &[f64]) -> LuaResult<String> {
    for &operand in operands {
        if operand.fract() == 0.0 { lua.push_integer(operand as i64)? } else { lua.push_number(operand)? }
    }
    lua.arith(op)?;
    assert_eq!(lua.get_top(), 1);
    let result = text(lua, 1);
    lua.pop(1);
    Ok(result)
}

#[test]
fn arithmetic() -> LuaResult<()> {
    use ArithOp::{Add, BAnd, BNot, BOr, BXor, Div, IDiv, Mod, Mul, Pow, Shl, Shr, Sub, Unm};
    let mut lua = new_state();
    let binary = [
        (Add, 7.0, 2.0, "9"),
        (Sub, 7.0, 2.0, "5"),
        (Mul, 7.0, 2.0, "14"),
        (Mod, -7.0, 2.0, "1"),
        (Pow, 7.0, 2.0, "49.0"),
        (Div, 7.0, 2.0, "3.5"),
        (IDiv, -7.0, 2.0, "-4"),
        (BAnd, 6.0, 3.0, "2"),
        (BOr, 6.0, 3.0, "7"),
        (BXor, 6.0, 3.0, "5"),
        (Shl, 1.0, 4.0, "16"),
        (Shr, 256.0, 4.0, "16"),
        (Add, 0.5, 1.0, "1.5"),
        (IDiv, 7.5, 2.0, "3.0"),
        (Mod, 5.5, 2.0, "1.5"),
        (Shl, 1.0, -1.0, "0"),
    ];
    for (op, a, b, expected) in binary {
        assert_eq!(arith(&mut lua, op, &[a, b])?, expected, "{op:?} {a} {b}");
        assert!(!op.is_unary());
    }
    for (op, a, expected) in [(Unm, 7.0, "-7"), (Unm, 1.5, "-1.5"), (BNot, 5.0, "-6")] {
        assert_eq!(arith(&mut lua, op, &[a])?, expected, "{op:?} {a}");
        assert!(op.is_unary());
    }
    // The order of the numbers is that of the C API.
    assert_eq!(
        [Add as u8, Pow as u8, Div as u8, IDiv as u8, BAnd as u8, Unm as u8, BNot as u8],
        [0, 4, 5, 6, 7, 12, 13]
    );
    Ok(())
}

#[test]
fn arithmetic_of_strings_and_errors() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("10")?;
    lua.push_integer(5)?;
    lua.arith(ArithOp::Add)?;
    assert_eq!((lua.get_top(), lua.to_integer(1)), (1, Some(15)));
    lua.push_str("0x10")?;
    lua.arith(ArithOp::Unm)?;
    assert_eq!(lua.to_integer(-1), Some(-16));
    lua.set_top(0)?;
    // Operands below do not count.
    lua.push_integer(100)?;
    lua.push_integer(1)?;
    lua.push_integer(0)?;
    assert!(lua.arith(ArithOp::IDiv).is_err());
    assert_eq!(string(&lua, -1), "attempt to divide by zero");
    lua.set_top(0)?;
    lua.new_table()?;
    lua.push_integer(1)?;
    assert!(lua.arith(ArithOp::Mul).is_err());
    assert_eq!(string(&lua, -1), "attempt to perform arithmetic on a table value");
    lua.set_top(0)?;
    lua.push_number(1.5)?;
    lua.push_integer(1)?;
    assert!(lua.arith(ArithOp::BAnd).is_err());
    assert_eq!(string(&lua, -1), "number has no integer representation");
    Ok(())
}

/// Returns which operation it stands for: its upvalue.
fn answer(lua: &mut LuaState) -> LuaResult<usize> {
    assert_eq!(lua.get_top(), 2);
    lua.push_value(perilune_vm::upvalue_index(1))?;
    Ok(1)
}

/// Pushes a table whose metatable answers to some events with a string.
fn push_object(lua: &mut LuaState, events: &[&str]) -> LuaResult<()> {
    lua.new_table()?;
    lua.new_table()?;
    for event in events {
        lua.push_str(event)?;
        lua.push_native_closure(answer, 1)?;
        lua.set_field(-2, event)?;
    }
    lua.set_metatable(-2)
}

#[test]
fn metamethods_of_operators() -> LuaResult<()> {
    let mut lua = new_state();
    let events = [
        "__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__band", "__bor", "__bxor", "__shl", "__shr",
        "__unm", "__bnot",
    ];
    let operations = [
        ArithOp::Add,
        ArithOp::Sub,
        ArithOp::Mul,
        ArithOp::Mod,
        ArithOp::Pow,
        ArithOp::Div,
        ArithOp::IDiv,
        ArithOp::BAnd,
        ArithOp::BOr,
        ArithOp::BXor,
        ArithOp::Shl,
        ArithOp::Shr,
        ArithOp::Unm,
        ArithOp::BNot,
    ];
    push_object(&mut lua, &events)?;
    for (op, event) in operations.into_iter().zip(events) {
        if !op.is_unary() {
            lua.push_integer(3)?;
        }
        lua.push_value(1)?;
        lua.arith(op)?;
        assert_eq!((lua.get_top(), string(&lua, -1).as_str()), (2, event));
        lua.pop(1);
    }
    Ok(())
}

#[test]
fn comparison() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_integer(1)?;
    lua.push_number(1.0)?;
    lua.push_number(1.5)?;
    lua.push_str("1")?;
    lua.push_str("a")?;
    lua.push_nil()?;
    let mut compare = |a, b, op| lua.compare(a, b, op);
    assert_eq!(compare(1, 2, CompareOp::Eq), Ok(true));
    assert_eq!(compare(1, 4, CompareOp::Eq), Ok(false));
    assert_eq!(compare(1, 2, CompareOp::Lt), Ok(false));
    assert_eq!(compare(1, 2, CompareOp::Le), Ok(true));
    assert_eq!(compare(1, 3, CompareOp::Lt), Ok(true));
    assert_eq!(compare(4, 5, CompareOp::Lt), Ok(true));
    assert_eq!(compare(5, 4, CompareOp::Le), Ok(false));
    assert_eq!(compare(6, -1, CompareOp::Eq), Ok(true));
    // An index that names nothing is equal to nothing, not even to nil or to itself.
    for op in [CompareOp::Eq, CompareOp::Lt, CompareOp::Le] {
        assert_eq!(compare(6, 7, op), Ok(false));
        assert_eq!(compare(7, 7, op), Ok(false));
        assert_eq!(compare(0, 1, op), Ok(false));
    }
    assert!(lua.compare(1, 5, CompareOp::Lt).is_err());
    assert_eq!(string(&lua, -1), "attempt to compare number with string");
    Ok(())
}

#[test]
fn comparison_with_metamethods() -> LuaResult<()> {
    let mut lua = new_state();
    push_object(&mut lua, &["__eq", "__lt"])?;
    push_object(&mut lua, &[])?;
    assert_eq!(lua.compare(1, 2, CompareOp::Eq), Ok(true));
    assert!(!lua.raw_equal(1, 2) && lua.raw_equal(1, 1));
    assert_eq!(lua.compare(1, 2, CompareOp::Lt), Ok(true));
    // Without `__le`, the reference asks `not (b < a)`.
    assert_eq!(lua.compare(1, 2, CompareOp::Le), Ok(false));
    Ok(())
}

#[test]
fn raw_equality() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_integer(1)?;
    lua.push_number(1.0)?;
    lua.push_str("s")?;
    lua.push_bytes(b"s")?;
    lua.push_bytes(&[b'x'; 100])?;
    lua.push_bytes(&[b'x'; 100])?;
    lua.push_number(f64::NAN)?;
    lua.push_nil()?;
    assert!(lua.raw_equal(1, 2) && lua.raw_equal(3, 4) && lua.raw_equal(5, -3));
    assert!(!lua.raw_equal(1, 3) && !lua.raw_equal(7, 7));
    assert!(!lua.raw_equal(8, 9) && !lua.raw_equal(9, 9) && !lua.raw_equal(0, 0));
    Ok(())
}

#[test]
fn concatenation() -> LuaResult<()> {
    let mut lua = new_state();
    lua.concat(0)?;
    assert_eq!((lua.get_top(), string(&lua, 1).as_str()), (1, ""));
    // One value stays as it is, whatever it is.
    lua.new_table()?;
    lua.concat(1)?;
    assert_eq!((lua.get_top(), lua.lua_type(-1)), (2, LuaType::Table));
    lua.set_top(0)?;
    lua.push_str("a")?;
    lua.push_integer(1)?;
    lua.push_number(2.0)?;
    lua.push_bytes(&[b'z'; 100])?;
    lua.concat(4)?;
    assert_eq!((lua.get_top(), string(&lua, 1)), (1, format!("a12.0{}", "z".repeat(100))));
    lua.set_top(0)?;
    lua.push_str("left")?;
    lua.push_str("a")?;
    lua.push_str("b")?;
    lua.concat(2)?;
    assert_eq!((lua.get_top(), string(&lua, 1).as_str(), string(&lua, 2).as_str()), (2, "left", "ab"));
    lua.set_top(0)?;
    lua.push_str("a")?;
    push_object(&mut lua, &["__concat"])?;
    lua.push_str("b")?;
    lua.concat(3)?;
    assert_eq!((lua.get_top(), string(&lua, 1).as_str()), (1, "a__concat"));
    lua.push_nil()?;
    assert!(lua.concat(2).is_err());
    assert_eq!(string(&lua, -1), "attempt to concatenate a nil value");
    Ok(())
}

#[test]
fn length() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("four")?;
    lua.len(1)?;
    assert_eq!((lua.is_integer(-1), lua.to_integer(-1)), (true, Some(4)));
    push_object(&mut lua, &["__len"])?;
    lua.len(-1)?;
    assert_eq!(string(&lua, -1), "__len");
    lua.push_nil()?;
    assert!(lua.len(-1).is_err());
    assert_eq!(string(&lua, -1), "attempt to get length of a nil value");
    Ok(())
}

#[test]
fn lengths_as_integers() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("four")?;
    assert_eq!((lua.len_i(1), lua.get_top()), (Ok(4), 1));
    for (length, expected) in [("'7'", Some(7)), ("3.0", Some(3)), ("1.5", None), ("'x'", None), ("nil", None)] {
        lua.new_table()?;
        lua.new_table()?;
        assert_eq!(lua.load_str(&format!("return {length}")), Status::Ok);
        lua.set_field(-2, "__len")?;
        lua.set_metatable(-2)?;
        let found = lua.len_i(-1);
        assert_eq!(found.ok(), expected, "{length}");
        if expected.is_none() {
            assert_eq!(string(&lua, -1), "object length is not an integer");
        }
    }
    Ok(())
}

#[test]
fn numerals() -> LuaResult<()> {
    let mut lua = new_state();
    let known = [
        ("10", "10"),
        ("0x1p4", "16.0"),
        (" 3.5e1 ", "35.0"),
        ("-7", "-7"),
        ("9223372036854775808", "9.2233720368548e+18"),
    ];
    for (numeral, expected) in known {
        assert!(lua.string_to_number(numeral.as_bytes())?);
        assert_eq!((lua.lua_type(-1), text(&mut lua, -1).as_str()), (LuaType::Number, expected));
        lua.pop(1);
    }
    for word in ["", " ", "ten", "1 2", "0x", "1e", "nan", "inf", "10\0"] {
        assert!(!lua.string_to_number(word.as_bytes())?, "{word:?}");
        assert_eq!(lua.get_top(), 0);
    }
    Ok(())
}

#[test]
fn numbers_without_a_state() {
    assert_eq!((float_to_integer(-0.0), float_to_integer(1e15)), (Some(0), Some(1_000_000_000_000_000)));
    assert_eq!((float_to_integer(-9_223_372_036_854_775_808.0), float_to_integer(9.3e18)), (Some(i64::MIN), None));
    assert_eq!(
        (float_to_integer(0.5), float_to_integer(f64::NAN), float_to_integer(f64::INFINITY)),
        (None, None, None)
    );
    let mut buf = [0; NUMBER_BUF];
    for (n, expected) in [(0, "0"), (-17, "-17"), (i64::MIN, "-9223372036854775808")] {
        let len = integer_to_buf(n, &mut buf);
        assert_eq!(&buf[..len], expected.as_bytes());
    }
    let floats =
        [(1.0, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e100, "1e+100"), (f64::NEG_INFINITY, "-inf"), (1e15, "1e+15")];
    for (n, expected) in floats {
        let len = float_to_buf(n, &mut buf);
        assert_eq!(&buf[..len], expected.as_bytes());
    }
    let names = [LuaType::Nil, LuaType::Boolean, LuaType::LightUserdata, LuaType::Number, LuaType::String];
    assert_eq!(names.map(LuaType::name), ["nil", "boolean", "userdata", "number", "string"]);
    assert_eq!((LuaType::Thread as usize + 1, LuaType::None.name()), (LuaType::COUNT, "no value"));
}
