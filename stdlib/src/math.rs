//! The library `math` (manual §6.7), with the functions that Lua 5.3 keeps for compatibility with 5.2.
//!
//! The generator of random numbers belongs to the Lua state: its memory is an upvalue of the two functions that use it.

use core::f64::consts::PI;

use perilune_vm::{
    Answer, CompareOp, LuaResult, LuaState, LuaType, NativeFn, QuickCall, QuickNative, float, float_to_integer,
    upvalue_index,
};

/// Pushes a float and returns it as the one result.
fn number(lua: &mut LuaState, n: f64) -> LuaResult<usize> {
    lua.push_number(n)?;
    Ok(1)
}

/// Pushes a float as an integer if it is one.
fn push_integral(lua: &mut LuaState, n: f64) -> LuaResult<()> {
    match float_to_integer(n) {
        Some(i) => lua.push_integer(i),
        None => lua.push_number(n),
    }
}

/// Defines functions of one float, and their quick forms.
macro_rules! functions_of_one_float {
    ($($(#[$doc:meta])* $name:ident = |$x:ident| $result:expr;)*) => {
        $(
            $(#[$doc])*
            fn $name(lua: &mut LuaState) -> LuaResult<usize> {
                let $x = lua.check_number(1)?;
                number(lua, $result)
            }
        )*

        /// The quick forms of the functions of one float.
        mod quick_float {
            use super::*;

            $(pub(super) fn $name(call: QuickCall<'_>) -> Answer<'_> {
                call.number(1).map_or(Answer::UNUSUAL, |$x| Answer::number($result))
            })*
        }
    };
}

functions_of_one_float! {
    /// `math.acos (x)`
    acos = |x| float::acos(x);
    /// `math.asin (x)`
    asin = |x| float::asin(x);
    /// `math.cos (x)`
    cos = |x| float::cos(x);
    /// `math.cosh (x)` (5.2 manual §6.6)
    cosh = |x| float::cosh(x);
    /// `math.deg (x)`
    deg = |x| x * (180.0 / PI);
    /// `math.exp (x)`
    exp = |x| float::exp(x);
    /// `math.log10 (x)` (5.1 manual §5.6)
    log10 = |x| float::log10(x);
    /// `math.rad (x)`
    rad = |x| x * (PI / 180.0);
    /// `math.sin (x)`
    sin = |x| float::sin(x);
    /// `math.sinh (x)` (5.2 manual §6.6)
    sinh = |x| float::sinh(x);
    /// `math.sqrt (x)`
    sqrt = |x| float::sqrt(x);
    /// `math.tan (x)`
    tan = |x| float::tan(x);
    /// `math.tanh (x)` (5.2 manual §6.6)
    tanh = |x| float::tanh(x);
}

/// `math.abs (x)`
fn abs(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_integer(1) {
        let i = lua.check_integer(1)?;
        lua.push_integer(i.wrapping_abs())?;
    } else {
        let n = lua.check_number(1)?;
        lua.push_number(n.abs())?;
    }
    Ok(1)
}

/// `math.atan (y [, x])`
fn atan(lua: &mut LuaState) -> LuaResult<usize> {
    let y = lua.check_number(1)?;
    let x = lua.opt_number(2, 1.0)?;
    number(lua, float::atan2(y, x))
}

/// `math.ceil (x)`
fn ceil(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_integer(1) {
        lua.set_top(1)?;
    } else {
        let n = lua.check_number(1)?;
        push_integral(lua, float::ceil(n))?;
    }
    Ok(1)
}

/// `math.floor (x)`
fn floor(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_integer(1) {
        lua.set_top(1)?;
    } else {
        let n = lua.check_number(1)?;
        push_integral(lua, float::floor(n))?;
    }
    Ok(1)
}

/// `math.fmod (x, y)`
fn fmod(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_integer(1) && lua.is_integer(2) {
        let x = lua.check_integer(1)?;
        let y = lua.check_integer(2)?;
        lua.arg_check(y != 0, 2, "zero")?;
        lua.push_integer(x.wrapping_rem(y))?;
        Ok(1)
    } else {
        // A wrong second argument is reported first, as compiled C does.
        let y = lua.check_number(2)?;
        let x = lua.check_number(1)?;
        number(lua, float::fmod(x, y))
    }
}

/// `math.frexp (x)` (5.2 manual §6.6)
fn frexp(lua: &mut LuaState) -> LuaResult<usize> {
    let (fraction, exponent) = float::frexp(lua.check_number(1)?);
    lua.push_number(fraction)?;
    lua.push_integer(exponent as i64)?;
    Ok(2)
}

/// `math.ldexp (m, e)` (5.2 manual §6.6)
fn ldexp(lua: &mut LuaState) -> LuaResult<usize> {
    let mantissa = lua.check_number(1)?;
    let exponent = lua.check_integer(2)?;
    number(lua, float::ldexp(mantissa, exponent as i32))
}

/// `math.log (x [, base])`
fn log(lua: &mut LuaState) -> LuaResult<usize> {
    let x = lua.check_number(1)?;
    if lua.is_none_or_nil(2) {
        return number(lua, float::log(x));
    }
    let base = lua.check_number(2)?;
    let result = if base == 2.0 {
        float::log2(x)
    } else if base == 10.0 {
        float::log10(x)
    } else {
        float::log(x) / float::log(base)
    };
    number(lua, result)
}

/// `a < b` for two arguments.
#[inline]
fn less_than(lua: &mut LuaState, a: i32, b: i32) -> LuaResult<bool> {
    if lua.is_integer(a) && lua.is_integer(b) {
        return Ok(lua.to_integer(a) < lua.to_integer(b));
    }
    lua.compare(a, b, CompareOp::Lt)
}

/// `math.max (x, ···)`
fn max(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top();
    lua.arg_check(count >= 1, 1, "value expected")?;
    let mut best = 1;
    for arg in 2..=count {
        if less_than(lua, best, arg)? {
            best = arg;
        }
    }
    lua.push_value(best)?;
    Ok(1)
}

/// `math.min (x, ···)`
fn min(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top();
    lua.arg_check(count >= 1, 1, "value expected")?;
    let mut best = 1;
    for arg in 2..=count {
        if less_than(lua, arg, best)? {
            best = arg;
        }
    }
    lua.push_value(best)?;
    Ok(1)
}

/// `math.modf (x)`
fn modf(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_integer(1) {
        lua.set_top(1)?;
        lua.push_number(0.0)?;
    } else {
        let n = lua.check_number(1)?;
        let whole = if n < 0.0 { float::ceil(n) } else { float::floor(n) };
        push_integral(lua, whole)?;
        // The test is for the infinities, whose difference is not a number.
        lua.push_number(if n == whole { 0.0 } else { n - whole })?;
    }
    Ok(2)
}

/// `math.pow (x, y)` (5.2 manual §6.6)
fn pow(lua: &mut LuaState) -> LuaResult<usize> {
    let x = lua.check_number(1)?;
    let y = lua.check_number(2)?;
    number(lua, float::pow(x, y))
}

/// `math.tointeger (x)`
fn tointeger(lua: &mut LuaState) -> LuaResult<usize> {
    match lua.to_integer(1) {
        Some(i) => lua.push_integer(i)?,
        None => {
            lua.check_any(1)?;
            lua.push_nil()?;
        }
    }
    Ok(1)
}

/// `math.type (x)`
fn type_(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.lua_type(1) == LuaType::Number {
        lua.push_str(if lua.is_integer(1) { "integer" } else { "float" })?;
    } else {
        lua.check_any(1)?;
        lua.push_nil()?;
    }
    Ok(1)
}

/// `math.ult (m, n)`
fn ult(lua: &mut LuaState) -> LuaResult<usize> {
    let m = lua.check_integer(1)?;
    let n = lua.check_integer(2)?;
    lua.push_boolean((m as u64) < n as u64)?;
    Ok(1)
}

/// Quick forms, for arguments that need no conversion.
mod quick {
    use super::*;

    pub(super) fn abs(call: QuickCall<'_>) -> Answer<'_> {
        match (call.integer(1), call.float(1)) {
            (Some(i), _) => Answer::integer(i.wrapping_abs()),
            (_, Some(n)) => Answer::number(n.abs()),
            _ => Answer::UNUSUAL,
        }
    }

    /// An integral float as an integer if it is one, by way of the truncated float where the range allows it.
    #[inline]
    fn integral<'a>(call: QuickCall<'a>, adjust: fn(f64, f64) -> i64, general: fn(f64) -> f64) -> Answer<'a> {
        /// Floats with at most this absolute value have integers that are near enough.
        const SAFE: f64 = (1u64 << 62) as f64;
        if call.integer(1).is_some() {
            return call.argument(1);
        }
        let Some(n) = call.float(1) else { return Answer::UNUSUAL };
        if n.abs() <= SAFE {
            let truncated = n as i64;
            return Answer::integer(truncated + adjust(truncated as f64, n));
        }
        let n = general(n);
        float_to_integer(n).map_or(Answer::number(n), Answer::integer)
    }

    pub(super) fn ceil(call: QuickCall<'_>) -> Answer<'_> {
        integral(call, |truncated, n| (truncated < n) as i64, float::ceil)
    }

    pub(super) fn floor(call: QuickCall<'_>) -> Answer<'_> {
        integral(call, |truncated, n| -((truncated > n) as i64), float::floor)
    }

    pub(super) fn fmod(call: QuickCall<'_>) -> Answer<'_> {
        match (call.integer(1), call.integer(2)) {
            (Some(x), Some(y)) if y != 0 => Answer::integer(x.wrapping_rem(y)),
            (None, _) | (_, None) => match (call.number(1), call.number(2)) {
                (Some(x), Some(y)) => Answer::number(float::fmod(x, y)),
                _ => Answer::UNUSUAL,
            },
            _ => Answer::UNUSUAL,
        }
    }

    pub(super) fn log(call: QuickCall<'_>) -> Answer<'_> {
        match call.number(1) {
            Some(x) if call.count() == 1 => Answer::number(float::log(x)),
            _ => Answer::UNUSUAL,
        }
    }

    /// The best argument, if all are integers or all floats.
    #[inline]
    fn best<'a>(
        call: QuickCall<'a>,
        better_integer: fn(i64, i64) -> bool,
        better_float: fn(f64, f64) -> bool,
    ) -> Answer<'a> {
        if let Some(mut best) = call.integer(1) {
            for arg in 2..=call.count() {
                match call.integer(arg) {
                    Some(i) if better_integer(i, best) => best = i,
                    Some(_) => {}
                    None => return Answer::UNUSUAL,
                }
            }
            return Answer::integer(best);
        }
        let Some(mut best) = call.float(1) else { return Answer::UNUSUAL };
        for arg in 2..=call.count() {
            match call.float(arg) {
                Some(n) if better_float(n, best) => best = n,
                Some(_) => {}
                None => return Answer::UNUSUAL,
            }
        }
        Answer::number(best)
    }

    pub(super) fn max(call: QuickCall<'_>) -> Answer<'_> {
        best(call, |i, best| i > best, |n, best| n > best)
    }

    pub(super) fn min(call: QuickCall<'_>) -> Answer<'_> {
        best(call, |i, best| i < best, |n, best| n < best)
    }

    pub(super) fn tointeger(call: QuickCall<'_>) -> Answer<'_> {
        if call.integer(1).is_some() {
            return call.argument(1);
        }
        match call.float(1) {
            Some(n) => float_to_integer(n).map_or(Answer::NIL, Answer::integer),
            None => Answer::UNUSUAL,
        }
    }

    pub(super) fn ult(call: QuickCall<'_>) -> Answer<'_> {
        match (call.integer(1), call.integer(2)) {
            (Some(m), Some(n)) => Answer::boolean((m as u64) < n as u64),
            _ => Answer::UNUSUAL,
        }
    }
}

/// Its address marks the userdata that are generators.
static GENERATOR_KIND: u8 = 0;

/// The generator xoshiro256** of Blackman and Vigna.
#[repr(C)]
#[derive(Clone, Copy)]
struct Generator {
    /// Tells a generator from any other userdata that the debug library may put in its place (L2).
    mark: usize,
    words: [u64; 4],
}

impl Generator {
    /// What `mark` is in a generator.
    fn mark() -> usize {
        core::ptr::from_ref(&GENERATOR_KIND).addr()
    }

    /// A generator whose state comes from a seed by the steps of splitmix64, so that similar seeds do no harm.
    fn seeded(mut seed: u64) -> Self {
        let words = core::array::from_fn(|_| {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        });
        Self { mark: Self::mark(), words }
    }

    /// 64 random bits.
    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.words;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A float in `[0, 1)` with 53 random bits.
    fn next_float(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (0.5 / (1u64 << 52) as f64)
    }

    /// An integer from 0 to `limit`, all equally likely.
    fn next_up_to(&mut self, limit: u64) -> u64 {
        let Some(count) = limit.checked_add(1) else { return self.next() };
        loop {
            // The high half of the product is the result; of the low halves, as many are refused as there are too many.
            let product = self.next() as u128 * count as u128;
            let low = product as u64;
            if low >= count || low >= count.wrapping_neg() % count {
                return (product >> 64) as u64;
            }
        }
    }
}

/// The generator of the running function.
fn generator(lua: &mut LuaState) -> LuaResult<&mut Generator> {
    let upvalue = upvalue_index(1);
    if lua.lua_type(upvalue) == LuaType::Userdata
        && lua.raw_len(upvalue) == size_of::<Generator>()
        && let Some(memory) = lua.to_userdata(upvalue)
    {
        // SAFETY: L2: the block has the size, and the alignment of any userdata; it lives as long as the running function,
        // and no Lua code runs while the reference is used. A generator is plain integers, so that any bytes are one.
        let generator = unsafe { memory.cast::<Generator>().as_mut() };
        if generator.mark == Generator::mark() {
            return Ok(generator);
        }
    }
    Err(lua.raise(format_args!("random generator expected as upvalue")))
}

/// `math.random ([m [, n]])`
fn random(lua: &mut LuaState) -> LuaResult<usize> {
    let (low, up) = match lua.get_top() {
        0 => {
            let n = generator(lua)?.next_float();
            return number(lua, n);
        }
        1 => (1, lua.check_integer(1)?),
        2 => (lua.check_integer(1)?, lua.check_integer(2)?),
        _ => return Err(lua.raise(format_args!("wrong number of arguments"))),
    };
    lua.arg_check(low <= up, 1, "interval is empty")?;
    lua.arg_check(low >= 0 || up <= i64::MAX + low, 1, "interval too large")?;
    let offset = generator(lua)?.next_up_to((up - low) as u64);
    lua.push_integer(low + offset as i64)?;
    Ok(1)
}

/// `math.randomseed (x)`
fn randomseed(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_number(1)?;
    let seed = float_to_integer(float::floor(n)).map_or(n.to_bits(), |i| i as u64);
    *generator(lua)? = Generator::seeded(seed);
    Ok(0)
}

/// The functions that have no quick form, in the order of the manual; then what is there for compatibility.
const FUNCTIONS: [(&str, NativeFn); 7] = [
    ("atan", atan),
    ("modf", modf),
    ("type", type_),
    ("atan2", atan),
    ("frexp", frexp),
    ("ldexp", ldexp),
    ("pow", pow),
];

/// The others.
static QUICK_FUNCTIONS: [(&str, QuickNative); 22] = [
    ("abs", QuickNative::new(abs, quick::abs)),
    ("acos", QuickNative::new(acos, quick_float::acos)),
    ("asin", QuickNative::new(asin, quick_float::asin)),
    ("ceil", QuickNative::new(ceil, quick::ceil)),
    ("cos", QuickNative::new(cos, quick_float::cos)),
    ("deg", QuickNative::new(deg, quick_float::deg)),
    ("exp", QuickNative::new(exp, quick_float::exp)),
    ("floor", QuickNative::new(floor, quick::floor)),
    ("fmod", QuickNative::new(fmod, quick::fmod)),
    ("log", QuickNative::new(log, quick::log)),
    ("max", QuickNative::new(max, quick::max)),
    ("min", QuickNative::new(min, quick::min)),
    ("rad", QuickNative::new(rad, quick_float::rad)),
    ("sin", QuickNative::new(sin, quick_float::sin)),
    ("sqrt", QuickNative::new(sqrt, quick_float::sqrt)),
    ("tan", QuickNative::new(tan, quick_float::tan)),
    ("tointeger", QuickNative::new(tointeger, quick::tointeger)),
    ("ult", QuickNative::new(ult, quick::ult)),
    ("cosh", QuickNative::new(cosh, quick_float::cosh)),
    ("log10", QuickNative::new(log10, quick_float::log10)),
    ("sinh", QuickNative::new(sinh, quick_float::sinh)),
    ("tanh", QuickNative::new(tanh, quick_float::tanh)),
];

/// The functions that share a generator.
const RANDOM_FUNCTIONS: [(&str, NativeFn); 2] = [("random", random), ("randomseed", randomseed)];

/// Opens the library: pushes its table.
#[doc(alias = "luaopen_math")]
pub fn open_math(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(&FUNCTIONS)?;
    lua.set_quick_funcs(&QUICK_FUNCTIONS)?;
    lua.push_number(PI)?;
    lua.set_field(-2, "pi")?;
    lua.push_number(f64::INFINITY)?;
    lua.set_field(-2, "huge")?;
    lua.push_integer(i64::MAX)?;
    lua.set_field(-2, "maxinteger")?;
    lua.push_integer(i64::MIN)?;
    lua.set_field(-2, "mininteger")?;
    let memory = lua.new_userdata(size_of::<Generator>())?;
    // SAFETY: L2: the new block has the size, and the alignment of any userdata.
    unsafe { memory.cast::<Generator>().write(Generator::seeded(0)) };
    lua.set_funcs(&RANDOM_FUNCTIONS, 1)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_keeps_its_intervals() {
        let mut generator = Generator::seeded(42);
        let mut seen = [0u32; 7];
        for _ in 0..7000 {
            seen[generator.next_up_to(6) as usize] += 1;
            assert!((0.0..1.0).contains(&generator.next_float()));
            assert_eq!(generator.next_up_to(0), 0);
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert_ne!(generator.next_up_to(u64::MAX), generator.next_up_to(u64::MAX));
    }
}
