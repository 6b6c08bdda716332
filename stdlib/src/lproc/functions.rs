//! The functions of the library.

use std::time::Duration;

use perilune_vm::{Buffer, LuaResult, LuaState, LuaType, NativeFn, Status, Thrown};

use super::channel::{Received, Sent};
use super::context::Context;
use super::decode::decode;
use super::encode::{Origin, encode};
use super::group::{Group, Settings};
use super::handle::{Handle, make_metatable};
use super::library;
use super::process::{Body, Owner};
use super::run::{self, Setup};
use super::wait::{Deadline, Ended, Wait};
use crate::message::raise_parts;

/// What functions return in place of something that has not happened in time.
const TIMEOUT: &str = "timeout";
/// The longest time in seconds that is waited for; what is longer is for ever.
const MAX_SECONDS: f64 = 1e9;

/// Until when a function waits whose argument is a number of seconds.
pub(super) fn check_timeout(lua: &mut LuaState, arg: i32) -> LuaResult<Deadline> {
    let seconds = lua.check_number(arg)?;
    lua.arg_check(seconds >= 0.0, arg, "a number of seconds expected")?;
    Ok(if seconds > MAX_SECONDS { Deadline::Never } else { Deadline::after(Duration::from_secs_f64(seconds)) })
}

/// The same for an argument that may be left out, to wait for ever.
pub(super) fn opt_timeout(lua: &mut LuaState, arg: i32) -> LuaResult<Deadline> {
    lua.opt(arg, Deadline::Never, check_timeout)
}

/// Waits for something on behalf of the running function; `once` waits until it comes, the time is over, or the wait is
/// broken off, and says `None` in the last case.
pub(super) fn wait_for<T>(
    lua: &mut LuaState,
    context: &Context,
    deadline: Deadline,
    mut once: impl FnMut(&LuaState, &Wait<'_>) -> LuaResult<Option<T>>,
) -> LuaResult<T> {
    loop {
        let state = &*lua;
        let stopped = || context.must_stop() || state.is_interrupted();
        let waits = context.process.as_ref().map(|process| &process.waits);
        if let Some(done) = once(state, &Wait { deadline, stopped: &stopped, waits })? {
            return Ok(done);
        }
        context.after_stop(lua)?;
    }
}

/// Does something that may need memory which is no state's. The state's garbage may be what there is too much of: after a first
/// attempt without success it is collected, and there is a second one.
fn try_twice<T>(lua: &mut LuaState, mut attempt: impl FnMut(&mut LuaState, bool) -> LuaResult<T>) -> LuaResult<T> {
    match attempt(lua, true) {
        Err(Thrown::Memory) => {}
        result => return result,
    }
    lua.gc_collect()?;
    attempt(lua, false)
}

/// Returns `nil, "timeout"`.
pub(super) fn return_timeout(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_nil()?;
    lua.push_str(TIMEOUT)?;
    Ok(2)
}

/// Returns true, or what says that the time was over.
pub(super) fn return_success(lua: &mut LuaState, success: bool) -> LuaResult<usize> {
    if !success {
        return return_timeout(lua);
    }
    lua.push_boolean(true)?;
    Ok(1)
}

/// `lproc.send (channel, ···)`
fn send(lua: &mut LuaState) -> LuaResult<usize> {
    send_until(lua, 1, Deadline::Never)
}

/// `lproc.send_timeout (seconds, channel, ···)`
fn send_timeout(lua: &mut LuaState) -> LuaResult<usize> {
    let deadline = check_timeout(lua, 1)?;
    send_until(lua, 2, deadline)
}

/// Sends what follows the channel's name.
fn send_until(lua: &mut LuaState, channel: i32, deadline: Deadline) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    // SAFETY: L1.
    let name = unsafe { lua.check_str(channel)?.bytes() };
    let message =
        encode(lua, channel + 1, Origin { verb: "send", noun: "argument", numbers: [channel + 1, channel + 2] })?;
    let sent = try_twice(lua, |lua, is_first| {
        wait_for(lua, &context, deadline, |lua, wait| {
            // At last, if there is no memory to leave it in the channel, somebody may come for it.
            Ok(match context.group.channels.send(name, message.as_bytes(lua), is_first, wait)? {
                Sent::Done => Some(true),
                Sent::TimedOut => Some(false),
                Sent::Stopped => None,
            })
        })
    })?;
    return_success(lua, sent)
}

/// `lproc.receive (channel [, seconds])`, also under the name `recv`
fn receive(lua: &mut LuaState) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    // SAFETY: L1.
    let name = unsafe { lua.check_str(1)?.bytes() };
    let deadline = opt_timeout(lua, 2)?;
    lua.set_top(1)?;
    let claim = try_twice(lua, |lua, _| {
        wait_for(lua, &context, deadline, |_, wait| {
            Ok(match context.group.channels.receive(name, wait)? {
                Received::Message(claim) => Some(Some(claim)),
                Received::TimedOut => Some(None),
                Received::Stopped => None,
            })
        })
    })?;
    let Some(claim) = claim else { return return_timeout(lua) };
    // If this fails, the message goes back.
    let count = decode(lua, claim.bytes())?;
    claim.take();
    Ok(count)
}

/// `lproc.channel (name, capacity [, bytes])`
fn channel(lua: &mut LuaState) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    // SAFETY: L1.
    let name = unsafe { lua.check_str(1)?.bytes() };
    let capacity = check_count(lua, 2)?;
    let bytes = lua.opt(3, usize::MAX, check_count)?;
    try_twice(lua, |_, _| Ok(context.group.channels.configure(name, capacity, bytes)?))?;
    Ok(0)
}

/// An argument that must be a number of things.
fn check_count(lua: &mut LuaState, arg: i32) -> LuaResult<usize> {
    match usize::try_from(lua.check_integer(arg)?) {
        Ok(count) => Ok(count),
        Err(_) => Err(lua.arg_error(arg, "must not be negative")),
    }
}

/// What `lproc.start` was told about the process.
#[derive(Default)]
struct Options {
    /// The slot of the allocator's name.
    allocator: Option<i32>,
    limit: Option<usize>,
}

/// The names of the options.
const OPTIONS: [&[u8]; 2] = [b"alloc", b"limit"];

/// Whether the argument is a table of options: it has some, and nothing else.
fn has_options_alone(lua: &mut LuaState, arg: i32) -> LuaResult<bool> {
    if !lua.is_table(arg) {
        return Ok(false);
    }
    let top = lua.get_top();
    let mut found = false;
    lua.push_nil()?;
    while lua.next(arg)? {
        found = lua.str_at(-2).is_some_and(|option| OPTIONS.contains(&option));
        if !found {
            break;
        }
        lua.pop(1);
    }
    lua.set_top(top)?;
    Ok(found)
}

/// Reads the table of options in slot 1, which was the argument `arg`; what it says lies on top afterwards.
fn read_options(lua: &mut LuaState, arg: i32) -> LuaResult<Options> {
    let mut options = Options::default();
    lua.push_nil()?;
    while lua.next(1)? {
        let option = lua.str_at(-2).unwrap_or(b"");
        match option {
            b"limit" => {
                options.limit = lua.to_integer(-1).and_then(|limit| usize::try_from(limit).ok());
                if options.limit.is_none() {
                    return Err(lua.arg_error(arg, "option 'limit' must be a number of bytes"));
                }
            }
            b"alloc" => {
                if lua.lua_type(-1) != LuaType::String {
                    return Err(lua.arg_error(arg, "option 'alloc' must be a name"));
                }
                lua.push_value(-1)?;
                lua.insert(-3);
                options.allocator = Some(lua.get_top() - 2);
            }
            _ => return Err(unknown_option(lua, arg)),
        }
        lua.pop(1);
    }
    Ok(options)
}

/// The error of an option that there is not; it is below the top.
#[cold]
fn unknown_option(lua: &mut LuaState, arg: i32) -> Thrown {
    let mut describe = || {
        lua.pop(1);
        lua.push_plain_text(-1)?;
        lua.push_str("unknown option '")?;
        lua.insert(-2);
        lua.push_str("'")?;
        lua.concat(3)?;
        // SAFETY: L1.
        let message = lua.to_str(-1)?.map_or(&b""[..], |message| unsafe { message.bytes() });
        Ok(lua.arg_error_bytes(arg, message))
    };
    describe().unwrap_or_else(|thrown| thrown)
}

/// Where the arguments of `lproc.start` are: the options, if there are any, in slot 1, and the chunk behind them.
struct Arguments {
    /// The slot of the chunk.
    chunk: i32,
    /// Whether that is a string.
    is_text: bool,
    /// Which argument the options were.
    options: Option<i32>,
    /// Which argument the chunk was.
    number: i32,
}

/// Finds out what the arguments of `lproc.start` are.
fn sort_arguments(lua: &mut LuaState) -> LuaResult<Arguments> {
    let number = if lua.is_table(1) { 2 } else { 1 };
    let is_text = lua.lua_type(number) == LuaType::String;
    if !is_text && !lua.is_function(number) {
        return Err(lua.type_error(number, "string or function"));
    }
    let options = if number == 2 {
        Some(1)
    } else if has_options_alone(lua, 2)? {
        lua.push_value(2)?;
        lua.insert(1);
        lua.remove(3);
        Some(2)
    } else {
        None
    };
    Ok(Arguments { chunk: if options.is_some() { 2 } else { 1 }, is_text, options, number })
}

/// `lproc.start (chunk [, options], ···)`, or with the options before the chunk
fn start(lua: &mut LuaState) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    let arguments = sort_arguments(lua)?;
    let Arguments { chunk, is_text, options, number } = arguments;
    let (first, numbers) = if is_text { (chunk + 1, [chunk + 1, chunk + 2]) } else { (chunk, [number, chunk + 1]) };
    let message = encode(lua, first, Origin { verb: "pass", noun: "argument", numbers })?;
    let options = options.map_or(Ok(Options::default()), |arg| read_options(lua, arg))?;
    let body = match try_twice(lua, |lua, _| make_body(lua, &context, &arguments, &options, &message)) {
        Err(Thrown::Memory) => Err(lua.raise(format_args!("unable to create new state: not enough memory"))),
        result => result,
    }?;
    lua.push_userdata(Handle(body.process.clone()))?;
    match context.group.start(body) {
        Ok(()) => Ok(1),
        Err(error) => Err(lua.raise(format_args!("unable to create new thread: {error}"))),
    }
}

/// Makes a process whose state is ready to run.
///
/// # Errors
/// `Thrown::Memory` if there is too little memory for it.
fn make_body(
    lua: &mut LuaState,
    context: &Context,
    arguments: &Arguments,
    options: &Options,
    message: &Buffer,
) -> LuaResult<Body> {
    let ignore_environment = run::ignores_environment(lua)?;
    let mut body = Body::new(&context.group, make_state(lua, context, options)?);
    let mut setup = Setup {
        context: Some(Context { group: context.group.clone(), process: Some(body.process.clone()) }),
        libraries: context.group.libraries(),
        ignore_environment,
        // SAFETY: L1.
        chunk: if arguments.is_text { lua.to_str(arguments.chunk)?.map(|text| unsafe { text.bytes() }) } else { None },
        chunk_is_bad: false,
        message: message.as_bytes(lua),
    };
    let Some(state) = body.state() else { return Ok(body) };
    match run::prepare(state, &mut setup) {
        Status::Ok => Ok(body),
        Status::ErrMem => Err(Thrown::Memory),
        _ => {
            let what: &[u8] =
                if setup.chunk_is_bad { b"error in thread body: " } else { b"unable to create new state: " };
            let why = state.str_at(-1).unwrap_or(b"an error without a message");
            Err(raise_parts(lua, &[what, why]))
        }
    }
}

/// Makes the state of a process.
fn make_state(lua: &mut LuaState, context: &Context, options: &Options) -> LuaResult<Box<dyn Owner>> {
    let name = match options.allocator {
        // SAFETY: L1.
        Some(slot) => lua.to_str(slot)?.map(|name| unsafe { name.bytes() }),
        None => None,
    };
    match context.group.make_state(name, options.limit) {
        Some(state) => Ok(state?),
        None => {
            let names = context.group.allocator_names();
            let parts = [b"unknown allocator '", name.unwrap_or(b"?"), b"' (there are: ", names.as_bytes(), b")"];
            Err(raise_parts(lua, &parts))
        }
    }
}

/// `lproc.wait ([seconds])`
fn wait(lua: &mut LuaState) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    let deadline = opt_timeout(lua, 1)?;
    if context.process.is_some() {
        return Err(lua.raise(format_args!("a process cannot wait for all processes")));
    }
    let ended = wait_for_all(lua, &context, deadline)?;
    return_success(lua, ended)
}

/// Waits until no process runs; false if the time is over first.
fn wait_for_all(lua: &mut LuaState, context: &Context, deadline: Deadline) -> LuaResult<bool> {
    wait_for(lua, context, deadline, |_, wait| {
        Ok(match context.group.wait(wait) {
            Ended::Signalled => Some(true),
            Ended::TimedOut => Some(false),
            Ended::Stopped => None,
        })
    })
}

/// `lproc.exit ()`
fn exit(lua: &mut LuaState) -> LuaResult<usize> {
    let context = Context::of_function(lua)?;
    if let Some(process) = &context.process {
        return Err(process.exit(lua));
    }
    wait_for_all(lua, &context, Deadline::Never)?;
    // SAFETY: the process of the operating system ends next.
    unsafe { lua.finalize_all() };
    std::process::exit(0)
}

/// The functions, those of the book first.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("start", start),
    ("send", send),
    ("receive", receive),
    ("exit", exit),
    ("recv", receive),
    ("send_timeout", send_timeout),
    ("channel", channel),
    ("wait", wait),
];

/// Opens the library and pushes its table. A state that is no member of a group yet becomes one of a new group, in which
/// processes have the allocator of the platform.
pub fn open_lproc(lua: &mut LuaState) -> LuaResult<usize> {
    Context::push(lua, || Group::new(Settings::new()))?;
    make_metatable(lua)?;
    lua.new_lib_table(FUNCTIONS)?;
    lua.insert(-2);
    lua.set_funcs(FUNCTIONS, 1)?;
    library::note(lua)?;
    Ok(1)
}
