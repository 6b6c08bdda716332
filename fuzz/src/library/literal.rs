//! Values as they stand in a script.

use std::fmt::Write;

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    /// nil
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    Text(Vec<u8>),
    /// An expression: a table, a function.
    Code(&'static str),
    /// A list of values.
    List(Vec<Literal>),
    /// A table with these fields.
    Fields(Vec<(&'static str, Literal)>),
}

impl Literal {
    /// A string.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    /// The expression.
    pub fn source(&self) -> String {
        match self {
            Self::Nil => "nil".into(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(i64::MIN) => "math.mininteger".into(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => "(0/0)".into(),
            Self::Float(value) if value.is_infinite() => if *value > 0.0 { "(1/0)" } else { "(-1/0)" }.into(),
            Self::Float(value) => format!("{value:e}"),
            Self::Text(bytes) => quoted(bytes),
            Self::Code(text) => (*text).into(),
            Self::List(list) => format!("{{{}}}", list.iter().map(Self::source).collect::<Vec<_>>().join(", ")),
            Self::Fields(fields) => {
                let field = |(name, value): &(&str, Self)| format!("{name} = {}", value.source());
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Plainer values of the same kind.
    pub fn plainer(&self) -> Vec<Self> {
        match self {
            Self::Integer(value) => {
                let nearer = [0, 1, value / 2, value - value.signum()];
                nearer.into_iter().filter(|x| x.unsigned_abs() < value.unsigned_abs()).map(Self::Integer).collect()
            }
            Self::Float(value) => {
                let nearer = [0.0, 1.0, value.trunc(), (value / 2.0).trunc()];
                nearer.into_iter().filter(|x| x.abs() < value.abs()).map(Self::Float).collect()
            }
            Self::Text(bytes) => {
                let without = |from: usize, to: usize| Self::Text([&bytes[..from], &bytes[to..]].concat());
                let half = bytes.len() / 2;
                let halves = (bytes.len() > 2).then(|| [without(0, half), without(half, bytes.len())]);
                let mut all: Vec<Self> = halves.into_iter().flatten().collect();
                all.extend((0..bytes.len().min(64)).map(|at| without(at, at + 1)));
                all
            }
            Self::List(list) => (0..list.len())
                .map(|at| Self::List([&list[..at], &list[at + 1..]].concat()))
                .chain(list.iter().enumerate().flat_map(|(at, value)| {
                    value.plainer().into_iter().map(move |plainer| {
                        let mut list = list.clone();
                        list[at] = plainer;
                        Self::List(list)
                    })
                }))
                .collect(),
            Self::Fields(fields) => {
                (0..fields.len()).map(|at| Self::Fields([&fields[..at], &fields[at + 1..]].concat())).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Bytes as a string of Lua.
pub fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => {
                let _ = write!(text, "\\{}", byte as char);
            }
            b' '..=b'~' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "\\{byte:03}");
            }
        }
    }
    text + "\""
}
