//! Channels: looking them up, sending and receiving.
//!
//! The names are spread over shards, each under a lock of its own. Under it a name is looked up, and the fields of the channel's
//! record are changed: a few words. Nobody waits, copies a message or allocates meanwhile. So nothing that happens in one channel,
//! however long it takes, delays another.

use core::ops::{Deref, DerefMut};
use core::ptr::null_mut;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use perilune_vm::OutOfMemory;

use super::memory::SharedMemory;
use super::record::{Block, Entry, Receiver, Record, State};
use super::wait::{Deadline, Ended, Wait, Wakeup};

/// How many locks the channels are under.
const SHARDS: usize = 256;

/// A list of records.
struct Shard(*mut Record);

// SAFETY: LP1: what the shard leads to is used only under its lock.
unsafe impl Send for Shard {}

/// All channels of a group.
pub(super) struct Channels {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    memory: Arc<SharedMemory>,
}

/// How a send ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    /// The message has arrived, or lies in the channel.
    Done,
    /// Nobody took the message in time; it is still the sender's.
    TimedOut,
    /// The sender is to stop; the message is still its own.
    Stopped,
}

/// How a receive ended that did not fail.
pub(super) enum Received<'c> {
    Message(Claim<'c>),
    /// No message came in time.
    TimedOut,
    /// The receiver is to stop.
    Stopped,
}

/// A use of a channel, which keeps its record (LP2).
struct Channel<'c> {
    channels: &'c Channels,
    shard: &'c Mutex<Shard>,
    record: *mut Record,
}

/// The record of a channel, under the lock.
struct Locked<'c> {
    shard: MutexGuard<'c, Shard>,
    record: *mut Record,
}

impl Deref for Locked<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        // SAFETY: LP1, LP2: the record is in use, and the lock is held.
        unsafe { &*self.record }
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Record {
        // SAFETY: as above.
        unsafe { &mut *self.record }
    }
}

/// The size of a record with a name.
const fn record_size(name_len: usize) -> Option<usize> {
    size_of::<Record>().checked_add(name_len)
}

/// The name of a record.
///
/// # Safety
/// The record is live while the slice is used.
unsafe fn name_of<'a>(record: *const Record) -> &'a [u8] {
    // SAFETY: the name follows the record in its block, and neither it nor its length changes.
    unsafe { core::slice::from_raw_parts(record.add(1).cast(), (*record).name_len) }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing that is done under the lock panics.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    /// The record of a name, or null.
    fn find(&self, hash: u64, name: &[u8]) -> *mut Record {
        let mut record = self.0;
        // SAFETY: LP1, LP2: the records in the list are live.
        unsafe {
            while !record.is_null() && ((*record).hash != hash || name_of(record) != name) {
                record = (*record).next;
            }
        }
        record
    }

    /// Takes a record out of the list, which it is in.
    fn remove(&mut self, record: *mut Record) {
        // SAFETY: LP1, LP2.
        unsafe {
            let mut place = &raw mut self.0;
            while *place != record {
                place = &raw mut (**place).next;
            }
            *place = (*record).next;
        }
    }
}

impl Channels {
    pub(super) fn new(memory: Arc<SharedMemory>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard(null_mut()))).collect();
        Self { shards, hasher: RandomState::new(), memory }
    }

    /// The memory that is nobody's: what channels hold, and what is left of processes that have ended.
    pub(super) fn memory(&self) -> &Arc<SharedMemory> {
        &self.memory
    }

    fn place_of(&self, name: &[u8]) -> (u64, &Mutex<Shard>) {
        let hash = self.hasher.hash_one(name);
        (hash, &self.shards[hash as usize % SHARDS])
    }

    /// Begins to use the channel of a name, if there is one.
    fn find(&self, name: &[u8]) -> Option<(Channel<'_>, Locked<'_>)> {
        let (hash, shard) = self.place_of(name);
        let guard = lock(shard);
        let record = guard.find(hash, name);
        (!record.is_null()).then(|| self.begin(shard, guard, record))
    }

    fn begin<'c>(
        &'c self,
        shard: &'c Mutex<Shard>,
        guard: MutexGuard<'c, Shard>,
        record: *mut Record,
    ) -> (Channel<'c>, Locked<'c>) {
        // SAFETY: LP1: the record was found, or put into the list, under this lock.
        unsafe { (*record).uses += 1 };
        (Channel { channels: self, shard, record }, Locked { shard: guard, record })
    }

    /// Begins to use the channel of a name, and makes it if there is none.
    fn open(&self, name: &[u8]) -> Result<(Channel<'_>, Locked<'_>), OutOfMemory> {
        if let Some(found) = self.find(name) {
            return Ok(found);
        }
        let (hash, shard) = self.place_of(name);
        let new = self.new_record(hash, name)?;
        let mut guard = lock(shard);
        let record = guard.find(hash, name);
        if record.is_null() {
            // SAFETY: the record is new.
            unsafe { (*new).next = guard.0 };
            guard.0 = new;
            return Ok(self.begin(shard, guard, new));
        }
        let (channel, locked) = self.begin(shard, guard, record);
        drop(locked);
        // SAFETY: nobody knows the new record.
        unsafe { self.free_record(new) };
        let locked = channel.lock();
        Ok((channel, locked))
    }

    fn new_record(&self, hash: u64, name: &[u8]) -> Result<*mut Record, OutOfMemory> {
        let size = record_size(name.len()).ok_or(OutOfMemory)?;
        let record = self.memory.allocate(size).cast::<Record>();
        if record.is_null() {
            return Err(OutOfMemory);
        }
        // SAFETY: the block is new, aligned to 16, and large enough for the record with the name behind it.
        unsafe {
            record.add(1).cast::<u8>().copy_from_nonoverlapping(name.as_ptr(), name.len());
            record.write(Record::new(hash, name.len()));
        }
        Ok(record)
    }

    /// # Safety
    /// The record is in no list and not used any more.
    unsafe fn free_record(&self, record: *mut Record) {
        // SAFETY: the caller's promise; the size is the one that the record was made with.
        unsafe {
            let size = size_of::<Record>() + (*record).name_len;
            self.memory.free(record.cast(), size);
        }
    }

    /// Changes how many messages, and how many bytes of them, a channel may hold for which nobody waits yet.
    pub(super) fn configure(&self, name: &[u8], capacity: usize, byte_limit: usize) -> Result<(), OutOfMemory> {
        let (channel, mut locked) = self.open(name)?;
        locked.set_capacity(capacity, byte_limit);
        // SAFETY: LP1. The sender who gets the place passes the next one on.
        let granted = unsafe { locked.grant() };
        channel.end(locked, [granted]);
        Ok(())
    }

    /// Sends a message, whose bytes stay the caller's, through the channel of a name.
    ///
    /// # Errors
    /// There is no memory for the channel; or, if the message `must_fit`, none to leave it there. Nothing has happened then.
    pub(super) fn send(&self, name: &[u8], bytes: &[u8], must_fit: bool, wait: &Wait<'_>) -> Result<Sent, OutOfMemory> {
        let opened = if wait.deadline == Deadline::Now { self.find(name) } else { Some(self.open(name)?) };
        let Some((channel, mut locked)) = opened else { return Ok(Sent::TimedOut) };
        let mut block = None;
        if locked.takes_blocks(bytes.len()) {
            drop(locked);
            block = Block::copy(&self.memory, bytes);
            locked = channel.lock();
            if block.is_none() && must_fit {
                channel.end(locked, []);
                return Err(OutOfMemory);
            }
            // Without a block it goes as it does where nothing is held.
        }
        // SAFETY: LP1, LP4: the blocks and the entry are new; they end up in the list, claimed, or freed.
        unsafe {
            if let Some(copy) = block.take() {
                let copy = copy.release();
                locked.arrive(copy);
                let woken = locked.hand_over(copy);
                if woken.is_some() || locked.append_block(copy) {
                    channel.end(locked, [woken]);
                    return Ok(Sent::Done);
                }
                drop(locked);
                drop(Block::of(&self.memory, copy));
                locked = channel.lock();
            }
            let mut entry = Entry::of_sender(bytes);
            let entry = &raw mut entry;
            locked.arrive(entry);
            let woken = locked.hand_over(entry);
            if woken.is_none() {
                if wait.deadline == Deadline::Now {
                    channel.end(locked, []);
                    return Ok(Sent::TimedOut);
                }
                locked.append_waiting(entry);
            }
            drop(locked);
            woken.into_iter().for_each(Wakeup::wake);
            Ok(channel.wait_until_taken(entry, bytes, wait))
        }
    }

    /// Waits for a message in the channel of a name.
    ///
    /// # Errors
    /// There is no memory for the channel.
    pub(super) fn receive(&self, name: &[u8], wait: &Wait<'_>) -> Result<Received<'_>, OutOfMemory> {
        let opened = if wait.deadline == Deadline::Now { self.find(name) } else { Some(self.open(name)?) };
        let Some((channel, mut locked)) = opened else { return Ok(Received::TimedOut) };
        // SAFETY: LP1, LP3: the node leaves the list before this function is left.
        unsafe {
            let entry = locked.claim_first();
            if !entry.is_null() {
                let granted = locked.grant();
                drop(locked);
                granted.into_iter().for_each(Wakeup::wake);
                return Ok(Received::Message(Claim { channel: Some(channel), entry }));
            }
            if wait.deadline == Deadline::Now {
                channel.end(locked, []);
                return Ok(Received::TimedOut);
            }
            let mut node = Receiver::new();
            let node = &raw mut node;
            locked.append_receiver(node);
            loop {
                drop(locked);
                let ended = wait.until(&(*node).signal);
                locked = channel.lock();
                let entry = (*node).entry;
                if !entry.is_null() {
                    drop(locked);
                    let claim = Claim { channel: Some(channel), entry };
                    return Ok(if ended == Ended::Stopped { Received::Stopped } else { Received::Message(claim) });
                }
                let outcome = match ended {
                    Ended::Signalled => continue,
                    Ended::TimedOut => Received::TimedOut,
                    Ended::Stopped => Received::Stopped,
                };
                locked.remove_receiver(node);
                channel.end(locked, []);
                return Ok(outcome);
            }
        }
    }
}

impl<'c> Channel<'c> {
    fn lock(&self) -> Locked<'c> {
        Locked { shard: lock(self.shard), record: self.record }
    }

    /// Ends the use, and wakes whom it has something for.
    fn end<const N: usize>(self, mut locked: Locked<'c>, wakeups: [Option<Wakeup>; N]) {
        locked.uses -= 1;
        let idle = locked.is_idle();
        if idle {
            locked.shard.remove(self.record);
        }
        drop(locked);
        if idle {
            // SAFETY: LP2: nobody uses the record, and nobody finds it any more.
            unsafe { self.channels.free_record(self.record) };
        }
        wakeups.into_iter().flatten().for_each(Wakeup::wake);
    }

    /// Waits until the entry, which is in the list or claimed, is taken, or takes it out of the list again.
    ///
    /// # Safety
    /// The entry is a sender's, and its bytes are these.
    unsafe fn wait_until_taken(self, entry: *mut Entry, bytes: &[u8], wait: &Wait<'_>) -> Sent {
        // SAFETY: LP1, LP3: the function is left only when the entry is taken, or in no list and not claimed.
        unsafe {
            let Some(signal) = Entry::signal(entry) else { return Sent::Done };
            let mut ended = Ended::Signalled;
            loop {
                let mut locked = self.lock();
                if (*entry).granted {
                    drop(locked);
                    let block = Block::copy(&self.channels.memory, bytes);
                    locked = self.lock();
                    if (*entry).granted {
                        let placed = block.is_some();
                        match block {
                            Some(block) => locked.replace(entry, block.release()),
                            // Without memory the message waits where it is.
                            None => locked.decline(entry),
                        }
                        let next = locked.grant();
                        if placed {
                            self.end(locked, [next]);
                            return Sent::Done;
                        }
                        drop(locked);
                        next.into_iter().for_each(Wakeup::wake);
                        continue;
                    }
                    // A receiver has the entry by now; the block is freed without the lock.
                    drop(locked);
                    drop(block);
                    locked = self.lock();
                }
                match ((*entry).state, ended) {
                    (State::Taken, _) => {
                        self.end(locked, []);
                        return Sent::Done;
                    }
                    (State::Claimed, _) => {
                        drop(locked);
                        signal.wait();
                    }
                    (State::Queued, Ended::Signalled) => {
                        drop(locked);
                        ended = wait.until(signal);
                    }
                    (State::Queued, _) => {
                        locked.withdraw(entry);
                        let next = locked.grant();
                        self.end(locked, [next]);
                        return if ended == Ended::Stopped { Sent::Stopped } else { Sent::TimedOut };
                    }
                }
            }
        }
    }
}

/// A message that nobody else can have. It goes back to where it was if this is dropped.
pub(super) struct Claim<'c> {
    /// There until the claim ends.
    channel: Option<Channel<'c>>,
    entry: *mut Entry,
}

impl Claim<'_> {
    /// The message's bytes. They lie in the memory of the sender, who waits for the end of the claim, or of the channel.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: LP4.
        unsafe { Entry::bytes(self.entry) }
    }

    /// The message has arrived: lets its sender go on, or frees it.
    pub(super) fn take(mut self) {
        let Some(channel) = self.channel.take() else { return };
        // SAFETY: LP1, LP4: an entry without a sender is a block, and from now on this function's own.
        unsafe {
            if Entry::signal(self.entry).is_none() {
                drop(Block::of(&channel.channels.memory, self.entry));
                let locked = channel.lock();
                channel.end(locked, []);
            } else {
                let mut locked = channel.lock();
                let woken = locked.finish(self.entry);
                channel.end(locked, [woken]);
            }
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Some(channel) = self.channel.take() else { return };
        let mut locked = channel.lock();
        // SAFETY: LP1, LP4.
        let woken = unsafe { locked.give_back(self.entry) };
        channel.end(locked, [woken]);
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        for shard in &self.shards {
            let mut record = core::mem::replace(&mut lock(shard).0, null_mut());
            while !record.is_null() {
                // SAFETY: LP2: calls borrow the channels, so there are none; what is left in the records is their own blocks.
                unsafe {
                    let next = (*record).next;
                    loop {
                        let entry = (*record).claim_first();
                        if entry.is_null() {
                            break;
                        }
                        drop(Block::of(&self.memory, entry));
                    }
                    self.free_record(record);
                    record = next;
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
