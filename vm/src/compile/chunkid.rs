//! The short form of a chunk's name, for messages.

/// The size of the buffer, a closing NUL of the C interface included.
#[doc(alias = "LUA_IDSIZE")]
const ID_SIZE: usize = 60;

/// Writes the printable form of a source name to `out` and returns its length, which is at most 59.
///
/// `=name` gives the name, cut at its end; `@file` gives the file name, cut at its start; anything else is
/// the program text itself and gives `[string "first line..."]`.
#[doc(alias = "luaO_chunkid")]
pub(crate) fn chunk_id(source: &[u8], out: &mut [u8; ID_SIZE]) -> usize {
    const MAX: usize = ID_SIZE - 1;
    const DOTS: &[u8] = b"...";
    const OPEN: &[u8] = b"[string \"";
    const CLOSE: &[u8] = b"\"]";
    let mut len = 0;
    let mut add = |part: &[u8]| {
        out[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    };
    match source.split_first() {
        Some((b'=', name)) => add(&name[..name.len().min(MAX)]),
        Some((b'@', name)) if name.len() <= MAX => add(name),
        Some((b'@', name)) => {
            add(DOTS);
            add(&name[name.len() - (MAX - DOTS.len())..]);
        }
        _ => {
            let room = MAX - OPEN.len() - DOTS.len() - CLOSE.len();
            let line_end = source.iter().position(|&byte| byte == b'\n');
            add(OPEN);
            if line_end.is_none() && source.len() < room {
                add(source);
            } else {
                add(&source[..line_end.unwrap_or(source.len()).min(room)]);
                add(DOTS);
            }
            add(CLOSE);
        }
    }
    len
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::chunk_id;
    use std::string::String;

    fn id(source: &str) -> String {
        let mut out = [0; 60];
        let len = chunk_id(source.as_bytes(), &mut out);
        String::from_utf8_lossy(&out[..len]).into_owned()
    }

    #[test]
    fn forms() {
        assert_eq!(id("=stdin"), "stdin");
        assert_eq!(id("@a.lua"), "a.lua");
        assert_eq!(id(""), "[string \"\"]");
        assert_eq!(id("return 1"), "[string \"return 1\"]");
        assert_eq!(id("a\nb"), "[string \"a...\"]");
    }

    #[test]
    fn long_names_are_cut() {
        let name = "x".repeat(59);
        assert_eq!(id(&(String::from("=") + &name)), name);
        assert_eq!(id(&(String::from("=") + &name + "y")), name);
        assert_eq!(id(&(String::from("@") + &name)), name);
        assert_eq!(id(&(String::from("@y") + &name)), String::from("...") + &name[3..]);
        assert_eq!(id(&"x".repeat(44)), std::format!("[string \"{}\"]", &name[..44]));
        assert_eq!(id(&"x".repeat(45)), std::format!("[string \"{}...\"]", &name[..45]));
        assert_eq!(id(&"x".repeat(99)), std::format!("[string \"{}...\"]", &name[..45]));
    }
}
