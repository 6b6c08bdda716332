//! Processes that branch off a sweep: each goes on by itself, and says through a pipe what it came to.
//!
//! A child ends with `_exit`: what the parent has not flushed yet is the parent's. It is killed when it takes too long, and a
//! child that dies without a word is a fault, too.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use super::{Failure, Verdict};

/// How many seconds of the processor's time a child may take, and how many in all.
const SECONDS: (libc::time_t, libc::c_uint) = (60, 600);

/// How much a child tells at most. That fits into a pipe that nobody reads yet.
const TEXT: usize = 2000;

/// A child that has not been heard.
struct Child {
    process: libc::pid_t,
    failure: Failure,
    words: PipeReader,
}

/// The children of a sweep.
pub(super) struct Children {
    jobs: usize,
    running: Vec<Child>,
    heard: Vec<(Failure, Verdict)>,
    /// What the system refused, after which there are no more children.
    error: Option<io::Error>,
    /// In a child: what fails, and where it tells what it came to.
    this: Option<(Failure, PipeWriter)>,
}

impl Children {
    /// No children yet; so many run at the same time at most.
    pub(super) fn new(jobs: usize) -> Self {
        Self { jobs: jobs.max(1), running: Vec::new(), heard: Vec::new(), error: None, this: None }
    }

    /// Forks, as soon as there is a place for one more. Returns in both processes; it is true in the child.
    pub(super) fn fork(&mut self, failure: Failure) -> bool {
        if self.error.is_some() {
            return false;
        }
        self.try_fork(failure).unwrap_or_else(|error| {
            self.error = Some(error);
            false
        })
    }

    fn try_fork(&mut self, failure: Failure) -> io::Result<bool> {
        while self.running.len() >= self.jobs {
            self.hear()?;
        }
        let (words, parent) = io::pipe()?;
        // SAFETY: the child uses this thread's own memory, and the C library, whose locks `fork` keeps whole.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                limit_time();
                tell_of_panics(parent.try_clone()?);
                self.this = Some((failure, parent));
                Ok(true)
            }
            process => {
                self.running.push(Child { process, failure, words });
                Ok(false)
            }
        }
    }

    /// What fails in this process: nothing, unless it is a child.
    pub(super) fn failure(&self) -> Failure {
        self.this.as_ref().map_or(Failure::Never, |&(failure, _)| failure)
    }

    /// Ends this process, which is a child, with a verdict.
    pub(super) fn tell(&mut self, verdict: impl FnOnce(Failure) -> Verdict) -> ! {
        match self.this.take() {
            Some((failure, parent)) => end(&verdict(failure), &parent),
            None => unreachable!("only a child tells"),
        }
    }

    /// Waits for all children; what they and those before them have told.
    pub(super) fn hear_all(mut self) -> Result<Vec<(Failure, Verdict)>, String> {
        while self.error.is_none() && !self.running.is_empty() {
            self.error = self.hear().err();
        }
        match self.error {
            Some(error) => Err(format!("the system refused: {error}")),
            None => Ok(self.heard),
        }
    }

    /// Waits for one child to end.
    fn hear(&mut self) -> io::Result<()> {
        let event = |child: &Child| libc::pollfd { fd: child.words.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let mut events: Vec<libc::pollfd> = self.running.iter().map(event).collect();
        let ready = loop {
            // SAFETY: the array has as many elements as is said.
            match unsafe { libc::poll(events.as_mut_ptr(), events.len() as libc::nfds_t, -1) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                -1 => return Err(io::Error::last_os_error()),
                _ => break events.iter().position(|event| event.revents != 0).unwrap_or(0),
            }
        };
        let mut child = self.running.swap_remove(ready);
        let mut text = Vec::new();
        child.words.read_to_end(&mut text)?;
        let mut status = 0;
        // SAFETY: the child is this process's, and is waited for once.
        while unsafe { libc::waitpid(child.process, &mut status, 0) } == -1 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        let verdict = Verdict::from_bytes(&text).unwrap_or_else(|| Verdict::Fault(death(status)));
        self.heard.push((child.failure, verdict));
        Ok(())
    }
}

/// Ends this process with a verdict.
fn end(verdict: &Verdict, mut parent: &PipeWriter) -> ! {
    let mut text = verdict.to_bytes();
    text.truncate(TEXT);
    let told = parent.write_all(&text).is_ok();
    // SAFETY: nothing of this process is needed any more.
    unsafe { libc::_exit(if told { 0 } else { 1 }) }
}

/// Makes any panic the end of this process, so that those that do not unwind are told of as well.
fn tell_of_panics(parent: PipeWriter) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.to_string().replace('\n', " ");
        end(&Verdict::Fault(text), &parent)
    }));
}

/// Has this process killed when it takes too long.
fn limit_time() {
    let (busy, all) = SECONDS;
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: zero, it_value: libc::timeval { tv_sec: busy, tv_usec: 0 } };
    // SAFETY: the timer is read, and the old one is not asked for; what a signal does by default is to kill.
    unsafe {
        libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut());
        libc::alarm(all);
    }
}

/// How a child ended that did not say anything.
fn death(status: libc::c_int) -> String {
    match libc::WTERMSIG(status) {
        libc::SIGPROF | libc::SIGALRM if libc::WIFSIGNALED(status) => {
            format!("it did not end within {} s of work, or {} s in all", SECONDS.0, SECONDS.1)
        }
        signal if libc::WIFSIGNALED(status) => format!("it was killed by signal {signal}"),
        _ => format!("it exited with {}", libc::WEXITSTATUS(status)),
    }
}
