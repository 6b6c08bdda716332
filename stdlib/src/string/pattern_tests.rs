//! The matcher against what the reference implementation finds.

extern crate std;
use std::string::{String, ToString};
use std::vec::Vec;

use super::pattern::{Capture, MAX_CAPTURES, find, is_plain};

/// What a search gives, as text: the range as in Lua, then the captures.
fn search(subject: &[u8], pattern: &[u8]) -> String {
    let found = match find(subject, pattern, 0) {
        Ok(Some(found)) => found,
        Ok(None) => return "nil".to_string(),
        Err(error) => return error.to_string(),
    };
    let mut text = std::format!("{} {}", found.start + 1, found.end);
    for i in 0..found.captures.len() {
        text += &match found.captures.get(i) {
            Some(Capture::Text { start, end }) => std::format!(" {}", String::from_utf8_lossy(&subject[start..end])),
            Some(Capture::Position(at)) => std::format!(" @{}", at + 1),
            None => " unfinished".to_string(),
        };
    }
    text
}

#[test]
fn matches_are_those_of_the_manual() {
    let cases: &[(&[u8], &[u8], &str)] = &[
        (b"", b"", "1 0"),
        (b"alo", b"", "1 0"),
        (b"alo", b"^l", "nil"),
        (b"alo", b"lo$", "2 3"),
        (b"a$a", b"$", "4 3"),
        (b"a$b", b"$b", "2 3"),
        (b"aaab", b"a*b", "1 4"),
        (b"aaab", b"a+", "1 3"),
        (b"aaab", b"a-b", "1 4"),
        (b"b", b"a?b", "1 1"),
        (b"aloALO", b"%u+", "4 6"),
        (b"x = 12", b"(%w+)%s*=%s*(%d+)", "1 6 x 12"),
        (b"hello world", b"()ll()", "3 4 @3 @5"),
        (b"f(a(b)c)d", b"%b()", "2 8"),
        (b"THE (quick) fox", b"%f[%a]%a+%f[%A]", "1 3"),
        (b" THE", b"%f[%w]()", "2 1 @2"),
        (b"=[==[x]==]", b"%[(=*)%[.-%]%1%]", "2 10 =="),
        (b"a]b", b"[]]", "2 2"),
        (b"a]b", b"[^]]+", "1 1"),
        (b"a-z", b"[a-]+", "1 2"),
        (b"a^b", b"[%^]", "2 2"),
        (b"\0a\0", b"%z", "1 1"),
        (b"a\0b", b"a\0b", "1 3"),
        (b"\xe9t\xe9", b"[\x80-\xff]t", "1 2"),
        (b"aXb", b"%W", "nil"),
        (b"x*y", b"*", "2 2"),
        (b"key: value", b"(.-):%s*(.*)", "1 10 key value"),
        (b"aab", b"((a)(a))b", "1 3 aa a a"),
    ];
    for &(subject, pattern, expected) in cases {
        assert_eq!(search(subject, pattern), expected, "{}", String::from_utf8_lossy(pattern));
    }
}

#[test]
fn errors_are_those_of_the_reference() {
    let cases: &[(&[u8], &[u8], &str)] = &[
        (b"a", b"%", "malformed pattern (ends with '%')"),
        (b"a", b"[a", "malformed pattern (missing ']')"),
        (b"a", b"[]", "malformed pattern (missing ']')"),
        (b"a", b"[^]", "malformed pattern (missing ']')"),
        (b"a", b"[a%]", "malformed pattern (missing ']')"),
        (b"a", b"[a%", "malformed pattern (missing ']')"),
        (b"a", b"%f", "missing '[' after '%f' in pattern"),
        (b"a", b"%b", "malformed pattern (missing arguments to '%b')"),
        (b"a", b"%ba", "malformed pattern (missing arguments to '%b')"),
        (b"a", b")", "invalid pattern capture"),
        (b"a", b"%1", "invalid capture index %1"),
        (b"a", b"%0", "invalid capture index %0"),
        (b"a", b"(a%1)", "invalid capture index %1"),
        (b"a", b"(a", "1 1 unfinished"),
        // The matcher does not come to the faulty part.
        (b"a", b"b[", "nil"),
    ];
    for &(subject, pattern, expected) in cases {
        assert_eq!(search(subject, pattern), expected, "{}", String::from_utf8_lossy(pattern));
    }
    let many: Vec<u8> = b"()".repeat(MAX_CAPTURES);
    assert_eq!(find(b"", &many, 0).unwrap().unwrap().captures.len(), MAX_CAPTURES);
    assert_eq!(search(b"", &b"()".repeat(MAX_CAPTURES + 1)), "too many captures");
    assert_eq!(search(&b"a".repeat(300), &b"a?".repeat(300)), "pattern too complex");
    assert_eq!(search(&b"a".repeat(300_000), b"^.-b"), "nil");
}

#[test]
fn plain_patterns_are_told_from_others() {
    assert!(is_plain(b"") && is_plain(b"abc]\0)"));
    for magic in b"^$*+?.([%-" {
        assert!(!is_plain(&[b'a', *magic]));
    }
}
