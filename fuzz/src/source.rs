//! Raw text as source, whatever it is: for fuzzers, which make of a corpus what no generator would.
//!
//! The text runs in a sandbox: what reads or changes the world outside is gone, and so is what may differ between two
//! interpreters that are both right: orders of traversal, memory, random numbers, time, bytecode.

use crate::reference::{Interpreter, Limits};

/// Statements in front of the text, on its first line, that take away what the sandbox has not.
const SANDBOX: &str = "local g=_G for _,k in g.ipairs{'bit32','collectgarbage','debug','dofile','loadfile','next','os','package',\
    'pairs','require'}do g[k]=nil end g.io={write=g.io.write} g.string.dump=nil g.math.random=nil g.math.randomseed=nil \
    g.math.cosh,g.math.sinh,g.math.tanh,g.math.pow,g.math.frexp,g.math.ldexp,g.math.log10=nil;";

/// What a run of the other interpreter may use: little, so that a fuzzer has many of them. Where that is enough, ours runs without a hook that
/// counts, which would keep quick forms of functions from being asked.
pub const LIMITS: Limits = Limits { instructions: Some(20_000), memory: 4 << 20 };

/// Whether two interpreters agree on a text, if the other one comes to a result: in how it ends, what it prints, and the error's message.
///
/// # Errors
/// They do not; where, in words.
pub fn agree(text: &[u8], ours: &mut dyn Interpreter, other: &mut dyn Interpreter) -> Result<(), String> {
    // A chunk of bytecode would not come behind the sandbox, and is not asked for here.
    let source = [SANDBOX.as_bytes(), text].concat();
    let expected = other.run(&source, LIMITS);
    if !expected.is_result() {
        return Ok(());
    }
    match ours.run(&source, Limits { instructions: None, ..LIMITS }).difference(&expected) {
        None => Ok(()),
        Some(difference) => Err(format!("{} against {}: {difference}", ours.name(), other.name())),
    }
}
