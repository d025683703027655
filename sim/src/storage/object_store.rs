//! A pointer with a hash on chain; the object goes to an S3-like store through the node's uplink.
//!
//! Only the provider's side is a distribution. The defaults are log-normals through published measurements of S3
//! inside its region: GET 27/60/114 ms at p50/p90/p99; PUT 60 ms and 20 ms for each MiB at the median.

use ledgerlab_consensus::Span;

use super::spread::LogNormal;
use super::{Store, Variant, VariantInfo};
use crate::scenario::StorageVariant;

/// The entry of the list.
pub const INFO: VariantInfo = VariantInfo {
    id: "object-store",
    doc: "a pointer with a hash; the object goes to an external store through the node's uplink",
    default: StorageVariant::ObjectStore {
        put: Span::millis(60),
        put_per_mib: Span::millis(20),
        put_sigma: 0.29,
        get: Span::millis(27),
        get_sigma: 0.62,
        stream_bytes_per_s: 80_000_000,
    },
    open,
};

const MIB: u128 = 1 << 20;

fn open(spec: &StorageVariant) -> Option<Box<dyn Variant>> {
    let StorageVariant::ObjectStore { put, put_per_mib, put_sigma, get, get_sigma, stream_bytes_per_s } = *spec else {
        return None;
    };
    let (put_spread, get_spread) = (LogNormal::new(put_sigma), LogNormal::new(get_sigma));
    Some(Box::new(ObjectStore { put, put_per_mib, put_spread, get, get_spread, stream_bytes_per_s }))
}

/// The model.
#[derive(Debug)]
struct ObjectStore {
    put: Span,
    put_per_mib: Span,
    put_spread: LogNormal,
    get: Span,
    get_spread: LogNormal,
    stream_bytes_per_s: u64,
}

impl Variant for ObjectStore {
    fn id(&self) -> &'static str {
        INFO.id
    }
    fn inline(&self) -> bool {
        false
    }
    fn store(&self) -> Store {
        Store::External
    }
    fn write_ack(&self, bytes: u64, draw: u64) -> Span {
        let size = u128::from(bytes) * u128::from(self.put_per_mib.0) / MIB;
        let median = self.put + Span(u64::try_from(size).unwrap_or(u64::MAX));
        self.put_spread.times(median, draw)
    }
    fn first_byte(&self, draw: u64) -> Span {
        self.get_spread.times(self.get, draw)
    }
    fn stream_bytes_per_s(&self) -> u64 {
        self.stream_bytes_per_s
    }
}
