//! The format of a precompiled chunk.
//!
//! It begins as the reference implementation's chunks do: the signature, the version, the sizes of its types, two
//! numbers that show the byte order and the float format, and the number of upvalues. Then comes a mark of our own, since
//! the instructions that follow are ours alone. Numbers are in the machine's byte order.

/// The first byte of a chunk; the loader takes it to tell chunks from text.
pub(super) const FIRST_BYTE: u8 = 0x1b;
/// The rest of the signature.
pub(super) const SIGNATURE: &[u8] = b"Lua";
/// The version of the language.
#[doc(alias = "LUAC_VERSION")]
pub(super) const VERSION: u8 = 0x53;
/// The format's number: the official one.
#[doc(alias = "LUAC_FORMAT")]
pub(super) const FORMAT: u8 = 0;
/// Bytes that a careless copy would change.
#[doc(alias = "LUAC_DATA")]
pub(super) const DATA: &[u8] = b"\x19\x93\r\n\x1a\n";
/// The sizes of types, in bytes, and how messages name them.
pub(super) const SIZES: [(u8, &str); 5] =
    [(4, "int"), (8, "size_t"), (4, "Instruction"), (8, "lua_Integer"), (8, "lua_Number")];
/// An integer that shows the byte order.
#[doc(alias = "LUAC_INT")]
pub(super) const INTEGER: i64 = 0x5678;
/// A float that shows the format of floats.
#[doc(alias = "LUAC_NUM")]
pub(super) const FLOAT: f64 = 370.5;

/// What tells our functions from others: as a string's length, which would stand here, it would be absurdly large. The
/// last byte is the version of the instruction set.
pub(super) const MARK: &[u8] = b"\xffPerilun\x04";

/// How constants are marked.
pub(super) mod constant {
    /// nil
    pub(in crate::chunk) const NIL: u8 = 0;
    /// A boolean; one byte follows.
    pub(in crate::chunk) const BOOLEAN: u8 = 1;
    /// A float; eight bytes follow.
    pub(in crate::chunk) const FLOAT: u8 = 3;
    /// A string; it follows.
    pub(in crate::chunk) const STRING: u8 = 4;
    /// An integer; eight bytes follow.
    pub(in crate::chunk) const INTEGER: u8 = 0x13;
    /// A long string; it follows.
    pub(in crate::chunk) const LONG_STRING: u8 = 0x14;
}

/// A string's length byte that says that eight bytes with the length follow.
pub(super) const LONG_LENGTH: u8 = 0xff;
/// How deep functions may be nested.
pub(super) const MAX_DEPTH: usize = 200;
