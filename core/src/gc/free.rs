//! Freeing an object with all its blocks. The sizes are those that the blocks were made with (G10).
//!
//! A userdata whose bytes hold a value that must be dropped is not freed at once, since a destructor is foreign code, which may
//! panic: it waits in `doomed` until [`Heap::drop_dead_values`] is called.

use super::Heap;
use super::traverse::code_block_size;
use crate::code::CODE_PREFIX;
use crate::object::{
    Destructor, GcHeader, GcObject, GcRef, LuaClosure, LuaString, NativeClosure, Proto, Table, Thread, UpVal, Userdata,
};
use crate::value::tag;

/// For objects that are one block and nothing else, by the last digit of their tags: the size of the fixed part, and of each of the parts
/// whose number the header has. Where closures and upvalues take turns, a jump by the tag is hard to predict.
const ONE_BLOCK: [(u8, u8); 16] = {
    let mut sizes = [(0, 0); 16];
    sizes[(tag::UPVAL & 15) as usize] = (size_of::<UpVal>() as u8, 0);
    sizes[(tag::LUA_CLOSURE & 15) as usize] =
        (LuaClosure::size_for(0) as u8, (LuaClosure::size_for(1) - LuaClosure::size_for(0)) as u8);
    sizes[(tag::NATIVE_CLOSURE & 15) as usize] =
        (NativeClosure::size_for(0) as u8, (NativeClosure::size_for(1) - NativeClosure::size_for(0)) as u8);
    sizes
};

/// A dead userdata whose destructor is called; it is freed when this is dropped, also by a panic.
struct Doomed<'h> {
    heap: &'h mut Heap,
    userdata: *mut Userdata,
}

impl Drop for Doomed<'_> {
    fn drop(&mut self) {
        // SAFETY: G10: it was taken out of its list, and its value is gone.
        unsafe {
            let size = (*self.userdata).size();
            self.heap.free(self.userdata.cast(), size);
        }
    }
}

impl Heap {
    /// Frees an object that was taken out of its list.
    ///
    /// # Safety
    /// Nothing that will be used again points to it; it is in no list.
    #[doc(alias = "freeobj")]
    #[inline]
    pub(crate) unsafe fn free_object(&mut self, object: *mut GcHeader) {
        // SAFETY: O1: the tag tells the type; G10.
        unsafe {
            let tag = (*object).tag();
            let (fixed, each) = ONE_BLOCK[usize::from(tag & 15)];
            let size = if fixed > 0 {
                usize::from(fixed) + usize::from(each) * usize::from((*object).small.get())
            } else if tag == tag::TABLE {
                let table = &*object.cast::<Table>();
                if table.array_size() != 0 {
                    self.free_array(table.array_ptr(), table.array_size() as usize);
                }
                if let Some((block, size)) = table.nodes().block() {
                    self.free(block, size);
                }
                size_of::<Table>()
            } else if tag == tag::SHORT_STRING {
                let string = GcRef::from_ptr(object.cast::<LuaString>());
                self.remove_short_string(string);
                string.size()
            } else {
                match self.free_parts(object) {
                    Some(size) => size,
                    None => return,
                }
            };
            self.free(object.cast(), size);
        }
    }

    /// Frees what else an object has than its own block, and returns the size of that; `None` if the object must wait.
    ///
    /// # Safety
    /// As for [`Self::free_object`]; it is none of those that are dealt with there.
    #[inline(never)]
    unsafe fn free_parts(&mut self, object: *mut GcHeader) -> Option<usize> {
        // SAFETY: O1: the tag tells the type; G10.
        unsafe {
            Some(match (*object).tag() {
                tag::LONG_STRING => (*object.cast::<LuaString>()).size(),
                tag::USERDATA => {
                    let userdata = &*object.cast::<Userdata>();
                    if userdata.destructor().is_some() {
                        (*object).next.set(self.doomed);
                        self.doomed = object;
                        return None;
                    }
                    userdata.size()
                }
                tag::PROTO => {
                    self.free_proto_parts(&*object.cast::<Proto>());
                    size_of::<Proto>()
                }
                _ => {
                    self.free_thread_parts(&*object.cast::<Thread>());
                    size_of::<Thread>()
                }
            })
        }
    }

    /// Puts the userdata of a list whose values must be dropped with those that wait for it.
    ///
    /// # Safety
    /// No object of the list is used afterwards.
    pub(crate) unsafe fn doom_values(&mut self, mut list: *mut GcHeader) {
        while !list.is_null() {
            // SAFETY: the caller's promise; the link is read before it changes. O1: the tag tells the type.
            unsafe {
                let object = list;
                list = (*object).next.get();
                if (*object).tag() == tag::USERDATA && (*object.cast::<Userdata>()).destructor().is_some() {
                    (*object).next.set(self.doomed);
                    self.doomed = object;
                }
            }
        }
    }

    /// Sets what is called with the address of a userdata's bytes before they are freed ([`Self::drop_dead_values`]).
    ///
    /// # Safety
    /// When the userdata is dead, the bytes are such that the function may be called with them. It does not use the heap.
    pub unsafe fn set_destructor(&mut self, userdata: GcRef<Userdata>, destructor: Option<Destructor>) {
        self.has_destructors = true;
        userdata.set_destructor_raw(destructor);
    }

    /// Drops the values of dead userdata and frees these. To be called where a panic of a destructor may go on from; the heap
    /// is sound then, and the rest is still to be dropped.
    pub fn drop_dead_values(&mut self) {
        while !self.doomed.is_null() {
            // SAFETY: G2: the list holds userdata that were found dead and have a destructor, to be called once.
            unsafe {
                let userdata = self.doomed.cast::<Userdata>();
                self.doomed = (*userdata).header().next.get();
                let destructor = (*userdata).destructor();
                let doomed = Doomed { heap: self, userdata };
                if let Some(destructor) = destructor {
                    destructor((*doomed.userdata).data());
                }
            }
        }
    }

    /// Frees the arrays of a prototype.
    ///
    /// # Safety
    /// The prototype is being freed.
    #[inline(never)]
    unsafe fn free_proto_parts(&mut self, proto: &Proto) {
        // SAFETY: each pair of fields describes a block of the heap, or is null and 0 (F1 for the code).
        unsafe {
            let code_size = code_block_size(proto);
            if code_size != 0 {
                self.free(proto.code.get().sub(CODE_PREFIX).cast(), code_size);
            }
            self.free_array(proto.constants.get(), proto.constants_len.get() as usize);
            self.free_array(proto.protos.get(), proto.protos_len.get() as usize);
            self.free_array(proto.line_info.get(), proto.lines_len.get() as usize);
            self.free_array(proto.local_vars.get(), proto.locals_len.get() as usize);
            self.free_array(proto.upvalues.get(), proto.upvalues_len.get() as usize);
        }
    }

    /// The open upvalues need no care: a dead thread has none that are alive (G7).
    ///
    /// # Safety
    /// The thread is being freed.
    #[inline(never)]
    unsafe fn free_thread_parts(&mut self, thread: &Thread) {
        // SAFETY: H1 describes the stack; H4: each frame after the thread's own ones is a block of its own.
        unsafe {
            self.retire_frames((*thread.last_own_frame()).next.get());
            if thread.has_stack_block() {
                self.free_array(thread.stack.get(), thread.stack_size.get());
            }
        }
    }
}
