//! `[node]`: a machine and what computation and the disk cost on it.
//!
//! Cryptography is measured on the reference machine with the usual Rust libraries (ed25519-dalek, blst, sha2);
//! fsync and bandwidth are those of a local NVMe disk. A scenario replaces any of them.

use std::ops::RangeInclusive;

use ledgerlab_consensus::Span;

use crate::scenario::model::{CryptoCosts, DiskSpec, NodeSpec, SignatureScheme};
use crate::scenario::quantity::BYTE_RATE;
use crate::scenario::reader::Reader;

/// Longest cost of one operation.
const COST: RangeInclusive<Span> = Span::ZERO..=Span::secs(3_600);
/// Cores of a host.
pub(crate) const CORES: RangeInclusive<u64> = 1..=1_024;
/// Cores of a host that says nothing.
const DEFAULT_CORES: u64 = 8;

/// Reads `[node]`; the cores of a host that does not say otherwise come beside it.
pub(crate) fn read(r: &mut Reader<'_, '_>) -> (NodeSpec, u32) {
    let cores = r.count("cores", DEFAULT_CORES, CORES) as u32;
    let signatures = match r.word("signatures", 0, &["ed25519", "bls"]) {
        0 => SignatureScheme::Ed25519,
        _ => SignatureScheme::Bls,
    };
    let spec = NodeSpec {
        crypto: r.section("crypto", crypto),
        signatures,
        handling: r.span("handling", Span::micros(2), COST),
        execution: r.span("execution", Span::micros(20), COST),
        disk: DiskSpec {
            fsync: r.span("fsync", Span::micros(300), COST),
            fsync_sigma: r.number("fsync_sigma", 0.5, 0.0..=5.0),
            bytes_per_s: r.quantity("disk_bandwidth", &BYTE_RATE, 1_000_000_000, 1_000..=1_000_000_000_000),
            amplification: r.number("amplification", 1.8, 1.0..=100.0),
        },
        clock_skew: r.span("clock_skew", Span::ZERO, COST),
    };
    (spec, cores)
}

fn crypto(r: &mut Reader<'_, '_>) -> CryptoCosts {
    CryptoCosts {
        sign: r.span("sign", Span::micros(19), COST),
        verify: r.span("verify", Span::micros(33), COST),
        verify_batched: r.span("verify_batched", Span::micros(18), COST),
        bls_verify: r.span("bls_verify", Span::micros(1_250), COST),
        bls_sign: r.span("bls_sign", Span::micros(440), COST),
        bls_per_key: r.span("bls_per_key", Span::nanos(850), COST),
        vrf_prove: r.span("vrf_prove", Span::micros(185), COST),
        vrf_verify: r.span("vrf_verify", Span::micros(250), COST),
        hash_per_kib: r.span("hash_per_kib", Span::nanos(992), COST),
    }
}
