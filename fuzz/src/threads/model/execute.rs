//! How the model executes: one small step after the other on explicit frames, until the host is reached.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Activity, Body, Ending, Env, Frame, Model, Object, ResumedBy, Sight, Thread, Work};
use crate::threads::source::DEEP_POSITION;
use crate::threads::step::{Plan, TickAct};
use crate::threads::value::{Id, MAIN, Val, first};

/// How many ticks a step has before they raise errors, so that it ends.
pub const FUEL: u32 = 80;
/// What these errors say.
pub const OUT_OF_FUEL: &str = "out of fuel";

/// What is to be done next in the running thread.
pub(super) enum Control {
    /// The topmost frame, a Lua function's, goes on.
    Run,
    /// A value is called with arguments.
    Call(Val, Vec<Val>),
    /// The topmost frame gets the results of what it called.
    Deliver(Vec<Val>),
    /// An error with this value is raised.
    Raise(Val),
    /// The topmost frame hears of the coroutine that it resumed.
    Resumed(Ending, Vec<Val>),
    /// The host goes on.
    Stop(Ending),
}

/// Why a coroutine cannot be resumed.
const DEAD: &str = "cannot resume dead coroutine";
const NOT_SUSPENDED: &str = "cannot resume non-suspended coroutine";

/// Values behind another one.
pub(super) fn prefixed(value: Val, mut values: Vec<Val>) -> Vec<Val> {
    values.insert(0, value);
    values
}

impl Model {
    /// Begins a step in which something runs.
    pub fn begin(&mut self, plan: &Plan) {
        self.plan.clone_from(plan);
        self.ticks = 0;
        self.sights.clear();
    }

    /// The host resumes a thread.
    pub fn host_resume(&mut self, id: Id, nargs: usize) -> Ending {
        let ending = match self.enter_coroutine(id, nargs, None) {
            Ok(control) => self.run(control),
            Err(message) => {
                let stack = self.thread_mut(id).stack_mut();
                stack.truncate(stack.len().saturating_sub(nargs));
                stack.push(Val::text(message));
                Ending::Error
            }
        };
        self.current = MAIN;
        ending
    }

    /// The host calls a function in an idle thread.
    pub fn host_call(&mut self, id: Id, nargs: usize) -> Ending {
        self.current = id;
        let thread = self.here();
        let args = thread.base.split_off(thread.base.len() - nargs);
        let f = thread.base.pop().unwrap_or(Val::Nil);
        thread.activity = Activity::Active;
        thread.frames.push(Frame::Native { work: Work::Host, unyieldable: true, nested: true });
        let ending = self.run(Control::Call(f, args));
        self.current = MAIN;
        ending
    }

    fn run(&mut self, mut control: Control) -> Ending {
        loop {
            self.executed += 1;
            control = match control {
                Control::Run => self.run_body(),
                Control::Call(f, args) => self.call(f, args),
                Control::Deliver(values) => self.deliver(values),
                Control::Raise(value) => self.raise(value),
                Control::Resumed(ending, values) => self.resumed(ending, values),
                Control::Stop(ending) => return ending,
            }
        }
    }

    /// Where a native says that it was called.
    pub(super) fn position(&self) -> String {
        match self.thread(self.current).frames.last() {
            Some(Frame::Body(body)) => body.position(),
            Some(Frame::Native { work: Work::Deep, .. }) => DEEP_POSITION.into(),
            _ => String::new(),
        }
    }

    /// Raises an error with a message that says where the running native was called.
    pub(super) fn raise_here(&self, message: &str) -> Control {
        Control::Raise(Val::text(self.position() + message))
    }

    /// Calls a value.
    fn call(&mut self, f: Val, args: Vec<Val>) -> Control {
        self.touch(self.current, &args);
        self.touch(self.current, std::slice::from_ref(&f));
        match &f {
            Val::Native(native) => self.call_native(*native, args),
            Val::Object(id) => match self.objects.get(id) {
                Some(Object::Closure { func, env, chunk }) => {
                    let mut padded = args.iter().cloned().chain(std::iter::repeat(Val::Nil));
                    let cells = std::array::from_fn(|_| RefCell::new(padded.next().unwrap_or(Val::Nil)));
                    let body = Body {
                        func: func.clone(),
                        closure: *id,
                        chunk: *chunk,
                        env: Rc::new(Env { cells, parent: env.clone() }),
                        varargs: if func.vararg { args } else { Vec::new() },
                        pc: 0,
                        stage: 0,
                        keep: Vec::new(),
                    };
                    self.here().frames.push(Frame::Body(body));
                    Control::Run
                }
                Some(Object::Holder(value)) => Control::Deliver(vec![value.clone()]),
                Some(Object::Wrapped(co)) => self.resume(*co, args, ResumedBy::Wrap),
                Some(Object::Table(_, Some(("__call", method)))) => {
                    Control::Call(method.clone(), prefixed(f.clone(), args))
                }
                _ => Control::Raise(self.call_error(&f)),
            },
            _ => Control::Raise(self.call_error(&f)),
        }
    }

    fn call_error(&self, f: &Val) -> Val {
        Val::text(format!("attempt to call a {} value", self.type_name(f)))
    }

    /// Gives results to the topmost frame.
    fn deliver(&mut self, values: Vec<Val>) -> Control {
        self.touch(self.current, &values);
        match self.here().frames.last() {
            None => self.coroutine_ends(values),
            Some(Frame::Body(_)) => self.finish_op(values),
            Some(Frame::Native { .. }) => match self.here().frames.pop() {
                Some(Frame::Native { work, unyieldable, nested }) => {
                    self.deliver_to_native(work, unyieldable, nested, values)
                }
                _ => unreachable!("the frame was there just now"),
            },
        }
    }

    /// The function of a coroutine has come back.
    fn coroutine_ends(&mut self, values: Vec<Val>) -> Control {
        let thread = self.here();
        thread.activity = Activity::Idle;
        thread.base.extend(values);
        match thread.resumer.take() {
            None => Control::Stop(Ending::Ok),
            Some(resumer) => {
                let values = std::mem::take(&mut thread.base);
                self.current = resumer;
                Control::Resumed(Ending::Ok, values)
            }
        }
    }

    /// Delivers an error to a frame that takes it, to the resumer, or to the host.
    fn raise(&mut self, value: Val) -> Control {
        self.touch(self.current, std::slice::from_ref(&value));
        let type_name = self.type_name(&value);
        let thread = self.here();
        let Some(place) = thread.frames.iter().rposition(Frame::takes_errors) else {
            return self.coroutine_dies(value);
        };
        // The handler is that of the innermost protected call, also where somebody else takes the error.
        let handler = thread.frames.iter().rev().find_map(|frame| match frame {
            Frame::Native { work: Work::Protected { handler }, .. } => Some(*handler),
            Frame::Native { work: Work::Host, .. } => Some(false),
            _ => None,
        });
        let value = if handler == Some(true) { Val::text(type_name) } else { value };
        thread.frames.truncate(place + 1);
        match thread.frames.pop() {
            Some(Frame::Native { work: Work::Protected { .. } | Work::KeepError, .. }) => {
                Control::Deliver(vec![Val::Bool(false), value])
            }
            _ => {
                thread.activity = Activity::Idle;
                thread.base.push(value);
                Control::Stop(Ending::Error)
            }
        }
    }

    fn coroutine_dies(&mut self, value: Val) -> Control {
        let thread = self.here();
        thread.activity = Activity::Dead;
        thread.opaque = true;
        if let Some(lowest) = thread.frames.iter().position(Frame::is_nested) {
            thread.cut = true;
            thread.frames.truncate(lowest + 1);
        }
        match thread.resumer.take() {
            None => {
                thread.visible = vec![value];
                Control::Stop(Ending::Error)
            }
            Some(resumer) => {
                thread.visible.clear();
                self.current = resumer;
                Control::Resumed(Ending::Error, vec![value])
            }
        }
    }

    /// A coroutine has come back to the frame that resumed it.
    fn resumed(&mut self, ending: Ending, values: Vec<Val>) -> Control {
        self.touch(self.current, &values);
        let by = match self.here().frames.pop() {
            Some(Frame::Native { work: Work::Resume { by, .. }, .. }) => by,
            _ => unreachable!("whoever resumed a coroutine waits for it"),
        };
        match (by, ending) {
            (ResumedBy::Resume, Ending::Error) => Control::Deliver(prefixed(Val::Bool(false), values)),
            (ResumedBy::Resume, _) => Control::Deliver(prefixed(Val::Bool(true), values)),
            (ResumedBy::Wrap, Ending::Error) => match first(&values) {
                Val::Str(message) => self.raise_here(&message),
                other => Control::Raise(other),
            },
            (ResumedBy::Wrap, _) => Control::Deliver(values),
            (ResumedBy::Native, _) => {
                let name = match ending {
                    Ending::Ok => "ok",
                    Ending::Yield => "yield",
                    Ending::Error => "error",
                };
                Control::Deliver(prefixed(Val::text(name), values))
            }
        }
    }

    /// The running thread resumes a coroutine.
    pub(super) fn resume(&mut self, co: Id, args: Vec<Val>, by: ResumedBy) -> Control {
        let from = self.current;
        let nargs = args.len();
        let held = match by {
            ResumedBy::Wrap => 0,
            _ => 1,
        };
        // The library's functions look at the stack first, and so take a thread that waits with an empty frame for a dead one.
        let is_empty = match self.thread(co) {
            _ if by == ResumedBy::Native => false,
            Thread { activity: Activity::Idle, base, .. } => base.is_empty(),
            Thread { activity: Activity::Active, .. } if co == from => held + nargs == 0,
            Thread { activity: Activity::Active, frames, .. } => {
                matches!(frames.last(), Some(Frame::Native { work: Work::Resume { held: 0, .. }, .. }))
            }
            _ => false,
        };
        if !is_empty && self.thread(co).activity != Activity::Active {
            self.thread_mut(co).stack_mut().extend(args.iter().cloned());
        }
        let entered = if is_empty { Err(DEAD) } else { self.enter_coroutine(co, nargs, Some(from)) };
        match entered {
            Ok(control) => {
                self.touch(co, &args);
                let frame = Frame::waiting(Work::Resume { co, by, held });
                self.thread_mut(from).frames.push(frame);
                control
            }
            Err(message) => {
                let thread = self.thread_mut(co);
                if !is_empty && thread.activity != Activity::Active {
                    let len = thread.stack().len() - nargs;
                    thread.stack_mut().truncate(len);
                }
                match by {
                    ResumedBy::Resume => Control::Deliver(vec![Val::Bool(false), Val::text(message)]),
                    ResumedBy::Wrap => self.raise_here(message),
                    ResumedBy::Native => Control::Deliver(vec![Val::text("error"), Val::text(message)]),
                }
            }
        }
    }

    /// Makes a coroutine the running thread if it can be resumed with the topmost values of its stack.
    fn enter_coroutine(&mut self, id: Id, nargs: usize, resumer: Option<Id>) -> Result<Control, &'static str> {
        let thread = self.thread_mut(id);
        let control = match thread.activity {
            Activity::Active => return Err(NOT_SUSPENDED),
            Activity::Dead => return Err(DEAD),
            Activity::Idle => {
                let Some(place) = thread.base.len().checked_sub(nargs + 1) else { return Err(DEAD) };
                let args = thread.base.split_off(place + 1);
                Control::Call(thread.base.pop().unwrap_or(Val::Nil), args)
            }
            Activity::Suspended => {
                let mut values = std::mem::take(&mut thread.visible);
                thread.opaque = false;
                for frame in &mut thread.frames {
                    if let Frame::Native { nested, .. } = frame {
                        *nested = false;
                    }
                }
                if let Some(Frame::Native { work: Work::Yield { again: None, .. }, .. }) = thread.frames.last() {
                    values.drain(..values.len().saturating_sub(nargs));
                }
                Control::Deliver(values)
            }
        };
        thread.activity = Activity::Active;
        thread.resumer = resumer;
        self.current = id;
        Ok(control)
    }

    /// The running coroutine yields.
    pub(super) fn yield_values(&mut self, values: Vec<Val>, hidden: Vec<Val>, again: Option<usize>) -> Control {
        if !self.can_yield() {
            let is_main = self.current == MAIN;
            let place = if is_main { "from outside a coroutine" } else { "across a C-call boundary" };
            return Control::Raise(Val::text(format!("attempt to yield {place}")));
        }
        let thread = self.here();
        thread.activity = Activity::Suspended;
        let hides = !hidden.is_empty();
        thread.frames.push(Frame::waiting(Work::Yield { hidden, again }));
        match thread.resumer.take() {
            None => {
                thread.visible = values;
                Control::Stop(Ending::Yield)
            }
            Some(resumer) => {
                thread.visible.clear();
                thread.opaque = hides;
                self.current = resumer;
                Control::Resumed(Ending::Yield, values)
            }
        }
    }

    /// Counts a tick; an error if there were too many.
    pub(super) fn spend(&mut self) -> Result<u32, Control> {
        let tick = self.ticks;
        self.ticks += 1;
        if tick < FUEL { Ok(tick) } else { Err(Control::Raise(Val::text(OUT_OF_FUEL))) }
    }

    /// A call of `tick`.
    pub(super) fn tick(&mut self) -> Control {
        let tick = match self.spend() {
            Ok(tick) => tick,
            Err(control) => return control,
        };
        for (at, act) in self.plan.clone() {
            match act {
                _ if at != tick => {}
                TickAct::Look => {
                    let is_thread = |id: &Id| matches!(self.objects[id], Object::Thread(_));
                    let threads = self.objects.keys().copied().filter(is_thread);
                    let threads = threads.map(|id| (id, self.status_name(id))).collect();
                    let (can_yield, levels) = (self.can_yield(), self.levels());
                    let sight = Sight { tick, running: self.current, can_yield, levels, threads };
                    self.sights.push(sight);
                }
                TickAct::Check | TickAct::Collect(_) => {}
                TickAct::Raise(value) => return Control::Raise(value),
                TickAct::Yield(values) => {
                    if self.can_yield() {
                        return self.yield_values(values, Vec::new(), None);
                    }
                }
            }
        }
        Control::Deliver(Vec::new())
    }
}
