//! Native functions of a host that use the operations named `…_then`: the same results whether or not a metamethod is called,
//! and whether or not it yields.

use perilune_alloc_adapters::{Counting, System};
use perilune_stdlib::open_libs;
use perilune_vm::{Buffer, CompareOp, LoadMode, Lua, LuaResult, LuaState, NativeFn, Status};

/// `get (t, k)`: the value of a key, and of the field `name`.
fn get(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.get_table_then(1, 0, |lua, _, _| get_name(lua))?;
    get_name(lua)
}

fn get_name(lua: &mut LuaState) -> LuaResult<usize> {
    lua.get_field_then(1, "name", 0, |_, _, _| Ok(2))?;
    Ok(2)
}

/// `set (t, k, v)`: sets a key and the field `name`; returns the table.
fn set(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(3)?;
    lua.push_value(2)?;
    lua.push_value(3)?;
    lua.set_table_then(1, 0, |lua, _, _| set_name(lua))?;
    set_name(lua)
}

fn set_name(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_field_then(1, "name", 0, |lua, _, _| lua.push_value(1).map(|()| 1))?;
    lua.push_value(1)?;
    Ok(1)
}

/// `compare (a, b)`: `a == b`, `a < b`, `a <= b`.
fn compare(lua: &mut LuaState) -> LuaResult<usize> {
    compare_from(lua, 0)
}

fn compare_from(lua: &mut LuaState, start: usize) -> LuaResult<usize> {
    const OPERATIONS: [CompareOp; 3] = [CompareOp::Eq, CompareOp::Lt, CompareOp::Le];
    for (i, &op) in OPERATIONS.iter().enumerate().skip(start) {
        let answer = lua.compare_then(1, 2, op, i as isize, |lua, _, i| {
            let answer = lua.take_answer();
            lua.push_boolean(answer)?;
            compare_from(lua, i as usize + 1)
        })?;
        lua.push_boolean(answer)?;
    }
    Ok(3)
}

/// `length (v)`: the length.
fn length(lua: &mut LuaState) -> LuaResult<usize> {
    lua.len_then(1, 0, |lua, _, _| return_length(lua))?;
    return_length(lua)
}

fn return_length(lua: &mut LuaState) -> LuaResult<usize> {
    let length = lua.take_length()?;
    lua.push_integer(length)?;
    Ok(1)
}

/// `texts (...)`: the texts of all arguments in one string.
fn texts(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top();
    let mut buffer = Buffer::new(lua)?;
    buffer.park(lua)?;
    texts_from(lua, 1, count)
}

fn texts_from(lua: &mut LuaState, start: i32, count: i32) -> LuaResult<usize> {
    for arg in start..=count {
        lua.push_tostring_then(arg, arg as isize, |lua, _, arg| {
            lua.check_text()?;
            // The buffer and the text lie above the arguments.
            let count = lua.get_top() - 2;
            add_text(lua, count)?;
            texts_from(lua, arg as i32 + 1, count)
        })?;
        add_text(lua, count)?;
    }
    Buffer::unpark(lua, count + 1)?.finish(lua)?;
    Ok(1)
}

fn add_text(lua: &mut LuaState, count: i32) -> LuaResult<()> {
    let mut buffer = Buffer::unpark(lua, count + 1)?;
    buffer.add_value(lua)?;
    buffer.park(lua)
}

/// `can ()`: what is said of yields within an access.
fn can(lua: &mut LuaState) -> LuaResult<usize> {
    let (seems, can) = (lua.is_yieldable(), lua.can_yield());
    lua.push_boolean(seems)?;
    lua.push_boolean(can)?;
    Ok(2)
}

const FUNCTIONS: [(&str, NativeFn); 6] =
    [("get", get), ("set", set), ("compare", compare), ("length", length), ("texts", texts), ("can", can)];

/// Runs a script in which `y` gives its arguments back, after a yield if that is asked for.
fn run(script: &str, yields: bool) -> String {
    let prelude = if yields {
        "local function y(...) coroutine.yield() return coroutine.yield(...) end "
    } else {
        "local function y(...) return ... end "
    };
    let script = format!(
        "local function main() {prelude} {script} end
        local function pass(co, ok, ...)
            if coroutine.status(co) == 'dead' then return ok, ... end
            collectgarbage()
            return pass(co, coroutine.resume(co, ...))
        end
        local co = coroutine.create(main)
        local r = table.pack(pass(co, coroutine.resume(co)))
        for i = 1, r.n do r[i] = tostring(r[i]) end
        return table.concat(r, ' ')"
    );
    let memory = Counting::new(System);
    let text = {
        let mut lua = Lua::new(&memory).expect("a state");
        open_libs(&mut lua).expect("libraries");
        lua.push_global_table().expect("globals");
        lua.set_funcs(&FUNCTIONS, 0).expect("functions");
        let status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
        assert_eq!(status, Status::Ok, "{script}: {:?}", lua.str_at(-1).map(String::from_utf8_lossy));
        let status = lua.pcall(0, 1, 0);
        let text = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?")).into_owned();
        assert_eq!(status, Status::Ok, "{text}");
        text
    };
    assert_eq!(memory.stats().live_bytes, 0);
    text
}

#[track_caller]
fn gives(script: &str, expected: &str) {
    for yields in [false, true] {
        assert_eq!(run(script, yields), expected, "{script} (yields: {yields})");
    }
}

#[test]
fn reading() {
    gives("return get({ 10, name = 'n' }, 1)", "true 10 n");
    gives("return get(setmetatable({}, { __index = function(t, k) return y(k .. '!') end }), 'x')", "true x! name!");
    gives("return get(setmetatable({ 10 }, { __index = function(t, k) return y(k .. '!') end }), 1)", "true 10 name!");
    gives(
        "local last = setmetatable({}, { __index = function(t, k) return y(k) end })
        return get(setmetatable({}, { __index = setmetatable({ 5 }, { __index = last }) }), 1)",
        "true 5 name",
    );
    gives("return get(nil, 1)", "false attempt to index a nil value");
    gives("return get(setmetatable({}, { __index = function() y() error('e', 0) end }), 1)", "false e");
    gives("return pcall(get, setmetatable({}, { __index = function() y() error('e', 0) end }), 1)", "true false e");
}

#[test]
fn writing() {
    gives("local t = set({}, 1, 2) return t[1], t.name", "true 2 2");
    gives(
        "local log = {}
        set(setmetatable({}, { __newindex = function(t, k, v) y() log[#log + 1] = k .. '=' .. v end }), 'k', 5)
        return table.unpack(log)",
        "true k=5 name=5",
    );
    gives("return set(setmetatable({}, { __newindex = function() y() error('e', 0) end }), 1, 2)", "false e");
    gives("return set(1, 2, 3)", "false attempt to index a number value");
}

#[test]
fn comparing() {
    gives("return compare(1, 2)", "true false true true");
    let objects = "local function o(v, le)
            return setmetatable({ v = v }, {
                __eq = function(a, b) return y(a.v == b.v) end,
                __lt = function(a, b) return y(a.v < b.v) end,
                __le = le and function(a, b) return y(a.v <= b.v and 'yes') end,
            })
        end ";
    gives(&format!("{objects} return compare(o(1, true), o(2, true))"), "true false true true");
    gives(&format!("{objects} return compare(o(2, true), o(2, true))"), "true true false true");
    // Without `__le`, `a <= b` is `not (b < a)`.
    gives(&format!("{objects} return compare(o(1), o(2))"), "true false true true");
    gives(&format!("{objects} return compare(o(2), o(1))"), "true false false false");
    gives(&format!("{objects} return compare(o(2), o(2))"), "true true false true");
    gives("return compare({}, 1)", "false attempt to compare table with number");
}

#[test]
fn lengths_and_texts() {
    gives("return length('abc')", "true 3");
    gives("return length(setmetatable({}, { __len = function() return y(7) end }))", "true 7");
    gives(
        "return length(setmetatable({}, { __len = function() return y(7.5) end }))",
        "false s:1: object length is not an integer",
    );
    gives(
        "local function o(s) return setmetatable({}, { __tostring = function() return y(s) end }) end
        return texts(o 'a', 1, nil, o(('b'):rep(1000)), true, o(2)):gsub('b+', 'b')",
        "true a1nilbtrue2 1",
    );
    gives(
        "return texts(setmetatable({}, { __tostring = function() return y({}) end }))",
        "false s:1: '__tostring' must return a string",
    );
}

#[test]
fn what_is_said_of_yields() {
    gives("return can()", "true true true");
    gives(
        "return get(setmetatable({ name = 1 }, { __index = function() return (y(table.concat({ tostring(can()), tostring(select(2, can())) }, '/'))) end }), 1)",
        "true false/true 1",
    );
}
