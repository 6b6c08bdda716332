//! What the operating system tells of this process and of the machine.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// The processor time that this process has used, in user and system mode.
pub fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How many page faults this process has had that needed no reading.
pub fn page_faults() -> u64 {
    // SAFETY: zeros are a valid value, and the pointer is to a local.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage.ru_minflt as u64
    }
}

/// Takes standard output away from whatever else is in this process: what that writes goes nowhere. The result is what it was.
///
/// # Errors
/// The system does not let it.
pub fn take_standard_output() -> io::Result<fs::File> {
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let nowhere = fs::File::options().write(true).open("/dev/null")?;
    // SAFETY: both descriptors are open, and the second one stays so.
    if unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDOUT_FILENO) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(output.into())
}

/// Has the system end this process as soon as the one that has started it ends.
pub fn end_with_parent() {
    // SAFETY: the call takes a number, and touches no memory of ours.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// Resident memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resident {
    /// Now.
    pub now: u64,
    /// The highest value so far.
    pub peak: u64,
    /// The part of `now` that is mapped from files: mostly the program's own code.
    pub files: u64,
}

impl Resident {
    /// Reads `/proc/self/status`. Where there is none, everything is 0.
    pub fn read() -> Self {
        let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        };
        Self { now: field("VmRSS"), peak: field("VmHWM"), files: field("RssFile") + field("RssShmem") }
    }

    /// How far the peak rose above what was resident at `start`. Pages of files that came meanwhile do not count.
    pub fn growth_since(self, start: Self) -> u64 {
        self.peak.saturating_sub(start.now).saturating_sub(self.files.saturating_sub(start.files))
    }
}

/// A quick look at resident memory, for many samples.
#[derive(Debug)]
pub struct ResidentNow {
    statm: Option<fs::File>,
    page: u64,
}

impl ResidentNow {
    /// Opens the file that tells it.
    pub fn new() -> Self {
        // SAFETY: the call only reads.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Self { statm: fs::File::open("/proc/self/statm").ok(), page: page.max(0) as u64 }
    }

    /// The bytes that are resident and not mapped from files; allocates nothing.
    pub fn anonymous(&self) -> u64 {
        use std::os::unix::fs::FileExt;
        let mut text = [0; 128];
        let read = self.statm.as_ref().and_then(|file| file.read_at(&mut text, 0).ok()).unwrap_or(0);
        let mut numbers = text[..read].split(|&byte| byte == b' ').skip(1).map(|word| {
            word.iter().filter(|byte| byte.is_ascii_digit()).fold(0u64, |n, &byte| n * 10 + u64::from(byte - b'0'))
        });
        let (resident, shared) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        resident.saturating_sub(shared) * self.page
    }
}

/// How many bytes the C library's allocator has taken from the system, for all of the process; `None` where it does not tell.
#[cfg(target_env = "gnu")]
pub fn malloc_reserved() -> Option<usize> {
    // SAFETY: it may be called at any time.
    let info = unsafe { libc::mallinfo2() };
    Some(info.arena + info.hblkhd)
}

/// How many bytes the C library's allocator has taken from the system, for all of the process; `None` where it does not tell.
#[cfg(not(target_env = "gnu"))]
pub fn malloc_reserved() -> Option<usize> {
    None
}

/// The machine that figures are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// How many cores may be used.
    pub cores: usize,
    /// The memory in bytes.
    pub memory: u64,
    /// The kernel's name and release.
    pub system: String,
    /// Who gets huge pages without further ado: `always`, `madvise`, or `never`.
    #[serde(default)]
    pub huge_pages: String,
    /// The load average of the last minute when the run began.
    pub load: String,
    /// How this program was built.
    pub build: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_else(|| "unknown".into())
        };
        let kib = after(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse::<u64>();
        Self {
            processor: after(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kib.map_or(0, |kib| kib * 1024),
            system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
            huge_pages: chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
            load: read("/proc/loadavg").split_whitespace().next().unwrap_or("unknown").to_owned(),
            build: format!(
                "perilune-lab {}, {}, {}",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::ARCH,
                if cfg!(debug_assertions) { "debug build (times mean nothing)" } else { "release build" }
            ),
        }
    }
}

/// The word in brackets, as the system marks the one of several that holds.
fn chosen(text: &str) -> String {
    let word = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    word.map_or("unknown", |(word, _)| word).to_owned()
}

/// Whether this is the only test of the process. If not, it is run in one of its own: what other threads allocate and free would be
/// measured, too.
#[cfg(test)]
pub fn is_alone(test: &str) -> bool {
    const ALONE: &str = "PERILUNE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("the test's program");
    let run = std::process::Command::new(program).args(["--exact", test]).env(ALONE, "1").output().expect("a process");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && text.contains("1 passed"), "{test}: {}\n{text}", run.status);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_in_brackets() {
        assert_eq!(["always [madvise] never\n", "[always]", ""].map(chosen), ["madvise", "always", "unknown"]);
    }

    #[test]
    fn growth_counts_what_was_touched() {
        if !is_alone("lab::os::tests::growth_counts_what_was_touched") {
            return;
        }
        let start = Resident::read();
        let quick = ResidentNow::new();
        let before = quick.anonymous();
        let memory = vec![1u8; 32 << 20];
        let faults = page_faults();
        let growth = Resident::read().growth_since(start);
        assert!(memory[faults as usize % 1000] == 1 && (30 << 20..64 << 20).contains(&growth), "{growth}");
        assert!(quick.anonymous() - before >= 30 << 20);
        assert!(malloc_reserved().is_none_or(|bytes| bytes >= memory.len()));
        assert!(Machine::here().memory > 1 << 20);
    }
}
