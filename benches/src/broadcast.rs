//! All-to-all broadcast on the kernel alone: what deliveries cost without network, processors and protocol.
//!
//! Senders broadcast at a random time of the first 50 ms of every round; a copy takes 10 to 100 ms, drawn by message
//! and recipient. The message is stored once, so a copy on its way is a slot, a recipient and a time.

use ledgerlab_consensus::Time;
use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::kernel::prefetch::prefetch;
use ledgerlab_sim::kernel::queue::{Event, Origin, Queue};
use ledgerlab_sim::kernel::rng::{Purpose, Stream};

/// Rounds begin so far apart that the copies of one have arrived before the next: a sender's slot is free again.
const ROUND_NS: u64 = 200_000_000;
const START_NS: u64 = 50_000_000;
const LEAST_NS: u64 = 10_000_000;
const SPREAD_NS: u64 = 90_000_000;
/// Events are handled a window at a time, no wider than the least latency.
const WINDOW_NS: u64 = 1_000_000;
/// `what` of the event at which a sender broadcasts.
const START: u32 = u32::MAX;
/// How many places ahead a recipient's state is fetched.
const AHEAD: usize = 8;

/// State of a recipient: 32 bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Recipient {
    digest: u64,
    last: u64,
    received: u64,
    sent: u64,
}

impl Recipient {
    #[inline]
    fn receive(&mut self, at: u64, origin: Origin) {
        self.digest = ((self.digest ^ at).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ origin.0).rotate_left(29);
        self.last = self.last.max(at);
        self.received += 1;
    }
}

/// Nodes that broadcast to each other.
#[derive(Debug)]
pub struct Broadcast {
    nodes: Vec<Recipient>,
    senders: u32,
    latency: Stream,
    starts: Stream,
}

impl Broadcast {
    /// `nodes` of them, of which the first `senders` broadcast in every round.
    pub fn new(nodes: u32, senders: u32) -> Broadcast {
        let (latency, starts) = (Stream::new(1, Purpose::Latency), Stream::new(1, Purpose::Client));
        Broadcast { nodes: vec![Recipient::default(); nodes as usize], senders, latency, starts }
    }

    /// Deliveries of a round.
    pub fn per_round(&self) -> u64 {
        u64::from(self.senders) * self.nodes.len() as u64
    }

    #[inline]
    fn arrival(&self, at: u64, origin: Origin, target: u32) -> u64 {
        let draw = self.latency.at(origin.0, u64::from(target));
        at + LEAST_NS + ((u128::from(draw) * u128::from(SPREAD_NS)) >> 64) as u64
    }

    fn start(&self, sender: u32, round: u64) -> u64 {
        round * ROUND_NS + self.starts.below(u64::from(sender), round, START_NS)
    }

    /// Runs `rounds` on an empty queue; returns the digest over the order of each recipient's deliveries.
    pub fn run(&mut self, rounds: u64, queue: &mut impl Queue) -> u64 {
        let start =
            |at, round, sender| Event { at: Time(at), origin: Origin::new(sender, round), target: sender, what: START };
        (0..self.senders).for_each(|s| queue.push(start(self.start(s, 0), 0, s)));
        let mut window = vec![];
        while let Some(at) = queue.next_at() {
            // Nothing that happens in a window no wider than the least latency comes back into it.
            window.clear();
            queue.pop_before(Time(at.0 + WINDOW_NS), &mut window);
            for (i, event) in window.iter().enumerate() {
                if let Some(next) = window.get(i + AHEAD) {
                    prefetch(&self.nodes, next.target as usize);
                }
                let (at, target) = (event.at.0, event.target);
                if event.what != START {
                    self.nodes[target as usize].receive(at, event.origin);
                    continue;
                }
                self.send(target, at, queue);
                let round = at / ROUND_NS + 1;
                if round < rounds {
                    queue.push(start(self.start(target, round), round, target));
                }
            }
        }
        self.digest()
    }

    fn send(&mut self, sender: u32, at: u64, queue: &mut impl Queue) {
        let origin = self.next_origin(sender);
        for target in 0..self.nodes.len() as u32 {
            let at = Time(self.arrival(at, origin, target));
            queue.push_copy(Event { at, origin, target, what: sender });
        }
    }

    fn next_origin(&mut self, sender: u32) -> Origin {
        let node = &mut self.nodes[sender as usize];
        node.sent += 1;
        Origin::new(sender, node.sent)
    }

    /// The floor: the same draws and changes of state, delivered as they are drawn, in no order of time.
    pub fn unordered(&mut self, rounds: u64) -> u64 {
        for round in 0..rounds {
            for sender in 0..self.senders {
                let (at, origin) = (self.start(sender, round), self.next_origin(sender));
                for target in 0..self.nodes.len() as u32 {
                    let at = self.arrival(at, origin, target);
                    self.nodes[target as usize].receive(at, origin);
                }
            }
        }
        self.digest()
    }

    fn digest(&self) -> u64 {
        self.nodes
            .iter()
            .enumerate()
            .fold(0, |sum, (i, n)| sum.wrapping_add(mix64(n.digest ^ mix64(i as u64 ^ n.received))))
    }
}
