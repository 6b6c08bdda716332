//! The library `table`: its functions on odd tables, and sorting with orders of all kinds.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, float, integer, or_other};

/// Calls of `table.insert` and its like.
#[derive(Clone, Copy, Debug)]
pub enum Tables {}

/// Calls of `table.sort`.
#[derive(Clone, Copy, Debug)]
pub enum Sorts {}

/// A position that is right, most of the time. Far ones are such that nobody goes there step by step.
fn position(u: &mut Unstructured<'_>) -> Result<Literal> {
    let near = u.int_in_range(-2..=9)?;
    let value = match u.ratio(1, 12)? {
        true => *u.choose(&[i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1])?,
        false => near,
    };
    or_other(u, Literal::Integer(value))
}

/// A table without a hole at its end, so that it has one border.
fn list(u: &mut Unstructured<'_>) -> Result<Literal> {
    let mut list = Vec::new();
    for _ in 0..u.int_in_range(0..=7)? {
        list.push(match u.int_in_range(0..=9)? {
            0..=4 => Literal::Integer(u.int_in_range(0..=99)?),
            5..=7 => Literal::text(*u.choose(&["a", "b", "word", "", "10"])?),
            8 => Literal::Float(f64::from(u.int_in_range(-9..=9)?) / 2.0),
            _ => Literal::Boolean(u.arbitrary()?),
        });
    }
    let list = Literal::List(list);
    or_other(u, list)
}

impl Family for Tables {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        let list = list(u)?;
        let value = Literal::text("new");
        match u.int_in_range(0..=7)? {
            0 => Call::of("changed", vec![Literal::Code("table.insert"), list, value], u),
            1 => {
                let arguments = vec![Literal::Code("table.insert"), list, position(u)?, value];
                Call::of("changed", arguments, u)
            }
            2 => {
                let mut arguments = vec![Literal::Code("table.remove"), list];
                if u.ratio(2, 3)? {
                    arguments.push(position(u)?);
                }
                Call::of("changed", arguments, u)
            }
            3 => {
                // From and to lie close together, or so that the call is refused.
                let mut arguments = vec![Literal::Code("table.move"), list];
                for _ in 0..3 {
                    arguments.push(Literal::Integer(u.int_in_range(-2..=7)?));
                }
                if u.ratio(1, 6)? {
                    let far =
                        [[i64::MIN, -1, 0], [1, i64::MAX, 2], [0, i64::MAX, 1], [i64::MAX - 1, i64::MAX, i64::MAX]];
                    arguments.splice(2.., u.choose(&far)?.map(Literal::Integer));
                }
                Call::of("changed", arguments, u)
            }
            4 | 5 => {
                let mut arguments = vec![list];
                if u.ratio(3, 4)? {
                    arguments.push(or_other(u, Literal::text(","))?);
                    if u.ratio(1, 2)? {
                        arguments.push(position(u)?);
                        arguments.push(position(u)?);
                    }
                }
                Call::of("table.concat", arguments, u)
            }
            6 => {
                let arguments = vec![list, position(u)?, Literal::Integer(u.int_in_range(-2..=12)?)];
                Call::of("table.unpack", arguments, u)
            }
            _ => {
                let key = or_other(u, Literal::text("a"))?;
                Call::of(
                    u.choose(&["rawget", "next", "rawlen", "rawequal", "ipairs", "setmetatable", "getmetatable"])?,
                    vec![list, key],
                    u,
                )
            }
        }
    }
}

/// Orders, of which some are none.
const ORDERS: &[&str] = &[
    "function(a, b) return a < b end",
    "function(a, b) return a > b end",
    "function(a, b) return tostring(a) < tostring(b) end",
    "function(a, b) return a <= b end",
    "function(a, b) return true end",
    "function(a, b) return false end",
    "function(a, b) return nil end",
    "function(a, b, random) return random(2) == 0 end",
    "function(a, b, random) if random(9) == 0 then return a > b end return a < b end",
    "function(a, b) return a // 10 < b // 10 end",
    "function(a, b, random) if random(30) == 0 then error('enough', 0) end return a < b end",
    "function(a, b) return a % 3 < b % 2 end",
    "1",
];

/// By how many of them, the first ones, a list of integers is sorted in one way only.
const CONSISTENT: usize = 3;

/// A list that is so long that the reference chooses its pivots by chance.
fn large(u: &mut Unstructured<'_>) -> Result<Call> {
    let count = match u.ratio(1, 8)? {
        true => u.int_in_range(300..=1000)?,
        false => u.int_in_range(96..=250)?,
    };
    let spread = *u.choose(&[2, 10, 1_000_000])?;
    let mut arguments =
        [count, u.int_in_range(0..=9999)?, spread, u.int_in_range(0..=5)?].map(Literal::Integer).to_vec();
    let (order, is_consistent) = match u.ratio(1, 4)? {
        true => ("nil", true),
        false => {
            let at = u.choose_index(ORDERS.len())?;
            (ORDERS[at], at < CONSISTENT)
        }
    };
    arguments.extend([Literal::Code(order), Literal::Boolean(is_consistent)]);
    Call::of("sorted_large", arguments, u)
}

impl Family for Sorts {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        if u.ratio(1, 10)? {
            return large(u);
        }
        // Up to 100 elements the reference chooses its pivots without chance.
        let most = *u.choose(&[3, 10, 40, 95])?;
        let count = u.int_in_range(0..=most)?;
        let mut list = Vec::new();
        let kind = u.int_in_range(0..=9)?;
        for at in 0..count {
            list.push(match kind {
                0..=5 => Literal::Integer(u.int_in_range(0..=30)?),
                6 => Literal::text(*u.choose(&["a", "b", "word", "", "ab", "Z"])?),
                // The two zeros are equal, so that their order says nothing.
                7 => Literal::Float(Some(float(u)?).filter(|&x| x != 0.0).unwrap_or(0.25)),
                8 => Literal::Integer(at),
                _ if u.ratio(1, 20)? => Literal::text("x"),
                _ => Literal::Integer(integer(u)?),
            });
        }
        let mut arguments = vec![Literal::List(list)];
        if u.ratio(3, 4)? {
            arguments.push(Literal::Code(u.choose(ORDERS)?));
        }
        Call::of("sorted", arguments, u)
    }
}
