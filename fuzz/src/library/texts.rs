//! Plain functions of strings, and those of UTF-8.

use arbitrary::{Result, Unstructured};

use super::numbers::numeral;
use super::{Call, Family, Literal, integer, or_other, text_of};

/// Calls of `string.sub` and its like.
#[derive(Clone, Copy, Debug)]
pub enum Texts {}

/// Calls of the library `utf8`.
#[derive(Clone, Copy, Debug)]
pub enum Codes {}

fn index(u: &mut Unstructured<'_>) -> Result<Literal> {
    let value = Literal::Integer(integer(u)?);
    or_other(u, value)
}

impl Family for Texts {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        let text = Literal::Text(text_of(u, 6, &[b"a", b"Bc", b"\0", b"\xff", b"word", b"1", b" ", b"\xe4"])?);
        let text = or_other(u, text)?;
        match u.int_in_range(0..=9)? {
            0 | 1 => {
                let arguments = vec![text, index(u)?, index(u)?];
                Call::of("string.sub", arguments, u)
            }
            2 => {
                let arguments = vec![text, index(u)?];
                Call::of(u.choose(&["string.sub", "string.byte"])?, arguments, u)
            }
            3 => {
                // Many results, but not too many for the memory of a test.
                let arguments = vec![text, index(u)?, index(u)?];
                Call::of("string.byte", arguments, u)
            }
            4 => {
                let count = if u.ratio(1, 4)? { i64::MAX } else { u.int_in_range(-2..=20)? };
                let mut arguments = vec![text, Literal::Integer(count)];
                if count == i64::MAX {
                    // What is too large is not tried.
                    arguments[0] = Literal::text("two");
                }
                if u.ratio(1, 2)? {
                    let between = Literal::Text(text_of(u, 2, &[b",", b"ab", b"\0"])?);
                    arguments.push(or_other(u, between)?);
                }
                Call::of("string.rep", arguments, u)
            }
            5 => {
                let mut arguments = Vec::new();
                for _ in 0..u.int_in_range(0..=4)? {
                    let code = Literal::Integer(u.int_in_range(-2..=257)?);
                    arguments.push(or_other(u, code)?);
                }
                Call::of("string.char", arguments, u)
            }
            6 => {
                let other = Literal::Text(text_of(u, 4, &[b"a", b"A", b"\0", b"\xff", b"word", b"1"])?);
                Call::of(
                    u.choose(&["operators.lt", "operators.le", "operators.eq", "operators.concat"])?,
                    vec![text, other],
                    u,
                )
            }
            7 => {
                let number = Literal::Text(numeral(u)?);
                Call::of(
                    u.choose(&["math.tointeger", "string.len", "operators.unm", "operators.bnot"])?,
                    vec![number],
                    u,
                )
            }
            8 => {
                let mut arguments = vec![index(u)?];
                for _ in 0..u.int_in_range(0..=3)? {
                    arguments.push(index(u)?);
                }
                Call::of("select", arguments, u)
            }
            _ => Call::of(u.choose(&["string.upper", "string.lower", "string.reverse", "string.len"])?, vec![text], u),
        }
    }
}

/// What strings of code points are made of: right ones, overlong ones, surrogates, halves.
const POINTS: &[&[u8]] = &[
    b"a",
    b"z",
    b"\0",
    b"\xc3\xa4",
    b"\xe2\x82\xac",
    b"\xf0\x9f\x98\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xbf",
    b"\xe2\x28\xa1",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xef\xbf\xbf",
];

impl Family for Codes {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        let pieces = if u.ratio(2, 3)? { &POINTS[..7] } else { POINTS };
        let text = Literal::Text(text_of(u, 6, pieces)?);
        let text = or_other(u, text)?;
        let function = *u.choose(&[
            "utf8.char",
            "utf8.codepoint",
            "utf8.len",
            "utf8.offset",
            "all_codes",
            "utf8.len",
            "utf8.offset",
        ])?;
        let mut arguments = Vec::new();
        match function {
            "utf8.char" => {
                for _ in 0..u.int_in_range(0..=3)? {
                    arguments.push(index(u)?);
                }
            }
            "all_codes" => arguments.push(text),
            _ => {
                arguments.push(text);
                for _ in 0..u.int_in_range(0..=2)? {
                    arguments.push(index(u)?);
                }
            }
        }
        Call::of(function, arguments, u)
    }
}
