//! What a state knows of its group and of the process that it is.

use std::sync::Arc;

use perilune_vm::{LuaResult, LuaState, REGISTRY_INDEX, UserType, upvalue_index};

use super::group::Group;
use super::process::{Process, stop_error};

/// The key of the context in the registry is the address of this.
static KEY: u8 = 0;

/// The group that a state belongs to, and its process; a state of the host's has none.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) group: Arc<Group>,
    pub(super) process: Option<Arc<Process>>,
}

impl UserType for Context {
    const NAME: &'static str = "lproc.context";
}

impl Context {
    /// The context that a state was given, if it was given any.
    pub(super) fn of_state(lua: &mut LuaState) -> Option<Self> {
        // Without room on the stack there is none to be found.
        lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast()).ok()?;
        let context = lua.userdata_ref::<Self>(-1).cloned();
        lua.pop(1);
        context
    }

    /// Pushes the context of a state, which is made of a group if there is none.
    pub(super) fn push(lua: &mut LuaState, group: impl FnOnce() -> Arc<Group>) -> LuaResult<()> {
        lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
        if lua.userdata_ref::<Self>(-1).is_none() {
            lua.pop(1);
            Self { group: group(), process: None }.give(lua)?;
            lua.raw_get_p(REGISTRY_INDEX, (&raw const KEY).cast())?;
        }
        Ok(())
    }

    /// Makes this the context of a state.
    pub(super) fn give(self, lua: &mut LuaState) -> LuaResult<()> {
        lua.push_userdata(self)?;
        lua.raw_set_p(REGISTRY_INDEX, (&raw const KEY).cast())
    }

    /// The context of the running function of the library.
    pub(super) fn of_function(lua: &mut LuaState) -> LuaResult<Self> {
        match lua.userdata_ref::<Self>(upvalue_index(1)).cloned() {
            Some(context) => {
                context.check_stop(lua)?;
                Ok(context)
            }
            None => Err(lua.raise(format_args!("lproc is not open in this state"))),
        }
    }

    /// Whether no function of the state is to run any more.
    pub(super) fn must_stop(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.must_stop())
    }

    /// Raises the error that leaves a process which is to stop.
    pub(super) fn check_stop(&self, lua: &mut LuaState) -> LuaResult<()> {
        if self.must_stop() { Err(stop_error(lua)) } else { Ok(()) }
    }

    /// Does what is to be done after a wait was broken off: leaves the process, or serves an interrupt and waits on.
    pub(super) fn after_stop(&self, lua: &mut LuaState) -> LuaResult<()> {
        self.check_stop(lua)?;
        lua.serve_interrupt()
    }
}
