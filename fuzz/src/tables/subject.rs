//! The tables that stories happen to.

use perilune_alloc_adapters::{Checking, System};
use perilune_core::rooted::{Arena, Error, Root, Value};
use perilune_core::{InsertError, Table};
use perilune_vm::{LoadMode, Lua, LuaState, LuaType, NativeFn, Status, testing};

use super::{Datum, Story, tell};
use crate::oracle::is_clean;

/// A table, and the heap that it is in. What goes wrong besides what is asked is an `Err`.
#[expect(clippy::missing_errors_doc, reason = "the trait's page says it of all")]
pub trait Subject {
    /// Makes the table of a story, with its first entries.
    fn make(&mut self, story: &Story) -> Result<(), String>;
    /// The value of a key.
    fn get(&mut self, key: &Datum) -> Result<Datum, String>;
    /// Sets the value of a key; false if it is refused, as the key is none.
    fn set(&mut self, key: &Datum, value: &Datum) -> Result<bool, String>;
    /// A border.
    fn border(&mut self) -> Result<i64, String>;
    /// Begins a walk.
    fn rewind(&mut self);
    /// The next entry of the walk. Its key stays alive until the next one is asked for.
    fn advance(&mut self) -> Result<Option<(Datum, Datum)>, String>;
    /// Whether `next` knows a key.
    fn next(&mut self, key: &Datum) -> Result<bool, String>;
    /// Does something with the collector.
    fn collect(&mut self, how: u8) -> Result<(), String>;
    /// Checks the heap.
    fn check(&mut self);

    /// Inserts an element before the one at a position, or behind the last one, which a border tells.
    fn insert(&mut self, position: i64, border: i64, value: &Datum) -> Result<(), String> {
        for n in (position..=border).rev() {
            let moved = self.get(&Datum::Integer(n))?;
            self.set(&Datum::Integer(n + 1), &moved)?;
        }
        self.set(&Datum::Integer(position), value).map(drop)
    }

    /// Removes the element at a position.
    fn remove(&mut self, position: i64, border: i64) -> Result<Datum, String> {
        let removed = self.get(&Datum::Integer(position))?;
        for n in position..border {
            let moved = self.get(&Datum::Integer(n + 1))?;
            self.set(&Datum::Integer(n), &moved)?;
        }
        self.set(&Datum::Integer(border), &Datum::Nil)?;
        Ok(removed)
    }
}

/// The bare table.
struct Core<'h> {
    arena: &'h Arena<'h>,
    table: Root<'h, Table>,
    key: Value<'h>,
}

impl<'h> Core<'h> {
    fn value(&self, datum: &Datum) -> Result<Value<'h>, String> {
        Ok(match *datum {
            Datum::Nil => Value::Nil,
            Datum::Boolean(value) => Value::Boolean(value),
            Datum::Integer(n) => Value::Integer(n),
            Datum::Float(n) => Value::Float(n),
            Datum::Text(n) => Value::String(self.arena.string(Datum::bytes(n)).map_err(|error| error.to_string())?),
        })
    }
}

fn datum(value: &Value<'_>) -> Result<Datum, String> {
    Ok(match value {
        Value::Nil => Datum::Nil,
        Value::Boolean(value) => Datum::Boolean(*value),
        Value::Integer(n) => Datum::Integer(*n),
        Value::Float(n) => Datum::Float(*n),
        Value::String(text) => Datum::of_bytes(text.as_bytes()).ok_or("a string that nobody made")?,
        other => return Err(format!("{other:?}")),
    })
}

impl Subject for Core<'_> {
    fn make(&mut self, story: &Story) -> Result<(), String> {
        let [array, hash] = story.room.map(u32::from);
        self.table = self.arena.table_with_room(array, hash).map_err(|error| error.to_string())?;
        for (at, item) in story.items.iter().enumerate() {
            self.set(&Datum::Integer(at as i64 + 1), item)?;
        }
        story.fields.iter().try_for_each(|(key, value)| self.set(key, value).map(drop))
    }

    fn get(&mut self, key: &Datum) -> Result<Datum, String> {
        datum(&self.table.get(self.value(key)?).map_err(|error| error.to_string())?)
    }

    fn set(&mut self, key: &Datum, value: &Datum) -> Result<bool, String> {
        match self.table.set(self.value(key)?, self.value(value)?) {
            Ok(()) => Ok(true),
            Err(Error::Insert(InsertError::NilKey | InsertError::NanKey)) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn border(&mut self) -> Result<i64, String> {
        Ok(self.table.border())
    }

    fn rewind(&mut self) {
        self.key = Value::Nil;
    }

    fn advance(&mut self) -> Result<Option<(Datum, Datum)>, String> {
        let Some((key, value)) = self.table.next(&self.key).map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let entry = (datum(&key)?, datum(&value)?);
        self.key = key;
        Ok(Some(entry))
    }

    fn next(&mut self, key: &Datum) -> Result<bool, String> {
        match self.table.next(self.value(key)?) {
            Ok(_) => Ok(true),
            Err(Error::InvalidKey) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn collect(&mut self, how: u8) -> Result<(), String> {
        if how.is_multiple_of(4) {
            self.arena.collect();
        } else {
            self.arena.step(u16::from(how % 4));
        }
        Ok(())
    }

    fn check(&mut self) {
        self.arena.check();
    }
}

/// The slots of the table, of the key at which a walk is, and of the functions.
const TABLE: i32 = 1;
const CURSOR: i32 = 2;
const FUNCTIONS: i32 = 3;

/// The functions of compiled code, in their order: those for any key, and then two for each key that has its own.
const CODE: &str = "
local insert, remove, next = ...
local functions = {
  function(t, k) return t[k] end, function(t, k, v) t[k] = v end, function(t) return #t end, next,
  insert, remove,
}
";

/// Keys that compiled code names in its instructions.
fn named() -> Vec<Datum> {
    let texts = (0..6).map(Datum::Text);
    let integers = (-1..8).map(Datum::Integer);
    texts.chain(integers).chain([Datum::Boolean(true), Datum::Float(1.5), Datum::Float(2.0)]).collect()
}

/// The table of a state.
struct State<'a> {
    lua: &'a mut LuaState,
    /// Whether compiled code does everything, or the host API.
    by_code: bool,
    named: Vec<Datum>,
}

/// The message of an error.
fn message(lua: &mut LuaState) -> String {
    String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"no message")).into_owned()
}

impl State<'_> {
    fn push(&mut self, datum: &Datum) -> Result<(), String> {
        match *datum {
            Datum::Nil => self.lua.push_nil(),
            Datum::Boolean(value) => self.lua.push_boolean(value),
            Datum::Integer(n) => self.lua.push_integer(n),
            Datum::Float(n) => self.lua.push_number(n),
            Datum::Text(n) => self.lua.push_bytes(&Datum::bytes(n)),
        }
        .map_err(|_| message(self.lua))
    }

    /// What lies at an index.
    fn datum(&self, idx: i32) -> Result<Datum, String> {
        Ok(match self.lua.lua_type(idx) {
            LuaType::Nil => Datum::Nil,
            LuaType::Boolean => Datum::Boolean(self.lua.to_boolean(idx)),
            LuaType::Number if self.lua.is_integer(idx) => Datum::Integer(self.lua.to_integer(idx).unwrap_or(0)),
            LuaType::Number => Datum::Float(self.lua.to_number(idx).unwrap_or(0.0)),
            LuaType::String => {
                let bytes = self.lua.str_at(idx).unwrap_or_default();
                Datum::of_bytes(bytes).ok_or_else(|| format!("a string that nobody made: {bytes:?}"))?
            }
            other => return Err(format!("a {other:?}")),
        })
    }

    /// Pops what lies on top.
    fn pop(&mut self) -> Result<Datum, String> {
        let datum = self.datum(-1);
        self.lua.pop(1);
        datum
    }

    /// Calls one of the functions with the table and some arguments; false if it raised an error, which lies on top then.
    fn call(&mut self, function: usize, arguments: &[&Datum], results: i32) -> Result<bool, String> {
        self.lua.push_value(FUNCTIONS + function as i32).map_err(|_| "no room")?;
        self.lua.push_value(TABLE).map_err(|_| "no room")?;
        arguments.iter().try_for_each(|datum| self.push(datum))?;
        Ok(self.lua.pcall(arguments.len() + 1, results, 0) == Status::Ok)
    }

    /// The number of the function that reads a key, if it has its own.
    fn accessor(&self, key: &Datum) -> Option<usize> {
        self.named.iter().position(|named| named == key).map(|at| 6 + 2 * at)
    }

    /// Loads the functions, and the table's constructor.
    fn load(&mut self, story: &Story) -> Result<(), String> {
        let mut source = String::from(CODE);
        for key in &self.named {
            let place = match key {
                Datum::Text(n) => format!("t.k{n}"),
                key => format!("t[{}]", key.source()),
            };
            source += &format!("functions[#functions + 1] = function(t) return {place} end\n");
            source += &format!("functions[#functions + 1] = function(t, _, v) {place} = v end\n");
        }
        let items = story.items.iter().map(Datum::source);
        let fields = story.fields.iter().map(|(key, value)| format!("[{}] = {}", key.source(), value.source()));
        let entries: Vec<String> = items.chain(fields).collect();
        source += &format!("local t = {{{}}}\nreturn t, nil, table.unpack(functions)", entries.join(", "));
        let status = self.lua.load_bytes(source.as_bytes(), b"=tables", LoadMode::TEXT);
        if status != Status::Ok {
            return Err(message(self.lua));
        }
        self.lua.get_global("table").map_err(|_| "no library")?;
        for name in ["insert", "remove"] {
            self.lua.get_field(2, name).map_err(|_| "no function")?;
        }
        self.lua.get_global("next").map_err(|_| "no function")?;
        self.lua.remove(2);
        match self.lua.pcall(3, perilune_vm::MULTRET, 0) {
            Status::Ok => Ok(()),
            _ => Err(message(self.lua)),
        }
    }
}

impl Subject for State<'_> {
    fn make(&mut self, story: &Story) -> Result<(), String> {
        self.load(story)?;
        if !self.by_code {
            let [array, hash] = story.room.map(usize::from);
            self.lua.create_table(array, hash).map_err(|_| "no table")?;
            self.lua.replace(TABLE);
            for (at, item) in story.items.iter().enumerate() {
                self.push(item)?;
                self.lua.raw_set_i(TABLE, at as i64 + 1).map_err(|_| "no room")?;
            }
            for (key, value) in &story.fields {
                self.set(key, value)?;
            }
        }
        Ok(())
    }

    fn get(&mut self, key: &Datum) -> Result<Datum, String> {
        if self.by_code {
            let function = self.accessor(key).unwrap_or(0);
            return match self.call(function, &[key], 1)? {
                true => self.pop(),
                false => Err(message(self.lua)),
            };
        }
        match (key, self.accessor(key).is_some()) {
            (Datum::Integer(n), true) => self.lua.raw_get_i(TABLE, *n).map(drop),
            (Datum::Integer(n), false) => self.lua.get_i(TABLE, *n).map(drop),
            (Datum::Text(n), true) => self.lua.get_field(TABLE, &String::from_utf8_lossy(&Datum::bytes(*n))).map(drop),
            (_, true) => {
                self.push(key)?;
                self.lua.raw_get(TABLE).map(drop)
            }
            (_, false) => {
                self.push(key)?;
                self.lua.get_table(TABLE).map(drop)
            }
        }
        .map_err(|_| message(self.lua))?;
        self.pop()
    }

    fn set(&mut self, key: &Datum, value: &Datum) -> Result<bool, String> {
        if self.by_code {
            let function = self.accessor(key).unwrap_or(0) + 1;
            let accepted = self.call(function, &[key, value], 0)?;
            if !accepted {
                self.lua.pop(1);
            }
            return Ok(accepted);
        }
        let is_named = self.accessor(key).is_some();
        if !matches!((key, is_named), (Datum::Integer(_), _) | (Datum::Text(_), true)) {
            self.push(key)?;
        }
        self.push(value)?;
        let stored = match (key, is_named) {
            (Datum::Integer(n), true) => self.lua.raw_set_i(TABLE, *n),
            (Datum::Integer(n), false) => self.lua.set_i(TABLE, *n),
            (Datum::Text(n), true) => self.lua.set_field(TABLE, &String::from_utf8_lossy(&Datum::bytes(*n))),
            (_, true) => self.lua.raw_set(TABLE),
            (_, false) => self.lua.set_table(TABLE),
        };
        self.lua.set_top(FUNCTIONS + 6 + 2 * self.named.len() as i32 - 1).map_err(|_| "no room")?;
        Ok(stored.is_ok())
    }

    fn border(&mut self) -> Result<i64, String> {
        if !self.by_code {
            return Ok(self.lua.raw_len(TABLE) as i64);
        }
        match self.call(2, &[], 1)? {
            true => match self.pop()? {
                Datum::Integer(n) => Ok(n),
                other => Err(format!("{other:?}")),
            },
            false => Err(message(self.lua)),
        }
    }

    fn rewind(&mut self) {
        if self.lua.push_nil().is_ok() {
            self.lua.replace(CURSOR);
        }
    }

    fn advance(&mut self) -> Result<Option<(Datum, Datum)>, String> {
        if self.by_code {
            self.lua.push_value(FUNCTIONS + 3).map_err(|_| "no room")?;
            self.lua.push_value(TABLE).map_err(|_| "no room")?;
            self.lua.push_value(CURSOR).map_err(|_| "no room")?;
            if self.lua.pcall(2, 2, 0) != Status::Ok {
                return Err(message(self.lua));
            }
        } else {
            self.lua.push_value(CURSOR).map_err(|_| "no room")?;
            match self.lua.next(TABLE) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(_) => return Err(message(self.lua)),
            }
        }
        let value = self.pop()?;
        let key = self.datum(-1)?;
        self.lua.replace(CURSOR);
        Ok(if key == Datum::Nil { None } else { Some((key, value)) })
    }

    fn next(&mut self, key: &Datum) -> Result<bool, String> {
        let found = self.call(3, &[key], 2)?;
        self.lua.pop(if found { 2 } else { 1 });
        Ok(found)
    }

    fn collect(&mut self, how: u8) -> Result<(), String> {
        use testing::Phase;
        let phases = [Phase::Propagate, Phase::Atomic, Phase::SweepAll, Phase::Pause];
        match how % 8 {
            0 => self.lua.gc_collect().map_err(|_| message(self.lua)),
            n @ 1..=3 => self.lua.gc_step(n.into()).map(drop).map_err(|_| message(self.lua)),
            n => {
                testing::run_collector_to(self.lua, phases[usize::from(n) - 4]);
                Ok(())
            }
        }
    }

    fn check(&mut self) {
        testing::check_memory(self.lua);
    }

    fn insert(&mut self, position: i64, border: i64, value: &Datum) -> Result<(), String> {
        let at = Datum::Integer(position);
        // Without a position it goes behind the last one.
        let arguments = if position == border + 1 { vec![value] } else { vec![&at, value] };
        if self.call(4, &arguments, 0)? { Ok(()) } else { Err(message(self.lua)) }
    }

    fn remove(&mut self, position: i64, border: i64) -> Result<Datum, String> {
        let at = Datum::Integer(position);
        let arguments = if position == border { vec![] } else { vec![&at] };
        if self.call(5, &arguments, 1)? { self.pop() } else { Err(message(self.lua)) }
    }
}

/// What the constructors and the functions of compiled code need.
const LIBRARIES: [(&str, NativeFn); 3] =
    [("_G", perilune_stdlib::open_base), ("table", perilune_stdlib::open_table), ("math", perilune_stdlib::open_math)];

/// Has a story happen to a table of each kind, in heaps of their own, whose memory is checked.
///
/// # Errors
/// A text that says of which kind the table was, and what went wrong.
///
/// # Panics
/// A heap is not whole.
pub fn tell_all(story: &Story) -> Result<(), String> {
    let memory = Checking::recording(System);
    {
        let arena = Arena::new(&memory, 1).map_err(|error| error.to_string())?;
        let table = arena.table().map_err(|error| error.to_string())?;
        tell(story, &mut Core { arena: &arena, table, key: Value::Nil }).map_err(|fault| format!("bare: {fault}"))?;
    }
    for by_code in [false, true] {
        let mut lua = Lua::with_seed(&memory, 1).map_err(|_| "no state")?;
        for (name, open) in LIBRARIES {
            lua.require_f(name, open, true).map_err(|_| "no library")?;
        }
        lua.set_top(0).map_err(|_| "no room")?;
        let kind = if by_code { "code" } else { "host API" };
        tell(story, &mut State { lua: &mut lua, by_code, named: named() })
            .map_err(|fault| format!("{kind}: {fault}"))?;
    }
    is_clean(&memory)
}
