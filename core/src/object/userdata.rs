//! Full userdata: a block of the host's bytes with a metatable and one associated Lua value.

use core::cell::Cell;

use super::header::{GcHeader, GcObject, GcRef, opt_addr, opt_from_addr};
use super::table::Table;
use crate::value::{TValue, Tag, tag};

/// Drops the value that a userdata's bytes hold.
pub type Destructor = unsafe fn(*mut u8);

/// A full userdata (manual §2.1). The host's bytes follow the fixed part and are aligned to 16.
#[doc(alias = "Udata")]
#[repr(C)]
pub struct Userdata {
    header: GcHeader,
    metatable: Cell<*mut Table>,
    len: usize,
    user_value: Cell<u64>,
    destructor: Cell<Option<Destructor>>,
}

const _: () = assert!(size_of::<Userdata>() == 48);

// SAFETY: O1.
unsafe impl GcObject for Userdata {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::USERDATA
    }
}

impl Userdata {
    /// Where the host's bytes begin.
    pub const DATA_OFFSET: usize = size_of::<Self>();

    /// The size of a userdata object with `len` bytes.
    pub const fn size_for(len: usize) -> usize {
        Self::DATA_OFFSET + len
    }

    pub(crate) fn new(marked: u8, len: usize) -> Self {
        Self {
            header: GcHeader::new(tag::USERDATA, marked),
            metatable: Cell::new(core::ptr::null_mut()),
            len,
            user_value: Cell::new(0),
            destructor: Cell::new(None),
        }
    }

    /// The number of the host's bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The object's size.
    pub fn size(&self) -> usize {
        Self::size_for(self.len)
    }

    /// Where the host's bytes are.
    #[inline(always)]
    pub fn data(&self) -> *mut u8 {
        core::ptr::from_ref(self).cast_mut().cast::<u8>().wrapping_add(Self::DATA_OFFSET)
    }

    /// What is to be called with the address of the bytes before they are freed, if anything.
    pub fn destructor(&self) -> Option<Destructor> {
        self.destructor.get()
    }

    /// Sets the destructor; the heap must know that there is one (use [`Heap::set_destructor`](crate::Heap::set_destructor)).
    pub(crate) fn set_destructor_raw(&self, destructor: Option<Destructor>) {
        self.destructor.set(destructor);
    }

    /// The metatable.
    pub fn metatable(&self) -> Option<GcRef<Table>> {
        // SAFETY: a reachable userdata's metatable is live (G1).
        unsafe { opt_from_addr(self.metatable.get()) }
    }

    /// Sets the metatable; the caller owes the barrier (use `Heap::set_metatable`).
    pub(crate) fn set_metatable_raw(&self, mt: Option<GcRef<Table>>) {
        self.metatable.set(opt_addr(mt));
    }

    /// The associated value (`lua_getuservalue`).
    pub fn user_value(&self) -> TValue {
        TValue { u: self.user_value.get(), t: self.header.extra.get() }
    }

    /// Sets the associated value; the caller owes the barrier (use `Heap::set_user_value`).
    pub(crate) fn set_user_value_raw(&self, v: TValue) {
        self.user_value.set(v.u);
        self.header.extra.set(v.t);
    }
}
