//! `[fault.<name>]`: what goes wrong, where, when and for how long.
//!
//! More faults than the protocol tolerates are a legal experiment; faults at nodes that do not exist are not.

use std::collections::BTreeSet;

use ledgerlab_consensus::Span;

use crate::scenario::model::{Fault, FaultKind, Organisation};
use crate::scenario::problem::Flaw;
use crate::scenario::quantity::show_rough;
use crate::scenario::reader::Reader;
use crate::scenario::run::{ANY_TIME, SOME_TIME};
use crate::scenario::scalar;

const KINDS: [&str; 3] = ["crash", "partition", "region-outage"];
const SELECTORS: &str = "\"3\", \"0-4\", \"0,2,5-7\", \"region:<name>\" or \"org:<name>\"";

/// Reads all faults, in order of name.
pub(crate) fn read(r: &mut Reader<'_, '_>, regions: &[String], organisations: &[Organisation]) -> Vec<Fault> {
    let mut faults = Vec::new();
    r.entries("fault", |name, r| faults.extend(one(r, name, regions, organisations)));
    faults
}

fn one(r: &mut Reader<'_, '_>, name: &str, regions: &[String], organisations: &[Organisation]) -> Option<Fault> {
    for (key, hint) in [("kind", "kind = \"crash\""), ("nodes", "nodes = \"0-4\""), ("at", "at = \"60 s\"")] {
        if !r.has(key) {
            r.report(key, Flaw::new("the key is missing").hint(format!("write {hint}")));
        }
    }
    let kind = r.read("kind", |node| scalar::word(node, &KINDS));
    let nodes = r.read("nodes", |node| {
        let text = scalar::text(node, "0-4")?;
        if kind == Some(2) && !text.starts_with("region:") {
            let flaw = Flaw::new("a region outage concerns a region").limit("\"region:<name>\"");
            return Err(flaw.hint("choose the kind `crash` for single nodes"));
        }
        Ok((select(&text, regions, organisations)?, text))
    });
    let at = r.span("at", Span::ZERO, ANY_TIME);
    let lasts = r.optional_span("for", "ever", SOME_TIME);
    let (kind, (nodes, text)) = (kind?, nodes?);
    r.note("kind", KINDS[kind]);
    r.note("nodes", text);
    let kind = if kind == 1 { FaultKind::Partition { nodes } } else { FaultKind::Crash { nodes } };
    Some(Fault { name: name.to_owned(), kind, at, lasts })
}

/// Reports faults that would begin after the run.
pub(crate) fn check_times(r: &mut Reader<'_, '_>, faults: &[Fault], end: Span) {
    for fault in faults.iter().filter(|f| f.at >= end) {
        let flaw = Flaw::new("the fault would begin after the end of the run");
        let flaw = flaw.limit(format!("before {} (warm-up, duration and drain)", show_rough(end)));
        let flaw = flaw.hint("times of faults count from the start of the warm-up");
        r.report_at(&["fault", &fault.name, "at"], flaw);
    }
}

/// The nodes that a selector means, ascending.
fn select(text: &str, regions: &[String], organisations: &[Organisation]) -> Result<Vec<u32>, Flaw> {
    let mut nodes = BTreeSet::new();
    for part in text.split(',').map(str::trim) {
        if let Some(name) = part.strip_prefix("region:") {
            let region = regions.iter().position(|r| r == name);
            let unknown =
                || scalar::unknown_word(name, regions.iter().map(String::as_str), "a region of this scenario");
            let region = region.ok_or_else(unknown)?;
            nodes.extend(nodes_where(organisations, |o| o.region == region));
        } else if let Some(name) = part.strip_prefix("org:") {
            let found: Vec<u32> = nodes_where(organisations, |o| belongs(&o.name, name)).collect();
            if found.is_empty() && !organisations.iter().any(|o| belongs(&o.name, name)) {
                let names = organisations.iter().map(|o| o.name.as_str());
                return Err(scalar::unknown_word(name, names, "an organisation"));
            }
            nodes.extend(found);
        } else {
            nodes.extend(range(part, organisations)?);
        }
    }
    if nodes.is_empty() {
        let flaw = Flaw::new("no node is meant").limit(SELECTORS);
        return Err(flaw.hint("choose a region or organisation that has nodes"));
    }
    Ok(nodes.into_iter().collect())
}

/// Whether an organisation has this name or is one of the `count` of it.
fn belongs(organisation: &str, name: &str) -> bool {
    let number = organisation.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    organisation == name || number.is_some_and(|n| n.parse::<u32>().is_ok())
}

fn nodes_where<'a>(
    organisations: &'a [Organisation],
    wanted: impl Fn(&Organisation) -> bool + 'a,
) -> impl Iterator<Item = u32> + 'a {
    let owners = organisations.iter().flat_map(|o| (0..o.validators).map(move |_| o));
    owners.zip(0_u32..).filter(move |(o, _)| wanted(o)).map(|(_, id)| id)
}

fn range(part: &str, organisations: &[Organisation]) -> Result<impl Iterator<Item = u32> + use<>, Flaw> {
    let nodes: u32 = organisations.iter().map(|o| o.validators).sum();
    let (low, high) = part.split_once('-').unwrap_or((part, part));
    let bounds = low.trim().parse::<u32>().ok().zip(high.trim().parse::<u32>().ok());
    let Some((low, high)) = bounds else {
        let flaw = Flaw::new(format!("`{part}` means no nodes")).limit(SELECTORS);
        return Err(flaw.hint("node ids count from 0"));
    };
    if low > high {
        let flaw = Flaw::new(format!("`{part}` runs backwards")).limit("the smaller id first");
        return Err(flaw.hint(format!("write it as \"{high}-{low}\"")));
    }
    if nodes > 0 && high >= nodes {
        let flaw = Flaw::new(format!("there is no node {high}"));
        return Err(flaw.limit(format!("at most {}", nodes - 1)).hint("node ids count from 0"));
    }
    Ok(low..=high)
}
