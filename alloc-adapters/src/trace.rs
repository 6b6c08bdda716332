//! Recordings of what went through an allocator: the format, and its reader.
//!
//! [`Tracing`](crate::Tracing) writes them. Blocks are told by *slots*: small numbers that are given out from 0 upward, and of
//! which those of freed blocks are given out again, the last one first. So a replay needs an array of as many places as there
//! were blocks at once.
//!
//! # The format, version 1
//! Numbers of fixed width are little-endian. A file is a header, then frames without anything between them:
//!
//! | Bytes | Header |
//! |---|---|
//! | 8 | `89 50 4C 54 0D 0A 1A 0A` (the middle reads `PLT`) |
//! | 4 | the version, 1 |
//! | 4 | zeros |
//!
//! | Bytes | Frame |
//! |---|---|
//! | 4 | *n*, the length of what follows the checksum: 1 to 65 536 |
//! | 4 | its checksum |
//! | *n* | whole records, one after the other |
//!
//! The checksum is the lower half of a word *h* of 64 bits that begins as *n* and takes in each eight bytes as a word *w* (the
//! last filled up with zeros): *h* = (*h* xor *w*) · `9E3779B97F4A7C15`, then *h* = *h* xor (*h* >> 32).
//!
//! A record is a tag and up to three numbers in LEB128 (seven bits a byte, the lowest first, the high bit set in all but the
//! last; no more bytes than needed). The lower three bits of the tag say what it is, the next three are *k*, the others are
//! zero. Where there is nothing to say, *k* is 0. A kind is its place in [`AllocKind::ALL`]. An operation takes 1 to 16 bytes,
//! mostly 3 or 4.
//!
//! | Tag | Record | *k* | Numbers |
//! |---|---|---|---|
//! | 0 | a call without effect (a null pointer and a size of 0) | | |
//! | 1 | a new block | its kind | slot, size |
//! | 2 | a resize | 1 if the block moved, else 0 | slot, new size |
//! | 3 | a free | | slot |
//! | 4 | a new block that was refused | its kind | size |
//! | 5 | a resize that was refused | | slot, size that was asked for |
//! | 6 | from here on the state closes; at most once | | |
//! | 7 | the end: nothing follows | | operations, slots, live blocks |
//!
//! Every record but the tags 6 and 7 is an operation.

use std::fmt;
use std::io::{self, Read};

use perilune_core::AllocKind;

/// What a recording begins with.
pub(crate) const MAGIC: [u8; 8] = *b"\x89PLT\r\n\x1a\n";
/// The version of the format.
pub(crate) const VERSION: u32 = 1;
/// How long a header is.
pub(crate) const HEADER_LEN: usize = 16;
/// How long the head of a frame is.
pub(crate) const FRAME_HEAD: usize = 8;
/// The most bytes of records in a frame.
pub(crate) const FRAME_MAX: usize = 1 << 16;
/// The most bytes that a record takes: the one of the end.
pub(crate) const RECORD_MAX: usize = 21;

/// The tags of records.
pub(crate) mod tag {
    pub const EMPTY: u8 = 0;
    pub const NEW: u8 = 1;
    pub const RESIZE: u8 = 2;
    pub const FREE: u8 = 3;
    pub const FAILED_NEW: u8 = 4;
    pub const FAILED_RESIZE: u8 = 5;
    pub const CLOSE: u8 = 6;
    pub const END: u8 = 7;
}

/// The checksum of a frame.
pub(crate) fn checksum(payload: &[u8]) -> u32 {
    let mut hash = payload.len() as u64;
    for part in payload.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 32;
    }
    hash as u32
}

/// One record of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A call without effect: a null pointer and a size of 0.
    Empty,
    /// A new block.
    New {
        /// Its slot, which no live block has.
        slot: u32,
        /// What it is for.
        kind: AllocKind,
        /// Its size in bytes, not 0.
        size: usize,
    },
    /// A block got another size, or the same one again.
    Resize {
        /// Its slot.
        slot: u32,
        /// Its size before, in bytes.
        old: usize,
        /// Its size from now on, in bytes, not 0.
        new: usize,
        /// Whether it lay somewhere else afterwards.
        moved: bool,
    },
    /// A block was freed.
    Free {
        /// Its slot.
        slot: u32,
        /// Its size in bytes.
        size: usize,
    },
    /// A new block was refused.
    FailedNew {
        /// What it was for.
        kind: AllocKind,
        /// Its size in bytes.
        size: usize,
    },
    /// A resize was refused; the block is as it was.
    FailedResize {
        /// Its slot.
        slot: u32,
        /// Its size in bytes.
        old: usize,
        /// The size that was asked for, in bytes.
        new: usize,
    },
    /// From here on the state closes. It is no operation.
    Close,
}

/// What a trace holds, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceSummary {
    /// How many operations there are.
    pub operations: u64,
    /// How many slots a replay needs.
    pub slots: u32,
    /// How many blocks are live at the end.
    pub live_blocks: u32,
    /// How many operations come before the close begins, if somebody said when that was.
    pub close_at: Option<u64>,
}

/// Why a trace cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceErrorKind {
    /// Reading failed.
    Io(io::Error),
    /// It is something else: the first bytes are not those of a trace.
    Foreign,
    /// It is of a version that this reader does not know.
    Version(u32),
    /// It ends before its end mark.
    Truncated,
    /// Its bytes are no trace; the text says in which way.
    Damaged(&'static str),
}

/// Why, and where, a trace cannot be read.
#[derive(Debug)]
pub struct TraceError {
    /// The offset in bytes, from the beginning of the file, of what cannot be read.
    pub offset: u64,
    /// Why.
    pub kind: TraceErrorKind,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.kind {
            TraceErrorKind::Io(error) => write!(f, "the trace cannot be read at byte {offset}: {error}"),
            TraceErrorKind::Foreign => write!(f, "this is no allocation trace (its first bytes are others)"),
            TraceErrorKind::Version(version) => {
                write!(f, "the trace is of version {version}, and only version {VERSION} is known (byte {offset})")
            }
            TraceErrorKind::Truncated => write!(f, "the trace ends too early, at byte {offset}"),
            TraceErrorKind::Damaged(how) => write!(f, "the trace is damaged at byte {offset}: {how}"),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            // The message has the error's own text already.
            TraceErrorKind::Io(error) => error.source(),
            _ => None,
        }
    }
}

const DENSE: &str = "a slot was skipped";
const DEAD: &str = "a slot without a live block is used";

/// The reader of a recording: an iterator over its records. After an error nothing more comes.
///
/// It reads a frame at a time, and holds besides that a word for each slot. Whatever the bytes are, it gives records in order:
/// slots are dense, a new block's slot is free, and what is resized or freed is live.
///
/// ```
/// use perilune_alloc_adapters::trace::{Record, Trace};
/// use perilune_alloc_adapters::{AllocKind, LuaAlloc, OldSize, System, Tracing};
///
/// let mut file = Vec::new();
/// let memory = Tracing::new(System, &mut file);
/// // SAFETY: the block is used as the contract says, and freed once.
/// unsafe {
///     let block = memory.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::Table), 56);
///     memory.mark_close();
///     memory.realloc(block, OldSize::of_size(56), 0);
/// }
/// memory.finish()?;
/// drop(memory);
///
/// let records: Vec<Record> = Trace::new(&file[..])?.collect::<Result<_, _>>()?;
/// let table = Record::New { slot: 0, kind: AllocKind::Table, size: 56 };
/// assert_eq!(records, [table, Record::Close, Record::Free { slot: 0, size: 56 }]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trace<R> {
    input: R,
    /// The records of the frame at hand.
    frame: Vec<u8>,
    /// The place in it.
    at: usize,
    /// The offset of its first record in the file.
    base: u64,
    /// The sizes of the blocks in the slots; 0 if there is none.
    sizes: Vec<usize>,
    /// The sum of all sizes that blocks were given, so that every sum that a reader of the trace might make can be counted.
    granted: u64,
    summary: TraceSummary,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl<R: Read> Trace<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// There is none, or it is another file's or another version's.
    pub fn new(input: R) -> Result<Self, TraceError> {
        let mut trace = Self {
            input,
            frame: Vec::new(),
            at: 0,
            base: 0,
            sizes: Vec::new(),
            granted: 0,
            summary: TraceSummary::default(),
            state: State::Reading,
        };
        let mut magic = [0; MAGIC.len()];
        let read = trace.fill(&mut magic)?;
        if magic[..read] != MAGIC[..read] || read == 0 {
            return Err(TraceError { offset: 0, kind: TraceErrorKind::Foreign });
        }
        let mut rest = [0; HEADER_LEN - MAGIC.len()];
        let read = read + trace.fill(&mut rest)?;
        if read < HEADER_LEN {
            return Err(TraceError { offset: read as u64, kind: TraceErrorKind::Truncated });
        }
        let [version, zeros] =
            [0, 4].map(|at| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]));
        if version != VERSION {
            return Err(TraceError { offset: 8, kind: TraceErrorKind::Version(version) });
        }
        if zeros != 0 {
            return Err(TraceError { offset: 12, kind: TraceErrorKind::Damaged("the header does not end in zeros") });
        }
        trace.base = HEADER_LEN as u64;
        Ok(trace)
    }

    /// Reads everything.
    ///
    /// # Errors
    /// The trace cannot be read to its end.
    pub fn load(input: R) -> Result<(Vec<Record>, TraceSummary), TraceError> {
        let mut trace = Self::new(input)?;
        let records = trace.by_ref().collect::<Result<_, _>>()?;
        Ok((records, trace.summary))
    }

    /// What was in the trace, once it has been read to its end.
    pub fn summary(&self) -> Option<TraceSummary> {
        (self.state == State::Ended).then_some(self.summary)
    }

    /// Reads until the buffer is full or the input ends; gives how much came.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, TraceError> {
        let mut read = 0;
        while read < buffer.len() {
            match self.input.read(&mut buffer[read..]) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.base + (self.frame.len() + read) as u64;
                    return Err(TraceError { offset, kind: TraceErrorKind::Io(error) });
                }
            }
        }
        Ok(read)
    }

    /// Reads the next frame.
    fn next_frame(&mut self) -> Result<(), TraceError> {
        let start = self.base + self.frame.len() as u64;
        let truncated = |read| Err(TraceError { offset: start + read as u64, kind: TraceErrorKind::Truncated });
        let damaged = |text| Err(TraceError { offset: start, kind: TraceErrorKind::Damaged(text) });
        // One buffer serves all frames: who replays a trace on the process's own allocator does not want another user of it.
        let mut frame = std::mem::take(&mut self.frame);
        self.base = start;
        let mut head = [0; FRAME_HEAD];
        let read = self.fill(&mut head)?;
        if read < FRAME_HEAD {
            return truncated(read);
        }
        let [len, sum] = [0, 4].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
        if len == 0 || len as usize > FRAME_MAX {
            return damaged("the length of a frame is out of range");
        }
        self.base = start + FRAME_HEAD as u64;
        frame.resize(len as usize, 0);
        let read = self.fill(&mut frame)?;
        if read < frame.len() {
            return truncated(FRAME_HEAD + read);
        }
        if checksum(&frame) != sum {
            return damaged("the checksum of a frame is wrong");
        }
        self.frame = frame;
        self.at = 0;
        Ok(())
    }

    /// The error for the record that begins at a place of the frame.
    fn damaged<T>(&self, start: usize, text: &'static str) -> Result<T, TraceError> {
        Err(TraceError { offset: self.base + start as u64, kind: TraceErrorKind::Damaged(text) })
    }

    /// The next number of the record.
    fn number(&mut self) -> Result<u64, TraceError> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.frame.get(self.at) else {
                return self.damaged(start, "a frame ends within a record");
            };
            self.at += 1;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return self.damaged(start, "a number is too large or too long");
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        self.damaged(start, "a number is too large or too long")
    }

    /// The next number, as a size.
    fn size(&mut self) -> Result<usize, TraceError> {
        let start = self.at;
        match usize::try_from(self.number()?) {
            Ok(0) => self.damaged(start, "a size is 0"),
            Ok(size) => Ok(size),
            Err(_) => self.damaged(start, "a size is too large for this machine"),
        }
    }

    /// The next number, as the size that a block was given.
    fn granted_size(&mut self) -> Result<usize, TraceError> {
        let start = self.at;
        let size = self.size()?;
        match self.granted.checked_add(size as u64) {
            Some(sum) => self.granted = sum,
            None => return self.damaged(start, "more bytes were given than can be counted"),
        }
        Ok(size)
    }

    /// The next number, as the slot of a live block, and the block's size.
    fn live_slot(&mut self) -> Result<(u32, usize), TraceError> {
        let start = self.at;
        let slot = self.number()?;
        match usize::try_from(slot).ok().and_then(|slot| self.sizes.get(slot)) {
            Some(&size) if size > 0 => Ok((slot as u32, size)),
            _ => self.damaged(start, DEAD),
        }
    }

    /// The next number, as the slot of a new block.
    fn free_slot(&mut self) -> Result<u32, TraceError> {
        let start = self.at;
        let number = self.number()?;
        let Ok(slot) = u32::try_from(number) else { return self.damaged(start, DENSE) };
        match self.sizes.get(slot as usize) {
            Some(0) => Ok(slot),
            Some(_) => self.damaged(start, "a new block has the slot of a live one"),
            None if slot == self.summary.slots => Ok(slot),
            None => self.damaged(start, DENSE),
        }
    }

    /// Reads the next record; `None` at the end mark.
    fn record(&mut self) -> Result<Option<Record>, TraceError> {
        if self.at == self.frame.len() {
            self.next_frame()?;
        }
        let start = self.at;
        let byte = self.frame[start];
        self.at += 1;
        let (what, k) = (byte & 7, byte >> 3);
        let most = match what {
            tag::NEW | tag::FAILED_NEW => AllocKind::ALL.len() as u8 - 1,
            tag::RESIZE => 1,
            _ => 0,
        };
        if k > most {
            return self.damaged(start, "a tag is unknown");
        }
        let record = match what {
            tag::EMPTY => Record::Empty,
            tag::NEW => {
                let (slot, size) = (self.free_slot()?, self.granted_size()?);
                if slot == self.summary.slots {
                    self.sizes.push(0);
                    self.summary.slots += 1;
                }
                self.sizes[slot as usize] = size;
                self.summary.live_blocks += 1;
                Record::New { slot, kind: AllocKind::ALL[k as usize], size }
            }
            tag::RESIZE => {
                let ((slot, old), new) = (self.live_slot()?, self.granted_size()?);
                self.sizes[slot as usize] = new;
                Record::Resize { slot, old, new, moved: k == 1 }
            }
            tag::FREE => {
                let (slot, size) = self.live_slot()?;
                self.sizes[slot as usize] = 0;
                self.summary.live_blocks -= 1;
                Record::Free { slot, size }
            }
            tag::FAILED_NEW => Record::FailedNew { kind: AllocKind::ALL[k as usize], size: self.size()? },
            tag::FAILED_RESIZE => {
                let ((slot, old), new) = (self.live_slot()?, self.size()?);
                Record::FailedResize { slot, old, new }
            }
            tag::CLOSE => {
                if self.summary.close_at.replace(self.summary.operations).is_some() {
                    return self.damaged(start, "the close begins twice");
                }
                return Ok(Some(Record::Close));
            }
            _ => return self.end(start).map(|()| None),
        };
        self.summary.operations += 1;
        Ok(Some(record))
    }

    /// Reads the rest of the end mark, and looks whether it is the end.
    fn end(&mut self, start: usize) -> Result<(), TraceError> {
        let said = [self.number()?, self.number()?, self.number()?];
        let TraceSummary { operations, slots, live_blocks, .. } = self.summary;
        if said != [operations, slots.into(), live_blocks.into()] {
            return self.damaged(start, "the end mark's figures are not those of the records");
        }
        if self.at < self.frame.len() {
            return self.damaged(self.at, "something follows the end mark");
        }
        if self.fill(&mut [0])? > 0 {
            return self.damaged(self.at, "something follows the end mark");
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Trace<R> {
    type Item = Result<Record, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state != State::Reading {
            return None;
        }
        match self.record() {
            Ok(Some(record)) => Some(Ok(record)),
            Ok(None) => {
                self.state = State::Ended;
                None
            }
            Err(error) => {
                self.state = State::Failed;
                Some(Err(error))
            }
        }
    }
}

impl<R: Read> std::iter::FusedIterator for Trace<R> {}
