//! What is useful of the string library without a state: patterns on byte slices, number formatting, `pack` layouts, UTF-8.
//! None of these functions allocates.
//!
//! Run it with `cargo run -p perilune-stdlib --example patterns`.

use std::fmt;
use std::str::from_utf8;

use perilune_stdlib::string::format_spec::FormatSpec;
use perilune_stdlib::string::number_format::{NumberText, format_float, format_integer};
use perilune_stdlib::string::pack::{PackFormat, PackOption, pack_integer, unpack_float, unpack_integer};
use perilune_stdlib::string::pattern::{Capture, Matcher, find};
use perilune_stdlib::utf8;

/// What went wrong, as text: a faulty pattern, specification or format.
struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The bytes of a capture; none for a position.
fn text(subject: &[u8], capture: Option<Capture>) -> &[u8] {
    match capture {
        Some(Capture::Text { start, end }) => &subject[start..end],
        _ => b"",
    }
}

/// One match, and then all of them, as `string.match` and `string.gmatch` find them.
fn patterns() -> Result<(), Failure> {
    let line = b"2024-11-21 warning: low orbit (at perilune)";
    let found = find(line, b"^(%d+)%-(%d+)%-(%d+)%s+(%a+):", 0)?.ok_or("no match")?;
    let [year, month, day, level] = [0, 1, 2, 3].map(|i| String::from_utf8_lossy(text(line, found.captures.get(i))));
    println!("year {year}, month {month}, day {day}, {level}; then {:?}", from_utf8(&line[found.end..])?);

    let mut matcher = Matcher::new(line, b"%f[%w]%a+");
    let mut from = 0;
    while let Some((start, end)) = matcher.search(from, false, None)? {
        print!("[{}]", from_utf8(&line[start..end])?);
        from = end;
    }
    println!();
    if let Err(error) = find(line, b"[a-", 0) {
        println!("[a-: {error}");
    }
    Ok(())
}

/// Numbers as `string.format` writes them, with all flags.
fn numbers() -> Result<(), Failure> {
    for format in ["8.3f", "+.2e", "-12g|", "a", ".20g"] {
        let (spec, len) = FormatSpec::parse(format.as_bytes())?;
        let mut number = NumberText::new();
        format_float(&spec, 1737.4, &mut number);
        println!("%{format:6} {}{}", from_utf8(number.as_bytes())?, &format[len..]);
    }
    let (spec, _) = FormatSpec::parse(b"#010x")?;
    let mut number = NumberText::new();
    format_integer(&spec, 0xBEEF, &mut number);
    println!("%#010x {}", from_utf8(number.as_bytes())?);
    Ok(())
}

/// A record laid out by a format of `string.pack`: where each field lies, and its value.
fn layout() -> Result<(), Failure> {
    let mut record = [0; 24];
    pack_integer(-2, true, true, &mut record[0..2]);
    pack_integer(1_000_000, false, true, &mut record[4..8]);
    record[8..16].copy_from_slice(&0.5_f64.to_le_bytes());
    let mut format = PackFormat::new(b"<!8 i2 I4 d c6");
    let mut position = 0;
    while let Some(item) = format.next(position)? {
        let start = position + item.padding;
        position = start + item.size;
        let bytes = &record[start..position];
        match item.option {
            PackOption::Signed | PackOption::Unsigned => {
                let value = unpack_integer(bytes, item.option == PackOption::Signed, format.is_little_endian());
                println!("{start:2}..{position:2} integer {value:?}");
            }
            PackOption::Float => println!("{start:2}..{position:2} float {}", unpack_float(bytes, true)),
            PackOption::Configuration => {}
            other => println!("{start:2}..{position:2} {other:?}"),
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    patterns()?;
    numbers()?;
    layout()?;
    let (sequence, len) = utf8::encode(0x263E);
    println!("{} is {:?}", from_utf8(&sequence[..len])?, utf8::decode(&sequence[..len]));
    Ok(())
}
