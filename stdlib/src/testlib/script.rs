//! Reading the little language: words, numbers and stack indices, one after the other.

use perilune_vm::{LuaState, REGISTRY_INDEX, upvalue_index};

/// What stands between words.
const DELIMITERS: &[u8] = b" \t\n,;";

/// Why a script cannot be read.
pub(super) enum Mistake<'a> {
    /// A number was expected here.
    NoNumber(&'a [u8]),
    /// A quoted string has no end.
    Unfinished,
    /// `G`, the globals' index of old.
    Deprecated,
}

/// What is left of a script.
#[derive(Clone, Copy)]
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script; it ends at a NUL, as the reference's do.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self(crate::message::c_bytes(text))
    }

    /// Passes over delimiters and comments.
    fn skip(&mut self) {
        while let [first, rest @ ..] = self.0 {
            if DELIMITERS.contains(first) {
                self.0 = rest;
            } else if *first == b'#' {
                let end = self.0.iter().position(|&b| b == b'\n').unwrap_or(self.0.len());
                self.0 = &self.0[end..];
            } else {
                return;
            }
        }
    }

    /// Takes `n` bytes.
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    /// The next character, for the operator of `arith`.
    pub(super) fn character(&mut self) -> Option<u8> {
        self.skip();
        (!self.0.is_empty()).then(|| self.take(1)[0])
    }

    /// The next word, or what is between quotes; empty at the end.
    #[doc(alias = "getstring_aux")]
    pub(super) fn word(&mut self) -> Result<&'a [u8], Mistake<'a>> {
        self.skip();
        if let [quote @ (b'"' | b'\''), rest @ ..] = self.0 {
            let Some(end) = rest.iter().position(|b| b == quote) else { return Err(Mistake::Unfinished) };
            self.0 = rest;
            let word = self.take(end);
            self.take(1);
            return Ok(word);
        }
        let end = self.0.iter().position(|b| DELIMITERS.contains(b)).unwrap_or(self.0.len());
        Ok(self.take(end))
    }

    /// The next number: decimal digits, `*` for the top of the thread's stack, or `.` for the number there, which is popped.
    #[doc(alias = "getnum_aux")]
    pub(super) fn number(&mut self, lua: &mut LuaState) -> Result<i32, Mistake<'a>> {
        self.skip();
        match self.0.first() {
            Some(b'.') => {
                self.take(1);
                let number = lua.to_integer(-1).unwrap_or(0) as i32;
                lua.pop(1);
                return Ok(number);
            }
            Some(b'*') => {
                self.take(1);
                return Ok(lua.get_top());
            }
            _ => {}
        }
        let negative = self.0.first() == Some(&b'-');
        self.take(negative as usize);
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return Err(Mistake::NoNumber(self.0));
        }
        let digits = self.take(digits).iter();
        let value = digits.fold(0i32, |value, digit| value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0')));
        Ok(if negative { value.wrapping_neg() } else { value })
    }

    /// The next stack index: a number, `R` for the registry, or `U` and the number of an upvalue.
    #[doc(alias = "getindex_aux")]
    pub(super) fn index(&mut self, lua: &mut LuaState) -> Result<i32, Mistake<'a>> {
        self.skip();
        match self.0.first() {
            Some(b'R') => {
                self.take(1);
                Ok(REGISTRY_INDEX)
            }
            Some(b'U') => {
                self.take(1);
                Ok(upvalue_index(self.number(lua)?))
            }
            Some(b'G') => Err(Mistake::Deprecated),
            _ => self.number(lua),
        }
    }
}
