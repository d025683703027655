//! One-way latency of a message, from the regions of its two nodes and one draw.
//!
//! Integers only on the way of a message: a pair of regions has a fixed part and a scale, and the shape of its
//! jitter comes from small tables shared by all pairs. All shapes are monotone in the draw and have a least value,
//! which is what a conservative simulation may look ahead.
//!
//! - *Shifted log-normal* through a measured median and 90th percentile. The shift, the propagation that no
//!   message undercuts, is 0.95 of the median: an assumption.
//! - *Pareto* of shape 5 and scale 0.8 x mean, so that the mean is kept (as in JABS, the simulator of Yajam, Ebadi and Akhaee).

mod exp2;
#[cfg(test)]
mod tests;

use std::ops::Range;

use ledgerlab_consensus::{NodeId, Span, Time};

use self::exp2::Exp2;
use crate::kernel::rng::{QuantileTable, normal_quantile};
use crate::scenario::LatencySpec;

/// Share of the median that is propagation and never undercut.
const SHIFT_PER_P50: f64 = 0.95;
/// Shape of the Pareto distribution and its least value for a mean of 1.
const PARETO_SHAPE: f64 = 5.0;
const PARETO_SCALE: f64 = 0.8;
/// The largest sigma that the fixed-point arithmetic can follow: a 90th percentile of 9.3 medians.
const MAX_SIGMA: f64 = 4.0;
/// Fraction bits of the tables' values.
const ONE: u32 = 32;
/// Fraction bits of a sigma.
const SIGMA_ONE: u32 = 24;

/// One-way latencies between the nodes of a run.
#[derive(Clone, Debug)]
pub struct LatencyModel {
    places: Box<[Place]>,
    regions: usize,
    /// By (region of the sender, region of the receiver).
    pairs: Box<[Pair]>,
    shape: Shape,
    loopback: Span,
    min: Span,
    min_between_hosts: Span,
    max_typical: Span,
}

/// The ways from one node to those on other hosts.
#[derive(Clone, Copy, Debug)]
pub struct Away<'a> {
    model: &'a LatencyModel,
    /// By region of the receiver.
    pairs: &'a [Pair],
}

/// Where a node is.
#[derive(Clone, Copy, Debug)]
struct Place {
    region: u32,
    host: u32,
}

/// The way from one region to another.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// Never undercut, ns.
    shift: u64,
    /// What the jitter multiplies, ns.
    scale: u64,
    /// Sigma of the log-normal as a power of two, with [`SIGMA_ONE`] fraction bits.
    sigma: i64,
}

/// How latencies spread.
#[derive(Clone, Debug)]
enum Shape {
    /// Not at all.
    Fixed,
    /// `shift + scale * exp(sigma * normal)`, with the quantiles of a normal's absolute value.
    /// `plain` where no scale and no power is so large that a product does not fit.
    LogNormal { half_normal: QuantileTable, exp2: Exp2, plain: bool },
    /// `scale * factor`.
    Pareto(QuantileTable),
}

impl LatencyModel {
    /// The model for nodes with the given regions and hosts, both by node id.
    ///
    /// # Panics
    /// If the lists differ in length, a matrix is not square, a region is not in it, or a host stands in two regions.
    pub fn new(spec: &LatencySpec, region_of: &[usize], loopback: Span, host_of: &[u32]) -> LatencyModel {
        assert_eq!(region_of.len(), host_of.len(), "each node has a region and a host");
        let (shape, pairs) = pairs(spec);
        let regions = pairs.len().isqrt();
        assert_eq!(regions * regions, pairs.len(), "a latency matrix is square");
        let constant = matches!(spec, LatencySpec::Constant(_));
        let place = |(&region, &host): (&usize, &u32)| {
            let region = if constant { 0 } else { region };
            assert!(region < regions, "region {region} is not among the {regions} of the latency matrix");
            Place { region: region as u32, host }
        };
        let places = region_of.iter().zip(host_of).map(place).collect();
        let mut model = LatencyModel {
            places,
            regions,
            pairs,
            shape,
            loopback,
            min: Span(u64::MAX),
            min_between_hosts: Span(u64::MAX),
            max_typical: Span::ZERO,
        };
        model.find_bounds();
        model
    }

    /// Latency of a message; `draw` is 64 uniform bits, and a larger draw never gives a shorter latency.
    #[inline]
    pub fn one_way(&self, from: NodeId, to: NodeId, draw: u64) -> Span {
        let (a, b) = (self.places[from.0 as usize], self.places[to.0 as usize]);
        if a.host == b.host {
            return self.loopback;
        }
        self.draw(a.region as usize * self.regions + b.region as usize, draw)
    }

    /// Latencies of messages of one node to nodes on other hosts.
    #[inline]
    pub fn away(&self, from: NodeId) -> Away<'_> {
        let pairs = self.places[from.0 as usize].region as usize * self.regions;
        Away { model: self, pairs: &self.pairs[pairs..pairs + self.regions] }
    }

    /// Latency between two regions (of clients that are no nodes), also between hosts of one region.
    #[inline]
    pub fn between_regions(&self, from: usize, to: usize, draw: u64) -> Span {
        // A constant latency has one pair, whatever the regions.
        if self.pairs.len() == 1 { self.draw(0, draw) } else { self.draw(from * self.regions + to, draw) }
    }

    /// The median between two nodes.
    pub fn median(&self, from: NodeId, to: NodeId) -> Span {
        self.one_way(from, to, 1 << 63)
    }

    /// The least latency of any draw between any two different nodes; `u64::MAX` where there is only one node.
    pub fn min(&self) -> Span {
        self.min
    }

    /// The least latency of any draw between nodes on different hosts; `u64::MAX` where all share one.
    pub fn min_between_hosts(&self) -> Span {
        self.min_between_hosts
    }

    /// The largest 99th percentile between any two nodes on different hosts; zero where all share one.
    pub fn max_typical(&self) -> Span {
        self.max_typical
    }

    #[inline(always)]
    fn draw(&self, pair: usize, draw: u64) -> Span {
        self.shape.latency(self.pairs[pair], draw)
    }

    /// Bounds over the pairs of regions that two different hosts really have.
    fn find_bounds(&mut self) {
        let mut hosts: Vec<(u32, u32)> = self.places.iter().map(|p| (p.host, p.region)).collect();
        hosts.sort_unstable();
        let shared = hosts.windows(2).any(|w| w[0].0 == w[1].0);
        hosts.dedup();
        assert!(hosts.windows(2).all(|w| w[0].0 != w[1].0), "a host stands in two regions");
        let mut hosts_in = vec![0; self.regions];
        hosts.iter().for_each(|&(_, region)| hosts_in[region as usize] += 1);
        for (i, &from) in hosts_in.iter().enumerate() {
            for (j, &to) in hosts_in.iter().enumerate() {
                if from > 0 && to > usize::from(i == j) {
                    let pair = i * self.regions + j;
                    self.min_between_hosts = self.min_between_hosts.min(self.draw(pair, 0));
                    self.max_typical = self.max_typical.max(self.draw(pair, u64::MAX / 100 * 99));
                }
            }
        }
        self.min = if shared { self.min_between_hosts.min(self.loopback) } else { self.min_between_hosts };
    }
}

impl Shape {
    #[inline(always)]
    fn latency(&self, pair: Pair, draw: u64) -> Span {
        let jitter = match self {
            Shape::Fixed => 0,
            Shape::LogNormal { half_normal, exp2, .. } => exp2.times(pair.scale, pair.power(half_normal, draw)),
            Shape::Pareto(factor) => ((u128::from(pair.scale) * u128::from(factor.sample(draw))) >> ONE) as u64,
        };
        Span(pair.shift + jitter)
    }
}

impl Pair {
    /// Which power of two multiplies the scale of a log-normal.
    #[inline(always)]
    fn power(&self, half_normal: &QuantileTable, draw: u64) -> i64 {
        (self.sigma * normal(half_normal, draw)) >> SIGMA_ONE
    }
}

impl Away<'_> {
    /// When messages arrive at these nodes that leave one after the other, each `apart` from the one before, of which
    /// the first leaves at `sent`; and when the next one would leave. None overtakes what came to its node at `last`.
    /// `draw` gives 64 uniform bits by receiver.
    pub fn arrivals(
        &self,
        to: Range<u32>,
        (sent, apart): (Time, Span),
        last: &mut [Time],
        draw: impl Fn(NodeId) -> u64,
        into: &mut Vec<(NodeId, Time)>,
    ) -> Time {
        match &self.model.shape {
            // In a loop of its own, in which nothing is left to be asked.
            Shape::LogNormal { half_normal, exp2, plain: true } => {
                let latency =
                    |pair: Pair, draw| Span(pair.shift + exp2.times_plain(pair.scale, pair.power(half_normal, draw)));
                self.pass(to, (sent, apart), last, |pair, to| latency(pair, draw(to)), into)
            }
            shape => self.pass(to, (sent, apart), last, |pair, to| shape.latency(pair, draw(to)), into),
        }
    }

    #[inline(always)]
    fn pass(
        &self,
        to: Range<u32>,
        (mut sent, apart): (Time, Span),
        last: &mut [Time],
        latency: impl Fn(Pair, NodeId) -> Span,
        into: &mut Vec<(NodeId, Time)>,
    ) -> Time {
        let places = to.start as usize..to.end as usize;
        let ways = self.model.places[places.clone()].iter().zip(&mut last[places]);
        into.extend(to.map(NodeId).zip(ways).map(|(to, (place, last))| {
            *last = (sent + latency(self.pairs[place.region as usize], to)).max(*last);
            sent += apart;
            (to, *last)
        }));
        sent
    }
}

/// A standard normal, with [`ONE`] fraction bits, from the quantiles of its absolute value.
#[inline]
fn normal(half: &QuantileTable, draw: u64) -> i64 {
    // All ones below the median, so that both halves count outwards from it, without a branch.
    let below = !((draw as i64) >> 63);
    let size = half.sample((draw ^ below as u64) << 1) as i64;
    (size ^ below) - below
}

/// Shape and pairs of regions of a specification.
fn pairs(spec: &LatencySpec) -> (Shape, Box<[Pair]>) {
    let fixed = |ns: u64| Pair { shift: ns, scale: 0, sigma: 0 };
    match spec {
        LatencySpec::Constant(span) => (Shape::Fixed, [fixed(span.0)].into()),
        LatencySpec::Fixed { mean } => (Shape::Fixed, mean.iter().flatten().map(|&m| fixed(whole(m))).collect()),
        LatencySpec::Pareto { mean } => {
            let unit = (1_u64 << ONE) as f64;
            let factor = QuantileTable::new(|p| unit * PARETO_SCALE * libm::pow(1.0 - p, -1.0 / PARETO_SHAPE));
            let pair = |&m| Pair { shift: 0, scale: whole(m), sigma: 0 };
            (Shape::Pareto(factor), mean.iter().flatten().map(pair).collect())
        }
        LatencySpec::Quantiles { p50, p90 } => {
            let unit = (1_u64 << ONE) as f64;
            let half_normal = QuantileTable::new(|p| unit * normal_quantile(0.5 + 0.5 * p));
            let pairs: Box<[Pair]> =
                p50.iter().flatten().zip(p90.iter().flatten()).map(|(&a, &b)| log_normal(a, b)).collect();
            let power = |p: &Pair| (u128::from(half_normal.max()) * p.sigma as u128 >> SIGMA_ONE) as u64 + 1;
            let plain = pairs.iter().all(|p| Exp2::is_plain(p.scale, power(p)));
            (Shape::LogNormal { half_normal, exp2: Exp2::new(), plain }, pairs)
        }
    }
}

/// The shifted log-normal through a median and a 90th percentile, ns.
fn log_normal(p50: f64, p90: f64) -> Pair {
    let shift = SHIFT_PER_P50 * p50;
    let sigma = libm::log((p90 - shift) / (p50 - shift)) / normal_quantile(0.9);
    let sigma = sigma.clamp(0.0, MAX_SIGMA) / std::f64::consts::LN_2;
    let scale = whole(p50) - whole(shift);
    Pair { shift: whole(shift), scale, sigma: (sigma * (1_u64 << SIGMA_ONE) as f64 + 0.5) as i64 }
}

fn whole(ns: f64) -> u64 {
    (ns + 0.5) as u64
}
