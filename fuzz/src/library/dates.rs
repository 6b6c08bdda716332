//! Dates: `os.date`, `os.time`, `os.difftime`.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, integer, number, or_other, text_of};

/// Calls of the functions of `os` that have to do with dates.
#[derive(Clone, Copy, Debug)]
pub enum Dates {}

/// A time that is fixed: in this century, at an edge, or any.
fn time(u: &mut Unstructured<'_>) -> Result<Literal> {
    Ok(Literal::Integer(match u.int_in_range(0..=5)? {
        0..=2 => u.int_in_range(0..=4_000_000_000)?,
        3 => *u.choose(&[
            0,
            -1,
            951_782_400,
            951_868_799,
            1_709_164_800,
            68_169_600,
            -86_400,
            253_402_300_799,
            253_402_300_800,
        ])?,
        4 => u.int_in_range(-70_000_000_000_000..=70_000_000_000_000)?,
        _ => integer(u)?,
    }))
}

fn format(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.ratio(1, 10)? {
        return Ok(u.choose(&["*t", "!*t", "*", "!", "*tx", ""])?.as_bytes().to_vec());
    }
    let mut format = if u.arbitrary()? { b"!".to_vec() } else { Vec::new() };
    for _ in 0..u.int_in_range(0..=4)? {
        format.extend(text_of(u, 1, &[b"a", b" ", b"\0", b"-", b"!"])?);
        format.push(b'%');
        if u.ratio(1, 6)? {
            format.push(*u.choose(b"EO")?);
        }
        let known = b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
        format.push(if u.ratio(1, 20)? { u.arbitrary()? } else { *u.choose(known)? });
    }
    if u.ratio(1, 20)? {
        format.extend(*u.choose(&[b"%".as_slice(), b"%E", b"%O"])?);
    }
    Ok(format)
}

const FIELDS: [&str; 7] = ["year", "month", "day", "hour", "min", "sec", "isdst"];

/// A table of a date, with fields that go over their limits.
fn date(u: &mut Unstructured<'_>) -> Result<Literal> {
    let mut fields = Vec::new();
    for name in FIELDS {
        let value = match name {
            "year" => Literal::Integer(u.int_in_range(1900..=2100)?),
            "isdst" if u.ratio(4, 5)? => continue,
            "isdst" => Literal::Boolean(false),
            _ => Literal::Integer(u.int_in_range(-3..=70)?),
        };
        let value = match u.int_in_range(0..=29)? {
            0 => number(u)?,
            1 => Literal::text(*u.choose(&["12", "1.5", "x", "7.0"])?),
            2 => continue,
            _ => value,
        };
        fields.push((name, or_other(u, value)?));
    }
    Ok(Literal::Fields(fields))
}

impl Family for Dates {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        match u.int_in_range(0..=7)? {
            0 | 1 => {
                let date = date(u)?;
                Call::of("os.time", vec![date], u)
            }
            2 => {
                let arguments = vec![number(u)?, number(u)?];
                Call::of("os.difftime", arguments, u)
            }
            _ => {
                let format = Literal::Text(format(u)?);
                let time = time(u)?;
                let time = match or_other(u, time)? {
                    // That would be now.
                    Literal::Nil => Literal::Integer(0),
                    time => time,
                };
                let arguments = vec![or_other(u, format)?, time];
                Call::of("os.date", arguments, u)
            }
        }
    }
}
