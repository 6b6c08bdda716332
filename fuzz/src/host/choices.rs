//! Choices out of bytes, and arguments of all kinds: most of them sensible, many of them not.

use std::cell::RefCell;

use perilune_vm::{
    ArithOp, CompareOp, LoadMode, LuaState, LuaType, REGISTRY_INDEX, SAME_HANDLER, Status, Thrown, upvalue_index,
};

thread_local! {
    /// The bytes of which choices are made, and how many have been taken.
    static BYTES: RefCell<(Vec<u8>, usize)> = const { RefCell::new((Vec::new(), 0)) };
}

/// Begins the choices that follow from some bytes.
pub fn begin(bytes: &[u8]) {
    BYTES.set((bytes.to_vec(), 0));
}

/// Whether there are bytes left.
pub fn are_left() -> bool {
    BYTES.with_borrow(|(bytes, taken)| *taken < bytes.len())
}

/// The next byte, if there is one.
fn byte() -> Option<u8> {
    BYTES.with_borrow_mut(|(bytes, taken)| {
        let byte = bytes.get(*taken).copied()?;
        *taken += 1;
        Some(byte)
    })
}

/// A number below `n`, which is not 0. When no bytes are left it is the last one: what is rare is the first.
pub fn below(n: u64) -> u64 {
    let bytes = if n <= 1 << 8 { 1 } else { 4 };
    (0..bytes).try_fold(0, |number, _| Some(number << 8 | u64::from(byte()?))).map_or(n - 1, |number| number % n)
}

pub fn chance(one_in: u64) -> bool {
    below(one_in) == 0
}

/// One of some things.
pub fn one_of<T: Copy>(things: &[T]) -> T {
    things[below(things.len() as u64) as usize]
}

/// An index that may or may not name something.
pub fn index() -> i32 {
    match below(24) {
        0 => REGISTRY_INDEX,
        1 | 2 => upvalue_index(below(4) as i32),
        3 => one_of(&[i32::MAX, i32::MIN, i32::MIN + 1, REGISTRY_INDEX + 1, upvalue_index(256), upvalue_index(-3)]),
        4..14 => below(12) as i32,
        _ => -(below(12) as i32),
    }
}

/// What stands for a message handler.
pub fn handler() -> i32 {
    if chance(6) { SAME_HANDLER } else { index() }
}

/// A number of values that is sometimes too large.
pub fn count() -> usize {
    match below(34) {
        0 => 300,
        1 => 100_000,
        2 => 40,
        3 => one_of(&[usize::MAX, usize::MAX / 2, isize::MAX as usize, usize::MAX / 16, u32::MAX as usize, 1 << 32]),
        n => n as usize % 5,
    }
}

/// A number of results.
pub fn results() -> i32 {
    match below(34) {
        0 => 300,
        1 => one_of(&[i32::MAX, i32::MIN, 40_000, i16::MAX as i32, i16::MAX as i32 + 1, 65_535]),
        n => n as i32 % 5 - 1,
    }
}

/// A small number, or an extreme one.
pub fn number() -> i64 {
    if chance(12) { one_of(&[i64::MIN, i64::MAX, 1 << 31, 1 << 32, -(1 << 31), 1 << 53]) } else { below(9) as i64 - 2 }
}

/// The same, as a level or a number of a variable.
pub fn small() -> i32 {
    if chance(12) { one_of(&[i32::MIN, i32::MAX, 1 << 16]) } else { below(9) as i32 - 3 }
}

pub fn float() -> f64 {
    one_of(&[0.0, -0.0, 1.0, -1.5, 1e15, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, 3.25])
}

/// The name of a field: metamethods, most of the time.
pub fn name() -> &'static str {
    one_of(&[
        "__gc",
        "__index",
        "__newindex",
        "__call",
        "__add",
        "__concat",
        "__len",
        "__eq",
        "__lt",
        "__le",
        "__unm",
        "__tostring",
        "__mode",
        "__name",
        "__metatable",
        "x",
        "y",
        "field",
        "",
        "a name that is longer than short strings are, by far",
        "nul\0inside",
        "Value",
        "_LOADED",
    ])
}

/// Bytes that are pushed as a string.
pub fn bytes() -> Vec<u8> {
    match below(8) {
        0 => Vec::new(),
        1 => vec![b'x'; below(60) as usize],
        2 => vec![0xff; below(600) as usize],
        3 => b"0x10".to_vec(),
        4 => b" 12.5e1 ".to_vec(),
        5 => b"k".to_vec(),
        _ => name().as_bytes().to_vec(),
    }
}

pub fn arith_op() -> ArithOp {
    use ArithOp::{Add, BAnd, BNot, BOr, BXor, Div, IDiv, Mod, Mul, Pow, Shl, Shr, Sub, Unm};
    one_of(&[Add, Sub, Mul, Mod, Pow, Div, IDiv, BAnd, BOr, BXor, Shl, Shr, Unm, BNot])
}

pub fn compare_op() -> CompareOp {
    one_of(&[CompareOp::Eq, CompareOp::Lt, CompareOp::Le])
}

pub fn load_mode() -> LoadMode<'static> {
    one_of(&[LoadMode::ANY, LoadMode::ANY, LoadMode::TEXT, LoadMode::BINARY, LoadMode::from_bytes(b"\xffx")])
}

pub fn lua_type() -> LuaType {
    use LuaType::{Boolean, Function, LightUserdata, Nil, None, Number, String, Table, Thread, Userdata};
    one_of(&[None, Nil, Boolean, LightUserdata, Number, String, Table, Function, Userdata, Thread])
}

pub fn thrown() -> Thrown {
    use Thrown::{Call, ErrorInHandler, Finalizer, Memory, Resume, Runtime, Syntax, Yield};
    one_of(&[Yield, Runtime, Syntax, Memory, Finalizer, ErrorInHandler, Call, Resume])
}

/// Options of `get_info`.
pub fn options() -> &'static str {
    one_of(&["nSltufL", ">nSltuf", "f", "L", "fL", "n", "?", "", "S", ">L", "nSltuf"])
}

/// Whether a status says that something came to its end.
pub fn ended(status: Status) -> bool {
    matches!(status, Status::Ok | Status::Yield)
}

/// A piece of source text.
pub fn chunk() -> &'static str {
    one_of(CHUNKS)
}

const CHUNKS: &[&str] = &[
    "return ...",
    "local a, b = ... local function f() a = b return a end return f, f()",
    "local t = {...} for i = 1, #t do t[i] = function() return t[i] end end return t",
    "error('x')",
    "local a = ... return pcall(a, ...)",
    "local a, b = ... return a .. b",
    "local a, b = ... return a + b < a",
    "local a, b = ... a[b] = a return a[b]",
    "local a = ... for k, v in a do a(k, v) end",
    "local n = ... local x <const> = 1",
    "local s = 0 for i = 1, 30 do local function f() s = s + i return s end s = f() end return s",
    "local f = ... local function g(...) local x = select and 1 return f(...) end return g(1, 2, 3, ...)",
    "local a, b, c = ... a(b, c) local d = function() a, b, c = c, b, a return b end return d",
    "goto x ::x:: return #...",
    "local a = ... return a()()",
    "local f = ... local t = setmetatable and {} or {} t.x = f(t) return t, f(f)",
    "local f = ... for i = 1, 3 do local x = {f(i, ...)} for j = #x, 1, -1 do x[j] = f end end return f((f(...)))",
    "local function v(...) local a, b = ... return ... end return v(v(v(...)), v(...))",
    "local f, g = ... local s = '' for i = 1, 5 do s = s .. (f(i) or i) .. 'x' end return s, -f, #s, f == g, f <= g",
    "local f = ... return f(f(f(...), 1), {f(...), n = f}, ...)",
    "for i = 3, 1, -1 do for j = 0.5, 2 do wild(i, j) end end return wild",
    "local o = {} for i = 1, 300 do o[i] = {i, tostring = wild, [o] = i} end return o",
    "return (function(...) return resume and resume(...) end)(...)",
    "return yield(...)",
];

/// The number of values that a state's frame holds, for those who want to be right for once.
pub fn held(lua: &LuaState) -> usize {
    lua.get_top().max(0) as usize
}
