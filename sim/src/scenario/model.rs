//! The validated scenario as plain data: what the simulator reads and nothing else.
//!
//! Times are nanoseconds, sizes bytes, rates bits per second. Parsing, defaults and checks are beside this file.

use ledgerlab_consensus::{NodeId, Settings, Span, Stake, ValidatorId, Validators};
use ledgerlab_workloads::WorkloadSpec;

use crate::scenario::effective::Effective;
use crate::scenario::problem::Problem;

/// One run's input, apart from the seed of a replication.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name given by the user; never reaches a result's digest.
    pub name: String,
    /// Seed of the first replication; replication r runs with a seed derived from (seed, r).
    pub seed: u64,
    /// Number of replications.
    pub replications: u32,
    /// Simulated time of the start, as time since Monday 00:00.
    pub start: Span,
    /// Before the measured window.
    pub warmup: Span,
    /// The measured window.
    pub duration: Span,
    /// Longest time after the window in which its transactions may still become final; resolved from the default.
    pub drain: Span,
    /// Multiplies the rate of every workload.
    pub load: f64,
    /// Id of the protocol in the registry.
    pub protocol: &'static str,
    /// Its settings.
    pub settings: Settings,
    /// The organisations, expanded: `count = 4` gives four of them.
    pub organisations: Vec<Organisation>,
    /// The network between them.
    pub network: NetworkSpec,
    /// The machines.
    pub node: NodeSpec,
    /// Mempool and dissemination.
    pub mempool: MempoolSpec,
    /// What hospitals send; hospitals are dealt to organisations round robin.
    pub workloads: Vec<WorkloadSpec>,
    /// Where objects are kept.
    pub storage: StorageSpec,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// When a transaction is final.
    pub finality: FinalitySpec,
    /// What must hold, if anything.
    pub slo: Option<Slo>,
    /// Expected time from a transaction's submission to its finality without load, for warnings and defaults.
    pub expected_finality: Span,
    /// What can be run but hardly means what it says.
    pub warnings: Vec<Problem>,
    /// Every key with the value that the run uses, as text: for the record and the digest of the content.
    pub effective: Effective,
}

impl Scenario {
    /// Number of nodes: all validators of all organisations.
    pub fn nodes(&self) -> u32 {
        self.organisations.iter().map(|o| o.validators).sum()
    }
    /// The validators: node i holds key i.
    pub fn validators(&self) -> Validators {
        let stake = self.organisations.iter().flat_map(|o| (0..o.validators).map(|_| Stake(o.stake)));
        Validators::new(stake.collect(), (0..self.nodes()).map(NodeId).collect())
    }
    /// The key of a node.
    pub fn key_of(&self, node: NodeId) -> Option<ValidatorId> {
        (node.0 < self.nodes()).then_some(ValidatorId(node.0))
    }
}

/// An organisation of the consortium: its nodes are `validators` consecutive node ids.
#[derive(Clone, PartialEq, Debug)]
pub struct Organisation {
    /// Name, unique after expansion (`north-1`, `north-2`).
    pub name: String,
    /// Index into [`NetworkSpec::regions`].
    pub region: usize,
    /// Number of its nodes, each a validator; 0 is a client organisation that uses the nearest node.
    pub validators: u32,
    /// Stake or hash power of each of its validators.
    pub stake: u64,
    /// Whether its nodes share one host (cores, disk, network card) instead of having one each.
    pub share_host: bool,
    /// Uplink of a host, bit/s.
    pub uplink: u64,
    /// Downlink of a host, bit/s.
    pub downlink: u64,
    /// Cores of a host.
    pub cores: u32,
}

/// The network between regions.
#[derive(Clone, PartialEq, Debug)]
pub struct NetworkSpec {
    /// Names of the regions that the scenario uses.
    pub regions: Vec<String>,
    /// One-way latency between regions.
    pub latency: LatencySpec,
    /// Whether a connection keeps the order of its messages.
    pub fifo: bool,
    /// How transmissions share a link.
    pub sharing: Sharing,
    /// Whether votes and blocks go before bulk and off-chain bytes on an uplink.
    pub priority: bool,
    /// Probability that a segment is lost on the way and sent again by the transport.
    pub loss: f64,
    /// Neighbours of each node on the gossip overlay; 0 is a full mesh.
    pub degree: u32,
    /// Latency between nodes on one host.
    pub loopback: Span,
}

/// How transmissions share an uplink or a downlink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// First in, first out.
    Fifo,
    /// Connections with something to send share it equally at every moment.
    Fair,
}

/// One-way latency in nanoseconds; matrices are indexed by region, sender first.
#[derive(Clone, PartialEq, Debug)]
pub enum LatencySpec {
    /// The same between any two nodes, no jitter.
    Constant(Span),
    /// Shifted log-normal through the median and the 90th percentile, shift `0.95 * p50`.
    Quantiles {
        /// Median.
        p50: Vec<Vec<f64>>,
        /// 90th percentile.
        p90: Vec<Vec<f64>>,
    },
    /// Pareto with shape 5 and scale 0.8 x mean.
    Pareto {
        /// Mean.
        mean: Vec<Vec<f64>>,
    },
    /// A matrix without jitter.
    Fixed {
        /// The latency.
        mean: Vec<Vec<f64>>,
    },
}

/// A machine and what computation costs on it.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeSpec {
    /// Cost of cryptography.
    pub crypto: CryptoCosts,
    /// Scheme of certificates.
    pub signatures: SignatureScheme,
    /// Billed for every message handled, beyond cryptography.
    pub handling: Span,
    /// Execution of one transaction, serial.
    pub execution: Span,
    /// The disk.
    pub disk: DiskSpec,
    /// Largest offset of a node's wall clock from true time, drawn uniformly.
    pub clock_skew: Span,
}

/// Nanoseconds of one core; defaults are measurements on the reference machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CryptoCosts {
    /// One signature made.
    pub sign: Span,
    /// One signature verified.
    pub verify: Span,
    /// One signature verified in a batch of at least 16.
    pub verify_batched: Span,
    /// One BLS certificate verified, plus `bls_per_key` for each signer.
    pub bls_verify: Span,
    /// One BLS signature made.
    pub bls_sign: Span,
    /// Aggregation of a public key.
    pub bls_per_key: Span,
    /// A VRF proof made.
    pub vrf_prove: Span,
    /// A VRF proof verified.
    pub vrf_verify: Span,
    /// Hashing, nanoseconds per 1,024 bytes.
    pub hash_per_kib: Span,
}

/// How signatures of many validators under one statement are put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureScheme {
    /// A list of 64-byte signatures and a bitmap.
    Ed25519,
    /// One 96-byte signature and a bitmap.
    Bls,
}

/// A disk: fsync log-normal, bandwidth shared by everything that is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DiskSpec {
    /// Median of an fsync; zero makes records durable at once.
    pub fsync: Span,
    /// Sigma of its logarithm.
    pub fsync_sigma: f64,
    /// Bytes per second.
    pub bytes_per_s: u64,
    /// Bytes on disk for each byte of ledger (write amplification).
    pub amplification: f64,
}

/// How transactions wait and travel before they are proposed.
#[derive(Clone, PartialEq, Debug)]
pub struct MempoolSpec {
    /// How they reach the proposer.
    pub dissemination: Dissemination,
    /// How long a gateway collects transactions into a batch.
    pub batch_delay: Span,
    /// A batch leaves early at this size.
    pub batch_bytes: u32,
    /// Most transactions that a node keeps of its own clients; more are rejected.
    pub capacity: u64,
    /// A transaction that waits longer is expired; `Span(u64::MAX)` never.
    pub expiry: Span,
    /// How long a client tries to reach a node that is down before it turns to the next.
    pub failover: Span,
    /// How long a gateway waits for finality before it sends a transaction to every node.
    pub client_timeout: Span,
    /// Translation by the adapter at the gateway, one transaction.
    pub adapter: Span,
}

/// How transactions reach the proposer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dissemination {
    /// A gateway sends its batches to the leader.
    LeaderPush,
    /// Every node gets every batch, by the overlay or directly on a full mesh.
    Gossip,
}

/// Where objects are kept.
#[derive(Clone, PartialEq, Debug)]
pub struct StorageSpec {
    /// The variant.
    pub variant: StorageVariant,
    /// Bodies older than this leave the ledger; headers and certificates stay.
    pub retention: Option<Span>,
}

/// A storage variant with its parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StorageVariant {
    /// The record itself is the transaction's payload.
    Inline,
    /// A pointer with a hash; the object stays in the hospital's own store.
    HashPointer {
        /// Write to the local store, smallest and largest.
        write: (Span, Span),
        /// First byte of a read, median.
        first_byte: Span,
        /// Sigma of its logarithm.
        first_byte_sigma: f64,
        /// Bytes per second of one object, written or read.
        stream_bytes_per_s: u64,
    },
    /// A pointer with a hash; the object goes to an external store through the node's uplink.
    ObjectStore {
        /// Median of a PUT, beyond `put_per_mib` for each MiB.
        put: Span,
        /// For each MiB.
        put_per_mib: Span,
        /// Sigma of its logarithm.
        put_sigma: f64,
        /// Median of a GET's first byte.
        get: Span,
        /// Sigma of its logarithm.
        get_sigma: f64,
        /// Bytes per second of one stream.
        stream_bytes_per_s: u64,
    },
}

/// Something that goes wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// The user's name for it.
    pub name: String,
    /// What.
    pub kind: FaultKind,
    /// From when, since the start of the run (warm-up included).
    pub at: Span,
    /// For how long; `None` until the end.
    pub lasts: Option<Span>,
}

/// What goes wrong, with the nodes it concerns (ascending).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// The nodes stop, lose everything volatile, and restart from their logs.
    Crash {
        /// The nodes.
        nodes: Vec<u32>,
    },
    /// The nodes are cut off from all others, not from each other.
    Partition {
        /// The nodes.
        nodes: Vec<u32>,
    },
}

/// When a transaction is final.
#[derive(Clone, PartialEq, Debug)]
pub struct FinalitySpec {
    /// How many nodes must agree.
    pub nodes: FinalityNodes,
    /// By which rule each of them decides, resolved: `None` by the protocol's certificate, else blocks on top.
    pub depth: Option<u64>,
    /// The rule as the user wrote it, with adversary and reversal probability where it has one.
    pub rule: FinalityRule,
}

/// How many nodes must hold a transaction for final.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FinalityNodes {
    /// Any one.
    First,
    /// A quorum by the protocol's own count.
    Quorum,
    /// At least this share.
    Fraction(f64),
    /// Every node that is up.
    All,
}

/// Rule by which a node holds a block for final.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FinalityRule {
    /// The protocol's certificate or its default depth.
    Protocol,
    /// A depth.
    Depth(u64),
    /// The least depth with a reversal probability below `reversal` against `adversary`'s share of power.
    Risk {
        /// Share of hash power or stake.
        adversary: f64,
        /// Probability.
        reversal: f64,
    },
}

/// What must hold for exit code 0.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Slo {
    /// Largest 99th percentile of the time to finality.
    pub latency_p99: Option<Span>,
    /// Smallest share of created transactions that commit.
    pub success_rate: Option<f64>,
    /// Smallest throughput, tx/s.
    pub throughput_tx_per_s: Option<f64>,
}
