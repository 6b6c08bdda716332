//! Values of Rust in userdata, told apart by their types.
//!
//! UD1. A userdata that is marked as `TYPED` holds a [`Kept<T>`] for the `T` whose `TypeId` it begins with, and the destructor of
//!     that, if `T` needs one. Nothing but this module gets at the value: `to_userdata` and its like know no such userdata.
//! UD2. When the value is moved out, the mark becomes `TAKEN` and the destructor goes; so a value is dropped once, by the
//!     collector, by the end of the state, or by whoever took it. What metatables say has no part in it.

use core::any::TypeId;
use core::ptr::NonNull;

use perilune_core::object::GcObject;
use perilune_core::{GcRef, TValue, Userdata};

use super::buffer::BOX_MARK;
use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// In a userdata's header: it holds a value (UD1).
const TYPED: u8 = 0xb1;
/// In a userdata's header: it held a value that was taken (UD2).
const TAKEN: u8 = 0xb2;

/// A type of Rust whose values can be kept in userdata, where scripts can hold them but not look into them.
///
/// ```
/// # use std::alloc::{Layout, alloc, dealloc, realloc};
/// # struct System;
/// # // SAFETY: the rules of the contract, one arm each, for blocks aligned to 16.
/// # unsafe impl perilune_vm::LuaAlloc for System {
/// #     unsafe fn realloc(&self, ptr: *mut u8, osize: perilune_vm::OldSize, nsize: usize) -> *mut u8 {
/// #         let layout = |size| Layout::from_size_align(size, 16).expect("at most isize::MAX");
/// #         // SAFETY: the caller says that the block is ours and has the old size.
/// #         unsafe {
/// #             match (ptr.is_null(), nsize) {
/// #                 (true, 0) => ptr,
/// #                 (true, _) => alloc(layout(nsize)),
/// #                 (false, 0) => {
/// #                     dealloc(ptr, layout(osize.bytes()));
/// #                     std::ptr::null_mut()
/// #                 }
/// #                 (false, _) => realloc(ptr, layout(osize.bytes()), nsize),
/// #             }
/// #         }
/// #     }
/// # }
/// use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status, UserType};
///
/// /// Words in the order of their coming.
/// struct Journal(Vec<String>);
///
/// impl UserType for Journal {
///     const NAME: &'static str = "Journal";
/// }
///
/// fn journal(lua: &mut LuaState) -> LuaResult<usize> {
///     lua.push_userdata(Journal(Vec::new()))?;
///     Ok(1)
/// }
///
/// fn note(lua: &mut LuaState) -> LuaResult<usize> {
///     // SAFETY: the string stays in its slot.
///     let word = unsafe { lua.check_str(2)?.bytes() };
///     lua.check_userdata_mut::<Journal>(1)?.0.push(String::from_utf8_lossy(word).into_owned());
///     lua.set_top(1)?;
///     Ok(1)
/// }
///
/// # fn main() -> LuaResult<()> {
/// # let alloc = System;
/// let mut lua = Lua::new(alloc)?;
/// lua.push_native(journal)?;
/// lua.set_global("journal")?;
/// // The metatable that all values of the type share gets the methods.
/// lua.new_metatable(Journal::NAME)?;
/// lua.new_lib(&[("note", note)])?;
/// lua.set_field(-2, "__index")?;
/// lua.pop(1);
///
/// assert_eq!(lua.load_bytes(b"return journal():note('new'):note('full')", b"=demo", LoadMode::TEXT), Status::Ok);
/// assert_eq!(lua.pcall(0, 1, 0), Status::Ok);
/// assert_eq!(lua.userdata_ref::<Journal>(-1).map(|journal| journal.0.len()), Some(2));
///
/// // Values of other types, whatever metatable they get, are refused.
/// assert_eq!(lua.load_bytes(b"local j = journal(); j.note(1, 'x')", b"=demo", LoadMode::TEXT), Status::Ok);
/// assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
/// assert_eq!(lua.str_at(-1), Some(&b"demo:1: bad argument #1 to 'note' (Journal expected, got number)"[..]));
/// # Ok(())
/// # }
/// ```
///
/// # When values are dropped
/// A value is dropped once: by the collector, some time after the userdata has become unreachable, or when the state is closed,
/// or by the host that [takes](LuaState::take_userdata) it. A finalizer, `__gc`, that the metatable has or gets is called before
/// that, and finds the value in place; it may also make the userdata reachable again. The memory of an unreachable userdata
/// whose value needs to be dropped becomes free when that has happened, which no collection for lack of memory does by itself.
///
/// `Drop` runs within operations of the state, but has no access to it. If it panics, the panic comes out of the operation; the
/// state can be used on.
///
/// # Limits
/// The type is `Send`, as the state may be moved to another thread with the values in it. Its alignment is at most 16, which is
/// checked when the program is compiled.
///
/// ```compile_fail,E0080
/// #[repr(align(32))]
/// struct Wide(u8);
/// impl perilune_vm::UserType for Wide {
///     const NAME: &'static str = "Wide";
/// }
/// fn push(lua: &mut perilune_vm::LuaState) -> perilune_vm::LuaResult<()> {
///     lua.push_userdata(Wide(0))
/// }
/// # let _: fn(&mut perilune_vm::LuaState) -> perilune_vm::LuaResult<()> = push;
/// ```
///
/// ```compile_fail,E0277
/// struct Local(std::rc::Rc<u8>);
/// impl perilune_vm::UserType for Local {
///     const NAME: &'static str = "Local";
/// }
/// ```
pub trait UserType: Send + 'static {
    /// What messages call the type, and the name of the [metatable](LuaState::new_metatable) of its values.
    const NAME: &'static str;
}

/// What the bytes of a userdata with a value are.
#[repr(C, align(16))]
struct Kept<T> {
    id: TypeId,
    value: T,
}

/// Drops the value of a userdata.
///
/// # Safety
/// The bytes are a `Kept<T>` that is not used afterwards.
unsafe fn drop_kept<T>(data: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { (&raw mut (*data.cast::<Kept<T>>()).value).drop_in_place() };
}

/// Whether the bytes of a userdata are the host's, and not those of its value (UD1) or a buffer (B1): scripts could make these look
/// like something else.
pub(crate) fn is_host_s(userdata: GcRef<Userdata>) -> bool {
    !matches!(userdata.header().small.get(), TYPED | TAKEN | BOX_MARK)
}

/// Values of Rust in userdata.
impl LuaState {
    /// Pushes a new userdata that holds a value. It gets the metatable that the registry has under the name of the type, which is
    /// made if there is none ([`new_metatable`](Self::new_metatable)).
    pub fn push_userdata<T: UserType>(&mut self, value: T) -> LuaResult<()> {
        const { assert!(align_of::<T>() <= 16, "the alignment of a value in a userdata is at most 16") };
        self.new_metatable(T::NAME)?;
        let size = size_of::<Kept<T>>();
        let made = match self.heap().new_userdata(size) {
            Ok(userdata) => Ok(userdata),
            Err(_) => {
                // The collection that has not helped may have found values that only wait to be dropped.
                self.heap().drop_dead_values();
                self.heap().new_userdata(size)
            }
        };
        let userdata = match made {
            Ok(userdata) => userdata,
            Err(error) => {
                self.pop(1);
                return Err(error.into());
            }
        };
        // SAFETY: the block is new, large enough, and aligned to 16; the destructor fits what it holds from now on (UD1).
        unsafe {
            userdata.data().cast::<Kept<T>>().write(Kept { id: TypeId::of::<T>(), value });
            if core::mem::needs_drop::<T>() {
                self.heap().set_destructor(userdata, Some(drop_kept::<T>));
            }
        }
        userdata.header().small.set(TYPED);
        self.push(TValue::object(userdata))?;
        self.rotate(-2, 1);
        self.set_metatable(-2)?;
        self.gc_check()
    }

    /// The value of type `T` in the userdata at an index; `None` for everything else.
    pub fn userdata_ref<T: UserType>(&self, idx: i32) -> Option<&T> {
        // SAFETY: UD1; the value stays as long as the state is borrowed, and nobody can change or take it meanwhile.
        self.kept(idx).map(|value| unsafe { value.as_ref() })
    }

    /// The value of type `T` in the userdata at an index, to be changed; `None` for everything else.
    pub fn userdata_mut<T: UserType>(&mut self, idx: i32) -> Option<&mut T> {
        // SAFETY: UD1; as long as the state is borrowed, nobody else gets at the value.
        self.kept(idx).map(|mut value| unsafe { value.as_mut() })
    }

    /// The value of type `T` in the userdata that an argument must be.
    pub fn check_userdata_ref<T: UserType>(&mut self, arg: i32) -> LuaResult<&T> {
        // SAFETY: as for `userdata_ref`.
        self.check_kept(arg).map(|value| unsafe { value.as_ref() })
    }

    /// The value of type `T` in the userdata that an argument must be, to be changed.
    pub fn check_userdata_mut<T: UserType>(&mut self, arg: i32) -> LuaResult<&mut T> {
        // SAFETY: as for `userdata_mut`.
        self.check_kept(arg).map(|mut value| unsafe { value.as_mut() })
    }

    /// Takes the value of type `T` out of the userdata at an index; `None` if there is none. The userdata holds nothing from now
    /// on.
    pub fn take_userdata<T: UserType>(&mut self, idx: i32) -> Option<T> {
        let value = self.kept::<T>(idx)?;
        let userdata = self.userdata_at(idx)?;
        // SAFETY: UD2: from now on nobody gets at the value, and nobody drops it.
        unsafe {
            self.heap().set_destructor(userdata, None);
            userdata.header().small.set(TAKEN);
            Some(value.read())
        }
    }

    fn userdata_at(&self, idx: i32) -> Option<GcRef<Userdata>> {
        // SAFETY: V1.
        unsafe { self.value(idx)?.get() }
    }

    /// Where the value of type `T` in the userdata at an index is.
    fn kept<T: UserType>(&self, idx: i32) -> Option<NonNull<T>> {
        let userdata = self.userdata_at(idx)?;
        if userdata.header().small.get() != TYPED {
            return None;
        }
        let kept = userdata.data().cast::<Kept<T>>();
        // SAFETY: UD1: whatever the type is, its identity comes first.
        let id = unsafe { (&raw const (*kept).id).read() };
        // SAFETY: UD1: it is that type.
        if id == TypeId::of::<T>() { NonNull::new(unsafe { &raw mut (*kept).value }) } else { None }
    }

    fn check_kept<T: UserType>(&mut self, arg: i32) -> LuaResult<NonNull<T>> {
        match self.kept(arg) {
            Some(value) => Ok(value),
            None => Err(self.kept_error(arg, T::NAME)),
        }
    }

    #[cold]
    fn kept_error(&mut self, arg: i32, name: &str) -> Thrown {
        match self.userdata_at(arg) {
            Some(userdata) if userdata.header().small.get() == TAKEN => self.arg_error(arg, "the value was taken"),
            _ => self.type_error(arg, name),
        }
    }
}
