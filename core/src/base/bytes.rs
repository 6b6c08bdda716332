//! Runs of bytes that are mostly short: hashing, comparing and copying them word by word, without calls.

/// 2^64 divided by the golden ratio, to the nearest odd number.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of the product, so that every bit of the word bears on the low bits of the result.
#[inline(always)]
fn mix(h: u64, word: u64) -> u64 {
    let product = u128::from(h ^ word) * u128::from(MULTIPLIER);
    product as u64 ^ (product >> 64) as u64
}

/// The last eight bytes as a word; of fewer than eight, all of them. Together with the length it tells them apart.
#[inline(always)]
fn last_word(bytes: &[u8]) -> u64 {
    if let Some(last) = bytes.last_chunk() {
        return u64::from_le_bytes(*last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    match bytes {
        [] => 0,
        [one] => u64::from(*one),
        [first, .., last] => u64::from(*first) | u64::from(bytes[1]) << 8 | u64::from(*last) << 16,
    }
}

/// The seeded hash of all bytes. Whoever does not know the seed cannot tell which strings collide.
#[doc(alias = "luaS_hash")]
#[inline(always)]
pub fn hash_bytes(bytes: &[u8], seed: u32) -> u32 {
    let mut h = (u64::from(seed) ^ bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk()
        && !after.is_empty()
    {
        h = mix(h, u64::from_le_bytes(*word));
        rest = after;
    }
    mix(h, last_word(bytes)) as u32
}

/// Whether both are the same bytes.
#[inline(always)]
pub fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (mut rest, mut other) = (a, b);
    while let (Some((x, after)), Some((y, other_after))) = (rest.split_first_chunk(), other.split_first_chunk())
        && !after.is_empty()
    {
        if u64::from_le_bytes(*x) != u64::from_le_bytes(*y) {
            return false;
        }
        (rest, other) = (after, other_after);
    }
    last_word(a) == last_word(b)
}

/// Copies bytes to a place that does not overlap them.
///
/// # Safety
/// `dest` is valid for writing as many bytes.
#[inline(always)]
pub unsafe fn copy_bytes(bytes: &[u8], dest: *mut u8) {
    /// Both ends of the run, of `N` bytes each; they overlap, or touch.
    #[inline(always)]
    unsafe fn ends<const N: usize>(from: *const u8, dest: *mut u8, len: usize) {
        // SAFETY: the caller saw that the run has between `N` and twice `N` bytes.
        unsafe {
            let (first, last) = (from.cast::<[u8; N]>().read(), from.add(len - N).cast::<[u8; N]>().read());
            dest.cast::<[u8; N]>().write(first);
            dest.add(len - N).cast::<[u8; N]>().write(last);
        }
    }
    let (from, len) = (bytes.as_ptr(), bytes.len());
    // SAFETY: the caller's promise.
    unsafe {
        match len {
            0 => {}
            1 => dest.write(*from),
            2..4 => ends::<2>(from, dest, len),
            4..8 => ends::<4>(from, dest, len),
            8..16 => ends::<8>(from, dest, len),
            16..=32 => ends::<16>(from, dest, len),
            _ => dest.copy_from_nonoverlapping(from, len),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::HashSet;
    use std::vec::Vec;

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 7 + 1) as u8).collect()
    }

    #[test]
    fn every_byte_counts() {
        for len in 0..70 {
            let bytes = text(len);
            assert!(same_bytes(&bytes, &bytes.clone()));
            assert!(!same_bytes(&bytes, &text(len + 1)));
            assert_ne!(hash_bytes(&bytes, 1), hash_bytes(&text(len + 1), 1));
            assert_ne!(hash_bytes(&bytes, 1), hash_bytes(&bytes, 2));
            for i in 0..len {
                let mut other = bytes.clone();
                other[i] ^= 1;
                assert!(!same_bytes(&bytes, &other), "{len} {i}");
                assert_ne!(hash_bytes(&bytes, 1), hash_bytes(&other, 1), "{len} {i}");
            }
        }
    }

    #[test]
    fn low_bits_of_hashes_are_spread() {
        for prefix in ["", "x", "key", "a long prefix of a name "] {
            let used: HashSet<u32> =
                (0..4096).map(|i| hash_bytes(std::format!("{prefix}{i}").as_bytes(), 7) & 4095).collect();
            // Of 4096 random places, 63 % are expected to be in use.
            assert!(used.len() > 2400, "{prefix}: {}", used.len());
        }
    }

    #[test]
    fn runs_of_any_length_are_copied() {
        for len in 0..70 {
            let bytes = text(len);
            let mut copy = std::vec![0xee; len + 1];
            // SAFETY: there is room.
            unsafe { copy_bytes(&bytes, copy.as_mut_ptr()) };
            assert_eq!(copy[..len], bytes);
            assert_eq!(copy[len], 0xee);
        }
    }
}
