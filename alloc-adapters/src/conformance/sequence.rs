//! Sequences of calls: what they consist of, the fixed ones, and random ones.

use perilune_core::AllocKind;

/// A step of a sequence. Blocks have numbers of their own, so that a step keeps its meaning when others are taken out; a
/// step about a block that is not live does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new block.
    New {
        /// Its number.
        block: usize,
        /// What it is for.
        kind: AllocKind,
        /// Its size, not 0.
        size: usize,
    },
    /// A block gets another size.
    Resize {
        /// Its number.
        block: usize,
        /// The new size, not 0.
        size: usize,
    },
    /// A block is freed.
    Free {
        /// Its number.
        block: usize,
    },
    /// A null pointer and size 0.
    Empty {
        /// The old size that is said.
        osize: usize,
    },
    /// A new block of a size that cannot be had.
    HugeNew {
        /// What it is for.
        kind: AllocKind,
        /// The size.
        size: usize,
    },
    /// A resize to a size that cannot be had.
    HugeResize {
        /// The block's number.
        block: usize,
        /// The size.
        size: usize,
    },
    /// The adapter is moved within the thread.
    MoveAdapter,
    /// What follows happens in another thread.
    MoveThread,
    /// Blocks of falling sizes until no more come, or enough.
    Fill,
    /// Frees the blocks of `Fill`.
    Drain,
}

/// Sizes that no memory has.
pub(super) const HUGE: [usize; 12] = [
    usize::MAX,
    usize::MAX - 1,
    usize::MAX - 8,
    usize::MAX - 15,
    usize::MAX - 16,
    usize::MAX - 63,
    usize::MAX / 2 + 2,
    usize::MAX / 2 + 1,
    isize::MAX as usize,
    isize::MAX as usize - 15,
    isize::MAX as usize - 64,
    isize::MAX as usize / 2 + 2,
];

/// Sizes at which allocators change their minds.
const EDGES: [usize; 24] =
    [1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 128, 129, 511, 1000, 1024, 4096, 5000, 40_000];

/// The fixed sequences, which try each rule by itself before any chance comes in.
pub(super) fn fixed(threads: bool) -> Vec<Vec<Step>> {
    let mut all = vec![[0, 4, 8, 16, usize::MAX].map(|osize| Step::Empty { osize }).to_vec()];
    let new = |block, size| Step::New { block, kind: AllocKind::Table, size };
    for kind in AllocKind::ALL {
        all.push((1..=24).map(|size| Step::New { block: size, kind, size }).collect());
    }
    for sizes in (1..=320usize).collect::<Vec<_>>().chunks(64) {
        all.push(sizes.iter().map(|&size| new(size, size)).collect());
    }
    all.push((9..17).flat_map(|power| [-1, 0, 1].map(|d| (1usize << power).saturating_add_signed(d))).fold(
        Vec::new(),
        |mut steps, size| {
            steps.push(new(steps.len(), size));
            steps
        },
    ));
    for from in EDGES {
        // Each resize lies between two blocks that must not change.
        let pairs = EDGES.iter().enumerate().flat_map(|(at, &to)| {
            let block = 2 * at;
            [new(block, from), new(block + 1, 24), Step::Resize { block, size: to }]
        });
        all.push(pairs.collect());
        let back =
            EDGES.iter().flat_map(|&to| [Step::Resize { block: 0, size: to }, Step::Resize { block: 0, size: from }]);
        all.push([new(0, from)].into_iter().chain(back).collect());
    }
    for size in HUGE {
        let kind = AllocKind::String;
        all.push(vec![Step::HugeNew { kind, size }, new(0, 24), new(1, 24), Step::HugeNew { kind, size }, new(2, 40)]);
        let grow = Step::HugeResize { block: 0, size };
        all.push(vec![new(0, 24), new(1, 24), grow, new(2, 24), Step::Resize { block: 0, size: 48 }, grow, new(3, 40)]);
    }
    let around = |step| {
        let blocks = [8, 40, 300].into_iter().enumerate().map(|(block, size)| new(block, size));
        let after =
            [Step::Resize { block: 0, size: 80 }, Step::Free { block: 1 }, new(3, 40), new(4, 16), step, new(5, 24)];
        blocks.chain([step]).chain(after).collect::<Vec<_>>()
    };
    all.push(around(Step::MoveAdapter));
    if threads {
        all.push(around(Step::MoveThread));
    }
    for sizes in [[64, 24, 8, 1], [1000, 400, 200, 16], [5000, 4000, 100, 48], [48, 33, 32, 17]] {
        let mut steps: Vec<Step> = (0..4).map(|block| new(block, sizes[0])).collect();
        steps.push(Step::Fill);
        for size in sizes {
            steps.extend((0..3).map(|block| Step::Resize { block, size }));
        }
        steps.extend([
            Step::Resize { block: 3, size: 9000 },
            Step::Free { block: 0 },
            Step::Resize { block: 3, size: 9000 },
        ]);
        steps.extend([Step::Drain, Step::Resize { block: 1, size: sizes[0] }]);
        all.push(steps);
    }
    all
}

/// Numbers that are the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }
}

/// A size that doubles stops here: the contents of all blocks are looked at.
const LARGEST: usize = 4 << 20;

/// Sizes, out of a function that gives a number below another.
struct Sizes<'a>(&'a mut dyn FnMut(usize) -> usize);

impl Sizes<'_> {
    fn below(&mut self, n: usize) -> usize {
        (self.0)(n)
    }

    /// A size, mostly small as those of Lua's objects are.
    fn size(&mut self) -> usize {
        match self.below(100) {
            0..55 => 1 + self.below(64),
            55..80 => 65 + self.below(448),
            80..94 => {
                let power = 1usize << (4 + self.below(10));
                power + self.below(3) - 1
            }
            94..98 => 1 + self.below(20_000),
            98 => 1 + self.below(120_000),
            _ => 1 + self.below(1_200_000),
        }
    }

    /// A new size for a block.
    fn other_size(&mut self, size: usize) -> usize {
        match self.below(8) {
            0 => size,
            1 => (size * 2).min(LARGEST),
            2 => size.div_ceil(2),
            3 => size.div_ceil(3),
            4 => size + 1 + self.below(16),
            5 => size.saturating_sub(self.below(16)).max(1),
            _ => self.size(),
        }
    }
}

/// The random sequence of a seed and a number.
pub(super) fn random(seed: u64, number: u64, length: usize, threads: bool) -> Vec<Step> {
    let mut random = Random(seed ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
    random.next();
    steps(&mut |n| random.below(n), length, number.is_multiple_of(16), threads)
}

/// A sequence of so many steps, made of numbers: each call of `below` gives one that is less than what it is asked with, and not 0
/// is asked. In between, memory may be filled to its end, which takes time, and the adapter may go to another thread.
pub fn steps(below: &mut dyn FnMut(usize) -> usize, length: usize, fill: bool, threads: bool) -> Vec<Step> {
    let mut random = Sizes(below);
    // The blocks that are live if nothing is refused, and their sizes.
    let mut live: Vec<(usize, usize)> = Vec::new();
    let mut steps = Vec::with_capacity(length);
    let fill = (fill && length > 0).then(|| random.below(length));
    for at in 0..length {
        if fill == Some(at) {
            steps.push(Step::Fill);
        }
        let kind = AllocKind::ALL[random.below(AllocKind::ALL.len())];
        let chance = random.below(100);
        if live.is_empty() || chance < 36 {
            let size = random.size();
            live.push((at, size));
            steps.push(Step::New { block: at, kind, size });
            continue;
        }
        let pick = random.below(live.len());
        let (block, old) = live[pick];
        steps.push(match chance {
            36..66 => {
                let size = random.other_size(old);
                live[pick].1 = size;
                Step::Resize { block, size }
            }
            66..86 => {
                live.swap_remove(pick);
                Step::Free { block }
            }
            86..90 => Step::Empty { osize: random.below(100) },
            90..93 => Step::HugeNew { kind, size: HUGE[random.below(HUGE.len())] },
            93..96 => Step::HugeResize { block, size: HUGE[random.below(HUGE.len())] },
            96..98 => Step::MoveAdapter,
            _ if threads => Step::MoveThread,
            _ => Step::Drain,
        });
    }
    steps
}

/// The steps in words, a line each, blocks numbered from 1 in their order.
pub(super) fn in_words(steps: &[Step]) -> Vec<String> {
    let mut numbers: Vec<usize> = Vec::new();
    let mut number = |block: usize| {
        numbers.iter().position(|&other| other == block).unwrap_or_else(|| {
            numbers.push(block);
            numbers.len() - 1
        }) + 1
    };
    let words = |step: &Step| match *step {
        Step::New { block, kind, size } => format!("block {} = a new {} of {size} bytes", number(block), noun(kind)),
        Step::Resize { block, size } => format!("block {} is resized to {size} bytes", number(block)),
        Step::Free { block } => format!("block {} is freed", number(block)),
        Step::Empty { osize } => format!("a call with a null pointer, old size {osize} and new size 0"),
        Step::HugeNew { kind, size } => format!("a new {} of {size:#x} bytes is asked for", noun(kind)),
        Step::HugeResize { block, size } => format!("block {} is to be resized to {size:#x} bytes", number(block)),
        Step::MoveAdapter => "the adapter is moved".to_owned(),
        Step::MoveThread => "the adapter goes to another thread".to_owned(),
        Step::Fill => "other blocks are made until no more come".to_owned(),
        Step::Drain => "those other blocks are freed".to_owned(),
    };
    steps.iter().map(words).collect()
}

/// What a block of a kind is called.
fn noun(kind: AllocKind) -> &'static str {
    match kind {
        AllocKind::Other => "block of kind other",
        kind => kind.name(),
    }
}
