//! The state machine of threads: `PERILUNE_FUZZ_THREADS` says how many steps (default 100,000), `PERILUNE_FUZZ_THREADS_SEED` with
//! which seed to begin (default 1). With `PERILUNE_FUZZ_THREADS_TRACE` each step is told before it is made, so that one which
//! ends the process can be found.

use perilune_fuzz::property;
use perilune_fuzz::threads::episode::{self, Report};
use perilune_fuzz::threads::generate::{self, Story};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn threads_do_what_the_model_says() {
    // With a collection at every allocation a step takes a hundred times as long.
    let wanted = variable("PERILUNE_FUZZ_THREADS").unwrap_or(if cfg!(gc_zeal) { 500 } else { 100_000 }) as usize;
    let mut seed = variable("PERILUNE_FUZZ_THREADS_SEED").unwrap_or(1);
    let trace = std::env::var_os("PERILUNE_FUZZ_THREADS_TRACE").is_some();
    let mut total = Report::default();
    while total.steps < wanted {
        let steps = generate::steps(seed);
        let told = |number: usize, step: &_| {
            if trace {
                eprintln!("seed {seed}, step {number}: {step:?}");
            }
        };
        match episode::run(&steps, told) {
            Ok(report) => total.add(&report),
            Err(failure) => {
                let number = total.steps + failure.step;
                eprintln!("seed {seed}, step {} (about the {number}th of all): {}", failure.step, failure.message);
                // What panics on the way is no news.
                let hook = std::panic::take_hook();
                std::panic::set_hook(Box::new(|_| {}));
                let story = Story(steps[..steps.len().min(failure.step + 1)].to_vec());
                let story =
                    property::minimise(story, property::tries(3000) as usize, |story| episode::holds(story).is_err());
                std::panic::set_hook(hook);
                panic!("seed {seed}: {:?}\n{story:#?}", episode::holds(&story));
            }
        }
        seed += 1;
    }
    eprintln!("{total:?}");
    if wanted >= 50_000 {
        // A generator whose steps come to nothing would please every model.
        assert!(total.resumes > wanted / 8 && total.yields > wanted / 20 && total.errors > wanted / 40, "{total:?}");
        assert!(total.executed > wanted as u64 && total.collections > wanted / 100, "{total:?}");
        assert!(total.without_memory > wanted / 4000 && total.made_up > wanted / 4000, "{total:?}");
        assert!(total.hooks > wanted as u64 / 4, "{total:?}");
    }
}

#[test]
fn stories_of_bytes_do_what_the_model_says() {
    property::check("threads", if cfg!(gc_zeal) { 5 } else { 100 }, episode::holds);
}

#[test]
fn a_story_shrinks_to_the_step_that_matters() {
    // As if no thread must ever load a chunk that has at least three ops.
    let fails = |story: &Story| story.0.iter().any(|step| step.body().is_some_and(|body| body.size() >= 3));
    let least = property::minimise(Story(generate::steps(3)), 20_000, fails);
    assert_eq!(least.0.len(), 1);
    assert_eq!(least.0[0].body().map(|body| body.size()), Some(3));
}
