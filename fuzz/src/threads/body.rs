//! What coroutines do: small Lua functions as trees, which the model executes and `source` writes as text.
//!
//! A function has three variables of its own and sees those of the functions around it. All its ops are in one sequence; what
//! calls, loops or branches does it by calling other functions, so that the model needs no more than frames with a position.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use super::value::{Native, Val};

/// One of a function's three variables, or of those of a function around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Var {
    /// How many functions further out; 0 is the function itself.
    pub up: u8,
    /// Which of the three.
    pub index: u8,
}

/// An operand.
#[derive(Clone, PartialEq)]
pub enum Expr {
    /// A constant; no object.
    Const(Val),
    /// A variable.
    Var(Var),
}

/// The arguments of a call.
#[derive(Clone, PartialEq, Default)]
pub struct Args {
    /// The first ones.
    pub list: Vec<Expr>,
    /// Whether `...` follows.
    pub rest: bool,
}

/// What is called.
#[derive(Clone, PartialEq)]
pub enum Callee {
    /// A new closure.
    Literal(Rc<Func>),
    /// The variable's value if that is a function, and `pass` otherwise.
    Var(Var),
    /// The variable's value, whatever it is.
    Raw(Var),
    /// A native.
    Native(Native),
}

/// How something is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// `f(...)`
    Plain,
    /// `pcall(f, ...)`
    Pcall,
    /// `xpcall(f, handler, ...)`; the handler gives the type of the error's value.
    Xpcall,
    /// At the bottom of that many calls of a Lua function.
    Deep(u8),
    /// Twice, in a numeric loop, with the loop's number first.
    Loop,
    /// As the iterator of a generic loop, three times at most.
    ForIn,
    /// By a metamethod.
    Meta(Meta),
    /// `table.unpack` of a table whose `__index` it is.
    Unpack,
    /// `string.gsub("pq", ".", f)`
    Gsub,
    /// As the order of a sort of two elements.
    SortTwo,
    /// As the order of a sort of three elements.
    SortThree,
    /// By a native that takes function and arguments.
    By(Native),
    /// In a coroutine by `coroutine.wrap(f)(...)`.
    Wrap,
    /// In a coroutine that is resumed once.
    Resume(Resumer),
}

impl How {
    /// How many of its arguments, besides `...`, a call's text has.
    pub const fn operands(self) -> usize {
        match self {
            Self::Unpack | Self::Gsub | Self::SortTwo | Self::SortThree => 0,
            Self::ForIn | Self::Meta(Meta::NewIndex) => 2,
            Self::Meta(meta) => match meta {
                Meta::Index | Meta::Add | Meta::Concat | Meta::ConcatTwice | Meta::Lt | Meta::Le => 1,
                Meta::Call => usize::MAX,
                _ => 0,
            },
            _ => usize::MAX,
        }
    }

    /// Whether errors of what is called end there.
    pub const fn takes_errors(self) -> bool {
        match self {
            Self::Pcall | Self::Xpcall | Self::Resume(_) => true,
            Self::By(native) => {
                matches!(native, Native::PcallK | Native::PcallThen | Native::HostPcall | Native::KeepError)
            }
            _ => false,
        }
    }

    /// Whether `return` in front of it makes it a tail call.
    pub const fn can_be_tail(self) -> bool {
        match self {
            Self::ForIn | Self::SortTwo | Self::SortThree => false,
            Self::Meta(meta) => matches!(meta, Meta::Call | Meta::ToString | Meta::Pairs),
            _ => true,
        }
    }
}

/// The ways to resume a coroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resumer {
    /// `coroutine.resume`
    Lua,
    /// The native that nests on the Rust stack.
    Nested,
    /// The native that does not.
    Then,
}

/// The metamethods, and what calls them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meta {
    /// `m[x]`
    Index,
    /// `m[x] = y`
    NewIndex,
    /// `m + x`
    Add,
    /// `m .. x`
    Concat,
    /// `m .. m .. x`, which calls it twice
    ConcatTwice,
    /// `m == t`
    Eq,
    /// `m < x`
    Lt,
    /// `m <= x` by `__le`
    Le,
    /// `m <= t` by `__lt`
    LeByLt,
    /// `-m`
    Unm,
    /// `#m`
    Len,
    /// `m(...)`
    Call,
    /// `tostring(m)`
    ToString,
    /// `pairs(m)`
    Pairs,
}

impl Meta {
    /// The field of the metatable.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Index => "__index",
            Self::NewIndex => "__newindex",
            Self::Add => "__add",
            Self::Concat | Self::ConcatTwice => "__concat",
            Self::Eq => "__eq",
            Self::Lt | Self::LeByLt => "__lt",
            Self::Le => "__le",
            Self::Unm => "__unm",
            Self::Len => "__len",
            Self::Call => "__call",
            Self::ToString => "__tostring",
            Self::Pairs => "__pairs",
        }
    }
}

/// Where the results of a call go.
#[derive(Clone, PartialEq)]
pub enum Dest {
    /// Into variables; those that are missing become nil.
    Vars(Vec<Var>),
    /// All of them into a new table.
    Pack(Var),
    /// All of them are returned; a tail call where that is one.
    Return,
}

/// A new object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A table.
    Table,
    /// A userdata with a native finalizer.
    Userdata,
    /// A userdata whose finalizer is a Lua function that runs a coroutine.
    Scripted,
}

/// A runtime error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An index of nil.
    Index,
    /// A call of nil.
    Call,
    /// Arithmetic on a table.
    Arith,
    /// A comparison of two tables.
    Compare,
}

/// Recursion without end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// Of a Lua function.
    Lua,
    /// Of a metamethod.
    Index,
    /// Of a native that uses `call`.
    HostCall,
    /// Of a native that uses `call_k`.
    CallK,
    /// Of a native that uses `call_then`.
    CallThen,
    /// Of coroutines within coroutines.
    Wrap,
    /// Of coroutines that a native resumes on the Rust stack.
    NestedResume,
    /// Of a replacement function.
    Gsub,
}

/// What the collector is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gc {
    /// A full collection.
    Full,
    /// A step of that many KiB.
    Step(u16),
    /// Stop.
    Stop,
    /// Go on.
    Restart,
    /// Set the pause.
    Pause(u16),
    /// Set the step multiplier.
    StepMul(u16),
}

/// One thing that a function does.
#[derive(Clone, PartialEq)]
pub enum Op {
    /// A call of the native `tick`, where a [`Plan`](super::step::Plan) may want something.
    Tick,
    /// Sets a variable.
    Assign(Var, Expr),
    /// Sets a variable to a new closure.
    Closure(Var, Rc<Func>),
    /// Returns.
    Return(Args),
    /// `error(value)`, or with position 0.
    Raise(Expr, bool),
    /// Makes a mistake.
    Fault(Fault),
    /// Calls something.
    Call {
        /// How.
        how: How,
        /// What.
        callee: Callee,
        /// With which arguments.
        args: Args,
        /// Where the results go.
        dest: Dest,
    },
    /// Resumes the coroutine in a variable, or the running one if that holds none.
    Resume {
        /// How.
        how: Resumer,
        /// The variable.
        thread: Var,
        /// With which arguments.
        args: Args,
        /// Where the results go.
        dest: Dest,
    },
    /// Sets a variable to a new coroutine.
    Create(Var, Callee),
    /// Sets a variable to a wrapped new coroutine.
    Wrap(Var, Callee),
    /// Sets a variable to a new object.
    Make(Var, Kind),
    /// Lets the object in the first variable, if it can, refer to the second's value.
    Link(Var, Var),
    /// Sets the first variable to what the object in the second refers to.
    Fetch(Var, Var),
    /// Puts a variable's value into a place of the registry.
    Keep(u8, Var),
    /// Sets a variable to what is in a place of the registry.
    Recall(Var, u8),
    /// Sets the first variable to the status of the coroutine in the second, or the running one.
    Status(Var, Var),
    /// Sets a variable to the running coroutine.
    Running(Var),
    /// Tells the collector something.
    Collect(Gc),
    /// Runs into a stack overflow and sets a variable to whether that was noticed.
    Overflow(Var, Overflow),
}

/// A function.
#[derive(PartialEq)]
pub struct Func {
    /// How many functions are around it.
    pub depth: u8,
    /// Whether it takes a variable number of arguments; otherwise its parameters are its three variables.
    pub vararg: bool,
    /// What it does.
    pub ops: Vec<Op>,
    /// The line of each op, after that of the first tick; set when the text is written.
    pub lines: RefCell<Vec<u32>>,
    /// The outer variables that it or a function in it uses.
    pub captures: Vec<Var>,
}

impl Func {
    /// A function of these ops.
    pub fn new(depth: u8, vararg: bool, ops: Vec<Op>) -> Rc<Self> {
        let mut used = BTreeSet::new();
        ops.iter().for_each(|op| op.uses(&mut used));
        let captures = used.into_iter().filter(|var| var.up > 0).collect();
        Rc::new(Self { depth, vararg, ops, lines: RefCell::default(), captures })
    }

    /// The number of ops, those of inner functions included.
    pub fn size(&self) -> usize {
        self.ops.iter().map(|op| 1 + op.inner().map_or(0, |inner| inner.size())).sum()
    }

    /// The same function without the `n`-th op, counted with those of inner functions.
    pub fn without(&self, n: usize) -> Rc<Self> {
        let mut left = Some(n);
        let mut ops = Vec::new();
        for op in &self.ops {
            let inner_size = op.inner().map_or(0, |inner| inner.size());
            match left {
                Some(0) => left = None,
                Some(n) if n <= inner_size => {
                    ops.push(op.with_inner(op.inner().map(|inner| inner.without(n - 1))));
                    left = None;
                }
                _ => {
                    ops.push(op.clone());
                    left = left.map(|n| n - 1 - inner_size);
                }
            }
        }
        Self::new(self.depth, self.vararg, ops)
    }
}

impl Callee {
    fn inner(&self) -> Option<&Rc<Func>> {
        if let Self::Literal(func) = self { Some(func) } else { None }
    }

    fn uses(&self, used: &mut BTreeSet<Var>) {
        match self {
            Self::Var(var) | Self::Raw(var) => drop(used.insert(*var)),
            Self::Literal(func) => used.extend(func.captures.iter().map(|var| Var { up: var.up - 1, ..*var })),
            Self::Native(_) => {}
        }
    }
}

impl Dest {
    fn uses(&self, used: &mut BTreeSet<Var>) {
        match self {
            Self::Vars(vars) => used.extend(vars),
            Self::Pack(var) => drop(used.insert(*var)),
            Self::Return => {}
        }
    }
}

impl Op {
    /// The function that is written inside of it.
    pub fn inner(&self) -> Option<&Rc<Func>> {
        match self {
            Self::Closure(_, func) => Some(func),
            Self::Call { callee, .. } | Self::Create(_, callee) | Self::Wrap(_, callee) => callee.inner(),
            _ => None,
        }
    }

    /// The same with another function inside.
    fn with_inner(&self, inner: Option<Rc<Func>>) -> Self {
        let mut op = self.clone();
        if let Some(inner) = inner {
            match &mut op {
                Self::Closure(_, func) => *func = inner,
                Self::Call { callee, .. } | Self::Create(_, callee) | Self::Wrap(_, callee) => {
                    *callee = Callee::Literal(inner);
                }
                _ => {}
            }
        }
        op
    }

    /// Collects the variables that it uses.
    fn uses(&self, used: &mut BTreeSet<Var>) {
        let mut operands = |list: &[Expr]| {
            for expr in list {
                if let Expr::Var(var) = expr {
                    used.insert(*var);
                }
            }
        };
        match self {
            Self::Tick | Self::Fault(_) | Self::Collect(_) => {}
            Self::Return(args) => operands(&args.list),
            Self::Raise(expr, _) => operands(std::slice::from_ref(expr)),
            Self::Assign(var, expr) => {
                operands(std::slice::from_ref(expr));
                used.insert(*var);
            }
            Self::Closure(var, func) => {
                Callee::Literal(func.clone()).uses(used);
                used.insert(*var);
            }
            Self::Create(var, callee) | Self::Wrap(var, callee) => {
                callee.uses(used);
                used.insert(*var);
            }
            Self::Call { how, callee, args, dest } => {
                operands(&args.list[..how.operands().min(args.list.len())]);
                callee.uses(used);
                if *how != How::Meta(Meta::NewIndex) {
                    dest.uses(used);
                }
            }
            Self::Resume { thread, args, dest, .. } => {
                operands(&args.list);
                used.insert(*thread);
                dest.uses(used);
            }
            Self::Make(var, _)
            | Self::Keep(_, var)
            | Self::Recall(var, _)
            | Self::Running(var)
            | Self::Overflow(var, _) => drop(used.insert(*var)),
            Self::Link(a, b) | Self::Fetch(a, b) | Self::Status(a, b) => used.extend([*a, *b]),
        }
    }
}

impl fmt::Debug for Func {
    /// Its text; a chunk's alone can be written without what is around it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[\n{}]]", super::source::write(self))
    }
}
