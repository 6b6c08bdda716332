//! The library `lproc` in the program: what goes to standard error, how the program ends, signals.
#![cfg(feature = "lproc")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_perilune");

/// Runs a script; returns the exit code, and what went to standard output and to standard error.
fn run(options: &[&str], script: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(options).arg("-").env_remove("LUA_INIT").env_remove("LUA_INIT_5_3");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn errors_of_processes_are_told_with_tracebacks() {
    let script = r#"
        local lproc = require "lproc"
        local process = lproc.start([[
local function inner(x) return x.field.field end
local function outer() inner({}) return 1 end
outer()]])
        process:join()
        print "goes on""#;
    let (code, stdout, stderr) = run(&[], script);
    assert_eq!((code, stdout.as_str()), (Some(0), "goes on\n"));
    let chunk = "[string \"local function inner(x) return x.field.field ...\"]";
    let expected = format!(
        "thread error: {chunk}:1: attempt to index a nil value (field 'field')\nstack traceback:\n\
         \t{chunk}:1: in upvalue 'inner'\n\t{chunk}:2: in local 'outer'\n\t{chunk}:3: in main chunk\n"
    );
    assert_eq!(stderr, expected);
}

#[test]
fn whatever_the_error_is_it_is_told() {
    let told = |script: &str| {
        let (code, _, stderr) =
            run(&["--mem-limit", "8M"], &format!("require('lproc').start([==[{script}]==]):join()"));
        assert_eq!(code, Some(0), "{stderr}");
        stderr.lines().next().unwrap_or("").to_owned()
    };
    assert_eq!(told("error('text', 0)"), "thread error: text");
    assert_eq!(told("error(42)"), "thread error: 42");
    assert_eq!(told("error({})"), "thread error: (error object is a table value)");
    let shown = "error(setmetatable({}, {__tostring = function() return 'shown' end}))";
    assert_eq!(told(shown), "thread error: shown");
    assert_eq!(told("error()"), "thread error: (error object is a nil value)");
    assert_eq!(told("local s = 'x' while true do s = s .. s end"), "thread error: not enough memory");
    // Whoever is cancelled, or leaves, has no error.
    assert_eq!(told("lproc.exit()"), "");
    let (_, _, stderr) =
        run(&[], "local p = require('lproc').start('while true do end') p:cancel() assert(not p:join())");
    assert_eq!(stderr, "");
}

#[test]
fn messages_of_many_processes_do_not_get_mixed() {
    let script = r#"
        local lproc = require "lproc"
        for i = 1, 50 do lproc.start("error(('m'):rep(3000) .. ..., 0)", i) end
        lproc.wait()"#;
    let (code, _, stderr) = run(&[], script);
    assert_eq!(code, Some(0));
    let mut numbers: Vec<u32> = Vec::new();
    let message = "m".repeat(3000);
    for line in stderr.lines().filter(|line| line.starts_with("thread error")) {
        let number = line.strip_prefix(&format!("thread error: {message}")).expect("a whole message");
        numbers.push(number.parse().expect("a number"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
}

#[test]
fn exit_lets_the_others_finish() {
    let script = r#"
        lproc = require "lproc"
        lproc.start("lproc.receive('nothing', 0.05) io.write('written') lproc.send('more', 1)")
        lproc.start("lproc.receive('more') io.write(' whole')")
        lproc.exit()
        error "not reached""#;
    assert_eq!(run(&[], script), (Some(0), "written whole".to_owned(), String::new()));
    // The counters are shown after that, when all that processes had is free again.
    let (code, _, stderr) = run(&["--alloc-stats", "--mem-limit", "64M"], script);
    assert!(code == Some(0) && stderr.contains("allocator slab"), "{stderr}");
    // `os.exit` asks nobody, wherever it is called.
    let script = r#"
        lproc = require "lproc"
        lproc.start("while true do end")
        lproc.start("os.exit(3)")
        lproc.receive "nothing""#;
    assert_eq!(run(&[], script), (Some(3), String::new(), String::new()));
}

#[test]
fn an_error_in_the_main_program_ends_it() {
    let script = "require('lproc').start('while true do end') error('main', 0)";
    let (code, _, stderr) = run(&[], script);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(": main\n"), "{stderr}");
}

#[test]
fn the_command_line_can_load_the_library() {
    let (code, stdout, stderr) =
        run(&["-llproc", "-e", "lproc.start([[lproc.send('c', ...)]], 'sent') print(lproc.receive 'c')"], "");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), "sent\n", ""));
}

#[test]
fn processes_ignore_the_environment_if_the_program_does() {
    for (options, expected) in [(&[][..], "from the environment\n"), (&["-E"][..], "nil\n")] {
        let mut command = Command::new(PROGRAM);
        command.args(options).arg("-").env_remove("LUA_INIT").env("LUA_PATH_5_3", "from the environment");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let script =
            "print(select(2, require('lproc').start('return package.path:match(\"from the environment\")'):join()))";
        child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("the program reads");
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}

#[test]
fn the_examples_run() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lproc");
    for (arguments, expected) in [
        (&["throughput.lua", "10000"][..], "four to four, buffered by 100"),
        (&["workers.lua", "3", "30000"][..], "there are 3245 primes up to 30000"),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(examples).env_remove("LUA_INIT").env_remove("LUA_INIT_5_3");
        let output = command.output().expect("the program ends");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(stdout.contains(expected), "{stdout}");
    }
}

/// A signal reaches the main program wherever it waits, and the processes do not keep it from ending.
#[cfg(unix)]
#[test]
fn an_interrupt_reaches_whoever_waits() {
    let waits =
        ["receive 'nothing'", "send('nobody')", "wait()", "exit()", "start('lproc.receive [[nothing]]'):join()"];
    for wait in waits {
        let script = format!(
            "local lproc = require 'lproc' lproc.start('while true do end') print 'ready' io.stdout:flush() lproc.{wait}"
        );
        let mut command = Command::new(PROGRAM);
        command.args(["-e", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        // It waits from now on, or very soon.
        std::thread::sleep(std::time::Duration::from_millis(50));
        // SAFETY: it is our own child, which nobody has waited for yet.
        unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{wait}: {stderr}");
        assert!(stderr.contains("interrupted!"), "{wait}: {stderr}");
    }
}
