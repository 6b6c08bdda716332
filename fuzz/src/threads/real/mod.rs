//! The state under test, and how the steps act on it.

mod check;
mod memory;
pub mod natives;

use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, Status, ThreadRef, Thrown, testing};

use super::model::{Ending, SLOTS};
use super::source::PRELUDE;
use super::step::{HookWork, Plan};
use super::value::{Id, MAIN, Native, Val};
pub use memory::Memory;
use natives::{Key, desk, thread_of, with};

/// An error of the machine where none is allowed, in words.
pub type Fault = String;

/// A state.
pub struct Real<'m> {
    lua: Lua<&'m Memory>,
    /// Its memory.
    pub memory: &'m Memory,
}

fn in_words(thrown: Thrown) -> Fault {
    format!("the host gets an error: {thrown:?}")
}

/// The field of a place in the registry, as bodies know it.
fn place(slot: usize) -> String {
    format!("s{slot}")
}

/// Makes what the bodies need.
fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    perilune_stdlib::open_libs(lua)?;
    for native in Native::ALL {
        lua.register(native.name(), natives::function(native))?;
    }
    for (name, function) in natives::GLOBALS {
        lua.register(name, *function)?;
    }
    for (key, mode) in [(Key::Known, "v"), (Key::First, "k")] {
        lua.new_table()?;
        lua.new_table()?;
        lua.push_str(mode)?;
        lua.set_field(-2, "__mode")?;
        lua.set_metatable(-2)?;
        key.keep(lua)?;
    }
    lua.new_table()?;
    lua.push_value(-1)?;
    lua.set_global("slots")?;
    Key::Slots.keep(lua)?;
    lua.new_thread()?;
    Key::Desk.keep(lua)?;
    lua.new_table()?;
    lua.push_native(natives::finalized)?;
    lua.set_field(-2, "__gc")?;
    Key::Native.keep(lua)?;
    let status = lua.load_bytes(PRELUDE.as_bytes(), b"=prelude", LoadMode::TEXT);
    if status != Status::Ok {
        return Err(lua.error());
    }
    lua.call(0, 0)?;
    lua.new_table()?;
    lua.get_global("finalizer")?;
    lua.set_field(-2, "__gc")?;
    Key::Scripted.keep(lua)?;
    lua.push_thread()?;
    natives::know(lua)?;
    lua.set_top(0)
}

impl<'m> Real<'m> {
    /// Opens a state.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(memory: &'m Memory) -> Result<Self, Fault> {
        let mut lua = Lua::with_seed(memory, 1).map_err(|_| "no memory for a state")?;
        with(|shared| {
            shared.next.set(MAIN);
            shared.finalized.borrow_mut().clear();
            shared.same.borrow_mut().clear();
            shared.failure.take();
            shared.hook_work.set(HookWork::Nothing);
            shared.hooks.set(0);
            shared.armed.set(0);
        });
        prepare(&mut lua).map_err(in_words)?;
        Ok(Self { lua, memory })
    }

    /// The main thread.
    pub fn main(&mut self) -> &mut LuaState {
        &mut self.lua
    }

    /// The thread on whose stack things are looked at.
    pub fn desk<'a>(&mut self) -> Result<&'a mut LuaState, Fault> {
        desk(&mut self.lua).map_err(in_words)
    }

    /// A thread's handle.
    fn handle(&mut self, id: Id) -> Result<ThreadRef, Fault> {
        let desk = self.desk()?;
        let found = thread_of(desk, id).map_err(in_words)?;
        found.ok_or_else(|| format!("thread {id} has been collected, although it is alive"))
    }

    /// A thread, which stays alive as long as the model says that it does.
    pub fn thread<'a>(&mut self, id: Id) -> Result<&'a mut LuaState, Fault> {
        // SAFETY: SM1, for as long as the thread is alive: the model said so, and it was there just now.
        self.handle(id).map(|handle| unsafe { handle.state() })
    }

    /// What `coroutine.status` says of a thread.
    pub fn status_name(&mut self, id: Id) -> Result<&'static str, Fault> {
        let desk = self.desk()?;
        let look = |desk: &mut LuaState| -> LuaResult<&'static str> {
            Key::Known.push(desk)?;
            desk.raw_get_i(-1, id.into())?;
            let name = desk.to_thread(-1).map_or("collected", |thread| desk.coroutine_status(thread).name());
            desk.pop(2);
            Ok(name)
        };
        look(desk).map_err(in_words)
    }

    /// Keeps a thread in the registry while the host works with it, or none.
    fn anchor(&mut self, id: Option<Id>) -> Result<(), Fault> {
        let desk = self.desk()?;
        let keep = |desk: &mut LuaState| -> LuaResult<()> {
            match id {
                None => desk.push_nil()?,
                Some(id) => {
                    Key::Known.push(desk)?;
                    desk.raw_get_i(-1, id.into())?;
                    desk.remove(-2);
                }
            }
            Key::Anchor.keep(desk)
        };
        keep(desk).map_err(in_words)
    }

    /// Does something with a thread's stack.
    ///
    /// # Errors
    /// The thread is not there, or the work failed.
    pub fn on(&mut self, id: Id, work: impl FnOnce(&mut LuaState) -> LuaResult<()>) -> Result<(), Fault> {
        let thread = self.thread(id)?;
        work(thread).map_err(in_words)
    }

    /// Pushes an object on a thread's stack.
    ///
    /// # Errors
    /// The thread is not there, or there is no memory.
    pub fn push_object(&mut self, on: Id, id: Id) -> Result<(), Fault> {
        self.on(on, |lua| {
            Key::Known.push(lua)?;
            lua.raw_get_i(-1, id.into())?;
            lua.remove(-2);
            Ok(())
        })
    }

    /// Pushes a chunk on a thread's stack.
    ///
    /// # Errors
    /// The thread is not there, or the chunk cannot be loaded.
    pub fn load(&mut self, on: Id, text: &str, chunk: Id) -> Result<(), Fault> {
        let thread = self.thread(on)?;
        let status = thread.load_bytes(text.as_bytes(), format!("=b{chunk}").as_bytes(), LoadMode::TEXT);
        if status != Status::Ok {
            let message = String::from_utf8_lossy(thread.str_at(-1).unwrap_or(b"?")).into_owned();
            return Err(format!("the chunk cannot be loaded: {message}"));
        }
        natives::know(thread).map(drop).map_err(in_words)
    }

    /// Prepares what natives look at.
    fn begin(&mut self, plan: &Plan) {
        with(|shared| {
            shared.plan.borrow_mut().clone_from(plan);
            shared.ticks.set(0);
            shared.seen.set(0);
            shared.hook_yields.set(3);
            shared.hook_yielded.set(false);
        });
    }

    /// Resumes a thread, and again when a hook has yielded.
    ///
    /// # Errors
    /// The thread is not there.
    pub fn resume(&mut self, id: Id, nargs: usize, from: Option<Id>, plan: &Plan) -> Result<Status, Fault> {
        self.anchor(Some(id))?;
        let thread = self.thread(id)?;
        let from = from.filter(|&from| from != id).map(|from| self.thread(from)).transpose()?;
        self.begin(plan);
        with(|shared| shared.armed.set(std::ptr::from_ref(thread) as usize));
        with(|shared| shared.floor.set(Some(from.as_ref().map_or(0, |from| testing::native_levels(from)))));
        let mut status = thread.resume(from, nargs);
        while status == Status::Yield && with(|shared| shared.hook_yielded.take()) {
            if thread.status() != Status::Yield {
                natives::fail("a hook yielded, but the thread is not suspended".into());
            }
            status = thread.resume(None, 0);
        }
        with(|shared| shared.armed.set(0));
        self.anchor(None)?;
        Ok(status)
    }

    /// Calls a function in a thread.
    ///
    /// # Errors
    /// The thread is not there.
    pub fn call(&mut self, id: Id, nargs: usize, plan: &Plan) -> Result<Status, Fault> {
        self.anchor(Some(id))?;
        let thread = self.thread(id)?;
        self.begin(plan);
        with(|shared| shared.floor.set(Some(0)));
        let status = thread.pcall(nargs, -1, 0);
        self.anchor(None)?;
        Ok(status)
    }

    /// Pops a value of the main thread into a place of the registry.
    ///
    /// # Errors
    /// There is no memory.
    pub fn store(&mut self, slot: usize) -> Result<(), Fault> {
        self.on(MAIN, |lua| {
            Key::Slots.push(lua)?;
            lua.insert(-2);
            lua.set_field(-2, &place(slot))?;
            lua.pop(1);
            Ok(())
        })
    }

    /// Empties a place of the registry.
    ///
    /// # Errors
    /// There is no memory.
    pub fn forget(&mut self, slot: usize) -> Result<(), Fault> {
        let desk = self.desk()?;
        let clear = |desk: &mut LuaState| -> LuaResult<()> {
            Key::Slots.push(desk)?;
            desk.push_nil()?;
            desk.set_field(-2, &place(slot))?;
            desk.set_top(0)
        };
        clear(desk).map_err(in_words)
    }

    /// Replaces the topmost value by a closure that holds it.
    ///
    /// # Errors
    /// There is no memory.
    pub fn hold(&mut self, on: Id) -> Result<(), Fault> {
        self.on(on, |lua| {
            lua.push_native_closure(natives::holder, 1)?;
            natives::know(lua).map(drop)
        })
    }

    /// Moves values.
    ///
    /// # Errors
    /// A thread is not there, or there is no memory.
    pub fn xmove(&mut self, from: Id, to: Id, n: usize) -> Result<(), Fault> {
        let target = self.thread(to)?;
        self.on(from, |lua| lua.xmove(target, n))
    }

    /// Makes a traceback and throws it away.
    ///
    /// # Errors
    /// The thread is not there, or there is no memory.
    pub fn traceback(&mut self, of: Id) -> Result<(), Fault> {
        let handle = self.handle(of)?;
        let desk = self.desk()?;
        let trace = |desk: &mut LuaState| -> LuaResult<()> {
            Key::Known.push(desk)?;
            desk.raw_get_i(-1, of.into())?;
            desk.traceback(Some(handle), None, 0)?;
            desk.set_top(0)
        };
        trace(desk).map_err(in_words)
    }

    /// Forgets everything that the host can forget.
    ///
    /// # Errors
    /// A finalizer failed.
    pub fn reset(&mut self) -> Result<(), Fault> {
        self.lua.set_top(0).map_err(in_words)?;
        self.lua.set_hook(None, 0, 0);
        for slot in 0..SLOTS {
            self.forget(slot)?;
        }
        self.anchor(None)?;
        self.lua.gc_restart();
        self.lua.gc_collect().map_err(in_words)
    }

    /// The numbers of all objects that are there.
    ///
    /// # Errors
    /// There is no memory.
    pub fn known(&mut self) -> Result<Vec<Id>, Fault> {
        let desk = self.desk()?;
        let list = |desk: &mut LuaState| -> LuaResult<Vec<Id>> {
            let mut list = Vec::new();
            Key::Known.push(desk)?;
            desk.push_nil()?;
            while desk.next(-2)? {
                list.extend(desk.to_integer(-2).and_then(|id| Id::try_from(id).ok()));
                desk.pop(1);
            }
            desk.set_top(0)?;
            Ok(list)
        };
        list(desk).map_err(in_words)
    }
}

/// How a status is called in the model.
pub fn ending(status: Status) -> Ending {
    match status {
        Status::Ok => Ending::Ok,
        Status::Yield => Ending::Yield,
        _ => Ending::Error,
    }
}

/// Whether the value on top of the desk is the one that the model says; it is popped.
///
/// # Errors
/// A text that says what it is.
pub fn expect(desk: &mut LuaState, value: &Val) -> Result<(), String> {
    use perilune_vm::LuaType;
    let is_number = desk.lua_type(-1) == LuaType::Number;
    let same = match value {
        Val::Nil => desk.is_nil(-1),
        Val::Bool(b) => desk.is_boolean(-1) && desk.to_boolean(-1) == *b,
        Val::Int(n) => desk.is_integer(-1) && desk.to_integer(-1) == Some(*n),
        Val::Float(x) => is_number && !desk.is_integer(-1) && desk.to_number(-1) == Some(*x),
        Val::Str(text) => desk.str_at(-1) == Some(text.as_bytes()),
        Val::Light(address) => desk.to_light_userdata(-1).is_some_and(|pointer| pointer as usize == *address),
        Val::Native(native) => {
            natives::push_native(desk, *native).map_err(in_words)?;
            let same = desk.raw_equal(-1, -2);
            desk.pop(1);
            same
        }
        Val::Object(id) => {
            Key::Known.push(desk).map_err(in_words)?;
            desk.raw_get_i(-1, (*id).into()).map_err(in_words)?;
            let same = desk.raw_equal(-1, -3);
            desk.pop(2);
            same
        }
    };
    if same {
        desk.pop(1);
        return Ok(());
    }
    let text = match desk.lua_type(-1) {
        LuaType::String => format!("{:?}", String::from_utf8_lossy(desk.str_at(-1).unwrap_or(b""))),
        LuaType::Number => format!("{:?} or {:?}", desk.to_integer(-1), desk.to_number(-1)),
        LuaType::Boolean => desk.to_boolean(-1).to_string(),
        other => format!("a {}", other.name()),
    };
    desk.pop(1);
    Err(format!("{text} instead of {value:?}"))
}
