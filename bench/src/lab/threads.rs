//! One to many states at once, each on a thread and an allocator of its own: how an allocator's speed holds when others use it, too.

use super::Lab;
use super::cell::{Kind, Outcome};
use super::matrix::{bar, interrupted};
use super::report::ThreadsRow;
use super::workload::{Size, Workload};

/// What is to be measured.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The names of the allocators.
    pub allocators: &'a [String],
    /// The workloads.
    pub workloads: &'a [Workload],
    /// How long they run.
    pub size: Size,
    /// The most threads.
    pub most: usize,
    /// How often each is run.
    pub rounds: usize,
}

impl Plan<'_> {
    /// The numbers of threads: all up to eight, then powers of two, and the most.
    fn numbers(&self) -> Vec<usize> {
        (1..=self.most).filter(|n| *n <= 8 || n.is_power_of_two() || *n == self.most).collect()
    }

    /// Measures everything; an interrupt leaves the finished workloads.
    pub fn run(&self, lab: &Lab) -> Vec<ThreadsRow> {
        let numbers = self.numbers();
        let bar = bar(self.workloads.len() * numbers.len() * self.rounds * self.allocators.len());
        let mut all = Vec::new();
        for workload in self.workloads {
            let row = |allocator: &String| ThreadsRow {
                workload: workload.name.clone(),
                allocator: allocator.clone(),
                seconds: numbers.iter().map(|number| (*number, Vec::new())).collect(),
                error: None,
            };
            let mut rows: Vec<ThreadsRow> = self.allocators.iter().map(row).collect();
            for at in 0..numbers.len() * self.rounds {
                for row in &mut rows {
                    bar.set_message(format!("{} on {}", row.workload, row.allocator));
                    self.measure(lab, workload, row, at % numbers.len());
                    bar.inc(1);
                    if interrupted() {
                        bar.finish_and_clear();
                        return all;
                    }
                }
            }
            all.extend(rows);
        }
        bar.finish_and_clear();
        all
    }

    /// Makes one measurement.
    fn measure(&self, lab: &Lab, workload: &Workload, row: &mut ThreadsRow, at: usize) {
        if row.error.is_some() {
            return;
        }
        let (number, seconds) = &mut row.seconds[at];
        let spec =
            lab.spec(&row.allocator, Kind::Threads(*number), Some((workload.clone(), workload.argument(self.size))));
        match spec.run() {
            Ok(Outcome::Threads(time)) => seconds.push(time),
            Ok(_) => row.error = Some("the measurement gave something else".into()),
            Err(error) => row.error = Some(format!("{error:#}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_threads_are_few() {
        let numbers = |most| Plan { allocators: &[], workloads: &[], size: Size::Quick, most, rounds: 1 }.numbers();
        assert_eq!(numbers(3), [1, 2, 3]);
        assert_eq!(numbers(40), [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 40]);
    }
}
