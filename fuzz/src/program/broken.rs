//! Texts that do not compile, most of them: programs with tokens left out, doubled, exchanged, and put in.
//!
//! What the compiler says about them is compared with the reference implementation ([`compiles_alike`](crate::oracle::compiles_alike)).
//!
//! ```
//! use perilune_fuzz::program::broken::{Broken, Edit};
//!
//! let broken = Broken { source: "local x = 1".into(), edits: vec![Edit::Remove(1)] };
//! assert_eq!(broken.to_string(), "local = 1");
//! ```

use std::fmt::{self, Display};

use arbitrary::{Arbitrary, Result, Unstructured};

use super::Program;
use super::layout::tokens;
use crate::property::{Shrink, shorter, shorter_count};

/// A program's text, and what is done to its tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The text.
    pub source: String,
    /// What is done, one after the other.
    pub edits: Vec<Edit>,
}

/// One change. Places go round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Arbitrary)]
pub enum Edit {
    /// A token is left out.
    Remove(u16),
    /// All that follows is left out.
    Cut(u16),
    /// A token stands twice.
    Double(u16),
    /// Two tokens change places.
    Swap(u16, u16),
    /// One of the [`PIECES`] is put in.
    Insert(u16, u8),
    /// One of the [`PIECES`] takes the place of a token.
    Replace(u16, u8),
    /// The bytes of a token from a place on are left out.
    Clip(u16, u8),
}

/// What is put in: tokens, and what is none.
pub const PIECES: &[&str] = &[
    "and",
    "break",
    "do",
    "else",
    "elseif",
    "end",
    "false",
    "for",
    "function",
    "goto",
    "if",
    "in",
    "local",
    "nil",
    "not",
    "or",
    "repeat",
    "return",
    "then",
    "true",
    "until",
    "while",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "#",
    "&",
    "~",
    "|",
    "<<",
    ">>",
    "//",
    "==",
    "~=",
    "<=",
    ">=",
    "<",
    ">",
    "=",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "::",
    ";",
    ":",
    ",",
    ".",
    "..",
    "...",
    "a",
    "_ENV",
    "1",
    "0x10",
    "3.5",
    "'text'",
    "[[text]]",
    "goto a",
    "::a::",
    "break ::a::",
    "for a = 1",
    "for a, b in",
    "local function",
    "function a.b:c()",
    "return 1,",
    "a.b.c =",
    "a, b =",
    "(a) =",
    "a() =",
    "...  =",
    "0x",
    "1e",
    "1e+",
    "3..2",
    "0x1p",
    "1..",
    "08",
    "0xg",
    "1_000",
    "99999999999999999999",
    "0x1.8p1",
    "'",
    "\"",
    "'open\n'",
    "[==[",
    "[=",
    "--[[",
    "--",
    "'\\q'",
    "'\\xg1'",
    "'\\x1'",
    "'\\300'",
    "'\\99999'",
    "'\\u{110000}'",
    "'\\u{80000000}'",
    "'\\u{'",
    "'\\u'",
    "'\\z \n '",
    "'\\\n'",
    "'\\",
    "@",
    "$",
    "!",
    "?",
    "\\",
    "`",
    "\x01",
    "\x7f",
    "é",
    "\0",
    "\x1a",
    "~ =",
    "= =",
    "-- a\r\n",
    "#!",
];

impl Edit {
    /// Does it.
    fn apply(self, tokens: &mut Vec<String>) {
        let count = tokens.len();
        if count == 0 {
            return;
        }
        let at = |n: u16| usize::from(n) % count;
        let piece = |n: u8| PIECES[usize::from(n) % PIECES.len()].to_owned();
        match self {
            Self::Remove(n) => drop(tokens.remove(at(n))),
            Self::Cut(n) => tokens.truncate(at(n)),
            Self::Double(n) => tokens.insert(at(n), tokens[at(n)].clone()),
            Self::Swap(a, b) => tokens.swap(at(a), at(b)),
            Self::Insert(n, which) => tokens.insert(at(n), piece(which)),
            Self::Replace(n, which) => tokens[at(n)] = piece(which),
            Self::Clip(n, from) => {
                let token = &mut tokens[at(n)];
                let places: Vec<usize> = token.char_indices().map(|(place, _)| place).collect();
                // It may have been clipped to nothing before.
                token.truncate(places.get(usize::from(from) % places.len().max(1)).copied().unwrap_or(0));
            }
        }
    }
}

/// The text as it comes to be.
impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tokens: Vec<String> = tokens(&self.source).into_iter().map(str::to_owned).collect();
        self.edits.iter().for_each(|edit| edit.apply(&mut tokens));
        f.write_str(&tokens.join(" "))
    }
}

impl<'a> Arbitrary<'a> for Broken {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let edits = (0..u.int_in_range(1..=3)?).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        Ok(Self { source: Program::arbitrary_take_rest(Unstructured::new(u.bytes(u.len())?))?.to_string(), edits })
    }
}

/// Fewer edits, and then fewer tokens.
impl Shrink for Broken {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(edits) = shorter(&self.edits, n) {
            return Some(Self { edits, ..self.clone() });
        }
        let rest = n - shorter_count(self.edits.len());
        let source = shorter(&tokens(&self.to_string()), rest)?.join(" ");
        Some(Self { source, edits: Vec::new() })
    }
}
