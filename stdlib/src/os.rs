//! The operating system library (manual §6.9), over the C library.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use std::sync::RwLock;

use libc::{c_int, time_t, tm};
use perilune_vm::{Buffer, Continuation, LuaResult, LuaState, LuaType, NativeFn, Status, Thrown};

use crate::message::{c_bytes, push_parts};
use crate::result::{exec_result, file_result, fit};

/// What is said of a time that the system has no date for, or the other way round.
const UNREPRESENTABLE: &str = "time result cannot be represented in this installation";
/// The largest magnitude of a date field, so that the system can normalise it without overflow.
const MAX_DATE_FIELD: i64 = (i32::MAX / 2) as i64;
/// The room that one conversion of a date gets.
const DATE_ITEM: usize = 250;
/// The conversions of dates that have one letter.
const CONVERSIONS: &[u8] = b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
/// The letters that may follow `E` in a conversion.
const E_CONVERSIONS: &[u8] = b"cCxXyY";
/// The letters that may follow `O` in a conversion.
const O_CONVERSIONS: &[u8] = b"deHImMSuUVwWy";

/// The locale is the process's, whichever states there are: who changes it is alone.
static LOCALE: RwLock<()> = RwLock::new(());

/// `os.clock ()` (§6.9)
fn clock(lua: &mut LuaState) -> LuaResult<usize> {
    let mut used = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the structure is valid for the call, and all zeros is a value of it.
    let used = unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, used.as_mut_ptr());
        used.assume_init()
    };
    // C counts in microseconds.
    let microseconds = used.tv_sec as f64 * 1e6 + (used.tv_nsec / 1000) as f64;
    lua.push_number(microseconds / 1e6)?;
    Ok(1)
}

/// `os.date ([format [, time]])` (§6.9)
fn date(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let format = lua.opt_str(1)?.map_or(&b"%c"[..], |format| unsafe { format.bytes() });
    let time = if lua.is_none_or_nil(2) { now() } else { check_time(lua, 2)? };
    let (utc, format) = match format {
        [b'!', rest @ ..] => (true, rest),
        format => (false, format),
    };
    let Some(date) = broken_down(time, utc) else {
        return Err(lua.raise(format_args!("{UNREPRESENTABLE}")));
    };
    if c_bytes(format) == b"*t" {
        lua.create_table(0, DATE_FIELDS.len())?;
        lua.insert(DATE_TABLE);
        push_date(lua, &date)?;
        set_date_fields(lua, 0, |_, _, _| Ok(1))?;
        lua.push_value(DATE_TABLE)?;
    } else {
        format_date(lua, format, &date)?;
    }
    Ok(1)
}

/// Pushes a date in a format.
fn format_date(lua: &mut LuaState, mut format: &[u8], date: &tm) -> LuaResult<()> {
    let mut buffer = Buffer::new(lua)?;
    while let Some(percent) = format.iter().position(|&byte| byte == b'%') {
        buffer.extend(lua, &format[..percent])?;
        format = &format[percent + 1..];
        let Some(len) = conversion_length(format) else {
            return Err(invalid_conversion(lua, format));
        };
        let mut conversion = [b'%', 0, 0, 0];
        conversion[1..=len].copy_from_slice(&format[..len]);
        format = &format[len..];
        let mut item = [0; DATE_ITEM];
        let item_len = {
            let _unchanged = LOCALE.read();
            // SAFETY: the array is as large as is said, the conversion ends with a NUL, and the date is complete.
            unsafe { libc::strftime(item.as_mut_ptr().cast(), DATE_ITEM, conversion.as_ptr().cast(), date) }
        };
        buffer.extend(lua, &item[..item_len])?;
    }
    buffer.extend(lua, format)?;
    buffer.finish(lua)
}

/// The number of letters of the conversion that begins here, if it is one.
fn conversion_length(format: &[u8]) -> Option<usize> {
    match format {
        [b'E', letter, ..] if E_CONVERSIONS.contains(letter) => Some(2),
        [b'O', letter, ..] if O_CONVERSIONS.contains(letter) => Some(2),
        [letter, ..] if CONVERSIONS.contains(letter) => Some(1),
        _ => None,
    }
}

/// The error that a conversion does not exist; the message shows the rest of the format.
fn invalid_conversion(lua: &mut LuaState, rest: &[u8]) -> Thrown {
    let pushed = push_parts(lua, &[b"invalid conversion specifier '%", c_bytes(rest), b"'"]);
    match pushed.and_then(|()| lua.to_str(-1)) {
        // SAFETY: L1: the message stays on the stack.
        Ok(message) => lua.arg_error_bytes(1, message.map_or(&[], |message| unsafe { message.bytes() })),
        Err(thrown) => thrown,
    }
}

/// `os.difftime (t2, t1)` (§6.9)
fn difftime(lua: &mut LuaState) -> LuaResult<usize> {
    let later = check_time(lua, 1)?;
    let earlier = check_time(lua, 2)?;
    // SAFETY: the function has no requirements.
    lua.push_number(unsafe { libc::difftime(later, earlier) })?;
    Ok(1)
}

/// `os.execute ([command])` (§6.9)
fn execute(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(command) = lua.opt_str(1)? else {
        // SAFETY: without a command, this asks whether there is a shell.
        let shell = unsafe { libc::system(core::ptr::null()) };
        lua.push_boolean(shell != 0)?;
        return Ok(1);
    };
    // SAFETY: L1, L3.
    let status = unsafe { libc::system(command.bytes().as_ptr().cast()) };
    exec_result(lua, status)
}

/// `os.exit ([code [, close]])` (§6.9)
fn exit(lua: &mut LuaState) -> LuaResult<usize> {
    let code = if lua.is_boolean(1) {
        if lua.to_boolean(1) { libc::EXIT_SUCCESS } else { libc::EXIT_FAILURE }
    } else {
        lua.opt_integer(1, i64::from(libc::EXIT_SUCCESS))? as c_int
    };
    if lua.to_boolean(2) {
        // The memory goes with the process; what is left of closing the state is its finalizers.
        // SAFETY: the process ends next.
        unsafe { lua.finalize_all() };
    }
    std::process::exit(code)
}

/// `os.getenv (varname)` (§6.9)
fn getenv(lua: &mut LuaState) -> LuaResult<usize> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    // SAFETY: L1.
    let name = c_bytes(unsafe { lua.check_str(1)?.bytes() });
    match std::env::var_os(std::ffi::OsStr::from_bytes(name)) {
        Some(value) => lua.push_bytes(&value.into_vec())?,
        None => lua.push_nil()?,
    }
    Ok(1)
}

/// `os.remove (filename)` (§6.9)
fn remove(lua: &mut LuaState) -> LuaResult<usize> {
    // SAFETY: L1.
    let name = unsafe { lua.check_str(1)?.bytes() };
    // SAFETY: L3.
    let removed = unsafe { libc::remove(name.as_ptr().cast()) } == 0;
    file_result(lua, removed, Some(name))
}

/// `os.rename (oldname, newname)` (§6.9)
fn rename(lua: &mut LuaState) -> LuaResult<usize> {
    let old_name = lua.check_str(1)?;
    let new_name = lua.check_str(2)?;
    // SAFETY: L1, L3.
    let renamed = unsafe { libc::rename(old_name.bytes().as_ptr().cast(), new_name.bytes().as_ptr().cast()) } == 0;
    file_result(lua, renamed, None)
}

/// `os.setlocale (locale [, category])` (§6.9)
fn setlocale(lua: &mut LuaState) -> LuaResult<usize> {
    const NAMES: &[&str] = &["all", "collate", "ctype", "monetary", "numeric", "time"];
    const CATEGORIES: [c_int; 6] =
        [libc::LC_ALL, libc::LC_COLLATE, libc::LC_CTYPE, libc::LC_MONETARY, libc::LC_NUMERIC, libc::LC_TIME];
    // SAFETY: L1, L3.
    let locale = lua.opt_str(1)?.map_or(core::ptr::null(), |locale| unsafe { locale.bytes().as_ptr().cast() });
    let category = CATEGORIES[lua.check_option(2, Some("all"), NAMES)?];
    // Finalizers, which may come here again, run when the name is pushed: so it is copied first.
    let current = {
        let _alone = LOCALE.write();
        // SAFETY: the locale is null or a C string; the result is null or one, until somebody else changes the locale.
        unsafe {
            let current = libc::setlocale(category, locale);
            if current.is_null() { None } else { Some(CStr::from_ptr(current).to_owned()) }
        }
    };
    match current {
        Some(current) => lua.push_bytes(current.to_bytes())?,
        None => lua.push_nil()?,
    }
    Ok(1)
}

/// `os.time ([table])` (§6.9)
fn time(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none_or_nil(1) {
        lua.push_integer(now())?;
        return return_time(lua);
    }
    lua.check_type(DATE_TABLE, LuaType::Table)?;
    lua.set_top(DATE_TABLE)?;
    read_date_fields(lua, 0)
}

/// Converts the date whose fields were read to a time.
fn convert_date(lua: &mut LuaState) -> LuaResult<usize> {
    let mut date = pop_date(lua)?;
    // SAFETY: the date is complete.
    let time = unsafe { libc::mktime(&mut date) };
    lua.push_integer(time)?;
    lua.insert(DATE_TABLE + 1);
    // The table gets the fields as the system has normalised them.
    push_date(lua, &date)?;
    finish_time(lua, Status::Ok, 0)
}

/// Sets the fields of the table from number `field` on, and returns the time that lies above it.
fn finish_time(lua: &mut LuaState, _: Status, field: isize) -> LuaResult<usize> {
    set_date_fields(lua, field, finish_time)?;
    lua.set_top(DATE_TABLE + 1)?;
    return_time(lua)
}

/// Returns the time on top, if it is one.
fn return_time(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_integer(-1) == Some(-1) {
        return Err(lua.raise(format_args!("{UNREPRESENTABLE}")));
    }
    Ok(1)
}

/// `os.tmpname ()` (§6.9)
fn tmpname(lua: &mut LuaState) -> LuaResult<usize> {
    let mut name = *b"/tmp/lua_XXXXXX\0";
    // SAFETY: the template ends with a NUL, and the descriptor, if there is one, is nobody else's.
    let descriptor = unsafe {
        let descriptor = libc::mkstemp(name.as_mut_ptr().cast());
        if descriptor != -1 {
            libc::close(descriptor);
        }
        descriptor
    };
    if descriptor == -1 {
        return Err(lua.raise(format_args!("unable to generate a unique filename")));
    }
    lua.push_bytes(c_bytes(&name))?;
    Ok(1)
}

/// The current time.
fn now() -> time_t {
    // SAFETY: the function may be given null.
    unsafe { libc::time(core::ptr::null_mut()) }
}

/// The time that an argument must be.
fn check_time(lua: &mut LuaState, arg: i32) -> LuaResult<time_t> {
    match fit(lua.check_integer(arg)?) {
        Some(time) => Ok(time),
        None => Err(lua.arg_error(arg, "time out-of-bounds")),
    }
}

/// The date of a time, in the local time zone or not.
fn broken_down(time: time_t, utc: bool) -> Option<tm> {
    let mut date = MaybeUninit::<tm>::zeroed();
    // SAFETY: the structure is valid for the call, and all zeros is a value of it.
    unsafe {
        let found =
            if utc { libc::gmtime_r(&time, date.as_mut_ptr()) } else { libc::localtime_r(&time, date.as_mut_ptr()) };
        (!found.is_null()).then(|| date.assume_init())
    }
}

/// The slot of the table whose fields are read or set.
const DATE_TABLE: i32 = 1;

/// A field of a date.
struct DateField {
    name: &'static str,
    /// What it is when it is absent; without a default that is an error.
    default: Option<c_int>,
    /// What it counts from there, less what it counts from in C.
    offset: c_int,
}

/// The fields in the order in which they are set; all but the two before the last are read.
const DATE_FIELDS: [DateField; 9] = [
    DateField { name: "sec", default: Some(0), offset: 0 },
    DateField { name: "min", default: Some(0), offset: 0 },
    DateField { name: "hour", default: Some(12), offset: 0 },
    DateField { name: "day", default: None, offset: 0 },
    DateField { name: "month", default: None, offset: 1 },
    DateField { name: "year", default: None, offset: 1900 },
    DateField { name: "wday", default: Some(0), offset: 1 },
    DateField { name: "yday", default: Some(0), offset: 1 },
    DateField { name: "isdst", default: Some(-1), offset: 0 },
];

/// The number of the field `isdst`, which is a boolean.
const IS_DST: usize = 8;

/// The fields' places in a date.
fn date_parts(date: &mut tm) -> [&mut c_int; 9] {
    [
        &mut date.tm_sec,
        &mut date.tm_min,
        &mut date.tm_hour,
        &mut date.tm_mday,
        &mut date.tm_mon,
        &mut date.tm_year,
        &mut date.tm_wday,
        &mut date.tm_yday,
        &mut date.tm_isdst,
    ]
}

/// Pushes the values of all fields; that of `isdst` is nil if it is not known.
fn push_date(lua: &mut LuaState, date: &tm) -> LuaResult<()> {
    let mut date = *date;
    for (part, field) in date_parts(&mut date).into_iter().zip(&DATE_FIELDS).take(IS_DST) {
        lua.push_integer(i64::from(part.wrapping_add(field.offset)))?;
    }
    if date.tm_isdst >= 0 { lua.push_boolean(date.tm_isdst != 0) } else { lua.push_nil() }
}

/// Pops the date whose values lie on top as C counts them.
fn pop_date(lua: &mut LuaState) -> LuaResult<tm> {
    // SAFETY: all zeros is a value of the structure.
    let mut date = unsafe { MaybeUninit::<tm>::zeroed().assume_init() };
    for (part, index) in date_parts(&mut date).into_iter().rev().zip(1..) {
        *part = lua.check_integer(-index)? as c_int;
    }
    lua.pop(DATE_FIELDS.len());
    Ok(date)
}

/// Sets the fields of the table from number `start` on; their values lie on top. `k` is to go on from any of them.
fn set_date_fields(lua: &mut LuaState, start: isize, k: Continuation) -> LuaResult<()> {
    for (index, field) in DATE_FIELDS.iter().enumerate().skip(start as usize) {
        let value = index as i32 - DATE_FIELDS.len() as i32;
        if !lua.is_nil(value) {
            lua.push_value(value)?;
            lua.set_field_then(DATE_TABLE, field.name, index as isize + 1, k)?;
        }
    }
    Ok(())
}

/// Reads the fields of the table from number `start` on, and then converts the date. The values gather on the stack.
fn read_date_fields(lua: &mut LuaState, start: usize) -> LuaResult<usize> {
    for (index, field) in DATE_FIELDS.iter().enumerate().skip(start) {
        if is_read(index) {
            lua.get_field_then(DATE_TABLE, field.name, index as isize, take_date_field)?;
        } else {
            lua.push_nil()?;
        }
        check_date_field(lua, index)?;
    }
    convert_date(lua)
}

/// Whether a field says something of the time: the day of the week and that of the year do not.
fn is_read(index: usize) -> bool {
    !matches!(DATE_FIELDS[index].name, "wday" | "yday")
}

/// Goes on with the field on top.
fn take_date_field(lua: &mut LuaState, _: Status, index: isize) -> LuaResult<usize> {
    check_date_field(lua, index as usize)?;
    read_date_fields(lua, index as usize + 1)
}

/// Replaces the field on top by its value in C; the default is that value already.
fn check_date_field(lua: &mut LuaState, index: usize) -> LuaResult<()> {
    let DateField { name, default, offset } = DATE_FIELDS[index];
    let value = match (lua.to_integer(-1), default) {
        _ if index == IS_DST && !lua.is_nil(-1) => c_int::from(lua.to_boolean(-1)),
        (Some(value), _) if !(-MAX_DATE_FIELD..=MAX_DATE_FIELD).contains(&value) => {
            return Err(lua.raise(format_args!("field '{name}' is out-of-bound")));
        }
        (Some(value), _) => value as c_int - offset,
        (None, _) if !lua.is_nil(-1) => {
            return Err(lua.raise(format_args!("field '{name}' is not an integer")));
        }
        (None, Some(default)) => default,
        (None, None) => return Err(lua.raise(format_args!("field '{name}' missing in date table"))),
    };
    lua.pop(1);
    lua.push_integer(i64::from(value))
}

/// The functions, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("clock", clock),
    ("date", date),
    ("difftime", difftime),
    ("execute", execute),
    ("exit", exit),
    ("getenv", getenv),
    ("remove", remove),
    ("rename", rename),
    ("setlocale", setlocale),
    ("time", time),
    ("tmpname", tmpname),
];

/// Opens the operating system library and pushes its table.
#[doc(alias = "luaopen_os")]
pub fn open_os(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    Ok(1)
}
