//! Native functions that use the safe interface at random and against all rules: nothing of it may harm the state's memory.
//!
//! The state works on an allocator that checks its blocks; what else goes wrong shows under the address sanitizer.

use std::cell::Cell;

use perilune_alloc_adapters::{Checking, Counting, Limit, System};
use perilune_vm::{
    ArithOp, Buffer, CompareOp, HookEvent, LoadMode, Lua, LuaResult, LuaState, LuaType, MASK_CALL, MASK_COUNT,
    MASK_LINE, MASK_RETURN, REGISTRY_INDEX, Status, Thrown, native_next, native_resume, native_wrapped, native_yield,
    upvalue_index,
};

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(1) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How many operations are left; functions that call each other could go on without end.
    static BUDGET: Cell<u32> = const { Cell::new(0) };
}

/// A random number below `n`.
fn below(n: u64) -> u64 {
    SEED.with(|seed| {
        let mut x = seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        seed.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }) % n
}

fn chance(one_in: u64) -> bool {
    below(one_in) == 0
}

/// An index that may or may not name something.
fn index() -> i32 {
    match below(20) {
        0 => REGISTRY_INDEX,
        1 => upvalue_index(below(4) as i32),
        2 => i32::MAX,
        3 => i32::MIN,
        4..12 => below(12) as i32,
        _ => -(below(12) as i32),
    }
}

/// A number of values that is sometimes too large.
fn count() -> usize {
    match below(30) {
        0 => 300,
        1 => 100_000,
        2 => 40,
        n => n as usize % 5,
    }
}

fn results() -> i32 {
    match below(30) {
        0 => 300,
        1 => i32::MAX,
        2 => i32::MIN,
        3 => 40_000,
        n => n as i32 % 5 - 1,
    }
}

const CHUNKS: &[&str] = &[
    "return ...",
    "local a, b = ... local function f() a = b return a end return f, f()",
    "local t = {...} for i = 1, #t do t[i] = function() return t[i] end end return t",
    "error('x')",
    "local a = ... return pcall(a, ...)",
    "local a, b = ... return a .. b",
    "local a, b = ... return a + b < a",
    "local a, b = ... a[b] = a return a[b]",
    "local a = ... for k, v in a do a(k, v) end",
    "local n = ... local x <const> = 1",
    "local s = 0 for i = 1, 30 do local function f() s = s + i return s end s = f() end return s",
    "local f = ... local function g(...) local x = select and 1 return f(...) end return g(1, 2, 3, ...)",
    "local a, b, c = ... a(b, c) local d = function() a, b, c = c, b, a return b end return d",
    "goto x ::x:: return #...",
    "local a = ... return a()()",
    "local f = ... local t = setmetatable and {} or {} t.x = f(t) return t, f(f)",
];

/// A native function that does something or other.
fn wild(lua: &mut LuaState) -> LuaResult<usize> {
    if DEPTH.get() > 12 || BUDGET.get() == 0 {
        return Ok(0);
    }
    DEPTH.set(DEPTH.get() + 1);
    let mut result = Ok(());
    for _ in 0..below(12) {
        result = act(lua);
        if result.is_err() && !chance(3) {
            break;
        }
    }
    DEPTH.set(DEPTH.get() - 1);
    if !chance(4) {
        result?;
    }
    match below(24) {
        0 => Err(Thrown::Call),
        1 => Err(Thrown::Resume),
        2 => Err(Thrown::Yield),
        3 => Err(Thrown::Memory),
        4 => Err(Thrown::Finalizer),
        5 => Err(Thrown::ErrorInHandler),
        6 => Err(Thrown::Syntax),
        7 => Err(Thrown::Runtime),
        8 => lua.yield_values(count()),
        9 => lua.yield_k(count(), 1, after),
        10 => lua.call_then(count(), results(), 2, after),
        11 => lua.pcall_then(count(), results(), index(), 3, after),
        12 => {
            let co = lua.to_thread(index());
            match co {
                Some(co) => lua.resume_then(co, count(), 4, after),
                None => Err(lua.error()),
            }
        }
        13 => native_resume(lua),
        14 => native_yield(lua),
        15 => native_wrapped(lua),
        16 => native_next(lua),
        17 => Ok(count()),
        _ => Ok(lua.get_top().max(0) as usize),
    }
}

fn after(lua: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    wild(lua)
}

fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    if DEPTH.get() > 8 || BUDGET.get() == 0 {
        return Ok(());
    }
    DEPTH.set(DEPTH.get() + 1);
    let mut result = Ok(());
    for _ in 0..below(4) {
        result = match below(6) {
            0 => lua.get_info("nSltuf", Some(event.activation)).map(|_| ()),
            1 => lua.get_local(Some(event.activation), below(9) as i32 - 3).map(|_| ()),
            2 => lua.set_local(event.activation, below(9) as i32 - 3).map(|_| ()),
            3 => lua.yield_values(count()).map(|_| ()),
            _ => act(lua),
        };
    }
    DEPTH.set(DEPTH.get() - 1);
    if chance(2) { Ok(()) } else { result }
}

/// One operation.
fn act(lua: &mut LuaState) -> LuaResult<()> {
    if BUDGET.get() == 0 {
        return Ok(());
    }
    BUDGET.set(BUDGET.get() - 1);
    match below(12) {
        0 | 1 => push_something(lua),
        2 => move_something(lua),
        3 => tables(lua),
        4 => calls(lua),
        5 => coroutines(lua),
        6 => buffers(lua),
        7 => debugging(lua),
        8 => read(lua),
        9 => {
            let chunk = CHUNKS[below(CHUNKS.len() as u64) as usize];
            let _ = lua.load_bytes(chunk.as_bytes(), b"=chunk", LoadMode::ANY);
            Ok(())
        }
        10 => garbage(lua),
        _ => helpers(lua),
    }
}

fn push_something(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => lua.push_nil(),
        1 => lua.push_integer(below(100) as i64 - 50),
        2 => lua.push_number(f64::NAN),
        3 => lua.push_boolean(chance(2)),
        4 => lua.push_bytes(&[b'x'; 60][..below(60) as usize]),
        5 => lua.push_native(wild),
        6 => lua.push_native_closure(wild, count()),
        7 => lua.new_table(),
        8 => lua.create_table(count(), count()),
        9 => lua.new_userdata(count()).map(|_| ()),
        10 => lua.push_thread().map(|_| ()),
        11 => lua.push_fmt(format_args!("{}-{}", below(100), "y".repeat(below(400) as usize))),
        12 => lua.push_light_userdata(std::ptr::null_mut()),
        _ => lua.push_value(index()),
    }
}

fn move_something(lua: &mut LuaState) -> LuaResult<()> {
    match below(9) {
        0 => return lua.set_top(if chance(20) { 500_000 } else { below(16) as i32 - 4 }),
        1 => lua.pop(count()),
        2 => lua.rotate(index(), below(9) as i32 - 4),
        3 => lua.insert(index()),
        4 => lua.remove(index()),
        5 => lua.replace(index()),
        6 => lua.copy(index(), index()),
        7 => drop(lua.check_stack(count())),
        _ => return lua.ensure_stack(count(), "wild"),
    }
    Ok(())
}

fn tables(lua: &mut LuaState) -> LuaResult<()> {
    let n = below(6) as i64;
    match below(24) {
        0 => lua.get_table(index()).map(|_| ()),
        1 => lua.get_field(index(), "field").map(|_| ()),
        2 => lua.get_i(index(), n).map(|_| ()),
        3 => lua.raw_get(index()).map(|_| ()),
        4 => lua.raw_get_i(index(), n).map(|_| ()),
        5 => lua.get_metatable(index()).map(|_| ()),
        6 => lua.get_user_value(index()).map(|_| ()),
        7 => lua.next(index()).map(|_| ()),
        8 => lua.set_table(index()),
        9 => lua.set_field(index(), "__index"),
        10 => lua.set_i(index(), n),
        11 => lua.raw_set(index()),
        12 => lua.raw_set_i(index(), n),
        13 => lua.set_metatable(index()),
        14 => lua.set_user_value(index()),
        15 => {
            let event =
                ["__gc", "__call", "__add", "__concat", "__len", "__eq", "__lt", "__newindex", "__tostring", "__mode"];
            lua.new_table()?;
            lua.push_native(wild)?;
            lua.set_field(-2, event[below(10) as usize])?;
            lua.set_metatable(index())
        }
        16 => lua.get_i_then(index(), n, 5, after).map(|_| ()),
        17 => lua.set_i_then(index(), n, 6, after),
        18 => lua.len_then(index(), 7, after),
        19 => lua.compare_then(index(), index(), CompareOp::Lt, 8, after).map(|_| ()),
        20 => lua.get_table_then(index(), 9, after).map(|_| ()),
        21 => lua.set_field_then(index(), "name", 10, after),
        22 => {
            lua.raw_sort(index(), count());
            lua.raw_move(index(), n, n + 1, n);
            Ok(())
        }
        _ => {
            lua.raw_unpack(index(), n, count());
            lua.note_integer(index(), n);
            Ok(())
        }
    }
}

fn calls(lua: &mut LuaState) -> LuaResult<()> {
    match below(8) {
        0 | 1 => lua.call(count(), results()),
        2 | 3 => {
            lua.pcall(count(), results(), index());
            Ok(())
        }
        4 => lua.call_k(count(), results(), 11, after),
        5 => lua.pcall_k(count(), results(), index(), 12, after).map(|_| ()),
        6 => {
            let _ = lua.call_then(count(), results(), 13, after);
            Ok(())
        }
        _ => {
            let _ = lua.pcall_then(count(), results(), index(), 14, after);
            Ok(())
        }
    }
}

fn coroutines(lua: &mut LuaState) -> LuaResult<()> {
    match below(9) {
        0 => {
            lua.new_thread()?;
            push_something(lua)
        }
        1 => {
            lua.new_thread()?;
            lua.push_native(wild)?;
            let Some(co) = lua.to_thread(-2) else { return Ok(()) };
            // SAFETY: the thread lies on the stack.
            lua.xmove(unsafe { co.state() }, 1)
        }
        2 => {
            let _ = lua.yield_values(count());
            Ok(())
        }
        3 | 4 => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            lua.push_thread_ref(co)?;
            // SAFETY: the thread lies on the stack.
            let state = unsafe { co.state() };
            if !std::ptr::eq(state, lua) {
                let _ = state.resume(Some(lua), count());
            }
            Ok(())
        }
        5 => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            let _ = lua.resume_then(co, count(), 15, after);
            Ok(())
        }
        6 => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            lua.coroutine_status(co);
            lua.traceback(Some(co), Some(b"trace"), 0)
        }
        7 => {
            lua.is_yieldable();
            lua.seem_unyieldable();
            Ok(())
        }
        _ => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            lua.push_thread_ref(co)?;
            // SAFETY: the thread lies on the stack.
            let state = unsafe { co.state() };
            if std::ptr::eq(state, lua) {
                return Ok(());
            }
            match below(3) {
                0 => state.set_top(below(5) as i32),
                1 => lua.xmove(state, count()),
                _ => act(state),
            }
        }
    }
}

fn buffers(lua: &mut LuaState) -> LuaResult<()> {
    let mut buffer = Buffer::new(lua)?;
    for _ in 0..below(6) {
        match below(8) {
            0 => buffer.push_byte(lua, b'a')?,
            1 => buffer.extend(lua, &[b'b'; 300][..below(300) as usize])?,
            2 => buffer.add_value(lua)?,
            3 => buffer.add_at(lua, index())?,
            4 => {
                let n = below(500) as usize;
                let place = buffer.reserve(lua, n)?;
                place.fill(b'c');
                buffer.advance(n * below(3) as usize);
            }
            5 => buffer.truncate(below(400) as usize),
            6 => act(lua)?,
            _ => drop(buffer.as_bytes(lua).iter().map(|&b| b as u64).sum::<u64>()),
        }
    }
    if chance(2) { buffer.finish(lua) } else { buffer.park(lua) }
}

fn debugging(lua: &mut LuaState) -> LuaResult<()> {
    let level = below(4) as i32;
    let n = below(9) as i32 - 4;
    match below(8) {
        0 => {
            let mask = [0, MASK_CALL, MASK_RETURN, MASK_LINE, MASK_COUNT, MASK_CALL | MASK_LINE | MASK_COUNT];
            lua.set_hook(chance(2).then_some(hook), mask[below(6) as usize], below(4) as i32);
            Ok(())
        }
        1 => {
            let activation = lua.get_stack(level);
            lua.get_info(">nSltuf", activation).map(|_| ())
        }
        2 => {
            let activation = lua.get_stack(level);
            lua.get_local(activation, n).map(|_| ())
        }
        3 => match lua.get_stack(level) {
            Some(activation) => lua.set_local(activation, n).map(|_| ()),
            None => Ok(()),
        },
        4 => lua.get_upvalue(index(), n).map(|_| ()),
        5 => lua.set_upvalue(index(), n).map(|_| ()),
        6 => {
            lua.upvalue_id(index(), n);
            lua.upvalue_join(index(), n, index(), level);
            Ok(())
        }
        _ => lua.traceback(None, None, level),
    }
}

fn read(lua: &mut LuaState) -> LuaResult<()> {
    let (a, b) = (index(), index());
    lua.raw_equal(a, b);
    lua.raw_len(a);
    lua.to_pointer(b);
    lua.to_integer(a);
    lua.to_number(b);
    lua.to_userdata(a);
    lua.str_at(b);
    match below(6) {
        0 => lua.to_str(a).map(|_| ()),
        1 => lua.compare(a, b, CompareOp::Le).map(|_| ()),
        2 => lua.arith(ArithOp::Add),
        3 => lua.len(a),
        4 => lua.push_tostring(b).map(|_| ()),
        _ => lua.concat(count()),
    }
}

fn garbage(lua: &mut LuaState) -> LuaResult<()> {
    match below(5) {
        0 => lua.gc_collect(),
        1 => lua.gc_step(below(50) as i32).map(|_| ()),
        2 => {
            lua.gc_set_pause(below(300) as i32);
            lua.gc_set_step_mul(below(3000) as i32);
            Ok(())
        }
        3 => {
            lua.gc_stop();
            Ok(())
        }
        _ => {
            lua.gc_restart();
            Ok(())
        }
    }
}

fn helpers(lua: &mut LuaState) -> LuaResult<()> {
    match below(10) {
        0 => lua.ref_(index()).map(|_| ()),
        1 => lua.unref(index(), below(5) as i32),
        2 => lua.get_subtable(index(), "sub").map(|_| ()),
        3 => lua.new_metatable("kind").map(|_| ()),
        4 => lua.set_registered_metatable("kind"),
        5 => {
            lua.test_userdata(index(), "kind");
            Ok(())
        }
        6 => lua.check_option(index(), Some("a"), &["a", "b"]).map(|_| ()),
        7 => Err(lua.arg_error(index(), "wild")),
        8 => Err(lua.raise(format_args!("wild {}", below(10)))),
        _ => lua.check_type(index(), LuaType::Table),
    }
}

/// Everything that follows from one seed.
fn run(seed: u64) {
    SEED.set(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    DEPTH.set(0);
    BUDGET.set(3000);
    let memory = Counting::new(Limit::new(Checking::recording(System), 8 << 20));
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        for _ in 0..20 {
            match below(3) {
                0 => {
                    let _ = act(&mut lua);
                }
                1 => {
                    let _ = lua.push_native(wild);
                    lua.pcall(0, -1, 0);
                }
                _ => {
                    let chunk = CHUNKS[below(CHUNKS.len() as u64) as usize];
                    lua.load_bytes(chunk.as_bytes(), b"=chunk", LoadMode::ANY);
                    for _ in 0..3 {
                        let _ = lua.push_native(wild);
                    }
                    lua.pcall(3, results(), 0);
                }
            }
            if chance(3) {
                let _ = lua.set_top(0);
            }
        }
    }
    assert_eq!(memory.stats().live_bytes, 0, "seed {seed}");
    assert_eq!(memory.inner().inner().violations(), [], "seed {seed}");
}

#[test]
fn natives_gone_wild() {
    let (first, count) = match std::env::var("PERILUNE_WILD_SEEDS").map(|text| text.parse::<u64>()) {
        Ok(Ok(first)) => (first, std::env::var("PERILUNE_WILD_COUNT").map_or(1, |text| text.parse().unwrap_or(1))),
        _ => (1, 3000),
    };
    for seed in first..first + count {
        run(seed);
    }
}
