//! The library calls that programs make: those whose results do not depend on addresses, on the order of `pairs`, or on borders.

/// What an expression is likely to give. Nothing depends on that it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Any,
    Number,
    String,
    Boolean,
    Table,
    Function,
}

use Kind::{Any, Boolean, Function, Number, String, Table};

/// A call: its text, in which `$1` to `$3` stand for arguments and `$*` for those that are left, what the arguments should be, and what
/// it gives. A text with `$*` may give several values.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The text.
    pub text: &'static str,
    /// The kinds of the arguments that have numbers.
    pub arguments: &'static [Kind],
    /// The kind of its (first) value.
    pub result: Kind,
    /// Whether it gives any number of values.
    pub multiple: bool,
}

const fn one(text: &'static str, arguments: &'static [Kind], result: Kind) -> Template {
    Template { text, arguments, result, multiple: false }
}

const fn many(text: &'static str, arguments: &'static [Kind], result: Kind) -> Template {
    Template { text, arguments, result, multiple: true }
}

/// All calls.
pub const TEMPLATES: &[Template] = &[
    one("type($1)", &[Any], String),
    one("T($1)", &[Any], String),
    one("rawequal($1, $2)", &[Any, Any], Boolean),
    one("rawlen($1)", &[Table], Number),
    one("rawget($1, $2)", &[Table, Any], Any),
    one("rawset($1, K($2), $3)", &[Table, Any, Any], Table),
    one("(next($1) == nil)", &[Table], Boolean),
    one("tonumber($1)", &[String], Number),
    one("tonumber($1, 16)", &[String], Number),
    many("select('#', $*)", &[], Number),
    many("select(2, $*)", &[], Any),
    many("select(-1, $*)", &[], Any),
    many("pcall($1, $*)", &[Function], Boolean),
    many("xpcall($1, H, $*)", &[Function], Boolean),
    many("select(2, pcall($1, $*))", &[Function], Any),
    many("xpcall($1, $2, $*)", &[Function, Function], Boolean),
    one("pcall(error, $1)", &[Any], Boolean),
    one("setmetatable($1, $2)", &[Table, Table], Table),
    one("load('return ' .. X($1))()", &[Number], Number),
    one("load(string.gmatch('return ' .. X($1), '..?'))()", &[Number], Number),
    one("load($1)", &[String], Any),
    one("assert($1)", &[Any], Any),
    one("math.floor($1)", &[Number], Number),
    one("math.ceil($1)", &[Number], Number),
    one("math.abs($1)", &[Number], Number),
    many("math.max($1, $*)", &[Number], Number),
    one("math.min($1, $2)", &[Number, Number], Number),
    one("math.fmod($1, $2)", &[Number, Number], Number),
    one("math.tointeger($1)", &[Number], Number),
    one("math.type($1)", &[Any], String),
    one("math.ult($1, $2)", &[Number, Number], Boolean),
    one("math.modf($1)", &[Number], Number),
    one("math.sqrt($1)", &[Number], Number),
    one("C(string.rep($1, X($2) % 4, $3))", &[String, Number, String], String),
    one("string.sub($1, $2, $3)", &[String, Number, Number], String),
    many("string.byte($1, 1, X($2) % 5)", &[String, Number], Number),
    one("string.char(X($1) & 127, X($2) & 255)", &[Number, Number], String),
    one("string.upper($1)", &[String], String),
    one("string.reverse($1)", &[String], String),
    one("string.len($1)", &[String], Number),
    many("string.find($1, $2, 1, true)", &[String, String], Number),
    many("string.find($1, '(%w+)(.-)()%s')", &[String], Number),
    one("C(string.gsub($1, '[%w ]', $2))", &[String, Any], String),
    one("C(string.gsub($1, '()', $2))", &[String, Function], String),
    one("C(string.format('%d|%5.2f|%s', $1, $2, T($3)))", &[Number, Number, Any], String),
    one("C(string.format('%q %x', $1, $2))", &[String, Number], String),
    one("C(string.format('%g', $1))", &[Number], String),
    one("string.pack('>i4s1', X($1) % 1000, $2)", &[Number, String], String),
    many("string.unpack('<i2', $1)", &[String], Number),
    one("utf8.char(X($1) & 0xffff)", &[Number], String),
    many("utf8.len($1)", &[String], Number),
    one("C(table.concat(R($1), $2))", &[Table, String], String),
    many("table.unpack(R($1))", &[Table], Any),
    many("table.pack(V($*))", &[], Table),
    one("table.remove(R($1))", &[Table], Any),
    one("table.remove(R($1), X($2))", &[Table, Number], Any),
    one("table.insert(R($1), NN($2))", &[Table, Any], Any),
    one("table.insert(R($1), X($2), NN($3))", &[Table, Number, Any], Any),
    one("table.sort(R($1), LT)", &[Table], Any),
    // Numbers that are equal are the same in it: others may come in any order (COMPATIBILITY.md).
    one("table.sort(TIES(R($1)))", &[Table], Any),
    one("table.move($1, 1, rawlen($1), 1, {})", &[Table], Table),
    one("(debug.setupvalue(UPS[X($1) % 4 + 1], 1, $2) ~= nil)", &[Number, Any], Boolean),
    one("debug.upvaluejoin(UPS[X($1) % 4 + 1], 1, UPS[X($2) % 4 + 1], 1)", &[Number, Number], Any),
    one("UPS[X($1) % 4 + 1]()", &[Number], Any),
    one("(debug.setuservalue(io.stdout, $1) == nil)", &[Any], Boolean),
    one("debug.getuservalue(io.stdout)", &[], Any),
    one("coroutine.wrap($1)", &[Function], Function),
    one("coroutine.create($1)", &[Function], Any),
    many("coroutine.resume($1, $*)", &[Any], Boolean),
    many("coroutine.resume(coroutine.create($1), $*)", &[Function], Boolean),
    many("coroutine.wrap($1)($*)", &[Function], Any),
    one("coroutine.status($1)", &[Any], String),
    one("coroutine.isyieldable()", &[], Boolean),
    many("Y($*)", &[], Any),
    many("(coroutine.isyieldable() and coroutine.yield or pcall)($*)", &[], Any),
    one("(coroutine.running() == $1)", &[Any], Boolean),
];
