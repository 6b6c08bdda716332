//! Every small program of a family, compared with the reference: each expression that is compiled to jumps, in each place where an
//! expression can stand, with several values of each variable. (Chance comes seldom upon a place that needs two of them in a row.)

mod common;

use common::reference::Puc;
use perilune_fuzz::reference::{End, Interpreter, Limits, Perilune};

/// Expressions that end in jumps, or not, and that are constants, registers, tests or calls in the end.
const EXPRESSIONS: &[&str] = &[
    "a",
    "1",
    "nil",
    "not a",
    "a == b",
    "a ~= 2",
    "1 == a and b",
    "a == 1 or b",
    "a and b",
    "b or c",
    "not a or b and 2",
    "a and b or c",
    "(a or b) and c",
    "not (a == b and c)",
    "(a == 1) == b",
    "f(a, b)",
    "t[a] or t.x",
    "a and f(b)",
];

/// Blocks, in which `E` and `F` stand for expressions. `n` is 0, `t` has a field `x`, `f` returns what it gets; `iter` is an iterator that
/// gives its two arguments, twice.
const BLOCKS: &[&str] = &[
    "return E",
    "return E, F",
    "return F, (E)",
    "return (E) == F",
    "return (E) ~= 1 and F",
    "return (E) and (F)",
    "return (E) or (F)",
    "return not (E), not (F)",
    "return -(E)",
    "return (E) + (F)",
    "return (E) .. (F)",
    "return (E) < (F)",
    "return t[E]",
    "return (E).x",
    "return f(E)",
    "return f(E, F)",
    "return 1, f(E, F)",
    "local v = f(E) return v",
    "f(E, F) return n",
    "local v = E return v",
    "local v, w = E, F return v, w",
    "local v, w = E return v, w",
    "local v, w = F, E, a return v, w",
    "a = E return a, b, c",
    "b, a = E, F return a, b, c",
    "a, t[a], b = E, F return a, b, t.x, t[1], t[2]",
    "t[E] = F return t.x, t[1], t[2]",
    "t.x = E return t.x",
    "t.x, t[1] = E, F return t.x, t[1]",
    "g = E return g",
    "t = {E, F} return t[1], t[2], t[3]",
    "t = {x = E, [1] = F, E} return t.x, t[1], t[2]",
    "t = {[E] = F} return t[1], t[2], t[false]",
    "return t:m(E, F)",
    "if E then n = 1 end return n",
    "if E then return 1 else return 2 end",
    "if E then return 1 elseif F then return 2 end return 3",
    "if E then if F then return 1 end else n = 2 end return n",
    "if not (E) then n = 1 else n = F end return n",
    "if E then goto done end n = F ::done:: return n",
    "if (E) and F then n = 1 end if (F) or E then return n end return 9",
    "while E do n = n + 1 if n > 2 then return F end end return n",
    "while n < 3 do n = n + 1 if E then break end a = F end return n, a",
    "while n < 3 and (E) do n = n + 1 if F then a = b end end return n, a",
    "repeat local v = E n = n + 1 until F or n > 2 return n",
    "repeat local v = E local function g() return v end n = n + 1 until n > 2 or g() == F return n",
    "for i = E, 3 do n = n + i a = F end return n, a",
    "for i = 1, E do n = n + i a = F end return n, a",
    "for i = 1, 3, E do n = n + i a = F end return n, a",
    "for v in E do return v end return n",
    "for v in iter, E do a = v if F then return v end end return n, a",
    "for v, w in iter, E, F do a, b = v, w end return n, a, b",
    "for v, w in iter, F, E do c = w if F then break end end return n, a, c",
    "for v, w, u in iter, 1, E, F do local function g() return v end b = g() end return n, b",
    "do local v = E local function g() return v, F end return g() end",
    "local function g() return E end local v = F return g(), v",
    "do local v = E if F then goto done end local function g() v = 5 end g() n = v end ::done:: return n",
    "while n < 3 do local v = E n = n + 1 if F then goto on end local function g() return v end a = g() ::on:: end return n, a",
    "return (function(...) return ... end)(E, F)",
    "return select('#', E, f(F))",
];

/// Where the variables `a`, `b` and `c` are: parameters, upvalues, globals.
const PLACES: [[&str; 2]; 3] = [
    ["local function body(a, b, c)", "end"],
    ["local a, b, c local function inner()", "end local function body(x, y, z) a, b, c = x, y, z return inner() end"],
    ["local function inner()", "end local function body(x, y, z) a, b, c = x, y, z return inner() end"],
];

/// How often a program calls each of its functions.
const CALLS: usize = 4 * 3 * 2;

/// A program that runs a block with each of the expressions in place of `F`.
fn program(block: &str, expression: &str, place: [&str; 2]) -> String {
    let mut text = String::from(
        "local n, t
local function f(...) return ... end
local function iter(state, control) n = n + 1 if n < 3 then return state or 'state', control end end
local values = { false, 1, 2 }
local function run(body)
  for i = 1, 4 do for j = 1, 3 do for k = 1, 2 do
    n, t = 0, { x = 'x', m = function(self, ...) return ... end }
    print(pcall(body, values[i], values[j], values[k]))
  end end end
end
",
    );
    let count = if block.contains('F') { EXPRESSIONS.len() } else { 1 };
    for other in &EXPRESSIONS[..count] {
        let block = block.replace('E', expression).replace('F', other);
        text.push_str(&format!("do {} {block} {} run(body) end\n", place[0], place[1]));
    }
    text
}

#[test]
fn expressions_agree_with_the_reference_in_all_places() {
    for place in PLACES {
        for block in BLOCKS {
            for expression in EXPRESSIONS {
                let text = program(block, expression, place);
                let [expected, ours] = [&mut Puc as &mut dyn Interpreter, &mut Perilune]
                    .map(|interpreter| interpreter.run(text.as_bytes(), Limits::default()));
                let calls = text.matches(" run(body) end\n").count() * CALLS;
                assert!(expected.end == End::Done && expected.output.lines().count() == calls, "{expected:?}\n{text}");
                if let Some(difference) = expected.difference(&ours) {
                    panic!("{difference}\n{text}");
                }
            }
        }
    }
}
