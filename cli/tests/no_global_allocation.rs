//! While Lua runs, the process-wide allocator of Rust is not used: every byte comes from the state's allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use perilune_alloc_adapters::{Checking, Counting, Limit};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, Status};

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Ends the process if it is called while it must not be: nothing may unwind out of an allocator.
struct Watched;

impl Watched {
    fn watch(what: &str) {
        if FORBIDDEN.replace(false) {
            eprintln!("the process-wide allocator was asked to {what} while Lua ran");
            std::process::abort();
        }
    }
}

// SAFETY: every call is forwarded as it is.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::watch("allocate");
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        Self::watch("free");
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        Self::watch("reallocate");
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static WATCHED: Watched = Watched;

/// Grows everything that can grow: strings, buffers, tables, stacks, coroutines, code, and runs out of memory too.
const SCRIPT: &[u8] = br#"
    local parts = {}
    for i = 1, 2000 do parts[i] = ("%d:%s"):format(i, ("x"):rep(i % 50)) end
    local text = table.concat(parts, ",")
    local count = select(2, text:gsub("%d+", function(n) return n + 1 end))
    table.sort(parts, function(a, b) return a > b end)
    local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
    local co = coroutine.wrap(function() for i = 1, 10 do coroutine.yield(deep(1000 * i)) end end)
    local sum = 0
    for i = 1, 10 do sum = sum + co() end
    local chunk = assert(load("return " .. ("1+"):rep(500) .. "1"))
    assert(load(string.dump(chunk))() == 501)
    local weak = setmetatable({}, { __mode = "k", __gc = function() end })
    for i = 1, 1000 do weak[{}] = { i } end
    assert(string.unpack(">I4", string.pack(">I4", 7)) == 7 and #utf8.char(0x20AC) == 3)
    collectgarbage()
    assert(not pcall(error, {}) and not pcall(string.rep, "x", -1, 5, {}) == false)
    local ok, message = pcall(string.rep, "x", 1 << 30)
    assert(not ok and message == "not enough memory", message)
    ok, message = pcall(function() local t = {} while true do t[#t + 1] = {} end end)
    assert(not ok and message == "not enough memory", message)
    ok, message = pcall(deep, 1e7)
    assert(not ok)
    return count
"#;

#[test]
fn the_global_allocator_rests_while_lua_runs() {
    let memory = Counting::new(Limit::new(Checking::recording(perilune_alloc_adapters::System), 16 << 20));
    FORBIDDEN.set(true);
    let outcome = Lua::new(&memory).map(|mut lua| {
        let opened = open_libs(&mut lua).is_ok();
        let loaded = lua.load_bytes(SCRIPT, b"=script", LoadMode::TEXT);
        let status = if loaded == Status::Ok { lua.pcall(0, 1, 0) } else { loaded };
        let mut message = [0u8; 200];
        if status != Status::Ok {
            let text = lua.str_at(-1).unwrap_or(b"?");
            let len = text.len().min(message.len());
            message[..len].copy_from_slice(&text[..len]);
        }
        (opened, status, lua.to_integer(-1), message)
    });
    FORBIDDEN.set(false);
    let (opened, status, count, message) = outcome.expect("a state");
    assert!(opened);
    assert_eq!(status, Status::Ok, "{}", String::from_utf8_lossy(&message));
    assert_eq!(count, Some(2000));
    let stats = memory.stats();
    assert!(stats.calls > 10_000 && stats.failures > 0, "{stats}");
    assert!(stats.peak_bytes <= 16 << 20);
    assert_eq!(stats.live_bytes, 0);
    let checking = memory.inner().inner();
    assert_eq!(checking.violations(), []);
    assert_eq!(checking.leaks().blocks, 0);
}
