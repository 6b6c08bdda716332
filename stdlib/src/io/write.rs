//! Writing: `file:write` and `io.write`.

use core::ptr::NonNull;

use perilune_vm::{LuaResult, LuaState, LuaType, NUMBER_BUF, float_to_buf, integer_to_buf};

use super::stream::{Stream, open_file};
use crate::result::file_result;

/// Writes the arguments from `first` on, up to the handle on top, which it returns.
#[doc(alias = "g_write")]
pub(super) fn write_values(lua: &mut LuaState, stream: NonNull<Stream>, first: i32) -> LuaResult<usize> {
    let mut success = true;
    for arg in first..lua.get_top() {
        let mut number = [0; NUMBER_BUF];
        let bytes = if lua.lua_type(arg) == LuaType::Number {
            number_text(lua, arg, &mut number)
        } else {
            // SAFETY: L1.
            unsafe { lua.check_str(arg)?.bytes() }
        };
        let file = open_file(lua, stream)?;
        // SAFETY: L4; the slice is valid for its length.
        success &= unsafe { libc::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), file) } == bytes.len();
    }
    if success { Ok(1) } else { file_result(lua, false, None) }
}

/// The text of the number at an index; unlike `tostring`, writing adds no `.0` to a float that has an integral value.
fn number_text<'a>(lua: &LuaState, idx: i32, text: &'a mut [u8; NUMBER_BUF]) -> &'a [u8] {
    if let (true, Some(integer)) = (lua.is_integer(idx), lua.to_integer(idx)) {
        let len = integer_to_buf(integer, text);
        return &text[..len];
    }
    let len = float_to_buf(lua.to_number(idx).unwrap_or(0.0), text);
    let text = &text[..len];
    text.strip_suffix(b".0").unwrap_or(text)
}
