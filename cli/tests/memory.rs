//! Memory that ends: under an exact limit and under one of the operating system, scripts that ask for too much get an error that
//! they can catch, go on, and end well. The program never takes much more from the system than its scripts may have.

#![cfg(target_os = "linux")]

use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_perilune");
const MEBIBYTE: u64 = 1 << 20;
/// The limit of the scripts, in bytes.
const LIMIT: u64 = 16 * MEBIBYTE;
/// What the process may be larger than its limit, in bytes: the program itself, the C library, what the allocator wastes.
const BESIDES: u64 = 8 * MEBIBYTE;
/// The same where blocks are small, in bytes.
const BESIDES_NIBBLERS: u64 = 12 * MEBIBYTE;

/// Each takes all the memory that it can get, in its own way.
const GLUTTONS: &[(&str, &str)] = &[
    ("string.rep of 1 GB", "string.rep('x', 1 << 30)"),
    ("string.rep with a separator", "string.rep('x', 1 << 28, 'abc')"),
    ("repeated doubling", "local s = 'x' while true do s = s .. s end"),
    ("long concatenations", "local s = ('x'):rep(1 << 20) while true do s = s .. s .. s .. s .. s .. s end"),
    ("table.concat of 2 GB", "local t, s = {}, ('x'):rep(1 << 20) for i = 1, 2048 do t[i] = s end table.concat(t)"),
    ("gsub that grows to 1 GB", "('x'):rep(1 << 20):gsub('x', ('y'):rep(1 << 10))"),
    ("gsub with a function", "local y = ('y'):rep(1 << 10) ; ('x'):rep(1 << 20):gsub('x', function() return y end)"),
    (
        "string.format",
        "local s = ('x'):rep(1 << 20) string.format(('%s'):rep(100), table.unpack(setmetatable({}, {__index = function() return s end}), 1, 100))",
    ),
    ("deep recursion", "local function f(...) return 1 + f(1, ...) end f()"),
    (
        "deep recursion through metamethods",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] .. 'y' end return t.x",
    ),
    (
        "a huge table of constants",
        "local n = 0 assert(load(function() n = n + 1 return n == 1 and 'return {' or n .. '.5, ' end))",
    ),
    ("a huge function", "assert(load(function() return 'x = x + y ' end))"),
    (
        "a coroutine flood",
        "local t = {} while true do local f = coroutine.wrap(function() coroutine.yield() end) f() t[#t + 1] = f end",
    ),
    (
        "coroutines in coroutines",
        "local t = {} local function f() t[#t + 1] = ('x'):rep(100 << 10) .. #t coroutine.wrap(f)() end f()",
    ),
    ("an endless file", "io.open('/dev/zero'):read('a')"),
    ("an endless line", "io.open('/dev/zero'):read('l')"),
    ("a gigabyte of a file", "io.open('/dev/zero'):read(1 << 30)"),
    (
        "lines of an endless file",
        "local t = {} for block in io.lines('/dev/zero', 65536) do t[#t + 1] = block .. #t end",
    ),
    ("a growing array", "local t = {} for i = 1, math.huge do t[i] = i end"),
    ("table.insert", "local t = {} while true do table.insert(t, 1.5) end"),
    ("a growing hash", "local t = {} for i = 1, math.huge do t[i + 0.5] = true end"),
    (
        "table.pack of much",
        "local t = {} for i = 1, 200000 do t[i] = i end while true do t = {t, table.pack(table.unpack(t[1] and t, 1, 200000))} end",
    ),
    (
        "string.dump",
        "local f = load('return {' .. ('1.5, '):rep(200000) .. '}') local t = {} while true do t[#t + 1] = string.dump(f) .. #t end",
    ),
    (
        "string.pack",
        "string.pack(('s8'):rep(40), table.unpack(setmetatable({}, {__index = function() return ('x'):rep(1 << 20) end}), 1, 40))",
    ),
    (
        "utf8.char",
        "local t = {} for i = 1, 100000 do t[i] = 0x10FFFF end local s = {} while true do s[#s + 1] = utf8.char(table.unpack(t)) .. #s end",
    ),
    ("an error's message", "local s = 'x' while true do s = s .. s pcall(error, s) end"),
];

/// These take it in pieces so small that what the allocator puts around each of them counts, or leave so many behind that its pages of
/// them do, which it keeps.
const NIBBLERS: &[(&str, &str)] = &[
    (
        "a huge string in a source",
        "local first = true assert(load(function() if first then first = false return 'return \"' end return ('x'):rep(1000) end))",
    ),
    ("a huge name in a source", "assert(load(function() return ('x'):rep(1000) end))"),
    ("many strings", "local t = {} for i = 1, math.huge do t['key' .. i] = i end"),
    ("many closures", "local t = {} for i = 1, math.huge do t[i] = function() return i end end"),
    ("many tables", "local t while true do t = {t} end"),
    ("many finalizers", "local t, mt = {}, {__gc = function() end} while true do t[#t + 1] = setmetatable({}, mt) end"),
    (
        "a traceback",
        "local s = {} local function f() s[#s + 1] = debug.traceback(('x'):rep(10000)) .. #s return f() end f()",
    ),
];

/// What a glutton runs in: it catches its error, takes memory as before, and says so.
fn script(glutton: &str) -> String {
    format!(
        "local ok, message = pcall(function() {glutton} end)\n\
         assert(not ok, 'it has ended')\n\
         collectgarbage()\n\
         local t = {{}}\n\
         for i = 1, 1000 do t[i] = {{'item ' .. i}} end\n\
         assert(#table.concat({{#t, t[1000][1]}}) == 13)\n\
         print('went on after', (tostring(message):gsub('^.-: ', '')))"
    )
}

/// What a run left behind.
struct Outcome {
    succeeded: bool,
    stdout: String,
    stderr: String,
    /// The most memory that the process has had, in bytes.
    resident: u64,
}

fn finish(mut child: Child) -> Outcome {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let pid = child.id() as libc::pid_t;
    // The output is short, so that it fits into the pipes until the process has ended.
    // SAFETY: both places are writable; the child is waited for here alone.
    let usage = unsafe {
        assert_eq!(libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()), pid);
        usage.assume_init()
    };
    let mut text = [String::new(), String::new()];
    std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut text[0]).expect("a text");
    std::io::Read::read_to_string(&mut child.stderr.take().expect("a pipe"), &mut text[1]).expect("a text");
    let [stdout, stderr] = text;
    let succeeded = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
    Outcome { succeeded, stdout, stderr, resident: usage.ru_maxrss as u64 * 1024 }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("-E").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What never ends is to fail here, too.
    limit_resource(&mut command, libc::RLIMIT_CPU, 120);
    command
}

/// Has the operating system limit a resource of a program that is to be started.
fn limit_resource(command: &mut Command, resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: setrlimit is allowed between fork and exec.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(resource, &limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}

/// The largest sum of live bytes that `--alloc-stats` has told of.
fn peak(stderr: &str) -> u64 {
    let line = stderr.lines().find(|line| line.starts_with("peak")).expect("the statistics tell of the peak");
    line.split_whitespace().nth(1).and_then(|bytes| bytes.parse().ok()).expect("the peak is a number")
}

#[test]
fn a_limit_is_never_passed() {
    let limit = LIMIT.to_string();
    let gluttons = GLUTTONS.iter().map(|glutton| (glutton, BESIDES));
    for ((name, glutton), besides) in gluttons.chain(NIBBLERS.iter().map(|nibbler| (nibbler, BESIDES_NIBBLERS))) {
        let mut command = program(&["--mem-limit", &limit, "--alloc-stats", "-e", &script(glutton)]);
        let outcome = finish(command.spawn().expect("the program starts"));
        assert!(outcome.succeeded, "{name}: {}", outcome.stderr);
        assert!(outcome.stdout.starts_with("went on after"), "{name}: {}", outcome.stdout);
        let peak = peak(&outcome.stderr);
        assert!(peak <= LIMIT, "{name}: {peak} bytes were live");
        assert!(outcome.resident <= LIMIT + besides, "{name}: {} KiB were resident", outcome.resident / 1024);
    }
}

#[test]
fn the_limit_of_the_system_is_an_error_too() {
    for (name, glutton) in GLUTTONS.iter().chain(NIBBLERS) {
        let mut command = program(&["-e", &script(glutton)]);
        limit_resource(&mut command, libc::RLIMIT_AS, 64 * MEBIBYTE);
        let outcome = finish(command.spawn().expect("the program starts"));
        assert!(outcome.succeeded, "{name}: {}", outcome.stderr);
        assert!(outcome.stdout.starts_with("went on after"), "{name}: {}", outcome.stdout);
    }
}
