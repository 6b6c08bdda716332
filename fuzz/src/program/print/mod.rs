//! From a tree to text. Whatever the tree is, the text compiles, the program ends, and nothing in it depends on addresses, on the order of
//! `pairs`, or on borders:
//!
//! P1. No table ever has a hole among its positive integer keys, so that `#` has one answer: constructors, elements and fields are written so
//!     that nil does not come into a sequence (`NN`, `V`) and integers do not become keys elsewhere (`K`). Functions do not become keys, either:
//!     whether a closure that is made twice is one function or two is open (manual §3.4.4).
//! P2. Each loop counts its turns, each function and each jump backward uses up a step (`S`); when there are none left, loops end, functions
//!     return, and jumps are not made.
//! P3. What is no value to be compared (a table's address, say) is printed as its type, and strings stay short (`C`).

use std::collections::HashSet;
use std::fmt::Write;

mod statements;

use super::ast::{BinaryOp, Expr, Name, Program, Start, UnaryOp};
use super::library::TEMPLATES;
use crate::random::Random;

/// The functions and values that programs use. Sections, between which there are empty lines, declare names in capital letters; a program
/// begins with those that it needs.
const PRELUDE: &str = include_str!("../prelude.lua");
/// What gives values of all types metamethods.
const FORGIVING: &str = include_str!("../forgiving.lua");

/// The names of variables.
pub(super) const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "t"];
/// The names of variables that are always globals.
pub(super) const GLOBALS: [&str; 4] = ["g1", "g2", "g3", "g4"];
/// The names of methods; they are names of fields and of functions of `string`. (Of `rep` an empty string and a large number would have the
/// reference at work for years.)
pub(super) const METHODS: [&str; 8] = ["x", "y", "z", "upper", "len", "lower", "byte", "sub"];
/// How many metatables the prelude has.
const METATABLES: u8 = 5;
/// What the printer knows about the function that it is in.
#[derive(Default)]
struct Scope {
    vararg: bool,
    /// The numbers of the loops around.
    loops: Vec<usize>,
    /// The numbers of the labelled blocks around.
    labels: Vec<usize>,
    locals: usize,
}

struct Printer {
    out: String,
    scopes: Vec<Scope>,
    /// How many loops and labelled blocks have been begun.
    count: usize,
    indent: usize,
    /// Says how things are spelled that can be spelled in several ways; without it, the plainest way.
    varied: Option<Random>,
}

/// The text of a program.
pub fn print(program: &Program) -> String {
    print_with(program, None)
}

/// The text of a program in another layout, which must compile to the same instructions: other lines and spaces, comments, parentheses where
/// they are not needed or none where they are, other spellings of numbers and strings.
pub fn print_varied(program: &Program, seed: u64) -> String {
    print_with(program, Some(Random::new(seed)))
}

fn print_with(program: &Program, varied: Option<Random>) -> String {
    let mut printer = Printer { out: String::new(), scopes: Vec::new(), count: 0, indent: 0, varied };
    if program.forgiving {
        printer.out.push_str(FORGIVING);
    }
    printer.out.push_str("local function MAIN(...)\n");
    printer.scopes.push(Scope { vararg: true, ..Scope::default() });
    printer.block(&program.body, false);
    let _ = write!(printer.out, "\nSHOW({})\nend\n", NAMES.join(", "));
    printer.out.push_str(match program.start {
        Start::Plain => "MAIN(1, 'two', {3})\n",
        Start::Protected => "SHOW(pcall(MAIN, 1, 'two', {3}))\n",
        Start::Coroutine => {
            "do local co = coroutine.create(MAIN) for i = 1, 20 do SHOW(coroutine.resume(co, i, 'two', {3}))
if coroutine.status(co) == 'dead' then break end end end\n"
        }
    });
    let _ = writeln!(printer.out, "SHOW({})", GLOBALS.join(", "));
    prelude(&printer.out) + &printer.out
}

/// The words of a text that begin with a capital letter.
fn capital_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The sections of the prelude that a text needs, directly or for other sections.
fn prelude(text: &str) -> String {
    let mut needed: HashSet<&str> = capital_words(text).collect();
    let mut sections = Vec::new();
    for section in PRELUDE.split("\n\n").collect::<Vec<_>>().into_iter().rev() {
        let head = section.split(['=', '(']).next().unwrap_or_default();
        if capital_words(head).any(|name| needed.contains(name)) {
            needed.extend(capital_words(section));
            sections.push(section);
        }
    }
    sections.reverse();
    sections.join("\n") + "\n"
}

/// The strengths of an operator on its left and its right, as in the manual (§3.4.8).
const fn strength(op: BinaryOp) -> (u8, u8) {
    use BinaryOp::{Add, And, BitAnd, BitOr, BitXor, Div, IDiv, Mod, Mul, Or, Pow, Shl, Shr, Sub};
    match op {
        Or => (1, 1),
        And => (2, 2),
        BitOr => (4, 4),
        BitXor => (5, 5),
        BitAnd => (6, 6),
        Shl | Shr => (7, 7),
        Add | Sub => (10, 10),
        Mul | Div | IDiv | Mod => (11, 11),
        Pow => (14, 13),
        _ => (3, 3),
    }
}

/// The strength of unary operators.
const UNARY: u8 = 12;

/// How strong an expression holds together: 20 if it needs no parentheses as an operand.
const fn hold(expr: &Expr) -> u8 {
    match expr {
        Expr::Binary(op, ..) => strength(*op).0,
        Expr::Unary(..) => UNARY,
        Expr::Integer(i) if *i < 0 => UNARY,
        Expr::Float(f) if f.is_sign_negative() => UNARY,
        _ => 20,
    }
}

impl Printer {
    fn scope(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("the main function's is always there")
    }

    /// A number below `n` that says how something is spelled; 0 is the plainest way.
    fn way(&mut self, n: usize) -> usize {
        self.varied.as_mut().map_or(0, |random| random.below(n))
    }

    /// Writes a token, and something between it and the one before.
    fn token(&mut self, text: &str) {
        let between = match self.way(12) {
            0..=6 => " ",
            7 => "\t \x0b\x0c",
            8 => " --[[ a comment ]]",
            9 => " --[==[ a ] longer ]]\n comment]==] ",
            10 => " -- a comment\n",
            _ => "\r\n\n",
        };
        self.out.push_str(between);
        self.out.push_str(text);
    }

    fn tokens(&mut self, texts: &[&str]) {
        for text in texts {
            self.token(text);
        }
    }

    fn line(&mut self) {
        if self.varied.is_none() {
            self.out.push('\n');
            let indent = self.indent;
            self.out.extend(std::iter::repeat_n(' ', 2 * indent));
        }
    }

    fn name(name: Name) -> &'static str {
        NAMES[usize::from(name) % NAMES.len()]
    }

    fn global(name: Name) -> &'static str {
        GLOBALS[usize::from(name) % GLOBALS.len()]
    }

    fn separated<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T)) {
        for (at, item) in list.iter().enumerate() {
            if at > 0 {
                self.token(",");
            }
            each(self, item);
        }
    }

    fn names(&mut self, names: &[Name]) {
        self.separated(names, |printer, &name| printer.token(Self::name(name)));
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        self.separated(exprs, |printer, expr| printer.expr(expr));
    }

    /// A list that must not be empty.
    fn some_exprs(&mut self, exprs: &[Expr]) {
        if exprs.is_empty() {
            self.token("nil");
        }
        self.exprs(exprs);
    }

    fn integer(&mut self, i: i64) {
        let text = match (i, self.way(4)) {
            // Written with digits it would be a float.
            (i64::MIN, _) => "0x8000000000000000".into(),
            (0.., 1) => format!("{i:#x}"),
            (0.., 2) => format!("0X{i:06X}"),
            (0.., 3) => format!("00{i}"),
            _ => format!("{i}"),
        };
        self.token(&text);
    }

    fn float(&mut self, f: f64) {
        if f.is_nan() {
            return self.tokens(&["(", "0", "/", "0", ")"]);
        }
        let size = f.abs();
        let bits = size.to_bits();
        let plain = format!("{size:?}");
        let text = match self.way(4) {
            _ if size.is_infinite() => "1e999".into(),
            1 => format!("{size:e}").replace("e0", "e+00"),
            2 => format!("0x{:x}p{}", (bits & ((1 << 52) - 1)) | (u64::from(bits >> 52 != 0) << 52), {
                ((bits >> 52) as i32).max(1) - 1075
            }),
            3 if !plain.contains('e') => format!("{plain}0e0"),
            _ => plain,
        };
        if f.is_sign_negative() {
            self.token("-");
        }
        self.token(&text);
    }

    fn string(&mut self, bytes: &[u8]) {
        let way = self.way(4);
        let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !b"[]".contains(byte));
        if way == 3 && plain {
            return self.token(&format!("[==[{}]==]", String::from_utf8_lossy(bytes)));
        }
        let quote = if way == 1 { '\'' } else { '"' };
        let mut text = String::from(quote);
        for &byte in bytes {
            match byte {
                b'\\' | b'"' | b'\'' => text.extend(['\\', byte.into()]),
                b' '..=b'~' if way != 2 => text.push(byte.into()),
                b'\n' if way != 2 => text.push_str("\\n"),
                _ if way == 2 => text.push_str(&format!("\\x{byte:02X}")),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        if way == 1 {
            text.push_str("\\z  ");
        }
        text.push(quote);
        self.token(&text);
    }

    /// An expression as an operand of something that takes what holds together at least so strongly.
    fn operand(&mut self, expr: &Expr, least: u8) {
        let needed = hold(expr) < least;
        let simple = matches!(expr, Expr::Integer(_) | Expr::Binary(..) | Expr::Unary(..));
        // In the plainest way all that is no atom has them.
        let wanted = if self.varied.is_some() { simple && self.way(3) == 0 } else { hold(expr) < 20 };
        if needed || wanted {
            self.token("(");
            self.expr(expr);
            self.token(")");
        } else {
            self.expr(expr);
        }
    }

    /// An expression that is called or indexed.
    fn prefix(&mut self, expr: &Expr) {
        use Expr::{Call, Global, Index, Meta, Method, Paren, Unpack, Variable};
        let bare = matches!(
            expr,
            Variable(_) | Global(_) | Index(..) | Call(..) | Method(..) | Paren(_) | Meta(..) | Unpack(_)
        );
        if bare {
            return self.expr(expr);
        }
        self.token("(");
        self.expr(expr);
        self.token(")");
    }

    fn arguments(&mut self, arguments: &[Expr]) {
        match arguments {
            [only @ (Expr::String(_) | Expr::List(_) | Expr::Record(_))] if self.way(2) == 1 => self.expr(only),
            _ => {
                self.token("(");
                self.exprs(arguments);
                self.token(")");
            }
        }
    }

    /// A value that is not to be nil.
    fn not_nil(&mut self, expr: &Expr, last: bool) {
        match expr {
            Expr::Integer(_) | Expr::Float(_) | Expr::String(_) | Expr::Boolean(_) | Expr::Function(_) => {
                self.expr(expr)
            }
            Expr::List(_) | Expr::Record(_) | Expr::Concat(_) => self.expr(expr),
            _ => {
                self.tokens(&[if last { "V" } else { "NN" }, "("]);
                self.expr(expr);
                self.token(")");
            }
        }
    }

    /// A key of a field that gets a value.
    fn key(&mut self, key: &Expr) {
        match key {
            Expr::String(_) | Expr::Boolean(_) | Expr::Integer(i64::MIN..=0) => self.expr(key),
            _ => {
                self.tokens(&["K", "("]);
                self.expr(key);
                self.token(")");
            }
        }
    }

    /// `.name` or `[key]`.
    fn field(&mut self, key: &Expr, stored: bool) {
        if let Expr::String(bytes) = key
            && METHODS.iter().any(|name| name.as_bytes() == bytes)
            && self.way(2) == 0
        {
            return self.tokens(&[".", &String::from_utf8_lossy(bytes)]);
        }
        self.token("[");
        if stored {
            self.key(key)
        } else {
            self.expr(key)
        }
        self.token("]");
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Nil => self.token("nil"),
            Expr::Boolean(b) => self.token(if *b { "true" } else { "false" }),
            Expr::Integer(i) => self.integer(*i),
            Expr::Float(f) => self.float(*f),
            Expr::String(bytes) => self.string(bytes),
            Expr::Vararg => {
                let text = if self.scope().vararg { "..." } else { "nil" };
                self.token(text);
            }
            Expr::Variable(name) => self.token(Self::name(*name)),
            Expr::Global(name) => self.token(Self::global(*name)),
            Expr::Index(table, key) => {
                self.prefix(table);
                self.field(key, false);
            }
            Expr::Call(function, arguments) => {
                self.prefix(function);
                self.arguments(arguments);
            }
            Expr::Method(object, name, arguments) => {
                self.prefix(object);
                self.tokens(&[":", METHODS[usize::from(*name) % METHODS.len()]]);
                self.arguments(arguments);
            }
            Expr::Function(function) => {
                self.token("function");
                self.function(function);
            }
            Expr::List(items) => {
                self.token("{");
                let last = items.len().saturating_sub(1);
                for (at, item) in items.iter().enumerate() {
                    self.not_nil(item, at == last);
                    if at < last || self.way(2) == 1 {
                        let separator = if self.way(2) == 0 { "," } else { ";" };
                        self.token(separator);
                    }
                }
                self.token("}");
            }
            Expr::Record(fields) => self.record(fields),
            Expr::Library(template, arguments) => self.library(*template, arguments),
            Expr::Binary(..) | Expr::Concat(_) | Expr::Unary(..) | Expr::Paren(_) => self.operation(expr),
            Expr::Unpack(_) | Expr::Meta(..) | Expr::Constants(..) => self.constructed(expr),
        }
    }

    /// An operation.
    fn operation(&mut self, expr: &Expr) {
        match expr {
            Expr::Binary(op, a, b) => {
                let (left, right) = strength(*op);
                // The power operator binds to the right, all others to the left.
                self.operand(a, if *op == BinaryOp::Pow { 15 } else { left });
                self.token(op.text());
                // A unary operator may always stand on the right.
                let least = if hold(b) == UNARY { 0 } else { right + u8::from(*op != BinaryOp::Pow) };
                self.operand(b, least);
            }
            Expr::Concat(parts) => {
                self.tokens(&["C", "("]);
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        self.token("..");
                    }
                    self.operand(part, 10);
                }
                if parts.is_empty() {
                    self.token("''");
                }
                self.token(")");
            }
            Expr::Unary(op, operand) => {
                self.token(op.text());
                let least = if *op == UnaryOp::Neg && matches!(**operand, Expr::Integer(_) | Expr::Float(_)) {
                    20
                } else {
                    UNARY
                };
                self.operand(operand, least);
            }
            Expr::Paren(inner) => {
                self.token("(");
                self.expr(inner);
                self.token(")");
            }
            _ => {}
        }
    }

    /// What constructs tables and does something with them.
    fn constructed(&mut self, expr: &Expr) {
        match expr {
            Expr::Unpack(values) => {
                self.tokens(&["table.unpack", "(", "{"]);
                self.exprs(values);
                self.tokens(&["}", ",", "1", ",", &values.len().to_string(), ")"]);
            }
            Expr::Meta(value, which) => {
                self.tokens(&["setmetatable", "("]);
                self.expr(value);
                self.tokens(&[",", &format!("M[{}]", 1 + which % METATABLES), ")"]);
            }
            Expr::Constants(count, first) => {
                self.token("{");
                for n in 0..i64::from(*count) {
                    let value = first.wrapping_add(n);
                    let text = match n % 3 {
                        0 => format!("{},", value.unsigned_abs() >> 1),
                        1 => format!("{}.25,", value % 100_000),
                        _ => format!("'c{value}',"),
                    };
                    self.token(&text);
                }
                self.token("}");
            }
            _ => {}
        }
    }

    fn record(&mut self, fields: &[(Expr, Expr)]) {
        self.token("{");
        for (key, value) in fields {
            match key {
                Expr::String(bytes)
                    if bytes.first().is_some_and(u8::is_ascii_alphabetic)
                        && self.is_name(bytes)
                        && self.way(2) == 0 =>
                {
                    self.token(&String::from_utf8_lossy(bytes));
                }
                _ => {
                    self.token("[");
                    self.key(key);
                    self.token("]");
                }
            }
            self.token("=");
            self.expr(value);
            self.token(",");
        }
        self.token("}");
    }

    /// Whether a string is one of the names that may stand without quotes.
    fn is_name(&self, bytes: &[u8]) -> bool {
        METHODS.iter().any(|name| name.as_bytes() == bytes)
    }

    fn library(&mut self, template: u8, arguments: &[Expr]) {
        let template = &TEMPLATES[usize::from(template) % TEMPLATES.len()];
        let mut parts = template.text.split('$');
        self.token(parts.next().unwrap_or_default());
        for part in parts {
            let (which, rest) = part.split_at(1);
            match which {
                "*" => {
                    let rest = arguments.get(template.arguments.len()..).unwrap_or_default();
                    self.some_exprs(rest);
                }
                number => {
                    let at = number.parse::<usize>().unwrap_or(1) - 1;
                    // Arguments are expressions, so a list of several values must not become one.
                    match arguments.get(at) {
                        Some(argument) => self.operand(argument, 20),
                        None => self.token("nil"),
                    }
                }
            }
            self.out.push_str(rest);
        }
    }
}
