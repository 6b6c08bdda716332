//! The scanner: bytes to tokens (manual §3.1).
//!
//! LX1. The scanner's table is anchored (N1) while a chunk is compiled. Every string that a token carries is a key of it,
//!     so strings live until the compilation ends, and equal strings have equal addresses, long ones too.
//! LX2. `current` is the first byte that is not part of what was read, `None` at the end of the input. It is the byte that was
//!     taken from the input last.

use core::fmt::{self, Write};

use perilune_core::{GcRef, LuaString, TValue, Table};

use super::chunkid::chunk_id;
use super::class::{self, BLANK, LINE_END, NAME};
use super::token::Token;
use super::vector::Vector;
use super::zio::Zio;
use crate::convert::str_to_number;
use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// The first size of the buffer (`LUA_MINBUFFER`).
const MIN_BUFFER: usize = 32;

/// What a message names as the place of an error.
#[derive(Clone, Copy)]
pub(super) enum Near {
    /// Nothing.
    Nothing,
    /// What the buffer holds.
    Buffer,
    /// A token.
    Token(Token),
}

/// The scanner's state.
#[doc(alias = "LexState")]
pub(super) struct Lexer<'a, 'b> {
    pub(super) lua: &'a mut LuaState,
    input: &'a mut Zio<'b>,
    /// The next byte (LX2).
    pub(super) current: Option<u8>,
    /// The line of `current`.
    pub(super) line: i32,
    /// The line of the token before `token`.
    pub(super) last_line: i32,
    /// The current token.
    pub(super) token: Token,
    /// The token after it, if it was looked at already.
    ahead: Option<Token>,
    /// The text of the token that was read last, if that is no name.
    pub(super) buffer: Vector<u8>,
    /// The name that was read last, if that was the last token.
    name: Option<GcRef<LuaString>>,
    /// The message that is being made.
    message: Vector<u8>,
    /// The scanner's table (LX1); it also finds constants again.
    pub(super) table: GcRef<Table>,
    /// The chunk's name, which the main prototype keeps alive.
    pub(super) source: GcRef<LuaString>,
}

impl<'a, 'b> Lexer<'a, 'b> {
    /// A scanner before the first byte, or after it if that was taken already.
    #[doc(alias = "luaX_setinput")]
    pub(super) fn new(
        lua: &'a mut LuaState,
        input: &'a mut Zio<'b>,
        first: Option<u8>,
        table: GcRef<Table>,
        source: GcRef<LuaString>,
    ) -> Self {
        Self {
            lua,
            input,
            current: first,
            line: 1,
            last_line: 1,
            token: Token::Eof,
            ahead: None,
            buffer: Vector::new(),
            name: None,
            message: Vector::new(),
            table,
            source,
        }
    }

    /// Gives all memory back.
    pub(super) fn free(&mut self) {
        self.buffer.free(self.lua);
        self.message.free(self.lua);
    }

    /// Reads the next token into `token`.
    #[doc(alias = "luaX_next")]
    pub(super) fn next(&mut self) -> LuaResult<()> {
        self.last_line = self.line;
        match self.ahead.take() {
            Some(token) => {
                self.token = token;
                Ok(())
            }
            None => self.scan(),
        }
    }

    /// The token after the current one.
    #[doc(alias = "luaX_lookahead")]
    pub(super) fn look_ahead(&mut self) -> LuaResult<Token> {
        debug_assert!(self.ahead.is_none());
        let current = self.token;
        self.scan()?;
        let ahead = core::mem::replace(&mut self.token, current);
        self.ahead = Some(ahead);
        Ok(ahead)
    }
}

/// Strings.
impl Lexer<'_, '_> {
    /// The string of some bytes, kept alive until the compilation ends (LX1).
    #[doc(alias = "luaX_newstring")]
    pub(super) fn new_string(&mut self, bytes: &[u8]) -> LuaResult<GcRef<LuaString>> {
        let string = self.lua.heap().new_string(bytes)?;
        self.anchor(string)
    }

    /// The string of a part of the buffer.
    pub(super) fn buffer_string(&mut self, from: usize, to: usize) -> LuaResult<GcRef<LuaString>> {
        let string = self.lua.heap().new_string(&self.buffer[from..to])?;
        self.anchor(string)
    }

    /// Enters a string into the scanner's table; gives the one that is there already if there is one.
    #[inline]
    fn anchor(&mut self, string: GcRef<LuaString>) -> LuaResult<GcRef<LuaString>> {
        if string.is_short() {
            if !self.table.get_short(string).is_nil() {
                return Ok(string);
            }
        } else if let Some(known) = self.known_long_string(string) {
            return Ok(known);
        }
        let value = TValue::object(string);
        // The entry may need memory, which may cause a collection: the stack keeps the string until then.
        self.lua.th().push(value);
        // SAFETY: LX1 for the table; the string is on the stack.
        let entered = unsafe { self.lua.heap().table_set(self.table, value, TValue::TRUE) };
        self.lua.th().pop();
        // Neither nil nor NaN nor, before memory is exhausted, too many: what remains is want of memory.
        entered.map_err(|_| Thrown::Memory)?;
        self.lua.gc_check()?;
        Ok(string)
    }

    /// The string of the same content that the table has as a key.
    #[cold]
    fn known_long_string(&self, string: GcRef<LuaString>) -> Option<GcRef<LuaString>> {
        // SAFETY: V1: the string was just made, and nothing allocates here.
        let position = unsafe { self.table.position_after(TValue::object(string)) }.ok()?;
        let (_, key, _) = self.table.entry_from(position - 1)?;
        // SAFETY: LX1: keys of the table are live.
        unsafe { key.get::<LuaString>() }
    }
}

/// Errors.
impl Lexer<'_, '_> {
    /// A syntax error at the current token.
    #[doc(alias = "luaX_syntaxerror")]
    #[cold]
    #[inline(never)]
    pub(super) fn syntax_error(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        let near = match self.token {
            // Messages cannot show it.
            Token::Char(0) => Near::Nothing,
            token if token.is_in_buffer() => Near::Buffer,
            token => Near::Token(token),
        };
        self.error(message, near)
    }

    /// An error: pushes the message with its position in the chunk.
    #[doc(alias = "lexerror")]
    #[cold]
    #[inline(never)]
    pub(super) fn error(&mut self, message: fmt::Arguments<'_>, near: Near) -> Thrown {
        match self.push_message(message, near) {
            Ok(()) => Thrown::Syntax,
            Err(thrown) => thrown,
        }
    }

    fn push_message(&mut self, message: fmt::Arguments<'_>, near: Near) -> LuaResult<()> {
        let mut id = [0; 60];
        let id_len = chunk_id(self.source.as_bytes(), &mut id);
        self.message.truncate(0);
        self.message.extend(self.lua, &id[..id_len])?;
        let line = self.line;
        self.write(format_args!(":{line}: {message}"))?;
        match near {
            Near::Nothing => {}
            Near::Token(token) => self.write(format_args!(" near {token}"))?,
            Near::Buffer => {
                self.message.extend(self.lua, b" near '")?;
                let name = self.name;
                let text = name.as_ref().map_or(&self.buffer[..], |name| name.as_bytes());
                self.message.extend(self.lua, until_nul(text))?;
                self.message.extend(self.lua, b"'")?;
            }
        }
        self.lua.push_bytes(&self.message)
    }

    /// Appends to the message.
    fn write(&mut self, text: fmt::Arguments<'_>) -> LuaResult<()> {
        let mut writer = Writer { lua: self.lua, out: &mut self.message, result: Ok(()) };
        // The only error is the writer's own, which `result` tells.
        let _ = writer.write_fmt(text);
        writer.result
    }
}

/// Formatted text into a vector.
struct Writer<'w> {
    lua: &'w mut LuaState,
    out: &'w mut Vector<u8>,
    result: LuaResult<()>,
}

impl Write for Writer<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.result = self.out.extend(self.lua, s.as_bytes());
        self.result.map_err(|_| fmt::Error)
    }
}

/// The bytes before the first NUL: what C's `%s` prints.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    &bytes[..len]
}

/// Bytes.
impl Lexer<'_, '_> {
    /// Goes to the next byte.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> LuaResult<()> {
        self.current = self.input.next_byte(self.lua)?;
        Ok(())
    }

    /// Appends a byte to the buffer.
    #[inline(always)]
    pub(super) fn save(&mut self, byte: u8) -> LuaResult<()> {
        self.buffer.push(self.lua, byte)
    }

    /// Appends the current byte to the buffer and goes to the next, unless the input is at its end.
    #[inline(always)]
    pub(super) fn save_and_advance(&mut self) -> LuaResult<()> {
        let Some(byte) = self.current else { return Ok(()) };
        self.save(byte)?;
        self.advance()
    }

    /// The number of bytes from the current one on, of those that the reader has handed out, until one for which `ends` holds.
    #[inline(always)]
    pub(super) fn run(&self, ends: impl Fn(u8) -> bool) -> usize {
        let text = self.input.last_and_rest();
        text.iter().position(|&byte| ends(byte)).unwrap_or(text.len())
    }

    /// Goes `n` bytes on, at least one, which the reader has handed out.
    #[inline(always)]
    pub(super) fn skip(&mut self, n: usize) -> LuaResult<()> {
        debug_assert!(n > 0);
        self.input.skip(n - 1);
        self.advance()
    }

    /// Appends the current byte, and those after it until one for which `ends` holds, to the buffer and goes on behind them. It may
    /// stop sooner, where the reader has to be asked.
    #[inline(always)]
    pub(super) fn save_run(&mut self, ends: impl Fn(u8) -> bool) -> LuaResult<()> {
        let n = self.run(ends).max(1);
        self.save_and_skip(n)
    }

    /// Appends `n` bytes from the current one on, at least one, to the buffer and goes on behind them.
    #[inline(always)]
    pub(super) fn save_and_skip(&mut self, n: usize) -> LuaResult<()> {
        self.buffer.extend(self.lua, &self.input.last_and_rest()[..n])?;
        self.skip(n)
    }

    /// Takes the last `n` bytes out of the buffer.
    pub(super) fn unsave(&mut self, n: usize) {
        self.buffer.truncate(self.buffer.len().saturating_sub(n));
    }

    /// Skips the current byte if it is `byte`.
    #[inline]
    fn skip_if(&mut self, byte: u8) -> LuaResult<bool> {
        if self.current != Some(byte) {
            return Ok(false);
        }
        self.advance()?;
        Ok(true)
    }

    /// Whether the current byte ends a line.
    #[inline(always)]
    pub(super) fn at_line_end(&self) -> bool {
        self.current.is_some_and(|byte| class::is(byte, LINE_END))
    }

    /// Skips a line end: `\n`, `\r`, `\n\r` or `\r\n`.
    #[doc(alias = "inclinenumber")]
    pub(super) fn skip_line_end(&mut self) -> LuaResult<()> {
        let old = self.current;
        self.advance()?;
        if self.at_line_end() && self.current != old {
            self.advance()?;
        }
        self.line += 1;
        if self.line == i32::MAX {
            return Err(self.error(format_args!("chunk has too many lines"), Near::Nothing));
        }
        Ok(())
    }
}

/// Tokens.
///
/// Each is written to `token` where it is found: a copy of what was just written in parts would have to wait for it.
impl Lexer<'_, '_> {
    /// Sets the token that was read.
    #[inline(always)]
    pub(super) fn found(&mut self, token: Token) -> LuaResult<()> {
        self.token = token;
        Ok(())
    }

    /// Reads a token into `token`.
    #[doc(alias = "llex")]
    fn scan(&mut self) -> LuaResult<()> {
        self.buffer.truncate(0);
        self.name = None;
        loop {
            let Some(byte) = self.current else { return self.found(Token::Eof) };
            match byte {
                b'\n' | b'\r' => self.skip_line_end()?,
                b' ' | 0x0c | b'\t' | 0x0b => self.skip(self.run(|byte| !class::is(byte, BLANK)))?,
                b'-' => {
                    self.advance()?;
                    if self.current != Some(b'-') {
                        return self.found(Token::Char(b'-'));
                    }
                    self.advance()?;
                    self.skip_comment()?;
                }
                b'[' => return self.scan_bracket(),
                b'"' | b'\'' => return self.scan_string(byte),
                b'.' => return self.scan_dots(),
                b'0'..=b'9' => return self.scan_number(),
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => return self.scan_name(),
                b'=' | b'<' | b'>' | b'/' | b'~' | b':' => return self.scan_operator(byte),
                _ => {
                    self.advance()?;
                    return self.found(Token::Char(byte));
                }
            }
        }
    }

    /// Skips a comment, whose `--` was read.
    fn skip_comment(&mut self) -> LuaResult<()> {
        if self.current == Some(b'[') {
            let level = self.read_long_bracket()?;
            self.buffer.truncate(0);
            if level >= 2 {
                self.skip_long_comment(level)?;
                self.buffer.truncate(0);
                return Ok(());
            }
        }
        while !self.at_line_end() && self.current.is_some() {
            self.skip(self.run(|byte| class::is(byte, LINE_END)))?;
        }
        Ok(())
    }

    /// Reads a long string, or `[` alone.
    fn scan_bracket(&mut self) -> LuaResult<()> {
        match self.read_long_bracket()? {
            0 => Err(self.error(format_args!("invalid long string delimiter"), Near::Buffer)),
            1 => self.found(Token::Char(b'[')),
            level => self.scan_long_string(level),
        }
    }

    /// Reads `.`, `..`, `...`, or a number that begins with a point.
    fn scan_dots(&mut self) -> LuaResult<()> {
        self.save_and_advance()?;
        if self.skip_if(b'.')? {
            return if self.skip_if(b'.')? { self.found(Token::Dots) } else { self.found(Token::Concat) };
        }
        match self.current {
            Some(b'0'..=b'9') => self.scan_numeral(),
            _ => self.found(Token::Char(b'.')),
        }
    }

    /// Reads an operator that may have a second byte.
    fn scan_operator(&mut self, first: u8) -> LuaResult<()> {
        self.advance()?;
        let token = match (first, self.current) {
            (b'=', Some(b'=')) => Token::Eq,
            (b'<', Some(b'=')) => Token::Le,
            (b'<', Some(b'<')) => Token::Shl,
            (b'>', Some(b'=')) => Token::Ge,
            (b'>', Some(b'>')) => Token::Shr,
            (b'/', Some(b'/')) => Token::IDiv,
            (b'~', Some(b'=')) => Token::Ne,
            (b':', Some(b':')) => Token::DoubleColon,
            _ => return self.found(Token::Char(first)),
        };
        self.advance()?;
        self.found(token)
    }

    /// Reads a name or reserved word.
    fn scan_name(&mut self) -> LuaResult<()> {
        let text = self.input.last_and_rest();
        let len = self.run(|byte| !class::is(byte, NAME));
        if len == text.len() {
            return self.scan_name_in_pieces();
        }
        let word = &text[..len];
        if let Some(token) = Token::reserved(word) {
            self.skip(len)?;
            return self.found(token);
        }
        let string = self.lua.heap().new_string(word)?;
        self.name_token(string)?;
        self.skip(len)
    }

    /// The same where the reader has to be asked for more of it.
    #[cold]
    #[inline(never)]
    fn scan_name_in_pieces(&mut self) -> LuaResult<()> {
        while self.current.is_some_and(|byte| class::is(byte, NAME)) {
            self.save_run(|byte| !class::is(byte, NAME))?;
        }
        if let Some(token) = Token::reserved(&self.buffer) {
            return self.found(token);
        }
        let string = self.lua.heap().new_string(&self.buffer)?;
        self.name_token(string)
    }

    /// The token of a name.
    #[inline(always)]
    fn name_token(&mut self, string: GcRef<LuaString>) -> LuaResult<()> {
        let string = self.anchor(string)?;
        self.name = Some(string);
        self.found(Token::Name(string))
    }

    /// Reads a numeral that begins with a digit.
    fn scan_number(&mut self) -> LuaResult<()> {
        match simple_number(self.input.last_and_rest()) {
            Some((token, len)) => {
                self.save_and_skip(len)?;
                self.found(token)
            }
            None => self.scan_numeral(),
        }
    }

    /// Reads a numeral. It takes more than is right; the conversion refuses what is malformed.
    #[doc(alias = "read_numeral")]
    fn scan_numeral(&mut self) -> LuaResult<()> {
        let first = self.current;
        self.save_and_advance()?;
        let mut exponent = b'e';
        if first == Some(b'0') && matches!(self.current, Some(b'x' | b'X')) {
            self.save_and_advance()?;
            exponent = b'p';
        }
        loop {
            if self.current.is_some_and(|byte| byte.to_ascii_lowercase() == exponent) {
                self.save_and_advance()?;
                if matches!(self.current, Some(b'-' | b'+')) {
                    self.save_and_advance()?;
                }
            }
            if !self.current.is_some_and(|byte| byte.is_ascii_hexdigit() || byte == b'.') {
                break;
            }
            self.save_and_advance()?;
        }
        let value = str_to_number(&self.buffer);
        if let Some(i) = value.and_then(TValue::as_integer) {
            self.found(Token::Integer(i))
        } else if let Some(n) = value.and_then(TValue::as_float) {
            self.found(Token::Float(n))
        } else {
            Err(self.error(format_args!("malformed number"), Near::Buffer))
        }
    }

    /// Prepares the buffer.
    pub(super) fn prepare(&mut self) -> LuaResult<()> {
        self.buffer.reserve(self.lua, MIN_BUFFER)
    }
}

/// The number with which a text begins, and its length, if it is a short decimal one without exponent and its end can be seen.
///
/// With at most 15 digits, the digits without the point are an integer that a float has exactly, as it has the power of ten; so
/// their quotient is the float nearest to the number (manual §3.1 wants no less, and `strtod` gives it).
#[inline]
fn simple_number(text: &[u8]) -> Option<(Token, usize)> {
    const MAX_DIGITS: usize = 15;
    const POWERS: [f64; MAX_DIGITS + 1] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let mut digits = 0;
    let mut value = 0;
    let mut take = |from: usize| {
        let mut at = from;
        while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            value = value * 10 + i64::from(digit);
            at += 1;
            digits += 1;
            if digits > MAX_DIGITS {
                return None;
            }
        }
        Some((at, *text.get(at)?, value))
    };
    let (len, after, integer) = take(0)?;
    if after != b'.' {
        return (!class::is(after, NAME)).then_some((Token::Integer(integer), len));
    }
    let (end, after, mantissa) = take(len + 1)?;
    if after == b'.' || class::is(after, NAME) {
        return None;
    }
    Some((Token::Float(mantissa as f64 / POWERS[end - len - 1]), end))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::{Token, simple_number, str_to_number};

    #[test]
    fn simple_numbers_are_what_the_conversion_gives() {
        let mut seed = 1u64;
        let mut seen = 0;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (number, places) = (seed >> 14, (seed >> 8) as usize % 16);
            let digits = format!("{number}");
            let cut = digits.len().saturating_sub(places + (seed as usize & 3));
            let text =
                format!("{}.{}", &digits[..cut.max(1)], &digits[cut.max(1)..][..places.min(digits.len() - cut.max(1))]);
            let Some((token, len)) = simple_number(format!("{text} ").as_bytes()) else { continue };
            seen += 1;
            assert_eq!(len, text.len());
            let Token::Float(n) = token else { panic!("{text}") };
            assert_eq!(
                Some(n.to_bits()),
                str_to_number(text.as_bytes()).and_then(|v| v.as_float()).map(f64::to_bits),
                "{text}"
            );
        }
        assert!(seen > 50_000, "{seen}");
    }

    #[test]
    fn what_is_not_simple_is_left_alone() {
        for text in [
            "12",
            "1.5",
            "1.5.",
            "1e5 ",
            "1.5e5 ",
            "0x1 ",
            "3x ",
            "3_ ",
            "1..2",
            "1234567890123456 ",
            "1.234567890123456 ",
        ] {
            assert!(simple_number(text.as_bytes()).is_none(), "{text}");
        }
        assert!(simple_number(b"123456789012345)") == Some((Token::Integer(123_456_789_012_345), 15)));
        assert!(simple_number(b"0;") == Some((Token::Integer(0), 1)));
        assert!(simple_number(b"3.,") == Some((Token::Float(3.0), 2)));
    }
}
