//! Comparing a state with the model.

use std::collections::BTreeSet;

use perilune_vm::{LuaResult, LuaState, Status};

use super::natives::{Key, with};
use super::{Fault, Real, expect, place};
use crate::threads::model::{Activity, Body, Model, Object};
use crate::threads::value::{Id, Val};

/// How many of the innermost frames of a thread have their variables looked at.
const FRAMES: usize = 6;
/// How many full collections more it may take until everything has gone.
const EXTRA_CYCLES: usize = 8;

/// The line of a Lua function's frame, if it belongs to a chunk of the test.
fn chunk_line(lua: &mut LuaState, level: i32) -> LuaResult<Option<(String, u32)>> {
    let info = lua.get_info("Sl", lua.get_stack(level))?;
    let name = String::from_utf8_lossy(info.short_src()).into_owned();
    let is_chunk = name.strip_prefix('b').is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit()));
    Ok(is_chunk.then_some((name, info.current_line as u32)))
}

impl Real<'_> {
    /// Compares a thread.
    ///
    /// # Errors
    /// A text that says where they differ.
    pub fn check_thread(&mut self, model: &Model, id: Id) -> Result<(), Fault> {
        let expected = model.thread(id);
        let lua = self.thread(id)?;
        let status = match expected.activity {
            Activity::Idle | Activity::Active => Status::Ok,
            Activity::Suspended => Status::Yield,
            Activity::Dead => Status::ErrRun,
        };
        if lua.status() != status {
            return Err(format!("thread {id} has the status {:?} instead of {status:?}", lua.status()));
        }
        let name = self.status_name(id)?;
        if name != model.status_name(id) {
            return Err(format!("thread {id} is {name} instead of {}", model.status_name(id)));
        }
        let stack = expected.stack();
        let top = lua.get_top() as usize;
        if top < stack.len() || (top > stack.len() && !expected.opaque) {
            return Err(format!("thread {id} has {top} values instead of {stack:?}"));
        }
        for (n, value) in stack.iter().enumerate() {
            let place = n as i32 - stack.len() as i32;
            self.check_value(lua, place, value).map_err(|text| format!("thread {id}, value {place}: {text}"))?;
        }
        self.check_frames(model, id, lua)?;
        // What was looked at lay above the thread's own values, at most two at a time. It must not stay there: slots that the thread
        // takes in use again without storing into them would keep it alive.
        let cleared = lua.set_top(top as i32 + 2).and_then(|()| lua.set_top(top as i32));
        cleared.map_err(|thrown| format!("thread {id} cannot be cleared: {thrown:?}"))
    }

    /// Compares a value of a stack.
    fn check_value(&mut self, lua: &mut LuaState, place: i32, value: &Val) -> Result<(), Fault> {
        let desk = self.desk()?;
        let copied = lua.push_value(place).and_then(|()| lua.xmove(desk, 1));
        copied.map_err(|thrown| format!("cannot be copied: {thrown:?}"))?;
        expect(desk, value)
    }

    /// Compares the frames of Lua functions and their variables.
    fn check_frames(&mut self, model: &Model, id: Id, lua: &mut LuaState) -> Result<(), Fault> {
        let bodies = model.bodies(id);
        let mut found = Vec::new();
        let mut level = 0;
        while lua.get_stack(level).is_some() {
            match chunk_line(lua, level) {
                Ok(Some((name, line))) => found.push((level, name, line)),
                Ok(None) => {}
                Err(thrown) => return Err(format!("thread {id}: no information about level {level}: {thrown:?}")),
            }
            level += 1;
        }
        // Of a thread that died deep within natives, those below are known.
        let extra = found.len().saturating_sub(bodies.len());
        let is_cut = model.thread(id).cut;
        let lines: Vec<_> = found.drain(..).skip(if is_cut { extra } else { 0 }).collect();
        let as_text = |bodies: &[&Body]| -> Vec<String> { bodies.iter().map(|body| body.position()).collect() };
        let seen: Vec<String> = lines.iter().map(|(_, name, line)| format!("{name}:{line}: ")).collect();
        if seen != as_text(&bodies) {
            return Err(format!("thread {id} is at {seen:?} instead of {:?}", as_text(&bodies)));
        }
        let with_variables = lines.iter().zip(&bodies).filter(|(_, body)| !body.is_leaving());
        for ((level, ..), body) in with_variables.take(FRAMES) {
            for n in 0..3 {
                let activation = lua.get_stack(*level);
                match lua.get_local(activation, n + 1) {
                    Ok(Some(_)) => {}
                    other => return Err(format!("thread {id}: no variable {n} at level {level}: {:?}", other.err())),
                }
                let value = body.env.get(0, n as u8);
                let checked = self.check_value(lua, -1, &value);
                lua.pop(1);
                let place = body.position();
                checked.map_err(|text| format!("thread {id}, {place}variable {n}: {text}"))?;
            }
        }
        Ok(())
    }

    /// Compares the places of the registry.
    ///
    /// # Errors
    /// A text that says where they differ.
    pub fn check_slots(&mut self, model: &Model) -> Result<(), Fault> {
        let desk = self.desk()?;
        for (n, value) in model.slots.iter().enumerate() {
            let pushed = Key::Slots.push(desk).and_then(|_| desk.get_field(-1, &place(n)));
            pushed.map_err(|thrown| format!("{thrown:?}"))?;
            desk.remove(-2);
            expect(desk, value).map_err(|text| format!("place {n} of the registry: {text}"))?;
        }
        Ok(())
    }

    /// Takes note of what was finalized: nothing that is alive, and nothing twice.
    ///
    /// # Errors
    /// A text that says what should not have been finalized.
    pub fn take_finalized(&mut self, model: &mut Model) -> Result<(), Fault> {
        let finalized = with(|shared| shared.finalized.take());
        if finalized.is_empty() {
            return Ok(());
        }
        let alive = model.alive();
        for id in finalized {
            if alive.contains(&id) {
                return Err(format!("userdata {id} was finalized, although it is alive"));
            }
            if !model.unfinalized.remove(&id) {
                return Err(format!("userdata {id} was finalized twice, or never was"));
            }
        }
        Ok(())
    }

    /// After a full collection: what is not alive must be gone, and the model forgets it.
    ///
    /// # Errors
    /// A text that says what is there and should not be, or the other way round.
    pub fn check_collected(&mut self, model: &mut Model) -> Result<(), Fault> {
        model.forget_stale_slots();
        let perhaps = model.perhaps_alive();
        let mut result = self.check_gone(model, &perhaps);
        // A variable of a thread that has just died, captured by a closure that has just died, too, keeps its value for one more
        // cycle; and if that is a thread, its variables for another one.
        for _ in 0..EXTRA_CYCLES {
            if result.is_ok() {
                break;
            }
            self.main().gc_collect().map_err(|thrown| format!("{thrown:?}"))?;
            result = self.check_gone(model, &perhaps);
        }
        result?;
        model.objects.retain(|id, _| perhaps.contains(id));
        model.same.retain(|(a, _)| perhaps.contains(a));
        for object in model.objects.values_mut() {
            if let Object::Thread(thread) = object {
                thread.touched.retain(|id| perhaps.contains(id));
            }
        }
        Ok(())
    }

    /// What may not be alive must not be there.
    fn check_gone(&mut self, model: &mut Model, perhaps: &BTreeSet<Id>) -> Result<(), Fault> {
        self.take_finalized(model)?;
        self.check_alive(model)?;
        let mut left = self.known()?;
        left.retain(|id| !perhaps.contains(id));
        if !left.is_empty() {
            let list: Vec<String> = left.iter().map(|&id| model.describe(id)).collect();
            return Err(format!("after a full collection there still are {}", list.join(", ")));
        }
        if let Some(id) = model.unfinalized.iter().find(|id| !perhaps.contains(id)) {
            return Err(format!("userdata {id} was not finalized by a full collection"));
        }
        Ok(())
    }

    /// Everything that is alive must be there.
    ///
    /// # Errors
    /// A text that says what is missing.
    pub fn check_alive(&mut self, model: &Model) -> Result<(), Fault> {
        let known: BTreeSet<Id> = self.known()?.into_iter().collect();
        match model.alive().iter().find(|id| !known.contains(id)) {
            Some(&id) => Err(format!("{} has been collected, although it is alive", model.why_alive(id))),
            None => Ok(()),
        }
    }
}
