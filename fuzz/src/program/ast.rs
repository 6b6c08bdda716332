//! The syntax of generated programs.
//!
//! Every tree is a valid program: what Lua's grammar or its rules of scopes would not allow in a place, the [printer](super::print) writes
//! in another way. So trees can be made and cut without looking at what is around them.

/// A variable: an index into the names that there are, modulo their number. A name that is not declared where it is used is a global.
pub type Name = u8;

/// A binary operator, by strength; `..` excepted, which is [`Expr::Concat`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "they are Lua's operators")]
pub enum BinaryOp {
    Or,
    And,
    Lt,
    Gt,
    Le,
    Ge,
    Ne,
    Eq,
    BitOr,
    BitXor,
    BitAnd,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    IDiv,
    Mod,
    Pow,
}

impl BinaryOp {
    /// All operators, and how each is written.
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::Or, "or"),
        (Self::And, "and"),
        (Self::Lt, "<"),
        (Self::Gt, ">"),
        (Self::Le, "<="),
        (Self::Ge, ">="),
        (Self::Ne, "~="),
        (Self::Eq, "=="),
        (Self::BitOr, "|"),
        (Self::BitXor, "~"),
        (Self::BitAnd, "&"),
        (Self::Shl, "<<"),
        (Self::Shr, ">>"),
        (Self::Add, "+"),
        (Self::Sub, "-"),
        (Self::Mul, "*"),
        (Self::Div, "/"),
        (Self::IDiv, "//"),
        (Self::Mod, "%"),
        (Self::Pow, "^"),
    ];

    /// How it is written.
    pub const fn text(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A unary operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "they are Lua's operators")]
pub enum UnaryOp {
    Neg,
    Not,
    Len,
    BitNot,
}

impl UnaryOp {
    /// How it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Not => "not ",
            Self::Len => "#",
            Self::BitNot => "~",
        }
    }
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string, of any bytes.
    String(Vec<u8>),
    /// `...`; in a function without them, `nil`.
    Vararg,
    /// A variable.
    Variable(Name),
    /// A variable that no local hides.
    Global(Name),
    /// `a[b]`, or `a.b`.
    Index(Box<Expr>, Box<Expr>),
    /// A call.
    Call(Box<Expr>, Vec<Expr>),
    /// A call of a method, by the index of its name.
    Method(Box<Expr>, u8, Vec<Expr>),
    /// A function.
    Function(Box<Function>),
    /// A constructor of a sequence; elements that turn out as nil are false.
    List(Vec<Expr>),
    /// A constructor of a record; integer keys above 0 become another key.
    Record(Vec<(Expr, Expr)>),
    /// A binary operation.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// A chain of `..`; of what is long the end is kept.
    Concat(Vec<Expr>),
    /// A unary operation.
    Unary(UnaryOp, Box<Expr>),
    /// An expression in parentheses, that is its first value.
    Paren(Box<Expr>),
    /// A call of a library function: the index of a [template](super::library::TEMPLATES), and arguments.
    Library(u8, Vec<Expr>),
    /// As many values as there are expressions, by way of a table that may have holes.
    Unpack(Vec<Expr>),
    /// A value with one of the metatables that every program has.
    Meta(Box<Expr>, u8),
    /// A sequence of so many different constants, which begin with this one.
    Constants(u16, i64),
}

/// A function.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// Its fixed parameters.
    pub params: Vec<Name>,
    /// Whether it takes more arguments.
    pub vararg: bool,
    /// What it does, if the program may make any more steps.
    pub body: Block,
}

/// Statements in a scope of their own.
pub type Block = Vec<Stat>;

/// What is assigned to.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// A variable.
    Variable(Name),
    /// A variable that no local hides.
    Global(Name),
    /// A field; integer keys above 0 become another key.
    Index(Expr, Expr),
}

/// What an [exchange](Stat::Exchange) assigns to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The table's field of the key.
    Element,
    /// A field with a name.
    Field,
    /// A field with a constant as its key.
    Constant,
    /// The variable that holds the key.
    Key,
    /// The variable that holds the table.
    Table,
}

/// Whose the variables of an [exchange](Stat::Exchange) are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The function's that assigns.
    Inner,
    /// The table is the enclosing function's.
    OuterTable,
    /// The key is.
    OuterKey,
    /// Both are.
    Outer,
}

/// What a generic `for` goes over.
#[derive(Clone, PartialEq, Debug)]
pub enum Iteration {
    /// `ipairs`
    Ipairs(Expr),
    /// All fields, ordered by keys.
    Pairs(Expr),
    /// The matches of a pattern in a string.
    Gmatch(Expr),
    /// Whatever these expressions give.
    Explicit(Vec<Expr>),
}

/// A statement. Loops end after so many turns, if they do not end sooner.
#[derive(Clone, PartialEq, Debug)]
pub enum Stat {
    /// `local a, b = ...`
    Local(Vec<Name>, Vec<Expr>),
    /// `local function a() end`
    LocalFunction(Name, Function),
    /// `function a.b.c() end`, or with a method's name at the end: a variable, indices of names, which the fields have, and whether it is a method.
    Function(Name, Vec<u8>, bool, Function),
    /// `a, b.c = ...`
    Assign(Vec<Target>, Vec<Expr>),
    /// An assignment to variables and to fields of tables that depend on these variables: table and key, what is assigned to, whose the
    /// variables are, and the values.
    Exchange([Expr; 2], Vec<Place>, Owner, Vec<Expr>),
    /// An element of a sequence, or the one behind its end, gets a value: the sequence, what says which, the value.
    SetElement(Expr, Expr, Expr),
    /// An expression whose value is not used.
    Expr(Expr),
    /// `do end`
    Do(Block),
    /// A block with globals of its own, in which the others are to be found as well.
    Env(Block),
    /// `while`
    While(Expr, Block, u8),
    /// `repeat`
    Repeat(Block, Expr, u8),
    /// `if`, `elseif` as often as there are more, `else`.
    If(Vec<(Expr, Block)>, Option<Block>),
    /// A numeric `for`: variable, first, last, step.
    Numeric(Name, [Expr; 2], Option<Expr>, Block, u8),
    /// A generic `for`.
    Generic(Vec<Name>, Iteration, Block, u8),
    /// `return`
    Return(Vec<Expr>),
    /// `break`; outside loops nothing.
    Break,
    /// A `goto` to the end of the loop's block; outside loops nothing.
    Continue,
    /// A block with a label at its beginning and one at its end.
    Labelled(Block),
    /// A `goto` to the beginning of an enclosing labelled block, counted from the innermost; without one nothing.
    Again(u8),
    /// A `goto` to its end.
    Leave(u8),
    /// Prints values and all that is in them.
    Show(Vec<Expr>),
    /// Does something under `pcall` and prints what came of it.
    Protect(Block),
    /// Raises an error with a value and a level.
    Error(Expr, u8),
    /// Something of the collector's.
    Collect(u8),
    /// Stores into a weak table that is not looked at.
    Weak(Expr, Expr),
    /// So many more locals, unless there are too many.
    Many(u8),
}

/// How a program is begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// As it is: an error ends the script.
    Plain,
    /// Under `pcall`.
    Protected,
    /// In a coroutine that is resumed until it ends.
    Coroutine,
}

/// A program.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Its statements, which are a vararg function's.
    pub body: Block,
    /// How it is begun.
    pub start: Start,
    /// Whether values of all types have metamethods, so that few operations fail.
    pub forgiving: bool,
}
