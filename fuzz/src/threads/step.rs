//! Steps: what a test does to a state, one after the other.
//!
//! A step names threads and objects by numbers that are taken modulo how many there are, and asks for no more values than there
//! are. So any list of steps makes sense, also one from which some were left out. 0 is the main thread; the others are counted
//! from the newest, those that cannot be resumed left out below [`ANY_THREAD`].

use std::rc::Rc;

use super::body::{Func, Gc};
use super::value::{Native, Val};
use crate::property::Shrink;

/// From this number on any thread is meant.
pub const ANY_THREAD: usize = 100;

/// From this number of arguments on a new coroutine gets just as many; below, as many as lie above its topmost function.
pub const RAW_COUNT: usize = 4;

/// What happens at a call of `tick` during a step.
#[derive(Clone, PartialEq, Debug)]
pub enum TickAct {
    /// The status of every thread is noted.
    Look,
    /// The heap is checked.
    Check,
    /// The collector is told something.
    Collect(Gc),
    /// An error with this value.
    Raise(Val),
    /// A yield of these values, if a yield is possible.
    Yield(Vec<Val>),
}

/// At which calls of `tick`, counted from 0 in each step, something happens.
pub type Plan = Vec<(u32, TickAct)>;

/// What a hook does, besides counting.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum HookWork {
    /// Nothing.
    #[default]
    Nothing,
    /// Now and then a step of the collector.
    Collect,
    /// Now and then a yield, where the host has resumed the thread.
    Yield,
}

/// A step.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// A new thread, pushed on the stack of a thread.
    NewThread {
        /// On whose stack.
        on: usize,
    },
    /// Pushes plain values.
    Push {
        /// On whose stack.
        on: usize,
        /// The values.
        values: Vec<Val>,
    },
    /// Pushes any object that is known to be alive.
    PushObject {
        /// On whose stack.
        on: usize,
        /// Which object.
        object: usize,
    },
    /// Pushes a thread.
    PushThread {
        /// On whose stack.
        on: usize,
        /// Which thread.
        thread: usize,
    },
    /// Pushes a new chunk.
    Load {
        /// On whose stack.
        on: usize,
        /// The chunk.
        body: Rc<Func>,
    },
    /// Pushes a native.
    PushNative {
        /// On whose stack.
        on: usize,
        /// Which.
        native: Native,
    },
    /// Replaces the topmost value by a native closure that holds it and returns it when called.
    Hold {
        /// On whose stack.
        on: usize,
    },
    /// Takes values off.
    Pop {
        /// From whose stack.
        on: usize,
        /// How many.
        n: usize,
    },
    /// Moves values from one thread to another with `xmove`, as many as there are if there are fewer.
    Move {
        /// From whose stack.
        from: usize,
        /// To whose stack.
        to: usize,
        /// How many.
        n: usize,
    },
    /// Resumes a thread.
    Resume {
        /// Which.
        on: usize,
        /// With how many arguments.
        nargs: usize,
        /// On behalf of which thread.
        from: Option<usize>,
        /// What happens meanwhile.
        plan: Plan,
    },
    /// Calls a function in a thread that is no suspended coroutine, in protected mode.
    Call {
        /// In which thread.
        on: usize,
        /// With how many arguments.
        nargs: usize,
        /// What happens meanwhile.
        plan: Plan,
    },
    /// Pops a value of the main thread into a place of the registry.
    Store {
        /// Which place.
        slot: usize,
    },
    /// Forgets what is in a place of the registry.
    Forget {
        /// Which place.
        slot: usize,
    },
    /// Tells the collector something.
    Collect(Gc),
    /// Sets the hook of a thread.
    Hook {
        /// Of which thread.
        on: usize,
        /// For which events.
        mask: u8,
        /// The count for the count hook.
        count: i32,
        /// What it does.
        work: HookWork,
    },
    /// Makes a traceback of a thread.
    Traceback {
        /// Of which thread.
        on: usize,
    },
    /// The step with a limit on memory: that many more bytes than are in use.
    Limited(usize, Box<Step>),
    /// The step with one allocation that fails at first, after that many others.
    Failing(u64, Box<Step>),
    /// Forgets everything; nothing must stay alive.
    Reset,
}

impl Step {
    /// The chunk that it loads.
    pub fn body(&self) -> Option<&Rc<Func>> {
        match self {
            Self::Load { body, .. } => Some(body),
            Self::Limited(_, step) | Self::Failing(_, step) => step.body(),
            _ => None,
        }
    }

    /// The `n`-th of the steps that are like it, but plainer.
    fn plainer(&self, n: usize) -> Option<Self> {
        match self {
            Self::Limited(_, step) | Self::Failing(_, step) => (n == 0).then(|| (**step).clone()),
            Self::Resume { on, nargs, from: Some(_), plan } => {
                let plan = plan.clone();
                (n == 0).then_some(Self::Resume { on: *on, nargs: *nargs, from: None, plan })
            }
            Self::Resume { plan, .. } | Self::Call { plan, .. } => {
                let mut plainer = self.clone();
                if let Self::Resume { plan: shorter, .. } | Self::Call { plan: shorter, .. } = &mut plainer {
                    if n >= plan.len() {
                        return None;
                    }
                    shorter.remove(n);
                }
                Some(plainer)
            }
            Self::Push { on, values } if n < values.len() => {
                let mut values = values.clone();
                values.remove(n);
                Some(Self::Push { on: *on, values })
            }
            _ => None,
        }
    }

    /// The same with another chunk.
    fn with_body(&self, new: Rc<Func>) -> Self {
        match self {
            Self::Load { on, .. } => Self::Load { on: *on, body: new },
            Self::Limited(n, step) => Self::Limited(*n, Box::new(step.with_body(new))),
            Self::Failing(n, step) => Self::Failing(*n, Box::new(step.with_body(new))),
            other => other.clone(),
        }
    }
}

/// A step becomes a plainer one, or its chunk a smaller one.
impl Shrink for Step {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(plainer) = self.plainer(n) {
            return Some(plainer);
        }
        let at = n - (0..n).position(|k| self.plainer(k).is_none()).unwrap_or(n);
        let body = self.body()?;
        (at < body.size()).then(|| self.with_body(body.without(at)))
    }
}
