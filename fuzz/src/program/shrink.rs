//! Plainer programs: every tree is valid, so any part may be left out or replaced.
//!
//! The parts of a program are numbered in the order in which they are met. A plainer program is made by a walk that counts edits down to
//! the one that is wanted.

use super::ast::{Block, Expr, Function, Iteration, Owner, Program, Start, Stat, Target};
use crate::property::{Shrink, shorter, shorter_count};

/// A walk: how many edits are still to be passed by; none left, and the edit has been made.
struct Walk(Option<usize>);

impl Walk {
    /// Whether the edit that is offered is the wanted one.
    fn takes(&mut self) -> bool {
        match self.0 {
            Some(0) => {
                self.0 = None;
                true
            }
            Some(n) => {
                self.0 = Some(n - 1);
                false
            }
            None => false,
        }
    }

    fn is_done(&self) -> bool {
        self.0.is_none()
    }

    /// Offers all shorter lists.
    fn list<T: Clone>(&mut self, list: &mut Vec<T>) {
        let Some(n) = self.0 else { return };
        let count = shorter_count(list.len());
        if n < count {
            if let Some(less) = shorter(list, n) {
                *list = less;
            }
            self.0 = None;
        } else {
            self.0 = Some(n - count);
        }
    }

    fn block(&mut self, block: &mut Block) {
        self.list(block);
        for at in 0..block.len() {
            if self.is_done() {
                return;
            }
            // A statement's blocks may take its place.
            let inner: Vec<Block> = blocks(&block[at]).into_iter().cloned().collect();
            for replacement in inner {
                if self.takes() {
                    block.splice(at..=at, replacement);
                    return;
                }
            }
            self.stat(&mut block[at]);
        }
    }

    fn exprs(&mut self, exprs: &mut Vec<Expr>) {
        self.list(exprs);
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn function(&mut self, function: &mut Function) {
        self.list(&mut function.params);
        if function.vararg && self.takes() {
            function.vararg = false;
        }
        self.block(&mut function.body);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if self.is_done() {
            return;
        }
        for replacement in plainer(expr) {
            if self.takes() {
                *expr = replacement;
                return;
            }
        }
        match expr {
            Expr::Index(a, b) | Expr::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Expr::Call(function, arguments) | Expr::Method(function, _, arguments) => {
                self.expr(function);
                self.exprs(arguments);
            }
            Expr::Function(function) => self.function(function),
            Expr::List(items) | Expr::Concat(items) | Expr::Unpack(items) => self.exprs(items),
            Expr::Library(_, arguments) => {
                for argument in arguments {
                    self.expr(argument);
                }
            }
            Expr::Record(fields) => {
                self.list(fields);
                for (key, value) in fields {
                    self.expr(key);
                    self.expr(value);
                }
            }
            Expr::Unary(_, operand) | Expr::Paren(operand) | Expr::Meta(operand, _) => self.expr(operand),
            _ => {}
        }
    }

    /// Fewer turns.
    fn turns(&mut self, most: &mut u8) {
        if *most > 1 && self.takes() {
            *most -= 1;
        }
    }

    fn loop_(&mut self, stat: &mut Stat) {
        match stat {
            Stat::While(condition, block, most) | Stat::Repeat(block, condition, most) => {
                self.turns(most);
                self.expr(condition);
                self.block(block);
            }
            Stat::Numeric(_, [first, last], step, block, most) => {
                self.turns(most);
                if step.is_some() && self.takes() {
                    *step = None;
                }
                self.expr(first);
                self.expr(last);
                if let Some(step) = step {
                    self.expr(step);
                }
                self.block(block);
            }
            Stat::Generic(names, iteration, block, most) => {
                self.turns(most);
                if names.len() > 1 {
                    self.list(names);
                }
                match iteration {
                    Iteration::Ipairs(value) | Iteration::Pairs(value) | Iteration::Gmatch(value) => self.expr(value),
                    Iteration::Explicit(values) => self.exprs(values),
                }
                self.block(block);
            }
            _ => {}
        }
    }

    fn stat(&mut self, stat: &mut Stat) {
        if self.is_done() {
            return;
        }
        match stat {
            Stat::Local(names, values) => {
                self.list(names);
                self.exprs(values);
            }
            Stat::LocalFunction(_, function) => self.function(function),
            Stat::Function(_, fields, is_method, function) => {
                self.list(fields);
                if *is_method && self.takes() {
                    *is_method = false;
                }
                self.function(function);
            }
            Stat::Assign(targets, values) => {
                self.list(targets);
                for target in targets {
                    match target {
                        Target::Index(table, key) => {
                            self.expr(table);
                            self.expr(key);
                        }
                        Target::Global(name) if *name > 0 && self.takes() => *name = 0,
                        _ => {}
                    }
                }
                self.exprs(values);
            }
            Stat::Exchange(operands, places, owner, values) => {
                self.list(places);
                if *owner != Owner::Inner && self.takes() {
                    *owner = Owner::Inner;
                }
                operands.iter_mut().for_each(|operand| self.expr(operand));
                self.exprs(values);
            }
            Stat::SetElement(table, index, value) => {
                self.expr(table);
                self.expr(index);
                self.expr(value);
            }
            Stat::Expr(expr) | Stat::Error(expr, _) => self.expr(expr),
            Stat::Do(block) | Stat::Env(block) | Stat::Labelled(block) | Stat::Protect(block) => self.block(block),
            Stat::If(arms, rest) => {
                self.list(arms);
                if rest.is_some() && self.takes() {
                    *rest = None;
                }
                for (condition, block) in arms {
                    self.expr(condition);
                    self.block(block);
                }
                if let Some(block) = rest {
                    self.block(block);
                }
            }
            Stat::While(..) | Stat::Repeat(..) | Stat::Numeric(..) | Stat::Generic(..) => self.loop_(stat),
            Stat::Return(values) | Stat::Show(values) => self.exprs(values),
            Stat::Weak(key, value) => {
                self.expr(key);
                self.expr(value);
            }
            Stat::Many(count) if *count > 1 && self.takes() => *count /= 2,
            Stat::Many(count) if *count > 1 && self.takes() => *count -= 1,
            _ => {}
        }
    }
}

/// The blocks of a statement that could stand in its place.
fn blocks(stat: &Stat) -> Vec<&Block> {
    match stat {
        Stat::Do(block) | Stat::While(_, block, _) | Stat::Repeat(block, ..) => vec![block],
        Stat::Numeric(_, _, _, block, _) | Stat::Generic(_, _, block, _) => vec![block],
        Stat::Env(block) | Stat::Labelled(block) | Stat::Protect(block) => vec![block],
        Stat::LocalFunction(_, function) | Stat::Function(_, _, _, function) => vec![&function.body],
        Stat::If(arms, rest) => arms.iter().map(|(_, block)| block).chain(rest).collect(),
        _ => Vec::new(),
    }
}

/// Expressions to put in the place of one: its parts, and constants.
fn plainer(expr: &Expr) -> Vec<Expr> {
    let parts: Vec<&Expr> = match expr {
        Expr::Nil => return Vec::new(),
        Expr::Boolean(_) | Expr::Integer(0) | Expr::Global(_) | Expr::Variable(_) | Expr::Vararg => {
            return vec![Expr::Nil];
        }
        Expr::Integer(i) if i.unsigned_abs() > 1 => return vec![Expr::Nil, Expr::Integer(1), Expr::Integer(i / 2)],
        Expr::Integer(_) => return vec![Expr::Nil, Expr::Integer(0)],
        Expr::Float(f) if *f == 1.5 => return vec![Expr::Nil, Expr::Integer(1)],
        Expr::Float(_) => return vec![Expr::Nil, Expr::Integer(1), Expr::Float(1.5)],
        Expr::String(bytes) if bytes.is_empty() => return vec![Expr::Nil],
        Expr::String(bytes) => return vec![Expr::Nil, Expr::String(bytes[..bytes.len() / 2].to_vec())],
        Expr::Constants(count, first) => {
            if *count == 0 {
                return vec![Expr::Nil];
            }
            let less = Expr::Constants(count - 1, *first);
            return vec![Expr::Nil, Expr::List(Vec::new()), Expr::Constants(count / 2, *first), less];
        }
        Expr::Index(a, b) | Expr::Binary(_, a, b) => vec![a, b],
        Expr::Call(function, arguments) | Expr::Method(function, _, arguments) => {
            std::iter::once(&**function).chain(arguments).collect()
        }
        Expr::List(items) | Expr::Concat(items) | Expr::Unpack(items) | Expr::Library(_, items) => {
            items.iter().collect()
        }
        Expr::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        Expr::Unary(_, operand) | Expr::Paren(operand) | Expr::Meta(operand, _) => vec![operand],
        Expr::Function(_) => Vec::new(),
    };
    let constants = match expr {
        Expr::List(items) if items.is_empty() => vec![Expr::Nil],
        Expr::List(_) | Expr::Record(_) | Expr::Meta(..) => vec![Expr::Nil, Expr::List(Vec::new())],
        _ => vec![Expr::Nil, Expr::Integer(1)],
    };
    constants.into_iter().chain(parts.into_iter().cloned()).collect()
}

impl Shrink for Program {
    fn shrink(&self, n: usize) -> Option<Self> {
        let mut walk = Walk(Some(n));
        let mut program = self.clone();
        walk.block(&mut program.body);
        if program.forgiving && walk.takes() {
            program.forgiving = false;
        }
        if program.start == Start::Coroutine && walk.takes() {
            program.start = Start::Protected;
        }
        if program.start != Start::Plain && walk.takes() {
            program.start = Start::Plain;
        }
        walk.is_done().then_some(program)
    }
}
