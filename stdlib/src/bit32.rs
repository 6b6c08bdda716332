//! The library `bit32` of Lua 5.2, kept for compatibility: operations on unsigned integers of 32 bits.

use perilune_vm::{LuaResult, LuaState, NativeFn};

/// How many bits a number has here.
const BITS: i64 = 32;

/// The low 32 bits of an argument.
fn check_bits(lua: &mut LuaState, arg: i32) -> LuaResult<u32> {
    Ok(lua.check_integer(arg)? as u32)
}

/// The arguments of a shift or rotation. A wrong second one is reported first, as compiled C does.
fn check_shift(lua: &mut LuaState) -> LuaResult<(u32, i64)> {
    let places = lua.check_integer(2)?;
    Ok((check_bits(lua, 1)?, places))
}

/// Pushes a result.
fn push_bits(lua: &mut LuaState, bits: u32) -> LuaResult<usize> {
    lua.push_integer(bits as i64)?;
    Ok(1)
}

/// Folds all arguments into one number.
fn fold(lua: &mut LuaState, start: u32, f: fn(u32, u32) -> u32) -> LuaResult<u32> {
    let mut bits = start;
    for arg in 1..=lua.get_top() {
        bits = f(bits, check_bits(lua, arg)?);
    }
    Ok(bits)
}

/// `x` moved left by `n` places, or right if `n` is negative; zeros fill in.
fn shift(x: u32, n: i64) -> u32 {
    let places = n.unsigned_abs();
    if places >= BITS as u64 {
        0
    } else if n < 0 {
        x >> places
    } else {
        x << places
    }
}

/// The arguments `field` and `width`, from `arg` on, checked to lie inside the number.
fn check_field(lua: &mut LuaState, arg: i32) -> LuaResult<(u32, u32)> {
    let field = lua.check_integer(arg)?;
    let width = lua.opt_integer(arg + 1, 1)?;
    lua.arg_check(0 <= field, arg, "field cannot be negative")?;
    lua.arg_check(0 < width, arg + 1, "width must be positive")?;
    if field.saturating_add(width) > BITS {
        return Err(lua.raise(format_args!("trying to access non-existent bits")));
    }
    Ok((field as u32, u32::MAX >> (BITS - width)))
}

/// `bit32.arshift (x, disp)` (5.2 manual §6.7)
fn arshift(lua: &mut LuaState) -> LuaResult<usize> {
    let x = check_bits(lua, 1)?;
    let places = lua.check_integer(2)?;
    let result = if places < 0 { shift(x, places.saturating_neg()) } else { (x as i32 >> places.min(BITS - 1)) as u32 };
    push_bits(lua, result)
}

/// `bit32.band (···)` (5.2 manual §6.7)
fn band(lua: &mut LuaState) -> LuaResult<usize> {
    let bits = fold(lua, u32::MAX, |a, b| a & b)?;
    push_bits(lua, bits)
}

/// `bit32.bnot (x)` (5.2 manual §6.7)
fn bnot(lua: &mut LuaState) -> LuaResult<usize> {
    let bits = check_bits(lua, 1)?;
    push_bits(lua, !bits)
}

/// `bit32.bor (···)` (5.2 manual §6.7)
fn bor(lua: &mut LuaState) -> LuaResult<usize> {
    let bits = fold(lua, 0, |a, b| a | b)?;
    push_bits(lua, bits)
}

/// `bit32.btest (···)` (5.2 manual §6.7)
fn btest(lua: &mut LuaState) -> LuaResult<usize> {
    let bits = fold(lua, u32::MAX, |a, b| a & b)?;
    lua.push_boolean(bits != 0)?;
    Ok(1)
}

/// `bit32.bxor (···)` (5.2 manual §6.7)
fn bxor(lua: &mut LuaState) -> LuaResult<usize> {
    let bits = fold(lua, 0, |a, b| a ^ b)?;
    push_bits(lua, bits)
}

/// `bit32.extract (n, field [, width])` (5.2 manual §6.7)
fn extract(lua: &mut LuaState) -> LuaResult<usize> {
    let n = check_bits(lua, 1)?;
    let (field, mask) = check_field(lua, 2)?;
    push_bits(lua, n >> field & mask)
}

/// `bit32.replace (n, v, field [, width])` (5.2 manual §6.7)
fn replace(lua: &mut LuaState) -> LuaResult<usize> {
    let n = check_bits(lua, 1)?;
    let v = check_bits(lua, 2)?;
    let (field, mask) = check_field(lua, 3)?;
    push_bits(lua, n & !(mask << field) | (v & mask) << field)
}

/// `bit32.lrotate (x, disp)` (5.2 manual §6.7)
fn lrotate(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, places) = check_shift(lua)?;
    push_bits(lua, x.rotate_left(places.rem_euclid(BITS) as u32))
}

/// `bit32.lshift (x, disp)` (5.2 manual §6.7)
fn lshift(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, places) = check_shift(lua)?;
    push_bits(lua, shift(x, places))
}

/// `bit32.rrotate (x, disp)` (5.2 manual §6.7)
fn rrotate(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, places) = check_shift(lua)?;
    push_bits(lua, x.rotate_right(places.rem_euclid(BITS) as u32))
}

/// `bit32.rshift (x, disp)` (5.2 manual §6.7)
fn rshift(lua: &mut LuaState) -> LuaResult<usize> {
    let (x, places) = check_shift(lua)?;
    push_bits(lua, shift(x, places.saturating_neg()))
}

/// The library, in the order of the 5.2 manual.
const FUNCTIONS: [(&str, NativeFn); 12] = [
    ("arshift", arshift),
    ("band", band),
    ("bnot", bnot),
    ("bor", bor),
    ("btest", btest),
    ("bxor", bxor),
    ("extract", extract),
    ("replace", replace),
    ("lrotate", lrotate),
    ("lshift", lshift),
    ("rrotate", rrotate),
    ("rshift", rshift),
];

/// Opens the library: pushes its table.
#[doc(alias = "luaopen_bit32")]
pub fn open_bit32(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(&FUNCTIONS)?;
    Ok(1)
}
