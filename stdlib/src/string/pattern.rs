//! The pattern matcher (manual §6.4.1), over byte slices: it allocates nothing and needs no state.
//!
//! Invariant: every index into subject and pattern is at most the slice's length, and all access is checked, so that no
//! pattern can do harm. The matcher calls itself at most [`MAX_DEPTH`] levels deep; a pattern that needs more is an error.
//! An error is found only when the matcher arrives at the faulty item, as in the reference implementation.
//!
//! PM1. Captures below the level have an initialised slot, and only they have a bit in `open`.
//!
//! ```
//! use perilune_stdlib::string::pattern::{find, Capture};
//! let found = find(b"key = value", b"(%w+)%s*=%s*(%w+)", 0).unwrap().unwrap();
//! assert_eq!((found.start, found.end), (0, 11));
//! assert_eq!(found.captures.get(1), Some(Capture::Text { start: 6, end: 11 }));
//! ```

use core::fmt;
use core::mem::MaybeUninit;

use super::class::{self, ByteSet};
use super::item::{Few, Item, bytes_of_set};
use super::search::{find_byte, find_bytes};

/// The most captures that a pattern may have.
#[doc(alias = "LUA_MAXCAPTURES")]
pub const MAX_CAPTURES: usize = 32;

/// How deep the matcher may call itself.
#[doc(alias = "MAXCCALLS")]
pub const MAX_DEPTH: u32 = 200;

/// The character that escapes magic characters and starts classes.
pub const ESCAPE: u8 = b'%';

/// What is wrong with a pattern. `Display` gives the message of the reference implementation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatternError {
    /// The match needs too much recursion.
    TooComplex,
    /// The pattern ends with the escape character.
    EndsWithEscape,
    /// A set has no end.
    MissingBracket,
    /// `%f` is not followed by a set.
    MissingFrontierSet,
    /// `%b` is not followed by two characters.
    MissingBalanceArguments,
    /// A capture is closed that was not opened.
    InvalidPatternCapture,
    /// A reference to a capture that does not exist (its number in the pattern).
    InvalidCaptureIndex(u8),
    /// The pattern ended within a capture.
    UnfinishedCapture,
    /// More than [`MAX_CAPTURES`] captures.
    TooManyCaptures,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::TooComplex => "pattern too complex",
            Self::EndsWithEscape => "malformed pattern (ends with '%')",
            Self::MissingBracket => "malformed pattern (missing ']')",
            Self::MissingFrontierSet => "missing '[' after '%f' in pattern",
            Self::MissingBalanceArguments => "malformed pattern (missing arguments to '%b')",
            Self::InvalidPatternCapture => "invalid pattern capture",
            Self::InvalidCaptureIndex(index) => return write!(f, "invalid capture index %{index}"),
            Self::UnfinishedCapture => "unfinished capture",
            Self::TooManyCaptures => "too many captures",
        })
    }
}

/// A capture of a match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capture {
    /// The bytes `start..end` of the subject.
    Text {
        /// Index of the first byte.
        start: usize,
        /// Index after the last byte.
        end: usize,
    },
    /// A position in the subject, counted from 0 (`()` in the pattern; Lua counts from 1).
    Position(usize),
}

/// A capture while matching: where it starts, and its length, or that it is a position.
#[derive(Clone, Copy)]
struct Slot {
    start: usize,
    len: usize,
}

/// The `len` of a position capture. No string is that long.
const POSITION: usize = usize::MAX;

/// The captures of the last match.
#[derive(Clone)]
pub struct Captures {
    /// How many there are.
    level: u32,
    /// A bit for each that is not closed.
    open: u32,
    /// The first `level` of them are initialised; the lengths of open ones mean nothing.
    slots: [MaybeUninit<Slot>; MAX_CAPTURES],
}

impl Captures {
    /// No captures.
    #[inline(always)]
    const fn new() -> Self {
        Self { level: 0, open: 0, slots: [const { MaybeUninit::uninit() }; MAX_CAPTURES] }
    }

    /// How many captures the pattern made.
    pub fn len(&self) -> usize {
        self.level as usize
    }

    /// Whether the pattern made no capture.
    pub fn is_empty(&self) -> bool {
        self.level == 0
    }

    /// The slot `index` (from 0), if there is such a capture and it was closed.
    #[inline]
    fn closed(&self, index: usize) -> Option<Slot> {
        if index >= self.len() || self.open >> index & 1 != 0 {
            return None;
        }
        // SAFETY: PM1: the index is below the level.
        Some(unsafe { self.slots[index].assume_init() })
    }

    /// The capture `index` (from 0), if there is one and it was closed.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Capture> {
        let slot = self.closed(index)?;
        Some(match slot.len {
            POSITION => Capture::Position(slot.start),
            len => Capture::Text { start: slot.start, end: slot.start + len },
        })
    }

    /// The capture `index` (from 0) of a match of `start..end`; the whole match stands in for a first capture that the
    /// pattern does not have.
    pub fn get_or_whole(&self, index: usize, start: usize, end: usize) -> Result<Capture, PatternError> {
        if index < self.len() {
            self.get(index).ok_or(PatternError::UnfinishedCapture)
        } else if index == 0 {
            Ok(Capture::Text { start, end })
        } else {
            Err(PatternError::InvalidCaptureIndex((index + 1) as u8))
        }
    }

    /// Adds a capture that starts at `start`: an open one, or a position.
    #[inline]
    fn push(&mut self, start: usize, is_position: bool) -> Result<(), PatternError> {
        let slot = self.slots.get_mut(self.level as usize).ok_or(PatternError::TooManyCaptures)?;
        slot.write(Slot { start, len: POSITION });
        self.open |= u32::from(!is_position) << self.level;
        self.level += 1;
        Ok(())
    }

    /// Closes the innermost open capture at `end`.
    #[inline]
    fn close(&mut self, end: usize) -> Result<(), PatternError> {
        let index = self.open.checked_ilog2().ok_or(PatternError::InvalidPatternCapture)?;
        self.open ^= 1 << index;
        // SAFETY: PM1: what is open is below the level.
        let slot = unsafe { self.slots[index as usize].assume_init_mut() };
        slot.len = end - slot.start;
        Ok(())
    }
}

/// A match: the bytes `start..end` of the subject, and the captures.
#[derive(Clone)]
pub struct Match {
    /// Index of the first byte.
    pub start: usize,
    /// Index after the last byte.
    pub end: usize,
    /// The captures.
    pub captures: Captures,
}

/// Finds the first match of `pattern` in `subject` at or after the index `init`; a leading `^` anchors it there.
pub fn find(subject: &[u8], pattern: &[u8], init: usize) -> Result<Option<Match>, PatternError> {
    let (anchored, pattern) = split_anchor(pattern);
    if init > subject.len() {
        return Ok(None);
    }
    let mut matcher = Matcher::new(subject, pattern);
    let found = matcher.search(init, anchored, None)?;
    Ok(found.map(|(start, end)| Match { start, end, captures: matcher.captures }))
}

/// Whether a pattern has no magic character, so that a plain search does.
pub fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|&c| class::MAGIC.contains(c))
}

/// Takes the leading `^` off a pattern.
pub fn split_anchor(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    }
}

/// A set of the pattern that was read before.
#[derive(Clone, Copy)]
struct KnownSet {
    /// Where it begins in the pattern, after its bracket.
    start: usize,
    /// Where what follows it begins.
    next: usize,
    bytes: ByteSet,
}

/// How many sets are kept, so that they are not read anew at each use.
const KNOWN_SETS: usize = 4;

/// What must come next in the subject if the pattern is to match.
enum Next {
    /// That is not plain to see.
    Unknown,
    /// Anything: the pattern ends here.
    Anything,
    /// The end of the subject.
    End,
    /// This byte.
    Byte(u8),
}

/// Where a match ends, or `None` if there is no match.
type Step = Result<Option<usize>, PatternError>;

/// A pattern (without its anchor) at work on a subject. It can be used for many searches.
#[doc(alias = "MatchState")]
pub struct Matcher<'s, 'p> {
    subject: &'s [u8],
    pattern: &'p [u8],
    captures: Captures,
    sets: [KnownSet; KNOWN_SETS],
    /// Which of these is overwritten next.
    oldest_set: usize,
    /// How every match begins, once that was asked.
    lead: Option<Lead<'p>>,
}

impl<'s, 'p> Matcher<'s, 'p> {
    /// A matcher that has not searched yet.
    #[inline]
    pub fn new(subject: &'s [u8], pattern: &'p [u8]) -> Self {
        // No set begins at 0, which is what sets are told apart by.
        let none = KnownSet { start: 0, next: 0, bytes: ByteSet::EMPTY };
        Self { subject, pattern, captures: Captures::new(), sets: [none; KNOWN_SETS], oldest_set: 0, lead: None }
    }

    /// The captures of the last match.
    pub fn captures(&self) -> &Captures {
        &self.captures
    }

    /// Matches at the index `start` only; gives the end of the match.
    #[inline]
    pub fn match_at(&mut self, start: usize) -> Result<Option<usize>, PatternError> {
        (self.captures.level, self.captures.open) = (0, 0);
        self.do_match(start, 0, MAX_DEPTH)
    }

    /// The first match at or after `from` (only there if `anchored`) that does not end at `not_ending_at`: its start and
    /// its end.
    #[inline]
    pub fn search(
        &mut self,
        from: usize,
        anchored: bool,
        not_ending_at: Option<usize>,
    ) -> Result<Option<(usize, usize)>, PatternError> {
        if anchored {
            let end = self.match_at(from)?.filter(|&end| Some(end) != not_ending_at);
            return Ok(end.map(|end| (from, end)));
        }
        if self.lead.is_none() {
            self.lead = Some(self.find_lead());
        }
        let mut start = from;
        while start <= self.subject.len() {
            match self.next_start(start) {
                Some(next) => start = next,
                None => break,
            }
            if let Some(Lead::Whole(item, repeated)) = &self.lead {
                let len = if *repeated { item.run_length(&self.subject[start..]) } else { 1 };
                (self.captures.level, self.captures.open) = (0, 0);
                // Such a match is not empty, so that it cannot end where the one before it did.
                return Ok(Some((start, start + len)));
            }
            if let Some(end) = self.match_at(start)?
                && Some(end) != not_ending_at
            {
                return Ok(Some((start, end)));
            }
            start += 1;
        }
        Ok(None)
    }

    /// Finds out how every match begins.
    fn find_lead(&mut self) -> Lead<'p> {
        if let [first, _, ..] = self.pattern
            && !class::MAGIC.contains(*first)
            && let Some(text) = self.leading_text()
        {
            return Lead::Text(text);
        }
        let mut at = 0;
        let mut open = 0;
        for _ in 0..MAX_CAPTURES {
            match self.pattern[at..] {
                [b'(', b')', ..] => at += 2,
                [b'(', ..] => (at, open) = (at + 1, open + 1),
                [] | [b')', ..] | [b'$'] | [ESCAPE, b'b' | b'f' | b'0'..=b'9', ..] => return Lead::Unknown,
                _ => {
                    let Ok((item, end)) = self.item_at(at) else { return Lead::Unknown };
                    return match self.pattern.get(end) {
                        None if at == 0 => Lead::Whole(item, false),
                        Some(b'+') if at == 0 && end + 1 == self.pattern.len() => Lead::Whole(item, true),
                        Some(b'*' | b'?' | b'-') => Lead::Unknown,
                        Some(b'+') => match self.what_follows(end + 1, open) {
                            Next::Byte(c) if !item.matches(c) => Lead::Run(item, c),
                            _ => Lead::Item(item),
                        },
                        _ => Lead::Item(item),
                    };
                }
            }
        }
        Lead::Unknown
    }

    /// The text that the pattern begins with, if that is more than one character.
    fn leading_text(&self) -> Option<&'p [u8]> {
        let is_text = |&&c: &&u8| !class::MAGIC.contains(c) && c != b')';
        let mut len = self.pattern.iter().take_while(is_text).count();
        if let Some(b'*' | b'?' | b'-' | b'+') = self.pattern.get(len) {
            // Of a repeated character there may be none.
            len = len.saturating_sub(1);
        }
        if len > 1 { Some(&self.pattern[..len]) } else { None }
    }

    /// The first index from `start` on at which a match is possible.
    #[inline]
    fn next_start(&self, start: usize) -> Option<usize> {
        let rest = &self.subject[start..];
        match &self.lead {
            None | Some(Lead::Unknown) => Some(start),
            Some(Lead::Text(text)) => Some(start + find_bytes(rest, text)?),
            Some(Lead::Item(item) | Lead::Whole(item, _)) => Some(start + item.find_in(rest)?),
            Some(Lead::Run(item, follower)) => {
                // No match starts within a run that the right byte does not follow.
                let mut start = start;
                loop {
                    start += item.find_in(&self.subject[start..])?;
                    let end = start + item.run_length(&self.subject[start..]);
                    if *self.subject.get(end)? == *follower {
                        return Some(start);
                    }
                    start = end;
                }
            }
        }
    }

    /// The item for one character at `at` of the pattern, and where what follows it begins.
    #[doc(alias = "classend")]
    #[inline(always)]
    fn item_at(&mut self, at: usize) -> Result<(Item, usize), PatternError> {
        match self.pattern.get(at) {
            Some(&ESCAPE) => match self.pattern.get(at + 1) {
                Some(&c) => Ok((Item::escaped(c), at + 2)),
                None => Err(PatternError::EndsWithEscape),
            },
            Some(b'[') => {
                if let Some((few, len)) = Few::read(&self.pattern[at + 1..]) {
                    return Ok((Item::Few(few), at + 1 + len));
                }
                let set = self.set_at(at + 1)?;
                Ok((Item::Set(set.bytes), set.next))
            }
            Some(b'.') => Ok((Item::Any, at + 1)),
            Some(&c) => Ok((Item::Literal(c), at + 1)),
            None => Err(PatternError::MissingBracket),
        }
    }

    /// The set whose first character is at `start`.
    #[inline]
    fn set_at(&mut self, start: usize) -> Result<KnownSet, PatternError> {
        match self.sets.iter().find(|set| set.start == start) {
            Some(set) => Ok(*set),
            None => self.read_set(start),
        }
    }

    /// Reads a set, and keeps it.
    #[inline(never)]
    fn read_set(&mut self, start: usize) -> Result<KnownSet, PatternError> {
        let end = self.set_end(start)?;
        let set = KnownSet { start, next: end + 1, bytes: bytes_of_set(&self.pattern[start..end]) };
        self.sets[self.oldest_set] = set;
        self.oldest_set = (self.oldest_set + 1) % KNOWN_SETS;
        Ok(set)
    }

    /// The index of the `]` that ends the set whose first character is at `at`.
    fn set_end(&self, mut at: usize) -> Result<usize, PatternError> {
        if self.pattern.get(at) == Some(&b'^') {
            at += 1;
        }
        loop {
            // The first character of a set stands for itself even if it is a `]`.
            match self.pattern.get(at) {
                None => return Err(PatternError::MissingBracket),
                Some(&ESCAPE) => at += 2,
                Some(_) => at += 1,
            }
            if self.pattern.get(at) == Some(&b']') {
                return Ok(at);
            }
        }
    }

    /// Matches the pattern from `p` on at `s`. The reference implementation calls itself after each capture's begin and end
    /// and each repetition; `depth` tells how many of its calls are left, though most of them are turns of the loop here.
    #[doc(alias = "match")]
    fn do_match(&mut self, mut s: usize, mut p: usize, mut depth: u32) -> Step {
        loop {
            // Where a call begins there, one more of them is taken.
            if depth == 0 {
                return Err(PatternError::TooComplex);
            }
            loop {
                let Some(&c) = self.pattern.get(p) else { return Ok(Some(s)) };
                match c {
                    b'(' => {
                        let is_position = self.pattern.get(p + 1) == Some(&b')');
                        self.captures.push(s, is_position)?;
                        p += 1 + usize::from(is_position);
                        break;
                    }
                    b')' => {
                        self.captures.close(s)?;
                        p += 1;
                        break;
                    }
                    b'$' if p + 1 == self.pattern.len() => return Ok((s == self.subject.len()).then_some(s)),
                    ESCAPE => match self.pattern.get(p + 1) {
                        Some(b'b') => match self.match_balance(s, p + 2)? {
                            Some(end) => {
                                (s, p) = (end, p + 4);
                                continue;
                            }
                            None => return Ok(None),
                        },
                        Some(b'f') => match self.match_frontier(s, p + 2)? {
                            Some(next) => {
                                p = next;
                                continue;
                            }
                            None => return Ok(None),
                        },
                        Some(&digit @ b'0'..=b'9') => match self.match_back_reference(s, digit)? {
                            Some(end) => {
                                (s, p) = (end, p + 2);
                                continue;
                            }
                            None => return Ok(None),
                        },
                        _ => {}
                    },
                    _ => {}
                }
                let (item, next) = self.item_at(p)?;
                match self.pattern.get(next) {
                    Some(&suffix @ (b'*' | b'+')) => {
                        let run = item.run_length(&self.subject[s..]);
                        p = next + 1;
                        if run == 0 {
                            if suffix == b'+' {
                                return Ok(None);
                            }
                            continue;
                        }
                        let follower = self.what_follows(p, self.captures.open.count_ones());
                        let whole_run_only = match follower {
                            Next::Unknown => false,
                            Next::Anything | Next::End => true,
                            Next::Byte(c) => !item.matches(c),
                        };
                        if whole_run_only {
                            // To give something back cannot help.
                            s += run;
                            break;
                        }
                        let least = s + usize::from(suffix == b'+');
                        return self.expand_most(least, s + run, p, follower, depth);
                    }
                    Some(b'-') => {
                        p = next + 1;
                        if self.subject.get(s).is_some_and(|&byte| item.matches(byte)) {
                            return self.expand_least(s, &item, p, depth);
                        }
                    }
                    Some(b'?') => {
                        if self.subject.get(s).is_some_and(|&byte| item.matches(byte)) {
                            let (level, open) = (self.captures.level, self.captures.open);
                            if let Some(end) = self.do_match(s + 1, next + 1, depth - 1)? {
                                return Ok(Some(end));
                            }
                            (self.captures.level, self.captures.open) = (level, open);
                        }
                        p = next + 1;
                    }
                    _ => match self.subject.get(s) {
                        Some(&byte) if item.matches(byte) => (s, p) = (s + 1, next),
                        _ => return Ok(None),
                    },
                }
            }
            depth -= 1;
        }
    }

    /// The longest of the repetitions that end between `least` and `most` after which the pattern from `p` on matches.
    #[doc(alias = "max_expand")]
    #[inline(never)]
    fn expand_most(&mut self, least: usize, most: usize, p: usize, follower: Next, depth: u32) -> Step {
        let wanted = match follower {
            Next::Byte(c) if depth > 1 => Some(c),
            _ => None,
        };
        let (level, open) = (self.captures.level, self.captures.open);
        let mut end = most;
        loop {
            let possible = match wanted {
                Some(byte) => self.subject.get(end) == Some(&byte),
                None => true,
            };
            if possible {
                if let Some(end) = self.do_match(end, p, depth - 1)? {
                    return Ok(Some(end));
                }
                (self.captures.level, self.captures.open) = (level, open);
            }
            if end == least {
                return Ok(None);
            }
            end -= 1;
        }
    }

    /// As few repetitions of `item` as possible, then the pattern from `p` on.
    #[doc(alias = "min_expand")]
    #[inline(never)]
    fn expand_least(&mut self, mut s: usize, item: &Item, p: usize, depth: u32) -> Step {
        let (level, open) = (self.captures.level, self.captures.open);
        let follower = if depth > 1 { self.what_follows(p, open.count_ones()) } else { Next::Unknown };
        loop {
            if let Item::Any = item {
                // What lies between is matched in any case.
                s = match follower {
                    Next::Byte(c) => match find_byte(&self.subject[s..], c) {
                        Some(skipped) => s + skipped,
                        None => return Ok(None),
                    },
                    Next::End => self.subject.len(),
                    Next::Unknown | Next::Anything => s,
                };
            }
            let byte = self.subject.get(s).copied();
            let possible = match follower {
                Next::Byte(c) => byte == Some(c),
                Next::End => byte.is_none(),
                Next::Unknown | Next::Anything => true,
            };
            if possible {
                if let Some(end) = self.do_match(s, p, depth - 1)? {
                    return Ok(Some(end));
                }
                (self.captures.level, self.captures.open) = (level, open);
            }
            match byte {
                Some(byte) if item.matches(byte) => s += 1,
                _ => return Ok(None),
            }
        }
    }

    /// What must come next if the pattern from `p` on is to match, when that is plain to see and an attempt with anything
    /// else would fail without an error. `open` captures can be closed there.
    #[inline]
    fn what_follows(&self, mut p: usize, mut open: u32) -> Next {
        while open > 0 && self.pattern.get(p) == Some(&b')') {
            (p, open) = (p + 1, open - 1);
        }
        let (byte, next) = match *self.pattern.get(p..).unwrap_or(&[]) {
            [] => return Next::Anything,
            [b'$'] => return Next::End,
            [ESCAPE, c, ..] if !c.is_ascii_alphanumeric() => (c, p + 2),
            [ESCAPE | b'(' | b')' | b'[' | b'.' | b'$', ..] => return Next::Unknown,
            [c, ..] => (c, p + 1),
        };
        match self.pattern.get(next) {
            Some(b'*' | b'?' | b'-') => Next::Unknown,
            _ => Next::Byte(byte),
        }
    }

    /// `%1` to `%9`: what a capture matched, again; gives the end of it.
    fn match_back_reference(&self, s: usize, digit: u8) -> Step {
        let error = PatternError::InvalidCaptureIndex(digit - b'0');
        let index = usize::from(digit).checked_sub(usize::from(b'1')).ok_or(error)?;
        let slot = self.captures.closed(index).ok_or(error)?;
        if slot.len == POSITION || self.subject.len() - s < slot.len {
            return Ok(None);
        }
        let same = self.subject[slot.start..slot.start + slot.len] == self.subject[s..s + slot.len];
        Ok(same.then_some(s + slot.len))
    }

    /// `%bxy`, whose arguments are at `p`; gives the end of the balanced string.
    fn match_balance(&self, s: usize, p: usize) -> Step {
        let Some(&[open, close]) = self.pattern.get(p..p + 2) else {
            return Err(PatternError::MissingBalanceArguments);
        };
        if self.subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1usize;
        for (i, &byte) in self.subject[s + 1..].iter().enumerate() {
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(s + 1 + i + 1));
                }
            } else if byte == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`, whose set is at `p`: a change from outside the set to inside it; gives where the pattern goes on. The
    /// ends of the subject count as the byte zero.
    fn match_frontier(&mut self, s: usize, p: usize) -> Step {
        if self.pattern.get(p) != Some(&b'[') {
            return Err(PatternError::MissingFrontierSet);
        }
        let set = self.set_at(p + 1)?;
        let previous = s.checked_sub(1).map_or(0, |i| self.subject[i]);
        let current = self.subject.get(s).copied().unwrap_or(0);
        Ok((!set.bytes.contains(previous) && set.bytes.contains(current)).then_some(set.next))
    }
}

/// How every match of a pattern begins.
enum Lead<'p> {
    /// In no particular way.
    Unknown,
    /// With this text.
    Text(&'p [u8]),
    /// With a character that the item matches.
    Item(Item),
    /// With as many characters as the item matches, one at least, and this byte, which it does not match.
    Run(Item, u8),
    /// The item is the whole of it, once or (if true) as often as possible.
    Whole(Item, bool),
}
