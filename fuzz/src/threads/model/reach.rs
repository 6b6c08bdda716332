//! What is alive: from below, what must be, and from above, what may be.
//!
//! The two differ by the slots of a stack that are not in use any more: a frame that has not ended keeps its whole part of the
//! stack, and with it what once was there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Activity, Env, Frame, Model, Object, Thread, Work};
use crate::threads::body::Var;
use crate::threads::value::{Id, MAIN, Val};

/// The objects that were found, and those whose references are still to be followed.
struct Walk {
    /// Each with the one that referred to it.
    found: BTreeMap<Id, Id>,
    /// Whose references are followed.
    at: Id,
    left: Vec<Id>,
    /// Whether what may be alive is looked for, too.
    generous: bool,
}

impl Walk {
    fn object(&mut self, id: Id) {
        let at = self.at;
        self.found.entry(id).or_insert_with(|| {
            self.left.push(id);
            at
        });
    }

    fn value(&mut self, value: &Val) {
        if let Val::Object(id) = value {
            self.object(*id);
        }
    }

    fn values(&mut self, values: &[Val]) {
        values.iter().for_each(|value| self.value(value));
    }

    fn variables(&mut self, env: &Env) {
        env.cells.iter().for_each(|cell| self.value(&cell.borrow()));
    }

    fn all_variables(&mut self, env: &Env) {
        self.variables(env);
        if let Some(parent) = &env.parent {
            self.all_variables(parent);
        }
    }

    fn thread(&mut self, thread: &Thread) {
        self.values(&thread.base);
        self.values(&thread.visible);
        for frame in &thread.frames {
            match frame {
                Frame::Body(body) => {
                    self.object(body.closure);
                    self.values(&body.varargs);
                    if self.generous || !body.is_leaving() {
                        self.variables(&body.env);
                    }
                }
                Frame::Native { work: Work::Resume { co, .. }, .. } => self.object(*co),
                Frame::Native { work: Work::Yield { hidden, .. }, .. } if self.generous => self.values(hidden),
                Frame::Native { .. } => {}
            }
        }
        if self.generous {
            thread.touched.iter().for_each(|&id| self.object(id));
        }
    }

    fn follow(&mut self, object: &Object) {
        match object {
            Object::Table(values, meta) => {
                self.values(values);
                if let Some((_, method)) = meta {
                    self.value(method);
                }
            }
            Object::Userdata(value) | Object::Holder(value) => self.value(value),
            Object::Closure { env: Some(env), .. } if self.generous => self.all_variables(env),
            Object::Closure { func, env: Some(env), .. } => {
                // A closure refers to the variables that it or a function within it uses, and to no others.
                for &Var { up, index } in &func.captures {
                    self.value(&env.get(up - 1, index));
                }
            }
            Object::Closure { env: None, .. } => {}
            Object::Wrapped(co) => self.object(*co),
            Object::Thread(thread) => self.thread(thread),
        }
    }
}

impl Model {
    fn walk(&self, generous: bool) -> BTreeMap<Id, Id> {
        let mut walk = Walk { found: BTreeMap::new(), at: MAIN, left: Vec::new(), generous };
        walk.object(MAIN);
        walk.values(&self.slots);
        while let Some(id) = walk.left.pop() {
            walk.at = id;
            for &(a, b) in &self.same {
                if id == a || id == b {
                    walk.object(a);
                    walk.object(b);
                }
            }
            if let Some(object) = self.objects.get(&id) {
                walk.follow(object);
            }
        }
        walk.found
    }

    /// What must be alive.
    pub fn alive(&self) -> BTreeSet<Id> {
        self.walk(false).into_keys().collect()
    }

    /// An object, what refers to it, what refers to that, and so on, in words.
    pub fn why_alive(&self, mut id: Id) -> String {
        let found = self.walk(false);
        let mut text = self.describe(id);
        while let Some(&from) = found.get(&id)
            && id != MAIN
        {
            text = format!("{text} <- {}", self.describe(from));
            if let Some(Object::Thread(thread)) = self.objects.get(&from) {
                text = format!("{text} {:?}", thread.activity);
            }
            id = from;
        }
        text
    }

    /// What may be alive.
    pub fn perhaps_alive(&self) -> BTreeSet<Id> {
        self.walk(true).into_keys().collect()
    }

    /// Forgets what the stacks of idle threads once held: a full collection, while the host runs, has cleared that.
    pub fn forget_stale_slots(&mut self) {
        for object in self.objects.values_mut() {
            if let Object::Thread(thread) = object
                && thread.activity == Activity::Idle
            {
                let ids = thread.base.iter().filter_map(|v| if let Val::Object(id) = v { Some(*id) } else { None });
                thread.touched = ids.collect();
            }
        }
    }
}
