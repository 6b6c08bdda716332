//! What the model knows of natives and of the library's functions.

use super::execute::{Control, prefixed};
use super::{Activity, Ending, Frame, Model, Object, ResumedBy, Work};
use crate::threads::value::{Native, Val, first};

impl Model {
    /// Pushes the frame of a native.
    pub(super) fn wait(&mut self, work: Work) {
        self.here().frames.push(Frame::waiting(work));
    }

    /// Calls a native.
    pub(super) fn call_native(&mut self, native: Native, mut args: Vec<Val>) -> Control {
        let yields = matches!(native, Native::Pass | Native::Yield | Native::PartYield | Native::LoopYield);
        if !yields && let Err(control) = self.spend() {
            return control;
        }
        if args.is_empty() && !matches!(native, Native::Pass | Native::Yield) {
            args.push(Val::Nil);
        }
        let through = |unyieldable, nested| Frame::Native { work: Work::Through, unyieldable, nested };
        let protected = |unyieldable, nested| {
            let work = Work::Protected { handler: false };
            Frame::Native { work, unyieldable, nested }
        };
        let frame = match native {
            Native::Pass => return Control::Deliver(args),
            Native::Yield => return self.yield_values(args, Vec::new(), None),
            Native::PartYield => {
                let hidden = vec![args.remove(0)];
                return self.yield_values(args, hidden, None);
            }
            Native::LoopYield => {
                let count = match args[0] {
                    Val::Int(n @ 0..=3) => n as usize,
                    _ => 1,
                };
                let hidden = args.remove(0);
                return self.loop_yield(count, hidden, args);
            }
            Native::NestedResume | Native::ResumeThen => {
                let co = args.remove(0);
                return match self.as_coroutine(&co) {
                    Some(co) => self.resume(co, args, ResumedBy::Native),
                    None => Control::Deliver(vec![Val::text("no thread")]),
                };
            }
            Native::CallThen => through(false, false),
            Native::CallK => through(false, true),
            Native::HostCall => through(true, true),
            Native::PcallThen => protected(false, false),
            Native::PcallK => protected(false, true),
            Native::HostPcall => protected(true, true),
            Native::KeepError => Frame::Native { work: Work::KeepError, unyieldable: true, nested: true },
        };
        let f = args.remove(0);
        self.here().frames.push(frame);
        Control::Call(f, args)
    }

    fn loop_yield(&mut self, count: usize, hidden: Val, values: Vec<Val>) -> Control {
        match count.checked_sub(1) {
            None => Control::Deliver(prefixed(hidden, values)),
            Some(left) => self.yield_values(values, vec![hidden], Some(left)),
        }
    }

    /// Gives results to a native whose frame was just taken off.
    pub(super) fn deliver_to_native(
        &mut self,
        work: Work,
        unyieldable: bool,
        nested: bool,
        values: Vec<Val>,
    ) -> Control {
        match work {
            Work::Through | Work::Deep | Work::Yield { again: None, .. } => Control::Deliver(values),
            Work::Protected { .. } | Work::KeepError => Control::Deliver(prefixed(Val::Bool(true), values)),
            Work::Host => {
                let thread = self.here();
                thread.activity = Activity::Idle;
                thread.base.extend(values);
                Control::Stop(Ending::Ok)
            }
            Work::Yield { hidden, again: Some(left) } => self.loop_yield(left, first(&hidden), values),
            Work::Resume { .. } => unreachable!("a coroutine's end is not delivered like a call's"),
            Work::Gsub { f, matched, out } => self.replace(f, matched, out, &first(&values)),
            Work::Sort { f, elements, done } => {
                let less = first(&values).truth();
                self.sort(f, elements, done, less, unyieldable && nested)
            }
            Work::Unpack { f, table, mut out } => {
                out.push(first(&values));
                if out.len() == 2 {
                    return Control::Deliver(out);
                }
                let args = vec![table.clone(), Val::Int(2)];
                self.wait(Work::Unpack { f: f.clone(), table, out });
                Control::Call(f, args)
            }
            Work::ToString => match first(&values).to_text() {
                Some(text) => Control::Deliver(vec![Val::text(text)]),
                None => self.raise_here("'__tostring' must return a string"),
            },
            Work::Pairs => {
                let mut values = values;
                values.resize(3, Val::Nil);
                Control::Deliver(values)
            }
        }
    }

    /// Takes the replacement of a match and goes on with the next.
    fn replace(&mut self, f: Val, matched: &'static str, mut out: String, value: &Val) -> Control {
        match value.to_text() {
            Some(text) => out.push_str(&text),
            None if !value.truth() => out.push_str(matched),
            None => {
                return self.raise_here(&format!("invalid replacement value (a {})", self.type_name(value)));
            }
        }
        if matched == "q" {
            return Control::Deliver(vec![Val::text(out), Val::Int(2)]);
        }
        self.wait(Work::Gsub { f: f.clone(), matched: "q", out });
        Control::Call(f, vec![Val::text("q")])
    }

    /// Begins a sort.
    pub(super) fn begin_sort(&mut self, f: Val, elements: Vec<i64>) -> Control {
        // A native is called within the sort, where it cannot yield.
        let inside = match &f {
            Val::Native(_) => true,
            Val::Object(id) => !matches!(self.objects.get(id), Some(Object::Closure { .. })),
            _ => false,
        };
        let last = elements.len() - 1;
        self.compare(f, elements, 0, last, 0, inside)
    }

    fn compare(&mut self, f: Val, elements: Vec<i64>, done: usize, a: usize, b: usize, inside: bool) -> Control {
        let args = vec![Val::Int(elements[a]), Val::Int(elements[b])];
        let work = Work::Sort { f: f.clone(), elements, done };
        self.here().frames.push(Frame::Native { work, unyieldable: inside, nested: inside });
        Control::Call(f, args)
    }

    /// Goes on with a sort of two or three elements after a comparison: the algorithm of the reference for so few.
    fn sort(&mut self, f: Val, mut elements: Vec<i64>, done: usize, less: bool, inside: bool) -> Control {
        match (elements.len(), done) {
            (2, _) => {
                if less {
                    elements.swap(0, 1);
                }
            }
            (_, 0) => {
                if less {
                    elements.swap(0, 2);
                }
                return self.compare(f, elements, 1, 1, 0, inside);
            }
            (_, 1) if less => elements.swap(0, 1),
            (_, 1) => return self.compare(f, elements, 2, 2, 1, inside),
            _ => {
                if less {
                    elements.swap(1, 2);
                }
            }
        }
        Control::Deliver(elements.into_iter().map(Val::Int).collect())
    }
}
