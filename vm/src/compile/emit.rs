//! Instructions, registers and jumps: the lowest layer of code generation.
//!
//! J1. A list of jumps is linked through the distances of its jumps; `NO_JUMP` ends it. A list is patched once.

use core::cell::Cell;

use perilune_core::base::limits::MAX_REGISTERS;
use perilune_core::code::{CODE_PREFIX, Instruction};

use super::state::{Compiler, NO_JUMP};
use crate::error::{LuaResult, Thrown};
use crate::opcode::{Op, SCALE, op_of};
use crate::state::LuaState;

/// The register of tests that have none yet: it is not a valid one.
const NO_REG: u8 = 255;
/// The farthest that a jump may go, in words: the reference's limit, although ours could go farther.
const MAX_JUMP: u32 = (1 << 17) - 1;
const _: () = assert!(NO_REG as usize >= MAX_REGISTERS);

/// The operand that names a register.
pub(super) const fn reg(register: u8) -> u16 {
    register as u16 * SCALE
}

/// The register that an operand names.
const fn reg_of(operand: u16) -> u8 {
    (operand / SCALE) as u8
}

/// Makes room for one more element in an array of a prototype (C2). At `limit` elements it raises an error.
#[doc(alias = "luaM_growvector")]
pub(super) fn grow_array<T: Copy>(
    lua: &mut LuaState,
    data: &Cell<*mut T>,
    len: &Cell<u32>,
    filler: T,
    limit: u32,
    what: &str,
) -> LuaResult<()> {
    let old = len.get();
    let new = next_capacity(lua, old, limit, what)?;
    // SAFETY: C2 for the old block; C1 keeps the prototype alive.
    unsafe {
        let block = lua.heap().resize_array(data.get(), old as usize, new as usize)?;
        for index in old..new {
            block.add(index as usize).write(filler);
        }
        data.set(block);
    }
    len.set(new);
    Ok(())
}

/// The capacity after `old`, which is exhausted.
fn next_capacity(lua: &mut LuaState, old: u32, limit: u32, what: &str) -> LuaResult<u32> {
    if old >= limit {
        return Err(too_many(lua, limit, what));
    }
    Ok(if old >= limit / 2 { limit } else { (2 * old).max(4) })
}

#[cold]
#[inline(never)]
fn too_many(lua: &mut LuaState, limit: u32, what: &str) -> Thrown {
    lua.raise_plain(format_args!("too many {what} (limit is {limit})"))
}

/// Instructions.
impl Compiler<'_, '_> {
    /// Appends an instruction; its line is that of the last token that was used up. Returns its position.
    #[doc(alias = "luaK_code")]
    pub(super) fn emit(&mut self, word: Instruction) -> LuaResult<i32> {
        self.land_pending()?;
        let proto = self.fs.proto;
        let pc = self.fs.pc;
        if pc as u32 >= proto.code_len.get() {
            self.grow_code()?;
        }
        if pc as u32 >= proto.lines_len.get() {
            grow_array(self.lex.lua, &proto.line_info, &proto.lines_len, 0, i32::MAX as u32, "opcodes")?;
        }
        self.fs.pc += 1;
        *self.code(pc) = word;
        self.fix_line(self.lex.last_line);
        Ok(pc)
    }

    /// Appends an instruction with three operands and x = 0.
    #[doc(alias = "luaK_codeABC")]
    pub(super) fn emit_abc(&mut self, op: Op, a: u16, b: u16, c: u16) -> LuaResult<i32> {
        self.emit(Instruction::abc(op as u8, 0, a, b, c))
    }

    /// Appends an instruction with an immediate and x = 0.
    #[doc(alias = "luaK_codeABx")]
    pub(super) fn emit_ai(&mut self, op: Op, a: u16, imm: i32) -> LuaResult<i32> {
        self.emit(Instruction::ai(op as u8, 0, a, imm))
    }

    #[cold]
    #[inline(never)]
    fn grow_code(&mut self) -> LuaResult<()> {
        let lua = &mut *self.lex.lua;
        let proto = self.fs.proto;
        let old = proto.code_len.get();
        let new = next_capacity(lua, old, i32::MAX as u32, "opcodes")?;
        let code = proto.code.get();
        let (block, old_words) =
            if code.is_null() { (code, 0) } else { (code.wrapping_sub(CODE_PREFIX), CODE_PREFIX + old as usize) };
        let new_words = CODE_PREFIX + new as usize;
        // SAFETY: C2, where the block of the code begins before the first instruction (F1).
        unsafe {
            let block = lua.heap().resize_array(block, old_words, new_words)?;
            for index in old_words..new_words {
                block.add(index).write(Instruction(0));
            }
            proto.code.set(block.add(CODE_PREFIX));
        }
        proto.code_len.set(new);
        Ok(())
    }

    /// The instruction at a position.
    #[inline]
    pub(super) fn code(&mut self, pc: i32) -> &mut Instruction {
        debug_assert!((0..self.fs.pc).contains(&pc));
        // SAFETY: C1 and C2: what is in use is initialised, and nobody else looks at it.
        unsafe { &mut *self.fs.proto.code.get().add(pc as usize) }
    }

    /// Attributes the last instruction to a line.
    #[doc(alias = "luaK_fixline")]
    pub(super) fn fix_line(&mut self, line: i32) {
        let last = self.fs.pc - 1;
        self.set_line(last, line);
        if last != 0 && last == self.fs.behind_close {
            self.set_line(last - 1, line);
        }
    }

    /// Attributes an instruction to a line.
    pub(super) fn set_line(&mut self, pc: i32, line: i32) {
        debug_assert!((0..self.fs.pc).contains(&pc));
        // SAFETY: C1 and C2: there is a line for each instruction.
        unsafe { self.fs.proto.line_info.get().add(pc as usize).write(line) };
    }

    /// The line of an instruction.
    pub(super) fn line_of(&self, pc: i32) -> i32 {
        debug_assert!((0..self.fs.pc).contains(&pc));
        // SAFETY: C1 and C2: there is a line for each instruction.
        unsafe { self.fs.proto.line_info.get().add(pc as usize).read() }
    }

    /// Sets `n` registers to nil, together with a neighbouring row that the instruction before sets if there is one.
    #[doc(alias = "luaK_nil")]
    pub(super) fn emit_nil(&mut self, from: u8, n: u8) -> LuaResult<()> {
        let (mut from, mut last) = (from as u16, from as u16 + n as u16 - 1);
        // Only if no jump comes between the two.
        if self.fs.pc > self.fs.last_target {
            let previous = self.code(self.fs.pc - 1);
            if op_of(*previous) == Op::LoadNil {
                let other_from = previous.a() / SCALE;
                let other_last = other_from + previous.b();
                if (other_from <= from && from <= other_last + 1) || (from <= other_from && other_from <= last + 1) {
                    from = from.min(other_from);
                    last = last.max(other_last);
                    *previous = previous.with_a(from * SCALE).with_b(last - from);
                    return Ok(());
                }
            }
        }
        self.emit_abc(Op::LoadNil, from * SCALE, last - from, 0)?;
        Ok(())
    }

    /// Returns `n` values, or all up to the top, from a register on.
    #[doc(alias = "luaK_ret")]
    pub(super) fn emit_return(&mut self, first: u8, n: Option<u8>) -> LuaResult<()> {
        self.emit_abc(Op::Return, reg(first), n.map_or(0, |n| n as u16 + 1), 0)?;
        Ok(())
    }

    /// Closes the upvalues of the registers from `level` on.
    pub(super) fn emit_close(&mut self, level: u8) -> LuaResult<()> {
        self.emit_abc(Op::Close, reg(level), 0, 0)?;
        Ok(())
    }
}

/// Registers.
impl Compiler<'_, '_> {
    /// Notes that `n` registers more than those in use are needed.
    #[doc(alias = "luaK_checkstack")]
    pub(super) fn check_registers(&mut self, n: usize) -> LuaResult<()> {
        let needed = self.fs.free_reg as usize + n;
        if needed > self.fs.proto.max_stack.get() as usize {
            if needed >= MAX_REGISTERS {
                return Err(self.error(format_args!("function or expression needs too many registers")));
            }
            self.fs.proto.max_stack.set(needed as u8);
        }
        Ok(())
    }

    /// Takes the next `n` registers.
    #[doc(alias = "luaK_reserveregs")]
    pub(super) fn reserve(&mut self, n: usize) -> LuaResult<()> {
        self.check_registers(n)?;
        self.fs.free_reg += n as u8;
        Ok(())
    }

    /// Gives a register back, unless it is a local variable's.
    #[doc(alias = "freereg")]
    pub(super) fn free_register(&mut self, register: u8) {
        if register >= self.fs.n_active {
            self.fs.free_reg -= 1;
            debug_assert!(register == self.fs.free_reg);
        }
    }

    /// Gives two registers back, the higher one first.
    pub(super) fn free_registers(&mut self, one: u8, other: u8) {
        self.free_register(one.max(other));
        self.free_register(one.min(other));
    }
}

/// Jumps.
impl Compiler<'_, '_> {
    /// Where a jump goes, or the next jump of its list.
    fn jump_target(&mut self, pc: i32) -> i32 {
        match self.code(pc).imm() {
            NO_JUMP => NO_JUMP,
            distance => pc + 1 + distance,
        }
    }

    /// Makes a jump go to `target`.
    #[doc(alias = "fixjump")]
    fn set_target(&mut self, pc: i32, target: i32) {
        // Positions are not negative, so their difference fits.
        let distance = target - (pc + 1);
        // The error is raised with the next instruction: there is one at least, the function's last return.
        self.fs.jump_too_long |= distance.unsigned_abs() > MAX_JUMP;
        let word = self.code(pc);
        *word = word.with_imm(distance);
    }

    /// Joins two lists. A second one of a single jump goes to the front, so that a list that grows by one jump at a time does
    /// not have to be walked each time; the order of a list means nothing.
    #[doc(alias = "luaK_concat")]
    pub(super) fn join(&mut self, first: i32, second: i32) -> i32 {
        if second == NO_JUMP {
            return first;
        }
        if first == NO_JUMP {
            return second;
        }
        if self.jump_target(second) == NO_JUMP {
            self.set_target(second, first);
            return second;
        }
        let mut last = first;
        loop {
            match self.jump_target(last) {
                NO_JUMP => break,
                next => last = next,
            }
        }
        self.set_target(last, second);
        first
    }

    /// Appends a jump whose target is set later. The jumps that come here are put on its list, so that they
    /// go to the final target at once; it is the first one of the list.
    #[doc(alias = "luaK_jump")]
    pub(super) fn emit_jump(&mut self) -> LuaResult<i32> {
        let held = core::mem::replace(&mut self.fs.pending, NO_JUMP);
        let jump = self.emit_ai(Op::Jmp, 0, NO_JUMP)?;
        if held != NO_JUMP {
            self.set_target(jump, held);
        }
        Ok(jump)
    }

    /// Appends a jump to a position behind.
    #[doc(alias = "luaK_jumpto")]
    pub(super) fn emit_jump_to(&mut self, target: i32) -> LuaResult<()> {
        let jump = self.emit_jump()?;
        self.patch(jump, target);
        Ok(())
    }

    /// Appends a test and its jump.
    #[doc(alias = "condjump")]
    pub(super) fn emit_test(&mut self, word: Instruction) -> LuaResult<i32> {
        debug_assert!(op_of(word).is_test());
        self.emit(word)?;
        self.emit_jump()
    }

    /// Tests a register; the jump is taken if its truth is `condition`, and then its value is kept.
    pub(super) fn emit_test_set(&mut self, register: u8, condition: bool) -> LuaResult<i32> {
        let op = if condition { Op::TestSet } else { Op::NotTestSet };
        self.emit_test(Instruction::abc(op as u8, 0, reg(NO_REG), reg(register), 0))
    }

    /// Tests a register; the jump is taken if its truth is `condition`.
    pub(super) fn emit_plain_test(&mut self, register: u8, condition: bool) -> LuaResult<i32> {
        let op = if condition { Op::Test } else { Op::NotTest };
        self.emit_test(Instruction::abc(op as u8, 0, reg(register), 0, 0))
    }

    /// The current position, which from now on counts as a jump's target.
    #[doc(alias = "luaK_getlabel")]
    pub(super) fn here(&mut self) -> i32 {
        self.fs.last_target = self.fs.pc;
        self.fs.pc
    }

    /// The position of the test that decides on a jump, or of the jump itself.
    #[doc(alias = "getjumpcontrol")]
    fn control_of(&mut self, pc: i32) -> i32 {
        if pc >= 1 && op_of(*self.code(pc - 1)).is_test() { pc - 1 } else { pc }
    }

    /// Whether a jump keeps a value.
    fn keeps_value(&mut self, jump: i32) -> bool {
        let control = self.control_of(jump);
        matches!(op_of(*self.code(control)), Op::TestSet | Op::NotTestSet)
    }

    /// Whether some jump of a list does not keep a value.
    #[doc(alias = "need_value")]
    pub(super) fn some_lacks_value(&mut self, mut list: i32) -> bool {
        while list != NO_JUMP {
            if !self.keeps_value(list) {
                return true;
            }
            list = self.jump_target(list);
        }
        false
    }

    /// Lets a jump that keeps a value keep it in `register`; `None`: it does not keep it any more.
    /// Returns false if it never did.
    #[doc(alias = "patchtestreg")]
    fn keep_value_in(&mut self, jump: i32, register: Option<u8>) -> bool {
        let control = self.control_of(jump);
        let word = self.code(control);
        let plain = match op_of(*word) {
            Op::TestSet => Op::Test,
            Op::NotTestSet => Op::NotTest,
            _ => return false,
        };
        *word = match register {
            Some(register) if register != reg_of(word.b()) => word.with_a(reg(register)),
            // The value is where it should be, or not wanted.
            _ => Instruction::abc(plain as u8, 0, word.b(), 0, 0),
        };
        true
    }

    /// Lets no jump of a list keep a value.
    #[doc(alias = "removevalues")]
    pub(super) fn drop_values(&mut self, mut list: i32) {
        while list != NO_JUMP {
            self.keep_value_in(list, None);
            list = self.jump_target(list);
        }
    }

    /// Makes the jumps of a list that keep a value keep it in `register` and go to `value_target`, the others to `target`.
    #[doc(alias = "patchlistaux")]
    pub(super) fn patch_values(&mut self, mut list: i32, value_target: i32, register: Option<u8>, target: i32) {
        while list != NO_JUMP {
            let next = self.jump_target(list);
            let keeps = self.keep_value_in(list, register);
            self.set_target(list, if keeps { value_target } else { target });
            list = next;
        }
    }

    /// Lets the jumps that come here do so; the position is about to change.
    #[doc(alias = "dischargejpc")]
    #[inline]
    fn land_pending(&mut self) -> LuaResult<()> {
        if self.fs.pending != NO_JUMP {
            let pc = self.fs.pc;
            let list = core::mem::replace(&mut self.fs.pending, NO_JUMP);
            self.patch_values(list, pc, None, pc);
        }
        if self.fs.jump_too_long || self.fs.pc == i32::MAX {
            Err(self.error(format_args!("control structure too long")))
        } else {
            Ok(())
        }
    }

    /// Makes the jumps of a list come to the current position.
    #[doc(alias = "luaK_patchtohere")]
    pub(super) fn patch_here(&mut self, list: i32) {
        self.here();
        self.fs.pending = self.join(self.fs.pending, list);
    }

    /// Makes the jumps of a list go to a position that is not ahead.
    #[doc(alias = "luaK_patchlist")]
    pub(super) fn patch(&mut self, list: i32, target: i32) {
        if target == self.fs.pc {
            self.patch_here(list);
        } else {
            debug_assert!(target < self.fs.pc);
            self.patch_values(list, target, None, target);
        }
    }

    /// Turns the condition of a comparison around.
    #[doc(alias = "negatecondition")]
    pub(super) fn negate(&mut self, jump: i32) {
        let control = self.control_of(jump);
        let word = self.code(control);
        *word = word.with_op(op_of(*word).negated() as u8);
    }
}

/// The longest condition that is copied, in words.
const MAX_COPY: i32 = 16;

/// Copies of conditions.
///
/// Behind the body of a `while` loop stands its condition again, so that no round needs a jump of its own: what tests at the end
/// jumps back to the body. In place of a line each instruction of the copy but that last jump has the distance to the one that it
/// is a copy of, as a negative number: the debug interface takes one for the other, and threads with hooks see one jump and the
/// condition itself.
impl Compiler<'_, '_> {
    /// Whether a condition from `start` to `body` is short, ends with a test, and leads nowhere but to the body and along `exits`.
    pub(super) fn can_copy_condition(&mut self, start: i32, body: i32, exits: i32) -> bool {
        if !(2..=MAX_COPY).contains(&(body - start)) || !op_of(*self.code(body - 2)).is_test() {
            return false;
        }
        (start..body).all(|pc| op_of(*self.code(pc)) != Op::Jmp || self.is_in_list(exits, pc))
    }

    /// Whether a jump is in a list.
    fn is_in_list(&mut self, mut list: i32, jump: i32) -> bool {
        while list != NO_JUMP && list != jump {
            list = self.jump_target(list);
        }
        list == jump
    }

    /// Appends a copy of the condition from `start` to `body` that jumps back there when it holds. Returns `exits` with the jumps
    /// of the copy that leave the loop.
    pub(super) fn copy_condition(&mut self, start: i32, body: i32, mut exits: i32) -> LuaResult<i32> {
        let distance = self.fs.pc - start;
        for pc in start..body - 2 {
            let word = *self.code(pc);
            if op_of(word) == Op::Jmp {
                let jump = self.emit_jump()?;
                exits = self.join(exits, jump);
            } else {
                self.emit(word)?;
            }
            self.set_line(pc + distance, -distance);
        }
        let test = *self.code(body - 2);
        let last = self.emit(test.with_op(op_of(test).negated() as u8))?;
        self.set_line(last, -distance);
        let back = self.emit_jump()?;
        self.patch(back, body);
        Ok(exits)
    }
}
