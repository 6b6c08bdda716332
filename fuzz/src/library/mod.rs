//! Calls of library functions that two interpreters answer in the same way.
//!
//! A [`Session`] is a list of calls of one [`Family`]: their arguments are nearly right, most of the time, so that both what a function
//! does and what it refuses is looked at. It becomes a script that shows the results and the errors of each call, and
//! [`Session::differs`] names the first call about which two interpreters disagree.
//!
//! ```
//! use perilune_fuzz::library::{Patterns, Session};
//! use perilune_fuzz::{property, reference::Perilune};
//!
//! let session: Session<Patterns> = property::from_seed(1, 500).unwrap();
//! // Against itself it has nothing to say; `tests/library.rs` compares with the reference implementation.
//! assert_eq!(session.differs(&mut Perilune, &mut Perilune), None);
//! ```

mod dates;
mod formats;
mod literal;
mod numbers;
mod packs;
mod patterns;
mod tables;
mod texts;

use std::fmt::{self, Write};
use std::marker::PhantomData;

use arbitrary::{Arbitrary, Result, Unstructured};

pub use dates::Dates;
pub use formats::Formats;
pub use literal::{Literal, quoted};
pub use numbers::Numbers;
pub use packs::Packs;
pub use patterns::Patterns;
pub use tables::{Sorts, Tables};
pub use texts::{Codes, Texts};

use crate::property::{Shrink, shorter, shorter_count};
use crate::reference::{Interpreter, Limits, Outcome};

/// Functions that belong together.
pub trait Family {
    /// A call of one of them.
    ///
    /// # Errors
    /// Those of the source of chance.
    fn call(u: &mut Unstructured<'_>) -> Result<Call>;
}

/// How a function is called, which is told by its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Arbitrary)]
pub enum Form {
    /// By `pcall` itself, so that it has no name.
    Protected,
    /// By its name.
    Named,
    /// As a method of its first argument, if that is a string; else by its name.
    Method,
}

/// A call.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The function, as an expression.
    pub function: &'static str,
    /// Its arguments.
    pub arguments: Vec<Literal>,
    /// How it is called.
    pub form: Form,
}

impl Call {
    /// A call that is made in one of the ways.
    ///
    /// # Errors
    /// Those of the source of chance.
    pub fn of(function: &'static str, arguments: Vec<Literal>, u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self { function, arguments, form: u.arbitrary()? })
    }

    /// A statement that shows what comes of the call.
    pub fn statement(&self) -> String {
        let list = |arguments: &[Literal]| arguments.iter().map(Literal::source).collect::<Vec<_>>().join(", ");
        let named = |call: String| {
            format!("show(pcall(function() local r = table.pack({call}) return table.unpack(r, 1, r.n) end))")
        };
        match (self.form, &*self.arguments, self.function.strip_prefix("string.")) {
            (Form::Method, [text @ Literal::Text(_), rest @ ..], Some(method)) => {
                named(format!("({}):{method}({})", text.source(), list(rest)))
            }
            (Form::Protected, [], _) => format!("show(pcall({}))", self.function),
            (Form::Protected, all, _) => format!("show(pcall({}, {}))", self.function, list(all)),
            (_, all, _) => named(format!("{}({})", self.function, list(all))),
        }
    }
}

impl Shrink for Call {
    fn shrink(&self, n: usize) -> Option<Self> {
        if self.form != Form::Protected {
            if n == 0 {
                return Some(Self { form: Form::Protected, ..self.clone() });
            }
            return self.plainer(n - 1);
        }
        self.plainer(n)
    }
}

impl Call {
    /// The `n`-th call with one argument less, or a plainer one.
    fn plainer(&self, n: usize) -> Option<Self> {
        let mut rest = n;
        if let Some((_, fewer)) = self.arguments.split_last() {
            if rest == 0 {
                return Some(Self { arguments: fewer.to_vec(), ..self.clone() });
            }
            rest -= 1;
        }
        for (at, argument) in self.arguments.iter().enumerate() {
            let plainer = argument.plainer();
            if let Some(literal) = plainer.get(rest) {
                let mut arguments = self.arguments.clone();
                arguments[at] = literal.clone();
                return Some(Self { arguments, ..self.clone() });
            }
            rest -= plainer.len();
        }
        None
    }
}

/// What every script begins with. `show` writes values so that nothing in them is taken for an address. What is called more than once
/// goes on where it was.
const PRELUDE: &str = include_str!("prelude.lua");

/// Calls of one family, one after the other in the same state.
pub struct Session<F> {
    /// The calls.
    pub calls: Vec<Call>,
    family: PhantomData<fn() -> F>,
}

impl<F> Session<F> {
    /// These calls.
    pub const fn new(calls: Vec<Call>) -> Self {
        Self { calls, family: PhantomData }
    }

    /// The script that makes them, each on a line of its own.
    pub fn script(&self) -> String {
        let mut script = String::from(PRELUDE);
        for call in &self.calls {
            let _ = writeln!(script, "{}", call.statement());
        }
        script
    }

    /// What two interpreters disagree about, in words, the first call alone; `None` if they agree.
    pub fn differs(&self, one: &mut impl Interpreter, other: &mut impl Interpreter) -> Option<String> {
        let script = self.script();
        let (ours, theirs) = (one.run(script.as_bytes(), LIMITS), other.run(script.as_bytes(), LIMITS));
        let difference = ours.difference(&theirs)?;
        let lines = |outcome: &Outcome| outcome.output.lines().map(str::to_owned).collect::<Vec<_>>();
        let (ours, theirs) = (lines(&ours), lines(&theirs));
        let Some(at) = (0..self.calls.len()).find(|&at| ours.get(at) != theirs.get(at)) else {
            return Some(difference);
        };
        let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| difference.clone());
        let (call, names) = (self.calls[at].statement(), [one.name(), other.name()]);
        Some(format!("{call}\n  {}: {}\n  {}: {}", names[0], line(&ours), names[1], line(&theirs)))
    }
}

/// What a session may use. All calls end, and a hook that counts instructions would keep quick forms from being asked.
const LIMITS: Limits = Limits::ENDING;

/// The script.
impl<F> fmt::Debug for Session<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.calls.iter().map(Call::statement)).finish()
    }
}

impl<F> Clone for Session<F> {
    fn clone(&self) -> Self {
        Self::new(self.calls.clone())
    }
}

impl<F> PartialEq for Session<F> {
    fn eq(&self, other: &Self) -> bool {
        self.calls == other.calls
    }
}

/// How many calls a session has at most.
const MOST: usize = 40;

impl<'a, F: Family> Arbitrary<'a> for Session<F> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut calls = Vec::new();
        while calls.len() < MOST && !u.is_empty() {
            calls.push(F::call(u)?);
        }
        Ok(Self::new(calls))
    }
}

impl<F> Shrink for Session<F> {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(calls) = shorter(&self.calls, n) {
            return Some(Self::new(calls));
        }
        // One call by one: what is left in the end is one.
        let rest = n - shorter_count(self.calls.len());
        let [call] = &*self.calls else { return None };
        call.shrink(rest).map(|call| Self::new(vec![call]))
    }
}

/// Some text made of pieces.
fn text_of(u: &mut Unstructured<'_>, most: usize, pieces: &[&[u8]]) -> Result<Vec<u8>> {
    let count = u.int_in_range(0..=most)?;
    let mut text = Vec::new();
    for _ in 0..count {
        text.extend(*u.choose(pieces)?);
    }
    Ok(text)
}

/// An integer: small, near a limit, or any.
fn integer(u: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match u.int_in_range(0..=9)? {
        0..=5 => u.int_in_range(-10..=20)?,
        6 => *u.choose(&[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1])?,
        7 => *u.choose(&[
            1 << 31,
            -(1 << 31),
            (1 << 31) - 1,
            1 << 32,
            255,
            256,
            0x10ffff,
            0x110000,
            1 << 53,
            (1 << 53) + 1,
        ])?,
        8 => 1i64.wrapping_shl(u.int_in_range(0..=63)?).wrapping_add(u.int_in_range(-1..=1)?),
        _ => u.arbitrary()?,
    })
}

/// A float of any size.
fn float(u: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match u.int_in_range(0..=7)? {
        0..=2 => f64::from(u.int_in_range(-40..=40)?) / 4.0,
        3 => *u.choose(&[0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.1, 1e15, 1e16, 1e100, 123456.789])?,
        4 => *u.choose(&[
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            9223372036854775807.0,
            -9223372036854775808.0,
            2e18,
            1e19,
        ])?,
        5 => 2f64.powi(u.int_in_range(-1074..=1023)?),
        6 => (integer(u)? as f64) * *u.choose(&[1.0, 0.5, 1e-5, 1e10])?,
        _ => f64::from_bits(u.arbitrary()?),
    })
}

/// A number.
fn number(u: &mut Unstructured<'_>) -> Result<Literal> {
    Ok(if u.arbitrary()? { Literal::Integer(integer(u)?) } else { Literal::Float(float(u)?) })
}

/// Now and then something else than what is asked for.
fn or_other(u: &mut Unstructured<'_>, literal: Literal) -> Result<Literal> {
    if !u.ratio(1, 30)? {
        return Ok(literal);
    }
    Ok(match u.int_in_range(0..=7)? {
        0 => Literal::Nil,
        1 => Literal::Boolean(u.arbitrary()?),
        2 => number(u)?,
        3 => Literal::Text(u.choose(&["10", "0x10", " 3 ", "1e1", "abc", "", "1.5", "-7"])?.as_bytes().to_vec()),
        4 => Literal::Code("{}"),
        5 => Literal::Code("print"),
        6 => Literal::Code("setmetatable({}, {__tostring = function() return 'shown' end, __name = 'Named'})"),
        _ => Literal::Code("io.stdout"),
    })
}
