//! Runs a scenario: the one place where the simulator meets the protocols' types.

use ledgerlab_consensus::Protocol;
use ledgerlab_consensus::registry::{self, Visitor};

use crate::engine::{LEAST_SHARED, Simulation};
use crate::kernel::parallel::team;
use crate::kernel::queue::Pending;
use crate::kernel::rng::{Purpose, Stream};
use crate::probe::{Blind, Probe};
use crate::record::RunRecord;
use crate::scenario::Scenario;

/// What drives a run. Results are the same, to the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Engine {
    /// The window queue.
    #[default]
    Fast,
    /// The same on so many threads, which share the hosts of each window with at least so many arrivals.
    Threads {
        /// How many.
        count: usize,
        /// Arrivals.
        least: usize,
    },
    /// The fast engine with every window cut into so many parts, as for threads, on one: for tests.
    Parts(usize),
    /// The plain heap that it is compared with: one event for a message, and one for what a host does by itself.
    Reference,
    /// The heap, and every message waits three times: until it arrives, is received and is verified.
    Naive,
}

impl Engine {
    /// The fast one on so many threads, which share windows where that is worth it.
    pub fn on_threads(count: usize) -> Engine {
        if count < 2 { Engine::Fast } else { Engine::Threads { count, least: LEAST_SHARED } }
    }
    pub(crate) fn queue(self) -> Pending {
        match self {
            Engine::Fast | Engine::Threads { .. } | Engine::Parts(_) => Pending::windows(),
            Engine::Reference | Engine::Naive => Pending::heap(),
        }
    }
}

struct Runner<'a> {
    scenario: &'a Scenario,
    seed: u64,
    engine: Engine,
    probe: &'a mut dyn Probe,
}

impl Visitor for Runner<'_> {
    type Output = RunRecord;
    fn visit<P: Protocol>(self) -> RunRecord {
        let simulation = Simulation::<P, Pending>::new(self.scenario, self.seed, self.engine.queue(), self.probe);
        match self.engine {
            Engine::Fast => simulation.in_windows().run(),
            Engine::Threads { count, least } => {
                team::lead(count, || simulation.in_windows().in_parts(count, least).run())
            }
            Engine::Parts(n) => simulation.in_windows().in_parts(n, 1).run(),
            Engine::Reference => simulation.run(),
            Engine::Naive => simulation.in_three_events().run(),
        }
    }
}

/// Runs one replication with a seed.
///
/// # Panics
/// If the scenario's protocol is not in the registry, which validation excludes.
pub fn run(scenario: &Scenario, seed: u64) -> RunRecord {
    run_probed(scenario, seed, &mut Blind)
}

/// The same under the eyes of a probe.
///
/// # Panics
/// As [`run`].
pub fn run_probed(scenario: &Scenario, seed: u64, probe: &mut dyn Probe) -> RunRecord {
    run_on(Engine::Fast, scenario, seed, probe)
}

/// The same on a chosen engine.
///
/// # Panics
/// As [`run`].
pub fn run_on(engine: Engine, scenario: &Scenario, seed: u64, probe: &mut dyn Probe) -> RunRecord {
    let runner = Runner { scenario, seed, engine, probe };
    registry::visit(scenario.protocol, runner).expect("a validated scenario names a registered protocol")
}

/// One replication of a protocol that the registry does not know, such as a test's deliberately broken one.
pub fn run_protocol<P: Protocol>(scenario: &Scenario, seed: u64, probe: &mut dyn Probe) -> RunRecord {
    Runner { scenario, seed, engine: Engine::Fast, probe }.visit::<P>()
}

/// The seed of a replication: the scenario's own for the first. Equal at every point of a sweep, so that points are
/// compared with the same draws.
pub fn replication_seed(seed: u64, replication: u32) -> u64 {
    match replication {
        0 => seed,
        r => Stream::new(seed, Purpose::Replication).at(u64::from(r), 0),
    }
}
