//! The allocator lab as its users see it: what it prints, what it writes, and what it says when something is wrong.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lab-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// The lab with arguments, in a folder.
fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perilune-lab"));
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn lab(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).output().expect("the lab runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a run that must succeed has printed.
fn good(folder: &Path, arguments: &str) -> String {
    let output = lab(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What a run that must fail has said on standard error.
fn bad(folder: &Path, arguments: &str) -> String {
    let output = lab(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

/// A small workload.
const SMALL: &str = "-- about: small\n-- stresses: little\n-- sizes: quick 300, default 400, long 500\n\
    local t = {} for i = 1, ... do t[i] = {tostring(i)} end print('small', #t)\n";

#[test]
fn lists_have_what_there_is() {
    let dir = folder("lists");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let workloads = good(&dir, "workloads --workloads .");
    assert!(workloads.contains("own (300, 400, 500)\n    small\n    stresses: little"), "{workloads}");
    assert!(workloads.contains("binary_trees (") && workloads.contains("many_states ("), "{workloads}");
    let allocs = good(&dir, "allocs");
    assert!(allocs.contains("slab") && allocs.contains("mimalloc, a heap for each state"), "{allocs}");
    for name in "matrix record replay histogram latency threads footprint compare allocs workloads".split(' ') {
        let help = good(&dir, &format!("{name} --help"));
        assert!(help.contains("Example:\n  perilune-lab "), "{name}: {help}");
    }
    let help = good(&dir, "threads --help");
    assert!(help.find("--threads") < help.find("Outputs:"), "{help}");
}

#[test]
fn a_matrix_goes_to_all_outputs() {
    let dir = folder("matrix");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let run = "matrix --quick own.lua many_states --rounds 1 --alloc slab --json a.json --csv a.csv --html a.html";
    let shown = good(&dir, run);
    assert!(shown.contains("own 300: ") && shown.contains("many_states 150: "), "{shown}");
    assert!(shown.contains("too few runs to say") && shown.contains("baseline"), "{shown}");
    let csv = fs::read_to_string(dir.join("a.csv")).expect("the CSV");
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert!(csv.lines().nth(1).is_some_and(|line| line.starts_with("own,300,system,")), "{csv}");
    let html = fs::read_to_string(dir.join("a.html")).expect("the page");
    // Two workloads: time, memory, latency, sizes.
    assert_eq!(html.matches("<svg").count(), 2 + 2 + 2 * 3 + 2);
    assert!(!html.contains("href") && !html.contains("src="));
    assert!(html.contains(">? ") && !html.contains(">≈ "), "one round says nothing");
    let compared = good(&dir, "compare a.json a.json");
    assert!(compared.contains("own 300: the control's time changed to 1.000"), "{compared}");
}

#[test]
fn a_recording_is_replayed_exactly() {
    let dir = folder("record");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let recorded = good(&dir, "record own.lua --quick -o t.trace");
    let hash = recorded.split("hash ").nth(1).expect("a hash").split_whitespace().next().expect("a hash");
    assert!(recorded.contains("it printed: small\t300"), "{recorded}");
    let replayed = good(&dir, "replay t.trace --rounds 1 --csv t.csv");
    assert!(replayed.contains(&format!("hash {hash};")), "{replayed}");
    let csv = fs::read_to_string(dir.join("t.csv")).expect("the CSV");
    for name in ["slab", "libc", "mimalloc", "mimalloc-shared", "bump", "bump-free-list", "up-bump"] {
        assert!(
            csv.lines().any(|line| line.starts_with(&format!("t.trace,{name},0.")) && line.ends_with(',')),
            "{csv}"
        );
    }
    let run = "replay t.trace --rounds 1 --alloc slab --json t.json --html t.html";
    assert!(good(&dir, run).contains("ratio [range]"));
    let html = fs::read_to_string(dir.join("t.html")).expect("the page");
    assert!(html.matches("<svg").count() == 1 && html.contains("<td>slab</td>"), "{html}");
    let compared = good(&dir, "compare t.json t.json");
    assert!(compared.contains("t.trace: the loop's time changed to 1.000") && compared.contains("slab"), "{compared}");

    let shown = good(&dir, "histogram t.trace --json h.json --csv h.csv --html h.html");
    assert_eq!(shown.replace("t.trace", "own"), good(&dir, "histogram own.lua --quick"));
    let html = fs::read_to_string(dir.join("h.html")).expect("the page");
    assert!(html.matches("<svg").count() == 2 && html.contains("lived until the close"), "{html}");
    let csv = fs::read_to_string(dir.join("h.csv")).expect("the CSV");
    assert!(csv.starts_with("recording,kind,of,up_to_bytes,blocks\nt.trace,other,size,16,"), "{csv}");
    let said = bad(&dir, "compare h.json h.json");
    assert!(said.contains("times are what 'matrix' and 'replay' measure"), "{said}");

    // The note says what was asked; a recording of something else does not fit it.
    good(&dir, "record own.lua -o other.trace");
    fs::rename(dir.join("other.trace"), dir.join("t.trace")).expect("renamed");
    let said = bad(&dir, "replay t.trace");
    assert!(said.contains("the trace does not hold what its note says was asked"), "{said}");
}

#[test]
fn recordings_that_cannot_be_read_say_where() {
    let dir = folder("traces");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    good(&dir, "record own.lua --quick -o good.trace");
    let whole = fs::read(dir.join("good.trace")).expect("the trace");
    let cut = whole.len() - 5;
    fs::write(dir.join("cut.trace"), &whole[..cut]).expect("a file");
    let mut hurt = whole.clone();
    hurt[400] ^= 1;
    fs::write(dir.join("hurt.trace"), hurt).expect("a file");
    fs::write(dir.join("foreign.trace"), SMALL).expect("a file");
    for command in ["replay", "histogram"] {
        let said = bad(&dir, &format!("{command} cut.trace"));
        assert!(said.contains(&format!("'cut.trace': the trace ends too early, at byte {cut}")), "{said}");
        let said = bad(&dir, &format!("{command} hurt.trace"));
        assert!(
            said.contains("'hurt.trace': the trace is damaged at byte 16: the checksum of a frame is wrong"),
            "{said}"
        );
        let said = bad(&dir, &format!("{command} foreign.trace"));
        assert!(said.contains("'foreign.trace': this is no allocation trace"), "{said}");
    }
    let said = bad(&dir, "replay nowhere.trace");
    assert!(said.contains("cannot open the trace 'nowhere.trace': No such file"), "{said}");
    let said = bad(&dir, "histogram nowhere.trace");
    assert!(said.contains("there is no trace 'nowhere.trace': unknown workload 'nowhere.trace' (there are:"), "{said}");
    let said = bad(&dir, "replay .");
    assert_eq!(said.matches("Is a directory").count(), 1, "{said}");
}

#[test]
fn unknown_names_are_told_with_the_known_ones() {
    let dir = folder("names");
    let said = bad(&dir, "matrix --quick --alloc slab,jmalloc");
    assert!(
        said.starts_with("perilune-lab: unknown allocator 'jmalloc' (there are: slab, system, libc, mimalloc,"),
        "{said}"
    );
    let said = bad(&dir, "replay x --baseline none");
    assert!(said.contains("unknown allocator 'none'"), "{said}");
    let said = bad(&dir, "latency trees");
    assert!(said.contains("unknown workload 'trees' (there are: array_growth, binary_trees,"), "{said}");
    let said = bad(&dir, "matrix --workloads nowhere");
    assert!(said.contains("cannot read the folder 'nowhere': No such file"), "{said}");
    fs::write(dir.join("no.json"), "{}").expect("a file");
    let said = bad(&dir, "compare no.json no.json");
    assert!(said.contains("'no.json' is no report of the lab"), "{said}");
}

#[test]
fn a_workload_that_fails_leaves_the_others() {
    let dir = folder("fails");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    fs::write(dir.join("boom.lua"), "local n = ...\nerror('boom ' .. n)\n").expect("a file");
    fs::write(dir.join("wrong.lua"), "local = 1\n").expect("a file");
    let output = lab(&dir, "matrix own.lua boom.lua wrong.lua --quick --rounds 1 --alloc system");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("FAILED: boom on system: workload 'boom' failed: boom.lua:2: boom 1"), "{shown}");
    assert!(shown.contains("FAILED: wrong on system: workload 'wrong' cannot be compiled: wrong.lua:1:"), "{shown}");
    assert!(shown.contains("own 300: ") && shown.contains("1.000 [1.000, 1.000]"), "{shown}");
    let said = bad(&dir, "record boom.lua -o boom.trace");
    assert!(said.starts_with("perilune-lab: workload 'boom' failed: boom.lua:2: boom 1"), "{said}");
}

#[test]
fn a_script_as_it_is_can_be_a_workload() {
    let dir = folder("script");
    fs::write(dir.join("own.lua"), "#!/usr/bin/env lua\nio.write('some text')\nio.stdout:flush()\nprint('sum')\n")
        .expect("a file");
    let shown = good(&dir, "matrix own.lua --quick --rounds 1 --alloc system --json a.json");
    assert!(shown.contains("own 1: ") && !shown.contains("some text"), "{shown}");
    assert!(fs::read_to_string(dir.join("a.json")).expect("the report").contains("\"checksum\":\"sum\""));
}

#[test]
#[cfg(target_os = "linux")]
fn no_space_for_a_report_loses_nothing_else() {
    let dir = folder("space");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let run = "matrix own.lua --quick --rounds 1 --alloc system --json /dev/full --html /dev/full --csv own.csv";
    let output = lab(&dir, run);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write the JSON file '/dev/full': No space left on device"), "{said}");
    assert!(said.contains("cannot write the report '/dev/full': No space left on device"), "{said}");
    assert!(shown.contains("own 300: "), "{shown}");
    assert_eq!(fs::read_to_string(dir.join("own.csv")).expect("the CSV").lines().count(), 2);
    let said = bad(&dir, "matrix own.lua --quick --html nowhere/report.html");
    assert!(said.contains("cannot write the report 'nowhere/report.html': No such file"), "{said}");
    let said = bad(&dir, "record own.lua --quick -o /dev/full");
    assert!(said.contains("cannot write the trace '/dev/full'") && said.contains("No space left"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_that_takes_nothing_loses_no_file() {
    let dir = folder("terminal");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let full = || fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    // A name need not be text.
    let name = OsStr::from_bytes(b"a\xFF.json");
    let mut run = command(&dir, "matrix own.lua --quick --rounds 1 --alloc system --json");
    let output = run.arg(name).stdout(full()).output().expect("it runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("perilune-lab: cannot write to standard output: No space left on device"), "{said}");
    assert!(fs::read_to_string(dir.join(name)).expect("the report").ends_with('}'));
    for listing in ["allocs", "workloads"] {
        let output = command(&dir, listing).stdout(full()).output().expect("it runs");
        assert!(output.status.code() == Some(1) && !text(&output.stderr).contains("panicked"), "{output:?}");
        // Who reads a part, as `head` does, has seen enough.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(&dir, listing).stdout(writer).output().expect("it runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

/// Starts the lab as a shell would, in a group of its own.
fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = command(folder, arguments);
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the lab runs")
}

/// Ctrl-C as a terminal has it: for all of the group.
fn interrupt(child: &Child) {
    // SAFETY: the child is ours and was not waited for, so its group is there.
    assert_eq!(unsafe { libc::kill(-(child.id() as i32), libc::SIGINT) }, 0);
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_replay_reports_what_it_has() {
    let dir = folder("interrupted-replay");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    good(&dir, "record own.lua -o t.trace");
    let child = start(&dir, "replay t.trace --alloc system,slab --rounds 60000 --json rows.json");
    let id = child.id();
    wait_until("a measurement begins", || {
        fs::read_to_string(format!("/proc/{id}/task/{id}/children")).is_ok_and(|children| !children.is_empty())
    });
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(130), "{shown}{said}");
    assert!(shown.contains("t.trace: ") && shown.contains("interrupted:") && !shown.contains("FAILED"), "{shown}");
    assert!(fs::read_to_string(dir.join("rows.json")).expect("the report").contains("\"interrupted\":true"));
}

#[test]
fn an_interrupt_keeps_the_finished_rows() {
    let dir = folder("interrupt");
    fs::write(dir.join("a.lua"), SMALL).expect("a file");
    // It says that it has begun, and then takes its time.
    let slow = "io.open('begun', 'w'):close() local t = os.clock() while os.clock() - t < 0.5 do end print('slow')";
    fs::write(dir.join("b.lua"), slow).expect("a file");
    let run = "matrix a.lua b.lua --quick --rounds 20 --alloc system --json rows.json";
    let child = start(&dir, run);
    wait_until("the second workload begins", || dir.join("begun").exists());
    interrupt(&child);
    let output = child.wait_with_output().expect("it ends");
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted: what is finished is reported"), "{said}");
    assert!(shown.contains("a 300: ") && !shown.contains("b 1"), "{shown}");
    assert!(shown.contains("interrupted: only what was finished is shown"), "{shown}");
    let json = fs::read_to_string(dir.join("rows.json")).expect("the report");
    assert!(
        json.contains("\"interrupted\":true")
            && json.contains("\"workload\":\"a\"")
            && !json.contains("\"workload\":\"b\"")
    );
}

/// Allocation functions of C: one that works, one that ends the process.
const C_SOURCE: &str = "#include <stdlib.h>\n\
    void *plain(void *ud, void *p, size_t o, size_t n) { (void)ud; (void)o; if (!n) { free(p); return 0; } return realloc(p, n); }\n\
    void *crashing(void *ud, void *p, size_t o, size_t n) { abort(); }\n";

#[test]
fn a_library_of_c_is_an_allocator() {
    let dir = folder("library");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    fs::write(dir.join("a.c"), C_SOURCE).expect("a file");
    let compiled = Command::new("cc").current_dir(&dir).args(["-shared", "-fPIC", "-o", "a.so", "a.c"]).status();
    assert!(compiled.expect("a C compiler, which builds mimalloc, too").success());
    let shown = good(&dir, "matrix own.lua --quick --rounds 1 --alloc plain --alloc-lib a.so:plain");
    assert!(shown.contains("plain"), "{shown}");
    let shown = good(&dir, "allocs --alloc-lib ./a.so:plain");
    assert!(shown.contains("the lua_Alloc of ./a.so"), "{shown}");
    let output = lab(&dir, "matrix own.lua --quick --rounds 1 --alloc crashing --alloc-lib a.so:crashing");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("FAILED: own on crashing: the measurement's process ended with signal: 6 (SIGABRT)"),
        "{shown}"
    );
    let said = bad(&dir, "allocs --alloc-lib a.so:nothing");
    assert!(said.contains("the library 'a.so' has no symbol 'nothing'"), "{said}");
    let said = bad(&dir, "allocs --alloc-lib b.so:plain");
    assert!(said.contains("cannot load the library 'b.so'"), "{said}");
    let said = bad(&dir, "allocs --alloc-lib a.so");
    assert!(said.contains("it must be PATH:SYMBOL"), "{said}");
}

#[test]
fn latencies_footprints_and_threads_are_shown() {
    let dir = folder("others");
    fs::write(dir.join("own.lua"), SMALL).expect("a file");
    let csv = |lines: usize, head: &str| {
        let text = fs::read_to_string(dir.join("own.csv")).expect("the CSV");
        assert!(text.starts_with(head) && text.lines().count() >= lines, "{text}");
    };
    let shown = good(&dir, "latency own.lua --alloc slab --csv own.csv");
    csv(1 + 3 * 12, "workload,allocator,call,calls,percentile,nanoseconds\nown,slab,alloc,");
    assert!(shown.contains("p99.99") && shown.contains("floor") && shown.contains("shrink"), "{shown}");
    let shown = good(&dir, "footprint own.lua --alloc slab --html own.html --csv own.csv");
    assert!(shown.contains("resident / live"), "{shown}");
    csv(3, "workload,allocator,allocated_bytes,live_bytes,resident_bytes,reserved_bytes\nown,slab,");
    assert_eq!(fs::read_to_string(dir.join("own.html")).expect("the page").matches("<svg").count(), 2);
    let shown = good(&dir, "threads own.lua -n 3 --rounds 1 --alloc slab,mimalloc --csv own.csv");
    assert!(shown.contains("3 threads") && shown.contains("mimalloc"), "{shown}");
    csv(1 + 2 * 3, "workload,allocator,threads,runs_per_second\nown,slab,1,");
}
