//! Descriptions of expressions whose code is delayed.
//!
//! Code for a variable or expression is made as late as possible, when it is known where the value is wanted. A
//! description tells where the value is or will be, and which jumps, made by `and`, `or` and comparisons, leave it.

use super::state::NO_JUMP;

/// Where an expression's value is.
#[doc(alias = "expkind")]
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    /// There is no expression (an empty list).
    Void,
    Nil,
    True,
    False,
    /// The constant with this index, a string.
    Const(u32),
    Float(f64),
    Integer(i64),
    /// A fixed register.
    #[doc(alias = "VNONRELOC")]
    Register(u8),
    /// A local variable's register.
    Local(u8),
    /// An upvalue.
    Upvalue(u8),
    /// `R[table][R[key]]`
    Index {
        table: u8,
        key: u8,
    },
    /// `R[table][K[key]]`, the key a short string.
    IndexField {
        table: u8,
        key: u16,
    },
    /// `R[table][key]`, the key a small integer.
    IndexInt {
        table: u8,
        key: u16,
    },
    /// `U[upvalue][K[key]]`, the key a short string.
    IndexUp {
        upvalue: u8,
        key: u16,
    },
    /// `U[upvalue][R[key]]`; like the reference, the upvalue is read only when the element is.
    IndexUpReg {
        upvalue: u8,
        key: u8,
    },
    /// `U[upvalue][key]`, the key a small integer.
    IndexUpInt {
        upvalue: u8,
        key: u16,
    },
    /// A test: the position of its jump, which is taken if the condition holds.
    Jump(i32),
    /// The instruction at this position, which may write its result to any register: its A is open.
    #[doc(alias = "VRELOCABLE")]
    Pending(i32),
    /// The call at this position.
    Call(i32),
    /// The vararg expression at this position.
    VarArg(i32),
}

/// An expression.
#[doc(alias = "expdesc")]
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpDesc {
    pub(super) kind: Kind,
    /// The jumps that leave it when it is true.
    pub(super) if_true: i32,
    /// The jumps that leave it when it is false.
    pub(super) if_false: i32,
}

impl ExpDesc {
    /// An expression without jumps.
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, if_true: NO_JUMP, if_false: NO_JUMP }
    }

    /// No expression.
    pub(super) const VOID: Self = Self::new(Kind::Void);

    /// Whether jumps leave it.
    pub(super) fn has_jumps(&self) -> bool {
        self.if_true != self.if_false
    }

    /// Whether it is a call or `...`, which may have any number of values.
    #[doc(alias = "hasmultret")]
    pub(super) fn is_multiple(&self) -> bool {
        matches!(self.kind, Kind::Call(_) | Kind::VarArg(_))
    }

    /// Whether it can be assigned to.
    #[doc(alias = "vkisvar")]
    pub(super) fn is_variable(&self) -> bool {
        matches!(self.kind, Kind::Local(_) | Kind::Upvalue(_)) || self.is_indexed()
    }

    /// Whether it is an element of a table.
    pub(super) fn is_indexed(&self) -> bool {
        use Kind::{Index, IndexField, IndexInt, IndexUp, IndexUpInt, IndexUpReg};
        matches!(
            self.kind,
            Index { .. } | IndexField { .. } | IndexInt { .. } | IndexUp { .. } | IndexUpReg { .. } | IndexUpInt { .. }
        )
    }

    /// Whether it is a number known now.
    #[doc(alias = "tonumeral")]
    pub(super) fn is_numeral(&self) -> bool {
        matches!(self.kind, Kind::Integer(_) | Kind::Float(_)) && !self.has_jumps()
    }

    /// Whether it is a value known now.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.kind, Kind::Nil | Kind::True | Kind::False | Kind::Const(_) | Kind::Integer(_) | Kind::Float(_))
            && !self.has_jumps()
    }

    /// The number as an immediate operand, and whether it is a float, if it is a numeral of integral value that fits.
    pub(super) fn immediate(&self) -> Option<(i32, bool)> {
        match self.kind {
            _ if self.has_jumps() => None,
            Kind::Integer(i) => Some((i32::try_from(i).ok()?, false)),
            Kind::Float(n) => Some((small_float(n)?, true)),
            _ => None,
        }
    }
}

/// The integer of 32 bits with exactly the float's value, sign of zero included.
pub(super) fn small_float(n: f64) -> Option<i32> {
    // The cast saturates, so that what does not fit does not compare equal.
    let i = n as i32;
    ((i as f64).to_bits() == n.to_bits()).then_some(i)
}

/// The binary operators.
#[doc(alias = "BinOpr")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BinOp {
    Add,
    Sub,
    Mul,
    Mod,
    Pow,
    Div,
    IDiv,
    BAnd,
    BOr,
    BXor,
    Shl,
    Shr,
    Concat,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

impl BinOp {
    /// How strongly it binds to its left and to its right operand (manual §3.4.8).
    pub(super) const fn priority(self) -> (u8, u8) {
        match self {
            Self::Or => (1, 1),
            Self::And => (2, 2),
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => (3, 3),
            Self::BOr => (4, 4),
            Self::BXor => (5, 5),
            Self::BAnd => (6, 6),
            Self::Shl | Self::Shr => (7, 7),
            Self::Concat => (9, 8),
            Self::Add | Self::Sub => (10, 10),
            Self::Mul | Self::Mod | Self::Div | Self::IDiv => (11, 11),
            Self::Pow => (14, 13),
        }
    }
}

/// How strongly unary operators bind.
pub(super) const UNARY_PRIORITY: u8 = 12;

/// The unary operators.
#[doc(alias = "UnOpr")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UnOp {
    Minus,
    BNot,
    Not,
    Len,
}
