//! `table.sort`: quicksort as a machine that stops at each comparison.
//!
//! The comparator is called without nesting, so the sort keeps all that it must remember on the Lua stack, as values that
//! harm nobody should the debug library change them. From index 3 on lie the ranges that are still to be sorted, each one
//! integer, the one in work last; above it the two positions in work, as one integer; above that the operands:
//!
//! | phase | operands | question |
//! |---|---|---|
//! | [`Phase::Ends`] | `t[low]`, `t[high]` | `t[high] < t[low]`? |
//! | [`Phase::MiddleAndLow`] | `t[middle]`, `t[low]` | `t[middle] < t[low]`? |
//! | [`Phase::MiddleAndHigh`] | `t[middle]`, `t[high]` | `t[high] < t[middle]`? |
//! | [`Phase::ScanUp`] | pivot, `t[i]` | `t[i] < pivot`? |
//! | [`Phase::ScanDown`] | pivot, `t[i]`, `t[j]` | `pivot < t[j]`? |
//!
//! The pivots and the order of the comparisons are those of the reference implementation, so that a comparator that is no
//! order is treated alike. Smaller parts are sorted first, which bounds the number of waiting ranges by 32.

use perilune_vm::{CompareOp, LuaResult, LuaState, LuaType, Status, Thrown};

use super::{READ, WRITE, check_len};

/// Ranges at least this long may get a pivot at random.
const RANDOM_LIMIT: u32 = 100;

/// The waiting ranges, the one in work with its positions and operands, and a call.
const STACK_NEED: usize = 32 + 8;

/// The comparison that the machine waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Ends,
    MiddleAndLow,
    MiddleAndHigh,
    ScanUp,
    ScanDown,
}

impl Phase {
    fn from_context(ctx: isize) -> Self {
        match ctx {
            0 => Self::Ends,
            1 => Self::MiddleAndLow,
            2 => Self::MiddleAndHigh,
            3 => Self::ScanUp,
            _ => Self::ScanDown,
        }
    }

    /// How many operands lie on top while the comparison is made.
    const fn operands(self) -> i32 {
        if matches!(self, Self::ScanDown) { 3 } else { 2 }
    }

    /// The stack indices of the comparison's sides.
    const fn sides(self) -> (i32, i32) {
        match self {
            Self::Ends | Self::MiddleAndHigh | Self::ScanUp => (-1, -2),
            Self::MiddleAndLow => (-2, -1),
            Self::ScanDown => (-3, -1),
        }
    }
}

/// Two positions as one Lua integer; the top bit of the upper half is free for a flag.
fn pair(low: u32, high: u32) -> i64 {
    (low as u64 | (high as u64) << 32) as i64
}

/// A part of the table that is to be sorted.
#[derive(Clone, Copy)]
struct Range {
    low: u32,
    high: u32,
    /// A partition was so uneven that pivots are to be taken at random from now on.
    random: bool,
}

impl Range {
    fn encode(self) -> i64 {
        pair(self.low, self.high | (self.random as u32) << 31)
    }

    fn decode(n: i64) -> Self {
        let high = (n as u64 >> 32) as u32;
        Self { low: n as u32 & i32::MAX as u32, high: high & i32::MAX as u32, random: high >> 31 == 1 }
    }

    /// The length less one.
    fn span(self) -> u32 {
        self.high.saturating_sub(self.low)
    }

    /// The position of the pivot: the middle, or somewhere in the second or third quarter.
    fn middle(self, lua: &LuaState) -> u32 {
        let span = self.span();
        if span < RANDOM_LIMIT || !self.random {
            return self.low + span / 2;
        }
        let quarter = span / 4;
        let seed = lua.to_pointer(1) as usize as u64 ^ self.encode() as u64;
        let random = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        self.low + quarter + random % (2 * quarter)
    }
}

/// The machine, between two comparisons.
struct Sorter {
    range: Range,
    phase: Phase,
    /// The middle, or where the scan upwards is.
    i: u32,
    /// Where the scan downwards is.
    j: u32,
}

impl Sorter {
    /// A machine that is about to compare the ends of a range.
    fn start(lua: &mut LuaState, range: Range) -> LuaResult<Self> {
        lua.push_integer(range.encode())?;
        lua.push_integer(0)?;
        let mut sorter = Self { range, phase: Phase::Ends, i: 0, j: 0 };
        sorter.load_ends(lua)?;
        Ok(sorter)
    }

    /// The machine that was stored on the stack. Whatever is found there, its positions lie in its range.
    fn restore(lua: &LuaState, phase: Phase) -> Self {
        let positions_at = -1 - phase.operands();
        let stored = Range::decode(lua.to_integer(positions_at - 1).unwrap_or(0));
        let low = stored.low.max(1);
        let range = Range { low, high: stored.high.max(low + 1), ..stored };
        let positions = lua.to_integer(positions_at).unwrap_or(0) as u64;
        let i = (positions as u32).clamp(low, range.high);
        let j = ((positions >> 32) as u32).clamp(low, range.high);
        Self { range, phase, i, j }
    }

    /// Stores the machine on the stack; the range is there already.
    fn store(&self, lua: &mut LuaState) -> LuaResult<()> {
        lua.push_integer(pair(self.i, self.j))?;
        lua.replace(-2 - self.phase.operands());
        Ok(())
    }

    fn load_ends(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        self.phase = Phase::Ends;
        self.load(lua, self.range.low)?;
        self.load(lua, self.range.high)
    }

    /// Pushes an element.
    #[inline]
    fn load(&self, lua: &mut LuaState, position: u32) -> LuaResult<()> {
        lua.get_i(1, position as i64)?;
        Ok(())
    }

    /// Stores the two topmost values, the topmost first, and pops them.
    #[inline]
    fn store_two(&self, lua: &mut LuaState, first: u32, second: u32) -> LuaResult<()> {
        lua.set_i(1, first as i64)?;
        lua.set_i(1, second as i64)
    }

    /// Goes on with the answer of a comparison up to the next one; false when all is sorted.
    fn advance(&mut self, lua: &mut LuaState, less: bool) -> LuaResult<bool> {
        match self.phase {
            Phase::ScanUp => self.scan_up(lua, less),
            Phase::ScanDown => self.scan_down(lua, less),
            Phase::Ends => {
                self.settle(lua, less, self.range.low, self.range.high)?;
                if self.range.span() <= 1 {
                    return self.next_range(lua);
                }
                self.i = self.range.middle(lua);
                self.phase = Phase::MiddleAndLow;
                self.load(lua, self.i)?;
                self.load(lua, self.range.low)?;
                Ok(true)
            }
            Phase::MiddleAndLow => {
                if less {
                    self.store_two(lua, self.i, self.range.low)?;
                    return self.start_partition(lua);
                }
                lua.pop(1);
                self.phase = Phase::MiddleAndHigh;
                self.load(lua, self.range.high)?;
                Ok(true)
            }
            Phase::MiddleAndHigh => {
                self.settle(lua, less, self.i, self.range.high)?;
                self.start_partition(lua)
            }
        }
    }

    /// Swaps or drops the two operands, which come from two positions.
    fn settle(&mut self, lua: &mut LuaState, swap: bool, first: u32, second: u32) -> LuaResult<()> {
        if swap {
            self.store_two(lua, first, second)
        } else {
            lua.pop(2);
            Ok(())
        }
    }

    /// The ends and the middle are in order: puts the pivot before the last element and starts to scan.
    fn start_partition(&mut self, lua: &mut LuaState) -> LuaResult<bool> {
        let Range { low, high, .. } = self.range;
        if high - low == 2 {
            return self.next_range(lua);
        }
        self.load(lua, self.i)?;
        lua.push_value(-1)?;
        self.load(lua, high - 1)?;
        self.store_two(lua, self.i, high - 1)?;
        self.phase = Phase::ScanUp;
        self.i = low + 1;
        self.j = high - 1;
        self.load(lua, self.i)?;
        Ok(true)
    }

    /// All before `i` is below the pivot, all after `j` above it.
    #[inline]
    fn scan_up(&mut self, lua: &mut LuaState, less: bool) -> LuaResult<bool> {
        if less {
            if self.i + 1 >= self.range.high {
                return Err(invalid_order(lua));
            }
            lua.pop(1);
            self.i += 1;
            self.load(lua, self.i)?;
            return Ok(true);
        }
        self.phase = Phase::ScanDown;
        self.j = self.j.wrapping_sub(1);
        self.load(lua, self.j)?;
        Ok(true)
    }

    /// `t[i]` is not below the pivot; looks for an element to swap it with.
    #[inline]
    fn scan_down(&mut self, lua: &mut LuaState, less: bool) -> LuaResult<bool> {
        if less {
            if self.j < self.i {
                return Err(invalid_order(lua));
            }
            lua.pop(1);
            self.j = self.j.wrapping_sub(1);
            self.load(lua, self.j)?;
            return Ok(true);
        }
        if self.j < self.i {
            lua.pop(1);
            self.store_two(lua, self.range.high - 1, self.i)?;
            return self.split(lua);
        }
        self.store_two(lua, self.i, self.j)?;
        self.phase = Phase::ScanUp;
        self.i += 1;
        self.load(lua, self.i)?;
        Ok(true)
    }

    /// The pivot is at `i`, its place: replaces the range by its two parts, the smaller one on top.
    fn split(&mut self, lua: &mut LuaState) -> LuaResult<bool> {
        let Range { low, high, random } = self.range;
        let below = Range { low, high: self.i - 1, random };
        let above = Range { low: self.i + 1, high, random };
        let (smaller, mut larger) = if self.i - low < high - self.i { (below, above) } else { (above, below) };
        let smaller_len = (self.i - low).min(high - self.i);
        larger.random |= larger.span() / 128 > smaller_len;
        lua.pop(2);
        for part in [larger, smaller] {
            lua.push_integer(part.encode())?;
        }
        lua.push_integer(0)?;
        self.range = smaller;
        if smaller.low < smaller.high {
            self.load_ends(lua)?;
            return Ok(true);
        }
        self.next_range(lua)
    }

    /// The range is sorted: goes on with the next one that has at least two elements.
    fn next_range(&mut self, lua: &mut LuaState) -> LuaResult<bool> {
        lua.pop(2);
        while lua.get_top() > 2 {
            self.range = Range::decode(lua.to_integer(-1).unwrap_or(0));
            if self.range.low < self.range.high {
                lua.push_integer(0)?;
                self.load_ends(lua)?;
                return Ok(true);
            }
            lua.pop(1);
        }
        Ok(false)
    }

    /// Calls the comparator; the sort goes on after it.
    fn ask(&self, lua: &mut LuaState) -> LuaResult<usize> {
        self.push_call(lua)?;
        lua.call_then(2, 1, self.phase as isize, answered)
    }

    /// Answers the comparison at once: a native comparator is called within the sort, as the reference does, so that itself
    /// it cannot yield; without comparator the values are compared.
    fn answer(&self, lua: &mut LuaState) -> LuaResult<bool> {
        if lua.is_nil(2) {
            let (left, right) = self.phase.sides();
            return lua.compare(left, right, CompareOp::Lt);
        }
        self.push_call(lua)?;
        lua.call(2, 1)?;
        let less = lua.to_boolean(-1);
        lua.pop(1);
        Ok(less)
    }

    /// Pushes the comparator and its arguments.
    fn push_call(&self, lua: &mut LuaState) -> LuaResult<()> {
        let (left, right) = self.phase.sides();
        lua.push_value(2)?;
        lua.push_value(left - 1)?;
        lua.push_value(right - 2)
    }
}

/// The error of a comparator that contradicts itself.
#[cold]
fn invalid_order(lua: &mut LuaState) -> Thrown {
    lua.raise(format_args!("invalid order function for sorting"))
}

/// Goes on after a call of the comparator.
fn answered(lua: &mut LuaState, _: Status, ctx: isize) -> LuaResult<usize> {
    let less = lua.to_boolean(-1);
    lua.pop(1);
    let mut sorter = Sorter::restore(lua, Phase::from_context(ctx));
    if !sorter.advance(lua, less)? {
        return Ok(0);
    }
    sorter.store(lua)?;
    sorter.ask(lua)
}

/// `table.sort (list [, comp])`
pub(super) fn sort(lua: &mut LuaState) -> LuaResult<usize> {
    let len = check_len(lua, READ | WRITE)?;
    if len <= 1 {
        return Ok(0);
    }
    lua.arg_check(len < i32::MAX as i64, 1, "array too big")?;
    if !lua.is_none_or_nil(2) {
        lua.check_type(2, LuaType::Function)?;
    }
    lua.set_top(2)?;
    if lua.is_nil(2) && lua.raw_sort(1, len as usize) {
        return Ok(0);
    }
    lua.ensure_stack(STACK_NEED, "")?;
    let mut sorter = Sorter::start(lua, Range { low: 1, high: len as u32, random: false })?;
    if !lua.is_nil(2) && !lua.is_native_function(2) {
        lua.seem_unyieldable();
        return sorter.ask(lua);
    }
    loop {
        let less = sorter.answer(lua)?;
        if !sorter.advance(lua, less)? {
            return Ok(0);
        }
    }
}
