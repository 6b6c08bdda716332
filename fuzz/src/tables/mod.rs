//! Tables beside a model: what happens to one table, step by step.
//!
//! A [`Story`] makes a table and then reads, writes, fills, clears, and walks through it, with steps of the collector in between.
//! [`tell`] has it happen to a [`Subject`], of which there are three (the bare table of `perilune-core`, the host API, compiled
//! code), and compares each answer with a map. Borders are not compared but judged by their definition (manual §3.4.7).
//!
//! ```
//! use perilune_fuzz::{property, tables};
//!
//! let story: tables::Story = property::from_seed(1, 300).unwrap();
//! tables::tell_all(&story).unwrap();
//! ```

mod datum;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Result as Generated, Unstructured};

pub use datum::{Datum, Key};
pub use subject::{Subject, tell_all};

use crate::property::{Shrink, shorter, shorter_count};

/// What happens to a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Story {
    /// For how many elements and other entries it gets room at once.
    pub room: [u8; 2],
    /// The elements that its constructor has.
    pub items: Vec<Datum>,
    /// The other entries of its constructor, which are no elements.
    pub fields: Vec<(Datum, Datum)>,
    /// What happens then.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// `t[key] = value`
    Set(Datum, Datum),
    /// `t[key]`
    Get(Datum),
    /// `#t`
    Border,
    /// `t[#t + 1] = value`
    Append(Datum),
    /// `table.insert(t, position, value)`, if the position is right then.
    Insert(u8, Datum),
    /// `table.remove(t, position)`, if the position is right then.
    Remove(u8),
    /// Integer keys in a row get values, from the first or from the last one.
    Fill {
        /// The first key.
        from: i64,
        /// How many.
        count: u8,
        /// Whether the last one comes first.
        down: bool,
    },
    /// Integer keys in a row are cleared.
    Clear {
        /// The first key.
        from: i64,
        /// How many.
        count: u8,
    },
    /// `next` from the beginning to the end.
    Walk {
        /// Of eight entries, which are cleared when they are reached.
        clear: u8,
        /// Of eight entries, which get another value.
        change: u8,
        /// Of eight entries, at which the collector does something.
        collect: u8,
    },
    /// `next(t, key)`
    Next(Datum),
    /// The collector does a step, or a whole cycle.
    Collect(u8),
    /// The heap is checked.
    Check,
}

impl<'a> Arbitrary<'a> for Story {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        let room = if u.ratio(1, 2)? { [u.int_in_range(0..=20)?, u.int_in_range(0..=20)?] } else { [0, 0] };
        let count = if u.ratio(1, 2)? { u.int_in_range(0..=60)? } else { 0 };
        let items = (0..count).map(|_| Datum::value(u)).collect::<Generated<_>>()?;
        let mut fields = Vec::new();
        for _ in 0..if u.ratio(1, 2)? { u.int_in_range(0..=9)? } else { 0 } {
            let (key, value) = (Datum::key(u)?, Datum::value(u)?);
            if key.as_key().is_some_and(|key| !matches!(key, Key::Integer(_))) {
                fields.push((key, value));
            }
        }
        let mut steps = Vec::new();
        while steps.len() < 150 && !u.is_empty() {
            steps.push(u.arbitrary()?);
        }
        Ok(Self { room, items, fields, steps })
    }
}

/// Where rows of integers begin: at the first element, around 0, or near a limit.
fn beginning(u: &mut Unstructured<'_>) -> Generated<i64> {
    if u.ratio(4, 5)? {
        u.int_in_range(1..=4)
    } else {
        u.choose(&[0, -5, 60, 1 << 31, i64::MAX - 20, i64::MIN]).copied()
    }
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        Ok(match u.int_in_range(0..=31)? {
            0..=8 => Self::Set(Datum::key(u)?, Datum::value(u)?),
            9..=11 => Self::Set(Datum::key(u)?, Datum::Nil),
            12..=14 => Self::Get(Datum::key(u)?),
            15 | 16 => Self::Border,
            17 | 18 => Self::Append(Datum::value(u)?),
            19 => Self::Insert(u.int_in_range(0..=20)?, Datum::value(u)?),
            20 | 21 => Self::Remove(u.int_in_range(0..=20)?),
            22 => Self::Fill { from: beginning(u)?, count: u.int_in_range(0..=40)?, down: u.arbitrary()? },
            23 | 24 => Self::Clear { from: beginning(u)?, count: u.int_in_range(0..=30)? },
            25..=27 => {
                let mut mask = || if u.arbitrary()? { u.arbitrary() } else { Ok(0) };
                Self::Walk { clear: mask()?, change: mask()?, collect: mask()? }
            }
            28 => Self::Next(Datum::key(u)?),
            29 | 30 => Self::Collect(u.arbitrary()?),
            _ => Self::Check,
        })
    }
}

impl Shrink for Story {
    fn shrink(&self, n: usize) -> Option<Self> {
        let mut rest = n;
        if let Some(steps) = shorter(&self.steps, rest) {
            return Some(Self { steps, ..self.clone() });
        }
        rest -= shorter_count(self.steps.len());
        if let Some(items) = shorter(&self.items, rest) {
            return Some(Self { items, ..self.clone() });
        }
        rest -= shorter_count(self.items.len());
        if let Some(fields) = shorter(&self.fields, rest) {
            return Some(Self { fields, ..self.clone() });
        }
        rest -= shorter_count(self.fields.len());
        if self.room != [0, 0] {
            if rest == 0 {
                return Some(Self { room: [0, 0], ..self.clone() });
            }
            rest -= 1;
        }
        let plainer = self.steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.plainer()?)));
        let (at, step) = plainer.into_iter().nth(rest)?;
        let mut steps = self.steps.clone();
        steps[at] = step;
        Some(Self { steps, ..self.clone() })
    }
}

impl Step {
    /// A step that does less.
    fn plainer(&self) -> Option<Self> {
        let plain = Datum::Integer(1);
        match *self {
            Self::Set(ref key, ref value) if *value != Datum::Nil && *value != plain => {
                Some(Self::Set(key.clone(), plain))
            }
            Self::Fill { from, count, down } if count > 1 => Some(Self::Fill { from, count: count - 1, down }),
            Self::Clear { from, count } if count > 1 => Some(Self::Clear { from, count: count - 1 }),
            Self::Walk { clear, change, collect } if (clear, change, collect) != (0, 0, 0) => {
                let less = |mask: u8| mask & mask.wrapping_sub(1);
                Some(match (collect, change) {
                    (0, 0) => Self::Walk { clear: less(clear), change, collect },
                    (0, _) => Self::Walk { clear, change: less(change), collect },
                    _ => Self::Walk { clear, change, collect: less(collect) },
                })
            }
            _ => None,
        }
    }
}

/// What the table must hold.
#[derive(Default)]
struct Model {
    entries: BTreeMap<Key, Datum>,
    /// All keys that were ever assigned to.
    known: BTreeSet<Key>,
}

impl Model {
    fn get(&self, key: &Datum) -> Datum {
        key.as_key().and_then(|key| self.entries.get(&key)).cloned().unwrap_or(Datum::Nil)
    }

    fn set(&mut self, key: &Datum, value: Datum) {
        let Some(key) = key.as_key() else { return };
        self.known.insert(key);
        match value {
            Datum::Nil => drop(self.entries.remove(&key)),
            value => drop(self.entries.insert(key, value)),
        }
    }

    fn has(&self, n: i64) -> bool {
        self.entries.contains_key(&Key::Integer(n))
    }

    /// Whether a number is a border.
    fn is_border(&self, n: i64) -> bool {
        n >= 0 && (n == 0 || self.has(n)) && (n == i64::MAX || !self.has(n + 1))
    }
}

/// A story in progress.
struct Telling<'s> {
    subject: &'s mut dyn Subject,
    model: Model,
}

/// Has a story happen to a new, empty table.
///
/// # Errors
/// A text that says which step went wrong and how.
pub fn tell(story: &Story, subject: &mut dyn Subject) -> Result<(), String> {
    let mut telling = Telling { subject, model: Model::default() };
    telling.subject.make(story)?;
    for (at, item) in story.items.iter().enumerate() {
        telling.model.set(&Datum::Integer(at as i64 + 1), item.clone());
    }
    for (key, value) in &story.fields {
        telling.model.set(key, value.clone());
    }
    for (at, step) in story.steps.iter().enumerate() {
        telling.step(step).map_err(|fault| format!("step {at}, {step:?}: {fault}"))?;
    }
    telling.walk([0; 3]).and_then(|()| telling.look()).map_err(|fault| format!("in the end: {fault}"))
}

/// Two things that must be the same.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, expected: &T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what} is {seen:?} instead of {expected:?}")) }
}

impl Telling<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Set(key, value) => self.set(key, value),
            Step::Get(key) => same("the value", &self.subject.get(key)?, &self.model.get(key)),
            Step::Border => self.border().map(drop),
            Step::Append(value) => {
                let border = self.border()?;
                self.set(&Datum::Integer(border.wrapping_add(1)), value)
            }
            Step::Insert(position, value) => self.insert((*position).into(), value),
            Step::Remove(position) => self.remove((*position).into()),
            Step::Fill { from, count, down } => {
                for n in 0..i64::from(*count) {
                    let n = if *down { i64::from(*count) - 1 - n } else { n };
                    let key = from.wrapping_add(n);
                    self.set(&Datum::Integer(key), &Datum::Integer(n))?;
                }
                Ok(())
            }
            Step::Clear { from, count } => {
                (0..i64::from(*count)).try_for_each(|n| self.set(&Datum::Integer(from.wrapping_add(n)), &Datum::Nil))
            }
            Step::Walk { clear, change, collect } => self.walk([*clear, *change, *collect]),
            // A key that is gone may be found or not. So may an integer, for which there is a place among the elements, and a string, which may lie
            // where one lay that is gone.
            Step::Next(key) => match (self.subject.next(key)?, key.as_key()) {
                (false, _) if self.model.get(key) != Datum::Nil => Err("the key is not found".into()),
                (true, Some(key @ (Key::Float(_) | Key::Boolean(_)))) if !self.model.known.contains(&key) => {
                    Err("a key that never was is found".into())
                }
                _ => Ok(()),
            },
            Step::Collect(how) => self.subject.collect(*how),
            Step::Check => self.look(),
        }
    }

    fn set(&mut self, key: &Datum, value: &Datum) -> Result<(), String> {
        let accepted = self.subject.set(key, value)?;
        // Reading what is no key gives nil; writing it is an error, even if it is nil that is written.
        same("whether it is accepted", &accepted, &key.as_key().is_some())?;
        self.model.set(key, value.clone());
        same("the value afterwards", &self.subject.get(key)?, &self.model.get(key))
    }

    fn border(&mut self) -> Result<i64, String> {
        let border = self.subject.border()?;
        if self.model.is_border(border) { Ok(border) } else { Err(format!("{border} is no border")) }
    }

    fn insert(&mut self, position: i64, value: &Datum) -> Result<(), String> {
        let border = self.border()?;
        if position < 1 || position > border + 1 || border > 200 {
            return Ok(());
        }
        self.subject.insert(position, border, value)?;
        for n in (position..=border).rev() {
            let moved = self.model.get(&Datum::Integer(n));
            self.model.set(&Datum::Integer(n + 1), moved);
        }
        self.model.set(&Datum::Integer(position), value.clone());
        same("the inserted value", &self.subject.get(&Datum::Integer(position))?, value)
    }

    fn remove(&mut self, position: i64) -> Result<(), String> {
        let border = self.border()?;
        if position < 1 || position > border || border > 200 {
            return Ok(());
        }
        let removed = self.subject.remove(position, border)?;
        same("the removed value", &removed, &self.model.get(&Datum::Integer(position)))?;
        for n in position..border {
            let moved = self.model.get(&Datum::Integer(n + 1));
            self.model.set(&Datum::Integer(n), moved);
        }
        self.model.set(&Datum::Integer(border), Datum::Nil);
        Ok(())
    }

    /// Walks through the table, clearing and changing entries on the way. Each entry comes once.
    fn walk(&mut self, [clear, change, collect]: [u8; 3]) -> Result<(), String> {
        let mut left: BTreeSet<Key> = self.model.entries.keys().copied().collect();
        let mut count = 0;
        self.subject.rewind();
        while let Some((key, value)) = self.subject.advance()? {
            if !key.as_key().is_some_and(|key| left.remove(&key)) {
                return Err(format!("next gives {key:?}, which is not there, or came before"));
            }
            same("the value that next gives", &value, &self.model.get(&key))?;
            let here = |mask: u8| mask >> (count % 8) & 1 != 0;
            if here(change) {
                self.set(&key, &Datum::Integer(count))?;
            }
            if here(clear) {
                self.set(&key, &Datum::Nil)?;
                // Now and then one that has not come yet, too, which does not come then.
                if count % 3 == 0
                    && let Some(other) = left.pop_last()
                {
                    self.set(&other.into(), &Datum::Nil)?;
                }
            }
            if here(collect) {
                self.subject.collect(count as u8)?;
            }
            count += 1;
        }
        if left.is_empty() { Ok(()) } else { Err(format!("next never gave {left:?}")) }
    }

    /// Compares everything, and checks the heap.
    fn look(&mut self) -> Result<(), String> {
        for (&key, value) in &self.model.entries {
            same("a value", &self.subject.get(&key.into())?, value)?;
        }
        self.border()?;
        self.subject.check();
        Ok(())
    }
}
