//! The interpreters that are compared, and the machine on which they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is looked for if no interpreter is named; the first is the reference.
const PEERS: [&str; 5] = ["lua5.4", "lua5.3", "lua5.5", "luajit -joff", "luajit"];

/// An interpreter as it is run.
pub struct Interpreter {
    /// How tables name it.
    pub label: String,
    /// The program, and the arguments before the script's.
    pub command: Vec<String>,
    /// What it says of itself.
    pub version: String,
}

/// Where a command's program is; like the shell, names without a slash are looked up in `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        // Programs run in other folders, so a relative path must not depend on ours.
        return fs::canonicalize(program).ok();
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl Interpreter {
    /// The interpreter that a command means: words with blanks between them.
    pub fn of(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace().map(str::to_string);
        let program = words.next().ok_or("an interpreter's command is empty")?;
        let path = find(&program).ok_or_else(|| format!("{program} is not installed"))?;
        let mut command = vec![path.to_string_lossy().into_owned()];
        command.extend(words);
        let name = Path::new(&program).file_name().map_or(program.clone(), |name| name.to_string_lossy().into_owned());
        let label = command[1..].iter().fold(name, |label, word| label + " " + word);
        let output =
            Command::new(&command[0]).arg("-v").output().map_err(|error| format!("cannot run {text}: {error}"))?;
        // Old ones print it on standard error.
        let text = [output.stdout, output.stderr].concat();
        let version = String::from_utf8_lossy(&text).lines().next().unwrap_or("?").trim().to_string();
        Ok(Self { label, command, version })
    }

    /// Ours, as it was built beside this program.
    fn ours() -> Result<Self, String> {
        let beside = std::env::current_exe().ok().and_then(|file| Some(file.parent()?.join("perilune")));
        let ours = beside.filter(|file| file.is_file());
        let file = ours.ok_or("perilune is not built: cargo build --release -p perilune")?;
        Self::of(&file.to_string_lossy())
    }

    /// Ours, the reference and whatever else is installed; says which are not.
    pub fn installed() -> Result<Vec<Self>, String> {
        let mut all = vec![Self::ours()?];
        for (index, peer) in PEERS.iter().enumerate() {
            match Self::of(peer) {
                Ok(peer) => all.push(peer),
                Err(why) if index == 0 => return Err(format!("{why}; name ours and a reference")),
                Err(why) => eprintln!("skipped: {why}"),
            }
        }
        Ok(all)
    }
}

/// What counts of the machine, in a line.
pub fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(':').nth(1)).unwrap_or(std::env::consts::ARCH).trim();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!("{model}, {cores} cores, {} {}, load {load}", std::env::consts::OS, kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::Interpreter;

    #[test]
    fn commands() {
        let shell = Interpreter::of("sh -c true").unwrap();
        assert_eq!(shell.label, "sh -c true");
        assert!(shell.command[0].ends_with("/sh"), "{:?}", shell.command);
        assert!(Interpreter::of("/bin/sh").unwrap().label == "sh");
        assert!(Interpreter::of("no-such-interpreter-is-installed").is_err());
        assert!(Interpreter::of(" ").is_err());
    }
}
