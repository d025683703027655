//! Placement, times and growth against published and hand-computed figures.

use ledgerlab_consensus::Span;
use ledgerlab_workloads::{Arrival, INLINE_OVERHEAD_BYTES, Operation, ParamValue, WorkloadSpec};

use super::bytes::{BytesByClass, INDEX_BYTES_PER_TX, STATE_BYTES_PER_TX};
use super::projection::{BlockRate, Week, after, project};
use super::{Offchain, Placement, StorageModel, Store, VARIANTS, named};
use crate::kernel::rng::{Purpose, Stream};
use crate::record::ByteClass;
use crate::scenario::StorageSpec;

fn model(id: &str) -> StorageModel {
    StorageModel::new(&StorageSpec { variant: named(id).unwrap().default, retention: None })
}

fn at(p: f64) -> u64 {
    (p * 18_446_744_073_709_551_616.0) as u64
}

fn arrival(record_bytes: u32, pointer_bytes: u32, object_bytes: u64) -> Arrival {
    Arrival {
        at_ns: 0,
        object_bytes,
        hospital: 0,
        holder: 0,
        record_bytes,
        pointer_bytes,
        workload: 0,
        kind: 0,
        operation: Operation::Write,
    }
}

fn workload(kind: &str, hospitals: u32, set: &[(&str, ParamValue)]) -> WorkloadSpec {
    let mut spec = WorkloadSpec::new(kind, kind).unwrap();
    spec.hospitals = hospitals;
    set.iter().for_each(|(key, value)| spec.set(key, *value).unwrap());
    spec.check().unwrap();
    spec
}

fn near(got: f64, want: f64, within: f64, what: &str) {
    assert!((got / want - 1.0).abs() < within, "{what}: {got}, not {want}");
}

#[test]
fn every_variant_is_listed_under_its_own_id() {
    for info in &VARIANTS {
        let model = StorageModel::new(&StorageSpec { variant: info.default, retention: None });
        assert_eq!(model.id(), info.id);
        assert_eq!(named(info.id).map(|v| v.doc), Some(info.doc));
    }
    assert_eq!(VARIANTS.map(|v| v.id), ["inline", "hash-pointer", "object-store"]);
    assert!(named("archival").is_none());
}

#[test]
fn a_record_is_on_chain_in_full_or_as_a_pointer() {
    let record = arrival(6_769, 300, 1_218);
    let place = |id: &str, a: &Arrival| model(id).placement(a);
    let pointer = |store| Placement { chain_bytes: 300, offchain: Some(Offchain { bytes: 1_218, store }) };
    assert_eq!(place("inline", &record), Placement { chain_bytes: 6_769 + 174, offchain: None });
    assert_eq!(place("hash-pointer", &record), pointer(Store::Local));
    assert_eq!(place("object-store", &record), pointer(Store::External));
}

#[test]
fn anchors_and_readings_are_the_same_under_every_variant() {
    for info in &VARIANTS {
        let anchor = model(info.id).placement(&arrival(0, 200, 9_000));
        assert_eq!((anchor.chain_bytes, anchor.offchain.map(|o| o.bytes)), (200, Some(9_000)), "{}", info.id);
        let reading = model(info.id).placement(&arrival(900, 0, 0));
        assert_eq!(reading, Placement { chain_bytes: 900 + 174, offchain: None }, "{}", info.id);
    }
}

#[test]
fn an_object_store_has_its_published_percentiles() {
    let store = model("object-store");
    let object = |bytes| Offchain { bytes, store: Store::External };
    for (p, get_ms, put_ms) in [(0.5, 27.0, 60.0), (0.9, 60.0, 87.0), (0.99, 114.0, 118.0), (0.999, 183.0, 147.0)] {
        near(store.variant.first_byte(at(p)).as_secs_f64() * 1e3, get_ms, 0.01, "GET");
        near(store.write_ack(object(0), at(p)).as_secs_f64() * 1e3, put_ms, 0.01, "PUT");
    }
    near(store.write_ack(object(75 << 20), at(0.5)).as_secs_f64(), 1.56, 1e-4, "PUT of 75 MiB");
    let read = store.read(&Placement { chain_bytes: 330, offchain: Some(object(8_000_001)) }, 5);
    assert_eq!(read.transfer, Span(100_000_013));
}

#[test]
fn a_hospitals_store_writes_within_its_bounds_and_spreads_its_first_byte() {
    let store = model("hash-pointer");
    let stream = Stream::new(1, Purpose::Storage);
    let object = Offchain { bytes: 0, store: Store::Local };
    let n = 20_000;
    let writes: Vec<u64> = (0..n).map(|i| store.write_ack(object, stream.at(i, 0)).0).collect();
    assert!(writes.iter().all(|w| (2_000_000..=5_000_000).contains(w)));
    near(writes.iter().sum::<u64>() as f64 / n as f64, 3.5e6, 0.01, "mean write");
    let more = Offchain { bytes: 125_000_000, ..object };
    assert_eq!(store.write_ack(more, 7), store.write_ack(object, 7) + Span::secs(1));
    near(store.variant.first_byte(at(0.9)).as_secs_f64() * 1e3, 5.0 * libm::exp(0.6 * 1.281_551_6), 0.002, "p90");
}

#[test]
fn a_read_looks_up_first_and_fetches_only_what_is_outside() {
    let stream = Stream::new(2, Purpose::Storage);
    let inside = Placement { chain_bytes: 500, offchain: None };
    let outside = Placement { offchain: Some(Offchain { bytes: 1_250, store: Store::Local }), ..inside };
    let store = model("hash-pointer");
    let mut together = 0;
    for i in 0..4_000 {
        let (a, b) = (store.read(&inside, stream.at(i, 0)), store.read(&outside, stream.at(i, 0)));
        assert!(a.lookup >= Span::micros(100) && a.lookup <= Span::millis(1) && a.lookup == b.lookup);
        assert_eq!((a.first_byte, a.transfer, b.transfer), (Span::ZERO, Span::ZERO, Span::micros(10)));
        together += u32::from((b.lookup > Span::micros(550)) == (b.first_byte > Span::millis(5)));
    }
    assert!((1_850..2_150).contains(&together), "lookup and first byte are not independent: {together} of 4000");
}

#[test]
fn a_spread_of_zero_is_no_spread() {
    let exact = super::spread::LogNormal::new(0.0);
    assert_eq!([0, at(0.5), u64::MAX].map(|u| exact.times(Span::millis(7), u)), [Span::millis(7); 3]);
    let wild = super::spread::LogNormal::new(5.0);
    assert!(wild.times(Span(u64::MAX), u64::MAX) == Span(u64::MAX) && wild.times(Span::millis(1), 0) == Span::ZERO);
}

/// A day's chain bytes of 20 reference hospitals: the records alone inline, and with pointers.
fn day(spec: &WorkloadSpec) -> (f64, f64) {
    let inline = Week::expected(std::slice::from_ref(spec), 1.0, &model("inline"));
    let pointer = Week::expected(std::slice::from_ref(spec), 1.0, &model("hash-pointer"));
    let alone = inline.payload_bytes - inline.transactions * f64::from(INLINE_OVERHEAD_BYTES);
    (alone / 7.0, pointer.payload_bytes / 7.0)
}

#[test]
fn twenty_reference_hospitals_grow_as_computed_by_hand() {
    let (inline, pointer) = day(&workload("ehr", 20, &[]));
    near(inline, 718.0 * 20.0 * 6_769.0, 1e-9, "ehr inline");
    near(inline, 0.097e9, 0.005, "ehr inline, rounded");
    near(pointer, 4.308e6, 1e-9, "ehr pointers");
    let (inline, pointer) = day(&workload("img", 20, &[]));
    // The closed-form mean of the mix, 74.96 MB; a sample of it had 74.8 MB.
    near(inline, 82.0 * 20.0 * 74.96e6, 1e-3, "img inline");
    near(pointer, 0.5412e6, 1e-9, "img pointers");
    let silent = ("alarms_per_bed_day", ParamValue::Number(0.0));
    let mut raw = workload("iot", 20, &[silent]);
    raw.set_word("mode", "raw").unwrap();
    near(day(&raw).0, 777.6e6, 1e-9, "iot raw");
    near(day(&workload("iot", 20, &[silent])).1, 17.28e6, 1e-9, "iot anchored");
}

#[test]
fn a_pointer_cuts_the_payload_of_ehr_by_at_least_nine_tenths() {
    let ehr = [workload("ehr", 20, &[])];
    let payload = |id| {
        let week = Week::expected(&ehr, 1.0, &model(id));
        project(&week, &BlockRate::default(), 20, None)[0].per_node_bytes.payload
    };
    let cut = 1.0 - payload("hash-pointer") / payload("inline");
    assert!((0.90..0.97).contains(&cut), "{cut}");
    near(cut, 1.0 - 300.0 / 6_943.0, 1e-6, "cut");
}

#[test]
fn the_load_multiplies_a_week_and_closed_loops_have_none() {
    let mut ehr = [workload("ehr", 3, &[])];
    let store = model("object-store");
    let (one, five) = (Week::expected(&ehr, 1.0, &store), Week::expected(&ehr, 5.0, &store));
    near(one.transactions, 3.0 * 718.0 * 7.0, 1e-9, "transactions");
    near(one.off_chain_bytes, one.transactions * 1_218.0, 1e-9, "objects");
    near(five.payload_bytes, 5.0 * one.payload_bytes, 1e-9, "load");
    ehr[0].arrival = ledgerlab_workloads::ArrivalMode::Closed { clients: 5, think_ns: 0 };
    assert_eq!(Week::expected(&ehr, 1.0, &store), Week::default());
}

const WEEK: Week = Week { transactions: 604_800.0, payload_bytes: 604.8e6, off_chain_bytes: 604.8e9 };
const BLOCKS: BlockRate = BlockRate { blocks_per_s: 0.1, header_bytes: 200.0, certificate_bytes: 500.0 };

#[test]
fn classes_grow_each_by_its_own_rule_as_blocks_are_counted() {
    let bytes = after(1_000.0, &WEEK, &BLOCKS, 4, None);
    let mut blocks = BytesByClass::default();
    (0..100).for_each(|_| blocks.add_block(200, 500, 10_000, 10));
    blocks[ByteClass::OffChain] = 250_000_000;
    let expected = [
        (ByteClass::Headers, 20_000),
        (ByteClass::Certificates, 50_000),
        (ByteClass::Payload, 1_000_000),
        (ByteClass::State, 1_000 * u64::from(STATE_BYTES_PER_TX)),
        (ByteClass::Index, 1_000 * u64::from(INDEX_BYTES_PER_TX)),
        (ByteClass::OffChain, 250_000_000),
        (ByteClass::Replicas, 0),
    ];
    assert!(blocks.iter().eq(expected), "{blocks:?}");
    for (class, counted) in blocks.iter() {
        assert!((bytes.get(class) - counted as f64).abs() < 1e-3, "{}: {}", class.name(), bytes.get(class));
    }
    assert_eq!((blocks.figures().chain(), blocks.total()), (1_070_000.0, 251_190_000));
}

#[test]
fn retention_saturates_bodies_and_their_index_only() {
    let two_years = Span::secs(2 * 31_557_600);
    let (kept, all) = (project(&WEEK, &BLOCKS, 4, Some(two_years)), project(&WEEK, &BLOCKS, 4, None));
    assert_eq!(kept.iter().map(|y| y.year).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert_eq!(kept[..2], all[..2]);
    for (a, b) in kept.iter().zip(&all).skip(2) {
        for class in ByteClass::ALL {
            let limited = matches!(class, ByteClass::Payload | ByteClass::Index);
            let expected = if limited { &all[1] } else { b }.per_node_bytes.get(class);
            assert_eq!(a.per_node_bytes.get(class), expected, "{} in year {}", class.name(), a.year);
        }
    }
    near(all[9].per_node_bytes.payload, 315.576e9, 1e-9, "ten years of 1 kB/s");
    near(all[0].total_bytes, 31_557_600.0 * (4.0 * (70.0 + 1_000.0 + 120.0) + 1e6), 1e-9, "all nodes and stores");
}
