//! The instruction word and the frame header that stands before a function's code.
//!
//! A word has 64 bits: `op8 | x8 | A16 | B16 | C16`, or `op8 | x8 | A16 | imm32`. Operands that name a register or a
//! constant are byte offsets, that is, already multiplied by the size of a value (16).

/// One instruction.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction(pub u64);

impl Instruction {
    /// Makes a word with three 16-bit operands.
    pub const fn abc(op: u8, x: u8, a: u16, b: u16, c: u16) -> Self {
        Self(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// Makes a word with one 16-bit operand and a 32-bit immediate.
    pub const fn ai(op: u8, x: u8, a: u16, imm: i32) -> Self {
        Self(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (imm as u32 as u64) << 32)
    }

    /// The operation code.
    pub const fn op(self) -> u8 {
        self.0 as u8
    }

    /// The hint or flags byte.
    pub const fn x(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Operand A.
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Operand B.
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Operand C.
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The 32-bit immediate, which lies where B and C are.
    pub const fn imm(self) -> i32 {
        (self.0 >> 32) as u32 as i32
    }

    /// The same word with another operation code.
    #[must_use]
    pub const fn with_op(self, op: u8) -> Self {
        Self(self.0 & !0xff | op as u64)
    }

    /// The same word with another hint or flags byte.
    #[must_use]
    pub const fn with_x(self, x: u8) -> Self {
        Self(self.0 & !0xff00 | (x as u64) << 8)
    }

    /// The same word with another operand A.
    #[must_use]
    pub const fn with_a(self, a: u16) -> Self {
        Self(self.0 & !0xffff_0000 | (a as u64) << 16)
    }

    /// The same word with another operand B.
    #[must_use]
    pub const fn with_b(self, b: u16) -> Self {
        Self(self.0 & !0xffff_0000_0000 | (b as u64) << 32)
    }

    /// The same word with another operand C.
    #[must_use]
    pub const fn with_c(self, c: u16) -> Self {
        Self(self.0 & !0xffff_0000_0000_0000 | (c as u64) << 48)
    }

    /// The same word with another immediate.
    #[must_use]
    pub const fn with_imm(self, imm: i32) -> Self {
        Self(self.0 & 0xffff_ffff | (imm as u32 as u64) << 32)
    }
}

/// How many words stand before the first instruction: `[-3]` the prototype, `[-2]` its constants, `[-1]` the [`FrameWord`].
pub const CODE_PREFIX: usize = 3;

/// What a call must know of the function, kept in the word before its first instruction.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameWord {
    /// The number of fixed parameters.
    pub num_params: u8,
    /// Not zero for a vararg function.
    pub is_vararg: u8,
    /// The frame's size in bytes: registers times 16.
    pub frame_bytes: u16,
    /// A call whose operand B exceeds this needs no look at the arguments: the number of fixed parameters, or the largest
    /// number for a vararg function.
    pub enough: u32,
}

const _: () = assert!(size_of::<FrameWord>() == 8 && size_of::<Instruction>() == 8);
