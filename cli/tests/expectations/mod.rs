//! Lua files with their expected output in comments.
//!
//! - `--> expect: TEXT` is the next line of output. `\t`, `\r`, `\0` and `\\` in it stand for those characters. A line of
//!   the file may hold several.
//! - `--> expect error: TEXT` says that the script fails, with this text in its message. There is at most one.
//! - `--> zeal: no` leaves the file out of builds with `--cfg gc_zeal`, where deep stacks and big strings take very long.
//! - `--> options: A B` gives the program these options, separated by spaces, before the script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const EXPECT: &str = "--> expect: ";
const EXPECT_EMPTY: &str = "--> expect:";
const EXPECT_ERROR: &str = "--> expect error: ";
const OPTIONS: &str = "--> options: ";
const NO_ZEAL: &str = "--> zeal: no";

/// What the comments of a file say.
#[derive(Default)]
struct Expectations {
    lines: Vec<String>,
    error: Option<String>,
    options: Vec<String>,
}

fn unescape(text: &str) -> String {
    let mut result = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some(code @ ('t' | 'r' | '0' | '\\'))) => {
                result.push(match code {
                    't' => '\t',
                    'r' => '\r',
                    '0' => '\0',
                    _ => '\\',
                });
                letters.next();
            }
            _ => result.push(letter),
        }
    }
    result
}

fn read_expectations(text: &str) -> Expectations {
    let mut found = Expectations::default();
    for line in text.lines() {
        if let Some((_, options)) = line.split_once(OPTIONS) {
            found.options.extend(options.split_whitespace().map(str::to_owned));
        } else if let Some((_, error)) = line.split_once(EXPECT_ERROR) {
            found.error = Some(unescape(error));
        } else {
            let marked = line.split(EXPECT_EMPTY).skip(1);
            found.lines.extend(marked.map(|part| unescape(part.strip_prefix(' ').unwrap_or(part))));
            // Between two marks of a line there is a space that belongs to neither text.
            let marks = line.matches(EXPECT_EMPTY).count();
            let first = found.lines.len() - marks;
            for text in found.lines[first..].iter_mut().rev().skip(1) {
                if text.ends_with(' ') {
                    text.pop();
                }
            }
        }
    }
    found
}

/// Runs a file with a program; the answer is what went wrong.
pub fn check(program: &Path, path: &Path) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    if cfg!(gc_zeal) && text.contains(NO_ZEAL) {
        return Ok(());
    }
    let expected = read_expectations(&text);
    if expected.lines.is_empty() && expected.error.is_none() {
        return Err(format!("there is no '{EXPECT}' in it"));
    }
    let output = Command::new(program)
        .args(&expected.options)
        .arg(path.file_name().expect("a file"))
        .current_dir(path.parent().expect("a directory"))
        .env_remove("LUA_INIT")
        .env_remove("LUA_INIT_5_3")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let message = String::from_utf8_lossy(&output.stderr);
    let mut printed_lines = printed.split_terminator('\n');
    for (i, line) in expected.lines.iter().enumerate() {
        match printed_lines.next() {
            Some(printed) if printed == line => {}
            Some(printed) => return Err(format!("line {}: expected {line:?}, printed {printed:?}\n{message}", i + 1)),
            None => return Err(format!("line {}: expected {line:?}, but the output ends\n{message}", i + 1)),
        }
    }
    if let Some(line) = printed_lines.next() {
        return Err(format!("line {}: printed {line:?}, expected nothing more\n{message}", expected.lines.len() + 1));
    }
    match expected.error {
        None if output.status.success() => Ok(()),
        Some(error) if output.status.code() == Some(1) && message.contains(&error) => Ok(()),
        Some(error) => Err(format!("{}: expected the error {error:?}, got {message:?}", output.status)),
        None => Err(format!("{}: {message}", output.status)),
    }
}

/// Adds the Lua files of a directory, and those in its directories.
pub fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the directory of the test scripts") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            files.push(path);
        }
    }
}
