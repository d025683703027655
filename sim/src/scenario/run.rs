//! `[run]`: name, seed, replications and the times of a run.

use std::ops::RangeInclusive;

use ledgerlab_consensus::Span;

use crate::scenario::problem::Flaw;
use crate::scenario::quantity::{TIME, parse_start, show_start};
use crate::scenario::reader::Reader;
use crate::scenario::scalar;

/// Most replications of one point.
const MOST_REPLICATIONS: u64 = 10_000;
/// TOML integers have a sign.
const MOST_SEED: u64 = i64::MAX as u64;
/// Longest time that a key may hold: ten years.
pub(crate) const LONGEST: Span = Span(10 * 365 * 86_400 * 1_000_000_000);
/// The window without `duration`.
pub(crate) const DEFAULT_DURATION: Span = Span::secs(60);
/// What goes before it without `warmup`.
pub(crate) const DEFAULT_WARMUP: Span = Span::secs(10);
/// Times that may be zero.
pub(crate) const ANY_TIME: RangeInclusive<Span> = Span::ZERO..=LONGEST;
/// Times that may not.
pub(crate) const SOME_TIME: RangeInclusive<Span> = Span(1)..=LONGEST;

/// The section as it is written; the drain's default depends on the protocol.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) replications: u32,
    pub(crate) start: Span,
    pub(crate) duration: Span,
    pub(crate) warmup: Span,
    pub(crate) drain: Option<Span>,
}

/// Reads `[run]`; `stem` names the run where the file does not.
pub(crate) fn read(r: &mut Reader<'_, '_>, stem: &str) -> Run {
    let name = r.read("name", |node| scalar::text(node, "baseline").and_then(checked_name));
    let name = name.unwrap_or_else(|| stem.to_owned());
    r.note("name", name.as_str());
    let start = r.read("start", |node| parse_start(&scalar::text(node, "monday 10:00")?));
    let start = start.unwrap_or(Span::secs(10 * 3_600));
    r.note("start", show_start(start));
    Run {
        name,
        seed: r.count("seed", 1, 0..=MOST_SEED),
        replications: r.count("replications", 1, 1..=MOST_REPLICATIONS) as u32,
        start,
        duration: r.span("duration", DEFAULT_DURATION, SOME_TIME),
        warmup: r.span("warmup", DEFAULT_WARMUP, ANY_TIME),
        drain: drain(r),
    }
}

/// The drain, if it is written down; its default is noted when it is known.
fn drain(r: &mut Reader<'_, '_>) -> Option<Span> {
    let limits = ANY_TIME.start().0..=ANY_TIME.end().0;
    r.read("drain", |node| scalar::quantity(node, &TIME, &limits)).map(Span)
}

/// A name becomes the name of a folder.
fn checked_name(name: String) -> Result<String, Flaw> {
    let good = |c: char| c.is_alphanumeric() || "-_.+ ".contains(c);
    if let Some(plain) = name.strip_suffix(".partial") {
        let flaw = Flaw::new("names in .partial are kept for folders of unfinished runs");
        return Err(flaw.limit("any other ending").hint(format!("write it as {plain:?}")));
    }
    let plain = !name.is_empty() && name.chars().count() <= 100 && name.chars().all(good) && !name.starts_with('.');
    if plain && name.trim() == name {
        return Ok(name);
    }
    let limit = "1 to 100 letters, digits, spaces and -_.+, not a dot first";
    Err(Flaw::new("the name cannot be the name of a folder").limit(limit).hint("write it as \"my-run\""))
}
