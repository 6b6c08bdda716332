//! Other layouts of a text: the same tokens, with other things between them.
//!
//! The compiler sees tokens and the lines that they end on, and nothing else. So a text with each token on a line of its own says, for
//! everything that has a line, which token that line is of; and in any other layout it must be the line of the same token.
//!
//! ```
//! use perilune_fuzz::program::layout::{tokens, varied};
//!
//! let source = "local x = 'a b' -- a comment\nreturn x..1.5";
//! assert_eq!(tokens(source), ["local", "x", "=", "'a b'", "return", "x", "..", "1.5"]);
//! assert_eq!(tokens(&varied(source, 7).text), tokens(source));
//! ```

use crate::random::Random;

/// Operators of more than one character, the longest first.
const OPERATORS: [&str; 10] = ["...", "..", "==", "~=", "<=", ">=", "//", "<<", ">>", "::"];

/// What may stand between two tokens. A space at the beginning keeps it from becoming part of the token before.
const BETWEEN: [&str; 14] = [
    " ",
    " ",
    " ",
    " ",
    "\t\x0b \x0c",
    "\n",
    " \n\n  ",
    "\r\n",
    "\n\r\t",
    " --\n",
    " -- a comment ]] --[ \n",
    " --[[ a comment ]]",
    " --[[\n of two\r\n lines ]]",
    " --[==[ a ] longer ]]\n comment]==]\n",
];

/// A text, and on which line each of its tokens ends; the last one is its end.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The text.
    pub text: String,
    /// The lines, counted from 1.
    pub lines: Vec<i32>,
}

/// The length of a long bracket that a text begins with, if it does.
fn long_bracket(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?.trim_start_matches('=');
    let level = text.len() - 1 - inner.len();
    let close = format!("]{}]", "=".repeat(level));
    let end = inner.strip_prefix('[')?.find(&close);
    Some(end.map_or(text.len(), |end| end + 2 * close.len()))
}

/// The length of the token that a text begins with.
fn token_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    match bytes[0] {
        quote @ (b'"' | b'\'') => {
            let mut at = 1;
            while at < bytes.len() && bytes[at] != quote {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(bytes.len())
        }
        b'[' => long_bracket(text).unwrap_or(1),
        first if first.is_ascii_digit() || first == b'.' && is_digit(1) => {
            let is_hex = first == b'0' && matches!(bytes.get(1), Some(b'x' | b'X'));
            let has_sign = |at: usize| matches!((bytes[at] | 0x20, is_hex), (b'e', false) | (b'p', true));
            let part = |at: usize| {
                let byte = bytes[at];
                byte.is_ascii_alphanumeric() || byte == b'.' || b"+-".contains(&byte) && has_sign(at - 1)
            };
            (1..bytes.len()).find(|&at| !part(at)).unwrap_or(bytes.len())
        }
        first if first.is_ascii_alphabetic() || first == b'_' => {
            bytes.iter().position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(bytes.len())
        }
        _ => {
            let operator = OPERATORS.iter().find(|operator| text.starts_with(**operator));
            operator.map_or_else(|| text.chars().next().map_or(1, char::len_utf8), |operator| operator.len())
        }
    }
}

/// The tokens of a text that compiles.
pub fn tokens(source: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if let Some(comment) = rest.strip_prefix("--") {
            let length = long_bracket(comment).or_else(|| comment.find(['\n', '\r'])).unwrap_or(comment.len());
            rest = &comment[length..];
        } else if rest.is_empty() {
            return tokens;
        } else {
            let (token, after) = rest.split_at(token_length(rest));
            tokens.push(token);
            rest = after;
        }
    }
}

/// How many lines end in a text: two different characters in a row that end a line are one end.
pub(crate) fn line_ends(text: &str) -> i32 {
    let mut count = 0;
    let mut before = None;
    for byte in text.bytes() {
        match (byte, before) {
            (b'\n', Some(b'\r')) | (b'\r', Some(b'\n')) => before = None,
            (b'\n' | b'\r', _) => {
                count += 1;
                before = Some(byte);
            }
            _ => before = None,
        }
    }
    count
}

/// Tokens with something behind each of them.
fn laid_out(source: &str, mut between: impl FnMut(&str) -> &'static str) -> Layout {
    let mut layout = Layout { text: String::new(), lines: Vec::new() };
    let mut line = 1;
    for token in tokens(source) {
        line += line_ends(token);
        layout.lines.push(line);
        let space = between(token);
        line += line_ends(space);
        layout.text.extend([token, space]);
    }
    layout.lines.push(line);
    layout
}

/// A text with each token on a line of its own.
pub fn one_to_a_line(source: &str) -> Layout {
    laid_out(source, |_| "\n")
}

/// A text with other lines, spaces, and comments, which follow from a seed.
pub fn varied(source: &str, seed: u64) -> Layout {
    let mut random = Random::new(seed);
    laid_out(source, |token| match token {
        // What needs nothing behind it has nothing there, now and then.
        "(" | ")" | "{" | "}" | "," | ";" if random.chance(3) => "",
        _ => random.pick(&BETWEEN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_tokens() {
        let source = "--[[ a\n]]f{[[x\ny]]}-- to the end\n::a::goto a;x=0x1p-4-1e+5 .5 3..2 '\\'\\\\' \"'\" [=[]]]=] a.b[1]...~=~--\n#";
        let expected = [
            "f",
            "{",
            "[[x\ny]]",
            "}",
            "::",
            "a",
            "::",
            "goto",
            "a",
            ";",
            "x",
            "=",
            "0x1p-4",
            "-",
            "1e+5",
            ".5",
            "3..2",
            "'\\'\\\\'",
            "\"'\"",
            "[=[]]]=]",
            "a",
            ".",
            "b",
            "[",
            "1",
            "]",
            "...",
            "~=",
            "~",
            "#",
        ];
        assert_eq!(tokens(source), expected);
        assert_eq!(one_to_a_line("a\n [[b\nc]] d").lines, [1, 3, 4, 5]);
    }

    #[test]
    fn lines_end_in_four_ways() {
        assert_eq!(["a\nb", "a\r\nb", "\r\r", "\n\r\n\r", "\n\r\r\n", ""].map(line_ends), [1, 1, 2, 2, 2, 0]);
        for seed in 0..50 {
            let layout = varied("f(a, b) {1; 2}", seed);
            assert_eq!(layout.lines.last(), Some(&(1 + line_ends(&layout.text))));
            assert_eq!(tokens(&layout.text).len() + 1, layout.lines.len());
        }
    }
}
