//! Names: local variables, upvalues, and blocks.

use perilune_core::base::limits::MAX_UPVALUES;
use perilune_core::{GcRef, LocalVar, LuaString, TValue, UpvalDesc};

use super::emit::grow_array;
use super::expdesc::{ExpDesc, Kind};
use super::state::{Block, Compiler, FuncState, MAX_LOCALS, NO_JUMP};
use crate::error::LuaResult;

/// The largest number of local variables of a function that debug information can tell of.
const MAX_DEBUG_LOCALS: u32 = i16::MAX as u32;

/// Local variables. The n-th active one is register n.
impl Compiler<'_, '_> {
    /// Declares a local variable, which becomes active later.
    #[doc(alias = "new_localvar")]
    pub(super) fn new_local(&mut self, name: GcRef<LuaString>) -> LuaResult<()> {
        let proto = self.fs.proto;
        let lua = &mut *self.lex.lua;
        let index = self.fs.n_locals;
        if index >= proto.locals_len.get() {
            let filler = LocalVar { name: core::ptr::null_mut(), start_pc: 0, end_pc: 0 };
            grow_array(lua, &proto.local_vars, &proto.locals_len, filler, MAX_DEBUG_LOCALS, "local variables")?;
        }
        // SAFETY: C2, C3; the name is alive by LX1.
        unsafe {
            (*proto.local_vars.get().add(index as usize)).name = name.as_ptr();
            lua.heap().barrier_forward(proto.as_header(), TValue::object(name));
        }
        self.fs.n_locals += 1;
        self.check_limit(self.active.len() + 1 - self.fs.first_active, MAX_LOCALS, "local variables")?;
        self.active.push(self.lex.lua, index as u16)
    }

    /// The same for a variable that the compiler names.
    pub(super) fn new_local_named(&mut self, name: &str) -> LuaResult<()> {
        let name = self.lex.new_string(name.as_bytes())?;
        self.new_local(name)
    }

    /// What debug information says of a function's n-th active variable.
    #[doc(alias = "getlocvar")]
    fn local(&self, fs: &FuncState, n: u8) -> *mut LocalVar {
        let index = self.active[fs.first_active + n as usize];
        debug_assert!((index as u32) < fs.n_locals);
        fs.proto.local_vars.get().wrapping_add(index as usize)
    }

    /// The name of a function's n-th active variable.
    pub(super) fn local_name(&self, fs: &FuncState, n: u8) -> *mut LuaString {
        // SAFETY: C2: the index of an active variable is one that is in use.
        unsafe { (*self.local(fs, n)).name }
    }

    /// Lets the n-th active variable be visible to debuggers from here on.
    pub(super) fn start_local(&mut self, n: u8) {
        // SAFETY: C2: the index of an active variable is one that is in use.
        unsafe { (*self.local(&self.fs, n)).start_pc = self.fs.pc };
    }

    /// Lets the next `n` declared variables become active.
    #[doc(alias = "adjustlocalvars")]
    pub(super) fn activate_locals(&mut self, n: usize) {
        for _ in 0..n {
            self.start_local(self.fs.n_active);
            self.fs.n_active += 1;
        }
    }

    /// Ends the scope of all active variables but the first `level`.
    #[doc(alias = "removevars")]
    fn remove_locals(&mut self, level: u8) {
        while self.fs.n_active > level {
            self.fs.n_active -= 1;
            // SAFETY: C2: the index of an active variable is one that is in use.
            unsafe { (*self.local(&self.fs, self.fs.n_active)).end_pc = self.fs.pc };
        }
        self.active.truncate(self.fs.first_active + level as usize);
    }

    /// The register of a function's variable.
    #[doc(alias = "searchvar")]
    fn find_local(&self, fs: &FuncState, name: GcRef<LuaString>) -> Option<u8> {
        let name = name.as_ptr();
        (0..fs.n_active).rev().find(|&n| self.local_name(fs, n) == name)
    }
}

/// Upvalues.
impl Compiler<'_, '_> {
    /// The index of a function's upvalue.
    #[doc(alias = "searchupvalue")]
    fn find_upvalue(fs: &FuncState, name: GcRef<LuaString>) -> Option<u8> {
        let known = &fs.proto.upvalues_slice()[..fs.n_upvalues as usize];
        known.iter().position(|upvalue| upvalue.name == name.as_ptr()).map(|index| index as u8)
    }

    /// Gives a function one more upvalue.
    #[doc(alias = "newupvalue")]
    pub(super) fn new_upvalue(
        &mut self,
        level: usize,
        name: GcRef<LuaString>,
        in_stack: bool,
        index: u8,
    ) -> LuaResult<u8> {
        let fs = *self.function(level);
        let (proto, n) = (fs.proto, fs.n_upvalues);
        self.check_limit_at(level, n as usize + 1, MAX_UPVALUES, "upvalues")?;
        let lua = &mut *self.lex.lua;
        if n as u32 >= proto.upvalues_len.get() {
            let filler = UpvalDesc { name: core::ptr::null_mut(), in_stack: false, index: 0 };
            grow_array(lua, &proto.upvalues, &proto.upvalues_len, filler, MAX_UPVALUES as u32, "upvalues")?;
        }
        // SAFETY: C2, C3; the name is alive by LX1.
        unsafe {
            proto.upvalues.get().add(n as usize).write(UpvalDesc { name: name.as_ptr(), in_stack, index });
            lua.heap().barrier_forward(proto.as_header(), TValue::object(name));
        }
        self.function(level).n_upvalues += 1;
        Ok(n)
    }

    /// Notes that an inner function uses a variable: the block that it is of has to close it.
    #[doc(alias = "markupval")]
    fn mark_upvalue(&mut self, level: usize, variable: u8) {
        let after = if level == self.level() { self.blocks.len() } else { self.function(level + 1).first_block };
        let fs = self.function(level);
        fs.needs_close = true;
        let first = fs.first_block;
        let blocks = &mut self.blocks[first..after];
        if let Some(block) = blocks.iter_mut().rev().find(|block| block.n_active <= variable) {
            block.has_upvalue = true;
        }
    }

    /// Puts into `kind` the variable that a name means, `Void` if it is none. Every function between it and the current one gets an upvalue.
    #[doc(alias = "singlevaraux")]
    fn resolve(&mut self, name: GcRef<LuaString>, kind: &mut Kind) -> LuaResult<()> {
        let current = self.level();
        let mut level = current;
        let mut found = loop {
            let fs = self.function_at(level);
            if let Some(register) = self.find_local(fs, name) {
                if level < current {
                    self.mark_upvalue(level, register);
                }
                break (true, register);
            }
            if let Some(index) = Self::find_upvalue(fs, name) {
                break (false, index);
            }
            if level == 0 {
                *kind = Kind::Void;
                return Ok(());
            }
            level -= 1;
        };
        for level in level + 1..=current {
            let (in_stack, index) = found;
            found = (false, self.new_upvalue(level, name, in_stack, index)?);
        }
        match found {
            (true, register) => *kind = Kind::Local(register),
            (false, index) => *kind = Kind::Upvalue(index),
        }
        Ok(())
    }

    /// Puts into `e` the variable that a name means: local, upvalue, or a field of `_ENV`.
    #[doc(alias = "singlevar")]
    pub(super) fn variable(&mut self, name: GcRef<LuaString>, e: &mut ExpDesc) -> LuaResult<()> {
        (e.if_true, e.if_false) = (NO_JUMP, NO_JUMP);
        self.resolve(name, &mut e.kind)?;
        if !matches!(e.kind, Kind::Void) {
            return Ok(());
        }
        // There always is one, the main function's upvalue.
        self.resolve(self.env_name, &mut e.kind)?;
        let mut key = ExpDesc::new(Kind::Const(self.string_constant(name)?));
        self.index(e, &mut key)
    }
}

/// Blocks.
impl Compiler<'_, '_> {
    /// Opens a block.
    #[doc(alias = "enterblock")]
    pub(super) fn enter_block(&mut self, is_loop: bool) -> LuaResult<()> {
        let block = Block {
            first_label: self.labels.len(),
            first_goto: self.gotos.len(),
            n_active: self.fs.n_active,
            has_upvalue: false,
            is_loop,
        };
        self.blocks.push(self.lex.lua, block)
    }

    /// Ends the innermost block.
    #[doc(alias = "leaveblock")]
    pub(super) fn leave_block(&mut self) -> LuaResult<()> {
        let block = self.block();
        let is_inner = self.blocks.len() - 1 > self.fs.first_block;
        if is_inner && block.has_upvalue {
            self.emit_close(block.n_active)?;
        }
        if block.is_loop {
            self.break_label(block.n_active)?;
        }
        self.blocks.pop();
        self.remove_locals(block.n_active);
        self.fs.free_reg = self.fs.n_active;
        self.labels.truncate(block.first_label);
        if is_inner {
            self.move_gotos_out(block)
        } else if let Some(&goto) = self.gotos.get(block.first_goto) {
            Err(self.undefined_goto(goto))
        } else {
            Ok(())
        }
    }
}
