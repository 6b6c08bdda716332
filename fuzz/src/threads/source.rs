//! The text of a function.
//!
//! Each op's essential instruction stands on a line of its own, whose number the model knows for messages and for the lines of
//! frames: what is called is put into a local variable `f` before, so that functions within arguments take other lines.

use std::fmt::Write;

use super::body::{Args, Callee, Dest, Expr, Fault, Func, Gc, How, Kind, Meta, Op, Overflow, Resumer, Var};
use super::value::Val;

/// What every state runs first. The line of `deep` is [`DEEP_POSITION`].
pub const PRELUDE: &str = r#"function deep(n, f, ...) if n == 0 then return f(...) end return pass(deep(n - 1, f, ...)) end
function handler(m) return type(m) end
function finalizer(u)
  finalized(u)
  local w = coroutine.wrap(function(...)
    local x = coroutine.yield(...)
    error({x})
  end)
  w(1, 2)
  pcall(w, 3)
end
local endless = {
  lua = function() local function f(n) return 1 + f(n) end f(1) end,
  index = function() local t = setmetatable({}, {__index = function(t, k) return t[k] .. '' end}) return t.x end,
  host_call = function() local function f() return (free_host_call(f)) end f() end,
  call_k = function() local function f() return (free_call_k(f)) end f() end,
  call_then = function() local function f() return (free_call_then(f)) end f() end,
  wrap = function() local function f() return (coroutine.wrap(f)()) end f() end,
  nested_resume = function()
    local function f() local _, m = free_nested_resume(coroutine.create(f)) error(m, 0) end
    f()
  end,
  gsub = function() local function f() return (string.gsub('x', 'x', f)) end f() end,
}
function overflow(kind)
  local running = collectgarbage('isrunning')
  collectgarbage('stop')
  local ok, message = pcall(endless[kind])
  if running then collectgarbage('restart') end
  return not ok and type(message) == 'string' and message:find('overflow', 1, true) ~= nil
end
"#;

/// Where an error of a native that `deep` calls says that it was.
pub const DEEP_POSITION: &str = "prelude:1: ";

/// Writes the text of a chunk, and notes in its functions on which lines their ops are.
pub fn write(func: &Func) -> String {
    let mut writer = Writer { out: String::new(), line: 1 };
    if func.vararg {
        writer.line(func.depth, &format!("local {} = ...", names(func.depth)));
    }
    writer.body(func);
    writer.out
}

struct Writer {
    out: String,
    /// The number of the line that comes next.
    line: u32,
}

/// The names of a function's variables.
fn names(depth: u8) -> String {
    format!("a{depth}, b{depth}, c{depth}")
}

fn variable(depth: u8, var: Var) -> String {
    format!("{}{}", ["a", "b", "c"][var.index as usize], depth.saturating_sub(var.up))
}

/// A constant as an expression.
fn constant(value: &Val) -> String {
    match value {
        Val::Nil | Val::Light(_) | Val::Object(_) => "nil".into(),
        Val::Bool(b) => b.to_string(),
        Val::Int(n) => format!("({n})"),
        Val::Float(x) => format!("({x:?})"),
        Val::Str(text) => format!("{text:?}"),
        Val::Native(native) => native.name().into(),
    }
}

fn expression(depth: u8, expr: &Expr) -> String {
    match expr {
        Expr::Const(value) => constant(value),
        Expr::Var(var) => variable(depth, *var),
    }
}

/// The arguments, between what comes first and a parenthesis.
fn arguments(depth: u8, before: &str, args: &Args) -> String {
    let mut list: Vec<String> = args.list.iter().map(|expr| expression(depth, expr)).collect();
    if !before.is_empty() {
        list.insert(0, before.into());
    }
    if args.rest {
        list.push("...".into());
    }
    list.join(", ")
}

/// A statement that does something with the results of an expression.
fn receive(depth: u8, dest: &Dest, expr: &str) -> String {
    match dest {
        Dest::Vars(vars) if vars.is_empty() => expr.into(),
        Dest::Vars(vars) => {
            let list: Vec<String> = vars.iter().map(|&var| variable(depth, var)).collect();
            format!("{} = {expr}", list.join(", "))
        }
        Dest::Pack(var) => format!("{} = pack({expr})", variable(depth, *var)),
        Dest::Return => format!("return {expr}"),
    }
}

fn receives_nothing(dest: &Dest) -> bool {
    matches!(dest, Dest::Vars(vars) if vars.is_empty())
}

/// What the collector is told, as a statement.
fn collect(gc: Gc) -> String {
    match gc {
        Gc::Full => "collectgarbage()".into(),
        Gc::Step(n) => format!("collectgarbage('step', {n})"),
        Gc::Stop => "collectgarbage('stop')".into(),
        Gc::Restart => "collectgarbage('restart')".into(),
        Gc::Pause(n) => format!("collectgarbage('setpause', {n})"),
        Gc::StepMul(n) => format!("collectgarbage('setstepmul', {n})"),
    }
}

/// A statement that makes a mistake.
const fn fault_text(fault: Fault) -> &'static str {
    match fault {
        Fault::Index => "do local n n.x = 1 end",
        Fault::Call => "do local n n() end",
        Fault::Arith => "do local t = {} t = t + 1 end",
        Fault::Compare => "do local t = {} t = t < t end",
    }
}

/// What the mistake's message says.
pub const fn fault_message(fault: Fault) -> &'static str {
    match fault {
        Fault::Index => "attempt to index a nil value (local 'n')",
        Fault::Call => "attempt to call a nil value (local 'n')",
        Fault::Arith => "attempt to perform arithmetic on a table value (local 't')",
        Fault::Compare => "attempt to compare two table values",
    }
}

const fn resumer(how: Resumer) -> &'static str {
    match how {
        Resumer::Lua => "coroutine.resume",
        Resumer::Nested => "nested_resume",
        Resumer::Then => "resume_then",
    }
}

const fn overflow(kind: Overflow) -> &'static str {
    match kind {
        Overflow::Lua => "lua",
        Overflow::Index => "index",
        Overflow::HostCall => "host_call",
        Overflow::CallK => "call_k",
        Overflow::CallThen => "call_then",
        Overflow::Wrap => "wrap",
        Overflow::NestedResume => "nested_resume",
        Overflow::Gsub => "gsub",
    }
}

/// The statement of a call of `f`.
fn call(depth: u8, how: How, args: &Args, dest: &Dest) -> String {
    let list = arguments(depth, "", args);
    let operand = |n: usize| args.list.get(n).map_or("nil".into(), |expr| expression(depth, expr));
    let get = |expr: String| receive(depth, dest, &expr);
    // What is no call is no statement by itself.
    let value = |expr: String| if receives_nothing(dest) { format!("local _ = {expr}") } else { get(expr) };
    match how {
        How::Plain => get(format!("f({list})")),
        How::Pcall => get(format!("pcall({})", arguments(depth, "f", args))),
        How::Xpcall => get(format!("xpcall({})", arguments(depth, "f, handler", args))),
        How::Deep(n) => get(format!("deep({})", arguments(depth, &format!("{n}, f"), args))),
        How::Loop => {
            let body = get(format!("f({})", arguments(depth, "i", args)));
            format!("for i = 1, 2 do {body} end")
        }
        How::ForIn => {
            let body = value("k, v".into());
            let (state, first) = (operand(0), operand(1));
            format!(
                "local n = 0 for k, v in f, {state}, {first} do do {body} end n = n + 1 if n == 3 then break end end"
            )
        }
        How::Meta(meta) => {
            let m = format!("meta('{}', f)", meta.event());
            match meta {
                Meta::Index => value(format!("{m}[{}]", operand(0))),
                Meta::NewIndex => format!("{m}[{}] = {}", operand(0), operand(1)),
                Meta::Add => value(format!("{m} + {}", operand(0))),
                Meta::Concat => value(format!("{m} .. {}", operand(0))),
                Meta::ConcatTwice => format!("local m = {m} {}", value(format!("m .. m .. {}", operand(0)))),
                Meta::Eq => value(format!("{m} == make(0)")),
                Meta::Lt => value(format!("{m} < {}", operand(0))),
                Meta::Le => value(format!("{m} <= {}", operand(0))),
                Meta::LeByLt => value(format!("{m} <= make(0)")),
                Meta::Unm => value(format!("-{m}")),
                Meta::Len => value(format!("#{m}")),
                Meta::Call => get(format!("{m}({list})")),
                Meta::ToString => get(format!("tostring({m})")),
                Meta::Pairs => get(format!("pairs({m})")),
            }
        }
        How::Unpack => get("table.unpack(meta('__index', f), 1, 2)".into()),
        How::Gsub => get("string.gsub('pq', '.', f)".into()),
        How::SortTwo => format!("local t = {{2, 1}} table.sort(t, f) {}", value("t[1], t[2]".into())),
        How::SortThree => format!("local t = {{3, 1, 2}} table.sort(t, f) {}", value("t[1], t[2], t[3]".into())),
        How::By(native) => get(format!("{}({})", native.name(), arguments(depth, "f", args))),
        How::Wrap => get(format!("known_wrap(coroutine.wrap(f))({list})")),
        How::Resume(how) => {
            let co = "known(coroutine.create(f))";
            get(format!("{}({})", resumer(how), arguments(depth, co, args)))
        }
    }
}

impl Writer {
    fn line(&mut self, depth: u8, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = depth as usize * 2);
        self.line += 1;
    }

    /// The first tick and the ops.
    fn body(&mut self, func: &Func) {
        let depth = func.depth;
        let mut lines = vec![self.line];
        self.line(depth, "tick()");
        for op in &func.ops {
            let line = self.op(depth, op);
            lines.push(line);
        }
        func.lines.replace(lines);
    }

    /// `before` and the text of a function, with which the line is not over.
    fn function(&mut self, before: &str, func: &Func) {
        let (depth, inner) = (func.depth.saturating_sub(1), func.depth);
        if func.vararg {
            self.line(depth, &format!("{before}known(function(...)"));
            self.line(inner, &format!("local {} = ...", names(inner)));
        } else {
            self.line(depth, &format!("{before}known(function({})", names(inner)));
        }
        self.body(func);
        self.line(depth, "end)");
    }

    /// The beginning of a block that has what is called in the variable `f`.
    fn callee(&mut self, depth: u8, callee: &Callee) {
        match callee {
            Callee::Literal(func) => self.function("do local f = ", func),
            Callee::Var(var) => self.line(depth, &format!("do local f = callable({})", variable(depth, *var))),
            Callee::Raw(var) => self.line(depth, &format!("do local f = {}", variable(depth, *var))),
            Callee::Native(native) => self.line(depth, &format!("do local f = {}", native.name())),
        }
    }

    /// One op; returns the line of its essential instruction.
    fn op(&mut self, depth: u8, op: &Op) -> u32 {
        let var = |var: &Var| variable(depth, *var);
        let text = match op {
            Op::Tick => "tick()".into(),
            Op::Assign(to, expr) => format!("{} = {}", var(to), expression(depth, expr)),
            Op::Closure(to, func) => {
                self.function(&format!("{} = ", var(to)), func);
                return self.line - 1;
            }
            Op::Return(args) => format!("do return {} end", arguments(depth, "", args)),
            Op::Raise(expr, true) => format!("error({})", expression(depth, expr)),
            Op::Raise(expr, false) => format!("error({}, 0)", expression(depth, expr)),
            Op::Fault(fault) => fault_text(*fault).into(),
            Op::Call { how, callee, args, dest } => {
                self.callee(depth, callee);
                let line = self.line;
                self.line(depth, &call(depth, *how, args, dest));
                self.line(depth, "end");
                return line;
            }
            Op::Resume { how, thread, args, dest } => {
                let co = format!("a_thread({})", var(thread));
                let expr = format!("{}({})", resumer(*how), arguments(depth, &co, args));
                format!("do {} end", receive(depth, dest, &expr))
            }
            Op::Create(to, callee) | Op::Wrap(to, callee) => {
                let is_wrap = matches!(op, Op::Wrap(..));
                self.callee(depth, callee);
                let line = self.line;
                let expr = if is_wrap { "known_wrap(coroutine.wrap(f))" } else { "known(coroutine.create(f))" };
                self.line(depth, &format!("{} = {expr}", var(to)));
                self.line(depth, "end");
                return line;
            }
            Op::Make(to, kind) => {
                let number = match kind {
                    Kind::Table => 0,
                    Kind::Userdata => 1,
                    Kind::Scripted => 2,
                };
                format!("{} = make({number})", var(to))
            }
            Op::Link(a, b) => format!("link({}, {})", var(a), var(b)),
            // The first store makes the field, so that the second finds it.
            Op::Keep(place, from) => format!("slots.s{place} = 0 slots.s{place} = {}", var(from)),
            Op::Recall(to, place) => format!("{} = slots.s{place}", var(to)),
            Op::Fetch(a, b) => format!("{} = fetch({})", var(a), var(b)),
            Op::Status(a, b) => format!("{} = coroutine.status(a_thread({}))", var(a), var(b)),
            Op::Running(to) => format!("{} = (coroutine.running())", var(to)),
            Op::Collect(gc) => collect(*gc),
            Op::Overflow(to, kind) => format!("{} = overflow('{}')", var(to), overflow(*kind)),
        };
        let line = self.line;
        self.line(depth, &text);
        line
    }
}
