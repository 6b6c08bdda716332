//! Making a message of values.
//!
//! Nothing that is looked at can change meanwhile: all accesses are raw, and neither the collector nor finalizers run. What the
//! encoder needs lies on the stack: the buffer, a table from objects to their numbers (and from variables to the upvalues that
//! they are), a table with the objects by number, and one from the tables of libraries to their names.

use core::ffi::c_void;

use perilune_vm::{Buffer, ChunkWriter, LuaResult, LuaState, LuaType, REGISTRY_INDEX, RIDX_GLOBALS, Thrown};

use super::format::{self, MAX_NUMBER, MAX_PLAIN_STRING, UPVALUE_BITS};
use super::{library, path};

/// Where the values of a message come from, in words.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// What is done with them: "send", "return".
    pub(super) verb: &'static str,
    /// What each of them is called: "argument", "result".
    pub(super) noun: &'static str,
    /// The number of the first one in messages, and that of the second one.
    pub(super) numbers: [i32; 2],
}

impl Origin {
    /// The number of the value at an index from 0.
    pub(super) fn number(self, index: i32) -> i32 {
        if index == 0 { self.numbers[0] } else { self.numbers[1] + index - 1 }
    }
}

/// Where a value was found that cannot be copied.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// On the stack, at this index.
    Stack(i32),
    /// In the object of this number.
    Object(i64),
}

/// Why a value is not in the message.
enum Fault {
    /// It cannot be copied.
    Uncopyable(&'static str),
    Thrown(Thrown),
}

impl From<Thrown> for Fault {
    fn from(thrown: Thrown) -> Self {
        Self::Thrown(thrown)
    }
}

/// The values from a positive index up to the top as a message. The buffer takes a place of the stack above them.
///
/// # Errors
/// A value that cannot be copied, a lack of memory.
pub(super) fn encode(lua: &mut LuaState, first: i32, origin: Origin) -> LuaResult<Buffer> {
    lua.ensure_stack(16, "message")?;
    lua.without_gc_steps(|lua| {
        let last = lua.get_top();
        let buffer = Buffer::new(lua)?;
        let mut encoder = Encoder { buffer, first, last, count: 0, globals: globals(lua)? };
        for _ in 0..3 {
            lua.push_nil()?;
        }
        match encoder.message(lua) {
            Ok(()) => {
                lua.set_top(last + 1)?;
                Ok(encoder.buffer)
            }
            Err((Fault::Thrown(thrown), _)) => Err(thrown),
            Err((Fault::Uncopyable(what), place)) => Err(path::raise(lua, &encoder, what, place, origin)),
        }
    })
}

/// The address of the table of globals.
fn globals(lua: &mut LuaState) -> LuaResult<*const c_void> {
    lua.raw_get_i(REGISTRY_INDEX, RIDX_GLOBALS)?;
    let globals = lua.to_pointer(-1);
    lua.pop(1);
    Ok(globals)
}

/// What the value at an index is called if it cannot be copied.
pub(super) fn uncopyable(lua: &LuaState, idx: i32) -> Option<&'static str> {
    match lua.lua_type(idx) {
        LuaType::Userdata => Some("userdata"),
        LuaType::Thread => Some("thread"),
        LuaType::Function if lua.is_native_function(idx) => Some("native function"),
        _ => None,
    }
}

/// What makes a message. Behind the buffer's slot are those of three tables, nil until there is an object.
pub(super) struct Encoder {
    buffer: Buffer,
    /// The slots of the values.
    pub(super) first: i32,
    pub(super) last: i32,
    /// How many objects there are.
    count: i64,
    globals: *const c_void,
}

/// A buffer as the goal of a dump, which is cut into pieces.
struct Pieces<'a>(&'a mut Buffer);

impl ChunkWriter for Pieces<'_> {
    fn write(&mut self, lua: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        put_number(lua, self.0, bytes.len() as u64)?;
        self.0.extend(lua, bytes)
    }
}

fn put_number(lua: &mut LuaState, buffer: &mut Buffer, number: u64) -> LuaResult<()> {
    let mut digits = [0; MAX_NUMBER];
    let len = format::write_number(number, &mut digits);
    buffer.extend(lua, &digits[..len])
}

impl Encoder {
    /// The slot of the table from objects to numbers.
    fn numbers(&self) -> i32 {
        self.last + 2
    }

    /// The slot of the table with the objects.
    pub(super) fn objects(&self) -> i32 {
        self.last + 3
    }

    /// The slot of the table from libraries to their names.
    fn libraries(&self) -> i32 {
        self.last + 4
    }

    fn message(&mut self, lua: &mut LuaState) -> Result<(), (Fault, Place)> {
        let before = |thrown: Thrown| (Fault::Thrown(thrown), Place::Stack(0));
        self.number(lua, (self.last + 1 - self.first) as u64).map_err(before)?;
        for idx in self.first..=self.last {
            self.value(lua, idx).map_err(|fault| (fault, Place::Stack(idx)))?;
        }
        let mut done = 0;
        while done < self.count {
            done += 1;
            self.contents(lua, done).map_err(|fault| (fault, Place::Object(done)))?;
        }
        Ok(())
    }

    fn tag(&mut self, lua: &mut LuaState, tag: u8) -> LuaResult<()> {
        self.buffer.push_byte(lua, tag)
    }

    fn number(&mut self, lua: &mut LuaState, number: u64) -> LuaResult<()> {
        put_number(lua, &mut self.buffer, number)
    }

    fn word(&mut self, lua: &mut LuaState, tag: u8, word: u64) -> LuaResult<()> {
        self.tag(lua, tag)?;
        self.buffer.extend(lua, &word.to_ne_bytes())
    }

    /// The value at a positive index.
    fn value(&mut self, lua: &mut LuaState, idx: i32) -> Result<(), Fault> {
        if let Some(what) = uncopyable(lua, idx) {
            return Err(Fault::Uncopyable(what));
        }
        match lua.lua_type(idx) {
            LuaType::Boolean => self.tag(lua, if lua.to_boolean(idx) { format::TRUE } else { format::FALSE })?,
            LuaType::Number => match lua.to_integer(idx) {
                Some(integer) if lua.is_integer(idx) => self.word(lua, format::INTEGER, integer as u64)?,
                _ => {
                    let number = lua.to_number(idx).unwrap_or(f64::NAN);
                    self.word(lua, format::FLOAT, number.to_bits())?;
                }
            },
            LuaType::LightUserdata => {
                let pointer = lua.to_light_userdata(idx).unwrap_or(core::ptr::null_mut());
                self.word(lua, format::LIGHT, pointer.expose_provenance() as u64)?;
            }
            LuaType::String => self.string(lua, idx)?,
            LuaType::Table if lua.to_pointer(idx) == self.globals => self.tag(lua, format::GLOBALS)?,
            LuaType::Table => {
                if !self.library(lua, idx)? && self.announce(lua, idx, format::TABLE)? {
                    self.number(lua, lua.raw_len(idx) as u64)?;
                }
            }
            LuaType::Function => {
                if self.announce(lua, idx, format::FUNCTION)? {
                    let upvalues = upvalue_count(lua, idx)?;
                    self.number(lua, upvalues as u64)?;
                    lua.push_value(idx)?;
                    lua.dump(&mut Pieces(&mut self.buffer), false)?;
                    lua.pop(1);
                    self.number(lua, 0)?;
                }
            }
            _ => self.tag(lua, format::NIL)?,
        }
        Ok(())
    }

    fn string(&mut self, lua: &mut LuaState, idx: i32) -> LuaResult<()> {
        let len = lua.raw_len(idx);
        if len <= MAX_PLAIN_STRING {
            self.tag(lua, format::STRING)?;
        } else if !self.announce(lua, idx, format::LONG_STRING)? {
            return Ok(());
        }
        self.number(lua, len as u64)?;
        self.buffer.add_at(lua, idx)
    }

    /// The table at a positive index, if it is that of a library; otherwise returns false.
    fn library(&mut self, lua: &mut LuaState, idx: i32) -> LuaResult<bool> {
        self.make_tables(lua)?;
        if lua.is_nil(self.libraries()) {
            return Ok(false);
        }
        lua.push_value(idx)?;
        let is_library = lua.raw_get(self.libraries())? == LuaType::String;
        if is_library {
            self.tag(lua, format::LIBRARY)?;
            self.number(lua, lua.raw_len(-1) as u64)?;
            self.buffer.add_at(lua, -1)?;
        }
        lua.pop(1);
        Ok(is_library)
    }

    /// Makes the tables, which the first object needs.
    fn make_tables(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        if lua.is_nil(self.objects()) {
            lua.new_table()?;
            lua.replace(self.numbers());
            library::push_names(lua)?;
            lua.replace(self.libraries());
            lua.new_table()?;
            lua.replace(self.objects());
        }
        Ok(())
    }

    /// Refers to the object at a positive index. Returns true if it is a new one, announced now; its particulars are to follow.
    fn announce(&mut self, lua: &mut LuaState, idx: i32, tag: u8) -> LuaResult<bool> {
        self.make_tables(lua)?;
        lua.push_value(idx)?;
        lua.raw_get(self.numbers())?;
        let known = lua.to_integer(-1);
        lua.pop(1);
        if let Some(number) = known {
            self.tag(lua, format::OBJECT)?;
            self.number(lua, number as u64)?;
            return Ok(false);
        }
        self.count += 1;
        lua.push_value(idx)?;
        lua.push_integer(self.count)?;
        lua.raw_set(self.numbers())?;
        lua.push_value(idx)?;
        lua.raw_set_i(self.objects(), self.count)?;
        self.tag(lua, tag)?;
        Ok(true)
    }

    /// The contents of an object.
    fn contents(&mut self, lua: &mut LuaState, number: i64) -> Result<(), Fault> {
        lua.raw_get_i(self.objects(), number)?;
        match lua.lua_type(-1) {
            LuaType::Table => self.table(lua)?,
            LuaType::Function => self.upvalues(lua, number)?,
            _ => {}
        }
        lua.pop(1);
        Ok(())
    }

    /// The value on top, which is popped.
    fn popped_value(&mut self, lua: &mut LuaState) -> Result<(), Fault> {
        self.value(lua, lua.get_top())?;
        lua.pop(1);
        Ok(())
    }

    /// The contents of the table on top.
    fn table(&mut self, lua: &mut LuaState) -> Result<(), Fault> {
        let table = lua.get_top();
        let len = lua.raw_len(table) as i64;
        self.number(lua, len as u64)?;
        for n in 1..=len {
            lua.raw_get_i(table, n)?;
            self.popped_value(lua)?;
        }
        lua.push_nil()?;
        while lua.next(table)? {
            if !is_element(lua, table + 1, len) {
                self.value(lua, table + 1)?;
                self.value(lua, table + 2)?;
            }
            lua.pop(1);
        }
        self.tag(lua, format::NIL)?;
        if !lua.get_metatable(table)? {
            lua.push_nil()?;
        }
        self.popped_value(lua)
    }

    /// The upvalues of the function on top, which has this number.
    fn upvalues(&mut self, lua: &mut LuaState, number: i64) -> Result<(), Fault> {
        let function = lua.get_top();
        for n in 1..=upvalue_count(lua, function)? {
            let Some(variable) = lua.upvalue_id(function, n) else { break };
            lua.push_light_userdata(variable.cast_mut())?;
            lua.raw_get(self.numbers())?;
            let known = lua.to_integer(-1);
            lua.pop(1);
            if let Some(upvalue) = known {
                self.tag(lua, format::SHARED)?;
                self.number(lua, upvalue as u64)?;
                continue;
            }
            lua.push_light_userdata(variable.cast_mut())?;
            lua.push_integer(number << UPVALUE_BITS | i64::from(n - 1))?;
            lua.raw_set(self.numbers())?;
            lua.get_upvalue(function, n)?;
            self.popped_value(lua)?;
        }
        Ok(())
    }
}

/// Whether the key at an index is one of the elements from 1 to `len`.
pub(super) fn is_element(lua: &LuaState, idx: i32, len: i64) -> bool {
    lua.is_integer(idx) && lua.to_integer(idx).is_some_and(|n| (1..=len).contains(&n))
}

/// The number of upvalues of the Lua function at an index.
pub(super) fn upvalue_count(lua: &mut LuaState, idx: i32) -> LuaResult<i32> {
    lua.push_value(idx)?;
    Ok(i32::from(lua.get_info("u", None)?.nups))
}
