//! Charts as inline SVG, drawn by plotters without fonts, scripts or anything outside the text.
//!
//! Legends are left to the page: plotters guesses the width of text, and a guess that is too small clips it.

pub mod axis;
pub mod bars;
pub mod lines;

pub use axis::Axis;
pub use bars::{Bars, Layout};
pub use lines::{Line, Lines, Shade};

use crate::error::Error;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::{ChartContext, DrawingArea, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, TextStyle};
use plotters::style::{Color, TRANSPARENT};

/// Okabe and Ito's colours that all can tell apart, without their yellow, which is lost on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x44, 0x44, 0x44),
];
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);
/// Plotters' size; the SVG has it divided by 1.24.
const FONT_SIZE: f64 = 19.0;
/// Width of a character of that size, from above.
const CHARACTER_PX: u32 = 9;

/// A drawn chart with what the page adds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The drawing, an `svg` element without a namespace, as HTML takes it.
    pub svg: String,
    /// What the colours mean.
    pub legend: Vec<Entry>,
    /// A remark under it.
    pub note: Option<String>,
}

/// A line of a legend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Name of the series.
    pub name: String,
    /// Colour as `#rrggbb`.
    pub color: String,
    /// How it is drawn.
    pub mark: Mark,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A line.
    Solid,
    /// A broken line.
    Dashed,
    /// A filled area.
    Area,
    /// A tint behind everything else.
    Shade,
}

/// Width and height in units of the view box; the page scales it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u32, pub u32);

/// One chart in the whole width.
pub const WIDE: Size = Size(1120, 360);
/// Two of them side by side.
pub const HALF: Size = Size(620, 360);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Context<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<axis::Scale, axis::Scale>>;
/// Plotters' errors have many types; a chart's reader needs their text only.
type Drawn = Result<(), String>;

/// Colour of series `index`; they repeat after the palette.
fn color(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// Whether series `index` repeats a colour and so needs a broken line.
fn repeats(index: usize) -> bool {
    index >= PALETTE.len()
}

/// Colours of series as `#rrggbb`.
#[cfg(test)]
pub fn palette() -> Vec<String> {
    PALETTE.map(hex).to_vec()
}

fn hex(color: RGBColor) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}

fn text_style<'a>() -> TextStyle<'a> {
    ("sans-serif", FONT_SIZE).into_font().color(&INK)
}

fn said<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

/// Runs `paint` on an empty drawing of `size` and gives the SVG.
fn drawing(title: &str, size: Size, paint: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, Error> {
    let mut svg = String::new();
    let painted = {
        let area = SVGBackend::with_string(&mut svg, (size.0, size.1)).into_drawing_area();
        paint(&area).and_then(|()| area.present().map_err(said))
    };
    painted.map_err(|what| Error::Chart { title: title.to_owned(), what })?;
    Ok(inline(title, size, &svg))
}

/// Replaces the root element by one that scales, has a name for screen readers and needs no namespace in HTML.
fn inline(title: &str, size: Size, svg: &str) -> String {
    let body = svg.split_once('>').map_or(svg, |(_, body)| body);
    let name = crate::html::escaped(title);
    format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{name}\">{body}", size.0, size.1)
}

/// Axes, grid and labels, with room on the left for the longest label of the vertical axis.
fn framed<'a, 'b>(area: &'a Area<'b>, x: &Axis, y: &Axis) -> Result<Context<'a, 'b>, String> {
    let longest = y.scale.ticks.iter().map(|tick| (y.label)(*tick).chars().count()).max().unwrap_or(0) as u32;
    let mut chart = plotters::chart::ChartBuilder::on(area)
        .margin_top(12)
        .margin_right(28)
        .margin_bottom(4)
        .margin_left(4)
        .x_label_area_size(56)
        .y_label_area_size(longest * CHARACTER_PX + 40)
        .build_cartesian_2d(x.scale.clone(), y.scale.clone())
        .map_err(said)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK.mix(0.6))
        .label_style(text_style())
        .axis_desc_style(text_style())
        .x_desc(x.title.as_str())
        .y_desc(y.title.as_str())
        .x_label_formatter(&|value: &f64| (x.label)(*value))
        .y_label_formatter(&|value: &f64| (y.label)(*value))
        .draw()
        .map_err(said)?;
    Ok(chart)
}

#[cfg(test)]
mod tests;
