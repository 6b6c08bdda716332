//! What there is of a channel: the messages that wait in it, in the order of their coming, and those who wait for some.
//!
//! A message that waits is an entry. It is either its sender's, who waits in `send` and lends its own memory, or the channel's, in
//! a block of the shared memory. A channel with a capacity lets so many entries be its own: a sender whose entry is among the
//! first ones is granted a place, copies its message into a block, puts that in the place of its entry, and goes on.
//! So the order is that of coming, whether buffered or not.

use core::ptr::null_mut;

use super::list::{Links, List, Node};
use super::memory::SharedMemory;
use super::wait::{Signal, Wakeup};

/// Where a message is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// In the list of its channel.
    Queued,
    /// A receiver has it, who will take it or give it back.
    Claimed,
    /// A receiver has taken it.
    Taken,
}

/// A message that waits in a channel.
pub(super) struct Entry {
    links: Links<Entry>,
    /// The place in the order of coming.
    number: u64,
    data: *const u8,
    len: usize,
    /// What the waiting sender is told; `None` if the bytes follow the entry in a block.
    sender: Option<Signal>,
    pub(super) state: State,
    /// Whether the sender has been granted a place among the channel's own entries.
    pub(super) granted: bool,
}

impl Node for Entry {
    unsafe fn links(node: *mut Self) -> *mut Links<Self> {
        // SAFETY: the caller's promise.
        unsafe { &raw mut (*node).links }
    }
}

impl Entry {
    /// The entry of a sender who will wait.
    pub(super) fn of_sender(bytes: &[u8]) -> Self {
        Self { sender: Some(Signal::new()), ..Self::new(bytes.as_ptr(), bytes.len()) }
    }

    const fn new(data: *const u8, len: usize) -> Self {
        Self { links: Links::new(), number: 0, data, len, sender: None, state: State::Queued, granted: false }
    }

    /// The message's bytes.
    ///
    /// # Safety
    /// The entry is claimed by the caller, and stays so while the slice is used (LP4, LP5).
    pub(super) unsafe fn bytes<'a>(entry: *const Entry) -> &'a [u8] {
        // SAFETY: LP5.
        unsafe { core::slice::from_raw_parts((*entry).data, (*entry).len) }
    }

    /// The signal that the entry's sender waits for.
    ///
    /// # Safety
    /// The entry is live; what comes back is not used longer than it is.
    pub(super) unsafe fn signal<'a>(entry: *const Entry) -> Option<&'a Signal> {
        // SAFETY: the caller's promise; the field never changes.
        unsafe { (*entry).sender.as_ref() }
    }
}

/// An entry with its message in a block of the shared memory. It is freed when this is dropped.
pub(super) struct Block<'m> {
    memory: &'m SharedMemory,
    entry: *mut Entry,
}

impl<'m> Block<'m> {
    /// A copy of a message; `None` if there is no memory.
    pub(super) fn copy(memory: &'m SharedMemory, bytes: &[u8]) -> Option<Self> {
        let entry = memory.allocate(size_of::<Entry>().checked_add(bytes.len())?).cast::<Entry>();
        if entry.is_null() {
            return None;
        }
        // SAFETY: the block is new, aligned to 16, and large enough for the entry with the bytes behind it.
        unsafe {
            let data = entry.add(1).cast::<u8>();
            data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            entry.write(Entry::new(data, bytes.len()));
        }
        Some(Self { memory, entry })
    }

    /// The block that an entry lies in.
    ///
    /// # Safety
    /// The entry was let go of by [`release`](Self::release), and nobody else has it (LP4).
    pub(super) unsafe fn of(memory: &'m SharedMemory, entry: *mut Entry) -> Self {
        Self { memory, entry }
    }

    /// The entry, which is not freed any more by itself.
    pub(super) fn release(self) -> *mut Entry {
        core::mem::ManuallyDrop::new(self).entry
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // SAFETY: the entry was made by `copy` with this size, and is nobody else's.
        unsafe {
            let size = size_of::<Entry>() + (*self.entry).len;
            self.memory.free(self.entry.cast(), size);
        }
    }
}

/// Someone who waits for a message.
pub(super) struct Receiver {
    links: Links<Receiver>,
    pub(super) signal: Signal,
    /// The message that was handed over, claimed; null until then.
    pub(super) entry: *mut Entry,
}

impl Node for Receiver {
    unsafe fn links(node: *mut Self) -> *mut Links<Self> {
        // SAFETY: the caller's promise.
        unsafe { &raw mut (*node).links }
    }
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { links: Links::new(), signal: Signal::new(), entry: null_mut() }
    }
}

/// A channel. Its name follows it in its block.
pub(super) struct Record {
    /// The next record of the shard.
    pub(super) next: *mut Record,
    pub(super) hash: u64,
    pub(super) name_len: usize,
    /// How many calls use it (LP2).
    pub(super) uses: usize,
    /// How many entries may be the channel's own.
    capacity: usize,
    /// How many bytes these may have.
    byte_limit: usize,
    /// How many entries in the list are the channel's own or may become so, and their bytes.
    held: usize,
    held_bytes: usize,
    last_number: u64,
    entries: List<Entry>,
    /// The first entry whose sender waits for a place among the channel's own; null if none does. There is none but such
    /// behind it.
    first_wanting: *mut Entry,
    /// Empty unless `entries` is.
    receivers: List<Receiver>,
}

impl Record {
    pub(super) const fn new(hash: u64, name_len: usize) -> Self {
        Self {
            next: null_mut(),
            hash,
            name_len,
            uses: 0,
            capacity: 0,
            byte_limit: usize::MAX,
            held: 0,
            held_bytes: 0,
            last_number: 0,
            entries: List::new(),
            first_wanting: null_mut(),
            receivers: List::new(),
        }
    }

    /// How many messages have come so far.
    #[cfg(test)]
    pub(super) fn arrived(&self) -> u64 {
        self.last_number
    }

    /// How many receivers wait.
    #[cfg(test)]
    pub(super) fn receivers_waiting(&self) -> usize {
        let mut count = 0;
        let mut receiver = self.receivers.first();
        while !receiver.is_null() {
            count += 1;
            // SAFETY: LP1, LP3: the record is borrowed, so the lock is held, and nodes in the list are live.
            receiver = unsafe { self.receivers.next(receiver) };
        }
        count
    }

    /// Whether nothing would be lost without the record.
    pub(super) fn is_idle(&self) -> bool {
        self.uses == 0 && self.capacity == 0 && self.entries.is_empty()
    }

    /// Whether a message of so many bytes, were it in a block, could be handed over or left here at once.
    pub(super) fn takes_blocks(&self, len: usize) -> bool {
        self.capacity > 0 && (!self.receivers.is_empty() || self.has_place(len))
    }

    fn has_place(&self, len: usize) -> bool {
        self.first_wanting.is_null() && self.has_room(len)
    }

    fn has_room(&self, len: usize) -> bool {
        self.held < self.capacity && self.held_bytes.checked_add(len).is_some_and(|after| after <= self.byte_limit)
    }
}

/// What is done under the lock of the shard (LP1). Pointers to entries and receivers are to live ones, each where the invariants
/// say.
impl Record {
    /// Gives a new message its place in the order of coming.
    pub(super) unsafe fn arrive(&mut self, entry: *mut Entry) {
        self.last_number += 1;
        // SAFETY: LP1; the entry is new.
        unsafe { (*entry).number = self.last_number };
    }

    /// Hands a message to the first receiver who waits, if there is one.
    pub(super) unsafe fn hand_over(&mut self, entry: *mut Entry) -> Option<Wakeup> {
        // SAFETY: LP1, LP3: nodes in the list are live.
        unsafe {
            let receiver = self.receivers.pop_first();
            if receiver.is_null() {
                return None;
            }
            (*entry).state = State::Claimed;
            (*receiver).entry = entry;
            Some((*receiver).signal.give())
        }
    }

    /// Puts the block of a message that has arrived at the end, if there is a place for it.
    pub(super) unsafe fn append_block(&mut self, entry: *mut Entry) -> bool {
        // SAFETY: LP1; the entry is in no list.
        unsafe {
            if !self.has_place((*entry).len) {
                return false;
            }
            self.entries.insert_before(entry, null_mut());
            self.hold(entry);
        }
        true
    }

    /// Puts a message that has arrived, and whose sender will wait, at the end.
    pub(super) unsafe fn append_waiting(&mut self, entry: *mut Entry) {
        // SAFETY: LP1; the entry is in no list.
        unsafe { self.entries.insert_before(entry, null_mut()) };
        if self.first_wanting.is_null() {
            self.first_wanting = entry;
        }
    }

    /// Counts an entry as the channel's own.
    unsafe fn hold(&mut self, entry: *mut Entry) {
        self.held += 1;
        // SAFETY: LP1.
        self.held_bytes += unsafe { (*entry).len };
    }

    /// An entry does not count as the channel's own any more.
    unsafe fn let_go(&mut self, entry: *mut Entry) {
        self.held -= 1;
        // SAFETY: LP1.
        self.held_bytes -= unsafe { (*entry).len };
    }

    /// Takes an entry out of the list, with all that is counted of it.
    unsafe fn take_out(&mut self, entry: *mut Entry) {
        // SAFETY: LP1; the entry is in the list.
        unsafe {
            if self.first_wanting == entry {
                self.first_wanting = self.entries.next(entry);
            }
            self.entries.remove(entry);
            if (*entry).granted || (*entry).sender.is_none() {
                self.let_go(entry);
                (*entry).granted = false;
            }
        }
    }

    /// Takes the first message out for a receiver; null if there is none.
    pub(super) unsafe fn claim_first(&mut self) -> *mut Entry {
        let entry = self.entries.first();
        if !entry.is_null() {
            // SAFETY: LP1.
            unsafe {
                self.take_out(entry);
                (*entry).state = State::Claimed;
            }
        }
        entry
    }

    /// Takes a message back that is still in the list: its sender does not want to wait any more.
    pub(super) unsafe fn withdraw(&mut self, entry: *mut Entry) {
        // SAFETY: LP1.
        unsafe { self.take_out(entry) };
    }

    /// Gives a claimed message to the next receiver who waits, or puts it back where it was, before all that came later.
    pub(super) unsafe fn give_back(&mut self, entry: *mut Entry) -> Option<Wakeup> {
        // SAFETY: LP1, LP4: the entry is claimed by the caller, so it is in no list.
        unsafe {
            if let Some(wakeup) = self.hand_over(entry) {
                return Some(wakeup);
            }
            (*entry).state = State::Queued;
            let mut next = self.entries.first();
            while !next.is_null() && (*next).number < (*entry).number {
                next = self.entries.next(next);
            }
            self.entries.insert_before(entry, next);
            let Some(signal) = Entry::signal(entry) else {
                // It is the channel's, even if there are more of these now than there should be.
                self.hold(entry);
                return None;
            };
            // It lies before those that wait for a place, and gets none: it is the next to go. Its sender may have missed the end
            // of its patience meanwhile.
            Some(signal.give())
        }
    }

    /// Ends a claim: the message has arrived. Tells the sender, if there is one who waits.
    pub(super) unsafe fn finish(&mut self, entry: *mut Entry) -> Option<Wakeup> {
        // SAFETY: LP1, LP4. The sender may be gone as soon as the lock is free.
        unsafe {
            (*entry).state = State::Taken;
            Entry::signal(entry).map(Signal::give)
        }
    }

    /// Grants a place to the first sender who waits for one, if there is one.
    pub(super) unsafe fn grant(&mut self) -> Option<Wakeup> {
        let entry = self.first_wanting;
        // SAFETY: LP1.
        unsafe {
            if entry.is_null() || !self.has_room((*entry).len) {
                return None;
            }
            self.first_wanting = self.entries.next(entry);
            (*entry).granted = true;
            self.hold(entry);
            Entry::signal(entry).map(Signal::give)
        }
    }

    /// Puts a block in the place of an entry whose sender was granted one.
    pub(super) unsafe fn replace(&mut self, entry: *mut Entry, block: *mut Entry) {
        // SAFETY: LP1; the entry is in the list and counted, and the block, as long as it, counts instead.
        unsafe {
            (*block).number = (*entry).number;
            self.entries.insert_before(block, entry);
            self.entries.remove(entry);
        }
    }

    /// Takes back what was granted to a sender, who has no use for it.
    pub(super) unsafe fn decline(&mut self, entry: *mut Entry) {
        // SAFETY: LP1.
        unsafe {
            (*entry).granted = false;
            self.let_go(entry);
        }
    }

    /// Puts a receiver at the end of those who wait. There must be no entries.
    pub(super) unsafe fn append_receiver(&mut self, receiver: *mut Receiver) {
        // SAFETY: LP1; the node is new.
        unsafe { self.receivers.insert_before(receiver, null_mut()) };
    }

    /// Takes out a receiver who does not want to wait any more.
    pub(super) unsafe fn remove_receiver(&mut self, receiver: *mut Receiver) {
        // SAFETY: LP1; the node is in the list.
        unsafe { self.receivers.remove(receiver) };
    }

    /// Changes how much the channel may hold.
    pub(super) fn set_capacity(&mut self, capacity: usize, byte_limit: usize) {
        self.capacity = capacity;
        self.byte_limit = byte_limit;
    }
}
