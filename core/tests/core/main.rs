//! Tests of the heap from outside.

#[path = "../common/mod.rs"]
mod common;
mod gc;
mod graphs;
mod heap;
mod rooted;
mod slices;
mod strings;
mod tables;
