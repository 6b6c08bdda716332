//! A limit on a state's memory, exact to the byte: a script meets it as an error, catches that, and goes on.
//!
//! The functions of the manual that it uses (§4.8), by their names in C: `lua_newstate` with an allocator of one's own,
//! `lua_gc` (`LUA_GCCOUNT`), `lua_pcall` with the status `LUA_ERRMEM`; the native function that it registers is `pcall`
//! (§6.1).
//!
//! Run it with `cargo run -p perilune-vm --example memory_limit`.

use perilune_alloc_adapters::{Counting, Limit, System};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, MULTRET, Status};

const LIMIT: usize = 256 * 1024;

/// Takes memory until there is no more, and does it again.
const GREEDY: &str = "
    local count
    local function fill()
        local list = {}
        while true do
            count = #list
            list[count + 1] = 'number ' .. count
        end
    end
    for round = 1, 3 do
        local ok, message = pcall(fill)
        report(round, message, count)
    end
    return 'still here'";

/// Asks for more than the limit and does not catch the error.
const RECKLESS: &str = "local s = 'x' while true do s = s .. s end";

/// Needs about 512 KiB.
const LARGE: &str = "local list = {} for i = 1, 20000 do list[i] = i end return #list";

/// `pcall (f, ...)`, as the standard library has it.
fn pcall(lua: &mut LuaState) -> LuaResult<usize> {
    lua.pcall_then(lua.get_top() as usize - 1, MULTRET, 0, 0, |lua, status, _| {
        lua.push_boolean(status == Status::Ok)?;
        lua.insert(1);
        Ok(lua.get_top() as usize)
    })
}

/// `report (round, message, count)`
fn report(lua: &mut LuaState) -> LuaResult<usize> {
    let (round, count) = (lua.check_integer(1)?, lua.check_integer(3)?);
    let message = String::from_utf8_lossy(lua.str_at(2).unwrap_or_default());
    println!("round {round}: {message} after {count} strings");
    assert_eq!(message, "not enough memory");
    // Each round gets as far: what the one before held has been collected, since the error comes only where a full
    // collection finds nothing more.
    assert!(count > 3000);
    Ok(0)
}

fn run(lua: &mut LuaState, chunk: &str) -> Status {
    match lua.load_bytes(chunk.as_bytes(), b"=script", LoadMode::TEXT) {
        Status::Ok => lua.pcall(0, 1, 0),
        status => status,
    }
}

fn main() -> LuaResult<()> {
    // The limit goes around the platform's allocator, and a counter around both. The state gets a reference, so that the
    // figures can be read while it lives.
    let memory = Counting::new(Limit::new(System, LIMIT));
    let limit = memory.inner();
    let mut lua = Lua::new(&memory)?;
    println!("a new state: {} bytes", limit.used());
    lua.register("pcall", pcall)?;
    lua.register("report", report)?;

    assert_eq!(run(&mut lua, GREEDY), Status::Ok);
    assert_eq!(lua.str_at(-1), Some(&b"still here"[..]));
    let stats = memory.stats();
    println!("{} requests, {} refused; peak {} of {LIMIT} bytes", stats.calls, stats.failures, stats.peak_bytes);
    assert!(stats.failures >= 3 && stats.peak_bytes <= LIMIT);
    // What the state says that it holds is what the allocator gave it.
    assert_eq!(lua.gc_count(), limit.used());

    // What a script does not catch ends it, and the host gets the status and the message.
    assert_eq!(run(&mut lua, RECKLESS), Status::ErrMem);
    assert_eq!(lua.str_at(-1), Some(&b"not enough memory"[..]));
    lua.set_top(0)?;
    lua.gc_collect()?;
    println!("after a collection: {} bytes", limit.used());

    // The limit can be changed at any time.
    assert_eq!(run(&mut lua, LARGE), Status::ErrMem);
    limit.set_limit(4 * LIMIT);
    assert_eq!(run(&mut lua, LARGE), Status::Ok);
    assert_eq!(lua.to_integer(-1), Some(20_000));

    // A state for which there is no room is not made, and one that is closed leaves nothing behind.
    assert!(Lua::new(Limit::new(System, 1000)).is_err());
    drop(lua);
    assert_eq!(limit.used(), 0);
    Ok(())
}
