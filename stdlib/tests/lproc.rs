//! Processes as a host has them: what they leave behind, which is nothing, however they end; limits; many of them at once.
#![cfg(feature = "lproc")]

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use perilune_alloc_adapters::{Checking, LuaAlloc, OldSize, System};
use perilune_stdlib::lproc::{Budget, Processes, Settings};
use perilune_stdlib::{open_libs, open_lproc};
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, Status};

/// Each test counts the threads of this program, so they take turns.
static ALONE: Mutex<()> = Mutex::new(());

/// What became of the allocators of states.
#[derive(Default)]
struct Ledger {
    made: AtomicUsize,
    gone: AtomicUsize,
    leaked_bytes: AtomicUsize,
    violations: AtomicUsize,
    /// How many blocks may be asked for before some are refused; none are if this is negative from the beginning.
    fuse: AtomicIsize,
}

/// How many blocks in a row are refused: as many as the state asks for before it gives up, and some.
const REFUSED: isize = 3;

impl Ledger {
    fn new(fuse: isize) -> Arc<Self> {
        Arc::new(Self { fuse: AtomicIsize::new(fuse), ..Self::default() })
    }

    /// Whether a block is to be refused now.
    fn refuses(&self) -> bool {
        if self.fuse.load(Ordering::Relaxed) <= -REFUSED {
            return false;
        }
        self.fuse.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

/// An allocator that checks what it is asked, and enters in the ledger how it ended.
struct Audited {
    memory: Checking<System>,
    ledger: Arc<Ledger>,
}

impl Audited {
    fn new(ledger: &Arc<Ledger>) -> Self {
        ledger.made.fetch_add(1, Ordering::Relaxed);
        Self { memory: Checking::recording(System), ledger: Arc::clone(ledger) }
    }
}

// SAFETY: the call is forwarded as it is, or a new or a larger block refused.
unsafe impl LuaAlloc for Audited {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if (ptr.is_null() && nsize > 0 || nsize > osize.bytes()) && self.ledger.refuses() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { self.memory.realloc(ptr, osize, nsize) }
    }
}

impl Drop for Audited {
    fn drop(&mut self) {
        self.ledger.leaked_bytes.fetch_add(self.memory.leaks().bytes, Ordering::Relaxed);
        self.ledger.violations.fetch_add(self.memory.violation_count(), Ordering::Relaxed);
        self.ledger.gone.fetch_add(1, Ordering::Relaxed);
    }
}

/// An allocator that threads may use at once, one after the other.
struct Locked(Mutex<Audited>);

// SAFETY: the call is forwarded as it is.
unsafe impl LuaAlloc for Locked {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let memory = self.0.lock().expect("nobody panics");
        // SAFETY: the caller's promise.
        unsafe { memory.realloc(ptr, osize, nsize) }
    }
}

/// A group of processes whose memory is watched.
struct World {
    processes: Processes,
    ledger: Arc<Ledger>,
    /// Whether the test has come to its end.
    finished: bool,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn new() -> Self {
        Self::with(|settings| settings)
    }

    fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::with_fuse(-REFUSED, change)
    }

    fn with_fuse(fuse: isize, change: impl FnOnce(Settings) -> Settings) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = Ledger::new(fuse);
        let of_processes = Arc::clone(&ledger);
        let settings = Settings::new()
            .allocator("audited", move || Audited::new(&of_processes))
            .default_allocator("audited")
            .shared_memory(Locked(Mutex::new(Audited::new(&ledger))));
        Self { processes: Processes::new(change(settings)), ledger, finished: false, _alone: alone }
    }

    /// A state of the group that is no process.
    fn state(&self) -> Lua<Audited> {
        self.try_state().expect("memory")
    }

    fn try_state(&self) -> LuaResult<Lua<Audited>> {
        let mut lua = Lua::new(Audited::new(&self.ledger))?;
        open_libs(&mut lua)?;
        self.processes.preload(&mut lua)?;
        Ok(lua)
    }

    /// Runs a script in a state of the group that is no process; returns its result or error as text.
    fn run(&self, script: &str) -> String {
        run_in(&mut self.state(), script)
    }

    /// Waits for all processes, and checks that nothing is left.
    fn finish(mut self) {
        assert!(self.processes.wait(Some(Duration::from_secs(60))), "processes are still running");
        assert_eq!(self.processes.count(), 0);
        // What is left of the group goes.
        self.processes = Processes::new(Settings::new());
        self.finished = true;
        let Ledger { made, gone, leaked_bytes, violations, .. } = &*self.ledger;
        assert_eq!(gone.load(Ordering::Relaxed), made.load(Ordering::Relaxed), "all states and channels are gone");
        assert_eq!((leaked_bytes.load(Ordering::Relaxed), violations.load(Ordering::Relaxed)), (0, 0));
        // A thread that was joined may be seen for another moment.
        let begin = Instant::now();
        while process_threads() > 0 {
            assert!(begin.elapsed() < Duration::from_secs(10), "{} threads are left", process_threads());
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A test that fails is not to disturb the next one.
impl Drop for World {
    fn drop(&mut self) {
        if !self.finished {
            self.processes.cancel_all();
            self.processes.wait(Some(Duration::from_secs(10)));
        }
    }
}

/// The number of threads of this program that run processes.
fn process_threads() -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = threads.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("comm")).ok());
    // The name of this very program, cut off by the system, may begin like those of processes, which are short.
    names.filter(|name| name.starts_with("lproc-") && name.trim_end().len() < 13).count()
}

/// Runs a script, and returns its result or its error as text.
fn run_in(lua: &mut LuaState, script: &str) -> String {
    let mut status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
    if status == Status::Ok {
        status = lua.pcall(0, 1, 0);
    }
    lua.push_tostring(-1).expect("a text");
    let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned();
    lua.set_top(0).expect("fewer slots");
    if status == Status::Ok { text } else { format!("{status:?}: {text}") }
}

/// Fewer where the code is not optimised.
fn scaled(count: u32) -> u32 {
    if cfg!(debug_assertions) { count / 20 } else { count }
}

#[test]
fn a_million_messages_arrive_in_order() {
    let world = World::new();
    for capacity in [0, 100] {
        let count = scaled(1_000_000);
        let script = format!(
            r#"local lproc, count = require "lproc", {count}
            lproc.channel("numbers", {capacity})
            local sender = lproc.start(function()
                for i = 1, count do lproc.send("numbers", i, "text " .. i) end
            end)
            local receiver = lproc.start(function()
                for i = 1, count do
                    local n, text = lproc.receive("numbers")
                    if n ~= i or text ~= "text " .. i then error("message " .. i .. " is " .. n) end
                end
                return count
            end)
            assert(sender:join())
            local ok, n = assert(receiver:join())
            assert(select(2, lproc.receive("numbers", 0)) == "timeout")
            return n"#
        );
        let begin = Instant::now();
        assert_eq!(world.run(&script), count.to_string());
        let rate = f64::from(count) / begin.elapsed().as_secs_f64();
        println!("capacity {capacity}: {rate:.0} messages a second");
    }
    world.finish();
}

#[test]
fn a_ring_of_a_thousand_processes() {
    let world = World::new();
    let rounds = scaled(100).max(3);
    let script = format!(
        r#"local lproc, size, rounds = require "lproc", 1000, {rounds}
        for i = 1, size do
            lproc.start(function()
                for round = 1, rounds do
                    local n, path = lproc.receive("at " .. i)
                    if #path < 5 then path[#path + 1] = i end
                    lproc.send("at " .. i + 1, n + 1, path)
                end
            end)
        end
        for round = 1, rounds do
            lproc.send("at 1", 0, {{}})
            local n, path = lproc.receive("at " .. size + 1)
            assert(n == size and table.concat(path, " ") == "1 2 3 4 5")
        end
        assert(lproc.wait(30))
        return "round""#
    );
    assert_eq!(world.run(&script), "round");
    world.finish();
}

#[test]
fn whatever_ends_a_process_leaves_nothing() {
    let world = World::new();
    let script = r#"
        local lproc = require "lproc"
        lproc.channel("buffered", 3)
        lproc.send("buffered", {"left", "in", "the", "channel"})
        local garbage = "local g = {} for i = 1, 1000 do g[i] = {i, tostring(i), function() return i end} end "
        local by_themselves = {
            "return 1, 'two', {3}",
            "",
            "return g, print", -- which cannot be copied
            "coroutine.wrap(function() pcall(lproc.exit) end)() error 'not reached'",
            "error 'an error'",
        }
        local when_cancelled = {
            "lproc.receive 'nothing'",
            "lproc.send('nobody', g)",
            "coroutine.wrap(function() pcall(lproc.receive, 'nothing') end)() while true do end",
            "lproc.start('lproc.receive \"nothing\"'):join()",
            "while true do end",
            "while true do pcall(function() while true do end end) end",
            "while true do coroutine.wrap(function() while true do end end)() end",
            "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
            "debug.sethook(function() end, '', 1) while true do end",
            "debug.sethook(function() while true do end end, '', 1) while true do end",
            "setmetatable({}, {__gc = function() while true do end end}) collectgarbage() while true do end",
            "xpcall(error, function() while true do end end) while true do end",
            "table.sort({3, 1, 2}, function() while true do end end)",
            "string.gsub('x', 'x', function() while true do end end)",
            "load(function() while true do end end)",
            "setmetatable({}, {__newindex = function() while true do end end}).x = 1",
            "error(setmetatable({}, {__tostring = function() while true do end end}))",
        }
        local counts = {}
        local function count(handle)
            local joined = pcall(handle.join, handle)
            local what = handle:status() .. (joined and "" or " without results")
            counts[what] = (counts[what] or 0) + 1
        end
        local handles, endless = {}, {}
        for i = 1, 3 do
            for _, chunk in ipairs(by_themselves) do handles[#handles + 1] = lproc.start(garbage .. chunk) end
            for _, chunk in ipairs(when_cancelled) do endless[#endless + 1] = lproc.start(garbage .. chunk) end
        end
        for _, handle in ipairs(handles) do count(handle) end
        lproc.receive("nothing", 0.1)
        for _, handle in ipairs(endless) do handle:cancel() end
        for _, handle in ipairs(endless) do count(handle) end
        -- This one is done, but cannot be closed.
        local closing = lproc.start("X = setmetatable({}, {__gc = function() lproc.send 'closing' while true do end end})")
        lproc.receive "closing"
        assert(closing:join(0) == nil)
        closing:cancel()
        assert(closing:join() == true)
        lproc.start("lproc.receive 'nothing'") -- which the host will cancel
        local texts = {}
        for what, n in pairs(counts) do texts[#texts + 1] = n .. " " .. what end
        table.sort(texts)
        return table.concat(texts, ", ")"#;
    assert_eq!(world.run(script), "3 done without results, 3 failed, 51 cancelled, 9 done");
    world.processes.cancel_all();
    world.finish();
}

#[test]
fn processes_that_fail_leave_nothing() {
    let world = World::new();
    let script = r#"
        local lproc = require "lproc"
        local function outcome(...) return table.concat({tostring((...)), tostring((select(2, ...)))}, " ") end
        local results = {
            outcome(lproc.start("error('a message', 0)"):join()),
            outcome(lproc.start("error({code = 5})"):join()),
            outcome(lproc.start("error(setmetatable({}, {__tostring = function() return 'shown' end}))"):join()),
            outcome(lproc.start("error(io.stdout)"):join()),
            outcome(lproc.start("error()"):join()),
            outcome(lproc.start("local t = {} for i = 1, 1e9 do t[i] = i end", {limit = 1000000}):join()),
            outcome(lproc.start("local function f() return 1 + f() end f()"):join()),
        }
        for i, text in ipairs(results) do results[i] = text:gsub("0x%x+", "ADDRESS") end
        return table.concat(results, "\n")"#;
    let expected = "false a message\nfalse table: ADDRESS\nfalse shown\nfalse (error object is a userdata value)\n\
                    false nil\nfalse not enough memory\nfalse [string \"local function f() return 1 + f() end f()\"]:1: stack overflow";
    assert_eq!(world.run(script), expected);
    world.finish();
}

#[test]
fn a_native_function_that_panics_fails_its_process_alone() {
    fn panics(_: &mut LuaState) -> LuaResult<usize> {
        // It does not come up in the test's output as `panic!` would.
        std::panic::resume_unwind(Box::new("a panic"))
    }
    let world = World::with(|settings| {
        settings.libraries(|lua| {
            open_libs(lua)?;
            lua.push_native(panics)?;
            lua.set_global("panics")
        })
    });
    let script = r#"
        local lproc = require "lproc"
        local handle = lproc.start("local t = setmetatable({}, {__gc = function() lproc.send('closed', 1) end}) panics()")
        assert(lproc.receive("closed", 10) == 1)
        local ok, why = handle:join()
        return tostring(ok) .. " " .. why .. " " .. handle:status()"#;
    assert_eq!(world.run(script), "false unknown error failed");
    world.finish();
}

#[test]
fn a_message_that_does_not_fit_goes_to_somebody_else() {
    let world = World::new();
    let script = r#"
        local lproc = require "lproc"
        local small = lproc.start([[
            local ok, why = pcall(lproc.receive, "large")
            assert(not ok and why == "not enough memory", why)
            collectgarbage()
            lproc.send("failed", why)
            return lproc.receive("small")
        ]], {limit = 300000})
        local sender = lproc.start(function() lproc.send("large", ("x"):rep(1000000), {1, 2}) return "sent" end)
        assert(lproc.receive("failed", 20) == "not enough memory")
        assert(sender:join(0) == nil)
        local text, t = lproc.receive("large", 20)
        assert(#text == 1000000 and t[2] == 2)
        assert(select(2, sender:join(20)) == "sent")
        lproc.send("small", "fits")
        return (select(2, small:join(20)))"#;
    assert_eq!(world.run(script), "fits");
    world.finish();
}

/// Whichever block is refused, in the main state, in a process, or in between: an error, and nothing is left.
#[test]
fn every_allocation_may_fail() {
    let script = r#"
        local lproc = require "lproc"
        local function work(t, f)
            lproc.channel("c", 2)
            lproc.send_timeout(0, "c", t, ("x"):rep(1000))
            local u = lproc.receive("c", 0)
            lproc.send_timeout(0, "c", u, f)
            lproc.start("lproc.send_timeout(0, 'c', {...})", {limit = 100000}, u):join()
            return u, f, work
        end
        local t = {1, "two", {x = ("y"):rep(100)}}
        t.t = t
        local ok, u, f = lproc.start(work, setmetatable(t, {__index = t}), function() return t end):join()
        if ok then
            -- Without memory in the channel a try is in vain.
            assert((not u or u.t == u) and f().t == f())
            lproc.receive("c", 0)
            lproc.receive("c", 0)
        end
        return "well""#;
    let (mut well, mut n) = (0, 0);
    loop {
        let world = World::with_fuse(n, |settings| settings);
        if let Ok(mut lua) = world.try_state() {
            let mut status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
            if status == Status::Ok {
                status = lua.pcall(0, 1, 0);
            }
            if status == Status::Ok {
                well += 1;
            } else {
                let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned();
                assert!(message.contains("memory"), "{n}: {message}");
            }
        }
        assert!(world.processes.wait(Some(Duration::from_secs(60))));
        let is_over = world.ledger.fuse.load(Ordering::Relaxed) > 0;
        world.finish();
        if is_over {
            break;
        }
        n += 1;
    }
    assert!(n > 1000, "{n} allocations");
    assert!(well > 0, "with a process that failed, or a retry, it may come to its end all the same");
}

#[test]
fn a_budget_holds_for_all_states_together() {
    let budget = Budget::new(3_000_000);
    let world = World::with(|settings| settings.budget(&budget).shared_memory(budget.wrap(System)));
    let script = r#"
        local lproc = require "lproc"
        local handles = {}
        local ok, why
        for i = 1, 1000 do
            ok, why = pcall(lproc.start, "local t = {} for i = 1, 5000 do t[i] = i end lproc.receive('stop') return #t")
            if not ok then break end
            handles[i] = why
        end
        assert(not ok and why:find("not enough memory"), why)
        local ends = {[true] = 0, [false] = 0}
        lproc.receive("nothing", 0.5) -- some may not get their table
        for _, handle in ipairs(handles) do
            if handle:status() ~= "failed" then lproc.send("stop") end
        end
        for _, handle in ipairs(handles) do
            local ok = handle:join(20)
            ends[ok] = ends[ok] + 1
        end
        assert(ends[true] > 5, ends[true])
        -- What lies in channels counts, too.
        lproc.channel("full", 1000000)
        lproc.send("full", ("x"):rep(100000))
        local n = 1
        while lproc.send_timeout(0, "full", ("x"):rep(100000)) do n = n + 1 end
        assert(n > 10 and n < 30, n)
        return "limited""#;
    assert_eq!(world.run(script), "limited");
    assert!(budget.used() > 1_000_000, "the channel is full");
    world.finish();
    assert_eq!(budget.used(), 0);
}

#[test]
fn results_without_memory_are_missed_when_they_are_asked_for() {
    let budget = Budget::new(3000);
    let world = World::with(|settings| settings.shared_memory(budget.wrap(System)));
    let script = r#"
        local lproc = require "lproc"
        local handle = lproc.start("return ('x'):rep(10000)")
        local texts = {}
        for i = 1, 2 do texts[#texts + 1] = tostring(select(2, pcall(handle.join, handle))) end
        texts[#texts + 1] = handle:status()
        local failed = lproc.start("error(('x'):rep(10000), 0)")
        texts[#texts + 1] = tostring(select(2, failed:join()))
        -- Names of channels need memory, too; this is an error as all are.
        texts[#texts + 1] = select(2, pcall(lproc.receive, ("long"):rep(1000)))
        texts[#texts + 1] = select(2, pcall(lproc.send, ("long"):rep(1000)))
        texts[#texts + 1] = select(2, pcall(lproc.channel, ("long"):rep(1000), 1))
        return table.concat(texts, ", ")"#;
    let expected = "there was no memory for the results, there was no memory for the results, done, unknown error, \
                    not enough memory, not enough memory, not enough memory";
    assert_eq!(world.run(script), expected);
    world.finish();
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_thread_that_the_system_refuses_is_an_error() {
    let world = World::with(|settings| settings.stack_size(1 << 47));
    let text = world.run("return select(2, pcall(require('lproc').start, 'return 1'))");
    assert!(text.starts_with("unable to create new thread: "), "{text}");
    assert_eq!(world.processes.count(), 0);
    world.finish();
}

#[test]
fn more_values_than_the_stack_has_room_for_go_back() {
    let world = World::new();
    let script = r#"
        local lproc = require "lproc"
        local sender = lproc.start("return lproc.send('many', table.unpack({}, 1, 500000))")
        local function crowded(...) return pcall(lproc.receive, "many", 20) end
        local ok, why = crowded(table.unpack({}, 1, 600000))
        assert(not ok, "there was room")
        assert(select(500000, lproc.receive("many", 20)) == nil)
        return tostring(why)"#;
    let text = world.run(script);
    assert!(text.contains("too many"), "{text}");
    world.processes.cancel_all();
    world.finish();
}

#[test]
fn a_host_waits_and_cancels() {
    let world = World::new();
    let mut lua = world.state();
    let script = r#"local lproc = require "lproc"
        for i = 1, 10 do lproc.start("lproc.receive 'nothing'") lproc.start("while true do end") end"#;
    assert_eq!(run_in(&mut lua, script), "nil");
    // The state goes, with all handles; the processes stay.
    drop(lua);
    assert_eq!(world.processes.count(), 20);
    assert!(!world.processes.wait(Some(Duration::from_millis(50))));
    assert!(!world.processes.wait(Some(Duration::ZERO)));
    world.processes.cancel_all();
    assert!(world.processes.wait(Some(Duration::from_secs(60))));
    assert!(world.processes.wait(Some(Duration::ZERO)));
    world.finish();
}

#[test]
fn several_hosts_wait_at_once() {
    let world = World::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(world.run("require 'lproc'.start('return 1')"), "nil");
                    assert!(world.processes.wait(Some(Duration::from_secs(60))));
                }
            });
        }
    });
    world.finish();
}

#[test]
fn an_interrupt_reaches_a_host_that_waits() {
    fn stop(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
        lua.set_hook(None, 0, 0);
        Err(lua.raise(format_args!("interrupted!")))
    }
    let world = World::new();
    for call in ["receive('nothing')", "send('nobody')", "wait()", "start('lproc.receive [[end]]'):join()"] {
        let mut lua = world.state();
        let interrupter = lua.interrupter();
        let waiting = thread::current();
        let interrupting = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            // SAFETY: the state is open until this thread was joined.
            unsafe { interrupter.interrupt(stop) };
            waiting.unpark();
        });
        let script = format!("local lproc = require 'lproc' lproc.start('lproc.receive [[end]]') lproc.{call}");
        assert_eq!(run_in(&mut lua, &script), "ErrRun: interrupted!", "{call}");
        interrupting.join().expect("no panic");
        // It can wait again, and has lost no place.
        assert_eq!(run_in(&mut lua, "return tostring(require 'lproc'.receive('nothing', 0.01))"), "nil");
    }
    world.processes.cancel_all();
    world.finish();
}

#[test]
fn groups_know_nothing_of_each_other() {
    let world = World::new();
    let other = Processes::new(Settings::new());
    let mut stranger = Lua::new(System).expect("a state");
    open_libs(&mut stranger).expect("libraries");
    other.preload(&mut stranger).expect("memory");
    // A state that is a member already stays where it is.
    world.processes.preload(&mut stranger).expect("memory");
    let mut hermit = Lua::new(System).expect("a state");
    open_libs(&mut hermit).expect("libraries");
    open_lproc(&mut hermit).expect("memory");
    hermit.set_global("lproc").expect("memory");
    let mut member = world.state();
    assert_eq!(run_in(&mut member, "lproc = require 'lproc' lproc.channel('c', 1) lproc.send('c', 'ours')"), "nil");
    assert_eq!(run_in(&mut stranger, "return require 'lproc'.receive('c', 0)"), "nil");
    assert_eq!(run_in(&mut hermit, "return lproc.receive('c', 0)"), "nil");
    assert_eq!(run_in(&mut hermit, "return select(2, lproc.start('return 1 + 1'):join())"), "2");
    // Another state of the host's is a member like all.
    assert_eq!(world.run("return require 'lproc'.receive('c', 0)"), "ours");
    drop((member, stranger, hermit));
    assert!(other.wait(Some(Duration::from_secs(10))));
    world.finish();
}

#[test]
fn who_waits_takes_no_time() {
    let world = World::new();
    let script = r#"
        local lproc = require "lproc"
        for i = 1, 100 do
            lproc.start("lproc.receive 'end'")
            lproc.start("lproc.receive('end', 1000)")
            lproc.start("lproc.send('nobody', 1)")
        end
        local busy = {}
        for i = 1, 10 do busy[i] = lproc.start("lproc.start('lproc.receive [[end]]'):join()") end
        lproc.receive("nothing", 0.3)
        local before = os.clock()
        lproc.receive("nothing", 0.5)
        lproc.wait(0.5)
        busy[1]:join(0.5)
        return os.clock() - before < 0.1 and "idle" or os.clock() - before"#;
    assert_eq!(world.run(script), "idle");
    world.processes.cancel_all();
    world.finish();
}

/// Processes that do everything to one another at random: each has a number, and knows from that and the seed what it does.
/// What one is told to have arrived must have arrived, once.
#[test]
fn everything_at_once() {
    let rounds = if cfg!(debug_assertions) { 4 } else { 20 };
    for seed in 1..=rounds {
        let world = World::new();
        let script = format!(
            r#"local lproc, seed = require "lproc", {seed}
            local names = {{"a", "b", "c"}}
            local function work(id)
                math.randomseed(seed * 1000 + id)
                local random, sent, received = math.random, {{}}, {{}}
                for i = 1, 300 do
                    local name, what = names[random(#names)], random(10)
                    if what <= 4 then
                        local value = id * 1000 + i
                        local message = {{value = value, text = ("x"):rep(random(0, 200))}}
                        message.self = message
                        if lproc.send_timeout(random(0, 3) / 1000, name, message) then sent[#sent + 1] = value end
                    elseif what <= 8 then
                        local message = lproc.receive(name, random(0, 3) / 1000)
                        if message then
                            assert(message.self == message)
                            received[#received + 1] = message.value
                        end
                    elseif what == 9 then
                        lproc.channel(name, random(0, 3), random(2) == 1 and 500 or nil)
                    else
                        local other = lproc.start("local n = ... if n == 1 then while true do end end lproc.receive('never')", random(2))
                        if random(2) == 1 then lproc.receive("nothing", random(0, 2) / 1000) end
                        if random(2) == 1 then collectgarbage() end
                        assert(other:cancel())
                        assert(select(2, other:join()) == "cancelled")
                    end
                end
                return sent, received
            end
            local handles = {{}}
            for id = 1, 8 do handles[id] = lproc.start(work, id) end
            local counts = {{}}
            local function count(values, step)
                for _, value in ipairs(values) do counts[value] = (counts[value] or 0) + step end
            end
            for _, handle in ipairs(handles) do
                local ok, sent, received = handle:join()
                assert(ok, sent)
                count(sent, 1)
                count(received, -1)
            end
            for _, name in ipairs(names) do
                local message = lproc.receive(name, 0)
                while message do
                    count({{message.value}}, -1)
                    message = lproc.receive(name, 0)
                end
            end
            local total = 0
            for value, n in pairs(counts) do
                if n ~= 0 then error("message " .. value .. " is out by " .. n) end
                total = total + 1
            end
            return total > 100 and "all arrived" or total"#
        );
        assert_eq!(world.run(&script), "all arrived", "seed {seed}");
        world.finish();
    }
}
