//! Running a script of the little language: one command after the other, on the stack of a thread that may be another one
//! than the running one, or even another state's.

use perilune_vm::{LuaResult, LuaState, Status, Thrown, testing};

use super::commands;
use super::script::{Mistake, Script};
use crate::message::raise_parts;

/// How a command ends.
pub(super) enum Flow {
    /// The next one follows.
    Next,
    /// The script ends with this number of results.
    Return(usize),
}

/// A script that runs.
pub(super) struct Runner<'a> {
    /// The running thread, where errors of the script itself are raised.
    pub(super) own: &'a mut LuaState,
    /// The thread that the commands work on, maybe the same.
    pub(super) on: &'a mut LuaState,
    /// What is left of the script.
    pub(super) script: Script<'a>,
    /// What the last protected call or resumption came to.
    pub(super) status: Status,
    /// Whether an error was raised in the running thread because of the script.
    complained: bool,
}

impl<'a> Runner<'a> {
    /// Raises the error of a script that cannot be read.
    fn complain(&mut self, mistake: Mistake<'_>) -> Thrown {
        match mistake {
            Mistake::NoNumber(rest) => self.complain_with(&[b"number expected (", rest, b")"]),
            Mistake::Unfinished => self.complain_with(&[b"unfinished string in C script"]),
            Mistake::Deprecated => self.complain_with(&[b"deprecated index 'G'"]),
        }
    }

    /// Raises an error in the running thread.
    pub(super) fn complain_with(&mut self, parts: &[&[u8]]) -> Thrown {
        self.complained = true;
        raise_parts(self.own, parts)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> LuaResult<i32> {
        self.script.number(self.on).map_err(|mistake| self.complain(mistake))
    }

    /// The next number as a count; a negative one counts as none.
    pub(super) fn count(&mut self) -> LuaResult<usize> {
        Ok(usize::try_from(self.number()?).unwrap_or(0))
    }

    /// The next stack index.
    pub(super) fn index(&mut self) -> LuaResult<i32> {
        self.script.index(self.on).map_err(|mistake| self.complain(mistake))
    }

    /// The next word.
    pub(super) fn word(&mut self) -> LuaResult<&'a [u8]> {
        self.script.word().map_err(|mistake| self.complain(mistake))
    }

    /// The next word as a name, which must be UTF-8.
    pub(super) fn name(&mut self) -> LuaResult<&'a str> {
        let word = self.word()?;
        core::str::from_utf8(word).map_err(|_| self.complain_with(&[b"bad name '", word, b"'"]))
    }

    /// Runs the commands to the end of the script.
    fn run(&mut self) -> LuaResult<usize> {
        loop {
            let word = self.word()?;
            if word.is_empty() {
                return Ok(0);
            }
            match commands::find(word) {
                Some(command) => {
                    if let Flow::Return(n) = command(self)? {
                        return Ok(n);
                    }
                }
                None => return Err(self.complain_with(&[b"unknown instruction ", word])),
            }
        }
    }
}

/// How a script on another state failed.
pub(super) enum Failure {
    /// By an error in the running thread.
    Own(Thrown),
    /// By an error that was raised on the thread that it works on.
    Other(Thrown),
}

impl Failure {
    /// The error, where it makes no difference: both threads are of one state, whose running thread has the value.
    pub(super) fn thrown(self) -> Thrown {
        match self {
            Self::Own(thrown) | Self::Other(thrown) => thrown,
        }
    }
}

/// Runs a script on a thread; `own` runs.
#[doc(alias = "runC")]
pub(super) fn run_on(own: &mut LuaState, on: &mut LuaState, script: &[u8]) -> Result<usize, Failure> {
    let mut runner = Runner { own, on, script: Script::new(script), status: Status::Ok, complained: false };
    runner.run().map_err(|thrown| if runner.complained { Failure::Own(thrown) } else { Failure::Other(thrown) })
}

/// Runs a script on the running thread itself.
pub(super) fn run(lua: &mut LuaState, script: &[u8]) -> LuaResult<usize> {
    // SAFETY: M1: the running thread is reachable.
    let own = unsafe { testing::alias(lua) };
    run_on(own, lua, script).map_err(Failure::thrown)
}
