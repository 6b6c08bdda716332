//! `--list`: the bytecode of a script, readable.

use std::fmt;

use perilune_stdlib::stdio::write_stdout;
use perilune_vm::{LuaState, list};

/// Standard output as a place for formatted text.
struct Output;

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_stdout(text.as_bytes());
        Ok(())
    }
}

/// Lists the function on top of the stack on standard output; in `full`, constants and variables too.
pub fn show(lua: &mut LuaState, full: bool) {
    // `Output` has no errors of its own.
    let _ = list(lua, &mut Output, full);
}
