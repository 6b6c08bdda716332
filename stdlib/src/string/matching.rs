//! `string.find`, `string.match` and `string.gmatch`, and how captures become values.

use perilune_vm::{Answer, LuaResult, LuaState, LuaType, QuickCall, QuickNative, Thrown, upvalue_index};

use super::absolute_position;
use super::pattern::{Capture, Captures, Matcher, PatternError, is_plain, split_anchor};
use super::search::find_bytes;

/// Raises the error of a pattern.
#[cold]
pub(super) fn pattern_error(lua: &mut LuaState, error: PatternError) -> Thrown {
    lua.raise(format_args!("{error}"))
}

/// Pushes a capture of a match of `start..end`; see [`Captures::get_or_whole`].
#[doc(alias = "push_onecapture")]
#[inline]
pub(super) fn push_capture(
    lua: &mut LuaState,
    subject: &[u8],
    captures: &Captures,
    index: usize,
    (start, end): (usize, usize),
) -> LuaResult<()> {
    match captures.get_or_whole(index, start, end) {
        Ok(Capture::Text { start, end }) => lua.push_bytes(&subject[start..end]),
        Ok(Capture::Position(position)) => lua.push_integer(position as i64 + 1),
        Err(error) => Err(pattern_error(lua, error)),
    }
}

/// Pushes all captures; without any, the whole match. Returns how many values it pushed.
pub(super) fn push_captures(
    lua: &mut LuaState,
    subject: &[u8],
    captures: &Captures,
    found: (usize, usize),
) -> LuaResult<usize> {
    let n = captures.len().max(1);
    lua.ensure_stack(n, "too many captures")?;
    for index in 0..n {
        push_capture(lua, subject, captures, index, found)?;
    }
    Ok(n)
}

/// Pushes nil, for a search that found nothing.
fn not_found(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_nil()?;
    Ok(1)
}

/// Pushes where a match lies, as the first and the last position of Lua.
fn push_range(lua: &mut LuaState, start: usize, end: usize) -> LuaResult<()> {
    lua.push_integer(start as i64 + 1)?;
    lua.push_integer(end as i64)
}

/// The subject, the pattern and the index to start at, which are the first three arguments of `find` and `match`; `None`
/// instead of an index after the end.
#[inline]
fn check_search<'a>(lua: &mut LuaState) -> LuaResult<(&'a [u8], &'a [u8], Option<usize>)> {
    // SAFETY: L1; the callers give the slices to no one who could leave the call.
    let (subject, pattern) = unsafe { (lua.check_str(1)?.bytes(), lua.check_str(2)?.bytes()) };
    let position = absolute_position(lua.opt_integer(3, 1)?, subject.len()).max(1);
    let init = position as u64 - 1;
    Ok((subject, pattern, (init <= subject.len() as u64).then_some(init as usize)))
}

/// `string.find (s, pattern [, init [, plain]])` (§6.4)
pub(super) fn find(lua: &mut LuaState) -> LuaResult<usize> {
    let (subject, pattern, init) = check_search(lua)?;
    let Some(init) = init else {
        return not_found(lua);
    };
    if lua.to_boolean(4) || is_plain(pattern) {
        let Some(at) = find_bytes(&subject[init..], pattern) else {
            return not_found(lua);
        };
        push_range(lua, init + at, init + at + pattern.len())?;
        return Ok(2);
    }
    let (anchored, pattern) = split_anchor(pattern);
    let mut matcher = Matcher::new(subject, pattern);
    match matcher.search(init, anchored, None) {
        Ok(Some((start, end))) => {
            push_range(lua, start, end)?;
            if matcher.captures().is_empty() {
                return Ok(2);
            }
            Ok(2 + push_captures(lua, subject, matcher.captures(), (start, end))?)
        }
        Ok(None) => not_found(lua),
        Err(error) => Err(pattern_error(lua, error)),
    }
}

/// `string.match (s, pattern [, init])` (§6.4)
pub(super) fn match_(lua: &mut LuaState) -> LuaResult<usize> {
    let (subject, pattern, init) = check_search(lua)?;
    let Some(init) = init else {
        return not_found(lua);
    };
    let (anchored, pattern) = split_anchor(pattern);
    let mut matcher = Matcher::new(subject, pattern);
    match matcher.search(init, anchored, None) {
        Ok(Some(found)) => push_captures(lua, subject, matcher.captures(), found),
        Ok(None) => not_found(lua),
        Err(error) => Err(pattern_error(lua, error)),
    }
}

/// The number of the upvalue of an iterator that tells where the last match ended.
const LAST_END: i32 = 3;

/// What [`LAST_END`] holds before the first match.
const NO_MATCH_YET: i64 = -1;

/// The iterator of `gmatch`. Its upvalues are the subject, the pattern and the end of the last match.
#[doc(alias = "gmatch_aux")]
fn gmatch_next(lua: &mut LuaState) -> LuaResult<usize> {
    // The debug library can replace upvalues, but not what lies in this frame.
    lua.set_top(0)?;
    lua.push_value(upvalue_index(1))?;
    lua.push_value(upvalue_index(2))?;
    // SAFETY: L1, for these slots as for arguments.
    let (subject, pattern) = unsafe { (lua.check_str(1)?.bytes(), lua.check_str(2)?.bytes()) };
    let last_end = lua.to_integer(upvalue_index(LAST_END)).and_then(|end| usize::try_from(end).ok());
    let mut matcher = Matcher::new(subject, pattern);
    match matcher.search(last_end.unwrap_or(0), false, last_end) {
        Ok(Some((start, end))) => {
            lua.push_integer(end as i64)?;
            lua.replace(upvalue_index(LAST_END));
            push_captures(lua, subject, matcher.captures(), (start, end))
        }
        Ok(None) => Ok(0),
        Err(error) => Err(pattern_error(lua, error)),
    }
}

/// `string.gmatch (s, pattern)` (§6.4)
pub(super) fn gmatch(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_str(1)?;
    lua.check_str(2)?;
    lua.set_top(2)?;
    lua.push_integer(NO_MATCH_YET)?;
    lua.push_quick_closure(&GMATCH_NEXT, 3)?;
    Ok(1)
}

/// The iterator with its quick form.
static GMATCH_NEXT: QuickNative = QuickNative::new(gmatch_next, quick::gmatch_next);

/// Quick forms, for arguments that need no conversion and few captures.
pub(super) mod quick {
    use super::*;

    /// The most results.
    const MAX_RESULTS: usize = 6;

    /// What [`check_search`](super::check_search) gives; `None`: a conversion is needed.
    #[inline]
    fn search_arguments<'a>(call: QuickCall<'a>) -> Option<(&'a [u8], &'a [u8], Option<usize>)> {
        let (subject, pattern) = (call.bytes(1)?, call.bytes(2)?);
        let position = match call.lua_type(3) {
            LuaType::None | LuaType::Nil => 1,
            _ => absolute_position(call.integer(3)?, subject.len()).max(1),
        };
        let init = position as u64 - 1;
        Some((subject, pattern, (init <= subject.len() as u64).then_some(init as usize)))
    }

    /// The answer that is where a match lies, if that is wanted, and its captures; without any, the whole match if there is
    /// nothing else.
    #[inline]
    fn found<'a>(
        call: QuickCall<'a>,
        with_range: bool,
        subject: &[u8],
        captures: &Captures,
        (start, end): (usize, usize),
    ) -> Answer<'a> {
        let mut results = [Answer::NIL; MAX_RESULTS];
        let mut n = 0;
        let mut captured = captures.len();
        if with_range {
            (results[0], results[1]) = (Answer::integer(start as i64 + 1), Answer::integer(end as i64));
            n = 2;
        } else {
            captured = captured.max(1);
        }
        let Some(places) = results.get_mut(n..n + captured) else { return Answer::UNUSUAL };
        for (index, place) in places.iter_mut().enumerate() {
            *place = match captures.get_or_whole(index, start, end) {
                Ok(Capture::Text { start, end }) => call.string(&subject[start..end]),
                Ok(Capture::Position(position)) => Answer::integer(position as i64 + 1),
                Err(_) => Answer::UNUSUAL,
            };
        }
        n += captured;
        if n == 1 { results[0] } else { call.values(&results[..n]) }
    }

    pub(in crate::string) fn find(call: QuickCall<'_>) -> Answer<'_> {
        let Some((subject, pattern, init)) = search_arguments(call) else { return Answer::UNUSUAL };
        let Some(init) = init else { return Answer::NIL };
        if call.truth(4) || is_plain(pattern) {
            return match find_bytes(&subject[init..], pattern) {
                Some(at) => {
                    let start = (init + at) as i64;
                    call.values(&[Answer::integer(start + 1), Answer::integer(start + pattern.len() as i64)])
                }
                None => Answer::NIL,
            };
        }
        search(call, true, subject, pattern, init)
    }

    pub(in crate::string) fn match_(call: QuickCall<'_>) -> Answer<'_> {
        match search_arguments(call) {
            Some((subject, pattern, Some(init))) => search(call, false, subject, pattern, init),
            Some((_, _, None)) => Answer::NIL,
            None => Answer::UNUSUAL,
        }
    }

    /// The answer that is the first match.
    #[inline]
    fn search<'a>(
        call: QuickCall<'a>,
        with_range: bool,
        subject: &'a [u8],
        pattern: &'a [u8],
        init: usize,
    ) -> Answer<'a> {
        let (anchored, pattern) = split_anchor(pattern);
        let mut matcher = Matcher::new(subject, pattern);
        match matcher.search(init, anchored, None) {
            Ok(Some(range)) => found(call, with_range, subject, matcher.captures(), range),
            Ok(None) => Answer::NIL,
            Err(_) => Answer::UNUSUAL,
        }
    }

    pub(super) fn gmatch_next(call: QuickCall<'_>) -> Answer<'_> {
        let (Some(subject), Some(pattern)) = (call.upvalue_bytes(1), call.upvalue_bytes(2)) else {
            return Answer::UNUSUAL;
        };
        let last_end = call.upvalue_integer(LAST_END as usize).and_then(|end| usize::try_from(end).ok());
        let mut matcher = Matcher::new(subject, pattern);
        match matcher.search(last_end.unwrap_or(0), false, last_end) {
            Ok(Some(range)) => {
                let answer = found(call, false, subject, matcher.captures(), range);
                if !answer.is_unusual() {
                    call.set_upvalue_integer(LAST_END as usize, range.1 as i64);
                }
                answer
            }
            Ok(None) => call.values(&[]),
            Err(_) => Answer::UNUSUAL,
        }
    }
}
