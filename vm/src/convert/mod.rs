//! Numbers: from and to text, between integer and float, their arithmetic where Rust's differs, and exact comparison.
//!
//! Nothing here allocates, raises or touches a state; text goes to and comes from the caller's bytes.

pub mod decimal;
pub mod float;
mod number;
mod parse;
mod print;

pub use number::{
    FloatToInt, float_idiv, float_mod, float_to_integer, float_to_integer_mode, int_idiv, int_mod, le_float_int,
    le_int_float, lt_float_int, lt_int_float, natural_mod, shift_left,
};
pub(crate) use number::{to_integer, to_integer_mode, to_number};
pub use parse::str_to_number;
pub use print::{NUMBER_BUF, float_to_buf, integer_to_buf, number_to_buf};
