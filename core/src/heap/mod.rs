//! Everything that may allocate: accounting, creation of objects, growth of tables and stacks.
//!
//! A function here may run an emergency collection. So whatever the caller needs afterwards must be reachable from a
//! root (G1), and a pointer into a stack is stale after a call that may grow that stack (H5).
//!
//! Blocks that belong to an object have exactly these sizes, which the accounting relies on:
//!
//! | object | blocks |
//! |---|---|
//! | string, closures, userdata | the object, `size()` bytes |
//! | upvalue | the object |
//! | table | the object; `array_size` values, if any; `node_count` nodes, unless it has none |
//! | prototype | the object; if `code` is set, `CODE_PREFIX + code_len` words that begin `CODE_PREFIX` words before it; each of the other arrays with its own length |
//! | thread | the object; `stack_size` values; each frame after the first three by itself |

mod memory;
mod new;
mod stack;
mod state;
mod strings;
mod tables;
