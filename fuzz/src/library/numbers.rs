//! Numbers: `tonumber`, the library `math`, operators.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, integer, number, or_other, text_of};

/// Calls that read numbers and compute with them.
#[derive(Clone, Copy, Debug)]
pub enum Numbers {}

/// Text that is a number, or nearly one.
pub(super) fn numeral(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut text = text_of(u, 1, &[b" ", b"\t\n", b"\x0b", b"\0"])?;
    text.extend(*u.choose(&[&b""[..], b"", b"", b"-", b"+", b"- "])?);
    let digits: &[&[u8]] = match u.int_in_range(0..=3)? {
        0 => {
            text.extend(*u.choose(&[b"0x", b"0X"])?);
            &[b"0", b"1", b"7", b"f", b"A", b"fffffff", b"00000000", b"8", b".", b"1234567", b"g"]
        }
        1 => &[
            b"0",
            b"1",
            b"9",
            b"99999",
            b"000000",
            b"9223372036854775807",
            b"9223372036854775808",
            b"18446744073709551616",
        ],
        _ => {
            &[b"0", b"1", b"5", b"9", b".", b"123456789", b"0000000000", b"99999999999999999999", b"17976931348623157"]
        }
    };
    text.extend(text_of(u, 4, digits)?);
    if u.ratio(1, 5)? {
        text.push(b'.');
        text.extend(text_of(u, 2, digits)?);
    }
    if u.ratio(1, 3)? {
        text.push(*u.choose(b"eEpP")?);
        text.extend(*u.choose(&[&b""[..], b"", b"-", b"+"])?);
        text.extend(*u.choose(&[
            &b"1"[..],
            b"0",
            b"10",
            b"308",
            b"309",
            b"324",
            b"400",
            b"1074",
            b"99999",
            b"",
            b"1.5",
        ])?);
    }
    text.extend(*u.choose(&[&b""[..], b"", b"", b"", b" ", b"\n \t", b"\0", b"x", b"inf"])?);
    if u.ratio(1, 25)? {
        text = u
            .choose(&["inf", "nan", "-inf", "0x", "1e", ".", "", " ", "0x.p1", "0x.1", "1..2", "0b1", "infinity"])?
            .as_bytes()
            .to_vec();
    }
    Ok(text)
}

const ONE: &[&str] = &[
    "math.floor",
    "math.ceil",
    "math.abs",
    "math.tointeger",
    "math.type",
    "math.modf",
    "math.sqrt",
    "math.exp",
    "math.log",
    "math.sin",
    "math.cos",
    "math.tan",
    "math.asin",
    "math.acos",
    "math.atan",
    "math.deg",
    "math.rad",
    "tostring",
    "operators.unm",
    "operators.bnot",
    "operators.len",
    "tonumber",
];
const TWO: &[&str] = &[
    "math.fmod",
    "math.ult",
    "math.max",
    "math.min",
    "math.atan",
    "math.log",
    "operators.add",
    "operators.sub",
    "operators.mul",
    "operators.div",
    "operators.mod",
    "operators.idiv",
    "operators.pow",
    "operators.band",
    "operators.bor",
    "operators.bxor",
    "operators.shl",
    "operators.shr",
    "operators.concat",
    "operators.eq",
    "operators.lt",
    "operators.le",
    "math.fmod",
    "operators.mod",
    "operators.idiv",
];

/// A number, or text that is one.
fn operand(u: &mut Unstructured<'_>) -> Result<Literal> {
    let value = if u.ratio(1, 6)? { Literal::Text(numeral(u)?) } else { number(u)? };
    or_other(u, value)
}

/// First value, limit and step of a numeric loop: around the ends of the range of integers, with limits beyond them.
fn loop_at_an_end(u: &mut Unstructured<'_>) -> Result<Vec<Literal>> {
    const ENDS: &[i64] = &[i64::MAX, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN, i64::MIN + 1, 0, -1];
    const FAR: &[f64] = &[f64::INFINITY, f64::NEG_INFINITY, 9.3e18, -9.3e18, f64::NAN, 0.5];
    const STEPS: &[i64] = &[1, -1, 1, -1, 2, -3, i64::MAX, i64::MIN, 0];
    let limit = if u.ratio(1, 2)? { Literal::Float(*u.choose(FAR)?) } else { Literal::Integer(*u.choose(ENDS)?) };
    Ok(vec![Literal::Integer(*u.choose(ENDS)?), limit, Literal::Integer(*u.choose(STEPS)?)])
}

impl Family for Numbers {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        match u.int_in_range(0..=10)? {
            10 => {
                let arguments = loop_at_an_end(u)?;
                Call::of("count", arguments, u)
            }
            0..=2 => {
                let text = Literal::Text(numeral(u)?);
                Call::of("tonumber", vec![text], u)
            }
            3 => {
                let digits: &[&[u8]] = &[
                    b"0",
                    b"1",
                    b"7",
                    b"z",
                    b"Z",
                    b"f",
                    b"10",
                    b"9",
                    b" ",
                    b"-",
                    b"zzzzzzz",
                    b"_",
                    b"\0",
                    b"1111111111",
                ];
                let text = Literal::Text(text_of(u, 5, digits)?);
                let base = Literal::Integer(if u.ratio(1, 12)? { integer(u)? } else { u.int_in_range(1..=37)? });
                let arguments = vec![or_other(u, text)?, or_other(u, base)?];
                Call::of("tonumber", arguments, u)
            }
            4 | 5 => {
                let arguments = vec![operand(u)?];
                Call::of(u.choose(ONE)?, arguments, u)
            }
            6 => {
                let arguments = vec![operand(u)?, operand(u)?, operand(u)?];
                Call::of("count", arguments, u)
            }
            _ => {
                let arguments = vec![operand(u)?, operand(u)?];
                Call::of(u.choose(TWO)?, arguments, u)
            }
        }
    }
}
