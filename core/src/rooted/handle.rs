//! Handles: each owns a slot of its arena's registry, and so keeps an object alive.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use super::Error;
use super::arena::{Arena, Scratch};
use super::value::{ToValue, Value};
use crate::object::{GcObject, GcRef, LuaString, Table, Userdata};
use crate::value::TValue;

/// A handle that keeps an object of an [`Arena`] alive until it is dropped.
///
/// `T` tells the object's type: [`LuaString`], [`Table`] or [`Userdata`]. Several handles may keep the same object, see
/// [`Self::try_clone`]; `==` tells whether they do (strings are compared by their bytes).
pub struct Root<'h, T: GcObject> {
    arena: &'h Arena<'h>,
    slot: u32,
    object: PhantomData<GcRef<T>>,
}

impl<'h, T: GcObject> Root<'h, T> {
    /// The handle that owns a slot (R3).
    pub(super) fn new(arena: &'h Arena<'_>, slot: u32) -> Self {
        Self { arena, slot, object: PhantomData }
    }

    /// The same slot's handle, under the name of the type that its object has.
    pub(super) fn retype<U: GcObject>(self) -> Root<'h, U> {
        let root = Root::new(self.arena, self.slot);
        core::mem::forget(self);
        root
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot
    }

    pub(super) fn value(&self) -> TValue {
        self.arena.slot_value(self.slot)
    }

    pub(super) fn object(&self) -> GcRef<T> {
        // SAFETY: R3: the slot holds a `T`, which is live.
        unsafe { self.value().as_ref() }
    }

    /// The arena that the object belongs to.
    pub fn arena(&self) -> &'h Arena<'h> {
        self.arena
    }

    /// Another handle for the same object.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self, Error> {
        self.arena.root(self.value())
    }
}

impl<T: GcObject> Drop for Root<'_, T> {
    fn drop(&mut self) {
        self.arena.release(self.slot);
    }
}

impl<T: GcObject> PartialEq for Root<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.value(), other.value());
        // SAFETY: R3: both are live.
        let strings = unsafe { (a.get::<LuaString>(), b.get::<LuaString>()) };
        match strings {
            (Some(a), Some(b)) => a.as_bytes() == b.as_bytes(),
            _ => a.same_bits(b),
        }
    }
}

impl<T: GcObject> Eq for Root<'_, T> {}

impl<T: GcObject> fmt::Debug for Root<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: R3: the object is live.
        match unsafe { self.value().get::<LuaString>() } {
            Some(string) => write!(f, "\"{}\"", string.as_bytes().escape_ascii()),
            None => write!(f, "{:?}", self.value()),
        }
    }
}

/// Strings.
impl Root<'_, LuaString> {
    /// The bytes, which never change.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: R3: the handle, which is borrowed, keeps the string.
        unsafe { self.object().bytes() }
    }
}

/// Tables. Access is raw: no metamethod is looked at.
impl<'h> Root<'h, Table> {
    /// The value of a key; [`Value::Nil`] if the key is absent.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] (the result's handle needs a slot, a key that is text a string), [`Error::OtherArena`].
    pub fn get(&self, key: impl ToValue) -> Result<Value<'h>, Error> {
        let key = key.lua_value(self.arena)?;
        // SAFETY: the key is live, since nothing was allocated since it was made.
        let value = unsafe { self.object().get(key) };
        Value::of(self.arena, value)
    }

    /// Sets the value of a key; [`Value::Nil`] removes the key.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::OtherArena`], or [`Error::Insert`] if the key is nil or NaN, or the table would get
    /// too large.
    pub fn set(&self, key: impl ToValue, value: impl ToValue) -> Result<(), Error> {
        self.arena.pay();
        let scratch = Scratch::new(self.arena);
        let (key, value) = (scratch.take(key)?, scratch.take(value)?);
        let table = self.object();
        // SAFETY: R3 keeps the table, R4 the key and the value.
        Ok(self.arena.with(|heap| unsafe { heap.table_set(table, key, value) })?)
    }

    /// The entry after `key` in the order of traversal, the first one for nil, `None` after the last one. Between two calls
    /// values may be changed and removed, but no key added.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if the key is not in the table, [`Error::OutOfMemory`], [`Error::OtherArena`].
    pub fn next(&self, key: impl ToValue) -> Result<Option<(Value<'h>, Value<'h>)>, Error> {
        let key = key.lua_value(self.arena)?;
        // SAFETY: the key is live, since nothing was allocated since it was made.
        match unsafe { self.object().next(key) }? {
            Some((key, value)) => self.entry(key, value).map(Some),
            None => Ok(None),
        }
    }

    /// The entries in the order of traversal. If keys are added meanwhile, entries may be missed or come twice.
    pub fn pairs(&self) -> Pairs<'_, 'h> {
        Pairs { table: self, position: 0 }
    }

    /// A border (manual §3.4.7): 0 if the table has no key 1, else an `n` that is a key while `n + 1` is not.
    pub fn border(&self) -> i64 {
        self.object().border()
    }

    /// A key and its value, both with handles. They are reachable now.
    fn entry(&self, key: TValue, value: TValue) -> Result<(Value<'h>, Value<'h>), Error> {
        let scratch = Scratch::new(self.arena);
        scratch.push(value);
        let key = Value::of(self.arena, key)?;
        Ok((key, Value::of(self.arena, value)?))
    }
}

/// The entries of a table, from [`Root::pairs`]. After an error the entry that could not be given is tried again.
#[derive(Debug)]
pub struct Pairs<'t, 'h> {
    table: &'t Root<'h, Table>,
    position: usize,
}

impl<'h> Iterator for Pairs<'_, 'h> {
    type Item = Result<(Value<'h>, Value<'h>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (position, key, value) = self.table.object().entry_from(self.position)?;
        let entry = self.table.entry(key, value);
        if entry.is_ok() {
            self.position = position;
        }
        Some(entry)
    }
}

/// Userdata.
impl<'h> Root<'h, Userdata> {
    /// The host's bytes. They are cells because there may be several handles for one userdata.
    pub fn bytes(&self) -> &[Cell<u8>] {
        let userdata = self.object();
        // SAFETY: R3: the handle, which is borrowed, keeps the userdata, which has that many bytes. They were zeroed when it
        // was made, and are reached in this way alone.
        unsafe { core::slice::from_raw_parts(userdata.data().cast::<Cell<u8>>(), userdata.len()) }
    }

    /// The value that is associated with the userdata; nil at first.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn user_value(&self) -> Result<Value<'h>, Error> {
        Value::of(self.arena, self.object().user_value())
    }

    /// Associates a value with the userdata, which keeps it alive.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::OtherArena`].
    pub fn set_user_value(&self, value: impl ToValue) -> Result<(), Error> {
        let (value, userdata) = (value.lua_value(self.arena)?, self.object());
        // SAFETY: R3 keeps the userdata; nothing was allocated since the value was made.
        self.arena.with(|heap| unsafe { heap.set_user_value(userdata, value) });
        Ok(())
    }
}

mod sealed {
    use crate::object::{GcObject, GcRef, Table, Userdata};

    /// Objects with a metatable of their own.
    pub trait HasMetatable: GcObject {
        fn metatable(&self) -> Option<GcRef<Table>>;
    }

    impl HasMetatable for Table {
        fn metatable(&self) -> Option<GcRef<Table>> {
            self.metatable()
        }
    }

    impl HasMetatable for Userdata {
        fn metatable(&self) -> Option<GcRef<Table>> {
            self.metatable()
        }
    }
}

/// Metatables, of tables and userdata. Of their fields the heap itself looks at `__mode` (a string with `k`, `v` or both: the
/// table's keys, values or both are weak) and at `__gc` (anything but nil: objects that get this metatable have a
/// finalizer).
impl<'h, T: sealed::HasMetatable> Root<'h, T> {
    /// The metatable.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn metatable(&self) -> Result<Option<Root<'h, Table>>, Error> {
        self.object().metatable().map(|metatable| self.arena.root(TValue::object(metatable))).transpose()
    }

    /// Sets or removes the metatable. A finalizer that the object has by then it keeps.
    ///
    /// # Errors
    /// [`Error::OtherArena`].
    pub fn set_metatable(&self, metatable: Option<&Root<'_, Table>>) -> Result<(), Error> {
        if metatable.is_some_and(|metatable| !metatable.arena.is(self.arena)) {
            return Err(Error::OtherArena);
        }
        let (value, metatable) = (self.value(), metatable.map(Root::object));
        // SAFETY: R3 keeps both; R5 was just checked.
        self.arena.with(|heap| unsafe { heap.set_metatable(value, metatable) });
        Ok(())
    }
}
