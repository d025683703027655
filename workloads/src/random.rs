//! Random numbers: one ChaCha8 stream for each purpose, so that a change in one leaves the others alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// When records come.
    Times = 0,
    /// Hospital, sizes and holder of each record.
    Marks = 1,
    /// Outages of gateways.
    Outages = 2,
    /// The requests of a closed loop's client.
    Client = 3,
}

/// The generator of one purpose. `stream` is the index of a stream within its workload, `index` that of a gateway
/// or client within it.
pub(crate) fn generator(seed: u64, workload: u16, stream: u8, purpose: Purpose, index: u32) -> ChaCha8Rng {
    let mut key = *b"........ledgerlab workload draws";
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    let purpose = purpose as u64;
    rng.set_stream(u64::from(workload) << 48 | u64::from(stream) << 40 | purpose << 32 | u64::from(index));
    rng
}

/// Uniform between 0 and 1, neither included.
#[inline]
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    ((rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
}

/// Uniform from 0 to `n - 1`, for n of at least 1; the bias is below n / 2^32.
#[inline]
pub(crate) fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::{Purpose, below, generator, unit};

    #[test]
    fn every_coordinate_has_a_stream_of_its_own() {
        let first =
            |seed, workload, stream, purpose, index| generator(seed, workload, stream, purpose, index).next_u64();
        let draws = [
            first(1, 0, 0, Purpose::Times, 0),
            first(2, 0, 0, Purpose::Times, 0),
            first(1, 1, 0, Purpose::Times, 0),
            first(1, 0, 1, Purpose::Times, 0),
            first(1, 0, 0, Purpose::Marks, 0),
            first(1, 0, 0, Purpose::Times, 1),
        ];
        let distinct = draws.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(distinct.len(), draws.len());
        assert_eq!(draws[0], first(1, 0, 0, Purpose::Times, 0));
    }

    #[test]
    fn uniform_numbers_cover_their_range() {
        let mut rng = generator(7, 0, 0, Purpose::Marks, 0);
        let mean = (0..100_000).map(|_| unit(&mut rng)).inspect(|u| assert!(0.0 < *u && *u < 1.0)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 4.0 * 0.2887 / 1e5_f64.sqrt(), "mean {mean}");
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[below(&mut rng, 7) as usize] += 1);
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 400), "{counts:?}");
    }
}
