//! Runs a list of steps on a new state and on the model, side by side.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::body::Gc;
use super::generate::Story;
use super::model::{Activity, Ending, Model, Object, Thread};
use super::real::natives::{self, check_heap, with};
use super::real::{Fault, Memory, Real, ending, expect};
use super::source;
use super::step::{ANY_THREAD, RAW_COUNT, Step};
use super::value::{Id, MAIN, Val};

/// After how many steps the heap is checked in any case, and all threads are compared.
const CHECK_EVERY: usize = if cfg!(gc_zeal) { 1 } else { 16 };
/// More values than these are not gathered on a stack.
const FULL: usize = 15;

/// What there was to see in the steps of an episode, so that a test can tell whether it has seen enough.
#[derive(Clone, Copy, Default, Debug)]
pub struct Report {
    /// Steps that did something.
    pub steps: usize,
    /// Coroutines resumed by the host.
    pub resumes: usize,
    /// Of these, those that yielded.
    pub yields: usize,
    /// Those that ended by an error.
    pub errors: usize,
    /// Ops of bodies, and other small steps of the model.
    pub executed: u64,
    /// Full collections after which everything was accounted for.
    pub collections: usize,
    /// Steps during which memory ran out.
    pub without_memory: usize,
    /// Steps during which an allocation failed and was made up for.
    pub made_up: usize,
    /// Calls of hooks.
    pub hooks: u64,
}

impl Report {
    /// Adds what another episode has seen.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.resumes += other.resumes;
        self.yields += other.yields;
        self.errors += other.errors;
        self.executed += other.executed;
        self.collections += other.collections;
        self.without_memory += other.without_memory;
        self.made_up += other.made_up;
        self.hooks += other.hooks;
    }
}

/// Where an episode failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the step, from 0; as many as there are if it was the closing.
    pub step: usize,
    /// What was wrong.
    pub message: String,
}

struct Episode<'m> {
    model: Model,
    real: Real<'m>,
    report: Report,
    /// What must be alive, threads first.
    alive: BTreeSet<Id>,
    /// Whether a finalizer may have failed for lack of memory.
    lost_finalizers: bool,
    /// Threads that this step has worked with.
    used: Vec<Id>,
}

impl Episode<'_> {
    /// The thread that a number stands for: the main thread, one that can be resumed, or any.
    fn thread(&mut self, n: usize) -> Id {
        let threads = |wanted: &dyn Fn(&Thread) -> bool| -> Vec<Id> {
            let is_wanted = |id: &Id| {
                *id != MAIN && matches!(self.model.objects.get(id), Some(Object::Thread(thread)) if wanted(thread))
            };
            self.alive.iter().copied().filter(is_wanted).collect()
        };
        let mut candidates = Vec::new();
        if n > 0 && n < ANY_THREAD {
            candidates = threads(&|thread| self.can_go_on(thread));
        }
        if n > 0 && candidates.is_empty() {
            candidates = threads(&|_| true);
        }
        let n = if n < ANY_THREAD { n.saturating_sub(1) } else { n - ANY_THREAD };
        let newest_first = candidates.len().checked_sub(1 + n % candidates.len().max(1));
        let id = newest_first.map_or(MAIN, |place| candidates[place]);
        self.used.push(id);
        id
    }

    /// Whether a thread is suspended, or has something to begin with.
    fn can_go_on(&self, thread: &Thread) -> bool {
        match thread.activity {
            Activity::Idle => thread.base.iter().any(|value| self.model.is_function(value)),
            activity => activity == Activity::Suspended,
        }
    }

    /// Pushes a value that the model knows; the machine has done so already.
    fn pushed(&mut self, on: Id, value: Val) {
        self.model.touch(on, std::slice::from_ref(&value));
        self.model.thread_mut(on).stack_mut().push(value);
    }

    fn is_full(&self, on: Id) -> bool {
        self.model.thread(on).stack().len() >= FULL
    }

    /// Does a step on both sides; false if there was nothing to do.
    fn act(&mut self, step: &Step) -> Result<bool, Fault> {
        match step {
            Step::NewThread { on } => {
                let on = self.thread(*on);
                self.push(on, step)?;
            }
            Step::Push { on, .. }
            | Step::PushObject { on, .. }
            | Step::PushThread { on, .. }
            | Step::Load { on, .. }
            | Step::PushNative { on, .. } => {
                let on = self.thread(*on);
                if self.is_full(on) {
                    return Ok(false);
                }
                self.push(on, step)?;
            }
            Step::Hold { .. } | Step::Pop { .. } | Step::Move { .. } | Step::Store { .. } | Step::Forget { .. } => {
                return self.rearrange(step);
            }
            Step::Resume { .. } | Step::Call { .. } => return self.execute(step),
            Step::Collect(gc) => {
                natives::collect(self.real.main(), *gc).map_err(|thrown| format!("{thrown:?}"))?;
                check_heap(self.real.main());
                if *gc == Gc::Full {
                    self.real.check_collected(&mut self.model)?;
                    self.report.collections += 1;
                }
            }
            Step::Hook { on, mask, count, work } => {
                let on = self.thread(*on);
                with(|shared| shared.hook_work.set(*work));
                self.real.thread(on)?.set_hook(Some(natives::hook), *mask, *count);
            }
            Step::Traceback { on } => {
                let on = self.thread(*on);
                self.real.traceback(on)?;
            }
            Step::Limited(bytes, step) => {
                self.real.memory.allow(*bytes);
                return self.act(step);
            }
            Step::Failing(count, step) => {
                self.real.memory.fail_after(*count);
                return self.act(step);
            }
            Step::Reset => self.reset()?,
        }
        Ok(true)
    }

    /// The steps that push something on a thread's stack.
    fn push(&mut self, on: Id, step: &Step) -> Result<(), Fault> {
        match step {
            Step::NewThread { .. } => {
                let id = self.model.add(Object::Thread(Box::default()));
                self.pushed(on, Val::Object(id));
                self.real.on(on, |lua| {
                    lua.new_thread()?;
                    natives::know(lua).map(drop)
                })
            }
            Step::Push { values, .. } => {
                values.iter().for_each(|value| self.pushed(on, value.clone()));
                self.real.on(on, |lua| values.iter().try_for_each(|value| natives::push_plain(lua, value)))
            }
            Step::PushObject { object, .. } => {
                let id = *self.alive.iter().nth(object % self.alive.len()).unwrap_or(&MAIN);
                self.pushed(on, Val::Object(id));
                self.real.push_object(on, id)
            }
            Step::PushThread { thread, .. } => {
                let id = self.thread(*thread);
                self.pushed(on, Val::Object(id));
                self.real.push_object(on, id)
            }
            Step::PushNative { native, .. } => {
                self.pushed(on, Val::Native(*native));
                self.real.on(on, |lua| natives::push_native(lua, *native))
            }
            Step::Load { body, .. } => {
                let text = source::write(body);
                let chunk = self.model.next;
                let id = self.model.add(Object::Closure { func: body.clone(), env: None, chunk });
                self.pushed(on, Val::Object(id));
                self.real.load(on, &text, chunk)
            }
            _ => unreachable!("only steps that push come here"),
        }
    }

    /// The steps that move values or take them away.
    fn rearrange(&mut self, step: &Step) -> Result<bool, Fault> {
        match *step {
            Step::Hold { on } => {
                let on = self.thread(on);
                let Some(value) = self.model.thread_mut(on).stack_mut().pop() else { return Ok(false) };
                let id = self.model.add(Object::Holder(value));
                self.pushed(on, Val::Object(id));
                self.real.hold(on)?;
            }
            Step::Pop { on, n } => {
                let on = self.thread(on);
                let stack = self.model.thread_mut(on).stack_mut();
                let n = n.min(stack.len());
                stack.truncate(stack.len() - n);
                self.real.thread(on)?.pop(n);
            }
            Step::Move { from, to, n } => {
                let (from, to) = (self.thread(from), self.thread(to));
                let source = self.model.thread(from);
                let len = source.stack().len();
                // Of values that the model does not know it leaves its hands.
                let n = if source.opaque { n.min(len) } else { n };
                if from != to {
                    let values = self.model.thread_mut(from).stack_mut().split_off(len - n.min(len));
                    values.into_iter().for_each(|value| self.pushed(to, value));
                }
                self.real.xmove(from, to, n)?;
            }
            Step::Store { slot } => {
                let Some(value) = self.model.thread_mut(MAIN).base.pop() else { return Ok(false) };
                self.model.slots[slot] = value;
                self.used.push(MAIN);
                self.real.store(slot)?;
            }
            Step::Forget { slot } => {
                self.model.slots[slot] = Val::Nil;
                self.real.forget(slot)?;
            }
            _ => unreachable!("only steps that rearrange come here"),
        }
        Ok(true)
    }

    /// How many arguments a call in an idle thread has: so many that the topmost function is called, or just as many as are said.
    fn count_arguments(&self, on: Id, nargs: usize) -> usize {
        let base = &self.model.thread(on).base;
        match base.iter().rposition(|value| self.model.is_function(value)) {
            Some(place) if nargs < RAW_COUNT => base.len() - 1 - place,
            _ => nargs,
        }
    }

    /// The steps that run something.
    fn execute(&mut self, step: &Step) -> Result<bool, Fault> {
        let (expected, status, on) = match step {
            Step::Resume { on, nargs, from, plan } => {
                let any = *on >= ANY_THREAD;
                let on = self.thread(*on);
                if on == MAIN || !(any || self.can_go_on(self.model.thread(on))) {
                    return Ok(false);
                }
                let from = from.map(|from| self.thread(from));
                let thread = self.model.thread(on);
                let is_idle = thread.activity == Activity::Idle;
                let nargs = if is_idle { self.count_arguments(on, *nargs) } else { (*nargs).min(thread.stack().len()) };
                self.model.begin(plan);
                let expected = self.model.host_resume(on, nargs);
                self.share_sights();
                self.report.resumes += 1;
                (expected, self.real.resume(on, nargs, from, plan)?, on)
            }
            Step::Call { on, nargs, plan } => {
                let on = self.thread(*on);
                let thread = self.model.thread(on);
                if thread.activity != Activity::Idle || thread.base.is_empty() {
                    return Ok(false);
                }
                let nargs = self.count_arguments(on, *nargs).min(thread.base.len() - 1);
                self.model.begin(plan);
                let expected = self.model.host_call(on, nargs);
                self.share_sights();
                (expected, self.real.call(on, nargs, plan)?, on)
            }
            _ => unreachable!("only steps that run something come here"),
        };
        if ending(status) != expected {
            let desk = self.real.desk()?;
            let thread = self.real.thread(on)?;
            let _ = thread.push_value(-1).and_then(|()| thread.xmove(desk, 1));
            let value = expect(desk, &Val::Light(1)).err().unwrap_or_default();
            let visible = self.model.thread(on).stack();
            return Err(format!(
                "thread {on} ended with {status:?} instead of {expected:?} {visible:?}; it has {value}"
            ));
        }
        match expected {
            Ending::Yield => self.report.yields += 1,
            Ending::Error => self.report.errors += 1,
            Ending::Ok => {}
        }
        let seen = with(|shared| shared.seen.get());
        if seen != self.model.sights.len() {
            return Err(format!("{seen} sights instead of {}", self.model.sights.len()));
        }
        Ok(true)
    }

    /// Lets the natives know what the model expects.
    fn share_sights(&mut self) {
        with(|shared| shared.expected.borrow_mut().clone_from(&self.model.sights));
    }

    /// Forgets everything on both sides; nothing must stay.
    fn reset(&mut self) -> Result<(), Fault> {
        self.real.reset()?;
        check_heap(self.real.main());
        let next = with(|shared| shared.next.get()).max(self.model.next);
        with(|shared| shared.next.set(next));
        let unfinalized = std::mem::take(&mut self.model.unfinalized);
        self.model = Model { next, unfinalized, executed: self.model.executed, ..Model::new() };
        if self.lost_finalizers {
            with(|shared| shared.finalized.take());
            self.model.unfinalized.clear();
        }
        self.real.check_collected(&mut self.model)?;
        self.report.collections += 1;
        Ok(())
    }

    /// A step after which the machine may be anywhere, since memory ran out: it must be sound, a thread that ended by an
    /// error must be dead, and everything must go away.
    fn recover(&mut self, step: &Step) -> Result<(), Fault> {
        self.report.without_memory += 1;
        self.lost_finalizers = true;
        let failure = with(|shared| shared.failure.take());
        if let Some(message) = failure.filter(|message| message.starts_with("heap check")) {
            return Err(message);
        }
        check_heap(self.real.main());
        if let (Step::Limited(_, step), Some(&on)) = (step, self.used.first())
            && matches!(**step, Step::Resume { .. })
            && on != MAIN
            && let Ok(thread) = self.real.thread(on)
            && thread.status().is_error()
        {
            if self.real.status_name(on)? != "dead" {
                return Err(format!("thread {on} has ended by an error, but is not dead"));
            }
            let status = thread.resume(None, 0);
            if status != perilune_vm::Status::ErrRun || thread.str_at(-1) != Some(b"cannot resume dead coroutine") {
                return Err(format!("thread {on} is dead, but was resumed with {status:?}"));
            }
        }
        self.reset()
    }

    /// Does a step and compares.
    fn step(&mut self, number: usize, step: &Step) -> Result<(), Fault> {
        self.used.clear();
        self.alive = self.model.alive();
        let failures = self.real.memory.failures();
        let acted = self.act(step);
        self.real.memory.relax();
        let failed = self.real.memory.failures() > failures;
        if failed && matches!(step, Step::Limited(..)) {
            return self.recover(step);
        }
        self.report.made_up += failed as usize;
        if !acted? {
            return Ok(());
        }
        self.report.steps += 1;
        self.model.same.extend(with(|shared| shared.same.take()));
        let check_all = number.is_multiple_of(CHECK_EVERY);
        if check_all {
            check_heap(self.real.main());
        }
        if let Some(message) = with(|shared| shared.failure.take()) {
            return Err(message);
        }
        let next = with(|shared| shared.next.get());
        if next != self.model.next {
            return Err(format!("the next object would be {next} instead of {}", self.model.next));
        }
        self.real.take_finalized(&mut self.model)?;
        self.alive = self.model.alive();
        if check_all {
            self.used = self.alive.iter().copied().collect();
            self.real.check_slots(&self.model)?;
            self.real.check_alive(&self.model)?;
        }
        for id in std::mem::take(&mut self.used) {
            if self.alive.contains(&id) && matches!(self.model.objects.get(&id), Some(Object::Thread(_))) {
                self.real.check_thread(&self.model, id)?;
            }
        }
        Ok(())
    }
}

/// The steps of a story do what the model says.
///
/// # Errors
/// Which step did not, and how.
pub fn holds(story: &Story) -> Result<(), String> {
    match run(&story.0, |_, _| {}) {
        Ok(_) => Ok(()),
        Err(failure) => Err(format!("step {}: {}", failure.step, failure.message)),
    }
}

/// Runs the steps from the opening of a state to its closing; `before` is told of each.
///
/// # Errors
/// Where the state first was not what the model says.
pub fn run(steps: &[Step], mut before: impl FnMut(usize, &Step)) -> Result<Report, Failure> {
    let memory = Memory::new();
    let failed = |step, message| Failure { step, message };
    let real = Real::open(&memory).map_err(|message| failed(0, message))?;
    let mut episode = Episode {
        model: Model::new(),
        real,
        report: Report::default(),
        alive: BTreeSet::new(),
        lost_finalizers: false,
        used: Vec::new(),
    };
    for (number, step) in steps.iter().enumerate() {
        before(number, step);
        let result = catch_unwind(AssertUnwindSafe(|| episode.step(number, step)));
        let message = match result {
            Ok(Ok(())) => continue,
            Ok(Err(message)) => message,
            Err(panic) => match panic.downcast::<String>() {
                Ok(text) => *text,
                Err(panic) => panic.downcast_ref::<&str>().map_or("a panic".into(), |text| text.to_string()),
            },
        };
        // What is not sound any more is not closed.
        std::mem::forget(episode);
        std::mem::forget(memory);
        return Err(failed(number, message));
    }
    let Episode { model, real, mut report, lost_finalizers, .. } = episode;
    drop(real);
    report.executed = model.executed;
    report.hooks = with(|shared| shared.hooks.get());
    let finalized: BTreeSet<Id> = with(|shared| shared.finalized.take()).into_iter().collect();
    if !lost_finalizers && finalized != model.unfinalized {
        let message = format!("closing the state finalized {finalized:?} instead of {:?}", model.unfinalized);
        return Err(failed(steps.len(), message));
    }
    match memory.faults() {
        Some(message) => Err(failed(steps.len(), message)),
        None => Ok(report),
    }
}
