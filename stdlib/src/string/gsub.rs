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

use perilune_vm::{Buffer, LuaResult, LuaState, LuaType, Status, Thrown};

use super::matching::{pattern_error, push_capture, push_captures};
use super::number_format::Digits;
use super::pattern::{Capture, Captures, ESCAPE, Matcher, split_anchor};
use super::search::find_byte;

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

    /// The block in its slot, and its size.
    fn block(lua: &LuaState) -> Option<(NonNull<Progress>, usize)> {
        let size = lua.raw_len(PROGRESS);
        if !lua.is_userdata(PROGRESS) || lua.is_light_userdata(PROGRESS) || size < HEADER {
            return None;
        }
        let block = lua.to_userdata(PROGRESS)?.cast::<Progress>();
        // SAFETY: the block has that size, and all userdata is initialised, with zeros at first.
        let is_own = unsafe { block.as_ref().mark } == &raw const MARK;
        is_own.then_some((block, size))
    }

    /// Reads it.
    fn load(lua: &mut LuaState) -> LuaResult<Progress> {
        match Self::block(lua) {
            // SAFETY: Y1.
            Some((block, size)) if unsafe { block.as_ref().len } <= size - HEADER => Ok(unsafe { block.read() }),
            _ => Err(lost(lua)),
        }
    }

    /// Writes it back.
    fn store(self, lua: &mut LuaState) -> LuaResult<()> {
        match Self::block(lua) {
            Some((block, _)) => {
                // SAFETY: Y1.
                unsafe { block.write(self) };
                Ok(())
            }
            None => Err(lost(lua)),
        }
    }

    /// Appends text, which may be that of a string on the stack; a full block is exchanged for a larger one.
    fn append(&mut self, lua: &mut LuaState, text: &[u8]) -> LuaResult<()> {
        let Some((_, size)) = Self::block(lua) else {
            return Err(lost(lua));
        };
        let needed = HEADER + self.len + text.len();
        if needed > size {
            // What is in the block must be known before it is copied.
            self.store(lua)?;
            let new = lua.new_userdata(needed.max(size * 2))?;
            // A finalizer may have run meanwhile.
            let used = HEADER + self.len;
            let Some((old, _)) = Self::block(lua).filter(|&(_, size)| used <= size) else {
                return Err(lost(lua));
            };
            // SAFETY: Y1; the new block has room for more than what was used, and two blocks never overlap.
            unsafe { new.copy_from_nonoverlapping(old.cast(), used) };
            lua.replace(PROGRESS);
        }
        match Self::block(lua) {
            Some((block, size)) if needed <= size => {
                // SAFETY: Y1: the header and `needed` bytes are within the block; no text of a string lies in one.
                unsafe {
                    let place = block.cast::<u8>().add(HEADER + self.len);
                    place.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len());
                }
                self.len += text.len();
                Ok(())
            }
            _ => Err(lost(lua)),
        }
    }

    /// Appends what comes for the match, according to the value on top, which is popped.
    fn replace(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        let text = if check_replacement(lua)? {
            // SAFETY: L1: the value stays on top until the text is copied.
            unsafe { lua.check_str(-1)?.bytes() }
        } else {
            // SAFETY: L1.
            let subject = unsafe { lua.check_str(1)?.bytes() };
            subject.get(self.start..self.end).unwrap_or(&[])
        };
        self.append(lua, text)?;
        lua.set_top(PROGRESS)
    }

    /// Pushes the gathered text as a string.
    fn push_text(self, lua: &mut LuaState) -> LuaResult<()> {
        match Self::block(lua) {
            Some((block, size)) if self.len <= size - HEADER => {
                // SAFETY: Y1; the block stays in its slot until the string is made.
                let text = unsafe { NonNull::slice_from_raw_parts(block.cast::<u8>().add(HEADER), self.len).as_ref() };
                lua.push_bytes(text)
            }
            _ => Err(lost(lua)),
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
    let mut progress = Progress::load(lua)?;
    let mut done;
    loop {
        let last_end = (progress.end <= subject.len()).then_some(progress.end);
        done = last_end.unwrap_or(0);
        if progress.count >= progress.limit || (anchored && progress.count > 0) {
            break;
        }
        let mut matcher = Matcher::new(subject, pattern);
        let (start, end) = match matcher.search(done, anchored, last_end) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => return Err(pattern_error(lua, error)),
        };
        progress.append(lua, &subject[done..start])?;
        (progress.count, progress.start, progress.end) = (progress.count + 1, start, end);
        progress.store(lua)?;
        if lua.is_function(3) {
            lua.push_value(3)?;
            let n = push_captures(lua, subject, matcher.captures(), (start, end))?;
            return lua.call_then(n, 1, 0, replaced);
        }
        push_capture(lua, subject, matcher.captures(), 0, (start, end))?;
        lua.get_table_then(3, 0, replaced)?;
        progress.replace(lua)?;
    }
    if progress.count == 0 {
        lua.push_value(1)?;
    } else {
        progress.append(lua, &subject[done..])?;
        progress.push_text(lua)?;
    }
    lua.push_integer(progress.count)?;
    Ok(2)
}

/// Goes on with the replacement on top.
fn replaced(lua: &mut LuaState, _status: Status, _ctx: isize) -> LuaResult<usize> {
    let mut progress = Progress::load(lua)?;
    progress.replace(lua)?;
    progress.store(lua)?;
    advance(lua)
}
