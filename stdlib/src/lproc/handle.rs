//! Handles: what `lproc.start` returns, and what can be asked of it.

use std::sync::Arc;

use perilune_vm::{LuaResult, LuaState, NativeFn, UserType};

use super::context::Context;
use super::decode::decode;
use super::functions::{opt_timeout, return_timeout, wait_for};
use super::memory::Bytes;
use super::process::{Outcome, Process, Reason};
use super::wait::Ended;

/// A process as others have it.
pub(super) struct Handle(pub(super) Arc<Process>);

impl UserType for Handle {
    const NAME: &'static str = "lproc.process";
}

/// The process that the first argument must be.
fn check_process(lua: &mut LuaState) -> LuaResult<Arc<Process>> {
    lua.check_userdata_ref::<Handle>(1).map(|handle| Arc::clone(&handle.0))
}

/// What `join` returns of an outcome.
enum Answer {
    /// Values, after this.
    Values(bool, Arc<Bytes>),
    /// An error to be raised.
    Message(Arc<Bytes>),
    NoMemory,
    Words(&'static str),
}

/// `process:join ([seconds])`
fn join(lua: &mut LuaState) -> LuaResult<usize> {
    let process = check_process(lua)?;
    let deadline = opt_timeout(lua, 2)?;
    let context = Context::of_function(lua)?;
    let ended = wait_for(lua, &context, deadline, |_, wait| {
        Ok(match process.wait_for_end(wait) {
            Ended::Signalled => Some(true),
            Ended::TimedOut => Some(false),
            Ended::Stopped => None,
        })
    })?;
    if !ended {
        return return_timeout(lua);
    }
    context.group.join_ended();
    let answer = process.with_outcome(|outcome| match outcome {
        Some(Outcome::Done(results)) => Answer::Values(true, Arc::clone(results)),
        Some(Outcome::DoneWithout(Reason::Message(message))) => Answer::Message(Arc::clone(message)),
        Some(Outcome::DoneWithout(Reason::NoMemory)) => Answer::NoMemory,
        Some(Outcome::Failed(Some(error))) => Answer::Values(false, Arc::clone(error)),
        Some(Outcome::Failed(None)) => Answer::Words("unknown error"),
        Some(Outcome::Cancelled) | None => Answer::Words("cancelled"),
    });
    match answer {
        Answer::Values(well, values) => {
            lua.push_boolean(well)?;
            Ok(1 + decode(lua, values.as_slice())?)
        }
        Answer::Message(message) => Err(crate::message::raise_parts(lua, &[message.as_slice()])),
        Answer::NoMemory => Err(lua.raise(format_args!("there was no memory for the results"))),
        Answer::Words(words) => {
            lua.push_boolean(false)?;
            lua.push_str(words)?;
            Ok(2)
        }
    }
}

/// `process:status ()`
fn status(lua: &mut LuaState) -> LuaResult<usize> {
    let status = check_process(lua)?.status();
    lua.push_str(status)?;
    Ok(1)
}

/// `process:cancel ()`
fn cancel(lua: &mut LuaState) -> LuaResult<usize> {
    let cancelled = check_process(lua)?.cancel();
    lua.push_boolean(cancelled)?;
    Ok(1)
}

/// The methods.
const METHODS: &[(&str, NativeFn)] = &[("join", join), ("status", status), ("cancel", cancel)];

/// Makes the metatable of handles, with the context below the top as the methods' upvalue.
pub(super) fn make_metatable(lua: &mut LuaState) -> LuaResult<()> {
    lua.new_metatable(Handle::NAME)?;
    lua.new_lib_table(METHODS)?;
    lua.push_value(-3)?;
    lua.set_funcs(METHODS, 1)?;
    lua.set_field(-2, "__index")?;
    lua.pop(1);
    Ok(())
}
