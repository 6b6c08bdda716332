//! What the compiler keeps: of the chunk, of each function that is being compiled, and of each open block.
//!
//! C1. The prototypes of the functions being compiled are reachable: the main one is anchored (N1), each other is in
//!     its parent's list. Until a function is complete only the compiler looks at its prototype.
//! C2. A prototype's length fields are the sizes of its blocks at all times, and all elements are initialised; what is in
//!     use is counted in its [`FuncState`]. So the collector may visit or free the prototype at any moment.
//! C3. Every collectable value is stored in a prototype with a barrier.

use core::fmt;

use perilune_core::{GcRef, LuaString, Proto};

use super::expdesc::ExpDesc;
use super::lexer::{Lexer, Near};
use super::vector::Vector;
use crate::error::{LuaResult, Thrown};

/// The largest number of local variables of a function.
#[doc(alias = "MAXVARS")]
pub(super) const MAX_LOCALS: usize = 200;

/// The end of a list of jumps. It is no position, and as a distance it would make a jump go to itself.
pub(super) const NO_JUMP: i32 = -1;

/// A block that is open.
#[doc(alias = "BlockCnt")]
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The number of labels before the block.
    pub(super) first_label: usize,
    /// The number of pending gotos before the block.
    pub(super) first_goto: usize,
    /// The number of active local variables outside the block.
    pub(super) n_active: u8,
    /// Whether an inner function uses a variable of the block.
    pub(super) has_upvalue: bool,
    /// Whether it is a loop.
    pub(super) is_loop: bool,
}

/// A label, or a goto that waits for its label.
#[doc(alias = "Labeldesc")]
#[derive(Clone, Copy)]
pub(super) struct Label {
    /// The name; `break` for a break.
    pub(super) name: GcRef<LuaString>,
    /// The position in the code. For a goto: its list of jumps.
    pub(super) pc: i32,
    /// The line where it stands.
    pub(super) line: i32,
    /// The number of active variables there, of those that the current block knows.
    pub(super) n_active: u8,
    /// Goto: whether it leaves a block with a variable that an inner function uses.
    pub(super) closes: bool,
}

/// A function that is being compiled.
#[derive(Clone, Copy)]
pub(super) struct FuncState {
    /// The prototype that it becomes (C1).
    pub(super) proto: GcRef<Proto>,
    /// The position of the next instruction.
    pub(super) pc: i32,
    /// The last position that is a jump's target: what is before it must not be merged with what comes.
    pub(super) last_target: i32,
    /// The position behind the last close that stands at a label, or 0: such a close takes the line of what follows it, since
    /// the reference closes in its jumps and a line hook must not see more lines.
    pub(super) behind_close: i32,
    /// The jumps that go to `pc`.
    #[doc(alias = "jpc")]
    pub(super) pending: i32,
    /// Whether a jump goes farther than the reference allows.
    pub(super) jump_too_long: bool,
    /// The number of constants.
    pub(super) n_constants: u32,
    /// The number of inner functions.
    pub(super) n_protos: u32,
    /// The number of local variables, for debugging.
    pub(super) n_locals: u32,
    /// Where its active variables begin.
    pub(super) first_active: usize,
    /// Where its blocks begin.
    pub(super) first_block: usize,
    /// The number of active local variables, which is the number of registers that they take.
    pub(super) n_active: u8,
    /// The number of upvalues.
    pub(super) n_upvalues: u8,
    /// The first free register.
    pub(super) free_reg: u8,
    /// Whether an inner function uses one of its variables, so that returning has to close upvalues.
    pub(super) needs_close: bool,
}

impl FuncState {
    /// A function of which nothing is compiled yet.
    pub(super) fn new(proto: GcRef<Proto>) -> Self {
        Self {
            proto,
            pc: 0,
            last_target: 0,
            behind_close: 0,
            pending: NO_JUMP,
            jump_too_long: false,
            n_constants: 0,
            n_protos: 0,
            n_locals: 0,
            first_active: 0,
            first_block: 0,
            n_active: 0,
            n_upvalues: 0,
            free_reg: 0,
            needs_close: false,
        }
    }
}

/// The compiler of one chunk.
pub(super) struct Compiler<'a, 'b> {
    pub(super) lex: Lexer<'a, 'b>,
    /// The function that is being compiled.
    pub(super) fs: FuncState,
    /// The functions around it, the main one first.
    pub(super) outer: Vector<FuncState>,
    /// The open blocks of all functions.
    pub(super) blocks: Vector<Block>,
    /// The active variables of all functions, as indices of their prototypes' lists.
    #[doc(alias = "actvar")]
    pub(super) active: Vector<u16>,
    /// The gotos that wait for their labels.
    pub(super) gotos: Vector<Label>,
    /// The visible labels.
    pub(super) labels: Vector<Label>,
    /// The left sides of the assignments that are being compiled.
    pub(super) targets: Vector<ExpDesc>,
    /// The name `_ENV`.
    pub(super) env_name: GcRef<LuaString>,
    /// The name `break`.
    pub(super) break_name: GcRef<LuaString>,
}

impl<'a, 'b> Compiler<'a, 'b> {
    /// A compiler whose main function is to become `proto`. The two names are set before the first use.
    pub(super) fn new(lex: Lexer<'a, 'b>, proto: GcRef<Proto>) -> Self {
        let name = lex.source;
        Self {
            lex,
            fs: FuncState::new(proto),
            outer: Vector::new(),
            blocks: Vector::new(),
            active: Vector::new(),
            gotos: Vector::new(),
            labels: Vector::new(),
            targets: Vector::new(),
            env_name: name,
            break_name: name,
        }
    }

    /// Gives all memory back.
    fn free(&mut self) {
        let lua = &mut *self.lex.lua;
        self.outer.free(lua);
        self.blocks.free(lua);
        self.active.free(lua);
        self.gotos.free(lua);
        self.labels.free(lua);
        self.targets.free(lua);
        self.lex.free();
    }

    /// The number of functions around the current one.
    pub(super) fn level(&self) -> usize {
        self.outer.len()
    }

    /// The function at a level of nesting, 0 being the main one.
    pub(super) fn function(&mut self, level: usize) -> &mut FuncState {
        if level < self.outer.len() { &mut self.outer[level] } else { &mut self.fs }
    }

    /// The same, to look at.
    pub(super) fn function_at(&self, level: usize) -> &FuncState {
        if level < self.outer.len() { &self.outer[level] } else { &self.fs }
    }

    /// The innermost block.
    pub(super) fn block(&self) -> Block {
        // There is one whenever a function is open.
        self.blocks[self.blocks.len() - 1]
    }
}

impl Drop for Compiler<'_, '_> {
    /// The memory goes back on every way out (W2), also if a reader or a finalizer panics.
    fn drop(&mut self) {
        self.free();
    }
}

/// Errors.
impl Compiler<'_, '_> {
    /// A syntax error at the current token.
    #[cold]
    #[inline(never)]
    pub(super) fn error(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        self.lex.syntax_error(message)
    }

    /// An error that no token is to blame for.
    #[doc(alias = "semerror")]
    #[cold]
    #[inline(never)]
    pub(super) fn semantic_error(&mut self, message: fmt::Arguments<'_>) -> Thrown {
        self.lex.error(message, Near::Nothing)
    }

    /// Too much of something in the function at a level.
    #[doc(alias = "errorlimit")]
    #[cold]
    #[inline(never)]
    fn limit_error(&mut self, level: usize, limit: usize, what: &str) -> Thrown {
        match self.function(level).proto.line_defined.get() {
            0 => self.error(format_args!("too many {what} (limit is {limit}) in main function")),
            line => self.error(format_args!("too many {what} (limit is {limit}) in function at line {line}")),
        }
    }

    /// Raises an error if `n` is above the limit for the function at a level.
    #[doc(alias = "checklimit")]
    pub(super) fn check_limit_at(&mut self, level: usize, n: usize, limit: usize, what: &str) -> LuaResult<()> {
        if n > limit { Err(self.limit_error(level, limit, what)) } else { Ok(()) }
    }

    /// Raises an error if `n` is above the limit for the current function.
    pub(super) fn check_limit(&mut self, n: usize, limit: usize, what: &str) -> LuaResult<()> {
        if n > limit { Err(self.limit_error(self.level(), limit, what)) } else { Ok(()) }
    }
}
