//! Rules about whole adapters: that two of them do not disturb each other, and that dropping one frees what is in it.

use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use perilune_core::{AllocKind, LuaAlloc, OldSize};

use super::rule::Rule;

/// What is said of a rule that was broken: what was seen, and by which steps.
pub(super) type Told = (Rule, String, Vec<String>);

const SIZES: [usize; 6] = [16, 24, 40, 56, 200, 1000];
const NEW: OldSize = OldSize::of_kind(AllocKind::Other);

/// Two adapters, their blocks made in turn; then one of them is dropped.
pub(super) fn twins<A: LuaAlloc>(make: &dyn Fn() -> A) -> Result<(), Told> {
    let (first, second) = (make(), make());
    let mut blocks: Vec<(bool, *mut u8, usize)> = Vec::new();
    let told = |what: &str, dropped: bool| {
        let mut steps = vec!["two adapters are made".to_owned(), "blocks are made in turn, and written to".to_owned()];
        steps.extend(dropped.then(|| "the blocks of the second one are freed, and it is dropped".to_owned()));
        Err((Rule::Independent, what.to_owned(), steps))
    };
    for round in 0..10 * SIZES.len() {
        let size = SIZES[round / 2 % SIZES.len()];
        let is_first = round % 2 == 0;
        let adapter = if is_first { &first } else { &second };
        // SAFETY: a null pointer asks for a new block.
        let start = unsafe { adapter.realloc(null_mut(), NEW, size) };
        let address = start as usize;
        if start.is_null() {
            continue;
        }
        if blocks.iter().any(|&(_, other, len)| (other as usize) < address + size && address < other as usize + len) {
            return told("a block of one overlaps a block of the other", false);
        }
        // SAFETY: the block was just made.
        unsafe { start.write_bytes(round as u8, size) };
        blocks.push((is_first, start, size));
    }
    // SAFETY: this is called with live blocks only, which were written to.
    let bytes = |start: *mut u8, size| unsafe { std::slice::from_raw_parts(start, size) };
    let whole = |start, size| bytes(start, size).iter().all(|&byte| byte == bytes(start, 1)[0]);
    if blocks.iter().any(|&(_, start, size)| !whole(start, size)) {
        return told("bytes of a live block have changed", false);
    }
    let firsts: Vec<u8> = blocks.iter().map(|&(_, start, _)| bytes(start, 1)[0]).collect();
    for &(_, start, size) in blocks.iter().filter(|block| !block.0) {
        // SAFETY: the block is a live one of the second adapter, and not used again.
        unsafe { second.realloc(start, OldSize::of_size(size), 0) };
    }
    drop(second);
    for (&(_, start, size), first_byte) in blocks.iter().zip(firsts).filter(|(block, _)| block.0) {
        if bytes(start, 1)[0] != first_byte || !whole(start, size) {
            return told("bytes of a live block of the first adapter have changed", true);
        }
        // SAFETY: the block is a live one of the first adapter, and not used again.
        unsafe { first.realloc(start, OldSize::of_size(size), 0) };
    }
    Ok(())
}

/// Whether blocks that were left to a dropped adapter came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkCheck {
    /// The adapter does not say that it frees in bulk.
    NotClaimed,
    /// So many bytes in dropped adapters came back.
    Came {
        /// The bytes.
        bytes: usize,
    },
    /// The resident memory of the process cannot be read here.
    NotMeasured,
}

/// The bytes of the process that are in memory; `None` where that cannot be read.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    // A page may be larger, which makes what is measured smaller, never larger.
    text.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(4096)
}

/// Fills an adapter with written blocks and drops it; gives how much there was.
fn fill_and_drop<A: LuaAlloc>(adapter: A, most: usize) -> usize {
    let mut bytes = 0;
    for size in [4096, 64] {
        while bytes + size <= most {
            // SAFETY: a null pointer asks for a new block, which is written within its size.
            unsafe {
                let block = adapter.realloc(null_mut(), NEW, size);
                if block.is_null() {
                    break;
                }
                block.write_bytes(1, size);
            }
            bytes += size;
        }
    }
    bytes
}

/// Whether an adapter that says so frees everything when it is dropped: if not, the process grows.
pub(super) fn bulk<A: LuaAlloc>(make: &dyn Fn() -> A, budget: usize) -> Result<BulkCheck, Told> {
    const TOTAL: usize = 48 << 20;
    if !make().frees_in_bulk() {
        return Ok(BulkCheck::NotClaimed);
    }
    let each = fill_and_drop(make(), budget.clamp(4096, 1 << 20));
    let rounds = (TOTAL / each.max(4096)).min(2000);
    let bytes = each * rounds;
    let mut grown = 0;
    // Other threads take memory as well. Other kits wait meanwhile; what else grows does not do so each of four times.
    static MEASURING: Mutex<()> = Mutex::new(());
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..4 {
        let Some(before) = resident() else { return Ok(BulkCheck::NotMeasured) };
        for _ in 0..rounds {
            fill_and_drop(make(), each);
        }
        grown = resident().map_or(0, |after| after.saturating_sub(before));
        if grown < bytes / 2 {
            return Ok(BulkCheck::Came { bytes });
        }
    }
    let what = format!("the process grew by {} KiB, of {} KiB in adapters that were dropped", grown >> 10, bytes >> 10);
    Err((
        Rule::Bulk,
        what,
        vec![
            format!("an adapter is made, filled with {} KiB of blocks, and dropped", each >> 10),
            format!("the same {rounds} times"),
        ],
    ))
}
