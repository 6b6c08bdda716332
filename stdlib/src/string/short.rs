//! Short texts that are gathered on the native stack.
//!
//! ST1. The first `len` bytes of a text are initialised.

use core::mem::MaybeUninit;

/// How long such a text may become.
pub(super) const MAX_SHORT: usize = 512;

/// A text of at most [`MAX_SHORT`] bytes.
pub(super) struct ShortText {
    bytes: [MaybeUninit<u8>; MAX_SHORT],
    len: usize,
}

impl ShortText {
    /// The empty text.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { bytes: [const { MaybeUninit::uninit() }; MAX_SHORT], len: 0 }
    }

    /// Appends bytes. `None`, with nothing changed: they do not fit.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes[self.len..].get_mut(..bytes.len())?.write_copy_of_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    /// The bytes.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        // SAFETY: ST1.
        unsafe { self.bytes[..self.len].assume_init_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut text = ShortText::new();
        assert_eq!(text.as_bytes(), b"");
        for i in 0..MAX_SHORT {
            assert!(text.push(&[i as u8]).is_some());
        }
        assert!(text.push(b"").is_some() && text.push(b"x").is_none());
        assert_eq!((text.as_bytes().len(), text.as_bytes()[300]), (MAX_SHORT, 44));
    }
}
