//! Code for operators.

use perilune_core::code::Instruction;
use perilune_core::value::tag;

use super::constant::{fold, fold_unary};
use super::emit::reg;
use super::expdesc::{BinOp, ExpDesc, Kind, UnOp};
use super::state::{Compiler, NO_JUMP};
use crate::error::LuaResult;
use crate::opcode::{Op, SCALE, op_of};

/// Set in x when a constant operand is the left one.
const FLIPPED: u8 = 1;
/// Set in the x of `AddI` when it was a subtraction.
const SUBTRACTS: u8 = 2;
/// Set in the x of a comparison when its constant is a float.
const IS_FLOAT: u8 = 1;

/// The instructions of an arithmetic operator: of two registers, and of a register and a constant.
const fn arith_ops(op: BinOp) -> Option<(Op, Op)> {
    Some(match op {
        BinOp::Add => (Op::Add, Op::AddK),
        BinOp::Sub => (Op::Sub, Op::SubK),
        BinOp::Mul => (Op::Mul, Op::MulK),
        BinOp::Mod => (Op::Mod, Op::ModK),
        BinOp::Pow => (Op::Pow, Op::PowK),
        BinOp::Div => (Op::Div, Op::DivK),
        BinOp::IDiv => (Op::IDiv, Op::IDivK),
        BinOp::BAnd => (Op::BAnd, Op::BAndK),
        BinOp::BOr => (Op::BOr, Op::BOrK),
        BinOp::BXor => (Op::BXor, Op::BXorK),
        BinOp::Shl => (Op::Shl, Op::ShlK),
        BinOp::Shr => (Op::Shr, Op::ShrK),
        _ => return None,
    })
}

/// Whether the instruction with a constant may have it on either side.
const fn is_commutative(op: BinOp) -> bool {
    matches!(op, BinOp::Add | BinOp::Mul | BinOp::BAnd | BinOp::BOr | BinOp::BXor)
}

/// The instruction that holds a numeral as an immediate operand, and that operand, if there is one.
fn immediate_form(op: BinOp, numeral: &ExpDesc) -> Option<(Op, i16)> {
    let Kind::Integer(i) = numeral.kind else { return None };
    let small = i16::try_from(i).ok();
    match op {
        BinOp::Add => Some((Op::AddI, small?)),
        // `-0.0 - 0` is not `-0.0 + 0`.
        BinOp::Sub if i != 0 => Some((Op::AddI, i16::try_from(i.wrapping_neg()).ok()?)),
        BinOp::Mul => Some((Op::MulI, small?)),
        BinOp::Mod if i > 0 => Some((Op::ModI, small?)),
        BinOp::IDiv if i > 0 => Some((Op::IDivI, small?)),
        BinOp::BAnd => Some((Op::BAndI, small?)),
        BinOp::Shl if (0..64).contains(&i) => Some((Op::ShlI, small?)),
        BinOp::Shr if (0..64).contains(&i) => Some((Op::ShrI, small?)),
        _ => None,
    }
}

/// The instruction that names a numeral among the constants, for the type that it has, if there is one.
fn constant_form(op: BinOp, with_constant: Op, numeral: &ExpDesc) -> Option<Op> {
    let is_float = matches!(numeral.kind, Kind::Float(_));
    match op {
        BinOp::Add if is_float => Some(Op::AddKF),
        BinOp::Sub if is_float => Some(Op::SubKF),
        BinOp::Mul if is_float => Some(Op::MulKF),
        BinOp::Div if is_float => Some(Op::DivKF),
        BinOp::BAnd | BinOp::BOr | BinOp::BXor if is_float => None,
        _ => Some(with_constant),
    }
}

impl Compiler<'_, '_> {
    /// Applies a unary operator.
    #[doc(alias = "luaK_prefix")]
    pub(super) fn prefix(&mut self, op: UnOp, e: &mut ExpDesc, line: i32) -> LuaResult<()> {
        let code = match op {
            UnOp::Not => return self.negate_value(e),
            UnOp::Minus => Op::Unm,
            UnOp::BNot => Op::BNot,
            UnOp::Len => Op::Len,
        };
        if let Some(kind) = fold_unary(op, e) {
            e.kind = kind;
            return Ok(());
        }
        let register = self.place_in_any(e)?;
        self.free_exp(e);
        e.kind = Kind::Pending(self.emit_abc(code, 0, reg(register), 0)?);
        self.fix_line(line);
        Ok(())
    }

    /// Prepares the left operand before the right one is compiled.
    #[doc(alias = "luaK_infix")]
    pub(super) fn infix(&mut self, op: BinOp, e: &mut ExpDesc) -> LuaResult<()> {
        // An operand that an instruction may hold itself waits for the other one.
        let waits = match op {
            BinOp::And => return self.go_if_true(e),
            BinOp::Or => return self.go_if_false(e),
            BinOp::Concat => return self.place_in_next(e),
            BinOp::Eq | BinOp::Ne => e.is_constant(),
            BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => e.immediate().is_some(),
            _ => e.is_numeral(),
        };
        if !waits {
            self.place_in_any(e)?;
        }
        Ok(())
    }

    /// Applies a binary operator to `left`, which `infix` prepared, and `right`. The result is in `left`.
    #[doc(alias = "luaK_posfix")]
    pub(super) fn postfix(&mut self, op: BinOp, left: &mut ExpDesc, right: &mut ExpDesc, line: i32) -> LuaResult<()> {
        match op {
            BinOp::And => {
                debug_assert!(left.if_true == NO_JUMP);
                self.read_variable(right)?;
                right.if_false = self.join(right.if_false, left.if_false);
                *left = *right;
            }
            BinOp::Or => {
                debug_assert!(left.if_false == NO_JUMP);
                self.read_variable(right)?;
                right.if_true = self.join(right.if_true, left.if_true);
                *left = *right;
            }
            BinOp::Concat => self.concat(left, right, line)?,
            BinOp::Eq | BinOp::Ne => {
                let jump = self.equality(op == BinOp::Eq, left, right)?;
                *left = ExpDesc::new(Kind::Jump(jump));
            }
            BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => {
                let jump = self.comparison(op, left, right)?;
                *left = ExpDesc::new(Kind::Jump(jump));
            }
            _ => match fold(op, left, right) {
                Some(kind) => left.kind = kind,
                None => {
                    let pc = self.arith(op, left, right)?;
                    *left = ExpDesc::new(Kind::Pending(pc));
                    self.fix_line(line);
                }
            },
        }
        Ok(())
    }

    /// Gives back the registers of two expressions, the higher one first.
    #[doc(alias = "freeexps")]
    fn free_exps(&mut self, one: &ExpDesc, other: &ExpDesc) {
        match (one.kind, other.kind) {
            (Kind::Register(a), Kind::Register(b)) => self.free_registers(a, b),
            _ => {
                self.free_exp(one);
                self.free_exp(other);
            }
        }
    }

    /// Code for an arithmetic operator whose result is not known now.
    fn arith(&mut self, op: BinOp, left: &mut ExpDesc, right: &mut ExpDesc) -> LuaResult<i32> {
        // Whoever calls has sorted the other operators out.
        let (with_register, with_constant) = arith_ops(op).unwrap_or((Op::Add, Op::AddK));
        if left.is_numeral() && !right.is_numeral() {
            if is_commutative(op) {
                if let Some(pc) = self.arith_constant(op, with_constant, right, left, FLIPPED)? {
                    return Ok(pc);
                }
            } else if let BinOp::Sub | BinOp::Div = op
                && let Some(index) = self.constant_operand(left)?
            {
                let is_float = matches!(left.kind, Kind::Float(_));
                let code = match op {
                    BinOp::Sub if is_float => Op::KFSub,
                    BinOp::Sub => Op::KSub,
                    _ if is_float => Op::KFDiv,
                    _ => Op::KDiv,
                };
                let register = self.place_in_any(right)?;
                self.free_exp(right);
                return self.emit_abc(code, 0, reg(register), index * SCALE);
            }
        } else if right.is_numeral()
            && let Some(pc) = self.arith_constant(op, with_constant, left, right, 0)?
        {
            return Ok(pc);
        }
        let c = self.place_in_any(right)?;
        let b = self.place_in_any(left)?;
        self.free_exps(left, right);
        self.emit_abc(with_register, 0, reg(b), reg(c))
    }

    /// The same if one operand is a numeral, with an instruction that holds or names it; `None` if there is no such.
    fn arith_constant(
        &mut self,
        op: BinOp,
        with_constant: Op,
        operand: &mut ExpDesc,
        numeral: &ExpDesc,
        flipped: u8,
    ) -> LuaResult<Option<i32>> {
        let (code, x, c) = if let Some((code, c)) = immediate_form(op, numeral) {
            (code, if op == BinOp::Sub { SUBTRACTS } else { flipped }, c as u16)
        } else if let Some(code) = constant_form(op, with_constant, numeral)
            && let Some(index) = self.constant_operand(numeral)?
        {
            (code, flipped, index * SCALE)
        } else {
            return Ok(None);
        };
        let register = self.place_in_any(operand)?;
        self.free_exp(operand);
        self.emit(Instruction::abc(code as u8, x, 0, reg(register), c)).map(Some)
    }

    /// Code for a concatenation. `a .. b .. c` groups to the right; its operands become one row of registers.
    fn concat(&mut self, left: &mut ExpDesc, right: &mut ExpDesc, line: i32) -> LuaResult<()> {
        self.settle(right)?;
        let Kind::Register(first) = left.kind else { return Ok(()) };
        if let Kind::Pending(pc) = right.kind {
            let word = self.code(pc);
            if op_of(*word) == Op::Concat {
                debug_assert!(word.b() == reg(first + 1));
                *word = word.with_b(reg(first)).with_c(word.c() + 1);
                self.free_exp(left);
                *left = *right;
                return Ok(());
            }
        }
        self.place_in_next(right)?;
        self.free_exps(left, right);
        let pc = self.emit_abc(Op::Concat, 0, reg(first), 2)?;
        *left = ExpDesc::new(Kind::Pending(pc));
        self.fix_line(line);
        Ok(())
    }

    /// Code for `==` and `~=`: a test whose jump is taken if it holds.
    #[doc(alias = "codeeq")]
    fn equality(&mut self, equal: bool, left: &mut ExpDesc, right: &mut ExpDesc) -> LuaResult<i32> {
        if left.is_constant() && !right.is_constant() {
            core::mem::swap(left, right);
        }
        let sense = |op: Op| if equal { op as u8 } else { op.negated() as u8 };
        if let Some((op, imm)) = self.equality_constant(right)? {
            let a = self.place_in_any(left)?;
            self.free_exp(left);
            return self.emit_test(Instruction::ai(sense(op), 0, reg(a), imm));
        }
        let a = self.place_in_any(left)?;
        let b = self.place_in_any(right)?;
        self.free_exps(left, right);
        self.emit_test(Instruction::abc(sense(Op::Eq), 0, reg(a), reg(b), 0))
    }

    /// The instruction that compares with a constant, and its immediate; `None` if the expression is none.
    fn equality_constant(&mut self, e: &ExpDesc) -> LuaResult<Option<(Op, i32)>> {
        if let Some((imm, _)) = e.immediate() {
            return Ok(Some((Op::EqI, imm)));
        }
        let without_payload = match e.kind {
            Kind::Nil => Some(tag::NIL),
            Kind::False => Some(tag::FALSE),
            Kind::True => Some(tag::TRUE),
            _ => None,
        };
        if let Some(tag) = without_payload
            && !e.has_jumps()
        {
            return Ok(Some((Op::EqP, tag as i32)));
        }
        let Some(index) = self.constant_index(e)? else { return Ok(None) };
        let is_short = self.constant_string(index).is_some_and(|string| string.is_short());
        Ok(Some((if is_short { Op::EqS } else { Op::EqK }, (index * SCALE as u32) as i32)))
    }

    /// Code for an order comparison: a test whose jump is taken if it holds.
    #[doc(alias = "codecomp")]
    fn comparison(&mut self, op: BinOp, left: &mut ExpDesc, right: &mut ExpDesc) -> LuaResult<i32> {
        // The instruction if the right operand is a constant, if the left one is, and for two registers.
        let (right_constant, left_constant, registers) = match op {
            BinOp::Lt => (Op::LtI, Op::GtI, Op::Lt),
            BinOp::Le => (Op::LeI, Op::GeI, Op::Le),
            BinOp::Gt => (Op::GtI, Op::LtI, Op::Lt),
            _ => (Op::GeI, Op::LeI, Op::Le),
        };
        let constant = match (right.immediate(), left.immediate()) {
            (Some(constant), _) => Some((right_constant, &mut *left, constant)),
            (None, Some(constant)) => Some((left_constant, &mut *right, constant)),
            (None, None) => None,
        };
        if let Some((code, operand, (imm, is_float))) = constant {
            let a = self.place_in_any(operand)?;
            self.free_exp(operand);
            let x = if is_float { IS_FLOAT } else { 0 };
            return self.emit_test(Instruction::ai(code as u8, x, reg(a), imm));
        }
        let a = self.place_in_any(left)?;
        let b = self.place_in_any(right)?;
        self.free_exps(left, right);
        let (a, b) = if matches!(op, BinOp::Gt | BinOp::Ge) { (b, a) } else { (a, b) };
        self.emit_test(Instruction::abc(registers as u8, 0, reg(a), reg(b), 0))
    }
}
