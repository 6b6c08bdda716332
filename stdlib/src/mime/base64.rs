//! Base64: three bytes are four letters.

use perilune_vm::{Buffer, LuaResult, LuaState};

use super::{Atom, Converter, convert};

/// The letters, in the order of what they stand for.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What stands for no byte, at the end.
const PADDING: u8 = b'=';

/// `mime.b64 (C [, D])`
pub(super) fn b64(lua: &mut LuaState) -> LuaResult<usize> {
    convert(lua, Encoder::default())
}

/// `mime.unb64 (C [, D])`
pub(super) fn unb64(lua: &mut LuaState) -> LuaResult<usize> {
    convert(lua, Decoder::default())
}

/// From bytes to letters.
#[derive(Default)]
struct Encoder(Atom);

/// The letters of three bytes.
fn encode([a, b, c]: [u8; 3]) -> [u8; 4] {
    let value = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| LETTERS[(value >> shift) as usize & 63])
}

impl Converter for Encoder {
    fn take(&mut self, lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()> {
        self.0.push(byte);
        if let &[a, b, c] = self.0.as_bytes() {
            self.0.clear();
            buffer.extend(lua, &encode([a, b, c]))?;
        }
        Ok(())
    }

    fn end(&mut self, lua: &mut LuaState, buffer: &mut Buffer) -> LuaResult<()> {
        let mut letters = match *self.0.as_bytes() {
            [a] => encode([a, 0, 0]),
            [a, b] => encode([a, b, 0]),
            _ => return Ok(()),
        };
        letters[self.0.as_bytes().len() + 1..].fill(PADDING);
        buffer.extend(lua, &letters)
    }

    fn rest(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// From letters to bytes. What is no letter is passed over.
#[derive(Default)]
struct Decoder(Atom);

/// What a letter stands for. Padding stands for zeros, which are cut off.
fn value_of(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        PADDING => 0,
        _ => return None,
    };
    Some(value.into())
}

impl Converter for Decoder {
    fn take(&mut self, lua: &mut LuaState, buffer: &mut Buffer, byte: u8) -> LuaResult<()> {
        if value_of(byte).is_none() {
            return Ok(());
        }
        self.0.push(byte);
        let &[_, _, third, fourth] = self.0.as_bytes() else { return Ok(()) };
        let value = self.0.as_bytes().iter().fold(0, |value, &letter| value << 6 | value_of(letter).unwrap_or(0));
        self.0.clear();
        let valid = match (third, fourth) {
            (PADDING, _) => 1,
            (_, PADDING) => 2,
            _ => 3,
        };
        buffer.extend(lua, &value.to_be_bytes()[1..=valid])
    }

    fn end(&mut self, _: &mut LuaState, _: &mut Buffer) -> LuaResult<()> {
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
