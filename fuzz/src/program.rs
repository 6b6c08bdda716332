//! Random Lua programs: well-formed, terminating, and seldom stopped by an error.
//!
//! A program declares variables before it uses them, loops a bounded number of times, and prints what it computes. Operands
//! that an operator may not like are wrapped in `pcall`, so that errors are results like others.

use core::fmt::Write;

use crate::random::Random;

/// The state of a generation.
struct Generator {
    random: Random,
    out: String,
    /// How many variables `v1`, `v2`, … are in scope.
    variables: usize,
    /// How many labels there are; each has a name of its own.
    labels: usize,
    /// How deep statements and expressions are nested.
    depth: usize,
}

const MAX_DEPTH: usize = 4;
const BINARY: &[&str] = &[
    "+", "-", "*", "/", "//", "%", "^", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or", "&", "|", "~", "<<", ">>",
];
const UNARY: &[&str] = &["- ", "not ", "#", "~"];
const ATOMS: &[&str] = &[
    "nil",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "7",
    "2.5",
    "1e300",
    "0x7fffffffffffffff",
    "math.mininteger",
    "'a'",
    "'10'",
    "''",
    "'a longer string that is not interned, to be sure'",
    "{}",
    "{1, 2, 3}",
    "{x = 1}",
    "1/0",
    "(0/0)",
];

impl Generator {
    fn variable(&mut self) -> String {
        if self.variables == 0 { "print".into() } else { format!("v{}", 1 + self.random.below(self.variables)) }
    }

    fn expression(&mut self) -> String {
        self.depth += 1;
        let choice = if self.depth > MAX_DEPTH { self.random.below(2) } else { self.random.below(9) };
        let text = match choice {
            0 => self.random.pick(ATOMS).into(),
            1 => self.variable(),
            2 | 3 => {
                let (a, b) = (self.expression(), self.expression());
                format!("({a} {} {b})", self.random.pick(BINARY))
            }
            4 => format!("({}{})", self.random.pick(UNARY), self.expression()),
            5 => format!("tostring({})", self.expression()),
            6 => format!("select(2, pcall(function(...) return {} end, {}))", self.expression(), self.expression()),
            7 => format!("({{{}, {}}})[{}]", self.expression(), self.expression(), self.random.below(3)),
            _ => format!(
                "(function(...) local a, b = ... return b or a end)({}, {})",
                self.expression(),
                self.expression()
            ),
        };
        self.depth -= 1;
        text
    }

    /// An assignment's source that raises no error: one that does gives its message.
    fn safe_expression(&mut self) -> String {
        format!("select(2, pcall(function() return {} end))", self.expression())
    }

    fn block(&mut self, statements: usize) {
        let before = self.variables;
        self.depth += 1;
        for _ in 0..statements {
            self.statement();
        }
        self.depth -= 1;
        self.variables = before;
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = self.depth.saturating_sub(1) * 2);
    }

    fn statement(&mut self) {
        let choice = if self.depth > MAX_DEPTH { self.random.below(4) } else { self.random.below(10) };
        match choice {
            0 | 1 => {
                let value = self.safe_expression();
                self.line(&format!("local v{} = {value}", self.variables + 1));
                self.variables += 1;
            }
            2 if self.variables > 0 => {
                let (name, value) = (self.variable(), self.safe_expression());
                self.line(&format!("{name} = {value}"));
            }
            2 | 3 => {
                let value = self.safe_expression();
                self.line(&format!("show({value})"));
            }
            4 => {
                let condition = self.safe_expression();
                self.line(&format!("if {condition} then"));
                self.block(2);
                self.line("else");
                self.block(1);
                self.line("end");
            }
            5 => {
                let (from, to, step) = (self.random.below(5), self.random.below(5), 1 + self.random.below(2));
                self.line(&format!("for i = {from}, {to}, {step} do show(i)"));
                self.block(2);
                self.line("end");
            }
            6 => {
                self.line("for k, v in ipairs({'x', 2, 3.5}) do show(k, v)");
                self.block(1);
                self.line("end");
            }
            7 => {
                self.line(
                    "do local n = 0 repeat n = n + 1 local c = n show(select(2, pcall(function() return c end)))",
                );
                self.block(1);
                self.line("until n >= 2 end");
            }
            8 => {
                let value = self.safe_expression();
                self.line("do local co = coroutine.wrap(function(a) local b = coroutine.yield(a)");
                self.block(2);
                self.line(&format!("return b, {value} end) show(co(1)) show(co('second')) end"));
            }
            _ => {
                self.labels += 1;
                let label = self.labels;
                self.line(&format!("do local n = 0 ::again{label}:: n = n + 1"));
                self.block(1);
                self.line(&format!("if n < 2 then goto again{label} end end"));
            }
        }
    }
}

/// What every program begins with: `show` prints values without their addresses.
const PRELUDE: &str = "local function show(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = tostring(t[i]):gsub('0x%x+', 'ADDRESS') end
  emit(table.concat(t, '\\t'))
end
";

/// The program of a seed. It writes its results with a function `emit`, which whoever runs it provides.
pub fn generate(seed: u64) -> String {
    let random = Random::new(seed);
    let mut generator = Generator { random, out: PRELUDE.into(), variables: 0, labels: 0, depth: 1 };
    for _ in 0..12 {
        generator.statement();
    }
    generator.out
}
