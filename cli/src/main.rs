//! The perilune program.
fn main() {}
