//! Bars of several parts: stacked or side by side, standing or lying.

use super::{Axis, Chart, Context, Drawn, Entry, Mark, Size, color, drawing, framed, hex, said};
use crate::error::Error;
use plotters::prelude::Rectangle;
use plotters::style::Color;

/// Share of a category's room that its bars take.
const FILLED: f64 = 0.76;
/// Longest name of a category that is written out: half of a wide chart.
const LONGEST_NAME: usize = 60;
const BAR_HEIGHT: u32 = 44;
const FRAME_HEIGHT: u32 = 76;

/// A chart of bars.
pub struct Bars {
    /// What it shows.
    pub title: String,
    /// How the bars stand.
    pub layout: Layout,
    /// What a category is, for the axis; may be empty where the names say it.
    pub category_title: String,
    /// One bar, or one group of bars, each.
    pub categories: Vec<String>,
    /// Names of the parts, in the order of the legend.
    pub parts: Vec<String>,
    /// For each category the value of each part.
    pub values: Vec<Vec<f64>>,
    /// Axis of the values.
    pub axis: Axis,
    /// A remark under it.
    pub note: Option<String>,
}

/// How bars stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Parts on top of each other, categories from left to right.
    Stacked,
    /// Parts side by side, categories from left to right.
    Grouped,
    /// Parts after each other, categories from top to bottom.
    Lying,
}

impl Bars {
    /// Height that a lying chart of so many categories needs.
    pub fn lying_size(width: u32, categories: usize) -> Size {
        Size(width, FRAME_HEIGHT + BAR_HEIGHT * categories as u32)
    }

    /// Draws it.
    pub fn draw(self, size: Size) -> Result<Chart, Error> {
        let svg = drawing(&self.title, size, |area| {
            let mut names: Vec<String> = self.categories.iter().enumerate().map(shortened).collect();
            let mut chart = if self.layout == Layout::Lying {
                names.reverse();
                let axis = Axis::categories(&self.category_title, names, usize::MAX);
                framed(area, &self.axis, &axis)?
            } else {
                let axis = Axis::categories(&self.category_title, names, 16);
                framed(area, &axis, &self.axis)?
            };
            (0..self.categories.len()).try_for_each(|category| self.draw_category(&mut chart, category))
        })?;
        Ok(Chart { svg, legend: self.legend(), title: self.title, note: self.note })
    }

    fn draw_category(&self, chart: &mut Context<'_, '_>, category: usize) -> Drawn {
        let mut base = 0.0;
        for (part, &value) in self.values[category].iter().enumerate() {
            let corners = self.corners(category, part, base, value);
            if value > 0.0 {
                chart.draw_series([Rectangle::new(corners, color(part).filled())]).map_err(said)?;
            }
            if self.layout != Layout::Grouped {
                base += value;
            }
        }
        Ok(())
    }

    pub(super) fn corners(&self, category: usize, part: usize, base: f64, value: f64) -> [(f64, f64); 2] {
        let margin = (1.0 - FILLED) / 2.0;
        let place = category as f64 + margin;
        match self.layout {
            Layout::Stacked => [(place, base), (place + FILLED, base + value)],
            Layout::Grouped => {
                let width = FILLED / self.parts.len() as f64;
                let left = place + width * part as f64;
                [(left, base), (left + width, base + value)]
            }
            Layout::Lying => {
                let bottom = (self.categories.len() - 1 - category) as f64 + margin;
                [(base, bottom), (base + value, bottom + FILLED)]
            }
        }
    }

    /// Parts that show anywhere; an empty one keeps its colour unused.
    fn legend(&self) -> Vec<Entry> {
        let shows = |part: usize| self.values.iter().any(|values| values[part] > 0.0);
        let entry =
            |(index, name): (usize, &String)| Entry { name: name.clone(), color: hex(color(index)), mark: Mark::Area };
        self.parts.iter().enumerate().filter(|(index, _)| shows(*index)).map(entry).collect()
    }
}

/// A name that is cut keeps its place in the list, by which it is told from others that begin alike.
fn shortened((index, name): (usize, &String)) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let place = format!("\u{2026} ({})", index + 1);
    name.chars().take(LONGEST_NAME - place.chars().count()).chain(place.chars()).collect()
}
