//! `socket.select`, on poll: no descriptor is too large, and there may be as many as memory holds.
//!
//! What is selected is anything with a method `getfd`, and perhaps `dirty`. These may be functions of Lua, and yield; so the
//! work is a machine that stops at each call and goes on from its context. What it has found so far lies in slots of its
//! frame (L6).

use core::ffi::c_short;

use libc::pollfd;
use perilune_vm::{LuaResult, LuaState, LuaType, NativeFn, Status};

use super::object::{dirty, getfd, socket_at};
use super::sys::{self, Descriptor};
use super::timeout::Timeout;

/// The slots of the sets: what is to be ready for reading, and for writing.
const SETS: [i32; 2] = [1, 2];
/// The slot of the time limit.
const LIMIT: i32 = 3;
/// The slot of the table that has the object of each descriptor.
const OBJECTS: i32 = 4;
/// The slots of the results: what is ready for reading, and for writing.
const RESULTS: [i32; 2] = [5, 6];
/// The slot of the block of what is watched.
const WATCHED: i32 = 7;
/// The slot of the number of entries of the block.
const COUNT: i32 = 8;
/// The slot of the element that is looked at.
const ELEMENT: i32 = 9;
/// The slot of its descriptor.
const DESCRIPTOR: i32 = 10;

/// How many entries the first block has room for.
const FIRST_ROOM: usize = 16;
/// What the members of each set are watched for.
const EVENTS: [c_short; 2] = [libc::POLLIN, libc::POLLOUT];
/// What it means for each set that its members are ready.
const READY: [c_short; 2] =
    [libc::POLLIN | libc::POLLHUP | libc::POLLERR, libc::POLLOUT | libc::POLLHUP | libc::POLLERR];
/// In place of events: the descriptor is that of a dirty object, so that nobody needs to watch it for reading.
const DIRTY: c_short = 0;

/// What is done with all elements of a set, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Notes what is to be ready for reading.
    Read,
    /// Notes what is to be ready for writing.
    Write,
    /// Asks what is to be ready for reading whether it is dirty.
    Dirty,
}

/// What is done with an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Fetch,
    FetchGetfd,
    CallGetfd,
    TakeDescriptor,
    FetchDirty,
    CallDirty,
    TakeDirty,
}

/// Where the machine is.
#[derive(Clone, Copy)]
struct Position {
    phase: Phase,
    step: Step,
    index: i64,
}

const PHASES: [Phase; 3] = [Phase::Read, Phase::Write, Phase::Dirty];
const STEPS: [Step; 8] = [
    Step::Fetch,
    Step::FetchGetfd,
    Step::CallGetfd,
    Step::TakeDescriptor,
    Step::FetchDirty,
    Step::CallDirty,
    Step::TakeDirty,
    Step::Fetch,
];

impl Position {
    /// The same element, at another step.
    fn at(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// As the context of a continuation.
    fn context(self) -> isize {
        (self.index as isize) << 5 | (self.phase as isize) << 3 | self.step as isize
    }

    /// The position that a context is.
    fn of(context: isize) -> Self {
        let phase = PHASES[((context >> 3) & 3) as usize % PHASES.len()];
        Self { phase, step: STEPS[(context & 7) as usize], index: (context >> 5) as i64 }
    }
}

/// `socket.select (recvt, sendt [, timeout])`
pub(super) fn select(lua: &mut LuaState) -> LuaResult<usize> {
    lua.opt_number(LIMIT, -1.0)?;
    lua.set_top(LIMIT)?;
    for _ in [OBJECTS, RESULTS[0], RESULTS[1]] {
        lua.new_table()?;
    }
    lua.new_userdata(FIRST_ROOM * size_of::<pollfd>())?;
    lua.push_integer(0)?;
    begin_phase(lua, Phase::Read)
}

/// Begins with the elements of a phase's set. Nil is the same as an empty set.
fn begin_phase(lua: &mut LuaState, phase: Phase) -> LuaResult<usize> {
    let set = phase.set();
    if lua.is_nil(set) {
        return end_phase(lua, phase);
    }
    lua.check_type(set, LuaType::Table)?;
    scan(lua, Position { phase, step: Step::Fetch, index: 1 })
}

/// Goes on after the last element.
fn end_phase(lua: &mut LuaState, phase: Phase) -> LuaResult<usize> {
    match phase {
        Phase::Read => begin_phase(lua, Phase::Write),
        Phase::Write => begin_phase(lua, Phase::Dirty),
        Phase::Dirty => finish(lua),
    }
}

impl Phase {
    /// The slot of its set.
    fn set(self) -> i32 {
        SETS[usize::from(self == Self::Write)]
    }
}

/// Goes on after a call.
fn resume(lua: &mut LuaState, _: Status, context: isize) -> LuaResult<usize> {
    scan(lua, Position::of(context))
}

/// Looks at the elements of a set from a position on.
fn scan(lua: &mut LuaState, mut at: Position) -> LuaResult<usize> {
    loop {
        at = match at.step {
            Step::Fetch => {
                lua.set_top(COUNT)?;
                lua.get_i_then(at.phase.set(), at.index, at.at(Step::FetchGetfd).context(), resume)?;
                at.at(Step::FetchGetfd)
            }
            Step::FetchGetfd => {
                if lua.is_nil(ELEMENT) {
                    return end_phase(lua, at.phase);
                }
                lua.get_field_then(ELEMENT, "getfd", at.at(Step::CallGetfd).context(), resume)?;
                at.at(Step::CallGetfd)
            }
            Step::CallGetfd => match own_socket(lua, getfd) {
                Some(fd) => {
                    lua.note_integer(DESCRIPTOR, fd.into());
                    at.at(Step::TakeDescriptor)
                }
                None if lua.is_nil(-1) => at.next(),
                None => return call_method(lua, at.at(Step::TakeDescriptor)),
            },
            Step::TakeDescriptor => take_descriptor(lua, at)?,
            Step::FetchDirty => {
                lua.get_field_then(ELEMENT, "dirty", at.at(Step::CallDirty).context(), resume)?;
                at.at(Step::CallDirty)
            }
            Step::CallDirty => match own_socket(lua, dirty) {
                Some(_) => {
                    let is_dirty = socket_at(lua, ELEMENT).is_some_and(|socket| socket.unread_len() > 0);
                    lua.push_boolean(is_dirty)?;
                    at.at(Step::TakeDirty)
                }
                None if lua.is_nil(-1) => at.next(),
                None => return call_method(lua, at.at(Step::TakeDirty)),
            },
            Step::TakeDirty => {
                if lua.to_boolean(-1) {
                    note_dirty(lua)?;
                }
                at.next()
            }
        };
    }
}

impl Position {
    /// The next element.
    fn next(self) -> Self {
        Self { step: Step::Fetch, index: self.index + 1, ..self }
    }
}

/// The descriptor of the element, if it is a socket of this library and the method on top is the one of this library: then
/// there is no need to call it.
fn own_socket(lua: &LuaState, method: NativeFn) -> Option<Descriptor> {
    let found = lua.to_native_function(-1)?;
    let socket = socket_at(lua, ELEMENT)?;
    core::ptr::fn_addr_eq(found, method).then(|| socket.fd.get())
}

/// Calls the method on top with the element.
fn call_method(lua: &mut LuaState, then: Position) -> LuaResult<usize> {
    lua.push_value(ELEMENT)?;
    lua.call_then(1, 1, then.context(), resume)
}

/// Takes the descriptor of the element: notes it, or goes on with the question whether the element is dirty.
fn take_descriptor(lua: &mut LuaState, at: Position) -> LuaResult<Position> {
    let fd = match lua.to_number(DESCRIPTOR) {
        Some(number) if number >= 0.0 => number as Descriptor,
        _ => return Ok(at.next()),
    };
    lua.note_integer(DESCRIPTOR, fd.into());
    if at.phase == Phase::Dirty {
        return Ok(at.at(Step::FetchDirty));
    }
    watch(lua, fd, EVENTS[usize::from(at.phase == Phase::Write)])?;
    // The last object of a descriptor counts.
    lua.push_value(ELEMENT)?;
    lua.raw_set_i(OBJECTS, fd.into())?;
    Ok(at.next())
}

/// Notes that the element is dirty: it is ready, and its descriptor need not be.
fn note_dirty(lua: &mut LuaState) -> LuaResult<()> {
    let fd = lua.to_integer(DESCRIPTOR).unwrap_or(-1) as Descriptor;
    watch(lua, fd, DIRTY)?;
    let count = lua.raw_len(RESULTS[0]) as i64;
    lua.push_value(ELEMENT)?;
    lua.raw_set_i(RESULTS[0], count + 1)
}

/// The number of entries.
fn count(lua: &LuaState) -> usize {
    lua.to_integer(COUNT).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// How many entries the block has room for.
fn room(lua: &LuaState) -> usize {
    lua.raw_len(WATCHED) / size_of::<pollfd>()
}

/// Does something with the entries that are in use.
fn with_entries<R>(lua: &LuaState, work: impl FnOnce(&mut [pollfd]) -> R) -> R {
    match lua.to_userdata(WATCHED) {
        // SAFETY: L6: the slot holds a userdata that was made for entries; it is aligned, all zeros is an entry, and nobody
        // else has it. The state is borrowed meanwhile.
        Some(block) => unsafe {
            work(core::slice::from_raw_parts_mut(block.cast().as_ptr(), count(lua).min(room(lua))))
        },
        None => work(&mut []),
    }
}

/// Adds an entry to the block.
fn watch(lua: &mut LuaState, fd: Descriptor, events: c_short) -> LuaResult<()> {
    let count = count(lua);
    if count >= room(lua) {
        let larger = lua.new_userdata(count.max(FIRST_ROOM) * 2 * size_of::<pollfd>())?.cast::<pollfd>();
        with_entries(lua, |entries| {
            // SAFETY: the new block is larger, and another one.
            unsafe { larger.as_ptr().copy_from_nonoverlapping(entries.as_ptr(), entries.len()) }
        });
        lua.replace(WATCHED);
    }
    lua.note_integer(COUNT, count as i64 + 1);
    with_entries(lua, |entries| {
        if let Some(entry) = entries.last_mut() {
            *entry = pollfd { fd, events, revents: 0 };
        }
    });
    Ok(())
}

/// Puts the entries in the order of their descriptors and makes one of those of a descriptor: the system takes no more entries
/// than a process may have descriptors. What is dirty need not be watched for reading. Returns how many there are.
fn tidy(entries: &mut [pollfd]) -> usize {
    // The mark of what is dirty comes before other entries of its descriptor.
    entries.sort_unstable_by_key(|entry| (entry.fd, entry.events));
    let (mut kept, mut next) = (0, 0);
    while next < entries.len() {
        let first = entries[next];
        let mut events = 0;
        while next < entries.len() && entries[next].fd == first.fd {
            events |= entries[next].events;
            next += 1;
        }
        if first.events == DIRTY {
            events &= !EVENTS[0];
        }
        if events != 0 {
            entries[kept] = pollfd { events, ..first };
            kept += 1;
        }
    }
    kept
}

/// Waits, unless something is dirty, and returns what is ready.
fn finish(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(COUNT)?;
    let n_dirty = lua.raw_len(RESULTS[0]) as i64;
    let limit = if n_dirty > 0 { 0.0 } else { lua.to_number(LIMIT).unwrap_or(-1.0) };
    let kept = with_entries(lua, tidy);
    lua.note_integer(COUNT, kept as i64);
    let ready = with_entries(lua, |entries| {
        let ready = sys::poll(entries, &Timeout::new(limit, -1.0)).ok();
        ready.filter(|_| entries.iter().all(|entry| entry.revents & libc::POLLNVAL == 0))
    });
    let Some(ready) = ready else {
        return Err(lua.raise(format_args!("select failed")));
    };
    if ready == 0 && n_dirty == 0 {
        lua.push_value(RESULTS[0])?;
        lua.push_value(RESULTS[1])?;
        lua.push_str("timeout")?;
        return Ok(3);
    }
    let mut counts = [n_dirty, 0];
    for index in 0..kept {
        let entry = with_entries(lua, |entries| entries[index]);
        for set in 0..SETS.len() {
            if entry.events & EVENTS[set] != 0 && entry.revents & READY[set] != 0 {
                counts[set] += 1;
                lua.raw_get_i(OBJECTS, entry.fd.into())?;
                lua.raw_set_i(RESULTS[set], counts[set])?;
            }
        }
    }
    for (result, count) in RESULTS.into_iter().zip(counts) {
        for index in 1..=count {
            lua.raw_get_i(result, index)?;
            lua.push_number(index as f64)?;
            lua.raw_set(result)?;
        }
    }
    lua.push_value(RESULTS[0])?;
    lua.push_value(RESULTS[1])?;
    Ok(2)
}
