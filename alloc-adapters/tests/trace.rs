//! Recordings: what is written comes back, and what is no recording is told with its place.

use std::cell::Cell;
use std::io::{self, Write};
use std::ptr::null_mut;

use perilune_alloc_adapters::trace::{Record, Trace, TraceErrorKind, TraceSummary};
use perilune_alloc_adapters::{AllocKind, Counting, FailOnce, Limit, LuaAlloc, OldSize, System, Tracing};
use perilune_vm::{LoadMode, Lua, Status};

/// Numbers that are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }
}

/// Calls an adapter in random order, and gives what a trace of it should hold, slots left out.
fn work(memory: &impl LuaAlloc, rounds: usize, seed: u64) -> Vec<(&'static str, usize)> {
    let mut random = Random(seed);
    let mut blocks: Vec<(*mut u8, usize)> = Vec::new();
    let mut expected = Vec::new();
    for _ in 0..rounds {
        let size = 1 + random.below(200);
        let kind = AllocKind::ALL[random.below(6)];
        // SAFETY: each block is used as the contract says.
        unsafe {
            match random.below(8) {
                0 => {
                    assert!(memory.realloc(null_mut(), OldSize::of_size(size), 0).is_null());
                    expected.push(("empty", 0));
                }
                1..4 if !blocks.is_empty() => {
                    let (block, old) = blocks.swap_remove(random.below(blocks.len()));
                    memory.realloc(block, OldSize::of_size(old), 0);
                    expected.push(("free", old));
                }
                4 | 5 if !blocks.is_empty() => {
                    let at = random.below(blocks.len());
                    let (block, old) = blocks[at];
                    let moved = memory.realloc(block, OldSize::of_size(old), size);
                    expected.push((if moved.is_null() { "refused resize" } else { "resize" }, size));
                    if !moved.is_null() {
                        blocks[at] = (moved, size);
                    }
                }
                _ => {
                    let block = memory.realloc(null_mut(), OldSize::of_kind(kind), size);
                    expected.push((if block.is_null() { "refused" } else { kind.name() }, size));
                    if !block.is_null() {
                        block.write_bytes(7, size);
                        blocks.push((block, size));
                    }
                }
            }
        }
    }
    for (block, size) in blocks {
        // SAFETY: the block is live.
        unsafe { memory.realloc(block, OldSize::of_size(size), 0) };
        expected.push(("free", size));
    }
    expected
}

/// A record in the form of `work`.
fn told(record: &Record) -> (&'static str, usize) {
    match *record {
        Record::Empty => ("empty", 0),
        Record::New { kind, size, .. } => (kind.name(), size),
        Record::Resize { new, .. } => ("resize", new),
        Record::Free { size, .. } => ("free", size),
        Record::FailedNew { size, .. } => ("refused", size),
        Record::FailedResize { new, .. } => ("refused resize", new),
        Record::Close => ("close", 0),
    }
}

/// A recording of some work, and what is in it.
fn recording(rounds: usize) -> (Vec<u8>, Vec<(&'static str, usize)>, TraceSummary) {
    let mut file = Vec::new();
    let memory = Tracing::new(FailOnce::new(Limit::new(System, 600), 3), &mut file);
    let expected = work(&memory, rounds, 5);
    let summary = memory.finish().expect("memory can be written");
    drop(memory);
    (file, expected, summary)
}

#[test]
fn what_was_done_comes_back() {
    // More than a frame.
    let (file, expected, summary) = recording(40_000);
    let (records, read) = Trace::load(&file[..]).expect("it was just written");
    assert_eq!(records.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(read, summary);
    assert_eq!((summary.operations, summary.live_blocks, summary.close_at), (expected.len() as u64, 0, None));
    // The lowest slots are used again.
    let mut live = 0;
    let mut most = 0;
    for record in &records {
        live += matches!(record, Record::New { .. }) as u32;
        most = most.max(live);
        live -= matches!(record, Record::Free { .. }) as u32;
    }
    assert_eq!(summary.slots, most);
    let refused = expected.iter().filter(|(what, _)| what.starts_with("refused")).count();
    assert!(refused > 10 && file.len() < 5 * records.len(), "{refused} {}", file.len());
}

#[test]
fn the_close_is_marked_once() {
    let mut file = Vec::new();
    let memory = Tracing::new(System, &mut file);
    let before = work(&memory, 10, 1).len() as u64;
    memory.mark_close();
    work(&memory, 10, 2);
    memory.mark_close();
    assert_eq!(memory.summary().close_at, Some(before));
    assert!(memory.is_recording());
    let summary = memory.finish().expect("memory can be written");
    assert!(!memory.is_recording());
    work(&memory, 10, 3);
    assert_eq!(memory.finish().expect("nothing went wrong"), summary);
    drop(memory);
    let (records, read) = Trace::load(&file[..]).expect("it was just written");
    assert_eq!(read, summary);
    assert_eq!(records.iter().position(|record| *record == Record::Close), Some(before as usize));
    assert_eq!(records.len() as u64, summary.operations + 1);
}

#[test]
fn dropping_finishes() {
    let mut file = Vec::new();
    let kept = {
        let memory = Tracing::new(System, &mut file);
        // SAFETY: the block stays live, and is freed below.
        unsafe { memory.realloc(null_mut(), OldSize::of_kind(AllocKind::String), 30) }
    };
    let mut trace = Trace::new(&file[..]).expect("a header");
    assert_eq!(trace.summary(), None);
    assert_eq!(trace.by_ref().count(), 1);
    assert_eq!(trace.summary().map(|summary| summary.live_blocks), Some(1));
    // SAFETY: the platform's allocator gave the block with a head of 16 bytes before it.
    unsafe { System.realloc(kept.sub(16), OldSize::of_size(46), 0) };
}

#[test]
fn wrappers_go_around_it_and_into_it() {
    let mut file = Vec::new();
    let memory = Counting::new(Tracing::new(Counting::new(System), &mut file));
    let expected = work(&memory, 500, 9);
    assert_eq!(memory.stats().calls, expected.len() as u64);
    assert_eq!((memory.live_bytes(), memory.inner().inner().live_bytes()), (0, 0));
    assert_eq!(memory.inner().finish().expect("memory can be written").operations, expected.len() as u64);
}

#[test]
fn huge_sizes_take_sixteen_bytes() {
    let mut file = Vec::new();
    let memory = Tracing::new(System, &mut file);
    // SAFETY: the block is used as the contract says.
    unsafe {
        let block = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Table), 8);
        for size in [usize::MAX, usize::MAX - 15, isize::MAX as usize] {
            assert!(memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Other), size).is_null());
            assert!(memory.realloc(block, OldSize::of_size(8), size).is_null());
        }
        memory.realloc(block, OldSize::of_size(8), 0);
    }
    drop(memory);
    let (records, _) = Trace::load(&file[..]).expect("it was just written");
    assert_eq!(records.len(), 8);
    assert_eq!(records[6], Record::FailedResize { slot: 0, old: 8, new: isize::MAX as usize });
}

/// Does what a trace says on an adapter.
fn replay(memory: &impl LuaAlloc, records: &[Record], slots: u32) {
    let mut blocks = vec![null_mut::<u8>(); slots as usize];
    for record in records {
        // SAFETY: the reader gives records in order: a slot is live, with the size that is said, or free.
        unsafe {
            match *record {
                Record::Empty => drop(memory.realloc(null_mut(), OldSize::of_size(0), 0)),
                Record::New { slot, kind, size } => {
                    blocks[slot as usize] = memory.realloc(null_mut(), OldSize::of_kind(kind), size);
                }
                Record::Resize { slot, old, new, .. } => {
                    let block = &mut blocks[slot as usize];
                    *block = memory.realloc(*block, OldSize::of_size(old), new);
                }
                Record::Free { slot, size } => {
                    memory.realloc(blocks[slot as usize], OldSize::of_size(size), 0);
                }
                Record::FailedNew { .. } | Record::FailedResize { .. } | Record::Close => {}
            }
        }
    }
}

#[test]
fn a_state_can_be_replayed() {
    let mut file = Vec::new();
    let memory = Counting::new(Tracing::new(System, &mut file));
    let mut lua = Lua::with_seed(&memory, 1).expect("there is memory");
    perilune_stdlib::open_libs(&mut lua).expect("there is memory");
    let script =
        b"local t = {} for i = 1, 3000 do t[i] = { i, 'n' .. i, function() return i end } end collectgarbage()";
    assert_eq!(lua.load_bytes(script, b"=script", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
    memory.inner().mark_close();
    let before_close = memory.stats();
    drop(lua);
    let original = memory.stats();
    memory.inner().finish().expect("memory can be written");
    drop(memory);
    let (records, summary) = Trace::load(&file[..]).expect("it was just written");
    assert_eq!((summary.operations, summary.close_at), (original.calls, Some(before_close.calls)));
    assert!(file.len() < 5 * records.len(), "{} bytes for {} records", file.len(), records.len());
    let again = Counting::new(System);
    replay(&again, &records, summary.slots);
    let again = again.stats();
    assert_eq!((again.kinds, again.peak_bytes, again.live_bytes), (original.kinds, original.peak_bytes, 0));
    assert_eq!((again.grows, again.grown_bytes, again.frees), (original.grows, original.grown_bytes, original.frees));
}

#[test]
fn every_truncation_is_noticed() {
    let (file, _, _) = recording(30);
    for len in 0..file.len() {
        let error = Trace::load(&file[..len]).expect_err("it ends too early");
        match error.kind {
            TraceErrorKind::Foreign => assert_eq!(len, 0),
            TraceErrorKind::Truncated => assert_eq!(error.offset, len as u64),
            _ => panic!("{len}: {error}"),
        }
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let (file, _, _) = recording(30);
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            let error = Trace::load(&damaged[..]).expect_err("a bit is wrong");
            assert!(error.offset <= damaged.len() as u64, "{error}");
            let right = match error.kind {
                TraceErrorKind::Foreign => at < 8,
                TraceErrorKind::Version(_) => (8..12).contains(&at),
                TraceErrorKind::Truncated | TraceErrorKind::Damaged(_) => at >= 12,
                _ => false,
            };
            assert!(right, "byte {at}, bit {bit}: {error}");
        }
    }
    let mut longer = file.clone();
    longer.push(0);
    let error = Trace::load(&longer[..]).expect_err("there is more");
    assert_eq!(
        error.to_string(),
        format!("the trace is damaged at byte {}: something follows the end mark", file.len())
    );
}

#[test]
fn other_files_are_told() {
    let text = Trace::new(&b"#!/bin/sh\n"[..]).expect_err("a script");
    assert_eq!(text.to_string(), "this is no allocation trace (its first bytes are others)");
    let later = Trace::new(&b"\x89PLT\r\n\x1a\n\x02\0\0\0\0\0\0\0"[..]).expect_err("from the future");
    assert_eq!(later.to_string(), "the trace is of version 2, and only version 1 is known (byte 8)");
}

/// The frame of some records, with its right checksum.
fn with_frame(records: &[u8]) -> Vec<u8> {
    let mut hash = records.len() as u64;
    for part in records.chunks(8) {
        let word = part.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 32;
    }
    let mut file = b"\x89PLT\r\n\x1a\n\x01\0\0\0\0\0\0\0".to_vec();
    file.extend((records.len() as u32).to_le_bytes());
    file.extend((hash as u32).to_le_bytes());
    file.extend(records);
    file
}

#[test]
fn records_that_make_no_sense_are_told() {
    let cases: [(&[u8], u64, &str); 14] = [
        (b"\x01\x01\x08", 25, "a slot was skipped"),
        (b"\x01\x00\x00", 26, "a size is 0"),
        (
            b"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x00\x01",
            38,
            "more bytes were given than can be counted",
        ),
        (b"\x03\x00", 25, "a slot without a live block is used"),
        (b"\x01\x00\x08\x03\x00\x02\x00\x08", 30, "a slot without a live block is used"),
        (b"\x01\x00\x08\x01\x00\x08", 28, "a new block has the slot of a live one"),
        (b"\x31\x00\x08", 24, "a tag is unknown"),
        (b"\x42", 24, "a tag is unknown"),
        (b"\x08", 24, "a tag is unknown"),
        (b"\x06\x06", 25, "the close begins twice"),
        (b"\x04\x80\x00", 25, "a number is too large or too long"),
        (b"\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03", 25, "a number is too large or too long"),
        (b"\x04\x80", 25, "a frame ends within a record"),
        (b"\x00\x07\x00\x00\x00", 25, "the end mark's figures are not those of the records"),
    ];
    for (records, offset, text) in cases {
        let error = Trace::load(&with_frame(records)[..]).expect_err(text);
        assert_eq!(error.to_string(), format!("the trace is damaged at byte {offset}: {text}"));
    }
    let good = Trace::load(&with_frame(b"\x11\x00\x08\x00\x0a\x00\x09\x07\x03\x01\x01")[..]).expect("it makes sense");
    let resized = Record::Resize { slot: 0, old: 8, new: 9, moved: true };
    assert_eq!(good.0, [Record::New { slot: 0, kind: AllocKind::Table, size: 8 }, Record::Empty, resized]);
}

/// Writes so many bytes, and then fails or panics.
struct Bounded<'a> {
    left: &'a Cell<usize>,
    panics: bool,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.left.get());
        self.left.set(self.left.get() - n);
        match n {
            0 if self.panics => panic!("a writer's own panic"),
            0 => Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full")),
            n => Ok(n),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn write_errors_are_kept() {
    for (panics, room) in [(false, 0), (false, 20), (false, 100_000), (true, 10), (true, 70_000)] {
        let left = Cell::new(room);
        let memory = Tracing::new(Counting::new(System), Bounded { left: &left, panics });
        let done = work(&memory, 40_000, 3);
        assert_eq!(memory.inner().live_bytes(), 0);
        assert_eq!(memory.inner().stats().frees as usize, done.iter().filter(|(what, _)| *what == "free").count());
        // The first frame of 64 KiB is written by then, the second one is not.
        assert_eq!(memory.is_recording(), room > 66_000);
        for _ in 0..2 {
            let error = memory.finish().expect_err("there was too little room");
            assert_eq!(error.to_string(), if panics { "writing panicked" } else { "the disk is full" });
        }
    }
}

/// Whether a type can be sent is known at compile time.
const fn is_send<T: Send>() {}
const _: () = is_send::<Tracing<Counting<System>, Vec<u8>>>();
