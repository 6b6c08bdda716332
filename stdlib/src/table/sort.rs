//! `table.sort`: quicksort as a machine whose every step may wait for a function.
//!
//! Each [`Step`] reads an element, writes one, or compares two; all three may have to call a function (a metamethod, or the
//! comparator), which may yield. So the machine keeps what it must remember on the Lua stack:
//!
//! | slot | holds |
//! |---|---|
//! | 1, 2 | the table, the comparator or nil |
//! | [`RANGE`] | the range in work |
//! | [`POSITIONS`] | the two positions in work, of the last two columns below |
//! | above | the ranges that wait, and then the operands |
//!
//! The pivots, the comparisons and their order, and the order of reads and writes are those of the reference
//! implementation, so that a comparator that is no order and a table with metamethods are treated alike. Smaller parts are
//! sorted first, which bounds the number of waiting ranges by 32.

use perilune_vm::{CompareOp, LuaResult, LuaState, LuaType, Status, Thrown};

use super::{LENGTH, READ, WRITE, check_table};

/// Ranges at least this long may get a pivot at random.
const RANDOM_LIMIT: u32 = 100;

/// The slots that are always there, the waiting ranges, the operands, and a call.
const STACK_NEED: usize = 4 + 32 + 3 + 4;

/// The slot of the range in work.
const RANGE: i32 = 3;
/// The slot of the positions in work.
const POSITIONS: i32 = 4;

/// The bits of a continuation's context that say which scan waits for the comparator; its positions lie below them. Without them
/// the context is another step.
const UP: u64 = 1 << 62;
const DOWN: u64 = 1 << 63;

/// What the machine does next. The operands lie on top, the last one topmost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Step {
    /// Reads `t[low]`: a range begins.
    Low,
    /// Reads `t[high]`.
    High,
    /// `t[high] < t[low]`?
    CompareEnds,
    /// They are exchanged.
    SwapLow,
    SwapHigh,
    /// Reads `t[i]`, the middle.
    Middle,
    /// Reads `t[low]` again.
    LowAgain,
    /// `t[i] < t[low]`?
    CompareLow,
    /// They are exchanged.
    SwapMiddle,
    SwapLowAgain,
    /// Reads `t[high]` again.
    HighAgain,
    /// `t[high] < t[i]`?
    CompareHigh,
    /// They are exchanged.
    SwapMiddleAgain,
    SwapHighAgain,
    /// Reads `t[i]`, the pivot, which stays on the stack for the partition.
    Pivot,
    /// Reads the last element but one, with which the pivot is exchanged.
    BeforeHigh,
    SwapPivot,
    SwapBeforeHigh,
    /// Reads `t[i]`: the scan upwards.
    Up,
    /// `t[i] < pivot`?
    CompareUp,
    /// Reads `t[j]`: the scan downwards.
    Down,
    /// `pivot < t[j]`?
    CompareDown,
    /// `t[i]` and `t[j]` are exchanged.
    SwapUp,
    SwapDown,
    /// The pivot, which is before the last element, is exchanged with `t[i]`.
    PlaceBeforeHigh,
    PlacePivot,
}

impl Step {
    /// All steps, in order.
    const ALL: [Self; 26] = [
        Self::Low,
        Self::High,
        Self::CompareEnds,
        Self::SwapLow,
        Self::SwapHigh,
        Self::Middle,
        Self::LowAgain,
        Self::CompareLow,
        Self::SwapMiddle,
        Self::SwapLowAgain,
        Self::HighAgain,
        Self::CompareHigh,
        Self::SwapMiddleAgain,
        Self::SwapHighAgain,
        Self::Pivot,
        Self::BeforeHigh,
        Self::SwapPivot,
        Self::SwapBeforeHigh,
        Self::Up,
        Self::CompareUp,
        Self::Down,
        Self::CompareDown,
        Self::SwapUp,
        Self::SwapDown,
        Self::PlaceBeforeHigh,
        Self::PlacePivot,
    ];

    fn from_number(n: u64) -> Self {
        Self::ALL[(n as usize).min(Self::ALL.len() - 1)]
    }
}

const _: () = {
    let mut i = 0;
    while i < Step::ALL.len() {
        assert!(Step::ALL[i] as usize == i, "the steps are listed in order");
        i += 1;
    }
};

/// What a step does.
enum Action {
    /// Pushes the element at a position.
    Read(u32),
    /// Pops the value of the element at a position.
    Write(u32),
    /// Compares the values at two indices.
    Compare(i32, i32),
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

/// The machine.
struct Sorter {
    range: Range,
    step: Step,
    /// The middle, or where the scan upwards is.
    i: u32,
    /// Where the scan downwards is.
    j: u32,
}

impl Sorter {
    /// The machine that was left on the stack and in the context. Whatever is found there, its positions lie in its range.
    #[inline]
    fn restore(lua: &LuaState, context: isize) -> Self {
        let stored = Range::decode(lua.to_integer(RANGE).unwrap_or(0));
        let low = stored.low.max(1);
        let range = Range { low, high: stored.high.max(low + 1), ..stored };
        let context = context as u64;
        let (step, i, j) = if context & (UP | DOWN) == 0 {
            let positions = lua.to_integer(POSITIONS).unwrap_or(0) as u64;
            (Step::from_number(context), positions as u32, (positions >> 32) as u32)
        } else {
            let step = if context & DOWN == 0 { Step::CompareUp } else { Step::CompareDown };
            (step, context as u32 & i32::MAX as u32, (context >> 31) as u32 & i32::MAX as u32)
        };
        Self { range, step, i: i.clamp(low, range.high), j: j.clamp(low, range.high) }
    }

    /// Leaves the machine on the stack, as the step may have to wait for a function, and returns the context of its
    /// continuation, in which the scans, that wait most often, keep their positions. The range is on the stack already.
    #[inline]
    fn save(&self, lua: &mut LuaState) -> isize {
        let scan = match self.step {
            Step::CompareUp => UP,
            Step::CompareDown => DOWN,
            _ => {
                lua.note_integer(POSITIONS, pair(self.i, self.j));
                return self.step as isize;
            }
        };
        (scan | (self.j as u64) << 31 | self.i as u64) as isize
    }

    /// Begins with a range.
    fn enter(&mut self, lua: &mut LuaState, range: Range) {
        lua.note_integer(RANGE, range.encode());
        self.range = range;
        self.step = Step::Low;
    }

    /// Does steps until all is sorted.
    fn run(&mut self, lua: &mut LuaState) -> LuaResult<usize> {
        loop {
            let mut answer = false;
            match self.action() {
                Action::Read(position) => self.read(lua, position as i64)?,
                Action::Write(position) => self.write(lua, position as i64)?,
                Action::Compare(left, right) => answer = self.compare(lua, left, right)?,
            }
            if !self.advance(lua, answer)? {
                return Ok(0);
            }
        }
    }

    #[inline]
    fn read(&self, lua: &mut LuaState, position: i64) -> LuaResult<()> {
        if !lua.try_get_i(1, position)? {
            let context = self.save(lua);
            lua.get_i_then(1, position, context, resume)?;
        }
        Ok(())
    }

    #[inline]
    fn write(&self, lua: &mut LuaState, position: i64) -> LuaResult<()> {
        if !lua.try_set_i(1, position) {
            let context = self.save(lua);
            lua.set_i_then(1, position, context, resume)?;
        }
        Ok(())
    }

    /// Whether the value at an index is below another one, by the comparator if there is one.
    fn compare(&self, lua: &mut LuaState, left: i32, right: i32) -> LuaResult<bool> {
        if lua.is_nil(2) {
            let context = self.save(lua);
            return lua.compare_then(left, right, CompareOp::Lt, context, resume);
        }
        let at_once = lua.is_native_function(2);
        lua.push_value(2)?;
        lua.push_value(left - 1)?;
        lua.push_value(right - 2)?;
        if at_once {
            // It is called within the sort, as the reference does, so that it cannot yield itself.
            lua.call(2, 1)?;
            return Ok(lua.take_answer());
        }
        let context = self.save(lua);
        lua.call_then(2, 1, context, resume).map(|_| false)
    }

    /// What the step does.
    #[inline]
    fn action(&self) -> Action {
        let Range { low, high, .. } = self.range;
        match self.step {
            Step::Low | Step::LowAgain => Action::Read(low),
            Step::High | Step::HighAgain => Action::Read(high),
            Step::Middle | Step::Pivot | Step::Up => Action::Read(self.i),
            Step::Down => Action::Read(self.j),
            Step::BeforeHigh => Action::Read(high - 1),
            Step::SwapLow | Step::SwapLowAgain => Action::Write(low),
            Step::SwapHigh | Step::SwapHighAgain => Action::Write(high),
            Step::SwapMiddle | Step::SwapMiddleAgain | Step::SwapPivot | Step::SwapUp | Step::PlacePivot => {
                Action::Write(self.i)
            }
            Step::SwapDown => Action::Write(self.j),
            Step::SwapBeforeHigh | Step::PlaceBeforeHigh => Action::Write(high - 1),
            Step::CompareEnds | Step::CompareHigh | Step::CompareUp => Action::Compare(-1, -2),
            Step::CompareLow => Action::Compare(-2, -1),
            Step::CompareDown => Action::Compare(-3, -1),
        }
    }

    /// The step is done, with this answer if it was a comparison: goes to the next one; false when all is sorted.
    #[inline]
    fn advance(&mut self, lua: &mut LuaState, answer: bool) -> LuaResult<bool> {
        self.step = match self.step {
            Step::Low => Step::High,
            Step::High => Step::CompareEnds,
            Step::CompareEnds if answer => Step::SwapLow,
            Step::SwapLow => Step::SwapHigh,
            Step::CompareEnds => {
                lua.pop(2);
                return Ok(self.ends_in_order(lua));
            }
            Step::SwapHigh => return Ok(self.ends_in_order(lua)),
            Step::Middle => Step::LowAgain,
            Step::LowAgain => Step::CompareLow,
            Step::CompareLow if answer => Step::SwapMiddle,
            Step::SwapMiddle => Step::SwapLowAgain,
            Step::CompareLow => {
                lua.pop(1);
                Step::HighAgain
            }
            Step::HighAgain => Step::CompareHigh,
            Step::CompareHigh if answer => Step::SwapMiddleAgain,
            Step::SwapMiddleAgain => Step::SwapHighAgain,
            Step::CompareHigh => {
                lua.pop(2);
                return Ok(self.middle_in_order(lua));
            }
            Step::SwapLowAgain | Step::SwapHighAgain => return Ok(self.middle_in_order(lua)),
            Step::Pivot => {
                lua.push_value(-1)?;
                Step::BeforeHigh
            }
            Step::BeforeHigh => Step::SwapPivot,
            Step::SwapPivot => Step::SwapBeforeHigh,
            Step::SwapBeforeHigh => {
                (self.i, self.j) = (self.range.low + 1, self.range.high - 1);
                Step::Up
            }
            Step::Up => Step::CompareUp,
            Step::CompareUp => self.scanned_up(lua, answer)?,
            Step::Down => Step::CompareDown,
            Step::CompareDown => self.scanned_down(lua, answer)?,
            Step::SwapUp => Step::SwapDown,
            Step::SwapDown => {
                self.i += 1;
                Step::Up
            }
            Step::PlaceBeforeHigh => Step::PlacePivot,
            Step::PlacePivot => return self.split(lua),
        };
        Ok(true)
    }

    /// `t[low]` is not above `t[high]`: goes on with the middle, if there is one.
    fn ends_in_order(&mut self, lua: &mut LuaState) -> bool {
        if self.range.span() <= 1 {
            return self.next_range(lua);
        }
        self.i = self.range.middle(lua);
        self.step = Step::Middle;
        true
    }

    /// Neither is the middle above or below them: goes on with the partition, if there are more elements.
    fn middle_in_order(&mut self, lua: &mut LuaState) -> bool {
        if self.range.span() == 2 {
            return self.next_range(lua);
        }
        self.step = Step::Pivot;
        true
    }

    /// All before `i` is below the pivot, all after `j` above it; whether `t[i]` is below the pivot is known now.
    #[inline]
    fn scanned_up(&mut self, lua: &mut LuaState, less: bool) -> LuaResult<Step> {
        if !less {
            self.j = self.j.wrapping_sub(1);
            return Ok(Step::Down);
        }
        if self.i + 1 >= self.range.high {
            return Err(invalid_order(lua));
        }
        lua.pop(1);
        self.i += 1;
        Ok(Step::Up)
    }

    /// `t[i]` is not below the pivot; whether `t[j]` is above it, so that they are not to be exchanged, is known now.
    #[inline]
    fn scanned_down(&mut self, lua: &mut LuaState, less: bool) -> LuaResult<Step> {
        if less {
            if self.j < self.i {
                return Err(invalid_order(lua));
            }
            lua.pop(1);
            self.j = self.j.wrapping_sub(1);
            Ok(Step::Down)
        } else if self.j < self.i {
            lua.pop(1);
            Ok(Step::PlaceBeforeHigh)
        } else {
            Ok(Step::SwapUp)
        }
    }

    /// After the comparator has answered in a scan: takes the next element of the scan, or of the other one, exchanging two
    /// before if that is due, and asks for its comparison at once, if the elements need nothing else. Returns `Ok`, with the
    /// step that has been done, where the steps must decide.
    #[inline]
    fn scan_on(&mut self, lua: &mut LuaState, answer: bool) -> LuaResult<()> {
        let (next, is_next_up) = match (self.step, answer) {
            (Step::CompareUp, true) if self.i + 1 < self.range.high => (self.i + 1, true),
            (Step::CompareDown, true) if self.j >= self.i => (self.j.wrapping_sub(1), false),
            (Step::CompareUp, false) => (self.j.wrapping_sub(1), false),
            (Step::CompareDown, false) if self.j >= self.i && lua.try_set_i(1, self.i as i64) => {
                self.step = Step::SwapUp;
                if !lua.try_set_i(1, self.j as i64) {
                    return Ok(());
                }
                self.step = Step::SwapDown;
                (self.i + 1, true)
            }
            _ => return Ok(()),
        };
        // The scan upwards leaves its last element below those of the scan downwards.
        if !answer {
            lua.push_nil()?;
        }
        let (range, i, j) = (self.range, self.i, self.j);
        let (scan, pivot) = if is_next_up {
            (Self { range, step: Step::CompareUp, i: next, j }, -2)
        } else {
            (Self { range, step: Step::CompareDown, i, j: next }, -3)
        };
        let context = scan.save(lua);
        lua.call_with_element_then([1, 2, pivot], next as i64, !is_next_up, context, resume)?;
        if !answer {
            lua.pop(1);
        }
        Ok(())
    }

    /// The pivot is at `i`, its place: goes on with the smaller part, while the other one waits.
    fn split(&mut self, lua: &mut LuaState) -> LuaResult<bool> {
        let Range { low, high, random } = self.range;
        let below = Range { low, high: self.i - 1, random };
        let above = Range { low: self.i + 1, high, random };
        let (smaller, mut larger) = if self.i - low < high - self.i { (below, above) } else { (above, below) };
        let smaller_len = (self.i - low).min(high - self.i);
        larger.random |= larger.span() / 128 > smaller_len;
        lua.push_integer(larger.encode())?;
        if smaller.low >= smaller.high {
            return Ok(self.next_range(lua));
        }
        self.enter(lua, smaller);
        Ok(true)
    }

    /// The range is sorted: goes on with a waiting one that has at least two elements.
    fn next_range(&mut self, lua: &mut LuaState) -> bool {
        while lua.get_top() > POSITIONS {
            let range = Range::decode(lua.to_integer(-1).unwrap_or(0));
            lua.pop(1);
            if range.low < range.high {
                self.enter(lua, range);
                return true;
            }
        }
        false
    }
}

/// The error of a comparator that contradicts itself.
#[cold]
fn invalid_order(lua: &mut LuaState) -> Thrown {
    lua.raise(format_args!("invalid order function for sorting"))
}

/// Goes on after the call that a step waited for.
fn resume(lua: &mut LuaState, _: Status, context: isize) -> LuaResult<usize> {
    let mut sorter = Sorter::restore(lua, context);
    let answer = matches!(sorter.action(), Action::Compare(..)) && lua.take_answer();
    if matches!(sorter.step, Step::CompareUp | Step::CompareDown) && !lua.is_nil(2) {
        sorter.scan_on(lua, answer)?;
    }
    if sorter.advance(lua, answer)? { sorter.run(lua) } else { Ok(0) }
}

/// `table.sort (list [, comp])`
pub(super) fn sort(lua: &mut LuaState) -> LuaResult<usize> {
    check_table(lua, 1, READ | WRITE | LENGTH)?;
    lua.len_then(1, 0, |lua, _, _| sort_elements(lua))?;
    sort_elements(lua)
}

/// Goes on with the length on top.
fn sort_elements(lua: &mut LuaState) -> LuaResult<usize> {
    let len = lua.take_length()?;
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
    lua.seem_unyieldable();
    lua.set_top(POSITIONS)?;
    let range = Range { low: 1, high: len as u32, random: false };
    let mut sorter = Sorter { range, step: Step::Low, i: 0, j: 0 };
    sorter.enter(lua, range);
    sorter.run(lua)
}
