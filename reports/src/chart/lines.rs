//! Lines over time or any other figure, with shaded spans behind them.

use super::{Axis, Chart, Context, Drawn, Entry, INK, Mark, Size, color, drawing, framed, hex, repeats, said};
use crate::error::Error;
use plotters::prelude::{Circle, DashedLineSeries, LineSeries, RGBColor, Rectangle};
use plotters::style::Color;

const SHADE: RGBColor = RGBColor(0xd6, 0x27, 0x28);
const OUTSIDE: RGBColor = RGBColor(0x88, 0x88, 0x88);
const STROKE: u32 = 2;

/// A chart of lines.
pub struct Lines {
    /// What it shows.
    pub title: String,
    /// Horizontal.
    pub x: Axis,
    /// Vertical.
    pub y: Axis,
    /// In the order of the legend.
    pub lines: Vec<Line>,
    /// Behind the lines.
    pub shades: Vec<Shade>,
    /// A remark under it.
    pub note: Option<String>,
}

/// A series; a point without a value interrupts the line.
pub struct Line {
    /// Name in the legend.
    pub name: String,
    /// Index of its colour; `None` draws it grey and broken, as a reference.
    pub color: Option<usize>,
    /// Points, ascending on the horizontal axis.
    pub points: Vec<(f64, Option<f64>)>,
    /// Whether each point is marked.
    pub dots: bool,
}

/// A span of the horizontal axis.
pub struct Shade {
    /// Name in the legend; spans of one name are listed once.
    pub name: String,
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
    /// Whether it is a fault, red, or outside the measured window, grey.
    pub fault: bool,
}

impl Lines {
    /// Draws it.
    pub fn draw(self, size: Size) -> Result<Chart, Error> {
        let svg = drawing(&self.title, size, |area| {
            let mut chart = framed(area, &self.x, &self.y)?;
            self.shades.iter().try_for_each(|shade| self.draw_shade(&mut chart, shade))?;
            self.lines.iter().try_for_each(|line| draw_line(&mut chart, line))
        })?;
        Ok(Chart { svg, legend: self.legend(), title: self.title, note: self.note })
    }

    fn draw_shade(&self, chart: &mut Context<'_, '_>, shade: &Shade) -> Drawn {
        let (x, y) = (&self.x.scale, &self.y.scale);
        let corners = [(shade.from.max(x.from), y.from), (shade.to.min(x.to), y.to)];
        let fill = shade_color(shade).mix(if shade.fault { 0.13 } else { 0.1 }).filled();
        chart.draw_series([Rectangle::new(corners, fill)]).map(|_| ()).map_err(said)
    }

    fn legend(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for line in &self.lines {
            let mark = if is_dashed(line) { Mark::Dashed } else { Mark::Solid };
            entries.push(Entry { name: line.name.clone(), color: hex(line_color(line)), mark });
        }
        for shade in &self.shades {
            let entry = Entry { name: shade.name.clone(), color: hex(shade_color(shade)), mark: Mark::Shade };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        entries
    }
}

fn draw_line(chart: &mut Context<'_, '_>, line: &Line) -> Drawn {
    let (ink, style) = (line_color(line), line_color(line).stroke_width(STROKE));
    for part in segments(&line.points) {
        if line.dots || part.len() == 1 {
            let dots = part.iter().map(|point| Circle::new(*point, 2 * STROKE, ink.filled()));
            chart.draw_series(dots).map_err(said)?;
        }
        let drawn = if is_dashed(line) {
            chart.draw_series(DashedLineSeries::new(part, 8, 6, style))
        } else {
            chart.draw_series(LineSeries::new(part, style))
        };
        drawn.map_err(said)?;
    }
    Ok(())
}

/// Runs of points that have a value.
fn segments(points: &[(f64, Option<f64>)]) -> Vec<Vec<(f64, f64)>> {
    points
        .split(|(_, value)| value.is_none())
        .map(|part| part.iter().filter_map(|&(x, y)| Some((x, y?))).collect::<Vec<_>>())
        .filter(|part| !part.is_empty())
        .collect()
}

fn line_color(line: &Line) -> RGBColor {
    line.color.map_or(INK, color)
}

fn is_dashed(line: &Line) -> bool {
    line.color.is_none_or(repeats)
}

fn shade_color(shade: &Shade) -> RGBColor {
    if shade.fault { SHADE } else { OUTSIDE }
}
