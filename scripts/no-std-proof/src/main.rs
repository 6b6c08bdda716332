//! The proof that `perilune-core`, `perilune-vm` and `perilune-stdlib` without features need neither `std` nor `alloc`.
//!
//! This program has no standard library and no global allocator. Rust refuses to link such a program as soon as any crate
//! in it uses `alloc`; so that it builds is the first half of the proof. The second half is that it runs: a script works
//! in a fixed piece of memory of this file, and what it answers is the exit code.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::panic::PanicInfo;
use core::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, Status};

// The start-up code of the platform and the basic functions that the compiler calls, like `memcpy`.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: the function has no requirements.
    unsafe { abort() }
}

/// The precompiled `core` was built to unwind and refers to this; nothing ever unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: the function has no requirements.
    unsafe { abort() }
}

const SIZE: usize = 1 << 20;

/// Memory that is given away from its beginning to its end; only the last block can be given back.
#[repr(C, align(16))]
struct Arena {
    memory: UnsafeCell<[u8; SIZE]>,
    next: UnsafeCell<usize>,
}

// SAFETY: the program has one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena { memory: UnsafeCell::new([0; SIZE]), next: UnsafeCell::new(0) };

const fn rounded(size: usize) -> usize {
    (size + 15) & !15
}

// SAFETY: new blocks are multiples of 16 bytes behind all others; a block that shrinks stays; one that grows is copied, or
// stays and is refused.
unsafe impl LuaAlloc for Arena {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize == 0 || nsize > SIZE {
            return null_mut();
        }
        if nsize <= old {
            return ptr;
        }
        // SAFETY: one thread, and no reference to the memory or the counter is kept.
        unsafe {
            let next = *self.next.get();
            if rounded(nsize) > SIZE - next {
                return null_mut();
            }
            *self.next.get() = next + rounded(nsize);
            let block = self.memory.get().cast::<u8>().add(next);
            if old > 0 {
                block.copy_from_nonoverlapping(ptr, old);
            }
            block
        }
    }
}

const SCRIPT: &[u8] = b"
    local words = {}
    for word in ('no std, no alloc'):gmatch('%a+') do words[#words + 1] = word end
    local co = coroutine.wrap(function(...) return select('#', ...), coroutine.yield(#words) end)
    assert(co(1, 2) == 4)
    assert(not pcall(error, 'caught'))
    assert(string.format('%5.2f|%d|%s', math.pi, 1 << 40, utf8.char(960)) == ' 3.14|1099511627776|\\u{3c0}')
    assert(2^0.5 * 2^0.5 - 2 < 1e-15 and 7 // 2 == 3 and -7 % 3 == 2)
    collectgarbage()
    return 42
";

fn answer() -> Option<i64> {
    let mut lua = Lua::new(&ARENA).ok()?;
    open_libs(&mut lua).ok()?;
    if lua.load_bytes(SCRIPT, b"=script", LoadMode::TEXT) != Status::Ok || lua.pcall(0, 1, 0) != Status::Ok {
        return None;
    }
    lua.to_integer(-1)
}

/// Where the C library enters.
///
/// # Safety
/// Called once, by the start-up code.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(_: c_int, _: *const *const u8) -> c_int {
    if answer() == Some(42) { 0 } else { 1 }
}
