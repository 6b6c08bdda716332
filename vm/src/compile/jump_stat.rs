//! Gotos, breaks and labels (manual §3.3.4).
//!
//! A goto is pending until a label of its name is found, first in its own block, then in each block around it when that
//! is left. Jumps that leave blocks with captured variables must close them: a forward jump does so at its label, where
//! those variables are dead on every path; a backward jump on its way, in a few instructions of its own.

use core::fmt;

use perilune_core::{GcRef, LuaString};

use super::state::{Block, Compiler, Label};
use super::vector::Vector;
use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// The largest number of labels, and of pending gotos.
const MAX_LABELS: usize = i16::MAX as usize;

/// A name of the source in a message: it consists of letters, digits and underscores.
struct Name(GcRef<LuaString>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.0.as_bytes()).unwrap_or("?"))
    }
}

/// Appends a label or goto.
fn add(lua: &mut LuaState, list: &mut Vector<Label>, label: Label) -> LuaResult<usize> {
    let index = list.len();
    if index >= MAX_LABELS {
        return Err(lua.raise_plain(format_args!("too many labels/gotos (limit is {MAX_LABELS})")));
    }
    list.push(lua, label)?;
    Ok(index)
}

impl Compiler<'_, '_> {
    /// Enters a goto, whose list of jumps begins at `pc`, and closes it if its label is known.
    pub(super) fn new_goto(&mut self, name: GcRef<LuaString>, line: i32, pc: i32) -> LuaResult<()> {
        let goto = Label { name, pc, line, n_active: self.fs.n_active, closes: false };
        let index = add(self.lex.lua, &mut self.gotos, goto)?;
        self.find_label(index)?;
        Ok(())
    }

    /// Enters a label at the current position.
    pub(super) fn new_label(&mut self, name: GcRef<LuaString>, line: i32) -> LuaResult<usize> {
        let label = Label { name, pc: self.here(), line, n_active: self.fs.n_active, closes: false };
        add(self.lex.lua, &mut self.labels, label)
    }

    /// Raises an error if the block has a label of this name already.
    #[doc(alias = "checkrepeated")]
    pub(super) fn check_repeated(&mut self, name: GcRef<LuaString>) -> LuaResult<()> {
        let first = self.block().first_label;
        match self.labels[first..].iter().find(|label| label.name == name) {
            Some(&Label { line, .. }) => {
                let name = Name(name);
                Err(self.semantic_error(format_args!("label '{name}' already defined on line {line}")))
            }
            None => Ok(()),
        }
    }

    /// Takes a goto off the list. It must not enter the scope of a variable.
    #[doc(alias = "closegoto")]
    fn take_goto(&mut self, index: usize, label: &Label) -> LuaResult<Label> {
        let goto = self.gotos[index];
        if goto.n_active < label.n_active {
            return Err(self.enters_scope(&goto));
        }
        self.gotos.remove(index);
        Ok(goto)
    }

    #[cold]
    #[inline(never)]
    fn enters_scope(&mut self, goto: &Label) -> Thrown {
        let variable = self.local_name(&self.fs, goto.n_active);
        // SAFETY: C1: the names of a prototype's variables are live.
        let variable = Name(unsafe { GcRef::from_ptr(variable) });
        let (name, line) = (Name(goto.name), goto.line);
        self.semantic_error(format_args!("<goto {name}> at line {line} jumps into the scope of local '{variable}'"))
    }

    /// Closes a goto with a label of the current block that lies behind. Returns false if there is none.
    #[doc(alias = "findlabel")]
    fn find_label(&mut self, index: usize) -> LuaResult<bool> {
        let name = self.gotos[index].name;
        let first = self.block().first_label;
        let Some(&label) = self.labels[first..].iter().find(|label| label.name == name) else {
            return Ok(false);
        };
        let goto = self.take_goto(index, &label)?;
        if goto.closes || goto.n_active > label.n_active {
            // Its variables may be captured later in the block, so that they must be closed in any case.
            let over = self.emit_jump()?;
            if over > 0 {
                self.set_line(over, self.line_of(over - 1));
            }
            self.patch_here(goto.pc);
            self.emit_close(label.n_active)?;
            self.fix_line(goto.line);
            self.emit_jump_to(label.pc)?;
            self.fix_line(goto.line);
            self.patch_here(over);
        } else {
            self.patch(goto.pc, label.pc);
        }
        Ok(true)
    }

    /// Closes the gotos of the current block that wait for a new label.
    #[doc(alias = "findgotos")]
    pub(super) fn find_gotos(&mut self, label: &Label) -> LuaResult<()> {
        let mut index = self.block().first_goto;
        let mut closes = false;
        while index < self.gotos.len() {
            if self.gotos[index].name == label.name {
                let goto = self.take_goto(index, label)?;
                closes |= goto.closes;
                self.patch(goto.pc, label.pc);
            } else {
                index += 1;
            }
        }
        if closes {
            self.emit_close(label.n_active)?;
            self.fs.behind_close = self.fs.pc;
        }
        Ok(())
    }

    /// Closes the breaks of a loop that ends.
    #[doc(alias = "breaklabel")]
    pub(super) fn break_label(&mut self, n_active: u8) -> LuaResult<()> {
        let label = Label { name: self.break_name, pc: self.fs.pc, line: 0, n_active, closes: false };
        self.find_gotos(&label)
    }

    /// Hands the pending gotos of a block that was left to the block around it.
    #[doc(alias = "movegotosout")]
    pub(super) fn move_gotos_out(&mut self, block: Block) -> LuaResult<()> {
        let mut index = block.first_goto;
        while index < self.gotos.len() {
            let goto = &mut self.gotos[index];
            if goto.n_active > block.n_active {
                goto.closes |= block.has_upvalue;
                goto.n_active = block.n_active;
            }
            if !self.find_label(index)? {
                index += 1;
            }
        }
        Ok(())
    }

    /// The error of a goto whose label there is not.
    #[doc(alias = "undefgoto")]
    #[cold]
    #[inline(never)]
    pub(super) fn undefined_goto(&mut self, goto: Label) -> Thrown {
        let (name, line) = (Name(goto.name), goto.line);
        if goto.name == self.break_name {
            self.semantic_error(format_args!("<{name}> at line {line} not inside a loop"))
        } else {
            self.semantic_error(format_args!("no visible label '{name}' for <goto> at line {line}"))
        }
    }
}
