//! From descriptions to code: bringing an expression's value to where it is wanted.

use perilune_core::code::Instruction;

use super::emit::reg;
use super::expdesc::{ExpDesc, Kind, small_float};
use super::state::{Compiler, NO_JUMP};
use crate::error::LuaResult;
use crate::opcode::{FIELDS_PER_FLUSH, MAX_CONST_OPERAND, Op, SCALE, op_of};

/// The operand that names a constant.
const fn konst(index: u16) -> u16 {
    index * SCALE
}

/// Values.
impl Compiler<'_, '_> {
    /// Lets an expression that may have any number of values have `n`; `None`: all that there are.
    #[doc(alias = "luaK_setreturns")]
    pub(super) fn set_results(&mut self, e: &ExpDesc, n: Option<u8>) -> LuaResult<()> {
        let count = n.map_or(0, |n| n as u16 + 1);
        match e.kind {
            Kind::Call(pc) => {
                let word = self.code(pc);
                *word = word.with_c(count);
            }
            Kind::VarArg(pc) => {
                let register = self.fs.free_reg;
                let word = self.code(pc);
                *word = word.with_a(reg(register)).with_b(count);
                self.reserve(1)?;
            }
            _ => debug_assert!(n.is_none()),
        }
        Ok(())
    }

    /// Lets an expression have one value.
    #[doc(alias = "luaK_setoneret")]
    pub(super) fn set_one_result(&mut self, e: &mut ExpDesc) {
        match e.kind {
            // A call was made to give one value, in its first register.
            Kind::Call(pc) => e.kind = Kind::Register((self.code(pc).a() / SCALE) as u8),
            Kind::VarArg(pc) => {
                let word = self.code(pc);
                *word = word.with_b(2);
                e.kind = Kind::Pending(pc);
            }
            _ => {}
        }
    }

    /// Makes an expression something else than a variable: reads it.
    #[doc(alias = "luaK_dischargevars")]
    pub(super) fn read_variable(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        let pc = match e.kind {
            Kind::Local(register) => {
                e.kind = Kind::Register(register);
                return Ok(());
            }
            Kind::Upvalue(upvalue) => self.emit_abc(Op::GetUpval, 0, upvalue as u16, 0)?,
            Kind::IndexUp { upvalue, key } => self.emit_field(Op::GetTabUp, 0, upvalue as u16, konst(key), key)?,
            Kind::IndexField { table, key } => {
                self.free_register(table);
                self.emit_field(Op::GetField, 0, reg(table), konst(key), key)?
            }
            Kind::IndexInt { table, key } => {
                self.free_register(table);
                self.emit_abc(Op::GetI, 0, reg(table), key)?
            }
            Kind::Index { table, key } => {
                self.free_registers(table, key);
                self.emit_abc(Op::GetTable, 0, reg(table), reg(key))?
            }
            Kind::IndexUpReg { upvalue, key } => {
                let table = self.read_upvalue(upvalue)?;
                self.free_registers(table, key);
                self.emit_abc(Op::GetTable, 0, reg(table), reg(key))?
            }
            Kind::IndexUpInt { upvalue, key } => {
                let table = self.read_upvalue(upvalue)?;
                self.free_register(table);
                self.emit_abc(Op::GetI, 0, reg(table), key)?
            }
            Kind::Call(_) | Kind::VarArg(_) => {
                self.set_one_result(e);
                return Ok(());
            }
            _ => return Ok(()),
        };
        e.kind = Kind::Pending(pc);
        Ok(())
    }

    /// Reads an upvalue to the next register.
    fn read_upvalue(&mut self, upvalue: u8) -> LuaResult<u8> {
        let register = self.fs.free_reg;
        self.emit_abc(Op::GetUpval, reg(register), upvalue as u16, 0)?;
        self.reserve(1)?;
        Ok(register)
    }

    /// Appends an instruction with a field's name, whose first hint comes from the name's hash.
    fn emit_field(&mut self, op: Op, a: u16, b: u16, c: u16, key: u16) -> LuaResult<i32> {
        let hint = self.constant_string(key as u32).map_or(0, |name| name.hash_field() as u8);
        self.emit(Instruction::abc(op as u8, hint, a, b, c))
    }

    /// Brings the value, but for that of its jumps, to a register.
    #[doc(alias = "discharge2reg")]
    fn discharge_to(&mut self, e: &mut ExpDesc, register: u8) -> LuaResult<()> {
        self.read_variable(e)?;
        let a = reg(register);
        match e.kind {
            Kind::Nil => self.emit_nil(register, 1)?,
            Kind::Pending(pc) => {
                let word = self.code(pc);
                *word = word.with_a(a);
            }
            Kind::Register(other) if other == register => {}
            Kind::Register(other) => {
                self.emit_abc(Op::Move, a, reg(other), 0)?;
            }
            Kind::False => {
                self.emit_abc(Op::LoadFalse, a, 0, 0)?;
            }
            Kind::True => {
                self.emit_abc(Op::LoadTrue, a, 0, 0)?;
            }
            Kind::Integer(i) => self.load_integer(a, i)?,
            Kind::Float(n) => self.load_float(a, n)?,
            Kind::Const(index) => self.load_constant(a, index)?,
            // A test's value comes from its jump.
            _ => return Ok(()),
        }
        e.kind = Kind::Register(register);
        Ok(())
    }

    #[doc(alias = "luaK_codek")]
    fn load_constant(&mut self, a: u16, index: u32) -> LuaResult<()> {
        self.emit_ai(Op::LoadK, a, (index * SCALE as u32) as i32)?;
        Ok(())
    }

    fn load_integer(&mut self, a: u16, i: i64) -> LuaResult<()> {
        match i32::try_from(i) {
            Ok(small) => self.emit_ai(Op::LoadI, a, small).map(|_| ()),
            Err(_) => {
                let index = self.integer_constant(i)?;
                self.load_constant(a, index)
            }
        }
    }

    fn load_float(&mut self, a: u16, n: f64) -> LuaResult<()> {
        match small_float(n) {
            Some(small) => self.emit_ai(Op::LoadF, a, small).map(|_| ()),
            None => {
                let index = self.float_constant(n)?;
                self.load_constant(a, index)
            }
        }
    }

    /// Brings the value, but for that of its jumps, to some register.
    #[doc(alias = "discharge2anyreg")]
    fn discharge_to_any(&mut self, e: &mut ExpDesc) -> LuaResult<u8> {
        if let Kind::Register(register) = e.kind {
            return Ok(register);
        }
        self.reserve(1)?;
        let register = self.fs.free_reg - 1;
        self.discharge_to(e, register)?;
        Ok(register)
    }

    /// Brings the value, that of its jumps too, to a register.
    #[doc(alias = "exp2reg")]
    fn place_in(&mut self, e: &mut ExpDesc, register: u8) -> LuaResult<()> {
        self.discharge_to(e, register)?;
        if let Kind::Jump(pc) = e.kind {
            e.if_true = self.join(e.if_true, pc);
        }
        if e.has_jumps() {
            self.land_jumps(e, register)?;
        }
        *e = ExpDesc::new(Kind::Register(register));
        Ok(())
    }

    /// Gives the jumps of an expression their targets: the end, or instructions that load what the jump does not keep.
    fn land_jumps(&mut self, e: &ExpDesc, register: u8) -> LuaResult<()> {
        let (mut load_false, mut load_true) = (NO_JUMP, NO_JUMP);
        if self.some_lacks_value(e.if_true) || self.some_lacks_value(e.if_false) {
            let over = if matches!(e.kind, Kind::Jump(_)) { NO_JUMP } else { self.emit_jump()? };
            self.here();
            load_false = self.emit_abc(Op::LFalseSkip, reg(register), 0, 0)?;
            self.here();
            load_true = self.emit_abc(Op::LoadTrue, reg(register), 0, 0)?;
            self.patch_here(over);
        }
        let end = self.here();
        self.patch_values(e.if_false, end, Some(register), load_false);
        self.patch_values(e.if_true, end, Some(register), load_true);
        Ok(())
    }

    /// Brings the value to the next free register.
    #[doc(alias = "luaK_exp2nextreg")]
    pub(super) fn place_in_next(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.read_variable(e)?;
        self.free_exp(e);
        self.reserve(1)?;
        self.place_in(e, self.fs.free_reg - 1)
    }

    /// Brings the value to some register.
    #[doc(alias = "luaK_exp2anyreg")]
    pub(super) fn place_in_any(&mut self, e: &mut ExpDesc) -> LuaResult<u8> {
        self.read_variable(e)?;
        if let Kind::Register(register) = e.kind {
            if !e.has_jumps() {
                return Ok(register);
            }
            // A local variable must keep its value.
            if register >= self.fs.n_active {
                self.place_in(e, register)?;
                return Ok(register);
            }
        }
        self.place_in_next(e)?;
        Ok(self.fs.free_reg - 1)
    }

    /// Brings the value to some register unless it is an upvalue.
    #[doc(alias = "luaK_exp2anyregup")]
    pub(super) fn place_in_any_or_upvalue(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        if !matches!(e.kind, Kind::Upvalue(_)) || e.has_jumps() {
            self.place_in_any(e)?;
        }
        Ok(())
    }

    /// Makes the expression a value: known now, in a register, or about to be in one.
    #[doc(alias = "luaK_exp2val")]
    pub(super) fn settle(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        if e.has_jumps() { self.place_in_any(e).map(|_| ()) } else { self.read_variable(e) }
    }

    /// Gives back the register of an expression, if it has one.
    #[doc(alias = "freeexp")]
    pub(super) fn free_exp(&mut self, e: &ExpDesc) {
        if let Kind::Register(register) = e.kind {
            self.free_register(register);
        }
    }
}

/// Variables and tables.
impl Compiler<'_, '_> {
    /// Stores a value in a variable.
    #[doc(alias = "luaK_storevar")]
    pub(super) fn store(&mut self, variable: &ExpDesc, value: &mut ExpDesc) -> LuaResult<()> {
        match variable.kind {
            Kind::Local(register) => {
                self.free_exp(value);
                return self.place_in(value, register);
            }
            Kind::Upvalue(upvalue) => {
                let register = self.place_in_any(value)?;
                self.emit_abc(Op::SetUpval, reg(register), upvalue as u16, 0)?;
            }
            _ => self.store_element(variable, value)?,
        }
        self.free_exp(value);
        Ok(())
    }

    /// Stores a value in an element of a table.
    fn store_element(&mut self, element: &ExpDesc, value: &mut ExpDesc) -> LuaResult<()> {
        let constant = self.constant_operand(value)?;
        let is_constant = constant.is_some();
        let c = match constant {
            Some(index) => konst(index),
            None => reg(self.place_in_any(value)?),
        };
        let pick = |with_constant: Op, with_register: Op| if is_constant { with_constant } else { with_register };
        match element.kind {
            Kind::IndexUp { upvalue, key } => {
                self.emit_field(pick(Op::SetTabUpK, Op::SetTabUp), upvalue as u16, konst(key), c, key)?
            }
            Kind::IndexField { table, key } => {
                self.emit_field(pick(Op::SetFieldK, Op::SetField), reg(table), konst(key), c, key)?
            }
            Kind::IndexInt { table, key } => self.emit_abc(pick(Op::SetIK, Op::SetI), reg(table), key, c)?,
            Kind::Index { table, key } => self.emit_abc(pick(Op::SetTableK, Op::SetTable), reg(table), reg(key), c)?,
            Kind::IndexUpReg { upvalue, key } => {
                let table = self.read_upvalue(upvalue)?;
                self.free_register(table);
                self.emit_abc(pick(Op::SetTableK, Op::SetTable), reg(table), reg(key), c)?
            }
            Kind::IndexUpInt { upvalue, key } => {
                let table = self.read_upvalue(upvalue)?;
                self.free_register(table);
                self.emit_abc(pick(Op::SetIK, Op::SetI), reg(table), key, c)?
            }
            _ => return Ok(()),
        };
        Ok(())
    }

    /// The constant's index if the expression can be a field's name in an instruction: a short string, not too far.
    fn field_name(&mut self, e: &ExpDesc) -> Option<u16> {
        match e.kind {
            Kind::Const(index) if !e.has_jumps() && index as usize <= MAX_CONST_OPERAND => {
                self.constant_string(index)?.is_short().then_some(index as u16)
            }
            _ => None,
        }
    }

    /// Makes `table` the element `table[key]`. The table is in a register or an upvalue.
    #[doc(alias = "luaK_indexed")]
    pub(super) fn index(&mut self, table: &mut ExpDesc, key: &mut ExpDesc) -> LuaResult<()> {
        let field = self.field_name(key);
        let small = match key.kind {
            Kind::Integer(i @ 0..=0xffff) if !key.has_jumps() => Some(i as u16),
            _ => None,
        };
        if let Kind::Upvalue(upvalue) = table.kind {
            match (field, small) {
                (Some(key), _) => table.kind = Kind::IndexUp { upvalue, key },
                (None, Some(key)) => table.kind = Kind::IndexUpInt { upvalue, key },
                _ => table.kind = Kind::IndexUpReg { upvalue, key: self.place_in_any(key)? },
            }
            return Ok(());
        }
        match (field, small) {
            (Some(key), _) => table.kind = Kind::IndexField { table: self.place_in_any(table)?, key },
            (None, Some(key)) => table.kind = Kind::IndexInt { table: self.place_in_any(table)?, key },
            _ => table.kind = Kind::Index { table: self.place_in_any(table)?, key: self.place_in_any(key)? },
        }
        Ok(())
    }

    /// Makes `e` the method `e:key` with its object in the next register.
    #[doc(alias = "luaK_self")]
    pub(super) fn method(&mut self, e: &mut ExpDesc, key: &mut ExpDesc) -> LuaResult<()> {
        let object = self.place_in_any(e)?;
        self.free_exp(e);
        let base = self.fs.free_reg;
        *e = ExpDesc::new(Kind::Register(base));
        self.reserve(2)?;
        if let Some(name) = self.field_name(key) {
            self.emit_field(Op::SelfField, reg(base), reg(object), konst(name), name)?;
            return Ok(());
        }
        // The name is too long or too far for an operand: it goes to the method's register first.
        self.emit_abc(Op::Move, reg(base + 1), reg(object), 0)?;
        self.discharge_to(key, base)?;
        self.emit_abc(Op::GetTable, reg(base), reg(base + 1), reg(base))?;
        Ok(())
    }

    /// Stores the items of a constructor that are gathered above its table: `count` items, `None` for all up to the
    /// top, the last of which (the first of the open ones) is number `total`.
    #[doc(alias = "luaK_setlist")]
    pub(super) fn emit_set_list(&mut self, base: u8, total: usize, count: Option<usize>) -> LuaResult<()> {
        let flush = (total - 1) / FIELDS_PER_FLUSH;
        if flush > 0xff_ffff {
            return Err(self.error(format_args!("constructor too long")));
        }
        let count = count.unwrap_or(0) as u16;
        self.emit(Instruction::abc(Op::SetList as u8, (flush >> 16) as u8, reg(base), count, flush as u16))?;
        self.fs.free_reg = base + 1;
        Ok(())
    }
}

/// Conditions.
impl Compiler<'_, '_> {
    /// Appends a jump that is taken if the truth of `e` is `condition`.
    #[doc(alias = "jumponcond")]
    fn jump_if(&mut self, e: &mut ExpDesc, condition: bool) -> LuaResult<i32> {
        if let Kind::Pending(pc) = e.kind {
            let word = *self.code(pc);
            if op_of(word) == Op::Not {
                // Takes the `Not`, which is the last instruction, back.
                self.fs.pc -= 1;
                return self.emit_plain_test((word.b() / SCALE) as u8, !condition);
            }
        }
        let register = self.discharge_to_any(e)?;
        self.free_exp(e);
        self.emit_test_set(register, condition)
    }

    /// Goes on if `e` is true, and jumps if it is false.
    #[doc(alias = "luaK_goiftrue")]
    pub(super) fn go_if_true(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.read_variable(e)?;
        let jump = match e.kind {
            Kind::Jump(pc) => {
                self.negate(pc);
                pc
            }
            Kind::Const(_) | Kind::Float(_) | Kind::Integer(_) | Kind::True => NO_JUMP,
            _ => self.jump_if(e, false)?,
        };
        e.if_false = self.join(e.if_false, jump);
        self.patch_here(e.if_true);
        e.if_true = NO_JUMP;
        Ok(())
    }

    /// Goes on if `e` is false, and jumps if it is true.
    #[doc(alias = "luaK_goiffalse")]
    pub(super) fn go_if_false(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.read_variable(e)?;
        let jump = match e.kind {
            Kind::Jump(pc) => pc,
            Kind::Nil | Kind::False => NO_JUMP,
            _ => self.jump_if(e, true)?,
        };
        e.if_true = self.join(e.if_true, jump);
        self.patch_here(e.if_false);
        e.if_false = NO_JUMP;
        Ok(())
    }

    /// Makes `e` its negation.
    #[doc(alias = "codenot")]
    pub(super) fn negate_value(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        self.read_variable(e)?;
        match e.kind {
            Kind::Nil | Kind::False => e.kind = Kind::True,
            Kind::Const(_) | Kind::Float(_) | Kind::Integer(_) | Kind::True => e.kind = Kind::False,
            Kind::Jump(pc) => self.negate(pc),
            _ => {
                let register = self.discharge_to_any(e)?;
                self.free_exp(e);
                e.kind = Kind::Pending(self.emit_abc(Op::Not, 0, reg(register), 0)?);
            }
        }
        core::mem::swap(&mut e.if_true, &mut e.if_false);
        // Negated, the values that jumps keep are of no use.
        self.drop_values(e.if_false);
        self.drop_values(e.if_true);
        Ok(())
    }
}
