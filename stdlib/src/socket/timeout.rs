//! Timeouts: how long an operation may wait, in two measures that a script sets independently.
//!
//! Time is the monotonic clock's, so that nothing happens to a waiting program when the wall clock is set.

use core::cell::Cell;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perilune_vm::{LuaResult, LuaState};

/// The longest time that is given to the system at once, in seconds.
const LONGEST: f64 = i32::MAX as f64;

/// The time limits of a socket, in seconds; negative ones do not limit.
#[derive(Debug)]
pub(super) struct Timeout {
    /// For one wait, though counted from the operation's begin: mode `b`.
    block: Cell<f64>,
    /// For a whole operation: mode `t`.
    total: Cell<f64>,
    /// When the operation began.
    start: Cell<f64>,
}

impl Timeout {
    /// Limits that begin now.
    pub(super) fn new(block: f64, total: f64) -> Self {
        let timeout = Self { block: Cell::new(block), total: Cell::new(total), start: Cell::new(0.0) };
        timeout.begin();
        timeout
    }

    /// Notes that an operation begins.
    #[doc(alias = "timeout_markstart")]
    pub(super) fn begin(&self) {
        // Without limits nobody asks how long it lasted.
        if self.block.get() > 0.0 || self.total.get() >= 0.0 {
            self.start.set(now());
        }
    }

    /// Whether an operation must not wait at all.
    #[doc(alias = "timeout_iszero")]
    pub(super) fn is_zero(&self) -> bool {
        self.block.get() == 0.0
    }

    /// How long the operation may still wait; `None` without limit.
    #[doc(alias = "timeout_getretry")]
    pub(super) fn remaining(&self) -> Option<Duration> {
        let (block, total) = (self.block.get(), self.total.get());
        let left = |limit: f64| (limit - (now() - self.start.get())).max(0.0);
        let seconds = match (block >= 0.0, total >= 0.0) {
            (false, false) => return None,
            (false, true) => left(total),
            (true, false) => left(block),
            (true, true) => left(total).min(block),
        };
        Some(duration(seconds))
    }

    /// `object:settimeout ([value [, mode]])`, for the object whose timeout this is.
    pub(super) fn set(&self, lua: &mut LuaState) -> LuaResult<usize> {
        let value = lua.opt_number(2, -1.0)?;
        // SAFETY: L1.
        let mode = lua.opt_str(3)?.map_or(&b"b"[..], |mode| unsafe { mode.bytes() });
        match mode.first() {
            Some(b'b') => self.block.set(value),
            Some(b'r' | b't') => self.total.set(value),
            _ => return Err(lua.arg_error(3, "invalid timeout mode")),
        }
        lua.push_number(1.0)?;
        Ok(1)
    }

    /// `object:gettimeout ()`, for the object whose timeout this is.
    pub(super) fn get(&self, lua: &mut LuaState) -> LuaResult<usize> {
        lua.push_number(self.block.get())?;
        lua.push_number(self.total.get())?;
        Ok(2)
    }
}

/// Seconds on the monotonic clock, from some point on.
pub(super) fn now() -> f64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// A number of seconds as a duration; what is no sensible number is cut to one.
fn duration(seconds: f64) -> Duration {
    // A NaN is no time at all; `clamp` would keep it.
    Duration::from_secs_f64(if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST) })
}

/// `socket.gettime ()`
pub(super) fn gettime(lua: &mut LuaState) -> LuaResult<usize> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    lua.push_number(time.as_secs_f64())?;
    Ok(1)
}

/// `socket.sleep (time)`
pub(super) fn sleep(lua: &mut LuaState) -> LuaResult<usize> {
    let seconds = lua.check_number(1)?;
    thread::sleep(duration(seconds));
    Ok(0)
}
