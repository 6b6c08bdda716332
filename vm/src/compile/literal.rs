//! The scanner's part that reads string literals and long brackets (manual §3.1).

use super::lexer::{Lexer, Near};
use super::token::Token;
use crate::error::{LuaResult, Thrown};

/// The largest Unicode code point that an escape may name.
const MAX_CODE_POINT: u32 = 0x10_ffff;

/// Long brackets.
impl Lexer<'_, '_> {
    /// Reads `[=*[` or `]=*]` but for the last bracket. Returns the number of `=` plus 2 if it is well formed, otherwise
    /// 1 if there is no `=` and 0 if there is.
    #[doc(alias = "skip_sep")]
    pub(super) fn read_long_bracket(&mut self) -> LuaResult<usize> {
        let bracket = self.current;
        let mut count = 0;
        self.save_and_advance()?;
        while self.current == Some(b'=') {
            self.save_and_advance()?;
            count += 1;
        }
        Ok(match count {
            _ if self.current == bracket => count + 2,
            0 => 1,
            _ => 0,
        })
    }

    /// Reads a long string, whose opening bracket but for its last byte is in the buffer.
    #[doc(alias = "read_long_string")]
    pub(super) fn scan_long_string(&mut self, level: usize) -> LuaResult<()> {
        let start = self.line;
        self.save_and_advance()?;
        if self.at_line_end() {
            self.skip_line_end()?;
        }
        loop {
            match self.current {
                None => return Err(self.unfinished("string", start)),
                Some(b']') => {
                    if self.read_long_bracket()? == level {
                        self.save_and_advance()?;
                        break;
                    }
                }
                Some(b'\n' | b'\r') => {
                    self.save(b'\n')?;
                    self.skip_line_end()?;
                }
                Some(_) => self.save_run(|byte| matches!(byte, b']' | b'\n' | b'\r'))?,
            }
        }
        let end = self.buffer.len() - level;
        let string = self.buffer_string(level, end)?;
        self.found(Token::String(string))
    }

    /// Skips a long comment; the buffer is used for its brackets alone.
    pub(super) fn skip_long_comment(&mut self, level: usize) -> LuaResult<()> {
        let start = self.line;
        self.advance()?;
        loop {
            match self.current {
                None => return Err(self.unfinished("comment", start)),
                Some(b']') => {
                    self.buffer.truncate(0);
                    if self.read_long_bracket()? == level {
                        return self.advance();
                    }
                }
                Some(b'\n' | b'\r') => self.skip_line_end()?,
                Some(_) => self.skip(self.run(|byte| matches!(byte, b']' | b'\n' | b'\r')))?,
            }
        }
    }

    #[cold]
    fn unfinished(&mut self, what: &str, start: i32) -> Thrown {
        self.error(format_args!("unfinished long {what} (starting at line {start})"), Near::Token(Token::Eof))
    }
}

/// Quoted strings.
impl Lexer<'_, '_> {
    /// Reads a quoted string. While it is read the buffer holds it with its opening quote, for messages.
    #[doc(alias = "read_string")]
    pub(super) fn scan_string(&mut self, quote: u8) -> LuaResult<()> {
        const UNFINISHED: &str = "unfinished string";
        self.save_and_advance()?;
        loop {
            match self.current {
                Some(byte) if byte == quote => break,
                None => return Err(self.error(format_args!("{UNFINISHED}"), Near::Token(Token::Eof))),
                Some(b'\n' | b'\r') => return Err(self.error(format_args!("{UNFINISHED}"), Near::Buffer)),
                Some(b'\\') => self.read_escape()?,
                Some(_) => self.save_run(|byte| byte == quote || matches!(byte, b'\\' | b'\n' | b'\r'))?,
            }
        }
        self.save_and_advance()?;
        let end = self.buffer.len() - 1;
        let string = self.buffer_string(1, end)?;
        self.found(Token::String(string))
    }

    /// Reads an escape sequence. Its own text stands in the buffer until it is complete, for messages.
    fn read_escape(&mut self) -> LuaResult<()> {
        self.save_and_advance()?;
        let Some(byte) = self.current else { return Ok(()) };
        let meaning = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' | b'\'' => byte,
            b'x' => self.read_hex_escape()?,
            b'u' => return self.read_utf8_escape(),
            b'z' => return self.skip_spaces(),
            b'\n' | b'\r' => {
                self.skip_line_end()?;
                self.unsave(1);
                return self.save(b'\n');
            }
            _ => {
                self.check_escape(byte.is_ascii_digit(), "invalid escape sequence")?;
                let meaning = self.read_decimal_escape()?;
                self.unsave(1);
                return self.save(meaning);
            }
        };
        self.advance()?;
        self.unsave(1);
        self.save(meaning)
    }

    /// `\z`: skips white space, line ends included.
    fn skip_spaces(&mut self) -> LuaResult<()> {
        self.unsave(1);
        self.advance()?;
        while let Some(b' ' | b'\t'..=b'\r') = self.current {
            if self.at_line_end() {
                self.skip_line_end()?;
            } else {
                self.advance()?;
            }
        }
        Ok(())
    }

    /// Raises an error in an escape sequence unless `ok`; the message shows the string up to the current byte.
    #[doc(alias = "esccheck")]
    fn check_escape(&mut self, ok: bool, message: &str) -> LuaResult<()> {
        if ok {
            return Ok(());
        }
        self.save_and_advance()?;
        Err(self.error(format_args!("{message}"), Near::Buffer))
    }

    /// Saves the current byte and gives the value of the next one, which is to be a hexadecimal digit.
    fn next_hex_digit(&mut self) -> LuaResult<u32> {
        self.save_and_advance()?;
        match self.hex_digit() {
            Some(digit) => Ok(digit),
            None => self.check_escape(false, "hexadecimal digit expected").map(|()| 0),
        }
    }

    fn hex_digit(&self) -> Option<u32> {
        self.current.and_then(|byte| (byte as char).to_digit(16))
    }

    /// `\xXX`; leaves its last digit as the current byte.
    fn read_hex_escape(&mut self) -> LuaResult<u8> {
        let high = self.next_hex_digit()?;
        let low = self.next_hex_digit()?;
        self.unsave(2);
        Ok((high << 4 | low) as u8)
    }

    /// `\ddd`: up to three decimal digits.
    fn read_decimal_escape(&mut self) -> LuaResult<u8> {
        let mut value = 0;
        let mut count = 0;
        while count < 3
            && let Some(digit @ b'0'..=b'9') = self.current
        {
            value = 10 * value + (digit - b'0') as u32;
            self.save_and_advance()?;
            count += 1;
        }
        self.check_escape(value <= u8::MAX as u32, "decimal escape too large")?;
        self.unsave(count);
        Ok(value as u8)
    }

    /// `\u{XXX}`: appends the code point in UTF-8.
    fn read_utf8_escape(&mut self) -> LuaResult<()> {
        // What the buffer holds of the escape in the end: backslash, `u`, `{` and the digits.
        let mut saved = 4;
        self.save_and_advance()?;
        self.check_escape(self.current == Some(b'{'), "missing '{'")?;
        let mut code = self.next_hex_digit()?;
        loop {
            self.save_and_advance()?;
            let Some(digit) = self.hex_digit() else { break };
            saved += 1;
            code = code << 4 | digit;
            self.check_escape(code <= MAX_CODE_POINT, "UTF-8 value too large")?;
        }
        self.check_escape(self.current == Some(b'}'), "missing '}'")?;
        self.advance()?;
        self.unsave(saved);
        let (bytes, len) = encode_utf8(code);
        for &byte in &bytes[..len] {
            self.save(byte)?;
        }
        Ok(())
    }
}

/// The UTF-8 sequence of a code point, surrogates included.
#[doc(alias = "luaO_utf8esc")]
fn encode_utf8(code: u32) -> ([u8; 4], usize) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..=0x7f => ([code as u8, 0, 0, 0], 1),
        0x80..=0x7ff => ([0xc0 | (code >> 6) as u8, tail(0), 0, 0], 2),
        0x800..=0xffff => ([0xe0 | (code >> 12) as u8, tail(6), tail(0), 0], 3),
        _ => ([0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)], 4),
    }
}

#[cfg(test)]
mod tests {
    use super::encode_utf8;

    #[test]
    fn utf8() {
        assert_eq!(encode_utf8(0x41), ([0x41, 0, 0, 0], 1));
        assert_eq!(encode_utf8(0xe4), ([0xc3, 0xa4, 0, 0], 2));
        assert_eq!(encode_utf8(0xd800), ([0xed, 0xa0, 0x80, 0], 3));
        assert_eq!(encode_utf8(0x10_ffff), ([0xf4, 0x8f, 0xbf, 0xbf], 4));
    }
}
