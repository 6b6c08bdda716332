//! The program's run: from the environment variable over the options to the script or the prompt.

use std::ffi::c_void;
use std::io::IsTerminal;
use std::process::ExitCode;

use perilune_alloc_adapters::LuaAlloc;
use perilune_stdlib::stdio::{end_stdout_line, write_stdout};
use perilune_stdlib::{load_file, open_libs};
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, LuaType, MULTRET, REGISTRY_INDEX, Status};

use crate::args::{Action, Options};
use crate::report::{self, message, report, run_chunk};
use crate::{listing, repl};

/// The first line of the interactive mode, and the answer to `-v`.
const VERSION: &str = concat!("Perilune ", env!("CARGO_PKG_VERSION"), "  Lua 5.3, the language of Lua.org, PUC-Rio");
/// The environment variables whose chunk runs first; the first one that is set counts.
const INIT_VARIABLES: [&str; 2] = ["LUA_INIT_5_3", "LUA_INIT"];

/// Everything that one run of the program knows.
pub struct Program {
    /// The arguments of the process.
    pub arguments: Vec<Vec<u8>>,
    /// What the program calls itself in messages.
    pub name: Vec<u8>,
    /// What the arguments mean.
    pub options: Options,
    /// What the memory limit leaves for all states.
    #[cfg(feature = "lproc")]
    pub budget: std::sync::Arc<perilune_stdlib::lproc::Budget>,
}

impl Program {
    /// What is to be run.
    pub fn new(arguments: Vec<Vec<u8>>, name: Vec<u8>, options: Options) -> Self {
        #[cfg(feature = "lproc")]
        let budget = perilune_stdlib::lproc::Budget::new(options.memory_limit.unwrap_or(usize::MAX));
        Self {
            arguments,
            name,
            options,
            #[cfg(feature = "lproc")]
            budget,
        }
    }

    /// Makes a state on an allocator, runs in it, and closes it.
    pub fn run<A: LuaAlloc>(&self, allocator: A) -> ExitCode {
        let Ok(mut lua) = Lua::new(allocator) else {
            message(Some(&self.name), b"cannot create state: not enough memory");
            return ExitCode::FAILURE;
        };
        if self.run_protected(&mut lua) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Runs in a protected call, so that even a lack of memory for the arguments is reported.
    fn run_protected(&self, lua: &mut LuaState) -> bool {
        let this = core::ptr::from_ref(self).cast_mut().cast::<c_void>();
        if lua.push_native(protected_main).is_err() || lua.push_light_userdata(this).is_err() {
            message(Some(&self.name), b"not enough memory");
            return false;
        }
        let status = lua.pcall(1, 1, 0);
        let good = lua.to_boolean(-1);
        report(lua, Some(&self.name), status).unwrap_or(false) && good
    }

    /// The name that messages begin with.
    fn name(&self) -> Option<&[u8]> {
        Some(&self.name)
    }

    /// Does what the options say, in the reference's order. Returns whether all went well.
    #[doc(alias = "pmain")]
    fn main(&self, lua: &mut LuaState) -> LuaResult<bool> {
        if self.options.list > 0 {
            return self.list(lua);
        }
        if self.options.version {
            print_version();
        }
        if self.options.ignore_environment {
            lua.push_boolean(true)?;
            lua.set_field(REGISTRY_INDEX, "LUA_NOENV")?;
        }
        open_libs(lua)?;
        #[cfg(all(feature = "socket", unix))]
        perilune_stdlib::preload_socket(lua)?;
        #[cfg(feature = "lproc")]
        crate::processes::preload(lua, self)?;
        #[cfg(feature = "testlib")]
        {
            lua.require_f("T", perilune_stdlib::open_testlib, true)?;
            lua.pop(1);
        }
        self.make_arg_table(lua)?;
        if !self.options.ignore_environment && !self.run_init(lua)? {
            return Ok(false);
        }
        for action in &self.options.actions {
            if !self.act(lua, action)? {
                return Ok(false);
            }
        }
        let has_script = self.options.script < self.arguments.len();
        if has_script && !self.run_script(lua)? {
            return Ok(false);
        }
        if self.options.interactive {
            repl::run(lua)?;
        } else if !has_script && !self.options.evaluates() && !self.options.version {
            if std::io::stdin().is_terminal() {
                print_version();
                repl::run(lua)?;
            } else {
                let loaded = load_file(lua, None, LoadMode::ANY)?;
                run_chunk(lua, self.name(), loaded)?;
            }
        }
        Ok(true)
    }

    /// The script's file name, or `None` for standard input, which `-` means unless it comes after `--`.
    fn script_file(&self) -> Option<&[u8]> {
        let at = self.options.script;
        let name = self.arguments[at].as_slice();
        (name != b"-" || self.arguments[at - 1] == b"--").then_some(name)
    }

    /// `--list`
    fn list(&self, lua: &mut LuaState) -> LuaResult<bool> {
        let loaded = load_file(lua, self.script_file(), LoadMode::ANY)?;
        if loaded == Status::Ok {
            listing::show(lua, self.options.list > 1);
        }
        report(lua, self.name(), loaded)
    }

    /// Makes the global `arg`: the script at index 0, what follows it at 1 and up, what precedes it below 0.
    #[doc(alias = "createargtable")]
    fn make_arg_table(&self, lua: &mut LuaState) -> LuaResult<()> {
        let script = if self.options.script == self.arguments.len() { 0 } else { self.options.script };
        lua.create_table(self.arguments.len() - script, script)?;
        for (i, argument) in self.arguments.iter().enumerate() {
            lua.push_bytes(argument)?;
            lua.raw_set_i(-2, i as i64 - script as i64)?;
        }
        lua.set_global("arg")
    }

    /// Runs the chunk, or the file after `@`, of the environment variable.
    #[doc(alias = "handle_luainit")]
    fn run_init(&self, lua: &mut LuaState) -> LuaResult<bool> {
        for variable in INIT_VARIABLES {
            if let Some(chunk) = std::env::var_os(variable) {
                let chunk = chunk.as_encoded_bytes();
                let loaded = match chunk.split_first() {
                    Some((b'@', file)) => load_file(lua, Some(file), LoadMode::ANY)?,
                    _ => lua.load_bytes(chunk, format!("={variable}").as_bytes(), LoadMode::ANY),
                };
                return run_chunk(lua, self.name(), loaded);
            }
        }
        Ok(true)
    }

    /// `-e` and `-l`
    #[doc(alias = "runargs")]
    fn act(&self, lua: &mut LuaState, action: &Action) -> LuaResult<bool> {
        match action {
            Action::Evaluate(chunk) => {
                let loaded = lua.load_bytes(chunk, b"=(command line)", LoadMode::ANY);
                run_chunk(lua, self.name(), loaded)
            }
            Action::Require(library) => {
                lua.get_global("require")?;
                lua.push_bytes(library)?;
                let status = report::call(lua, 1, 1)?;
                if status == Status::Ok {
                    lua.push_global_table()?;
                    lua.push_bytes(library)?;
                    lua.rotate(-3, -1);
                    lua.set_table(-3)?;
                    lua.pop(1);
                }
                report(lua, self.name(), status)
            }
        }
    }

    /// Runs the script with its arguments.
    #[doc(alias = "handle_script")]
    fn run_script(&self, lua: &mut LuaState) -> LuaResult<bool> {
        let mut status = load_file(lua, self.script_file(), LoadMode::ANY)?;
        if status == Status::Ok {
            let count = push_arguments(lua)?;
            status = report::call(lua, count, MULTRET)?;
        }
        report(lua, self.name(), status)
    }
}

/// The protected main function; its argument is the address of the [`Program`].
fn protected_main(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(program) = lua.to_light_userdata(1) else { return Ok(0) };
    // SAFETY: P1.
    let program = unsafe { &*program.cast::<Program>() };
    let good = program.main(lua)?;
    lua.push_boolean(good)?;
    Ok(1)
}

/// Pushes what the global `arg` holds from 1 on, and returns how many values that are.
#[doc(alias = "pushargs")]
fn push_arguments(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.get_global("arg")? != LuaType::Table {
        return Err(lua.raise(format_args!("'arg' is not a table")));
    }
    let table = lua.get_top();
    let count = i32::try_from(lua.len_i(table)?).unwrap_or(i32::MAX - 3).max(0);
    lua.ensure_stack(count as usize + 3, "too many arguments to script")?;
    for i in 1..=count {
        lua.raw_get_i(table, i64::from(i))?;
    }
    lua.remove(table);
    Ok(count as usize)
}

/// Writes the version to standard output.
pub fn print_version() {
    write_stdout(VERSION.as_bytes());
    end_stdout_line();
}
