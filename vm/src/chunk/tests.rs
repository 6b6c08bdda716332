//! Round trips of precompiled chunks, and chunks that are not what they should be.

use std::format;
use std::string::String;
use std::vec::Vec;

use perilune_core::LuaClosure;
use perilune_core::code::Instruction;

use super::verify;
use crate::debug::tests::System;
use crate::opcode::{Op, op_of};
use crate::{ChunkWriter, LoadMode, Lua, LuaResult, LuaState, Status};

struct Bytes(Vec<u8>);

impl ChunkWriter for Bytes {
    fn write(&mut self, _lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Uses every family of instructions.
const SOURCE: &str = r#"
    local t = {1, 2, x = 1, [4.5] = "a", f = function(s, ...) return s, ... end}
    local function f(a, b, ...)
      local x, y = a + 1, b .. "x"
      local function g() x = x + 1 y = nil return t.f(t, x) end
      for i = 1, 3 do g(i) t[i] = {i, ...} end
      for k, v in t.next, t do if k == "x" then t.y = v break end end
      while x < 10 do x = x * 2 end
      if x == 5 or x == "a" or not y then x = -x elseif x >= 2.5 then x = ~x & 7 end
      goto done
      do local z = function() return z, x end t.z = z end
      ::done::
      return g(), t:f("a string of more than forty characters, which is long", ...)
    end
    return f(...)
"#;

fn state() -> Lua<System> {
    Lua::with_seed(System, 1).unwrap()
}

fn dump_top(lua: &mut LuaState, strip: bool) -> Vec<u8> {
    let mut bytes = Bytes(Vec::new());
    assert!(lua.dump(&mut bytes, strip).unwrap());
    bytes.0
}

fn compiled(lua: &mut LuaState, strip: bool) -> Vec<u8> {
    assert_eq!(lua.load_bytes(SOURCE.as_bytes(), b"=source", LoadMode::TEXT), Status::Ok);
    let bytes = dump_top(lua, strip);
    lua.pop(1);
    bytes
}

/// Loads a chunk and pops what that pushes; the message if it is none.
fn load_error(lua: &mut LuaState, bytes: &[u8]) -> Option<String> {
    let status = lua.load_bytes(bytes, b"=chunk", LoadMode::BINARY);
    let message = lua.str_at(-1).map(|message| String::from_utf8_lossy(message).into_owned());
    lua.pop(1);
    if status == Status::Ok { None } else { message }
}

#[test]
fn chunks_come_back_the_same() {
    let mut lua = state();
    for strip in [false, true] {
        let bytes = compiled(&mut lua, strip);
        assert_eq!(lua.load_bytes(&bytes, b"=chunk", LoadMode::BINARY), Status::Ok);
        assert_eq!(dump_top(&mut lua, strip), bytes);
        lua.pop(1);
    }
}

#[test]
fn truncated_chunks_are_told() {
    let mut lua = state();
    let bytes = compiled(&mut lua, false);
    for len in 1..bytes.len() {
        assert_eq!(load_error(&mut lua, &bytes[..len]).as_deref(), Some("chunk: truncated precompiled chunk"), "{len}");
    }
}

#[test]
fn every_byte_of_the_header_counts() {
    let mut lua = state();
    let bytes = compiled(&mut lua, false);
    for (at, why) in [
        (1, "not a"),
        (4, "version mismatch in"),
        (5, "format mismatch in"),
        (6, "corrupted"),
        (12, "int size mismatch in"),
        (13, "size_t size mismatch in"),
        (14, "Instruction size mismatch in"),
        (15, "lua_Integer size mismatch in"),
        (16, "lua_Number size mismatch in"),
        (17, "endianness mismatch in"),
        (25, "float format mismatch in"),
        (33, "corrupted"),
        (34, "format mismatch in"),
    ] {
        let mut changed = bytes.clone();
        changed[at] = changed[at].wrapping_add(1);
        assert_eq!(load_error(&mut lua, &changed), Some(format!("chunk: {why} precompiled chunk")), "{at}");
    }
}

#[test]
fn foreign_functions_are_refused() {
    let mut lua = state();
    let mut bytes = compiled(&mut lua, false);
    // A function as the reference implementation would go on after the header.
    bytes.truncate(34);
    bytes.extend_from_slice(b"\x08@t.lua\0\0\0\0\0\0\0\0\0\x01\x02\x01\0\0\0\x26\0\x80\0");
    assert_eq!(load_error(&mut lua, &bytes).as_deref(), Some("chunk: format mismatch in precompiled chunk"));
}

#[test]
fn no_change_of_bytes_breaks_the_loader() {
    let mut lua = state();
    let bytes = compiled(&mut lua, true);
    for at in 34..bytes.len() {
        for change in [1, 16, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if lua.load_bytes(&changed, b"=chunk", LoadMode::BINARY) == Status::Ok {
                // What was accepted can be dumped, and what that gives is accepted too.
                let again = dump_top(&mut lua, true);
                assert_eq!(load_error(&mut lua, &again), None, "{at}");
            }
            lua.pop(1);
        }
    }
    lua.gc_collect().unwrap();
}

/// What the verifier says of a function whose lines were changed.
fn fault_of_lines(source: &str, change: impl Fn(&mut [i32])) -> Option<String> {
    let mut lua = state();
    assert_eq!(lua.load_bytes(source.as_bytes(), b"=source", LoadMode::TEXT), Status::Ok);
    // SAFETY: V1: the function lies on the stack; its lines can be written, and nobody looks at them.
    unsafe {
        let proto = lua.value_or_nil(-1).get::<LuaClosure>().unwrap().proto();
        assert!(verify::check(&proto, None).is_ok());
        change(core::slice::from_raw_parts_mut(proto.line_info.get(), proto.lines_len.get() as usize));
        let fault = verify::check(&proto, None).err()?.describe(0);
        Some(String::from_utf8_lossy(fault.as_bytes()).into_owned())
    }
}

#[test]
fn copies_of_conditions_are_checked() {
    const LOOP: &str = "local i, n = ... while i < n and i * 2 < n do i = i + 1 end f(g())";
    let says = |change: fn(&mut [i32]), what: &str| {
        let fault = fault_of_lines(LOOP, change);
        assert!(fault.as_ref().is_some_and(|text| text.ends_with(what)), "{fault:?}");
    };
    assert_eq!(fault_of_lines(LOOP, |lines| assert!(lines.iter().any(|&line| line < 0))), None);
    says(|lines| lines[0] = -1, "copy of nothing");
    says(|lines| lines[2] = i32::MIN, "copy of nothing");
    says(|lines| lines[3] = -1, "copy without end");
    says(|lines| *lines.last_mut().unwrap() = -1, "copy without end");
    // The first instruction of the copy stands for a jump behind a test.
    says(|lines| *lines.iter_mut().find(|line| **line < 0).unwrap() += 1, "bad copy");
}

/// What the verifier says of a function whose first `op` was changed.
fn fault(source: &str, op: Op, change: impl Fn(Instruction) -> Instruction) -> Option<String> {
    let mut lua = state();
    assert_eq!(lua.load_bytes(source.as_bytes(), b"=source", LoadMode::TEXT), Status::Ok);
    // SAFETY: V1: the function lies on the stack; F1: its code can be written, and nobody runs it.
    unsafe {
        let proto = lua.value_or_nil(-1).get::<LuaClosure>().unwrap().proto();
        assert!(verify::check(&proto, None).is_ok());
        let at = proto.code_slice().iter().position(|&word| op_of(word) == op).unwrap();
        let place = proto.code.get().add(at);
        *place = change(*place);
        let fault = verify::check(&proto, None).err()?.describe(0);
        Some(String::from_utf8_lossy(fault.as_bytes()).into_owned())
    }
}

#[test]
fn operands_that_handlers_trust_are_checked() {
    let with_c = |c: i16| move |word: Instruction| word.with_c(c as u16);
    let with_op = |op: Op| move |word: Instruction| word.with_op(op as u8);
    let says = |fault: Option<String>, what: &str| {
        assert!(fault.as_ref().is_some_and(|text| text.ends_with(what)), "{fault:?}")
    };
    for divisor in [0, -1, i16::MIN] {
        says(fault("local x = ... return x % 7", Op::ModI, with_c(divisor)), "bad divisor");
        says(fault("local x = ... return x // 7", Op::IDivI, with_c(divisor)), "bad divisor");
    }
    for distance in [64, -1] {
        says(fault("local x = ... return x << 7", Op::ShlI, with_c(distance)), "bad shift");
        says(fault("local x = ... return x >> 7", Op::ShrI, with_c(distance)), "bad shift");
    }
    assert_eq!(fault("local x = ... return x << 7", Op::ShlI, with_c(63)), None);
    says(fault("local x = ... return x * 0.3", Op::MulKF, with_op(Op::MulK)), "constant is no integer");
    says(fault("local x = ... return x & 0xffffff", Op::BAndK, with_op(Op::AddKF)), "constant is no float");
    says(fault("local x = ... return x ~= 0.3", Op::NotEqK, with_op(Op::EqS)), "constant is no short string");
    says(fault("for k in next, {} do end", Op::TForCall, |word| word.with_x(0)), "too few results");
    says(fault("for k in next, {} do end", Op::TForCall, |word| word.with_x(250)), "bad register");
    assert_eq!(fault("for k in next, {} do end", Op::TForCall, |word| word.with_imm(-1)), None);
    says(fault("for i = 1, 2 do end", Op::ForPrep, |word| word.with_imm(1)), "loop without end");
    says(fault("local x = ... x = x < 1", Op::LoadTrue, with_op(Op::LoadFalse)), "skip of another instruction");
    assert_eq!(fault("local x = ... return x == nil", Op::EqP, |word| word.with_imm(-1)), None);
}

/// What is said of a function whose first inner function's first upvalue was given another register.
fn captured(source: &str, register: u8) -> Option<String> {
    captured_with(source, register, |word| word)
}

/// The same when each instruction may be changed as well.
fn captured_with(source: &str, register: u8, change: impl Fn(Instruction) -> Instruction) -> Option<String> {
    let mut lua = state();
    assert_eq!(lua.load_bytes(source.as_bytes(), b"=source", LoadMode::TEXT), Status::Ok);
    // SAFETY: V1: the function lies on the stack; O2: its inner functions are live, and nobody runs them; F1: nor its code.
    unsafe {
        let proto = lua.value_or_nil(-1).get::<LuaClosure>().unwrap().proto();
        let desc = (*proto.protos_slice()[0]).upvalues.get();
        assert!((*desc).in_stack);
        (*desc).index = register;
        for at in 0..proto.code_slice().len() {
            let place = proto.code.get().add(at);
            *place = change(*place);
        }
    }
    let bytes = dump_top(&mut lua, true);
    load_error(&mut lua, &bytes)
}

#[test]
fn no_call_lies_over_captured_registers() {
    let says = |source, register, what: &str| {
        let fault = captured(source, register);
        assert!(fault.as_ref().is_some_and(|text| text.contains(what)), "{fault:?} of {source}")
    };
    let over = "call over captured locals";
    let call = "local x, y local f = function() return x end local z = y() return z";
    // The frame of the call begins at register 3.
    assert_eq!([0, 1, 2].map(|register| captured(call, register)), [const { None }; 3]);
    says(call, 3, over);
    says("local x local f = function() return x end local t = {} return t", 2, over);
    // A jump back brings it to what comes before: the iterator's call at register 4, operands that begin at register 2.
    let iterator = "local x for k in x do local f = function() return x end end";
    assert_eq!([0, 1, 3].map(|register| captured(iterator, register)), [const { None }; 3]);
    says(iterator, 4, over);
    let joined = "local x, s while s do s = x .. x .. s local f = function() return x end end";
    assert_eq!([0, 1].map(|register| captured(joined, register)), [const { None }; 2]);
    says(joined, 2, over);
    // A loop over integers begins its body at once, wherever its end leads.
    let counted = "local x, y do local a, b, c, d, e, f f = function() return x end end for i = 1, 2 do y() end";
    let ends_elsewhere = |word: Instruction| if op_of(word) == Op::ForLoop { word.with_imm(-1) } else { word };
    assert_eq!(captured_with(counted, 5, ends_elsewhere), None);
    let fault = captured_with(counted, 6, ends_elsewhere);
    assert!(fault.as_ref().is_some_and(|text| text.contains(over)), "{fault:?}");
    // What is closed first does not count.
    let closed = "local x while x do x() do local y, z local f = function() return y end end end";
    assert_eq!([1, 2].map(|register| captured(closed, register)), [const { None }; 2]);
}

#[test]
fn tables_are_no_larger_than_their_constructors_make_them() {
    let large = Some("table too large");
    let end = |fault: Option<String>| fault.and_then(|text| large.filter(|end| text.ends_with(end)));
    let source = "local t = {1, 2, x = 3} return t";
    assert_eq!(end(fault(source, Op::NewTable, |word| word.with_b(31))), large);
    assert_eq!(end(fault(source, Op::NewTable, |word| word.with_b(u16::MAX))), large);
    assert_eq!(end(fault(source, Op::NewTable, |word| word.with_x(1))), large);
    assert_eq!(end(fault(source, Op::SetList, |word| word.with_c(1000))), large);
    assert_eq!(fault(source, Op::NewTable, |word| word.with_b(2)), None);
}
