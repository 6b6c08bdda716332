//! The interactive mode: read a line, evaluate it, print its values, again.
//!
//! On a terminal, lines are edited and remembered; otherwise they are read as they come, from the same buffer that
//! `io.read` uses, and the prompts are printed all the same, as the reference does.

use std::io::IsTerminal;
use std::path::PathBuf;

use perilune_stdlib::stdio::{end_stdout_line, flush_stdout, read_stdin_line, write_stdout};
use perilune_vm::{LoadMode, LuaResult, LuaState, MULTRET, Status};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::report::{call, message, report, text_at_top};

/// What the name of chunks that were typed is.
const CHUNK_NAME: &[u8] = b"=stdin";
/// What ends the message of a syntax error that more input could mend.
const END_MARK: &[u8] = b"<eof>";
/// The file in the home directory that keeps what was typed.
const HISTORY_FILE: &str = ".perilune_history";

/// Which prompt is shown.
#[derive(Clone, Copy)]
enum Prompt {
    /// For a new statement.
    First,
    /// For its continuation.
    Next,
}

/// What came when a line was asked for.
enum Input {
    Line(Vec<u8>),
    /// Ctrl-C: forget what was typed so far.
    Cancelled,
    End,
}

/// Where lines come from.
enum Lines {
    Plain,
    Terminal { editor: Box<DefaultEditor>, history: Option<PathBuf> },
}

impl Lines {
    /// The terminal if there is one on both sides, else plain reading.
    fn open() -> Self {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Self::Plain;
        }
        let Ok(mut editor) = DefaultEditor::new() else { return Self::Plain };
        let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(HISTORY_FILE));
        if let Some(path) = &history {
            // The first time there is no such file.
            let _ = editor.load_history(path);
        }
        Self::Terminal { editor: Box::new(editor), history }
    }

    fn read(&mut self, prompt: &[u8]) -> Input {
        match self {
            Self::Plain => {
                write_stdout(prompt);
                flush_stdout();
                read_plain()
            }
            Self::Terminal { editor, .. } => {
                flush_stdout();
                match editor.readline(&*String::from_utf8_lossy(prompt)) {
                    Ok(line) => Input::Line(line.into_bytes()),
                    Err(ReadlineError::Interrupted) => Input::Cancelled,
                    Err(_) => Input::End,
                }
            }
        }
    }

    /// Remembers a complete statement.
    fn remember(&mut self, text: &[u8]) {
        if let Self::Terminal { editor, history } = self
            && !text.is_empty()
            && let Ok(text) = std::str::from_utf8(text)
        {
            // Without a place to write to, the history ends with the process.
            let _ = editor.add_history_entry(text);
            if let Some(path) = history {
                let _ = editor.append_history(path);
            }
        }
    }
}

/// Reads a line of any length, without its end.
fn read_plain() -> Input {
    let mut line = Vec::new();
    let mut piece = [0; 512];
    loop {
        let len = read_stdin_line(&mut piece);
        line.extend_from_slice(&piece[..len]);
        if line.last() == Some(&b'\n') {
            line.pop();
            return Input::Line(line);
        }
        if len < piece.len() {
            return if line.is_empty() { Input::End } else { Input::Line(line) };
        }
    }
}

/// The prompt, which scripts can set as a global.
#[doc(alias = "get_prompt")]
fn prompt_text(lua: &mut LuaState, prompt: Prompt) -> LuaResult<Vec<u8>> {
    let (global, default) = match prompt {
        Prompt::First => ("_PROMPT", &b"> "[..]),
        Prompt::Next => ("_PROMPT2", &b">> "[..]),
    };
    lua.get_global(global)?;
    lua.to_str(-1)?;
    let text = lua.str_at(-1).unwrap_or(default).to_vec();
    lua.pop(1);
    Ok(text)
}

fn read_line(lua: &mut LuaState, lines: &mut Lines, prompt: Prompt) -> LuaResult<Input> {
    let text = prompt_text(lua, prompt)?;
    Ok(lines.read(&text))
}

/// Whether the error on top says that the chunk ended too early; its message is popped then.
#[doc(alias = "incomplete")]
fn is_incomplete(lua: &mut LuaState, status: Status) -> bool {
    let incomplete = status == Status::ErrSyntax && lua.str_at(-1).is_some_and(|text| text.ends_with(END_MARK));
    if incomplete {
        lua.pop(1);
    }
    incomplete
}

/// Reads a statement or an expression and loads it; the function or the message is pushed. `None` at the end of input.
#[doc(alias = "loadline")]
fn load_input(lua: &mut LuaState, lines: &mut Lines) -> LuaResult<Option<Status>> {
    lua.set_top(0)?;
    let mut text = loop {
        match read_line(lua, lines, Prompt::First)? {
            Input::Line(line) => break line,
            Input::Cancelled => {}
            Input::End => return Ok(None),
        }
    };
    // `=expression` is how Lua 5.2 and older printed values.
    if text.first() == Some(&b'=') {
        text.splice(..1, *b"return ");
    }
    let expression = [b"return ", text.as_slice(), b";"].concat();
    if lua.load_bytes(&expression, CHUNK_NAME, LoadMode::ANY) == Status::Ok {
        lines.remember(&text);
        return Ok(Some(Status::Ok));
    }
    lua.pop(1);
    loop {
        let status = lua.load_bytes(&text, CHUNK_NAME, LoadMode::ANY);
        if !is_incomplete(lua, status) {
            lines.remember(&text);
            return Ok(Some(status));
        }
        match read_line(lua, lines, Prompt::Next)? {
            Input::Line(line) => {
                text.push(b'\n');
                text.extend_from_slice(&line);
            }
            Input::Cancelled => return load_input(lua, lines),
            Input::End => {
                let status = lua.load_bytes(&text, CHUNK_NAME, LoadMode::ANY);
                return Ok(Some(status));
            }
        }
    }
}

/// Prints all values on the stack through the global `print`.
#[doc(alias = "l_print")]
fn print_values(lua: &mut LuaState) -> LuaResult<()> {
    let count = lua.get_top();
    if count == 0 {
        return Ok(());
    }
    lua.ensure_stack(20, "too many results to print")?;
    lua.get_global("print")?;
    lua.insert(1);
    if lua.pcall(count as usize, 0, 0) != Status::Ok {
        let text = text_at_top(lua)?;
        message(None, &[b"error calling 'print' (", text.as_slice(), b")"].concat());
    }
    Ok(())
}

/// Runs the interactive mode until its input ends.
#[doc(alias = "doREPL")]
pub fn run(lua: &mut LuaState) -> LuaResult<()> {
    let mut lines = Lines::open();
    while let Some(mut status) = load_input(lua, &mut lines)? {
        if status == Status::Ok {
            status = call(lua, 0, MULTRET)?;
        }
        if status == Status::Ok {
            print_values(lua)?;
        } else {
            report(lua, None, status)?;
        }
    }
    lua.set_top(0)?;
    end_stdout_line();
    Ok(())
}
