//! Waiting: for a signal, until a deadline, or until the one who waits is to stop. Who waits takes no processor time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often a signal is looked for before the thread goes to sleep: the other side is often about to give it.
const SPINS: u32 = 64;

/// Until when someone waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deadline {
    /// What cannot be done at once is not done.
    Now,
    At(Instant),
    Never,
}

impl Deadline {
    /// A deadline that is some time from now; one that is too far away never comes.
    pub(super) fn after(timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Self::Now;
        }
        Instant::now().checked_add(timeout).map_or(Self::Never, Self::At)
    }
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    Signalled,
    TimedOut,
    Stopped,
}

/// What one thread gives to another one that waits for it.
pub(super) struct Signal {
    thread: Thread,
    given: AtomicBool,
}

/// A thread that is to be woken, as soon as no lock is held.
#[must_use]
pub(super) struct Wakeup(Thread);

impl Wakeup {
    pub(super) fn wake(self) {
        self.0.unpark();
    }
}

impl Signal {
    /// A signal for the running thread.
    pub(super) fn new() -> Self {
        Self { thread: thread::current(), given: AtomicBool::new(false) }
    }

    /// Gives the signal. Whoever waits for it may be gone as soon as it can see it.
    pub(super) fn give(&self) -> Wakeup {
        let wakeup = Wakeup(self.thread.clone());
        self.given.store(true, Ordering::Release);
        wakeup
    }

    /// Takes the signal if it was given.
    fn take(&self) -> bool {
        self.given.load(Ordering::Relaxed) && self.given.swap(false, Ordering::Acquire)
    }

    /// Waits for the signal, whatever comes.
    pub(super) fn wait(&self) {
        if !self.spin() {
            while !self.take() {
                thread::park();
            }
        }
    }

    /// Whether the signal comes within a moment.
    fn spin(&self) -> bool {
        (0..SPINS).any(|_| {
            core::hint::spin_loop();
            self.take()
        })
    }
}

/// The conditions on which someone waits.
pub(super) struct Wait<'a> {
    pub(super) deadline: Deadline,
    /// Whether the one who waits is to stop. Who makes this true wakes the thread.
    pub(super) stopped: &'a dyn Fn() -> bool,
    /// Is true while the thread waits.
    pub(super) waits: Option<&'a AtomicBool>,
}

impl Wait<'_> {
    /// Waits for a signal.
    pub(super) fn until(&self, signal: &Signal) -> Ended {
        if self.deadline != Deadline::Now && signal.spin() {
            Ended::Signalled
        } else {
            self.until_true(|| signal.take())
        }
    }

    /// Waits until something is so. Who makes it so wakes the thread.
    pub(super) fn until_true(&self, is_so: impl Fn() -> bool) -> Ended {
        self.mark(true);
        let ended = loop {
            if is_so() {
                break Ended::Signalled;
            }
            if (self.stopped)() {
                break Ended::Stopped;
            }
            match self.deadline {
                Deadline::Now => break Ended::TimedOut,
                Deadline::Never => thread::park(),
                Deadline::At(end) => match end.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => thread::park_timeout(left),
                    _ => break Ended::TimedOut,
                },
            }
        };
        self.mark(false);
        ended
    }

    fn mark(&self, waits: bool) {
        if let Some(mark) = self.waits {
            mark.store(waits, Ordering::Relaxed);
        }
    }
}
