//! What the libraries of sockets leave behind, in memory and in descriptors; peers that send without end; and LuaSocket's modules
//! that are written in Lua.
#![cfg(all(feature = "socket", unix))]

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use perilune_alloc_adapters::{Checking, Counting, Limit, LuaAlloc, OldSize, System};
use perilune_stdlib::{open_libs, preload_socket};
use perilune_vm::{LoadMode, Lua, LuaState, Status};

/// Only one test runs at a time, since they count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many descriptors the process has.
fn descriptors() -> usize {
    fs::read_dir("/dev/fd").expect("a list of descriptors").count()
}

/// A state with all libraries.
fn new_state<A: LuaAlloc>(memory: A) -> Option<Lua<A>> {
    let mut lua = Lua::with_seed(memory, 1).ok()?;
    open_libs(&mut lua).and_then(|()| preload_socket(&mut lua)).is_ok().then_some(lua)
}

/// Runs a script in a state; gives what it returned, or how it failed.
fn run(lua: &mut LuaState, script: &str) -> Result<String, (Status, String)> {
    let top = lua.get_top();
    let mut status = lua.load_bytes(script.as_bytes(), b"=script", LoadMode::TEXT);
    if status == Status::Ok {
        status = lua.pcall(0, 1, 0);
    }
    let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned();
    lua.pop((lua.get_top() - top) as usize);
    if status == Status::Ok { Ok(text) } else { Err((status, text)) }
}

/// Makes every kind of object, of every class, and leaves all of them open: with bytes to receive, in sources and sinks, in
/// coroutines that wait, and not even named. Its result does not depend on addresses or time.
const EVERYTHING: &str = r##"
    local socket, unix, mime = require "socket", require "socket.unix", require "mime.core"
    kept = {}
    local function keep(...)
      for _, object in ipairs { ... } do kept[#kept + 1] = object end
      return ...
    end
    local out = {}
    local function note(...)
      for i = 1, select("#", ...) do out[#out + 1] = tostring((select(i, ...))):gsub(": 0x%x+$", "") end
    end
    local server = keep(assert(socket.bind("127.0.0.1", 0)))
    local port = select(2, server:getsockname())
    local a = keep(assert(socket.connect("127.0.0.1", port)))
    local b = keep(assert(server:accept()))
    note(server, a, b, socket.tcp4(), keep(socket.tcp()), socket.udp4())
    a:send("first\nsecond\n" .. ("x"):rep(20000) .. "\nrest")
    note(b:receive(), b:receive("*l", "pre"), #b:receive(), b:receive(2), b:dirty())
    b:settimeout(0)
    note(b:receive(), b:receive("*a"), b:receive(5, "abc"))
    a:send(("y"):rep(3000))
    note(#select(3, b:receive("*a")), b:receive(0), b:setoption("linger", { on = false, timeout = 0 }), b:getoption("linger").on)
    local r, w = socket.select({ a, b, server }, { a, b, socket.tcp() }, 0)
    note(#r, #w)
    local many = {}
    for i = 1, 20 do many[i] = keep(assert(socket.udp4())) end
    note(#select(2, socket.select(many, many, 0)))
    local u, v = many[1], many[2]
    u:setsockname("127.0.0.1", 0)
    v:sendto("datagram", "127.0.0.1", (select(2, u:getsockname())))
    v:sendto(("z"):rep(9000), "127.0.0.1", (select(2, u:getsockname())))
    v:sendto(("z"):rep(9000), "127.0.0.1", (select(2, u:getsockname())))
    note((u:receivefrom()), #u:receive(), #u:receive(100000))
    note(v:setpeername("127.0.0.1", (select(2, u:getsockname()))), v, v:send("x"), v:setpeername("*"), v)
    local s, c = keep(unix.stream()), keep(unix.dgram())
    note(s, c, socket.connect("127.0.0.1", port, "192.0.2.1"))
    note(socket.connect("127.0.0.1", "no such service"), socket.dns.toip("localhost"), #socket.dns.getaddrinfo("127.0.0.1"))
    note(socket.try(1, 2), socket.protect(function() socket.try(nil, "raised") end)())
    local waiting = keep(coroutine.create(socket.protect(function()
      local mine = assert(socket.connect("127.0.0.1", port))
      socket.newtry(function() mine:close() end)(coroutine.yield(mine))
    end)))
    coroutine.resume(waiting)
    keep(socket.source("by-length", a, 5), socket.sink("keep-open", socket.udp4()))
    note(mime.b64("text", ""), mime.qp("a=b", " "), mime.wrp(3, "abcdef", 4))
    return table.concat(out, " ")
"##;

#[test]
fn closing_a_state_leaves_nothing() {
    let _turn = alone();
    let before = descriptors();
    let memory = Counting::new(Checking::recording(System));
    {
        let mut lua = new_state(&memory).expect("a state");
        let text = run(&mut lua, EVERYTHING).expect("a result");
        assert!(
            text.starts_with("tcp{server} tcp{client} tcp{client} tcp{master} tcp{master} udp{unconnected} first"),
            "{text}"
        );
        assert!(descriptors() >= before + 25, "the sockets are open");
    }
    assert_eq!(descriptors(), before);
    assert_eq!(memory.stats().live_bytes, 0);
    assert_eq!(memory.inner().violations(), []);
}

#[test]
fn the_collector_closes_what_nobody_has() {
    let _turn = alone();
    let before = descriptors();
    let memory = Counting::new(System);
    {
        let mut lua = new_state(&memory).expect("a state");
        let lost = "local socket = require 'socket'
            local server = assert(socket.bind('127.0.0.1', 0))
            for i = 1, 3000 do
              local client = assert(socket.connect('127.0.0.1', (select(2, server:getsockname()))))
              assert(server:accept())
              if i % 20 == 0 then collectgarbage() end
            end
            return 'done'";
        assert_eq!(run(&mut lua, lost), Ok("done".into()));
        assert!(descriptors() < before + 60, "the collector did not close the sockets");
        let closed = "collectgarbage() collectgarbage() return 'closed'";
        assert_eq!(run(&mut lua, closed), Ok("closed".into()));
        assert_eq!(descriptors(), before, "all of them are gone while the state goes on");
    }
    assert_eq!(memory.stats().live_bytes, 0);
}

#[test]
fn failures_leave_no_descriptor() {
    let _turn = alone();
    let memory = Counting::new(System);
    let mut lua = new_state(&memory).expect("a state");
    // None of the objects is there afterwards, and no collection is needed to close what failed.
    let script = "local socket, unix = require 'socket', require 'socket.unix'
        collectgarbage() collectgarbage() collectgarbage('stop')
        local silent = socket.tcp4() silent:bind('127.0.0.1', 0)
        local port = select(2, silent:getsockname())
        for i = 1, 100 do
          assert(not socket.connect('127.0.0.1', port))
          assert(not socket.connect('127.0.0.1', port, '192.0.2.1'))
          assert(not socket.connect('127.0.0.1', port, '127.0.0.1', port))
          assert(not socket.bind('127.0.0.1', port))
          assert(not socket.bind('192.0.2.1', 0))
          assert(not unix.stream():connect('/no/such/socket'))
          assert(not unix.dgram():bind('/no/such/directory/socket'))
        end
        silent:close()
        return 'done'";
    let before = descriptors();
    assert_eq!(run(&mut lua, script), Ok("done".into()));
    assert_eq!(descriptors(), before);
}

/// Refuses what would make memory grow, while that is so.
struct Failing<A> {
    inner: A,
    count: Cell<u64>,
    first: Cell<u64>,
    last: Cell<u64>,
}

// SAFETY: calls are forwarded as they are, or refused with null where that is allowed: never for a free or a shrink.
unsafe impl<A: LuaAlloc> LuaAlloc for Failing<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize > old {
            let number = self.count.get() + 1;
            self.count.set(number);
            if (self.first.get()..=self.last.get()).contains(&number) {
                return std::ptr::null_mut();
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.inner.realloc(ptr, osize, nsize) }
    }
}

/// What the script returns in a state that is refused some of its requests after it was made; and the number of them.
fn run_failing(first: u64, last: u64) -> (Result<String, (Status, String)>, u64) {
    let before = descriptors();
    let memory = Counting::new(Checking::recording(System));
    let failing =
        Failing { inner: &memory, count: Cell::new(0), first: Cell::new(u64::MAX), last: Cell::new(u64::MAX) };
    let result = {
        let mut lua = new_state(&failing).expect("a state");
        failing.count.set(0);
        failing.first.set(first);
        failing.last.set(last);
        let result = run(&mut lua, EVERYTHING);
        failing.first.set(u64::MAX);
        failing.last.set(u64::MAX);
        if result.is_err() {
            assert!(run(&mut lua, EVERYTHING).is_ok(), "after request {first}");
        }
        result
    };
    assert_eq!(descriptors(), before, "requests {first} to {last}");
    assert_eq!(memory.stats().live_bytes, 0, "requests {first} to {last}");
    assert_eq!(memory.inner().violations(), [], "requests {first} to {last}");
    (result, failing.count.get())
}

#[test]
fn lack_of_memory_leaves_nothing() {
    let _turn = alone();
    let (expected, count) = run_failing(u64::MAX, u64::MAX);
    let expected = expected.expect("a result");
    assert!(count > 500, "the script asks for memory {count} times");
    let step = if std::env::var_os("PERILUNE_EVERY_REQUEST").is_some() { 1 } else { 13 };
    for n in (1..=count).step_by(step) {
        match run_failing(n, n).0 {
            Ok(text) => assert_eq!(text, expected, "request {n}"),
            Err((status, text)) => panic!("a single refusal was seen: request {n}: {status:?} {text}"),
        }
        if let Err((status, text)) = run_failing(n, u64::MAX).0 {
            let known = text.is_empty() || text.contains("not enough memory") || status == Status::ErrErr;
            assert!(known, "request {n}: {status:?} {text}");
        }
    }
}

/// Sends pieces to whoever connects until that fails, and says how many bytes went.
fn endless_peer(listener: &TcpListener) -> usize {
    let (mut stream, _) = listener.accept().expect("a connection");
    let piece = [b'x'; 1 << 16];
    let mut total = 0;
    while let Ok(len) = stream.write(&piece) {
        total += len;
    }
    total
}

#[test]
fn an_endless_line_meets_the_limit() {
    const LIMIT: usize = 4 << 20;
    let _turn = alone();
    let before = descriptors();
    let patterns = ["'*l'", "'*a'", "1 << 40", "'*l', ('p'):rep(1 << 20)", "1 << 20, ('p'):rep(1 << 18)"];
    for (index, pattern) in patterns.iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let peer = thread::spawn(move || endless_peer(&listener));
        let memory = Counting::new(Limit::new(System, LIMIT));
        {
            let mut lua = new_state(&memory).expect("a state");
            let script = format!(
                "client = assert(require 'socket'.connect('127.0.0.1', {port}))
                local ok, message = pcall(client.receive, client, {pattern})
                -- The state and the connection go on.
                return tostring(ok) .. ' ' .. (ok and #message or message) .. ' ' .. client:receive(600):gsub('x', '') .. #('y'):rep(1000)"
            );
            let expected = if index < 4 { "false not enough memory 1000" } else { "true 1048576 1000" };
            assert_eq!(run(&mut lua, &script), Ok(expected.into()), "{pattern}");
            // Where nobody catches it, it is an error like others.
            if index < 4 {
                let uncaught = format!("return client:receive({pattern})");
                assert_eq!(run(&mut lua, &uncaught), Err((Status::ErrMem, "not enough memory".into())), "{pattern}");
            }
        }
        assert!(peer.join().expect("the peer ends") > 0, "{pattern}");
        let stats = memory.stats();
        assert!(stats.peak_bytes <= LIMIT, "{pattern}: {}", stats.peak_bytes);
        assert_eq!(stats.live_bytes, 0, "{pattern}");
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn large_datagrams_meet_the_limit() {
    let _turn = alone();
    let memory = Counting::new(Limit::new(System, 600 << 10));
    let mut lua = new_state(&memory).expect("a state");
    let script = "local socket = require 'socket'
        local a, b = socket.udp4(), socket.udp4()
        a:setsockname('127.0.0.1', 0)
        b:sendto('datagram', '127.0.0.1', (select(2, a:getsockname())))
        local ok, message = pcall(a.receive, a, 1 << 40)
        return tostring(ok) .. ' ' .. message .. ' ' .. a:receive(100000)";
    assert_eq!(run(&mut lua, script), Ok("false not enough memory datagram".into()));
}

/// Two states in two threads, each with its memory: what one sends the other gets, and both are told when the other goes.
#[test]
fn states_in_threads_talk() {
    let _turn = alone();
    let before = descriptors();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let server = thread::spawn(move || {
        let mut lua = new_state(System).expect("a state");
        let script = format!(
            "local server = assert(require 'socket'.bind('127.0.0.1', {port}))
            local client, count = assert(server:accept()), 0
            while true do
              local line, err, rest = client:receive()
              if err then return err .. ' ' .. rest .. ' ' .. count end
              client:send(line .. '\\r\\n')
              count = count + 1
            end"
        );
        run(&mut lua, &script)
    });
    let mut lua = new_state(System).expect("a state");
    let script = format!(
        "local socket, client = require 'socket'
        for i = 1, 500 do
          client = socket.connect('127.0.0.1', {port})
          if client then break end
          socket.sleep(0.01)
        end
        for i = 1, 1000 do
          local line = ('line ' .. i .. ' '):rep(i % 100)
          assert(client:send(line .. '\\n'))
          assert(assert(client:receive()) == line)
        end
        client:send('rest')
        client:close()
        return 'sent'"
    );
    assert_eq!(run(&mut lua, &script), Ok("sent".into()));
    assert_eq!(server.join().expect("the server ends"), Ok("closed rest 1000".into()));
    drop(lua);
    assert_eq!(descriptors(), before);
}

/// A peer that resets the connection is one that closed it.
#[test]
fn a_reset_is_a_close() {
    let _turn = alone();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut first = [0];
        stream.read_exact(&mut first).expect("a byte");
        stream.write_all(b"part").expect("what is sent");
        // What was not received makes the system reset the connection.
        drop::<TcpStream>(stream);
    });
    let mut lua = new_state(System).expect("a state");
    let begin = format!(
        "client = assert(require 'socket'.connect('127.0.0.1', {port}))
        client:send('123456789')
        return 'sent'"
    );
    assert_eq!(run(&mut lua, &begin), Ok("sent".into()));
    peer.join().expect("the peer ends");
    let end = "local _, err, rest = client:receive('*a')
        local sent, send_err = 1
        while sent do sent, send_err = client:send('x') end
        return err .. ' ' .. send_err .. ' ' .. #rest % 4";
    assert_eq!(run(&mut lua, end), Ok("closed closed 0".into()));
}

/// Whether something that only some machines have is missing; that is said, and is an error where it must not be.
fn is_missing(what: &str, found: bool) -> bool {
    if !found {
        let required = std::env::var_os("PERILUNE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!required, "PERILUNE_REQUIRE_PEERS is 1, and {what} is not there");
        // Not with a macro, whose output nobody sees while the test passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is not there");
    }
    !found
}

/// LuaSocket's modules that are written in Lua, from Debian's package: url, ltn12, mime, http, smtp, ftp. The report that is
/// expected is the original's, which is asked anew where it is there.
#[test]
fn the_modules_in_lua_work() {
    const MODULES: &str = "/usr/share/lua/5.3";
    let _turn = alone();
    if is_missing("the package lua-socket", Path::new(MODULES).join("socket/http.lua").exists()) {
        return;
    }
    let before = descriptors();
    let memory = Counting::new(Checking::recording(System));
    let expected = include_str!("socket/companions.expected");
    {
        let mut lua = new_state(&memory).expect("a state");
        assert!(run(&mut lua, &format!("package.path = '{MODULES}/?.lua' package.cpath = '' return ''")).is_ok());
        let report = run(&mut lua, include_str!("socket/companions.lua")).expect("a report");
        for (line, expected) in report.lines().zip(expected.lines()) {
            assert_eq!(line, expected);
        }
        assert_eq!(report, expected);
    }
    assert_eq!(descriptors(), before);
    assert_eq!(memory.stats().live_bytes, 0);
    assert_eq!(memory.inner().violations(), []);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/socket/companions.lua");
    let original = Command::new("lua5.3").args([OsStr::new("-E"), script.as_os_str()]).output();
    if is_missing("lua5.3", original.is_ok()) {
        return;
    }
    let original = original.expect("it is there");
    assert_eq!(String::from_utf8_lossy(&original.stdout), expected, "{}", String::from_utf8_lossy(&original.stderr));
}
