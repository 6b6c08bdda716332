//! The allocator's inside; what every adapter must do is tested in `tests/adapters.rs`.

use perilune_core::AllocKind;

use super::large::LARGE_HEAD;
use super::page::HEAD;
#[cfg(unix)]
use super::range::GRANULE;
use super::*;

const NEW: OldSize = OldSize::of_kind(AllocKind::Table);

fn new(memory: &Slab, size: usize) -> *mut u8 {
    // SAFETY: a null pointer asks for a new block.
    unsafe { memory.realloc(null_mut(), NEW, size) }
}

/// # Safety
/// The block is live, and has this size.
unsafe fn free(memory: &Slab, block: *mut u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { memory.realloc(block, OldSize::of_size(size), 0) };
}

#[test]
fn blocks_of_a_class_lie_together() {
    let memory = Slab::new();
    let blocks = [56, 32, 64, 49].map(|size| new(&memory, size));
    // The page's head may be between two of them.
    assert!([0, 2].iter().all(|&i| blocks[3].addr() - blocks[i].addr() <= 3 * 64));
    assert_eq!(head_of(blocks[0]), head_of(blocks[3]));
    assert_ne!(head_of(blocks[0]), head_of(blocks[1]));
    assert_eq!(memory.reserved(), FIRST_CHUNK);
    // SAFETY: the blocks are live.
    unsafe {
        free(&memory, blocks[2], 64);
        assert_eq!(new(&memory, 50), blocks[2]);
        // Small changes stay in place.
        assert_eq!(memory.realloc(blocks[0], OldSize::of_size(56), 40), blocks[0]);
        assert_eq!(memory.realloc(blocks[0], OldSize::of_size(40), 64), blocks[0]);
        assert_ne!(memory.realloc(blocks[0], OldSize::of_size(64), 20), blocks[0]);
    }
}

#[test]
fn no_block_touches_a_head_or_the_next_page() {
    for size in [16, 48, 1000, 1024, 1280, 5000, SMALL_MAX] {
        let memory = Slab::new();
        let blocks: Vec<_> = (0..80 * PAGE / size).map(|_| new(&memory, size)).collect();
        for &block in &blocks {
            let (first, last) = (head_of(block), block.wrapping_add(size - 1));
            assert_eq!(first, head_of(last));
            assert!(last < first.cast() || block >= first.cast::<u8>().wrapping_add(HEAD));
            // SAFETY: the block is live.
            unsafe { block.write_bytes(0xFF, size) };
        }
        let mut sorted = blocks.clone();
        sorted.sort();
        assert!(sorted.windows(2).all(|pair| pair[1].addr() - pair[0].addr() >= size));
        for block in blocks {
            // SAFETY: the block is live.
            unsafe { free(&memory, block, size) };
        }
    }
}

#[test]
fn a_full_page_serves_again_when_a_block_of_it_is_freed() {
    let memory = Slab::new();
    let blocks: Vec<_> = (0..3 * PAGE / 64).map(|_| new(&memory, 64)).collect();
    // SAFETY: the blocks are live.
    unsafe {
        free(&memory, blocks[5], 64);
        free(&memory, blocks[7], 64);
        let again: Vec<_> = (0..PAGE / 64).map(|_| new(&memory, 64)).collect();
        assert!(again.contains(&blocks[5]) && again.contains(&blocks[7]));
    }
}

#[test]
fn pages_of_one_size_serve_another() {
    let memory = Slab::new();
    let mut reserved = 0;
    // Each round fills some 6 MB with blocks of another size.
    for (round, size) in [32, 48, 1000, 64, 4000, 16].into_iter().enumerate() {
        let blocks: Vec<_> = (0..6_000_000 / size).map(|_| new(&memory, size)).collect();
        for &block in &blocks {
            // SAFETY: the block is live.
            unsafe {
                block.write_bytes(round as u8, size);
                free(&memory, block, size);
            }
        }
        reserved = memory.reserved();
    }
    assert!(reserved < 14_000_000, "{reserved}");
}

#[test]
fn pages_with_live_blocks_are_left_alone() {
    let memory = Slab::new();
    let mut kept = Vec::new();
    for size in [32, 48, 80, 112] {
        let blocks: Vec<_> = (0..200_000).map(|_| new(&memory, size)).collect();
        for (i, &block) in blocks.iter().enumerate() {
            // SAFETY: the block is live.
            unsafe {
                block.write_bytes(size as u8, size);
                if i % 5000 == 0 {
                    kept.push((block, size));
                } else {
                    free(&memory, block, size);
                }
            }
        }
    }
    for &(block, size) in &kept {
        // SAFETY: the block is live.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(block, size), vec![size as u8; size]);
            free(&memory, block, size);
        }
    }
}

#[test]
fn large_blocks_keep_their_list() {
    let memory = Slab::new();
    let before = memory.reserved();
    // SAFETY: the blocks are live where they are used.
    unsafe {
        let mut blocks: Vec<_> = (1..20).map(|i| (new(&memory, 9600 + 1600 * i), 9600 + 1600 * i)).collect();
        let sum: usize = blocks.iter().map(|&(_, size)| size + LARGE_HEAD).sum();
        assert_eq!(memory.reserved() - before, sum);
        for (block, size) in &mut blocks {
            block.write(7);
            *block = memory.realloc(*block, OldSize::of_size(*size), *size * 3);
            *size *= 3;
            assert_eq!(block.read(), 7);
        }
        for place in [3, 15, 0, 0, 8] {
            let (block, size) = blocks.remove(place);
            free(&memory, block, size);
        }
        // To a small size and back.
        let (block, size) = blocks.remove(4);
        let block = memory.realloc(block, OldSize::of_size(size), 50);
        assert_eq!(block.read(), 7);
        let block = memory.realloc(block, OldSize::of_size(50), 9000);
        assert_eq!(block.read(), 7);
        free(&memory, block, 9000);
        let sum: usize = blocks.iter().map(|&(_, size)| size + LARGE_HEAD).sum();
        assert_eq!(memory.large_bytes.get(), sum);
    }
}

/// A very large block of about so many bytes, which fills its range.
#[cfg(unix)]
fn very_large(memory: &Slab, bytes: usize) -> (*mut u8, usize) {
    let size = bytes.next_multiple_of(GRANULE) - LARGE_HEAD;
    let block = new(memory, size);
    // SAFETY: it is a new one of that size.
    unsafe { block.write_bytes((bytes >> 20) as u8, size) };
    (block, size)
}

#[cfg(unix)]
#[test]
fn very_large_blocks_go_back_bit_by_bit() {
    let memory = Slab::new();
    let (first, second) = (very_large(&memory, 5 << 20), very_large(&memory, 3 << 20));
    let before = memory.large_bytes.get();
    // SAFETY: the blocks are live where they are used.
    unsafe {
        free(&memory, first.0, first.1);
        free(&memory, second.0, second.1);
        assert_eq!(memory.large_bytes.get(), before);
        // Another block takes about as much from them as it has.
        let third = new(&memory, 10_000);
        let head = (10_000 + LARGE_HEAD).next_multiple_of(GRANULE);
        assert_eq!(memory.large_bytes.get(), before - head + 10_000 + LARGE_HEAD);
        let grown = memory.realloc(third, OldSize::of_size(10_000), 100_000);
        assert!(memory.large_bytes.get() < before);
        // So do new pages.
        let small: Vec<_> = (0..140_000).map(|_| new(&memory, 64)).collect();
        assert!(!memory.has_ranges());
        assert_eq!(memory.large_bytes.get(), 100_000 + LARGE_HEAD);
        for block in small {
            free(&memory, block, 64);
        }
        free(&memory, grown, 100_000);
        // One is left to the end.
        let (last, size) = very_large(&memory, 1 << 20);
        free(&memory, last, size);
        assert!(memory.has_ranges());
    }
}

#[cfg(unix)]
#[test]
fn very_large_blocks_serve_others() {
    let memory = Slab::new();
    let (first, size) = very_large(&memory, 8 << 20);
    let before = memory.large_bytes.get();
    // SAFETY: the blocks are live where they are used.
    unsafe {
        free(&memory, first, size);
        // Two that lie one behind the other; the second one grows into the rest, shrinks and grows again.
        let (second, second_size) = very_large(&memory, 1 << 20);
        let (third, third_size) = very_large(&memory, 2 << 20);
        assert_eq!((second, third), (first, first.add(1 << 20)));
        for size in [4 << 20, 3 << 20, (7 << 20) - LARGE_HEAD, third_size] {
            assert_eq!(memory.realloc(third, OldSize::of_size(third_size), size), third);
            assert_eq!(memory.realloc(third, OldSize::of_size(size), third_size), third);
        }
        assert_eq!(std::slice::from_raw_parts(third, third_size), vec![2; third_size]);
        // The first one has no room behind it, but there is a range into which it is copied.
        let grown = memory.realloc(second, OldSize::of_size(second_size), 4 << 20);
        assert_eq!(grown, third.add(third_size + LARGE_HEAD));
        assert_eq!(std::slice::from_raw_parts(grown, second_size), vec![1; second_size]);
        free(&memory, third, third_size);
        free(&memory, grown, 4 << 20);
        assert_eq!(memory.large_bytes.get(), before);
        // All is one range again, whichever neighbour was freed first.
        let (whole, size) = very_large(&memory, 8 << 20);
        assert_eq!(whole, first);
        // A larger one needs new pages.
        let larger = memory.realloc(whole, OldSize::of_size(size), 20 << 20);
        assert_eq!(std::slice::from_raw_parts(larger, size), vec![8; size]);
        // Small again, it is the system's, and its range is kept.
        let less = memory.realloc(larger, OldSize::of_size(20 << 20), 20_000);
        assert!(memory.has_ranges());
        assert_eq!(std::slice::from_raw_parts(less, 20_000), vec![8; 20_000]);
        free(&memory, less, 20_000);
    }
}

#[test]
fn a_large_block_may_pass_for_a_small_one() {
    // What happens when a large block is to become small and there is no memory for that.
    let memory = Slab::new();
    for (next, strays) in [(0, 0), (50, 0), (9000, 0), (MAX + 1, 1)] {
        let block = new(&memory, 20_000);
        let other = new(&memory, 100);
        memory.strays.set(1);
        // SAFETY: S4: it is a block of 100 bytes, too.
        unsafe {
            block.write_bytes(1, 100);
            // Others are known not to be it.
            free(&memory, other, 100);
            assert_eq!(memory.strays.get(), 1);
            let moved = memory.realloc(block, OldSize::of_size(100), next);
            assert_eq!(memory.strays.get(), strays);
            if !moved.is_null() {
                assert_eq!(std::slice::from_raw_parts(moved, 50), [1; 50]);
                free(&memory, moved, next);
            } else if next > 0 {
                free(&memory, block, 100);
            }
        }
        assert_eq!((memory.strays.get(), memory.large_bytes.get()), (0, 0));
    }
}
