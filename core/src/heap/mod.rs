//! Everything that may allocate: accounting, creation of objects, growth of tables and stacks.
//!
//! A function here may run an emergency collection. So whatever the caller needs afterwards must be reachable from a root
//! (G1), and a pointer into a stack is stale after a call that may grow that stack (H5).

