//! Numbers that look random and follow from a seed, or from bytes.

/// A generator of numbers: those that bytes stand for, and then such as follow from a seed (splitmix64), so that the same always gives the
/// same input.
pub(crate) struct Random {
    state: u64,
    /// The bytes that are left, the next one last; none if it began with a seed.
    bytes: Option<Vec<u8>>,
}

impl Random {
    /// The generator of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed, bytes: None }
    }

    /// The generator of some bytes; the first ones are also the seed.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let state = bytes.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte));
        Self { state, bytes: Some(bytes.iter().rev().copied().collect()) }
    }

    /// Whether it had bytes and has none any more: what is made of it should come to its end.
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes.as_ref().is_some_and(Vec::is_empty)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let number = match self.bytes.as_mut().filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => {
                let count = if n <= 1 << 8 { 1 } else { 4 };
                (0..count).filter_map(|_| bytes.pop()).fold(0, |number, byte| number << 8 | usize::from(byte))
            }
            None => (self.bits() >> 33) as usize,
        };
        number % n.max(1)
    }

    /// True once in `n` times.
    pub(crate) fn chance(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// An element.
    pub(crate) fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend(self.bits().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}
