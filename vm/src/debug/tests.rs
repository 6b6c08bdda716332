//! What the messages of runtime errors call the values to blame, as the reference implementation words it.

use std::string::String;

use crate::{LoadMode, Lua, LuaAlloc, OldSize, Status};

/// The system's allocator, which fails for blocks of more than 64 MiB.
pub(crate) struct System;

// SAFETY: the calls are forwarded as the contract says; sizes are exact and all blocks are aligned to 16.
unsafe impl LuaAlloc for System {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        use std::alloc::{Layout, alloc, dealloc, realloc};
        let layout = |size| Layout::from_size_align(size, 16).unwrap();
        // SAFETY: the caller's promise.
        unsafe {
            match (ptr.is_null(), nsize) {
                (true, 0) => {}
                (true, _) if nsize > 1 << 26 => {}
                (true, _) => return alloc(layout(nsize)),
                (false, 0) => dealloc(ptr, layout(osize.bytes())),
                (false, _) if nsize > 1 << 26 => {}
                (false, _) => return realloc(ptr, layout(osize.bytes()), nsize),
            }
        }
        core::ptr::null_mut()
    }
}

/// The message of the error that a chunk raises.
fn message(source: &str) -> String {
    let mut lua = Lua::with_seed(System, 1).unwrap();
    assert_eq!(lua.load_bytes(source.as_bytes(), b"=c", LoadMode::TEXT), Status::Ok, "{source}");
    assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun, "{source}");
    String::from_utf8_lossy(lua.str_at(-1).unwrap()).into_owned()
}

/// Checks a chunk's message, from after its position on.
#[track_caller]
fn raises(source: &str, expected: &str) {
    assert_eq!(message(source).strip_prefix("c:1: attempt to "), Some(expected), "{source}");
}

#[test]
fn variables_have_names() {
    raises("a.b = 1", "index a nil value (global 'a')");
    raises("local a; a.b = 1", "index a nil value (local 'a')");
    raises("local a; (function () a.b = 1 end)()", "index a nil value (upvalue 'a')");
    raises("local a; return (function () return a[1] end)()", "index a nil value (upvalue 'a')");
    raises("local a = {}; a.b.c = 1", "index a nil value (field 'b')");
    raises("local a = {}; return a[1].c", "index a nil value (field '?')");
    raises("local a = {}; a:b()", "call a nil value (method 'b')");
    raises("_ENV = nil; a = 1", "index a nil value (upvalue '_ENV')");
    raises("local _ENV = {}; a()", "call a nil value (global 'a')");
    raises("return ('x')()", "call a string value (constant 'x')");
    raises("return -'x'", "perform arithmetic on a string value (constant 'x')");
}

#[test]
fn long_names_are_names_too() {
    let long = "n".repeat(60);
    raises(&(long.clone() + "()"), &std::format!("call a nil value (global '{long}')"));
    raises(&std::format!("local t = {{}} t:{long}()"), &std::format!("call a nil value (method '{long}')"));
    raises(&std::format!("local t = {{}} t.{long}()"), &std::format!("call a nil value (field '{long}')"));
    // The iterator's copy is named after what its register held last, but a key never was in one.
    raises("for k in nil, nil, {'x'} do end", "call a nil value (constant 'x')");
    raises(&std::format!("for k in nil, nil, ({{}}).{long} do end"), "call a nil value");
}

#[test]
fn some_values_have_none() {
    raises("return (a or b)()", "call a nil value");
    raises("return 'x' + 1", "perform arithmetic on a string value");
    raises("return nil .. 'x'", "concatenate a nil value");
    raises("return #5", "get length of a number value");
    raises("local a, b; return a < b", "compare two nil values");
    raises("return {} < 1", "compare table with number");
    raises("for k in 5 do end", "call a number value");
}

#[test]
fn operands_are_blamed_in_order() {
    raises("local a, b = 1, {}; return a + b", "perform arithmetic on a table value (local 'b')");
    raises("local a, b = '1', {}; return a & b", "perform bitwise operation on a table value (local 'b')");
    raises("local a, b = {}, nil; return a .. b", "concatenate a table value (local 'a')");
    raises("local a, b = 1, nil; return a .. b", "concatenate a nil value (local 'b')");
    assert_eq!(message("local a = 1.5; return 2 | a"), "c:1: number (local 'a') has no integer representation");
    assert_eq!(message("return 2 | 1.5"), "c:1: number has no integer representation");
}
