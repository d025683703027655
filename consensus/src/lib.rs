#![forbid(unsafe_code)]
//! Consensus protocols as pure state machines, and the contract between a protocol and its host.
//!
//! A protocol knows no clock, socket, thread or simulator. Everything it learns comes in through `open`, a
//! handler's argument or its [`Cx`]; everything it wants goes out as an [`Effect`]. The same code therefore runs
//! in the simulator and over TCP, and any run can be replayed from its recorded inputs.

pub mod bft;
pub mod block_tree;
pub mod central;
pub mod effect;
pub mod info;
pub mod knob;
pub mod leader;
pub mod log;
pub mod longest_chain;
pub mod message;
pub mod pos;
pub mod pow;
pub mod protocol;
pub mod quorum;
pub mod registry;
pub mod risk;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod types;
pub mod wire;

pub use effect::{Cx, Durability, Effect, Effects, Gate, LANES, Lane, NodeList, PayloadList, To, Until, Work};
pub use info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
pub use knob::{EmptyBlocks, Knob, KnobValue, Settings};
pub use message::{Certificate, Claim, Evidence, Message, PayloadRef, SharedCertificate, Statement};
pub use protocol::{Env, Keys, Need, Peer, Pending, Protocol, Records, Role, Status, Timer, Validators, Verdict};
pub use quorum::Signers;
pub use types::{Digest, Hashing, Height, LogSeq, NodeId, Span, Stake, Ticket, Time, Tip, Topic, ValidatorId, View};
pub use wire::{Wire, WireError};
