//! Standard library.
