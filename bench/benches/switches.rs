//! Criterion benches of calls and returns and of coroutine switches.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, Status};

/// Each: a name, and a Lua function of the number of iterations.
const CASES: &[(&str, &str)] = &[
    ("call/lua", "local function f() end return function(n) for i = 1, n do f() end end"),
    ("call/lua 1 argument", "local function f(a) return a end return function(n) for i = 1, n do f(i) end end"),
    ("call/vararg", "local function f(...) return ... end return function(n) for i = 1, n do f(i) end end"),
    ("call/native", "local f = math.abs return function(n) for i = 1, n do f(i) end end"),
    ("call/pcall", "local function f() end return function(n) for i = 1, n do pcall(f) end end"),
    ("call/method", "local o = {m = function(self) end} return function(n) for i = 1, n do o:m() end end"),
    (
        "coroutine/switch",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) local c = coroutine.create(function() while true do y() end end) for i = 1, n do r(c) end end",
    ),
    (
        "coroutine/create",
        "local c, r = coroutine.create, coroutine.resume local function f() end \
         return function(n) for i = 1, n do r(c(f)) end end",
    ),
];

/// How many iterations one measured run does.
const ITERATIONS: i64 = 1000;

fn switches(criterion: &mut Criterion) {
    for (name, source) in CASES {
        let mut lua = Lua::new(System).expect("a state");
        perilune_stdlib::open_libs(&mut lua).expect("the standard library");
        assert_eq!(lua.load_bytes(source.as_bytes(), b"=bench", LoadMode::TEXT), Status::Ok);
        lua.call(0, 1).expect("a function");
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                lua.push_value(-1).expect("room");
                lua.push_integer(black_box(ITERATIONS)).expect("room");
                lua.call(1, 0).expect("no error");
            });
        });
    }
}

criterion_group!(benches, switches);
criterion_main!(benches);
