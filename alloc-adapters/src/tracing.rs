//! The instrument that records. The format is told in `trace.rs`.
//!
//! K2. Before each block lie 16 bytes of this adapter's, whose first four hold the block's slot, or [`NO_SLOT`]; so the
//!     wrapped adapter sees sizes that are 16 bytes larger.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use perilune_core::{AllocKind, LuaAlloc, OldSize};

use crate::trace::{FRAME_HEAD, FRAME_MAX, HEADER_LEN, MAGIC, RECORD_MAX, TraceSummary, VERSION, checksum, tag};

/// The bytes before a block.
const HEAD: usize = 16;
/// The slot of a block of which nothing is recorded.
const NO_SLOT: u32 = u32::MAX;

/// Records every call in a compact form, and forwards it.
///
/// The recording goes to a [`Write`] through a buffer of 64 KiB. The module [`trace`](crate::trace) reads it, and tells the
/// format. Whatever goes wrong with writing ends the recording and nothing else: calls are forwarded as before, and
/// [`finish`](Tracing::finish) tells what it was.
///
/// The cost: about six nanoseconds a call, 16 bytes more for each block, and four for each block freed, of the process's own
/// memory; in the file, three to four bytes a call.
#[derive(Debug)]
pub struct Tracing<A, W: Write> {
    inner: A,
    recorder: RefCell<Recorder<W>>,
}

/// What writes the records.
#[derive(Debug)]
struct Recorder<W: Write> {
    output: W,
    /// The frame that is being filled, its head included. Its capacity is there from the beginning.
    frame: Vec<u8>,
    /// The slots that are free again.
    free: Vec<u32>,
    summary: TraceSummary,
    /// What went wrong first.
    failure: Option<(io::ErrorKind, String)>,
    ended: bool,
}

impl<A: LuaAlloc, W: Write> Tracing<A, W> {
    /// Wraps an adapter, and writes the header.
    pub fn new(inner: A, output: W) -> Self {
        let mut recorder = Recorder {
            output,
            frame: Vec::new(),
            free: Vec::new(),
            summary: TraceSummary::default(),
            failure: None,
            ended: false,
        };
        recorder.begin();
        Self { inner, recorder: RefCell::new(recorder) }
    }

    /// Notes that from here on the state closes; only the first time counts.
    pub fn mark_close(&self) {
        let mut recorder = self.recorder.borrow_mut();
        if recorder.summary.close_at.is_none() {
            recorder.summary.close_at = Some(recorder.summary.operations);
            recorder.put(tag::CLOSE, &[]);
        }
    }

    /// What has been recorded so far.
    pub fn summary(&self) -> TraceSummary {
        self.recorder.borrow().summary
    }

    /// Whether calls are still recorded: nothing has gone wrong, and the recording has not been finished.
    pub fn is_recording(&self) -> bool {
        self.recorder.borrow().is_recording()
    }

    /// Writes the end mark and everything that waits in the buffer. Later calls are forwarded and not recorded any more.
    ///
    /// When the adapter is dropped, this happens by itself, but then nobody learns of errors.
    ///
    /// # Errors
    /// What went wrong first since the beginning; the recording is of no use then. A second call says the same again.
    pub fn finish(&self) -> io::Result<TraceSummary> {
        self.recorder.borrow_mut().finish()
    }

    /// The wrapped adapter.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

impl<W: Write> Recorder<W> {
    /// Makes room for a frame and writes the header.
    fn begin(&mut self) {
        if self.frame.try_reserve_exact(FRAME_HEAD + FRAME_MAX).is_err() {
            return self.fail(io::ErrorKind::OutOfMemory, "there is no memory for the buffer".into());
        }
        let mut header = [0; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()..][..4].copy_from_slice(&VERSION.to_le_bytes());
        self.write(|output, _| output.write_all(&header));
        self.frame.resize(FRAME_HEAD, 0);
    }

    const fn is_recording(&self) -> bool {
        self.failure.is_none() && !self.ended
    }

    fn fail(&mut self, kind: io::ErrorKind, text: String) {
        self.failure.get_or_insert((kind, text));
    }

    /// Writes something; what goes wrong is kept, a panic too, as nothing may unwind through an allocator.
    fn write(&mut self, write: impl FnOnce(&mut W, &[u8]) -> io::Result<()>) {
        let (output, frame) = (&mut self.output, &self.frame);
        let attempt = || write(output, frame).map_err(|error| (error.kind(), error.to_string()));
        match catch_unwind(AssertUnwindSafe(attempt)) {
            Ok(Ok(())) => {}
            Ok(Err((kind, text))) => self.fail(kind, text),
            Err(payload) => {
                // Dropping what was thrown could throw again.
                std::mem::forget(payload);
                self.fail(io::ErrorKind::Other, "writing panicked".into());
            }
        }
    }

    /// Writes the frame and begins a new one.
    #[cold]
    fn flush(&mut self) {
        let Some((head, payload)) = self.frame.split_at_mut_checked(FRAME_HEAD) else { return };
        if payload.is_empty() {
            return;
        }
        head[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(&checksum(payload).to_le_bytes());
        self.write(|output, frame| output.write_all(frame));
        self.frame.truncate(FRAME_HEAD);
    }

    /// Appends a record.
    #[inline]
    fn put(&mut self, tag: u8, numbers: &[u64]) {
        if !self.is_recording() {
            return;
        }
        if self.frame.len() + RECORD_MAX > FRAME_HEAD + FRAME_MAX {
            self.flush();
        }
        // There is room for the longest record, so that the frame does not need memory.
        self.frame.push(tag);
        for &number in numbers {
            let mut rest = number;
            while rest >= 0x80 {
                self.frame.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            self.frame.push(rest as u8);
        }
    }

    /// Appends the record of an operation.
    fn operation(&mut self, tag: u8, numbers: &[u64]) {
        self.put(tag, numbers);
        self.summary.operations += self.is_recording() as u64;
    }

    /// A slot for a new block.
    fn take_slot(&mut self) -> u32 {
        if !self.is_recording() {
            return NO_SLOT;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = self.summary.slots;
            self.summary.slots = slot.saturating_add(1);
            slot
        });
        if slot == NO_SLOT {
            self.fail(io::ErrorKind::Other, "there are too many blocks for a trace".into());
        }
        self.summary.live_blocks += (slot != NO_SLOT) as u32;
        slot
    }

    /// Takes back the slot of a block that was freed.
    fn leave_slot(&mut self, slot: u32) {
        if !self.is_recording() || slot == NO_SLOT {
            return;
        }
        self.operation(tag::FREE, &[slot.into()]);
        self.summary.live_blocks -= 1;
        match self.free.try_reserve(1) {
            Ok(()) => self.free.push(slot),
            Err(_) => self.fail(io::ErrorKind::OutOfMemory, "there is no memory for the list of slots".into()),
        }
    }

    fn finish(&mut self) -> io::Result<TraceSummary> {
        if self.is_recording() {
            let TraceSummary { operations, slots, live_blocks, .. } = self.summary;
            self.put(tag::END, &[operations, slots.into(), live_blocks.into()]);
            self.flush();
            self.write(|output, _| output.flush());
            self.ended = true;
        }
        match &self.failure {
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Ok(self.summary),
        }
    }
}

impl<W: Write> Drop for Recorder<W> {
    fn drop(&mut self) {
        // Who wants to know calls it before.
        let _ = self.finish();
    }
}

/// The tag of a record about a kind.
fn with_kind(tag: u8, kind: AllocKind) -> u8 {
    let place = AllocKind::ALL.iter().position(|&other| other == kind).unwrap_or(0);
    tag | (place as u8) << 3
}

/// The slot of a block.
///
/// # Safety
/// The block is a live one of the adapter's.
unsafe fn slot_of(block: *mut u8) -> u32 {
    // SAFETY: K2; the head is aligned to 16, as the block is.
    unsafe { block.sub(HEAD).cast::<u32>().read() }
}

impl<A: LuaAlloc, W: Write> Tracing<A, W> {
    /// Makes a block.
    fn make(&self, osize: OldSize, nsize: usize) -> *mut u8 {
        let start = match nsize.checked_add(HEAD) {
            // SAFETY: a null pointer asks for a new block.
            Some(size) => unsafe { self.inner.realloc(null_mut(), osize, size) },
            None => null_mut(),
        };
        let mut recorder = self.recorder.borrow_mut();
        if start.is_null() {
            recorder.operation(with_kind(tag::FAILED_NEW, osize.kind()), &[nsize as u64]);
            return null_mut();
        }
        let slot = recorder.take_slot();
        recorder.operation(with_kind(tag::NEW, osize.kind()), &[slot.into(), nsize as u64]);
        // SAFETY: K2: the block begins with a head, and is aligned to 16 (contract of the wrapped adapter).
        unsafe {
            start.cast::<u32>().write(slot);
            start.add(HEAD)
        }
    }

    /// Gives a block another size.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`]; neither the pointer nor the size is zero.
    unsafe fn resize(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1, K2.
        let slot = unsafe { slot_of(ptr) };
        let start = match nsize.checked_add(HEAD) {
            // SAFETY: C1, C2: the wrapped adapter gets its own block and the size that it was asked for (K2).
            Some(size) => unsafe { self.inner.realloc(ptr.sub(HEAD), OldSize::of_size(osize.bytes() + HEAD), size) },
            None => null_mut(),
        };
        // SAFETY: K2: the head was kept, as it is the beginning of the wrapped adapter's block.
        let block = if start.is_null() { start } else { unsafe { start.add(HEAD) } };
        if slot != NO_SLOT {
            let tag = match block.is_null() {
                true => tag::FAILED_RESIZE,
                false => tag::RESIZE | ((block != ptr) as u8) << 3,
            };
            self.recorder.borrow_mut().operation(tag, &[slot.into(), nsize as u64]);
        }
        block
    }
}

// SAFETY: blocks are those of the wrapped adapter behind a head of 16 bytes, which moves with them; failures are passed on.
// Nothing unwinds: writing is guarded, and the recorder is borrowed only within functions that call nobody else but the writer.
unsafe impl<A: LuaAlloc, W: Write> LuaAlloc for Tracing<A, W> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        match (ptr.is_null(), nsize) {
            (true, 0) => {
                self.recorder.borrow_mut().operation(tag::EMPTY, &[]);
                null_mut()
            }
            (true, _) => self.make(osize, nsize),
            (false, 0) => {
                // SAFETY: C1, K2.
                self.recorder.borrow_mut().leave_slot(unsafe { slot_of(ptr) });
                // SAFETY: C1, C2: the wrapped adapter gets its own block and the size that it was asked for (K2).
                unsafe { self.inner.realloc(ptr.sub(HEAD), OldSize::of_size(osize.bytes() + HEAD), 0) }
            }
            // SAFETY: C1.
            (false, _) => unsafe { self.resize(ptr, osize, nsize) },
        }
    }

    /// Every block is freed by itself, so that the recording is the same whatever is wrapped.
    fn frees_in_bulk(&self) -> bool {
        false
    }
}
