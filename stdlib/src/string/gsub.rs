//! `string.gsub`.
//!
//! With a string or a plain table the replacement is done in one go. With a function, or a table that may have to call one,
//! it is done stacklessly: the state between two calls, gathered text included, lies in a userdata in the stack slot
//! [`PROGRESS`], so that the function may yield.
//!
//! Y1. A userdata is taken for a `Progress` only if its first word is the address of [`MARK`] and its size admits one (L2);
//!     what it says is checked against the subject and the block's size at each use, since a script may exchange slots
//!     through the debug library.

use core::ptr::NonNull;

use perilune_vm::{Answer, Buffer, LuaResult, LuaState, LuaType, QuickCall, Status, Thrown};

use super::matching::{pattern_error, push_capture, push_captures};
use super::number_format::Digits;
use super::pattern::{Capture, Captures, ESCAPE, Matcher, split_anchor};
use super::search::find_byte;
use super::short::{MAX_SHORT, ShortText};

/// `string.gsub (s, pattern, repl [, n])` (§6.4)
pub(super) fn gsub(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let (subject, pattern) = unsafe { (lua.check_str(1)?.bytes(), lua.check_str(2)?.bytes()) };
    let kind = lua.lua_type(3);
    let limit = lua.opt_integer(4, subject.len() as i64 + 1)?;
    match kind {
        LuaType::Table if lua.is_plain_table(3) => substitute(lua, subject, pattern, limit, &mut FromTable),
        LuaType::Function | LuaType::Table => {
            lua.set_top(3)?;
            lua.seem_unyieldable();
            Progress::push(lua, subject.len(), limit)?;
            advance(lua)
        }
        LuaType::String | LuaType::Number => {
            // SAFETY: L1.
            let template = unsafe { lua.check_str(3)?.bytes() };
            let mut replacement = Template { text: template, plain: find_byte(template, ESCAPE).is_none() };
            substitute(lua, subject, pattern, limit, &mut replacement)
        }
        _ => Err(lua.arg_error(3, "string/function/table expected")),
    }
}

/// The quick form: a short subject, of which each match is replaced by the same text.
pub(super) fn quick(call: QuickCall<'_>) -> Answer<'_> {
    quick_substitute(call).unwrap_or(Answer::UNUSUAL)
}

/// The answer of the quick form; `None`: the call is unusual.
fn quick_substitute(call: QuickCall<'_>) -> Option<Answer<'_>> {
    let (subject, pattern, replacement) = (call.bytes(1)?, call.bytes(2)?, call.bytes(3)?);
    if call.count() != 3 || subject.len() > MAX_SHORT || find_byte(replacement, ESCAPE).is_some() {
        return None;
    }
    let (anchored, pattern) = split_anchor(pattern);
    let mut matcher = Matcher::new(subject, pattern);
    let mut text = ShortText::new();
    let mut count = 0;
    let mut done = 0;
    let mut last_end = None;
    while let Some((start, end)) = matcher.search(done, anchored, last_end).ok()? {
        count += 1;
        text.push(&subject[done..start])?;
        text.push(replacement)?;
        done = end;
        last_end = Some(end);
        if anchored {
            break;
        }
    }
    if count == 0 {
        return Some(call.values(&[call.argument(1), Answer::integer(0)]));
    }
    text.push(&subject[done..])?;
    Some(call.values(&[call.string(text.as_bytes()), Answer::integer(count)]))
}

/// How a match is replaced at once.
trait Replacement {
    /// Appends what comes for the match of `found`.
    fn append(
        &mut self,
        lua: &mut LuaState,
        buffer: &mut Buffer,
        subject: &[u8],
        captures: &Captures,
        found: (usize, usize),
    ) -> LuaResult<()>;
}

/// Replaces up to `limit` matches at once; pushes the results of `gsub`.
fn substitute(
    lua: &mut LuaState,
    subject: &[u8],
    pattern: &[u8],
    limit: i64,
    replacement: &mut impl Replacement,
) -> LuaResult<usize> {
    let (anchored, pattern) = split_anchor(pattern);
    let mut matcher = Matcher::new(subject, pattern);
    let mut buffer = Buffer::new(lua)?;
    let mut count = 0;
    let mut done = 0;
    let mut last_end = None;
    while count < limit {
        let (start, end) = match matcher.search(done, anchored, last_end) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => return Err(pattern_error(lua, error)),
        };
        count += 1;
        buffer.extend(lua, &subject[done..start])?;
        replacement.append(lua, &mut buffer, subject, matcher.captures(), (start, end))?;
        done = end;
        last_end = Some(end);
        if anchored {
            break;
        }
    }
    if count == 0 {
        lua.push_value(1)?;
    } else {
        buffer.extend(lua, &subject[done..])?;
        buffer.finish(lua)?;
    }
    lua.push_integer(count)?;
    Ok(2)
}

/// A string with references to captures.
struct Template<'a> {
    text: &'a [u8],
    /// Whether there are none.
    plain: bool,
}

impl Replacement for Template<'_> {
    #[doc(alias = "add_s")]
    fn append(
        &mut self,
        lua: &mut LuaState,
        buffer: &mut Buffer,
        subject: &[u8],
        captures: &Captures,
        (start, end): (usize, usize),
    ) -> LuaResult<()> {
        if self.plain {
            return buffer.extend(lua, self.text);
        }
        let mut rest = self.text;
        while let Some(at) = find_byte(rest, ESCAPE) {
            buffer.extend(lua, &rest[..at])?;
            let capture = match rest.get(at + 1) {
                Some(&ESCAPE) => {
                    buffer.push_byte(lua, ESCAPE)?;
                    None
                }
                Some(b'0') => Some(Ok(Capture::Text { start, end })),
                Some(&digit @ b'1'..=b'9') => Some(captures.get_or_whole(usize::from(digit - b'1'), start, end)),
                _ => return Err(lua.raise(format_args!("invalid use of '%' in replacement string"))),
            };
            match capture {
                None => {}
                Some(Ok(Capture::Text { start, end })) => buffer.extend(lua, &subject[start..end])?,
                Some(Ok(Capture::Position(at))) => buffer.extend(lua, Digits::decimal(at as u64 + 1).as_bytes())?,
                Some(Err(error)) => return Err(pattern_error(lua, error)),
            }
            rest = &rest[at + 2..];
        }
        buffer.extend(lua, rest)
    }
}

/// The table that is the third argument, which has no metatable.
struct FromTable;

impl Replacement for FromTable {
    fn append(
        &mut self,
        lua: &mut LuaState,
        buffer: &mut Buffer,
        subject: &[u8],
        captures: &Captures,
        (start, end): (usize, usize),
    ) -> LuaResult<()> {
        push_capture(lua, subject, captures, 0, (start, end))?;
        lua.get_table(3)?;
        if check_replacement(lua)? {
            buffer.add_value(lua)
        } else {
            lua.pop(1);
            buffer.extend(lua, &subject[start..end])
        }
    }
}

/// Whether the value on top replaces the match; false and nil leave it.
fn check_replacement(lua: &mut LuaState) -> LuaResult<bool> {
    if lua.is_string(-1) {
        Ok(true)
    } else if !lua.to_boolean(-1) {
        Ok(false)
    } else {
        let type_name = lua.type_name_at(-1);
        Err(lua.raise(format_args!("invalid replacement value (a {type_name})")))
    }
}

/// The stack slot of the [`Progress`].
const PROGRESS: i32 = 4;

/// How much text is made room for at first, at most: a script's long string should not cost memory before it is used.
const MAX_FIRST_ROOM: usize = 4096;

/// What marks the userdata of a `gsub` (Y1).
static MARK: u64 = 0;

/// How far a `gsub` with a function has come. The gathered text follows it in the same userdata.
#[repr(C)]
#[derive(Clone, Copy)]
struct Progress {
    mark: *const u64,
    /// How much text was gathered.
    len: usize,
    /// The matches up to now.
    count: i64,
    /// The most matches.
    limit: i64,
    /// The match whose replacement is awaited.
    start: usize,
    /// Its end, which is where the search goes on; without a match yet, `usize::MAX`.
    end: usize,
}

/// The size of the header.
const HEADER: usize = size_of::<Progress>();

impl Progress {
    /// Pushes a new one.
    fn push(lua: &mut LuaState, subject_len: usize, limit: i64) -> LuaResult<()> {
        let block = lua.new_userdata(HEADER + subject_len.min(MAX_FIRST_ROOM) + 64)?;
        let progress = Progress { mark: &raw const MARK, len: 0, count: 0, limit, start: 0, end: usize::MAX };
        // SAFETY: the block is new, large enough and aligned to 16.
        unsafe { block.cast::<Progress>().write(progress) };
        Ok(())
    }

    /// It in its slot, and the size of its block, in which the gathered text lies.
    #[inline]
    fn get(lua: &LuaState) -> Option<(NonNull<Progress>, usize)> {
        let block = lua.to_userdata_bytes(PROGRESS).filter(|block| block.len() >= HEADER)?;
        let progress = block.cast::<Progress>();
        // SAFETY: the block has that size, and all userdata is initialised, with zeros at first.
        let is_own =
            unsafe { progress.as_ref().mark == &raw const MARK && progress.as_ref().len <= block.len() - HEADER };
        is_own.then_some((progress, block.len()))
    }

    /// Reads it.
    #[inline]
    fn load(lua: &mut LuaState) -> LuaResult<Progress> {
        match Self::get(lua) {
            // SAFETY: Y1.
            Some((progress, _)) => Ok(unsafe { progress.read() }),
            None => Err(lost(lua)),
        }
    }

    /// Writes down a match.
    #[inline]
    fn store_match(lua: &mut LuaState, count: i64, start: usize, end: usize) -> LuaResult<()> {
        match Self::get(lua) {
            Some((mut progress, _)) => {
                // SAFETY: Y1.
                let progress = unsafe { progress.as_mut() };
                (progress.count, progress.start, progress.end) = (count, start, end);
                Ok(())
            }
            None => Err(lost(lua)),
        }
    }

    /// Appends text, which may be that of a string on the stack; a full block is exchanged for a larger one.
    #[inline]
    fn append(lua: &mut LuaState, text: &[u8]) -> LuaResult<()> {
        match Self::get(lua) {
            Some((progress, size)) => {
                // SAFETY: Y1.
                let used = HEADER + unsafe { progress.as_ref().len };
                if text.len() > size - used {
                    return Self::append_to_larger(lua, text);
                }
                // SAFETY: Y1: there is room for the text within the block; no text of a string lies in one.
                unsafe { Self::write(progress, text) };
                Ok(())
            }
            None => Err(lost(lua)),
        }
    }

    /// The same where the block is too small.
    #[cold]
    #[inline(never)]
    fn append_to_larger(lua: &mut LuaState, text: &[u8]) -> LuaResult<()> {
        let Some((_, size)) = Self::get(lua) else {
            return Err(lost(lua));
        };
        let new_size = (size + text.len()).max(size * 2);
        let new = lua.new_userdata(new_size)?;
        // A finalizer may have run meanwhile.
        match Self::get(lua) {
            Some((old, old_size)) if old_size + text.len() <= new_size => {
                // SAFETY: Y1; the new block has room for the old one and the text, and two blocks never overlap.
                unsafe {
                    new.copy_from_nonoverlapping(old.cast(), old_size);
                    Self::write(new.cast(), text);
                }
                lua.replace(PROGRESS);
                Ok(())
            }
            _ => Err(lost(lua)),
        }
    }

    /// Writes text behind what was gathered.
    ///
    /// # Safety
    /// Y1; the block has room for it.
    #[inline]
    unsafe fn write(mut progress: NonNull<Progress>, text: &[u8]) {
        // SAFETY: the caller's promise.
        unsafe {
            let place = progress.cast::<u8>().add(HEADER + progress.as_ref().len);
            place.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len());
            progress.as_mut().len += text.len();
        }
    }

    /// Appends what comes for the match of `start..end`, according to the value on top, which is popped.
    fn replace(lua: &mut LuaState, start: usize, end: usize) -> LuaResult<()> {
        let text = if check_replacement(lua)? {
            // SAFETY: L1: the value stays on top until the text is copied.
            unsafe { lua.check_str(-1)?.bytes() }
        } else {
            // SAFETY: L1.
            let subject = unsafe { lua.check_str(1)?.bytes() };
            subject.get(start..end).unwrap_or(&[])
        };
        Self::append(lua, text)?;
        lua.set_top(PROGRESS)
    }

    /// Pushes the gathered text as a string.
    fn push_text(lua: &mut LuaState) -> LuaResult<()> {
        match Self::get(lua) {
            Some((progress, _)) => {
                // SAFETY: Y1; the block stays in its slot until the string is made.
                let text = unsafe {
                    let start = progress.cast::<u8>().add(HEADER);
                    NonNull::slice_from_raw_parts(start, progress.as_ref().len).as_ref()
                };
                lua.push_bytes(text)
            }
            None => Err(lost(lua)),
        }
    }
}

/// The error when a script has exchanged what is in the function's stack slots.
#[cold]
fn lost(lua: &mut LuaState) -> Thrown {
    lua.raise(format_args!("the values of 'gsub' were overwritten"))
}

/// Looks for the next match and asks for its replacement, until there is none; then gives the results.
fn advance(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1: since the last call, if any, the slots are read anew.
    let (subject, pattern) = unsafe { (lua.check_str(1)?.bytes(), lua.check_str(2)?.bytes()) };
    let (anchored, pattern) = split_anchor(pattern);
    let Progress { mut count, limit, mut end, .. } = Progress::load(lua)?;
    let mut matcher = Matcher::new(subject, pattern);
    let mut done;
    loop {
        let last_end = (end <= subject.len()).then_some(end);
        done = last_end.unwrap_or(0);
        if count >= limit || (anchored && count > 0) {
            break;
        }
        let start;
        (start, end) = match matcher.search(done, anchored, last_end) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => return Err(pattern_error(lua, error)),
        };
        count += 1;
        Progress::append(lua, &subject[done..start])?;
        Progress::store_match(lua, count, start, end)?;
        if lua.is_function(3) {
            lua.push_value(3)?;
            let n = push_captures(lua, subject, matcher.captures(), (start, end))?;
            return lua.call_then(n, 1, 0, replaced);
        }
        push_capture(lua, subject, matcher.captures(), 0, (start, end))?;
        lua.get_table_then(3, 0, replaced)?;
        Progress::replace(lua, start, end)?;
    }
    if count == 0 {
        lua.push_value(1)?;
    } else {
        Progress::append(lua, &subject[done..])?;
        Progress::push_text(lua)?;
    }
    lua.push_integer(count)?;
    Ok(2)
}

/// Goes on with the replacement on top.
fn replaced(lua: &mut LuaState, _status: Status, _ctx: isize) -> LuaResult<usize> {
    let progress = Progress::load(lua)?;
    Progress::replace(lua, progress.start, progress.end)?;
    advance(lua)
}
