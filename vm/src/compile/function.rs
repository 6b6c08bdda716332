//! Functions: opening and completing them, and their definitions in the source.

use perilune_core::code::{CODE_PREFIX, Instruction};
use perilune_core::{GcRef, Proto, TValue};

use super::emit::grow_array;
use super::expdesc::{ExpDesc, Kind};
use super::state::{Compiler, FuncState};
use super::token::Token;
use crate::error::LuaResult;
use crate::opcode::{Op, op_of};
use crate::state::LuaState;

/// The largest number of functions within a function.
const MAX_PROTOS: u32 = (1 << 18) - 1;

impl Compiler<'_, '_> {
    /// Makes a prototype and enters it into the list of the current function, which keeps it alive.
    #[doc(alias = "addprototype")]
    fn new_inner_proto(&mut self) -> LuaResult<GcRef<Proto>> {
        let parent = self.fs.proto;
        let lua = &mut *self.lex.lua;
        let index = self.fs.n_protos;
        if index >= parent.protos_len.get() {
            grow_array(lua, &parent.protos, &parent.protos_len, core::ptr::null_mut(), MAX_PROTOS, "functions")?;
        }
        let proto = lua.heap().new_proto()?;
        // SAFETY: C2, C3.
        unsafe {
            parent.protos.get().add(index as usize).write(proto.as_ptr());
            lua.heap().barrier_forward(parent.as_header(), TValue::object(proto));
        }
        self.fs.n_protos += 1;
        Ok(proto)
    }

    /// Begins a function within the current one.
    fn enter_function(&mut self, proto: GcRef<Proto>) -> LuaResult<()> {
        self.outer.push(self.lex.lua, self.fs)?;
        self.open_function(proto)
    }

    /// Begins a function.
    #[doc(alias = "open_func")]
    pub(super) fn open_function(&mut self, proto: GcRef<Proto>) -> LuaResult<()> {
        self.fs =
            FuncState { first_active: self.active.len(), first_block: self.blocks.len(), ..FuncState::new(proto) };
        let source = self.lex.source;
        proto.source.set(source.as_ptr());
        // SAFETY: C3; the main prototype keeps the source alive.
        unsafe { self.lex.lua.heap().barrier_forward(proto.as_header(), TValue::object(source)) };
        self.enter_block(false)
    }

    /// Completes the current function.
    #[doc(alias = "close_func")]
    pub(super) fn close_function(&mut self) -> LuaResult<()> {
        self.emit_return(0, Some(0))?;
        self.leave_block()?;
        self.finish_returns();
        trim(self.lex.lua, &self.fs)?;
        self.fs.proto.seal();
        Ok(())
    }

    /// Gives the returns their final form: the short ones are for functions that have neither extra arguments nor
    /// variables to close.
    #[doc(alias = "luaK_finish")]
    fn finish_returns(&mut self) {
        let needs_close = self.fs.needs_close;
        let is_plain = !needs_close && !self.fs.proto.is_vararg.get();
        for pc in 0..self.fs.pc {
            let word = self.code(pc);
            match op_of(*word) {
                Op::Return | Op::TailCall if needs_close => *word = word.with_x(1),
                Op::Return if is_plain && word.b() == 1 => {
                    *word = Instruction::abc(Op::Return0 as u8, 0, 0, 0, 0);
                }
                Op::Return if is_plain && word.b() == 2 => {
                    *word = Instruction::abc(Op::Return1 as u8, 0, word.a(), 0, 0);
                }
                _ => {}
            }
        }
    }

    /// Compiles a function from its parameter list on; `line` is that of the keyword. The closure is `e`.
    pub(super) fn body(&mut self, e: &mut ExpDesc, is_method: bool, line: i32) -> LuaResult<()> {
        self.begin_body(is_method, line)?;
        self.statements()?;
        self.end_body(e, line)
    }

    fn begin_body(&mut self, is_method: bool, line: i32) -> LuaResult<()> {
        let proto = self.new_inner_proto()?;
        proto.line_defined.set(line);
        self.enter_function(proto)?;
        self.expect(Token::Char(b'('))?;
        if is_method {
            self.new_local_named("self")?;
            self.activate_locals(1);
        }
        self.parameters()?;
        self.expect(Token::Char(b')'))
    }

    fn end_body(&mut self, e: &mut ExpDesc, line: i32) -> LuaResult<()> {
        self.fs.proto.last_line.set(self.lex.line);
        self.expect_match(Token::End, Token::Function, line)?;
        self.close_function()?;
        if let Some(outer) = self.outer.pop() {
            self.fs = outer;
        }
        self.lex.lua.gc_check()?;
        // The closure must be in the last register in use: making it may collect, and what lies above counts as garbage.
        let index = self.fs.n_protos as i32 - 1;
        *e = ExpDesc::new(Kind::Pending(self.emit_ai(Op::Closure, 0, index)?));
        self.place_in_next(e)
    }

    #[doc(alias = "parlist")]
    fn parameters(&mut self) -> LuaResult<()> {
        let proto = self.fs.proto;
        let mut count = 0;
        if self.lex.token != Token::Char(b')') {
            loop {
                match self.lex.token {
                    Token::Name(name) => {
                        self.lex.next()?;
                        self.new_local(name)?;
                        count += 1;
                    }
                    Token::Dots => {
                        self.lex.next()?;
                        proto.is_vararg.set(true);
                    }
                    _ => return Err(self.error(format_args!("<name> or '...' expected"))),
                }
                if proto.is_vararg.get() || !self.accept(Token::Char(b','))? {
                    break;
                }
            }
        }
        self.activate_locals(count);
        proto.num_params.set(self.fs.n_active);
        self.reserve(self.fs.n_active as usize)
    }

    /// Compiles the whole chunk: a vararg function with the one upvalue `_ENV`.
    #[doc(alias = "mainfunc")]
    pub(super) fn main_function(&mut self) -> LuaResult<()> {
        let proto = self.fs.proto;
        self.lex.prepare()?;
        self.env_name = self.lex.new_string(b"_ENV")?;
        self.break_name = self.lex.new_string(b"break")?;
        self.open_function(proto)?;
        proto.is_vararg.set(true);
        self.new_upvalue(0, self.env_name, true, 0)?;
        self.lex.next()?;
        self.statements()?;
        self.check(Token::Eof)?;
        self.close_function()
    }
}

/// Gives back what a prototype's arrays do not use.
fn trim(lua: &mut LuaState, fs: &FuncState) -> LuaResult<()> {
    let proto = fs.proto;
    let pc = fs.pc as u32;
    // SAFETY: C2 for all arrays; the block of the code begins before its first instruction (F1).
    unsafe {
        let block = proto.code.get().sub(CODE_PREFIX);
        let old = CODE_PREFIX + proto.code_len.get() as usize;
        let block = lua.heap().resize_array(block, old, CODE_PREFIX + pc as usize)?;
        proto.code.set(block.add(CODE_PREFIX));
        proto.code_len.set(pc);
    }
    macro_rules! trim {
        ($($data:ident, $len:ident, $used:expr;)*) => { $(
            // SAFETY: C2.
            let block = unsafe {
                lua.heap().resize_array(proto.$data.get(), proto.$len.get() as usize, $used as usize)
            }?;
            proto.$data.set(block);
            proto.$len.set($used);
        )* };
    }
    trim! {
        line_info, lines_len, pc;
        constants, constants_len, fs.n_constants;
        protos, protos_len, fs.n_protos;
        local_vars, locals_len, fs.n_locals;
        upvalues, upvalues_len, fs.n_upvalues as u32;
    }
    Ok(())
}
