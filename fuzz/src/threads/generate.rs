//! Random steps and bodies.

use std::rc::Rc;

use arbitrary::{Arbitrary, Result as Generated, Unstructured};

use super::body::{Args, Callee, Dest, Expr, Fault, Func, Gc, How, Kind, Meta, Op, Overflow, Resumer, Var};
use super::model::SLOTS;
use super::step::{ANY_THREAD, HookWork, Plan, RAW_COUNT, Step, TickAct};
use super::value::{Native, Val};
use crate::property::Shrink;
use crate::random::Random;

/// How deep functions are nested in functions.
const MAX_DEPTH: u8 = 3;

const OVERFLOWS: &[Overflow] = &[
    Overflow::Lua,
    Overflow::Index,
    Overflow::HostCall,
    Overflow::CallK,
    Overflow::CallThen,
    Overflow::Wrap,
    Overflow::NestedResume,
    Overflow::Gsub,
];

/// Those that do not fill a stack to its end.
const SHALLOW_OVERFLOWS: &[Overflow] = &[Overflow::HostCall, Overflow::CallK, Overflow::Wrap, Overflow::NestedResume];

const METAS: &[Meta] = &[
    Meta::Index,
    Meta::NewIndex,
    Meta::Add,
    Meta::Concat,
    Meta::ConcatTwice,
    Meta::Eq,
    Meta::Lt,
    Meta::Le,
    Meta::LeByLt,
    Meta::Unm,
    Meta::Len,
    Meta::Call,
    Meta::ToString,
    Meta::Pairs,
];

/// Tables more often than what is finalized.
const KINDS: &[Kind] = &[Kind::Table, Kind::Table, Kind::Userdata, Kind::Scripted];

const CALLERS: &[Native] = &[
    Native::CallK,
    Native::PcallK,
    Native::CallThen,
    Native::PcallThen,
    Native::HostCall,
    Native::HostPcall,
    Native::KeepError,
    Native::PcallK,
    Native::CallK,
];

const YIELDERS: &[Native] = &[Native::Yield, Native::Yield, Native::Yield, Native::PartYield, Native::LoopYield];

/// A plain value, of any type that has them.
fn value(random: &mut Random) -> Val {
    match random.below(10) {
        0 => Val::Nil,
        1 => Val::Bool(random.chance(2)),
        2 => Val::Float(random.pick(&[0.5, 2.5, -7.25])),
        3 => Val::text(random.pick(&["", "a", "text", "12"])),
        4 => Val::text("a string that is too long to be interned, by a few characters"),
        5 => Val::Native(random.pick(&Native::ALL)),
        _ => Val::Int(random.below(20) as i64 - 5),
    }
}

fn values(random: &mut Random, most: usize) -> Vec<Val> {
    (0..random.below(most + 1)).map(|_| value(random)).collect()
}

fn collection(random: &mut Random) -> Gc {
    match random.below(10) {
        0..3 => Gc::Full,
        3..6 => Gc::Step(random.pick(&[0, 1, 5, 100])),
        6 => Gc::Stop,
        7 => Gc::Restart,
        8 => Gc::Pause(random.pick(&[0, 50, 110, 200, 1000])),
        _ => Gc::StepMul(random.pick(&[0, 40, 100, 200, 2000])),
    }
}

/// What is to happen while something runs.
fn plan(random: &mut Random) -> Plan {
    let mut plan = Plan::new();
    for _ in 0..random.below(4) {
        let at = if random.chance(4) { random.below(30) } else { random.below(6) } as u32;
        let act = match random.below(20) {
            0..9 => TickAct::Look,
            9 | 10 => TickAct::Check,
            11..15 => TickAct::Collect(collection(random)),
            15 => TickAct::Raise(value(random)),
            _ => TickAct::Yield(values(random, 3)),
        };
        plan.push((at, act));
    }
    plan
}

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Coroutine,
    Function,
    Object,
}

/// Makes functions.
struct Bodies<'r> {
    random: &'r mut Random,
    /// How many more ops the chunk may have.
    budget: usize,
    /// Variables that have been set to something of use: the depth of their function, and which they are.
    set: Vec<(u8, u8, Held)>,
}

impl Bodies<'_> {
    fn var(&mut self, depth: u8) -> Var {
        let up = if self.random.chance(2) { 0 } else { self.random.below(depth as usize + 1) as u8 };
        Var { up, index: self.random.below(3) as u8 }
    }

    /// A variable that probably holds such a thing.
    fn var_with(&mut self, depth: u8, held: Held) -> Var {
        let fitting: Vec<_> = self.set.iter().filter(|(.., other)| *other == held).copied().collect();
        if fitting.is_empty() || self.random.chance(8) {
            return self.var(depth);
        }
        let (of, index, _) = self.random.pick(&fitting);
        Var { up: depth - of, index }
    }

    /// A variable that is going to hold such a thing.
    fn var_for(&mut self, depth: u8, held: Held) -> Var {
        let var = self.var(depth);
        let of = depth - var.up;
        self.set.retain(|&(other, index, _)| (other, index) != (of, var.index));
        self.set.push((of, var.index, held));
        var
    }

    fn expr(&mut self, depth: u8) -> Expr {
        if self.random.chance(3) { Expr::Const(value(self.random)) } else { Expr::Var(self.var(depth)) }
    }

    fn args(&mut self, depth: u8, vararg: bool) -> Args {
        let list = (0..self.random.below(4)).map(|_| self.expr(depth)).collect();
        Args { list, rest: vararg && self.random.chance(4) }
    }

    fn dest(&mut self, depth: u8) -> Dest {
        match self.random.below(16) {
            // A chunk that returns early leaves its most interesting part undone.
            0 if depth > 0 || self.random.chance(3) => Dest::Return,
            0..3 => Dest::Pack(self.var(depth)),
            3 | 4 => Dest::Vars(Vec::new()),
            n => Dest::Vars((0..n % 3 + 1).map(|_| self.var(depth)).collect()),
        }
    }

    /// What is called; a new function may be one that ends by an error.
    fn callee(&mut self, depth: u8, may_fail: bool) -> Callee {
        match self.random.below(12) {
            0..6 if depth < MAX_DEPTH && self.budget > 0 => {
                let fails = may_fail && self.random.chance(3);
                Callee::Literal(self.func(depth + 1, fails))
            }
            6 => Callee::Native(self.random.pick(&Native::ALL)),
            7 | 8 => Callee::Native(self.random.pick(YIELDERS)),
            _ => Callee::Var(self.var_with(depth, Held::Function)),
        }
    }

    fn how(&mut self) -> How {
        match self.random.below(24) {
            0..3 => How::Plain,
            3..5 => How::Pcall,
            5 => How::Xpcall,
            6 => How::Deep(self.random.pick(&[1, 2, 7, 40])),
            7 => How::Loop,
            8 => How::ForIn,
            9..13 => How::Meta(self.random.pick(METAS)),
            13 => How::Unpack,
            14 => How::Gsub,
            15 => How::SortTwo,
            16 => How::SortThree,
            17..21 => How::By(self.random.pick(CALLERS)),
            21 => How::Wrap,
            _ => How::Resume(self.random.pick(&[Resumer::Lua, Resumer::Lua, Resumer::Nested, Resumer::Then])),
        }
    }

    fn call(&mut self, depth: u8, vararg: bool) -> Op {
        let how = self.how();
        let takes_anything = matches!(how, How::Plain | How::Pcall | How::Xpcall | How::Loop | How::By(_));
        let callee = if takes_anything && self.random.chance(20) {
            Callee::Raw(self.var(depth))
        } else {
            self.callee(depth, how.takes_errors())
        };
        Op::Call { how, callee, args: self.args(depth, vararg), dest: self.dest(depth) }
    }

    fn op(&mut self, depth: u8, vararg: bool) -> Op {
        self.budget = self.budget.saturating_sub(1);
        match self.random.below(100) {
            0..5 => Op::Tick,
            5..11 => Op::Assign(self.var(depth), self.expr(depth)),
            11..18 if depth < MAX_DEPTH => {
                let func = self.func(depth + 1, false);
                Op::Closure(self.var_for(depth, Held::Function), func)
            }
            18 | 19 => Op::Return(self.args(depth, vararg)),
            20 => Op::Raise(self.expr(depth), self.random.chance(2)),
            21 if self.random.chance(3) => {
                Op::Fault(self.random.pick(&[Fault::Index, Fault::Call, Fault::Arith, Fault::Compare]))
            }
            21..29 => {
                let callee = Callee::Native(self.random.pick(YIELDERS));
                Op::Call { how: How::Plain, callee, args: self.args(depth, vararg), dest: self.dest(depth) }
            }
            29..35 => {
                let callee = self.callee(depth, true);
                Op::Create(self.var_for(depth, Held::Coroutine), callee)
            }
            35..41 => {
                let callee = self.callee(depth, false);
                Op::Wrap(self.var_for(depth, Held::Function), callee)
            }
            41..53 => Op::Resume {
                how: self.random.pick(&[Resumer::Lua, Resumer::Lua, Resumer::Nested, Resumer::Then]),
                thread: self.var_with(depth, Held::Coroutine),
                args: self.args(depth, vararg),
                dest: self.dest(depth),
            },
            53..56 => Op::Make(self.var_for(depth, Held::Object), self.random.pick(KINDS)),
            56..58 => Op::Link(self.var_with(depth, Held::Object), self.var(depth)),
            58 | 59 => Op::Keep(self.random.below(SLOTS) as u8, self.var(depth)),
            60 | 61 => Op::Recall(self.var(depth), self.random.below(SLOTS) as u8),
            62 => Op::Fetch(self.var(depth), self.var_with(depth, Held::Object)),
            63..65 => Op::Status(self.var(depth), self.var(depth)),
            65 => Op::Running(self.var(depth)),
            66 | 67 => Op::Collect(collection(self.random)),
            _ => self.call(depth, vararg),
        }
    }

    /// A function; one that `fails` raises an error at its end.
    fn func(&mut self, depth: u8, fails: bool) -> Rc<Func> {
        let vararg = depth == 0 || self.random.chance(2);
        let most = if depth == 0 { 24 } else { 8 };
        let count = 1 + self.random.below(most);
        let mut ops = Vec::new();
        if depth == 0 {
            // Something to work with.
            for index in 0..self.random.below(4) as u8 {
                let (var, callee) = (Var { up: 0, index }, self.callee(depth, false));
                let (op, held) = match (self.random.below(4), callee) {
                    (0, Callee::Literal(func)) => (Op::Closure(var, func), Held::Function),
                    (1, callee) => (Op::Wrap(var, callee), Held::Function),
                    (2, _) => (Op::Make(var, self.random.pick(KINDS)), Held::Object),
                    (_, callee) => (Op::Create(var, callee), Held::Coroutine),
                };
                ops.push(op);
                self.set.push((0, index, held));
            }
        }
        for _ in 0..count {
            if self.budget == 0 {
                break;
            }
            ops.push(self.op(depth, vararg));
        }
        if self.random.chance(if cfg!(gc_zeal) { 200 } else { 1500 }) {
            let kinds = if cfg!(gc_zeal) { SHALLOW_OVERFLOWS } else { OVERFLOWS };
            ops.push(Op::Overflow(self.var(depth), self.random.pick(kinds)));
        }
        if fails {
            if depth < MAX_DEPTH {
                // A closure outlives the function, and so do variables of this one that it may use.
                let index = self.random.below(3) as u8;
                let func = self.func(depth + 1, false);
                ops.push(Op::Closure(Var { up: 1, index }, func));
                self.set.push((depth - 1, index, Held::Function));
            }
            ops.push(Op::Raise(self.expr(depth), self.random.chance(2)));
        }
        self.set.retain(|(of, ..)| *of < depth);
        Func::new(depth, vararg, ops)
    }
}

/// A chunk.
fn chunk(random: &mut Random) -> Rc<Func> {
    let budget = random.pick(&[10, 40, 100, 200]);
    Bodies { random, budget, set: Vec::new() }.func(0, false)
}

/// A thread's number: the newest ones more often than others, and the main thread (0) now and then.
fn thread(random: &mut Random) -> usize {
    match random.below(12) {
        0 => 0,
        1..5 => 1,
        5..8 => ANY_THREAD + random.below(12),
        _ => 1 + random.below(12),
    }
}

/// A number of arguments, seldom one that is to be taken as it is.
fn counted(random: &mut Random) -> usize {
    match random.below(60) {
        0 => 40,
        1..4 => RAW_COUNT + random.below(3),
        _ => random.below(RAW_COUNT),
    }
}

fn resume(random: &mut Random, on: usize) -> Step {
    let nargs = counted(random);
    let from = random.chance(3).then(|| thread(random));
    Step::Resume { on, nargs, from, plan: plan(random) }
}

/// Adds a step, or a few that belong together.
fn add(random: &mut Random, steps: &mut Vec<Step>) {
    let on = thread(random);
    let step = match random.below(100) {
        0..20 => return add_coroutine(random, steps),
        20..24 => resume(random, on),
        24..42 => {
            let on = 1 + random.below(12);
            resume(random, on)
        }
        42..46 => Step::Push { on, values: values(random, 4) },
        46..50 => Step::PushObject { on, object: random.below(1000) },
        50..52 => Step::PushThread { on, thread: thread(random) },
        52..54 => Step::PushNative { on, native: random.pick(&Native::ALL) },
        54..57 => Step::Load { on, body: chunk(random) },
        57..61 => Step::Pop { on, n: random.below(5) },
        61..67 => {
            let n = if random.chance(8) { 1000 } else { random.below(5) };
            Step::Move { from: on, to: thread(random), n }
        }
        67..70 => Step::Call { on, nargs: counted(random), plan: plan(random) },
        70..74 => Step::Call { on: 0, nargs: counted(random), plan: plan(random) },
        74..79 => Step::Store { slot: random.below(SLOTS) },
        79..82 => Step::Forget { slot: random.below(SLOTS) },
        82..84 => Step::Hold { on },
        84..86 => Step::NewThread { on },
        86..94 => Step::Collect(collection(random)),
        94..97 => Step::Hook {
            on,
            mask: random.pick(&[0, 0, 1, 2, 4, 8, 7, 12, 15]),
            count: random.pick(&[1, 2, 10, 100]),
            work: random.pick(&[HookWork::Nothing, HookWork::Collect, HookWork::Yield, HookWork::Yield]),
        },
        97 => Step::Traceback { on },
        98 if random.chance(3) => Step::Reset,
        98 => Step::Forget { slot: random.below(SLOTS) },
        _ => resume(random, 1),
    };
    steps.push(match random.below(60) {
        0 => Step::Limited(random.pick(&[0, 100, 1000, 10_000]), Box::new(step)),
        1..3 => Step::Failing(random.below(60) as u64, Box::new(step)),
        _ => step,
    });
}

/// A new coroutine, in a place of the registry, with a function and arguments, perhaps resumed at once.
fn add_coroutine(random: &mut Random, steps: &mut Vec<Step>) {
    steps.push(Step::NewThread { on: 0 });
    if !random.chance(8) {
        steps.push(Step::Store { slot: random.below(SLOTS) });
    }
    steps.push(if random.chance(8) {
        Step::PushNative { on: ANY_THREAD, native: random.pick(&Native::ALL) }
    } else {
        Step::Load { on: ANY_THREAD, body: chunk(random) }
    });
    for _ in 0..random.below(3) {
        steps.push(Step::PushObject { on: ANY_THREAD, object: random.below(1000) });
    }
    if random.chance(2) {
        steps.push(Step::Push { on: ANY_THREAD, values: values(random, 3) });
    }
    for _ in 0..random.below(5) {
        steps.push(resume(random, 1));
    }
}

/// The steps of a seed, from the opening of a state to its end.
pub fn steps(seed: u64) -> Vec<Step> {
    steps_of(Random::new(seed))
}

/// The steps that follow from some numbers.
fn steps_of(mut random: Random) -> Vec<Step> {
    let count = random.pick(&[10, 50, 200, 200, 500]);
    let mut steps = Vec::new();
    if random.chance(2) {
        // A collector that is always in the midst of its work, and does little of it at a time.
        steps.extend([Step::Collect(Gc::Pause(0)), Step::Collect(Gc::StepMul(40))]);
    }
    while steps.len() < count && !random.is_spent() {
        add(&mut random, &mut steps);
    }
    steps
}

/// What happens to a state from its opening to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Story(pub Vec<Step>);

impl<'a> Arbitrary<'a> for Story {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        Ok(Self(steps_of(Random::of_bytes(u.bytes(u.len())?))))
    }
}

impl Shrink for Story {
    fn shrink(&self, n: usize) -> Option<Self> {
        self.0.shrink(n).map(Self)
    }
}
