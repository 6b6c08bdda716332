//! The pattern matcher (manual §6.4.1), over byte slices: it allocates nothing and needs no state.
//!
//! Invariant: every index into subject and pattern is at most the slice's length, and all access is checked, so that no
//! pattern can do harm. The matcher calls itself at most [`MAX_DEPTH`] levels deep; a pattern that needs more is an error.
//! An error is found only when the matcher arrives at the faulty item, as in the reference implementation.
//!
//! ```
//! use perilune_stdlib::string::pattern::{find, Capture};
//! let found = find(b"key = value", b"(%w+)%s*=%s*(%w+)", 0).unwrap().unwrap();
//! assert_eq!((found.start, found.end), (0, 11));
//! assert_eq!(found.captures.get(1), Some(Capture::Text { start: 6, end: 11 }));
//! ```

use core::fmt;

use super::class;
use super::search::find_byte;

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

/// A capture while matching: where it starts, and its length or what else it is.
#[derive(Clone, Copy)]
struct Slot {
    start: usize,
    len: usize,
}

/// The `len` of a capture that is still open.
const UNFINISHED: usize = usize::MAX;
/// The `len` of a position capture. No string is that long.
const POSITION: usize = usize::MAX - 1;

/// The captures of the last match.
#[derive(Clone)]
pub struct Captures {
    level: usize,
    slots: [Slot; MAX_CAPTURES],
}

impl Captures {
    /// How many captures the pattern made.
    pub fn len(&self) -> usize {
        self.level
    }

    /// Whether the pattern made no capture.
    pub fn is_empty(&self) -> bool {
        self.level == 0
    }

    /// The capture `index` (from 0), if there is one and it was closed.
    pub fn get(&self, index: usize) -> Option<Capture> {
        let slot = self.slots.get(..self.level)?.get(index)?;
        match slot.len {
            UNFINISHED => None,
            POSITION => Some(Capture::Position(slot.start)),
            len => Some(Capture::Text { start: slot.start, end: slot.start + len }),
        }
    }

    /// The capture `index` (from 0) of a match of `start..end`; the whole match stands in for a first capture that the
    /// pattern does not have.
    pub fn get_or_whole(&self, index: usize, start: usize, end: usize) -> Result<Capture, PatternError> {
        if index < self.level {
            self.get(index).ok_or(PatternError::UnfinishedCapture)
        } else if index == 0 {
            Ok(Capture::Text { start, end })
        } else {
            Err(PatternError::InvalidCaptureIndex((index + 1) as u8))
        }
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
    !pattern.iter().any(|&c| class::is(c, class::MAGIC))
}

/// Takes the leading `^` off a pattern.
pub fn split_anchor(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    }
}

/// An item that matches one character.
#[derive(Clone, Copy)]
enum Item<'p> {
    /// `.`
    Any,
    /// A character that stands for itself.
    Literal(u8),
    /// `%a` and its like: the classes, and whether it is the complement.
    Class { mask: u16, negated: bool },
    /// What is between the brackets of a set.
    Set(&'p [u8]),
}

impl<'p> Item<'p> {
    /// The item after the escape character.
    #[inline]
    fn escaped(c: u8) -> Self {
        match class::mask_of_letter(c.to_ascii_lowercase()) {
            0 => Item::Literal(c),
            mask => Item::Class { mask, negated: c.is_ascii_uppercase() },
        }
    }

    /// Whether the item matches the byte.
    #[inline(always)]
    fn matches(self, byte: u8) -> bool {
        match self {
            Item::Any => true,
            Item::Literal(c) => c == byte,
            Item::Class { mask, negated } => class::is(byte, mask) != negated,
            Item::Set(set) => set_contains(set, byte),
        }
    }

    /// How many bytes from the start of `text` on the item matches.
    #[inline]
    fn run_length(self, text: &[u8]) -> usize {
        let end = match self {
            Item::Any => None,
            Item::Literal(c) => text.iter().position(|&b| b != c),
            Item::Class { mask, negated } => text.iter().position(|&b| class::is(b, mask) == negated),
            Item::Set(set) => text.iter().position(|&b| !set_contains(set, b)),
        };
        end.unwrap_or(text.len())
    }

    /// The first byte of `text` that the item matches.
    #[inline]
    fn find_in(self, text: &[u8]) -> Option<usize> {
        match self {
            Item::Any => (!text.is_empty()).then_some(0),
            Item::Literal(c) => find_byte(text, c),
            Item::Class { mask, negated } => text.iter().position(|&b| class::is(b, mask) != negated),
            Item::Set(set) => text.iter().position(|&b| set_contains(set, b)),
        }
    }
}

/// Whether a set (what is between its brackets) contains a byte.
#[doc(alias = "matchbracketclass")]
fn set_contains(set: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match set {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    loop {
        let (hit, tail) = match rest {
            [] => return negated,
            [ESCAPE, c, tail @ ..] => (Item::escaped(*c).matches(byte), tail),
            [low, b'-', high, tail @ ..] => (*low <= byte && byte <= *high, tail),
            [c, tail @ ..] => (*c == byte, tail),
        };
        if hit {
            return !negated;
        }
        rest = tail;
    }
}

/// Where a match ends, or `None` if there is no match.
type Step = Result<Option<usize>, PatternError>;

/// A pattern (without its anchor) at work on a subject. It can be used for many searches.
#[doc(alias = "MatchState")]
pub struct Matcher<'s, 'p> {
    subject: &'s [u8],
    pattern: &'p [u8],
    depth_left: u32,
    captures: Captures,
}

impl<'s, 'p> Matcher<'s, 'p> {
    /// A matcher; a `^` in the pattern has no meaning here (see [`split_anchor`]).
    pub fn new(subject: &'s [u8], pattern: &'p [u8]) -> Self {
        let captures = Captures { level: 0, slots: [Slot { start: 0, len: 0 }; MAX_CAPTURES] };
        Self { subject, pattern, depth_left: MAX_DEPTH, captures }
    }

    /// The captures of the last match.
    #[inline]
    pub fn captures(&self) -> &Captures {
        &self.captures
    }

    /// Matches at the index `start` only; gives the end of the match.
    #[inline]
    pub fn match_at(&mut self, start: usize) -> Result<Option<usize>, PatternError> {
        self.captures.level = 0;
        self.depth_left = MAX_DEPTH;
        self.do_match(start, 0)
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
        let first = self.first_item();
        let mut start = from;
        while let Some(rest) = self.subject.get(start..) {
            if let Some(item) = first {
                match item.find_in(rest) {
                    Some(skipped) => start += skipped,
                    None => break,
                }
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

    /// The item that must match the first character of any match, if the pattern starts with such a one.
    fn first_item(&self) -> Option<Item<'p>> {
        let mut at = 0;
        for _ in 0..MAX_CAPTURES {
            match self.pattern.get(at..)? {
                [b'(', b')', ..] => at += 2,
                [b'(', ..] => at += 1,
                [b')', ..] | [b'$'] | [ESCAPE, b'b' | b'f' | b'0'..=b'9', ..] => return None,
                _ => {
                    let (item, end) = self.item_at(at).ok()?;
                    let optional = matches!(self.pattern.get(end), Some(b'*' | b'?' | b'-'));
                    return (!optional).then_some(item);
                }
            }
        }
        None
    }

    /// The item for one character at `at` of the pattern, and where what follows it begins.
    #[doc(alias = "classend")]
    #[inline]
    fn item_at(&self, at: usize) -> Result<(Item<'p>, usize), PatternError> {
        match self.pattern.get(at) {
            Some(&ESCAPE) => match self.pattern.get(at + 1) {
                Some(&c) => Ok((Item::escaped(c), at + 2)),
                None => Err(PatternError::EndsWithEscape),
            },
            Some(b'[') => {
                let end = self.set_end(at + 1)?;
                Ok((Item::Set(&self.pattern[at + 1..end]), end + 1))
            }
            Some(b'.') => Ok((Item::Any, at + 1)),
            Some(&c) => Ok((Item::Literal(c), at + 1)),
            None => Err(PatternError::MissingBracket),
        }
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

    /// Matches the pattern from `p` on at `s`.
    #[doc(alias = "match")]
    fn do_match(&mut self, s: usize, p: usize) -> Step {
        if self.depth_left == 0 {
            return Err(PatternError::TooComplex);
        }
        self.depth_left -= 1;
        let result = self.match_items(s, p);
        self.depth_left += 1;
        result
    }

    /// The loop over the items of the pattern.
    #[inline]
    fn match_items(&mut self, mut s: usize, mut p: usize) -> Step {
        while let Some(&c) = self.pattern.get(p) {
            match c {
                b'(' if self.pattern.get(p + 1) == Some(&b')') => return self.start_capture(s, p + 2, POSITION),
                b'(' => return self.start_capture(s, p + 1, UNFINISHED),
                b')' => return self.end_capture(s, p + 1),
                b'$' if p + 1 == self.pattern.len() => return Ok((s == self.subject.len()).then_some(s)),
                ESCAPE => match self.pattern.get(p + 1) {
                    Some(b'b') => match self.match_balance(s, p + 2)? {
                        Some(end) => (s, p) = (end, p + 4),
                        None => return Ok(None),
                    },
                    Some(b'f') => match self.match_frontier(s, p + 2)? {
                        Some(next) => p = next,
                        None => return Ok(None),
                    },
                    Some(&digit @ b'0'..=b'9') => match self.match_back_reference(s, digit)? {
                        Some(end) => (s, p) = (end, p + 2),
                        None => return Ok(None),
                    },
                    _ => match self.match_item(s, p)? {
                        Progress::Next(next_s, next_p) => (s, p) = (next_s, next_p),
                        Progress::Done(end) => return Ok(end),
                    },
                },
                _ => match self.match_item(s, p)? {
                    Progress::Next(next_s, next_p) => (s, p) = (next_s, next_p),
                    Progress::Done(end) => return Ok(end),
                },
            }
        }
        Ok(Some(s))
    }

    /// Matches the item for one character at `p`, with its suffix.
    #[inline(always)]
    fn match_item(&mut self, s: usize, p: usize) -> Result<Progress, PatternError> {
        let (item, next) = self.item_at(p)?;
        let once = match self.subject.get(s) {
            Some(&byte) => item.matches(byte),
            None => false,
        };
        let suffix = self.pattern.get(next).copied().unwrap_or(0);
        Ok(match suffix {
            b'*' | b'-' | b'?' if !once => Progress::Next(s, next + 1),
            b'*' => Progress::Done(self.expand_most(s, item, next + 1)?),
            b'+' if once => Progress::Done(self.expand_most(s, item, next + 1)?),
            b'-' => Progress::Done(self.expand_least(s, item, next + 1)?),
            b'?' => match self.do_match(s + 1, next + 1)? {
                Some(end) => Progress::Done(Some(end)),
                None => Progress::Next(s, next + 1),
            },
            _ if once => Progress::Next(s + 1, next),
            _ => Progress::Done(None),
        })
    }

    /// As many repetitions of `item` as possible (it matches at least once at `s`), then the pattern from `p` on. With a
    /// suffix `+` too: the caller has seen one match, and to give it back fails.
    #[doc(alias = "max_expand")]
    fn expand_most(&mut self, s: usize, item: Item<'p>, p: usize) -> Step {
        let count = item.run_length(&self.subject[s..]);
        let least = usize::from(self.pattern.get(p - 1) == Some(&b'+'));
        let wanted = self.required_byte(p);
        let mut end = s + count;
        loop {
            let possible = match wanted {
                Some(byte) => self.subject.get(end) == Some(&byte),
                None => true,
            };
            if possible && let Some(end) = self.do_match(end, p)? {
                return Ok(Some(end));
            }
            if end == s + least {
                return Ok(None);
            }
            end -= 1;
        }
    }

    /// As few repetitions of `item` as possible, then the pattern from `p` on.
    #[doc(alias = "min_expand")]
    fn expand_least(&mut self, mut s: usize, item: Item<'p>, p: usize) -> Step {
        let wanted = self.required_byte(p);
        loop {
            let byte = self.subject.get(s).copied();
            let possible = wanted.is_none() || wanted == byte;
            if possible && let Some(end) = self.do_match(s, p)? {
                return Ok(Some(end));
            }
            match byte {
                Some(byte) if item.matches(byte) => s += 1,
                _ => return Ok(None),
            }
        }
    }

    /// The byte that must come next if the pattern from `p` on is to match, when that is plain to see; it spares
    /// attempts that would fail without an error.
    #[inline]
    fn required_byte(&self, mut p: usize) -> Option<u8> {
        if self.depth_left < 2 {
            return None;
        }
        if self.pattern.get(p) == Some(&b')') && self.open_capture().is_some() {
            p += 1;
        }
        let (byte, next) = match *self.pattern.get(p..)? {
            [ESCAPE, c, ..] if !c.is_ascii_alphanumeric() => (c, p + 2),
            [ESCAPE | b'(' | b')' | b'[' | b'.' | b'$', ..] => return None,
            [c, ..] => (c, p + 1),
            [] => return None,
        };
        let optional = matches!(self.pattern.get(next), Some(b'*' | b'?' | b'-'));
        (!optional).then_some(byte)
    }

    /// Opens a capture at `s` and matches the pattern from `p` on.
    fn start_capture(&mut self, s: usize, p: usize, len: usize) -> Step {
        let level = self.captures.level;
        let slot = self.captures.slots.get_mut(level).ok_or(PatternError::TooManyCaptures)?;
        *slot = Slot { start: s, len };
        self.captures.level = level + 1;
        let result = self.do_match(s, p)?;
        if result.is_none() {
            self.captures.level -= 1;
        }
        Ok(result)
    }

    /// The innermost open capture.
    #[inline]
    fn open_capture(&self) -> Option<usize> {
        self.captures.slots[..self.captures.level].iter().rposition(|slot| slot.len == UNFINISHED)
    }

    /// Closes the innermost open capture at `s` and matches the pattern from `p` on.
    fn end_capture(&mut self, s: usize, p: usize) -> Step {
        let index = self.open_capture().ok_or(PatternError::InvalidPatternCapture)?;
        self.captures.slots[index].len = s - self.captures.slots[index].start;
        let result = self.do_match(s, p)?;
        if result.is_none() {
            self.captures.slots[index].len = UNFINISHED;
        }
        Ok(result)
    }

    /// `%1` to `%9`: what a capture matched, again; gives the end of it.
    fn match_back_reference(&self, s: usize, digit: u8) -> Step {
        let error = PatternError::InvalidCaptureIndex(digit - b'0');
        let index = usize::from(digit).checked_sub(usize::from(b'1')).ok_or(error)?;
        let slot = match self.captures.slots[..self.captures.level].get(index) {
            Some(slot) if slot.len != UNFINISHED => *slot,
            _ => return Err(error),
        };
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
    fn match_frontier(&self, s: usize, p: usize) -> Step {
        if self.pattern.get(p) != Some(&b'[') {
            return Err(PatternError::MissingFrontierSet);
        }
        let (set, next) = self.item_at(p)?;
        let previous = s.checked_sub(1).map_or(0, |i| self.subject[i]);
        let current = self.subject.get(s).copied().unwrap_or(0);
        Ok((!set.matches(previous) && set.matches(current)).then_some(next))
    }
}

/// What a matched item leads to.
enum Progress {
    /// Go on in the same loop, at this place of the subject and of the pattern.
    Next(usize, usize),
    /// The rest was matched too, or it failed.
    Done(Option<usize>),
}
