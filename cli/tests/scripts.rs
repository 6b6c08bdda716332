//! Runs the Lua files of `tests/lua` and compares what they print with the expectations in their comments, of which
//! `expectations/mod.rs` tells the form.
//!
//! `PERILUNE_TEST_PROGRAM=lua5.3 cargo test -p perilune --test scripts` runs the files with another program, so that the
//! expectations themselves can be checked. `PERILUNE_TEST_ONLY=part` runs the files whose names contain that part.

mod expectations;

use std::path::{Path, PathBuf};

use expectations::{check, collect};

fn program() -> PathBuf {
    std::env::var_os("PERILUNE_TEST_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_perilune").into(), PathBuf::from)
}

#[test]
fn scripts_print_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lua");
    let mut files = Vec::new();
    collect(&root, &mut files);
    if let Ok(part) = std::env::var("PERILUNE_TEST_ONLY") {
        files.retain(|path| path.to_string_lossy().contains(&part));
    }
    files.sort();
    assert!(!files.is_empty(), "there are no test scripts in {}", root.display());
    let (program, mut failures) = (program(), String::new());
    for path in &files {
        let start = std::time::Instant::now();
        if let Err(failure) = check(&program, path) {
            failures += &format!("{}: {failure}\n", path.strip_prefix(&root).unwrap_or(path).display());
        }
        println!("{:8.2} s  {}", start.elapsed().as_secs_f64(), path.strip_prefix(&root).unwrap_or(path).display());
    }
    println!("{} scripts", files.len());
    assert!(failures.is_empty(), "\n{failures}");
}
