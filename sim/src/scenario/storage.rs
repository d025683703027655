//! `[storage]`: where objects are kept. Every variant's own table is checked, the selected one is used.

use std::ops::RangeInclusive;

use ledgerlab_consensus::Span;

use crate::scenario::model::{StorageSpec, StorageVariant};
use crate::scenario::problem::Flaw;
use crate::scenario::quantity::BYTE_RATE;
use crate::scenario::reader::Reader;
use crate::storage::{VARIANTS, VariantInfo, hash_pointer};

/// Records are kept for up to a patient's life.
const LONGEST_RETENTION: Span = Span(100 * 365 * 86_400 * 1_000_000_000);
const DELAY: RangeInclusive<Span> = Span::ZERO..=Span::secs(3_600);
const SIGMA: RangeInclusive<f64> = 0.0..=5.0;
const STREAM: RangeInclusive<u64> = 1_000..=1_000_000_000_000;

/// Reads `[storage]`; ids and defaults are those of the list of variants.
pub(crate) fn read(r: &mut Reader<'_, '_>) -> StorageSpec {
    let ids = VARIANTS.map(|v| v.id);
    let default = ids.iter().position(|id| *id == hash_pointer::INFO.id).expect("the list has the default");
    let chosen = r.word("variant", default, &ids);
    let mut variant = StorageVariant::Inline;
    for (i, info) in VARIANTS.iter().enumerate() {
        if i == chosen {
            variant = r.section(info.id, |r| parameters(r, info));
        } else {
            r.checked_section(info.id, |r| parameters(r, info));
        }
    }
    StorageSpec { variant, retention: r.optional_span("retention", "forever", Span(1)..=LONGEST_RETENTION) }
}

/// A variant's own parameters.
fn parameters(r: &mut Reader<'_, '_>, info: &VariantInfo) -> StorageVariant {
    match info.default {
        StorageVariant::Inline => StorageVariant::Inline,
        StorageVariant::HashPointer { write, first_byte, first_byte_sigma, stream_bytes_per_s } => {
            StorageVariant::HashPointer {
                write: write_time(r, write),
                first_byte: r.span("first_byte", first_byte, DELAY),
                first_byte_sigma: r.number("first_byte_sigma", first_byte_sigma, SIGMA),
                stream_bytes_per_s: r.quantity("stream_bandwidth", &BYTE_RATE, stream_bytes_per_s, STREAM),
            }
        }
        StorageVariant::ObjectStore { put, put_per_mib, put_sigma, get, get_sigma, stream_bytes_per_s } => {
            StorageVariant::ObjectStore {
                put: r.span("put", put, DELAY),
                put_per_mib: r.span("put_per_mib", put_per_mib, DELAY),
                put_sigma: r.number("put_sigma", put_sigma, SIGMA),
                get: r.span("get", get, DELAY),
                get_sigma: r.number("get_sigma", get_sigma, SIGMA),
                stream_bytes_per_s: r.quantity("stream_bandwidth", &BYTE_RATE, stream_bytes_per_s, STREAM),
            }
        }
    }
}

/// The least and the longest time of a write; the default of the second is at least the first.
fn write_time(r: &mut Reader<'_, '_>, (low, high): (Span, Span)) -> (Span, Span) {
    let low = r.span("write_min", low, DELAY);
    let high = r.span("write_max", high.max(low), DELAY);
    if high < low {
        let flaw = Flaw::new("smaller than `write_min`").limit("at least `write_min`");
        r.report("write_max", flaw.hint("exchange the two"));
    }
    (low, high)
}
