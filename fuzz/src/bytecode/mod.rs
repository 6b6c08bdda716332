//! Precompiled chunks that somebody has tampered with.
//!
//! The compiler's chunk of a program is [taken apart](chunk::Chunk), [damaged](damage), and loaded. The promise: a chunk is
//! refused with a message, or it runs without harm, under a [limit](Limits) of instructions and of memory; what it does then is
//! its own affair.
//!
//! ```
//! use perilune_fuzz::bytecode::{self, Tampered, Verdict};
//!
//! let tampered = Tampered { source: "return ...".into(), ..Tampered::default() };
//! assert_eq!(bytecode::examine(&tampered), Ok(Verdict::Ran(perilune_vm::Status::Ok)));
//! ```

pub mod chunk;
pub mod damage;
mod host;
mod rules;

use arbitrary::{Arbitrary, Result as Generated, Unstructured};
use perilune_alloc_adapters::System;
use perilune_vm::{ChunkWriter, LoadMode, Lua, LuaResult, LuaState, Status};

use crate::program::Program;
use crate::property::Shrink;

use chunk::Chunk;
use damage::{Damage, Spoil};
pub use host::{Limits, Verdict, load_and_run};

/// A program, and what is done to its chunk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tampered {
    /// The program's text.
    pub source: String,
    /// Whether its chunk is stripped of debug information first.
    pub strip: bool,
    /// Damage to its functions.
    pub damages: Vec<Damage>,
    /// Damage to its bytes, afterwards.
    pub spoils: Vec<Spoil>,
    /// Which hooks are set when it runs, as a mask.
    pub hooks: u8,
}

impl Tampered {
    /// Something done to the chunk of a program.
    ///
    /// # Errors
    /// Those of the source of chance.
    pub fn of(source: String, u: &mut Unstructured<'_>) -> Generated<Self> {
        let damages = match u.ratio(5, 6)? {
            true => (0..u.int_in_range(1..=4)?).map(|_| Damage::arbitrary(u)).collect::<Generated<_>>()?,
            false => Vec::new(),
        };
        let spoils = match damages.is_empty() || u.ratio(1, 16)? {
            true => (0..u.int_in_range(1..=3)?).map(|_| Spoil::arbitrary(u)).collect::<Generated<_>>()?,
            false => Vec::new(),
        };
        let hooks = if u.ratio(1, 4)? { u.int_in_range(0..=7)? } else { 0 };
        Ok(Self { source, strip: u.ratio(1, 4)?, damages, spoils, hooks })
    }

    /// The same with less done, the most promising first.
    pub fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.damages.len() {
            let mut damages = self.damages.clone();
            damages.remove(at);
            all.push(Self { damages, ..self.clone() });
        }
        for at in 0..self.spoils.len() {
            let mut spoils = self.spoils.clone();
            spoils.remove(at);
            all.push(Self { spoils, ..self.clone() });
        }
        if self.hooks != 0 {
            all.push(Self { hooks: 0, ..self.clone() });
        }
        // A line less of the program; what does not compile then fails no longer.
        let lines: Vec<&str> = self.source.lines().collect();
        for at in (0..lines.len()).filter(|_| lines.len() > 1) {
            let source = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            all.push(Self { source, ..self.clone() });
        }
        all
    }

    /// The chunk as it comes to be; `None` if the program does not compile.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = compile(&self.source, self.strip)?;
        if !self.damages.is_empty() {
            let mut chunk = Chunk::read(&bytes)?;
            self.damages.iter().for_each(|damage| damage.apply(&mut chunk));
            bytes = chunk.write();
        }
        self.spoils.iter().for_each(|spoil| spoil.apply(&mut bytes));
        Some(bytes)
    }
}

/// Programs with every family of instructions, which look at the heap in between.
const SOURCES: [&str; 4] = [
    include_str!("sources/constructs.lua"),
    include_str!("sources/coroutines.lua"),
    include_str!("sources/functions.lua"),
    include_str!("sources/operators.lua"),
];

impl<'a> Arbitrary<'a> for Tampered {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        let source = match u.ratio(1, 4)? {
            // The bytes are for the damage.
            true => Program::of_seed(u.int_in_range(0..=9999)?).to_string(),
            false => (*u.choose(&SOURCES)?).into(),
        };
        Self::of(source, u)
    }
}

impl Shrink for Tampered {
    fn shrink(&self, n: usize) -> Option<Self> {
        self.simpler().into_iter().nth(n)
    }
}

/// Takes what is dumped.
struct Bytes(Vec<u8>);

impl ChunkWriter for Bytes {
    fn write(&mut self, _: &mut LuaState, bytes: &[u8]) -> LuaResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The function on top of the stack as a chunk. If there is not enough memory, the error is on top.
pub(crate) fn dump(lua: &mut LuaState, strip: bool) -> Result<Vec<u8>, Status> {
    let mut bytes = Bytes(Vec::new());
    match lua.dump(&mut bytes, strip) {
        Ok(_) => Ok(bytes.0),
        Err(thrown) => {
            let status = thrown.status();
            lua.error_to_top(thrown);
            Err(status)
        }
    }
}

/// The chunk of a program; `None` if it does not compile.
pub fn compile(source: &str, strip: bool) -> Option<Vec<u8>> {
    let mut lua = Lua::with_seed(System, 1).ok()?;
    let status = lua.load_bytes(source.as_bytes(), b"=program", LoadMode::TEXT);
    if status == Status::Ok { dump(&mut lua, strip).ok() } else { None }
}

/// Whether a chunk is accepted.
fn accepts(bytes: &[u8]) -> bool {
    Lua::with_seed(System, 1).is_ok_and(|mut lua| lua.load_bytes(bytes, b"=chunk", LoadMode::BINARY) == Status::Ok)
}

/// The verifier accepts the compiler's chunk of a program, and dumping what was loaded gives the same bytes; our own reader and
/// writer agree, too.
///
/// # Errors
/// A text that says what is not so.
pub fn accepts_compiled(source: &str) -> Result<(), String> {
    for strip in [false, true] {
        let bytes = compile(source, strip).ok_or("it does not compile")?;
        let chunk = Chunk::read(&bytes).ok_or("its chunk cannot be read")?;
        if chunk.write() != bytes {
            return Err("its chunk is not written as it was read".into());
        }
        rules::hold(&chunk)?;
        let mut lua = Lua::with_seed(System, 1).map_err(|_| "no state")?;
        if lua.load_bytes(&bytes, b"=chunk", LoadMode::BINARY) != Status::Ok {
            let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
            return Err(format!("its chunk is refused: {message}"));
        }
        if dump(&mut lua, strip).as_ref() != Ok(&bytes) {
            return Err("its chunk is another one when it is dumped again".into());
        }
    }
    Ok(())
}

/// What is accepted of a program's chunk, after what was to be done to it, is as it should be; and whether it is accepted.
///
/// # Errors
/// A text that says what the verifier has overlooked.
pub fn is_right_if_accepted(tampered: &Tampered) -> Result<bool, String> {
    let Some(bytes) = tampered.bytes().filter(|bytes| accepts(bytes)) else { return Ok(false) };
    match Chunk::read(&bytes) {
        Some(chunk) => rules::hold(&chunk).map(|()| true).map_err(|fault| format!("the verifier accepts {fault}")),
        None => Ok(true),
    }
}

/// Does what was to be done to a program's chunk, loads it and runs it. What is accepted must also be as it should be.
///
/// # Errors
/// A text that says what harm came of it.
pub fn examine(tampered: &Tampered) -> Result<Verdict, String> {
    match tampered.bytes() {
        Some(bytes) => {
            is_right_if_accepted(tampered)?;
            load_and_run(&bytes, Limits { hooks: tampered.hooks, ..Limits::default() })
        }
        None => Ok(Verdict::NoProgram),
    }
}
