//! Names of values in messages, where they differ from the reference's by design: `COMPATIBILITY.md`, "Names of constants" and "Names of
//! iterators".

use crate::program::layout;

/// What a difference in names may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Causes {
    /// A function may have more than 256 constants: operands are named on one side only, and iterators in other ways.
    many_constants: bool,
    /// The lines where generic `for` loops call their iterators, each of which is named after what its register held before, if anything.
    loops: Vec<i32>,
}

impl Causes {
    /// Those that a source has.
    pub(super) fn of(source: &str) -> Self {
        let line_after = |token: &str| {
            let end = token.as_ptr().addr() - source.as_ptr().addr() + token.len();
            1 + layout::line_ends(&source[..end])
        };
        let tokens = layout::tokens(source);
        Self {
            many_constants: source.bytes().filter(|&byte| byte == b',').count() > 200,
            // The reference takes the line that it has come to when it has read the token behind `in`.
            loops: tokens.windows(2).filter(|pair| pair[0] == "in").map(|pair| line_after(pair[1])).collect(),
        }
    }

    /// Whether a message about what cannot be called, of which this is the beginning, may be about an iterator.
    fn may_be_iterators(&self, position: &str) -> bool {
        let line = position.strip_suffix(": ").and_then(|position| position.rsplit(':').next()?.parse().ok());
        self.many_constants || line.is_some_and(|line| self.loops.contains(&line))
    }

    /// A text without the names that messages may give in other ways.
    pub(super) fn without_names(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| {
            let begin = match line.find("attempt to call a ") {
                Some(at) if self.may_be_iterators(&line[..at]) => line.find(" value ("),
                None if self.many_constants => line.find(" value (constant '"),
                _ => None,
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
        let causes = Causes { many_constants: true, loops: Vec::new() };
        let same = "a:1: attempt to index a nil value (global 'x')\nb value (local";
        assert_eq!(causes.without_names(same), same);
        let constant = "1: attempt to perform arithmetic on a string value (constant 'y')\" 2\n";
        assert_eq!(causes.without_names(constant), "1: attempt to perform arithmetic on a string value\" 2\n");
        let call = "a:7: attempt to call a nil value (field '?')";
        assert_eq!(causes.without_names(call), "a:7: attempt to call a nil value");
        let causes = Causes { many_constants: false, loops: vec![3, 7] };
        assert_eq!(causes.without_names(constant), constant);
        assert_eq!(causes.without_names(call), "a:7: attempt to call a nil value");
        for other in ["a:8: attempt to call a nil value (field '?')", "?: attempt to call a nil value (field '?')"] {
            assert_eq!(causes.without_names(other), other);
        }
    }

    #[test]
    fn causes_are_seen_in_the_source() {
        let [few, many] = [200, 201].map(|n| Causes::of(&"{1,2}".repeat(n)).many_constants);
        assert!(many && !few);
        let source = "local inner = 'in'\nfor a in b do end for i = 1, 2 do end\nfor c,\nd in\n\n[[e\n]], f do end";
        assert_eq!(Causes::of(source).loops, [2, 7]);
    }
}
