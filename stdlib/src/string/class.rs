//! Character classes of the C locale, as bits, so that a class is one table look-up (manual §6.4.1, "Character Class").

/// Letters.
pub(crate) const ALPHA: u16 = 1;
/// Decimal digits.
pub(crate) const DIGIT: u16 = 1 << 1;
/// Lower-case letters.
pub(crate) const LOWER: u16 = 1 << 2;
/// Upper-case letters.
pub(crate) const UPPER: u16 = 1 << 3;
/// Punctuation.
pub(crate) const PUNCT: u16 = 1 << 4;
/// White space.
pub(crate) const SPACE: u16 = 1 << 5;
/// Control characters.
pub(crate) const CNTRL: u16 = 1 << 6;
/// Hexadecimal digits.
pub(crate) const XDIGIT: u16 = 1 << 7;
/// The byte zero.
pub(crate) const ZERO: u16 = 1 << 8;
/// The characters that are magic in a pattern.
pub(crate) const MAGIC: u16 = 1 << 9;

/// The classes of each byte.
static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 128 {
        let c = i as u8;
        let mut bits = 0;
        if c.is_ascii_alphabetic() {
            bits |= ALPHA;
        }
        if c.is_ascii_digit() {
            bits |= DIGIT;
        }
        if c.is_ascii_lowercase() {
            bits |= LOWER;
        }
        if c.is_ascii_uppercase() {
            bits |= UPPER;
        }
        if c.is_ascii_punctuation() {
            bits |= PUNCT;
        }
        if c == b' ' || (c >= 9 && c <= 13) {
            bits |= SPACE;
        }
        if c.is_ascii_control() {
            bits |= CNTRL;
        }
        if c.is_ascii_hexdigit() {
            bits |= XDIGIT;
        }
        if c == 0 {
            bits |= ZERO;
        }
        if matches!(c, b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-') {
            bits |= MAGIC;
        }
        table[i] = bits;
        i += 1;
    }
    table
}

/// Whether a byte is in one of the classes of `mask`.
#[inline(always)]
pub(crate) fn is(byte: u8, mask: u16) -> bool {
    CLASSES[usize::from(byte)] & mask != 0
}

/// The classes that the lower-case letter of a `%x` item stands for; 0 if it is no class.
#[inline]
pub(crate) const fn mask_of_letter(lower: u8) -> u16 {
    match lower {
        b'a' => ALPHA,
        b'c' => CNTRL,
        b'd' => DIGIT,
        b'g' => ALPHA | DIGIT | PUNCT,
        b'l' => LOWER,
        b'p' => PUNCT,
        b's' => SPACE,
        b'u' => UPPER,
        b'w' => ALPHA | DIGIT,
        b'x' => XDIGIT,
        b'z' => ZERO,
        _ => 0,
    }
}
