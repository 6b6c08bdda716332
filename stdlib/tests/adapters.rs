//! Every adapter carries real programs: the test scripts, and programs that make garbage of all kinds, print the same on each, and
//! leave nothing behind.

use std::cell::RefCell;
use std::path::Path;

use perilune_alloc_adapters::{Checking, Counting, LuaAlloc, Slab, System, UpBump};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status};

thread_local! {
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `print`, into the buffer.
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    for i in 1..=lua.get_top() {
        lua.push_tostring(i)?;
        OUTPUT.with_borrow_mut(|output| {
            output.extend(lua.str_at(-1).unwrap_or(b"?"));
            output.push(b'\t');
        });
        lua.pop(1);
    }
    OUTPUT.with_borrow_mut(|output| output.push(b'\n'));
    Ok(0)
}

/// What the scripts print in states of their own on an allocator, errors and finalizers at the end included.
fn output<A: LuaAlloc>(make: &impl Fn() -> A, scripts: &[(String, Vec<u8>)]) -> String {
    OUTPUT.take();
    for (name, script) in scripts {
        let mut lua = Lua::with_seed(make(), 1).expect("a state");
        open_libs(&mut lua).expect("libraries");
        lua.push_native(print).expect("room");
        lua.set_global("print").expect("memory");
        assert_eq!(lua.load_bytes(b"io.write = print", b"=io", LoadMode::TEXT), Status::Ok);
        assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
        OUTPUT.with_borrow_mut(|output| output.extend(format!("== {name}\n").bytes()));
        let mut status = lua.load_bytes(script, format!("={name}").as_bytes(), LoadMode::TEXT);
        if status == Status::Ok {
            status = lua.pcall(0, 0, 0);
        }
        if status != Status::Ok {
            lua.push_tostring(-1).expect("memory");
            let message = lua.str_at(-1).unwrap_or(b"?").to_vec();
            OUTPUT.with_borrow_mut(|output| output.extend(message));
        }
    }
    String::from_utf8_lossy(&OUTPUT.take()).into_owned()
}

/// Programs that load the allocator, each in its own way.
const PROGRAMS: [(&str, &str); 5] = [
    (
        "trees",
        "local function tree(depth) if depth == 0 then return {} end return {tree(depth - 1), tree(depth - 1)} end
        local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
        local kept = tree(9)
        for i = 1, 30 do print(i, count(tree(i % 9))) end
        print(count(kept))",
    ),
    (
        "strings",
        "local parts, all = {}, ''
        for i = 1, 3000 do parts[#parts + 1] = ('%d:%s'):format(i, ('x'):rep(i % 50)) all = all .. i end
        local joined = table.concat(parts, ',')
        print(#joined, #all, #joined:gsub('x+', function(s) return #s .. s end))
        local long = 'ab' for i = 1, 14 do long = long .. long end print(#long, #long:rep(8):upper())",
    ),
    (
        "arrays",
        "local rows = {}
        for i = 1, 60 do local row = {} for j = 1, 500 do row[j] = i * j end rows[i] = row end
        for i = 1, 60, 2 do rows[i] = false end
        collectgarbage()
        local big = {} for i = 1, 100000 do big[i] = i end
        for i = 100000, 1, -1 do big[i] = nil end
        big.x = 1 for i = 1, 1000 do big['k' .. i] = i end
        local sum = 0 for _, row in ipairs(rows) do if row then sum = sum + row[500] end end
        for i = 2, 60, 2 do sum = sum + rows[i][500] end print(sum, big.k1000)",
    ),
    (
        "coroutines and closures",
        "local threads = {}
        for i = 1, 200 do
          threads[i] = coroutine.wrap(function(...) local n = select('#', ...) while true do n = n + coroutine.yield(n) end end)
          threads[i](table.unpack({}, 1, i))
        end
        local sum = 0
        for round = 1, 20 do for i = 1, 200 do if threads[i] then sum = sum + threads[i](round) end end threads[round * 7] = nil end
        local function adder(n) return function(m) n = n + m return n end end
        for i = 1, 5000 do sum = sum + adder(i)(i) end
        local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
        print(sum, deep(20000))",
    ),
    (
        "finalizers and code",
        "local done = 0
        for i = 1, 2000 do setmetatable({}, {__gc = function() done = done + 1 end}) end
        collectgarbage() print(done)
        for i = 1, 200 do assert(load('local a = ' .. i .. ' return function(x) return a + x, \"s' .. i .. '\" end'))()(i) end
        local code = {} for i = 1, 3000 do code[i] = 'local v' .. i % 150 .. ' = \"c' .. i .. '\"' end
        print(load('do ' .. table.concat(code, ' end do ') .. ' end return 5')())
        last = setmetatable({}, {__gc = function() print('closed') end})
        error('the end')",
    ),
];

/// The programs above, and test scripts that need nothing but the language and pure libraries.
fn scripts() -> Vec<(String, Vec<u8>)> {
    let mut scripts: Vec<_> = PROGRAMS.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lua");
    for folder in ["base", "coroutine", "gc", "string", "table"] {
        let mut files: Vec<_> = std::fs::read_dir(root.join(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for file in files {
            scripts.push((file.display().to_string(), std::fs::read(&file).expect("a file")));
        }
    }
    assert!(scripts.len() > 20);
    scripts
}

/// Compares an adapter with the platform's allocator: owned by the state, borrowed under counters, and under the instrument that
/// verifies and moves everything.
fn carries_real_programs<A: LuaAlloc>(make: impl Fn() -> A) {
    let scripts = scripts();
    let expected = output(&|| System, &scripts);
    assert!(expected.contains("closed") && expected.contains("the end") && expected.len() > 2000);
    assert_eq!(output(&make, &scripts), expected);
    let scripts = &scripts[..PROGRAMS.len()];
    let expected = output(&|| System, scripts);
    let counting = Counting::new(make());
    for _ in 0..2 {
        assert_eq!(output(&|| &counting, scripts), expected);
        assert_eq!(counting.live_bytes(), 0);
    }
    assert_eq!(output(&|| Checking::new(make()), scripts), expected);
}

#[cfg(unix)]
#[test]
fn libc() {
    carries_real_programs(|| perilune_alloc_adapters::Libc);
}

#[test]
fn global() {
    carries_real_programs(|| perilune_alloc_adapters::Global::new(&std::alloc::System));
}

#[test]
fn bump() {
    carries_real_programs(perilune_alloc_adapters::Bump::new);
}

#[test]
fn bump_free_list() {
    carries_real_programs(perilune_alloc_adapters::BumpFreeList::new);
}

#[test]
fn up_bump() {
    carries_real_programs(UpBump::new);
}

#[test]
fn slab() {
    carries_real_programs(Slab::new);
}

#[test]
fn mimalloc() {
    carries_real_programs(perilune_alloc_adapters::Mimalloc::new);
}

#[test]
fn mimalloc_shared() {
    carries_real_programs(|| perilune_alloc_adapters::MimallocShared);
}
