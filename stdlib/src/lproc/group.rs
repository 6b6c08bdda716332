//! Groups: the processes that know one another's channels, and what they are made with.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, JoinHandle, Thread};
use std::time::Duration;

use perilune_alloc_adapters::{Limit, System};
use perilune_vm::{Lua, LuaAlloc, LuaResult, LuaState, OutOfMemory, PRELOAD_TABLE, REGISTRY_INDEX};

use super::channel::Channels;
use super::context::Context;
use super::memory::{Budget, SharedMemory};
use super::process::{Body, Outcome, Owner, Process};
use super::wait::{Deadline, Ended, Wait};

/// The name of the allocator that processes have by default.
const DEFAULT_ALLOCATOR: &str = "system";
/// How much Rust stack a process has by default. Lua takes none, and native functions that call each other this much at most.
const DEFAULT_STACK: usize = 256 << 10;

/// Makes a state under a limit and a budget, if there are any.
type Maker = Box<dyn Fn(Option<usize>, Option<&Arc<Budget>>) -> Result<Box<dyn Owner>, OutOfMemory> + Send + Sync>;

/// An allocator that processes can have.
struct Allocator {
    name: String,
    make: Maker,
}

fn make_state<A: LuaAlloc + Send + 'static>(allocator: A) -> Result<Box<dyn Owner>, OutOfMemory> {
    Ok(Box::new(Lua::new(allocator)?))
}

/// What the processes of a group are made with.
///
/// ```
/// use perilune_alloc_adapters::System;
/// use perilune_stdlib::lproc::{Budget, Processes, Settings};
///
/// let settings = Settings::new()
///     .allocator("plain", || System) // `lproc.start({alloc = "plain"}, ...)`
///     .default_allocator("plain")
///     .budget(&Budget::new(64 << 20)) // all processes together, and what lies in channels
///     .stack_size(512 << 10);
/// let processes = Processes::new(settings);
/// assert_eq!(processes.count(), 0);
/// ```
pub struct Settings {
    allocators: Vec<Allocator>,
    default: String,
    memory: SharedMemory,
    budget: Option<Arc<Budget>>,
    libraries: fn(&mut LuaState) -> LuaResult<()>,
    stack_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Every process has the allocator of the platform, called `system`, the standard library and 256 KiB of Rust stack, and
    /// nothing is limited.
    pub fn new() -> Self {
        let settings = Self {
            allocators: Vec::new(),
            default: DEFAULT_ALLOCATOR.to_owned(),
            memory: SharedMemory::default(),
            budget: None,
            libraries: crate::open_libs,
            stack_size: DEFAULT_STACK,
        };
        settings.allocator(DEFAULT_ALLOCATOR, || System)
    }

    /// Adds an allocator, or replaces the one of the same name. `make` is called for each process that asks for it by its name.
    #[must_use]
    pub fn allocator<A, F>(mut self, name: &str, make: F) -> Self
    where
        A: LuaAlloc + Send + 'static,
        F: Fn() -> A + Send + Sync + 'static,
    {
        let make: Maker = Box::new(move |limit, budget| match (limit, budget) {
            (None, None) => make_state(make()),
            (None, Some(budget)) => make_state(budget.wrap(make())),
            (Some(limit), None) => make_state(Limit::new(make(), limit)),
            (Some(limit), Some(budget)) => make_state(Limit::new(budget.wrap(make()), limit)),
        });
        self.allocators.retain(|allocator| allocator.name != name);
        self.allocators.push(Allocator { name: name.to_owned(), make });
        self
    }

    /// Chooses the allocator of the processes that ask for none. If there is none of that name, they cannot be started.
    #[must_use]
    pub fn default_allocator(mut self, name: &str) -> Self {
        name.clone_into(&mut self.default);
        self
    }

    /// Chooses the memory that is no state's: what channels hold, and what a process leaves for `join`.
    #[must_use]
    pub fn shared_memory(mut self, memory: impl LuaAlloc + Send + Sync + 'static) -> Self {
        self.memory = SharedMemory::new(memory);
        self
    }

    /// Puts the states of all processes under a budget. The host's own states, and the shared memory, are under it if the host
    /// [wraps](Budget::wrap) their allocators.
    #[must_use]
    pub fn budget(mut self, budget: &Arc<Budget>) -> Self {
        self.budget = Some(Arc::clone(budget));
        self
    }

    /// Chooses what opens the libraries of a new state, besides `lproc`.
    #[must_use]
    pub fn libraries(mut self, open: fn(&mut LuaState) -> LuaResult<()>) -> Self {
        self.libraries = open;
        self
    }

    /// Chooses how many bytes of Rust stack each process has.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }
}

/// What the processes of a group share.
pub(super) struct Group {
    pub(super) channels: Channels,
    settings: Settings,
    ids: AtomicU64,
    running: Mutex<Running>,
    /// How many processes run.
    count: AtomicUsize,
}

struct Running {
    processes: BTreeMap<u64, Member>,
    /// The threads of processes that have ended: they have nothing left to do, and whoever comes by waits for their ends.
    ended: Vec<JoinHandle<()>>,
    /// Who is to be woken when there are no processes.
    waiters: Vec<Thread>,
}

/// A process that runs.
struct Member {
    process: Arc<Process>,
    /// Its thread, as soon as whoever has started it knows it.
    thread: Option<JoinHandle<()>>,
}

/// Waits until threads that have nothing left to do are gone.
fn join_all(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // Panics of processes are caught in them, and told by the hook for panics.
        let _ = thread.join();
    }
}

impl Group {
    pub(super) fn new(mut settings: Settings) -> Arc<Self> {
        let memory = Arc::new(core::mem::take(&mut settings.memory));
        let running = Running { processes: BTreeMap::new(), ended: Vec::new(), waiters: Vec::new() };
        Arc::new(Self {
            channels: Channels::new(memory),
            settings,
            ids: AtomicU64::new(1),
            running: Mutex::new(running),
            count: AtomicUsize::new(0),
        })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // Nothing that is done under the lock panics.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn memory(&self) -> &Arc<SharedMemory> {
        self.channels.memory()
    }

    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn libraries(&self) -> fn(&mut LuaState) -> LuaResult<()> {
        self.settings.libraries
    }

    /// Makes a state on the allocator of a name, or on the default one; `Err` if there is none of that name.
    pub(super) fn make_state(
        &self,
        allocator: Option<&[u8]>,
        limit: Option<usize>,
    ) -> Option<Result<Box<dyn Owner>, OutOfMemory>> {
        let name = allocator.unwrap_or(self.settings.default.as_bytes());
        let allocator = self.settings.allocators.iter().find(|allocator| allocator.name.as_bytes() == name)?;
        Some((allocator.make)(limit, self.settings.budget.as_ref()))
    }

    /// The names of the allocators.
    pub(super) fn allocator_names(&self) -> String {
        let names: Vec<&str> = self.settings.allocators.iter().map(|allocator| allocator.name.as_str()).collect();
        names.join(", ")
    }

    /// Starts a process.
    ///
    /// # Errors
    /// The operating system gives no thread; the process has ended then.
    pub(super) fn start(&self, body: Body) -> io::Result<()> {
        let id = body.process.id();
        let mut running = self.running();
        // It is known before it runs, since it may end before this function does.
        running.processes.insert(id, Member { process: Arc::clone(&body.process), thread: None });
        self.count.store(running.processes.len(), Ordering::Release);
        drop(running);
        let builder = Builder::new().name(format!("lproc-{id}")).stack_size(self.settings.stack_size);
        let thread = builder.spawn(move || body.run())?;
        let mut running = self.running();
        match running.processes.get_mut(&id) {
            Some(member) => member.thread = Some(thread),
            None => running.ended.push(thread),
        }
        Ok(())
    }

    /// A process has ended.
    pub(super) fn end(&self, process: &Process, outcome: Outcome) {
        let mut running = self.running();
        process.end(outcome);
        // The threads that ended before this one do not wait for it, so it can wait for them.
        let ended = core::mem::take(&mut running.ended);
        let thread = running.processes.remove(&process.id()).and_then(|member| member.thread);
        running.ended.extend(thread);
        self.count.store(running.processes.len(), Ordering::Release);
        let waiters = if running.processes.is_empty() { running.waiters.clone() } else { Vec::new() };
        drop(running);
        for waiter in waiters {
            waiter.unpark();
        }
        join_all(ended);
    }

    /// Waits until no process runs, and no thread of one is left.
    pub(super) fn wait(&self, wait: &Wait<'_>) -> Ended {
        let this = thread::current();
        self.running().waiters.push(this.clone());
        let ended = wait.until_true(|| self.count.load(Ordering::Acquire) == 0);
        let mut running = self.running();
        if let Some(at) = running.waiters.iter().position(|waiter| waiter.id() == this.id()) {
            running.waiters.swap_remove(at);
        }
        drop(running);
        if ended == Ended::Signalled {
            self.join_ended();
        }
        ended
    }

    /// Waits until the threads of processes that have ended are gone.
    pub(super) fn join_ended(&self) {
        let ended = core::mem::take(&mut self.running().ended);
        join_all(ended);
    }
}

/// A group of processes, as the host has it. Its clones are the same group.
///
/// ```
/// use perilune_alloc_adapters::System;
/// use perilune_stdlib::lproc::{Processes, Settings};
/// use perilune_stdlib::open_libs;
/// use perilune_vm::{Lua, LuaResult, MULTRET, Status};
///
/// # fn main() -> LuaResult<()> {
/// let processes = Processes::new(Settings::new());
/// let mut lua = Lua::new(System)?;
/// open_libs(&mut lua)?;
/// processes.preload(&mut lua)?; // for `require "lproc"`
///
/// let script = r#"
///     local lproc = require "lproc"
///     lproc.start(function(n) lproc.send("answer", n * 2) end, 21)
///     return lproc.receive("answer")"#;
/// assert_eq!(lua.do_str(script), Status::Ok);
/// assert_eq!(lua.to_integer(-1), Some(42));
/// assert!(processes.wait(None));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Processes(Arc<Group>);

impl Processes {
    /// A new group, in which nothing runs.
    pub fn new(settings: Settings) -> Self {
        Self(Group::new(settings))
    }

    /// Makes a state a member of the group, with the library for `require "lproc"`. A state that is a member of some group
    /// already stays in that.
    ///
    /// # Errors
    /// A lack of memory.
    pub fn preload(&self, lua: &mut LuaState) -> LuaResult<()> {
        Context::push(lua, || Arc::clone(&self.0))?;
        lua.pop(1);
        lua.get_subtable(REGISTRY_INDEX, PRELOAD_TABLE)?;
        lua.push_native(super::open_lproc)?;
        lua.set_field(-2, "lproc")?;
        lua.pop(1);
        Ok(())
    }

    /// The number of processes that were started and have not ended.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// Cancels all processes that run now.
    pub fn cancel_all(&self) {
        let processes: Vec<_> = self.0.running().processes.values().map(|member| Arc::clone(&member.process)).collect();
        for process in processes {
            process.cancel();
        }
    }

    /// Waits until no process runs and their threads are gone; false if some still run when the time is over.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.map_or(Deadline::Never, Deadline::after);
        let wait = Wait { deadline, stopped: &|| false, waits: None };
        self.0.wait(&wait) == Ended::Signalled
    }
}
