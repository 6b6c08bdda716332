//! Making strings, and the table of interned ones: buckets of chained strings, their number a power of two.

use crate::base::alloc::AllocKind;
use crate::base::bytes::{copy_bytes, hash_bytes, same_bytes};
use crate::base::error::{AllocResult, OutOfMemory};
use crate::base::limits::{MAX_SHORT_LEN, MAX_SIZE};
use crate::gc::Heap;
use crate::object::{GcObject, GcRef, LuaString};

impl Heap {
    /// A string with the given bytes. Short ones are interned.
    ///
    /// `bytes` must not lie in a block that a collection may free or move.
    #[doc(alias = "luaS_newlstr")]
    pub fn new_string(&mut self, bytes: &[u8]) -> AllocResult<GcRef<LuaString>> {
        if bytes.len() <= MAX_SHORT_LEN {
            return self.intern(bytes);
        }
        let string = self.new_long_string(bytes.len())?;
        // SAFETY: the string has as many bytes, and nobody else sees it yet (S3).
        unsafe { string.data().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(string)
    }

    /// A string of more than 40 bytes, which the caller fills through `data()` before anybody else sees it. Until then
    /// they are uninitialised; the closing NUL is there.
    #[doc(alias = "luaS_createlngstrobj")]
    pub fn new_long_string(&mut self, len: usize) -> AllocResult<GcRef<LuaString>> {
        debug_assert!(len > MAX_SHORT_LEN);
        if len >= MAX_SIZE - LuaString::DATA_OFFSET {
            return Err(OutOfMemory);
        }
        let block = self.allocate(AllocKind::String, LuaString::size_for(len))?;
        let place = block.cast::<LuaString>();
        // SAFETY: the block is new and large enough.
        unsafe {
            place.write(LuaString::new_long(self.current_white, len, self.seed));
            block.add(LuaString::DATA_OFFSET + len).write(0);
            self.link(place.cast());
            Ok(GcRef::from_ptr(place))
        }
    }

    /// The one short string with the given bytes.
    #[doc(alias = "internshrstr")]
    fn intern(&mut self, bytes: &[u8]) -> AllocResult<GcRef<LuaString>> {
        let hash = hash_bytes(bytes, self.seed);
        if let Some(found) = self.find_short_string(bytes, hash) {
            return Ok(found);
        }
        if self.short_strings >= self.bucket_count && self.bucket_count <= usize::MAX / 2 {
            // If there is no memory for more buckets, longer chains will do.
            let _ = self.resize_strings(self.bucket_count * 2);
        }
        let block = self.allocate(AllocKind::String, LuaString::size_for(bytes.len()))?;
        let place = block.cast::<LuaString>();
        // SAFETY: the block is new and large enough; the bucket is looked up only now, since a collection may have
        // changed it.
        unsafe {
            place.write(LuaString::new_short(self.current_white, bytes.len(), hash));
            let data = block.add(LuaString::DATA_OFFSET);
            copy_bytes(bytes, data);
            data.add(bytes.len()).write(0);
            self.link(place.cast());
            let string = GcRef::from_ptr(place);
            let bucket = self.bucket(hash);
            string.set_bucket_next(*bucket);
            *bucket = place;
            self.short_strings += 1;
            Ok(string)
        }
    }

    /// The place of the bucket for a hash. There are buckets.
    fn bucket(&self, hash: u32) -> *mut *mut LuaString {
        self.buckets.wrapping_add(hash as usize & (self.bucket_count - 1))
    }

    /// Finds an interned string. One that was about to be swept comes back to life.
    fn find_short_string(&self, bytes: &[u8], hash: u32) -> Option<GcRef<LuaString>> {
        if self.bucket_count == 0 {
            return None;
        }
        // SAFETY: the buckets hold strings that have not been freed.
        unsafe {
            let mut next = *self.bucket(hash);
            while !next.is_null() {
                let string = GcRef::from_ptr(next);
                if string.hash_field() == hash && same_bytes(string.short_bytes(), bytes) {
                    if self.is_dead(string.header()) {
                        self.revive(string.header());
                    }
                    return Some(string);
                }
                next = string.bucket_next();
            }
        }
        None
    }

    /// Takes a short string out of its bucket, before it is freed.
    ///
    /// # Safety
    /// The string is interned.
    #[doc(alias = "luaS_remove")]
    pub(crate) unsafe fn remove_short_string(&mut self, string: GcRef<LuaString>) {
        if self.bucket_count == 0 {
            return;
        }
        let first = self.bucket(string.hash_field());
        // SAFETY: the string is in that bucket, whose strings have not been freed.
        unsafe {
            if *first == string.as_ptr() {
                *first = string.bucket_next();
            } else {
                let mut before = GcRef::from_ptr(*first);
                while before.bucket_next() != string.as_ptr() {
                    before = GcRef::from_ptr(before.bucket_next());
                }
                before.set_bucket_next(string.bucket_next());
            }
        }
        self.short_strings -= 1;
    }

    /// Changes the number of buckets to `count`, a power of two. After an error nothing has changed.
    #[doc(alias = "luaS_resize")]
    pub(crate) fn resize_strings(&mut self, count: usize) -> AllocResult<()> {
        debug_assert!(count.is_power_of_two());
        let old = self.bucket_count;
        // SAFETY: the block has `old` buckets; entries past the smaller count are null or moved before they go.
        unsafe {
            if count < old {
                self.redistribute(old, count);
            }
            match self.resize_array(self.buckets, old, count) {
                Ok(block) => self.buckets = block,
                Err(error) => {
                    if count < old {
                        self.redistribute(count, old);
                    }
                    return Err(error);
                }
            }
            self.bucket_count = count;
            if count > old {
                for i in old..count {
                    self.buckets.add(i).write(core::ptr::null_mut());
                }
                self.redistribute(old, count);
            }
        }
        Ok(())
    }

    /// Moves the strings of the first `from` buckets to where they belong when there are `to`.
    ///
    /// # Safety
    /// The block has room for the larger of both numbers, and buckets from `from` up are null.
    unsafe fn redistribute(&mut self, from: usize, to: usize) {
        for i in 0..from {
            // SAFETY: the caller's promise.
            unsafe {
                let mut next = self.buckets.add(i).replace(core::ptr::null_mut());
                while !next.is_null() {
                    let string = GcRef::from_ptr(next);
                    next = string.bucket_next();
                    let bucket = self.buckets.add(string.hash_field() as usize & (to - 1));
                    string.set_bucket_next(*bucket);
                    *bucket = string.as_ptr();
                }
            }
        }
    }
}
