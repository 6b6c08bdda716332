//! The model: what a state should be, kept in plain Rust data.
//!
//! It knows nothing of stacks of slots, call frames or bytecode. A thread is a list of frames that say what they wait for; a
//! variable is a cell that whoever has captured it shares; an object is alive if something refers to it.

mod execute;
mod natives;
mod ops;
mod reach;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::body::{Dest, Func, Meta, Op};
use super::step::Plan;
use super::value::{Id, MAIN, Val};
pub use execute::{FUEL, OUT_OF_FUEL};

/// The number of places in the registry.
pub const SLOTS: usize = 8;

/// The variables of one activation of a function, and of those around it.
pub struct Env {
    /// The three variables.
    pub cells: [RefCell<Val>; 3],
    /// The function around it.
    pub parent: Option<Rc<Env>>,
}

impl Env {
    /// The value of a variable.
    pub fn get(&self, up: u8, index: u8) -> Val {
        match (up, &self.parent) {
            (0, _) | (_, None) => self.cells[index as usize].borrow().clone(),
            (_, Some(parent)) => parent.get(up - 1, index),
        }
    }

    /// Sets a variable.
    pub fn set(&self, up: u8, index: u8, value: Val) {
        match (up, &self.parent) {
            (0, _) | (_, None) => *self.cells[index as usize].borrow_mut() = value,
            (_, Some(parent)) => parent.set(up - 1, index, value),
        }
    }
}

/// An activation of a Lua function.
pub struct Body {
    /// The function.
    pub func: Rc<Func>,
    /// The closure that was called.
    pub closure: Id,
    /// The number of its chunk.
    pub chunk: Id,
    /// Its variables.
    pub env: Rc<Env>,
    /// Its extra arguments.
    pub varargs: Vec<Val>,
    /// What it executes: 0 is the first tick, then come the ops.
    pub pc: usize,
    /// How many calls of the current op have come back.
    pub stage: usize,
    /// What the current op must remember between them; the first is what is called.
    pub keep: Vec<Val>,
}

impl Body {
    /// The line that it executes.
    pub fn line(&self) -> u32 {
        self.func.lines.borrow().get(self.pc).copied().unwrap_or(0)
    }

    /// Whether it is in a tail call of a native: it then still has a frame, but its variables are given up.
    pub fn is_leaving(&self) -> bool {
        match self.pc.checked_sub(1).and_then(|n| self.func.ops.get(n)) {
            Some(Op::Call { how, dest: Dest::Return, .. }) => how.can_be_tail(),
            Some(Op::Resume { dest: Dest::Return, .. }) => true,
            _ => false,
        }
    }

    /// What a message begins with that tells this place.
    pub fn position(&self) -> String {
        format!("b{}:{}: ", self.chunk, self.line())
    }
}

/// What a native frame waits for.
pub enum Work {
    /// A call whose results it returns.
    Through,
    /// The bottom of `deep`, likewise.
    Deep,
    /// A protected call; its results get `true` or `false` in front.
    Protected {
        /// Whether the handler makes the name of the type of an error's value.
        handler: bool,
    },
    /// A call whose error it keeps to itself; the results get `true` or `false` in front.
    KeepError,
    /// The host's protected call; what lay below the function on the stack stays there.
    Host,
    /// The end of a coroutine or its next yield.
    Resume {
        /// The coroutine.
        co: Id,
        /// How it was resumed.
        by: ResumedBy,
        /// How many values the machine's frame has, the function aside.
        held: usize,
    },
    /// The values that it will be resumed with.
    Yield {
        /// The arguments that it did not yield.
        hidden: Vec<Val>,
        /// How often it yields again; `None` if it just returns what comes.
        again: Option<usize>,
    },
    /// The replacement of a match.
    Gsub {
        /// What is called.
        f: Val,
        /// What was matched.
        matched: &'static str,
        /// What there is so far.
        out: String,
    },
    /// A comparison of a sort.
    Sort {
        /// What is called.
        f: Val,
        /// The elements.
        elements: Vec<i64>,
        /// How many comparisons there were.
        done: usize,
    },
    /// An element of `table.unpack`.
    Unpack {
        /// What is called.
        f: Val,
        /// The table.
        table: Val,
        /// The elements so far.
        out: Vec<Val>,
    },
    /// What `__tostring` gives.
    ToString,
    /// What `__pairs` gives.
    Pairs,
}

/// How a coroutine was resumed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ResumedBy {
    /// By `coroutine.resume`.
    Resume,
    /// By a wrapped coroutine's function.
    Wrap,
    /// By one of the two natives that tell the status.
    Native,
}

/// A frame.
pub enum Frame {
    /// Of a Lua function.
    Body(Body),
    /// Of a native.
    Native {
        /// What it waits for.
        work: Work,
        /// Whether no yield can cross it.
        unyieldable: bool,
        /// Whether what it calls is run on the Rust stack, so that frames above it vanish when an error leaves it. After a yield
        /// it is not, as that has left the Rust stack.
        nested: bool,
    },
}

impl Frame {
    /// A native frame which a yield can cross.
    pub fn waiting(work: Work) -> Self {
        Self::Native { work, unyieldable: false, nested: false }
    }

    /// Whether it is a native frame whose callee is run on the Rust stack.
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::Native { nested: true, .. })
    }

    /// Whether errors of what it calls end here.
    pub fn takes_errors(&self) -> bool {
        matches!(self, Self::Native { work: Work::Protected { .. } | Work::Host | Work::KeepError, .. })
    }
}

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// Nothing: it has not begun, or has ended well.
    Idle,
    /// It waits in a yield.
    Suspended,
    /// It runs, or waits for a coroutine that it has resumed.
    Active,
    /// It died of an error.
    Dead,
}

/// A thread.
pub struct Thread {
    /// What it is doing.
    pub activity: Activity,
    /// The values at its bottom, which the host sees while it is idle.
    pub base: Vec<Val>,
    /// The values that the host sees while it is suspended or dead.
    pub visible: Vec<Val>,
    /// Whether there may be others below these.
    pub opaque: bool,
    /// Whether it died with more frames than are known.
    pub cut: bool,
    /// The frames, the running one last.
    pub frames: Vec<Frame>,
    /// Who resumed it, unless that was the host.
    pub resumer: Option<Id>,
    /// Every object that its stack has held; a slot that is not in use any more may keep one alive.
    pub touched: BTreeSet<Id>,
}

impl Thread {
    /// A new one.
    pub fn new() -> Self {
        Self {
            activity: Activity::Idle,
            base: Vec::new(),
            visible: Vec::new(),
            opaque: false,
            cut: false,
            frames: Vec::new(),
            resumer: None,
            touched: BTreeSet::new(),
        }
    }

    /// The values that the host sees.
    pub fn stack(&self) -> &Vec<Val> {
        if self.activity == Activity::Idle { &self.base } else { &self.visible }
    }

    /// The same, to be changed.
    pub fn stack_mut(&mut self) -> &mut Vec<Val> {
        if self.activity == Activity::Idle { &mut self.base } else { &mut self.visible }
    }
}

impl Default for Thread {
    fn default() -> Self {
        Self::new()
    }
}

/// An object.
pub enum Object {
    /// A table, with its elements and perhaps a metamethod.
    Table(Vec<Val>, Option<(&'static str, Val)>),
    /// A userdata and its user value.
    Userdata(Val),
    /// A Lua function.
    Closure {
        /// What it does.
        func: Rc<Func>,
        /// The variables of the function around it.
        env: Option<Rc<Env>>,
        /// The number of its chunk, which names it in messages.
        chunk: Id,
    },
    /// A native closure that holds a value and returns it.
    Holder(Val),
    /// A native closure that resumes a coroutine.
    Wrapped(Id),
    /// A thread.
    Thread(Box<Thread>),
}

/// How something that the host began has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Well.
    Ok,
    /// In a yield.
    Yield,
    /// By an error.
    Error,
}

/// What `tick` has seen when it was to look: its number, the running thread, whether that can yield, how many levels of native calls
/// are in use, and the threads that are active, suspended, or dead.
#[derive(Clone, PartialEq, Debug)]
pub struct Sight {
    /// The number of the call of `tick`.
    pub tick: u32,
    /// The running thread.
    pub running: Id,
    /// Whether it can yield.
    pub can_yield: bool,
    /// How many levels of native calls are in use.
    pub levels: usize,
    /// What the others are doing, as `coroutine.status` says it to somebody outside.
    pub threads: BTreeMap<Id, &'static str>,
}

/// The whole state.
pub struct Model {
    /// The objects.
    pub objects: BTreeMap<Id, Object>,
    /// The number of the next object.
    pub next: Id,
    /// The places in the registry.
    pub slots: Vec<Val>,
    /// The userdata that have been made and not been finalized.
    pub unfinalized: BTreeSet<Id>,
    /// Numbers of functions that are the same.
    pub same: Vec<(Id, Id)>,
    /// The running thread.
    pub current: Id,
    /// What is to happen at which tick.
    pub plan: Plan,
    /// How many ticks there were in this step.
    pub ticks: u32,
    /// What was seen in this step.
    pub sights: Vec<Sight>,
    /// How many ops, and other events worth counting, there were.
    pub executed: u64,
}

impl Model {
    /// A state with nothing but the main thread.
    pub fn new() -> Self {
        let mut objects = BTreeMap::new();
        objects.insert(MAIN, Object::Thread(Box::default()));
        Self {
            objects,
            next: MAIN + 1,
            slots: vec![Val::Nil; SLOTS],
            unfinalized: BTreeSet::new(),
            same: Vec::new(),
            current: MAIN,
            plan: Plan::new(),
            ticks: 0,
            sights: Vec::new(),
            executed: 0,
        }
    }

    /// Adds an object.
    pub fn add(&mut self, object: Object) -> Id {
        let id = self.next;
        self.next += 1;
        if matches!(object, Object::Userdata(_)) {
            self.unfinalized.insert(id);
        }
        self.objects.insert(id, object);
        id
    }

    /// Adds an object that lies on the stack of the running thread.
    pub fn add_here(&mut self, object: Object) -> Val {
        let id = self.add(object);
        self.here().touched.insert(id);
        Val::Object(id)
    }

    /// A thread.
    ///
    /// # Panics
    /// If there is no such thread.
    pub fn thread(&self, id: Id) -> &Thread {
        match self.objects.get(&id) {
            Some(Object::Thread(thread)) => thread,
            _ => panic!("{id} is no thread of the model"),
        }
    }

    /// The same, to be changed.
    ///
    /// # Panics
    /// If there is no such thread.
    pub fn thread_mut(&mut self, id: Id) -> &mut Thread {
        match self.objects.get_mut(&id) {
            Some(Object::Thread(thread)) => thread,
            _ => panic!("{id} is no thread of the model"),
        }
    }

    /// The running thread.
    pub fn here(&mut self) -> &mut Thread {
        self.thread_mut(self.current)
    }

    /// Notes that values lie on a thread's stack.
    pub fn touch(&mut self, thread: Id, values: &[Val]) {
        let touched = &mut self.thread_mut(thread).touched;
        touched.extend(values.iter().filter_map(|value| if let Val::Object(id) = value { Some(*id) } else { None }));
    }

    /// Whether a value is a thread that a body may resume: not the main thread while that is the host's.
    pub fn as_coroutine(&self, value: &Val) -> Option<Id> {
        self.as_thread(value).filter(|&id| id != MAIN || self.thread(id).activity == Activity::Active)
    }

    /// Whether a value is a thread.
    pub fn as_thread(&self, value: &Val) -> Option<Id> {
        match value {
            Val::Object(id) if matches!(self.objects.get(id), Some(Object::Thread(_))) => Some(*id),
            _ => None,
        }
    }

    /// Whether a value is a function.
    pub fn is_function(&self, value: &Val) -> bool {
        match value {
            Val::Native(_) => true,
            Val::Object(id) => {
                matches!(self.objects.get(id), Some(Object::Closure { .. } | Object::Holder(_) | Object::Wrapped(_)))
            }
            _ => false,
        }
    }

    /// The name of a value's type.
    pub fn type_name(&self, value: &Val) -> &'static str {
        match value {
            Val::Nil => "nil",
            Val::Bool(_) => "boolean",
            Val::Int(_) | Val::Float(_) => "number",
            Val::Str(_) => "string",
            Val::Light(_) => "userdata",
            Val::Native(_) => "function",
            Val::Object(id) => match self.objects.get(id) {
                Some(Object::Table(..)) => "table",
                Some(Object::Userdata(_)) => "userdata",
                Some(Object::Thread(_)) => "thread",
                _ => "function",
            },
        }
    }

    /// What `coroutine.status` says of a thread to somebody who does not run.
    pub fn status_name(&self, id: Id) -> &'static str {
        let thread = self.thread(id);
        match thread.activity {
            Activity::Active => "normal",
            Activity::Suspended => "suspended",
            Activity::Idle if !thread.base.is_empty() => "suspended",
            _ => "dead",
        }
    }

    /// What an object is, for messages: its type, and whose stack has held it.
    pub fn describe(&self, id: Id) -> String {
        let has_held = |(other, object): (&Id, &Object)| match object {
            Object::Thread(thread) if thread.touched.contains(&id) => Some(*other),
            _ => None,
        };
        let holders: Vec<Id> = self.objects.iter().filter_map(has_held).collect();
        format!("{} {id} (on the stacks of {holders:?})", self.type_name(&Val::Object(id)))
    }

    /// Whether the running thread can yield.
    pub fn can_yield(&self) -> bool {
        let crossable = |frame: &Frame| !matches!(frame, Frame::Native { unyieldable: true, .. });
        self.thread(self.current).frames.iter().all(crossable)
    }

    /// How many levels of native calls are in use: one for each call on the Rust stack, and one for each coroutine from the running
    /// one down to the thread in which the host has called a function.
    pub fn levels(&self) -> usize {
        let mut levels = 0;
        let mut next = Some(self.current);
        while let Some(id) = next {
            let thread = self.thread(id);
            levels += thread.frames.iter().filter(|frame| frame.is_nested()).count();
            levels += usize::from(!matches!(thread.frames.first(), Some(Frame::Native { work: Work::Host, .. })));
            next = thread.resumer;
        }
        levels
    }

    /// The table with a metamethod that an op makes.
    pub fn make_meta(&mut self, meta: Meta, f: &Val) -> Val {
        self.add_here(Object::Table(Vec::new(), Some((meta.event(), f.clone()))))
    }

    /// The activations of Lua functions of a thread, the running one first.
    pub fn bodies(&self, id: Id) -> Vec<&Body> {
        let frames = self.thread(id).frames.iter().rev();
        frames.filter_map(|frame| if let Frame::Body(body) = frame { Some(body) } else { None }).collect()
    }
}
