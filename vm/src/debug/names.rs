//! Finding a name for a value: which variable, field or constant put it into the register where an error found it.
//!
//! The reading is symbolic and reads nothing but the prototype: it looks for the last instruction before the error
//! that wrote the register for certain. It is a help for messages and never a basis for decisions, so a stripped or
//! hand-made function may give worse names but nothing else.

use core::fmt;

use perilune_core::object::opt_from_addr;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaString, Proto, TValue};

use super::info::{current_pc, frame_closure};
use crate::error::LuaResult;
use crate::meta::{EVENT_NAMES, MetaEvent};
use crate::opcode::{Op, Operand, SCALE, op_of};
use crate::state::LuaState;

/// A name that debug information gives: a fixed word, or a string of the function that it belongs to.
#[derive(Clone, Copy)]
pub struct Name(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Fixed(&'static str),
    String(GcRef<LuaString>),
}

impl Name {
    /// A name that is no Lua string.
    pub(crate) const fn fixed(name: &'static str) -> Self {
        Self(Kind::Fixed(name))
    }

    /// A name that is a Lua string, which lives as long as the prototype that mentions it.
    pub(crate) const fn string(name: GcRef<LuaString>) -> Self {
        Self(Kind::String(name))
    }

    /// The name's bytes; a name ends before its first NUL, as it does in the C API.
    ///
    /// # Safety
    /// The function whose information this is stays reachable (on the stack, say) while the slice is used.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        let whole = match self.0 {
            Kind::Fixed(name) => name.as_bytes(),
            // SAFETY: O2, by the caller's promise.
            Kind::String(name) => unsafe { name.bytes() },
        };
        until_nul(whole)
    }

    /// Whether it reads as `word`.
    fn is(self, word: &str) -> bool {
        // SAFETY: O2: names are compared at once, while their prototype is reachable.
        unsafe { self.bytes() == word.as_bytes() }
    }
}

impl LuaState {
    /// Pushes a name, or nil for none, and so keeps it whatever becomes of the function that it belongs to: a finalizer, which may
    /// run whenever something is allocated, can end the coroutine that ran it. Pushing the name itself runs none.
    ///
    /// # Safety
    /// The function whose information this is was reachable without a break since it was asked for.
    pub unsafe fn push_name(&mut self, name: Option<Name>) -> LuaResult<()> {
        match name.map(|name| name.0) {
            None => self.push_nil(),
            // V1, by the caller's promise.
            Some(Kind::String(name)) => self.push(TValue::object(name)),
            Some(Kind::Fixed(name)) => {
                let name = self.heap().new_string(name.as_bytes()).map_err(|_| self.memory_error())?;
                self.push(TValue::object(name))
            }
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Fixed(name) => f.write_str(name),
            Kind::String(name) => write!(f, "string at {:p}", name.as_ptr()),
        }
    }
}

/// The bytes before the first NUL: what remains of a Lua string that is read as a C string.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|&b| b == 0) {
        Some(end) => &bytes[..end],
        None => bytes,
    }
}

/// What a value is called, and what sort of name that is ("local", "global", "method", ...).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    /// The sort.
    pub(crate) what: &'static str,
    /// The name.
    pub(crate) name: Name,
}

impl Description {
    const fn new(what: &'static str, name: Name) -> Self {
        Self { what, name }
    }
}

/// The name of the `number`-th (from 1) local variable that is alive at an instruction.
#[doc(alias = "luaF_getlocalname")]
pub(crate) fn local_name(proto: &Proto, number: usize, pc: usize) -> Option<Name> {
    let pc = pc as i64;
    let variables = proto.locals_slice().iter().take_while(|var| i64::from(var.start_pc) <= pc);
    let var = variables.filter(|var| pc < i64::from(var.end_pc)).nth(number.checked_sub(1)?)?;
    // SAFETY: O2: the prototype is reachable and so are its names.
    let name = unsafe { opt_from_addr(var.name) };
    Some(name.map_or(Name::fixed("?"), Name::string))
}

/// The name of an upvalue (from 0), "?" in a stripped function.
pub(crate) fn upvalue_name(proto: &Proto, index: usize) -> Name {
    let desc = proto.upvalues_slice().get(index);
    // SAFETY: O2: the prototype is reachable and so are its names.
    desc.and_then(|desc| unsafe { opt_from_addr(desc.name) }).map_or(Name::fixed("?"), Name::string)
}

/// A constant that is a string, as a name.
fn constant_name(proto: &Proto, index: usize) -> Option<Name> {
    let constant = proto.constants_slice().get(index)?;
    // SAFETY: V1: the prototype is reachable and so are its constants.
    unsafe { constant.get::<LuaString>() }.map(Name::string)
}

/// The register or constant that an operand names.
const fn unscaled(operand: u16) -> usize {
    (operand / SCALE) as usize
}

/// Whether an instruction with this A is sure to write `register`.
///
/// The answer follows the reference implementation in what it passes over (the further results of `VarArg`, the second
/// register of `SelfField`), so that both find the same names.
fn writes(op: Op, a: usize, b: u16, register: usize) -> bool {
    match op {
        Op::LoadNil => a <= register && register <= a + b as usize,
        Op::TForCall => register >= a + 2,
        Op::Call | Op::TailCall => register >= a,
        Op::ForPrep | Op::ForLoop | Op::TForLoop | Op::VarArg => register == a,
        _ => op.info().a == Operand::Dst && register == a,
    }
}

/// The last instruction before `last_pc` that set `register`, unless it stands where a jump may pass it by.
fn find_setter(proto: &Proto, last_pc: usize, register: usize) -> Option<usize> {
    let mut setter = None;
    // Any code before this place is conditional.
    let mut jump_target = 0;
    for (pc, &word) in proto.code_slice().iter().enumerate().take(last_pc) {
        let op = op_of(word);
        if op == Op::Jmp {
            let target = pc as i64 + 1 + i64::from(word.imm());
            if target > pc as i64 && target <= last_pc as i64 {
                jump_target = jump_target.max(target as usize);
            }
        } else if writes(op, unscaled(word.a()), word.b(), register) {
            setter = if pc < jump_target { None } else { Some(pc) };
        }
    }
    setter
}

/// The name of the key that a register holds: only a constant has one.
fn key_name(proto: &Proto, mut pc: usize, mut register: usize) -> Name {
    const UNKNOWN: Name = Name::fixed("?");
    loop {
        if local_name(proto, register + 1, pc).is_some() {
            return UNKNOWN;
        }
        let Some(setter) = find_setter(proto, pc, register) else { return UNKNOWN };
        let word = proto.code_slice()[setter];
        match op_of(word) {
            Op::Move if word.b() < word.a() => (pc, register) = (setter, unscaled(word.b())),
            Op::LoadK => return constant_name(proto, word.imm() as usize / SCALE as usize).unwrap_or(UNKNOWN),
            _ => return UNKNOWN,
        }
    }
}

/// "global" if the indexed thing is called `_ENV`, else "field".
fn global_or_field(table: Option<Name>) -> &'static str {
    if table.is_some_and(|name| name.is("_ENV")) { "global" } else { "field" }
}

/// Whether the `GetTable` at `pc` reads a method whose name did not fit into `SelfField`: then the key stands in the method's
/// own register and a copy of the object in the next one. An upvalue that is read for its element may stand there too.
fn is_far_method(proto: &Proto, pc: usize) -> bool {
    let code = proto.code_slice();
    let word = code[pc];
    let behind = word.b() == word.a() + SCALE && word.a() == word.c();
    let object = |setter: usize| op_of(code[setter]) == Op::Move;
    behind && find_setter(proto, pc, unscaled(word.b())).is_some_and(object)
}

/// The name of the table in a register: a local variable, or an upvalue that was just copied there because its key did
/// not fit into the instruction that reads upvalues.
fn table_name(proto: &Proto, pc: usize, register: usize) -> Option<Name> {
    local_name(proto, register + 1, pc).or_else(|| {
        let word = proto.code_slice()[find_setter(proto, pc, register)?];
        (op_of(word) == Op::GetUpval).then(|| upvalue_name(proto, word.b() as usize))
    })
}

/// Whether the instruction at `pc` takes a table's key from a register.
fn is_key(proto: &Proto, pc: usize, register: usize) -> bool {
    proto.code_slice().get(pc).is_some_and(|&word| op_of(word) == Op::GetTable && unscaled(word.c()) == register)
}

/// A name for what a register holds when the instruction at `pc` runs.
#[doc(alias = "getobjname")]
pub(crate) fn register_name(proto: &Proto, mut pc: usize, mut register: usize) -> Option<Description> {
    loop {
        if let Some(name) = local_name(proto, register + 1, pc) {
            return Some(Description::new("local", name));
        }
        let setter = find_setter(proto, pc, register)?;
        let word = proto.code_slice()[setter];
        let field = || constant_name(proto, unscaled(word.c())).unwrap_or(Name::fixed("?"));
        return match op_of(word) {
            Op::Move if word.b() < word.a() => {
                (pc, register) = (setter, unscaled(word.b()));
                continue;
            }
            Op::GetTabUp => {
                let table = upvalue_name(proto, word.b() as usize);
                Some(Description::new(global_or_field(Some(table)), field()))
            }
            Op::GetField => {
                let table = local_name(proto, unscaled(word.b()) + 1, setter);
                Some(Description::new(global_or_field(table), field()))
            }
            Op::GetTable if is_far_method(proto, setter) => {
                Some(Description::new("method", key_name(proto, setter, unscaled(word.c()))))
            }
            Op::GetTable => {
                let table = table_name(proto, setter, unscaled(word.b()));
                let key = key_name(proto, setter, unscaled(word.c()));
                Some(Description::new(global_or_field(table), key))
            }
            Op::GetI => {
                let table = table_name(proto, setter, unscaled(word.b()));
                Some(Description::new(global_or_field(table), Name::fixed("?")))
            }
            Op::GetUpval => Some(Description::new("upvalue", upvalue_name(proto, word.b() as usize))),
            // The reference implementation takes a key straight from the constants, and no register has held it.
            Op::LoadK if is_key(proto, setter + 1, register) => None,
            Op::LoadK => {
                let name = constant_name(proto, word.imm() as usize / SCALE as usize)?;
                Some(Description::new("constant", name))
            }
            Op::SelfField => Some(Description::new("method", field())),
            _ => None,
        };
    }
}

/// The metamethod that an instruction may call.
fn event_of(op: Op, flags: u8) -> Option<MetaEvent> {
    let op = if op.is_test() { op.affirmed() } else { op };
    Some(match op {
        Op::SelfField | Op::GetTabUp | Op::GetTable | Op::GetI | Op::GetField => MetaEvent::Index,
        op if op.stores_into_table() => MetaEvent::NewIndex,
        Op::AddI if flags & 2 != 0 => MetaEvent::Sub,
        Op::Add | Op::AddK | Op::AddKF | Op::AddI => MetaEvent::Add,
        Op::Sub | Op::SubK | Op::SubKF | Op::KSub | Op::KFSub => MetaEvent::Sub,
        Op::Mul | Op::MulK | Op::MulKF | Op::MulI => MetaEvent::Mul,
        Op::Mod | Op::ModK | Op::ModI => MetaEvent::Mod,
        Op::Pow | Op::PowK => MetaEvent::Pow,
        Op::Div | Op::DivK | Op::DivKF | Op::KDiv | Op::KFDiv => MetaEvent::Div,
        Op::IDiv | Op::IDivK | Op::IDivI => MetaEvent::IDiv,
        Op::BAnd | Op::BAndK | Op::BAndI => MetaEvent::BAnd,
        Op::BOr | Op::BOrK => MetaEvent::BOr,
        Op::BXor | Op::BXorK => MetaEvent::BXor,
        Op::Shl | Op::ShlK | Op::ShlI => MetaEvent::Shl,
        Op::Shr | Op::ShrK | Op::ShrI => MetaEvent::Shr,
        Op::Unm => MetaEvent::Unm,
        Op::BNot => MetaEvent::BNot,
        Op::Len => MetaEvent::Len,
        Op::Concat => MetaEvent::Concat,
        Op::Eq | Op::EqK => MetaEvent::Eq,
        Op::Lt | Op::LtI | Op::GtI => MetaEvent::Lt,
        Op::Le | Op::LeI | Op::GeI => MetaEvent::Le,
        _ => return None,
    })
}

/// A name for the function that the running instruction of a Lua frame called.
///
/// # Safety
/// `frame` is a Lua frame in use (H4).
#[doc(alias = "funcnamefromcode")]
unsafe fn called_name(frame: &CallInfo) -> Option<Description> {
    if frame.has(CallStatus::HOOKED) {
        return Some(Description::new("hook", Name::fixed("?")));
    }
    // SAFETY: by the caller's promise.
    let proto = unsafe { frame_closure(frame) }?.proto();
    let pc = current_pc(frame, &proto);
    let word = *proto.code_slice().get(pc)?;
    match op_of(word) {
        Op::Call | Op::TailCall => register_name(&proto, pc, unscaled(word.a())),
        Op::TForCall => Some(Description::new("for iterator", Name::fixed("for iterator"))),
        op => {
            event_of(op, word.x()).map(|event| Description::new("metamethod", Name::fixed(EVENT_NAMES[event as usize])))
        }
    }
}

/// A name for the function of a frame, as far as its caller tells.
///
/// # Safety
/// `frame` is a frame of a live thread, in use (H4).
#[doc(alias = "getfuncname")]
pub(crate) unsafe fn function_name(frame: &CallInfo) -> Option<Description> {
    if frame.has(CallStatus::FINALIZER) {
        return Some(Description::new("metamethod", Name::fixed("__gc")));
    }
    if frame.has(CallStatus::TAIL) || frame.prev.get().is_null() {
        return None;
    }
    // SAFETY: H4: the caller's frame is in use as long as this one.
    unsafe {
        let caller = &*frame.prev.get();
        if caller.is_lua() { called_name(caller) } else { None }
    }
}

/// A name for the value at `place`, if that is an upvalue or a register of the running Lua function.
#[doc(alias = "varinfo")]
pub(crate) fn value_name(lua: &LuaState, place: *const TValue) -> Option<Description> {
    let thread = lua.th();
    // SAFETY: H4: the running frame is in use, and a Lua frame's function is a Lua closure.
    let (frame, closure) = unsafe {
        let frame = &*thread.ci.get();
        (frame, frame_closure(frame)?)
    };
    let proto = closure.proto();
    for i in 0..closure.num_upvalues() {
        if closure.upval(i).is_some_and(|upval| core::ptr::eq(upval.v.get(), place)) {
            return Some(Description::new("upvalue", upvalue_name(&proto, i)));
        }
    }
    let base = frame.base();
    let inside = (base.cast_const()..frame.top.get().cast_const()).contains(&place);
    let offset = (place as usize).wrapping_sub(base as usize);
    if !inside || !offset.is_multiple_of(size_of::<TValue>()) {
        return None;
    }
    let pc = current_pc(frame, &proto);
    let found = register_name(&proto, pc, offset / size_of::<TValue>())?;
    if found.what == "constant" && is_binary(op_of(*proto.code_slice().get(pc)?)) {
        // The reference implementation takes a constant operand straight from the constants and knows no name for it.
        return None;
    }
    Some(found)
}

/// Whether an instruction takes both its operands from registers and may have got a constant by way of one.
const fn is_binary(op: Op) -> bool {
    (Op::Add as u8 <= op as u8 && op as u8 <= Op::Shr as u8)
        || (Op::AddK as u8 <= op as u8 && op as u8 <= Op::ShrI as u8)
}

const _: () = assert!(Op::Add as u8 + 11 == Op::Shr as u8 && Op::Shr as u8 + 1 == Op::AddK as u8);
