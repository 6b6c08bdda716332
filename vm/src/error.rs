//! Errors as values: `Err(Thrown)` plays `longjmp`'s part and carries yields and stackless calls too.
//!
//! The error *value* lies on top of the Lua stack of the thread that raised it; raising allocates nothing.

use core::fmt;

use perilune_core::OutOfMemory;

/// Why control leaves a function early.
///
/// It fills a word, so that a `LuaResult<usize>` comes back in two registers; an error of one byte would send it through
/// memory, at a quarter of the cost of a call.
#[doc(alias = "luaD_throw")]
#[repr(usize)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thrown {
    /// The running coroutine yields.
    Yield = 1,
    /// An error with its value on the stack.
    Runtime = 2,
    /// A syntax error, its message on the stack.
    Syntax = 3,
    /// Memory ran out; nothing is on the stack, the message was made beforehand.
    Memory = 4,
    /// An error in a finalizer, its message on the stack.
    Finalizer = 5,
    /// An error in a message handler.
    ErrorInHandler = 6,
    /// A native function asks for a call and to be continued after it (`LuaState::call_then`).
    Call = 7,
    /// A native function asks for a coroutine to be resumed and to be continued after it (`LuaState::resume_then`).
    Resume = 8,
}

/// The result of everything that can raise an error.
pub type LuaResult<T> = Result<T, Thrown>;

impl From<OutOfMemory> for Thrown {
    fn from(_: OutOfMemory) -> Self {
        Thrown::Memory
    }
}

/// How a call or a thread ended (manual §4.8, `LUA_OK` and its like).
#[must_use = "where it is an error, its value lies on the stack"]
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// No error.
    #[doc(alias = "LUA_OK")]
    Ok = 0,
    /// The coroutine is suspended in a yield.
    #[doc(alias = "LUA_YIELD")]
    Yield = 1,
    /// A runtime error.
    #[doc(alias = "LUA_ERRRUN")]
    ErrRun = 2,
    /// A syntax error.
    #[doc(alias = "LUA_ERRSYNTAX")]
    ErrSyntax = 3,
    /// Not enough memory.
    #[doc(alias = "LUA_ERRMEM")]
    ErrMem = 4,
    /// An error in a finalizer.
    #[doc(alias = "LUA_ERRGCMM")]
    ErrGcmm = 5,
    /// An error in the message handler.
    #[doc(alias = "LUA_ERRERR")]
    ErrErr = 6,
    /// A file could not be opened or read; what loads files says so (manual §5.1, `luaL_loadfilex`), never a call.
    #[doc(alias = "LUA_ERRFILE")]
    ErrFile = 7,
}

/// In words, for a host that reports or wraps what ended its call. The words of the error itself are its value, on the stack.
impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yield => "attempt to yield from outside a coroutine",
            Self::Call | Self::Resume => "a call was asked for where nobody makes it",
            error => error.status().words(),
        })
    }
}

impl core::error::Error for Thrown {}

/// In words.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl core::error::Error for Status {}

impl Status {
    const fn words(self) -> &'static str {
        match self {
            Self::Ok => "no error",
            Self::Yield => "suspended",
            Self::ErrRun => "runtime error",
            Self::ErrSyntax => "syntax error",
            Self::ErrMem => "not enough memory",
            Self::ErrGcmm => "error in a finalizer",
            Self::ErrErr => "error in error handling",
            Self::ErrFile => "cannot open or read file",
        }
    }

    /// The status of a number.
    pub const fn from_u8(n: u8) -> Self {
        match n {
            0 => Self::Ok,
            1 => Self::Yield,
            3 => Self::ErrSyntax,
            4 => Self::ErrMem,
            5 => Self::ErrGcmm,
            6 => Self::ErrErr,
            7 => Self::ErrFile,
            _ => Self::ErrRun,
        }
    }

    /// Whether it is an error (neither OK nor yield).
    pub const fn is_error(self) -> bool {
        self as u8 > 1
    }
}

impl Thrown {
    /// The code of a number that came from a `Thrown`.
    pub const fn from_u8(n: u8) -> Self {
        match n {
            1 => Self::Yield,
            3 => Self::Syntax,
            4 => Self::Memory,
            5 => Self::Finalizer,
            6 => Self::ErrorInHandler,
            7 => Self::Call,
            8 => Self::Resume,
            _ => Self::Runtime,
        }
    }

    /// The status in which an error ends a call.
    pub const fn status(self) -> Status {
        match self {
            Self::Call | Self::Resume => Status::ErrRun,
            _ => Status::from_u8(self as u8),
        }
    }
}
