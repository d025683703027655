//! `[organisation.<name>]`, or the short form `consensus.nodes`: who runs the nodes, and where.

use std::ops::RangeInclusive;

use crate::network::tables::hospital::UPLINKS;
use crate::scenario::model::Organisation;
use crate::scenario::network::{Network, RATES};
use crate::scenario::node::CORES;
use crate::scenario::problem::Flaw;
use crate::scenario::protocol::MOST_NODES;
use crate::scenario::quantity::BIT_RATE;
use crate::scenario::reader::Reader;
use crate::scenario::scalar;

/// Largest stake of one validator, so that the sum of all fits.
const STAKE: RangeInclusive<u64> = 1..=1_000_000_000_000;

/// What reading organisations needs of the other sections.
pub(crate) struct Around<'a> {
    pub(crate) network: &'a Network,
    pub(crate) cores: u32,
    /// `consensus.nodes`.
    pub(crate) nodes: Option<u32>,
}

/// Reads all organisations, in node order. Empty where the scenario says nothing usable.
pub(crate) fn read(r: &mut Reader<'_, '_>, around: &Around<'_>) -> Vec<Organisation> {
    let mut found: Vec<Organisation> = Vec::new();
    r.entries("organisation", |name, r| {
        let dealt = found.len();
        found.extend(one(r, name, around, dealt));
    });
    match (found.is_empty(), around.nodes) {
        (false, Some(_)) => {
            let flaw = Flaw::new("both `consensus.nodes` and organisations are given").limit("one of the two");
            r.report_at(&["consensus", "nodes"], flaw.hint("remove `nodes`: organisations have `validators`"));
        }
        (true, Some(nodes)) => return (0..nodes as usize).map(|i| equal(i, around)).collect(),
        (true, None) if !r.written(&["consensus", "nodes"]) => {
            let flaw = Flaw::new("there are no nodes").limit(format!("at least 1 and at most {MOST_NODES}"));
            r.report_at(&["consensus", "nodes"], flaw.hint("write nodes = 4, or [organisation.<name>] tables"));
        }
        _ => check_total(r, &found),
    }
    found
}

fn check_total(r: &mut Reader<'_, '_>, organisations: &[Organisation]) {
    let total: u64 = organisations.iter().map(|o| u64::from(o.validators)).sum();
    if organisations.is_empty() || (1..=MOST_NODES).contains(&total) {
        return;
    }
    let flaw = Flaw::new(format!("the organisations have {total} validators together"));
    let flaw = flaw.limit(format!("at least 1 and at most {MOST_NODES}"));
    r.report_at(&["organisation"], flaw.hint("write validators = 1 in one of them"));
}

/// Organisation `i` of the short form.
fn equal(i: usize, around: &Around<'_>) -> Organisation {
    let region = i % around.network.spec.regions.len();
    let (uplink, downlink) = around.network.host_rates(region);
    Organisation {
        name: format!("org-{}", i + 1),
        region,
        validators: 1,
        stake: 1,
        share_host: false,
        uplink,
        downlink,
        cores: around.cores,
    }
}

/// The `count` organisations of one table; without a region they are dealt round robin, after `dealt` others.
fn one(r: &mut Reader<'_, '_>, name: &str, around: &Around<'_>, dealt: usize) -> Vec<Organisation> {
    if name.contains(|c: char| !(c.is_alphanumeric() || "-_".contains(c))) {
        let flaw = Flaw::new("the organisation's name has other characters").limit("letters, digits, - and _");
        r.report("", flaw.hint("choose another name"));
    }
    let class = class(r);
    let count = r.count("count", 1, 1..=MOST_NODES) as usize;
    let region = region(r, &around.network.spec.regions);
    let (uplink, downlink) = (link(r, "uplink", class), link(r, "downlink", class));
    let template = Organisation {
        name: name.to_owned(),
        region: 0,
        validators: r.count("validators", 1, 0..=MOST_NODES) as u32,
        stake: r.count("stake", 1, STAKE),
        share_host: r.flag("share_host", false),
        uplink: 0,
        downlink: 0,
        cores: r.count("cores", u64::from(around.cores), CORES) as u32,
    };
    let member = |i: usize| {
        let region = region.unwrap_or((dealt + i) % around.network.spec.regions.len());
        let rates = around.network.host_rates(region);
        let name = if count == 1 { name.to_owned() } else { format!("{name}-{}", i + 1) };
        let (uplink, downlink) = (uplink.unwrap_or(rates.0), downlink.unwrap_or(rates.1));
        Organisation { name, region, uplink, downlink, ..template.clone() }
    };
    (0..count).map(member).collect()
}

/// Bandwidth of the class, if one is written.
fn class(r: &mut Reader<'_, '_>) -> Option<u64> {
    let names: Vec<&str> = UPLINKS.iter().map(|c| c.0).collect();
    let index = r.read("class", |node| scalar::word(node, &names))?;
    r.note("class", names[index]);
    Some(UPLINKS[index].1)
}

fn link(r: &mut Reader<'_, '_>, key: &str, class: Option<u64>) -> Option<u64> {
    let rate = r.read(key, |node| scalar::quantity(node, &BIT_RATE, &RATES)).or(class);
    if let Some(rate) = rate {
        r.note(key, BIT_RATE.show(rate));
    }
    rate
}

fn region(r: &mut Reader<'_, '_>, regions: &[String]) -> Option<usize> {
    let index = r.read("region", |node| {
        let name = scalar::text(node, &regions[0])?;
        let found = regions.iter().position(|r| *r == name);
        found.ok_or_else(|| {
            let flaw = scalar::unknown_word(&name, regions.iter().map(String::as_str), "a region of this scenario");
            flaw.hint("regions are those of `network.regions`")
        })
    })?;
    r.note("region", regions[index].as_str());
    Some(index)
}
