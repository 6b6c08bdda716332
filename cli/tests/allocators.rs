//! The allocators of the program: each runs scripts, under a limit and with statistics, and those that can be are given to processes.

use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_perilune");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names in the program's own list, and the lines.
fn list() -> Vec<(String, String)> {
    let list: Vec<_> = text(&run(&["--allocs"]).stdout)
        .lines()
        .map(|line| (line.split_whitespace().next().expect("a name").to_owned(), line.to_owned()))
        .collect();
    for name in ["system", "mimalloc", "mimalloc-shared", "bump", "bump-free-list", "up-bump", "slab"] {
        assert_eq!(list.iter().filter(|(known, _)| known == name).count(), 1, "{name}");
    }
    list
}

const SCRIPT: &str = "
    local kept = {}
    for round = 1, 5 do
      for i = 1, 2000 do kept[i] = {tostring(i), function() return i end} end
      local s = '' for i = 1, 500 do s = s .. i end
      collectgarbage()
    end
    setmetatable(kept, {__gc = function() io.write('closed ', #kept, '\\n') end})
    print(#kept, kept[7][1], kept[8][2]())";

#[test]
fn each_runs_scripts() {
    for (name, _) in list() {
        let output = run(&["--alloc", &name, "-e", SCRIPT]);
        assert_eq!(text(&output.stderr), "", "{name}");
        assert_eq!(text(&output.stdout), "2000\t7\t8\nclosed 2000\n", "{name}");
        assert!(output.status.success(), "{name}");
    }
}

#[test]
fn each_obeys_a_limit_and_is_counted() {
    let script = "
        local ok, message = pcall(string.rep, 'x', 1 << 24)
        print(ok, message)
        local t = {} print(pcall(function() for i = 1, math.huge do t[i] = {i} end end))
        t = nil print(#('y'):rep(1 << 20))";
    for (name, _) in list() {
        let output = run(&["--alloc", &name, "--mem-limit", "4M", "--alloc-stats", "-e", script]);
        let expected = "false\tnot enough memory\nfalse\tnot enough memory\n1048576\n";
        assert_eq!(text(&output.stdout), expected, "{name}");
        let stats = text(&output.stderr);
        assert!(stats.contains(&format!("allocator {name}\n")), "{stats}");
        let bytes = |line: &str| -> u64 {
            let line = stats.lines().find(|given| given.starts_with(line)).expect("a line");
            let words: Vec<_> = line.split_whitespace().collect();
            words[words.len() - 2].replace([',', '_'], "").parse().expect("a number")
        };
        // The limit is exact, and the state gives everything back.
        assert!(bytes("peak") <= 4 << 20 && bytes("peak") > 3 << 20, "{stats}");
        assert_eq!(bytes("live"), 0, "{stats}");
    }
}

#[cfg(feature = "lproc")]
#[test]
fn processes_get_the_allocator_or_its_substitute() {
    for (name, line) in list() {
        let script = format!(
            "local lproc = require 'lproc'
             print(lproc.start(function() local t = {{}} for i = 1, 1000 do t[i] = {{i}} end return #t end):join())
             print(pcall(lproc.start, {{alloc = '{name}'}}, function() return 1 end))"
        );
        let output = run(&["--alloc", &name, "-e", &script]);
        let lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2, "{name}: {}", text(&output.stderr));
        assert!(lines[0].ends_with("1000"), "{name}: {}", lines[0]);
        assert_eq!(lines[1].starts_with("true"), !line.contains("not for processes"), "{name}: {}", lines[1]);
    }
}
