//! Thousands of connections on one server of coroutines: the echo server of `examples/socket`, in a state of its own. Every
//! byte must come back, and when the state is closed no descriptor and no byte may be left.
//!
//! The same server in `lua5.3` with LuaSocket is measured beside it, with as many connections as `select` can watch there.
//! Where that is not installed this part is skipped, and says so; with `PERILUNE_REQUIRE_PEERS=1` that is a failure.
//! `scripts/socket-load.sh` runs all in a release build and shows the numbers.

#![cfg(all(feature = "socket", target_os = "linux"))]

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libc::pollfd;
use perilune_alloc_adapters::{Counting, System};
use perilune_stdlib::{open_libs, preload_socket};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status};

/// How many connections there are at the same time.
const CONNECTIONS: usize = 5000;
/// How many the reference can hold: its `select` knows 1024 descriptors, and some are not connections.
const REFERENCE_CONNECTIONS: usize = 1000;
/// How many lines are echoed in all.
const LINES: usize = 100_000;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest line, without its end.
const LONGEST: usize = 200;

/// The directory of the example.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/socket/");

/// Only one test at a time, since all of them count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many descriptors the process has.
fn count_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("the descriptors").count()
}

/// Raises the limit of descriptors as far as possible, and says how many connections it allows with both ends in this process.
fn allowed_connections() -> usize {
    // Two for a connection, and some for everything else.
    let wanted = 2 * CONNECTIONS as u64 + 200;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are to a local.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        if limit.rlim_cur < wanted {
            let higher = libc::rlimit { rlim_cur: wanted, rlim_max: limit.rlim_max.max(wanted) };
            // Only some users may raise the upper one.
            if libc::setrlimit(libc::RLIMIT_NOFILE, &higher) != 0 {
                limit.rlim_cur = limit.rlim_max.min(wanted);
                libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
            }
            libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        }
    }
    let allowed = CONNECTIONS.min((limit.rlim_cur.saturating_sub(200) / 2) as usize);
    if allowed < CONNECTIONS {
        say(&format!(
            "only {allowed} connections instead of {CONNECTIONS}: the limit of descriptors is {}",
            limit.rlim_cur
        ));
    }
    allowed
}

/// Writes to the standard error, where it is seen also if the test passes.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

// ---- The server ----

/// What a server has used.
struct Usage {
    cpu: Duration,
    /// The most bytes that the state has had, if that is known.
    peak_bytes: Option<usize>,
}

/// A server that runs.
struct Server {
    port: u16,
    /// Waits for its end.
    end: Box<dyn FnOnce() -> Usage>,
}

/// A program of ours, which does not survive a failure.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

thread_local! {
    /// Where the thread's `print` goes.
    static PRINTED: RefCell<Option<Sender<String>>> = const { RefCell::new(None) };
}

/// `print` with one argument.
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    let line = String::from_utf8_lossy(lua.str_at(1).unwrap_or(b"?")).into_owned();
    PRINTED.with_borrow(|sender| sender.as_ref().map(|sender| sender.send(line)));
    Ok(0)
}

/// Puts the arguments of a script into the state.
fn set_arguments(lua: &mut LuaState, arguments: &[&str]) -> LuaResult<()> {
    lua.create_table(arguments.len(), 0)?;
    for (index, argument) in arguments.iter().enumerate() {
        lua.push_str(argument)?;
        lua.raw_set_i(-2, index as i64)?;
    }
    lua.set_global("arg")
}

/// The port at the end of a server's first line.
fn port_of(line: &str) -> u16 {
    line.trim_end().rsplit(' ').next().and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port: {line}"))
}

/// A time that the system has measured.
fn duration(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000)
}

/// How much CPU time has been used by this thread, or by children that have ended.
fn cpu_time(who: libc::c_int) -> Duration {
    // SAFETY: all zeros is a value, and the pointer is to a local.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &mut usage);
        usage
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// Runs a script in a state of this thread, closes the state, and checks that all its memory has come back.
fn run(script: &[u8], arguments: &[&str], printed: Sender<String>) -> Usage {
    PRINTED.set(Some(printed));
    let memory = Counting::new(System);
    let mut lua = Lua::new(&memory).expect("a state");
    open_libs(&mut lua).expect("libraries");
    preload_socket(&mut lua).expect("libraries");
    lua.register("print", print).expect("memory");
    set_arguments(&mut lua, arguments).expect("memory");
    let mut status = lua.load_bytes(script, b"=server", LoadMode::TEXT);
    if status == Status::Ok {
        status = lua.pcall(0, 0, 0);
    }
    let message = lua.str_at(-1).unwrap_or(b"").escape_ascii().to_string();
    drop(lua);
    PRINTED.set(None);
    assert_eq!(status, Status::Ok, "{message}");
    assert_eq!((memory.live_bytes(), memory.stats().live_blocks), (0, 0), "memory is left");
    Usage { cpu: cpu_time(libc::RUSAGE_THREAD), peak_bytes: Some(memory.peak_bytes()) }
}

/// Starts a script that is a server in a thread; its first output must tell the port.
fn start(script: Vec<u8>, arguments: Vec<String>) -> Server {
    let (sender, printed) = channel();
    let (ended, end) = channel();
    let thread = thread::spawn(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let _ = ended.send(run(&script, &arguments, sender));
    });
    let wait = move || match end.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("the server does not end"),
        // The C library opens a file when it takes leave of a thread's memory; so the thread must have ended before descriptors are counted.
        result => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => result.expect("the thread has sent what it has used"),
        },
    };
    match printed.recv_timeout(PATIENCE) {
        Ok(line) => Server { port: port_of(&line), end: Box::new(wait) },
        Err(_) => {
            wait();
            panic!("the server has no port");
        }
    }
}

/// Starts the example's server for some connections in a state of a thread.
fn start_here(connections: usize) -> Server {
    let path = format!("{EXAMPLE}echo_server.lua");
    let script = fs::read(&path).expect("the example");
    start(script, vec![path, "0".to_owned(), connections.to_string()])
}

/// Starts it in another program.
fn start_program(program: &str, connections: usize) -> Server {
    let before = cpu_time(libc::RUSAGE_CHILDREN);
    let mut command = Command::new(program);
    command.args([&format!("{EXAMPLE}echo_server.lua"), "0", &connections.to_string()]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut program = Program(child);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().expect("a pipe")).read_line(&mut line).expect("its first line");
    let wait = move || {
        let start = Instant::now();
        let status = loop {
            match program.0.try_wait().expect("a process of ours") {
                Some(status) => break status,
                None => assert!(start.elapsed() < PATIENCE, "the server does not end"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{status}");
        Usage { cpu: cpu_time(libc::RUSAGE_CHILDREN) - before, peak_bytes: None }
    };
    Server { port: port_of(&line), end: Box::new(wait) }
}

// ---- The clients ----

/// Writes a line of a connection, with its end: bytes that look like random ones, and are the same each time.
fn make_line(connection: usize, number: usize, line: &mut Vec<u8>) {
    let mut seed = (connection as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (number as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as usize
    };
    line.clear();
    // What is not kept in lines becomes something else.
    line.extend((0..next() % (LONGEST + 1)).map(|_| match next() as u8 {
        b'\n' | b'\r' => b'.',
        byte => byte,
    }));
    line.push(b'\n');
}

/// One connection: it sends a line, and the next one when the first has come back.
struct Client {
    stream: TcpStream,
    index: usize,
    number: usize,
    line: Vec<u8>,
    sent: usize,
    received: usize,
}

impl Client {
    fn connect(port: u16, index: usize) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_nonblocking(true).expect("a socket");
        let mut client = Self { stream, index, number: 0, line: Vec::new(), sent: 0, received: 0 };
        make_line(index, 0, &mut client.line);
        client
    }

    /// Sends and receives as far as possible, up to some number of lines, and says how many have come back.
    fn go_on(&mut self, lines: usize) -> usize {
        let before = self.number;
        while self.number < lines && if self.sent < self.line.len() { self.send() } else { self.receive() } {}
        self.number - before
    }

    /// Sends something; false if that is not possible now.
    fn send(&mut self) -> bool {
        match self.stream.write(&self.line[self.sent..]) {
            Ok(count) => {
                self.sent += count;
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("connection {}: {error}", self.index),
        }
    }

    /// Receives something, which must be what was sent; false if that is not possible now.
    fn receive(&mut self) -> bool {
        let mut room = [0; LONGEST + 1];
        match self.stream.read(&mut room) {
            Ok(0) => panic!("connection {} is closed", self.index),
            Ok(count) => {
                let (bytes, expected) = (&room[..count], &self.line[self.received..]);
                assert!(expected.starts_with(bytes), "connection {}, line {}: {bytes:?}", self.index, self.number);
                self.received += count;
                if self.received == self.line.len() {
                    self.number += 1;
                    (self.sent, self.received) = (0, 0);
                    make_line(self.index, self.number, &mut self.line);
                }
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("connection {}: {error}", self.index),
        }
    }
}

/// Makes all connections, has each of them send its part of the lines, and closes them when all lines have come back. Returns
/// how long that took from the first line to the last one.
fn talk(port: u16, connections: usize) -> Duration {
    let mut clients: Vec<Client> = (0..connections).map(|index| Client::connect(port, index)).collect();
    let (lines, mut left) = (LINES / connections, LINES / connections * connections);
    let start = Instant::now();
    let mut polled: Vec<pollfd> = Vec::with_capacity(connections);
    while left > 0 {
        polled.clear();
        polled.extend(clients.iter().map(|client| {
            let events = if client.sent < client.line.len() { libc::POLLOUT } else { libc::POLLIN };
            // Who has finished is not watched.
            let fd = if client.number < lines { client.stream.as_raw_fd() } else { -1 };
            pollfd { fd, events, revents: 0 }
        }));
        // SAFETY: the entries are valid.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as _, PATIENCE.as_millis() as _) };
        assert!(ready > 0, "nothing happens, and {left} lines have not come back");
        for (client, _) in clients.iter_mut().zip(&polled).filter(|(_, entry)| entry.revents != 0) {
            left -= client.go_on(lines);
        }
    }
    let time = start.elapsed();
    for client in &mut clients {
        let more = client.stream.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(more, Err(ErrorKind::WouldBlock), "connection {} has more than it sent", client.index);
    }
    time
}

/// Has all connections talk to a server, waits for its end, and shows the numbers.
fn measure(name: &str, server: Server, connections: usize) {
    let time = talk(server.port, connections);
    let usage = (server.end)();
    let (lines, seconds) = ((LINES / connections * connections) as f64, time.as_secs_f64());
    let memory =
        usage.peak_bytes.map_or_else(String::new, |bytes| format!(", {} bytes a connection", bytes / connections));
    println!(
        "{name:24} {connections:5} connections: {:7.0} lines a second, {:6.2} µs of CPU time a line{memory}",
        lines / seconds,
        usage.cpu.as_secs_f64() * 1e6 / lines,
    );
}

#[test]
fn every_byte_comes_back_and_nothing_is_left() {
    let _alone = alone();
    let connections = allowed_connections();
    let descriptors = count_descriptors();
    measure("this library", start_here(connections), connections);
    assert_eq!(count_descriptors(), descriptors, "descriptors are left");
}

#[test]
fn the_reference_does_the_same() {
    let _alone = alone();
    let connections = allowed_connections().min(REFERENCE_CONNECTIONS);
    measure("this library", start_here(connections), connections);
    let mut found = Command::new("lua5.3");
    found.args(["-e", "require 'socket'"]).stdout(Stdio::null()).stderr(Stdio::null());
    if found.status().is_ok_and(|status| status.success()) {
        measure("lua5.3 with LuaSocket", start_program("lua5.3", connections), connections);
        println!(
            "(the select of LuaSocket takes no descriptor above 1023, so it cannot hold {CONNECTIONS} connections)"
        );
    } else {
        let required = std::env::var_os("PERILUNE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!required, "PERILUNE_REQUIRE_PEERS is 1, and there is no lua5.3 with LuaSocket");
        say("SKIPPED: there is no lua5.3 with LuaSocket to compare with");
    }
}

#[test]
fn closing_the_state_closes_what_is_open() {
    const OPEN: usize = 300;
    let _alone = alone();
    let descriptors = count_descriptors();
    let script = "package.path = arg[1]
        local socket, scheduler, echo = require 'socket', require 'scheduler', require 'echo'
        local server, clients = assert(socket.bind('127.0.0.1', 0, 1024)), 0
        print(select(2, server:getsockname()))
        echo.listen(server, math.huge, function(client)
            clients = clients + 1
            if clients == tonumber(arg[2]) then scheduler.stop() end
        end)
        scheduler.run()";
    let arguments = ["", &format!("{EXAMPLE}?.lua"), &OPEN.to_string()].map(str::to_owned);
    let server = start(script.as_bytes().to_vec(), arguments.to_vec());
    let mut clients: Vec<Client> = (0..OPEN).map(|index| Client::connect(server.port, index)).collect();
    (server.end)();
    assert_eq!(count_descriptors(), descriptors + OPEN, "descriptors of the server are left");
    for client in &mut clients {
        client.stream.set_nonblocking(false).expect("a socket");
        client.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let end = client.stream.read(&mut [0]);
        assert!(matches!(end, Ok(0)), "connection {} goes on: {end:?}", client.index);
    }
}
