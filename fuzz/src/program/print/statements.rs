//! The text of statements and functions.

use super::super::ast::{Block, Expr, Function, Iteration, Owner, Place, Stat, Target};
use super::{METHODS, Printer, Scope};

/// How many locals of a function may be in scope; Lua allows 200.
const MOST_LOCALS: usize = 170;

/// Whether a block has a `continue` of the loop whose block it is.
fn continues(block: &[Stat]) -> bool {
    block.iter().any(|stat| match stat {
        Stat::Continue => true,
        Stat::Do(block) | Stat::Env(block) | Stat::Labelled(block) => continues(block),
        Stat::If(arms, rest) => {
            arms.iter().any(|(_, block)| continues(block)) || rest.as_ref().is_some_and(|block| continues(block))
        }
        _ => false,
    })
}

/// Whether a constant of a loop is a small number.
const fn is_small(expr: &Expr) -> bool {
    matches!(expr, Expr::Integer(-6..=6))
}

impl Printer {
    /// Parameters and body of a function.
    pub(super) fn function(&mut self, function: &Function) {
        let mut params = function.params.clone();
        params.truncate(8);
        self.token("(");
        self.names(&params);
        if function.vararg {
            self.tokens(if params.is_empty() { &["..."] } else { &[",", "..."] });
        }
        self.token(")");
        self.scopes.push(Scope { vararg: function.vararg, locals: params.len(), ..Scope::default() });
        self.token("if S < 0 then return end S = S - 1");
        self.block(&function.body, true);
        self.scopes.pop();
        self.token("end");
    }

    /// Statements; `open` says that nothing follows them in the same block.
    pub(super) fn block(&mut self, block: &[Stat], open: bool) {
        let locals = self.scope().locals;
        self.indent += 1;
        for (at, stat) in block.iter().enumerate() {
            self.line();
            self.stat(stat, open && at + 1 == block.len());
            self.token(";");
        }
        self.indent -= 1;
        self.line();
        self.scope().locals = locals;
    }

    /// The block of a loop, from the count of its turns to the label at its end.
    fn turns(&mut self, block: &[Stat], guard: Option<(usize, u8)>) {
        self.count += 1;
        let number = self.count;
        self.scope().loops.push(number);
        if let Some((counter, most)) = guard {
            self.token(&format!(
                "Z{counter} = Z{counter} + 1 if Z{counter} > {most} or S < 0 then break end S = S - 1"
            ));
        }
        let labelled = continues(block);
        self.block(block, !labelled);
        if labelled {
            self.token(&format!("::CONTINUE{number}::"));
        }
        self.scope().loops.pop();
    }

    /// Begins a block with a counter of turns, and gives its number.
    fn counter(&mut self) -> usize {
        self.count += 1;
        let counter = self.count;
        self.token(&format!("do local Z{counter} = 0"));
        self.scope().locals += 5;
        counter
    }

    /// Declares names if there is room for them.
    fn declare(&mut self, count: usize) -> bool {
        let scope = self.scope();
        if scope.locals + count > MOST_LOCALS {
            return false;
        }
        scope.locals += count;
        true
    }

    fn stat(&mut self, stat: &Stat, last: bool) {
        match stat {
            Stat::Local(..) | Stat::LocalFunction(..) | Stat::Function(..) => self.declaring(stat),
            Stat::Assign(..) | Stat::Exchange(..) | Stat::SetElement(..) | Stat::Expr(_) => self.storing(stat),
            Stat::Do(block) => {
                self.token("do");
                self.block(block, true);
                self.token("end");
            }
            Stat::Env(block) => {
                let locals = self.scope().locals;
                self.token("do");
                if self.declare(1) {
                    self.token("local _ENV = setmetatable({}, {__index = _ENV});");
                }
                self.block(block, true);
                self.token("end");
                self.scope().locals = locals;
            }
            Stat::If(arms, rest) => self.conditional(arms, rest.as_ref()),
            Stat::While(..) | Stat::Repeat(..) | Stat::Numeric(..) | Stat::Generic(..) => self.loop_(stat),
            Stat::Return(_) | Stat::Break | Stat::Continue | Stat::Labelled(_) | Stat::Again(_) | Stat::Leave(_) => {
                self.jumping(stat, last);
            }
            _ => self.acting(stat),
        }
    }

    /// Declarations, and functions that get names.
    fn declaring(&mut self, stat: &Stat) {
        match stat {
            Stat::Local(names, values) => {
                if names.is_empty() {
                    return;
                }
                // A name is not in scope before the end of its declaration, but room must be there.
                if self.declare(names.len()) {
                    self.token("local");
                }
                self.names(names);
                if !values.is_empty() {
                    self.token("=");
                    self.exprs(values);
                } else if self.scope().locals + names.len() > MOST_LOCALS {
                    self.tokens(&["=", "nil"]);
                }
            }
            Stat::LocalFunction(name, function) => {
                if self.declare(1) {
                    self.token("local");
                }
                self.tokens(&["function", Self::name(*name)]);
                self.function(function);
            }
            Stat::Function(name, fields, is_method, function) => {
                self.tokens(&["function", Self::name(*name)]);
                for (at, &field) in fields.iter().enumerate() {
                    let last = at + 1 == fields.len();
                    let name = METHODS[usize::from(field) % METHODS.len()];
                    self.tokens(&[if last && *is_method { ":" } else { "." }, name]);
                }
                self.function(function);
            }
            _ => {}
        }
    }

    /// Assignments, and expressions as statements.
    fn storing(&mut self, stat: &Stat) {
        match stat {
            Stat::Assign(targets, values) => {
                if targets.is_empty() {
                    return;
                }
                self.separated(targets, |printer, target| match target {
                    Target::Variable(name) => printer.token(Self::name(*name)),
                    Target::Global(name) => printer.token(Self::global(*name)),
                    Target::Index(table, key) => {
                        printer.prefix(table);
                        printer.field(key, true);
                    }
                });
                self.token("=");
                self.some_exprs(values);
            }
            Stat::Exchange(operands, places, owner, values) => self.exchange(operands, places, *owner, values),
            Stat::SetElement(table, index, value) => {
                self.tokens(&["do", "local", "VALUE", ",", "INDEX", "="]);
                self.not_nil(value, false);
                self.tokens(&[",", "X", "("]);
                self.operand(index, 20);
                self.tokens(&[")", "local", "TABLE", "="]);
                self.expr(table);
                self.token("TABLE[INDEX % (rawlen(TABLE) + 1) + 1] = VALUE end");
            }
            Stat::Expr(expr) => {
                if !matches!(expr, Expr::Call(..) | Expr::Method(..)) {
                    self.tokens(&["do", "local", "UNUSED", "="]);
                    self.expr(expr);
                    self.token("end");
                } else {
                    self.expr(expr);
                }
            }
            _ => {}
        }
    }

    /// An assignment whose targets depend on one another.
    fn exchange(&mut self, [table, key]: &[Expr; 2], places: &[Place], owner: Owner, values: &[Expr]) {
        self.tokens(&["do", "local", "TABLE", ",", "INDEX", "=", "R", "("]);
        self.operand(table, 20);
        self.tokens(&[")", ",", "K", "("]);
        self.operand(key, 20);
        self.token(")");
        self.token(match owner {
            Owner::Inner => "",
            Owner::OuterTable => "local function EXCHANGE() local INDEX = INDEX",
            Owner::OuterKey => "local function EXCHANGE() local TABLE = TABLE",
            Owner::Outer => "local function EXCHANGE()",
        });
        if owner != Owner::Inner {
            self.scopes.push(Scope::default());
        }
        if !places.is_empty() {
            self.separated(places, |printer, place| {
                printer.token(match place {
                    Place::Element => "TABLE[INDEX]",
                    Place::Field => "TABLE.x",
                    Place::Constant => "TABLE[-1]",
                    Place::Key => "INDEX",
                    Place::Table => "TABLE",
                });
            });
            self.token("=");
            self.some_exprs(values);
        }
        self.token("SHOW(INDEX, TABLE)");
        if owner != Owner::Inner {
            self.scopes.pop();
            self.token("end EXCHANGE()");
        }
        self.token("end");
    }

    /// What leads elsewhere, and labels.
    fn jumping(&mut self, stat: &Stat, last: bool) {
        match stat {
            Stat::Return(values) => {
                self.token(if last { "return" } else { "do return" });
                self.exprs(values);
                if !last {
                    self.token("end");
                }
            }
            Stat::Break if !self.scope().loops.is_empty() => self.token("break"),
            Stat::Continue => {
                if let Some(number) = self.scope().loops.last().copied() {
                    self.token(&format!("goto CONTINUE{number}"));
                }
            }
            Stat::Labelled(block) => {
                self.count += 1;
                let number = self.count;
                self.token(&format!("do ::AGAIN{number}::"));
                self.scope().labels.push(number);
                self.block(block, false);
                self.scope().labels.pop();
                self.token(&format!("::LEAVE{number}:: end"));
            }
            Stat::Again(level) => {
                if let Some(number) = self.label(*level) {
                    self.token(&format!("if S > 0 then S = S - 1 goto AGAIN{number} end"));
                }
            }
            Stat::Leave(level) => {
                if let Some(number) = self.label(*level) {
                    self.token(&format!("goto LEAVE{number}"));
                }
            }
            _ => {}
        }
    }

    /// What stands for calls of functions that every program has, and the like.
    fn acting(&mut self, stat: &Stat) {
        match stat {
            Stat::Show(values) => {
                self.tokens(&["SHOW", "("]);
                self.exprs(values);
                self.token(")");
            }
            Stat::Protect(block) => {
                let vararg = self.scope().vararg;
                self.tokens(&["SHOW", "(", "pcall", "(", "function", "(", "...", ")"]);
                self.scopes.push(Scope { vararg: true, ..Scope::default() });
                self.block(block, true);
                self.scopes.pop();
                self.tokens(&["end", ",", if vararg { "..." } else { "1" }, ")", ")"]);
            }
            Stat::Error(value, level) => {
                self.tokens(&["error", "("]);
                self.operand(value, 20);
                self.tokens(&[",", &(level % 4).to_string(), ")"]);
            }
            Stat::Collect(which) => {
                self.token(match which % 6 {
                    0 => "collectgarbage()",
                    1 => "collectgarbage('step')",
                    2 => "collectgarbage('step', 3)",
                    3 => "collectgarbage('setpause', 50)",
                    4 => "collectgarbage('setstepmul', 400)",
                    _ => "collectgarbage('stop') collectgarbage('restart')",
                });
            }
            Stat::Weak(key, value) => {
                self.tokens(&["W", "[", "K", "("]);
                self.operand(key, 20);
                self.tokens(&[")", "]", "="]);
                self.expr(value);
            }
            Stat::Many(count) => {
                let count = usize::from(*count).min(150);
                if count > 0 && self.declare(count) {
                    let names: Vec<String> = (1..=count).map(|n| format!("R{n}")).collect();
                    let values: Vec<String> = (1..=count.min(20)).map(|n| n.to_string()).collect();
                    self.token(&format!("local {} = {}", names.join(", "), values.join(", ")));
                }
            }
            _ => {}
        }
    }

    /// The labelled block that a jump goes to.
    fn label(&mut self, level: u8) -> Option<usize> {
        let labels = &self.scope().labels;
        let count = labels.len();
        (count > 0).then(|| labels[count - 1 - usize::from(level) % count])
    }

    fn conditional(&mut self, arms: &[(Expr, Block)], rest: Option<&Block>) {
        for (at, (condition, block)) in arms.iter().enumerate() {
            self.token(if at == 0 { "if" } else { "elseif" });
            self.expr(condition);
            self.token("then");
            self.block(block, true);
        }
        if arms.is_empty() {
            self.token("do");
        } else if rest.is_some() {
            self.token("else");
        }
        if let Some(block) = rest {
            self.block(block, true);
        }
        self.token("end");
    }

    fn loop_(&mut self, stat: &Stat) {
        let locals = self.scope().locals;
        match stat {
            Stat::While(condition, block, most) => {
                let counter = self.counter();
                self.token("while");
                self.expr(condition);
                self.token("do");
                self.turns(block, Some((counter, *most)));
                self.token("end end");
            }
            Stat::Repeat(block, condition, most) => {
                let counter = self.counter();
                self.token("repeat");
                // A label before the condition, which sees the block's variables, could not be jumped to.
                let inner = continues(block);
                if inner {
                    self.token("do");
                    self.turns(block, Some((counter, *most)));
                    self.token("end");
                } else {
                    let before = self.scope().locals;
                    self.turns_of_repeat(block, counter, *most);
                    self.scope().locals = before;
                }
                self.token("until");
                self.expr(condition);
                self.token("end");
            }
            Stat::Numeric(name, [first, last], step, block, most) => {
                let small_step = step.as_ref().is_none_or(is_small);
                let counter = (!(is_small(first) && is_small(last) && small_step)).then(|| self.counter());
                self.scope().locals += 4;
                self.tokens(&["for", Self::name(*name), "="]);
                self.expr(first);
                self.token(",");
                self.expr(last);
                if let Some(step) = step {
                    self.token(",");
                    self.expr(step);
                }
                self.token("do");
                self.turns(block, counter.map(|counter| (counter, *most)));
                self.token(if counter.is_some() { "end end" } else { "end" });
            }
            Stat::Generic(names, iteration, block, most) => {
                let counter = self.counter();
                self.token("for");
                self.scope().locals += 3 + names.len();
                self.names(if names.is_empty() { &[0] } else { names });
                self.token("in");
                match iteration {
                    Iteration::Ipairs(value) => self.iterator("ipairs(", value, ")"),
                    Iteration::Pairs(value) => self.iterator("SPAIRS(", value, ")"),
                    Iteration::Gmatch(value) => self.iterator("string.gmatch(", value, ", '%w')"),
                    Iteration::Explicit(values) => self.some_exprs(values),
                }
                self.token("do");
                self.turns(block, Some((counter, *most)));
                self.token("end end");
            }
            _ => {}
        }
        self.scope().locals = locals;
    }

    fn iterator(&mut self, before: &str, value: &Expr, after: &str) {
        self.token(before);
        self.operand(value, 20);
        self.token(after);
    }

    /// The block of a `repeat` whose condition sees its variables.
    fn turns_of_repeat(&mut self, block: &[Stat], counter: usize, most: u8) {
        self.count += 1;
        let number = self.count;
        self.scope().loops.push(number);
        self.token(&format!("Z{counter} = Z{counter} + 1 if Z{counter} > {most} or S < 0 then break end S = S - 1"));
        self.block(block, true);
        self.scope().loops.pop();
    }
}
