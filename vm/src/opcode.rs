//! The opcode table: each instruction once, everything else derived from it.
//!
//! A word is `op8 | x8 | A16 | B16 | C16` or `op8 | x8 | A16 | imm32` ([`Instruction`]). A row names the instruction, its
//! word format, and what A, B (or the immediate), C and x mean. The enum, the disassembler, the verifier and the
//! dispatch tables come from the rows.
//!
//! Conventions: `R[n]` register, `K[n]` constant, `U[n]` upvalue, `P[n]` inner prototype. A register or constant operand
//! is stored multiplied by 16. Instructions that test something are followed by a `Jmp`, which
//! is taken or skipped; there are two of each kind, one that takes it when the condition holds, and one (`Not`) when it does not. Jump distances count words from the instruction after the jump.

use perilune_core::code::Instruction;

/// The format of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Three 16-bit operands.
    Abc,
    /// Operand A and a 32-bit immediate in B's place.
    Ai,
}

/// What an operand means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Not used; 0.
    None,
    /// A register that is written (times 16).
    Dst,
    /// A register that is read (times 16).
    Reg,
    /// The first of a row of registers whose extent another operand gives (times 16).
    Regs,
    /// A constant (times 16).
    Const,
    /// A constant that is a short string (times 16).
    Field,
    /// An upvalue's index.
    Upval,
    /// An unsigned number.
    Count,
    /// A signed number.
    Int,
    /// A signed jump distance in words.
    Jump,
    /// An inner prototype's index.
    Proto,
    /// A slot hint, patched by the interpreter; any value is right.
    Hint,
    /// Flag bits.
    Flags,
}

/// What a row says of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The name in capitals, as listings print it.
    pub name: &'static str,
    /// The format.
    pub format: Format,
    /// What A is.
    pub a: Operand,
    /// What B or the immediate is.
    pub b: Operand,
    /// What C is.
    pub c: Operand,
    /// What x is.
    pub x: Operand,
}

/// Calls a macro with all rows: `Name FORMAT a b c x "effect"`.
#[macro_export]
macro_rules! for_each_opcode {
    ($callback:ident) => { $callback! {
        Move       Abc Dst  Reg   None  None  "R[A] := R[B]";
        LoadI      Ai  Dst  Int   None  None  "R[A] := integer imm";
        LoadF      Ai  Dst  Int   None  None  "R[A] := float imm";
        LoadK      Ai  Dst  Const None  None  "R[A] := K[imm]";
        LoadFalse  Abc Dst  None  None  None  "R[A] := false";
        LFalseSkip Abc Dst  None  None  None  "R[A] := false; skip the next instruction";
        LoadTrue   Abc Dst  None  None  None  "R[A] := true";
        LoadNil    Abc Regs Count None  None  "R[A], ..., R[A+B] := nil";
        GetUpval   Abc Dst  Upval None  None  "R[A] := U[B]";
        SetUpval   Abc Reg  Upval None  None  "U[B] := R[A]";
        GetTabUp   Abc Dst  Upval Field Hint  "R[A] := U[B][K[C]]";
        GetTable   Abc Dst  Reg   Reg   None  "R[A] := R[B][R[C]]";
        GetI       Abc Dst  Reg   Count None  "R[A] := R[B][C]";
        GetField   Abc Dst  Reg   Field Hint  "R[A] := R[B][K[C]]";
        SetTabUp   Abc Upval Field Reg  Hint  "U[A][K[B]] := R[C]";
        SetTabUpK  Abc Upval Field Const Hint "U[A][K[B]] := K[C]";
        SetTable   Abc Reg  Reg   Reg   None  "R[A][R[B]] := R[C]";
        SetTableK  Abc Reg  Reg   Const None  "R[A][R[B]] := K[C]";
        SetI       Abc Reg  Count Reg   None  "R[A][B] := R[C]";
        SetIK      Abc Reg  Count Const None  "R[A][B] := K[C]";
        SetField   Abc Reg  Field Reg   Hint  "R[A][K[B]] := R[C]";
        SetFieldK  Abc Reg  Field Const Hint  "R[A][K[B]] := K[C]";
        NewTable   Abc Dst  Count Count Count "R[A] := {}; hash size 0 if B = 0 else 2^(B-1), array size C + x * 65536";
        SelfField  Abc Dst  Reg   Field Hint  "R[A+1] := R[B]; R[A] := R[B][K[C]]";
        Add        Abc Dst  Reg   Reg   None  "R[A] := R[B] + R[C]";
        Sub        Abc Dst  Reg   Reg   None  "R[A] := R[B] - R[C]";
        Mul        Abc Dst  Reg   Reg   None  "R[A] := R[B] * R[C]";
        Mod        Abc Dst  Reg   Reg   None  "R[A] := R[B] % R[C]";
        Pow        Abc Dst  Reg   Reg   None  "R[A] := R[B] ^ R[C]";
        Div        Abc Dst  Reg   Reg   None  "R[A] := R[B] / R[C]";
        IDiv       Abc Dst  Reg   Reg   None  "R[A] := R[B] // R[C]";
        BAnd       Abc Dst  Reg   Reg   None  "R[A] := R[B] & R[C]";
        BOr        Abc Dst  Reg   Reg   None  "R[A] := R[B] | R[C]";
        BXor       Abc Dst  Reg   Reg   None  "R[A] := R[B] ~ R[C]";
        Shl        Abc Dst  Reg   Reg   None  "R[A] := R[B] << R[C]";
        Shr        Abc Dst  Reg   Reg   None  "R[A] := R[B] >> R[C]";
        AddK       Abc Dst  Reg   Const Flags "R[A] := R[B] + K[C], an integer; x bit 0: K + R (for metamethods)";
        SubK       Abc Dst  Reg   Const None  "R[A] := R[B] - K[C], an integer";
        MulK       Abc Dst  Reg   Const Flags "R[A] := R[B] * K[C], an integer; x bit 0: K * R (for metamethods)";
        ModK       Abc Dst  Reg   Const None  "R[A] := R[B] % K[C]";
        PowK       Abc Dst  Reg   Const None  "R[A] := R[B] ^ K[C]";
        DivK       Abc Dst  Reg   Const None  "R[A] := R[B] / K[C], an integer";
        IDivK      Abc Dst  Reg   Const None  "R[A] := R[B] // K[C]";
        BAndK      Abc Dst  Reg   Const Flags "R[A] := R[B] & K[C], an integer; x bit 0: K & R";
        BOrK       Abc Dst  Reg   Const Flags "R[A] := R[B] | K[C], an integer; x bit 0: K | R";
        BXorK      Abc Dst  Reg   Const Flags "R[A] := R[B] ~ K[C], an integer; x bit 0: K ~ R";
        ShlK       Abc Dst  Reg   Const None  "R[A] := R[B] << K[C]";
        ShrK       Abc Dst  Reg   Const None  "R[A] := R[B] >> K[C]";
        KSub       Abc Dst  Reg   Const None  "R[A] := K[C] - R[B], K[C] an integer";
        KDiv       Abc Dst  Reg   Const None  "R[A] := K[C] / R[B], K[C] an integer";
        AddKF      Abc Dst  Reg   Const Flags "R[A] := R[B] + K[C], a float; x bit 0: K + R";
        SubKF      Abc Dst  Reg   Const None  "R[A] := R[B] - K[C], a float";
        MulKF      Abc Dst  Reg   Const Flags "R[A] := R[B] * K[C], a float; x bit 0: K * R";
        DivKF      Abc Dst  Reg   Const None  "R[A] := R[B] / K[C], a float";
        KFSub      Abc Dst  Reg   Const None  "R[A] := K[C] - R[B], K[C] a float";
        KFDiv      Abc Dst  Reg   Const None  "R[A] := K[C] / R[B], K[C] a float";
        AddI       Abc Dst  Reg   Int   Flags "R[A] := R[B] + C; x bit 0: C + R; x bit 1: it was R - (-C)";
        MulI       Abc Dst  Reg   Int   Flags "R[A] := R[B] * C; x bit 0: C * R";
        ModI       Abc Dst  Reg   Int   None  "R[A] := R[B] % C, C > 0";
        IDivI      Abc Dst  Reg   Int   None  "R[A] := R[B] // C, C > 0";
        BAndI      Abc Dst  Reg   Int   Flags "R[A] := R[B] & C; x bit 0: C & R";
        ShlI       Abc Dst  Reg   Int   None  "R[A] := R[B] << C, 0 <= C < 64";
        ShrI       Abc Dst  Reg   Int   None  "R[A] := R[B] >> C, 0 <= C < 64";
        Unm        Abc Dst  Reg   None  None  "R[A] := -R[B]";
        BNot       Abc Dst  Reg   None  None  "R[A] := ~R[B]";
        Not        Abc Dst  Reg   None  None  "R[A] := not R[B]";
        Len        Abc Dst  Reg   None  None  "R[A] := #R[B]";
        Concat     Abc Dst  Regs  Count None  "R[A] := R[B] .. ... .. R[B+C-1]";
        Close      Abc Regs None  None  None  "close all upvalues >= R[A]";
        Jmp        Ai  None Jump  None  None  "pc += imm";
        Eq         Abc Reg  Reg   None  None  "if R[A] == R[B] then take the jump";
        NotEq      Abc Reg  Reg   None  None  "if not (R[A] == R[B]) then take the jump";
        Lt         Abc Reg  Reg   None  None  "if R[A] < R[B] then take the jump";
        NotLt      Abc Reg  Reg   None  None  "if not (R[A] < R[B]) then take the jump";
        Le         Abc Reg  Reg   None  None  "if R[A] <= R[B] then take the jump";
        NotLe      Abc Reg  Reg   None  None  "if not (R[A] <= R[B]) then take the jump";
        EqP        Ai  Reg  Int   None  None  "if R[A] is the value without payload that has the tag imm: nil, false or true then take the jump";
        NotEqP     Ai  Reg  Int   None  None  "if not (R[A] is the value without payload that has the tag imm: nil, false or true) then take the jump";
        EqS        Ai  Reg  Field None  None  "if R[A] == K[imm] then take the jump";
        NotEqS     Ai  Reg  Field None  None  "if not (R[A] == K[imm]) then take the jump";
        EqK        Ai  Reg  Const None  None  "if R[A] == K[imm] then take the jump";
        NotEqK     Ai  Reg  Const None  None  "if not (R[A] == K[imm]) then take the jump";
        EqI        Ai  Reg  Int   None  None  "if R[A] == imm then take the jump";
        NotEqI     Ai  Reg  Int   None  None  "if not (R[A] == imm) then take the jump";
        LtI        Ai  Reg  Int   None  Flags "if R[A] < imm then take the jump; x: the constant is a float";
        NotLtI     Ai  Reg  Int   None  Flags "if not (R[A] < imm) then take the jump; x: the constant is a float";
        LeI        Ai  Reg  Int   None  Flags "if R[A] <= imm then take the jump; x: the constant is a float";
        NotLeI     Ai  Reg  Int   None  Flags "if not (R[A] <= imm) then take the jump; x: the constant is a float";
        GtI        Ai  Reg  Int   None  Flags "if R[A] > imm then take the jump; x: the constant is a float";
        NotGtI     Ai  Reg  Int   None  Flags "if not (R[A] > imm) then take the jump; x: the constant is a float";
        GeI        Ai  Reg  Int   None  Flags "if R[A] >= imm then take the jump; x: the constant is a float";
        NotGeI     Ai  Reg  Int   None  Flags "if not (R[A] >= imm) then take the jump; x: the constant is a float";
        Test       Abc Reg  None  None  None  "if R[A] then take the jump";
        NotTest    Abc Reg  None  None  None  "if not R[A] then take the jump";
        TestSet    Abc Dst  Reg   None  None  "if R[B] then { R[A] := R[B]; take the jump }";
        NotTestSet Abc Dst  Reg   None  None  "if not R[B] then { R[A] := R[B]; take the jump }";
        Call       Abc Regs Count Count None  "R[A], ..., R[A+C-2] := R[A](R[A+1], ..., R[A+B-1]); B = 0: up to top; C = 0: all results, sets top";
        TailCall   Abc Regs Count None  Flags "return R[A](R[A+1], ..., R[A+B-1]); x bit 0: close upvalues first";
        Return     Abc Regs Count None  Flags "return R[A], ..., R[A+B-2]; B = 0: up to top; x bit 0: close upvalues first";
        Return0    Abc None None  None  None  "return, in a function without varargs or captured locals";
        Return1    Abc Reg  None  None  None  "return R[A], in a function without varargs or captured locals";
        ForPrep    Ai  Regs Jump  None  None  "prepare R[A], R[A+1], R[A+2]; R[A] -= R[A+2]; pc += imm (to the ForLoop)";
        ForLoop    Ai  Regs Jump  None  None  "R[A] += R[A+2]; if R[A] <?= R[A+1] then { R[A+3] := R[A]; pc += imm }";
        TForCall   Ai  Regs Hint  None  Count "R[A+3], ..., R[A+2+x] := R[A](R[A+1], R[A+2])";
        TForLoop   Ai  Regs Jump  None  None  "if R[A+1] ~= nil then { R[A] := R[A+1]; pc += imm }";
        SetList    Abc Regs Count Count Count "R[A][50*n + i] := R[A+i], 1 <= i <= B, n = C + x * 65536; B = 0: up to top";
        Closure    Ai  Dst  Proto None  None  "R[A] := closure of P[imm]";
        VarArg     Abc Regs Count None  None  "R[A], ..., R[A+B-2] := ...; B = 0: all, sets top";
    } };
}

macro_rules! define_opcodes {
    ($($name:ident $format:ident $a:ident $b:ident $c:ident $x:ident $effect:literal;)*) => {
        /// The operation codes.
        #[doc(alias = "OpCode")]
        #[repr(u8)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Op { $( #[doc = concat!("`", $effect, "`")] $name, )* }

        impl Op {
            /// All operation codes, in the order of their numbers.
            pub const ALL: &'static [Op] = &[$(Op::$name),*];
        }

        /// What the rows say, by operation code.
        pub static OP_INFO: &[OpInfo] = &[$(OpInfo {
            name: stringify!($name),
            format: Format::$format,
            a: Operand::$a,
            b: Operand::$b,
            c: Operand::$c,
            x: Operand::$x,
        }),*];
    };
}
for_each_opcode!(define_opcodes);

impl Op {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The operation code of a number, if there is one.
    pub const fn from_u8(n: u8) -> Option<Self> {
        if (n as usize) < Self::COUNT { Some(Self::ALL[n as usize]) } else { None }
    }

    /// Whether it stores into a table, so that its metamethod is `__newindex`, of which it wants no result.
    pub(crate) const fn stores_into_table(self) -> bool {
        matches!(
            self,
            Self::SetTabUp
                | Self::SetTabUpK
                | Self::SetTable
                | Self::SetTableK
                | Self::SetI
                | Self::SetIK
                | Self::SetField
                | Self::SetFieldK
        )
    }

    /// What the table says of it.
    pub fn info(self) -> &'static OpInfo {
        &OP_INFO[self as usize]
    }

    /// Whether it is a test that a `Jmp` must follow.
    pub const fn is_test(self) -> bool {
        Self::Eq as u8 <= self as u8 && self as u8 <= Self::NotTestSet as u8
    }

    /// Whether a test takes its jump if what it asks is so, or if it is not so.
    #[inline(always)]
    pub const fn jumps_if(self) -> bool {
        debug_assert!(self.is_test());
        (self as u8 ^ Self::Eq as u8) & 1 == 0
    }

    /// The test that asks the same and takes its jump if the other is so.
    #[must_use]
    pub const fn negated(self) -> Self {
        debug_assert!(self.is_test());
        Self::ALL[(Self::Eq as u8 + ((self as u8 - Self::Eq as u8) ^ 1)) as usize]
    }

    /// The test that asks the same and takes its jump if it is so.
    #[must_use]
    pub const fn affirmed(self) -> Self {
        if self.jumps_if() { self } else { self.negated() }
    }
}

// The two forms of each test are neighbours.
const _: () = {
    assert!(matches!(Op::Eq.negated(), Op::NotEq) && matches!(Op::NotEqK.negated(), Op::EqK));
    assert!(matches!(Op::TestSet.negated(), Op::NotTestSet) && matches!(Op::NotTest.negated(), Op::Test));
};

/// The factor between a register or constant index and the operand that names it.
pub const SCALE: u16 = 16;
/// How many items a constructor gathers before it stores them.
pub const FIELDS_PER_FLUSH: usize = 50;
/// The largest index of a constant that a 16-bit operand can name.
pub const MAX_CONST_OPERAND: usize = (u16::MAX / SCALE) as usize;

/// The operation of a word of verified code.
#[inline(always)]
pub fn op_of(word: Instruction) -> Op {
    Op::ALL[word.op() as usize]
}
