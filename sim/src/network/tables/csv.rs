//! A user's own table of round trips, from CSV text.
//!
//! ```text
//! # Comments and empty lines are skipped.
//! from \ to, north, south
//! north,     1,     22.5
//! south,     23,
//! ```
//! The first line names the regions, each further line gives the round trips from one of them in milliseconds, in
//! the same order. A cell is a median or `median/p90`, the same in all cells. On the diagonal an empty cell stands
//! for the round trip between zones of one region.

use thiserror::Error;

use super::{Spread, Table, cloud};

/// The longest round trip that makes sense, milliseconds.
const MAX_MS: f64 = 60_000.0;
/// The widest spread that the latency model can follow.
const MAX_P90_PER_P50: f64 = 9.0;

/// Why a text is not a table; lines count from 1.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CsvError {
    /// Nothing but comments, or a header without regions.
    #[error("line {line}: no regions; the first line must be \"from \\ to\" and the names of the regions")]
    NoRegions {
        /// Last line of the text.
        line: usize,
    },
    /// A region's name is empty or comes twice.
    #[error("line {line}: region \"{name}\" is {what}")]
    Region {
        /// Where.
        line: usize,
        /// The name.
        name: String,
        /// `empty`, `named twice`, `not the next one of the header, which is "..."`.
        what: String,
    },
    /// A line is too short or too long.
    #[error("line {line}: {found} round trips; the header names {expected} regions")]
    Columns {
        /// Where.
        line: usize,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A region of the header has no line.
    #[error("line {line}: the text ends before region \"{name}\"")]
    Missing {
        /// Last line of the text.
        line: usize,
        /// The region.
        name: String,
    },
    /// A cell is no round trip.
    #[error("line {line}: from \"{from}\" to \"{to}\": \"{value}\" {what}")]
    Cell {
        /// Where.
        line: usize,
        /// Sender.
        from: String,
        /// Receiver.
        to: String,
        /// What is there.
        value: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads a table; `name` is what errors and results call it.
pub fn from_csv(name: &str, text: &str) -> Result<Table, CsvError> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l.trim().trim_start_matches('\u{feff}')))
        .filter(|(_, l)| !l.is_empty() && !l.starts_with('#'));
    let last = text.lines().count().max(1);
    let (line, header) = lines.next().ok_or(CsvError::NoRegions { line: last })?;
    let regions = regions(line, header)?;
    let mut reader = Reader { regions: &regions, p50: vec![], p90: vec![], spread: None };
    for (line, text) in lines {
        reader.row(line, text)?;
    }
    if let Some(missing) = regions.get(reader.p50.len()) {
        return Err(CsvError::Missing { line: last, name: missing.clone() });
    }
    let Reader { p50, p90, spread, .. } = reader;
    let spread = if spread == Some(true) { Spread::Quantiles { p50, p90 } } else { Spread::Fixed(p50) };
    Ok(Table { name: name.into(), source: format!("{name}, round trips by the user"), regions, spread, access: None })
}

fn regions(line: usize, header: &str) -> Result<Vec<String>, CsvError> {
    let names: Vec<String> = header.split(',').skip(1).map(|c| c.trim().to_owned()).collect();
    if names.is_empty() {
        return Err(CsvError::NoRegions { line });
    }
    for (i, name) in names.iter().enumerate() {
        let wrong = if name.is_empty() {
            "empty"
        } else if names[..i].contains(name) {
            "named twice"
        } else {
            continue;
        };
        return Err(CsvError::Region { line, name: name.clone(), what: wrong.into() });
    }
    Ok(names)
}

/// What has been read so far.
struct Reader<'a> {
    regions: &'a [String],
    p50: Vec<Vec<f64>>,
    p90: Vec<Vec<f64>>,
    /// Whether cells have a 90th percentile; `None` before the first.
    spread: Option<bool>,
}

impl Reader<'_> {
    fn row(&mut self, line: usize, text: &str) -> Result<(), CsvError> {
        let mut cells = text.split(',').map(str::trim);
        let from = cells.next().unwrap_or_default();
        let wrong = |what: String| CsvError::Region { line, name: from.into(), what };
        match self.regions.get(self.p50.len()) {
            Some(next) if next == from => {}
            Some(next) => return Err(wrong(format!("not the next one of the header, which is \"{next}\""))),
            None => return Err(wrong("one more than the header names".into())),
        }
        let cells: Vec<&str> = cells.collect();
        if cells.len() != self.regions.len() {
            return Err(CsvError::Columns { line, found: cells.len(), expected: self.regions.len() });
        }
        let (mut p50, mut p90) = (vec![], vec![]);
        for (j, &cell) in cells.iter().enumerate() {
            let (median, high) = self.cell(j, cell).map_err(|what| CsvError::Cell {
                line,
                from: from.into(),
                to: self.regions[j].clone(),
                value: cell.into(),
                what,
            })?;
            p50.push(median * 0.5e6);
            p90.push(high * 0.5e6);
        }
        self.p50.push(p50);
        self.p90.push(p90);
        Ok(())
    }

    /// Median and 90th percentile in milliseconds; the median twice where there is only one.
    fn cell(&mut self, column: usize, cell: &str) -> Result<(f64, f64), &'static str> {
        if cell.is_empty() && column == self.p50.len() {
            return Ok((cloud::SAME_REGION_P50_MS, cloud::SAME_REGION_P90_MS));
        }
        let (median, high) = match cell.split_once('/') {
            Some((a, b)) => (number(a)?, Some(number(b)?)),
            None => (number(cell)?, None),
        };
        if *self.spread.get_or_insert(high.is_some()) != high.is_some() {
            return Err("must be a median, or median/p90, as the cells before");
        }
        let high = high.unwrap_or(median);
        match high / median {
            r if r < 1.0 => Err("has a 90th percentile below the median"),
            r if r > MAX_P90_PER_P50 => Err("has a 90th percentile above 9 times the median"),
            _ => Ok((median, high)),
        }
    }
}

fn number(text: &str) -> Result<f64, &'static str> {
    let ms: f64 = text.trim().parse().map_err(|_| "is not a number of milliseconds")?;
    if ms > 0.0 && ms <= MAX_MS { Ok(ms) } else { Err("must be above 0 and at most 60000 ms") }
}
