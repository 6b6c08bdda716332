//! A large Lua source, made by a generator, the same each time, for measuring compilers.
//!
//! It looks like what people write: modules of functions with a few parameters, local variables, fields, calls, tables,
//! conditions, loops, closures, comments, numbers and strings. It is compiled and never run.

use std::fmt::Write;

/// Names of fields, methods and variables.
const NAMES: [&str; 24] = [
    "account", "buffer", "cache", "depth", "entries", "first", "group", "handler", "id", "join", "kind", "limits",
    "matched", "n", "options", "path", "queue", "range", "state", "target", "update", "visible", "width", "x",
];
/// Functions of the libraries.
const FUNCTIONS: [&str; 8] =
    ["math.floor", "string.sub", "tostring", "table.concat", "type", "print", "math.max", "select"];
/// Operators with two operands.
const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "%", "..", "==", "~=", "<", "<=", "and", "or"];
/// How many local variables a function has at most, its parameters included.
const MAX_LOCALS: usize = 24;

/// The generator: the text so far, the random numbers, and the variables that can be seen.
struct Generator {
    text: String,
    seed: u64,
    visible: Vec<String>,
    indent: usize,
}

impl Generator {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.seed >> 33) as usize % n
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let index = self.below(from.len());
        from[index]
    }

    fn put(&mut self, text: impl std::fmt::Display) {
        write!(self.text, "{text}").expect("a string takes everything");
    }

    /// Writes the begin of a line.
    fn begin(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.indent));
    }

    fn variable(&mut self) {
        let index = self.below(self.visible.len());
        let name = self.visible[index].clone();
        self.put(name);
    }

    /// Writes an expression of at most this depth.
    fn expression(&mut self, depth: usize) {
        let name = self.pick(&NAMES);
        match self.below(if depth == 0 { 9 } else { 16 }) {
            0..=3 => self.variable(),
            4 => {
                let number = self.below(1000);
                self.put(number);
            }
            5 => {
                let (number, places) = (self.below(100_000), 1 + self.below(4));
                self.put(format_args!("{:.places$}", number as f64 / 1000.0));
            }
            6 => {
                let number = self.below(500);
                self.put(format_args!("\"{name} {number}\""));
            }
            7 => {
                self.variable();
                self.put(format_args!(".{name}"));
            }
            8 => {
                let word = self.pick(&["true", "false", "nil", "{}", "0x7f", "'\\n'"]);
                self.put(word);
            }
            9..=11 => {
                let operator = self.pick(&OPERATORS);
                self.put("(");
                self.expression(depth - 1);
                self.put(format_args!(" {operator} "));
                self.expression(depth - 1);
                self.put(")");
            }
            12 => {
                let function = self.pick(&FUNCTIONS);
                self.call(function, depth);
            }
            13 => {
                self.variable();
                self.call(&format!(":{name}"), depth);
            }
            14 => {
                self.put(format_args!("{{{name} = "));
                self.expression(depth - 1);
                self.put(", ");
                self.expression(depth - 1);
                self.put("}");
            }
            _ => {
                let operator = self.pick(&["not ", "-", "#"]);
                self.put(operator);
                self.variable();
            }
        }
    }

    /// Writes a call with two arguments.
    fn call(&mut self, function: &str, depth: usize) {
        self.put(format_args!("{function}("));
        self.expression(depth - 1);
        self.put(", ");
        self.expression(depth - 1);
        self.put(")");
    }

    /// Writes the statements of a block, and its end; what they declare is not visible afterwards.
    fn block(&mut self, count: usize, depth: usize) {
        let visible = self.visible.len();
        self.indent += 1;
        for _ in 0..count {
            self.statement(depth);
        }
        self.indent -= 1;
        self.visible.truncate(visible);
        self.begin();
    }

    fn statement(&mut self, depth: usize) {
        self.begin();
        let name = self.pick(&NAMES);
        match self.below(if depth == 0 { 12 } else { 17 }) {
            0..=3 if self.visible.len() < MAX_LOCALS => {
                let number = self.below(4);
                self.put(format_args!("local {name}{number} = "));
                self.expression(2);
                self.visible.push(format!("{name}{number}"));
            }
            0..=5 => {
                self.variable();
                self.put(" = ");
                self.expression(2);
            }
            6..=8 => {
                self.variable();
                self.put(format_args!(".{name} = "));
                self.expression(2);
            }
            9..=10 => {
                self.variable();
                self.call(&format!(":{name}"), 2);
            }
            11 => {
                let other = self.pick(&NAMES);
                self.put(format_args!("-- The {name} comes before the {other}, or there is none."));
            }
            12..=13 => {
                self.put("if ");
                self.expression(2);
                self.put(" then\n");
                self.block(2, depth - 1);
                self.put("else\n");
                self.block(1, depth - 1);
                self.put("end");
            }
            14 => {
                self.put("for i = 1, ");
                self.expression(1);
                self.put(" do\n");
                self.block(2, depth - 1);
                self.put("end");
            }
            15 => {
                self.put(format_args!("for k, v in pairs(self.{name}) do\n"));
                self.block(2, depth - 1);
                self.put("end");
            }
            _ => {
                self.variable();
                self.put(format_args!(".{name} = function(a, ...)\n"));
                self.block(1, depth - 1);
                self.put("end");
            }
        }
        self.put("\n");
    }
}

/// A source of at least `size` bytes, of which no function is large.
pub fn generate(size: usize) -> String {
    let mut out = Generator { text: String::with_capacity(size + 16384), seed: 20, visible: Vec::new(), indent: 0 };
    let mut module = 0;
    while out.text.len() < size {
        module += 1;
        out.put(format_args!("modules[{module}] = function(...)\n  local M = {{}}\n"));
        for function in 0..40 {
            let name = out.pick(&NAMES);
            out.put(format_args!("  function M.{name}_{function}(self, value, options)\n"));
            out.visible = ["self", "value", "options", "M"].map(str::to_string).to_vec();
            out.indent = 1;
            let count = 4 + out.below(9);
            out.block(count, 2);
            out.put("end\n");
        }
        out.put("  return M\nend\n");
    }
    out.text
}

#[cfg(test)]
mod tests {
    use perilune_alloc_adapters::System;
    use perilune_vm::{LoadMode, Lua, Status};

    use super::generate;

    #[test]
    fn the_source_is_lua_and_the_same_each_time() {
        let text = generate(300_000);
        assert!((300_000..340_000).contains(&text.len()), "{}", text.len());
        assert_eq!(text, generate(300_000));
        let mut lua = Lua::new(System).expect("a state");
        let status = lua.load_bytes(text.as_bytes(), b"=source", LoadMode::TEXT);
        assert_eq!(status, Status::Ok, "{:?}", lua.str_at(-1).map(String::from_utf8_lossy));
        let last = text.rfind("return M").expect("a module");
        assert_ne!(lua.load_bytes(&text.as_bytes()[..last], b"=source", LoadMode::TEXT), Status::Ok);
    }
}
