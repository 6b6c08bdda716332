//! The library `lproc` in the program: what its processes are made with.

use perilune_alloc_adapters::System;
use perilune_stdlib::lproc::{Processes, Settings};
use perilune_stdlib::open_libs;
use perilune_vm::{LuaResult, LuaState};

use crate::allocators::ALLOCATORS;
use crate::script::Program;

/// Opens in a process what the program opens in its own state.
fn open_libraries(lua: &mut LuaState) -> LuaResult<()> {
    open_libs(lua)?;
    #[cfg(all(feature = "socket", unix))]
    perilune_stdlib::preload_socket(lua)?;
    Ok(())
}

/// Makes `lproc` ready to be required. Processes can have those allocators of `--alloc` that are not bound to a thread, by
/// default the one that the program has or its substitute, and `--mem-limit` holds for all states together.
pub fn preload(lua: &mut LuaState, program: &Program) -> LuaResult<()> {
    let mut settings = Settings::new().libraries(open_libraries);
    for allocator in ALLOCATORS {
        settings = (allocator.offer)(settings, allocator.name);
    }
    settings = settings.default_allocator(program.options.allocator.for_processes);
    if program.options.memory_limit.is_some() {
        settings = settings.budget(&program.budget).shared_memory(program.budget.wrap(System));
    }
    Processes::new(settings).preload(lua)
}
