//! Programs that were written for the reference and LuaSocket, run by both: the same output, and either understands the other
//! over a connection. And the examples of `examples/socket`, which rest on that.
//!
//! The peer is `lua5.3` with LuaSocket. Where it is not installed, what needs it is skipped, and says so; with
//! `PERILUNE_REQUIRE_PEERS=1` that is a failure. Nothing here waits for longer than [`PATIENCE`].

#![cfg(all(unix, feature = "socket"))]

mod expectations;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use expectations::{check, collect};

/// Our program.
const PERILUNE: &str = env!("CARGO_BIN_EXE_perilune");
/// The peer.
const PEER: &str = "lua5.3";
/// How long a program may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the peer is there.
fn has_peer() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let mut command = command(PEER);
        command.args(["-e", "require 'socket'"]).stdout(Stdio::null()).stderr(Stdio::null());
        let found = command.status().is_ok_and(|status| status.success());
        if !found {
            let required = std::env::var_os("PERILUNE_REQUIRE_PEERS").is_some_and(|value| value == "1");
            assert!(!required, "PERILUNE_REQUIRE_PEERS is 1, and there is no {PEER} with LuaSocket");
            // Not with a macro, whose output nobody sees while the test passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {PEER} with LuaSocket to compare with");
        }
        found
    })
}

/// The programs that are there.
fn programs() -> &'static [&'static str] {
    if has_peer() { &[PERILUNE, PEER] } else { &[PERILUNE] }
}

/// All pairs of programs that are there.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    programs().iter().flat_map(|&first| programs().iter().map(move |&second| (first, second)))
}

/// A program without a user's settings.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("LUA_INIT").env_remove("LUA_INIT_5_3").stdin(Stdio::null());
    command
}

/// A file or directory of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A script that runs in a program. It does not survive the test.
struct Script {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<String>>,
}

impl Script {
    /// Starts a script with arguments.
    fn start(program: &str, script: &str, arguments: &[&str]) -> Self {
        let mut command = command(program);
        command.arg(repository(script)).args(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stderr = child.stderr.take().expect("a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || stdout.split(b'\n').map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { name: format!("{program} {script} {arguments:?}"), child, stdin, lines, errors: Some(errors) }
    }

    /// The next line of output, if the output does not end before.
    fn line(&mut self) -> Option<Vec<u8>> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.fail("it says nothing"),
        }
    }

    /// The port, with which the first line of output must end.
    fn port(&mut self) -> String {
        let Some(line) = self.line() else { self.fail("it has no port") };
        let line = String::from_utf8_lossy(&line).into_owned();
        let digits: String = line.chars().skip_while(|letter| !letter.is_ascii_digit()).collect();
        let port = digits.split(' ').next().unwrap_or_default();
        if port.parse::<u16>().is_err() {
            self.fail(&format!("there is no port in {line:?}"));
        }
        port.to_owned()
    }

    /// Fails, and shows what the script has written to its standard error.
    fn fail(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        let errors = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        panic!("{}: {what}\n{errors}", self.name);
    }

    /// Waits for the end, which must be a good one, and returns the rest of the output.
    fn finish(mut self) -> String {
        drop(self.stdin.take());
        let mut output = Vec::new();
        while let Some(line) = self.line() {
            output.extend(line);
            output.push(b'\n');
        }
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a process of ours") {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => self.fail("it does not end"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        // It may be any bytes, and all of them can be seen.
        let output = output.escape_ascii().to_string().replace("\\n", "\n");
        if !status.success() {
            self.fail(&format!("{status}\n{output}"));
        }
        output
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server, which says its port, and its client, which is told, and returns what both print.
fn serve(server: (&str, &str, &[&str]), client: (&str, &str, &[&str])) -> (String, String) {
    let mut server = Script::start(server.0, server.1, server.2);
    let port = server.port();
    let arguments: Vec<&str> = std::iter::once(&*port).chain(client.2.iter().copied()).collect();
    let said = Script::start(client.0, client.1, &arguments).finish();
    (server.finish(), said)
}

#[test]
fn a_pipeline_of_coroutines_prints_the_same() {
    let mut input = std::fs::read(repository("README.md")).expect("the README");
    input.extend(b"\n\n  \r\n\ttabs\tand \0 zeros \xff\xfe\n");
    input.extend([b'x'; 100_000]);
    input.extend(b"\nthe last line has no end");
    let outputs: Vec<String> = programs()
        .iter()
        .map(|program| {
            let mut script = Script::start(program, "tests/interop/pipeline.lua", &[]);
            let mut stdin = script.stdin.take().expect("a pipe");
            stdin.write_all(&input).expect("the script reads everything");
            drop(stdin);
            script.finish()
        })
        .collect();
    assert!(outputs[0].starts_with("begin\\tsuspended\\tsuspended\\tsuspended\n"), "{}", outputs[0]);
    assert!(outputs[0].contains("\nend\\t"), "{}", outputs[0]);
    assert!(outputs.iter().all(|output| output == &outputs[0]), "{outputs:#?}");
}

#[test]
fn servers_and_clients_understand_each_other() {
    let mut outputs = Vec::new();
    for (server, client) in pairs() {
        let both =
            serve((server, "tests/interop/echo_server.lua", &["5"]), (client, "tests/interop/echo_client.lua", &["5"]));
        assert!(both.0.contains("5 clients\\t40 lines\\t"), "{server} serves {client}: {both:?}");
        assert!(both.1.starts_with("40 lines are right\\t"), "{server} serves {client}: {both:?}");
        outputs.push((server, client, both));
    }
    for (server, client, both) in &outputs {
        assert_eq!(both, &outputs[0].2, "{server} serves {client}, and {} serves {}", outputs[0].0, outputs[0].1);
    }
}

#[test]
fn expectations_about_sockets_are_the_reference_s() {
    if !has_peer() {
        return;
    }
    let mut files = Vec::new();
    for directory in ["tests/lua/socket", "tests/lua/mime"] {
        collect(&repository(directory), &mut files);
    }
    // What goes beyond the reference says so in its first lines, or needs options of our program.
    files.retain(|path| {
        let text = String::from_utf8_lossy(&std::fs::read(path).expect("a script")).into_owned();
        let header: String = text.lines().take_while(|line| line.starts_with("--")).collect();
        !header.contains("beyond the reference") && !header.contains("--> options:")
    });
    assert!(files.len() >= 10, "only {} scripts are found", files.len());
    // They mostly wait, so some of them wait at the same time.
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let files = &files;
                scope.spawn(move || {
                    let own = files.iter().skip(worker).step_by(4);
                    own.filter_map(|path| Some(format!("{}: {}", path.display(), check(Path::new(PEER), path).err()?)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{PEER} does not agree:\n{}", failures.join("\n"));
}

#[test]
fn the_example_s_scheduler_keeps_its_promises() {
    for program in programs() {
        let result = check(Path::new(program), &repository("tests/interop/scheduler.lua"));
        assert_eq!(result, Ok(()), "{program}");
    }
}

#[test]
fn the_example_s_server_and_client_run_in_both() {
    for (server, client) in pairs() {
        let (server_said, client_said) = serve(
            (server, "examples/socket/echo_server.lua", &["0", "100"]),
            (client, "examples/socket/echo_client.lua", &["100", "20"]),
        );
        assert_eq!(server_said, "", "{server} serves {client}");
        assert_eq!(client_said, "100 connections, 2000 lines came back as they were\n", "{server} serves {client}");
    }
}

#[cfg(feature = "lproc")]
#[test]
fn the_example_s_processes_share_the_clients() {
    // A system that does not spread connections gives all of them to one process.
    let spreads = cfg!(target_os = "linux");
    for client in programs() {
        let (server_said, client_said) = serve(
            (PERILUNE, "examples/socket/echo_lproc.lua", &["0", "3"]),
            (client, "examples/socket/echo_client.lua", &["150", "10"]),
        );
        assert_eq!(client_said, "150 connections, 1500 lines came back as they were\n");
        let count = |line: &str| line.split(' ').rev().nth(1).and_then(|number| number.parse::<u32>().ok());
        let counts: Option<Vec<u32>> = server_said.lines().map(count).collect();
        let counts = counts.unwrap_or_else(|| panic!("the server says {server_said}"));
        assert_eq!((counts.len(), counts.iter().sum()), (3, 150), "{server_said}");
        assert!(!spreads || counts.iter().all(|&count| count > 0), "{server_said}");
    }
}
