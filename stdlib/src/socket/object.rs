//! Socket objects: full userdata of some classes, and what all classes have in common.
//!
//! A class is a metatable that the registry has under the class's name, and an object changes its class by changing its
//! metatable. Methods ask for a class, or for a group: a field of that name in the metatable.

use core::cell::{Cell, UnsafeCell};
use core::ffi::c_int;

use perilune_vm::{LuaResult, LuaState, LuaType, NativeFn, Thrown, upvalue_index};

use super::sys::{self, Descriptor, INVALID};
use super::timeout::{Timeout, now};
use crate::message::push_parts;

/// How many bytes a socket receives at once, and keeps until they are asked for.
pub(super) const BUFFER_SIZE: usize = 8192;

/// The mark of a userdata that is a socket is the address of this (L2).
static SOCKET_MARK: u8 = 0;

/// What the system's side of an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Channel {
    /// A socket.
    Socket,
    /// A device, which is read and written like a file.
    Device,
}

/// What a socket object holds. All of it may change while a shared reference exists: whatever allocates may run a finalizer,
/// and that may use any socket.
#[repr(C)]
pub(super) struct Socket {
    /// The mark (L2).
    mark: *const u8,
    /// The descriptor.
    pub(super) fd: Cell<Descriptor>,
    /// The family of addresses, as the system numbers it.
    pub(super) family: Cell<c_int>,
    /// How long operations may take.
    pub(super) timeout: Timeout,
    /// How to read and write.
    pub(super) channel: Cell<Channel>,
    /// When the object was made, on the clock of [`now`].
    pub(super) birthday: Cell<f64>,
    /// How many bytes a script has received.
    pub(super) received: Cell<u64>,
    /// How many bytes were sent.
    pub(super) sent: Cell<u64>,
    /// Where in the buffer begins what is still to be asked for, and where it ends; both are at most the buffer's size.
    unread: Cell<(usize, usize)>,
    /// The buffer. It is borrowed only where nothing allocates.
    buffer: UnsafeCell<[u8; BUFFER_SIZE]>,
}

impl Socket {
    /// The bytes that were received and not asked for yet.
    ///
    /// # Safety
    /// Nothing allocates in the state, and nothing is received, while the slice is used.
    pub(super) unsafe fn unread(&self) -> &[u8] {
        let (begin, end) = self.unread.get();
        // SAFETY: the caller's promise: nobody writes to the buffer meanwhile.
        unsafe { &(&*self.buffer.get())[begin..end] }
    }

    /// How many bytes were received and not asked for yet.
    pub(super) fn unread_len(&self) -> usize {
        let (begin, end) = self.unread.get();
        end - begin
    }

    /// Counts the first `count` unread bytes as asked for.
    #[doc(alias = "buffer_skip")]
    pub(super) fn skip(&self, count: usize) {
        let (begin, end) = self.unread.get();
        let count = count.min(end - begin);
        self.received.set(self.received.get().wrapping_add(count as u64));
        self.unread.set(if begin + count == end { (0, 0) } else { (begin + count, end) });
    }

    /// Fills the buffer, in which nothing must be unread, by what a function writes to its begin and says the length of.
    pub(super) fn fill<E>(&self, fill: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
        self.unread.set((0, 0));
        // SAFETY: the functions that are passed only ask the system, so nobody else uses the buffer meanwhile.
        let len = fill(unsafe { &mut *self.buffer.get() })?.min(BUFFER_SIZE);
        self.unread.set((0, len));
        Ok(len)
    }

    /// Closes the socket, if it is open.
    #[doc(alias = "socket_destroy")]
    pub(super) fn close(&self) {
        let fd = self.fd.replace(INVALID);
        if fd != INVALID {
            sys::close(fd);
        }
    }
}

/// Pushes a new object of a class, which is closed.
pub(super) fn new_socket<'a>(lua: &mut LuaState, class: &str) -> LuaResult<&'a Socket> {
    let block = lua.new_userdata(size_of::<Socket>())?.cast::<Socket>().as_ptr();
    // SAFETY: the block is new, as large as a socket, aligned to 16, and all zero, which is a value of each other field.
    let socket = unsafe {
        (&raw mut (*block).channel).write(Cell::new(Channel::Socket));
        (&raw mut (*block).timeout).write(Timeout::new(-1.0, -1.0));
        (&raw mut (*block).mark).write(&raw const SOCKET_MARK);
        &*block
    };
    socket.fd.set(INVALID);
    socket.birthday.set(now());
    lua.set_registered_metatable(class)?;
    Ok(socket)
}

/// Pushes a new object of a class for an open descriptor, which is closed if there is no memory for the object.
pub(super) fn push_open<'a>(lua: &mut LuaState, class: &str, fd: Descriptor) -> LuaResult<&'a Socket> {
    match new_socket(lua, class) {
        Ok(socket) => {
            socket.fd.set(fd);
            Ok(socket)
        }
        Err(thrown) => {
            sys::close(fd);
            Err(thrown)
        }
    }
}

/// The socket at an index, whatever metatable it has. The handle must stay reachable as long as the reference is used.
pub(super) fn socket_at<'a>(lua: &LuaState, idx: i32) -> Option<&'a Socket> {
    if lua.lua_type(idx) != LuaType::Userdata || lua.raw_len(idx) != size_of::<Socket>() {
        return None;
    }
    let block = lua.to_userdata(idx)?.cast::<Socket>().as_ptr();
    // SAFETY: the block is large enough, aligned, and all its bytes are initialised.
    let mark = unsafe { block.cast::<*const u8>().read() };
    // SAFETY: L2; no exclusive reference to it is ever made, but for the buffer.
    core::ptr::eq(mark, &raw const SOCKET_MARK).then(|| unsafe { &*block })
}

/// Raises the error that the first argument is not of a class or group.
fn expected(lua: &mut LuaState, name: &[u8]) -> Thrown {
    match push_parts(lua, &[name, b" expected"]).and_then(|()| lua.to_str(-1)) {
        // SAFETY: L1; the message stays on the stack.
        Ok(message) => lua.arg_error_bytes(1, message.map_or(&[][..], |message| unsafe { message.bytes() })),
        Err(thrown) => thrown,
    }
}

/// The socket that the first argument must be, of a class. It stays in its slot during the whole call.
#[doc(alias = "auxiliar_checkclass")]
pub(super) fn check_class<'a>(lua: &mut LuaState, class: &str) -> LuaResult<&'a Socket> {
    match lua.test_userdata(1, class).and_then(|_| socket_at(lua, 1)) {
        Some(socket) => Ok(socket),
        None => Err(expected(lua, class.as_bytes())),
    }
}

/// The socket that the first argument must be, of a group of classes. It stays in its slot during the whole call.
#[doc(alias = "auxiliar_checkgroup")]
pub(super) fn check_group<'a>(lua: &mut LuaState, group: &str) -> LuaResult<&'a Socket> {
    if lua.get_meta_field(1, group)? != LuaType::None {
        lua.pop(1);
        if let Some(socket) = socket_at(lua, 1) {
            return Ok(socket);
        }
    }
    Err(expected(lua, group.as_bytes()))
}

/// Makes the first argument an object of another class.
#[doc(alias = "auxiliar_setclass")]
pub(super) fn set_class(lua: &mut LuaState, class: &str) -> LuaResult<()> {
    lua.get_registered_metatable(class)?;
    lua.set_metatable(1)
}

/// Makes a class, if it is not there yet: its methods, of which those of all classes know the group that they are for, and the
/// groups, of which the first is the one that all objects of the kind belong to.
#[doc(alias = "auxiliar_newclass")]
#[doc(alias = "auxiliar_add2group")]
pub(super) fn new_class(
    lua: &mut LuaState,
    class: &str,
    groups: &[&str],
    methods: &[(&str, NativeFn)],
) -> LuaResult<()> {
    let any = groups.first().copied().unwrap_or("socket{any}");
    lua.new_metatable(class)?;
    lua.create_table(0, methods.len() + COMMON.len() + 1)?;
    lua.push_str(class)?;
    lua.set_field(-2, "class")?;
    lua.push_str(any)?;
    lua.set_funcs(COMMON, 1)?;
    lua.set_funcs(methods, 0)?;
    lua.set_field(-2, "__index")?;
    lua.push_str(any)?;
    lua.set_funcs(METAMETHODS, 1)?;
    for group in groups {
        lua.push_boolean(true)?;
        lua.set_field(-2, group)?;
    }
    lua.pop(1);
    Ok(())
}

/// The methods of all classes; their upvalue is the group.
const COMMON: &[(&str, NativeFn)] =
    &[("close", close), ("dirty", dirty), ("getfd", getfd), ("setfd", setfd), ("settimeout", settimeout)];

/// The metamethods of all classes; their upvalue is the group.
const METAMETHODS: &[(&str, NativeFn)] = &[("__gc", close), ("__tostring", tostring)];

/// The socket that the first argument must be, of the group that the running function is for.
fn check_any<'a>(lua: &mut LuaState) -> LuaResult<&'a Socket> {
    if lua.get_metatable(1)? {
        lua.push_value(upvalue_index(1))?;
        lua.raw_get(-2)?;
        let member = !lua.is_nil(-1);
        lua.pop(2);
        if let Some(socket) = socket_at(lua, 1).filter(|_| member) {
            return Ok(socket);
        }
    }
    lua.push_value(upvalue_index(1))?;
    // SAFETY: L1.
    let group = lua.to_str(-1)?.map_or(&b""[..], |group| unsafe { group.bytes() });
    Err(expected(lua, group))
}

/// `object:close ()`, and the finalizer of all objects.
fn close(lua: &mut LuaState) -> LuaResult<usize> {
    check_any(lua)?.close();
    lua.push_number(1.0)?;
    Ok(1)
}

/// `object:dirty ()`: whether there is something to receive that the system no longer has.
pub(super) fn dirty(lua: &mut LuaState) -> LuaResult<usize> {
    let is_dirty = check_any(lua)?.unread_len() > 0;
    lua.push_boolean(is_dirty)?;
    Ok(1)
}

/// `object:getfd ()`
pub(super) fn getfd(lua: &mut LuaState) -> LuaResult<usize> {
    let fd = check_any(lua)?.fd.get();
    lua.push_number(fd.into())?;
    Ok(1)
}

/// `object:setfd (fd)`: the object has that descriptor from now on; the one that it had is left open.
fn setfd(lua: &mut LuaState) -> LuaResult<usize> {
    let socket = check_any(lua)?;
    let fd = lua.check_number(2)?;
    socket.fd.set(if fd.is_nan() { INVALID } else { fd as Descriptor });
    Ok(0)
}

/// `object:settimeout ([value [, mode]])`
fn settimeout(lua: &mut LuaState) -> LuaResult<usize> {
    check_any(lua)?.timeout.set(lua)
}

/// What `tostring` gives for an object: its class and its address.
#[doc(alias = "auxiliar_tostring")]
fn tostring(lua: &mut LuaState) -> LuaResult<usize> {
    check_any(lua)?;
    lua.get_meta_field(1, "__index")?;
    lua.get_field(-1, "class")?;
    lua.push_fmt(format_args!(": {:p}", lua.to_pointer(1)))?;
    lua.concat(2)?;
    Ok(1)
}
