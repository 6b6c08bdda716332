//! What runs workloads: a state with the standard library, a `print` whose output is kept, and userdata for the asking.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use perilune_vm::{LoadMode, LuaResult, LuaState, LuaType, Status};

use super::os::cpu_time;
use super::subject::{Closing, Subject};
use super::workload::{Driver, Workload};

/// The most output that is kept.
const OUTPUT_MAX: usize = 1 << 16;

thread_local! {
    /// What the workload on this thread has printed. It is not the state's memory, lest it count.
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `print (···)` (§6.1), into [`OUTPUT`].
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    for index in 1..=lua.get_top() {
        let text = lua.push_tostring(index)?;
        OUTPUT.with_borrow_mut(|output| {
            // SAFETY: the string is on the stack while the slice is used.
            let bytes = unsafe { text.bytes() };
            let room = OUTPUT_MAX.saturating_sub(output.len());
            if index > 1 && room > 0 {
                output.push(b'\t');
            }
            output.extend_from_slice(&bytes[..bytes.len().min(room)]);
        });
        lua.pop(1);
    }
    OUTPUT.with_borrow_mut(|output| output.push(b'\n'));
    Ok(0)
}

/// `host.userdata (bytes, metatable)`: a full userdata.
fn userdata(lua: &mut LuaState) -> LuaResult<usize> {
    let bytes = lua.check_integer(1)?;
    lua.arg_check((0..1 << 30).contains(&bytes), 1, "size out of range")?;
    lua.check_type(2, LuaType::Table)?;
    lua.new_userdata(bytes as usize)?;
    lua.push_value(2)?;
    lua.set_metatable(-2)?;
    Ok(1)
}

/// Opens what workloads may use.
fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    perilune_stdlib::open_libs(lua)?;
    lua.register("print", print)?;
    lua.new_table()?;
    lua.push_native(userdata)?;
    lua.set_field(-2, "userdata")?;
    lua.set_global("host")
}

/// What is on top, as a message.
fn message(lua: &mut LuaState) -> String {
    lua.str_at(-1)
        .map_or_else(|| "an error value that is no string".into(), |text| String::from_utf8_lossy(text).into())
}

/// Opens the libraries of a new state and runs a workload's file in it with an argument. Returns the integer that it returned, or 0.
///
/// # Errors
/// The file cannot be compiled, or raised an error.
pub fn run_file(lua: &mut LuaState, workload: &Workload, argument: u64) -> Result<i64> {
    prepare(lua).map_err(|_| anyhow!("there is not enough memory for the standard library"))?;
    let name = format!("@{}.lua", workload.name);
    if lua.load_bytes(workload.source.as_bytes(), name.as_bytes(), LoadMode::TEXT) != Status::Ok {
        bail!("workload '{}' cannot be compiled: {}", workload.name, message(lua));
    }
    lua.push_integer(argument as i64).map_err(|_| anyhow!("there is no room for an argument"))?;
    if lua.pcall(1, 1, 0) != Status::Ok {
        bail!("workload '{}' failed: {}", workload.name, message(lua));
    }
    let result = lua.to_integer(-1).unwrap_or(0);
    lua.pop(1);
    Ok(result)
}

/// What a run of a workload gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// The processor time of opening and running, and of closing too if states are opened and closed by the workload's nature.
    pub running: Duration,
    /// The processor time of closing.
    pub closing: Duration,
    /// What was printed.
    pub checksum: String,
}

/// What a workload has printed on this thread since the last call.
fn take_output() -> String {
    OUTPUT.with_borrow_mut(|output| String::from_utf8_lossy(&std::mem::take(output)).trim_end().to_owned())
}

/// Runs a workload with an argument; `state` makes a state, lets the closure use it, closes it, and returns how long that took.
///
/// # Errors
/// A state cannot be made, or the workload failed.
pub fn run(
    workload: &Workload,
    argument: u64,
    mut state: impl FnMut(&mut dyn FnMut(&mut LuaState) -> Result<()>) -> Result<Duration>,
) -> Result<Finished> {
    take_output();
    let start = cpu_time();
    let mut closing = Duration::ZERO;
    match workload.driver {
        Driver::Script => {
            let mut running = Duration::ZERO;
            closing = state(&mut |lua| {
                run_file(lua, workload, argument)?;
                running = cpu_time().saturating_sub(start);
                Ok(())
            })?;
            Ok(Finished { running, closing, checksum: take_output() })
        }
        Driver::States => {
            let mut sum = 0i64;
            for number in 1..=argument {
                closing += state(&mut |lua| {
                    sum = sum.wrapping_add(run_file(lua, workload, number)?);
                    Ok(())
                })?;
            }
            let running = cpu_time().saturating_sub(start);
            Ok(Finished { running, closing, checksum: format!("{}{}\t{sum}", take_output(), workload.name) })
        }
    }
}

/// Runs a workload on an allocator, with nothing between them.
///
/// # Errors
/// As for [`run`].
pub fn run_on(subject: &dyn Subject, closing: Closing, workload: &Workload, argument: u64) -> Result<Finished> {
    run(workload, argument, |work| subject.with_state(closing, work))
}
