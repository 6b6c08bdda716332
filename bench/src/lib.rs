//! Benchmarks of the Perilune runtime, and [`lab`], the allocator lab.

pub mod lab;
