//! Making a list of steps that fails shorter.

use super::episode::{self, Failure};
use super::step::Step;

/// How many runs a search may take.
const RUNS: usize = 3000;

struct Search {
    steps: Vec<Step>,
    failure: Failure,
    runs: usize,
}

impl Search {
    /// Takes the steps if they fail, too; they are cut after the failure.
    fn try_steps(&mut self, mut steps: Vec<Step>) -> bool {
        if self.runs == 0 {
            return false;
        }
        self.runs -= 1;
        match episode::run(&steps, |_, _| {}) {
            Ok(_) => false,
            Err(failure) => {
                steps.truncate(failure.step + 1);
                self.steps = steps;
                self.failure = failure;
                true
            }
        }
    }

    /// Leaves out runs of steps, shorter and shorter ones.
    fn drop_steps(&mut self) {
        let mut len = self.steps.len() / 2;
        while len > 0 {
            let mut at = 0;
            while at < self.steps.len() {
                let end = (at + len).min(self.steps.len());
                let mut shorter = self.steps.clone();
                shorter.drain(at..end);
                if !self.try_steps(shorter) {
                    at = end;
                }
            }
            len /= 2;
        }
    }

    /// Replaces steps by plainer ones.
    fn simplify(&mut self) {
        let mut place = 0;
        while place < self.steps.len() {
            let mut n = 0;
            while let Some(step) = self.steps.get(place)
                && let Some(plainer) = step.plainer(n)
            {
                let mut steps = self.steps.clone();
                steps[place] = plainer;
                if !self.try_steps(steps) {
                    n += 1;
                }
            }
            place += 1;
        }
    }

    /// Leaves out ops of the chunks.
    fn drop_ops(&mut self) {
        let mut place = 0;
        while place < self.steps.len() {
            let mut n = 0;
            while let Some(body) = self.steps.get(place).and_then(Step::body) {
                if n >= body.size() {
                    break;
                }
                let smaller = body.without(n);
                let mut steps = self.steps.clone();
                steps[place] = steps[place].with_body(smaller);
                if !self.try_steps(steps) {
                    n += 1;
                }
            }
            place += 1;
        }
    }
}

/// Finds fewer steps, and smaller chunks in them, that fail as well, though perhaps in another way.
pub fn shrink(mut steps: Vec<Step>, failure: Failure) -> (Vec<Step>, Failure) {
    // What panics on the way is no news.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    steps.truncate(failure.step + 1);
    let mut search = Search { steps, failure, runs: RUNS };
    let mut before = usize::MAX;
    while search.steps.len() < before && search.runs > 0 {
        before = search.steps.len();
        search.drop_steps();
        search.simplify();
        search.drop_ops();
    }
    std::panic::set_hook(hook);
    (search.steps, search.failure)
}
