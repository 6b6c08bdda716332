//! The number conversions against what the reference implementation prints.

extern crate std;
use std::string::String;

use super::format_spec::{FormatError, FormatSpec};
use super::number_format::{NumberText, format_float, format_integer};

/// Reads a whole specification.
fn spec(text: &str) -> FormatSpec {
    let (spec, len) = FormatSpec::parse(text.as_bytes()).unwrap();
    assert_eq!(len, text.len());
    spec
}

/// The text of a float.
fn float(text: &str, x: f64) -> String {
    let mut out = NumberText::new();
    format_float(&spec(text), x, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

#[test]
fn specifications_are_read_to_the_letter() {
    let (spec, len) = FormatSpec::parse(b"-+ #012.34x!").unwrap();
    assert!(spec.left && spec.plus && spec.space && spec.alternate && spec.zero);
    assert_eq!((spec.width, spec.precision, spec.conversion, len), (12, Some(34), b'x', 11));
    assert_eq!(FormatSpec::parse(b".s").unwrap().0.precision, Some(0));
    assert_eq!(FormatSpec::parse(b"10").unwrap().0.conversion, 0);
    assert_eq!(FormatSpec::parse(b"------d"), Err(FormatError::RepeatedFlags));
    assert_eq!(FormatSpec::parse(b"123d"), Err(FormatError::TooLong));
    assert_eq!(FormatSpec::parse(b".123d"), Err(FormatError::TooLong));
}

#[test]
fn integers_look_as_in_c() {
    let cases: &[(&str, i64, &str)] = &[
        ("d", 0, "0"),
        ("d", -7, "-7"),
        ("d", i64::MIN, "-9223372036854775808"),
        ("5d", 42, "   42"),
        ("-5d", 42, "42   "),
        ("05d", -42, "-0042"),
        ("+d", 42, "+42"),
        (" d", 42, " 42"),
        (".3d", 7, "007"),
        ("8.3d", -7, "    -007"),
        ("08.3d", 7, "     007"),
        (".0d", 0, ""),
        ("u", -1, "18446744073709551615"),
        ("x", 255, "ff"),
        ("x", -1, "ffffffffffffffff"),
        ("#X", 255, "0XFF"),
        ("#x", 0, "0"),
        ("#o", 8, "010"),
        ("#o", 0, "0"),
        ("#.0o", 0, "0"),
        ("#010x", 255, "0x000000ff"),
    ];
    for &(text, n, expected) in cases {
        let mut out = NumberText::new();
        format_integer(&spec(text), n, &mut out);
        assert_eq!(core::str::from_utf8(out.as_bytes()), Ok(expected), "%{text} of {n}");
    }
}

#[test]
fn floats_look_as_in_c() {
    let cases: &[(&str, f64, &str)] = &[
        ("f", 0.1, "0.100000"),
        ("f", -0.0, "-0.000000"),
        ("f", 1e+15, "1000000000000000.000000"),
        (
            "f",
            1e+300,
            "1000000000000000052504760255204420248704468581108159154915854115511802457988908195786371375080447864043704443832883878176942523235360430575644792184786706982848387200926575803737830233794788090059368953234970799945081119038967640880074652742780142494579258788820056842838115669472196386865459400540160.000000",
        ),
        (".0f", 0.5, "0"),
        (".0f", 1.5, "2"),
        (".0f", 2.5, "2"),
        (".0f", -0.5, "-0"),
        ("#.0f", 1.0, "1."),
        (".2f", 2.675, "2.67"),
        (".2f", 10000000000.0, "10000000000.00"),
        (".2f", 0.005, "0.01"),
        (".2f", 1e-30, "0.00"),
        ("10.3f", 1234.5678, "  1234.568"),
        ("-10.1f", 0.25, "0.2       "),
        ("+08.2f", 1.5, "+0001.50"),
        (".20f", 0.1, "0.10000000000000000555"),
        ("e", 0.0, "0.000000e+00"),
        ("e", 12345.678, "1.234568e+04"),
        ("e", 4.94065645841247e-324, "4.940656e-324"),
        (".0e", 12345.0, "1e+04"),
        ("#.0e", 1.0, "1.e+00"),
        (".3E", 1e+100, "1.000E+100"),
        ("g", 0.0, "0"),
        ("g", 100000.0, "100000"),
        ("g", 1000000.0, "1e+06"),
        ("g", 0.0001, "0.0001"),
        ("g", 1e-05, "1e-05"),
        ("g", 0.1, "0.1"),
        ("g", 123456789.0, "1.23457e+08"),
        ("g", 1e+100, "1e+100"),
        (".3g", 999.9, "1e+03"),
        (".3g", 0.00012345, "0.000123"),
        ("#g", 1.0, "1.00000"),
        ("#g", 0.0, "0.00000"),
        (".14g", 31.4159265358979, "31.415926535898"),
        (".14g", 1e+15, "1e+15"),
        (".14g", 0.1, "0.1"),
        (".14g", 100.0, "100"),
        (".14g", 9007199254740992.0, "9.007199254741e+15"),
        (".17g", 0.1, "0.10000000000000001"),
        (".17g", 1e+17, "1e+17"),
        (".0g", 1.234e-05, "1e-05"),
        ("a", 1.0, "0x1p+0"),
        ("a", 0.1, "0x1.999999999999ap-4"),
        ("a", 0.0, "0x0p+0"),
        ("a", -0.0, "-0x0p+0"),
        ("a", 4.94065645841247e-324, "0x0.0000000000001p-1022"),
        ("a", 2.2250738585072014e-308, "0x1p-1022"),
        ("a", 1.7976931348623157e+308, "0x1.fffffffffffffp+1023"),
        (".0a", 1.5, "0x2p+0"),
        (".0a", 0.5, "0x1p-1"),
        (".0a", 1.75, "0x2p+0"),
        (".3A", 0.1, "0X1.99AP-4"),
        ("#a", 1.0, "0x1.p+0"),
        (".20a", 0.1, "0x1.999999999999a0000000p-4"),
        ("20a", 1.0, "              0x1p+0"),
        ("020a", 1.0, "0x000000000000001p+0"),
        (".1a", 1.96875, "0x2.0p+0"),
        (".1a", 1.03125, "0x1.0p+0"),
        (".1a", 1.09375, "0x1.2p+0"),
        ("010f", f64::INFINITY, "       inf"),
        ("010f", f64::NEG_INFINITY, "      -inf"),
        ("G", f64::INFINITY, "INF"),
        ("+g", f64::INFINITY, "+inf"),
    ];
    for &(text, x, expected) in cases {
        assert_eq!(float(text, x), expected, "%{text} of {x:?}");
    }
}

#[test]
fn not_a_number_has_a_sign() {
    assert_eq!(float("f", f64::NAN.copysign(1.0)), "nan");
    assert_eq!(float("5.1f", f64::NAN.copysign(-1.0)), " -nan");
    assert_eq!(float("G", f64::NAN.copysign(-1.0)), "-NAN");
}

#[test]
fn the_longest_text_fits() {
    let text = float("99.99f", -f64::MAX);
    assert_eq!(text.len(), 1 + 309 + 1 + 99);
    assert!(text.starts_with("-17976931348623157081452742373170435679807056752584499659891747680315"));
    assert!(float(".99f", f64::MIN_POSITIVE).bytes().all(|c| matches!(c, b'0' | b'.')));
    assert_eq!(float(".99g", 5e-324).len(), 105);
}

#[test]
fn the_integer_path_agrees_with_the_exact_one() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The exponent is kept where the integer path is taken.
        let x = f64::from_bits((state & !(0x7FF << 52)) | ((1023 - 20 + (state >> 57)) << 52)).abs();
        for places in [0, 1, 3, 9, 16] {
            assert_eq!(float(&std::format!(".{places}f"), x), std::format!("{x:.places$}"));
            let exact = std::format!("{x:.places$e}");
            let (digits, exponent) = exact.split_once('e').unwrap();
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            assert_eq!(float(&std::format!(".{places}e"), x), std::format!("{digits}e{sign}{exponent:0>2}"));
        }
    }
}
