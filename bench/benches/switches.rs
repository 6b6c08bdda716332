//! Criterion benches of calls and returns and of coroutine switches: ours, and beside it in the same run whatever of the
//! peers is installed (`lua5.3`, `lua5.4`, LuaJIT with its compiler off).
//!
//! Every one times the loop itself by its own `os.clock`, which is processor time, so that neither start-up nor compilation
//! nor what else the machine does counts. Peers run in processes of their own. What makes objects runs on several allocators.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use perilune_alloc_adapters::{BumpFreeList, Libc, LuaAlloc, Mimalloc, Slab, System};
use perilune_vm::{LoadMode, Lua, LuaState, Status};

mod cases;

use cases::{CASES, Case};

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
fn time_here(lua: &mut LuaState, iterations: u64) -> Duration {
    lua.push_value(-1).expect("room");
    lua.push_integer(black_box(iterations as i64)).expect("room");
    lua.call(1, 1).expect("no error");
    let seconds = lua.to_number(-1).expect("seconds");
    lua.pop(1);
    Duration::from_secs_f64(seconds)
}

/// Runs a case on an allocator.
fn bench_on<A: LuaAlloc>(group: &mut BenchmarkGroup<'_, WallTime>, label: &str, allocator: A, source: &str) {
    let mut lua = Lua::new(allocator).expect("a state");
    perilune_stdlib::open_libs(&mut lua).expect("the standard library");
    assert_eq!(lua.load_bytes(timed(source).as_bytes(), b"=bench", LoadMode::TEXT), Status::Ok);
    lua.call(0, 1).expect("a function");
    group.bench_function(BenchmarkId::from_parameter(label), |bencher| {
        bencher.iter_custom(|iterations| time_here(&mut lua, iterations * BATCH));
    });
}

fn switches(criterion: &mut Criterion) {
    for Case { name, source, allocates } in CASES {
        let mut group = criterion.benchmark_group(*name);
        group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements(BATCH));
        bench_on(&mut group, "perilune", Slab::new(), source);
        if *allocates {
            bench_on(&mut group, "perilune on system", System, source);
            bench_on(&mut group, "perilune on libc", Libc, source);
            bench_on(&mut group, "perilune on mimalloc", Mimalloc::new(), source);
            bench_on(&mut group, "perilune on bump-free-list", BumpFreeList::new(), source);
        }
        for (label, program, arguments) in PEERS {
            if time_in_peer(program, arguments, source, 1).is_none() {
                eprintln!("{label} is not installed, or cannot do this: left out");
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
