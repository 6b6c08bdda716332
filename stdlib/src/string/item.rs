//! Items of patterns that match one character each: a character, a class, a set (manual §6.4.1).

use super::class::{ByteSet, class_of_letter};
use super::pattern::ESCAPE;
use super::search::find_byte;

/// An item that matches one character.
#[derive(Clone, Copy)]
pub(super) enum Item {
    /// `.`
    Any,
    /// A character that stands for itself.
    Literal(u8),
    /// `%a` and its like.
    Class(&'static ByteSet),
    /// A set in brackets of few characters that stand for themselves.
    Few(Few),
    /// Another set in brackets.
    Set(ByteSet),
}

/// The most characters of a set that is not made a set of bits, as that would take longer than to compare them.
const MAX_FEW: usize = 4;

/// A set of a few characters, or of all others.
#[derive(Clone, Copy)]
pub(super) struct Few {
    /// The characters, the last one more than once if there are less than four.
    bytes: [u8; MAX_FEW],
    negated: bool,
}

impl Few {
    /// Reads such a set, which begins after its bracket, and finds out how long it is, its bracket included.
    #[inline]
    pub(super) fn read(text: &[u8]) -> Option<(Self, usize)> {
        let negated = text.first() == Some(&b'^');
        let text = &text[usize::from(negated)..];
        let mut bytes = [*text.first()?; MAX_FEW];
        for (len, &c) in text.iter().enumerate().take(MAX_FEW + 1) {
            match c {
                b']' if len > 0 => return Some((Self { bytes, negated }, usize::from(negated) + len + 1)),
                b']' | b'-' | ESCAPE => return None,
                _ => bytes.get_mut(len..)?.fill(c),
            }
        }
        None
    }

    #[inline(always)]
    fn contains(self, byte: u8) -> bool {
        let [a, b, c, d] = self.bytes;
        ((byte == a) | (byte == b) | (byte == c) | (byte == d)) != self.negated
    }
}

impl Item {
    /// The item after the escape character.
    #[inline(always)]
    pub(super) fn escaped(c: u8) -> Self {
        class_of_letter(c).map_or(Item::Literal(c), Item::Class)
    }

    /// Whether the item matches the byte.
    #[inline(always)]
    pub(super) fn matches(&self, byte: u8) -> bool {
        match self {
            Item::Any => true,
            Item::Literal(c) => *c == byte,
            Item::Class(set) => set.contains(byte),
            Item::Few(set) => set.contains(byte),
            Item::Set(set) => set.contains(byte),
        }
    }

    /// How many bytes from the start of `text` on the item matches.
    #[inline]
    pub(super) fn run_length(&self, text: &[u8]) -> usize {
        let end = match self {
            Item::Any => None,
            Item::Literal(c) => text.iter().position(|b| b != c),
            Item::Class(set) => text.iter().position(|&b| !set.contains(b)),
            Item::Few(Few { bytes, negated: true }) if *bytes == [bytes[0]; MAX_FEW] => find_byte(text, bytes[0]),
            Item::Few(set) => text.iter().position(|&b| !set.contains(b)),
            Item::Set(set) => text.iter().position(|&b| !set.contains(b)),
        };
        end.unwrap_or(text.len())
    }

    /// The first byte of `text` that the item matches.
    #[inline]
    pub(super) fn find_in(&self, text: &[u8]) -> Option<usize> {
        match self {
            Item::Any => (!text.is_empty()).then_some(0),
            Item::Literal(c) => find_byte(text, *c),
            Item::Class(set) => text.iter().position(|&b| set.contains(b)),
            Item::Few(set) => text.iter().position(|&b| set.contains(b)),
            Item::Set(set) => text.iter().position(|&b| set.contains(b)),
        }
    }
}

/// The bytes of a set, which is given without its brackets.
#[doc(alias = "matchbracketclass")]
pub(super) fn bytes_of_set(set: &[u8]) -> ByteSet {
    let (negated, mut rest) = match set {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let mut bytes = ByteSet::EMPTY;
    loop {
        rest = match rest {
            [] => break,
            [ESCAPE, c, tail @ ..] => {
                match class_of_letter(*c) {
                    Some(class) => bytes.insert_all(class),
                    None => bytes.insert(*c),
                }
                tail
            }
            [low, b'-', high, tail @ ..] => {
                bytes.insert_range(*low, *high);
                tail
            }
            // The first half of an escape was the end of a range, so that the bracket seems escaped, though it ends the set.
            [ESCAPE] => {
                bytes.insert(b']');
                &[]
            }
            [c, tail @ ..] => {
                bytes.insert(*c);
                tail
            }
        };
    }
    if negated { bytes.complement() } else { bytes }
}
