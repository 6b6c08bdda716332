//! Making trees of bytes. Operands mostly have kinds that their operators like, as far as that can be seen; where the bytes end, everything
//! comes to its end.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::ast::{
    BinaryOp, Block, Expr, Function, Iteration, Name, Owner, Place, Program, Start, Stat, Target, UnaryOp,
};
use super::library::{Kind, TEMPLATES};
use super::print::{METHODS, NAMES};
use crate::random::Random;

/// How deep statements may be nested.
const DEPTH: usize = 5;
/// How deep expressions may be nested, those in functions within them included.
const NESTING: usize = 7;

const STRINGS: &[&str] = &[
    "",
    "x",
    "y",
    "10",
    "0x10",
    " 5 ",
    "1e1",
    "hello world",
    "a longer string, which is not interned because of its length",
    "nan",
    "\0\n",
    "é",
];

const INTEGERS: &[i64] = &[
    0,
    1,
    2,
    3,
    -1,
    -2,
    7,
    10,
    63,
    64,
    127,
    128,
    255,
    256,
    1 << 31,
    (1 << 53) + 1,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    i64::MIN + 2,
];

const FLOATS: &[f64] = &[
    0.5,
    0.0,
    -0.0,
    1.0,
    2.5,
    -3.0,
    1e15,
    1e100,
    9_007_199_254_740_992.0,
    9_223_372_036_854_775_808.0,
    5e-324,
    f64::INFINITY,
    0.1,
    -1e308,
];

/// Names of metamethods for metatables that a program makes itself.
const EVENTS: &[&str] = &[
    "__index",
    "__newindex",
    "__call",
    "__add",
    "__sub",
    "__mul",
    "__div",
    "__mod",
    "__pow",
    "__unm",
    "__idiv",
    "__band",
    "__bor",
    "__bxor",
    "__shl",
    "__shr",
    "__bnot",
    "__concat",
    "__len",
    "__eq",
    "__lt",
    "__le",
    "__metatable",
    "__tostring",
    "__pairs",
];

struct Generator<'a, 'b> {
    bytes: &'b mut Unstructured<'a>,
    random: Random,
    /// The variables in scope and what they are likely to hold.
    scope: Vec<(Name, Kind)>,
    depth: usize,
    nesting: usize,
    loops: usize,
    labels: usize,
}

impl Generator<'_, '_> {
    /// A number below `n`. When there are no bytes left it follows from the first ones: things come to their end, but not always to the same.
    fn below(&mut self, n: usize) -> usize {
        if self.bytes.is_empty() {
            return self.random.below(n);
        }
        self.bytes.int_in_range(0..=n.clamp(1, 1 << 16) as u32 - 1).unwrap_or(0) as usize
    }

    /// Any 64 bits.
    fn long(&mut self) -> u64 {
        if self.bytes.is_empty() { self.random.bits() } else { self.bytes.arbitrary().unwrap_or(0) }
    }

    /// True `k` times out of `n`.
    fn chance(&mut self, k: usize, n: usize) -> bool {
        self.below(n) >= n - k
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn name(&mut self) -> Name {
        self.below(NAMES.len()) as Name
    }

    fn kind(&mut self) -> Kind {
        self.pick(&[
            Kind::Number,
            Kind::String,
            Kind::Table,
            Kind::Number,
            Kind::Function,
            Kind::Boolean,
            Kind::Table,
            Kind::Any,
        ])
    }

    /// A variable that is likely to hold a kind.
    fn variable(&mut self, kind: Kind) -> Option<Name> {
        let mut found = [0; 16];
        let mut count = 0;
        for (at, &(name, its)) in self.scope.iter().enumerate().rev() {
            let hidden = self.scope[at + 1..].iter().any(|&(other, _)| other == name);
            if !hidden && (its == kind || kind == Kind::Any) && count < found.len() {
                found[count] = name;
                count += 1;
            }
        }
        (count > 0).then(|| found[self.below(count)])
    }

    fn integer(&mut self) -> i64 {
        match self.below(4) {
            0 | 1 => self.below(12) as i64 - 2,
            2 => self.pick(INTEGERS),
            _ => self.long() as i64,
        }
    }

    fn float(&mut self) -> f64 {
        match self.below(4) {
            0 | 1 => self.pick(FLOATS),
            2 => self.below(100) as f64 / 8.0 - 3.0,
            _ => {
                let f = f64::from_bits(self.long());
                if f.is_nan() { 1.5 } else { f }
            }
        }
    }

    fn string(&mut self) -> Expr {
        Expr::String(match self.below(3) {
            0 => self.pick(&METHODS).into(),
            _ => self.pick(STRINGS).into(),
        })
    }

    /// An expression without others in it.
    fn atom(&mut self, kind: Kind) -> Expr {
        if self.below(4) < 3
            && let Some(name) = self.variable(kind)
        {
            return Expr::Variable(name);
        }
        match kind {
            Kind::Number if self.chance(1, 3) => Expr::Float(self.float()),
            Kind::Number => Expr::Integer(self.integer()),
            Kind::String => self.string(),
            Kind::Boolean => Expr::Boolean(self.chance(1, 2)),
            Kind::Table => Expr::List(Vec::new()),
            Kind::Function => Expr::Function(Box::new(Function {
                params: vec![0],
                vararg: false,
                body: vec![Stat::Return(vec![Expr::Variable(0)])],
            })),
            Kind::Any => match self.below(8) {
                0 => Expr::Nil,
                1 | 2 => Expr::Vararg,
                3 => Expr::Global(self.name()),
                4 => Expr::Variable(self.name()),
                _ => {
                    let kind = self.pick(&[Kind::Number, Kind::String, Kind::Boolean, Kind::Number]);
                    self.atom(kind)
                }
            },
        }
    }

    fn exprs(&mut self, most: usize, kind: Kind) -> Vec<Expr> {
        let count = self.below(most + 1);
        (0..count).map(|_| self.expr(kind)).collect()
    }

    /// An expression that is likely to give a kind.
    fn expr(&mut self, kind: Kind) -> Expr {
        if self.nesting >= NESTING || self.bytes.is_empty() {
            return self.atom(kind);
        }
        // Now and then something that does not fit.
        let kind = if self.chance(1, 40) { self.kind() } else { kind };
        self.nesting += 1;
        let expr = match self.below(24) {
            // Deeper down there is more of what is short.
            n if n < 6 + 2 * self.nesting => self.atom(kind),
            23 => self.access(),
            22 => self.call(),
            18..=21 => self.library(kind),
            _ => match kind {
                Kind::Number => self.number(),
                Kind::String => match self.below(3) {
                    0 => self.library(kind),
                    _ => self.concat(),
                },
                Kind::Boolean => self.boolean(),
                Kind::Table => self.table(),
                Kind::Function => Expr::Function(Box::new(self.function())),
                Kind::Any => {
                    let kind = self.kind();
                    self.expr(kind)
                }
            },
        };
        self.nesting -= 1;
        expr
    }

    fn boxed(&mut self, kind: Kind) -> Box<Expr> {
        Box::new(self.expr(kind))
    }

    fn number(&mut self) -> Expr {
        match self.below(8) {
            0 => Expr::Unary(UnaryOp::Neg, self.boxed(Kind::Number)),
            1 => Expr::Unary(UnaryOp::BitNot, self.boxed(Kind::Number)),
            2 => {
                let kind = self.pick(&[Kind::Table, Kind::String]);
                Expr::Unary(UnaryOp::Len, self.boxed(kind))
            }
            3 => self.choice(Kind::Number),
            _ => {
                const ARITHMETIC: &[BinaryOp] = &[
                    BinaryOp::Add,
                    BinaryOp::Sub,
                    BinaryOp::Mul,
                    BinaryOp::Add,
                    BinaryOp::Sub,
                    BinaryOp::Div,
                    BinaryOp::IDiv,
                    BinaryOp::Mod,
                    BinaryOp::Pow,
                    BinaryOp::BitAnd,
                    BinaryOp::BitOr,
                    BinaryOp::BitXor,
                    BinaryOp::Shl,
                    BinaryOp::Shr,
                ];
                let op = self.pick(ARITHMETIC);
                Expr::Binary(op, self.boxed(Kind::Number), self.boxed(Kind::Number))
            }
        }
    }

    /// `and` and `or`.
    fn choice(&mut self, kind: Kind) -> Expr {
        let first = self.boxed(Kind::Boolean);
        match self.below(3) {
            0 => Expr::Binary(BinaryOp::Or, first, self.boxed(kind)),
            1 => Expr::Binary(BinaryOp::And, first, self.boxed(kind)),
            _ => {
                let both = Expr::Binary(BinaryOp::And, first, self.boxed(kind));
                Expr::Binary(BinaryOp::Or, Box::new(both), self.boxed(kind))
            }
        }
    }

    fn boolean(&mut self) -> Expr {
        match self.below(8) {
            0 => Expr::Unary(UnaryOp::Not, self.boxed(Kind::Any)),
            1 => self.choice(Kind::Boolean),
            2 | 3 => {
                let op = self.pick(&[BinaryOp::Eq, BinaryOp::Ne]);
                Expr::Binary(op, self.boxed(Kind::Any), self.boxed(Kind::Any))
            }
            _ => {
                let op = self.pick(&[BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge, BinaryOp::Eq]);
                let kind = self.pick(&[Kind::Number, Kind::Number, Kind::Number, Kind::String]);
                Expr::Binary(op, self.boxed(kind), self.boxed(kind))
            }
        }
    }

    fn concat(&mut self) -> Expr {
        let count = 2 + self.below(3);
        Expr::Concat(
            (0..count)
                .map(|_| {
                    let kind = self.pick(&[Kind::String, Kind::Number]);
                    self.expr(kind)
                })
                .collect(),
        )
    }

    fn table(&mut self) -> Expr {
        let table = match self.below(8) {
            0..=2 => Expr::List(self.exprs(4, Kind::Any)),
            3..=5 => {
                let count = self.below(4);
                let fields = (0..count).map(|_| {
                    let key = if self.chance(1, 4) { self.expr(Kind::Any) } else { self.string() };
                    (key, self.expr(Kind::Any))
                });
                Expr::Record(fields.collect())
            }
            6 => {
                let kind = self.pick(&[Kind::Number, Kind::String]);
                Expr::List(self.exprs(6, kind))
            }
            _ => Expr::Constants(if self.chance(1, 3) { 300 } else { 20 }, self.integer()),
        };
        match self.below(5) {
            0 => Expr::Meta(Box::new(table), self.below(5) as u8),
            1 if self.chance(1, 2) => {
                let count = 1 + self.below(3);
                let events = (0..count).map(|_| {
                    let event = Expr::String(self.pick(EVENTS).into());
                    let kind = self.pick(&[Kind::Function, Kind::Function, Kind::Function, Kind::Table]);
                    (event, self.expr(kind))
                });
                let events = Expr::Record(events.collect());
                let set = TEMPLATES.iter().position(|template| template.text.starts_with("setmetatable"));
                Expr::Library(set.unwrap_or(0) as u8, vec![table, events])
            }
            _ => table,
        }
    }

    /// A field or an element.
    fn access(&mut self) -> Expr {
        let table = self.boxed(Kind::Table);
        let key = match self.below(4) {
            0 | 1 => self.string(),
            2 => Expr::Integer(1 + self.below(3) as i64),
            _ => self.expr(Kind::Any),
        };
        Expr::Index(table, Box::new(key))
    }

    fn call(&mut self) -> Expr {
        match self.below(4) {
            0 => {
                let kind = self.pick(&[Kind::String, Kind::Table]);
                let object = self.boxed(kind);
                let first = if kind == Kind::String { 3 } else { 0 };
                let name = (first + self.below(METHODS.len() - first)) as u8;
                Expr::Method(object, name, self.exprs(2, Kind::Number))
            }
            1 => {
                let function = self.boxed(Kind::Function);
                Expr::Paren(Box::new(Expr::Call(function, self.exprs(3, Kind::Any))))
            }
            _ => {
                let function = self.boxed(Kind::Function);
                Expr::Call(function, self.exprs(3, Kind::Any))
            }
        }
    }

    fn library(&mut self, kind: Kind) -> Expr {
        if self.chance(1, 16) {
            return Expr::Unpack(self.exprs(4, Kind::Any));
        }
        // One that gives the kind, looked for from a random place on.
        let start = self.below(TEMPLATES.len());
        let order = (start..TEMPLATES.len()).chain(0..start);
        let fits =
            |at: &usize| kind == Kind::Any || TEMPLATES[*at].result == kind || TEMPLATES[*at].result == Kind::Any;
        let at = order.into_iter().find(fits).unwrap_or(start);
        let template = &TEMPLATES[at];
        let mut arguments: Vec<Expr> = template.arguments.iter().map(|&kind| self.expr(kind)).collect();
        if template.multiple {
            arguments.extend(self.exprs(3, Kind::Any));
        }
        Expr::Library(at as u8, arguments)
    }

    fn function(&mut self) -> Function {
        let count = self.below(4);
        let params: Vec<Name> = (0..count).map(|_| self.name()).collect();
        let vararg = self.chance(1, 3);
        let (loops, labels) = (std::mem::take(&mut self.loops), std::mem::take(&mut self.labels));
        let before = self.scope.len();
        for &name in &params {
            let kind = self.pick(&[Kind::Any, Kind::Number, Kind::Table]);
            self.scope.push((name, kind));
        }
        let mut body = self.block(3);
        let returned = match self.below(3) {
            0 => vec![self.call()],
            _ => self.exprs(2, Kind::Any),
        };
        body.push(Stat::Return(returned));
        self.scope.truncate(before);
        (self.loops, self.labels) = (loops, labels);
        Function { params, vararg, body }
    }

    fn block(&mut self, most: usize) -> Block {
        let before = self.scope.len();
        let count = 1 + self.below(most);
        let mut block = Vec::new();
        while block.len() < count && (block.is_empty() || !self.bytes.is_empty()) {
            block.push(self.stat());
        }
        self.scope.truncate(before);
        block
    }

    fn nested(&mut self, most: usize) -> Block {
        self.depth += 1;
        let block = self.block(most);
        self.depth -= 1;
        block
    }

    fn looped(&mut self) -> Block {
        self.loops += 1;
        let block = self.nested(4);
        self.loops -= 1;
        block
    }

    fn local(&mut self) -> Stat {
        let count = if self.chance(1, 4) { 2 + self.below(3) } else { 1 };
        let kinds: Vec<Kind> = (0..count).map(|_| self.kind()).collect();
        let mut values: Vec<Expr> = kinds.iter().map(|&kind| self.expr(kind)).collect();
        if self.chance(1, 8) {
            values.pop();
        }
        let names: Vec<Name> = (0..count).map(|_| self.name()).collect();
        self.scope.extend(names.iter().copied().zip(kinds));
        Stat::Local(names, values)
    }

    fn target(&mut self, kind: Kind) -> Target {
        match self.below(6) {
            0 => Target::Global(self.name()),
            1 | 2 => {
                let key = match self.below(6) {
                    0 | 1 => self.expr(Kind::Any),
                    2 => Expr::Integer(-(self.below(3) as i64)),
                    _ => self.string(),
                };
                Target::Index(self.expr(Kind::Table), key)
            }
            _ => Target::Variable(self.variable(kind).unwrap_or(0)),
        }
    }

    fn assign(&mut self) -> Stat {
        let count = if self.chance(1, 3) { 2 + self.below(3) } else { 1 };
        let kinds: Vec<Kind> = (0..count).map(|_| self.kind()).collect();
        let targets = kinds.iter().map(|&kind| self.target(kind)).collect();
        let mut values: Vec<Expr> = kinds.iter().map(|&kind| self.expr(kind)).collect();
        match self.below(8) {
            6 => values.push(self.call()),
            7 => {
                values.pop();
            }
            _ => {}
        }
        Stat::Assign(targets, values)
    }

    fn exchange(&mut self) -> Stat {
        let operands = [self.expr(Kind::Table), self.expr(Kind::Any)];
        // An element, and what it depends on, with others before, between and behind.
        let others = [Place::Element, Place::Key, Place::Table, Place::Field, Place::Constant];
        let mut places = vec![Place::Element, self.pick(&[Place::Key, Place::Table])];
        for _ in 0..self.below(3) {
            let at = self.below(places.len() + 1);
            places.insert(at, self.pick(&others));
        }
        let owner = self.pick(&[Owner::Inner, Owner::OuterTable, Owner::OuterKey, Owner::Outer]);
        let values = places.iter().map(|place| match place {
            Place::Table => self.expr(Kind::Table),
            Place::Key => self.expr(Kind::String),
            _ => self.expr(Kind::Any),
        });
        let values = values.collect();
        Stat::Exchange(operands, places, owner, values)
    }

    fn numeric(&mut self) -> Stat {
        let name = self.name();
        let (limits, step) = match self.below(7) {
            0..=2 => {
                let (first, last) = (self.below(5) as i64, self.below(6) as i64);
                let step = self.chance(1, 3).then(|| Expr::Integer([1, -1, 2, -2][self.below(4)]));
                ([Expr::Integer(first), Expr::Integer(last)], step)
            }
            3 => {
                let first = Expr::Float(self.pick(&[0.5, 1.0, 3.0, -0.1]));
                let last = self.expr(Kind::Number);
                ([first, last], Some(Expr::Float(self.pick(&[0.5, -0.25, 0.1, 1.0, 1e308]))))
            }
            4 | 5 => {
                // At the ends of the range, where counting overflows, and with limits beyond them.
                let ends: [i64; 8] =
                    [i64::MAX, i64::MAX, i64::MAX - 2, i64::MIN, i64::MIN, i64::MIN + 1, i64::MIN + 3, -1];
                let steps: [i64; 8] = [1, -1, 2, 3, -3, i64::MAX, i64::MIN, 1 << 62];
                let far = [f64::INFINITY, -f64::INFINITY, 9.3e18, -9.3e18, f64::NAN, -0.5];
                let first = Expr::Integer(self.pick(&ends));
                let last = match self.below(2) {
                    0 => Expr::Float(self.pick(&far)),
                    _ => Expr::Integer(self.pick(&ends)),
                };
                ([first, last], Some(Expr::Integer(self.pick(&steps))))
            }
            _ => {
                let limits = [self.expr(Kind::Number), self.expr(Kind::Number)];
                (limits, self.chance(1, 2).then(|| self.expr(Kind::Number)))
            }
        };
        let before = self.scope.len();
        self.scope.push((name, Kind::Number));
        let block = self.looped();
        self.scope.truncate(before);
        Stat::Numeric(name, limits, step, block, 1 + self.below(6) as u8)
    }

    fn generic(&mut self) -> Stat {
        let count = 1 + self.below(3);
        let names: Vec<Name> = (0..count).map(|_| self.name()).collect();
        let iteration = match self.below(6) {
            0 | 1 => Iteration::Ipairs(self.expr(Kind::Table)),
            2 | 3 => Iteration::Pairs(self.expr(Kind::Table)),
            4 => Iteration::Gmatch(self.expr(Kind::String)),
            _ => {
                let first = self.expr(Kind::Function);
                let mut rest = self.exprs(2, Kind::Any);
                rest.insert(0, first);
                Iteration::Explicit(rest)
            }
        };
        let before = self.scope.len();
        self.scope.extend(names.iter().map(|&name| (name, Kind::Any)));
        let block = self.looped();
        self.scope.truncate(before);
        Stat::Generic(names, iteration, block, 1 + self.below(6) as u8)
    }

    /// A statement with little in it.
    fn short(&mut self) -> Stat {
        let kind = self.kind();
        match self.below(9) {
            0 => Stat::Show(vec![self.atom(Kind::Any), self.atom(kind)]),
            8 => self.exchange(),
            1 => Stat::SetElement(self.atom(Kind::Table), self.atom(Kind::Number), self.atom(Kind::Any)),
            2 => Stat::Expr(Expr::Call(Box::new(self.atom(Kind::Function)), vec![self.atom(Kind::Any)])),
            3 if self.loops > 0 => Stat::Continue,
            4 if self.loops > 0 => Stat::Break,
            5 => Stat::Local(vec![self.name()], vec![self.atom(kind)]),
            _ => {
                let sum = Expr::Binary(
                    self.pick(&[BinaryOp::Add, BinaryOp::Sub]),
                    Box::new(self.atom(Kind::Number)),
                    Box::new(self.atom(Kind::Number)),
                );
                Stat::Assign(vec![Target::Variable(self.variable(Kind::Number).unwrap_or(1))], vec![sum])
            }
        }
    }

    fn stat(&mut self) -> Stat {
        if self.bytes.is_empty() {
            return self.short();
        }
        if self.depth < DEPTH && self.chance(2, 5) {
            return self.compound();
        }
        match self.below(32) {
            0 => {
                let mut values = self.exprs(2, Kind::Any);
                values.push(self.expr(Kind::Any));
                Stat::Show(values)
            }
            1..=7 => self.local(),
            8..=13 => self.assign(),
            14 | 15 => self.exchange(),
            16 | 17 => Stat::Expr(self.call()),
            18 | 19 => Stat::Expr(self.library(Kind::Any)),
            20..=22 => Stat::SetElement(self.expr(Kind::Table), self.expr(Kind::Number), self.expr(Kind::Any)),
            23 => Stat::Collect(self.below(6) as u8),
            24 => Stat::Weak(self.expr(Kind::Any), self.expr(Kind::Any)),
            25 if self.loops > 0 => Stat::Break,
            26 if self.loops > 0 => Stat::Continue,
            27 | 25 if self.labels > 0 => Stat::Again(self.below(3) as u8),
            28 | 26 if self.labels > 0 => Stat::Leave(self.below(3) as u8),
            29 if self.depth > 1 && self.chance(1, 3) => Stat::Error(self.expr(Kind::Any), self.below(3) as u8),
            30 if self.depth > 1 => Stat::Return(self.exprs(3, Kind::Any)),
            31 if self.chance(1, 3) => Stat::Many(self.below(150) as u8),
            _ => self.local(),
        }
    }

    fn compound(&mut self) -> Stat {
        match self.below(18) {
            0 => Stat::Do(self.nested(3)),
            15 => Stat::Env(self.nested(4)),
            16 => {
                // A table that is likely to be there gets a function, or a variable does.
                let name = self.variable(Kind::Table).unwrap_or(0);
                let fields: Vec<u8> = (0..self.below(5) / 2).map(|_| self.below(3) as u8).collect();
                let is_method = self.chance(1, 2);
                self.depth += 1;
                let function = self.function();
                self.depth -= 1;
                Stat::Function(name, fields, is_method, function)
            }
            1 => {
                let condition = self.expr(Kind::Boolean);
                Stat::While(condition, self.looped(), 1 + self.below(5) as u8)
            }
            2 | 3 => {
                self.loops += 1;
                self.depth += 1;
                let before = self.scope.len();
                let count = 1 + self.below(3);
                let block = (0..count).map(|_| self.stat()).collect();
                // The condition sees the block's variables.
                let condition = self.expr(Kind::Boolean);
                self.scope.truncate(before);
                self.depth -= 1;
                self.loops -= 1;
                Stat::Repeat(block, condition, 1 + self.below(5) as u8)
            }
            4..=6 => {
                let count = 1 + self.below(2);
                let arms = (0..count).map(|_| (self.expr(Kind::Boolean), self.nested(3))).collect();
                let rest = self.chance(1, 2).then(|| self.nested(3));
                Stat::If(arms, rest)
            }
            7 | 8 => self.numeric(),
            9 | 10 => self.generic(),
            11 => {
                self.labels += 1;
                let block = self.nested(4);
                self.labels -= 1;
                Stat::Labelled(block)
            }
            12..=14 => {
                let name = self.name();
                self.scope.push((name, Kind::Function));
                self.depth += 1;
                let function = self.function();
                self.depth -= 1;
                Stat::LocalFunction(name, function)
            }
            _ => {
                let (loops, labels) = (std::mem::take(&mut self.loops), std::mem::take(&mut self.labels));
                let block = self.nested(4);
                (self.loops, self.labels) = (loops, labels);
                Stat::Protect(block)
            }
        }
    }
}

/// A statement of a program's outermost block, of bytes of its own, so that none takes all.
fn outermost(bytes: &[u8], scope: Vec<(Name, Kind)>, forgiving: bool, stats: &mut Block) -> Vec<(Name, Kind)> {
    let random = Random::new(bytes.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte)));
    let mut generator =
        Generator { bytes: &mut Unstructured::new(bytes), random, scope, depth: 0, nesting: 0, loops: 0, labels: 0 };
    let mut stat = generator.stat();
    // What fails is to end little else.
    if !forgiving && generator.chance(2, 3) {
        stat = match stat {
            Stat::LocalFunction(..) => stat,
            Stat::Local(names, values) => {
                let targets = names.iter().map(|&name| Target::Variable(name)).collect();
                stats.push(Stat::Local(names, Vec::new()));
                Stat::Protect(vec![Stat::Assign(targets, values)])
            }
            stat => Stat::Protect(vec![stat]),
        };
    }
    stats.push(stat);
    generator.scope
}

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let start = *bytes.choose(&[Start::Protected, Start::Plain, Start::Coroutine]).unwrap_or(&Start::Plain);
        let forgiving = bytes.ratio(1, 2).unwrap_or(false);
        let mut scope = Vec::new();
        let mut body = Vec::new();
        while !bytes.is_empty() && body.len() < 150 {
            let size = bytes.int_in_range(16..=160).unwrap_or(6).min(bytes.len());
            scope = outermost(bytes.bytes(size)?, scope, forgiving, &mut body);
        }
        Ok(Self { body, start, forgiving })
    }
}
