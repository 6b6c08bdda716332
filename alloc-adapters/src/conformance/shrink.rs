//! Making a sequence that breaks a rule as short and its sizes as small as they can be.

use perilune_core::AllocKind;

use super::rule::Rule;
use super::sequence::Step;

/// Tries shorter and simpler sequences as long as `breaks` says that the same goes wrong, and at most so many times.
///
/// In the end no single step can be taken out, unless the tries came to their end first.
pub(super) fn shrink(mut steps: Vec<Step>, mut tries: usize, breaks: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut attempt = |candidate: &[Step]| {
        tries = tries.saturating_sub(1);
        tries > 0 && breaks(candidate)
    };
    // What one way of making it simpler changes may open the way for another.
    loop {
        let before = steps.clone();
        take_out(&mut steps, &mut attempt);
        let mut at = 0;
        while at < steps.len() {
            match without_resize(&steps, at).filter(|candidate| attempt(candidate)) {
                Some(shorter) => steps = shorter,
                None => at += 1,
            }
        }
        for at in 0..steps.len() {
            for simpler in steps[at].simpler() {
                let mut candidate = steps.clone();
                candidate[at] = simpler;
                if attempt(&candidate) {
                    steps = candidate;
                    break;
                }
            }
        }
        if steps == before {
            return steps;
        }
    }
}

/// Takes out as many steps as can be missed, in ever smaller parts.
fn take_out(steps: &mut Vec<Step>, attempt: &mut impl FnMut(&[Step]) -> bool) {
    let mut part = steps.len().div_ceil(2);
    while part > 0 {
        let before = steps.len();
        let mut at = 0;
        while at < steps.len() {
            let end = (at + part).min(steps.len());
            let candidate = [&steps[..at], &steps[end..]].concat();
            if attempt(&candidate) {
                *steps = candidate;
            } else {
                at = end;
            }
        }
        // With single steps, until none can be taken out any more.
        part = if part == 1 { (steps.len() < before) as usize } else { part / 2 };
    }
}

/// The steps without a resize, its block having the size from the beginning; `None` if the step is no resize.
fn without_resize(steps: &[Step], at: usize) -> Option<Vec<Step>> {
    let Step::Resize { block: resized, size: later } = steps[at] else { return None };
    let mut shorter = [&steps[..at], &steps[at + 1..]].concat();
    for step in &mut shorter {
        if let Step::New { block, size, .. } = step
            && *block == resized
        {
            *size = later;
        }
    }
    Some(shorter)
}

/// Sizes that are easy to read.
const EASY: [usize; 12] = [1, 8, 16, 17, 24, 32, 48, 64, 128, 256, 1024, 4096];

impl Step {
    /// The same step with less in it, the simplest first.
    pub fn simpler(self) -> Vec<Self> {
        let sizes = |size| EASY.into_iter().filter(move |&easy| easy < size);
        match self {
            Step::New { block, kind, size } => {
                let other = AllocKind::Other;
                let kinds = move |size| [Step::New { block, kind: other, size }, Step::New { block, kind, size }];
                sizes(size).chain([size]).flat_map(kinds).filter(|&simpler| simpler != self).collect()
            }
            Step::Resize { block, size } => sizes(size).map(|size| Step::Resize { block, size }).collect(),
            Step::HugeNew { kind, size } if kind != AllocKind::Other => {
                vec![Step::HugeNew { kind: AllocKind::Other, size }]
            }
            Step::Empty { osize } if osize > 0 => vec![Step::Empty { osize: 0 }],
            _ => Vec::new(),
        }
    }
}

/// The rule that a sequence breaks in which no step can be missed, and which was seen to break `seen`.
///
/// What is seen is often a consequence: when a block that was freed too early is given out again, two blocks overlap. But if it
/// takes a failure, or a move, to come there, then that is what the allocator does wrong.
pub(super) fn blame(steps: &[Step], seen: Rule) -> Rule {
    let has = |what: fn(&Step) -> bool| steps.iter().any(what);
    let consequence = matches!(seen, Rule::Overlap | Rule::Contents | Rule::Serves | Rule::Unwinds | Rule::Free);
    if has(|step| *step == Step::MoveThread) {
        Rule::Threads
    } else if has(|step| *step == Step::MoveAdapter) {
        Rule::AdapterMoves
    } else if consequence && seen != Rule::Serves && has(|step| matches!(step, Step::HugeResize { .. })) {
        Rule::FailureKeeps
    } else if consequence && has(|step| matches!(step, Step::HugeNew { .. } | Step::HugeResize { .. })) {
        Rule::UsableAfterFailure
    } else {
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(block: usize, size: usize) -> Step {
        Step::New { block, kind: AllocKind::Thread, size }
    }

    #[test]
    fn what_matters_is_left() {
        let mut steps: Vec<Step> = (0..100).map(|block| new(block, 500 + block)).collect();
        steps.insert(50, Step::Resize { block: 7, size: 3000 });
        steps.insert(80, Step::Free { block: 33 });
        // It takes these three, in this order, and a size of 100 at least.
        let breaks = |steps: &[Step]| {
            let block = steps.iter().position(|step| matches!(step, Step::New { block: 33, .. }));
            let resize = steps.iter().position(|step| matches!(step, Step::Resize { size: 100.., .. }));
            let free = steps.iter().position(|step| matches!(step, Step::Free { block: 33 }));
            block.is_some() && block < resize && resize < free
        };
        assert!(breaks(&steps));
        let left = shrink(steps, 1000, breaks);
        let first = Step::New { block: 33, kind: AllocKind::Other, size: 1 };
        assert_eq!(left, [first, Step::Resize { block: 7, size: 128 }, Step::Free { block: 33 }]);
        // A size of 5 to 10 at the end: growing there is not what matters.
        let breaks = |steps: &[Step]| {
            let size = steps.iter().fold(0, |size, step| match *step {
                Step::New { size, .. } | Step::Resize { size, .. } => size,
                _ => size,
            });
            matches!(steps.first(), Some(Step::New { .. })) && (5..=10).contains(&size)
        };
        let left = shrink(vec![new(0, 1), Step::Resize { block: 0, size: 7 }], 1000, breaks);
        assert_eq!(left, [Step::New { block: 0, kind: AllocKind::Other, size: 7 }]);
    }

    #[test]
    fn tries_come_to_an_end() {
        let steps: Vec<Step> = (0..100).map(|block| new(block, 500)).collect();
        assert_eq!(shrink(steps, 1, |_| true).len(), 100);
    }
}
