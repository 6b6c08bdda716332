//! Pack strings: `string.pack`, `unpack`, `packsize`.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, integer, number, or_other, text_of};

/// Calls of the functions that pack.
#[derive(Clone, Copy, Debug)]
pub enum Packs {}

/// A size behind an option.
fn size(u: &mut Unstructured<'_>, format: &mut String) -> Result<()> {
    if u.ratio(1, 2)? {
        format.push_str(u.choose(&[
            "1",
            "2",
            "3",
            "4",
            "5",
            "7",
            "8",
            "9",
            "12",
            "16",
            "17",
            "0",
            "99",
            "2147483647",
            "99999999999",
        ])?);
    }
    Ok(())
}

/// An option, with the value that it takes.
fn option(u: &mut Unstructured<'_>, format: &mut String) -> Result<Option<Literal>> {
    let letter = *u.choose(b"bBhHlLjJTiIiIfdnszxX<>=! s")?;
    let letter = if u.ratio(1, 30)? { *u.choose(b"yarq1c%")? } else { letter };
    format.push(letter.into());
    let value = match letter {
        b'i' | b'I' => {
            size(u, format)?;
            Some(Literal::Integer(integer(u)?))
        }
        b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'j' | b'J' | b'T' => Some(Literal::Integer(integer(u)?)),
        b'f' | b'd' | b'n' => Some(number(u)?),
        b's' => {
            size(u, format)?;
            Some(Literal::Text(text_of(u, 3, &[b"a", b"\0", b"word", b"\xff"])?))
        }
        b'z' => Some(Literal::Text(text_of(u, 3, &[b"a", b"word", b"z", b"y", b"xx", b"\0"])?)),
        b'c' => {
            size(u, format)?;
            Some(Literal::Text(text_of(u, 3, &[b"a", b"word"])?))
        }
        b'!' => {
            size(u, format)?;
            None
        }
        b'X' => {
            format.push_str(u.choose(&["i4", "d", "h", "i3", "x", "", "z", "i16", "!", "s2"])?);
            None
        }
        _ => None,
    };
    // Fixed strings are an option by themselves.
    if u.ratio(1, 12)? {
        format.push('c');
        size(u, format)?;
        return Ok(value.is_none().then(|| Literal::text("fixed")));
    }
    value.map(|value| or_other(u, value)).transpose()
}

impl Family for Packs {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        let mut format = String::new();
        let mut values = Vec::new();
        for _ in 0..u.int_in_range(1..=5)? {
            values.extend(option(u, &mut format)?);
        }
        let format = Literal::text(format);
        match u.int_in_range(0..=5)? {
            0..=2 => {
                values.insert(0, format);
                Call::of("packed", values, u)
            }
            3 => Call::of("string.packsize", vec![format], u),
            _ => {
                let bytes = Literal::Text(text_of(
                    u,
                    8,
                    // A length of more than 2^63 overflows in the reference.
                    &[
                        b"\0\0\0\0",
                        b"\xff\xff\xff",
                        b"\x7f\x7f\x7f\x7f\x7f",
                        b"\x01",
                        b"\x02\0",
                        b"abc\0",
                        b"\0\0\0\0\0\0\0\0",
                        b"\x80",
                        b"\x05hello",
                    ],
                )?);
                let mut arguments = vec![format, bytes];
                if u.ratio(1, 3)? {
                    let at = Literal::Integer(integer(u)?);
                    arguments.push(or_other(u, at)?);
                }
                Call::of("string.unpack", arguments, u)
            }
        }
    }
}
