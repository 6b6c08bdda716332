//! The I/O library (manual §6.8), over the C library's streams.
//!
//! The C library's `FILE` gives exactly the modes, buffering and look-ahead that the manual speaks of, and shares the
//! standard streams with `print` and with a C host. Its fixed buffers are its own; what is read grows in the state's memory.
//! Any allocation may run finalizers, which may close any file: so a `FILE *` is fetched from its stream again after
//! each of them (L4).

mod library;
mod read;
mod stream;
mod write;

pub use library::open_io;
pub use stream::{FILE_HANDLE, Stream, new_stream};
