//! Names of values in messages, where they differ from the reference's by design: `COMPATIBILITY.md`, "Names of constants" and "Names of
//! iterators".

/// Whether a source may have a function with more than 256 constants, which is what both kinds take.
pub(super) fn may_differ(source: &str) -> bool {
    source.bytes().filter(|&byte| byte == b',').count() > 200
}

/// A text without the names that messages give to constants, and to what cannot be called.
pub(super) fn without(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let is_call = line.contains("attempt to call a ");
        let begin = line.find(if is_call { " value (" } else { " value (constant '" });
        match begin.and_then(|begin| Some((begin + " value".len(), begin + line[begin..].find("')")? + 2))) {
            Some((begin, end)) => format!("{}{}", &line[..begin], &line[end..]),
            None => line.to_owned(),
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_may_differ_are_taken_out() {
        let same = "a:1: attempt to index a nil value (global 'x')\nb value (local";
        assert_eq!(without(same), same);
        let constant = "1: attempt to perform arithmetic on a string value (constant 'y')\" 2\n";
        assert_eq!(without(constant), "1: attempt to perform arithmetic on a string value\" 2\n");
        assert_eq!(without("attempt to call a nil value (field '?')"), without("attempt to call a nil value"));
        assert!(may_differ(&"{1,2}".repeat(201)) && !may_differ(&"{1,2}".repeat(200)));
    }
}
