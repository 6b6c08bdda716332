//! Stores into objects of all kinds, in all phases of the collector.
//!
//! A [`Story`] moves the collector to somewhere in its cycle, makes an object that nobody else has, stores it by one of many ways (an
//! instruction, a library function, the host API) into something that lives long, makes garbage, and so on; the heap is checked after
//! each step. A store without its write barrier, and a wrong size at the next turn of an object's life, show at once.
//!
//! ```
//! use perilune_fuzz::{property, stores};
//!
//! let story: stores::Story = property::from_seed(1, 100).unwrap();
//! stores::keeps_the_heap_whole(&story).unwrap();
//! ```

use arbitrary::{Arbitrary, Result as Generated, Unstructured};
use perilune_alloc_adapters::{Checking, System};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, NativeFn, REGISTRY_INDEX, Status, Thrown, testing};

use crate::property::{Shrink, shorter};

/// What happens to a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story(pub Vec<Step>);

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An object of a kind is made and stored in a way.
    Store {
        /// Which way.
        way: u8,
        /// Which kind.
        kind: u8,
    },
    /// The collector goes on to a phase.
    Phase(u8),
    /// It does so much work.
    Work(u8),
    /// So many objects of a kind are made, and nobody keeps them.
    Garbage {
        /// Which kind.
        kind: u8,
        /// How many.
        count: u16,
    },
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        Ok(match u.int_in_range(0..=15)? {
            0..=8 => Self::Store { way: u.arbitrary()?, kind: u.arbitrary()? },
            9..=11 => Self::Phase(u.arbitrary()?),
            12..=14 => Self::Work(u.int_in_range(0..=9)?),
            _ => {
                let count = if u.ratio(1, 3)? { u.int_in_range(500..=4000)? } else { u.int_in_range(0..=50)? };
                Self::Garbage { kind: u.arbitrary()?, count }
            }
        })
    }
}

impl<'a> Arbitrary<'a> for Story {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        let mut steps = Vec::new();
        while steps.len() < 60 && !u.is_empty() {
            steps.push(u.arbitrary()?);
        }
        Ok(Self(steps))
    }
}

impl Shrink for Story {
    fn shrink(&self, n: usize) -> Option<Self> {
        shorter(&self.0, n).map(Self)
    }
}

/// Holds a value as its upvalue.
fn holder(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

/// Where the holders lie on the stack.
const WAYS: i32 = 1;
const TABLE: i32 = 2;
const USERDATA: i32 = 3;
const CLOSURE: i32 = 4;
const LAST: i32 = CLOSURE;

/// How many ways there are that only the host has.
const HOST_WAYS: usize = 9;

/// The libraries that the ways need.
const LIBRARIES: [(&str, NativeFn); 4] = [
    ("_G", perilune_stdlib::open_base),
    ("coroutine", perilune_stdlib::open_coroutine),
    ("table", perilune_stdlib::open_table),
    ("debug", perilune_stdlib::open_debug),
];

/// Makes the holders, with their ways in front.
fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    for (name, open) in LIBRARIES {
        lua.require_f(name, open, true)?;
    }
    lua.set_top(0)?;
    load(lua, include_bytes!("holders.lua"))?;
    lua.call(0, 1)?;
    lua.create_table(4, 4)?;
    lua.new_userdata(24)?;
    lua.push_nil()?;
    lua.push_native_closure(holder, 1)?;
    // The collector works only when a step says so.
    lua.gc_stop();
    Ok(())
}

/// Pushes a new object; `number` makes texts different.
fn push_object(lua: &mut LuaState, kind: u8, number: usize) -> LuaResult<()> {
    match kind % 8 {
        0 => lua.new_table(),
        1 => lua.push_fmt(format_args!("short {number}")),
        2 => lua.push_fmt(format_args!("a text of more than forty characters, which is not interned {number}")),
        3 => lua.new_userdata(number % 50).map(drop),
        4 => {
            lua.new_table()?;
            lua.push_native_closure(holder, 1)
        }
        5 => lua.new_thread().map(drop),
        6 => lua.create_table(number % 9, number % 9),
        _ => load(lua, b"return 1"),
    }
}

/// Pushes a chunk.
fn load(lua: &mut LuaState, source: &[u8]) -> LuaResult<()> {
    match lua.load_bytes(source, b"=chunk", LoadMode::TEXT) {
        Status::Ok => Ok(()),
        _ => Err(Thrown::Syntax),
    }
}

/// Stores the value on top.
fn store(lua: &mut LuaState, way: usize, number: usize) -> LuaResult<()> {
    match way {
        0 => lua.raw_set_i(TABLE, 1 + number as i64 % 4),
        1 => lua.set_field(TABLE, ["x", "y", "z"][number % 3]),
        2 => {
            lua.push_boolean(true)?;
            lua.raw_set(TABLE)
        }
        3 => lua.set_user_value(USERDATA),
        4 => {
            lua.new_table()?;
            lua.insert(-2);
            lua.raw_set_i(-2, 1)?;
            lua.set_metatable([TABLE, USERDATA][number % 2])
        }
        5 => lua.set_upvalue(CLOSURE, 1).map(drop),
        6 => lua.raw_set_i(REGISTRY_INDEX, 800 + number as i64 % 3),
        7 => lua.set_global(["value", "other"][number % 2]),
        8 => {
            // A thread whose stack has been looked at already may be given more.
            lua.get_field(TABLE, "thread")?;
            let thread = match lua.to_thread(-1) {
                Some(thread) => {
                    lua.pop(1);
                    thread
                }
                None => {
                    lua.pop(1);
                    let thread = lua.new_thread()?;
                    lua.set_field(TABLE, "thread")?;
                    thread
                }
            };
            // SAFETY: the table keeps the thread alive.
            let thread = unsafe { thread.state() };
            if thread.get_top() > 10 {
                thread.set_top(0)?;
            }
            lua.xmove(thread, 1)
        }
        _ => {
            lua.raw_get_i(WAYS, (way - HOST_WAYS + 1) as i64)?;
            lua.insert(-2);
            lua.call(1, 0)
        }
    }
}

fn act(lua: &mut LuaState, step: Step, number: usize) -> LuaResult<()> {
    const PHASES: [testing::Phase; 6] = [
        testing::Phase::Propagate,
        testing::Phase::Atomic,
        testing::Phase::Atomic,
        testing::Phase::SweepAll,
        testing::Phase::SweepEnd,
        testing::Phase::Pause,
    ];
    match step {
        Step::Store { way, kind } => {
            let ways = HOST_WAYS + lua.raw_len(WAYS);
            push_object(lua, kind, number)?;
            match store(lua, usize::from(way) % ways, number) {
                // What has got a string as its `__index` cannot be indexed.
                Err(Thrown::Runtime) => {}
                result => result?,
            }
        }
        Step::Phase(n) => testing::run_collector_to(lua, PHASES[usize::from(n) % PHASES.len()]),
        Step::Work(kib) => drop(lua.gc_step(kib.into())?),
        Step::Garbage { kind, count } => {
            for n in 0..count.into() {
                push_object(lua, kind, 1000 + number * 5000 + n)?;
                lua.set_top(LAST)?;
            }
        }
    }
    lua.set_top(LAST)
}

/// Has a story happen, and looks whether the heap is whole after each step, and nothing is left of it in the end.
///
/// # Errors
/// What is wrong with the memory.
///
/// # Panics
/// The heap is not whole.
pub fn keeps_the_heap_whole(story: &Story) -> Result<(), String> {
    let memory = Checking::recording(System);
    {
        let mut lua = Lua::with_seed(&memory, 1).map_err(|_| "no state")?;
        prepare(&mut lua).map_err(|thrown| format!("no holders: {thrown:?}"))?;
        for (number, &step) in story.0.iter().enumerate() {
            if let Err(thrown) = act(&mut lua, step, number) {
                let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or_default()).into_owned();
                return Err(format!("step {number}, {step:?}: {thrown:?} {message}"));
            }
            testing::check_memory(&lua);
        }
        lua.gc_collect().map_err(|thrown| format!("{thrown:?}"))?;
        testing::check_memory(&lua);
    }
    match (memory.violations().first(), memory.leaks().blocks) {
        (None, 0) => Ok(()),
        (Some(violation), _) => Err(format!("{violation}")),
        (None, _) => Err(format!("{}", memory.leaks())),
    }
}
