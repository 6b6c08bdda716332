//! An allocation function of C, with its `ud`, under a state: at its making, and at run time.
//!
//! The functions of the manual that it uses (§4.8), by their names in C: `lua_Alloc`, `lua_newstate`, `lua_getallocf` and
//! `lua_setallocf`.
//!
//! Run it with `cargo run -p perilune-alloc-adapters --example c_alloc`.

use std::ffi::c_void;
use std::ptr::null_mut;

use perilune_alloc_adapters::{AllocFn, CAlloc, RawAlloc, conformance};
use perilune_vm::{LoadMode, Lua, LuaState, Status};

unsafe extern "C" {
    fn realloc(ptr: *mut c_void, size: usize) -> *mut c_void;
    fn free(ptr: *mut c_void);
}

/// What the functions below keep count of, as a host written in C would.
#[repr(C)]
#[derive(Default, Debug)]
struct Account {
    calls: u64,
    bytes: usize,
}

/// A `lua_Alloc` as it stands in the manual, with counters in `ud`. It could as well come from a C library.
unsafe extern "C" fn counted(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
    // SAFETY: `ud` is an account that outlives the state; `ptr` is null or came from here, with exactly this old size; what is
    // no block yet has a kind in place of the size.
    unsafe {
        let account = &mut *ud.cast::<Account>();
        let old = if ptr.is_null() { 0 } else { osize };
        account.calls += 1;
        if nsize == 0 {
            free(ptr);
            account.bytes -= old;
            return null_mut();
        }
        let block = realloc(ptr, nsize);
        if !block.is_null() {
            account.bytes = account.bytes - old + nsize;
        }
        block
    }
}

/// Another one, which can free the first one's blocks: it counts into the same account, and tells of each large block.
unsafe extern "C" fn talking(ud: *mut c_void, ptr: *mut c_void, osize: usize, nsize: usize) -> *mut c_void {
    if nsize >= 4096 {
        println!("  {nsize} bytes are asked for");
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { counted(ud, ptr, osize, nsize) }
}

fn run(lua: &mut LuaState, chunk: &str) {
    assert_eq!(lua.load_bytes(chunk.as_bytes(), b"=chunk", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
}

fn main() {
    let mut account = Account::default();
    let ud: *mut c_void = (&raw mut account).cast();
    let function: AllocFn = counted;

    // The kit finds out whether a C function keeps the contract, too.
    // SAFETY: this is what the kit is to find out; the account outlives its adapters.
    println!("{}\n", conformance::check(|| unsafe { CAlloc::new(function, ud) }));

    // SAFETY: the function keeps the contract, and the account outlives the state.
    let mut lua = Lua::new(unsafe { CAlloc::new(function, ud) }).expect("there is memory");
    perilune_stdlib::open_libs(&mut lua).expect("there is memory");
    run(&mut lua, "list = {} for i = 1, 100 do list[i] = { i } end");
    // SAFETY: nothing else refers to the account while the allocator is not running.
    println!("with 100 tables: {:?}", unsafe { &*ud.cast::<Account>() });

    // From here on the other function, with the same `ud`.
    println!("now with the other function:");
    let before = lua.get_allocf();
    // SAFETY: it keeps the contract, and frees and resizes the blocks of the first one.
    unsafe { lua.set_allocf(RawAlloc { func: talking, ud }) };
    run(&mut lua, "text = ('x'):rep(5000) list = nil collectgarbage()");

    // And back.
    // SAFETY: the adapter that the state was made with frees all blocks as well.
    unsafe { lua.set_allocf(before) };
    run(&mut lua, "text = ('y'):rep(5000)");
    drop(lua);
    println!("at the end: {account:?}");
    assert_eq!(account.bytes, 0);
}
