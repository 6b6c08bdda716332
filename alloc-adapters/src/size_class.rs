//! Size classes.
//!
//! Up to 1024 bytes there is a class for every multiple of 16, and a block has exactly its class's size. Above, each doubling is
//! divided into four classes, so that at most a fifth of a block is unused.

/// What blocks are aligned to, and the distance of the small classes.
pub(crate) const ALIGN: usize = 16;
/// The largest size whose class has exactly the sizes that are asked for, rounded up to [`ALIGN`].
pub(crate) const EXACT_MAX: usize = 1024;
/// How many exact classes there are.
const EXACT: usize = EXACT_MAX / ALIGN;
/// Into how many classes each doubling is divided above, as a power of two.
const STEP_BITS: u32 = 2;
/// The exponent of [`EXACT_MAX`].
const EXACT_BITS: u32 = EXACT_MAX.ilog2();

/// How many classes there are for sizes up to `max`, which is a power of two from [`EXACT_MAX`] on.
pub(crate) const fn class_count(max: usize) -> usize {
    EXACT + (((max.ilog2() - EXACT_BITS) as usize) << STEP_BITS)
}

/// The class of a size from 1 to [`EXACT_MAX`].
#[inline(always)]
pub(crate) const fn exact_class(size: usize) -> usize {
    ((size - 1) / ALIGN) % EXACT
}

/// The class of a size from 1 on, and the size of the blocks of that class. The size is at most a quarter of the address space.
#[inline]
pub(crate) const fn class_of(size: usize) -> (usize, usize) {
    if size <= EXACT_MAX {
        let class = exact_class(size);
        return (class, (class + 1) * ALIGN);
    }
    let last = size - 1;
    let shift = last.ilog2() - STEP_BITS;
    let steps = last >> shift;
    (
        EXACT + (((shift - (EXACT_BITS - STEP_BITS)) as usize) << STEP_BITS) + steps % (1 << STEP_BITS),
        (steps + 1) << shift,
    )
}

/// The size of the blocks of a class.
#[inline(always)]
pub(crate) const fn class_size(class: usize) -> usize {
    if class < EXACT {
        return (class + 1) * ALIGN;
    }
    let above = class - EXACT;
    let shift = (above >> STEP_BITS) as u32 + EXACT_BITS - STEP_BITS;
    ((1 << STEP_BITS) + above % (1 << STEP_BITS) + 1) << shift
}

/// A free block: its first word is the next one's address.
pub(crate) struct Free {
    pub(crate) next: *mut Free,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_sizes_agree() {
        let mut size = 1;
        while size < 1 << 40 {
            let (class, rounded) = class_of(size);
            assert!(rounded >= size && rounded.is_multiple_of(ALIGN), "{size}");
            assert_eq!(class_size(class), rounded, "{size}");
            assert!(class == 0 || class_size(class - 1) < size, "{size}");
            assert_eq!(class_of(rounded), (class, rounded));
            assert!(class < class_count(size.next_power_of_two().max(EXACT_MAX)), "{size}");
            if size <= EXACT_MAX {
                assert_eq!(exact_class(size), class);
                assert!(rounded - size < ALIGN);
            } else {
                assert!((rounded - size) * 5 <= rounded, "{size}");
            }
            size += size / 37 + 1;
        }
    }
}
