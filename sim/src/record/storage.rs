//! Bytes by class: what a node's ledger and the stores beside it grow by, and what that makes in years.

use super::statistics::mean;
use serde::{Deserialize, Serialize};

/// What bytes are for. Headers to index lie on every node's disk, objects beside the chain in a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByteClass {
    /// Block headers.
    Headers,
    /// Quorum certificates and proofs of leadership.
    Certificates,
    /// Transactions in blocks.
    Payload,
    /// The state after execution.
    State,
    /// Indexes over blocks and transactions.
    Index,
    /// Objects beside the chain.
    OffChain,
    /// Further copies of those objects.
    Replicas,
}

/// Bytes of each class; what the number is per (day, node, year) is said where it stands.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassBytes {
    /// Block headers.
    pub headers: f64,
    /// Quorum certificates and proofs of leadership.
    pub certificates: f64,
    /// Transactions in blocks.
    pub payload: f64,
    /// The state after execution.
    pub state: f64,
    /// Indexes over blocks and transactions.
    pub index: f64,
    /// Objects beside the chain.
    pub off_chain: f64,
    /// Further copies of those objects.
    pub replicas: f64,
}

/// Storage growth of one replication.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StorageRecord {
    /// Name of the storage variant.
    pub variant: String,
    /// Where objects beside the chain lie: `own store`, of the hospital, or `provider`. Never on a ledger's disk.
    #[serde(default)]
    pub off_chain_at: String,
    /// Bytes gained in the measured window, mean over nodes; of objects beside the chain a node's share of all.
    pub window_bytes_per_node: ClassBytes,
    /// The same at the window's rate for 24 hours.
    pub bytes_per_day_per_node: ClassBytes,
    /// Bodies older than this leave the ledger, days; `None` keeps all.
    pub retention_days: Option<f64>,
    /// Years 1 to 10, from the workloads' weekly profile and the simulated block rate.
    pub projection: Vec<ProjectionRow>,
}

/// Bytes kept at the end of a year.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ProjectionRow {
    /// Years since the start.
    pub year: u32,
    /// On one node's disk, and its share of objects beside the chain, bytes, with retention applied.
    pub per_node_bytes: ClassBytes,
    /// On all nodes and stores together, bytes.
    pub total_bytes: f64,
}

impl ByteClass {
    /// Every class, chain classes first.
    pub const ALL: [ByteClass; 7] = [
        ByteClass::Headers,
        ByteClass::Certificates,
        ByteClass::Payload,
        ByteClass::State,
        ByteClass::Index,
        ByteClass::OffChain,
        ByteClass::Replicas,
    ];

    /// Its name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ByteClass::Headers => "headers",
            ByteClass::Certificates => "certificates",
            ByteClass::Payload => "payload",
            ByteClass::State => "state",
            ByteClass::Index => "index",
            ByteClass::OffChain => "off-chain",
            ByteClass::Replicas => "replicas",
        }
    }
}

impl ClassBytes {
    /// Of one class.
    #[must_use]
    pub fn get(&self, class: ByteClass) -> f64 {
        match class {
            ByteClass::Headers => self.headers,
            ByteClass::Certificates => self.certificates,
            ByteClass::Payload => self.payload,
            ByteClass::State => self.state,
            ByteClass::Index => self.index,
            ByteClass::OffChain => self.off_chain,
            ByteClass::Replicas => self.replicas,
        }
    }

    /// From a figure for each class.
    #[must_use]
    pub fn from_fn(mut figure: impl FnMut(ByteClass) -> f64) -> Self {
        Self {
            headers: figure(ByteClass::Headers),
            certificates: figure(ByteClass::Certificates),
            payload: figure(ByteClass::Payload),
            state: figure(ByteClass::State),
            index: figure(ByteClass::Index),
            off_chain: figure(ByteClass::OffChain),
            replicas: figure(ByteClass::Replicas),
        }
    }

    /// Every class multiplied.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self::from_fn(|class| self.get(class) * factor)
    }

    /// The blocks themselves: headers, certificates and payload.
    #[must_use]
    pub fn chain(&self) -> f64 {
        self.headers + self.certificates + self.payload
    }

    /// What lies on a node's disk: the blocks, and state and index beside them.
    #[must_use]
    pub fn ledger(&self) -> f64 {
        self.chain() + self.state + self.index
    }

    /// What lies in stores outside the ledger.
    #[must_use]
    pub fn outside(&self) -> f64 {
        self.off_chain + self.replicas
    }

    /// All classes.
    #[must_use]
    pub fn total(&self) -> f64 {
        ByteClass::ALL.iter().map(|&class| self.get(class)).sum()
    }

    /// Class by class the mean; zero of nothing.
    #[must_use]
    pub fn mean(parts: &[ClassBytes]) -> Self {
        Self::from_fn(|class| mean(parts.iter().map(|part| part.get(class))).unwrap_or(0.0))
    }
}

impl StorageRecord {
    /// Mean over replications, whose variant, retention and years are the same.
    #[must_use]
    pub fn mean(parts: &[&StorageRecord]) -> Self {
        let Some(first) = parts.first() else { return Self::default() };
        let classes = |pick: &dyn Fn(&StorageRecord) -> Option<ClassBytes>| -> ClassBytes {
            ClassBytes::mean(&parts.iter().filter_map(|part| pick(part)).collect::<Vec<_>>())
        };
        let row = |(index, row): (usize, &ProjectionRow)| ProjectionRow {
            year: row.year,
            per_node_bytes: classes(&|part| part.projection.get(index).map(|row| row.per_node_bytes)),
            total_bytes: mean(parts.iter().filter_map(|part| part.projection.get(index)).map(|row| row.total_bytes))
                .unwrap_or(0.0),
        };
        Self {
            variant: first.variant.clone(),
            off_chain_at: first.off_chain_at.clone(),
            window_bytes_per_node: classes(&|part| Some(part.window_bytes_per_node)),
            bytes_per_day_per_node: classes(&|part| Some(part.bytes_per_day_per_node)),
            retention_days: first.retention_days,
            projection: first.projection.iter().enumerate().map(row).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_add_up() {
        let bytes = ClassBytes::from_fn(|class| f64::from(1_u32 << (class as u32)));
        assert_eq!((bytes.chain(), bytes.ledger(), bytes.outside(), bytes.total()), (7.0, 31.0, 96.0, 127.0));
        assert_eq!(bytes.scaled(2.0).total(), 254.0);
        assert_eq!(ByteClass::ALL.map(|class| bytes.get(class)), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
    }

    #[test]
    fn the_mean_goes_class_by_class_and_year_by_year() {
        let record = |scale: f64| StorageRecord {
            variant: "inline".into(),
            off_chain_at: "own store".into(),
            window_bytes_per_node: ClassBytes { headers: scale, ..ClassBytes::default() },
            bytes_per_day_per_node: ClassBytes { payload: 10.0 * scale, ..ClassBytes::default() },
            retention_days: Some(365.0),
            projection: vec![ProjectionRow {
                year: 1,
                per_node_bytes: ClassBytes { index: scale, ..ClassBytes::default() },
                total_bytes: 4.0 * scale,
            }],
        };
        assert_eq!(StorageRecord::mean(&[&record(1.0), &record(3.0)]), record(2.0));
        assert_eq!(StorageRecord::mean(&[]), StorageRecord::default());
    }
}
