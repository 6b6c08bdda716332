//! Damage to precompiled chunks: most of it such that the verifier has to look closely.
//!
//! Every number goes round what it counts, so that any damage can be done to any chunk, and each part of it can be left out.

use arbitrary::{Arbitrary, Result, Unstructured};
use perilune_core::code::Instruction;
use perilune_vm::opcode::{Format, Op, Operand, SCALE};

use super::chunk::{BOOLEAN, Chunk, Constant, FLOAT, Function, INTEGER, NIL, STRINGS};

/// What happens to one function of a chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Which function it is.
    pub function: u8,
    /// What happens.
    pub what: Change,
}

/// Operands of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Arbitrary)]
pub enum Field {
    /// The operation.
    Op,
    /// The hint or the flags.
    X,
    /// The first operand.
    A,
    /// The second one.
    B,
    /// The third one.
    C,
    /// The immediate.
    Imm,
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A field of an instruction gets a value that suits what it means there, or nearly so.
    Operand {
        /// The instruction.
        at: u16,
        /// The field.
        field: Field,
        /// What the value is made of.
        value: u16,
    },
    /// An instruction becomes another one of the same format.
    Similar {
        /// The instruction.
        at: u16,
        /// Which one it becomes.
        op: u8,
    },
    /// Two instructions change places.
    Swap([u16; 2]),
    /// An instruction is put in, as it stands elsewhere.
    Insert {
        /// Before which one.
        at: u16,
        /// Which one.
        from: u16,
    },
    /// An instruction is put in that is made of nothing.
    Make {
        /// Before which one.
        at: u16,
        /// The operation.
        op: u8,
        /// What its operands are made of.
        operands: [u16; 3],
    },
    /// Another way leads to between two instructions of which the second relies on the first.
    Enter {
        /// Which of these places it is.
        place: u16,
        /// How: by a jump that went elsewhere, which one, or by a new instruction that goes over the first of the two.
        by: u16,
    },
    /// An instruction is taken out.
    Remove(u16),
    /// A word is overwritten.
    Word {
        /// Which.
        at: u16,
        /// What with.
        word: u64,
    },
    /// A constant becomes another one.
    Constant {
        /// Which.
        at: u16,
        /// Its kind.
        kind: u8,
        /// Its value.
        value: u64,
    },
    /// Constants are cut off.
    FewerConstants(u8),
    /// An upvalue comes from elsewhere.
    Upvalue {
        /// Which.
        at: u8,
        /// Whether from a register, and from which.
        from: [u8; 2],
    },
    /// There is another upvalue, or one less.
    UpvalueCount(bool),
    /// Other numbers of parameters and registers, and whether there are extra arguments.
    Frame {
        /// Which of the three.
        which: u8,
        /// Its value.
        value: u8,
    },
    /// The line of an instruction.
    Line {
        /// Which.
        at: u16,
        /// The line.
        line: i32,
    },
    /// Fewer lines than instructions.
    FewerLines(u16),
    /// Where a local variable begins or ends.
    Local {
        /// Which.
        at: u8,
        /// Whether it is the end.
        end: bool,
        /// The place.
        pc: i32,
    },
    /// A name is left out: of a local variable, an upvalue, or the source.
    NoName(u8),
    /// The lines of the definition.
    Defined([i32; 2]),
    /// An inner function in the place of another, or of none.
    Inner {
        /// Which place.
        at: u8,
        /// Which function of the chunk goes there.
        from: u8,
    },
}

/// A number that is a little above or below another, or one of the extremes.
fn near(value: u16, most: usize) -> u16 {
    match value % 16 {
        0 => u16::MAX,
        1 => most as u16,
        2 => (most as u16).wrapping_add(1),
        3 => (most as u16).wrapping_sub(1),
        _ => (usize::from(value / 16) % most.max(1)) as u16,
    }
}

/// The value of an operand, out of a number: it suits, most of the time.
fn operand(kind: Operand, value: u16, function: &Function) -> u16 {
    let scaled =
        |most| near(value, most).wrapping_mul(SCALE).wrapping_add(if value.is_multiple_of(97) { 1 } else { 0 });
    match kind {
        Operand::Dst | Operand::Reg | Operand::Regs => scaled(function.registers.into()),
        Operand::Const | Operand::Field => scaled(function.constants.len()),
        Operand::Upval => near(value, function.upvalues.len()),
        Operand::Proto => near(value, function.functions.len()),
        Operand::Count => near(value, 8),
        Operand::Jump | Operand::Int => (value % 64).wrapping_sub(16),
        Operand::Flags | Operand::None => value % 4,
        Operand::Hint => value,
    }
}

/// A word with another value in one of its fields.
fn with_field(word: Instruction, field: Field, value: u16, function: &Function) -> Instruction {
    let Some(op) = Op::from_u8(word.op()) else { return word };
    let info = op.info();
    let wide = i32::from(operand(info.b, value, function) as i16);
    match field {
        Field::Op => word.with_op((value % (Op::COUNT as u16 + 1)) as u8),
        Field::X => word.with_x(operand(info.x, value, function) as u8),
        Field::A => word.with_a(operand(info.a, value, function)),
        Field::Imm | Field::B | Field::C if info.format == Format::Ai => word.with_imm(wide),
        Field::C => word.with_c(operand(info.c, value, function)),
        Field::B | Field::Imm => word.with_b(operand(info.b, value, function)),
    }
}

/// Another operation of the same format, near the first one in the table or anywhere.
fn similar(op: Op, n: u8) -> Op {
    let same = |other: &&Op| other.info().format == op.info().format;
    let all: Vec<Op> = Op::ALL.iter().filter(same).copied().collect();
    let kinds =
        |other: &Op| (other.info().a, other.info().b, other.info().c) == (op.info().a, op.info().b, op.info().c);
    let like: Vec<Op> = all.iter().copied().filter(kinds).collect();
    let list = if n.is_multiple_of(3) { all } else { like };
    list[usize::from(n / 3) % list.len()]
}

/// A new instruction.
fn made(op: u8, operands: [u16; 3], function: &Function) -> Instruction {
    let mut word = Instruction(0).with_op(op % Op::COUNT as u8);
    for (field, value) in [Field::A, Field::B, Field::C].into_iter().zip(operands) {
        word = with_field(word, field, value, function);
    }
    word
}

/// Moves jumps that go over a place, after a word was put in or taken out there; so the rest of the code stays what it was.
fn shift_jumps(function: &mut Function, at: usize, by: i64) {
    for (pc, word) in function.code.iter_mut().enumerate() {
        let instruction = Instruction(*word);
        if Op::from_u8(instruction.op()).is_some_and(|op| op.info().b == Operand::Jump) {
            // Where it was before, and where it went.
            let place = if pc as i64 >= at as i64 + by { pc as i64 - by } else { pc as i64 };
            let target = place + 1 + i64::from(instruction.imm());
            let moved = |old: i64| if old >= at as i64 { old + by } else { old };
            let distance = moved(target) - moved(place) - 1;
            *word = instruction.with_imm(distance as i32).0;
        }
    }
}

impl Damage {
    /// Does it.
    pub fn apply(&self, chunk: &mut Chunk) {
        if let Change::Inner { at, from } = self.what {
            let other = chunk.function_mut(from.into()).clone();
            let functions = &mut chunk.function_mut(self.function.into()).functions;
            match functions.len() {
                0 => functions.push(other),
                n => functions[usize::from(at) % n] = other,
            }
            return;
        }
        let function = chunk.function_mut(self.function.into());
        self.what.apply_to_code(function);
        self.what.apply_to_data(function);
    }
}

/// The element of a number that goes round.
fn round<T>(list: &mut [T], at: impl Into<usize>) -> Option<&mut T> {
    let n = list.len();
    list.get_mut(at.into().checked_rem(n)?)
}

impl Change {
    fn apply_to_code(&self, function: &mut Function) {
        let count = function.code.len();
        if count == 0 {
            return;
        }
        let at = |n: u16| usize::from(n) % count;
        match *self {
            Self::Operand { at: pc, field, value } => {
                function.code[at(pc)] = with_field(Instruction(function.code[at(pc)]), field, value, function).0;
            }
            Self::Similar { at: pc, op } => {
                let word = Instruction(function.code[at(pc)]);
                if let Some(old) = Op::from_u8(word.op()) {
                    function.code[at(pc)] = word.with_op(similar(old, op) as u8).0;
                }
            }
            Self::Swap([one, other]) => function.code.swap(at(one), at(other)),
            Self::Insert { at: pc, from } => insert(function, at(pc), function.code[at(from)]),
            Self::Enter { place, by } => enter(function, place, by),
            Self::Make { at: pc, op, operands } => insert(function, at(pc), made(op, operands, function).0),
            Self::Remove(pc) => {
                function.code.remove(at(pc));
                if !function.lines.is_empty() {
                    function.lines.remove(at(pc).min(function.lines.len() - 1));
                }
                shift_jumps(function, at(pc) + 1, -1);
            }
            Self::Word { at: pc, word } => function.code[at(pc)] = word,
            _ => {}
        }
    }

    fn apply_to_data(&self, function: &mut Function) {
        match *self {
            Self::Constant { at, kind, value } => {
                if let Some(constant) = round(&mut function.constants, at) {
                    *constant = match kind % 8 {
                        0 => Constant::Plain(NIL),
                        1 => Constant::Boolean(value as u8),
                        2 => Constant::Word(FLOAT, value),
                        3 => Constant::Word(INTEGER, value),
                        4 => Constant::Text(STRINGS[(value % 2) as usize], Some(vec![b'x'; (value % 100) as usize])),
                        5 => Constant::Text(STRINGS[(value % 2) as usize], None),
                        6 => Constant::Plain(value as u8),
                        _ => Constant::Word(BOOLEAN, value),
                    };
                }
            }
            Self::FewerConstants(n) => function.constants.truncate(function.constants.len().saturating_sub(n.into())),
            Self::Upvalue { at, from } => {
                if let Some(upvalue) = round(&mut function.upvalues, at) {
                    *upvalue = from;
                }
            }
            Self::UpvalueCount(true) => function.upvalues.push([1, 0]),
            Self::UpvalueCount(false) => drop(function.upvalues.pop()),
            Self::Frame { which, value } => match which % 3 {
                0 => function.params = value,
                1 => function.vararg = value,
                _ => function.registers = value,
            },
            Self::Line { at, line } => {
                if let Some(place) = round(&mut function.lines, at) {
                    *place = line;
                }
            }
            Self::FewerLines(n) => function.lines.truncate(n.into()),
            Self::Local { at, end, pc } => {
                if let Some((_, places)) = round(&mut function.locals, at) {
                    places[usize::from(end)] = pc;
                }
            }
            Self::NoName(n) => match (round(&mut function.locals, n / 3), round(&mut function.names, n / 3), n % 3) {
                (Some((name, _)), _, 0) | (_, Some(name), 1) => *name = None,
                _ => function.source = None,
            },
            Self::Defined(lines) => function.defined = lines,
            _ => {}
        }
    }
}

/// Whether the next instruction relies on this one: a test's jump, a loop's end, what takes values up to the top.
fn leads_on(word: Instruction) -> bool {
    match Op::from_u8(word.op()) {
        Some(Op::Call) => word.c() == 0,
        Some(Op::VarArg) => word.b() == 0,
        Some(op) => op.is_test() || matches!(op, Op::TailCall | Op::TForCall | Op::LFalseSkip),
        None => false,
    }
}

/// Lets a way lead to between two instructions.
fn enter(function: &mut Function, place: u16, by: u16) {
    let words = || function.code.iter().map(|&word| Instruction(word)).enumerate();
    let mut places: Vec<usize> = words().filter(|&(_, word)| leads_on(word)).map(|(pc, _)| pc).collect();
    let is_jump = |word: Instruction| Op::from_u8(word.op()).is_some_and(|op| op.info().b == Operand::Jump);
    let mut jumps: Vec<usize> = words().filter(|&(_, word)| is_jump(word)).map(|(pc, _)| pc).collect();
    let Some(&mut first) = round(&mut places, place) else { return };
    let over = Instruction(0).with_imm(1);
    match (by % 4, round(&mut jumps, by / 4)) {
        (0 | 1, Some(&mut jump)) => {
            let distance = first as i32 - jump as i32;
            function.code[jump] = Instruction(function.code[jump]).with_imm(distance).0;
        }
        (0 | 2, _) => insert(function, first, over.with_op(Op::Jmp as u8).0),
        _ => insert(function, first, Instruction(0).with_op(Op::LFalseSkip as u8).0),
    }
}

/// Puts a word in.
fn insert(function: &mut Function, at: usize, word: u64) {
    function.code.insert(at, word);
    if !function.lines.is_empty() {
        let line = function.lines[at.min(function.lines.len() - 1)];
        function.lines.insert(at.min(function.lines.len()), line);
    }
    let count = function.code.len();
    // The word itself keeps its distance.
    shift_jumps(function, at, 1);
    if at < count {
        function.code[at] = word;
    }
}

impl<'a> Arbitrary<'a> for Damage {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let function = if u.ratio(1, 2)? { 0 } else { u.arbitrary()? };
        Ok(Self { function, what: u.arbitrary()? })
    }
}

/// A number that is small, most of the time.
fn small(u: &mut Unstructured<'_>) -> Result<i32> {
    if u.ratio(1, 4)? { u.choose(&[i32::MIN, i32::MAX, -1, 0, 1 << 30]).copied() } else { u.int_in_range(0..=60) }
}

impl<'a> Arbitrary<'a> for Change {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=31)? {
            0..=9 => Self::Operand { at: u.arbitrary()?, field: u.arbitrary()?, value: u.arbitrary()? },
            10..=13 => Self::Similar { at: u.arbitrary()?, op: u.arbitrary()? },
            14 if u.ratio(1, 2)? => Self::Swap(u.arbitrary()?),
            14 => Self::Enter { place: u.arbitrary()?, by: u.arbitrary()? },
            15 | 16 => Self::Insert { at: u.arbitrary()?, from: u.arbitrary()? },
            17..=19 => Self::Make { at: u.arbitrary()?, op: u.arbitrary()?, operands: u.arbitrary()? },
            20 | 21 => Self::Remove(u.arbitrary()?),
            22 => Self::Word { at: u.arbitrary()?, word: u.arbitrary()? },
            23 if u.ratio(1, 2)? => Self::Upvalue { at: u.arbitrary()?, from: [1, u.int_in_range(0..=12)?] },
            23 => Self::Constant { at: u.arbitrary()?, kind: u.arbitrary()?, value: u.arbitrary()? },
            24 => Self::FewerConstants(u.int_in_range(0..=3)?),
            25 => Self::Upvalue { at: u.arbitrary()?, from: [u.int_in_range(0..=1)?, u.int_in_range(0..=20)?] },
            26 if u.ratio(1, 2)? => Self::UpvalueCount(u.arbitrary()?),
            26 => Self::Defined([small(u)?, small(u)?]),
            27 => Self::Frame { which: u.arbitrary()?, value: u.int_in_range(0..=12)? },
            28 if u.ratio(1, 4)? => Self::FewerLines(u.int_in_range(0..=9)?),
            28 => Self::Line { at: u.arbitrary()?, line: small(u)? },
            29 => Self::Local { at: u.arbitrary()?, end: u.arbitrary()?, pc: small(u)? },
            30 => Self::NoName(u.arbitrary()?),
            _ => Self::Inner { at: u.arbitrary()?, from: u.arbitrary()? },
        })
    }
}

/// What happens to a chunk's bytes, of whatever meaning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Spoil {
    /// Some bits of a byte change.
    Flip {
        /// Which byte.
        at: u32,
        /// Which bits.
        bits: u8,
    },
    /// Four bytes become a number.
    Number {
        /// The first byte.
        at: u32,
        /// The number.
        value: u32,
    },
    /// The rest is cut off.
    Truncate(u32),
    /// A run of bytes is put in elsewhere once more.
    Splice {
        /// From where.
        from: u32,
        /// How many.
        len: u8,
        /// To where.
        to: u32,
    },
    /// A run of bytes is taken out.
    Cut {
        /// From where.
        at: u32,
        /// How many.
        len: u8,
    },
}

impl Spoil {
    /// Does it.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let count = bytes.len();
        let at = |n: u32| n as usize % count.max(1);
        match *self {
            _ if count == 0 => {}
            Self::Flip { at: place, bits } => bytes[at(place)] ^= bits,
            Self::Number { at: place, value } => {
                bytes[at(place)..].iter_mut().zip(value.to_ne_bytes()).for_each(|(byte, new)| *byte = new);
            }
            Self::Truncate(place) => bytes.truncate(at(place)),
            Self::Splice { from, len, to } => {
                let run = bytes[at(from)..(at(from) + usize::from(len)).min(count)].to_vec();
                bytes.splice(at(to)..at(to), run);
            }
            Self::Cut { at: place, len } => drop(bytes.drain(at(place)..(at(place) + usize::from(len)).min(count))),
        }
    }
}

impl<'a> Arbitrary<'a> for Spoil {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let at = u.arbitrary()?;
        Ok(match u.int_in_range(0..=7)? {
            0..=3 => Self::Flip { at, bits: u.arbitrary()? },
            4 => Self::Number { at, value: *u.choose(&[0, 1, 2, 16, 1 << 20, u32::MAX, i32::MAX as u32])? },
            5 => Self::Truncate(at),
            6 => Self::Splice { from: at, len: u.arbitrary()?, to: u.arbitrary()? },
            _ => Self::Cut { at, len: u.int_in_range(1..=24)? },
        })
    }
}
