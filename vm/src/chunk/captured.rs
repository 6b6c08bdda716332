//! The part of the verifier that follows captured registers.
//!
//! BC2. No frame of a call lies on a register that an open upvalue refers to. Whoever has the closure could write into that frame
//!     otherwise: into the arguments that a native function relies on, or into a function that runs.
//!
//! For each instruction it is found out which registers may have open upvalues when it begins, for 64 registers at a time. What
//! comes by jumps forward is known when their target is looked at; what comes by a jump backwards takes another pass.

use perilune_core::Proto;
use perilune_core::code::Instruction;

use super::verify::{Check, Fault, jump_target, unscaled};
use crate::opcode::{Op, op_of};

/// How many registers are looked at together.
const GROUP: usize = u64::BITS as usize;
/// How many passes there are at most. The compiler's code needs one more than its loops are nested, and those are limited.
const PASSES: usize = 256;

/// Whether inner functions refer to registers of this one.
pub(super) fn captures_registers(proto: &Proto) -> bool {
    (0..=u8::MAX as usize / GROUP).any(|group| captured(proto, group) != 0)
}

/// The registers of a group that inner functions refer to.
fn captured(proto: &Proto, group: usize) -> u64 {
    (0..proto.protos_slice().len()).fold(0, |set, index| set | captured_by(proto, index, group))
}

/// The registers of a group that one inner function refers to.
fn captured_by(proto: &Proto, index: usize, group: usize) -> u64 {
    let inner = proto.protos_slice()[index];
    // SAFETY: O2: the inner prototypes have been read, so they are live.
    let upvalues = if inner.is_null() { &[] } else { unsafe { (*inner).upvalues_slice() } };
    let registers = upvalues.iter().filter(|desc| desc.in_stack).map(|desc| desc.index as usize);
    registers.filter(|register| register / GROUP == group).fold(0, |set, register| set | 1 << (register % GROUP))
}

/// The registers of a group from a register on.
const fn from(register: usize, group: usize) -> u64 {
    match register.saturating_sub(group * GROUP) {
        first if first < GROUP => u64::MAX << first,
        _ => 0,
    }
}

/// Checks a prototype that has passed all other checks. `open` has a place for each instruction.
pub(super) fn check(proto: &Proto, open: &mut [u64]) -> Check {
    for group in 0..=u8::MAX as usize / GROUP {
        if captured(proto, group) == 0 {
            continue;
        }
        open.fill(0);
        let mut passes = 0;
        while pass(proto, group, open)? {
            passes += 1;
            if passes == PASSES {
                return Err(Fault { pc: -1, reason: "loops nested too deeply" });
            }
        }
    }
    Ok(())
}

/// One pass from the first instruction to the last; whether a jump backwards brought something new.
fn pass(proto: &Proto, group: usize, open: &mut [u64]) -> Result<bool, Fault> {
    let code = proto.code_slice();
    let mut again = false;
    for (pc, &word) in code.iter().enumerate() {
        let before = open[pc];
        let after = match op_of(word) {
            Op::Closure => before | captured_by(proto, word.imm() as usize, group),
            Op::Close => before & !from(unscaled(word.a()), group),
            Op::TailCall => 0,
            _ => before,
        };
        if frames_begin(word).is_some_and(|register| (before | after) & from(register, group) != 0) {
            return Err(Fault { pc: pc as i64, reason: "call over captured locals" });
        }
        for next in followers(code, pc, word).into_iter().flatten() {
            again |= next <= pc && after & !open[next] != 0;
            open[next] |= after;
        }
    }
    Ok(again)
}

/// The first register that may be part of another frame while an instruction runs: that of a function that it calls, or of a
/// finalizer when it makes something.
fn frames_begin(word: Instruction) -> Option<usize> {
    let (a, b, c) = (unscaled(word.a()), unscaled(word.b()), word.c() as usize);
    match op_of(word) {
        Op::Call => Some(a),
        Op::TForCall => Some(a + 3),
        Op::Concat => Some((b + c).min(b.max(a + 1))),
        Op::NewTable | Op::Closure => Some(a + 1),
        _ => None,
    }
}

/// The instructions that may come next.
fn followers(code: &[Instruction], pc: usize, word: Instruction) -> [Option<usize>; 2] {
    match op_of(word) {
        Op::Return | Op::Return0 | Op::Return1 => [None, None],
        Op::LFalseSkip => [Some(pc + 2), None],
        Op::Jmp => [jump_target(code, pc, word.imm()), None],
        // A loop over integers begins its first round at once.
        Op::ForPrep | Op::ForLoop | Op::TForLoop => [jump_target(code, pc, word.imm()), Some(pc + 1)],
        op if op.is_test() => [Some(pc + 1), Some(pc + 2)],
        _ => [Some(pc + 1), None],
    }
}
