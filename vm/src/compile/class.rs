//! Classes of bytes, by table: what the scanner asks of every byte.

/// Letters, digits and the underscore: what names are made of.
pub(super) const NAME: u8 = 1;
/// White space, but for line ends.
pub(super) const BLANK: u8 = 2;
/// Line ends.
pub(super) const LINE_END: u8 = 4;

/// The classes of each byte.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => NAME,
            b' ' | b'\t' | 0x0b | 0x0c => BLANK,
            b'\n' | b'\r' => LINE_END,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Whether a byte is of one of the classes.
#[inline(always)]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[byte as usize] & classes != 0
}
