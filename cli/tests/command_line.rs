//! The command line: options, messages, exit codes, standard streams.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_perilune");

/// What a run left behind.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    for variable in ["LUA_INIT", "LUA_INIT_5_3", "LUA_PATH", "LUA_PATH_5_3", "LUA_CPATH", "LUA_CPATH_5_3"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut command: Command, input: &[u8]) -> Outcome {
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // The program may end without having read everything.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the program ends").into()
}

fn run(arguments: &[&str], input: &str) -> Outcome {
    finish(command(arguments), input.as_bytes())
}

/// A directory that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("perilune-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }

    fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, contents).expect("a temporary file");
        path.to_str().expect("a name in UTF-8").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ok(arguments: &[&str], input: &str, stdout: &str) {
    let outcome = run(arguments, input);
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str(), outcome.code),
        (stdout, "", Some(0)),
        "{arguments:?}"
    );
}

fn fails(arguments: &[&str], input: &str, message: &str) {
    let outcome = run(arguments, input);
    assert_eq!(outcome.code, Some(1), "{arguments:?}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(message), "{arguments:?}: expected {message:?} in {:?}", outcome.stderr);
}

#[test]
fn chunks_on_the_command_line_run_in_order() {
    ok(&["-eprint(1)", "-ea=3", "-e", "print(a)"], "", "1\n3\n");
    ok(&["-e", "x = 1", "-lstring", "-l", "table", "-e", "print(x, string == _G.string)"], "", "1\ttrue\n");
    fails(
        &["-e", "error('one')", "-e", "print('two')"],
        "",
        "perilune: (command line):1: one\nstack traceback:\n\t[C]: in function 'error'",
    );
    fails(&["-e", "x ="], "", "(command line):1: unexpected symbol near <eof>");
    fails(&["-l", "no.such.module"], "", "module 'no.such.module' not found:");
}

#[test]
fn scripts_get_their_arguments() {
    let scratch = Scratch::new("arguments");
    let script = scratch.file("args.lua", b"#!/usr/bin/env lua\nprint(#arg, arg[0] == SCRIPT, arg[-1], arg[-2], ...)");
    let set = format!("SCRIPT = '{script}'");
    ok(&["-e", &set, &script], "", &format!("0\ttrue\t{set}\t-e\n"));
    ok(&["-e", &set, "--", &script, "a", "-b"], "", &format!("2\ttrue\t--\t{set}\ta\t-b\n"));
    ok(&["-", "-h"], "print(arg[1], arg[0], ...)", "-h\t-\t-h\n");
    ok(&["-e", "arg[1] = 100", "-"], "print(...)", "100\n");
    fails(&["-e", "arg = 1", "-"], "", "perilune: 'arg' is not a table");
}

#[test]
fn standard_input_is_a_script_without_arguments() {
    ok(&[], "print(10)\nprint(2)\n", "10\n2\n");
    ok(&[], "", "");
    // As in the reference, an error in it does not show in the exit code, but it does if `-` asks for it.
    let outcome = run(&[], "error('x')");
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("stdin:1: x"));
    fails(&["-"], "error('x')", "stdin:1: x");
}

#[test]
fn mistakes_show_the_options() {
    for (arguments, message) in [
        (&["-h"][..], "unrecognized option '-h'"),
        (&["---"], "unrecognized option '---'"),
        (&["-Ex"], "unrecognized option '-Ex'"),
        (&["-iv"], "unrecognized option '-iv'"),
        (&["-e"], "'-e' needs argument"),
        (&["-l", "-v"], "'-l' needs argument"),
        (&["--frobnicate"], "unrecognized option '--frobnicate'"),
        (&["--alloc", "nothing"], "unknown allocator 'nothing' (there are: slab, "),
        (&["--mem-limit", "lots"], "'--mem-limit' needs a number of bytes"),
    ] {
        fails(arguments, "", message);
        fails(arguments, "", "Available options are:\n  -e stat  execute string 'stat'");
    }
    let help = run(&["--help"], "");
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("--mem-limit"));
    assert!(run(&["--allocs"], "").stdout.contains("system"));
}

#[test]
fn files_that_are_no_scripts_are_refused() {
    let scratch = Scratch::new("files");
    fails(&["/no/such/file.lua"], "", "perilune: cannot open /no/such/file.lua: No such file or directory");
    fails(&["/"], "", "perilune: cannot read /: Is a directory");
    fails(&[&scratch.file("garbage", b"\x7fELF\0\x01\x02")], "", "unexpected symbol near '<\\127>'");
    fails(&[&scratch.file("chunk", b"\x1bLua")], "", "truncated");
    fails(&[&scratch.file("other", b"\x1bNot a chunk at all")], "", "precompiled chunk");
    fails(&[&scratch.file("open", b"print('unfinished")], "", "unfinished string near <eof>");
    let deep = format!("return {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    fails(&[&scratch.file("deep.lua", deep.as_bytes())], "", "C levels");
    ok(&[&scratch.file("comment", b"#only a comment without an end")], "", "");
}

#[test]
fn a_very_long_line_loads() {
    let scratch = Scratch::new("long");
    let long = format!("local t = '{}' print(#t)", "x".repeat(20_000_000));
    ok(&[&scratch.file("long.lua", long.as_bytes())], "", "20000000\n");
}

#[test]
fn error_objects_are_shown() {
    fails(&["-e", "error({})"], "", "perilune: (error object is a table value)\nstack traceback:");
    fails(&["-e", "error()"], "", "perilune: (error object is a nil value)");
    fails(&["-e", "error(setmetatable({}, {__tostring = function() return 'shown' end}))"], "", "perilune: shown\n");
    fails(&["-e", "error('plain', 0)"], "", "perilune: plain\nstack traceback:\n\t[C]: in function 'error'\n");
}

#[test]
fn os_exit_sets_the_exit_code() {
    for (call, code) in [("true", 0), ("false", 1), ("7", 7), ("3, true", 3), ("", 0)] {
        let outcome = run(&["-e", &format!("io.write('x') os.exit({call})")], "");
        assert_eq!((outcome.stdout.as_str(), outcome.code), ("x", Some(code)), "os.exit({call})");
    }
}

#[test]
fn the_environment_is_heard() {
    let mut with_init = command(&["-e", "print(x)"]);
    with_init.env("LUA_INIT", "x = 1").env("LUA_INIT_5_3", "x = 2");
    assert_eq!(finish(with_init, b"").stdout, "2\n");

    let scratch = Scratch::new("init");
    let mut with_file = command(&["-e", "print(x)"]);
    with_file.env("LUA_INIT", format!("@{}", scratch.file("init.lua", b"x = 'file'")));
    assert_eq!(finish(with_file, b"").stdout, "file\n");

    let mut ignored = command(&["-E", "-e", "print(x, package.path:find('elsewhere', 1, true))"]);
    ignored.env("LUA_INIT", "x = 1").env("LUA_PATH", "elsewhere");
    assert_eq!(finish(ignored, b"").stdout, "nil\tnil\n");

    let mut failing = command(&["-e", "print(x)"]);
    failing.env("LUA_INIT", "error('msg')");
    let outcome = finish(failing, b"");
    assert_eq!((outcome.stdout.as_str(), outcome.code), ("", Some(1)));
    assert!(outcome.stderr.contains("LUA_INIT:1: msg"), "{}", outcome.stderr);
}

#[test]
fn the_version_names_the_language() {
    let outcome = run(&["-v", "-e", "print(_VERSION)"], "");
    let (first, rest) = outcome.stdout.split_once('\n').expect("a line");
    assert!(first.starts_with("Perilune ") && first.contains("Lua 5.3") && first.ends_with("PUC-Rio"), "{first}");
    assert_eq!(rest, "Lua 5.3\n");
}

/// Runs the interactive mode without prompts and returns what it printed behind the version.
fn interact(input: &str) -> (String, String) {
    let outcome = run(&["-e", "_PROMPT = '' _PROMPT2 = ''", "-i"], input);
    assert_eq!(outcome.code, Some(0));
    let (_, printed) = outcome.stdout.split_once('\n').expect("the version");
    (printed.to_owned(), outcome.stderr)
}

#[test]
fn the_interactive_mode_evaluates() {
    assert_eq!(interact("1 + 1\n=2, 'x'\n"), ("2\n2\tx\n\n".to_owned(), String::new()));
    assert_eq!(interact("a =\n10\nprint(a)\na\n").0, "10\n10\n\n");
    assert_eq!(interact("for i = 1, 2 do\nprint(i)\nend\n").0, "1\n2\n\n");
    assert_eq!(interact("t = [[b\nc]]\n=t").0, "b\nc\n\n");
    assert_eq!(interact("io.read()\nthis line\n").0, "this line\n\n");
}

#[test]
fn the_interactive_mode_survives_errors() {
    let (printed, messages) = interact("error('x')\nnil + 1\n1 1\nprint = nil\n5\nx = (\n");
    assert_eq!(printed, "\n");
    assert!(messages.starts_with("stdin:1: x\nstack traceback:\n"), "{messages}");
    assert!(messages.contains("stdin:1: attempt to perform arithmetic on a nil value"), "{messages}");
    assert!(messages.contains("stdin:1: unexpected symbol near '1'"), "{messages}");
    assert!(messages.contains("error calling 'print' (attempt to call a nil value)"), "{messages}");
    assert!(messages.ends_with("near <eof>\n"), "{messages}");
}

#[test]
fn prompts_are_shown_and_can_be_set() {
    let outcome = run(&["-i"], "f(\n)\n");
    assert!(outcome.stdout.ends_with("\n> >> > \n"), "{}", outcome.stdout);
    let outcome = run(&["-e", "_PROMPT = 'tell me '", "-i"], "_PROMPT = 1\n");
    assert!(outcome.stdout.ends_with("\ntell me 1\n"), "{}", outcome.stdout);
}

#[test]
fn a_memory_limit_is_an_error_in_lua() {
    let grow = "local ok, message = pcall(function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end) print(ok, message)";
    ok(&["--mem-limit", "2M", "-e", grow], "", "false\tnot enough memory\n");
    ok(&["--mem-limit=1M", "-e", "print(pcall(string.rep, 'x', 1 << 30))"], "", "false\tnot enough memory\n");
    fails(&["--mem-limit", "1M", "-e", "local s = ('x'):rep(1 << 21)"], "", "perilune: not enough memory");
    fails(&["--mem-limit", "100", "-e", ""], "", "perilune: cannot create state: not enough memory");
    // However small the limit, the answer is an error.
    for limit in (1000..40_000).step_by(977) {
        let outcome = run(&["--mem-limit", &limit.to_string(), "-e", "print(1)"], "");
        match outcome.code {
            Some(0) => assert_eq!(outcome.stdout, "1\n", "{limit}"),
            code => {
                assert_eq!(code, Some(1), "{limit}");
                assert!(outcome.stderr.contains("not enough memory"), "{limit}: {}", outcome.stderr);
            }
        }
    }
}

#[test]
fn allocation_statistics_come_at_exit() {
    for chunk in ["local t = {} print(1)", "print(1) os.exit(0)", "print(1) os.exit(true, true)"] {
        let outcome = run(&["--alloc", "system", "--alloc-stats", "--mem-limit", "8M", "-e", chunk], "");
        assert_eq!((outcome.stdout.as_str(), outcome.code), ("1\n", Some(0)));
        for word in ["allocator system", "allocator calls", "peak", "table", "thread"] {
            assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
        }
    }
    let outcome = run(&["--alloc-stats", "-e", "local t = {}"], "");
    let live = outcome.stderr.lines().find(|line| line.starts_with("live")).expect("a line");
    assert_eq!(live.split_whitespace().collect::<Vec<_>>(), ["live", "0", "0", "bytes"]);
}

#[test]
fn a_listing_shows_the_code_and_runs_nothing() {
    let scratch = Scratch::new("list");
    let script = scratch.file("list.lua", b"local x = 'constant'\nprint(x)\nlocal function f(a) return a + 1 end\n");
    let short = run(&["--list", &script], "");
    assert_eq!((short.code, short.stderr.as_str()), (Some(0), ""));
    for word in ["main <", "function <", "RETURN", "\"constant\"", "[2]"] {
        assert!(short.stdout.contains(word), "{word}: {}", short.stdout);
    }
    assert!(!short.stdout.contains("constants ("));
    let full = run(&["--list", "--list", &script], "");
    assert!(full.stdout.contains("constants (") && full.stdout.contains("locals ("));
    fails(&["--list"], "", "'--list' needs argument");
    fails(&["--list", "/no/such/file"], "", "cannot open");
    fails(&["--list", "-"], "x = = 1", "stdin:1: unexpected symbol near '='");
}

#[test]
fn a_closed_pipe_ends_the_program() {
    let mut command = command(&["-e", "while true do print('line') end"]);
    let mut child = command.spawn().expect("the program starts");
    drop(child.stdout.take());
    let status = child.wait().expect("the program ends");
    assert!(!status.success());
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn interrupt(child: &std::process::Child) {
        // SAFETY: the process is a child that has not been waited for.
        unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    }

    /// Starts a script and waits until it has printed a line.
    fn start(script: &str) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
        let mut child = command(&["-e", script]).spawn().expect("the program starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        (child, output)
    }

    #[test]
    fn an_interrupt_is_an_error_with_a_traceback() {
        for script in [
            "print('ready') while true do end",
            "print('ready') local function f() return f() end f()",
            "print('ready') for i = 1, math.huge do end",
            "print('ready') repeat until false",
            "print('ready') ::again:: goto again",
            "coroutine.wrap(function() print('ready') while true do end end)()",
        ] {
            let (child, output) = start(script);
            interrupt(&child);
            let outcome: Outcome = child.wait_with_output().expect("the program ends").into();
            drop(output);
            assert_eq!(outcome.code, Some(1), "{script}");
            assert!(outcome.stderr.contains("interrupted!\nstack traceback:\n"), "{script}: {}", outcome.stderr);
        }
    }

    #[test]
    fn an_interrupt_can_be_caught() {
        let (child, mut output) =
            start("print(pcall(function() print('ready') while true do end end)) print('goes on')");
        interrupt(&child);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut output, &mut rest).expect("text");
        assert_eq!(rest, "false\t(command line):1: interrupted!\ngoes on\n");
        assert_eq!(child.wait_with_output().expect("the program ends").status.code(), Some(0));
    }
}
