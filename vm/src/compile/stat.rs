//! The grammar of statements (manual §3.3).

use perilune_core::base::limits::MAX_C_CALLS;
use perilune_core::code::Instruction;
use perilune_core::{GcRef, LuaString};

use super::emit::reg;
use super::expdesc::{ExpDesc, Kind};
use super::state::{Compiler, NO_JUMP};
use super::token::Token;
use crate::error::LuaResult;
use crate::opcode::Op;

/// Blocks.
impl Compiler<'_, '_> {
    /// Whether the current token ends a block. `until` does so too, but its condition still sees the block's variables.
    fn block_ends(&self, with_until: bool) -> bool {
        match self.lex.token {
            Token::Else | Token::ElseIf | Token::End | Token::Eof => true,
            Token::Until => with_until,
            _ => false,
        }
    }

    /// `{ stat [';'] }`; a `return` is the last.
    #[doc(alias = "statlist")]
    pub(super) fn statements(&mut self) -> LuaResult<()> {
        while !self.block_ends(true) {
            let is_last = self.lex.token == Token::Return;
            self.statement()?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// A block with its own scope.
    fn scoped_block(&mut self) -> LuaResult<()> {
        self.enter_block(false)?;
        self.statements()?;
        self.leave_block()
    }

    /// One statement.
    fn statement(&mut self) -> LuaResult<()> {
        let line = self.lex.line;
        self.enter_level()?;
        match self.lex.token {
            Token::Char(b';') => self.lex.next()?,
            Token::If => self.if_stat(line)?,
            Token::While => self.while_stat(line)?,
            Token::Do => {
                self.lex.next()?;
                self.scoped_block()?;
                self.expect_match(Token::End, Token::Do, line)?;
            }
            Token::For => self.for_stat(line)?,
            Token::Repeat => self.repeat_stat(line)?,
            Token::Function => self.function_stat(line)?,
            Token::Local => self.local_stat()?,
            Token::DoubleColon => self.label_stat(line)?,
            Token::Return => self.return_stat()?,
            Token::Break | Token::Goto => {
                let jump = self.emit_jump()?;
                self.goto_stat(jump)?;
            }
            _ => self.expr_stat()?,
        }
        debug_assert!(self.fs.proto.max_stack.get() >= self.fs.free_reg && self.fs.free_reg >= self.fs.n_active);
        self.fs.free_reg = self.fs.n_active;
        self.leave_level();
        Ok(())
    }
}

/// Control structures.
impl Compiler<'_, '_> {
    /// A condition. Returns the jumps that leave it when it is false.
    #[doc(alias = "cond")]
    fn condition(&mut self) -> LuaResult<i32> {
        let mut e = ExpDesc::VOID;
        self.expr(&mut e)?;
        self.go_if_true_or_never(&mut e)?;
        Ok(e.if_false)
    }

    /// Goes on if `e` is true; a constant nil is as good as false.
    fn go_if_true_or_never(&mut self, e: &mut ExpDesc) -> LuaResult<()> {
        if e.kind == Kind::Nil {
            e.kind = Kind::False;
        }
        self.go_if_true(e)
    }

    /// `while exp do block end`
    fn while_stat(&mut self, line: i32) -> LuaResult<()> {
        self.lex.next()?;
        let start = self.here();
        let mut exit = self.condition()?;
        let body = self.fs.pc;
        self.enter_block(true)?;
        self.expect(Token::Do)?;
        self.scoped_block()?;
        if self.can_copy_condition(start, body, exit) {
            exit = self.copy_condition(start, body, exit)?;
        } else {
            self.emit_jump_to(start)?;
        }
        self.expect_match(Token::End, Token::While, line)?;
        self.leave_block()?;
        self.patch_here(exit);
        Ok(())
    }

    /// `repeat block until exp`
    fn repeat_stat(&mut self, line: i32) -> LuaResult<()> {
        let start = self.here();
        self.enter_block(true)?;
        self.enter_block(false)?;
        self.lex.next()?;
        self.statements()?;
        self.expect_match(Token::Until, Token::Repeat, line)?;
        let mut again = self.condition()?;
        let scope = self.block();
        self.leave_block()?;
        if scope.has_upvalue {
            // The way back closes the variables too.
            let exit = self.emit_jump()?;
            self.patch_here(again);
            self.emit_close(scope.n_active)?;
            again = self.emit_jump()?;
            self.patch_here(exit);
        }
        self.patch(again, start);
        self.leave_block()
    }

    /// `if exp then block {elseif exp then block} [else block] end`
    fn if_stat(&mut self, line: i32) -> LuaResult<()> {
        let mut exits = self.then_block(NO_JUMP)?;
        while self.lex.token == Token::ElseIf {
            exits = self.then_block(exits)?;
        }
        if self.accept(Token::Else)? {
            self.scoped_block()?;
        }
        self.expect_match(Token::End, Token::If, line)?;
        self.patch_here(exits);
        Ok(())
    }

    /// `[if | elseif] exp then block`. Adds the jump to the end of the whole statement to `exits`.
    #[doc(alias = "test_then_block")]
    fn then_block(&mut self, exits: i32) -> LuaResult<i32> {
        let mut e = ExpDesc::VOID;
        self.lex.next()?;
        self.expr(&mut e)?;
        self.expect(Token::Then)?;
        let skip = if let Token::Goto | Token::Break = self.lex.token {
            // The condition's own jump is that of the goto.
            self.go_if_false(&mut e)?;
            self.enter_block(false)?;
            self.goto_stat(e.if_true)?;
            while self.accept(Token::Char(b';'))? {}
            if self.block_ends(false) {
                self.leave_block()?;
                return Ok(exits);
            }
            self.emit_jump()?
        } else {
            self.go_if_true(&mut e)?;
            self.enter_block(false)?;
            e.if_false
        };
        self.statements()?;
        self.leave_block()?;
        let mut exits = exits;
        if let Token::Else | Token::ElseIf = self.lex.token {
            let jump = self.emit_jump()?;
            exits = self.join(exits, jump);
        }
        self.patch_here(skip);
        Ok(exits)
    }

    /// `goto NAME | break`, whose list of jumps is given.
    fn goto_stat(&mut self, jump: i32) -> LuaResult<()> {
        let line = self.lex.line;
        let name = if self.accept(Token::Goto)? {
            self.expect_name()?
        } else {
            self.lex.next()?;
            self.break_name
        };
        self.new_goto(name, line, jump)
    }

    /// `'::' NAME '::'`
    fn label_stat(&mut self, line: i32) -> LuaResult<()> {
        self.lex.next()?;
        let name = self.expect_name()?;
        self.check_repeated(name)?;
        self.expect(Token::DoubleColon)?;
        let index = self.new_label(name, line)?;
        while let Token::Char(b';') | Token::DoubleColon = self.lex.token {
            self.statement()?;
        }
        if self.block_ends(false) {
            // Nothing follows, so that the block's variables count as out of scope.
            self.labels[index].n_active = self.block().n_active;
        }
        let label = self.labels[index];
        self.find_gotos(&label)
    }
}

/// Loops with `for`.
impl Compiler<'_, '_> {
    /// `for (fornum | forlist) end`
    fn for_stat(&mut self, line: i32) -> LuaResult<()> {
        self.enter_block(true)?;
        self.lex.next()?;
        let name = self.expect_name()?;
        match self.lex.token {
            Token::Char(b'=') => self.numeric_for(name, line)?,
            Token::Char(b',') | Token::In => self.generic_for(name)?,
            _ => return Err(self.error(format_args!("'=' or 'in' expected"))),
        }
        self.expect_match(Token::End, Token::For, line)?;
        self.leave_block()
    }

    /// `NAME = exp, exp [, exp] do block`
    #[doc(alias = "fornum")]
    fn numeric_for(&mut self, name: GcRef<LuaString>, line: i32) -> LuaResult<()> {
        let base = self.fs.free_reg;
        self.new_local_named("(for index)")?;
        self.new_local_named("(for limit)")?;
        self.new_local_named("(for step)")?;
        self.new_local(name)?;
        self.expect(Token::Char(b'='))?;
        self.expr_to_next()?;
        self.expect(Token::Char(b','))?;
        self.expr_to_next()?;
        if self.accept(Token::Char(b','))? {
            self.expr_to_next()?;
        } else {
            self.place_in_next(&mut ExpDesc::new(Kind::Integer(1)))?;
        }
        self.for_body(base, line, 1, true)
    }

    /// An expression whose value goes to the next register.
    #[doc(alias = "exp1")]
    fn expr_to_next(&mut self) -> LuaResult<()> {
        let mut e = ExpDesc::VOID;
        self.expr(&mut e)?;
        self.place_in_next(&mut e)
    }

    /// `NAME {, NAME} in explist do block`
    #[doc(alias = "forlist")]
    fn generic_for(&mut self, name: GcRef<LuaString>) -> LuaResult<()> {
        let base = self.fs.free_reg;
        self.new_local_named("(for generator)")?;
        self.new_local_named("(for state)")?;
        self.new_local_named("(for control)")?;
        self.new_local(name)?;
        let mut count = 1;
        while self.accept(Token::Char(b','))? {
            let name = self.expect_name()?;
            self.new_local(name)?;
            count += 1;
        }
        self.expect(Token::In)?;
        let line = self.lex.line;
        let mut e = ExpDesc::VOID;
        let n = self.expr_list(&mut e)?;
        self.adjust_assign(3, n, &mut e)?;
        // Room to call the generator.
        self.check_registers(3)?;
        self.for_body(base, line, count, false)
    }

    /// `do block`, with what surrounds it.
    #[doc(alias = "forbody")]
    fn for_body(&mut self, base: u8, line: i32, count: usize, is_numeric: bool) -> LuaResult<()> {
        self.activate_locals(3);
        self.expect(Token::Do)?;
        let prepare = if is_numeric { self.emit_ai(Op::ForPrep, reg(base), NO_JUMP)? } else { self.emit_jump()? };
        self.enter_block(false)?;
        self.activate_locals(count);
        self.reserve(count)?;
        self.scoped_block()?;
        self.leave_block()?;
        self.patch_here(prepare);
        let end = if is_numeric {
            self.emit_ai(Op::ForLoop, reg(base), NO_JUMP)?
        } else {
            self.emit(Instruction::ai(Op::TForCall as u8, count as u8, reg(base), 0))?;
            self.fix_line(line);
            self.emit_ai(Op::TForLoop, reg(base + 2), NO_JUMP)?
        };
        self.patch(end, prepare + 1);
        self.fix_line(line);
        Ok(())
    }
}

/// Definitions, assignments, calls and returns.
impl Compiler<'_, '_> {
    /// `function funcname body`
    #[doc(alias = "funcstat")]
    fn function_stat(&mut self, line: i32) -> LuaResult<()> {
        self.lex.next()?;
        let name = self.expect_name()?;
        let mut variable = ExpDesc::VOID;
        self.variable(name, &mut variable)?;
        while self.lex.token == Token::Char(b'.') {
            self.field_suffix(&mut variable)?;
        }
        let is_method = self.lex.token == Token::Char(b':');
        if is_method {
            self.field_suffix(&mut variable)?;
        }
        let mut e = ExpDesc::VOID;
        self.body(&mut e, is_method, line)?;
        self.store(&variable, &mut e)?;
        // The definition happens in the statement's first line.
        self.fix_line(line);
        Ok(())
    }

    /// `local function NAME body | local NAME {, NAME} [= explist]`
    fn local_stat(&mut self) -> LuaResult<()> {
        self.lex.next()?;
        if self.accept(Token::Function)? { self.local_function() } else { self.local_variables() }
    }

    #[doc(alias = "localfunc")]
    fn local_function(&mut self) -> LuaResult<()> {
        let name = self.expect_name()?;
        self.new_local(name)?;
        self.activate_locals(1);
        let variable = self.fs.n_active - 1;
        let mut e = ExpDesc::VOID;
        self.body(&mut e, false, self.lex.line)?;
        // The function sees its own name, but debuggers see the variable only when it has its value.
        self.start_local(variable);
        Ok(())
    }

    fn local_variables(&mut self) -> LuaResult<()> {
        let mut count = 0;
        loop {
            let name = self.expect_name()?;
            self.new_local(name)?;
            count += 1;
            if !self.accept(Token::Char(b','))? {
                break;
            }
        }
        let mut e = ExpDesc::VOID;
        let n = if self.accept(Token::Char(b'='))? { self.expr_list(&mut e)? } else { 0 };
        self.adjust_assign(count, n, &mut e)?;
        self.activate_locals(count);
        Ok(())
    }

    /// Makes the values of `n` expressions, the last of which is `e`, be `wanted` values in the next registers.
    fn adjust_assign(&mut self, wanted: usize, n: usize, e: &mut ExpDesc) -> LuaResult<()> {
        let missing = wanted as isize - n as isize;
        if e.is_multiple() {
            // The last expression itself gives one more than are missing.
            let results = (missing + 1).max(0) as usize;
            self.set_results(e, Some(results as u8))?;
            if results > 1 {
                self.reserve(results - 1)?;
            }
        } else {
            if e.kind != Kind::Void {
                self.place_in_next(e)?;
            }
            if missing > 0 {
                let register = self.fs.free_reg;
                self.reserve(missing as usize)?;
                self.emit_nil(register, missing as u8)?;
            }
        }
        if n > wanted {
            self.fs.free_reg -= (n - wanted) as u8;
        }
        Ok(())
    }

    /// A call or an assignment.
    #[doc(alias = "exprstat")]
    fn expr_stat(&mut self) -> LuaResult<()> {
        let mut e = ExpDesc::VOID;
        self.suffixed_exp(&mut e)?;
        if let Token::Char(b'=' | b',') = self.lex.token {
            return self.assignment(e);
        }
        let Kind::Call(pc) = e.kind else {
            return Err(self.error(format_args!("syntax error")));
        };
        let word = self.code(pc);
        *word = word.with_c(1);
        Ok(())
    }

    /// `var {, var} = explist`, whose first variable was read.
    fn assignment(&mut self, first: ExpDesc) -> LuaResult<()> {
        let base = self.targets.len();
        self.add_target(first)?;
        while self.accept(Token::Char(b','))? {
            self.next_target(base)?;
        }
        self.expect(Token::Char(b'='))?;
        self.assign_values(base)
    }

    /// Notes a variable to be assigned to.
    fn add_target(&mut self, e: ExpDesc) -> LuaResult<()> {
        if !e.is_variable() {
            return Err(self.error(format_args!("syntax error")));
        }
        self.targets.push(self.lex.lua, e)
    }

    fn next_target(&mut self, base: usize) -> LuaResult<()> {
        let mut e = ExpDesc::VOID;
        self.suffixed_exp(&mut e)?;
        if !e.is_indexed() {
            self.avoid_conflict(base, &e)?;
        }
        let count = self.targets.len() - base;
        self.check_limit(count + self.depth(), MAX_C_CALLS as usize, "C levels")?;
        self.add_target(e)
    }

    /// The right side: stores values in the variables noted since `base`, the last one first.
    fn assign_values(&mut self, base: usize) -> LuaResult<()> {
        let count = self.targets.len() - base;
        let mut e = ExpDesc::VOID;
        let n = self.expr_list(&mut e)?;
        if n == count {
            self.set_one_result(&mut e);
            if let Some(target) = self.targets.pop() {
                self.store(&target, &mut e)?;
            }
        } else {
            self.adjust_assign(count, n, &mut e)?;
        }
        while self.targets.len() > base {
            let Some(target) = self.targets.pop() else { break };
            let mut value = ExpDesc::new(Kind::Register(self.fs.free_reg - 1));
            self.store(&target, &mut value)?;
        }
        Ok(())
    }

    /// Looks whether a local variable or upvalue that is assigned to is the table or key of an element assigned
    /// to before in the same statement. If so, that element uses a copy.
    #[doc(alias = "check_conflict")]
    fn avoid_conflict(&mut self, base: usize, variable: &ExpDesc) -> LuaResult<()> {
        let copy = self.fs.free_reg;
        let mut conflicts = false;
        for target in &mut self.targets[base..] {
            let kind = match (target.kind, variable.kind) {
                (Kind::Index { table, key }, Kind::Local(register)) => {
                    let replace = |r: u8| if r == register { copy } else { r };
                    Kind::Index { table: replace(table), key: replace(key) }
                }
                (Kind::IndexField { table, key }, Kind::Local(register)) if table == register => {
                    Kind::IndexField { table: copy, key }
                }
                (Kind::IndexInt { table, key }, Kind::Local(register)) if table == register => {
                    Kind::IndexInt { table: copy, key }
                }
                (Kind::IndexUp { upvalue, key }, Kind::Upvalue(index)) if upvalue == index => {
                    Kind::IndexField { table: copy, key }
                }
                (Kind::IndexUpInt { upvalue, key }, Kind::Upvalue(index)) if upvalue == index => {
                    Kind::IndexInt { table: copy, key }
                }
                (Kind::IndexUpReg { upvalue, key }, Kind::Upvalue(index)) if upvalue == index => {
                    Kind::Index { table: copy, key }
                }
                (Kind::IndexUpReg { upvalue, key }, Kind::Local(register)) if key == register => {
                    Kind::IndexUpReg { upvalue, key: copy }
                }
                (kind, _) => kind,
            };
            conflicts |= kind != target.kind;
            target.kind = kind;
        }
        if conflicts {
            match variable.kind {
                Kind::Local(register) => self.emit_abc(Op::Move, reg(copy), reg(register), 0)?,
                Kind::Upvalue(index) => self.emit_abc(Op::GetUpval, reg(copy), index as u16, 0)?,
                _ => return Ok(()),
            };
            self.reserve(1)?;
        }
        Ok(())
    }

    /// `return [explist] [';']`
    #[doc(alias = "retstat")]
    fn return_stat(&mut self) -> LuaResult<()> {
        self.lex.next()?;
        if self.block_ends(true) || self.lex.token == Token::Char(b';') {
            self.emit_return(0, Some(0))?;
        } else {
            let mut e = ExpDesc::VOID;
            let n = self.expr_list(&mut e)?;
            self.return_values(n, &mut e)?;
        }
        self.accept(Token::Char(b';'))?;
        Ok(())
    }

    fn return_values(&mut self, n: usize, e: &mut ExpDesc) -> LuaResult<()> {
        let first = self.fs.n_active;
        if e.is_multiple() {
            self.set_results(e, None)?;
            if let (Kind::Call(pc), 1) = (e.kind, n) {
                self.make_tail_call(pc);
            }
            return self.emit_return(first, None);
        }
        if n == 1 {
            let register = self.place_in_any(e)?;
            return self.emit_return(register, Some(1));
        }
        self.place_in_next(e)?;
        debug_assert!(n == (self.fs.free_reg - first) as usize);
        self.emit_return(first, Some(n as u8))
    }

    /// Makes a call the return's own.
    fn make_tail_call(&mut self, pc: i32) {
        let word = self.code(pc);
        *word = Instruction::abc(Op::TailCall as u8, 0, word.a(), word.b(), 0);
    }
}
