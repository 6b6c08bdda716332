//! Format strings: `string.format` and `tostring`.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, float, integer, number, or_other, text_of};

/// Calls of `string.format`.
#[derive(Clone, Copy, Debug)]
pub enum Formats {}

/// One conversion, with what it wants.
fn conversion(u: &mut Unstructured<'_>, format: &mut Vec<u8>) -> Result<Option<Literal>> {
    format.push(b'%');
    let letter = *u.choose(b"diouxXcaAeEfgGqsssq%")?;
    let letter = if u.ratio(1, 25)? { *u.choose(b"yhnpFlL\0*'!\xff")? } else { letter };
    if letter == b'%' && !u.ratio(1, 20)? {
        format.push(b'%');
        return Ok(None);
    }
    // The standard of C leaves other flags undefined.
    let flags: &[u8] = match letter {
        b'd' | b'i' => b"-+ 0",
        b'u' => b"-0",
        b'o' | b'x' | b'X' => b"-#0",
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => b"-+ #0",
        _ => b"-",
    };
    if letter != b'q' || u.ratio(1, 10)? {
        for _ in 0..u.int_in_range(0..=2)? {
            format.push(*u.choose(flags)?);
        }
        if u.ratio(1, 40)? {
            format.extend(b"------");
        }
        if u.ratio(2, 5)? {
            format.extend(u.choose(&["1", "5", "10", "20", "99", "0", "100", "1x"])?.as_bytes());
        }
        if letter != b'c' && u.ratio(2, 5)? {
            format.extend(
                u.choose(&[".", ".0", ".1", ".3", ".10", ".17", ".20", ".99", ".100", ".-1", "..2"])?.as_bytes(),
            );
        }
    }
    format.push(letter);
    let value = match letter {
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => match u.int_in_range(0..=9)? {
            0 => Literal::Float(float(u)?),
            1 => Literal::text(*u.choose(&["10", "0x10", "1e1", "x", "1.5", " -3 "])?),
            _ => Literal::Integer(integer(u)?),
        },
        b'c' => Literal::Integer(u.int_in_range(-1..=300)?),
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => number(u)?,
        b'q' if u.arbitrary()? => number(u)?,
        _ => match u.int_in_range(0..=7)? {
            0 => number(u)?,
            1 => Literal::Boolean(u.arbitrary()?),
            2 => Literal::Nil,
            3 => Literal::Code("setmetatable({}, {__tostring = function() return 'shown' end})"),
            4 => Literal::Code("setmetatable({}, {__tostring = function() return 1 end})"),
            5 => Literal::Code("('long'):rep(40)"),
            _ => Literal::Text(text_of(
                u,
                5,
                &[b"a", b"\\", b"\"", b"\n", b"\r", b"\0", b"\x001", b"\x7f", b"\xff", b"z9", b"\t", b"%d", b"word"],
            )?),
        },
    };
    Ok(Some(or_other(u, value)?))
}

impl Family for Formats {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        if u.ratio(1, 8)? {
            let value = number(u)?;
            return Call::of("tostring", vec![value], u);
        }
        let mut format = Vec::new();
        let mut arguments = Vec::new();
        for _ in 0..u.int_in_range(1..=3)? {
            format.extend(text_of(u, 2, &[b"a", b" ", b"\0", b"|"])?);
            arguments.extend(conversion(u, &mut format)?);
        }
        if u.ratio(1, 30)? {
            format.push(b'%');
        }
        if u.ratio(1, 30)? {
            arguments.pop();
        }
        arguments.insert(0, Literal::Text(format));
        Call::of("string.format", arguments, u)
    }
}
