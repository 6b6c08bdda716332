//! The common header of collectable objects, and typed references to them.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::value::Tag;

/// The first 16 bytes of every collectable object. Six of them are lent to the object's own use.
#[repr(C)]
pub struct GcHeader {
    /// The next object in the list that this one is in (`allgc`, `finobj`, `tobefnz`, `fixedgc`).
    pub next: Cell<*mut GcHeader>,
    tag: Tag,
    /// The colour and finalizer bits (see `gc`).
    pub marked: Cell<u8>,
    /// Lent to the object: string: reserved-word number; table: absent-metamethod bits; userdata: tag of the user value;
    /// upvalue: whether it is open; native closure: whether it names its function indirectly.
    pub extra: Cell<u8>,
    /// Lent to the object: string: length of a short one; table: small mask; closure: number of upvalues.
    pub small: Cell<u8>,
    /// Lent to the object: string: hash; table: size of the array part.
    pub word: Cell<u32>,
}

const _: () = assert!(size_of::<GcHeader>() == 16);

impl GcHeader {
    /// A header for an object that is in no list yet.
    pub const fn new(tag: Tag, marked: u8) -> Self {
        Self {
            next: Cell::new(core::ptr::null_mut()),
            tag,
            marked: Cell::new(marked),
            extra: Cell::new(0),
            small: Cell::new(0),
            word: Cell::new(0),
        }
    }

    /// The object's tag, which values that point to it carry too.
    #[inline(always)]
    pub const fn tag(&self) -> Tag {
        self.tag
    }
}

/// A type whose instances live on the heap.
///
/// # Safety
/// The type is `repr(C)`, starts with a [`GcHeader`], and `is_tag` accepts just the tags of its instances.
pub unsafe trait GcObject {
    /// Whether objects with this tag are of this type.
    fn is_tag(tag: Tag) -> bool;

    /// The header.
    #[inline(always)]
    fn header(&self) -> &GcHeader {
        // SAFETY: O1: the header comes first.
        unsafe { &*core::ptr::from_ref(self).cast::<GcHeader>().cast() }
    }
}

/// A reference to a live object of the heap; as cheap as a pointer.
#[repr(transparent)]
pub struct GcRef<T: ?Sized>(NonNull<T>, PhantomData<T>);

impl<T: ?Sized> Clone for GcRef<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for GcRef<T> {}

impl<T: ?Sized> PartialEq for GcRef<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        core::ptr::addr_eq(self.0.as_ptr(), other.0.as_ptr())
    }
}

impl<T: ?Sized> Eq for GcRef<T> {}

impl<T> fmt::Debug for GcRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p}", self.0)
    }
}

impl<T> Deref for GcRef<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: O2; O3 makes shared references enough.
        unsafe { self.0.as_ref() }
    }
}

impl<T> GcRef<T> {
    /// Makes a reference.
    ///
    /// # Safety
    /// `ptr` points to a live `T` (O2).
    #[inline(always)]
    pub unsafe fn from_ptr(ptr: *mut T) -> Self {
        // SAFETY: by the caller's promise the pointer is not null.
        Self(unsafe { NonNull::new_unchecked(ptr) }, PhantomData)
    }

    /// Makes a reference from the payload of a value.
    ///
    /// # Safety
    /// `addr` is the address of a live `T` (O2).
    #[inline(always)]
    pub unsafe fn from_addr(addr: u64) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { Self::from_ptr(core::ptr::with_exposed_provenance_mut(addr as usize)) }
    }

    /// The object's address.
    #[inline(always)]
    pub fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }

    /// The object's address as the payload of a value.
    #[inline(always)]
    pub fn addr(self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    /// The reference without its type.
    #[inline(always)]
    pub fn as_header(self) -> *mut GcHeader
    where
        T: GcObject,
    {
        self.0.as_ptr().cast()
    }
}

/// The raw form in which objects keep an optional reference: null for none.
#[inline(always)]
pub fn opt_addr<T>(r: Option<GcRef<T>>) -> *mut T {
    r.map_or(core::ptr::null_mut(), GcRef::as_ptr)
}

/// The reverse of [`opt_addr`].
///
/// # Safety
/// `ptr` is null or points to a live `T` (O2).
#[inline(always)]
pub unsafe fn opt_from_addr<T>(ptr: *mut T) -> Option<GcRef<T>> {
    // SAFETY: by the caller's promise.
    if ptr.is_null() { None } else { Some(unsafe { GcRef::from_ptr(ptr) }) }
}
