//! The reference implementation, PUC-Rio Lua 5.3.6, as an interpreter to be compared with.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};

use mlua_sys as ffi;
use perilune_fuzz::reference::{End, Interpreter, Limits, OUT_OF_BUDGET, Outcome, STEP, error_of_type, readable};

thread_local! {
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BUDGET: Cell<i64> = const { Cell::new(0) };
}

/// PUC-Rio Lua 5.3.6.
///
/// It is compiled without what 5.3 keeps of 5.2: `bit32`, `__ipairs`, `math.pow` and its like. Scripts that are compared must not ask for
/// these.
#[derive(Clone, Copy, Debug, Default)]
pub struct Puc;

/// The memory of a state.
struct Memory {
    limit: usize,
    used: usize,
    refused: bool,
}

/// `lua_Alloc` with a limit.
unsafe extern "C" fn allocate(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
    // SAFETY: `ud` is the `Memory` of `run`, which nobody else uses meanwhile; the rest is the contract of `lua_Alloc`.
    unsafe {
        let memory = &mut *ud.cast::<Memory>();
        let rest = memory.used - if ptr.is_null() { 0 } else { osize };
        if nsize == 0 {
            memory.used = rest;
            libc::free(ptr);
            return std::ptr::null_mut();
        }
        if rest + nsize > memory.limit && (ptr.is_null() || nsize > osize) {
            memory.refused = true;
            return std::ptr::null_mut();
        }
        memory.used = rest + nsize;
        libc::realloc(ptr, nsize)
    }
}

/// The bytes of the string at an index, which has just been checked or made.
unsafe fn append(state: *mut ffi::lua_State, idx: c_int) {
    let mut len = 0;
    // SAFETY: the string lies on the stack.
    let bytes = unsafe { std::slice::from_raw_parts(ffi::lua_tolstring(state, idx, &mut len).cast::<u8>(), len) };
    OUTPUT.with_borrow_mut(|output| output.extend(bytes));
}

/// Writes all arguments as `tostring` gives them. An error leaves by a jump, over frames that own nothing.
unsafe extern "C-unwind" fn print(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: the state is that of the call.
    unsafe {
        for arg in 1..=ffi::lua_gettop(state) {
            ffi::luaL_tolstring(state, arg, std::ptr::null_mut());
            if arg > 1 {
                OUTPUT.with_borrow_mut(|output| output.push(b'\t'));
            }
            append(state, -1);
            ffi::lua_pop(state, 1);
        }
    }
    OUTPUT.with_borrow_mut(|output| output.push(b'\n'));
    0
}

/// Writes strings and numbers.
unsafe extern "C-unwind" fn write(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: the state is that of the call.
    unsafe {
        for arg in 1..=ffi::lua_gettop(state) {
            ffi::luaL_checklstring(state, arg, std::ptr::null_mut());
            append(state, arg);
        }
    }
    0
}

/// Counts instructions, and raises an error when there have been too many.
unsafe extern "C-unwind" fn count(state: *mut ffi::lua_State, _: *mut ffi::lua_Debug) {
    let left = BUDGET.get() - i64::from(STEP);
    BUDGET.set(left);
    if left <= 0 {
        // SAFETY: the state is that of the hook.
        unsafe {
            // From now on each instruction fails, so that also that one does which called what caught the error.
            ffi::lua_sethook(state, Some(count), ffi::LUA_MASKCOUNT, 1);
            ffi::lua_pushlstring(state, OUT_OF_BUDGET.as_ptr().cast::<c_char>(), OUT_OF_BUDGET.len());
            ffi::lua_error(state);
        }
    }
}

/// Opens the libraries and puts in what takes down the output.
unsafe extern "C-unwind" fn prepare(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: the state is that of the call.
    unsafe {
        ffi::luaL_openlibs(state);
        ffi::lua_pushcfunction(state, print);
        ffi::lua_setglobal(state, c"print".as_ptr());
        ffi::lua_getglobal(state, c"io".as_ptr());
        ffi::lua_pushcfunction(state, write);
        ffi::lua_setfield(state, -2, c"write".as_ptr());
    }
    0
}

/// Runs a script in a new state; gives the status and the error's text.
unsafe fn execute(state: *mut ffi::lua_State, source: &[u8], instructions: Option<u64>) -> (c_int, String) {
    // SAFETY: the state is new and not in use.
    unsafe {
        ffi::lua_pushcfunction(state, prepare);
        let mut status = ffi::lua_pcall(state, 0, 0, 0);
        if let Some(instructions) = instructions {
            BUDGET.set(i64::try_from(instructions).unwrap_or(i64::MAX));
            ffi::lua_sethook(state, Some(count), ffi::LUA_MASKCOUNT, STEP);
        }
        if status == ffi::LUA_OK {
            let text = c"t".as_ptr();
            status =
                ffi::luaL_loadbufferx(state, source.as_ptr().cast::<c_char>(), source.len(), c"=script".as_ptr(), text);
        }
        if status == ffi::LUA_OK {
            status = ffi::lua_pcall(state, 0, 0, 0);
        }
        let mut error = String::new();
        if status != ffi::LUA_OK {
            let mut len = 0;
            let text = ffi::lua_tolstring(state, -1, &mut len);
            error = if text.is_null() {
                let name = std::ffi::CStr::from_ptr(ffi::lua_typename(state, ffi::lua_type(state, -1)));
                error_of_type(&name.to_string_lossy())
            } else {
                readable(std::slice::from_raw_parts(text.cast::<u8>(), len))
            };
        }
        (status, error)
    }
}

impl Interpreter for Puc {
    fn name(&self) -> &str {
        "PUC 5.3"
    }

    fn run(&mut self, source: &[u8], limits: Limits) -> Outcome {
        OUTPUT.take();
        BUDGET.set(i64::MAX);
        let mut memory = Memory { limit: limits.memory, used: 0, refused: false };
        // SAFETY: the state is used by this thread alone, and closed before its memory goes.
        let (status, error) = unsafe {
            let state = ffi::lua_newstate(allocate, (&raw mut memory).cast());
            if state.is_null() {
                (ffi::LUA_ERRMEM, String::new())
            } else {
                let result = execute(state, source, limits.instructions);
                ffi::lua_close(state);
                result
            }
        };
        let end = match status {
            _ if BUDGET.get() <= 0 => End::OutOfBudget,
            _ if memory.refused => End::OutOfMemory,
            ffi::LUA_OK => End::Done,
            ffi::LUA_ERRSYNTAX => End::SyntaxError,
            _ => End::RuntimeError,
        };
        // Finalizers have printed what they have to by now.
        Outcome { end, output: readable(&OUTPUT.take()), error }
    }
}
