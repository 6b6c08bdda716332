//! Names of values in messages, where they differ from the reference's by design: `COMPATIBILITY.md`, "Names of constants" and "Names of
//! iterators".

use crate::program::layout;

/// What a difference in names may come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Causes {
    /// A function may have more than 256 constants: operands are named on one side only, and what is called in other ways.
    many_constants: bool,
    /// There is a generic `for`: what it calls is named after what its register held before, if anything.
    iterators: bool,
}

impl Causes {
    /// Those that a source that compiles may have.
    pub(super) fn of(source: &str) -> Self {
        let tokens = layout::tokens(source);
        Self {
            many_constants: tokens.iter().filter(|&&token| token == ",").count() > 200,
            iterators: tokens.contains(&"in"),
        }
    }

    /// A text without the names that messages may give in other ways.
    pub(super) fn without_names(self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| {
            let begin = if (self.many_constants || self.iterators) && line.contains("attempt to call a ") {
                line.find(" value (")
            } else if self.many_constants {
                line.find(" value (constant '")
            } else {
                None
            };
            match begin.and_then(|begin| Some((begin + " value".len(), begin + line[begin..].find("')")? + 2))) {
                Some((begin, end)) => format!("{}{}", &line[..begin], &line[end..]),
                None => line.to_owned(),
            }
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_may_differ_are_taken_out() {
        let causes = Causes { many_constants: true, iterators: false };
        let without = |text| causes.without_names(text);
        let same = "a:1: attempt to index a nil value (global 'x')\nb value (local";
        assert_eq!(without(same), same);
        let constant = "1: attempt to perform arithmetic on a string value (constant 'y')\" 2\n";
        assert_eq!(without(constant), "1: attempt to perform arithmetic on a string value\" 2\n");
        let call = "attempt to call a nil value (field '?')";
        assert_eq!(without(call), "attempt to call a nil value");
        let causes = Causes { many_constants: false, iterators: true };
        assert_eq!([causes.without_names(constant), causes.without_names(call)], [constant.to_owned(), without(call)]);
        let causes = Causes { many_constants: false, iterators: false };
        assert_eq!(causes.without_names(call), call);
    }

    #[test]
    fn causes_are_seen_in_the_source() {
        let [few, many] = [200, 201].map(|n| Causes::of(&"{1,2}".repeat(n)).many_constants);
        assert!(many && !few);
        assert!(Causes::of("for a in b do end").iterators && !Causes::of("for inner = 1, 2 do f('in') end").iterators);
    }
}
