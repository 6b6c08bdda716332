//! Small types of the host API: handles of strings and threads, and the numbers of operations.

use core::fmt;

use perilune_core::{GcRef, LuaString, Thread};

use crate::state::LuaState;

/// A handle of a string. It keeps nothing alive: the string must stay on a stack or otherwise reachable.
#[derive(Clone, Copy)]
pub struct LuaStr {
    string: GcRef<LuaString>,
    len: usize,
}

impl LuaStr {
    pub(crate) fn new(string: GcRef<LuaString>) -> Self {
        Self { string, len: string.len() }
    }

    /// The length in bytes.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The bytes.
    ///
    /// # Safety
    /// The string stays reachable for the collector (on a stack, say) while the slice is used.
    #[inline]
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise (O2), S3.
        unsafe { self.string.bytes() }
    }
}

impl fmt::Debug for LuaStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LuaStr({:?}, {} bytes)", self.string, self.len)
    }
}

/// A handle of a thread. It keeps nothing alive: the thread must stay on a stack or otherwise reachable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadRef(pub(crate) GcRef<Thread>);

impl ThreadRef {
    /// A handle of a thread.
    #[inline]
    pub(crate) fn from_object(thread: GcRef<Thread>) -> Self {
        Self(thread)
    }

    /// The thread as an object; whoever uses it knows that it is live.
    #[inline]
    pub(crate) fn object(self) -> GcRef<Thread> {
        self.0
    }

    /// The thread's memory, for comparing and for those who know that it is live.
    #[inline]
    pub(crate) fn as_ptr(self) -> *mut Thread {
        self.0.as_ptr()
    }

    /// The thread as a state to work with.
    ///
    /// # Safety
    /// The thread stays reachable for the collector (on a stack, say) while the reference is used (M1). If a native function of
    /// it waits for a call or for a coroutine, its frame is left alone: it may hold the bytes of strings there. As long as something
    /// is borrowed from one handle of the state (a slice, or a value in a userdata), no other one is used.
    #[inline]
    pub unsafe fn state<'a>(self) -> &'a mut LuaState {
        self.0.exposed.set(true);
        // SAFETY: the caller's promise.
        unsafe { self.woken_state() }
    }

    /// The same for one use, before the collector makes its next step (G11).
    ///
    /// # Safety
    /// As for [`state`](Self::state), and nothing else.
    #[inline]
    pub(crate) unsafe fn woken_state<'a>(self) -> &'a mut LuaState {
        // SAFETY: the caller's promise; M2.
        unsafe {
            (*self.0.heap.get()).wake_thread(self.0);
            LuaState::from_thread(self.0.as_ptr())
        }
    }
}

/// A comparison (`LUA_OPEQ` and its like).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareOp {
    /// `==`
    #[doc(alias = "LUA_OPEQ")]
    Eq,
    /// `<`
    #[doc(alias = "LUA_OPLT")]
    Lt,
    /// `<=`
    #[doc(alias = "LUA_OPLE")]
    Le,
}

/// An arithmetic or bitwise operation, in the order of `LUA_OPADD` and its like.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArithOp {
    /// `+`
    #[doc(alias = "LUA_OPADD")]
    Add,
    /// `-`
    #[doc(alias = "LUA_OPSUB")]
    Sub,
    /// `*`
    #[doc(alias = "LUA_OPMUL")]
    Mul,
    /// `%`
    #[doc(alias = "LUA_OPMOD")]
    Mod,
    /// `^`
    #[doc(alias = "LUA_OPPOW")]
    Pow,
    /// `/`
    #[doc(alias = "LUA_OPDIV")]
    Div,
    /// `//`
    #[doc(alias = "LUA_OPIDIV")]
    IDiv,
    /// `&`
    #[doc(alias = "LUA_OPBAND")]
    BAnd,
    /// `|`
    #[doc(alias = "LUA_OPBOR")]
    BOr,
    /// `~`
    #[doc(alias = "LUA_OPBXOR")]
    BXor,
    /// `<<`
    #[doc(alias = "LUA_OPSHL")]
    Shl,
    /// `>>`
    #[doc(alias = "LUA_OPSHR")]
    Shr,
    /// unary `-`
    #[doc(alias = "LUA_OPUNM")]
    Unm,
    /// unary `~`
    #[doc(alias = "LUA_OPBNOT")]
    BNot,
}

impl ArithOp {
    /// Whether it has one operand.
    pub const fn is_unary(self) -> bool {
        matches!(self, Self::Unm | Self::BNot)
    }
}

/// What kinds of chunks may be loaded (the `mode` of `lua_load`): the string that says so, in which `t` stands for source
/// text and `b` for precompiled chunks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadMode<'a>(&'a [u8]);

impl LoadMode<'static> {
    /// Both kinds.
    pub const ANY: Self = Self(b"bt");
    /// Source text alone.
    pub const TEXT: Self = Self(b"t");
    /// Precompiled chunks alone.
    pub const BINARY: Self = Self(b"b");
}

impl<'a> LoadMode<'a> {
    /// The mode that a string like `"bt"` names; other characters are kept for the message and otherwise ignored.
    pub const fn from_bytes(mode: &'a [u8]) -> Self {
        Self(mode)
    }

    /// The string that stands for the mode.
    pub const fn name(self) -> &'a [u8] {
        self.0
    }

    /// Whether source text is accepted.
    pub fn text(self) -> bool {
        self.0.contains(&b't')
    }

    /// Whether precompiled chunks are accepted.
    pub fn binary(self) -> bool {
        self.0.contains(&b'b')
    }
}

/// What a coroutine is doing (`coroutine.status`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoStatus {
    /// It runs.
    Running,
    /// It has not begun, or waits in a yield.
    Suspended,
    /// It has resumed another one.
    Normal,
    /// It has ended, or died of an error.
    Dead,
}

impl CoStatus {
    /// The name that `coroutine.status` gives.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Normal => "normal",
            Self::Dead => "dead",
        }
    }
}
