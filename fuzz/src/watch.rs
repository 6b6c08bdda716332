//! What ends a run that takes too long, where counting instructions would change what is tested.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use perilune_vm::{Hook, Interrupter};

/// Something that is being done.
struct Watched {
    id: u64,
    since: Instant,
    patience: Duration,
    interrupters: [Option<Interrupter>; 2],
    hook: Hook,
}

/// All that is being done, by all threads. One more thread looks at it, since to start one each time would take longer than most runs.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
/// How often it looks.
const PERIOD: Duration = Duration::from_millis(20);

fn all() -> MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Interrupts what takes too long.
fn watch() {
    loop {
        thread::sleep(PERIOD);
        for watched in all().iter_mut().filter(|watched| watched.since.elapsed() >= watched.patience) {
            watched.since = Instant::now();
            for interrupter in watched.interrupters.into_iter().flatten() {
                // SAFETY: the states are open until they are taken off the list, which is locked.
                unsafe { interrupter.interrupt(watched.hook) };
            }
        }
    }
}

/// Takes something off the list.
struct Ending(u64);

impl Drop for Ending {
    fn drop(&mut self) {
        all().retain(|watched| watched.id != self.0);
    }
}

/// Does something, and has the states call `hook` each time that so much time has passed. The states must not be closed by it.
pub(crate) fn watched(interrupters: [Option<Interrupter>; 2], patience: Duration, hook: Hook, action: impl FnOnce()) {
    static WATCHER: Once = Once::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    WATCHER.call_once(|| drop(thread::spawn(watch)));
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let _ending = Ending(id);
    all().push(Watched { id, since: Instant::now(), patience, interrupters, hook });
    action();
}
