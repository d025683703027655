//! What each node's links, cores and disk carried in the measured window.

use super::statistics::mean;
use serde::{Deserialize, Serialize};

/// Use of one node; shares are of the window's capacity, 0 to 1.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct NodeUse {
    /// Node id.
    pub node: u32,
    /// Its organisation.
    pub organisation: String,
    /// Its region.
    pub region: String,
    /// Bytes that left through its uplink.
    pub up_bytes: f64,
    /// Bytes that came through its downlink.
    pub down_bytes: f64,
    /// Share of the uplink's capacity in use.
    pub uplink_share: f64,
    /// Share of the downlink's capacity in use.
    pub downlink_share: f64,
    /// Largest share of the uplink in use in any step of the series.
    pub uplink_peak_share: f64,
    /// Share of its cores in use.
    pub cpu_share: f64,
    /// Share of its busiest core, whatever runs on it: the hot spot of a leader.
    pub core_share: f64,
    /// Share of the time that its disk was busy.
    pub disk_share: f64,
}

impl NodeUse {
    /// Node by node the mean over replications, which list the same nodes in the same order.
    #[must_use]
    pub fn mean(parts: &[&[NodeUse]]) -> Vec<NodeUse> {
        let Some(first) = parts.first() else { return Vec::new() };
        let average = |index: usize, field: fn(&NodeUse) -> f64| {
            mean(parts.iter().filter_map(|nodes| nodes.get(index)).map(field)).unwrap_or(0.0)
        };
        let node = |(index, node): (usize, &NodeUse)| NodeUse {
            node: node.node,
            organisation: node.organisation.clone(),
            region: node.region.clone(),
            up_bytes: average(index, |n| n.up_bytes),
            down_bytes: average(index, |n| n.down_bytes),
            uplink_share: average(index, |n| n.uplink_share),
            downlink_share: average(index, |n| n.downlink_share),
            uplink_peak_share: average(index, |n| n.uplink_peak_share),
            cpu_share: average(index, |n| n.cpu_share),
            core_share: average(index, |n| n.core_share),
            disk_share: average(index, |n| n.disk_share),
        };
        first.iter().enumerate().map(node).collect()
    }

    /// Largest figure among the nodes; `None` without nodes.
    #[must_use]
    pub fn largest(nodes: &[NodeUse], field: fn(&NodeUse) -> f64) -> Option<f64> {
        nodes.iter().map(field).reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_goes_node_by_node() {
        let node = |node, up_bytes, cpu_share| NodeUse { node, up_bytes, cpu_share, ..NodeUse::default() };
        let (a, b) = ([node(0, 10.0, 0.2), node(1, 4.0, 0.1)], [node(0, 20.0, 0.4), node(1, 8.0, 0.1)]);
        let both = NodeUse::mean(&[&a, &b]);
        assert_eq!(both, [node(0, 15.0, (0.2 + 0.4) / 2.0), node(1, 6.0, 0.1)]);
        assert_eq!(NodeUse::largest(&both, |n| n.up_bytes), Some(15.0));
        assert_eq!(NodeUse::largest(&[], |n| n.up_bytes), None);
    }
}
