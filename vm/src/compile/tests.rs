//! Tests of the compiler as a whole: messages, memory, and how deep it may go.

use std::alloc::Layout;
use std::cell::Cell;
use std::string::String;
use std::vec::Vec;

use perilune_core::{LuaAlloc, OldSize};

use crate::compile::ChunkReader;
use crate::error::{LuaResult, Status};
use crate::state::{Lua, LuaState};
use crate::{LoadMode, list};

/// The platform's memory, which can be made to run out.
struct Memory {
    live: Cell<usize>,
    requests: Cell<usize>,
    limit: Cell<usize>,
}

impl Memory {
    fn new() -> Self {
        Self { live: Cell::new(0), requests: Cell::new(0), limit: Cell::new(usize::MAX) }
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap()
}

// SAFETY: blocks are the platform's, aligned to 16 bytes; null comes only where the contract allows it.
unsafe impl LuaAlloc for Memory {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize > old {
            self.requests.set(self.requests.get() + 1);
            if self.requests.get() > self.limit.get() {
                return core::ptr::null_mut();
            }
        }
        self.live.set(self.live.get() + nsize - old);
        // SAFETY: the caller's promise about `ptr` and its size.
        unsafe {
            match (old, nsize) {
                (0, 0) => core::ptr::null_mut(),
                (0, _) => std::alloc::alloc(layout(nsize)),
                (_, 0) => {
                    std::alloc::dealloc(ptr, layout(old));
                    core::ptr::null_mut()
                }
                _ => std::alloc::realloc(ptr, layout(old), nsize),
            }
        }
    }
}

/// The message of a chunk that is wrong; "" for one that is right.
fn message(lua: &mut LuaState, source: &str) -> String {
    let status = lua.load_bytes(source.as_bytes(), b"=x", LoadMode::TEXT);
    let text = match lua.to_str(-1) {
        // SAFETY: the message lies on the stack.
        Ok(Some(text)) if status != Status::Ok => String::from_utf8_lossy(unsafe { text.bytes() }).into_owned(),
        _ => String::new(),
    };
    lua.pop(1);
    text
}

#[test]
fn syntax_errors() {
    let mut lua = Lua::new(Memory::new()).unwrap();
    for (source, expected) in [
        ("x = 1 end", "<eof> expected near 'end'"),
        ("x = }", "unexpected symbol near '}'"),
        ("x = \x01", "unexpected symbol near '<\\1>'"),
        ("x = \0", "unexpected symbol"),
        ("x = 'a\\q'", "invalid escape sequence near ''a\\q'"),
        ("x = '\\400'", "decimal escape too large near ''\\400''"),
        ("x = '\\xZ'", "hexadecimal digit expected near ''\\xZ'"),
        ("x = '\\u{110000}'", "UTF-8 value too large near ''\\u{110000'"),
        ("x = 'a\n'", "unfinished string near ''a'"),
        ("x = 'a", "unfinished string near <eof>"),
        ("x = [==[]]", "unfinished long string (starting at line 1) near <eof>"),
        ("--[[", "unfinished long comment (starting at line 1) near <eof>"),
        ("x = [=a", "invalid long string delimiter near '[='"),
        ("x = 3..4", "malformed number near '3..4'"),
        ("goto l", "no visible label 'l' for <goto> at line 1"),
        ("break", "<break> at line 1 not inside a loop"),
        ("::l:: ::l::", "label 'l' already defined on line 1"),
        ("goto l; local a; ::l:: f()", "<goto l> at line 1 jumps into the scope of local 'a'"),
        ("f(1", "')' expected near <eof>"),
        ("(f)", "syntax error near <eof>"),
        ("function f() return ... end", "cannot use '...' outside a vararg function near '...'"),
        ("for a do end", "'=' or 'in' expected near 'do'"),
        ("local function f(a.b) end", "')' expected near '.'"),
    ] {
        assert_eq!(message(&mut lua, source), std::format!("x:1: {expected}"), "{source}");
    }
    // The line where an expression begins, not that of the parenthesis, is the one to look at.
    assert_eq!(message(&mut lua, "f\n(\n1"), "x:3: ')' expected (to close '(' at line 1) near <eof>");
    assert_eq!(message(&mut lua, "\r\n\n\rx = }"), "x:3: unexpected symbol near '}'");
}

/// `name0, name1, ...`
fn names(n: usize) -> String {
    (0..n).map(|i| std::format!("name{i}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn limits() {
    let mut lua = Lua::new(Memory::new()).unwrap();
    let locals = std::format!("\nfunction f() local {} end", names(201));
    let expected = "x:2: too many local variables (limit is 200) in function at line 2 near 'end'";
    assert_eq!(message(&mut lua, &locals), expected);
    let call = std::format!("f({})", names(254));
    let expected = "x:1: function or expression needs too many registers near <eof>";
    assert_eq!(message(&mut lua, &call), expected);
}

#[test]
fn nesting_is_limited_before_the_stack_overflows() {
    let deep = || {
        let mut lua = Lua::new(Memory::new()).unwrap();
        for (start, part) in [
            ("x = ", "("),
            ("x = ", "{"),
            ("x = ", "{["),
            ("x = ", "f("),
            ("x = ", "a["),
            ("x = ", "not "),
            ("x = ", "2^"),
            ("", "do "),
            ("", "while a do "),
            ("", "repeat "),
            ("", "if a then "),
            ("", "x = function() "),
            ("", "local function f() "),
            ("", "a, "),
        ] {
            let text = message(&mut lua, &(String::from(start) + &part.repeat(300)));
            assert!(text.contains("C levels (limit is 200) in "), "{part}: {text}");
        }
    };
    // As the tests of depth of the library do: frames are larger under a sanitizer.
    let factor = std::env::var("PERILUNE_TEST_FRAMES").map_or(1, |text| text.parse::<usize>().expect("a number"));
    std::thread::Builder::new().stack_size(factor * 256 * 1024).spawn(deep).unwrap().join().unwrap();
}

/// A program with most of the grammar.
const PROGRAM: &str = r#"
local a, b, c = 1, 2.0, "a string that is long, of more than forty bytes"
local t = {1, 2, x = a, [a] = b; f(), n = nil, [1] = true, (g())}
function t.u.v:m(x, ...)
  local y = ...
  return self:k(y // 1 | 2, x .. "z" .. 1.5 .. "\u{7FF}\z
    \x41\65"), ...
end
for i = 1, 10, a do
  local j = i
  t[i] = function() a = a + j; return t[j] end
  if i % 2 == 0 then goto continue elseif j > 3 then break else b = not b end
  ::continue::
end
::top::
for k, v in pairs(t) do
  local w
  local function h() return w, h end
  repeat local z = v; local function q() return z end until q() ~= k or z < 5.0
  if w and not k then goto top end
end
while a <= 2 and b do a, t[a], t.x = t.x, a end
return f(t.x, #t)
"#;

#[test]
fn memory_may_run_out_anywhere() {
    let mut granted = 0;
    loop {
        let memory = Memory::new();
        let mut lua = Lua::new(&memory).unwrap();
        memory.limit.set(memory.requests.get() + granted);
        let status = lua.load_bytes(PROGRAM.as_bytes(), b"=x", LoadMode::TEXT);
        memory.limit.set(usize::MAX);
        drop(lua);
        assert_eq!(memory.live.get(), 0, "{granted} requests granted");
        if status == Status::Ok {
            break;
        }
        assert_eq!(status, Status::ErrMem);
        granted += 1;
    }
    assert!(granted > 50);
}

/// Hands out a text byte by byte.
struct Bytewise<'a>(&'a [u8]);

impl ChunkReader for Bytewise<'_> {
    fn read(&mut self, _lua: &mut LuaState) -> LuaResult<&[u8]> {
        let (piece, rest) = self.0.split_at(self.0.len().min(1));
        self.0 = rest;
        Ok(piece)
    }
}

/// The listing of the function on top, without the addresses that it shows.
fn listing(lua: &mut LuaState) -> String {
    let mut text = String::new();
    list(lua, &mut text, false).unwrap();
    text.lines().filter(|line| !line.contains("0x")).map(|line| std::format!("{line}\n")).collect()
}

#[test]
fn pieces_make_no_difference() {
    let mut lua = Lua::new(Memory::new()).unwrap();
    assert_eq!(lua.load_bytes(PROGRAM.as_bytes(), b"=x", LoadMode::TEXT), Status::Ok);
    let whole = listing(&mut lua);
    assert_eq!(lua.load(&mut Bytewise(PROGRAM.as_bytes()), b"=x", LoadMode::TEXT), Status::Ok);
    assert_eq!(whole, listing(&mut lua));
    assert!(whole.lines().count() > 100);
}

#[test]
fn a_test_may_be_the_key_into_an_upvalue() {
    let mut lua = Lua::new(Memory::new()).unwrap();
    let source = "local t = {[true] = 7, [false] = 8}; local function f(a) return t[a == 1] end; return f(1), f(2)";
    assert_eq!(lua.load_bytes(source.as_bytes(), b"=x", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 2, 0), Status::Ok);
    assert_eq!((lua.to_integer(-2), lua.to_integer(-1)), (Some(7), Some(8)));
}
