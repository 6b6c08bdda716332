//! What must hold of every chunk that is accepted, whatever it does then: a second opinion on the verifier.
//!
//! It is written down from what instructions do to registers and where control goes after them, and not from the verifier. So damage
//! that the verifier overlooks is noticed even when a run happens to survive it.

use std::collections::BTreeSet;

use perilune_core::code::Instruction;
use perilune_vm::opcode::{Format, Op, Operand, SCALE};

use super::chunk::{Chunk, Constant, FLOAT, Function, INTEGER, STRINGS};

/// The longest string that can be the name of a field.
const SHORT: usize = 40;

/// Looks at all functions of a chunk.
///
/// # Errors
/// What is not as it should be.
pub fn hold(chunk: &Chunk) -> Result<(), String> {
    functions_hold(&chunk.main, None)
}

fn functions_hold(function: &Function, around: Option<&Function>) -> Result<(), String> {
    let place = |pc: usize| format!("the function at line {}, instruction {pc}", function.defined[0]);
    if function.params > function.registers || function.registers == 0 {
        return Err(format!("{}: {} parameters in {} registers", place(0), function.params, function.registers));
    }
    for &[from_register, index] in around.map_or(&[][..], |_| &function.upvalues) {
        let room = around.map_or(0, |f| if from_register != 0 { f.registers.into() } else { f.upvalues.len() });
        if usize::from(index) >= room {
            return Err(format!("{}: there is no upvalue {index}", place(0)));
        }
    }
    let code = Code::of(function);
    for pc in 0..code.words.len() {
        code.check(pc).map_err(|fault| format!("{}: {fault}", place(pc)))?;
    }
    code.check_frames().map_err(|(pc, fault)| format!("{}: {fault}", place(pc)))?;
    function.functions.iter().try_for_each(|inner| functions_hold(inner, Some(function)))
}

/// A function's code, and where control comes from.
struct Code<'f> {
    function: &'f Function,
    words: Vec<(Op, Instruction)>,
    /// The instructions from which control may come to each.
    before: Vec<Vec<usize>>,
    /// The registers that inner functions refer to.
    captured: BTreeSet<usize>,
}

const fn unscaled(operand: u16) -> usize {
    (operand / SCALE) as usize
}

fn need(condition: bool, fault: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(fault.into()) }
}

impl<'f> Code<'f> {
    fn of(function: &'f Function) -> Self {
        // An unknown operation ends the list, so that control leaves the code there.
        let words: Vec<(Op, Instruction)> = function
            .code
            .iter()
            .map_while(|&word| Op::from_u8(Instruction(word).op()).map(|op| (op, Instruction(word))))
            .collect();
        let mut code = Self { function, before: vec![Vec::new(); words.len()], words, captured: BTreeSet::new() };
        for pc in 0..code.words.len() {
            for next in code.after(pc) {
                if let Some(list) = code.before.get_mut(next) {
                    list.push(pc);
                }
            }
        }
        code.captured = function.functions.iter().flat_map(captured_by).collect();
        code
    }

    /// Where control may go after an instruction; what is not in the code stands for outside of it.
    fn after(&self, pc: usize) -> Vec<usize> {
        let (op, word) = self.words[pc];
        let target = usize::try_from(pc as i64 + 1 + i64::from(word.imm())).unwrap_or(usize::MAX);
        match op {
            Op::Return | Op::Return0 | Op::Return1 => vec![],
            Op::Jmp => vec![target],
            // A loop may begin its first round at once, or not run at all.
            Op::ForPrep => vec![target, pc + 1, target.saturating_add(1)],
            Op::ForLoop | Op::TForLoop => vec![target, pc + 1],
            Op::LFalseSkip => vec![pc + 2],
            op if op.is_test() => vec![pc + 1, pc + 2],
            _ => vec![pc + 1],
        }
    }

    /// The registers that an instruction reads and writes, as rows: the first, and how many.
    fn rows(&self, pc: usize) -> Vec<(u16, usize)> {
        let (op, word) = self.words[pc];
        let (a, b, c, x) = (word.a(), word.b(), word.c(), word.x());
        let (nb, nc) = (usize::from(b), usize::from(c));
        let mut rows = match op {
            Op::LoadNil => vec![(a, nb + 1)],
            Op::SelfField => vec![(a, 2)],
            Op::Concat => vec![(b, nc)],
            Op::Close => vec![(a, 1)],
            Op::Call => vec![(a, nb.max(1)), (a, nc.saturating_sub(1))],
            Op::TailCall => vec![(a, nb.max(1))],
            Op::Return => vec![(a, nb.saturating_sub(1))],
            Op::ForPrep | Op::ForLoop => vec![(a, 4)],
            // The call of the iterator has three registers, its results have as many as there are, behind the three of the loop.
            Op::TForCall => vec![(a, 6), (a, 3 + usize::from(x))],
            Op::TForLoop => vec![(a, 2)],
            Op::SetList => vec![(a, nb + 1)],
            Op::VarArg => vec![(a, nb.saturating_sub(1))],
            _ => vec![],
        };
        let info = op.info();
        let others = if info.format == Format::Abc { vec![(info.b, b), (info.c, c)] } else { vec![] };
        let singles = [(info.a, a)].into_iter().chain(others);
        rows.extend(
            singles.filter(|(kind, _)| matches!(kind, Operand::Dst | Operand::Reg)).map(|(_, value)| (value, 1)),
        );
        rows
    }

    /// Each instruction by itself, with those before and after it.
    fn check(&self, pc: usize) -> Result<(), String> {
        let (op, word) = self.words[pc];
        for (first, count) in self.rows(pc) {
            need(first.is_multiple_of(SCALE), "an operand between registers")?;
            need(unscaled(first) + count <= self.function.registers.into(), "a register that is not there")?;
        }
        let info = op.info();
        let operands = match info.format {
            Format::Abc => {
                vec![(info.a, i64::from(word.a())), (info.b, i64::from(word.b())), (info.c, i64::from(word.c()))]
            }
            Format::Ai => vec![(info.a, i64::from(word.a())), (info.b, i64::from(word.imm()))],
        };
        operands.into_iter().try_for_each(|(kind, value)| self.check_operand(op, kind, value))?;
        for next in self.after(pc) {
            need(next < self.function.code.len(), "control leaves the code")?;
        }
        self.check_neighbours(pc)?;
        let closes = word.x() & 1 != 0 || self.captured.is_empty();
        match op {
            Op::Return0 | Op::Return1 => need(
                self.captured.is_empty() && self.function.vararg == 0,
                "a short return where it must be a long one",
            ),
            Op::Return | Op::TailCall => need(closes, "captured registers outlive the function"),
            Op::VarArg => need(self.function.vararg != 0, "extra arguments that are not there"),
            Op::ModI | Op::IDivI => need(word.c() as i16 > 0, "a divisor that is not positive"),
            Op::ShlI | Op::ShrI => need(word.c() < 64, "a shift that is too wide"),
            _ => Ok(()),
        }
    }

    fn check_operand(&self, op: Op, kind: Operand, value: i64) -> Result<(), String> {
        let lacks = |count: usize| usize::try_from(value).is_ok_and(|value| value < count);
        match kind {
            Operand::Upval => need(lacks(self.function.upvalues.len()), "an upvalue that is not there"),
            Operand::Proto => need(lacks(self.function.functions.len()), "a function that is not there"),
            Operand::Const | Operand::Field => {
                let index = usize::try_from(value / i64::from(SCALE)).ok();
                let constant = index.filter(|_| value >= 0 && value % i64::from(SCALE) == 0);
                let Some(constant) = constant.and_then(|index| self.function.constants.get(index)) else {
                    return Err("a constant that is not there".into());
                };
                let is = |byte: u8| matches!(constant, Constant::Word(kind, _) if *kind == byte);
                let name = op.info().name;
                let fits = match op {
                    _ if kind == Operand::Field => is_name(constant),
                    Op::ModK | Op::PowK | Op::IDivK | Op::ShlK | Op::ShrK => is(INTEGER) || is(FLOAT),
                    _ if name.ends_with("KF") || name.starts_with("KF") => is(FLOAT),
                    Op::KSub | Op::KDiv | Op::AddK | Op::SubK | Op::MulK | Op::DivK => is(INTEGER),
                    Op::BAndK | Op::BOrK | Op::BXorK => is(INTEGER),
                    _ => true,
                };
                need(fits, "a constant of another kind")
            }
            _ => Ok(()),
        }
    }

    /// What one instruction relies on another for.
    fn check_neighbours(&self, pc: usize) -> Result<(), String> {
        let (op, word) = self.words[pc];
        let next = self.words.get(pc + 1);
        if op.is_test() {
            need(next.is_some_and(|&(op, _)| op == Op::Jmp), "a test without its jump")?;
            need(self.before[pc + 1] == [pc], "another way to the jump of a test")?;
        }
        match op {
            Op::ForPrep => {
                let end = self.words[self.after(pc)[0]];
                need(end.0 == Op::ForLoop && end.1.a() == word.a(), "a loop without its end")?;
            }
            Op::TForCall => {
                let is_end = |&(op, end): &(Op, Instruction)| op == Op::TForLoop && end.a() == word.a() + 2 * SCALE;
                need(next.is_some_and(is_end) && word.x() > 0, "a generic loop without its end")?;
            }
            Op::Concat => need(word.c() >= 2, "too little to join")?,
            _ => {}
        }
        // What takes all values up to the top must come right after what has set it, and from nowhere else.
        if let Some(lowest) = taken_from(self.words[pc]) {
            let from = pc.checked_sub(1).and_then(|before| left_from(self.words[before]));
            need(from.is_some_and(|from| from >= lowest), "nothing has said where the values end")?;
            need(self.before[pc] == [pc - 1], "another way to what takes values up to the top")?;
        }
        let is_taken = next.is_some_and(|&next| taken_from(next).is_some());
        need(left_from(self.words[pc]).is_none() || is_taken, "values up to the top that nobody takes")
    }

    /// No frame lies over a register to which an open upvalue may refer.
    fn check_frames(&self) -> Result<(), (usize, String)> {
        if self.captured.is_empty() {
            return Ok(());
        }
        let mut open: Vec<Option<BTreeSet<usize>>> = vec![None; self.words.len()];
        open[0] = Some(BTreeSet::new());
        let mut work = vec![0];
        while let Some(pc) = work.pop() {
            let (op, word) = self.words[pc];
            let (a, b, c) = (unscaled(word.a()), unscaled(word.b()), usize::from(word.c()));
            let mut registers = open[pc].clone().unwrap_or_default();
            let begins = match op {
                Op::Call => Some(a),
                Op::TForCall => Some(a + 3),
                // Finalizers run above what an instruction that makes something has.
                Op::Concat => Some((b + c).min(b.max(a + 1))),
                Op::NewTable | Op::Closure => Some(a + 1),
                _ => None,
            };
            match op {
                Op::Closure => registers.extend(captured_by(&self.function.functions[word.imm() as usize])),
                Op::Close => registers.retain(|&register| register < a),
                Op::TailCall => registers.clear(),
                _ => {}
            }
            if begins.is_some_and(|begins| registers.iter().any(|&register| register >= begins)) {
                return Err((pc, "a frame over captured registers".into()));
            }
            for next in self.after(pc) {
                let known = open[next].get_or_insert_with(|| {
                    work.push(next);
                    BTreeSet::new()
                });
                if !registers.is_subset(known) {
                    known.extend(registers.iter().copied());
                    work.push(next);
                }
            }
        }
        Ok(())
    }
}

/// The first of the values up to the top that an instruction leaves.
fn left_from((op, word): (Op, Instruction)) -> Option<u16> {
    let leaves = match op {
        Op::Call => word.c() == 0,
        Op::VarArg => word.b() == 0,
        // What a native function returns.
        Op::TailCall => true,
        _ => false,
    };
    leaves.then(|| word.a())
}

/// Where the values up to the top that an instruction takes may begin.
fn taken_from((op, word): (Op, Instruction)) -> Option<u16> {
    match op {
        Op::Call | Op::TailCall | Op::SetList if word.b() == 0 => Some(word.a() + SCALE),
        Op::Return if word.b() == 0 => Some(word.a()),
        _ => None,
    }
}

/// Whether a constant can be the name of a field.
fn is_name(constant: &Constant) -> bool {
    matches!(constant, Constant::Text(kind, Some(bytes)) if STRINGS.contains(kind) && bytes.len() <= SHORT)
}

/// The registers of the function around it that a function refers to.
fn captured_by(inner: &Function) -> impl Iterator<Item = usize> {
    inner.upvalues.iter().filter(|[from_register, _]| *from_register != 0).map(|&[_, index]| index.into())
}
