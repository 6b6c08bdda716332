//! The safe interface of a state used at random and against all rules: nothing of it may harm the state's memory, and nothing may
//! panic that was not asked to.
//!
//! A [`Session`] is a row of choices: which operation of the host API comes next, with which arguments, within how many natives,
//! hooks, readers and coroutines, and where the allocator refuses or the host's own code panics. The states work on an allocator that
//! checks its blocks, and the heap is checked in between; what else goes wrong shows under the address sanitizer.
//!
//! ```
//! use perilune_fuzz::{host, property};
//!
//! let session: host::Session = property::from_seed(1, 2000).unwrap();
//! assert!(host::survives(&session).unwrap() > 10);
//! ```

mod acts;
mod choices;
mod natives;
mod stale;

use std::time::Duration;

use arbitrary::{Arbitrary, Result as Generated, Unstructured};
use perilune_vm::{Lua, testing};

use choices::{below, chance};

use crate::property::{Shrink, shorter, shorter_count};
use crate::watch::watched;

pub(crate) use natives::end;

/// A row of choices. Any bytes are one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session(pub Vec<u8>);

impl<'a> Arbitrary<'a> for Session {
    fn arbitrary(u: &mut Unstructured<'a>) -> Generated<Self> {
        Ok(Self(u.bytes(u.len())?.to_vec()))
    }
}

impl Shrink for Session {
    fn shrink(&self, n: usize) -> Option<Self> {
        if let Some(bytes) = shorter(&self.0, n) {
            return Some(Self(bytes));
        }
        let places = self.0.iter().enumerate().filter(|&(_, &byte)| byte > 0);
        let (at, &byte) = places.clone().nth((n - shorter_count(self.0.len())) / 2)?;
        let mut bytes = self.0.clone();
        bytes[at] = if n.is_multiple_of(2) { 0 } else { byte / 2 };
        Some(Self(bytes))
    }
}

/// When a session takes long: it may well make a loop endless, by setting the variables that it goes by. So may a chunk.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);
/// How many operations a session has at most.
const BUDGET: u32 = 3000;

/// Does everything that follows from a row of choices, and finds the memory whole afterwards. Returns how many operations there were.
///
/// # Errors
/// A text that says what is not as it must be.
///
/// # Panics
/// The heap is not whole, or something panics that was not asked to.
pub fn survives(session: &Session) -> Result<u32, String> {
    choices::begin(&session.0);
    natives::begin(BUDGET);
    stale::begin();
    let memory = stale::memory();
    {
        let mut lua = Lua::with_seed(&memory, 1).map_err(|_| "no state")?;
        for (name, function) in stale::FUNCTIONS {
            lua.register(name, *function).map_err(|_| "no room")?;
        }
        watched([Some(lua.interrupter()), stale::interrupter()], PATIENCE, end, || {
            while choices::are_left() && natives::spent(BUDGET) < BUDGET {
                natives::survives(|| acts::from_the_base(&mut lua));
                if chance(4) {
                    testing::check_memory(&lua);
                }
            }
        });
        stale::starve(if chance(4) { below(20) as u32 } else { u32::MAX - 2 });
        natives::survives(|| drop(lua));
    }
    natives::survives(stale::end);
    match (natives::live_values(), memory.stats().live_bytes, memory.inner().inner().0.violations()) {
        (0, 0, violations) if violations.is_empty() => Ok(natives::spent(BUDGET)),
        (values, bytes, violations) => {
            Err(format!("{values} values were not dropped, {bytes} bytes are left, {violations:?}"))
        }
    }
}
