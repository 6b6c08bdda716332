//! Listings of functions, in the style of `luac -l -l`, driven by the opcode table.

use core::fmt::{self, Write};

use perilune_core::code::Instruction;
use perilune_core::object::opt_from_addr;
use perilune_core::value::tag;
use perilune_core::{LuaClosure, LuaString, Proto, TValue};

use crate::convert::{NUMBER_BUF, number_to_buf};
use crate::debug::{line_of, until_nul};
use crate::opcode::{Format, Op, Operand, SCALE};
use crate::state::LuaState;

/// Lists the Lua function on top of the stack and all functions in it; in `full`, constants, local variables and upvalues
/// too. Anything else on top gives nothing.
///
/// # Errors
/// Those of `out`.
#[doc(alias = "luaU_print")]
pub fn list(lua: &mut LuaState, out: &mut dyn Write, full: bool) -> fmt::Result {
    // SAFETY: V1: the value lies on the stack, and stays there while it is listed.
    match unsafe { lua.value_or_nil(-1).get::<LuaClosure>() } {
        Some(closure) => function(&closure.proto(), out, full),
        None => Ok(()),
    }
}

/// "s" unless there is one.
const fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn function(proto: &Proto, out: &mut dyn Write, full: bool) -> fmt::Result {
    header(proto, out)?;
    for (pc, &word) in proto.code_slice().iter().enumerate() {
        instruction(proto, pc, word, out)?;
    }
    if full {
        details(proto, out)?;
    }
    for &inner in proto.protos_slice() {
        // SAFETY: O2: inner prototypes of a complete prototype are live.
        function(unsafe { &*inner }, out, full)?;
    }
    Ok(())
}

fn header(proto: &Proto, out: &mut dyn Write) -> fmt::Result {
    let what = if proto.line_defined.get() == 0 { "main" } else { "function" };
    write!(out, "\n{what} <")?;
    let source = proto.source();
    let source = source.as_ref().map_or(&b"=?"[..], |source| until_nul(source.as_bytes()));
    match source.split_first() {
        Some((b'@' | b'=', name)) => text(name, out)?,
        Some((0x1b, _)) => out.write_str("(bstring)")?,
        _ => out.write_str("(string)")?,
    }
    let count = proto.code_slice().len();
    let (first, last) = (proto.line_defined.get(), proto.last_line.get());
    writeln!(out, ":{first},{last}> ({count} instruction{} at {:p})", plural(count), core::ptr::from_ref(proto))?;
    let params = proto.num_params.get() as usize;
    let more = if proto.is_vararg.get() { "+" } else { "" };
    write!(out, "{params}{more} param{}", plural(params))?;
    let parts = [
        (proto.max_stack.get() as usize, "slot"),
        (proto.upvalues_slice().len(), "upvalue"),
        (proto.locals_slice().len(), "local"),
        (proto.constants_slice().len(), "constant"),
        (proto.protos_slice().len(), "function"),
    ];
    for (n, noun) in parts {
        write!(out, ", {n} {noun}{}", plural(n))?;
    }
    out.write_char('\n')
}

/// Bytes as text: what is not printable ASCII is escaped.
fn text(bytes: &[u8], out: &mut dyn Write) -> fmt::Result {
    bytes.iter().try_for_each(|&byte| match byte {
        b'"' => out.write_str("\\\""),
        b'\\' => out.write_str("\\\\"),
        b'\n' => out.write_str("\\n"),
        b'\t' => out.write_str("\\t"),
        b'\r' => out.write_str("\\r"),
        b' '..=b'~' => out.write_char(byte as char),
        _ => write!(out, "\\{byte:03}"),
    })
}

fn constant(value: TValue, out: &mut dyn Write) -> fmt::Result {
    match value.tag() {
        tag::NIL => out.write_str("nil"),
        tag::FALSE => out.write_str("false"),
        tag::TRUE => out.write_str("true"),
        tag::INT | tag::FLOAT => {
            let mut buffer = [0; NUMBER_BUF];
            let len = number_to_buf(value, &mut buffer);
            text(&buffer[..len], out)
        }
        // SAFETY: V1: the constants of a live prototype are live.
        _ => match unsafe { value.get::<LuaString>() } {
            Some(string) => {
                out.write_char('"')?;
                text(string.as_bytes(), out)?;
                out.write_char('"')
            }
            None => out.write_char('?'),
        },
    }
}

/// The operands of an instruction: what kind each is, and its number as a listing shows it.
pub(crate) fn operands(word: Instruction, op: Op) -> [(Operand, i64); 4] {
    let info = op.info();
    let shown = |kind: Operand, raw: i64| match kind {
        Operand::Dst | Operand::Reg | Operand::Regs => (kind, raw / i64::from(SCALE)),
        Operand::Const | Operand::Field => (kind, -1 - raw / i64::from(SCALE)),
        Operand::Hint => (Operand::None, 0),
        _ => (kind, raw),
    };
    let (b, c) = match info.format {
        Format::Abc => (shown(info.b, i64::from(word.b())), shown(info.c, i64::from(word.c()))),
        Format::Ai => (shown(info.b, i64::from(word.imm())), (Operand::None, 0)),
    };
    let c = if info.c == Operand::Int { (Operand::Int, i64::from(word.c() as i16)) } else { c };
    [shown(info.a, i64::from(word.a())), b, c, shown(info.x, i64::from(word.x()))]
}

fn instruction(proto: &Proto, pc: usize, word: Instruction, out: &mut dyn Write) -> fmt::Result {
    write!(out, "\t{}\t", pc + 1)?;
    match line_of(proto, pc) {
        line @ 1.. => write!(out, "[{line}]\t")?,
        _ => out.write_str("[-]\t")?,
    }
    let Some(op) = Op::from_u8(word.op()) else { return writeln!(out, "?{:#x}", word.0) };
    let name = op.info().name;
    for letter in name.chars() {
        out.write_char(letter.to_ascii_uppercase())?;
    }
    for _ in name.len()..9 {
        out.write_char(' ')?;
    }
    out.write_char('\t')?;
    let operands = operands(word, op);
    let mut separator = "";
    for (kind, number) in operands {
        if kind != Operand::None {
            write!(out, "{separator}{number}")?;
            separator = " ";
        }
    }
    comment(proto, pc, operands, out)?;
    out.write_char('\n')
}

/// What operands refer to: the names of upvalues, constants, the targets of jumps, the addresses of functions.
fn comment(proto: &Proto, pc: usize, operands: [(Operand, i64); 4], out: &mut dyn Write) -> fmt::Result {
    let mut start = "\t; ";
    for (kind, number) in operands {
        if !matches!(kind, Operand::Const | Operand::Field | Operand::Upval | Operand::Jump | Operand::Proto) {
            continue;
        }
        out.write_str(start)?;
        start = " ";
        match kind {
            Operand::Const | Operand::Field => match proto.constants_slice().get((-1 - number) as usize) {
                Some(&value) => constant(value, out)?,
                None => out.write_char('?')?,
            },
            Operand::Upval => upvalue_name(proto, number as usize, out)?,
            Operand::Jump => write!(out, "to {}", pc as i64 + 2 + number)?,
            _ => match proto.protos_slice().get(number as usize) {
                Some(inner) => write!(out, "{inner:p}")?,
                None => out.write_char('?')?,
            },
        }
    }
    Ok(())
}

fn upvalue_name(proto: &Proto, index: usize, out: &mut dyn Write) -> fmt::Result {
    let desc = proto.upvalues_slice().get(index);
    // SAFETY: O2: the names of a live prototype are live.
    match desc.and_then(|desc| unsafe { opt_from_addr(desc.name) }) {
        Some(name) => text(name.as_bytes(), out),
        None => out.write_char('-'),
    }
}

/// Constants, local variables and upvalues.
fn details(proto: &Proto, out: &mut dyn Write) -> fmt::Result {
    let place = core::ptr::from_ref(proto);
    writeln!(out, "constants ({}) for {place:p}:", proto.constants_slice().len())?;
    for (i, &value) in proto.constants_slice().iter().enumerate() {
        write!(out, "\t{}\t", i + 1)?;
        constant(value, out)?;
        out.write_char('\n')?;
    }
    writeln!(out, "locals ({}) for {place:p}:", proto.locals_slice().len())?;
    for (i, var) in proto.locals_slice().iter().enumerate() {
        write!(out, "\t{i}\t")?;
        // SAFETY: O2: the names of a live prototype are live.
        match unsafe { opt_from_addr(var.name) } {
            Some(name) => text(name.as_bytes(), out)?,
            None => out.write_char('?')?,
        }
        writeln!(out, "\t{}\t{}", i64::from(var.start_pc) + 1, i64::from(var.end_pc) + 1)?;
    }
    writeln!(out, "upvalues ({}) for {place:p}:", proto.upvalues_slice().len())?;
    for (i, desc) in proto.upvalues_slice().iter().enumerate() {
        write!(out, "\t{i}\t")?;
        upvalue_name(proto, i, out)?;
        writeln!(out, "\t{}\t{}", u8::from(desc.in_stack), desc.index)?;
    }
    Ok(())
}
