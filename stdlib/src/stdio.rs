//! The standard streams of the process, as the C library buffers them.
//!
//! `print`, `io.write` and a C host share one buffer of standard output. Where there is no C `stdout` to share (off Unix),
//! Rust's own streams serve.

#[cfg(unix)]
pub(crate) use unix::{stderr, stdin, stdout};

#[cfg(unix)]
mod unix {
    use libc::FILE;

    // The names are the C library's variables; the Apple headers define them as macros.
    unsafe extern "C" {
        #[cfg_attr(target_vendor = "apple", link_name = "__stdinp")]
        #[cfg_attr(not(target_vendor = "apple"), link_name = "stdin")]
        static STDIN: *mut FILE;
        #[cfg_attr(target_vendor = "apple", link_name = "__stdoutp")]
        #[cfg_attr(not(target_vendor = "apple"), link_name = "stdout")]
        static STDOUT: *mut FILE;
        #[cfg_attr(target_vendor = "apple", link_name = "__stderrp")]
        #[cfg_attr(not(target_vendor = "apple"), link_name = "stderr")]
        static STDERR: *mut FILE;
    }

    /// Standard input.
    pub(crate) fn stdin() -> *mut FILE {
        // SAFETY: the C library sets the variable before the program starts and does not change it.
        unsafe { STDIN }
    }

    /// Standard output.
    pub(crate) fn stdout() -> *mut FILE {
        // SAFETY: as above.
        unsafe { STDOUT }
    }

    /// Standard error.
    pub(crate) fn stderr() -> *mut FILE {
        // SAFETY: as above.
        unsafe { STDERR }
    }
}

/// Writes bytes to standard output; errors are ignored, as `print` does.
#[doc(alias = "lua_writestring")]
pub fn write_stdout(bytes: &[u8]) {
    // SAFETY: standard output is open for the whole program, and the slice is valid for its length.
    #[cfg(unix)]
    unsafe {
        libc::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), stdout());
    }
    #[cfg(not(unix))]
    {
        use std::io::Write;
        // A failure to print is not an error in Lua.
        let _ = std::io::stdout().write_all(bytes);
    }
}

/// Ends a line on standard output and flushes it.
#[doc(alias = "lua_writeline")]
pub fn end_stdout_line() {
    write_stdout(b"\n");
    flush_stdout();
}

/// Flushes standard output.
pub fn flush_stdout() {
    // SAFETY: standard output is open for the whole program.
    #[cfg(unix)]
    unsafe {
        libc::fflush(stdout());
    }
    #[cfg(not(unix))]
    {
        use std::io::Write;
        // A failure to print is not an error in Lua.
        let _ = std::io::stdout().flush();
    }
}

/// Writes bytes to standard error.
#[doc(alias = "lua_writestringerror")]
pub fn write_stderr(bytes: &[u8]) {
    // SAFETY: standard error is open for the whole program, and the slice is valid for its length.
    #[cfg(unix)]
    unsafe {
        libc::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), stderr());
        libc::fflush(stderr());
    }
    #[cfg(not(unix))]
    {
        use std::io::Write;
        // There is nowhere left to report a failure to.
        let _ = std::io::stderr().write_all(bytes);
    }
}

/// Reads a line of standard input into `line`, as much as fits, and returns how many bytes came; 0 at the end.
#[doc(alias = "lua_readline")]
pub fn read_stdin_line(line: &mut [u8]) -> usize {
    let mut len = 0;
    while len < line.len() {
        let Some(byte) = read_stdin_byte() else { break };
        line[len] = byte;
        len += 1;
        if byte == b'\n' {
            break;
        }
    }
    len
}

/// The next byte of standard input, if there is one.
fn read_stdin_byte() -> Option<u8> {
    #[cfg(unix)]
    {
        // SAFETY: standard input is open for the whole program.
        u8::try_from(unsafe { libc::fgetc(stdin()) }).ok()
    }
    #[cfg(not(unix))]
    {
        use std::io::Read;
        let mut byte = [0];
        matches!(std::io::stdin().read(&mut byte), Ok(1)).then_some(byte[0])
    }
}
