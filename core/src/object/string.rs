//! Strings: a header with hash and length, the bytes, and a closing NUL that is not part of the string.
//!
//! S1. A short string (at most [`MAX_SHORT_LEN`] bytes) is interned: equal bytes, equal address. Its hash is always valid.
//! S2. A long string is not interned; its hash is computed on first use as a table key (`extra` then is 1).
//! S3. The bytes never change once the string can be seen by others.

use core::cell::Cell;

use super::header::{GcHeader, GcObject, GcRef};
use crate::base::bytes::hash_bytes;
use crate::base::limits::MAX_SHORT_LEN;
use crate::value::{Tag, tag};

/// A Lua string: bytes of any value, immutable.
#[doc(alias = "TString")]
#[repr(C)]
pub struct LuaString {
    header: GcHeader,
    /// Short strings: the next string of the bucket. Long strings: the length.
    link: Cell<usize>,
}

const _: () = assert!(size_of::<LuaString>() == 24);

// SAFETY: O1.
unsafe impl GcObject for LuaString {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t & 0xfe == tag::SHORT_STRING
    }
}

impl LuaString {
    /// Where the bytes begin.
    pub const DATA_OFFSET: usize = size_of::<Self>();

    /// The size in bytes of a string object of `len` bytes, the closing NUL included.
    #[doc(alias = "sizelstring")]
    pub const fn size_for(len: usize) -> usize {
        Self::DATA_OFFSET + len + 1
    }

    /// The fixed part of a short string that is not in a bucket yet.
    pub(crate) fn new_short(marked: u8, len: usize, hash: u32) -> Self {
        debug_assert!(len <= MAX_SHORT_LEN);
        let header = GcHeader::new(tag::SHORT_STRING, marked);
        header.small.set(len as u8);
        header.word.set(hash);
        Self { header, link: Cell::new(0) }
    }

    /// The fixed part of a long string.
    pub(crate) fn new_long(marked: u8, len: usize, seed: u32) -> Self {
        let header = GcHeader::new(tag::LONG_STRING, marked);
        header.word.set(seed);
        Self { header, link: Cell::new(len) }
    }

    /// Whether the string is interned.
    #[inline(always)]
    pub fn is_short(&self) -> bool {
        self.header.tag() == tag::SHORT_STRING
    }

    /// The length in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        if self.is_short() { self.header.small.get() as usize } else { self.link.get() }
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the object in bytes.
    pub fn size(&self) -> usize {
        Self::size_for(self.len())
    }

    /// Where the bytes are.
    #[inline(always)]
    pub fn data(&self) -> *mut u8 {
        core::ptr::from_ref(self).cast_mut().cast::<u8>().wrapping_add(Self::DATA_OFFSET)
    }

    /// The bytes.
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes follow the header, and S3.
        unsafe { core::slice::from_raw_parts(self.data(), self.len()) }
    }

    /// The bytes of a string that is known to be short.
    #[inline(always)]
    pub(crate) fn short_bytes(&self) -> &[u8] {
        debug_assert!(self.is_short());
        // SAFETY: as for `as_bytes`.
        unsafe { core::slice::from_raw_parts(self.data(), self.header.small.get() as usize) }
    }

    /// The hash of a short string, or of a long one that was hashed before.
    #[inline(always)]
    pub fn hash_field(&self) -> u32 {
        self.header.word.get()
    }

    /// The hash of any string; computes and keeps it for a long one (S2).
    #[doc(alias = "luaS_hashlongstr")]
    pub fn hash(&self) -> u32 {
        if !self.is_short() && self.header.extra.get() == 0 {
            self.header.word.set(hash_bytes(self.as_bytes(), self.header.word.get()));
            self.header.extra.set(1);
        }
        self.header.word.get()
    }

    /// The number that the lexer gave a reserved word (1 and up), or 0. Meaningful for short strings only.
    pub fn reserved(&self) -> u8 {
        self.header.extra.get()
    }

    /// Marks a short string as a reserved word.
    pub fn set_reserved(&self, number: u8) {
        debug_assert!(self.is_short());
        self.header.extra.set(number);
    }

    /// The next string of the bucket (short strings).
    pub(crate) fn bucket_next(&self) -> *mut LuaString {
        core::ptr::with_exposed_provenance_mut(self.link.get())
    }

    /// Links a short string into a bucket.
    pub(crate) fn set_bucket_next(&self, next: *mut LuaString) {
        self.link.set(next.expose_provenance());
    }
}

impl GcRef<LuaString> {
    /// String equality by content.
    #[doc(alias = "luaS_eqlngstr")]
    pub fn equals(self, other: Self) -> bool {
        self == other || (!self.is_short() && !other.is_short() && self.as_bytes() == other.as_bytes())
    }

    /// The bytes, for as long as the caller keeps the string alive.
    ///
    /// # Safety
    /// The string stays reachable for the collector (on a stack, say) while the slice is used (O2).
    #[inline(always)]
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: by the caller's promise; S3.
        unsafe { core::slice::from_raw_parts(self.data(), self.len()) }
    }
}
