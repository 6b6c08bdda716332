//! How the model executes the ops of Lua functions.

use std::rc::Rc;

use super::execute::{Control, prefixed};
use super::{Body, Env, Frame, Model, Object, ResumedBy, Thread, Work};
use crate::threads::body::{Args, Callee, Dest, Expr, Func, How, Kind, Meta, Op, Resumer, Var};
use crate::threads::source::fault_message;
use crate::threads::value::{Native, Val, first};

impl Model {
    /// The activation that runs.
    fn body(&mut self) -> &mut Body {
        match self.here().frames.last_mut() {
            Some(Frame::Body(body)) => body,
            _ => unreachable!("a Lua function runs"),
        }
    }

    fn get(&mut self, var: Var) -> Val {
        let value = self.body().env.get(var.up, var.index);
        self.touch(self.current, std::slice::from_ref(&value));
        value
    }

    fn set(&mut self, var: Var, value: Val) {
        self.body().env.set(var.up, var.index, value);
    }

    fn eval(&mut self, expr: &Expr) -> Val {
        match expr {
            Expr::Const(value) => value.clone(),
            Expr::Var(var) => self.get(*var),
        }
    }

    fn eval_args(&mut self, args: &Args) -> Vec<Val> {
        let mut values: Vec<Val> = args.list.iter().map(|expr| self.eval(expr)).collect();
        if args.rest {
            values.extend(self.body().varargs.iter().cloned());
        }
        values
    }

    fn eval_thread(&mut self, var: Var) -> u32 {
        let value = self.get(var);
        self.as_coroutine(&value).unwrap_or(self.current)
    }

    fn new_closure(&mut self, func: &Rc<Func>) -> Val {
        let body = self.body();
        let (env, chunk): (Rc<Env>, _) = (body.env.clone(), body.chunk);
        self.add_here(Object::Closure { func: func.clone(), env: Some(env), chunk })
    }

    fn eval_callee(&mut self, callee: &Callee) -> Val {
        match callee {
            Callee::Literal(func) => self.new_closure(func),
            Callee::Native(native) => Val::Native(*native),
            Callee::Raw(var) => self.get(*var),
            Callee::Var(var) => {
                let value = self.get(*var);
                if self.is_function(&value) { value } else { Val::Native(Native::Pass) }
            }
        }
    }

    /// A new coroutine.
    fn new_coroutine(&mut self, f: Val) -> u32 {
        let id = self.add(Object::Thread(Box::new(Thread { base: vec![f.clone()], ..Thread::new() })));
        self.touch(id, &[f]);
        self.touch(self.current, &[Val::Object(id)]);
        id
    }

    /// Goes on with the next op.
    fn advance(&mut self) -> Control {
        let body = self.body();
        body.pc += 1;
        body.stage = 0;
        body.keep.clear();
        Control::Run
    }

    fn set_and_advance(&mut self, var: Var, value: Val) -> Control {
        self.set(var, value);
        self.advance()
    }

    /// Pops the frame.
    fn return_values(&mut self, values: Vec<Val>) -> Control {
        self.here().frames.pop();
        Control::Deliver(values)
    }

    /// Puts results where they belong; returns them to the caller if that is there.
    fn store(&mut self, dest: &Dest, values: Vec<Val>) -> Option<Control> {
        match dest {
            Dest::Vars(vars) => {
                // The assignments go from the last variable to the first.
                for (n, var) in vars.iter().enumerate().rev() {
                    self.set(*var, values.get(n).cloned().unwrap_or(Val::Nil));
                }
                None
            }
            Dest::Pack(var) => {
                let table = self.add_here(Object::Table(values, None));
                self.set(*var, table);
                None
            }
            Dest::Return => Some(self.return_values(values)),
        }
    }

    fn store_and_advance(&mut self, dest: &Dest, values: Vec<Val>) -> Control {
        self.store(dest, values).unwrap_or_else(|| self.advance())
    }

    /// Executes the current op.
    pub(super) fn run_body(&mut self) -> Control {
        let body = self.body();
        let func = body.func.clone();
        let Some(n) = body.pc.checked_sub(1) else { return self.tick() };
        let Some(op) = func.ops.get(n) else { return self.return_values(Vec::new()) };
        if body.is_leaving() {
            // Its variables are given up, but the slots of the stack keep the values that they have now.
            let values = body.env.cells.each_ref().map(|cell| cell.borrow().clone());
            self.touch(self.current, &values);
        }
        match op {
            Op::Tick => self.tick(),
            Op::Assign(to, expr) => {
                let value = self.eval(expr);
                self.set_and_advance(*to, value)
            }
            Op::Closure(to, func) => {
                let closure = self.new_closure(func);
                self.set_and_advance(*to, closure)
            }
            Op::Return(args) => {
                let values = self.eval_args(args);
                self.return_values(values)
            }
            Op::Raise(expr, with_position) => match self.eval(expr) {
                Val::Str(text) if *with_position => self.raise_here(&text),
                value => Control::Raise(value),
            },
            Op::Fault(fault) => self.raise_here(fault_message(*fault)),
            Op::Call { how, callee, args, dest } => {
                let f = self.eval_callee(callee);
                self.begin_call(*how, f, args, dest)
            }
            Op::Resume { how, thread, args, .. } => {
                let co = self.eval_thread(*thread);
                let args = self.eval_args(args);
                self.resume_by(*how, co, args)
            }
            Op::Create(to, callee) | Op::Wrap(to, callee) => {
                let f = self.eval_callee(callee);
                let co = self.new_coroutine(f);
                let value = match op {
                    Op::Wrap(..) => self.add_here(Object::Wrapped(co)),
                    _ => Val::Object(co),
                };
                self.set_and_advance(*to, value)
            }
            _ => self.run_simple(op),
        }
    }

    /// Executes an op that runs nothing else.
    fn run_simple(&mut self, op: &Op) -> Control {
        match op {
            Op::Make(to, kind) => {
                let object =
                    if *kind == Kind::Table { Object::Table(vec![], None) } else { Object::Userdata(Val::Nil) };
                let value = self.add_here(object);
                self.set_and_advance(*to, value)
            }
            Op::Link(a, b) => {
                let (owner, value) = (self.get(*a), self.get(*b));
                if let Val::Object(id) = owner {
                    match self.objects.get_mut(&id) {
                        Some(Object::Table(values, _)) if values.is_empty() => values.push(value),
                        Some(Object::Table(values, _)) => values[0] = value,
                        Some(Object::Userdata(slot)) => *slot = value,
                        _ => {}
                    }
                }
                self.advance()
            }
            Op::Fetch(a, b) => {
                let value = match self.get(*b) {
                    Val::Object(id) => match self.objects.get(&id) {
                        Some(Object::Table(values, _)) => first(values),
                        Some(Object::Userdata(value)) => value.clone(),
                        _ => Val::Nil,
                    },
                    _ => Val::Nil,
                };
                self.touch(self.current, std::slice::from_ref(&value));
                self.set_and_advance(*a, value)
            }
            Op::Keep(place, from) => {
                self.slots[*place as usize] = self.get(*from);
                self.advance()
            }
            Op::Recall(to, place) => {
                let value = self.slots[*place as usize].clone();
                self.touch(self.current, std::slice::from_ref(&value));
                self.set_and_advance(*to, value)
            }
            Op::Status(a, b) => {
                let co = self.eval_thread(*b);
                let name = if co == self.current { "running" } else { self.status_name(co) };
                self.set_and_advance(*a, Val::text(name))
            }
            Op::Running(to) => {
                let value = Val::Object(self.current);
                self.touch(self.current, std::slice::from_ref(&value));
                self.set_and_advance(*to, value)
            }
            Op::Overflow(to, _) => self.set_and_advance(*to, Val::Bool(true)),
            _ => self.advance(),
        }
    }

    /// Whether a call of the value makes a frame of a Lua function, and so a tail call takes the place of the caller's.
    fn enters_lua(&self, f: &Val) -> bool {
        let Val::Object(id) = f else { return false };
        match self.objects.get(id) {
            Some(Object::Closure { .. }) => true,
            Some(Object::Table(_, Some(("__call", method)))) => self.enters_lua(method),
            _ => false,
        }
    }

    /// Calls a value as an instruction of the running function does.
    fn call_here(&mut self, f: Val, args: Vec<Val>, is_tail: bool) -> Control {
        let calls = matches!(&f, Val::Object(id)
            if matches!(self.objects.get(id), Some(Object::Table(_, Some(("__call", _))))));
        if !self.is_function(&f) && !calls {
            let message = format!("attempt to call a {} value (local 'f')", self.type_name(&f));
            return self.raise_here(&message);
        }
        if is_tail && self.enters_lua(&f) {
            self.here().frames.pop();
        }
        Control::Call(f, args)
    }

    /// Begins an op that calls something.
    fn begin_call(&mut self, how: How, f: Val, args: &Args, dest: &Dest) -> Control {
        let is_tail = *dest == Dest::Return;
        let values = self.eval_args(args);
        let operand = |n: usize| if n < args.list.len() { values[n].clone() } else { Val::Nil };
        let operands = [operand(0), operand(1)];
        let [x, y] = operands.clone();
        self.body().keep = vec![f.clone(), x.clone(), y.clone()];
        match how {
            How::Plain => self.call_here(f, values, is_tail),
            How::Pcall | How::Xpcall => {
                self.wait(Work::Protected { handler: how == How::Xpcall });
                Control::Call(f, values)
            }
            How::Deep(_) => {
                if is_tail {
                    self.here().frames.pop();
                }
                self.wait(Work::Deep);
                Control::Call(f, values)
            }
            How::Loop => self.call_here(f, prefixed(Val::Int(1), values), is_tail),
            How::ForIn => Control::Call(f, vec![x, y]),
            How::Meta(meta) => self.begin_meta(meta, f, values, operands, is_tail),
            How::Unpack => {
                let table = self.make_meta(Meta::Index, &f);
                self.wait(Work::Unpack { f: f.clone(), table: table.clone(), out: Vec::new() });
                Control::Call(f, vec![table, Val::Int(1)])
            }
            How::Gsub => {
                self.wait(Work::Gsub { f: f.clone(), matched: "p", out: String::new() });
                Control::Call(f, vec![Val::text("p")])
            }
            How::SortTwo => self.begin_sort(f, vec![2, 1]),
            How::SortThree => self.begin_sort(f, vec![3, 1, 2]),
            How::By(native) => self.call_native(native, prefixed(f, values)),
            How::Wrap => {
                let co = self.new_coroutine(f);
                let wrapped = self.add_here(Object::Wrapped(co));
                Control::Call(wrapped, values)
            }
            How::Resume(how) => {
                let co = self.new_coroutine(f);
                self.resume_by(how, co, values)
            }
        }
    }

    fn resume_by(&mut self, how: Resumer, co: u32, args: Vec<Val>) -> Control {
        if how == Resumer::Lua {
            return self.resume(co, args, ResumedBy::Resume);
        }
        match self.spend() {
            Ok(_) => self.resume(co, args, ResumedBy::Native),
            Err(control) => control,
        }
    }

    /// Begins an operation that calls a metamethod.
    fn begin_meta(&mut self, meta: Meta, f: Val, values: Vec<Val>, operands: [Val; 2], is_tail: bool) -> Control {
        let m = self.make_meta(meta, &f);
        self.body().keep[2] = m.clone();
        let [x, y] = operands;
        match meta {
            Meta::Index | Meta::Add | Meta::Concat | Meta::ConcatTwice | Meta::Lt | Meta::Le => {
                Control::Call(f, vec![m, x])
            }
            Meta::NewIndex => Control::Call(f, vec![m, x, y]),
            Meta::Eq => {
                let other = self.add_here(Object::Table(Vec::new(), None));
                Control::Call(f, vec![m, other])
            }
            Meta::LeByLt => {
                let other = self.add_here(Object::Table(Vec::new(), None));
                Control::Call(f, vec![other, m])
            }
            Meta::Unm | Meta::Len => Control::Call(f, vec![m.clone(), m]),
            Meta::Call => self.call_here(m, values, is_tail),
            Meta::ToString => {
                self.wait(Work::ToString);
                Control::Call(f, vec![m])
            }
            Meta::Pairs => {
                self.wait(Work::Pairs);
                Control::Call(f, vec![m])
            }
        }
    }

    /// What the current op called has come back.
    pub(super) fn finish_op(&mut self, values: Vec<Val>) -> Control {
        let body = self.body();
        let func = body.func.clone();
        let stage = body.stage;
        body.stage += 1;
        match body.pc.checked_sub(1).map(|n| &func.ops[n]) {
            None | Some(Op::Tick) => self.advance(),
            Some(Op::Resume { dest, .. }) => self.store_and_advance(dest, values),
            Some(Op::Call { how: How::Loop, args, dest, .. }) => {
                if let Some(control) = self.store(dest, values) {
                    return control;
                }
                if stage == 1 {
                    return self.advance();
                }
                let f = self.body().keep[0].clone();
                let args = self.eval_args(args);
                self.call_here(f, prefixed(Val::Int(2), args), false)
            }
            Some(Op::Call { how: How::ForIn, dest, .. }) => self.iterate(dest, values, stage),
            Some(Op::Call { how: How::Meta(meta), dest, .. }) => self.finish_meta(*meta, dest, values, stage),
            Some(Op::Call { dest, .. }) => self.store_and_advance(dest, values),
            Some(_) => unreachable!("the op calls nothing"),
        }
    }

    /// Goes on with a generic loop.
    fn iterate(&mut self, dest: &Dest, mut values: Vec<Val>, stage: usize) -> Control {
        values.resize(2, Val::Nil);
        let control = values[0].clone();
        if control == Val::Nil {
            return self.advance();
        }
        if let Some(returned) = self.store(dest, values) {
            return returned;
        }
        if stage == 2 {
            return self.advance();
        }
        let keep = &self.body().keep;
        let (f, state) = (keep[0].clone(), keep[1].clone());
        Control::Call(f, vec![state, control])
    }

    /// Goes on after a metamethod.
    fn finish_meta(&mut self, meta: Meta, dest: &Dest, values: Vec<Val>, stage: usize) -> Control {
        let value = first(&values);
        let values = match meta {
            Meta::NewIndex => return self.advance(),
            Meta::Call | Meta::ToString | Meta::Pairs => values,
            Meta::ConcatTwice if stage == 0 => {
                let keep = &self.body().keep;
                let (f, m) = (keep[0].clone(), keep[2].clone());
                return Control::Call(f, vec![m, value]);
            }
            Meta::Index | Meta::Add | Meta::Concat | Meta::ConcatTwice | Meta::Unm | Meta::Len => vec![value],
            Meta::Eq | Meta::Lt | Meta::Le => vec![Val::Bool(value.truth())],
            Meta::LeByLt => vec![Val::Bool(!value.truth())],
        };
        self.store_and_advance(dest, values)
    }
}
