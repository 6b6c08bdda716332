//! Making strings, and the table of interned ones: buckets of chained strings, by linear hashing.
//!
//! The number of buckets grows and shrinks by single ones, so that no string has to wait until all others have found their new
//! places. There is room for a power of two of them; at least half of them are in use. A hash is taken modulo that power, and
//! modulo its half if that bucket is not in use yet: the bucket that is added at the end gets its strings from the one that lies half
//! the room before it.

use crate::base::alloc::AllocKind;
use crate::base::bytes::{copy_bytes, hash_bytes, same_bytes};
use crate::base::error::{AllocResult, OutOfMemory};
use crate::base::limits::{MAX_SHORT_LEN, MAX_SIZE};
use crate::gc::{Heap, prefetch};
use crate::object::{GcObject, GcRef, LuaString};

/// How many buckets before its turn the first string of one is prefetched.
const AHEAD: usize = 4;

/// How many buckets the string table begins with, and always has.
const FIRST_BUCKETS: usize = 128;

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

    /// A string with these bytes. If the allocator fails there is no emergency collection: what is reachable from no root stays.
    #[inline]
    pub fn new_string_at_hand(&mut self, bytes: &[u8]) -> AllocResult<GcRef<LuaString>> {
        let before = core::mem::replace(&mut self.emergency, true);
        let string = self.new_string(bytes);
        self.emergency = before;
        string
    }

    /// A string of more than 40 bytes to be filled, in the same way.
    #[inline]
    pub fn new_long_string_at_hand(&mut self, len: usize) -> AllocResult<GcRef<LuaString>> {
        let before = core::mem::replace(&mut self.emergency, true);
        let string = self.new_long_string(len);
        self.emergency = before;
        string
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
        if self.short_strings >= self.bucket_count {
            self.add_buckets();
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
    #[inline(always)]
    fn bucket(&self, hash: u32) -> *mut *mut LuaString {
        self.buckets.wrapping_add(self.bucket_index(hash))
    }

    /// The number of the bucket for a hash. There are buckets.
    #[inline(always)]
    pub(crate) fn bucket_index(&self, hash: u32) -> usize {
        let index = hash as usize & (self.bucket_room - 1);
        if index < self.bucket_count { index } else { index - self.bucket_room / 2 }
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

    /// Makes the first buckets.
    pub(super) fn make_buckets(&mut self) -> AllocResult<()> {
        // SAFETY: there is no old block; all buckets are written.
        unsafe {
            self.buckets = self.resize_array(core::ptr::null_mut(), 0, FIRST_BUCKETS)?;
            for i in 0..FIRST_BUCKETS {
                self.buckets.add(i).write(core::ptr::null_mut());
            }
        }
        self.bucket_count = FIRST_BUCKETS;
        self.bucket_room = FIRST_BUCKETS;
        Ok(())
    }

    /// Adds two buckets, so that their number keeps ahead of that of strings. If there is no memory for them, longer chains will do.
    #[inline(never)]
    fn add_buckets(&mut self) {
        if self.bucket_count == self.bucket_room {
            let Some(room) = self.bucket_room.checked_mul(2) else { return };
            // SAFETY: the block has `bucket_room` buckets. (An emergency collection takes none out of use.)
            let Ok(buckets) = (unsafe { self.resize_array(self.buckets, self.bucket_room, room) }) else { return };
            self.buckets = buckets;
            self.bucket_room = room;
        }
        for _ in 0..2 {
            if self.bucket_count < self.bucket_room {
                // SAFETY: there is room for one more.
                unsafe { self.add_bucket() };
            }
        }
    }

    /// Takes the next bucket into use, and moves those strings to it that belong there.
    ///
    /// # Safety
    /// There is room for it.
    unsafe fn add_bucket(&mut self) {
        let half = self.bucket_room / 2;
        let new = self.bucket_count;
        // SAFETY: both lie in the block, and the old one is in use; the strings in it have not been freed.
        unsafe {
            let old = self.buckets.add(new - half);
            // The strings of a bucket that comes soon are in the cache then.
            if new - half + AHEAD < half {
                prefetch(*old.add(AHEAD));
            }
            let mut next = old.replace(core::ptr::null_mut());
            let mut moved = core::ptr::null_mut();
            while !next.is_null() {
                let string = GcRef::from_ptr(next);
                next = string.bucket_next();
                let chain = if string.hash_field() as usize & half == 0 { &mut *old } else { &mut moved };
                string.set_bucket_next(*chain);
                *chain = string.as_ptr();
            }
            self.buckets.add(new).write(moved);
        }
        self.bucket_count = new + 1;
    }

    /// Takes up to `count` buckets out of use, as long as there are many more than strings. Returns how many.
    #[doc(alias = "checkSizes")]
    pub(crate) fn remove_buckets(&mut self, count: usize) -> usize {
        let mut removed = 0;
        while removed < count && self.bucket_count > FIRST_BUCKETS && self.short_strings < self.bucket_count / 4 {
            let half = self.bucket_room / 2;
            if self.bucket_count == half {
                // SAFETY: the block has `bucket_room` buckets, and the upper half is not in use. A block that cannot shrink, against
                // the contract, stays as it is.
                let Ok(buckets) = (unsafe { self.resize_array(self.buckets, self.bucket_room, half) }) else { break };
                self.buckets = buckets;
                self.bucket_room = half;
                continue;
            }
            self.bucket_count -= 1;
            // SAFETY: both buckets lie in the block and were in use; the strings in them have not been freed.
            unsafe {
                let chain = self.buckets.add(self.bucket_count - half);
                let mut next = *self.buckets.add(self.bucket_count);
                while !next.is_null() {
                    let string = GcRef::from_ptr(next);
                    next = string.bucket_next();
                    string.set_bucket_next(*chain);
                    *chain = string.as_ptr();
                }
            }
            removed += 1;
        }
        removed
    }
}
