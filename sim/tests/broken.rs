//! Are deliberately broken protocols caught in a run, each by the checker that is there for it?
//!
//! The same run with the sound protocol passes every check, so it is the flaw that is caught.

#[path = "common/ballots.rs"]
mod ballots;
#[path = "common/flawed.rs"]
mod flawed;
#[path = "common/world.rs"]
mod world;

use std::marker::PhantomData;

use ballots::Ballots;
use flawed::{Flaw, Flawed, Sound};
use ledgerlab_consensus::bft::hotstuff::HotStuff;
use ledgerlab_consensus::bft::pbft::Pbft;
use ledgerlab_consensus::{Effect, Gate, Message, NodeId, PayloadRef, Protocol, Time};
use ledgerlab_sim::probe::Blind;
use ledgerlab_sim::record::{RunRecord, Verdict};
use ledgerlab_sim::run::{run, run_protocol};
use ledgerlab_sim::scenario::Scenario;
use world::{held, scenario_with};

const ALL: [&str; 9] = [
    "agreement",
    "statements",
    "certificate",
    "durability",
    "evidence",
    "conservation",
    "little",
    "link-rate",
    "liveness",
];

/// Four nodes with short links for twenty seconds.
fn world(protocol: &str, overrides: &[&str]) -> Scenario {
    let text = format!(
        r#"
        schema = 1
        [run]
        warmup = "2 s"
        duration = "18 s"
        drain = "10 s"
        [consensus]
        protocol = "{protocol}"
        nodes = 4
        block_period = "50 ms"
        [network]
        rtt = "constant:20 ms"
        [workload.plain]
        kind = "fixed"
        hospitals = 4
        rate_tx_per_s = 100
        "#
    );
    scenario_with(&text, overrides)
}

fn broken<P: Protocol>(s: &Scenario) -> RunRecord {
    run_protocol::<P>(s, 5, &mut Blind)
}

/// The checks that failed.
fn failed(record: &RunRecord) -> Vec<&'static str> {
    ALL.into_iter().filter(|c| !held(record, c)).collect()
}

fn assert_sound<P: Protocol>(s: &Scenario) {
    let record = broken::<Flawed<Sound<P>>>(s);
    assert!(failed(&record).is_empty() && !record.verdict.failed(), "{}", record.verdict.text());
}

#[test]
fn a_wrapper_without_a_flaw_gives_the_very_same_run() {
    for (protocol, wrapped) in [
        ("pbft", broken::<Flawed<Sound<Pbft>>> as fn(&Scenario) -> RunRecord),
        ("hotstuff", broken::<Flawed<Sound<HotStuff>>>),
    ] {
        let s =
            world(protocol, &["fault.one.kind=crash", "fault.one.nodes=0", "fault.one.at=9 s", "fault.one.for=3 s"]);
        let (plain, wrapped) = (run(&s, 5), wrapped(&s));
        assert_eq!(plain.verdict, Verdict::Ok);
        assert_eq!(plain.digest, wrapped.digest, "{protocol}");
    }
}

/// Replica 3 votes for a second value, too.
struct TwoVotes<P>(bool, PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for TwoVotes<P> {
    type Inner = P;
    fn new(me: NodeId) -> Self {
        TwoVotes(me == NodeId(3), PhantomData)
    }
    fn alter(&mut self, now: Time, effect: Effect<P>, out: &mut Vec<Effect<P>>) {
        let second = match &effect {
            Effect::Send { to, message, lane, gate } if self.0 && now > Time(5_000_000_000) => {
                message.conflicting(7).map(|m| Effect::Send { to: *to, message: m, lane: *lane, gate: *gate })
            }
            _ => None,
        };
        out.push(effect);
        out.extend(second);
    }
}

#[test]
fn a_vote_for_two_values_is_caught() {
    for (protocol, run) in [
        ("pbft", broken::<Flawed<TwoVotes<Pbft>>> as fn(&Scenario) -> RunRecord),
        ("hotstuff", broken::<Flawed<TwoVotes<HotStuff>>>),
    ] {
        let record = run(&world(protocol, &[]));
        let text = record.verdict.text();
        assert!(failed(&record).contains(&"statements"), "{protocol}: {text}");
        assert_eq!(record.verdict.word(), "safety-violation", "{protocol}");
        assert!(text.starts_with("statements violated at 5."), "{protocol}: {text}");
        assert!(text.contains("validator 3 signs value") && text.contains("but it has signed value"), "{text}");
    }
}

#[test]
fn a_quorum_one_short_is_caught_by_agreement_where_it_decides_twice() {
    let cut = ["mempool.dissemination=gossip", "fault.cut.kind=partition", "fault.cut.nodes=2,3", "fault.cut.at=6 s"];
    let s = world("pbft", &cut);
    let record = broken::<Ballots<2, false>>(&s);
    let text = record.verdict.text();
    assert_eq!(failed(&record), ["agreement"], "{text}");
    assert_eq!(record.verdict.word(), "safety-violation");
    assert!(text.contains("was finalised there first"), "{text}");
    // With a full quorum no half decides anything.
    let sound = broken::<Ballots<3, true>>(&s);
    assert_eq!(failed(&sound), [""; 0], "{}", sound.verdict.text());
    assert_eq!(sound.verdict.word(), "stalled");
}

#[test]
fn a_quorum_one_short_is_caught_by_its_certificate_even_where_all_goes_well() {
    let s = world("pbft", &["mempool.dissemination=gossip"]);
    let record = broken::<Ballots<2, true>>(&s);
    let text = record.verdict.text();
    assert_eq!(failed(&record), ["certificate"], "{text}");
    assert!(text.contains("signers weigh 2 of 4, a quorum is 3"), "{text}");
    let sound = broken::<Ballots<3, true>>(&s);
    assert_eq!(sound.verdict, Verdict::Ok, "{}", sound.verdict.text());
}

/// What a replica has logged is gone after a crash.
struct Forgetful<P>(PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for Forgetful<P> {
    type Inner = P;
    const FORGETS: bool = true;
    fn new(_: NodeId) -> Self {
        Forgetful(PhantomData)
    }
}

#[test]
fn a_log_forgotten_in_a_crash_is_caught() {
    for (protocol, run, sound) in [
        (
            "pbft",
            broken::<Flawed<Forgetful<Pbft>>> as fn(&Scenario) -> RunRecord,
            assert_sound::<Pbft> as fn(&Scenario),
        ),
        ("hotstuff", broken::<Flawed<Forgetful<HotStuff>>>, assert_sound::<HotStuff>),
    ] {
        // The leader is away for less than anybody's patience, and comes back in the view that it led. Its uplink is
        // slow: some crashes leave a proposal with too few replicas for it to be decided meanwhile.
        let mut caught = 0;
        for ms in (2_500..2_600).step_by(3) {
            let at = format!("fault.one.at={ms} ms");
            let crash = ["fault.one.kind=crash", "fault.one.nodes=0", &at, "fault.one.for=60 ms"];
            let s = world(protocol, &[&crash[..], &["network.bandwidth=2 Mbit/s"]].concat());
            sound(&s);
            let record = run(&s);
            let text = record.verdict.text();
            caught += u64::from(text.starts_with("statements violated"));
            let named = text.contains("validator 0 signs value") && text.contains("but it has signed");
            assert!(!text.starts_with("statements") || named, "{protocol}: {text}");
        }
        assert!(caught > 0, "{protocol}: no crash was caught");
    }
}

/// Signatures leave at once, whether their record is durable or not.
struct Hasty<P>(PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for Hasty<P> {
    type Inner = P;
    fn new(_: NodeId) -> Self {
        Hasty(PhantomData)
    }
    fn alter(&mut self, _: Time, effect: Effect<P>, out: &mut Vec<Effect<P>>) {
        out.push(match effect {
            Effect::Send { to, message, lane, .. } => Effect::Send { to, message, lane, gate: Gate::Now },
            other => other,
        });
    }
}

#[test]
fn a_signature_that_does_not_wait_for_its_record_is_caught() {
    let record = broken::<Flawed<Hasty<Pbft>>>(&world("pbft", &[]));
    assert_eq!(failed(&record), ["durability"], "{}", record.verdict.text());
    assert_eq!(record.verdict.word(), "safety-violation");
}

/// A leader proposes its twentieth payload again as the twenty-first.
struct Repeats<P>(u32, PayloadRef, PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for Repeats<P> {
    type Inner = P;
    fn new(_: NodeId) -> Self {
        Repeats(0, PayloadRef::default(), PhantomData)
    }
    fn payload(&mut self, built: PayloadRef) -> PayloadRef {
        if self.0 == 20 && self.1.count > 0 {
            self.0 += 1;
            return self.1;
        }
        self.0 += u32::from(built.count > 0 && self.0 < 20);
        self.1 = built;
        built
    }
}

#[test]
fn a_duplicated_transaction_is_caught() {
    for (protocol, run) in [
        ("pbft", broken::<Flawed<Repeats<Pbft>>> as fn(&Scenario) -> RunRecord),
        ("hotstuff", broken::<Flawed<Repeats<HotStuff>>>),
    ] {
        let record = run(&world(protocol, &[]));
        let text = record.verdict.text();
        assert_eq!(failed(&record), ["conservation"], "{protocol}: {text}");
        assert_eq!(record.verdict.word(), "conservation-violation", "{protocol}");
        assert!(text.contains("becomes committed, but it is committed"), "{protocol}: {text}");
    }
}

/// After ten seconds nobody says anything any more.
struct Mute<P>(PhantomData<fn() -> P>);

impl<P: Protocol> Flaw for Mute<P> {
    type Inner = P;
    fn new(_: NodeId) -> Self {
        Mute(PhantomData)
    }
    fn alter(&mut self, now: Time, effect: Effect<P>, out: &mut Vec<Effect<P>>) {
        if now < Time(10_000_000_000) || !matches!(effect, Effect::Send { .. }) {
            out.push(effect);
        }
    }
}

#[test]
fn a_stall_that_no_fault_explains_fails_the_run() {
    for faults in [&[][..], &["fault.one.kind=crash", "fault.one.nodes=3", "fault.one.at=9 s"]] {
        let s = world("pbft", &[faults, &["consensus.pbft.timeout=1 s"]].concat());
        let record = broken::<Flawed<Mute<Pbft>>>(&s);
        assert_eq!(failed(&record), ["liveness"], "{}", record.verdict.text());
        assert!(record.verdict.failed(), "{}", record.verdict.text());
        let Verdict::Stalled { explained, text } = &record.verdict else { panic!("{}", record.verdict) };
        assert!(!explained && text.contains(" s, unexplained"), "{text}");
    }
}
