//! From one definition of a generator to everything that draws values: `arbitrary`, `proptest`, seeds, and property tests.
//!
//! A type that can be tested with implements [`Arbitrary`], which makes a value of bytes, and [`Shrink`], which makes plainer ones of a
//! value. Both keep what is valid valid. Fuzzers hand in bytes ([`Arbitrary::arbitrary_take_rest`]); tests written with proptest
//! take [`values`], which is a [`Strategy`]; whoever counts seeds takes [`from_seed`]; and [`check`] is a whole property test.
//!
//! # How long tests take
//! [`check`] tries as many values as its caller says, which is a matter of seconds. `PERILUNE_FUZZ_CASES=100` makes that a hundred
//! times as many. The values are the same each time unless `PERILUNE_FUZZ_SEED` has a number other than 1. With `PERILUNE_FUZZ_TRACE`
//! each value is told before it is tried, so that one which ends the process can be found. `PERILUNE_FUZZ_SHRINK` is how many plainer
//! values are tried when one has failed; with 0 a test fails at once.
//!
//! # What has been found
//! When a value fails, [`check`] shrinks it and shows what is left. The seed goes to `regressions/NAME.txt` beside the manifest of the
//! crate that is tested, and is tried first from then on. As seeds mean other values when a generator changes, what fails should be
//! kept as what it is, too: [programs](crate::regression) as files, anything else as a test.
//!
//! ```
//! use arbitrary::{Arbitrary, Unstructured};
//! use perilune_fuzz::property::{self, Shrink};
//!
//! /// An even number.
//! #[derive(Clone, Debug, PartialEq)]
//! struct Even(u32);
//!
//! impl<'a> Arbitrary<'a> for Even {
//!     fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
//!         Ok(Self(u.int_in_range(0..=1000)? * 2))
//!     }
//! }
//!
//! impl Shrink for Even {
//!     fn shrink(&self, n: usize) -> Option<Self> {
//!         [self.0 / 4 * 2, self.0.saturating_sub(2)].into_iter().filter(|&x| x < self.0).nth(n).map(Self)
//!     }
//! }
//!
//! property::check("even_numbers", 100, |even: &Even| match even.0 % 2 {
//!     0 => Ok(()),
//!     _ => Err("it is odd".into()),
//! });
//! let smallest = property::minimise(Even(1000), 100, |even| even.0 > 321);
//! assert_eq!(smallest, Even(322));
//! ```

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::Rng;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use crate::random::Random;

/// A value of which plainer ones can be made.
pub trait Shrink: Sized {
    /// The `n`-th plainer value, as valid as this one; `None` if there are not so many. The boldest ones come first, and no sequence
    /// of them goes on for ever.
    fn shrink(&self, n: usize) -> Option<Self>;
}

/// The `n`-th list that is shorter than this one: runs of half the elements left out first, then shorter and shorter runs.
pub fn shorter<T: Clone>(list: &[T], n: usize) -> Option<Vec<T>> {
    let mut rest = n;
    let mut len = list.len();
    while len > 0 {
        let places = list.len().div_ceil(len);
        if rest < places {
            let at = rest * len;
            let end = (at + len).min(list.len());
            return Some([&list[..at], &list[end..]].concat());
        }
        rest -= places;
        len /= 2;
    }
    None
}

/// How many lists [`shorter`] knows for a list of so many elements.
pub fn shorter_count(len: usize) -> usize {
    let mut count = 0;
    let mut run = len;
    while run > 0 {
        count += len.div_ceil(run);
        run /= 2;
    }
    count
}

/// Lists become shorter, and then their elements plainer.
impl<T: Shrink + Clone> Shrink for Vec<T> {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(list) = shorter(self, n) {
            return Some(list);
        }
        let mut rest = n - shorter_count(self.len());
        for (at, element) in self.iter().enumerate() {
            // Elements say how many plainer ones there are only by ending.
            match (0..=rest).position(|k| element.shrink(k).is_none()) {
                Some(count) => rest -= count,
                None => {
                    let mut list = self.clone();
                    list[at] = element.shrink(rest)?;
                    return Some(list);
                }
            }
        }
        None
    }
}

/// The search for the plainest value that still fails: where it stands.
#[derive(Clone, Debug)]
struct Search<T> {
    /// The plainest value that is known to fail.
    failing: T,
    /// Which plainer value is tried next.
    next: usize,
    /// Whether a plainer value has failed since the search was last at the first one.
    progress: bool,
}

impl<T: Shrink> Search<T> {
    const fn new(failing: T) -> Self {
        Self { failing, next: 0, progress: false }
    }

    /// The next value to be tried, if there is any. After one that failed the search does not begin anew, as what was tried before is
    /// likely not to fail still; it goes around until nothing fails any more.
    fn candidate(&mut self) -> Option<T> {
        if let Some(plainer) = self.failing.shrink(self.next) {
            return Some(plainer);
        }
        if !self.progress {
            return None;
        }
        self.next = 0;
        self.progress = false;
        self.failing.shrink(0)
    }

    /// The candidate fails, too.
    fn fails(&mut self, candidate: T) {
        self.failing = candidate;
        self.progress = true;
    }

    /// The candidate does not fail.
    fn passes(&mut self) {
        self.next += 1;
    }
}

/// Makes a value that fails plainer as long as it fails, with so many tries at most.
pub fn minimise<T: Shrink>(value: T, tries: usize, mut fails: impl FnMut(&T) -> bool) -> T {
    let mut search = Search::new(value);
    for _ in 0..tries {
        let Some(candidate) = search.candidate() else { break };
        if fails(&candidate) {
            search.fails(candidate);
        } else {
            search.passes();
        }
    }
    search.failing
}

/// The value that bytes stand for, whatever they are; `None` if a type refuses some.
pub fn from_bytes<T: for<'a> Arbitrary<'a>>(bytes: &[u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

/// The value of a seed, made of so many bytes; `None` if a type refuses some.
pub fn from_seed<T: for<'a> Arbitrary<'a>>(seed: u64, bytes: usize) -> Option<T> {
    from_bytes(&bytes_of_seed(seed, bytes))
}

/// So many bytes as a seed gives them.
pub fn bytes_of_seed(seed: u64, count: usize) -> Vec<u8> {
    Random::new(seed).bytes(count)
}

/// A proptest strategy for every type that knows how to be made and how to shrink.
pub struct Values<T> {
    bytes: RangeInclusive<usize>,
    of: PhantomData<fn() -> T>,
}

/// Values of a type, made of a few bytes or of some thousand.
pub const fn values<T>() -> Values<T> {
    values_of_size(16..=4096)
}

/// Values of a type that are made of so many bytes.
pub const fn values_of_size<T>(bytes: RangeInclusive<usize>) -> Values<T> {
    Values { bytes, of: PhantomData }
}

impl<T> Debug for Values<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("bytes", &self.bytes).finish()
    }
}

impl<T: for<'a> Arbitrary<'a> + Shrink + Clone + Debug> Strategy for Values<T> {
    type Tree = Tree<T>;
    type Value = T;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let span = self.bytes.end().saturating_sub(*self.bytes.start()) as u64 + 1;
        // As many small ones as large ones: the logarithm of the size is spread evenly.
        let shift = runner.rng().next_u32() % (u64::BITS - span.leading_zeros());
        let size = self.bytes.start() + ((runner.rng().next_u64() % span) >> shift) as usize;
        let mut bytes = vec![0; size];
        runner.rng().fill_bytes(&mut bytes);
        let value = from_bytes::<T>(&bytes).ok_or("the type refuses these bytes")?;
        Ok(Tree { search: Search::new(value), candidate: None })
    }
}

/// A value that proptest may shrink.
#[derive(Clone, Debug)]
pub struct Tree<T> {
    search: Search<T>,
    /// What is tried now; none when that is the plainest value which is known to fail.
    candidate: Option<T>,
}

impl<T: Shrink + Clone + Debug> ValueTree for Tree<T> {
    type Value = T;

    fn current(&self) -> T {
        self.candidate.as_ref().unwrap_or(&self.search.failing).clone()
    }

    fn simplify(&mut self) -> bool {
        if let Some(failed) = self.candidate.take() {
            self.search.fails(failed);
        }
        self.candidate = self.search.candidate();
        self.candidate.is_some()
    }

    fn complicate(&mut self) -> bool {
        if self.candidate.take().is_some() {
            self.search.passes();
            self.candidate = self.search.candidate();
        }
        self.candidate.is_some()
    }
}

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// How many cases a test tries that tries so many by default: `PERILUNE_FUZZ_CASES` times as many.
pub fn cases(default: u32) -> u32 {
    let times = variable("PERILUNE_FUZZ_CASES").unwrap_or(1);
    u32::try_from(u64::from(default).saturating_mul(times)).unwrap_or(u32::MAX)
}

/// Which seed a test begins with: `PERILUNE_FUZZ_SEED`, or 1.
pub fn seed() -> u64 {
    variable("PERILUNE_FUZZ_SEED").unwrap_or(1)
}

/// How many plainer values are tried when one has failed: `PERILUNE_FUZZ_SHRINK`, or so many.
pub fn tries(default: u32) -> u32 {
    variable("PERILUNE_FUZZ_SHRINK").map_or(default, |tries| u32::try_from(tries).unwrap_or(u32::MAX))
}

/// A runner for a property test of this name that tries so many values by default.
pub fn runner(name: &str, default: u32) -> TestRunner {
    let file = std::env::var("CARGO_MANIFEST_DIR").map(|crate_| format!("{crate_}/regressions/{name}.txt"));
    let persistence = match file {
        // A test's few names may well live as long as it does.
        Ok(path) => FileFailurePersistence::Direct(path.leak()),
        Err(_) => FileFailurePersistence::Off,
    };
    let config = Config {
        cases: cases(default),
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: tries(20_000),
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let mut bytes = seed().to_le_bytes().to_vec();
    bytes.extend(name.bytes().chain(std::iter::repeat(0)).take(24));
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A property test: every value has the property, or the plainest one is shown that does not. See the page of this module for how
/// many are tried, and which.
///
/// # Panics
/// A value does not have the property.
#[track_caller]
pub fn check<T>(name: &str, default_cases: u32, property: impl Fn(&T) -> Result<(), String>)
where
    T: for<'a> Arbitrary<'a> + Shrink + Clone + Debug,
{
    check_values(name, default_cases, values(), property);
}

/// The same with values of a certain size.
///
/// # Panics
/// A value does not have the property.
#[track_caller]
pub fn check_values<T>(name: &str, default_cases: u32, values: Values<T>, property: impl Fn(&T) -> Result<(), String>)
where
    T: for<'a> Arbitrary<'a> + Shrink + Clone + Debug,
{
    let trace = std::env::var_os("PERILUNE_FUZZ_TRACE").is_some();
    let result = runner(name, default_cases).run(&values, |value| {
        if trace {
            eprintln!("{value:?}");
        }
        property(&value).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("{name} was given up: {reason}"),
        Err(TestError::Fail(reason, value)) => panic!("{name} does not hold: {reason}\nfor {value:#?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that becomes plainer by halving or by one less.
    #[derive(Clone, Debug, PartialEq)]
    struct Number(u8);

    impl<'a> Arbitrary<'a> for Number {
        fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
            u.arbitrary().map(Self)
        }
    }

    impl Shrink for Number {
        fn shrink(&self, n: usize) -> Option<Self> {
            [self.0 / 2, self.0.saturating_sub(1)].into_iter().filter(|&x| x < self.0).nth(n).map(Self)
        }
    }

    /// A list as long as its bytes.
    #[derive(Clone, Debug, PartialEq)]
    struct Numbers(Vec<Number>);

    impl<'a> Arbitrary<'a> for Numbers {
        fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
            Ok(Self(u.bytes(u.len())?.iter().map(|&x| Number(x)).collect()))
        }
    }

    impl Shrink for Numbers {
        fn shrink(&self, n: usize) -> Option<Self> {
            self.0.shrink(n).map(Self)
        }
    }

    fn sum(numbers: &Numbers) -> u64 {
        numbers.0.iter().map(|number| u64::from(number.0)).sum()
    }

    #[test]
    fn shorter_lists() {
        let all: Vec<Vec<u8>> = (0..).map_while(|n| shorter(&[1, 2, 3], n)).collect();
        assert_eq!(all, [vec![], vec![2, 3], vec![1, 3], vec![1, 2]]);
        assert_eq!(shorter_count(3), all.len());
        for len in 0..40 {
            let list = vec![0; len];
            assert_eq!(shorter_count(len), (0..).map_while(|n| shorter(&list, n)).count());
        }
    }

    #[test]
    fn both_searches_find_the_plainest_value() {
        let numbers = Numbers((0..100).map(Number).collect());
        let least = minimise(numbers, 10_000, |numbers| sum(numbers) > 150);
        assert_eq!(sum(&least), 151);
        assert!(least.0.len() <= 3, "{least:?}");
        let mut runner = TestRunner::deterministic();
        let result = runner.run(&values_of_size::<Numbers>(50..=100), |numbers| match sum(&numbers) {
            0..=150 => Ok(()),
            _ => Err(TestCaseError::fail("too much")),
        });
        let Err(TestError::Fail(_, least)) = result else { panic!("it does not hold: {result:?}") };
        assert_eq!(sum(&least), 151);
    }

    #[test]
    fn seeds_give_the_same_each_time() {
        assert_eq!(from_seed::<Numbers>(7, 40), from_seed::<Numbers>(7, 40));
        assert_ne!(from_seed::<Numbers>(7, 40), from_seed::<Numbers>(8, 40));
        assert_eq!(from_seed::<Numbers>(7, 40).map(|numbers| numbers.0.len()), Some(40));
    }

    #[test]
    fn sizes_are_spread() {
        let strategy = values_of_size::<Numbers>(10..=1000);
        let mut runner = TestRunner::deterministic();
        let sizes: Vec<usize> =
            (0..300).map(|_| strategy.new_tree(&mut runner).expect("it refuses nothing").current().0.len()).collect();
        assert!(sizes.iter().all(|size| (10..=1000).contains(size)));
        assert!(sizes.iter().filter(|&&size| size < 50).count() > 50);
        assert!(sizes.iter().filter(|&&size| size > 300).count() > 30);
    }
}
