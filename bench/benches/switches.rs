//! Criterion benches of calls and returns and of coroutine switches: ours, and beside it in the same run whatever of the
//! peers is installed (`lua5.3`, `lua5.4`, LuaJIT with its compiler off).
//!
//! Every one times the loop itself by its own `os.clock`, which is processor time, so that neither start-up nor compilation
//! nor what else the machine does counts. Peers run in processes of their own.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, Status};

/// Each: a name, and a Lua function of the number of iterations.
const CASES: &[(&str, &str)] = &[
    // What all others have in them, too.
    ("call/none, the loop alone", "return function(n) for i = 1, n do end end"),
    ("call/no arguments", "local function f() end return function(n) for i = 1, n do f() end end"),
    ("call/1 argument", "local function f(a) return a end return function(n) for i = 1, n do f(i) end end"),
    (
        "call/1 argument, 8 calls in a row",
        "local function f(a) return a end \
         return function(n) for i = 1, n, 8 do f(i) f(i) f(i) f(i) f(i) f(i) f(i) f(i) end end",
    ),
    (
        "call/8 arguments",
        "local function f(a, b, c, d, e, f, g, h) return h end \
         return function(n) for i = 1, n do f(1, 2, 3, 4, 5, 6, 7, i) end end",
    ),
    ("call/vararg", "local function f(...) return ... end return function(n) for i = 1, n do f(i, i) end end"),
    (
        "call/tail",
        "local function g(a) return a end local function f(a) return g(a) end \
         return function(n) for i = 1, n do f(i) end end",
    ),
    ("call/method", "local o = {m = function(self) end} return function(n) for i = 1, n do o:m() end end"),
    ("call/native", "local f = math.abs return function(n) for i = 1, n do f(i) end end"),
    ("call/pcall", "local function f() end return function(n) for i = 1, n do pcall(f) end end"),
    (
        "call/metamethod",
        "local t = setmetatable({}, {__add = function(a, b) return b end}) \
         return function(n) for i = 1, n do local x = t + i end end",
    ),
    ("call/closure", "return function(n) for i = 1, n do local f = function() return i end end end"),
    (
        "coroutine/switch",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) local c = coroutine.create(function() while true do y() end end) for i = 1, n do r(c) end end",
    ),
    (
        "coroutine/switch with values",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) \
           local c = coroutine.create(function(a, b) while true do a, b = y(b, a) end end) \
           for i = 1, n do local ok, a, b = r(c, i, n) end \
         end",
    ),
    (
        "coroutine/wrap",
        "local y = coroutine.yield \
         return function(n) local f = coroutine.wrap(function() while true do y() end end) for i = 1, n do f() end end",
    ),
    (
        "coroutine/across pcall",
        "local y, r = coroutine.yield, coroutine.resume \
         return function(n) \
           local c = coroutine.create(function() pcall(function() while true do y() end end) end) \
           for i = 1, n do r(c) end \
         end",
    ),
    (
        "coroutine/create and finish",
        "local c, r = coroutine.create, coroutine.resume local function f() end \
         return function(n) for i = 1, n do r(c(f)) end end",
    ),
];

/// The peers: what they are called here, the program, its arguments.
const PEERS: &[(&str, &str, &[&str])] =
    &[("lua5.3", "lua5.3", &[]), ("lua5.4", "lua5.4", &[]), ("luajit -joff", "luajit", &["-joff"])];

/// How many iterations of a case count as one of criterion's.
const BATCH: u64 = 1000;

/// A Lua function of the number of iterations that returns the seconds that a case takes.
fn timed(source: &str) -> String {
    format!(
        "local f, clock = (function() {source} end)(), os.clock \
         return function(n) local t = clock() f(n) return clock() - t end"
    )
}

/// Runs a case in a peer.
fn time_in_peer(program: &str, arguments: &[&str], source: &str, iterations: u64) -> Option<Duration> {
    let script = format!("io.write(string.format('%.9f', (function() {} end)()({iterations})))", timed(source));
    let output = Command::new(program).args(arguments).arg("-e").arg(script).output().ok()?;
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}

/// Runs a case here.
fn time_here(lua: &mut Lua<System>, iterations: u64) -> Duration {
    lua.push_value(-1).expect("room");
    lua.push_integer(black_box(iterations as i64)).expect("room");
    lua.call(1, 1).expect("no error");
    let seconds = lua.to_number(-1).expect("seconds");
    lua.pop(1);
    Duration::from_secs_f64(seconds)
}

fn switches(criterion: &mut Criterion) {
    for (name, source) in CASES {
        let mut group = criterion.benchmark_group(*name);
        group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements(BATCH));
        let mut lua = Lua::new(System).expect("a state");
        perilune_stdlib::open_libs(&mut lua).expect("the standard library");
        assert_eq!(lua.load_bytes(timed(source).as_bytes(), b"=bench", LoadMode::TEXT), Status::Ok);
        lua.call(0, 1).expect("a function");
        group.bench_function(BenchmarkId::from_parameter("perilune"), |bencher| {
            bencher.iter_custom(|iterations| time_here(&mut lua, iterations * BATCH));
        });
        for (label, program, arguments) in PEERS {
            if time_in_peer(program, arguments, source, 1).is_none() {
                eprintln!("{label} is not installed: left out");
                continue;
            }
            group.bench_function(BenchmarkId::from_parameter(label), |bencher| {
                bencher.iter_custom(|iterations| {
                    time_in_peer(program, arguments, source, iterations * BATCH).expect("it ran before")
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, switches);
criterion_main!(benches);
