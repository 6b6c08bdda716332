//! Plain search in byte slices: one byte, or a whole string.

/// How many bytes are compared at once; the comparison of such a chunk becomes vector instructions.
const CHUNK: usize = 32;

/// The index of the first `byte` in `haystack`.
///
/// ```
/// assert_eq!(perilune_stdlib::string::search::find_byte(b"abc", b'c'), Some(2));
/// ```
pub fn find_byte(haystack: &[u8], byte: u8) -> Option<usize> {
    let (chunks, rest) = haystack.as_chunks::<CHUNK>();
    for (i, chunk) in chunks.iter().enumerate() {
        let found = chunk.iter().fold(false, |found, &b| found | (b == byte));
        if found {
            return chunk.iter().position(|&b| b == byte).map(|at| i * CHUNK + at);
        }
    }
    let at = rest.iter().position(|&b| b == byte)?;
    Some(chunks.len() * CHUNK + at)
}

/// The index of the first occurrence of `needle` in `haystack`; the empty string is found at once.
///
/// ```
/// assert_eq!(perilune_stdlib::string::search::find_bytes(b"hello", b"lo"), Some(3));
/// ```
pub fn find_bytes(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((&first, tail)) = needle.split_first() else { return Some(0) };
    // The needle cannot start in the last `tail.len()` bytes.
    let starts = haystack.len().checked_sub(tail.len())?;
    let mut from = 0;
    loop {
        let at = from + find_byte(haystack.get(from..starts)?, first)?;
        if haystack.get(at + 1..at + 1 + tail.len()) == Some(tail) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn bytes_are_found_at_every_distance() {
        for len in 0..100 {
            let mut text: Vec<u8> = std::vec![b'x'; len];
            assert_eq!(find_byte(&text, b'y'), None);
            for at in (0..len).rev() {
                text[at] = b'y';
                assert_eq!(find_byte(&text, b'y'), Some(at));
            }
        }
    }

    #[test]
    fn strings_are_found() {
        assert_eq!(find_bytes(b"", b""), Some(0));
        assert_eq!(find_bytes(b"", b"a"), None);
        assert_eq!(find_bytes(b"aab", b"ab"), Some(1));
        assert_eq!(find_bytes(b"aaa", b"aaaa"), None);
        assert_eq!(find_bytes(b"abcabd", b"abd"), Some(3));
        assert_eq!(find_bytes(b"a\0b\0c", b"\0c"), Some(3));
    }
}
