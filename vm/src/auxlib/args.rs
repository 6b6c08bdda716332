//! Checking the arguments of native functions (manual §5.1), and the messages when they are wrong.

use core::fmt::Write;

use perilune_core::LuaType;

use super::FixedBuf;
use crate::api::LuaStr;
use crate::debug::messages::push_pieces;
use crate::error::{LuaResult, Thrown};
use crate::state::LuaState;

/// The decimal digits of a number.
fn digits(n: i32) -> FixedBuf<16> {
    let mut text = FixedBuf::new();
    // A truncating buffer takes everything.
    let _ = write!(text, "{n}");
    text
}

/// Errors about arguments.
impl LuaState {
    /// Raises an error that says what is wrong with an argument of the running native function.
    #[doc(alias = "luaL_argerror")]
    pub fn arg_error(&mut self, arg: i32, msg: &str) -> Thrown {
        self.arg_error_bytes(arg, msg.as_bytes())
    }

    /// The same with a message that need not be UTF-8. If it is a slice of a Lua string, that must stay on the stack.
    pub fn arg_error_bytes(&mut self, arg: i32, msg: &[u8]) -> Thrown {
        match self.push_arg_message(arg, msg) {
            Ok(()) => self.error(),
            Err(thrown) => thrown,
        }
    }

    fn push_arg_message(&mut self, mut arg: i32, msg: &[u8]) -> LuaResult<()> {
        let Some(activation) = self.get_stack(0) else {
            return self.push_located(&[b"bad argument #", digits(arg).as_bytes(), b" (", msg, b")"]);
        };
        let info = self.get_info("n", Some(activation))?;
        // SAFETY: O2: the calling function, which the name belongs to, is on the stack.
        let mut name = info.name.map(|name| unsafe { name.bytes() });
        if info.name_what == "method" {
            arg -= 1;
            if arg == 0 {
                let name = name.unwrap_or(b"?");
                return self.push_located(&[b"calling '", name, b"' on bad self (", msg, b")"]);
            }
        }
        if name.is_none() {
            self.get_info("f", Some(activation))?;
            if self.name_global_function()?
                && let Some(found) = self.to_str(-1)?
            {
                // SAFETY: the name stays on the stack until the message is made.
                name = Some(unsafe { found.bytes() });
            }
        }
        let name = name.unwrap_or(b"?");
        self.push_located(&[b"bad argument #", digits(arg).as_bytes(), b" to '", name, b"' (", msg, b")"])
    }

    /// Pushes the position of the caller of the running native function and pieces of text behind it, as one string.
    fn push_located(&mut self, pieces: &[&[u8]]) -> LuaResult<()> {
        self.where_(1)?;
        push_pieces(self, pieces)?;
        self.concat(2)
    }

    /// Raises an error that says which type was expected of an argument, and which it has.
    #[doc(alias = "luaL_typeerror")]
    pub fn type_error(&mut self, arg: i32, tname: &str) -> Thrown {
        match self.push_type_message(arg, tname) {
            Ok(message) => {
                // SAFETY: the message stays on the stack.
                self.arg_error_bytes(arg, unsafe { message.bytes() })
            }
            Err(thrown) => thrown,
        }
    }

    fn push_type_message(&mut self, arg: i32, tname: &str) -> LuaResult<LuaStr> {
        let arg = self.abs_index(arg);
        let found = self.get_meta_field(arg, "__name")?;
        let type_name = if found == LuaType::String {
            // SAFETY: the name stays on the stack.
            self.to_str(-1)?.map_or(&b"?"[..], |name| unsafe { name.bytes() })
        } else if self.is_light_userdata(arg) {
            b"light userdata"
        } else {
            self.type_name_at(arg).as_bytes()
        };
        push_pieces(self, &[tname.as_bytes(), b" expected, got ", type_name])?;
        self.to_str(-1)?.ok_or(Thrown::Runtime)
    }

    /// Raises an error about an argument unless the condition holds.
    #[doc(alias = "luaL_argcheck")]
    #[inline]
    pub fn arg_check(&mut self, cond: bool, arg: i32, msg: &str) -> LuaResult<()> {
        if cond { Ok(()) } else { Err(self.arg_error(arg, msg)) }
    }
}

/// Arguments of a given type.
impl LuaState {
    /// An argument that must be an integer or convertible to one.
    #[doc(alias = "luaL_checkinteger")]
    #[inline]
    pub fn check_integer(&mut self, arg: i32) -> LuaResult<i64> {
        match self.to_integer(arg) {
            Some(i) => Ok(i),
            None => Err(self.integer_error(arg)),
        }
    }

    #[cold]
    #[inline(never)]
    fn integer_error(&mut self, arg: i32) -> Thrown {
        if self.is_number(arg) {
            self.arg_error(arg, "number has no integer representation")
        } else {
            self.type_error(arg, "number")
        }
    }

    /// The same; `def` if the argument is nil or absent.
    #[doc(alias = "luaL_optinteger")]
    #[inline]
    pub fn opt_integer(&mut self, arg: i32, def: i64) -> LuaResult<i64> {
        if self.is_none_or_nil(arg) { Ok(def) } else { self.check_integer(arg) }
    }

    /// An argument that must be a number or convertible to one.
    #[doc(alias = "luaL_checknumber")]
    #[inline]
    pub fn check_number(&mut self, arg: i32) -> LuaResult<f64> {
        match self.to_number(arg) {
            Some(n) => Ok(n),
            None => Err(self.type_error(arg, "number")),
        }
    }

    /// The same; `def` if the argument is nil or absent.
    #[doc(alias = "luaL_optnumber")]
    #[inline]
    pub fn opt_number(&mut self, arg: i32, def: f64) -> LuaResult<f64> {
        if self.is_none_or_nil(arg) { Ok(def) } else { self.check_number(arg) }
    }

    /// An argument that must be a string; a number is converted in place.
    #[doc(alias = "luaL_checklstring")]
    #[doc(alias = "luaL_checkstring")]
    #[inline]
    pub fn check_str(&mut self, arg: i32) -> LuaResult<LuaStr> {
        match self.to_str(arg)? {
            Some(s) => Ok(s),
            None => Err(self.type_error(arg, "string")),
        }
    }

    /// The same; `None` if the argument is nil or absent.
    #[doc(alias = "luaL_optlstring")]
    #[doc(alias = "luaL_optstring")]
    #[inline]
    pub fn opt_str(&mut self, arg: i32) -> LuaResult<Option<LuaStr>> {
        if self.is_none_or_nil(arg) { Ok(None) } else { self.check_str(arg).map(Some) }
    }

    /// What `check` makes of an argument, or `def` if the argument is nil or absent:
    /// `lua.opt(2, 1, LuaState::check_integer)` is the same as `lua.opt_integer(2, 1)`.
    #[doc(alias = "luaL_opt")]
    #[inline]
    pub fn opt<T>(&mut self, arg: i32, def: T, check: impl FnOnce(&mut LuaState, i32) -> LuaResult<T>) -> LuaResult<T> {
        if self.is_none_or_nil(arg) { Ok(def) } else { check(self, arg) }
    }

    /// An argument that must be there, nil included.
    #[doc(alias = "luaL_checkany")]
    pub fn check_any(&mut self, arg: i32) -> LuaResult<()> {
        if self.is_none(arg) { Err(self.arg_error(arg, "value expected")) } else { Ok(()) }
    }

    /// An argument that must be of a type.
    #[doc(alias = "luaL_checktype")]
    #[inline]
    pub fn check_type(&mut self, arg: i32, t: LuaType) -> LuaResult<()> {
        if self.lua_type(arg) == t { Ok(()) } else { Err(self.type_error(arg, t.name())) }
    }

    /// An argument that must be one of some words: returns which. If it is nil or absent, `def` stands for it, if given.
    #[doc(alias = "luaL_checkoption")]
    pub fn check_option(&mut self, arg: i32, def: Option<&str>, list: &[&str]) -> LuaResult<usize> {
        let bytes = match def {
            Some(def) if self.is_none_or_nil(arg) => def.as_bytes(),
            // SAFETY: the argument stays on the stack.
            _ => unsafe { self.check_str(arg)?.bytes() },
        };
        // As in C, a name ends before its first NUL.
        let name = bytes.split(|&b| b == 0).next().unwrap_or(b"");
        match list.iter().position(|word| word.as_bytes() == name) {
            Some(i) => Ok(i),
            None => {
                push_pieces(self, &[b"invalid option '", name, b"'"])?;
                match self.to_str(-1)? {
                    // SAFETY: the message stays on the stack.
                    Some(message) => Err(self.arg_error_bytes(arg, unsafe { message.bytes() })),
                    None => Err(Thrown::Runtime),
                }
            }
        }
    }
}
