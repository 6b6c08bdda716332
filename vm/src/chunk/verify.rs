//! The bytecode verifier: what the interpreter takes for granted about a prototype.
//!
//! The interpreter trusts operands. A prototype that passes here cannot make it read or write outside its registers,
//! constants, upvalues and code, whatever else it does. The kinds of operands come from the opcode table, so that a new
//! instruction is checked as soon as it has a row; what a row cannot say (rows of registers, pairs of instructions)
//! stands in [`Checker::extent`] and [`Checker::neighbours`].

use core::fmt::Write;

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{Proto, TValue, UpvalDesc};

use super::captured::captures_registers;
use crate::auxlib::FixedBuf;
use crate::opcode::{FIELDS_PER_FLUSH, Format, Op, Operand, SCALE};

/// Why a prototype must not run: at which instruction (-1: none in particular), and what is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) pc: i64,
    pub(super) reason: &'static str,
}

impl Fault {
    /// The fault in words.
    pub(super) fn describe(self, line_defined: i32) -> FixedBuf<120> {
        let mut text = FixedBuf::new();
        // What does not fit is dropped, and nothing else can fail.
        let _ = match self.pc {
            -1 => write!(text, "function at line {line_defined}: {}", self.reason),
            pc => write!(text, "function at line {line_defined}, instruction {}: {}", pc + 1, self.reason),
        };
        text
    }
}

/// The result of a check.
pub(super) type Check = Result<(), Fault>;

/// What an inner function may refer to in the function around it.
#[derive(Clone, Copy)]
pub(super) struct Enclosing {
    registers: usize,
    upvalues: usize,
}

impl Enclosing {
    /// Of a function whose registers and upvalues are known.
    pub(super) fn of(proto: &Proto) -> Self {
        Self { registers: proto.max_stack.get() as usize, upvalues: proto.upvalues_len.get() as usize }
    }

    fn has(self, desc: &UpvalDesc) -> bool {
        (desc.index as usize) < if desc.in_stack { self.registers } else { self.upvalues }
    }
}

/// Checks a prototype whose inner prototypes have been checked.
pub(super) fn check(proto: &Proto, enclosing: Option<Enclosing>) -> Check {
    let checker = Checker {
        code: proto.code_slice(),
        registers: proto.max_stack.get() as usize,
        captured: captures_registers(proto),
        proto,
    };
    checker.frame(enclosing)?;
    for (pc, &word) in checker.code.iter().enumerate() {
        let op = Op::from_u8(word.op()).ok_or(Fault { pc: pc as i64, reason: "unknown operation" })?;
        let result = checker.operands(op, word).and_then(|()| checker.extent(op, word));
        result.and_then(|()| checker.neighbours(pc, op, word)).map_err(|reason| Fault { pc: pc as i64, reason })?;
    }
    checker.copies()?;
    checker.open_values()
}

/// A prototype under examination.
struct Checker<'a> {
    proto: &'a Proto,
    code: &'a [Instruction],
    registers: usize,
    captured: bool,
}

/// `Ok` if the condition holds.
const fn need(condition: bool, reason: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(reason) }
}

/// The register or constant that an operand names.
pub(super) const fn unscaled(operand: u16) -> usize {
    (operand / SCALE) as usize
}

/// The number that C and x make together.
const fn wide_count(word: Instruction) -> usize {
    word.c() as usize | (word.x() as usize) << 16
}

/// Where a jump goes, if that is in the code.
pub(super) fn jump_target(code: &[Instruction], pc: usize, distance: i32) -> Option<usize> {
    let target = pc as i64 + 1 + i64::from(distance);
    usize::try_from(target).ok().filter(|&target| target < code.len())
}

impl Checker<'_> {
    /// What concerns the function as a whole.
    fn frame(&self, enclosing: Option<Enclosing>) -> Check {
        let proto = self.proto;
        let fault = |reason| Fault { pc: -1, reason };
        need(!self.code.is_empty(), "no code").map_err(fault)?;
        need(self.code.len() <= i32::MAX as usize, "too much code").map_err(fault)?;
        need(self.registers > 0, "no registers").map_err(fault)?;
        need(proto.num_params.get() as usize <= self.registers, "too many parameters").map_err(fault)?;
        need(proto.upvalues_len.get() <= u32::from(u8::MAX), "too many upvalues").map_err(fault)?;
        let lines = proto.lines_slice().len();
        need(lines == 0 || lines == self.code.len(), "wrong number of lines").map_err(fault)?;
        let last = self.code.last().and_then(|word| Op::from_u8(word.op()));
        let ends = matches!(last, Some(Op::Return | Op::Return0 | Op::Return1 | Op::Jmp));
        need(ends, "code without end").map_err(fault)?;
        if let Some(enclosing) = enclosing {
            need(proto.upvalues_slice().iter().all(|desc| enclosing.has(desc)), "bad upvalue").map_err(fault)?;
        }
        Ok(())
    }

    /// Each operand by itself, as the opcode table says.
    fn operands(&self, op: Op, word: Instruction) -> Result<(), &'static str> {
        let info = op.info();
        self.operand(info.a, word.a())?;
        match info.format {
            Format::Abc => {
                self.operand(info.b, word.b())?;
                self.operand(info.c, word.c())
            }
            Format::Ai => self.immediate(info.b, word.imm()),
        }
    }

    fn operand(&self, kind: Operand, value: u16) -> Result<(), &'static str> {
        match kind {
            Operand::Dst | Operand::Reg => self.register_row(value, 1),
            Operand::Regs => need(value.is_multiple_of(SCALE), "bad register"),
            Operand::Const => self.constant(i64::from(value)),
            Operand::Field => self.field(i64::from(value)),
            Operand::Upval => need(u32::from(value) < self.proto.upvalues_len.get(), "bad upvalue"),
            Operand::None | Operand::Count | Operand::Int | Operand::Hint | Operand::Flags => Ok(()),
            Operand::Jump | Operand::Proto => Err("operand in the wrong place"),
        }
    }

    fn immediate(&self, kind: Operand, value: i32) -> Result<(), &'static str> {
        match kind {
            Operand::Const => self.constant(i64::from(value)),
            Operand::Field => self.field(i64::from(value)),
            Operand::Proto => {
                need((0..i64::from(self.proto.protos_len.get())).contains(&i64::from(value)), "bad function")
            }
            Operand::None | Operand::Int | Operand::Jump | Operand::Hint => Ok(()),
            _ => Err("operand in the wrong place"),
        }
    }

    fn field(&self, value: i64) -> Result<(), &'static str> {
        self.constant(value)?;
        let constant = self.proto.constants_slice()[value as usize / SCALE as usize];
        need(constant.tag() == tag::SHORT_STRING, "constant is no short string")
    }

    fn constant(&self, value: i64) -> Result<(), &'static str> {
        let scale = i64::from(SCALE);
        let limit = i64::from(self.proto.constants_len.get());
        need(value >= 0 && value % scale == 0 && value / scale < limit, "bad constant")
    }

    /// The constant that C names.
    fn constant_operand(&self, word: Instruction) -> TValue {
        self.proto.constants_slice()[unscaled(word.c())]
    }

    /// `count` registers from the one that the operand names.
    fn register_row(&self, first: u16, count: usize) -> Result<(), &'static str> {
        need(first.is_multiple_of(SCALE) && unscaled(first) + count <= self.registers, "bad register")
    }

    /// How far rows of registers reach, and other limits of operands taken together.
    fn extent(&self, op: Op, word: Instruction) -> Result<(), &'static str> {
        let (a, b, c) = (word.a(), word.b() as usize, word.c() as usize);
        match op {
            Op::LoadNil => self.register_row(a, b + 1),
            Op::SelfField => self.register_row(a, 2),
            Op::NewTable => self.table_size(word),
            Op::Concat => {
                need(c >= 2, "too few operands")?;
                self.register_row(word.b(), c)
            }
            Op::Close => self.register_row(a, 1),
            Op::Call => {
                self.register_row(a, b.max(1))?;
                self.register_row(a, c.saturating_sub(1))
            }
            Op::TailCall => {
                self.register_row(a, b.max(1))?;
                self.closing(word)
            }
            Op::Return => {
                self.register_row(a, b.saturating_sub(1))?;
                self.closing(word)
            }
            Op::Return0 | Op::Return1 => {
                need(!self.proto.is_vararg.get() && !self.captured, "short return from such a function")
            }
            Op::ForPrep | Op::ForLoop => self.register_row(a, 4),
            Op::TForCall => {
                let results = word.x() as usize;
                need(results >= 1, "too few results")?;
                self.register_row(a, 3 + results.max(3))
            }
            Op::TForLoop => self.register_row(a, 2),
            Op::SetList => {
                need(wide_count(word) <= self.code.len(), "table too large")?;
                self.register_row(a, b + 1)
            }
            Op::VarArg => {
                need(self.proto.is_vararg.get(), "no extra arguments")?;
                self.register_row(a, b.saturating_sub(1).max(1))
            }
            Op::ModK | Op::PowK | Op::IDivK | Op::ShlK | Op::ShrK => {
                need(self.constant_operand(word).is_number(), "constant is no number")
            }
            Op::AddK | Op::SubK | Op::MulK | Op::DivK | Op::BAndK | Op::BOrK | Op::BXorK | Op::KSub | Op::KDiv => {
                need(self.constant_operand(word).tag() == tag::INT, "constant is no integer")
            }
            Op::AddKF | Op::SubKF | Op::MulKF | Op::DivKF | Op::KFSub | Op::KFDiv => {
                need(self.constant_operand(word).tag() == tag::FLOAT, "constant is no float")
            }
            Op::ModI | Op::IDivI => need(word.c() as i16 > 0, "bad divisor"),
            Op::ShlI | Op::ShrI => need(c < 64, "bad shift"),
            _ => Ok(()),
        }
    }

    /// A new table has no more room than the constructor can fill: an entry takes an instruction, or a few at once do.
    fn table_size(&self, word: Instruction) -> Result<(), &'static str> {
        let hash = word.b().checked_sub(1).map_or(Some(0), |log| 1usize.checked_shl(log.into()));
        need(hash.is_some_and(|hash| hash / 2 <= self.code.len()), "table too large")?;
        need(wide_count(word) <= self.code.len() * FIELDS_PER_FLUSH, "table too large")
    }

    /// A function whose locals others refer to closes them whenever it ends.
    fn closing(&self, word: Instruction) -> Result<(), &'static str> {
        need(!self.captured || word.x() & 1 != 0, "captured locals are left open")
    }

    /// The operation at a place, if there is one.
    fn op_at(&self, pc: usize) -> Option<Op> {
        self.code.get(pc).and_then(|word| Op::from_u8(word.op()))
    }

    /// What must stand after an instruction, and where its jump may go.
    fn neighbours(&self, pc: usize, op: Op, word: Instruction) -> Result<(), &'static str> {
        if op.info().b == Operand::Jump {
            let target = jump_target(self.code, pc, word.imm()).ok_or("jump out of the code")?;
            let splits = target > 0 && self.op_at(target - 1).is_some_and(Op::is_test);
            need(!splits, "jump between a test and its jump")?;
            let is_pair = self.op_at(target) == Some(Op::ForLoop) && self.code[target].a() == word.a();
            need(op != Op::ForPrep || is_pair, "loop without end")?;
        }
        if op.is_test() {
            need(self.op_at(pc + 1) == Some(Op::Jmp), "test without jump")?;
            return need(pc + 2 < self.code.len(), "code without end");
        }
        match op {
            Op::LFalseSkip => {
                need(self.op_at(pc + 1) == Some(Op::LoadTrue), "skip of another instruction")?;
                need(pc + 2 < self.code.len(), "code without end")
            }
            Op::TForCall => {
                let is_pair = self.op_at(pc + 1) == Some(Op::TForLoop)
                    && unscaled(self.code[pc + 1].a()) == unscaled(word.a()) + 2;
                need(is_pair, "iterator call without loop")
            }
            _ => Ok(()),
        }
    }

    /// Copies of conditions: each instruction says of which it is a copy, in place of its line; a jump ends them. A thread with hooks
    /// goes from the first one to the other as by a jump.
    fn copies(&self) -> Check {
        let lines = self.proto.lines_slice();
        let is_copy = |pc: usize| lines.get(pc).is_some_and(|&line| line < 0);
        for pc in (0..lines.len()).filter(|&pc| is_copy(pc)) {
            let fault = |reason| Fault { pc: pc as i64, reason };
            let original = pc.checked_sub(lines[pc].unsigned_abs() as usize).filter(|&pc| !is_copy(pc));
            let original = original.ok_or(fault("copy of nothing"))?;
            need(is_copy(pc + 1) || self.op_at(pc + 1) == Some(Op::Jmp), "copy without end").map_err(fault)?;
            if pc == 0 || !is_copy(pc - 1) {
                let splits = original > 0 && self.op_at(original - 1).is_some_and(Op::is_test);
                let enters = splits || Self::consumes_open(self.code[original]).is_some();
                need(pc > 0 && !enters, "bad copy").map_err(fault)?;
            }
        }
        Ok(())
    }

    /// Whether an instruction leaves a number of values that only the top tells; gives the first register.
    fn produces_open(word: Instruction) -> Option<usize> {
        let open = match Op::from_u8(word.op()) {
            Some(Op::Call) => word.c() == 0,
            Some(Op::VarArg) => word.b() == 0,
            // A native function's results, which the next instruction returns.
            Some(Op::TailCall) => true,
            _ => false,
        };
        open.then(|| unscaled(word.a()))
    }

    /// Whether an instruction takes values up to the top; gives the lowest register at which they may begin.
    fn consumes_open(word: Instruction) -> Option<usize> {
        let a = unscaled(word.a());
        match Op::from_u8(word.op()) {
            Some(Op::Call | Op::TailCall | Op::SetList) if word.b() == 0 => Some(a + 1),
            Some(Op::Return) if word.b() == 0 => Some(a),
            _ => None,
        }
    }

    /// The values up to the top go from the instruction that leaves them to the very next one, and no other way leads there.
    fn open_values(&self) -> Check {
        let mut before = None;
        for (pc, &word) in self.code.iter().enumerate() {
            let fault = |reason| Fault { pc: pc as i64, reason };
            let consumes = Self::consumes_open(word);
            match (before, consumes) {
                (Some(from), Some(lowest)) => need(from >= lowest, "values below the row").map_err(fault)?,
                (None, None) => {}
                (Some(_), None) => return Err(fault("open results are not taken")),
                (None, Some(_)) => return Err(fault("no open results")),
            }
            before = Self::produces_open(word);
            let jumps = Op::from_u8(word.op()).is_some_and(|op| op.info().b == Operand::Jump);
            let enters = jump_target(self.code, pc, word.imm())
                .filter(|_| jumps)
                .and_then(|target| self.code.get(target))
                .is_some_and(|&word| Self::consumes_open(word).is_some());
            need(!enters, "jump to an instruction that takes open results").map_err(fault)?;
        }
        Ok(())
    }
}
