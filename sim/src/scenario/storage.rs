//! `[storage]`: where objects are kept. Every variant's own table is checked, the selected one is used.

use std::ops::RangeInclusive;

use ledgerlab_consensus::Span;

use crate::scenario::model::{StorageSpec, StorageVariant};
use crate::scenario::problem::Flaw;
use crate::scenario::quantity::BYTE_RATE;
use crate::scenario::reader::Reader;
use crate::scenario::run::SOME_TIME;

/// Ids of the variants, in the order of `ledgerlab list`.
pub const STORAGE_VARIANTS: &[(&str, &str)] = &[
    ("inline", "the record itself is the transaction's payload, at every node"),
    ("hash-pointer", "a pointer with a hash; the object stays in the hospital's own store"),
    ("object-store", "a pointer with a hash; the object goes to an external store through the node's uplink"),
];

const DELAY: RangeInclusive<Span> = Span::ZERO..=Span::secs(3_600);
const SIGMA: RangeInclusive<f64> = 0.0..=5.0;
const STREAM: RangeInclusive<u64> = 1_000..=1_000_000_000_000;

/// Reads `[storage]`.
pub(crate) fn read(r: &mut Reader<'_, '_>) -> StorageSpec {
    let ids: Vec<&str> = STORAGE_VARIANTS.iter().map(|v| v.0).collect();
    let chosen = r.word("variant", 1, &ids);
    let mut variants = [StorageVariant::Inline; 3];
    for (i, id) in ids.iter().enumerate() {
        let read = [inline, hash_pointer, object_store][i];
        variants[i] = if i == chosen { r.section(id, read) } else { r.checked_section(id, read) };
    }
    StorageSpec { variant: variants[chosen], retention: r.optional_span("retention", "forever", SOME_TIME) }
}

fn inline(_: &mut Reader<'_, '_>) -> StorageVariant {
    StorageVariant::Inline
}

/// A store on premises: write 2 to 5 ms, first byte log-normal around 5 ms (assumptions).
fn hash_pointer(r: &mut Reader<'_, '_>) -> StorageVariant {
    let low = r.span("write_min", Span::millis(2), DELAY);
    let high = r.span("write_max", Span::millis(5).max(low), DELAY);
    if high < low {
        r.report(
            "write_max",
            Flaw::new("smaller than `write_min`").limit("at least `write_min`").hint("exchange the two"),
        );
    }
    StorageVariant::HashPointer {
        write: (low, high),
        first_byte: r.span("first_byte", Span::millis(5), DELAY),
        first_byte_sigma: r.number("first_byte_sigma", 0.6, SIGMA),
    }
}

/// An S3-like store inside its region: PUT around 60 ms and 20 ms/MiB, GET 27/60/114 ms at p50/p90/p99, 80 MB/s a
/// stream.
fn object_store(r: &mut Reader<'_, '_>) -> StorageVariant {
    StorageVariant::ObjectStore {
        put: r.span("put", Span::millis(60), DELAY),
        put_per_mib: r.span("put_per_mib", Span::millis(20), DELAY),
        put_sigma: r.number("put_sigma", 0.29, SIGMA),
        get: r.span("get", Span::millis(27), DELAY),
        get_sigma: r.number("get_sigma", 0.62, SIGMA),
        stream_bytes_per_s: r.quantity("stream_bandwidth", &BYTE_RATE, 80_000_000, STREAM),
    }
}
