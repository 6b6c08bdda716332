//! Single operations: every safe function of the host API, with whatever arguments come.

use perilune_vm::{
    Buffer, LoadMode, LuaResult, LuaState, MASK_CALL, MASK_COUNT, MASK_LINE, MASK_RETURN, NativeFn, Status,
};

use super::choices::{
    arith_op, below, bytes, chance, chunk, compare_op, count, ended, float, handler, held, index, load_mode, lua_type,
    name, number, one_of, options, results, small, thrown,
};
use super::natives::{
    Plain, Text, Using, Value, WildReader, WildWriter, after, hook, is_free, maybe_panic, spend, survives, wild,
};
use super::stale;

/// One operation.
pub fn act(lua: &mut LuaState) -> LuaResult<()> {
    if !spend() {
        return Ok(());
    }
    if chance(500) {
        perilune_vm::testing::check_memory(lua);
    }
    match below(19) {
        0..3 => push_something(lua),
        3 => push_objects(lua),
        4 => move_something(lua),
        5 => reading_tables(lua),
        6 => writing_tables(lua),
        7 => operations_then(lua),
        8 => calls(lua),
        9 => coroutines(lua),
        10 => buffers(lua),
        11 => debugging(lua),
        12 => read(lua),
        13 => loading(lua),
        14 => garbage(lua),
        15 => helpers(lua),
        16 => arguments(lua),
        17 => values(lua),
        _ => stale::act(lua),
    }
}

fn push_something(lua: &mut LuaState) -> LuaResult<()> {
    match below(12) {
        0 => lua.push_nil(),
        1 => lua.push_integer(number()),
        2 => lua.push_number(float()),
        3 => lua.push_boolean(chance(2)),
        4 => lua.push_bytes(&bytes()),
        5 | 6 => lua.push_native(wild),
        7 => lua.new_table(),
        8 => lua.push_str(name()),
        9 => lua.push_fmt(format_args!("{}-{Text}", below(100))),
        10 => lua.push_light_userdata(std::ptr::without_provenance_mut(below(3) as usize)),
        _ => lua.push_value(index()),
    }
}

fn push_objects(lua: &mut LuaState) -> LuaResult<()> {
    match below(10) {
        0 => lua.push_native_closure(wild, count()),
        1 => lua.create_table(count().min(1 << 20), count().min(1 << 20)),
        2 => lua.create_table(count() | 1 << 33, count()),
        3 => lua.new_userdata(count()).map(|_| ()),
        4 => lua.push_thread().map(|_| ()),
        5 => lua.push_global_table(),
        6 => lua.new_thread().map(|_| ()),
        7 => lua.string_to_number(&bytes()).map(|_| ()),
        8 => lua.push_gsub(&bytes(), &bytes()[..0], name().as_bytes()).map(|_| ()),
        _ => lua.push_gsub(&bytes(), b"x", b"yx").map(|_| ()),
    }
}

fn move_something(lua: &mut LuaState) -> LuaResult<()> {
    match below(11) {
        0 => {
            return lua.set_top(if chance(20) { one_of(&[500_000, i32::MAX, i32::MIN]) } else { below(16) as i32 - 4 });
        }
        1 => lua.pop(count()),
        2 => lua.rotate(index(), if chance(20) { i32::MIN } else { below(9) as i32 - 4 }),
        3 => lua.insert(index()),
        4 => lua.remove(index()),
        5 => lua.replace(index()),
        6 => lua.copy(index(), index()),
        7 => {
            let n = count();
            if lua.check_stack(n) {
                for _ in 0..n.min(400) {
                    lua.push_integer(1)?;
                }
            }
        }
        8 => {
            lua.abs_index(index());
        }
        9 => lua.note_integer(index(), number()),
        _ => return lua.ensure_stack(count(), one_of(&["", "wild", "\0"])),
    }
    Ok(())
}

fn reading_tables(lua: &mut LuaState) -> LuaResult<()> {
    match below(15) {
        0 => lua.get_table(index()).map(|_| ()),
        1 => lua.get_field(index(), name()).map(|_| ()),
        2 => lua.get_i(index(), number()).map(|_| ()),
        3 => lua.raw_get(index()).map(|_| ()),
        4 => lua.raw_get_i(index(), number()).map(|_| ()),
        5 => lua.get_metatable(index()).map(|_| ()),
        6 => lua.get_user_value(index()).map(|_| ()),
        7 => lua.next(index()).map(|_| ()),
        8 => lua.get_global(name()).map(|_| ()),
        9 => lua.raw_get_p(index(), std::ptr::without_provenance(below(3) as usize)).map(|_| ()),
        10 => lua.try_get_i(index(), number()).map(|_| ()),
        11 => lua.get_meta_field(index(), name()).map(|_| ()),
        12 => lua.get_registered_metatable(name()).map(|_| ()),
        13 => {
            lua.raw_unpack(index(), number(), count());
            Ok(())
        }
        _ => lua.len(index()),
    }
}

fn writing_tables(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => lua.set_table(index()),
        1 => lua.set_field(index(), name()),
        2 => lua.set_i(index(), number()),
        3 => lua.raw_set(index()),
        4 => lua.raw_set_i(index(), number()),
        5 => lua.set_metatable(index()),
        6 => lua.set_user_value(index()),
        7 | 8 => {
            lua.new_table()?;
            lua.push_native(wild)?;
            lua.set_field(-2, name())?;
            lua.set_metatable(index())
        }
        9 => lua.raw_set_p(index(), std::ptr::without_provenance(below(3) as usize)),
        10 => lua.set_global(one_of(&["x", "wild", "yield", "resume"])),
        11 => {
            lua.raw_sort(index(), count());
            Ok(())
        }
        12 => {
            lua.try_set_i(index(), number());
            Ok(())
        }
        _ => {
            lua.raw_move(index(), number(), number(), number());
            Ok(())
        }
    }
}

/// The forms that may ask for a call; what they ask for is not always passed on.
fn operations_then(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => lua.get_i_then(index(), number(), 5, after).map(|_| ()),
        1 => lua.set_i_then(index(), number(), 6, after),
        2 => lua.len_then(index(), 7, after),
        3 => lua.compare_then(index(), index(), compare_op(), 8, after).map(|_| ()),
        4 => lua.get_table_then(index(), 9, after).map(|_| ()),
        5 => lua.set_table_then(index(), 10, after),
        6 => lua.get_field_then(index(), name(), 11, after).map(|_| ()),
        7 => lua.set_field_then(index(), name(), 12, after),
        8 => lua.call_meta_then(index(), name(), 13, after),
        9 => lua.push_tostring_then(index(), 14, after),
        10 => lua.take_length().map(|_| ()),
        11 => lua.check_text(),
        12 => {
            lua.take_answer();
            Ok(())
        }
        _ => {
            lua.can_yield();
            lua.is_yieldable();
            lua.seem_unyieldable();
            Ok(())
        }
    }
}

fn calls(lua: &mut LuaState) -> LuaResult<()> {
    match below(10) {
        0 | 1 => lua.call(count(), results()),
        2 | 3 => {
            let _ = lua.pcall(count(), results(), handler());
            Ok(())
        }
        4 => lua.call_k(count(), results(), 11, after),
        5 => lua.pcall_k(count(), results(), handler(), 12, after).map(|_| ()),
        6 => {
            let _ = lua.call_then(count(), results(), 13, after);
            Ok(())
        }
        7 => {
            let _ = lua.pcall_then(count(), results(), handler(), 14, after);
            Ok(())
        }
        8 => lua.call_meta(index(), name()).map(|_| ()),
        _ => {
            // A right one.
            lua.push_native(wild)?;
            lua.push_value(-2)?;
            lua.call(1, results())
        }
    }
}

/// Another thread on which nobody works and which does not wait for this one, from the stack; it is pushed.
fn other_thread<'a>(lua: &mut LuaState) -> LuaResult<Option<&'a mut LuaState>> {
    let Some(co) = lua.to_thread(index()) else { return Ok(None) };
    lua.push_thread_ref(co)?;
    let status = lua.coroutine_status(co).name();
    // SAFETY: the thread lies on the stack, which nobody else changes as long as `lua` is in use.
    let state = unsafe { co.state() };
    Ok((matches!(status, "suspended" | "dead") && is_free(state)).then_some(state))
}

fn coroutines(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => {
            lua.new_thread()?;
            push_something(lua)
        }
        12 => {
            if chance(2) {
                lua.move_to_thread(index(), count())
            } else {
                lua.move_from_thread(index(), count())
            }
        }
        13 => lua.with_thread(index(), |co| {
            maybe_panic(60);
            act(co)
        })?,
        1 | 2 => {
            let co = lua.new_thread()?;
            if chance(3) {
                let _ = lua.load_bytes(chunk().as_bytes(), b"=co", LoadMode::TEXT);
            } else {
                lua.push_native(wild)?;
            }
            // SAFETY: the thread lies on the stack.
            lua.xmove(unsafe { co.state() }, 1)
        }
        3 => {
            let _ = lua.yield_values(count());
            Ok(())
        }
        4..7 => {
            let Some(state) = other_thread(lua)? else { return Ok(()) };
            let _using = Using::begin(state);
            if chance(2) {
                push_something(state)?;
            }
            let status = if chance(2) { state.resume(Some(lua), count()) } else { state.resume(None, count()) };
            if ended(status) && chance(2) { state.xmove(lua, count()) } else { Ok(()) }
        }
        7 => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            let _ = lua.resume_then(co, count(), 15, after);
            Ok(())
        }
        8 => {
            let Some(co) = lua.to_thread(index()) else { return Ok(()) };
            lua.coroutine_status(co);
            lua.traceback(Some(co), Some(b"trace"), small())
        }
        _ => {
            let Some(state) = other_thread(lua)? else { return Ok(()) };
            let _using = Using::begin(state);
            match below(4) {
                0 => state.set_top(below(5) as i32),
                1 => lua.xmove(state, count()),
                2 => state.xmove(lua, count()),
                _ => act(state),
            }
        }
    }
}

fn buffers(lua: &mut LuaState) -> LuaResult<()> {
    let mut buffer = match below(5) {
        0 => Buffer::with_capacity(lua, count())?,
        1 => Buffer::unpark(lua, index())?,
        _ => Buffer::new(lua)?,
    };
    use_buffer(lua, &mut buffer)?;
    match below(6) {
        0 => buffer.finish_reserved(lua, count()),
        1 | 2 => buffer.finish(lua),
        3 => {
            stale::keep_buffer(buffer);
            Ok(())
        }
        _ => buffer.park(lua),
    }
}

pub fn use_buffer(lua: &mut LuaState, buffer: &mut Buffer) -> LuaResult<()> {
    for _ in 0..below(6) {
        match below(10) {
            0 => buffer.push_byte(lua, b'a')?,
            1 => buffer.extend(lua, &bytes())?,
            2 => buffer.add_value(lua)?,
            3 => buffer.add_at(lua, index())?,
            4 => {
                let n = if chance(20) { count() } else { below(500) as usize };
                let place = buffer.reserve(lua, n)?;
                place.fill(b'c');
                buffer.advance(n.saturating_mul(below(3) as usize));
            }
            5 => buffer.truncate(below(400) as usize),
            6 => act(lua)?,
            7 => buffer.write_fmt(lua, format_args!("{Text}{}", 1))?,
            8 => drop(std::hint::black_box((buffer.is_empty(), buffer.len()))),
            _ => drop(std::hint::black_box(buffer.as_bytes(lua).to_vec())),
        }
    }
    Ok(())
}

fn debugging(lua: &mut LuaState) -> LuaResult<()> {
    let (level, n) = (small(), small());
    match below(12) {
        0 => {
            let mask =
                one_of(&[0, MASK_CALL, MASK_RETURN, MASK_LINE, MASK_COUNT, MASK_CALL | MASK_LINE | MASK_COUNT, 0xff]);
            // A loop that some other operation made endless meets the hook in any case, which then ends it.
            let count = small();
            let mask = if (1..=1 << 16).contains(&count) { mask } else { mask | MASK_LINE };
            lua.set_hook(chance(2).then_some(hook), mask, count);
            Ok(())
        }
        1 => {
            let activation = lua.get_stack(level);
            lua.get_info(options(), activation).map(|info| drop(info.short_src().to_vec()))
        }
        2 => {
            let activation = lua.get_stack(level);
            lua.get_local(activation, n).map(|_| ())
        }
        3 => match lua.get_stack(level) {
            Some(activation) => lua.set_local(activation, n).map(|_| ()),
            None => Ok(()),
        },
        4 => lua.get_upvalue(index(), n).map(|_| ()),
        5 => lua.set_upvalue(index(), n).map(|_| ()),
        6 => {
            lua.upvalue_id(index(), n);
            lua.upvalue_join(index(), n, index(), level);
            Ok(())
        }
        7 => lua.where_(level),
        8 => {
            lua.get_hook();
            Ok(())
        }
        9 => {
            // SAFETY: the state is open.
            unsafe { lua.interrupter().interrupt(hook) };
            if chance(2) && lua.is_interrupted() { lua.serve_interrupt() } else { Ok(()) }
        }
        10 => inside(lua),
        _ => lua.traceback(None, chance(2).then_some(&b"message"[..]), level),
    }
}

/// What tests may look at.
fn inside(lua: &mut LuaState) -> LuaResult<()> {
    use perilune_vm::testing;
    let place = count();
    match below(9) {
        0 => testing::push_bucket(lua, place).map(|_| ()),
        1 => testing::push_table_place(lua, index(), place).map(|_| ()),
        2 => testing::push_instruction(lua, index(), place).map(|_| ()),
        3 => testing::push_constant(lua, index(), place).map(|_| ()),
        4 => testing::push_local_name(lua, index(), place, count()).map(|_| ()),
        5 => {
            testing::main_index(lua, index(), index());
            testing::string_hash(lua, index());
            testing::table_size(lua, index());
            Ok(())
        }
        6 => {
            testing::color(lua, index());
            testing::function_size(lua, index());
            testing::count_objects(lua, lua_type());
            testing::count_blocks(lua);
            Ok(())
        }
        7 => {
            use testing::Phase;
            testing::run_collector_to(lua, one_of(&[Phase::Propagate, Phase::Atomic, Phase::SweepAll, Phase::Pause]));
            Ok(())
        }
        _ => {
            testing::check_memory(lua);
            Ok(())
        }
    }
}

fn read(lua: &mut LuaState) -> LuaResult<()> {
    let (a, b) = (index(), index());
    lua.raw_equal(a, b);
    lua.raw_len(a);
    lua.to_pointer(b);
    lua.to_integer(a);
    lua.to_number(b);
    lua.to_boolean(a);
    lua.to_userdata(a);
    lua.to_light_userdata(b);
    lua.to_native_function(a);
    drop(std::hint::black_box(lua.str_at(b).map(<[u8]>::to_vec)));
    let kinds = [
        lua.is_boolean(a),
        lua.is_function(a),
        lua.is_integer(a),
        lua.is_light_userdata(a),
        lua.is_native_function(a),
        lua.is_nil(a),
        lua.is_none(a),
        lua.is_none_or_nil(a),
        lua.is_number(a),
        lua.is_plain_table(a),
        lua.is_string(a),
        lua.is_table(a),
        lua.is_thread(a),
        lua.is_userdata(a),
    ];
    assert!(!lua.is_none(a) || !kinds.iter().enumerate().any(|(i, &kind)| kind && i != 6 && i != 7));
    assert_eq!(lua.type_name_at(a), lua.lua_type(a).name());
    match below(8) {
        0 => lua.to_str(a).map(|_| ()),
        1 => lua.compare(a, b, compare_op()).map(|_| ()),
        2 => lua.arith(arith_op()),
        3 => lua.len_i(a).map(|_| ()),
        4 => lua.push_tostring(b).map(|_| ()),
        5 => lua.push_plain_text(b),
        6 => {
            let _ = lua.status();
            lua.version();
            lua.get_allocf();
            lua.extra_space().set(lua.gc_count());
            Ok(())
        }
        _ => lua.concat(count()),
    }
}

fn loading(lua: &mut LuaState) -> LuaResult<()> {
    match below(7) {
        0 | 1 => {
            let _ = lua.load_bytes(chunk().as_bytes(), name().as_bytes(), load_mode());
        }
        2 => {
            let _ = lua.load_str(chunk());
        }
        3 => {
            let _ = lua.do_str(chunk());
        }
        4 => {
            let _ = lua.load(&mut WildReader::new(chunk().as_bytes()), b"=pieces", load_mode());
        }
        5 => {
            // A function of a function's bytes, some of which may be wrong.
            let _ = lua.load_bytes(chunk().as_bytes(), b"=binary", LoadMode::TEXT);
            let mut writer = WildWriter(Vec::new());
            let dumped = lua.dump(&mut writer, chance(2));
            if chance(3) && !writer.0.is_empty() {
                let at = below(writer.0.len() as u64) as usize;
                writer.0[at] ^= 1 << below(8);
            }
            if chance(2) {
                let _ = lua.load(&mut WildReader::new(&writer.0), b"=binary", load_mode());
            } else {
                let _ = lua.load_bytes(&writer.0, b"=binary", load_mode());
            }
            return dumped.map(|_| ());
        }
        _ => {
            let _ = perilune_vm::list(lua, &mut String::new(), chance(2));
        }
    }
    Ok(())
}

fn garbage(lua: &mut LuaState) -> LuaResult<()> {
    match below(7) {
        0 => lua.gc_collect(),
        1 => lua.gc_step(if chance(10) { one_of(&[i32::MAX, i32::MIN]) } else { below(50) as i32 }).map(|_| ()),
        2 => {
            lua.gc_set_pause(if chance(10) { one_of(&[i32::MAX, i32::MIN]) } else { below(300) as i32 });
            lua.gc_set_step_mul(if chance(10) { one_of(&[i32::MAX, i32::MIN]) } else { below(3000) as i32 });
            Ok(())
        }
        3 => {
            lua.gc_stop();
            Ok(())
        }
        4 => lua.without_gc_steps(|lua| {
            maybe_panic(60);
            act(lua)
        }),
        5 => {
            stale::starve(below(30) as u32);
            Ok(())
        }
        _ => {
            lua.gc_restart();
            assert!(lua.gc_is_running());
            Ok(())
        }
    }
}

const LIBRARY: &[(&str, NativeFn)] = &[("wild", wild), ("__gc", wild), ("__index", wild)];

fn helpers(lua: &mut LuaState) -> LuaResult<()> {
    match below(14) {
        0 => lua.ref_(index()).map(|_| ()),
        1 => lua.unref(index(), small()),
        2 => lua.get_subtable(index(), name()).map(|_| ()),
        3 => lua.new_metatable(name()).map(|_| ()),
        4 => lua.set_registered_metatable(name()),
        5 => {
            lua.test_userdata(index(), name());
            Ok(())
        }
        6 => {
            lua.at_panic(chance(2).then_some(wild));
            Ok(())
        }
        7 => lua.register(one_of(&["wild", "x"]), wild),
        8 => lua.new_lib(LIBRARY),
        9 => lua.new_lib_table(LIBRARY),
        10 => lua.set_funcs(LIBRARY, count()),
        11 => lua.require_f(name(), wild, chance(2)),
        12 => {
            lua.error_to_top(thrown());
            Ok(())
        }
        _ => Err(lua.error()),
    }
}

fn arguments(lua: &mut LuaState) -> LuaResult<()> {
    let arg = index();
    match below(17) {
        0 => lua.check_option(arg, chance(2).then_some("a"), &["a", "b", "x"]).map(|_| ()),
        1 => Err(lua.arg_error(arg, "wild")),
        2 => Err(lua.raise(format_args!("wild {Text}"))),
        3 => lua.opt(arg, 0, LuaState::check_integer).map(|_| ()),
        4 => lua.check_type(arg, lua_type()),
        5 => lua.check_integer(arg).map(|_| ()),
        6 => lua.check_number(arg).map(|_| ()),
        7 => lua.check_str(arg).map(|text| drop(format!("{text:?} {}", text.len()))),
        8 => lua.opt_integer(arg, 1).map(|_| ()),
        9 => lua.opt_number(arg, 1.0).map(|_| ()),
        10 => lua.opt_str(arg).map(|_| ()),
        11 => lua.check_any(arg),
        12 => lua.arg_check(chance(2), arg, "\u{263e}"),
        13 => Err(lua.arg_error_bytes(arg, &bytes())),
        14 => Err(lua.type_error(arg, name())),
        15 => lua.check_userdata(arg, name()).map(|_| ()),
        _ => Err(lua.raise_plain(format_args!("plain {}", below(10)))),
    }
}

fn values(lua: &mut LuaState) -> LuaResult<()> {
    match below(9) {
        0..3 => lua.push_userdata(Value::new()),
        3 => lua.push_userdata(Plain([7; 24])),
        4 => {
            assert!(lua.userdata_ref::<Value>(index()).is_none_or(Value::is_whole));
            assert!(lua.userdata_ref::<Plain>(index()).is_none_or(|plain| plain.0 == [7; 24]));
            Ok(())
        }
        5 => {
            if let Some(value) = lua.userdata_mut::<Value>(index()) {
                *value = Value::new();
            }
            Ok(())
        }
        6 => lua.check_userdata_ref::<Value>(index()).map(|value| assert!(value.is_whole())),
        7 => lua.check_userdata_mut::<Plain>(index()).map(|plain| plain.0 = [7; 24]),
        _ => {
            let value = lua.take_userdata::<Value>(index());
            survives(|| drop(value));
            Ok(())
        }
    }
}

/// Runs something in a state from its base, as a host does.
pub fn from_the_base(lua: &mut LuaState) {
    let _using = Using::begin(lua);
    match below(5) {
        0 => {
            let _ = act(lua);
        }
        1 => {
            let _ = lua.push_native(wild);
            let _ = lua.pcall(0, -1, 0);
        }
        2 => {
            let _ = lua.push_native(wild);
            let _ = lua.call(0, results());
        }
        _ => {
            let _ = lua.load_bytes(chunk().as_bytes(), b"=chunk", LoadMode::ANY);
            for _ in 0..3 {
                let _ = lua.push_native(wild);
            }
            let status = lua.pcall(3, results(), 0);
            assert!(status != Status::Yield && held(lua) < 2_000_000);
        }
    }
    if chance(3) {
        let _ = lua.set_top(0);
    }
}
