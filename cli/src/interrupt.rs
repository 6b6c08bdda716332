//! Signals: Ctrl-C interrupts the running script.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::{self, Thread};

use perilune_vm::{HookEvent, Interrupter, LuaResult, LuaState};

/// What the handler interrupts; null while nothing runs.
static CURRENT: AtomicPtr<Interrupter> = AtomicPtr::new(null_mut());

/// The thread of the main state, which may wait in a function of `lproc` when it is interrupted.
static MAIN: OnceLock<Thread> = OnceLock::new();

/// Raises the error that ends the interrupted script.
#[doc(alias = "lstop")]
fn stop(lua: &mut LuaState, _event: &HookEvent) -> LuaResult<()> {
    lua.set_hook(None, 0, 0);
    Err(lua.raise(format_args!("interrupted!")))
}

/// The handler. It only asks the state to stop at its next instruction; a second signal ends the process.
#[doc(alias = "laction")]
extern "C" fn on_interrupt(signal: c_int) {
    // SAFETY: setting a signal's default action is always allowed, also in a handler. P2 for the interrupter, which uses
    // atomics alone.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        if let Some(interrupter) = CURRENT.load(Ordering::Acquire).as_ref() {
            interrupter.interrupt(stop);
        }
    }
    // An exchange of a word and, if the thread sleeps, one call of the system, which handlers may make.
    MAIN.get().into_iter().for_each(Thread::unpark);
}

/// Runs `call` with Ctrl-C interrupting the state.
pub fn interruptible<R>(lua: &mut LuaState, call: impl FnOnce(&mut LuaState) -> R) -> R {
    let mut interrupter = lua.interrupter();
    MAIN.get_or_init(thread::current);
    CURRENT.store(&raw mut interrupter, Ordering::Release);
    set_action(on_interrupt as *const () as libc::sighandler_t);
    let result = call(lua);
    set_action(libc::SIG_DFL);
    CURRENT.store(null_mut(), Ordering::Release);
    result
}

fn set_action(action: libc::sighandler_t) {
    // SAFETY: the action is the default one or a handler of the right type that uses only what handlers may use.
    unsafe { libc::signal(libc::SIGINT, action) };
}

/// Gives back the signal of a broken pipe its default action, which Rust's runtime takes away: a script that prints into
/// a closed pipe is to end, and so are the commands that it starts.
pub fn restore_broken_pipe() {
    // SAFETY: setting a signal's default action is always allowed.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
