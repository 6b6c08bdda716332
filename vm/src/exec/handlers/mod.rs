//! The handlers of all instructions, by family.
//!
//! A handler reads like its row in the opcode table: operands, a fast path of a few lines, and one named slow path. The rules
//! are I1 to I4 of the engine (`interp`). In a handler no local's address may escape and nothing may have to be dropped, or
//! its tail call is lost; what needs that stands in a function that is never inlined.

use super::interp::Handler;
use crate::opcode::Op;

/// Defines handlers in the form that the build chose.
macro_rules! handlers {
    ($($(#[$meta:meta])* fn $name:ident($m:ident) $body:block)*) => { $(
        $(#[$meta])*
        #[cfg(all(perilune_tail, target_arch = "x86_64"))]
        pub(in crate::exec) unsafe extern "sysv64-unwind" fn $name(
            lua: *mut Thread, pc: *const Instruction, base: *mut TValue, ci: *mut CallInfo, dispatch: *const Dispatch,
        ) {
            let $m = Machine { lua, pc, base, ci, dispatch };
            // SAFETY: I1, I2.
            unsafe { $body }
        }

        $(#[$meta])*
        #[cfg(all(perilune_tail, not(target_arch = "x86_64")))]
        pub(in crate::exec) unsafe extern "C-unwind" fn $name(
            lua: *mut Thread, pc: *const Instruction, base: *mut TValue, ci: *mut CallInfo, dispatch: *const Dispatch,
        ) {
            let $m = Machine { lua, pc, base, ci, dispatch };
            // SAFETY: I1, I2.
            unsafe { $body }
        }

        $(#[$meta])*
        #[cfg(not(perilune_tail))]
        pub(in crate::exec) unsafe fn $name(
            lua: *mut Thread, pc: *const Instruction, base: *mut TValue, ci: *mut CallInfo, dispatch: *const Dispatch,
        ) -> Flow {
            let $m = Machine { lua, pc, base, ci, dispatch };
            // SAFETY: I1, I2.
            unsafe { $body }
        }
    )* };
}

/// Ends a handler: the next word's handler goes on.
#[cfg(perilune_tail)]
macro_rules! next {
    ($m:expr) => {{
        let m: Machine = $m;
        return (*m.dispatch).handler((*m.pc).op())(m.lua, m.pc.add(1), m.base, m.ci, m.dispatch);
    }};
}
#[cfg(not(perilune_tail))]
macro_rules! next {
    ($m:expr) => {
        return Flow::Next($m)
    };
}

/// Ends a handler: another handler goes on with the same word.
#[cfg(perilune_tail)]
macro_rules! goto {
    ($m:expr, $handler:expr) => {{
        let m: Machine = $m;
        return $handler(m.lua, m.pc, m.base, m.ci, m.dispatch);
    }};
}
#[cfg(not(perilune_tail))]
macro_rules! goto {
    ($m:expr, $handler:expr) => {
        return Flow::again($m, $handler)
    };
}

/// Ends a handler: the loop is left.
#[cfg(perilune_tail)]
macro_rules! leave {
    () => {
        return
    };
}
#[cfg(not(perilune_tail))]
macro_rules! leave {
    () => {
        return Flow::Done
    };
}

/// Defines slow paths: each saves the state, calls its function, and goes on with what that returns (I2, I3).
///
/// `closed` ones set the top to the frame's limit first, as the collector and calls want it (H2); `open` ones leave it to
/// their function, since the instruction may take a variable number of values up to the top.
macro_rules! slow_paths {
    ($($kind:ident $name:ident => $function:path;)*) => { handlers! { $(
        #[inline(never)]
        fn $name(m) {
            /// Never inlined: an address that escapes from a local in there would cost this handler its tail call.
            #[inline(never)]
            unsafe fn run(lua: *mut Thread) -> *mut Thread {
                // SAFETY: I1, as the handler's.
                unsafe { $function(lua) }
            }
            m.save();
            slow_paths!(@top $kind m);
            let next = run(m.lua);
            if next.is_null() {
                leave!();
            }
            next!(Machine::load(next))
        }
    )* } };
    (@top closed $m:ident) => { (*$m.lua).top.set((*$m.ci).top.get()) };
    (@top open $m:ident) => {};
}

mod arith;
mod call;
mod compare;
mod concat;
mod field;
mod find;
mod for_loop;
mod load;
mod tail_call;
mod trace;

pub(super) use trace::{op_interrupt, op_trace};

/// The handler of an operation. A new row of the opcode table does not compile until it stands here.
pub(super) const fn handler_of(op: Op) -> Handler {
    match op {
        Op::Move => load::op_move,
        Op::LoadI => load::op_load_i,
        Op::LoadF => load::op_load_f,
        Op::LoadK => load::op_load_k,
        Op::LoadFalse => load::op_load_false,
        Op::LFalseSkip => load::op_load_false_skip,
        Op::LoadTrue => load::op_load_true,
        Op::LoadNil => load::op_load_nil,
        Op::GetUpval => load::op_get_upval,
        Op::SetUpval => load::op_set_upval,
        Op::GetTabUp => field::op_get_tab_up,
        Op::GetTable => field::op_get_table,
        Op::GetI => field::op_get_i,
        Op::GetField => field::op_get_field,
        Op::SetTabUp => field::op_set_tab_up,
        Op::SetTabUpK => field::op_set_tab_up_k,
        Op::SetTable => field::op_set_table,
        Op::SetTableK => field::op_set_table_k,
        Op::SetI => field::op_set_i,
        Op::SetIK => field::op_set_i_k,
        Op::SetField => field::op_set_field,
        Op::SetFieldK => field::op_set_field_k,
        Op::NewTable => field::op_new_table,
        Op::SelfField => field::op_self_field,
        Op::Add => arith::op_add,
        Op::Sub => arith::op_sub,
        Op::Mul => arith::op_mul,
        Op::Mod => arith::op_mod,
        Op::Pow => arith::op_pow,
        Op::Div => arith::op_div,
        Op::IDiv => arith::op_idiv,
        Op::BAnd => arith::op_band,
        Op::BOr => arith::op_bor,
        Op::BXor => arith::op_bxor,
        Op::Shl => arith::op_shl,
        Op::Shr => arith::op_shr,
        Op::AddK => arith::op_add_k,
        Op::SubK => arith::op_sub_k,
        Op::MulK => arith::op_mul_k,
        Op::ModK => arith::op_mod_k,
        Op::PowK => arith::op_pow_k,
        Op::DivK => arith::op_div_k,
        Op::IDivK => arith::op_idiv_k,
        Op::BAndK => arith::op_band_k,
        Op::BOrK => arith::op_bor_k,
        Op::BXorK => arith::op_bxor_k,
        Op::ShlK => arith::op_shl_k,
        Op::ShrK => arith::op_shr_k,
        Op::KSub => arith::op_k_sub,
        Op::KDiv => arith::op_k_div,
        Op::AddKF => arith::op_add_kf,
        Op::SubKF => arith::op_sub_kf,
        Op::MulKF => arith::op_mul_kf,
        Op::DivKF => arith::op_div_kf,
        Op::KFSub => arith::op_kf_sub,
        Op::KFDiv => arith::op_kf_div,
        Op::AddI => arith::op_add_i,
        Op::MulI => arith::op_mul_i,
        Op::ModI => arith::op_mod_i,
        Op::IDivI => arith::op_idiv_i,
        Op::BAndI => arith::op_band_i,
        Op::ShlI => arith::op_shl_i,
        Op::ShrI => arith::op_shr_i,
        Op::Unm => arith::op_unm,
        Op::BNot => arith::op_bnot,
        Op::Not => load::op_not,
        Op::Len => concat::op_len,
        Op::Concat => concat::op_concat,
        Op::Close => load::op_close,
        Op::Jmp => for_loop::op_jmp,
        Op::Eq => compare::op_eq,
        Op::NotEq => compare::op_not_eq,
        Op::Lt => compare::op_lt,
        Op::NotLt => compare::op_not_lt,
        Op::Le => compare::op_le,
        Op::NotLe => compare::op_not_le,
        Op::EqP => compare::op_eq_p,
        Op::NotEqP => compare::op_not_eq_p,
        Op::EqS => compare::op_eq_s,
        Op::NotEqS => compare::op_not_eq_s,
        Op::EqK => compare::op_eq_k,
        Op::NotEqK => compare::op_not_eq_k,
        Op::EqI => compare::op_eq_i,
        Op::NotEqI => compare::op_not_eq_i,
        Op::LtI => compare::op_lt_i,
        Op::NotLtI => compare::op_not_lt_i,
        Op::LeI => compare::op_le_i,
        Op::NotLeI => compare::op_not_le_i,
        Op::GtI => compare::op_gt_i,
        Op::NotGtI => compare::op_not_gt_i,
        Op::GeI => compare::op_ge_i,
        Op::NotGeI => compare::op_not_ge_i,
        Op::Test => compare::op_test,
        Op::NotTest => compare::op_not_test,
        Op::TestSet => compare::op_test_set,
        Op::NotTestSet => compare::op_not_test_set,
        Op::Call => call::op_call,
        Op::TailCall => tail_call::op_tail_call,
        Op::Return => call::op_return,
        Op::Return0 => call::op_return0,
        Op::Return1 => call::op_return1,
        Op::ForPrep => for_loop::op_for_prep,
        Op::ForLoop => for_loop::op_for_loop,
        Op::TForCall => for_loop::op_tfor_call,
        Op::TForLoop => for_loop::op_tfor_loop,
        Op::SetList => field::op_set_list,
        Op::Closure => load::op_closure,
        Op::VarArg => load::op_vararg,
    }
}

/// The handler for a thread with hooks: calls and returns take their slow paths, which run the hooks, and loops do not do the work of
/// two instructions at once.
const fn slow_handler_of(op: Op) -> Handler {
    match op {
        Op::Call => call::slow_call,
        Op::TailCall => tail_call::slow_tail_call,
        Op::ForPrep => for_loop::slow_for_prep,
        Op::TForCall => for_loop::slow_tfor_call,
        Op::Return | Op::Return0 | Op::Return1 => call::slow_return,
        op => handler_of(op),
    }
}
