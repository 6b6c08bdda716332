//! Patterns and subjects: `find`, `match`, `gmatch`, `gsub`.

use arbitrary::{Result, Unstructured};

use super::{Call, Family, Literal, integer, or_other, text_of};

/// Calls of the functions that match.
#[derive(Clone, Copy, Debug)]
pub enum Patterns {}

/// What subjects are made of.
const PIECES: &[&[u8]] = &[
    b"a", b"a", b"b", b"ab", b"abc", b"c", b"A", b"1", b"42", b" ", b"\t", b".", b"%", b"-", b"[", b"]", b"^", b"$",
    b"(", b")", b"(a)", b"\0", b"\xff", b"\x80", b"_", b"\n", b"aab", b"xyz",
];

/// One character as patterns name it.
fn single(u: &mut Unstructured<'_>, pattern: &mut Vec<u8>) -> Result<()> {
    match u.int_in_range(0..=9)? {
        0..=3 => pattern.push(*u.choose(b"abc1xA \0\xff]-")?),
        4 => pattern.push(b'.'),
        5 | 6 => pattern.extend([b'%', *u.choose(b"aAcCdDgGlLpPsSuUwWxXzZ")?]),
        7 => pattern.extend([b'%', *u.choose(b".%-[]()^$*+?\0y")?]),
        _ => set(u, pattern)?,
    }
    Ok(())
}

/// A set, of odd forms as well.
fn set(u: &mut Unstructured<'_>, pattern: &mut Vec<u8>) -> Result<()> {
    pattern.push(b'[');
    if u.ratio(1, 3)? {
        pattern.push(b'^');
    }
    if u.ratio(1, 8)? {
        pattern.push(b']');
    }
    for _ in 0..u.int_in_range(0..=3)? {
        match u.int_in_range(0..=5)? {
            0 | 1 => pattern.push(*u.choose(b"abc19.-^$ \0\xff")?),
            2 => pattern.extend([b'%', *u.choose(b"adlswpuxWSD]%-^c")?]),
            3 => pattern.extend([*u.choose(b"a1A\0")?, b'-', *u.choose(b"cz9Z\xff]")?]),
            4 => pattern.extend([*u.choose(b"zc%")?, b'-', *u.choose(b"a%w-")?]),
            _ => pattern.push(b'-'),
        }
    }
    if !u.ratio(1, 30)? {
        pattern.push(b']');
    }
    Ok(())
}

/// Subject and pattern of one thing again and again, about as often as the matcher may call itself, or as there may be captures. All
/// of the pattern may match nothing, so that the first attempt succeeds.
fn long(u: &mut Unstructured<'_>) -> Result<[Vec<u8>; 2]> {
    let mut unit = Vec::new();
    match u.int_in_range(0..=7)? {
        0 => unit.extend(*u.choose(&[&b"()"[..], b"(a?)", b"(.-)"])?),
        1 => single(u, &mut unit)?,
        _ => unit.push(*u.choose(b"a.")?),
    }
    if !unit.ends_with(b")") {
        unit.push(*u.choose(b"??*-")?);
    }
    let around: usize = *u.choose(&[200, 200, 200, 100, 32, 400])?;
    let mut times = || Ok(around + u.int_in_range(0..=6)? - 3);
    Ok([b"a".repeat(times()?), unit.repeat(times()?)])
}

/// A pattern, malformed now and then. It has few repetitions, so that matching never takes long.
pub(super) fn pattern(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut pattern = Vec::new();
    if u.ratio(1, 5)? {
        pattern.push(b'^');
    }
    let (mut open, mut repetitions) = (0, 0);
    for _ in 0..u.int_in_range(0..=6)? {
        match u.int_in_range(0..=19)? {
            0 | 1 => {
                pattern.push(b'(');
                open += 1;
            }
            2 | 3 if open > 0 => {
                pattern.push(b')');
                open -= 1;
            }
            2 => pattern.extend(b"()"),
            3 => pattern.extend([b'%', *u.choose(b"1239")?]),
            4 => pattern.extend([b'%', b'b', *u.choose(b"([a\0")?, *u.choose(b")]ba\0")?]),
            5 => {
                pattern.extend(b"%f");
                set(u, &mut pattern)?;
            }
            6 if u.ratio(1, 4)? => {
                pattern.extend(*u.choose(&[&b"%"[..], b"%f", b"%b", b"%bx", b"[", b")", b"%0", b"[%", b"[a-", b"("])?)
            }
            7 if u.ratio(1, 4)? => pattern.push(b'$'),
            _ => {
                single(u, &mut pattern)?;
                if repetitions < 4 && u.ratio(2, 5)? {
                    pattern.push(*u.choose(b"*+-?")?);
                    repetitions += 1;
                }
            }
        }
    }
    while open > 0 && !u.ratio(1, 20)? {
        pattern.push(b')');
        open -= 1;
    }
    if u.ratio(1, 6)? {
        pattern.push(b'$');
    }
    Ok(pattern)
}

/// What takes the place of matches.
fn replacement(u: &mut Unstructured<'_>) -> Result<Literal> {
    Ok(match u.int_in_range(0..=9)? {
        0..=4 => Literal::Text(text_of(
            u,
            4,
            &[b"x", b"%0", b"%1", b"%2", b"%%", b"<", b">", b"%9", b"\0", b"%1%0", b"%", b"%a", b"-"],
        )?),
        5 => Literal::Code(u.choose(&[
            "{a = 'x', b = false, ab = 1, abc = 2.5, [''] = 'e', ['1'] = true, [1] = 'one', [2] = 'two'}",
            "{a = {}}",
            "setmetatable({}, {__index = function(t, k) return type(k) end})",
            "{}",
        ])?),
        6..=8 => Literal::Code(u.choose(&[
            "function(...) return ... end",
            "function() return nil end",
            "function(...) return select('#', ...) .. tostring((...)) end",
            "function(a, b) return b end",
            "function() return {} end",
            "function() error('stop', 0) end",
            "function(a) return #tostring(a) end",
            "string.upper",
            "function() return true end",
        ])?),
        _ => Literal::Integer(integer(u)?),
    })
}

impl Family for Patterns {
    fn call(u: &mut Unstructured<'_>) -> Result<Call> {
        let [subject, text] = match u.int_in_range(0..=23)? {
            0 | 1 => [text_of(u, 9, PIECES)?, text_of(u, 3, PIECES)?],
            2 => long(u)?,
            _ => [text_of(u, 9, PIECES)?, pattern(u)?],
        };
        let mut arguments = vec![or_other(u, Literal::Text(subject))?, or_other(u, Literal::Text(text))?];
        let function =
            *u.choose(&["string.find", "string.find", "string.match", "string.gsub", "string.gsub", "all_matches"])?;
        match function {
            "string.gsub" => {
                let by = replacement(u)?;
                arguments.push(or_other(u, by)?);
                if u.ratio(1, 4)? {
                    let most = Literal::Integer(integer(u)?);
                    arguments.push(or_other(u, most)?);
                }
            }
            "all_matches" => {}
            _ if u.ratio(1, 3)? => {
                let init = Literal::Integer(integer(u)?);
                arguments.push(or_other(u, init)?);
                if function == "string.find" && u.ratio(1, 3)? {
                    arguments.push(Literal::Boolean(u.arbitrary()?));
                }
            }
            _ => {}
        }
        Call::of(function, arguments, u)
    }
}
