//! Tokens.

use core::fmt;

use perilune_core::{GcRef, LuaString};

/// A lexical unit.
///
/// Its strings are kept alive by the scanner's table (LX1 in `lexer`).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token {
    /// A byte that stands for itself.
    Char(u8),
    And,
    Break,
    Do,
    Else,
    ElseIf,
    End,
    False,
    For,
    Function,
    Goto,
    If,
    In,
    Local,
    Nil,
    Not,
    Or,
    Repeat,
    Return,
    Then,
    True,
    Until,
    While,
    /// `//`
    IDiv,
    /// `..`
    Concat,
    /// `...`
    Dots,
    /// `==`
    Eq,
    /// `>=`
    Ge,
    /// `<=`
    Le,
    /// `~=`
    Ne,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `::`
    DoubleColon,
    /// The end of the input.
    Eof,
    Float(f64),
    Integer(i64),
    Name(GcRef<LuaString>),
    String(GcRef<LuaString>),
}

impl Token {
    /// The reserved word that a name is, if it is one (manual §3.1).
    #[inline]
    pub(super) fn reserved(word: &[u8]) -> Option<Self> {
        // No reserved word is longer than `function`, and all are in lower case.
        if !(2..=8).contains(&word.len()) {
            return None;
        }
        Some(match word {
            b"and" => Self::And,
            b"break" => Self::Break,
            b"do" => Self::Do,
            b"else" => Self::Else,
            b"elseif" => Self::ElseIf,
            b"end" => Self::End,
            b"false" => Self::False,
            b"for" => Self::For,
            b"function" => Self::Function,
            b"goto" => Self::Goto,
            b"if" => Self::If,
            b"in" => Self::In,
            b"local" => Self::Local,
            b"nil" => Self::Nil,
            b"not" => Self::Not,
            b"or" => Self::Or,
            b"repeat" => Self::Repeat,
            b"return" => Self::Return,
            b"then" => Self::Then,
            b"true" => Self::True,
            b"until" => Self::Until,
            b"while" => Self::While,
            _ => return None,
        })
    }

    /// The text of a token that always looks the same, the description of any other; `None` for a single byte.
    fn text(self) -> Option<&'static str> {
        Some(match self {
            Self::Char(_) => return None,
            Self::And => "and",
            Self::Break => "break",
            Self::Do => "do",
            Self::Else => "else",
            Self::ElseIf => "elseif",
            Self::End => "end",
            Self::False => "false",
            Self::For => "for",
            Self::Function => "function",
            Self::Goto => "goto",
            Self::If => "if",
            Self::In => "in",
            Self::Local => "local",
            Self::Nil => "nil",
            Self::Not => "not",
            Self::Or => "or",
            Self::Repeat => "repeat",
            Self::Return => "return",
            Self::Then => "then",
            Self::True => "true",
            Self::Until => "until",
            Self::While => "while",
            Self::IDiv => "//",
            Self::Concat => "..",
            Self::Dots => "...",
            Self::Eq => "==",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::Ne => "~=",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::DoubleColon => "::",
            Self::Eof => "<eof>",
            Self::Float(_) => "<number>",
            Self::Integer(_) => "<integer>",
            Self::Name(_) => "<name>",
            Self::String(_) => "<string>",
        })
    }

    /// Whether its text is what the lexer's buffer holds.
    pub(super) fn is_in_buffer(self) -> bool {
        matches!(self, Self::Float(_) | Self::Integer(_) | Self::Name(_) | Self::String(_))
    }
}

/// How messages name the token.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.text()) {
            (Self::Char(byte @ b' '..=b'~'), _) => write!(f, "'{}'", *byte as char),
            (Self::Char(byte), _) => write!(f, "'<\\{byte}>'"),
            (_, None) => Ok(()),
            (Self::Eof, Some(text)) => f.write_str(text),
            (_, Some(text)) if self.is_in_buffer() => f.write_str(text),
            (_, Some(text)) => write!(f, "'{text}'"),
        }
    }
}
