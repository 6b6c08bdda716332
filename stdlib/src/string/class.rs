//! Sets of bytes, and the character classes of the C locale as such (manual §6.4.1, "Character Class").

/// A set of bytes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ByteSet([u32; 8]);

impl ByteSet {
    /// The empty set.
    pub(crate) const EMPTY: Self = Self([0; 8]);

    /// Whether a byte is in the set.
    #[inline(always)]
    pub(crate) const fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize / 32] >> (byte % 32) & 1 != 0
    }

    /// Adds a byte.
    #[inline]
    pub(crate) const fn insert(&mut self, byte: u8) {
        self.0[byte as usize / 32] |= 1 << (byte % 32);
    }

    /// Adds the bytes from `low` to `high`, both included.
    pub(crate) fn insert_range(&mut self, low: u8, high: u8) {
        for byte in low..=high {
            self.insert(byte);
        }
    }

    /// Adds the bytes of another set.
    #[inline]
    pub(crate) fn insert_all(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    /// The bytes that are not in the set.
    #[inline]
    pub(crate) const fn complement(&self) -> Self {
        let mut words = self.0;
        let mut i = 0;
        while i < words.len() {
            words[i] = !words[i];
            i += 1;
        }
        Self(words)
    }
}

/// The letters of the classes.
const LETTERS: &[u8; 11] = b"acdglpsuwxz";

/// Whether a byte is in the class of a letter.
const fn is_in_class(c: u8, letter: u8) -> bool {
    match letter {
        b'a' => c.is_ascii_alphabetic(),
        b'c' => c.is_ascii_control(),
        b'd' => c.is_ascii_digit(),
        b'g' => c.is_ascii_graphic(),
        b'l' => c.is_ascii_lowercase(),
        b'p' => c.is_ascii_punctuation(),
        b's' => c == b' ' || (c >= 9 && c <= 13),
        b'u' => c.is_ascii_uppercase(),
        b'w' => c.is_ascii_alphanumeric(),
        b'x' => c.is_ascii_hexdigit(),
        _ => c == 0,
    }
}

/// The class of each letter, and behind them all their complements.
static CLASSES: [ByteSet; 2 * LETTERS.len()] = {
    let mut sets = [ByteSet::EMPTY; 2 * LETTERS.len()];
    let mut i = 0;
    while i < LETTERS.len() {
        let mut c = 0;
        while c < 128 {
            if is_in_class(c, LETTERS[i]) {
                sets[i].insert(c);
            }
            c += 1;
        }
        sets[LETTERS.len() + i] = sets[i].complement();
        i += 1;
    }
    sets
};

/// Where the class of a letter stands in [`CLASSES`]; a capital stands for the complement. Past the end: it has none.
static INDEX_OF_LETTER: [u8; 256] = {
    let mut indices = [u8::MAX; 256];
    let mut i = 0;
    while i < LETTERS.len() {
        indices[LETTERS[i] as usize] = i as u8;
        indices[LETTERS[i].to_ascii_uppercase() as usize] = (LETTERS.len() + i) as u8;
        i += 1;
    }
    indices
};

/// The class that a letter stands for after the escape character.
#[inline]
pub(crate) fn class_of_letter(letter: u8) -> Option<&'static ByteSet> {
    CLASSES.get(usize::from(INDEX_OF_LETTER[usize::from(letter)]))
}

/// The characters that are magic in a pattern.
pub(crate) static MAGIC: ByteSet = set_of(b"^$*+?.([%-");

/// What `%q` escapes: control characters, quotes and the backslash.
pub(crate) static ESCAPED: ByteSet = {
    let mut set = set_of(b"\"\\\x7f");
    let mut c = 0;
    while c < 32 {
        set.insert(c);
        c += 1;
    }
    set
};

/// The set of some bytes.
const fn set_of(bytes: &[u8]) -> ByteSet {
    let mut set = ByteSet::EMPTY;
    let mut i = 0;
    while i < bytes.len() {
        set.insert(bytes[i]);
        i += 1;
    }
    set
}
