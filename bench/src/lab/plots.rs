//! The plots of a page, each an SVG as a text.
//!
//! Text, axes and grid have the colours [`INK`] and [`GRID`], which the page's style sheet replaces by those of a light or a dark page.

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::stats::Spread;
use super::units::{bytes, count, time};

/// The colour of text and axes.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// The colour of the grid.
pub const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// The width of a plot.
const WIDTH: u32 = 520;
/// The size of letters.
const LETTERS: u32 = 12;

/// The colours of allocators, in their order; they can be told apart by people who see few colours.
const COLOURS: [RGBColor; 11] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x8C, 0x6B, 0xB1),
    RGBColor(0xA6, 0x8A, 0x00),
    RGBColor(0x8A, 0x8A, 0x8A),
    RGBColor(0xA0, 0x52, 0x2D),
    RGBColor(0x66, 0xA6, 0x1E),
];

/// The colour of the allocator, or kind, at a place.
pub fn colour(at: usize) -> RGBColor {
    COLOURS[at % COLOURS.len()]
}

/// A colour as the page's style sheet has it.
pub fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// What the figures of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things.
    Number,
    /// How often in a second.
    Rate,
    /// A percentile, as the number of nines: 1 for 90 %, 2 for 99 %.
    Nines,
}

impl Unit {
    /// A figure of an axis in words.
    fn text(self, value: f64) -> String {
        match self {
            _ if value == 0.0 && self != Self::Nines => "0".into(),
            Self::Seconds => time(value),
            Self::Bytes => bytes(value),
            Self::Number => count(value),
            Self::Rate => format!("{value:.1}/s"),
            // Only whole numbers of nines have a name.
            Self::Nines if (value - value.round()).abs() > 0.01 => String::new(),
            Self::Nines if value < 0.5 => "0 %".into(),
            Self::Nines => {
                let part = 100.0 - 100.0 * 10f64.powf(-value.round());
                format!("{part:.*} %", (value.round() as usize).saturating_sub(2))
            }
        }
    }
}

/// A bar with what it may be instead.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands beside it.
    pub label: String,
    /// Its parts, from the left: lengths and colours.
    pub parts: Vec<(f64, RGBColor)>,
    /// The interval of its whole length.
    pub spread: Option<Spread>,
}

fn drawn<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T> {
    result.map_err(|error| anyhow!("a plot cannot be drawn: {error}"))
}

fn letters() -> TextStyle<'static> {
    ("sans-serif", LETTERS).into_font().color(&INK)
}

/// Bars from the left, the first one at the top.
///
/// # Errors
/// The backend cannot draw it.
pub fn bars(bars: &[Bar], unit: Unit) -> Result<String> {
    let mut svg = String::new();
    let height = 34 + 20 * bars.len() as u32;
    let whole = |bar: &Bar| bar.parts.iter().map(|part| part.0).sum::<f64>();
    let reach = |bar: &Bar| bar.spread.map_or(0.0, |spread| spread.high).max(whole(bar));
    let most = bars.iter().map(reach).fold(0.0, f64::max).max(1e-12);
    let widest = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0) as u32;
    let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    let rows = bars.len() as f64;
    let mut chart = drawn(
        ChartBuilder::on(&root)
            .margin_right(14)
            .margin_top(4)
            .x_label_area_size(24)
            .y_label_area_size(12 + widest * LETTERS * 5 / 9)
            // Room for the figure behind the longest bar.
            .build_cartesian_2d(0.0..most * 1.2, rows..0.0),
    )?;
    let mut mesh = chart.configure_mesh();
    let text = |value: &f64| unit.text(*value);
    mesh.disable_y_mesh().y_labels(0).x_labels(5).x_label_formatter(&text);
    drawn(mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK).label_style(letters()).draw())?;
    for (at, bar) in bars.iter().enumerate() {
        let top = at as f64;
        let mut left = 0.0;
        for (length, colour) in &bar.parts {
            let corners = [(left, top + 0.15), (left + length, top + 0.85)];
            drawn(chart.draw_series([Rectangle::new(corners, colour.filled())]))?;
            left += length;
        }
        if let Some(spread) = bar.spread {
            let line = |a: (f64, f64), b: (f64, f64)| PathElement::new(vec![a, b], INK.stroke_width(1));
            let middle = top + 0.5;
            let ends = [spread.low, spread.high].map(|x| line((x, top + 0.3), (x, top + 0.7)));
            drawn(chart.draw_series([line((spread.low, middle), (spread.high, middle))].into_iter().chain(ends)))?;
        }
        let text = Text::new(unit.text(left), (6, -6), letters());
        drawn(chart.draw_series([EmptyElement::at((reach(bar), top + 0.5)) + text]))?;
        // The labels are text of the area beside the plot.
        let (x, y) = chart.backend_coord(&(0.0, top + 0.5));
        let style = letters().pos(plotters::style::text_anchor::Pos::new(
            plotters::style::text_anchor::HPos::Right,
            plotters::style::text_anchor::VPos::Center,
        ));
        drawn(root.draw_text(&bar.label, &style, (x - 8, y)))?;
    }
    drawn(root.present())?;
    drop(chart);
    drop(root);
    Ok(svg)
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its colour.
    pub colour: RGBColor,
    /// Its width.
    pub width: u32,
    /// Its points, from the left.
    pub points: Vec<(f64, f64)>,
}

/// What a plot of lines has on its axes.
#[derive(Clone, Copy, Debug)]
pub struct Axes<'a> {
    /// What the horizontal axis tells.
    pub x: (&'a str, Unit),
    /// What the vertical axis tells.
    pub y: (&'a str, Unit),
    /// Whether the vertical axis is logarithmic.
    pub log: bool,
}

/// Lines.
///
/// # Errors
/// The backend cannot draw it.
pub fn lines(lines: &[Line], axes: Axes<'_>) -> Result<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max).max(1e-9);
    let top = points().map(|point| point.1).fold(0.0, f64::max).max(1e-9);
    let bottom = points().map(|point| point.1).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min).min(top);
    if axes.log {
        let range = (bottom * 0.8..top * 1.3).log_scale();
        draw_lines(lines, axes, right, range)
    } else {
        draw_lines(lines, axes, right, 0.0..top * 1.08)
    }
}

fn draw_lines<Y>(lines: &[Line], axes: Axes<'_>, right: f64, range: Y) -> Result<String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, 250)).into_drawing_area();
    let mut chart = drawn(
        ChartBuilder::on(&root)
            .margin_right(24)
            .margin_top(8)
            .x_label_area_size(40)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..right * 1.02, range),
    )?;
    let mut mesh = chart.configure_mesh();
    let (x, y) = (|value: &f64| axes.x.1.text(*value), |value: &f64| axes.y.1.text(*value));
    mesh.x_labels(6).y_labels(6).x_label_formatter(&x).y_label_formatter(&y).x_desc(axes.x.0).y_desc(axes.y.0);
    mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK).label_style(letters());
    drawn(mesh.axis_desc_style(letters()).draw())?;
    for line in lines {
        let style = line.colour.stroke_width(line.width);
        drawn(chart.draw_series(LineSeries::new(line.points.iter().copied(), style)))?;
    }
    drawn(root.present())?;
    drop(chart);
    drop(root);
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_pictures_with_their_figures() {
        let spread = Spread { low: 0.1, median: 0.2, high: 0.3, sure: true };
        let bar = Bar { label: "mine".into(), parts: vec![(0.2, colour(0))], spread: Some(spread) };
        let svg = bars(&[bar], Unit::Seconds).expect("a picture");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("mine") && svg.contains("200 ms") && svg.contains(&css(colour(0))), "{svg}");
        let line = Line { colour: colour(1), width: 2, points: vec![(0.3, 20.0), (2.0, 3000.0)] };
        for log in [false, true] {
            let axes = Axes { x: ("percentile", Unit::Nines), y: ("time", Unit::Number), log };
            let svg = lines(std::slice::from_ref(&line), axes).expect("a picture");
            assert!(svg.contains("percentile") && svg.contains("99 %") && svg.contains(&css(colour(1))), "{svg}");
        }
        let nines = [0.0, 0.5, 1.0, 2.0, 3.0, 5.0].map(|n| Unit::Nines.text(n));
        assert_eq!(nines, ["0 %", "", "90 %", "99 %", "99.9 %", "99.999 %"]);
    }
}
