//! Making values of a message.
//!
//! The bytes lie in another state's memory, or in a channel's, and stay there meanwhile. No function of Lua runs until the values
//! are whole. What came of a message that is refused, for lack of memory, is garbage.

use perilune_vm::{ChunkReader, LoadMode, LuaResult, LuaState, LuaType, Status, Thrown};

use super::format::{self, UPVALUE_BITS, read_number};
use super::library;

/// How many elements a table gets room for before they come.
const MAX_ROOM: usize = 1 << 20;

/// Pushes the values of a message and returns how many these are. After an error the stack is to be given up.
pub(super) fn decode(lua: &mut LuaState, bytes: &[u8]) -> LuaResult<usize> {
    lua.without_gc_steps(|lua| Decoder { rest: bytes, objects: 0, count: 0, has_metatables: false }.message(lua))
}

struct Decoder<'a> {
    rest: &'a [u8],
    /// The slot of the table with the objects by number, and under the negative numbers the metatables of these.
    objects: i32,
    count: i64,
    has_metatables: bool,
}

/// The pieces of a dumped function.
struct Pieces<'d, 'a>(&'d mut Decoder<'a>);

impl ChunkReader for Pieces<'_, '_> {
    fn read(&mut self, lua: &mut LuaState) -> LuaResult<&[u8]> {
        let len = self.0.number(lua)?;
        self.0.take(lua, len)
    }
}

impl<'a> Decoder<'a> {
    fn message(&mut self, lua: &mut LuaState) -> LuaResult<usize> {
        let count = self.number(lua)?;
        lua.ensure_stack(count.saturating_add(16), "too many values in a message")?;
        lua.push_nil()?;
        self.objects = lua.get_top();
        for _ in 0..count {
            self.value(lua)?;
        }
        let mut done = 0;
        while done < self.count {
            done += 1;
            lua.raw_get_i(self.objects, done)?;
            match lua.lua_type(-1) {
                LuaType::Table => self.table(lua, done)?,
                LuaType::Function => self.upvalues(lua)?,
                _ => {}
            }
            lua.pop(1);
        }
        if self.has_metatables {
            self.set_metatables(lua)?;
        }
        lua.remove(self.objects);
        Ok(count)
    }

    /// The error of bytes that make no sense, which no encoder makes.
    #[cold]
    fn broken(lua: &mut LuaState) -> Thrown {
        lua.raise_plain(format_args!("a message is broken"))
    }

    fn take(&mut self, lua: &mut LuaState, len: usize) -> LuaResult<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(Self::broken(lua)),
        }
    }

    fn number(&mut self, lua: &mut LuaState) -> LuaResult<usize> {
        match read_number(&mut self.rest).and_then(|number| usize::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => Err(Self::broken(lua)),
        }
    }

    fn tag(&mut self, lua: &mut LuaState) -> LuaResult<u8> {
        Ok(self.take(lua, 1)?[0])
    }

    fn word(&mut self, lua: &mut LuaState) -> LuaResult<u64> {
        let mut word = [0; 8];
        word.copy_from_slice(self.take(lua, 8)?);
        Ok(u64::from_ne_bytes(word))
    }

    /// Pushes the next value.
    fn value(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        let tag = self.tag(lua)?;
        self.value_of(lua, tag)
    }

    fn value_of(&mut self, lua: &mut LuaState, tag: u8) -> LuaResult<()> {
        match tag {
            format::NIL => lua.push_nil(),
            format::FALSE | format::TRUE => lua.push_boolean(tag == format::TRUE),
            format::INTEGER => {
                let word = self.word(lua)?;
                lua.push_integer(word as i64)
            }
            format::FLOAT => {
                let word = self.word(lua)?;
                lua.push_number(f64::from_bits(word))
            }
            format::LIGHT => {
                let word = self.word(lua)?;
                lua.push_light_userdata(core::ptr::with_exposed_provenance_mut(word as usize))
            }
            format::STRING | format::LONG_STRING => {
                let len = self.number(lua)?;
                let bytes = self.take(lua, len)?;
                lua.push_bytes(bytes)?;
                if tag == format::LONG_STRING { self.keep(lua) } else { Ok(()) }
            }
            format::LIBRARY => {
                let len = self.number(lua)?;
                let name = self.take(lua, len)?;
                library::push(lua, name)
            }
            format::GLOBALS => lua.push_global_table(),
            format::OBJECT => {
                let number = self.number(lua)?;
                if self.count == 0 {
                    return Err(Self::broken(lua));
                }
                lua.raw_get_i(self.objects, number as i64).map(|_| ())
            }
            format::TABLE => {
                let len = self.number(lua)?;
                lua.create_table(len.min(self.rest.len()).min(MAX_ROOM), 0)?;
                self.keep(lua)
            }
            format::FUNCTION => self.function(lua),
            _ => Err(Self::broken(lua)),
        }
    }

    /// Gives the new object on top the next number.
    fn keep(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        if self.count == 0 {
            lua.new_table()?;
            lua.replace(self.objects);
        }
        self.count += 1;
        lua.push_value(-1)?;
        lua.raw_set_i(self.objects, self.count)
    }

    /// Pushes a new function.
    fn function(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        let upvalues = self.number(lua)?;
        match lua.load(&mut Pieces(self), b"=message", LoadMode::BINARY) {
            Status::Ok => {}
            Status::ErrMem => {
                lua.pop(1);
                return Err(Thrown::Memory);
            }
            _ => return Err(lua.error()),
        }
        // The number says how many upvalues will come.
        lua.push_value(-1)?;
        if usize::from(lua.get_info("u", None)?.nups) != upvalues {
            return Err(Self::broken(lua));
        }
        self.keep(lua)
    }

    /// The contents of the table on top.
    fn table(&mut self, lua: &mut LuaState, number: i64) -> LuaResult<()> {
        let table = lua.get_top();
        let mut n = 0;
        for _ in 0..self.number(lua)? {
            n += 1;
            self.value(lua)?;
            if lua.is_nil(-1) {
                lua.pop(1);
            } else {
                lua.raw_set_i(table, n)?;
            }
        }
        loop {
            let tag = self.tag(lua)?;
            if tag == format::NIL {
                break;
            }
            self.value_of(lua, tag)?;
            self.value(lua)?;
            lua.raw_set(table)?;
        }
        self.value(lua)?;
        if lua.is_nil(-1) {
            lua.pop(1);
            return Ok(());
        }
        self.has_metatables = true;
        lua.raw_set_i(self.objects, -number)
    }

    /// Gives the tables their metatables, now that these are whole: what they say of finalizers and weakness holds from now on.
    fn set_metatables(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        for number in 1..=self.count {
            lua.raw_get_i(self.objects, number)?;
            if lua.raw_get_i(self.objects, -number)? == LuaType::Nil {
                lua.pop(2);
            } else {
                lua.set_metatable(-2)?;
                lua.pop(1);
            }
        }
        Ok(())
    }

    /// The upvalues of the function on top.
    fn upvalues(&mut self, lua: &mut LuaState) -> LuaResult<()> {
        let function = lua.get_top();
        lua.push_value(function)?;
        for n in 1..=i32::from(lua.get_info("u", None)?.nups) {
            let tag = self.tag(lua)?;
            if tag == format::SHARED {
                let upvalue = self.number(lua)?;
                let other = (upvalue & ((1 << UPVALUE_BITS) - 1)) as i32 + 1;
                lua.raw_get_i(self.objects, (upvalue >> UPVALUE_BITS) as i64)?;
                if !lua.upvalue_join(function, n, function + 1, other) {
                    return Err(Self::broken(lua));
                }
            } else {
                self.value_of(lua, tag)?;
                lua.set_upvalue(function, n)?;
            }
            lua.set_top(function)?;
        }
        Ok(())
    }
}
