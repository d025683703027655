//! `[network]`: regions, latencies between them, bandwidth, order, loss and overlay.

use std::fs;
use std::path::Path;

use ledgerlab_consensus::Span;

use crate::network::tables::{self, Table};
use crate::scenario::model::{LatencySpec, NetworkSpec, Sharing};
use crate::scenario::problem::{Flaw, nearest};
use crate::scenario::quantity::{BIT_RATE, TIME};
use crate::scenario::reader::Reader;
use crate::scenario::scalar;

/// Bandwidth of a host that says nothing.
const DEFAULT_BIT_PER_S: u64 = 1_000_000_000;
/// Rates of a link, bit/s.
pub(crate) const RATES: std::ops::RangeInclusive<u64> = 1_000..=1_000_000_000_000;
/// Longest round trip.
const LONGEST_RTT: Span = Span::secs(600);
/// Most neighbours on an overlay.
const MOST_DEGREE: u64 = 10_000;
/// Neighbours on an overlay that says nothing: Bitcoin's outbound connections.
const DEFAULT_DEGREE: u64 = 8;
/// Where latencies come from in a scenario that says nothing.
const DEFAULT_TABLE: &str = "cloud-2025";
/// Regions of it that a scenario uses unless it names others: three continents.
const CLOUD_DEFAULT: [&str; 5] = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1", "ca-central-1"];

/// The section, with what depends on the protocol or on a region left open.
pub(crate) struct Network {
    pub(crate) spec: NetworkSpec,
    pub(crate) uplink: Option<u64>,
    pub(crate) downlink: Option<u64>,
    pub(crate) degree: Option<u32>,
    /// Uplink and downlink of a typical node by region, where the table has it.
    access: Option<Vec<(u64, u64)>>,
}

impl Network {
    /// Uplink and downlink of a host in `region` that does not say otherwise, bit/s.
    pub(crate) fn host_rates(&self, region: usize) -> (u64, u64) {
        let typical = self.access.as_ref().map(|a| a[region]).unwrap_or((DEFAULT_BIT_PER_S, DEFAULT_BIT_PER_S));
        (self.uplink.unwrap_or(typical.0), self.downlink.unwrap_or(typical.1))
    }

    /// Neighbours of a node: as written, else a full mesh, on a large overlay 8.
    pub(crate) fn degree_for(&self, overlay: bool, nodes: u32) -> u32 {
        let default = if overlay && u64::from(nodes) > DEFAULT_DEGREE + 1 { DEFAULT_DEGREE as u32 } else { 0 };
        self.degree.unwrap_or(default)
    }

    /// Typical one-way latency between two of its regions, by index.
    pub(crate) fn delay_between(&self, a: usize, b: usize) -> Span {
        match &self.spec.latency {
            LatencySpec::Constant(delay) => *delay,
            LatencySpec::Quantiles { p50: m, .. }
            | LatencySpec::Pareto { mean: m }
            | LatencySpec::Fixed { mean: m } => Span(m[a][b] as u64),
        }
    }

    /// The longest typical one-way latency between two of its regions.
    pub(crate) fn typical_delay(&self) -> Span {
        match &self.spec.latency {
            LatencySpec::Constant(delay) => *delay,
            LatencySpec::Quantiles { p50: m, .. }
            | LatencySpec::Pareto { mean: m }
            | LatencySpec::Fixed { mean: m } => Span(m.iter().flatten().fold(0.0, |a: f64, b| a.max(*b)) as u64),
        }
    }
}

/// Where latencies come from.
enum Rtt {
    Constant(Span),
    Table(Box<Table>),
}

/// Reads `[network]`; a matrix file is looked for from `folder`.
pub(crate) fn read(r: &mut Reader<'_, '_>, folder: &Path) -> Network {
    let rtt = rtt(r, folder);
    let names = region_names(r, &rtt);
    let (regions, latency, access) = latency(r, rtt, names);
    r.note("regions", regions.clone());
    let bandwidth = rate(r, "bandwidth");
    let uplink = rate(r, "uplink").or(bandwidth);
    let downlink = rate(r, "downlink").or(bandwidth);
    let degree = r.read("degree", |node| scalar::count(node, &(0..=MOST_DEGREE))).map(|d| d as u32);
    let spec = NetworkSpec {
        regions,
        latency,
        fifo: r.word("order", 0, &["fifo", "any"]) == 0,
        sharing: match r.word("sharing", 0, &["fifo", "fair"]) {
            0 => Sharing::Fifo,
            _ => Sharing::Fair,
        },
        priority: r.flag("priority", false),
        loss: r.number("loss", 0.0, 0.0..=0.9),
        degree: degree.unwrap_or(0),
        loopback: r.span("loopback", Span::micros(50), Span::ZERO..=Span::secs(1)),
    };
    Network { spec, uplink, downlink, degree, access }
}

fn rate(r: &mut Reader<'_, '_>, key: &str) -> Option<u64> {
    let rate = r.read(key, |node| scalar::quantity(node, &BIT_RATE, &RATES));
    if let Some(rate) = rate {
        r.note(key, BIT_RATE.show(rate));
    }
    rate
}

fn rtt(r: &mut Reader<'_, '_>, folder: &Path) -> Rtt {
    let mut written = DEFAULT_TABLE.to_owned();
    let mut content = None;
    let found = r.read("rtt", |node| {
        written = scalar::text(node, DEFAULT_TABLE)?;
        if let Some(delay) = written.strip_prefix("constant:") {
            let rtt = Span(TIME.parse(delay)?);
            let limit = format!("at most {}", TIME.show(LONGEST_RTT.0));
            return if rtt <= LONGEST_RTT {
                Ok(Rtt::Constant(rtt))
            } else {
                Err(Flaw::new("too large").limit(limit).hint("write it as \"constant:10 ms\""))
            };
        }
        if let Some(table) = tables::named(&written) {
            return Ok(Rtt::Table(Box::new(table)));
        }
        let (table, text) = matrix_file(&written, folder)?;
        content = Some(text);
        Ok(Rtt::Table(Box::new(table)))
    });
    r.note("rtt", written);
    if let Some(content) = content {
        r.add_content(content.as_bytes());
    }
    // After an error nothing is said of regions, which depend on the table that was meant.
    let fallback = || match r.has("rtt") {
        true => Rtt::Constant(Span::ZERO),
        false => Rtt::Table(Box::new(tables::named(DEFAULT_TABLE).expect("the default is in the list"))),
    };
    found.unwrap_or_else(fallback)
}

/// A matrix of round trips from a CSV file.
fn matrix_file(name: &str, folder: &Path) -> Result<(Table, String), Flaw> {
    let limit = format!("one of {}, constant:<time>, or a .csv file", tables::NAMES.join(", "));
    let hint = |near: Option<&str>| match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`ledgerlab list` shows the tables with their regions".to_owned(),
    };
    if !name.ends_with(".csv") {
        let flaw = Flaw::new(format!("there is no table `{name}`")).limit(limit);
        return Err(flaw.hint(hint(nearest(name, tables::NAMES))));
    }
    let path = folder.join(name);
    let text = fs::read_to_string(&path).map_err(|e| {
        let flaw = Flaw::new(format!("{}: cannot be read: {e}", path.display())).limit(limit);
        flaw.hint("the path is relative to the scenario's folder")
    })?;
    let table = tables::from_csv(name, &text)
        .map_err(|e| Flaw::new(format!("{}: {e}", path.display())).limit("round trips in milliseconds"));
    let table =
        table.map_err(|flaw| flaw.hint("the first line names the regions, each other one is a region's row"))?;
    Ok((table, text))
}

/// The names as written, if they are usable in themselves.
fn region_names(r: &mut Reader<'_, '_>, rtt: &Rtt) -> Option<Vec<String>> {
    let example = match rtt {
        Rtt::Constant(_) => "north",
        Rtt::Table(table) => table.regions.first().map_or("north", String::as_str),
    };
    r.read("regions", |node| {
        let names = scalar::texts(node, example)?;
        if names.is_empty() {
            return Err(Flaw::new("no regions").limit("at least 1").hint(format!("write [\"{example}\"]")));
        }
        match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            Some((_, twice)) => Err(Flaw::new(format!("region `{twice}` is named twice"))
                .limit("each region once")
                .hint("remove one of them")),
            None => Ok(names),
        }
    })
}

type Regions = (Vec<String>, LatencySpec, Option<Vec<(u64, u64)>>);

/// Cuts the matrix of the regions out of the table.
fn latency(r: &mut Reader<'_, '_>, rtt: Rtt, names: Option<Vec<String>>) -> Regions {
    let table = match rtt {
        Rtt::Constant(rtt) => {
            let names = names.unwrap_or_else(|| vec!["local".to_owned()]);
            return (names, LatencySpec::Constant(Span(rtt.0 / 2)), None);
        }
        Rtt::Table(table) => table,
    };
    let default = || match table.name.as_str() {
        DEFAULT_TABLE => CLOUD_DEFAULT.iter().map(|&r| r.to_owned()).collect(),
        _ => table.regions.clone(),
    };
    let mut names = names.unwrap_or_else(default);
    names.retain(|name| {
        let known = table.region(name).is_ok();
        if !known {
            let what = format!("a region of `{}`", table.name);
            r.report("regions", scalar::unknown_word(name, table.regions.iter().map(String::as_str), &what));
        }
        known
    });
    if names.is_empty() {
        names = default();
    }
    let spec = table.spec(&names).expect("all regions are in the table");
    let access = names.iter().map(|name| table.access(name).ok().flatten().map(|a| (a.uplink, a.downlink)));
    let access = access.collect();
    (names, spec, access)
}
